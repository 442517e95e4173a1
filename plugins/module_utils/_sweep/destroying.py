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
import hashlib
import typing as t

from .._erasure.files import batch_limit, overwrite_batch, why_ineffective
from .._erasure.filesystem import FilesystemProbe
from .._erasure.marks import Mark
from .._erasure.names import scrub_names, stands, sync_directories, unscrub
from .._erasure.outcomes import FileResult, set_outcome, set_proof
from .._erasure.schemes import STANDARD, Scheme, find_scheme, reachable_level
from .._erasure.targets import Expected, OpenTarget, open_target
from .._erasure.workers import Workers
from .._errors import DisposalError
from .._evidence.journal import Journal
from .._executor import Executor
from .._recordings.sets import Member
from .._retention.planner import aside_name
from .._retention.rows import PlanFile, Row
from .aside import move_aside, remove_empty
from .erased import Erased, is_used, joined, require_as_left, unlink, why_left, wipe
from .manner import Manner

__all__ = ["Destroyer", "Judge", "files_of", "names_of"]

_BATCH_FILES = 256
_BATCH_BYTES = 256 << 20


class Judge(t.Protocol):
    """What says, just before its first write, whether a set may still be destroyed."""

    @property
    def now(self) -> int:
        """The time of the last look, seconds since 1970 UTC."""

    def refresh(self) -> bool:
        """Take up what has changed since the last look; tells whether anything has."""

    def root(self, row: Row) -> int:
        """A descriptor of the directory that a row's paths count from."""

    def aside(self, row: Row) -> bool:
        """Whether the set is in quarantine already."""

    def reason(self, row: Row) -> str | None:
        """Why the set is not to be destroyed now; none where it is."""

    def safely(self, row: Row) -> str | None:
        """C(reason), what cannot be opened counting as one."""

    def held(self, row: Row) -> list[str]:
        """The holds on a set whose files can no longer be read as they were."""

    def directory_set(self, row: Row) -> bool:
        """Whether the set is a directory of its own."""


class Destroyer:
    """Works through a plan's due rows.

    :ivar touched: sets that this process wrote to or moved aside.
    :ivar failures: why sets that should have been destroyed were not, the first few.
    :ivar results: takes each file's result.
    :cvar descriptors: that each file takes.
    """

    descriptors = 2

    def __init__(
        self,
        executor: Executor,
        journal: Journal,
        recheck: Judge,
        *,
        run: str,
        manner: Manner | None = None,
        results: t.Callable[[Row, FileResult], None] | None = None,
    ) -> None:
        self.executor = executor
        self.journal = journal
        self.recheck = recheck
        self.run = run
        self.manner = manner or Manner()
        self.results = results
        self.workers = Workers(self.manner.threads)
        self.probe = FilesystemProbe()
        self.touched = 0
        self.failures: list[str] = []

    def __enter__(self) -> Destroyer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.workers.close()

    def destroy(self, plan: PlanFile, reasons: t.Mapping[str, str]) -> None:
        """Give every other due row its outcome.

        :arg reasons: why a set is skipped, by its name.
        """
        most = min(_BATCH_FILES, batch_limit(self.descriptors))
        batch: list[Row] = []
        files = size = 0
        for row in plan.due():
            if self.journal.state.outcome_of(row.set) is not None:
                continue
            reason = reasons.get(row.set, "")
            reason = reason or self.why_not(row)
            if reason:
                self.skip(row, reason)
                continue
            full = files + len(row.members) > most or size + row.size > _BATCH_BYTES
            if batch and (
                full or (row.method["technique"], row.method["scheme"]) != (batch[0].method["technique"], batch[0].method["scheme"])
            ):
                self._batch(batch)
                batch, files, size = [], 0, 0
            batch.append(row)
            files += len(row.members)
            size += row.size
        if batch:
            self._batch(batch)

    def why_not(self, row: Row) -> str:
        """Why a set is not this destroyer's, empty where it is."""
        return (
            ""
            if row.method["technique"] == "overwrite"
            else "its key is not known to be destroyed yet, which crypto_erase does for its period"
        )

    def unfit(self, row: Row, targets: t.Sequence[OpenTarget]) -> str | None:
        """Why the open files of a set cannot be destroyed in a way that proves something; C(None) where they can."""
        if self.goes_aside(row) or self.manner.on_ineffective != "fail":
            return None
        return next(filter(None, why_ineffective(targets, probe=self.probe)), None)

    def write(
        self,
        opened: t.Sequence[tuple[Row, list[OpenTarget]]],
        scheme: Scheme,
        announce: t.Callable[[list[Mark | None]], None],
    ) -> list[FileResult]:
        """Overwrite the files of sets and read them back; one result for each, in their order."""
        return overwrite_batch(
            self.executor,
            [target for _row, targets in opened for target in targets],
            scheme,
            workers=self.workers,
            on_ineffective=self.manner.on_ineffective,
            probe=self.probe,
            announce=announce,
            pace=self.manner.pace,
            hold=True,
        )

    def more_proof(self, row: Row, targets: t.Sequence[OpenTarget]) -> dict[str, t.Any]:
        """What the proof of a set tells besides that of its files."""
        return {}

    def reached(self, row: Row, proof: t.Mapping[str, t.Any] | None) -> str:
        """The level that a destroyed set has reached."""
        return reachable_level(row.method["technique"])

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
                if self.goes_aside(row):
                    self.move_aside(row)
                else:
                    opened.append((row, targets))
            if opened and self.recheck.refresh():
                opened = [item for item in opened if not self._newly_held(item[0])]
            if opened:
                self.erase(opened)

    def _newly_held(self, row: Row) -> bool:
        """Whether a hold has come while the batch was opened; then the set is skipped."""
        reason = self.recheck.safely(row)
        if reason is not None:
            self.skip(row, reason)
        return reason is not None

    def goes_aside(self, row: Row) -> bool:
        """Whether the set goes into quarantine first."""
        return "quarantine" in row.method and not self.recheck.aside(row)

    def _checked(self, row: Row, stack: contextlib.ExitStack) -> list[OpenTarget] | None:
        """The set's members, open and just as planned; none where it was skipped."""
        try:
            reason = self.recheck.reason(row)
            if reason is None:
                targets = [stack.enter_context(self.open(row, member)) for member in files_of(row)]
                problem = self.unfit(row, targets)
                if problem is None:
                    return targets
                self.skip(row, problem, failed=True)
                return None
        except OSError as error:
            reason = f"cannot be opened ({error.strerror})"
        except DisposalError as error:
            reason = error.message
        self.skip(row, reason)
        return None

    def open(self, row: Row, member: Member, *, left: t.Sequence[str] | None = None) -> OpenTarget:
        """A file of the set, open and checked, with all names that it has in the set.

        :arg left: the names that it has after an interruption, by which its time may have changed too.
        """
        names = names_of(row, member) if left is None else left
        expected = Expected(member.dev, member.ino, member.size, member.mtime_ns if left is None else None, tuple(names[1:]))
        root = self.recheck.root(row)
        manner = self.manner
        return open_target(self.executor, root, names[0], expected, shared=manner.shared, unprotect=manner.unprotect, removes=manner.remove)

    def left(self, row: Row, member: Member) -> list[str]:
        """The names of a file at which something stands, after what an interrupted scrubbing did was undone."""
        identity = member.dev, member.ino
        root = self.recheck.root(row)
        names = names_of(row, member)
        for path in names:
            unscrub(self.executor, root, path, self.blank(row, path), identity)
        return [path for path in names if stands(root, path)]

    def announce(self, row: Row, *, aside: str | None = None, marks: t.Sequence[dict[str, t.Any]] = ()) -> None:
        """Append the intent to destroy a set; nothing may be done on its strength before the journal is flushed."""
        self.journal.append(
            "intent",
            **_told(row),
            method=row.method,
            start=row.start,
            keep_until=row.keep_until,
            destroy_by=row.destroy_by,
            aside=aside,
            marks=list(marks),
        )

    def erase(self, opened: t.Sequence[tuple[Row, list[OpenTarget]]], *, erased: t.Mapping[str, t.Any] | None = None) -> None:
        """Announce, overwrite, read back and remove sets of one scheme.

        :arg erased: what an interrupted attempt had recorded of the overwriting of the one set.
        """
        scheme = find_scheme(opened[0][0].method["scheme"]).reading(self.manner.verify, self.manner.share)

        def announce(marks: list[Mark | None]) -> None:
            for row, targets in opened:
                own, marks = marks[: len(targets)], marks[len(targets) :]
                place = {(member.dev, member.ino): index for index, member in enumerate(files_of(row))}
                self.announce(
                    row, marks=[{"member": place[target.identity], **mark.row()} for target, mark in zip(targets, own) if mark is not None]
                )
            self.journal.sync()

        results = self.write(opened, scheme, announce)
        done = []
        for row, targets in opened:
            own, results = results[: len(targets)], results[len(targets) :]
            if self.results is not None:
                for result in own:
                    self.results(row, result)
            self.touched += any(result.passes for result in own)
            proof = {**set_proof(own), **self.more_proof(row, targets)}
            item = joined(Erased(row, targets, set_outcome(own), sorted({result.reason for result in own if result.reason}), proof), erased)
            if all(result.outcome == "destroyed" or result.asked for result in own):
                self.journal.append("erased", set=row.set, outcome=item.outcome, reason=item.reasons, proof=item.proof)
                done.append(item)
            else:
                for target in targets:
                    target.release()
                self.fail(row, item.outcome, item.reasons, item.proof)
        self.journal.sync()
        self._remove(done)

    def _remove(self, erased: t.Sequence[Erased]) -> None:
        """Wipe attributes, scrub the names, then remove them, each step made durable before the next."""
        left = self._each(erased, lambda item: wipe(self.executor, item))
        if self.manner.remove:
            left = self._each(left, self._scrub)
            left = self._each(left, lambda item: unlink(self.executor, item))
        else:
            left = [item for item in left if self._stays_as_left(item)]
        for item in left:
            self._outcome(item.row, item.outcome, item.reasons, item.proof)
        if self.manner.remove:
            self._tidy([item.row for item in left])
            # The filesystem gives the blocks back as the last descriptor goes, which takes a while for each file.
            self.workers.run([target for item in left for target in item.targets], lambda target, _buffers: target.close())

    def _stays_as_left(self, item: Erased) -> bool:
        try:
            item.proof["ctime_ns"] = require_as_left(item)
        except DisposalError as error:
            self._leave(item, error)
            return False
        return True

    def _leave(self, item: Erased, error: DisposalError) -> None:
        """Record a set whose names stay; where somebody writes to its files, they are found at their old names."""
        for target in item.targets:
            target.release()
        for member in files_of(item.row) if is_used(error) and self.manner.remove else ():
            with contextlib.suppress(OSError):
                self.left(item.row, member)
        self.fail(item.row, "unknown", [why_left(error)], item.proof)

    def _each(self, erased: t.Sequence[Erased], act: t.Callable[[Erased], None]) -> list[Erased]:
        """The sets for which C(act) was done and is durable; the others have the outcome that they are left with."""
        done = []
        for item in erased:
            try:
                act(item)
            except DisposalError as error:
                self._leave(item, error)
            else:
                done.append(item)
        try:
            sync_directories(self.executor, [dir_fd for item in done for target in item.targets for dir_fd, _name in target.names])
        except OSError as error:
            for item in done:
                self.fail(item.row, "unknown", [f"overwritten, but the removal of its names may not last ({error.strerror})"], item.proof)
            return []
        return done

    def blank(self, row: Row, path: str) -> str:
        """What the name of a member is scrubbed to, the same in each attempt."""
        text = f"{self.run} {row.set} {path}".encode("utf-8", "surrogateescape")
        return f".{hashlib.blake2b(text, digest_size=8).hexdigest()}"

    def _scrub(self, item: Erased) -> None:
        for target in item.targets:
            scrub_names(self.executor, target, [self.blank(item.row, path) for path in target.paths])

    def _tidy(self, rows: t.Sequence[Row]) -> None:
        """Take away the directory that was the set, and what quarantine leaves behind, once they are empty."""
        for row in rows:
            directory = row.members[0].path.rpartition("/")[0]
            if self.recheck.aside(row):
                remove_empty(self.executor, self.recheck.root(row), directory)
            elif self.recheck.directory_set(row):
                remove_empty(self.executor, self.recheck.root(row), directory, levels=1)

    def move_aside(self, row: Row, *, earlier: t.Sequence[str] = ()) -> None:
        """Quarantine a set.

        :arg earlier: quarantine directories in which an interrupted run may have left members of it.
        """
        # Up to the next full hour: a quarantine is never shorter than the policy says, and a long run makes few directories.
        aside = aside_name(-(-self.recheck.now // 3600) * 3600, self.run)
        self.announce(row, aside=aside)
        self.journal.sync()
        members = [(member.path, member.dev, member.ino) for member in row.members]
        try:
            move_aside(self.executor, self.recheck.root(row), aside, members, earlier=[name for name in earlier if name != aside])
        except OSError as error:
            self.fail(row, "not_destroyed", [f"could not be moved aside ({error.strerror})"], None)
        else:
            self.touched += 1
            self._outcome(row, "not_destroyed", [f"quarantined for {row.method['quarantine']}"], None)

    def finish(self, row: Row, erased: t.Mapping[str, t.Any]) -> None:
        """Record a set that an interrupted attempt had overwritten and removed.

        :arg erased: its record of that, which says what the overwriting came to.
        """
        self.touched += 1
        self._outcome(row, erased["outcome"], erased["reason"], erased["proof"])
        self._tidy([row])

    def skip(self, row: Row, reason: str, *, failed: bool = False) -> None:
        """Record that a set is kept, which counts among the failures where it C(failed)."""
        if failed or self.manner.skips_fail:
            self._note(row, [reason])
        self._outcome(row, "not_destroyed", [reason], None)

    def fail(self, row: Row, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
        """Record a set that should have been destroyed and was not, or for which that cannot be told."""
        self._note(row, reasons)
        self._outcome(row, outcome, reasons, proof)

    def _note(self, row: Row, reasons: t.Sequence[str]) -> None:
        if len(self.failures) < 1000:
            self.failures.append(f"set {row.set}: {'; '.join(reasons)}")

    def _outcome(self, row: Row, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
        achieved = self.reached(row, proof) if outcome == "destroyed" else "none"
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


def files_of(row: Row) -> list[Member]:
    """The members, a file with several names once, by its first one."""
    files: dict[tuple[int, int], Member] = {}
    for member in row.members:
        files.setdefault((member.dev, member.ino), member)
    return list(files.values())


def names_of(row: Row, member: Member) -> list[str]:
    """All names of a file in the set."""
    return [other.path for other in row.members if (other.dev, other.ino) == (member.dev, member.ino)]


def _told(row: Row) -> dict[str, t.Any]:
    return {"set": row.set, "class": row.retention_class, "rule": row.rule, "bytes": row.size, "members": len(row.members)}
