# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that makes the certificates of a sealed run anew."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_certificate import ActionModule
from ansible_collections.recordings.disposal.plugins.action.evidence_seal import ActionModule as Seal
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils import _pdf
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import attached, need_pdf, pdfa_faults
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    world = RunWorld(tmp_path, created="2020-01-01T00:00:00Z", expires="2099-01-01T00:00:00Z").swept()
    signers = tmp_path / "signers"
    signers.write_text(world.signers, encoding="ascii")
    told = {"run": str(world.run), "manifest": str(world.manifest), "ledger": str(world.ledger), "signing_key": world.keys.path(world.key)}
    sealed = run_action(Seal, "evidence_seal", {**told, "signer": SIGNER, "allowed_signers": str(signers), "languages": ["en"]})
    assert "failed" not in sealed, sealed
    return world


def certify(world: RunWorld, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    told = {"run": str(world.run), "allowed_signers": str(world.run.parents[2] / "signers"), "signer": SIGNER, "ledger": str(world.ledger)}
    return run_action(ActionModule, "evidence_certificate", {**told, **changes}, check_mode=check_mode)


def damaged_journal(world: RunWorld) -> None:
    path = world.journal_path("rec1")
    path.write_bytes(path.read_bytes().replace(b'"outcome":"destroyed"', b'"outcome":"unknown"', 1))


def damaged_statement(world: RunWorld) -> None:
    path = world.run / "statement.json"
    path.write_bytes(path.read_bytes().replace(b'"complete":true', b'"complete":false'))


def lost_signature(world: RunWorld) -> None:
    (world.run / "statement.json.sig").unlink()


def another_manifest(world: RunWorld) -> None:
    (world.run / "manifest.json").write_bytes((world.run / "manifest.json").read_bytes().replace(b'"author":"', b'"author":"x'))


def missing_line(world: RunWorld) -> None:
    world.ledger.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged_journal, "rec1.jsonl"),
        (damaged_statement, "statement.json"),
        (lost_signature, "statement.json.sig"),
        (another_manifest, "manifest.json"),
        (missing_line, "ledger"),
    ],
)
def test_evidence_that_is_not_valid_gets_none(world: RunWorld, damage: t.Callable[[RunWorld], None], words: str) -> None:
    damage(world)
    before = snapshot(world.state)
    result = certify(world, languages=["en", "pl"])
    assert (result["failed"], result["changed"]) == (True, False)
    assert "no certificate was made, because the evidence in" in result["msg"] and words in result["msg"] and "\n" not in result["msg"]
    assert result["problems"]
    assert snapshot(world.state) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signer": "someone@example.com"}, "no certificate was made"),
        ({"allowed_signers": "/nowhere"}, "the file of allowed signers /nowhere cannot be read"),
        ({"run": "/nowhere"}, "/nowhere is not a directory"),
        ({"output": "/dev/null/pages"}, "so the certificates are not complete"),
    ],
)
def test_what_is_refused(world: RunWorld, changes: dict[str, t.Any], words: str) -> None:
    before = snapshot(world.state)
    result = certify(world, **changes)
    assert result["failed"] and words in result["msg"]
    assert snapshot(world.state) == before


def test_options_are_checked(world: RunWorld) -> None:
    with pytest.raises(AnsibleError, match="value of formats must be one or more of"):
        certify(world, formats=["docx"])


def test_what_makes_pdfs_is_missing(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    _pdf._library.cache_clear()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    before = snapshot(world.state)
    result = certify(world, formats=["html", "pdf"])
    assert result["failed"] and "install it (pip install 'weasyprint>=70')" in result["msg"]
    assert snapshot(world.state) == before


def test_the_four_runs_in_another_language(world: RunWorld) -> None:
    before = snapshot(world.state)
    english = (world.run / "certificate.en.html").read_bytes()
    assert certify(world, languages=["pl"], check_mode=True)["changed"] is True
    assert snapshot(world.state) == before
    done = certify(world, languages=["pl"])
    assert (done["changed"], done["certificates"]) == (True, [str(world.run / "certificate.pl.html")])
    assert done["statement"] == digest((world.run / "statement.json").read_bytes()) and done["complete"] is True
    assert '<html lang="pl">' in (world.run / "certificate.pl.html").read_text(encoding="utf-8")
    assert certify(world, languages=["pl"])["changed"] is False
    assert certify(world, languages=["pl"], check_mode=True)["changed"] is False
    # The same as sealing wrote, and the evidence stays valid with more pages beside it.
    (world.run / "certificate.en.html").unlink()
    certify(world, languages=["en"])
    assert (world.run / "certificate.en.html").read_bytes() == english


def test_pdfs_elsewhere(world: RunWorld, tmp_path: pathlib.Path) -> None:
    need_pdf()
    before = snapshot(world.state)
    result = certify(world, output=str(tmp_path / "for" / "auditor"), languages=["pl"], formats=["pdf"])
    (path,) = (pathlib.Path(name) for name in result["certificates"])
    assert path == tmp_path / "for" / "auditor" / "certificate.pl.pdf" and pdfa_faults(path.read_bytes()) == []
    assert attached(path.read_bytes()) == {name: (world.run / name).read_bytes() for name in ("statement.json", "statement.json.sig")}
    assert snapshot(world.state) == before
