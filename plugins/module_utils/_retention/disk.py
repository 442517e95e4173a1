# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a filesystem is full: from its free room, what is recorded a day, and what destroying gives back. Pure."""

from __future__ import annotations

import datetime as dt
import typing as t

from .outlook import Filesystem
from .policy import Policy

__all__ = ["LEAST_DAYS", "Intake", "full_dates", "intake_of", "shortest_period"]

LEAST_DAYS = 7
_MOST_UNDATED = 10
_LONGEST = 36525


class Intake(t.NamedTuple):
    """Bytes a day over so many whole days; none, with the reason, where it cannot be told."""

    bytes_per_day: int | None
    days: int
    why: str | None

    def told(self) -> dict[str, t.Any]:
        return self._asdict()


def shortest_period(policy: Policy) -> int:
    """About how many days the shortest period of a class has: older intake may be destroyed, and so not seen."""
    return min(item.keep.months * 30 + item.keep.days + item.keep.seconds // 86400 for item in policy.classes)


def intake_of(filesystem: Filesystem, *, today: int, days: int, shortest: int) -> Intake:
    """What was recorded a day, by the dates of the sets that are there.

    :arg today: local day (ordinal); it has not ended, and does not count.
    :arg days: over how many days at most.
    :arg shortest: as C(shortest_period).
    """
    if not filesystem.size:
        return Intake(None, 0, "there are no recordings")
    if filesystem.undated * 100 > filesystem.size * _MOST_UNDATED:
        share = filesystem.undated * 100 // filesystem.size
        return Intake(None, 0, f"the start of {share}% of the bytes is not known, more than {_MOST_UNDATED}%")
    first = filesystem.first_day if filesystem.first_day is not None else today
    # The first day may have begun before the first set that is left of it.
    seen = min(days, shortest, today - first - 1)
    if seen < LEAST_DAYS:
        return Intake(None, max(seen, 0), f"only {max(seen, 0)} whole days of intake can be seen, fewer than {LEAST_DAYS}")
    total = sum(size for day, size in filesystem.days.items() if today - seen <= day < today)
    return Intake(-(-total // seen), seen, None)


def full_dates(filesystem: Filesystem, intake: Intake, *, today: int, end: int) -> dict[str, dict[str, t.Any]]:
    """The first day on which there is no room any more, without destroying and with it.

    :arg end: the day (ordinal) after the horizon.
    """
    rate, room = intake.bytes_per_day, filesystem.room
    if rate is None or room is None:
        unknown = {"state": "unknown", "date": None}
        return {"without_destruction": dict(unknown), "with_destruction": dict(unknown)}
    if not rate:
        never = {"state": "not_at_this_rate", "date": None}
        return {"without_destruction": dict(never), "with_destruction": dict(never)}
    left = room.free // rate
    beyond = left > _LONGEST
    without = {"state": "not_at_this_rate" if beyond else "date", "date": None if beyond else _date(today + left)}
    free = room.free
    for day in range(today, end):
        free -= rate
        if free < 0:
            return {"without_destruction": without, "with_destruction": {"state": "date", "date": _date(day)}}
        # What falls due in a week counts once that week is over, on its Sunday.
        if day % 7 == 0:
            free += filesystem.freed.get(day - 6, 0)
    return {"without_destruction": without, "with_destruction": {"state": "not_within_horizon", "date": None}}


def _date(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()
