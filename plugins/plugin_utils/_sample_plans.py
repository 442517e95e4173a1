# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of plans that an auditor holds against evidence: each is the plan of one host in one sealed run, or it is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._evidence.canonical import digest
from ._evidence_files import MANIFEST, read_bytes
from ._sealed_runs import SealedRun

__all__ = ["Plan", "manifest_of", "media_plans", "read_plans"]

_MOST_OF_A_LINE = 1 << 20
Row = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a host, whose bytes are those that the manifest of a sealed run names.

    :ivar due: how many sets are due by it.
    """

    path: str
    run: str
    host: str
    due: int

    def rows(self) -> t.Iterator[tuple[int, Row]]:
        """Number of the line and row of each set that is due, in order."""
        return _due_rows(self.path)

    def of(self, sets: t.Container[str]) -> dict[str, Row]:
        """The rows of these sets that are due."""
        return {row["set"]: row for _line, row in self.rows() if row["set"] in sets}


def manifest_of(sealed: SealedRun) -> dict[str, t.Any]:
    """:raises EvidenceError: the manifest beside a statement is not the one that it names."""
    path = os.path.join(sealed.directory, MANIFEST)
    data = read_bytes(path)
    if digest(data) != sealed.statement["predicate"].get("manifest"):
        raise EvidenceError(f"{path} is not the manifest that the statement names; compare it with a copy")
    return read_manifest(data)


def read_plans(paths: t.Iterable[str], runs: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> list[Plan]:
    """The plans, in order of runs and hosts.

    :arg runs: names of sealed runs with their manifests.
    :raises RefusedError: one is the plan of no host in any of them, or cannot be read.
    """
    known: dict[str, tuple[str, str]] = {}
    for run, manifest in runs:
        for host, part in manifest["hosts"].items():
            known[str(part["plan"].get("digest"))] = (run, host)
    found: dict[tuple[str, str], Plan] = {}
    for path in paths:
        place = known.get(_digest(path))
        if place is None:
            raise RefusedError(
                f"{path} is the plan of no host in any sealed run, or was changed; name plans that were carried out, as they were"
            )
        found.setdefault(place, Plan(path, *place, sum(1 for _row in _due_rows(path))))
    return [found[place] for place in sorted(found)]


def media_plans(dest: str, run: str) -> list[str]:
    """The plans of media that are on the controller, by their paths."""
    directory = os.path.join(dest, "plans", run, "media")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [os.path.join(directory, name) for name in names if name.endswith(".jsonl")]


def _digest(path: str) -> str:
    whole = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                whole.update(chunk)
    except OSError as error:
        raise RefusedError(f"the plan {path} cannot be read ({error.strerror}); correct the path") from error
    return "sha256:" + whole.hexdigest()


def _due_rows(path: str) -> t.Iterator[tuple[int, Row]]:
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MOST_OF_A_LINE), b""), 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise RefusedError(f"{path} line {number} is not JSON, so it is no plan; name the file that the host wrote") from error
            # Plans of media have only rows of what is due, and no line before them.
            if isinstance(row, dict) and isinstance(row.get("set"), str) and row.get("verdict", "due") == "due":
                yield number, row
