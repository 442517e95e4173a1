# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sanitize one medium by its own firmware: choose, guard, intent, act, outcome, in a journal of its own for each technique that is tried."""

from __future__ import annotations

import dataclasses
import os
import re
import time
import typing as t

from .._erasure.canary import Canaries, parse_canaries
from .._erasure.looking import Look
from .._erasure.pace import set_io_priority
from .._erasure.sanitize import Course, Earlier, sanitize_medium
from .._erasure.sanitized import SanitizeResult
from .._erasure.schemes import LEVELS, STANDARD, satisfies
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest, digest_of
from .._evidence.journal import Journal, JournalState
from .._executor import Executor
from .._jobs.lock import host_lock
from .._media.cartridge import Cartridge
from .._media.choosing import AUTO, TECHNIQUES, choose, firmware_of, reaches_all_namespaces
from .._media.firmware import Status
from .._media.guards import gather_use, require_free
from .._media.identity import Device, find_device, given_identity, list_devices, namespaces_of
from .._media.medium import look_at_abilities
from .._media.nvme_erase import count_namespaces, formats_all
from .approved import journal_path
from .asleft import as_left, left_as
from .holding import refuse_holds
from .result import envelope, latest_run, opening_of, run_id
from .state import StateDir
from .subject import Subject, bearer_of, find_again, find_subject, fresh_canaries, require_sense, require_unused, whole_subject

__all__ = ["sanitize_of"]

_LEAST_CANARIES = 64


class _Task(t.NamedTuple):
    """One technique on one medium.

    :ivar device: that was named; C(reached) all that the technique reaches, it among them.
    :ivar reachable: the level that the technique reaches, by the words of C(standard).
    """

    device: Subject
    reached: tuple[Subject, ...]
    technique: str
    required: str
    reachable: str
    standard: str = STANDARD

    @property
    def method(self) -> dict[str, str]:
        return {"technique": self.technique, "level": self.required}

    @property
    def subject(self) -> dict[str, t.Any]:
        """What names the medium. Not its size: a device that is busy with a sanitize may show none."""
        return {"facts": {key: list(values) for key, values in sorted(self.device.facts.items())}}

    @property
    def set(self) -> str:
        return digest_of({"device": self.subject})

    @property
    def name(self) -> str:
        return digest_of({"kind": "sanitize", "subject": self.subject, "technique": self.technique})

    def told(self) -> dict[str, t.Any]:
        """What each record of it repeats."""
        return {"set": self.set, "class": None, "rule": "device", "bytes": sum(each.size for each in self.reached), "members": 1}


def sanitize_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(sanitize).

    :raises DisposalError: refused before anything was changed, or not destroyed; C(details) tells how far it got.
    """
    _require_sense(params)
    refuse_holds(state := StateDir(params["state_dir"], executor), params["holds"])
    require_sense(identity := given_identity(params["device"]), params)
    # Its size is compared where something is begun; one that is busy with what was begun before may show none.
    device = find_subject(identity)
    pending = _interrupted(state, device, params)
    if pending:
        technique, number = pending
        tasks = [(_Task(device, (), technique, params["level"], LEVELS[0]), number)]
    else:
        tasks = _fresh(state, whole_subject(device, executor, params, check_mode=check_mode), params)
        for task, number in tasks:
            record = as_left(journal_path(state.path, run_id(task.name, number)), task.reached) if number >= 0 else None
            if record is not None and satisfies(record["level"]["achieved"], task.required):
                told = {name: record["proof"][name] for name in ("transition", "canaries", "limits")}
                return {**_result(task, number, latest_run(state.path, task.name)[1], None, 0.0), **told, "changed": False}
        for each in tasks[0][0].reached:
            if isinstance(each, Device) and each != tasks[0][0].device:
                require_free(gather_use(each), on_unseen=params["on_unseen"])
        tasks = [(task, number + 1) for task, number in tasks]
    if check_mode:
        return {**_result(*tasks[0], None, None, 0.0), "changed": True}
    set_io_priority(params["io_priority"])
    return _tried(state, tasks, params)


def _require_sense(params: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: an option that makes no sense."""
    for name, least, most in (("canaries", _LEAST_CANARIES, 1 << 20), ("passes", 1, 15), ("poll", 1, 3600), ("sample_share", 1, 100)):
        if not least <= params[name] <= most:
            raise RefusedError(f"{name} is {params[name]}, not from {least} to {most}, so nothing was done; correct it")
    if not re.fullmatch("[0-9a-fA-F]{8}", params["pattern"]):
        raise RefusedError(f"the pattern {params['pattern']!r} is not 4 bytes in hexadecimal, so nothing was done; correct it")
    if params["timeout"] is not None and params["timeout"] < 1:
        raise RefusedError(f"timeout is {params['timeout']}, which is no time, so nothing was done; give seconds, or leave it out")
    unknown = [name for name in (params["technique"], *params["fallback"]) if name not in (AUTO, *TECHNIQUES)]
    if unknown or AUTO in params["fallback"]:
        named = unknown[0] if unknown else f"{AUTO} as a fallback"
        raise RefusedError(f"the technique {named} is not known, so nothing was done; give one of {', '.join(TECHNIQUES)}")


def _interrupted(state: StateDir, device: Subject, params: t.Mapping[str, t.Any]) -> tuple[str, int] | None:
    """The technique and the number of a run over this medium that has not come to its outcome.

    :raises RefusedError: there is one, and it is not to be gone on with, or another technique was asked for.
    """
    for technique in TECHNIQUES:
        task = _Task(device, (), technique, "", "")
        number, last = latest_run(state.path, task.name)
        if last is None or last.outcome_of(task.set) is not None or task.set not in last.pending:
            continue
        if not params["resume"]:
            raise RefusedError(
                "an earlier run over this device was interrupted, so nothing was done; give resume: true to have it watched to its end"
            )
        if params["technique"] not in (AUTO, technique):
            raise RefusedError(
                f"an earlier run with {technique} over this device was interrupted, so nothing was done with {params['technique']}; "
                f"have it brought to its end first, with technique: {technique}"
            )
        required = last.pending[task.set].intents[0]["method"]["level"]
        if LEVELS.index(required) < LEVELS.index(params["level"]):
            raise RefusedError(
                f"an earlier run over this device, for the level {required}, was interrupted, so nothing was done for {params['level']}; "
                f"have it brought to its end first, with level: {required}"
            )
        return technique, number
    return None


def _fresh(state: StateDir, device: Subject, params: t.Mapping[str, t.Any]) -> list[tuple[_Task, int]]:
    """The techniques to try, each with what it reaches and the number of its last run.

    :raises RefusedError: nothing fits, or more would be reached than was named.
    """
    require_unused(device, params["on_unseen"])
    found = {ability.technique: ability for ability in look_at_abilities(device, overrides=params["levels"])}
    techniques = choose(found.values(), params["technique"], params["level"], params["fallback"], name=device.name)
    tasks = []
    for technique in techniques:
        reached = _reached(device, technique, all_namespaces=params["all_namespaces"])
        task = _Task(device, reached, technique, params["level"], found[technique].level, found[technique].standard)
        tasks.append((task, latest_run(state.path, task.name)[0]))
    return tasks


def _reached(device: Subject, technique: str, *, all_namespaces: bool) -> tuple[Subject, ...]:
    if isinstance(device, Cartridge):
        return (device,)
    if not reaches_all_namespaces(technique) and not (technique.startswith("nvme_format") and formats_all(device)):
        return (device,)
    others = [each if each.name != device.name else device for each in namespaces_of(device, list_devices())]
    count = count_namespaces(device)
    if count != len(others):
        told = f"it has {count}, and this host sees {len(others)}" if isinstance(count, int) else f"how many it has cannot be read: {count}"
        raise RefusedError(
            f"{technique} would reach all namespaces of the drive of {device.name} ({told}), so nothing was done; attach or delete the others, "
            "or name a technique for one namespace"
        )
    if len(others) > 1 and not all_namespaces:
        raise RefusedError(
            f"{technique} would reach all {len(others)} namespaces of the drive ({', '.join(each.name for each in others)}), and only {device.name} "
            "is named, so nothing was done; give all_namespaces: true if all are meant, or a technique for one namespace"
        )
    return tuple(_asked(each) for each in others)


def _asked(device: Device) -> Device:
    """The device with an identity by which it is found again."""
    if device.asked:
        return device
    wwn = device.facts.get("wwn", ())
    if not wwn:
        raise RefusedError(
            f"the namespace {device.name} of the same drive has no identity of its own, so it could not be found again and nothing was done; "
            "delete that namespace, or destroy the drive physically"
        )
    return find_device({"wwn": wwn[0]})


def _tried(state: StateDir, tasks: t.Sequence[tuple[_Task, int]], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Carry out the first technique, and the next one only where the one before it has failed and nothing is running any more."""
    failed: list[str] = []
    for place, (task, number) in enumerate(tasks):
        try:
            done, result = _carried(state, task, number, params)
        except DisposalError as error:
            error.details.setdefault("tried", failed)
            raise
        result["tried"] = failed
        if done.outcome == "destroyed":
            return result
        failed.append(f"{task.technique}: {done.reason}")
        if done.running or place + 1 == len(tasks):
            raise DisposalError(_sentence(task, done), details=result)
    raise RuntimeError("there was nothing to try")


def _sentence(task: _Task, done: SanitizeResult) -> str:
    if done.running:
        return f"{task.device.name} is not known to be destroyed: {done.reason or 'it may still be running'}; nothing else was begun there"
    said = "was not destroyed" if done.outcome == "not_destroyed" else "is not known to be destroyed"
    return f"{task.device.name} {said} by {task.technique}: {done.reason}; look at the medium, name another technique, or destroy it physically"


def _carried(state: StateDir, task: _Task, number: int, params: t.Mapping[str, t.Any]) -> tuple[SanitizeResult, dict[str, t.Any]]:
    run = run_id(task.name, number)
    state.make(os.path.join("runs", run))
    started = time.monotonic()
    with (
        host_lock(state.path, state.executor, purpose=f"sanitize {run}", name=f"lock-{task.set.partition(':')[2][:16]}"),
        Journal.open(journal_path(state.path, run), executor=state.executor) as journal,
    ):
        known = journal.state.pending.get(task.set)
        if not known or not _issued(journal.state, task):
            # Once more, since one may have been placed meanwhile; what the device has begun no hold can stop.
            refuse_holds(state, params["holds"])
        journal.begin(opening_of(run, task.set))
        task = _announced(state, task, journal, run, params) if known is None else _taken_up(task, known.intents[-1])
        intent = journal.state.pending[task.set].intents[-1]
        told = [each["canaries"] for each in intent["reached"]]
        bearers = [bearer_of(each, _canaries(_canary_path(state, run, place), told[place])) for place, each in enumerate(task.reached)]

        def note(step: str, told: t.Mapping[str, t.Any]) -> None:
            journal.append("step", set=task.set, step=step, told=dict(told))
            journal.sync()

        try:
            firmware = firmware_of(task.technique, task.device, passes=params["passes"], pattern=int(params["pattern"], 16))
            earlier = _earlier(known.steps if known else [])
            done = sanitize_medium(state.executor, firmware, bearers, _course(params), note=note, earlier=earlier)
        except DisposalError as error:
            if not _issued(journal.state, task):
                _ended(task, journal, "not_destroyed", [error.message], None)
            error.details.update(_result(task, number, journal.state, None, time.monotonic() - started))
            raise
        if not done.running:
            _ended(task, journal, done.outcome, [done.reason] if done.reason else [], _proof(task, done))
        result = _result(task, number, journal.state, done, time.monotonic() - started)
        result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    return done, {**result, "changed": True}


def _announced(state: StateDir, task: _Task, journal: Journal, run: str, params: t.Mapping[str, t.Any]) -> _Task:
    """The intent, and what its canaries are made of, on stable storage."""
    reached = []
    for place, device in enumerate(task.reached):
        document = fresh_canaries(device, params["canaries"]).document()
        state.executor.replace_file(_canary_path(state, run, place), [document])
        # Other canaries than those that were laid would be gone from any medium.
        reached.append({"asked": dict(device.asked), "identity": device.identity, "canaries": digest(document)})
    nothing: dict[str, t.Any] = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
    journal.append("intent", **task.told(), method=task.method, reached=reached, level=task.reachable, standard=task.standard, **nothing)
    journal.sync()
    return task


def _taken_up(task: _Task, intent: t.Mapping[str, t.Any]) -> _Task:
    """The task as it was announced by the run that was interrupted."""
    reached = []
    for each in intent["reached"]:
        reached.append(dataclasses.replace(find_subject(each["asked"]), size=each["identity"]["size"]))
    return task._replace(reached=tuple(reached), required=intent["method"]["level"], reachable=intent["level"], standard=intent["standard"])


def _canary_path(state: StateDir, run: str, place: int) -> str:
    return os.path.join(state.path, "runs", run, f"canaries-{place}.json")


def _canaries(path: str, told: str) -> Canaries:
    """:arg told: digest of the document, as the intent has it."""
    problem = "they are not those that were laid"
    document = b""
    try:
        with open(path, "rb") as handle:
            document = handle.read()
    except OSError as error:
        problem = f"they cannot be read: {error.strerror}"
    if digest(document) != told:
        raise RefusedError(
            f"the canaries {path} of the interrupted run are of no use ({problem}), so nothing could be proven; restore the file, "
            f"or move {os.path.dirname(path)} aside to begin anew once the device is idle"
        )
    return parse_canaries(document)


def _issued(state: JournalState, task: _Task) -> bool:
    pending = state.pending.get(task.set)
    return pending is not None and any(step["step"] == "issuing" for step in pending.steps)


def _earlier(steps: t.Sequence[t.Mapping[str, t.Any]]) -> Earlier:
    """What an interrupted run had come to."""
    before: Status | None = None
    laid: int | None = None
    accepted: bool | None = None
    seen: list[Status] = []
    issued = False
    for step in steps:
        told = step["told"]
        if step["step"] == "before":
            before, laid, seen, issued, accepted = Status.of(told["status"]), told["laid"], [], False, None
        elif step["step"] == "issuing":
            issued, accepted = True, None
        elif step["step"] in ("accepted", "refused"):
            # Of several commands only the last one's answer tells that the technique was begun.
            accepted = None if told.get("more") else step["step"] == "accepted"
        if step["step"] != "before" and "status" in told:
            seen.append(Status.of(told["status"]))
    return Earlier(before, tuple(seen), laid, issued, accepted)


def _course(params: t.Mapping[str, t.Any]) -> Course:
    every = {"canaries": 0, "sample": 100 // params["sample_share"], "all": 1}[params["verify"]]
    return Course(
        poll=float(params["poll"]),
        timeout=params["timeout"],
        on_unseen=params["on_unseen"],
        look=Look(every=every, seed=os.urandom(16).hex()),
    )


def _proof(task: _Task, done: SanitizeResult) -> dict[str, t.Any]:
    left = [left_as(find_again(device)) for device in task.reached] if done.outcome == "destroyed" else []
    return {
        "transition": done.transition,
        "canaries": dict(done.canaries),
        "read": dict(done.read),
        "limits": list(done.limits),
        "identity": [device.identity for device in task.reached],
        "left": left,
    }


def _ended(task: _Task, journal: Journal, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
    journal.append(
        "outcome",
        **task.told(),
        outcome=outcome,
        level={"required": task.required, "achieved": task.reachable if outcome == "destroyed" else LEVELS[0], "standard": task.standard},
        technique=task.technique,
        scheme=None,
        reason=reasons,
        proof=proof,
    )
    journal.end()


def _result(task: _Task, number: int, journal: JournalState | None, done: SanitizeResult | None, seconds: float) -> dict[str, t.Any]:
    """What every way out returns, filled as far as it got."""
    names = [device.name for device in task.reached] or [task.device.name]
    about = {"run": run_id(task.name, number), "method": task.method, "device": task.subject}
    result = envelope(journal, required=task.required, reachable=task.reachable, due=1, **about)
    result["level"]["standard"] = task.standard
    if done is not None and done.running:
        result["outcome"] = "unknown"
    result.update(
        technique=task.technique,
        reached=names,
        seconds=round(seconds, 3),
        running=done.running if done else False,
        transition=done.transition if done else "",
        canaries=dict(done.canaries) if done else {"laid": 0, "left": 0, "unread": 0},
        limits=list(done.limits) if done else [],
        reason=done.reason if done else None,
    )
    return result
