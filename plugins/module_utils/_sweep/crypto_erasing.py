# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy the key of one thing that is encrypted: preconditions, guards, intent, act, proof, outcome, in a journal of its own."""

from __future__ import annotations

import os
import time
import typing as t

from .._erasure.schemes import LEVELS, STANDARD, satisfies
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest_of
from .._evidence.journal import Journal, JournalState, read_journal
from .._executor import Executor
from .._jobs.lock import host_lock
from .._keys.erasable import KeyTarget, Steps
from .._keys.preconditions import Gone, Precondition, declared, demands_of, judge_keys, limits_of, refusal_of
from .._standards.techniques import techniques
from .approved import journal_path
from .holding import refuse_holds
from .key_targets import target_of
from .result import Method, conclude, envelope, latest_run, opening_of, run_id
from .state import StateDir

__all__ = ["crypto_erase_of"]

TECHNIQUE = "crypto_erase"


class _Task(t.NamedTuple):
    """One key's destruction.

    :ivar demands: what is demanded of each precondition.
    """

    target: KeyTarget
    required: str
    reachable: str
    standard: str
    demands: t.Mapping[str, str]

    @property
    def method(self) -> dict[str, str]:
        return {"technique": self.target.technique, "level": self.required}

    @property
    def set(self) -> str:
        return digest_of({"key": self.target.subject})

    @property
    def name(self) -> str:
        return digest_of({"kind": TECHNIQUE, "subject": self.target.subject})

    def told(self) -> dict[str, t.Any]:
        """What each record of it repeats."""
        return {"set": self.set, "class": None, "rule": self.target.kind, "bytes": self.target.size, "members": 1}


class _Seen(t.NamedTuple):
    """What was seen before the key was destroyed, as the intent keeps it.

    :ivar opened: how it was seen that the key opens it.
    """

    plan: dict[str, t.Any]
    preconditions: list[Precondition]
    opened: str

    @classmethod
    def of(cls, intent: t.Mapping[str, t.Any]) -> _Seen:
        return cls(intent["plan"], [Precondition.of(row) for row in intent["preconditions"]], intent["opened"])


def crypto_erase_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(crypto_erase).

    :raises DisposalError: refused before anything was changed, or not destroyed; C(details) tells how far it got.
    """
    demands = demands_of(params["preconditions"])
    refuse_holds(state := StateDir(params["state_dir"], executor), params["holds"])
    target = target_of(params, executor)
    task = _Task(target, params["level"], LEVELS[0], STANDARD, demands)
    number, last = latest_run(state.path, task.name)
    pending = last.pending.get(task.set) if last is not None else None
    if pending is not None:
        if not params["resume"]:
            raise RefusedError(
                "an earlier run over this key was interrupted, so nothing was done; give resume: true to have it brought to its end"
            )
        seen, steps = _Seen.of(pending.intents[-1]), _steps(pending.steps)
        target.run_directory = _directory(state, task, number)
        if target.goes_on(seen.plan, steps, None if check_mode else executor):
            target.take_up(seen.plan, steps)
            task = _reaching(task, params["levels"])
            if check_mode:
                return {**_result(task, number, last, seen, None, 0.0), "changed": True}
            return _carried(state, task, number, seen, params, resumed=True)
    # Nothing was begun, or it must be begun anew: then nothing that was looked at before counts any more.
    task = _reaching(task, params["levels"])
    earlier: _Seen | None = None
    if pending is None and last is not None and last.outcome_of(task.set) is not None:
        told = _still(state, task, number, last) if last.outcome_of(task.set) == "destroyed" else None
        if told is not None:
            return told
        earlier = _recalled(state, task, number)
    seen = _looked(task, params)
    if earlier is not None:
        seen = seen._replace(opened=earlier.opened)
    if check_mode:
        return {**_result(task, number + 1, None, seen, None, 0.0), "changed": True}
    if pending is not None:
        _given_up(state, task, number, pending.intents[-1]["method"]["technique"])
    return _carried(state, task, number + 1, seen, params, resumed=False)


def _directory(state: StateDir, task: _Task, number: int) -> str:
    return os.path.join(state.path, "runs", run_id(task.name, number))


def _locked(state: StateDir, task: _Task, run: str) -> t.ContextManager[None]:
    return host_lock(state.path, state.executor, purpose=f"{TECHNIQUE} {run}", name=f"lock-{task.set.partition(':')[2][:16]}")


def _given_up(state: StateDir, task: _Task, number: int, technique: str) -> None:
    """Bring the journal of a run to its end that is not gone on with."""
    run = run_id(task.name, number)
    with _locked(state, task, run), Journal.open(journal_path(state.path, run), executor=state.executor) as journal:
        if task.set in journal.state.pending:
            journal.begin(opening_of(run, task.set))
            told = "it was cut off, and what it had begun does not count; another run begins anew"
            _ended(task, journal, "not_destroyed", [told], None, technique=technique)


def _steps(records: t.Sequence[t.Mapping[str, t.Any]]) -> Steps:
    return [(record["step"], record["told"]) for record in records]


def _recalled(state: StateDir, task: _Task, number: int) -> _Seen | None:
    """What the last run saw before, where it left the key gone and only what was open then has to be seen to."""
    records = list(read_journal(journal_path(state.path, run_id(task.name, number)), allow_torn=True))
    intents = [record for record in records if record["type"] == "intent"]
    if not intents:
        return None
    seen = _Seen.of(intents[-1])
    steps = _steps([record for record in records if record["type"] == "step"])
    return seen if task.target.recall(seen.plan, seen.preconditions, steps) else None


def _reaching(task: _Task, levels: t.Mapping[str, t.Mapping[str, str]] | None) -> _Task:
    """The task with what its technique reaches.

    :raises RefusedError: that is less than is required.
    """
    name = task.target.technique
    table = techniques(levels)[name]
    if not satisfies(table.level, task.required):
        raise RefusedError(
            f"{name} reaches at most the level {table.level} and {task.required} is required, so nothing was done; destroy the medium physically"
        )
    return task._replace(reachable=table.level, standard=table.standard)


def _still(state: StateDir, task: _Task, number: int, last: JournalState) -> dict[str, t.Any] | None:
    """The result of the run that destroyed the key, where it is gone still and the level was enough; C(None) where something new is there."""
    for record in read_journal(journal_path(state.path, run_id(task.name, number)), allow_torn=True):
        if record["type"] == "outcome" and record["outcome"] == "destroyed" and satisfies(record["level"]["achieved"], task.required):
            if not task.target.still(record["proof"]["left"]):
                return None
            rows = [Precondition.of(row) for row in record["proof"]["preconditions"]]
            told = _result(task, number, last, _Seen({}, rows, record["proof"]["opened"]), None, 0.0)
            return {**told, "limits": list(record["proof"]["limits"]), "changed": False}
    return None


def _looked(task: _Task, params: t.Mapping[str, t.Any]) -> _Seen:
    """:raises RefusedError: it is in use, or a precondition speaks against it."""
    target = task.target
    target.require_ready()
    found = declared(target.preconditions(), params["declared"])
    against = refusal_of(found, task.demands)
    if against:
        raise RefusedError(
            f"the key of {target.name} was not touched because {against}; see to that, vouch for it under declared, or destroy the data in another way",
            details={"preconditions": [each.row() for each in found]},
        )
    return _Seen(target.plan(), found, target.opens())


def _carried(state: StateDir, task: _Task, number: int, seen: _Seen, params: t.Mapping[str, t.Any], *, resumed: bool) -> dict[str, t.Any]:
    run = run_id(task.name, number)
    state.make(os.path.join("runs", run))
    started = time.monotonic()
    gone: Gone | None = None
    left: t.Any = None
    task.target.run_directory = _directory(state, task, number)
    with _locked(state, task, run), Journal.open(journal_path(state.path, run), executor=state.executor) as journal:
        if journal.state.closed or resumed != (task.set in journal.state.pending):
            raise RefusedError("another run over this key has begun or ended meanwhile, so nothing was done; run again")
        if not resumed:
            # Once more, since one may have been placed meanwhile.
            refuse_holds(state, params["holds"])
        journal.begin(opening_of(run, task.set))
        if not resumed:
            _announce(task, journal, seen)

        def note(step: str, told: t.Mapping[str, t.Any]) -> None:
            journal.append("step", set=task.set, step=step, told=dict(told))
            journal.sync()

        try:
            task.target.erase(state.executor, seen.plan, note)
            gone = task.target.look_back(seen.plan)
            note("looked", {"state": gone.state, "told": gone.told})
            if gone.state == "gone":
                task.target.discard(state.executor, seen.plan, params["discard"], note)
                left = task.target.left(seen.plan)
        except DisposalError as error:
            # What was begun is not known to be without effect, unless nothing was.
            if not journal.state.pending[task.set].steps:
                _ended(task, journal, "not_destroyed", [error.message], None)
            begun = error.details.pop("outcome", "unknown") if task.set in journal.state.pending else ""
            told = _result(task, number, journal.state, seen, gone, time.monotonic() - started, begun=begun)
            error.details.update(told, reason=error.message, changed=bool(begun))
            raise
        outcome, reason = judge_keys(gone, seen.preconditions, task.demands)
        _ended(task, journal, outcome, [reason] if reason else [], _proof(task, seen, gone, left if outcome == "destroyed" else None))
        result = _result(task, number, journal.state, seen, gone, time.monotonic() - started)
        result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    result.update(changed=True, reason=reason)
    if outcome != "destroyed":
        said = "is not destroyed" if outcome == "not_destroyed" else "is not known to be destroyed"
        raise DisposalError(f"what {task.target.name} holds {said}: {reason}; {task.target.otherwise}", details=result)
    return result


def _announce(task: _Task, journal: Journal, seen: _Seen) -> None:
    """The intent, with all that is needed to go on, on stable storage."""
    nothing: dict[str, t.Any] = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
    rows = [each.row() for each in seen.preconditions]
    journal.append("intent", **task.told(), method=task.method, plan=seen.plan, preconditions=rows, opened=seen.opened, **nothing)
    journal.sync()


def _proof(task: _Task, seen: _Seen, gone: Gone, left: t.Any) -> dict[str, t.Any]:
    return {
        "subject": task.target.subject,
        "preconditions": [each.row() for each in seen.preconditions],
        "opened": seen.opened,
        "seen": dict(gone.seen),
        "limits": [*task.target.limits, *limits_of(seen.preconditions)],
        "left": left,
    }


def _ended(task: _Task, journal: Journal, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None, *, technique: str = "") -> None:
    """:arg technique: that was begun, where it is not the one of the task."""
    method = Method(technique or task.target.technique, task.required, task.reachable, task.standard)
    conclude(journal, task.told(), method, outcome, reasons, proof)


def _result(
    task: _Task, number: int, journal: JournalState | None, seen: _Seen, gone: Gone | None, seconds: float, *, begun: str = ""
) -> dict[str, t.Any]:
    """What every way out returns, filled as far as it got.

    :arg begun: the outcome so far of what was begun and is not at its end.
    """
    about: dict[str, t.Any] = {"run": run_id(task.name, number), "method": task.method, "target": task.target.subject}
    result = envelope(journal, required=task.required, reachable=task.reachable, due=1, begun=begun, **about)
    result["level"]["standard"] = task.standard or STANDARD
    result.update(
        technique=task.target.technique,
        seconds=round(seconds, 3),
        preconditions=[each.row() for each in seen.preconditions],
        opened=seen.opened,
        seen=dict(gone.seen) if gone else {},
        limits=[*task.target.limits, *limits_of(seen.preconditions)],
        reason=None,
    )
    return result
