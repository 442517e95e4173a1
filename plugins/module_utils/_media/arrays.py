# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Linux RAID arrays (md) of a host, as the kernel shows them."""

from __future__ import annotations

import glob
import os
import typing as t

from .blocklayers import block_layers
from .identity import Device, list_devices

__all__ = ["list_arrays"]

# A member that holds what the array holds.
_IN_SYNC = "in_sync"


def list_arrays(*, sys_root: str = "/sys", run_root: str = "/run") -> list[dict[str, t.Any]]:
    """Each array with its C(name), C(level), number of C(disks), how many of them are missing (C(degraded)), and the serials of its C(members).

    C(others) are devices that belong to it and do not hold its data now: spares, failed ones, and those that are being rebuilt.
    A disk that tells no serial is named as the kernel names it.
    """
    found = []
    devices: dict[str, Device] = {}
    for directory in sorted(glob.glob(os.path.join(sys_root, "block", "*", "md"))):
        devices = devices or {device.name: device for device in list_devices(sys_root=sys_root, run_root=run_root)}
        members: dict[str, list[str]] = {"members": [], "others": []}
        for member in sorted(glob.glob(os.path.join(directory, "dev-*"))):
            kind = "members" if _IN_SYNC in _text(member, "state").split(",") else "others"
            members[kind].extend(_serials(os.path.realpath(os.path.join(member, "block")), devices, sys_root))
        found.append(
            {
                "name": os.path.basename(os.path.dirname(directory)),
                "level": _text(directory, "level") or "unknown",
                # While it is reshaped the number that it had stands behind.
                "disks": _number(_text(directory, "raid_disks").partition(" ")[0]),
                # Levels without redundancy have no such file: with a disk less they do not run.
                "degraded": _number(_text(directory, "degraded")),
                **{kind: sorted(set(serials)) for kind, serials in members.items()},
            }
        )
    return found


def _serials(directory: str, devices: t.Mapping[str, Device], sys_root: str) -> t.Iterator[str]:
    """Of the disks below a member, which may be a partition or a volume over others."""
    major, _colon, minor = _text(directory, "dev").partition(":")
    layers = block_layers(_number(major), _number(minor), sys_root=sys_root)
    for layer in layers:
        below = os.path.join(sys_root, "class", "block", layer.name, "slaves")
        if not (os.path.isdir(below) and os.listdir(below)):
            device = devices.get(layer.name)
            yield next(iter(device.facts.get("serial", ())), layer.name) if device else layer.name


def _text(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
