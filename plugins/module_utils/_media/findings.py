# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found while one result of physical work is judged: faults, figures that decided, and what the proof leaves open."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t
from decimal import Decimal

from .._document import Node
from .._standards.physical import Figure, figure_kind
from .._standards.quantities import parse_quantity

__all__ = ["Findings", "parse_day", "parse_moment"]

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_day(text: t.Any) -> dt.date:
    """A date such as C(2026-11-23).

    :raises ValueError: it is none; the text follows the value in a sentence.
    """
    try:
        return dt.date.fromisoformat(text if isinstance(text, str) and _DAY.fullmatch(text) else "")
    except ValueError:
        raise ValueError("is not a date that exists, of the form 2026-11-23") from None


def parse_moment(text: t.Any) -> dt.datetime:
    """A moment by RFC 3339, with its zone.

    :raises ValueError: it is none; the text follows the value in a sentence.
    """
    found = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    try:
        return dt.datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00") if found else "")
    except ValueError:
        raise ValueError("is not a time of RFC 3339 that exists, such as 2026-11-23T14:05:00+01:00") from None


@dataclasses.dataclass
class Findings:
    """What is found of one row.

    :ivar kind: of the medium; C(letter) its class of ISO/IEC 21964.
    :ivar nodes: the row's facts by name.
    :ivar problems: why the row is refused.
    :ivar day: of the work, where the row tells one, by the clock of its place.
    :ivar level: what the technique reaches with these facts.
    :ivar reasons: why that is not enough, or why nothing was reached.
    :ivar limits: what the proof leaves open, one sentence each.
    :ivar used: the figures that decided.
    :ivar training: the training records of operator and second person, where they were looked at.
    :ivar din: the level of ISO/IEC 21964 that was reached and the one that is required.
    """

    kind: str
    letter: str
    technique: str
    nodes: dict[str, Node]
    problems: list[str]
    figures: t.Mapping[str, Figure]
    day: dt.date | None = None
    level: str = "none"
    reasons: list[str] = dataclasses.field(default_factory=list)
    limits: list[str] = dataclasses.field(default_factory=list)
    used: dict[str, Figure] = dataclasses.field(default_factory=dict)
    din: dict[str, t.Any] | None = None
    training: dict[str, list[dict[str, str]]] = dataclasses.field(default_factory=dict)

    def figure(self, name: str) -> Decimal | None:
        """A figure's value, noted as one that decided; C(None) where there is none."""
        known = self.figures[name]
        if known.value is None:
            return None
        if known.confidence == "unverified" and name not in self.used:
            self.limits.append(
                f"the figure {name}, {known.value}, is unverified ({known.source}); hold it against the standard, or give one of your own with its source"
            )
        self.used[name] = known
        return self.value_of(name)

    def value_of(self, name: str) -> Decimal | None:
        """A figure's value, where it is only compared with and decides nothing."""
        value = self.figures[name].value
        return None if value is None else parse_quantity(figure_kind(name), value)

    def quantity(self, name: str, kind: str) -> Decimal | None:
        """A fact of the row with its unit; C(None) where it is missing or faulty, which is noted."""
        node = self.nodes.get(name)
        return None if node is None else node.parsed(lambda value: parse_quantity(kind, value), None)

    def text(self, name: str, *, allowed: t.Collection[str] = ()) -> str:
        """A fact of the row as text; empty where it is missing or faulty, which is noted."""
        node = self.nodes.get(name)
        return "" if node is None else node.text(allowed=allowed)

    def date(self, name: str) -> dt.date | None:
        node = self.nodes.get(name)
        return None if node is None else node.parsed(parse_day, None)
