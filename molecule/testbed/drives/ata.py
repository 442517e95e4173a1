# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ATA disk behind a SCSI translation, by the ATA command set and SCSI/ATA translation specifications (ACS-4, SAT-4)."""

from __future__ import annotations

import struct
import typing as t

from . import ata_pages as pages
from .ata_pages import Taskfile, status_sense, taskfile_of
from .ata_sanitize import SanitizeDevice
from .ata_security import RefusedError, Security
from .erase import Run
from .scsi import SECTOR, Answer, ScsiDisk
from .sense import CheckConditionError, Sense
from .store import Drive

__all__ = ["AtaDisk"]

_PASS_THROUGH = (0x85, 0xA1)
_READS, _WRITES = (0x20, 0x24, 0x25, 0xC8), (0x30, 0x34, 0x35, 0xCA)
_WIDE = (0x24, 0x25, 0x34, 0x35)
_IDENTIFY, _POWER_MODE, _SANITIZE, _SMART, _CONFIGURATION = 0xEC, 0xE5, 0xB4, 0xB0, 0xB1
_ACTIVE = 0xFF


class AtaDisk(ScsiDisk):
    """The disk. The end of its medium can be out of reach: C(native) sectors by its configuration, C(visible) by the host's wish."""

    vendor = b"ATA     "
    # The translation knows the size from IDENTIFY DEVICE, which a disk answers always.
    always = (*ScsiDisk.always, 0x25, 0x9E, *_PASS_THROUGH)

    def __init__(self, drive: Drive) -> None:
        drive.state.setdefault("native", int(drive.about.get("dco", drive.size // SECTOR)))
        drive.state.setdefault("visible", int(drive.about.get("hpa", drive.state["native"])))
        self.security, self.sanitize = Security(drive), SanitizeDevice(drive)
        super().__init__(drive)
        # The translation does not tell of a power loss, and has no erase commands of its own.
        self.attention = False
        for code in (0x04, 0x48, 0xA3):
            del self.handlers[code]
        self.volatile: int | None = None
        self.configuration_frozen = False
        self.registers: dict[int, t.Callable[[Taskfile, bytes], Answer]] = {
            **dict.fromkeys((*_READS, *_WRITES), self._sectors),
            **dict.fromkeys(self.security.handlers(), self._security),
            **{0x06: self._trim, 0x27: self._native_max, 0xF8: self._native_max, 0x37: self._set_max, 0xF9: self._set_max},
            **{0x2F: self._read_log, _SMART: self._smart, _CONFIGURATION: self._configuration, _SANITIZE: self._sanitize_device},
            **dict.fromkeys((0xE0, 0xE1, 0xE7, 0xEA), self._flush_cache),
            **{_POWER_MODE: self._power_mode, _IDENTIFY: self._identify, 0xEF: self._set_features},
        }

    @property
    def sectors(self) -> int:
        return int(self.drive.state["visible"]) if self.volatile is None else self.volatile

    def noted(self, cdb: bytes) -> str:
        if cdb[0] not in _PASS_THROUGH:
            return super().noted(cdb)
        return str(taskfile_of(cdb))

    def changes(self, cdb: bytes) -> bool:
        if cdb[0] not in _PASS_THROUGH:
            return super().changes(cdb)
        registers = taskfile_of(cdb)
        return registers.command in self.security.handlers() or (registers.command == _SANITIZE and registers.feature != 0)

    def vital(self, number: int) -> bytes | None:
        page = super().vital(number)
        if number == 0:
            return bytes([*(page or b""), 0x89])
        if number == 0x80:
            return self.drive.serial.encode().rjust(20)
        if number == 0x89:
            head = bytes(4) + b"TESTBED SATL            0001" + bytes(20) + b"\xec\0\0\0"
            return head + pages.identify(self.drive, self._facts())
        return page

    def _ended(self, run: Run, state: str) -> None:
        self.security.ended(run, state)
        super()._ended(run, state)

    def _require_unlocked(self) -> None:
        if self.security.locked:
            raise CheckConditionError(Sense(0x0B, 0, 0))

    def _transfer(self, cdb: bytes, data: bytes) -> bytes:
        self._require_unlocked()
        return super()._transfer(cdb, data)

    def _unmap(self, cdb: bytes, data: bytes) -> bytes:
        self._require_unlocked()
        return super()._unmap(cdb, data)

    def _write_same(self, cdb: bytes, data: bytes) -> bytes:
        self._require_unlocked()
        return super()._write_same(cdb, data)

    def other(self, cdb: bytes, data: bytes) -> Answer:
        if cdb[0] not in _PASS_THROUGH:
            return super().other(cdb, data)
        registers = taskfile_of(cdb)
        try:
            return self._register_command(registers, data)
        except RefusedError as error:
            raise CheckConditionError(status_sense(good=False, count=error.count, address=error.reason)) from None

    def _register_command(self, registers: Taskfile, data: bytes) -> Answer:
        """:raises RefusedError: aborted."""
        command, drive = registers.command, self.drive
        asks = command in (_IDENTIFY, _POWER_MODE, 0xE0) or (command == _SANITIZE and registers.feature == 0)
        if command not in self.registers or (drive.running and not asks):
            raise RefusedError
        reaches_medium = command in (*_READS, *_WRITES, 0x06)
        if reaches_medium and (drive.failed or self.security.locked):
            raise RefusedError
        if command in (*_WRITES, 0x06) and drive.behaviour.get("read_only"):
            raise RefusedError
        return self.registers[command](registers, data)

    def _done(self, registers: Taskfile, count: int = 0, address: int = 0) -> bytes:
        if registers.wants_status:
            raise CheckConditionError(status_sense(good=True, count=count, address=address))
        return b""

    def _facts(self) -> pages.Facts:
        state = self.drive.state
        return pages.Facts(self.security.word, self.sectors, state["master_identifier"], bool(state["write_cache"]))

    def _identify(self, registers: Taskfile, data: bytes) -> bytes:
        return pages.identify(self.drive, self._facts())

    def _power_mode(self, registers: Taskfile, data: bytes) -> bytes:
        return self._done(registers, _ACTIVE)

    def _flush_cache(self, registers: Taskfile, data: bytes) -> bytes:
        self.drive.flush()
        return self._done(registers)

    def _set_features(self, registers: Taskfile, data: bytes) -> bytes:
        if registers.feature not in (0x02, 0x82):
            raise RefusedError
        self.drive.state["write_cache"] = registers.feature == 0x02
        self.drive.save()
        return self._done(registers)

    def _sectors(self, registers: Taskfile, data: bytes) -> bytes:
        full = 0x10000 if registers.command in _WIDE else 0x100
        count = registers.number % full or full
        if registers.address + count > self.sectors:
            raise RefusedError
        offset, length = registers.address * SECTOR, count * SECTOR
        if registers.command in _READS:
            return self.read(offset, length)
        self.drive.write(offset, data[:length])
        return self._done(registers)

    def _trim(self, registers: Taskfile, data: bytes) -> bytes:
        if registers.feature != 1 or not self._solid:
            raise RefusedError
        for (entry,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8]):
            first, count = entry & (1 << 48) - 1, entry >> 48
            if first + count > self.sectors:
                raise RefusedError
            self.drive.write(first * SECTOR, bytes(count * SECTOR))
        return self._done(registers)

    def _native_max(self, registers: Taskfile, data: bytes) -> bytes:
        return self._done(registers, 0, int(self.drive.state["native"]) - 1)

    def _set_max(self, registers: Taskfile, data: bytes) -> bytes:
        if registers.address >= self.drive.state["native"] or self.drive.refuses("set_max"):
            raise RefusedError
        if registers.number & 1:
            self.drive.state["visible"], self.volatile = registers.address + 1, None
            self.drive.save()
        else:
            self.volatile = registers.address + 1
        return self._done(registers)

    def _configuration(self, registers: Taskfile, data: bytes) -> bytes:
        """Device configuration overlay: 0xc0 takes it off, 0xc1 freezes it, 0xc2 tells what could be had."""
        if self.configuration_frozen or self.drive.refuses("configuration"):
            raise RefusedError
        if registers.feature == 0xC2:
            return pages.configuration(self.drive.size // SECTOR)
        if registers.feature == 0xC1:
            self.configuration_frozen = True
        elif registers.feature == 0xC0 and self.drive.state["visible"] == self.drive.state["native"]:
            self.drive.state["native"] = self.drive.state["visible"] = self.drive.size // SECTOR
            self.drive.save()
        else:
            raise RefusedError
        return self._done(registers)

    def _read_log(self, registers: Taskfile, data: bytes) -> bytes:
        """The directory of logs, of which there are none."""
        if registers.address or registers.number != 1:
            raise RefusedError
        return b"\x01".ljust(SECTOR, b"\0")

    def _smart(self, registers: Taskfile, data: bytes) -> bytes:
        feature = registers.feature & 0xFF
        if feature in (0xD0, 0xD1):
            return pages.smart_data() if feature == 0xD0 else pages.smart_data()[:2].ljust(511, b"\0") + b"\xf0"
        if feature not in (0xD8, 0xDA):
            raise RefusedError
        # The signature of a disk that foresees no failure.
        return self._done(registers, 0, 0xC24F00)

    def _security(self, registers: Taskfile, data: bytes) -> bytes:
        self.security.carry_out(registers, data)
        return self._done(registers)

    def _sanitize_device(self, registers: Taskfile, data: bytes) -> bytes:
        if registers.feature and self.security.locked:
            raise RefusedError
        if registers.feature and registers.feature not in (0x20, 0x40) and self.drive.behaviour.get("read_only"):
            raise RefusedError
        if registers.feature == 0 and self.drive.behaviour.get("log") == "garbage":
            raise CheckConditionError(Sense(0, 0, 0))
        return self._done(registers, *self.sanitize.carry_out(registers))
