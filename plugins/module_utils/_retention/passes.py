# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pass over the roots of sources: what is walked, in which parts, by how many processes; what is done with the sets is the caller's."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import gc
import os
import re
import typing as t

from .._errors import DisposalError, RefusedError
from .._recordings.sets import RecordingSet
from .._recordings.source import Resolver, Source, check_root
from .._recordings.walk import ASIDE, elsewhere, opened_below, place_on_device, read_directory
from .fanout import fan_out
from .tally import SourceTally

__all__ = ["Emit", "Pass", "Place", "aside_name", "aside_since", "refuse_overlap", "without_collector"]

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


class Countable(t.Protocol):
    """What a part of a pass counts, to be merged with that of other parts."""

    def merge(self, other: t.Any) -> None: ...

    def add_source(self, name: str, theirs: SourceTally) -> None: ...


Counts = t.TypeVar("Counts", bound=Countable)
Emit = t.Callable[[bytes], None]


@contextlib.contextmanager
def without_collector() -> t.Iterator[None]:
    """Millions of short-lived objects without cycles: the collector would only look at them again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Pass(t.Generic[Counts]):
    """One pass over all roots of sources; a subclass says what is counted, and what is done with the sets.

    :arg resolvers: by the source's name.
    :arg workers: processes that share the work.
    :ivar unread: roots that C(root_by_root) could not read to their end, with the reason; nothing in them is counted.
    """

    def __init__(self, sources: t.Sequence[Source], resolvers: t.Mapping[str, Resolver], *, workers: int = 1) -> None:
        self.unread: list[tuple[str, str]] = []
        self.sources = tuple(sources)
        self.resolvers = resolvers
        self.workers = workers

    def counts(self) -> Counts:
        """Counts of nothing."""
        raise NotImplementedError

    def take(self, place: Place, sets: t.Iterable[tuple[RecordingSet, int]], counts: Counts, found: SourceTally, emit: Emit) -> None:
        """Count the sets of a part, and emit rows."""
        raise NotImplementedError

    def close(self) -> None:
        for resolver in self.resolvers.values():
            resolver.close()

    def places(self) -> t.Iterator[Place]:
        """Every root of every source, checked, each followed by its quarantine directories.

        :raises RefusedError: a root is missing, empty, unmounted, a link.
        """
        seen: dict[str, tuple[int, str] | None] = {}
        for source in self.sources:
            for root in source.roots:
                yield from self.places_of(source, root, seen)

    def root_by_root(self, one: t.Callable[[Source, str], Counts]) -> Counts:
        """The counts of all roots; one that cannot be read is noted in C(unread) and counts nothing."""
        total = self.counts()
        with without_collector():
            for source in self.sources:
                for root in source.roots:
                    try:
                        total.merge(one(source, root))
                    except (DisposalError, OSError) as error:
                        why = error.message if isinstance(error, DisposalError) else f"it cannot be read ({error.strerror or error})"
                        self.unread.append((root, why))
        return total

    @staticmethod
    def places_of(source: Source, root: str, seen: dict[str, tuple[int, str] | None]) -> t.Iterator[Place]:
        """One root, and its quarantine directories.

        :arg seen: the roots before it, each with its place on its device.
        :raises RefusedError: the root is missing, empty, unmounted, a link, or shows what another one shows.
        """
        fd = check_root(source, root)
        try:
            refuse_overlap(root, place_on_device(fd, root), seen)
            yield Place(source, root, fd)
            for name in _aside_directories(fd):
                with opened_below(fd, f"{ASIDE}/{name}") as base_fd:
                    yield Place(source, root, base_fd, f"{ASIDE}/{name}", aside_since(name))
        finally:
            os.close(fd)

    def over(self, place: Place, emit: Emit) -> Counts:
        """What a place holds, counted and emitted."""
        part = self.counts()
        found = SourceTally()
        self._tree(place, part, found, emit)
        part.add_source(place.source.name, found)
        return part

    def _tree(self, place: Place, part: Counts, found: SourceTally, emit: Emit) -> None:
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

    def _units(self, place: Place, part: Counts, found: SourceTally, emit: Emit) -> list[str]:
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
                    self.take(place, self.resolvers[place.source.name].sets_in(directory), part, found, emit)
                    below = [f"{path}/{name}" if path else name for name in directory.directories if path or name != ASIDE]
                    deeper.extend(below)
            units = deeper
        return units

    def _subtrees(self, place: Place, paths: t.Sequence[str], emit: Emit) -> Counts:
        tally = self.counts()
        found = SourceTally()
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self.take(place, self.resolvers[place.source.name].walk(place.fd, path, found.passed_over), tally, found, emit)
        tally.add_source(place.source.name, found)
        return tally


def refuse_overlap(root: str, place: tuple[int, str] | None, seen: dict[str, tuple[int, str] | None]) -> None:
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


def _aside_directories(root_fd: int) -> list[str]:
    try:
        with opened_below(root_fd, ASIDE) as fd:
            return [name for name in read_directory(fd, ASIDE, {}).directories if aside_since(name) is not None]
    except FileNotFoundError:
        return []
