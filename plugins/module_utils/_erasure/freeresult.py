# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What overwriting free space came to, judged from what was seen.

C(destroyed) is said of the free space as a whole, so only when nothing of it was left out: a reserve that was kept may hold any
recording. How much of it is proven stands beside, in bytes.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .filesystem import FilesystemFacts
from .fillfiles import FillFiles
from .outcomes import KEPT_RANGES, Observed, as_asked, judge
from .schemes import Scheme

__all__ = ["FreeSpaceResult", "Reached", "conclude", "decide"]

LIMIT_METADATA = (
    "what lies in the filesystem's own structures was not reached: names in directories, the journal, lists of free blocks, "
    "and inode tables ({inodes} free inodes)"
)
LIMIT_SLACK = (
    "the rest of the last block of living files, blocks that they reserved and have not written, and what deleted files hold that a process "
    "still has open, were not reached"
)
LIMIT_UNSEEN = "blocks that the medium no longer shows (spare area, remapped sectors) were not reached"
LIMIT_RESERVE = "{bytes} bytes stayed free for the live system and were not reached"
LIMIT_ROOT = "{bytes} bytes of free space that only root or the filesystem itself may use were not reached"
LIMIT_LISTS = "{bytes} bytes of free space were written by the filesystem itself, with where our files lay, and not read back"
LIMIT_GIVEN_BACK = "{bytes} bytes were given back to the live system before they were proven, and are not counted"

_ENDED: t.Mapping[str, str] = {
    "quota": "a quota ended the fill ({error}); raise it for root, or name a directory that is not under it",
    "inodes": "the filesystem made no more files ({error})",
    "error": "a write failed ({error})",
}


@dataclass
class Reached:
    """What was measured.

    :arg free_bytes: free at the beginning.
    :ivar kept_bytes: free at the end, while all that was reached was held, but for what was proven before it was given back.
    :ivar available_bytes: of these, what everybody may use.
    :ivar list_bytes: blocks, free before, in which the filesystem listed where our files lie.
    :ivar lists_written: these were brought to the medium.
    :ivar cluster: bytes that the filesystem gives out at once, 0 where that is not known.
    :ivar mapped: the filesystem's own map of free blocks was read.
    """

    free_bytes: int
    reserve_bytes: int
    kept_bytes: int = 0
    available_bytes: int = 0
    free_inodes: int = 0
    list_bytes: int = 0
    lists_written: bool = False
    cluster: int = 0
    mapped: bool = False
    flush_error: int = 0
    backing: str = ""
    limits: list[str] = field(default_factory=list)

    def unlisted(self, block: int) -> int:
        """Of the lists of where our files lie, the bytes that nobody wrote: a list fills one block of what it is given."""
        if not self.lists_written or not self.cluster:
            return self.list_bytes
        return self.list_bytes // self.cluster * (self.cluster - block)


@dataclass(frozen=True)
class FreeSpaceResult:
    """What came of it.

    :arg reason: one sentence; C(None) exactly where the outcome is C(destroyed).
    :arg free_bytes: free at the beginning, with what only root or the filesystem itself may use.
    :arg covered_bytes: overwritten by each pass and held to the end.
    :arg verified_bytes: of these, read back and found equal.
    :arg kept_bytes: free at the end and not reached, the reserve among them.
    :arg reserve_bytes: the reserve that was asked for.
    :arg given_back_bytes: taken at first, then given back to the live system; not covered.
    :arg asked: nothing failed; what is missing for C(destroyed) is what the caller did not ask for: all of the space, or all of it read back.
    :arg ended: C(full), C(reserve), C(quota), C(inodes) or C(error).
    :arg files: how many files took the space.
    :arg bad_ranges: the first ranges (offset, length) in the files that were not overwritten, or not read back equal.
    """

    outcome: str
    reason: str | None
    free_bytes: int
    covered_bytes: int
    verified_bytes: int
    kept_bytes: int
    reserve_bytes: int
    given_back_bytes: int
    passes: int
    files: int
    read: str
    filesystem: str
    ended: str
    limits: tuple[str, ...]
    bad_ranges: tuple[tuple[int, int], ...] = ()
    asked: bool = False


def observed(files: FillFiles, reached: Reached) -> Observed:
    """All files as one."""
    seen = Observed(sum(file.size for file in files.files), flush_error=reached.flush_error)
    for file in files.files:
        # What was given back after it was written or read back is not counted.
        seen.written.bytes += min(file.written.bytes, file.size)
        seen.verified_bytes += min(file.verified_bytes, file.size)
        seen.extents_problem = seen.extents_problem or file.problem
        for into, found in ((seen.written, file.written), (seen.differing, file.differing), (seen.unread, file.unread)):
            into.error = into.error or found.error
            into.bad_bytes += found.bad_bytes
            into.bad_ranges += found.bad_ranges
            into.bad = (into.bad + found.bad)[:KEPT_RANGES]
    return seen


def decide(seen: Observed, reached: Reached, ended: str, error: int) -> tuple[str, str | None]:
    """The outcome and, unless it is C(destroyed), the reason.

    C(not_destroyed) where something of the free space is known not to be overwritten, C(unknown) where that cannot be told.
    """
    outcome, reason = judge(seen)
    if outcome == "not_destroyed":
        return outcome, reason
    if not seen.due:
        return "not_destroyed", "nothing of the free space was overwritten" + (f" ({os.strerror(error)})" if error else "")
    why = [_ENDED[ended].format(error=os.strerror(error))] if ended in _ENDED else []
    if reached.kept_bytes:
        reserve = (
            f", the reserve of {reached.reserve_bytes} bytes among them"
            if reached.reserve_bytes
            else ", which the filesystem gave to no file or used for itself"
        )
        why.append(f"{reached.kept_bytes} bytes of free space were not reached{reserve}")
    if why:
        return "not_destroyed", "; ".join([*why, *([reason] if reason else [])])
    if outcome == "destroyed" and not reached.mapped:
        return "unknown", "the filesystem has no map of its free blocks, so whether all of them were reached cannot be told"
    return outcome, reason


def _limits(files: FillFiles, reached: Reached, facts: FilesystemFacts) -> t.Iterator[str]:
    yield from facts.limits
    if reached.backing:
        yield reached.backing
    yield from reached.limits
    if reached.reserve_bytes:
        yield LIMIT_RESERVE.format(bytes=reached.available_bytes)
    if reached.kept_bytes > reached.available_bytes:
        yield LIMIT_ROOT.format(bytes=reached.kept_bytes - reached.available_bytes)
    written = reached.list_bytes - reached.unlisted(files.block)
    if written:
        yield LIMIT_LISTS.format(bytes=written)
    if files.given_back:
        yield LIMIT_GIVEN_BACK.format(bytes=files.given_back)
    yield LIMIT_METADATA.format(inodes=reached.free_inodes)
    yield LIMIT_SLACK
    yield LIMIT_UNSEEN


def conclude(files: FillFiles, reached: Reached, facts: FilesystemFacts, scheme: Scheme) -> FreeSpaceResult:
    """The result, from what the files and the filesystem showed."""
    seen = observed(files, reached)
    reached.kept_bytes += reached.unlisted(files.block)
    outcome, reason = decide(seen, reached, files.ended, files.error)
    proven = judge(seen)[0] == "destroyed" or as_asked(seen, scheme.verify)
    spoilt = seen.written.bad or seen.differing.bad or seen.unread.bad
    return FreeSpaceResult(
        outcome=outcome,
        reason=reason,
        free_bytes=reached.free_bytes,
        covered_bytes=seen.written.bytes,
        verified_bytes=seen.verified_bytes,
        kept_bytes=reached.kept_bytes,
        reserve_bytes=reached.reserve_bytes,
        given_back_bytes=files.given_back,
        passes=len(scheme.passes),
        files=sum(file.size > 0 for file in files.files),
        read="direct",
        filesystem=facts.type,
        ended=files.ended,
        limits=tuple(dict.fromkeys(_limits(files, reached, facts))),
        bad_ranges=tuple(spoilt),
        asked=outcome == "destroyed"
        or proven
        and files.ended in ("reserve", "full")
        and (not reached.kept_bytes or bool(reached.reserve_bytes)),
    )
