# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a fleet: what each host found and what was destroyed there, added up by site and class.

What is not known is none and never zero: a host without a plan has no figures, and without verified evidence nothing is said of what was destroyed.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import typing as t

from ..module_utils._evidence.clock import parse_time
from ._plan_view import VERDICTS
from ._report_evidence import Run
from ._report_plans import HostPlan, Plans

__all__ = ["FOUND", "OUTCOMES", "STATES", "Fleet", "figures_of"]

# Of each host, site and class, as plans tell it; sizes are bytes.
FOUND = ("found", "found_bytes", "due", "due_bytes", "overdue", "held", "unclassified", "conflict", "retained", "in_progress")
# As verified evidence tells it.
OUTCOMES = ("destroyed", "not_destroyed", "unknown", "freed")
# Of hosts; the first one has figures of today.
STATES = ("planned", "old", "unreachable", "failed", "no_plan", "gone")

Counts = dict[str, int]
Row = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Fleet:
    """What is known of a fleet.

    :ivar hosts: that belong to it; none where whatever has a plan or evidence does.
    :ivar sites: site by host.
    :ivar runs: verified ones, of recordings; none where evidence was not given.
    :ivar oldest: plans that were made before count as old.
    """

    hosts: tuple[str, ...] | None
    sites: t.Mapping[str, str]
    plans: Plans
    runs: t.Sequence[Run] | None
    oldest: dt.datetime


@dataclasses.dataclass(slots=True)
class _Outcomes:
    """What the runs did on one host, in all and by class, and of that by the plan that counts for the host."""

    total: Counts = dataclasses.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    classes: dict[str, Counts] = dataclasses.field(default_factory=dict)
    # Since the plan: sets and bytes, in all and by class.
    since: list[int] = dataclasses.field(default_factory=lambda: [0, 0])
    since_by_class: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    def take(self, entry: t.Mapping[str, t.Any], *, by_this_plan: bool) -> None:
        counts = {**entry["counts"], "freed": entry["bytes"]["destroyed"]}
        self.total = _added([self.total, counts], OUTCOMES)
        if by_this_plan:
            self.since = [self.since[0] + counts["destroyed"], self.since[1] + counts["freed"]]
        for name, item in entry["classes"].items():
            told = {**item, "freed": item["bytes"]}
            self.classes[name] = _added([self.classes.get(name, dict.fromkeys(OUTCOMES, 0)), told], OUTCOMES)
            if by_this_plan:
                known = self.since_by_class.setdefault(name, [0, 0])
                self.since_by_class[name] = [known[0] + told["destroyed"], known[1] + told["freed"]]


def _added(rows: t.Iterable[t.Mapping[str, t.Any]], names: t.Sequence[str]) -> Counts:
    total = dict.fromkeys(names, 0)
    for row in rows:
        for name in names:
            total[name] += row[name]
    return total


def _counts(verdicts: t.Mapping[str, t.Any], sets: int, size: int, overdue: int, since: t.Sequence[int]) -> Counts:
    """What a plan found, of which what its own run has destroyed since is not due any more."""
    nothing = {"sets": 0, "bytes": 0}
    due = verdicts.get("due", nothing)
    left = max(due["sets"] - since[0], 0)
    told = {"found": sets, "found_bytes": size, "due": left, "due_bytes": max(due["bytes"] - since[1], 0) if left else 0}
    # Which of the sets that were destroyed were overdue no statement tells.
    told["overdue"] = min(overdue, left)
    return {**told, **{name: verdicts.get(name, nothing)["sets"] for name in VERDICTS[1:]}}


def figures_of(fleet: Fleet) -> dict[str, t.Any]:
    """Rows of hosts, sites and classes, sums over all, and the hosts that the sums do not know."""
    outcomes = _by_host(fleet)
    named = set(fleet.plans.hosts) | set(outcomes or ()) | set(fleet.plans.unreachable) | set(fleet.plans.failed)
    names = sorted(named | set(fleet.hosts or ()))
    rows = [_host_row(fleet, name, outcomes) for name in names]
    current = [row for row in rows if row["counts"] is not None]
    return {
        "hosts": rows,
        "sites": _sites(rows),
        "classes": _classes(current, rows, known=outcomes is not None),
        "total": _sums(rows),
        "of_hosts": {"all": sum(row["state"] != "gone" for row in rows), "counted": len(current)},
        "states": {state: [row["name"] for row in rows if row["state"] == state] for state in STATES},
        "reasons": {verdict: _reasons(current, verdict) for verdict in ("unclassified", "conflict")},
        "verdicts": {
            name: {
                "sets": sum(row["part"]["verdicts"][name]["sets"] for row in current),
                "bytes": sum(row["part"]["verdicts"][name]["bytes"] for row in current),
            }
            for name in VERDICTS
        },
        "next_due": min(
            (item["next_due"] for row in current for item in row["part"]["classes"].values() if item["next_due"]), default=None
        ),
        "oldest": min((row["part"]["as_of"] for row in current), key=parse_time, default=None),
    }


def _by_host(fleet: Fleet) -> dict[str, _Outcomes] | None:
    if fleet.runs is None:
        return None
    found: dict[str, _Outcomes] = collections.defaultdict(_Outcomes)
    for run in fleet.runs:
        for host, entry in run.hosts.items():
            plan = fleet.plans.hosts.get(host)
            found[host].take(entry, by_this_plan=plan is not None and plan.part["plan"]["digest"] == run.plans.get(host))
    return dict(found)


def _host_row(fleet: Fleet, name: str, outcomes: t.Mapping[str, _Outcomes] | None) -> Row:
    gone = fleet.hosts is not None and name not in fleet.hosts
    # What a host that left the fleet found once says nothing of the fleet; what was destroyed there stays destroyed.
    plan = None if gone else fleet.plans.hosts.get(name)
    done = None if outcomes is None else outcomes.get(name, _Outcomes())
    since = done.since if done else [0, 0]
    part = plan.part if plan else None
    counts, classes = None, _host_classes(part, done)
    if part:
        counts = _counts(part["verdicts"], part["totals"]["sets"], part["totals"]["bytes"], part["overdue"]["sets"], since)
        # Only sets of classes can be overdue, and each class tells it closer.
        counts["overdue"] = min(counts["overdue"], sum(item["counts"]["overdue"] for item in classes))
    return {
        "name": name,
        "site": fleet.sites.get(name, ""),
        "state": "gone" if gone else _state(fleet, name, plan),
        "plan_id": plan.plan_id if plan else "",
        "as_of": part["as_of"] if part else None,
        "counts": counts,
        "done": done.total if done else None,
        "part": part,
        "classes": classes,
    }


def _state(fleet: Fleet, name: str, plan: HostPlan | None) -> str:
    if name in fleet.plans.unreachable:
        return "unreachable"
    if name in fleet.plans.failed:
        return "failed"
    if plan is None:
        return "no_plan"
    return "old" if parse_time(plan.part["as_of"]) < fleet.oldest else "planned"


def _host_classes(part: t.Mapping[str, t.Any] | None, done: _Outcomes | None) -> list[Row]:
    """The classes on a host; the last one, without a name, is of sets that belong to none."""
    planned = part["classes"] if part else {}
    rows = []
    for name in sorted({*planned, *(done.classes if done else ())}):
        item = planned.get(name)
        since = done.since_by_class.get(name, [0, 0]) if done else [0, 0]
        counts = _counts(item["verdicts"], item["sets"], item["bytes"], item["overdue"]["sets"], since) if item else None
        # A class that the plan does not know, such as the rule of an erasure request, has nothing of what the plan counted by class.
        told = counts if counts or part is None else dict.fromkeys(FOUND, 0)
        outcomes = done.classes.get(name, dict.fromkeys(OUTCOMES, 0)) if done else None
        rows.append({"name": name, "counts": told, "done": outcomes, "next_due": item["next_due"] if item else None})
    if part:
        rest = _of_no_class(part, sum(since[0] for name, since in (done.since_by_class if done else {}).items() if name not in planned))
        if any(rest.values()):
            rows.append({"name": "", "counts": rest, "done": dict.fromkeys(OUTCOMES, 0) if done else None, "next_due": None})
    return rows


def _of_no_class(part: t.Mapping[str, t.Any], since: int) -> Counts:
    """What the plan counted outside of its classes; C(since) sets of it are destroyed, whose bytes nobody counted apart."""
    whole = _counts(part["verdicts"], part["totals"]["sets"], part["totals"]["bytes"], 0, [0, 0])
    items = part["classes"].values()
    named = _added((_counts(item["verdicts"], item["sets"], item["bytes"], 0, [0, 0]) for item in items), FOUND)
    rest = {key: max(whole[key] - named[key], 0) for key in FOUND}
    rest["due"] = max(rest["due"] - since, 0)
    return rest if rest["due"] else {**rest, "due_bytes": 0}


def _sums(rows: t.Sequence[Row]) -> Row:
    """Sums over rows; none where no row knows."""
    counts = [row["counts"] for row in rows if row["counts"] is not None]
    done = [row["done"] for row in rows if row["done"] is not None]
    return {"counts": _added(counts, FOUND) if counts else None, "done": _added(done, OUTCOMES) if done else None}


def _sites(rows: t.Sequence[Row]) -> list[Row]:
    """Each site; hosts of no site come last."""
    by_site: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        by_site[row["site"]].append(row)
    made = []
    for name in sorted(by_site, key=lambda name: (not name, name)):
        own = by_site[name]
        counted = sum(row["counts"] is not None for row in own)
        whole = sum(row["state"] != "gone" for row in own)
        made.append({"name": name, "hosts": own, "counted": counted, "of": whole, **_sums(own)})
    return made


def _classes(current: t.Sequence[Row], rows: t.Sequence[Row], *, known: bool) -> list[Row]:
    """Each class over all hosts, in the order of what is due; what belongs to no class comes last."""
    found: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        for item in row["classes"]:
            found[item["name"]].append(item)
    made = []
    for name, items in found.items():
        sums = _sums(items)
        sums["counts"] = sums["counts"] or (dict.fromkeys(FOUND, 0) if current else None)
        sums["done"] = sums["done"] or (dict.fromkeys(OUTCOMES, 0) if known else None)
        due = min((item["next_due"] for item in items if item["next_due"]), default=None)
        made.append({"name": name, "next_due": due, **sums})
    return sorted(made, key=lambda row: (not row["name"], -(row["counts"] or {"due_bytes": 0})["due_bytes"], row["name"]))


def _reasons(current: t.Sequence[Row], verdict: str) -> list[tuple[str, int]]:
    total: collections.Counter[str] = collections.Counter()
    for row in current:
        total.update(row["part"]["reasons"].get(verdict, {}))
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))
