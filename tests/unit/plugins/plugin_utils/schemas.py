# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas that the collection ships, ready to validate with."""

from __future__ import annotations

import functools
import json
import pathlib
import typing as t

import jsonschema

__all__ = ["DIRECTORY", "faults", "load", "validate", "validate_lines"]

DIRECTORY = pathlib.Path(__file__).resolve().parents[4] / "docs" / "schemas"


def load(name: str) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8")))


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(load(name))


def faults(name: str, document: t.Any) -> list[str]:
    """What keeps a document from being of a schema."""
    return [f"{error.json_path}: {error.message[:300]}" for error in _validator(name).iter_errors(document)]


def validate(name: str, document: t.Any) -> None:
    """Fail with the first fault, the deepest one where a schema has several forms."""
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def validate_lines(name: str, path: pathlib.Path) -> list[dict[str, t.Any]]:
    """Validate each line of a file; returns them."""
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    for record in records:
        validate(name, record)
    return records
