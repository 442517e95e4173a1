# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bytes of a medium look like: known beginnings of files, filesystems and containers, and how much disorder there is."""

from __future__ import annotations

import collections
import math
import typing as t

__all__ = ["SECTOR", "entropy", "find_beginnings", "uniform"]

# Everything that is looked for begins on a sector, in bytes.
SECTOR = 512

Check = t.Callable[[bytes], bool]


def _always(_sector: bytes) -> bool:
    return True


def _little(sector: bytes, offset: int, length: int = 4) -> int:
    return int.from_bytes(sector[offset : offset + length], "little")


def _ext(sector: bytes) -> bool:
    return _little(sector, 0x18) <= 6 and _little(sector, 0x48) <= 4 and _little(sector, 0x4C) <= 1 and 1 <= _little(sector, 0x3C, 2) <= 3


def _xfs(sector: bytes) -> bool:
    size = int.from_bytes(sector[4:8], "big")
    return 512 <= size <= 65536 and size & (size - 1) == 0


def _partition_table(sector: bytes) -> bool:
    entries = [sector[start : start + 16] for start in range(446, 510, 16)]
    return all(entry[0] in (0, 0x80) for entry in entries) and any(entry[4] and _little(entry, 12) for entry in entries)


def _id3(sector: bytes) -> bool:
    return 2 <= sector[3] <= 4 and sector[4] == 0 and sector[5] & 0x0F == 0 and all(byte < 0x80 for byte in sector[6:10])


def _zip(sector: bytes) -> bool:
    return sector[4] in (10, 20, 45) and sector[5] == 0


def _brand(sector: bytes) -> bool:
    return sector[0] == 0 and all(0x20 <= byte < 0x7F for byte in sector[8:12])


_BITRATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44100, 48000, 32000)


def _frame_length(header: bytes) -> int:
    """The bytes of an MPEG audio layer III frame; 0 where this is the header of none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2 or header[1] >> 3 & 3 == 1:
        return 0
    rate, speed = header[2] >> 4, header[2] >> 2 & 3
    if rate in (0, 15) or speed == 3:
        return 0
    first = header[1] >> 3 & 3 == 3
    hertz = _RATES[speed] // (1 if first else 2 if header[1] >> 3 & 3 == 2 else 4)
    return (144 if first else 72) * (_BITRATES if first else _BITRATES_LOW)[rate - 1] * 1000 // hertz + (header[2] >> 1 & 1)


def _mp3(sector: bytes) -> bool:
    """Two frames of one kind, one behind the other: a single header is too little to tell it from chance."""
    length = _frame_length(sector[:4])
    following = sector[length : length + 4] if length else b""
    return bool(_frame_length(following)) and following[1] == sector[1] and following[2] >> 2 & 3 == sector[2] >> 2 & 3


# What it is, at which offset in its sector which bytes stand, and what else must be true, so that chance finds it in no terabyte of noise.
_BEGINNINGS: tuple[tuple[str, int, bytes, Check], ...] = (
    ("RIFF audio (WAV)", 0, b"RIFF", lambda sector: sector[8:12] in (b"WAVE", b"AVI ", b"RMID")),
    ("Ogg", 0, b"OggS\0", _always),
    ("FLAC", 0, b"fLaC\0\0\0\x22", _always),
    ("MP3 with ID3", 0, b"ID3", _id3),
    ("MP3", 0, b"\xff", _mp3),
    ("MP4", 4, b"ftyp", _brand),
    ("Matroska or WebM", 0, b"\x1a\x45\xdf\xa3", lambda sector: b"webm" in sector[:64] or b"matroska" in sector[:64]),
    ("age encryption", 0, b"age-encryption.org/", _always),
    ("LUKS", 0, b"LUKS\xba\xbe", _always),
    ("LUKS2, second header", 0, b"SKUL\xba\xbe", _always),
    ("SQLite", 0, b"SQLite format 3\0", _always),
    ("ZIP", 0, b"PK\x03\x04", _zip),
    ("PDF", 0, b"%PDF-", _always),
    ("ext2, ext3 or ext4", 0x38, b"\x53\xef", _ext),
    ("XFS", 0, b"XFSB", _xfs),
    ("btrfs", 0x40, b"_BHRfS_M", _always),
    ("F2FS", 0, b"\x10\x20\xf5\xf2\x01\0", _always),
    ("NTFS", 3, b"NTFS    ", _always),
    ("exFAT", 3, b"EXFAT   ", _always),
    ("FAT32", 82, b"FAT32   ", _always),
    ("FAT16", 54, b"FAT16   ", _always),
    ("OCFS2", 0, b"OCFSV2", _always),
    ("GFS2", 0, b"\x01\x16\x19\x70\0\0\0\x01", _always),
    ("ZFS", 0, b"\x0c\xb1\xba\0\0\0\0\0", _always),
    ("LVM", 0, b"LABELONE", _always),
    ("MD RAID", 0, b"\xfc\x4e\x2b\xa9\x01\0\0\0", _always),
    ("swap", 502, b"SWAPSPACE2", _always),
    ("GPT", 0, b"EFI PART", _always),
    ("MBR partition table", 510, b"\x55\xaa", _partition_table),
)


def uniform(data: memoryview) -> bool:
    """Whether all bytes are the same."""
    return len(data) < 2 or bytes(data[1:]) == data[:-1]


def find_beginnings(data: bytes, offset: int) -> t.Iterator[tuple[int, str]]:
    """The offset and kind of everything known that begins in C(data).

    :arg data: whole sectors, read at C(offset).
    """
    for kind, place, magic, check in _BEGINNINGS:
        # The column of first bytes is looked through at once: most sectors are out after one byte.
        column = data[place::SECTOR]
        number = column.find(magic[:1])
        while number >= 0:
            start = number * SECTOR
            # More than the sector: the frame behind the first one may be in the next.
            sector = data[start : start + 4 * SECTOR]
            if sector.startswith(magic, place) and check(sector):
                yield offset + start, kind
            number = column.find(magic[:1], number + 1)


def entropy(data: bytes) -> int:
    """Shannon's entropy of the bytes in thousandths of a bit per byte: 0 for one value, 8000 for all values alike."""
    if not data:
        return 0
    total = len(data)
    return round(1000 * sum(count / total * math.log2(total / count) for count in collections.Counter(data).values()))
