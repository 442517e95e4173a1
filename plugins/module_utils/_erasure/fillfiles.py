# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that take a filesystem's free space and have no name, so that the kernel gives it back when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import threading
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .._executor import Executor
from .extents import layout
from .files import batch_limit
from .keystream import CHUNK
from .outcomes import Tally

__all__ = ["FILL_NAME", "FillFile", "FillFiles", "remove_leftovers"]

# The private directory, made only where the filesystem has no files without a name.
FILL_NAME = ".recordings-disposal-fill"

_LEFTOVER = re.compile(r"fill\.\d+\.\d+")
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT)
_NO_MORE_FILES: t.Mapping[int, str] = {
    errno.ENOSPC: "inodes",
    errno.EMFILE: "inodes",
    errno.ENFILE: "inodes",
    errno.EDQUOT: "quota",
}
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SMALLEST = 64 * CHUNK
_BULK_FILES = 256
_NO_LIMIT = 1 << 62


@dataclass
class FillFile:
    """One file that takes space.

    :arg number: its stream of each pass's source.
    :arg size: bytes that it has, in whole blocks.
    :arg place: a digest of where its bytes lie; empty where they are not all known to have one.
    """

    number: int
    fd: int
    size: int = 0
    busy: bool = False
    place: str = ""
    problem: str | None = None
    verified_bytes: int = 0
    written: Tally = field(default_factory=Tally)
    differing: Tally = field(default_factory=Tally)
    unread: Tally = field(default_factory=Tally)

    @property
    def proven(self) -> bool:
        """Every byte was written by the last pass and read back equal, from where it lies."""
        whole = self.size == self.written.bytes == self.verified_bytes
        return whole and bool(self.place) and not (self.problem or self.written.bad or self.differing.bad or self.unread.bad)

    def renew(self) -> None:
        """The file is empty, to be written once more; what was found bad stays."""
        self.size = self.verified_bytes = self.written.bytes = 0
        self.place = ""


class FillFiles:
    """All the files, and what a live server is left.

    :arg dir_fd: a directory of the filesystem.
    :arg reserve: bytes that stay available to everybody; what a live server takes of them is given back from the files' ends.
    :ivar ended: why no more space is taken: C(full), C(reserve), C(quota), C(inodes) or C(error); empty as long as it is.
    """

    def __init__(self, executor: Executor, dir_fd: int, reserve: int) -> None:
        facts = os.fstatvfs(dir_fd)
        self.executor = executor
        self.dir_fd = dir_fd
        self.reserve = reserve
        self.block = facts.f_bsize
        self.longest = max(_SMALLEST, facts.f_bfree * facts.f_frsize // min(_BULK_FILES, batch_limit()) // CHUNK * CHUNK)
        self.files: list[FillFile] = []
        self.ended = ""
        self.error = 0
        self.given_back = 0
        self._granted = 0
        self._private = -1
        self._lock = threading.Lock()

    def new(self) -> FillFile | None:
        """One more file; C(None) where the filesystem has no place for another one.

        :raises OSError: not even the first one could be made.
        """
        number = len(self.files)
        try:
            fd = self._nameless(f"fill.{os.getpid()}.{number}")
        except OSError as error:
            why = _NO_MORE_FILES.get(error.errno or 0)
            if why is None and not number:
                raise
            self.end(why or "error", error.errno or errno.EIO)
            # Those that there are have to take all.
            self.longest = _NO_LIMIT
            return None
        file = FillFile(number, fd)
        with self._lock:
            self.files.append(file)
        return file

    def _nameless(self, name: str) -> int:
        flags = os.O_RDWR | os.O_DIRECT
        if self._private < 0:
            try:
                return self.executor.open(".", flags | os.O_TMPFILE, dir_fd=self.dir_fd)
            except OSError as error:
                if error.errno not in _NO_NAMELESS:
                    raise
            self.executor.mkdir(FILL_NAME, dir_fd=self.dir_fd)
            self._private = os.open(FILL_NAME, _DIRECTORY, dir_fd=self.dir_fd)
        fd = self.executor.open(name, flags | os.O_CREAT | os.O_EXCL, dir_fd=self._private)
        try:
            self.executor.unlink(name, dir_fd=self._private)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def end(self, why: str, error: int = 0) -> None:
        """Take no more space; the first reason stays, but for a filesystem without room for more files: those that there are may take all."""
        with self._lock:
            if self.ended in ("", "inodes"):
                self.ended, self.error = why, error

    def grant(self, file: FillFile, wanted: int) -> int:
        """How many bytes of C(wanted) may be written now without touching the reserve, in whole blocks; to be ended with C(settle)."""
        wanted = min(wanted, self.longest - file.size)
        if self.ended in ("quota", "error"):
            return 0
        if not self.reserve:
            return wanted
        self.keep_reserve(file)
        with self._lock:
            room = (self._available() - self.reserve - self._granted) // self.block * self.block
            granted = 0 if self.ended not in ("", "inodes") else max(0, min(wanted, room))
            self._granted += granted
        if not granted:
            self.end("reserve")
        return granted

    def settle(self, granted: int) -> None:
        """What was granted is written, or is not going to be."""
        if self.reserve:
            with self._lock:
                self._granted -= granted

    def _available(self) -> int:
        facts = os.fstatvfs(self.dir_fd)
        return facts.f_bavail * facts.f_frsize

    def keep_reserve(self, own: FillFile) -> None:
        """Look at the reserve again, and give back what is missing of it: from files that no thread is at work on, then from C(own)."""
        if not self.reserve:
            return
        with self._lock:
            missing = self.reserve - self._available()
            for file in [*(file for file in reversed(self.files) if not file.busy), own]:
                if missing <= 0:
                    return
                cut = min(file.size, -(-missing // self.block) * self.block)
                if cut:
                    self.executor.ftruncate(file.fd, file.size - cut)
                    file.size -= cut
                    file.place = ""
                    self.given_back += cut
                    missing -= cut

    @contextlib.contextmanager
    def at_work(self, file: FillFile) -> t.Iterator[None]:
        """While a thread writes or reads the file, no other one shortens it."""
        with self._lock:
            file.busy = True
        try:
            yield
        finally:
            with self._lock:
                file.busy = False

    def look(self, file: FillFile) -> None:
        """Note where the file's bytes lie, or that they are not where they were."""
        try:
            place, problem = layout(file.fd, file.size)
        except OSError as error:
            place, problem = "", f"extents not available: asking the filesystem failed ({error.strerror})"
        if file.place and not problem and place != file.place:
            problem = "extents moved: bytes lie elsewhere than before"
        file.place = place
        file.problem = file.problem or problem

    def close(self) -> None:
        """Give all space back; harmless when done twice."""
        for file in self.files:
            if file.fd >= 0:
                os.close(file.fd)
                file.fd = -1
        if self._private >= 0:
            os.close(self._private)
            self._private = -1
            # What somebody else put into it meanwhile is for the next run to refuse.
            with contextlib.suppress(OSError):
                self.executor.rmdir(FILL_NAME, dir_fd=self.dir_fd)


def remove_leftovers(executor: Executor, dir_fd: int, directory: str) -> None:
    """Remove what a killed run may have left where it had to give its files a name for an instant.

    :raises RefusedError: what has the name is not what a run leaves; nothing was removed.
    """
    try:
        fd = os.open(FILL_NAME, _DIRECTORY, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _foreign(directory, "it is no directory") from error
    try:
        facts, above = os.fstat(fd), os.fstat(dir_fd)
        if facts.st_dev != above.st_dev or facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077:
            raise _foreign(directory, "it is mounted, belongs to somebody else or is open to others")
        names = os.listdir(fd)
        for name in names:
            if not _LEFTOVER.fullmatch(name) or not stat.S_ISREG(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                raise _foreign(directory, "something in it is not from a run")
        for name in names:
            executor.unlink(name, dir_fd=fd)
        executor.rmdir(FILL_NAME, dir_fd=dir_fd)
    finally:
        os.close(fd)


def _foreign(directory: str, why: str) -> RefusedError:
    return RefusedError(
        f"{directory}/{FILL_NAME} is not what an earlier run left ({why}), so nothing was written; look at it and remove it"
    )
