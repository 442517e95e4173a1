# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._document import Node
from ansible_collections.recordings.disposal.plugins.module_utils._retention.match import Condition, condition_from_nodes

FIELDS: dict[str, t.Any] = {"did": "100", "direction": "in", "agent": "666", "duration": 30, "size": 5000, "name": "x"}
METADATA: dict[str, t.Any] = {
    "product": "orders",
    "amount": 5,
    "closed": "2024-01-15",
    "flag": True,
    "off": False,
    "text": "false",
    "nothing": None,
    "tags": ["a", "b"],
    "none": [],
    "agents": [{"id": 1}, {"id": 2, "name": "x"}],
}


def condition(**rule: t.Any) -> Condition:
    problems: list[str] = []
    made = condition_from_nodes(Node(rule, "", problems).mapping(optional=["match", "where"]))
    assert not problems, problems
    return made


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"did": "100"}, True),
        ({"did": ["99", "100"]}, True),
        ({"did": ["10"]}, False),
        ({"did": ["1000"]}, False),
        ({"agent": ["6666"]}, False),
        ({"agent": {"prefix": ["66"]}}, True),
        ({"agent": {"prefix": ["66"], "not_in": ["666"]}}, False),
        ({"agent": {"not_in": ["6666"]}}, True),
        ({"agent": {"in": ["666"], "not_in": ["666"]}}, False),
        ({"duration": 30}, True),
        ({"duration": [29, 31]}, False),
        ({"duration": {"min": 30}}, True),
        ({"duration": {"min": 31}}, False),
        ({"duration": {"max": 30}}, True),
        ({"duration": {"min": 10, "max": 29}}, False),
        ({"did": ["100"], "direction": ["out"]}, False),
        ({"queue": ["sales"]}, None),
        ({"queue": {"not_in": ["sales"]}}, None),
        ({"age_days": {"min": 0}}, None),
        ({"did": ["100"], "queue": ["sales"]}, None),
        ({"queue": ["sales"], "did": ["99"]}, False),
        ({"did": ["99"], "queue": ["sales"]}, False),
    ],
)
def test_match(match: dict[str, t.Any], expected: bool | None) -> None:
    value, unknown = condition(match=match).holds(FIELDS, METADATA)
    assert value is expected
    assert bool(unknown) == (value is None)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("metadata.product == 'orders'", True),
        ("metadata.product != 'orders'", False),
        ("direction == 'in' && duration > `20`", True),
        ("!(metadata.product == 'other')", True),
        ("metadata.flag", True),
        ("!(metadata.flag)", False),
        ("metadata.flag && !(metadata.off)", True),
        ("metadata.off || metadata.product == 'orders'", True),
        ("contains(metadata.tags, 'a')", True),
        ("!contains(metadata.tags, 'z')", True),
        ("length(metadata.tags) == `2`", True),
        ("starts_with(agent, '66')", True),
        ("metadata.agents[0].id == `1`", True),
        ("metadata.amount == `5`", True),
        ("metadata.amount == `5.0`", True),
    ],
)
def test_where(where: str, expected: bool) -> None:
    assert condition(where=where).holds(FIELDS, METADATA) == (expected, "")


@pytest.mark.parametrize(
    "where",
    [
        "metadata.status != 'SALE'",
        "!(metadata.satus == 'SALE')",
        "!(status == 'SALE')",
        "metadata.nothing == `null`",
        "metadata.nothing != 'x'",
        "!(metadata.nothing)",
        "!(metadata.tags[5])",
        "!(metadata.tags[5] == 'x')",
        "!(metadata.none[0])",
        "!(metadata.product[0])",
        "!(metadata.product[*])",
        "!(metadata.product[?x == 'y'])",
        "!(metadata.amount.*)",
        "metadata.amount == '5'",
        "metadata.amount != '5'",
        "metadata.amount > '4'",
        "!(metadata.amount > '4')",
        "metadata.product > `1`",
        "!(metadata.flag > `0`)",
        "metadata.flag == 'true'",
        "metadata.flag == `1`",
        "metadata.product",
        "metadata.amount",
        "metadata.tags",
        "`null`",
        "!`null`",
        "`1`",
        "metadata.text && direction == 'in'",
        "!(metadata.text)",
        "metadata.text || direction == 'in'",
        "!(metadata.none)",
        "metadata.product == 'orders' && metadata.status == 'x'",
        'metadata.agents[*].name == `["x"]`',
        "!(metadata.agents[?name == 'x'])",
        "abs(metadata.product) == `1`",
        "!(abs(metadata.product))",
        "no_such_function(@)",
        "max(metadata.none) == `1`",
        "!(max(metadata.none))",
        "metadata",
        "@",
    ],
)
def test_what_is_not_known_is_neither_true_nor_false(where: str) -> None:
    value, unknown = condition(where=where).holds(FIELDS, METADATA)
    assert value is None and unknown.startswith("where: ")
    assert "orders" not in unknown and "666" not in unknown


def test_match_and_where_are_anded() -> None:
    assert condition(match={"did": ["99"]}, where="metadata.status == 'x'").holds(FIELDS, METADATA) == (False, "")
    assert condition(match={"queue": ["x"]}, where="metadata.product == 'other'").holds(FIELDS, METADATA)[0] is None
    assert condition(match={"did": ["100"]}, where="metadata.product == 'other'").holds(FIELDS, METADATA) == (False, "")


def test_computed_fields_are_asked_for_only_where_they_are_named() -> None:
    assert condition(match={"did": ["1"]}).computed == frozenset()
    assert condition(match={"size": 1, "did": ["1"]}).computed == {"size"}
    assert "age_days" in condition(where="metadata.a == 'b'").computed


@pytest.mark.parametrize(
    ("source", "asked_for"),
    [
        ("pbx", {"pbx"}),
        (["pbx", "foo"], {"pbx", "foo"}),
        ({"in": ["pbx"], "not_in": ["foo"]}, {"pbx"}),
        ({"in": "pbx"}, {"pbx"}),
        ({"prefix": ["pb"]}, set()),
        (5, set()),
        ({"in": 5}, set()),
        ([5, None], set()),
        (None, set()),
    ],
)
def test_sources_that_are_asked_for_by_name(source: t.Any, asked_for: set[str]) -> None:
    """A fault in them is told as one, and never raises."""
    assert condition_from_nodes(Node({"match": {"source": source}}, "", []).mapping(optional=["match"])).sources == asked_for
