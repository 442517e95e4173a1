# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules' conditions, in three values: true, false, and not known (C(None)).

A field that a recording set does not have is not known, and not known is never taken for false.
"""

from __future__ import annotations

import typing as t

from .._document import Node
from .._errors import RefusedError
from .._recordings.fields import COMPUTED_FIELDS, FIELDS, NUMBER_FIELDS

__all__ = ["Condition", "condition_from_nodes"]

Test = t.Callable[[t.Any], bool]


class Condition:
    """C(match) and C(where), ANDed; C(sources) are the sources that C(match) asks for by name."""

    def __init__(self, tests: t.Sequence[tuple[str, Test]], where: str | None, sources: t.Iterable[str] = ()) -> None:
        self.tests = tuple(tests)
        self.sources = frozenset(sources)
        self.where = where
        self.computed = COMPUTED_FIELDS if where is not None else COMPUTED_FIELDS & {name for name, _test in self.tests}
        self._expression = None if where is None else compile_expression(where)

    def holds(self, fields: t.Mapping[str, t.Any], metadata: t.Mapping[str, t.Any]) -> tuple[bool | None, str]:
        """The value, and what is not known where it is C(None)."""
        unknown = ""
        for name, test in self.tests:
            value = fields.get(name)
            if value is None:
                unknown = unknown or f"{name} is not known"
            elif not test(value):
                return False, ""
        if self._expression is not None and not unknown:
            return self._expression({**fields, "metadata": dict(metadata)})
        return (None, unknown) if unknown else (True, "")


def condition_from_nodes(keys: t.Mapping[str, Node]) -> Condition:
    """Read the keys C(match) and C(where) of a rule; faults are noted in the nodes."""
    tests = []
    sources: list[str] = []
    if "match" in keys:
        for name, node in keys["match"].items():
            if name not in FIELDS:
                node.problem(f"is under an unknown field; allowed are {', '.join(sorted(FIELDS))}")
                continue
            tests.append((name, _number_test(node) if name in NUMBER_FIELDS else _text_test(node)))
            if name == "source":
                sources = _asked_for(node.value)
    where = None
    if "where" in keys:
        where = keys["where"].text()
        try:
            compile_expression(where)
        except ValueError as error:
            keys["where"].problem(str(error))
            where = None
    return Condition(tests, where, sources)


def _asked_for(value: t.Any) -> list[str]:
    names = value.get("in") if isinstance(value, dict) else value
    return [name for name in (names if isinstance(names, list) else [names]) if isinstance(name, str)]


def _text_test(node: Node) -> Test:
    if not isinstance(node.value, dict):
        return frozenset(node.texts()).__contains__
    keys = node.mapping(optional=["in", "not_in", "prefix"])
    if not keys:
        node.problem("has no test; allowed are in, not_in, prefix")
    among = frozenset(keys["in"].texts()) if "in" in keys else None
    outside = frozenset(keys["not_in"].texts()) if "not_in" in keys else frozenset()
    prefixes = tuple(keys["prefix"].texts()) if "prefix" in keys else None

    def test(value: t.Any) -> bool:
        return (among is None or value in among) and value not in outside and (prefixes is None or value.startswith(prefixes))

    return test


def _number_test(node: Node) -> Test:
    if isinstance(node.value, dict):
        keys = node.mapping(optional=["min", "max"])
        if not keys:
            node.problem("has no test; allowed are min, max")
        least = keys["min"].integer() if "min" in keys else None
        most = keys["max"].integer() if "max" in keys else None
        return lambda value: (least is None or value >= least) and (most is None or value <= most)
    numbers = node.elements(at_least=1) if isinstance(node.value, list) else [node]
    return frozenset(number.integer() for number in numbers).__contains__


class _NotKnownError(Exception):
    """Evaluation met a null, or compared values of two types."""


def compile_expression(text: str) -> t.Callable[[dict[str, t.Any]], tuple[bool | None, str]]:
    """A JMESPath expression as a function of plain data.

    :raises ValueError: it is not JMESPath.
    :raises RefusedError: the library is missing on this host.
    """
    try:
        import jmespath.exceptions
        import jmespath.parser
        import jmespath.visitor
    except ImportError as error:
        raise RefusedError(
            "the policy has a `where` expression, but the Python library jmespath is not installed on this host; "
            "install the package python3-jmespath (role target_setup does)"
        ) from error

    class Strict(jmespath.visitor.TreeInterpreter):
        def visit(self, node: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
            found = super().visit(node, *args, **kwargs)
            if found is None:
                raise _NotKnownError(f"{node['value']} is not known" if node["type"] == "field" else f"a null from {node['type']}")
            return found

        def visit_and_expression(self, node: t.Any, value: t.Any) -> bool:
            return all(self._truth(child, value) for child in node["children"])

        def visit_or_expression(self, node: t.Any, value: t.Any) -> bool:
            return any(self._truth(child, value) for child in node["children"])

        def visit_not_expression(self, node: t.Any, value: t.Any) -> bool:
            return not self._truth(node["children"][0], value)

        def _truth(self, node: t.Any, value: t.Any) -> bool:
            # JMESPath takes any text for true, the text "false" too.
            found = self.visit(node, value)
            if found is not True and found is not False:
                raise _NotKnownError("an operand is neither true nor false")
            return bool(found)

        def visit_comparator(self, node: t.Any, value: t.Any) -> t.Any:
            left, right = (self.visit(child, value) for child in node["children"])
            if _kind(left) is not _kind(right):
                raise _NotKnownError("a comparison of two types")
            if isinstance(left, str) and node["value"] not in ("eq", "ne"):
                # Dates and numbers written as text would be ordered letter by letter.
                raise _NotKnownError("an order of texts")
            return super().visit_comparator(node, value)

    try:
        tree = jmespath.parser.Parser().parse(text).parsed
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"is not a JMESPath expression ({' '.join(str(error).split())[:120]})") from error
    interpreter = Strict()

    def evaluate(data: dict[str, t.Any]) -> tuple[bool | None, str]:
        try:
            result = interpreter.visit(tree, data)
        except _NotKnownError as error:
            return None, f"where: {error}"
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
            return None, f"where: {type(error).__name__}"
        return (result, "") if result is True or result is False else (None, "where: the result is neither true nor false")

    return evaluate


def _kind(value: t.Any) -> type:
    return float if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)
