# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks after the parts of a policy and what it rests on, in which edition, and until when that was looked at."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from .._document import Node

__all__ = ["KINDS", "Reviewed", "parse_date", "reviewed_from_nodes"]

# What a policy rests on and does not define itself, by the key under which it tells who looks after it.
KINDS: t.Mapping[str, str] = {"tables": "table", "schemes": "scheme", "standards": "standard", "keys": "key"}
_PARTS = {"classes": "class", "floors": "floor", "sources": "source"}


@dataclasses.dataclass(frozen=True)
class Reviewed:
    """One thing that is reviewed.

    :ivar kind: C(class), C(floor), C(source), C(table), C(scheme), C(standard) or C(key).
    :ivar edition: empty for parts of the policy, whose edition is its version.
    :ivar review_by: the date of its next review.
    :ivar expires: when a key ends by itself; empty where it does not.
    :ivar path: its place in the policy.
    """

    kind: str
    name: str
    owner: str
    edition: str
    review_by: str
    expires: str
    path: str


def parse_date(value: t.Any) -> str:
    """A date in the form 2027-05-31.

    :raises ValueError: it is none; the text follows the value in a sentence.
    """
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("is not a date such as 2027-05-31") from None


def reviewed_from_nodes(keys: t.Mapping[str, Node]) -> tuple[Reviewed, ...]:
    """All that a policy says of reviews; C(keys) are its members."""
    found = [_reviewed(kind, name, node) for key, kind in _PARTS.items() if key in keys for name, node in _of_parts(keys[key])]
    if "review" in keys:
        for key, node in keys["review"].mapping(optional=list(KINDS)).items():
            found += [_reviewed(KINDS[key], name, item) for name, item in node.items()]
    return tuple(found)


def _of_parts(node: Node) -> t.Iterator[tuple[str, Node]]:
    """The name and the C(review) of each element that has one."""
    for index, item in enumerate(node.value if isinstance(node.value, list) else []):
        if isinstance(item, dict) and item.get("review") is not None:
            place = Node(item, f"{node.path}[{index}]", node.problems)
            yield str(item.get("name", index)), place.child("review", item["review"])


def _reviewed(kind: str, name: str, node: Node) -> Reviewed:
    required = ["owner", "review_by"] if kind in _PARTS.values() else ["owner", "edition", "review_by"]
    keys = node.mapping(required=required, optional=["expires"] if kind == "key" else [])
    return Reviewed(
        kind=kind,
        name=name,
        owner=keys["owner"].text() if "owner" in keys else "",
        edition=keys["edition"].text() if "edition" in keys else "",
        review_by=keys["review_by"].parsed(parse_date, "") if "review_by" in keys else "",
        expires=keys["expires"].parsed(parse_date, "") if "expires" in keys else "",
        path=node.path,
    )
