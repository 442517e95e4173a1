# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over a tree: each directory is read once, relative to its parent's descriptor, and no link is followed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing as t

from .._errors import RefusedError

__all__ = ["ASIDE", "Directory", "elsewhere", "open_below", "open_root", "opened_below", "place_on_device", "read_directory", "walk"]

ASIDE = ".recordings-disposal"
"""The directory at a root that holds quarantined sets; never part of a walk of the root itself."""

_DEPTH_LIMIT = 100
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Directory(t.NamedTuple):
    """One directory: path below the root, an open descriptor, its regular files with their status, names of its directories."""

    path: str
    fd: int
    files: list[tuple[str, os.stat_result]]
    directories: list[str]


class Roots:
    """Root directories that stay open from the first use on, so that a mount which changes under them is noticed; to be closed."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def __getitem__(self, path: str) -> int:
        if path not in self._open:
            self._open[path] = open_root(path)
        return self._open[path]

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


def open_root(path: str) -> int:
    """Open a root directory.

    :raises RefusedError: missing, a link (itself or on the way), not a directory, unreadable.
    """
    if os.path.realpath(path) != os.path.normpath(path):
        raise RefusedError(f"the root {path} is or lies behind a symbolic link to {os.path.realpath(path)}; name the real directory")
    try:
        return os.open(path, _OPEN)
    except OSError as error:
        raise RefusedError(
            f"the root {path} cannot be opened ({error.strerror}); mount it, or take it out of the policy's sources"
        ) from error


def open_below(root_fd: int, directory: str) -> int:
    """Open a directory below a root, one component at a time, following no link.

    :raises OSError: as C(open) does; C(ELOOP) or C(ENOTDIR) where a component is a link.
    """
    fd = os.dup(root_fd)
    for name in directory.split("/") if directory else ():
        try:
            deeper = os.open(name, _OPEN, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
    return fd


@contextlib.contextmanager
def opened_below(root_fd: int, directory: str) -> t.Iterator[int]:
    """C(open_below), closed at the end."""
    fd = open_below(root_fd, directory)
    try:
        yield fd
    finally:
        os.close(fd)


def read_directory(fd: int, path: str, passed_over: dict[str, int]) -> Directory:
    """One directory's entries; what is neither a regular file nor a directory is counted in C(passed_over).

    :raises RefusedError: the directory cannot be read, so what is in it is not known.
    """
    files = []
    directories = []
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.name)
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(facts.st_mode):
                    files.append((entry.name, facts))
                else:
                    kind = "symlink" if stat.S_ISLNK(facts.st_mode) else "not_regular"
                    passed_over[kind] = passed_over.get(kind, 0) + 1
    except OSError as error:
        raise RefusedError(
            f"the directory {path or '.'} cannot be read ({error.strerror}), so its recordings are not known; repair it and plan again"
        ) from error
    directories.sort()
    return Directory(path, fd, files, directories)


def mount_of(fd: int) -> tuple[int, str]:
    """Device and mount of a directory; a bind mount has the device of what surrounds it, but not its mount."""
    mount = ""
    with contextlib.suppress(OSError), open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as handle:
        mount = next((line for line in handle if line.startswith("mnt_id:")), "")
    return os.fstat(fd).st_dev, mount


def place_on_device(fd: int, path: str) -> tuple[int, str] | None:
    """Device of a directory and its path from the top of that filesystem, the same under whatever mount; none where that is not told."""
    device, mount = mount_of(fd)
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as handle:
        for line in handle:
            number, _parent, _device, top, point = line.split(" ")[:5]
            if number == mount.partition(":")[2].strip():
                top, point = (re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text) for text in (top, point))
                return device, os.path.normpath(os.path.join(top, os.path.relpath(path, point)))
    return None


def elsewhere(fd: int, root_fd: int, passed_over: dict[str, int]) -> bool:
    """Whether a directory below a root is mounted there from elsewhere, counting it if so."""
    if mount_of(fd) == mount_of(root_fd):
        return False
    passed_over["other_filesystem"] = passed_over.get("other_filesystem", 0) + 1
    return True


def walk(fd: int, path: str, passed_over: dict[str, int], *, depth: int = 0) -> t.Iterator[Directory]:
    """Each directory from C(fd) down, parents first; descriptors are valid until the next one is asked for.

    What is mounted below, bind mounts too, is not entered, since a root stands for one tree.

    :raises RefusedError: a directory cannot be read.
    """
    directory = read_directory(fd, path, passed_over)
    yield directory
    for name in directory.directories:
        if name == ASIDE and not path:
            continue
        below = f"{path}/{name}" if path else name
        try:
            deeper = os.open(name, _OPEN, dir_fd=fd)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RefusedError(
                f"the directory {below} cannot be opened ({error.strerror}), so its recordings are not known; repair it and plan again"
            ) from error
        try:
            if elsewhere(deeper, fd, passed_over):
                continue
            if depth >= _DEPTH_LIMIT:
                passed_over["too_deep"] = passed_over.get("too_deep", 0) + 1
            else:
                yield from walk(deeper, below, passed_over, depth=depth + 1)
        finally:
            os.close(deeper)
