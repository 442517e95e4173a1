# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypt the finished recordings of a policy's sources on a host, to public keys, one for each class and period."""

from __future__ import annotations

import os
import re
import typing as t

from .._erasure.files import THREADS
from .._erasure.schemes import find_scheme, reachable_level
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest_of
from .._evidence.journal import Journal, JournalState
from .._executor import Executor
from .._jobs.lock import host_lock
from .._keys.agekeys import AgeError, fingerprint, parse_recipient, require_library
from .._retention.encrypting import Found, Key, find_plain
from .._retention.planner import Planner
from .._retention.policy import Policy
from .._retention.rows import PlanFile, plan_path
from .._retention.verdict import Rules
from .approved import journal_path
from .encrypter import Encrypter, Recipients, Work
from .inputs import Inputs, gather
from .keyed import DestroyedKeys
from .manner import Manner, pace_of
from .overwriting import Standing
from .planning import PlanWriter
from .result import envelope, latest_run, opening_of, run_id
from .running import carry_out, refuse_small_disk
from .state import StateDir

__all__ = ["encrypt_recordings"]

_PERIODS = {"month": r"\d{4}-(0[1-9]|1[0-2])", "quarter": r"\d{4}-Q[1-4]", "year": r"\d{4}"}
_METHOD = {"technique": "overwrite", "level": "clear"}


class _Task:
    """One call of the module.

    :ivar journal: of the last run that this call began or brought to its end.
    """

    def __init__(self, params: t.Mapping[str, t.Any], inputs: Inputs, state: StateDir, recipients: Recipients) -> None:
        self.inputs = inputs
        self.state = state
        self.recipients = recipients
        self.scheme = find_scheme(params["scheme"]).name
        self.manner = Manner(threads=params["threads"] or THREADS, pace=pace_of(params["max_rate"]))
        self.crew = params["threads"] or len(os.sched_getaffinity(0))
        # Whatever recipients it is given: an interrupted run is found again when those of a new month have come.
        self.name = digest_of({"module": "recording_encrypt", "policy": inputs.policy.id})
        self.work = Work()
        self.found = Found()
        self.due = 0
        self.changed = False
        self.journal: dict[str, t.Any] | None = None
        self.ended: JournalState | None = None

    def run(self, number: int, plan: str) -> None:
        """Begin or resume a run over a plan file.

        :raises DisposalError: sets could not be encrypted because of faults, or the run stopped.
        """
        run = run_id(self.name, number)
        file = PlanFile(plan_path(self.state.path, plan), plan)
        judge = Standing()
        self.state.make(os.path.join("runs", run))
        try:
            self.due = sum(1 for _row in file.due())
            done = carry_out(
                journal_path(self.state.path, run),
                self.state.executor,
                file,
                opening={**opening_of(run, plan), "policy": self.inputs.policy.digest, "identifiers": self.inputs.policy.identifiers},
                build=lambda journal: Encrypter(
                    self.state.executor, journal, judge, self.recipients, run=run, manner=self.manner, crew=self.crew, work=self.work
                ),
                reasons={},
                told=lambda journal: self._told(number, journal),
                ending=lambda counts: None,
                again="run again",
                done="encrypted",
            )
            self.changed = self.changed or done["changed"]
        finally:
            judge.close()
            file.close()

    def _told(self, number: int, journal: Journal) -> dict[str, t.Any]:
        self.ended = journal.state
        self.journal = {"path": journal.path, "head": journal.head, "records": journal.seq}
        return self.result(number)

    def result(self, number: int) -> dict[str, t.Any]:
        """What every way out returns, filled as far as it got."""
        told = envelope(
            self.ended,
            required=_METHOD["level"],
            reachable=reachable_level(_METHOD["technique"]),
            due=self.due,
            run=run_id(self.name, number),
            method={**_METHOD, "scheme": self.scheme},
        )
        work, found = self.work, self.found
        seconds = {name: round(value, 3) for name, value in work.seconds.items()}
        return {
            **told,
            "sets": {"encrypted": sum(work.sets.values()), "encrypted_before": found.encrypted, "due": found_sum(found)},
            "left": dict(sorted((found.left + work.left).items())),
            "periods": [
                {"class": key[0], "period": key[1], "recipient": fingerprint(self.recipients[key]), "sets": count}
                for key, count in sorted(work.sets.items())
                if key in self.recipients
            ],
            "missing": [
                {"class": key[0], "period": key[1], "sets": count, "samples": samples}
                for key, (count, samples) in sorted(found.missing.items())
            ],
            "beside": {"sets": found.beside[0], "samples": found.beside[1]},
            "files": work.files,
            "bytes": work.bytes,
            "seconds": seconds,
            "rate": int(work.bytes / max(work.seconds["encrypting"], 0.001)),
            **({"journal": self.journal} if self.journal else {}),
        }


def found_sum(found: Found) -> int:
    """Sets that are to be encrypted."""
    return sum(sums[0] for sums in found.due.values())


def encrypt_recordings(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(recording_encrypt).

    :raises DisposalError: refused before anything was touched, stopped, or sets were left that should be encrypted; C(details) tells more.
    """
    if params["threads"] is not None and not 1 <= params["threads"] <= 64:
        raise RefusedError(f"threads is {params['threads']}, not from 1 to 64, so nothing was done; correct it")
    state = StateDir(params["state_dir"], executor)
    inputs = gather({**params, "holds": [], "requests": []}, state)
    recipients = recipients_of(params["recipients"], inputs.policy, DestroyedKeys(params["destroyed_keys"]))
    if not any(item.encryption for item in inputs.policy.classes):
        raise RefusedError(
            f"no class of the policy {inputs.policy.id} asks for encryption, so nothing was done; add encryption: {{period: month}} to one"
        )
    require_library()
    task = _Task(params, inputs, state, recipients)
    if check_mode:
        return _foreseen(task)
    with host_lock(state.path, executor, purpose="recording_encrypt"):
        number, last = latest_run(state.path, task.name)
        if last is not None and not last.closed:
            task.run(number, str((last.opening or {})["plan"]))
        plan, rows = _select(task, check_mode=False)
        if rows:
            number += 1
            files = sum(sums[1] for sums in task.found.due.values())
            # What is told of a copy takes about three times what is told of a file that is only overwritten.
            refuse_small_disk(state.path, sets=rows, files=files * 4, passes=len(find_scheme(task.scheme).passes))
            task.run(number, plan)
    result = {**task.result(max(number, 0)), "changed": task.changed}
    return _judged(result, task, params["on_missing_recipient"])


def _foreseen(task: _Task) -> dict[str, t.Any]:
    number, last = latest_run(task.state.path, task.name)
    open_run = last is not None and not last.closed
    _plan, rows = _select(task, check_mode=True)
    task.due = rows
    return {**task.result(number + 1), "changed": bool(rows) or open_run, "warnings": list(task.inputs.warnings)}


def _select(task: _Task, *, check_mode: bool) -> tuple[str, int]:
    """Digest of the plan file, and how many sets it lists; none is written where it lists none."""
    inputs = task.inputs
    # Holds keep nothing from being encrypted: what is held still decrypts.
    planner = Planner(Rules(inputs.policy, (), (), now=inputs.now), open_files=inputs.open_files, identifiers=inputs.identifiers, workers=1)
    writer = PlanWriter(task.state, check_mode=check_mode)
    try:
        task.found = find_plain(planner, task.recipients.keys(), task.scheme, writer.emit)
        if writer.rows:
            writer.keep()
        return writer.digest, writer.rows
    except OSError as error:
        raise DisposalError(
            f"the list of recordings cannot be written below {task.state.path} ({error.strerror}); make room and run again"
        ) from error
    finally:
        planner.close()
        writer.close()


def _judged(result: dict[str, t.Any], task: _Task, on_missing: str) -> dict[str, t.Any]:
    """The result with its warnings.

    :raises DisposalError: plaintext stays that should be encrypted.
    """
    warnings = list(task.inputs.warnings)
    if task.work.cached:
        warnings.append(
            f"{task.work.cached} encrypted copies were read back through the page cache, after it was asked to drop them: "
            "their filesystem has no direct reads"
        )
    problems = []
    if task.found.beside[0]:
        problems.append(
            f"{task.found.beside[0]} sets have an encrypted copy beside their plaintext that no interrupted run of this host explains, "
            f"the first {', '.join(task.found.beside[1])}; compare the two, and take the spoilt one away"
        )
    if task.found.missing:
        keys = [f"{name} {period} ({count})" for (name, period), (count, _samples) in sorted(task.found.missing.items())]
        sentence = (
            f"no recipient is given for the class and period of {sum(count for count, _samples in task.found.missing.values())} sets, "
            f"which stay as they are: {', '.join(keys[:5])}{' and others' if len(keys) > 5 else ''}; make their keys, and give their recipients"
        )
        (problems if on_missing == "fail" else warnings).append(sentence)
    if problems:
        raise DisposalError("; ".join(problems), details={**result, "warnings": warnings})
    return {**result, "warnings": warnings}


def recipients_of(given: t.Sequence[t.Mapping[str, t.Any]], policy: Policy, destroyed: DestroyedKeys) -> dict[Key, bytes]:
    """Public keys by class and period.

    :raises RefusedError: one that is of no class or period of the policy, is no recipient, is given twice, or is of a key that is gone.
    """
    units = {item.name: item.encryption for item in policy.classes}
    found: dict[Key, bytes] = {}
    keys: dict[bytes, Key] = {}
    for item in given:
        name, period = str(item["class"]), str(item["period"])
        where = f"the recipient for the class {name[:80]!r} and the period {period[:20]!r}"
        unit = units.get(name)
        if name not in units:
            raise RefusedError(f"{where} is of no class of the policy {policy.id}, so nothing was done; it has {', '.join(sorted(units))}")
        if unit is None:
            raise RefusedError(f"{where} is of a class without encryption, so nothing was done; add encryption: {{period: month}} to it")
        if not re.fullmatch(_PERIODS[unit], period, re.ASCII):
            example = {"month": "2026-03", "quarter": "2026-Q1", "year": "2026"}[unit]
            raise RefusedError(f"{where} has a period that is no {unit} such as {example}, so nothing was done; correct it")
        try:
            public = parse_recipient(str(item["recipient"]))
        except AgeError as error:
            raise RefusedError(f"{where} is none, so nothing was done: {error.message}") from None
        run = destroyed.run_of_key(fingerprint(public))
        if run is not None:
            raise RefusedError(
                f"{where} is of a key that the run {run} destroyed, and what is encrypted for it is lost, so nothing was done; take it out, and see "
                "where recordings of that period come from"
            )
        if found.get((name, period), public) != public:
            raise RefusedError(f"{where} is given twice, and differs, so nothing was done; give one")
        if keys.setdefault(public, (name, period)) != (name, period):
            other = keys[public]
            raise RefusedError(
                f"{where} is also that of {other[0]} {other[1]}, and destroying one key would destroy both, so nothing was done; "
                "give each its own"
            )
        found[name, period] = public
    return found
