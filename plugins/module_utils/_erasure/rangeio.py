# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing and reading back ranges of one open file: chunk by chunk, and around the blocks that fail."""

from __future__ import annotations

import errno
import os
import typing as t

from .._executor import Executor
from .keystream import CHUNK, Source
from .outcomes import Tally
from .workers import Buffers

__all__ = ["Readback", "verify_range", "write_range"]

# The size in which a bad range is looked through, in bytes.
STEP = 4096


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


def write_range(
    executor: Executor, fd: int, source: Source, stream: int, start: int, end: int, buffers: Buffers, tally: Tally, *, step: int, pause: t.Callable[[], None]
) -> None:
    """Overwrite the bytes from C(start) to C(end).

    An input/output error spoils only the blocks that fail, C(step) bytes each; any other error ends the range there.

    :arg pause: called before each chunk.
    """
    offset = start
    while offset < end:
        pause()
        length = min(CHUNK, end - offset)
        view = buffers.data[:length]
        source.fill(view, stream=stream, offset=offset)
        try:
            _put(executor, fd, view, offset)
            tally.bytes += length
        except OSError as error:
            if error.errno != errno.EIO:
                tally.spoil(offset, end - offset, error=error.errno or errno.EIO)
                return
            _write_around(executor, fd, view, offset, tally, step)
        offset += length


def _write_around(executor: Executor, fd: int, view: memoryview, offset: int, tally: Tally, step: int) -> None:
    for begin in range(0, len(view), step):
        piece = view[begin : begin + step]
        try:
            _put(executor, fd, piece, offset + begin)
            tally.bytes += len(piece)
        except OSError as error:
            tally.spoil(offset + begin, len(piece), error=error.errno or errno.EIO)


def verify_range(
    fd: int, source: Source, stream: int, start: int, end: int, buffers: Buffers, found: Readback, *, step: int, align: int, pause: t.Callable[[], None]
) -> None:
    """Read the bytes from C(start) to C(end) and compare them with what the source wrote.

    :arg align: reads are rounded up to it, which direct I/O wants at a file's odd end.
    """
    offset = start
    while offset < end:
        pause()
        length = min(CHUNK, end - offset)
        _verify_piece(fd, source, stream, offset, length, buffers, found, step, align)
        offset += length


def _verify_piece(fd: int, source: Source, stream: int, offset: int, length: int, buffers: Buffers, found: Readback, step: int, align: int) -> None:
    try:
        got = os.preadv(fd, [buffers.data[: -(-length // align) * align]], offset)
        error = errno.ENODATA
    except OSError as failure:
        got = -1
        error = failure.errno or errno.EIO
    if got < length:
        if length <= step:
            found.unread.spoil(offset, length, error=error)
            return
        for begin in range(0, length, step):
            _verify_piece(fd, source, stream, offset + begin, min(step, length - begin), buffers, found, step, align)
        return
    source.fill(memoryview(buffers.expected)[:length], stream=stream, offset=offset)
    if buffers.equal(length):
        found.verified_bytes += length
        return
    for begin in range(0, length, step):
        stop = min(begin + step, length)
        if buffers.expected[begin:stop] == buffers.data[begin:stop]:
            found.verified_bytes += stop - begin
        else:
            found.differing.spoil(offset + begin, stop - begin)
