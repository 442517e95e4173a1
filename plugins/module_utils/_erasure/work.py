# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file on its way through an overwrite, and how it is cut into jobs for the threads."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .extents import Extent
from .filesystem import FilesystemFacts
from .keystream import CHUNK, Source
from .outcomes import Observed
from .rangeio import STEP, Stream
from .targets import OpenTarget

__all__ = ["Job", "Work", "jobs"]

# A file up to this size is one job; a larger one is shared between threads in pieces of at least this size.
SEGMENT = 32 * CHUNK


@dataclass
class Work:
    """One file on its way.

    :ivar body: ranges on block boundaries, which go past the page cache.
    :ivar tail: the odd end of the last block.
    :ivar raw: the block device below, open for reading only; -1 where what was written is read back through the filesystem.
    :ivar pace: called with the bytes that are about to be moved.
    """

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
    raw: int = -1
    pace: t.Callable[[int], None] | None = None

    def opened(self, source: Source) -> Stream:
        """The file as a stream of a pass."""
        align = self.block if self.direct else 1
        return Stream(self.target.fd, source, self.stream, align=align, step=max(STEP, self.block), pause=self._pause)

    def _pause(self, length: int) -> None:
        self.target.give_way()
        if self.pace is not None:
            self.pace(length)

    @property
    def large(self) -> bool:
        """Whether several threads share the file."""
        return self.target.size > SEGMENT

    @property
    def first(self) -> tuple[int, int] | None:
        """The range that is written first."""
        return self.body[0] if self.body else self.tail

    @property
    def end(self) -> int:
        """The end of the last block."""
        return -(-self.target.size // self.block) * self.block


class Job(t.NamedTuple):
    work: Work
    ranges: list[tuple[int, int]]
    tail: tuple[int, int] | None


def jobs(works: t.Iterable[Work], *, tail: bool) -> t.Iterator[Job]:
    """Small files whole, large ones in pieces; a large file's tail is left out, because no other thread may use the file meanwhile."""
    for work in works:
        if not work.large:
            yield Job(work, work.body, work.tail if tail else None)
            continue
        piece = max(SEGMENT, work.target.size // 1024 // CHUNK * CHUNK)
        for start, end in work.body:
            for begin in range(start, end, piece):
                yield Job(work, [(begin, min(begin + piece, end))], None)
