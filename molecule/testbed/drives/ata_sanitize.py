# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sanitize feature set of an ATA disk (ACS-4), with its states SD0 to SD4."""

from __future__ import annotations

import struct

from .ata_pages import Taskfile
from .ata_security import RefusedError
from .erase import Run
from .store import Drive

__all__ = ["SanitizeDevice"]

_STATUS, _FREEZE, _ANTIFREEZE = 0x00, 0x20, 0x40
# Each with its bit in word 59 of the disk's identity.
_ACTIONS = {0x11: ("crypto", 13), 0x12: ("block", 15), 0x14: ("overwrite", 14)}
_SURE = {0x11: 0x43727970, 0x12: 0x426B4572, 0x14: 0x4F57, _FREEZE: 0x46724C6B, _ANTIFREEZE: 0x416E7469}
_COMPLETED, _IN_PROGRESS, _FROZEN, _ANTIFROZEN = 1 << 15, 1 << 14, 1 << 13, 1 << 12
_CLEAR_FAILURE, _FAILURE_MODE, _INVERT = 1 << 0, 1 << 4, 1 << 7
# Why a command was aborted, as the registers tell it.
NO_REASON, UNSUCCESSFUL, UNSUPPORTED, IS_FROZEN, IS_ANTIFROZEN = range(5)
NOTHING = 0xFFFF


class SanitizeDevice:
    """SANITIZE DEVICE. What is frozen begins anew with each power on."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self._frozen = self._antifrozen = False

    @property
    def frozen(self) -> bool:
        return self._frozen or bool(self.drive.behaviour.get("frozen"))

    def _offered(self, feature: int) -> bool:
        word = int(self.drive.about.get("word59", 0xF400))
        return bool(word & 1 << 12 and (feature not in _ACTIONS or word >> _ACTIONS[feature][1] & 1))

    def carry_out(self, registers: Taskfile) -> tuple[int, int]:
        """The count and the address of what the registers hold after it.

        :raises RefusedError: aborted.
        """
        feature = registers.feature
        if not self._offered(feature) or feature not in (_STATUS, *_SURE):
            raise RefusedError(UNSUPPORTED)
        if feature == _STATUS:
            return self._status(registers)
        address = registers.address >> 32 if feature == 0x14 else registers.address & 0xFFFFFFFF
        if address != _SURE[feature] or self.drive.refuses("sanitize"):
            raise RefusedError
        if feature == _ANTIFREEZE:
            if self.frozen:
                raise RefusedError(IS_FROZEN)
            self._antifrozen = True
        elif feature == _FREEZE:
            if self._antifrozen:
                raise RefusedError(IS_ANTIFROZEN)
            self._frozen = True
        else:
            self._begin(registers)
        return self._told()

    def _told(self) -> tuple[int, int]:
        log = self.drive.state["sanitize"]
        count = {"in_progress": _IN_PROGRESS, "done": _COMPLETED}.get(log["state"], 0)
        count |= (_FROZEN if self.frozen else 0) | (_ANTIFROZEN if self._antifrozen else 0)
        return count, log["progress"] if log["state"] == "in_progress" else NOTHING

    def _status(self, registers: Taskfile) -> tuple[int, int]:
        if self.drive.behaviour.get("log") == "unreadable":
            raise RefusedError
        if self.drive.failed:
            if not (registers.number & _CLEAR_FAILURE and self.drive.unrestricted):
                raise RefusedError(UNSUCCESSFUL)
            self.drive.leave_failure()
        return self._told()

    def _begin(self, registers: Taskfile) -> None:
        feature, drive = registers.feature, self.drive
        if self.frozen:
            raise RefusedError(IS_FROZEN)
        if drive.running:
            raise RefusedError
        run = Run("sanitize", _ACTIONS[feature][0], feature, [[0, drive.size]], unrestricted=bool(registers.number & _FAILURE_MODE))
        if feature == 0x14:
            pattern = struct.pack("<I", registers.address & 0xFFFFFFFF).hex()
            run = run._replace(pattern=pattern, passes=registers.number & 0xF or 16, invert=bool(registers.number & _INVERT))
        drive.begin(run)
