# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate where it stands: sweeps, media, custody and physical work count only from trained persons, and certificates name the records."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import re
import typing as t

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.recordings.disposal.plugins.action.approval_info import ActionModule as ApprovalAction
from ansible_collections.recordings.disposal.plugins.action.media_register import ActionModule as RegisterAction
from ansible_collections.recordings.disposal.plugins.action.plan_page import ActionModule as PageAction
from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.approved import approvals_of
from ansible_collections.recordings.disposal.plugins.modules import media_destruction
from ansible_collections.recordings.disposal.plugins.plugin_utils._certificate import render_certificate
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import read_event
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import approval_arguments
from ansible_collections.recordings.disposal.plugins.plugin_utils._results import results_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import NOW, Keys
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.training_world import School
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import row
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils import register_world
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import CertificateWorld, medium
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import manifest_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import validate

ANNA, BOB = "anna@example.com", "bob@example.com"
LONG = {"issued": "2019-01-01T00:00:00Z", "valid_from": "2019-01-01T00:00:00Z", "valid_until": "2027-02-01T00:00:00Z"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def school(keys: Keys) -> School:
    return School(keys)


def no_record(person: str, role: str, moment: str, why: str = "there is no record of this person") -> str:
    return f"{person} has no valid training record as {role} on {moment} ({why}), so this does not count"


# Approvals on hosts, of recordings and of media alike.


@pytest.mark.parametrize("form", ["recordings.disposal/manifest/1", "recordings.disposal/media-manifest/1"])
def test_a_host_counts_no_approval_of_the_untrained(school: School, tmp_path: pathlib.Path, form: str) -> None:
    world = RunWorld(tmp_path, format=form)
    signatures = [
        {
            "principal": f"{name}@example.com",
            "signature": (world.plan / f"manifest.json.{name}@example.com.sig").read_text(encoding="ascii"),
        }
        for name in ("anna", "bob")
    ]
    params = {"manifest": world.data.decode(), "signatures": signatures, "allowed_signers": world.signers, "approvals_required": 2}
    assert [each.training for each in approvals_of(params, at=NOW)] == [None, None]
    school.issue().issue(principal=BOB, role="witness")
    gate = {"training_records": school.records, "training_signers": school.signers}
    with pytest.raises(RefusedError) as caught:
        approvals_of({**params, **gate}, at=NOW)
    assert caught.value.message.startswith("the plan is not approved, nothing was done: 2 approvals needed, 1 counts (anna@example.com); ")
    why = "bob@example.com.witness.1.json: it is for the role witness"
    assert no_record(BOB, "approver", "2026-11-23T20:00:00Z", why) in caught.value.message
    school.issue(principal=BOB)
    assert all(each.training for each in approvals_of({**params, **gate}, at=NOW))
    # What was begun is judged as of its beginning; a run that begins after the training has ended does not begin.
    late = int(dt.datetime(2027, 2, 1, 9, tzinfo=dt.timezone.utc).timestamp())
    with pytest.raises(RefusedError, match="it expired on 2027-02-01T09:00:00Z"):
        approvals_of({**params, **gate}, at=late)
    with pytest.raises(RefusedError, match="belong together"):
        approvals_of({**params, "training_records": school.records}, at=NOW)


def test_approval_info_tells_it(school: School, tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path, created="2020-11-23T20:00:00Z", expires="2099-01-01T00:00:00Z")
    signers = tmp_path / "allowed"
    signers.write_text(world.signers, encoding="ascii")
    given = {"manifest": str(world.manifest), "allowed_signers": str(signers), "required": 2}
    assert run_action(ApprovalAction, "approval_info", given)["approved"]
    gate = school.issue(**LONG).issue(principal=BOB).write(tmp_path / "training")
    result = run_action(ApprovalAction, "approval_info", {**given, **gate})
    assert not result["approved"] and result["missing"] == 1
    assert (
        no_record(BOB, "approver", "2020-11-23T20:00:00Z", "bob@example.com.approver.1.json: it begins on 2026-02-01T09:00:00Z")
        in result["sentence"]
    )
    assert result["approvals"][0]["training"] == [{"record": digest(school.records[0]["record"].encode()), "until": "2027-02-01T00:00:00Z"}]
    result = run_action(ApprovalAction, "approval_info", {**given, "training_dir": gate["training_dir"]})
    assert result["failed"] and "training_signers_file is not given" in result["msg"]


def test_the_page_of_a_plan_shows_no_approval_of_the_untrained(school: School, tmp_path: pathlib.Path) -> None:
    plan = tmp_path / "plan"
    plan.mkdir()
    manifest = plan / "manifest.json"
    manifest.write_bytes(canonical(manifest_of(now=dt.datetime(2026, 2, 2, tzinfo=dt.timezone.utc))) + b"\n")
    for name in ("anna", "bob"):
        (plan / f"manifest.json.{name}@example.com.sig").write_text(school.keys.sign(manifest.read_bytes(), name), encoding="ascii")
    signers = tmp_path / "allowed"
    signers.write_text("".join(school.keys.line(f"{name}@example.com", name) for name in ("anna", "bob")), encoding="ascii")
    gate = school.issue(**{**LONG, "valid_until": "2999-01-01T00:00:00Z"}).write(tmp_path / "training")
    given = {"manifest": str(manifest), "allowed_signers": str(signers)}
    assert len(run_action(PageAction, "plan_page", given)["approvals"]) == 2
    told = run_action(PageAction, "plan_page", {**given, **gate})
    assert [approval["principal"] for approval in told["approvals"]] == [ANNA]
    [problem] = told["problems"]
    assert problem.startswith(no_record(BOB, "approver", json.loads(manifest.read_bytes())["created"]))
    assert "has no valid training record as approver" in (plan / "plan.html").read_text(encoding="utf-8").replace("<wbr>", "")


# Custody.


def test_custody_of_the_untrained_does_not_count(tmp_path: pathlib.Path) -> None:
    world = register_world.World(tmp_path)
    school = School(world.keys).issue(role="witness", **LONG).issue(principal=BOB, role="approver", **LONG)
    path = world.bag("bag.json", ["S1"])
    told: dict[str, t.Any] = {"allowed_signers": world.signers.read_text(encoding="ascii"), "now": register_world.NOW}
    assert read_event(path, **told).training == {}
    with pytest.raises(EvidenceError) as caught:
        read_event(path, **told, trainings=school.trainings)
    [problem] = caught.value.details["problems"]
    assert problem.startswith(
        no_record(BOB, "operator or witness", register_world.TIME, "bob@example.com.approver.1.json: it is for the role approver")
    )
    event = read_event(path, **told, trainings=school.issue(principal=BOB, role="operator", **LONG).trainings)
    records = school.trainings.records
    assert event.training == {ANNA: [records[0].named()], BOB: [records[2].named()]}
    # Trained when the bag was sealed, and not any more when it is recorded.
    school.records[0:1] = School(world.keys).issue(role="witness", **{**LONG, "valid_until": "2021-01-01T00:00:00Z"}).records
    with pytest.raises(EvidenceError, match=r"on 2026-11-23T22:00:00Z \(anna@example.com.witness.0.json: it expired on 2021-01-01"):
        read_event(path, **told, trainings=school.trainings)


def test_the_register_keeps_the_training_of_who_signed(tmp_path: pathlib.Path) -> None:
    world = register_world.World(tmp_path)
    register = register_world.write_register(tmp_path / "register.yml", [register_world.entry("S1", state="in_service")])
    given = {"register": str(register), "dest": str(tmp_path / "disposal"), "allowed_signers": str(world.signers), "state": "moved"}
    for state in ("released", "sanitized", "verified"):
        event = {"to": state, "serials": ["S1"], "time": register_world.TIME, "persons": [ANNA]}
        evidence = [{"file": str(register), "digest": digest(register.read_bytes())}] if state != "released" else []
        result = run_action(RegisterAction, "media_register", {**given, "event": {**event, **({"evidence": evidence} if evidence else {})}})
        assert result["changed"], result
    school = School(world.keys).issue(role="witness", **LONG)
    bag, before = world.bag("bag.json", ["S1"]), register.read_bytes()
    gate = school.write(tmp_path / "training")
    refused = run_action(RegisterAction, "media_register", {**given, "event_file": bag, **gate})
    assert refused["failed"] and no_record(BOB, "operator or witness", register_world.TIME) in refused["msg"]
    assert register.read_bytes() == before
    gate = school.issue(principal=BOB, role="operator", **LONG).write(tmp_path / "training")
    assert run_action(RegisterAction, "media_register", {**given, "event_file": bag, **gate})["changed"]
    [log] = (tmp_path / "disposal").rglob("*.jsonl")
    last = json.loads(log.read_bytes().splitlines()[-1])
    assert [person["training"] for person in last["persons"]] == [[each.named()] for each in school.trainings.records]


# Physical work.


@pytest.fixture
def record(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., t.Any]:
    def call(facts: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
        given = {"results": [row(**facts)], "level": "destroy", "state_dir": str(tmp_path / "state")}
        return run(media_destruction.main, capsys, monkeypatch, check=False, **{**given, **options})

    return call


def gate_of(school: School) -> dict[str, t.Any]:
    return {"training_records": school.records, "training_signers": school.signers}


def test_work_of_the_untrained_is_not_recorded(school: School, record: t.Callable[..., t.Any], tmp_path: pathlib.Path) -> None:
    school.issue(role="operator", **LONG).issue(principal="jan@example.com", name="Jan Kowalski", role="operator", **LONG)
    result = record({}, **gate_of(school))
    why = "jan@example.com.operator.1.json: it is for the role operator"
    assert result["failed"] and no_record("Jan Kowalski", "witness", "2026-01-15T13:05:00Z", why) in result["msg"]
    assert not (tmp_path / "state" / "runs").exists()
    # A witness who is the operator under another name.
    school.issue(role="witness", **LONG)
    result = record({"second_person": ANNA}, **gate_of(school))
    assert result["failed"] and "is the operator once more, by the training records" in result["msg"]
    assert not (tmp_path / "state" / "runs").exists()


def test_work_of_the_trained_names_their_records(school: School, record: t.Callable[..., t.Any], tmp_path: pathlib.Path) -> None:
    school.issue(role="operator", **LONG).issue(principal="jan@example.com", name="Jan Kowalski", role="witness", **LONG)
    result = record({}, **gate_of(school))
    assert not result.get("failed"), result
    assert not any("trained" in limit for limit in result["limits"])
    [journal] = (tmp_path / "state" / "runs").glob("*/journal.jsonl")
    [proof] = [line["proof"] for line in read_journal(str(journal)) if line["type"] == "outcome"]
    operator, witness = school.trainings.records
    assert proof["training"] == {"operator": [operator.named()], "second_person": [witness.named()]}


def test_of_a_vendor_who_looked_at_the_sample_is_trained(school: School, record: t.Callable[..., t.Any]) -> None:
    check = {"by": "Ewa Lis", "date": "2026-01-16T09:00:00+01:00", "serials": ["ZC11A0B7"], "found": "as_stated"}
    vendor = {"vendor": {"name": "Destruction Ltd.", "certificate": "sha256:" + 64 * "0", "sample_check": check}, "expected": ["ZC11A0B7"]}
    result = record({}, **vendor, **gate_of(school))
    assert result["failed"] and f"the sample check: {no_record('Ewa Lis', 'witness', '2026-01-16T08:00:00Z')}" in result["msg"]
    school.issue(principal="ewa@example.com", name="Ewa Lis", role="witness", **LONG)
    assert not record({}, **vendor, **gate_of(school)).get("failed")


def test_the_directory_is_read_for_results(school: School, tmp_path: pathlib.Path) -> None:
    gate = school.issue(role="operator").write(tmp_path / "training")
    done = results_arguments({"results": [row()], **gate}, t.cast("t.Any", None))
    assert done["training_records"] == school.records and done["training_signers"] == school.signers
    assert "training_records" not in results_arguments({"results": [row()]}, t.cast("t.Any", None))


# The certificate of a run.


def test_the_certificate_of_a_run_names_the_records(school: School, tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    untold = "Whether the persons who approved were trained was not checked."
    world.swept().seal()
    plain = render_certificate(world.statement(), language="en", manifest=world.fields)
    assert untold in plain and "training record" not in plain
    records = school.issue().issue(principal=BOB).trainings.records
    other = RunWorld(tmp_path / "other")
    told = [{**approval, "training": [record.named()]} for approval, record in zip(other.approvals, records, strict=True)]
    other.sweep("rec1", approvals=told)
    other.sweep("rec2", approvals=told)
    other.seal()
    statement = other.statement()
    validate("statement-1", statement)
    page = render_certificate(statement, language="en", manifest=other.fields)
    assert untold not in page
    text = re.sub(r"<[^>]+>|\s+", " ", page)
    for record in records:
        assert re.search(rf"training record\s+{record.digest}\s*,\s*valid until 1\s*February 2027", text.replace("\u00a0", " "))
    assert "zapis szkolenia" in render_certificate(statement, language="pl", manifest=other.fields)
    assert canonical(statement).count(b'"training"') == 2


# Certificates of media.


def trained_world(path: pathlib.Path) -> CertificateWorld:
    told = {"encryption": "", "asset_number": "", "classification": "", "bay": ""}
    world = CertificateWorld(path, medium("S1"), medium("S2", kind="hdd", required_level="destroy", **told))
    # As far as the clock here, at which events are recorded.
    long = {**LONG, "valid_until": "2999-01-01T00:00:00Z"}
    school = School(world.keys).issue(role="operator", **long).issue(principal=BOB, role="witness", **long)
    world.training = school.issue(principal="jan@example.com", name="Jan Kowalski", role="witness", **long)
    return world


def carried(world: CertificateWorld) -> list[dict[str, t.Any]]:
    world.sanitized("S1")
    world.moved("in_custody", "S1")
    world.moved("released", "S2")
    world.shredded("S2", kind="hdd")
    world.issued()
    return [world.certificate(serial) for serial in ("S1", "S2")]


def test_certificates_of_media_name_the_records(tmp_path: pathlib.Path) -> None:
    world = trained_world(tmp_path)
    assert world.training is not None
    operator, bob, jan = (each.named() for each in world.training.trainings.records)
    approver = {"record": "sha256:" + 64 * "7", "until": "2027-02-01T00:00:00Z"}
    world.approver_training = {"training": [approver]}
    on_host, by_people = carried(world)
    for certificate in (on_host, by_people):
        validate("media-certificate-1", certificate)
        assert not [row for row in certificate["not_checked"] if row["key"] == "training" or "trained" in row["text"]]
    assert [each["training"] for each in on_host["plan"]["approvals"]] == [[approver], [approver]]
    assert [person["training"] for person in on_host["custody"][-1]["persons"]] == [[operator], [bob]]
    assert by_people["acts"][0]["training"] == {"operator": [operator], "second_person": [jan]}
    for language in ("en", "pl"):
        page = world.page("S1", language)
        assert all(record["record"] in page for record in (operator, bob, approver))
        assert jan["record"] in world.page("S2", language)


def test_certificates_of_media_say_that_nobody_looked(tmp_path: pathlib.Path) -> None:
    world = trained_world(tmp_path)
    world.training = None
    for certificate in carried(world):
        [row] = [row for row in certificate["not_checked"] if row["key"] == "training"]
        assert row["text"].startswith("Of somebody who approved, did the work, witnessed or signed for custody it was not checked")
        assert '"training"' not in json.dumps({**certificate, "not_checked": []})


# What the action plugins hand to the hosts.


def test_a_host_gets_the_records_of_who_signed_alone(school: School, tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    gate = school.issue().issue(principal=BOB).issue(principal="eve@example.com").write(tmp_path / "training")
    done = approval_arguments({"manifest_file": str(world.manifest), **gate})
    assert done["training_records"] == school.records[:2] and done["training_signers"] == school.signers
    assert not {"training_dir", "training_signers_file"} & done.keys()
    assert "training_records" not in approval_arguments({"manifest_file": str(world.manifest)})
    with pytest.raises(AnsibleActionFail, match="training_dir is not given"):
        approval_arguments({"manifest_file": str(world.manifest), "training_signers_file": gate["training_signers_file"]})
