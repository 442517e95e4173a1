# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages as PDF/A: what is refused first, then that nothing in a page does anything, then what readers get."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils import _pdf
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._pdf import Attached, check_pdf, pdf_page
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import (
    attached,
    known,
    need_pdf,
    opened,
    pdfa_faults,
    sheet_count,
    sheets,
    text_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE

HERE = "ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.test_pdf"
POLISH = "Pójdźże, kiń tę chmurność w głąb flaszy! ĄĆĘŁŃÓŚŹŻ ąćęłńóśźż \u201etak\u201d \u2013 1\u00a0000,5 m²"
DATA = b'{"a":1}\n'
FILE = Attached("statement.json", DATA, "The statement", "application/json")
IDENTIFIER = digest(DATA)


def library_modules() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]


@pytest.fixture(autouse=True)
def _fresh() -> t.Iterator[None]:
    """What was found out about library and fonts is found out anew, before each test and after."""
    for found in (_pdf._library, _pdf._letters, _pdf._font_configuration):
        found.cache_clear()
    yield
    for found in (_pdf._library, _pdf._letters, _pdf._font_configuration):
        found.cache_clear()


@pytest.fixture
def ready() -> None:
    need_pdf()


def page(body: str, *, head: str = "", lang: str = "en") -> str:
    return f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n<title>A title</title>\n{head}</head>\n<body>{body}</body>\n</html>\n'


def made(body: str = "<h1>Head</h1><p>text</p>", *, head: str = "", **changes: t.Any) -> bytes:
    told: dict[str, t.Any] = {"attachments": [FILE], "language": "en", "title": "A title", "created": "2026-11-23T22:00:00Z"}
    told |= {"identifier": IDENTIFIER, **changes}
    return pdf_page(page(body, head=head), **told)


def refused(words: str, act: t.Callable[[], t.Any]) -> str:
    with pytest.raises(DisposalError, match=words) as caught:
        act()
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> t.Iterator[t.Callable[[str], None]]:
    """Puts another library in the place of the one that makes PDFs."""

    def put(text: str) -> None:
        (tmp_path / "weasyprint").mkdir()
        (tmp_path / "weasyprint" / "__init__.py").write_text(text, encoding="ascii")
        (tmp_path / "weasyprint" / "urls.py").write_text("", encoding="ascii")
        monkeypatch.syspath_prepend(str(tmp_path))

    real = {name: sys.modules.pop(name) for name in library_modules()}
    yield put
    for name in library_modules():
        del sys.modules[name]
    sys.modules.update(real)


class TestRefusals:
    def test_without_the_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "weasyprint", None)
        for act in (check_pdf, made):
            told = refused("PDFs are made by the Python library weasyprint, 70 or newer, and .* cannot use it", act)
            assert "pip install 'weasyprint>=70'" in told and "fonts-dejavu-core" in told and "nothing was written" in told

    def test_with_an_older_library(self, stand_in: t.Callable[[str], None]) -> None:
        stand_in("__version__ = '69.0'")
        refused(r"weasyprint, 70 or newer, .* \(found 69.0\)", check_pdf)

    def test_without_what_the_library_needs(self, stand_in: t.Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
        stand_in("print('-----')\nraise OSError('cannot load library libpango\\ncannot open file')\n")
        assert "cannot load library libpango cannot open file" in refused("apt-get install libpango-1.0-0", check_pdf)
        assert capsys.readouterr() == ("", "")

    def test_without_the_fonts(self, ready: None, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "fonts.conf"
        path.write_text(f"<fontconfig><cachedir>{tmp_path}</cachedir></fontconfig>", encoding="ascii")
        monkeypatch.setenv("FONTCONFIG_FILE", str(path))
        _pdf._letters.cache_clear()
        for act in (check_pdf, made):
            assert "fonts-dejavu-core" in refused(
                "set in the fonts DejaVu Sans and DejaVu Sans Mono, and one of them is not installed", act
            )

    @pytest.mark.parametrize(
        "answer",
        [None, "", "Nimbus Sans\t20-7e a0-17f", "DejaVu Sans Mono\t20-17f", "DejaVu Sans\t20-7e", "DejaVu Sans"],
        ids=["no tool", "nothing", "another font", "one of two", "no Polish letters", "no letters"],
    )
    def test_with_other_fonts(self, ready: None, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, answer: str | None) -> None:
        if answer is not None:
            (tmp_path / "fc-match").write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n", encoding="ascii")
            (tmp_path / "fc-match").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        _pdf._letters.cache_clear()
        refused("one of them is not installed", check_pdf)

    @pytest.mark.parametrize(
        "body",
        [
            '<img src="{url}" alt="">',
            '<p style="background: url({url})">x</p>',
            '<svg viewBox="0 0 9 9"><image href="{url}" width="9" height="9"/></svg>',
            '<object data="{url}"></object>',
            '<p style="content: url({url})">x</p><style>p::before {{ content: url({url}) }}</style>',
        ],
    )
    @pytest.mark.parametrize("kind", ["http", "file"])
    def test_whatever_a_page_asks_for(self, ready: None, body: str, kind: str, tmp_path: pathlib.Path) -> None:
        self.asked(kind, tmp_path, lambda url: made(body.format(url=url)))

    @pytest.mark.parametrize(
        "head",
        [
            '<link rel="stylesheet" href="{url}">',
            '<link rel="attachment" href="{url}">',
            "<style>@import url({url});</style>",
            "<style>@font-face {{ font-family: x; src: url({url}) }} p {{ font-family: x }}</style>",
        ],
    )
    @pytest.mark.parametrize("kind", ["http", "file"])
    def test_whatever_a_head_asks_for(self, ready: None, head: str, kind: str, tmp_path: pathlib.Path) -> None:
        self.asked(kind, tmp_path, lambda url: made(head=head.format(url=url)))

    @staticmethod
    def asked(kind: str, path: pathlib.Path, act: t.Callable[[str], bytes]) -> None:
        secret = path / "secret.css"
        secret.write_text("p { color: red }", encoding="ascii")
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            url = f"http://127.0.0.1:{server.getsockname()[1]}/x.css" if kind == "http" else secret.as_uri()
            refused(f"no PDF can be made of the page with weasyprint .*: it asks for {url}, which is not in it", lambda: act(url))
            with pytest.raises(BlockingIOError):
                server.accept()

    @pytest.mark.parametrize("name", ["", ".hidden", "../x", "a/b", "a b", "ą.json", "-x", "x\n", "a\0b"])
    def test_a_name_that_is_no_file_s(self, ready: None, name: str) -> None:
        refused("cannot be attached to a PDF by these names", lambda: made(attachments=[FILE, FILE._replace(name=name)]))

    def test_two_files_of_one_name(self, ready: None) -> None:
        refused("cannot be attached", lambda: made(attachments=[FILE, FILE._replace(data=b"other")]))

    @pytest.mark.parametrize("created", ["", "yesterday", "2026-11-23", "2026-02-30T00:00:00Z", "2026-11-23T22:00:00+01:00"])
    def test_a_time_that_is_none(self, ready: None, created: str) -> None:
        refused("no PDF can be made of the page, since", lambda: made(created=created))

    def test_another_language(self, ready: None) -> None:
        with pytest.raises(RefusedError, match="allowed are en, pl"):
            made(language="de")

    def test_a_page_that_the_library_cannot_lay_out(self, ready: None, monkeypatch: pytest.MonkeyPatch) -> None:
        import weasyprint

        def fail(*_arguments: t.Any, **_more: t.Any) -> t.NoReturn:
            raise ValueError("max() arg is\nan empty sequence")

        monkeypatch.setattr(weasyprint, "HTML", fail)
        refused(r"with weasyprint \S+: ValueError: max\(\) arg is an empty sequence; install", made)

    def test_a_part_that_the_library_would_leave_out(self, ready: None) -> None:
        refused("Failed to load image", lambda: made('<p><img alt="x" src="data:image/png;base64,AAAA"> text</p>'))


@pytest.mark.usefixtures("ready")
class TestHostilePages:
    @pytest.mark.parametrize(
        "text",
        [
            *HOSTILE,
            "</title></head><style>@page { size: A5 }</style>",
            '"; } @page { size: A5; @top-center { content: "x" } } p { display: none } /*',
            "\\22 ; } @page { size: A5 }",
            "url(http://127.0.0.1:9/x) expression(alert(1)) \\",
            "(parentheses) \\) /Launch << >> endobj",
            "\u5e74\u6708 \U0001f5d1 \U0001f5d1\ufe0f \ufffe \U000f0000 e\u0301",
            "\u05e9\u05dc\u05d5\u05dd 123 \u0645\u0631\u062d\u0628\u0627",
            "x" * 700,
        ],
    )
    def test_a_title_is_shown_letter_by_letter(self, text: str, tmp_path: pathlib.Path) -> None:
        data = made("<h1>Head</h1>" + "<p>line</p>" * 90, title=text)
        assert pdfa_faults(data) == []
        assert sheet_count(data) == sheet_count(made("<h1>Head</h1>" + "<p>line</p>" * 90)) > 1
        title = known(data)["/Title"]
        shown = visible(text).replace("\u5e74\u6708", "\\u5e74\\u6708").replace("\ufffe", "\\ufffe").replace("\ufe0f", "\\ufe0f")
        assert title == shown.replace("\U0001f5d1", "\\U0001f5d1").replace("\U000f0000", "\\U000f0000")
        header = " ".join(title.split()) if len(title) <= 100 else f"{title[:99]}…"
        # Readers turn what is written from right to left.
        assert f"line {header} statement.json" in text_of(data, first=2, last=2) or "\u05e9" in text
        assert all(set(sheet.frame(0.03)) == {255} for sheet in sheets(data, tmp_path, dpi=40))

    def test_letters_that_the_font_lacks_are_shown_as_escapes(self) -> None:
        data = made("<p>recorder\u5e74-\U0001f5d1</p><p><code>\u6708</code></p>")
        assert pdfa_faults(data) == []
        told = text_of(data)
        assert "recorder\\u5e74-\\U0001f5d1" in told and "\\u6708" in told

    def test_every_letter_of_the_font_is_drawn(self) -> None:
        letters = sorted(_pdf._letters())
        assert len(letters) > 4000
        text = " ".join(f"&#{ord(letter)};" for letter in letters)
        style = "<style>p { font-family: var(--sans) } code { font-family: var(--mono) }</style>"
        data = made(f"<p>{text}</p><p><b>{text}</b></p><p><code>{text}</code></p>", head=style)
        assert pdfa_faults(data) == []

    def test_data_of_the_page_itself_are_read(self) -> None:
        assert pdfa_faults(made('<p><img alt="x" src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">x</p>')) == []


@pytest.mark.usefixtures("ready")
class TestPages:
    def test_a_page_is_pdf_a(self) -> None:
        assert pdfa_faults(made()) == []

    def test_a_pdf_that_is_not_is_found_out(self) -> None:
        import weasyprint

        faults = " ".join(pdfa_faults(weasyprint.HTML(string=page('<a href="https://example.com">x</a>')).write_pdf()))
        for words in ("no identifier", "not tagged", "no XMP metadata", "no output intent", "/URI", "links or notes", "names of its files"):
            assert words in faults, words

    def test_files_are_attached_as_they_are(self) -> None:
        files = [FILE, Attached("statement.json.sig", b"\0\xff\r\n" * 9, "Signature", "application/octet-stream", "Supplement")]
        files.append(Attached("A.csv", b"", "Nothing", "text/csv", "Data"))
        data = made(attachments=files)
        assert pdfa_faults(data) == []
        assert attached(data) == {file.name: file.data for file in files}
        with opened(data) as pdf:
            for file in files:
                found = pdf.attachments[file.name].obj
                told = (str(found.AFRelationship), str(found.EF.F.Subtype), str(found.Desc))
                assert told == (f"/{file.relationship}", f"/{file.mime}", file.description)

    def test_a_page_without_files(self) -> None:
        data = made(attachments=[])
        assert pdfa_faults(data) == ["the names of its files are none, or not in order"] and attached(data) == {}
        assert text_of(data).endswith(f"{IDENTIFIER} Page 1 of 1")

    @pytest.mark.parametrize("code", ["en", "pl"])
    def test_number_and_digest_stand_on_each_sheet(self, code: str) -> None:
        data = made(f"<h1>{POLISH}</h1>" + "<p>line</p>" * 200, language=code, title="Protokół żółci")
        count = sheet_count(data)
        assert count > 2 and known(data)["/Lang"] == code
        for number in range(1, count + 1):
            told = text_of(data, first=number, last=number)
            page_number = load_language(code).word("pdf.page").format(page=number, pages=count)
            assert told.endswith(f"line {'Protokół żółci ' if number > 1 else ''}statement.json {IDENTIFIER} {page_number}")
            assert told.startswith(" ".join(POLISH.split()) if number == 1 else "line")

    def test_the_same_gives_the_same_bytes(self, tmp_path: pathlib.Path) -> None:
        body = f'<h1 id="a">{POLISH}</h1><p><b>b</b> <code>c</code> <a href="#a">d</a></p><table><tr><td>1<td>2</table>'
        first = made(body, created="2026-11-23T22:00:00.123456Z")
        script = tmp_path / "again.py"
        script.write_text(
            f"import sys\nfrom {HERE} import made\nsys.stdout.buffer.write(made({body!r}, created='2026-11-23T22:00:00.123456Z'))\n",
            encoding="utf-8",
        )
        for seed, zone in (("1", "Asia/Tokyo"), ("77", "America/New_York")):
            around = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}
            again = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=around, capture_output=True, check=True).stdout
            assert again == first
        told = known(first)
        assert (told["/ID"], told["/CreationDate"], told["/ModDate"]) == (IDENTIFIER, "D:20261123220000Z", "D:20261123220000Z")

    @pytest.mark.parametrize(
        "changes", [{"identifier": digest(b"x")}, {"created": "2026-11-23T22:00:01Z"}, {"title": "x"}, {"language": "pl"}]
    )
    def test_something_else_gives_other_bytes(self, changes: dict[str, t.Any]) -> None:
        assert made(**changes) != made()

    def test_nothing_is_printed_or_left_behind(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        made()
        assert capfd.readouterr() == ("", "") and list(tmp_path.iterdir()) == []

    def test_a_page_takes_no_longer_than_people_wait(self) -> None:
        made()
        started = time.process_time()
        made("<p>word word word</p>" * 200)
        assert time.process_time() - started < 5
