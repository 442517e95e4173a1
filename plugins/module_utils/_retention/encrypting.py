# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recording sets are to be encrypted, and with which key: by the policy's classes, whatever holds there are."""

from __future__ import annotations

import collections
import typing as t

from .._evidence.canonical import canonical
from .._recordings.calendar import rfc3339
from .._recordings.layouts import ENCRYPTED
from .._recordings.sets import Member, RecordingSet
from .._recordings.source import require_sets
from .encryption import period_of
from .planner import Place, Planner
from .rows import FORMAT
from .verdict import Decision

__all__ = ["RULE", "Found", "Key", "find_plain"]

RULE = "encryption:"
_LEFT = ("in_progress", "unclassified", "conflict")
_SAMPLES = 3

Key = tuple[str, str]
"""A class and a period."""


class Found:
    """What a walk found, in sets, and a few of them by id.

    :ivar left: sets that are left alone, by why.
    :ivar missing: those that would be encrypted if there were a recipient for their class and period.
    :ivar beside: those beside whose plaintext stands an encrypted copy that no run of this host explains.
    :ivar due: to be encrypted, by class and period: sets, files, bytes.
    """

    def __init__(self) -> None:
        self.encrypted = 0
        self.left: collections.Counter[str] = collections.Counter()
        self.missing: dict[Key, tuple[int, list[str]]] = {}
        self.beside: tuple[int, list[str]] = (0, [])
        self.due: dict[Key, list[int]] = {}

    def take_missing(self, key: Key, identifier: str) -> None:
        count, samples = self.missing.get(key, (0, []))
        self.missing[key] = (count + 1, [*samples, identifier][:_SAMPLES])

    def take_beside(self, identifier: str) -> None:
        count, samples = self.beside
        self.beside = (count + 1, [*samples, identifier][:_SAMPLES])

    def take_due(self, key: Key, members: t.Sequence[Member]) -> None:
        sums = self.due.setdefault(key, [0, 0, 0])
        for index, more in enumerate((1, len(members), sum(member.size for member in members))):
            sums[index] += more


def find_plain(planner: Planner, recipients: t.Collection[Key], scheme: str, emit: t.Callable[[bytes], None]) -> Found:
    """Walk all sources; C(emit) gets a plan file of the sets that are to be encrypted.

    :arg recipients: the classes and periods that have one.
    :arg scheme: by which the plaintext is overwritten.
    :raises RefusedError: a root is missing, empty, unmounted, a link.
    """
    found = Found()
    emit(canonical({"format": FORMAT, "identifiers": planner.identifiers.kind, "sources": []}) + b"\n")
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for place in planner.places():
        resolver = planner.resolvers[place.source.name]
        for recording_set, directory_fd in resolver.walk(place.fd, "", {}):
            counts[place.source.name, place.root] += 1
            if place.base:
                # What is in quarantine is on its way out.
                continue
            decision = planner.decide(place, recording_set, directory_fd)
            if decision.verdict in _LEFT or decision.retention_class is None:
                found.left[decision.verdict] += 1
            elif decision.retention_class.encryption is None:
                found.left["class_without_encryption"] += 1
            else:
                _take(planner, place, recording_set, decision, recipients, scheme, found, emit)
    for source in planner.policy.sources:
        for root in source.roots:
            require_sets(source, root, counts[source.name, root])
    return found


def _take(
    planner: Planner,
    place: Place,
    recording_set: RecordingSet,
    decision: Decision,
    recipients: t.Collection[Key],
    scheme: str,
    found: Found,
    emit: t.Callable[[bytes], None],
) -> None:
    members = _plain_members(recording_set, planner.resolvers[place.source.name].sidecars(recording_set))
    if not members:
        found.encrypted += 1
        return
    retention_class = decision.retention_class
    if retention_class is None or retention_class.encryption is None or recording_set.start is None:
        raise RuntimeError("a set that is to be encrypted has no class with encryption, or no start")
    key = retention_class.name, period_of(retention_class.encryption, recording_set.start, planner.rules.calendar)
    identifier = planner.identifiers.of(place.source.name, place.path, recording_set.key)
    paths = {member.path for member in recording_set.members}
    if any(member.path + ENCRYPTED in paths for member in members):
        found.take_beside(identifier)
    elif key not in recipients:
        found.take_missing(key, identifier)
    else:
        found.take_due(key, members)
        emit(_row(identifier, place, members, decision, key, scheme))


def _plain_members(recording_set: RecordingSet, sidecars: t.Collection[str]) -> list[Member]:
    """The members that are to be encrypted: all but metadata, which planning reads, and what is encrypted already."""
    return [
        member
        for member in recording_set.members
        if member.role != "sidecar" and not member.path.endswith(ENCRYPTED) and member.path.rpartition("/")[2] not in sidecars
    ]


def _row(identifier: str, place: Place, members: t.Sequence[Member], decision: Decision, key: Key, scheme: str) -> bytes:
    row = {
        "set": identifier,
        "source": place.source.name,
        "root": place.path,
        "class": key[0],
        "rule": RULE + key[1],
        "start": rfc3339(decision.start),
        "keep_until": rfc3339(decision.keep_until),
        "destroy_by": rfc3339(decision.destroy_by),
        "members": [
            {"path": m.path, "dev": m.dev, "ino": m.ino, "size": m.size, "mtime_ns": m.mtime_ns, "nlink": m.nlink} for m in members
        ],
        "method": {"technique": "overwrite", "scheme": scheme, "level": "clear"},
        "reason": [],
        "verdict": "due",
    }
    return canonical(row) + b"\n"
