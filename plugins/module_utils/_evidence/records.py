# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields each type of record in a journal has, and no others; docs/schemas/journal-1.json says the same for everybody, which a test holds."""

from __future__ import annotations

import typing as t

__all__ = ["OPTIONAL", "REQUIRED", "TYPES", "fault_of"]

Kinds = frozenset[type]

_NONE = type(None)
_TEXT: Kinds = frozenset({str})
_TEXT_OR_NONE: Kinds = frozenset({str, _NONE})
_NUMBER: Kinds = frozenset({int})
_MAPPING: Kinds = frozenset({dict})
_MAPPING_OR_NONE: Kinds = frozenset({dict, _NONE})
# A writer may hold a list as a tuple; what was read is a list.
_LIST: Kinds = frozenset({list, tuple})

_EACH = {"seq": _NUMBER, "prev": _TEXT, "time": _TEXT, "type": _TEXT}
_SET = {"set": _TEXT, "class": _TEXT_OR_NONE, "rule": _TEXT_OR_NONE, "members": _NUMBER, "bytes": _NUMBER}

REQUIRED: dict[str, dict[str, Kinds]] = {
    "open": {
        **{"format": _TEXT, "run": _TEXT, "host": _TEXT, "plan": _TEXT, "collection": _TEXT, "identifiers": _TEXT, "approvals": _LIST},
        **{"manifest": _TEXT_OR_NONE, "policy": _TEXT_OR_NONE, "author": _TEXT_OR_NONE},
    },
    "resume": {"torn": _NUMBER, "pending": _NUMBER, "policy": _TEXT_OR_NONE},
    "intent": {
        **_SET,
        **{"method": _MAPPING, "start": _TEXT_OR_NONE, "keep_until": _TEXT_OR_NONE, "destroy_by": _TEXT_OR_NONE},
        **{"aside": _TEXT_OR_NONE, "marks": _LIST},
    },
    "step": {"set": _TEXT, "step": _TEXT, "told": _MAPPING},
    "erased": {"set": _TEXT, "outcome": _TEXT, "reason": _LIST, "proof": _MAPPING_OR_NONE},
    "outcome": {
        **_SET,
        **{"outcome": _TEXT, "level": _MAPPING, "technique": _TEXT_OR_NONE, "scheme": _TEXT_OR_NONE},
        **{"reason": _LIST, "proof": _MAPPING_OR_NONE},
    },
    "close": {"counts": _MAPPING, "bytes": _MAPPING, "interruptions": _NUMBER},
}
# What only some techniques and tasks tell: keys that were destroyed before (open); the medium and what its plan names (media_apply), the digest of
# what people reported (media_destruction), what is needed to go on (crypto_erase, sanitize).
OPTIONAL: dict[str, dict[str, Kinds]] = {
    "open": {"keys": _LIST},
    "intent": {
        **{"serial": _TEXT, "steps": _LIST, "row": _TEXT},
        **{"plan": _MAPPING, "preconditions": _LIST, "opened": _TEXT_OR_NONE},
        **{"reached": _LIST, "level": _TEXT, "standard": _TEXT_OR_NONE},
    },
}
TYPES = frozenset(REQUIRED)

_CALLED = {str: "a text", int: "a whole number", dict: "a mapping", list: "a list", _NONE: "nothing"}
_NEWER = "which this version does not know and a future one may; read it with the version that wrote it"


# Keys with the classes of their values, in the order that they stand in, of records that were found good; journals have few, and millions of each.
_GOOD: set[tuple[t.Any, ...]] = set()
_MOST_GOOD = 1024
_NUMBERS = {kind: tuple(key for key, kinds in fields.items() if kinds is _NUMBER) for kind, fields in REQUIRED.items()}


def fault_of(record: t.Mapping[str, t.Any]) -> str | None:
    """What a record has that its type does not, or the other way round, as the end of a sentence; none where it is as it should be."""
    kind = record.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return f"has the type {kind!r}, {_NEWER}"
    form = (kind, *record, *map(type, record.values()))
    if form not in _GOOD:
        fault = _fault_of_form(kind, record)
        if fault is not None:
            return fault
        if len(_GOOD) < _MOST_GOOD:
            _GOOD.add(form)
    for key in _NUMBERS[kind]:
        if record[key] < 0:
            return f"({kind}) has the {key} {record[key]}, which is below 0"
    return None


def _fault_of_form(kind: str, record: t.Mapping[str, t.Any]) -> str | None:
    keys, needed = record.keys(), REQUIRED[kind]
    if not needed.keys() <= keys:
        return f"({kind}) lacks {', '.join(sorted(needed.keys() - keys))}"
    known = {**_EACH, **needed, **OPTIONAL.get(kind, {})}
    if not keys <= known.keys():
        return f"({kind}) has the field {min(map(str, keys - known.keys()))!r}, {_NEWER}"
    # Number and link are the chain's to check, and not there yet where a record is only thought of.
    for key in keys - _EACH.keys():
        if record[key].__class__ not in known[key]:
            return _of_another_kind(kind, key, known[key])
    return None


def _of_another_kind(kind: str, key: str, kinds: Kinds) -> str:
    allowed = " or ".join(_CALLED[each] for each in _CALLED if each in kinds)
    return f"({kind}) has something else than {allowed} as {key}, {_NEWER}"
