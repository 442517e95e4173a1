# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quarantine: sets moved aside on the same filesystem, and moved back."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from .._executor import Executor
from .._recordings.walk import ASIDE, open_below, opened_below

__all__ = ["any_in", "move_aside", "move_back", "remove_empty"]


def _made_below(executor: Executor, root_fd: int, directory: str) -> int:
    """Open a directory below a root, making what is missing, following no link."""
    fd = os.dup(root_fd)
    for name in directory.split("/") if directory else ():
        try:
            with contextlib.suppress(FileExistsError):
                executor.mkdir(name, dir_fd=fd)
                executor.sync_directory(fd)
            deeper = open_below(fd, name)
        finally:
            os.close(fd)
        fd = deeper
    return fd


def _moved(executor: Executor, from_fd: int, to_fd: int, path: str, identity: tuple[int, int] | None) -> None:
    """Move one file between two trees, never over another one.

    :raises OSError: C(EEXIST) where the place is taken; C(ESTALE) where the file is not the one that was meant.
    """
    directory, _slash, name = path.rpartition("/")
    with opened_below(from_fd, directory) as source:
        facts = os.stat(name, dir_fd=source, follow_symlinks=False)
        if identity is not None and (facts.st_dev, facts.st_ino) != identity:
            raise OSError(errno.ESTALE, "the file was replaced")
        target = _made_below(executor, to_fd, directory)
        try:
            executor.link(name, name, src_dir_fd=source, dst_dir_fd=target)
            executor.sync_directory(target)
            executor.unlink(name, dir_fd=source)
            executor.sync_directory(source)
        finally:
            os.close(target)


def any_in(root_fd: int, names: t.Iterable[str], paths: t.Sequence[str]) -> bool:
    """Whether any of the paths lies in one of the quarantine directories C(names) of a root."""
    for name in names:
        for path in paths:
            directory, _slash, last = f"{ASIDE}/{name}/{path}".rpartition("/")
            with contextlib.suppress(FileNotFoundError), opened_below(root_fd, directory) as fd:
                os.stat(last, dir_fd=fd, follow_symlinks=False)
                return True
    return False


def move_aside(
    executor: Executor, root_fd: int, name: str, members: t.Sequence[tuple[str, int, int]], *, earlier: t.Sequence[str] = ()
) -> None:
    """Move members (path, device, inode) into the quarantine directory C(name) of their root.

    :arg earlier: quarantine directories where an attempt that was cut off may have left some of them.
    :raises OSError: one could not be moved; those before it are aside.
    """
    with contextlib.ExitStack() as stack:
        target = _made_below(executor, root_fd, f"{ASIDE}/{name}")
        stack.callback(os.close, target)
        sources = [root_fd]
        for other in earlier:
            with contextlib.suppress(FileNotFoundError):
                sources.append(stack.enter_context(opened_below(root_fd, f"{ASIDE}/{other}")))
        for path, dev, ino in members:
            # A move that was cut off may have left both names, or have been complete already.
            moved = [_moved_or_gone(executor, source, target, path, (dev, ino)) for source in sources]
            if not any(moved):
                with opened_below(target, path.rpartition("/")[0]) as directory:
                    os.stat(path.rpartition("/")[2], dir_fd=directory, follow_symlinks=False)
    for other in earlier:
        for path, _dev, _ino in members:
            remove_empty(executor, root_fd, f"{ASIDE}/{other}/{path}".rpartition("/")[0])


def _moved_or_gone(executor: Executor, from_fd: int, to_fd: int, path: str, identity: tuple[int, int]) -> bool:
    try:
        _moved(executor, from_fd, to_fd, path, identity)
    except FileExistsError:
        _finish(executor, from_fd, to_fd, path)
    except FileNotFoundError:
        return False
    return True


def _finish(executor: Executor, from_fd: int, to_fd: int, path: str) -> None:
    """Both names are there after a move that was cut off: take the old one away if they are one file."""
    directory, _slash, name = path.rpartition("/")
    with opened_below(from_fd, directory) as source, opened_below(to_fd, directory) as target:
        old, new = (os.stat(name, dir_fd=fd, follow_symlinks=False) for fd in (source, target))
        if (old.st_dev, old.st_ino) != (new.st_dev, new.st_ino):
            raise FileExistsError(errno.EEXIST, "another file stands there")
        executor.unlink(name, dir_fd=source)
        executor.sync_directory(source)


def move_back(executor: Executor, aside_fd: int, root_fd: int, paths: t.Iterable[str]) -> None:
    """Move members back to where they were.

    :raises OSError: C(EEXIST) where something stands there now.
    """
    for path in paths:
        try:
            _moved(executor, aside_fd, root_fd, path, None)
        except FileExistsError:
            _finish(executor, aside_fd, root_fd, path)


def remove_empty(executor: Executor, fd: int, directory: str, *, levels: int = 100) -> None:
    """Remove a directory below C(fd) and its parents below it, as far as they are empty and C(levels) of them at most."""
    while directory and levels:
        levels -= 1
        parent, _slash, name = directory.rpartition("/")
        try:
            with opened_below(fd, parent) as parent_fd:
                executor.rmdir(name, dir_fd=parent_fd)
                executor.sync_directory(parent_fd)
        except OSError:
            return
        directory = parent
