# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PDFs looked at by other eyes than those that made them: what PDF/A-3b asks for, what a reader reads, what a sheet shows."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.plugin_utils._pdf import check_pdf
from ansible_collections.recordings.disposal.plugins.plugin_utils._qr import check_qr

__all__ = ["Sheet", "attached", "known", "need_pdf", "opened", "pdfa_faults", "sheet_count", "sheets", "text_of"]

A4 = (595.28, 841.89)
_XMP = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
}
_FORBIDDEN_ACTIONS = {
    *("/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView"),
    *("/JavaScript", "/SubmitForm", "/GoToR", "/GoToE", "/URI"),
}
_RELATIONSHIPS = ("/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified")


def need_pdf() -> None:
    """Not run without what PDFs are made with and looked at; in CI that is a failure."""
    why = ""
    try:
        check_pdf()
        check_qr()
        for name in ("pikepdf", "zxingcpp"):
            importlib.import_module(name)
        why = ", ".join(f"the tool {tool} (poppler-utils) is not installed" for tool in ("pdftotext", "pdftoppm") if not shutil.which(tool))
    except (DisposalError, ImportError) as error:
        why = str(error)
    if why and os.environ.get("CI"):
        pytest.fail(f"not run: {why}", pytrace=False)
    if why:
        pytest.skip(f"not run: {why}")


def opened(data: bytes) -> t.Any:
    """To be used by C(with): parts of it do not outlive it."""
    import pikepdf

    return pikepdf.open(io.BytesIO(data))


def attached(data: bytes) -> dict[str, bytes]:
    """The files inside a PDF."""
    with opened(data) as pdf:
        return {str(name): file.get_file().read_bytes() for name, file in pdf.attachments.items()}


def sheet_count(data: bytes) -> int:
    with opened(data) as pdf:
        return len(pdf.pages)


def known(data: bytes) -> dict[str, str]:
    """What a PDF says of itself: C(/Title), C(/CreationDate) and so on, C(/Lang), and the first C(/ID)."""
    with opened(data) as pdf:
        told = {key: str(value) for key, value in pdf.docinfo.items()}
        return {**told, "/Lang": str(pdf.Root.Lang), "/ID": bytes(pdf.trailer["/ID"][0]).decode()}


def pdfa_faults(data: bytes) -> list[str]:
    """What keeps a PDF from being PDF/A-3b, tagged, on A4, with files attached; a sentence each."""
    checks = (_form_faults, _metadata_faults, _colour_faults, _font_faults, _action_faults, _file_faults, _sheet_faults)
    with opened(data) as pdf:
        faults = [fault for check in checks for fault in check(pdf)]
    if not re.match(rb"%PDF-1\.7\n%[\x80-\xff]{4}", data):
        faults.append("the header is not that of a PDF 1.7 with binary data")
    return faults


def _objects(pdf: t.Any) -> t.Iterator[t.Any]:
    """Every dictionary and stream, also those inside others."""
    import pikepdf

    stack = list(pdf.objects)
    while stack:
        item = stack.pop()
        if isinstance(item, (pikepdf.Dictionary, pikepdf.Stream)):
            yield item
            stack += [value for value in item.values() if isinstance(value, pikepdf.Object) and not value.is_indirect]
        elif isinstance(item, pikepdf.Array):
            stack += [value for value in item if isinstance(value, pikepdf.Object) and not value.is_indirect]


def _form_faults(pdf: t.Any) -> t.Iterator[str]:
    import pikepdf

    yield from (f"qpdf: {problem}" for problem in pdf.check_pdf_syntax())
    if pdf.is_encrypted or "/Encrypt" in pdf.trailer:
        yield "it is encrypted"
    if len(pdf.trailer.get("/ID", ())) != 2 or not all(bytes(part) for part in pdf.trailer["/ID"]):
        yield "it has no identifier"
    for item in _objects(pdf):
        if isinstance(item, pikepdf.Stream) and "/F" in item:
            yield "a stream is kept in another file"
        if "LZWDecode" in str(item.get("/Filter", "")):
            yield "a stream is compressed by LZW"
    if pdf.Root.get("/Lang") is None:
        yield "it has no language"
    if not pdf.Root.get("/MarkInfo", {}).get("/Marked") or "/StructTreeRoot" not in pdf.Root:
        yield "it is not tagged"


def _metadata_faults(pdf: t.Any) -> t.Iterator[str]:
    if "/Metadata" not in pdf.Root:
        yield "it has no XMP metadata"
        return
    root = ET.fromstring(pdf.Root.Metadata.read_bytes())
    described = root.findall(".//rdf:Description", _XMP)

    def found(prefix: str, name: str) -> list[str]:
        key = f"{{{_XMP[prefix]}}}{name}"
        inside = (element.text or "" for each in described for element in each.iter(key))
        return [*(each.attrib[key] for each in described if key in each.attrib), *inside]

    if (found("pdfaid", "part"), found("pdfaid", "conformance")) != (["3"], ["B"]):
        yield "XMP does not say PDF/A-3b"
    titles = [element.text for element in root.findall(".//dc:title/rdf:Alt/rdf:li", _XMP)]
    if titles != [str(pdf.docinfo.get("/Title"))]:
        yield f"the titles differ: {titles}"
    for key, name in (("/CreationDate", "CreateDate"), ("/ModDate", "ModifyDate")):
        said = [f"D:{re.sub(r'[-:T]', '', text)}" for text in found("xmp", name)]
        if said != [str(pdf.docinfo.get(key))]:
            yield f"the times {key} differ: {said}"
    if found("xmp", "CreatorTool") != [str(pdf.docinfo.get("/Creator"))]:
        yield "the names of what made it differ"


def _colour_faults(pdf: t.Any) -> t.Iterator[str]:
    import pikepdf

    intents = [intent for intent in pdf.Root.get("/OutputIntents", ()) if intent.S == "/GTS_PDFA1"]
    if len(intents) != 1:
        yield "it has no output intent"
        return
    profile = intents[0].DestOutputProfile
    icc = profile.read_bytes()
    if profile.N != 3 or icc[36:40] != b"acsp" or icc[16:20] != b"RGB " or icc[8] > 4 or int.from_bytes(icc[:4], "big") != len(icc):
        yield "the output intent has no ICC profile of an RGB device"
    for page in pdf.pages:
        used = {str(step.operator) for step in pikepdf.parse_content_stream(page)}
        if used & {"k", "K", "PS"}:
            yield "a sheet has colours of printing inks"
    for item in _objects(pdf):
        if item.get("/Subtype") == "/Image" and (item.get("/Interpolate") or "/Alternates" in item or "/OPI" in item):
            yield "an image is not what it seems"
        if item.get("/Type") == "/ExtGState" and {"/TR", "/HTP"} & set(item.keys()):
            yield "a graphics state has a transfer function"


def _font_faults(pdf: t.Any) -> t.Iterator[str]:
    fonts = [item for item in _objects(pdf) if item.get("/Type") == "/Font"]
    if not fonts:
        yield "it has no fonts"
    for font in fonts:
        name = str(font.get("/BaseFont"))
        if font.Subtype == "/Type0":
            if "/ToUnicode" not in font:
                yield f"the letters of {name} are not told"
            continue
        if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(font.get("/FontDescriptor", {}).keys()):
            yield f"the font {name} is not embedded"
        if font.Subtype == "/CIDFontType2" and "/CIDToGIDMap" not in font:
            yield f"the font {name} has no map of glyphs"
    for number, page in enumerate(pdf.pages, 1):
        if b"\0\0" in {glyph for shown in _shown(page) for glyph in _pairs(shown)}:
            yield f"sheet {number} shows a letter that its font lacks"


def _shown(page: t.Any) -> t.Iterator[bytes]:
    import pikepdf

    for step in pikepdf.parse_content_stream(page):
        if str(step.operator) == "Tj":
            yield bytes(step.operands[0])
        elif str(step.operator) == "TJ":
            yield from (bytes(part) for part in step.operands[0] if isinstance(part, pikepdf.String))


def _pairs(data: bytes) -> t.Iterator[bytes]:
    return (data[at : at + 2] for at in range(0, len(data), 2))


def _action_faults(pdf: t.Any) -> t.Iterator[str]:
    if {"/OpenAction", "/AA", "/AcroForm"} & set(pdf.Root.keys()) or "/JavaScript" in pdf.Root.get("/Names", {}):
        yield "it does something when it is opened"
    for item in _objects(pdf):
        if str(item.get("/S")) in _FORBIDDEN_ACTIONS or {"/JS", "/AA"} & set(item.keys()):
            yield f"it has the action {item.get('/S')}"
    if any("/Annots" in page for page in pdf.pages):
        yield "it has links or notes"


def _file_faults(pdf: t.Any) -> t.Iterator[str]:
    names = pdf.Root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
    keys = [bytes(key) for key in list(names)[::2]]
    specs = list(names)[1::2]
    if not specs or keys != sorted(set(keys)):
        yield "the names of its files are none, or not in order"
    associated = [spec.objgen for spec in pdf.Root.get("/AF", ())]
    if sorted(associated) != sorted(spec.objgen for spec in specs):
        yield "its files are not associated with it, each once"
    for spec in specs:
        stream = spec.EF.F
        data = stream.read_bytes()
        if str(spec.F) != str(spec.UF) or str(spec.get("/AFRelationship")) not in _RELATIONSHIPS or not str(spec.Desc):
            yield f"the file {spec.F} is not described"
        if not re.fullmatch(r"/[\w.+-]+/[\w.+-]+", str(stream.Subtype)) or "/ModDate" not in stream.Params:
            yield f"the file {spec.F} has no type or time"
        if stream.Params.Size != len(data) or bytes(stream.Params.CheckSum) != hashlib.md5(data, usedforsecurity=False).digest():
            yield f"the file {spec.F} has another size or checksum"


def _sheet_faults(pdf: t.Any) -> t.Iterator[str]:
    for number, page in enumerate(pdf.pages, 1):
        left, bottom, right, top = (float(end) for end in page.MediaBox)
        if abs(right - left - A4[0]) > 0.1 or abs(top - bottom - A4[1]) > 0.1 or page.get("/Rotate"):
            yield f"sheet {number} is not A4"


def text_of(data: bytes, *, first: int = 1, last: int = 0) -> str:
    """What a reader reads of it in the order of the page, from sheet C(first) to C(last), with each run of white space as one space."""
    told = ["pdftotext", "-raw", "-f", str(first), *(["-l", str(last)] if last else []), "-", "-"]
    return " ".join(subprocess.run(told, input=data, capture_output=True, check=True).stdout.decode().split())


class Sheet(t.NamedTuple):
    """A sheet as a picture, in grey."""

    width: int
    height: int
    dots: bytes

    @property
    def ink(self) -> float:
        """The share of it that is dark."""
        return sum(dot < 128 for dot in self.dots) / len(self.dots)

    def frame(self, share: float) -> bytes:
        """The dots of a frame around it, so wide."""
        across, down = int(self.width * share), int(self.height * share)
        rows = [self.dots[at : at + self.width] for at in range(0, len(self.dots), self.width)]
        return b"".join((*rows[:down], *rows[-down:], *(row[:across] + row[-across:] for row in rows)))

    def codes(self) -> list[str]:
        """What a scanner reads."""
        import zxingcpp

        return [str(found.text) for found in zxingcpp.read_barcodes(memoryview(self.dots).cast("B", shape=[self.height, self.width]))]


def sheets(data: bytes, directory: pathlib.Path, *, dpi: int = 110) -> list[Sheet]:
    subprocess.run(["pdftoppm", "-gray", "-r", str(dpi), "-", str(directory / "sheet")], input=data, check=True)
    found = []
    for path in sorted(directory.glob("sheet-*.pgm")):
        picture = path.read_bytes()
        path.unlink()
        head = re.match(rb"P5\s(\d+)\s(\d+)\s255\s", picture)
        assert head is not None
        found.append(Sheet(int(head[1]), int(head[2]), picture[head.end() :]))
    return found
