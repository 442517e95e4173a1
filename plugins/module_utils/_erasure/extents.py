# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a file's bytes lie on its block device: the FIEMAP call, and what in its answer makes an overwrite unprovable."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import struct
import typing as t

__all__ = ["Extent", "data_ranges", "extents_problem", "reaches_beyond", "layout", "map_extents", "physical_pieces", "places"]

_FS_IOC_FIEMAP = 0xC020660B
_FLAG_SYNC = 0x1
_HEADER = struct.Struct("=QQIIII")
# Padding stands for the reserved fields.
_EXTENT = struct.Struct("=QQQ16xI12x")
_PER_CALL = 64

LAST = 0x0001
UNKNOWN = 0x0002
DELALLOC = 0x0004
ENCODED = 0x0008
DATA_ENCRYPTED = 0x0080
NOT_ALIGNED = 0x0100
DATA_INLINE = 0x0200
DATA_TAIL = 0x0400
UNWRITTEN = 0x0800
MERGED = 0x1000
SHARED = 0x2000

# In the order in which they are told: the first that is found names the problem.
_PROBLEMS = (
    (SHARED, "shared", "another file or a snapshot shares its blocks"),
    (DATA_INLINE, "inline", "its bytes lie inside the filesystem's metadata"),
    (DATA_TAIL, "tail-packed", "its last bytes share a block with other files"),
    (DELALLOC, "not placed", "some of its bytes have no place on the medium yet"),
    (UNKNOWN, "unknown", "the filesystem does not say where its bytes lie"),
    (ENCODED, "encoded", "its bytes are compressed or encoded by the filesystem"),
    (NOT_ALIGNED, "not aligned", "its bytes do not lie on block boundaries"),
)


class Extent(t.NamedTuple):
    """A run of bytes: its offset in the file, its offset on the block device, its length, FIEMAP's flags."""

    logical: int
    physical: int
    length: int
    flags: int

    @property
    def end(self) -> int:
        return self.logical + self.length


def map_extents(fd: int) -> tuple[Extent, ...] | None:
    """The file's extents in order, after pending writes were given a place; C(None) where the filesystem has no FIEMAP.

    :raises OSError: the call failed otherwise.
    """
    try:
        return tuple(_walk(fd))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS):
            return None
        raise


def _walk(fd: int) -> t.Iterator[Extent]:
    """The extents one by one: a file in many pieces has more of them than should be in memory at once."""
    start = 0
    while True:
        buffer = bytearray(_HEADER.size + _PER_CALL * _EXTENT.size)
        _HEADER.pack_into(buffer, 0, start, (1 << 64) - 1 - start, _FLAG_SYNC, 0, _PER_CALL, 0)
        fcntl.ioctl(fd, _FS_IOC_FIEMAP, buffer, True)
        count = _HEADER.unpack_from(buffer)[3]
        last = None
        for index in range(count):
            last = Extent(*_EXTENT.unpack_from(buffer, _HEADER.size + index * _EXTENT.size))
            yield last
        if count < _PER_CALL or last is None or last.flags & LAST or last.end <= start:
            return
        start = last.end


def _settled(extents: t.Iterable[Extent], end: int) -> list[Extent]:
    """Extents up to C(end), neighbours joined, so that two answers about the same blocks are equal."""
    settled: list[Extent] = []
    for extent in extents:
        length = min(extent.end, end) - extent.logical
        if length <= 0:
            continue
        # What was reserved only becomes written where it lies.
        flags = extent.flags & ~(LAST | MERGED | UNWRITTEN)
        last = settled[-1] if settled else None
        if last and last.end == extent.logical and last.physical + last.length == extent.physical and last.flags == flags:
            settled[-1] = last._replace(length=last.length + length)
        else:
            settled.append(Extent(extent.logical, extent.physical, length, flags))
    return settled


def extents_problem(before: tuple[Extent, ...] | None, after: tuple[Extent, ...] | None, *, end: int) -> str | None:
    """Why an overwrite of these extents proves nothing, or C(None).

    :arg after: the extents after the overwrite; the same object as C(before) where there was none yet.
    :arg end: the end of the file's last block, in bytes; what lies behind it is not looked at.
    """
    if before is None or after is None:
        return "extents not available: the filesystem does not say where its bytes lie"
    for extents in (before, after):
        for extent in extents:
            if extent.logical >= end:
                continue
            for flag, word, why in _PROBLEMS:
                if extent.flags & flag and not (flag == ENCODED and extent.flags & DATA_ENCRYPTED):
                    return f"extents {word}: {why}"
    if before is not after and _settled(before, end) != _settled(after, end):
        return "extents moved: the file's bytes lie elsewhere than before the overwrite"
    return None


def data_ranges(extents: t.Iterable[Extent], size: int) -> list[tuple[int, int]]:
    """The ranges (start, end) in bytes that have blocks, up to the file's size; holes are left out.

    Blocks that the file shows as zeros, since it reserved them only or had them zeroed, hold what was there before.
    """
    ranges: list[tuple[int, int]] = []
    for extent in extents:
        end = min(extent.end, size)
        if end <= extent.logical:
            continue
        if ranges and ranges[-1][1] == extent.logical:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((extent.logical, end))
    return ranges


def reaches_beyond(extents: t.Iterable[Extent], end: int) -> bool:
    """Whether the file has blocks behind its last one, which it reserved.

    :arg end: of the last block, in bytes.
    """
    return any(extent.end > end for extent in extents)


def physical_pieces(extents: t.Iterable[Extent], start: int, end: int) -> list[tuple[int, int, int]]:
    """Where the bytes of a range lie: (start, end) in the file, and the offset on the block device."""
    pieces = []
    for extent in extents:
        first, last = max(start, extent.logical), min(end, extent.end)
        if first < last:
            pieces.append((first, last, extent.physical + first - extent.logical))
    return pieces


def layout(fd: int, size: int) -> tuple[str, str | None]:
    """A digest of where the first C(size) bytes lie, whatever the pieces that the filesystem names, and why they prove nothing, or C(None).

    For files that were written from their beginning to their end: a hole, an unwritten extent or space behind the end is a problem.

    :raises OSError: the filesystem could not be asked.
    """
    digest = hashlib.blake2b(digest_size=16)
    position = place = 0
    for extent in _walk(fd):
        problem = extents_problem((extent,), (extent,), end=extent.end)
        if problem:
            return "", problem
        if extent.flags & UNWRITTEN or extent.logical != position:
            return "", f"extents missing: bytes at {position} of what was written have no place on the medium"
        if extent.physical != place or not position:
            digest.update(b"%d %d;" % (position, extent.physical))
        position, place = extent.end, extent.physical + extent.length
    if position != size:
        return "", f"extents of {position} bytes: {size} bytes were written"
    return digest.hexdigest(), None


def places(fd: int) -> t.Iterator[tuple[int, int]]:
    """Where a file lies, piece by piece: ranges (start, end) of the block device in bytes.

    :raises OSError: the filesystem could not be asked.
    """
    return ((extent.physical, extent.physical + extent.length) for extent in _walk(fd) if not extent.flags & UNWRITTEN)
