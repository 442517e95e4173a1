# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what lies on one filesystem: recording sets by the policy, all other files by whether they lie in a root of it."""

from __future__ import annotations

import collections
import dataclasses
import os
import typing as t

from .._media.filesystems import Filesystem, View, inventory_of, unreplayed
from .._media.mounted import Mounted, Place
from .._media.private_mounts import UnseenError
from .._recordings.source import Source
from .._recordings.walk import ASIDE
from .._retention.planner import Planner, aside_since
from .._retention.policy import VERDICTS
from .._retention.tally import Tally
from .copies_elsewhere import NOT_NAMED, Copies, Proof
from .inputs import Inputs

__all__ = ["Judged", "RootHere", "judge_filesystem", "roots_on"]

# What a verified copy is enough for. A hold is none, nor what is still being written.
_SATISFIED_BY_COPY = ("retained", "unclassified", "conflict")
_NEVER = {
    "held": "a hold is not satisfied by a copy; keep the medium, or have the hold released",
    "in_progress": "wait until they are written, and look again",
}
_LOST_FOUND = "lost+found/"
_MOST_TOLD = 3


class RootHere(t.NamedTuple):
    """A root of a source that lies on a filesystem.

    :ivar hidden: what is mounted over below it, by path from the top of the filesystem.
    """

    source: Source
    path: str
    place: Place
    hidden: tuple[str, ...]


@dataclasses.dataclass
class Judged:
    """What was found on one filesystem.

    :ivar row: what the result tells of it; none where it could not be looked into.
    :ivar verdicts: recording sets by verdict.
    :ivar outside: files that lie in no root.
    :ivar copied: files with a verified copy; C(lacking) those that need one and have none.
    :ivar no: why it is not drained; C(unknown) why that is not known; C(limits) what was left aside.
    :ivar rooted: a root of the policy lies on it.
    """

    row: dict[str, t.Any] | None = None
    verdicts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    outside: int = 0
    copied: int = 0
    lacking: int = 0
    no: list[str] = dataclasses.field(default_factory=list)
    unknown: list[str] = dataclasses.field(default_factory=list)
    limits: list[str] = dataclasses.field(default_factory=list)
    where: list[str] = dataclasses.field(default_factory=list)
    samples: dict[str, list[dict[str, t.Any]]] = dataclasses.field(default_factory=dict)
    rooted: bool = False


def roots_on(filesystem: Filesystem, sources: t.Sequence[Source], mounted: Mounted) -> list[RootHere]:
    """The roots that lie on a filesystem now, by where their paths lead."""
    numbers = {(mount.major, mount.minor) for mount in filesystem.mounts}
    found = []
    for source in sources:
        for path in source.roots:
            place = mounted.place(path)
            if place is not None and place.number in numbers:
                hidden = tuple(f"{place.inside}/{below}".lstrip("/") for below in mounted.below(path))
                found.append(RootHere(source, path, place, hidden))
    return found


def judge_filesystem(
    filesystem: Filesystem, *, inputs: Inputs | None, copies: Copies, mounted: Mounted, holds: int, mount_unmounted: bool
) -> Judged:
    """Look into a filesystem and judge what is on it.

    :arg inputs: with the policy; none where there is none.
    :arg holds: how many are in force.
    :raises DisposalError: a root cannot be planned.
    """
    judged = Judged()
    try:
        with filesystem.opened(mount_unmounted=mount_unmounted) as view:
            roots = roots_on(filesystem, inputs.policy.sources, mounted) if inputs else []
            judged.rooted = bool(roots)
            _Judging(filesystem, view, roots, inputs, copies, judged).run(holds)
            if view.unreplayed:
                judged.unknown.append(unreplayed(filesystem))
    except UnseenError as error:
        judged.unknown.append(f"{filesystem.label}: {error.message}")
    except OSError as error:
        judged.unknown.append(f"{filesystem.label}: something in it cannot be read ({error.strerror}); repair it, or stop what uses it")
    return judged


class _Judging:
    """One filesystem that is open."""

    def __init__(
        self, filesystem: Filesystem, view: View, roots: t.Sequence[RootHere], inputs: Inputs | None, copies: Copies, judged: Judged
    ) -> None:
        self.filesystem, self.view, self.roots, self.inputs, self.copies, self.judged = filesystem, view, roots, inputs, copies, judged
        self.name = filesystem.label
        self.proof = Proof(view.top)
        self.in_roots = self.unjudged = self.uncopied = self.uncompared = self.beneath = self.repaired = 0

    def run(self, holds: int) -> None:
        judged = self.judged
        tally = self._plan() if self.roots else Tally()
        judged.verdicts.update({verdict: counts[0] for verdict, counts in tally.verdicts.items()})
        judged.samples = tally.samples
        self._judge_sets(tally)
        judged.row = self.filesystem.row(inventory_of(self.filesystem, self.view, self._file))
        if self.in_roots != sum(source.counts[1] for source in tally.sources.values()):
            judged.unknown.append(
                f"{self.name}: what lies below its roots changed while it was looked at, so it is in use; stop what uses it"
            )
        self._tell_files(holds)
        judged.copied, judged.lacking = self.proof.proven, sum(self.proof.lacking.values()) + self.uncompared
        judged.where = sorted(self.proof.used)
        judged.limits += [limit for limit in self.proof.used.values() if limit]

    def _inputs(self) -> Inputs:
        """The inputs with those roots only that lie here."""
        if self.inputs is None:
            raise AssertionError("without a policy nothing is planned")
        here: dict[str, list[str]] = {}
        for root in self.roots:
            here.setdefault(root.source.name, []).append(root.path)
        sources = tuple(
            dataclasses.replace(source, roots=tuple(here[source.name])) for source in self.inputs.policy.sources if source.name in here
        )
        return dataclasses.replace(self.inputs, policy=dataclasses.replace(self.inputs.policy, sources=sources))

    def _plan(self) -> Tally:
        planner = self._inputs().planner()
        try:
            tally = planner.plan(lambda _rows: None, may_be_empty=True)
        finally:
            planner.close()
        for source in tally.sources.values():
            if source.passed_over.get("too_deep"):
                self.judged.unknown.append(
                    f"{self.name}: directories below a root are nested too deeply to be judged; look at them by hand"
                )
        return tally

    def _judge_sets(self, tally: Tally) -> None:
        for verdict in VERDICTS:
            count = self.judged.verdicts[verdict]
            if count and verdict in _NEVER:
                self.judged.no.append(f"{self._sets(count, verdict, tally)}; {_NEVER[verdict]}")
        if not any(self.judged.verdicts[verdict] for verdict in _SATISFIED_BY_COPY):
            return
        lacking = self._sets_without_copies()
        for verdict in _SATISFIED_BY_COPY:
            if lacking[verdict]:
                told = self._sets(self.judged.verdicts[verdict], verdict, tally)
                self.judged.no.append(
                    f"{told}{self._without(lacking[verdict], self.judged.verdicts[verdict])}; wait until due, or give copies"
                )

    def _sets(self, count: int, verdict: str, tally: Tally) -> str:
        reasons = sorted(tally.reasons.get(verdict, {}).items(), key=lambda item: -item[1])
        told = ", ".join(reason for reason, _sets in reasons[:_MOST_TOLD])
        return f"{_count(count, 'recording set', 'recording sets')} on {self.name} {'is' if count == 1 else 'are'} {verdict}" + (
            f" ({told})" if told else ""
        )

    def _sets_without_copies(self) -> collections.Counter[str]:
        """How many sets that must be kept have a file without a verified copy, by verdict."""
        lacking: collections.Counter[str] = collections.Counter()
        if not any(self.copies.of(root.place.number, f"{root.place.inside}/x".lstrip("/")) for root in self.roots):
            lacking.update({verdict: self.judged.verdicts[verdict] for verdict in _SATISFIED_BY_COPY})
            self.uncompared = sum(lacking.values())
            return lacking
        seen: collections.Counter[str] = collections.Counter()
        planner = self._inputs().planner()
        try:
            for verdict, proven in self._proven(planner):
                seen[verdict] += 1
                lacking[verdict] += not proven
        finally:
            planner.close()
        if any(seen[verdict] != self.judged.verdicts[verdict] for verdict in _SATISFIED_BY_COPY):
            self.judged.unknown.append(f"{self.name}: recording sets changed while they were looked at, so it is in use; stop what uses it")
        return lacking

    def _proven(self, planner: Planner) -> t.Iterator[tuple[str, bool]]:
        """Each set that a copy is enough for: its verdict, and whether every file of it has one."""
        inside = {(root.source.name, root.path): root.place for root in self.roots}
        for place in planner.places():
            here = inside[place.source.name, place.root]
            top = "/".join(part for part in (here.inside, place.base) if part)
            for recording_set, fd in planner.resolvers[place.source.name].walk(place.fd, "", {}):
                verdict = planner.decide(place, recording_set, fd).verdict
                if verdict in _SATISFIED_BY_COPY:
                    paths = [(f"{top}/{member.path}".lstrip("/"), member.size) for member in recording_set.members]
                    done = [self.proof.of(path, size, self.copies.of(here.number, path)) for path, size in paths]
                    yield verdict, all(done)

    def _without(self, lacking: int, count: int) -> str:
        """How many of what was just counted have no verified copy, and why."""
        whys = self.proof.lacking.most_common(_MOST_TOLD)
        why = ", ".join(f"{why}: {files}" for why, files in whys) if set(self.proof.lacking) - {NOT_NAMED} else NOT_NAMED
        subject = f", of which {lacking} {_has(lacking)}" if lacking < count else f" and {_has(count)}"
        return f"{subject} no verified copy ({why})"

    def _file(self, path: str, facts: os.stat_result) -> None:
        """Where a file that the walk meets belongs."""
        for root in self.roots:
            below = root.place.below(path)
            if below is None:
                continue
            if below == root.source.sentinel.marker:
                return
            if any(path == hidden or path.startswith(f"{hidden}/") for hidden in root.hidden):
                self.beneath += 1
            elif not _foreign(below):
                self.in_roots += 1
                return
            break
        else:
            if path.startswith(_LOST_FOUND):
                self.repaired += 1
                return
            if self.roots:
                self.judged.outside += 1
                return
        self._judge_alone(path, facts.st_size)

    def _judge_alone(self, path: str, size: int) -> None:
        """A file that no rule of the policy is about."""
        mounts = self.filesystem.mounts
        candidates = self.copies.of((mounts[0].major, mounts[0].minor), path) if mounts else self.copies.of_unmounted(path)
        if mounts and self.inputs is not None and not self.roots and not candidates:
            self.judged.outside += 1
            return
        self.unjudged += 1
        if not self.proof.of(path, size, candidates):
            self.uncopied += 1

    def _tell_files(self, holds: int) -> None:
        judged = self.judged
        if self.uncopied:
            files = f"{_count(self.unjudged, 'file', 'files')} on {self.name} {self._because(self.unjudged == 1)}"
            judged.no.append(f"{files}{self._without(self.uncopied, self.unjudged)}; {self._what_to_do()}")
        elif self.unjudged and holds:
            judged.unknown.append(
                f"{self.name}: {_count(holds, 'hold is', 'holds are')} in force, and whether one is on any of the {self.unjudged} files "
                f"that were not judged is not known, whatever copies there are; {self._what_to_do()}"
            )
        if judged.outside:
            judged.limits.append(f"{_count(judged.outside, 'file', 'files')} on {self.name} outside of the policy's roots were not judged")
        if self.repaired:
            judged.limits.append(
                f"{_count(self.repaired, 'file', 'files')} in lost+found of {self.name}, left by a repair of the filesystem, were not judged"
            )

    def _because(self, one: bool) -> str:
        """Why the files that were not judged were not."""
        if self.beneath and self.beneath == self.unjudged:
            return "lies beneath what is mounted over it" if one else "lie beneath what is mounted over them"
        if self.roots:
            return "belongs to no recording set" if one else "belong to no recording set"
        why = "no policy is given" if self.inputs is None else "it is not mounted where the policy has a root"
        return f"{'was' if one else 'were'} not judged, as {why},"

    def _what_to_do(self) -> str:
        if self.beneath:
            return "unmount what lies over them, and look again"
        if self.inputs is None:
            return "give the policy"
        if self.roots:
            return f"look at what lies in {ASIDE}"
        roots = sorted(path for source in self.inputs.policy.sources for path in source.roots)
        return f"mount it where the policy's root is ({', '.join(roots[:_MOST_TOLD])}{', …' if len(roots) > _MOST_TOLD else ''}), and look again"


def _foreign(below: str) -> bool:
    """Whether a file below a root lies beside the quarantined sets there, where nothing of ours is."""
    first, _slash, rest = below.partition("/")
    if first != ASIDE:
        return False
    name, slash, _rest = rest.partition("/")
    return not slash or aside_since(name) is None


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _count(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
