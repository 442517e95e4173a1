# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast over the sets that are there: what falls due in which week, what room that gives, and how much is recorded a day."""

from __future__ import annotations

import os
import typing as t

from .._recordings.sets import RecordingSet
from .._recordings.source import Source, require_sets
from .passes import Emit, Pass, Place
from .planner import Planner
from .tally import SourceTally
from .verdict import Decision

__all__ = ["ClassOutlook", "Filesystem", "Forecaster", "Outlook"]


class Room(t.NamedTuple):
    """A filesystem as it is: bytes in all, and bytes that its users may still write."""

    size: int
    free: int


class ClassOutlook:
    """One class, each as [sets, bytes]: due now, of that overdue, by the week in which the period ends, and after the horizon."""

    __slots__ = ("due", "later", "overdue", "weeks")

    def __init__(self) -> None:
        self.due = [0, 0]
        self.overdue = [0, 0]
        self.later = [0, 0]
        self.weeks: dict[int, list[int]] = {}


class Filesystem:
    """What lies on one filesystem.

    :ivar freed: bytes by the week in which destroying gives room; the week is the ordinal of its Monday.
    :ivar days: bytes by the local day (ordinal) on which their recording started.
    :ivar undated: bytes of sets whose start is not known.
    :ivar first_day: the earliest day on which a set started.
    """

    __slots__ = ("days", "first_day", "freed", "room", "roots", "size", "undated")

    def __init__(self) -> None:
        self.freed: dict[int, int] = {}
        self.days: dict[int, int] = {}
        self.undated = 0
        self.size = 0
        self.first_day: int | None = None
        self.room: Room | None = None
        self.roots: list[str] = []

    def merge(self, other: Filesystem) -> None:
        for ours, theirs in ((self.freed, other.freed), (self.days, other.days)):
            for key, count in theirs.items():
                ours[key] = ours.get(key, 0) + count
        self.undated += other.undated
        self.size += other.size
        self.first_day = min((day for day in (self.first_day, other.first_day) if day is not None), default=None)
        self.room = other.room or self.room
        self.roots += [root for root in other.roots if root not in self.roots]


def _add(into: list[int], counts: t.Sequence[int]) -> None:
    for index, count in enumerate(counts):
        into[index] += count


class Outlook:
    """What a forecast counts; its size does not grow with the number of sets."""

    def __init__(self) -> None:
        self.verdicts: dict[str, list[int]] = {}
        self.classes: dict[str, ClassOutlook] = {}
        self.filesystems: dict[int, Filesystem] = {}
        self.sources: dict[str, SourceTally] = {}
        self.sets = 0

    def merge(self, other: Outlook) -> None:
        for verdict, counts in other.verdicts.items():
            _add(self.verdicts.setdefault(verdict, [0, 0, 0]), counts)
        for name, theirs in other.classes.items():
            ours = self.classes.setdefault(name, ClassOutlook())
            for mine, more in ((ours.due, theirs.due), (ours.overdue, theirs.overdue), (ours.later, theirs.later)):
                _add(mine, more)
            for week, counts in theirs.weeks.items():
                _add(ours.weeks.setdefault(week, [0, 0]), counts)
        for device, filesystem in other.filesystems.items():
            self.filesystems.setdefault(device, Filesystem()).merge(filesystem)
        for name, source in other.sources.items():
            self.add_source(name, source)
        self.sets += other.sets

    def add_source(self, name: str, theirs: SourceTally) -> None:
        self.sources.setdefault(name, SourceTally()).add(theirs)


class Forecaster(Pass[Outlook]):
    """One pass that looks ahead.

    :arg weeks: how many weeks from the present one on are told one by one.
    :arg days: how many whole days before today the intake is counted over.
    :ivar today: the local day (ordinal); C(monday) is that of its week.
    """

    def __init__(self, planner: Planner, *, weeks: int, days: int, workers: int) -> None:
        super().__init__(planner.sources, planner.resolvers, workers=workers)
        self.planner = planner
        self.calendar = planner.rules.calendar
        self.now = planner.rules.now
        self.today = self.calendar.local(self.now)[0]
        self.monday = _monday(self.today)
        self.end = self.monday + 7 * weeks
        self.days = days

    def counts(self) -> Outlook:
        return Outlook()

    def forecast(self) -> Outlook:
        """Judge every set. A root that cannot be read is noted in C(unread) and counts nothing."""
        seen: dict[str, t.Any] = {}
        return self.root_by_root(lambda source, root: self._root(source, root, seen))

    def _root(self, source: Source, root: str, seen: dict[str, t.Any]) -> Outlook:
        part = self.counts()
        for place in self.places_of(source, root, seen):
            part.merge(self.over(place, lambda _rows: None))
            if not place.base:
                facts = os.fstatvfs(place.fd)
                filesystem = part.filesystems.setdefault(os.fstat(place.fd).st_dev, Filesystem())
                filesystem.room = Room(facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize)
                filesystem.roots = [root]
        require_sets(source, root, part.sets)
        return part

    def take(self, place: Place, sets: t.Iterable[tuple[RecordingSet, int]], counts: Outlook, found: SourceTally, emit: Emit) -> None:
        filesystem = counts.filesystems.setdefault(os.fstat(place.fd).st_dev, Filesystem())
        for recording_set, directory_fd in sets:
            decision = self.planner.decide(place, recording_set, directory_fd)
            size = recording_set.size
            counts.sets += 1
            _add(counts.verdicts.setdefault(decision.verdict, [0, 0, 0]), (1, len(recording_set.members), size))
            filesystem.size += size
            self._record(filesystem, decision.start, size)
            if decision.retention_class is not None and decision.verdict in ("due", "retained"):
                ours = counts.classes.setdefault(decision.retention_class.name, ClassOutlook())
                freed = self._class(place, decision, ours, size)
                if freed < self.end:
                    filesystem.freed[freed] = filesystem.freed.get(freed, 0) + size

    def _record(self, filesystem: Filesystem, start: int | None, size: int) -> None:
        if start is None:
            filesystem.undated += size
            return
        day = self.calendar.local(start)[0]
        if filesystem.first_day is None or day < filesystem.first_day:
            filesystem.first_day = day
        if self.today - self.days <= day < self.today:
            filesystem.days[day] = filesystem.days.get(day, 0) + size

    def _class(self, place: Place, decision: Decision, ours: ClassOutlook, size: int) -> int:
        """Count a set with the class; returns the week in which destroying it gives room."""
        counts = (1, size)
        ends = self.now if decision.verdict == "due" or decision.keep_until is None else decision.keep_until
        if decision.verdict == "due":
            _add(ours.due, counts)
            if decision.destroy_by is not None and decision.destroy_by < self.now:
                _add(ours.overdue, counts)
        else:
            week = self._week(ends)
            _add(ours.later if week >= self.end else ours.weeks.setdefault(week, [0, 0]), counts)
        # A set that is in quarantine already has served its time there.
        waits = place.entered is None and decision.method is not None
        return self._week(self.planner.rules.quarantined_until(decision.method, ends) if waits and decision.method else ends)

    def _week(self, moment: int) -> int:
        return _monday(self.calendar.local(moment)[0])


def _monday(day: int) -> int:
    """The Monday (ordinal) of a day's week; the ordinal 1 is one."""
    return day - (day - 1) % 7
