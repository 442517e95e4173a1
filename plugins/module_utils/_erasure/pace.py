# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hard an overwrite may press on a server that is at work: a rate, and a priority."""

from __future__ import annotations

import os
import subprocess
import threading
import time

from .._errors import RefusedError

__all__ = ["IO_PRIORITIES", "Pace", "set_io_priority"]

IO_PRIORITIES = {"normal": "", "low": "-c2 -n7", "idle": "-c3"}


class Pace:
    """Keeps all threads together below a rate; without bursts, so that it holds over any second.

    :arg rate: bytes a second, written and read ones alike.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, length: int) -> None:
        with self._lock:
            now = time.monotonic()
            # Until the end of what it is about to move, not its beginning: so the rate is never exceeded, at no point of a run.
            self._free = end = max(now, self._free) + length / self._rate
        time.sleep(end - now)


def set_io_priority(kind: str) -> None:
    """Give this process's reads and writes C(normal), C(low) or C(idle) priority; threads started afterwards take it over.

    The kernel honours it where the device's scheduler does (bfq, mq-deadline).

    :raises RefusedError: it could not be set.
    """
    options = IO_PRIORITIES[kind].split()
    if not options:
        return
    command = ["ionice", *options, "-p", str(os.getpid())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        problem = done.stderr.strip() if done.returncode else ""
    except OSError as error:
        problem = f"ionice: {error.strerror}"
    if problem:
        raise RefusedError(f"the I/O priority {kind} cannot be set ({problem}), so nothing was done; install util-linux, or ask for normal")
