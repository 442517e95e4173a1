# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed policy would do to the sets that are there: counts by transition, mergeable and of a bounded size."""

from __future__ import annotations

import typing as t

from .._recordings.calendar import rfc3339
from .tally import SourceTally
from .verdict import Decision

__all__ = ["ABSENT", "EFFECTS", "NEWLY", "NO_LONGER", "Changes", "Transition", "effect_of"]

NEWLY, NO_LONGER = "newly_destroyed", "no_longer_destroyed"
EFFECTS = (NEWLY, NO_LONGER, "sooner", "later", "other")
"""In the order in which people look: C(sooner) and C(later) are sets that stay now, with another end of their period."""

ABSENT = "absent"
"""In the place of a verdict: the policy does not look at the root, or sees other sets there."""

Side = tuple[str, str, str]
"""Verdict, class and rule; class and rule are empty where there is none."""


def _side(decision: Decision | None) -> Side:
    if decision is None:
        return ABSENT, "", ""
    return decision.verdict, decision.retention_class.name if decision.retention_class else "", decision.rule or ""


def effect_of(before: Decision | None, after: Decision | None) -> str | None:
    """What the change does to a set, one of C(EFFECTS); none where it does nothing."""
    was, becomes = before is not None and before.verdict == "due", after is not None and after.verdict == "due"
    if was != becomes:
        return NEWLY if becomes else NO_LONGER
    if before is None or after is None:
        return "other"
    if before.verdict == after.verdict == "retained" and before.keep_until != after.keep_until:
        return "sooner" if (after.keep_until or 0) < (before.keep_until or 0) else "later"
    return None if _side(before) == _side(after) and before.method == after.method else "other"


class Transition:
    """Sets to which the same happens: C(counts) are sets, files and bytes."""

    __slots__ = ("counts", "samples")

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.samples: list[dict[str, t.Any]] = []


def _add(into: list[int], counts: t.Sequence[int]) -> None:
    for index, count in enumerate(counts):
        into[index] += count


class Changes:
    """Everything that is counted over the sets of one or more roots.

    :arg samples: how many sets of each transition are told by their id.
    """

    def __init__(self, samples: int) -> None:
        self.most_samples = samples
        self.found = [0, 0, 0]
        self.verdicts: tuple[dict[str, list[int]], dict[str, list[int]]] = {}, {}
        self.classes: tuple[dict[str, list[int]], dict[str, list[int]]] = {}, {}
        self.transitions: dict[tuple[str, Side, Side], Transition] = {}
        self.sources: dict[str, SourceTally] = {}

    def add(self, before: Decision | None, after: Decision | None, counts: tuple[int, int, int], name: t.Callable[[], str]) -> None:
        """One set.

        :arg counts: 1, its files, its bytes.
        :arg name: its id, asked for only where the set is a sample.
        """
        _add(self.found, counts)
        sides = _side(before), _side(after)
        for (verdict, class_name, _rule), verdicts, classes in zip(sides, self.verdicts, self.classes):
            _add(verdicts.setdefault(verdict, [0, 0, 0]), counts)
            if class_name:
                _add(classes.setdefault(class_name, [0, 0, 0]), counts)
        effect = effect_of(before, after)
        if effect is None:
            return
        transition = self.transitions.setdefault((effect, *sides), Transition())
        _add(transition.counts, counts)
        if len(transition.samples) < self.most_samples:
            ends = [rfc3339(decision.keep_until) if decision else None for decision in (before, after)]
            transition.samples.append({"set": name(), "bytes": counts[2], "keep_until_before": ends[0], "keep_until_after": ends[1]})

    def merge(self, other: Changes) -> None:
        _add(self.found, other.found)
        for ours, theirs in zip((*self.verdicts, *self.classes), (*other.verdicts, *other.classes)):
            for name, counts in theirs.items():
                _add(ours.setdefault(name, [0, 0, 0]), counts)
        for key, transition in other.transitions.items():
            mine = self.transitions.setdefault(key, Transition())
            _add(mine.counts, transition.counts)
            mine.samples.extend(transition.samples[: self.most_samples - len(mine.samples)])
        for name, source in other.sources.items():
            self.add_source(name, source)

    def add_source(self, name: str, theirs: SourceTally) -> None:
        self.sources.setdefault(name, SourceTally()).add(theirs)

    def effect(self, effect: str) -> list[int]:
        """Sets, files and bytes to which this happens."""
        total = [0, 0, 0]
        for (own, _before, _after), transition in self.transitions.items():
            if own == effect:
                _add(total, transition.counts)
        return total

    def of_class(self, name: str, effect: str) -> int:
        """Sets of a class that are newly, or no longer, destroyed: by the class that destroys them."""
        return sum(
            found.counts[0]
            for (own, before, after), found in self.transitions.items()
            if own == effect and (after if effect == NEWLY else before)[1] == name
        )
