# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import (
    LEVELS,
    STANDARD,
    Pass,
    Scheme,
    find_scheme,
    reachable_level,
    require_level,
    satisfies,
)
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._standards.schemes import PUBLISHED


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RefusedError, match="the overwrite scheme 'gutman' is not known; give one of .*nist_clear.*random"):
        find_scheme("gutman")


@pytest.mark.parametrize("required", ["purge", "destroy", "pruge", ""])
def test_a_level_out_of_reach_is_refused(required: str) -> None:
    with pytest.raises(
        RefusedError, match="overwrite reaches at most the level clear of NIST SP 800-88 Rev. 2.*nothing was written.*crypto_erase"
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
        (lambda: Scheme("x", (Pass(None),), verify="some"), "verify 'some'; allowed are none, sample, last, all"),
    ],
)
def test_a_scheme_that_makes_no_sense_is_refused(build: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()  # type: ignore[operator]


def test_each_shipped_scheme_reads_its_last_pass_back() -> None:
    for name, published in PUBLISHED.items():
        scheme = find_scheme(name)
        assert scheme.name == name and len(scheme.passes) == len(published.passes)
        assert scheme.reads_back(len(scheme.passes) - 1)
        assert published.source and published.confidence in ("S", "unverified")


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("nist_clear", 1),
        ("random", 1),
        ("dod_5220_22m", 3),
        ("dod_5220_22m_ece", 7),
        ("rcmp_tssit_ops_ii", 7),
        ("hmg_is5_baseline", 1),
        ("hmg_is5_enhanced", 3),
        ("bsi_vsitr", 7),
        ("schneier", 7),
        ("gutmann", 35),
    ],
)
def test_the_published_schemes_have_their_passes(name: str, passes: int) -> None:
    assert len(find_scheme(name).passes) == passes


def test_gutmann_has_27_patterns_between_random_passes() -> None:
    passes = [item.pattern for item in find_scheme("gutmann").passes]
    assert passes[:4] == passes[-4:] == [None] * 4
    assert len(set(passes[4:-4])) == 22 and None not in passes[4:-4]
    assert passes[9:25] == [bytes([17 * nibble]) for nibble in range(16)]


def test_custom_passes() -> None:
    scheme = find_scheme("custom:zeros,ff,6db6db,random,ones")
    assert [item.pattern for item in scheme.passes] == [b"\0", b"\xff", b"\x6d\xb6\xdb", None, b"\xff"]
    assert scheme.verify == "last" and scheme.name == "custom:zeros,ff,6db6db,random,ones"
    assert scheme.reading("sample", 50).share == 50 and scheme.reading(None) is scheme


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("custom:", "has the pass '', which is none"),
        ("custom:f", "has the pass 'f', which is none"),
        ("custom:FF", "has the pass 'FF', which is none: give zeros, ones, random, or up to 512 bytes in hexadecimal"),
        ("custom:zeros,,ones", "has the pass ''"),
        ("custom:xx", "has the pass 'xx'"),
        ("custom:" + "aa" * 513, "which is none"),
        ("custom:" + ",".join(["ff"] * 101), "has 101 passes, more than 100"),
        ("Gutmann", "'Gutmann' is not known; give one of nist_clear"),
        ("", "'' is not known"),
    ],
)
def test_a_scheme_that_is_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        find_scheme(name)


def test_which_passes_are_read_back() -> None:
    three = (Pass(b"\0"), Pass(b"\xff"), Pass(None))
    assert [Scheme("x", three, "none").reads_back(number) for number in range(3)] == [False, False, False]
    assert [Scheme("x", three, "last").reads_back(number) for number in range(3)] == [False, False, True]
    assert [Scheme("x", three, "all").reads_back(number) for number in range(3)] == [True, True, True]
