# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both halves of a sweep are given: policy, holds, requests, clock."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from .._errors import RefusedError
from .._recordings.calendar import calendar_for, parse_instant
from .._recordings.openfiles import OpenFiles, find_open_files
from .._retention.holds import ErasureRequest, Hold, load_holds, load_requests, unknown_sources
from .._retention.limits import LimitState, check_limits, skew_problem
from .._retention.planner import Planner
from .._retention.policy import Policy, load_policy
from .._retention.rows import Identifiers
from .._retention.tally import Tally
from .._retention.verdict import Rules
from .state import StateDir

__all__ = ["Inputs", "gather"]

_MOST_WORKERS = 4


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Checked inputs at one point in time.

    :ivar now: what verdicts are as of, in seconds since 1970 UTC: this host's clock, or the date that is simulated.
    :ivar clock: this host's clock.
    """

    policy: Policy
    holds: tuple[Hold, ...]
    generation: str
    requests: tuple[ErasureRequest, ...]
    requests_digest: str
    identifiers: Identifiers
    now: int
    clock: int
    warnings: tuple[str, ...]
    open_files: OpenFiles
    workers: int
    simulated: bool = False

    def rules(self) -> Rules:
        return Rules(self.policy, self.holds, self.requests, now=self.now)

    def planner(self) -> Planner:
        return Planner(self.rules(), open_files=self.open_files, identifiers=self.identifiers, workers=self.workers)

    def limits(self, tally: Tally, history: t.Sequence[int]) -> list[LimitState]:
        """Every limit against what a pass found."""
        due, _files, size = tally.due
        classes = {}
        for item in self.policy.classes:
            verdicts = tally.classes[item.name].verdicts if item.name in tally.classes else {}
            classes[item.name] = (sum(counts[0] for counts in verdicts.values()), verdicts.get("due", [0])[0], item.share)
        return check_limits(
            self.policy.limits,
            totals=(due, size),
            classes=classes,
            newest={name: source.newest for name, source in tally.sources.items()},
            history=history,
            now=self.clock,
        )


def _with_sources(policy: Policy, names: t.Sequence[str] | None) -> Policy:
    """The policy with the sources that this host has; its digest stays."""
    if names is None:
        return policy
    known = [source.name for source in policy.sources]
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise RefusedError(f"sources names {', '.join(unknown) or 'nothing'}; the policy {policy.id} has the sources {', '.join(known)}")
    return dataclasses.replace(policy, sources=tuple(source for source in policy.sources if source.name in names))


def _as_of(given: t.Any, policy: Policy, clock: int) -> int:
    """The point in time that verdicts are as of.

    :raises RefusedError: what was given is no date.
    """
    if given is None:
        return clock
    try:
        return parse_instant(given, calendar_for(policy.time_zone), day_ends=True)
    except (ValueError, OverflowError) as error:
        raise RefusedError(f"as_of: {str(given)[:60]!r} {error}; nothing was looked at") from error


def gather(params: t.Mapping[str, t.Any], state: StateDir) -> Inputs:
    """Check everything that was given, before anything else is done.

    :raises PolicyError: a document is not valid.
    :raises RefusedError: a hold cannot be read, the clocks differ, the key for identifiers is missing.
    """
    whole = load_policy(params["policy"])
    policy = _with_sources(whole, params.get("sources"))
    holds, generation = load_holds([*(params["holds"] or []), *state.hold_documents()])
    requests, requests_digest = load_requests(params["requests"] or [])
    clock = int(time.time())
    problem = skew_problem(policy.limits, now=clock, controller_now=params.get("controller_time"))
    if problem is not None:
        raise RefusedError(problem)
    now = _as_of(params.get("as_of"), policy, clock)
    key = params.get("identifiers_key") or ""
    if policy.identifiers == "hmac" and len(key) < 32:
        raise RefusedError(
            "the policy asks for identifiers: hmac, but no key of at least 32 characters was given; "
            "give identifiers_key_file (a file on the controller), or identifiers: plain on purpose"
        )
    warnings = unknown_sources(holds, requests, [source.name for source in whole.sources])
    # Which process has a file open on another day nobody knows.
    open_files = find_open_files() if params.get("as_of") is None else OpenFiles(frozenset(), True)
    if not open_files.complete:
        warnings.append("not every process could be looked at for open files (run as root to see all); quiet times and locks still count")
    return Inputs(
        policy=policy,
        holds=holds,
        generation=generation,
        requests=requests,
        requests_digest=requests_digest,
        identifiers=Identifiers(kind=policy.identifiers, key=key),
        now=now,
        clock=clock,
        warnings=tuple(warnings),
        open_files=open_files,
        workers=params.get("workers") or min(len(os.sched_getaffinity(0)), _MOST_WORKERS),
        simulated=params.get("as_of") is not None,
    )
