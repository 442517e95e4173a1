# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of a filesystem that no file has: how many there are by its own map, and those that it holds back from files.

The figures of C(statvfs) leave out what a filesystem holds back, or what a project's quota hides; the map (GETFSMAP) does not.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import time
import typing as t

from .._executor import Executor

__all__ = ["LIMIT_MARGIN", "free_by_map", "free_ranges", "margin_given", "merged", "overlap", "without"]

LIMIT_MARGIN = "the filesystem's own margin could not be set back to what it was; mount it anew"

_FS_IOC_GETFSMAP = 0xC0C0583B
_HEAD = struct.Struct("=IIII48x")
_RECORD = struct.Struct("=IIQQQQ24x")
_RECORDS = 512
_FIRST = _HEAD.size + 2 * _RECORD.size
_SPECIAL_OWNER = 0x10
_LAST = 0x20
_OWNER_FREE = 1

_XFS_SET_RESBLKS = 0xC0105872
_XFS_GET_RESBLKS = 0x80105873
_RESBLKS = struct.Struct("=QQ")


def free_by_map(fd: int, known: t.Sequence[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """The bytes of all blocks that the filesystem's own map calls free, and how many of them lie in C(known) ranges of the device.

    Both from one reading, so that they fit together; C(None) where the filesystem has no such map for us.

    :raises OSError: it could not be read.
    """
    ranges = free_ranges(fd)
    if ranges is None:
        return None
    free = 0

    def counted() -> t.Iterator[tuple[int, int]]:
        nonlocal free
        for start, end in ranges:
            free += end - start
            yield start, end

    counting = counted()
    both = overlap(sorted(known), counting)
    for _rest in counting:
        pass
    return free, both


def free_ranges(fd: int) -> t.Iterator[tuple[int, int]] | None:
    """The free blocks as ranges (start, end) of the device in bytes; C(None) where the filesystem has no such map for us.

    :raises OSError: it could not be read.
    """
    try:
        first = _records(fd, bytes(_RECORD.size))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS, errno.EINVAL, errno.EPERM):
            return None
        raise
    return _free(fd, first)


def _records(fd: int, low: bytes) -> bytes:
    """The records of the map behind C(low), which is the last one that was read."""
    high = _RECORD.pack(0xFFFFFFFF, 0xFFFFFFFF, (1 << 64) - 1, (1 << 64) - 1, (1 << 64) - 1, 0)
    buffer = bytearray(_FIRST + _RECORDS * _RECORD.size)
    _HEAD.pack_into(buffer, 0, 0, 0, _RECORDS, 0)
    buffer[_HEAD.size : _FIRST] = low + high
    fcntl.ioctl(fd, _FS_IOC_GETFSMAP, buffer, True)
    count = _HEAD.unpack_from(buffer)[3]
    return bytes(buffer[_FIRST : _FIRST + count * _RECORD.size])


def _free(fd: int, records: bytes) -> t.Iterator[tuple[int, int]]:
    while records:
        flags = 0
        for _device, flags, physical, owner, _offset, length in _RECORD.iter_unpack(records):
            if flags & _SPECIAL_OWNER and owner == _OWNER_FREE:
                yield physical, physical + length
        if flags & _LAST:
            return
        records = _records(fd, records[len(records) - _RECORD.size :])


def overlap(one: t.Iterable[tuple[int, int]], other: t.Iterable[tuple[int, int]]) -> int:
    """How many bytes lie in ranges of both; each in order and without overlaps."""
    both = 0
    first, second = iter(one), iter(other)
    a, b = next(first, None), next(second, None)
    while a and b:
        both += max(0, min(a[1], b[1]) - max(a[0], b[0]))
        if a[1] <= b[1]:
            a = next(first, None)
        else:
            b = next(second, None)
    return both


def merged(ranges: t.Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes in order and without overlaps."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without(ranges: t.Iterable[tuple[int, int]], known: t.Sequence[tuple[int, int]]) -> t.Iterator[tuple[int, int]]:
    """What of C(ranges) lies in none of C(known); each in order and without overlaps."""
    number = 0
    for start, end in ranges:
        while number < len(known) and known[number][1] <= start:
            number += 1
        ahead = number
        while ahead < len(known) and known[ahead][0] < end:
            if known[ahead][0] > start:
                yield start, known[ahead][0]
            start = max(start, known[ahead][1])
            ahead += 1
        if start < end:
            yield start, end


@contextlib.contextmanager
def margin_given(executor: Executor, fd: int, kind: str) -> t.Iterator[list[str]]:
    """Have the filesystem give out the blocks too that it holds back from everybody, and hold them back again afterwards.

    ext4 keeps C(reserved_clusters) for delayed writes, XFS its reserve pool. Neither is kept on the medium: a mount makes it anew,
    also where the process is killed in between.
    Where it may not be changed, nothing is, and C(free_by_map) tells what was not given.

    :arg kind: the filesystem's type.
    :returns: what could not be set back is added to this list, one sentence.
    """
    limits: list[str] = []
    restore = _lower_xfs(executor, fd) if kind == "xfs" else _lower_ext4(executor, fd)
    try:
        yield limits
    finally:
        try:
            restore()
        except OSError:
            limits.append(LIMIT_MARGIN)


def _nothing() -> None:
    """There is nothing to set back."""


def _lower_ext4(executor: Executor, fd: int) -> t.Callable[[], None]:
    device = os.fstat(fd).st_dev
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    path = f"/sys/fs/ext4/{name}/reserved_clusters"

    def put(text: str) -> None:
        setting = executor.open(path, os.O_WRONLY)
        try:
            executor.write(setting, text.encode())
        finally:
            os.close(setting)

    try:
        with open(path, encoding="ascii") as handle:
            before = handle.read().strip()
        put("0")
    except OSError:
        return _nothing
    return lambda: put(before)


def _lower_xfs(executor: Executor, fd: int) -> t.Callable[[], None]:
    before = bytearray(_RESBLKS.size)
    try:
        fcntl.ioctl(fd, _XFS_GET_RESBLKS, before, True)
        executor.ioctl(fd, _XFS_SET_RESBLKS, "set the reserve pool", argument=bytearray(_RESBLKS.pack(0, 0)))
    except OSError:
        return _nothing

    def restore() -> None:
        # Space that was given back is free for the pool only after XFS has done away with the files, which it does in the background.
        for _attempt in range(50):
            executor.ioctl(fd, _XFS_SET_RESBLKS, "set the reserve pool", argument=bytearray(before))
            now = bytearray(_RESBLKS.size)
            fcntl.ioctl(fd, _XFS_GET_RESBLKS, now, True)
            if _RESBLKS.unpack(now) >= _RESBLKS.unpack(before):
                return
            time.sleep(0.1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return restore
