# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pass writes: a repeated pattern, or an AES-256-CTR keystream that can be made again at any offset.

A keystream is read back without being stored: the same key, stream and offset give the same bytes.
"""

from __future__ import annotations

import mmap
import typing as t

from .._errors import RefusedError
from .schemes import Pass

__all__ = ["CHUNK", "Keystream", "Pattern", "Source", "new_key", "open_source"]

# The largest piece that is made, written or compared at once.
CHUNK = 1 << 20

_BLOCK = 16
_KEY_BYTES = 32
_ZEROS = bytes(CHUNK)


class Source(t.Protocol):
    """The bytes of one pass over many targets, each of which is a stream of its own.

    :ivar secret: nobody can foresee them, so no file holds them by chance.
    """

    secret: bool

    def fill(self, view: memoryview, *, stream: int, offset: int) -> None:
        """Put the bytes from C(offset) of a stream into C(view), at most C(CHUNK) of them."""

    def ready(self, *, offset: int, length: int) -> memoryview | None:
        """The same bytes without a copy, where they are at hand in memory that direct I/O takes."""

    def wipe(self) -> None:
        """Forget any secret; nothing can be filled afterwards."""


class Pattern:
    """A pattern repeated from offset 0 of each stream on."""

    secret = False

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._repeated = memoryview(b"")

    def fill(self, view: memoryview, *, stream: int, offset: int) -> None:
        start = offset % len(self._pattern)
        view[:] = self._upto(start + len(view))[start : start + len(view)]

    def ready(self, *, offset: int, length: int) -> memoryview | None:
        start = offset % len(self._pattern)
        return None if start % mmap.PAGESIZE else self._upto(start + length)[start : start + length]

    def _upto(self, length: int) -> memoryview:
        # Only as long as is asked for: a scheme of many passes has as many patterns open at once.
        repeated = self._repeated
        if len(repeated) < length:
            repeats = length // len(self._pattern) + 1
            repeated = memoryview(mmap.mmap(-1, repeats * len(self._pattern), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            repeated[:] = self._pattern * repeats
            self._repeated = repeated
        return repeated

    def wipe(self) -> None:
        """There is no secret; the memory is given back."""
        self._repeated = memoryview(b"")


def _aes() -> tuple[t.Any, t.Any, t.Any]:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR
    except ImportError as error:
        raise RefusedError(
            "a random pass needs the Python library cryptography, which this host's Python does not have; "
            "install the package python3-cryptography"
        ) from error
    return Cipher, AES, CTR


def new_key() -> bytearray:
    """A fresh key, which its owner can wipe.

    :raises RefusedError: the random device gave none.
    """
    key = bytearray(_KEY_BYTES)
    # Read into place: os.urandom would leave the key in an immutable object that cannot be wiped.
    with open("/dev/urandom", "rb", buffering=0) as device:
        if device.readinto(key) != _KEY_BYTES:
            raise RefusedError("/dev/urandom gave no key for a random pass; look at this host's random device")
    return key


class Keystream:
    """AES-256-CTR under a key that only this object and who gave it hold.

    The counter block is the stream's number (64 bits) before the block's number in it (64 bits), so that streams never meet.

    :arg key: 32 bytes, which are copied; a fresh key where none is given.
    :raises RefusedError: the library cryptography is missing.
    """

    secret = True

    def __init__(self, key: bytes | bytearray | None = None) -> None:
        self._cipher, self._aes, self._ctr = _aes()
        self._key = new_key() if key is None else bytearray(key)
        if len(self._key) != _KEY_BYTES:
            raise ValueError(f"a keystream's key has {_KEY_BYTES} bytes, not {len(self._key)}")

    def fill(self, view: memoryview, *, stream: int, offset: int) -> None:
        if not self._key:
            raise RuntimeError("the keystream was wiped")
        skip = offset % _BLOCK
        counter = (stream << 64 | offset // _BLOCK).to_bytes(_BLOCK, "big")
        encryptor = self._cipher(self._aes(self._key), self._ctr(counter)).encryptor()
        if skip:
            encryptor.update(_ZEROS[:skip])
        # Older releases of cryptography ask for 15 bytes of room behind what update_into writes: the last block goes another way.
        bulk = max(0, len(view) - _BLOCK)
        if bulk:
            encryptor.update_into(memoryview(_ZEROS)[:bulk], view)
        view[bulk:] = encryptor.update(_ZEROS[: len(view) - bulk])

    def ready(self, *, offset: int, length: int) -> memoryview | None:
        return None

    def wipe(self) -> None:
        for index in range(len(self._key)):
            self._key[index] = 0
        self._key = bytearray()


def open_source(pass_: Pass, *, key: bytes | bytearray | None = None) -> Source:
    """The source of a pass; a random one has the given key or a fresh one.

    :raises RefusedError: the library cryptography is missing.
    """
    return Keystream(key) if pass_.pattern is None else Pattern(pass_.pattern)
