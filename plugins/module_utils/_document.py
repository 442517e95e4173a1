# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checked reading of a document that people wrote (policy, hold, request, layout).

A C(Node) knows its place in the document; each fault is noted as one sentence naming the place, the value and what is
allowed, and reading goes on, so that all faults are told at once.
"""

from __future__ import annotations

import re
import typing as t

from ._errors import PolicyError, first_of

__all__ = ["Node", "plain", "read_document", "read_kind"]

_T = t.TypeVar("_T")


def plain(value: t.Any) -> t.Any:
    """Plain JSON types from what a YAML loader or a templating engine gives: str and int subtypes, dates, the key C(on) read as true."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, t.Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def _key(key: t.Any) -> str:
    # YAML 1.1 reads the bare key `on` as the boolean true.
    return "on" if key is True else plain(key) if isinstance(key, str) else str(key)


class Node:
    """A value and its place in the document."""

    def __init__(self, value: t.Any, path: str, problems: list[str], *, private: bool = False) -> None:
        self.value = value
        self.path = path
        self.problems = problems
        self.private = private

    def problem(self, what: str) -> None:
        """Note a fault: C(what) follows the place and the value."""
        self.problems.append(f"{self.path}: {self._shown()} {what}")

    def _shown(self) -> str:
        if self.value is None:
            return "nothing"
        if self.private and not isinstance(self.value, bool):
            return f"the {type(self.value).__name__} there"
        text = repr(self.value)
        return text if len(text) <= 80 else text[:77] + "..."

    def child(self, key: str, value: t.Any) -> Node:
        return Node(value, f"{self.path}.{key}" if self.path else key, self.problems, private=self.private)

    def mapping(self, *, required: t.Collection[str] = (), optional: t.Collection[str] = ()) -> dict[str, Node]:
        """The members of a mapping; unknown, missing and blank ones are faults."""
        if not isinstance(self.value, dict):
            self.problem("is not a mapping; allowed are the keys " + ", ".join(sorted([*required, *optional])))
            return {}
        known = {*required, *optional}
        found: dict[str, Node] = {}
        for key, value in self.value.items():
            node = self.child(str(key), value)
            if key not in known:
                # What stands under a mistyped key may be a person's name.
                node.private = True
                node.problem(f"is under an unknown key; allowed are {', '.join(sorted(known))}")
            elif value is None:
                node.problem("is given: the key is blank; write a value or leave the key out")
            else:
                found[key] = node
        for key in required:
            if key not in self.value:
                self.problems.append(f"{self.path or 'the document'}: the key {key} is missing; it has no default")
        return found

    def items(self) -> list[tuple[str, Node]]:
        """The members of a mapping whose keys are free."""
        if not isinstance(self.value, dict):
            self.problem("is not a mapping")
            return []
        return [(str(key), self.child(str(key), value)) for key, value in self.value.items()]

    def elements(self, *, at_least: int = 0) -> list[Node]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            self.problem("is not a list")
            return []
        if len(self.value) < at_least:
            self.problem(f"has fewer than {at_least} elements")
        return [Node(item, f"{self.path}[{index}]", self.problems, private=self.private) for index, item in enumerate(self.value)]

    def text(self, *, allowed: t.Collection[str] = (), pattern: str = "", form: str = "") -> str:
        """A text that is not blank, one of C(allowed) or matching C(pattern), which C(form) puts in words."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.problem("is not a text" if not form else f"is not {form}")
            return ""
        if allowed and self.value not in allowed:
            self.problem(f"is not known; allowed are {', '.join(sorted(allowed))}")
            return ""
        if pattern and not re.fullmatch(pattern, self.value):
            self.problem(f"is not {form or 'of the form ' + pattern}")
            return ""
        return self.value

    def integer(self, *, minimum: int = 0) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < minimum:
            self.problem(f"is not a whole number from {minimum} up")
            return minimum
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            self.problem("is neither true nor false")
            return False
        return self.value

    def texts(self, *, allowed: t.Collection[str] = ()) -> list[str]:
        """A list of texts; a single text counts as a list of one."""
        if isinstance(self.value, str):
            return [self.text(allowed=allowed)]
        return [node.text(allowed=allowed) for node in self.elements(at_least=1)]

    def parsed(self, parse: t.Callable[[t.Any], _T], fallback: _T) -> _T:
        """What C(parse) makes of the value; its ValueError's text is the fault."""
        try:
            return parse(self.value)
        except ValueError as error:
            self.problem(str(error))
            return fallback


def read_document(value: t.Any, name: str, read: t.Callable[[Node], _T], *, private: bool = False) -> _T:
    """Read a whole document.

    :arg private: it names persons, so faults do not repeat its values.

    :raises PolicyError: with every fault, the first few in its sentence.
    """
    problems: list[str] = []
    result = read(Node(value, "", problems, private=private))
    if problems:
        raise PolicyError(f"{name} is not valid, nothing was done: {first_of(problems)}", details={"problems": problems[:50]})
    return result


def read_kind(
    node: Node, takes: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]], value: t.Callable[[str, Node], t.Any]
) -> tuple[str, dict[str, t.Any]]:
    """What a mapping with a C(kind) gives: the kind, and by name what C(value) reads of each member that it takes.

    :arg takes: by kind, the members that it must have, and those that it may have.
    """
    if not isinstance(node.value, dict) or "kind" not in node.value:
        node.mapping(required=["kind"])
        return "", {}
    kind = node.child("kind", node.value["kind"]).text(allowed=list(takes))
    if not kind:
        return "", {}
    required, optional = takes[kind]
    found = node.mapping(required=["kind", *required], optional=optional)
    return kind, {name: value(name, item) for name, item in found.items() if name != "kind"}
