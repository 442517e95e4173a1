# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of medium a block device is: decided from facts, which are gathered apart."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLASH", "KINDS", "MAGNETIC", "Signs", "decide_kind", "decide_transport"]

KINDS = (
    *("hdd", "sata_ssd", "nvme", "sas_hdd", "sas_ssd", "smr", "hybrid", "usb", "emmc", "sd", "ufs", "tape", "optical"),
    *("virtual", "loop", "memory", "unknown"),
)
# A hybrid has both, so what reaches one of them does not reach the other.
FLASH = frozenset({"sata_ssd", "nvme", "sas_ssd", "hybrid", "usb", "emmc", "sd", "ufs"})
MAGNETIC = frozenset({"hdd", "sas_hdd", "smr", "hybrid", "tape"})

_MMC = {"MMC": "emmc", "SD": "sd", "SDcombo": "sd"}


@dataclass(frozen=True)
class Signs:
    """What was seen of a device.

    :arg name: the kernel's name.
    :arg place: its directory below C(/sys), which tells what it hangs on.
    :arg layer: the kind that C(block_layers) gives: C(disk), C(virtual), C(loop), C(dm), C(md), C(memory), C(cache).
    :arg rotation: revolutions a minute, 0 for none; C(None) where the device does not tell.
    :arg rotational: what the kernel takes it for; it says so of many bridges and virtual disks that do not turn.
    :arg mmc: the C(type) of an MMC device; C(scsi) the peripheral type of a SCSI device.
    :arg model: as the device names itself.
    """

    name: str
    place: str
    layer: str
    rotation: int | None = None
    rotational: bool | None = None
    zoned: bool = False
    mmc: str = ""
    scsi: int | None = None
    model: str = ""


def decide_transport(place: str) -> str:
    """What the device hangs on: C(usb), C(nvme), C(mmc), C(ufs), C(sata), C(sas), C(fibre), C(iscsi), C(virtio), C(none) or C(unknown)."""
    for mark, transport in (
        # A bridge comes first: what lies behind it is seen through it only.
        ("/usb", "usb"),
        ("/nvme", "nvme"),
        ("/mmc_host/", "mmc"),
        ("ufshc", "ufs"),
        ("/session", "iscsi"),
        ("/rport-", "fibre"),
        ("/end_device-", "sas"),
        ("/ata", "sata"),
        ("/virtio", "virtio"),
        ("/virtual/", "none"),
    ):
        if mark in place:
            return transport
    return "unknown"


def decide_kind(signs: Signs) -> str:
    """One of C(KINDS); C(unknown) where the signs do not tell, which every technique but those for all media then refuses."""
    if signs.scsi == 1:
        return "tape"
    if signs.scsi == 5 or signs.name.startswith("sr"):
        return "optical"
    if signs.layer in ("loop", "memory"):
        return signs.layer
    if signs.layer in ("virtual", "dm", "md", "cache"):
        return "virtual"
    transport = decide_transport(signs.place)
    if transport == "mmc":
        return _MMC.get(signs.mmc, "unknown")
    if transport in ("usb", "nvme", "ufs"):
        return transport
    if signs.zoned:
        return "smr"
    turns = _turns(signs)
    if turns is None or transport not in ("sata", "sas", "fibre", "unknown"):
        return "unknown"
    if turns and any(word in signs.model.upper().split() for word in ("SSHD", "FIRECUDA")):
        return "hybrid"
    if transport == "sas":
        return "sas_hdd" if turns else "sas_ssd"
    return "hdd" if turns else "sata_ssd"


def _turns(signs: Signs) -> bool | None:
    """What the device says counts; what the kernel took it for only where it says nothing."""
    if signs.rotation is not None:
        return signs.rotation > 0
    return signs.rotational
