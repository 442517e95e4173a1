# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool that waits until its drive is done, and that goes on when the process that began it ends: begun, found again, and its answer."""

from __future__ import annotations

import fcntl
import os
import typing as t

from .._executor import Executor
from .tools import Answer, environment

__all__ = ["Detached"]

# What a shell ends with where the tool cannot be found or run.
_NOT_RUN = (126, 127)


class Detached:
    """The one such tool of a run.

    The tool itself holds a lock for as long as it lives, which no other process with its number can pretend to, nor a restart keep.

    :arg directory: of the run, that only its owner can enter.
    """

    def __init__(self, directory: str) -> None:
        self._lock = os.path.join(directory, "tool")

    def start(self, executor: Executor, command: t.Sequence[str], what: str) -> str:
        """Begin it; why that failed, empty where it did not."""
        try:
            executor.start(command, what, environment=environment(), lock=self._lock)
        except OSError as error:
            return f"{command[0]} cannot be run ({error.strerror})"
        return ""

    @property
    def running(self) -> bool:
        """It has not ended, whoever began it."""
        try:
            fd = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False

    def answer(self) -> Answer | None:
        """What it said, once it has ended; C(None) where none was begun, or it was ended from outside, so that nobody knows."""
        code = self._read("code").strip()
        if not code.isdigit():
            return None
        if int(code) in _NOT_RUN:
            return Answer(None, b"", "", f"the tool cannot be run ({self._read('errors').decode('utf-8', 'replace').strip()})")
        return Answer(int(code), self._read("output"), self._read("errors").decode("utf-8", "replace"))

    def _read(self, kind: str) -> bytes:
        try:
            with open(f"{self._lock}.{kind}", "rb") as handle:
                return handle.read(1 << 16)
        except OSError:
            return b""
