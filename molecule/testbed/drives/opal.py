# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of a TCG Opal 2 drive as the kernel needs to revert it: Level 0 Discovery, and sessions of the Admin SP with its one method Revert.

Packets and tokens are those of the TCG Storage Architecture Core Specification 2.01. C(about) has C(sid) and C(psid), and whether locking is C(enabled) and
the drive C(locked) at first.
"""

from __future__ import annotations

import os
import struct
import typing as t

from .store import Drive

__all__ = ["Opal"]

COMID = 0x07FE
_HEADERS = struct.Struct(">I4sIII IIIHHII 6sHI")
_CALL, _END_OF_DATA, _START_LIST, _END_LIST, _START_NAME, _END_NAME = 0xF8, 0xF9, 0xF0, 0xF1, 0xF2, 0xF3
_SESSION_MANAGER, _ADMIN_SP = bytes.fromhex("00000000000000ff"), bytes.fromhex("0000020500000001")
_START_SESSION, _SYNC_SESSION = bytes.fromhex("000000000000ff02"), bytes.fromhex("000000000000ff03")
_REVERT = bytes.fromhex("0000000600000202")
_AUTHORITIES = {bytes.fromhex("0000000900000006"): "sid", bytes.fromhex("000000090001ff01"): "psid"}
_SUCCESS, _NOT_AUTHORIZED, _INVALID = 0, 1, 12
_SESSION = 0x1001
_PIECE = 1 << 20

Token = t.Union[int, bytes, str]


def _feature(code: int, data: bytes, length: int) -> bytes:
    return struct.pack(">HBB", code, 0x10, length) + data.ljust(length, b"\0")


def _number(value: int) -> bytes:
    if value < 0x40:
        return bytes([value])
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(data)]) + data


def _text(value: bytes) -> bytes:
    return bytes([0xA0 | len(value)]) + value


def _tokens(data: bytes) -> t.Iterator[Token]:
    """Numbers, byte strings, and control tokens as C(t) with their number."""
    place = 0
    while place < len(data):
        first = data[place]
        if first < 0x80:
            yield first & 0x3F
            place += 1
            continue
        if first >= 0xE0:
            yield f"t{first:x}"
            place += 1
            continue
        start, length = (place + 1, first & 0xF) if first < 0xC0 else (place + 2, (first & 7) << 8 | data[place + 1])
        value, is_text = data[start : start + length], first & (0x20 if first < 0xC0 else 0x10)
        yield value if is_text else int.from_bytes(value, "big")
        place = start + length


class Opal:
    """The locking of one drive."""

    def __init__(self, drive: Drive) -> None:
        self.drive, self.about = drive, drive.about["opal"]
        drive.state.setdefault("opal", {"enabled": bool(self.about.get("enabled")), "locked": bool(self.about.get("locked"))})
        self._answer = b""
        self._authority = ""

    @property
    def locked(self) -> bool:
        return bool(self.drive.state["opal"]["locked"])

    def receive(self, protocol: int, specific: int) -> bytes:
        if protocol == 1 and specific == 1:
            return self._discovery()
        answer, self._answer = self._answer, b""
        return answer if protocol == 1 and specific == COMID else b""

    def _discovery(self) -> bytes:
        state = self.drive.state["opal"]
        flags = 0x01 | bool(state["enabled"]) << 1 | bool(state["locked"]) << 2 | 0x08
        body = _feature(0x0001, b"\x01", 12) + _feature(0x0002, bytes([flags]), 12)
        body += _feature(0x0203, struct.pack(">HH", COMID, 1), 16)
        return struct.pack(">II40x", 44 + len(body), 1) + body

    def send(self, protocol: int, specific: int, data: bytes) -> None:
        if protocol != 1 or specific != COMID:
            return
        length = _HEADERS.unpack_from(data)[-1]
        tokens = list(_tokens(data[_HEADERS.size : _HEADERS.size + length]))
        if tokens[:3] == ["tf8", _SESSION_MANAGER, _START_SESSION]:
            self._start(tokens)
        elif tokens[:3] == ["tf8", _ADMIN_SP, _REVERT]:
            self._revert()
        else:
            self._reply(b"", _INVALID)

    def _start(self, tokens: t.Sequence[Token]) -> None:
        given = {tokens[at + 1]: tokens[at + 2] for at, token in enumerate(tokens) if token == "tf2"}
        authority = _AUTHORITIES.get(t.cast(bytes, given.get(3, b"")), "")
        self._authority = authority if authority and given.get(0) == self.about[authority].encode() else ""
        self.drive.note(f"opal session {authority or 'nobody'} -> {'authorized' if self._authority else 'not authorized'}")
        begins = bytes([_CALL]) + _text(_SESSION_MANAGER) + _text(_SYNC_SESSION)
        if self._authority:
            numbers = _number(t.cast(int, tokens[4])) + _number(_SESSION)
            self._reply(numbers, _SUCCESS, begins=begins)
        else:
            self._reply(b"", _NOT_AUTHORIZED, begins=begins)

    def _revert(self) -> None:
        """All media keys anew; of a drive whose locking was never taken into use they stay, as the specification allows."""
        if not self._authority:
            self._reply(b"", _NOT_AUTHORIZED)
            return
        self.drive.note(f"opal revert by {self._authority}")
        if self.drive.state["opal"]["enabled"] and not self.drive.behaviour.get("lie"):
            for place in range(0, self.drive.size, _PIECE):
                self.drive.write(place, os.urandom(min(_PIECE, self.drive.size - place)))
        self.drive.state["opal"] = {"enabled": False, "locked": False}
        self.drive.save()
        self._authority = ""
        self._reply(b"", _SUCCESS)

    def _reply(self, values: bytes, status: int, *, begins: bytes = b"") -> None:
        data = begins + bytes([_START_LIST]) + values + bytes([_END_LIST, _END_OF_DATA, _START_LIST, status, 0, 0, _END_LIST])
        padded = data + bytes(-len(data) % 4)
        comid = struct.pack(">HH", COMID, 0)
        lengths = len(padded) + 36, len(padded) + 12, len(data)
        self._answer = _HEADERS.pack(0, comid, 0, 0, lengths[0], 0, 0, 0, 0, 0, 0, lengths[1], bytes(6), 0, lengths[2]) + padded
