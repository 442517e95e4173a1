# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a device, all of it or a sample, and tell what is there that should not be. Nothing is written."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .._media.identity import Device
from .canary import BLOCK, Canaries
from .content import entropy, find_beginnings, uniform
from .filesystem import LIMIT_BACKING, FilesystemProbe
from .keystream import CHUNK, Source
from .opened import recheck
from .outcomes import Tally
from .rangeio import BLOCK_ERRORS, STEP, Readback, Stream, drop_cached, verify_range
from .workers import Buffers, Workers

__all__ = ["PIECE", "Look", "Seen", "look_at_device", "miss_probability", "pieces"]

# What a sample reads in one place, and how much of each end is read always, in bytes.
PIECE = 64 << 10
ENDS = 1 << 20
# Of each chunk so many bytes are looked at for their disorder.
_ENTROPY_BYTES = 4096
_KEPT = 64

Range = tuple[int, int]


@dataclass(frozen=True)
class Look:
    """How a device is looked at.

    :arg every: one piece of so many is read, and of each so many neighbours one, so that no section is left out; 1 for all,
        0 for nothing but the canaries.
    :arg seed: chooses the pieces; who knows it reads the same ones.
    :arg source: what every byte should be; none where nothing is known of that.
    :arg canaries: what must not be there any more.
    """

    every: int = 1
    seed: str = ""
    source: Source | None = None
    canaries: Canaries | None = None
    threads: int = 8
    pace: t.Callable[[int], None] = lambda _length: None


@dataclass
class Seen:
    """What was seen.

    :ivar read_bytes: read, of whatever content.
    :ivar differing: bytes that are not what they should be.
    :ivar unread: bytes that could not be read.
    :ivar beginnings: the first (offset, kind) of what is known to begin like that; C(beginnings_count) of them all.
    :ivar canaries_left: places at which something of a canary is left; C(canaries_unread) those that could not be read.
    :ivar disorder: of samples that hold more than one value, in thousandths of a bit per byte: lowest, sum, highest, and how many.
    :ivar uniform: samples of one value only.
    """

    read_bytes: int = 0
    differing: Tally = field(default_factory=Tally)
    unread: Tally = field(default_factory=Tally)
    beginnings: list[tuple[int, str]] = field(default_factory=list)
    beginnings_count: int = 0
    canaries_read: int = 0
    canaries_left: list[int] = field(default_factory=list)
    canaries_unread: int = 0
    disorder: tuple[int, int, int, int] = (8000, 0, 0, 0)
    uniform: int = 0
    limits: list[str] = field(default_factory=list)

    def verdict(self) -> str:
        """C(residue) where something is there that should not be, C(unknown) where not all could be read, else C(clean)."""
        if self.differing.bad_bytes or self.beginnings_count or self.canaries_left:
            return "residue"
        return "unknown" if self.unread.bad_bytes or self.canaries_unread else "clean"

    def add(self, other: Seen) -> None:
        """Take over what was seen of a later piece."""
        self.read_bytes += other.read_bytes
        self.differing.add(other.differing)
        self.unread.add(other.unread)
        self.beginnings = (self.beginnings + other.beginnings)[:_KEPT]
        self.beginnings_count += other.beginnings_count
        (low, total, high, count), (least, more, most, further) = self.disorder, other.disorder
        self.disorder = (min(low, least), total + more, max(high, most), count + further)
        self.uniform += other.uniform


def pieces(size: int, every: int, seed: str) -> t.Iterator[Range]:
    """The ranges that are read, in order; of a sample both ends whole, and between them one piece of each group of C(every).

    Which one is told by the first 8 bytes of SHA-256 over C(seed), a colon and the group's number, so that anybody can look at the same.
    """
    if every == 0:
        return
    if every == 1:
        yield from ((start, min(start + CHUNK, size)) for start in range(0, size, CHUNK))
        return
    tail = max(size - ENDS, ENDS)
    yield 0, min(ENDS, size)
    for group, start in enumerate(range(ENDS, tail, every * PIECE)):
        chosen = int.from_bytes(hashlib.sha256(f"{seed}:{group}".encode()).digest()[:8], "big") % every
        begin = start + chosen * PIECE
        if begin < tail:
            yield begin, min(begin + PIECE, tail)
    if tail < size:
        yield tail, size


def miss_probability(size: int, every: int, residue: int) -> float:
    """How likely a sample misses a residue of so many bytes, wherever it lies; an upper bound.

    A residue of r bytes lies in ceil(r / PIECE) pieces at least. Each is read with the probability 1 / every, and within a group one
    that is not read makes the others likelier, so the chance that none is read is (1 - 1 / every) ** pieces at most.
    """
    if residue > size:
        return 0.0
    return float((1 - 1 / every) ** math.ceil(residue / PIECE))


def look_at_device(device: Device, look: Look) -> Seen:
    """Read what C(look) says of a device, past the page cache.

    :raises RefusedError: it cannot be opened, or is not the device that was found.
    """
    if look.canaries is not None and look.canaries.size != device.size:
        raise RefusedError(
            f"the canaries are those of a medium of {look.canaries.size} bytes, and {device.name} has {device.size}, so nothing was read; "
            "give the file that belongs to it"
        )
    fd = _opened(device)
    workers = Workers(look.threads)
    try:
        seen = Seen()
        facts = FilesystemProbe().assess_device(device.major, device.minor)
        if drop_cached(facts.backing_files):
            seen.limits.append(LIMIT_BACKING)
        _look_for_canaries(fd, look, device, seen)
        stream = Stream(fd, look.source or _NOTHING, 0, align=device.logical, step=max(STEP, device.logical), pause=look.pace)
        work = _compared if look.source is not None else _scanned

        def one(job: Range, buffers: Buffers) -> tuple[int, Seen]:
            return job[0], work(stream, job[0], job[1], buffers)

        for window in _windows(pieces(device.size, look.every, look.seed)):
            for _start, found in sorted(workers.run(window, one), key=lambda item: item[0]):
                seen.add(found)
        problem = recheck(fd, device)
        if problem:
            seen.unread.spoil(0, device.size, error=errno.ENODEV)
            seen.limits.append(f"the device changed while it was read: {problem}")
        return seen
    finally:
        workers.close()
        os.close(fd)


def _windows(ranges: t.Iterator[Range]) -> t.Iterator[list[Range]]:
    """A few hundred at a time, so that memory does not grow with the device."""
    window: list[Range] = []
    for each in ranges:
        window.append(each)
        if len(window) == 512:
            yield window
            window = []
    if window:
        yield window


def _opened(device: Device) -> int:
    try:
        fd = os.open(device.path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise RefusedError(
            f"{device.path} cannot be opened for reading ({error.strerror}), so nothing was read; look at the device"
        ) from error
    problem = recheck(fd, device)
    if problem:
        os.close(fd)
        raise RefusedError(f"{device.path} is no longer the device that was looked at ({problem}), so nothing was read; look again")
    return fd


class _Nothing:
    """Stands where nothing is compared."""

    secret = False

    def fill(self, view: memoryview, *, stream: int, offset: int) -> None:
        raise RuntimeError("there is nothing to compare with")

    def ready(self, *, offset: int, length: int) -> memoryview | None:
        return None

    def wipe(self) -> None:
        """There is nothing."""


_NOTHING = _Nothing()


def _compared(stream: Stream, start: int, end: int, buffers: Buffers) -> Seen:
    found = Readback()
    verify_range(stream, start, end, buffers, found)
    differing = found.differing.bad_bytes
    seen = Seen(read_bytes=found.verified_bytes + differing, differing=found.differing, unread=found.unread)
    if differing:
        # What it is instead is worth a second read.
        told = _scanned(stream, start, end, buffers)
        told.read_bytes, told.unread = 0, Tally()
        seen.add(told)
    return seen


def _scanned(stream: Stream, start: int, end: int, buffers: Buffers) -> Seen:
    seen = Seen()
    stream.pause(end - start)
    try:
        view = _read(stream, start, end, buffers)
        seen.read_bytes += len(view)
        _describe(view, start, seen)
    except OSError as error:
        if error.errno not in BLOCK_ERRORS or end - start <= stream.step:
            seen.unread.spoil(start, end - start, error=error.errno or errno.EIO)
            return seen
        for begin in range(start, end, stream.step):
            seen.add(_scanned(stream._replace(pause=lambda _length: None), begin, min(begin + stream.step, end), buffers))
    return seen


def _read(stream: Stream, start: int, end: int, buffers: Buffers) -> memoryview:
    length = -(-(end - start) // stream.align) * stream.align
    if os.preadv(stream.fd, [buffers.data[:length]], start) < end - start:
        raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
    return buffers.data[: end - start]


def _describe(view: memoryview, start: int, seen: Seen) -> None:
    if uniform(view):
        seen.uniform += 1
        return
    data = bytes(view)
    found = list(find_beginnings(data, start))
    seen.beginnings, seen.beginnings_count = found[:_KEPT], len(found)
    middle = len(data) // 2 // _ENTROPY_BYTES * _ENTROPY_BYTES
    sample = data[middle : middle + _ENTROPY_BYTES]
    if len(sample) < _ENTROPY_BYTES:
        # Too few bytes to hold every value as often.
        return
    if uniform(memoryview(sample)):
        seen.uniform += 1
        return
    disorder = entropy(sample)
    seen.disorder = (disorder, disorder, disorder, 1)


def _look_for_canaries(fd: int, look: Look, device: Device, seen: Seen) -> None:
    buffers = Buffers()
    for place in look.canaries.places() if look.canaries else ():
        look.pace(BLOCK)
        try:
            got = os.preadv(fd, [buffers.data[:BLOCK]], place)
        except OSError:
            got = 0
        if got < BLOCK:
            seen.canaries_unread += 1
            continue
        seen.canaries_read += 1
        if look.canaries is not None and look.canaries.remains(place, buffers.data[:BLOCK]):
            seen.canaries_left.append(place)
