# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite a part of one open block device, such as a header, with noise that nobody keeps, and read it back from the device."""

from __future__ import annotations

import errno
import typing as t

from .._executor import Executor
from .._media.identity import Device
from .filesystem import FilesystemProbe
from .keystream import CHUNK, open_source
from .opened import drop_buffers, recheck
from .outcomes import Observed, Tally, judge
from .rangeio import STEP, Readback, Stream, drop_cached, verify_range, write_range
from .schemes import RANDOM
from .workers import Buffers

__all__ = ["overwrite_area"]


def overwrite_area(executor: Executor, fd: int, device: Device, ranges: t.Sequence[tuple[int, int]]) -> tuple[str, str | None, int]:
    """The outcome, the reason unless it is C(destroyed), and the bytes that read back equal.

    :arg fd: of C(opened.open_device).
    :arg ranges: offset and length in bytes, whole sectors, apart from each other.
    :raises RefusedError: the library cryptography is missing; nothing was written.
    """
    facts = FilesystemProbe().assess_device(device.major, device.minor)
    source = open_source(RANDOM)
    stream = Stream(fd, source, 0, align=device.logical, step=max(STEP, device.logical), pause=lambda _length: None)
    written, found, flush_error = Tally(), Readback(), 0
    buffers = Buffers()
    try:
        for start, length in ranges:
            for place in range(start, start + length, CHUNK):
                write_range(executor, stream, place, min(place + CHUNK, start + length), buffers, written)
        try:
            executor.fsync(fd)
        except OSError as error:
            flush_error = error.errno or errno.EIO
        drop_buffers(executor, fd)
        drop_cached(facts.backing_files)
        for start, length in ranges:
            verify_range(stream, start, start + length, buffers, found)
    finally:
        source.wipe()
    seen = Observed(
        sum(length for _start, length in ranges),
        written=written,
        verified_bytes=found.verified_bytes,
        differing=found.differing,
        unread=found.unread,
        flush_error=flush_error,
        ineffective=recheck(fd, device) or facts.reason,
    )
    outcome, reason = judge(seen)
    return outcome, reason, found.verified_bytes
