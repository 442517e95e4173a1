# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The security feature set of an ATA disk (ACS-4): passwords, locks, and the erase that needs one."""

from __future__ import annotations

import typing as t

from .ata_pages import Taskfile
from .erase import Run
from .scsi import SECTOR
from .store import Drive

__all__ = ["RefusedError", "Security"]

_ATTEMPTS = 5
_FACTORY = bytes(32).hex()
_MASTER, _ENHANCED, _MAXIMUM = 1 << 0, 1 << 1, 1 << 8


class RefusedError(Exception):
    """The disk aborts the command. C(reason) of a sanitize device command is told in its registers."""

    def __init__(self, reason: int = 0, count: int = 0) -> None:
        super().__init__(f"reason {reason}")
        self.reason, self.count = reason, count


class Security:
    """What is frozen or unlocked, and how many attempts are left, begins anew with each power on; passwords stay.

    The states SEC0 to SEC6 of the standard are those of the power, of C(enabled), C(locked) and C(frozen).
    """

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        state = drive.state
        state.setdefault("password", None)
        state.setdefault("master", _FACTORY)
        state.setdefault("master_identifier", 0xFFFE)
        state.setdefault("maximum", False)
        self._locked = state["password"] is not None
        self._frozen = self._prepared = False
        self.attempts = _ATTEMPTS

    @property
    def enabled(self) -> bool:
        return self.drive.state["password"] is not None or self.locked

    @property
    def locked(self) -> bool:
        return self._locked or bool(self.drive.behaviour.get("locked"))

    @property
    def frozen(self) -> bool:
        return self._frozen or bool(self.drive.behaviour.get("frozen"))

    @property
    def word(self) -> int:
        """Word 128 of the disk's identity."""
        flags = (True, self.enabled, self.locked, self.frozen, not self.attempts, True, False, False, self.drive.state["maximum"])
        return sum(1 << place for place, flag in enumerate(flags) if flag)

    def handlers(self) -> dict[int, t.Callable[[Taskfile, bytes], None]]:
        return {
            **{0xF1: self._set_password, 0xF2: self._unlock, 0xF3: self._prepare, 0xF4: self._erase_unit},
            **{0xF5: self._freeze, 0xF6: self._disable},
        }

    def carry_out(self, registers: Taskfile, data: bytes) -> None:
        """:raises RefusedError: aborted."""
        prepared, self._prepared = self._prepared, False
        if self.drive.about.get("no_security") or self.drive.refuses("security"):
            raise RefusedError
        if self.frozen and registers.command != 0xF5:
            raise RefusedError
        if registers.command == 0xF4 and not prepared:
            raise RefusedError
        self.handlers()[registers.command](registers, data)

    def _right(self, data: bytes) -> bool:
        """Whether a password is the one that its first word says it is."""
        master = data[0] & _MASTER
        wanted = self.drive.state["master" if master else "password"]
        return bool(not self.drive.behaviour.get("locked") and wanted is not None and data[2:34].hex() == wanted)

    def _set_password(self, registers: Taskfile, data: bytes) -> None:
        if self.locked or self.drive.refuses("set_password"):
            raise RefusedError
        state = self.drive.state
        if data[0] & _MASTER:
            state.update(master=data[2:34].hex(), master_identifier=int.from_bytes(data[34:36], "little"))
        else:
            state.update(password=data[2:34].hex(), maximum=bool(int.from_bytes(data[:2], "little") & _MAXIMUM))
        self.drive.save()

    def _unlock(self, registers: Taskfile, data: bytes) -> None:
        if self.drive.refuses("unlock") or not self.attempts:
            raise RefusedError
        by_master = data[0] & _MASTER and self.drive.state["maximum"]
        if by_master or not self._right(data):
            self.attempts -= self.locked
            raise RefusedError
        self._locked = False

    def _prepare(self, registers: Taskfile, data: bytes) -> None:
        self._prepared = True

    def _erase_unit(self, registers: Taskfile, data: bytes) -> None:
        """Answers nothing until it is over; a power loss leaves the disk locked with its password."""
        if not self.attempts or self.drive.refuses("erase") or not self._right(data):
            raise RefusedError
        enhanced = bool(data[0] & _ENHANCED)
        reached = self.drive.size if enhanced else int(self.drive.state["native"]) * SECTOR
        run = Run("security", "crypto" if enhanced else "block", int(enhanced), [[0, reached]])
        self.drive.begin(run).join()
        if self.drive.state["format_failed"]:
            self.drive.state["format_failed"] = ""
            raise RefusedError

    def ended(self, run: Run, state: str) -> None:
        if run.kind == "security" and state == "done":
            self.drive.state.update(password=None, maximum=False)
            self._locked = False

    def _freeze(self, registers: Taskfile, data: bytes) -> None:
        if self.locked:
            raise RefusedError
        self._frozen = True

    def _disable(self, registers: Taskfile, data: bytes) -> None:
        by_master = data[0] & _MASTER and self.drive.state["maximum"]
        if self.locked or self.drive.refuses("disable") or by_master or not self._right(data):
            raise RefusedError
        self.drive.state.update(password=None, maximum=False)
        self.drive.save()
