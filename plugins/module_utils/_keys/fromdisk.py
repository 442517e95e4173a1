# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted file read from the disk itself, to see what has come to lie there."""

from __future__ import annotations

import errno
import hashlib
import os
import typing as t

from .._erasure.rangeio import set_direct
from .._erasure.workers import Buffers
from .._errors import DisposalError
from .agestream import CHUNK as PIECE

__all__ = ["FromDisk", "Pace"]

# Before what is read, room for the chunk that began in what was read before.
_CARRIED = 2 * PIECE

Pace = t.Callable[[int], None]


class FromDisk:
    """A file's bytes from the disk itself where that can be had, piece by piece, and their digest on the way.

    :ivar how: C(direct), or C(cached) where it had to be read through the page cache.
    :ivar ended: nothing is left.
    """

    def __init__(self, fd: int, buffers: Buffers, pace: Pace = lambda _length: None) -> None:
        self._fd = fd
        self._buffers = buffers
        self._pace = pace
        self._digest = hashlib.sha256()
        self._size = os.fstat(fd).st_size
        self.offset = 0
        self.how = "direct"
        try:
            set_direct(fd, True)
        except OSError:
            self._through_cache()

    def _through_cache(self) -> None:
        self.how = "cached"
        set_direct(self._fd, False)
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    @property
    def ended(self) -> bool:
        return self.offset >= self._size

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def next(self, left: memoryview) -> memoryview:
        """C(left), which is what the caller did not use of the last piece, and the next bytes behind it."""
        start = _CARRIED - len(left)
        self._buffers.data[start:_CARRIED] = bytes(left)
        end = _CARRIED + self._read(self._buffers.data[_CARRIED:])
        self._digest.update(self._buffers.data[_CARRIED:end])
        return self._buffers.data[start:end]

    def whole_digest(self) -> str:
        """SHA-256 of all of the file."""
        while not self.ended:
            self.next(memoryview(b""))
        return self.digest

    def _read(self, place: memoryview) -> int:
        self._pace(max(0, min(len(place), self._size - self.offset)))
        try:
            got = os.preadv(self._fd, [place], self.offset)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP) or self.how == "cached":
                raise DisposalError(f"the encrypted copy cannot be read back ({error.strerror}); look at the medium") from error
            self._through_cache()
            return self._read(place)
        if not got and not self.ended:
            raise DisposalError("the encrypted copy cannot be read back to its end; look at the medium")
        self.offset += got
        return got
