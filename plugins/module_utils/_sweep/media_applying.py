# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply an approved plan of media on a host: check, lock, announce, destroy several at once, account for every medium."""

from __future__ import annotations

import os
import time
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.approval import MEDIA_FORMAT, Approval
from .._evidence.clock import parse_time
from .._evidence.journal import FORMAT, Journal, JournalState, read_journal
from .._executor import CheckExecutor, Executor
from .._jobs.children import each_in_a_child
from .._jobs.lock import host_lock
from .._media.planned import PlannedMedium, planned_media
from .._media.serials import serial_key
from .._retention.holds import load_holds
from .._standards.levels import LEVELS, STANDARD
from .approved import HostPlan, approvals_of, host_plan, journal_path, read_state, refuse_blocked
from .media_acting import act_on_medium, still_as_left
from .media_recheck import changed_since
from .result import envelope
from .state import StateDir
from .version import VERSION

__all__ = ["apply_media"]

_MOST_AT_ONCE = 32
_MOST_TOLD = 100

Told = dict[str, t.Any]


def apply_media(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(media_apply).

    :raises DisposalError: refused before anything was touched, or a medium was not destroyed; C(details) tells how far it got.
    """
    if not 1 <= params["parallel"] <= _MOST_AT_ONCE:
        raise RefusedError(f"parallel is {params['parallel']}, not from 1 to {_MOST_AT_ONCE}, so nothing was done; correct it")
    state = StateDir(params["state_dir"], executor)
    plan = host_plan(params, form=MEDIA_FORMAT)
    refuse_blocked(plan)
    media = planned_media(params["plan"] or "", plan.plan_digest)
    path = journal_path(state.path, plan.run)
    found = read_state(path)
    begun = found is not None and found[0].opening is not None
    # What was approved when a run began may be brought to its end: a half-destroyed medium serves nobody.
    began = int(parse_time(found[0].opening["time"]).timestamp()) if found and found[0].opening else int(time.time())
    approvals = approvals_of(params, at=began)
    if found is not None and found[0].closed:
        return _already_done(plan, media, params, path, *found)
    stale = _stale(plan)
    if stale and not begun:
        raise RefusedError(f"the plan {plan.manifest['plan_id']} is stale, so nothing was done: {stale}; plan again and have it approved")
    _require_holds(plan, params, state)
    if check_mode:
        return _rehearsed(plan, media, params, executor)
    state.make(os.path.join("runs", plan.run))
    with host_lock(state.path, executor, purpose=f"media {plan.run}", name=f"lock-media-{plan.run}"):
        found = read_state(path)
        if found is not None and found[0].closed:
            return _already_done(plan, media, params, path, *found)
        with Journal.open(path, executor=executor) as journal:
            journal.begin(_opening(plan, approvals))
            told = _Run(plan, media, params, executor, journal, stale).carry_out()
            return _ended(plan, journal, told)


def _stale(plan: HostPlan) -> str:
    expires = plan.manifest["expires"]
    return f"it expired at {expires}" if time.time() >= parse_time(expires).timestamp() else ""


def _require_holds(plan: HostPlan, params: t.Mapping[str, t.Any], state: StateDir) -> None:
    """:raises RefusedError: other holds are in force than those that the plan was made under, whatever they are about."""
    _holds, generation = load_holds([*(params["holds"] or []), *state.hold_documents()])
    planned = (plan.part.get("holds") or {}).get("generation")
    if generation != planned:
        raise RefusedError(
            f"the legal holds are not those that the plan {plan.manifest['plan_id']} was made under, and one of them may be about what is on these "
            "media, so nothing was done; look at the holds, plan again and have it approved"
        )


def _opening(plan: HostPlan, approvals: t.Sequence[Approval]) -> dict[str, t.Any]:
    return {
        "format": FORMAT,
        "run": plan.run,
        "host": plan.host,
        "plan": plan.plan_digest,
        "manifest": plan.digest,
        "policy": plan.manifest["policy"]["digest"],
        "approvals": [item.told() for item in approvals],
        "author": plan.manifest["author"],
        "collection": VERSION,
        # Of serials, which are nobody's secret.
        "identifiers": "plain",
    }


class _Run:
    """One run over the media of a plan.

    :ivar told: what became of each medium, by its set.
    """

    def __init__(
        self,
        plan: HostPlan,
        media: t.Sequence[PlannedMedium],
        params: t.Mapping[str, t.Any],
        executor: Executor,
        journal: Journal,
        stale: str,
    ) -> None:
        self.plan, self.media, self.params, self.executor, self.journal, self.stale = plan, media, params, executor, journal, stale
        self.told: dict[str, Told] = {}

    def carry_out(self) -> list[Told]:
        self.told.update(_recorded(self.journal.path, self.media))
        for medium, result, ended in each_in_a_child(self._begun(), self._act, most=self.params["parallel"]):
            self._take(medium, result, ended)
        if not self.journal.state.pending:
            self.journal.end()
        return [self.told[medium.set] for medium in self.media]

    def _act(self, medium: PlannedMedium) -> Told:
        return act_on_medium(medium, self.params, self.executor, check_mode=False)

    def _begun(self) -> t.Iterator[PlannedMedium]:
        """Each medium that may be acted upon, once that is announced; looked at just before, since another may have taken hours."""
        for medium in self.media:
            if medium.set in self.told:
                continue
            if medium.set not in self.journal.state.pending:
                reason = self.stale or _withdrawn(medium, self.params) or self._against(medium)
                if reason:
                    self._outcome(medium, {"outcome": "not_destroyed", "reason": [reason], "technique": medium.steps[0], "proof": None})
                    continue
                self._intend(medium)
            yield medium

    def _against(self, medium: PlannedMedium) -> str:
        try:
            _require_holds(self.plan, self.params, StateDir(self.params["state_dir"], self.executor))
            return changed_since(medium)
        except DisposalError as error:
            return error.message

    def _intend(self, medium: PlannedMedium) -> None:
        nothing: Told = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
        method = {"technique": medium.steps[0], "level": medium.level}
        self.journal.append("intent", **_about(medium), method=method, serial=medium.serial, steps=list(medium.steps), **nothing)
        self.journal.sync()

    def _take(self, medium: PlannedMedium, result: Told | None, ended: str) -> None:
        if result is not None and not result["running"]:
            self._outcome(medium, result)
            return
        why = ended or "; ".join((result or {}).get("reason") or []) or "it goes on in the drive"
        row = _row(medium, "unknown", None, [f"{why}; run the same task again, which watches it to its end"])
        self.told[medium.set] = {**row, "running": True, "percent": (result or {}).get("percent")}

    def _outcome(self, medium: PlannedMedium, result: Told) -> None:
        level = result.get("level") or {"required": medium.level, "achieved": LEVELS[0], "standard": STANDARD}
        record = {
            **_about(medium),
            "outcome": result["outcome"],
            "level": {**level, "standard": level["standard"] or STANDARD},
            "technique": result["technique"],
            "scheme": None,
            "reason": list(result["reason"]),
            "proof": result["proof"],
        }
        self.journal.append("outcome", **record)
        self.journal.sync()
        self.told[medium.set] = {**_row_of(medium, record), "acted": True}


def _withdrawn(medium: PlannedMedium, params: t.Mapping[str, t.Any]) -> str:
    """Why a medium that was released when the plan was made may not be destroyed now; empty where it may, or nobody looked."""
    if params["released"] is None or serial_key(medium.serial) in {serial_key(serial) for serial in params["released"]}:
        return ""
    return "the register does not have it as released any more, so nothing was done; find out why, or plan again"


def _about(medium: PlannedMedium) -> Told:
    """What each record of a medium repeats."""
    return {"set": medium.set, "class": None, "rule": medium.kind, "bytes": medium.size, "members": 1}


def _recorded(path: str, media: t.Sequence[PlannedMedium]) -> dict[str, Told]:
    """What the journal says of media that have an outcome."""
    by_set = {medium.set: medium for medium in media}
    return {
        record["set"]: _row_of(by_set[record["set"]], record)
        for record in read_journal(path, allow_torn=True)
        if record["type"] == "outcome" and record["set"] in by_set
    }


def _row_of(medium: PlannedMedium, record: t.Mapping[str, t.Any]) -> Told:
    row = _row(medium, record["outcome"], record["technique"], record["reason"])
    proof = record["proof"] or {}
    return {
        **row,
        "achieved": record["level"]["achieved"],
        "run": proof.get("run"),
        "verdict": (proof.get("verify") or {}).get("verdict", "not_done"),
        "limits": list(proof.get("limits") or ()),
    }


def _row(medium: PlannedMedium, outcome: str, technique: str | None, reason: t.Sequence[str]) -> Told:
    told: Told = {"serial": medium.serial, "outcome": outcome, "technique": technique, "required": medium.level, "achieved": LEVELS[0]}
    return {**told, "reason": "; ".join(reason)[:500], "run": None, "verdict": "not_done", "running": False, "limits": []}


def _rehearsed(plan: HostPlan, media: t.Sequence[PlannedMedium], params: t.Mapping[str, t.Any], executor: Executor) -> Told:
    """What check mode can tell: whether anything speaks against a medium now.

    :raises RefusedError: something does; every medium is named.
    """
    rows = []
    for medium in media:
        reason = (
            _withdrawn(medium, params)
            or changed_since(medium)
            or "; ".join(act_on_medium(medium, params, executor, check_mode=True)["reason"])
        )
        rows.append(_row(medium, "not_destroyed", medium.steps[0], [reason] if reason else []))
    result = {**_result(plan, JournalState(), rows), "changed": bool(media)}
    against = [row for row in rows if row["reason"]]
    if against:
        raise RefusedError(
            f"{len(against)} of {len(rows)} media would not be destroyed: {_named(against)}", details={**result, "changed": False}
        )
    return result


def _ended(plan: HostPlan, journal: Journal, rows: t.Sequence[Told]) -> Told:
    result = {**_result(plan, journal.state, rows), "changed": any(row.get("acted") or row["running"] for row in rows)}
    result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    left = [row for row in rows if row["outcome"] != "destroyed"]
    if left:
        running = sum(bool(row["running"]) for row in left)
        more = f" ({running} may still be running; run the same task again)" if running else ""
        raise DisposalError(
            f"{len(left)} of {len(rows)} media were not destroyed, or are not known to be{more}: {_named(left)}", details=result
        )
    return result


def _named(rows: t.Sequence[Told]) -> str:
    more = f" (and {len(rows) - 5} more)" if len(rows) > 5 else ""
    return "; ".join(f"{row['serial']}: {row['reason']}" for row in rows[:5]) + more


def _result(plan: HostPlan, journal: JournalState, rows: t.Sequence[Told]) -> Told:
    levels = [LEVELS.index(row["achieved"]) for row in rows]
    required = max((LEVELS.index(row["required"]) for row in rows), default=0)
    about = {"run": plan.run, "host": plan.host, "plan": plan.plan_digest, "manifest": plan.digest}
    result = envelope(
        journal,
        required=LEVELS[required],
        reachable=LEVELS[min(levels, default=0)],
        due=len(rows),
        **about,
    )
    running = sum(bool(row["running"]) for row in rows)
    if running:
        result["counts"] = {**result["counts"], "unknown": result["counts"]["unknown"] + running}
        result["outcome"] = "unknown"
    shown = [{key: value for key, value in row.items() if key not in ("acted", "limits")} for row in rows[:_MOST_TOLD]]
    limits = list(dict.fromkeys(limit for row in rows for limit in row["limits"]))
    return {**result, "media": shown, "limits": limits[:50], "bytes": {"destroyed": journal.bytes_destroyed}}


def _already_done(
    plan: HostPlan,
    media: t.Sequence[PlannedMedium],
    params: t.Mapping[str, t.Any],
    path: str,
    journal: JournalState,
    head: str,
    records: int,
) -> Told:
    """A run that has its end in the journal: believed, and its media looked at once more where they still are in this host.

    :raises DisposalError: one was not destroyed, or holds something else by now.
    """
    recorded = _recorded(path, media)
    rows = [recorded[medium.set] for medium in media]
    result = {**_result(plan, journal, rows), "changed": False, "journal": {"path": path, "head": head, "records": records}}
    check = CheckExecutor()
    again = {medium.serial: still_as_left(medium, params, check) for medium in media if recorded[medium.set]["outcome"] == "destroyed"}
    written = [f"{serial}: {why}" for serial, why in again.items() if why]
    if written:
        raise DisposalError(
            f"{len(written)} media that this run destroyed are not as it left them: {'; '.join(written[:5])}; find out who uses them, and plan again",
            details=result,
        )
    left = [row for row in rows if row["outcome"] != "destroyed"]
    if left:
        raise DisposalError(
            f"the run of the plan {plan.manifest['plan_id']} on this host has ended, and {len(left)} of its {len(rows)} media were not destroyed: "
            f"{_named(left)}; have them destroyed physically by a work order, or plan again",
            details=result,
        )
    return result
