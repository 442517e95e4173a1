# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a LUKS header says: where key material lies, how strong it is, and what a half-erased one still gives away.

Of LUKS1 the fields are those of its on-disk format 1.2.3, of LUKS2 those of its on-disk format 1.1.1; both are read here and not asked of
cryptsetup, which refuses a header of which only the second copy is left.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import typing as t
from dataclasses import dataclass, replace

from .._errors import RefusedError

__all__ = [
    "HEAD_BYTES",
    "SECOND_OFFSETS",
    "Luks",
    "Read",
    "digests_at",
    "find_headers",
    "is_second_of",
    "parse_luks",
    "strength_of",
    "uuids_at",
]

# Gives bytes from an offset and a length, fewer at the end.
Read = t.Callable[[int, int], bytes]

_FIRST, _SECOND = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
# Where the second copy of a LUKS2 header may begin.
SECOND_OFFSETS = tuple(0x4000 << shift for shift in range(9))
# What has to be read to see both copies whole, whatever their size.
HEAD_BYTES = 2 * SECOND_OFFSETS[-1]

_SECTOR = 512
_LUKS1 = struct.Struct(">32s32s32sII20s32sI40s")
_SLOT1 = struct.Struct(">II32sII")
_SLOTS1 = 8
_ENABLED1 = 0x00AC71F3
_LUKS2 = struct.Struct(">QQ48s32s64s40s48sQ")
_BINARY2 = 4096
_CHECKSUM2 = slice(448, 512)
# Both versions keep the volume's UUID in the same place.
_UUID = slice(168, 208)
_CIPHERS = ("aes", "serpent", "twofish", "camellia", "aria", "sm4", "xchacha12,aes", "xchacha20,aes")
_LEAST_BITS = 128
_OVERLAP = "its data begin before its key slots end"


@dataclass(frozen=True)
class Luks:
    """What one header, or what is left of it, says.

    :arg version: 1 or 2.
    :arg uuid: of the volume.
    :arg copies: offsets at which a copy of the header begins.
    :arg area: offset and length in bytes of all in which key material may lie: both copies, all key slots, and the gaps between them.
    :arg cipher: of the volume, such as C(aes-xts-plain64); empty where it is not told.
    :arg key_bits: of the volume key, 0 where it is not told.
    :arg slots: names of the key slots in use; C(tokens) of the tokens, each with its type.
    :arg detached: the data lie elsewhere: this header has no data behind it.
    :arg odd: why the key material may lie elsewhere too, empty where it does not.
    :arg digests: of the volume key, each with its salt: they recognise the volume also where its UUID was changed.
    """

    version: int
    uuid: str
    copies: tuple[int, ...]
    area: tuple[int, int]
    cipher: str
    key_bits: int
    slots: tuple[str, ...]
    tokens: tuple[str, ...]
    detached: bool = False
    odd: str = ""
    digests: tuple[str, ...] = ()


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii", "replace")


def parse_luks(head: bytes, *, apart: bool = False) -> Luks:
    """What the first C(HEAD_BYTES) of a device or file say, or as many as it has.

    :arg apart: it is a detached header, of which the data begin on another device.
    :raises RefusedError: there is no LUKS header, or it is one that cannot be understood.
    """
    copies = find_headers(head)
    if not copies:
        raise RefusedError("there is no LUKS header, neither its first nor its second copy")
    if copies[0] == 0 and head[6:8] == b"\0\1":
        return _luks1(head, apart)
    whole = [each for each in (_luks2(head, offset, apart) for offset in copies) if each is not None]
    if not whole:
        raise RefusedError("its LUKS2 header is spoilt in each copy that is left, so where its key material lies cannot be read")
    # An older copy may tell of key slots that the newer one has no more; one of another volume is what an earlier format left behind.
    own = [each for each in whole if each.uuid == whole[0].uuid]
    return replace(whole[0], copies=copies, area=(0, max(each.area[1] for each in own)))


def uuids_at(read: Read) -> tuple[tuple[int, str], ...]:
    """Offset and volume's UUID of all that begins as a copy of a LUKS header does, spoilt or not."""
    found = []
    for offset in (0, *SECOND_OFFSETS):
        start = read(offset, _UUID.stop)
        magic, version = start[:6], start[6:8]
        if (magic == _FIRST and offset == 0 and version in (b"\0\1", b"\0\2")) or (magic == _SECOND and offset and version == b"\0\2"):
            found.append((offset, _text(start[_UUID])))
    return tuple(found)


def find_headers(head: bytes) -> tuple[int, ...]:
    """The offsets at which something begins as a copy of a LUKS header does."""
    return tuple(offset for offset, _uuid in uuids_at(lambda offset, length: head[offset : offset + length]))


def is_second_of(read: Read, offset: int) -> bool:
    """Whether the copy at an offset says itself that it lies so far behind the beginning of its volume."""
    field = read(offset, 8 + _LUKS2.size)
    return len(field) == 8 + _LUKS2.size and _LUKS2.unpack_from(field, 8)[-1] == offset


def digests_at(read: Read, offset: int) -> tuple[str, ...]:
    """The volume key's digests that the copy of a header at an offset has; empty where it is spoilt."""
    start = read(offset, _BINARY2)
    if start[6:8] == b"\0\1" and len(start) >= 8 + _LUKS1.size:
        return (_digest1(start),)
    size = int.from_bytes(start[8:16], "big")
    copy = read(offset, size) if size in SECOND_OFFSETS else b""
    if len(copy) != size or len(copy) < _BINARY2 or not _sound(copy, _text(_LUKS2.unpack_from(copy, 8)[3])):
        return ()
    try:
        return _digests2(json.loads(copy[_BINARY2:].split(b"\0", 1)[0]))
    except (ValueError, AttributeError):
        return ()


def _digest1(head: bytes) -> str:
    _cipher, _mode, _hash, _payload, _key_bytes, digest, salt, *_rest = _LUKS1.unpack_from(head, 8)
    return f"{salt.hex()}:{digest.hex()}"


def _digests2(told: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """In the form of those of LUKS1, which stay the same where a volume is converted; what has another form is left out."""
    found = []
    for each in told.get("digests", {}).values():
        try:
            found.append(f"{base64.b64decode(each['salt']).hex()}:{base64.b64decode(each['digest']).hex()}")
        except (KeyError, ValueError, TypeError):
            continue
    return tuple(found)


def _luks1(head: bytes, apart: bool) -> Luks:
    if len(head) < 8 + _LUKS1.size + _SLOTS1 * _SLOT1.size:
        raise RefusedError("the LUKS1 header is cut off")
    cipher, mode, _hash, payload, key_bytes, _digest, _salt, _rounds, uuid = _LUKS1.unpack_from(head, 8)
    slots = [_SLOT1.unpack_from(head, 8 + _LUKS1.size + number * _SLOT1.size) for number in range(_SLOTS1)]
    ends = [offset * _SECTOR + -(-stripes * key_bytes // _SECTOR) * _SECTOR for _active, _count, _salt2, offset, stripes in slots]
    data = payload * _SECTOR
    return Luks(
        version=1,
        uuid=_text(uuid),
        copies=(0,),
        area=(0, max(ends) if apart else max(data, *ends)),
        cipher=f"{_text(cipher)}-{_text(mode)}",
        key_bits=key_bytes * 8,
        slots=tuple(str(number) for number, slot in enumerate(slots) if slot[0] == _ENABLED1),
        tokens=(),
        detached=data == 0,
        odd=_OVERLAP if 0 < data < max(ends) and not apart else "",
        digests=(_digest1(head),),
    )


def _luks2(head: bytes, offset: int, apart: bool) -> Luks | None:
    """What one copy says; C(None) where it is spoilt."""
    if len(head) < offset + _BINARY2:
        return None
    size, _sequence, _label, algorithm, _salt, uuid, _subsystem, own = _LUKS2.unpack_from(head, offset + 8)
    if own != offset or size not in SECOND_OFFSETS or offset not in (0, size) or len(head) < offset + size:
        return None
    copy = head[offset : offset + size]
    if not _sound(copy, _text(algorithm)):
        return None
    try:
        return _read_json(json.loads(copy[_BINARY2:].split(b"\0", 1)[0]), size, _text(uuid), offset, apart)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _sound(copy: bytes, algorithm: str) -> bool:
    """Whether a copy has the checksum that it says it has; without that cryptsetup does not believe it either."""
    try:
        digest = hashlib.new(algorithm)
    except ValueError:
        return False
    digest.update(copy[: _CHECKSUM2.start] + bytes(_CHECKSUM2.stop - _CHECKSUM2.start) + copy[_CHECKSUM2.stop :])
    return copy[_CHECKSUM2][: digest.digest_size] == digest.digest()


def _read_json(told: t.Mapping[str, t.Any], size: int, uuid: str, offset: int, apart: bool) -> Luks:
    segments = [segment for _number, segment in sorted(told["segments"].items())]
    kinds = {segment["type"] for segment in segments}
    starts = [int(segment["offset"]) for segment in segments]
    slots = told["keyslots"]
    ends = [int(slot["area"]["offset"]) + int(slot["area"]["size"]) for slot in slots.values()]
    area_end = max(2 * size + int(told["config"]["keyslots_size"]), *ends)
    data = min(starts, default=0)
    odd = ""
    flags = told["config"].get("requirements", {})
    if flags.get("mandatory"):
        odd = f"it has the requirement {', '.join(flags['mandatory'])}"
    elif kinds - {"crypt"}:
        odd = f"it has segments of the type {', '.join(sorted(kinds - {'crypt'}))}"
    elif len(segments) != 1:
        odd = f"it has {len(segments)} segments"
    elif 0 < data < area_end and not apart:
        odd = _OVERLAP
    bits = [int(slot["key_size"]) * 8 for slot in slots.values()]
    return Luks(
        version=2,
        uuid=uuid,
        copies=(offset,),
        area=(0, area_end if apart else max(data, area_end)),
        cipher=str(segments[0].get("encryption", "")) if segments else "",
        key_bits=max(bits, default=0),
        slots=tuple(sorted(slots)),
        tokens=tuple(f"{name} ({token.get('type', '')})" for name, token in sorted(told.get("tokens", {}).items())),
        detached=data == 0,
        odd=odd,
        digests=_digests2(told),
    )


def strength_of(header: Luks) -> tuple[str, str]:
    """Whether the algorithm and its key have 128 bits, as C(met), C(not_met) or C(unknown), and what was seen."""
    name, _dash, mode = header.cipher.partition("-")
    bits = header.key_bits // 2 if mode.startswith("xts") else header.key_bits
    told = f"{header.cipher or 'a cipher that is not told'} with a volume key of {header.key_bits} bits"
    if "null" in name:
        return "not_met", f"{told}, which encrypts nothing"
    if name not in _CIPHERS or not bits:
        return "unknown", told
    return ("met" if bits >= _LEAST_BITS else "not_met"), told
