# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that draws an auditor's sample of the evidence."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_sample import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import fields, snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import CertificateWorld, medium
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.proof_world import KEY, NUMBER, ROOT, ProofWorld

METHOD = {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"}


def row(world: ProofWorld, key: str, verdict: str = "due", **changes: t.Any) -> dict[str, t.Any]:
    """A row of a host's plan, with the plain names that it has."""
    member = {"path": f"{key}.wav", "dev": 1, "ino": 2, "size": 160044, "mtime_ns": 1, "nlink": 1}
    told = {"set": world.name(key), "source": "pbx", "root": ROOT, "members": [member], "verdict": verdict, "reason": []}
    times = {"start": None, "keep_until": None, "destroy_by": None}
    return {**told, **times, "class": "brokerage", "rule": "class:brokerage", "method": METHOD, **changes}


def plan_bytes(*rows: dict[str, t.Any]) -> bytes:
    return b"".join(canonical(each) + b"\n" for each in ({"format": "recordings.disposal/plan/1"}, *rows))


def planned(path: pathlib.Path, *more: dict[str, t.Any], **changes: t.Any) -> ProofWorld:
    """A run whose hosts' plans are at hand, as plan-rec1.jsonl and plan-rec2.jsonl."""
    path.mkdir(exist_ok=True)
    names = ProofWorld(path / "names")
    rows = {
        "rec1": [row(names, KEY, **changes), row(names, "another"), row(names, "kept", "held"), row(names, "third"), *more],
        "rec2": [row(names, "fourth"), row(names, "fifth")],
    }
    shutil.rmtree(path / "names")
    manifest = fields()
    for host, each in rows.items():
        data = plan_bytes(*each)
        (path / f"plan-{host}.jsonl").write_bytes(data)
        manifest["hosts"][host]["plan"]["digest"] = digest(data)
    return ProofWorld(path, hosts=manifest["hosts"]).standard()


@pytest.fixture
def world(tmp_path: pathlib.Path) -> ProofWorld:
    return planned(tmp_path)


def plans(world: ProofWorld) -> list[str]:
    return [str(world.path / f"plan-{host}.jsonl") for host in ("rec1", "rec2")]


def refused(world: ProofWorld, words: str, **changes: t.Any) -> None:
    before = snapshot(world.path)
    for check_mode in (True, False):
        result = world.sample(check_mode=check_mode, **changes)
        assert (result.get("failed"), result["changed"]) == (True, False), result
        assert words in result["msg"] and "\n" not in result["msg"], result["msg"]
    assert {name: data for name, data in snapshot(world.path).items() if not name.endswith(".tree")} == before


def faulty(world: ProofWorld, words: str, **changes: t.Any) -> dict[str, t.Any]:
    """A sample that fails, and says where."""
    result = world.sample(**changes)
    assert (result.get("failed"), result["valid"]) == (True, False), result
    told = [*result["broken"], *(fault["fault"] for fault in result["faults"])]
    assert any(words in each for each in told), told
    assert result["msg"].startswith("the sample with the seed audit-7 has faults: ") and "\n" not in result["msg"]
    assert world.sample(on_fault="report", **changes).get("failed") is None
    assert "NOT VALID" in pathlib.Path(result["report"]["table"]).read_text(encoding="utf-8")
    return result


def test_options_are_checked() -> None:
    with pytest.raises(AnsibleError, match="allowed_signers, signer"):
        run_action(ActionModule, "evidence_sample", {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": "a b"}, "the seed 'a b' is none"),
        ({"size": 0}, "the size 0 is none; draw at least one"),
        ({"size": -3}, "the size -3 is none"),
        ({"confidence": 100}, "the confidence 100 is none"),
        ({"tolerable": "lots"}, "the share 'lots' is none"),
        ({"ledger": "/nowhere"}, "/nowhere cannot be opened"),
        ({"register": "/nowhere.yml"}, "/nowhere.yml cannot be read"),
        ({"allowed_signers": "/nowhere"}, "cannot be read"),
        ({"plan_files": ["/nowhere.jsonl"]}, "the plan /nowhere.jsonl cannot be read"),
        ({"dest": "/nowhere", "ledger": None}, "/nowhere/ledger.jsonl cannot be opened"),
        ({"ways": ["assets"]}, "there is nothing to draw from"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(world: ProofWorld, changes: dict[str, t.Any], words: str) -> None:
    given = dict(changes)
    if "seed" in given:
        before = snapshot(world.path)
        result = run_action(ActionModule, "evidence_sample", world.options(**given))
        assert result["failed"] is True and words in result["msg"] and snapshot(world.path) == before
        return
    refused(world, words, **given)


def test_a_plan_of_no_sealed_run_is_refused(world: ProofWorld) -> None:
    path = world.path / "plan-rec1.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"held"', b'"due" '))
    refused(world, "is the plan of no host in any sealed run, or was changed", plan_files=plans(world))


def test_good_evidence_both_ways(world: ProofWorld) -> None:
    before = snapshot(world.path)
    told = world.sample(plan_files=plans(world), check_mode=True)
    assert told["changed"] is True and snapshot(world.path) == before
    result = world.sample(plan_files=plans(world))
    assert (result["changed"], result["valid"], result["seed"], result["runs"]) == (True, True, "audit-7", 1)
    for way, outcomes in result["ways"].items():
        assert (way, outcomes["population"], outcomes["sampled"], outcomes["faulty"]) == (way, 5, 5, 0)
        assert outcomes["outcomes"] == {"destroyed": 4, "not_destroyed": 1}
        assert outcomes["at_most"] == {"faulty": 0, "share": "0.00%"} and outcomes["needed"] == {"samples": 5, "share": "1%"}
    assert result["faults"] == result["broken"] == result["not_covered"] == []
    assert result["not_checked"] == ["Media that left service: no register was given."]
    again = world.sample(plan_files=plans(world))
    assert again == {**result, "changed": False}
    report = json.loads(pathlib.Path(result["report"]["path"]).read_bytes())
    assert len(report["ways"]["records"]["items"]) == 5 and report["valid"] is True
    table = pathlib.Path(result["report"]["table"]).read_text(encoding="utf-8")
    assert "records: 5 of 5 drawn, 0 with a fault" in table and table.endswith("VALID\n") and "at most 0 (0.00%) have a fault" in table


def test_the_seed_alone_tells_what_is_drawn(world: ProofWorld) -> None:
    def items(**changes: t.Any) -> list[t.Any]:
        result = run_action(ActionModule, "evidence_sample", world.options(ways=["records"], size=2, **changes))
        found = json.loads(pathlib.Path(result["report"]["path"]).read_bytes())
        return [item["leaf_index"] for item in found["ways"]["records"]["items"]]

    assert items(seed="one") == items(seed="one")
    assert len({tuple(items(seed=f"seed-{number}")) for number in range(12)}) > 3
    first, second = (run_action(ActionModule, "evidence_sample", world.options(size=2)) for _each in range(2))
    assert first["seed"] != second["seed"] and len(first["seed"]) == 16
    assert first["ways"]["records"]["at_most"] == {"faulty": 3, "share": "60.00%"}


def test_it_draws_over_all_runs_and_names_those_that_are_not_sealed(world: ProofWorld) -> None:
    world.other_run("2026-12-01-aaaa", [world.name("sixth"), world.name("seventh")])
    world.other_run("2026-12-02-bbbb", [world.name("eighth")], seal=False)
    result = world.sample()
    assert (result["runs"], result["ways"]["records"]["population"]) == (2, 7)
    assert result["not_covered"] == ["the run 2026-12-02-bbbb, which is not sealed"]
    report = json.loads(pathlib.Path(result["report"]["path"]).read_bytes())
    places = [(item["run"], item["leaf_index"]) for item in report["ways"]["records"]["items"]]
    assert places == [*(("2026-11-23-4f1c", index) for index in range(5)), ("2026-12-01-aaaa", 0), ("2026-12-01-aaaa", 1)]
    assert world.sample(runs=["2026-12-01-aaaa"])["ways"]["records"]["population"] == 2
    assert any("Rows of the plan of rec1 in the run 2026-12-01-aaaa" in text for text in result["not_checked"])


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("journals/rec1.jsonl", "the evidence of its run is not valid: "),
        ("manifest.json", "manifest.json is not the manifest that the statement names"),
        ("statement.json", "statement.json"),
        ("statement.json.sig", "statement.json.sig: "),
        ("manifest.json.anna@example.com.sig", "the evidence of its run is not valid: manifest.json.anna@example.com.sig"),
    ],
)
def test_whatever_was_changed_is_named(world: ProofWorld, name: str, words: str, cached: bool) -> None:
    if cached:
        world.sample()
    path = world.run / name
    data = path.read_bytes()
    at = len(data) // 2
    path.write_bytes(data[:at] + (b"X" if data[at : at + 1] != b"X" else b"Y") + data[at + 1 :])
    result = faulty(world, words)
    assert not result["ways"]["records"].get("at_most") or result["broken"]


def test_a_run_that_the_ledger_names_and_that_is_gone_is_named(world: ProofWorld) -> None:
    other = world.other_run("2026-12-01-aaaa", [world.name("sixth")])
    shutil.rmtree(other.run)
    faulty(world, "the run 2026-12-01-aaaa is not in")
    faulty(world, "the run 2026-12-09-none is not in", runs=["2026-12-09-none"])


def test_a_set_without_its_record_is_named(tmp_path: pathlib.Path) -> None:
    names = ProofWorld(tmp_path / "names")
    world = planned(tmp_path / "run", row(names, "forgotten"))
    for cached in (False, True):
        if cached:
            world.sample()
        result = faulty(world, "was due and has no outcome in the sealed run 2026-11-23-4f1c on rec1", plan_files=plans(world))
        assert result["ways"]["assets"]["faulty"] == 1 and result["ways"]["assets"]["at_most"] is None
        assert any("line 6 of the plan" in fault["fault"] for fault in result["faults"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "retained"}, "its set is not among those that are due by the plan"),
        ({"class": "other"}, "its class is 'brokerage', and the plan"),
        ({"rule": "class:other"}, "its rule is 'class:brokerage', and the plan"),
        ({"method": {**METHOD, "level": "purge"}}, "its required level is 'clear', and the plan"),
        ({"method": {**METHOD, "technique": "crypto_erase"}}, "its technique is 'overwrite', and the plan"),
    ],
)
def test_a_record_that_was_not_planned_so_is_named(tmp_path: pathlib.Path, changes: dict[str, t.Any], words: str) -> None:
    world = planned(tmp_path, **changes)
    faulty(world, words, plan_files=plans(world))


def test_no_name_and_no_number_gets_out(world: ProofWorld) -> None:
    result = world.sample(plan_files=plans(world))
    texts = [json.dumps(result), *(path.read_text(encoding="utf-8") for path in (world.state / "samples").iterdir())]
    assert len(texts) == 3 and not any(NUMBER in text for text in texts)
    plain = ProofWorld(world.path / "plain", kind="plain").standard()
    result = plain.sample()
    texts = [json.dumps(result), *(path.read_text(encoding="utf-8") for path in (plain.state / "samples").iterdir())]
    assert result["valid"] and not any(NUMBER in text for text in texts)


def test_an_index_that_was_tampered_with_hides_nothing(world: ProofWorld) -> None:
    first = world.sample(plan_files=plans(world))
    cache = world.index()
    good = cache.read_bytes()
    for at in range(good.index(b"\n") + 1, len(good), 11):
        cache.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert world.sample(plan_files=plans(world), ways=["assets"])["valid"] is True
    assert world.sample(plan_files=plans(world)) == {**first, "changed": False}


# Media.

SERIAL, SHREDDED, LIED = "S4EWNX0M501234", "ZHZ3ABCD", "WD-WX12345"


def sample_media(world: CertificateWorld, **changes: t.Any) -> dict[str, t.Any]:
    told = {"dest": str(world.dest), "register": str(world.register), "allowed_signers": str(world.path / "all_signers"), "seed": "audit-7"}
    signers = world.evidence_signers.read_text(encoding="ascii")
    signers += "".join(world.keys.line(f"{name}@example.com", name, 'namespaces="plan@recordings.disposal"') for name in ("carol", "dave"))
    (world.path / "all_signers").write_text(signers, encoding="ascii")
    return run_action(ActionModule, "evidence_sample", {**told, "signer": "evidence@example.com", **changes})


def test_media_that_left_service_have_their_records(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium(SERIAL), medium(SHREDDED, required_level="destroy"))
    world.sanitized(SERIAL)
    photo = world.attached("bag.jpg", "bag")
    world.moved("in_custody", SERIAL, photos=[photo])
    world.moved("reused", SERIAL, evidence=[world.record(SERIAL)])
    world.moved("released", SHREDDED)
    world.shredded(SHREDDED)
    result = sample_media(world)
    assert not result.get("failed"), result["msg"]
    assets, records = result["ways"]["assets"], result["ways"]["records"]
    assert (assets["population"], assets["faulty"], records["population"], records["faulty"]) == (2, 0, 1, 0)
    assert any("physical work" in text for text in result["not_checked"])
    assert not any("Rows of the plan" in text for text in result["not_checked"])
    plan = world.dest / "plans" / world.plan_id / "media" / "rec1.jsonl"
    assert sample_media(world, plan_files=[str(plan)])["ways"]["assets"]["population"] == 3
    table = pathlib.Path(result["report"]["table"]).read_text(encoding="utf-8")
    assert SERIAL in table and SHREDDED in table


def test_a_medium_without_its_record_is_named(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium(SERIAL), medium(LIED, required_level="destroy"))
    world.sanitized(SERIAL)
    world.moved("released", LIED)
    photo = world.attached("bag.jpg", "bag")
    world.moved("in_custody", LIED, reason="nothing reaches it", photos=[photo])
    shown = world.path / "shown.txt"
    shown.write_text("it is gone", encoding="ascii")
    world.moved("destroyed", LIED, evidence=[shown])
    result = sample_media(world)
    assert result["failed"] is True
    assert f"{LIED} is destroyed in the register and has no outcome record" in result["msg"]
