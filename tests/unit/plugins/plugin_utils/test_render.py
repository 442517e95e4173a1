# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.plugin_utils import _render
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._render import csv_page, html_page, markdown_page
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page

EN = load_language("en")


@pytest.fixture
def templates(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[pathlib.Path]:
    monkeypatch.setattr(_render, "_TEMPLATES", tmp_path)
    _render._environment.cache_clear()
    yield tmp_path
    _render._environment.cache_clear()


def test_a_missing_field_is_told_and_nothing_is_left_blank(templates: pathlib.Path) -> None:
    for text in (
        "{{ absent }}",
        "{{ there.absent }}",
        '{{ say("plan.title", plan_id=absent) }}',
        "{{ code(absent) }}",
        "{% if absent %}{% endif %}",
    ):
        (templates / "page.j2").write_text(text, encoding="utf-8")
        for render in (html_page, markdown_page):
            _render._environment.cache_clear()
            with pytest.raises(DisposalError, match=r"page\.j2 needs something that is missing .*absent"):
                render("page.j2", EN, {"there": {}})


def test_a_broken_or_missing_template_is_told(templates: pathlib.Path) -> None:
    (templates / "broken.j2").write_text("{% if %}", encoding="utf-8")
    for name in ("broken.j2", "missing.j2"):
        with pytest.raises(DisposalError, match="install the collection again"):
            html_page(name, EN, {})


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_data_letter_by_letter(templates: pathlib.Path, text: str) -> None:
    (templates / "page.j2").write_text(
        '<p title="{{ x }}">{{ x }}</p><p>{{ name(x) }}{{ code(x) }}{{ strong(x) }}{{ foreign(x, x) }}</p><p>{{ say("plan.title", plan_id=x) }}</p>',
        encoding="utf-8",
    )
    page = Page(html_page("page.j2", EN, {"x": text}))
    assert page.faults == []
    assert [tag for tag, _attributes in page.elements] == ["p", "p", "bdi", "code", "strong", "p"]
    shown = visible(text)
    assert page.all("p")[0] == {"title": shown}
    assert page.words[0] == shown
    assert "".join(page.words).count(shown) == 6


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_data_letter_by_letter(templates: pathlib.Path, text: str) -> None:
    (templates / "page.j2").write_text(
        '| {{ x }} | {{ code(x) }} | {{ name(x) }} | {{ say("plan.title", plan_id=x) }} |\n', encoding="utf-8"
    )
    page = markdown_page("page.j2", EN, {"x": text})
    assert page.count("\n") == 1 and page.endswith(" |\n")
    assert "<" not in page and ">" not in page
    unescaped = [index for index, letter in enumerate(page) if letter == "|" and page[index - 1] != "\\"]
    assert len(unescaped) == 5, "data adds no cell to a table"
    for letter in "*[]_~#!":
        bare = [index for index, found in enumerate(page) if found == letter and page[index - 1] != "\\"]
        assert bare == [] or "`" in page, letter
    visible(text).encode("utf-8")


def test_markdown_of_a_template_stays_markdown(templates: pathlib.Path) -> None:
    (templates / "page.j2").write_text(
        '{{ strong("a|b") }} {{ code("x y") }} {{ code("a`b") }} {{ name("@all") }} {{ 5 }}', encoding="utf-8"
    )
    assert markdown_page("page.j2", EN, {}) == "**a\\|b** `x y` a\\`b `@all` 5"


def test_html_marks_what_is_not_in_the_language_of_the_page(templates: pathlib.Path) -> None:
    (templates / "page.j2").write_text(
        '{{ foreign(reason("nobody wrote this"), "nobody wrote this") }}{{ foreign(reason("hold:H"), "hold:H") }}', encoding="utf-8"
    )
    assert html_page("page.j2", load_language("pl"), {}) == '<span lang="en">nobody wrote this</span>Blokada prawna H'
    _render._environment.cache_clear()
    assert html_page("page.j2", EN, {}) == "nobody wrote thisLegal hold H"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\uff1d1", *HOSTILE])
def test_no_cell_is_a_formula(text: str) -> None:
    page = csv_page(["a", "b"], [[text, 1]])
    rows = list(csv.reader(io.StringIO(page, newline="")))
    assert rows[0] == ["a", "b"] and rows[1][1] == "1" and len(rows) == 2
    assert rows[1][0][0] not in "=+-@\uff1d\t\r"
    assert rows[1][0].lstrip("'") == visible(text).lstrip("'")
    page.encode("utf-8")


def test_csv_is_rfc_4180() -> None:
    page = csv_page(["a", "b"], [['say "x"', "1,2"], ["", 0]])
    assert page == 'a,b\r\n"say ""x""","1,2"\r\n,0\r\n'
