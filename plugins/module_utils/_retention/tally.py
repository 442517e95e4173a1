# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts over sets, mergeable, and of a size that does not grow with the number of sets."""

from __future__ import annotations

import dataclasses
import typing as t

from .._recordings.calendar import rfc3339
from .._recordings.source import Source
from .policy import VERDICTS, Policy, RetentionClass
from .verdict import Decision

__all__ = ["Tally"]

SAMPLES = 5
_REASONS = 25
_OTHER = "other reasons"


@dataclasses.dataclass
class ClassTally:
    """One class: sets and bytes by verdict as [sets, files, bytes]; instants are seconds since 1970."""

    verdicts: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    overdue: list[int] = dataclasses.field(default_factory=lambda: [0, 0])
    oldest: int | None = None
    newest: int | None = None
    next_due: int | None = None


@dataclasses.dataclass
class SourceTally:
    """One source: sets, files, bytes, newest change in seconds since 1970."""

    counts: list[int] = dataclasses.field(default_factory=lambda: [0, 0, 0])
    newest: int | None = None
    roots: dict[str, int] = dataclasses.field(default_factory=dict)
    passed_over: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, theirs: SourceTally) -> None:
        _add(self.counts, theirs.counts)
        self.newest = _most(self.newest, theirs.newest)
        for root, count in theirs.roots.items():
            self.roots[root] = self.roots.get(root, 0) + count
        for kind, count in theirs.passed_over.items():
            self.passed_over[kind] = self.passed_over.get(kind, 0) + count


def _add(into: list[int], counts: t.Sequence[int]) -> None:
    for index, count in enumerate(counts):
        into[index] += count


def _count(verdicts: dict[str, list[int]], verdict: str, files: int, size: int) -> None:
    try:
        counts = verdicts[verdict]
    except KeyError:
        counts = verdicts[verdict] = [0, 0, 0]
    counts[0] += 1
    counts[1] += files
    counts[2] += size


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


class Tally:
    """What a plan's result tells, added up set by set or merged part by part."""

    def __init__(self) -> None:
        self.verdicts: dict[str, list[int]] = {verdict: [0, 0, 0] for verdict in VERDICTS}
        self.classes: dict[str, ClassTally] = {}
        self.sources: dict[str, SourceTally] = {}
        self.reasons: dict[str, dict[str, int]] = {}
        self.overdue = [0, 0]
        self.oldest_destroy_by: int | None = None
        self.samples: dict[str, list[dict[str, t.Any]]] = {}

    def add(self, decision: Decision, files: int, size: int, now: int) -> None:
        """One set with its verdict, its number of files and its bytes."""
        verdict = decision.verdict
        _count(self.verdicts, verdict, files, size)
        if decision.reasons:
            self._count_reasons(verdict, decision.reasons)
        if decision.retention_class is not None:
            self._add_class(decision, decision.retention_class, files, size, now)

    def _count_reasons(self, verdict: str, reasons: t.Iterable[str], count: int = 1) -> None:
        known = self.reasons.setdefault(verdict, {})
        for reason in reasons:
            name = reason if reason in known or len(known) < _REASONS else _OTHER
            known[name] = known.get(name, 0) + count

    def _add_class(self, decision: Decision, retention_class: RetentionClass, files: int, size: int, now: int) -> None:
        tally = self.classes.get(retention_class.name)
        if tally is None:
            tally = self.classes[retention_class.name] = ClassTally()
        verdict, start, keep_until = decision.verdict, decision.start, decision.keep_until
        _count(tally.verdicts, verdict, files, size)
        if start is not None:
            if tally.oldest is None or start < tally.oldest:
                tally.oldest = start
            if tally.newest is None or start > tally.newest:
                tally.newest = start
        if verdict == "retained":
            if keep_until is not None and now < keep_until and (tally.next_due is None or keep_until < tally.next_due):
                tally.next_due = keep_until
        elif verdict == "due" and decision.destroy_by is not None and decision.destroy_by < now:
            _add(tally.overdue, (1, size))
            _add(self.overdue, (1, size))
            self.oldest_destroy_by = _least(self.oldest_destroy_by, decision.destroy_by)

    def add_sample(self, verdict: str, sample: t.Callable[[], dict[str, t.Any]]) -> None:
        samples = self.samples.setdefault(verdict, [])
        if len(samples) < SAMPLES:
            samples.append(sample())

    def merge(self, other: Tally) -> None:
        """Add another part's counts."""
        for verdict, counts in other.verdicts.items():
            _add(self.verdicts[verdict], counts)
        for name, theirs in other.classes.items():
            ours = self.classes.setdefault(name, ClassTally())
            for verdict, counts in theirs.verdicts.items():
                _add(ours.verdicts.setdefault(verdict, [0, 0, 0]), counts)
            _add(ours.overdue, theirs.overdue)
            ours.oldest, ours.newest = _least(ours.oldest, theirs.oldest), _most(ours.newest, theirs.newest)
            ours.next_due = _least(ours.next_due, theirs.next_due)
        for name, source in other.sources.items():
            self.add_source(name, source)
        for verdict, reasons in other.reasons.items():
            for reason, count in reasons.items():
                self._count_reasons(verdict, [reason], count)
        _add(self.overdue, other.overdue)
        self.oldest_destroy_by = _least(self.oldest_destroy_by, other.oldest_destroy_by)
        for verdict, samples in other.samples.items():
            for sample in samples:
                self.add_sample(verdict, lambda sample=sample: sample)  # type: ignore[misc]  # a default argument keeps the loop's value

    def add_source(self, name: str, theirs: SourceTally) -> None:
        self.sources.setdefault(name, SourceTally()).add(theirs)

    @property
    def due(self) -> tuple[int, int, int]:
        """Sets, files and bytes that are due."""
        sets, files, size = self.verdicts["due"]
        return sets, files, size

    def result(self, policy: Policy) -> dict[str, t.Any]:
        """The part of the module's result that holds counts."""
        totals = [sum(counts[index] for counts in self.verdicts.values()) for index in range(3)]
        return {
            "totals": _named(totals),
            "verdicts": {verdict: _named(counts) for verdict, counts in self.verdicts.items()},
            "classes": {item.name: self._class_result(item) for item in policy.classes},
            "reasons": self.reasons,
            "overdue": {"sets": self.overdue[0], "bytes": self.overdue[1], "oldest_destroy_by": rfc3339(self.oldest_destroy_by)},
            "sources": [
                {
                    "name": source.name,
                    "layout": source.layout.name,
                    "roots": list(source.roots),
                    **_named(self.sources.get(source.name, SourceTally()).counts),
                    "newest": rfc3339(self.sources.get(source.name, SourceTally()).newest),
                    "passed_over": self.sources.get(source.name, SourceTally()).passed_over,
                    "sets_by_root": self._by_root(source),
                }
                for source in policy.sources
            ],
            "samples": self.samples,
        }

    def _by_root(self, source: Source) -> dict[str, int]:
        found = self.sources.get(source.name, SourceTally()).roots
        return {root: found.get(root, 0) for root in source.roots}

    def _class_result(self, item: RetentionClass) -> dict[str, t.Any]:
        tally = self.classes.get(item.name, ClassTally())
        return {
            "legal_basis": item.legal_basis,
            "keep": item.keep_text,
            "destroy_within": item.within_text,
            "method": item.method.row(),
            "sets": sum(counts[0] for counts in tally.verdicts.values()),
            "bytes": sum(counts[2] for counts in tally.verdicts.values()),
            "verdicts": {verdict: _named(counts) for verdict, counts in tally.verdicts.items()},
            "overdue": {"sets": tally.overdue[0], "bytes": tally.overdue[1]},
            "oldest": rfc3339(tally.oldest),
            "newest": rfc3339(tally.newest),
            "next_due": rfc3339(tally.next_due),
        }


def _named(counts: t.Sequence[int]) -> dict[str, int]:
    return {"sets": counts[0], "files": counts[1], "bytes": counts[2]}
