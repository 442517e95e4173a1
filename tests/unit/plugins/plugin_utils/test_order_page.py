# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a work order and its form: whatever stands in the order, each letter is shown and none of it does anything."""

from __future__ import annotations

import csv
import io
import re
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.ordered import ORDERABLE, PREFILLED, order_bytes
from ansible_collections.recordings.disposal.plugins.module_utils._media.results import FACTS
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import figures
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._order import MAKES_PARTICLES, default_why
from ansible_collections.recordings.disposal.plugins.plugin_utils._order_page import (
    form_columns,
    qr_code,
    render_order_form,
    render_order_html,
)
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import KINDS
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.order_world import made_order, scanned
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults

BOTH = pytest.mark.parametrize("code", ["en", "pl"])
OWN = {"edition": "2026-03", "source": "our own measurement"}
ALL_TECHNIQUES = pytest.mark.parametrize("technique", ORDERABLE)


def page_of(*media: t.Mapping[str, str], code: str = "en", own: dict[str, t.Any] | None = None, **changes: t.Any) -> str:
    return render_order_html(made_order(*media, **changes), language=code, figures=figures(own))


def words_of(text: str) -> str:
    return " ".join("".join(Page(text).words).split())


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_refuses_another_language() -> None:
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        page_of(code="de")


def test_an_order_that_lacks_something_is_told() -> None:
    order = made_order()
    del order["facility"]
    with pytest.raises(DisposalError, match="needs something that is missing .*facility"):
        render_order_html(order, language="en", figures=figures())


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(
        DisposalError, match=r"segno, which makes the QR codes .* is not installed for .*; install it \(pip install segno\)"
    ):
        qr_code("S1")


@BOTH
@ALL_TECHNIQUES
def test_the_page_is_sound_and_needs_no_network(code: str, technique: str) -> None:
    media = [{"serial": f"S{number}", "kind": kind} for number, kind in enumerate(KINDS)]
    number = 3 if technique in MAKES_PARTICLES else None
    text = page_of(*media, code=code, technique=technique, protection_class=number, level="purge", due=None, facility="", plan_id="")
    page = Page(text)
    assert structure_faults(page, code) == []
    assert "default-src 'none'" in str(page.all("meta")) and "http:" not in text and "https:" not in text and "url(" not in text
    assert len(page.all("svg")) == len(KINDS) + 1 and scanned(text) == ["WO-2026-11-27-0123456789", *(row["serial"] for row in media)]


@BOTH
@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_page_shows_data_letter_by_letter(code: str, hostile: str) -> None:
    names = ("serial", "make", "model", "asset_number", "host", "bay", "classification", "why")
    medium = {name: f"{name}{hostile}" for name in names}
    given = {name: f"{name}{hostile}" for name in ("id", "issued_by", "facility", "plan_id", "due")}
    order = made_order(medium, **given)
    # A scanner gets what the label has; no register has a serial that is not one line of text.
    order["media"][0]["serial"] = visible(order["media"][0]["serial"])
    order["id"] = visible(order["id"])
    text = render_order_html(order, language=code, figures=figures())
    page, plain = Page(text), Page(page_of({"why": "It is broken."}, code=code))
    assert structure_faults(page, code) == []
    tags = [tag for tag, _attributes in page.elements]
    assert {tag: tags.count(tag) for tag in set(tags)} == {tag: [name for name, _a in plain.elements].count(tag) for tag in set(tags)}
    shown = "".join(page.words)
    for name in (*names, *given):
        assert f"{name}{visible(hostile)}" in shown, name
    for letter in "\u202e\u200b\ufeff\udce9\t\r":
        assert letter not in text
    assert scanned(text) == [order["id"], order["media"][0]["serial"]]


@pytest.mark.parametrize("hostile", [*HOSTILE, "@SUM(A1)", "+48", "-5", "=1+1", "\uff1d1"])
def test_the_form_is_safe_and_one_row_for_each_medium(hostile: str) -> None:
    order = made_order(dict.fromkeys(("serial", "make", "model", "asset_number"), hostile), {"serial": "S2"})
    text = render_order_form(order)
    rows = cells(text)
    assert len(rows) == 2 and rows[1]["serial"] == "S2" and text.count("\r\n") == 3
    for name in ("serial", "make", "model", "asset"):
        assert rows[0][name][0] not in "=+-@\uff1d\t\r" and rows[0][name].lstrip("'") == visible(hostile).lstrip("'")
    text.encode("utf-8")


@ALL_TECHNIQUES
@pytest.mark.parametrize("number", [3, None])
def test_the_form_asks_for_every_fact_of_the_technique(technique: str, number: int | None) -> None:
    order = made_order(technique=technique, protection_class=number)
    columns = form_columns(order)
    needed, optional = FACTS[technique]
    asked = {"required_level"} if technique in MAKES_PARTICLES and number is None else set()
    common = {"date", "place", "operator", "second_person", "photos"}
    assert set(columns) == {*PREFILLED, *common, *needed, *optional, *asked} and len(set(columns)) == len(columns)
    (row,) = cells(render_order_form(order))
    assert {name for name, text in row.items() if text} == set(PREFILLED) and row["technique"] == technique and row["asset"] == "IT-1"


@BOTH
@ALL_TECHNIQUES
def test_the_page_has_a_field_for_each_and_says_how_it_is_written(code: str, technique: str) -> None:
    order = made_order({"kind": "nvme"}, technique=technique, protection_class=None)
    labels = load_language(code).table("order.facts")
    text = render_order_html(order, language=code, figures=figures())
    fill = re.findall(r"<li>([^<]+)", text.partition('<ul class="fill">')[2].partition("</ul>")[0])
    asked = [name for name in form_columns(order) if name not in PREFILLED and name != "photos"]
    assert sorted(label.strip() for label in fill) == sorted(labels[name] for name in asked)
    table = Page(text).tables[-1]
    assert [row[0] for row in table.rows[1:]] == [name for name in form_columns(order) if name not in PREFILLED]
    assert all(row[1] and row[2] for row in table.rows[1:])


def test_what_a_row_tells_of_its_medium() -> None:
    text = words_of(page_of({"serial": "S1"}, {"serial": "S2", "kind": "tape", "host": "", "make": "", "model": "", "asset_number": ""}))
    for words in ("Row 1", "S1", "Hard disk (SATA) (hdd)", "Seagate ST4000", "Asset IT-1", "Host rec1, Slot 01", "Required level: destroy"):
        assert words in text, words
    assert "Particles at most 320 mm² (H-5)" in text and "Particles at most 30 mm² (T-5)" in text and "Tape cartridge (tape)" in text
    assert "It left service and was not sanitized." in text and "Classification: confidential" in text
    assert "Row 2" in text and text.count("Asset") == 1 and text.count("Host") == 1
    polish = words_of(page_of(code="pl"))
    assert "Dysk twardy (SATA) (hdd)" in polish and "Wycofano go ze służby i nie sanityzowano." in polish
    assert '<span lang="en">It is broken.</span>' in page_of({"why": "It is broken."}, code="pl")


def test_what_the_head_tells() -> None:
    order = made_order()
    text = words_of(page_of())
    told = ("2 media: Shredding (shred)", "Destroy", "2026-12-31", "hall 3", "operations@example.com", "27 November 2026, 10:00 UTC", "P-1")
    for words in (*told[1:], "1 medium: Shredding (shred)", order["id"], digest(order_bytes(order))):
        assert words in text, words
    assert "Fill in the form order.csv" in text and "results_file: orders/WO-2026-11-27-0123456789/order.csv" in text
    bare = words_of(page_of(due=None, facility="", protection_class=None))
    assert bare.count("not told") == 2 and "none told" in bare and "This order tells no particle size" in bare


@pytest.mark.parametrize(
    ("changes", "own", "words"),
    [
        ({"technique": "degauss", "level": "purge", "protection_class": None}, {}, "The field must be at least 2 times the coercivity"),
        ({"technique": "degauss", "protection_class": None}, {"degauss_factor": {"value": 3, **OWN}}, "The field must be at least 3 times"),
        ({"technique": "incinerate"}, {}, "the temperature (at least 660 °C) or the process"),
        ({"technique": "melt"}, {"temperature_melt": {"value": "700 °C", **OWN}}, "the temperature (at least 700 °C)"),
        ({"protection_class": 2}, {}, "Particles at most 2000 mm² (H-4)"),
        ({}, {"din_h_5": {"value": "3 cm2", **OWN}}, "Particles at most 3 cm² (H-5)"),
    ],
)
def test_what_the_technique_asks_for(changes: dict[str, t.Any], own: dict[str, t.Any], words: str) -> None:
    text = words_of(page_of(own=own, **changes))
    assert words in text
    assert ("Measure a sample of the particles" in text) == (changes.get("technique", "shred") in MAKES_PARTICLES)


def test_flash_is_asked_for_its_die() -> None:
    assert "die" not in words_of(page_of()).partition("The columns")[0]
    asked = words_of(page_of({"kind": "nvme"}))
    assert "smaller than the smallest die on the medium" in asked and "Smallest die Screen openings (if any)" in asked
    known = words_of(page_of({"kind": "nvme"}, own={"flash_die": {"value": "60 mm2", **OWN}}))
    assert "smaller than 60 mm², the smallest die in use" in known and "Smallest die (if any)" in known


def test_the_same_order_gives_the_same_page() -> None:
    assert page_of() == page_of() and page_of() != page_of(code="pl")


def test_every_kind_technique_and_state_has_its_words() -> None:
    for code in ("en", "pl"):
        spoken = load_language(code)
        assert set(spoken.table("order.kinds")) == set(KINDS) and set(spoken.table("order.techniques")) == set(ORDERABLE)
        facts = {"date", "place", "operator", "second_person", "photos", "required_level"}
        facts |= {name for technique in ORDERABLE for part in FACTS[technique] for name in part}
        assert set(spoken.table("order.facts")) == set(spoken.table("order.forms")) == facts
        assert set(spoken.table("order.why")) == {"released", "sanitized", "verified", "in_custody"}
    assert default_why("released") == "It left service and was not sanitized."
