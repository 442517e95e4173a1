# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which filesystems lie on a medium: on the device, its partitions and all that is stacked on them. Nothing is written."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .blocklayers import loop_file
from .claims import judge_labels
from .filesystems import Filesystem, inventory_of, unreplayed
from .guards import PATIENCE, find_openers
from .hidden import ask_hidden
from .identity import Device, find_device, list_devices, namespaces_of
from .labels import Labels, find_labels
from .mounted import Mounted
from .mounts import MountFacts
from .private_mounts import UnseenError
from .serials import serial_key
from .stack import Number, Stack
from .tools import ask
from .unlabelled import look_at_bytes
from .volume_groups import inactive_volumes

__all__ = ["Survey", "find_medium", "look_at_all", "survey"]

_SWAP = ("swap", "swsuspend")
_LOCKED = ("crypto_LUKS", "BitLocker", "FVE")
# What is used through a device above it, which then shows all that is in it.
_SHOWN_ABOVE = (*_LOCKED, "linux_raid_member", "bcache")
_VOLUME_GROUP = "LVM2_member"
_MAPPED = ("CRYPT-", "mpath-")
# What the device mapper calls a volume of LVM and each part of one: then comes the group's id.
_VOLUME, _GROUP = "LVM-", 32
# What a partition table takes at both ends at most.
_TABLE = 1 << 20
_EXTENDED = ("0x5", "0xf", "0x85")
# Partitions of loaders, by the types that tables give them.
_LOADERS = ("21686148-6449-6e6f-744e-656564454649", "9e1a2d38-c612-4316-aa26-8b49521e5a8b", "0x41")


@dataclass
class Survey:
    """What lies on a medium.

    :ivar filesystems: those that may be looked into.
    :ivar unknown: why something on it cannot be, one clause each.
    :ivar limits: what was left aside, one sentence each.
    :ivar numbers: the names of the devices, partitions and what is stacked on them.
    """

    filesystems: list[Filesystem] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    numbers: dict[Number, str] = field(default_factory=dict)


def find_medium(serial: str, *, sys_root: str = "/sys", run_root: str = "/run") -> list[Device]:
    """The device of a medium, or all namespaces of an NVMe drive that this host sees.

    :arg serial: case and spaces do not count.
    :raises RefusedError: no device has it, or several that are not known to be one medium.
    """
    devices = list_devices(sys_root=sys_root, run_root=run_root)
    key = serial_key(serial)
    found = {
        device.name: (own, device)
        for device in devices
        if not device.partition
        for own in device.facts.get("serial", ())
        if serial_key(own) == key
    }
    exact, device = next(iter(found.values()), (serial, None))
    namespaces = namespaces_of(device, devices) if device else []
    if len(namespaces) > 1 and len(namespaces) == len(found):
        return namespaces
    if len(found) > 1:
        raise RefusedError(
            f"{len(found)} devices have serial {serial}: {', '.join(found)} (several paths to one medium, or a serial that is not unique); "
            "leave one of them connected"
        )
    return [find_device({"serial": exact}, sys_root=sys_root, run_root=run_root, sizeless=True)]


def survey(devices: t.Sequence[Device], *, sys_root: str = "/sys", run_root: str = "/run") -> Survey:
    """Look at what lies on a medium, by reading only.

    :arg devices: its device, or its namespaces.
    :raises RefusedError: the host does not tell what is mounted, or has no block devices.
    """
    return _Surveying(devices, sys_root, run_root).survey()


def look_at_all(found: Survey, *, mount_unmounted: bool = True) -> list[dict[str, t.Any]]:
    """The filesystems of a survey with their inventories; why one of them cannot be looked into is added to C(found.unknown)."""
    rows = []
    for filesystem in found.filesystems:
        try:
            with filesystem.opened(mount_unmounted=mount_unmounted) as view:
                rows.append(filesystem.row(inventory_of(filesystem, view)))
                if view.unreplayed:
                    found.unknown.append(unreplayed(filesystem))
        except UnseenError as error:
            found.unknown.append(f"{filesystem.label}: {error.message}")
    return rows


class _Surveying(Stack):
    """One look at all devices of a medium."""

    def __init__(self, devices: t.Sequence[Device], sys_root: str, run_root: str) -> None:
        super().__init__(*(device.name for device in devices), sys_root=sys_root)
        self.devices = devices
        self.mounted = Mounted(sys_root=sys_root)
        self.found = Survey()
        self._add_images()
        self.known = {device.name: device for device in list_devices(sys_root=sys_root, run_root=run_root)}
        self.run_root = run_root

    def _add_images(self) -> None:
        """Take up loop devices over files of the medium's own filesystems, as long as there are more."""
        loops = [(name, file) for name in self.loop_names() for file in [loop_file(name)] if file is not None]
        before = -1
        while before != len(self.family):
            before = len(self.family)
            own = {os.makedev(mount.major, mount.minor) for mount in self.mounted.on(self.family)}
            for name, (device, _inode) in loops:
                if device in own:
                    self.add(name)

    def survey(self) -> Survey:
        for device in self.devices:
            self._look_at_whole(device)
        for number, name in list(self.family.items()):
            self._look_at(number, name)
        self._refuse_aliases()
        self._refuse_opened()
        self.found.unknown += [f"{what} cannot be read; run as root, or look at the medium" for what in dict.fromkeys(self.unread)]
        self.found.numbers = dict(self.family)
        return self.found

    def _unknown(self, name: str, why: str) -> None:
        self.found.unknown.append(f"{self._label(name)}: {why}")

    def _look_at_whole(self, device: Device) -> None:
        if not device.size:
            self._unknown(device.name, "it shows no size, as a drive without a medium or a failed one does; look at it")
        hidden = ask_hidden(device, sys_root=self.sys_root, run_root=self.run_root)
        if hidden.state == "hidden":
            self.found.limits.append(f"{hidden.told}, and what lies there was not looked at")
        if device.name.startswith("nvme"):
            self.found.limits.append(f"{device.name}: namespaces of the drive that this host does not see were not looked into")

    def _look_at(self, number: Number, name: str) -> None:
        device = self.known.get(name)
        mounts = self.mounted.on([number])
        if device is None:
            self._unknown(name, "it is gone, or has no node; look again")
            return
        if not device.size:
            if device not in self.devices:
                self._unknown(name, "it shows no size, so it is not active; activate it, or take it off")
            return
        labels = find_labels(device)
        if mounts:
            self._add_mounted(device, mounts, labels)
        elif labels is None:
            self._unknown(name, "what lies on it cannot be read (blkid gives no answer); look at the medium")
        else:
            self._look_at_labels(device, labels)

    def _add_mounted(self, device: Device, mounts: list[MountFacts], labels: Labels | None) -> None:
        ordered = sorted(mounts, key=lambda mount: (mount.root != "/", mount.number))
        shown = {(mount.major, mount.minor) for mount in ordered}
        # One over several devices of the medium is one.
        if any({(mount.major, mount.minor) for mount in other.mounts} & shown for other in self.found.filesystems):
            return
        uuid = labels.uuid if labels else ""
        self._add(device, ordered[0].type, uuid, tuple(ordered))

    def _add(self, device: Device, type_: str, uuid: str, mounts: tuple[MountFacts, ...] = ()) -> None:
        own = {each.name for each in self.devices}
        stacked = device.name not in own and device.parent not in own
        label = self._label(device.name)
        self.found.filesystems.append(Filesystem(device.name, device.path, device.number, type_, uuid, mounts, stacked, label))

    def _label(self, name: str) -> str:
        mapped = self.mapped(name, "name")
        return f"{name} ({mapped})" if mapped else name

    def _look_at_labels(self, device: Device, labels: Labels) -> None:
        kinds = [kind for kind in labels.types if kind not in labels.tables]
        if len(kinds) > 1:
            self._unknown(
                device.name, f"it bears signatures that contradict each other ({', '.join(kinds)}); take off those that do not hold"
            )
            return
        kind = kinds[0] if kinds else ""
        if self.above[device.name]:
            self._look_above(device, kind, labels)
            return
        if self.parts[device.name]:
            self._look_at_table(device, labels)
            if not kind:
                return
        claimed = judge_labels(device.name, labels)
        if kind in _LOCKED:
            self._unknown(device.name, f"it is encrypted ({kind}) and locked; open it, and look again")
        elif claimed:
            self._unknown(device.name, f"{claimed[0]}, and it is not active here; activate it, or take it off")
        elif labels.usage == "filesystem":
            self._add(device, kind, labels.uuid)
        elif kind and kind not in _SWAP:
            self._unknown(device.name, f"it bears {kind}, which cannot be looked into; look at it by hand")
        elif not kind:
            self._look_at_unlabelled(device, labels)

    def _look_above(self, device: Device, kind: str, labels: Labels) -> None:
        """A device that others hold: whether all that is in it is seen there."""
        names = self.above[device.name]
        if all(self._shows_all(device.name, holder, labels) for holder in names):
            return
        if kind == _VOLUME_GROUP:
            try:
                inactive = inactive_volumes(device.path, sys_root=self.sys_root)
            except UnseenError as error:
                self._unknown(device.name, error.message)
                return
            if inactive:
                self._unknown(device.name, f"volumes of its group are not active ({_few(inactive)}); activate them, or remove them")
        elif kind not in _SHOWN_ABOVE:
            self._unknown(device.name, f"it is held by {_few(names)} in a way that is not known here; end that, or look at it by hand")

    def _shows_all(self, name: str, holder: str, labels: Labels) -> bool:
        """Whether a device above shows all of one: a mapping, an array, a partition of its table, or, of a part of a volume, the volume."""
        own, above = self.mapped(name, "uuid"), self.mapped(holder, "uuid")
        return (
            above.startswith(_MAPPED)
            or bool(labels.tables and above.startswith("part"))
            or (own.startswith(_VOLUME) and above.startswith(own[: len(_VOLUME) + _GROUP]))
            or os.path.isdir(os.path.join(self.directory(holder), "md"))
        )

    def _look_at_table(self, device: Device, labels: Labels) -> None:
        rows = [] if device.partition else _rows_of_table(device)
        if len(rows) > len(self.parts[device.name]):
            self._unknown(
                device.name, f"its table has {len(rows)} partitions, and the kernel shows {len(self.parts[device.name])}; run partprobe"
            )
        self.found.limits.append(f"what lies on {device.name} outside of its partitions was not looked at")

    def _look_at_unlabelled(self, device: Device, labels: Labels) -> None:
        if labels.entry.lower() in _EXTENDED:
            return
        if labels.entry.lower() in _LOADERS:
            self.found.limits.append(f"{device.name} is a partition of a boot loader, and was not looked at")
            return
        if labels.tables and (device.partition or _rows_of_table(device)):
            self._unknown(device.name, "the kernel shows none of the partitions that its table has; run partprobe, and look again")
            return
        empty, told = look_at_bytes(device.path, device.size, margin=_TABLE if labels.tables else 0)
        if labels.tables:
            self.found.limits.append(f"the partition table of {device.name} is empty; apart from the table {told}")
        elif empty:
            self.found.limits.append(f"nothing was recognised on {device.name}; {told}")
        else:
            self._unknown(
                device.name, f"nothing that is known lies on it, but it is not empty ({told}); look at it by hand, or overwrite it"
            )

    def _refuse_aliases(self) -> None:
        """Loop devices that show the same bytes once more: what is done through them is not seen."""
        loops = self.loops()
        own = {(facts.st_dev, facts.st_ino) for name, facts in loops.items() if name in self.family.values()}
        for name, facts in loops.items():
            over = self.family.get((os.major(facts.st_rdev), os.minor(facts.st_rdev)))
            if name not in self.family.values() and (over or (facts.st_dev, facts.st_ino) in own):
                self._unknown(name, f"it shows {over or 'the same file'} as well; detach it (losetup --detach)")
                self.family[self.number(name)] = name

    def _refuse_opened(self) -> None:
        """Whatever has an unmounted filesystem's device open, such as a virtual machine, may write to it."""
        numbers = {filesystem.number for filesystem in self.found.filesystems if not filesystem.mounts}
        deadline = time.monotonic() + PATIENCE
        while numbers:
            try:
                found, _unseen = find_openers(lambda facts: (os.major(facts.st_rdev), os.minor(facts.st_rdev)) in numbers)
            except OSError as error:
                raise RefusedError(
                    f"the processes of the host cannot be listed ({error.strerror}), so nothing can be told; mount /proc"
                ) from error
            if found and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            self.found.unknown += [f"a device of it is open by {process}; end that" for process in found[:3]]
            break


def _rows_of_table(device: Device) -> list[str]:
    """The partitions that a device's table has; one that cannot be read counts as one that has some."""
    answer = ask(["partx", "--raw", "--noheadings", "--output", "NR,START,SECTORS", device.path])
    return answer.text.split("\n")[:-1] if answer.code == 0 else ["unread"]


def _few(names: t.Sequence[str]) -> str:
    return ", ".join([*names[:5], *(["…"] if len(names) > 5 else [])])
