# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick reading takes nothing that reading in full would refuse, and gives the very same."""

from __future__ import annotations

import json
import random
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.shapes import Shape, Shapes
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import intent, outcome

RECORD = {
    **outcome("a" * 32),
    "type": "outcome",
    "seq": 7,
    "prev": "sha256:0",
    "marks": [{"at": 1, "text": "x"}, [], {}, None, True, False],
}
WORDS = ["", "a", "żółw", "a b", "\u202e", "\U0001f600", "\x7f", '"', "\\", "\n", "\x00", "\x1f", "\udce9", "0", "-0", "}", '","b":"']
NUMBERS = [0, 1, -1, 10**17, 10**18, 10**30, -(10**18)]


def in_full(text: str) -> t.Any:
    """What reading and encoding again takes; none where that is not byte for byte the same."""
    try:
        record = json.loads(text)
        same = isinstance(record, dict) and canonical(record) == text.encode()
    except (ValueError, RecursionError):
        return None
    return record if same else None


def changed(value: t.Any, choose: random.Random) -> t.Any:
    """The same shape with other texts and numbers."""
    if isinstance(value, dict):
        return {key: changed(item, choose) for key, item in value.items()}
    if isinstance(value, list):
        return [changed(item, choose) for item in value]
    if isinstance(value, str):
        return choose.choice(WORDS)
    return choose.choice(NUMBERS) if isinstance(value, int) and not isinstance(value, bool) else value


def test_every_byte_that_is_changed_is_judged_as_in_full() -> None:
    text = canonical(RECORD).decode()
    shape = Shape(json.loads(text))
    assert shape.read(text) == RECORD
    for place in range(len(text)):
        for other in ("", " ", "0", "1", "-", ",", '"', "\\", "}", "e", ".", "\n", "\x00", "ż"):
            for bad in (text[:place] + other + text[place + 1 :], text[:place] + other + text[place:]):
                found = shape.read(bad)
                assert found is None or found == in_full(bad), bad
                if found is not None:
                    assert canonical(found) == bad.encode()


@pytest.mark.parametrize("seed", range(200))
def test_other_texts_and_numbers_give_the_very_same(seed: int) -> None:
    shape, choose = Shape(json.loads(canonical(RECORD))), random.Random(seed)
    record = changed(json.loads(canonical(RECORD)), choose)
    text = canonical(record).decode()
    found = shape.read(text)
    assert found is None or (found == record and list(found) == sorted(record) and canonical(found).decode() == text)


@pytest.mark.parametrize(
    "bad",
    [
        lambda text: text.replace('"seq":7', '"seq":07'),
        lambda text: text.replace('"seq":7', '"seq":-0'),
        lambda text: text.replace('"seq":7', '"seq":+7'),
        lambda text: text.replace('"seq":7', '"seq":7.0'),
        lambda text: text.replace('"seq":7', '"seq":7e0'),
        lambda text: text.replace('"seq":7', '"seq":true'),
        lambda text: text.replace('"seq":7', '"seq":٧'),
        lambda text: text.replace('"seq":7', '"seq":"7"'),
        lambda text: text.replace('"seq":7', '"seq": 7'),
        lambda text: text.replace("sha256:0", "sha256\\u003a0"),
        lambda text: text.replace("sha256:0", "sha256\t0"),
        lambda text: text.replace('"seq":7', '"seq":7,"seq":7'),
        lambda text: text.replace("null", "none"),
        lambda text: text + "\n",
        lambda text: text[:-1],
    ],
)
def test_what_is_not_canonical_is_of_no_shape(bad: t.Callable[[str], str]) -> None:
    text = canonical(RECORD).decode()
    assert bad(text) != text and Shape(json.loads(text)).read(bad(text)) is None


def test_records_do_not_share_what_they_hold() -> None:
    text = canonical(RECORD).decode()
    shape = Shape(json.loads(text))
    one, other = shape.read(text), shape.read(text)
    assert one is not None and other is not None
    one["level"]["required"] = "none"
    one["marks"].append(1)
    assert other == RECORD


def test_few_shapes_are_kept_and_none_that_is_large_or_deep() -> None:
    shapes = Shapes()
    for count in range(100):
        record = {**intent("a"), "marks": [1] * count, "type": "intent"}
        text = canonical(record).decode()
        found = shapes.read(text)
        assert found is None
        shapes.learn(json.loads(text), text)
    assert sum(map(len, shapes._known.values())) == 8
    for kind in range(100):
        text = canonical({"type": f"kind-{kind:03d}-of-record"}).decode()
        shapes.learn(json.loads(text), text)
    assert len(shapes._known) == 32
    fresh = Shapes()
    deep: t.Any = "x"
    for _level in range(60):
        deep = [deep]
    for large in ({"a": list(range(300))}, {"a": deep}):
        fresh.learn(large, canonical(large).decode())
    assert not fresh._known
