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

from .._errors import DisposalError, RefusedError
from .._executor import Executor

__all__ = [
    "Expected",
    "OpenTarget",
    "TargetRefusedError",
    "check_target",
    "open_root",
    "open_target",
    "remove",
    "scrub_names",
    "sync_directories",
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
        C(read_only), C(denied) or C(unreadable).
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
    "denied": "denied: the file may not be written (immutable, append-only or no permission)",
}


def _refusal(kind: str) -> TargetRefusedError:
    return TargetRefusedError(kind, _REASONS[kind])


def _refusal_of(error: OSError) -> TargetRefusedError:
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
        return _refusal(kinds[error.errno])
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

    :ivar names: its names, each with a descriptor of its directory.
    :ivar openers: C(none) where the kernel confirmed that nobody else has it open, else C(not_determinable).
    :ivar interrupted: somebody tried to open it while the lease was held.
    """

    def __init__(self, fd: int, dir_fd: int, name: str, facts: os.stat_result) -> None:
        self.fd = fd
        self.names = [(dir_fd, name)]
        self.identity = (facts.st_dev, facts.st_ino)
        self.size = facts.st_size
        self.nlink = facts.st_nlink
        self.mtime_ns = facts.st_mtime_ns
        self.openers = "not_determinable"
        self.interrupted = False
        self._leased = False
        self._shared = False

    def lease(self, *, shared: bool | None = None) -> None:
        """Ask the kernel whether anybody else has the file open, and keep others waiting until C(release).

        A process that holds it must not open the file a second time: it would wait for itself.

        :arg shared: that somebody has is no obstacle; as said the last time where it is left out.
        :raises TargetRefusedError: somebody has.
        """
        self._shared = self._shared if shared is None else shared
        try:
            # SIGURG is ignored by default; the lease's own SIGIO would end the process when somebody opens the file.
            fcntl.fcntl(self.fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            if error.errno == errno.EAGAIN and not self._shared:
                raise _refusal("busy") from None
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

    def give_way(self) -> None:
        """Called between pieces of work: lets in a process that waits to open the file, so that a live server never hangs on us."""
        if self._leased and fcntl.fcntl(self.fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK:
            self.release()

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


def open_root(path: str) -> int:
    """A descriptor of a root directory.

    :raises RefusedError: it is missing, a symbolic link, or no directory.
    """
    try:
        return os.open(path, _DIRECTORY)
    except OSError as error:
        if os.path.islink(path):
            raise RefusedError(f"the root {path} is a symbolic link; name the real directory") from error
        raise RefusedError(f"the root {path} cannot be opened ({error.strerror}); mount it or correct the source") from error


def _components(path: str) -> list[str]:
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise RefusedError(
            f"{path!r} is not a plain path below a root (no leading slash, no empty part, no . or ..); "
            "the plan was not made by this collection"
        )
    return parts


def _open_directory(root_fd: int, parts: t.Sequence[str]) -> int:
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
            return _refusal("vanished")
        return _refusal("symlink" if linked else "replaced")
    return _refusal_of(error)


def check_target(root_fd: int, path: str, expected: Expected) -> None:
    """Compare a file with the plan without opening it: for check mode.

    :raises TargetRefusedError: it differs.
    :raises RefusedError: C(path) is not a plain path below the root.
    """
    *parents, name = _components(path)
    dir_fd = _open_directory(root_fd, parents)
    try:
        _compare_name(dir_fd, name, expected)
    finally:
        os.close(dir_fd)


def _compare_name(dir_fd: int, name: str, expected: Expected) -> None:
    try:
        difference = _difference(os.stat(name, dir_fd=dir_fd, follow_symlinks=False), expected)
    except OSError as error:
        raise _refusal_of(error) from None
    if difference:
        raise _refusal(difference)


def open_target(executor: Executor, root_fd: int, path: str, expected: Expected, *, shared: bool = False) -> OpenTarget:
    """Open a file for its destruction: below the root, without following a link, equal to the plan, no unknown name, open nowhere else.

    The name is looked at first, so that nothing but a regular file is opened; then the open descriptor is compared, and only that counts.

    :arg path: relative to the root.
    :arg shared: other processes may have it open; C(openers) then says so.
    :raises TargetRefusedError: the file differs from the plan or may not be written now.
    :raises RefusedError: C(path) is not a plain path below the root.
    """
    *parents, name = _components(path)
    dir_fd = _open_directory(root_fd, parents)
    fd = -1
    try:
        _compare_name(dir_fd, name, expected)
        try:
            fd = executor.open(name, os.O_RDWR | os.O_NONBLOCK, dir_fd=dir_fd)
        except OSError as error:
            raise _refusal_of(error) from None
        facts = os.fstat(fd)
        difference = _difference(facts, expected)
        if difference:
            raise _refusal(difference)
        target = OpenTarget(fd, dir_fd, name, facts)
    except BaseException:
        for opened in (fd, dir_fd):
            if opened >= 0:
                os.close(opened)
        raise
    try:
        _add_names(target, root_fd, expected)
        target.lease(shared=shared)
        # Held again only while the file is overwritten: a reader should not wait for what else is done before.
        target.release()
    except BaseException:
        target.close()
        raise
    return target


def _add_names(target: OpenTarget, root_fd: int, expected: Expected) -> None:
    for path in expected.also:
        *parents, name = _components(path)
        dir_fd = _open_directory(root_fd, parents)
        target.names.append((dir_fd, name))
        _compare_name(dir_fd, name, expected)


def scrub_names(executor: Executor, target: OpenTarget, blanks: t.Sequence[str]) -> None:
    """Give each name of the file a meaningless one in its directory, so that what is removed afterwards tells nothing.

    :arg blanks: one for each name; the same after an interruption, so that C(unscrub) finds them.
    :raises TargetRefusedError: another file is at a name, or the file has got another name.
    """
    for index, ((dir_fd, name), blank) in enumerate(zip(target.names, blanks)):
        _require_own(target, dir_fd, name)
        try:
            # A link and an unlink: unlike a rename, never over another file.
            executor.link(name, blank, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            executor.unlink(name, dir_fd=dir_fd)
        except OSError as error:
            raise _refusal_of(error) from None
        target.names[index] = (dir_fd, blank)


def unscrub(executor: Executor, root_fd: int, path: str, blank: str, identity: tuple[int, int]) -> None:
    """Undo what an interrupted C(scrub_names) did to a name; nothing where it had done nothing.

    :raises OSError: another file stands at the name.
    """
    *parents, name = _components(path)
    try:
        dir_fd = _open_directory(root_fd, parents)
    except TargetRefusedError:
        return
    try:
        facts = os.stat(blank, dir_fd=dir_fd, follow_symlinks=False)
        if (facts.st_dev, facts.st_ino) != identity:
            return
        try:
            executor.link(blank, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        except FileExistsError:
            other = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
            if (other.st_dev, other.st_ino) != identity:
                raise
        executor.unlink(blank, dir_fd=dir_fd)
        executor.sync_directory(dir_fd)
    except FileNotFoundError:
        return
    finally:
        os.close(dir_fd)


def _require_own(target: OpenTarget, dir_fd: int, name: str) -> None:
    """:raises TargetRefusedError: what stands at a name is not the open file, or that has a name that is not known."""
    try:
        named = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except OSError as error:
        raise _refusal_of(error) from None
    if stat.S_ISLNK(named.st_mode):
        raise _refusal("symlink")
    if (named.st_dev, named.st_ino) != target.identity:
        raise _refusal("replaced")
    if named.st_nlink != len(target.names):
        raise _refusal("hard_linked")


def remove(executor: Executor, target: OpenTarget) -> None:
    """Unlink the file's names, if they are still all that it has; the caller flushes the directories with C(sync_directories).

    :raises TargetRefusedError: another file is at a name, or the file has got another name.
    :raises DisposalError: a name was swapped in the instant of the unlink, so another file lost its name.
    """
    for dir_fd, name in target.names:
        _require_own(target, dir_fd, name)
    left = len(target.names)
    for dir_fd, name in target.names:
        try:
            executor.unlink(name, dir_fd=dir_fd)
        except OSError as error:
            raise _refusal_of(error) from None
        left -= 1
        if os.fstat(target.fd).st_nlink != left:
            raise DisposalError(
                "a name was swapped in the instant in which it was removed, so another file lost it while the overwritten file stays; "
                "look at the directory"
            )


def sync_directories(executor: Executor, dir_fds: t.Iterable[int]) -> None:
    """Make removals durable, each directory once, however many descriptors of it there are.

    :raises OSError: a flush failed; the removals in that directory may not be durable.
    """
    done: set[tuple[int, int]] = set()
    for fd in dir_fds:
        facts = os.fstat(fd)
        if (facts.st_dev, facts.st_ino) not in done:
            done.add((facts.st_dev, facts.st_ino))
            executor.sync_directory(fd)
