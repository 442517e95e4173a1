# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source: roots with one layout, how to tell that they are really there, and where their metadata is."""

from __future__ import annotations

import contextlib
import dataclasses
import operator
import os
import typing as t

from .._errors import RefusedError
from .calendar import DAY, Calendar, calendar_for, checked_instant, parse_instant
from .fields import COMPUTED_FIELDS, METADATA_FIELDS, METADATA_NUMBERS, typed
from .layouts import Layout
from .metadata import MetadataError, MetadataSpec, Sidecar, Table
from .openfiles import OpenFiles
from .sets import RecordingSet, sets_in_directory, sets_in_tree
from .walk import Directory, elsewhere, open_root, opened_below, walk

__all__ = ["IN_PROGRESS_FUTURE", "Resolver", "Sentinel", "Source", "check_root", "require_sets"]

_NO_TIMES: dict[str, t.Any] = {}
IN_PROGRESS_FUTURE = "modified in the future"


@dataclasses.dataclass(frozen=True)
class Sentinel:
    """What must hold before a source is believed: a marker file in each root, a least number of sets, roots that are mount points."""

    marker: str | None = None
    min_sets: int = 1
    mounted: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """A source as the policy declares it; C(time_zone) is that of the names."""

    name: str
    layout: Layout
    roots: tuple[str, ...]
    sentinel: Sentinel
    metadata: tuple[MetadataSpec, ...]
    time_zone: str


def check_root(source: Source, root: str) -> int:
    """Open a root of a source and check its sentinels that need no walk.

    :raises RefusedError: it is missing, a link, not mounted, or without its marker.
    """
    fd = open_root(root)
    try:
        if source.sentinel.mounted and os.fstat(fd).st_dev == os.stat(os.path.dirname(os.path.normpath(root))).st_dev:
            raise RefusedError(f"the root {root} of source {source.name} is not mounted; mount it and run again")
        marker = source.sentinel.marker
        if marker is not None:
            try:
                os.stat(marker, dir_fd=fd, follow_symlinks=False)
            except OSError as error:
                raise RefusedError(
                    f"the root {root} of source {source.name} has no marker file {marker}, so it may be unmounted or the wrong directory; "
                    "mount it, or put the marker there once you have made sure"
                ) from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _one_directory(recording_set: RecordingSet) -> str | None:
    """The directory of all members; not known where they lie in several, so that a rule on one of them is not missed."""
    places = {member.path.rpartition("/")[0] for member in recording_set.members}
    return recording_set.directory if len(places) == 1 else None


class Resolver:
    """Fills what a name alone does not tell, for all sets of one source.

    :arg now: seconds since 1970 UTC; C(age_days) and the quiet time count from it.
    """

    def __init__(self, source: Source, *, now: int, open_files: OpenFiles) -> None:
        self.source = source
        self.now = now
        self.open_files = open_files.files if source.layout.open_files else frozenset()
        self.calendar: Calendar = calendar_for(source.time_zone)
        self._start_of = source.layout.start.epoch
        self._computed: dict[str, t.Callable[[RecordingSet], t.Any]] = {
            "source": lambda _set: source.name,
            "layout": lambda _set: source.layout.name,
            "name": operator.attrgetter("stem"),
            "directory": _one_directory,
            "size": operator.attrgetter("size"),
            "members": lambda recording_set: len(recording_set.members),
            "start_epoch": operator.attrgetter("start"),
            "end_epoch": operator.attrgetter("end"),
            "age_days": self._age,
        }
        self._tomorrow = self.calendar.epoch(self.calendar.local(now)[0] + 1, 0)
        self._named_numbers = sorted(METADATA_NUMBERS & source.layout.named_fields)
        self._youngest = (now - source.layout.quiet) * 1_000_000_000
        self._faults: list[str] = []
        self._readers: list[tuple[MetadataSpec, Sidecar | Table]] = []
        for spec in source.metadata:
            try:
                self._readers.append((spec, Sidecar(spec) if spec.kind == "sidecar" else Table(spec)))
            except MetadataError as error:
                self._faults.append(str(error))

    def close(self) -> None:
        for _spec, reader in self._readers:
            if isinstance(reader, Table):
                reader.close()

    def walk(self, root_fd: int, path: str, passed_over: dict[str, int]) -> t.Iterator[tuple[RecordingSet, int]]:
        """Each set from a directory below the root down, resolved, with its directory's descriptor."""
        with opened_below(root_fd, path) as fd:
            if elsewhere(fd, root_fd, passed_over):
                return
            if self.source.layout.scope == "directory":
                for directory in walk(fd, path, passed_over):
                    yield from self.sets_in(directory)
                return
            for recording_set in sets_in_tree(self.source.layout, map(self._without_marker, walk(fd, path, passed_over))):
                with self._directory(root_fd, recording_set) as directory_fd:
                    self.resolve(recording_set, directory_fd)
                    yield recording_set, directory_fd

    def sets_in(self, directory: Directory) -> t.Iterator[tuple[RecordingSet, int]]:
        """The resolved sets of one directory, for layouts that keep a set in one."""
        for recording_set in sets_in_directory(self.source.layout, self._without_marker(directory)):
            self.resolve(recording_set, directory.fd)
            yield recording_set, directory.fd

    def _without_marker(self, directory: Directory) -> Directory:
        """The sentinel's marker is no recording, and must not make an empty root look like one that holds something."""
        marker = self.source.sentinel.marker
        if directory.path or marker is None:
            return directory
        return directory._replace(files=[(name, facts) for name, facts in directory.files if name != marker])

    def _directory(self, root_fd: int, recording_set: RecordingSet) -> t.ContextManager[int]:
        """The set's directory, opened only where something beside the recording is looked at."""
        if not self._readers and self.source.layout.marker is None:
            return contextlib.nullcontext(root_fd)
        return opened_below(root_fd, recording_set.directory)

    def resolve(self, recording_set: RecordingSet, directory_fd: int) -> None:
        """Fill fields, metadata, start and end; what cannot be told becomes a fault."""
        times = _NO_TIMES
        if self._named_numbers:
            recording_set.faults += (*self._typed(recording_set.fields),)
        if self._readers or self._faults:
            times = {}
            recording_set.faults += (*self._faults, *self._merge(recording_set, directory_fd, times))
        if not recording_set.faults:
            try:
                self._place_in_time(recording_set, times)
            except (ValueError, OverflowError) as error:
                recording_set.faults += (f"date: {error}",)
        for member in recording_set.members:
            if member[6] != 1:
                recording_set.faults += ("a member has several hard links",)
                break

    def _place_in_time(self, recording_set: RecordingSet, times: t.Mapping[str, t.Any]) -> None:
        """Fill start and end.

        :raises ValueError: one of them is no date.
        """
        if "start" in times:
            start = parse_instant(times["start"], self.calendar, day_ends=True)
        else:
            start = checked_instant(self._start_of(recording_set.fields, self.calendar))
        recording_set.start = start
        # By days, since a name without a time of day counts as the end of its day.
        if start >= self._tomorrow:
            recording_set.faults += ("starts in the future",)
        if "end" in times:
            end = parse_instant(times["end"], self.calendar, day_ends=True)
            if end < start - DAY:
                recording_set.faults += ("ends before it starts",)
            recording_set.end = max(start, end)
        elif "duration" in recording_set.fields:
            recording_set.end = checked_instant(start + recording_set.fields["duration"])

    def _typed(self, fields: dict[str, t.Any]) -> t.Iterator[str]:
        """Give the numbers in a name their type; yields the faults."""
        for name in self._named_numbers:
            if name in fields:
                try:
                    fields[name] = typed(name, fields[name])
                except ValueError as error:
                    yield str(error)

    def describe(self, recording_set: RecordingSet, names: t.Iterable[str] = COMPUTED_FIELDS) -> dict[str, t.Any]:
        """The fields that rules see; C(names) are the computed ones that are asked for."""
        fields = recording_set.fields
        for name in names:
            fields[name] = self._computed[name](recording_set)
        return fields

    def _age(self, recording_set: RecordingSet) -> int | None:
        return None if recording_set.start is None else (self.now - recording_set.start) // 86400

    def in_progress(self, recording_set: RecordingSet, directory_fd: int) -> str | None:
        """Why a set counts as still being written; none where it does not."""
        layout = self.source.layout
        for member in recording_set.members:
            if member.mtime_ns > self._youngest:
                return "modified within the quiet time" if member.mtime_ns // 1_000_000_000 <= self.now else IN_PROGRESS_FUTURE
            if self.open_files and (member.dev, member.ino) in self.open_files:
                return "open by a process"
        if layout.marker is not None:
            name = layout.marker.replace("{stem}", recording_set.stem)
            with contextlib.suppress(FileNotFoundError):
                os.stat(name, dir_fd=directory_fd, follow_symlinks=False)
                return "marked as in progress"
        return None

    def _merge(self, recording_set: RecordingSet, directory_fd: int, times: dict[str, t.Any]) -> list[str]:
        """Read the declared documents in order; a later one fills and overrides, its blanks do not. Returns the faults."""
        faults = []
        metadata: dict[str, t.Any] = {}
        primary = self._primary_name(recording_set)
        fields = recording_set.fields
        for spec, reader in self._readers:
            try:
                document = self._document(spec, reader, recording_set, primary, directory_fd)
                if document is None:
                    if spec.required:
                        faults.append(f"{spec.kind} is missing")
                    continue
                for name, value in spec.mapped(document).items():
                    if name not in METADATA_FIELDS:
                        if value != "":
                            times[name] = value
                        continue
                    checked = typed(name, value)
                    if checked is not None:
                        fields[name] = checked
            except (MetadataError, ValueError) as error:
                faults.append(str(error))
                continue
            metadata.update({name: value for name, value in document.items() if value is not None and value != ""})
        recording_set.metadata = metadata
        return faults

    def _primary_name(self, recording_set: RecordingSet) -> str:
        """The name of the primary file, which metadata knows by the one that it had before it was encrypted."""
        layout = self.source.layout
        return layout.plain_name(recording_set.primary(layout.primary_roles).path.rpartition("/")[2])

    def sidecars(self, recording_set: RecordingSet) -> set[str]:
        """The names of the files beside a set that metadata is read from."""
        name = self._primary_name(recording_set)
        return {reader.name_of(stem=recording_set.stem, name=name) for _spec, reader in self._readers if isinstance(reader, Sidecar)}

    @staticmethod
    def _document(
        spec: MetadataSpec, reader: Sidecar | Table, recording_set: RecordingSet, file: str, directory_fd: int
    ) -> dict[str, t.Any] | None:
        if isinstance(reader, Sidecar):
            return reader.read(stem=recording_set.stem, name=file, dir_fd=directory_fd)
        key = {"name": recording_set.stem, "file": file}.get(spec.key, recording_set.fields.get(spec.key))
        return None if key is None else reader.read(str(key))


def require_sets(source: Source, root: str, count: int) -> None:
    """Refuse a root that holds fewer sets than its sentinel asks for.

    :raises RefusedError: C(count) is below it.
    """
    if count < source.sentinel.min_sets:
        raise RefusedError(
            f"the root {root} of source {source.name} holds {count} recording sets, fewer than min_sets {source.sentinel.min_sets}; "
            "mount it, or lower the sentinel once you have made sure"
        )
