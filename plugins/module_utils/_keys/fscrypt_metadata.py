# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata of the C(fscrypt) tool, and what names and wraps the keys of an fscrypt policy: pure functions over bytes.

The fields are those of the tool's C(metadata.proto) in protocol buffers' wire format; the derivations those of the kernel and of the tool.
"""

from __future__ import annotations

import hashlib
import hmac
import typing as t

from .._errors import RefusedError

__all__ = ["Policy", "Protector", "identifier_of", "opens_protector", "parse_policy", "parse_protector"]

_SOURCES = {1: "pam_passphrase", 2: "custom_passphrase", 3: "raw_key"}
_KEY_BYTES = 32
_IDENTIFIER_BYTES = 16
_LEAST_KEY, _MOST_KEY = 16, 64


class Wrapped(t.NamedTuple):
    """A key that another one wraps, with what shows whether that is the right one."""

    iv: bytes
    encrypted: bytes
    check: bytes


class Policy(t.NamedTuple):
    """A policy's file.

    :arg identifier: of the key, in hexadecimal.
    :arg protectors: descriptors of those that each wrap it.
    """

    identifier: str
    protectors: tuple[str, ...]


class Protector(t.NamedTuple):
    """A protector's file.

    :arg source: what opens it: C(pam_passphrase) of a login, C(custom_passphrase) or C(raw_key) of a file.
    """

    descriptor: str
    source: str
    wrapped: Wrapped


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number and the place behind it."""
    value = shift = 0
    while place < len(data) and shift < 64:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
    raise RefusedError("it is cut off within a number")


def _fields(data: bytes) -> t.Iterator[tuple[int, int | bytes]]:
    """Each field's number and what it holds.

    :raises RefusedError: it is no such message.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        length, place = _varint(data, place) if kind == 2 else ({1: 8, 5: 4}.get(kind, -1), place)
        if length < 0 or place + length > len(data) or not number:
            raise RefusedError("it is no message of protocol buffers, or is cut off")
        yield number, data[place : place + length]
        place += length


def _text(value: int | bytes) -> str:
    if not isinstance(value, bytes):
        raise RefusedError("it has a number where a text belongs")
    return value.decode("ascii", "replace")


def _message(value: int | bytes) -> dict[int, int | bytes]:
    if not isinstance(value, bytes):
        raise RefusedError("it has a number where a message belongs")
    return dict(_fields(value))


def _descriptor(text: str, length: int, what: str) -> str:
    if len(text) != length or set(text) - set("0123456789abcdef"):
        raise RefusedError(f"it has no {what} of {length} hexadecimal digits")
    return text


def parse_policy(data: bytes) -> Policy:
    """What a file below C(.fscrypt/policies) says.

    :raises RefusedError: it is none of a v2 policy.
    """
    identifier, protectors = "", []
    for number, value in _fields(data):
        if number == 1:
            identifier = _text(value)
        elif number == 3:
            protectors.append(_descriptor(_text(_message(value).get(1, b"")), 16, "protector's descriptor"))
    return Policy(_descriptor(identifier, 2 * _IDENTIFIER_BYTES, "identifier of a v2 policy's key"), tuple(protectors))


def parse_protector(data: bytes) -> Protector:
    """What a file below C(.fscrypt/protectors) says.

    :raises RefusedError: it is none.
    """
    fields = dict(_fields(data))
    descriptor = _descriptor(_text(fields.get(1, b"")), 16, "protector's descriptor")
    wrapped = _message(fields.get(7, b""))
    parts = [wrapped.get(number, b"") for number in (1, 2, 3)]
    iv, encrypted, check = (part if isinstance(part, bytes) else b"" for part in parts)
    if not (iv and encrypted and check):
        raise RefusedError("it has no wrapped key")
    source = fields.get(2, 0)
    return Protector(descriptor, _SOURCES.get(source, "unknown") if isinstance(source, int) else "unknown", Wrapped(iv, encrypted, check))


def _hkdf(algorithm: str, key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 without a salt."""
    size = hashlib.new(algorithm).digest_size
    secret = hmac.new(bytes(size), key, algorithm).digest()
    block, output = b"", b""
    for number in range(1, -(-length // size) + 1):
        block = hmac.new(secret, block + info + bytes([number]), algorithm).digest()
        output += block
    return output[:length]


def identifier_of(key: bytes) -> str:
    """The identifier that the kernel gives a v2 policy's key, in hexadecimal; empty where it takes no key of that length."""
    if not _LEAST_KEY <= len(key) <= _MOST_KEY:
        return ""
    return _hkdf("sha512", key, b"fscrypt\0\1", _IDENTIFIER_BYTES).hex()


def opens_protector(key: bytes, protector: Protector) -> bool:
    """Whether a raw key unwraps what a protector keeps."""
    if len(key) != _KEY_BYTES:
        return False
    check = _hkdf("sha256", key, b"", 2 * _KEY_BYTES)[_KEY_BYTES:]
    told = hmac.new(check, protector.wrapped.iv + protector.wrapped.encrypted, "sha256").digest()
    return hmac.compare_digest(told, protector.wrapped.check)
