# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After an interruption: bring every set that was announced and has no outcome to one.

A set whose overwriting has begun is brought to its end, unless a hold has come; one that was only announced is judged like any other.
Which of the two it is, the marks in the journal tell. What they do not explain is left alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._erasure.marks import Mark, bears
from .._erasure.targets import OpenTarget, TargetRefusedError
from .._evidence.journal import Pending
from .._retention.rows import PlanFile, Row
from .aside import any_in
from .destroying import Destroyer, files_of

__all__ = ["finish_pending"]


@dataclasses.dataclass
class _Found:
    """What is left of an announced set: its members, how many are missing, whether this run wrote to it, whether it
    has changed in a way that this run's writing does not explain."""

    targets: list[OpenTarget] = dataclasses.field(default_factory=list)
    missing: int = 0
    begun: bool = False
    foreign: bool = False
    problem: str = ""


def finish_pending(destroyer: Destroyer, plan: PlanFile, reasons: t.Mapping[str, str]) -> None:
    """Give every set that an interrupted run had announced its outcome.

    :arg reasons: why a set is skipped that was announced and not begun, by its name.
    """
    waiting = dict(destroyer.journal.state.pending)
    if not waiting:
        return
    destroyer.recheck.refresh()
    for row in plan.due():
        if row.set in waiting:
            _finish(destroyer, row, waiting[row.set], reasons.get(row.set, ""))
    destroyer.journal.sync()


def _finish(destroyer: Destroyer, row: Row, pending: Pending, stale: str) -> None:
    if destroyer.goes_aside(row):
        _finish_aside(destroyer, row, [str(record["aside"]) for record in pending.intents if record["aside"]], stale)
        return
    with contextlib.ExitStack() as stack:
        found = _look(destroyer, row, pending, stack)
        holds = destroyer.recheck.held(row)
        if found.problem:
            destroyer.fail(row, "unknown", [f"announced before an interruption, now {found.problem}"], None)
        elif pending.erased is not None and not found.targets:
            destroyer.finish(row, pending.erased)
        elif found.foreign:
            reason = "announced before an interruption and changed since, but not into what this run writes: nothing more was written; look at it"
            destroyer.fail(row, "unknown", [reason], None)
        elif pending.erased is not None:
            # Its content is gone already; overwriting what is left once more costs little and leaves no doubt.
            destroyer.erase([(row, found.targets)], erased=pending.erased)
        elif found.missing:
            reason = f"{found.missing} members vanished after their destruction was announced, without proof"
            destroyer.fail(row, "unknown", [reason], None)
        elif found.begun and holds:
            destroyer.fail(row, "unknown", [f"cut off while it was overwritten, then held: {', '.join(holds)}"], None)
        elif found.begun:
            destroyer.erase([(row, found.targets)])
        else:
            reason = destroyer.recheck.safely(row) or stale
            if reason:
                destroyer.skip(row, reason)
            else:
                destroyer.erase([(row, found.targets)])


def _look(destroyer: Destroyer, row: Row, pending: Pending, stack: contextlib.ExitStack) -> _Found:
    found = _Found()
    erased = pending.erased is not None
    marks: dict[int, list[Mark]] = {}
    for mark in (mark for record in pending.intents for mark in record["marks"]):
        marks.setdefault(mark["member"], []).append(Mark.of(mark))
    for index, member in enumerate(files_of(row)):
        try:
            left = destroyer.left(row, member)
            if not left:
                found.missing += 1
                continue
            target = stack.enter_context(destroyer.open(row, member, left=left))
        except TargetRefusedError as error:
            found.problem = error.message
            return found
        except OSError as error:
            found.problem = f"unreadable ({error.strerror})"
            return found
        found.targets.append(target)
        ours = bears(target.fd, marks.get(index, []), erased=erased)
        found.begun = found.begun or ours
        changed = target.mtime_ns != member.mtime_ns or (erased and target.size > 0)
        found.foreign = found.foreign or (changed and not ours)
    return found


def _finish_aside(destroyer: Destroyer, row: Row, earlier: list[str], stale: str) -> None:
    try:
        begun = any_in(destroyer.recheck.root(row), earlier, [member.path for member in row.members])
    except OSError as error:
        destroyer.fail(row, "not_destroyed", [f"could not be moved aside ({error.strerror})"], None)
        return
    # A set is moved as a whole: what was half moved goes on, hold or not, since it stays whole and held in quarantine too.
    reason = "" if begun else destroyer.recheck.safely(row) or stale
    if reason:
        destroyer.skip(row, reason)
    else:
        destroyer.move_aside(row, earlier=earlier)
