# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sanitize one medium by its own firmware: choose, guard, intent, act, outcome, in a journal of its own for each technique that is tried."""

from __future__ import annotations

import os
import re
import time
import typing as t

from .._erasure.asleft import left_as
from .._erasure.looking import Look
from .._erasure.pace import set_io_priority
from .._erasure.sanitize import Course, Earlier, counts_already, require_idle, sanitize_medium
from .._erasure.sanitized import SanitizeResult
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest
from .._evidence.journal import Journal
from .._executor import Executor
from .._jobs.lock import host_lock
from .._media.choosing import AUTO, TECHNIQUES, firmware_of
from .._media.firmware import Firmware
from .._media.guards import gather_use, require_free
from .._media.identity import Device, given_identity
from .approved import journal_path
from .asked import Task, recheck
from .holding import refuse_holds
from .result import Method, conclude, latest_run, opening_of, run_id
from .sanitized import nothing_of, result_of
from .selecting import Selected, select, still_destroyed
from .state import StateDir
from .subject import bearer_of, find_again, find_subject, fresh_canaries, require_sense, whole_subject
from .unfinished import Interrupted, Laid, canary_path, earlier_of, interrupted, issued, kept_canaries, laid_before, taken_up

__all__ = ["LEAST_CANARIES", "sanitize_of"]

LEAST_CANARIES = 64
# In these states a device may not let canaries be laid anew.
_SHUT = ("failed", "armed", "locked")


def sanitize_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(sanitize).

    :raises DisposalError: refused before anything was changed, or not destroyed; C(details) tells how far it got.
    """
    try:
        return _sanitize(params, executor, check_mode=check_mode)
    except DisposalError as error:
        error.details = {**nothing_of(params, error.message), **error.details}
        raise


def _sanitize(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    _require_sense(params)
    refuse_holds(state := StateDir(params["state_dir"], executor), params["holds"])
    require_sense(identity := given_identity(params["device"]), params)
    # Its size is compared where something is begun; one that is busy with what was begun before may show none.
    device = find_subject(identity)
    pending = interrupted(state, device, params)
    if pending is not None and pending.issued:
        task = taken_up(pending)
        if _goes_on(state, pending, task, params, None if check_mode else executor):
            if check_mode:
                return {**result_of(task, pending.number, None, None, 0.0), "changed": True}
            set_io_priority(params["io_priority"])
            return _tried(state, [(task, pending.number)], params, watch=True)
    # Nothing was begun, or it must be begun anew: then nothing that was looked at before counts any more.
    chosen = select(state, whole_subject(device, executor, params, check_mode=check_mode), params)
    for task, number in chosen.tasks:
        found = still_destroyed(state, task, number, params, _look(params)) if number >= 0 and pending is None else None
        if found is not None:
            return {**result_of(task, number, latest_run(state.path, task.name)[1], None, 0.0), **found, "changed": False}
    _require_ready(chosen, params)
    if check_mode:
        return {**result_of(*_next(chosen)[0], None, None, 0.0), "changed": True, "warnings": chosen.warnings}
    set_io_priority(params["io_priority"])
    if pending is not None:
        _given_up(state, pending)
    try:
        return {**_tried(state, _next(chosen), params, watch=False), "warnings": chosen.warnings}
    except DisposalError as error:
        error.details["warnings"] = chosen.warnings
        raise


def _next(chosen: Selected) -> list[tuple[Task, int]]:
    return [(task, number + 1) for task, number in chosen.tasks]


def _require_sense(params: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: an option that makes no sense."""
    for name, least, most in (("canaries", LEAST_CANARIES, 1 << 20), ("passes", 1, 15), ("poll", 1, 3600), ("sample_share", 1, 100)):
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


def _goes_on(state: StateDir, pending: Interrupted, task: Task, params: t.Mapping[str, t.Any], executor: Executor | None) -> bool:
    """Whether what an interrupted run has begun goes on or has come to its end, so that it is only watched and judged."""
    run = run_id(task.name, pending.number)
    kept = kept_canaries(state, run, pending.intent)
    bearers = [bearer_of(device, canaries) for device, canaries in zip(task.reached, kept)]
    directory = os.path.join(state.path, "runs", run)
    return counts_already(executor, _firmware(task, params), bearers, earlier_of(pending.steps), directory=directory)


def _firmware(task: Task, params: t.Mapping[str, t.Any]) -> Firmware:
    return firmware_of(task.technique, task.device, passes=params["passes"], pattern=int(params["pattern"], 16))


def _require_ready(chosen: Selected, params: t.Mapping[str, t.Any]) -> None:
    """What speaks against the first technique, or against ever trying another one, before a byte is written; check mode asks it too.

    :raises RefusedError: telling what does.
    """
    first = chosen.tasks[0][0]
    for each in first.reached:
        if isinstance(each, Device) and each != first.device:
            require_free(gather_use(each), on_unseen=params["on_unseen"])
    for task, _number in chosen.tasks:
        firmware = _firmware(task, params)
        if params["timeout"] is not None and firmware.waits and not firmware.detaches:
            raise RefusedError(
                f"timeout is given, and nobody could find {task.technique} again that was left to itself, so nothing was done; leave timeout out"
            )
        if task is first:
            require_idle(firmware, ", ".join(first.names), ours=chosen.ours)


def _given_up(state: StateDir, pending: Interrupted) -> None:
    """Bring the journal of a run to its end whose command was never given, or must be given anew."""
    run = run_id(pending.task.name, pending.number)
    with _locked(state, pending.task, run), Journal.open(journal_path(state.path, run), executor=state.executor) as journal:
        if pending.task.set in journal.state.pending:
            journal.begin(opening_of(run, pending.task.set))
            told = (
                "was cut off, and what it had begun does not count" if pending.issued else "was cut off before it was begun on the device"
            )
            _ended(pending.task, journal, "not_destroyed", [f"it {told}; another run begins anew"], None)


def _locked(state: StateDir, task: Task, run: str) -> t.ContextManager[None]:
    return host_lock(state.path, state.executor, purpose=f"sanitize {run}", name=f"lock-{task.set.partition(':')[2][:16]}")


def _tried(state: StateDir, tasks: t.Sequence[tuple[Task, int]], params: t.Mapping[str, t.Any], *, watch: bool) -> dict[str, t.Any]:
    """Carry out the first technique, and the next one only where the one before it has failed and nothing is running any more."""
    failed: list[str] = []
    for place, (task, number) in enumerate(tasks):
        try:
            done, result = _carried(state, task, number, params, watch=watch)
        except DisposalError as error:
            error.details.setdefault("tried", list(failed))
            raise
        result["tried"] = list(failed)
        if done.outcome == "destroyed":
            return result
        failed.append(f"{task.technique}: {done.reason}")
        if done.running or place + 1 == len(tasks):
            raise DisposalError(_sentence(task, done), details=result)
    raise RuntimeError("there was nothing to try")


def _sentence(task: Task, done: SanitizeResult) -> str:
    if done.running:
        return f"{task.device.name} is not known to be destroyed: {done.reason or 'it may still be running'}; nothing else was begun there"
    said = "was not destroyed" if done.outcome == "not_destroyed" else "is not known to be destroyed"
    return f"{task.device.name} {said} by {task.technique}: {done.reason}; look at the medium, name another technique, or destroy it physically"


def _carried(
    state: StateDir, task: Task, number: int, params: t.Mapping[str, t.Any], *, watch: bool
) -> tuple[SanitizeResult, dict[str, t.Any]]:
    run = run_id(task.name, number)
    state.make(os.path.join("runs", run))
    started = time.monotonic()
    with _locked(state, task, run), Journal.open(journal_path(state.path, run), executor=state.executor) as journal:
        known = journal.state.pending.get(task.set)
        if watch != (known is not None):
            raise RefusedError(
                f"another process has changed the run {run} over {task.device.name} meanwhile, so nothing was done; look at its journal, run again"
            )
        if not watch:
            # Once more, since one may have been placed meanwhile; what the device has begun no hold can stop.
            refuse_holds(state, params["holds"])
        # Before this run has a journal of its own, which is the latest from then on.
        before = None if known else laid_before(state, task.device)
        journal.begin(opening_of(run, task.set))
        firmware = _firmware(task, params)
        earlier = earlier_of(known.steps) if known else _announced(state, task, journal, run, params, firmware, before)
        kept = kept_canaries(state, run, journal.state.pending[task.set].intents[-1])

        def note(step: str, told: t.Mapping[str, t.Any]) -> None:
            journal.append("step", set=task.set, step=step, told=dict(told))
            journal.sync()

        try:
            done = sanitize_medium(
                state.executor,
                firmware,
                [bearer_of(each, canaries) for each, canaries in zip(task.reached, kept)],
                _course(params, os.path.join(state.path, "runs", run)),
                note=note,
                earlier=earlier,
                recheck=lambda: recheck(task),
            )
        except DisposalError as error:
            begun = issued(journal.state.pending[task.set].steps)
            if not begun:
                _ended(task, journal, "not_destroyed", [error.message], None)
            error.details.update(result_of(task, number, journal.state, None, time.monotonic() - started, unknown=begun))
            raise
        if not done.running:
            _ended(task, journal, done.outcome, [done.reason] if done.reason else [], _proof(task, done))
        result = result_of(task, number, journal.state, done, time.monotonic() - started, unknown=done.running)
        result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    return done, {**result, "changed": True}


def _announced(
    state: StateDir,
    task: Task,
    journal: Journal,
    run: str,
    params: t.Mapping[str, t.Any],
    firmware: Firmware,
    before: Laid | None,
) -> Earlier:
    """The intent, and what its canaries are made of, on stable storage; and what earlier runs leave to this one.

    Of a device that an earlier run has left so that nothing can be written to it, the canaries are those that lie there.

    :arg before: what the last run over it had laid.
    """
    now = firmware.look().state
    ours = before is not None and before.technique.startswith("ata_security")
    fits = before is not None and (before.after.state == "failed" if now == "failed" else ours)
    documents = before.of(task.reached) if before and fits and now in _SHUT else []
    reused = before.laid if before and documents else 0
    reached = []
    for place, device in enumerate(task.reached):
        document = documents[place] if documents else fresh_canaries(device, params["canaries"]).document()
        state.executor.replace_file(canary_path(state, run, place), [document])
        # Other canaries than those that were laid would be gone from any medium.
        reached.append({"asked": dict(device.asked), "identity": device.identity, "canaries": digest(document)})
    nothing: dict[str, t.Any] = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
    journal.append("intent", **task.told(), method=task.method, reached=reached, level=task.reachable, standard=task.standard, **nothing)
    journal.sync()
    return Earlier(reused=reused, ours=ours)


def _look(params: t.Mapping[str, t.Any]) -> Look:
    every = {"canaries": 0, "sample": 100 // params["sample_share"], "all": 1}[params["verify"]]
    return Look(every=every, seed=os.urandom(16).hex())


def _course(params: t.Mapping[str, t.Any], directory: str) -> Course:
    return Course(
        poll=float(params["poll"]), timeout=params["timeout"], on_unseen=params["on_unseen"], look=_look(params), directory=directory
    )


def _proof(task: Task, done: SanitizeResult) -> dict[str, t.Any]:
    left = [left_as(find_again(device)) for device in task.reached] if done.outcome == "destroyed" else []
    return {
        "transition": done.transition,
        "canaries": dict(done.canaries),
        "media_verification": dict(done.verification),
        "read": dict(done.read),
        "limits": list(done.limits),
        "identity": [device.identity for device in task.reached],
        "fresh": done.fresh,
        "left": left,
    }


def _ended(task: Task, journal: Journal, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
    conclude(journal, task.told(), Method(task.technique, task.required, task.reachable, task.standard), outcome, reasons, proof)
