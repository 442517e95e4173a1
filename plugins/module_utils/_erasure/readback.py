# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading back what a pass wrote: from the block device itself where that can be read, else through the filesystem past the page cache."""

from __future__ import annotations

import os
import secrets
import typing as t

from .extents import physical_pieces
from .keystream import Source
from .rangeio import Readback, verify_range
from .schemes import Scheme
from .work import Job, Work, jobs
from .workers import Buffers, Workers

__all__ = ["LIMIT_BACKING", "drop_backing", "drop_caches", "sample", "verify_pass"]

LIMIT_BACKING = "cached pages of the file below the loop device could not be dropped before reading back"
# The pieces of a sample, in bytes.
_SAMPLE = 16 * 4096


def drop_caches(works: list[Work]) -> None:
    """Have cached pages dropped that stand between a read and the medium."""
    for work in works:
        if not work.direct and not work.facts.memory:
            os.posix_fadvise(work.target.fd, 0, 0, os.POSIX_FADV_DONTNEED)
    kept = drop_backing({path for work in works for path in work.facts.backing_files})
    for work in works:
        if kept.intersection(work.facts.backing_files) and LIMIT_BACKING not in work.limits:
            work.limits.append(LIMIT_BACKING)


def drop_backing(paths: t.Iterable[str]) -> set[str]:
    """Have cached pages of files below loop devices dropped; returns those of which they could not be."""
    kept: set[str] = set()
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            kept.add(path)
            continue
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
    return kept


def verify_pass(works: list[Work], source: Source, scheme: Scheme, workers: Workers) -> None:
    """Compare what the medium holds with what the pass wrote, all of it or the scheme's share."""

    def verify(job: Job, buffers: Buffers) -> tuple[Work, int, Readback]:
        found = Readback()
        for start, end in job.ranges:
            _verify(job.work, source, start, end, buffers, found)
        return job.work, job.ranges[0][0], found

    def wanted() -> t.Iterator[Job]:
        for job in jobs(works, tail=True):
            yield Job(job.work, _joined(job.ranges, job.tail), None)
        for work in works:
            if work.tail and work.large:
                yield Job(work, [work.tail], None)

    def sampled() -> t.Iterator[Job]:
        for job in wanted():
            ranges = job.ranges if scheme.verify != "sample" else sample(job.ranges, scheme.share)
            if ranges:
                yield Job(job.work, ranges, None)

    for work in works:
        work.seen.verified_bytes = 0
    for work, _first, found in sorted(workers.run(sampled(), verify), key=lambda item: item[1]):
        work.seen.verified_bytes += found.verified_bytes
        work.seen.differing.add(found.differing)
        work.seen.unread.add(found.unread)


def _joined(ranges: list[tuple[int, int]], tail: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The ranges with the odd end, in one read where it follows them."""
    if tail is None:
        return ranges
    if ranges and ranges[-1][1] == tail[0]:
        return [*ranges[:-1], (ranges[-1][0], tail[1])]
    return [*ranges, tail]


def _verify(work: Work, source: Source, start: int, end: int, buffers: Buffers, found: Readback) -> None:
    stream = work.opened(source)
    if work.raw < 0 or work.before is None:
        verify_range(stream, start, end, buffers, found)
        return
    for first, last, place in physical_pieces(work.before, start, end):
        raw = stream._replace(fd=work.raw, align=work.block, shift=place - first, slack=last == work.target.size)
        verify_range(raw, first, last, buffers, found)


def sample(ranges: list[tuple[int, int]], share: int) -> list[tuple[int, int]]:
    """The first piece, and of the others C(share) in a thousand, at places that nobody can foresee."""
    chosen: list[tuple[int, int]] = []
    for start, end in ranges:
        for piece in range(start, end, _SAMPLE):
            if not chosen or secrets.randbelow(1000) < share:
                chosen.append((piece, min(piece + _SAMPLE, end)))
    return chosen
