# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite schemes as passes of bytes, and the level that a technique can reach."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._errors import RefusedError
from .._standards.levels import LEVELS, STANDARD, satisfies
from .._standards.schemes import CUSTOM, PUBLISHED, scheme_problem
from .._standards.techniques import TECHNIQUES

__all__ = ["LEVELS", "RANDOM", "STANDARD", "VERIFY", "Pass", "Scheme", "find_scheme", "reachable_level", "require_level", "satisfies"]

_REACHABLE = {name: TECHNIQUES[name].level for name in ("overwrite", "crypto_erase")}
VERIFY = ("none", "sample", "last", "all")


@dataclass(frozen=True)
class Pass:
    """One write over the whole target.

    :arg pattern: the bytes to repeat from offset 0 on; C(None) is a random keystream under a key of its own.
    """

    pattern: bytes | None

    def __post_init__(self) -> None:
        if self.pattern is not None and not self.pattern:
            raise ValueError("a pass needs at least one byte of pattern, or None for a random keystream")


RANDOM = Pass(None)


@dataclass(frozen=True)
class Scheme:
    """A list of passes.

    :arg verify: what is read back: C(none), C(sample) a share of the last pass, C(last) all of it, C(all) all of each.
        Only what reads its whole last pass back can end in C(destroyed).
    :arg share: of a sample, in thousandths.
    """

    name: str
    passes: tuple[Pass, ...]
    verify: str = "last"
    share: int = 1000

    def __post_init__(self) -> None:
        if not self.passes:
            raise ValueError(f"the scheme {self.name} has no pass")
        if self.verify not in VERIFY:
            raise ValueError(f"the scheme {self.name} has verify {self.verify!r}; allowed are {', '.join(VERIFY)}")

    def reads_back(self, index: int) -> bool:
        """Whether the pass C(index), from 0, is read back, in whole or in part."""
        return self.verify == "all" or (self.verify != "none" and index == len(self.passes) - 1)

    def reading(self, verify: str | None, share: int = 1000) -> Scheme:
        """The same passes, read back otherwise; as published where C(verify) is none."""
        return self if verify is None else replace(self, verify=verify, share=share if verify == "sample" else 1000)


def _pass(text: str) -> Pass:
    known = {"zeros": Pass(b"\x00"), "ones": Pass(b"\xff"), "random": Pass(None)}
    return known.get(text) or Pass(bytes.fromhex(text))


def find_scheme(name: str) -> Scheme:
    """The scheme of that name, or of the passes that C(custom:) lists.

    :raises RefusedError: there is none.
    """
    problem = scheme_problem(name)
    if problem:
        raise RefusedError(f"the overwrite scheme {name!r} {problem}")
    if name.startswith(CUSTOM):
        return Scheme(name, tuple(map(_pass, name[len(CUSTOM) :].split(","))))
    published = PUBLISHED[name]
    return Scheme(name, tuple(map(_pass, published.passes)), published.verify)


def reachable_level(technique: str) -> str:
    """The highest level that a technique can reach on files; C(none) for a technique that this engine does not have."""
    return _REACHABLE.get(technique, "none")


def require_level(technique: str, required: str) -> str:
    """The level that will be reached, checked before anything is written.

    :raises RefusedError: the technique cannot reach the required level.
    """
    reachable = reachable_level(technique)
    if not satisfies(reachable, required):
        raise RefusedError(
            f"{technique} reaches at most the level {reachable} of {STANDARD} and {required} is required, so nothing was written; "
            "destroy the keys (crypto_erase) or sanitize the whole medium to reach a higher one"
        )
    return reachable
