# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Course, question bank, tests and roster: what is refused first, then that the shipped ones teach, mark and issue."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.action.training_course import ActionModule as CourseAction
from ansible_collections.recordings.disposal.plugins.action.training_info import ActionModule as InfoAction
from ansible_collections.recordings.disposal.plugins.action.training_test import ActionModule as MarkAction
from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.training import NAMESPACE, ROLES, Trainings, read_record
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_course import (
    Bank,
    Course,
    load_training,
    read_bank,
    read_course,
)
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import read_training_dir
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_test import draw, mark, until
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.training_world import TRAINER, School
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import validate

FILES = pathlib.Path(__file__).parents[4] / "roles" / "operator_training" / "files"
ANNA = "anna@example.com"
SEED = "0011223344556677"


def document(name: str) -> t.Any:
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped() -> tuple[Course, Bank]:
    return load_training(str(FILES / "course.yml"), str(FILES / "bank.yml"), DataLoader())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def put(value: t.Any, place: str, new: t.Any) -> t.Any:
    value = copy.deepcopy(value)
    *parents, last = (int(part) if part.isdigit() else part for part in place.split("/"))
    part = value
    for name in parents:
        part = part[name]
    if new is KeyError:
        del part[last]
    else:
        part[last] = new
    return value


@pytest.mark.parametrize(
    ("place", "new", "told"),
    [
        ("chapters/0/text/pl", "  ", "chapters[0].text.pl: '  ' is not a text"),
        ("chapters/0/title", {"en": "Why"}, "chapters[0].title: the key pl is missing"),
        ("chapters/1/id", "why", "chapters: the id why stands 2 times (chapters[0], chapters[1]); give each its own"),
        ("chapters/0/id", "Why we", "chapters[0].id: 'Why we' is not an id of small letters"),
        ("chapters/12/roles", ["boss"], "chapters[12].roles[0]: 'boss' is not known; allowed are approver, auditor, operator, witness"),
        ("languages", ["en", "de"], "languages[1]: 'de' is not known"),
        ("chapters", [], "chapters: [] has fewer than 1 elements"),
        ("colour", "red", "colour: the str there is under an unknown key"),
    ],
)
def test_a_course_that_cannot_be_taught(place: str, new: t.Any, told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_course(put(document("course.yml"), place, new), "the course c.yml")
    assert caught.value.message.startswith("the course c.yml is not valid, nothing was done: ") and told in str(
        caught.value.details["problems"]
    )


def test_a_role_for_which_nothing_is_written() -> None:
    course = document("course.yml")
    course["chapters"] = [{**chapter, "roles": ["operator", "approver", "witness"]} for chapter in course["chapters"]]
    with pytest.raises(PolicyError, match="none is for the role auditor"):
        read_course(course, "the course")


@pytest.mark.parametrize(
    ("place", "new", "told"),
    [
        ("questions/0/answers", [], "questions[0].answers: [] has no answer, so the question could not be marked"),
        ("questions/0/answers", KeyError, "questions[0]: the key answers is missing"),
        ("questions/0/answers", ["z"], "questions[0].answers[0]: 'z' is not known; allowed are a, b, c"),
        ("questions/0/answers", ["a", "b", "c"], "are all options, so nothing is asked"),
        ("questions/0/options", {"a": {"en": "x", "pl": "y"}}, "has fewer than two options"),
        ("questions/0/options/a/en", "", "questions[0].options.a.en: '' is not a text"),
        ("questions/0/roles", ["manager"], "questions[0].roles[0]: 'manager' is not known"),
        ("questions/1/id", "deleted-file", "the id deleted-file stands 2 times (questions[0], questions[1])"),
        ("questions/0/chapter", "nowhere", "questions[0].chapter: 'nowhere' is not known"),
        ("pass_mark", 0, "pass_mark: 0 is not a whole number from 1 to 100"),
        ("pass_mark", 101, "pass_mark: 101 is not a whole number from 1 to 100"),
        ("pass_mark", True, "pass_mark: True is not a whole number from 1 to 100"),
        ("asked", 28, "questions: 27 are for the role operator, and a test asks 28; write more, or ask fewer"),
        ("questions", [], "questions: [] has fewer than 1 elements"),
    ],
)
def test_a_bank_that_cannot_be_marked(shipped: tuple[Course, Bank], place: str, new: t.Any, told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_bank(put(document("bank.yml"), place, new), "the question bank b.yml", shipped[0])
    assert caught.value.message.startswith("the question bank b.yml is not valid, nothing was done: ")
    assert told in "; ".join(caught.value.details["problems"])


def test_the_shipped_course_and_bank(shipped: tuple[Course, Bank]) -> None:
    course, bank = shipped
    assert {chapter.id for chapter in course.chapters} >= {"why", "law", "wrong", "plan", "stop"} and len(course.chapters) == 16
    # Whatever is taught is asked.
    assert {question.chapter for question in bank.questions} == {chapter.id for chapter in course.chapters}
    for role in ROLES:
        assert f"role-{role}" in [chapter.id for chapter in course.of(role)] and len(course.of(role)) == 13
        assert len(bank.of(role)) > 2 * bank.asked


def test_a_test_is_drawn_and_shuffled_by_its_seed(shipped: tuple[Course, Bank]) -> None:
    _course, bank = shipped
    drawn = draw(bank, "approver", SEED)
    assert drawn == draw(bank, "approver", SEED) and len({question.id for question in drawn}) == bank.asked
    assert [question.id for question in drawn] != [question.id for question in draw(bank, "approver", SEED[::-1])]
    assert any(list(question.options) != sorted(question.options) for question in drawn)
    assert "operator-deviation" not in {question.id for seed in range(64) for question in draw(bank, "approver", f"{seed:016x}")}
    with pytest.raises(RefusedError, match="is not 16 to 64 hexadecimal digits"):
        draw(bank, "approver", "7")


def right(bank: Bank, role: str = "approver", seed: str = SEED) -> dict[str, t.Any]:
    return {question.id: sorted(question.answers) for question in draw(bank, role, seed)}


def test_marking(shipped: tuple[Course, Bank]) -> None:
    _course, bank = shipped
    good = right(bank)
    first, *rest = good
    assert mark(bank, "approver", SEED, good).right == 10
    # As people type; a question left out, one option too few or too many are wrong.
    typed = {name: " , ".join(chosen).upper() for name, chosen in good.items()}
    assert mark(bank, "approver", SEED, typed).passed
    fewer = mark(bank, "approver", SEED, {name: good[name] for name in rest})
    assert (fewer.right, fewer.answers[first], fewer.passed) == (9, [], True)
    more = {name: sorted(question.options) for name, question in zip(good, draw(bank, "approver", SEED), strict=True)}
    assert mark(bank, "approver", SEED, more).right == 0
    assert not mark(bank, "approver", SEED, {**more, **{name: good[name] for name in rest[:7]}}).passed
    assert mark(bank, "approver", SEED, {**more, **{name: good[name] for name in rest[:8]}}).passed


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "the answers are not a mapping"),
        ({}, "not one question was answered"),
        ({"nothing-like-it": ["a"]}, "nothing-like-it: not asked in the test with the seed"),
        ("option", "'z' is not one of its options"),
        ("number", "its answer is neither a text nor a list"),
    ],
)
def test_answers_that_cannot_be_marked(shipped: tuple[Course, Bank], given: t.Any, told: str) -> None:
    first = next(iter(right(shipped[1])))
    given = {"option": {first: ["z"]}, "number": {first: 7}}.get(given, given) if isinstance(given, str) else given
    with pytest.raises(RefusedError, match=re.escape(told)):
        mark(shipped[1], "approver", SEED, given)


def test_how_long() -> None:
    start = dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc)
    assert until(start, "P12M") == dt.datetime(2025, 2, 28, 12, tzinfo=dt.timezone.utc)
    for period in ("P0D", "a year", "P9999Y"):
        with pytest.raises(RefusedError, match="valid_for: "):
            until(start, period)


# The tasks.


class Room:
    """The trainer's files, and a task that marks the right answers."""

    def __init__(self, keys: Keys, path: pathlib.Path, bank: Bank) -> None:
        self.records = path / "records"
        self.signers = path / "signers"
        self.signers.write_text(keys.line(TRAINER, "tomasz", f'namespaces="{NAMESPACE}"'), encoding="ascii")
        self.given: dict[str, t.Any] = {
            **{"course": str(FILES / "course.yml"), "bank": str(FILES / "bank.yml"), "principal": ANNA, "name": "Anna  Nowak"},
            **{"role": "approver", "language": "pl", "state": "marked", "seed": SEED, "answers": right(bank), "issuer": TRAINER},
            **{"signing_key": keys.path("tomasz"), "training_signers_file": str(self.signers), "training_dir": str(self.records)},
        }

    def mark(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        return run_action(MarkAction, "training_test", {**self.given, **changes}, check_mode=check_mode)

    def refused(self, **changes: t.Any) -> str:
        result = self.mark(**changes)
        assert result["failed"] and not result["changed"] and not self.records.exists()
        return str(result["msg"])


@pytest.fixture
def room(keys: Keys, tmp_path: pathlib.Path, shipped: tuple[Course, Bank]) -> Room:
    return Room(keys, tmp_path, shipped[1])


def test_who_fails_gets_no_record(room: Room, shipped: tuple[Course, Bank]) -> None:
    wrong = {name: chosen if number < 7 else [] for number, (name, chosen) in enumerate(right(shipped[1]).items())}
    assert room.mark(answers=wrong, check_mode=True)["failed"] and not room.records.exists()
    told = room.mark(answers=wrong)
    assert (
        told["failed"]
        and not told["changed"]
        and f"{ANNA} has 7 of 10 right and needs 80% as approver, so no record was issued; read again: " in told["msg"]
    )
    assert [path.name for path in room.records.iterdir()] == [f"{SEED}.failed"]


def used(told: dict[str, t.Any], file: str) -> bool:
    """Whether a test was not marked since its draw was used, which says nothing of its score."""
    sentence = (
        f"the test with the seed {SEED} was marked before ({file}), and counts once, for one person and with the first answers, "
        "so nothing was issued; draw another test"
    )
    return bool(told["failed"]) and told["msg"] == sentence and "score" not in told


def test_a_draw_is_not_answered_until_it_is_passed(room: Room, shipped: tuple[Course, Bank]) -> None:
    assert room.mark(answers=dict.fromkeys(right(shipped[1]), "a"))["failed"]
    assert used(room.mark(), f"{SEED}.failed") and used(room.mark(principal="bob@example.com"), f"{SEED}.failed")
    assert [path.name for path in room.records.iterdir()] == [f"{SEED}.failed"]


def test_a_draw_that_was_passed_serves_nobody_else_and_no_second_time(
    room: Room, shipped: tuple[Course, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.mark()["changed"]
    [path] = room.records.glob("*.json")
    assert used(room.mark(principal="bob@example.com", name="Bob Nowak"), path.name)
    assert used(room.mark(name="Anna Kowalska"), path.name)
    assert used(room.mark(answers={**right(shipped[1]), next(iter(right(shipped[1]))): []}), path.name)
    # Last year's sheet is no test of this year.
    later = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=400)
    monkeypatch.setattr("ansible_collections.recordings.disposal.plugins.action.training_test.utc_now", lambda: later)
    assert used(room.mark(), path.name) and len(list(room.records.iterdir())) == 2


def test_records_that_are_not_issued(room: Room, keys: Keys) -> None:
    assert f"{TRAINER} cannot issue a training record to themselves" in room.refused(principal=TRAINER)
    assert "which allowed_signers does not list for tomasz@example.com" in room.refused(signing_key=keys.path("mallory"))
    with room.signers.open("a", encoding="ascii") as file:
        file.write(keys.line("bob@example.com", "tomasz"))
    told = room.refused(principal="bob@example.com")
    assert "the record would not count, so none was issued" in told and "is also that of bob@example.com" in told
    assert "to mark a test issuer, signing_key must be given" in room.refused(issuer=None, signing_key=None)
    assert "cannot name a file" in room.refused(principal="../anna@example.com")
    assert "is no name of a signer" in room.refused(principal="anna nowak")
    assert "is no name; give the person's name" in room.refused(name="Anna\nNowak")
    assert "valid_for: 'soon' is not an ISO 8601 period" in room.refused(valid_for="soon")


def test_a_record_is_issued_once(room: Room, shipped: tuple[Course, Bank]) -> None:
    assert room.mark(check_mode=True)["changed"] and not room.records.exists()
    result = room.mark()
    assert result["changed"] and result["passed"] and result["score"]["right"] == 10
    [path] = room.records.glob("*.json")
    assert result["record"]["path"] == str(path) and re.fullmatch(r"anna@example\.com\.approver\.\d{8}T\d{6}Z\.json", path.name)
    told = json.loads(path.read_bytes())
    validate("training-1", told)
    assert (told["name"], told["language"], told["test"]["seed"]) == ("Anna Nowak", "pl", SEED)
    assert told["course"] == shipped[0].named() and told["bank"] == shipped[1].named()
    since, end = (dt.datetime.fromisoformat(told[key].replace("Z", "+00:00")) for key in ("valid_from", "valid_until"))
    assert 365 <= (end - since).days <= 366
    # It counts as long as it is valid.
    trainings = Trainings(read_training_dir(str(room.records)), room.signers.read_text(encoding="ascii"))
    assert trainings.counted(ANNA, ["approver"], [since])[0]["record"] == result["record"]["digest"]
    again = room.mark()
    assert not again["changed"] and again["record"] == result["record"] and len(list(room.records.iterdir())) == 2


def test_a_test_is_drawn(room: Room) -> None:
    result = room.mark(state="drawn", seed=None)
    assert not result["changed"] and re.fullmatch("[0-9a-f]{16}", result["seed"]) and len(result["questions"]) == 10
    assert "answers" not in json.dumps(result["questions"]) and result["seed"] != room.mark(state="drawn", seed=None)["seed"]
    polish, english = (room.mark(state="drawn", language=language)["questions"][0] for language in ("pl", "en"))
    assert polish["id"] == english["id"] and polish["question"] != english["question"]


def test_pages_of_the_course(tmp_path: pathlib.Path, shipped: tuple[Course, Bank]) -> None:
    given = {"course": str(FILES / "course.yml"), "bank": str(FILES / "bank.yml"), "dest": str(tmp_path / "pages")}
    assert run_action(CourseAction, "training_course", given, check_mode=True)["changed"] and not (tmp_path / "pages").exists()
    result = run_action(CourseAction, "training_course", given)
    assert result["changed"] and len(result["pages"]) == 8
    for role in ROLES:
        for language in ("en", "pl"):
            page = (tmp_path / "pages" / f"course.{role}.{language}.html").read_text(encoding="utf-8")
            assert f'<html lang="{language}">' in page and "http" not in page.replace("http-equiv", "")
            for chapter in shipped[0].chapters:
                assert (f'<h2 id="chapter-{chapter.id}">' in page) == (role in chapter.roles)
    assert "<li>a clock that is wrong by years, so that everything seems to be due;</li>" in page.replace("\n", "") or language == "pl"
    assert not run_action(CourseAction, "training_course", given)["changed"]


def test_a_file_that_is_not_valid_is_named(tmp_path: pathlib.Path) -> None:
    bank = tmp_path / "bank.yml"
    bank.write_text(yaml.safe_dump(put(document("bank.yml"), "pass_mark", 120)), encoding="utf-8")
    given = {"course": str(FILES / "course.yml"), "bank": str(bank), "dest": str(tmp_path / "pages")}
    result = run_action(CourseAction, "training_course", given)
    assert result["failed"] and result["msg"] == (
        f"the question bank {bank} is not valid, nothing was done: pass_mark: 120 is not a whole number from 1 to 100"
    )
    assert not (tmp_path / "pages").exists()


# The roster.


def roster(school: School, path: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return run_action(InfoAction, "training_info", {**school.write(path / "records"), "formats": ["csv", "html"], **more})


def lasting(days: int) -> dict[str, str]:
    now = dt.datetime.now(dt.timezone.utc)
    since, end = (f"{now + dt.timedelta(days=each):%Y-%m-%dT%H:%M:%SZ}" for each in (-400, days))
    return {"issued": since, "valid_from": since, "valid_until": end}


def test_who_is_trained(keys: Keys, tmp_path: pathlib.Path) -> None:
    school = School(keys).issue(**lasting(200)).issue(role="witness", **lasting(20)).issue(principal="bob@example.com", **lasting(-3))
    school.issue(principal="eve@example.com", key="mallory", **lasting(200))
    people = [
        {"principal": ANNA, "roles": ["approver"]},
        {"principal": "jan@example.com", "name": "=Jan", "roles": ["operator", "witness"]},
    ]
    result = roster(school, tmp_path, people=people)
    assert [(row["principal"], row["role"], row["state"]) for row in result["roster"]] == [
        (ANNA, "approver", "valid"),
        (ANNA, "witness", "expiring"),
        ("bob@example.com", "approver", "expired"),
        ("jan@example.com", "operator", "missing"),
        ("jan@example.com", "witness", "missing"),
    ]
    assert result["counts"] == {"valid": 1, "expiring": 1, "expired": 1, "missing": 2}
    assert result["roster"][0]["record"] == read_record(school.records[0]["record"].encode(), "x").digest
    [problem] = result["problems"]
    assert problem.startswith("eve@example.com as approver: eve@example.com.approver.3.json: ") and problem.endswith("; it does not count")
    assert [reminder["to"] for reminder in result["reminders"]] == [ANNA, "bob@example.com", "jan@example.com", "jan@example.com"]
    assert result["reminders"][0]["subject"] == f"Your training as witness ends on {result['roster'][1]['valid_until'][:10]}"
    lines = result["csv"].splitlines()
    assert lines[0] == "principal,name,role,state,valid_until,issuer,record" and lines[4].startswith(
        "jan@example.com,'=Jan,operator,missing,"
    )
    assert "eve@example.com" in result["html"] and '<html lang="en">' in result["html"]
    polish = roster(school, tmp_path, people=people, language="pl", expiring_within="P1D")
    assert polish["counts"]["expiring"] == 0 and polish["reminders"][0]["subject"].startswith("Szkolenie w roli: zatwierdzający wygasło")


def test_people_who_cannot_be_told_apart(keys: Keys, tmp_path: pathlib.Path) -> None:
    for people, told in (
        ([{"principal": ANNA, "roles": ["boss"]}], "[0].roles[0]: 'boss' is not known"),
        ([{"principal": ANNA, "roles": ["witness"]}] * 2, "stands there twice"),
        ([{"roles": ["witness"]}], "the key principal is missing"),
    ):
        result = roster(School(keys), tmp_path, people=people)
        assert result["failed"] and told in result["msg"]


def test_a_person_who_is_called_otherwise_now(keys: Keys, tmp_path: pathlib.Path) -> None:
    people = [{"principal": ANNA, "name": "Anna Kowalska", "roles": ["approver"]}]
    result = roster(School(keys).issue(**lasting(200)), tmp_path, people=people)
    assert result["roster"][0]["state"] == "missing" and "was issued to another name than Anna Kowalska" in result["problems"][0]
