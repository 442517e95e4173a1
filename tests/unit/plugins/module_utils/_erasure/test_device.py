# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.device import _Plan, _takes_no_more
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.keystream import CHUNK, Keystream
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import Tally
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass, Scheme, find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device


def plan(size: int, *, verify: str = "last", share: float = 0.1, scheme: Scheme | None = None, logical: int = 512) -> _Plan:
    device = Device("xya", "/dev/xya", 4080, 0, size, logical, logical, None, {"serial": ("S",)})
    return _Plan(device, scheme or find_scheme("nist_clear"), verify, share, 1, lambda: None, lambda told: None)


@pytest.mark.parametrize("size", [512, CHUNK, CHUNK + 512, 1000 * CHUNK + 4096])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 1.0])
def test_a_sample_has_its_share_both_ends_and_every_stretch(size: int, share: float) -> None:
    wanted = plan(size, verify="sample", share=share)
    ranges = list(wanted.drawn("seed"))
    count = -(-size // CHUNK)
    assert ranges == sorted(set(ranges)) == list(wanted.drawn("seed"))
    assert ranges[0][0] == 0 and ranges[-1][1] == size
    assert min(count, share * count) <= len(ranges) <= share * count + 3
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(ranges)]
    assert all(gap <= 2 * CHUNK / share for gap in gaps)
    if share == 1.0:
        assert sum(end - start for start, end in ranges) == size


def test_another_seed_draws_other_places() -> None:
    wanted = plan(1000 * CHUNK, verify="sample")
    assert list(wanted.drawn("a")) != list(wanted.drawn("b"))


def test_all_is_every_byte_once() -> None:
    ranges = list(plan(3 * CHUNK + 512).drawn(""))
    assert ranges == [(0, CHUNK), (CHUNK, 2 * CHUNK), (2 * CHUNK, 3 * CHUNK), (3 * CHUNK, 3 * CHUNK + 512)]


def test_only_whole_sectors_are_written_directly() -> None:
    assert plan(CHUNK + 512).body == CHUNK + 512
    assert plan(CHUNK + 512, logical=4096).body == CHUNK


def test_the_digest_tells_schemes_and_verifications_apart() -> None:
    schemes = [
        find_scheme("nist_clear"),
        find_scheme("random"),
        Scheme("x", (Pass(b"\0"), Pass(None))),
        Scheme("y", (Pass(None), Pass(b"\0"))),
    ]
    digests = {plan(512, verify=verify, scheme=scheme).digest for scheme in schemes for verify in ("none", "sample", "last", "all")}
    assert len(digests) == 16
    assert plan(512, verify="sample", share=0.1).digest != plan(512, verify="sample", share=0.2).digest
    assert plan(512, scheme=Scheme("another name", (Pass(b"\0"),))).digest == plan(512).digest


@pytest.mark.parametrize(
    ("verify", "expected"), [("none", [False] * 3), ("last", [False, False, True]), ("sample", [False, False, True]), ("all", [True] * 3)]
)
def test_which_passes_are_read_back(verify: str, expected: list[bool]) -> None:
    wanted = plan(512, verify=verify, scheme=Scheme("three", (Pass(b"a"), Pass(b"b"), Pass(b"c"))))
    assert [wanted.reads_back(index) for index in range(3)] == expected


def tallies(*each: tuple[int, int]) -> list[Tally]:
    return [Tally(bytes=done, bad_bytes=0 if not error else 512, error=error) for done, error in each]


@pytest.mark.parametrize(
    ("done", "stops"),
    [
        (tallies(*[(CHUNK, 0)] * 9), False),
        (tallies(*[(CHUNK - 512, 5)] * 9), False),
        (tallies(*[(0, 5)] * 7), False),
        (tallies(*[(0, 5)] * 8), True),
        (tallies(*[(0, 5)] * 8, (512, 5)), False),
        (tallies((CHUNK, 0), (0, 28)), True),
        (tallies((CHUNK, 0), (0, 30)), True),
        (tallies((CHUNK, 0), (0, 6)), True),
        (tallies((0, 61), (0, 121), (CHUNK, 84)), False),
    ],
)
def test_when_a_device_takes_no_more(done: list[Tally], stops: bool) -> None:
    assert _takes_no_more(done) is stops


def test_a_keystream_of_a_kept_key_gives_the_same_bytes() -> None:
    key = bytearray(range(32))

    def some(source: t.Any) -> bytes:
        buffer = bytearray(100)
        source.fill(memoryview(buffer), stream=0, offset=33)
        return bytes(buffer)

    first, second = Keystream(key), Keystream(key)
    key[:] = bytes(32)
    assert some(first) == some(second) != some(Keystream(key))
    first.wipe()
    assert some(second)
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        Keystream(b"short")
