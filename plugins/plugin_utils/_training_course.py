# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course and its question bank, as people write them: read, and refused where they could not be taught or marked."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import Node, read_document
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.training import ROLES
from ._action import located
from ._evidence_files import read_bytes
from ._inputs import load_yaml
from ._language import LANGUAGES

__all__ = ["Bank", "Chapter", "Course", "Question", "load_training", "read_bank", "read_course"]

_ID = r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?"
_ID_FORM = "an id of small letters, digits and - _ . between them"
_MOST_ASKED = 100
Said = dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the course; C(title) and C(text) are by language."""

    id: str
    roles: tuple[str, ...]
    title: Said
    text: Said


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """A course; C(digest) is that of its file."""

    id: str
    edition: str
    languages: tuple[str, ...]
    title: Said
    chapters: tuple[Chapter, ...]
    digest: str = ""

    def named(self) -> dict[str, str]:
        return {"id": self.id, "edition": self.edition, "digest": self.digest}

    def of(self, role: str) -> list[Chapter]:
        return [chapter for chapter in self.chapters if role in chapter.roles]


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A question; C(options) are texts by language, by their ids, and C(answers) the ids of all that are right."""

    id: str
    roles: tuple[str, ...]
    chapter: str
    text: Said
    options: dict[str, Said]
    answers: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Bank:
    """A question bank.

    :ivar asked: how many questions a test has.
    :ivar pass_mark: percent of them that have to be right.
    :ivar digest: of its file.
    """

    id: str
    edition: str
    asked: int
    pass_mark: int
    questions: tuple[Question, ...]
    digest: str = ""

    def named(self) -> dict[str, str]:
        return {"id": self.id, "edition": self.edition, "digest": self.digest}

    def of(self, role: str) -> list[Question]:
        return [question for question in self.questions if role in question.roles]


def load_training(course: str, bank: str, loader: DataLoader) -> tuple[Course, Bank]:
    """Both, from files on the controller.

    :raises AnsibleActionFail: a file is missing or no YAML.
    :raises PolicyError: one is not valid; the sentence names file, place and reason.
    """
    read = read_course(load_yaml(course, loader, "the course"), f"the course {located(course)}")
    found = dataclasses.replace(read, digest=digest(read_bytes(located(course))))
    name = f"the question bank {located(bank)}"
    questions = read_bank(load_yaml(bank, loader, "the question bank"), name, found)
    return found, dataclasses.replace(questions, digest=digest(read_bytes(located(bank))))


def read_course(document: t.Any, name: str) -> Course:
    """A course.

    :raises PolicyError: it is not valid.
    """
    return read_document(document, name, _course)


def read_bank(document: t.Any, name: str, course: Course) -> Bank:
    """A question bank of that course.

    :raises PolicyError: it is not valid, or does not belong to the course.
    """
    return read_document(document, name, lambda node: _bank(node, course))


def _course(node: Node) -> Course:
    parts = node.mapping(required=("id", "edition", "languages", "title", "chapters"))
    languages = tuple(dict.fromkeys(filter(None, parts["languages"].texts(allowed=LANGUAGES)))) if "languages" in parts else ()
    chapters: list[Chapter] = []
    for item in parts["chapters"].elements(at_least=1) if "chapters" in parts else []:
        members = item.mapping(required=("id", "title", "text"), optional=("roles",))
        said = {key: _said(members[key], languages) if key in members else {} for key in ("title", "text")}
        chapters.append(Chapter(_id(members.get("id")), _roles(members.get("roles")), said["title"], said["text"]))
    _refuse_twice(parts.get("chapters"), [chapter.id for chapter in chapters])
    for role in ROLES:
        if chapters and not any(role in chapter.roles for chapter in chapters):
            parts["chapters"].problems.append(
                f"chapters: none is for the role {role}; write one, or leave roles out where a chapter is for all"
            )
    title = _said(parts["title"], languages) if "title" in parts else {}
    return Course(_id(parts.get("id")), _text(parts.get("edition")), languages, title, tuple(chapters))


def _bank(node: Node, course: Course) -> Bank:
    parts = node.mapping(required=("id", "edition", "asked", "pass_mark", "questions"))
    asked = _between(parts.get("asked"), _MOST_ASKED)
    questions = [_question(item, course) for item in (parts["questions"].elements(at_least=1) if "questions" in parts else [])]
    _refuse_twice(parts.get("questions"), [question.id for question in questions])
    for role in ROLES:
        count = sum(role in question.roles for question in questions)
        if questions and count < asked:
            node.problems.append(f"questions: {count} are for the role {role}, and a test asks {asked}; write more, or ask fewer")
    return Bank(_id(parts.get("id")), _text(parts.get("edition")), asked, _between(parts.get("pass_mark"), 100), tuple(questions))


def _question(node: Node, course: Course) -> Question:
    parts = node.mapping(required=("id", "chapter", "question", "options", "answers"), optional=("roles",))
    options: dict[str, Said] = {}
    for key, item in parts["options"].items() if "options" in parts else []:
        options[Node(key, item.path, node.problems).text(pattern=_ID, form=_ID_FORM)] = _said(item, course.languages)
    if "options" in parts and len(options) < 2:
        parts["options"].problem("has fewer than two options, so there is nothing to choose")
    answers = [item.text(allowed=options) for item in (parts["answers"].elements() if "answers" in parts else [])]
    if "answers" in parts and not answers:
        parts["answers"].problem("has no answer, so the question could not be marked; name the options that are right")
    if options and set(answers) == set(options):
        parts["answers"].problem("are all options, so nothing is asked; add an option that is wrong")
    chapter = parts["chapter"].text(allowed=[each.id for each in course.chapters]) if "chapter" in parts else ""
    text = _said(parts["question"], course.languages) if "question" in parts else {}
    return Question(_id(parts.get("id")), _roles(parts.get("roles")), chapter, text, options, frozenset(answers))


def _said(node: Node, languages: t.Sequence[str]) -> Said:
    """A text in each language."""
    return {language: member.text().strip() for language, member in node.mapping(required=languages).items()}


def _id(node: Node | None) -> str:
    return node.text(pattern=_ID, form=_ID_FORM) if node else ""


def _text(node: Node | None) -> str:
    return node.text() if node else ""


def _roles(node: Node | None) -> tuple[str, ...]:
    """All of them where nothing is said."""
    return tuple(node.texts(allowed=ROLES)) if node else ROLES


def _between(node: Node | None, most: int) -> int:
    if node is None:
        return 1
    if isinstance(node.value, bool) or not isinstance(node.value, int) or not 1 <= node.value <= most:
        node.problem(f"is not a whole number from 1 to {most}")
        return 1
    return node.value


def _refuse_twice(node: Node | None, ids: t.Sequence[str]) -> None:
    for name, count in collections.Counter(filter(None, ids)).items():
        if node and count > 1:
            places = ", ".join(f"{node.path}[{at}]" for at, each in enumerate(ids) if each == name)
            node.problems.append(f"{node.path}: the id {name} stands {count} times ({places}); give each its own")
