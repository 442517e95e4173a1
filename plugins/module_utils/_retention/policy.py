# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy: what people wrote, checked whole before anything else is done."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._document import Node, plain, read_document
from .._errors import RefusedError
from .._evidence.canonical import digest_of
from .._recordings.calendar import calendar_for, parse_instant
from .._recordings.layouts import PRESETS, layout_from_node, preset
from .._recordings.metadata import metadata_from_node
from .._recordings.periods import ROUNDINGS, Period, positive_period
from .._recordings.source import Sentinel, Source
from .._standards.schemes import DEFAULT_SCHEME, scheme_problem
from .encryption import encryption_problem, unit_from_node
from .limits import Limits, limits_from_node
from .match import Condition, condition_from_nodes
from .reviewed import Reviewed, parse_date, reviewed_from_nodes

__all__ = ["Example", "Floor", "Method", "Policy", "RetentionClass", "Start", "load_policy", "method_from_node", "policy_document"]

EVENTS = ("recording_start", "call_end", "modified")
VERDICTS = ("conflict", "due", "held", "in_progress", "retained", "unclassified")
# Which level each technique on files can reach at most; the overwrite engine says for each medium what it did reach.
TECHNIQUES = {"overwrite": ("clear",), "crypto_erase": ("clear", "purge")}
_NAME = r"[a-z0-9][a-z0-9_.-]{0,63}"


@dataclasses.dataclass(frozen=True)
class Method:
    """How sets of a class are destroyed."""

    technique: str
    scheme: str
    level: str
    quarantine: str | None = None

    def row(self) -> dict[str, str]:
        row = {"technique": self.technique, "scheme": self.scheme, "level": self.level}
        return row if self.quarantine is None else {**row, "quarantine": self.quarantine}


@dataclasses.dataclass(frozen=True)
class Start:
    """The event that a period starts from; C(metadata.<path>) names a date in the metadata."""

    event: str
    rounding: str = "none"


@dataclasses.dataclass(frozen=True)
class Example:
    """A recording that a rule's author wrote down with the verdict it must get."""

    recording: dict[str, t.Any]
    verdict: str
    on: str
    start: str
    end: str | None
    path: str


@dataclasses.dataclass(frozen=True)
class RetentionClass:
    """A rule. C(keep_text) and C(within_text) are the periods as written; C(encryption) is the unit of its keys' periods, if it has keys."""

    name: str
    condition: Condition
    start: Start
    keep: Period
    within: Period
    keep_text: str
    within_text: str
    legal_basis: str
    method: Method
    share: str | None
    examples: tuple[Example, ...]
    rule: str
    encryption: str | None = None


@dataclasses.dataclass(frozen=True)
class Floor:
    """A statutory minimum, whatever the classes say."""

    name: str
    condition: Condition
    start: Start
    keep: Period
    legal_basis: str


@dataclasses.dataclass(frozen=True)
class Policy:
    """A checked policy; C(document) is its plain form, C(digest) that form's digest."""

    id: str
    version: str
    owner: str
    review_by: str
    time_zone: str
    identifiers: str
    sources: tuple[Source, ...]
    classes: tuple[RetentionClass, ...]
    floors: tuple[Floor, ...]
    limits: Limits
    digest: str
    reviewed: tuple[Reviewed, ...] = ()

    def summary(self) -> dict[str, str]:
        return {"id": self.id, "version": self.version, "owner": self.owner, "review_by": self.review_by, "digest": self.digest}


def load_policy(document: t.Any) -> Policy:
    """A policy from what YAML gave; the wrapping key C(disposal_policy) may be there or not.

    :raises PolicyError: with every fault.
    """
    value = policy_document(document)
    return read_document(value, "the policy", lambda node: _policy(node, value))


def policy_document(document: t.Any) -> t.Any:
    """The plain form of a policy, whose digest is the policy's, without the wrapping key."""
    value = plain(document)
    return value["disposal_policy"] if isinstance(value, dict) and set(value) == {"disposal_policy"} else value


def _policy(node: Node, value: t.Any) -> Policy:
    keys = node.mapping(
        required=["id", "version", "owner", "review_by", "time_zone", "sources", "classes"],
        optional=["identifiers", "floors", "limits", "quarantine", "review"],
    )
    time_zone = keys["time_zone"].parsed(_known_zone, "UTC") if "time_zone" in keys else "UTC"
    quarantine = _period_text(keys["quarantine"]) if "quarantine" in keys else None
    sources = [_source(item, time_zone) for item in keys["sources"].elements(at_least=1)] if "sources" in keys else []
    classes = [_class(item, quarantine) for item in keys["classes"].elements(at_least=1)] if "classes" in keys else []
    floors = [_floor(item, index) for index, item in enumerate(keys["floors"].elements())] if "floors" in keys else []
    _unique(keys.get("sources"), "name")
    _unique(keys.get("classes"), "name")
    _apart(keys.get("sources"))
    if all(sources):
        _known_sources(node, [*filter(None, classes), *filter(None, floors)], {source.name for source in sources if source})
    return Policy(
        id=keys["id"].text(pattern=_NAME, form="a name of small letters, digits, dots and hyphens") if "id" in keys else "",
        version=keys["version"].text() if "version" in keys else "",
        owner=keys["owner"].text() if "owner" in keys else "",
        review_by=keys["review_by"].parsed(parse_date, "") if "review_by" in keys else "",
        time_zone=time_zone,
        identifiers=keys["identifiers"].text(allowed=["hmac", "plain"]) if "identifiers" in keys else "hmac",
        sources=tuple(source for source in sources if source),
        classes=tuple(item for item in classes if item),
        floors=tuple(item for item in floors if item),
        limits=limits_from_node(keys.get("limits")),
        reviewed=reviewed_from_nodes(keys),
        digest="" if node.problems else _digest(node, value),
    )


def _digest(node: Node, value: t.Any) -> str:
    try:
        return digest_of(value)
    except ValueError as error:
        node.problems.append(str(error))
        return ""


def _known_zone(value: t.Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("is not a time zone such as Europe/Warsaw")
    try:
        return calendar_for(value).name
    except RefusedError as error:
        raise ValueError(f"is refused: {error}") from None


def _scheme(value: t.Any) -> str:
    problem = scheme_problem(value)
    if problem:
        raise ValueError(problem)
    return str(value)


def _period_text(node: Node) -> str:
    node.parsed(positive_period, Period())
    return str(node.value)


def _unique(node: Node | None, key: str) -> None:
    seen: set[str] = set()
    for item in node.value if node and isinstance(node.value, list) else []:
        name = item.get(key) if isinstance(item, dict) else None
        if isinstance(name, str) and name in seen and node:
            node.problems.append(f"{node.path}: the {key} {name!r} stands twice; each needs its own")
        seen.add(str(name))


def _known_sources(node: Node, rules: t.Iterable[RetentionClass | Floor], known: set[str]) -> None:
    """A rule on a source that is not there matches nothing: a floor with a slip of the pen would protect nothing."""
    for rule in rules:
        for name in sorted(rule.condition.sources - known):
            kind = "class" if isinstance(rule, RetentionClass) else "floor"
            node.problems.append(
                f"the {kind} {rule.name} names the source {name!r}, which is not known; allowed are {', '.join(sorted(known))}"
            )


def _apart(node: Node | None) -> None:
    """Roots must not lie in each other: a recording would belong to two sources."""
    roots: list[str] = []
    for item in node.value if node and isinstance(node.value, list) else []:
        if isinstance(item, dict) and isinstance(item.get("roots"), list):
            roots.extend(str(root).rstrip("/") + "/" for root in item["roots"])
    for index, root in enumerate(roots):
        for other in roots[index + 1 :]:
            if (root.startswith(other) or other.startswith(root)) and node:
                node.problems.append(
                    f"{node.path}: the roots {root[:-1]} and {other[:-1]} lie in each other; each recording needs one source"
                )


def _source(node: Node, time_zone: str) -> Source | None:
    before = len(node.problems)
    keys = node.mapping(required=["name", "layout", "roots"], optional=["custom", "sentinel", "metadata", "time_zone", "review"])
    if len(node.problems) > before:
        return None
    layout_name = keys["layout"].text(allowed=[*PRESETS, "custom"])
    if layout_name == "custom" and "custom" not in keys:
        node.problem("has layout: custom, but no key custom that describes it")
    if layout_name and layout_name != "custom" and "custom" in keys:
        keys["custom"].problem(f"does not go with layout: {layout_name}")
    layout = None
    if layout_name in PRESETS:
        layout = preset(layout_name)
    elif "custom" in keys:
        layout = layout_from_node(keys["custom"], "custom")
    roots = []
    for root in keys["roots"].elements(at_least=1):
        text = root.text(pattern=r"/.*[^/]", form="an absolute path other than /, without a slash at its end")
        if text and re.search(r"//|/\.{1,2}(?=/|$)", text):
            root.problem("is not in its simplest form")
        roots.append(text)
    sentinel = keys["sentinel"].mapping(optional=["marker", "min_sets", "mounted"]) if "sentinel" in keys else {}
    metadata = [metadata_from_node(item) for item in keys["metadata"].elements()] if "metadata" in keys else []
    zone = keys["time_zone"].parsed(_known_zone, time_zone) if "time_zone" in keys else (layout and layout.time_zone) or time_zone
    if layout is not None and layout.time_zone is not None:
        keys["layout"].child("time_zone", layout.time_zone).parsed(_known_zone, "UTC")
    name = keys["name"].text(pattern=_NAME, form="a name of small letters, digits, dots and hyphens")
    if len(node.problems) > before or layout is None:
        return None
    return Source(
        name=name,
        layout=layout,
        roots=tuple(roots),
        sentinel=Sentinel(
            marker=sentinel["marker"].text(pattern=r"[^/]+", form="a file name") if "marker" in sentinel else None,
            min_sets=sentinel["min_sets"].integer() if "min_sets" in sentinel else 1,
            mounted=sentinel["mounted"].boolean() if "mounted" in sentinel else False,
        ),
        metadata=tuple(spec for spec in metadata if spec),
        time_zone=zone,
    )


def _start(node: Node) -> Start:
    keys = node.mapping(required=["event"], optional=["round"])
    event = keys["event"].text() if "event" in keys else EVENTS[0]
    if event and event not in EVENTS and not re.fullmatch(r"metadata(\.\w+)+", event):
        keys["event"].problem(f"is not known; allowed are {', '.join(EVENTS)} and metadata.<field>")
    return Start(event, keys["round"].text(allowed=ROUNDINGS) if "round" in keys else "none")


def method_from_node(node: Node, quarantine: str | None) -> Method:
    """Read a C(disposal) mapping; what the technique cannot reach is a fault."""
    keys = node.mapping(required=["technique", "level"], optional=["scheme", "quarantine"])
    technique = keys["technique"].text(allowed=TECHNIQUES) if "technique" in keys else ""
    level = keys["level"].text(allowed=["clear", "purge", "destroy"]) if "level" in keys else ""
    if technique and level and level not in TECHNIQUES[technique]:
        keys["level"].problem(
            f"is out of reach of {technique}, which reaches {' or '.join(TECHNIQUES[technique])} on files; "
            "require that, or destroy the medium that holds them"
        )
    if "quarantine" in keys:
        quarantine = _period_text(keys["quarantine"])
    return Method(technique, keys["scheme"].parsed(_scheme, DEFAULT_SCHEME) if "scheme" in keys else DEFAULT_SCHEME, level, quarantine)


def _class(node: Node, quarantine: str | None) -> RetentionClass | None:
    before = len(node.problems)
    keys = node.mapping(
        required=["name", "start", "keep", "destroy_within", "legal_basis", "disposal"],
        optional=["match", "where", "limits", "examples", "encryption", "review"],
    )
    condition = condition_from_nodes(keys)
    start = _start(keys["start"]) if "start" in keys else Start(EVENTS[0])
    keep = keys["keep"].parsed(positive_period, Period()) if "keep" in keys else Period()
    within = keys["destroy_within"].parsed(positive_period, Period()) if "destroy_within" in keys else Period()
    method = method_from_node(keys["disposal"], quarantine) if "disposal" in keys else None
    examples = [_example(item) for item in keys["examples"].elements()] if "examples" in keys else []
    share = limits_from_node(keys["limits"], only=("share",)).share if "limits" in keys else None
    name = keys["name"].text(pattern=_NAME, form="a name of small letters, digits, dots and hyphens") if "name" in keys else ""
    basis = keys["legal_basis"].text() if "legal_basis" in keys else ""
    encryption = unit_from_node(keys["encryption"]) if "encryption" in keys else None
    if len(node.problems) == before and method is not None and method.technique == "crypto_erase":
        problem = encryption_problem(encryption, within)
        if problem:
            node.problems.append(f"{node.path}: the class {name} {problem}")
    if len(node.problems) > before or method is None:
        return None
    return RetentionClass(
        name=name,
        condition=condition,
        start=start,
        keep=keep,
        within=within,
        keep_text=str(keys["keep"].value),
        within_text=str(keys["destroy_within"].value),
        legal_basis=basis,
        method=method,
        share=share,
        examples=tuple(example for example in examples if example),
        rule=f"class:{name}",
        encryption=encryption,
    )


def _example(node: Node) -> Example | None:
    before = len(node.problems)
    keys = node.mapping(required=["recording", "verdict", "on", "start"], optional=["end"])
    verdict = keys["verdict"].text(allowed=VERDICTS) if "verdict" in keys else ""
    for name in ("on", "start", "end"):
        if name in keys:
            keys[name].parsed(lambda value: parse_instant(value, calendar_for("UTC")), 0)
    if "recording" in keys:
        keys["recording"].items()
    if len(node.problems) > before:
        return None
    return Example(
        recording=keys["recording"].value,
        verdict=verdict,
        on=str(keys["on"].value),
        start=str(keys["start"].value),
        end=str(keys["end"].value) if "end" in keys else None,
        path=node.path,
    )


def _floor(node: Node, index: int) -> Floor | None:
    before = len(node.problems)
    keys = node.mapping(required=["keep_at_least", "legal_basis"], optional=["name", "match", "where", "start", "review"])
    condition = condition_from_nodes(keys)
    start = _start(keys["start"]) if "start" in keys else Start("recording_start")
    keep = keys["keep_at_least"].parsed(positive_period, Period()) if "keep_at_least" in keys else Period()
    if len(node.problems) > before:
        return None
    name = keys["name"].text(pattern=_NAME) if "name" in keys else str(index)
    return Floor(name, condition, start, keep, keys["legal_basis"].text())
