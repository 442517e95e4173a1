# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which techniques can sanitize a medium, to which level, and for how long: decided from what the medium says of itself."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._standards.levels import STANDARD
from .._standards.techniques import RATES, techniques
from .ata import PASSES_SINCE, Identified, SanitizeState
from .mmc import Emmc
from .nvme import Controller, SanitizeLog
from .scsi import ScsiState

__all__ = ["STANDARD", "Ability", "Medium", "abilities", "busy_with"]


@dataclass(frozen=True)
class Medium:
    """What the decision needs.

    :arg kind: one of C(kinds.KINDS).
    :arg size: bytes.
    :arg ata: of an ATA disk; C(ata_state) its sanitize state where it has such a feature set; C(ata_passes) whether this hdparm can be told
        how often a sanitize overwrites. C(nvme) and C(log) of an NVMe drive; C(namespaces) how many of its namespaces are active.
    :arg scsi: operation codes that a SCSI device says it supports, such as C(sanitize_block); C(None) where it was not asked or does not say,
        and C(scsi_why) tells why. C(scsi_state) what it is doing, where it was asked.
    :arg emmc: of an eMMC device; C(None) where it cannot be asked, and C(emmc_why) tells why.
    :arg tape_why: why the cartridge in a tape drive cannot be erased; empty where it can.
    :arg bridge: the device is behind a bridge that may answer in its place.
    :arg in_order: a zoned device that the host manages: it takes writes only in order.
    """

    kind: str
    size: int
    ata: Identified | None = None
    ata_state: SanitizeState | None = None
    ata_passes: bool = True
    nvme: Controller | None = None
    log: SanitizeLog | None = None
    namespaces: int = 1
    scsi: frozenset[str] | None = None
    scsi_why: str = ""
    scsi_state: ScsiState | None = None
    emmc: Emmc | None = None
    emmc_why: str = ""
    tape_why: str = ""
    bridge: bool = False
    in_order: bool = False


class Ability(t.NamedTuple):
    """One technique on one medium.

    :arg why: why it is not possible; empty where it is.
    :arg level: that it reaches, C(none) where it is not possible; C(standard), C(source) and C(confidence) as C(Technique) has them.
    :arg seconds: estimated; C(None) where nobody can tell.
    """

    technique: str
    possible: bool
    why: str
    level: str
    seconds: int | None
    standard: str = ""
    source: str = ""
    confidence: str = ""

    def row(self) -> dict[str, t.Any]:
        duration = self.seconds if self.seconds is not None else {"unavailable": "the medium gives no estimate"}
        told = {key: getattr(self, key) for key in ("technique", "possible", "level", "standard", "source", "confidence")}
        return {**told, **({"estimated_seconds": duration} if self.possible else {"why": self.why})}


def abilities(medium: Medium, overrides: t.Mapping[str, t.Mapping[str, str]] | None = None) -> list[Ability]:
    """Every technique, the possible ones with their level.

    :arg overrides: levels of a policy, as C(techniques) takes them.
    :raises RefusedError: one of them is faulty.
    """
    table = techniques(overrides)
    found = [_overwrite(medium), *_nvme(medium), *_ata(medium), *_scsi(medium), *_mmc(medium), _tape(medium)]
    why = _never(medium)
    if why:
        found = [_not(each.technique, why if each.possible or medium.kind == "volume" else each.why) for each in found]
    return [
        each._replace(
            level=known.level if each.possible else "none", standard=known.standard, source=known.source, confidence=known.confidence
        )
        for each in found
        for known in [table[each.technique]]
    ]


def _possible(technique: str, seconds: int | None = None) -> Ability:
    return Ability(technique, True, "", "", seconds)


def _not(technique: str, why: str) -> Ability:
    return Ability(technique, False, why, "none", None)


def _never(medium: Medium) -> str:
    """Why nothing is possible, whatever the medium offers; empty where that is not so."""
    if medium.kind == "volume":
        return "it is a volume of a RAID controller, and the drives behind it are not seen; show them to the host one by one (HBA mode), or take them out"
    if medium.in_order:
        return "it is a host-managed zoned device, on which canaries cannot be written in any place, so nothing could be proven"
    return ""


def busy_with(medium: Medium) -> str:
    """What the medium is busy with, as far as it tells; empty where with nothing."""
    for state, progress in (
        (medium.log.state, medium.log.progress) if medium.log else ("", None),
        (medium.ata_state.state, medium.ata_state.progress) if medium.ata_state else ("", None),
        (medium.scsi_state.state, medium.scsi_state.progress) if medium.scsi_state else ("", None),
    ):
        what = {"in_progress": "a sanitize", "sanitize_in_progress": "a sanitize", "format_in_progress": "a format"}.get(state)
        if what:
            return f"{what} is in progress" + ("" if progress is None else f" ({progress * 100 // 65535} %)")
    return ""


def _overwrite(medium: Medium) -> Ability:
    if medium.kind in ("tape", "optical"):
        return _not("overwrite", f"it is {medium.kind}")
    if medium.kind == "smr":
        return _not("overwrite", "its tracks are shingled, so what is written may go elsewhere and leave the old blocks")
    if busy_with(medium):
        return _not("overwrite", busy_with(medium))
    rate = RATES.get(medium.kind)
    return _possible("overwrite", medium.size // rate if rate else None)


def _nvme(medium: Medium) -> t.Iterator[Ability]:
    drive = medium.nvme
    for action in ("block_erase", "crypto_erase", "overwrite"):
        technique = f"nvme_sanitize_{action.partition('_')[0]}"
        if drive is None:
            yield _not(technique, "it is not an NVMe drive, or its controller cannot be asked")
        elif action not in drive.sanitize:
            yield _not(technique, "the controller does not offer it (SANICAP)")
        elif medium.log is None:
            yield _not(technique, "its sanitize log cannot be read, so nothing could be proven")
        elif busy_with(medium):
            yield _not(technique, busy_with(medium))
        else:
            yield _possible(technique, medium.log.seconds.get(action))
    for technique, crypto in (("nvme_format_user_data", False), ("nvme_format_crypto", True)):
        if drive is None:
            yield _not(technique, "it is not an NVMe drive, or its controller cannot be asked")
        elif not (drive.format_crypto if crypto else drive.format):
            yield _not(technique, "the controller does not offer it (OACS, FNA)")
        elif drive.format_all and medium.namespaces != 1:
            yield _not(technique, f"it would reach all {medium.namespaces} namespaces of the drive (FNA)")
        elif busy_with(medium):
            yield _not(technique, busy_with(medium))
        else:
            yield _possible(technique)


def _ata(medium: Medium) -> t.Iterator[Ability]:
    disk = medium.ata
    why = (
        "it is not an ATA disk, or cannot be asked"
        if disk is None
        else "it is behind a bridge that may answer in its place"
        if medium.bridge
        else ""
    )
    for action in ("block_erase", "crypto_scramble", "overwrite"):
        technique = {"crypto_scramble": "ata_sanitize_crypto"}.get(action, f"ata_sanitize_{action.partition('_')[0]}")
        if disk is None or why:
            yield _not(technique, why)
        elif action not in disk.sanitize:
            yield _not(technique, "the disk does not offer it (word 59)")
        elif _unfit(medium, action):
            yield _not(technique, _unfit(medium, action))
        else:
            yield _possible(technique)
    for technique, enhanced in (("ata_security_erase", False), ("ata_security_erase_enhanced", True)):
        if disk is None or why:
            yield _not(technique, why)
        elif busy_with(medium):
            yield _not(technique, busy_with(medium))
        else:
            yield _security_erase(technique, disk, enhanced=enhanced)


def _unfit(medium: Medium, action: str) -> str:
    """Why a disk that offers a sanitize cannot be told to do it now; empty where it can."""
    state = medium.ata_state
    if action == "overwrite" and not medium.ata_passes:
        since = ".".join(map(str, PASSES_SINCE))
        return f"this hdparm cannot be told how often, and 16 passes would take days; install hdparm {since} or newer"
    if state and state.state == "frozen":
        return "its sanitize is frozen; switch the disk off and on, and look again"
    if state and state.state == "unknown":
        return f"its sanitize state cannot be read ({state.told}), so nothing could be proven"
    return busy_with(medium)


def _security_erase(technique: str, disk: Identified, *, enhanced: bool) -> Ability:
    for state, why in (
        ("frozen", "its security is frozen; wake it from sleep or plug it in anew, and look again"),
        ("locked", "it is locked with a password"),
        ("enabled", "a password is set already, which the erase needs"),
        ("expired", "its password attempts are used up; switch it off and on"),
    ):
        if state in disk.security:
            return _not(technique, why)
    if "supported" not in disk.security or (enhanced and "enhanced" not in disk.security):
        return _not(technique, "the disk does not offer it (word 128)")
    minutes = disk.erase_minutes[enhanced]
    return _possible(technique, minutes * 60 if minutes else None)


def _scsi(medium: Medium) -> t.Iterator[Ability]:
    for technique in ("scsi_sanitize_block", "scsi_sanitize_crypto", "scsi_sanitize_overwrite", "scsi_format"):
        if medium.scsi is None:
            yield _not(technique, medium.scsi_why or "it is not a SCSI device that tells which commands it supports")
        elif technique.partition("_")[2] not in medium.scsi:
            yield _not(technique, "the device does not offer it")
        elif busy_with(medium):
            yield _not(technique, busy_with(medium))
        else:
            yield _possible(technique)


def _mmc(medium: Medium) -> t.Iterator[Ability]:
    for technique, bit in (("mmc_secure_erase", "SECURE_ER_EN"), ("mmc_sanitize", "SEC_SANITIZE")):
        if medium.kind == "sd":
            yield _not(technique, "SD cards have no such command")
        elif medium.kind != "emmc":
            yield _not(technique, "it is not an eMMC device")
        elif medium.emmc is None:
            yield _not(technique, f"its EXT_CSD cannot be read ({medium.emmc_why or 'it was not asked'})")
        elif technique.partition("_")[2] not in medium.emmc.features:
            yield _not(technique, f"the device does not offer it ({bit})")
        else:
            yield _possible(technique)


def _tape(medium: Medium) -> Ability:
    why = medium.tape_why if medium.kind == "tape" else "it is not a tape drive"
    return _not("tape_erase_long", why) if why else _possible("tape_erase_long")
