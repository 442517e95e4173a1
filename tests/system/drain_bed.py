# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests of C(media_drain) share: loop devices with serials, recordings on them, and a look that leaves everything as it was.

Run as a program (IMAGE) it looks into the filesystem of the loop device over IMAGE, says so, and waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import sys
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.plugins.module_utils._media.surveying import survey
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import drained_of, look_into
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

__all__ = ["House", "Medium", "loops", "mounts"]


def mounts(*names: str) -> list[str]:
    """The lines of what is mounted that have one of these names; other tests of this machine mount things too."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if any(name in line for name in names)]


def loops(*names: str) -> list[str]:
    """The loop devices over what has one of these names."""
    found = []
    for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            found.append(f"{path.parents[1].name} {path.read_text()}")
    return sorted(line for line in found if any(name in line.partition(" ")[2] for name in names))


def digest(image: pathlib.Path) -> str:
    """Of all blocks of an image that are not zeros, with their places: the same whether zeros are kept or are a hole."""
    os.sync()
    found = hashlib.blake2b()
    zeros = bytes(4096)
    with image.open("rb") as handle:
        size, start = handle.seek(0, os.SEEK_END), 0
        while start < size:
            try:
                start = os.lseek(handle.fileno(), start, os.SEEK_DATA) // 4096 * 4096
                end = os.lseek(handle.fileno(), start, os.SEEK_HOLE)
            except OSError:
                break
            for offset in range(start, end, 4096):
                block = os.pread(handle.fileno(), 4096, offset)
                if block != zeros:
                    found.update(b"%d " % offset + block)
            start = max(end, start + 1)
    return found.hexdigest()


class Medium(t.NamedTuple):
    """A loop device with a serial, its image, and where it is mounted."""

    serial: str
    device: str
    image: pathlib.Path
    path: pathlib.Path | None = None

    @property
    def name(self) -> str:
        return self.device[5:]

    @property
    def point(self) -> pathlib.Path:
        assert self.path is not None
        return self.path


class House:
    """A host whose policy has its root on a medium of its own."""

    def __init__(self, bed: Bed, tmp_path: pathlib.Path) -> None:
        self.bed = bed
        self.run_root = tmp_path / "run"
        (self.run_root / "udev" / "data").mkdir(parents=True)
        self.state = tmp_path / "state"
        self.count = 0
        self.elsewhere = tmp_path / "elsewhere"
        self.elsewhere.mkdir()
        self._world: World | None = None
        self.names = [str(bed.directory)]

    def seen(self) -> tuple[list[str], list[str]]:
        """What is mounted and attached of this test's media."""
        return mounts(*self.names), loops(*self.names)

    def name(self, device: str, serial: str = "") -> str:
        """Have udev's database give a loop device a serial."""
        self.count += 1
        serial = serial or f"MEDIUM{self.count}"
        self.names.append(f"{device}\n")
        number = pathlib.Path(f"/sys/block/{device[5:]}/dev").read_text(encoding="ascii").strip()
        (self.run_root / "udev" / "data" / f"b{number}").write_text(f"E:ID_SERIAL_SHORT={serial}\n", encoding="ascii")
        return serial

    def medium(self, kind: str = "ext4", *make: str, mounted: bool = True, options: str = "") -> Medium:
        image = self.bed.make_image({"xfs": 320, "btrfs": 128}.get(kind, 32))
        device = self.bed.attach(image)
        self.bed.make_filesystem(device, kind, *make)
        return Medium(self.name(device), device, image, self.bed.mount(device, kind, options) if mounted else None)

    def blank(self, content: bytes) -> Medium:
        image = self.bed.fill_image(content)
        device = self.bed.attach(image)
        return Medium(self.name(device), device, image)

    def unmount(self, medium: Medium) -> Medium:
        self.bed.unmount(medium.point)
        return medium._replace(path=None)

    def world(self, medium: Medium) -> World:
        """The world whose recordings lie on a medium, and whose policy has its root there."""
        self._world = World(medium.point)
        self._world.state = self.state
        return self._world

    def params(self, *media: Medium, **options: t.Any) -> dict[str, t.Any]:
        world = self._world
        given = {"media": [medium.serial for medium in media], "copies": [], "mount_unmounted": True, "other_files": "refuse"}
        if world is None:
            return {"policy": None, "holds": [], "requests": [], "state_dir": str(self.state), **given, **options}
        return world.params(**given) | options

    def look(self, *media: Medium, **options: t.Any) -> list[dict[str, t.Any]]:
        """What is told of the media; twice, the same, and nothing of the host has changed, nor any byte of an image that is not mounted."""
        return t.cast("list[dict[str, t.Any]]", self.looked(*media, **options)["media"])

    def looked(self, *media: Medium, **options: t.Any) -> dict[str, t.Any]:
        resting = [medium.image for medium in media if medium.path is None]
        before = [digest(image) for image in resting]
        host = self.seen()
        told = drained_of(self.params(*media, **options), run_root=str(self.run_root))
        again = drained_of(self.params(*media, **options), run_root=str(self.run_root))
        assert self.seen() == host
        assert [digest(image) for image in resting] == before
        assert {**told, "as_of": ""} == {**again, "as_of": ""} and len(json.dumps(told)) < 1 << 16
        assert told["changed"] is False
        return told

    def one(self, medium: Medium, **options: t.Any) -> dict[str, t.Any]:
        (row,) = self.look(medium, **options)
        assert row["serial"] == medium.serial and (row["drained"] == "yes") == (not row["reasons"])
        return row

    def keeps(self, medium: Medium, *words: str, drained: str = "no", **options: t.Any) -> dict[str, t.Any]:
        """The medium is not drained, and a reason has all these words."""
        row = self.one(medium, **options)
        assert row["drained"] == drained, row
        assert any(all(word in reason for word in words) for reason in row["reasons"]), row["reasons"]
        return row

    def lets_go(self, medium: Medium, **options: t.Any) -> dict[str, t.Any]:
        row = self.one(medium, **options)
        assert row["drained"] == "yes", row["reasons"]
        return row

    def copied(self, world: World, medium: Medium | None = None) -> tuple[pathlib.Path, list[dict[str, str]]]:
        """Copies of all recordings, on the host's own filesystem or on a medium, and the option that names them."""
        directory = (medium.point if medium else self.elsewhere) / "store"
        shutil.copytree(world.root, directory, dirs_exist_ok=True)
        return directory, [{"root": str(world.root), "copy": str(directory)}]

    def inventories(self, medium: Medium) -> list[str]:
        rows = look_into({"serial": medium.serial}, run_root=str(self.run_root))
        return [row["inventory"] for row in rows]

    @contextlib.contextmanager
    def partitions(self, medium: Medium) -> t.Iterator[None]:
        """Partitions of a table on a loop device, which only this kernel call takes away again."""
        self.bed.add_partitions(medium.device)
        try:
            yield
        finally:
            run("partx", "--delete", medium.device)


def _main(image: str) -> None:
    found = survey([find_device({"backing_file": image})])
    with found.filesystems[0].opened() as view:
        print(json.dumps(os.listdir(view.top)), flush=True)
        time.sleep(600)


if __name__ == "__main__":
    _main(*sys.argv[1:])
