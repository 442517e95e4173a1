# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the age format, and what is derived from them: X25519 identities and recipients, HKDF-SHA256, ChaCha20-Poly1305."""

from __future__ import annotations

import hashlib
import hmac
import typing as t

from .._errors import DisposalError, RefusedError
from . import bech32

__all__ = [
    "FILE_KEY_BYTES",
    "KEY_BYTES",
    "TAG_BYTES",
    "AgeError",
    "Ephemeral",
    "aead",
    "derived",
    "fingerprint",
    "identity_text",
    "new_secret",
    "parse_identity",
    "parse_recipient",
    "public_of",
    "recipient_text",
    "require_library",
    "shared_secret",
    "wipe",
]

KEY_BYTES = 32
FILE_KEY_BYTES = 16
TAG_BYTES = 16
_RECIPIENT = "age"
_IDENTITY = "age-secret-key-"
_FINGERPRINT_BYTES = 16


class AgeError(DisposalError):
    """A file, recipient or identity is not what the age format says; the text never holds a secret."""


def _x25519() -> t.Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import x25519
    except ImportError as error:
        raise _missing() from error
    return x25519


def _missing() -> RefusedError:
    return RefusedError(
        "encryption needs the Python library cryptography, which this host's Python does not have; install the package python3-cryptography"
    )


def aead(key: bytes | bytearray) -> t.Any:
    """ChaCha20-Poly1305 under a key.

    :raises RefusedError: the library cryptography is missing.
    """
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as error:
        raise _missing() from error
    return ChaCha20Poly1305(key)


def require_library() -> None:
    """Have all that encryption needs loaded before anything is begun.

    :raises RefusedError: the library cryptography is missing.
    """
    aead(bytes(KEY_BYTES))
    Ephemeral()


def new_secret(length: int) -> bytearray:
    """Fresh random bytes, which their owner can wipe.

    :raises RefusedError: the random device gave none.
    """
    secret = bytearray(length)
    # Read into place: os.urandom would leave the secret in an immutable object that cannot be wiped.
    with open("/dev/urandom", "rb", buffering=0) as device:
        if device.readinto(secret) != length:
            raise RefusedError("/dev/urandom gave no key; look at this host's random device")
    return secret


def wipe(*secrets: bytearray) -> None:
    """Overwrite secrets in memory; copies that libraries made are out of reach."""
    for secret in secrets:
        for index in range(len(secret)):
            secret[index] = 0


def derived(secret: bytes | bytearray, *, salt: bytes, info: bytes) -> bytearray:
    """HKDF-SHA256, 32 bytes."""
    extracted = hmac.digest(salt or bytes(hashlib.sha256().digest_size), secret, "sha256")
    return bytearray(hmac.digest(extracted, info + b"\x01", "sha256"))


class Ephemeral:
    """The secret half of one header's stanza, kept until the copy on the disk was checked; it goes with the object.

    :ivar share: its public half, which the stanza tells.
    """

    def __init__(self) -> None:
        self._secret = _x25519().X25519PrivateKey.generate()
        self.share = _raw_public(self._secret)

    def shared(self, recipient: bytes) -> bytearray:
        """What this secret and the recipient's holder alone can compute.

        :raises AgeError: the recipient is a point of low order, under which nothing is secret.
        """
        return _exchanged(self._secret, recipient)


def _raw_public(secret: t.Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw: bytes = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return raw


def _exchanged(secret: t.Any, public: bytes) -> bytearray:
    try:
        shared = bytearray(secret.exchange(_x25519().X25519PublicKey.from_public_bytes(public)))
    except ValueError as error:
        # The library refuses a result of zeros itself.
        raise AgeError("the public key is a point of low order, under which nothing would be secret; look at where it came from") from error
    if not any(shared):
        raise AgeError("the public key is a point of low order, under which nothing would be secret; look at where it came from")
    return shared


def shared_secret(identity: bytes | bytearray, share: bytes) -> bytearray:
    """What an identity and an ephemeral secret have in common.

    :raises AgeError: the share is a point of low order.
    """
    return _exchanged(_private(identity), share)


def _private(identity: bytes | bytearray) -> t.Any:
    # Older releases of the library ask for bytes.
    return _x25519().X25519PrivateKey.from_private_bytes(bytes(identity))


def public_of(identity: bytes | bytearray) -> bytes:
    """The recipient (32 bytes) of an identity."""
    return _raw_public(_private(identity))


def recipient_text(public: bytes) -> str:
    """A recipient as age writes it: C(age1) and so on."""
    return bech32.encode(_RECIPIENT, public)


def identity_text(identity: bytes | bytearray) -> str:
    """An identity as age writes it: C(AGE-SECRET-KEY-1) and so on."""
    return bech32.encode(_IDENTITY, identity).upper()


def _parsed(text: str, prefix: str, what: str) -> bytearray:
    try:
        found, data = bech32.decode(text)
    except ValueError as error:
        raise AgeError(f"{what} {error}; give it as age-keygen wrote it") from None
    if found != prefix or len(data) != KEY_BYTES:
        raise AgeError(f"{what} is none of an X25519 key, which begins with {prefix}1; give it as age-keygen wrote it")
    return data


def parse_recipient(text: str) -> bytes:
    """The public key of a recipient C(age1) and so on.

    :raises AgeError: it is none; an identity, which is a secret, is never repeated.
    """
    if text.upper().startswith(_IDENTITY.upper()):
        raise AgeError("the recipient is an identity, which is secret and has no place here; give its public half, which begins with age1")
    if text != text.lower():
        raise AgeError("the recipient has capital letters; give it as age-keygen wrote it")
    return bytes(_parsed(text, _RECIPIENT, "the recipient"))


def parse_identity(text: str) -> bytearray:
    """The secret key of an identity C(AGE-SECRET-KEY-1) and so on, to be wiped.

    :raises AgeError: it is none.
    """
    if text != text.upper():
        raise AgeError("the identity has small letters; give it as age-keygen wrote it")
    return _parsed(text, _IDENTITY, "the identity")


def fingerprint(public: bytes) -> str:
    """A name for a recipient in labels and evidence: 32 hexadecimal digits."""
    return hashlib.sha256(b"recordings.disposal/recipient\n" + public).hexdigest()[: 2 * _FINGERPRINT_BYTES]
