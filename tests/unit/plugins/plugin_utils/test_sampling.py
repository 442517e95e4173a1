# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The draw and its figures against the definition of the hypergeometric distribution, counted out."""

from __future__ import annotations

import fractions
import hashlib
import math
import time

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.plugin_utils._sampling import (
    check_confidence,
    check_seed,
    drawn,
    most_missed,
    needed,
    percent,
    share_of,
    told,
)


def missed(population: int, faulty: int, size: int) -> fractions.Fraction:
    """How likely a sample has none of the faulty ones."""
    return fractions.Fraction(math.comb(population - faulty, size), math.comb(population, size))


@pytest.mark.parametrize("seed", ["", " ", "a b", "a,b", "ż", "x" * 101, "a\nb"])
def test_a_seed_that_could_not_be_typed_is_refused(seed: str) -> None:
    with pytest.raises(RefusedError, match="is none; use up to 100"):
        check_seed(seed)


@pytest.mark.parametrize("confidence", [0, 49, 100, -95])
def test_a_confidence_that_is_none_is_refused(confidence: int) -> None:
    with pytest.raises(RefusedError, match="is none; give a whole percentage"):
        check_confidence(confidence)


@pytest.mark.parametrize("share", ["", "1", "0.01", "100%", "-1%", "1,5%", "1e-3%", "½%", "%"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(RefusedError, match="is none; write it as 1% or 0.5%"):
        share_of(share)


def test_shares() -> None:
    assert share_of("1%") == fractions.Fraction(1, 100)
    assert share_of("0.5 %") == fractions.Fraction(1, 200)
    assert share_of("0%") == 0
    assert [percent(*each) for each in ((0, 5), (0, 0), (1, 3), (1, 10**6), (5, 5), (9967, 10**6))] == [
        *("0.00%", "0.00%", "33.34%", "0.01%", "100.00%", "1.00%")
    ]


def test_the_figures_are_the_definitions() -> None:
    for confidence in (50, 90, 95, 99):
        left = fractions.Fraction(100 - confidence, 100)
        for population in range(0, 26):
            for size in range(population + 1):
                most = max(faulty for faulty in range(population + 1) if missed(population, faulty, size) >= left)
                assert most_missed(population, size, confidence) == most
            for tolerable in map(share_of, ("0%", "1%", "10%", "34%", "99%")):
                enough = min(size for size in range(population + 1) if most_missed(population, size, confidence) <= tolerable * population)
                assert needed(population, tolerable, confidence) == enough


def test_known_figures() -> None:
    # As tables of acceptance sampling have them: about 3 by the size of the sample, for large populations.
    assert needed(10**6, share_of("1%"), 95) == 298
    assert most_missed(10**6, 298, 95) == 10_000
    assert needed(1000, share_of("5%"), 95) == 56
    assert most_missed(20, 19, 95) == 1 and most_missed(20, 20, 95) == 0
    shows = told(10**6, 298, 95, share_of("1%"))
    assert shows == {
        **{"confidence": "95%", "at_most": {"faulty": 10_000, "share": "1.00%"}},
        "needed": {"samples": 298, "share": "1%"},
    }


def test_large_populations_take_no_time() -> None:
    began = time.monotonic()
    for size in (1, 300, 50_000, 500_000, 999_999, 10**6):
        most = most_missed(10**6, size, 95)
        assert 0 <= most <= 10**6 - size
    needed(10**6, share_of("0%"), 99)
    assert time.monotonic() - began < 10


def test_the_draw_can_be_repeated_by_hand() -> None:
    found: list[int] = []
    number = 0
    while len(found) < 7:
        number += 1
        item = int(hashlib.sha256(f"audit-7,records,{number}".encode()).hexdigest(), 16) % 1000
        if item not in found:
            found.append(item)
    assert drawn("audit-7", "records", 1000, 7) == sorted(found)
    assert drawn("audit-8", "records", 1000, 7) != sorted(found) != drawn("audit-7", "assets", 1000, 7)


def test_the_draw_has_its_size_and_nothing_twice() -> None:
    for population in (0, 1, 2, 10, 97):
        for size in range(population + 3):
            sample = drawn("s", "records", population, size)
            assert len(sample) == min(size, population) == len(set(sample))
            assert sample == sorted(sample) and all(0 <= item < population for item in sample)


def test_each_item_is_as_likely_as_another() -> None:
    counts = [0] * 20
    for number in range(4000):
        for item in drawn(f"seed-{number}", "records", 20, 5):
            counts[item] += 1
    # Chi-squared with 19 degrees of freedom is above 50 with a probability of 0.0001; the seeds are fixed.
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 50
