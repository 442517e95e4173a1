# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filesystem on a medium, and looking into it without a trace."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from .inventory import Each, Inventory, take_inventory
from .mounts import MountFacts
from .private_mounts import UnseenError, clone_of, mounted_again, mounted_read_only
from .stack import Number

__all__ = ["Filesystem", "View", "inventory_of", "unreplayed"]


class View(t.NamedTuple):
    """A filesystem that can be looked into: its top directory, on a read-only mount that nothing is mounted below.

    :ivar unreplayed: it was not unmounted cleanly, and what its log holds is not shown.
    """

    top: int
    unreplayed: bool


@dataclass(frozen=True)
class Filesystem:
    """A filesystem on a medium.

    :arg device: the kernel's name of the device that it is on; C(path) its node, C(number) its number.
    :arg mounts: where it is mounted as this process sees it, those of its top first.
    :arg label: the device as people know it.
    :arg stacked: on a volume, an array, a mapping or an image over the medium, without which it is not seen.
    """

    device: str
    path: str
    number: Number
    type: str
    uuid: str = ""
    mounts: tuple[MountFacts, ...] = ()
    stacked: bool = False
    label: str = ""

    @property
    def mounted(self) -> str:
        """Where it is mounted, the first place of several; empty where it is not."""
        return self.mounts[0].point if self.mounts else ""

    @property
    def key(self) -> Number:
        """The same for each of several devices that it lies on."""
        return (self.mounts[0].major, self.mounts[0].minor) if self.mounts else self.number

    @contextlib.contextmanager
    def opened(self, *, mount_unmounted: bool = True) -> t.Iterator[View]:
        """Look into it, where it is mounted or on a private mount.

        :raises UnseenError: it cannot be looked into.
        """
        with contextlib.ExitStack() as stack:
            if not self.mounts:
                if not mount_unmounted:
                    raise UnseenError("it is not mounted, and mount_unmounted is false; mount it, or leave that out")
                yield View(*stack.enter_context(mounted_read_only(self.path, self.number, self.type)))
                return
            if self.type == "btrfs":
                # A mount shows one subvolume; this one shows all.
                yield View(stack.enter_context(mounted_again(self.path, "btrfs", "subvolid=5")), False)
                return
            yield View(self._clone(stack), False)

    def _clone(self, stack: contextlib.ExitStack) -> int:
        why = UnseenError(f"only a part of it is mounted here (on {self.mounted}); mount all of it")
        for mount in self.mounts:
            if mount.root == "/":
                try:
                    return stack.enter_context(clone_of(mount.point, mount.number))
                except UnseenError as error:
                    why = error
        raise why

    def row(self, inventory: Inventory) -> dict[str, t.Any]:
        """What a result tells of it."""
        told = {"device": self.device, "type": self.type, "uuid": self.uuid, "mounted": self.mounted, "stacked": self.stacked}
        return {**told, "files": inventory.files, "bytes": inventory.bytes, "inventory": inventory.digest}


def inventory_of(filesystem: Filesystem, view: View, each: Each = lambda _path, _facts: None) -> Inventory:
    """C(take_inventory) of a filesystem that is open.

    :raises UnseenError: as that does.
    """
    return take_inventory(view.top, filesystem.type, each)


def unreplayed(filesystem: Filesystem) -> str:
    """What is said of one whose log was not brought in."""
    return (
        f"{filesystem.label}: it was not unmounted cleanly, so files may be missing from what it shows without its log; "
        "mount and unmount it once, and look again"
    )
