# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of standards and laws: data with a date, which a team replaces without touching code."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._errors import RefusedError
from ..module_utils._evidence.canonical import digest_of
from ..module_utils._retention.reviewed import parse_date
from ..module_utils._standards.schemes import PUBLISHED

__all__ = ["FORMAT", "SHIPPED", "STATUSES", "Algorithm", "Catalogue", "Entry", "read_catalogue"]

FORMAT = "recordings.disposal/catalogue/1"
SHIPPED = pathlib.Path(__file__).parent / "catalogues" / "standards.yml"
STATUSES = ("current", "superseded", "withdrawn")
_KINDS = ("standard", "law", "publication")
_CONFIDENCE = ("P", "S", "unverified")
_ID = r"[a-z0-9][a-z0-9._-]{0,63}"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A standard, a law or a publication in one edition.

    :ivar status: C(current), C(superseded) or C(withdrawn); C(superseded_by) the id of what took its place; C(ended) when, where that is known.
    :ivar cited_as: how texts name this edition.
    :ivar confidence: as in the tables: C(P), C(S) or C(unverified).
    """

    id: str
    kind: str
    title: str
    date: str
    status: str
    superseded_by: str
    ended: str
    cited_as: tuple[str, ...]
    source: str
    confidence: str

    def cited_in(self, text: str) -> bool:
        """Whether a text names it; an edition is not taken for another one whose number begins alike."""
        return any(re.search(rf"(?<!\w){re.escape(words)}(?![\w])(?!\.\d)", text) for words in self.cited_as)


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """An algorithm of keys; C(min_bits) is 0 where length tells nothing."""

    status: str
    min_bits: int
    confidence: str


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """A checked catalogue.

    :ivar schemes: by the name of an overwrite scheme, the id of the entry that it rests on.
    """

    edition: str
    dated: str
    review_by: str
    owner: str
    digest: str
    entries: t.Mapping[str, Entry]
    schemes: t.Mapping[str, str]
    algorithms: t.Mapping[str, Algorithm]

    def told(self) -> dict[str, str]:
        """As records name it."""
        return {"edition": self.edition, "dated": self.dated, "digest": self.digest}

    def cited(self, text: str) -> list[Entry]:
        """What a text names."""
        return [entry for entry in self.entries.values() if entry.cited_in(text)]


def read_catalogue(document: t.Any, *, today: str) -> Catalogue:
    """A catalogue from what YAML gave.

    :raises PolicyError: with every fault; an unknown status too, since nobody could tell what it allows.
    :raises RefusedError: it is of a future version, or of later than today.
    """
    value = plain(document)
    if isinstance(value, dict) and value.get("format") not in (None, FORMAT):
        raise RefusedError(f"the catalogue has the format {str(value['format'])[:60]!r}, not {FORMAT}; use one of this version")
    found = read_document(value, "the catalogue", lambda node: _read(node, value))
    if found.dated > today:
        raise RefusedError(
            f"the catalogue {found.edition} is dated {found.dated}, which is later than today, {today}; set the clock right, or the date"
        )
    return found


def _read(node: Node, value: t.Any) -> Catalogue:
    keys = node.mapping(required=["format", "edition", "dated", "review_by", "owner", "entries", "schemes", "algorithms"])
    entries = [_entry(item) for item in keys["entries"].elements(at_least=1)] if "entries" in keys else []
    known = {entry.id: entry for entry in entries if entry.id}
    if len(known) < len([entry for entry in entries if entry.id]):
        keys["entries"].problems.append("entries: an id stands twice; each edition needs its own")
    for entry, item in zip(entries, keys["entries"].elements() if "entries" in keys else []):
        if entry.superseded_by and entry.superseded_by not in known:
            item.problems.append(f"{item.path}.superseded_by: {entry.superseded_by!r} is the id of no entry")
        elif entry.superseded_by and _in_a_circle(entry, known):
            item.problems.append(f"{item.path}.superseded_by: {entry.superseded_by!r} leads back to {entry.id!r}; name what took its place")
    schemes = {name: item.text(allowed=list(known)) for name, item in keys["schemes"].items()} if "schemes" in keys else {}
    for name in schemes:
        if name not in PUBLISHED:
            node.problems.append(f"schemes.{name}: there is no such scheme; allowed are {', '.join(sorted(PUBLISHED))}")
    dates = {name: keys[name].parsed(parse_date, "") if name in keys else "" for name in ("dated", "review_by")}
    texts = {name: keys[name].text() if name in keys else "" for name in ("edition", "owner")}
    algorithms = {name: _algorithm(item) for name, item in keys["algorithms"].items()} if "algorithms" in keys else {}
    digest = "" if node.problems else digest_of(value)
    return Catalogue(**dates, **texts, digest=digest, entries=known, schemes=schemes, algorithms=algorithms)


def _in_a_circle(entry: Entry, known: t.Mapping[str, Entry]) -> bool:
    """Whether what took an entry's place was followed by that entry again."""
    seen: set[str] = set()
    name = entry.superseded_by
    while name in known and name not in seen:
        seen.add(name)
        name = known[name].superseded_by
    return entry.id in seen


def _entry(node: Node) -> Entry:
    required = ["id", "kind", "title", "date", "status", "cited_as", "source", "confidence"]
    keys = node.mapping(required=required, optional=["superseded_by", "ended"])
    allowed: dict[str, t.Collection[str]] = {"kind": _KINDS, "status": STATUSES, "confidence": _CONFIDENCE, "title": (), "source": ()}
    texts = {name: keys[name].text(allowed=known) if name in keys else "" for name, known in allowed.items()}
    dates = {name: keys[name].parsed(_day_month_or_year, "") if name in keys else "" for name in ("date", "ended")}
    by = keys["superseded_by"].text() if "superseded_by" in keys else ""
    if texts["status"] and bool(by) != (texts["status"] == "superseded"):
        node.problems.append(f"{node.path}: superseded_by goes with the status superseded, and with no other; correct one of the two")
    if dates["ended"] and texts["status"] == "current":
        node.problems.append(f"{node.path}: has ended, and is current; correct one of the two")
    cited = tuple(item.text() for item in keys["cited_as"].elements()) if "cited_as" in keys else ()
    name = keys["id"].text(pattern=_ID, form="an id of small letters, digits, dots and hyphens") if "id" in keys else ""
    return Entry(id=name, superseded_by=by, cited_as=cited, **texts, **dates)


def _day_month_or_year(value: t.Any) -> str:
    """A date as exactly as it is known: 2025-09-26, 2018-08 or 1997."""
    text = str(value)
    if re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", text):
        return text
    try:
        return parse_date(text)
    except ValueError:
        raise ValueError("is not a date such as 2025-09-26, 2018-08 or 1997") from None


def _algorithm(node: Node) -> Algorithm:
    keys = node.mapping(required=["status", "source", "confidence"], optional=["min_bits"])
    if "source" in keys:
        keys["source"].text()
    return Algorithm(
        status=keys["status"].text(allowed=STATUSES) if "status" in keys else "",
        min_bits=keys["min_bits"].integer(minimum=1) if "min_bits" in keys else 0,
        confidence=keys["confidence"].text(allowed=_CONFIDENCE) if "confidence" in keys else "",
    )
