# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of media that leave service: how each kind is destroyed, what comes where that fails, and how many media at once."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._evidence.canonical import digest_of
from ..module_utils._media.choosing import AUTO, TECHNIQUES
from ..module_utils._media.degaussing import DEGAUSSABLE
from ..module_utils._media.findings import parse_day
from ..module_utils._standards.physical import PHYSICAL
from ._register import KINDS

__all__ = ["DESTINATIONS", "NOTHING", "OVERWRITE", "PHYSICAL_TECHNIQUES", "MediaPolicy", "MediaRule", "read_media_policy"]

OVERWRITE = "overwrite"
# Of a rule whose media go to the shredder as they are.
NOTHING = "none"
DESTINATIONS = ("internal_reuse", "external_reuse", "recycling", "manufacturer", "other")
PHYSICAL_TECHNIQUES = tuple(name for name, technique in PHYSICAL.items() if technique.level != "none")
_VERIFY = ("canaries", "sample", "all")
# Serials of that many still fit into a task's result, which has to name each of them.
_MOST_MEDIA = 500
# As many as sanitize asks for.
_LEAST_CANARIES = 64
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
    document = plain({} if document is None else document)
    return read_document(document, "the policy of media", lambda node: _read(node, document))


def _read(node: Node, document: t.Any) -> MediaPolicy:
    given = document != {}
    members = node.mapping(required=_NAMED if given else (), optional=("limits", "undetermined", "rules"))
    about = dict(_SHIPPED)
    for key in _NAMED:
        if key in members:
            about[key] = members[key].parsed(_day, "") if key == "review_by" else members[key].text()
    limits = members["limits"].mapping(optional=("media", "media_per_host")) if "limits" in members else {}
    most = {key: _bounded(limits[key], 1, _MOST_MEDIA) for key in limits}
    rules = _rules(members["rules"]) if "rules" in members else {}
    undetermined = members["undetermined"].text(allowed=("refuse", "accept")) if "undetermined" in members else "refuse"
    # What is faulty may be of a kind that has no canonical form.
    about["digest"] = "" if node.problems else digest_of(document)
    return MediaPolicy(about, most.get("media", 50), most.get("media_per_host", 8), undetermined, rules)


def _day(value: t.Any) -> str:
    return parse_day(value).isoformat()


def _bounded(node: Node, least: int, most: int) -> int:
    found = node.integer(minimum=least)
    if found > most:
        node.problem(f"is more than {most}; correct it")
    return found


def _rules(node: Node) -> dict[str, MediaRule]:
    rules: dict[str, MediaRule] = {}
    for item in node.elements():
        kinds, rule = _rule(item)
        for kind in kinds:
            if kind in rules:
                item.problem(f"is the second rule for {kind}; keep one for each kind")
            rules[kind] = rule
    return rules


def _rule(node: Node) -> tuple[list[str], MediaRule]:
    """A rule, and the kinds that it is for, each once."""
    fields = [field.name for field in dataclasses.fields(MediaRule)]
    members = node.mapping(required=["kinds"], optional=fields)
    kinds = [kind for kind in members["kinds"].texts(allowed=KINDS) if kind] if "kinds" in members else []
    if len(set(kinds)) < len(kinds):
        members["kinds"].problem("names a kind twice; name each once")
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
    for name, least, most in (("sample_share", 1, 100), ("canaries", _LEAST_CANARIES, 1 << 20)):
        if name in members:
            told[name] = _bounded(members[name], least, most)
    rule = MediaRule(**told)
    _require_sense(members, rule, kinds)
    return list(dict.fromkeys(kinds)), rule


def _require_sense(members: t.Mapping[str, Node], rule: MediaRule, kinds: t.Sequence[str]) -> None:
    """Note what a rule asks for that its kinds cannot give."""
    strange = [kind for kind in kinds if kind not in DEGAUSSABLE]
    if rule.physical == "degauss" and strange:
        members["physical"].problem(
            f"destroys nothing on {', '.join(strange)}, which keep data otherwise than by magnetism; give another technique"
        )
    if rule.technique == NOTHING and rule.fallback:
        members["fallback"].problem("is named where no technique is; leave one of the two out")
    if "verify" in members and rule.verify in ("sample", "all") and "tape" in kinds:
        members["verify"].problem(
            "is more than can be read of a tape, of which nothing is found behind its end of data; give canaries, in a rule for tapes alone"
        )
