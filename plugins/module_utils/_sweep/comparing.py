# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed policy would newly destroy, or no longer destroy, on a host. Writes nothing there."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import RefusedError
from .._evidence.canonical import canonical
from .._executor import CheckExecutor
from .._recordings.calendar import rfc3339
from .._retention.comparing import Comparer
from .._retention.policy import Policy, load_policy
from .._retention.rows import Identifiers
from .._retention.transitions import ABSENT, EFFECTS, NEWLY, NO_LONGER, Changes, Transition
from .inputs import Inputs, gather
from .state import StateDir

__all__ = ["compare_policies"]

# The result stays below 64 KiB, what Ansible adds to it included.
_MOST_BYTES = 48 * 1024
_SPARE = 8 * 1024
_MOST_TRANSITIONS = 120
_MOST_UNREAD = 50
_SAMPLES = (200, 100, 50, 20, 10, 5, 2, 1, 0)


def compare_policies(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of C(retention_compare).

    :raises DisposalError: an input is not as it should be; a root that cannot be read is told in the result instead.
    """
    state = StateDir(params["state_dir"], CheckExecutor())
    present, changed = load_policy(params["policy"]), load_policy(params["changed_policy"])
    identifiers = _identifiers(present, changed, params.get("identifiers_key") or "")
    # The key was asked for above, by both policies.
    inputs = gather(
        {**params, "sources": None, "policy": params["changed_policy"], "identifiers_key": params.get("identifiers_key") or "-" * 32}, state
    )
    present, changed = _with_sources(present, changed, params.get("sources"))
    before, after = (dataclasses.replace(inputs, policy=policy, identifiers=identifiers) for policy in (present, changed))
    most = int(params["samples"])
    comparer = Comparer(before.planner(), after.planner(), samples=most, workers=inputs.workers)
    try:
        changes = comparer.compare()
    finally:
        comparer.close()
    return _result(inputs, present, changed, comparer, changes, most)


def _identifiers(present: Policy, changed: Policy, key: str) -> Identifiers:
    """Ids as evidence shows them; names only where both policies say so.

    :raises RefusedError: there is no key for them.
    """
    kind = "plain" if {present.identifiers, changed.identifiers} == {"plain"} else "hmac"
    if kind == "hmac" and len(key) < 32:
        raise RefusedError(
            "one of the policies asks for identifiers: hmac, but no key of at least 32 characters was given; "
            "give identifiers_key_file (a file on the controller)"
        )
    return Identifiers(kind=kind, key=key)


def _with_sources(present: Policy, changed: Policy, names: t.Sequence[str] | None) -> tuple[Policy, Policy]:
    """The policies with the sources that this host has, by the names in either of them.

    :raises RefusedError: a name is in neither.
    """
    if names is None:
        return present, changed
    known = sorted({source.name for policy in (present, changed) for source in policy.sources})
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise RefusedError(f"sources names {', '.join(unknown) or 'nothing'}; the policies have the sources {', '.join(known)}")
    first, second = (
        dataclasses.replace(policy, sources=tuple(source for source in policy.sources if source.name in names))
        for policy in (present, changed)
    )
    return first, second


def _named(counts: t.Sequence[int]) -> dict[str, int]:
    return {"sets": counts[0], "files": counts[1], "bytes": counts[2]}


def _result(inputs: Inputs, present: Policy, changed: Policy, comparer: Comparer, changes: Changes, most: int) -> dict[str, t.Any]:
    paths = [root.path for root in comparer.roots.values()]
    unread = [{"root": root, "why": why[:400]} for root, why in comparer.unread]
    names = [sorted(classes) for classes in changes.classes]
    result: dict[str, t.Any] = {
        "changed": False,
        "as_of": rfc3339(inputs.now),
        **({"simulated": True} if inputs.simulated else {}),
        "policies": {"present": present.summary(), "changed": changed.summary()},
        "holds": {"generation": inputs.generation, "active": sum(hold.active(inputs.now) for hold in inputs.holds)},
        "complete": not unread,
        "roots": {"looked_at": len(set(paths)) - len({item["root"] for item in unread}), "unread": len({item["root"] for item in unread})},
        "unread": unread[:_MOST_UNREAD],
        "regrouped": sorted({path for path in paths if paths.count(path) > 1})[:_MOST_UNREAD],
        "totals": {side: _named(_seen(verdicts)) for side, verdicts in zip(("present", "changed"), changes.verdicts)},
        "verdicts": {
            side: {verdict: _named(counts) for verdict, counts in sorted(verdicts.items()) if verdict != ABSENT}
            for side, verdicts in zip(("present", "changed"), changes.verdicts)
        },
        "classes": {
            name: {
                **{side: classes.get(name, [0, 0, 0])[0] for side, classes in zip(("present", "changed"), changes.classes)},
                **{effect: changes.of_class(name, effect) for effect in (NEWLY, NO_LONGER)},
            }
            for name in sorted({*names[0], *names[1]})
        },
        "effects": {effect: _named(changes.effect(effect)) for effect in EFFECTS},
        "warnings": [*inputs.warnings, *_warnings(unread)],
    }
    return {**result, **_transitions(changes, most, _MOST_BYTES - len(canonical(result)))}


def _seen(verdicts: t.Mapping[str, t.Sequence[int]]) -> list[int]:
    return [sum(counts[index] for verdict, counts in verdicts.items() if verdict != ABSENT) for index in range(3)]


def _transitions(changes: Changes, most: int, room: int) -> dict[str, t.Any]:
    """The transitions, the largest of each effect first, with as many samples as there is room for."""
    ordered = sorted(changes.transitions.items(), key=lambda item: (EFFECTS.index(item[0][0]), -item[1].counts[2], item[0]))
    shown, rest = ordered[:_MOST_TRANSITIONS], ordered[_MOST_TRANSITIONS:]
    for samples in [most, *(number for number in _SAMPLES if number < most)]:
        rows = [_row(key, transition, samples) for key, transition in shown]
        if len(canonical(rows)) <= room:
            break
    # Many classes with long names leave less room than even rows without samples need.
    while rows and len(canonical(rows)) > room + _SPARE:
        rows = rows[: len(rows) * 3 // 4]
        rest = ordered[len(rows) :]
    return {"transitions": rows, "samples_each": samples, "more_transitions": _more(rest)}


def _row(key: tuple[str, t.Any, t.Any], transition: Transition, samples: int) -> dict[str, t.Any]:
    effect, before, after = key
    sides = {
        side: {"verdict": verdict, "class": name or None, "rule": rule or None}
        for side, (verdict, name, rule) in (("from", before), ("to", after))
    }
    return {"effect": effect, **sides, **_named(transition.counts), "samples": transition.samples[:samples]}


def _more(rest: t.Sequence[tuple[tuple[str, t.Any, t.Any], Transition]]) -> dict[str, t.Any]:
    """What the transitions that are not told one by one add up to, by effect."""
    more: dict[str, list[int]] = {}
    for (effect, _before, _after), transition in rest:
        more[effect] = [one + other for one, other in zip(more.get(effect, [0, 0, 0]), transition.counts)]
    return {effect: _named(counts) for effect, counts in more.items()}


def _warnings(unread: t.Sequence[t.Mapping[str, str]]) -> t.Iterator[str]:
    for item in unread[:5]:
        yield f"the root {item['root']} is not in the comparison, since it could not be read: {item['why']}"
    if len(unread) > 5:
        yield f"{len(unread) - 5} more roots could not be read"
