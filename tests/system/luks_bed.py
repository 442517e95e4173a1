# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests of LUKS volumes share: real volumes on loop devices, the module over them, and what an adversary does with the image."""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
import typing as t

from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed, need, run

__all__ = ["CHEAP", "DATA", "DECLARED", "KEY", "MIB", "Volume", "left_of", "make_volume", "material", "opens"]

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
    """A volume on a loop device, the key file that opens it, and its detached header where it has one."""

    image: pathlib.Path
    device: str
    key: pathlib.Path
    header: pathlib.Path | None
    uuid: str

    @property
    def target(self) -> dict[str, t.Any]:
        given = {"kind": "luks", "device": {"backing_file": str(self.image)}, "key_file": str(self.key)}
        return {**given, "header": str(self.header)} if self.header else given

    @property
    def files(self) -> list[pathlib.Path]:
        return [self.image, *([self.header] if self.header else [])]


def make_volume(bed: Bed, kind: str = "luks2", *options: str, apart: bool = False, mebibytes: int = 0, inside: pathlib.Path | None = None) -> Volume:
    """A volume full of noise, as its data are."""
    need("losetup", "cryptsetup")
    size = mebibytes or (2 if apart else DATA[kind] // MIB + 2)
    image = bed.fill_image(os.urandom(size * MIB), inside=inside)
    device = bed.attach(image)
    key = bed.directory / "volume.key"
    key.write_bytes(KEY)
    header = bed.directory / "detached" if apart else None
    where = ["--header", str(header), device] if header else [device]
    if header:
        header.write_bytes(bytes(DATA[kind]))
    run("cryptsetup", "luksFormat", *CHEAP, "--type", kind, "--key-file", str(key), *options, *where)
    os.sync()
    return Volume(image, device, key, header, run("cryptsetup", "luksUUID", str(header or device)).strip())


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
