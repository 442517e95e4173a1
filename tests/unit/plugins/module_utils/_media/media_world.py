# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of the form that the kernel shows below C(/sys) and udev below C(/run); the contents are those of real disks, renumbered."""

from __future__ import annotations

import pathlib

__all__ = ["World"]


class World:
    """Disks and partitions. An attribute's name is its path with C(__) for C(/)."""

    def __init__(self, root: pathlib.Path) -> None:
        self.sys, self.run, self.proc = root / "sys", root / "run", root / "proc"
        for directory in (self.sys / "block", self.sys / "class" / "block", self.sys / "dev" / "block", self.run / "udev" / "data"):
            directory.mkdir(parents=True)
        (self.proc / "self").mkdir(parents=True)
        self.write(self.proc / "self" / "mountinfo", "21 1 254:9 / / rw - ext4 /dev/vdz rw\n")
        self.write(self.proc / "swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")

    @property
    def roots(self) -> dict[str, str]:
        return {"sys_root": str(self.sys), "run_root": str(self.run)}

    @staticmethod
    def write(path: pathlib.Path, text: str | bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def _node(self, directory: pathlib.Path, name: str, number: str, mebibytes: int, more: str) -> None:
        major, minor = number.split(":")
        (directory / "holders").mkdir(parents=True)
        self.write(directory / "dev", f"{number}\n")
        self.write(directory / "size", f"{mebibytes * 2048}\n")
        self.write(directory / "ro", "0\n")
        self.write(directory / "uevent", f"MAJOR={major}\nMINOR={minor}\nDEVNAME={name.replace('!', '/')}\n{more}")
        for place in (self.sys / "class" / "block" / name, self.sys / "dev" / "block" / number):
            place.symlink_to(directory)

    def disk(self, name: str, number: str, *, mebibytes: int = 64, bus: str = "pci0000:00", **attributes: str | bytes) -> pathlib.Path:
        directory = self.sys / "devices" / bus / "block" / name
        self._node(directory, name, number, mebibytes, "DEVTYPE=disk\nDISKSEQ=7\n")
        (self.sys / "block" / name).symlink_to(directory)
        told = {"queue__logical_block_size": "512\n", "queue__physical_block_size": "4096\n", "queue__zoned": "none\n", "diskseq": "7\n"}
        for path, text in {**told, **attributes}.items():
            self.write(directory / path.replace("__", "/"), text)
        return directory

    def partition(self, disk: str, name: str, number: str, *, mebibytes: int = 8, partuuid: str = "") -> pathlib.Path:
        directory = (self.sys / "block" / disk).resolve() / name
        uuid = f"PARTUUID={partuuid}\n" if partuuid else ""
        self._node(directory, name, number, mebibytes, f"DEVTYPE=partition\nPARTN={name[-1]}\n{uuid}")
        self.write(directory / "partition", f"{name[-1]}\n")
        return directory

    def udev(self, number: str, text: str) -> None:
        self.write(self.run / "udev" / "data" / f"b{number}", text)

    def hold(self, below: str, holder: str) -> None:
        (self.sys / "class" / "block" / below / "holders" / holder).symlink_to((self.sys / "class" / "block" / holder).resolve())
