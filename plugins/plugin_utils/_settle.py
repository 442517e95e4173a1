# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settle what became of media: a record for each, the register moved by what the evidence says, and what is left to be done."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import re
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, PolicyError, RefusedError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE
from ..module_utils._evidence.canonical import digest, digest_of
from ..module_utils._evidence.chain import ChainReader, opened
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.journal import JournalState, read_journal
from ..module_utils._evidence.training import Trainings
from ..module_utils._executor import CheckExecutor, Executor
from ..module_utils._media.serials import medium_set, serial_key
from ..module_utils._standards.levels import satisfies
from ..module_utils._standards.physical import PHYSICAL
from ._custody import Event, given_event
from ._evidence_files import read_bytes
from ._register import contradiction
from ._register_book import Book
from ._settled_run import CarriedOut, Ended, carried_out

__all__ = ["Settling", "settle_destruction", "settle_run"]

# As many as media_order takes at once.
_MOST_ORDERED = 200
_MOST_TOLD = 100
_MOST_LETTERS = 200
_LONGEST_PLACE = 150
_PHYSICAL_JOURNAL = re.compile(r"runs/[0-9a-f]{16}/journal\.jsonl")
# Of the register, after a medium was destroyed on its host.
_SANITIZED, _LATER = ("sanitized", "verified"), ("in_custody", "destroyed", "reused")


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

    def book(self, *, check_mode: bool | None = None) -> Book:
        check = self.check_mode if check_mode is None else check_mode
        executor = CheckExecutor() if check else self.executor
        return Book(self.register, self.dest, executor=executor, check_mode=check, now=self.now, collection=self.collection)


# The key of a serial, the state that it came to, and the digest of the evidence for that.
_Known = tuple[str, str, str]


class _Wanted(t.NamedTuple):
    """What the plan wants to have destroyed physically; C(sanitized) after it was destroyed on its host."""

    technique: str
    serial: str
    sanitized: bool


@dataclasses.dataclass(slots=True)
class _Left:
    """What became of the media of a plan, and what is left to be done."""

    sanitized: list[str] = dataclasses.field(default_factory=list)
    verified: list[str] = dataclasses.field(default_factory=list)
    ready: list[str] = dataclasses.field(default_factory=list)
    failed: list[dict[str, str]] = dataclasses.field(default_factory=list)
    pending: list[str] = dataclasses.field(default_factory=list)
    not_moved: list[dict[str, str]] = dataclasses.field(default_factory=list)
    wanted: list[_Wanted] = dataclasses.field(default_factory=list)
    orders: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def fail(self, serial: str, outcome: str, reason: str, *, then: str) -> None:
        """Note a medium that was not destroyed; C(then) is C(order) where it is destroyed physically, C(plan) where it is planned again."""
        self.failed.append({"serial": serial, "outcome": outcome, "reason": reason[:_MOST_LETTERS], "next": then})

    def as_dict(self) -> dict[str, t.Any]:
        told: dict[str, t.Any] = {name: list(getattr(self, name)) for name in ("sanitized", "verified", "ready", "pending")}
        orders = [
            {"technique": technique, "level": PHYSICAL[technique].level, "serials": serials[first : first + _MOST_ORDERED]}
            for technique, serials in sorted(self.orders.items())
            for first in range(0, len(serials), _MOST_ORDERED)
        ]
        warnings = [
            f"{row['serial']} is not moved in the register as its evidence says: {row['reason']}" for row in self.not_moved[:_MOST_TOLD]
        ]
        return {
            **told,
            # Not failed: Ansible would take that for the state of the task.
            "not_destroyed": self.failed[:_MOST_TOLD],
            "not_moved": self.not_moved[:_MOST_TOLD],
            "orders": orders,
            "warnings": warnings,
        }


def settle_run(
    settling: Settling, plan_id: str, *, allowed_signers: str, signer: str, trainings: Trainings | None = None
) -> dict[str, t.Any]:
    """Settle a run of C(media_apply), whose evidence is sealed; or a plan by which nothing is done on any host.

    :arg allowed_signers: the file's text.
    :raises EvidenceError: the evidence is not what was sealed, or is of another plan; nothing was written.
    :raises RefusedError: the plan is not approved, or expired before anything was done.
    """
    found = carried_out(settling.dest, plan_id, allowed_signers=allowed_signers, signer=signer, now=settling.now, trainings=trainings)
    book, left = settling.book(), _Left()
    levels = {key: medium.required_level for key, medium in book.register.media.items()}
    for each in found.media:
        _sort(left, each, levels.get(serial_key(each.serial), ""))
    _require_time(settling, found, left, book)
    changed = [bool(book.pending), *(_keep(settling, each) for each in found.media if each.line)]
    moved, known, sanitized = 0, _learned(book), set[str]()
    # One by one: a medium that people have moved meanwhile stops no other.
    for each in found.media:
        new, refusal = _moved(settling, book, _events(settling, each, book, known))
        changed.append(bool(new))
        if refusal:
            left.not_moved.append({"serial": each.serial, "reason": refusal})
        if settling.check_mode and new:
            sanitized.add(each.serial)
        else:
            moved += new
    _sort_orders(left, book, sanitized)
    return {"changed": any(changed), "plan_id": plan_id, "moved": moved, **left.as_dict()}


def _sort(left: _Left, ended: Ended, required: str) -> None:
    """Note what became of a medium, and what is left to be done about it.

    :arg required: the level that the register asks for by now.
    """
    row, record = ended.row, ended.record
    if record is None:
        if row["steps"] or ended.blocked:
            left.pending.append(ended.serial)
        else:
            left.wanted.append(_Wanted(row["physical"]["technique"], ended.serial, sanitized=False))
        return
    if record["outcome"] == "destroyed" and not ended.shortfall:
        left.sanitized.append(ended.serial)
        if ended.clean:
            left.verified.append(ended.serial)
        if row["physical"]["needed"] or not ended.clean or not satisfies(ended.achieved, required):
            left.wanted.append(_Wanted(row["physical"]["technique"], ended.serial, sanitized=True))
        else:
            left.ready.append(ended.serial)
        return
    outcome = "unknown" if ended.shortfall else record["outcome"]
    # Of one that nothing was begun on the plan does not hold any more: it is mounted, holds other files, or may be under a hold.
    then = "order" if ended.proof or outcome == "unknown" else "plan"
    left.fail(ended.serial, outcome, ended.shortfall or "; ".join(record["reason"]), then=then)
    if then == "order":
        left.wanted.append(_Wanted(row["on_failure"], ended.serial, sanitized=False))


def _require_time(settling: Settling, found: CarriedOut, left: _Left, book: Book) -> None:
    """:raises RefusedError: nothing was begun before the plan expired, and something is still to be ordered by it."""
    expires = found.manifest["expires"]
    if any(_state(book, each.serial) == "released" for each in left.wanted) and not found.begun and settling.now >= parse_time(expires):
        raise RefusedError(
            f"the plan {found.manifest['plan_id']} expired at {expires} before anything was done by it, so nothing was settled; plan again and have it approved"
        )


def _keep(settling: Settling, ended: Ended) -> bool:
    """Write the record of a medium; whether it was not there yet."""
    path = os.path.join(settling.dest, ended.path)
    if os.path.exists(path):
        return False
    if not settling.check_mode:
        try:
            settling.executor.makedirs(os.path.dirname(path))
            settling.executor.replace_file(path, [ended.line])
        except OSError as error:
            raise DisposalError(
                f"{path} cannot be written ({error.strerror}), so the run is not settled; make room and run again"
            ) from error
    return True


def _events(settling: Settling, ended: Ended, book: Book, known: t.Container[_Known]) -> list[dict[str, t.Any]]:
    """What the register has to learn of a medium, and has not."""
    if ended.record is None or ended.record["outcome"] != "destroyed" or ended.shortfall:
        return []
    key, evidence = serial_key(ended.serial), digest(ended.line)
    told = {
        "serials": [ended.serial],
        "time": _time(ended, book),
        "persons": [settling.person],
        "evidence": [{"file": ended.path, "digest": evidence}],
    }
    states = ["sanitized", "verified"] if ended.clean else ["sanitized"]
    # What a run that was cut off has left to be shown in the register is given once more.
    unfinished = key in {serial_key(change.serial) for change in book.pending}
    return [{"to": state, **told} for state in states if unfinished or (key, state, evidence) not in known]


def _time(ended: Ended, book: Book) -> str:
    """When it was destroyed; by the clock of a host that is a little behind that may be before the medium was released, which it cannot be."""
    history = book.log.media.get(serial_key(ended.serial))
    before = history.time if history is not None else ""
    behind = bool(before) and dt.timedelta(0) < parse_time(before) - parse_time(ended.time) <= CLOCK_TOLERANCE
    return before if behind else ended.time


def _learned(book: Book) -> set[_Known]:
    """What the register's log has by evidence, whoever recorded it."""
    known: set[_Known] = set()
    if book.log.count:
        file, name = opened(book.log.path)
        with file:
            for record in ChainReader(file, name, allow_torn=True):
                if record["type"] == "moved":
                    known.update((serial_key(record["serial"]), record["to"], evidence) for evidence in record["evidence"])
    return known


def _moved(settling: Settling, book: Book, events: t.Iterable[dict[str, t.Any]]) -> tuple[int, str]:
    """Move one medium in the register; how many events that were, and why one was refused. In check mode they are only counted."""
    moved = 0
    for told in events:
        if settling.check_mode:
            moved += 1
            continue
        try:
            moved += book.move(given_event(told, now=settling.now, directory=settling.dest))["moved"]
        except (RefusedError, PolicyError) as error:
            return moved, error.message
    return moved, ""


def _state(book: Book, serial: str) -> str:
    medium = book.register.media.get(serial_key(serial))
    return medium.state if medium is not None else ""


def _sort_orders(left: _Left, book: Book, sanitized: t.Container[str]) -> None:
    """Order what the register, as it is by now, leaves to be ordered, and have nothing ready that has come back.

    :arg sanitized: of what the register would learn that but for check mode.
    """

    def state_of(serial: str) -> str:
        return _SANITIZED[0] if serial in sanitized else _state(book, serial)

    refused = {row["serial"] for row in left.not_moved}
    left.ready = [serial for serial in left.ready if serial not in refused and state_of(serial) in (*_SANITIZED, *_LATER)]
    for technique, serial, after in left.wanted:
        if serial in refused:
            continue
        state, history = state_of(serial), book.log.media.get(serial_key(serial))
        # Another plan may have destroyed it since, or a shredder.
        done = not after and history is not None and history.verified
        if state in ((*_SANITIZED, "in_custody") if after else ("released", "in_custody")) and not done:
            left.orders.setdefault(technique, []).append(serial)
        elif state == "in_service":
            left.not_moved.append({"serial": serial, "reason": f"{serial} is in_service by now, so nothing is ordered for it"})


def settle_destruction(settling: Settling, evidence: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Move media to C(destroyed) by what C(media_destruction) has recorded below C(physical) in the state directory.

    :arg evidence: its records, as it returned them.
    :raises EvidenceError: a journal is not what a record says.
    :raises RefusedError: the register may not be moved so; every medium is named, and none was moved.
    """
    left, events, faults = _Left(), dict[str, Event](), list[str]()
    trial = settling.book(check_mode=True)
    known = _learned(trial)
    for told in evidence:
        record, path = _recorded(settling, told)
        serial = str(told.get("serial"))
        if record["outcome"] != "destroyed":
            left.fail(serial, record["outcome"], "; ".join(record["reason"]), then="order")
            continue
        left.ready.append(serial)
        event_of = _destroyed(serial, record, path, settling.dest)
        if not trial.pending and (serial_key(serial), "destroyed", event_of["evidence"][0]["digest"]) in known:
            continue
        try:
            event = given_event(event_of, now=settling.now, directory=settling.dest)
            _require_fit(trial, serial, record)
            trial.move(event)
        except (RefusedError, PolicyError) as error:
            faults.append(error.message)
            continue
        if events.setdefault(serial_key(serial), event) is not event:
            faults.append(f"{serial} is told twice as destroyed; give the evidence of the one time")
    if faults:
        rest = f" (and {len(faults) - 10} more)" if len(faults) > 10 else ""
        raise RefusedError(f"nothing was settled: {'; '.join(faults[:10])}{rest}", details={"problems": faults[:_MOST_TOLD]})
    moved = 0
    if not settling.check_mode:
        book = settling.book()
        for event in events.values():
            moved += book.move(event)["moved"]
    return {"changed": bool(events), "moved": moved, "plan_id": None, **left.as_dict()}


def _recorded(settling: Settling, told: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], str]:
    """The outcome in the journal that a record names, and the journal's path from the state directory on.

    :raises EvidenceError: the journal is not what it was, or of another medium, or tells another outcome.
    """
    serial, outcome = str(told.get("serial")), told.get("outcome")
    name = str(told.get("journal"))
    if not _PHYSICAL_JOURNAL.fullmatch(name):
        raise EvidenceError(f"{name[:200]!r} is no journal of media_destruction, so nothing was settled; give what it returned as evidence")
    path = os.path.join(settling.dest, "physical", name)
    records = list(read_journal(path))
    state = JournalState.fold(records, name=path)
    last = {record["type"]: record for record in records}
    found = last.get("outcome")
    row = (found["proof"] or {}).get("row") if found is not None else None
    same = (
        found is not None
        and state.closed
        and isinstance(row, dict)
        and found["outcome"] == outcome
        and serial_key(str(row.get("serial"))) == serial_key(serial)
        and found["set"] == medium_set(serial)
        and last["intent"].get("row") == digest_of(row)
    )
    if found is None or not same:
        raise EvidenceError(f"{path} does not say that {serial} is {outcome}, so nothing was settled; give what media_destruction returned")
    return found, os.path.join("physical", name)


def _destroyed(serial: str, record: t.Mapping[str, t.Any], name: str, dest: str) -> dict[str, t.Any]:
    """The event of a medium that people have destroyed."""
    row = record["proof"]["row"]
    return {
        "to": "destroyed",
        "serials": [serial],
        "time": record["proof"]["time"],
        "persons": [row["operator"], row["second_person"]],
        "place": " ".join(row["place"].split())[:_LONGEST_PLACE],
        "evidence": [{"file": name, "digest": digest(read_bytes(os.path.join(dest, name)))}],
    }


def _require_fit(book: Book, serial: str, record: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: what was done is told of another medium, or falls short of what the register requires of it."""
    medium = book.register.media.get(serial_key(serial))
    achieved = record["level"]["achieved"]
    other = contradiction(medium, record["proof"]["row"]) if medium is not None else ""
    if other:
        raise RefusedError(f"{serial}: {other}; find out which medium that was, and have the results corrected, or the register")
    if medium is not None and not satisfies(achieved, medium.required_level):
        raise RefusedError(
            f"{medium.serial} was destroyed by {record['technique']}, which reaches {achieved}, and {medium.required_level} is required of it; "
            "have it destroyed by a stronger technique too"
        )
