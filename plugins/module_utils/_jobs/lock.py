# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One destructive run per host: a lock that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from .._errors import RefusedError
from .._executor import Executor

__all__ = ["host_lock"]


@contextlib.contextmanager
def host_lock(state_dir: str, executor: Executor, *, purpose: str, name: str = "lock") -> t.Iterator[None]:
    """Hold the host's lock, or one of a single medium.

    :arg name: of the lock's file.

    :raises RefusedError: somebody else holds it; the sentence names who.
    """
    path = os.path.join(state_dir, name)
    try:
        executor.makedirs(state_dir)
        fd = executor.open(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise RefusedError(f"the lock {path} cannot be opened ({error.strerror}), so nothing was done; repair it and run again") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 200, 0).decode("utf-8", "replace").strip() or "another process"
            raise RefusedError(f"this host is locked by {holder}, so nothing was done; wait until it has ended, then run again") from None
        # Who holds the lock is a courtesy; on a full disk the lock itself still counts.
        with contextlib.suppress(OSError):
            executor.ftruncate(fd, 0)
            executor.pwrite(fd, f"process {os.getpid()} ({purpose})\n".encode(), 0)
        yield
    finally:
        os.close(fd)
