# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy the sets of a plan in batches, each step in the journal before it is taken.

Order within a batch: intents, flush, overwrite and read back, proofs, flush, unlink, flush of directories, outcomes.
A set is destroyed only when each of its members is; then its names go, else they all stay.
"""

from __future__ import annotations

import contextlib
import typing as t

from .._erasure.files import batch_limit, overwrite_batch, why_ineffective
from .._erasure.filesystem import FilesystemProbe
from .._erasure.outcomes import FileResult, set_outcome, set_proof
from .._erasure.schemes import STANDARD, find_scheme, reachable_level
from .._erasure.targets import Expected, OpenTarget, TargetRefusedError, open_target, remove, sync_directories
from .._errors import DisposalError
from .._evidence.clock import parse_time
from .._evidence.journal import Journal, Pending
from .._executor import Executor
from .._recordings.sets import Member
from .._retention.planner import aside_name
from .._retention.rows import PlanFile, Row
from .aside import move_aside, remove_empty
from .delta import Delta
from .recheck import Recheck

__all__ = ["Destroyer"]

_BATCH_FILES = 256
_BATCH_BYTES = 256 << 20


class _Erased(t.NamedTuple):
    """A set after its overwriting, its names still there."""

    row: Row
    targets: list[OpenTarget]
    results: list[FileResult]
    proof: dict[str, t.Any]


class Destroyer:
    """Works through a plan's due rows.

    :ivar touched: sets that this process destroyed or moved aside.
    :ivar failures: why sets that should have been destroyed were not, the first few.
    """

    def __init__(self, executor: Executor, journal: Journal, recheck: Recheck, *, run: str) -> None:
        self.executor = executor
        self.journal = journal
        self.recheck = recheck
        # The time of the run's first record, so that a resumed run finds the same directory.
        opened = parse_time((journal.state.opening or {})["time"])
        self.aside = aside_name(int(opened.timestamp()), run)
        self.probe = FilesystemProbe()
        self.touched = 0
        self.failures: list[str] = []

    def finish_pending(self, plan: PlanFile) -> None:
        """Bring every set that an interrupted run had announced to an outcome."""
        waiting = dict(self.journal.state.pending)
        if not waiting:
            return
        self.recheck.refresh()
        for row in plan.due():
            if row.set in waiting:
                self._finish(row, waiting[row.set])
        self.journal.sync()

    def destroy(self, plan: PlanFile, delta: Delta) -> None:
        """Give every other due row its outcome."""
        most = min(_BATCH_FILES, batch_limit())
        batch: list[Row] = []
        files = size = 0
        for row in plan.due():
            if self.journal.state.outcome_of(row.set) is not None:
                continue
            reason = delta.state.get(row.set, "")
            if reason:
                self._skip(row, reason)
                continue
            full = files + len(row.members) > most or size + row.size > _BATCH_BYTES
            if batch and (full or row.method["scheme"] != batch[0].method["scheme"]):
                self._batch(batch)
                batch, files, size = [], 0, 0
            batch.append(row)
            files += len(row.members)
            size += row.size
        if batch:
            self._batch(batch)

    def _batch(self, rows: t.Sequence[Row]) -> None:
        self.recheck.refresh()
        # What a filesystem is costs milliseconds to find out and is asked for every set; it may change between batches.
        self.probe = FilesystemProbe()
        with contextlib.ExitStack() as stack:
            opened: list[tuple[Row, list[OpenTarget]]] = []
            for row in rows:
                targets = self._checked(row, stack)
                if targets is None:
                    continue
                if self._goes_aside(row):
                    self._announce(row)
                    self._move_aside(row)
                else:
                    opened.append((row, targets))
            if opened and self.recheck.refresh():
                opened = [item for item in opened if not self._newly_held(item[0])]
            if opened:
                self._erase(opened)

    def _newly_held(self, row: Row) -> bool:
        """Whether a hold has come while the batch was opened; then the set is skipped."""
        reason = self.recheck.safely(row)
        if reason is not None:
            self._skip(row, reason)
        return reason is not None

    def _goes_aside(self, row: Row) -> bool:
        return "quarantine" in row.method and not self.recheck.aside(row)

    def _checked(self, row: Row, stack: contextlib.ExitStack) -> list[OpenTarget] | None:
        """The set's members, open and just as planned; none where it was skipped."""
        try:
            reason = self.recheck.reason(row)
            if reason is None:
                targets = [stack.enter_context(self._open(row, member)) for member in row.members]
                problem = None if self._goes_aside(row) else next(filter(None, why_ineffective(targets, probe=self.probe)), None)
                if problem is None:
                    return targets
                self._skip(row, problem, failed=True)
                return None
        except OSError as error:
            reason = f"cannot be opened ({error.strerror})"
        except DisposalError as error:
            reason = error.message
        self._skip(row, reason)
        return None

    def _open(self, row: Row, member: Member, *, begun: bool = False) -> OpenTarget:
        expected = Expected(member.dev, member.ino, member.size, None if begun else member.mtime_ns)
        return open_target(self.executor, self.recheck.root(row), member.path, expected)

    def _announce(self, row: Row) -> None:
        if row.set not in self.journal.state.pending:
            self.journal.append(
                "intent",
                **_told(row),
                method=row.method,
                start=row.start,
                keep_until=row.keep_until,
                destroy_by=row.destroy_by,
            )

    def _erase(self, opened: t.Sequence[tuple[Row, list[OpenTarget]]], *, proven: dict[str, t.Any] | None = None) -> None:
        for row, _targets in opened:
            self._announce(row)
        self.journal.sync()
        scheme = find_scheme(opened[0][0].method["scheme"])
        results = overwrite_batch(self.executor, [target for _row, targets in opened for target in targets], scheme, probe=self.probe)
        erased = []
        for row, targets in opened:
            own, results = results[: len(targets)], results[len(targets) :]
            item = _Erased(row, targets, own, {**set_proof(own), "before_interruption": proven} if proven else set_proof(own))
            if set_outcome(own) == "destroyed":
                self.journal.append("erased", set=row.set, proof=item.proof)
                erased.append(item)
            else:
                reasons = sorted({result.reason for result in own if result.reason})
                self._fail(row, set_outcome(own), reasons, item.proof)
        self.journal.sync()
        self._remove(erased)

    def _remove(self, erased: t.Sequence[_Erased]) -> None:
        gone: list[_Erased] = []
        for item in erased:
            try:
                for target in item.targets:
                    remove(self.executor, target)
            except DisposalError as error:
                self._fail(item.row, "unknown", [f"overwritten, but a name could not be removed: {error.message}"], item.proof)
            else:
                gone.append(item)
        try:
            sync_directories(self.executor, [target.dir_fd for item in gone for target in item.targets])
        except OSError as error:
            for item in gone:
                self._fail(item.row, "unknown", [f"overwritten, but the removal of its names may not last ({error.strerror})"], item.proof)
            return
        for item in gone:
            self.touched += 1
            self._outcome(item.row, "destroyed", [], item.proof)
        self._tidy([item.row for item in gone])

    def _tidy(self, rows: t.Sequence[Row]) -> None:
        """Take away the directory that was the set, and what quarantine leaves behind, once they are empty."""
        for row in rows:
            directory = row.members[0].path.rpartition("/")[0]
            if self.recheck.aside(row):
                remove_empty(self.executor, self.recheck.root(row), directory)
            elif self.recheck.directory_set(row):
                remove_empty(self.executor, self.recheck.root(row), directory, levels=1)

    def _move_aside(self, row: Row) -> None:
        self.journal.sync()
        try:
            move_aside(self.executor, self.recheck.root(row), self.aside, [(m.path, m.dev, m.ino) for m in row.members])
        except OSError as error:
            self._fail(row, "not_destroyed", [f"could not be moved aside ({error.strerror})"], None)
        else:
            self.touched += 1
            self._outcome(row, "not_destroyed", [f"quarantined for {row.method['quarantine']}"], None)

    def _finish(self, row: Row, pending: Pending) -> None:
        """A set whose destruction was announced before the interruption."""
        if self._goes_aside(row):
            self._move_aside(row)
            return
        with contextlib.ExitStack() as stack:
            targets = []
            missing = 0
            for member in row.members:
                try:
                    targets.append(stack.enter_context(self._open(row, member, begun=True)))
                except TargetRefusedError as error:
                    if error.kind != "vanished":
                        self._fail(row, "unknown", [f"announced before an interruption, now {error.message}"], None)
                        return
                    missing += 1
                except OSError as error:
                    self._fail(row, "unknown", [f"announced before an interruption, now unreadable ({error.strerror})"], None)
                    return
            begun = any(target.mtime_ns != member.mtime_ns for target, member in zip(targets, row.members)) or bool(missing)
            self._finish_open(row, pending, targets, missing, begun)

    def _finish_open(self, row: Row, pending: Pending, targets: list[OpenTarget], missing: int, begun: bool) -> None:
        if pending.erased is not None:
            proof = pending.erased["proof"]
            if targets:
                # Its content is gone already; overwriting what is left once more costs little and leaves no doubt.
                self._erase([(row, targets)], proven=proof)
            else:
                self.touched += 1
                self._outcome(row, "destroyed", [], proof)
                self._tidy([row])
        elif missing:
            self._fail(row, "unknown", [f"{missing} members vanished after their destruction was announced, without proof"], None)
        elif begun:
            holds = self.recheck.held(row)
            if holds:
                self._fail(row, "unknown", [f"cut off while it was overwritten, then held: {', '.join(holds)}"], None)
            else:
                self._erase([(row, targets)])
        else:
            reason = self.recheck.safely(row)
            if reason is None:
                self._erase([(row, targets)])
            else:
                self._skip(row, reason)

    def _skip(self, row: Row, reason: str, *, failed: bool = False) -> None:
        if failed:
            self._note(row, [reason])
        self._outcome(row, "not_destroyed", [reason], None)

    def _fail(self, row: Row, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
        self._note(row, reasons)
        self._outcome(row, outcome, reasons, proof)

    def _note(self, row: Row, reasons: t.Sequence[str]) -> None:
        if len(self.failures) < 1000:
            self.failures.append(f"set {row.set}: {'; '.join(reasons)}")

    def _outcome(self, row: Row, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
        achieved = reachable_level(row.method["technique"]) if outcome == "destroyed" else "none"
        self.journal.append(
            "outcome",
            **_told(row),
            outcome=outcome,
            level={"required": row.method["level"], "achieved": achieved, "standard": STANDARD},
            technique=row.method["technique"],
            scheme=row.method["scheme"],
            reason=reasons,
            proof=proof,
        )


def _told(row: Row) -> dict[str, t.Any]:
    return {"set": row.set, "class": row.retention_class, "rule": row.rule, "bytes": row.size, "members": len(row.members)}
