# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotate a host's journals: which are old enough, and what becomes of those that the controller found sealed."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.rotated import RotatedAway, read_rotated
from .._evidence.rotation import Ages, KeptError, Rotator, Sealed
from .._executor import Executor
from .._jobs.lock import host_lock
from .._recordings.calendar import Calendar
from .._recordings.periods import Period, positive_period
from .state import StateDir

__all__ = ["rotate_journals"]

_MOST_TOLD = 50
_MOST_CANDIDATES = 2000
_MOST_SKEW = 300

Told = dict[str, t.Any]


def rotate_journals(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> Told:
    """The result of C(journal_rotate): without C(sealed) what is old enough, and nothing is done.

    :raises DisposalError: refused before anything was touched, or a journal could not be rotated because of a fault; C(details) tells the rest.
    """
    state = StateDir(params["state_dir"], executor)
    rotator = Rotator(state.path, executor, _ages(params), check_mode=check_mode)
    if params["sealed"] is None:
        candidates = rotator.candidates()
        return {
            **_result(rotator, []),
            "changed": False,
            "candidates": candidates[:_MOST_CANDIDATES],
            "left": max(0, len(candidates) - _MOST_CANDIDATES),
            "unfinished": len(rotator.unfinished()),
        }
    sealed = [Sealed.of(told) for told in params["sealed"]]
    for each in sealed:
        if each.host != params["host"]:
            raise RefusedError(f"sealed: the run {each.run} is one of the host {each.host}, not of {params['host']}, so nothing was done")
    with contextlib.ExitStack() as stack:
        if not check_mode and os.path.isdir(rotator.runs):
            stack.enter_context(host_lock(state.path, executor, purpose="journal_rotate"))
        return _rotated(rotator, sealed)


def _ages(params: t.Mapping[str, t.Any]) -> Ages:
    """:raises RefusedError: a period is none, or this host's clock is not the controller's."""
    periods: dict[str, Period] = {}
    for name in ("compress_after", "keep"):
        try:
            periods[name] = positive_period(params[name])
        except ValueError as error:
            raise RefusedError(f"{name}: {params[name]!r} {error}; nothing was done") from error
    now, calendar = int(time.time()), Calendar("UTC")
    if _after(periods["keep"], calendar, now) < _after(periods["compress_after"], calendar, now):
        raise RefusedError(
            f"keep ({params['keep']}) is shorter than compress_after ({params['compress_after']}), so nothing was done; correct one of them"
        )
    told = params["controller_time"]
    if told is not None and abs(now - told) > _MOST_SKEW:
        raise RefusedError(
            f"this host's clock and the controller's are {abs(now - told)} seconds apart, so nobody can tell how old a journal is, and nothing "
            "was done; set the clocks and run again"
        )

    def is_over(period: Period, moment: int) -> bool:
        return _after(period, calendar, moment) <= now

    return Ages(now, functools.partial(is_over, periods["compress_after"]), functools.partial(is_over, periods["keep"]))


def _after(period: Period, calendar: Calendar, moment: int) -> float:
    try:
        return period.after(moment, calendar)
    except (ValueError, OverflowError):
        # Later than any calendar: never.
        return float("inf")


def _rotated(rotator: Rotator, sealed: t.Sequence[Sealed]) -> Told:
    done: list[str] = []
    kept: list[Told] = []
    faults: list[str] = []

    def attempt(run: str, act: t.Callable[[], str]) -> None:
        try:
            did = act()
            if did:
                done.append(did)
        except KeptError as error:
            kept.append({"run": run, "reason": f"the journal of the run {run} {error}"})
        except (DisposalError, OSError) as error:
            text = error.message if isinstance(error, DisposalError) else str(error.strerror or error)
            faults.append(f"{run}: {text}")

    for line in rotator.unfinished():
        attempt(line.run, functools.partial(_finished, rotator, line))
    announced = read_rotated(rotator.state_dir)
    for each in sorted(sealed, key=lambda each: each.run):
        if each.run not in announced:
            attempt(each.run, functools.partial(rotator.rotate, each))
    result = _result(rotator, done, kept)
    if faults:
        raise DisposalError(
            f"{len(faults)} journals were not rotated because of faults and stay, the first: {faults[0]}; repair that or make room, and run again",
            details=result,
        )
    return result


def _finished(rotator: Rotator, line: RotatedAway) -> str:
    rotator.finish(line)
    return "removed"


def _result(rotator: Rotator, done: t.Sequence[str], kept: t.Sequence[Told] = ()) -> Told:
    return {
        "changed": bool(done),
        "compressed": done.count("compressed"),
        "removed": done.count("removed"),
        "freed": rotator.freed,
        "kept": list(kept[:_MOST_TOLD]),
        "warnings": [each["reason"] for each in kept[:_MOST_TOLD]],
    }
