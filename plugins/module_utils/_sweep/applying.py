# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply an approved plan on a host: check, lock, destroy in batches, account for every set."""

from __future__ import annotations

import os
import time
import typing as t

from .._erasure.schemes import LEVELS, find_scheme, reachable_level
from .._errors import DisposalError, RefusedError
from .._evidence.approval import Approval
from .._evidence.clock import parse_time
from .._evidence.journal import FORMAT, Journal, JournalState
from .._executor import Executor
from .._jobs.lock import host_lock
from .._retention.rows import PlanFile
from .approved import HostPlan, approvals_of, host_plan, journal_path, read_state, refuse_blocked, sources_of, stale_reasons
from .delta import Delta, find_delta
from .inputs import Inputs, gather
from .keyed import DestroyedKeys, KeyedDestroyer
from .recheck import Recheck
from .result import envelope
from .running import carry_out, refuse_small_disk
from .state import StateDir
from .version import VERSION

__all__ = ["apply_plan"]


def apply_plan(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(retention_apply).

    :raises DisposalError: refused before anything was touched, or stopped; C(details) tells how far it got.
    """
    state = StateDir(params["state_dir"], executor)
    plan = host_plan(params)
    refuse_blocked(plan)
    path = journal_path(state.path, plan.run)
    found = read_state(path)
    # What was approved when a run began may be brought to its end: half-destroyed sets serve nobody.
    began = int(parse_time(found[0].opening["time"]).timestamp()) if found and found[0].opening else int(time.time())
    approvals = approvals_of(params, at=began)
    file = plan.open(state.path)
    try:
        inputs = gather({**params, "sources": sources_of(file)}, state)
        if found is not None and found[0].closed:
            return _already_done(plan, file, path, *found)
        if check_mode:
            delta = _checked_delta(plan, file, inputs, state)
            return {**_result(plan), "changed": delta.due[0] > 0, "delta": delta.summary()}
        state.make(os.path.join("runs", plan.run))
        with host_lock(state.path, executor, purpose=f"run {plan.run}"):
            # Another process may have ended the run while this one waited for nothing but the lock.
            found = read_state(path)
            if found is not None and found[0].closed:
                return _already_done(plan, file, path, *found)
            return _run(params, plan, approvals, file, inputs, state, resumed=found is not None and found[0].opening is not None)
    finally:
        file.close()


def _checked_delta(plan: HostPlan, file: PlanFile, inputs: Inputs, state: StateDir) -> Delta:
    """The delta of a plan that may still be applied.

    :raises RefusedError: it is stale, or now beyond a limit; the sentence tells what has changed.
    """
    delta, tally = find_delta(file, inputs)
    stale = stale_reasons(plan, inputs)
    if stale:
        raise RefusedError(
            f"the plan {plan.manifest['plan_id']} is stale, so nothing was done: {'; '.join(stale)}; since then {delta.sentence()}; "
            "plan again and have it approved",
            details={"delta": delta.summary()},
        )
    for name, counts in delta.classes.items():
        if name in tally.classes:
            tally.classes[name].verdicts["due"] = [counts[0], 0, counts[1]]
    tally.verdicts["due"] = [delta.due[0], 0, delta.due[1]]
    broken = [item.sentence for item in inputs.limits(tally, state.due_history()) if not item.ok]
    if broken:
        raise RefusedError(f"the plan is beyond a limit now, so nothing was done: {'; '.join(broken)}", details={"delta": delta.summary()})
    return delta


def _run(
    params: t.Mapping[str, t.Any],
    plan: HostPlan,
    approvals: t.Sequence[Approval],
    file: PlanFile,
    inputs: Inputs,
    state: StateDir,
    *,
    resumed: bool,
) -> dict[str, t.Any]:
    keys = DestroyedKeys(params["destroyed_keys"])
    delta = _resumed_delta(plan, file, inputs) if resumed else _checked_delta(plan, file, inputs, state)
    passes = max((len(find_scheme(item["method"]["scheme"]).passes) for item in plan.part["classes"].values()), default=1)
    refuse_small_disk(state.path, sets=delta.due[0], files=delta.members, passes=passes)
    recheck = Recheck(inputs, state, params["holds"] or [])
    stale = stale_reasons(plan, inputs) if resumed else []
    warnings = (
        [f"the interrupted run is resumed although {'; '.join(stale)}: what it had begun is brought to its end, everything else is kept"]
        if stale
        else []
    )
    try:
        result = carry_out(
            journal_path(state.path, plan.run),
            state.executor,
            file,
            opening=_opening(plan, approvals, inputs, keys),
            build=lambda journal: KeyedDestroyer(state.executor, journal, recheck, run=plan.run, keys=keys),
            reasons=delta.state,
            told=lambda journal: {**_journalled(plan, journal), "delta": delta.summary()},
            ending=lambda counts: state.remember(run=plan.run, due=sum(counts.values()), left=counts["not_destroyed"] + counts["unknown"]),
            again="plan again",
        )
        return {**result, "warnings": warnings}
    finally:
        recheck.close()


def _resumed_delta(plan: HostPlan, file: PlanFile, inputs: Inputs) -> Delta:
    delta, _tally = find_delta(file, inputs, resumed=True)
    stale = stale_reasons(plan, inputs)
    if stale:
        for name, reason in delta.state.items():
            delta.state[name] = f"the plan is stale: {'; '.join(stale)}" + (f"; {reason}" if reason else "")
    return delta


def _opening(plan: HostPlan, approvals: t.Sequence[Approval], inputs: Inputs, keys: DestroyedKeys) -> dict[str, t.Any]:
    return {
        **keys.told(),
        "format": FORMAT,
        "run": plan.run,
        "host": plan.host,
        "plan": plan.plan_digest,
        "manifest": plan.digest,
        "policy": inputs.policy.digest,
        "approvals": [item.told() for item in approvals],
        "author": plan.manifest["author"],
        "collection": VERSION,
        "identifiers": inputs.policy.identifiers,
    }


def _journalled(plan: HostPlan, journal: Journal) -> dict[str, t.Any]:
    return _result(plan, journal.state, path=journal.path, head=journal.head, records=journal.seq)


def _result(plan: HostPlan, journal: JournalState | None = None, *, path: str = "", head: str = "", records: int = 0) -> dict[str, t.Any]:
    """What every way out returns, filled as far as it got."""
    required = {item["method"]["level"] for item in plan.part["classes"].values() if "due" in item["verdicts"]}
    result = envelope(
        journal,
        required=max(required, key=LEVELS.index, default="none"),
        # Where less is required, files beside what is encrypted may have been overwritten only.
        reachable=reachable_level("crypto_erase") if required == {"purge"} else reachable_level("overwrite"),
        due=plan.part["verdicts"]["due"]["sets"],
        **{"run": plan.run, "host": plan.host, "plan": plan.plan_digest, "manifest": plan.digest},
    )
    result["bytes"] = {"destroyed": journal.bytes_destroyed if journal else 0}
    if path:
        result["journal"] = {"path": path, "head": head, "records": records}
    return result


def _already_done(plan: HostPlan, file: PlanFile, path: str, journal: JournalState, head: str, records: int) -> dict[str, t.Any]:
    """A run that has its end in the journal: believed, and looked at once more."""
    result = _result(plan, journal, path=path, head=head, records=records)
    # Whatever its size and times: a name tells when the recording was made, so nothing else comes to have it.
    back = sum(
        journal.outcome_of(row.set) == "destroyed" and any(os.path.lexists(os.path.join(row.root, member.path)) for member in row.members)
        for row in file.due()
    )
    if back:
        raise DisposalError(
            f"{back} sets that this run destroyed are at their old places again, perhaps from a backup; "
            "find out who put them there, and plan again",
            details=result,
        )
    left = journal.counts["not_destroyed"] + journal.counts["unknown"]
    if left:
        result["warnings"] = [
            f"the run of the plan {plan.manifest['plan_id']} on this host has ended, and {left} of its sets were not destroyed: skipped, "
            "failed or in quarantine, as its journal tells; plan again to have those destroyed that are due"
        ]
    return {**result, "changed": False}
