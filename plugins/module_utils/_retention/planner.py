# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning: walk the roots, decide each set, count, and write rows. Nothing here writes anything but private temporary files."""

from __future__ import annotations

import typing as t

from .._recordings.calendar import rfc3339
from .._recordings.openfiles import OpenFiles
from .._recordings.sets import RecordingSet
from .._recordings.source import Resolver, require_sets
from .passes import Emit, Pass, Place, aside_name, aside_since, without_collector
from .policy import Policy
from .rows import Identifiers, encode_row
from .tally import SourceTally, Tally
from .verdict import Decision, Rules

__all__ = ["Place", "Planner", "aside_name", "aside_since"]


class Planner(Pass[Tally]):
    """One pass over all sources of a policy.

    :arg workers: processes that share the work.
    """

    def __init__(self, rules: Rules, *, open_files: OpenFiles, identifiers: Identifiers, workers: int = 1) -> None:
        sources = rules.policy.sources
        resolvers = {source.name: Resolver(source, now=rules.now, open_files=open_files) for source in sources}
        super().__init__(sources, resolvers, workers=workers)
        self.rules = rules
        self.policy: Policy = rules.policy
        self.identifiers = identifiers

    def counts(self) -> Tally:
        return Tally()

    def plan(self, emit: Emit, *, may_be_empty: bool = False) -> Tally:
        """Decide every set; C(emit) gets the rows of all that are not retained, in an order that the same tree gives again.

        :arg may_be_empty: a root may hold fewer sets than its sentinel asks for, since a run that was cut off has emptied it.
        """
        total = Tally()
        with without_collector():
            found: dict[tuple[str, str], int] = {}
            for place in self.places():
                part = self.over(place, emit)
                key = place.source.name, place.root
                # What is in quarantine below a root is there as well.
                found[key] = found.get(key, 0) + part.sources[place.source.name].counts[0]
                total.merge(part)
            for source in () if may_be_empty else self.policy.sources:
                for root in source.roots:
                    require_sets(source, root, found[source.name, root])
        return total

    def take(self, place: Place, sets: t.Iterable[tuple[RecordingSet, int]], counts: Tally, found: SourceTally, emit: Emit) -> None:
        now = self.rules.now
        latest = (now + 1) * 1_000_000_000
        here = found.counts
        newest = (found.newest or 0) * 1_000_000_000
        for recording_set, directory_fd in sets:
            decision = self.decide(place, recording_set, directory_fd)
            files = size = 0
            for _path, _role, _dev, _ino, member_size, mtime_ns, _nlink in recording_set.members:
                files += 1
                size += member_size
                # A time of change in the future says nothing about the clock.
                if newest < mtime_ns < latest:
                    newest = mtime_ns
            here[0] += 1
            here[1] += files
            here[2] += size
            counts.add(decision, files, size, now)
            if decision.verdict != "retained":
                self._emit(place, recording_set, decision, size, counts, emit)
        found.newest = newest // 1_000_000_000 or None

    def decide(self, place: Place, recording_set: RecordingSet, directory_fd: int) -> Decision:
        """The verdict on a resolved set, its quarantine considered."""
        resolver = self.resolvers[place.source.name]
        names = self.rules.computed_fields
        fields = resolver.describe(recording_set, names) if names else recording_set.fields
        decision = self.rules.decide(recording_set, fields, resolver.in_progress(recording_set, directory_fd))
        if place.entered is not None and decision.verdict == "due" and decision.method is not None:
            until = self.rules.quarantined_until(decision.method, place.entered)
            if self.rules.now < until:
                decision.verdict, decision.reasons, decision.keep_until = "retained", ["quarantine"], until
        return decision

    def _emit(
        self,
        place: Place,
        recording_set: RecordingSet,
        decision: Decision,
        size: int,
        tally: Tally,
        emit: Emit,
    ) -> None:
        identifier = self.identifiers.of(place.source.name, place.path, recording_set.key)
        emit(encode_row(identifier, place.source.name, place.path, recording_set, decision))
        tally.add_sample(decision.verdict, lambda: _sample(identifier, decision, size))


def _sample(identifier: str, decision: Decision, size: int) -> dict[str, t.Any]:
    return {
        "set": identifier,
        "class": decision.retention_class.name if decision.retention_class else None,
        "keep_until": rfc3339(decision.keep_until),
        "destroy_by": rfc3339(decision.destroy_by),
        "bytes": size,
        "reason": decision.reasons,
    }
