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

import ast
import json
import re
import typing as t

__all__ = ["Shape", "Shapes"]

Record = dict[str, t.Any]

_TEXT = r'"([^"\\\x00-\x1f]*)"'
_NUMBER = r"(0|-?[1-9][0-9]{0,17})"
_END = 14
_MOST = 8
_MOST_MEMBERS = 250
_MOST_PARTS = 50


class Shape:
    """What all lines have in common that differ from C(record)'s in texts and numbers only."""

    def __init__(self, record: Record) -> None:
        self._groups = 0
        pattern: list[str] = []
        body = self._take(record, pattern)
        self._match = re.compile("".join(pattern)).fullmatch
        self._made = self._function(body)

    def _function(self, body: ast.expr) -> t.Callable[..., Record]:
        """What makes the record of the texts that the pattern found: as quick as if it were written out, and made of nodes, not of text."""
        names = [ast.arg(f"g{number}") for number in range(self._groups)]
        arguments = ast.arguments(posonlyargs=[], args=names, kwonlyargs=[], kw_defaults=[], defaults=[])
        code = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
        return t.cast("t.Callable[..., Record]", eval(compile(code, "<shape of a record>", "eval"), {"__builtins__": {}, "int": int}))

    def _take(self, value: t.Any, pattern: list[str]) -> ast.expr:
        """The expression that makes a value; what its line looks like goes to C(pattern)."""
        if isinstance(value, dict):
            return self._take_mapping(value, pattern)
        if isinstance(value, list):
            pattern.append(re.escape("["))
            items: list[ast.expr] = [self._after(number, item, pattern) for number, item in enumerate(value)]
            pattern.append(re.escape("]"))
            return ast.List(items, ast.Load())
        if value is None or isinstance(value, bool):
            pattern.append(json.dumps(value))
            return ast.Constant(value)
        found = ast.Name(f"g{self._groups}", ast.Load())
        self._groups += 1
        pattern.append(_TEXT if isinstance(value, str) else _NUMBER)
        return found if isinstance(value, str) else ast.Call(ast.Name("int", ast.Load()), [found], [])

    def _take_mapping(self, value: Record, pattern: list[str]) -> ast.expr:
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        pattern.append(re.escape("{"))
        for number, key in enumerate(sorted(value)):
            pattern.append("," if number else "")
            pattern.append(re.escape(json.dumps(key, ensure_ascii=False)) + ":")
            keys.append(ast.Constant(key))
            values.append(self._take(value[key], pattern))
        pattern.append(re.escape("}"))
        return ast.Dict(keys, values)

    def _after(self, number: int, value: t.Any, pattern: list[str]) -> ast.expr:
        pattern.append("," if number else "")
        return self._take(value, pattern)

    def read(self, text: str) -> Record | None:
        """The record of a line, none where the line is of another shape."""
        found = self._match(text)
        return None if found is None else self._made(*found.groups())


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
