# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing and reading back ranges of one open file: chunk by chunk, and around the blocks that fail."""

from __future__ import annotations

import errno
import fcntl
import os
import typing as t

from .._executor import Executor
from .keystream import CHUNK, Source
from .outcomes import Tally
from .workers import Buffers

__all__ = [
    "BLOCK_ERRORS",
    "Readback",
    "STEP",
    "Stream",
    "drop_cached",
    "set_direct",
    "verify_range",
    "write_around",
    "write_range",
    "write_tail",
]

# The size in which a bad range is looked through, in bytes.
STEP = 4096
# What direct I/O says of blocks that fail while the device goes on: input/output, medium, target and protection errors.
BLOCK_ERRORS = (errno.EIO, errno.ENODATA, errno.EREMOTEIO, errno.EILSEQ)


class Stream(t.NamedTuple):
    """One open file during one pass.

    :arg number: the file's stream of the source.
    :arg align: reads are rounded up to it, which direct I/O wants at a file's odd end, in bytes.
    :arg step: the size in which a bad range is looked through, in bytes.
    :arg pause: called before each chunk with its length.
    :arg shift: added to an offset in the file to find it in C(fd), in bytes: another one where C(fd) is the device below.
    :arg slack: what lies behind the last byte, up to C(align), must read as zeros.
    """

    fd: int
    source: Source
    number: int
    align: int
    step: int
    pause: t.Callable[[int], None]
    shift: int = 0
    slack: bool = False


class Readback:
    """What reading back found: equal bytes, differing ranges, ranges that could not be read."""

    def __init__(self) -> None:
        self.verified_bytes = 0
        self.differing = Tally()
        self.unread = Tally()


def _put(executor: Executor, fd: int, view: memoryview, offset: int) -> None:
    while view:
        done = executor.pwrite(fd, view, offset)
        if done <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view, offset = view[done:], offset + done


def write_range(executor: Executor, stream: Stream, start: int, end: int, buffers: Buffers, tally: Tally) -> None:
    """Overwrite the bytes from C(start) to C(end).

    An input/output error spoils only the blocks that fail, after they were tried once more; any other error ends the range there.
    """
    offset = start
    while offset < end:
        length = min(CHUNK, end - offset)
        stream.pause(length)
        view = stream.source.ready(offset=offset, length=length)
        if view is None:
            view = buffers.data[:length]
            stream.source.fill(view, stream=stream.number, offset=offset)
        try:
            _put(executor, stream.fd, view, offset)
            tally.bytes += length
        except OSError as error:
            if error.errno not in BLOCK_ERRORS:
                tally.spoil(offset, end - offset, error=error.errno or errno.EIO)
                return
            write_around(executor, stream, view, offset, tally)
        offset += length


def write_around(executor: Executor, stream: Stream, view: memoryview, offset: int, tally: Tally) -> None:
    """Try a piece again that failed: in quarters, what fails again in quarters of it, and the smallest twice."""
    size = max(stream.step, -(-len(view) // 4 // stream.step) * stream.step)
    for begin in range(0, len(view), size):
        piece = view[begin : begin + size]
        try:
            _put(executor, stream.fd, piece, offset + begin)
            tally.bytes += len(piece)
        except OSError as error:
            if error.errno in BLOCK_ERRORS and len(view) > stream.step:
                write_around(executor, stream, piece, offset + begin, tally)
            else:
                tally.spoil(offset + begin, len(piece), error=error.errno or errno.EIO)


def write_tail(executor: Executor, stream: Stream, tail: tuple[int, int], buffers: Buffers, tally: Tally, *, wait: bool = True) -> None:
    """Overwrite an odd end that direct I/O cannot write, through the page cache.

    :arg wait: until it has left that; else its way is only begun, since waiting for each of many files makes as many small flushes.
    """
    start, end = tail
    fd = stream.fd
    attempt = Tally()
    set_direct(fd, False)
    try:
        write_range(executor, stream, start, end, buffers, attempt)
        executor.write_back(fd, start, end - start, wait=wait)
        if wait:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        attempt = Tally()
        attempt.spoil(start, end - start, error=error.errno or errno.EIO)
    finally:
        set_direct(fd, True)
    tally.add(attempt)


def set_direct(fd: int, on: bool) -> None:
    """Make an open file's reads and writes go past the page cache, or through it."""
    # Of the flags that can be changed at all, the files of this engine have these two.
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | (os.O_DIRECT if on else 0))


def drop_cached(paths: t.Iterable[str]) -> set[str]:
    """Have cached pages of files below loop devices dropped, which stand between a read and the medium; returns those that could not be."""
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


def verify_range(stream: Stream, start: int, end: int, buffers: Buffers, found: Readback) -> None:
    """Read the bytes from C(start) to C(end) and compare them with what the source wrote."""
    offset = start
    while offset < end:
        length = min(CHUNK, end - offset)
        stream.pause(length)
        _verify_piece(stream, offset, length, buffers, found)
        offset += length


def _verify_piece(stream: Stream, offset: int, length: int, buffers: Buffers, found: Readback) -> None:
    try:
        got = os.preadv(stream.fd, [buffers.data[: -(-length // stream.align) * stream.align]], offset + stream.shift)
        error = errno.ENODATA
    except OSError as failure:
        got = -1
        error = failure.errno or errno.EIO
    if got < length:
        if length <= stream.step or error not in BLOCK_ERRORS:
            found.unread.spoil(offset, length, error=error)
            return
        for begin in range(0, length, stream.step):
            _verify_piece(stream, offset + begin, min(stream.step, length - begin), buffers, found)
        return
    if stream.slack and any(buffers.data[length:got]):
        found.differing.spoil(offset + length, got - length)
    stream.source.fill(memoryview(buffers.expected)[:length], stream=stream.number, offset=offset)
    if buffers.equal(length):
        found.verified_bytes += length
        return
    for begin in range(0, length, stream.step):
        stop = min(begin + stream.step, length)
        if buffers.expected[begin:stop] == buffers.data[begin:stop]:
            found.verified_bytes += stop - begin
        else:
            found.differing.spoil(offset + begin, stop - begin)
