# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page as PDF/A-3b: the HTML page on A4, with the files that it shows attached.

The same page and files give the same bytes, as long as fonts and libraries stay the same. Nothing is fetched from network or disk.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import logging
import pathlib
import re
import subprocess
import sys
import types
import typing as t
import warnings

from ..module_utils._errors import DisposalError
from ..module_utils._evidence.clock import parse_time
from ..module_utils._sweep.version import VERSION
from ._language import Language, load_language, visible

__all__ = ["Attached", "check_pdf", "pdf_page"]

_STYLE = pathlib.Path(__file__).parent / "templates" / "pdf.css"
_SANS, _MONO = "DejaVu Sans", "DejaVu Sans Mono"
_POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"
_PACKAGES = (
    "on Debian and Ubuntu with apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core, on RHEL and Fedora "
    "with dnf install pango dejavu-sans-fonts dejavu-sans-mono-fonts"
)
# Those before give the cells of tables other names each time.
_OLDEST = 70
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*", re.ASCII)
# Pictographs and what makes a letter one: where there is a font of coloured pictures, it is taken for them instead of the one that is asked for.
_FIRST_PICTURE = 0x1F000
_PICTURE_MARKS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_LONGEST_HEADER = 100


class Attached(t.NamedTuple):
    """A file inside the PDF.

    :ivar relationship: the file's to the page, by the names of ISO 32000-2 (7.11.3).
    """

    name: str
    data: bytes
    description: str
    mime: str
    relationship: str = "Source"


def check_pdf() -> None:
    """See whether PDFs can be made on this controller.

    :raises DisposalError: the library or the fonts are missing.
    """
    _library()
    _letters()


def pdf_page(html: str, *, attachments: t.Sequence[Attached], language: str, title: str, created: str, identifier: str) -> bytes:
    """The page as PDF/A-3b, tagged; its number and the identifier stand on each of its sheets.

    A letter that the font lacks is shown as its escape.

    :arg html: a page that needs nothing besides itself.
    :arg attachments: of these the first is what the page shows, if there are any.
    :arg created: the time of what the page shows, RFC 3339 UTC; the PDF has the same.
    :arg identifier: the digest of what the page shows; it becomes the identifier of the PDF.
    :raises DisposalError: the library or the fonts are missing, or no PDF can be made of the page.
    """
    library = _library()
    letters = _letters()
    try:
        moment = parse_time(created).replace(microsecond=0)
    except ValueError as error:
        raise DisposalError(
            f"no PDF can be made of the page, since {error}; use the version of the collection that wrote what it shows"
        ) from error
    title = _drawable(visible(title), letters)
    mark = f"{attachments[0].name} {identifier}" if attachments else identifier
    style = _STYLE.read_text(encoding="utf-8") + _margins(load_language(language), title=title, mark=_drawable(mark, letters))
    # What the page itself says is escaped, so the first end of a head is that of the head.
    styled = _drawable(html, letters).replace("</head>", f"<style>\n{style}</style>\n</head>", 1)
    faults: list[str] = []
    fetcher = _fetcher(library, attachments, faults)
    files = [_embedded(library, file, fetcher, moment) for file in _sorted(attachments)]
    options = {"pdf_variant": "pdf/a-3b", "pdf_tags": True}
    pdf = b""
    try:
        with warnings.catch_warnings(action="ignore"), _errors_told(faults):
            document = library.HTML(string=styled, url_fetcher=fetcher).render(font_config=_font_configuration(), **options)
            _describe(document.metadata, title=title, language=language, time=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
            pdf = document.write_pdf(finisher=_finish, attachments=files, pdf_identifier=identifier.encode(), **options)
    # How a page can defeat a layout engine is more than its authors could list; some of what it raises is no Exception.
    except (Exception, library.urls.FatalURLFetchingError) as error:
        faults.append(f"{type(error).__name__}: {error}")
    if faults:
        raise DisposalError(
            f"no PDF can be made of the page with weasyprint {library.__version__}: {' '.join(faults[0].split())}; install the collection "
            "again and the version that its requirements name, or do without PDF"
        )
    return pdf


@contextlib.contextmanager
def _errors_told(faults: list[str]) -> t.Iterator[None]:
    """What the library only logs: that it left out a part of the page."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: faults.append(record.getMessage())  # type: ignore[method-assign]  # shorter than a class
    logger = logging.getLogger("weasyprint")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@functools.cache
def _library() -> types.ModuleType:
    why = ""
    try:
        # It prints a text of its own where a library is missing.
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            import weasyprint
            import weasyprint.urls
        if int(weasyprint.__version__.split(".")[0]) < _OLDEST:
            why = f"found {weasyprint.__version__}"
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())[:200]
    if why:
        raise DisposalError(
            f"PDFs are made by the Python library weasyprint, {_OLDEST} or newer, and {sys.executable} on the controller cannot use it ({why}), "
            f"so nothing was written; install it (pip install 'weasyprint>={_OLDEST}') and what it needs, {_PACKAGES}"
        )
    return t.cast(types.ModuleType, weasyprint)


@functools.cache
def _font_configuration() -> t.Any:
    """One for all pages, since each keeps memory for good."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


@functools.cache
def _letters() -> frozenset[str]:
    """What the font can show.

    :raises DisposalError: the fonts are missing.
    """
    drawn = [_letters_of(family) for family in (_SANS, _MONO)]
    if not all(letters.issuperset(_POLISH) for letters in drawn):
        raise DisposalError(
            f"PDFs are set in the fonts {_SANS} and {_MONO}, and one of them is not installed on the controller, so nothing was written; "
            f"install them, {_PACKAGES}"
        )
    return drawn[0] - _PICTURE_MARKS


def _letters_of(family: str) -> frozenset[str]:
    """None if the font that would be taken for the family is another one."""
    try:
        # Of fontconfig, by which the library too finds its fonts.
        asked = ["fc-match", "--format", "%{family}\t%{charset}", f"{family}:style=Book"]
        told = subprocess.run(
            asked, capture_output=True, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, timeout=300, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    found, _tab, charset = told.stdout.partition("\t")
    if family not in found.split(","):
        return frozenset()
    ranges = [[int(end, 16) for end in part.split("-")] for part in charset.split()]
    return frozenset(chr(code) for ends in ranges for code in range(ends[0], min(ends[-1] + 1, _FIRST_PICTURE)))


def _drawable(text: str, letters: t.Collection[str]) -> str:
    """The text with each character that the font cannot show written as its escape."""
    missing = [ord(char) for char in set(text) - {"\n", "\t"} if char not in letters]
    return text.translate({code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}" for code in missing})


def _margins(words: Language, *, title: str, mark: str) -> str:
    """What stands in the margins of each sheet."""
    header = title if len(title) <= _LONGEST_HEADER else f"{title[: _LONGEST_HEADER - 1]}…"
    counters = {"page": "counter(page)", "pages": "counter(pages)"}
    parts = re.split(r"\{(\w+)\}", words.word("pdf.page"))
    number = " ".join(counters[part] if index % 2 else _css_string(part) for index, part in enumerate(parts))
    return (
        f"@page {{ @top-left {{ content: {_css_string(header)}; }} @bottom-left {{ content: {_css_string(mark)}; }} "
        f"@bottom-right {{ content: {number}; }} }}\n@page :first {{ @top-left {{ content: none; }} }}\n"
    )


def _css_string(text: str) -> str:
    """A text as a string of a style sheet, out of which it cannot break."""
    return '"' + "".join(char if char.isascii() and char.isalnum() else f"\\{ord(char):x} " for char in text) + '"'


def _sorted(attachments: t.Iterable[Attached]) -> list[Attached]:
    """By name, as the PDF has to name them.

    :raises DisposalError: a name is no file's name, or stands twice.
    """
    files = sorted(attachments)
    names = [file.name for file in files]
    if len(set(names)) < len(names) or not all(map(_FILE_NAME.fullmatch, names)):
        raise DisposalError(
            f"the files {names} cannot be attached to a PDF by these names; give each one that is a file's name and its own"
        )
    return files


def _fetcher(library: types.ModuleType, attachments: t.Iterable[Attached], faults: list[str]) -> t.Any:
    files = {f"attached:{file.name}": file for file in attachments}

    class Fetcher(library.urls.URLFetcher):  # type: ignore[misc, name-defined]  # the library has no type hints
        """Gives what is at hand; whatever else is asked for ends the work."""

        def fetch(self, url: str, headers: t.Any = None) -> t.Any:
            if url in files:
                return library.urls.URLFetcherResponse(url, files[url].data, {"Content-Type": files[url].mime})
            if url.startswith("data:"):
                return super().fetch(url, headers)
            faults.append(f"it asks for {url}, which is not in it")
            raise library.urls.FatalURLFetchingError(url)

    return Fetcher()


def _embedded(library: types.ModuleType, file: Attached, fetcher: t.Any, moment: dt.datetime) -> t.Any:
    about = {"name": file.name, "description": file.description, "relationship": file.relationship}
    return library.Attachment(url=f"attached:{file.name}", url_fetcher=fetcher, created=moment, modified=moment, **about)


def _describe(metadata: t.Any, *, title: str, language: str, time: str) -> None:
    metadata.title, metadata.lang, metadata.generator = title, language, f"recordings.disposal {VERSION}"
    metadata.created = metadata.modified = time


def _finish(_document: t.Any, pdf: t.Any) -> None:
    """What the library leaves to its users, or does twice."""
    if "AF" in pdf.catalog:
        pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])
    pdf.catalog["ViewerPreferences"] = "<</DisplayDocTitle true>>"
