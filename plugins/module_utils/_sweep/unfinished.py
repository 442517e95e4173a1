# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What journals tell of sanitizes that were cut off or failed: to be watched, given up, or begun anew with the canaries that lie there."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._erasure.canary import Canaries, parse_canaries
from .._erasure.sanitize import Earlier
from .._erasure.schemes import LEVELS
from .._errors import RefusedError
from .._evidence.canonical import digest
from .._evidence.chain import Record
from .._evidence.journal import read_journal
from .._media.choosing import AUTO, TECHNIQUES
from .._media.firmware import Status
from .._media.identity import same_medium
from .approved import journal_path
from .asked import Task
from .result import latest_run, run_id
from .state import StateDir
from .subject import Subject, find_subject

__all__ = ["Interrupted", "Laid", "canary_path", "earlier_of", "interrupted", "issued", "kept_canaries", "laid_before", "taken_up"]


class Interrupted(t.NamedTuple):
    """A run that has not come to its outcome.

    :ivar task: as it was announced; C(number) of the run.
    """

    task: Task
    number: int
    intent: Record
    steps: list[Record]

    @property
    def issued(self) -> bool:
        """The command was sent, or was about to be."""
        return issued(self.steps)


class Laid(t.NamedTuple):
    """Canaries that a run had laid which ended without having destroyed.

    :ivar documents: one for each device that it reached, in its order, as C(identities) tells them; C(laid) canaries in all.
    :ivar after: what the device said at last; C(destroyed) where that run had destroyed, so that nothing of it is left.
    """

    technique: str
    documents: list[bytes]
    identities: list[t.Any]
    laid: int
    after: Status
    time: str

    def of(self, devices: t.Sequence[Subject]) -> list[bytes]:
        """The documents in the order of these devices; empty where one of them bears none."""
        pairs = list(zip(self.identities, self.documents))
        found = [next((kept for identity, kept in pairs if same_medium(identity, each.identity)), b"") for each in devices]
        return found if all(found) else []


def issued(steps: t.Sequence[Record]) -> bool:
    return any(step["step"] == "issuing" for step in steps)


def canary_path(state: StateDir, run: str, place: int) -> str:
    return os.path.join(state.path, "runs", run, f"canaries-{place}.json")


def interrupted(state: StateDir, device: Subject, params: t.Mapping[str, t.Any]) -> Interrupted | None:
    """The run over this medium that has not come to its outcome.

    :raises RefusedError: there is one, and it is not to be gone on with, or something else was asked for than what it has begun.
    """
    for technique in TECHNIQUES:
        task = Task(device, (), technique, params["level"], LEVELS[0])
        number, last = latest_run(state.path, task.name)
        if last is None or last.outcome_of(task.set) is not None or task.set not in last.pending:
            continue
        if not params["resume"]:
            raise RefusedError(
                "an earlier run over this device was interrupted, so nothing was done; give resume: true to have it watched to its end"
            )
        found = Interrupted(task, number, last.pending[task.set].intents[-1], last.pending[task.set].steps)
        if found.issued:
            _require_same(found, params)
        return found
    return None


def _require_same(found: Interrupted, params: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: another technique or a higher level is asked for than what was begun."""
    technique, required = found.task.technique, found.intent["method"]["level"]
    if params["technique"] not in (AUTO, technique):
        raise RefusedError(
            f"an earlier run with {technique} over this device was interrupted, so nothing was done with {params['technique']}; "
            f"have it brought to its end first, with technique: {technique}"
        )
    if LEVELS.index(required) < LEVELS.index(params["level"]):
        raise RefusedError(
            f"an earlier run over this device, for the level {required}, was interrupted, so nothing was done for {params['level']}; "
            f"have it brought to its end first, with level: {required}"
        )


def taken_up(found: Interrupted) -> Task:
    """The task as it was announced by the run that was interrupted."""
    intent = found.intent
    reached = (dataclasses.replace(find_subject(each["asked"]), size=each["identity"]["size"]) for each in intent["reached"])
    return found.task._replace(
        reached=tuple(reached), required=intent["method"]["level"], reachable=intent["level"], standard=intent["standard"]
    )


def kept_canaries(state: StateDir, run: str, intent: Record) -> list[Canaries]:
    """Those of a run, in the order of what it reached.

    :raises RefusedError: they are not those that its intent tells of.
    """
    found = []
    for place, each in enumerate(intent["reached"]):
        path, document, problem = canary_path(state, run, place), b"", "they are not those that were laid"
        try:
            with open(path, "rb") as handle:
                document = handle.read()
        except OSError as error:
            problem = f"they cannot be read: {error.strerror}"
        if digest(document) != each["canaries"]:
            raise RefusedError(
                f"the canaries {path} of the interrupted run are of no use ({problem}), so nothing could be proven; restore the file, "
                f"or move {os.path.dirname(path)} aside to begin anew once the device is idle"
            )
        found.append(parse_canaries(document))
    return found


def laid_before(state: StateDir, device: Subject) -> Laid | None:
    """What the last run over this medium had laid, where its command was issued and did not destroy."""
    found: list[Laid] = []
    for technique in TECHNIQUES:
        number, last = latest_run(state.path, Task(device, (), technique, "", "").name)
        if last is not None:
            laid = _laid(state, run_id(Task(device, (), technique, "", "").name, number), technique)
            found.extend([laid] if laid else [])
    latest = max(found, key=lambda each: each.time, default=None)
    return latest if latest and latest.after.state != "destroyed" else None


def _laid(state: StateDir, run: str, technique: str) -> Laid | None:
    intent: Record | None = None
    steps: list[Record] = []
    outcome: Record | None = None
    for record in read_journal(journal_path(state.path, run), allow_torn=True):
        if record["type"] == "intent":
            intent, steps = record, []
        elif record["type"] == "step":
            steps.append(record)
        elif record["type"] == "outcome":
            outcome = record
    if intent is None or not issued(steps):
        return None
    if outcome is not None and outcome["outcome"] == "destroyed":
        return Laid(technique, [], [], 0, Status("destroyed"), outcome["time"])
    earlier = earlier_of(steps)
    after = earlier.seen[-1] if earlier.seen else Status("unknown")
    try:
        documents = [canaries.document() for canaries in kept_canaries(state, run, intent)]
    except RefusedError:
        return Laid(technique, [], [], 0, after, steps[-1]["time"])
    return Laid(technique, documents, [each["identity"] for each in intent["reached"]], earlier.laid or 0, after, steps[-1]["time"])


def earlier_of(steps: t.Sequence[t.Mapping[str, t.Any]]) -> Earlier:
    """What an interrupted run had come to."""
    before: Status | None = None
    laid: int | None = None
    accepted: bool | None = None
    seen: list[Status] = []
    begun = False
    for step in steps:
        told = step["told"]
        if step["step"] == "before":
            before, laid, seen, begun, accepted = Status.of(told["status"]), told["laid"], [], False, None
        elif step["step"] == "issuing":
            begun, accepted = True, None
        elif step["step"] in ("accepted", "refused"):
            # Of several commands only the last one's answer tells that the technique was begun.
            accepted = None if told.get("more") else step["step"] == "accepted"
        if step["step"] != "before" and "status" in told:
            seen.append(Status.of(told["status"]))
    return Earlier(before, tuple(seen), laid, begun, accepted)
