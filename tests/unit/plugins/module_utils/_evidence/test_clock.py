# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times that evidence may hold, and those it may not."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import is_time, parse_time, time_text

WRONG = [
    None,
    7,
    "",
    "2026-11-23",
    "2026-11-23T22:00:00",
    "2026-11-23T22:00:00+00:00",
    "2026-11-23 22:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T22:00:00.Z",
    "2026-11-23T22:00:00.1234567Z",
    "٢026-11-23T22:00:00Z",
    "2026-11-23T22:00:00Z\n",
]


@pytest.mark.parametrize("text", WRONG)
def test_another_form_is_refused(text: object) -> None:
    assert not is_time(text)
    with pytest.raises(ValueError, match="2026-11-23T22:00:00Z|does not match|unconverted|day is out of range"):
        parse_time(text)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        time_text(dt.datetime(2026, 11, 23))


@pytest.mark.parametrize("microseconds", [False, True])
def test_what_is_written_is_read(microseconds: bool) -> None:
    moment = dt.datetime(2026, 11, 23, 22, 0, 0, 120 if microseconds else 0, tzinfo=dt.timezone.utc)
    text = time_text(moment.astimezone(dt.timezone(dt.timedelta(hours=1))), microseconds=microseconds)
    assert text == ("2026-11-23T22:00:00.000120Z" if microseconds else "2026-11-23T22:00:00Z")
    assert is_time(text)
    assert parse_time(text) == moment


def test_fewer_digits_are_tenths() -> None:
    assert parse_time("2026-11-23T22:00:00.5Z").microsecond == 500000
