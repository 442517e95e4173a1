# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real fscrypt directories on ext4 in loop devices: made by the kernel alone, or by the C(fscrypt) tool with a configuration of the test's own."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.modules.crypto_erase import main
from ansible_collections.recordings.disposal.tests.system.device_bed import sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed, Mounted, need
from ansible_collections.recordings.disposal.tests.unit.plugins.modules import module_world

__all__ = [
    "CONTENT",
    "VOUCHED",
    "Encrypted",
    "Erase",
    "Fscrypt",
    "add_key",
    "digest",
    "eraser",
    "fail_io",
    "forget",
    "is_locked",
    "set_old_policy",
    "set_policy",
]

Erase = t.Callable[..., dict[str, t.Any]]
# What this machine's processes hide from a test, a person vouches for.
VOUCHED = {"not_in_memory": "the test"}
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


def eraser(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Erase:
    """The module over a directory, with all that is needed for C(destroyed) unless a test says otherwise."""

    def call(made: Encrypted, *, check: bool = False, target: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {
            **{"level": "purge", "on_unseen": "report", "state_dir": str(bed.directory / "state"), "verify": "all"},
            **{"header_backups": [], "declared": VOUCHED, **options},
        }
        what = {"kind": "fscrypt", "directory": str(made.directory), **(target or {})}
        return module_world.run(main, capsys, monkeypatch, check=check, target=what, **given)

    return call


def digest(made: Encrypted) -> str:
    os.sync()
    return sha256(made.mounted.image)


def is_locked(made: Encrypted) -> bool:
    """No file can be opened for want of the key, and no name is in the clear."""
    files = [pathlib.Path(parent) / name for parent, _directories, names in os.walk(made.directory) for name in names]
    for path in files:
        with pytest.raises(OSError) as caught:
            path.read_bytes()
        assert caught.value.errno == errno.ENOKEY
    return bool(files) and not any("call" in str(path) for path in files)


def fail_io(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
    raise OSError(errno.EIO, os.strerror(errno.EIO))
