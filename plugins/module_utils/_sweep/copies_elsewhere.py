# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of files of a medium that lie elsewhere: where they may lie, and the proof that one has the same bytes now."""

from __future__ import annotations

import collections
import contextlib
import errno
import os
import re
import socket
import stat
import typing as t

from .._errors import RefusedError
from .._media.mounted import Mounted, Place
from .._media.mounts import MountFacts
from .._media.private_mounts import UnseenError
from .._media.stack import Number
from .._recordings.walk import mount_of, opened_below

__all__ = ["NOT_NAMED", "Copies", "Copy", "Proof"]

# Filesystems of other machines, whose media nobody sees from here.
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "afs", "9p", "virtiofs", "beegfs", "gpfs")
_NETWORK_FUSE = ("fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "fuse.ceph", "fuse.rclone")
_PIECE = 1 << 20
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WHAT = "nothing was looked at"
# Why a file has no copy for which nobody has told where one would be.
NOT_NAMED = "none is named"


class Copy(t.NamedTuple):
    """A directory with copies.

    :arg root: what it has the copies of; C(place) is where that lies now, none where it is not there.
    :arg fd: of the directory.
    :arg limit: what is not known of it, empty where nothing is.
    """

    root: str
    place: Place | None
    directory: str
    fd: int
    limit: str


class Copies:
    """All directories with copies, checked before anything is looked at; to be closed.

    :arg roots: of the policy's sources; C(None) where there is no policy.
    :arg media: the names of the devices that are to go, with all that is stacked on them, by number.
    :raises RefusedError: one of them is no such directory, or lies where its copies would go as well.
    """

    def __init__(
        self, given: t.Sequence[t.Mapping[str, str]], *, roots: t.Collection[str] | None, mounted: Mounted, media: t.Mapping[Number, str]
    ) -> None:
        self.all: list[Copy] = []
        try:
            for each in given:
                self.all.append(_copy(each["root"], each["copy"], roots, mounted, media))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        while self.all:
            os.close(self.all.pop().fd)

    def of(self, number: Number, path: str) -> list[tuple[Copy, str]]:
        """Where copies of a file may lie, by its path from the top of a filesystem that is mounted."""
        found = []
        for copy in self.all:
            if copy.place is not None and copy.place.number == number:
                below = copy.place.below(path)
                if below is not None:
                    found.append((copy, below))
        return found

    def of_unmounted(self, path: str) -> list[tuple[Copy, str]]:
        """The same on a filesystem of which nobody knows where it would be mounted: bytes prove it, whatever the root."""
        return [(copy, path) for copy in self.all]


def _copy(root: str, directory: str, roots: t.Collection[str] | None, mounted: Mounted, media: t.Mapping[Number, str]) -> Copy:
    for name, path in (("root", root), ("copy", directory)):
        if not os.path.isabs(path) or os.path.normpath(path) != path.rstrip("/"):
            raise RefusedError(f"copies names the {name} {path!r}, which is not an absolute and plain path, so {_WHAT}; write it out")
    points = {mount.point for mount in mounted.mounts.values()}
    if roots is not None and root.rstrip("/") not in {each.rstrip("/") for each in roots} and root not in points:
        raise RefusedError(
            f"copies names the root {root}, which is neither a root of the policy's sources nor a mount point, so {_WHAT}; correct it"
        )
    if os.path.realpath(directory) != os.path.normpath(directory):
        raise RefusedError(f"the copies below {directory} are or lie behind a symbolic link, so {_WHAT}; name the real directory")
    place, own = mounted.place(directory), mounted.place(root)
    if place is None:
        raise RefusedError(f"the copies below {directory} are not there, or it is not told where they lie, so {_WHAT}; mount them")
    if own is not None and own.number == place.number:
        raise RefusedError(f"the copies below {directory} lie on the same filesystem as {root}, so {_WHAT}; name copies that lie elsewhere")
    limit = _where(directory, place.mount, mounted, media)
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(f"the copies below {directory} cannot be opened ({error.strerror}), so {_WHAT}; correct the path") from error
    return Copy(root, own, directory, fd, limit)


def _where(directory: str, mount: MountFacts, mounted: Mounted, media: t.Mapping[Number, str]) -> str:
    """What is not known of where copies lie.

    :raises RefusedError: they lie on the media that are to go, in memory, or nobody can tell where.
    """
    devices = mounted.devices(mount)
    on = sorted({media[number] for number in devices if number in media})
    if on:
        raise RefusedError(
            f"the copies below {directory} lie on {', '.join(on)}, which is or lies on one of the media that are to go, so {_WHAT}; "
            "name copies that lie elsewhere"
        )
    if devices:
        return ""
    if mount.type in (*_NETWORK, *_NETWORK_FUSE):
        if _is_own(mount):
            raise RefusedError(
                f"the copies below {directory} are served by this host itself ({mount.source}), so {_WHAT}; name copies that lie elsewhere"
            )
        return f"the copies below {directory} lie on another machine ({mount.type}), whose media were not looked at"
    raise RefusedError(
        f"the copies below {directory} lie on {mount.type}, of which nobody can tell on which media its bytes are, so {_WHAT}; "
        "name a directory of a filesystem on a device or of another machine"
    )


def _is_own(mount: MountFacts) -> bool:
    """Whether a filesystem of another machine is one of this host; asked of the kernel, which binds to its own addresses only."""
    given = [option.partition("=")[2] for option in mount.options if option.startswith("addr=")]
    server = re.match(r"(?://)?(?:[^@/]*@)?(\[[^]]+\]|[^:/]+)", mount.source)
    names = [*given, *([server[1].strip("[]")] if server else [])]
    for name in names:
        with contextlib.suppress(OSError, UnicodeError):
            for family, kind, protocol, _canonical, address in socket.getaddrinfo(name, 0, type=socket.SOCK_DGRAM):
                with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as probe:
                    probe.bind(address)
                    return True
    return False


class Proof:
    """What was proven of the files of one filesystem.

    Once a file lacks a copy the answer stands, and no more bytes are read: the rest is only looked for.

    :ivar proven: files with a copy of the same bytes.
    :ivar lacking: why the others have none, with how many.
    :ivar used: the directories in which copies were found.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self.proven = 0
        self.lacking: collections.Counter[str] = collections.Counter()
        self.used: dict[str, str] = {}

    def of(self, path: str, size: int, candidates: t.Sequence[tuple[Copy, str]]) -> bool:
        """Whether a file, by its path from the top, has a copy of the same size and bytes.

        :raises UnseenError: the file itself cannot be read.
        """
        why = NOT_NAMED
        for copy, below in candidates:
            fd, why = _opened(copy, below, size)
            if fd is None:
                continue
            try:
                why = "not compared any more" if self.lacking else self._difference(path, fd, size)
            finally:
                os.close(fd)
            if not why:
                self.proven += 1
                self.used[copy.directory] = copy.limit
                return True
        self.lacking[why] += 1
        return False

    def _difference(self, path: str, copy: int, size: int) -> str:
        """Why a copy does not have the bytes of the file; empty where it does."""
        directory, _slash, name = path.rpartition("/")
        with contextlib.ExitStack() as stack:
            try:
                parent = stack.enter_context(opened_below(self._top, directory))
                file = os.open(name, _FILE, dir_fd=parent)
                stack.callback(os.close, file)
                for start in range(0, size, _PIECE):
                    own = _read_anew(file, start)
                    why = _other(copy, start, own)
                    if why:
                        return why
                if os.fstat(file).st_size != size:
                    raise UnseenError("a file in it changed while it was read, so it is in use; stop what uses it")
            except OSError as error:
                raise UnseenError(f"a file in it cannot be read ({error.strerror}); look at the medium") from error
        return ""


def _opened(copy: Copy, below: str, size: int) -> tuple[int | None, str]:
    """A copy that may have the bytes, opened following no link; else why there is none."""
    directory, _slash, name = below.rpartition("/")
    try:
        with opened_below(copy.fd, directory) as parent:
            fd = _open_quietly(name, parent)
    except FileNotFoundError:
        return None, "no copy"
    except OSError as error:
        linked = error.errno in (errno.ELOOP, errno.ENOTDIR)
        return None, "a symbolic link, which is never followed" if linked else f"a copy that cannot be opened ({error.strerror})"
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        why = "no regular file"
    elif mount_of(fd)[1] != mount_of(copy.fd)[1]:
        why = "a copy on something that is mounted below the directory of copies"
    elif facts.st_size != size:
        why = "a copy of another size"
    else:
        return fd, ""
    os.close(fd)
    return None, why


def _open_quietly(name: str, parent: int) -> int:
    """Opened without a note of it on the medium, where that is allowed."""
    try:
        return os.open(name, _FILE | os.O_NOATIME, dir_fd=parent)
    except PermissionError:
        return os.open(name, _FILE, dir_fd=parent)


def _other(copy: int, start: int, own: bytes) -> str:
    """Why a piece of a copy is not what it should be; empty where it is."""
    try:
        return "" if _read_anew(copy, start) == own else "other bytes"
    except OSError as error:
        return f"a copy that cannot be read ({error.strerror})"


def _read_anew(fd: int, start: int) -> bytes:
    """A piece of a file as its medium has it, as far as the cache can be emptied."""
    os.posix_fadvise(fd, start, _PIECE, os.POSIX_FADV_DONTNEED)
    found = b""
    while len(found) < _PIECE and (more := os.pread(fd, _PIECE - len(found), start + len(found))):
        found += more
    os.posix_fadvise(fd, start, _PIECE, os.POSIX_FADV_DONTNEED)
    return found
