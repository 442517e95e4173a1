# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A random sample that anybody can draw again, and what it shows: exact, without replacement (hypergeometric)."""

from __future__ import annotations

import fractions
import hashlib
import math
import re
import typing as t

from ..module_utils._errors import RefusedError

__all__ = ["check_confidence", "check_seed", "drawn", "most_missed", "needed", "percent", "share_of", "told"]

_SEED = re.compile(r"[\w.:@+-]{1,100}", re.ASCII)
_SHARE = re.compile(r"(\d{1,3})(?:\.(\d{1,6}))? ?%", re.ASCII)


def check_seed(seed: str) -> str:
    """:raises RefusedError: it could not be typed into a command as it is."""
    if not _SEED.fullmatch(seed):
        raise RefusedError(f"the seed {seed[:100]!r} is none; use up to 100 letters, digits and . : @ + - _")
    return seed


def check_confidence(confidence: int) -> int:
    """:raises RefusedError: no percentage that a sample could have."""
    if not 50 <= confidence <= 99:
        raise RefusedError(f"the confidence {confidence} is none; give a whole percentage from 50 to 99")
    return confidence


def share_of(text: str) -> fractions.Fraction:
    """A share such as C(0.5%).

    :raises RefusedError: it is none from 0 % to below 100 %.
    """
    found = _SHARE.fullmatch(text)
    share = fractions.Fraction(f"{found[1]}.{found[2] or 0}") / 100 if found else None
    if share is None or share >= 1:
        raise RefusedError(f"the share {text[:40]!r} is none; write it as 1% or 0.5%, below 100%")
    return share


def drawn(seed: str, way: str, population: int, size: int) -> list[int]:
    """Which of C(population) items are in the sample, counted from 0, in order.

    SHA-256 of C(SEED,WAY,1), C(SEED,WAY,2) and so on, each as a number modulo the population; one that comes again is passed over.
    """
    if size >= population:
        return list(range(population))
    found: set[int] = set()
    number = 0
    # Of more than half, those are drawn that stay out.
    wanted = min(size, population - size)
    while len(found) < wanted:
        number += 1
        found.add(int.from_bytes(hashlib.sha256(f"{seed},{way},{number}".encode()).digest(), "big") % population)
    return sorted(found) if wanted == size else [item for item in range(population) if item not in found]


def _misses(population: int, faulty: int, size: int, confidence: int) -> bool:
    """Whether a sample misses all faulty items with at least the probability that the confidence leaves."""
    few, many = sorted((faulty, size))
    return 100 * math.comb(population - many, few) >= (100 - confidence) * math.comb(population, few)


def _last(holds: t.Callable[[int], bool], most: int) -> int:
    """The last number up to C(most) of which something holds that holds of 0 and, once it does not, never again.

    By doubling first, since large numbers take long.
    """
    low, step = 0, 1
    while low < most and holds(min(low + step, most)):
        low, step = min(low + step, most), 2 * step
    high = min(low + step, most) - 1 if low < most else most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def most_missed(population: int, size: int, confidence: int) -> int:
    """The largest number of faulty items of which a sample without a fault may still have missed every one."""
    return _last(lambda faulty: _misses(population, faulty, size, confidence), population - size)


def needed(population: int, tolerable: fractions.Fraction, confidence: int) -> int:
    """The smallest sample that, without a fault, shows that no more than a share is faulty."""
    faulty = math.floor(tolerable * population) + 1
    if faulty > population:
        return 0
    return 1 + _last(lambda size: _misses(population, faulty, size, confidence), population - faulty)


def percent(part: int, whole: int) -> str:
    """A share rounded up to hundredths of a percent, so that it never says too little."""
    hundredths = -(-part * 10_000 // whole) if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02}%"


def told(population: int, size: int, confidence: int, tolerable: fractions.Fraction) -> dict[str, t.Any]:
    """What a sample without a fault shows."""
    missed = most_missed(population, size, confidence)
    return {
        "confidence": f"{confidence}%",
        "at_most": {"faulty": missed, "share": percent(missed, population)},
        "needed": {"samples": needed(population, tolerable, confidence), "share": f"{float(tolerable * 100):g}%"},
    }
