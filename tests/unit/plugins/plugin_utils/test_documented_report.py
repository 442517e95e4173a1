# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide of the report and its module show, taken literally."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.fleet_report import ActionModule
from ansible_collections.recordings.disposal.plugins.modules.fleet_report import DOCUMENTATION, EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_figures import STATES
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import Page
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.report_world import SITES, ReportWorld

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "report.md").read_text(encoding="utf-8")
COMMAND, VARIABLES, TASK = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
NAME = "recordings.disposal.fleet_report"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ReportWorld:
    world = ReportWorld(tmp_path_factory.mktemp("documented")).standard().media()
    (world.path / "allowed_signers").write_text(world.signers().allowed_signers, encoding="ascii")
    return world


def done(options: dict[str, t.Any], world: ReportWorld, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    monkeypatch.chdir(world.path)
    return run_action(ActionModule, "fleet_report", options)


def test_the_guides_task_makes_the_page(world: ReportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    result = done(yaml.safe_load(TASK)[0][NAME], world, monkeypatch)
    assert not result.get("failed"), result.get("msg")
    assert result["gaps"] == [{"kind": "no_plan", "count": 2, "names": ["meet1", "spare1"]}]
    assert result["totals"]["destroyed"] == 26


def test_the_modules_examples_run_and_their_results_are_documented(world: ReportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in yaml.safe_load(EXAMPLES):
        options = task[NAME]
        if isinstance(options["hosts"], str):
            options["hosts"] = ["pbx1", "dialer1"]
        result = done(options, world, monkeypatch)
        assert set(result) - {"changed", "failed", "msg"} == set(yaml.safe_load(RETURN))
        assert set(result["hosts"]) == {*STATES, "not_counted"}


def test_the_guide_names_each_kind_of_gap_and_each_option_of_the_module() -> None:
    kinds = set(re.findall(r"C\((\w+)\)", yaml.safe_load(RETURN)["gaps"]["description"][1]))
    table = PAGE.partition("| kind |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) - {"old_after"} == kinds
    playbook = (TOP / "playbooks" / "report.yml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(DOCUMENTATION)["options"]) - {"ledger"} <= set(re.findall(r"^ {8}(\w+): ", playbook, re.MULTILINE))


def test_the_playbook_makes_the_page_of_an_inventory_whose_hosts_do_not_answer(world: ReportWorld, tmp_path: pathlib.Path) -> None:
    hosts = {name: {"disposal_site": site} for name, site in SITES.items()}
    far = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "disposal_become": False}
    inventory = {"recording_servers": {"vars": local, "hosts": {**hosts, "spare1": far}}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory, allow_unicode=True), encoding="utf-8")
    given = {**yaml.safe_load(VARIABLES), "disposal_report_old_after": "P366D", "disposal_report_dir": str(tmp_path / "pages")}
    # Without a policy no host can plan.
    given["disposal_report_look"] = True
    (tmp_path / "report.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
    words = COMMAND.replace("report.yml", str(tmp_path / "report.yml")).split()
    told = subprocess.run(
        [str(pathlib.Path(sys.executable).with_name(words[0])), *words[1:], "-i", str(tmp_path / "inventory.yml")],
        cwd=world.path,
        env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    page = Page((tmp_path / "pages" / "fleet.en.html").read_text(encoding="utf-8"))
    assert [row[0] for row in page.table("by site").rows[1:]] == ["Kraków", "Warszawa", "(no site)", "Total"]
    assert re.search(r"could not be reached[^:]*\( 1 \): spare1", page.text)
    assert re.search(r"could not plan[^:]*\( 4 \): dialer1 , meet1 , pbx1 , pbx2", page.text)
    assert "the host pbx1 has no plan, planning there failed: " in told.stdout
    assert [row[1] for row in page.table("by site").rows[1:]] == ["1 of 2", "2 of 2", "0 of 1", "3 of 5"]
