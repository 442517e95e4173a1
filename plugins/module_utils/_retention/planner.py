# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning: walk the roots, decide each set, count, and write rows. Nothing here writes anything but private temporary files."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import gc
import os
import re
import typing as t

from .._errors import RefusedError
from .._recordings.calendar import rfc3339
from .._recordings.openfiles import OpenFiles
from .._recordings.sets import RecordingSet
from .._recordings.source import Resolver, Source, check_root, require_sets
from .._recordings.walk import ASIDE, elsewhere, opened_below, place_on_device, read_directory
from .fanout import fan_out
from .policy import Policy
from .rows import Identifiers, encode_row
from .tally import SourceTally, Tally
from .verdict import Decision, Rules

__all__ = ["Place", "Planner", "aside_name", "aside_since"]

_ASIDE_NAME = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{16}")
# Enough parts that no worker waits long for the last one, few enough that their count costs nothing.
_PARTS = 64
_MOST_PARTS = 1024


def aside_name(entered: int, run: str) -> str:
    """The directory below C(ASIDE) that takes the sets that a run quarantines."""
    return f"{dt.datetime.fromtimestamp(entered, dt.timezone.utc):%Y%m%dT%H%M%S}Z-{run}"


def aside_since(name: str) -> int | None:
    """When a quarantine directory was entered, seconds since 1970; none where it is not one of ours."""
    match = _ASIDE_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return int(dt.datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=dt.timezone.utc).timestamp())
    except ValueError:
        return None


@dataclasses.dataclass(frozen=True)
class Place:
    """Where sets are looked for: a root itself, or a quarantine directory in it, with the time that it was entered."""

    source: Source
    root: str
    fd: int
    base: str = ""
    entered: int | None = None

    @property
    def path(self) -> str:
        return f"{self.root}/{self.base}" if self.base else self.root


class Planner:
    """One pass over all sources of a policy.

    :arg workers: processes that share the work.
    """

    def __init__(self, rules: Rules, *, open_files: OpenFiles, identifiers: Identifiers, workers: int = 1) -> None:
        self.rules = rules
        self.policy: Policy = rules.policy
        self.identifiers = identifiers
        self.workers = workers
        self.resolvers = {source.name: Resolver(source, now=rules.now, open_files=open_files) for source in self.policy.sources}

    def close(self) -> None:
        for resolver in self.resolvers.values():
            resolver.close()

    def places(self) -> t.Iterator[Place]:
        """Every root of every source, checked, each followed by its quarantine directories.

        :raises RefusedError: a root is missing, empty, unmounted, a link.
        """
        seen: dict[str, tuple[int, str] | None] = {}
        for source in self.policy.sources:
            for root in source.roots:
                fd = check_root(source, root)
                try:
                    _refuse_overlap(root, place_on_device(fd, root), seen)
                    yield Place(source, root, fd)
                    for name in _aside_directories(fd):
                        with opened_below(fd, f"{ASIDE}/{name}") as base_fd:
                            yield Place(source, root, base_fd, f"{ASIDE}/{name}", aside_since(name))
                finally:
                    os.close(fd)

    def plan(self, emit: t.Callable[[bytes], None], *, may_be_empty: bool = False) -> Tally:
        """Decide every set; C(emit) gets the rows of all that are not retained, in an order that the same tree gives again.

        :arg may_be_empty: a root may hold fewer sets than its sentinel asks for, since a run that was cut off has emptied it.
        """
        total = Tally()
        # Millions of short-lived objects without cycles: the collector would only look at them again and again.
        collecting = gc.isenabled()
        gc.disable()
        try:
            found: dict[tuple[str, str], int] = {}
            for place in self.places():
                part = self._place(place, emit)
                key = place.source.name, place.root
                # What is in quarantine below a root is there as well.
                found[key] = found.get(key, 0) + part.sources[place.source.name].counts[0]
                total.merge(part)
            for source in () if may_be_empty else self.policy.sources:
                for root in source.roots:
                    require_sets(source, root, found[source.name, root])
        finally:
            if collecting:
                gc.enable()
        return total

    def _place(self, place: Place, emit: t.Callable[[bytes], None]) -> Tally:
        part = Tally()
        found = SourceTally()
        self._tree(place, part, found, emit)
        part.add_source(place.source.name, found)
        return part

    def _tree(self, place: Place, part: Tally, found: SourceTally, emit: t.Callable[[bytes], None]) -> None:
        # A table is a database connection, which must not be carried into another process.
        shared = self.workers > 1 and all(spec.kind == "sidecar" for spec in place.source.metadata)
        # The same parts whatever the number of workers, so that all give the same plan.
        units = self._units(place, part, found, emit) if place.source.layout.scope == "directory" else [""]
        size = -(-len(units) // _MOST_PARTS)
        parts = [units[start : start + size] for start in range(0, len(units), size or 1)]
        if not shared or len(parts) < 2:
            for paths in parts:
                part.merge(self._subtrees(place, paths, emit))
            return
        for rows, tally in fan_out(parts, lambda paths, write: self._subtrees(place, paths, write), workers=self.workers):
            for chunk in rows:
                emit(chunk)
            part.merge(tally)

    def _units(self, place: Place, part: Tally, found: SourceTally, emit: t.Callable[[bytes], None]) -> list[str]:
        """Directories to be planned with all below them; those above them are planned here and now."""
        units = [""]
        while units and len(units) < _PARTS:
            deeper: list[str] = []
            for path in units:
                # A directory may go between being listed and being opened; what was in it is gone as well.
                with contextlib.suppress(FileNotFoundError), opened_below(place.fd, path) as fd:
                    if elsewhere(fd, place.fd, found.passed_over):
                        continue
                    directory = read_directory(fd, path, found.passed_over)
                    self._sets(place, self.resolvers[place.source.name].sets_in(directory), part, found, emit)
                    below = [f"{path}/{name}" if path else name for name in directory.directories if path or name != ASIDE]
                    deeper.extend(below)
            units = deeper
        return units

    def _subtrees(self, place: Place, paths: t.Sequence[str], emit: t.Callable[[bytes], None]) -> Tally:
        tally = Tally()
        found = SourceTally()
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._sets(place, self.resolvers[place.source.name].walk(place.fd, path, found.passed_over), tally, found, emit)
        tally.add_source(place.source.name, found)
        return tally

    def _sets(
        self,
        place: Place,
        sets: t.Iterable[tuple[RecordingSet, int]],
        tally: Tally,
        found: SourceTally,
        emit: t.Callable[[bytes], None],
    ) -> None:
        now = self.rules.now
        latest = (now + 1) * 1_000_000_000
        counts = found.counts
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
            counts[0] += 1
            counts[1] += files
            counts[2] += size
            tally.add(decision, files, size, now)
            if decision.verdict != "retained":
                self._emit(place, recording_set, decision, size, tally, emit)
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
        emit: t.Callable[[bytes], None],
    ) -> None:
        identifier = self.identifiers.of(place.source.name, place.path, recording_set.key)
        emit(encode_row(identifier, place.source.name, place.path, recording_set, decision))
        tally.add_sample(decision.verdict, lambda: _sample(identifier, decision, size))


def _refuse_overlap(root: str, place: tuple[int, str] | None, seen: dict[str, tuple[int, str] | None]) -> None:
    """Refuse a root that shows what another one shows, under another mount: the shorter of two periods would win.

    :raises RefusedError: naming both.
    """
    for other, known in seen.items():
        if place is None or known is None or place[0] != known[0]:
            continue
        if any(f"{inner}/".startswith(f"{outer}/".replace("//", "/")) for inner, outer in ((place[1], known[1]), (known[1], place[1]))):
            raise RefusedError(
                f"the roots {other} and {root} show the same directory; each recording needs one source, so name one of them"
            )
    seen[root] = place


def _sample(identifier: str, decision: Decision, size: int) -> dict[str, t.Any]:
    return {
        "set": identifier,
        "class": decision.retention_class.name if decision.retention_class else None,
        "keep_until": rfc3339(decision.keep_until),
        "destroy_by": rfc3339(decision.destroy_by),
        "bytes": size,
        "reason": decision.reasons,
    }


def _aside_directories(root_fd: int) -> list[str]:
    try:
        with opened_below(root_fd, ASIDE) as fd:
            return [name for name in read_directory(fd, ASIDE, {}).directories if aside_since(name) is not None]
    except FileNotFoundError:
        return []
