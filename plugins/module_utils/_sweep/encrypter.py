# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypt sets in batches, then destroy their plaintext as a sweep destroys sets: each step in the journal before it is taken.

Order within a batch: copies without names, one flush, read back and decrypted, intents and what the copies are, flush, names, flush of
directories, plaintext read once more; then the order of C(Destroyer). A set whose plaintext was not written to gives its copies up again.
"""

from __future__ import annotations

import collections
import os
import time
import typing as t

from .._erasure.marks import bears
from .._erasure.names import sync_directories
from .._erasure.outcomes import FileResult
from .._erasure.targets import OpenTarget, open_directory, plain_parts, refusal
from .._erasure.workers import Buffers, Workers
from .._errors import DisposalError
from .._evidence.journal import Journal, Pending
from .._executor import Executor
from .._keys.age import Label
from .._keys.agekeys import fingerprint
from .._keys.encrypting import Copy, Made, copy_name, digest_of_copy, digest_of_plain, is_copy, make_copy, prove
from .._recordings.sets import Member
from .._retention.encrypting import RULE, Key
from .._retention.rows import Row
from .copied import STEP, collision, last_copies, marks_of, refuse_collision, stands_as, unchanged
from .destroying import Destroyer, Judge, files_of
from .manner import Manner

__all__ = ["Encrypter", "Recipients", "Work"]

# Why a set is left for the next run, which is no fault: somebody still works with it.
_PATIENT = ("busy", "changed", "grown", "shrunk", "vanished", "replaced", "no recipient")

_HALF_BEGUN = (
    "overwriting the plaintext was begun before an interruption, and its encrypted copy is no longer what was read back then: "
    "nothing more was written; look at both"
)
_HALF_CHANGED = (
    "overwriting the plaintext was announced before an interruption, and it is neither what it was then nor what this run writes: "
    "nothing more was written; look at it and at its encrypted copy"
)
_CHANGED = "changed: the file was written to, or its owner, mode or names changed, while it was encrypted"

Recipients = t.Mapping[Key, bytes]
"""Public keys by class and period."""


class Work:
    """What a run's stages have done so far."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("encrypting", "flushing", "verifying", "overwriting"), 0.0)
        self.bytes = 0
        self.files = 0
        self.sets: collections.Counter[Key] = collections.Counter()
        self.left: collections.Counter[str] = collections.Counter()
        self.cached = 0


class _Item:
    """A set on its way: its files, and for each the copy."""

    def __init__(self, row: Row, targets: list[OpenTarget]) -> None:
        self.row = row
        self.targets = targets
        self.copies: list[Copy | None] = [None] * len(targets)
        self.made: list[Made | None] = [None] * len(targets)
        self.error: DisposalError | None = None

    def close(self) -> None:
        for copy in self.copies:
            if copy is not None:
                copy.close()


_Thing = t.TypeVar("_Thing")


def _there(thing: _Thing | None) -> _Thing:
    """What an earlier stage has made."""
    if thing is None:
        raise RuntimeError("a stage of encrypting was passed over")
    return thing


def _key(row: Row) -> Key:
    return str(row.retention_class), str(row.rule)[len(RULE) :]


class Encrypter(Destroyer):
    """A destroyer of plaintext that first makes sure of the encrypted copy.

    :arg recipients: for classes and periods; a set without one is left alone.
    :arg crew: how many threads encrypt and decrypt.
    :ivar work: what was done.
    """

    descriptors = 3

    def __init__(
        self,
        executor: Executor,
        journal: Journal,
        judge: Judge,
        recipients: Recipients,
        *,
        run: str,
        manner: Manner,
        crew: int,
        work: Work,
    ) -> None:
        super().__init__(executor, journal, judge, run=run, manner=manner, results=self._note_result)
        # Computing gains nothing from more threads than processors; writing and reading back does.
        self.crew = Workers(crew)
        self.recipients = recipients
        self.work = work
        self._written: set[str] = set()
        self._named: dict[str, list[Made]] = {}

    def __exit__(self, *exc: object) -> None:
        self.crew.close()
        super().__exit__(*exc)

    def _note_result(self, row: Row, result: FileResult) -> None:
        if result.passes:
            self._written.add(row.set)

    def erase(self, opened: t.Sequence[tuple[Row, list[OpenTarget]]], *, erased: t.Mapping[str, t.Any] | None = None) -> None:
        """Encrypt sets and destroy their plaintext; of those that an interrupted run had copied, the copy is looked at again first."""
        ready: list[tuple[Row, list[OpenTarget]]] = []
        new: list[_Item] = []
        for row, targets in opened:
            pending = self.journal.state.pending.get(row.set)
            told = last_copies(pending)
            if pending is None or not told:
                new.append(_Item(row, targets))
            elif self._resumed(row, targets, pending, told):
                ready.append((row, targets))
            elif self.journal.state.outcome_of(row.set) is None:
                new.append(_Item(row, targets))
        try:
            ready += self._encrypted(new)
        finally:
            for item in new:
                item.close()
        if ready:
            began = time.monotonic()
            super().erase(ready, erased=erased)
            self.work.seconds["overwriting"] += time.monotonic() - began
        for row, _targets in ready:
            if self.journal.state.outcome_of(row.set) == "destroyed":
                self._note_done(row)

    def finish(self, row: Row, erased: t.Mapping[str, t.Any]) -> None:
        """Record a set whose plaintext an interrupted run had removed, once its copies were found to be whole."""
        told = last_copies(self.journal.state.pending.get(row.set))
        if not told or not self._whole(row, told):
            reason = "the plaintext was destroyed before an interruption, and its encrypted copy is no longer what was read back then; look at it"
            self.fail(row, "unknown", [reason], None)
            return
        super().finish(row, erased)
        self._note_done(row)

    def skip(self, row: Row, reason: str, *, failed: bool = False) -> None:
        """Record that a set stays as it is; its copies, if it has got any, go."""
        self._give_up(row)
        patient = reason.startswith(_PATIENT)
        self.work.left[reason.partition(":")[0] if patient else "fault"] += 1
        super().skip(row, reason, failed=failed or not patient)

    def fail(self, row: Row, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
        """Record a set that could not be brought to its end; its copies go only where nothing was written to its plaintext."""
        if outcome == "not_destroyed" and row.set not in self._written:
            if all(reason.startswith(_PATIENT) for reason in reasons):
                self.skip(row, "; ".join(reasons))
                return
            self._give_up(row)
        self.work.left["fault"] += 1
        super().fail(row, outcome, reasons, proof)

    def _note_done(self, row: Row) -> None:
        self.work.sets[_key(row)] += 1
        self.work.files += len(files_of(row))
        self.work.bytes += row.size

    def _resumed(self, row: Row, targets: list[OpenTarget], pending: Pending, told: list[Made]) -> bool:
        """Whether the copies of an interrupted run are good for going on; if not, the set gets an outcome here, or is to be copied anew."""
        own = {(member.dev, member.ino): index for index, member in enumerate(files_of(row))}
        places = [own[target.identity] for target in targets]
        begun = pending.erased is not None or len(targets) < len(told)
        for target, place in zip(targets, places):
            begun = begun or bears(target.fd, marks_of(pending, place))
        if begun:
            # Whatever becomes of it in this run, the copies may be all that there is.
            self._written.add(row.set)
        jobs = list(zip(targets, places))
        same = not begun and all(self.crew.run(jobs, lambda job, buffers: unchanged(job[0], told[job[1]].plain, buffers)))
        if (begun or same) and self._whole(row, told):
            self._named[row.set] = told
            return True
        if same:
            self._named[row.set] = told
            self._give_up(row)
        elif not any(record["marks"] for record in pending.intents):
            self._named[row.set] = told
            self.skip(row, _CHANGED)
        else:
            self.fail(row, "unknown", [_HALF_BEGUN if begun else _HALF_CHANGED], None)
        return False

    def _whole(self, row: Row, told: t.Sequence[Made]) -> bool:
        """Whether copies stand at their names as they were read back when they were made."""
        jobs = zip(files_of(row), told)
        return all(self.crew.run(jobs, lambda job, buffers: self._at_name(row, job[0], job[1], buffers) == job[1].copy))

    def _at_name(self, row: Row, member: Member, made: Made, buffers: Buffers) -> str | None:
        *parents, name = plain_parts(member.path)
        try:
            dir_fd = open_directory(self.recheck.root(row), parents)
        except DisposalError:
            return None
        try:
            return digest_of_copy(dir_fd, copy_name(name), made, buffers)
        finally:
            os.close(dir_fd)

    def _encrypted(self, items: t.Sequence[_Item]) -> list[tuple[Row, list[OpenTarget]]]:
        """The sets whose copies are made, proven and named, their plaintext unchanged since; the others have their outcome."""
        began = time.monotonic()
        left = self._step([item for item in items if self._copy_is_due(item)], self._make)
        made = time.monotonic()
        left = self._flushed(left)
        flushed = time.monotonic()
        left = self._step(left, self._prove)
        left = self._announced(left)
        left = self._step(left, self._reread)
        left = self._undisturbed(left)
        for name, seconds in (("encrypting", made - began), ("flushing", flushed - made), ("verifying", time.monotonic() - flushed)):
            self.work.seconds[name] += seconds
        return [(item.row, item.targets) for item in left]

    def _copy_is_due(self, item: _Item) -> bool:
        try:
            if _key(item.row) not in self.recipients:
                self.skip(item.row, f"no recipient: none is given for the class {_key(item.row)[0]} and the period {_key(item.row)[1]}")
                return False
            for target in item.targets:
                dir_fd, name = target.names[0]
                refuse_collision(dir_fd, copy_name(name))
        except DisposalError as error:
            self.skip(item.row, error.message, failed=True)
            return False
        return True

    def _step(self, items: t.Sequence[_Item], act: t.Callable[[_Item, int, Buffers], None]) -> list[_Item]:
        """The sets for whose every file C(act) was done; the others are recorded."""

        def work(job: tuple[_Item, int], buffers: Buffers) -> None:
            item, index = job
            try:
                if item.error is None:
                    act(item, index, buffers)
            except DisposalError as error:
                item.error = error
            except OSError as error:
                item.error = DisposalError(f"it cannot be worked with ({error.strerror}); look at the medium")

        self.crew.run(((item, index) for item in items for index in range(len(item.targets))), work)
        for item in items:
            if item.error is not None:
                item.close()
                for target in item.targets:
                    target.release()
                self.skip(item.row, item.error.message)
        return [item for item in items if item.error is None]

    def _make(self, item: _Item, index: int, buffers: Buffers) -> None:
        key = _key(item.row)
        recipient = self.recipients[key]
        label = Label(*key, fingerprint(recipient))
        item.copies[index] = make_copy(self.executor, item.targets[index], recipient, label, buffers, pace=self.manner.pace)

    def _flushed(self, items: list[_Item]) -> list[_Item]:
        """Have the copies on the medium, one flush for each filesystem."""
        devices: dict[int, Copy] = {}
        for item in items:
            devices.update({copy.identity[0]: copy for copy in item.copies if copy is not None})
        for device, copy in devices.items():
            try:
                self.executor.sync_filesystem(copy.fd)
            except OSError as error:
                for item in items:
                    if any(other is not None and other.identity[0] == device for other in item.copies):
                        item.error = DisposalError(f"the encrypted copy could not be flushed to the medium ({error.strerror}); look at it")
        return self._step(items, lambda _item, _index, _buffers: None)

    def _prove(self, item: _Item, index: int, buffers: Buffers) -> None:
        item.made[index] = prove(_there(item.copies[index]), buffers, pace=self.manner.pace)

    def _announced(self, items: list[_Item]) -> list[_Item]:
        """Tell what the copies are, then give them their names."""
        for item in items:
            made = [found for found in item.made if found is not None]
            label = item.copies[0].label if item.copies and item.copies[0] is not None else None
            self.announce(item.row)
            told = {
                "period": _key(item.row)[1],
                "recipient": label.fingerprint if label else None,
                "copies": [found.row() for found in made],
            }
            self.journal.append("step", set=item.row.set, step=STEP, told=told)
            self._named[item.row.set] = made
            self.work.cached += sum(found.read == "cached" for found in made)
        self.journal.sync()
        left = []
        for item in items:
            try:
                for target, copy in zip(item.targets, item.copies):
                    copy = _there(copy)
                    self._give_name(target, copy)
                    copy.close()
                left.append(item)
            except DisposalError as error:
                item.close()
                self.skip(item.row, error.message)
        try:
            sync_directories(self.executor, [dir_fd for item in left for target in item.targets for dir_fd, _name in target.names])
        except OSError as error:
            for item in left:
                self.skip(item.row, f"the name of its encrypted copy may not last ({error.strerror}); look at the medium", failed=True)
            return []
        return left

    def _give_name(self, target: OpenTarget, copy: Copy) -> None:
        dir_fd, name = target.names[0]
        if not stands_as(dir_fd, name, target.identity):
            raise refusal("replaced")
        try:
            self.executor.give_name(copy.fd, copy_name(name), dir_fd=dir_fd)
        except FileExistsError:
            raise collision() from None
        except OSError as error:
            raise DisposalError(f"its encrypted copy cannot be given its name ({error.strerror}); look at the directory") from error

    def _reread(self, item: _Item, index: int, buffers: Buffers) -> None:
        """The plaintext once more, and nobody may open it from now until it is overwritten.

        :raises DisposalError: it was changed since it was encrypted.
        """
        target, made, copy = item.targets[index], _there(item.made[index]), _there(item.copies[index])
        now, then = os.fstat(target.fd), copy.facts
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_nlink) != (
            then.st_size,
            then.st_mtime_ns,
            then.st_ctime_ns,
            then.st_nlink,
        ):
            raise DisposalError(_CHANGED)
        if digest_of_plain(target, buffers, pace=self.manner.pace) != made.plain:
            raise DisposalError(
                "its encrypted copy decrypts to something else than it holds, though it was not changed; look at the memory and the medium"
            )

    def _undisturbed(self, items: list[_Item]) -> list[_Item]:
        """The sets whose plaintext nobody has tried to open since it was read once more: whoever tries now, waits."""
        for item in items:
            if not all(target.undisturbed for target in item.targets):
                item.error = refusal("busy")
        return self._step(items, lambda _item, _index, _buffers: None)

    def _give_up(self, row: Row) -> None:
        """Take away the copies of a set whose plaintext stays, as far as they are this run's own; one whose plaintext has gone is kept."""
        members = files_of(row)
        for member, made in zip(members, self._named.pop(row.set, [])):
            *parents, name = plain_parts(member.path)
            try:
                dir_fd = open_directory(self.recheck.root(row), parents)
            except DisposalError:
                continue
            try:
                kept = stands_as(dir_fd, name, (member.dev, member.ino))
                if kept and is_copy(dir_fd, copy_name(name), made, _key(row)):
                    self.executor.unlink(copy_name(name), dir_fd=dir_fd)
                    self.executor.sync_directory(dir_fd)
            except OSError as error:
                self._note(row, [f"its encrypted copy could not be taken away again ({error.strerror})"])
            finally:
                os.close(dir_fd)
