# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import calendar as months
import datetime as dt
import random
import typing as t
import zoneinfo

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import calendar_for, rfc3339
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.periods import (
    ROUNDINGS,
    Period,
    parse_period,
    positive_period,
    round_up,
)

WARSAW = "Europe/Warsaw"


def later(text: str, period: str) -> str | None:
    moment = int(dt.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(WARSAW)).timestamp())
    found = parse_period(period).after(moment, calendar_for(WARSAW))
    return f"{dt.datetime.fromtimestamp(found, zoneinfo.ZoneInfo(WARSAW)):%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize(
    "value",
    [
        None, 0, 5, 5.0, True, [], {}, "", " ", "0", "P", "PT", "P5", "5Y", "p5y", "P-5Y", "-P5Y", "+P5Y", "P5YT", "P5M5Y", "PT5D",
        "P1.5Y", "P1,5Y", " P5Y", "P5Y ", "P5Y\n", "P12345Y", "P5Y5Y", "PT5S5M", "five years",
    ],
)  # fmt: skip
def test_what_is_no_period(value: object) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 period such as P5Y"):
        parse_period(value)


@pytest.mark.parametrize("value", ["P0D", "P0Y", "P0Y0M0W0DT0H0M0S", "PT0S", "PT0H0M"])
def test_a_period_of_nothing_lets_nothing_go(value: str) -> None:
    with pytest.raises(ValueError, match="is a period of nothing, which would let everything go at once"):
        positive_period(value)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P5Y", Period(months=60)),
        ("P1Y6M", Period(months=18)),
        ("P2W", Period(days=14)),
        ("P1Y2M3W4DT5H6M7S", Period(months=14, days=25, seconds=5 * 3600 + 6 * 60 + 7)),
        ("PT15M", Period(seconds=900)),
        ("P15M", Period(months=15)),
    ],
)
def test_periods(text: str, period: Period) -> None:
    assert parse_period(text) == positive_period(text) == period


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2024-02-29T10:00:00", "P1Y", "2025-02-28T10:00:00"),
        ("2024-02-29T10:00:00", "P4Y", "2028-02-29T10:00:00"),
        ("2023-02-28T10:00:00", "P1Y", "2024-02-28T10:00:00"),
        ("2024-01-31T10:00:00", "P1M", "2024-02-29T10:00:00"),
        ("2023-01-31T10:00:00", "P1M", "2023-02-28T10:00:00"),
        ("2024-03-31T10:00:00", "P1M", "2024-04-30T10:00:00"),
        ("2024-01-31T10:00:00", "P2M", "2024-03-31T10:00:00"),
        ("2023-12-31T23:59:59", "P1D", "2024-01-01T23:59:59"),
        ("2024-10-31T10:00:00", "P1Y4M", "2026-02-28T10:00:00"),
        ("2026-03-28T02:30:00", "P1D", "2026-03-29T03:30:00"),  # clocks skip half past two
        ("2026-03-28T12:00:00", "P1D", "2026-03-29T12:00:00"),
        ("2026-03-28T12:00:00", "PT24H", "2026-03-29T13:00:00"),
        ("2026-10-24T12:00:00", "PT24H", "2026-10-25T11:00:00"),
        ("2025-03-29T02:30:00", "P1Y", "2026-03-29T03:30:00"),
        ("2026-01-31T00:00:00", "P1M1D", "2026-03-01T00:00:00"),
    ],
)
def test_calendar_arithmetic(start: str, period: str, end: str) -> None:
    assert later(start, period) == end


def test_a_period_that_ends_in_the_hour_shown_twice_ends_in_its_second_showing() -> None:
    start = int(dt.datetime(2026, 10, 24, 2, 30, tzinfo=zoneinfo.ZoneInfo(WARSAW)).timestamp())
    assert rfc3339(parse_period("P1D").after(start, calendar_for(WARSAW))) == "2026-10-25T01:30:00Z"


def test_after_the_year_9999() -> None:
    for period in ("P9999Y", "P8000Y", "P999999D" * 1):
        with pytest.raises(ValueError, match="ends after the year 9999"):
            Period(months=parse_period(period).months, days=parse_period(period).days + 10**6 * 3).after(1700000000, calendar_for(WARSAW))


def independent(start: dt.datetime, period: Period) -> dt.datetime:
    """The same with datetime alone: month by month, then day by day."""
    year, month = start.year, start.month
    for _month in range(period.months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    moment = start.replace(year=year, month=month, day=min(start.day, months.monthrange(year, month)[1]), tzinfo=None)
    return moment + dt.timedelta(days=period.days)


def test_random_periods_against_datetime() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    zone = zoneinfo.ZoneInfo(WARSAW)
    for _turn in range(2000):
        start = dt.datetime.fromtimestamp(chance.randrange(631152000, 2200000000), zone)
        period = Period(
            months=chance.choice([0, 1, 6, 12, 60, chance.randrange(200)]), days=chance.choice([0, 7, 30, chance.randrange(900)])
        )
        if not period.has_dates:
            continue
        wall = independent(start, period)
        expected = max(int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
        assert period.after(int(start.timestamp()), calendar_for(WARSAW)) == expected, (seed, start, period)
        seconds = chance.randrange(10**6)
        mixed = Period(period.months, period.days, seconds)
        assert mixed.after(int(start.timestamp()), calendar_for(WARSAW)) == expected + seconds, (seed, start, period)


@pytest.mark.parametrize(
    ("date", "rounding", "expected"),
    [
        ("2024-03-01", "next_year_start", "2025-01-01"),
        ("2024-12-31", "next_year_start", "2025-01-01"),
        ("2025-01-01", "next_year_start", "2026-01-01"),
        ("2024-02-29", "next_month_start", "2024-03-01"),
        ("2024-12-01", "next_month_start", "2025-01-01"),
        ("2024-01-01", "next_quarter_start", "2024-04-01"),
        ("2024-03-31", "next_quarter_start", "2024-04-01"),
        ("2024-04-01", "next_quarter_start", "2024-07-01"),
        ("2024-11-30", "next_quarter_start", "2025-01-01"),
        ("2024-02-28", "next_day_start", "2024-02-29"),
        ("2024-12-31", "next_day_start", "2025-01-01"),
    ],
)
def test_rounding(date: str, rounding: str, expected: str) -> None:
    found = round_up(dt.date.fromisoformat(date).toordinal(), rounding)
    assert dt.date.fromordinal(found).isoformat() == expected


def test_every_day_rounds_up_to_the_first_later_day_that_begins_its_span() -> None:
    begins: dict[str, t.Callable[[dt.date], bool]] = {
        "next_day_start": lambda _day: True,
        "next_month_start": lambda day: day.day == 1,
        "next_quarter_start": lambda day: day.day == 1 and day.month in (1, 4, 7, 10),
        "next_year_start": lambda day: (day.day, day.month) == (1, 1),
    }
    assert {*begins, "none"} == set(ROUNDINGS)
    for rounding, first in begins.items():
        for ordinal in range(dt.date(2023, 1, 1).toordinal(), dt.date(2025, 1, 2).toordinal()):
            expected = next(day for day in range(ordinal + 1, ordinal + 400) if first(dt.date.fromordinal(day)))
            assert round_up(ordinal, rounding) == expected, (rounding, ordinal)
