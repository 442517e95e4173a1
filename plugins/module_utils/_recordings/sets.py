# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording sets: members grouped by stem or directory, streaming, with flat memory.

Where all members of a set lie in one directory, its sets are complete when the directory is. Where they lie anywhere
below the root, members are sorted by key in runs on a private temporary file and merged.
"""

from __future__ import annotations

import heapq
import itertools
import marshal
import operator
import os
import tempfile
import types
import typing as t

from .calendar import calendar_for
from .layouts import Layout
from .walk import Directory

__all__ = ["Member", "RecordingSet", "reassembled", "sets_in_directory", "sets_in_tree"]

_RUN_LENGTH = 50000
UNMATCHED = "name does not match the layout"
MISPLACED = "directory does not match the layout"
NO_PRIMARY = "no primary recording"
FOREIGN = "its directory holds a file that the layout does not know"
SIDECARS_APART = "sidecars lie in several directories"
_NOTHING: t.Mapping[str, t.Any] = types.MappingProxyType({})
_new = tuple.__new__


class Member(t.NamedTuple):
    """One file of a set: C(path) below the root, C(size) in bytes, C(mtime_ns) in nanoseconds since 1970."""

    path: str
    role: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    nlink: int


class RecordingSet:
    """One interaction with all its members.

    C(key) names it below its root; C(faults) says why nothing may be concluded from it.
    C(fields), C(metadata), C(start) and C(end) (seconds since 1970) are filled by the source's resolver.
    """

    __slots__ = ("directory", "end", "faults", "fields", "key", "members", "metadata", "start", "stem")

    def __init__(self, key: str, directory: str, stem: str, members: list[Member], fields: dict[str, t.Any], *faults: str) -> None:
        self.key = key
        self.directory = directory
        self.stem = stem
        self.members = members
        self.fields = fields
        self.faults: tuple[str, ...] = faults
        self.metadata: t.Mapping[str, t.Any] = _NOTHING
        self.start: int | None = None
        self.end: int | None = None

    def copy(self) -> RecordingSet:
        """The same set, whose fields may be filled otherwise."""
        other = RecordingSet(self.key, self.directory, self.stem, self.members, dict(self.fields), *self.faults)
        other.metadata, other.start, other.end = self.metadata, self.start, self.end
        return other

    @property
    def size(self) -> int:
        """Bytes over all members."""
        return sum(member.size for member in self.members)

    def primary(self, roles: t.Collection[str]) -> Member:
        """The member that names the set: the first with one of C(roles), else the first."""
        return next((member for member in self.members if member.role in roles), self.members[0])


def _member(prefix: str, name: str, role: str, facts: os.stat_result) -> Member:
    # The constructor of a named tuple costs more than all else here, a million times.
    return _new(Member, (prefix + name, role, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_nlink))


def _made(layout: Layout, key: str, stem: str, members: list[Member], directory: str | None = None) -> RecordingSet:
    if len(members) > 1:
        members.sort()
    primary = None
    for member in members:
        if member[1] in layout.primary_roles:
            primary = member
            break
    if directory is None:
        directory = (primary or members[0])[0].rpartition("/")[0]
    fields = layout.stem_fields(stem)
    if fields is None:
        return RecordingSet(key, directory, stem, members, {}, UNMATCHED)
    if primary is None:
        return RecordingSet(key, directory, stem, members, {}, NO_PRIMARY)
    if layout.directory is not None:
        placed = layout.directory_fields(directory)
        if placed is None:
            return RecordingSet(key, directory, stem, members, {}, MISPLACED)
        fields.update({name: value for name, value in placed.items() if name not in fields})
    return RecordingSet(key, directory, stem, members, fields)


def reassembled(layout: Layout, key: str, members: t.Sequence[Member]) -> RecordingSet:
    """A set from members that were found before, with the roles that their names have now."""
    named = []
    stems = []
    for member in members:
        cut = layout.split(member.path.rpartition("/")[2])
        named.append(member._replace(role=cut[1] if cut else "sidecar"))
        if cut and cut[1] in layout.primary_roles:
            stems.append(cut[0])
    return _made(layout, key, _latest(layout, named[0].path.rpartition("/")[0], stems), named)


def sets_in_directory(layout: Layout, directory: Directory) -> t.Iterator[RecordingSet]:
    """The sets of a directory whose layout keeps a set in one directory."""
    prefix = f"{directory.path}/" if directory.path else ""
    if layout.set_by == "directory":
        yield from _directory_set(layout, directory, prefix)
        return
    split = layout.split
    groups: dict[str, list[Member]] = {}
    for name, facts in directory.files:
        cut = split(name)
        if cut is None:
            member = _member(prefix, name, "unknown", facts)
            yield RecordingSet(member.path, directory.path, name, [member], {}, UNMATCHED)
            continue
        member = _member(prefix, name, cut[1], facts)
        if cut[0] in groups:
            groups[cut[0]].append(member)
        else:
            groups[cut[0]] = [member]
    for stem, members in groups.items():
        yield _made(layout, prefix + stem, stem, members, directory.path)


def _directory_set(layout: Layout, directory: Directory, prefix: str) -> t.Iterator[RecordingSet]:
    if not directory.files:
        return
    foreign = False
    members = []
    stems = []
    for name, facts in directory.files:
        cut = layout.split(name)
        foreign = foreign or cut is None
        role = "unknown" if cut is None else cut[1]
        if role in layout.primary_roles and cut is not None:
            stems.append(cut[0])
        members.append(_member(prefix, name, role, facts))
    if not directory.path:
        # Files that lie in the root itself belong to no session.
        for member in members:
            yield RecordingSet(member.path, "", member.path, [member], {}, MISPLACED)
        return
    made = _made(layout, directory.path, _latest(layout, directory.path, stems), members)
    if foreign:
        made.faults += (FOREIGN,)
    yield made


def _latest(layout: Layout, directory: str, stems: t.Sequence[str]) -> str:
    """Of several primary files the one that starts last, so that a period never ends early; first of all one without a date."""
    if len(stems) < 2:
        return stems[0] if stems else ""
    placed = layout.directory_fields(directory) or {}

    def start(stem: str) -> tuple[bool, int, str]:
        fields = layout.stem_fields(stem)
        if fields is None:
            return True, 0, stem
        try:
            return False, layout.start.epoch({**placed, **fields}, calendar_for("UTC")), stem
        except (ValueError, OverflowError):
            return True, 0, stem

    return max(stems, key=start)


def sets_in_tree(layout: Layout, directories: t.Iterable[Directory]) -> t.Iterator[RecordingSet]:
    """The sets of a whole tree, in key order, whose members may lie in any of its directories."""
    runs: list[t.Iterator[tuple[str, ...]]] = []
    rows: list[tuple[t.Any, ...]] = []
    for directory in directories:
        prefix = f"{directory.path}/" if directory.path else ""
        for name, facts in directory.files:
            cut = layout.split(name)
            stem, role = cut if cut and layout.stem_fields(cut[0]) is not None else ("", "unknown")
            rows.append((stem, *_member(prefix, name, role, facts)))
        if len(rows) >= _RUN_LENGTH:
            runs.append(_spilled(rows))
            rows = []
    rows.sort()
    merged = heapq.merge(*runs, iter(rows)) if runs else iter(rows)
    for stem, group in itertools.groupby(merged, key=operator.itemgetter(0)):
        if stem:
            made = _made(layout, stem, stem, [Member(*row[1:]) for row in group])
            # Only one directory's sidecar is read, so what the other says would be missed.
            if len({member.path.rpartition("/")[0] for member in made.members if member.role == "sidecar"}) > 1:
                made.faults += (SIDECARS_APART,)
            yield made
            continue
        for row in group:
            member = Member(*row[1:])
            directory_path, _slash, name = member.path.rpartition("/")
            yield RecordingSet(member.path, directory_path, name, [member], {}, UNMATCHED)


def _spilled(rows: list[tuple[t.Any, ...]]) -> t.Iterator[tuple[t.Any, ...]]:
    """Sorted rows on an anonymous temporary file, read back one at a time."""
    rows.sort()
    handle = tempfile.TemporaryFile(prefix="recordings-disposal-")  # noqa: SIM115 - the reader below closes it
    for row in rows:
        marshal.dump(row, handle)
    handle.seek(0)

    def read() -> t.Iterator[tuple[t.Any, ...]]:
        with handle:
            for _index in range(count):
                yield marshal.load(handle)

    count = len(rows)
    return read()
