# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that issues certificates of media: what it refuses leaves every file as it was; what it issues claims no more than the evidence."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils import _media_issue
from ansible_collections.recordings.disposal.plugins.plugin_utils._settle import Settling, settle_destruction, settle_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import (
    ANNA,
    BOB,
    EVA,
    SIGNER,
    CertificateWorld,
    medium,
    name_of,
    plan_row,
    proof,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import rechain

FAILED = {"outcome": "not_destroyed", "reason": ["3 of 64 canaries are still there, whatever the device says"]}


@pytest.fixture
def world(tmp_path: pathlib.Path) -> CertificateWorld:
    """S1 is sanitized and verified, S2 is released, S3 is in service."""
    world = CertificateWorld(tmp_path, medium("S1"), medium("S2", required_level="destroy", kind="hdd"), medium("S3"))
    world.sanitized("S1")
    world.moved("released", "S2")
    return world


# Refused: what was not destroyed.


def test_a_failed_sanitize_gets_no_certificate_but_a_work_order(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"), medium("S2"))
    world.moved("released", "S1", "S2")
    rows = [plan_row(world.entries[serial]) for serial in ("S1", "S2")]
    world.carry_out(*rows, outcomes={"S1": {**FAILED, "proof": proof(rows[0], operational=None)}})
    world.linked("S2")
    world.refused("S1: it is released in the register", "S1")
    world.moved("in_custody", "S1", reason="its sanitize failed")
    result = world.refused(
        "no certificate was issued: S1: it was not destroyed by ata_sanitize_crypto (not_destroyed: 3 of 64 canaries are still there", "S1"
    )
    assert "have it shredded by a work order" in result["msg"] and result["refused_count"] == 1
    assert [row["serial"] for row in result["refused"]] == ["S1"]
    # By default it is not among those that are asked for; nobody takes it for one that is ready.
    assert world.issued()["counts"] == {"issued": 1, "changed": 1}
    assert not (world.certificates / f"{name_of('S1')}.json").exists()


@pytest.mark.parametrize("outcome", ["unknown", "not_destroyed"])
def test_an_outcome_that_is_not_destroyed(world: CertificateWorld, outcome: str) -> None:
    world.plan_id = "2026-01-20-aaaa"
    row = plan_row(world.entries["S2"])
    world.carry_out(row, outcomes={"S2": {"outcome": outcome, "reason": [], "proof": None}})
    world.linked("S2")
    world.refused(f"S2: it was not destroyed by ata_sanitize_crypto ({outcome}: no reason is told); have it shredded", "S2")


def test_a_level_that_is_too_low(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"), medium("S2", required_level="destroy"), medium("S3"))
    world.moved("released", "S1", "S2", "S3")
    rows = [
        plan_row(world.entries["S1"], "overwrite"),
        plan_row(world.entries["S2"]),
        plan_row(world.entries["S3"], required_level="destroy"),
    ]
    world.carry_out(*rows)
    world.linked("S1", "S2", "S3")
    world.refused("S1: overwrite reached clear and purge is required; have it destroyed by a work order", "S1")
    world.refused("S2: ata_sanitize_crypto reached purge and destroy is required", "S2")
    # What the plan required, the register may have come to ask less for since.
    world.refused("S3: ata_sanitize_crypto reached purge and destroy is required", "S3")


def test_a_plan_that_goes_on_to_the_shredder(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1", physical={"needed": True, "technique": "shred", "why": "policy"})
    world.refused("has it destroyed physically as well (shred), and nothing says that it was", "S1")


def test_a_degaussed_medium_is_purged_and_no_more(world: CertificateWorld) -> None:
    world.shredded("S2", "degauss", level="purge")
    world.refused("S2: degauss reached purge and destroy is required; have it destroyed by a work order", "S2")


def test_a_drilled_medium(world: CertificateWorld) -> None:
    world.shredded("S2", "drill", level="destroy")
    world.refused("S2: it was not destroyed by drill (not_destroyed: drill leaves data that can be read", "S2")


# Refused: evidence that was changed, or that nothing links.


def test_a_record_that_was_changed_by_one_byte(world: CertificateWorld) -> None:
    path = world.record("S1")
    path.write_bytes(path.read_bytes().replace(b'"left":0', b'"left":1'))
    world.refused("is not the line that", "S1")


def test_a_record_that_is_in_no_journal(world: CertificateWorld) -> None:
    world.plan_id = "2026-01-20-aaaa"
    world.carry_out(plan_row(world.entries["S2"]))
    journal = world.run_dir() / "journals" / "rec1.jsonl"
    opening, *_lines = journal.read_bytes().splitlines()
    journal.write_bytes(opening + b"\n")
    world.moved("in_custody", "S2", reason="so it is")
    world.refused(f"{world.record('S2')} is in no line of {journal}, so nobody wrote it there", "S2")


def test_a_journal_that_the_statement_does_not_name(world: CertificateWorld) -> None:
    journal = world.run_dir() / "journals" / "rec1.jsonl"
    lines = journal.read_bytes().replace(b'"left":0', b'"left":1').splitlines()
    journal.write_bytes(rechain(lines))
    world.keep_records(plan_row(world.entries["S1"]))
    world.refused(f"{journal} is not what statement.json of the run 2026-01-09-4f1c names, so it was changed or never sealed", "S1")


def test_a_broken_journal(world: CertificateWorld) -> None:
    journal = world.run_dir() / "journals" / "rec1.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"rule":"sata_ssd"', b'"rule":"sata_hdd"', 1))
    world.refused("line 3 does not name the digest of the line before it", "S1")


def test_a_run_that_was_never_sealed(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    world.carry_out(plan_row(world.entries["S1"]), seal=False)
    world.linked("S1")
    world.refused("S1: the run 2026-01-09-4f1c has no statement.json; seal it first", "S1")


def test_a_statement_that_somebody_else_signed(world: CertificateWorld) -> None:
    signature = world.run_dir() / "statement.json.sig"
    data = (world.run_dir() / "statement.json").read_bytes()
    good = signature.read_text(encoding="ascii")
    signature.write_text(world.keys.sign(data, "mallory", NAMESPACE), encoding="ascii")
    world.refused("statement.json.sig: evidence@example.com: signed with key", "S1")
    signature.unlink()
    world.refused("statement.json.sig cannot be read", "S1")
    signature.write_text(good, encoding="ascii")
    world.refused("signed with key", "S1", sealed_by="somebody@example.com")
    assert world.issued("S1", sealed_by=SIGNER)["changed"]


def test_a_plan_or_a_manifest_that_was_changed(world: CertificateWorld) -> None:
    plan = world.dest / "plans" / world.plan_id / "media" / "rec1.jsonl"
    before = plan.read_bytes()
    row = {**json.loads(before), "required_level": "clear"}
    plan.write_bytes(canonical(row) + b"\n")
    world.refused(f"{plan} is not the plan that manifest and journal name", "S1")
    plan.write_bytes(json.dumps(row).encode() + b"\n")
    world.refused("is no row of a plan of media as it was written", "S1")
    plan.write_bytes(before + before)
    world.refused("the plan 2026-01-09-4f1c has 2 rows (rec1, rec1) for it", "S1")
    plan.write_bytes(b"")
    world.refused("the plan 2026-01-09-4f1c has no row for it", "S1")
    plan.unlink()
    world.refused("has no row for it", "S1")
    plan.parent.rmdir()
    world.refused("cannot be read (No such file or directory); put it back from a copy", "S1")
    plan.parent.mkdir()
    plan.write_bytes(before)
    manifest = world.run_dir() / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"ewa@", b"eva@"))
    world.refused(f"{manifest} is not the manifest that statement.json names", "S1")


def test_a_record_that_the_log_does_not_link(world: CertificateWorld) -> None:
    world.plan_id = "2026-01-20-aaaa"
    world.carry_out(plan_row({**world.entries["S2"], "required_level": "destroy"}))
    journal = world.work(serial="S2")
    world.moved("in_custody", "S2", reason="so it is")
    world.moved("destroyed", "S2", evidence=[world.register])
    result = world.refused("is not among the evidence of its events in the register's log, which alone counts", "S2")
    assert f"physical/runs/{journal.parent.name}/journal.jsonl" in result["msg"]


def test_a_medium_that_was_released_again(world: CertificateWorld) -> None:
    world.moved("in_custody", "S1")
    world.moved("reused", "S1", evidence=[world.record("S1")])
    world.moved("in_service", "S1", reason="serves in rec1")
    world.refused("S1: it is in_service in the register", "S1")
    world.moved("released", "S1")
    world.moved("in_custody", "S1", reason="so it is")
    # What was proven before it served again proves nothing now.
    world.refused("is not among the evidence of its events in the register's log", "S1")


def test_a_record_of_a_former_life(tmp_path: pathlib.Path) -> None:
    """Whoever names an old record once more makes it no younger."""
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1")
    world.moved("in_custody", "S1")
    world.moved("reused", "S1", evidence=[world.record("S1")])
    world.moved("in_service", "S1", reason="serves again")
    world.moved("released", "S1")
    world.linked("S1")
    world.refused("it was released again after runs/", "S1")


def test_a_result_of_another_kind(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1", required_level="destroy"))
    world.moved("released", "S1")
    world.shredded("S1", kind="hdd", date="2026-01-20T14:05:00+01:00")
    world.refused("its result is that of a medium of the kind hdd, and the register has it as sata_ssd", "S1")


def test_a_sanitize_that_was_withdrawn(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1", to="sanitized")
    world.moved("released", "S1", reason="something was left on it")
    world.moved("in_custody", "S1", reason="so it is")
    world.refused("it was released again after runs/2026-01-09-4f1c/media/", "S1")


def test_a_sanitize_that_was_never_verified(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1", to="sanitized")
    world.moved("in_custody", "S1", reason="it cannot be verified")
    world.refused("S1: it was never verified by the register's log after runs/2026-01-09-4f1c/media/", "S1")


def test_a_record_that_contradicts_itself(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    seen = {"verdict": "residue", "read_bytes": 1, "size_bytes": 2, "sample": None, "why": "1 byte is left"}
    world.carry_out(row, outcomes={"S1": {"proof": proof(row, verify=seen)}})
    world.linked("S1")
    world.refused("says destroyed, and of what was read back 'residue'; find out which of the two is right", "S1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"technique": "ata_sanitize_block"}, "says that it was destroyed by ata_sanitize_block, which its plan does not name"),
        ({"proof": proof(plan_row({"serial": "S9"}))}, "tells the serial 'S9' of what was destroyed; find out which medium that was"),
    ],
)
def test_a_record_of_something_else_than_was_planned(tmp_path: pathlib.Path, changes: dict[str, t.Any], words: str) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    world.carry_out(plan_row(world.entries["S1"]), outcomes={"S1": changes})
    world.linked("S1")
    world.refused(words, "S1")


def test_physical_work_that_was_changed(world: CertificateWorld) -> None:
    journal = world.shredded("S2", kind="hdd")
    before = journal.read_bytes()
    journal.write_bytes(before.replace(b"9.5 mm2", b"9.6 mm2"))
    world.refused("does not name the digest of the line before it", "S2")
    # Told of the very medium, and of no other.
    assert world.issue("S1", check_mode=True).get("failed") is None
    journal.write_bytes(rechain(before.replace(b"9.5 mm2", b"9.6 mm2").splitlines()))
    world.refused("does not tell the facts that it was begun with", "S2")
    journal.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    world.refused("was not brought to its end; give media_destruction the same results once more", "S2")
    journal.write_bytes(b"{}" + before)
    world.refused("line 1 is not a record", "S2")


def test_another_log_or_register(world: CertificateWorld) -> None:
    log = world.dest / "register" / "log.jsonl"
    before = log.read_bytes()
    log.write_bytes(before.replace(b'"to":"verified"', b'"to":"sanitized"'))
    world.refused("go from sanitized to sanitized", "S1")
    log.write_bytes(before)
    register = world.register.read_text(encoding="utf-8")
    world.register.write_text(register.replace('state: "verified"', 'state: "sanitized"').replace("state: verified", "state: sanitized"))
    world.refused("does not show the last event of S1 yet", "S1")


# Refused: who took part, and what is told.


@pytest.mark.parametrize(
    ("people", "changes", "words"),
    [
        ([ANNA, BOB], {"validated_by": "anna@example.com"}, "anna@example.com has performed it and cannot validate it too"),
        ([ANNA, BOB], {"validated_by": "ANNA@example.com"}, "has performed it and cannot validate it too"),
        ([ANNA, {**BOB, "name": "ANNA  Nowak"}], {}, "anna@example.com and bob@example.com have one name, so they may be one person"),
        ([ANNA, {**BOB, "name": "Ａnna Nowak"}], {}, "have one name, so they may be one person"),
        ([ANNA, BOB], {"validated_by": "eva@example.com"}, "eva@example.com, who is named under validated_by, is not among the people"),
        ([BOB], {}, "anna@example.com, who carried it out, is not among the people"),
        ([ANNA, BOB], {"performed_by": None}, "its record does not say who carried it out; name the person under performed_by"),
    ],
)
def test_persons_that_cannot_be(world: CertificateWorld, people: list[t.Any], changes: dict[str, t.Any], words: str) -> None:
    world.refused(words, "S1", people=people, **changes)


def test_one_key_for_both_persons(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1")
    world.moved("in_custody", "S1")
    world.allow("anna", extra=world.keys.line("eva@example.com", "bob"))
    path = world.bag("bag-30.yml", ["S1"], time="2026-01-30T09:00:00Z", persons=["anna@example.com", "eva@example.com"], sign=("anna",))
    text = world.keys.sign(pathlib.Path(path).read_bytes(), "bob", "custody@recordings.disposal")
    pathlib.Path(f"{path}.eva@example.com.sig").write_text(text, encoding="ascii")
    world.record_event(path)
    world.refused(
        "has signed for eva@example.com and bob@example.com, so they may be one person",
        "S1",
        people=[EVA, BOB],
        performed_by="eva@example.com",
    )


@pytest.mark.parametrize("people", [[ANNA | {"name": "Jan Nowak"}, BOB], [ANNA, {**ANNA, "principal": "anna2@example.com"}, BOB]])
def test_an_operator_whom_the_people_do_not_tell(world: CertificateWorld, people: list[t.Any]) -> None:
    world.shredded("S2", kind="hdd")
    result = world.refused("the operator whom physical/runs/", "S2", people=people)
    assert "describe the person under that very name" in result["msg"] and "Nowak" not in json.dumps(result)


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        ({"make": ""}, {}, "S1: manufacturer is not told, and Rev. 2 App. C and Rev. 1 App. G asks for it; enter its make in the register"),
        ({"model": ""}, {}, "model is not told"),
        ({}, {"people": [{**ANNA, "title": None}, BOB]}, "performer_title is not told"),
        ({}, {"people": [ANNA, {**BOB, "contact": None}]}, "validator_contact is not told"),
        (
            {},
            {"organisation": None},
            "performer_organisation is not told, and Rev. 1 App. G asks for it; complete anna@example.com under people",
        ),
    ],
)
def test_a_field_that_is_missing_is_named(tmp_path: pathlib.Path, entries: dict[str, str], options: dict[str, t.Any], words: str) -> None:
    world = CertificateWorld(tmp_path, medium("S1", **entries))
    world.sanitized("S1")
    if "people" in options:
        options = {"people": [{key: value for key, value in person.items() if value} for person in options["people"]]}
    world.refused(words, "S1", **options)


def test_whether_it_works_is_told_by_the_record_or_by_people(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    world.carry_out(row, outcomes={"S1": {"proof": proof(row, operational=None)}})
    world.linked("S1")
    world.refused("status is not told, and Rev. 2 App. C asks for it; tell it as operational under media", "S1")
    world.issued("S1", media={"S1": {"operational": False}})
    field = next(field for field in world.certificate("S1")["fields"] if field["id"] == "status")
    assert (field["value"], field["from"]) == ("damaged", "people")


def test_what_cannot_be_after_the_shredder(world: CertificateWorld) -> None:
    world.shredded("S2", kind="hdd")
    told = {"destination": "external_reuse", "operational": True}
    result = world.refused("destination is told as external_reuse, and shred leaves nothing to reuse", "S2", media={"S2": told})
    assert "it is told to be operational, and no medium works after shred" in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"people": []}, "the list of people is not valid"),
        ({"people": [{"principal": "two words", "name": "A B"}]}, "people is not valid, nothing was done: [0].principal"),
        ({"people": [ANNA, ANNA]}, "stands there twice; name each person once"),
        ({"people": [{"principal": "anna@example.com"}]}, "the key name is missing"),
        ({"people": [{**ANNA, "age": "40"}]}, "is under an unknown key"),
        ({"media": {"S1": {"backed_up": "perhaps"}}}, "'perhaps' is not known; allowed are no, unknown, yes"),
        ({"media": {"S1": {"destination": "the river"}}}, "is not known; allowed are"),
        ({"media": {"S1": {"operational": "maybe"}}}, "is neither true nor false"),
        ({"media": {"S1": {"notes": "x" * 301}}}, "is longer than 300 characters"),
        ({"media": {"S1": {"colour": "blue"}}}, "is under an unknown key"),
        ({"media": {"S1": {}, "s 1": {}}}, "is blank or stands there twice"),
        ({"media": {"S9": {}}}, "S9: is told of under media and is not in the register"),
        ({"register": "/nowhere.yml"}, "the register /nowhere.yml cannot be read"),
        ({"allowed_signers": "/nowhere"}, "the file of allowed signers /nowhere cannot be read"),
        ({"signing_key": "/nowhere"}, "the signing key /nowhere is not a file"),
        ({"signer": "two words"}, "is no name of a signer"),
    ],
)
def test_what_is_told_is_checked(world: CertificateWorld, options: dict[str, t.Any], words: str) -> None:
    before = snapshot(world.path)
    result = world.issue("S1", **options)
    assert result.get("failed") and words in result["msg"], result
    assert snapshot(world.path) == before
    assert "Nowak" not in json.dumps(result)


def test_options_are_checked(world: CertificateWorld) -> None:
    for options in ({"surprise": 1}, {"on_refusal": "never"}, {"languages": ["de"]}, {"validated_by": None}):
        with pytest.raises(AnsibleError):
            world.issue("S1", **options)


@pytest.mark.parametrize(
    ("serials", "words"),
    [
        (["S1", " "], "a blank serial: names no medium"),
        (["S1", "S9"], "S9: is not in the register"),
        (["S1", "s1"], "s1: stands under serials twice"),
        (["S3"], "S3: it is in_service in the register, and only what is verified, in_custody, destroyed or reused has a certificate"),
        (["S2"], "S2: it is released in the register"),
    ],
)
def test_serials_that_can_have_none(world: CertificateWorld, serials: list[str], words: str) -> None:
    world.refused(words, *serials)


def test_all_faults_of_all_serials_are_told_at_once_and_nothing_is_written(world: CertificateWorld) -> None:
    result = world.refused("no certificate was issued", "S1", "S2", "S3", "S9", " ")
    assert {row["serial"] for row in result["refused"]} == {"S2", "S3", "S9", "a blank serial"} and result["refused_count"] == 4
    more = world.refused("S1: bob@example.com", "S1", "S2", people=[ANNA])
    assert [len(row["reasons"]) for row in more["refused"]] == [1, 2]


def test_a_signer_who_may_not_sign(world: CertificateWorld) -> None:
    before = snapshot(world.path)
    world.keys.path("mallory")
    before = snapshot(world.path)
    result = world.issue("S1", signing_key=world.keys.path("mallory"))
    assert result["failed"] and "which allowed_signers does not list for evidence@example.com" in result["msg"]
    assert snapshot(world.path) == before


# What is issued.


def test_the_four_runs(world: CertificateWorld) -> None:
    before = snapshot(world.path)
    checked = world.issued(check_mode=True)
    assert checked["changed"] and checked["counts"] == {"issued": 1, "changed": 1} and checked["certificates"][0]["key"] is None
    assert snapshot(world.path) == before
    done = world.issued()
    name = name_of("S1")
    assert done["changed"] and {path.name for path in world.certificates.iterdir()} == {
        f"{name}{end}" for end in (".json", ".json.sig", ".en.html", ".pl.html")
    }
    (row,) = done["certificates"]
    assert row["digest"] == digest((world.certificates / f"{name}.json").read_bytes()) and row["achieved"] == "purge"
    assert row["key"] == world.keys.fingerprint("evidence") and row["superseded"] is None
    left = snapshot(world.path)
    for check_mode in (False, True):
        again = world.issued(check_mode=check_mode)
        assert not again["changed"] and again["counts"] == {"issued": 1, "changed": 0}
        assert again["certificates"] == [{**row, "changed": False}]
    assert snapshot(world.path) == left


def test_what_is_ready_is_asked_for_by_default(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, *(medium(f"S{number}") for number in range(1, 6)))
    world.sanitized("S1", "S2", "S3")
    world.moved("in_custody", "S2", "S3")
    world.moved("reused", "S3", evidence=[world.record("S3")])
    world.moved("released", "S4", "S5")
    world.shredded("S4", kind="sata_ssd", die="60 mm2", required_level="E-4", date="2026-02-20T14:05:00+01:00")
    world.moved("in_custody", "S5", reason="not verified, so it waits for the shredder")
    result = world.issued()
    assert [row["serial"] for row in result["certificates"]] == ["S1", "S2", "S3", "S4"]
    assert [row["achieved"] for row in result["certificates"]] == ["purge", "purge", "purge", "destroy"]


def test_what_is_refused_can_be_left_out(world: CertificateWorld) -> None:
    before = snapshot(world.path)
    checked = world.issued("S1", "S2", on_refusal="report", check_mode=True)
    assert checked["refused_count"] == 1 and snapshot(world.path) == before
    result = world.issued("S1", "S2", on_refusal="report")
    assert [row["serial"] for row in result["certificates"]] == ["S1"] and result["refused"][0]["serial"] == "S2"
    assert not (world.certificates / f"{name_of('S2')}.json").exists()


def test_a_certificate_is_signed_for_its_namespace(world: CertificateWorld) -> None:
    from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import verify

    world.issued("S1")
    path = world.certificates / f"{name_of('S1')}.json"
    told = {"allowed_signers": world.evidence_signers.read_text(encoding="ascii"), "principal": SIGNER, "namespace": NAMESPACE}
    assert verify(path.read_bytes(), path.with_name(f"{path.name}.sig").read_bytes(), **told).principal == SIGNER
    data = path.read_bytes()
    assert canonical(json.loads(data)) + b"\n" == data


def test_without_signers_it_says_that_the_seal_was_not_verified(world: CertificateWorld) -> None:
    world.issued("S1", allowed_signers=None)
    assert "statement" in [row["key"] for row in world.certificate("S1")["not_checked"]]
    world.issued("S1")
    assert "statement" not in [row["key"] for row in world.certificate("S1")["not_checked"]]


def test_it_claims_what_the_record_says_and_no_more(world: CertificateWorld) -> None:
    world.issued("S1")
    certificate = world.certificate("S1")
    assert certificate["outcome"] == "destroyed"
    assert certificate["level"] == {"required": "purge", "achieved": "purge", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
    values = {field["id"]: field["value"] for field in certificate["fields"]}
    assert values["method_type"] == "purge" and values["method"] == "crypto_erase" and values["verification"] == "quick_sampling"
    assert values["tool"] == ["recordings.disposal 0.1.0", "hdparm v9.65"] and values["performer_date"] == "2026-01-10T20:09:00Z"
    assert certificate["plan"]["host"] == "rec1" and certificate["plan"]["bay"] == "Slot 03"
    assert [approval["principal"] for approval in certificate["plan"]["approvals"]] == ["carol@example.com", "dave@example.com"]
    told = {row["file"]: row["digest"] for row in certificate["evidence"]}
    assert len(told) == 5 and all(digest((world.dest / name).read_bytes()) == known for name, known in told.items())
    texts = [row["text"] for row in certificate["not_checked"]]
    assert texts[0].startswith("372.6\u00a0GiB of 3.6\u00a0TiB were read back")
    assert "only what the drive shows was read: spare, remapped and hidden blocks were not" in texts


@pytest.mark.parametrize(
    ("changes", "box", "keys"),
    [
        ({"verify": {"verdict": "clean", "read_bytes": 9, "size_bytes": 9, "sample": None, "why": ""}}, "full", set()),
        ({"verify": {"verdict": "clean", "read_bytes": 0, "size_bytes": 9, "sample": None, "why": ""}}, "other", {"canaries_only"}),
        ({"verify": {"verdict": "clean", "read_bytes": 4, "size_bytes": 9, "sample": None, "why": "only"}}, "other", {"part_read", "why"}),
        (
            {"verify": {"verdict": "not_done", "read_bytes": 0, "size_bytes": 9, "sample": None, "why": ""}, "canaries": {}},
            "other",
            {"nothing_read"},
        ),
        ({"canaries": {"laid": 64, "left": 0, "unread": 2}}, "quick_sampling", {"part_read", "canaries"}),
        ({"verify": None, "canaries": None, "tools": None}, None, set()),
    ],
)
def test_how_much_was_read_back(tmp_path: pathlib.Path, changes: dict[str, t.Any], box: str | None, keys: set[str]) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    world.carry_out(row, outcomes={"S1": {"proof": proof(row, **changes)}})
    world.linked("S1")
    if box is None:
        world.refused("says destroyed, and of what was read back None", "S1")
        return
    world.issued("S1")
    certificate = world.certificate("S1")
    assert next(field["value"] for field in certificate["fields"] if field["id"] == "verification") == box
    reading = {"part_read", "canaries_only", "nothing_read", "why", "canaries"}
    assert {row["key"] for row in certificate["not_checked"]} & reading == keys


def test_a_failed_sanitize_is_told_of_the_medium_that_was_shredded(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1", kind="hdd"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    world.carry_out(row, outcomes={"S1": {**FAILED, "proof": proof(row)}})
    journal = world.shredded("S1", kind="hdd")
    world.issued()
    certificate = world.certificate("S1")
    assert [(act["technique"], act["outcome"], act["counts"], act["decisive"]) for act in certificate["acts"]] == [
        ("ata_sanitize_crypto", "not_destroyed", False, False),
        ("shred", "destroyed", True, True),
    ]
    values = {field["id"]: field["value"] for field in certificate["fields"]}
    assert (values["method_type"], values["method"], values["status"], values["performer_name"]) == (
        "destruct",
        "other",
        "damaged",
        "Anna Nowak",
    )
    assert "other_acts" in [row["key"] for row in certificate["not_checked"]] and certificate["plan"] is None
    assert digest(journal.read_bytes()) in [row["digest"] for row in certificate["evidence"]]


def test_what_was_settled_is_certified(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"), medium("S2", kind="hdd"))
    world.moved("released", "S1", "S2")
    rows = [plan_row(world.entries[serial]) for serial in ("S1", "S2")]
    world.carry_out(*rows, outcomes={"S2": {**FAILED, "proof": proof(rows[1])}}, settle=False)
    signers = world.evidence_signers.read_text(encoding="ascii")
    signers += "".join(world.keys.line(f"{name}@example.com", name) for name in ("carol", "dave"))

    def settling() -> Settling:
        return Settling(str(world.dest), str(world.register), "anna@example.com", Executor(), False, utc_now(), "0.1.0")

    told = settle_run(settling(), world.plan_id, allowed_signers=signers, signer=SIGNER)
    assert told["ready"] == ["S1"] and [order["serials"] for order in told["orders"]] == [["S2"]]
    assert [row["serial"] for row in world.issued()["certificates"]] == ["S1"]
    world.moved("in_custody", "S2", reason="its sanitize failed")
    journal = world.work(serial="S2", kind="hdd")
    given = {"serial": "S2", "outcome": "destroyed", "journal": str(journal.relative_to(world.dest / "physical"))}
    settle_destruction(settling(), [given])
    assert [row["achieved"] for row in world.issued()["certificates"]] == ["purge", "destroy"]
    assert not [row for serial in ("S1", "S2") for row in world.certificate(serial)["not_checked"] if row["key"] == "order"]


def test_a_sanitized_medium_that_was_shredded_besides(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1", kind="hdd", required_level="destroy"))
    world.sanitized("S1", physical={"needed": True, "technique": "shred", "why": "required"})
    world.shredded("S1", kind="hdd")
    world.issued()
    certificate = world.certificate("S1")
    assert [act["counts"] for act in certificate["acts"]] == [True, True] and certificate["level"]["achieved"] == "destroy"
    values = {field["id"]: field for field in certificate["fields"]}
    assert values["source"]["value"] == "rec1, Slot 03" and values["backed_up"]["value"] == "yes"
    # It was to be reused if it had not been shredded.
    assert (values["destination"]["value"], values["destination"]["state"]) == (None, "not_told")
    assert certificate["plan"]["id"] == world.plan_id


def test_unverified_figures_are_named(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"), medium("S2", kind="hdd"))
    world.sanitized("S1", technique="mmc_sanitize")
    world.moved("released", "S2")
    world.shredded("S2", kind="hdd")
    world.issued()
    said = {row["key"]: row for row in world.certificate("S1")["not_checked"]}
    assert said["technique"]["text"].startswith("That Sanitize by the chip (MMC) (mmc_sanitize) reaches the level Purge is not verified")
    figures = world.certificate("S2")["not_checked"]
    assert [row["values"]["figure"] for row in figures if row["key"] == "figure"] == ["din_h_6"]
    assert not any(row["text"].startswith("the figure") for row in figures)
    assert {row.get("figure") or row["technique"]: row["confidence"] for row in world.certificate("S2")["figures"]} == {
        **{"din_h_5": "S", "din_h_6": "unverified", "lowest_level": "S", "shred": "S"}
    }


def test_what_people_tell_stands_as_told_by_people(world: CertificateWorld) -> None:
    told = {
        "backed_up": True,
        "backup_location": "vault 3",
        "source": "PBX of Kraków",
        "notes": "label torn",
        "classification_after": "none",
    }
    world.issued("S1", media={"s 1": {**told, "destination": "manufacturer"}})
    fields = {field["id"]: field for field in world.certificate("S1")["fields"]}
    for name, value in {**told, "backed_up": "yes", "backup_location": ["vault 3"], "destination": "manufacturer"}.items():
        assert (fields[name]["value"], fields[name]["from"]) == (value, "people")
    assert next(row for row in world.certificate("S1")["not_checked"] if row["key"] == "told")["values"]["fields"] == sorted(
        {*told, "destination"}
    )


def test_the_person_whom_the_record_names_has_performed_it(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    world.carry_out(row, outcomes={"S1": {"proof": proof(row, implementer="eva@example.com")}})
    world.linked("S1")
    world.refused("its record says that eva@example.com carried it out, and performed_by says anna@example.com", "S1")
    world.issued("S1", performed_by=None, people=[EVA, BOB])
    assert world.certificate("S1")["persons"]["performer"]["principal"] == "eva@example.com"


def test_times_that_contradict_each_other_are_told(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.moved("released", "S1")
    row = plan_row(world.entries["S1"])
    world.carry_out(row, outcomes={"S1": {"proof": proof(row, ended="2026-02-01T00:00:00Z")}})
    world.linked("S1")
    world.issued()
    said = {each["key"]: each["text"].replace("\u00a0", " ") for each in world.certificate("S1")["not_checked"]}
    assert said["order"].startswith("By its time the event that made it sanitized (11 January 2026, 09:00 UTC) came before the act ended")


def test_an_event_of_many_media_brings_the_evidence_of_this_one(tmp_path: pathlib.Path) -> None:
    serials = [f"S{number}" for number in range(25)]
    world = CertificateWorld(tmp_path, *(medium(serial) for serial in serials))
    world.moved("released", *serials)
    world.carry_out(*(plan_row(world.entries[serial]) for serial in serials))
    for state in ("sanitized", "verified"):
        world.moved(state, *serials, evidence=[world.record(serial) for serial in serials])
    world.issued("S7")
    event = world.certificate("S7")["custody"][-1]
    assert (event["evidence"], event["evidence_count"]) == ([digest(world.record("S7").read_bytes())], 25)


# What is issued anew.


def test_later_evidence_supersedes_and_keeps_the_older_one(world: CertificateWorld) -> None:
    world.issued()
    name = name_of("S1")
    first = {end: (world.certificates / f"{name}{end}").read_bytes() for end in (".json", ".json.sig")}
    world.moved("in_custody", "S1")
    checked = world.issued(check_mode=True)
    kept = world.certificates / f"{name}.{digest(first['.json'])[7:19]}.json"
    assert checked["certificates"][0]["superseded"] == str(kept) and not kept.exists()
    result = world.issued()
    assert result["changed"] and result["certificates"][0]["superseded"] == str(kept)
    assert kept.read_bytes() == first[".json"] and kept.with_name(f"{kept.name}.sig").read_bytes() == first[".json.sig"]
    certificate = world.certificate("S1")
    assert certificate["supersedes"] == digest(first[".json"]) and certificate["custody"][-1]["to"] == "in_custody"
    again = world.issued()
    assert not again["changed"] and again["certificates"][0]["superseded"] is None


def test_a_certificate_that_was_changed_is_not_replaced(world: CertificateWorld) -> None:
    world.issued()
    path = world.certificates / f"{name_of('S1')}.json"
    data = path.read_bytes()
    for changed in (
        data.replace(b'"purge"', b'"destroy"'),
        b"{}\n",
        b"\xff",
        data + b"\n",
        canonical({**json.loads(data), "issued": 1}) + b"\n",
    ):
        path.write_bytes(changed)
        world.refused(f"{path} is not the certificate that was issued", "S1")
    path.write_bytes(data)
    signature = path.with_name(f"{path.name}.sig")
    signature.write_text(world.keys.sign(b"another text\n", "evidence", NAMESPACE), encoding="ascii")
    world.refused("so it or its signature was changed; put both back from a copy", "S1")


def test_a_lost_signature_or_page_comes_back(world: CertificateWorld) -> None:
    world.issued()
    before = snapshot(world.certificates)
    for end in (".json.sig", ".pl.html"):
        (world.certificates / f"{name_of('S1')}{end}").unlink()
        assert world.issued(check_mode=True)["changed"] and world.issued()["changed"]
        assert snapshot(world.certificates) == before
    assert not world.issued()["changed"]


def test_one_language_leaves_no_older_page_of_the_other(world: CertificateWorld) -> None:
    world.issued()
    world.moved("in_custody", "S1")
    world.issued(languages=["en"])
    name = name_of("S1")
    assert (world.certificates / f"{name}.en.html").exists() and not (world.certificates / f"{name}.pl.html").exists()


class Failing(Executor):
    """Fails one of its operations, and every one after it."""

    left = 0

    def _allow(self, what: str) -> None:
        Failing.left -= 1
        if Failing.left <= 0:
            raise OSError(28, "No space left on device")


def test_a_fault_at_any_write_leaves_what_the_next_run_finishes(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.recordings.disposal.plugins.action import media_certificate

    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1")
    world.issued()
    older = (world.certificates / f"{name_of('S1')}.json").read_bytes()
    world.moved("in_custody", "S1")
    before = snapshot(world.certificates)
    for at in range(1, 60, 2):
        for name in snapshot(world.certificates):
            (world.certificates / name).unlink()
        for name, data in before.items():
            (world.certificates / name).write_bytes(data)
        with monkeypatch.context() as patched:
            Failing.left = at
            patched.setattr(media_certificate, "Executor", Failing)
            result = world.issue()
        if not result.get("failed"):
            break
        assert "cannot be written (No space left on device)" in result["msg"]
        kept = [path.read_bytes() for path in world.certificates.glob("*.json")]
        assert older in kept
        done = world.issued()
        assert world.certificate("S1")["custody"][-1]["to"] == "in_custody" and not world.issued()["changed"]
        assert older in [path.read_bytes() for path in world.certificates.glob("*.json")] and done["counts"]["issued"] == 1
    assert at > 15


def test_results_stay_small(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serials = [f"S{number:04}" for number in range(150)]
    world = CertificateWorld(tmp_path, *(medium(serial) for serial in serials))
    world.moved("released", *serials)
    world.moved("in_custody", *serials, reason="so it is")
    result = world.refused("no certificate was issued", *serials, people=[ANNA])
    assert result["refused_count"] == 150 and len(result["refused"]) == 100 and "(and 130 more)" in result["msg"]


def test_no_name_of_a_person_is_in_a_result(world: CertificateWorld) -> None:
    world.shredded("S2", kind="hdd")
    for result in (world.issued(), world.issue("S1", people=[BOB])):
        assert "nowak" not in json.dumps(result).casefold() and "Robert" not in json.dumps(result)


def test_a_page_that_cannot_be_made_leaves_nothing(world: CertificateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: t.Any, **_more: t.Any) -> str:
        raise DisposalError("the page needs something that is missing")

    monkeypatch.setattr(_media_issue, "render_media_certificate", broken)
    before = snapshot(world.path)
    result = world.issue("S1")
    assert result["failed"] and snapshot(world.path) == before
