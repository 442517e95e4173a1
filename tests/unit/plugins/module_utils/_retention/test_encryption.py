# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Periods of keys: by the local calendar, at their very edges."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import calendar_for
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.periods import parse_period
from ansible_collections.recordings.disposal.plugins.module_utils._retention.encryption import encryption_problem, period_of


@pytest.mark.parametrize(
    ("moment", "zone", "month", "quarter", "year"),
    [
        ("2026-03-31T21:59:59+00:00", "Europe/Warsaw", "2026-03", "2026-Q1", "2026"),
        ("2026-03-31T22:00:00+00:00", "Europe/Warsaw", "2026-04", "2026-Q2", "2026"),
        ("2025-12-31T22:59:59+00:00", "Europe/Warsaw", "2025-12", "2025-Q4", "2025"),
        ("2025-12-31T23:00:00+00:00", "Europe/Warsaw", "2026-01", "2026-Q1", "2026"),
        ("2026-01-01T04:59:59+00:00", "America/New_York", "2025-12", "2025-Q4", "2025"),
        ("2026-09-30T23:59:59+00:00", "UTC", "2026-09", "2026-Q3", "2026"),
        ("2026-10-01T00:00:00+00:00", "UTC", "2026-10", "2026-Q4", "2026"),
    ],
)
def test_the_period_in_which_a_recording_began(moment: str, zone: str, month: str, quarter: str, year: str) -> None:
    epoch = int(dt.datetime.fromisoformat(moment).timestamp())
    calendar = calendar_for(zone)
    assert [period_of(unit, epoch, calendar) for unit in ("month", "quarter", "year")] == [month, quarter, year]


@pytest.mark.parametrize(
    ("unit", "within", "serves"),
    [
        ("month", "P30D", False),
        ("month", "P31D", True),
        ("month", "P4W", False),
        ("month", "P1M", True),
        ("month", "PT743H", False),
        ("month", "PT744H", True),
        ("quarter", "P91D", False),
        ("quarter", "P92D", True),
        ("quarter", "P2M", False),
        ("quarter", "P3M", True),
        ("year", "P365D", False),
        ("year", "P366D", True),
        ("year", "P11M", False),
        ("year", "P1Y", True),
    ],
)
def test_a_window_that_leaves_time_for_a_whole_period(unit: str, within: str, serves: bool) -> None:
    assert (encryption_problem(unit, parse_period(within)) is None) == serves
