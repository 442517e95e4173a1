# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record physical work on media: every result is judged before the first is written, and each medium has a journal of its own."""

from __future__ import annotations

import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest, digest_of
from .._evidence.clock import utc_now
from .._evidence.journal import OUTCOMES, Journal, JournalState, read_journal
from .._evidence.rotated import journal_stands
from .._evidence.training import Trainings, trainings_of
from .._executor import Executor
from .._jobs.lock import host_lock
from .._media.findings import parse_moment
from .._media.operators import read_trained
from .._media.ordered import Ordered, read_order
from .._media.results import Judged, Rules, judge_results, refusal
from .._media.serials import medium_set, serial_key
from .._media.vendor import Vendor, read_vendor, refuse_unmatched
from .._standards.levels import LEVELS, STANDARD
from .._standards.physical import PHYSICAL, figures
from .approved import journal_path
from .result import Method, conclude, opening_of, outcome_of, run_id
from .state import StateDir

__all__ = ["media_destruction_of"]

_MOST_RESULTS = 200
_MOST_OPEN = 200
_PURPOSE = "media_destruction"


class _Act(t.NamedTuple):
    """What is to be done about one result.

    :ivar run: its journal's.
    :ivar state: what the journal holds by now; C(None) where nothing was begun.
    """

    judged: Judged
    run: str
    state: JournalState | None

    @property
    def done(self) -> bool:
        return self.state is not None and self.state.closed

    @property
    def set(self) -> str:
        return medium_set(self.judged.serial)

    def told(self) -> dict[str, t.Any]:
        """What each record of it repeats."""
        return {"set": self.set, "class": None, "rule": self.judged.kind, "bytes": 0, "members": 1}


class _Recorded(t.NamedTuple):
    """An earlier run over the same medium."""

    run: str
    state: JournalState
    row: str
    outcome: dict[str, t.Any] | None


def media_destruction_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(media_destruction).

    :raises DisposalError: results were refused and nothing was recorded, or one of the media is not destroyed by what was recorded.
    """
    nothing = {**_result(params["level"], [], []), "changed": False}
    try:
        state = StateDir(params["state_dir"], executor)
        judged, left = _judged(params)
        acts = _acts(state, judged)
    except DisposalError as error:
        unaccounted = error.details.get("open") or []
        counts = {**nothing["counts"], "unknown": len(unaccounted)}
        error.details = {**nothing, "counts": counts, "outcome": outcome_of(counts, 0), **error.details}
        raise
    changed = not all(act.done for act in acts)
    if changed and not check_mode:
        with _locked(state):
            if _stand(_acts(state, judged)) != _stand(acts):
                raise RefusedError(
                    "another task recorded results of these media meanwhile, so nothing was done; run again", details=nothing
                )
            for act in acts:
                if not act.done:
                    _record(state, act, params["level"])
        acts = _acts(state, judged)
    told = {**_result(params["level"], acts, left, state.path), "changed": changed}
    failed = [act.judged for act in acts if act.judged.outcome != "destroyed"]
    if failed:
        raise DisposalError(_failure(failed, len(acts), check_mode=check_mode), details=told)
    return told


def _stand(acts: t.Sequence[_Act]) -> list[tuple[str, bool]]:
    return [(act.run, act.done) for act in acts]


def _locked(state: StateDir) -> t.ContextManager[None]:
    return host_lock(state.path, state.executor, purpose=_PURPOSE, name=f"lock-{_PURPOSE}")


def _judged(params: t.Mapping[str, t.Any]) -> tuple[list[Judged], list[str]]:
    """Every row, judged, and the serials of the work order that have none.

    :raises DisposalError: something that was given is faulty; nothing was recorded.
    """
    rows, expected, ordered = params["results"] or [], params["expected"], _ordered(params)
    if not 0 < len(rows) <= _MOST_RESULTS:
        raise RefusedError(f"{len(rows)} results are given, so nothing was recorded; give from 1 to {_MOST_RESULTS} in one task")
    _refuse_faulty(expected)
    now = utc_now()
    vendor = read_vendor(_told_only(params["vendor"]), now=now) if params["vendor"] else None
    trainings = trainings_of(params)
    rules = Rules(
        figures=figures(params["figures"]),
        level=params["level"],
        now=now,
        protection_class=params["protection_class"],
        trained=None if params["operators"] is None else read_trained([_told_only(each) for each in params["operators"]]),
        expected=None if expected is None else {serial_key(serial) for serial in expected},
        photos=None if params["photos_dir"] is None else _digests(params["photos_dir"]),
        ordered=ordered,
        # A vendor's people are not ours to train; who looked at a sample of their work is.
        trainings=None if vendor else trainings,
    )
    if vendor is not None:
        _refuse_other_file(params["vendor"].get("certificate_file"), vendor)
        refuse_unmatched(vendor, expected or [], [row for row in rows if ordered is None or not ordered.is_blank(row)])
    judged = judge_results(rows, rules)
    if vendor is not None:
        checked = _trained_check(vendor, trainings)
        judged = [_by_vendor(each, vendor, checked) for each in judged]
    found = {serial_key(each.serial) for each in judged}
    return judged, sorted(serial for serial in expected or [] if serial_key(serial) not in found)


def _ordered(params: t.Mapping[str, t.Any]) -> Ordered | None:
    """The work order whose form the results are, where there is one."""
    text = params.get("work_order")
    return None if text is None else read_order(text.encode("utf-8", "surrogateescape"), f"the work order {params['order']}")


def _refuse_faulty(expected: t.Sequence[str] | None) -> None:
    keys = [serial_key(serial) for serial in expected or []]
    faulty = sorted({key or "a blank one" for key in keys if not key or keys.count(key) > 1})
    if faulty:
        raise RefusedError(
            f"the serials under expected are blank or stand twice ({', '.join(faulty[:10])}), so nothing was recorded; correct the work order"
        )


def _told_only(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A mapping without the options that were left out."""
    return {key: _told_only(value) if isinstance(value, dict) else value for key, value in given.items() if value is not None}


def _digest_of_file(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return digest(file.read())
    except OSError as error:
        raise RefusedError(f"the file {path} cannot be read ({error.strerror}), so nothing was recorded; correct the path") from error


def _digests(directory: str) -> set[str]:
    try:
        names = sorted(entry.path for entry in os.scandir(directory) if entry.is_file())
    except OSError as error:
        raise RefusedError(
            f"the photos_dir {directory} cannot be read ({error.strerror}), so nothing was recorded; correct the path"
        ) from error
    return {_digest_of_file(name) for name in names}


def _refuse_other_file(path: str | None, vendor: Vendor) -> None:
    if path is None:
        return
    seen = _digest_of_file(path)
    if seen != vendor.certificate:
        raise RefusedError(
            f"the certificate_file {path} has the digest {seen}, not the one that was given for the certificate of {vendor.name}, "
            "so nothing was recorded; find out which of them is right"
        )


def _trained_check(vendor: Vendor, trainings: Trainings | None) -> dict[str, t.Any]:
    """The training of who made the sample check, as the proof tells it.

    :raises RefusedError: that person was not trained as a witness then.
    """
    if trainings is None:
        return {}
    check = vendor.sample_check
    who, moment = " ".join(check["by"].split()), parse_moment(check["date"])
    try:
        return {"training": {"sample_check": trainings.counted(who, ("witness",), (moment,), by_name=True)}}
    except RefusedError as error:
        raise RefusedError(f"the sample check: {error.message}; nothing was recorded") from error


def _by_vendor(judged: Judged, vendor: Vendor, checked: t.Mapping[str, t.Any]) -> Judged:
    limits = [
        *judged.limits,
        "the facts are those that the vendor stated; people of one's own looked at the media of the sample check only",
    ]
    facts = {**judged.facts, "vendor": vendor.told()}
    return judged._replace(facts=facts, limits=limits, proof={**judged.proof, **checked, "row": facts, "limits": limits})


def _acts(state: StateDir, judged: t.Sequence[Judged]) -> list[_Act]:
    """What is to be done about each result, after all that was recorded of the same media before.

    :raises RefusedError: a medium is recorded as destroyed already, or another result of it was begun and not ended.
    """
    acts, refused = [], []
    for each in judged:
        found = _act(state, each)
        if isinstance(found, str):
            refused.append({"row": each.number, "serial": each.serial, "reasons": [found]})
        else:
            acts.append(found)
    if refused:
        raise refusal(refused, len(judged))
    return acts


def _act(state: StateDir, judged: Judged) -> _Act | str:
    """What is to be done about a result, or why it is refused."""
    name = digest_of({"kind": _PURPOSE, "serial": serial_key(judged.serial)})
    row, recorded = digest_of(judged.facts), list(_recorded(state.path, name))
    for each in recorded:
        if not each.state.closed:
            if each.row == row:
                return _Act(judged, each.run, each.state)
            return f"serial: {judged.serial!r} has another result whose recording was cut off; give that once more first ({journal_path(state.path, each.run)})"
        outcome = each.outcome or {}
        if each.row == row and (outcome.get("outcome"), outcome["level"]["achieved"]) == (judged.outcome, judged.achieved):
            return _Act(judged, each.run, each.state)
    ended = next((each for each in recorded if each.outcome and each.outcome["level"]["achieved"] == LEVELS[-1]), None)
    if ended is not None and ended.outcome is not None:
        return (
            f"serial: {judged.serial!r} is recorded already, with other facts, as destroyed by {ended.outcome['technique']} (run {ended.run}); "
            "a medium is destroyed once, so find out which medium this was"
        )
    return _Act(judged, run_id(name, len(recorded)), None)


def _recorded(state_dir: str, name: str) -> t.Iterator[_Recorded]:
    """The earlier runs over a medium, in order; one that was cut off before its first intent has done nothing and is written anew."""
    number = 0
    while journal_stands(path := journal_path(state_dir, run := run_id(name, number))):
        records = list(read_journal(path, allow_torn=True))
        row = next((record["row"] for record in records if record["type"] == "intent"), None)
        if row is None:
            return
        outcome = next((dict(record) for record in records if record["type"] == "outcome"), None)
        yield _Recorded(run, JournalState.fold(records, name=path), row, outcome)
        number += 1


def _record(state: StateDir, act: _Act, required: str) -> None:
    judged = act.judged
    state.make(os.path.join("runs", act.run))
    with Journal.open(journal_path(state.path, act.run), executor=state.executor) as journal:
        journal.begin(opening_of(act.run, act.set))
        if journal.state.outcome_of(act.set) is not None:
            journal.end()
            return
        if act.set not in journal.state.pending:
            nothing: dict[str, t.Any] = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
            method = {"technique": judged.technique, "level": required}
            journal.append("intent", **act.told(), method=method, row=digest_of(judged.facts), **nothing)
            journal.sync()
        reachable = PHYSICAL[judged.technique]
        conclude(
            journal,
            act.told(),
            Method(judged.technique, required, reachable.level, reachable.standard),
            judged.outcome,
            judged.reasons,
            judged.proof,
            achieved=judged.achieved,
        )


def _result(level: str, acts: t.Sequence[_Act], left: t.Sequence[str], state_dir: str = "") -> dict[str, t.Any]:
    """Counts, outcome, level and evidence of what is recorded by now."""
    recorded = [act for act in acts if act.done]
    counts = dict.fromkeys(OUTCOMES, 0)
    for act in recorded:
        counts[act.judged.outcome] += 1
    counts["unknown"] += len(left)
    achieved = min((act.judged.achieved for act in acts), key=LEVELS.index, default=LEVELS[0]) if len(recorded) == len(acts) else LEVELS[0]
    evidence = [_evidence(act, state_dir) for act in recorded]
    return {
        "counts": counts,
        "outcome": outcome_of(counts, len(acts) + len(left)),
        "level": {"required": level, "achieved": LEVELS[0] if left else achieved, "standard": STANDARD},
        "evidence": evidence,
        "ansible_facts": {"disposal_evidence": {"records": len(evidence), "digest": digest_of(evidence)}},
        "limits": list(dict.fromkeys(limit for act in acts for limit in act.judged.limits)),
        "open": list(left[:_MOST_OPEN]),
        "warnings": [f"{len(left)} media of the work order have no result and stay open"] if left else [],
    }


def _evidence(act: _Act, state_dir: str) -> dict[str, t.Any]:
    judged = act.judged
    told = {
        "row": judged.number,
        "serial": judged.serial,
        "technique": judged.technique,
        "outcome": judged.outcome,
        "achieved": judged.achieved,
    }
    particles = judged.proof["particles"]
    if particles:
        told["particles"] = f"{particles['class']}-{particles['achieved']}"
    return {**told, "run": act.run, "journal": os.path.relpath(journal_path(state_dir, act.run), state_dir)}


def _failure(failed: t.Sequence[Judged], total: int, *, check_mode: bool) -> str:
    named = "; ".join(f"row {each.number} (serial {each.serial}): {'; '.join(each.reasons)}" for each in failed[:10])
    more = f" (and {len(failed) - 10} more)" if len(failed) > 10 else ""
    recorded = "would be recorded" if check_mode else "is recorded"
    return f"{len(failed)} of {total} media are not destroyed, although what was done to them {recorded}: {named}{more}"
