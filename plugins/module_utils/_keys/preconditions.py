# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the destruction of a key to destroy what was encrypted with it: each seen as met, not met or unknown, and judged."""

from __future__ import annotations

import typing as t

from .._errors import RefusedError

__all__ = ["DEMANDS", "PRECONDITIONS", "Gone", "Precondition", "declared", "demands_of", "judge_keys", "refusal_of"]

PRECONDITIONS: t.Mapping[str, str] = {
    "encrypted_from_first_write": "nothing was ever written there in the clear",
    "strength": "the algorithm and its key have at least 128 bits",
    "no_other_key": "no other key, key slot, token, protector or recipient opens it",
    "no_backup": "no backup or escrow of the key or of what holds it is left",
    "no_stale_copy": "what held the key was overwritten where it lay, and no older copy of it stays on the medium",
    "not_in_memory": "the key is in no keyring, environment, swap, hibernation image or core dump of this host",
    "no_store_copies": "the key store keeps no version, deleted copy, backup or replica of the key",
    "waiting_over": "the key store's waiting period is over",
}
# What a task demands of each: the first is the strictest.
DEMANDS = ("require", "report", "accept")
_STATES = ("met", "unknown", "not_met")


class Precondition(t.NamedTuple):
    """One of C(PRECONDITIONS).

    :arg state: C(met), C(not_met) or C(unknown).
    :arg looked_at: what was looked at and what was seen there, one clause each.
    """

    name: str
    state: str
    looked_at: tuple[str, ...]

    def row(self) -> dict[str, t.Any]:
        """As plain data."""
        return {"name": self.name, "state": self.state, "looked_at": list(self.looked_at)}

    @classmethod
    def of(cls, row: t.Mapping[str, t.Any]) -> Precondition:
        """What C(row) gave."""
        return cls(row["name"], row["state"], tuple(row["looked_at"]))

    @property
    def told(self) -> str:
        return f"{self.name} is {self.state.replace('_', ' ')} ({'; '.join(self.looked_at)})"


class Gone(t.NamedTuple):
    """What was seen of the key after its destruction.

    :arg state: C(gone), C(left) or C(unknown).
    :arg told: why it is not C(gone), one clause; empty where it is.
    :arg seen: what was read back or tried, as plain data for the proof.
    """

    state: str
    told: str
    seen: t.Mapping[str, t.Any]


def demands_of(given: t.Mapping[str, str] | None) -> dict[str, str]:
    """What is demanded of each precondition; C(report) where nothing was given.

    :raises RefusedError: a name or a demand that is not known.
    """
    for name, demand in (given or {}).items():
        if name not in PRECONDITIONS:
            raise RefusedError(f"the precondition {name!r} is not known, so nothing was done; give one of {', '.join(PRECONDITIONS)}")
        if demand not in DEMANDS:
            raise RefusedError(f"the precondition {name} is demanded as {demand!r}, so nothing was done; give one of {', '.join(DEMANDS)}")
    return {name: (given or {}).get(name, "report") for name in PRECONDITIONS}


def declared(found: t.Sequence[Precondition], words: t.Mapping[str, str] | None) -> list[Precondition]:
    """The preconditions with what people vouch for: it settles what is unknown, and never what was seen to be otherwise.

    :raises RefusedError: a name that is not known, or words that say nothing.
    """
    given = words or {}
    for name, text in given.items():
        if name not in PRECONDITIONS:
            raise RefusedError(f"the precondition {name!r} is not known, so nothing was done; give one of {', '.join(PRECONDITIONS)}")
        if not isinstance(text, str) or not text.strip():
            raise RefusedError(
                f"nothing is said of the precondition {name}, so nothing was done; state who vouches for it and where that is written"
            )
    return [
        Precondition(each.name, "met", (*each.looked_at, f"declared: {given[each.name].strip()}"))
        if each.state == "unknown" and each.name in given
        else each
        for each in found
    ]


def refusal_of(found: t.Sequence[Precondition], demands: t.Mapping[str, str]) -> str:
    """Why nothing may be done, empty where it may: what is known not to hold, unless that is accepted, and what is required and not known."""
    against = [
        each.told
        for each in found
        if (each.state == "not_met" and demands[each.name] != "accept") or (each.state == "unknown" and demands[each.name] == "require")
    ]
    return "; ".join(against)


def judge_keys(gone: Gone, found: t.Sequence[Precondition], demands: t.Mapping[str, str]) -> tuple[str, str | None]:
    """The outcome and, unless it is C(destroyed), the reason. What is unknown never counts as met."""
    if gone.state != "gone":
        return {"left": "not_destroyed"}.get(gone.state, "unknown"), gone.told
    for state, outcome in (("not_met", "not_destroyed"), ("unknown", "unknown")):
        # What is unknown is accepted on purpose or not at all; what is not met remains what it is.
        short = [each.told for each in found if each.state == state and not (state == "unknown" and demands[each.name] == "accept")]
        if short:
            return outcome, f"the key is gone, but {'; '.join(short)}"
    return "destroyed", None


def limits_of(found: t.Sequence[Precondition]) -> list[str]:
    """What is left open by preconditions that are not met as far as was seen, one sentence each."""
    return [each.told for each in found if each.state != "met"]
