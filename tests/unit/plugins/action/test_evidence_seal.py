# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that seals a run."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_seal import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import verify
from ansible_collections.recordings.disposal.plugins.plugin_utils import _pdf
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import attached, need_pdf, pdfa_faults
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


def test_what_makes_pdfs_is_missing(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    _pdf._library.cache_clear()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    world.ledger.touch()
    before = snapshot(world.state)
    for changes in ({"rehearse": True}, {"languages": ["pl"]}, {"languages": ["pl"], "check_mode": True}):
        result = seal(world, formats=["html", "pdf"], **changes)
        assert (result["failed"], result["changed"]) == (True, False)
        assert "install it (pip install 'weasyprint>=70')" in result["msg"] and "\n" not in result["msg"]
        assert snapshot(world.state) == before
    monkeypatch.setitem(sys.modules, "segno", None)
    for changes in ({"rehearse": True}, {"languages": ["pl"]}):
        assert seal(world, **changes).get("failed") is None, "neither is needed for HTML"


def test_what_makes_qr_codes_is_missing(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    need_pdf()
    monkeypatch.setitem(sys.modules, "segno", None)
    world.ledger.touch()
    before = snapshot(world.state)
    for changes in ({"rehearse": True}, {"languages": ["pl"]}):
        result = seal(world, formats=["pdf"], **changes)
        assert result["failed"] and "install it (pip install segno)" in result["msg"]
    assert snapshot(world.state) == before


def test_pdfs_carry_what_was_signed(world: RunWorld, tmp_path: pathlib.Path) -> None:
    need_pdf()
    told: dict[str, t.Any] = {"languages": ["en", "pl"], "formats": ["html", "pdf"]}
    assert seal(world, rehearse=True, **told) == {"changed": False, "key": world.keys.fingerprint("evidence")}
    result = seal(world, **told)
    names = [f"certificate.{language}.{form}" for language in ("en", "pl") for form in ("html", "pdf")]
    assert [pathlib.Path(path).name for path in result["certificates"]] == names
    for path in (pathlib.Path(path) for path in result["certificates"] if path.endswith("pdf")):
        assert pdfa_faults(path.read_bytes()) == []
        files = attached(path.read_bytes())
        assert files == {name: (world.run / name).read_bytes() for name in ("statement.json", "statement.json.sig")}
        assert verify(
            files["statement.json"], files["statement.json.sig"], allowed_signers=world.signers, principal=SIGNER, namespace=NAMESPACE
        )
    before = snapshot(world.state)
    assert seal(world, **told)["changed"] is False and seal(world, check_mode=True, **told)["changed"] is False
    assert snapshot(world.state) == before
