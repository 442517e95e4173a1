# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key a recording set is encrypted with: one for each class and each period in which recordings begin."""

from __future__ import annotations

import datetime as dt

from .._document import Node
from .._recordings.calendar import DAY, Calendar, calendar_for
from .._recordings.periods import Period

__all__ = ["UNITS", "encryption_problem", "period_of", "unit_from_node"]

UNITS = {"month": Period(months=1), "quarter": Period(months=3), "year": Period(months=12)}
# Months, quarters and years of every length come by within four years.
_FIRST_YEAR = 2000
_YEARS = 4


def period_of(unit: str, epoch: int, calendar: Calendar) -> str:
    """The period in which an instant lies by the local calendar: C(2026-03), C(2026-Q1) or C(2026)."""
    date = dt.date.fromordinal(calendar.local(epoch)[0])
    if unit == "year":
        return f"{date.year:04d}"
    return f"{date.year:04d}-Q{(date.month + 2) // 3}" if unit == "quarter" else f"{date.year:04d}-{date.month:02d}"


def unit_from_node(node: Node) -> str | None:
    """Read a class's C(encryption)."""
    keys = node.mapping(required=["period"])
    return keys["period"].text(allowed=UNITS) or None if "period" in keys else None


def encryption_problem(unit: str | None, within: Period) -> str | None:
    """Why keys of that period do not serve crypto_erase, to follow the class in a sentence; none where they do.

    A key goes when the last recording of its period is due, and the first one must not be overdue then.
    """
    if unit is None:
        return "is destroyed by crypto_erase, but nothing encrypts it; add encryption: {period: month}, quarter or year"
    calendar = calendar_for("UTC")
    step = UNITS[unit].months
    for month in range(0, 12 * _YEARS, step):
        first = (dt.date(_FIRST_YEAR + month // 12, month % 12 + 1, 1).toordinal() - dt.date(1970, 1, 1).toordinal()) * DAY
        if within.after(first, calendar) < UNITS[unit].after(first, calendar):
            return (
                f"has keys for a {unit} and a destroy_within that is shorter: a key is destroyed when the last recording of its {unit} is due, "
                f"so the first ones would be overdue; lengthen destroy_within, or take a shorter period"
            )
    return None
