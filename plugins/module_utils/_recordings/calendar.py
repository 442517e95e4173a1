# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local time: between what clocks on the wall show and seconds since 1970 UTC.

An hour that clocks show twice is taken as its second showing, and an hour that they skip as the one after it, so that
a period never ends early. Days are memoised, since a million recordings share a few thousand of them.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import typing as t
import zoneinfo

from .._errors import RefusedError

__all__ = ["DAY", "Calendar", "calendar_for", "checked_instant", "parse_instant", "rfc3339"]

DAY = 86400
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_MEMO_LIMIT = 50000
_LATEST = (dt.date.max.toordinal() - _EPOCH_DAY - 1) * DAY
# What software writes where it has no date: 0, 1970-01-01 in any zone, and anything before the twentieth century.
_NEVER_BEFORE = (dt.date(1900, 1, 2).toordinal() - _EPOCH_DAY) * DAY
_ZERO = range(-DAY, 2 * DAY)
_DATE_ONLY = re.compile(r"[\dW-]{8,10}", re.ASCII)


class Calendar:
    """One time zone.

    :raises RefusedError: the zone is not known on this host.
    """

    def __init__(self, name: str) -> None:
        try:
            self.zone: dt.tzinfo = dt.timezone.utc if name == "UTC" else zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise RefusedError(
                f"the time zone {name!r} is not known on this host, so no date can be computed; "
                "correct the name or install the package tzdata (role target_setup does)"
            ) from error
        self.name = name
        self._days: dict[int, int | None] = {}
        self._offsets: dict[int, int | None] = {}

    def epoch(self, day: int, second: int) -> int:
        """Seconds since 1970 UTC of a local day (a proleptic ordinal) and second of that day."""
        try:
            midnight = self._days[day]
        except KeyError:
            midnight = self._remember(self._days, day, self._regular_midnight(day))
        return self._slow_epoch(day, second) if midnight is None else midnight + second

    def local(self, epoch: int) -> tuple[int, int]:
        """Local day (ordinal) and second of that day."""
        bucket = epoch // DAY
        try:
            offset = self._offsets[bucket]
        except KeyError:
            start, end = self._offset(bucket * DAY), self._offset(bucket * DAY + DAY - 1)
            offset = self._remember(self._offsets, bucket, start if start == end else None)
        if offset is None:
            offset = self._offset(epoch)
        day, second = divmod(epoch + offset, DAY)
        return day + _EPOCH_DAY, second

    def _remember(self, memo: dict[int, int | None], key: int, value: int | None) -> int | None:
        if len(memo) >= _MEMO_LIMIT:
            memo.clear()
        memo[key] = value
        return value

    def _offset(self, epoch: int) -> int:
        offset = dt.datetime.fromtimestamp(epoch, self.zone).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def _regular_midnight(self, day: int) -> int | None:
        midnight, end = self._slow_epoch(day, 0), self._slow_epoch(day, DAY - 1)
        return midnight if end - midnight == DAY - 1 else None

    def _slow_epoch(self, day: int, second: int) -> int:
        wall = dt.datetime.combine(dt.date.fromordinal(day), dt.time(second // 3600, second // 60 % 60, second % 60), self.zone)
        # In a gap the earlier offset gives the later instant, in a fold the second showing is the later one.
        return max(int(wall.replace(fold=fold).timestamp()) for fold in (0, 1))


@functools.lru_cache(maxsize=64)
def calendar_for(name: str) -> Calendar:
    """The calendar of a zone, made once."""
    return Calendar(name)


@functools.lru_cache(maxsize=_MEMO_LIMIT)
def _day_text(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


@functools.lru_cache(maxsize=DAY)
def _second_text(second: int) -> str:
    return f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def rfc3339(epoch: int | None) -> str | None:
    """RFC 3339 UTC, whole seconds; none stays none."""
    if epoch is None:
        return None
    return _day_text(epoch // DAY + _EPOCH_DAY) + _second_text(epoch % DAY)


def checked_instant(epoch: int) -> int:
    """The same instant.

    :raises ValueError: one that software writes where it has no date, or that no date can be written for.
    """
    if epoch < _NEVER_BEFORE or epoch in _ZERO:
        raise ValueError("is a date that stands for none, such as 1970-01-01")
    if epoch > _LATEST:
        raise ValueError("is a date after the year 9999; write seconds since 1970, not milliseconds")
    return epoch


def parse_instant(value: t.Any, calendar: Calendar, *, day_ends: bool = False) -> int:
    """Seconds since 1970 UTC of a whole number, or of an ISO 8601 date or date-time, local to C(calendar) where it has no offset.

    :arg day_ends: a date without a time of day counts as the last second of that day, else as its first.
    :raises ValueError: anything else.
    """
    return checked_instant(_instant(value, calendar, day_ends=day_ends))


def _instant(value: t.Any, calendar: Calendar, *, day_ends: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) >= 9:
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise ValueError("is not a date; write it as 2026-11-23, 2026-11-23T10:15:00+01:00 or seconds since 1970") from None
    if moment.tzinfo is not None:
        return int(moment.timestamp())
    if day_ends and _DATE_ONLY.fullmatch(text):
        return calendar.epoch(moment.toordinal(), DAY - 1)
    return calendar.epoch(moment.toordinal(), moment.hour * 3600 + moment.minute * 60 + moment.second)
