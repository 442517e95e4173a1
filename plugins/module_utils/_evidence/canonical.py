# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON and digests.

UTF-8, sorted keys, no insignificant space, integers only; digests are C(sha256:<hex>).
A file name that is not UTF-8 keeps its bytes: Python holds each as a lone surrogate, which is written as its C(\\udcXX) escape.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

__all__ = ["canonical", "digest", "digest_of", "text_bytes"]

_PLAIN = frozenset((str, int, bool, type(None)))
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def text_bytes(text: str) -> bytes:
    """JSON text as bytes; lone surrogates become JSON escapes."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub(lambda m: f"\\u{ord(m.group()):04x}", text).encode("utf-8")


def _refuse_floats(value: t.Any, where: str) -> None:
    if isinstance(value, float):
        raise ValueError(f"{where or 'the document'} is a float; canonical JSON holds integers only")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where or 'the document'} has the key {key!r}; canonical JSON keys are text")
            # Journals have millions of these: no call, and no text of the place, for what is plainly right.
            if item.__class__ not in _PLAIN:
                _refuse_floats(item, f"{where}.{key}" if where else key)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if item.__class__ not in _PLAIN:
                _refuse_floats(item, f"{where}[{index}]")


def canonical(value: t.Any) -> bytes:
    """The canonical bytes of plain data, without a trailing newline.

    :raises ValueError: a float or a key that is not text.
    """
    _refuse_floats(value, "")
    return text_bytes(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def digest(data: bytes) -> str:
    """C(sha256:<hex>) of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(value: t.Any) -> str:
    """The digest of the canonical form of plain data."""
    return digest(canonical(value))
