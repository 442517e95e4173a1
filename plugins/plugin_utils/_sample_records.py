# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the record to its evidence: chain, journal, statement, signature, tree, plan row and approval of records that were drawn."""

from __future__ import annotations

import bisect
import itertools
import typing as t

from ..module_utils._errors import EvidenceError
from ._found_sets import is_keyed
from ._sample_plans import Plan
from ._sample_runs import Item, Runs

__all__ = ["WAY", "records", "sampled_records"]

WAY = "records"
_MOST_PROBLEMS = 3


def records(runs: Runs) -> int:
    """How many outcome records the sealed runs have."""
    return sum(sealed.tree_size for sealed in runs.sealed.values())


def sampled_records(runs: Runs, drawn: t.Sequence[int], plans: t.Sequence[Plan], not_checked: set[str]) -> list[Item]:
    """The records that were drawn, counted over the runs in order of their names, and within each as in its tree.

    :arg not_checked: gets a sentence for what could not be looked at.
    """
    names = list(runs.sealed)
    firsts = list(itertools.accumulate((runs.sealed[name].tree_size for name in names), initial=0))
    items = []
    for number in drawn:
        at = bisect.bisect_right(firsts, number) - 1
        items.append(_record(runs, names[at], number - firsts[at], not_checked))
    _plan_rows(items, plans, not_checked)
    for item in items:
        # The plain name of a recording has no place in a report.
        record = item.told.pop("record", {})
        item.told["set"] = record["set"] if is_keyed(str(record.get("set"))) else None
    return items


def _record(runs: Runs, run: str, index: int, not_checked: set[str]) -> Item:
    host = runs.sealed[run].host_of(index).host
    item = Item({"run": run, "host": host, "leaf_index": index, "outcome": None, "record": {}})
    if not runs.manifests[run]["approvals_required"]:
        not_checked.add(f"Approvals of the run {run}: its plan asked for none.")
    problems = runs.problems(run)
    if problems:
        more = f" (and {len(problems) - _MOST_PROBLEMS} more)" if len(problems) > _MOST_PROBLEMS else ""
        item.faults.append(f"the evidence of its run is not valid: {'; '.join(problems[:_MOST_PROBLEMS])}{more}")
    try:
        leaf = runs.leaf(run, index)
    except (EvidenceError, ValueError) as error:
        item.faults.append(f"it cannot be shown to be in the statement: {error}")
        return item
    item.told.update(outcome=leaf.record["outcome"], record=leaf.record)
    return item


def _plan_rows(items: t.Sequence[Item], plans: t.Sequence[Plan], not_checked: set[str]) -> None:
    known = {(plan.run, plan.host): plan for plan in plans}
    by_plan: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.told["record"]:
            by_plan.setdefault((item.told["run"], item.told["host"]), []).append(item)
    for (run, host), group in sorted(by_plan.items()):
        plan = known.get((run, host))
        if plan is None:
            not_checked.add(f"Rows of the plan of {host} in the run {run}: it is on the host; give it under plan_files.")
            continue
        rows = plan.of({item.told["record"]["set"] for item in group})
        for item in group:
            item.faults += _against_row(item.told["record"], rows.get(item.told["record"]["set"]), plan)


def _against_row(record: t.Mapping[str, t.Any], row: t.Mapping[str, t.Any] | None, plan: Plan) -> t.Iterator[str]:
    """How a record differs from what was planned."""
    if row is None:
        yield f"its set is not among those that are due by the plan {plan.path}"
        return
    if "serial" in row:
        expected = {"required level": (row.get("level"), record["level"]["required"])}
    else:
        method = row.get("method") or {}
        expected = {
            "class": (row.get("class"), record["class"]),
            "rule": (row.get("rule"), record["rule"]),
            "technique": (method.get("technique"), record["technique"]),
            "required level": (method.get("level"), record["level"]["required"]),
        }
    for name, (planned, told) in expected.items():
        if planned != told:
            yield f"its {name} is {told!r}, and the plan {plan.path} has {planned!r}"
