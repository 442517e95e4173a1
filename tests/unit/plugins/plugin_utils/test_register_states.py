# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of transitions, exhaustively: every pair of states that is not in it is refused."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.recordings.disposal.plugins.plugin_utils._register import STATES
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_states import TRANSITIONS, refusal

ALL = {"reason": True, "evidence": True, "verified": True, "level": "purge"}
# Written down once more, so that a change of the table is one of two places.
ALLOWED = {
    "in_service": {"released"},
    "released": {"in_service", "sanitized", "in_custody"},
    "sanitized": {"released", "verified", "in_custody"},
    "verified": {"in_custody"},
    "in_custody": {"in_custody", "destroyed", "reused"},
    "destroyed": set(),
    "reused": {"in_service"},
}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(STATES, STATES)))
def test_every_pair(state: str, to: str) -> None:
    told = refusal(state, to, reason=True, evidence=True, verified=True, level="purge")
    if to in ALLOWED[state]:
        assert told == ""
    elif state == "destroyed":
        assert told == f"is destroyed and cannot become {to}, as nothing leaves destroyed; record what comes first"
    else:
        allowed = " or ".join(each for each in STATES if each in ALLOWED[state])
        assert told == f"is {state} and cannot become {to}, as from {state} it may only become {allowed}; record what comes first"


def test_the_table_is_that() -> None:
    assert set(TRANSITIONS) == {(state, to) for state, targets in ALLOWED.items() for to in targets}


@pytest.mark.parametrize(("state", "to"), list(TRANSITIONS))
def test_what_each_asks_for(state: str, to: str) -> None:
    transition = TRANSITIONS[state, to]
    for needed, missing, words in (
        (transition.reason, {"reason": False}, "without a reason; say why"),
        (transition.evidence, {"evidence": False}, "without evidence; name the file"),
        (transition.verified, {"verified": False}, "was not verified since it was in service; have it destroyed"),
        (transition.verified, {"level": "destroy"}, "its required level is destroy; have it destroyed"),
    ):
        told = refusal(state, to, **{**ALL, **missing})  # type: ignore[arg-type]
        assert (words in told) if needed else told == ""
