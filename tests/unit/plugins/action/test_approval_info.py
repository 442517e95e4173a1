# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that tells whether a plan is approved."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.approval_info import ActionModule
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys, manifest_bytes


class Plan:
    def __init__(self, path: pathlib.Path) -> None:
        self.keys = Keys(path)
        self.directory = path / "plan"
        self.directory.mkdir()
        self.manifest = self.directory / "manifest.json"
        self.manifest.write_bytes(manifest_bytes(created="2020-01-01T00:00:00Z", expires="2099-01-01T00:00:00Z"))
        self.signers = path / "allowed_signers"
        self.signers.write_text("".join(self.keys.line(f"{name}@example.com", name) for name in ("anna", "bob")), encoding="ascii")

    def sign(self, name: str) -> None:
        signature = self.keys.sign(self.manifest.read_bytes(), name)
        (self.directory / f"manifest.json.{name}@example.com.sig").write_text(signature, encoding="ascii")

    def ask(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        args = {"manifest": str(self.manifest), "allowed_signers": str(self.signers), **changes}
        return run_action(ActionModule, "approval_info", args, check_mode=check_mode)


@pytest.fixture
def plan(tmp_path: pathlib.Path) -> Plan:
    return Plan(tmp_path)


def test_options_are_checked(plan: Plan) -> None:
    with pytest.raises(AnsibleError, match="manifest"):
        run_action(ActionModule, "approval_info", {})
    with pytest.raises(AnsibleError, match="required"):
        plan.ask(required="many")
    with pytest.raises(AnsibleError, match="surprise"):
        plan.ask(surprise=1)


def test_files_that_are_missing(plan: Plan, tmp_path: pathlib.Path) -> None:
    for option, words in (
        ("manifest", "none cannot be read .No such file"),
        ("allowed_signers", "the file of allowed signers .*none cannot be read"),
        ("signatures_dir", "the directory of signatures .*none cannot be read"),
    ):
        result = plan.ask(**{option: str(tmp_path / "none")})
        assert result["failed"] is True
        assert result["changed"] is False
        assert re.search(words, result["msg"])


def test_what_is_missing_is_told_without_failing(plan: Plan) -> None:
    plan.sign("anna")
    (plan.directory / "manifest.json.sig").write_bytes(b"")
    result = plan.ask(required=1)
    assert "failed" not in result
    assert (result["approved"], result["required"], result["missing"]) == (False, 2, 1)
    assert result["problems"] == ["manifest.json.sig does not say who signed; name it manifest.json.<principal>.sig"]
    assert result["sentence"] == "2 approvals needed, 1 counts (anna@example.com)"


def test_without_signers_nobody_counts(plan: Plan) -> None:
    plan.sign("anna")
    result = plan.ask(allowed_signers=None)
    assert (result["approved"], result["approvals"]) == (False, [])
    assert "which allowed_signers does not list for anna@example.com" in result["problems"][0]


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_approved_plan(plan: Plan, check_mode: bool) -> None:
    for name in ("anna", "bob"):
        plan.sign(name)
    result = plan.ask(check_mode=check_mode)
    assert result["changed"] is False
    assert (result["approved"], result["missing"], result["problems"]) == (True, 0, [])
    assert result["approvals"][1] == {
        "principal": "bob@example.com",
        "key": plan.keys.fingerprint("bob"),
        "namespace": "plan@recordings.disposal",
    }
