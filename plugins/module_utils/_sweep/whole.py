# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite one thing as a whole, the free space of a filesystem or a block device: intent, act, outcome in a journal of its own."""

from __future__ import annotations

import os
import time
import typing as t

from .._erasure.asleft import as_left, left_as
from .._erasure.device import overwrite_device, require_fit
from .._erasure.freelook import look_at_free_space
from .._erasure.freeresult import FreeSpaceResult
from .._erasure.freespace import overwrite_free_space
from .._erasure.outcomes import DeviceResult
from .._erasure.pace import set_io_priority
from .._erasure.schemes import Scheme, find_scheme, reachable_level, require_level
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest_of
from .._evidence.journal import Journal, JournalState
from .._executor import Executor
from .._jobs.lock import host_lock
from .._media.identity import given_identity
from .approved import journal_path
from .capacity import whole_device
from .holding import refuse_holds
from .manner import manner_of, size_of
from .result import Method, conclude, envelope, latest_run, opening_of, run_id
from .state import StateDir

__all__ = ["overwrite_device_of", "overwrite_free_space_of"]

Act = t.Callable[[], "tuple[FreeSpaceResult | DeviceResult, dict[str, t.Any]]"]


class _Whole(t.NamedTuple):
    """What is overwritten.

    :arg kind: C(free_space) or C(device).
    :arg subject: what it is, as plain data.
    :arg size: bytes.
    """

    kind: str
    subject: dict[str, t.Any]
    size: int
    scheme: Scheme
    level: str

    @property
    def method(self) -> dict[str, str]:
        return {"technique": "overwrite", "scheme": self.scheme.name, "level": self.level}

    @property
    def set(self) -> str:
        return digest_of({self.kind: self.subject})

    @property
    def name(self) -> str:
        return digest_of({"kind": self.kind, "subject": self.subject, "method": self.method})

    @property
    def lock(self) -> str:
        """Free space shares the host's lock with those who work on files; devices do not wait for each other."""
        return "lock" if self.kind == "free_space" else f"lock-{self.set.partition(':')[2][:16]}"

    def told(self) -> dict[str, t.Any]:
        """What each record of it repeats."""
        return {"set": self.set, "class": None, "rule": self.kind, "bytes": self.size, "members": 1}


def overwrite_free_space_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(overwrite) with C(free_space).

    :raises DisposalError: refused before anything was written, or failed; C(details) tells how far it got.
    """
    manner = manner_of(params)
    refuse_holds(state := StateDir(params["state_dir"], executor), params["holds"])
    level = require_level("overwrite", params["level"])
    scheme = find_scheme(params["scheme"]).reading(manner.verify, manner.share)
    reserve = _reserve(params["reserve"])
    space = look_at_free_space(params["free_space"], reserve)
    whole = _Whole("free_space", {"path": params["free_space"], "reserve": space.reserve_bytes}, space.free_bytes, scheme, level)
    number, last = latest_run(state.path, whole.name)
    interrupted = _interrupted(whole, last, params)
    if check_mode:
        return {**_result(whole, number + 1, None, None, 0.0), "changed": True}

    def act() -> tuple[FreeSpaceResult, dict[str, t.Any]]:
        done = overwrite_free_space(executor, params["free_space"], scheme, reserve=reserve, threads=manner.threads, pace=manner.pace)
        numbers = ("free_bytes", "kept_bytes", "given_back_bytes", "files", "filesystem", "ended", "read")
        return done, {name: getattr(done, name) for name in numbers}

    return _carried(whole, state, number if interrupted else number + 1, act, priority=params["io_priority"])


def _interrupted(whole: _Whole, last: JournalState | None, params: t.Mapping[str, t.Any]) -> bool:
    """Whether the last run had not come to its outcome; one that only lacks its last record had.

    :raises RefusedError: it was, and it is not to be gone on with.
    """
    interrupted = last is not None and last.outcome_of(whole.set) is None
    if interrupted and not params["resume"]:
        raise RefusedError(
            f"an earlier run over this {whole.kind.replace('_', ' ')} was interrupted, so nothing was done; "
            "give resume: true to have it brought to its end"
        )
    return interrupted


def _reserve(text: str | None) -> int | None:
    if text is None or text == "0":
        return None if text is None else 0
    return size_of("reserve", text)


def overwrite_device_of(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(overwrite) with C(device).

    :raises DisposalError: refused before anything was written, or failed; C(details) tells how far it got.
    """
    manner = manner_of(params)
    refuse_holds(state := StateDir(params["state_dir"], executor), params["holds"])
    level = require_level("overwrite", params["level"])
    scheme = find_scheme(params["scheme"]).reading(manner.verify, manner.share)
    identity = given_identity(params["device"])
    device = whole_device(
        identity,
        executor,
        hidden_capacity=params["hidden_capacity"],
        on_unseen=params["on_unseen"],
        on_member=params["on_member"],
        check_mode=check_mode,
    )
    whole = _Whole("device", dict(device.identity), device.size, scheme, level)
    require_fit(device, scheme, on_unseen=params["on_unseen"], on_member=params["on_member"], on_ineffective=manner.on_ineffective)
    number, last = latest_run(state.path, whole.name)
    interrupted = _interrupted(whole, last, params)
    if last is not None and not interrupted and as_left(journal_path(state.path, run_id(whole.name, number)), [device]):
        return {**_result(whole, number, last, None, 0.0), "changed": False}
    if check_mode:
        return {**_result(whole, number if interrupted else number + 1, last if interrupted else None, None, 0.0), "changed": True}
    jobs = state.make("jobs")

    def act() -> tuple[DeviceResult, dict[str, t.Any]]:
        done = overwrite_device(
            executor,
            device,
            scheme,
            verify=scheme.verify,
            share=scheme.share / 1000,
            threads=manner.threads,
            pace=manner.pace,
            # One for the device, so that another task does not leave it lying about, with its key.
            checkpoint_path=os.path.join(jobs, f"{whole.set.partition(':')[2][:16]}.checkpoint"),
            resume=True,
            on_unseen=params["on_unseen"],
            on_member=params["on_member"],
            on_ineffective=manner.on_ineffective,
        )
        proof = {
            "identity": dict(done.identity),
            "read": done.read,
            "to_verify": done.to_verify,
            "bad_lbas": [list(each) for each in done.bad_lbas],
            "partitions": done.partitions,
            "left": [left_as(device)],
        }
        return done, proof

    return _carried(whole, state, number if interrupted else number + 1, act, priority=params["io_priority"])


def _carried(whole: _Whole, state: StateDir, number: int, act: Act, *, priority: str) -> dict[str, t.Any]:
    set_io_priority(priority)
    run = run_id(whole.name, number)
    state.make(os.path.join("runs", run))
    started = time.monotonic()
    with (
        host_lock(state.path, state.executor, purpose=f"overwrite {run}", name=whole.lock),
        Journal.open(journal_path(state.path, run), executor=state.executor) as journal,
    ):
        journal.begin(opening_of(run, whole.set))
        journal.append("intent", **whole.told(), method=whole.method, start=None, keep_until=None, destroy_by=None, aside=None, marks=[])
        journal.sync()
        try:
            done, proof = act()
        except DisposalError as error:
            _ended(whole, journal, "not_destroyed", [error.message], None)
            error.details.update(_result(whole, number, journal.state, None, time.monotonic() - started))
            raise
        proof = {
            **{"bytes": _written(done), "verified_bytes": done.verified_bytes, "passes": done.passes, "limits": list(done.limits)},
            **{"extents": "not_available", "filesystem": "", "read": "direct"},
            **proof,
        }
        _ended(whole, journal, done.outcome, [done.reason] if done.reason else [], proof)
        result = _result(whole, number, journal.state, done, time.monotonic() - started)
        result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    if done.outcome != "destroyed" and not done.asked:
        raise DisposalError(
            f"the {whole.kind.replace('_', ' ')} was not destroyed: {done.reason}; look at the medium, sanitize it as a whole, or destroy its keys",
            details={**result, "changed": True},
        )
    return {**result, "changed": True}


def _ended(whole: _Whole, journal: Journal, outcome: str, reasons: list[str], proof: dict[str, t.Any] | None) -> None:
    # The scheme was chosen because it reaches the level: no more is claimed than what was asked for.
    method = Method("overwrite", whole.level, whole.level, scheme=whole.scheme.name)
    conclude(journal, whole.told(), method, outcome, reasons, proof)


def _result(
    whole: _Whole, number: int, journal: JournalState | None, done: FreeSpaceResult | DeviceResult | None, seconds: float
) -> dict[str, t.Any]:
    """What every way out returns, filled as far as it got."""
    about: dict[str, t.Any] = {"run": run_id(whole.name, number), "method": whole.method, whole.kind: whole.subject}
    result = envelope(journal, required=whole.level, reachable=reachable_level("overwrite"), due=1, **about)
    result.update(
        bytes=_written(done) if done else 0,
        verified_bytes=done.verified_bytes if done else 0,
        passes=done.passes if done else 0,
        seconds=round(seconds, 3),
        rate=int(_moved(done) / max(seconds, 0.001)) if done else 0,
        limits=list(done.limits) if done else [],
        bad_ranges=_bad_ranges(whole, done),
    )
    if isinstance(done, FreeSpaceResult):
        result.update(free_bytes=done.free_bytes, kept_bytes=done.kept_bytes)
    if isinstance(done, DeviceResult):
        result.update(bad_lbas=[list(each) for each in done.bad_lbas], resumed=list(done.resumed) if done.resumed else None)
    return result


def _written(done: FreeSpaceResult | DeviceResult) -> int:
    return done.covered_bytes if isinstance(done, FreeSpaceResult) else done.bytes


def _moved(done: FreeSpaceResult | DeviceResult) -> int:
    return done.covered_bytes * done.passes if isinstance(done, FreeSpaceResult) else done.moved


def _bad_ranges(whole: _Whole, done: FreeSpaceResult | DeviceResult | None) -> list[dict[str, t.Any]]:
    if isinstance(done, FreeSpaceResult):
        ranges: t.Iterable[tuple[int, int]] = done.bad_ranges
    elif isinstance(done, DeviceResult):
        ranges = ((first * done.logical, (last - first + 1) * done.logical) for first, last in done.bad_lbas)
    else:
        ranges = ()
    return [{"set": whole.set, "offset": offset, "bytes": length} for offset, length in ranges]
