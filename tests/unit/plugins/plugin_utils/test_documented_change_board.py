# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide for the change board shows, taken literally."""

from __future__ import annotations

import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._retention.transitions import EFFECTS
from ansible_collections.recordings.disposal.plugins.modules import (
    forecast,
    plan_manifest,
    policy_diff,
    retention_compare,
    retention_forecast,
)
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec
from ansible_collections.recordings.disposal.plugins.plugin_utils._change_request import TEXTS
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_page import render_plan_html
from ansible_collections.recordings.disposal.plugins.plugin_utils._policy_diff import read_limits
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import Page, manifest_of

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "change_board.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
COMMANDS = [block.strip() for block in BLOCKS if block.startswith("ansible-playbook")]
VARIABLES: dict[str, t.Any] = {}
for _block in BLOCKS:
    if not _block.startswith("ansible-playbook"):
        VARIABLES.update(yaml.safe_load(_block))


def playbook_texts() -> dict[str, str]:
    roles = "".join(path.read_text(encoding="utf-8") for path in (TOP / "roles" / "retention_sweep").rglob("*.yml"))
    return {path.stem: path.read_text(encoding="utf-8") + roles for path in (TOP / "playbooks").glob("*.yml")}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_a_playbook_and_variables_that_it_reads(command: str) -> None:
    name = command.split()[1].removeprefix("recordings.disposal.")
    text = playbook_texts()[name]
    assert all(variable in text for variable in re.findall(r"-e (disposal_\w+)=", command))


def test_every_variable_is_read_by_a_playbook() -> None:
    everything = "".join(playbook_texts().values())
    named = set(re.findall(r"\b(disposal_[a-z_]+)\b", PAGE))
    assert named >= set(VARIABLES) and [name for name in sorted(named) if f"{name} " not in everything] == []


def test_the_playbooks_that_the_guide_names_are_there() -> None:
    named = set(re.findall(r"`recordings\.disposal\.(\w+)`", PAGE))
    assert len(named) > 4 and named <= set(playbook_texts())


def test_the_request_for_change_is_one() -> None:
    manifest = manifest_of(change={key: value for key, value in VARIABLES["disposal_change"].items() if key not in ("start", "end")})
    page = Page(render_plan_html(manifest))
    assert all(manifest["change"][name] in page.text for name in TEXTS)
    keys = {"start", "end", "tests", *TEXTS}
    assert set(VARIABLES["disposal_change"]) == keys
    options = yaml.safe_load(plan_manifest.DOCUMENTATION)["options"]
    assert all(f"C({key})" in " ".join(options["change"]["description"]) for key in keys)


def test_the_limits_and_options_are_valid() -> None:
    limits = read_limits(VARIABLES["disposal_diff_limits"])
    assert (limits["newly_destroyed"].sets, limits["newly_destroyed"].bytes, limits["no_longer_destroyed"].share) == (
        5000,
        500 * 10**9,
        "5%",
    )
    assert 0 < VARIABLES["disposal_diff_samples"] <= 200 and 1 <= VARIABLES["disposal_forecast_weeks"] <= 53


@pytest.mark.parametrize(
    ("play", "modules"), [("policy_diff", (retention_compare, policy_diff)), ("forecast", (retention_forecast, forecast))]
)
def test_a_playbook_gives_its_modules_options_that_they_have(play: str, modules: tuple[t.Any, ...]) -> None:
    (document,) = yaml.safe_load((TOP / "playbooks" / f"{play}.yml").read_text(encoding="utf-8"))
    for task, module in zip(document["tasks"], modules):
        given = next(value for key, value in task.items() if key.startswith("recordings.disposal."))
        known = set(argument_spec(module.DOCUMENTATION))
        fragments = ("_policy", "_inputs") if module.__name__.rpartition(".")[2].startswith("retention_") else ()
        for fragment in fragments:
            text = (TOP / "plugins" / "doc_fragments" / f"{fragment}.py").read_text(encoding="utf-8")
            known |= set(re.findall(r"^  (\w+):$", text, re.MULTILINE))
        assert set(given) <= known
    assert document["tasks"][0]["ignore_unreachable"] and document["tasks"][0]["ignore_errors"]


def test_the_table_of_effects_is_that_of_the_code() -> None:
    told = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`\w+`(?:, `\w+`)?) \|", PAGE, re.MULTILINE))))
    assert told == set(EFFECTS)
