# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities that people write with a unit, such as C(320 mm2) or C(7000 Oe)."""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

__all__ = ["UNITS", "parse_quantity"]

_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(.*)", re.ASCII | re.DOTALL)
_ZERO_CELSIUS = Decimal("273.15")

# What one of each unit is in the first of its kind. In air a flux density of 1 G goes with a field of 1 Oe.
UNITS: t.Mapping[str, t.Mapping[str, Decimal]] = {
    "area": {"mm2": Decimal(1), "mm²": Decimal(1), "cm2": Decimal(100), "cm²": Decimal(100)},
    "field": {
        **{"Oe": Decimal(1), "kOe": Decimal(1000), "A/m": Decimal("0.012566370614"), "kA/m": Decimal("12.566370614")},
        **{"G": Decimal(1), "kG": Decimal(1000), "mT": Decimal(10), "T": Decimal(10000)},
    },
    "length": {"mm": Decimal(1), "cm": Decimal(10)},
    "share": {"%": Decimal(1)},
    "temperature": {"°C": Decimal(1), "C": Decimal(1), "K": Decimal(1)},
    "number": {"": Decimal(1)},
}


def parse_quantity(kind: str, text: t.Any) -> Decimal:
    """A quantity in the first unit of its kind, one of C(UNITS).

    :raises ValueError: it is none, has no unit or another one, or is not above zero; the text follows the value in a sentence.
    """
    units = UNITS[kind]
    known = ", ".join(units)
    found = _FORM.fullmatch(str(text).strip()) if isinstance(text, (str, int)) and not isinstance(text, bool) else None
    if found is None:
        raise ValueError(
            f"is no quantity; write a number with a decimal point and one of the units {known}" if known else "is no number above zero"
        )
    number, unit = Decimal(found[1]), found[2]
    if not unit and "" not in units:
        raise ValueError(f"has no unit, so nobody can tell what was meant; write one of {known} behind it")
    if unit not in units:
        raise ValueError(f"has the unit {unit!r}; write one of {known}" if known else f"has the unit {unit!r}, and needs none")
    if number <= 0:
        raise ValueError("is not above zero; write what was measured")
    return number - _ZERO_CELSIUS if unit == "K" else number * units[unit]
