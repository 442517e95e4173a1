# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that seals a run."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_seal import ActionModule
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    return RunWorld(tmp_path).swept()


def seal(world: RunWorld, *, check_mode: bool = False, diff: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    args = {
        "run": str(world.run),
        "manifest": str(world.manifest),
        "ledger": str(world.ledger),
        "signing_key": world.keys.path("evidence"),
        "signer": SIGNER,
        "languages": [],
        **changes,
    }
    return run_action(ActionModule, "evidence_seal", args, check_mode=check_mode, diff=diff)


def test_options_are_checked(world: RunWorld) -> None:
    with pytest.raises(AnsibleError, match="signing_key"):
        run_action(ActionModule, "evidence_seal", {"run": "x"})
    with pytest.raises(AnsibleError, match="languages"):
        seal(world, languages=["xx"])


def test_a_changed_journal_fails_and_nothing_is_written(world: RunWorld) -> None:
    data = world.journal_path("rec1").read_bytes()
    world.journal_path("rec1").write_bytes(data.replace(b"brokerage", b"br0kerage", 1))
    world.ledger.touch()
    before = snapshot(world.state)
    result = seal(world)
    assert (result["failed"], result["changed"]) == (True, False)
    assert "journals/rec1.jsonl line 3" in result["msg"]
    assert len(result["problems"]) == 1
    assert snapshot(world.state) == before


def test_check_mode_writes_nothing(world: RunWorld) -> None:
    before = snapshot(world.state)
    result = seal(world, check_mode=True, diff=True)
    assert (result["changed"], result["complete"], result["diff"]["before"]) == (True, True, "")
    assert '"complete": true' in result["diff"]["after"]
    assert snapshot(world.state) == before


def test_a_run_is_sealed_once_with_relative_paths(world: RunWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "signers").write_text(world.signers, encoding="ascii")
    monkeypatch.chdir(tmp_path)
    relative = {
        "run": f"disposal/runs/{world.run.name}",
        "manifest": f"disposal/plans/{world.run.name}/manifest.json",
        "ledger": "disposal/ledger.jsonl",
        "allowed_signers": "signers",
    }
    result = seal(world, **relative)
    assert (result["changed"], result["complete"], result["ledger"]["seq"]) == (True, True, 0)
    assert result["statement"]["path"] == str(world.run / "statement.json")
    assert "diff" not in result
    assert seal(world, **relative)["changed"] is False


def test_certificates_in_both_languages(world: RunWorld) -> None:
    result = seal(world, languages=["en", "pl"])
    assert [pathlib.Path(path).name for path in result["certificates"]] == ["certificate.en.html", "certificate.pl.html"]
    for path in result["certificates"]:
        assert result["merkle_root"].removeprefix("sha256:") in pathlib.Path(path).read_text(encoding="utf-8")
    assert seal(world, languages=["en", "pl"])["changed"] is False
