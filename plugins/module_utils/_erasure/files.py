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
from dataclasses import dataclass, field

from .._executor import Executor
from .extents import Extent, data_ranges, extents_problem, holds_unwritten, map_extents
from .filesystem import LIMIT_BACKING, FilesystemFacts, FilesystemProbe, is_encrypted
from .keystream import CHUNK, Source, open_source
from .marks import Mark, foresee
from .outcomes import FileResult, Observed, Tally, judge
from .rangeio import STEP, Readback, Stream, drop_cached, set_direct, verify_range, write_range, write_tail
from .schemes import Scheme
from .targets import OpenTarget, TargetRefusedError
from .workers import Buffers, run_jobs

__all__ = ["THREADS", "batch_limit", "overwrite_batch", "why_ineffective"]

THREADS = 8
# A file up to this size is one job; a larger one is shared between threads in pieces of at least this size.
SEGMENT = 32 * CHUNK

LIMIT_CACHED = "read back through the page cache, after it was asked to drop the file"
LIMIT_OPENERS = "whether another process had the file open could not be determined"
LIMIT_INTERRUPTED = "another process opened the file while it was overwritten"
LIMIT_UNWRITTEN = "space that the file reserved and never wrote was left as it was"


@dataclass
class _Work:
    """One file on its way. C(body) ranges lie on block boundaries and go past the page cache; C(tail) is the odd end of the last block."""

    target: OpenTarget
    stream: int
    facts: FilesystemFacts
    before: tuple[Extent, ...] | None
    block: int
    direct: bool
    seen: Observed
    body: list[tuple[int, int]]
    tail: tuple[int, int] | None
    limits: list[str] = field(default_factory=list)
    passes: int = 0

    def opened(self, source: Source) -> Stream:
        """The file as a stream of a pass."""
        align = self.block if self.direct else 1
        return Stream(self.target.fd, source, self.stream, align=align, step=max(STEP, self.block), pause=self.target.give_way)

    @property
    def first(self) -> tuple[int, int] | None:
        """The range that is written first."""
        return self.body[0] if self.body else self.tail

    @property
    def end(self) -> int:
        """The end of the last block."""
        return -(-self.target.size // self.block) * self.block


class _Job(t.NamedTuple):
    work: _Work
    ranges: list[tuple[int, int]]
    tail: tuple[int, int] | None


def batch_limit() -> int:
    """How many files may be open at once: each takes two descriptors of this process's limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = 4096 if soft == resource.RLIM_INFINITY else soft
    return max(1, min(512, (room - 128) // 2))


def why_ineffective(targets: t.Sequence[OpenTarget], *, probe: FilesystemProbe | None = None) -> list[str | None]:
    """For each file, why an overwrite would prove nothing, or C(None): to refuse a whole set before its first byte.

    :arg probe: one for many calls spares looking at the same mounts again; not to be kept longer than a batch.
    """
    probe = probe or FilesystemProbe()
    return [_gate(target, probe.assess(target.fd))[1] for target in targets]


def overwrite_batch(
    executor: Executor,
    targets: t.Sequence[OpenTarget],
    scheme: Scheme,
    *,
    threads: int = THREADS,
    on_ineffective: str = "fail",
    probe: FilesystemProbe | None = None,
    announce: t.Callable[[list[Mark | None]], None] | None = None,
) -> list[FileResult]:
    """Overwrite open files, all passes, and read them back; one result per target, in the same order.

    Each file is compared with its state at opening once more before its first write. Sizes never change, holes stay holes,
    and the rest of the last block is zeroed by the filesystem together with the file's last bytes.

    :arg threads: at most; each has 2 MiB of buffers.
    :arg on_ineffective: where an overwrite would prove nothing, C(fail) writes nothing (C(not_destroyed)),
        and C(report) writes and ends in C(unknown) at best.
    :arg probe: shared with C(why_ineffective) by a caller that asked just before.
    :arg announce: called once, before the first write, with the mark of each target, by which C(marks.bears) recognises it
        after an interruption; none for a target that will not be written.
    :raises RefusedError: a random pass, and the library cryptography is missing; nothing was written.
    """
    results: dict[int, FileResult] = {}
    works: list[_Work] = []
    sources: list[Source] = []
    try:
        sources.extend(open_source(pass_) for pass_ in scheme.passes)
        probe = probe or FilesystemProbe()
        media: dict[int, tuple[int, bool]] = {}
        for index, target in enumerate(targets):
            found = _examine(target, index, probe, media, refuse=on_ineffective == "fail")
            if isinstance(found, _Work):
                works.append(found)
            else:
                results[index] = found
        if announce is not None:
            announce(_marks(works, sources, len(targets)))
        for number, source in enumerate(sources):
            _write_pass(executor, works, source, threads)
            _flush(executor, works)
            if scheme.reads_back(number):
                _drop_caches(works)
                _verify_pass(works, source, threads)
            source.wipe()
        for work in works:
            results[work.stream] = _conclude(work)
    finally:
        for source in sources:
            source.wipe()
        for target in targets:
            target.release()
    return [results[index] for index in range(len(targets))]


def _marks(works: list[_Work], sources: list[Source], count: int) -> list[Mark | None]:
    marks: list[Mark | None] = [None] * count
    buffers = Buffers()
    for work in works:
        align = work.block if work.direct else 1
        marks[work.stream] = foresee(work.target.fd, sources, stream=work.stream, first=work.first, align=align, buffers=buffers)
    return marks


def _gate(target: OpenTarget, facts: FilesystemFacts) -> tuple[tuple[Extent, ...] | None, str | None]:
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


def _examine(
    target: OpenTarget, index: int, probe: FilesystemProbe, media: dict[int, tuple[int, bool]], *, refuse: bool
) -> _Work | FileResult:
    facts = probe.assess(target.fd)
    before, problem = _gate(target, facts)
    if problem and refuse:
        return _untouched(facts, problem)
    try:
        target.lease()
    except TargetRefusedError as error:
        return _untouched(facts, error.message)
    now = os.fstat(target.fd)
    if (now.st_size, now.st_mtime_ns, now.st_nlink) != (target.size, target.mtime_ns, 1):
        return _untouched(facts, "changed: the file was written to or got another name after it was opened")
    if now.st_dev not in media:
        media[now.st_dev] = _medium(target, facts)
    block, direct = media[now.st_dev]
    direct = direct and not is_encrypted(target.fd)
    ranges = _seek_ranges(target) if before is None else data_ranges(before, target.size)
    body, tail = _split(ranges, target.size, block) if direct else (ranges, None)
    due = sum(end - start for start, end in ranges)
    work = _Work(target, index, facts, before, block, direct, Observed(due, ineffective=problem or ""), body, tail)
    if target.openers != "none":
        work.limits.append(LIMIT_OPENERS)
    if before is not None and holds_unwritten(before, target.size):
        work.limits.append(LIMIT_UNWRITTEN)
    if direct:
        set_direct(target.fd, True)
    elif not facts.memory:
        work.limits.append(LIMIT_CACHED)
    return work


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


def _jobs(works: t.Iterable[_Work], *, tail: bool) -> t.Iterator[_Job]:
    """Small files whole, large ones in pieces; a large file's tail is left out, because no other thread may use the file meanwhile."""
    for work in works:
        if work.target.size <= SEGMENT:
            yield _Job(work, work.body, work.tail if tail else None)
            continue
        piece = max(SEGMENT, work.target.size // 1024 // CHUNK * CHUNK)
        for start, end in work.body:
            for begin in range(start, end, piece):
                yield _Job(work, [(begin, min(begin + piece, end))], None)


def _write_pass(executor: Executor, works: list[_Work], source: Source, threads: int) -> None:
    def write(job: _Job, buffers: Buffers) -> tuple[_Work, int, Tally]:
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
    done = run_jobs(_jobs(works, tail=True), write, threads)
    large = [work for work in works if work.tail and work.target.size > SEGMENT]
    done += run_jobs((_Job(work, [], work.tail) for work in large), write, threads) if large else []
    for work, _first, tally in sorted(done, key=lambda item: item[1]):
        work.seen.written.add(tally)
    for work in works:
        work.passes += 1


def _flush(executor: Executor, works: list[_Work]) -> None:
    """Make the writes durable: files that went through the page cache one by one, the rest with one flush per filesystem.

    Direct writes over written blocks are on the device when they return; what is left is the device's own cache, which one flush empties.
    """
    last: dict[int, _Work] = {}
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


def _flush_one(executor: Executor, work: _Work) -> int:
    try:
        executor.fdatasync(work.target.fd)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _drop_caches(works: list[_Work]) -> None:
    """Have cached pages dropped that stand between a read and the medium."""
    for work in works:
        if not work.direct and not work.facts.memory:
            os.posix_fadvise(work.target.fd, 0, 0, os.POSIX_FADV_DONTNEED)
    kept = drop_cached({path for work in works for path in work.facts.backing_files})
    for work in works:
        if kept.intersection(work.facts.backing_files) and LIMIT_BACKING not in work.limits:
            work.limits.append(LIMIT_BACKING)


def _verify_pass(works: list[_Work], source: Source, threads: int) -> None:
    def verify(job: _Job, buffers: Buffers) -> tuple[_Work, int, Readback]:
        work, found = job.work, Readback()
        for start, end in job.ranges:
            verify_range(work.opened(source), start, end, buffers, found)
        return work, job.ranges[0][0], found

    def jobs() -> t.Iterator[_Job]:
        for job in _jobs(works, tail=True):
            ranges = job.ranges + ([job.tail] if job.tail else [])
            if ranges:
                yield _Job(job.work, ranges, None)
        for work in works:
            if work.tail and work.target.size > SEGMENT:
                yield _Job(work, [work.tail], None)

    for work in works:
        work.seen.verified_bytes = 0
    for work, _first, found in sorted(run_jobs(jobs(), verify, threads), key=lambda item: item[1]):
        work.seen.verified_bytes += found.verified_bytes
        work.seen.differing.add(found.differing)
        work.seen.unread.add(found.unread)


def _conclude(work: _Work) -> FileResult:
    """Look at the file once more, and judge."""
    seen, target = work.seen, work.target
    now = os.fstat(target.fd)
    seen.changed = (now.st_size, now.st_nlink) != (target.size, 1)
    extents = "not_available"
    if work.before is not None:
        try:
            seen.extents_problem = extents_problem(work.before, map_extents(target.fd), end=work.end)
        except OSError as error:
            seen.extents_problem = f"extents not available: asking the filesystem failed ({error.strerror})"
        extents = "changed" if seen.extents_problem else "unchanged"
    target.release()
    limits = [*work.facts.limits, *work.limits] + ([LIMIT_INTERRUPTED] if target.interrupted else [])
    outcome, reason = judge(seen)
    spoilt = seen.written.bad or seen.differing.bad or seen.unread.bad
    return FileResult(
        outcome=outcome,
        bytes=seen.written.bytes,
        verified_bytes=seen.verified_bytes,
        passes=work.passes,
        read="direct" if work.direct else "cached",
        filesystem=work.facts.type,
        extents=extents,
        limits=tuple(limits),
        reason=reason,
        bad_ranges=tuple(spoilt),
    )
