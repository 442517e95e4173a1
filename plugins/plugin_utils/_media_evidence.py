# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a medium: every record of what was done to it, checked, and which of them the register's log links."""

from __future__ import annotations

import collections
import dataclasses
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE
from ..module_utils._evidence.canonical import digest_of
from ..module_utils._evidence.chain import ChainReader, Record, opened
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.journal import JournalState, require_time
from ..module_utils._media.serials import medium_set, serial_key
from ._media_runs import Act, HostRun, Sealers, host_runs
from ._register import FIRST, Medium
from ._register_log import Log

__all__ = ["Evidence", "Found", "Happened", "Linked"]


@dataclasses.dataclass(frozen=True, slots=True)
class Happened:
    """A transition of a medium by the register's log, on which C(line) it stands, and that line's digest."""

    record: Record
    line: int
    digest: str

    @property
    def to(self) -> str:
        return str(self.record["to"])


@dataclasses.dataclass(frozen=True, slots=True)
class Linked:
    """An act and the event whose evidence it is, none where the log links it to none.

    :ivar withdrawn: the medium was released again after that, so that it proves nothing any more.
    :ivar verified: the event that verified the medium afterwards.
    """

    act: Act
    event: Happened | None
    withdrawn: bool = False
    verified: Happened | None = None

    @property
    def counts(self) -> bool:
        return self.event is not None and not self.withdrawn


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What is known of a medium since it was last in service.

    :ivar acts: in the order in which they ended.
    :ivar unread: journals of physical work that cannot be read, and may be of any medium.
    """

    medium: Medium
    events: tuple[Happened, ...]
    acts: tuple[Linked, ...]
    unread: tuple[str, ...] = ()


class Evidence:
    """All evidence below a state directory, as far as media ask for it."""

    def __init__(self, dest: str, log: Log, sealers: Sealers) -> None:
        """Read the log and the journals of physical work.

        :raises EvidenceError: the log was written by somebody else meanwhile.
        """
        self._runs: list[HostRun] = host_runs(dest, sealers)
        self._events = _events(log)
        self._physical: dict[str, list[Act]] = collections.defaultdict(list)
        self._faults: dict[str, list[str]] = collections.defaultdict(list)
        self._read_physical(dest)

    def of(self, medium: Medium) -> Found:
        """The evidence of one medium.

        :raises EvidenceError: some of it is not what it should be; C(details["problems"]) has a sentence for each fault.
        """
        plain = serial_key(medium.serial)
        acts, faults = list(self._physical.get(plain, ())), list(self._faults.get(medium_set(medium.serial), ()))
        for run in self._runs:
            try:
                act = run.act(medium.serial)
            except EvidenceError as error:
                faults.append(error.message)
                continue
            if act is not None:
                acts.append(act)
        if faults:
            raise EvidenceError("; ".join(faults), details={"problems": faults})
        events = self._events.get(plain, [])
        acts.sort(key=lambda act: (act.ended, act.run))
        return Found(medium, tuple(events), tuple(_link(act, events) for act in acts), tuple(self._faults.get("", ())))

    def _read_physical(self, dest: str) -> None:
        directory = os.path.join(dest, "physical", "runs")
        for run in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            path = os.path.join(directory, run, "journal.jsonl")
            if not os.path.exists(path):
                continue
            names: list[str] = []
            try:
                act = _physical(path, run, names)
            except EvidenceError as error:
                # By its set the fault is told of the medium; one that comes before it may be of any.
                self._faults[names[-1] if names else ""].append(error.message)
                continue
            self._physical[serial_key(act.row["serial"])].append(act)


def _events(log: Log) -> dict[str, list[Happened]]:
    """What happened to each medium since it was last in service, by key of serial."""
    found: dict[str, list[Happened]] = collections.defaultdict(list)
    if not log.count:
        return found
    file, name = opened(log.path)
    with file:
        reader = ChainReader(file, name, allow_torn=True)
        for record in reader:
            if record["type"] != "moved":
                continue
            plain = serial_key(record["serial"])
            if record["to"] == FIRST:
                found[plain] = []
            else:
                found[plain].append(Happened(record, reader.count, reader.head))
    if reader.head != log.head:
        raise EvidenceError(f"{log.path} was written by another process just now, so nothing was done; run the same task again")
    return found


def _link(act: Act, events: t.Sequence[Happened]) -> Linked:
    """An act with the first event that names it since the medium was released last; with an older one it proves nothing any more."""
    released = max((index for index, event in enumerate(events) if event.to == "released"), default=-1)
    named = [index for index, event in enumerate(events) if act.digest in event.record["evidence"]]
    if not named:
        return Linked(act, None)
    at = next((index for index in named if index > released), None)
    # What was done in a former life proves nothing, whoever names it once more.
    stale = released >= 0 and parse_time(act.ended) < parse_time(events[released].record["time"]) - CLOCK_TOLERANCE
    if at is None or stale:
        return Linked(act, events[named[-1] if at is None else at], withdrawn=True)
    return Linked(act, events[at], verified=next((event for event in events[at:] if event.to == "verified"), None))


def _physical(path: str, run: str, names: list[str]) -> Act:
    """What people did to a medium, by its journal.

    :arg names: gets the sets that the journal names, also where it cannot be read to its end.
    """
    file, shown = opened(path)
    with file:
        reader = ChainReader(file, shown, allow_torn=True)
        state, records = JournalState(shown), dict[str, Record]()
        for record in reader:
            if isinstance(record.get("set"), str):
                names.append(record["set"])
            require_time(record, reader)
            state.apply(record)
            records[record["type"]] = record
    if not state.closed or "outcome" not in records:
        raise EvidenceError(f"{path} was not brought to its end; give media_destruction the same results once more")
    record, row = records["outcome"], (records["outcome"]["proof"] or {}).get("row")
    serial = row.get("serial") if isinstance(row, dict) else None
    if not isinstance(serial, str) or record["set"] != medium_set(serial) or digest_of(row) != records.get("intent", {}).get("row"):
        raise EvidenceError(f"{path} does not tell the facts that it was begun with, or those of another medium; compare it with a copy")
    opening = state.opening or {}
    files = {f"physical/runs/{run}/journal.jsonl": reader.file_digest}
    return Act("physical", run, str(opening["host"]), record, opening, t.cast(dict[str, t.Any], row), reader.file_digest, files)
