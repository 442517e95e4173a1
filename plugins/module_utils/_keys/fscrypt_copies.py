# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of an fscrypt key in the places that people declare."""

from __future__ import annotations

import contextlib

from .._errors import RefusedError
from .backups import Backups, Read
from .fscrypt_metadata import identifier_of, parse_policy

__all__ = ["KeyCopies"]

_LONGEST = 4096


class KeyCopies(Backups):
    """Copies of the key, in bytes or in hexadecimal, and of the policy's metadata in the declared places."""

    what, many, whose = "copy of the key", "copies of the key", "copy of this key or of its policy's metadata"

    def recognises(self, read: Read, uuid: str) -> bool:
        data = read(0, _LONGEST)
        texts = [data, data.rstrip(b"\r\n")]
        with contextlib.suppress(ValueError):
            texts.append(bytes.fromhex(data.decode("ascii").strip()))
        if any(identifier_of(text) == uuid for text in texts):
            return True
        try:
            return parse_policy(data).identifier == uuid
        except RefusedError:
            return False
