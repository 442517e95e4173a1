# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide of decommissioning shows, taken literally; its tables are those of the code and of the role."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import textwrap

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.modules.media_plan import DOCUMENTATION as PLAN
from ansible_collections.recordings.disposal.plugins.modules.media_settle import DOCUMENTATION as SETTLE
from ansible_collections.recordings.disposal.plugins.plugin_utils import _media_manifest, _media_plan, _shown_media
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import DESTINATIONS, MediaRule, read_media_policy
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_road_world import EVIDENCE, Road, in_service

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "decommissioning.md").read_text(encoding="utf-8")
(POLICY,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
TASKS = [yaml.safe_load(block)[0] for block in BLOCKS if block.startswith("- ")]


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"^\| ?`.*$", section(heading), re.MULTILINE)]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture
def road(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    made = Road(tmp_path, monkeypatch, in_service("S1"), in_service("H1", kind="hdd"))
    made.moved("released", "S1", "H1")
    return made


def test_the_guides_policy_is_accepted_and_has_every_key() -> None:
    document = yaml.safe_load(POLICY)
    policy = read_media_policy(document)
    assert (policy.most, policy.most_of_host, policy.undetermined) == (20, 4, "refuse")
    assert policy.rule("nvme").fallback[0] == "nvme_sanitize_crypto" and policy.rule("smr").technique == "none"
    fields = {field.name for field in dataclasses.fields(MediaRule)}
    assert {key for rule in document["rules"] for key in rule} == {"kinds", *fields}
    told = {name for row in rows("The policy of media") for name in words(row[0])}
    assert told == {"id", "version", "owner", "review_by", "limits.media", "limits.media_per_host", "undetermined", "kinds", *fields}


def test_the_guides_defaults_are_those_of_the_code() -> None:
    shipped, policy = MediaRule(), read_media_policy(None)
    told = {tuple(words(row[0])): row[2] for row in rows("The policy of media")}
    assert told["limits.media", "limits.media_per_host"] == f"{policy.most}, {policy.most_of_host}"
    assert told[("undetermined",)] == f"`{policy.undetermined}`" and told[("fallback",)] == "nothing" and shipped.fallback == ()
    for name in ("technique", "verify", "sample_share", "canaries", "physical"):
        assert told[(name,)].strip("`") == str(getattr(shipped, name))
    assert told["destination", "classification_after"] == f"`{shipped.destination}`, `{shipped.classification_after}`"
    assert set(words(next(row[1] for row in rows("The policy of media") if "destination" in row[0]))) == set(DESTINATIONS)


def test_the_guides_policy_plans(road: Road) -> None:
    (road.path / "media_policy.yml").write_text(POLICY, encoding="utf-8")
    found = road.planned(policy_file=str(road.path / "media_policy.yml"), dead=["H1"])
    assert found["blocked"] == [] and found["hosts"] == {"rec1": {"due": 1, "physical": 1}}
    row = road.rows("rec1")["S1"]
    assert [step["technique"] for step in row["steps"]] == ["ata_sanitize_block", "ata_sanitize_crypto"] and row["sample_share"] == 10


def test_the_guides_tasks_are_done(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(road.path)
    settle, destroyed = (task["recordings.disposal.media_settle"] for task in TASKS)
    road.planned(dead=["H1"], plan_id=settle["plan_id"])
    road.carry_out("rec1")
    road.seal()
    road.signers.write_text(road.signers.read_text(encoding="ascii") + road.plan_signers.read_text(encoding="ascii"), encoding="ascii")
    assert settle["signer"] == EVIDENCE
    found = road.settled(**{**settle, "dest": None})
    assert (found["moved"], found["ready"], found["orders"][0]["serials"]) == (2, ["S1"], ["H1"])
    road.moved("in_custody", "H1")
    evidence = road.work(serial="H1")
    assert destroyed["destroyed"] == "{{ destruction.evidence }}"
    assert road.destroyed(evidence, register=destroyed["register"], dest=None)["moved"] == 1
    assert road.states() == {"S1": "verified", "H1": "destroyed"}


def test_every_sentence_that_blocks_is_one_of_the_code() -> None:
    source = "".join(pathlib.Path(str(room.__file__)).read_text(encoding="utf-8") for room in (_media_plan, _media_manifest, _shown_media))
    told = [words(row[0])[0] for row in rows("What a plan refuses, and what blocks it")]
    assert len(told) > 10 and [sentence for sentence in told if sentence not in source] == []


def test_what_stays_open_is_all_of_it() -> None:
    told = {name for row in rows("What stays open") for name in words(row[0])}
    assert told == set(load_language("en").table("media_plan.risks"))


def test_the_variables_are_those_of_role_and_playbooks() -> None:
    told = {name for row in rows("Variables") for name in words(row[0])}
    role = TOP / "roles" / "media_decommission"
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    used = set(re.findall(r"disposal_[a-z]\w*", json.dumps(spec) + (role / "defaults" / "main.yml").read_text(encoding="utf-8")))
    plays = "".join(
        (TOP / "playbooks" / f"{name}.yml").read_text(encoding="utf-8") for name in ("decommission_plan", "decommission", "destroy_media")
    )
    used |= set(re.findall(r"disposal_[a-z]\w*", plays)) - {"disposal_register_on_finding"}
    assert told == used


def test_the_playbooks_and_options_that_are_named_are_there() -> None:
    commands = re.findall(r"ansible-playbook recordings\.disposal\.(\w+)", PAGE)
    assert commands == ["decommission_plan", "decommission", "destroy_media"]
    assert all((TOP / "playbooks" / f"{name}.yml").exists() for name in commands)
    for task in TASKS:
        assert set(task["recordings.disposal.media_settle"]) <= set(yaml.safe_load(SETTLE)["options"])
    assert {"dead", "hosts", "serials", "policy_file"} <= set(yaml.safe_load(PLAN)["options"])
    assert [name for name in re.findall(r"\]\((\w+)\.md", PAGE) if not (TOP / "docs" / f"{name}.md").exists()] == []
