# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast over a fleet, joined from what C(retention_forecast) told on each host."""

from __future__ import annotations

import datetime as dt
import typing as t

from ..module_utils._errors import RefusedError
from ._preview import join_results
from ._shapes import COUNTS, Each, Optional

__all__ = ["FORMAT", "build_forecast"]

FORMAT = "recordings.disposal/forecast/1"
_PAIR = {"sets": int, "bytes": int}
_APART = ("held", "unclassified", "conflict", "in_progress")
_CLASS = {"due": _PAIR, "overdue": _PAIR, "weeks": Each(Each(int, list), dict), "later": _PAIR}
_FULL = {"state": str, "date": Optional(str)}
_RESULT: dict[str, t.Any] = {
    "as_of": str,
    "policy": {"id": str, "version": str, "owner": str, "review_by": str, "digest": str},
    "time_zone": str,
    "complete": bool,
    "unread": Each({"root": str, "why": str}, list),
    "roots": {"looked_at": int, "unread": int},
    "horizon": {"first_week": str, "weeks": int, "end": str},
    "totals": COUNTS,
    "due": _PAIR,
    "overdue": _PAIR,
    "apart": dict.fromkeys(_APART, COUNTS),
    "classes": Each(_CLASS, dict),
    "other_classes": Optional({"classes": int, **_CLASS}),
    "filesystems": Each(
        {
            "roots": Each(str, list),
            "more_roots": int,
            "size": int,
            "free": int,
            "recordings": int,
            "intake": {"bytes_per_day": Optional(int), "days": int, "why": Optional(str)},
            "freed": Each(int, dict),
            "full": {"without_destruction": _FULL, "with_destruction": _FULL},
        },
        list,
    ),
}


def _added(counts: t.Iterable[t.Mapping[str, int]], units: t.Iterable[str]) -> dict[str, int]:
    listed = list(counts)
    return {unit: sum(count[unit] for count in listed) for unit in units}


def _one_policy(hosts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The policy of all hosts.

    :raises RefusedError: they looked ahead under different ones.
    """
    first, *others = hosts
    for host in others:
        if hosts[host]["policy"]["digest"] != hosts[first]["policy"]["digest"]:
            raise RefusedError(
                f"the hosts {first} and {host} looked ahead under different policies, so nothing is told; use one policy for all of them"
            )
    policy: dict[str, t.Any] = hosts[first]["policy"]
    return policy


def _weeks(hosts: t.Mapping[str, t.Any]) -> list[str]:
    """Every week of the horizon by its Monday; hosts that looked before and after midnight may begin with different ones."""
    starts = [dt.date.fromisoformat(part["horizon"]["first_week"]) for part in hosts.values()]
    ends = [dt.date.fromisoformat(part["horizon"]["end"]) for part in hosts.values()]
    if not starts:
        return []
    return [(min(starts) + dt.timedelta(weeks=index)).isoformat() for index in range((max(ends) - min(starts)).days // 7)]


def _parts(part: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str | None, t.Mapping[str, t.Any]]]:
    """Each class of a host; none stands for the smallest ones, which it told together."""
    yield from part["classes"].items()
    if part.get("other_classes"):
        yield None, part["other_classes"]


def build_forecast(results: t.Any, *, collection: str) -> dict[str, t.Any]:
    """The forecast over the results of C(retention_forecast), by inventory host.

    :raises RefusedError: a result that is none of that module's, or hosts with different policies.
    """
    fleet = join_results(results, _RESULT, "retention_forecast")
    hosts = fleet.hosts
    weeks = _weeks(hosts)
    return {
        "format": FORMAT,
        "collection": collection,
        "complete": not fleet.unknown and all(part["complete"] for part in hosts.values()),
        "unknown_hosts": fleet.unknown,
        "unread": [{"host": host, **item} for host, part in hosts.items() for item in part["unread"]],
        "policy": _one_policy(hosts) if hosts else None,
        "time_zone": next((part["time_zone"] for part in hosts.values()), None),
        "totals": _added((part["totals"] for part in hosts.values()), COUNTS),
        "due": _added((part["due"] for part in hosts.values()), _PAIR),
        "overdue": _added((part["overdue"] for part in hosts.values()), _PAIR),
        "apart": {verdict: _added((part["apart"][verdict] for part in hosts.values()), COUNTS) for verdict in _APART},
        "weeks": [_week(week, hosts) for week in weeks],
        "classes": _classes(hosts),
        "filesystems": [{"host": host, **item} for host, part in hosts.items() for item in part["filesystems"]],
        "hosts": {
            host: {
                key: part[key]
                for key in ("as_of", "complete", "roots", "totals", "due", "overdue", "apart", "classes", "other_classes")
                if key in part
            }
            for host, part in hosts.items()
        },
    }


def _week(week: str, hosts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    found = [counts for part in hosts.values() for _name, item in _parts(part) for day, counts in item["weeks"].items() if day == week]
    freed = sum(item["freed"].get(week, 0) for part in hosts.values() for item in part["filesystems"])
    return {"week": week, "sets": sum(counts[0] for counts in found), "bytes": sum(counts[1] for counts in found), "freed": freed}


def _classes(hosts: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    rows: dict[str | None, dict[str, t.Any]] = {}
    for part in hosts.values():
        for name, item in _parts(part):
            nothing = {key: dict.fromkeys(_PAIR, 0) for key in ("due", "overdue", "within", "later")}
            row = rows.setdefault(name, {"class": name, **nothing, "weeks": {}})
            within = {unit: sum(counts[index] for counts in item["weeks"].values()) for index, unit in enumerate(_PAIR)}
            for key, counts in (("due", item["due"]), ("overdue", item["overdue"]), ("within", within), ("later", item["later"])):
                row[key] = _added([row[key], counts], _PAIR)
            for week, counts in item["weeks"].items():
                row["weeks"][week] = [one + other for one, other in zip(row["weeks"].get(week, [0, 0]), counts)]
    return sorted(rows.values(), key=lambda row: (row["class"] is None, -row["due"]["bytes"] - row["within"]["bytes"], row["class"] or ""))
