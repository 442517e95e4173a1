# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was trained for which physical technique, and until when."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._document import Node, read_document
from .._standards.physical import PHYSICAL
from .findings import parse_day

__all__ = ["Trained", "person", "read_trained"]


def person(name: str) -> str:
    """By what two names are the same person's."""
    return " ".join(name.split()).casefold()


class _Training(t.NamedTuple):
    since: dt.date
    until: dt.date
    techniques: frozenset[str]


class Trained:
    """The trainings of all operators.

    :arg trainings: by person.
    """

    def __init__(self, trainings: t.Mapping[str, t.Sequence[_Training]]) -> None:
        self._trainings = trainings

    def problem(self, name: str, technique: str, day: dt.date) -> str | None:
        """Why a person may not have done the work on a day, to follow the person in a sentence; C(None) where nothing is wrong."""
        known = [training for training in self._trainings.get(name, ()) if technique in training.techniques]
        if not known:
            return f"is not among the operators trained for {technique or 'it'}; have it done by one who is, or complete the list"
        if any(training.since <= day <= training.until for training in known):
            return None
        return f"has no training for {technique} that was valid on {day}; have it done by one who has, or complete the list"


def _read(root: Node) -> Trained:
    trainings: dict[str, list[_Training]] = {}
    for node in root.elements():
        parts = node.mapping(required=("name", "valid_until"), optional=("valid_from", "techniques"))
        if "name" not in parts or "valid_until" not in parts:
            continue
        since = parts["valid_from"].parsed(parse_day, dt.date.min) if "valid_from" in parts else dt.date.min
        until = parts["valid_until"].parsed(parse_day, dt.date.min)
        techniques = parts["techniques"].texts(allowed=tuple(PHYSICAL)) if "techniques" in parts else list(PHYSICAL)
        trainings.setdefault(person(parts["name"].text()), []).append(_Training(since, until, frozenset(techniques)))
    return Trained(trainings)


def read_trained(value: t.Any) -> Trained:
    """The list of operators.

    :raises PolicyError: it is faulty.
    """
    return read_document(value, "the list of operators", _read, private=True)
