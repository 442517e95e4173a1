# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test: drawn and shuffled by a seed, marked by the ids of answers, and the signed record that who passed it gets."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.canonical import canonical, digest, digest_of
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.sshsig import check_principal
from ..module_utils._evidence.training import FORMAT, NAMESPACE, ROLES, Trainings, read_record, same_name
from ..module_utils._executor import Executor
from ..module_utils._recordings.periods import positive_period
from ._evidence_files import keep_files
from ._sshsign import sign
from ._training_course import Bank, Course, Question
from ._training_files import read_training_dir

__all__ = ["Issuing", "Marked", "Person", "check_person", "draw", "issue", "mark", "sheet", "until"]

_SEED = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
Answers = dict[str, list[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Who takes a test, for which role, in which language."""

    principal: str
    name: str
    role: str
    language: str


@dataclasses.dataclass(frozen=True, slots=True)
class Marked:
    """What a test came to.

    :ivar answers: the ids that were chosen, by question.
    :ivar chapters: those that have a question with a wrong answer.
    """

    seed: str
    questions: int
    right: int
    pass_mark: int
    answers: Answers
    chapters: list[str]

    @property
    def passed(self) -> bool:
        return self.right * 100 >= self.pass_mark * self.questions

    def told(self) -> dict[str, t.Any]:
        """As a record tells it."""
        score = {"seed": self.seed, "questions": self.questions, "right": self.right, "pass_mark": self.pass_mark}
        return {**score, "answers": digest_of(self.answers)}


@dataclasses.dataclass(frozen=True, slots=True)
class Issuing:
    """By whom, until when and where a record is issued.

    :ivar signers: text of the file of those who may sign training records.
    """

    issuer: str
    signing_key: str
    signers: str
    valid_for: str
    directory: str
    executor: Executor
    check_mode: bool
    now: dt.datetime
    collection: str


def check_person(person: Person, course: Course) -> None:
    """:raises DisposalError: it cannot be told who is tested, for what, or the course is not taught so."""
    check_principal(person.principal)
    if "/" in person.principal or person.principal.startswith("."):
        raise RefusedError(f"{person.principal} cannot name a file; use a principal without / and without a dot at its beginning")
    if not person.name.strip() or not person.name.isprintable() or len(person.name) > 100:
        raise RefusedError(f"the name of {person.principal} is no name; give the person's name, in one line of at most 100 letters")
    if person.role not in ROLES:
        raise RefusedError(f"{person.role!r} is no role; allowed are {', '.join(ROLES)}")
    if person.language not in course.languages:
        raise RefusedError(f"the course is not taught in {person.language!r}, but in {', '.join(course.languages)}; choose one of these")


def _order(seed: str, *names: str) -> bytes:
    """By what things are shuffled: anybody can repeat it with a seed and SHA-256."""
    return hashlib.sha256("\n".join((seed, *names)).encode()).digest()


def draw(bank: Bank, role: str, seed: str) -> list[Question]:
    """The questions of a test, in their order, each with its options in theirs.

    :raises RefusedError: the seed is none.
    """
    if not _SEED.fullmatch(seed):
        raise RefusedError(f"the seed {seed[:80]!r} is not 16 to 64 hexadecimal digits; use the one of the sheet, or leave it out")
    drawn = sorted(bank.of(role), key=lambda question: _order(seed, question.id))[: bank.asked]
    return [
        dataclasses.replace(question, options=dict(sorted(question.options.items(), key=lambda item: _order(seed, question.id, item[0]))))
        for question in drawn
    ]


def sheet(questions: t.Sequence[Question], language: str) -> list[dict[str, t.Any]]:
    """What the person sees; it does not tell what is right, only how many are."""
    return [
        {
            "id": question.id,
            "question": question.text[language],
            "options": [{"id": name, "text": text[language]} for name, text in question.options.items()],
            "choose": len(question.answers),
        }
        for question in questions
    ]


def mark(bank: Bank, role: str, seed: str, given: t.Any) -> Marked:
    """Mark a test; what was not answered is wrong, and only all right options of a question, and no other, are right.

    :raises RefusedError: the answers are not those of this test.
    """
    questions = draw(bank, role, seed)
    if not isinstance(given, dict):
        raise RefusedError("the answers are not a mapping from questions to ids of options; write QUESTION: [OPTION]")
    known = {question.id: question for question in questions}
    strange = sorted(str(name) for name in given.keys() - known.keys())
    if strange:
        raise RefusedError(
            f"{', '.join(strange[:5])}: not asked in the test with the seed {seed}; mark the answers by the seed of their sheet"
        )
    answers: Answers = {}
    for name, question in known.items():
        chosen = _chosen(name, given.get(name))
        wrong = [each for each in chosen if each not in question.options]
        if wrong:
            raise RefusedError(f"{name}: {wrong[0]!a} is not one of its options {', '.join(question.options)}; correct the answer")
        answers[name] = sorted(set(chosen))
    if not any(answers.values()):
        raise RefusedError("not one question was answered, so there is nothing to mark; answer them, at a terminal or in a file of answers")
    failed = [question for question in questions if set(answers[question.id]) != question.answers]
    chapters = list(dict.fromkeys(question.chapter for question in failed))
    return Marked(seed, len(questions), len(questions) - len(failed), bank.pass_mark, answers, chapters)


def _chosen(name: str, value: t.Any) -> list[str]:
    """Ids, from a list or from a text in which blanks or commas part them, as people type."""
    if value is None:
        return []
    if isinstance(value, str):
        return re.split(r"[\s,;]+", value.strip().lower()) if value.strip() else []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise RefusedError(f"{name}: its answer is neither a text nor a list of ids of options; write [OPTION]")


def until(start: dt.datetime, period: str) -> dt.datetime:
    """When something ends that lasts for a period.

    :raises RefusedError: it is none.
    """
    try:
        lasting = positive_period(period)
        day = dt.date.fromordinal(lasting.day_after(start.date().toordinal()))
    except ValueError as error:
        raise RefusedError(f"valid_for: {period!r} {error}; give a period such as P12M") from error
    return dt.datetime.combine(day, start.timetz()) + dt.timedelta(seconds=lasting.seconds)


def issue(person: Person, marked: Marked, course: Course, bank: Bank, how: Issuing) -> dict[str, t.Any]:
    """Issue the record of a test that was passed, unless it was before.

    :raises RefusedError: the test was not passed, or the record would not count.
    :raises DisposalError: it cannot be signed or written.
    """
    if how.issuer.casefold() == person.principal.casefold():
        raise RefusedError(f"{how.issuer} cannot issue a training record to themselves, so nothing was issued; have another trainer sign")
    check_principal(how.issuer)
    earlier = _earlier(person, marked, course, bank, how)
    if earlier:
        return {"changed": False, "passed": True, "score": marked.told(), **earlier}
    if not marked.passed:
        _spend(marked.seed, how)
        again = f"; read again: {', '.join(marked.chapters)}" if marked.chapters else ""
        raise RefusedError(
            f"{person.principal} has {marked.right} of {marked.questions} right and needs {marked.pass_mark}% as {person.role}, so no record was "
            f"issued{again}, and take another test",
            details={"passed": False, "score": marked.told()},
        )
    start = how.now.replace(microsecond=0)
    record = {
        "format": FORMAT,
        "principal": person.principal,
        "name": " ".join(person.name.split()),
        "role": person.role,
        "issuer": how.issuer,
        "issued": time_text(start),
        "valid_from": time_text(start),
        "valid_until": time_text(until(start, how.valid_for)),
        "language": person.language,
        "course": course.named(),
        "bank": bank.named(),
        "test": marked.told(),
        "collection": how.collection,
    }
    data = canonical(record) + b"\n"
    name = f"{person.principal}.{person.role}.{start:%Y%m%dT%H%M%SZ}.json"
    signature = sign(data, key=how.signing_key, namespace=NAMESPACE)
    _require_good(person, data, signature, start, how)
    keep_files(
        how.directory,
        {f"{name}.sig": signature, name: data},
        executor=how.executor,
        check_mode=how.check_mode,
        lost="no record was issued; make room, or give another directory, and mark the answers again",
    )
    return {"changed": True, "passed": True, "score": marked.told(), **_told(os.path.join(how.directory, name), data, record)}


def _told(path: str, data: bytes, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"record": {"path": path, "digest": digest(data), "valid_from": record["valid_from"], "valid_until": record["valid_until"]}}


def _require_good(person: Person, data: bytes, signature: bytes, at: dt.datetime, how: Issuing) -> None:
    """:raises RefusedError: whoever judges the record would not let it count."""
    given = {"file": "the record", "record": data.decode("utf-8"), "signature": signature.decode("ascii")}
    trainings = Trainings([given], how.signers)
    try:
        if trainings.problems:
            raise EvidenceError(trainings.problems[0])
        trainings.counted(person.principal, [person.role], [at])
    except DisposalError as error:
        raise RefusedError(f"the record would not count, so none was issued: {error.message}") from error


def _earlier(person: Person, marked: Marked, course: Course, bank: Bank, how: Issuing) -> dict[str, t.Any]:
    """The record that this very test has already; empty where it has none.

    :raises RefusedError: the draw was marked before, for somebody else, otherwise, or too long ago.
    """
    if not os.path.isdir(how.directory):
        return {}
    if os.path.lexists(os.path.join(how.directory, _failed(marked.seed))):
        raise _used(marked.seed, _failed(marked.seed))
    for each in read_training_dir(how.directory):
        data = each["record"].encode("utf-8", "surrogateescape")
        try:
            record = read_record(data, each["file"])
        except EvidenceError:
            continue
        told = json.loads(data)
        if told["test"]["seed"] != marked.seed:
            continue
        same = (record.principal, record.role) == (person.principal, person.role) and same_name(record.name, person.name)
        same = same and (told["test"], told["course"], told["bank"]) == (marked.told(), course.named(), bank.named())
        if not same or how.now >= parse_time(record.valid_until) or Trainings([each], how.signers).fault(record):
            raise _used(marked.seed, each["file"])
        return _told(os.path.join(how.directory, each["file"]), data, dataclasses.asdict(record))
    return {}


def _used(seed: str, file: str) -> RefusedError:
    return RefusedError(
        f"the test with the seed {seed} was marked before ({file}), and counts once, for one person and with the first answers, so nothing was issued; "
        "draw another test"
    )


def _failed(seed: str) -> str:
    return f"{seed}.failed"


def _spend(seed: str, how: Issuing) -> None:
    """Keep that a test was not passed; by its seed alone, since who it was is nobody's business.

    :raises DisposalError: it cannot be written.
    """
    keep_files(
        how.directory,
        {_failed(seed): b"The test with this seed was not passed, and is not marked again.\n"},
        executor=how.executor,
        check_mode=how.check_mode,
        lost="the test was not marked; make room, or give another directory, and mark it again",
    )
