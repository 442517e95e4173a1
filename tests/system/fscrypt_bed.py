# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real fscrypt directories on ext4 in loop devices: made by the kernel alone, or by the C(fscrypt) tool with a configuration of the test's own."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import typing as t

from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed, Mounted, need

__all__ = ["CONTENT", "Encrypted", "Fscrypt", "add_key", "forget", "set_old_policy", "set_policy"]

CONTENT = b"a recording that nobody may hear " * 300
_ADD_KEY = 0xC0506617
_SET_POLICY = 0x800C6613
_REMOVE_KEY = 0xC0406618


def _ioctl(directory: pathlib.Path, request: int, argument: bytes) -> bytes:
    buffer = bytearray(argument)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, request, buffer, True)
    finally:
        os.close(fd)
    return bytes(buffer)


def add_key(anywhere: pathlib.Path, key: bytes) -> str:
    """Give the kernel a key for a filesystem; its identifier in hexadecimal, as the kernel tells it."""
    told = _ioctl(anywhere, _ADD_KEY, struct.pack("=II32sII32x", 2, 0, b"", len(key), 0) + key)
    return told[8:24].hex()


def forget(anywhere: pathlib.Path, identifier: str) -> None:
    """Have the kernel forget a key, as C(fscrypt lock) does."""
    _ioctl(anywhere, _REMOVE_KEY, struct.pack("=II16s40x", 2, 0, bytes.fromhex(identifier)))


def set_policy(directory: pathlib.Path, identifier: str, *, contents: int = 1, names: int = 4) -> None:
    _ioctl(directory, _SET_POLICY, struct.pack("=BBBB4x16s", 2, contents, names, 3, bytes.fromhex(identifier)))


def set_old_policy(directory: pathlib.Path, descriptor: bytes) -> None:
    """A v1 policy."""
    _ioctl(directory, _SET_POLICY, struct.pack("=BBBB8s", 0, 1, 4, 3, descriptor))


class Encrypted(t.NamedTuple):
    """An encrypted directory with recordings in it; C(key) is its own, or that of its protector where the tool has made it."""

    mounted: Mounted
    directory: pathlib.Path
    key: bytes
    identifier: str

    @property
    def policy_file(self) -> pathlib.Path:
        return self.mounted.path / ".fscrypt" / "policies" / self.identifier

    @property
    def protector_files(self) -> list[pathlib.Path]:
        return sorted((self.mounted.path / ".fscrypt" / "protectors").iterdir())

    def fill(self, files: int = 5) -> None:
        (self.directory / "2024").mkdir()
        for number in range(files):
            (self.directory / "2024" / f"call-{number}.wav").write_bytes(CONTENT)
        os.sync()

    def contents(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.directory.rglob("*.wav"))]


class Fscrypt:
    """Makes them."""

    def __init__(self, bed: Bed) -> None:
        need("fscrypt", "unshare", "mount")
        self.bed = bed
        self._etc = bed.new("etc")
        self._etc.mkdir()
        for name in ("passwd", "group", "nsswitch.conf"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self._etc)

    def mount(self, options: str = "noatime") -> Mounted:
        """Reading changes nothing on it, nor does the kernel on its own."""
        return self.bed.filesystem("ext4", "-O", "encrypt", "-E", "lazy_itable_init=0", mount=options, mebibytes=16)

    def by_kernel(self, mounted: Mounted | None = None, *, name: str = "store", key: bytes = bytes(range(64))) -> Encrypted:
        """With a key that only the kernel has: nothing of the tool."""
        mounted = mounted or self.mount()
        identifier = add_key(mounted.path, key)
        directory = mounted.path / name
        directory.mkdir()
        set_policy(directory, identifier)
        made = Encrypted(mounted, directory, key, identifier)
        made.fill()
        return made

    def by_tool(
        self, mounted: Mounted | None = None, *, name: str = "store", protector: str = "", shared: Encrypted | None = None
    ) -> Encrypted:
        """With the tool: a raw key opens a protector, which opens the policy's key.

        :arg protector: its name, another one than the directory's.
        :arg shared: an earlier directory of the same filesystem, whose protector serves this one too.
        """
        mounted = mounted or (shared.mounted if shared else self.mount())
        directory, key_file = mounted.path / name, self.bed.new("raw")
        directory.mkdir()
        key_file.write_bytes(key := shared.key if shared else os.urandom(32))
        if not (mounted.path / ".fscrypt").exists():
            self.tool("setup", str(mounted.path), "--quiet")
        policies = mounted.path / ".fscrypt" / "policies"
        before = set(os.listdir(policies))
        source = (
            [f"--protector={mounted.path}:{shared.protector_files[0].name}"]
            if shared
            else ["--source=raw_key", f"--name={protector or name}"]
        )
        self.tool("encrypt", str(directory), *source, f"--key={key_file}", "--quiet")
        key_file.unlink()
        (identifier,) = set(os.listdir(policies)) - before
        made = Encrypted(mounted, directory, key, identifier)
        made.fill()
        return made

    def tool(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the tool with an /etc of the test's own, so that nothing of this machine's is written."""
        script = 'mount --bind "$1" /etc && shift && exec "$@"'
        conf = self._etc / "fscrypt.conf"
        if not conf.exists():
            conf.write_text(
                '{"source": "custom_passphrase", "hash_costs": {"time": "1", "memory": "64", "parallelism": "1"}, '
                '"options": {"padding": "32", "contents": "AES_256_XTS", "filenames": "AES_256_CTS", "policy_version": "2"}}'
            )
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(self._etc), "fscrypt", *arguments]
        done = subprocess.run(
            command, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done
