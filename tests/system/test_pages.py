# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on the fleet and the plan page in a real browser: opened, clicked through, used by keyboard, judged by axe-core."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from selenium.webdriver.common.keys import Keys

from ansible_collections.recordings.disposal.plugins.plugin_utils._forecast_page import forecast_pages
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_page import render_plan_html
from ansible_collections.recordings.disposal.tests.system.browser_bed import DESKTOP, PHONE, Browser
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import blocked_fleet, fleet, manifest_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.report_world import ReportWorld

LANGUAGES = ("en", "pl")
# What most readers see, and what stands in a page only now and then.
KINDS = ("report", "plan", "bare", "blocked", "forecast")
EACH = pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind in KINDS[:2] for code in LANGUAGES])
WITH_RARE = pytest.mark.parametrize(
    ("kind", "code"), [*((kind, code) for kind in KINDS[:2] for code in LANGUAGES), *((kind, "en") for kind in KINDS[2:])]
)
Pages = t.Mapping[tuple[str, str], pathlib.Path]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Pages by kind and language: with everything in them, and with hardly anything."""
    top = tmp_path_factory.mktemp("pages")
    world = ReportWorld(top / "world").standard().media().people().reviewed().outlook()
    world.report(
        output=str(top / "report"), forecast=str(world.state / "previews" / "forecast.json"), results={"meet1": {"unreachable": True}}
    )
    bare = ReportWorld(top / "empty")
    bare.state.mkdir()
    bare.report(output=str(top / "bare"), signers=None)
    made: dict[tuple[str, str], pathlib.Path] = {}
    for code in LANGUAGES:
        for kind in ("report", "bare"):
            made[kind, code] = top / kind / f"fleet.{code}.html"
        made["forecast", code] = top / f"forecast.{code}.html"
        forecast = json.loads((world.state / "previews" / "forecast.json").read_bytes())
        made["forecast", code].write_text(forecast_pages(forecast, language=code)["html"], encoding="utf-8")
        for kind, results in (("plan", fleet()), ("blocked", blocked_fleet())):
            made[kind, code] = top / f"{kind}.{code}.html"
            made[kind, code].write_text(render_plan_html(manifest_of(results), language=code), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


def test_what_judges_the_pages_finds_a_fault(browser: Browser, tmp_path: pathlib.Path, pages: Pages) -> None:
    page = tmp_path / "faulty.html"
    text = pages["plan", "en"].read_text(encoding="utf-8")
    page.write_text(text.replace("--ink: #16202a", "--ink: #c9c9c9").replace("<main", "<main><svg role='img'></svg", 1), encoding="utf-8")
    browser.open(page)
    assert {"color-contrast", "svg-img-alt"} <= {fault["rule"] for fault in browser.judge().grave}


@WITH_RARE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_anybodys_way(browser: Browser, pages: Pages, kind: str, code: str, scheme: str) -> None:
    browser.open(pages[kind, code], scheme=scheme)
    seen = browser.judge()
    assert seen.grave == []
    assert seen.rules > 15


@WITH_RARE
def test_the_page_loads_nothing_and_the_browser_has_nothing_to_say(browser: Browser, pages: Pages, kind: str, code: str) -> None:
    browser.complaints()
    browser.open(pages[kind, code])
    assert browser.ask("return performance.getEntriesByType('resource').map(entry => entry.name)") == []
    assert browser.complaints() == []
    assert browser.ask("return document.documentElement.lang") == code


@EACH
def test_every_entry_of_the_contents_leads_to_its_section(browser: Browser, pages: Pages, kind: str, code: str) -> None:
    browser.open(pages[kind, code])
    links = browser.all("nav a")
    assert len(links) > 10
    for link in links:
        name = str(link.get_attribute("href")).partition("#")[2]
        browser.ask("window.scrollTo(0, 0)")
        link.click()
        place = browser.ask("const box = document.getElementById(arguments[0]).getBoundingClientRect(); return [box.top, box.height]", name)
        assert browser.ask("return location.hash") == f"#{name}"
        assert place[1] > 0 and place[0] + place[1] >= 0 and place[0] < 900, name


@EACH
def test_the_page_can_be_used_by_keyboard_alone(browser: Browser, pages: Pages, kind: str, code: str) -> None:
    browser.open(pages[kind, code])
    first = browser.tab()
    assert first.get_attribute("class") == "skip" and first.is_displayed() and first.rect["x"] >= 0
    wanted = browser.ask("return document.querySelectorAll('a[href], summary, [tabindex=\"0\"]').length")
    order = [first.id, *(browser.tab().id for _turn in range(wanted - 1))]
    assert len(set(order)) == wanted
    browser.open(pages[kind, code])
    browser.tab()
    browser.press(Keys.ENTER)
    assert browser.ask("return location.hash") == "#content"


@EACH
def test_the_page_is_no_wider_than_the_screen(browser: Browser, pages: Pages, kind: str, code: str) -> None:
    too_wide = """
      return [...document.querySelectorAll('main *')].filter(each => !each.closest('.wide') && !each.closest('svg')
        && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 200));
    """
    for width in (PHONE, DESKTOP):
        browser.open(pages[kind, code], width=width)
        assert browser.ask("return document.documentElement.scrollWidth") <= width
        assert browser.ask(too_wide) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_site_closes_and_opens_by_mouse_and_by_keyboard(browser: Browser, pages: Pages, code: str) -> None:
    browser.open(pages["report", code])
    (first, *others) = browser.all("details")
    assert others and all(each.get_attribute("open") for each in (first, *others))
    table, summary = first.find_element("css selector", "table"), first.find_element("css selector", "summary")
    assert table.is_displayed()
    summary.click()
    assert not table.is_displayed() and others[0].get_attribute("open")
    browser.ask("arguments[0].focus()", summary)
    browser.press(Keys.ENTER)
    assert table.is_displayed()


def test_what_is_closed_is_printed_all_the_same(browser: Browser, pages: Pages) -> None:
    browser.open(pages["report", "en"], media="print")
    browser.ask("document.querySelectorAll('details').forEach(each => each.removeAttribute('open'))")
    assert all(each.rect["height"] > 0 for each in browser.all("details table"))
    assert browser.ask("return getComputedStyle(document.querySelector('nav')).display") == "none"


@pytest.mark.parametrize("kind", KINDS[:2])
def test_light_and_dark_differ(browser: Browser, pages: Pages, kind: str) -> None:
    found = set()
    for scheme in ("light", "dark"):
        browser.open(pages[kind, "en"], scheme=scheme)
        found.add(browser.ask("return getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"))
    assert len(found) == 2


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_charts_show_what_the_tables_say(browser: Browser, pages: Pages, width: int) -> None:
    """In the forecast 5, 2 and 10 sets of one size fall due week by week."""
    browser.open(pages["report", "en"], width=width)
    figure = "const figure = document.getElementById('c-forecast').parentElement;"
    bars = browser.ask(f"""{figure}
      return [...figure.querySelectorAll('rect')].map(bar => bar.getBoundingClientRect()).map(box => [box.left, box.height, box.right]);""")
    columns: dict[float, float] = {}
    for left, height, _right in bars:
        columns[round(left)] = columns.get(round(left), 0) + height
    heights = [columns[left] for left in sorted(columns)]
    assert len(heights) == 3
    assert [round(height * 10 / heights[2], 1) for height in heights] == [5, 2, 10]
    labels = browser.ask(f"""{figure}
      return [...figure.querySelectorAll('text[text-anchor]')].map(each => each.getBoundingClientRect()).map(box => [box.left, box.right, box.height]);""")
    assert all(one[1] <= other[0] for one, other in zip(labels, labels[1:]))
    # Words keep their size on the smallest screen.
    assert all(height > 11 for _left, _right, height in labels)
