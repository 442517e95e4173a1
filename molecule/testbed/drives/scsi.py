# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SCSI disk as an interpreter of commands, by the SCSI primary and block command specifications (SPC-5, SBC-4)."""

from __future__ import annotations

import struct
import typing as t

from . import scsi_pages as pages
from .erase import Later, Run
from .sense import CheckConditionError, Sense
from .store import Drive, UnreadableError

__all__ = ["SECTOR", "Answer", "ScsiDisk"]

SECTOR = 512
Answer = t.Union[bytes, Later]
_POWER_ON = Sense(6, 0x29, 0x01)
_INVALID_OPERATION, _OUT_OF_RANGE, _INVALID_FIELD, _INVALID_PARAMETER, _PROTECTED = (
    *(Sense(5, 0x20, 0), Sense(5, 0x21, 0), Sense(5, 0x24, 0), Sense(5, 0x26, 0), Sense(7, 0x27, 0)),
)
_UNREADABLE, _BROKEN = Sense(3, 0x11, 0), Sense(4, 0x44, 0)
_SANITIZE_FAILED = Sense(3, 0x31, 0x03)
_FORMAT_FAILED = {"failed": Sense(3, 0x31, 0x01), "interrupted": Sense(3, 0x31, 0x00)}
_IN_PROGRESS = {"sanitize": (0x04, 0x1B), "format": (0x04, 0x04), "security": (0x04, 0x01)}
_ACTIONS = {0x01: "overwrite", 0x02: "block", 0x03: "crypto"}
_EXIT_FAILURE = 0x1F
_READS, _WRITES = (0x08, 0x28, 0x88, 0xA8), (0x0A, 0x2A, 0x8A, 0xAA)
# Answered whatever goes on: REQUEST SENSE, INQUIRY, REPORT LUNS and the list of operations.
_ALWAYS = (0x03, 0x12, 0xA0, 0xA3)
# Of a disk whose medium cannot be reached, these ask more than that.
_WITHOUT_MEDIUM = (*_ALWAYS, 0x04, 0x15, 0x1A, 0x1B, 0x48, 0x4D, 0x55, 0x5A, 0x85, 0xA1)


def _extent(cdb: bytes) -> tuple[int, int]:
    """The first block and the number of blocks that a command names."""
    if len(cdb) == 6 or cdb[0] < 0x20:
        return int.from_bytes(cdb[1:4], "big") & 0x1FFFFF, cdb[4] or 256
    if cdb[0] < 0x60:
        return struct.unpack_from(">I", cdb, 2)[0], struct.unpack_from(">H", cdb, 7)[0]
    if cdb[0] >= 0xA0:
        return struct.unpack_from(">I", cdb, 2)[0], struct.unpack_from(">I", cdb, 6)[0]
    return struct.unpack_from(">Q", cdb, 2)[0], struct.unpack_from(">I", cdb, 10)[0]


class ScsiDisk:
    """The disk. C(execute) is pure but for the drive that it is given.

    :ivar attention: nobody has been told yet that the power was lost.
    """

    vendor = b"TESTBED "
    always: tuple[int, ...] = _ALWAYS

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.attention = True
        drive.state.setdefault("write_cache", True)
        drive.on_end = self._ended
        drive.wake()
        self.handlers: dict[int, t.Callable[[bytes, bytes], Answer]] = {
            **dict.fromkeys((0x00, 0x1B, 0x1E, 0x2F, 0x8F), self._nothing),
            **{0x03: self._request_sense, 0x04: self._format, 0x12: self._inquiry, 0x25: self._capacity, 0x9E: self._capacity_16},
            **dict.fromkeys((0x1A, 0x5A), self._mode_sense),
            **dict.fromkeys((0x15, 0x55), self._mode_select),
            **dict.fromkeys((0x35, 0x91), self._flush),
            **dict.fromkeys((0x41, 0x93), self._write_same),
            **{0x42: self._unmap, 0x48: self._sanitize, 0x4D: self._log_sense, 0xA0: self._luns, 0xA3: self._operations},
            **dict.fromkeys((*_READS, *_WRITES), self._transfer),
        }

    def execute(self, cdb: bytes, data: bytes) -> Answer:
        """Data for the host, or an answer that comes later.

        :arg data: from the host.
        :raises CheckConditionError: the command ends otherwise.
        """
        code = cdb[0]
        if code in self.drive.about.get("lacks", ()):
            raise CheckConditionError(_INVALID_OPERATION)
        if self.attention and code not in _ALWAYS:
            self.attention = False
            raise CheckConditionError(_POWER_ON)
        if code not in self.always:
            self._require_ready()
        if code not in (*_WITHOUT_MEDIUM, *self.always):
            self._require_medium()
        return self.handlers.get(code, self.other)(cdb, data)

    def noted(self, cdb: bytes) -> str:
        """The line of a command in the log, without its outcome; empty for one that is not worth any."""
        return "" if cdb[0] in (0x00, 0x12, *_READS, *_WRITES) else f"cdb {cdb.hex()}"

    def changes(self, cdb: bytes) -> bool:
        """Whether a command, done later than the host believes, would take it by surprise."""
        return cdb[0] in (0x04, 0x48)

    def other(self, cdb: bytes, data: bytes) -> Answer:
        raise CheckConditionError(_INVALID_OPERATION)

    @property
    def sectors(self) -> int:
        return self.drive.size // SECTOR

    @property
    def _solid(self) -> bool:
        return int(self.drive.about.get("rotation", 1)) == 1

    def _require_ready(self) -> None:
        running = self.drive.running
        if running:
            raise CheckConditionError(Sense(2, *_IN_PROGRESS[running], self.drive.progress))

    def _require_medium(self) -> None:
        """Media cannot be reached after a sanitize or a format has failed."""
        if self.drive.failed:
            raise CheckConditionError(_SANITIZE_FAILED)
        failure = self.drive.state.get("format_failed")
        if failure:
            raise CheckConditionError(_FORMAT_FAILED[failure])

    def _require_writable(self) -> None:
        if self.drive.behaviour.get("read_only"):
            raise CheckConditionError(_PROTECTED)

    def _nothing(self, cdb: bytes, data: bytes) -> bytes:
        return b""

    def _flush(self, cdb: bytes, data: bytes) -> bytes:
        self.drive.flush()
        return b""

    def _request_sense(self, cdb: bytes, data: bytes) -> bytes:
        told = self.drive.behaviour.get("log")
        if told == "unreadable":
            raise CheckConditionError(_BROKEN)
        if told == "garbage":
            return b"\xff" * cdb[4]
        sense = self._pending()
        return (sense.descriptor() if cdb[1] & 1 else sense.fixed())[: cdb[4]]

    def _pending(self) -> Sense:
        running = self.drive.running
        if running:
            return Sense(2, *_IN_PROGRESS[running], self.drive.progress)
        if self.attention:
            self.attention = False
            return _POWER_ON
        if self.drive.failed:
            return _SANITIZE_FAILED
        return _FORMAT_FAILED.get(self.drive.state.get("format_failed", ""), Sense(0, 0, 0))

    def _inquiry(self, cdb: bytes, data: bytes) -> bytes:
        length, about = int.from_bytes(cdb[3:5], "big"), self.drive.about
        if not cdb[1] & 1:
            if cdb[2]:
                raise CheckConditionError(_INVALID_FIELD)
            return pages.standard_inquiry(self.vendor, str(about.get("model", "TESTBED DRIVE")).encode())[:length]
        page = self.vital(cdb[2])
        if page is None:
            raise CheckConditionError(_INVALID_FIELD)
        return (bytes([0, cdb[2]]) + struct.pack(">H", len(page)) + page)[:length]

    def vital(self, number: int) -> bytes | None:
        """The body of a vital product data page."""
        return pages.vital_page(number, self.drive.name, self.drive.serial, self.vendor, int(self.drive.about.get("rotation", 1)))

    def _capacity(self, cdb: bytes, data: bytes) -> bytes:
        return struct.pack(">II", min(self.sectors - 1, 0xFFFFFFFF), SECTOR)

    def _capacity_16(self, cdb: bytes, data: bytes) -> bytes:
        if cdb[1] & 0x1F != 0x10:
            raise CheckConditionError(_INVALID_FIELD)
        provisioning = 0xC0 if self._solid else 0
        answer = struct.pack(">QIBBB", self.sectors - 1, SECTOR, 0, 0, provisioning).ljust(32, b"\0")
        return answer[: int.from_bytes(cdb[10:14], "big")]

    def _mode_sense(self, cdb: bytes, data: bytes) -> bytes:
        kind, wanted = cdb[2] >> 6, cdb[2] & 0x3F
        found = pages.mode_pages(wanted, cache=bool(self.drive.state["write_cache"]) or kind == 2, changeable=kind == 1)
        if found is None:
            raise CheckConditionError(_INVALID_FIELD)
        flags = 0x10 | (0x80 if self.drive.behaviour.get("read_only") else 0)
        if cdb[0] == 0x1A:
            return (bytes([3 + len(found), 0, flags, 0]) + found)[: cdb[4]]
        return (struct.pack(">HBBHH", 6 + len(found), 0, flags, 0, 0) + found)[: int.from_bytes(cdb[7:9], "big")]

    def _mode_select(self, cdb: bytes, data: bytes) -> bytes:
        """Only whether writes are cached can be changed."""
        head = data.ljust(8, b"\0")
        place = 4 + head[3] if cdb[0] == 0x15 else 8 + int.from_bytes(head[6:8], "big")
        page = data[place:]
        if len(page) > 2 and page[0] & 0x3F != 0x08:
            raise CheckConditionError(_INVALID_PARAMETER)
        if len(page) > 2:
            self.drive.state["write_cache"] = bool(page[2] & 4)
            self.drive.save()
        return b""

    def _log_sense(self, cdb: bytes, data: bytes) -> bytes:
        page = pages.log_page(cdb[2] & 0x3F) if not cdb[3] else None
        if page is None:
            raise CheckConditionError(_INVALID_FIELD)
        return page[: int.from_bytes(cdb[7:9], "big")]

    def _luns(self, cdb: bytes, data: bytes) -> bytes:
        return struct.pack(">II", 8, 0) + bytes(8)

    def supported(self) -> list[pages.Operation]:
        about = self.drive.about
        lacks = [*about.get("lacks", ()), *(() if self._solid else (0x42,))]
        actions = [*about.get("sanitize", _ACTIONS), _EXIT_FAILURE]
        return [each for each in pages.OPERATIONS if each.code not in lacks and (each.code != 0x48 or each.action in actions)]

    def _operations(self, cdb: bytes, data: bytes) -> bytes:
        """REPORT SUPPORTED OPERATION CODES, the whole list or whether one is supported."""
        if cdb[1] & 0x1F != 0x0C:
            raise CheckConditionError(_INVALID_FIELD)
        if self.drive.about.get("no_operations"):
            raise CheckConditionError(_INVALID_OPERATION)
        option, code, action, length = cdb[2] & 0b111, cdb[3], *struct.unpack_from(">HI", cdb, 4)
        supported = self.supported()
        if option == 0:
            return pages.operation_list(supported)[:length]
        same = [each for each in supported if each.code == code]
        # Asked without a service action of one that has them, or with one of one that has none, the question is wrong.
        if option > 3 or (option < 3 and same and (same[0].action is None) != (option == 1)):
            raise CheckConditionError(_INVALID_FIELD)
        found = next((each for each in same if each.action in (None, action)), None)
        if found is None:
            return b"\0\1\0\0"[:length]
        return (struct.pack(">BBH", 0, 3, found.length) + bytes.fromhex(found.usage))[:length]

    def _span(self, start: int, count: int) -> tuple[int, int]:
        if start + count > self.sectors:
            raise CheckConditionError(_OUT_OF_RANGE)
        return start * SECTOR, count * SECTOR

    def _transfer(self, cdb: bytes, data: bytes) -> bytes:
        offset, length = self._span(*_extent(cdb))
        if cdb[0] in _READS:
            return self.read(offset, length)
        self._require_writable()
        self.drive.write(offset, data[:length])
        return b""

    def read(self, offset: int, length: int) -> bytes:
        try:
            return self.drive.read(offset, length)
        except UnreadableError:
            raise CheckConditionError(_UNREADABLE) from None

    def _unmap(self, cdb: bytes, data: bytes) -> bytes:
        if not self._solid:
            raise CheckConditionError(_INVALID_OPERATION)
        self._require_writable()
        for place in range(8, len(data) - 15, 16):
            offset, length = self._span(*struct.unpack_from(">QI", data, place))
            self.drive.write(offset, bytes(length))
        return b""

    def _write_same(self, cdb: bytes, data: bytes) -> bytes:
        self._require_writable()
        offset, length = self._span(*_extent(cdb))
        without_data = cdb[0] == 0x93 and cdb[1] & 1
        sector = bytes(SECTOR) if without_data or len(data) < SECTOR else data[:SECTOR]
        self.drive.write(offset, sector * (length // SECTOR))
        return b""

    def _begin(self, run: Run, *, immediate: bool) -> Answer:
        thread = self.drive.begin(run)
        return b"" if immediate else Later(thread, self._require_medium)

    def _ended(self, run: Run, state: str) -> None:
        if run.kind == "sanitize" and state == "done":
            self.drive.state["format_failed"] = ""

    def _format(self, cdb: bytes, data: bytes) -> Answer:
        if self.drive.refuses("format"):
            raise CheckConditionError(_INVALID_OPERATION)
        if self.drive.failed:
            raise CheckConditionError(_SANITIZE_FAILED)
        self._require_writable()
        has_data = cdb[1] & 0x10 and len(data) >= 4
        immediate = bool(has_data and data[1] & 0x02)
        run = Run("format", "block", 0, [[0, self.drive.size]])
        if has_data and data[1] & 0x08:
            place = 8 if cdb[1] & 0x20 else 4
            length = int.from_bytes(data[place + 2 : place + 4], "big")
            pattern = data[place + 4 : place + 4 + length]
            if len(pattern) < length:
                raise CheckConditionError(_INVALID_PARAMETER)
            if pattern:
                run = run._replace(action="overwrite", pattern=pattern.hex())
        self.drive.state["format_failed"] = ""
        return self._begin(run, immediate=immediate)

    def _sanitize(self, cdb: bytes, data: bytes) -> Answer:
        action, unrestricted, drive = cdb[1] & 0x1F, bool(cdb[1] & 0x20), self.drive
        if drive.refuses("sanitize"):
            raise CheckConditionError(_INVALID_OPERATION)
        if action == _EXIT_FAILURE:
            if drive.failed and not drive.unrestricted:
                raise CheckConditionError(_INVALID_FIELD)
            if drive.failed:
                drive.leave_failure()
            return b""
        if action not in _ACTIONS or action not in drive.about.get("sanitize", _ACTIONS):
            raise CheckConditionError(_INVALID_FIELD)
        self._require_writable()
        run = Run("sanitize", _ACTIONS[action], action, [[0, drive.size]], unrestricted=unrestricted)
        if action == 0x01:
            run = self._overwrite(run, data)
        elif cdb[7] or cdb[8]:
            raise CheckConditionError(_INVALID_FIELD)
        return self._begin(run, immediate=bool(cdb[1] & 0x80))

    def _overwrite(self, run: Run, data: bytes) -> Run:
        """The pattern, its length and how often it is written."""
        length = int.from_bytes(data[2:4], "big")
        if len(data) < 5 or not data[0] & 0x1F or not 1 <= length <= SECTOR or len(data) < 4 + length:
            raise CheckConditionError(_INVALID_PARAMETER)
        return run._replace(pattern=data[4 : 4 + length].hex(), passes=data[0] & 0x1F, invert=bool(data[0] & 0x80))
