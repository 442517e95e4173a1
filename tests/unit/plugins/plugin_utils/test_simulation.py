# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be due on a date: real plans with as_of, joined into pages, and refused wherever they could be carried out."""

from __future__ import annotations

import copy
import csv
import io
import json
import pathlib
import time
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.simulation import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import check_approvals
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.planning import make_plan
from ansible_collections.recordings.disposal.plugins.modules.simulation import RETURN
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, manifest_of, structure_faults

DATE = time.strftime("%Y-%m-%d", time.localtime(time.time() + 60 * 86400))
UNREACHABLE = {"unreachable": True, "changed": False, "msg": "No route to host"}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """Sets of which those of 30 days and more are due in 60 days."""
    world = World(tmp_path_factory.mktemp("pbx1"))
    for number, days in enumerate((1, 10, 29, 31, 40, 100)):
        world.record(days=days, number=number, size=1000)
    return make_plan(world.params(on_limit="report", as_of=DATE), CheckExecutor(), check_mode=True)


def run(directory: pathlib.Path, results: t.Any, **options: t.Any) -> dict[str, t.Any]:
    found = run_action(ActionModule, "simulation", {"results": results, "dest": str(directory), **options})
    assert len(json.dumps(found)) < 65536
    return found


def page(found: dict[str, t.Any], kind: str) -> str:
    return pathlib.Path(found["pages"][kind]).read_text(encoding="utf-8")


def test_refusals(tmp_path: pathlib.Path, simulated: dict[str, t.Any]) -> None:
    real = {key: value for key, value in simulated.items() if key != "simulated"}
    other = copy.deepcopy(simulated)
    other["policy"]["digest"] = "sha256:" + "0" * 64
    for results, words in (
        ({}, "there is no host with a result"),
        ({"pbx1": {"stdout": "x"}}, "give the result of retention_plan with as_of as it was returned"),
        ({"pbx1": real}, "the host pbx1 has a plan that simulates nothing"),
        ({"pbx1": simulated, "pbx2": other}, "the hosts pbx1 and pbx2 simulate different policies"),
        ({"pbx1": simulated, "pbx2": {**simulated, "as_of": "2030-01-01T00:00:00Z"}}, "the hosts pbx1 and pbx2 simulate different dates"),
    ):
        found = run(tmp_path, results)
        assert found["failed"] and words in found["msg"]
    assert list(tmp_path.iterdir()) == []


def test_it_is_no_manifest(tmp_path: pathlib.Path, simulated: dict[str, t.Any]) -> None:
    with pytest.raises(RefusedError, match="nobody can approve what is not due yet"):
        manifest_of({"pbx1": simulated})
    text = page(run(tmp_path, {"pbx1": simulated}), "json")
    for data in (text, json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"):
        with pytest.raises(EvidenceError, match="is not canonical JSON|has the format 'recordings.disposal/simulation/1'"):
            check_approvals(data.encode(), [], allowed_signers="", required=0, now=int(time.time()))
    assert "ssh-keygen" not in page(run(tmp_path, {"pbx1": simulated}), "html")


def test_an_unreachable_host_is_named(tmp_path: pathlib.Path, simulated: dict[str, t.Any]) -> None:
    found = run(tmp_path, {"pbx1": simulated, "pbx2": UNREACHABLE})
    assert found["failed"] and "the simulation is incomplete, not known are pbx2 (could not be reached: No route to host)" in found["msg"]
    rows = {row[0]: row[1:] for row in Page(page(found, "html")).table("Sources and amounts").rows}
    assert rows["pbx2"] == ["not known"] and rows["pbx1"][:2] == ["6", "3"]
    nothing = run(tmp_path, {"pbx2": UNREACHABLE}, on_incomplete="report")
    assert not nothing.get("failed") and structure_faults(Page(page(nothing, "html")), "en") == []


@pytest.mark.parametrize("language", ["en", "pl"])
def test_pages(tmp_path: pathlib.Path, simulated: dict[str, t.Any], language: str) -> None:
    found = run(tmp_path, {"pbx1": simulated}, language=language)
    assert not found.get("failed") and found["totals"]["due"]["sets"] == 3 and found["as_of"] == simulated["as_of"]
    shown = Page(page(found, "html"))
    assert structure_faults(shown, language) == []
    for text in (shown.text, page(found, "markdown")):
        assert {"en": "This is no plan.", "pl": "To nie jest plan."}[language] in text
    due = [row for row in csv.DictReader(io.StringIO(page(found, "csv"))) if row["verdict"] == "due"]
    assert [row["sets"] for row in due] == ["3"]
    assert not run(tmp_path, {"pbx1": simulated}, language=language)["changed"]
    assert {key for key in found if key not in ("changed", "failed")} <= set(yaml.safe_load(RETURN))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_outside_is_text(tmp_path: pathlib.Path, simulated: dict[str, t.Any], text: str) -> None:
    told = copy.deepcopy(simulated)
    told["policy"]["owner"] = text
    told["classes"] = {text: told["classes"]["calls"]}
    told["blocked"] = [text]
    found = run(tmp_path, {"pbx1": told, "pbx2": {"failed": True, "msg": text}}, on_incomplete="report", language="pl")
    assert structure_faults(Page(page(found, "html")), "pl") == []
    assert "<script" not in page(found, "markdown") and "\u202e" not in page(found, "markdown")
