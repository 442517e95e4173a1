# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import (
    LEVELS,
    SCHEMES,
    STANDARD,
    Pass,
    Scheme,
    find_scheme,
    reachable_level,
    require_level,
    satisfies,
)
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RefusedError, match="the overwrite scheme 'gutman' is not known; give one of .*nist_clear.*random"):
        find_scheme("gutman")


@pytest.mark.parametrize("required", ["purge", "destroy", "pruge", ""])
def test_a_level_out_of_reach_is_refused(required: str) -> None:
    with pytest.raises(
        RefusedError, match="overwrite of files reaches at most the level clear of NIST SP 800-88 Rev. 2.*nothing was written.*crypto_erase"
    ):
        require_level("overwrite", required)


def test_an_unknown_technique_reaches_nothing() -> None:
    assert reachable_level("degauss") == "none"
    with pytest.raises(RefusedError, match="at most the level none"):
        require_level("degauss", "clear")


def test_a_level_within_reach_is_given_back() -> None:
    assert require_level("overwrite", "clear") == "clear"
    assert STANDARD == "NIST SP 800-88 Rev. 2 (2025-09)"


def test_a_lower_level_never_satisfies_a_higher_one() -> None:
    for low, achieved in enumerate(LEVELS):
        for high, required in enumerate(LEVELS):
            assert satisfies(achieved, required) is (low >= high)
    assert not satisfies("purge", "erased")
    assert not satisfies("erased", "none")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Pass(b""), "at least one byte"),
        (lambda: Scheme("x", ()), "has no pass"),
        (lambda: Scheme("x", (Pass(None),), verify="some"), "verify 'some'; allowed are none, last, all"),
    ],
)
def test_a_scheme_that_makes_no_sense_is_refused(build: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()  # type: ignore[operator]


def test_each_shipped_scheme_reads_its_last_pass_back() -> None:
    for name, scheme in SCHEMES.items():
        assert scheme.name == name
        assert scheme.reads_back(len(scheme.passes) - 1)


def test_which_passes_are_read_back() -> None:
    three = (Pass(b"\0"), Pass(b"\xff"), Pass(None))
    assert [Scheme("x", three, "none").reads_back(number) for number in range(3)] == [False, False, False]
    assert [Scheme("x", three, "last").reads_back(number) for number in range(3)] == [False, False, True]
    assert [Scheme("x", three, "all").reads_back(number) for number in range(3)] == [True, True, True]
