# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course as pages to read and print, one for each role and language."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._evidence.training import ROLES
from ..module_utils._sweep.version import VERSION
from ._language import load_language
from ._render import html_page
from ._training_course import Bank, Chapter, Course

__all__ = ["course_pages"]

_TEMPLATE = "course.html.j2"


def course_pages(course: Course, bank: Bank, *, languages: t.Sequence[str]) -> dict[str, str]:
    """By the names of their files; the same course and bank give the same pages.

    :raises DisposalError: a translation or a template is not complete.
    """
    return {f"course.{role}.{language}.html": _page(course, bank, role, language) for role in ROLES for language in languages}


def _page(course: Course, bank: Bank, role: str, language: str) -> str:
    context = {
        "title": course.title[language],
        "role": role,
        "course": course,
        "bank": bank,
        "chapters": [_chapter(chapter, language) for chapter in course.of(role)],
        "version": VERSION,
    }
    return html_page(_TEMPLATE, load_language(language), context)


def _chapter(chapter: Chapter, language: str) -> dict[str, t.Any]:
    """A chapter with its text in blocks: paragraphs, and lists where every line begins with a hyphen or goes on."""
    blocks = []
    for block in re.split(r"\n\s*\n", chapter.text[language]):
        items = re.split(r"\n(?=- )", block)
        listed = all(item.startswith("- ") for item in items)
        texts = [" ".join(item.removeprefix("- ").split()) if listed else " ".join(item.split()) for item in (items if listed else [block])]
        blocks.append({"listed": listed, "texts": texts})
    return {"id": f"chapter-{chapter.id}", "title": chapter.title[language], "blocks": blocks}
