# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of physical work from a file on the controller: CSV as spreadsheets write it, or YAML."""

from __future__ import annotations

import csv
import io
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import plain
from ._action import located
from ._inputs import load_yaml

__all__ = ["results_arguments"]

_WHAT = "the file of results"


def results_arguments(args: t.Mapping[str, t.Any], loader: DataLoader) -> dict[str, t.Any]:
    """The module's arguments with the rows of C(results_file) read into them.

    :raises AnsibleActionFail: the file cannot be read, or both are given.
    """
    done = dict(args)
    path = done.pop("results_file", None)
    if path and done.get("results") is not None:
        raise AnsibleActionFail("results and results_file are both given; give one of them")
    if path:
        done["results"] = _read_csv(str(path)) if str(path).lower().endswith(".csv") else _read_yaml(str(path), loader)
    elif done.get("results") is not None:
        done["results"] = plain(done["results"])
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
