# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every destroying run returns, and the numbered runs of tasks that have no plan of their own."""

from __future__ import annotations

import os
import typing as t

from .._erasure.schemes import LEVELS, STANDARD
from .._evidence.canonical import digest, digest_of
from .._evidence.journal import FORMAT, OUTCOMES, Journal, JournalState, read_journal
from .._evidence.rotated import journal_stands
from .approved import journal_path
from .version import VERSION

__all__ = ["Method", "conclude", "envelope", "latest_run", "opening_of", "outcome_of", "run_id"]


def run_id(name: str, number: int) -> str:
    """The run of a task that was given C(number) times before.

    :arg name: a digest of what the task asks for.
    """
    return digest(f"{name}\n{number}".encode()).partition(":")[2][:16]


def latest_run(state_dir: str, name: str) -> tuple[int, JournalState | None]:
    """Number and state of a task's last run that did anything; -1 and none where there was none."""
    number = -1
    while journal_stands(journal_path(state_dir, run_id(name, number + 1))):
        number += 1
    while number >= 0:
        found = JournalState.fold(read_journal(journal_path(state_dir, run_id(name, number)), allow_torn=True))
        if found.opening is not None:
            return number, found
        # Cut off before its first record: it has done nothing.
        number -= 1
    return -1, None


def opening_of(run: str, plan: str) -> dict[str, t.Any]:
    """The first record of a run that nobody but the task asked for.

    :arg plan: a digest of what is to be destroyed.
    """
    return {
        **{"format": FORMAT, "run": run, "host": os.uname().nodename, "plan": plan, "approvals": [], "collection": VERSION},
        **{"manifest": None, "policy": None, "author": None, "identifiers": "hmac"},
    }


def outcome_of(counts: t.Mapping[str, int], due: int) -> str:
    """The outcome of a run: C(unknown) as soon as one set's is, C(destroyed) only where there are C(due) sets and each of them is."""
    return "unknown" if counts["unknown"] else "destroyed" if due and counts["destroyed"] == due else "not_destroyed"


class Method(t.NamedTuple):
    """How a run destroys its one set, and to which level.

    :ivar reachable: the level that is reached where all is destroyed, by the words of C(standard).
    """

    technique: str
    required: str
    reachable: str
    standard: str = STANDARD
    scheme: str | None = None


def conclude(
    journal: Journal,
    told: t.Mapping[str, t.Any],
    method: Method,
    outcome: str,
    reasons: t.Sequence[str],
    proof: t.Mapping[str, t.Any] | None,
    achieved: str | None = None,
) -> None:
    """The last two records of a run with one set: its outcome, and the end.

    :arg told: which set, as the intent told it.
    :arg proof: what was seen.
    :arg achieved: the level, where it is known to be reached although it is less than was required.
    """
    achieved = achieved or (method.reachable if outcome == "destroyed" else LEVELS[0])
    journal.append(
        "outcome",
        **told,
        outcome=outcome,
        level={"required": method.required, "achieved": achieved, "standard": method.standard},
        technique=method.technique,
        scheme=method.scheme,
        reason=list(reasons),
        proof=proof,
    )
    journal.end()


def envelope(
    journal: JournalState | None, *, required: str, reachable: str, due: int, begun: str = "", **record: t.Any
) -> dict[str, t.Any]:
    """Counts, outcome, level and evidence of a run, as far as it got.

    :arg required: the level; C(reachable) the one that is reached where all is destroyed.
    :arg due: sets that are to be destroyed.
    :arg begun: as what a set counts that was begun and has no outcome yet; left out where there is none.
    :arg record: what the evidence tells besides, the run's name C(run) among it.
    """
    counts = dict(journal.counts) if journal else dict.fromkeys(OUTCOMES, 0)
    if begun:
        counts[begun] += 1
    outcome = outcome_of(counts, due)
    achieved = reachable if due and counts["destroyed"] == due else LEVELS[0]
    told = {**record, "outcome": outcome, "counts": counts}
    return {
        "run": told["run"],
        "counts": counts,
        "outcome": outcome,
        "level": {"required": required, "achieved": achieved, "standard": STANDARD},
        "evidence": [told],
        "ansible_facts": {"disposal_evidence": {"run": told["run"], "records": sum(counts.values()), "digest": digest_of(told)}},
    }
