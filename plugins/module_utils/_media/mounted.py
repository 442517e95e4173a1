# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted where, as this process sees it, and on which block devices it lies."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import RefusedError
from .mounts import MountFacts, parse_mountinfo
from .stack import Number, rdev

__all__ = ["Mounted", "Place"]


class Place(t.NamedTuple):
    """Where a path lies: the mount, and the path from the top of its filesystem, whatever part of that is mounted; empty at the top."""

    mount: MountFacts
    inside: str

    @property
    def number(self) -> Number:
        """Of the filesystem; all its mounts have the same."""
        return self.mount.major, self.mount.minor

    def below(self, path: str) -> str | None:
        """The rest of a path from the top of the filesystem; none where it does not lie below this place."""
        if not self.inside:
            return path
        return path[len(self.inside) + 1 :] if path.startswith(f"{self.inside}/") else None


class Mounted:
    """The mounts of one moment.

    :raises RefusedError: they cannot be told.
    """

    def __init__(self, *, sys_root: str = "/sys") -> None:
        self.sys_root = sys_root
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as handle:
                text = handle.read()
        except OSError as error:
            raise RefusedError(f"what is mounted cannot be read ({error.strerror}), so nothing can be told; mount /proc") from error
        self.mounts = parse_mountinfo(text)
        if len(self.mounts) != len(text.splitlines()):
            raise RefusedError("the kernel's list of mounts has lines of an unknown form, so nothing can be told; report it")
        self._devices: dict[int, frozenset[Number]] = {}

    def devices(self, mount: MountFacts) -> frozenset[Number]:
        """The block devices that a mount's filesystem lies on; none where it lies on no block device that is seen here."""
        if mount.major:
            return frozenset([(mount.major, mount.minor)])
        if mount.number not in self._devices:
            sources = [rdev(part) for part in mount.source.split(":")] if mount.source.startswith("/") else []
            found = {number for number in sources if number is not None}
            self._devices[mount.number] = frozenset(found | self._pooled(found) if mount.type == "btrfs" else found)
        return self._devices[mount.number]

    def _pooled(self, numbers: set[Number]) -> set[Number]:
        """All devices of the btrfs filesystems of which some have these numbers."""
        own = {os.path.basename(os.path.realpath(os.path.join(self.sys_root, "dev", "block", f"{a}:{b}"))) for a, b in numbers}
        found: set[Number] = set()
        top = os.path.join(self.sys_root, "fs", "btrfs")
        with contextlib.suppress(OSError):
            for name in os.listdir(top):
                with contextlib.suppress(OSError):
                    names = set(os.listdir(os.path.join(top, name, "devices")))
                    if names & own:
                        found |= {number for each in names for number in [self._number(each)] if number is not None}
        return found

    def _number(self, name: str) -> Number | None:
        try:
            with open(os.path.join(self.sys_root, "class", "block", name, "dev"), encoding="ascii") as handle:
                major, _colon, minor = handle.read().strip().partition(":")
        except OSError:
            return None
        return int(major), int(minor)

    def on(self, numbers: t.Collection[Number]) -> list[MountFacts]:
        """The mounts of filesystems that lie on any of these block devices."""
        return [mount for mount in self.mounts.values() if not self.devices(mount).isdisjoint(numbers)]

    def place(self, path: str) -> Place | None:
        """Where an existing path lies, links followed; none where there is no such, or where that is not told."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as handle:
                number = next((int(line[7:]) for line in handle if line.startswith("mnt_id:")), -1)
            real = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            return None
        finally:
            os.close(fd)
        mount = self.mounts.get(number)
        if mount is None:
            return None
        inside = os.path.normpath(os.path.join(mount.root, os.path.relpath(real, mount.point)))
        return Place(mount, inside.lstrip("/"))

    def below(self, path: str) -> list[str]:
        """The mount points below a directory, each by its path from there."""
        real = os.path.realpath(path).rstrip("/")
        return [mount.point[len(real) + 1 :] for mount in self.mounts.values() if mount.point.startswith(f"{real}/") and mount.point != "/"]
