# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""LUKS headers built byte by byte, as the on-disk formats 1.2.3 (LUKS1) and 1.1.1 (LUKS2) have them."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import typing as t

__all__ = ["DIGEST", "KIB", "SALT", "UUID", "Json", "luks1", "luks2", "plain_json"]

KIB = 1024
SALT, DIGEST = bytes(range(32)), bytes(range(100, 120))
UUID = "0b8cd7b2-1d8e-4d3e-9a3c-5a1f0c1e7d21"
Json = dict[str, t.Any]


def luks1(
    *,
    cipher: str = "aes",
    mode: str = "xts-plain64",
    key_bytes: int = 64,
    payload: int = 4096,
    uuid: str = UUID,
    enabled: t.Sequence[int] = (0,),
    digest: bytes = DIGEST,
) -> bytes:
    """The binary header; key slots of 4000 stripes, each begun on a multiple of 4 KiB.

    :arg payload: where the data begin, in sectors.
    """
    header = b"LUKS\xba\xbe" + (1).to_bytes(2, "big")
    header += cipher.encode().ljust(32, b"\0") + mode.encode().ljust(32, b"\0") + b"sha256".ljust(32, b"\0")
    header += payload.to_bytes(4, "big") + key_bytes.to_bytes(4, "big")
    header += digest + SALT + (1000).to_bytes(4, "big") + uuid.encode().ljust(40, b"\0")
    place = 8
    for number in range(8):
        header += (0x00AC71F3 if number in enabled else 0x0000DEAD).to_bytes(4, "big")
        header += (1000).to_bytes(4, "big") + bytes(32) + place.to_bytes(4, "big") + (4000).to_bytes(4, "big")
        place += -(-key_bytes * 4000 // 4096) * 8
    assert len(header) == 592
    return header


def _key() -> dict[str, str]:
    return {"salt": base64.b64encode(SALT).decode(), "digest": base64.b64encode(DIGEST).decode()}


def plain_json(size: int = 16 * KIB) -> Json:
    """What C(luksFormat) writes: one key slot, one segment of data at 16 MiB."""
    slot = {
        "type": "luks2",
        "key_size": 64,
        "area": {"type": "raw", "offset": str(2 * size), "size": "258048", "encryption": "aes-xts-plain64"},
    }
    segment = {
        "type": "crypt",
        "offset": "16777216",
        "size": "dynamic",
        "iv_tweak": "0",
        "encryption": "aes-xts-plain64",
        "sector_size": 512,
    }
    return {
        "keyslots": {"0": slot},
        "tokens": {},
        "segments": {"0": segment},
        "digests": {"0": {"type": "pbkdf2", "keyslots": ["0"], "segments": ["0"], **_key()}},
        "config": {"json_size": str(size - 4 * KIB), "keyslots_size": str((16 << 20) - 2 * size)},
    }


def _copy(told: Json, size: int, uuid: str, *, second: bool) -> bytes:
    header = (b"SKUL\xba\xbe" if second else b"LUKS\xba\xbe") + (2).to_bytes(2, "big")
    header += size.to_bytes(8, "big") + (3).to_bytes(8, "big") + bytes(48) + b"sha256".ljust(32, b"\0") + bytes(64)
    header += uuid.encode().ljust(40, b"\0") + bytes(48) + (size if second else 0).to_bytes(8, "big") + bytes(184)
    assert len(header) == 448
    whole = bytearray(header.ljust(4096, b"\0") + json.dumps(told).encode().ljust(size - 4096, b"\0"))
    whole[448:480] = hashlib.sha256(whole).digest()
    return bytes(whole)


def luks2(told: Json | None = None, *, size: int = 16 * KIB, uuid: str = UUID, second: Json | None = None) -> bytearray:
    """Both copies.

    :arg second: what the second one says, where that is something else.
    """
    first = copy.deepcopy(told or plain_json(size))
    return bytearray(_copy(first, size, uuid, second=False) + _copy(second or first, size, uuid, second=True))
