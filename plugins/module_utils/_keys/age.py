# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of an age file (C2SP age, version 1): who can decrypt it, and to which class and period it belongs.

Our files have one X25519 stanza and one label: a stanza of a type of our own, which other implementations ignore and the header's
MAC covers. So a host can tell from a file alone with which key it goes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import typing as t

from .agekeys import (
    FILE_KEY_BYTES,
    KEY_BYTES,
    TAG_BYTES,
    AgeError,
    Ephemeral,
    aead,
    derived,
    fingerprint,
    public_of,
    shared_secret,
    wipe,
)

__all__ = ["LABEL", "Header", "Label", "Stanza", "check", "make_header", "read_header", "require_own", "rewrap", "unwrap"]

VERSION = b"age-encryption.org/v1\n"
X25519 = "X25519"
LABEL = "recordings.disposal/period"
_INFO = b"age-encryption.org/v1/X25519"
_COLUMNS = 64
_MAC_BYTES = 32
# Of any length by the format; no header of ours, and none of age's with a few dozen recipients, comes near.
_LIMIT = 1 << 16
_NONCE = bytes(12)
_ARGUMENT = re.compile(r"[!-~]+")
_LABEL_PARTS = (
    re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}"),
    re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]|Q[1-4]))?"),
    re.compile(r"[0-9a-f]{32}"),
)


class Label(t.NamedTuple):
    """What a file is encrypted for.

    :arg retention_class: the class of its recording set.
    :arg period: such as C(2026-03), C(2026-Q1) or C(2026).
    :arg fingerprint: of the recipient.
    """

    retention_class: str
    period: str
    fingerprint: str


class Stanza(t.NamedTuple):
    """One way to the file key; C(arguments) are those behind its type."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    def encoded(self) -> bytes:
        text = _encoded(self.body)
        lines = [text[start : start + _COLUMNS] for start in range(0, len(text) + 1, _COLUMNS)]
        return "\n".join([" ".join(("->", self.type, *self.arguments)), *lines, ""]).encode("ascii")


class Header(t.NamedTuple):
    """A parsed header.

    :arg raw: its bytes as they stand in the file.
    :arg mac: the last line's, which only the file key can check.
    """

    raw: bytes
    stanzas: tuple[Stanza, ...]
    mac: bytes

    @property
    def length(self) -> int:
        """Bytes before the payload."""
        return len(self.raw)

    @property
    def label(self) -> Label | None:
        """The label; none where the file has none.

        :raises AgeError: several, or one that is not of our form.
        """
        found = [stanza for stanza in self.stanzas if stanza.type == LABEL]
        if not found:
            return None
        (stanza, *more) = found
        fits = len(stanza.arguments) == 3 and all(form.fullmatch(text) for form, text in zip(_LABEL_PARTS, stanza.arguments))
        if more or stanza.body or not fits:
            raise AgeError("the file has a label that is not of this collection's form; look at where it came from")
        return Label(*stanza.arguments)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    """Unpadded canonical base64.

    :raises ValueError: it is none.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError from error
    # The last character may carry bits that are dropped; then another text stands for the same bytes.
    if _encoded(data) != text:
        raise ValueError
    return data


def _malformed(what: str) -> AgeError:
    return AgeError(f"the file is not an age file of version 1: {what}")


class _Lines:
    """The lines of a header, read no further than they reach."""

    def __init__(self, file: t.BinaryIO) -> None:
        self._file = file
        self.raw = b""

    def next(self) -> str:
        line = self._file.readline(_LIMIT - len(self.raw))
        self.raw += line
        if not line.endswith(b"\n"):
            raise _malformed(
                "its header has no end" if len(self.raw) < _LIMIT else "its header is longer than any that this collection reads"
            )
        try:
            return line[:-1].decode("ascii")
        except UnicodeDecodeError:
            raise _malformed("its header is not ASCII") from None


def read_header(file: t.BinaryIO) -> Header:
    """The header at a file's position, which is left at the payload; the payload is not looked at.

    :raises AgeError: any difference from the format.
    """
    lines = _Lines(file)
    if f"{lines.next()}\n".encode() != VERSION:
        raise _malformed(
            "it does not begin with that version" + (", but as armored text" if lines.raw.startswith(b"-----BEGIN AGE") else "")
        )
    stanzas = []
    line = lines.next()
    while line.startswith("-> "):
        stanzas.append(_stanza(line, lines))
        line = lines.next()
    if not line.startswith("--- "):
        raise _malformed("a line of its header is neither a stanza nor the end")
    if not stanzas:
        raise _malformed("it has no recipient")
    try:
        mac = _decoded(line[4:])
    except ValueError:
        raise _malformed("its MAC is not canonical base64") from None
    if len(mac) != _MAC_BYTES:
        raise _malformed(f"its MAC has not {_MAC_BYTES} bytes")
    return Header(lines.raw, tuple(stanzas), mac)


def _stanza(line: str, lines: _Lines) -> Stanza:
    words = line[3:].split(" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise _malformed("a stanza has an empty or unprintable argument")
    text = ""
    part = "=" * _COLUMNS
    while len(part) == _COLUMNS:
        part = lines.next()
        if len(part) > _COLUMNS:
            raise _malformed("a line of a stanza's body is too long")
        text += part
    try:
        return Stanza(words[0], tuple(words[1:]), _decoded(text))
    except ValueError:
        raise _malformed("a stanza's body is not canonical base64") from None


def _mac(file_key: bytearray, raw: bytes) -> bytes:
    key = derived(file_key, salt=b"", info=b"header")
    try:
        # Up to and with the three hyphens of the last line.
        return hmac.digest(key, raw[: raw.rindex(b"\n---", 0, -1) + 4], "sha256")
    finally:
        wipe(key)


def make_header(file_key: bytearray, recipient: bytes, label: Label, ephemeral: Ephemeral) -> bytes:
    """A header that gives C(file_key) to the holder of one recipient's identity and to nobody else.

    :raises AgeError: the recipient is a point of low order.
    """
    key = _wrap_key(ephemeral.shared(recipient), ephemeral.share, recipient)
    body = aead(key).encrypt(_NONCE, bytes(file_key), None)
    wipe(key)
    stanzas = (Stanza(X25519, (_encoded(ephemeral.share),), body), Stanza(LABEL, tuple(label), b""))
    raw = VERSION + b"".join(stanza.encoded() for stanza in stanzas) + b"---"
    # Room for the last line, so that the MAC is taken over the same bytes as when it is checked.
    return raw + b" " + _encoded(_mac(file_key, raw + b" \n")).encode("ascii") + b"\n"


def _wrap_key(shared: bytearray, share: bytes, recipient: bytes) -> bytearray:
    key = derived(shared, salt=share + recipient, info=_INFO)
    wipe(shared)
    return key


def _x25519_stanzas(header: Header) -> list[tuple[bytes, bytes]]:
    """Share and body of each X25519 stanza.

    :raises AgeError: one that is malformed, which must not be passed over.
    """
    found = []
    for stanza in header.stanzas:
        if stanza.type != X25519:
            continue
        try:
            (share,) = map(_decoded, stanza.arguments)
        except ValueError:
            raise _malformed("an X25519 stanza has not one argument of canonical base64") from None
        if len(share) != KEY_BYTES or len(stanza.body) != FILE_KEY_BYTES + TAG_BYTES:
            raise _malformed("an X25519 stanza has a share or a body of another length")
        found.append((share, stanza.body))
    return found


def require_own(header: Header) -> Label:
    """The label of a file that has one X25519 recipient, a label, and no other way to its key.

    :raises AgeError: it has another recipient, or none, or no label.
    """
    others = sorted({stanza.type for stanza in header.stanzas} - {X25519, LABEL})
    if others or len(_x25519_stanzas(header)) != 1:
        raise AgeError(
            f"the file can be decrypted by others than the holder of one identity (it has {len(header.stanzas)} stanzas"
            f"{', ' + ', '.join(others)[:80] + ' among them' if others else ''}); look at where it came from"
        )
    label = header.label
    if label is None:
        raise AgeError("the file has no label of this collection, so it does not tell its class and period; look at where it came from")
    return label


def _opened(body: bytes, key: bytearray) -> bytearray | None:
    """What a stanza's body holds; none where the key is not its own."""
    from cryptography.exceptions import InvalidTag

    try:
        return bytearray(aead(key).decrypt(_NONCE, body, None))
    except InvalidTag:
        return None
    finally:
        wipe(key)


def _require_mac(header: Header, file_key: bytearray) -> bytearray:
    if not hmac.compare_digest(_mac(file_key, header.raw), header.mac):
        wipe(file_key)
        raise AgeError("the file's header was changed: its MAC does not fit")
    return file_key


def unwrap(header: Header, identity: bytes | bytearray) -> bytearray:
    """The file key, to be wiped, by an identity.

    :raises AgeError: no stanza is for this identity, or the header was changed.
    """
    recipient = public_of(identity)
    for share, body in _x25519_stanzas(header):
        file_key = _opened(body, _wrap_key(shared_secret(identity, share), share, recipient))
        if file_key is not None:
            return _require_mac(header, file_key)
    raise AgeError(f"no key: the file is not encrypted to the identity with the fingerprint {fingerprint(recipient)}")


def check(header: Header, ephemeral: Ephemeral, recipient: bytes, label: Label) -> bytearray:
    """The file key from a header that was read back, as the recipient's holder will find it; computed from the ephemeral secret.

    That holder computes the same shared secret from the share in the stanza, so what opens here opens there.

    :raises AgeError: the header is not what C(make_header) made of the same.
    """
    if require_own(header) != label:
        raise AgeError("the header read back has another label than was written")
    ((share, body),) = _x25519_stanzas(header)
    file_key = None if share != ephemeral.share else _opened(body, _wrap_key(ephemeral.shared(recipient), share, recipient))
    if file_key is None:
        raise AgeError("the header read back does not give the file key to its recipient")
    return _require_mac(header, file_key)


def rewrap(header: Header, identity: bytes | bytearray, recipient: bytes, label: Label) -> bytes:
    """A header that gives the same file key to another recipient and no longer to the first one; the payload stays as it is.

    :raises AgeError: the identity does not open it.
    """
    file_key = unwrap(header, identity)
    try:
        return make_header(file_key, recipient, label, Ephemeral())
    finally:
        wipe(file_key)
