# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that verifies the evidence of a run."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_verify import ActionModule
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    world = RunWorld(tmp_path, created="2020-01-01T00:00:00Z", expires="2099-01-01T00:00:00Z").swept()
    world.seal(now="2020-01-02T00:00:00Z")
    (tmp_path / "signers").write_text(world.signers, encoding="ascii")
    return world


def verify(world: RunWorld, **changes: t.Any) -> dict[str, t.Any]:
    args = {
        "run": str(world.run),
        "allowed_signers": str(world.run.parents[2] / "signers"),
        "signer": SIGNER,
        "ledger": str(world.ledger),
        **changes,
    }
    return run_action(ActionModule, "evidence_verify", args)


def test_options_are_checked() -> None:
    with pytest.raises(AnsibleError, match="allowed_signers, run, signer"):
        run_action(ActionModule, "evidence_verify", {})


def test_evidence_that_is_not_valid_fails_in_one_sentence(world: RunWorld) -> None:
    for host in ("rec1", "rec2"):
        world.journal_path(host).write_bytes(b"rubbish\n")
    (world.run / "statement.json.sig").write_bytes(b"")
    world.ledger.write_bytes(b"")
    result = verify(world)
    assert (result["failed"], result["valid"], result["complete"], result["changed"]) == (True, False, False, False)
    assert len(result["problems"]) == 5
    assert result["msg"].startswith(f"the evidence is not valid: {result['problems'][0]}; ")
    assert result["msg"].endswith(" (and 2 more)")
    assert "\n" not in result["msg"]


def test_a_run_that_is_not_there_fails(world: RunWorld) -> None:
    result = verify(world, run=str(world.run / "none"))
    assert result["failed"] is True
    assert "is not a directory; name the directory of a run" in result["msg"]


def test_good_evidence(world: RunWorld) -> None:
    result = verify(world)
    assert "failed" not in result
    assert (result["valid"], result["complete"], result["problems"]) == (True, True, [])
    assert len(result["checks"]) == 7
    assert [sentence for sentence in result["not_checked"] if "ledger" in sentence] == [
        "The time stamp of ledger.head.json: there is none, so nobody else attests the times."
    ]
    assert any("ledger" in sentence for sentence in verify(world, ledger=None)["not_checked"])
