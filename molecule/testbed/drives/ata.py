# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ATA disk behind a SCSI translation, from the ATA command set and SCSI/ATA translation specifications."""

from __future__ import annotations

import struct
import typing as t

from .scsi import SECTOR, CheckConditionError, ScsiDisk, fixed_sense
from .erase import Run
from .store import Drive

__all__ = ["AtaDisk"]

_ABORTED, _READY, _ERROR = 0x04, 0x50, 0x51
_SANITIZE = {0x11: "crypto", 0x12: "block", 0x14: "overwrite"}
_SURE = {0x11: 0x43727970, 0x12: 0x426B4572, 0x14: 0x4F57}
_ATTEMPTS = 5


class Taskfile(t.NamedTuple):
    """The registers of one command."""

    feature: int
    sectors: int
    address: int
    command: int
    wants_status: bool


def taskfile_of(cdb: bytes) -> Taskfile:
    """What an ATA PASS-THROUGH command, of 12 or 16 bytes, carries."""
    if cdb[0] == 0x85:
        low = cdb[8] | cdb[10] << 8 | cdb[12] << 16
        high = cdb[7] | cdb[9] << 8 | cdb[11] << 16
        extended = cdb[1] & 1
        address = low | high << 24 if extended else low | (cdb[13] & 0xF) << 24
        return Taskfile(cdb[3] << 8 | cdb[4], cdb[5] << 8 | cdb[6], address, cdb[14], bool(cdb[2] & 0x20))
    return Taskfile(cdb[3], cdb[4], cdb[5] | cdb[6] << 8 | cdb[7] << 16 | (cdb[8] & 0xF) << 24, cdb[9], bool(cdb[2] & 0x20))


def status_sense(status: int, error: int, count: int = 0, address: int = 0) -> bytes:
    """The registers after a command, as descriptor sense data."""
    sense = bytearray(22)
    sense[0], sense[1], sense[3], sense[7], sense[8], sense[9] = 0x72, 1, 0x1D, 14, 9, 12
    sense[10], sense[11], sense[12], sense[13] = 1, error, count >> 8 & 0xFF, count & 0xFF
    for place, shift in ((15, 0), (17, 8), (19, 16), (14, 24), (16, 32), (18, 40)):
        sense[place] = address >> shift & 0xFF
    sense[21] = status
    return bytes(sense)


class AtaDisk(ScsiDisk):
    """The disk; its security and its frozen sanitize state begin anew with each power on."""

    vendor = b"ATA     "
    always = (*ScsiDisk.always, 0x85, 0xA1)

    def __init__(self, drive: Drive) -> None:
        super().__init__(drive)
        state = drive.state
        state.setdefault("password", None)
        state.setdefault("visible", drive.size // SECTOR)
        self.locked = state["password"] is not None
        self.frozen = self.sanitize_frozen = self.prepared = False
        self.attempts = _ATTEMPTS
        drive.on_end = self._ended

    @property
    def sectors(self) -> int:
        return int(self.drive.state["visible"])

    def _require_medium(self) -> None:
        super()._require_medium()
        if self.locked:
            raise CheckConditionError(fixed_sense(0x0B, 0x00, 0x00))

    def other(self, cdb: bytes, data: bytes) -> bytes:
        if cdb[0] not in (0x85, 0xA1):
            return super().other(cdb, data)
        registers = taskfile_of(cdb)
        self.drive.note(f"ata {registers.command:#04x} feature {registers.feature:#06x}")
        handlers: dict[int, t.Callable[[Taskfile, bytes], bytes]] = {
            **{0xEC: self._identify, 0xE5: self._powered, 0x27: self._native_max, 0x37: self._set_max, 0xB4: self._sanitize_device},
            **{0xF1: self._set_password, 0xF2: self._unlock, 0xF3: self._prepare, 0xF4: self._erase_unit, 0xF5: self._freeze},
            **{0xF6: self._disable},
        }
        asks = registers.command in (0xEC, 0xE5) or (registers.command == 0xB4 and registers.feature == 0)
        if registers.command not in handlers or (self.drive.running and not asks):
            self._abort()
        return handlers[registers.command](registers, data)

    def _abort(self) -> t.NoReturn:
        raise CheckConditionError(status_sense(_ERROR, _ABORTED))

    def _done(self, registers: Taskfile, count: int = 0, address: int = 0) -> bytes:
        if registers.wants_status:
            raise CheckConditionError(status_sense(_READY, 0, count, address))
        return b""

    def _identify(self, registers: Taskfile, data: bytes) -> bytes:
        words = [0] * 256

        def text(first: int, length: int, value: str) -> None:
            padded = value.ljust(length * 2).encode("ascii")
            for place in range(length):
                words[first + place] = padded[2 * place] << 8 | padded[2 * place + 1]

        about, enabled = self.drive.about, self.drive.state["password"] is not None
        text(10, 10, self.drive.serial)
        text(23, 4, "1.0")
        text(27, 20, "TESTBED ATA")
        low, high = self.sectors & 0xFFFF, self.sectors >> 16
        words[0], words[49], words[53], words[59] = 0x40, 0x300, 7, int(about.get("word59", 0xF400))
        words[60], words[61], words[80], words[217] = low, high, 0x7E0, int(about.get("rotation", 1))
        words[82], words[83], words[84] = 1 << 10 | 1 << 1 | 1, 0x4000 | 1 << 10, 0x4000 | 1 << 8
        words[85], words[86], words[87] = 1 << 10 | enabled << 1 | 1, 1 << 10, 0x4000 | 1 << 8
        words[89], words[90], words[100], words[101] = 1, 1, low, high
        words[108], words[109] = 0x5001, 0x4051
        words[110], words[111] = struct.unpack(">HH", self.drive.name[-4:].rjust(4, b"0"))
        words[128] = 1 | enabled << 1 | self.locked << 2 | self._frozen << 3 | (self.attempts == 0) << 4 | 1 << 5
        words[255] = 0xA5
        total = sum(word & 0xFF for word in words) + sum(word >> 8 for word in words)
        words[255] |= (-total & 0xFF) << 8
        return struct.pack("<256H", *words)

    @property
    def _frozen(self) -> bool:
        return self.frozen or bool(self.drive.behaviour.get("frozen"))

    def _powered(self, registers: Taskfile, data: bytes) -> bytes:
        return self._done(registers, 0xFF)

    def _native_max(self, registers: Taskfile, data: bytes) -> bytes:
        return self._done(registers, 0, self.drive.size // SECTOR - 1)

    def _set_max(self, registers: Taskfile, data: bytes) -> bytes:
        if registers.address >= self.drive.size // SECTOR:
            self._abort()
        self.drive.state["visible"] = registers.address + 1
        self.drive.save()
        return self._done(registers)

    def _require_security(self) -> None:
        if self._frozen or "security" in self.drive.behaviour.get("refuse", []):
            self._abort()

    def _set_password(self, registers: Taskfile, data: bytes) -> bytes:
        self._require_security()
        if self.locked:
            self._abort()
        # The first word tells whether it is the user's password, or the master's, which sets no lock.
        if not data[0] & 1:
            self.drive.state["password"] = data[2:34].hex()
            self.drive.save()
        return self._done(registers)

    def _right(self, data: bytes) -> bool:
        if self.attempts and self.drive.state["password"] == data[2:34].hex():
            return True
        self.attempts = max(self.attempts - 1, 0)
        return False

    def _unlock(self, registers: Taskfile, data: bytes) -> bytes:
        self._require_security()
        if not self._right(data):
            self._abort()
        self.locked = False
        return self._done(registers)

    def _disable(self, registers: Taskfile, data: bytes) -> bytes:
        self._require_security()
        if self.locked or not self._right(data):
            self._abort()
        self.drive.state["password"] = None
        self.drive.save()
        return self._done(registers)

    def _prepare(self, registers: Taskfile, data: bytes) -> bytes:
        self._require_security()
        self.prepared = True
        return self._done(registers)

    def _freeze(self, registers: Taskfile, data: bytes) -> bytes:
        self.frozen = True
        return self._done(registers)

    def _erase_unit(self, registers: Taskfile, data: bytes) -> bytes:
        """Answers nothing until it is over; a power loss leaves the disk locked with the password."""
        self._require_security()
        prepared, self.prepared = self.prepared, False
        if (
            not prepared
            or self.drive.state["password"] is None
            or not self._right(data)
            or "erase" in self.drive.behaviour.get("refuse", [])
        ):
            self._abort()
        self.drive.begin(Run("security", "block", 0, [[0, self.drive.size]])).join()
        if self.drive.state.pop("format_failed", False):
            self._abort()
        return self._done(registers)

    def _ended(self, run: Run, state: str) -> None:
        if run.kind == "security" and state == "done":
            self.drive.state["password"] = None
            self.locked = False

    def _sanitize_device(self, registers: Taskfile, data: bytes) -> bytes:
        feature, drive = registers.feature, self.drive
        if feature == 0:
            return self._sanitize_status(registers)
        if self.sanitize_frozen or drive.behaviour.get("frozen") or drive.running or "sanitize" in drive.behaviour.get("refuse", []):
            self._abort()
        if feature == 0x20:
            self.sanitize_frozen = True
            return self._done(registers, 0x2000)
        if feature == 0x40:
            return self._done(registers)
        key = registers.address >> 32 if feature == 0x14 else registers.address & 0xFFFFFFFF
        if feature not in _SANITIZE or key != _SURE[feature]:
            self._abort()
        pattern = struct.pack("<I", registers.address & 0xFFFFFFFF).hex()
        drive.begin(Run("sanitize", _SANITIZE[feature], feature, [[0, drive.size]], pattern))
        return self._done(registers, 0x4000, 0)

    def _sanitize_status(self, registers: Taskfile) -> bytes:
        log, behaviour = self.drive.state["sanitize"], self.drive.behaviour
        if behaviour.get("log") == "unreadable":
            self._abort()
        if behaviour.get("log") == "garbage":
            raise CheckConditionError(fixed_sense(0, 0, 0))
        if log["state"] == "failed":
            # Reason 1: the sanitize ended without success.
            raise CheckConditionError(status_sense(_ERROR, _ABORTED, 0, 1))
        frozen = 0x2000 if self.sanitize_frozen or behaviour.get("frozen") else 0
        count = {"in_progress": 0x4000, "done": 0x8000}.get(log["state"], 0)
        return self._done(registers, count | frozen, log["progress"] if log["state"] == "in_progress" else 0xFFFF)
