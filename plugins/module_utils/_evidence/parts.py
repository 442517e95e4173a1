# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal on a host, packed there or not, in compressed parts, as the controller fetches it; only read, and nothing is left on the host."""

from __future__ import annotations

import base64
import hashlib
import os
import typing as t
import zlib

from .._errors import EvidenceError
from .rotated import journal_opened

__all__ = ["MOST_COMPRESSED", "MOST_READ", "journal_part", "journal_told"]

MOST_COMPRESSED = 4 << 20
MOST_READ = 256 << 20
_CHUNK = 1 << 18
# Twice as quick as the usual level 6, and a tenth larger.
_LEVEL = 3


def journal_told(path: str, known_bytes: int) -> dict[str, t.Any]:
    """How long a journal is now, its digest, and the digest of its first C(known_bytes), none where it is shorter.

    :raises EvidenceError: it cannot be read.
    """
    file, name = journal_opened(path)
    with file:
        size = _length(file, name)
        known = _hashed(file, name, known_bytes) if known_bytes <= size else None
        beginning = None if known is None else known.hexdigest()
        whole = _hashed(file, name, size - known_bytes, known) if known is not None else _hashed(file, name, size)
    return {"size": size, "digest": f"sha256:{whole.hexdigest()}", "beginning": None if beginning is None else f"sha256:{beginning}"}


def _length(file: t.BinaryIO, name: str) -> int:
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    except OSError as error:
        raise EvidenceError(f"{name} cannot be read ({error.strerror}); read it from a copy, or repair the disk") from error
    return size


def _hashed(file: t.BinaryIO, name: str, length: int, begun: t.Any = None) -> t.Any:
    total = hashlib.sha256() if begun is None else begun
    while length:
        chunk = _read(file, name, min(length, _CHUNK))
        total.update(chunk)
        length -= len(chunk)
    return total


def _read(file: t.BinaryIO, name: str, length: int) -> bytes:
    try:
        chunk = file.read(length)
    except OSError as error:
        raise EvidenceError(f"{name} cannot be read ({error.strerror}); read it from a copy, or repair the disk") from error
    if not chunk:
        raise EvidenceError(f"{name} became shorter while it was fetched, which no run does; look who changes it")
    return chunk


def journal_part(path: str, offset: int, size: int) -> dict[str, t.Any]:
    """The bytes from C(offset) towards C(size): C(data), compressed by zlib, in Base64, and C(next), the offset behind them.

    :raises EvidenceError: it cannot be read, or is shorter.
    """
    file, name = journal_opened(path)
    pack, packed, at = zlib.compressobj(_LEVEL), bytearray(), offset
    with file:
        file.seek(offset)
        while at < min(size, offset + MOST_READ) and len(packed) < MOST_COMPRESSED:
            chunk = _read(file, name, min(size - at, _CHUNK))
            packed += pack.compress(chunk)
            at += len(chunk)
    packed += pack.flush()
    return {"data": base64.b64encode(packed).decode("ascii"), "next": at}
