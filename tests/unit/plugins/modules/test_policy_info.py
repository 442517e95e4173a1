# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import functools
import pathlib
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.recordings.disposal.plugins.modules.policy_info import main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

EXAMPLE = {"recording": {"did": "100"}, "verdict": "due", "on": "2026-11-23", "start": "2024-03-01"}


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


@pytest.fixture
def info(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    return functools.partial(run, main, capsys, monkeypatch)


def test_it_only_reads(world: World, info: t.Callable[..., dict[str, t.Any]]) -> None:
    world.policy["classes"][0]["examples"] = [EXAMPLE]
    hold = {"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"src": ["+48600100200"]}}
    request = {"id": "ER-7", "received": "2026-11-20", "match": {"src": ["+48600100299"]}}
    before = fingerprint(world.path)
    for check in (True, False, False, True):
        result = info(check=check, policy=world.policy, holds=[hold], requests=[request])
        assert not result["changed"] and not result.get("failed")
        assert (result["examples"], result["classes"], result["holds"], result["requests"]) == (1, ["calls"], ["H-1"], ["ER-7"])
        assert "+48600100" not in str(result)
    assert fingerprint(world.path) == before


def test_sources_that_the_policy_does_not_have(
    world: World, info: t.Callable[..., dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, warning: warned.append(warning))
    hold = {"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"source": ["foo"]}}
    request = {"id": "ER-7", "received": "2026-11-20", "match": {"source": ["pbx"], "src": ["+48600100299"]}}
    result = info(policy=world.policy, holds=[hold], requests=[request])
    assert not result.get("failed") and result["holds"] == ["H-1"]
    assert warned == [
        "the hold H-1 names the source 'foo', which the policy does not have (it has: pbx); correct it, or it holds nothing there"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "retained"}, "1 of 2 examples of the policy do not get their verdict: classes[0].examples[1]: the verdict is due"),
        ({"recording": {"dod": "1"}}, "dod is not a field of a recording"),
        ({"on": "soon"}, "classes[0].examples[1].on: 'soon' is not a date"),
        ({"start": None}, "the key is blank"),
    ],
)
def test_examples_that_fail(world: World, info: t.Callable[..., dict[str, t.Any]], change: dict[str, t.Any], words: str) -> None:
    world.policy["classes"][0]["examples"] = [EXAMPLE, {**EXAMPLE, **change}]
    result = info(policy=world.policy)
    assert result["failed"] and words in result["msg"] and len(result["problems"]) == 1


def test_faults_are_listed_with_their_places(world: World, info: t.Callable[..., dict[str, t.Any]]) -> None:
    broken = copy.deepcopy(world.policy)
    broken["classes"][0].update(keep="P0D", matches={})
    broken["limits"]["share"] = "no"
    result = info(policy=broken)
    assert result["failed"] and [problem.partition(":")[0] for problem in result["problems"]] == [
        "classes[0].matches",
        "classes[0].keep",
        "limits.share",
    ]


def test_neither_policy_nor_file(info: t.Callable[..., dict[str, t.Any]]) -> None:
    result = info()
    assert result["failed"] and "one of the following is required: policy, policy_file" in result["msg"]
