# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite a batch of open files and prove it: write all, one flush, read every byte back, compare extents."""

from __future__ import annotations

import errno
import os
import resource
import typing as t

from .._executor import Executor
from .examine import Examiner, gate
from .extents import extents_problem, map_extents
from .filesystem import FilesystemProbe
from .keystream import Source, open_source
from .marks import Mark, foresee
from .outcomes import FileResult, Tally, as_asked, judge
from .rangeio import write_range, write_tail
from .rawdisk import RawDisks
from .readback import drop_caches, verify_pass
from .schemes import Scheme
from .targets import OpenTarget
from .work import Job, Work, jobs
from .workers import Buffers, Workers

__all__ = ["THREADS", "batch_limit", "overwrite_batch", "why_ineffective"]

THREADS = 8

LIMIT_INTERRUPTED = "another process opened the file while it was overwritten"


def batch_limit(descriptors: int = 2) -> int:
    """How many files may be open at once, each of which takes so many descriptors of this process's limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = 4096 if soft == resource.RLIM_INFINITY else soft
    return max(1, min(512, (room - 128) // descriptors))


def why_ineffective(targets: t.Sequence[OpenTarget], *, probe: FilesystemProbe | None = None) -> list[str | None]:
    """For each file, why an overwrite would prove nothing, or C(None): to refuse a whole set before its first byte.

    :arg probe: one for many calls spares looking at the same mounts again; not to be kept longer than a batch.
    """
    probe = probe or FilesystemProbe()
    return [gate(target, target.facts(probe))[1] for target in targets]


def overwrite_batch(
    executor: Executor,
    targets: t.Sequence[OpenTarget],
    scheme: Scheme,
    *,
    workers: Workers | None = None,
    on_ineffective: str = "fail",
    probe: FilesystemProbe | None = None,
    announce: t.Callable[[list[Mark | None]], None] | None = None,
    pace: t.Callable[[int], None] | None = None,
    hold: bool = False,
) -> list[FileResult]:
    """Overwrite open files, all passes, and read them back; one result per target, in the same order.

    Each file is compared with its state at opening once more before its first write. Sizes never change, holes stay holes,
    and the rest of the last block is zeroed by the filesystem together with the file's last bytes.

    :arg workers: what a caller keeps for many batches; where none, as many as C(THREADS) for this one.
    :arg on_ineffective: where an overwrite would prove nothing, C(fail) writes nothing (C(not_destroyed)),
        and C(report) writes and ends in C(unknown) at best.
    :arg probe: shared with C(why_ineffective) by a caller that asked just before.
    :arg announce: called once, before the first write, with the mark of each target, by which C(marks.bears) recognises it
        after an interruption; none for a target that will not be written.
    :arg pace: called by any thread with the bytes that it is about to write or read.
    :arg hold: who opens a file that came out as it was asked for is kept waiting until its target is released or closed, so that nobody
        writes to it before its names go.
    :raises RefusedError: a random pass, and the library cryptography is missing; nothing was written.
    """
    results: dict[int, FileResult] = {}
    works: list[Work] = []
    sources: list[Source] = []
    raw = RawDisks()
    own = None if workers else Workers(THREADS)
    workers = workers or t.cast(Workers, own)
    try:
        sources.extend(open_source(pass_) for pass_ in scheme.passes)
        examiner = Examiner(probe or FilesystemProbe(), raw, refuse=on_ineffective == "fail", pace=pace)
        for index, target in enumerate(targets):
            found = examiner.examine(target, index)
            if isinstance(found, Work):
                works.append(found)
            else:
                results[index] = found
        if announce is not None:
            announce(_marks(works, sources, len(targets), workers))
        for number, source in enumerate(sources):
            _write_pass(executor, works, source, workers)
            _flush(executor, works)
            for work in works:
                work.target.note_left(timed=work.facts.in_place)
            if scheme.reads_back(number):
                drop_caches(works)
                verify_pass(works, source, scheme, workers)
            source.wipe()
        for work in works:
            results[work.stream] = _conclude(work, scheme.verify)
    finally:
        for source in sources:
            source.wipe()
        raw.close()
        if own is not None:
            own.close()
        for index, target in enumerate(targets):
            if not hold or index not in results or not _as_wanted(results[index]):
                target.release()
    return [results[index] for index in range(len(targets))]


def _as_wanted(result: FileResult) -> bool:
    return result.outcome == "destroyed" or result.asked


def _marks(works: list[Work], sources: list[Source], count: int, workers: Workers) -> list[Mark | None]:
    def foreseen(work: Work, buffers: Buffers) -> tuple[int, Mark | None]:
        align = work.block if work.direct else 1
        return work.stream, foresee(work.target.fd, sources, stream=work.stream, first=work.first, align=align, buffers=buffers)

    marks: list[Mark | None] = [None] * count
    if all(source.secret for source in sources):
        # Nothing is read for them, so there is nothing to wait for.
        buffers = Buffers()
        found = [foreseen(work, buffers) for work in works]
    else:
        found = workers.run(works, foreseen)
    for index, mark in found:
        marks[index] = mark
    return marks


def _write_pass(executor: Executor, works: list[Work], source: Source, workers: Workers) -> None:
    def write(job: Job, buffers: Buffers) -> tuple[Work, int, Tally]:
        work, tally = job.work, Tally()
        stream = work.opened(source)
        for start, end in job.ranges:
            write_range(executor, stream, start, end, buffers, tally)
        if job.tail:
            write_tail(executor, stream, job.tail, buffers, tally)
        first = job.ranges[0][0] if job.ranges else work.target.size
        return work, first, tally

    for work in works:
        work.seen.written.bytes = 0
    done = workers.run(jobs(works, tail=True), write)
    large = [work for work in works if work.tail and work.large]
    done += workers.run((Job(work, [], work.tail) for work in large), write) if large else []
    _end_tails(executor, [work for work in works if work.tail], done)
    for work, _first, tally in sorted(done, key=lambda item: item[1]):
        work.seen.written.add(tally)
    for work in works:
        work.passes += 1


def _end_tails(executor: Executor, works: list[Work], done: list[tuple[Work, int, Tally]]) -> None:
    """Wait until the odd ends are on the device, and drop them from the cache, which reading back must not see."""
    for work in works:
        start, end = work.tail or (0, 0)
        try:
            executor.write_back(work.target.fd, start, end - start)
            os.posix_fadvise(work.target.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError as error:
            failed = Tally()
            failed.spoil(start, end - start, error=error.errno or errno.EIO)
            done.append((work, start, failed))


def _flush(executor: Executor, works: list[Work]) -> None:
    """Make the writes durable: files that went through the page cache one by one, the rest with one flush per filesystem.

    Direct writes over written blocks are on the device when they return; what is left is the device's own cache, which one flush empties.
    """
    last: dict[int, Work] = {}
    for work in works:
        if work.facts.memory or not work.seen.due:
            continue
        if work.direct:
            last[work.target.identity[0]] = work
        else:
            work.seen.flush_error = work.seen.flush_error or _flush_one(executor, work)
    for device, chosen in last.items():
        failed = _flush_one(executor, chosen)
        for work in works:
            if failed and work.direct and work.target.identity[0] == device:
                work.seen.flush_error = work.seen.flush_error or failed


def _flush_one(executor: Executor, work: Work) -> int:
    try:
        executor.fdatasync(work.target.fd)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _conclude(work: Work, verify: str) -> FileResult:
    """Look at the file once more, and judge."""
    seen, target = work.seen, work.target
    now = os.fstat(target.fd)
    seen.changed = (now.st_size, now.st_nlink) != (target.size, target.nlink) or not target.is_as_left(now)
    extents = "not_available"
    if work.before is not None:
        try:
            seen.extents_problem = extents_problem(work.before, map_extents(target.fd), end=work.end)
        except OSError as error:
            seen.extents_problem = f"extents not available: asking the filesystem failed ({error.strerror})"
        extents = "changed" if seen.extents_problem else "unchanged"
    interrupted = target.interrupted or not target.undisturbed
    limits = [*work.facts.limits, *work.limits] + ([LIMIT_INTERRUPTED] if interrupted else [])
    outcome, reason = judge(seen)
    spoilt = seen.written.bad or seen.differing.bad or seen.unread.bad
    return FileResult(
        outcome=outcome,
        bytes=seen.written.bytes,
        verified_bytes=seen.verified_bytes,
        passes=work.passes,
        read="device" if work.raw >= 0 else "direct" if work.direct else "cached",
        filesystem=work.facts.type,
        extents=extents,
        limits=tuple(limits),
        reason=reason,
        bad_ranges=tuple(spoilt),
        asked=as_asked(seen, verify),
    )
