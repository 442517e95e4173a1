# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long evidence itself is kept: a period from when it was made, or a date."""

from __future__ import annotations

import dataclasses
import datetime as dt

from ..module_utils._errors import RefusedError
from ..module_utils._recordings.calendar import calendar_for, parse_instant
from ..module_utils._recordings.periods import Period, positive_period

__all__ = ["Keep", "read_keep"]

_UTC = "UTC"


@dataclasses.dataclass(frozen=True, slots=True)
class Keep:
    """C(period) from each thing's own time, or the one moment C(end)."""

    period: Period | None
    end: dt.datetime | None

    def until(self, since: dt.datetime) -> dt.datetime:
        """The first moment at which it need no longer be kept."""
        if self.end is not None:
            return self.end
        if self.period is None:
            raise RefusedError("keep tells neither a period nor a moment, so nothing was done; write one of them")
        # A fraction of a second more is kept, never less.
        seconds = int(since.timestamp()) + (1 if since.microsecond else 0)
        try:
            return dt.datetime.fromtimestamp(self.period.after(seconds, calendar_for(_UTC)), dt.timezone.utc)
        except (ValueError, OverflowError) as error:
            raise RefusedError(f"keep leads beyond the year 9999 ({error}), so nothing was done; write a shorter period") from error


def read_keep(text: str) -> Keep:
    """C(keep) of the options: C(P10Y), or C(2036-12-31), which is kept to the end of that day, in UTC.

    :raises RefusedError: it is neither.
    """
    try:
        return Keep(positive_period(text), None) if text.startswith("P") else Keep(None, _moment(text))
    except (ValueError, OverflowError) as error:
        raise RefusedError(
            f"keep: {text!r} is neither a period such as P10Y nor a date such as 2036-12-31 ({error}), so nothing was done; there is no default"
        ) from error


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(parse_instant(text, calendar_for(_UTC), day_ends=True), dt.timezone.utc)
