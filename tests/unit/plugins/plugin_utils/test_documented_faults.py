# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runbook says that a refusal says, a refusal says: the words are in the code, and every reason for which a set is skipped is in the runbook."""

from __future__ import annotations

import ast
import functools
import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import _REASONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.delta import ABSENT

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "faults.md").read_text(encoding="utf-8")
GAP = "\0"


def rows(heading: str) -> list[list[str]]:
    """The cells of all tables with this first column."""
    tables = re.findall(rf"^\| {heading} \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for table in tables for line in table.splitlines()]


def _told(tree: ast.AST) -> t.Iterator[str]:
    """Texts that a program may say; what it says of itself (docstrings, the documentation of modules) is none."""
    silent: set[int] = set()
    for node in ast.walk(tree):
        documents = (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id.isupper()
            and len(node.targets[0].id) > 5
        )
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (documents and isinstance(node.value, ast.Constant)):
            silent.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def _texts(value: t.Any) -> t.Iterator[str]:
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)
    if isinstance(value, str):
        yield value


@functools.cache
def code() -> str:
    texts = [text for path in (TOP / "plugins").rglob("*.py") for text in _told(ast.parse(path.read_text(encoding="utf-8")))]
    for path in (*TOP.glob("roles/*/tasks/*.yml"), *TOP.glob("playbooks/*.yml"), *TOP.glob("playbooks/tasks/*.yml")):
        texts += _texts(yaml.safe_load(path.read_text(encoding="utf-8")))
    return "\n".join(" ".join(text.split()) for text in texts)


def fragments(cell: str) -> list[str]:
    """The words of a cell: alternatives are apart by semicolons, and what differs from case to case is an ellipsis."""
    cell = re.sub(r" \((?:a warning|a failure[^)]*|outcome [^)]*)\)|\(warning\) ", "", cell).replace("`", "")
    return [part for part in (part.strip(" ,:") for part in re.split("[…;]", cell)) if len(part) > 2]


@pytest.mark.parametrize("says", [row[0] for row in rows("it says")])
def test_the_code_says_so(says: str) -> None:
    found = fragments(says)
    assert found, "the row names no words"
    assert [part for part in found if part not in code()] == []
    assert max(map(len, found)) >= 10, "these words are too few to know a refusal by"


def test_each_row_says_why_and_what_to_do() -> None:
    table = rows("it says")
    assert len(table) > 100 and len({row[0] for row in table}) == len(table)
    assert [row for row in table if len(row) != 3 or not all(row)] == []


def test_every_reason_for_which_a_set_is_skipped_is_explained() -> None:
    explained = {part for row in rows("reason") for part in re.split("; ", row[0])}
    assert {reason.partition(":")[0] for reason in _REASONS.values()} <= explained
    assert ABSENT in explained


def test_words_that_no_code_says_would_be_found() -> None:
    assert "is not a mapping of your neighbour" not in code()
    assert "One clear sentence: what, where, why, what to do" not in code()
