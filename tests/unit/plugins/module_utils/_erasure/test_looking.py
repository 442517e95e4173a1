# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a medium knows by itself: where canaries and samples lie, what files begin with, how much a sample misses."""

from __future__ import annotations

import itertools
import os
import pathlib
import random
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import BLOCK, Canaries, parse_canaries
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.content import entropy, find_beginnings, uniform
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.looking import ENDS, PIECE, Seen, miss_probability, pieces
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError

KEY = bytes(range(32))
MIB = 1 << 20


@pytest.mark.parametrize("size", [BLOCK, 3 * BLOCK, 100 * BLOCK + 512, 10 * MIB, 20 * (1 << 40)])
def test_canaries_lie_at_both_ends_and_in_every_section(size: int) -> None:
    canaries = Canaries(KEY, size, count=64)
    places = canaries.places()
    assert places == sorted(set(places)) and len(places) == min(64, size // BLOCK)
    assert places[0] == 0 and places[-1] == (size // BLOCK - 1) * BLOCK
    assert all(place % BLOCK == 0 and place + BLOCK <= size for place in places)
    assert max(after - before for before, after in itertools.pairwise([*places, size])) <= max(2 * size // 61, 2 * BLOCK)
    assert places == Canaries(KEY, size, count=64).places()


def test_canaries_of_another_key_are_others() -> None:
    one, other = Canaries(KEY, 10 * MIB, 64), Canaries(KEY[::-1], 10 * MIB, 64)
    assert one.places() != other.places() and one.content(0) != other.content(0) != other.content(BLOCK)
    assert len(one.content(0)) == BLOCK


def test_what_is_left_of_a_canary_is_counted_to_sixteen_bytes() -> None:
    canaries = Canaries(KEY, 10 * MIB)
    content = canaries.content(BLOCK)
    assert canaries.remains(BLOCK, content) == BLOCK
    assert canaries.remains(BLOCK, bytes(BLOCK)) == 0 and canaries.remains(BLOCK, os.urandom(BLOCK)) == 0
    assert canaries.remains(BLOCK, canaries.content(0)) == 0
    assert canaries.remains(BLOCK, bytes(64) + content[64:96] + bytes(BLOCK - 96)) == 32


def test_canaries_are_read_from_their_file() -> None:
    canaries = Canaries(KEY, 10 * MIB, 64)
    assert parse_canaries(canaries.document()) == canaries


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"canaries/1", b"canaries/2"),
        (KEY.hex().encode(), b"00"),
        (KEY.hex().encode(), b"zz" * 32),
        (b"64", b"-1"),
        (b"64", b"true"),
        (b"{", b""),
    ],
)
def test_another_file_is_refused(before: bytes, after: bytes) -> None:
    text = Canaries(KEY, 10 * MIB, 64).document()
    assert before in text
    with pytest.raises(RefusedError, match="is not of the format recordings.disposal/canaries/1, so nothing was read"):
        parse_canaries(text.replace(before, after, 1))


@pytest.mark.parametrize(
    "text",
    [
        # Deeper than the parser goes.
        b"[" * 60000,
        b'{"format":' * 60000,
        # As many places as nobody would live to see read.
        Canaries(KEY, 1 << 60, 1 << 40).document(),
        Canaries(KEY, 1 << 70, 64).document(),
        b"[]",
        b"5",
        b"\xff",
    ],
)
def test_a_file_that_is_made_to_do_harm_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedError, match="is not of the format recordings.disposal/canaries/1, so nothing was read"):
        parse_canaries(text)


@pytest.mark.parametrize("every", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("size", [512, 4096, MIB, 2 * MIB + 512, 50 * MIB + 1536])
def test_pieces_are_in_order_and_leave_no_section_out(size: int, every: int) -> None:
    ranges = list(pieces(size, every, "seed"))
    assert all(start < end for start, end in ranges)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ranges))
    assert ranges[0][0] == 0 and ranges[-1][1] == size
    if every == 1:
        assert sum(end - start for start, end in ranges) == size
    else:
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(ranges)]
        assert max(gaps, default=0) <= 2 * (every - 1) * PIECE
        assert ranges == list(pieces(size, every, "seed"))


def test_another_seed_reads_other_pieces() -> None:
    assert list(pieces(50 * MIB, 10, "a")) != list(pieces(50 * MIB, 10, "b"))


def test_a_place_can_be_recomputed_with_coreutils() -> None:
    """As the documentation says: SHA-256 over the seed, a colon and the group's number."""
    told = subprocess.run(["sha256sum"], input=b"audit:3", capture_output=True, check=True).stdout[:16]
    start = ENDS + 3 * 10 * PIECE + int(told, 16) % 10 * PIECE
    assert (start, start + PIECE) in list(pieces(50 * MIB, 10, "audit"))


@pytest.mark.parametrize("spread", ["together", "apart"])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_the_miss_probability_is_a_bound(count: int, spread: str) -> None:
    """Drawn a thousand times: the sample never misses a residue more often than is said."""
    size, every = 60 * MIB, 4
    middle = range(ENDS, size - ENDS, PIECE)
    chance = random.Random(1)
    missed = 0
    for number in range(1000):
        if spread == "together":
            first = chance.randrange(len(middle) - count)
            residue = set(middle[first : first + count])
        else:
            residue = set(chance.sample(middle, count))
        missed += not residue & {start for start, _end in pieces(size, every, str(number))}
    assert missed / 1000 <= miss_probability(size, every, count * PIECE) + 0.05


def test_nothing_larger_than_the_medium_is_missed() -> None:
    assert miss_probability(MIB, 10, 2 * MIB) == 0
    assert miss_probability(100 * MIB, 1, PIECE) == 0


def sector(*parts: tuple[int, bytes], size: int = 4096) -> bytes:
    data = bytearray(size)
    for offset, content in parts:
        data[offset : offset + len(content)] = content
    return bytes(data)


FRAME = bytes.fromhex("fffb9064")
BEGINNINGS = [
    ("RIFF audio (WAV)", sector((0, b"RIFF\x24\x08\0\0WAVEfmt "))),
    ("Ogg", sector((0, b"OggS\0\x02"))),
    ("FLAC", sector((0, b"fLaC\0\0\0\x22"))),
    ("MP3 with ID3", sector((0, b"ID3\x04\0\0\0\0\x02\x01"))),
    # 128 kbit/s, 44.1 kHz: the next frame is 417 bytes on.
    ("MP3", sector((0, FRAME), (417, FRAME))),
    ("MP4", sector((0, b"\0\0\0\x20ftypisom"))),
    ("Matroska or WebM", sector((0, b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"))),
    ("age encryption", sector((0, b"age-encryption.org/v1\n"))),
    ("LUKS", sector((0, b"LUKS\xba\xbe\0\x02"))),
    ("LUKS2, second header", sector((0, b"SKUL\xba\xbe\0\x02"))),
    ("SQLite", sector((0, b"SQLite format 3\0"))),
    ("ZIP", sector((0, b"PK\x03\x04\x14\0"))),
    ("PDF", sector((0, b"%PDF-1.7"))),
    ("GPT", sector((0, b"EFI PART\0\0\1\0"))),
    ("LVM", sector((0, b"LABELONE\1"))),
    ("swap", sector((4086 % 512, b"SWAPSPACE2"))),
    ("NTFS", sector((3, b"NTFS    "))),
    ("FAT32", sector((82, b"FAT32   "))),
    ("MBR partition table", sector((446, bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") * 2), (510, b"\x55\xaa"))),
]


@pytest.mark.parametrize(("kind", "data"), BEGINNINGS)
@pytest.mark.parametrize("lead", [0, 512, 65536])
def test_a_known_beginning_is_found_where_it_is(kind: str, data: bytes, lead: int) -> None:
    assert (5 * MIB + lead, kind) in list(find_beginnings(bytes(lead) + data, 5 * MIB))


@pytest.mark.parametrize(("kind", "data"), BEGINNINGS)
def test_nothing_begins_off_a_sector(kind: str, data: bytes) -> None:
    assert kind not in [found for _offset, found in find_beginnings(bytes(7) + data[:-7], 0)]


MAKERS = {
    "ext2, ext3 or ext4": ["mkfs.ext4", "-q", "-F"],
    "XFS": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
    "swap": ["mkswap", "-q"],
}


@pytest.mark.parametrize("kind", MAKERS)
def test_real_filesystems_are_found(tmp_path: pathlib.Path, kind: str) -> None:
    image = tmp_path / "image"
    with image.open("wb") as handle:
        handle.truncate(320 * MIB)
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    try:
        subprocess.run([*MAKERS[kind], str(image)], env={**os.environ, "PATH": path}, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip(f"{MAKERS[kind][0]} is not installed")
    with image.open("rb") as handle:
        assert kind in [found for _offset, found in find_beginnings(handle.read(MIB), 0)]


@pytest.mark.parametrize("fill", [bytes(64 * MIB), b"\xff" * (16 * MIB), b"\x55\xaa" * (4 * MIB)])
def test_nothing_is_found_in_a_pattern(fill: bytes) -> None:
    assert list(find_beginnings(fill, 0)) == []


def test_nothing_is_found_in_noise() -> None:
    noise = random.Random(7).randbytes(64 * MIB)
    assert list(find_beginnings(noise, 0)) == []


def test_entropy() -> None:
    assert entropy(b"") == entropy(bytes(4096)) == 0
    assert entropy(bytes(range(256)) * 16) == 8000
    assert entropy(b"ab" * 100) == 1000
    assert entropy(random.Random(1).randbytes(4096)) > 7900
    assert uniform(memoryview(bytes(100))) and uniform(memoryview(b"")) and not uniform(memoryview(bytes(100) + b"x"))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda seen: None, "clean"),
        (lambda seen: seen.differing.spoil(0, 1), "residue"),
        (lambda seen: seen.canaries_left.append(0), "residue"),
        (lambda seen: setattr(seen, "beginnings_count", 1), "residue"),
        (lambda seen: seen.unread.spoil(0, 1, error=5), "unknown"),
        (lambda seen: setattr(seen, "canaries_unread", 1), "unknown"),
        (lambda seen: (seen.unread.spoil(0, 1, error=5), seen.differing.spoil(9, 1)), "residue"),
    ],
)
def test_the_verdict(change: t.Callable[[Seen], object], verdict: str) -> None:
    seen = Seen()
    change(seen)
    assert seen.verdict() == verdict
