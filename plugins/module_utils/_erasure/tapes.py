# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries on a tape: records at its very beginning. Nothing of a tape can be read behind the end of its data."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .._media.cartridge import Cartridge, find_cartridge, require_erasable
from .._media.tape import TapeDrive, rewind
from .._media.tools import ask, failure
from .bearing import Bearer, Remains
from .canary import BLOCK, Canaries
from .looking import Look

__all__ = ["TapeBearer", "blank_problem"]

# READ of one record of BLOCK bytes, and for how long a drive may look for it, in seconds.
_READ = ("08", "00", *(f"{byte:02x}" for byte in BLOCK.to_bytes(3, "big")), "00")
_READ_SECONDS = 900.0
# As sg_raw words sense data 8h/00h/05h that is about this very command.
_BLANK = "format, current; Sense key: Blank Check Additional sense: End-of-data detected"


class TapeBearer(Bearer):
    """A cartridge. It is not held while the erase runs, since C(mt) opens the drive by itself; which one is in it is asked before each command."""

    limit = "what lies behind the end of the tape's data is the drive's own word: it cannot be read from outside"

    def __init__(self, cartridge: Cartridge, canaries: Canaries) -> None:
        self.cartridge, self.canaries, self.name = cartridge, canaries, cartridge.name
        self.count = len(canaries.places())

    def require_free(self, on_unseen: str, *, failed: bool = False) -> list[str]:
        require_erasable(self.cartridge, on_unseen=on_unseen)
        return []

    def held(self, executor: Executor, *, failed: bool = False) -> t.ContextManager[None]:
        return contextlib.nullcontext()

    def lay(self, executor: Executor) -> int:
        try:
            _wind_back(self.cartridge.drive)
            fd = executor.open(self.cartridge.path, os.O_RDWR)
            try:
                for place in self.canaries.places():
                    executor.write(fd, self.canaries.content(place))
            finally:
                # The kernel writes what it still has, and a filemark, for which the drive writes what it has.
                os.close(fd)
            left, _read, problem = self._left(self.cartridge.drive)
        except OSError as error:
            raise RefusedError(
                f"canaries cannot be written to the tape in {self.name} ({error.strerror}), so nothing could be proven and it was not erased; "
                "destroy the cartridge physically, or look at the drive"
            ) from error
        if left != self.count:
            raise RefusedError(
                f"{self.count - left} of {self.count} canaries did not stay on the tape in {self.name}{f' ({problem})' if problem else ''}, so "
                "nothing could be proven and it was not erased; destroy the cartridge physically"
            )
        return self.count

    def count_left(self) -> tuple[int, int]:
        remains = self._remains(self.cartridge.drive)
        return remains.left, remains.unread

    def look_back(self, look: Look) -> Remains:
        return self._remains(find_cartridge(self.cartridge.asked).drive)

    def _remains(self, drive: TapeDrive) -> Remains:
        try:
            left, read, problem = self._left(drive)
        except OSError as error:
            left, read, problem = 0, 0, str(error.strerror)
        if left:
            return Remains(left, 0, read_bytes=read * BLOCK)
        if read:
            return Remains(0, 0, unlooked=f"the tape in {drive.name} is not blank: it begins with a record that is no canary")
        problem = blank_problem(drive)
        return Remains(0, self.count if problem else 0, unlooked=problem)

    def _left(self, drive: TapeDrive) -> tuple[int, int, str]:
        """How many records at the beginning are still canaries, how many records were read, and why not more."""
        _wind_back(drive)
        left = read = 0
        fd = os.open(drive.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            for place in self.canaries.places():
                record = os.read(fd, BLOCK)
                if not record:
                    return left, read, "the tape ends before"
                read += 1
                left += bool(self.canaries.remains(place, record))
        except OSError as error:
            return left, read, str(error.strerror)
        finally:
            os.close(fd)
        return left, read, ""


def _wind_back(drive: TapeDrive) -> None:
    answer = rewind(drive.path)
    if answer.code != 0:
        raise OSError(5, f"the tape cannot be rewound: {failure(answer)}")


def blank_problem(drive: TapeDrive) -> str:
    """Why a tape is not known to hold no data: empty where the drive itself says that they end at the very beginning.

    The kernel tells of that as of any failure, so the drive is asked directly.
    """
    answer = rewind(drive.path)
    if answer.code != 0:
        return f"the tape in {drive.name} cannot be rewound: {failure(answer)}"
    answer = ask(["sg_raw", "--readonly", f"--request={BLOCK}", drive.commands, *_READ], seconds=_READ_SECONDS)
    words = " ".join(answer.errors.split())
    if _BLANK in words:
        return ""
    if answer.code == 0:
        return f"the tape in {drive.name} is not blank: it begins with a record"
    told = answer.problem or words[:300] or f"sg_raw ended with {answer.code}"
    return f"the drive {drive.name} does not say that the data end at the beginning of the tape: {told}"
