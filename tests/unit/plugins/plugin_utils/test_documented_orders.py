# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides and the modules show of work orders, taken literally."""

from __future__ import annotations

import datetime as dt
import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._media.ordered import ORDERABLE, PREFILLED
from ansible_collections.recordings.disposal.plugins.modules import media_destruction, media_order
from ansible_collections.recordings.disposal.plugins.plugin_utils._order import default_why
from ansible_collections.recordings.disposal.plugins.plugin_utils._results import results_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.order_world import Floor
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "orders.md").read_text(encoding="utf-8")
TASKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
(FORM,) = re.findall(r"^```csv\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ORDER, BACK = "recordings.disposal.media_order", "recordings.disposal.media_destruction"


@pytest.fixture
def floor(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The register that the guide names."""
    monkeypatch.chdir(tmp_path)
    floor = Floor(
        tmp_path,
        entry("S4EWNX0M501234", asset_number="IT-0042", bay="Slot 03"),
        entry("ZHZ3ABCD", kind="hdd", host="rec2", make="", model="", required_level="destroy"),
    )
    floor.walk(["S4EWNX0M501234", "ZHZ3ABCD"], "released")
    return floor


def ordered(floor: Floor, text: str) -> dict[str, t.Any]:
    return floor.ordered(**{**yaml.safe_load(text)[0][ORDER], "register": "register.yml", "dest": "disposal"})


def given_back(text: str, order: dict[str, t.Any], floor: Floor) -> dict[str, t.Any]:
    """The options of the task with what the order has returned in them."""
    made = text.replace("{{ ordered.order }}", order["order"]).replace("{{ ordered.files.csv }}", order["files"]["csv"])
    made = made.replace("{{ playbook_dir }}", str(floor.path))
    return next(task[BACK] for task in yaml.safe_load(made) if BACK in task)


def test_the_guides_order_is_written_filled_in_and_taken_back(
    floor: Floor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_text, back_text = TASKS
    order = ordered(floor, order_text)
    form = pathlib.Path(order["files"]["csv"])
    head, *rows = FORM.splitlines()
    written = form.read_text(encoding="utf-8").splitlines()
    # The guide's form is the one that was written, with the first row filled in.
    assert written[0] == head and written[2] == rows[1] and rows[0].startswith(written[1].rstrip(",") + ",")
    # Its day has not come for every clock.
    now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    form.write_text(re.sub(r"2026-11-27T[0-9:+]+", now, FORM), encoding="utf-8")
    result = run(media_destruction.main, capsys, monkeypatch, **results_arguments(given_back(back_text, order, floor), DataLoader()))
    assert not result.get("failed"), result["msg"]
    assert result["counts"] == {"destroyed": 1, "not_destroyed": 0, "unknown": 1} and result["open"] == ["ZHZ3ABCD"]
    assert (floor.dest / "physical" / result["evidence"][0]["journal"]).is_file()


def test_the_modules_examples_follow_each_other(floor: Floor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    order = ordered(floor, media_order.EXAMPLES)
    documented = yaml.safe_load(media_order.RETURN)
    assert set(order) - {"changed", "warnings"} <= set(documented)
    options = given_back(media_order.EXAMPLES, order, floor)
    result = run(media_destruction.main, capsys, monkeypatch, **results_arguments(options, DataLoader()))
    assert result["outcome"] == "unknown" and len(result["open"]) == 2


@pytest.mark.parametrize("text", [media_destruction.EXAMPLES, (TOP / "docs" / "destruction.md").read_text(encoding="utf-8")])
def test_the_other_guides_example_names_files_of_an_order(
    floor: Floor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    order = ordered(floor, TASKS[0])
    tasks = [
        task
        for block in re.findall(r"(?:^(?: {4})?- .*\n(?:(?: {2,}).*\n)+)", text, re.MULTILINE)
        for task in yaml.safe_load(textwrap.dedent(block))
    ]
    (options,) = (task[BACK] for task in tasks if BACK in task and "order" in task[BACK])
    assert {pathlib.Path(options[name]).name for name in ("order", "results_file")} == {"order.json", "order.csv"}
    assert re.fullmatch(r"WO-\d{4}-\d\d-\d\d-[0-9a-f]{10}", pathlib.Path(options["order"]).parent.name)
    options |= {"order": order["order"], "results_file": order["files"]["csv"], "state_dir": str(floor.dest / "physical")}
    assert run(media_destruction.main, capsys, monkeypatch, **results_arguments(options, DataLoader()))["outcome"] == "unknown"


def test_what_the_guide_lists_is_that_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (It .*?) \|$", PAGE, re.MULTILINE))
    assert rows == {state: default_why(state) for state in rows} and len(rows) == 4
    form = next(line for line in PAGE.splitlines() if line.startswith("| `order.csv`"))
    assert re.findall(r"`(\w+)`", form) == list(PREFILLED)
    described = " ".join(yaml.safe_load(media_order.DOCUMENTATION)["options"]["technique"]["description"])
    assert list(re.findall(r"V\((\w+)\)", described.partition(" reach no level")[0])) == [*ORDERABLE, "cut", "bend", "drill"]


def test_the_options_of_the_modules_are_documented() -> None:
    documented = yaml.safe_load(media_destruction.DOCUMENTATION)["options"]
    assert {"order", "work_order"} <= set(documented) and not documented["level"].get("required")
