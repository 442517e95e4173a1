# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.luks import (
    SECOND_OFFSETS,
    Luks,
    digests_at,
    find_headers,
    is_second_of,
    parse_luks,
    strength_of,
    uuids_at,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._keys.luks_world import (
    DIGEST,
    KIB,
    SALT,
    UUID,
    Json,
    luks1,
    luks2,
    plain_json,
)

MIB = 1 << 20


def test_luks1() -> None:
    found = parse_luks(luks1(enabled=(0, 3)))
    assert found == Luks(1, UUID, (0,), (0, 2 * MIB), "aes-xts-plain64", 512, ("0", "3"), (), digests=(f"{SALT.hex()}:{DIGEST.hex()}",))
    # The last of eight key slots, each begun on a multiple of 4 KiB, ends with its 4000 stripes.
    assert parse_luks(luks1(payload=0)).area == (0, (8 + 7 * 504 + 500) * 512) and parse_luks(luks1(payload=0)).detached


@pytest.mark.parametrize("size", SECOND_OFFSETS)
def test_luks2_of_every_size(size: int) -> None:
    told = plain_json(size)
    found = parse_luks(bytes(luks2(told, size=size)))
    assert (found.version, found.uuid, found.copies, found.area) == (2, UUID, (0, size), (0, 16 * MIB))
    assert (found.cipher, found.key_bits, found.slots, found.detached, found.odd) == ("aes-xts-plain64", 512, ("0",), False, "")


@pytest.mark.parametrize("spoil", [lambda head: head.__setitem__(slice(0, 8), bytes(8)), lambda head: head.__setitem__(5000, 7)])
def test_the_second_copy_alone_tells_as_much(spoil: t.Callable[[bytearray], None]) -> None:
    head = luks2()
    whole = parse_luks(bytes(head))
    spoil(head)
    found = parse_luks(bytes(head))
    assert (found.uuid, found.area, found.slots) == (whole.uuid, whole.area, whole.slots)


def test_an_older_copy_may_tell_of_key_slots_that_the_newer_one_has_no_more() -> None:
    newer, older = plain_json(), plain_json()
    newer["segments"]["0"]["offset"] = older["segments"]["0"]["offset"] = "33554432"
    older["config"]["keyslots_size"] = str((64 << 20) - 32 * KIB)
    assert parse_luks(bytes(luks2(newer, second=older)), apart=True).area == (0, 64 * MIB)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "there is no LUKS header"),
        (bytes(MIB), "there is no LUKS header"),
        (b"LUKS\xba\xbe\0\3" + bytes(MIB), "there is no LUKS header"),
        (luks1()[:500], "the LUKS1 header is cut off"),
        (bytes(luks2())[: 8 * KIB], "spoilt in each copy that is left"),
        (bytes(luks2()).replace(b'"crypt"', b'"cript"'), "spoilt in each copy that is left"),
    ],
)
def test_what_cannot_be_understood(head: bytes, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        parse_luks(head)


def _segments(told: Json) -> None:
    told["segments"]["1"] = {**told["segments"]["0"], "offset": "20000000"}


def _opal(told: Json) -> None:
    told["segments"]["0"]["type"] = "hw-opal-crypt"


def _reencrypted(told: Json) -> None:
    told["config"]["requirements"] = {"mandatory": ["online-reencrypt-v2"]}


def _early(told: Json) -> None:
    told["segments"]["0"]["offset"] = "1048576"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_segments, "it has 2 segments"),
        (_opal, "it has segments of the type hw-opal-crypt"),
        (_reencrypted, "it has the requirement online-reencrypt-v2"),
        (_early, "its data begin before its key slots end"),
    ],
)
def test_a_key_that_may_lie_elsewhere_too(change: t.Callable[[Json], None], words: str) -> None:
    told = plain_json()
    change(told)
    assert parse_luks(bytes(luks2(told))).odd == words


def test_data_on_another_device_may_begin_anywhere() -> None:
    told = plain_json()
    _early(told)
    assert (parse_luks(bytes(luks2(told)), apart=True).odd, parse_luks(luks1(payload=64), apart=True).odd) == ("", "")
    assert parse_luks(luks1(payload=64)).odd == "its data begin before its key slots end"


def test_tokens_and_integrity() -> None:
    told = plain_json()
    told["tokens"] = {"0": {"type": "systemd-tpm2", "keyslots": ["0"]}, "1": {"type": "luks2-keyring", "keyslots": ["0"]}}
    told["segments"]["0"]["integrity"] = {"type": "hmac(sha256)", "journal_encryption": "none", "journal_integrity": "none"}
    found = parse_luks(bytes(luks2(told)))
    assert (found.tokens, found.odd) == (("0 (systemd-tpm2)", "1 (luks2-keyring)"), "")


def test_what_begins_as_a_header_tells_its_volume_also_where_it_is_spoilt() -> None:
    head = luks2()
    head[4096:8192] = bytes(4096)
    head += bytes(MIB)
    old = bytes(luks2(size=64 * KIB, uuid="of another volume"))
    head[64 * KIB : 128 * KIB] = old[64 * KIB : 128 * KIB]
    assert uuids_at(lambda offset, length: bytes(head[offset : offset + length])) == (
        (0, UUID),
        (16 * KIB, UUID),
        (64 * KIB, "of another volume"),
    )
    assert find_headers(bytes(head)) == (0, 16 * KIB, 64 * KIB)
    # What an earlier format left behind makes the area no larger.
    assert parse_luks(bytes(head)).area == (0, 16 * MIB) and parse_luks(bytes(head)).uuid == UUID


def _read(data: bytes | bytearray) -> t.Callable[[int, int], bytes]:
    return lambda offset, length: bytes(data[offset : offset + length])


def test_the_volume_key_is_recognised_whatever_the_version_of_the_header() -> None:
    told = plain_json()
    told["digests"]["1"] = {"type": "pbkdf2", "salt": "no base64"}
    own = (f"{SALT.hex()}:{DIGEST.hex()}",)
    whole, spoilt = luks2(told), luks2()
    spoilt[5000] ^= 1
    assert digests_at(_read(luks1()), 0) == digests_at(_read(whole), 0) == digests_at(_read(whole), 16 * KIB) == own
    assert parse_luks(bytes(whole)).digests == own
    assert digests_at(_read(spoilt), 0) == () and digests_at(_read(b""), 0) == () and digests_at(_read(bytes(whole[:5000])), 0) == ()
    assert is_second_of(_read(whole), 16 * KIB) and not is_second_of(_read(whole[8 * KIB :]), 8 * KIB) and not is_second_of(_read(b""), 9)


@pytest.mark.parametrize(
    ("cipher", "bits", "state"),
    [
        ("aes-xts-plain64", 512, "met"),
        ("aes-xts-plain64", 256, "met"),
        ("aes-xts-plain64", 128, "not_met"),
        ("aes-cbc-essiv:sha256", 128, "met"),
        ("xchacha12,aes-adiantum-plain64", 256, "met"),
        ("cipher_null-ecb", 256, "not_met"),
        ("des3_ede-cbc-plain", 192, "unknown"),
        ("aes-xts-plain64", 0, "unknown"),
        ("", 512, "unknown"),
    ],
)
def test_strength(cipher: str, bits: int, state: str) -> None:
    assert strength_of(Luks(2, UUID, (0,), (0, MIB), cipher, bits, (), ()))[0] == state
