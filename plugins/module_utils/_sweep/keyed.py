# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring sets to their end whose keys were destroyed: encrypted files go by name, what lay beside them in the clear is overwritten."""

from __future__ import annotations

import os
import re
import typing as t

from .._erasure.files import why_ineffective
from .._erasure.marks import Mark
from .._erasure.outcomes import FileResult
from .._erasure.schemes import LEVELS, Scheme, satisfies
from .._erasure.targets import OpenTarget
from .._errors import RefusedError
from .._keys.age import Label, read_header, require_own
from .._keys.agekeys import AgeError
from .._retention.rows import Row
from .._standards.techniques import TECHNIQUES
from .destroying import Destroyer

__all__ = ["DestroyedKeys", "KeyedDestroyer"]

_TECHNIQUE = "crypto_erase"


class DestroyedKeys:
    """Keys that crypto_erase has destroyed, by the label of what they would open, with the run that did.

    :arg given: each with C(class), C(period), C(recipient) (its fingerprint), C(outcome), C(level) and C(run), as crypto_erase returned them.
    :raises RefusedError: one is of another form, or not destroyed.
    """

    def __init__(self, given: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        self.runs: dict[Label, str] = {}
        for each in given:
            named = all(isinstance(each.get(name), str) for name in ("class", "period", "recipient", "run", "outcome", "level"))
            if not named or not re.fullmatch("[0-9a-f]{32}", each["recipient"]):
                raise RefusedError(
                    "a destroyed key is not of the form that crypto_erase gives, so nothing was done; pass its result as it is"
                )
            if each["outcome"] != "destroyed" or each["level"] not in LEVELS[1:]:
                raise RefusedError(
                    f"the key of {each['class']} {each['period']} is {each['outcome']}, not destroyed, so nothing was done; bring that to its end first"
                )
            self.runs[Label(each["class"], each["period"], each["recipient"])] = each["run"]

    def told(self) -> dict[str, t.Any]:
        """For the record that opens a run; nothing where no key was destroyed."""
        rows = [{**label._asdict(), "run": run} for label, run in sorted(self.runs.items())]
        return {"keys": rows} if rows else {}

    def run_of_key(self, recipient: str) -> str | None:
        """The run that destroyed a key, by its fingerprint; none where none of them is that."""
        return next((run for label, run in self.runs.items() if label.fingerprint == recipient), None)

    def run_of(self, target: OpenTarget) -> str | None:
        """The run that destroyed the key of an open file and of nobody else's; none where no key was that."""
        with os.fdopen(os.dup(target.fd), "rb") as file:
            file.seek(0)
            try:
                return self.runs.get(require_own(read_header(file)))
            except AgeError:
                return None


class KeyedDestroyer(Destroyer):
    """A destroyer of sets of both techniques.

    :ivar keys: that were destroyed.
    """

    def __init__(self, *given: t.Any, keys: DestroyedKeys, **options: t.Any) -> None:
        super().__init__(*given, **options)
        self.keys = keys
        self._runs: dict[int, str | None] = {}

    def _run_of(self, target: OpenTarget) -> str | None:
        """As C(DestroyedKeys), asked once while the file is open: afterwards it may have been overwritten."""
        if id(target) not in self._runs:
            self._runs[id(target)] = self.keys.run_of(target)
        return self._runs[id(target)]

    def erase(self, opened: t.Sequence[tuple[Row, list[OpenTarget]]], *, erased: t.Mapping[str, t.Any] | None = None) -> None:
        """As C(Destroyer); of what an interrupted run had announced, keys are looked at here."""
        fit = []
        for row, targets in opened:
            problem = self.unfit(row, targets) if row.method["technique"] == _TECHNIQUE and erased is None else None
            if problem:
                self.fail(row, "not_destroyed", [problem], None)
            else:
                fit.append((row, targets))
        try:
            if fit:
                super().erase(fit, erased=erased)
        finally:
            # Another target may come to have the same place in memory.
            self._runs.clear()

    def why_not(self, row: Row) -> str:
        return "" if row.method["technique"] == _TECHNIQUE and self.keys.runs else super().why_not(row)

    def unfit(self, row: Row, targets: t.Sequence[OpenTarget]) -> str | None:
        if row.method["technique"] != _TECHNIQUE:
            return super().unfit(row, targets)
        if self.goes_aside(row):
            return None
        plain = [target for target in targets if self._run_of(target) is None]
        if any(path.endswith(".age") for target in plain for path in target.paths):
            return "an encrypted file of it goes with a key that is not known to be destroyed"
        if len(plain) == len(targets):
            return "none of its files is encrypted with a key that was destroyed"
        if plain and not satisfies(TECHNIQUES["overwrite"].level, row.method["level"]):
            return f"files beside it lie there in the clear, and overwriting them reaches less than {row.method['level']}"
        return next(filter(None, why_ineffective(plain, probe=self.probe)), None)

    def write(
        self,
        opened: t.Sequence[tuple[Row, list[OpenTarget]]],
        scheme: Scheme,
        announce: t.Callable[[list[Mark | None]], None],
    ) -> list[FileResult]:
        if opened[0][0].method["technique"] != _TECHNIQUE:
            return super().write(opened, scheme, announce)
        every = [target for _row, targets in opened for target in targets]
        covered = [self._run_of(target) is not None for target in every]
        plain = [(row, [target for target in targets if self._run_of(target) is None]) for row, targets in opened]

        def announced(marks: list[Mark | None]) -> None:
            left = iter(marks)
            announce([None if gone else next(left) for gone in covered])

        overwritten = iter(super().write(plain, scheme, announced))
        return [self._by_key(target) if gone else next(overwritten) for target, gone in zip(every, covered)]

    def _by_key(self, target: OpenTarget) -> FileResult:
        facts = target.facts(self.probe)
        limits = ("what is encrypted is still on the medium, and nobody has its key",)
        return FileResult("destroyed", target.size, 0, 0, "key", facts.type, "not_available", limits, None)

    def more_proof(self, row: Row, targets: t.Sequence[OpenTarget]) -> dict[str, t.Any]:
        if row.method["technique"] != _TECHNIQUE:
            return {}
        runs = [self._run_of(target) for target in targets]
        return {"keys": sorted({run for run in runs if run}), "in_the_clear": sum(run is None for run in runs)}

    def reached(self, row: Row, proof: t.Mapping[str, t.Any] | None) -> str:
        if row.method["technique"] != _TECHNIQUE:
            return super().reached(row, proof)
        told = [proof or {}, (proof or {}).get("before_interruption") or {}]
        return TECHNIQUES["overwrite" if any(each.get("in_the_clear") for each in told) else _TECHNIQUE].level
