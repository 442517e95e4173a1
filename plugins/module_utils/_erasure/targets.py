# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that may be destroyed: found below a root without following any link, compared with the plan, opened once.

What is checked and what is written is the same open descriptor, so a wrong file is never written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .attached import forbidding_flags, lift_flags
from .filesystem import FilesystemFacts, FilesystemProbe

__all__ = [
    "Expected",
    "OpenTarget",
    "TargetRefusedError",
    "look_at",
    "open_directory",
    "open_target",
    "plain_parts",
    "refusal",
    "refusal_of",
]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Expected(t.NamedTuple):
    """What the plan says of a file.

    :arg size: bytes.
    :arg mtime_ns: C(None) only for a file whose overwriting was begun before (its intent is in the journal), which changed its time.
    :arg also: its other names below the same root, which go with it; a name that is not among them is a reason to keep the file.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int | None
    also: tuple[str, ...] = ()


class TargetRefusedError(RefusedError):
    """A file is not what the plan says, or may not be destroyed now.

    The text names no file, so that it can go into evidence.

    :arg kind: C(vanished), C(symlink), C(not_regular), C(replaced), C(grown), C(shrunk), C(changed), C(hard_linked), C(busy),
        C(read_only), C(denied), C(unreadable) or, after it was overwritten, C(used).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message, details={"kind": kind})
        self.kind = kind


_REASONS: t.Mapping[str, str] = {
    "vanished": "vanished: nothing is at its path any more",
    "symlink": "symlink: a symbolic link is on its path, and links are never followed",
    "not_regular": "not a regular file: something else is at its path",
    "replaced": "replaced: another file is at its path than when it was planned",
    "grown": "grown: the file is larger than when it was planned",
    "shrunk": "shrunk: the file is smaller than when it was planned",
    "changed": "changed: the file was written to since it was planned",
    "hard_linked": "hard-linked: the file has another name, which would lose its content too",
    "busy": "busy: another process has the file open",
    "read_only": "read-only: the filesystem takes no writes",
    "used": "used: a process has it open, or wrote to it, after it was overwritten and read back",
    "denied": "denied: the file may not be written, or its name not removed (immutable, append-only or no permission)",
}


def refusal(kind: str) -> TargetRefusedError:
    return TargetRefusedError(kind, _REASONS[kind])


def refusal_of(error: OSError) -> TargetRefusedError:
    kinds = {
        errno.ENOENT: "vanished",
        errno.ELOOP: "symlink",
        errno.EROFS: "read_only",
        errno.EACCES: "denied",
        errno.EPERM: "denied",
        errno.ETXTBSY: "busy",
        errno.EISDIR: "not_regular",
        errno.ENXIO: "not_regular",
    }
    if error.errno in kinds:
        return refusal(kinds[error.errno])
    return TargetRefusedError("unreadable", f"unreadable: the file cannot be opened ({error.strerror})")


def _difference(facts: os.stat_result, expected: Expected) -> str | None:
    """The kind of the first difference between a file and the plan."""
    if stat.S_ISLNK(facts.st_mode):
        return "symlink"
    if not stat.S_ISREG(facts.st_mode):
        return "not_regular"
    if (facts.st_dev, facts.st_ino) != (expected.dev, expected.ino):
        return "replaced"
    if facts.st_size != expected.size:
        return "grown" if facts.st_size > expected.size else "shrunk"
    if expected.mtime_ns is not None and facts.st_mtime_ns != expected.mtime_ns:
        return "changed"
    return "hard_linked" if facts.st_nlink != 1 + len(expected.also) else None


class OpenTarget:
    """A file open for writing, the directory that holds its name, and what was found when it was opened.

    :ivar paths: its names as they were given, below the root.
    :ivar names: the same, each with a descriptor of its directory.
    :ivar openers: C(none) where the kernel confirmed that nobody else has it open, C(others) that somebody has, else C(not_determinable).
    :ivar interrupted: somebody tried to open it while the lease was held.
    :ivar left: the size and, where it tells something, the time of change with which this process has left it.
    """

    def __init__(self, fd: int, dir_fd: int, paths: tuple[str, ...], facts: os.stat_result) -> None:
        self.fd = fd
        self.paths = paths
        self.names = [(dir_fd, paths[0].rpartition("/")[2])]
        self.identity = (facts.st_dev, facts.st_ino)
        self.size = facts.st_size
        self.nlink = facts.st_nlink
        self.mtime_ns = facts.st_mtime_ns
        self.left: tuple[int, int | None] = (facts.st_size, facts.st_mtime_ns)
        self.openers = "not_determinable"
        self.interrupted = False
        self._leased = False
        self._shared = False
        self._facts: FilesystemFacts | None = None

    def facts(self, probe: FilesystemProbe) -> FilesystemFacts:
        """The facts about the filesystem, asked for once: an open file stays on its mount."""
        if self._facts is None:
            self._facts = probe.assess(self.fd)
        return self._facts

    def lease(self, *, shared: bool | None = None) -> None:
        """Ask the kernel whether anybody else has the file open, and keep others waiting until C(release).

        A process that holds it must not open the file a second time: it would wait for itself.

        :arg shared: that somebody has is no obstacle; as said the last time where it is left out.
        :raises TargetRefusedError: somebody has.
        """
        self._shared = self._shared if shared is None else shared
        try:
            # SIGURG is ignored by default; the lease's own SIGIO would end the process when somebody opens the file.
            # The kernel forgets it with each lease.
            fcntl.fcntl(self.fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            if error.errno == errno.EAGAIN and not self._shared:
                raise refusal("busy") from None
            self.openers = "others" if error.errno == errno.EAGAIN else self.openers
            return
        self._leased = True
        self.interrupted = False
        self.openers = "none"

    def release(self) -> None:
        """Let others open the file again; C(interrupted) says whether somebody had tried."""
        if not self._leased:
            return
        self._leased = False
        try:
            self.interrupted = self.interrupted or fcntl.fcntl(self.fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            self.interrupted = True

    @property
    def undisturbed(self) -> bool:
        """Whether nobody has tried to open the file since C(lease); true where the filesystem knows no leases."""
        return not self._leased or fcntl.fcntl(self.fd, fcntl.F_GETLEASE) == fcntl.F_WRLCK

    def give_way(self) -> None:
        """Called between pieces of work: lets in a process that waits to open the file, so that a live server never hangs on us."""
        if self._leased and fcntl.fcntl(self.fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK:
            self.release()

    def note_left(self, *, timed: bool) -> None:
        """What the file is after this process's last write to it.

        :arg timed: the filesystem sets the time of change itself; that of a server may follow later.
        """
        facts = os.fstat(self.fd)
        self.left = (facts.st_size, facts.st_mtime_ns if timed else None)

    def is_as_left(self, facts: os.stat_result) -> bool:
        """Whether nobody else has written to the file since."""
        size, mtime_ns = self.left
        return facts.st_size == size and mtime_ns in (None, facts.st_mtime_ns)

    def require_as_left(self) -> os.stat_result:
        """Called before the names go, so that nothing which somebody writes goes with them: others are kept waiting until C(release).

        Who waits to read is no obstacle: it gets what was written over the content.

        :returns: what the file is now.
        :raises TargetRefusedError: somebody has written to the file, has it open, or waits to write to it.
        """
        try:
            if not self._leased:
                self.lease()
            elif fcntl.fcntl(self.fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK:
                raise refusal("used")
            facts = os.fstat(self.fd)
            if not self.is_as_left(facts):
                raise refusal("used")
        except TargetRefusedError:
            self.release()
            raise refusal("used") from None
        return facts

    def close(self) -> None:
        """Close all descriptors; harmless when done twice."""
        opened, self.fd = [self.fd, *(dir_fd for dir_fd, _name in self.names)], -1
        self.names = []
        for fd in opened:
            if fd >= 0:
                os.close(fd)
        self._leased = False

    def __enter__(self) -> OpenTarget:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def plain_parts(path: str) -> list[str]:
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise RefusedError(
            f"{path!r} is not a plain path below a root (no leading slash, no empty part, no . or ..); "
            "the plan was not made by this collection"
        )
    return parts


def open_directory(root_fd: int, parts: t.Sequence[str]) -> int:
    """Open the directory that holds the last component; each step refuses a link."""
    fd = os.dup(root_fd)
    for part in parts:
        try:
            below = os.open(part, _DIRECTORY, dir_fd=fd)
        except OSError as error:
            raise _step_refusal(part, fd, error) from None
        finally:
            os.close(fd)
        fd = below
    return fd


def _step_refusal(part: str, dir_fd: int, error: OSError) -> TargetRefusedError:
    if error.errno == errno.ENOTDIR:
        try:
            linked = stat.S_ISLNK(os.stat(part, dir_fd=dir_fd, follow_symlinks=False).st_mode)
        except OSError:
            return refusal("vanished")
        return refusal("symlink" if linked else "replaced")
    return refusal_of(error)


def _compare_name(dir_fd: int, name: str, expected: Expected) -> None:
    try:
        difference = _difference(os.stat(name, dir_fd=dir_fd, follow_symlinks=False), expected)
    except OSError as error:
        raise refusal_of(error) from None
    if difference:
        raise refusal(difference)


_Opener = t.Callable[[int, str], "tuple[int, t.Callable[[], None]]"]


def open_target(
    executor: Executor,
    root_fd: int,
    path: str,
    expected: Expected,
    *,
    shared: bool = False,
    unprotect: bool = False,
    removes: bool = True,
) -> OpenTarget:
    """Open a file for its destruction: below the root, without following a link, equal to the plan, no unknown name, open nowhere else.

    The name is looked at first, so that nothing but a regular file is opened; then the open descriptor is compared, and only that counts.

    :arg path: relative to the root.
    :arg shared: other processes may have it open; C(openers) then says so.
    :arg unprotect: take the flags immutable and append-only off it; they are put back where it is refused after all.
    :arg removes: its names will go, so directories with such a flag are refused too; theirs is never taken off.
    :raises TargetRefusedError: the file differs from the plan or may not be written now.
    :raises RefusedError: C(path) is not a plain path below the root.
    """
    return _opened(
        root_fd,
        path,
        expected,
        lambda dir_fd, name: _open_file(executor, dir_fd, name, unprotect=unprotect),
        shared=shared,
        removes=removes,
    )


def look_at(
    root_fd: int, path: str, expected: Expected, *, shared: bool = False, unprotect: bool = False, removes: bool = True
) -> OpenTarget:
    """The same for reading only, with the same refusals: to look at all files before the first of them is written, and in check mode."""
    return _opened(
        root_fd, path, expected, lambda dir_fd, name: _open_reading(dir_fd, name, unprotect=unprotect), shared=shared, removes=removes
    )


def _opened(root_fd: int, path: str, expected: Expected, opener: _Opener, *, shared: bool, removes: bool) -> OpenTarget:
    *parents, name = plain_parts(path)
    dir_fd = open_directory(root_fd, parents)
    try:
        _compare_name(dir_fd, name, expected)
        fd, put_back = opener(dir_fd, name)
        facts = os.fstat(fd)
        target = OpenTarget(fd, dir_fd, (path, *expected.also), facts)
    except BaseException:
        os.close(dir_fd)
        raise
    try:
        difference = _difference(facts, expected)
        if difference:
            raise refusal(difference)
        _add_names(target, root_fd, expected)
        if removes and any(forbidding_flags(directory) for directory, _name in target.names):
            raise refusal("denied")
        target.lease(shared=shared)
        # Held again only while the file is overwritten: a reader should not wait for what else is done before.
        target.release()
    except BaseException:
        put_back()
        target.close()
        raise
    return target


def _open_reading(dir_fd: int, name: str, *, unprotect: bool) -> tuple[int, t.Callable[[], None]]:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
    except OSError as error:
        raise refusal_of(error) from None
    kind = "read_only" if os.fstatvfs(fd).f_flag & os.ST_RDONLY else "denied" if forbidding_flags(fd) and not unprotect else ""
    if kind:
        os.close(fd)
        raise refusal(kind)
    return fd, lambda: None


def _open_file(executor: Executor, dir_fd: int, name: str, *, unprotect: bool) -> tuple[int, t.Callable[[], None]]:
    """A descriptor, and what puts back the flags that were taken off the file for it."""
    flags = os.O_RDWR | os.O_NONBLOCK
    try:
        return executor.open(name, flags, dir_fd=dir_fd), lambda: None
    except OSError as error:
        if error.errno != errno.EPERM or not unprotect:
            raise refusal_of(error) from None
    reading = -1
    lifted = 0
    try:
        reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
        lifted = lift_flags(executor, reading)
        fd = executor.open(name, flags, dir_fd=dir_fd)
        return fd, lambda: executor.change_flags(fd, on=lifted) if lifted else None
    except OSError as error:
        if lifted:
            executor.change_flags(reading, on=lifted)
        raise refusal_of(error) from None
    finally:
        if reading >= 0:
            os.close(reading)


def _add_names(target: OpenTarget, root_fd: int, expected: Expected) -> None:
    for path in expected.also:
        *parents, name = plain_parts(path)
        dir_fd = open_directory(root_fd, parents)
        target.names.append((dir_fd, name))
        _compare_name(dir_fd, name, expected)
