# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime as dt
import json
import os
import pathlib
import subprocess
import types
import typing as t
from unittest import mock

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.action.plan_manifest import ActionModule, told_manifest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.modules.plan_manifest import DOCUMENTATION, EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import blocked_fleet, fleet, manifest_of, result


def run(directory: pathlib.Path, *, check_mode: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """The task's result, as the playbook gets it."""
    args = {"results": fleet(), "author": "operations@example.com", "dest": str(directory), **options}
    told = {name: value for name, value in args.items() if value is not None}
    task = types.SimpleNamespace(
        args=told, check_mode=check_mode, diff=diff, async_val=0, action="recordings.disposal.plan_manifest", environment=None
    )
    play_context = types.SimpleNamespace(check_mode=check_mode, diff=diff)
    action = ActionModule(task, mock.MagicMock(), play_context, DataLoader(), mock.MagicMock(), mock.MagicMock())
    found: dict[str, t.Any] = action.run(task_vars={})
    return found


def files(directory: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def refused(directory: pathlib.Path, **options: t.Any) -> str:
    """The sentence of a task that fails."""
    try:
        found = run(directory, **options)
    except AnsibleError as error:
        return str(error)
    assert found["failed"] and not found["changed"]
    return str(found["msg"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"results": None}, "results"),
        ({"author": None}, "author"),
        ({"author": " "}, "author is not a name on one line"),
        ({"approvals_required": "two"}, "approvals_required"),
        ({"approvals_required": -1}, "approvals_required is -1"),
        ({"expires_in": "P1M"}, "counts months or years"),
        ({"plan_id": "../../etc"}, "is not a name of up to 64 letters"),
        ({"language": "de"}, "en, pl"),
        ({"results": {}}, "no host with a result"),
        ({"results": {"pbx1": result("pbx1"), "meet1": {}}}, "the host meet1 has no result"),
        (
            {"results": {"pbx1": result("pbx1"), "meet1": result("meet1", simulated=True, as_of="2027-01-31T22:59:59Z")}},
            "the host meet1 has a plan that simulates 2027-01-31T22:59:59Z (it was made with as_of), and nobody can approve what is not due yet",
        ),
        (
            {"results": {"pbx1": result("pbx1"), "meet1": {"failed": True, "msg": "the root is empty"}}},
            "meet1 has no plan, planning there failed: the root is empty",
        ),
        ({"colour": "red"}, "colour"),
    ],
)
def test_refuses_and_writes_nothing(tmp_path: pathlib.Path, options: dict[str, t.Any], words: str) -> None:
    for check_mode in (False, True):
        assert words in refused(tmp_path, check_mode=check_mode, **options)
    assert files(tmp_path) == {} and list(tmp_path.iterdir()) == []


def test_refuses_to_replace_a_signed_manifest(tmp_path: pathlib.Path) -> None:
    found = run(tmp_path)
    pathlib.Path(found["manifest_path"] + ".a@example.com.sig").write_text("x", encoding="utf-8")
    before = files(tmp_path)
    assert "has 1 signature beside it" in refused(tmp_path, approvals_required=1)
    assert files(tmp_path) == before


def test_what_is_returned(tmp_path: pathlib.Path) -> None:
    found = run(tmp_path, results=blocked_fleet())
    path = pathlib.Path(found["manifest_path"])
    digest = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert found["changed"] and found["manifest_digest"] == f"sha256:{digest}"
    manifest = json.loads(path.read_bytes())
    assert found["manifest"] == manifest and manifest_bytes(manifest) == path.read_bytes()
    assert (found["plan_id"], found["totals"], found["blocked"]) == (manifest["plan_id"], manifest["totals"], manifest["blocked"])
    assert found["blocked"][0]["host"] == "dialer1"
    assert all(os.path.isfile(page) for page in found["pages"].values())
    assert path == tmp_path / "plans" / found["plan_id"] / "manifest.json"
    assert (manifest["approvals_required"], manifest["author"]) == (2, "operations@example.com")


def test_twice_changes_once(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path)
    before = files(tmp_path)
    again = run(tmp_path)
    assert first["changed"] and not again["changed"]
    assert again["manifest_digest"] == first["manifest_digest"] and again["manifest"] == first["manifest"]
    assert files(tmp_path) == before


def test_check_mode_writes_nothing_and_returns_the_manifest(tmp_path: pathlib.Path) -> None:
    found = run(tmp_path, check_mode=True, diff=True)
    assert found["changed"] and found["manifest"]["plan_id"] == found["plan_id"] == manifest_of(now=_now(found))["plan_id"]
    assert found["diff"]["before"] == "" and found["plan_id"] in found["diff"]["after"]
    assert list(tmp_path.iterdir()) == []


def _now(found: dict[str, t.Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(found["manifest"]["created"].replace("Z", "+00:00"))


def test_the_difference_is_the_page_before_and_after(tmp_path: pathlib.Path) -> None:
    assert "diff" not in run(tmp_path, plan_id="x")
    found = run(tmp_path, plan_id="x", diff=True, approvals_required=0)
    assert "2 different persons" in found["diff"]["before"].replace("\u00a0", " ") and "approvals" in found["diff"]["after"]
    assert found["diff"]["before"] != found["diff"]["after"]


def test_texts_from_templates_are_taken_as_they_are_meant(tmp_path: pathlib.Path) -> None:
    class Tagged(str):
        """As a templating engine hands texts over."""

    results = {Tagged(host): {Tagged(key): value for key, value in part.items()} for host, part in fleet().items()}
    found = run(tmp_path, results=results, approvals_required="1", author=Tagged("operations@example.com"))
    assert found["manifest"]["approvals_required"] == 1
    assert {type(host) for host in found["manifest"]["hosts"]} == {str}
    assert {type(found["manifest"]["author"])} == {str}


@pytest.mark.parametrize("hosts", [2, 20, 200])
def test_a_result_stays_small(tmp_path: pathlib.Path, hosts: int) -> None:
    results = {f"recorder{number:03}": result(f"recorder{number:03}") for number in range(hosts)}
    manifest = manifest_of(results)
    told = told_manifest(copy.deepcopy(manifest))
    assert len(canonical(told)) < 64 * 1024
    assert set(told["hosts"]) == set(manifest["hosts"]) and told["totals"] == manifest["totals"]
    if hosts == 2:
        assert told == manifest
    else:
        part = told["hosts"]["recorder001"]
        assert part["plan"]["digest"] == manifest["hosts"]["recorder001"]["plan"]["digest"] and "samples" not in part


def test_the_documentation_tells_what_is_returned(tmp_path: pathlib.Path) -> None:
    found = run(tmp_path, diff=True)
    always = {name for name, told in yaml.safe_load(RETURN).items() if told["returned"] == "success"}
    assert always == set(found) - {"changed", "diff"}
    documentation = yaml.safe_load(DOCUMENTATION)
    used = {option for task in yaml.safe_load(EXAMPLES) for option in task.get("recordings.disposal.plan_manifest", {})}
    assert used and used <= set(documentation["options"])
