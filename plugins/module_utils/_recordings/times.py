# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a recording began, read from the named groups of its name and directory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
import typing as t

from .calendar import DAY, Calendar

__all__ = ["StartTime"]

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        start=1,
    )
}


# Each part has all its digits: without its separators, 2024-1-15 would be the fifth of November.
_DATE = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?:\D?(\d{2})(?:\D?(\d{2})(?:\D?\d{1,9})?)?)?", re.ASCII)
_STAMP = re.compile(rf"({_DATE.pattern})(?:\D?({_TIME.pattern}))?", re.ASCII)


@functools.lru_cache(maxsize=20000)
def _day(text: str) -> int:
    match = _DATE.fullmatch(text)
    try:
        return dt.date(*map(int, match.groups() if match else ())).toordinal()
    except (TypeError, ValueError):
        raise ValueError("the date in its name does not exist") from None


@functools.lru_cache(maxsize=DAY)
def _second(text: str) -> int:
    match = _TIME.fullmatch(text)
    # What the name leaves out counts as its end, so that a period never ends early.
    hour, minute, second = (int(part or 59) for part in match.groups()) if match else (24, 0, 0)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("the time of day in its name does not exist")
    return min(hour * 3600 + minute * 60 + second, DAY - 1)


@dataclasses.dataclass(frozen=True)
class StartTime:
    """Which groups give the start, one of C(epoch), C(epoch_ms), C(date), C(ts), C(parts)."""

    kind: str

    @classmethod
    def of_groups(cls, groups: t.Collection[str]) -> StartTime | None:
        """The first way that the groups allow; none where they give no date."""
        for kind in ("epoch", "epoch_ms", "ts", "date"):
            if kind in groups:
                return cls(kind)
        if {"Y", "d"} <= set(groups) and ("m" in groups or "b" in groups):
            return cls("parts")
        return None

    def epoch(self, fields: t.Mapping[str, str], calendar: Calendar) -> int:
        """Seconds since 1970 UTC.

        :raises ValueError: the groups hold no date that exists; its text says so.
        """
        kind = self.kind
        if kind == "date":
            time = fields.get("time")
            return calendar.epoch(_day(fields.get("date", "")), DAY - 1 if time is None else _second(time))
        if kind == "ts":
            match = _STAMP.fullmatch(fields.get("ts", ""))
            if match is None:
                raise ValueError("the date in its name does not exist")
            return calendar.epoch(_day(match[1]), DAY - 1 if match[5] is None else _second(match[5]))
        if kind == "parts":
            month = fields["m"] if "m" in fields else f"{_MONTHS.get(fields.get('b', ''), 0):02d}"
            day = _day(f"{fields.get('Y', '')}{month.zfill(2)}{fields.get('d', '').zfill(2)}")
            if "H" not in fields:
                return calendar.epoch(day, DAY - 1)
            return calendar.epoch(day, _second(f"{fields['H'].zfill(2)}{fields.get('M', '59').zfill(2)}{fields.get('S', '59').zfill(2)}"))
        digits = fields.get(kind, "")
        if not digits.isdigit():
            raise ValueError(f"the {kind} in its name is not a number")
        return int(digits) // 1000 if kind == "epoch_ms" else int(digits)
