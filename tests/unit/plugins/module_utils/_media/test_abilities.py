# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind a medium is, and which techniques reach which level on it; refusals first."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import Ability, Medium, abilities
from ansible_collections.recordings.disposal.plugins.module_utils._media.ata import Identified, SanitizeState, read_identify
from ansible_collections.recordings.disposal.plugins.module_utils._media.kinds import (
    KINDS,
    Signs,
    decide_kind,
    decide_transport,
    is_volume,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.nvme import (
    Controller,
    SanitizeLog,
    parse_controller,
    parse_sanitize_log,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.scsi import ScsiState
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_ata import identify
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_nvme import LOGS, controller

PCI = "/sys/devices/pci0000:00/0000:00:17.0"
SATA = f"{PCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda"
SAS = f"{PCI}/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda"
USB = f"{PCI}/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb"


def volume(channel: int) -> str:
    """Where a controller that has no transport class shows what is on one of its channels."""
    return f"{PCI}/host0/target0:{channel}:0/0:{channel}:0:0/block/sda"


@pytest.mark.parametrize(
    ("signs", "kind"),
    [
        (Signs("sda", SATA, "disk", rotation=5400, rotational=True), "hdd"),
        (Signs("sda", SATA, "disk", rotation=0, rotational=True), "sata_ssd"),
        (Signs("sda", SATA, "disk", rotational=False), "sata_ssd"),
        (Signs("sda", SATA, "disk"), "unknown"),
        (Signs("sda", SATA, "disk", rotation=7200, zoned=True), "smr"),
        (Signs("sda", SATA, "disk", rotation=5400, model="ST1000LX015 FireCuda"), "hybrid"),
        (Signs("sda", SAS, "disk", rotation=10000, scsi=0), "sas_hdd"),
        (Signs("sda", SAS, "disk", rotation=0, scsi=0), "sas_ssd"),
        # Behind a SAS controller, or one of no kind that the kernel tells.
        (Signs("sda", SAS, "disk", rotation=7200, scsi=0, ata=True), "hdd"),
        (Signs("sda", SAS, "disk", rotation=0, scsi=0, ata=True, driver="mpt3sas"), "sata_ssd"),
        (Signs("sda", volume(0), "disk", rotation=7200, ata=True, driver="megaraid_sas"), "hdd"),
        (Signs("sda", volume(0), "disk", rotation=0, driver="ufshcd"), "ufs"),
        (Signs("sda", volume(2), "disk", rotational=True, driver="megaraid_sas", model="PERC H730 Mini"), "volume"),
        (Signs("sdb", USB, "disk", rotational=True), "usb"),
        (Signs("nvme0n1", f"{PCI}/nvme/nvme0/nvme0n1", "disk"), "nvme"),
        (Signs("mmcblk0", "/sys/devices/platform/soc/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "disk", mmc="MMC"), "emmc"),
        (Signs("mmcblk1", "/sys/devices/platform/soc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1", "disk", mmc="SD"), "sd"),
        (Signs("mmcblk1", "/sys/devices/platform/soc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1", "disk"), "unknown"),
        (Signs("sda", "/sys/devices/platform/soc/1d84000.ufshc/host0/target0:0:0/0:0:0:0/block/sda", "disk"), "ufs"),
        (Signs("vda", f"{PCI}/virtio1/block/vda", "virtual", rotational=True), "virtual"),
        (Signs("sda", SATA, "virtual", rotation=7200), "virtual"),
        (Signs("loop0", "/sys/devices/virtual/block/loop0", "loop"), "loop"),
        (Signs("zram0", "/sys/devices/virtual/block/zram0", "memory"), "memory"),
        (Signs("dm-0", "/sys/devices/virtual/block/dm-0", "dm"), "virtual"),
        (Signs("sr0", SATA, "disk", scsi=5), "optical"),
        (Signs("st0", SAS, "disk", scsi=1), "tape"),
        (Signs("sdc", f"{PCI}/host4/session1/target4:0:0/4:0:0:1/block/sdc", "disk", rotation=7200), "unknown"),
    ],
)
def test_the_kind(signs: Signs, kind: str) -> None:
    assert decide_kind(signs) == kind and kind in KINDS


@pytest.mark.parametrize(
    ("channel", "about", "told"),
    [
        # Channels as megaraid_sas.h, mpt3sas_scsih.c and aacraid.h have them.
        (2, {"driver": "megaraid_sas"}, True),
        (3, {"driver": "megaraid_sas"}, True),
        (1, {"driver": "megaraid_sas", "model": "ST4000NM0035"}, False),
        (1, {"driver": "mpt3sas", "model": "Logical Volume"}, True),
        (0, {"driver": "mpt3sas", "model": "ST4000NM0035"}, False),
        (1, {"driver": "mpt2sas"}, True),
        (0, {"driver": "aacraid"}, True),
        (1, {"driver": "aacraid"}, False),
        # What the drivers hpsa and smartpqi tell themselves.
        (0, {"driver": "hpsa", "raid_level": "RAID 1(+0)", "model": "LOGICAL VOLUME"}, True),
        (0, {"driver": "smartpqi", "raid_level": "RAID-5"}, True),
        (0, {"driver": "smartpqi", "raid_level": "N/A", "model": "MB4000JVYZQ"}, False),
        # Controllers that show nothing else, or name it so.
        (0, {"driver": "3w-9xxx", "model": "9650SE-4LP DISK"}, True),
        (0, {"driver": "arcmsr", "model": "ARC-1880-VOL#00"}, True),
        (0, {"driver": "arcmsr", "ata": True}, False),
        (0, {"driver": "mpi3mr", "model": "MR9660-16i"}, True),
        (0, {"driver": "ahci", "model": "ST4000NM0035"}, False),
        (0, {"driver": "qla2xxx", "model": "FlashArray"}, False),
    ],
)
def test_a_volume_of_a_raid_controller(channel: int, about: dict[str, t.Any], told: bool) -> None:
    assert is_volume(Signs("sda", volume(channel), "disk", **about)) == told
    assert is_volume(Signs("cciss!c0d0", "/sys/devices/pci0000:00/cciss0/c0d0", "disk"))


@pytest.mark.parametrize(
    "medium",
    [
        Medium("volume", 1 << 40, scsi=frozenset({"format", "sanitize_block", "sanitize_crypto", "sanitize_overwrite"})),
        Medium("volume", 1 << 40),
    ],
)
def test_nothing_is_possible_on_a_volume(medium: Medium) -> None:
    for ability in found(medium).values():
        assert (
            not ability.possible
            and ability.level == "none"
            and ability.why.startswith("it is a volume of a RAID controller, and the drives")
        )


def test_nothing_is_possible_on_zones_that_the_host_manages() -> None:
    abilities_of = found(Medium("smr", 1 << 40, scsi=frozenset({"sanitize_crypto"}), in_order=True))
    assert not [ability for ability in abilities_of.values() if ability.possible]
    assert "canaries cannot be written in any place" in abilities_of["scsi_sanitize_crypto"].why
    # One that writes in any place can sanitize itself.
    assert found(Medium("smr", 1 << 40, scsi=frozenset({"sanitize_crypto"})))["scsi_sanitize_crypto"].possible


RUNNING = SanitizeState("in_progress", 0x8000)


@pytest.mark.parametrize(
    ("state", "sanitize", "erase", "overwrite"),
    [
        (RUNNING, "a sanitize is in progress (50 %)", "a sanitize is in progress (50 %)", "a sanitize is in progress (50 %)"),
        (SanitizeState("frozen"), "its sanitize is frozen; switch the disk off and on, and look again", "", ""),
        (SanitizeState("unknown", told="bad sense"), "its sanitize state cannot be read (bad sense), so nothing could be proven", "", ""),
        (SanitizeState("failed", told="it failed"), "", "", ""),
        (SanitizeState("idle", succeeded=True), "", "", ""),
    ],
)
def test_the_sanitize_state_of_an_ata_disk(state: SanitizeState, sanitize: str, erase: str, overwrite: str) -> None:
    told = found(sata(ata_state=state))
    for action in ("block", "crypto", "overwrite"):
        assert (told[f"ata_sanitize_{action}"].why, told[f"ata_sanitize_{action}"].possible) == (sanitize, not sanitize)
    for name, why in (("ata_security_erase", erase), ("ata_security_erase_enhanced", erase), ("overwrite", overwrite)):
        assert (told[name].why, told[name].possible) == (why, not why)


def test_nothing_else_is_possible_while_one_runs() -> None:
    """Whatever the medium is, and an overwrite neither."""
    running = parse_sanitize_log(bytes.fromhex(LOGS["running"][0]))
    busy = ScsiState("format_in_progress", 0x4000)
    for medium in (nvme(log=running), Medium("sas_hdd", 1 << 40, scsi=frozenset({"format"}), scsi_state=busy), sata(ata_state=RUNNING)):
        assert not [ability.technique for ability in found(medium).values() if ability.possible]


def test_an_hdparm_that_cannot_be_told_the_passes() -> None:
    told = found(sata(ata_passes=False))
    assert told["ata_sanitize_overwrite"].why.endswith("install hdparm 9.63 or newer") and not told["ata_sanitize_overwrite"].possible
    assert told["ata_sanitize_block"].possible


def test_a_bridge_hides_what_is_behind_it() -> None:
    assert decide_transport(f"{USB}/ata9/host9") == "usb" and decide_transport("/sys/devices/x") == "unknown"


DISK = read_identify(identify({59: 0xF000, 128: 0x0021}))
DRIVE = parse_controller(controller(oacs=(256, b"\x02\x00"), sanicap=(328, b"\x03\0\0\0"), fna=(524, b"\x04")))
LOG = parse_sanitize_log(bytes.fromhex(LOGS["crypto"][0]))


def found(medium: Medium) -> dict[str, Ability]:
    return {ability.technique: ability for ability in abilities(medium)}


def security(*states: str) -> Identified:
    return dataclasses.replace(DISK, security=frozenset(states))


def sata(disk: Identified | None = DISK, **more: t.Any) -> Medium:
    return Medium("sata_ssd", 1 << 40, ata=disk, **more)


def nvme(drive: Controller | None = DRIVE, log: SanitizeLog | None = LOG, **more: t.Any) -> Medium:
    return Medium("nvme", 1 << 40, nvme=drive, log=log, **more)


@pytest.mark.parametrize(
    ("medium", "technique", "why"),
    [
        (sata(security("supported", "frozen")), "ata_security_erase", "its security is frozen; wake it from sleep"),
        (sata(security("supported", "enhanced", "enabled", "locked")), "ata_security_erase_enhanced", "it is locked with a password"),
        (sata(security("supported", "enabled")), "ata_security_erase", "a password is set already"),
        (sata(security("supported", "expired")), "ata_security_erase", "its password attempts are used up"),
        (sata(security("supported")), "ata_security_erase_enhanced", "the disk does not offer it (word 128)"),
        (sata(security()), "ata_security_erase", "the disk does not offer it (word 128)"),
        (sata(dataclasses.replace(DISK, sanitize=("overwrite",))), "ata_sanitize_block", "the disk does not offer it (word 59)"),
        (sata(bridge=True), "ata_sanitize_crypto", "it is behind a bridge that may answer in its place"),
        (sata(None), "ata_security_erase", "it is not an ATA disk, or cannot be asked"),
        (nvme(None), "nvme_format_crypto", "it is not an NVMe drive, or its controller cannot be asked"),
        (nvme(), "nvme_sanitize_overwrite", "the controller does not offer it (SANICAP)"),
        (nvme(log=None), "nvme_sanitize_block", "its sanitize log cannot be read, so nothing could be proven"),
        (
            nvme(log=parse_sanitize_log(bytes.fromhex(LOGS["running"][0]))),
            "nvme_sanitize_block",
            "a sanitize is in progress (5 %)",
        ),
        (nvme(dataclasses.replace(DRIVE, format_crypto=False)), "nvme_format_crypto", "the controller does not offer it (OACS, FNA)"),
        (
            nvme(dataclasses.replace(DRIVE, format_all=True), namespaces=3),
            "nvme_format_user_data",
            "it would reach all 3 namespaces of the drive (FNA)",
        ),
        (Medium("smr", 1 << 40), "overwrite", "its tracks are shingled, so what is written may go elsewhere"),
        (Medium("tape", 1 << 40), "overwrite", "it is tape"),
        (Medium("tape", 0, tape_why="the tape is write-protected"), "tape_erase_long", "the tape is write-protected"),
        (Medium("hdd", 0, tape_why=""), "tape_erase_long", "it is not a tape drive"),
        (Medium("sas_ssd", 1 << 40), "scsi_format", "it is not a SCSI device that tells"),
        (Medium("sas_ssd", 1 << 40, scsi=frozenset({"format"})), "scsi_sanitize_crypto", "the device does not offer it"),
    ],
)
def test_what_is_not_possible(medium: Medium, technique: str, why: str) -> None:
    ability = found(medium)[technique]
    assert not ability.possible and ability.why.startswith(why) and ability.level == "none"
    assert ability.row()["why"] == ability.why and "estimated_seconds" not in ability.row()


@pytest.mark.parametrize(
    ("medium", "technique", "level", "seconds"),
    [
        (sata(), "ata_sanitize_block", "purge", None),
        (sata(), "ata_sanitize_crypto", "purge", None),
        (sata(), "ata_security_erase", "clear", 484 * 60),
        (sata(), "ata_security_erase_enhanced", "purge", 484 * 60),
        (sata(), "overwrite", "clear", (1 << 40) // (400 << 20)),
        (nvme(), "nvme_sanitize_block", "purge", 90),
        (nvme(), "nvme_sanitize_crypto", "purge", 13),
        (nvme(), "nvme_format_user_data", "clear", None),
        (nvme(dataclasses.replace(DRIVE, format_all=True)), "nvme_format_crypto", "clear", None),
        (Medium("sas_ssd", 1 << 40, scsi=frozenset({"sanitize_crypto"})), "scsi_sanitize_crypto", "purge", None),
        (Medium("unknown", 1 << 40), "overwrite", "clear", None),
        (Medium("tape", 0), "tape_erase_long", "clear", None),
    ],
)
def test_what_is_possible(medium: Medium, technique: str, level: str, seconds: int | None) -> None:
    ability = found(medium)[technique]
    assert (ability.possible, ability.level, ability.seconds) == (True, level, seconds)
    row = ability.row()
    assert row["standard"] == "NIST SP 800-88 Rev. 2 (2025-09)" and row["estimated_seconds"] not in ("", None)


@pytest.mark.parametrize("medium", [sata(), nvme(), Medium("tape", 1), Medium("unknown", 1)])
def test_every_technique_is_told_of_every_medium(medium: Medium) -> None:
    assert len(found(medium)) == len(abilities(medium)) == 18
