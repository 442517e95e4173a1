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
import os
import typing as t

from .._erasure.files import FileResult, OpenTarget, TargetError, open_target, overwrite_batch, remove
from .._erasure.schemes import LEVEL, STANDARD, Scheme, named_scheme
from .._errors import DisposalError
from .._evidence.journal import Journal
from .._executor import Executor
from .._recordings.sets import Member
from .._recordings.walk import open_below
from .._retention.planner import aside_name
from .._retention.rows import PlanFile, Row
from .aside import move_aside, remove_empty
from .delta import Delta
from .recheck import Recheck

__all__ = ["Destroyer"]

_BATCH_SETS = 128
_BATCH_FILES = 256
_BATCH_BYTES = 256 << 20


class Destroyer:
    """Works through a plan's due rows.

    :ivar touched: sets that this process destroyed or moved aside.
    :ivar failures: the first reasons for which sets that should have been destroyed were not.
    """

    def __init__(self, executor: Executor, journal: Journal, recheck: Recheck, *, run: str, now: int) -> None:
        self.executor = executor
        self.journal = journal
        self.recheck = recheck
        self.run = run
        self.aside = aside_name(now, run)
        self.touched = 0
        self.failures: list[str] = []

    def finish_pending(self, plan: PlanFile) -> None:
        """Bring every set that an interrupted run had announced to an outcome."""
        names = set(self.journal.state.pending)
        if not names:
            return
        for row in plan.due():
            if row.set in names:
                self._finish(row)
        self.journal.sync()

    def destroy(self, plan: PlanFile, delta: Delta) -> None:
        """Give every other due row its outcome."""
        batch: list[Row] = []
        files = size = 0
        for row in plan.due():
            if self.journal.state.outcome_of(row.set) is not None:
                continue
            reason = delta.state.get(row.set, "")
            if reason:
                self._skip(row, reason)
                continue
            if batch and (
                len(batch) >= _BATCH_SETS
                or files + len(row.members) > _BATCH_FILES
                or size + row.size > _BATCH_BYTES
                or row.method["scheme"] != batch[0].method["scheme"]
            ):
                self._batch(batch)
                batch, files, size = [], 0, 0
            batch.append(row)
            files += len(row.members)
            size += row.size
        if batch:
            self._batch(batch)

    def _batch(self, rows: t.Sequence[Row]) -> None:
        self.recheck.refresh()
        with contextlib.ExitStack() as stack:
            opened: list[tuple[Row, list[OpenTarget]]] = []
            for row in rows:
                if "quarantine" in row.method and not self.recheck.aside(row):
                    self._quarantine(row)
                    continue
                targets = self._checked(row, stack)
                if targets is not None:
                    opened.append((row, targets))
            if opened:
                self._erase(opened)

    def _checked(self, row: Row, stack: contextlib.ExitStack) -> list[OpenTarget] | None:
        """The set's members, open and just as planned; none where it was skipped."""
        try:
            reason = self.recheck.reason(row)
            if reason is None:
                return [stack.enter_context(self._open(row, member)) for member in row.members]
        except TargetError as error:
            reason = error.reason
        except OSError as error:
            reason = f"cannot be opened ({error.strerror})"
        except DisposalError as error:
            reason = error.message
        self._skip(row, reason)
        return None

    def _open(self, row: Row, member: Member, *, begun: bool = False) -> OpenTarget:
        return open_target(
            self.executor,
            self.recheck.root(row),
            member.path,
            dev=member.dev,
            ino=member.ino,
            size=member.size,
            mtime_ns=None if begun else member.mtime_ns,
        )

    def _erase(self, opened: t.Sequence[tuple[Row, list[OpenTarget]]]) -> None:
        for row, _targets in opened:
            if row.set not in self.journal.state.pending:
                self.journal.append("intent", **_intent(row))
        self.journal.sync()
        scheme = named_scheme(opened[0][0].method["scheme"])
        results = overwrite_batch(self.executor, [target for _row, targets in opened for target in targets], scheme)
        by_set = []
        for row, targets in opened:
            own, results = results[: len(targets)], results[len(targets) :]
            by_set.append((row, targets, own, _proof(own, scheme)))
        for row, _targets, own, proof in by_set:
            if all(result.outcome == "destroyed" for result in own):
                self.journal.append("erased", set=row.set, proof=proof)
        self.journal.sync()
        self._remove(by_set)

    def _remove(self, by_set: t.Sequence[tuple[Row, list[OpenTarget], list[FileResult], dict[str, t.Any]]]) -> None:
        gone: list[tuple[Row, dict[str, t.Any]]] = []
        directories: set[tuple[int, str]] = set()
        for row, targets, own, proof in by_set:
            outcome = "unknown" if any(result.outcome == "unknown" for result in own) else "not_destroyed"
            reasons = sorted({result.reason for result in own if result.outcome != "destroyed" and result.reason})
            if not all(result.outcome == "destroyed" for result in own):
                self._fail(row, outcome, reasons, proof)
                continue
            try:
                for target, member in zip(targets, row.members):
                    remove(self.executor, target)
                    directories.add((self.recheck.root(row), member.path.rpartition("/")[0]))
            except (TargetError, OSError) as error:
                why = error.reason if isinstance(error, TargetError) else f"cannot be removed ({error.strerror})"
                self._fail(row, "unknown", [f"overwritten, but a name {why}"], proof)
                continue
            gone.append((row, proof))
        self._sync_directories(directories)
        for row, proof in gone:
            self._outcome(row, "destroyed", [], proof)
            self._tidy(row)

    def _sync_directories(self, directories: t.Iterable[tuple[int, str]]) -> None:
        for root, directory in directories:
            fd = open_below(root, directory)
            try:
                self.executor.sync_directory(fd)
            finally:
                os.close(fd)

    def _tidy(self, row: Row) -> None:
        """Take away the directory that was the set, and what quarantine leaves behind, once they are empty."""
        directory = row.members[0].path.rpartition("/")[0]
        if self.recheck.is_directory_set(row):
            remove_empty(self.executor, self.recheck.root(row), directory, levels=1)
        elif self.recheck.aside(row):
            remove_empty(self.executor, self.recheck.root(row), directory)

    def _quarantine(self, row: Row) -> None:
        try:
            reason = self.recheck.reason(row)
            if reason is None:
                with contextlib.ExitStack() as stack:
                    for member in row.members:
                        stack.enter_context(self._open(row, member))
                self.journal.append("intent", **_intent(row))
                self.journal.sync()
                move_aside(self.executor, self.recheck.root(row), self.aside, [(m.path, m.dev, m.ino) for m in row.members])
                self.touched += 1
                self._outcome(row, "not_destroyed", [f"quarantined for {row.method['quarantine']}"], None)
                return
        except TargetError as error:
            reason = error.reason
        except OSError as error:
            reason = f"cannot be moved aside ({error.strerror})"
            self.failures.append(f"set {row.set}: {reason}")
        self._skip(row, reason)

    def _finish(self, row: Row) -> None:
        """A set whose destruction was announced before the interruption."""
        pending = self.journal.state.pending[row.set]
        with contextlib.ExitStack() as stack:
            targets = []
            begun = False
            missing = 0
            try:
                for member in row.members:
                    try:
                        targets.append(stack.enter_context(self._open(row, member, begun=True)))
                    except TargetError as error:
                        if not error.absent:
                            raise
                        missing += 1
                    else:
                        begun = begun or targets[-1].mtime_ns != member.mtime_ns
            except (TargetError, OSError) as error:
                why = error.reason if isinstance(error, TargetError) else f"cannot be opened ({error.strerror})"
                self._fail(row, "unknown", [f"announced before an interruption, now {why}"], None)
                return
            if missing and pending.erased is None:
                self._vanished(row, missing)
            elif missing == len(row.members) and pending.erased is not None:
                self._outcome(row, "destroyed", [], pending.erased["proof"])
                self.touched += 1
            elif not begun and pending.erased is None:
                self._untouched(row)
            else:
                self._go_on(row, targets, pending.erased)

    def _vanished(self, row: Row, missing: int) -> None:
        if "quarantine" in row.method and not self.recheck.aside(row):
            with contextlib.suppress(OSError):
                move_aside(self.executor, self.recheck.root(row), self._aside_of(row), [(m.path, m.dev, m.ino) for m in row.members])
                self.touched += 1
                self._outcome(row, "not_destroyed", [f"quarantined for {row.method['quarantine']}"], None)
                return
        self._fail(row, "unknown", [f"{missing} members vanished after the destruction was announced, without proof"], None)
