# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done, from the sealed runs on the controller: each is verified whole before it counts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.approval import MEDIA_FORMAT, read_manifest
from ._evidence_files import MANIFEST, STATEMENT, read_bytes
from ._ledger import read_ledger
from ._sealed_runs import Signers, journal_names, run_names
from ._verify import verify_run

__all__ = ["Done", "Run", "gather_runs"]


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run whose evidence was verified.

    :ivar media: what was destroyed are media, and not recordings.
    :ivar hosts: by host, its part of the statement.
    :ivar plans: by host, the digest of the plan that it carried out.
    """

    name: str
    created: str
    complete: bool
    media: bool
    hosts: dict[str, dict[str, t.Any]]
    plans: dict[str, str]
    missing_hosts: tuple[str, ...]


@dataclasses.dataclass(slots=True)
class Done:
    """All runs of a state directory.

    :ivar runs: those that count, by the time of their statements.
    :ivar broken: names of those that are sealed, or named by the ledger, and cannot be believed.
    :ivar unsealed: names of those that nobody has sealed.
    :ivar told: a sentence for each fault, for whoever runs the task.
    """

    runs: list[Run] = dataclasses.field(default_factory=list)
    broken: list[str] = dataclasses.field(default_factory=list)
    unsealed: list[str] = dataclasses.field(default_factory=list)
    told: list[str] = dataclasses.field(default_factory=list)


def gather_runs(dest: str, *, ledger: str, signers: Signers, now: dt.datetime) -> Done:
    """The runs.

    :arg ledger: its path.
    :raises EvidenceError: the ledger cannot be believed, or C(ssh-keygen) cannot be used.
    """
    done = Done()
    there = run_names(dest) if os.path.isdir(os.path.join(dest, "runs")) else []
    sealed = [run for run in there if os.path.exists(os.path.join(dest, "runs", run, STATEMENT))]
    if not os.path.exists(ledger) and sealed:
        raise RefusedError(f"the ledger {ledger} is missing and {len(sealed)} runs are sealed, so none of them counts; correct ledger")
    listed = {entry.run for entry in read_ledger(ledger)} if os.path.exists(ledger) else set()
    for name in sorted({*there, *listed}):
        if name not in there:
            done.broken.append(name)
            done.told.append(f"the run {name} is not in {os.path.join(dest, 'runs')}; put it back from a copy")
        elif name not in sealed and name not in listed:
            # One without a journal has not begun.
            done.unsealed += [name] if journal_names(os.path.join(dest, "runs", name)) else []
        else:
            _take(done, name, os.path.join(dest, "runs", name), ledger=ledger, signers=signers, now=now)
    done.runs.sort(key=lambda run: (run.created, run.name))
    return done


def _take(done: Done, name: str, directory: str, *, ledger: str, signers: Signers, now: dt.datetime) -> None:
    report = verify_run(directory, allowed_signers=signers.allowed_signers, signer=signers.signer, ledger=ledger, now=now)
    problems = list(report.problems)
    if not problems and report.statement is not None:
        predicate = report.statement["predicate"]
        if predicate["run"] == name:
            done.runs.append(_run(predicate, read_manifest(read_bytes(os.path.join(directory, MANIFEST)))))
            return
        problems.append(f"its statement is of the run {predicate['run']}; look for the right one")
    done.broken.append(name)
    done.told += [f"the run {name}: {problem}" for problem in problems]


def _run(predicate: dict[str, t.Any], manifest: dict[str, t.Any]) -> Run:
    try:
        return Run(
            name=predicate["run"],
            created=predicate["created"],
            complete=predicate["complete"] is True,
            media=manifest["format"] == MEDIA_FORMAT,
            hosts=predicate["hosts"],
            plans={host: part["plan"]["digest"] for host, part in manifest["hosts"].items()},
            missing_hosts=tuple(predicate["missing_hosts"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            f"the statement of the run {predicate.get('run')} lacks {error}; use the version of the collection that wrote it"
        ) from error
