# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a review finds in documents and tables. Pure: documents, catalogue and the date are given."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._retention.policy import Policy, RetentionClass
from ..module_utils._standards.levels import STANDARD
from ..module_utils._standards.physical import DIN, DIN_CLASSES, Figure, figures, sized_levels
from ..module_utils._standards.schemes import CUSTOM, PUBLISHED
from ..module_utils._standards.techniques import techniques
from ._catalogue import Catalogue, Entry
from ._media_policy import MediaPolicy

__all__ = ["Dates", "Documents", "Finding", "document_findings", "overdue"]

_CRUSHING = ("shred", "disintegrate", "pulverize")
_HEATING = ("incinerate", "melt")


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that a reviewer has to look at.

    :ivar code: what it is; the translations tell why it is one and what to do, from C(values).
    :ivar severity: C(severe), C(warning) or C(notice).
    :ivar kind: of its subject, C(name) which one.
    :ivar place: the file, and the key or line in it.
    """

    code: str
    severity: str
    kind: str
    name: str
    place: str
    values: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.name}"

    def row(self) -> dict[str, str]:
        """As the record names it."""
        return {"code": self.code, "severity": self.severity, "subject": self.subject, "place": self.place}


@dataclasses.dataclass(frozen=True)
class Dates:
    """The day of the review, as date.

    :ivar soon: what ends by then is about to end.
    :ivar after_grace: the last day on which something overdue only warns.
    """

    today: str
    soon: str
    after_grace: t.Callable[[str], str]


@dataclasses.dataclass(frozen=True)
class Documents:
    """What is reviewed, with the place of each.

    :ivar holds: documents of legal holds, each behind its place.
    :ivar levels: a policy's own levels of techniques; C(figures) its own figures.
    :ivar protection_class: that media are destroyed for, none if 0.
    """

    policy: Policy
    policy_place: str
    catalogue: Catalogue
    catalogue_place: str
    media: MediaPolicy | None = None
    media_place: str = ""
    holds: t.Sequence[tuple[str, t.Mapping[str, t.Any]]] = ()
    levels: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    figures: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    protection_class: int = 0

    def reviewed(self, kind: str, *names: str) -> bool:
        """Whether the policy names somebody who looks after one of these."""
        return any(item.kind == kind and item.name in names for item in self.policy.reviewed)


def document_findings(given: Documents, dates: Dates) -> list[Finding]:
    """All that documents, tables and the catalogue give.

    :raises RefusedError: a policy's own level or figure is faulty.
    """
    return [
        *_overdue(given, dates),
        *_holds(given, dates),
        *(finding for item in given.policy.classes for finding in _scheme(given, item)),
        *_citations(given),
        *_media(given),
    ]


def overdue(kind: str, name: str, owner: str, review_by: str, place: str, dates: Dates) -> t.Iterator[Finding]:
    """A finding where a review is overdue; a severe one where its grace is over."""
    if dates.today > review_by:
        severity = "severe" if dates.today > dates.after_grace(review_by) else "warning"
        yield Finding("overdue", severity, kind, name, place, {"review_by": review_by, "owner": owner})


def _overdue(given: Documents, dates: Dates) -> t.Iterator[Finding]:
    policy, catalogue = given.policy, given.catalogue
    yield from overdue("policy", policy.id, policy.owner, policy.review_by, f"{given.policy_place}: review_by", dates)
    for item in policy.reviewed:
        yield from overdue(item.kind, item.name, item.owner, item.review_by, f"{given.policy_place}: {item.path}.review_by", dates)
    place = f"{given.catalogue_place}: review_by"
    yield from overdue("catalogue", catalogue.edition, catalogue.owner, catalogue.review_by, place, dates)
    if given.media is not None and given.media.about["review_by"] != "none":
        about = given.media.about
        yield from overdue("policy", about["id"], about["owner"], about["review_by"], f"{given.media_place}: review_by", dates)


def _holds(given: Documents, dates: Dates) -> t.Iterator[Finding]:
    for place, hold in given.holds:
        review_by = str(hold.get("review_by") or "")[:10]
        if review_by and dates.today > review_by and "released" not in hold:
            values = {"review_by": review_by, "owner": str(hold.get("placed_by", ""))}
            yield Finding("hold_overdue", "warning", "hold", str(hold.get("id", "")), f"{place}: review_by", values)


def _scheme(given: Documents, item: RetentionClass) -> t.Iterator[Finding]:
    scheme = item.method.scheme
    if item.method.technique != "overwrite":
        return
    place = f"{given.policy_place}: {item.rule.replace(':', ' ')}, disposal.scheme"
    if scheme.startswith(CUSTOM):
        if not given.reviewed("scheme", scheme, CUSTOM.rstrip(":")):
            yield Finding("own_passes", "notice", "scheme", scheme, place)
        return
    entry = given.catalogue.entries.get(given.catalogue.schemes.get(scheme, ""))
    if entry is None:
        yield Finding("scheme_without_standing", "warning", "scheme", scheme, place)
    elif entry.kind == "publication":
        yield Finding("scheme_of_a_publication", "warning", "scheme", scheme, place, {"title": entry.title})
    elif entry.status != "current":
        yield Finding("scheme_of_an_ended_standard", "warning", "scheme", scheme, place, _entry_values(given.catalogue, entry))
    if PUBLISHED[scheme].confidence == "unverified" and not given.reviewed("scheme", scheme):
        yield Finding("unverified_scheme", "notice", "scheme", scheme, place, {"source": PUBLISHED[scheme].source})


def _entry_values(catalogue: Catalogue, entry: Entry) -> dict[str, str]:
    after = catalogue.entries[entry.superseded_by].title if entry.superseded_by else ""
    return {"title": entry.title, "ended": entry.ended, "after": after, "confidence": entry.confidence, "edition": catalogue.edition}


def _citations(given: Documents) -> t.Iterator[Finding]:
    """Standards and laws that texts name, in an edition that does not stand any more."""
    policy, place = given.policy, given.policy_place
    texts = [(item.legal_basis, "class", item.name, f"{place}: class {item.name}, legal_basis") for item in policy.classes]
    texts += [(item.legal_basis, "floor", item.name, f"{place}: floor {item.name}, legal_basis") for item in policy.floors]
    texts += [(item.edition, item.kind, item.name, f"{place}: {item.path}.edition") for item in policy.reviewed if item.edition]
    texts.append((STANDARD, "table", "levels", "_standards/levels.py"))
    texts += [(str(item.get("standard", "")), "level", name, f"levels.{name}.standard") for name, item in given.levels.items()]
    texts += [(str(item.get("edition", "")), "figure", name, f"figures.{name}.edition") for name, item in given.figures.items()]
    if given.media is not None:
        texts.append((DIN, "table", "physical", "_standards/physical.py"))
    for text, kind, name, where in texts:
        cited = given.catalogue.cited(text)
        for entry in cited:
            if entry.status != "current" and entry.superseded_by not in [other.id for other in cited]:
                yield Finding(entry.status, "warning", kind, name, where, _entry_values(given.catalogue, entry))
    for item in policy.reviewed:
        entry_named = given.catalogue.entries.get(item.name)
        if item.kind == "standard" and entry_named is None and not given.catalogue.cited(f"{item.name} {item.edition}"):
            yield Finding(
                "standard_unknown", "notice", "standard", item.name, f"{place}: {item.path}", {"edition": given.catalogue.edition}
            )
        elif item.kind == "standard" and entry_named is not None and entry_named.status != "current":
            values = _entry_values(given.catalogue, entry_named)
            yield Finding(entry_named.status, "warning", "standard", item.name, f"{place}: {item.path}", values)


def _media(given: Documents) -> t.Iterator[Finding]:
    """Levels and figures that the policy of media decides by, and that nobody has held against a document."""
    if given.media is None:
        return
    levels, known = techniques(given.levels), figures(given.figures)
    used: dict[str, str] = {}
    for kind, rule in given.media.rules.items():
        place = f"{given.media_place}: rule for {kind}"
        for name in (rule.technique, *rule.fallback):
            if name in levels and levels[name].confidence == "unverified":
                used.setdefault(f"technique {name}", place)
        for name in _figures_of(rule.physical, kind, given.protection_class, known):
            if known[name].confidence == "unverified":
                used.setdefault(f"figure {name}", place)
    for what, place in used.items():
        subject, _space, name = what.partition(" ")
        row = levels[name] if subject == "technique" else known[name]
        yield Finding(f"unverified_{subject}", "notice", subject, name, place, {"source": row.source})


def _figures_of(technique: str, kind: str, protection_class: int, known: t.Mapping[str, Figure]) -> t.Iterator[str]:
    """The figures that decide whether a medium of a kind is destroyed by a physical technique."""
    if technique == "degauss":
        yield "degauss_factor"
    elif technique in _HEATING:
        yield f"temperature_{technique}"
    elif technique in _CRUSHING and kind in DIN_CLASSES:
        asked = f"protection_class_{protection_class}" if protection_class else "lowest_level"
        yield asked
        letter, level = DIN_CLASSES[kind], int(known[asked].value or known["lowest_level"].value or 3)
        sized = [number for number in sized_levels(letter) if number >= level]
        if sized:
            yield f"din_{letter.lower()}_{sized[0]}"
