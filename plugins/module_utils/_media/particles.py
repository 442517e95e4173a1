# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which level of ISO/IEC 21964 particles reach, and which one a medium needs."""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

from .._document import Node
from .._standards.physical import DIN, PHYSICAL, sized_levels
from .findings import Findings

__all__ = ["judge_particles", "required_level"]

_LEVEL = re.compile(r"([PFOTHE])-([1-7])")
_LOWEST_CATEGORIES = (
    "NIST SP 800-88 Rev. 2 takes shredding and pulverizing as destruction for the lowest categories of data only; "
    "whether the data were of these is the policy's word"
)


def required_level(found: Findings, protection_class: int | None) -> int | None:
    """The highest level that the row and the task ask for; C(None) where they ask for none, or for one that is faulty, which is noted.

    :arg protection_class: that the task gives for all rows.
    """
    asked = [_stated(found, found.nodes["required_level"])] if "required_level" in found.nodes else []
    if "protection_class" in found.nodes:
        asked.append(_of_class(found, found.nodes["protection_class"].parsed(_class_number, 0)))
    if protection_class is not None:
        asked.append(_of_class(found, protection_class))
    return max((level for level in asked if level), default=None)


def _class_number(value: t.Any) -> int:
    if str(value) not in ("1", "2", "3"):
        raise ValueError("is no protection class; give 1, 2 or 3")
    return int(value)


def _stated(found: Findings, node: Node) -> int:
    match = _LEVEL.fullmatch(node.value) if isinstance(node.value, str) else None
    if match is None:
        node.problem("is no level of ISO/IEC 21964, such as H-5")
        return 0
    letter, level = match[1], int(match[2])
    lowest = int(found.figure("lowest_level") or 0)
    if letter != found.letter:
        node.problem(f"is of another class; a medium of the kind {found.kind} belongs to class {found.letter}")
    elif level < lowest:
        node.problem(f"is below {letter}-{lowest} and so unfit for personal data, which recordings are; require more")
    elif level not in sized_levels(letter):
        node.problem(f"asks for no particle size, so no size can prove it; require {letter}-{sized_levels(letter)[0]} or more")
    else:
        return level
    return 0


def _of_class(found: Findings, number: int) -> int:
    """The lowest level of a protection class that a particle size can prove; 0 where there is none, which is noted."""
    if not number:
        return 0
    lowest = found.figure(f"protection_class_{number}")
    if lowest is None:
        found.problems.append(
            f"protection_class: {number} is unfit for personal data, which recordings are; give 2 or 3, or the figure protection_class_{number} "
            "with its edition and source"
        )
        return 0
    return max(int(lowest), sized_levels(found.letter)[0])


def judge_particles(found: Findings, required: int | None) -> None:
    """Judge the facts of C(shred), C(disintegrate) and C(pulverize).

    :arg required: the level that the medium needs.
    """
    size = found.quantity("particle", "area")
    if "samples" in found.nodes:
        found.nodes["samples"].parsed(_count, 0)
    if required is None:
        if not {"required_level", "protection_class"} & {problem.partition(":")[0] for problem in found.problems}:
            found.problems.append(
                "required_level: nothing is given, so no particle can be judged; give it, or protection_class, in the row or the task"
            )
        return
    if size is None:
        return
    _judge_size(found, size, required)
    _judge_die(found, size)
    screen = found.quantity("screen", "length")
    if screen is not None and screen * screen > (found.figure(_name(found, required)) or 0):
        found.limits.append(
            "the openings of the machine's screen let larger particles pass than the level allows, so the level rests on the sample alone"
        )
    found.limits.append("the largest particle is that of the sample that was measured; a larger one may be among the rest")
    if found.technique != "disintegrate":
        found.limits.append(_LOWEST_CATEGORIES)
    found.level = PHYSICAL[found.technique].level


def _count(value: t.Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value), re.ASCII) or not int(value):
        raise ValueError("is no count of particles that were measured; give a whole number from 1 up")
    return int(value)


def _name(found: Findings, level: int) -> str:
    return f"din_{found.letter.lower()}_{level}"


def _judge_size(found: Findings, size: Decimal, required: int) -> None:
    levels = sized_levels(found.letter)
    allowed = found.figure(_name(found, required))
    higher = [level for level in levels if level >= required and size <= (found.value_of(_name(found, level)) or 0)]
    reached = max(higher, default=0) or (required if _tolerated(found, size, required) else 0)
    if reached:
        found.figure(_name(found, reached))
        found.din = {"class": found.letter, "required": required, "achieved": reached, "standard": DIN}
        return
    below = max((level for level in levels if size <= (found.value_of(_name(found, level)) or 0)), default=0)
    reaches = f"reaches only {found.letter}-{below}" if below else f"reaches no level of class {found.letter}"
    found.nodes["particle"].problem(
        f"{reaches}, and {found.letter}-{required} is required (at most {allowed} mm2); destroy it again, finer"
    )


def _tolerated(found: Findings, size: Decimal, required: int) -> bool:
    """Whether the size is one that a small part of the material may have."""
    name = f"{_name(found, required)}_tolerance"
    share = found.quantity("oversize", "share")
    if share is None or name not in found.figures:
        return False
    most, largest = found.figure("tolerance_share"), found.figure(name)
    return most is not None and largest is not None and share <= most and size <= largest


def _judge_die(found: Findings, size: Decimal) -> None:
    if found.letter != "E":
        if "die" in found.nodes:
            found.nodes["die"].problem(
                f"is given, and a medium of the kind {found.kind} is not known to hold flash; correct the kind, or leave it out"
            )
        return
    die = found.quantity("die", "area") if "die" in found.nodes else found.figure("flash_die")
    if die is None:
        if "die" not in found.nodes:
            found.problems.append(
                "die: nothing is given, so a whole die of flash may be left; give the area of its smallest die, or the figure flash_die"
            )
    elif size >= die:
        found.nodes["particle"].problem(
            f"is not smaller than a die of the flash ({die} mm2), so a whole die may be left; destroy it again, finer"
        )
