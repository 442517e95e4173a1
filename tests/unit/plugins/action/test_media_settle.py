# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that settles: evidence that is not whole moves nothing, and what a plan has destroyed is in the register with its record."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import shutil
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import CLOCK_TOLERANCE
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time, time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.modules.media_settle import DOCUMENTATION, EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils import _register_files, _settled_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import STATES
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import POLICY, drained
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_road_world import EVIDENCE, Road, in_service
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld, rechain

RULES = [{"kinds": ["hdd"], "technique": "none", "physical": "degauss"}]
FAILED = {"outcome": "not_destroyed", "reason": ["the drive's log tells a failure"]}


@pytest.fixture
def road(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    """Media of two hosts that were planned and signed: one to be shredded after all, one dead, the others purged."""
    made = Road(
        *(tmp_path, monkeypatch),
        *(in_service("S1"), in_service("S2"), in_service("S3", host="rec2", required_level="destroy")),
        in_service("H1", kind="hdd", host="gone"),
    )
    made.moved("released", "S1", "S2", "S3", "H1")
    made.planned(dead=["H1"], policy={**POLICY, "rules": RULES})
    return made


def ended(road: Road, outcomes: dict[str, t.Any] | None = None) -> Road:
    road.carry_out("rec1", outcomes)
    road.carry_out("rec2", outcomes)
    road.seal()
    return road


ORDERS = [{"technique": "degauss", "level": "purge", "serials": ["H1"]}, {"technique": "shred", "level": "destroy", "serials": ["S3"]}]


def test_options_are_checked(road: Road) -> None:
    with pytest.raises(AnsibleError, match="surprise"):
        road.settle(surprise=1)
    road.refused("media_settle needs either plan_id or destroyed; give one of them", road.settle, plan_id=None)
    road.refused("media_settle needs either plan_id or destroyed", road.settle, destroyed=[])
    for name in ("person", "signer", "allowed_signers"):
        road.refused(f"plan_id needs {name} besides; give that", road.settle, **{name: None})
    road.refused("cannot be read", road.settle, allowed_signers=str(road.path / "none"))
    road.refused("plan_id ../x is not a name of up to 64 letters", road.settle, plan_id="../x")
    road.refused("is not a name of up to 64 letters", road.settle, plan_id="../../etc")


# Evidence that is not whole.


def test_what_was_never_carried_out(road: Road) -> None:
    road.refused(f"the plan {road.plan_id} has no sealed run in {road.run}, so nothing was settled; apply it, and seal", road.settle)
    road.refused("cannot be read (No such file or directory)", road.settle, plan_id="2020-01-01-0000000000")


def test_what_was_never_sealed(road: Road) -> None:
    road.carry_out("rec1")
    road.refused(f"the evidence of the run {road.plan_id} is not valid, so nothing was settled: ", road.settle)
    road.seal()
    # What is fetched afterwards is not sealed.
    road.carry_out("rec2")
    road.refused("is not valid, so nothing was settled: ", road.settle)
    road.seal()
    assert road.settled()["sanitized"] == ["S1", "S2", "S3"]


def test_the_wrong_signers(road: Road) -> None:
    ended(road)
    road.refused("is not valid, so nothing was settled: statement.json.sig", road.settle, signer="carol@example.com")
    others = road.path / "others"
    others.write_text(road.keys.line(EVIDENCE, "evidence"), encoding="ascii")
    road.refused("is not valid, so nothing was settled: manifest.json was not approved", road.settle, allowed_signers=str(others))


def damage(path: pathlib.Path) -> None:
    data = path.read_bytes()
    place = len(data) // 2
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


@pytest.mark.parametrize("name", ["journals/rec1.jsonl", "journals/rec2.jsonl", "statement.json", "statement.json.sig", "manifest.json"])
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_evidence_that_was_changed(road: Road, name: str, how: str) -> None:
    ended(road)
    path = road.run / name
    damage(path) if how == "changed" else path.unlink()
    told = road.refused(f"the evidence of the run {road.plan_id} is not valid, so nothing was settled: ", road.settle)
    assert told["problems"] and os.path.basename(name) in told["msg"]


def test_a_ledger_that_was_changed(road: Road) -> None:
    damage(ended(road).dest / "ledger.jsonl")
    road.refused("is not valid, so nothing was settled: ", road.settle)


@pytest.mark.parametrize("how", ["changed", "removed"])
def test_rows_that_were_changed(road: Road, how: str) -> None:
    """The host that comes last is faulty, and nothing was written of the first."""
    ended(road)
    path = road.manifest_path.parent / "media" / "rec2.jsonl"
    if how == "changed":
        path.write_bytes(path.read_bytes().replace(b'"shred"', b'"melts"'))
        road.refused(f"{path} is not what the manifest names, so nothing was settled; put it back from a copy", road.settle)
    else:
        path.unlink()
        road.refused(f"{path} cannot be read (No such file or directory)", road.settle)
    assert not (road.run / "media").exists()


def test_a_record_that_was_changed_by_one_byte(road: Road) -> None:
    ended(road).settled()
    data = road.record("S3").read_bytes()
    damage(road.record("S3"))
    words = f"{road.record('S3')} is not the line of the journal that it was made from, so nothing was settled; put it back from a copy"
    road.refused(words, road.settle)
    road.record("S3").write_bytes(data[:-1])
    road.refused(words, road.settle)
    road.record("S3").unlink()
    assert road.settled()["changed"] and road.record("S3").read_bytes() == data


def test_the_run_of_another_plan(road: Road) -> None:
    ended(road)
    shutil.copytree(road.run, road.dest / "runs" / "P-2")
    shutil.copytree(road.manifest_path.parent, road.dest / "plans" / "P-2")
    words = f"is the manifest of the plan {road.plan_id}, so nothing was settled; name that plan"
    road.refused(words, road.settle, plan_id="P-2")


def test_the_manifest_of_recordings(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road(tmp_path, monkeypatch, in_service("S1"))
    other = RunWorld(tmp_path).swept()
    other.seal()
    road.plan_signers.write_text(other.signers, encoding="ascii")
    words = "the manifest has the format 'recordings.disposal/manifest/1', not recordings.disposal/media-manifest/1"
    monkeypatch.setattr(_settled_run, "verify_run", lambda *_none, **_more: other.verify())
    road.refused(words, road.settle, plan_id=other.fields["plan_id"])


def test_a_register_that_was_edited(road: Road) -> None:
    ended(road)
    road.register.write_text(road.register.read_text(encoding="utf-8").replace("released", "sanitized"), encoding="utf-8")
    road.refused("is sanitized in the register and released by the log, which alone counts", road.settle)
    assert not (road.run / "media").exists()


# What a run has destroyed.


def test_four_runs(road: Road) -> None:
    ended(road)
    before = road.snapshot()
    told = road.settled(check_mode=True)
    assert told["changed"] and told["moved"] == 0 and road.snapshot() == before
    found = road.settled()
    assert {key: told[key] for key in told if key != "moved"} == {key: found[key] for key in found if key != "moved"}
    assert (found["changed"], found["moved"], found["plan_id"]) == (True, 6, road.plan_id)
    assert found["sanitized"] == found["verified"] == ["S1", "S2", "S3"] and found["ready"] == ["S1", "S2"]
    assert (found["not_destroyed"], found["pending"], found["not_moved"], found["warnings"]) == ([], [], [], [])
    assert found["orders"] == ORDERS
    assert road.states() == {"S1": "verified", "S2": "verified", "S3": "verified", "H1": "released"}
    after = road.snapshot()
    for check_mode in (False, True):
        again = road.settled(check_mode=check_mode)
        assert not again["changed"] and again["moved"] == 0
        assert {key: again[key] for key in found if key not in ("changed", "moved")} == {
            key: found[key] for key in found if key not in ("changed", "moved")
        }
        # Somebody else may look as well.
        assert not road.settled(check_mode=check_mode, person="bob@example.com")["changed"]
    assert road.snapshot() == after
    assert set(found) - {"changed", "warnings"} <= set(yaml.safe_load(RETURN))


def test_each_record_is_the_line_of_its_journal_and_the_logs_evidence(road: Road) -> None:
    ended(road).settled()
    for host, serial in (("rec1", "S1"), ("rec1", "S2"), ("rec2", "S3")):
        data = road.record(serial).read_bytes()
        assert data in road.journal_path(host).read_bytes().splitlines(keepends=True)
        record = json.loads(data)
        assert (record["type"], record["outcome"], record["proof"]["serial"]) == ("outcome", "destroyed", serial)
        steps = [each for each in road.log() if each["serial"] == serial][1:]
        assert [(each["from"], each["to"]) for each in steps] == [("released", "sanitized"), ("sanitized", "verified")]
        for each in steps:
            assert each["evidence"] == [digest(data)] and each["time"] == time_text(parse_time(record["time"]))
            assert [person["principal"] for person in each["persons"]] == ["anna@example.com"]
        assert oct(road.record(serial).stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("outcome", ["not_destroyed", "unknown"])
def test_what_failed_stays_and_is_told_with_its_order(road: Road, outcome: str) -> None:
    ended(road, {"S1": {**FAILED, "outcome": outcome}})
    found = road.settled()
    reason = "the drive's log tells a failure"
    assert found["not_destroyed"] == [{"serial": "S1", "outcome": outcome, "reason": reason, "next": "order"}]
    assert found["sanitized"] == ["S2", "S3"] and found["ready"] == ["S2"]
    assert found["orders"] == [ORDERS[0], {"technique": "shred", "level": "destroy", "serials": ["S1", "S3"]}]
    assert road.states()["S1"] == "released" and json.loads(road.record("S1").read_bytes())["outcome"] == outcome
    assert not road.settled()["changed"]


def test_nothing_is_ordered_for_what_nothing_was_begun_on(road: Road) -> None:
    """It may hold something else by now, or be under a hold: a shredder would not look."""
    reason = "the legal holds are not those that the plan was made under"
    ended(road, {"S1": {"outcome": "not_destroyed", "reason": [reason], "proof": None}, "S3": {**FAILED, "proof": None}})
    found = road.settled()
    assert [(row["serial"], row["next"]) for row in found["not_destroyed"]] == [("S1", "plan"), ("S3", "plan")]
    assert found["not_destroyed"][0]["reason"] == reason and found["orders"] == ORDERS[:1]
    assert road.states() == {"S1": "released", "S2": "verified", "S3": "released", "H1": "released"}


@pytest.mark.parametrize("verdict", ["residue", "unreadable", "unknown", "not_done"])
def test_what_was_not_found_clean_is_not_verified(road: Road, verdict: str) -> None:
    ended(road, {"S1": {"verdict": verdict}})
    found = road.settled()
    assert found["sanitized"] == ["S1", "S2", "S3"] and found["verified"] == ["S2", "S3"] and found["ready"] == ["S2"]
    assert found["orders"][1]["serials"] == ["S1", "S3"] and road.states()["S1"] == "sanitized"
    assert not road.settled()["changed"]


def test_a_run_that_goes_on(road: Road) -> None:
    road.carry_out("rec1", {"S2": None}, end=False)
    road.seal()
    found = road.settled()
    assert found["pending"] == ["S2", "S3"] and found["sanitized"] == ["S1"] and found["orders"] == ORDERS[:1]
    assert road.states() == {"S1": "verified", "S2": "released", "S3": "released", "H1": "released"}
    road.carry_out("rec1")
    road.carry_out("rec2")
    road.seal()
    found = road.settled()
    assert (found["pending"], found["moved"]) == ([], 4) and found["sanitized"] == ["S1", "S2", "S3"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"level": {"required": "clear", "achieved": "clear", "standard": "x"}},
            "destroyed at the level clear, and the plan asks for purge",
        ),
        ({"technique": "overwrite"}, "destroyed by overwrite, which the plan does not name"),
        ({"proof": {"serial": "S2", "verify": {"verdict": "clean"}}}, "its journal tells the serial 'S2' of what was destroyed"),
        ({"proof": {"verify": {"verdict": "clean"}}}, "its journal tells the serial None"),
    ],
)
def test_a_host_that_claims_what_the_plan_does_not_allow(road: Road, changes: dict[str, t.Any], words: str) -> None:
    ended(road, {"S1": changes})
    found = road.settled()
    assert found["not_destroyed"][0]["serial"] == "S1" and words in found["not_destroyed"][0]["reason"]
    assert found["not_destroyed"][0]["outcome"] == "unknown" and road.states()["S1"] == "released"
    assert found["sanitized"] == ["S2", "S3"] and "S1" in found["orders"][1]["serials"]


def test_a_level_that_was_raised_since(road: Road) -> None:
    ended(road)
    text = road.register.read_text(encoding="utf-8")
    road.register.write_text(text.replace('"purge"', '"destroy"', 1), encoding="utf-8")
    found = road.settled()
    assert found["ready"] == ["S2"] and found["orders"][1]["serials"] == ["S1", "S3"] and found["verified"] == ["S1", "S2", "S3"]


# What people have moved meanwhile.


@pytest.mark.parametrize("to", ["in_custody", "in_service"])
def test_a_medium_that_people_have_moved_meanwhile(road: Road, to: str) -> None:
    """It is told, and stops no other; what is back in service is not shredded either."""
    ended(road, {"S3": FAILED})
    road.moved(to, "S1", "S3")
    found = road.settled()
    told = {row["serial"]: row["reason"] for row in found["not_moved"]}
    assert f"S1 is {to} and cannot become sanitized" in told["S1"] and found["moved"] == 2 and found["ready"] == ["S2"]
    assert any("S1 is not moved in the register as its evidence says" in warning for warning in found["warnings"])
    assert road.states() == {"S1": to, "S2": "verified", "S3": to, "H1": "released"}
    if to == "in_service":
        assert told["S3"] == "S3 is in_service by now, so nothing is ordered for it" and found["orders"] == ORDERS[:1]
    else:
        assert set(told) == {"S1"} and found["orders"] == ORDERS
    again = road.settled()
    assert not again["changed"] and again["not_moved"] == found["not_moved"]


def test_what_was_released_once_more_is_not_moved_by_old_evidence(road: Road) -> None:
    ended(road, {"S1": {"verdict": "residue"}}).settled()
    road.moved("released", "S1", time=time_text(utc_now()))
    found = road.settled()
    assert not found["changed"] and found["not_moved"] == [] and road.states()["S1"] == "released"
    # It is planned again, so that nothing is ordered for it.
    assert found["orders"] == road.settled(check_mode=True)["orders"] == ORDERS


def test_what_another_plan_has_destroyed_since_is_not_ordered(road: Road) -> None:
    ended(road, {"S1": FAILED}).settled()
    first = road.plan_id
    road.planned(serials=["S1"])
    road.carry_out("rec1")
    road.seal()
    assert road.settled()["ready"] == ["S1"]
    found = road.settled(plan_id=first)
    assert found["orders"] == ORDERS and found["not_destroyed"][0]["serial"] == "S1" and not found["changed"]


@pytest.mark.parametrize("state", ["in_custody", "destroyed"])
def test_what_comes_later_on_the_road_is_not_ordered_again(road: Road, state: str) -> None:
    ended(road).settled()
    now = time_text(utc_now())
    for serial in ("S1", "S3"):
        road.moved("in_custody", serial, time=now)
        if state == "destroyed":
            road.moved(state, serial, time=now)
    found = road.settled()
    assert not found["changed"] and found["ready"] == ["S1", "S2"]
    assert found["orders"] == (ORDERS if state == "in_custody" else ORDERS[:1])


@pytest.mark.parametrize("ahead", [0, 4])
def test_a_host_whose_clock_is_behind(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    """A little: what came first is known, since the journal names a manifest that was made of released media."""
    assert dt.timedelta(minutes=5) == CLOCK_TOLERANCE
    road = Road(tmp_path, monkeypatch, in_service("S1"))
    released = time_text(utc_now() + dt.timedelta(minutes=ahead))
    road.moved("released", "S1", time=released)
    road.planned()
    road.carry_out("rec1", clock=lambda: utc_now() - dt.timedelta(minutes=4))
    road.seal()
    found = road.settled()
    if ahead:
        assert f"S1 was moved at {released} already, after the event of " in found["not_moved"][0]["reason"]
        assert road.states() == {"S1": "released"} and found["ready"] == []
    else:
        assert (found["moved"], found["not_moved"]) == (2, []) and {each["time"] for each in road.log()} == {released}
        assert not road.settled()["changed"]


def test_a_run_that_was_cut_off_before_the_register_was_written(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(road)

    def fails(self: Executor, path: str, data: t.Sequence[bytes], **more: t.Any) -> None:
        if path == str(road.register):
            raise OSError(28, "No space left on device")
        real(self, path, data, **more)

    real = Executor.replace_file
    monkeypatch.setattr(Executor, "replace_file", fails)
    assert "the log has the new states already; repair that and run the same task again" in road.settle()["msg"]
    monkeypatch.undo()
    assert road.states()["S1"] == "released" and len(road.log()) == 5
    found = road.settled(check_mode=True)
    assert found["changed"]
    found = road.settled()
    assert found["changed"] and found["moved"] == 5 and road.states()["S1"] == "verified" and len(road.log()) == 10
    assert not road.settled()["changed"]


def test_a_place_that_cannot_be_written(road: Road) -> None:
    ended(road)
    (road.run / "media").write_text("a file", encoding="utf-8")
    before = road.snapshot()
    told = road.settle()
    assert told["failed"] and "cannot be written (" in told["msg"] and "so the run is not settled; make room and run again" in told["msg"]
    assert road.snapshot() == before


# A plan by which nothing is done on any host, and one that something speaks against.


@pytest.fixture
def dead(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    made = Road(tmp_path, monkeypatch, in_service("H1", kind="hdd"), in_service("H2", kind="hdd"))
    made.moved("released", "H1", "H2")
    return made


def test_a_plan_for_the_shredder_alone(dead: Road) -> None:
    dead.planned(dead=["H1", "H2"], serials=["H1", "H2"], sign=False)
    dead.refused("the plan is not approved, nothing was done: 2 approvals needed, none counts", dead.settle)
    dead.approve("carol")
    dead.refused("2 approvals needed, 1 counts (carol@example.com)", dead.settle)
    dead.approve("dave")
    before = dead.snapshot()
    for check_mode in (True, False, False, True):
        found = dead.settled(check_mode=check_mode)
        assert (found["changed"], found["moved"], found["sanitized"], found["ready"]) == (False, 0, [], [])
        assert found["orders"] == [{"technique": "shred", "level": "destroy", "serials": ["H1", "H2"]}]
    assert dead.snapshot() == before


def test_a_plan_for_the_shredder_that_has_expired(dead: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    dead.planned(dead=["H1", "H2"], expires_in="PT1H")
    later = utc_now() + dt.timedelta(hours=2)
    monkeypatch.setattr("ansible_collections.recordings.disposal.plugins.action.media_settle.utc_now", lambda: later)
    dead.refused("before anything was done by it, so nothing was settled; plan again and have it approved", dead.settle)
    # What is on its way already is told, and nothing is ordered anew.
    dead.moved("in_custody", "H1", "H2")
    assert dead.settled()["orders"] == [{"technique": "shred", "level": "destroy", "serials": ["H1", "H2"]}]


def test_nothing_is_ordered_from_a_host_that_something_speaks_against(road: Road) -> None:
    """The policy sends it to the shredder, and a hold is on it."""
    road.results["rec1"]["drained"] = drained("S1", "S2", drained="no", reasons=["a hold"])
    road.planned(serials=["S1", "S2", "S3"], policy={**POLICY, "rules": [{"kinds": ["sata_ssd"], "technique": "none"}]})
    assert road.rows("rec1")["S1"]["steps"] == []
    found = road.settled()
    assert found["pending"] == ["S1", "S2"] and found["orders"] == [ORDERS[1]]


def test_a_sealed_run_that_no_host_has_begun_proves_no_approval(road: Road) -> None:
    for path in road.manifest_path.parent.glob("*.sig"):
        path.unlink()
    (road.run / "journals").mkdir(parents=True)
    road.seal()
    road.refused("the plan is not approved, nothing was done: 2 approvals needed, none counts", road.settle)
    road.approve("carol", "dave")
    assert road.settled()["pending"] == ["S1", "S2", "S3"]


def test_more_than_an_order_takes(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serials = [f"H{number:03}" for number in range(201)]
    road = Road(tmp_path, monkeypatch, *(in_service(serial, kind="hdd") for serial in serials))
    road.moved("released", *serials)
    road.planned(dead=serials, policy={**POLICY, "limits": {"media": 500, "media_per_host": 500}})
    assert [len(order["serials"]) for order in road.settled()["orders"]] == [200, 1]


# What people have destroyed.


def bagged(road: Road, *serials: str) -> Road:
    road.moved("in_custody", *serials, time="2026-01-10T10:00:00Z")
    return road


def test_four_runs_of_physical_work(road: Road) -> None:
    evidence = bagged(road, "H1").work("degauss", level="purge", serial="H1")
    before = road.snapshot()
    found = road.destroyed(evidence, check_mode=True)
    assert found["changed"] and found["moved"] == 0 and found["ready"] == ["H1"] and road.snapshot() == before
    found = road.destroyed(evidence)
    assert (found["changed"], found["moved"], found["ready"], found["plan_id"]) == (True, 1, ["H1"], None)
    assert road.states()["H1"] == "destroyed"
    last = road.log()[-1]
    journal = road.dest / "physical" / evidence[0]["journal"]
    assert (last["from"], last["to"], last["time"]) == ("in_custody", "destroyed", "2026-01-15T13:05:00Z")
    assert last["evidence"] == [digest(journal.read_bytes())] and last["place"] == "Warsaw, room 0.14"
    assert [person["principal"] for person in last["persons"]] == ["Anna Nowak", "Jan Kowalski"]
    after = road.snapshot()
    for check_mode in (False, True):
        again = road.destroyed(evidence, check_mode=check_mode)
        assert not again["changed"] and again["ready"] == ["H1"]
    assert road.snapshot() == after


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("in_custody", "destroyed", "reused")])
def test_what_is_not_in_custody(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    road = Road(tmp_path, monkeypatch, in_service("S1", kind="hdd"), in_service("S2", kind="hdd"))
    for to in STATES[1 : STATES.index(state) + 1]:
        road.moved(to, "S1")
    for to in ("released", "in_custody"):
        road.moved(to, "S2")
    evidence = [*road.work(serial="S2"), *road.work(serial="S1")]
    words = f"nothing was settled: no medium was moved: S1 is {state} and cannot become destroyed"
    told = road.refused(words, road.destroyed, evidence=evidence)
    # The other one waits for it: both were given as the result of one order.
    assert len(told["problems"]) == 1 and road.states()["S2"] == "in_custody"


def test_a_result_of_another_medium(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Particles that are small enough for a hard disk leave whole flash dies, so the kind is not people's word against the register's."""
    road = Road(tmp_path, monkeypatch, in_service("S1", asset_number="IT-1"), in_service("S2", kind="hdd", asset_number="IT-2"))
    for to in ("released", "in_custody"):
        road.moved(to, "S1")
        road.moved(to, "S2")
    kind = "S1: its result is that of a medium of the kind hdd, and the register has it as sata_ssd; find out which medium that was"
    road.refused(kind, road.destroyed, evidence=road.work(serial="S1"))
    asset = "S2: its result has the asset number IT-7, and the register IT-2"
    road.refused(asset, road.destroyed, evidence=road.work(serial="S2", asset="IT-7"))


def test_custody_that_came_after_the_work(road: Road) -> None:
    evidence = road.work(serial="H1")
    road.moved("in_custody", "H1", time="2026-01-20T10:00:00Z")
    words = "H1 was moved at 2026-01-20T10:00:00Z already, after the event of 2026-01-15T13:05:00Z; correct the time"
    road.refused(words, road.destroyed, evidence=evidence)


def test_every_medium_that_is_refused_is_named(road: Road) -> None:
    evidence = [*road.work(serial="H1"), *road.work(serial="S1"), *road.work(serial="X9")]
    told = road.refused("X9 is not in the register; correct the serial, or enter the medium first", road.destroyed, evidence=evidence)
    assert len(told["problems"]) == 3


def test_what_falls_short_of_the_required_level(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    road = Road(tmp_path, monkeypatch, in_service("H1", kind="hdd", required_level="destroy"))
    for to in ("released", "in_custody"):
        road.moved(to, "H1")
    evidence = road.work("degauss", level="purge", serial="H1")
    assert evidence[0]["outcome"] == "destroyed"
    words = "H1 was destroyed by degauss, which reaches purge, and destroy is required of it; have it destroyed by a stronger technique too"
    road.refused(words, road.destroyed, evidence=evidence)
    found = road.destroyed(road.work(serial="H1"))
    assert found["moved"] == 1 and road.states() == {"H1": "destroyed"}


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": "S1"},
        {"outcome": "not_destroyed"},
        {"outcome": None},
    ],
)
def test_a_journal_that_says_otherwise(road: Road, changes: dict[str, t.Any]) -> None:
    evidence = bagged(road, "H1", "S1").work(serial="H1")
    changed = [{**evidence[0], **changes}]
    told = road.refused("so nothing was settled; give what media_destruction returned", road.destroyed, evidence=changed)
    assert f"does not say that {changed[0]['serial']} is {changed[0]['outcome']}" in told["msg"]


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "runs/../../y/journal.jsonl", "runs/0123/journal.jsonl", "", None, 7])
def test_a_journal_by_another_name(road: Road, name: t.Any) -> None:
    evidence = bagged(road, "H1").work(serial="H1")
    words = "is no journal of media_destruction, so nothing was settled; give what it returned as evidence"
    road.refused(words, road.destroyed, evidence=[{**evidence[0], "journal": name}])


def test_a_journal_that_is_missing_changed_or_cut_off(road: Road) -> None:
    evidence = bagged(road, "H1").work(serial="H1")
    path = road.dest / "physical" / evidence[0]["journal"]
    data = path.read_bytes()
    damage(path)
    road.refused(str(path), road.destroyed, evidence=evidence)
    path.write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
    road.refused("does not say that H1 is destroyed", road.destroyed, evidence=evidence)
    path.unlink()
    road.refused("cannot be opened (No such file or directory)", road.destroyed, evidence=evidence)


def test_facts_that_were_exchanged(road: Road) -> None:
    """Whoever writes the whole journal anew still has to have begun with the facts that it ends with."""
    evidence = bagged(road, "H1").work(serial="H1")
    path = road.dest / "physical" / evidence[0]["journal"]
    lines = path.read_bytes().splitlines()
    path.write_bytes(rechain(line.replace(b"Jan Kowalski", b"Adam Nowak") for line in lines))
    road.refused("does not say that H1 is destroyed, so nothing was settled", road.destroyed, evidence=evidence)


def test_what_destroyed_nothing_is_told(road: Road) -> None:
    evidence = bagged(road, "H1").work("drill", serial="H1")
    before = road.snapshot()
    found = road.destroyed(evidence)
    assert not found["changed"] and found["ready"] == [] and road.snapshot() == before
    (row,) = found["not_destroyed"]
    assert (row["serial"], row["outcome"], row["next"]) == ("H1", "not_destroyed", "order") and row["reason"]


def test_one_medium_twice(road: Road) -> None:
    bagged(road, "H1")
    evidence = [*road.work("degauss", level="purge", serial="H1"), *road.work(serial="H1")]
    road.refused("nothing was settled: H1 is told twice as destroyed; give the evidence of the one time", road.destroyed, evidence=evidence)
    assert road.destroyed(evidence[1:])["moved"] == 1


def test_a_long_place(road: Road) -> None:
    evidence = bagged(road, "H1").work(serial="H1", place="Hall  7, " + "a long way down " * 20)
    assert road.destroyed(evidence)["moved"] == 1
    assert road.log()[-1]["place"].startswith("Hall 7, a long way") and len(road.log()[-1]["place"]) == 150


def test_a_cut_off_run_of_physical_work(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = bagged(road, "H1").work(serial="H1")

    def fails(*_none: t.Any, **_more: t.Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_register_files.RegisterFile, "_changed", fails)
    assert "the log has the new states already" in road.destroyed(evidence)["msg"]
    monkeypatch.undo()
    assert road.states()["H1"] == "in_custody"
    found = road.destroyed(evidence)
    assert found["changed"] and road.states()["H1"] == "destroyed" and not road.destroyed(evidence)["changed"]


def test_nothing_at_all(road: Road) -> None:
    found = road.destroyed([])
    assert not found["changed"] and not found.get("failed") and found["orders"] == []


def test_the_modules_examples() -> None:
    options = set(yaml.safe_load(DOCUMENTATION)["options"])
    tasks = [task["recordings.disposal.media_settle"] for task in yaml.safe_load(EXAMPLES) if "recordings.disposal.media_settle" in task]
    assert len(tasks) == 2 and all(set(task) <= options for task in tasks)
