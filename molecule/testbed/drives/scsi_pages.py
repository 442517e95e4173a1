# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a SCSI disk tells of itself, by the primary and block command specifications (SPC-5, SBC-4): pages and lists, without any state."""

from __future__ import annotations

import hashlib
import struct
import typing as t

__all__ = ["OPERATIONS", "Operation", "log_page", "mode_pages", "naa_of", "operation_list", "standard_inquiry", "vital_page"]


class Operation(t.NamedTuple):
    """A command that a disk supports: its service action, the length of its CDB, and which bits of it mean something."""

    code: int
    action: int | None
    usage: str

    @property
    def length(self) -> int:
        return len(self.usage) // 2


_LONG = "ffffffffffffffff"
OPERATIONS = (
    *(Operation(code, None, usage) for code, usage in ((0x00, "000000000004"), (0x03, "03010000ff04"), (0x04, "04ff00000304"))),
    *(Operation(code, None, f"{code:02x}1fffffff04") for code in (0x08, 0x0A)),
    *(Operation(code, None, usage) for code, usage in ((0x12, "1201ffffff04"), (0x15, "15110000ff04"))),
    *(Operation(code, None, usage) for code, usage in ((0x1A, "1a08ffffff04"), (0x1B, "1b010f0ff704"), (0x1E, "1e0000000304"))),
    Operation(0x25, None, "25000000000000000004"),
    *(Operation(code, None, f"{code:02x}18ffffffff3fffff04") for code in (0x28, 0x2A, 0x2F)),
    *(Operation(code, None, usage) for code, usage in ((0x35, "3502ffffffff3fffff04"), (0x41, "4108ffffffff3fffff04"))),
    *(Operation(code, None, usage) for code, usage in ((0x42, "42000000000000ffff04"), (0x4D, "4d00ffff0000ffffff04"))),
    *(Operation(0x48, action, f"48{0xE0 | action:02x}0000000000ffff04") for action in (0x01, 0x02, 0x03, 0x1F)),
    *(Operation(code, None, usage) for code, usage in ((0x55, "55110000000000ffff04"), (0x5A, "5a18ffff000000ffff04"))),
    *(Operation(code, None, f"{code:02x}18{_LONG}ffffffff3f04") for code in (0x88, 0x8A, 0x8F)),
    Operation(0x91, None, f"9102{_LONG}ffffffff3f04"),
    Operation(0x93, None, f"9309{_LONG}ffffffff3f04"),
    Operation(0x9E, 0x10, "9e10" + "00" * 8 + "ffffffff0004"),
    Operation(0xA0, None, "a000ff000000ffffffff0004"),
    Operation(0xA3, 0x0C, "a30c87ffffffffffffff0004"),
    *(Operation(code, None, f"{code:02x}18ffffffffffffffff3f04") for code in (0xA8, 0xAA)),
)


def naa_of(name: bytes) -> bytes:
    """A world wide name of a registered format, from what names the drive."""
    return b"\x50\x01\x40\x5f" + hashlib.sha256(name).digest()[:4]


def standard_inquiry(vendor: bytes, product: bytes) -> bytes:
    head = bytes([0, 0, 6, 0x12, 91, 0, 0, 2]) + vendor.ljust(8)[:8] + product.ljust(16)[:16] + b"0001" + bytes(22)
    # SAM-5, SPC-4 and SBC-3, as version descriptors.
    return (head + struct.pack(">3H", 0x00A0, 0x0460, 0x04C0)).ljust(96, b"\0")


def _designators(name: bytes, vendor: bytes) -> bytes:
    words = vendor + name
    return bytes([2, 1, 0, len(words)]) + words + bytes([1, 3, 0, 8]) + naa_of(name)


def vital_page(number: int, name: bytes, serial: str, vendor: bytes, rotation: int) -> bytes | None:
    """The body of a vital product data page; C(None) for one that there is not. C(rotation) 1 is no rotation at all."""
    solid = rotation == 1
    limits = struct.pack(">BBHIIIIIIIQ", 1, 0, 1, 2048, 0, 0, 65536 if solid else 0, 256 if solid else 0, 1, 0, 65536)
    pages = {
        0x80: serial.encode(),
        0x83: _designators(name, vendor),
        0x86: bytes([0, 0x07]) + bytes(58),
        0xB0: limits.ljust(60, b"\0"),
        0xB1: struct.pack(">HBB", rotation, 0, 2 if not solid else 3).ljust(60, b"\0"),
        0xB2: bytes([0, 0xE4 if solid else 0, 2 if solid else 0, 0]),
    }
    return bytes([0, *pages]) if number == 0 else pages.get(number)


def mode_pages(wanted: int, *, cache: bool, changeable: bool) -> bytes | None:
    """Mode pages: errors, caching, control and exceptions, as they are or which bits can be changed."""
    pages = {
        0x01: b"\x01\x0a\xc0\x0b" + bytes(8),
        0x08: bytes([0x08, 0x12, 4 * (cache or changeable)]) + bytes(17),
        0x0A: b"\x0a\x0a\x02" + bytes(9),
        0x1C: b"\x1c\x0a" + bytes(10),
    }
    if changeable:
        pages = {number: page if number == 0x08 else page[:2] + bytes(len(page) - 2) for number, page in pages.items()}
    return b"".join(pages.values()) if wanted == 0x3F else pages.get(wanted)


def log_page(number: int) -> bytes | None:
    """A log page: which there are, the temperature, and that no failure is foreseen."""
    pages = {0x00: b"\x00\x0d\x2f", 0x0D: b"\0\0\x03\x02\0\x1b\0\x01\x03\x02\0\x41", 0x2F: b"\0\0\x03\x04\0\0\x1b\0"}
    body = pages.get(number)
    return None if body is None else bytes([number, 0]) + struct.pack(">H", len(body)) + body


def operation_list(supported: t.Sequence[Operation]) -> bytes:
    rows = (struct.pack(">BxHxBH", each.code, each.action or 0, each.action is not None, each.length) for each in supported)
    body = b"".join(rows)
    return struct.pack(">I", len(body)) + body
