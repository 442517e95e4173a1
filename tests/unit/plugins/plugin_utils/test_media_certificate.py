# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a medium and its page, held against the forms by a table of the tests' own."""

from __future__ import annotations

import copy
import functools
import html
import pathlib
import re
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import degaussing, particles
from ansible_collections.recordings.disposal.plugins.module_utils._standards.forms import FIELDS
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import PHYSICAL
from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import TECHNIQUES
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import verifying
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_certificate_page import render_media_certificate
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_words import host_sentence, technique_words
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import KINDS, STATES
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import (
    ANNA,
    BOB,
    CertificateWorld,
    medium,
    name_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults

BOTH = pytest.mark.parametrize("code", ["en", "pl"])
KEY = "SHA256:" + "k" * 43

# Written down from shared/standards.md and not from the code: what each form asks for, in its order, and the certificate's name for it.
PERSON_REV2 = ["name", "title", "date", "location", "contact", "signature"]
PERSON_REV1 = ["name", "title", "organisation", "location", "contact", "signature", "date"]
REV2 = [
    *("manufacturer", "model", "serial", "property_number", "media_type", "source", "classification", "method_type", "method", "tool"),
    *("verification", "status"),
    *(f"{role}_{name}" for role in ("performer", "validator") for name in PERSON_REV2),
]
REV1 = [
    *(f"performer_{name}" for name in PERSON_REV1),
    *("manufacturer", "model", "serial", "property_number", "media_type", "source", "classification", "backed_up", "backup_location"),
    *("method_type", "method", "method_details", "tool", "verification", "classification_after", "notes", "destination"),
    *(f"validator_{name}" for name in PERSON_REV1),
]
BOXES = {
    "backed_up": ["yes", "no", "unknown"],
    "method_type": ["clear", "purge", "damage", "destruct"],
    "method": ["degauss", "overwrite", "block_erase", "crypto_erase", "other"],
    "verification": ["full", "quick_sampling", "other"],
    "destination": ["internal_reuse", "external_reuse", "recycling", "manufacturer", "other"],
    "status": ["operational", "damaged"],
}
# What a form lets stand empty: its own word for it, or there is nothing to tell.
MAY_BE_EMPTY = ["property_number", "classification", "backup_location", "classification_after", "notes", "destination"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> CertificateWorld:
    """S1 is sanitized, with all that can be told; S2 is shredded, with as little as may be told."""
    told = {"encryption": "", "asset_number": "", "classification": "", "bay": ""}
    world = CertificateWorld(
        tmp_path_factory.mktemp("certificates"), medium("S1"), medium("S2", kind="hdd", required_level="destroy", **told)
    )
    world.sanitized("S1")
    world.moved("in_custody", "S1")
    world.moved("released", "S2")
    world.shredded("S2", kind="hdd")
    world.issued(media={"S1": {"notes": "label torn", "source": "PBX of Kraków"}})
    return world


def squeezed(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def text_of(markup: str) -> str:
    return squeezed(html.unescape(re.sub("<[^>]*>", "", markup)))


def cells(text: str, code: str) -> dict[str, str]:
    """What the page shows of each field, by its label; of persons with the section before it."""
    words = load_language(code)
    page = Page(text)
    found: dict[str, str] = {}
    for section in ("media", "details", "destination"):
        for row in page.table(words.table("media_certificate.sections")[section]).rows[1:]:
            found[row[0]] = squeezed(row[1])
    for section in ("performing", "validation"):
        block = re.search(rf'<section class="person" aria-labelledby="{section}">(.*?)</section>', text, re.S)
        assert block is not None
        for label, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", block[1], re.S):
            found[f"{section} {squeezed(label)}"] = text_of(value)
        found[f"{section} electronic"] = text_of(block[1].partition("<h3>")[2])
    return found


@pytest.mark.parametrize(("form", "asked"), [("rev2", REV2), ("rev1", REV1)])
def test_the_table_has_the_fields_of_the_form(form: str, asked: list[str]) -> None:
    assert sorted(field.id for field in FIELDS if form in field.asked) == sorted(asked)
    assert {field.id: list(field.values) for field in FIELDS if field.values} == BOXES
    assert [field.id for field in FIELDS if field.optional] == [field.id for field in FIELDS if field.id in MAY_BE_EMPTY]


@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_each_field_of_both_forms_stands_in_the_certificate(world: CertificateWorld, serial: str) -> None:
    fields = {field["id"]: field for field in world.certificate(serial)["fields"]}
    assert set(fields) == {*REV1, *REV2}
    for name in {*REV1, *REV2}:
        field = fields[name]
        assert field["forms"] == [form for form, asked in (("rev2", REV2), ("rev1", REV1)) if name in asked]
        if field["state"] == "not_told":
            assert name in MAY_BE_EMPTY and field["value"] is None
        elif field["state"] == "by_hand":
            assert name.endswith("_signature") and field["value"] is None
        else:
            assert field["value"] not in (None, "", [])
            assert (field["state"] == "unknown") == (field["value"] == "unknown")
        if name in BOXES and field["value"] is not None:
            assert field["value"] in BOXES[name]
    assert ("not_told" in {field["state"] for field in fields.values()}) == (serial == "S2")


@BOTH
@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_each_field_of_both_forms_stands_on_the_page(world: CertificateWorld, serial: str, code: str) -> None:
    words = load_language(code)
    labels = words.table("media_certificate.fields")
    shown = cells(world.page(serial, code), code)
    for field in world.certificate(serial)["fields"]:
        name, value = field["id"], field["value"]
        prefix = {"performing": "performing ", "validation": "validation "}.get(field["section"], "")
        if name.endswith("_signature"):
            assert f"{prefix}{labels[name]}" in shown
            assert all(signed["key"] in shown[f"{prefix}electronic"] for signed in value)
            continue
        cell = shown[f"{prefix}{labels[name]}"]
        if value is None:
            assert cell == words.word("media_certificate.not_told")
        elif name in BOXES:
            texts = words.table(f"media_certificate.boxes.{name}")
            boxes = re.findall("([☐☒]) ([^☐☒]*)", cell)
            assert [mark for mark, _text in boxes] == ["☒" if box == value else "☐" for box in BOXES[name]]
            assert all(text.startswith(texts[box]) for box, (_mark, text) in zip(BOXES[name], boxes))
        elif name.endswith("_date"):
            assert cell == squeezed(words.instant(value))
        elif name in ("method_details", "media_type"):
            assert f"({value})" in cell
        else:
            assert all(text in cell for text in (value if isinstance(value, list) else [value]))


@BOTH
@pytest.mark.parametrize("name", ["manufacturer", "notes", "status", "validator_contact", "performer_signature"])
def test_a_field_that_the_data_lack_gives_no_page(world: CertificateWorld, name: str, code: str) -> None:
    certificate = world.certificate("S1")
    certificate["fields"] = [field for field in certificate["fields"] if field["id"] != name]
    with pytest.raises(EvidenceError, match=f"the certificate lacks '{name}', so there is no page"):
        render_media_certificate(certificate, language=code, key=KEY)


@pytest.mark.parametrize(
    "name", ["serial", "outcome", "level", "acts", "not_checked", "plan", "custody", "evidence", "issued", "supersedes"]
)
def test_a_certificate_that_lacks_something_gives_no_page(world: CertificateWorld, name: str) -> None:
    certificate = world.certificate("S1")
    del certificate[name]
    with pytest.raises(DisposalError, match="lacks|needs something that is missing"):
        render_media_certificate(certificate, language="en", key=KEY)


def test_another_language_is_refused(world: CertificateWorld) -> None:
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        render_media_certificate(world.certificate("S1"), language="de", key=KEY)


@BOTH
@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_the_page_is_sound_and_begins_with_outcome_and_what_was_not_checked(world: CertificateWorld, serial: str, code: str) -> None:
    words = load_language(code)
    text = world.page(serial, code)
    page = Page(text)
    assert structure_faults(page, code) == []
    headings = [heading for _level, heading in page.headings]
    title = "media_certificate.title_destroyed" if serial == "S2" else "media_certificate.title"
    order = ["media_certificate.outcome_heading", "certificate.unchecked_heading", "media_certificate.form_heading"]
    assert headings[:4] == [words.word(key) for key in (title, *order)]
    block = re.search(r'<dl class="outcomes">(.*?)</dl>', text, re.S)
    assert block is not None
    certificate = world.certificate(serial)
    levels = words.table("levels")
    big = re.findall(r'class="big">(.*?)<', block[1])
    expected = [words.table("media_certificate.outcomes")["destroyed"]]
    assert big == [*expected, levels[certificate["level"]["required"]], levels[certificate["level"]["achieved"]]]
    assert block[1].count(certificate["level"]["standard"]) == 2


@BOTH
@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_every_digest_key_and_sentence_is_on_the_page(world: CertificateWorld, serial: str, code: str) -> None:
    certificate = world.certificate(serial)
    text = squeezed(Page(world.page(serial, code)).text)
    expected = [row["digest"] for row in certificate["evidence"]] + [row["file"] for row in certificate["evidence"]]
    for event in certificate["custody"]:
        expected += [event["event"], event["digest"], *event["photos"], *(person["key"] for person in event["persons"])]
    if certificate["plan"]:
        plan = certificate["plan"]
        expected += [plan["id"], plan["digest"], plan["manifest"], plan["policy"]["digest"], plan["host"], plan["bay"], plan["author"]]
        expected += [value for approval in plan["approvals"] for value in (approval["principal"], approval["key"])]
    expected += [world.keys.fingerprint("evidence"), "It is signed, with key" if code == "en" else "Jest podpisany, kluczem"]
    expected += [figure["source"] for figure in certificate["figures"]]
    for act in certificate["acts"]:
        expected += [str(value) for name, value in act.get("facts", {}).items() if name not in ("serial", "kind", "technique")]
    words = load_language(code)
    for row in certificate["not_checked"]:
        sentence = row["text"] if code == "en" else host_sentence(words, row["text"])
        expected += [sentence[1:].rstrip(".")] if code == "en" or row["key"] is None else []
    assert [item for item in expected if squeezed(item) not in text] == []


def test_a_polish_page_has_no_english_sentence_that_polish_has(world: CertificateWorld) -> None:
    for serial in ("S1", "S2"):
        text = world.page(serial, "pl")
        foreign = re.findall(r'<span lang="en">(.*?)</span>', text)
        assert set(foreign) <= {"the drive&#39;s log shows that this sanitize ended"}
        assert "What was not checked" not in text


def test_what_the_signer_signs_stands_with_the_person(world: CertificateWorld) -> None:
    certificate = world.certificate("S1")
    certificate["issued_by"]["principal"] = "bob@example.com"
    shown = cells(render_media_certificate(certificate, language="en", key=KEY), "en")
    assert f"This certificate, with key {KEY}" in shown["validation electronic"] and KEY not in shown["performing electronic"]
    assert "Event of custody, with key" in shown["performing electronic"]
    certificate["persons"]["performer"]["keys"] = []
    next(field for field in certificate["fields"] if field["id"] == "performer_signature").update(value=None, state="by_hand")
    shown = cells(render_media_certificate(certificate, language="en", key=KEY), "en")
    assert "anna@example.com has signed nothing electronically" in shown["performing electronic"]
    assert "to be signed by hand" in shown["performing electronic"]


def test_the_commands_on_the_page_verify_the_certificate(world: CertificateWorld, tmp_path: pathlib.Path) -> None:
    for end in (".json", ".json.sig"):
        (tmp_path / f"{name_of('S1')}{end}").write_bytes((world.certificates / f"{name_of('S1')}{end}").read_bytes())
    (tmp_path / "allowed_signers").write_bytes(world.evidence_signers.read_bytes())
    signature, digest_lines = Page(world.page("S1", "en")).code
    command, printed = digest_lines.strip().splitlines()

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "Good" in run(signature).stdout and run(command).stdout.strip() == printed.strip()
    path = tmp_path / f"{name_of('S1')}.json"
    path.write_bytes(path.read_bytes().replace(b"purge", b"clear", 1))
    assert run(signature).returncode != 0


def replaced(value: t.Any, text: str, kept: t.Collection[str]) -> t.Any:
    """The same with every text that is no code of ours replaced."""
    if isinstance(value, dict):
        return {key: item if key in kept else replaced(item, text, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, text, kept) for item in value]
    return text if isinstance(value, str) else value


CODES = (
    *("format", "set", "issued", "forms", "id", "section", "state", "from", "to", "key", "kind", "what", "time", "begun", "ended"),
    *("created", "expires", "confidence", "decisive"),
)


@functools.cache
def usual_elements(code: str, serial: str, world: CertificateWorld) -> list[str]:
    return sorted(tag for tag, _attributes in Page(hostile_page(world, code, serial, "a name")).elements)


def hostile_page(world: CertificateWorld, code: str, serial: str, text: str) -> str:
    certificate = copy.deepcopy(world.certificate(serial))
    boxes = {field["id"]: field["value"] for field in certificate["fields"] if field["id"] in BOXES}
    certificate = replaced(certificate, text, CODES)
    for field in certificate["fields"]:
        field["value"] = boxes.get(field["id"], field["value"])
    raw = render_media_certificate(certificate, language=code, key=text)
    raw.encode("utf-8")
    return raw


@BOTH
@pytest.mark.parametrize("serial", ["S1", "S2"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_becomes_markup(world: CertificateWorld, code: str, serial: str, text: str) -> None:
    raw = hostile_page(world, code, serial, text)
    page = Page(raw)
    assert structure_faults(page, code) == []
    assert sorted(tag for tag, _attributes in page.elements) == usual_elements(code, serial, world)
    assert " ".join(visible(text).split()) in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", raw)


def test_names_with_markup_come_from_register_and_people_to_the_page(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1", make="<b>Make</b>", model="=1+1", bay="a&b"))
    world.sanitized("S1")
    anna = {**ANNA, "name": "Anna\nNowak", "title": "\u202eengineer"}
    world.issued("S1", people=[anna, BOB], media={"S1": {"notes": "<script>alert(1)</script>"}})
    for code in ("en", "pl"):
        text = world.page("S1", code)
        assert "<script" not in text and "<b>" not in text and "\u202e" not in text
        assert "Anna\\u000aNowak" in text and "\\u202eengineer" in text and "&lt;b&gt;Make&lt;/b&gt;" in text


@BOTH
def test_there_are_words_for_every_code(code: str) -> None:
    words = load_language(code)
    for technique in (*TECHNIQUES, *PHYSICAL):
        assert technique_words(words, technique) != technique
    limits = [
        particles._LOWEST_CATEGORIES,
        degaussing._OUT_OF_USE,
        verifying.LIMIT_SAMPLE,
        verifying.LIMIT_ADDRESSABLE,
        verifying.LIMIT_NO_EXPECTATION,
    ]
    assert code == "en" or not [text for text in limits if host_sentence(words, text) == text]
    assert set(words.table("media_certificate.states")) == set(STATES)
    assert set(words.table("order.kinds")) >= set(KINDS)
    assert set(words.table("media_certificate.fields")) == {field.id for field in FIELDS}
    for name, values in BOXES.items():
        assert list(words.table(f"media_certificate.boxes.{name}")) == values
