# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A register in YAML: scalars are taken as they are written, and changed in their places, so that comments and order stay."""

from __future__ import annotations

import json
import typing as t

import yaml

from ..module_utils._errors import PolicyError
from ._register import Change, Row

__all__ = ["changed_yaml", "yaml_rows"]

_KEY = "media"
_MARK = "\ufeff"
# The parser in C, where PyYAML has it, is ten times as quick; both count the same places.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_rows(name: str, text: str) -> list[Row]:
    """The entries of the list C(media).

    Every value counts as it is written: the serial 0042 is not 34, and NO is a text.

    :raises PolicyError: the form is another one; the sentence names the line.
    """
    try:
        for event in yaml.parse(text.removeprefix(_MARK), _LOADER) if "*" in text else ():
            if isinstance(event, yaml.AliasEvent):
                raise _fault(name, event, "has an alias, and a change of one medium would reach another; write the entry out")
        root = yaml.compose(text.removeprefix(_MARK), _LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        raise PolicyError(f"the register {name} is not YAML ({' '.join(str(error).split())[:300]}); correct it") from error
    members = _members(name, root, "the document") if root is not None else {}
    entries = members.get(_KEY)
    if set(members) != {_KEY} or not isinstance(entries, yaml.SequenceNode):
        raise PolicyError(f"the register {name} is not a mapping with the one key {_KEY}, a list of media; write it so (docs/register.md)")
    return [_row(name, entry) for entry in entries.value]


def _fault(name: str, place: yaml.Node | yaml.Event, what: str) -> PolicyError:
    return PolicyError(f"the register {name} line {_line(place)} {what}")


def _line(place: yaml.Node | yaml.Event) -> int:
    return place.start_mark.line + 1 if place.start_mark else 0


def _members(name: str, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise _fault(name, node, f"is no mapping, as {what} has to be; write column: value")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault(name, key, "has a key that is no text; write column: value")
        if key.value in found:
            raise _fault(
                name,
                key,
                f"has the key {key.value[:80]} a second time in one mapping, so one of the two would be lost; keep the one that is meant",
            )
        found[key.value] = value
    return found


def _row(name: str, entry: yaml.Node) -> Row:
    texts: dict[str, str] = {}
    for key, value in _members(name, entry, "each medium").items():
        if not isinstance(value, yaml.ScalarNode):
            raise _fault(name, value, f"has under {key[:80]} a list or a mapping; write one value")
        if value.style in ("|", ">"):
            raise _fault(name, value, f"has under {key[:80]} a text of several lines; write it on one")
        texts[key] = "" if value.tag == "tag:yaml.org,2002:null" else value.value
    return Row(f"line {_line(entry)}", texts)


def changed_yaml(text: str, changes: t.Sequence[Change]) -> str:
    """The text of a register that was read before, with only the values of C(state) and C(custody) of the changed media exchanged."""
    wanted = {change.serial: change for change in changes}
    edits: list[tuple[int, int, str]] = []
    mark, text = text[: text.startswith(_MARK)], text.removeprefix(_MARK)
    root = t.cast(yaml.MappingNode, yaml.compose(text, _LOADER))
    for entry in root.value[0][1].value:
        keys = {key.value: (key, value) for key, value in entry.value}
        change = wanted.get(keys["serial"][1].value.strip())
        if change is None:
            continue
        key, value = keys["state"]
        edits.append(_edit(value, change.state))
        if "custody" in keys:
            edits.append(_edit(keys["custody"][1], _quoted(change.custody)))
        elif change.custody:
            between = ", " if entry.flow_style else "\n" + " " * key.start_mark.column
            edits.append((key.start_mark.index, key.start_mark.index, f"custody: {_quoted(change.custody)}{between}"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return mark + text


def _edit(node: yaml.Node, new: str) -> tuple[int, int, str]:
    start, end = node.start_mark.index, node.end_mark.index
    # A value that is left out has no place of its own but the colon before it.
    return start, end, new if end > start else f" {new}"


def _quoted(text: str) -> str:
    """A text as a double-quoted scalar, which JSON's are."""
    return json.dumps(text, ensure_ascii=False)
