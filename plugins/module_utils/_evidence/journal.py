# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run on a host: what is about to be destroyed, what was seen, what came of it.

Write-ahead and append-only: a record is on stable storage once C(Journal.sync) has returned, and only then may the act that it
announces begin.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
import typing as t

from .._errors import EvidenceError
from .._executor import Executor
from .canonical import canonical
from .chain import ChainReader, ChainWriter, Record
from .clock import is_time, time_text, utc_now
from .records import TYPES, fault_of
from .rotated import journal_opened, refuse_begun_anew

__all__ = ["FORMAT", "OUTCOMES", "Journal", "JournalState", "Pending", "read_journal", "require_time"]

FORMAT = "recordings.disposal/journal/1"
OUTCOMES = ("destroyed", "not_destroyed", "unknown")

_CODES = {name: code for code, name in enumerate(OUTCOMES)}
_RANKS: dict[t.Any, int] = {"none": 0, "clear": 1, "purge": 2, "destroy": 3}


@dataclasses.dataclass
class Pending:
    """A set whose destruction was announced, once or by each attempt anew, and has no outcome yet.

    :ivar steps: what was done and seen on the way, in order, of acts that take several steps.
    :ivar erased: the record of its proof, if it came that far.
    """

    intents: list[Record]
    steps: list[Record] = dataclasses.field(default_factory=list)
    erased: Record | None = None


def _compact(name: str) -> int:
    """A set's name in 16 bytes: the name itself where it is a keyed hash, else a digest of it."""
    if len(name) == 32:
        try:
            number = int(name, 16)
        except ValueError:
            pass
        else:
            if f"{number:032x}" == name:
                return number
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest(), "big")


def _level_met(level: t.Any) -> bool:
    if not isinstance(level, dict):
        return False
    required, achieved = (_RANKS.get(name) if isinstance(name, str) else None for name in (level.get("required"), level.get("achieved")))
    return required is not None and achieved is not None and achieved >= max(required, 1)


class JournalState:
    """What the records so far add up to; about 100 bytes of memory per set that has an outcome.

    :ivar opening: the record C(open), none before it.
    :ivar pending: sets announced and without outcome, by name, in order.
    :ivar counts: sets by outcome.
    :ivar bytes_destroyed: bytes of the sets whose outcome is C(destroyed).
    :ivar interruptions: how often the run was resumed.
    :ivar other_policies: digests of policies that it was resumed under and that are not the one it began with.
    :ivar closed: whether the run's end is recorded.
    """

    def __init__(self, name: str = "the journal") -> None:
        self.name = name
        self.opening: Record | None = None
        self.pending: dict[str, Pending] = {}
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.bytes_destroyed = 0
        self.interruptions = 0
        self.other_policies: list[str] = []
        self.closed = False
        self._outcomes: dict[int, int] = {}
        self._takers: dict[t.Any, t.Callable[[Record], None]] = {kind: getattr(self, f"_{kind}") for kind in TYPES}

    @classmethod
    def fold(cls, records: t.Iterable[Record], *, name: str = "the journal") -> JournalState:
        """The state after all of C(records).

        :raises EvidenceError: a record that cannot stand where it stands.
        """
        state = cls(name)
        for record in records:
            state.apply(record)
        return state

    def outcome_of(self, name: str) -> str | None:
        """The outcome of a set, none if it has none yet."""
        code = self._outcomes.get(_compact(name))
        return None if code is None else OUTCOMES[code]

    def _fault(self, record: Record, what: str) -> EvidenceError:
        number = record.get("seq", 0) + 1
        return EvidenceError(f"{self.name} line {number} {what}", details={"line": number})

    def apply(self, record: Record) -> None:
        """Add one record; on an error the state is what it was.

        :raises EvidenceError: an unknown type, a field that is missing, unknown or of another kind, or a record that cannot stand here, such
            as a second outcome for a set.
        """
        fault = fault_of(record)
        if fault is not None:
            raise self._fault(record, fault)
        kind = record["type"]
        if self.closed:
            raise self._fault(record, f"({kind}) stands after the end of the run")
        if (self.opening is None) != (kind == "open"):
            raise self._fault(record, "opens the run a second time" if kind == "open" else f"({kind}) stands before the run was opened")
        self._takers[kind](record)

    def _open(self, record: Record) -> None:
        if record["format"] != FORMAT:
            raise self._fault(
                record,
                f"has the format {record['format']!r}, not {FORMAT}, which a future version may know; read it with the version that wrote it",
            )
        self.opening = record

    def _resume(self, record: Record) -> None:
        self.interruptions += 1
        policy = record["policy"]
        if policy not in ((self.opening or {})["policy"], *self.other_policies):
            self.other_policies.append(policy)

    def _intent(self, record: Record) -> None:
        name, _key = self._set_without_outcome(record)
        self.pending.setdefault(name, Pending([])).intents.append(record)

    def _step(self, record: Record) -> None:
        self._announced(record, "tells a step of").steps.append(record)

    def _erased(self, record: Record) -> None:
        if record["outcome"] not in _CODES:
            raise self._fault(record, f"has the outcome {record['outcome']!r}, which is none")
        self._announced(record, "tells the erasure of").erased = record

    def _announced(self, record: Record, what: str) -> Pending:
        name, _key = self._set_without_outcome(record)
        pending = self.pending.get(name)
        if pending is None:
            raise self._fault(record, f"{what} set {name}, which no line before it announced")
        return pending

    def _outcome(self, record: Record) -> None:
        name, key = self._set_without_outcome(record)
        code = _CODES.get(record["outcome"])
        size = record["bytes"]
        if code is None or isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise self._fault(record, f"has the outcome {record['outcome']!r} and the bytes {size!r}, which are none")
        if code == 0:
            if name not in self.pending:
                raise self._fault(record, f"claims set {name} as destroyed, which no line before it announced")
            erased = self.pending[name].erased
            if erased is not None and erased["outcome"] != "destroyed":
                raise self._fault(record, f"claims set {name} as destroyed, of which its line on the overwriting says {erased['outcome']}")
            if not record["proof"]:
                raise self._fault(record, f"claims set {name} as destroyed without proof")
            if not _level_met(record["level"]):
                raise self._fault(
                    record, f"claims set {name} as destroyed at the level {record['level']!r}, which falls short of what was required"
                )
            self.bytes_destroyed += size
        self.pending.pop(name, None)
        self._outcomes[key] = code
        self.counts[record["outcome"]] += 1

    def _close(self, record: Record) -> None:
        if self.pending:
            raise self._fault(record, f"ends the run while {len(self.pending)} sets, the first {next(iter(self.pending))}, have no outcome")
        told = (record["counts"], record["bytes"], record["interruptions"])
        seen = (self.counts, {"destroyed": self.bytes_destroyed}, self.interruptions)
        # Not by ==, to which true is 1.
        if canonical(told) != canonical(seen):
            raise self._fault(record, f"ends the run with counts, bytes and interruptions {told}, and the lines before it add up to {seen}")
        self.closed = True

    def _set_without_outcome(self, record: Record) -> tuple[str, int]:
        name = record["set"]
        if not isinstance(name, str) or not name:
            raise self._fault(record, f"names the set {name!r}, which is no text")
        key = _compact(name)
        if key in self._outcomes:
            raise self._fault(record, f"({record['type']}) concerns set {name}, which has the outcome {self.outcome_of(name)} already")
        return name, key


class Journal(ChainWriter):
    """A journal open for writing; C(state) follows every record, those of earlier runs included."""

    def __init__(self, path: str, *, executor: Executor, clock: t.Callable[[], dt.datetime] = utc_now) -> None:
        refuse_begun_anew(path)
        self.state = JournalState(path)
        self._clock = clock
        super().__init__(path, executor=executor, fold=self.state.apply)

    @classmethod
    def open(cls, path: str, *, executor: Executor, clock: t.Callable[[], dt.datetime] = utc_now) -> Journal:
        """Create or resume; see C(ChainWriter)."""
        return cls(path, executor=executor, clock=clock)

    def begin(self, opening: t.Mapping[str, t.Any]) -> None:
        """Open the run, or resume it where it was opened before, and have that on stable storage.

        :arg opening: what the record C(open) tells.
        """
        if self.state.opening is None:
            self.append("open", **opening)
        else:
            self.append("resume", torn=self.torn, pending=len(self.state.pending), policy=opening["policy"])
        self.sync()

    def end(self) -> None:
        """Record the run's end with what its records add up to, and have all on stable storage."""
        state = self.state
        self.append("close", counts=dict(state.counts), bytes={"destroyed": state.bytes_destroyed}, interruptions=state.interruptions)
        self.sync()

    def append(self, type_: str, /, **fields: t.Any) -> str:
        """Buffer a record; returns its digest. Nothing may be destroyed on its strength before C(sync) has returned.

        :raises EvidenceError: the record cannot stand here, such as a second outcome for a set; nothing is written.
        :raises DisposalError: the journal cannot be written.
        """
        record = {**fields, "type": type_, "time": time_text(self._clock(), microseconds=True)}
        return self.put(record, fold=self.state.apply)


def read_journal(source: str | os.PathLike[str] | t.BinaryIO, *, name: str | None = None, allow_torn: bool = False) -> t.Iterator[Record]:
    """The records of a journal, each checked: number, link to the line before, canonical form byte by byte, and its time.

    What the records mean together is C(JournalState)'s to check. One that was packed is read as it was.

    :raises EvidenceError: at the first fault, naming the line.
    :raises RefusedError: it was taken off this host after it was sealed.
    """
    file, shown = journal_opened(source)
    with file:
        reader = ChainReader(file, name or shown, allow_torn=allow_torn)
        for record in reader:
            require_time(record, reader)
            yield record


def require_time(record: Record, reader: ChainReader) -> None:
    """:raises EvidenceError: the record that the reader gave last has no time that exists."""
    if not is_time(record.get("time")):
        raise reader.fault(f"has the time {record.get('time')!r}, which is none", line=reader.count)
