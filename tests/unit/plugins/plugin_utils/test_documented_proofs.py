# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides to proofs and samples and their modules show, taken literally."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.evidence_proof import ActionModule as ProofAction
from ansible_collections.recordings.disposal.plugins.action.evidence_sample import ActionModule as SampleAction
from ansible_collections.recordings.disposal.plugins.modules import evidence_proof, evidence_sample
from ansible_collections.recordings.disposal.plugins.plugin_utils._sampling import drawn, most_missed, percent
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.action.test_evidence_sample import planned
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.proof_world import FILE, KEY, NUMBER, ProofWorld

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGES = {name: (TOP / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("prove", "sample")}
PROVE, SAMPLE = (
    [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", page, re.MULTILINE)] for page in PAGES.values()
)


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> ProofWorld:
    """A directory with the files that the examples name."""
    world = planned(tmp_path)
    (tmp_path / "fetched").mkdir()
    for host in ("rec1", "rec2"):
        shutil.copy(tmp_path / f"plan-{host}.jsonl", tmp_path / "fetched" / f"plan-{host}.jsonl")
        shutil.copy(tmp_path / f"plan-{host}.jsonl", tmp_path / "fetched" / f"{host}.jsonl")
    monkeypatch.chdir(tmp_path)
    return world


def played(world: ProofWorld, name: str, block: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A playbook of the collection with the variables of a page."""
    (world.path / "question.yml").write_text(block, encoding="utf-8")
    command = [
        str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "localhost,",
        "-vvv",
        str(TOP / "playbooks" / f"{name}.yml"),
    ]
    told = {**os.environ, "HOME": str(world.path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable, **environment}
    return subprocess.run(
        [*command, "-e", "@question.yml", *more], cwd=world.path, env=told, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_task_is_done(world: ProofWorld) -> None:
    result = run_action(ProofAction, "evidence_proof", yaml.safe_load(PROVE[0])[0]["recordings.disposal.evidence_proof"])
    assert result["outcome"] == "destroyed" and len(result["letters"]) == 2


def test_the_playbook_proves_and_says_no_name(world: ProofWorld) -> None:
    assert "recordings.disposal.prove -e @question.yml" in PROVE[1]
    done = played(world, "prove", PROVE[2], ANSIBLE_DISPLAY_ARGS_TO_STDOUT="true")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "destroyed, by leaf 0 of 5 of the run 2026-11-23-4f1c on rec1" in re.sub(r"\s+", " ", done.stdout)
    (proof,) = (world.state / "proofs").rglob("proof.json")
    refused = played(world, "prove", PROVE[2].replace(FILE, FILE.replace("101500", "101501")), ANSIBLE_DISPLAY_ARGS_TO_STDOUT="true")
    assert refused.returncode != 0 and "the set is not in any of the 1 runs" in refused.stdout, refused.stdout[-3000:]
    for text in (done.stdout, done.stderr, refused.stdout, refused.stderr, proof.read_text(encoding="utf-8")):
        assert NUMBER not in text and KEY not in text


def test_the_proof_verifies_as_the_page_says(world: ProofWorld) -> None:
    result = run_action(ProofAction, "evidence_proof", yaml.safe_load(PROVE[0])[0]["recordings.disposal.evidence_proof"])
    directory = pathlib.Path(result["proof"]["path"]).parent
    shutil.copy(world.path / "allowed_signers", directory)
    by_tool, by_hand = PROVE[3], PROVE[4]
    done = subprocess.run(["sh", "-e", "-c", by_hand], cwd=directory, capture_output=True, text=True, check=False)
    assert done.stdout == "in the statement\n", done.stderr
    path = directory / "proof.json"
    good = path.read_bytes()
    path.write_bytes(good.replace(b"160044", b"160045"))
    assert (
        subprocess.run(["sh", "-e", "-c", by_hand], cwd=directory, capture_output=True, text=True, check=False).stdout
        == "NOT in the statement\n"
    )
    path.write_bytes(good)
    if not (TOP / "docs" / "verify_evidence.py").exists():
        pytest.skip("docs/verify_evidence.py is missing")
    shutil.copy(TOP / "docs" / "verify_evidence.py", directory)
    done = subprocess.run(["sh", "-e", "-c", by_tool], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.endswith("valid\n"), done.stdout + done.stderr
    letter = (directory / "letter.en.html").read_text(encoding="utf-8")
    assert by_tool.strip() in letter


def test_the_sample_is_drawn_by_playbook_and_task(world: ProofWorld) -> None:
    assert "recordings.disposal.sample -e @sample.yml" in SAMPLE[0]
    done = played(world, "sample", SAMPLE[1])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "audit-2026-11" in done.stdout and NUMBER not in done.stdout + done.stderr
    (table,) = (world.state / "samples").glob("*.txt")
    assert "records: 3 of 5 drawn, 0 with a fault" in table.read_text(encoding="utf-8")
    result = run_action(SampleAction, "evidence_sample", yaml.safe_load(SAMPLE[2])[0]["recordings.disposal.evidence_sample"])
    assert result["valid"] is True and result["ways"]["assets"]["population"] == 5


def test_the_draw_is_as_the_page_says() -> None:
    done = subprocess.run(["sh", "-e", "-c", SAMPLE[3].replace("python3", sys.executable)], capture_output=True, text=True, check=True)
    assert [int(done.stdout)] == drawn("audit-2026-11", "records", 5, 1)


def test_the_figures_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \(([\d.]+%)\) \|$", PAGES["sample"], re.MULTILINE)
    assert len(rows) == 5
    for population, size, faulty, share in rows:
        assert int(faulty) == most_missed(int(population), int(size), 95)
        assert share == percent(int(faulty), int(population))


@pytest.mark.parametrize(("module", "plugin"), [(evidence_proof, ProofAction), (evidence_sample, SampleAction)])
def test_the_modules_examples_are_done(world: ProofWorld, module: t.Any, plugin: t.Any) -> None:
    name = module.__name__.rpartition(".")[2]
    documented = yaml.safe_load(module.RETURN)
    text = module.EXAMPLES.replace("0000000000000000000000000000000a", world.name(KEY)).replace("{{ question_file }}", FILE)
    for task in yaml.safe_load(text):
        result = run_action(plugin, name, task[f"recordings.disposal.{name}"])
        assert not result.get("failed"), result["msg"]
        assert set(result) - {"changed"} == set(documented)
        for key, told in documented.items():
            if "contains" in told and key != "ways":
                assert set(result[key]) == set(told["contains"]), key
        for way in result.get("ways", {}).values():
            assert set(way) == set(documented["ways"]["contains"])
