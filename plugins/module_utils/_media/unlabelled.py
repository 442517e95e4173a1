# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device on which nothing is recognised: whether it is empty, as far as a sample of it tells."""

from __future__ import annotations

import os

__all__ = ["look_at_bytes"]

_HEAD = 1 << 20
_PIECE = 64 << 10
_PIECES = 256


def look_at_bytes(path: str, size: int, *, margin: int = 0) -> tuple[bool, str]:
    """Whether all bytes of a sample are zeros, and in words what was read: the first MiB and 256 pieces of 64 KiB, spread evenly to the end.

    Of a device that is no larger than that, all is read.

    :arg margin: bytes at both ends that are left out.
    """
    zeros = read = 0
    first, last = margin, size - margin
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
            for start, length in _places(first, last):
                piece = os.pread(fd, length, start)
                read += len(piece)
                zeros += piece.count(0)
        finally:
            os.close(fd)
    except OSError as error:
        return False, f"it cannot be read ({error.strerror})"
    if not read:
        return False, "nothing of it can be read"
    if zeros != read:
        return False, f"some of its {size} bytes are not zeros"
    return True, f"all of its {size} bytes are zeros" if read >= size else f"a sample of {read} of its {size} bytes is all zeros"


def _places(first: int, last: int) -> list[tuple[int, int]]:
    if last - first <= _HEAD + _PIECES * _PIECE:
        return [(start, min(_PIECE, last - start)) for start in range(first, last, _PIECE)]
    steps = (last - _PIECE - first, _PIECES - 1)
    return [(first, _HEAD), *((first + steps[0] * number // steps[1] // 512 * 512, _PIECE) for number in range(_PIECES))]
