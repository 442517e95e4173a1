# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a period's recordings a host has: how many go with its key, and which must be kept and are to be wrapped with another one first."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import io
import os
import re
import typing as t

from .._erasure.targets import Expected, open_directory, plain_parts
from .._errors import DisposalError, RefusedError
from .._evidence.clock import time_text
from .._executor import Executor
from .._jobs.lock import host_lock
from .._keys.age import Header, Label, read_header, require_own
from .._keys.agekeys import AgeError, fingerprint, parse_recipient
from .._keys.reports import FORMAT
from .._keys.rewrapping import Answers, ask_line, digest_of_header, read_answers, replace_header
from .._recordings.layouts import ENCRYPTED
from .._recordings.sets import Member, RecordingSet
from .._retention.encryption import period_of
from .._retention.planner import Place, Planner
from .._retention.rows import PlanFile, plan_path
from .._retention.verdict import Decision
from .inputs import gather
from .state import StateDir

__all__ = ["release_period"]

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SAMPLES = 8


class _Counts:
    """What was found of the period, in sets but for C(unread) (files) and C(bytes)."""

    def __init__(self) -> None:
        self.sets = self.kept = self.plain = self.undecided = self.others = self.unread = self.bytes = self.rewrapped = 0
        self.reasons: dict[str, int] = {}
        self.samples: list[str] = []

    def row(self) -> dict[str, t.Any]:
        names = ("sets", "kept", "plain", "undecided", "others", "unread", "bytes")
        return {**{name: getattr(self, name) for name in names}, "reasons": dict(sorted(self.reasons.items())), "samples": self.samples}


class _Period(t.NamedTuple):
    """Which key it is about.

    :arg unit: the length of the class's periods, as its policy has it.
    :arg planned: names of the sets that an approved plan lists as due; C(None) where none was given.
    """

    label: Label
    unit: str
    planned: frozenset[str] | None

    def owns(self, header: Header) -> bool:
        """Whether a file goes with the key, whatever class and period it was encrypted as."""
        return header.label is not None and header.label.fingerprint == self.label.fingerprint


def release_period(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(recording_period).

    :raises DisposalError: refused before anything was changed, or a recording could not be given its new header.
    """
    state = StateDir(params["state_dir"], executor)
    inputs = gather(params, state)
    unit = {item.name: item.encryption for item in inputs.policy.classes}.get(params["class"])
    if not unit:
        raise RefusedError(
            f"the policy {inputs.policy.id} has no class {params['class']!r} with encryption, so nothing was done; correct it"
        )
    if not 0 <= params["kept_limit"] <= 100:
        raise RefusedError(f"kept_limit is {params['kept_limit']}, not from 0 to 100, so nothing was done; correct it")
    own = _recipient(params["recipient"], "recipient")
    period = _Period(Label(params["class"], params["period"], fingerprint(own)), unit, _planned(params["plan"], state))
    with contextlib.ExitStack() as stack:
        if not check_mode:
            stack.enter_context(host_lock(state.path, executor, purpose=f"recording_period {params['class']} {params['period']}"))
        if params["answers"] is None:
            counts = _Counts()
            asks = _walked(inputs.planner(), period, counts)
            path = _write_asks(state, period, asks, check_mode=check_mode)
            changed = False
        else:
            answers = read_answers(params["answers"], _recipient(params["new_recipient"], "new_recipient"))
            counts, path, changed = _applied(inputs.planner, period, answers, params, executor, check_mode=check_mode), None, bool(answers)
            changed = changed and counts.rewrapped > 0
    return {
        "changed": changed,
        "report": {
            "format": FORMAT,
            "host": params["host"],
            "class": period.label.retention_class,
            "period": period.label.period,
            "recipient": period.label.fingerprint,
            "plan": params["plan"],
            "time": time_text(dt.datetime.now(dt.timezone.utc)),
            **counts.row(),
        },
        "asks": path,
        "rewrapped": counts.rewrapped,
        "warnings": list(inputs.warnings),
    }


def _recipient(text: str | None, option: str) -> bytes:
    try:
        return parse_recipient(text or "")
    except AgeError as error:
        raise RefusedError(f"{option}: {error.message}; nothing was done") from error


def _planned(digest: str | None, state: StateDir) -> frozenset[str] | None:
    """:raises EvidenceError: the plan is not on this host, or was changed."""
    if digest is None:
        return None
    file = PlanFile(plan_path(state.path, digest), digest)
    try:
        return frozenset(row.set for row in file.due())
    finally:
        file.close()


def _walked(planner: Planner, period: _Period, counts: _Counts) -> list[bytes]:
    """Look at every set; the headers of those that must be kept."""
    kept: list[bytes] = []
    try:
        for place, recording_set, decision in _sets(planner):
            _take(planner, place, recording_set, decision, period, counts, kept)
    finally:
        planner.close()
    return kept


def _sets(planner: Planner) -> t.Iterator[tuple[Place, RecordingSet, Decision]]:
    for place in planner.places():
        resolver = planner.resolvers[place.source.name]
        for recording_set, directory_fd in resolver.walk(place.fd, "", {}):
            yield place, recording_set, planner.decide(place, recording_set, directory_fd)


def _take(
    planner: Planner,
    place: Place,
    recording_set: RecordingSet,
    decision: Decision,
    period: _Period,
    counts: _Counts,
    kept: list[bytes],
) -> None:
    own = _of_the_key(place, recording_set, period, counts)
    if not own:
        _count_plain(planner, place, recording_set, decision, period, counts)
        return
    counts.sets += 1
    counts.others += any(_opens_otherwise(header) for _member, header in own)
    counts.bytes += sum(member.size for member, _header in own)
    name = planner.identifiers.of(place.source.name, place.path, recording_set.key)
    if decision.verdict != "due" or (period.planned is not None and name not in period.planned):
        counts.kept += 1
        why = decision.verdict if decision.verdict != "due" else "not_planned"
        counts.reasons[why] = counts.reasons.get(why, 0) + 1
        kept.extend(header.raw for _member, header in own)
    elif len(counts.samples) < _SAMPLES:
        counts.samples.append(base64.b64encode(own[0][1].raw).decode("ascii"))


def _of_the_key(place: Place, recording_set: RecordingSet, period: _Period, counts: _Counts) -> list[tuple[Member, Header]]:
    """The members that go with the key, by what they begin with: a name says nothing, since people rename files."""
    own: list[tuple[Member, Header]] = []
    for member in recording_set.members:
        try:
            header = _header_at(place.fd, member)
        except AgeError:
            continue
        except OSError as error:
            # What is on its way comes and goes under other names.
            counts.unread += member.path.endswith(ENCRYPTED) or not isinstance(error, FileNotFoundError)
            continue
        try:
            if period.owns(header):
                own.append((member, header))
        except AgeError:
            counts.unread += 1
    return own


def _opens_otherwise(header: Header) -> bool:
    try:
        require_own(header)
    except AgeError:
        return True
    return False


def _count_plain(planner: Planner, place: Place, recording_set: RecordingSet, decision: Decision, period: _Period, counts: _Counts) -> None:
    """Count a set with members that were never encrypted, if it is of the class and period or nothing tells that it is not."""
    found, start = decision.retention_class, recording_set.start
    if found is not None and found.name != period.label.retention_class:
        return
    if start is not None and period_of(period.unit, start, planner.rules.calendar) != period.label.period:
        return
    sidecars = planner.resolvers[place.source.name].sidecars(recording_set)
    if any(
        member.role != "sidecar" and not member.path.endswith(ENCRYPTED) and member.path.rpartition("/")[2] not in sidecars
        for member in recording_set.members
    ):
        if found is None or start is None:
            counts.undecided += 1
        else:
            counts.plain += 1


def _header_at(root_fd: int, member: Member) -> Header:
    """:raises AgeError: it has none. :raises OSError: it cannot be read."""
    *parents, name = plain_parts(member.path)
    try:
        dir_fd = open_directory(root_fd, parents)
    except DisposalError as error:
        raise OSError(error.message) from error
    try:
        fd = os.open(name, _READ, dir_fd=dir_fd)
    finally:
        os.close(dir_fd)
    with os.fdopen(fd, "rb") as file:
        return read_header(file)


def _write_asks(state: StateDir, period: _Period, kept: t.Sequence[bytes], *, check_mode: bool) -> str | None:
    """The headers that are to be made anew, in a file; none where there is nothing to ask, or in check mode."""
    if not kept or check_mode:
        return None
    directory = state.make("periods")
    name = re.sub(r"[^a-z0-9.-]", "_", f"{period.label.retention_class}-{period.label.period}".lower())
    path = os.path.join(directory, f"{name}.asks.jsonl")
    try:
        state.executor.replace_file(path, [ask_line(raw) for raw in kept])
    except OSError as error:
        raise DisposalError(f"{path} cannot be written ({error.strerror}); make room and run again") from error
    return path


def _applied(
    planner: t.Callable[[], Planner],
    period: _Period,
    answers: Answers,
    params: t.Mapping[str, t.Any],
    executor: Executor,
    *,
    check_mode: bool,
) -> _Counts:
    """Give what must be kept the headers that came back, and look at everything again.

    :raises RefusedError: more must be kept than the limit allows.
    """
    before = _Counts()
    _walked(planner(), period, before)
    if before.kept * 100 > params["kept_limit"] * before.sets:
        raise RefusedError(
            f"{before.kept} of {before.sets} sets of {params['class']} {params['period']} must be kept, more than kept_limit ({params['kept_limit']} %), "
            "so nothing was done; make sure that this is the period that is meant, or raise the limit"
        )
    if check_mode:
        before.rewrapped = before.kept
        return before
    rewrapped = _rewrapped(planner(), period, answers, executor)
    after = _Counts()
    _walked(planner(), period, after)
    after.rewrapped = rewrapped
    return after


def _rewrapped(planner: Planner, period: _Period, answers: Answers, executor: Executor) -> int:
    count = 0
    try:
        for place, recording_set, decision in _sets(planner):
            name = planner.identifiers.of(place.source.name, place.path, recording_set.key)
            if decision.verdict == "due" and (period.planned is None or name in period.planned):
                continue
            for member in recording_set.members:
                count += _replaced(place, member, period, answers, executor)
    finally:
        planner.close()
    return count


def _replaced(place: Place, member: Member, period: _Period, answers: Answers, executor: Executor) -> bool:
    try:
        header = _header_at(place.fd, member)
        own = period.owns(header)
    except (AgeError, OSError):
        return False
    new = answers.get(digest_of_header(header.raw))
    if not own or new is None or period.owns(read_header(io.BytesIO(new))):
        return False
    *parents, name = plain_parts(member.path)
    dir_fd = open_directory(place.fd, parents)
    try:
        replace_header(executor, dir_fd, name, Expected(member.dev, member.ino, member.size, member.mtime_ns), header.raw, new)
    except DisposalError as error:
        raise DisposalError(f"a recording that must be kept still goes with the old key: {error.message}") from error
    finally:
        os.close(dir_fd)
    return True
