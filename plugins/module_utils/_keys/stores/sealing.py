# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AES-256-GCM of the library cryptography, for stores that cannot encrypt with associated data themselves."""

from __future__ import annotations

import secrets
import typing as t

from .store import StoreRefusedError, library

__all__ = ["open_sealed", "require_cryptography", "seal"]

_NONCE = 12
_TAG = 16


def require_cryptography(needed_by: str) -> None:
    """:raises StoreRefusedError: the library is missing."""
    library("cryptography.hazmat.primitives.ciphers.aead", "cryptography", needed_by)


def seal(key: bytes, secret: bytes, context: str) -> bytes:
    """Nonce, ciphertext and tag."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + t.cast(bytes, _cipher(key).encrypt(nonce, secret, context.encode()))


def open_sealed(key: bytes, sealed: bytes, context: str) -> bytes | None:
    """The secret; C(None) where it was damaged, or sealed under another key or for another context."""
    if len(sealed) < _NONCE + _TAG:
        return None
    from cryptography.exceptions import InvalidTag

    try:
        return t.cast(bytes, _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode()))
    except InvalidTag:
        return None


def _cipher(key: bytes) -> t.Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise StoreRefusedError("library", "the library cryptography is missing, so nothing was done; install it on this host") from None
    return AESGCM(key)
