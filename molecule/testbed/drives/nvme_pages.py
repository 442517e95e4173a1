# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an NVMe drive tells of itself: identify structures and logs, by the NVM Express base and NVM command set specifications (1.4, 2.0)."""

from __future__ import annotations

import hashlib
import struct
import typing as t
import uuid

from .store import Drive

__all__ = ["VERSION", "changed_log", "controller", "descriptors", "effects_log", "health_log", "namespace", "nqn_of", "sanitize_log"]

VERSION = 0x10400
PAGE = 4096
# Data of a command: 2^5 pages.
_LARGEST = 5
IN_CAPSULE = 131072
_STATES = {"never": 0, "done": 1, "in_progress": 2, "failed": 3}
# Supported; changes what blocks hold, what a namespace can do; runs alone on a namespace or on the whole controller.
_SUPPORTED, _CONTENT, _CAPABILITY, _ALONE, _ALL_ALONE = 1, 1 << 1, 1 << 2, 1 << 16, 2 << 16
_ADMIN = {
    **dict.fromkeys((0x02, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x18), _SUPPORTED),
    **{0x80: _SUPPORTED | _CONTENT | _CAPABILITY | _ALONE, 0x84: _SUPPORTED | _CONTENT | _ALL_ALONE},
}
_IO = {0x00: _SUPPORTED, 0x02: _SUPPORTED, **dict.fromkeys((0x01, 0x08, 0x09), _SUPPORTED | _CONTENT)}


def nqn_of(about: t.Mapping[str, t.Any]) -> str:
    return f"nqn.2026-01.example:{about['serial'].lower()}"


def _digest(drive: Drive, number: int) -> bytes:
    return hashlib.sha256(drive.name + b"/%d" % number).digest()


def eui64(drive: Drive, number: int) -> bytes:
    return b"\x02\x14\x05" + _digest(drive, number)[:5]


def nguid(drive: Drive, number: int) -> bytes:
    return _digest(drive, number)[5:13] + eui64(drive, number)


def controller(drive: Drive) -> bytes:
    page, about = bytearray(PAGE), drive.about
    page[4:24] = drive.serial.encode().ljust(20)[:20]
    page[24:64] = str(about.get("model", "TESTBED NVME")).encode().ljust(40)
    page[64:72] = b"1.0".ljust(8)
    page[77] = _LARGEST
    struct.pack_into("<HI", page, 78, 1, VERSION)
    page[111] = 1
    # Format NVM, security where it has Opal; whoever asks for the log gets its effects and any part of it.
    struct.pack_into("<H", page, 256, 1 << 1 | bool(about.get("opal")))
    page[258:262] = bytes([3, 3, 0x03, 1 << 1 | 1 << 2])
    struct.pack_into("<HH", page, 266, 343, 353)
    struct.pack_into("<H", page, 320, 10)
    # After a sanitize the media are not modified further, or they are deallocated.
    struct.pack_into("<I", page, 328, int(about.get("sanicap", 0x7)) | (2 if about.get("deallocates") else 1) << 30)
    page[512:514] = b"\x66\x44"
    struct.pack_into("<HIH", page, 514, 128, int(about.get("namespaces", 1)), 1 << 2 | 1 << 3)
    page[524], page[525] = int(about.get("fna", 0x4)), 1
    struct.pack_into("<I", page, 536, 1 | 1 << 20)
    page[768 : 768 + 256] = nqn_of(about).encode().ljust(256, b"\0")
    struct.pack_into("<IIHBB", page, 1792, 4 + IN_CAPSULE // 16, 1, 0, 0, 1)
    struct.pack_into("<HBB", page, 2048, 0, 9, 0x9)
    return bytes(page)


def namespace(drive: Drive, number: int, size: int, index: int, formats: t.Sequence[int]) -> bytes:
    """Identify Namespace. C(formats) are powers of two, C(index) the one in use."""
    page = bytearray(PAGE)
    blocks = size >> formats[index]
    struct.pack_into("<QQQ", page, 0, blocks, blocks, blocks)
    # Blocks that were deallocated are read as zeros.
    page[25], page[26], page[33] = len(formats) - 1, index, 1
    page[104:120], page[120:128] = nguid(drive, number), eui64(drive, number)
    for place, shift in enumerate(formats):
        struct.pack_into("<HBB", page, 128 + 4 * place, 0, shift, 0)
    return bytes(page)


def descriptors(drive: Drive, number: int) -> bytes:
    identifier = uuid.UUID(bytes=_digest(drive, number)[16:], version=4).bytes
    rows = ((1, eui64(drive, number)), (2, nguid(drive, number)), (3, identifier), (4, b"\0"))
    return b"".join(bytes([kind, len(value), 0, 0]) + value for kind, value in rows).ljust(PAGE, b"\0")


def health_log(drive: Drive) -> bytes:
    page = bytearray(512)
    page[0] = 8 if drive.behaviour.get("read_only") else 0
    struct.pack_into("<HBBB", page, 1, 300, 100, 10, 1)
    for place, value in ((112, drive.state["power_ons"]), (144, drive.state["power_losses"])):
        page[place : place + 16] = int(value).to_bytes(16, "little")
    return bytes(page)


def firmware_log() -> bytes:
    return (b"\x01".ljust(8, b"\0") + b"1.0".ljust(8)).ljust(512, b"\0")


def changed_log() -> bytes:
    return bytes(PAGE)


def effects_log(drive: Drive) -> bytes:
    admin = {code: effects for code, effects in _ADMIN.items() if code != 0x84 or int(drive.about.get("sanicap", 7))}
    admin.update(dict.fromkeys((0x81, 0x82), _SUPPORTED) if drive.about.get("opal") else {})
    return b"".join(struct.pack("<I", table.get(code, 0)) for table in (admin, _IO) for code in range(256)).ljust(PAGE, b"\0")


def sanitize_log(drive: Drive) -> bytes:
    log = drive.state["sanitize"]
    verifying = bool(log.get("verifying"))
    status = _STATES["in_progress" if verifying else log["state"]] | (log["passes"] & 0x1F) << 3 | bool(log["fresh"]) << 8
    can = int(drive.about.get("sanicap", 7))
    # Overwrite, block erase, crypto erase; then the same without deallocation.
    seconds = [max(int(drive.seconds), 1) if can >> bit & 1 else 0xFFFFFFFF for bit in (2, 1, 0)]
    page = struct.pack("<HHI6I", log["progress"], status, log["command"], *seconds, *seconds)
    # The state, since NVMe 2.1: 5 is media verification.
    return (page.ljust(36, b"\0") + bytes([5 if verifying else 0])).ljust(512, b"\0")
