# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register's log: one chained line for each transition, reconciliation and closing. It counts; the register shows what it says."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.chain import NO_HEAD, ChainReader, ChainWriter, Record, opened
from ..module_utils._evidence.clock import is_time
from ..module_utils._executor import Executor
from ..module_utils._media.serials import serial_key
from ._custody import Event
from ._register import FIRST, Medium
from ._register_states import TRANSITIONS

__all__ = ["FORMAT", "History", "Log", "append_records", "closed_record", "moved_record", "opening_record", "read_log", "reconciled_record"]

FORMAT = "recordings.disposal/register-log/1"

_TEXTS = ("serial", "host", "from", "to", "shown", "event")
_KEYS = {
    "opened": {"format", "collection", "time"},
    "moved": {*_TEXTS, "time", "recorded", "place", "custody", "reason", "persons", "photos", "evidence"},
    "reconciled": {"time", "hosts", "report"},
    "closed": {"time", "report"},
}


@dataclasses.dataclass(slots=True)
class History:
    """What the log says of a medium.

    :ivar shown: the custody that the register shows.
    :ivar before: state and custody that it showed before the last event.
    :ivar verified: it was verified since it was last in service.
    :ivar events: digests of all its events; C(life) of those since it was last in service.
    :ivar hosts: where it was registered at each event since it was last in service.
    """

    serial: str
    state: str = FIRST
    shown: str = ""
    time: str = ""
    verified: bool = False
    before: tuple[str, str] = (FIRST, "")
    events: set[str] = dataclasses.field(default_factory=set)
    life: set[str] = dataclasses.field(default_factory=set)
    hosts: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(slots=True)
class Log:
    """The log as it was read.

    :ivar media: histories by plain serial.
    :ivar reconciled: by host, the digest of the report of its last reconciliation.
    :ivar last_report: of the last reconciliation at all.
    :ivar closed: digests of the reports of all closings.
    """

    path: str
    head: str = NO_HEAD
    count: int = 0
    media: dict[str, History] = dataclasses.field(default_factory=dict)
    reconciled: dict[str, str] = dataclasses.field(default_factory=dict)
    last_report: str = ""
    closed: set[str] = dataclasses.field(default_factory=set)

    def as_dict(self) -> dict[str, t.Any]:
        return {"path": self.path, "records": self.count, "head": self.head if self.count else None}

    def fold(self, record: Record) -> None:
        """Take a record in.

        :raises EvidenceError: it is none that this version writes, or contradicts those before it.
        """
        kind, line = record.get("type"), f"{self.path} line {record['seq'] + 1}"
        keys = _KEYS.get(str(kind))
        if keys is None or set(record) != {*keys, "type", "seq", "prev"} or not is_time(record["time"]):
            raise EvidenceError(f"{line} is no record of a register that this version knows; compare the file with a copy")
        if (kind == "opened") != (record["seq"] == 0) or (kind == "opened" and record["format"] != FORMAT):
            raise EvidenceError(f"{line} does not begin a log of the format {FORMAT}; compare the file with a copy")
        if kind == "moved":
            self._moved(record, line)
        elif kind == "reconciled":
            self.last_report = record["report"]
            self.reconciled.update(dict.fromkeys(record["hosts"], record["report"]))
        elif kind == "closed":
            self.closed.add(record["report"])

    def _moved(self, record: Record, line: str) -> None:
        if not all(isinstance(record[key], str) for key in _TEXTS):
            raise EvidenceError(f"{line} is no transition of a medium; compare the file with a copy")
        history = self.media.setdefault(serial_key(record["serial"]), History(record["serial"]))
        step = record["from"], record["to"]
        if record["from"] != history.state or step not in TRANSITIONS:
            raise EvidenceError(
                f"{line} has {record['serial']} go from {step[0]} to {step[1]}, and it was {history.state}; compare the file with a copy"
            )
        history.before = history.state, history.shown
        history.state, history.shown, history.time = record["to"], record["shown"], record["time"]
        history.verified = record["to"] == "verified" or (history.verified and record["to"] not in (FIRST, "released"))
        history.events.add(record["event"])
        history.life = {*history.life, record["event"]} if record["to"] != FIRST else set()
        history.hosts = {*history.hosts, record["host"]} if record["to"] != FIRST else set()


def read_log(path: str) -> Log:
    """The log, checked; an empty one where there is none. A torn last record, such as a crash leaves, does not count.

    :raises EvidenceError: it is not what was appended; the sentence names the line.
    """
    log = Log(path)
    if not os.path.lexists(path):
        return log
    file, name = opened(path)
    with file:
        reader = ChainReader(file, name, allow_torn=True)
        for record in reader:
            log.fold(record)
    log.head, log.count = reader.head, reader.count
    return log


def append_records(log: Log, records: t.Iterable[Record], *, executor: Executor) -> None:
    """Append records to the log as it was read, and bring them to stable storage before anything else follows from them.

    :raises EvidenceError: somebody else has appended meanwhile.
    :raises DisposalError: they cannot be written.
    """
    executor.makedirs(os.path.dirname(log.path))
    with ChainWriter(log.path, executor=executor) as writer:
        if (writer.seq, writer.head) != (log.count, log.head):
            raise EvidenceError(f"{log.path} was written by another process just now, so nothing was done; run the same task again")
        for record in records:
            writer.put(record, fold=log.fold)
        writer.sync()
        log.head, log.count = writer.head, writer.seq


def opening_record(*, collection: str, now: str) -> Record:
    return {"type": "opened", "format": FORMAT, "collection": collection, "time": now}


def moved_record(event: Event, medium: Medium, state: str, *, now: str) -> Record:
    """The evidence that an event moves a medium from the state that the log has."""
    return {
        "type": "moved",
        "time": event.time,
        "recorded": now,
        "serial": medium.serial,
        "host": medium.host,
        "from": state,
        "to": event.to,
        "shown": event.custody_text,
        "place": event.place,
        "custody": event.custody,
        "reason": event.reason,
        "persons": [
            {"principal": principal, "key": key, **({"training": event.training[principal]} if principal in event.training else {})}
            for principal, key in sorted(event.persons.items())
        ],
        "photos": list(event.photos),
        "evidence": list(event.evidence),
        "event": event.digest,
    }


def reconciled_record(*, hosts: t.Iterable[str], report: str, now: str) -> Record:
    return {"type": "reconciled", "time": now, "hosts": sorted(hosts), "report": report}


def closed_record(*, report: str, now: str) -> Record:
    return {"type": "closed", "time": now, "report": report}
