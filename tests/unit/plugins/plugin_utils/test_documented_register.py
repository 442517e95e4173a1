# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide of the register and its module show, taken literally."""

from __future__ import annotations

import json
import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.media_register import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.modules.media_register import DOCUMENTATION, EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import COLUMNS, KINDS
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_states import TRANSITIONS
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import World, drive

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "register.md").read_text(encoding="utf-8")
REGISTER, EVENT, _SIGN, *TASKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
NAME = "recordings.disposal.media_register"


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A directory with the files that the examples name."""
    world = World(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "register.yml").write_text(REGISTER + TWO_MORE, encoding="utf-8")
    world.signers.rename(tmp_path / "custody.allowed_signers")
    (tmp_path / "events" / "bag-17.jpg").write_bytes(b"")
    # The guide's times are those of its own days, which have not come for every clock.
    (tmp_path / "events" / "bag-17.yml").write_text(EVENT.replace("2026-", "2020-"), encoding="utf-8")
    world.sign("bag-17.yml", "anna", "bob")
    persons = ["anna@example.com", "bob@example.com"]
    world.event("lost-drive.yml", ["S4EWNX0M501234", "S4EWNX0M501235"], persons=persons, reason="stolen", sign=["anna", "bob"])
    return world


TWO_MORE = "  - {serial: S4EWNX0M501235, kind: sata_ssd, host: rec1, required_level: purge, state: in_service}\n"
RESULTS = {
    "rec1": {"media": [drive("S4EWNX0M501234", bay="Slot 03"), drive("S4EWNX0M501235")]},
    "rec2": {"media": [drive("ZHZ3ABCD", kind="hdd")]},
}


def done(options: dict[str, t.Any]) -> dict[str, t.Any]:
    if "results" in options:
        options["results"] = RESULTS
    if "event" in options:
        options["event"] = json.loads(json.dumps(options["event"]).replace("2026-", "2020-"))
    result = run_action(ActionModule, "media_register", options)
    assert not result.get("failed"), result["msg"]
    return result


def advance(*states: str) -> None:
    """Bring the guide's drive on by the straight road, so that it can go into its bag."""
    pathlib.Path("result.json").write_text("{}", encoding="ascii")
    given = {"time": "2020-11-23T20:10:00Z", "persons": ["anna@example.com"], "serials": ["S4EWNX0M501234"]}
    evidence = [{"file": "result.json", "digest": digest(b"{}")}]
    for to in states:
        done({"register": "register.yml", "state": "moved", "event": {**given, "to": to, "evidence": evidence}})


def test_the_modules_examples_are_done_one_after_the_other(world: World) -> None:
    for task in yaml.safe_load(EXAMPLES):
        if task[NAME].get("event_file"):
            advance("sanitized", "verified")
        result = done(task[NAME])
        documented = yaml.safe_load(RETURN)
        assert set(result) - {"changed"} <= set(documented)


def test_the_guides_examples_are_done(world: World) -> None:
    advance("released", "sanitized", "verified")
    moved, play, closed = TASKS
    assert done(yaml.safe_load(moved)[0][NAME])["moved"] == 1
    assert "recordings.disposal.register -e disposal_register=register.yml" in play
    results = {**RESULTS, "rec1": {"media": RESULTS["rec1"]["media"][1:]}}
    assert (
        run_action(ActionModule, "media_register", {"register": "register.yml", "state": "reconciled", "results": results}).get("failed")
        is None
    )
    assert done(yaml.safe_load(closed)[0][NAME])["closed"]["reason"] == 2


def test_the_table_of_states_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*?)\|$", PAGE.partition("## States")[2].partition("### Events")[0], re.MULTILINE)
    assert [(state, to) for state, to, _asks in rows] == list(TRANSITIONS)
    for state, to, asks in rows:
        transition = TRANSITIONS[state, to]
        assert ("a reason" in asks, "evidence" in asks, "verified since" in asks) == (
            transition.reason,
            transition.evidence,
            transition.verified,
        )


def test_columns_and_kinds_are_those_of_the_code() -> None:
    table = PAGE.partition("## Its form")[2].partition("The file's name")[0]
    first = {name for row in table.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert first == set(COLUMNS)
    kinds = next(row for row in table.splitlines() if row.startswith("| `kind`"))
    assert re.findall(r"`(\w+)`", kinds)[1:] == list(KINDS)


def test_the_playbook_gives_the_options_that_there_are() -> None:
    play = yaml.safe_load((TOP / "playbooks" / "register.yml").read_text(encoding="utf-8"))
    options = next(task[NAME] for task in play[1]["tasks"] if NAME in task)
    assert set(options) <= set(yaml.safe_load(DOCUMENTATION)["options"])
    variables = set(re.findall(r"disposal_\w+", json.dumps(play))) - {"disposal_become"}
    assert all(name in PAGE for name in variables)
