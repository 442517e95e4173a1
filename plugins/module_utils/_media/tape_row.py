# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tape drive in the form of a medium, with what is in it."""

from __future__ import annotations

import typing as t

from .abilities import Medium, abilities
from .cartridge import Inside, look_into, reasons_against
from .kinds import decide_transport
from .tape import TapeDrive
from .told import told

__all__ = ["tape_medium", "tape_row"]


def tape_medium(drive: TapeDrive, reasons: t.Sequence[str]) -> Medium:
    """What deciding over techniques needs of a tape drive."""
    return Medium("tape", 0, tape_why="; ".join(reasons), scsi_why="it is a tape drive", bridge=decide_transport(drive.place) == "usb")


def tape_row(drive: TapeDrive, overrides: t.Mapping[str, t.Mapping[str, str]] | None = None) -> dict[str, t.Any]:
    """The row of a tape drive; what only a block device has is told as unavailable."""
    inside = look_into(drive)
    reasons = reasons_against(drive, inside)
    medium = tape_medium(drive, reasons)
    says_nothing, no_disk = "the drive does not tell it", {"unavailable": "a tape drive has none"}
    return {
        "name": drive.name,
        "kind": "tape",
        "transport": told(decide_transport(drive.place).replace("unknown", ""), "the kernel does not show what it hangs on"),
        "bridge": medium.bridge,
        "vendor": told(drive.vendor, says_nothing),
        "model": told(drive.model, says_nothing),
        "serial": told(drive.facts.get("serial"), says_nothing),
        "wwn": told(drive.facts.get("wwn"), says_nothing),
        "firmware": told(drive.firmware, says_nothing),
        "identity": {"kind": "tape drive", "facts": drive.facts},
        **dict.fromkeys(
            ("bay", "size_bytes", "sectors", "hidden_capacity", "rotation", "behind", "mmc", "contents", "sanitize_log"), no_disk
        ),
        "namespaces": {"unavailable": "it is not an NVMe drive"},
        "encryption": no_disk,
        "tape": _tape(inside),
        "system": False,
        "free": not reasons,
        "in_use_because": reasons,
        "techniques": [ability.row() for ability in abilities(medium, overrides)],
    }


def _tape(inside: Inside) -> dict[str, t.Any]:
    status = inside.status
    if status is None:
        return {"unavailable": inside.why}
    unknown = "this mt does not tell it; install mt-st"
    return {
        "loaded": told(status.loaded, unknown),
        "write_protected": told(status.write_protected, unknown),
        "flags": told(None, unknown) if status.flags is None else sorted(status.flags),
        "density": told(status.density, "mt does not tell it"),
        "block_bytes": told(status.block_size, "mt does not tell it"),
        "cartridge": _cartridge(inside),
    }


def _cartridge(inside: Inside) -> dict[str, t.Any]:
    memory, says_nothing = inside.memory, "the cartridge's memory does not tell it"
    if memory is None:
        return {"unavailable": inside.memory_why}
    return {
        "serial": told(memory.serial, says_nothing),
        "barcode": told(memory.barcode, says_nothing),
        "manufacturer": told(memory.maker, says_nothing),
        "type": told(memory.kind, says_nothing),
        "capacity_bytes": told(memory.capacity or None, says_nothing),
        "partitions": told(memory.partitions, memory.partitions_why),
    }
