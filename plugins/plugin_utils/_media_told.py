# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people tell for certificates of media: who they are, and what no record can know of a medium."""

from __future__ import annotations

import dataclasses
import typing as t
import unicodedata

from ..module_utils._document import Node, plain, read_document
from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.sshsig import check_principal
from ..module_utils._media.operators import person
from ..module_utils._media.serials import serial_key
from ..module_utils._standards.forms import FIELDS

__all__ = ["Person", "Told", "read_told", "same_name"]

_LONGEST = 300
_VALUES = {field.id: field.values for field in FIELDS}


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """A person; what was not told is an empty text."""

    principal: str
    name: str
    title: str = ""
    organisation: str = ""
    location: str = ""
    contact: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What a task tells.

    :ivar people: by principal, letters small.
    :ivar media: by key of serial, by field what people tell of it, in place of what plan and record say.
    :ivar serials: by the same keys, the serials as they were written.
    """

    people: dict[str, Person]
    performed_by: str
    validated_by: str
    media: dict[str, dict[str, str]]
    serials: dict[str, str]

    def person(self, principal: str) -> Person | None:
        return self.people.get(principal.casefold())

    def named(self, name: str) -> list[Person]:
        """Who has a name."""
        return [each for each in self.people.values() if same_name(each.name, name)]


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same person's, whichever way their letters are stored."""
    return person(unicodedata.normalize("NFKC", one)) == person(unicodedata.normalize("NFKC", other))


def read_told(options: t.Mapping[str, t.Any]) -> Told:
    """What the task's options C(people), C(organisation), C(performed_by), C(validated_by) and C(media) tell.

    :raises PolicyError: with every fault.
    """
    organisation = str(options["organisation"] or "").strip()
    # Faults of people do not repeat what was told of them.
    people = read_document(plain(options["people"]), "the list of people", lambda node: _people(node, organisation), private=True)
    media, serials = read_document(plain(options["media"] or {}), "what is told of media", _media)
    return Told(people, options["performed_by"] or "", options["validated_by"], media, serials)


def _people(root: Node, organisation: str) -> dict[str, Person]:
    found: dict[str, Person] = {}
    for node in root.elements(at_least=1):
        parts = node.mapping(required=("principal", "name"), optional=("title", "organisation", "location", "contact"))
        texts = {key: _line(child) for key, child in parts.items()}
        principal = texts.get("principal", "")
        try:
            check_principal(principal)
        except EvidenceError:
            if principal:
                parts["principal"].problem("is no name of a signer; use the name from allowed_signers, such as anna@example.com")
            continue
        if principal.casefold() in found:
            parts["principal"].problem("stands there twice; name each person once")
        found[principal.casefold()] = Person(**{"name": "", "organisation": organisation, **texts})
    return found


def _line(node: Node) -> str:
    text = node.text().strip()
    if len(text) > _LONGEST:
        node.problem(f"is longer than {_LONGEST} characters; shorten it")
    return text


def _media(root: Node) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    media: dict[str, dict[str, str]] = {}
    serials: dict[str, str] = {}
    for serial, node in root.items():
        key = serial_key(serial)
        if not key or key in media:
            root.problems.append(f"{serial!r} is blank or stands there twice; name each medium once")
            continue
        serials[key] = serial
        parts = node.mapping(
            optional=("backed_up", "backup_location", "source", "notes", "destination", "classification_after", "operational")
        )
        told = {name: _line(child) for name, child in parts.items() if name not in ("backed_up", "destination", "operational")}
        if "backed_up" in parts:
            # YAML takes a bare yes or no for a truth value.
            value = {True: "yes", False: "no"}.get(parts["backed_up"].value, parts["backed_up"].value)
            told["backed_up"] = node.child("backed_up", value).text(allowed=_VALUES["backed_up"])
        if "destination" in parts:
            told["destination"] = parts["destination"].text(allowed=_VALUES["destination"])
        if "operational" in parts:
            told["status"] = "operational" if parts["operational"].boolean() else "damaged"
        media[key] = told
    return media, serials
