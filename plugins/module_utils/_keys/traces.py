# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Older copies of a small file on the medium that holds it: looked for by bytes that nothing else has, in all of the block device."""

from __future__ import annotations

import mmap
import os
import typing as t

from .._erasure.extents import map_extents, physical_pieces
from .._erasure.filesystem import LIMIT_FLASH, FilesystemProbe
from .._erasure.rawdisk import RawDisks
from .memory import worst
from .preconditions import Precondition

__all__ = ["Trace", "no_stale_copy"]

_CHUNK = 4 << 20


class Trace(t.NamedTuple):
    """A file and what recognises a copy of it.

    :arg path: of the file; C(what) it is, for a person.
    :arg needle: bytes within it that are nowhere else by chance; C(None) where there are none.
    """

    path: str
    what: str
    needle: bytes | None


def no_stale_copy(traces: t.Sequence[Trace], limits: list[str], *, scan: bool) -> Precondition:
    """C(no_stale_copy) of files that are overwritten where they lie.

    :arg limits: to which is added what stays open of the media below.
    :arg scan: read the whole of each device for older copies.
    """
    found = [_state_of(trace, limits, scan=scan) for trace in traces]
    return Precondition("no_stale_copy", worst(state for state, _told in found), tuple(dict.fromkeys(told for _state, told in found)))


def _state_of(trace: Trace, limits: list[str], *, scan: bool) -> tuple[str, str]:
    fd = os.open(trace.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        facts = FilesystemProbe().assess(fd)
        limits.extend(limit for limit in facts.limits if limit not in limits)
        if facts.memory:
            return "met", f"the {trace.what} lies in memory"
        if not facts.in_place:
            return "unknown", f"where the {trace.what} lies is {facts.reason}"
        if LIMIT_FLASH in facts.limits:
            return "unknown", f"the {trace.what} lies on a {LIMIT_FLASH}"
        if not scan:
            return (
                "unknown",
                f"older copies of the {trace.what} in free blocks and in the filesystem's log were not looked for; verify: all does",
            )
        if trace.needle is None:
            return "unknown", f"nothing would recognise an older copy of the {trace.what}"
        return _scanned(fd, trace, trace.needle)
    finally:
        os.close(fd)


def _scanned(fd: int, trace: Trace, needle: bytes) -> tuple[str, str]:
    facts = os.fstat(fd)
    disks = RawDisks()
    try:
        disk = disks.open(facts.st_dev)
        if disk < 0:
            return "unknown", f"the block device that holds the {trace.what} cannot be read, so older copies were not looked for"
        size, places = find_traces(disk, needle)
    except OSError as error:
        return "unknown", f"the block device cannot be read for older copies of the {trace.what} ({error.strerror})"
    finally:
        disks.close()
    pieces = list(physical_pieces(map_extents(fd) or (), 0, facts.st_size))
    own = [place for place in places if any(start <= place < start + last - first for first, last, start in pieces)]
    if not own:
        return "unknown", f"the {trace.what} itself was not found on its block device, so a look for older copies tells nothing"
    older = len(places) - len(own)
    if older:
        return "not_met", f"{older} older copies of the {trace.what} lie on its block device; overwrite the filesystem's free space"
    return "met", f"{size} bytes of the block device were read, which hold no other copy of the {trace.what}"


def find_traces(disk: int, needle: bytes) -> tuple[int, list[int]]:
    """How many bytes were read, and where the needle lies.

    :arg disk: open for direct reads.
    :raises OSError: a part of it cannot be read.
    """
    size = os.lseek(disk, 0, os.SEEK_END)
    places: list[int] = []
    tail, place = b"", 0
    with mmap.mmap(-1, _CHUNK) as buffer:
        while place < size:
            length = os.preadv(disk, [memoryview(buffer)[: min(_CHUNK, size - place)]], place)
            if not length:
                break
            data = tail + buffer[:length]
            start = data.find(needle)
            while start >= 0:
                places.append(place - len(tail) + start)
                start = data.find(needle, start + 1)
            tail, place = data[-(len(needle) - 1) :], place + length
    return place, places
