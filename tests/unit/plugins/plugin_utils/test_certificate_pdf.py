# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a run as PDF: it shows what the HTML page shows, and carries what it shows."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils._certificate import render_certificate, render_certificate_pdf
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import statement_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import (
    attached,
    known,
    need_pdf,
    pdfa_faults,
    sheet_count,
    sheets,
    text_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import (
    HOSTILE,
    Page,
    entry_of,
    manifest_of,
    result,
    statement_of,
)

BOTH = pytest.mark.parametrize("code", ["en", "pl"])
SIGNATURE = b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"
Statement = dict[str, t.Any]


def pdf_of(statement: Statement, manifest: Statement, *, code: str = "en", signature: bytes | None = SIGNATURE) -> bytes:
    return render_certificate_pdf(statement, language=code, manifest=manifest, signature=signature)


def squeezed(text: str) -> str:
    """Without white space, at which a sheet may break whatever it likes."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(autouse=True)
def _ready() -> None:
    need_pdf()


@pytest.fixture(scope="module", params=["en", "pl"])
def usual(request: pytest.FixtureRequest) -> tuple[str, Statement, bytes]:
    """Language, statement and PDF of a run that did not destroy all."""
    need_pdf()
    manifest = manifest_of()
    entries = {host: entry_of(part) for host, part in manifest["hosts"].items()}
    entries["dialer1"] = entry_of(manifest["hosts"]["dialer1"], not_destroyed=17, unknown=3)
    statement = statement_of(manifest, entries)
    return request.param, statement, pdf_of(statement, manifest, code=request.param)


def test_refuses_what_the_page_refuses() -> None:
    manifest = manifest_of()
    with pytest.raises(EvidenceError, match="the statement is over the manifest"):
        pdf_of(statement_of(manifest), manifest_of(author="someone@example.com"))
    with pytest.raises(EvidenceError, match="has no predicate"):
        pdf_of({}, manifest)
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        pdf_of(statement_of(manifest), manifest, code="de")
    with pytest.raises(DisposalError, match="since 'yesterday' is not a time"):
        pdf_of(statement_of(manifest, created="yesterday"), manifest)


def test_the_library_of_codes_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifest_of()
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(DisposalError, match=r"segno, which makes the QR codes .*; install it \(pip install segno\)"):
        pdf_of(statement_of(manifest), manifest)


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "} @page { size: A5 } </style>", "url(http://127.0.0.1:9/x)", "\u5e74 \U0001f5d1", pytest.param("w" * 300, id="long")],
)
def test_no_name_does_anything(text: str, tmp_path: pathlib.Path) -> None:
    code = ("en", "pl")[len(text) % 2]
    manifest = manifest_of()
    manifest["policy"].update(id=text, version=text, owner=text)
    part = manifest["hosts"].pop("dialer1")
    part["classes"][text] = part["classes"].pop("brokerage")
    part["sources"][0]["roots"] = [text]
    manifest["hosts"][text] = part
    statement = statement_of(manifest, None, author=text, collection=text, run=text, not_checked=[text], problems=[text], complete=False)
    statement["predicate"]["hosts"][text]["reasons"] = {text: 4}
    statement["predicate"]["approvals"][0] = {"principal": text, "key": text, "namespace": text}
    data = pdf_of(statement, manifest, code=code)
    assert pdfa_faults(data) == []
    shown = visible(text).replace("\u5e74", "\\u5e74").replace("\U0001f5d1", "\\U0001f5d1")
    assert squeezed(text_of(data)).count(squeezed(shown)) >= 10
    assert attached(data)["statement.json"] == statement_bytes(statement)
    for sheet in sheets(data, tmp_path, dpi=50):
        assert set(sheet.frame(0.03)) == {255} and sheet.ink > 0


@BOTH
def test_an_unfinished_run_is_unmistakable(code: str) -> None:
    language = load_language(code)
    names = [f"recorder{number:02}.example.com" for number in range(20)]
    manifest = manifest_of({name: result(name) for name in names})
    problems = [f"{name}: the journal is missing; run the sweep again" for name in names]
    statement = statement_of(manifest, {}, missing_hosts=names, complete=False, problems=problems)
    data = pdf_of(statement, manifest, code=code)
    assert pdfa_faults(data) == []
    assert known(data)["/Title"].startswith(language.word("certificate.title_incomplete"))
    first, whole = squeezed(text_of(data, last=1)), squeezed(text_of(data))
    for key in ("title_incomplete", "incomplete_heading", "incomplete_lead", "unchecked_heading"):
        assert squeezed(language.word(f"certificate.{key}")) in first
    for key in ("databases", "content"):
        assert squeezed(language.word(f"method_limits.{key}")) in first
    assert squeezed(language.word("certificate.incomplete_more_problems").format(number=12)) in first
    assert all(squeezed(problem) in whole for problem in problems)


def test_it_is_pdf_a_on_a4(usual: tuple[str, Statement, bytes]) -> None:
    code, statement, data = usual
    assert pdfa_faults(data) == []
    told, language = known(data), load_language(code)
    assert told["/Title"] == f"{language.word('certificate.title')}, {statement['predicate']['run']}"
    assert (told["/Lang"], told["/ID"]) == (code, digest(statement_bytes(statement)))
    assert told["/CreationDate"] == f"D:{re.sub(r'[-:T]', '', statement['predicate']['created'][:19])}Z"


def test_it_says_what_the_page_says(usual: tuple[str, Statement, bytes]) -> None:
    code, statement, data = usual
    page = Page(render_certificate(statement, language=code, manifest=manifest_of()))
    told = squeezed(text_of(data))
    for _level, heading in page.headings:
        assert squeezed(heading) in told, heading
    cells = [cell for table in page.tables for row in table.rows for cell in row if len(cell) < 25]
    assert len(cells) > 60 and [cell for cell in cells if squeezed(cell) not in told] == []
    if code == "pl":
        assert set(text_of(data)) >= set("ąćęłńóśż")


def test_the_first_sheet_tells_outcome_and_what_was_not_checked(usual: tuple[str, Statement, bytes]) -> None:
    code, _statement, data = usual
    language = load_language(code)
    first = squeezed(text_of(data, last=1))
    keys = ["title", "result_heading", "unchecked_heading", "unchecked_lead", "persons_heading"]
    places = [first.find(squeezed(language.word(f"certificate.{key}"))) for key in keys]
    assert -1 not in places and places == sorted(places)
    for key in ("databases", "content"):
        assert squeezed(language.word(f"method_limits.{key}")) in first


def test_each_sheet_has_number_and_digest(usual: tuple[str, Statement, bytes]) -> None:
    code, statement, data = usual
    count, language = sheet_count(data), load_language(code)
    for number in range(1, count + 1):
        page = language.word("pdf.page").format(page=number, pages=count)
        assert text_of(data, first=number, last=number).endswith(f"statement.json {digest(statement_bytes(statement))} {page}")


def test_the_sheets_as_pictures(usual: tuple[str, Statement, bytes], tmp_path: pathlib.Path) -> None:
    _code, statement, data = usual
    found = sheets(data, tmp_path)
    assert len(found) == sheet_count(data)
    assert found[0].codes() == [digest(statement_bytes(statement))]
    for sheet in found:
        assert 0.005 < sheet.ink < 0.2
        assert set(sheet.frame(0.03)) == {255}, "something stands outside the margins"


def test_what_is_attached(usual: tuple[str, Statement, bytes]) -> None:
    _code, statement, data = usual
    assert attached(data) == {"statement.json": statement_bytes(statement), "statement.json.sig": SIGNATURE}


def signed_pdf(tmp_path: pathlib.Path, statement: Statement, manifest: Statement, *, code: str, signer: str) -> pathlib.Path:
    """A directory with the PDF of a statement that is really signed, and who may sign."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    signed = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(tmp_path / "key"), "-n", "evidence@recordings.disposal"]
    signature = subprocess.run(signed, input=statement_bytes(statement), capture_output=True, check=True).stdout
    place = tmp_path / "read"
    place.mkdir()
    (place / f"certificate.{code}.pdf").write_bytes(pdf_of(statement, manifest, code=code, signature=signature))
    (place / "allowed_signers").write_text(f"{signer} {(tmp_path / 'key.pub').read_text(encoding='ascii')}", encoding="ascii")
    return place


def test_the_lines_of_the_page_on_verifying_take_the_statement_out(tmp_path: pathlib.Path) -> None:
    page = (pathlib.Path(__file__).resolve().parents[4] / "docs" / "verify.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"(?:^ {4}.*\n)+", page.partition("## From a PDF")[2].partition("\n## ")[0], re.MULTILINE)
    manifest = manifest_of()
    statement = statement_of(manifest)
    place = signed_pdf(tmp_path, statement, manifest, code="en", signer="evidence@example.com")

    def followed(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-eu"], input=script, cwd=place, capture_output=True, text=True, check=False)

    done = followed(lines)
    assert done.returncode == 0 and 'Good "evidence@recordings.disposal" signature' in done.stdout, done.stderr
    assert digest(statement_bytes(statement))[7:] in done.stdout
    taken = place / "statement.json"
    taken.write_bytes(taken.read_bytes()[:-2] + b" }")
    assert followed("".join(lines.splitlines(keepends=True)[1:])).returncode != 0


@BOTH
def test_the_commands_on_the_sheets_verify_what_is_attached(code: str, tmp_path: pathlib.Path) -> None:
    manifest, name = manifest_of(), f"certificate.{code}.pdf"
    statement = statement_of(manifest)
    signed_pdf(tmp_path, statement, manifest, code=code, signer="seal@example.com")
    text = text_of((tmp_path / "read" / name).read_bytes())
    take_out = f"pdfdetach -saveall {name}"
    find, verify = (
        re.search(rf"ssh-keygen -Y {word} .*?(?= ssh-keygen| SIGNER |$)", text)
        for word in ("find-principals", "verify .*? < statement.json")
    )
    assert take_out in text and find is not None and verify is not None

    def run(line: str) -> str:
        return subprocess.run(["sh", "-ec", line], cwd=tmp_path / "read", capture_output=True, text=True, check=True).stdout

    run(take_out)
    assert run(find[0]).strip() == "seal@example.com"
    good = verify[0].partition("< statement.json")
    assert 'Good "evidence@recordings.disposal" signature' in run(f"{good[0]}{good[1]}".replace("SIGNER", "seal@example.com"))
    assert digest(statement_bytes(statement))[7:] in run("sha256sum statement.json")


def test_the_same_statement_gives_the_same_bytes() -> None:
    manifest = manifest_of()
    statement = statement_of(manifest)
    first = pdf_of(statement, manifest, code="pl")
    assert pdf_of(statement, manifest, code="pl") == first
    assert pdf_of(statement, manifest, code="pl", signature=None) != first
    assert attached(pdf_of(statement, manifest, signature=None)).keys() == {"statement.json"}
    assert pdf_of(statement_of(manifest, created="2026-11-24T03:41:10Z"), manifest, code="pl") != first


def test_it_takes_less_than_five_seconds() -> None:
    names = [f"recorder{number:02}.example.com" for number in range(6)]
    manifest = manifest_of({name: result(name) for name in names})
    statement = statement_of(manifest)
    started = time.process_time()
    pdf_of(statement, manifest)
    assert time.process_time() - started < 5
