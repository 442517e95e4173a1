# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be known of an open file before its first byte is written: where its bytes lie, and whether overwriting them proves anything."""

from __future__ import annotations

import errno
import os
import typing as t

from .attached import LIMIT_ATTRIBUTES, attribute_names
from .extents import Extent, data_ranges, extents_problem, map_extents, reaches_beyond
from .filesystem import FilesystemFacts, FilesystemProbe, is_encrypted
from .keystream import CHUNK
from .outcomes import FileResult, Observed
from .rangeio import set_direct
from .rawdisk import RawDisks, has_clusters
from .targets import OpenTarget, TargetRefusedError
from .work import Work
from .workers import Buffers

__all__ = ["Examiner", "gate"]

LIMIT_CACHED = "read back through the page cache, after it was asked to drop the file"
BUSY = "busy: another process has the file open and may write to it again"
LIMIT_OPENERS = "whether another process had the file open could not be determined"
LIMIT_BEYOND = "space that the file reserved behind its end was left as it was, and may hold what other files left there"
LIMIT_CLUSTER = "the file's last cluster is larger than a block (bigalloc), and what the file had behind its last block before it was cut was left there"


class Examiner:
    """Looks at the files of one batch.

    :arg refuse: a file whose overwriting would prove nothing is not written to.
    :arg pace: called with the bytes that are about to be moved.
    """

    def __init__(self, probe: FilesystemProbe, raw: RawDisks, *, refuse: bool, pace: t.Callable[[int], None] | None) -> None:
        self.probe = probe
        self.raw = raw
        self.refuse = refuse
        self.pace = pace
        self._media: dict[int, tuple[int, bool]] = {}

    def examine(self, target: OpenTarget, index: int) -> Work | FileResult:
        """The file as work to do, or the result that nothing was written to it."""
        facts = target.facts(self.probe)
        before, problem = gate(target, facts)
        if problem and self.refuse:
            return _untouched(facts, problem)
        try:
            target.lease()
        except TargetRefusedError as error:
            return _untouched(facts, error.message)
        if target.openers == "others":
            problem = problem or BUSY
        now = os.fstat(target.fd)
        if (now.st_size, now.st_mtime_ns, now.st_nlink) != (target.size, target.mtime_ns, target.nlink):
            return _untouched(facts, "changed: the file was written to or got another name after it was opened")
        if now.st_dev not in self._media:
            self._media[now.st_dev] = _medium(target, facts)
        block, direct = self._media[now.st_dev]
        encrypted = is_encrypted(target.fd)
        direct = direct and not encrypted
        ranges = _seek_ranges(target) if before is None else data_ranges(before, target.size)
        body, tail = _split(ranges, target.size, block) if direct else (ranges, None)
        due = sum(end - start for start, end in ranges)
        work = Work(target, index, facts, before, block, direct, Observed(due, ineffective=problem or ""), body, tail, pace=self.pace)
        if before is not None and problem is None and not encrypted and not facts.memory:
            work.raw = self.raw.open(now.st_dev)
        self._note_limits(work)
        if direct:
            set_direct(target.fd, True)
        return work

    @staticmethod
    def _note_limits(work: Work) -> None:
        if work.target.openers == "not_determinable":
            work.limits.append(LIMIT_OPENERS)
        if work.before is not None and reaches_beyond(work.before, work.end):
            work.limits.append(LIMIT_BEYOND)
        if work.raw >= 0 and work.target.size and work.facts.type == "ext4" and has_clusters(work.raw):
            work.limits.append(LIMIT_CLUSTER)
        if attribute_names(work.target.fd):
            work.limits.append(LIMIT_ATTRIBUTES)
        if not work.direct and not work.facts.memory and work.raw < 0:
            work.limits.append(LIMIT_CACHED)


def gate(target: OpenTarget, facts: FilesystemFacts) -> tuple[tuple[Extent, ...] | None, str | None]:
    """The extents, and why an overwrite would prove nothing."""
    if not facts.in_place:
        return None, f"{facts.type} is {facts.reason}" if facts.type != "unknown" else facts.reason
    if facts.memory:
        return None, None
    try:
        extents = map_extents(target.fd)
    except OSError as error:
        return None, f"extents not available: asking the filesystem failed ({error.strerror})"
    block = os.fstatvfs(target.fd).f_bsize
    return extents, extents_problem(extents, extents, end=-(-target.size // block) * block)


def _untouched(facts: FilesystemFacts, reason: str) -> FileResult:
    return FileResult("not_destroyed", 0, 0, 0, "cached", facts.type, "not_available", facts.limits, reason)


def _medium(target: OpenTarget, facts: FilesystemFacts) -> tuple[int, bool]:
    """The block size, and whether files of this filesystem can be read past the page cache: tried, not assumed."""
    block = os.fstatvfs(target.fd).f_bsize
    if facts.memory or block > CHUNK:
        return block, False
    try:
        set_direct(target.fd, True)
        os.preadv(target.fd, [Buffers().data[:block]], 0)
    except OSError as error:
        return block, error.errno not in (errno.EINVAL, errno.EOPNOTSUPP)
    finally:
        set_direct(target.fd, False)
    return block, True


def _seek_ranges(target: OpenTarget) -> list[tuple[int, int]]:
    """The ranges that hold data, where there are no extents to ask."""
    ranges: list[tuple[int, int]] = []
    position = 0
    while position < target.size:
        try:
            start = os.lseek(target.fd, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            return [(0, target.size)]
        position = min(os.lseek(target.fd, start, os.SEEK_HOLE), target.size)
        if start < position:
            ranges.append((start, position))
    return ranges


def _split(ranges: list[tuple[int, int]], size: int, block: int) -> tuple[list[tuple[int, int]], tuple[int, int] | None]:
    """Whole blocks, which direct I/O can write, and the odd end, which it cannot write without growing the file.

    The odd end goes through the page cache, and the filesystem fills its block up with zeros: so slack is overwritten and the size
    never changes, not even for an instant in which a crash would leave a file that seems to have grown.
    """
    if not ranges or ranges[-1][1] != size or size % block == 0:
        return ranges, None
    start = ranges[-1][0]
    cut = max(start, size - size % block)
    return ranges[:-1] + ([(start, cut)] if start < cut else []), (cut, size)
