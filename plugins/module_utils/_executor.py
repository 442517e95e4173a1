# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only door to writing.

Every write on a target goes through an C(Executor). Check mode gets a C(CheckExecutor), whose every method raises,
so that check mode cannot write whatever the code above it does.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
import stat
import struct
import subprocess
import typing as t

__all__ = ["CheckExecutor", "CheckModeWriteError", "Executor"]

_T = t.TypeVar("_T")

# SYNC_FILE_RANGE_WRITE, and with it _WAIT_BEFORE and _WAIT_AFTER
_WRITE = 2
_WAIT_WRITE_WAIT = 7
_GETFLAGS = 0x80086601
# The exit code is there whole or not at all.
_KEEP_CODE = 'code=$1; shift; "$@"; echo $? > "$code.new"; mv "$code.new" "$code"'
_SETFLAGS = 0x40086602


@functools.cache
def _syncfs() -> t.Any:
    return ctypes.CDLL(None, use_errno=True).syncfs


@functools.cache
def _sync_file_range() -> t.Any:
    function = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function


class CheckModeWriteError(RuntimeError):
    """Something tried to write in check mode: a bug, never a user's mistake."""


class Executor:
    """Writes. File descriptors and names relative to a directory descriptor, never bare paths, for anything that is destroyed."""

    def _allow(self, what: str) -> None:
        """Called first by every method."""

    def open(self, name: str, flags: int, *, mode: int = 0o600, dir_fd: int | None = None) -> int:
        """Open for writing; never follows a link in the last component."""
        self._allow(f"open {name} for writing")
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=dir_fd)

    def open_unnamed(self, dir_fd: int) -> int:
        """A new file of a directory's filesystem that has no name yet, and goes with the process if it never gets one.

        :raises OSError: C(EOPNOTSUPP) and the like where the filesystem has no such files.
        """
        self._allow("make a file")
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)

    def give_name(self, fd: int, name: str, *, dir_fd: int) -> None:
        """A name for a file that was opened without one; fails where something has that name."""
        self._allow(f"make {name}")
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=dir_fd, follow_symlinks=True)

    def write(self, fd: int, data: bytes | memoryview) -> None:
        """Write all of C(data) at the descriptor's position."""
        self._allow("write")
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """One write at an offset; returns the bytes written, which may be fewer."""
        self._allow("write")
        return os.pwrite(fd, data, offset)

    def fsync(self, fd: int) -> None:
        self._allow("flush")
        os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        self._allow("flush")
        os.fdatasync(fd)

    def write_back(self, fd: int, offset: int, length: int, *, wait: bool = True) -> None:
        """Have cached pages of a range brought to the device, without the flush of the device's own cache that C(fdatasync) adds.

        Only for bytes written over bytes that were there: nothing is promised about metadata.

        :arg wait: return when they are there; else only begin, to be waited for by another call.
        """
        self._allow("flush")
        sync_file_range = _sync_file_range()
        if sync_file_range is not None and sync_file_range(fd, offset, length, _WAIT_WRITE_WAIT if wait else _WRITE) == 0:
            return
        number = ctypes.get_errno() if sync_file_range is not None else errno.ENOSYS
        if number not in (errno.ENOSYS, errno.EINVAL, errno.ESPIPE):
            raise OSError(number, os.strerror(number))
        os.fdatasync(fd)

    def ioctl(self, fd: int, request: int, what: str, *, argument: bytearray | None = None) -> int:
        """A command to an open device or filesystem, as C(what) names it; its answer is left in C(argument).

        Returns what the kernel does: above 0 some commands tell of a failure.
        """
        self._allow(what)
        return fcntl.ioctl(fd, request) if argument is None else fcntl.ioctl(fd, request, argument, True)

    def run(
        self, command: t.Sequence[str], what: str, *, environment: t.Mapping[str, str], seconds: float | None, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a tool that changes a medium, as C(what) names it, apart from this process's terminal: a lost connection does not end it.

        :arg stdin: what it reads, such as a secret, which never is an argument.
        :raises OSError: it cannot be run.
        :raises subprocess.TimeoutExpired: it was ended because it took longer than C(seconds).
        """
        self._allow(what)
        return subprocess.run(
            command,
            env=dict(environment),
            input=stdin,
            capture_output=True,
            timeout=seconds,
            check=False,
            start_new_session=True,
        )

    def call(self, what: str, function: t.Callable[[], _T]) -> _T:
        """Ask a service elsewhere to change something, as C(what) names it."""
        self._allow(what)
        return function()

    def start(self, command: t.Sequence[str], what: str, *, environment: t.Mapping[str, str], lock: str) -> None:
        """Begin such a tool so that it goes on when this process ends; whoever finds C(lock) locked knows that it runs.

        :arg lock: a path, beside which C(.output), C(.errors) and, once the tool has ended, its exit code C(.code) are left.
        :raises OSError: it cannot be begun, or another one holds the lock.
        """
        self._allow(what)
        fds = [self.open(lock, os.O_RDWR | os.O_CREAT)]
        try:
            fcntl.flock(fds[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
            fds += [self.open(f"{lock}.{kind}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for kind in ("output", "errors")]
            subprocess.Popen(
                ["/bin/sh", "-c", _KEEP_CODE, "sh", f"{lock}.code", *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=fds[1],
                stderr=fds[2],
                start_new_session=True,
                pass_fds=(fds[0],),
            )
        finally:
            for fd in fds:
                os.close(fd)

    def sync_filesystem(self, fd: int) -> None:
        """Have all of the filesystem's data and structures brought to their places on the device, where it does not keep some in a log."""
        self._allow("flush a filesystem")
        if _syncfs()(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def ftruncate(self, fd: int, size: int) -> None:
        self._allow("truncate")
        os.ftruncate(fd, size)

    def makedirs(self, path: str, *, mode: int = 0o700) -> None:
        """Make a directory and its parents, each with C(mode)."""
        self._allow(f"make directory {path}")
        parent = os.path.dirname(path)
        if parent and not os.path.isdir(parent):
            self.makedirs(parent, mode=mode)
        if not os.path.isdir(path):
            os.mkdir(path, mode)

    def mkdir(self, name: str, *, mode: int = 0o700, dir_fd: int | None = None) -> None:
        self._allow(f"make directory {name}")
        os.mkdir(name, mode, dir_fd=dir_fd)

    def unlink(self, name: str, *, dir_fd: int | None = None) -> None:
        self._allow(f"remove {name}")
        os.unlink(name, dir_fd=dir_fd)

    def rmdir(self, name: str, *, dir_fd: int | None = None) -> None:
        self._allow(f"remove directory {name}")
        os.rmdir(name, dir_fd=dir_fd)

    def rename(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        self._allow(f"rename {old}")
        os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def link(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        """A hard link; fails where C(new) exists, which makes it the move that never replaces."""
        self._allow(f"link {old}")
        os.link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)

    def change_flags(self, fd: int, *, on: int = 0, off: int = 0) -> None:
        """Set and clear flags of a file, such as immutable (FS_IOC_SETFLAGS)."""
        self._allow("change flags")
        flags = struct.unpack("=i", fcntl.ioctl(fd, _GETFLAGS, bytes(8))[:4])[0]
        fcntl.ioctl(fd, _SETFLAGS, struct.pack("=ii", (flags | on) & ~off, 0))

    def set_facts(self, fd: int, facts: os.stat_result) -> None:
        """Owner, group, mode and times of another file."""
        self._allow("change owner, mode and times")
        os.fchown(fd, facts.st_uid, facts.st_gid)
        os.fchmod(fd, stat.S_IMODE(facts.st_mode))
        os.utime(fd, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def chmod(self, fd: int, mode: int) -> None:
        self._allow("change a mode")
        os.fchmod(fd, mode)

    def add_attribute(self, fd: int, name: str, value: bytes) -> None:
        """An extended attribute that the file does not have, or has from its directory."""
        self._allow("write an extended attribute")
        os.setxattr(fd, name, value)

    def set_attribute(self, fd: int, name: str, value: bytes) -> None:
        self._allow("write an extended attribute")
        os.setxattr(fd, name, value, os.XATTR_REPLACE)

    def remove_attribute(self, fd: int, name: str) -> None:
        self._allow("remove an extended attribute")
        os.removexattr(fd, name)

    def sync_directory(self, path: str | int) -> None:
        """Make a directory's entries durable."""
        self._allow("flush a directory")
        fd = path if isinstance(path, int) else os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            if fd is not path:
                os.close(fd)

    def replace_file(self, path: str, chunks: t.Iterable[bytes], *, mode: int = 0o600) -> None:
        """Write a whole file atomically: temporary name, flush, rename, flush of the directory."""
        self._allow(f"write {path}")
        temporary = f"{path}.{os.getpid()}.tmp"
        fd = self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=mode)
        try:
            for chunk in chunks:
                self.write(fd, chunk)
            self.fsync(fd)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        os.rename(temporary, path)
        self.sync_directory(os.path.dirname(path) or ".")


class CheckExecutor(Executor):
    """The executor of check mode."""

    def _allow(self, what: str) -> None:
        raise CheckModeWriteError(f"check mode tried to write: {what}")
