# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ISO 8601 periods: calendar parts count on the local calendar, time parts are elapsed seconds."""

from __future__ import annotations

import calendar as months
import dataclasses
import datetime as dt
import re
import typing as t

from .calendar import Calendar

__all__ = ["ROUNDINGS", "Period", "parse_period", "positive_period", "round_up"]

_FORM = re.compile(
    r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
ROUNDINGS = ("none", "next_day_start", "next_month_start", "next_quarter_start", "next_year_start")


@dataclasses.dataclass(frozen=True)
class Period:
    """A period: C(months) (years are 12 of them), C(days) (weeks are 7 of them), C(seconds)."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def has_dates(self) -> bool:
        return bool(self.months or self.days)

    @property
    def is_zero(self) -> bool:
        return not (self.months or self.days or self.seconds)

    def after(self, epoch: int, calendar: Calendar) -> int:
        """The instant this period after another.

        Years and months lead to the same day of the later month, or to its last day where it has no such day
        (29 February plus a year is 28 February); the time of day stays what clocks show.
        """
        if not self.has_dates:
            return epoch + self.seconds
        day, second = calendar.local(epoch)
        return calendar.epoch(self.day_after(day), second) + self.seconds

    def day_after(self, day: int) -> int:
        """The same in whole local days (ordinals).

        :raises ValueError: later than the year 9999.
        """
        if self.months:
            date = dt.date.fromordinal(day)
            years, month = divmod(date.year * 12 + date.month - 1 + self.months, 12)
            if years > 9999:
                raise ValueError("the period ends after the year 9999")
            day = dt.date(years, month + 1, min(date.day, months.monthrange(years, month + 1)[1])).toordinal()
        if day + self.days > dt.date.max.toordinal():
            raise ValueError("the period ends after the year 9999")
        return day + self.days


def parse_period(value: t.Any) -> Period:
    """A period from text such as C(P5Y), C(P90D), C(P1Y6M), C(PT2M).

    :raises ValueError: anything else.
    """
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("is not an ISO 8601 period such as P5Y, P18M, P90D or PT15M")
    part = {name: int(text or 0) for name, text in match.groupdict().items()}
    return Period(
        months=part["years"] * 12 + part["months"],
        days=part["weeks"] * 7 + part["days"],
        seconds=part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"],
    )


def positive_period(value: t.Any) -> Period:
    """The same, longer than nothing.

    :raises ValueError: not a period, or zero.
    """
    period = parse_period(value)
    if period.is_zero:
        raise ValueError("is a period of nothing, which would let everything go at once; write a period such as P90D")
    return period


def round_up(day: int, rounding: str) -> int:
    """The local day (ordinal) on which a rounded start lies: the next day, month, quarter or year that begins after it."""
    date = dt.date.fromordinal(day)
    if rounding == "next_year_start":
        return dt.date(date.year + 1, 1, 1).toordinal()
    if rounding == "next_day_start":
        return day + 1
    month = date.month if rounding == "next_month_start" else (date.month - 1) // 3 * 3 + 3
    return dt.date(date.year + month // 12, month % 12 + 1, 1).toordinal()
