# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of medium a block device is: decided from facts, which are gathered apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["FLASH", "KINDS", "MAGNETIC", "Signs", "decide_kind", "decide_transport", "is_volume"]

KINDS = (
    *("hdd", "sata_ssd", "nvme", "sas_hdd", "sas_ssd", "smr", "hybrid", "usb", "emmc", "sd", "ufs", "tape", "optical"),
    *("virtual", "volume", "loop", "memory", "unknown"),
)
# A hybrid has both, so what reaches one of them does not reach the other.
FLASH = frozenset({"sata_ssd", "nvme", "sas_ssd", "hybrid", "usb", "emmc", "sd", "ufs"})
MAGNETIC = frozenset({"hdd", "sas_hdd", "smr", "hybrid", "tape"})

_MMC = {"MMC": "emmc", "SD": "sd", "SDcombo": "sd"}
_UFS_DRIVER = "ufshcd"
# Drivers of controllers that show volumes beside single drives, and on which of their channels the volumes are: the first and last one.
_VOLUME_CHANNELS = {"megaraid_sas": (2, 3), "mpt2sas": (1, 1), "mpt3sas": (1, 1), "aacraid": (0, 0)}
# Those that show hardly anything but volumes; an ATA disk that is passed through calls itself one.
_VOLUME_DRIVERS = frozenset(
    {
        *("3w-9xxx", "3w-sas", "3w-xxxx", "arcmsr", "esas2r", "gdth", "hptiop", "ipr", "ips", "megaraid", "megaraid_legacy", "mvumi"),
        *("myrb", "myrs", "pmcraid", "stex"),
    }
)
_VOLUME_MODELS = re.compile(
    r"LOGICAL VOLUME|LOGICAL DRIVE|\bPERC\b|\bRAID|MEGARAID|SERVERAID|^MR\d{4}|UCSC-\w*RAID|VIRTUAL DRIVE", re.IGNORECASE
)


@dataclass(frozen=True)
class Signs:
    """What was seen of a device.

    :arg name: the kernel's name.
    :arg place: its directory below C(/sys), which tells what it hangs on.
    :arg layer: the kind that C(block_layers) gives: C(disk), C(virtual), C(volume), C(loop), C(dm), C(md), C(memory), C(cache).
    :arg rotation: revolutions a minute, 0 for none; C(None) where the device does not tell.
    :arg rotational: what the kernel takes it for; it says so of many bridges and virtual disks that do not turn.
    :arg mmc: the C(type) of an MMC device; C(scsi) the peripheral type of a SCSI device.
    :arg model: as the device names itself.
    :arg ata: it is an ATA disk, whatever the host speaks to it through.
    :arg driver: of the SCSI host, as the kernel's C(proc_name) tells it.
    :arg raid_level: that a controller's driver tells of a volume, C(N/A) of a single drive; empty where it tells none.
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
    ata: bool = False
    driver: str = ""
    raid_level: str = ""


def is_volume(signs: Signs) -> bool:
    """Whether it is what a RAID controller makes of several drives, or of one, and not a drive."""
    if signs.name.startswith(("cciss", "ida", "rssd/")):
        return True
    if signs.raid_level:
        return signs.raid_level != "N/A"
    if signs.ata:
        return False
    if signs.driver in _VOLUME_CHANNELS:
        first, last = _VOLUME_CHANNELS[signs.driver]
        address = re.search(r"/\d+:(\d+):\d+:\d+(?:/|$)", signs.place)
        return address is None or first <= int(address[1]) <= last
    return signs.driver in _VOLUME_DRIVERS or bool(_VOLUME_MODELS.search(signs.model))


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
    transport = "ufs" if signs.driver == _UFS_DRIVER else decide_transport(signs.place)
    if signs.layer == "volume" or is_volume(signs):
        return "volume"
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
    if transport == "sas" and not signs.ata:
        return "sas_hdd" if turns else "sas_ssd"
    return "hdd" if turns else "sata_ssd"


def _turns(signs: Signs) -> bool | None:
    """What the device says counts; what the kernel took it for only where it says nothing."""
    if signs.rotation is not None:
        return signs.rotation > 0
    return signs.rotational
