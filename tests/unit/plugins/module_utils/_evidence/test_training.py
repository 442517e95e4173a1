# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training, with real keys: who does not count and why, before who does."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import check_approvals, require_approval
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.training import NAMESPACE, read_record, trainings_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import NOW, Keys, manifest_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.training_world import TRAINER, School, record

ANNA = "anna@example.com"
MOMENT = dt.datetime(2026, 11, 23, 22, tzinfo=dt.timezone.utc)
WHO = f"{ANNA} has no valid training record as approver on 2026-11-23T22:00:00Z"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def school(keys: Keys) -> School:
    return School(keys)


def why(school: School, person: str = ANNA, *, roles: tuple[str, ...] = ("approver",), **options: t.Any) -> str:
    with pytest.raises(RefusedError) as caught:
        school.trainings.counted(person, roles, [MOMENT], **options)
    message = caught.value.message
    assert message.startswith(f"{person} has no valid training record as {' or '.join(roles)} on 2026-11-23T22:00:00Z (")
    assert message.endswith("), so this does not count; have the person trained, or another one do it")
    return message.partition(" (")[2].rpartition("), so")[0]


def test_nobody(school: School) -> None:
    assert why(school) == "there is no record of this person"


def test_another_person(school: School) -> None:
    assert why(school.issue(principal="bob@example.com")) == "there is no record of this person"


def test_another_role(school: School) -> None:
    assert why(school.issue(role="operator")) == "anna@example.com.operator.0.json: it is for the role operator"


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        ("2026-02-01T09:00:00Z", "2026-11-23T22:00:00Z", "it expired on 2026-11-23T22:00:00Z"),
        ("2026-11-23T22:00:01Z", "2027-11-23T22:00:00Z", "it begins on 2026-11-23T22:00:01Z"),
    ],
)
def test_another_time(school: School, since: str, until: str, told: str) -> None:
    assert why(school.issue(valid_from=since, valid_until=until)).endswith(told)


def test_a_record_that_was_changed(school: School) -> None:
    school.issue(principal="bob@example.com")
    school.records[0]["record"] = school.records[0]["record"].replace("bob@", "anna@")
    assert "the signature does not fit the text" in why(school)


def test_a_record_signed_by_somebody_else(school: School, keys: Keys) -> None:
    assert "which allowed_signers does not list for tomasz@example.com" in why(school.issue(key="mallory"))
    school.signers += keys.line("mallory@example.com", "mallory")
    assert "which allowed_signers does not list for tomasz@example.com" in why(school)


def test_a_signature_for_another_namespace(school: School) -> None:
    assert f"the signature is for the namespace 'plan@recordings.disposal', not {NAMESPACE}" in why(
        school.issue(namespace="plan@recordings.disposal")
    )


def test_a_signature_that_is_missing(school: School) -> None:
    school.issue()
    school.records[0]["signature"] = ""
    assert why(school).endswith(".json.sig is missing")


def test_a_key_that_might_not_sign_any_more_when_it_did(school: School, keys: Keys) -> None:
    school.signers = keys.line(TRAINER, "tomasz", 'valid-before="20260101Z"')
    assert "is outside its validity" in why(school.issue())


def test_signers_under_which_one_key_signs_as_several(school: School, keys: Keys) -> None:
    school.issue().signers = keys.line("*@example.com", "tomasz")
    assert "has the pattern '*@example.com'" in why(school)


def test_nobody_issues_it_to_themselves(school: School, keys: Keys) -> None:
    assert f"{TRAINER} issued it to themselves" in why(school.issue(principal=TRAINER), TRAINER)
    school.signers += keys.line(ANNA, "tomasz", 'valid-before="20200101Z"')
    assert why(school.issue()).endswith(f"the key of {TRAINER}, who issued it, is also that of {ANNA}")


def test_nobody_issues_it_with_the_key_that_signs_for_them_elsewhere(school: School, keys: Keys) -> None:
    told = why(school.issue(), key=keys.fingerprint("tomasz"))
    assert told.endswith(f"{TRAINER} issued it with the key that signs for {ANNA} here")
    assert school.trainings.counted(ANNA, ["approver"], [MOMENT], key=keys.fingerprint("anna"))


def test_a_person_who_was_renamed(school: School) -> None:
    school.issue()
    school.issue(role="operator", name="Anna Kowalska", issued="2026-11-23T21:00:00Z", valid_from="2026-11-23T21:00:00Z")
    told = why(school)
    assert "it was issued to 'Anna Nowak', and anna@example.com.operator.1.json calls anna@example.com 'Anna Kowalska'" in told
    # What is issued later than what is judged says nothing about it, and a forged record neither.
    school.records.pop()
    school.issue(role="operator", name="Anna Kowalska", issued="2026-11-23T22:00:01Z", valid_from="2026-11-23T22:00:01Z")
    school.issue(role="operator", name="Mallory", key="mallory")
    assert school.trainings.counted(ANNA, ["approver"], [MOMENT])


def test_a_name_that_nobody_or_two_have(school: School) -> None:
    school.issue(name="Jan  Kowalski", role="witness").issue(principal="jan2@example.com", name="jan kowalski", role="witness")
    assert why(school, "Jan Kowalski", roles=("witness",)) == "there is no record of this person"
    assert "anna@example.com and jan2@example.com have this name" in why(school, "Jan Kowalski", roles=("witness",), by_name=True)
    school.records.pop()
    assert school.trainings.counted("JAN Kowalski", ["witness"], [MOMENT], by_name=True)


def test_files_that_are_no_records_are_named(school: School) -> None:
    school.records.append({"file": "notes.json", "record": "", "signature": ""})
    assert "notes.json is not a training record in canonical form" in why(school)


def test_at_each_moment_one_is_needed(school: School) -> None:
    school.issue(valid_until="2026-11-23T21:00:00Z").issue(issued="2026-11-22T00:00:00Z", valid_from="2026-11-22T00:00:00Z")
    trainings, earlier = school.trainings, dt.datetime(2026, 2, 2, tzinfo=dt.timezone.utc)
    found = trainings.counted(ANNA, ["approver"], [earlier, MOMENT])
    assert found == [each.named() for each in trainings.records]
    assert found[1]["record"] == digest(school.records[1]["record"].encode())
    with pytest.raises(RefusedError, match="on 2026-01-01T00:00:00Z"):
        trainings.counted(ANNA, ["approver"], [dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), MOMENT])


def test_both_options_or_none() -> None:
    assert trainings_of({}) is None and trainings_of({"training_records": None, "training_signers": None}) is None
    for given in ({"training_records": []}, {"training_signers": "x"}):
        with pytest.raises(RefusedError, match="belong together, and one of them is missing"):
            trainings_of(given)


# The form.


def changed(place: str, value: t.Any) -> bytes:
    document = copy.deepcopy(record())
    *parents, last = place.split(".")
    part = document
    for name in parents:
        part = part[name]
    if value is KeyError:
        del part[last]
    else:
        part[last] = value
    return canonical(document) + b"\n"


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("format", "recordings.disposal/training/2", "its format is 'recordings.disposal/training/2'"),
        ("role", "boss", "its role is 'boss', not one of operator, approver, witness, auditor"),
        ("principal", " ", "principal cannot be read"),
        ("name", 7, "name cannot be read"),
        ("language", "de", "language cannot be read"),
        ("issued", "2026-13-01T00:00:00Z", "issued cannot be read"),
        ("valid_from", "2026-01-31T00:00:00Z", "it was not issued before it begins"),
        ("valid_until", "2026-02-01T09:00:00Z", "ends before it begins"),
        ("course.digest", "sha256:00", "course.digest cannot be read"),
        ("bank.id", "", "bank.id cannot be read"),
        ("test.right", 7, "its score does not reach its pass mark"),
        ("test.right", 11, "its score does not reach its pass mark"),
        ("test.right", True, "test.right cannot be read"),
        ("test.pass_mark", 0, "its score does not reach its pass mark"),
        ("test.questions", 0, "its score does not reach its pass mark"),
        ("test.answers", "", "test.answers cannot be read"),
        ("test.seed", KeyError, "test has other keys than"),
        ("colour", "red", "it has other keys than"),
        ("bank", [], "bank has other keys than"),
    ],
)
def test_what_is_no_record(place: str, value: t.Any, told: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_record(changed(place, value), "a.json")
    assert caught.value.message.startswith("a.json is not a training record") and told in caught.value.message


def test_a_record_that_is_written_otherwise() -> None:
    data = canonical(record())
    for other in (data, json.dumps(record()).encode(), data + b"\n\n", b"[]\n", b"\xff\n", data[:-1] + b" " * (1 << 16) + b"}\n"):
        with pytest.raises(EvidenceError, match="a.json is not a training record in canonical form"):
            read_record(other, "a.json")
    assert read_record(data + b"\n", "a.json").principal == ANNA


# Approvals.


class Board:
    """A manifest that Anna and Bob have signed."""

    def __init__(self, keys: Keys) -> None:
        self.manifest = manifest_bytes()
        people = ("anna", "bob", "ewa")
        self.signers = "".join(keys.line(f"{name}@example.com", name) for name in people)
        self.signatures = [{"principal": f"{name}@example.com", "signature": keys.sign(self.manifest, name)} for name in people[:2]]

    def options(self, **more: t.Any) -> dict[str, t.Any]:
        return {"allowed_signers": self.signers, "required": 2, "now": NOW, **more}


def test_an_approval_by_a_person_without_training_does_not_count(school: School, keys: Keys) -> None:
    board = Board(keys)
    school.issue(principal="bob@example.com")
    with pytest.raises(RefusedError) as caught:
        require_approval(board.manifest, board.signatures, **board.options(trainings=school.trainings))
    # The plan was made at 20:00, before which nobody can have signed it.
    assert caught.value.message == (
        "the plan is not approved, nothing was done: 2 approvals needed, 1 counts (bob@example.com); anna@example.com has no valid training record as "
        "approver on 2026-11-23T20:00:00Z (there is no record of this person), so this does not count; have the person trained, or another one do it"
    )
    assert require_approval(board.manifest, board.signatures, **board.options())


def test_training_that_ends_between_approval_and_apply(school: School, keys: Keys) -> None:
    board = Board(keys)
    school.issue(principal="bob@example.com").issue(valid_until="2026-11-23T21:00:00Z")
    early = check_approvals(board.manifest, board.signatures, **board.options(trainings=school.trainings, now=NOW - 3601))
    assert early.approved
    late = check_approvals(board.manifest, board.signatures, **board.options(trainings=school.trainings))
    assert not late.approved and WHO in late.problems[0] and "it expired on 2026-11-23T21:00:00Z" in late.problems[0]


def test_training_after_the_plan_was_made(school: School, keys: Keys) -> None:
    board = Board(keys)
    school.issue(principal="bob@example.com").issue(issued="2026-11-23T21:00:00Z", valid_from="2026-11-23T21:00:00Z")
    state = check_approvals(board.manifest, board.signatures, **board.options(trainings=school.trainings))
    assert not state.approved and "on 2026-11-23T20:00:00Z (anna@example.com.approver.1.json: it begins on" in state.problems[0]


def test_approvals_that_count_name_the_records(school: School, keys: Keys) -> None:
    board = Board(keys)
    trainings = school.issue().issue(principal="bob@example.com").trainings
    approvals = require_approval(board.manifest, board.signatures, **board.options(trainings=trainings))
    assert [each.training for each in approvals] == [[each.named()] for each in trainings.records]
    assert approvals[0].told() == {"principal": ANNA, "key": keys.fingerprint("anna"), "training": [trainings.records[0].named()]}
    untold = require_approval(board.manifest, board.signatures, **board.options())
    assert untold[0].told() == {"principal": ANNA, "key": keys.fingerprint("anna")}


def test_records_in_a_directory(school: School, tmp_path: pathlib.Path) -> None:
    from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import training_arguments

    options = school.issue().issue(principal="bob@example.com").write(tmp_path / "training")
    (tmp_path / "training" / "notes.json").write_text("{}", encoding="ascii")
    done = training_arguments({**options, "host": "rec1"}, about=[ANNA])
    assert done == {
        "host": "rec1",
        "training_records": [school.records[0], {"file": "notes.json", "record": "{}", "signature": ""}],
        "training_signers": school.signers,
    }
    assert training_arguments({"host": "rec1", "training_dir": None}) == {"host": "rec1"}
    with pytest.raises(RefusedError, match="training_signers_file is not given"):
        training_arguments({"training_dir": options["training_dir"]})
    with pytest.raises(RefusedError, match="training_dir is not given"):
        training_arguments({"training_signers_file": options["training_signers_file"]})
    with pytest.raises(EvidenceError, match="the directory of training records .* cannot be read"):
        training_arguments({**options, "training_dir": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("blank", [{"training_dir": ""}, {"training_signers_file": " "}, {"training_dir": "", "training_signers_file": ""}])
def test_an_empty_path_does_not_turn_the_gate_off(school: School, tmp_path: pathlib.Path, blank: dict[str, str]) -> None:
    from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import training_arguments

    with pytest.raises(RefusedError) as caught:
        training_arguments({**school.issue().write(tmp_path / "training"), **blank})
    assert caught.value.message == (
        f"{' and '.join(blank)}: an empty path names no training records, and nothing was done; "
        "give the paths, or leave out both where training is not looked at"
    )


def test_what_lies_in_the_directory_and_is_no_file_is_named(school: School, tmp_path: pathlib.Path) -> None:
    from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import read_training_dir

    options = school.issue().write(tmp_path / "training")
    os.mkfifo(tmp_path / "training" / "pipe.json")
    os.mkfifo(tmp_path / "training" / "pipe.json.sig")
    (tmp_path / "training" / "room.json").mkdir()
    (tmp_path / "training" / "link.json").symlink_to("nowhere")
    records = read_training_dir(options["training_dir"])
    trainings = trainings_of({"training_records": records, "training_signers": school.signers})
    assert trainings is not None and [each.principal for each in trainings.records] == [ANNA]
    assert [told.partition(" is not a training record")[0] for told in trainings.problems] == ["link.json", "pipe.json", "room.json"]
