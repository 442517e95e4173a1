# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of playbooks that the documentation is built with: every variable of every playbook, with what the specs say of it."""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import re
import types
import typing as t

import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("playbook_reference", TOP / "docs" / "playbook_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documentation(path: pathlib.Path) -> dict[str, t.Any]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "DOCUMENTATION":
            found: dict[str, t.Any] = yaml.safe_load(ast.literal_eval(node.value)).get("options") or {}
            return found
    return {}


@pytest.fixture(scope="module")
def modules() -> dict[str, dict[str, t.Any]]:
    """Options as ansible-doc tells them, here without it: those of all fragments stand for a module's own."""
    shared: dict[str, t.Any] = {}
    for path in sorted((TOP / "plugins" / "doc_fragments").glob("*.py")):
        shared.update(documentation(path))
    return {f"recordings.disposal.{path.stem}": {**shared, **documentation(path)} for path in (TOP / "plugins" / "modules").glob("*.py")}


def test_every_variable_has_a_meaning(script: types.ModuleType, modules: dict[str, t.Any]) -> None:
    assert script.undescribed(script.variables(modules)) == []


def test_every_variable_of_a_playbook_and_its_roles_is_found(script: types.ModuleType, modules: dict[str, t.Any]) -> None:
    taken = {name: {variable.name for variable in found} for name, found in script.variables(modules).items()}
    assert taken.keys() == {path.stem for path in (TOP / "playbooks").glob("*.yml")}
    for name, found in taken.items():
        text = (TOP / "playbooks" / f"{name}.yml").read_text(encoding="utf-8")
        assert name == "demo" or set(re.findall(r"\b(disposal_\w+)\b", text)) <= found, name
    # Through a role's defaults, and only those that the tasks in question name.
    assert {"disposal_policy_file", "disposal_plan_ttl", "disposal_author"} <= taken["plan"] and "disposal_signing_key" not in taken["plan"]
    assert {"disposal_signing_key", "disposal_timestamp_url", "disposal_plan_ttl"} <= taken["sweep"]
    # An entry of a role that a variable chooses may be any.
    assert {"training_do", "training_sheet", "disposal_training_people_file"} <= taken["train"]
    # Through a role's own variables, and of a playbook that another one imports.
    assert "disposal_key_hosts" in taken["destroy_period"] and "disposal_register_hosts" in taken["decommission"]
    assert {"restore_sets", "restore_run"} <= taken["restore"] and "restore_result" not in taken["restore"]


def test_the_page_shows_meaning_and_default(script: types.ModuleType, modules: dict[str, t.Any]) -> None:
    page = script.page(script.variables(modules))
    (row,) = set(re.findall(r"^\| `disposal_plan_ttl` .*$", page, re.MULTILINE))
    assert "ISO 8601 period" in row and row.endswith("| `P7D` |")
    authors = re.findall(r"^\| `disposal_author` .*lookup.*$", page, re.MULTILINE)
    assert authors and all(row.endswith("| `lookup('ansible.builtin.env', 'USER', default='unknown')` |") for row in authors)
    assert "(variable" not in page and "M(" not in page
    # A text with a bar would end its cell.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in page.splitlines() if line.startswith("| ")} == {4}


def test_what_no_option_documents_is_named(script: types.ModuleType) -> None:
    undescribed = script.undescribed(script.variables({}))
    assert "disposal_sample_seed of the playbook sample" in undescribed
    assert not [name for name in undescribed if name.startswith("disposal_plan_ttl ")]
