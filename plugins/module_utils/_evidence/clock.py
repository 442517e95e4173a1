# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in evidence: RFC 3339, UTC, with the letter Z."""

from __future__ import annotations

import datetime as dt
import functools
import re

__all__ = ["is_time", "parse_time", "time_text", "utc_now"]

_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?Z", re.ASCII)


def utc_now() -> dt.datetime:
    """Now, with its zone."""
    return dt.datetime.now(dt.timezone.utc)


def time_text(moment: dt.datetime, *, microseconds: bool = False) -> str:
    """A moment with a zone as C(2026-11-23T22:00:00Z), or with six digits of a second.

    :raises ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is no time in evidence")
    text = moment.astimezone(dt.timezone.utc).isoformat(timespec="microseconds" if microseconds else "seconds")
    return text[:-6] + "Z"


@functools.lru_cache(maxsize=256)
def _second(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.timezone.utc)


def parse_time(text: object) -> dt.datetime:
    """The moment that C(time_text) wrote.

    :raises ValueError: another form, or a time that does not exist.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a time of the form 2026-11-23T22:00:00Z")
    whole, fraction = found.groups()
    return _second(whole) + dt.timedelta(microseconds=int(fraction[1:].ljust(6, "0"))) if fraction else _second(whole)


def is_time(text: object) -> bool:
    """Whether C(parse_time) would read it; quick where many times share a second."""
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        return False
    try:
        _second(text[:19])
    except ValueError:
        return False
    return True
