# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of physical work from a file on the controller: CSV as spreadsheets write it, or YAML; and the work order that they belong to."""

from __future__ import annotations

import csv
import io
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import plain
from ..module_utils._errors import DisposalError
from ..module_utils._media.ordered import PREFILLED, Ordered, read_order
from ..module_utils._media.serials import serial_key
from ._action import located
from ._evidence_files import read_bytes
from ._inputs import load_yaml
from ._render import csv_page
from ._training_files import training_arguments

__all__ = ["results_arguments"]

_WHAT = "the file of results"


def results_arguments(args: t.Mapping[str, t.Any], loader: DataLoader) -> dict[str, t.Any]:
    """The module's arguments with the rows of C(results_file), and what C(order) names, read into them.

    :raises AnsibleActionFail: a file cannot be read or is not what it should be, or what is given contradicts itself.
    """
    done = dict(args)
    ordered = _take_order(done)
    path = done.pop("results_file", None)
    if path and done.get("results") is not None:
        raise AnsibleActionFail("results and results_file are both given; give one of them")
    if path:
        done["results"] = _read_csv(str(path)) if str(path).lower().endswith(".csv") else _read_yaml(str(path), loader)
    elif done.get("results") is not None:
        done["results"] = plain(done["results"])
    if ordered is not None and isinstance(done.get("results"), list):
        done["results"] = _as_ordered(done["results"], ordered)
    try:
        return training_arguments(done)
    except DisposalError as error:
        raise AnsibleActionFail(error.message) from error


def _take_order(done: dict[str, t.Any]) -> Ordered | None:
    """Set what the work order says, where there is one."""
    path = done.pop("order", None)
    if not path:
        return None
    location = located(str(path))
    name = f"the work order {location}"
    try:
        data = read_bytes(location)
        ordered = read_order(data, name)
    except DisposalError as error:
        raise AnsibleActionFail(error.message) from error
    told = _contradiction(done, ordered)
    if told:
        raise AnsibleActionFail(f"{told} in {name}, so nothing was recorded; leave it out, or name the right order")
    done.update(expected=ordered.serials, level=ordered.level, order=location, work_order=data.decode("utf-8"))
    # A choice that is nothing is none of the module's.
    done.pop("protection_class", None)
    if ordered.protection_class is not None:
        done["protection_class"] = ordered.protection_class
    return ordered


def _contradiction(args: t.Mapping[str, t.Any], ordered: Ordered) -> str:
    """Which option is given besides the order and is another than in it; empty where none is."""
    for key, own in (("level", ordered.level), ("protection_class", ordered.protection_class)):
        if args.get(key) is not None and str(args[key]) != str(own):
            return f"{key} is given as {args[key]} and is {own or 'none'}"
    expected = plain(args.get("expected"))
    if expected is None:
        return ""
    # A text with commas is a list for the module too.
    given = {serial_key(str(serial)) for serial in (expected if isinstance(expected, list) else str(expected).split(","))}
    differing = sorted(given ^ set(ordered.media))
    return f"expected is given, with other serials than those (they differ in {', '.join(differing[:10])})" if differing else ""


def _as_ordered(rows: t.Sequence[t.Any], ordered: Ordered) -> list[t.Any]:
    """The rows with what the form had to write otherwise, so that no spreadsheet takes it for a formula, as the order has it."""
    form = csv_page(PREFILLED, ([medium[name] for name in PREFILLED] for medium in ordered.media.values()))
    lines = [dict(zip(PREFILLED, map(str.strip, cells))) for cells in csv.reader(io.StringIO(form, newline=""))]
    pairs = {line["serial"]: (line, medium) for line, medium in zip(lines[1:], ordered.media.values())}
    done = []
    for row in rows:
        line, medium = pairs.get(str(row.get("serial")), ({}, {})) if isinstance(row, dict) else ({}, {})
        written = {name: medium[name] for name in line if medium[name] and row.get(name) == line[name]}
        done.append({**row, **written} if written else row)
    return done


def _read_yaml(path: str, loader: DataLoader) -> list[t.Any]:
    if not path.lower().endswith((".yml", ".yaml", ".json")):
        raise AnsibleActionFail(f"{_WHAT} {located(path)} ends in none of .csv, .yml, .yaml, .json; rename it after what it holds")
    rows = load_yaml(path, loader, _WHAT)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AnsibleActionFail(
            f"{_WHAT} {located(path)} is not a list of mappings; write one mapping for each medium, each after a hyphen"
        )
    return rows


def _read_csv(path: str) -> list[dict[str, str]]:
    location = located(path)
    try:
        with open(location, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        raise AnsibleActionFail(f"{_WHAT} {location} cannot be read ({error}); correct the path, or save it as UTF-8") from error
    head = text.partition("\n")[0]
    # Spreadsheets write semicolons where a comma is the decimal sign.
    reader = csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True)
    try:
        lines = [[cell.strip() for cell in line] for line in reader]
    except csv.Error as error:
        raise AnsibleActionFail(f"{_WHAT} {location} is not CSV on line {reader.line_num} ({error}); correct it") from error
    names = lines[0] if lines else []
    if not names or len(set(names)) < len(names) or "" in names:
        raise AnsibleActionFail(f"{_WHAT} {location} has a first line in which a column's name is missing or stands twice; correct it")
    rows = [line for line in lines[1:] if any(line)]
    for number, row in enumerate(rows, start=1):
        if len(row) > len(names):
            raise AnsibleActionFail(
                f"{_WHAT} {location} has more cells than columns in row {number}; put cells that hold a {reader.dialect.delimiter} in quotes"
            )
    # A cell that is empty is a fact that was not told.
    return [{name: cell for name, cell in zip(names, row) if cell} for row in rows]
