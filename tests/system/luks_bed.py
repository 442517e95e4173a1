# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests of LUKS volumes share: real volumes on loop devices, the module over them, and what an adversary does with the image."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.modules.crypto_erase import main
from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed, need, run
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run as module

__all__ = [
    "CHEAP",
    "DATA",
    "DECLARED",
    "KEY",
    "MIB",
    "Run",
    "Volume",
    "digests",
    "eraser",
    "in_memory",
    "left_of",
    "make_volume",
    "material",
    "opens",
    "refused",
    "state_of",
    "write",
]

Run = t.Callable[..., dict[str, t.Any]]

MIB = 1 << 20
KEY = b"CANARY-0f9d1c-of-the-key-file"
CHEAP = ("--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
# Where the data of a default volume begin.
DATA = {"luks1": 2 * MIB, "luks2": 16 * MIB}
# What cannot be seen on a machine of which nothing is known.
DECLARED = {
    "encrypted_from_first_write": "made by this test",
    "no_stale_copy": "made by this test",
    "not_in_memory": "made by this test",
    # A sandbox does not let the machine's own disk be read.
    "no_backup": "made by this test",
}


class Volume(t.NamedTuple):
    """A volume on a loop device, the key file that opens it, and its detached header where it has one.

    :ivar seen: the image as the loop device has it, which on a lying medium is another path.
    """

    image: pathlib.Path
    device: str
    key: pathlib.Path
    header: pathlib.Path | None
    seen: pathlib.Path

    @property
    def target(self) -> dict[str, t.Any]:
        given = {"kind": "luks", "device": {"backing_file": str(self.seen)}, "key_file": str(self.key)}
        return {**given, "header": str(self.header)} if self.header else given

    @property
    def files(self) -> list[pathlib.Path]:
        return [self.image, *([self.header] if self.header else [])]


def make_volume(
    bed: Bed,
    kind: str = "luks2",
    *options: str,
    apart: bool = False,
    mebibytes: int = 0,
    lying: tuple[pathlib.Path, pathlib.Path] | None = None,
) -> Volume:
    """A volume full of noise, as its data are.

    :arg lying: backing directory and mount point of a medium that may lie.
    """
    need("losetup", "cryptsetup")
    size = mebibytes or (2 if apart else DATA[kind] // MIB + 2)
    image = bed.fill_image(os.urandom(size * MIB), inside=lying[0] if lying else None)
    seen = lying[1] / image.name if lying else image
    device = bed.attach(seen)
    key = bed.directory / "volume.key"
    key.write_bytes(KEY)
    header = bed.directory / "detached" if apart else None
    where = ["--header", str(header), device] if header else [device]
    if header:
        header.write_bytes(bytes(DATA[kind]))
    run("cryptsetup", "luksFormat", *CHEAP, "--type", kind, "--key-file", str(key), *options, *where)
    os.sync()
    return Volume(image, device, key, header, seen)


def opens(volume: Volume, *header: str) -> bool:
    """Whether the key file opens the volume, perhaps with another header."""
    where = ["--header", *header, volume.device] if header else [volume.device]
    command = ["cryptsetup", "open", "--test-passphrase", "--batch-mode", "--key-file", str(volume.key), *where]
    return subprocess.run(command, env={**os.environ, "PATH": PATH}, capture_output=True, check=False).returncode == 0


def material(header: bytes) -> set[bytes]:
    """The sectors of a header area that tell anything."""
    sectors = {header[start : start + 512] for start in range(0, len(header), 512)}
    return {sector for sector in sectors if len(set(sector)) > 1}


def left_of(old: set[bytes], *images: pathlib.Path) -> int:
    """How many sectors of an old header are found in raw images."""
    found = 0
    for image in images:
        with image.open("rb") as handle:
            found += sum(sector in old for sector in iter(functools.partial(handle.read, 512), b""))
    return found


@contextlib.contextmanager
def in_memory() -> t.Iterator[Bed]:
    """A bed for tests in which nothing depends on the medium."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        bed = Bed(pathlib.Path(directory))
        try:
            yield bed
        finally:
            bed.close()


def eraser(state: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The module, with what cannot be seen declared."""
    given = {"level": "purge", "state_dir": str(state), "on_unseen": "report", "declared": DECLARED, "header_backups": []}

    def call(*, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        wanted = {key: value for key, value in {**given, **options}.items() if value is not None}
        result = module(main, capsys, monkeypatch, check=check, **wanted)
        assert KEY.decode() not in json.dumps(result)
        return result

    return call


def digests(*paths: pathlib.Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def refused(volume: Volume, erase: Run, words: str, *others: pathlib.Path, **options: t.Any) -> None:
    """In both modes, with these words, and no byte changes."""
    before = digests(*volume.files, *others)
    for check in (True, False):
        result = erase(check=check, **{"target": volume.target, **options})
        assert result.get("failed") and words in result["msg"] and "\n" not in result["msg"], result
        assert result.get("outcome", "not_destroyed") == "not_destroyed" and not result.get("changed")
    assert digests(*volume.files, *others) == before


def state_of(result: dict[str, t.Any], name: str) -> str:
    return next(str(each["state"]) for each in result["preconditions"] if each["name"] == name)


def write(path: pathlib.Path | str, offset: int, content: bytes) -> None:
    with open(path, "r+b") as handle:
        handle.seek(offset)
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
