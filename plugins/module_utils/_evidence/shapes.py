# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick reading of canonical JSON whose lines differ in their texts and numbers only, as those of a journal do.

A C(Shape) is made of a record whose line was found canonical. A line that matches it is canonical too, byte for byte: keys and their order,
punctuation, C(true), C(false) and C(null) are those of that line; texts are such as need no escape; numbers have the one form that whole
numbers have. Whatever matches no shape is read and encoded again in full.
"""

from __future__ import annotations

import json
import re
import typing as t

__all__ = ["Shape", "Shapes"]

Record = dict[str, t.Any]

_TEXT = r'"[^"\\\x00-\x1f]*"'
_NUMBER = r"(?:0|-?[1-9][0-9]{0,17})"
_END = 14
_MOST = 8
_MOST_MEMBERS = 250
_MOST_PARTS = 50


class Shape:
    """What all lines have in common that differ from C(record)'s in texts and numbers only."""

    def __init__(self, record: Record) -> None:
        self.fits = re.compile("".join(_pattern(record))).fullmatch

    def read(self, text: str) -> Record | None:
        """The record of a line, none where the line is of another shape."""
        if self.fits(text) is None:
            return None
        found: Record = json.loads(text)
        return found


def _pattern(value: t.Any) -> t.Iterator[str]:
    """What the line of a value looks like, and of all that have the same keys."""
    if isinstance(value, dict):
        yield re.escape("{")
        for number, key in enumerate(sorted(value)):
            yield ("," if number else "") + re.escape(json.dumps(key, ensure_ascii=False)) + ":"
            yield from _pattern(value[key])
        yield re.escape("}")
    elif isinstance(value, list):
        yield re.escape("[")
        for number, item in enumerate(value):
            yield "," if number else ""
            yield from _pattern(item)
        yield re.escape("]")
    elif value is None or isinstance(value, bool):
        yield json.dumps(value)
    else:
        yield _TEXT if isinstance(value, str) else _NUMBER


class Shapes:
    """The shapes of one file's lines, a few for each ending that lines have, which in a journal tells the type of the record."""

    def __init__(self) -> None:
        self._known: dict[str, list[Shape]] = {}

    def read(self, text: str) -> Record | None:
        """The record of a line that is certainly canonical; none where that is not known."""
        known = self._known.get(text[-_END:])
        if known is None:
            return None
        for place, shape in enumerate(known):
            record = shape.read(text)
            if record is not None:
                if place:
                    known.insert(0, known.pop(place))
                return record
        return None

    def learn(self, record: Record, text: str) -> None:
        """Take the shape of a record whose line was found canonical, while there are few, and unless it is large or deep beyond use."""
        if text.count(",") > _MOST_MEMBERS or text.count("{") + text.count("[") > _MOST_PARTS:
            return
        end = text[-_END:]
        known = self._known.get(end)
        if known is None:
            # A file without such endings in common would fill the memory.
            if len(self._known) < 4 * _MOST:
                self._known[end] = [Shape(record)]
        elif len(known) < _MOST:
            known.append(Shape(record))
