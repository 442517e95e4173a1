# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What physical techniques reach, and the figures that they are judged by, each with its edition, source and confidence.

Whoever knows better overrides a figure, with an edition and a source of his own. What a technique reaches is not a figure: nothing makes a bent
medium destroyed.
"""

from __future__ import annotations

import typing as t
from decimal import Decimal

from .._errors import RefusedError
from .levels import STANDARD
from .quantities import parse_quantity
from .techniques import Technique

__all__ = ["DIN", "DIN_CLASSES", "PHYSICAL", "RECORDINGS", "Figure", "figure_kind", "figure_problem", "figures", "sized_levels"]

_NIST = "NIST SP 800-88 Rev. 2 (2025-09), physical techniques"
DIN = "ISO/IEC 21964-1:2018 (DIN 66399-1:2012)"

PHYSICAL: t.Mapping[str, Technique] = {
    "degauss": Technique("purge", STANDARD, _NIST, "S"),
    "shred": Technique("destroy", STANDARD, _NIST, "S"),
    "disintegrate": Technique("destroy", STANDARD, _NIST, "S"),
    "pulverize": Technique("destroy", STANDARD, _NIST, "S"),
    "incinerate": Technique("destroy", STANDARD, _NIST, "S"),
    "melt": Technique("destroy", STANDARD, _NIST, "S"),
    "cut": Technique("none", STANDARD, _NIST, "S"),
    "bend": Technique("none", STANDARD, _NIST, "S"),
    "drill": Technique("none", STANDARD, _NIST, "S"),
}

# The class of ISO/IEC 21964 that a kind of medium belongs to. What holds flash beside platters is judged by its flash, which asks for smaller particles.
DIN_CLASSES: t.Mapping[str, str] = {
    **dict.fromkeys(("hdd", "sas_hdd", "smr"), "H"),
    **dict.fromkeys(("sata_ssd", "nvme", "sas_ssd", "hybrid", "usb", "emmc", "sd", "ufs"), "E"),
    **dict.fromkeys(("tape", "floppy"), "T"),
    **{"optical": "O", "paper": "P", "film": "F"},
}

# How a magnetic medium records, which decides its coercivity.
RECORDINGS = ("longitudinal", "perpendicular", "hamr", "mamr", *(f"lto_{number}" for number in range(1, 11)))


class Figure(t.NamedTuple):
    """One figure.

    :arg value: with its unit; C(None) where no source is known, so that nothing may be judged by it until a policy gives one.
    :arg confidence: C(P) read in the source itself, C(S) quoted by secondary sources, C(unverified) from common knowledge and not held
        against a document, C(policy) given by the policy.
    """

    value: str | None
    edition: str
    source: str
    confidence: str


_SIZES: t.Mapping[str, t.Sequence[tuple[str, str, str]]] = {
    # Largest particle in mm2 of the levels 1 to 7, the size that a part of the material may have, and the confidence of the first; empty where the
    # level is told by the medium's state.
    "P": (("", "", ""), ("800", "", "M"), ("320", "", "S"), ("160", "", "M"), ("30", "", "M"), ("10", "", "M"), ("5", "", "M")),
    "F": (("160", "", "S"), ("30", "", "M"), ("10", "", "M"), ("2.5", "", "M"), ("1", "", "M"), ("0.5", "", "M"), ("0.2", "", "M")),
    "O": (("2000", "", "S"), ("800", "2000", "S"), ("160", "480", "S"), ("30", "", "M"), ("10", "", "M"), ("5", "", "M"), ("0.2", "", "M")),
    "T": (
        ("", "", ""),
        ("2000", "3800", "S"),
        ("320", "800", "S"),
        ("160", "480", "S"),
        ("30", "", "M"),
        ("10", "", "M"),
        ("2.5", "", "M"),
    ),
    "H": (("", "", ""), ("", "", ""), ("", "", ""), ("2000", "3800", "M"), ("320", "800", "S"), ("10", "", "M"), ("5", "", "M")),
    "E": (("", "", ""), ("", "", ""), ("160", "480", "S"), ("30", "", "M"), ("10", "", "M"), ("1", "", "M"), ("0.5", "", "M")),
}
_PAGES = "vendors' pages that quote it"
_MEMORY = "common knowledge, not held against the standard"
_NOWHERE = Figure(None, "none", "no source is known", "unverified")
_UNVERIFIED = "unverified"


def _din(value: str, confidence: str) -> Figure:
    return Figure(f"{value} mm2", DIN, _PAGES, "S") if confidence == "S" else Figure(f"{value} mm2", DIN, _MEMORY, _UNVERIFIED)


def _din_figures() -> dict[str, Figure]:
    found = {}
    for letter, levels in _SIZES.items():
        for level, (value, tolerance, confidence) in enumerate(levels, start=1):
            name = f"din_{letter.lower()}_{level}"
            if value:
                found[name] = _din(value, confidence)
            if tolerance:
                found[f"{name}_tolerance"] = _din(tolerance, "M")
    return found


_MAKERS = "vendors' pages on degaussers"
_ALUMINIUM = "melting point of aluminium, which most platters and housings are of; common knowledge"

_FIGURES: t.Mapping[str, Figure] = {
    **_din_figures(),
    # Levels 1 and 2 belong to protection class 1 alone, which is unfit for personal data.
    "lowest_level": Figure("3", DIN, _PAGES, "S"),
    "protection_class_1": _NOWHERE,
    "protection_class_2": Figure("3", DIN, _PAGES, "S"),
    "protection_class_3": Figure("5", DIN, _MEMORY, _UNVERIFIED),
    "tolerance_share": Figure("10 %", DIN, _MEMORY, _UNVERIFIED),
    "flash_die": _NOWHERE,
    "degauss_factor": Figure("2", "none", _MAKERS, "S"),
    **{f"coercivity_{name}": _NOWHERE for name in (*RECORDINGS, "floppy")},
    "coercivity_longitudinal": Figure("5000 Oe", "none", f"{_MAKERS}: hard disks up to", "S"),
    "coercivity_perpendicular": Figure("5000 Oe", "none", f"{_MAKERS}: hard disks up to", "S"),
    "coercivity_lto_8": Figure("2300 Oe", "none", _MAKERS, "S"),
    "temperature_incinerate": Figure("660 °C", "none", _ALUMINIUM, _UNVERIFIED),
    "temperature_melt": Figure("660 °C", "none", _ALUMINIUM, _UNVERIFIED),
}

_KEYS = ("value", "edition", "source")
_KINDS = {"din": "area", "flash": "area", "coercivity": "field", "temperature": "temperature", "tolerance": "share"}


def figure_kind(name: str) -> str:
    """What kind of quantity a figure is, one of C(UNITS)."""
    return _KINDS.get(name.partition("_")[0], "number")


def figure_problem(name: t.Any, given: t.Any) -> str | None:
    """What is wrong with an override, to follow the figure's name in a sentence; C(None) where it is right."""
    if name not in _FIGURES:
        return f"is not known; give one of {', '.join(_FIGURES)}"
    if not isinstance(given, t.Mapping) or set(given) != set(_KEYS):
        return f"must have {', '.join(_KEYS)} and nothing else, so that a certificate can name them"
    empty = [key for key in _KEYS[1:] if not isinstance(given[key], str) or not given[key].strip()]
    if empty:
        return f"has no {empty[0]}; state the edition and the source that give it"
    try:
        value = parse_quantity(figure_kind(name), given["value"])
    except ValueError as error:
        return f"has the value {given['value']!r}, which {error}"
    shipped = _FIGURES[name].value
    if name == "degauss_factor" and value < Decimal(str(shipped)):
        return f"has the value {given['value']!r}, below {shipped}; a degausser may be required to be stronger, never weaker"
    if name == "lowest_level" or name.startswith("protection_class_"):
        return None if value in range(1, 8) else f"has the value {given['value']!r}, which is no level; give a whole number from 1 to 7"
    return None


def figures(overrides: t.Mapping[str, t.Any] | None = None) -> dict[str, Figure]:
    """The table with a policy's overrides in it.

    :arg overrides: by figure its C(value), C(edition) and C(source).
    :raises RefusedError: an override is faulty.
    """
    found = dict(_FIGURES)
    for name, given in (overrides or {}).items():
        problem = figure_problem(name, given)
        if problem:
            raise RefusedError(f"the figure {name} {problem}; nothing was recorded")
        found[name] = Figure(str(given["value"]), given["edition"], given["source"], "policy")
    return found


def sized_levels(letter: str) -> list[int]:
    """The levels of a class that ask for a particle size, lowest first."""
    return [level for level, (value, _tolerance, _confidence) in enumerate(_SIZES[letter], start=1) if value]
