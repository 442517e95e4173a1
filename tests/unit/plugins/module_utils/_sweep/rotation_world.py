# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with journals of runs that ended years ago, and what a controller would tell of them."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.chain import ChainReader
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.rotating import rotate_journals
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    close,
    destroy,
    digest_text,
    opening,
    set_name,
)

__all__ = ["COMPRESS", "REMOVE", "START", "RotationWorld"]

START = dt.datetime(2020, 1, 2, 22, 0, tzinfo=dt.timezone.utc)
# What makes journals of 2020 old enough to be compressed, and to be removed.
COMPRESS = {"compress_after": "P7D", "keep": "P900Y"}
REMOVE = {"compress_after": "P7D", "keep": "P90D"}


class RotationWorld:
    def __init__(self, path: pathlib.Path) -> None:
        self.state = path / "state"
        self.runs = self.state / "runs"
        self.runs.mkdir(parents=True, exist_ok=True)
        for directory in (self.state, self.runs):
            directory.chmod(0o700)
        self.rotated = self.state / "rotated.jsonl"

    def journal(self, run: str) -> pathlib.Path:
        return self.runs / run / "journal.jsonl"

    def packed(self, run: str) -> pathlib.Path:
        return self.runs / run / "journal.jsonl.gz"

    def add(self, number: int = 1, *, sets: int = 3, ended: bool = True, start: dt.datetime = START, **told: t.Any) -> str:
        """The journal of a run over, with a file as old; returns the run's name."""
        run = f"{number:016x}"
        path = self.journal(run)
        path.parent.mkdir(mode=0o700)
        moments = (start + dt.timedelta(seconds=second) for second in range(10**6))
        with Journal.open(str(path), executor=Executor(), clock=lambda: next(moments)) as journal:
            journal.append("open", **opening(**{"run": run, **told}))
            for each in range(sets):
                destroy(journal, set_name(each))
            if ended:
                close(journal)
        self.age(path)
        return run

    def age(self, path: pathlib.Path, moment: float = START.timestamp()) -> None:
        os.utime(path, (moment, moment), follow_symlinks=False)

    def sealed(self, run: str, **changes: t.Any) -> dict[str, t.Any]:
        """What the controller tells of a journal that was sealed as it is now."""
        with self.journal(run).open("rb") as file:
            reader = ChainReader(file, "journal")
            first = list(reader)[0]
        told = {"run": run, "plan": f"plan-{run}", "host": "rec1", "manifest": first["manifest"], "journal": reader.file_digest}
        return {**told, "records": reader.count, "head": reader.head, "statement": digest_text(run), **changes}

    def rotate(
        self, sealed: t.Sequence[dict[str, t.Any]] | None, *, check: bool = False, executor: Executor | None = None, **params: t.Any
    ) -> dict[str, t.Any]:
        given = {"host": "rec1", "state_dir": str(self.state), "sealed": sealed, "controller_time": int(time.time()), **REMOVE, **params}
        return rotate_journals(given, CheckExecutor() if check else executor or Executor(), check_mode=check)
