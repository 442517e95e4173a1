# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that fscrypt 0.3.3 has written, with a throw-away key; identifiers as Linux 6.18 gives them for known keys."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_copies import KeyCopies
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_kernel import KernelPolicy, parse_kernel_policy, strength_of
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_metadata import (
    identifier_of,
    opens_protector,
    parse_policy,
    parse_protector,
)

POLICY = bytes.fromhex(
    "0a206136323134656336373061653864646462633430343938306566343932376563120808201001180420021a8a010a10396263386636393066666362636563"
    "3412760a10c398a35c9a3021dabe33184caada2ec51240cf9f02a521392a2997df6799f9996d4e481812631722f88cbe7ff36af141dba2933701da14cd43fa75"
    "f627f1ba07345a71794a2efe3f0252c190a6bc1ec069ca1a20b22dccf6e05f2dcc11c581a73754ac7dfa214f5ebb673c043ce164c4c2589b0d"
)
PROTECTOR = bytes.fromhex(
    "0a103962633866363930666663626365633410031a0574657374313a560a10351e3da732e62236851d7373e41a28a11220b4c294a6ffde0a4e0e0f7620ca1276"
    "bfacfbd327f3c661a18582c0e603ac438f1a20e99aa106d63ed03d1f9ad8ac9bc11685532a1fe5e65e65523353047c985acd64"
)
PROTECTOR_KEY = bytes.fromhex("07eb69018d86d08896b3b3ea0be7d2371988522924fe1b699085788039fb7d69")
IDENTIFIER = "a6214ec670ae8dddbc404980ef4927ec"


def test_what_the_tool_has_written() -> None:
    policy, protector = parse_policy(POLICY), parse_protector(PROTECTOR)
    assert policy == (IDENTIFIER, ("9bc8f690ffcbcec4",))
    assert (protector.descriptor, protector.source) == ("9bc8f690ffcbcec4", "raw_key")
    assert opens_protector(PROTECTOR_KEY, protector)
    assert not opens_protector(PROTECTOR_KEY[:-1] + b"\0", protector) and not opens_protector(PROTECTOR_KEY[:-1], protector)


@pytest.mark.parametrize("cut", [*range(0, len(POLICY), 7), len(POLICY) - 1])
def test_a_policy_that_is_cut_off(cut: int) -> None:
    # Between two fields nothing tells; then the protectors are missing, and nothing is taken for another key.
    with contextlib.suppress(RefusedError):
        assert parse_policy(POLICY[:cut]).identifier == IDENTIFIER


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\xff" * 20,
        b"\x0a\x20" + b"g" * 32,
        b"\x0a\x10" + b"a" * 16,
        b"\x0b",
        b"\x08\x01",
        POLICY[:34] + b"\x1a\x02\x0a\x05",
        PROTECTOR,
    ],
)
def test_what_is_no_policy(data: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_policy(data)


@pytest.mark.parametrize("data", [b"", POLICY, PROTECTOR[:18], PROTECTOR[:-1], PROTECTOR[:27], b"\xff" * 20])
def test_what_is_no_protector(data: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_protector(data)


def test_identifiers() -> None:
    assert identifier_of(bytes(range(32))) == "37d7d76a59400083289c185526730d34"
    assert identifier_of(bytes(range(64))) == "8699c2c53707405da5aba5ae4d8583c0"
    assert identifier_of(bytes(15)) == "" and identifier_of(bytes(65)) == ""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (bytes(range(64)), True),
        (bytes(range(64)) + b"\n", True),
        (bytes(range(64)).hex().encode(), True),
        (bytes(range(64)).hex().upper().encode() + b"\r\n", True),
        (bytes(range(63)), False),
        (b"", False),
        (POLICY, False),
        (POLICY.replace(IDENTIFIER.encode(), b"8699c2c53707405da5aba5ae4d8583c0"), True),
    ],
)
def test_copies_of_a_key_are_recognised(data: bytes, found: bool) -> None:
    assert KeyCopies(None).recognises(lambda offset, length: data[offset : offset + length], "8699c2c53707405da5aba5ae4d8583c0") is found


def test_the_kernels_policy() -> None:
    answer = bytes([2, 1, 4, 3, 0, 0, 0, 0]) + bytes.fromhex(IDENTIFIER)
    assert parse_kernel_policy(answer) == KernelPolicy(IDENTIFIER, 1, 4)
    with pytest.raises(RefusedError, match="it has a v1 policy"):
        parse_kernel_policy(bytes([0, 1, 4, 3]) + bytes(8))
    for odd in (b"", b"\3" + answer[1:], answer[:-1]):
        with pytest.raises(RefusedError, match="not known here"):
            parse_kernel_policy(odd)


@pytest.mark.parametrize(
    ("modes", "state"),
    [((1, 4), "met"), ((5, 6), "met"), ((9, 9), "met"), ((1, 10), "met"), ((7, 8), "met"), ((1, 77), "unknown"), ((0, 4), "unknown")],
)
def test_strength(modes: tuple[int, int], state: str) -> None:
    assert strength_of(KernelPolicy(IDENTIFIER, *modes))[0] == state
