# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The payload of an age file: chunks of 64 KiB under ChaCha20-Poly1305, each knowing its number and whether it is the last."""

from __future__ import annotations

import os
import typing as t

from .agekeys import TAG_BYTES, AgeError, aead, derived, wipe

__all__ = ["CHUNK", "NONCE_BYTES", "SEALED", "Opener", "Sealer", "decrypt", "encrypt", "sealed_size"]

# In bytes: of plaintext in each chunk but the last.
CHUNK = 1 << 16
NONCE_BYTES = 16
SEALED = CHUNK + TAG_BYTES
_PIECES = 16


def sealed_size(size: int) -> int:
    """The bytes of a payload, its nonce among them, of C(size) bytes of plaintext."""
    return NONCE_BYTES + size + TAG_BYTES * max(1, -(-size // CHUNK))


class _Stream:
    def __init__(self, file_key: bytearray, nonce: bytes) -> None:
        self._key = derived(file_key, salt=nonce, info=b"payload")
        self._aead = aead(self._key)
        self._number = 0
        self._ended = False

    def _next(self, last: bool) -> bytes:
        if self._ended:
            raise RuntimeError("the payload has its last chunk already")
        self._ended = last
        nonce = self._number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
        self._number += 1
        return nonce

    def wipe(self) -> None:
        """Forget the key; nothing is encrypted or decrypted afterwards."""
        self._ended = True
        wipe(self._key)


class Sealer(_Stream):
    """Encrypts the payload of one file.

    :ivar nonce: what stands before the first chunk.
    """

    def __init__(self, file_key: bytearray) -> None:
        self.nonce = os.urandom(NONCE_BYTES)
        super().__init__(file_key, self.nonce)
        # Of newer releases of the library: it spares memory that is new for each chunk.
        self._into = getattr(self._aead, "encrypt_into", None)

    def seal_into(self, data: memoryview, out: memoryview, *, last: bool) -> int:
        """The chunks of C(data), which is a multiple of C(CHUNK) long unless it ends the payload; returns their length."""
        if not last and (not data or len(data) % CHUNK):
            raise ValueError("only the last piece of a payload may be odd")
        position = 0
        end = max(1, len(data))
        for start in range(0, end, CHUNK):
            chunk = data[start : start + CHUNK]
            nonce = self._next(last and start + CHUNK >= end)
            place = out[position : position + len(chunk) + TAG_BYTES]
            if self._into is not None:
                self._into(nonce, chunk, None, place)
            else:
                # Older releases ask for bytes.
                place[:] = self._aead.encrypt(nonce, bytes(chunk), None)
            position += len(place)
        return position

    def seal(self, data: bytes, *, last: bool) -> bytes:
        """The same in new memory."""
        out = bytearray(len(data) + TAG_BYTES * max(1, -(-len(data) // CHUNK)))
        return bytes(out[: self.seal_into(memoryview(data), memoryview(out), last=last)])


class Opener(_Stream):
    """Decrypts the payload of one file."""

    def __init__(self, file_key: bytearray, nonce: bytes) -> None:
        super().__init__(file_key, nonce)
        self._into = getattr(self._aead, "decrypt_into", None)

    def open_into(self, data: memoryview, out: memoryview, *, last: bool) -> int:
        """The plaintext of whole chunks, with C(last) of the chunks that end the payload; returns its length.

        :raises AgeError: a chunk was changed, moved, cut off or added.
        """
        from cryptography.exceptions import InvalidTag

        position = 0
        end = max(1, len(data))
        for start in range(0, end, SEALED):
            chunk = data[start : start + SEALED]
            ends = last and start + SEALED >= end
            if len(chunk) < TAG_BYTES or (len(chunk) < SEALED and not ends):
                raise AgeError("the file's payload is cut off")
            if len(chunk) == TAG_BYTES and self._number:
                raise AgeError("the file's payload has an empty chunk at its end")
            place = out[position : position + len(chunk) - TAG_BYTES]
            nonce = self._next(ends)
            try:
                if self._into is not None:
                    self._into(nonce, chunk, None, place)
                else:
                    place[:] = self._aead.decrypt(nonce, bytes(chunk), None)
            except InvalidTag:
                raise AgeError(f"the file's payload was changed or cut off: its chunk {self._number} does not open") from None
            position += len(place)
        return position

    def open(self, data: bytes, *, last: bool) -> bytes:
        """The same in new memory."""
        out = bytearray(len(data))
        return bytes(out[: self.open_into(memoryview(data), memoryview(out), last=last)])


def encrypt(file_key: bytearray, source: t.BinaryIO, write: t.Callable[[bytes], object]) -> None:
    """The whole payload of what C(source) gives from its position on."""
    sealer = Sealer(file_key)
    try:
        write(sealer.nonce)
        for data, last in _pieces(source, CHUNK * _PIECES):
            write(sealer.seal(data, last=last))
    finally:
        sealer.wipe()


def decrypt(file_key: bytearray, source: t.BinaryIO, write: t.Callable[[bytes], object]) -> None:
    """The whole plaintext of a payload from C(source)'s position to its end; what was written counts only once this has returned.

    :raises AgeError: the payload was changed, cut off, or has something behind its end.
    """
    nonce = _filled(source, NONCE_BYTES)
    if len(nonce) < NONCE_BYTES:
        raise AgeError("the file's payload is cut off")
    opener = Opener(file_key, nonce)
    try:
        for data, last in _pieces(source, SEALED * _PIECES):
            write(opener.open(data, last=last))
    finally:
        opener.wipe()


def _pieces(source: t.BinaryIO, length: int) -> t.Iterator[tuple[bytes, bool]]:
    """Pieces of C(length), at least one, each with whether it is the last."""
    data = _filled(source, length)
    while True:
        ahead = _filled(source, length) if data else b""
        yield data, not ahead
        if not ahead:
            return
        data = ahead


def _filled(source: t.BinaryIO, length: int) -> bytes:
    """As many bytes as there are, up to C(length): a pipe gives fewer at once."""
    data = source.read(length)
    while data and len(data) < length:
        more = source.read(length - len(data))
        if not more:
            break
        data += more
    return data
