# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of media that leave service: how each kind is destroyed, what comes where that fails, and how many media at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._evidence.canonical import digest_of
from ..module_utils._media.choosing import AUTO, TECHNIQUES
from ..module_utils._media.degaussing import DEGAUSSABLE
from ..module_utils._standards.physical import PHYSICAL
from ._register import KINDS

__all__ = ["DESTINATIONS", "NOTHING", "OVERWRITE", "PHYSICAL_TECHNIQUES", "MediaPolicy", "MediaRule", "read_media_policy"]

OVERWRITE = "overwrite"
# Of a rule whose media go to the shredder as they are.
NOTHING = "none"
DESTINATIONS = ("internal_reuse", "external_reuse", "recycling", "manufacturer", "other")
PHYSICAL_TECHNIQUES = tuple(name for name, technique in PHYSICAL.items() if technique.level != "none")
_VERIFY = ("canaries", "sample", "all")
_DAY = r"\d{4}-\d\d-\d\d"
_NAMED = ("id", "version", "owner", "review_by")
# What holds where nobody has written a policy: it names no fallback, so that none is ever tried.
_SHIPPED = {"id": "shipped", "version": "1", "owner": "nobody", "review_by": "none"}


@dataclasses.dataclass(frozen=True)
class MediaRule:
    """How media of some kinds are destroyed.

    :ivar technique: C(auto), C(none), C(overwrite) or one of C(sanitize)'s; C(fallback) what may be tried after it, in order.
    :ivar verify: what is read back, as C(sanitize) takes it; C(sample_share) in per cent; C(canaries) how many.
    :ivar physical: what follows where the required level needs it, or the technique fails.
    :ivar destination: where a medium goes at last.
    :ivar classification_after: of what is left of it.
    """

    technique: str = AUTO
    fallback: tuple[str, ...] = ()
    verify: str = "sample"
    sample_share: int = 1
    canaries: int = 4096
    physical: str = "shred"
    destination: str = "recycling"
    classification_after: str = "none"


@dataclasses.dataclass(frozen=True)
class MediaPolicy:
    """A checked policy.

    :ivar about: its C(id), C(version), C(owner), C(review_by) and C(digest).
    :ivar most: media that one plan may have, C(most_of_host) of one host.
    :ivar undetermined: C(refuse) or C(accept) media of which it cannot be told whether they are drained.
    """

    about: dict[str, str]
    most: int
    most_of_host: int
    undetermined: str
    rules: t.Mapping[str, MediaRule]

    def rule(self, kind: str) -> MediaRule:
        return self.rules.get(kind, MediaRule())


def read_media_policy(document: t.Any) -> MediaPolicy:
    """The policy; what is shipped where there is none.

    :raises PolicyError: with every fault.
    """
    document = plain(document or {})
    return read_document(document, "the policy of media", lambda node: _read(node, document))


def _read(node: Node, document: t.Any) -> MediaPolicy:
    given = bool(document)
    members = node.mapping(required=_NAMED if given else (), optional=("limits", "undetermined", "rules"))
    about = dict(_SHIPPED)
    for key in _NAMED:
        if key in members:
            form = {"pattern": _DAY, "form": "a day such as 2027-06-30, in quotes"} if key == "review_by" else {}
            about[key] = members[key].text(**form)
    if given and about["review_by"]:
        _require_day(members.get("review_by"), about["review_by"])
    limits = members["limits"].mapping(optional=("media", "media_per_host")) if "limits" in members else {}
    rules: dict[str, MediaRule] = {}
    for item in members["rules"].elements() if "rules" in members else []:
        for kind, rule in _rule(item):
            if kind in rules:
                item.problem(f"is the second rule for {kind}; keep one for each kind")
            rules[kind] = rule
    return MediaPolicy(
        about={**about, "digest": digest_of(document)},
        most=limits["media"].integer(minimum=1) if "media" in limits else 50,
        most_of_host=limits["media_per_host"].integer(minimum=1) if "media_per_host" in limits else 8,
        undetermined=members["undetermined"].text(allowed=("refuse", "accept")) if "undetermined" in members else "refuse",
        rules=rules,
    )


def _require_day(node: Node | None, text: str) -> None:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        if node is not None:
            node.problem("is no day that exists")


def _rule(node: Node) -> t.Iterator[tuple[str, MediaRule]]:
    fields = [field.name for field in dataclasses.fields(MediaRule)]
    members = node.mapping(required=["kinds"], optional=fields)
    kinds = members["kinds"].texts(allowed=KINDS) if "kinds" in members else []
    told: dict[str, t.Any] = {}
    allowed: dict[str, t.Collection[str]] = {
        "technique": (AUTO, NOTHING, OVERWRITE, *TECHNIQUES),
        "verify": _VERIFY,
        "physical": PHYSICAL_TECHNIQUES,
        "destination": DESTINATIONS,
        "classification_after": (),
    }
    for name, known in allowed.items():
        if name in members:
            told[name] = members[name].text(allowed=known)
    if "fallback" in members:
        told["fallback"] = tuple(members["fallback"].texts(allowed=(OVERWRITE, *TECHNIQUES)))
    for name, most in (("sample_share", 100), ("canaries", 1 << 20)):
        if name in members:
            told[name] = members[name].integer(minimum=64 if name == "canaries" else 1)
            if told[name] > most:
                members[name].problem(f"is more than {most}; correct it")
    rule = MediaRule(**told)
    if rule.physical == "degauss" and not set(kinds) <= DEGAUSSABLE:
        named = ", ".join(kind for kind in kinds if kind not in DEGAUSSABLE)
        members["physical"].problem(f"destroys nothing on {named}, which keep data otherwise than by magnetism; give another technique")
    if rule.technique == NOTHING and rule.fallback:
        members["fallback"].problem("is named where no technique is; leave one of the two out")
    for kind in kinds:
        yield kind, rule
