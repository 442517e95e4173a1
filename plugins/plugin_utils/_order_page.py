# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A work order as the floor gets it: a page to be printed and written on, and a form that comes back as the file of results."""

from __future__ import annotations

import typing as t

from ..module_utils._evidence.canonical import digest
from ..module_utils._media.ordered import PREFILLED, order_bytes, prefilled
from ..module_utils._media.results import FACTS
from ..module_utils._standards.physical import DIN_CLASSES, Figure
from ..module_utils._sweep.version import VERSION
from ._language import Language, load_language
from ._order import MAKES_PARTICLES, default_why, size_required
from ._qr import qr_code
from ._render import csv_page, html_page

__all__ = ["form_columns", "render_order_form", "render_order_html"]

_FIRST = ("date", "place", "operator", "second_person")


def form_columns(order: t.Mapping[str, t.Any]) -> list[str]:
    """The columns of the form: every fact that a result by the technique of the order needs or may have."""
    needed, optional = FACTS[order["technique"]]
    asked = ("required_level",) if _tells_no_size(order) else ()
    return [*PREFILLED, *_FIRST, *needed, *asked, *optional, "photos"]


def _tells_no_size(order: t.Mapping[str, t.Any]) -> bool:
    return order["technique"] in MAKES_PARTICLES and order["protection_class"] is None


def render_order_form(order: t.Mapping[str, t.Any]) -> str:
    """One row for each medium, by RFC 4180, with what the order knows filled in and all else blank."""
    columns = form_columns(order)
    rows = (prefilled(medium, order["technique"]) for medium in order["media"])
    return csv_page(columns, ([row.get(name, "") for name in columns] for row in rows))


def render_order_html(order: dict[str, t.Any], *, language: str, figures: t.Mapping[str, Figure]) -> str:
    """One self-contained page; the same order and figures give the same page.

    :arg order: as it stands in order.json.
    :arg language: C(en) or C(pl).
    :arg figures: of the particles, fields and temperatures that are asked for.
    :raises RefusedError: another language.
    :raises DisposalError: the order lacks something, or QR codes cannot be made.
    """
    spoken = load_language(language)
    technique = order["technique"]
    context = {
        "o": order,
        "digest": digest(order_bytes(order)),
        "version": VERSION,
        "code_of": qr_code,
        "media": [_medium(medium, order, figures, spoken) for medium in order["media"]],
        "columns": form_columns(order),
        "prefilled": PREFILLED,
        "family": "particles" if technique in MAKES_PARTICLES else "field" if technique == "degauss" else "heat",
        "tells_no_size": _tells_no_size(order),
        "flash": any(DIN_CLASSES[medium["kind"]] == "E" for medium in order["media"]),
        "die": _shown(figures["flash_die"].value or ""),
        "factor": figures["degauss_factor"].value,
        "temperature": _shown(str(figures[f"temperature_{technique}"].value)) if f"temperature_{technique}" in figures else "",
    }
    return html_page("order.html.j2", spoken, context)


def _medium(
    medium: t.Mapping[str, str], order: t.Mapping[str, t.Any], figures: t.Mapping[str, Figure], language: Language
) -> dict[str, t.Any]:
    size = size_required(medium["kind"], order["technique"], order["protection_class"], figures)
    why, state = medium["why"], medium["state"]
    return {
        **medium,
        "size": {"level": size[0], "most": _shown(size[1])} if size else None,
        "why_shown": language.word(f"order.why.{state}") if why == default_why(state) else why,
        "fields": _fields(medium["kind"], order, figures),
    }


def _fields(kind: str, order: t.Mapping[str, t.Any], figures: t.Mapping[str, Figure]) -> list[dict[str, t.Any]]:
    """What people write down of a medium, and whether it has to be."""
    technique = order["technique"]
    needed, optional = list(FACTS[technique][0]), list(FACTS[technique][1])
    if "die" in optional:
        optional.remove("die")
        if DIN_CLASSES[kind] == "E":
            (optional if figures["flash_die"].value else needed).append("die")
    if _tells_no_size(order):
        needed.append("required_level")
    return [{"name": name, "needed": name not in optional} for name in (*_FIRST, *needed, *optional)]


def _shown(value: str) -> str:
    """A figure as people write it."""
    return value.replace("m2", "m²").replace(" ", "\u00a0")
