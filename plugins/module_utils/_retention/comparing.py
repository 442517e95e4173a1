# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two policies over one walk: each set is found once, and judged under the present and under the changed policy."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._recordings.layouts import Layout
from .._recordings.openfiles import OpenFiles
from .._recordings.sets import RecordingSet
from .._recordings.source import Resolver, Source, check_root, require_sets
from .._recordings.walk import Directory, opened_below, place_on_device
from .passes import Emit, Pass, Place, refuse_overlap
from .planner import Planner
from .policy import Policy
from .tally import SourceTally
from .transitions import Changes

__all__ = ["Comparer", "Root", "roots_of"]


@dataclasses.dataclass(frozen=True)
class Root:
    """A root that is walked once: the source that each policy has there, none where it has none, or sees other sets."""

    path: str
    before: Source | None
    after: Source | None

    @property
    def sources(self) -> tuple[Source | None, Source | None]:
        return self.before, self.after

    @property
    def known(self) -> list[Source]:
        return [source for source in self.sources if source is not None]

    def walked(self, name: str) -> Source:
        """A source for the walk, which is none of a policy."""
        first = self.known[0]
        # What the metadata of both are decides whether processes may share the walk.
        metadata = tuple(spec for source in self.known for spec in source.metadata)
        return dataclasses.replace(first, name=name, roots=(self.path,), metadata=metadata)


def _grouping(layout: Layout) -> Layout:
    """What of a layout says which files make a set, and what their names tell."""
    return dataclasses.replace(layout, name="", time_zone=None, quiet=0, open_files=True, marker=None)


def roots_of(before: Policy, after: Policy) -> list[Root]:
    """Every root of either policy; one whose layouts find different sets stands there twice, once for each policy."""
    there: dict[str, list[Source | None]] = {}
    for index, policy in enumerate((before, after)):
        for source in policy.sources:
            for root in source.roots:
                there.setdefault(os.path.normpath(root), [None, None])[index] = source
    roots = []
    for path, (old, new) in there.items():
        if old is not None and new is not None and _grouping(old.layout) != _grouping(new.layout):
            roots += [Root(path, old, None), Root(path, None, new)]
        else:
            roots.append(Root(path, old, new))
    return roots


class _Twofold(Resolver):
    """Finds the sets of a root once, and resolves each by the source of either policy."""

    def __init__(self, walked: Source, resolvers: tuple[Resolver | None, Resolver | None], *, now: int) -> None:
        # The resolvers of the policies read the metadata.
        super().__init__(dataclasses.replace(walked, metadata=()), now=now, open_files=OpenFiles(frozenset(), True))
        self.sides = resolvers
        first, second = resolvers
        self.alike = (
            first is not None
            and second is not None
            and (first.source.metadata, first.source.time_zone) == (second.source.metadata, second.source.time_zone)
        )
        self.views: tuple[RecordingSet | None, RecordingSet | None] = None, None
        self._markers = {side.source.sentinel.marker for side in resolvers if side is not None}

    def resolve(self, recording_set: RecordingSet, directory_fd: int) -> None:
        """Fill C(views), the set as each policy sees it."""
        first, second = self.sides
        other = None if second is None or self.alike else recording_set.copy()
        if first is not None:
            first.resolve(recording_set, directory_fd)
        if other is not None and second is not None:
            second.resolve(other, directory_fd)
        elif self.alike:
            other = recording_set.copy()
        self.views = recording_set if first is not None else None, other

    def _directory(self, root_fd: int, recording_set: RecordingSet) -> t.ContextManager[int]:
        return opened_below(root_fd, recording_set.directory)

    def _without_marker(self, directory: Directory) -> Directory:
        if directory.path:
            return directory
        return directory._replace(files=[(name, facts) for name, facts in directory.files if name not in self._markers])


class Comparer(Pass[Changes]):
    """One pass under two policies.

    :arg before: planner under the present policy.
    :arg after: planner under the changed one; both are as of the same time.
    :arg samples: how many sets of each transition are told by their id.
    """

    def __init__(self, before: Planner, after: Planner, *, samples: int, workers: int) -> None:
        self.planners = before, after
        self.roots = {str(index): root for index, root in enumerate(roots_of(before.policy, after.policy))}
        self.samples = samples
        walked = {name: root.walked(name) for name, root in self.roots.items()}
        resolvers = {name: _Twofold(walked[name], self._sides(root), now=after.rules.now) for name, root in self.roots.items()}
        super().__init__(list(walked.values()), resolvers, workers=workers)
        self.twofold = resolvers

    def _sides(self, root: Root) -> tuple[Resolver | None, Resolver | None]:
        first, second = (None if source is None else planner.resolvers[source.name] for source, planner in zip(root.sources, self.planners))
        return first, second

    def close(self) -> None:
        for planner in self.planners:
            planner.close()

    def counts(self) -> Changes:
        return Changes(self.samples)

    def compare(self) -> Changes:
        """Judge every set under both policies. A root that cannot be read is noted in C(unread) and counts nothing."""
        seen: tuple[dict[str, t.Any], dict[str, t.Any]] = {}, {}
        return self.root_by_root(lambda source, _path: self._root(source, self.roots[source.name], seen))

    def _root(self, source: Source, root: Root, seen: tuple[dict[str, t.Any], dict[str, t.Any]]) -> Changes:
        for known in root.known:
            os.close(check_root(known, root.path))
        part = self.counts()
        for place in self.places_of(source, root.path, {}):
            if not place.base:
                for known_source, others in zip(root.sources, seen):
                    if known_source is not None:
                        refuse_overlap(root.path, place_on_device(place.fd, root.path), others)
            part.merge(self.over(place, lambda _rows: None))
        for known in root.known:
            require_sets(known, root.path, part.found[0])
        return part

    def take(self, place: Place, sets: t.Iterable[tuple[RecordingSet, int]], counts: Changes, found: SourceTally, emit: Emit) -> None:
        root, resolver = self.roots[place.source.name], self.twofold[place.source.name]
        places = [None if source is None else dataclasses.replace(place, source=source) for source in root.sources]
        named = places[1] or places[0] or place
        for recording_set, directory_fd in sets:
            before, after = (
                None if there is None or view is None else planner.decide(there, view, directory_fd)
                for planner, there, view in zip(self.planners, places, resolver.views)
            )
            size = recording_set.size
            key = recording_set.key
            counts.add(
                before,
                after,
                (1, len(recording_set.members), size),
                lambda key=key: self.planners[1].identifiers.of(named.source.name, named.path, key),  # type: ignore[misc]  # keeps the loop's value
            )
