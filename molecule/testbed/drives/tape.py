# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SCSI tape drive with a cartridge in it, by the primary and stream command specifications (SPC-5, SSC-5).

The cartridge's bytes are records one behind the other: C(R), the length as 4 bytes, and the data; C(F) is a filemark, and a zero ends it all.
"""

from __future__ import annotations

import os
import struct
import typing as t

from . import scsi_pages as pages
from .erase import Later, Run
from .scsi import Answer
from .sense import CheckConditionError, Sense
from .store import Drive

__all__ = ["ScsiTape"]

_SECTOR = 512
_HEAD = 5
_TAPE = 1
_LONGEST = 1 << 20
_INVALID_OPERATION, _INVALID_FIELD, _PROTECTED = Sense(5, 0x20, 0), Sense(5, 0x24, 0), Sense(7, 0x27, 0)
_POWER_ON, _CHANGED = Sense(6, 0x29, 0x01), Sense(6, 0x28, 0)
_NO_MEDIUM, _ERASING, _ERASE_FAILED, _UNREADABLE = Sense(2, 0x3A, 0), Sense(2, 0x04, 0x1A), Sense(3, 0x51, 0), Sense(3, 0x11, 0)
_END_OF_DATA, _BEGINNING, _FULL = Sense(8, 0x00, 0x05), Sense(0, 0x00, 0x04), Sense(13, 0x00, 0x02)
_MARK, _END, _WRONG_LENGTH = 0x80, 0x40, 0x20
# Answered whatever goes on: REQUEST SENSE, INQUIRY, REPORT LUNS.
_ALWAYS = (0x03, 0x12, 0xA0)
_TYPES = {"data": 0x00, "cleaning": 0x01, "worm": 0x80}


def _stopped(sense: Sense, *, flags: int = 0, residue: int | None = None) -> bytes:
    """Fixed sense data that tells how far a command came."""
    told = bytearray(sense.fixed())
    told[2] |= flags
    if residue is not None:
        told[0] |= 0x80
        struct.pack_into(">i", told, 3, residue)
    return bytes(told)


class ScsiTape:
    """The drive. Which cartridge is in it, and what it is, C(behaviour) tells; see the test-bed's README."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.attention: Sense | None = _POWER_ON
        self.place = self.number = self.block = 0
        self.loaded = str(drive.about["cartridge"])
        self.swapped = False
        drive.wake()
        self.handlers: dict[int, t.Callable[[bytes, bytes], Answer]] = {
            **dict.fromkeys((0x00, 0x1E), lambda _cdb, _data: b""),
            **{0x01: self._rewind, 0x03: self._request_sense, 0x05: self._limits, 0x08: self._read, 0x0A: self._write},
            **{0x10: self._filemarks, 0x11: self._space, 0x12: self._inquiry, 0x15: self._mode_select, 0x19: self._erase},
            **{0x1A: self._mode_sense, 0x1B: self._load, 0x34: self._position, 0x8C: self._attributes, 0xA0: self._luns},
        }

    def execute(self, cdb: bytes, data: bytes) -> Answer:
        """As C(ScsiDisk.execute)."""
        code = cdb[0]
        self._change()
        if self.attention is not None and code not in _ALWAYS:
            sense, self.attention = self.attention, None
            raise CheckConditionError(sense)
        if self.drive.running and code not in _ALWAYS:
            raise CheckConditionError(_ERASING)
        if not self.loaded and code not in (*_ALWAYS, 0x05, 0x15, 0x1A, 0x1B, 0x1E):
            raise CheckConditionError(_NO_MEDIUM)
        if code in self.drive.about.get("lacks", ()) or code not in self.handlers:
            raise CheckConditionError(_INVALID_OPERATION)
        return self.handlers[code](cdb, data)

    def noted(self, cdb: bytes) -> str:
        return "" if cdb[0] in (0x00, 0x08, 0x0A, 0x12) else f"cdb {cdb.hex()}"

    def changes(self, cdb: bytes) -> bool:
        return cdb[0] in (0x0A, 0x10, 0x19)

    def _told(self, name: str, default: t.Any) -> t.Any:
        """What is said of the cartridge: the behaviour's word, else that of the drive's description."""
        return self.drive.behaviour.get(name, self.drive.about.get(name, default))

    def _change(self) -> None:
        """Somebody has put another cartridge in, or taken it out."""
        wanted = str(self._told("after" if self.swapped else "cartridge", ""))
        if wanted == self.loaded:
            return
        self.loaded, self.place, self.number = wanted, 0, 0
        if wanted:
            name = "medium.img" if wanted == self.drive.about["cartridge"] else f"cartridge-{wanted}.img"
            self.drive.fd = os.open(self.drive.directory / name, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self.drive.fd, self.drive.size)
            self.attention = _CHANGED

    @property
    def _protected(self) -> bool:
        return bool(self.drive.behaviour.get("read_only")) or self._told("type", "data") != "data"

    def _entry(self) -> tuple[str, int]:
        """What begins where the tape stands: C(R) and its length, C(F), or nothing."""
        head = os.pread(self.drive.fd, _HEAD, self.place).ljust(_HEAD, b"\0")
        kind = {b"R": "R", b"F": "F"}.get(head[:1], "")
        return kind, struct.unpack(">I", head[1:])[0] if kind == "R" else 0

    def _pass(self, kind: str, length: int) -> None:
        self.place += _HEAD + length if kind == "R" else 1
        self.number += 1

    def _rewind(self, _cdb: bytes, _data: bytes) -> bytes:
        self.place = self.number = 0
        return b""

    def _load(self, cdb: bytes, data: bytes) -> bytes:
        return self._rewind(cdb, data)

    def _request_sense(self, cdb: bytes, _data: bytes) -> bytes:
        sense = _ERASING if self.drive.running else self.attention or Sense(0, 0, 0)
        self.attention = None
        return (sense.descriptor() if cdb[1] & 1 else sense.fixed())[: cdb[4]]

    def _limits(self, _cdb: bytes, _data: bytes) -> bytes:
        return struct.pack(">IH", _LONGEST, 1)

    def _lengths(self, cdb: bytes) -> tuple[int, int]:
        """Of each record, and how many."""
        count = int.from_bytes(cdb[2:5], "big")
        return (self.block, count) if cdb[1] & 1 else (count, 1)

    def _read(self, cdb: bytes, _data: bytes) -> bytes:
        wanted, count = self._lengths(cdb)
        fixed, found = cdb[1] & 1, b""
        if not wanted or not count:
            return b""
        if self.drive.behaviour.get("unreadable"):
            raise CheckConditionError(_stopped(_UNREADABLE, residue=count if fixed else wanted))
        for done in range(count):
            kind, length = self._entry()
            left = count - done if fixed else wanted
            if not kind:
                raise CheckConditionError(_stopped(_END_OF_DATA, residue=left), found)
            if kind == "R":
                found += os.pread(self.drive.fd, min(length, wanted), self.place + _HEAD)
            self._pass(kind, length)
            if kind == "F":
                raise CheckConditionError(_stopped(Sense(0, 0x00, 0x01), flags=_MARK, residue=left), found)
            if length != wanted and not cdb[1] & 2:
                raise CheckConditionError(_stopped(Sense(0, 0, 0), flags=_WRONG_LENGTH, residue=left if fixed else wanted - length), found)
        return found

    def _put(self, entry: bytes) -> None:
        """Write where the tape stands; what was behind it is no more to be reached."""
        if self._protected:
            raise CheckConditionError(_PROTECTED)
        if self.place + len(entry) >= self.drive.size:
            raise CheckConditionError(_stopped(_FULL, flags=_END))
        self.drive.write(self.place, entry + b"\0")
        self.place += len(entry)
        self.number += 1

    def _write(self, cdb: bytes, data: bytes) -> bytes:
        length, count = self._lengths(cdb)
        for number in range(count if length else 0):
            record = data[number * length : (number + 1) * length]
            self._put(b"R" + struct.pack(">I", length) + record)
        return b""

    def _filemarks(self, cdb: bytes, _data: bytes) -> bytes:
        for _number in range(int.from_bytes(cdb[2:5], "big")):
            self._put(b"F")
        self.drive.flush()
        return b""

    def _space(self, cdb: bytes, _data: bytes) -> bytes:
        """Forward over records or filemarks, or to the end of data; backward is for nobody here."""
        what, count = cdb[1] & 0xF, int.from_bytes(cdb[2:5], "big", signed=True)
        if what not in (0, 1, 3) or count < 0:
            raise CheckConditionError(_INVALID_FIELD)
        while what == 3 or count:
            kind, length = self._entry()
            if not kind and what == 3:
                break
            if not kind:
                raise CheckConditionError(_stopped(_END_OF_DATA, residue=count))
            self._pass(kind, length)
            count -= what == 0 or kind == "F"
            if what == 0 and kind == "F":
                raise CheckConditionError(_stopped(Sense(0, 0x00, 0x01), flags=_MARK, residue=count + 1))
        return b""

    def _position(self, cdb: bytes, _data: bytes) -> bytes:
        if cdb[1] & 0x1F > 1:
            raise CheckConditionError(_INVALID_FIELD)
        return struct.pack(">BBHII", 0x80 if not self.place else 0, 0, 0, self.number, self.number).ljust(20, b"\0")

    def _erase(self, cdb: bytes, _data: bytes) -> Answer:
        """From where the tape stands: the long one to the end, the short one no more than a mark that nothing follows."""
        if self.drive.refuses("erase"):
            raise CheckConditionError(_INVALID_OPERATION)
        if self._protected:
            raise CheckConditionError(_PROTECTED)
        if not cdb[1] & 1:
            self.drive.write(self.place, b"\0")
            return b""
        if not self.drive.behaviour.get("lie") and self.drive.behaviour.get("fail_at") != 0:
            self.drive.write(self.place, b"\0")
        begin = -(-self.place // _SECTOR) * _SECTOR
        self.drive.state["format_failed"] = ""
        thread = self.drive.begin(Run("erase", "block", 0, [[begin, self.drive.size - begin]]))
        return b"" if cdb[1] & 2 else Later(thread, self._erased)

    def _erased(self) -> None:
        self.swapped = "after" in self.drive.behaviour
        if self.drive.state.get("format_failed"):
            raise CheckConditionError(_ERASE_FAILED)

    def _inquiry(self, cdb: bytes, _data: bytes) -> bytes:
        length = int.from_bytes(cdb[3:5], "big")
        if not cdb[1] & 1:
            answer = bytearray(pages.standard_inquiry(b"TESTBED ", b"TAPE DRIVE"))
            answer[0], answer[1] = _TAPE, 0x80
            return bytes(answer[:length])
        page = pages.vital_page(cdb[2], self.drive.name, self.drive.serial, b"TESTBED ", 1) if cdb[2] in (0, 0x80, 0x83) else None
        if page is None:
            raise CheckConditionError(_INVALID_FIELD)
        page = bytes([0, 0x80, 0x83]) if cdb[2] == 0 else page
        return (bytes([_TAPE, cdb[2]]) + struct.pack(">H", len(page)) + page)[:length]

    def _mode_sense(self, cdb: bytes, _data: bytes) -> bytes:
        if cdb[2] & 0x3F not in (0, 0x3F):
            raise CheckConditionError(_INVALID_FIELD)
        density = bytes([0x5E, 0, 0, 0, 0]) + self.block.to_bytes(3, "big")
        flags = 0x10 | (0x80 if self._protected else 0)
        return (bytes([3 + len(density), 0, flags, len(density)]) + density)[: cdb[4]]

    def _mode_select(self, _cdb: bytes, data: bytes) -> bytes:
        """Only the length of the records can be set."""
        if len(data) >= 12 and data[3] >= 8:
            self.block = int.from_bytes(data[9:12], "big")
        return b""

    def _attributes(self, cdb: bytes, _data: bytes) -> bytes:
        """READ ATTRIBUTE of the cartridge's memory: the values from the one that is named on, or how many partitions there are."""
        action, first, length = cdb[1] & 0x1F, int.from_bytes(cdb[8:10], "big"), int.from_bytes(cdb[10:14], "big")
        if self.drive.refuses("attributes"):
            raise CheckConditionError(_INVALID_OPERATION)
        if action == 3 and not self.drive.refuses("partitions"):
            return struct.pack(">HBB", 2, 0, int(self._told("partitions", 1)))[:length]
        if action != 0:
            raise CheckConditionError(_INVALID_FIELD)
        found = b"".join(
            struct.pack(">HBH", number, form, len(value)) + value for number, form, value in self._memory() if number >= first and value
        )
        return (struct.pack(">I", len(found)) + found)[:length]

    def _memory(self) -> t.Iterator[tuple[int, int, bytes]]:
        """Number, format (80h is read-only, 1 and 2 are text) and value of each attribute, in order."""
        serial = str(self._told("told_serial", self.loaded))
        yield 0x0000, 0x80, (self.drive.size >> 20).to_bytes(8, "big")
        yield 0x0001, 0x80, (self.drive.size >> 20).to_bytes(8, "big")
        yield 0x0400, 0x81, b"TESTBED ".ljust(8)
        yield 0x0401, 0x81, serial.encode().ljust(32) if serial else b""
        yield 0x0408, 0x80, bytes([_TYPES[self._told("type", "data")]])
        yield 0x0806, 0x01, str(self._told("barcode", "")).encode().ljust(32)

    def _luns(self, _cdb: bytes, _data: bytes) -> bytes:
        return struct.pack(">II", 8, 0) + bytes(8)
