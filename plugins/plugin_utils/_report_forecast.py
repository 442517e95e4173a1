# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast over a fleet, as C(forecast.json) has it, in figures: what falls due by week and class, what is full when, what is not known."""

from __future__ import annotations

import json
import typing as t

from ..module_utils._errors import RefusedError
from ._evidence_files import read_bytes
from ._forecast import FORMAT
from ._language import visible
from ._report_chart import columns
from ._shapes import COUNTS, Each, Optional, selected

__all__ = ["forecast_facts"]

_PAIR = {"sets": int, "bytes": int}
_APART = ("held", "unclassified", "conflict", "in_progress")
_FULL = {"state": str, "date": Optional(str)}
_SHAPE: dict[str, t.Any] = {
    "complete": bool,
    "unknown_hosts": Each({"host": str}, list),
    "unread": Each({"host": str}, list),
    "due": _PAIR,
    "overdue": _PAIR,
    "apart": dict.fromkeys(_APART, COUNTS),
    "weeks": Each({"week": str, **_PAIR, "freed": int}, list),
    "classes": Each({"class": Optional(str), "due": _PAIR, "within": _PAIR, "later": _PAIR, "weeks": Each(Each(int, list), dict)}, list),
    "filesystems": Each({"host": str, "full": {"without_destruction": _FULL, "with_destruction": _FULL}}, list),
    "hosts": Each({"as_of": str}, dict),
}
_THEN = "so there is no report; make the forecast anew, or leave it out"
# Classes that the chart tells apart; all others are one colour.
_MOST_CLASSES = 4


def forecast_facts(path: str) -> dict[str, t.Any]:
    """What the page shows; no sentence of a host, no path.

    :raises DisposalError: the file cannot be read or is no forecast.
    """
    data = read_bytes(path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"the forecast {path} is not JSON ({visible(str(error))[:200]}), {_THEN}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        told = found.get("format") if isinstance(found, dict) else found
        raise RefusedError(f"the forecast {path} has the format {visible(repr(told))[:80]}, not {FORMAT}, {_THEN}")
    told = selected(found, _SHAPE, f"the forecast {path}", _THEN)
    classes = [{**row, "name": row.get("class")} for row in told["classes"]]
    return {
        **{key: told[key] for key in ("complete", "due", "overdue", "weeks", "apart")},
        "classes": classes,
        "within": {key: sum(row[key] for row in told["weeks"]) for key in ("sets", "bytes", "freed")},
        "unknown": sorted({row["host"] for row in told["unknown_hosts"]}),
        "unread": sorted({row["host"] for row in told["unread"]}),
        "as_of": min((part["as_of"] for part in told["hosts"].values()), default=None),
        "filling": _filling(told["filesystems"]),
        "of_unknown_rate": sum(row["full"]["with_destruction"]["state"] == "unknown" for row in told["filesystems"]),
        "chart": _chart(classes, [row["week"] for row in told["weeks"]]),
        "charted": [row["name"] for row in classes[:_MOST_CLASSES]],
        "charted_rest": len(classes) > _MOST_CLASSES,
    }


def _chart(classes: t.Sequence[dict[str, t.Any]], weeks: t.Sequence[str]) -> dict[str, t.Any]:
    """Bytes that fall due by week, the largest classes apart."""
    values = []
    for week in weeks:
        sizes = [(row["weeks"].get(week) or [0, 0])[-1] for row in classes]
        values.append([*sizes[:_MOST_CLASSES], sum(sizes[_MOST_CLASSES:])])
    return columns(values, base=1024, labels=6)


def _filling(filesystems: t.Iterable[dict[str, t.Any]]) -> list[dict[str, str]]:
    """By host, when its first filesystem is full although recordings are destroyed in time."""
    first: dict[str, str] = {}
    for row in filesystems:
        full = row["full"]["with_destruction"]
        if full["state"] == "date" and full.get("date"):
            first[row["host"]] = min(first.get(row["host"], full["date"]), full["date"])
    return [{"host": host, "date": date} for host, date in sorted(first.items(), key=lambda item: (item[1], item[0]))]
