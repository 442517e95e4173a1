# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One destructive run from its first journal record to its last."""

from __future__ import annotations

import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.journal import Journal
from .._executor import Executor
from .._retention.rows import PlanFile
from .destroying import Destroyer
from .finishing import finish_pending

__all__ = ["carry_out", "refuse_small_disk"]

# A journal needs about this much: for each set an intent, a proof, an outcome, and in the intent the mark of each file.
_BYTES_PER_SET = 2600
_BYTES_PER_FILE = 120
_BYTES_PER_PASS = 24


def refuse_small_disk(path: str, *, sets: int, files: int, passes: int) -> None:
    """Refuse a run whose journal would not fit below C(path).

    :raises RefusedError: telling how much it needs.
    """
    facts = os.statvfs(path)
    free = facts.f_bavail * facts.f_frsize
    need = sets * _BYTES_PER_SET + files * (_BYTES_PER_FILE + passes * _BYTES_PER_PASS) + (1 << 16)
    if free < need:
        raise RefusedError(
            f"the journal of this run needs up to {need} bytes below {path}, and {free} are free, so nothing was done; make room and run again"
        )


def carry_out(
    path: str,
    executor: Executor,
    file: PlanFile,
    *,
    opening: t.Mapping[str, t.Any],
    build: t.Callable[[Journal], Destroyer],
    reasons: t.Mapping[str, str],
    told: t.Callable[[Journal], dict[str, t.Any]],
    ending: t.Callable[[dict[str, int]], None],
    again: str,
    done: str = "destroyed",
) -> dict[str, t.Any]:
    """Begin or resume a run, give every due row its outcome, close the journal.

    :arg path: of the journal.
    :arg reasons: why a set is skipped, by its name.
    :arg told: the result as far as the journal has got.
    :arg ending: called with the counts before the journal is closed.
    :arg again: what to do about sets that were not C(done) because of faults.
    :raises DisposalError: the run stopped, or a set that should have been destroyed was not; C(details) is the result so far.
    """
    with Journal.open(path, executor=executor) as journal:
        journal.begin(opening)
        try:
            with build(journal) as destroyer:
                finish_pending(destroyer, file, reasons)
                destroyer.destroy(file, reasons)
            counts = dict(journal.state.counts)
            ending(counts)
            journal.end()
        except (DisposalError, OSError) as problem:
            error = (
                problem
                if isinstance(problem, DisposalError)
                else DisposalError(f"the run stopped ({problem}); repair that and run it again")
            )
            error.details.update(told(journal))
            raise error from problem
        result = {**told(journal), "changed": destroyer.touched > 0}
    if destroyer.failures:
        raise DisposalError(
            f"{len(destroyer.failures)} of {sum(counts.values())} sets were not {done} because of faults, "
            f"the first: {destroyer.failures[0]}; see the journal, repair that and {again}",
            details=result,
        )
    return result
