# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bech32 (BIP 173) without its limit on length: how age writes recipients and identities."""

from __future__ import annotations

import typing as t

__all__ = ["decode", "encode"]

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def _polymod(values: t.Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _regrouped(values: t.Iterable[int], width: int, wanted: int) -> tuple[list[int], int, int]:
    """Groups of C(wanted) bits from groups of C(width) bits; what is left over, and how many bits that is."""
    found = []
    held = bits = 0
    for value in values:
        held = held << width | value
        bits += width
        while bits >= wanted:
            bits -= wanted
            found.append(held >> bits)
            held &= (1 << bits) - 1
    return found, held, bits


def encode(prefix: str, data: bytes | bytearray) -> str:
    """The text of C(data) under a prefix of small letters, all of it in small letters."""
    values, held, bits = _regrouped(data, 8, 5)
    if bits:
        values.append(held << 5 - bits)
    check = _polymod([*_expanded(prefix), *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (_CHECKSUM - 1 - index) & 31 for index in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in values)}"


def decode(text: str) -> tuple[str, bytearray]:
    """The prefix, in small letters, and the data.

    :raises ValueError: the text is not Bech32; the words never repeat it, since it may be a secret.
    """
    if text not in (text.lower(), text.upper()):
        raise ValueError("has small and capital letters")
    prefix, _one, rest = text.lower().rpartition("1")
    if not prefix or len(rest) < _CHECKSUM or not prefix.isascii() or not prefix.isprintable() or " " in prefix:
        raise ValueError("is not Bech32")
    values = [_ALPHABET.find(character) for character in rest]
    if -1 in values:
        raise ValueError("has a character that Bech32 does not know")
    if _polymod([*_expanded(prefix), *values]) != 1:
        raise ValueError("has a slip: its checksum does not fit")
    found, held, bits = _regrouped(values[:-_CHECKSUM], 5, 8)
    if bits >= 5 or held:
        raise ValueError("does not end on a whole byte")
    return prefix, bytearray(found)
