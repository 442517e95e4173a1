# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite what earlier deletions left behind in the free space of a filesystem, and prove how much of it was reached.

All that is free is taken by files without a name, down to a reserve, held through all passes and read back, then given back.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .extents import DATA_INLINE, map_extents, places
from .filesystem import LIMIT_BACKING
from .fillfiles import FillFile, FillFiles, remove_leftovers
from .freeblocks import free_ranges, margin_given, merged, without
from .freelook import FreeSpace, alone, examine, mapped_free, open_directory
from .freeresult import FreeSpaceResult, Reached, conclude
from .keystream import CHUNK, Source, open_source
from .rangeio import STEP, Readback, Stream, drop_cached, verify_range, write_around, write_range
from .readback import sample
from .schemes import Scheme
from .workers import Buffers, Workers

__all__ = ["THREADS", "overwrite_free_space"]

THREADS = 4
# Made before the filesystem is full, because then it may not be able to make any.
_TAIL_FILES = 64
# Pieces of the map, or of a file, that are looked at; what is behind them is not counted as reached.
_EXCHANGED = 20_000
_CHOICE = 16
# Files that are exchanged at most, and what is left that is not worth one: blocks one by one take long.
_EXCHANGES = 8
_NOT_WORTH = 65536
# As much as the smallest inodes have room for.
_INLINE_BYTES = 16

Step = t.Callable[[FillFile, Buffers], None]


def overwrite_free_space(
    executor: Executor,
    directory: str,
    scheme: Scheme,
    *,
    verify: str | None = None,
    share: int = 1000,
    reserve: int | None = None,
    threads: int = THREADS,
    pace: t.Callable[[int], None] | None = None,
) -> FreeSpaceResult:
    """Overwrite the free space of the filesystem that holds a directory, all passes, and read it back past the page cache.

    The space is held until the end, so that what is claimed is one state of the whole filesystem. The reserve is looked at before each
    chunk of each pass and of reading back; what a live server took of it is given back at once, and is not claimed. A reserve of 0 fills
    the filesystem, its margin too: only for one whose services are stopped.

    :arg directory: absolute, a directory of the filesystem, and no symbolic link on the way to it.
    :arg verify: C(none), C(sample), C(last) or C(all) in place of the scheme's own.
    :arg share: of a sample, in thousandths.
    :arg reserve: bytes that stay available to everybody; C(default_reserve) where it is none.
    :arg threads: at most; each has 2 MiB of buffers.
    :arg pace: called by any thread with the bytes that it is about to write or read.
    :raises RefusedError: not such a directory, a filesystem on which this proves nothing, a reserve that leaves nothing to do, another run
        on the same filesystem, or the library cryptography is missing; nothing was written.
    :raises DisposalError: the filesystem failed in a way that leaves nothing to report; all space was given back.
    """
    scheme = scheme.reading(verify, share)
    if threads < 1:
        raise RefusedError(f"{threads} threads cannot overwrite anything, so nothing was written; give at least 1")
    fd = open_directory(directory)
    try:
        space = examine(fd, directory, reserve)
        sources = [open_source(pass_) for pass_ in scheme.passes]
        try:
            with alone(fd, directory):
                remove_leftovers(executor, fd, directory)
                return _Run(executor, fd, directory, space, scheme, sources, threads, pace or (lambda _length: None)).done()
        except OSError as error:
            raise DisposalError(
                f"overwriting the free space of {directory} stopped ({error.strerror}) and what it had taken was given back, "
                "so nothing is proven; look at the filesystem and run again"
            ) from error
        finally:
            for source in sources:
                source.wipe()
    finally:
        os.close(fd)


class _Run:
    """One run, from the first file to the result."""

    def __init__(
        self,
        executor: Executor,
        fd: int,
        directory: str,
        space: FreeSpace,
        scheme: Scheme,
        sources: t.Sequence[Source],
        threads: int,
        pace: t.Callable[[int], None],
    ) -> None:
        self.executor = executor
        self.fd = fd
        self.directory = directory
        self.space = space
        self.scheme = scheme
        self.sources = sources
        self.pace = pace
        self.workers = Workers(threads)
        self.files = FillFiles(executor, fd, space.reserve_bytes)
        # Where a file lay that was proven, then given back in exchange.
        self.given: list[tuple[int, int]] = []
        self.reached = Reached(space.free_bytes, space.reserve_bytes)

    def done(self) -> FreeSpaceResult:
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(self.files.close)
                self._refuse_inline()
                # Space of files that were deleted just before is free only when the journal says so.
                self.executor.sync_directory(self.fd)
                tails = self._tails()
                if tails and not self.space.reserve_bytes:
                    self.reached.cluster = self._cluster(tails[0])
                bulk = self._fill_bulk(tails)
                self._passes(bulk)
                if self.files.ended == "full" and not self.space.reserve_bytes:
                    self._finish(tails, stack)
                self._measure()
        finally:
            self.workers.close()
        return conclude(self.files, self.reached, self.space.facts, self.scheme)

    def _refuse_inline(self) -> None:
        """Small files that lie in inodes leave their bytes there, where no file of ours gets: tried, since no list of options tells."""
        if not self.space.facts.type.startswith("ext"):
            return
        try:
            fd = self.executor.open(".", os.O_RDWR | os.O_TMPFILE, dir_fd=self.fd)
            try:
                self.executor.write(fd, bytes(_INLINE_BYTES))
                inline = any(extent.flags & DATA_INLINE for extent in map_extents(fd) or ())
            finally:
                os.close(fd)
        except OSError:
            # What follows meets it too, and says so.
            return
        if inline:
            raise RefusedError(
                f"{self.directory} is on a filesystem that keeps small files inside its inodes (inline_data), where what deleted ones held is not "
                "reached, so nothing was written; sanitize the whole medium or destroy its keys"
            )

    def _tails(self) -> list[FillFile]:
        """The small files of the end, which a filesystem that is filled may not be able to make; the first one tells whether it can at all."""
        tails: list[FillFile] = []
        try:
            while len(tails) < (1 if self.space.reserve_bytes else _TAIL_FILES):
                file = self.files.new()
                if file is None:
                    break
                tails.append(file)
        except OSError as error:
            raise RefusedError(
                f"no file can be made in {self.directory} ({error.strerror}), so nothing was written; "
                "name a directory that may be written to, on a filesystem with direct reads"
            ) from error
        return tails

    def _fill_bulk(self, tails: list[FillFile]) -> list[FillFile]:
        """Take what large files can take; where there is no room for another file, with all of C(tails) but one, which are taken out."""
        start = len(self.files.files)

        def wanted() -> t.Iterator[FillFile]:
            while not self.files.ended:
                file = self.files.new()
                if file is None:
                    return
                yield file

        self._each(wanted(), self._fill)
        bulk = self.files.files[start:]
        if not bulk:
            bulk = tails[1:] or tails[:]
            del tails[1 if len(tails) > 1 else 0 :]
            self._each(bulk, self._fill)
        return bulk

    def _finish(self, tails: list[FillFile], stack: contextlib.ExitStack) -> None:
        """Take the last blocks, those of the filesystem's margin too, for as short as possible: what was taken before is proven already."""
        self.executor.sync_directory(self.fd)
        self.reached.limits = stack.enter_context(margin_given(self.executor, self.fd, self.space.facts.type))
        # Closed before the margin is set back, which needs the space.
        stack.callback(self.files.close)
        buffers = Buffers()
        empty = 0
        for file in tails:
            self._fill(file, buffers)
            empty = 0 if file.size else empty + 1
            if empty == 2:
                break
        self._passes(tails)
        self._exchange(buffers)
        # The blocks that list where our files lie were free too. Given back before they are written, they never would be.
        # XFS writes them to its log only.
        self.executor.sync_filesystem(self.fd)
        self.reached.lists_written = self.space.facts.type != "xfs"

    def _exchange(self, buffers: Buffers) -> None:
        """Have the filesystem leave other blocks free than those that no file got, which it counts and does not choose (XFS).

        A file that is proven is given back and written anew block by block, which takes the nearest blocks and not the largest pieces.
        What is free then and was the file's is proven already. XFS holds back a share of each part of the medium (allocation group), so a
        file near the largest piece that is left is taken, and again for the next piece.
        """
        exchanged: set[int] = set()
        while len(exchanged) < _EXCHANGES:
            left = list(itertools.islice(without(free_ranges(self.fd) or (), self.given), _EXCHANGED))
            file = self._nearest(left, exchanged) if sum(end - start for start, end in left) > _NOT_WORTH else None
            if file is None:
                return
            exchanged.add(file.number)
            self.given = merged([*self.given, *itertools.islice(places(file.fd), _EXCHANGED)])
            self.executor.ftruncate(file.fd, 0)
            self.executor.sync_directory(self.fd)
            file.renew()
            self._fill(file, buffers, self.files.block)
            self._passes([file])

    def _nearest(self, left: list[tuple[int, int]], exchanged: t.Container[int]) -> FillFile | None:
        """Of the proven files, the one nearest to the largest piece that is left, and large beside it; C(None) where there is none."""
        files = [file for file in self.files.files if file.size and file.proven and file.number not in exchanged]
        start, end = max(left, key=lambda piece: piece[1] - piece[0])

        def distance(file: FillFile) -> int:
            pieces = itertools.islice(places(file.fd), _EXCHANGED)
            return min((max(first - end, start - last, 0) for first, last in pieces), default=1 << 63)

        # Large, so that the filesystem has a choice.
        return min(files, key=lambda file: (file.size < _CHOICE * (end - start), distance(file)), default=None)

    def _cluster(self, file: FillFile) -> int:
        """The bytes that the filesystem gives out at once, tried: on ext4 with bigalloc more than a block; 0 where there is no room to try."""
        try:
            self.executor.pwrite(file.fd, Buffers().data[: self.files.block], 0)
            self.executor.fdatasync(file.fd)
            return os.fstat(file.fd).st_blocks * 512
        except OSError:
            return 0
        finally:
            self.executor.ftruncate(file.fd, 0)

    def _measure(self) -> None:
        """What is free now, while all that was reached is held: by the filesystem's map, else by its figures."""
        mapped, numbers = mapped_free(self.fd, self.given), os.fstatvfs(self.fd)
        free, proven = mapped or (0, 0)
        self.reached.list_bytes = sum(max(0, os.fstat(file.fd).st_blocks * 512 - file.size) for file in self.files.files)
        if self.given:
            # What XFS made of free blocks for itself meanwhile (lists, inodes) is not written when it is given back.
            used = self.space.free_bytes - free - sum(file.size for file in self.files.files)
            self.reached.list_bytes = max(self.reached.list_bytes, used)
        self.reached.mapped = mapped is not None
        self.reached.kept_bytes = max(free, numbers.f_bfree * numbers.f_frsize) - proven
        self.reached.available_bytes = numbers.f_bavail * numbers.f_frsize
        self.reached.free_inodes = numbers.f_ffree

    def _each(self, files: t.Iterable[FillFile], step: Step) -> None:
        def work(file: FillFile, buffers: Buffers) -> None:
            with self.files.at_work(file):
                step(file, buffers)

        self.workers.run(files, work)

    def _passes(self, files: list[FillFile]) -> None:
        """The rest of the first pass, the other passes, and reading back."""
        for number, source in enumerate(self.sources):
            if number:
                self._each(files, functools.partial(self._again, source))
            self._flush(files)
            if self.scheme.reads_back(number):
                if drop_cached(self.space.facts.backing_files):
                    self.reached.backing = LIMIT_BACKING
                self._each(files, functools.partial(self._verify, source))
        for file in files:
            self.files.look(file)

    def _fill(self, file: FillFile, buffers: Buffers, step: int = CHUNK) -> None:
        """Take space until the file is long enough or there is no more; chunks get smaller as space gets short."""
        source, files = self.sources[0], self.files
        while file.size < files.longest:
            # Before the reserve is looked at, because it may take long.
            self.pace(step)
            granted = files.grant(file, step)
            if not granted:
                break
            view = buffers.data[:granted]
            source.fill(view, stream=file.number, offset=file.size)
            try:
                done = self.executor.pwrite(file.fd, view, file.size) // files.block * files.block
                file.written.bytes += done
                file.size += done
            except OSError as error:
                if error.errno == errno.ENOSPC and step > files.block:
                    step = max(files.block, step // 4)
                elif not self._around(file, view, error):
                    break
            finally:
                files.settle(granted)
        # Gives back what the last attempts placed behind the end and never wrote.
        self.executor.ftruncate(file.fd, file.size)

    def _around(self, file: FillFile, view: memoryview, error: OSError) -> bool:
        """What to do after a failed write of a file's next chunk; false where the file ends."""
        number = error.errno or errno.EIO
        if number == errno.EFBIG and file.size:
            return False
        if number != errno.EIO:
            self.files.end({errno.ENOSPC: "full", errno.EDQUOT: "quota"}.get(number, "error"), number)
            return False
        before = file.written.bytes
        write_around(self.executor, self._stream(file, self.sources[0]), view, file.size, file.written)
        file.size += len(view)
        if file.written.bytes == before:
            self.files.end("error", number)
        return file.written.bytes > before

    def _stream(self, file: FillFile, source: Source) -> Stream:
        return Stream(file.fd, source, file.number, align=self.files.block, step=max(STEP, self.files.block), pause=self.pace)

    def _chunks(self, file: FillFile) -> t.Iterator[tuple[int, int]]:
        """The file chunk by chunk; the reserve is looked at before each, which may shorten the file."""
        offset = 0
        while True:
            self.files.keep_reserve(file)
            end = min(offset + CHUNK, file.size)
            if end <= offset:
                return
            yield offset, end
            offset = end

    def _again(self, source: Source, file: FillFile, buffers: Buffers) -> None:
        file.written.bytes = 0
        for start, end in self._chunks(file):
            write_range(self.executor, self._stream(file, source), start, end, buffers, file.written)

    def _verify(self, source: Source, file: FillFile, buffers: Buffers) -> None:
        found = Readback()
        stream = self._stream(file, source)
        for start, end in self._chunks(file):
            for first, last in sample([(start, end)], self.scheme.share) if self.scheme.verify == "sample" else [(start, end)]:
                verify_range(stream, first, last, buffers, found)
        file.verified_bytes = found.verified_bytes
        file.differing.add(found.differing)
        file.unread.add(found.unread)

    def _flush(self, files: list[FillFile]) -> None:
        for file in files:
            try:
                self.executor.fdatasync(file.fd)
            except OSError as error:
                self.reached.flush_error = self.reached.flush_error or error.errno or errno.EIO
            self.files.look(file)
