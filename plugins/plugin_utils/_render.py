# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages from templates: HTML and Markdown in which everything is escaped unless the template itself wrote it, and CSV."""

from __future__ import annotations

import csv
import functools
import io
import pathlib
import re
import typing as t

import jinja2
from markupsafe import Markup, escape

from ..module_utils._errors import DisposalError
from ._language import Language, visible

__all__ = ["csv_page", "html_page", "markdown_page"]

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~!])")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PLAIN_CODE = re.compile(r"[\w ./:@+=,-]+")
_OF_SPEAKER = ("say", "strong", "code", "name", "foreign")
_OF_LANGUAGE = ("number", "count", "size", "share", "period", "lasting", "measure", "instant", "day", "listed", "reason")
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


class Literal(str):
    """Markdown that a template wrote, as opposed to data."""

    __slots__ = ()


def _markdown_text(value: t.Any) -> str:
    """Data as Markdown that shows it letter by letter."""
    if isinstance(value, Literal):
        return value
    text = visible(str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", text)


class _Html:
    """How the HTML templates speak; everything it returns is safe to stand in a page."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def say(self, key: str, **values: t.Any) -> Markup:
        """A text of the translation with values in it."""
        return escape(self.language.word(key)).format(**{name: _shown(value) for name, value in values.items()})

    def strong(self, value: t.Any) -> Markup:
        return Markup("<strong>{}</strong>").format(_shown(value))

    def code(self, value: t.Any) -> Markup:
        return Markup("<code>{}</code>").format(_shown(value))

    def name(self, value: t.Any) -> Markup:
        """A name from outside, which must not turn the direction of the text around it; a narrow column breaks it after its dots."""
        return Markup("<bdi>{}</bdi>").format(Markup(escape(_shown(value)).replace(".", Markup(".<wbr>"))))

    def foreign(self, value: str, original: str) -> Markup:
        """A sentence of a host, marked as English where it could not be put in the language of the page."""
        if value == original and self.language.code != "en":
            return Markup('<span lang="en">{}</span>').format(_shown(value))
        return Markup("{}").format(_shown(value))


class _Markdown:
    """How the Markdown templates speak."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def say(self, key: str, **values: t.Any) -> Literal:
        parts = _PLACEHOLDER.split(self.language.word(key))
        # Every second part is the name of a placeholder.
        return Literal("".join(_markdown_text(values[part] if index % 2 else part) for index, part in enumerate(parts)))

    def strong(self, value: t.Any) -> Literal:
        return Literal(f"**{_markdown_text(value)}**")

    def code(self, value: t.Any) -> Literal:
        return Literal(f"`{value}`" if _PLAIN_CODE.fullmatch(str(value)) else _markdown_text(value))

    def name(self, value: t.Any) -> Literal:
        """A name from outside; as code, it mentions nobody on the platform that shows it."""
        return self.code(value)

    def foreign(self, value: str, original: str) -> Literal:
        return Literal(_markdown_text(value))


class _Missing(jinja2.StrictUndefined):
    """What a page needs and does not get: an error wherever it is used, in a number too."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


def _shown(value: t.Any) -> t.Any:
    return value if isinstance(value, Markup) else visible(str(value))


def _finalize_html(value: t.Any) -> t.Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _environment(*, html: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=html,
        finalize=_finalize_html if html else _markdown_text,
        undefined=_Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _page(template: str, speaker: _Html | _Markdown, context: t.Mapping[str, t.Any]) -> str:
    language = speaker.language
    helpers = {
        **{name: getattr(speaker, name) for name in _OF_SPEAKER},
        **{name: getattr(language, name) for name in _OF_LANGUAGE},
        "lang": language.code,
        "periods": lambda texts: language.listed(language.period(text) for text in texts),
        "schemes_text": lambda names: "; ".join(language.table("schemes").get(name, name) for name in names),
        "texts": language.table,
    }
    try:
        return _environment(html=isinstance(speaker, _Html)).get_template(template).render({**context, **helpers})
    except jinja2.UndefinedError as error:
        raise DisposalError(f"the page {template} needs something that is missing ({error.message}); nothing was written") from error
    except jinja2.TemplateError as error:
        raise DisposalError(f"the template {template} cannot be used ({error}); install the collection again") from error


def html_page(template: str, language: Language, context: t.Mapping[str, t.Any]) -> str:
    """A self-contained HTML page.

    :raises DisposalError: the context lacks what the template shows.
    """
    return _page(template, _Html(language), context)


def markdown_page(template: str, language: Language, context: t.Mapping[str, t.Any]) -> str:
    """A Markdown page in which data cannot become markup.

    :raises DisposalError: the context lacks what the template shows.
    """
    return _page(template, _Markdown(language), context)


def _cell(value: t.Any) -> str:
    text = visible(str(value))
    # Spreadsheet programs run cells that begin like this as formulas.
    return f"'{text}" if text.lstrip()[:1] in tuple(_FORMULA) else text


def csv_page(header: t.Sequence[str], rows: t.Iterable[t.Sequence[t.Any]]) -> str:
    """A table by RFC 4180 that no spreadsheet program takes for formulas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()
