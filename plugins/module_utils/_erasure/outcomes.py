# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an overwrite came to, judged from what was seen: C(destroyed), C(not_destroyed) or C(unknown)."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace

__all__ = ["DeviceResult", "FileResult", "Observed", "Tally", "as_asked", "judge", "set_outcome", "set_proof"]

# Ranges that are named one by one; the rest is counted.
KEPT_RANGES = 16


@dataclass
class Tally:
    """What one direction (writing, or reading back) did: bytes done, ranges (offset, length) that were bad, and what ended it early."""

    bytes: int = 0
    bad: list[tuple[int, int]] = field(default_factory=list)
    bad_bytes: int = 0
    bad_ranges: int = 0
    error: int = 0

    def spoil(self, offset: int, length: int, *, error: int = 0) -> None:
        """Note a bad range; neighbours are joined."""
        self.error = self.error or error
        self.bad_bytes += length
        if self.bad and sum(self.bad[-1]) == offset:
            self.bad[-1] = (self.bad[-1][0], self.bad[-1][1] + length)
            return
        self.bad_ranges += 1
        if len(self.bad) < KEPT_RANGES:
            self.bad.append((offset, length))

    def add(self, other: Tally) -> None:
        """Take over what a later piece of the same file did."""
        self.bytes += other.bytes
        self.error = self.error or other.error
        self.bad_bytes += other.bad_bytes
        joined = bool(self.bad and other.bad and sum(self.bad[-1]) == other.bad[0][0])
        if joined:
            self.bad[-1] = (self.bad[-1][0], self.bad[-1][1] + other.bad[0][1])
        self.bad_ranges += other.bad_ranges - joined
        self.bad = (self.bad + other.bad[joined:])[:KEPT_RANGES]

    def told(self) -> str:
        """The ranges for a person."""
        named = ", ".join(f"{offset}-{offset + length - 1}" for offset, length in self.bad)
        more = self.bad_ranges - len(self.bad)
        return f"bytes {named}" + (f" and {more} more ranges" if more > 0 else "")


@dataclass
class Observed:
    """All that was seen of one file.

    :arg due: bytes that had to be overwritten.
    :arg written: of the last pass; earlier passes add their bad ranges.
    :arg differing: bytes that read back as something else than was written.
    :arg unread: bytes that could not be read back.
    :arg flush_error: errno of the flush, 0 where it succeeded.
    :arg extents_problem: what the extents said afterwards.
    :arg changed: the file's size or its number of names changed meanwhile, or its time after the last write.
    :arg ineffective: why an overwrite on this filesystem proves nothing, empty where it does.
    """

    due: int
    written: Tally = field(default_factory=Tally)
    verified_bytes: int = 0
    differing: Tally = field(default_factory=Tally)
    unread: Tally = field(default_factory=Tally)
    flush_error: int = 0
    extents_problem: str | None = None
    changed: bool = False
    ineffective: str = ""


def judge(seen: Observed) -> tuple[str, str | None]:
    """The outcome and, unless it is C(destroyed), the reason.

    C(destroyed) only if each byte was written, flushed and read back equal, on blocks that did not move,
    on a filesystem that overwrites in place.
    """
    if seen.written.bad_bytes:
        return "not_destroyed", f"writing failed at {seen.written.told()} ({os.strerror(seen.written.error)})"
    if seen.differing.bad_bytes:
        return "not_destroyed", (
            f"the overwrite had no effect at offset {seen.differing.bad[0][0]}: reading back returned something else than was written "
            f"({seen.differing.bad_bytes} bytes, {seen.differing.told()})"
        )
    if seen.written.bytes != seen.due:
        return "not_destroyed", f"only {seen.written.bytes} of {seen.due} bytes were written"
    for problem in (
        seen.ineffective,
        seen.extents_problem,
        "the file's size, time or names changed while it was overwritten" if seen.changed else "",
        f"the flush to the medium failed ({os.strerror(seen.flush_error)})" if seen.flush_error else "",
        f"reading back failed at {seen.unread.told()} ({os.strerror(seen.unread.error)})" if seen.unread.bad_bytes else "",
        f"only {seen.verified_bytes} of {seen.due} bytes were read back" if seen.verified_bytes != seen.due else "",
    ):
        if problem:
            return "unknown", problem
    return "destroyed", None


def as_asked(seen: Observed, verify: str) -> bool:
    """Whether nothing failed of what was to be done, where less was asked for than C(destroyed) needs.

    :arg verify: what was to be read back.
    """
    whole = verify in ("last", "all")
    ineffective = bool(seen.ineffective)
    lenient = replace(
        seen,
        ineffective="",
        extents_problem=None if ineffective else seen.extents_problem,
        verified_bytes=seen.verified_bytes if whole else seen.due,
    )
    return (ineffective or not whole) and judge(lenient)[0] == "destroyed"


@dataclass(frozen=True)
class FileResult:
    """What came of one file.

    :arg bytes: overwritten in the last pass; holes and space that the file never wrote are not among them.
    :arg verified_bytes: read back and found equal.
    :arg passes: passes that were written.
    :arg read: C(device) from the block device below the filesystem, C(direct) through the filesystem past the page cache,
        C(cached) through it after it was asked to drop the file; C(key) not at all, since its key was destroyed.
    :arg extents: C(unchanged), C(not_available) or C(changed).
    :arg asked: nothing failed; what is missing for C(destroyed) is what the caller did not ask for: reading all back, or a medium
        on which overwriting proves something.
    :arg reason: one sentence without names; C(None) exactly where the outcome is C(destroyed).
    :arg bad_ranges: the first ranges (offset, length) that were not overwritten, or not read back equal.
    """

    outcome: str
    bytes: int
    verified_bytes: int
    passes: int
    read: str
    filesystem: str
    extents: str
    limits: tuple[str, ...]
    reason: str | None
    bad_ranges: tuple[tuple[int, int], ...] = ()
    asked: bool = False


@dataclass(frozen=True)
class DeviceResult:
    """What came of one whole device.

    :arg reason: one sentence; C(None) exactly where the outcome is C(destroyed).
    :arg bytes: overwritten in the last pass that was written; C(moved) those that this call wrote in all passes.
    :arg verified_bytes: read back and found equal; C(to_verify) those that had to be, fewer than the size for a sample.
    :arg passes: passes that were written to the end.
    :arg bad_lbas: the first ranges (first, last) of logical sectors that were not overwritten, or not read back equal.
    :arg bad_ranges: how many such ranges there are; C(bad_bytes) how many bytes.
    :arg limits: what the proof leaves open, one sentence each.
    :arg signatures: what C(blkid) still finds, C(None) where it could not be asked.
    :arg partitions: of the kernel's partition table: C(reread), C(not_applicable), or why it could not be read again.
    :arg resumed: the pass (from 1), phase and offset at which an earlier run was taken up; C(None) where there was none.
    :arg stopped: the run ended before its last pass; the checkpoint stays, and the same call goes on.
    :arg asked: nothing failed; what is missing for C(destroyed) is what the caller did not ask for.
    """

    outcome: str
    reason: str | None
    identity: t.Mapping[str, t.Any]
    size: int
    logical: int
    bytes: int
    moved: int
    verified_bytes: int
    to_verify: int
    passes: int
    verify: str
    bad_lbas: tuple[tuple[int, int], ...]
    bad_ranges: int
    bad_bytes: int
    limits: tuple[str, ...]
    signatures: tuple[str, ...] | None
    partitions: str
    resumed: tuple[int, str, int] | None = None
    stopped: bool = False
    read: str = "direct"
    asked: bool = False


def set_outcome(results: t.Sequence[FileResult]) -> str:
    """The outcome of a recording set: C(destroyed) only when each member is, C(not_destroyed) as soon as one member is that."""
    outcomes = {result.outcome for result in results}
    if "not_destroyed" in outcomes:
        return "not_destroyed"
    return "destroyed" if outcomes == {"destroyed"} else "unknown"


_READ = ("cached", "direct", "device", "key")
_EXTENTS = ("changed", "not_available", "unchanged")


def set_proof(results: t.Sequence[FileResult]) -> dict[str, t.Any]:
    """The proof of a set as plain data: sums, and of everything else the weakest."""
    filesystems = sorted({result.filesystem for result in results})
    return {
        "bytes": sum(result.bytes for result in results),
        "verified_bytes": sum(result.verified_bytes for result in results),
        "passes": min((result.passes for result in results), default=0),
        "read": _weakest(_READ, {result.read for result in results}),
        "filesystem": ", ".join(filesystems),
        "extents": _weakest(_EXTENTS, {result.extents for result in results}),
        "limits": sorted({limit for result in results for limit in result.limits}),
    }


def _weakest(order: t.Sequence[str], found: t.Collection[str]) -> str:
    """The first of C(order) that was found; of nothing, what tells nothing."""
    return next((state for state in order if state in found), "not_available" if "not_available" in order else order[0])
