# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on a device, as blkid recognises it."""

from __future__ import annotations

import json
import os
import typing as t

from .identity import Device
from .tools import ask

__all__ = ["Labels", "find_labels", "find_signatures", "parse_wipefs"]

# What blkid ends with where it found nothing, and where it found several that contradict each other.
_NOTHING, _AMBIVALENT = 2, 8
# The number of devices in the superblock of btrfs.
_BTRFS_DEVICES, _NUMBER = 0x10000 + 0x88, 8


class Labels(t.NamedTuple):
    """What is on a device.

    :arg types: filesystems, members and partition tables; C(names) the labels that they bear.
    :arg devices: of how many a filesystem that can have several consists.
    :arg usage: what blkid calls its use, C(filesystem), C(raid), C(crypto) or C(other); C(uuid) what it bears.
    :arg tables: the partition tables among the types; C(entry) the type that the table which it lies in gives it.
    """

    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    devices: int = 1
    usage: str = ""
    uuid: str = ""
    tables: tuple[str, ...] = ()
    entry: str = ""


def find_signatures(device: Device) -> tuple[str, ...] | None:
    """The filesystems and partition tables that C(blkid) sees on the device itself; C(None) where it cannot be asked."""
    labels = find_labels(device)
    return None if labels is None else labels.types


def find_labels(device: Device) -> Labels | None:
    """The same with what tells of more than the device; C(None) where it cannot be asked."""
    done = ask(["blkid", "-p", "-o", "export", device.path])
    if done.code == _NOTHING:
        return Labels()
    if done.code == _AMBIVALENT:
        # It names none of them then; wipefs names each.
        listed = ask(["wipefs", "--no-act", "--json", "--output", "TYPE,LABEL", device.path])
        return parse_wipefs(listed.output) if listed.code == 0 else None
    if done.code != 0:
        return None
    told = [line.partition("=") for line in done.text.splitlines()]
    types = tuple(value for key, _sign, value in told if key in ("TYPE", "PTTYPE"))
    names = tuple(value for key, _sign, value in told if key == "LABEL")
    tables = tuple(value for key, _sign, value in told if key == "PTTYPE")
    one = {key: value for key, _sign, value in told}
    devices = _btrfs_devices(device) if "btrfs" in types else 1
    return Labels(types, names, devices, one.get("USAGE", ""), one.get("UUID", ""), tables, one.get("PART_ENTRY_TYPE", ""))


def parse_wipefs(output: bytes) -> Labels | None:
    """What C(wipefs --no-act --json) tells; C(None) where it has another form or is empty."""
    try:
        rows = json.loads(output)["signatures"]
        pairs = [(row["type"], row["label"]) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    types = tuple(dict.fromkeys(str(type_) for type_, _label in pairs))
    return Labels(types, tuple(dict.fromkeys(str(label) for _type, label in pairs if label))) if types else None


def _btrfs_devices(device: Device) -> int:
    """More than one also where that cannot be read."""
    try:
        fd = os.open(device.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return int.from_bytes(os.pread(fd, _NUMBER, _BTRFS_DEVICES), "little") or 2
        finally:
            os.close(fd)
    except OSError:
        return 2
