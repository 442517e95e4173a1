# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.preconditions import (
    PRECONDITIONS,
    Gone,
    Precondition,
    declared,
    demands_of,
    judge_keys,
    limits_of,
    refusal_of,
)

GONE = Gone("gone", "", {})
NAME = "no_backup"


def found(state: str) -> list[Precondition]:
    return [Precondition("strength", "met", ("aes",)), Precondition(NAME, state, ("looked",))]


@pytest.mark.parametrize(
    ("state", "demand", "refused", "outcome"),
    [
        ("met", "require", False, "destroyed"),
        ("met", "report", False, "destroyed"),
        ("met", "accept", False, "destroyed"),
        ("unknown", "require", True, "unknown"),
        ("unknown", "report", False, "unknown"),
        ("unknown", "accept", False, "destroyed"),
        ("not_met", "require", True, "not_destroyed"),
        ("not_met", "report", True, "not_destroyed"),
        # What is known to speak against it is never accepted into a proof.
        ("not_met", "accept", False, "not_destroyed"),
    ],
)
def test_each_state_and_each_demand(state: str, demand: str, refused: bool, outcome: str) -> None:
    demands = demands_of({NAME: demand})
    assert bool(refusal_of(found(state), demands)) == refused
    came, reason = judge_keys(GONE, found(state), demands)
    assert came == outcome and (reason is None) == (outcome == "destroyed")
    assert limits_of(found(state)) == ([] if state == "met" else [f"no_backup is {state.replace('_', ' ')} (looked)"])


@pytest.mark.parametrize(("state", "outcome"), [("left", "not_destroyed"), ("unknown", "unknown"), ("never heard of", "unknown")])
def test_a_key_that_is_not_gone_is_not_destroyed_whatever_was_accepted(state: str, outcome: str) -> None:
    every = dict.fromkeys(PRECONDITIONS, "accept")
    assert judge_keys(Gone(state, "told", {}), found("met"), every) == (outcome, "told")


def test_not_met_outweighs_unknown() -> None:
    both = [Precondition("strength", "unknown", ()), Precondition(NAME, "not_met", ())]
    assert judge_keys(GONE, both, demands_of({NAME: "accept"}))[0] == "not_destroyed"


def test_words_settle_what_is_unknown_and_nothing_else() -> None:
    words = {NAME: " the archive's protocol 7 "}
    assert declared(found("unknown"), words)[1] == Precondition(NAME, "met", ("looked", "declared: the archive's protocol 7"))
    for state in ("met", "not_met"):
        assert declared(found(state), words) == found(state)
    assert declared(found("unknown"), None) == found("unknown")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: demands_of({"backup": "require"}), "'backup' is not known, so nothing was done; give one of encrypted_from_first_write"),
        (lambda: demands_of({NAME: "ignore"}), "is demanded as 'ignore', so nothing was done; give one of require, report, accept"),
        (lambda: declared([], {"backup": "x"}), "'backup' is not known"),
        (lambda: declared([], {NAME: ""}), "nothing is said of the precondition no_backup"),
        (lambda: declared([], {NAME: "  \n"}), "nothing is said of the precondition no_backup"),
        (lambda: declared([], t.cast("dict[str, str]", {NAME: True})), "nothing is said of the precondition no_backup"),
    ],
)
def test_refused(call: t.Callable[[], object], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        call()


def test_a_row_and_back() -> None:
    for each in found("unknown"):
        assert Precondition.of(each.row()) == each
