# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite schemes as data, and the level that a technique can reach."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import RefusedError

__all__ = ["LEVELS", "RANDOM", "SCHEMES", "STANDARD", "Pass", "Scheme", "find_scheme", "reachable_level", "require_level", "satisfies"]

STANDARD = "NIST SP 800-88 Rev. 2 (2025-09)"
LEVELS = ("none", "clear", "purge", "destroy")

_REACHABLE = {"overwrite": "clear"}
_VERIFY = ("none", "last", "all")


@dataclass(frozen=True)
class Pass:
    """One write over the whole target.

    :arg pattern: the bytes to repeat from offset 0 on; C(None) is a random keystream under a key of its own.
    """

    pattern: bytes | None

    def __post_init__(self) -> None:
        if self.pattern is not None and not self.pattern:
            raise ValueError("a pass needs at least one byte of pattern, or None for a random keystream")


ZEROS = Pass(b"\x00")
RANDOM = Pass(None)


@dataclass(frozen=True)
class Scheme:
    """A list of passes.

    :arg verify: after which passes every byte is read back: C(none), C(last), C(all).
        Only a scheme that reads its last pass back can end in C(destroyed).
    """

    name: str
    passes: tuple[Pass, ...]
    verify: str = "last"

    def __post_init__(self) -> None:
        if not self.passes:
            raise ValueError(f"the scheme {self.name} has no pass")
        if self.verify not in _VERIFY:
            raise ValueError(f"the scheme {self.name} has verify {self.verify!r}; allowed are {', '.join(_VERIFY)}")

    def reads_back(self, index: int) -> bool:
        """Whether the pass C(index), from 0, is read back."""
        return self.verify == "all" or (self.verify == "last" and index == len(self.passes) - 1)


SCHEMES: t.Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("nist_clear", (ZEROS,)),
        Scheme("random", (RANDOM,)),
    )
}


def find_scheme(name: str) -> Scheme:
    """The scheme of that name.

    :raises RefusedError: there is none.
    """
    try:
        return SCHEMES[name]
    except KeyError:
        raise RefusedError(f"the overwrite scheme {name!r} is not known; give one of {', '.join(SCHEMES)}") from None


def reachable_level(technique: str) -> str:
    """The highest level that a technique can reach on files; C(none) for a technique that this engine does not have."""
    return _REACHABLE.get(technique, "none")


def satisfies(achieved: str, required: str) -> bool:
    """Whether one level is at least the other; a level that is not known satisfies nothing and is never satisfied."""
    if achieved not in LEVELS or required not in LEVELS:
        return False
    return LEVELS.index(achieved) >= LEVELS.index(required)


def require_level(technique: str, required: str) -> str:
    """The level that will be reached, checked before anything is written.

    :raises RefusedError: the technique cannot reach the required level.
    """
    reachable = reachable_level(technique)
    if not satisfies(reachable, required):
        raise RefusedError(
            f"{technique} of files reaches at most the level {reachable} of {STANDARD} and {required} is required, so nothing was written; "
            "destroy the keys (crypto_erase) or sanitize the whole medium to reach a higher one"
        )
    return reachable
