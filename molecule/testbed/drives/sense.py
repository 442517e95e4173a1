# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sense data, in both forms that the SCSI primary commands specification (SPC-5) has for it."""

from __future__ import annotations

import struct
import typing as t

__all__ = ["CheckConditionError", "Sense"]


class Sense(t.NamedTuple):
    """Why a command ended as it did, or how far something is."""

    key: int
    code: int
    qualifier: int
    progress: int | None = None

    def fixed(self) -> bytes:
        sense = bytearray(18)
        sense[0], sense[2], sense[7], sense[12], sense[13] = 0x70, self.key, 10, self.code, self.qualifier
        if self.progress is not None:
            sense[15] = 0x80
            struct.pack_into(">H", sense, 16, self.progress)
        return bytes(sense)

    def descriptor(self) -> bytes:
        head = bytes([0x72, self.key, self.code, self.qualifier, 0, 0, 0])
        if self.progress is None:
            return head + b"\0"
        return head + b"\x08\x02\x06\0\0\x80" + struct.pack(">H", self.progress) + b"\0"

    def __str__(self) -> str:
        return f"{self.key:x}/{self.code:02x}/{self.qualifier:02x}"


class CheckConditionError(Exception):
    """A command that ends with CHECK CONDITION and this sense data, and with what it has read until then."""

    def __init__(self, sense: Sense | bytes, data: bytes = b"") -> None:
        super().__init__(str(sense) if isinstance(sense, Sense) else sense.hex())
        self.data = data
        self.sense = sense.fixed() if isinstance(sense, Sense) else sense
