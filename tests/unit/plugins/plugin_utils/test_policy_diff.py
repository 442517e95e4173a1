# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed policy does to a fleet: real comparisons of real trees, joined, limited, and shown."""

from __future__ import annotations

import copy
import csv
import io
import json
import pathlib
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.policy_diff import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._retention.transitions import EFFECTS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.comparing import compare_policies
from ansible_collections.recordings.disposal.plugins.modules.policy_diff import RETURN
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults

UNREACHABLE = {"unreachable": True, "changed": False, "msg": "Failed to connect to the host via ssh: No route to host"}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """Three and two sets that a class moved from P90D to P30D newly destroys, of eight and five."""
    results: dict[str, t.Any] = {}
    policy: dict[str, t.Any] = {}
    for host, ages in (("pbx1", (1, 2, 31, 45, 80, 91, 200, 300)), ("pbx2", (5, 6, 40, 60, 400))):
        world = World(tmp_path_factory.mktemp(host))
        for number, days in enumerate(ages):
            world.record(days=days + 0.1, number=number, size=1000)
        policy = policy or world.policy
        roots = [str(world.root)]
        present = copy.deepcopy(policy)
        present["sources"][0]["roots"] = roots
        changed = copy.deepcopy(present)
        changed["version"] = "2"
        changed["classes"][0]["keep"] = "P30D"
        results[host] = compare_policies({**world.params(changed_policy=changed, samples=5), "policy": present})
        # Both hosts have the same policy in life, with the same roots.
        results[host]["policies"] = copy.deepcopy(results["pbx1"]["policies"])
    return results


def run(directory: pathlib.Path, results: t.Any, **options: t.Any) -> dict[str, t.Any]:
    check_mode = options.pop("check_mode", False)
    found = run_action(ActionModule, "policy_diff", {"results": results, "dest": str(directory), **options}, check_mode=check_mode)
    assert len(json.dumps(found)) < 65536
    return found


def page(found: dict[str, t.Any], kind: str) -> str:
    return pathlib.Path(found["pages"][kind]).read_text(encoding="utf-8")


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"results": {}}, "there is no host with a result"),
            ({"limits": {"newly_destroyed": {"sets": -1}}}, "newly_destroyed.sets: -1 is not a whole number from 0 up"),
            ({"limits": {"newly_destroyed": {"share": "120%"}}}, "newly_destroyed.share: '120%' is not a share such as 0% or 2.5%"),
            ({"limits": {"newly_destroyed": {"bytes": "many"}}}, "is not a size such as 2TiB"),
            ({"limits": None}, "'limits' is of type NoneType"),
            ({"limits": {"newly_destroyed": {}}}, "newly_destroyed: {} names no limit; give sets, bytes or share"),
            ({"limits": {"newly": {"sets": 1}}}, "unknown key; allowed are newly_destroyed, no_longer_destroyed"),
            ({"language": "de"}, "en, pl"),
            ({"on_incomplete": "ignore"}, "on_incomplete"),
        ],
    )
    def test_options(self, tmp_path: pathlib.Path, compared: dict[str, t.Any], options: dict[str, t.Any], words: str) -> None:
        try:
            found = run(tmp_path, **{"results": compared, **options})
            told = str(found["msg"]) if found["failed"] else ""
        except AnsibleError as error:
            told = str(error)
        assert words in told
        assert list(tmp_path.iterdir()) == []

    def test_results_of_another_module_and_of_other_policies(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        spoilt = {**compared, "pbx2": {**compared["pbx2"], "effects": {"newly_destroyed": {"sets": "none"}}}}
        assert "give the result of retention_compare as it was returned" in run(tmp_path, spoilt)["msg"]
        other = copy.deepcopy(compared)
        other["pbx2"]["policies"]["changed"]["digest"] = "sha256:" + "0" * 64
        assert "the hosts pbx1 and pbx2 were compared under different policies" in run(tmp_path, other)["msg"]
        assert list(tmp_path.iterdir()) == []


class TestNotKnown:
    def test_an_unreachable_host_is_named_and_never_counted_as_nothing(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        results = {**compared, "pbx3": UNREACHABLE, "pbx4": {}, "pbx5": {"failed": True, "msg": "the policy is not valid"}}
        found = run(tmp_path, results)
        assert found["failed"] and not found["complete"]
        assert "the comparison is incomplete, not known are pbx3 (could not be reached: Failed to connect" in found["msg"]
        assert "pbx4 (gave no result)" in found["msg"] and "pbx5 (failed: the policy is not valid)" in found["msg"]
        assert [item["host"] for item in found["unknown_hosts"]] == ["pbx3", "pbx4", "pbx5"]
        shown = Page(page(found, "html"))
        rows = {row[0]: row for row in shown.table("What each host told").rows}
        assert rows["pbx3"] == ["pbx3", "not known"] and len(rows["pbx1"]) == 7
        assert "Incomplete. Some of the fleet is not known." in shown.text
        unknown = [row for row in csv.DictReader(io.StringIO(page(found, "csv"))) if row["record"] == "unknown_host"]
        assert [(row["host"], row["sets"], row["bytes"]) for row in unknown] == [(host, "", "") for host in ("pbx3", "pbx4", "pbx5")]
        told = run(tmp_path, results, on_incomplete="report")
        assert not told.get("failed") and not told["complete"] and told["effects"] == found["effects"]

    def test_a_fleet_of_which_nothing_is_known(self, tmp_path: pathlib.Path) -> None:
        found = run(tmp_path, {"pbx3": UNREACHABLE}, on_incomplete="report")
        assert not found["complete"] and structure_faults(Page(page(found, "html")), "en") == []

    def test_a_root_that_could_not_be_read(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        results = copy.deepcopy(compared)
        results["pbx2"].update(
            complete=False, unread=[{"root": "/srv/rec", "why": "the root /srv/rec is not mounted"}], roots={"looked_at": 1, "unread": 1}
        )
        found = run(tmp_path, results)
        assert found["failed"] and "the root /srv/rec of pbx2 (the root /srv/rec is not mounted)" in found["msg"]
        assert "1 not read" in Page(page(found, "html")).text

    def test_a_host_of_which_no_root_could_be_read_has_no_numbers(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        results = copy.deepcopy(compared)
        nothing = {"sets": 0, "files": 0, "bytes": 0}
        results["pbx2"].update(
            complete=False, unread=[{"root": "/srv/rec", "why": "the root /srv/rec is not mounted"}], roots={"looked_at": 0, "unread": 1}
        )
        results["pbx2"].update(
            totals=dict.fromkeys(("present", "changed"), nothing), effects=dict.fromkeys(EFFECTS, nothing), transitions=[]
        )
        found = run(tmp_path, results)
        (row,) = [row for row in Page(page(found, "html")).table("What each host told").rows if row[0] == "pbx2"]
        assert row[2:] == ["not known", "1 not read"] and "| `pbx2` | **not known** | | | | **1 not read** |" in page(found, "markdown")
        lines = [row for row in csv.DictReader(io.StringIO(page(found, "csv"))) if row["host"] == "pbx2"]
        assert [(row["record"], row["sets"], row["bytes"]) for row in lines] == [("unread_root", "", "")]
        alone = run(tmp_path, {"pbx2": results["pbx2"]})
        for kind in ("html", "markdown"):
            assert "Nothing could be looked at, so nothing can be told" in page(alone, kind) and "would newly destroy" not in page(
                alone, kind
            )


class TestLimits:
    def test_one_byte_beyond_is_told_to_the_byte(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        size = sum(part["effects"]["newly_destroyed"]["bytes"] for part in compared.values())
        found = run(tmp_path, compared, limits={"newly_destroyed": {"bytes": size - 1}})
        assert f"{size} B would newly be destroyed, more than the limit of {size - 1} B" in found["msg"]
        assert not run(tmp_path, compared, limits={"newly_destroyed": {"bytes": size}}).get("failed")

    def test_a_share_a_little_beyond_does_not_read_like_the_limit(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        results = copy.deepcopy(compared)
        results["pbx1"]["totals"]["changed"]["sets"] += 1
        found = run(tmp_path, results, limits={"newly_destroyed": {"share": "35.71%"}})
        assert "5 of 14 sets would newly be destroyed, 35.714%, more than the limit share of 35.71%" in found["msg"]

    @pytest.mark.parametrize(
        ("limit", "words"),
        [
            ({"sets": 4}, "5 sets would newly be destroyed, more than the limit of 4"),
            ({"bytes": "5000"}, "5.0 KiB would newly be destroyed, more than the limit of 4.9 KiB"),
            ({"bytes": 0}, "more than the limit of 0 B"),
            ({"share": "38%"}, "5 of 13 sets would newly be destroyed, 38.5%, more than the limit share of 38%"),
        ],
    )
    def test_beyond_one(self, tmp_path: pathlib.Path, compared: dict[str, t.Any], limit: dict[str, t.Any], words: str) -> None:
        found = run(tmp_path, compared, limits={"newly_destroyed": limit})
        assert found["failed"] and words in found["msg"] and found["pages"]["html"] in found["msg"]
        assert "Beyond a limit. Do not merge" in Page(page(found, "html")).text
        told = run(tmp_path, compared, limits={"newly_destroyed": limit}, on_limit="report")
        assert not told.get("failed") and told["exceeded"]

    def test_within_them(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        limits = {"newly_destroyed": {"sets": 5, "bytes": "1MiB", "share": "38.5%"}, "no_longer_destroyed": {"sets": 0, "share": "0%"}}
        found = run(tmp_path, compared, limits=limits)
        assert not found.get("failed") and found["exceeded"] == [] and all(row["ok"] for row in found["limits"])
        assert {row["scope"] for row in found["limits"]} == {"fleet", "class:calls"}

    def test_a_class_counts_by_itself(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        results = copy.deepcopy(compared)
        for part in results.values():
            part["totals"]["changed"]["sets"] = 1000
        found = run(tmp_path, results, limits={"newly_destroyed": {"share": "10%"}})
        assert found["msg"].startswith("5 of 13 sets of class:calls would newly be destroyed, 38.5%, more than the limit share of 10%.")


class TestPages:
    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_what_they_tell(self, tmp_path: pathlib.Path, compared: dict[str, t.Any], language: str) -> None:
        found = run(tmp_path, compared, language=language)
        assert found["effects"]["newly_destroyed"]["sets"] == 5 and found["changed"]
        shown = Page(page(found, "html"))
        assert structure_faults(shown, language) == []
        words = {"en": ("5 recording sets", "Newly destroyed"), "pl": ("5 zestawów nagrań", "Dodatkowo niszczone")}[language]
        for text in (shown.text, page(found, "markdown")):
            assert words[0] in text.replace("\u00a0", " ") and words[1] in text
        document = json.loads(page(found, "json"))
        samples = [sample["set"] for row in document["transitions"] if row["effect"] == "newly_destroyed" for sample in row["samples"]]
        assert len(samples) == 5 and all(name in page(found, "html") for name in samples)
        rows = [row for row in csv.DictReader(io.StringIO(page(found, "csv"))) if row["record"] == "transition"]
        assert sum(int(row["sets"]) for row in rows if row["effect"] == "newly_destroyed") == 5
        again = run(tmp_path, compared, language=language)
        assert not again["changed"]
        assert {key for key in found if key not in ("changed", "failed")} <= set(yaml.safe_load(RETURN))

    def test_check_mode_writes_nothing(self, tmp_path: pathlib.Path, compared: dict[str, t.Any]) -> None:
        found = run(tmp_path, compared, check_mode=True)
        assert found["changed"] and list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_what_comes_from_outside_is_text(self, tmp_path: pathlib.Path, compared: dict[str, t.Any], text: str, language: str) -> None:
        results = copy.deepcopy(compared)
        for part in results.values():
            part["policies"]["changed"].update(owner=text, version=text)
            part["unread"] = [{"root": text, "why": text}]
            part.update(complete=False, regrouped=[text])
            part["classes"] = {text: part["classes"]["calls"]}
            for row in part["transitions"]:
                row["to"].update({"class": text, "rule": text})
                row["samples"][0]["set"] = text
        results["pbx3"] = {"failed": True, "msg": text}
        found = run(
            tmp_path, results, on_incomplete="report", language=language, limits={"newly_destroyed": {"share": "1%"}}, on_limit="report"
        )
        shown = Page(page(found, "html"))
        assert structure_faults(shown, language) == []
        markdown = page(found, "markdown")
        assert "<script" not in markdown and "<img" not in markdown and "\u202e" not in markdown
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(page(found, "csv"))) for cell in row)
