# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a medium as PDF: it shows what the HTML page shows, and carries what is signed."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_certificate_page import render_media_certificate_pdf
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_scan import scan
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import (
    ANNA,
    BOB,
    SIGNER,
    CertificateWorld,
    medium,
    name_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import (
    attached,
    known,
    need_pdf,
    pdfa_faults,
    sheet_count,
    sheets,
    text_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page

CODES = ("en", "pl")
# One that was sanitized, with a hostile make and notes, and one that was shredded.
SERIALS = ("S1", "S2")
MAKE = "<b>Żółw</b>\u202e\n& Co"
KEY = "SHA256:" + "k" * 43
SIGNATURE = b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"


def squeezed(text: str) -> str:
    """Without white space, at which a sheet may break whatever it likes."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(autouse=True)
def _ready() -> None:
    need_pdf()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> CertificateWorld:
    need_pdf()
    world = CertificateWorld(tmp_path_factory.mktemp("pdf"), medium("S1"), medium("S2", kind="hdd", required_level="destroy"))
    world.sanitized("S1")
    world.moved("released", "S2")
    world.shredded("S2", kind="hdd")
    told = {"S1": {"notes": f"{MAKE} \u5e74 \U0001f5d1 <script>alert(1)</script>"}}
    world.issued(people=[{**ANNA, "title": MAKE}, BOB], media=told, formats=["html", "pdf"])
    return world


def pdf(world: CertificateWorld, serial: str, code: str) -> bytes:
    return (world.certificates / f"{name_of(serial)}.{code}.pdf").read_bytes()


EACH = pytest.mark.parametrize(("serial", "code"), [(serial, code) for serial in SERIALS for code in CODES])


# Refused.


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_missing_library_is_told_before_anything_is_written(
    world: CertificateWorld, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    before = snapshot(world.path)
    result = world.issue("S1", formats=["pdf"], check_mode=check_mode)
    assert result["failed"] and not result["changed"] and "\n" not in result["msg"]
    assert "segno, which makes the QR codes of work orders and certificates, is not installed" in result["msg"]
    assert result["msg"].endswith("so nothing was written; install it (pip install segno)")
    assert snapshot(world.path) == before


def test_what_the_page_refuses_the_pdf_refuses(world: CertificateWorld) -> None:
    def made(language: str = "en", **changes: t.Any) -> bytes:
        return render_media_certificate_pdf({**world.certificate("S1"), **changes}, language=language, key=KEY, signature=SIGNATURE)

    with pytest.raises(EvidenceError, match="the certificate lacks 'property_number', so there is no page"):
        made(fields=world.certificate("S1")["fields"][:3])
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        made("de")
    with pytest.raises(DisposalError, match="since 'yesterday' is not a time"):
        made(issued="yesterday")


# Made.


@EACH
def test_it_is_pdf_a_on_a4_and_carries_what_is_signed(world: CertificateWorld, serial: str, code: str) -> None:
    data, path = pdf(world, serial, code), world.certificates / f"{name_of(serial)}.json"
    assert pdfa_faults(data) == []
    told, signed = known(data), path.read_bytes()
    assert attached(data) == {path.name: signed, f"{path.name}.sig": path.with_name(f"{path.name}.sig").read_bytes()}
    title = load_language(code).word("media_certificate.title_destroyed" if serial == "S2" else "media_certificate.title")
    assert (told["/Title"], told["/Lang"], told["/ID"]) == (f"{title}, {serial}", code, digest(signed))
    issued = world.certificate(serial)["issued"]
    assert told["/CreationDate"] == f"D:{re.sub(r'[-:T]', '', issued[:19])}Z"


@EACH
def test_it_says_what_the_page_says(world: CertificateWorld, serial: str, code: str) -> None:
    page = Page(world.page(serial, code))
    told = squeezed(text_of(pdf(world, serial, code)))
    assert [heading for _level, heading in page.headings if squeezed(heading) not in told] == []
    shown = [cell for table in page.tables for row in table.rows for cell in row if len(cell) < 25]
    assert len(shown) > 60 and [cell for cell in shown if squeezed(cell) not in told] == []


@EACH
def test_the_first_sheet_tells_outcome_and_all_that_was_not_checked(world: CertificateWorld, serial: str, code: str) -> None:
    language = load_language(code)
    first = squeezed(text_of(pdf(world, serial, code), last=1))
    keys = ["media_certificate.outcome_heading", "certificate.unchecked_heading", "media_certificate.unchecked_lead"]
    places = [first.find(squeezed(language.word(key))) for key in keys]
    assert -1 not in places and places == sorted(places)
    block = re.search(r'aria-labelledby="unchecked">(.*?)</section>', world.page(serial, code), re.DOTALL)
    assert block is not None
    rows = re.findall(r"<li>(.*?)</li>", block[1], re.DOTALL)
    assert len(rows) == len(world.certificate(serial)["not_checked"]) >= 4
    assert [row for row in rows if squeezed(Page(row).text) not in first] == []


@EACH
def test_the_sheets_as_pictures(world: CertificateWorld, serial: str, code: str, tmp_path: pathlib.Path) -> None:
    data, language, file = pdf(world, serial, code), load_language(code), f"{name_of(serial)}.json"
    known_as = digest((world.certificates / file).read_bytes())
    found, count = sheets(data, tmp_path), sheet_count(data)
    assert len(found) == count and found[0].codes() == [known_as]
    for number, sheet in enumerate(found, 1):
        assert 0.003 < sheet.ink < 0.2
        assert set(sheet.frame(0.03)) == {255}, "something stands outside the margins"
        mark = language.word("pdf.page").format(page=number, pages=count)
        assert text_of(data, first=number, last=number).endswith(f"{file} {known_as} {mark}")


@pytest.mark.parametrize("code", CODES)
def test_names_are_shown_as_they_are_written(world: CertificateWorld, code: str) -> None:
    told = squeezed(text_of(pdf(world, "S1", code)))
    # As the escapes of what does not show, and of what the fonts lack.
    notes = squeezed(f"{visible(MAKE)} \\u5e74 \\U0001f5d1 <script>alert(1)</script>")
    assert notes in told and told.count(squeezed(visible(MAKE))) >= 2
    assert "\u202e" not in told


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_no_name_does_anything(world: CertificateWorld, number: int) -> None:
    text, code = HOSTILE[number], CODES[number % 2]
    certificate = world.certificate("S1")
    certificate["issued_by"] = {"principal": text, "organisation": text}
    certificate["persons"]["performer"]["principal"] = certificate["plan"]["author"] = text
    for field in certificate["fields"]:
        if field["id"] in ("manufacturer", "model", "performer_name", "validator_title"):
            field["value"] = text
    certificate["custody"][0].update(place=text, reason=text)
    data = render_media_certificate_pdf(certificate, language=code, key=text, signature=SIGNATURE)
    assert pdfa_faults(data) == []
    assert squeezed(text_of(data)).count(squeezed(visible(text))) >= 8


@pytest.mark.parametrize("code", CODES)
def test_the_commands_on_the_sheets_verify_what_is_attached(world: CertificateWorld, code: str, tmp_path: pathlib.Path) -> None:
    file = f"{name_of('S2')}.json"
    name = f"{name_of('S2')}.{code}.pdf"
    (tmp_path / name).write_bytes(pdf(world, "S2", code))
    (tmp_path / "allowed_signers").write_bytes(world.evidence_signers.read_bytes())
    text = text_of((tmp_path / name).read_bytes())
    take_out = f"pdfdetach -saveall {name}"
    verify = re.search(rf"ssh-keygen -Y verify .*? < {file}", text)
    assert take_out in text and verify is not None

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-ec", line], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run(take_out).returncode == 0
    assert 'Good "evidence@recordings.disposal" signature' in run(verify[0]).stdout
    assert f"{run(f'sha256sum {file}').stdout.split()[0]} {file}" in text
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes().replace(b"destroy", b"destroi", 1))
    assert run(verify[0]).returncode != 0


def test_again_gives_the_same_files_and_a_newer_one_takes_old_pages_away(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1")
    name = name_of("S1")
    world.issued(formats=["pdf"], languages=["pl"])
    assert {path.name for path in world.certificates.iterdir()} == {f"{name}{end}" for end in (".json", ".json.sig", ".pl.pdf")}
    before = snapshot(world.certificates)
    assert not world.issued(formats=["pdf"], languages=["pl"])["changed"] and snapshot(world.certificates) == before
    world.moved("in_custody", "S1")
    row = world.issued(formats=["html"], languages=["en"])["certificates"][0]
    kept = pathlib.Path(row["superseded"]).name
    ends = {f"{name}{end}" for end in (".json", ".json.sig", ".en.html")}
    assert {path.name for path in world.certificates.iterdir()} == {*ends, kept, f"{kept}.sig"}


def test_a_page_of_another_signature_is_taken_away(tmp_path: pathlib.Path) -> None:
    world = CertificateWorld(tmp_path, medium("S1"))
    world.sanitized("S1")
    world.issued(formats=["pdf"], languages=["pl"])
    (world.certificates / f"{name_of('S1')}.json.sig").unlink()
    world.issued(formats=["html"], languages=["pl"])
    ends = (".json", ".json.sig", ".pl.html")
    assert {path.name for path in world.certificates.iterdir()} == {f"{name_of('S1')}{end}" for end in ends}


def test_the_store_keeps_each_page_with_its_certificate(world: CertificateWorld) -> None:
    found = scan(str(world.dest), allowed_signers=world.evidence_signers.read_text(encoding="ascii"), signer=SIGNER)
    kept = {item.name.rpartition("/")[2] for unit in found.units if unit.kind == "certificate" for item in unit.items}
    assert kept == {path.name for path in world.certificates.iterdir()} and f"{name_of('S1')}.pl.pdf" in kept
