# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free space is called destroyed only when nothing of it was left out."""

from __future__ import annotations

import errno
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freeblocks import merged, overlap, without
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freelook import default_reserve
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freeresult import Reached, decide
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import Observed, Tally

GIB = 1 << 30


def seen(**changed: t.Any) -> Observed:
    return Observed(**{"due": 4096, "written": Tally(bytes=4096), "verified_bytes": 4096, **changed})


def reached(**changed: t.Any) -> Reached:
    return Reached(**{"free_bytes": 4096, "reserve_bytes": 0, "mapped": True, **changed})


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ([], [], 0),
        ([(0, 10)], [], 0),
        ([(0, 10)], [(10, 20)], 0),
        ([(0, 10)], [(5, 20)], 5),
        ([(0, 100)], [(5, 10), (20, 30), (90, 200)], 25),
        ([(0, 5), (8, 12), (50, 60)], [(4, 9), (11, 55)], 8),
    ],
)
def test_what_lies_in_ranges_of_both(first: list[tuple[int, int]], second: list[tuple[int, int]], both: int) -> None:
    assert overlap(first, second) == overlap(second, first) == both
    left = list(without(first, second))
    assert overlap(left, second) == 0 and sum(end - start for start, end in left) == sum(end - start for start, end in first) - both


def test_ranges_become_one_where_they_meet() -> None:
    assert merged([(8, 12), (0, 5), (5, 8), (20, 30), (22, 25)]) == [(0, 12), (20, 30)]
    assert list(without([(0, 40)], [(8, 12), (20, 30)])) == [(0, 8), (12, 20), (30, 40)]


def test_all_written_read_back_and_nothing_left() -> None:
    assert decide(seen(), reached(), "full", errno.ENOSPC) == ("destroyed", None)


@pytest.mark.parametrize(
    ("observed", "measured", "ended", "outcome", "words"),
    [
        ({}, {"kept_bytes": 1}, "full", "not_destroyed", "1 bytes of free space were not reached, which the filesystem gave to no file"),
        ({}, {"kept_bytes": 9, "reserve_bytes": 8}, "reserve", "not_destroyed", "the reserve of 8 bytes among them"),
        ({}, {}, "quota", "not_destroyed", "a quota ended the fill (No space left on device)"),
        ({}, {}, "inodes", "not_destroyed", "made no more files"),
        ({}, {}, "error", "not_destroyed", "a write failed"),
        ({}, {"mapped": False}, "full", "unknown", "no map of its free blocks"),
        ({"verified_bytes": 0}, {}, "full", "unknown", "only 0 of 4096 bytes were read back"),
        ({"verified_bytes": 0}, {"kept_bytes": 5}, "full", "not_destroyed", "only 0 of 4096 bytes were read back"),
        ({"written": Tally(bytes=4095)}, {}, "full", "not_destroyed", "only 4095 of 4096 bytes were written"),
        ({"extents_problem": "extents moved"}, {}, "full", "unknown", "extents moved"),
        ({"flush_error": errno.EIO}, {}, "full", "unknown", "the flush to the medium failed"),
        ({"differing": Tally(bad=[(0, 512)], bad_bytes=512, bad_ranges=1)}, {}, "full", "not_destroyed", "had no effect at offset 0"),
        (
            {"unread": Tally(bad=[(0, 512)], bad_bytes=512, bad_ranges=1, error=5)},
            {},
            "full",
            "unknown",
            "reading back failed at bytes 0-511",
        ),
        ({"due": 0, "written": Tally(), "verified_bytes": 0}, {}, "full", "not_destroyed", "nothing of the free space was overwritten"),
    ],
)
def test_anything_less_is_not(observed: dict[str, t.Any], measured: dict[str, t.Any], ended: str, outcome: str, words: str) -> None:
    found, reason = decide(seen(**observed), reached(**measured), ended, errno.ENOSPC)
    assert found == outcome and words in (reason or "")


@pytest.mark.parametrize(("total", "kept"), [(1 * GIB, 2 * GIB), (40 * GIB, 2 * GIB), (41 * GIB, 41 * GIB // 20), (4000 * GIB, 200 * GIB)])
def test_the_default_reserve(total: int, kept: int) -> None:
    assert default_reserve(total) == kept


@pytest.mark.parametrize(
    ("lists", "written", "cluster", "block", "unreached"),
    [
        (8192, True, 4096, 4096, 0),
        (32768, True, 16384, 1024, 30720),
        (8192, False, 4096, 4096, 8192),
        (8192, True, 0, 4096, 8192),
        (0, True, 4096, 4096, 0),
    ],
)
def test_lists_of_places_count_as_far_as_they_were_written(lists: int, written: bool, cluster: int, block: int, unreached: int) -> None:
    assert reached(list_bytes=lists, lists_written=written, cluster=cluster).unlisted(block) == unreached
