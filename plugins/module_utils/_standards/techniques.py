# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which level each technique reaches, as a table with the edition and the source of each figure; and rates for estimates.

Whoever knows better overrides a level, with an edition and a source of his own.
"""

from __future__ import annotations

import typing as t

from .._errors import RefusedError
from .levels import LEVELS, STANDARD

__all__ = ["OF_KEYS", "RATES", "REACHABLE", "TECHNIQUES", "Technique", "technique_problem", "techniques"]

# What a technique may reach: nothing that leaves the medium whole destroys it.
REACHABLE = LEVELS[:-1]

_LABELS = "labels of openSeaChest's erase methods"
_MEMORY = "common knowledge of JESD84-B51 (eMMC), not held against a standard"

_REVERT = "TCG Opal's revert, which makes new media keys, as a cryptographic erase of NIST SP 800-88 Rev. 2; not held against a standard of commands"


class Technique(t.NamedTuple):
    """What is known of a technique.

    :arg level: that it reaches where it ends with success: C(clear) or C(purge).
    :arg standard: whose words the levels are, with the edition.
    :arg source: where the figure is from.
    :arg confidence: C(P) read in the source itself, C(S) quoted by secondary sources, C(unverified) from common knowledge and not held
        against a document, C(policy) given by the policy.
    """

    level: str
    standard: str
    source: str
    confidence: str


def _row(level: str, source: str = _LABELS, confidence: str = "P") -> Technique:
    return Technique(level, STANDARD, source, confidence)


TECHNIQUES: t.Mapping[str, Technique] = {
    # Spare and remapped blocks are out of reach on flash; on magnetic disks too, but for few sectors.
    "overwrite": _row("clear"),
    "nvme_sanitize_block": _row("purge"),
    "nvme_sanitize_crypto": _row("purge"),
    "nvme_sanitize_overwrite": _row("purge"),
    # "Clear, possibly purge": what is possible is not counted on.
    "nvme_format_user_data": _row("clear"),
    "nvme_format_crypto": _row("clear"),
    "ata_sanitize_block": _row("purge"),
    "ata_sanitize_crypto": _row("purge"),
    "ata_sanitize_overwrite": _row("purge"),
    "ata_security_erase": _row("clear"),
    "ata_security_erase_enhanced": _row("purge"),
    "scsi_sanitize_block": _row("purge"),
    "scsi_sanitize_crypto": _row("purge"),
    "scsi_sanitize_overwrite": _row("purge"),
    "scsi_format": _row("clear", "one pass over what can be addressed, as an overwrite; not held against a document", "unverified"),
    "mmc_secure_erase": _row("purge", _MEMORY, "unverified"),
    "mmc_sanitize": _row("purge", _MEMORY, "unverified"),
    # Where its preconditions hold, which is judged for each key.
    "crypto_erase": _row("purge", "NIST SP 800-88 Rev. 2 (2025-09), cryptographic erase as a purge technique", "S"),
    "opal_revert": _row("purge", _REVERT, "unverified"),
    "opal_psid_revert": _row("purge", _REVERT, "unverified"),
    "tape_erase_long": _row("clear", "one pass from the beginning to the end of the tape; not held against a document", "unverified"),
}

# Those that destroy keys: their preconditions are judged for each key, so that no look at a medium tells whether they are possible.
OF_KEYS = ("crypto_erase", "opal_revert", "opal_psid_revert")

# What a medium writes in a second as a rule, by its kind, for estimates where it gives none itself; in bytes, from common knowledge.
RATES: t.Mapping[str, int] = {
    "hdd": 150 << 20,
    "sas_hdd": 150 << 20,
    "hybrid": 100 << 20,
    "usb": 30 << 20,
    "emmc": 80 << 20,
    "sd": 20 << 20,
    "sata_ssd": 400 << 20,
}

_KEYS = ("level", "standard", "source")


def technique_problem(name: t.Any, given: t.Any) -> str | None:
    """What is wrong with an override, to follow the technique's name in a sentence; C(None) where it is right."""
    if name not in TECHNIQUES:
        return f"is not known; give one of {', '.join(TECHNIQUES)}"
    if not isinstance(given, t.Mapping) or set(given) != set(_KEYS):
        return f"must have {', '.join(_KEYS)} and nothing else, so that a certificate can name them"
    if given["level"] not in REACHABLE:
        return f"has the level {given['level']!r}, which is none; give one of {', '.join(REACHABLE)}"
    empty = [key for key in _KEYS if not isinstance(given[key], str) or not given[key].strip()]
    return f"has no {empty[0]}; state the edition and the source that give the level" if empty else None


def techniques(overrides: t.Mapping[str, t.Mapping[str, str]] | None = None) -> dict[str, Technique]:
    """The table with a policy's overrides in it.

    :arg overrides: by technique its C(level), C(standard) and C(source).
    :raises RefusedError: an override is faulty.
    """
    found = dict(TECHNIQUES)
    for name, given in (overrides or {}).items():
        problem = technique_problem(name, given)
        if problem:
            raise RefusedError(f"the level of the technique {name} {problem}")
        found[name] = Technique(given["level"], given["standard"], given["source"], "policy")
    return found
