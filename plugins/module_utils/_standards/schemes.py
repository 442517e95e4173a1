# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published overwrite schemes as a table: passes in order, what is read back, and how sure we are of each.

Newer standards ask for one pass; the longer ones are here because contracts name them. A policy that knows better writes its own passes:
C(custom:) and a list such as C(custom:zeros,ff,6db6db,random).
"""

from __future__ import annotations

import re
import typing as t

__all__ = ["CUSTOM", "DEFAULT_SCHEME", "PUBLISHED", "Published", "pass_problem", "scheme_problem"]

DEFAULT_SCHEME = "nist_clear"
CUSTOM = "custom:"
_MOST_PASSES = 100
_LONGEST_PATTERN = 512


class Published(t.NamedTuple):
    """A scheme as it was published.

    :arg passes: C(zeros), C(ones), C(random), or the bytes to repeat in hexadecimal.
    :arg verify: after which passes every byte is read back: C(last) or C(all).
    :arg confidence: C(S) quoted by secondary sources, C(unverified) from common knowledge and not held against the document itself.
    """

    passes: tuple[str, ...]
    verify: str
    source: str
    confidence: str


_GUTMANN_PATTERNS = (
    *("55", "aa", "924924", "492492", "249249"),
    *(f"{nibble:x}{nibble:x}" for nibble in range(16)),
    *("924924", "492492", "249249", "6db6db", "b6db6d", "db6db6"),
)

PUBLISHED: t.Mapping[str, Published] = {
    "nist_clear": Published(("zeros",), "last", "NIST SP 800-88 Rev. 2 (2025-09), 3.1.1: one pass", "S"),
    "random": Published(("random",), "last", "one pass of a keystream that nobody can foresee", "S"),
    "dod_5220_22m": Published(("zeros", "ones", "random"), "last", "DoD 5220.22-M, as widely published", "unverified"),
    "dod_5220_22m_ece": Published(
        ("zeros", "ones", "random", "random", "zeros", "ones", "random"), "last", "DoD 5220.22-M ECE, as widely published", "unverified"
    ),
    "rcmp_tssit_ops_ii": Published(("zeros", "ones") * 3 + ("random",), "last", "RCMP TSSIT OPS-II, as widely published", "unverified"),
    "hmg_is5_baseline": Published(("zeros",), "last", "HMG Infosec Standard 5, Baseline, as widely published", "unverified"),
    "hmg_is5_enhanced": Published(
        ("zeros", "ones", "random"), "last", "HMG Infosec Standard 5, Enhanced, as widely published", "unverified"
    ),
    "bsi_vsitr": Published(("zeros", "ones") * 3 + ("aa",), "last", "BSI VSITR, as widely published", "unverified"),
    "schneier": Published(
        ("ones", "zeros") + ("random",) * 5, "last", "B. Schneier, Applied Cryptography, as widely published", "unverified"
    ),
    "gutmann": Published(
        ("random",) * 4 + _GUTMANN_PATTERNS + ("random",) * 4,
        "last",
        "P. Gutmann, USENIX Security 1996, patterns in the order of its table",
        "S",
    ),
}


def pass_problem(text: t.Any) -> str | None:
    """What is wrong with a scheme that has such a pass; C(None) where it is right."""
    if text in ("zeros", "ones", "random"):
        return None
    if not isinstance(text, str) or not re.fullmatch(r"(?:[0-9a-f]{2})+", text) or len(text) > 2 * _LONGEST_PATTERN:
        return f"has the pass {text!r}, which is none: give zeros, ones, random, or up to {_LONGEST_PATTERN} bytes in hexadecimal such as aa or 6db6db"
    return None


def scheme_problem(name: t.Any) -> str | None:
    """What is wrong with a scheme's name, to follow it in a sentence; C(None) where it is right."""
    if isinstance(name, str) and name.startswith(CUSTOM):
        passes = name[len(CUSTOM) :].split(",")
        if len(passes) > _MOST_PASSES:
            return f"has {len(passes)} passes, more than {_MOST_PASSES}; give fewer"
        return next(filter(None, map(pass_problem, passes)), None)
    if name not in PUBLISHED:
        return f"is not known; give one of {', '.join(PUBLISHED)}, or {CUSTOM} and passes, such as {CUSTOM}zeros,ff,random"
    return None
