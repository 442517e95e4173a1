# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legal holds and erasure requests, from their own documents.

A hold that cannot be decided for a set, because the set lacks a field that the hold names, holds it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._document import Node, plain, read_document
from .._errors import PolicyError
from .._evidence.canonical import digest_of
from .._recordings.calendar import calendar_for, parse_instant
from .._recordings.periods import Period, parse_period, positive_period
from .match import Condition, condition_from_nodes

__all__ = ["DEFAULT_COOLING", "HOLD_ID", "ErasureRequest", "Hold", "load_holds", "load_requests", "unknown_sources"]

HOLD_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
DEFAULT_COOLING = "P30D"
_REQUEST_TERM = Period(months=1)
_UTC = "UTC"
_MOST_TOLD = 10


@dataclasses.dataclass(frozen=True)
class Hold:
    """A legal hold; C(until) is when its cooling period after a release ends (seconds since 1970), none while it stands."""

    id: str
    condition: Condition
    until: int | None

    def active(self, now: int) -> bool:
        return self.until is None or now < self.until


@dataclasses.dataclass(frozen=True)
class ErasureRequest:
    """A data subject's request (GDPR art. 17); C(due) is when its term of a month, or as written, ends.

    It is about what was recorded until C(covers): what is recorded later has its own purpose.
    """

    id: str
    condition: Condition
    received: int
    due: int
    covers: int


def load_holds(documents: t.Iterable[t.Any]) -> tuple[tuple[Hold, ...], str]:
    """Holds and their generation: the digest over all of them, which changes with each placing and release.

    :raises PolicyError: with every fault; a hold that cannot be read must not be taken for none.
    """
    return _load(documents, "hold", _hold)


def load_requests(documents: t.Iterable[t.Any]) -> tuple[tuple[ErasureRequest, ...], str]:
    """Erasure requests and the digest over all of them.

    :raises PolicyError: with every fault.
    """
    return _load(documents, "erasure request", _request)


def unknown_sources(holds: t.Iterable[Hold], requests: t.Iterable[ErasureRequest], known: t.Sequence[str]) -> list[str]:
    """A sentence for each document that names a source which the policy does not have; such a hold stands all the same.

    :arg known: the sources of the whole policy, not of one host.
    """
    kinds = (("hold", holds, "it holds nothing there"), ("erasure request", requests, "nothing there is erased for it"))
    sentences = []
    for kind, items, effect in kinds:
        for item in items:
            names = sorted(item.condition.sources - set(known))
            if names:
                which = f"the source{'s' if len(names) > 1 else ''} {_few(map(repr, names))}"
                has = f"which the policy does not have (it has: {_few(known)})"
                sentences.append(f"the {kind} {item.id} names {which}, {has}; correct it, or {effect}")
    more = len(sentences) - _MOST_TOLD
    return sentences if more <= 0 else [*sentences[:_MOST_TOLD], f"{more} more such documents name sources that the policy does not have"]


def _few(names: t.Iterable[str]) -> str:
    listed = list(names)
    return ", ".join([*listed[:_MOST_TOLD], *(["..."] if len(listed) > _MOST_TOLD else [])])


_T = t.TypeVar("_T", Hold, ErasureRequest)


def _load(documents: t.Iterable[t.Any], kind: str, read: t.Callable[[Node], _T]) -> tuple[tuple[_T, ...], str]:
    plains = [plain(document) for document in documents]
    items: dict[tuple[str, str], _T] = {}
    for index, value in enumerate(plains):
        name = value.get("id", index) if isinstance(value, dict) else index
        item = read_document(value, f"the {kind} {name}", read, private=True)
        digest = digest_of(value)
        # A hold may stand both in git and on the host; where the two differ, each holds what it names.
        if not isinstance(item, Hold) and any(name == item.id and other != digest for name, other in items):
            raise PolicyError(f"the {kind} {item.id} stands twice with different contents; keep one of them")
        items[item.id, digest] = item
    ordered = sorted(items)
    return tuple(items[key] for key in ordered), digest_of([digest for _id, digest in ordered])


def _instant(value: t.Any) -> int:
    return parse_instant(value, calendar_for(_UTC))


def _day_end(value: t.Any) -> int:
    return parse_instant(value, calendar_for(_UTC), day_ends=True)


def _end(term: Period, start: Node, *, not_before: int | None = None) -> int:
    """When a period that starts at a written date ends; what cannot be computed, or lies before C(not_before), is a fault."""

    def end(value: t.Any) -> int:
        # A date alone may be that of the same day.
        if not_before is not None and _day_end(value) < not_before:
            raise ValueError("is before placed, so nobody can tell until when the hold stands; correct the date that is wrong")
        return term.after(_instant(value), calendar_for(_UTC))

    return start.parsed(end, 0)


def _identifier(keys: t.Mapping[str, Node]) -> str:
    return keys["id"].text(pattern=HOLD_ID, form="an id of letters, digits, dots and hyphens") if "id" in keys else ""


def _hold(node: Node) -> Hold:
    keys = node.mapping(
        required=["id", "reason", "placed", "placed_by"],
        optional=["match", "where", "review_by", "released", "released_by", "cooling"],
    )
    condition = condition_from_nodes(keys)
    if "match" not in keys and "where" not in keys:
        node.problem("names no recordings; give match or where (match: {} holds every recording)")
    placed = keys["placed"].parsed(_instant, None) if "placed" in keys else None
    if "review_by" in keys:
        keys["review_by"].parsed(_instant, 0)
    for name in ("reason", "placed_by", "released_by"):
        if name in keys:
            keys[name].text()
    cooling = keys["cooling"].parsed(parse_period, Period()) if "cooling" in keys else parse_period(DEFAULT_COOLING)
    until = None
    if "released" in keys:
        if "released_by" not in keys:
            node.problem("is released by nobody; give released_by")
        until = _end(cooling, keys["released"], not_before=placed)
    return Hold(_identifier(keys), condition, until)


def _request(node: Node) -> ErasureRequest:
    keys = node.mapping(required=["id", "received"], optional=["match", "where", "term", "reason"])
    condition = condition_from_nodes(keys)
    if not condition.tests and condition.where is None:
        node.problem("names no recordings; give match or where")
    term = keys["term"].parsed(positive_period, _REQUEST_TERM) if "term" in keys else _REQUEST_TERM
    if "received" not in keys:
        return ErasureRequest(_identifier(keys), condition, 0, 0, 0)
    received, covers = keys["received"].parsed(_instant, 0), keys["received"].parsed(_day_end, 0)
    return ErasureRequest(_identifier(keys), condition, received, _end(term, keys["received"]), covers)
