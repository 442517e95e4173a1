# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sealed runs that a sample is drawn from, each opened, verified and indexed at most once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._executor import Executor
from ._evidence_files import STATEMENT
from ._ledger import Entry
from ._sample_plans import manifest_of
from ._sealed_runs import SealedRun, Signers, open_sealed, run_names
from ._tree_cache import Leaf, LeafIndex, leaf_index
from ._verify import verify_run

__all__ = ["Item", "Runs"]

_T = t.TypeVar("_T")


@dataclasses.dataclass(slots=True)
class Item:
    """Something that was looked at: what it is, what is recorded of it, and a sentence for each fault."""

    told: dict[str, t.Any]
    faults: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        return {**self.told, "faults": self.faults}


class Runs:
    """All runs of a state directory, or those that are named.

    :ivar sealed: by name, in its order.
    :ivar broken: a sentence for each that has a statement, or a line in the ledger, and cannot be believed.
    :ivar not_covered: a sentence for each that is not sealed.
    """

    def __init__(
        self,
        dest: str,
        names: t.Sequence[str],
        *,
        ledger_path: str,
        ledger: t.Sequence[Entry],
        signers: Signers,
        executor: Executor | None,
        now: dt.datetime,
    ) -> None:
        self.dest, self.ledger_path, self.ledger, self.signers, self.executor, self.now = dest, ledger_path, ledger, signers, executor, now
        self.sealed: dict[str, SealedRun] = {}
        self.manifests: dict[str, dict[str, t.Any]] = {}
        self.broken: list[str] = []
        self.not_covered: list[str] = []
        self._problems: dict[str, list[str]] = {}
        self._indexes: dict[str, LeafIndex] = {}
        there = run_names(dest)
        lost = sorted({entry.run for entry in ledger} - set(there)) if not names else sorted(set(names) - set(there))
        self.broken += [f"the run {run} is not in {os.path.join(dest, 'runs')}; put it back from a copy" for run in lost]
        for run in there:
            if not names or run in names:
                self._open(run)

    def _open(self, run: str) -> None:
        listed = any(entry.run == run for entry in self.ledger)
        if not listed and not os.path.exists(os.path.join(self.dest, "runs", run, STATEMENT)):
            self.not_covered.append(f"the run {run}, which is not sealed")
            return
        try:
            sealed = open_sealed(self.dest, run, ledger=self.ledger, signers=self.signers)
            self.manifests[run] = manifest_of(sealed)
            self.sealed[run] = sealed
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            self.broken.append(error.message)

    def problems(self, run: str) -> list[str]:
        """What verifying the whole run finds: journals, statement, signature, ledger, manifest, approvals."""
        if run not in self._problems:
            directory = os.path.join(self.dest, "runs", run)
            who = {"allowed_signers": self.signers.allowed_signers, "signer": self.signers.signer}
            report = verify_run(directory, **who, ledger=self.ledger_path, now=self.now)
            self._problems[run] = report.problems
        return self._problems[run]

    def leaf(self, run: str, index: int) -> Leaf:
        """:raises EvidenceError: what the journals hold is not the leaf that the statement has."""
        return self._sure(run, lambda found: found.leaf(index))

    def outcome(self, run: str, host: str, name: str) -> Leaf | None:
        """The leaf of a set, none where the statement has none.

        :raises EvidenceError: a journal is not what the statement names.
        """

        def look(found: LeafIndex) -> Leaf | None:
            leaves = (found.leaf(place) for place in found.named(name))
            leaf = next((leaf for leaf in leaves if leaf.host == host and leaf.record.get("set") == name), None)
            if leaf is None and found.kept:
                raise EvidenceError("what is kept is not believed in that it has none")
            return leaf

        return self._sure(run, look)

    def _sure(self, run: str, look: t.Callable[[LeafIndex], _T]) -> _T:
        """What C(look) finds; if it fails by what is kept of the journals, by the journals themselves."""
        index = self._indexes.get(run) or leaf_index(self.sealed[run], executor=self.executor)
        self._indexes[run] = index
        try:
            return look(index)
        except (EvidenceError, ValueError):
            if not index.kept:
                raise
            self._indexes[run] = leaf_index(self.sealed[run], executor=self.executor, anew=True)
            return look(self._indexes[run])
