# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to stores, that to proof, and the modules show of them, taken literally."""

from __future__ import annotations

import functools
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action import evidence_seal as seal_action
from ansible_collections.recordings.disposal.plugins.action import evidence_store as store_action
from ansible_collections.recordings.disposal.plugins.action import evidence_verify as verify_action
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time, time_text, utc_now
from ansible_collections.recordings.disposal.plugins.modules import evidence_seal, evidence_store, evidence_verify
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import read_ledger
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_options import _KINDS, _TAKES
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.stamp_authority import Authority, serving

TOP = pathlib.Path(__file__).resolve().parents[4]
STORE, PROOF = ((TOP / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("store", "proof"))
NAMES = {
    "recordings.disposal.evidence_seal": seal_action,
    "recordings.disposal.evidence_store": store_action,
    "recordings.disposal.evidence_verify": verify_action,
}


def tasks(page: str) -> list[tuple[str, dict[str, t.Any]]]:
    blocks = re.findall(r"(?:^ {4}.*\n)+", page, re.MULTILINE)
    found = [task for block in blocks for task in yaml.safe_load(textwrap.dedent(block))]
    return [(name, task[name]) for task in found for name in task if name in NAMES]


def done(name: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
    return run_action(NAMES[name].ActionModule, name.rpartition(".")[2], options)


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> RunWorld:
    """The state directory that the guides name."""
    monkeypatch.chdir(tmp_path)
    world = RunWorld(tmp_path).swept()
    (tmp_path / "allowed_signers").write_text(world.signers, encoding="ascii")
    shutil.copy(world.keys.path("evidence"), tmp_path / "evidence.key") if not (tmp_path / "evidence.key").exists() else None
    return world


def placed(options: dict[str, t.Any], path: pathlib.Path) -> dict[str, t.Any]:
    """The places that the guide names, below the test's own directory."""
    text = json.dumps(options)
    for place in ("/mnt/evidence", "/srv/evidence.git"):
        text = text.replace(place, str(path / place.strip("/")))
    return json.loads(text)


def test_the_guides_stores_take_a_run_which_verifies_there(world: RunWorld, tmp_path: pathlib.Path) -> None:
    world.seal()
    (directory, verify, git, bucket, expired) = tasks(STORE)
    assert bucket[1]["store"]["kind"] == "s3"
    for name, options in (directory, git):
        result = done(name, placed(options, tmp_path))
        assert not result.get("failed") and result["changed"], result
        assert done(name, placed(options, tmp_path))["changed"] is False
    result = done(verify[0], placed(verify[1], tmp_path))
    assert result["valid"] and result["complete"], result
    result = done(expired[0], placed(expired[1], tmp_path))
    assert not result.get("failed") and result["changed"] is False
    subjects = subprocess.run(
        ["git", f"--git-dir={tmp_path}/srv/evidence.git", "log", "--format=%s", "evidence"], capture_output=True, text=True, check=False
    )
    shown = re.findall("`(evidence: .*?)`", STORE.replace("\n", " "))
    parts = {"RUN": ".*", "statement N": r"statement \d+", "SIZE": r"\d+", "…": "[0-9a-f]{64}"}
    forms = [functools.reduce(lambda form, part: form.replace(part, parts[part]), parts, form) for form in shown]
    assert len(forms) == 2 and all(any(re.fullmatch(form, line) for line in subjects.stdout.splitlines()) for form in forms)


def test_the_table_names_what_lies_in_a_store(world: RunWorld, tmp_path: pathlib.Path) -> None:
    rows = re.findall(r"^\| `(\w+)/", STORE, re.MULTILINE)
    from ansible_collections.recordings.disposal.plugins.plugin_utils._store import ROOMS

    assert sorted(set(rows)) == list(ROOMS)


def test_the_options_of_a_store_are_those_that_are_read() -> None:
    documented = yaml.safe_load(evidence_store.DOCUMENTATION)["options"]["store"]["suboptions"]
    assert documented["kind"]["choices"] == list(_KINDS) == list(_TAKES)
    for kind, (required, optional) in _TAKES.items():
        for name in (*required, *optional):
            assert f"V({kind})" in str(documented[name]["description"]), (kind, name)
    assert documented.keys() == {"kind", *(name for parts in _TAKES.values() for part in parts for name in part)}
    assert re.findall(r"^\*\*`(\w+)`\*\*", STORE, re.MULTILINE) == list(_KINDS)


def test_the_head_is_as_the_guide_says_and_a_kept_one_verifies(world: RunWorld, tmp_path: pathlib.Path) -> None:
    world.seal()
    head = json.loads(world.ledger.with_name("ledger.head.json").read_bytes())
    (shown,) = re.findall(r"```json\n(.*?)```", PROOF[PROOF.index("## The ledger's head") :], re.DOTALL)
    assert json.loads(shown).keys() == head.keys() and json.loads(shown)["format"] == head["format"]
    assert hashlib.sha256(world.ledger.read_bytes().rstrip(b"\n")).hexdigest() == head["head"].removeprefix("sha256:")
    kept = tmp_path / "audits" / "2026-06"
    kept.mkdir(parents=True)
    for name in ("ledger.head.json", "ledger.head.json.sig"):
        shutil.copy(world.ledger.with_name(name), kept / name)
    verify, _seal = tasks(PROOF)
    result = done(*verify)
    assert result["valid"] and result["consistency"]["path"] == []
    assert set(result) - {"changed"} <= set(yaml.safe_load(evidence_verify.RETURN))


def test_the_guides_time_stamp_and_openssl_alone(world: RunWorld, tmp_path: pathlib.Path) -> None:
    authority = Authority(tmp_path / "tsa")
    shutil.copy(authority.ca_file, tmp_path / "tsa-ca.pem")
    _verify, (name, options) = tasks(PROOF)
    with serving(authority.reply) as server:
        result = done(name, {**options, "timestamp_url": server.url})
    assert not result.get("failed") and parse_time(result["time_stamp"]["time"]), result
    assert set(result) - {"changed"} <= set(yaml.safe_load(evidence_seal.RETURN))
    for each in (world.ledger.with_name("ledger.head.json"), world.ledger.with_name("ledger.head.json.tsr")):
        shutil.copy(each, tmp_path / each.name)
    (command,) = re.findall(r"^openssl ts .*$", PROOF, re.MULTILINE)
    told = subprocess.run(command.split(), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert told.returncode == 0 and "Verification: OK" in told.stdout + told.stderr
    assert read_ledger(str(world.ledger))[0].time <= time_text(utc_now())


def test_what_the_store_returns_is_documented(world: RunWorld, tmp_path: pathlib.Path) -> None:
    world.seal()
    documented = set(yaml.safe_load(evidence_store.RETURN))
    examples = yaml.safe_load(evidence_store.EXAMPLES)
    assert [task["recordings.disposal.evidence_store"]["store"]["kind"] for task in examples] == ["directory", "s3", "directory"]
    for task in (examples[0], examples[2]):
        result = done("recordings.disposal.evidence_store", placed(task["recordings.disposal.evidence_store"], tmp_path))
        assert not result.get("failed") and set(result) - {"changed"} <= documented
