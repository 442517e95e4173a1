# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settle a run over media: a record for each, the register moved by what the sealed evidence says, and what is left to be done."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._evidence.approval import MEDIA_FORMAT, read_manifest
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.chain import ChainReader, opened
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.journal import read_journal
from ..module_utils._executor import Executor
from ..module_utils._standards.physical import PHYSICAL
from ._custody import given_event
from ._evidence_files import MANIFEST, read_bytes
from ._media_plan_page import rows_name
from ._media_records import record_name
from ._register_book import Book
from ._verify import verify_run

__all__ = ["Settling", "settle_destruction", "settle_run"]

_MOST_TOLD = 200


@dataclasses.dataclass(slots=True)
class Settling:
    """What settling needs; C(dest) is the state directory on the controller.

    :ivar person: who carried it out, as the register's log names persons.
    """

    dest: str
    register: str
    person: str
    executor: Executor
    check_mode: bool
    now: dt.datetime
    collection: str

    def book(self) -> Book:
        return Book(self.register, self.dest, executor=self.executor, check_mode=self.check_mode, now=self.now, collection=self.collection)


@dataclasses.dataclass(slots=True)
class _Left:
    """What became of the media of a plan, and what is left to be done."""

    sanitized: list[str] = dataclasses.field(default_factory=list)
    verified: list[str] = dataclasses.field(default_factory=list)
    ready: list[str] = dataclasses.field(default_factory=list)
    failed: list[dict[str, str]] = dataclasses.field(default_factory=list)
    pending: list[str] = dataclasses.field(default_factory=list)
    orders: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def order(self, technique: str, serial: str) -> None:
        self.orders.setdefault(technique, []).append(serial)

    def as_dict(self) -> dict[str, t.Any]:
        told: dict[str, t.Any] = {
            name: getattr(self, name)[:_MOST_TOLD] for name in ("sanitized", "verified", "ready", "failed", "pending")
        }
        orders = [
            {"technique": technique, "level": PHYSICAL[technique].level, "serials": serials}
            for technique, serials in sorted(self.orders.items())
        ]
        return {**told, "orders": orders}


def settle_run(settling: Settling, plan_id: str, *, allowed_signers: str, signer: str) -> dict[str, t.Any]:
    """Settle a run of C(media_apply), whose evidence is sealed.

    :arg allowed_signers: the file's text.
    :raises EvidenceError: the evidence is not what was sealed, or is of another plan.
    :raises RefusedError: the register may not be moved so; every medium is named.
    """
    directory = os.path.join(settling.dest, "runs", plan_id)
    report = verify_run(
        directory, allowed_signers=allowed_signers, signer=signer, ledger=os.path.join(settling.dest, "ledger.jsonl"), now=settling.now
    )
    if not report.valid:
        raise EvidenceError(
            f"the evidence of the run {plan_id} is not valid, so nothing was settled: {'; '.join(report.problems[:3])}",
            details={"problems": report.problems[:100]},
        )
    manifest = read_manifest(read_bytes(os.path.join(directory, MANIFEST)), formats=[MEDIA_FORMAT])
    left, events, changed = _Left(), list[dict[str, t.Any]](), False
    for host in sorted(manifest["hosts"]):
        lines = _outcomes(os.path.join(directory, "journals", f"{host}.jsonl"))
        for row in _rows(settling.dest, plan_id, host, manifest):
            line = lines.get(row["set"])
            if row["steps"] and line is None:
                left.pending.append(row["serial"])
                continue
            if line is not None:
                changed |= _keep(settling, directory, row, line)
                events.extend(_events(settling, plan_id, row, line))
            _sort(left, row, json.loads(line) if line else None)
    moved = _moved(settling, events)
    told = {"plan_id": plan_id, "moved": moved, **left.as_dict()}
    return {"changed": changed or bool(moved), **told}


def _outcomes(path: str) -> dict[str, bytes]:
    """The lines of a journal that tell an outcome, by set; none where there is no journal."""
    found: dict[str, bytes] = {}
    if os.path.exists(path):
        file, name = opened(path)
        with file:
            reader = ChainReader(file, name, allow_torn=True)
            for record in reader:
                if record["type"] == "outcome":
                    found[record["set"]] = reader.line.rstrip(b"\n") + b"\n"
    return found


def _rows(dest: str, plan_id: str, host: str, manifest: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    path = os.path.join(dest, "plans", plan_id, rows_name(host))
    data = read_bytes(path)
    if digest(data) != manifest["hosts"][host]["plan"]["digest"]:
        raise EvidenceError(f"{path} is not what the manifest names, so nothing was settled; put it back from a copy")
    return [json.loads(line) for line in data.splitlines()]


def _sort(left: _Left, row: t.Mapping[str, t.Any], record: dict[str, t.Any] | None) -> None:
    serial = row["serial"]
    if record is None:
        left.order(row["physical"]["technique"], serial)
        return
    if record["outcome"] != "destroyed":
        left.failed.append({"serial": serial, "outcome": record["outcome"], "reason": "; ".join(record["reason"])[:500]})
        left.order(row["on_failure"], serial)
        return
    left.sanitized.append(serial)
    if _is_clean(record):
        left.verified.append(serial)
    if row["physical"]["needed"] or not _is_clean(record):
        left.order(row["physical"]["technique"], serial)
    else:
        left.ready.append(serial)


def _is_clean(record: t.Mapping[str, t.Any]) -> bool:
    return bool(record["proof"]["verify"]["verdict"] == "clean")


def _record_path(plan_id: str, row: t.Mapping[str, t.Any]) -> str:
    """Of a medium's record, from the state directory on."""
    return os.path.join("runs", plan_id, "media", f"{record_name(row['set'])}.json")


def _keep(settling: Settling, directory: str, row: t.Mapping[str, t.Any], line: bytes) -> bool:
    """Write the record of a medium; whether it was not there yet."""
    path = os.path.join(directory, "media", f"{record_name(row['set'])}.json")
    if os.path.exists(path):
        if read_bytes(path) != line:
            raise EvidenceError(f"{path} is not the line of the journal that it was made from; put it back from a copy, or take it away")
        return False
    if not settling.check_mode:
        try:
            settling.executor.makedirs(os.path.dirname(path))
            settling.executor.replace_file(path, [line])
        except OSError as error:
            raise DisposalError(
                f"{path} cannot be written ({error.strerror}), so the run is not settled; make room and run again"
            ) from error
    return True


def _events(settling: Settling, plan_id: str, row: t.Mapping[str, t.Any], line: bytes) -> t.Iterator[dict[str, t.Any]]:
    """What the register learns of a medium that was destroyed."""
    record = json.loads(line)
    if record["outcome"] != "destroyed":
        return
    evidence = [{"file": _record_path(plan_id, row), "digest": digest(line)}]
    time = time_text(parse_time(record["time"]))
    for state in ["sanitized", "verified"] if _is_clean(record) else ["sanitized"]:
        yield {"to": state, "serials": [row["serial"]], "time": time, "persons": [settling.person], "evidence": evidence}


def _moved(settling: Settling, events: t.Iterable[dict[str, t.Any]]) -> int:
    """Move the register by events of one medium each; how many of them are new."""
    if settling.check_mode:
        # The records that the events name are not written, so nobody could look at them.
        return 0
    moved = 0
    for event in events:
        moved += settling.book().move(given_event(event, now=settling.now, directory=settling.dest))["moved"]
    return moved


def settle_destruction(settling: Settling, evidence: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Move media to C(destroyed) by what C(media_destruction) has recorded below C(physical) in the state directory.

    :arg evidence: its records, as it returned them.
    :raises EvidenceError: a journal is not what a record says.
    :raises RefusedError: the register may not be moved so.
    """
    events, left = [], _Left()
    for told in evidence:
        serial, outcome = str(told.get("serial")), told.get("outcome")
        name = os.path.join("physical", str(told.get("journal")))
        path = os.path.join(settling.dest, name)
        records = list(read_journal(path))
        found = next((record for record in records if record["type"] == "outcome"), None)
        if found is None or records[-1]["type"] != "close" or found["outcome"] != outcome or found["proof"]["row"]["serial"] != serial:
            raise EvidenceError(
                f"{path} does not say that {serial} is {outcome}, so nothing was settled; give what media_destruction returned"
            )
        if outcome != "destroyed":
            left.failed.append({"serial": serial, "outcome": str(outcome), "reason": "; ".join(found["reason"])[:500]})
            continue
        left.ready.append(serial)
        row = found["proof"]["row"]
        events.append(
            {
                "to": "destroyed",
                "serials": [serial],
                "time": found["proof"]["time"],
                "persons": [row["operator"], row["second_person"]],
                "place": row["place"],
                "evidence": [{"file": name, "digest": digest(read_bytes(path))}],
            }
        )
    moved = _moved(settling, events)
    return {"changed": bool(moved), "moved": moved, "plan_id": None, **left.as_dict()}
