# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filesystems of encrypted directories, each with a keyring of its own in the kernel."""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .fscrypt_kernel import ABSENT, INCOMPLETE, PRESENT, forget_key, key_state

__all__ = ["forget_in", "one_of_each", "open_above", "state_in"]


def open_above(directory: str) -> int:
    """A directory's parent, by which the filesystem is told things: whoever has the directory itself open holds its key.

    :raises RefusedError: there is no such directory, or its parent is on another filesystem.
    """
    above = os.path.dirname(directory)
    try:
        facts = os.lstat(directory)
        if not stat.S_ISDIR(facts.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        fd = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(f"{directory} cannot be opened ({error.strerror}), so nothing was done; correct the path") from error
    if os.fstat(fd).st_dev != facts.st_dev:
        os.close(fd)
        raise RefusedError(
            f"something is mounted on {directory}, so nothing was done; name the directory by a path within its own filesystem"
        )
    return fd


def one_of_each(directories: t.Sequence[str]) -> list[str]:
    """The first of some directories on each filesystem, those left out that are not there."""
    found: dict[int, str] = {}
    for directory in directories:
        if os.path.lexists(directory):
            found.setdefault(os.lstat(directory).st_dev, directory)
    return list(found.values())


def state_in(directories: t.Sequence[str], identifier: str) -> str:
    """Whether the kernel has a key, on whichever of the directories' filesystems.

    :raises RefusedError: it does not tell.
    """
    states = []
    for directory in directories:
        fd = open_above(directory)
        try:
            states.append(key_state(fd, identifier))
        finally:
            os.close(fd)
    return next((each for each in (PRESENT, INCOMPLETE) if each in states), ABSENT)


def forget_in(executor: Executor, directory: str, identifier: str) -> bool:
    """Have the kernel forget a key on a directory's filesystem; whether files that are open still hold it.

    :raises OSError: it could not be told.
    """
    fd = open_above(directory)
    try:
        return forget_key(executor, fd, identifier)
    except OSError as error:
        if error.errno != errno.ENOKEY:
            raise
        return False
    finally:
        os.close(fd)
