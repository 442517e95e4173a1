# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the asset to its record: media that the register calls gone, and sets that plans called due, each of which must have its record."""

from __future__ import annotations

import bisect
import itertools
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._media.serials import serial_key
from ._found_sets import is_keyed
from ._media_evidence import Evidence, Linked
from ._register import Medium
from ._register_book import Book
from ._register_states import FINAL
from ._sample_plans import Plan, Row
from ._sample_runs import Item, Runs

__all__ = ["WAY", "assets", "final_media", "sampled_assets"]

WAY = "assets"


def final_media(book: Book | None) -> list[Medium]:
    """The media of the register that are destroyed or reused, in order of their serials."""
    media = book.register.media.values() if book else ()
    return sorted((medium for medium in media if medium.state in FINAL), key=lambda medium: serial_key(medium.serial))


def assets(media: t.Sequence[Medium], plans: t.Sequence[Plan]) -> int:
    return len(media) + sum(plan.due for plan in plans)


def sampled_assets(
    runs: Runs, drawn: t.Sequence[int], media: t.Sequence[Medium], evidence: Evidence | None, plans: t.Sequence[Plan], not_checked: set[str]
) -> list[Item]:
    """The assets that were drawn, counted over the media first, and then over the due rows of each plan."""
    items = [_medium(runs, media[number], evidence, not_checked) for number in drawn if evidence and number < len(media)]
    ends = list(itertools.accumulate((plan.due for plan in plans), initial=len(media)))
    wanted: dict[int, set[int]] = {}
    for number in drawn:
        if number >= len(media):
            at = bisect.bisect_right(ends, number) - 1
            wanted.setdefault(at, set()).add(number - ends[at])
    for at, numbers in sorted(wanted.items()):
        for number, (line, row) in enumerate(plans[at].rows()):
            if number in numbers:
                items.append(_set(runs, plans[at], line, row))
    return items


def _set(runs: Runs, plan: Plan, line: int, row: Row) -> Item:
    name = row["set"]
    item = Item({"run": plan.run, "host": plan.host, "line": line, "set": name if is_keyed(name) else None, "outcome": None})
    place = f"line {line} of the plan {plan.path}"
    try:
        leaf = runs.outcome(plan.run, plan.host, name)
    except (EvidenceError, ValueError) as error:
        item.faults.append(f"the set of {place} cannot be looked for: {error}")
        return item
    if leaf is None:
        item.faults.append(f"the set of {place} was due and has no outcome in the sealed run {plan.run} on {plan.host}")
    else:
        item.told.update(outcome=leaf.record["outcome"], leaf_index=leaf.index)
    return item


def _medium(runs: Runs, medium: Medium, evidence: Evidence, not_checked: set[str]) -> Item:
    item = Item({"serial": medium.serial, "state": medium.state, "outcome": None})
    try:
        acts = evidence.of(medium).acts
    except EvidenceError as error:
        item.faults += error.details.get("problems") or [error.message]
        return item
    done = [linked for linked in acts if linked.counts and linked.act.destroyed]
    if not done:
        what = f"{len(acts)} records, none of which says destroyed and is linked by the register's log" if acts else "no outcome record"
        item.faults.append(f"{medium.serial} is {medium.state} in the register and has {what}")
        return item
    last = done[-1]
    item.told.update(outcome="destroyed", run=last.act.run, host=last.act.host, technique=last.act.technique)
    item.faults += _unsealed(runs, medium, last, not_checked)
    return item


def _unsealed(runs: Runs, medium: Medium, linked: Linked, not_checked: set[str]) -> t.Iterator[str]:
    if linked.act.kind == "physical":
        not_checked.add(
            "A seal over records of physical work: their journals are in no statement, and are linked by the register's log alone."
        )
    elif linked.act.run not in runs.sealed:
        yield f"the record of {medium.serial} is in the run {linked.act.run}, which is not sealed, not among those looked at, or cannot be believed"
