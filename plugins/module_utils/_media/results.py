# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of physical work, as they come back from the floor: each row is read and judged, and all are taken or none."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import re
import typing as t

from .._document import Node
from .._errors import RefusedError
from .._evidence.clock import time_text
from .._evidence.training import Trainings
from .._standards.levels import satisfies
from .._standards.physical import DIN_CLASSES, PHYSICAL, Figure
from .degaussing import judge_degaussing
from .findings import Findings, parse_moment
from .operators import Trained, person
from .ordered import Ordered
from .particles import judge_particles, required_level
from .serials import serial_key

__all__ = ["FACTS", "SERIAL", "Judged", "Rules", "judge_results"]

SERIAL = r"[!-~](?:[ -~]{0,98}[!-~])?"
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_NEEDED = ("serial", "kind", "technique", "date", "place", "operator", "second_person")
_COMMON = ("make", "model", "asset", "photos", "protection_class", "required_level")
_MOST_NAMED = 10
# A task's result stays below 64 KiB, and every row has to be named.
_MOST_LETTERS = 24_000
_SHORT = 120

# What each technique proves nothing without, and what else belongs to it.
FACTS: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "degauss": (("machine", "field", "calibrated", "calibrated_until"), ("recording", "coercivity", "coercivity_source", "readback")),
    "shred": (("machine", "particle", "samples"), ("screen", "oversize", "die")),
    "disintegrate": (("machine", "screen", "particle", "samples"), ("oversize", "die")),
    "pulverize": (("process", "facility", "licence", "particle", "samples"), ("machine", "screen", "oversize", "die")),
    "incinerate": (("facility", "licence"), ("temperature", "process")),
    "melt": (("facility", "licence"), ("temperature", "process")),
    "cut": ((), ("machine",)),
    "bend": ((), ("machine",)),
    "drill": ((), ("machine",)),
}


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the rows are held against.

    :arg level: that is required, C(clear), C(purge) or C(destroy).
    :arg trained: who may do the work; C(None) where nobody told.
    :arg expected: keys of the serials that the work order named; C(None) where there is none.
    :arg photos: digests of the files that are there; C(None) where nobody looked.
    :arg ordered: the work order whose form the rows are.
    :arg trainings: by which operator and second person have to be trained; C(None) where nobody looks.
    """

    figures: t.Mapping[str, Figure]
    level: str
    now: dt.datetime
    protection_class: int | None = None
    trained: Trained | None = None
    expected: t.Collection[str] | None = None
    photos: t.Collection[str] | None = None
    ordered: Ordered | None = None
    trainings: Trainings | None = None


class Judged(t.NamedTuple):
    """A row that was accepted.

    :ivar facts: what people told.
    :ivar outcome: C(destroyed) where the technique, with these facts, reaches the required level.
    :ivar proof: what the journal keeps of the judgement.
    """

    number: int
    serial: str
    kind: str
    technique: str
    facts: dict[str, t.Any]
    outcome: str
    achieved: str
    reasons: list[str]
    limits: list[str]
    proof: dict[str, t.Any]


def judge_results(values: t.Sequence[t.Any], rules: Rules) -> list[Judged]:
    """Every row, judged, but for those of a work order's form that are blank.

    :raises RefusedError: one is not acceptable; C(details["refused"]) names each such row, its serial and every reason.
    """
    rows = [row for row in enumerate(values, start=1) if rules.ordered is None or not rules.ordered.is_blank(row[1])]
    counts = collections.Counter(serial_key(_serial_of(value)) for _number, value in rows)
    judged, refused = [], []
    for number, value in rows:
        problems: list[str] = []
        serial = _serial_of(value)
        if counts[serial_key(serial)] > 1 and serial:
            problems.append(f"serial: {serial!r} stands in {counts[serial_key(serial)]} rows; a medium has one result")
        row = _judge(number, value, rules, problems)
        if row is None or problems:
            refused.append({"row": number, "serial": serial, "reasons": problems})
        else:
            judged.append(row)
    if refused:
        raise refusal(refused, len(rows))
    return judged


def refusal(refused: t.Sequence[dict[str, t.Any]], total: int) -> RefusedError:
    """The error that names rows, serials and reasons."""
    if sum(len(reason) for row in refused for reason in row["reasons"]) > _MOST_LETTERS:
        refused = [{**row, "reasons": [_shortened(row["reasons"])]} for row in refused]
    named = "; ".join(f"row {row['row']} (serial {row['serial'] or 'blank'}): {'; '.join(row['reasons'])}" for row in refused[:_MOST_NAMED])
    more = f" (and {len(refused) - _MOST_NAMED} more rows)" if len(refused) > _MOST_NAMED else ""
    return RefusedError(
        f"{len(refused)} of {total} results cannot be accepted, so none was recorded: {named}{more}", details={"refused": list(refused)}
    )


def _shortened(reasons: t.Sequence[str]) -> str:
    first = reasons[0] if len(reasons[0]) <= _SHORT else reasons[0][: _SHORT - 3] + "..."
    return f"{first} (and {len(reasons) - 1} more)" if len(reasons) > 1 else first


def _serial_of(value: t.Any) -> str:
    serial = value.get("serial") if isinstance(value, dict) else None
    return str(serial).strip()[:100] if isinstance(serial, (str, int)) and not isinstance(serial, bool) else ""


def _judge(number: int, value: t.Any, rules: Rules, problems: list[str]) -> Judged | None:
    """C(None) where something is so wrong that the rest cannot be judged; C(problems) tells."""
    technique = str(value.get("technique")) if isinstance(value, dict) else ""
    needed, optional = FACTS.get(technique, ((), ()))
    every = {name for facts in FACTS.values() for part in facts for name in part}
    known = (*needed, *optional) if technique in FACTS else every
    root = Node(value, "", problems)
    nodes = root.mapping(optional=(*_NEEDED, *_COMMON, *known))
    for name in (*_NEEDED, *needed):
        if isinstance(value, dict) and name not in value:
            problems.append(f"{name}: nothing is given, and a result proves nothing without it; have it filled in")
    kind = nodes["kind"].text(allowed=tuple(DIN_CLASSES)) if "kind" in nodes else ""
    if "technique" in nodes and not nodes["technique"].text(allowed=tuple(PHYSICAL)):
        technique = ""
    found = Findings(kind, DIN_CLASSES.get(kind, ""), technique, nodes, problems, rules.figures)
    moment = _common(found, rules)
    if rules.ordered is not None:
        rules.ordered.judge(found, moment)
    if not kind or not technique:
        return None
    required = required_level(found, rules.protection_class)
    _judge_technique(found, required)
    if problems or moment is None:
        return None
    return _accepted(number, found, rules, moment, required)


def _common(found: Findings, rules: Rules) -> dt.datetime | None:
    """Serial, date, persons, photos and the rest that every row has; the moment where it is one."""
    nodes = found.nodes
    serial = nodes["serial"].text(pattern=SERIAL, form="a serial number as text, without blanks around it") if "serial" in nodes else ""
    if serial and rules.expected is not None and serial_key(serial) not in rules.expected:
        nodes["serial"].problem("is not among the serials of the work order; find out which medium this was")
    for name in ("place", "machine", "facility", "licence", "process", "make", "model", "asset"):
        found.text(name)
    moment = nodes["date"].parsed(parse_moment, None) if "date" in nodes else None
    if moment is not None:
        found.day = moment.date()
        if moment > rules.now:
            nodes["date"].problem(f"is in the future (it is {time_text(rules.now)} now); correct it, or the clock")
    _persons(found, rules)
    _trained(found, rules, moment)
    _photos(found, rules)
    return moment


def _persons(found: Findings, rules: Rules) -> None:
    names = {}
    for role in ("operator", "second_person"):
        if role in found.nodes:
            # Faults do not repeat who it was.
            found.nodes[role].private = True
            names[role] = person(found.nodes[role].text())
    if all(names.get(role) for role in ("operator", "second_person")) and names["operator"] == names["second_person"]:
        found.nodes["second_person"].problem("is the operator once more; another person must have been there")
    if rules.trained is None and rules.trainings is None:
        found.limits.append("that the operators were trained was not checked, since no list of operators was given")
    elif rules.trained is not None and names.get("operator") and found.day is not None:
        problem = rules.trained.problem(names["operator"], found.technique, found.day)
        if problem:
            found.nodes["operator"].problem(problem)


def _trained(found: Findings, rules: Rules, moment: dt.datetime | None) -> None:
    """Operator and second person by their training records, at the time of the work."""
    if rules.trainings is None or moment is None:
        return
    principals: list[set[str]] = []
    for part, role in (("operator", "operator"), ("second_person", "witness")):
        node = found.nodes.get(part)
        if node is None or not isinstance(node.value, str) or not node.value.strip():
            continue
        who = " ".join(node.value.split())
        try:
            found.training[part] = rules.trainings.counted(who, (role,), (moment,), by_name=True)
            principals.append(rules.trainings.principals(who))
        except RefusedError as error:
            found.problems.append(f"{part}: {error.message}")
    if len(principals) == 2 and principals[0] & principals[1]:
        found.nodes["second_person"].problem("is the operator once more, by the training records; another person must have been there")


def _photos(found: Findings, rules: Rules) -> None:
    node = found.nodes.get("photos")
    if node is None:
        return
    if isinstance(node.value, str):
        node.value = [word for word in re.split(r"[\s;,]+", node.value) if word]
    for photo in node.elements(at_least=1):
        if not isinstance(photo.value, str) or not _SHA256.fullmatch(photo.value):
            photo.problem("is no digest of the form sha256: and 64 hexadecimal digits")
        elif rules.photos is not None and photo.value not in rules.photos:
            photo.problem("is the digest of no file in photos_dir; put the photo there, or correct the digest")
    if rules.photos is None:
        found.limits.append("photos are named by their digests and were not looked at, since no photos_dir was given")


def _judge_technique(found: Findings, required: int | None) -> None:
    technique = found.technique
    if technique == "degauss":
        judge_degaussing(found)
    elif technique in ("shred", "disintegrate", "pulverize"):
        judge_particles(found, required)
        return
    elif technique in ("incinerate", "melt"):
        _judge_heat(found, required)
        return
    else:
        found.reasons.append(f"{technique} leaves data that can be read from the parts, so it never counts as destruction")
    if required is not None:
        found.reasons.append(f"{found.letter}-{required} is required, and {technique} makes no particles that could reach it")


def _judge_heat(found: Findings, required: int | None) -> None:
    technique = found.technique
    if not {"temperature", "process"} & found.nodes.keys():
        found.problems.append("temperature: nothing is given, and no process either; give one of them")
    reached = found.quantity("temperature", "temperature")
    lowest = found.figure(f"temperature_{technique}") if "temperature" in found.nodes else None
    if reached is not None and lowest is not None and reached < lowest:
        found.nodes["temperature"].problem(
            f"is below {lowest} °C, which {technique} needs; correct it, or give the figure temperature_{technique}"
        )
    if "temperature" not in found.nodes:
        found.limits.append("the process is named and no temperature was told, so what the medium was exposed to is the facility's word")
    if required is not None:
        found.limits.append("ISO/IEC 21964 measures particles, so no level of it is claimed for what was burnt or molten")
    found.level = PHYSICAL[technique].level


def _accepted(number: int, found: Findings, rules: Rules, moment: dt.datetime, required: int | None) -> Judged:
    facts = {name: node.value if name == "photos" else str(node.value) for name, node in sorted(found.nodes.items())}
    reached = PHYSICAL[found.technique]
    if not satisfies(found.level, rules.level):
        found.reasons.append(
            f"{found.technique} reached {found.level} and {rules.level} is required; destroy the medium by a stronger technique"
        )
    proof = {
        "row": facts,
        "time": time_text(moment),
        "technique": reached._asdict(),
        "figures": {name: figure._asdict() for name, figure in sorted(found.used.items())},
        "particles": found.din,
        "limits": found.limits,
        **({} if rules.ordered is None else {"order": rules.ordered.named()}),
        **({"training": found.training} if found.training else {}),
    }
    outcome = "not_destroyed" if found.reasons else "destroyed"
    return Judged(number, facts["serial"], found.kind, found.technique, facts, outcome, found.level, found.reasons, found.limits, proof)
