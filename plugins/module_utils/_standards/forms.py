# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the certificates of sanitization that NIST shows, as a table: which form asks for each, and what its boxes offer.

A certificate is held against this table, so that no field is left out of it unseen.
"""

from __future__ import annotations

import typing as t

from .levels import STANDARD
from .techniques import OF_KEYS

__all__ = ["FIELDS", "FORMS", "SECTIONS", "TYPE_OF_LEVEL", "Asked", "Form", "FormField", "method_of"]


class Form(t.NamedTuple):
    """A form: the edition that it stands in, where, and both in short."""

    edition: str
    part: str
    short: str


FORMS: t.Mapping[str, Form] = {
    "rev2": Form(STANDARD, "Appendix C", "Rev. 2 App. C"),
    "rev1": Form("NIST SP 800-88 Rev. 1 (2014-12), withdrawn 2025-09-26", "Appendix G", "Rev. 1 App. G"),
}
SECTIONS = ("media", "details", "destination", "performing", "validation")


class Asked(t.NamedTuple):
    """How a form asks for a field.

    :arg name: what the form calls it.
    :arg confidence: C(P) read in the source itself, C(S) quoted by secondary sources.
    """

    name: str
    edition: str
    source: str
    confidence: str


class FormField(t.NamedTuple):
    """A field of a certificate.

    :arg asked: by form, how it asks.
    :arg optional: it may stand empty, and a certificate then says that it was not told.
    :arg values: what the form's boxes offer; empty where it is a text.
    """

    id: str
    section: str
    asked: t.Mapping[str, Asked]
    optional: bool = False
    values: tuple[str, ...] = ()


# The box that a level is ticked in. To damage a medium, as Rev. 1 calls it, reaches no level, so nothing is ever ticked there.
TYPE_OF_LEVEL: t.Mapping[str, str] = {"clear": "clear", "purge": "purge", "destroy": "destruct"}

_SOURCES = {"rev2": "4.6 and Appendix C, as quoted by secondary sources", "rev1": "Appendix G, as quoted by secondary sources"}


def _field(section: str, name: str, rev2: str, rev1: str, *, optional: bool = False, values: str = "") -> FormField:
    """A field by what each form calls it; empty where the form does not ask for it."""
    asked = {form: Asked(called, FORMS[form].edition, _SOURCES[form], "S") for form, called in (("rev2", rev2), ("rev1", rev1)) if called}
    return FormField(name, section, asked, optional, tuple(values.split()))


def _person(section: str, prefix: str) -> tuple[FormField, ...]:
    rows = (
        *(
            ("name", "name", "name"),
            ("title", "title", "title"),
            ("organisation", "", "organization"),
            ("location", "location", "location"),
        ),
        *(("contact", "contact", "phone"), ("date", "date", "date"), ("signature", "signature", "signature")),
    )
    return tuple(_field(section, f"{prefix}_{name}", rev2, rev1) for name, rev2, rev1 in rows)


FIELDS: tuple[FormField, ...] = (
    _field("media", "manufacturer", "manufacturer", "make / vendor"),
    _field("media", "model", "model", "model number"),
    _field("media", "serial", "serial number", "serial number"),
    _field("media", "property_number", "property number", "media property number", optional=True),
    _field("media", "media_type", "media type", "media type"),
    _field("media", "source", "media source", "source"),
    _field("media", "classification", "categorization (optional)", "classification", optional=True),
    _field("media", "backed_up", "", "data backed up", values="yes no unknown"),
    _field("media", "backup_location", "", "backup location", optional=True),
    _field("details", "method_type", "method", "method type", values="clear purge damage destruct"),
    _field("details", "method", "technique", "method used", values="degauss overwrite block_erase crypto_erase other"),
    _field("details", "method_details", "", "method details"),
    _field("details", "tool", "tool and version", "tool used (include version)"),
    _field("details", "verification", "verification method", "verification method", values="full quick_sampling other"),
    _field("details", "status", "operational or damaged", "", values="operational damaged"),
    _field("details", "classification_after", "", "post-sanitization classification", optional=True),
    _field("details", "notes", "", "notes", optional=True),
    _field(
        "destination",
        "destination",
        "",
        "media destination",
        optional=True,
        values="internal_reuse external_reuse recycling manufacturer other",
    ),
    *_person("performing", "performer"),
    *_person("validation", "validator"),
)


def method_of(technique: str) -> str:
    """The box that a technique is ticked in; what none of them names beyond doubt is C(other)."""
    if technique in OF_KEYS or technique.endswith("_crypto"):
        return "crypto_erase"
    if technique.endswith("_sanitize_block"):
        return "block_erase"
    if technique == "overwrite" or technique.endswith("_sanitize_overwrite"):
        return "overwrite"
    return "degauss" if technique == "degauss" else "other"
