# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else is attached to a file than its bytes: flags that forbid writing, and extended attributes."""

from __future__ import annotations

import errno
import os

from .._errors import DisposalError
from .._executor import Executor
from .filesystem import file_flags

__all__ = ["LIMIT_ATTRIBUTES", "attribute_names", "carry_over", "forbidding_flags", "lift_flags", "wipe_attributes"]

LIMIT_ATTRIBUTES = "extended attributes were removed; the blocks and the journal of the filesystem may still hold what they were"

_ACCESS_LIST = "system.posix_acl_access"
_FLAGS = {0x10: "immutable", 0x20: "append-only"}


def forbidding_flags(fd: int) -> int:
    """Those of a file's flags that forbid writing; 0 where it has none, or the filesystem knows none."""
    return file_flags(fd) & sum(_FLAGS)


def lift_flags(executor: Executor, fd: int) -> int:
    """Take the flags that forbid writing off a file; returns them, so that C(executor.change_flags) can put them back.

    :raises OSError: they cannot be changed.
    """
    flags = forbidding_flags(fd)
    if flags:
        executor.change_flags(fd, off=flags)
    return flags


def attribute_names(fd: int) -> list[str]:
    """The extended attributes that may hold content; labels and access lists of the system are none."""
    try:
        return [name for name in os.listxattr(fd) if name.startswith(("user.", "trusted."))]
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENODATA):
            return []
        raise


def _carried(fd: int) -> dict[str, bytes]:
    """The attributes that go with a file's content, and its access list."""
    try:
        lists = [name for name in os.listxattr(fd) if name == _ACCESS_LIST]
        return {name: os.getxattr(fd, name) for name in [*attribute_names(fd), *lists]}
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise


def carry_over(executor: Executor, fd: int, fresh: int, facts: os.stat_result) -> None:
    """Give a new file what another one in its directory has beside its bytes: owner, mode, times, attributes and access list.

    :arg facts: of the other one.
    :raises OSError: it cannot be given one of them.
    :raises DisposalError: it has others in the end.
    """
    wanted = _carried(fd)
    # A new file has an access list from its directory, whatever the other one has.
    for name in _carried(fresh):
        if name not in wanted:
            executor.remove_attribute(fresh, name)
    for name, value in wanted.items():
        executor.add_attribute(fresh, name, value)
    executor.set_facts(fresh, facts)
    if _carried(fresh) != wanted:
        raise DisposalError(
            "its attributes or its access list are not what they were set to, so it stays as it was; look at its filesystem"
        )


def wipe_attributes(executor: Executor, fd: int) -> None:
    """Overwrite each attribute's value with as many zeros, then remove it; whether the zeros reach its place is the filesystem's affair.

    :raises DisposalError: one is still there.
    """
    try:
        for name in attribute_names(fd):
            executor.set_attribute(fd, name, bytes(len(os.getxattr(fd, name))))
            executor.remove_attribute(fd, name)
    except OSError as error:
        raise DisposalError(f"an extended attribute could not be removed ({error.strerror})") from error
