# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The age format: vectors of the specification, then every way in which a file may be malformed, then files whole."""

from __future__ import annotations

import base64
import hmac
import io
import os
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys import age, agekeys, bech32
from ansible_collections.recordings.disposal.plugins.module_utils._keys.age import Label, make_header, read_header, require_own, unwrap
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import (
    AgeError,
    Ephemeral,
    fingerprint,
    identity_text,
    parse_identity,
    parse_recipient,
    public_of,
    recipient_text,
)
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agestream import (
    CHUNK,
    NONCE_BYTES,
    Sealer,
    decrypt,
    encrypt,
    sealed_size,
)

# Of the specification: the identity is 32 times the byte 0x42.
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
SECRET = b"\x42" * 32
PUBLIC = public_of(SECRET)
OTHER = b"\x17" * 32
LABEL = Label("service-calls", "2026-03", fingerprint(PUBLIC))
FILE_KEY = bytearray(b"YELLOW SUBMARINE")
# The points of the curve that give zeros with every secret (of order 1, 2, 4 and 8).
LOW_ORDER = [
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def whole(plain: bytes, *, label: Label = LABEL, recipient: bytes = PUBLIC) -> bytes:
    out = io.BytesIO()
    out.write(make_header(FILE_KEY, recipient, label, Ephemeral()))
    encrypt(FILE_KEY, io.BytesIO(plain), out.write)
    return out.getvalue()


def opened(data: bytes, identity: bytes = SECRET) -> bytes:
    file, out = io.BytesIO(data), io.BytesIO()
    decrypt(unwrap(read_header(file), identity), file, out.write)
    return out.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def signed(text: str) -> bytes:
    """A header with a right MAC, whatever else is wrong with it; C(text) ends before the last line."""
    key = hmac.digest(hmac.digest(bytes(32), FILE_KEY, "sha256"), b"header\x01", "sha256")
    raw = text.encode("latin-1") + b"---"
    return raw + b" " + b64(hmac.digest(key, raw, "sha256")).encode() + b"\n"


def parts() -> tuple[str, str]:
    """Share and body of a good X25519 stanza, always the same."""
    secret = b"\x11" * 32
    share = public_of(secret)
    key = agekeys.derived(agekeys.shared_secret(secret, PUBLIC), salt=share + PUBLIC, info=b"age-encryption.org/v1/X25519")
    return b64(share), b64(agekeys.aead(bytes(key)).encrypt(bytes(12), bytes(FILE_KEY), None))


def test_the_specifications_identity_and_recipient() -> None:
    assert identity_text(SECRET) == IDENTITY and recipient_text(PUBLIC) == RECIPIENT
    assert parse_identity(IDENTITY) == SECRET and parse_recipient(RECIPIENT) == PUBLIC


@pytest.mark.parametrize("text", ["A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"])
def test_valid_bech32_of_bip_173(text: str) -> None:
    if "q" in text:
        # 32 values of five bits are 20 bytes.
        assert len(bech32.decode(text)[1]) == 20
    prefix, data = bech32.decode(text)
    assert bech32.encode(prefix, data) == text.lower()


@pytest.mark.parametrize(
    "text",
    ["", "1", "A1G7SGD8", "10a06t8", "1qzzfhee", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A12uEL5L", "split1cheo2y9e2w"],
)
def test_invalid_bech32_of_bip_173(text: str) -> None:
    with pytest.raises(ValueError, match="^(has|is|does)"):
        bech32.decode(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RECIPIENT[:-1] + "q", "has a slip"),
        (RECIPIENT.upper(), "has capital letters"),
        (RECIPIENT[:20] + RECIPIENT[20:].upper(), "has capital letters"),
        (bech32.encode("age", bytes(31)), "none of an X25519 key"),
        (bech32.encode("age1pq", bytes(32)), "none of an X25519 key"),
        (bech32.encode("agf", bytes(32)), "none of an X25519 key"),
        ("ssh-ed25519 AAAA", "has capital letters"),
        ("", "is not Bech32"),
        (IDENTITY, "is an identity, which is secret"),
        (IDENTITY.lower(), "is an identity, which is secret"),
    ],
)
def test_what_is_no_recipient(text: str, words: str) -> None:
    with pytest.raises(AgeError, match=words) as caught:
        parse_recipient(text)
    assert IDENTITY[20:] not in caught.value.message.upper()


@pytest.mark.parametrize(
    "text", [IDENTITY.lower(), IDENTITY[:-1] + "Q", RECIPIENT, bech32.encode("age-secret-key-", bytes(31)).upper(), ""]
)
def test_what_is_no_identity(text: str) -> None:
    with pytest.raises(AgeError) as caught:
        parse_identity(text)
    assert text == "" or text[16:] not in caught.value.message


GOOD_SHARE, GOOD_BODY = parts()
START = "age-encryption.org/v1\n"
STANZA = f"-> X25519 {GOOD_SHARE}\n{GOOD_BODY}\n"
SHORT = "-> other\n\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "its header has no end"),
        (b"RIFF\x00\x00", "its header has no end"),
        (signed(f"age-encryption.org/v2\n{STANZA}"), "does not begin with that version"),
        (signed(f"age-encryption.org/v1\r\n{STANZA}"), "does not begin with that version"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n", "but as armored text"),
        (signed(START), "it has no recipient"),
        (signed(f"{START}{STANZA}\n"), "neither a stanza nor the end"),
        (signed(f"{START}->X25519 a\n\n"), "neither a stanza nor the end"),
        (signed(f"{START}-> \n\n"), "empty or unprintable argument"),
        (signed(f"{START}-> a  b\n\n"), "empty or unprintable argument"),
        (signed(f"{START}-> a \n\n"), "empty or unprintable argument"),
        (signed(f"{START}-> a\tb\n\n"), "empty or unprintable argument"),
        (signed(f"{START}-> \xe9\n\n"), "not ASCII"),
        (signed(f"{START}-> other\n{'A' * 65}\n"), "body is too long"),
        (signed(f"{START}-> other\n{'A' * 128}\n\n"), "body is too long"),
        (signed(f"{START}-> other\n{'A' * 64}\n{'A' * 65}\n"), "body is too long"),
        (signed(f"{START}-> other\n{'A' * 64}\n"), "not canonical base64"),
        (signed(f"{START}-> other\nAB\n"), "not canonical base64"),
        (signed(f"{START}-> other\nAA==\n"), "not canonical base64"),
        (signed(f"{START}-> other\nA\n"), "not canonical base64"),
        (signed(f"{START}-> other\nA-_A\n"), "not canonical base64"),
        (signed(f"{START}-> other\nAAAA \n"), "not canonical base64"),
        (signed(f"{START}-> other\nAAAA\r\n"), "not canonical base64"),
        (signed(f"{START}{STANZA}")[:-1], "its header has no end"),
        (signed(f"{START}{STANZA}")[:-2] + b"\n", "its MAC"),
        (signed(f"{START}{STANZA}")[:-1] + b"=\n", "its MAC is not canonical base64"),
        (signed(f"{START}{STANZA}")[:-2] + b"B\n", "its MAC is not canonical base64"),
        (signed(f"{START}{STANZA}")[:-3] + b"\n", "its MAC has not 32 bytes|not canonical"),
        (f"{START}{STANZA}---\n".encode(), "neither a stanza nor the end"),
        (f"{START}{STANZA}--- {b64(bytes(31))}\n".encode(), "its MAC has not 32 bytes"),
        (START.encode() + b"-> " + b"a" * 70000, "longer than any that this collection reads"),
        (START.encode() + SHORT.encode() * 7000, "longer than any that this collection reads"),
    ],
)
def test_malformed_headers(raw: bytes, words: str) -> None:
    with pytest.raises(AgeError, match=words) as caught:
        read_header(io.BytesIO(raw))
    assert "\n" not in caught.value.message


def test_a_body_that_ends_on_a_whole_line_is_followed_by_an_empty_one() -> None:
    header = read_header(io.BytesIO(signed(f"{START}-> other x\n{'A' * 64}\n\n{STANZA}")))
    assert header.stanzas[0].body == bytes(48) and header.stanzas[0].encoded() == f"-> other x\n{'A' * 64}\n\n".encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"-> X25519\n{GOOD_BODY}\n", "has not one argument"),
        (f"-> X25519 {GOOD_SHARE} x\n{GOOD_BODY}\n", "has not one argument"),
        (f"-> X25519 {GOOD_SHARE}=\n{GOOD_BODY}\n", "has not one argument"),
        (f"-> X25519 {GOOD_SHARE[:-1]}\n{GOOD_BODY}\n", "of another length|has not one argument"),
        (f"-> X25519 {b64(bytes(31))}\n{GOOD_BODY}\n", "of another length"),
        (f"-> X25519 {GOOD_SHARE}\n{b64(bytes(31))}\n", "of another length"),
        (f"-> X25519 {GOOD_SHARE}\n\n", "of another length"),
        (f"{STANZA}-> X25519 {GOOD_SHARE}\n{b64(bytes(33))}\n", "of another length"),
        (f"-> x25519 {GOOD_SHARE}\n{GOOD_BODY}\n", "no key"),
        (SHORT, "no key"),
        (f"-> X25519 {b64(public_of(OTHER))}\n{GOOD_BODY}\n", "no key"),
        *((f"-> X25519 {b64(point)}\n{GOOD_BODY}\n", "low order") for point in LOW_ORDER),
    ],
)
def test_stanzas_that_open_nothing(text: str, words: str) -> None:
    header = read_header(io.BytesIO(signed(START + text)))
    with pytest.raises(AgeError, match=words):
        unwrap(header, SECRET)


def test_what_stands_beside_a_stanza_of_ours() -> None:
    header = read_header(io.BytesIO(signed(f"{START}-> grease-grease x y\nAAAA\n{STANZA}{SHORT}")))
    assert unwrap(header, SECRET) == FILE_KEY
    with pytest.raises(
        AgeError, match="can be decrypted by others than the holder of one identity .it has 3 stanzas, grease-grease, other"
    ):
        require_own(header)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STANZA, "has no label of this collection"),
        (STANZA * 2 + f"-> {age.LABEL} calls 2026-03 {'0' * 32}\n\n", "can be decrypted by others"),
        (f"-> {age.LABEL} calls 2026-03 {'0' * 32}\n\n", "can be decrypted by others"),
        (STANZA + f"-> {age.LABEL} calls 2026-03 {'0' * 32}\n\n" * 2, "label that is not of this collection's form"),
        (STANZA + f"-> {age.LABEL} calls 2026-13 {'0' * 32}\n\n", "label that is not of this collection's form"),
        (STANZA + f"-> {age.LABEL} Calls 2026-03 {'0' * 32}\n\n", "label that is not of this collection's form"),
        (STANZA + f"-> {age.LABEL} calls 2026-03 {'0' * 31}\n\n", "label that is not of this collection's form"),
        (STANZA + f"-> {age.LABEL} calls 2026-03\n\n", "label that is not of this collection's form"),
        (STANZA + f"-> {age.LABEL} calls 2026-03 {'0' * 32}\nAAAA\n", "label that is not of this collection's form"),
    ],
)
def test_files_that_are_not_wholly_ours(text: str, words: str) -> None:
    with pytest.raises(AgeError, match=words):
        require_own(read_header(io.BytesIO(signed(START + text))))


def test_a_recipient_of_low_order_gets_nothing() -> None:
    for point in LOW_ORDER:
        with pytest.raises(AgeError, match="low order"):
            make_header(FILE_KEY, point, LABEL, Ephemeral())


def test_every_bit_of_the_header_counts() -> None:
    data = whole(b"a recording")
    length = read_header(io.BytesIO(data)).length
    for place in range(length):
        for bit in (1, 0x20, 0x80):
            spoilt = bytearray(data)
            spoilt[place] ^= bit
            with pytest.raises(AgeError):
                opened(bytes(spoilt))
    with pytest.raises(AgeError, match="^no key: the file is not encrypted to the identity"):
        opened(data, OTHER)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20])
def test_round_trip(size: int) -> None:
    plain = os.urandom(size)
    data = whole(plain)
    assert opened(data) == plain
    header = read_header(io.BytesIO(data))
    assert require_own(header) == LABEL == header.label
    assert len(data) == header.length + sealed_size(size)


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_payload_cut_off_or_added_to(size: int) -> None:
    plain = os.urandom(size)
    data = whole(plain)
    start = read_header(io.BytesIO(data)).length
    payload = start + NONCE_BYTES
    sealed = CHUNK + agekeys.TAG_BYTES
    cuts = {
        0,
        1,
        start,
        start + 1,
        payload - 1,
        payload,
        payload + 1,
        payload + 15,
        payload + 16,
        len(data) - 1,
        len(data) - 16,
        len(data) - 17,
    }
    cuts |= {payload + number * sealed + more for number in range(4) for more in (-1, 0, 1, 16)}
    for cut in sorted(cut for cut in cuts if 0 <= cut < len(data)):
        with pytest.raises(AgeError):
            opened(data[:cut])
    for more in (b"\0", bytes(16), data[payload:], data):
        with pytest.raises(AgeError):
            opened(data + more)


def _chunks(*pieces: tuple[bytes, int, bool]) -> bytes:
    """A payload of chunks with any number and end."""
    sealer = Sealer(FILE_KEY)
    out = make_header(FILE_KEY, PUBLIC, LABEL, Ephemeral()) + sealer.nonce
    for data, number, last in pieces:
        sealer._number, sealer._ended = number, False
        out += sealer.seal(data, last=last)
    return out


FULL = bytes(CHUNK)


@pytest.mark.parametrize(
    "pieces",
    [
        [(FULL, 0, False), (b"", 1, True)],
        [(FULL, 0, False), (FULL, 1, False)],
        [(FULL, 1, False), (b"x", 0, True)],
        [(FULL, 0, False), (b"x", 2, True)],
        [(FULL, 0, True), (b"x", 1, True)],
        [(b"x", 0, True), (b"x", 1, True)],
        [(b"", 1, True)],
        [(FULL, 0, False)],
        [],
    ],
)
def test_chunks_out_of_order_or_without_an_end(pieces: list[tuple[bytes, int, bool]]) -> None:
    with pytest.raises(AgeError, match="payload"):
        opened(_chunks(*pieces))


def test_each_byte_of_a_small_payload_counts() -> None:
    data = whole(b"0123456789")
    for place in range(read_header(io.BytesIO(data)).length, len(data)):
        spoilt = bytearray(data)
        spoilt[place] ^= 1
        with pytest.raises(AgeError, match="payload was changed or cut off"):
            opened(bytes(spoilt))


class _Drip(io.RawIOBase):
    """Gives a few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 7001))


def test_a_source_that_gives_little_at_once() -> None:
    plain = os.urandom(3 * CHUNK)
    sealed, out = io.BytesIO(), io.BytesIO()
    encrypt(FILE_KEY, t.cast(t.BinaryIO, _Drip(plain)), sealed.write)
    decrypt(FILE_KEY, t.cast(t.BinaryIO, _Drip(sealed.getvalue())), out.write)
    assert out.getvalue() == plain


def test_rewrapped_it_opens_for_the_new_one_only() -> None:
    plain = os.urandom(CHUNK + 5)
    data = whole(plain)
    header = read_header(io.BytesIO(data))
    label = Label("held", "2026", fingerprint(public_of(OTHER)))
    moved = age.rewrap(header, SECRET, public_of(OTHER), label) + data[header.length :]
    assert opened(moved, OTHER) == plain and require_own(read_header(io.BytesIO(moved))) == label
    with pytest.raises(AgeError, match="no key"):
        opened(moved)
    with pytest.raises(AgeError, match="no key"):
        age.rewrap(header, OTHER, PUBLIC, label)


def test_a_header_read_back_is_checked_with_the_ephemeral_secret() -> None:
    ephemeral = Ephemeral()
    raw = make_header(FILE_KEY, PUBLIC, LABEL, ephemeral)
    header = read_header(io.BytesIO(raw))
    assert age.check(header, ephemeral, PUBLIC, LABEL) == FILE_KEY
    with pytest.raises(AgeError, match="another label"):
        age.check(header, ephemeral, PUBLIC, LABEL._replace(period="2026-04"))
    with pytest.raises(AgeError, match="does not give the file key to its recipient"):
        age.check(header, ephemeral, public_of(OTHER), LABEL)
    with pytest.raises(AgeError, match="does not give the file key to its recipient"):
        age.check(header, Ephemeral(), PUBLIC, LABEL)
    for place in range(len(raw)):
        spoilt = bytearray(raw)
        spoilt[place] ^= 1
        with pytest.raises(AgeError):
            age.check(read_header(io.BytesIO(bytes(spoilt))), ephemeral, PUBLIC, LABEL)


def test_secrets_are_wiped() -> None:
    secret = agekeys.new_secret(32)
    assert any(secret)
    agekeys.wipe(secret)
    assert not any(secret)
