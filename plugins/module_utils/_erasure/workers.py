# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few threads with aligned buffers: the memory is the same whatever the number and size of the targets."""

from __future__ import annotations

import mmap
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .keystream import CHUNK

__all__ = ["Buffers", "Workers"]

Job = t.TypeVar("Job")
Result = t.TypeVar("Result")


class Buffers:
    """One thread's memory, 2 MiB: C(data) begins on a page, as direct I/O wants it; C(expected) is compared with it."""

    def __init__(self) -> None:
        # Not closed by hand: after an exception a traceback still holds pieces of it.
        self.data = memoryview(mmap.mmap(-1, CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self.expected = bytearray(CHUNK)

    def equal(self, length: int) -> bool:
        """Whether the first C(length) bytes of both are the same."""
        expected = self.expected if length == CHUNK else self.expected[:length]
        # A bytearray on the left compares with memcmp; a memoryview would compare byte by byte.
        return expected == self.data[:length]


class Workers:
    """Threads that stay from pass to pass, each with its own buffers; to be closed.

    :arg threads: at most.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_workers=threads)
        self._own = threading.local()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def run(self, jobs: t.Iterable[Job], work: t.Callable[[Job, Buffers], Result]) -> list[Result]:
        """Do the jobs, of which each thread takes the next one as it gets free; the results are in no order.

        An exception ends all threads' work after their current job, and is raised here.
        """
        source = iter(jobs)
        lock = threading.Lock()
        results: list[Result] = []
        stopped = False

        def worker() -> None:
            nonlocal stopped
            if not hasattr(self._own, "buffers"):
                self._own.buffers = Buffers()
            try:
                while True:
                    with lock:
                        job = None if stopped else next(source, None)
                    if job is None:
                        return
                    result = work(job, self._own.buffers)
                    with lock:
                        results.append(result)
            except BaseException:
                stopped = True
                raise

        for future in [self._pool.submit(worker) for _each in range(self._threads)]:
            future.result()
        return results
