# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: blocks that only the holder of a key can foresee, laid across a medium before it is sanitized and looked for afterwards."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from .._errors import RefusedError

__all__ = ["BLOCK", "COUNT", "Canaries", "parse_canaries"]

FORMAT = "recordings.disposal/canaries/1"
BLOCK = 4096
COUNT = 4096

_KEY_BYTES = 32
# No medium is larger, and sanitize lays no more of them.
_MOST_BYTES, _MOST_CANARIES = 1 << 63, 1 << 20
# The piece in which a canary is compared, in bytes: what is left of one is found although the rest of it is gone.
_PIECE = 16


@dataclass(frozen=True)
class Canaries:
    """Where the canaries of one medium lie and what they hold.

    :arg key: 32 bytes.
    :arg size: of the medium, in bytes.
    :arg count: one at each end, the others in as many equal sections, each at a place that the key chooses.
    """

    key: bytes
    size: int
    count: int = COUNT

    def places(self) -> list[int]:
        """The offsets in bytes, in order, each a multiple of C(BLOCK)."""
        blocks = self.size // BLOCK
        if blocks <= self.count:
            return [number * BLOCK for number in range(blocks)]
        inner, sections = blocks - 2, max(self.count - 2, 0)
        places = {0, blocks - 1}
        for number in range(sections):
            first, end = 1 + number * inner // sections, 1 + (number + 1) * inner // sections
            places.add(first + int.from_bytes(self._derived(b"place", number, 8), "big") % (end - first))
        return [place * BLOCK for place in sorted(places)]

    def content(self, place: int) -> bytes:
        """What C(BLOCK) bytes at an offset hold."""
        return self._derived(b"block", place, BLOCK)

    def remains(self, place: int, data: bytes | memoryview) -> int:
        """How many bytes of the canary at an offset are still in what was read there."""
        expected = self.content(place)
        if expected == data:
            return BLOCK
        return sum(_PIECE for start in range(0, BLOCK, _PIECE) if expected[start : start + _PIECE] == data[start : start + _PIECE])

    def document(self) -> bytes:
        """As a file, which C(parse_canaries) reads; who has it can make a drive look as if it held the canaries still, no more."""
        told = {"format": FORMAT, "key": self.key.hex(), "size": self.size, "count": self.count}
        return json.dumps(told, sort_keys=True).encode() + b"\n"

    def _derived(self, purpose: bytes, number: int, length: int) -> bytes:
        return hashlib.shake_256(self.key + purpose + number.to_bytes(8, "big")).digest(length)


def parse_canaries(text: bytes) -> Canaries:
    """What C(Canaries.document) gave.

    :raises RefusedError: it is something else.
    """
    try:
        told = json.loads(text)
        key, size, count = bytes.fromhex(told["key"]), told["size"], told["count"]
        sound = told["format"] == FORMAT and len(key) == _KEY_BYTES and _whole(size, _MOST_BYTES) and _whole(count, _MOST_CANARIES)
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise RefusedError(
            f"the canaries' file is not of the format {FORMAT}, so nothing was read; give the file that sanitize has written"
        )
    return Canaries(key, size, count)


def _whole(value: t.Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
