# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SCSI disk as an interpreter of commands, from the SCSI primary and block command specifications."""

from __future__ import annotations

import struct

from .erase import Run
from .store import Drive

__all__ = ["CheckConditionError", "ScsiDisk", "fixed_sense"]

SECTOR = 512
NOT_READY, MEDIUM_ERROR, ILLEGAL_REQUEST, DATA_PROTECT = 2, 3, 5, 7
_IN_PROGRESS = {"sanitize": (0x04, 0x1B), "format": (0x04, 0x04), "security": (0x04, 0x1B)}
_SANITIZE = {0x01: "overwrite", 0x02: "block", 0x03: "crypto"}
_OPERATIONS = (
    *((code, None) for code in (0x00, 0x03, 0x04, 0x08, 0x0A, 0x12, 0x1A, 0x25, 0x28, 0x2A, 0x35, 0x42, 0x5A, 0x88, 0x8A, 0xA0)),
    *((0x48, action) for action in (0x01, 0x02, 0x03, 0x1F)),
    *((0x9E, 0x10), (0xA3, 0x0C)),
)


class CheckConditionError(Exception):
    """A command that ends with CHECK CONDITION and this sense data."""

    def __init__(self, sense: bytes) -> None:
        super().__init__(sense.hex())
        self.sense = sense


def fixed_sense(key: int, code: int, qualifier: int, progress: int | None = None) -> bytes:
    sense = bytearray(18)
    sense[0], sense[2], sense[7], sense[12], sense[13] = 0x70, key, 10, code, qualifier
    if progress is not None:
        sense[15] = 0x80
        struct.pack_into(">H", sense, 16, progress)
    return bytes(sense)


class ScsiDisk:
    """The disk. C(execute) is pure but for the drive that it is given."""

    vendor = b"TESTBED "
    # Answered also while an erase is under way.
    always: tuple[int, ...] = (0x03, 0x12, 0xA0, 0xA3)

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        # Nobody yet has been told that the power was lost.
        self.attention = False

    def execute(self, cdb: bytes, data: bytes, expected: int) -> bytes:
        """Data for the host.

        :arg data: from the host; C(expected) bytes that the host has room for.
        :raises CheckConditionError: the command ends otherwise.
        """
        code = cdb[0]
        if code not in (0x00, 0x03, 0x08, 0x0A, 0x12, 0x28, 0x2A, 0x88, 0x8A):
            self.drive.note(f"cdb {cdb.hex()} {data[:8].hex()}")
        if code not in self.always:
            self._require_ready()
        if code in (0x28, 0x88, 0x2A, 0x8A, 0x08, 0x0A):
            return self._transfer(cdb, data)
        handlers = {
            **{0x00: self._nothing, 0x03: self._request_sense, 0x12: self._inquiry, 0x1A: self._mode_sense, 0x5A: self._mode_sense},
            **{
                0x25: self._capacity,
                0x9E: self._capacity_16,
                0x35: self._flush,
                0x91: self._flush,
                0x1B: self._nothing,
                0x1E: self._nothing,
            },
            **{0x42: self._unmap, 0x04: self._format, 0x48: self._sanitize, 0xA3: self._operations, 0xA0: self._luns},
        }
        return handlers.get(code, self.other)(cdb, data)

    def other(self, cdb: bytes, data: bytes) -> bytes:
        raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x20, 0))

    def _require_ready(self) -> None:
        running = self.drive.running
        if running:
            raise CheckConditionError(fixed_sense(NOT_READY, *_IN_PROGRESS[running], self.drive.progress))

    def _require_medium(self) -> None:
        """Media cannot be reached after a sanitize or a format has failed."""
        if self.drive.failed:
            raise CheckConditionError(fixed_sense(MEDIUM_ERROR, 0x31, 0x03))
        if self.drive.state.get("format_failed"):
            raise CheckConditionError(fixed_sense(MEDIUM_ERROR, 0x31, 0x01))

    def _nothing(self, cdb: bytes, data: bytes) -> bytes:
        self._require_medium()
        return b""

    def _flush(self, cdb: bytes, data: bytes) -> bytes:
        self.drive.flush()
        return b""

    def _request_sense(self, cdb: bytes, data: bytes) -> bytes:
        running = self.drive.running
        if self.drive.behaviour.get("log") == "unreadable":
            raise CheckConditionError(fixed_sense(4, 0x44, 0))
        if self.drive.behaviour.get("log") == "garbage":
            return b"\xff" * cdb[4]
        if running:
            return fixed_sense(0, *_IN_PROGRESS[running], self.drive.progress)[: cdb[4]]
        if self.drive.failed:
            return fixed_sense(MEDIUM_ERROR, 0x31, 0x03)[: cdb[4]]
        if self.drive.state.get("format_failed"):
            return fixed_sense(MEDIUM_ERROR, 0x31, 0x01)[: cdb[4]]
        return fixed_sense(0, 0, 0)[: cdb[4]]

    def _inquiry(self, cdb: bytes, data: bytes) -> bytes:
        length = int.from_bytes(cdb[3:5], "big")
        if not cdb[1] & 1:
            product = b"TESTBED DRIVE   "
            return (bytes([0, 0, 6, 2, 91, 0, 0, 2]) + self.vendor + product + b"0001" + bytes(60))[:length]
        page = self._page(cdb[2])
        if page is None:
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x24, 0))
        return (bytes([0, cdb[2]]) + struct.pack(">H", len(page)) + page)[:length]

    def _page(self, number: int) -> bytes | None:
        serial = self.drive.serial.encode()
        limits = struct.pack(">BBHIIIIIIII", 0, 0, 0, 2048, 0, 0, 8192, 1, 1, 0, 0) + bytes(20)
        rotation = int(self.drive.about.get("rotation", 1))
        return {
            0x00: b"\x00\x80\x83\xb0\xb1\xb2",
            0x80: serial.ljust(16),
            0x83: self._designator(),
            0xB0: limits,
            0xB1: struct.pack(">H", rotation) + bytes(58),
            0xB2: b"\0\xe0\2\0",
        }.get(number)

    def _designator(self) -> bytes:
        return bytes([1, 3, 0, 8]) + b"\x50\x01\x40\x50" + self.drive.name[-4:].rjust(4, b"0")

    @property
    def sectors(self) -> int:
        return self.drive.size // SECTOR

    def _capacity(self, cdb: bytes, data: bytes) -> bytes:
        self._require_medium()
        return struct.pack(">II", self.sectors - 1, SECTOR)

    def _capacity_16(self, cdb: bytes, data: bytes) -> bytes:
        self._require_medium()
        if cdb[1] & 0x1F != 0x10:
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x20, 0))
        return struct.pack(">QI", self.sectors - 1, SECTOR) + b"\0\0\xc0\0" + bytes(16)

    def _mode_sense(self, cdb: bytes, data: bytes) -> bytes:
        protected = 0x80 if self.drive.behaviour.get("read_only") else 0
        return bytes([3, 0, protected, 0]) if cdb[0] == 0x1A else bytes([0, 6, 0, protected, 0, 0, 0, 0])

    def _luns(self, cdb: bytes, data: bytes) -> bytes:
        return struct.pack(">II", 8, 0) + bytes(8)

    def _operations(self, cdb: bytes, data: bytes) -> bytes:
        """REPORT SUPPORTED OPERATION CODES, the whole list or whether one is supported."""
        if cdb[1] & 0x1F != 0x0C or self.drive.about.get("no_operations"):
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x20, 0))
        option, wanted = cdb[2] & 0b111, (cdb[3], struct.unpack_from(">H", cdb, 4)[0])
        supported = [each for each in _OPERATIONS if each[0] not in self.drive.about.get("lacks", [])]
        if option == 0:
            rows = (struct.pack(">BxHxBH", code, action or 0, action is not None, 16 if code >= 0x80 else 10) for code, action in supported)
            body = b"".join(rows)
            return struct.pack(">I", len(body)) + body
        found = (wanted[0], wanted[1] if option >= 2 else None) in supported or (option == 3 and (wanted[0], None) in supported)
        return struct.pack(">BBH", 0, 3 if found else 1, 10) + bytes([wanted[0]]) + bytes(9) if found else b"\0\1\0\0"

    def _transfer(self, cdb: bytes, data: bytes) -> bytes:
        self._require_medium()
        if cdb[0] in (0x08, 0x0A):
            start, count = int.from_bytes(cdb[1:4], "big") & 0x1FFFFF, cdb[4] or 256
        elif cdb[0] in (0x28, 0x2A):
            start, count = struct.unpack_from(">I", cdb, 2)[0], struct.unpack_from(">H", cdb, 7)[0]
        else:
            start, count = struct.unpack_from(">Q", cdb, 2)[0], struct.unpack_from(">I", cdb, 10)[0]
        if start + count > self.sectors:
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x21, 0))
        if cdb[0] in (0x08, 0x28, 0x88):
            return self.drive.read(start * SECTOR, count * SECTOR)
        if self.drive.behaviour.get("read_only"):
            raise CheckConditionError(fixed_sense(DATA_PROTECT, 0x27, 0))
        self.drive.write(start * SECTOR, data[: count * SECTOR])
        return b""

    def _unmap(self, cdb: bytes, data: bytes) -> bytes:
        self._require_medium()
        for place in range(8, len(data) - 15, 16):
            start, count = struct.unpack_from(">QI", data, place)
            self.drive.write(start * SECTOR, bytes(count * SECTOR))
        return b""

    def _begin(self, run: Run, *, immediate: bool) -> bytes:
        thread = self.drive.begin(run)
        if not immediate:
            thread.join()
            self._require_medium()
        return b""

    def _format(self, cdb: bytes, data: bytes) -> bytes:
        if "format" in self.drive.behaviour.get("refuse", []):
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x20, 0))
        self.drive.state.pop("format_failed", None)
        immediate = bool(cdb[1] & 0x10 and len(data) > 1 and data[1] & 0x02)
        return self._begin(Run("format", "block", 0, [[0, self.drive.size]]), immediate=immediate)

    def _sanitize(self, cdb: bytes, data: bytes) -> bytes:
        action = cdb[1] & 0x1F
        if 0x48 in self.drive.about.get("lacks", []) or "sanitize" in self.drive.behaviour.get("refuse", []):
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x20, 0))
        if action == 0x1F:
            self.drive.state["sanitize"]["state"] = "never"
            return b""
        if action not in _SANITIZE:
            raise CheckConditionError(fixed_sense(ILLEGAL_REQUEST, 0x24, 0))
        pattern = data[4:8].hex() if action == 1 and len(data) >= 8 else "00000000"
        run = Run("sanitize", _SANITIZE[action], action, [[0, self.drive.size]], pattern)
        return self._begin(run, immediate=bool(cdb[1] & 0x80))
