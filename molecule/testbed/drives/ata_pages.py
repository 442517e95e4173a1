# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registers of ATA commands, and what an ATA disk tells of itself (ACS-4), as they pass through a SCSI translation (SAT-4)."""

from __future__ import annotations

import struct
import typing as t

from .scsi_pages import naa_of
from .store import Drive

__all__ = ["ABORTED", "Facts", "Taskfile", "configuration", "identify", "smart_data", "status_sense", "taskfile_of"]

ABORTED = 0x04
_READY, _ERROR = 0x50, 0x51
# Words 82 to 84: SMART, security, power management, caches, host protected area; 48 bits, DCO, flushes; a world wide name.
_FEATURES = (
    *(1 << 14 | 1 << 13 | 1 << 12 | 1 << 10 | 1 << 6 | 1 << 5 | 1 << 3 | 1 << 1 | 1,),
    *(1 << 14 | 1 << 13 | 1 << 12 | 1 << 11 | 1 << 10,),
    *(1 << 14 | 1 << 8 | 1 << 1 | 1,),
)
_SECURITY = 1 << 1


class Taskfile(t.NamedTuple):
    """The registers of one command."""

    feature: int
    number: int
    address: int
    command: int
    wants_status: bool

    def __str__(self) -> str:
        return f"ata {self.command:#04x} feature {self.feature:#06x} count {self.number:#x} lba {self.address:#x}"


class Facts(t.NamedTuple):
    """What changes of a disk's identity: C(security) is word 128, C(sectors) what it shows."""

    security: int
    sectors: int
    master: int
    cache: bool


def taskfile_of(cdb: bytes) -> Taskfile:
    """What an ATA PASS-THROUGH command, of 12 or 16 bytes, carries."""
    wants_status = bool(cdb[2] & 0x20)
    if cdb[0] != 0x85:
        return Taskfile(cdb[3], cdb[4], cdb[5] | cdb[6] << 8 | cdb[7] << 16 | (cdb[8] & 0xF) << 24, cdb[9], wants_status)
    low, high = cdb[8] | cdb[10] << 8 | cdb[12] << 16, cdb[7] | cdb[9] << 8 | cdb[11] << 16
    if cdb[1] & 1:
        return Taskfile(cdb[3] << 8 | cdb[4], cdb[5] << 8 | cdb[6], low | high << 24, cdb[14], wants_status)
    return Taskfile(cdb[4], cdb[6], low | (cdb[13] & 0xF) << 24, cdb[14], wants_status)


def status_sense(*, good: bool, count: int = 0, address: int = 0, error: int = ABORTED) -> bytes:
    """The registers after a command, as descriptor sense data; with an error also what it is in SCSI."""
    sense = bytearray(22)
    sense[0], sense[7], sense[8], sense[9], sense[10] = 0x72, 14, 9, 12, 1
    sense[1], sense[3] = (0x01, 0x1D) if good else (0x0B, 0x00)
    sense[11], sense[12], sense[13] = 0 if good else error, count >> 8 & 0xFF, count & 0xFF
    for place, shift in ((15, 0), (17, 8), (19, 16), (14, 24), (16, 32), (18, 40)):
        sense[place] = address >> shift & 0xFF
    sense[21] = _READY if good else _ERROR
    return bytes(sense)


def _checked(words: list[int]) -> bytes:
    """With the signature and the checksum, which make all bytes add up to nothing."""
    words[255] = 0xA5
    total = sum((word & 0xFF) + (word >> 8) for word in words)
    words[255] |= (-total & 0xFF) << 8
    return struct.pack("<256H", *words)


def _text(words: list[int], first: int, length: int, value: str) -> None:
    padded = value.encode("ascii").ljust(length * 2)[: length * 2]
    words[first : first + length] = struct.unpack(f">{length}H", padded)


def identify(drive: Drive, facts: Facts) -> bytes:
    """IDENTIFY DEVICE."""
    words, about = [0] * 256, drive.about
    rotation = int(about.get("rotation", 1))
    _text(words, 10, 10, drive.serial)
    _text(words, 23, 4, "1.0")
    _text(words, 27, 20, str(about.get("model", "TESTBED ATA")))
    words[0], words[1], words[3], words[6], words[47], words[49], words[50] = 0x40, 16383, 16, 63, 0x8010, 0xF00, 0x4000
    words[53], words[59], words[63], words[64] = 7, int(about.get("word59", 0xF400)), 7, 3
    words[65:69] = [120] * 4
    words[60:62] = struct.unpack("<2H", struct.pack("<I", min(facts.sectors, 0x0FFFFFFF)))
    words[80], words[82:85] = 0xFE0, list(_FEATURES)
    enabled = list(_FEATURES)
    enabled[0] &= ~((0 if facts.security & 1 << 1 else _SECURITY) | (0 if facts.cache else 1 << 5))
    words[85:88], words[88] = enabled, 0x7F
    if about.get("no_security"):
        words[82], words[85] = words[82] & ~_SECURITY, words[85] & ~_SECURITY
    words[89], words[90], words[92] = int(about.get("word89", 1)), int(about.get("word90", 1)), facts.master
    words[100:104] = struct.unpack("<4H", struct.pack("<Q", facts.sectors))
    words[106], words[108:112] = 0x4000, struct.unpack(">4H", naa_of(drive.name))
    words[128] = 0 if about.get("no_security") else facts.security
    words[217], words[222] = rotation, 0x10FF
    if rotation == 1:
        # TRIM, after which zeros are read.
        words[69], words[169] = 1 << 14 | 1 << 5, 1
    return _checked(words)


def configuration(sectors: int) -> bytes:
    """DEVICE CONFIGURATION IDENTIFY. C(sectors) is the most that there can be."""
    words = [0] * 256
    words[0], words[1], words[2] = 2, 7, 0x7F
    words[3:7] = struct.unpack("<4H", struct.pack("<Q", sectors - 1))
    # SMART, security and the protected area can be taken away; so can 48 bits.
    words[7] = 1 << 0 | 1 << 3 | 1 << 7 | 1 << 8
    return _checked(words)


def smart_data() -> bytes:
    data = bytearray(512)
    data[0] = 0x10
    # One attribute: hours that it was on.
    data[2:14] = struct.pack("<BHBB6sB", 9, 0x32, 100, 100, (1).to_bytes(6, "little"), 0)
    data[511] = -sum(data) & 0xFF
    return bytes(data)
