# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import errno
import itertools
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import (
    KEPT_RANGES,
    FileResult,
    Observed,
    Tally,
    judge,
    set_outcome,
    set_proof,
)

GOOD = FileResult("destroyed", 100, 100, 1, "direct", "ext4", "unchanged", (), None)


def spoilt(*ranges: tuple[int, int], error: int = errno.EIO, done: int = 0) -> Tally:
    tally = Tally(bytes=done)
    for offset, length in ranges:
        tally.spoil(offset, length, error=error)
    return tally


def test_destroyed_is_said_in_one_case_of_all() -> None:
    """Every combination of faults: only the one without any is C(destroyed)."""
    faults: dict[str, list[t.Any]] = {
        "written": [Tally(bytes=100), Tally(bytes=99), spoilt((0, 1), done=99)],
        "verified_bytes": [100, 99, 0],
        "differing": [Tally(), spoilt((0, 1), error=0)],
        "unread": [Tally(), spoilt((0, 1))],
        "flush_error": [0, errno.EIO],
        "extents_problem": [None, "extents moved"],
        "changed": [False, True],
        "ineffective": ["", "btrfs is copy-on-write"],
    }
    found = []
    for values in itertools.product(*faults.values()):
        outcome, reason = judge(Observed(due=100, **dict(zip(faults, values))))
        assert outcome in ("destroyed", "not_destroyed", "unknown")
        assert (reason is None) == (outcome == "destroyed")
        if outcome == "destroyed":
            found.append(values)
    assert found == [tuple(values[0] for values in faults.values())]


@pytest.mark.parametrize(
    ("seen", "outcome", "words"),
    [
        (Observed(8192, spoilt((4096, 4096))), "not_destroyed", "writing failed at bytes 4096-8191 (Input/output error)"),
        (
            Observed(8192, spoilt((0, 8192), error=errno.ENOSPC)),
            "not_destroyed",
            "writing failed at bytes 0-8191 (No space left on device)",
        ),
        (Observed(8192, spoilt((0, 8192), error=errno.EROFS)), "not_destroyed", "writing failed at bytes 0-8191 (Read-only file system)"),
        (Observed(8192, Tally(bytes=4096)), "not_destroyed", "only 4096 of 8192 bytes were written"),
        (
            Observed(8192, Tally(bytes=8192), 4096, spoilt((4096, 4096), error=0)),
            "not_destroyed",
            "the overwrite had no effect at offset 4096: reading back returned something else than was written "
            "(4096 bytes, bytes 4096-8191)",
        ),
        (
            Observed(8192, Tally(bytes=8192), 4096, unread=spoilt((0, 4096))),
            "unknown",
            "reading back failed at bytes 0-4095 (Input/output error)",
        ),
        (Observed(8192, Tally(bytes=8192), 4096), "unknown", "only 4096 of 8192 bytes were read back"),
        (Observed(8192, Tally(bytes=8192), 8192, flush_error=errno.EIO), "unknown", "the flush to the medium failed (Input/output error)"),
        (
            Observed(8192, Tally(bytes=8192), 8192, changed=True),
            "unknown",
            "the file's size, time or names changed while it was overwritten",
        ),
        (Observed(8192, Tally(bytes=8192), 8192, extents_problem="extents moved: x"), "unknown", "extents moved: x"),
        (Observed(8192, Tally(bytes=8192), 8192, ineffective="btrfs is x"), "unknown", "btrfs is x"),
    ],
)
def test_each_fault_has_its_words(seen: Observed, outcome: str, words: str) -> None:
    assert judge(seen) == (outcome, words)


def test_nothing_due_and_nothing_done_is_destroyed() -> None:
    assert judge(Observed(0)) == ("destroyed", None)


def test_many_bad_ranges_are_counted_not_kept() -> None:
    tally = Tally()
    for number in range(1000):
        tally.spoil(number * 8192, 4096, error=errno.EIO)
    assert len(tally.bad) == KEPT_RANGES
    assert (tally.bad_ranges, tally.bad_bytes) == (1000, 4096 * 1000)
    assert tally.told().endswith("and 984 more ranges")


def test_pieces_of_one_file_are_put_together() -> None:
    whole = Tally()
    whole.add(spoilt((0, 4096), done=10))
    whole.add(spoilt((4096, 4096), (16384, 4096), done=5))
    assert whole.bad == [(0, 8192), (16384, 4096)]
    assert (whole.bytes, whole.bad_bytes, whole.bad_ranges, whole.error) == (15, 12288, 2, errno.EIO)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "unknown"),
        (["destroyed"], "destroyed"),
        (["destroyed", "destroyed"], "destroyed"),
        (["destroyed", "unknown"], "unknown"),
        (["destroyed", "not_destroyed"], "not_destroyed"),
        (["unknown", "not_destroyed"], "not_destroyed"),
        (["unknown", "unknown"], "unknown"),
    ],
)
def test_a_set_is_destroyed_only_when_each_member_is(outcomes: list[str], expected: str) -> None:
    assert set_outcome([dataclasses.replace(GOOD, outcome=outcome) for outcome in outcomes]) == expected


def test_the_proof_of_a_set_is_its_weakest_member() -> None:
    weak = dataclasses.replace(
        GOOD, bytes=7, verified_bytes=7, read="cached", filesystem="tmpfs", extents="not_available", limits=("b", "a")
    )
    assert set_proof([GOOD, weak]) == {
        "bytes": 107,
        "verified_bytes": 107,
        "passes": 1,
        "read": "cached",
        "filesystem": "ext4, tmpfs",
        "extents": "not_available",
        "limits": ["a", "b"],
    }
    assert set_proof([GOOD])["read"] == "direct"
    assert set_proof([GOOD])["extents"] == "unchanged"
    assert set_proof([])["read"] == "cached"
