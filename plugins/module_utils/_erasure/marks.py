# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a file is recognised, after an interruption, as one that this engine had begun to overwrite.

Its times prove nothing: anybody may have changed them. So the digest of what each pass will write first is told before the pass begins.
"""

from __future__ import annotations

import hashlib
import os
import typing as t

from .keystream import Source
from .workers import Buffers

__all__ = ["MARK_BYTES", "Mark", "bears", "digests_at", "foresee"]

# The piece that is compared, in bytes.
MARK_BYTES = 4096
_DIGEST_BYTES = 8


class Mark(t.NamedTuple):
    """The piece of a file that is written first, and its digest after each pass.

    :arg digests: hexadecimal, one for each pass.
    :arg before: digests that the file had already, which tell nothing of whether it was begun.
    """

    offset: int
    length: int
    digests: tuple[str, ...]
    before: tuple[str, ...] = ()

    def row(self) -> dict[str, t.Any]:
        """As plain data, for a journal."""
        return {"offset": self.offset, "length": self.length, "digests": list(self.digests), "before": list(self.before)}

    @classmethod
    def of(cls, row: t.Mapping[str, t.Any]) -> Mark:
        """What C(row) gave."""
        return cls(row["offset"], row["length"], tuple(row["digests"]), tuple(row["before"]))


def _digest(data: bytes | memoryview) -> str:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def foresee(
    fd: int, sources: t.Sequence[Source], *, stream: int, first: tuple[int, int] | None, align: int, buffers: Buffers
) -> Mark | None:
    """The mark that overwriting will leave; none for a file without data.

    :arg first: the range that is written first.
    :arg align: what a read is rounded up to, in bytes.
    """
    if first is None:
        return None
    offset, length = first[0], min(MARK_BYTES, first[1] - first[0])
    digests = []
    for source in sources:
        source.fill(memoryview(buffers.expected)[:length], stream=stream, offset=offset)
        digests.append(_digest(memoryview(buffers.expected)[:length]))
    if all(source.secret for source in sources):
        return Mark(offset, length, tuple(digests))
    # A file may begin with the very pattern, silence for example.
    try:
        os.preadv(fd, [buffers.data[: -(-length // align) * align]], offset)
    except OSError:
        # Unreadable is not equal; writing will tell what the medium is worth.
        return Mark(offset, length, tuple(digests))
    before = _digest(buffers.data[:length])
    return Mark(offset, length, tuple(digests), (before,) if before in digests else ())


def bears(fd: int, marks: t.Iterable[Mark], *, erased: bool = False) -> bool:
    """Whether a file has one of the marks, so that an earlier attempt had begun to overwrite it; an unreadable one is not recognised.

    :arg erased: the attempt had come to its end, so what was the same before counts too.
    """
    for mark in marks:
        try:
            found = _digest(os.pread(fd, mark.length, mark.offset))
        except OSError:
            continue
        if found in mark.digests and (erased or found not in mark.before):
            return True
    return False


def digests_at(path: str, places: t.Sequence[tuple[int, int]]) -> list[str]:
    """Digests of what a device holds in some ranges, read past the page cache; empty for what cannot be read.

    :arg places: offset and length of each in bytes, multiples of the sector size; at most C(CHUNK) long.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    buffers = Buffers()
    found = []
    try:
        for place, length in places:
            try:
                got = os.preadv(fd, [buffers.data[:length]], place)
            except OSError:
                got = 0
            found.append(_digest(buffers.data[:got]) if got else "")
    finally:
        os.close(fd)
    return found
