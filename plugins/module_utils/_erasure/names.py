# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of an overwritten file: scrubbed, removed, and the directories flushed; each only while it is the open file's own."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import DisposalError
from .._executor import Executor
from .targets import OpenTarget, TargetRefusedError, open_directory, plain_parts, refusal, refusal_of

__all__ = ["LIMIT_NAMES", "remove", "scrub_names", "stands", "sync_directories", "unscrub"]

LIMIT_NAMES = "names of files may remain in the journal and in directories of the filesystem"


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
            raise refusal_of(error) from None
        target.names[index] = (dir_fd, blank)


def stands(root_fd: int, path: str) -> bool:
    """Whether anything stands at a path below a root; what cannot be looked at does."""
    *parents, name = plain_parts(path)
    try:
        dir_fd = open_directory(root_fd, parents)
    except TargetRefusedError as error:
        return error.kind != "vanished"
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    finally:
        os.close(dir_fd)
    return True


def unscrub(executor: Executor, root_fd: int, path: str, blank: str, identity: tuple[int, int]) -> None:
    """Undo what an interrupted C(scrub_names) did to a name; nothing where it had done nothing.

    :raises OSError: another file stands at the name.
    """
    *parents, name = plain_parts(path)
    try:
        dir_fd = open_directory(root_fd, parents)
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
        raise refusal_of(error) from None
    if stat.S_ISLNK(named.st_mode):
        raise refusal("symlink")
    if (named.st_dev, named.st_ino) != target.identity:
        raise refusal("replaced")
    if named.st_nlink != len(target.names):
        raise refusal("hard_linked")


def remove(executor: Executor, target: OpenTarget) -> None:
    """Unlink the file's names, if they are still all that it has; the caller flushes the directories with C(sync_directories).

    :raises TargetRefusedError: another file is at a name, the file has got another name, or somebody uses it.
    :raises DisposalError: a name was swapped, or the file written to, in the instant of the unlink.
    """
    target.require_as_left()
    try:
        _remove(executor, target)
    except BaseException:
        target.release()
        raise


def _remove(executor: Executor, target: OpenTarget) -> None:
    for dir_fd, name in target.names:
        _require_own(target, dir_fd, name)
    left = len(target.names)
    for dir_fd, name in target.names:
        try:
            executor.unlink(name, dir_fd=dir_fd)
        except OSError as error:
            raise refusal_of(error) from None
        left -= 1
        facts = os.fstat(target.fd)
        if facts.st_nlink != left:
            raise DisposalError(
                "a name was swapped in the instant in which it was removed, so another file lost it while the overwritten file stays; "
                "look at the directory"
            )
        if not target.is_as_left(facts):
            raise DisposalError(
                "it was written to in the instant in which its name was removed, so what was written went with it; see which process does that"
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
