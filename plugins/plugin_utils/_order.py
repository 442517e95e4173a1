# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A work order to destroy media physically: judged against the register before it is written."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import re
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._evidence.clock import time_text
from ..module_utils._media.degaussing import undegaussable
from ..module_utils._media.findings import Findings, parse_day
from ..module_utils._media.ordered import FORMAT, MEDIUM, ORDERABLE, order_id
from ..module_utils._media.particles import required_level
from ..module_utils._media.results import FACTS, SERIAL
from ..module_utils._media.serials import serial_key
from ..module_utils._standards.levels import satisfies
from ..module_utils._standards.physical import DIN_CLASSES, PHYSICAL, Figure
from ._language import load_language, visible
from ._register import Medium

__all__ = ["MAKES_PARTICLES", "Wanted", "build_order", "default_why", "open_points", "size_required"]

# As many as media_destruction takes back in one task.
_MOST_MEDIA = 200
_MOST = 100
_MOST_IN_A_SENTENCE = 20
_LONGEST = 200
_LONGEST_WHY = 300
MAKES_PARTICLES = tuple(technique for technique, (needed, _optional) in FACTS.items() if "particle" in needed)
_NOT_YET = {
    "in_service": "is in_service, so a host may still need it; record its release first",
    "destroyed": "is destroyed already; take it out of the order",
    "reused": "is reused, so what is on it now belongs to its new use; bring it back in service and release it first",
}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a task asks to be ordered.

    :arg why: sentences by serial; of the others the register's state tells why.
    """

    serials: t.Sequence[str]
    technique: str
    issued_by: str
    level: str = "destroy"
    protection_class: int | None = None
    due: str | None = None
    facility: str = ""
    plan_id: str = ""
    why: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def default_why(state: str) -> str:
    """Why a medium in a state of the register is destroyed, where the task does not tell."""
    return load_language("en").word(f"order.why.{state}")


def size_required(kind: str, technique: str, protection_class: int | None, figures: t.Mapping[str, Figure]) -> tuple[str, str] | None:
    """The level of ISO/IEC 21964 that the particles of a medium need, and their size; C(None) where none is asked for.

    :raises ValueError: the class has no level; the text is a sentence.
    """
    if protection_class is None or technique not in MAKES_PARTICLES:
        return None
    letter = DIN_CLASSES[kind]
    found = Findings(kind, letter, technique, {}, [], figures)
    level = required_level(found, protection_class)
    if level is None:
        raise ValueError(found.problems[0])
    return f"{letter}-{level}", str(figures[f"din_{letter.lower()}_{level}"].value)


def build_order(
    wanted: Wanted, media: t.Mapping[str, Medium], unfinished: t.Collection[str], *, figures: t.Mapping[str, Figure], now: dt.datetime
) -> dict[str, t.Any]:
    """The order, every medium as the register has it, in the order of hosts and bays.

    :arg media: of the register, by C(serial_key).
    :arg unfinished: keys of those whose last event the register does not show yet.
    :raises RefusedError: something cannot be ordered so; every fault is told.
    """
    faults = [*_faults_of_order(wanted, figures, now), *_faults_of_serials(wanted, media)]
    chosen = {key: media[key] for key in map(serial_key, wanted.serials) if key in media}
    for key, medium in chosen.items():
        faults += [f"{medium.serial} {fault}" for fault in _faults_of_medium(medium, wanted)]
        if key in unfinished:
            faults.append(f"{medium.serial} has an event that the register does not show yet; run the task that was cut off again")
    if faults:
        rest = f" (and {len(faults) - _MOST_IN_A_SENTENCE} more)" if len(faults) > _MOST_IN_A_SENTENCE else ""
        raise RefusedError(
            f"no work order was written: {'; '.join(faults[:_MOST_IN_A_SENTENCE])}{rest}",
            details={"problems": [fault[:300] for fault in faults[:_MOST]]},
        )
    why = {serial_key(serial): sentence for serial, sentence in wanted.why.items()}
    rows = [_row(medium, why.get(key, "")) for key, medium in chosen.items()]
    order = {
        "format": FORMAT,
        "created": time_text(now),
        "media": sorted(rows, key=lambda row: (row["host"], row["bay"], row["serial"])),
        **{key: getattr(wanted, key) for key in ("issued_by", "technique", "level", "protection_class", "due", "facility", "plan_id")},
    }
    return {**order, "id": order_id(order)}


def open_points(order: t.Mapping[str, t.Any]) -> list[str]:
    """What the order leaves to others."""
    if order["technique"] in MAKES_PARTICLES and order["protection_class"] is None:
        return [
            "no protection_class is given, so the order asks for no particle size; each row of its results has to state the required_level"
        ]
    return []


def _row(medium: Medium, why: str) -> dict[str, str]:
    return {key: why or default_why(medium.state) if key == "why" else getattr(medium, key) for key in MEDIUM}


def _faults_of_order(wanted: Wanted, figures: t.Mapping[str, Figure], now: dt.datetime) -> t.Iterator[str]:
    technique = PHYSICAL.get(wanted.technique)
    allowed = f"give one of {', '.join(ORDERABLE)}"
    if technique is None:
        yield f"technique: {wanted.technique!r} is not known; {allowed}"
    elif wanted.technique not in ORDERABLE:
        yield f"technique: {wanted.technique} reaches no level, as data can be read from the parts; {allowed}"
    elif not satisfies(technique.level, wanted.level):
        yield f"technique: {wanted.technique} reaches {technique.level} and the level is {wanted.level}; order a stronger technique"
    yield from _faults_of_class(wanted, figures)
    for key, most in (("issued_by", _LONGEST), ("facility", _LONGEST)):
        text = getattr(wanted, key)
        if (key == "issued_by" and not text.strip()) or len(text) > most or not text.isprintable():
            yield f"{key}: {text[:80]!r} is blank, longer than {most} characters or not one line; correct it"
    if wanted.plan_id and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", wanted.plan_id):
        yield f"plan_id: {wanted.plan_id[:80]!r} is not a name of up to 64 letters, digits, dots, hyphens and underscores; correct it"
    if wanted.due is not None:
        try:
            if parse_day(wanted.due) < now.astimezone(dt.timezone.utc).date():
                yield f"due: {wanted.due} is over (it is {time_text(now)} now); give a day to come"
        except ValueError as error:
            yield f"due: {wanted.due[:80]!r} {error}"


def _faults_of_class(wanted: Wanted, figures: t.Mapping[str, Figure]) -> t.Iterator[str]:
    number = wanted.protection_class
    if number is None:
        return
    if wanted.technique == "degauss":
        yield f"protection_class: {number} asks for particles, and degauss makes none; order another technique, or leave the class out"
    try:
        size_required("hdd", MAKES_PARTICLES[0], number, figures)
    except ValueError as error:
        yield str(error)


def _faults_of_serials(wanted: Wanted, media: t.Mapping[str, Medium]) -> t.Iterator[str]:
    if not 0 < len(wanted.serials) <= _MOST_MEDIA:
        yield f"{len(wanted.serials)} serials are given; give from 1 to {_MOST_MEDIA} in one order, as media_destruction takes no more back"
    counts = collections.Counter(map(serial_key, wanted.serials))
    for key, serial in {serial_key(serial): serial for serial in wanted.serials}.items():
        if not key:
            yield "a serial is blank, so nobody can tell which medium it is; read it off the label"
            continue
        if counts[key] > 1:
            yield f"{_named(serial)} is given {counts[key]} times; name each medium once"
        if key not in media:
            yield f"{_named(serial)} is not in the register; correct the serial, or enter the medium first"
    reasons = collections.Counter(map(serial_key, wanted.why))
    for serial, sentence in wanted.why.items():
        if serial_key(serial) not in counts:
            yield f"{_named(serial)} has a sentence under why and is not among the serials; take it out, or order it"
        if reasons[serial_key(serial)] > 1:
            yield f"{_named(serial)} has {reasons[serial_key(serial)]} sentences under why; keep the right one"
        if not isinstance(sentence, str) or not sentence.strip() or len(sentence) > _LONGEST_WHY or not sentence.isprintable():
            yield f"{_named(serial)} has a why that is blank, longer than {_LONGEST_WHY} characters or not one line; correct it"


def _named(serial: str) -> str:
    return visible(serial)[:_LONGEST]


def _faults_of_medium(medium: Medium, wanted: Wanted) -> t.Iterator[str]:
    if medium.state in _NOT_YET:
        yield _NOT_YET[medium.state]
    if not re.fullmatch(SERIAL, medium.serial):
        yield "has a serial that no result can have: up to 100 printable letters, digits and signs of ASCII; write it in the register as on the label"
    technique = PHYSICAL.get(wanted.technique)
    if wanted.technique not in ORDERABLE or technique is None:
        return
    out_of_reach = undegaussable(medium.kind) if wanted.technique == "degauss" else ""
    if out_of_reach:
        yield f"cannot be ordered so: {wanted.technique} {out_of_reach}"
    elif not satisfies(technique.level, medium.required_level):
        yield f"needs {medium.required_level}, and {wanted.technique} reaches {technique.level}; order a stronger technique"
    elif not satisfies(wanted.level, medium.required_level):
        yield f"needs {medium.required_level}, and the level of the order is {wanted.level}; raise it"
