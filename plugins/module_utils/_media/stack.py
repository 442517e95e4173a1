# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device, its partitions and all that is stacked on them, as the kernel shows them in C(/sys)."""

from __future__ import annotations

import os
import stat

__all__ = ["Number", "Stack", "rdev"]

Number = tuple[int, int]


class Stack:
    """One look through C(/sys); what cannot be read is noted.

    :ivar family: the names of the devices, partitions and what is stacked on them, by number.
    :ivar parts: the partitions of each of them by name; C(above) what the kernel says holds it.
    :ivar holders: all that holds any of them, as people know it.
    :ivar unread: what could not be read.
    """

    def __init__(self, *names: str, sys_root: str = "/sys") -> None:
        self.sys_root = sys_root
        self.unread: list[str] = []
        self.holders: list[str] = []
        self.family: dict[Number, str] = {}
        self.parts: dict[str, list[str]] = {}
        self.above: dict[str, list[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take up a device with all that is on it."""
        number = self.number(name)
        if number in self.family:
            return
        self.family[number] = name
        directory = self.directory(name)
        entries = self.listed(directory, f"the partitions of {name}")
        self.parts[name] = [entry for entry in entries if os.path.exists(os.path.join(directory, entry, "partition"))]
        for entry in self.parts[name]:
            self.add(entry)
        self.above[name] = self.note_holders(name)
        for holder in self.above[name]:
            self.add(holder)

    def directory(self, name: str) -> str:
        return os.path.realpath(os.path.join(self.sys_root, "class", "block", name))

    def read(self, path: str, what: str) -> str:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as handle:
                return handle.read().strip()
        except OSError:
            self.unread.append(what)
            return ""

    def listed(self, path: str, what: str) -> list[str]:
        try:
            return sorted(os.listdir(path))
        except OSError:
            self.unread.append(what)
            return []

    def number(self, name: str) -> Number:
        major, _colon, minor = self.read(os.path.join(self.directory(name), "dev"), f"the number of {name}").partition(":")
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (-1, -1)

    def note_holders(self, name: str) -> list[str]:
        found = self.listed(os.path.join(self.directory(name), "holders"), f"what holds {name}")
        for holder in found:
            told = self.mapped(holder, "name")
            self.holders.append(f"{holder} ({told})" if told else holder)
        return found

    def mapped(self, name: str, fact: str) -> str:
        """C(name) or C(uuid) of a device of the device mapper; empty of another."""
        own = os.path.join(self.directory(name), "dm", fact)
        return self.read(own, f"the {fact} of {name}") if os.path.exists(own) else ""

    def loops(self) -> dict[str, os.stat_result]:
        """All loop devices of the host with what lies below them, as far as that has a path."""
        return {name: facts for name in self.loop_names() for facts in [self._backing(name)] if facts is not None}

    def loop_names(self) -> list[str]:
        """All loop devices of the host that are in use."""
        block = os.path.join(self.sys_root, "block")
        names = self.listed(block, "which loop devices there are")
        return [name for name in names if os.path.exists(os.path.join(block, name, "loop", "backing_file"))]

    def _backing(self, name: str) -> os.stat_result | None:
        """The file of a loop device, by its path; none of another device."""
        try:
            with open(
                os.path.join(self.sys_root, "block", name, "loop", "backing_file"), encoding="utf-8", errors="surrogateescape"
            ) as handle:
                return os.stat(handle.read().rstrip("\n"))
        except OSError:
            return None


def rdev(path: str) -> Number | None:
    """The number of the block device at a path; none where there is no such."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return (os.major(facts.st_rdev), os.minor(facts.st_rdev)) if stat.S_ISBLK(facts.st_mode) else None
