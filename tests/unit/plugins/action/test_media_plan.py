# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that plans: what it refuses leaves every file as it was, and what is planned twice stays as it was signed."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._media.planned import planned_media
from ansible_collections.recordings.disposal.plugins.modules.media_plan import DOCUMENTATION, EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import read_media_policy
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import POLICY, drained
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_road_world import Road, in_service
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import write_register

NAME = "recordings.disposal.media_plan"


@pytest.fixture
def road(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    made = Road(
        tmp_path, monkeypatch, in_service("S1"), in_service("S2"), in_service("S3", host="rec2"), in_service("H1", kind="hdd", host="gone")
    )
    made.moved("released", "S1", "S3", "H1")
    return made


def test_options_are_checked(road: Road) -> None:
    for options, words in (
        ({"register": None}, "register"),
        ({"author": None}, "author"),
        ({"language": "de"}, "en, pl"),
        ({"approvals_required": "two"}, "approvals_required"),
        ({"surprise": 1}, "surprise"),
    ):
        with pytest.raises(AnsibleError, match=words):
            road.plan(**options)
    assert not (road.dest / "plans").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"author": " "}, "author is not a name on one line"),
        ({"approvals_required": -1}, "approvals_required is -1"),
        ({"expires_in": "P1Y"}, "counts months or years"),
        ({"plan_id": "../x", "dead": ["H1"]}, "is not a name of up to 64 letters"),
        ({"policy": {"id": "x"}}, "the policy of media is not valid, nothing was done: the document: the key version is missing"),
        ({"policy": POLICY, "policy_file": "policy.yml"}, "policy and policy_file are both given; give one of them"),
        ({"serials": ["S2"]}, "there is no plan: S2 is in_service, and only what is released is planned"),
        ({"serials": ["S9"]}, "there is no plan: S9 is not in the register"),
        ({"serials": ["S1", "s1"]}, "S1 is named twice"),
        ({"dead": [""]}, "a serial is blank"),
        ({"serials": ["S3"], "hosts": ["rec1"]}, "S3 is registered in rec2, which is none of the hosts of this plan"),
        ({"results": {}}, "the host gone has no result of media_info (it gave no result)"),
        ({"results": {}, "dead": ["H1"], "hosts": ["rec1"]}, "the host rec1 has no result of media_info"),
    ],
)
def test_what_is_refused_writes_nothing(road: Road, options: dict[str, t.Any], words: str) -> None:
    road.refused(words, road.plan, **options)


def test_a_policy_in_a_file(road: Road) -> None:
    path = road.path / "media_policy.yml"
    for text, words in (("", "is empty, so nobody can tell what was meant; write it (docs/decommissioning.md)"), ("{}", "is empty")):
        path.write_text(text, encoding="utf-8")
        road.refused(words, road.plan, policy_file=str(path), dead=["H1"])
    path.write_text("- shred\n", encoding="utf-8")
    road.refused("['shred'] is not a mapping", road.plan, policy_file=str(path), dead=["H1"])
    for text, words in (("id: a\nid: b\n", "has the key id twice"), ("{", "cannot be read")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(AnsibleError, match=words):
            road.plan(policy_file=str(path))
    with pytest.raises(AnsibleError, match="is not a file on the controller; correct the path"):
        road.plan(policy_file=str(road.path / "none.yml"))
    path.write_text(yaml.safe_dump({**POLICY, "rules": [{"kinds": ["sata_ssd"], "technique": "overwrite"}]}), encoding="utf-8")
    found = road.plan(policy_file=str(path), dead=["H1"])
    # An overwrite does not reach what is required, and nothing else is taken in its place.
    assert [row["host"] for row in found["blocked"]] == ["rec1", "rec2"]
    assert "overwrite, which the policy names, is not possible (it reaches clear only)" in found["blocked"][0]["sentence"]


def test_a_register_that_was_edited(road: Road) -> None:
    entries = yaml.safe_load(road.register.read_text(encoding="utf-8"))["media"]
    for entry in entries:
        entry["state"] = "released"
    before = road.register.read_bytes()
    write_register(road.register, entries)
    road.refused("S2 is released in the register and in_service by the log, which alone counts", road.plan, dead=["H1"])
    road.register.write_bytes(before + b"  - {serial: s1, kind: hdd, host: rec1, required_level: purge, state: released}\n")
    road.refused("have the same serial but for case or spaces", road.plan)
    road.register.write_bytes(before)


def test_a_register_that_was_cut_off(road: Road) -> None:
    """The log has the event already, and the register does not show it yet."""
    before = road.register.read_bytes()
    road.moved("released", "S2")
    road.register.write_bytes(before)
    road.refused("does not show the last event of S2 yet; run the task that was cut off again, and plan then", road.plan, serials=["S1"])


def test_where_nothing_is_released(road: Road) -> None:
    before = road.snapshot()
    for check_mode in (True, False):
        found = road.plan(hosts=["rec9"], check_mode=check_mode)
        assert not found.get("failed") and not found["changed"] and found["plan_id"] is found["manifest_path"] is None
        assert found["totals"] == {"hosts": 0, "media": 0, "due": {"sets": 0, "files": 0, "bytes": 0}} and found["blocked"] == []
    assert road.snapshot() == before


@pytest.mark.parametrize("language", ["en", "pl"])
def test_four_runs(road: Road, language: str) -> None:
    before = road.snapshot()
    found = road.plan(check_mode=True, dead=["H1"], language=language)
    assert found["changed"] and not found.get("failed") and road.snapshot() == before and not (road.dest / "plans").exists()
    found = road.planned(dead=["H1"], language=language)
    assert found["changed"] and found["blocked"] == [] and found["warnings"] == []
    path = pathlib.Path(found["manifest_path"])
    digest = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert found["manifest_digest"] == f"sha256:{digest}" and path == road.dest / "plans" / found["plan_id"] / "manifest.json"
    manifest = json.loads(path.read_bytes())
    assert canonical(manifest) + b"\n" == path.read_bytes()
    assert found["hosts"] == {"gone": {"due": 0, "physical": 1}, "rec1": {"due": 1, "physical": 0}, "rec2": {"due": 1, "physical": 0}}
    assert found["totals"] == manifest["totals"] and manifest["approvals_required"] == 2 and manifest["author"] == "ewa@example.com"
    text = (path.parent / "media" / "rec1.jsonl").read_text(encoding="utf-8")
    assert [medium.serial for medium in planned_media(text, manifest["hosts"]["rec1"]["plan"]["digest"])] == ["S1"]
    page = pathlib.Path(found["pages"]["html"]).read_text(encoding="utf-8")
    assert f'lang="{language}"' in page and ("Każdy nośnik" in page) == (language == "pl")
    before = road.snapshot()
    for check_mode in (False, True):
        again = road.plan(dead=["H1"], language=language, check_mode=check_mode)
        assert not again["changed"] and again["manifest_digest"] == found["manifest_digest"]
    assert road.snapshot() == before
    assert set(found) <= {*yaml.safe_load(RETURN), "changed", "warnings"}


def test_a_signed_plan_is_never_replaced(road: Road) -> None:
    road.planned(dead=["H1"], plan_id="P-1")
    road.refused(
        "has 2 signatures beside it but decides otherwise than the plan made now (policy",
        road.plan,
        dead=["H1"],
        plan_id="P-1",
        policy=POLICY,
    )
    road.results["rec1"]["drained"] = drained("S1", drained="no", reasons=["a hold was placed"])
    road.refused(
        "has 2 signatures beside it but decides otherwise than the plan made now (hosts, blocked)", road.plan, dead=["H1"], plan_id="P-1"
    )


def test_what_speaks_against_a_plan_is_told_and_written(road: Road) -> None:
    """People have to see the page to know what to do."""
    road.results["rec1"]["drained"] = drained("S1", drained="no", reasons=["13 sets are held (hold:H-1)"])
    found = road.planned(sign=False, dead=["H1"])
    told = "S1: it is not drained (13 sets are held (hold:H-1)); move what must be kept elsewhere, and plan again"
    assert found["blocked"] == [{"host": "rec1", "sentence": told}] and not found.get("failed")
    page = pathlib.Path(found["pages"]["markdown"]).read_text(encoding="utf-8")
    assert "13 sets are held" in page and "ssh-keygen" not in page


def test_the_difference_is_shown(road: Road) -> None:
    found = road.plan(diff=True, check_mode=True, dead=["H1"])
    assert found["diff"]["before"] == "" and found["plan_id"] in found["diff"]["after"]
    assert found["diff"]["after_header"] == found["pages"]["markdown"]


def test_a_policy_that_was_to_be_reviewed(road: Road) -> None:
    found = road.plan(dead=["H1"], policy={**POLICY, "review_by": "2020-06-30"})
    assert found["warnings"] == ["the policy media was to be reviewed by 2020-06-30; have its owner storage@example.com review it"]


def test_a_plan_after_a_run_that_failed_is_another_one(road: Road) -> None:
    first = road.planned(dead=["H1"])
    road.carry_out("rec1", {"S1": {"outcome": "not_destroyed", "reason": ["the drive failed"]}})
    road.carry_out("rec2")
    road.seal()
    assert road.plan(dead=["H1"])["plan_id"] == first["plan_id"]
    assert road.settled()["not_destroyed"][0]["serial"] == "S1"
    again = road.plan(dead=["H1"])
    assert again["changed"] and again["plan_id"] != first["plan_id"] and again["totals"]["media"] == 2
    # Nor is a record taken on trust.
    road.record("S1").write_bytes(b"{}\n")
    road.refused("is no record of the medium that its name tells; put it back from a copy, or settle the run again", road.plan, dead=["H1"])


def test_the_modules_example() -> None:
    (task,) = (task[NAME] for task in yaml.safe_load(EXAMPLES) if NAME in task)
    policy = read_media_policy(task["policy"])
    assert (policy.most, policy.most_of_host) == (20, 4)
    assert policy.rule("nvme").physical == "disintegrate" and policy.rule("tape").physical == "degauss"
    assert set(task) <= set(yaml.safe_load(DOCUMENTATION)["options"])
