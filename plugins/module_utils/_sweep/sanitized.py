# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(sanitize) returns on every way out, filled as far as it got."""

from __future__ import annotations

import typing as t

from .._erasure.sanitized import SanitizeResult
from .._erasure.schemes import LEVELS, STANDARD
from .._evidence.canonical import digest_of
from .._evidence.journal import JournalState
from .asked import Task
from .result import envelope, run_id

__all__ = ["miss_told", "nothing_of", "result_of"]

_NO_CANARIES = {"laid": 0, "left": 0, "unread": 0}
_NOT_LOOKED = {"unavailable": "nothing was begun"}


def result_of(
    task: Task, number: int, journal: JournalState | None, done: SanitizeResult | None, seconds: float, *, unknown: bool = False
) -> dict[str, t.Any]:
    """Of one run.

    :arg unknown: it was begun, and has no outcome yet.
    """
    if unknown:
        journal = JournalState()
        journal.counts["unknown"] = 1
    about: dict[str, t.Any] = {"run": run_id(task.name, number), "method": task.method, "device": task.subject}
    result = envelope(journal, required=task.required, reachable=task.reachable, due=1, **about)
    result["level"]["standard"] = task.standard
    running = {"percent": done.percent} if done and done.running else {}
    return {
        **result,
        **running,
        "technique": task.technique,
        "tried": [],
        "reached": task.names,
        "seconds": round(seconds, 3),
        "running": done.running if done else False,
        "transition": done.transition if done else "",
        "canaries": dict(done.canaries) if done else dict(_NO_CANARIES),
        "media_verification": dict(done.verification) if done else dict(_NOT_LOOKED),
        "limits": [*done.limits, *miss_told(done.canaries["laid"])] if done else [],
        "reason": done.reason if done else None,
        "warnings": [],
    }


def nothing_of(params: t.Mapping[str, t.Any], reason: str) -> dict[str, t.Any]:
    """Of a task that was refused before any run was begun."""
    counts = {"destroyed": 0, "not_destroyed": 1, "unknown": 0}
    asked = {key: value for key, value in sorted(params["device"].items()) if value is not None}
    told = {"run": None, "method": {"technique": params["technique"], "level": params["level"]}, "device": {"asked": asked}}
    record = {**told, "outcome": "not_destroyed", "counts": counts}
    return {
        "changed": False,
        "run": None,
        "outcome": "not_destroyed",
        "reason": reason,
        "counts": counts,
        "level": {"required": params["level"], "achieved": LEVELS[0], "standard": STANDARD},
        "evidence": [record],
        "ansible_facts": {"disposal_evidence": {"run": None, "records": 1, "digest": digest_of(record)}},
        "technique": params["technique"],
        "tried": [],
        "reached": [],
        "seconds": 0.0,
        "running": False,
        "transition": "",
        "canaries": dict(_NO_CANARIES),
        "media_verification": dict(_NOT_LOOKED),
        "limits": [],
        "warnings": [],
    }


def miss_told(laid: int) -> list[str]:
    """What so many canaries miss, as a limit."""
    if not laid:
        return []
    # Spread one to a section, they do at least as well as if each lay anywhere.
    missed = (1 - 0.01) ** laid
    return [f"{laid} canaries miss a residue of 1 % of the medium with a probability of {missed:.2g} unless it lies at one of its ends"]
