# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a medium and the transitions between them, as one table."""

from __future__ import annotations

import dataclasses

from ._register import STATES

__all__ = ["CUSTODY", "FINAL", "TRANSITIONS", "Transition", "refusal"]

# The only states in which a medium is accounted for without another word.
FINAL = ("destroyed", "reused")
# What can happen to a medium in custody.
CUSTODY = ("sealed_bag", "hand_over", "transport", "storage")


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """What a transition asks for.

    :ivar reason: a reason in words, since it leaves the straight road.
    :ivar evidence: a file that shows what was done.
    :ivar verified: the medium was verified since it was last in service, and its required level can be met without destroying it.
    """

    reason: bool = False
    evidence: bool = False
    verified: bool = False


TRANSITIONS: dict[tuple[str, str], Transition] = {
    ("in_service", "released"): Transition(),
    ("released", "in_service"): Transition(reason=True),
    ("released", "sanitized"): Transition(evidence=True),
    ("released", "in_custody"): Transition(reason=True),
    ("sanitized", "verified"): Transition(evidence=True),
    ("sanitized", "released"): Transition(reason=True),
    ("sanitized", "in_custody"): Transition(reason=True),
    ("verified", "in_custody"): Transition(),
    ("in_custody", "in_custody"): Transition(),
    ("in_custody", "destroyed"): Transition(evidence=True),
    ("in_custody", "reused"): Transition(evidence=True, verified=True),
    ("reused", "in_service"): Transition(reason=True),
}


def refusal(state: str, to: str, *, reason: bool, evidence: bool, verified: bool, level: str) -> str:
    """Why a medium may not go from one state to another, as a clause; empty where it may.

    :arg reason: a reason is given; C(evidence) too.
    :arg verified: it was verified since it was last in service.
    :arg level: its required level.
    """
    transition = TRANSITIONS.get((state, to))
    if transition is None:
        allowed = [target for target in STATES if (state, target) in TRANSITIONS]
        what = f"from {state} it may only become {' or '.join(allowed)}" if allowed else f"nothing leaves {state}"
        return f"is {state} and cannot become {to}, as {what}; record what comes first"
    if transition.reason and not reason:
        return f"cannot go from {state} to {to} without a reason; say why in the event"
    if transition.evidence and not evidence:
        return f"cannot become {to} without evidence; name the file that shows it and its digest"
    if transition.verified and level == "destroy":
        return f"cannot become {to}, as its required level is destroy; have it destroyed"
    if transition.verified and not verified:
        return f"cannot become {to}, as it was not verified since it was in service; have it destroyed"
    return ""
