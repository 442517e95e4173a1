# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filesystem's free space before it is overwritten: which directory, whether overwriting proves something there, what stays free."""

from __future__ import annotations

import contextlib
import os
import socket
import typing as t

from .._errors import RefusedError
from .filesystem import FilesystemFacts, FilesystemProbe, is_encrypted
from .freeblocks import free_by_map

__all__ = ["FreeSpace", "alone", "default_reserve", "examine", "look_at_free_space", "mapped_free", "open_directory"]


class FreeSpace(t.NamedTuple):
    """A filesystem's free space before anything is done.

    :arg free_bytes: free, with what only root or the filesystem itself may use.
    :arg available_bytes: free for everybody.
    :arg reserve_bytes: will stay available to everybody.
    """

    facts: FilesystemFacts
    free_bytes: int
    available_bytes: int
    reserve_bytes: int


def default_reserve(total: int) -> int:
    """What stays free for a live server, in bytes: the larger of 5 % of the filesystem and 2 GiB."""
    return max(total // 20, 2 << 30)


def look_at_free_space(directory: str, reserve: int | None) -> FreeSpace:
    """What an overwrite would find, with the same refusals; only reads, for check mode.

    :raises RefusedError: see C(overwrite_free_space).
    """
    fd = open_directory(directory)
    try:
        return examine(fd, directory, reserve)
    finally:
        os.close(fd)


def open_directory(directory: str) -> int:
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = "it is a symbolic link" if os.path.islink(directory) else getattr(error, "strerror", None) or str(error)
        raise RefusedError(
            f"the directory {directory} cannot be opened ({why}), so nothing was written; name a directory of the filesystem"
        ) from error
    # What was opened is asked, not the path again: a link that is put on it later changes nothing.
    if not os.path.isabs(directory) or os.readlink(f"/proc/self/fd/{fd}") != (directory.rstrip("/") or "/"):
        os.close(fd)
        raise RefusedError(
            f"the directory {directory} is not absolute, has a part like .. or lies behind a symbolic link, so nothing was written; name the real one"
        )
    return fd


def examine(fd: int, directory: str, reserve: int | None) -> FreeSpace:
    facts = FilesystemProbe().assess(fd)
    why = "memory-backed, its free space holds nothing" if facts.memory else facts.reason
    if why or is_encrypted(fd):
        why = f"is on {facts.type}, {why}" if why else "is encrypted by its filesystem, and its files cannot be read back from the medium"
        raise RefusedError(
            f"{directory} {why}, so overwriting its free space would prove nothing and nothing was written; "
            "name another directory, sanitize the whole medium or destroy its keys"
        )
    numbers = os.fstatvfs(fd)
    if numbers.f_flag & os.ST_RDONLY:
        raise RefusedError(f"{directory} is mounted read-only, so nothing was written; mount it for writing")
    kept = default_reserve(numbers.f_blocks * numbers.f_frsize) if reserve is None else reserve
    available = numbers.f_bavail * numbers.f_frsize
    if kept < 0 or kept > 0 and available < kept + numbers.f_bsize:
        raise RefusedError(
            f"{directory} has {available} bytes available and the reserve is {kept} bytes, so nothing was written; "
            "make room, or give a smaller reserve, not below 0"
        )
    if not kept and os.stat("/").st_dev == os.fstat(fd).st_dev:
        raise RefusedError(
            f"{directory} is on this system's own root filesystem, which must not be filled to its last block, so nothing was written; "
            "give a reserve above 0"
        )
    return FreeSpace(facts, max(numbers.f_bfree * numbers.f_frsize, *(mapped_free(fd) or (0, 0))), available, kept)


def mapped_free(fd: int, known: t.Sequence[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """C(free_by_map), and C(None) also where the map cannot be read."""
    try:
        return free_by_map(fd, known)
    except OSError:
        return None


@contextlib.contextmanager
def alone(fd: int, directory: str) -> t.Iterator[None]:
    """Two runs on one filesystem would each claim what the other one holds. The kernel ends this hold with the process."""
    device = os.fstat(fd).st_dev
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as holder:
        try:
            holder.bind(f"\0recordings-disposal-fill-{os.major(device)}:{os.minor(device)}")
        except OSError as error:
            raise RefusedError(
                f"the free space of the filesystem of {directory} is being overwritten by another process, so nothing was written; "
                "wait until it has ended"
            ) from error
        yield
