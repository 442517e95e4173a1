# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to draining and the module show, taken literally."""

from __future__ import annotations

import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import VERDICTS
from ansible_collections.recordings.disposal.plugins.modules.media_drain import DOCUMENTATION, EXAMPLES, RETURN, main
from ansible_collections.recordings.disposal.plugins.plugin_utils._drain import drain_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry, write_register

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "drain.md").read_text(encoding="utf-8")
POLICY = textwrap.dedent(re.findall(r"(?:^ {4}.*\n)+", (TOP / "docs" / "policy.md").read_text(encoding="utf-8"), re.MULTILINE)[0])
NAME = "recordings.disposal.media_drain"
GUIDE = [task[NAME] for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE) for task in yaml.safe_load(block)]
DOCUMENTED = yaml.safe_load(RETURN)
SHOWN = [*GUIDE, *(task[NAME] for task in yaml.safe_load(EXAMPLES) if NAME in task)]


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A directory with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    write_register(tmp_path / "register.yml", [entry("S4EWNX0M501234", state="released"), entry("ZHZ3ABCD", host="rec2")])
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    for name in ("holds", "requests"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("options", SHOWN)
def test_each_example_is_taken(
    world: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any]
) -> None:
    arguments = drain_arguments(options, DataLoader(), host="rec1", check_mode=False)
    arguments["copies"] = [{**each, "copy": str(world)} for each in arguments.get("copies", [])]
    results = [run(main, capsys, monkeypatch, check=check, **arguments, state_dir=str(world / "state")) for check in (True, False)]
    for result in results:
        if "of which nobody can tell on which media its bytes are" in result.get("msg", ""):
            pytest.skip("not run: the temporary directory lies on no device")
        assert not result.get("failed"), result["msg"]
        assert result["changed"] is False and set(result) <= {*DOCUMENTED, "changed", "invocation", "warnings"}
        (row,) = result["media"]
        assert row["serial"] == options.get("media", ["S4EWNX0M501234"])[0]
        # This machine does not have it.
        assert row["drained"] == "unknown" and "no device on this host has serial" in row["reasons"][0]
        assert set(row) == set(DOCUMENTED["media"]["contains"])
        # Newer versions of ansible-core do not repeat the options of a module.
        repeated = result.get("invocation", {}).get("module_args", {})
        assert not repeated.get("holds") and repeated.get("policy", False) in (True, False)
    assert not (world / "state").exists()


def test_there_are_examples_of_both() -> None:
    assert len(GUIDE) == 2 and len(SHOWN) == 5 and any("media" in options for options in SHOWN)


def table(head: str) -> list[list[str]]:
    """The rows of a table of the guide, by the beginning of its head."""
    lines = PAGE.partition(f"| {head} |")[2].splitlines()[2:]
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_every_verdict_is_told() -> None:
    told = {name for first, *_rest in table("verdict") for name in re.findall(r"`(\w+)`", first)}
    assert told == set(VERDICTS)


def test_every_key_of_a_row_is_told() -> None:
    rows = {re.findall(r"`(\w+)`", first)[0]: rest for first, *rest in table("key")}
    contains = DOCUMENTED["media"]["contains"]
    assert set(rows) == set(contains) - {"serial"}
    assert re.findall(r"`(\w+)`", rows["filesystems"][0]) == list(contains["filesystems"]["contains"])
    arrays = PAGE.partition("`arrays` lists")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", arrays) == list(DOCUMENTED["arrays"]["contains"])
    assert re.findall(r"`(\w+)`", rows["drained"][0]) == contains["drained"]["choices"]


def test_every_option_of_its_own_is_told() -> None:
    options = yaml.safe_load(DOCUMENTATION)["options"]
    assert all(re.search(rf"\b{name}\b", PAGE) for name in options)
