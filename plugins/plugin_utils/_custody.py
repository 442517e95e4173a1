# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to media, as people write it down: an event, or the reason why a medium cannot be accounted for; signed where it has to be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
import typing as t

import yaml

from ..module_utils._document import Node, plain, read_document
from ..module_utils._errors import EvidenceError, PolicyError, RefusedError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE, is_also
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.clock import is_time, parse_time, time_text
from ..module_utils._evidence.sshsig import shared_lines, verify
from ..module_utils._evidence.training import Trainings
from ..module_utils._media.serials import serial_key
from ._evidence_files import read_bytes
from ._inputs import key_that_stands_twice
from ._register import STATES
from ._register_states import CUSTODY
from ._signatures import read_signatures, signature_name

__all__ = ["NAMESPACE", "Event", "given_event", "read_event"]

NAMESPACE = "custody@recordings.disposal"
# Either of them carries media, and sees them carried.
_ROLES = ("operator", "witness")
_LONGEST = 150


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """An event that was checked.

    :ivar data: its bytes, which persons sign and whose C(digest) names it.
    :ivar to: the state that media come to; empty where it is a reason only.
    :ivar persons: principals, each with the fingerprint of the key that signed, empty where nobody had to.
    :ivar signatures: the texts of the signatures, by principal.
    :ivar photos: digests of the files, as C(evidence).
    :ivar training: the records by which persons who signed were trained, by principal; empty where nobody looked.
    """

    data: bytes
    to: str
    serials: tuple[str, ...]
    time: str
    persons: dict[str, str]
    place: str = ""
    custody: str = ""
    reason: str = ""
    photos: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    signatures: dict[str, str] = dataclasses.field(default_factory=dict)
    training: dict[str, list[dict[str, str]]] = dataclasses.field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest(self.data)

    @property
    def custody_text(self) -> str:
        """What the register shows of it."""
        return f"{self.custody} at {self.place} since {self.time}" if self.custody else ""


def given_event(value: t.Any, *, now: dt.datetime, directory: str = "") -> Event:
    """An event that a task gives, which nobody signs.

    :arg directory: from which its files' paths count; the working directory where it is empty.
    :raises PolicyError: it is not valid.
    :raises RefusedError: it has to be signed.
    """
    document = _texts(plain(value))
    if isinstance(document, dict) and isinstance(document.get("time"), str):
        # As a loader of YAML gives a time that stands without quotes.
        document["time"] = document["time"].replace("+00:00", "Z")
    event = read_document(document, "the event", lambda node: _read(node, directory or os.getcwd(), now, excuse=False))
    if event.to == "in_custody":
        raise RefusedError("the event is one of custody, which two persons sign, so it has to be a file; give its path as event_file")
    return dataclasses.replace(event, data=canonical(document))


def read_event(path: str, *, allowed_signers: str, now: dt.datetime, excuse: bool = False, trainings: Trainings | None = None) -> Event:
    """An event in a file; C(excuse) where it is the reason why media cannot be accounted for.

    :arg allowed_signers: the file's text.
    :arg trainings: by which who signs has to be trained, at the event's time and now.
    :raises PolicyError: it is not valid.
    :raises EvidenceError: a signature is missing, or is not what it should be.
    """
    name = f"the {'reason' if excuse else 'event'} {path}"
    data = read_bytes(path)
    document = _loaded(data, name)
    event = read_document(document, name, lambda node: _read(node, os.path.dirname(path), now, excuse=excuse))
    event = dataclasses.replace(event, data=data)
    return _signed(event, path, name, allowed_signers, now, trainings) if excuse or event.to == "in_custody" else event


def _loaded(data: bytes, name: str) -> t.Any:
    """The document with every value as it is written, so that neither a serial nor a time becomes something else."""
    try:
        text = data.decode("utf-8")
        twice = key_that_stands_twice(text)
        loaded = yaml.load(text, yaml.BaseLoader)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise PolicyError(f"{name} is neither YAML nor JSON in UTF-8 ({' '.join(str(error).split())[:200]}); correct it") from error
    if twice is not None:
        raise PolicyError(
            f"{name} has the key {twice[0]} twice in one mapping, on lines {twice[1]} and {twice[2]}; keep the one that is meant"
        )
    return loaded


def _texts(value: t.Any) -> t.Any:
    """The same with every scalar as a text."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return None if value is None else str(value)


def _read(node: Node, directory: str, now: dt.datetime, *, excuse: bool) -> Event:
    required, optional = ["serials", "time", "persons"], ["place", "photos", "evidence"]
    for key, always in (("to", not excuse), ("reason", excuse)):
        (required if always else optional).append(key)
    members = node.mapping(required=required, optional=[*optional, *(["custody"] if not excuse else [])])
    if excuse and "to" in members:
        members.pop("to").problem("is a state, and a reason moves nothing; leave the key out, or record it as an event")

    for key in {"place", "reason"} & members.keys():
        # A person's name may stand in what is no text.
        members[key].private = not isinstance(members[key].value, str)

    def text(key: str, allowed: t.Collection[str] = ()) -> str:
        if key not in members:
            return ""
        found = members[key].text(allowed=allowed)
        if len(found) > _LONGEST or not found.isprintable():
            members[key].problem(f"is longer than {_LONGEST} characters or not one line; shorten it")
        return found

    event = Event(
        data=b"",
        to=text("to", STATES),
        serials=_serials(members.get("serials")),
        time=_time(members.get("time"), now),
        persons=dict.fromkeys(_persons(members.get("persons")), ""),
        place=text("place"),
        custody=text("custody", CUSTODY),
        reason=text("reason"),
        photos=_attached(members.get("photos"), directory),
        evidence=_attached(members.get("evidence"), directory),
    )
    _require_custody(node, event, excuse)
    return event


def _require_custody(node: Node, event: Event, excuse: bool) -> None:
    """What an event of custody has to tell, and no other may."""
    if event.to == "in_custody":
        for key, allowed in (("custody", f"one of {', '.join(CUSTODY)}"), ("place", "where it was")):
            if not getattr(event, key):
                node.problems.append(f"{key}: an event of custody needs it; write {allowed}")
    elif event.custody:
        node.problems.append(f"custody: {event.custody} goes with the state in_custody only; leave it out, or correct the state")
    if (excuse or event.to == "in_custody") and len(event.persons) != 2:
        node.problems.append(f"persons: {len(event.persons)} different persons are named, and two have to sign; name both")


def _serials(node: Node | None) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for item in node.elements(at_least=1) if node else []:
        serial = item.text()
        if serial_key(serial) in found:
            item.problem("stands there twice; name each medium once")
        found.setdefault(serial_key(serial), serial)
    return tuple(found.values())


def _persons(node: Node | None) -> list[str]:
    found: dict[str, str] = {}
    for item in node.elements(at_least=1) if node else []:
        item.private = not isinstance(item.value, str)
        person = item.text()
        if person.casefold() in found:
            item.problem("is the same person twice; name two different persons")
        found.setdefault(person.casefold(), person)
    return list(found.values())


def _time(node: Node | None, now: dt.datetime) -> str:
    if node is None:
        return ""
    if not is_time(node.value):
        node.problem("is not a time of the form 2026-11-23T22:00:00Z")
        return ""
    moment = parse_time(node.value)
    if moment > now + CLOCK_TOLERANCE:
        node.problem(f"is in the future, as it is {time_text(now)} here; correct the time, or the clock")
    return time_text(moment)


def _attached(node: Node | None, directory: str) -> tuple[str, ...]:
    """The digests of files that are there and have them."""
    found = []
    for item in node.elements() if node else []:
        members = item.mapping(required=["file", "digest"])
        if len(members) < 2:
            continue
        told = members["digest"].text(pattern="sha256:[0-9a-f]{64}", form="a digest of the form sha256:<64 hexadecimal digits>")
        path = os.path.join(directory, members["file"].text())
        try:
            with open(path, "rb") as file:
                seen = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            members["file"].problem(f"cannot be read as {path} ({error.strerror}); put the file there, or correct its name")
            continue
        if told and seen != told:
            members["digest"].problem(f"is not the digest of {path}, which is {seen}; find out which of the two was changed")
        found.append(told)
    return tuple(found)


def _signed(event: Event, path: str, name: str, allowed_signers: str, now: dt.datetime, trainings: Trainings | None) -> Event:
    """The event with the keys that signed it.

    :raises EvidenceError: not both persons, and nobody else, have signed it.
    """
    found = read_signatures(path, os.path.dirname(path))
    problems = [*found.problems, *shared_lines(allowed_signers)]
    signatures = {item["principal"]: item["signature"] for item in found.signatures}
    base = os.path.basename(path)
    for person in event.persons:
        if person not in signatures:
            problems.append(f"{person} has not signed it; {signature_name(base, person)} is missing (ssh-keygen -Y sign -n {NAMESPACE})")
    for principal in sorted(signatures.keys() - event.persons.keys()):
        problems.append(
            f"{principal} has signed it and is not named in it; take {signature_name(base, principal)} away, or name who was there"
        )
    keys: dict[str, str] = {}
    training: dict[str, list[dict[str, str]]] = {}
    for person in filter(signatures.__contains__, event.persons):
        signature = signatures[person].encode("utf-8", "surrogateescape")
        try:
            keys[person] = verify(
                event.data, signature, allowed_signers=allowed_signers, principal=person, namespace=NAMESPACE, at=now
            ).fingerprint
            if trainings is not None:
                training[person] = trainings.counted(person, _ROLES, (parse_time(event.time), now), key=keys[person])
        except (EvidenceError, RefusedError) as error:
            problems.append(error.message)
            continue
        for other in event.persons:
            if other != person and is_also(event.data, signature, other, allowed_signers=allowed_signers, now=now, namespace=NAMESPACE):
                problems.append(
                    f"the key {keys[person]} that signed for {person} is also {other}'s, so they may be one person; use keys of their own"
                )
    if problems:
        raise EvidenceError(
            f"{name} is not signed as it has to be, nothing was done: {'; '.join(problems)}", details={"problems": problems}
        )
    persons = {person: keys[person] for person in event.persons}
    return dataclasses.replace(event, persons=persons, signatures=signatures, training=training)
