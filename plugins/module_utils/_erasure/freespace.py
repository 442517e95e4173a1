# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite what earlier deletions left behind in a filesystem's free space, by filling it with files that have no name.

A file without a name goes with the process that holds it, so nothing is left behind, not even after a kill.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import os
import threading
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .._executor import Executor
from .filesystem import LIMIT_BACKING, FilesystemFacts, FilesystemProbe
from .keystream import CHUNK, Source, open_source
from .outcomes import Observed, Tally, as_asked, judge
from .rangeio import STEP, Readback, Stream, drop_cached, verify_range, write_range
from .readback import sample
from .schemes import Scheme
from .workers import Buffers, Workers

__all__ = ["FreeSpaceResult", "default_reserve", "free_space_facts", "overwrite_free_space"]

FILL_NAME = ".recordings-disposal-fill"
_FILLERS = 2
_SEGMENT = 32 * CHUNK
# A new file is begun before a filesystem's own limit of a file's size comes near.
_LONGEST = 1 << 40
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)

_XFS = "XFS keeps blocks back that it gives to no file and does not count as free"
LIMIT_SLACK = "the ends of last blocks of living files, inode tables, directories and the journal were not reached"


@dataclass(frozen=True)
class FreeSpaceResult:
    """What came of it.

    :arg free_bytes: free when it began, what is reserved for the superuser included.
    :arg bytes: written in each pass.
    :arg left_bytes: free and not reached, the reserve included.
    :arg files: how many files it took.
    :arg asked: nothing failed; what is missing for C(destroyed) is what the caller did not ask for.
    :arg reason: C(None) exactly where the outcome is C(destroyed).
    """

    outcome: str
    free_bytes: int
    bytes: int
    left_bytes: int
    verified_bytes: int
    passes: int
    files: int
    filesystem: str
    limits: tuple[str, ...]
    reason: str | None
    bad_ranges: tuple[tuple[int, int], ...] = ()
    asked: bool = False


@dataclass
class _Fill:
    """A nameless file, written so far."""

    number: int
    fd: int
    size: int = 0


@dataclass
class _Space:
    """The filesystem that is filled."""

    executor: Executor
    fd: int
    reserve: int
    block: int
    pace: t.Callable[[int], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    fills: list[_Fill] = field(default_factory=list)
    full: str = ""

    def room(self, wanted: int) -> int:
        """How much of C(wanted) may still be written without touching the reserve, in whole blocks."""
        facts = os.fstatvfs(self.fd)
        if not self.reserve:
            return wanted
        room = facts.f_bavail * facts.f_frsize - self.reserve
        return max(0, min(wanted, room // self.block * self.block))

    def new(self) -> _Fill:
        with self.lock:
            fill = _Fill(len(self.fills), _nameless(self.executor, self.fd, f"{FILL_NAME}.{os.getpid()}.{len(self.fills)}"))
            self.fills.append(fill)
        return fill

    def free(self) -> int:
        facts = os.fstatvfs(self.fd)
        return facts.f_bfree * facts.f_frsize

    def close(self) -> None:
        for fill in self.fills:
            os.close(fill.fd)
        self.fills.clear()


def default_reserve(total: int) -> int:
    """What stays free so that a live server goes on: the larger of 5 % and 2 GiB, in bytes."""
    return max(total // 20, 2 << 30)


def _nameless(executor: Executor, dir_fd: int, name: str) -> int:
    flags = os.O_RDWR | os.O_DIRECT
    try:
        return executor.open(".", flags | os.O_TMPFILE, dir_fd=dir_fd)
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise
    fd = executor.open(name, flags | os.O_CREAT | os.O_EXCL, dir_fd=dir_fd)
    executor.unlink(name, dir_fd=dir_fd)
    return fd


def _remove_leftovers(executor: Executor, dir_fd: int) -> None:
    """Names that a kill between making and removing one may have left where nameless files cannot be made."""
    for name in os.listdir(dir_fd):
        if name.startswith(f"{FILL_NAME}."):
            executor.unlink(name, dir_fd=dir_fd)


def _open_top(directory: str) -> int:
    if not os.path.isabs(directory) or os.path.realpath(directory) != os.path.normpath(directory):
        raise RefusedError(
            f"the directory {directory} is not absolute, or is or lies behind a symbolic link, so nothing was done; name the real one"
        )
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(
            f"the directory {directory} cannot be opened ({error.strerror}), so nothing was done; mount it, or correct it"
        ) from error


def free_space_facts(directory: str, reserve: int | None) -> tuple[FilesystemFacts, int, int]:
    """The filesystem's facts, its free bytes, and the bytes that stay free, checked; only reads.

    :raises RefusedError: not a directory, a filesystem on which overwriting free space proves nothing, or a reserve that leaves nothing to do.
    """
    fd = _open_top(directory)
    try:
        facts = FilesystemProbe().assess(fd)
        if not facts.in_place or facts.memory:
            why = "memory-backed" if facts.memory else facts.reason
            raise RefusedError(
                f"{directory} is on {facts.type}, {why}, so filling its free space proves nothing and nothing was done; "
                "sanitize the whole medium, or destroy its keys"
            )
        numbers = os.fstatvfs(fd)
        if numbers.f_flag & os.ST_RDONLY:
            raise RefusedError(f"{directory} is mounted read-only, so nothing was done; mount it for writing")
        kept = default_reserve(numbers.f_blocks * numbers.f_frsize) if reserve is None else reserve
        if kept and numbers.f_bavail * numbers.f_frsize <= kept:
            raise RefusedError(
                f"{directory} has {numbers.f_bavail * numbers.f_frsize} bytes free, not more than the reserve of {kept}, so nothing was done; "
                "give a smaller reserve if the server can do without"
            )
        return facts, numbers.f_bfree * numbers.f_frsize, kept
    finally:
        os.close(fd)


def overwrite_free_space(
    executor: Executor,
    directory: str,
    scheme: Scheme,
    *,
    reserve: int | None = None,
    threads: int = 4,
    pace: t.Callable[[int], None] | None = None,
) -> FreeSpaceResult:
    """Fill the free space of the filesystem of a directory, all passes, read it back past the page cache, and give it back.

    The reserve is looked at before each chunk, so that what a live server writes meanwhile is taken from our share. A reserve of 0 goes on
    to the last block.

    :arg reserve: bytes that stay free; none is the larger of 5 % and 2 GiB.
    :arg pace: called by any thread with the bytes that it is about to write or read.
    :raises RefusedError: nothing was written.
    """
    facts, free, kept = free_space_facts(directory, reserve)
    dir_fd = _open_top(directory)
    sources = [open_source(pass_) for pass_ in scheme.passes]
    space = _Space(executor, dir_fd, kept, os.fstatvfs(dir_fd).f_bsize, pace or (lambda _length: None))
    workers = Workers(max(threads, _FILLERS))
    seen = Observed(0)
    limits = list(facts.limits)
    try:
        _remove_leftovers(executor, dir_fd)
        with contextlib.nullcontext() if kept else _last_clusters(executor, dir_fd, facts):
            for number, source in enumerate(sources):
                _pass(space, workers, source, seen, first=not number)
                if scheme.reads_back(number):
                    if drop_cached(facts.backing_files):
                        limits.append(LIMIT_BACKING)
                    seen.verified_bytes = 0
                    workers.run(_segments(space), functools.partial(_check, space, source, seen, scheme))
        left = _left(space, free, seen.due)
        files = len(space.fills)
    finally:
        for source in sources:
            source.wipe()
        workers.close()
        space.close()
        os.close(dir_fd)
    facts = dataclasses.replace(facts, limits=tuple(dict.fromkeys(limits)))
    return _result(space, seen, facts, scheme, free=free, left=left, files=files)


def _pass(space: _Space, workers: Workers, source: Source, seen: Observed, *, first: bool) -> None:
    seen.written.bytes = 0
    if first:
        workers.run(range(_FILLERS), functools.partial(_fill, space, source, seen))
        seen.due = sum(fill.size for fill in space.fills)
    else:
        workers.run(_segments(space), functools.partial(_again, space, source, seen))
    _flush(space, seen)


def _fill(space: _Space, source: Source, seen: Observed, _index: int, buffers: Buffers) -> None:
    """Write new files until nothing is left but the reserve; chunks get smaller as space gets short."""
    fill = space.new()
    step = CHUNK
    while not space.full:
        if fill.size >= _LONGEST:
            fill = space.new()
        # What the other fillers may take before this chunk is written is left to them.
        length = min(step, space.room(step + _FILLERS * CHUNK) - _FILLERS * CHUNK) if space.reserve else step
        if length <= 0:
            return
        space.pace(length)
        view = buffers.data[:length]
        source.fill(view, stream=fill.number, offset=fill.size)
        try:
            done = space.executor.pwrite(fill.fd, view, fill.size) // space.block * space.block
        except OSError as error:
            if error.errno == errno.ENOSPC and step > space.block:
                step = max(space.block, step // 16 // space.block * space.block)
                continue
            _stopped(space, seen, fill, length, error)
            return
        with space.lock:
            seen.written.bytes += done
        fill.size += done
        if not done:
            return


def _stopped(space: _Space, seen: Observed, fill: _Fill, length: int, error: OSError) -> None:
    """Why a filler ends: no space, which is its aim; a quota; or a fault, which ends them all."""
    if error.errno == errno.ENOSPC:
        return
    with space.lock:
        space.full = space.full or ("a quota was reached" if error.errno == errno.EDQUOT else "a write failed")
        if error.errno != errno.EDQUOT:
            seen.written.spoil(fill.size, length, error=error.errno or errno.EIO)


def _segments(space: _Space) -> t.Iterator[tuple[_Fill, int, int]]:
    for fill in space.fills:
        for begin in range(0, fill.size, _SEGMENT):
            yield fill, begin, min(begin + _SEGMENT, fill.size)


def _stream(space: _Space, fill: _Fill, source: Source) -> Stream:
    return Stream(fill.fd, source, fill.number, align=space.block, step=max(STEP, space.block), pause=space.pace)


def _again(space: _Space, source: Source, seen: Observed, item: tuple[_Fill, int, int], buffers: Buffers) -> None:
    fill, begin, end = item
    tally = Tally()
    write_range(space.executor, _stream(space, fill, source), begin, end, buffers, tally)
    with space.lock:
        seen.written.add(tally)


def _check(space: _Space, source: Source, seen: Observed, scheme: Scheme, item: tuple[_Fill, int, int], buffers: Buffers) -> None:
    fill, begin, end = item
    found = Readback()
    for start, stop in sample([(begin, end)], scheme.share) if scheme.verify == "sample" else [(begin, end)]:
        verify_range(_stream(space, fill, source), start, stop, buffers, found)
    with space.lock:
        seen.verified_bytes += found.verified_bytes
        seen.differing.add(found.differing)
        seen.unread.add(found.unread)


def _flush(space: _Space, seen: Observed) -> None:
    for fill in space.fills:
        try:
            space.executor.fdatasync(fill.fd)
        except OSError as error:
            seen.flush_error = seen.flush_error or error.errno or errno.EIO


@contextlib.contextmanager
def _last_clusters(executor: Executor, fd: int, facts: FilesystemFacts) -> t.Iterator[None]:
    """Have ext4 give out the few clusters too that it keeps for delayed writes, and keep them again afterwards."""
    device = os.fstat(fd).st_dev
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    path = f"/sys/fs/ext4/{name}/reserved_clusters"
    try:
        with open(path, encoding="ascii") as handle:
            before = handle.read().strip()
    except OSError:
        before = ""
    if not facts.type.startswith("ext") or before in ("", "0"):
        yield
        return
    _told(executor, path, "0")
    try:
        yield
    finally:
        _told(executor, path, before)


def _told(executor: Executor, path: str, text: str) -> None:
    with contextlib.suppress(OSError):
        fd = executor.open(path, os.O_WRONLY)
        try:
            executor.write(fd, text.encode())
        finally:
            os.close(fd)


def _left(space: _Space, before: int, written: int) -> int:
    """Free bytes that were not reached: those still free, and those that went into the filling files' own block maps.

    Such a map is in the journal only and would be forgotten with its file, its block still holding what it held before, unless the journal is
    written out first.
    """
    left = space.free()
    try:
        space.executor.checkpoint(space.fd)
    except OSError as error:
        if error.errno != errno.ENODEV:
            return max(left, before - written)
        # No journal: then writing everything out brings the maps to their places.
        os.sync()
    return left


def _result(space: _Space, seen: Observed, facts: FilesystemFacts, scheme: Scheme, *, free: int, left: int, files: int) -> FreeSpaceResult:
    outcome, reason = judge(seen)
    asked = as_asked(seen, scheme.verify)
    if outcome == "destroyed" and (left or space.full or facts.type == "xfs"):
        why = f"{space.full}, and " if space.full else f"{_XFS}, and " if facts.type == "xfs" else ""
        outcome, asked = "unknown", not space.full
        reason = (
            f"{why}{left} bytes of free space were not reached, of which {space.reserve} had to stay free, so what they hold is not known"
        )
    return FreeSpaceResult(
        outcome=outcome,
        free_bytes=free,
        bytes=seen.written.bytes,
        left_bytes=left,
        verified_bytes=seen.verified_bytes,
        passes=len(scheme.passes),
        files=files,
        filesystem=facts.type,
        limits=(*facts.limits, LIMIT_SLACK),
        reason=reason,
        bad_ranges=tuple(seen.written.bad or seen.differing.bad or seen.unread.bad),
        asked=asked,
    )
