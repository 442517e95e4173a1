# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast for a host. Writes nothing there."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._errors import RefusedError
from .._evidence.canonical import canonical
from .._executor import CheckExecutor
from .._recordings.calendar import rfc3339
from .._retention.disk import full_dates, intake_of, shortest_period
from .._retention.outlook import ClassOutlook, Filesystem, Forecaster, Outlook
from .inputs import Inputs, gather
from .state import StateDir

__all__ = ["FORECAST_LIMITS", "make_forecast"]

FORECAST_LIMITS = {"weeks": (1, 53), "intake_days": (7, 90)}
_MOST_BYTES = 44 * 1024
_MOST_UNREAD = 50
_MOST_ROOTS = 10
_APART = ("held", "unclassified", "conflict", "in_progress")


def make_forecast(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of C(retention_forecast).

    :raises DisposalError: an input is not as it should be; a root that cannot be read is told in the result instead.
    """
    for name, (least, most) in FORECAST_LIMITS.items():
        if not least <= params[name] <= most:
            raise RefusedError(f"{name} is {params[name]}; give a number from {least} to {most}")
    # Nothing is named, so ids need no key.
    inputs = gather({**params, "identifiers_key": "-" * 32}, StateDir(params["state_dir"], CheckExecutor()))
    forecaster = Forecaster(inputs.planner(), weeks=params["weeks"], days=params["intake_days"], workers=inputs.workers)
    try:
        outlook = forecaster.forecast()
    finally:
        forecaster.close()
    return _result(inputs, forecaster, outlook)


def _date(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


def _pair(counts: t.Sequence[int]) -> dict[str, int]:
    return {"sets": counts[0], "bytes": counts[1]}


def _result(inputs: Inputs, forecaster: Forecaster, outlook: Outlook) -> dict[str, t.Any]:
    unread = [{"root": root, "why": why[:400]} for root, why in forecaster.unread]
    classes = {item.name: outlook.classes.get(item.name, ClassOutlook()) for item in inputs.policy.classes}
    result: dict[str, t.Any] = {
        "changed": False,
        "as_of": rfc3339(inputs.now),
        "policy": inputs.policy.summary(),
        "time_zone": inputs.policy.time_zone,
        "complete": not unread,
        "unread": unread[:_MOST_UNREAD],
        "roots": {"looked_at": sum(len(source.roots) for source in forecaster.sources) - len(unread), "unread": len(unread)},
        "horizon": {
            "first_week": _date(forecaster.monday),
            "weeks": (forecaster.end - forecaster.monday) // 7,
            "end": _date(forecaster.end),
        },
        "totals": _named([sum(counts[index] for counts in outlook.verdicts.values()) for index in range(3)]),
        "due": _pair(_total(classes, lambda item: item.due)),
        "overdue": _pair(_total(classes, lambda item: item.overdue)),
        "apart": {verdict: _named(outlook.verdicts.get(verdict, [0, 0, 0])) for verdict in _APART},
        "filesystems": [_filesystem(item, inputs, forecaster, bool(unread)) for _device, item in sorted(outlook.filesystems.items())],
        "warnings": [
            *inputs.warnings,
            *(f"the root {item['root']} is not in the forecast, since it could not be read: {item['why']}" for item in unread[:5]),
        ],
    }
    return {**result, **_classes(classes, _MOST_BYTES - len(canonical(result)))}


def _named(counts: t.Sequence[int]) -> dict[str, int]:
    return {"sets": counts[0], "files": counts[1], "bytes": counts[2]}


def _total(classes: t.Mapping[str, ClassOutlook], part: t.Callable[[ClassOutlook], list[int]]) -> list[int]:
    return [sum(part(item)[index] for item in classes.values()) for index in (0, 1)]


def _classes(classes: t.Mapping[str, ClassOutlook], room: int) -> dict[str, t.Any]:
    """Each class; the smallest ones together where there is no room for all of them."""
    ordered = sorted(classes.items(), key=lambda item: (-sum(counts[1] for counts in item[1].weeks.values()) - item[1].due[1], item[0]))
    shown = {name: _class(item) for name, item in ordered}
    rest = Outlook()
    folded = 0
    for name, item in reversed(ordered):
        if len(canonical(shown)) <= room:
            break
        single = Outlook()
        single.classes[""] = item
        rest.merge(single)
        del shown[name]
        folded += 1
    other = {"classes": folded, **_class(rest.classes[""])} if folded else None
    return {"classes": shown, "other_classes": other}


def _class(item: ClassOutlook) -> dict[str, t.Any]:
    return {
        "due": _pair(item.due),
        "overdue": _pair(item.overdue),
        "weeks": {_date(week): counts for week, counts in sorted(item.weeks.items())},
        "later": _pair(item.later),
    }


def _filesystem(item: Filesystem, inputs: Inputs, forecaster: Forecaster, any_unread: bool) -> dict[str, t.Any]:
    intake = intake_of(item, today=forecaster.today, days=forecaster.days, shortest=shortest_period(inputs.policy))
    if any_unread:
        # On which filesystem a root that cannot be read lies is not known either.
        intake = intake._replace(bytes_per_day=None, why="a root of this host could not be read")
    return {
        "roots": item.roots[:_MOST_ROOTS],
        "more_roots": max(len(item.roots) - _MOST_ROOTS, 0),
        "size": item.room.size if item.room else 0,
        "free": item.room.free if item.room else 0,
        "recordings": item.size,
        "intake": intake.told(),
        "freed": {_date(week): size for week, size in sorted(item.freed.items())},
        "full": full_dates(item, intake, today=forecaster.today, end=forecaster.end),
    }
