# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import random
import zoneinfo

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import (
    Calendar,
    calendar_for,
    parse_instant,
    rfc3339,
)

UTC = dt.timezone.utc
ZONES = ("Europe/Warsaw", "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def by_search(wall: dt.datetime, zone: dt.tzinfo) -> int:
    """The latest instant whose clocks show C(wall); where none do, the instant that the wall time before the jump leads to."""
    naive = int(wall.replace(tzinfo=UTC).timestamp())
    shown = [naive - offset for offset in range(-15 * 3600, 15 * 3600, 900) if _shows(naive - offset, wall, zone)]
    if shown:
        return max(shown)
    before = int(dt.datetime.fromtimestamp(naive - 36 * 3600, zone).utcoffset().total_seconds())  # type: ignore[union-attr]
    return naive - before


def _shows(moment: int, wall: dt.datetime, zone: dt.tzinfo) -> bool:
    return dt.datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0) == wall


def test_an_hour_that_clocks_skip_and_one_that_they_show_twice() -> None:
    warsaw = Calendar("Europe/Warsaw")
    gap, fold = dt.date(2026, 3, 29).toordinal(), dt.date(2026, 10, 25).toordinal()
    assert rfc3339(warsaw.epoch(gap, 2 * 3600 + 1800)) == "2026-03-29T01:30:00Z"
    assert rfc3339(warsaw.epoch(fold, 2 * 3600 + 1800)) == "2026-10-25T01:30:00Z"
    assert warsaw.local(epoch("2026-10-25T01:30:00+00:00")) == (fold, 2 * 3600 + 1800)
    assert warsaw.local(epoch("2026-10-25T00:30:00+00:00")) == (fold, 2 * 3600 + 1800)
    assert warsaw.local(epoch("2026-03-29T01:00:00+00:00")) == (gap, 3 * 3600)


def test_random_wall_times_against_a_search_over_all_offsets() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    for name in ZONES:
        calendar = Calendar(name)
        zone: dt.tzinfo = zoneinfo.ZoneInfo(name)
        for _turn in range(150):
            day = dt.date(chance.randint(1990, 2036), 1, 1) + dt.timedelta(days=chance.randrange(365))
            wall = dt.datetime.combine(day, dt.time(chance.randrange(24), chance.randrange(60), chance.randrange(60)))
            expected = by_search(wall, zone)
            assert calendar.epoch(day.toordinal(), wall.hour * 3600 + wall.minute * 60 + wall.second) == expected, (seed, name, wall)
            shown = dt.datetime.fromtimestamp(expected, zone)
            local = (shown.toordinal(), shown.hour * 3600 + shown.minute * 60 + shown.second)
            assert calendar.local(expected) == local, (seed, name, wall)


def test_every_quarter_of_an_hour_of_the_days_on_which_clocks_change() -> None:
    for name, days in (
        ("Europe/Warsaw", ("2026-03-29", "2026-10-25")),
        ("America/New_York", ("2026-03-08", "2026-11-01")),
        ("Australia/Lord_Howe", ("2026-04-05", "2026-10-04")),
    ):
        calendar = Calendar(name)
        for text in days:
            day = dt.date.fromisoformat(text)
            for second in range(0, 86400, 900):
                wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=second)
                assert calendar.epoch(day.toordinal(), second) == by_search(wall, zoneinfo.ZoneInfo(name)), (name, wall)


def test_the_memo_forgets_without_changing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.recordings.disposal.plugins.module_utils._recordings import calendar as module

    calendar = Calendar("Europe/Warsaw")
    start = dt.date(2020, 1, 1).toordinal()
    first = [calendar.epoch(day, 3600) for day in range(start, start + 50)]
    monkeypatch.setattr(module, "_MEMO_LIMIT", 3)
    assert [calendar.epoch(day, 3600) for day in range(start, start + 50)] == first
    assert [calendar.local(moment) for moment in first] == [(day, 3600) for day in range(start, start + 50)]


@pytest.mark.parametrize("name", ["Europe/Cracow", "", "../../etc/passwd", "/etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="is not known on this host, so no date can be computed"):
        Calendar(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23", "2026-11-22T23:00:00Z"),
        ("2026-07-23", "2026-07-22T22:00:00Z"),
        ("2026-11-23T10:15:00", "2026-11-23T09:15:00Z"),
        ("2026-11-23 10:15:00", "2026-11-23T09:15:00Z"),
        ("2026-11-23T10:15:00+05:00", "2026-11-23T05:15:00Z"),
        ("2026-11-23T10:15:00Z", "2026-11-23T10:15:00Z"),
        (" 2026-11-23T10:15:00Z ", "2026-11-23T10:15:00Z"),
        (1700000000, "2023-11-14T22:13:20Z"),
        ("1700000000", "2023-11-14T22:13:20Z"),
        ("1965-05-01", "1965-04-30T23:00:00Z"),
    ],
)
def test_instants(value: object, expected: str) -> None:
    assert rfc3339(parse_instant(value, calendar_for("Europe/Warsaw"))) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is not a date"),
        ("soon", "is not a date"),
        ("2024-02-30", "is not a date"),
        ("2023-02-29", "is not a date"),
        ("2024-13-01", "is not a date"),
        ("24-01-01", "is not a date"),
        ("2024-01-01T25:00:00", "is not a date"),
        (None, "is not a date"),
        (True, "is not a date"),
        (1.5, "is not a date"),
        ([1], "is not a date"),
        ("12345678", "is not a date"),
        (0, "stands for none"),
        ("1970-01-01", "stands for none"),
        ("1969-12-31T23:59:59Z", "stands for none"),
        ("1900-01-01", "stands for none"),
        ("0001-01-01", "stands for none"),
        (-(10**15), "stands for none"),
        (1700000000000, "after the year 9999"),
        (10**30, "after the year 9999"),
        ("9" * 30, "after the year 9999"),
    ],
)
def test_what_is_no_date(value: object, words: str) -> None:
    for name in ("Europe/Warsaw", "UTC", "Pacific/Apia"):
        with pytest.raises(ValueError, match=words):
            parse_instant(value, calendar_for(name))


def test_a_date_can_count_as_its_end() -> None:
    warsaw = calendar_for("Europe/Warsaw")
    assert rfc3339(parse_instant("2026-11-23", warsaw, day_ends=True)) == "2026-11-23T22:59:59Z"
    assert rfc3339(parse_instant("2026-11-23T00:00:00", warsaw, day_ends=True)) == "2026-11-22T23:00:00Z"
    assert rfc3339(parse_instant("2026-03-29", warsaw, day_ends=True)) == "2026-03-29T21:59:59Z"


def test_instants_as_text() -> None:
    chance = random.Random(1)
    assert rfc3339(None) is None
    for _turn in range(500):
        moment = chance.randrange(-(10**9), 10**10)
        assert rfc3339(moment) == f"{dt.datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
