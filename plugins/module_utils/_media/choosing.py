# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which technique is taken: the one that was named, or the strongest that a medium offers; and what carries it out."""

from __future__ import annotations

import os
import typing as t

from .._errors import RefusedError
from .._standards.levels import LEVELS, satisfies
from .abilities import Ability
from .ata_erase import AtaSanitize, AtaSecurityErase
from .cartridge import Cartridge
from .firmware import Firmware, Status
from .identity import Device
from .mmc_erase import MmcErase
from .nvme_erase import NvmeFormat, NvmeSanitize
from .scsi_erase import ScsiErase
from .tape_erase import TapeErase

__all__ = ["AUTO", "TECHNIQUES", "choose", "firmware_of", "left_out", "reaches_all_namespaces", "running_on"]

AUTO = "auto"
# The stronger ones of a level first: what erases the cells; what writes over them; what forgets a key of which nobody outside can tell
# whether it ever was the only one.
TECHNIQUES = (
    *("nvme_sanitize_block", "nvme_sanitize_overwrite", "nvme_sanitize_crypto"),
    *("ata_sanitize_block", "ata_sanitize_overwrite", "ata_sanitize_crypto"),
    *("scsi_sanitize_block", "scsi_sanitize_overwrite", "scsi_sanitize_crypto"),
    *("ata_security_erase_enhanced", "ata_security_erase"),
    *("mmc_secure_erase", "mmc_sanitize"),
    *("nvme_format_user_data", "nvme_format_crypto", "scsi_format", "tape_erase_long"),
)


def choose(found: t.Iterable[Ability], technique: str, level: str, fallback: t.Sequence[str], *, name: str) -> list[str]:
    """The techniques to try, in order: the first is the one that is meant, the others are those that the task names besides.

    :arg found: what the medium can do.
    :arg level: that is required; nothing below it is ever taken.
    :arg name: of the device, for a person.
    :raises RefusedError: the technique is not possible or not enough, or C(auto) finds none.
    """
    able = {ability.technique: ability for ability in found if ability.technique in TECHNIQUES}
    enough = [each for each in TECHNIQUES if each in able and able[each].possible and satisfies(able[each].level, level)]
    if technique == AUTO:
        if not enough:
            raise RefusedError(
                f"{name} offers no technique of its own firmware that reaches {level}, so nothing was done ({_whys(able.values(), level)}); "
                "overwrite it, destroy its keys, or destroy it physically",
                details={"techniques": [ability.row() for ability in able.values()]},
            )
        first = max(enough, key=lambda each: (LEVELS.index(able[each].level), -TECHNIQUES.index(each)))
    else:
        first = technique
        if first not in able or not able[first].possible:
            why = able[first].why if first in able else "it is not known to this medium"
            raise RefusedError(f"{first} is not possible on {name}, because {why}, so nothing was done; see media_info for what is")
        if first not in enough:
            raise RefusedError(
                f"{first} reaches at most the level {able[first].level} and {level} is required, so nothing was done; "
                "name another technique, or auto for the strongest"
            )
    return list(dict.fromkeys([first, *(each for each in fallback if each in enough)]))


def left_out(found: t.Iterable[Ability], level: str, fallback: t.Iterable[str], *, name: str) -> list[str]:
    """Why fallbacks that are named are never tried on this medium, one sentence each."""
    able = {ability.technique: ability for ability in found}
    told = []
    for each in dict.fromkeys(fallback):
        if each not in able or not able[each].possible:
            why = able[each].why if each in able else "it is not known to this medium"
            told.append(f"the fallback {each} is never tried on {name}, because it is not possible there: {why}")
        elif not satisfies(able[each].level, level):
            told.append(
                f"the fallback {each} is never tried on {name}, because it reaches at most {able[each].level} and {level} is required"
            )
    return told


def _whys(found: t.Iterable[Ability], level: str) -> str:
    """Why none is taken, each reason once."""
    reasons: dict[str, list[str]] = {}
    for ability in found:
        reasons.setdefault(f"reach only {ability.level}" if ability.possible else ability.why, []).append(ability.technique)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())


def reaches_all_namespaces(technique: str) -> bool:
    """Whether a technique destroys what is on every namespace of an NVMe drive, whichever is named."""
    return technique.startswith(("nvme_sanitize", "opal_"))


def running_on(device: Device, *, sys_root: str = "/sys") -> Status:
    """What a device says of a sanitize that may run on it; C(idle) of one that has none."""
    below = os.path.join(sys_root, "block", device.name, "device")
    if device.name.startswith("nvme"):
        return NvmeSanitize("nvme_sanitize_block", device).look()
    try:
        with open(os.path.join(below, "vendor"), encoding="ascii", errors="replace") as handle:
            ata = handle.read().strip() == "ATA"
    except OSError:
        return Status("idle")
    if ata:
        return AtaSanitize("ata_sanitize_block", device).look()
    return ScsiErase("scsi_sanitize_block", device).look() if os.path.exists(os.path.join(below, "scsi_level")) else Status("idle")


def firmware_of(technique: str, device: Device | Cartridge, *, passes: int = 1, pattern: int = 0) -> Firmware:
    """What carries a technique out on a device.

    :arg passes: of a sanitize that overwrites, from 1 to 15 (ATA: to 7); C(pattern) 32 bits.
    :raises RefusedError: the device cannot be reached so, or a tool takes no such passes or pattern.
    """
    if isinstance(device, Cartridge):
        return TapeErase(technique, device)
    if technique.startswith("nvme_sanitize"):
        return NvmeSanitize(technique, device, passes=passes, pattern=pattern)
    if technique.startswith("nvme_format"):
        return NvmeFormat(technique, device)
    if technique.startswith("ata_sanitize"):
        return AtaSanitize(technique, device, passes=passes, pattern=pattern)
    if technique.startswith("ata_security"):
        return AtaSecurityErase(technique, device)
    if technique.startswith("mmc"):
        return MmcErase(technique, device)
    if technique == "scsi_sanitize_overwrite" and pattern:
        raise RefusedError(
            "scsi_sanitize_overwrite writes zeros only, and another pattern is asked for, so nothing was done; leave the pattern out"
        )
    return ScsiErase(technique, device, passes=passes)
