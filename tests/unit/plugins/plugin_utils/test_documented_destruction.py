# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide and the module show of physical destruction, taken literally, and the guide's tables are those of the code."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._media.degaussing import DEGAUSSABLE, READBACKS
from ansible_collections.recordings.disposal.plugins.module_utils._media.results import FACTS
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import DIN_CLASSES, PHYSICAL, RECORDINGS, figures
from ansible_collections.recordings.disposal.plugins.modules.media_destruction import DOCUMENTATION, EXAMPLES, main
from ansible_collections.recordings.disposal.plugins.plugin_utils._results import results_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "destruction.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```(csv|yaml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
NAME = "recordings.disposal.media_destruction"


def tasks(text: str) -> list[dict[str, t.Any]]:
    return [task[NAME] for task in yaml.safe_load(text)]


# What comes back with a work order is shown and tested with the guide of work orders.
GUIDE = [task for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE) for task in tasks(block) if "order" not in task]


@pytest.fixture
def act(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    def call(options: dict[str, t.Any], text: str = "", name: str = "results.csv") -> dict[str, t.Any]:
        given = {**options, "state_dir": str(tmp_path / "state")}
        if "results_file" in given:
            (tmp_path / name).write_text(text, encoding="utf-8")
            given["results_file"] = str(tmp_path / name)
        return run(main, capsys, monkeypatch, **results_arguments(given, DataLoader()))

    return call


def test_the_guides_work_order_is_recorded(act: t.Callable[..., dict[str, t.Any]]) -> None:
    result = act(GUIDE[0], FILES["csv"])
    assert not result.get("failed"), result["msg"]
    assert result["outcome"] == "destroyed" and result["counts"]["destroyed"] == 3 and result["level"]["achieved"] == "purge"
    assert [each.get("particles") for each in result["evidence"]] == ["H-5", "E-4", None]


def test_the_guides_yaml_and_figures_are_recorded(act: t.Callable[..., dict[str, t.Any]]) -> None:
    result = act(GUIDE[1], FILES["yaml"], "results.yml")
    assert not result.get("failed") and result["outcome"] == "destroyed" and result["evidence"][0]["technique"] == "incinerate"


def test_the_guides_vendor_is_recorded(act: t.Callable[..., dict[str, t.Any]]) -> None:
    options = {**GUIDE[2], "vendor": {key: value for key, value in GUIDE[2]["vendor"].items() if key != "certificate_file"}}
    options["vendor"]["sample_check"]["by"] = "Ewa Lis"
    rows = [*yaml.safe_load(FILES["yaml"]), {**yaml.safe_load(FILES["yaml"])[0], "serial": "ZC11A0B7"}]
    result = act(options, yaml.safe_dump(rows), "results.yml")
    assert not result.get("failed") and result["counts"]["destroyed"] == 2
    assert len(GUIDE) == 3


def test_the_modules_examples_are_accepted(act: t.Callable[..., dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = (task for task in tasks(EXAMPLES) if "order" not in task)
    head, *lines = FILES["csv"].splitlines(keepends=True)
    assert act(first, head + "".join(lines[:2]))["outcome"] == "destroyed"
    for options in others:
        # Their dates are those of the examples, which may be to come.
        text = yaml.safe_dump(options).replace("2026-11-2", "2026-01-2").replace("2026-02-01", "2025-02-01")
        changed = yaml.safe_load(text)
        for row in changed["results"]:
            row["serial"] += "-X"
        changed["expected"] = [row["serial"] for row in changed["results"]]
        if "vendor" in changed:
            changed["vendor"]["sample_check"]["serials"] = changed["expected"]
        result = act(changed)
        assert not result.get("failed") and result["outcome"] == "destroyed", result


def words(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`(\w+)`", cell))


def test_the_table_of_facts_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (none|purge|destroy) \|(.*?)\|(.*?)\|$", PAGE, re.MULTILINE)
    assert [(name, level, (words(needs), words(may))) for name, level, needs, may in rows] == [
        (name, row.level, FACTS[name]) for name, row in PHYSICAL.items()
    ]
    told = " ".join(yaml.safe_load(DOCUMENTATION)["options"]["results"]["description"])
    assert set(re.findall(r"V\((\w+)\)", told)) >= {*PHYSICAL}


def test_the_classes_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| ([PFOTHE]) \| (`.*`) \|$", PAGE, re.MULTILINE))
    assert {kind: letter for letter, kinds in rows.items() for kind in words(kinds)} == dict(DIN_CLASSES)


def test_the_figures_are_those_of_the_code() -> None:
    told: dict[str, tuple[str, str]] = {}
    for level, *cells in re.findall(r"^\| ([1-7]) \|" + r"(.*?)\|" * 6 + "$", PAGE, re.MULTILINE):
        for letter, cell in zip("pfothe", cells):
            found = re.fullmatch(r" (\*\*)?([\d.]+)(?:\*\*)?(?: \((\d+)\))? ", cell)
            if found:
                told[f"din_{letter}_{level}"] = (f"{found[2]} mm2", "S" if found[1] else "unverified")
                if found[3]:
                    told[f"din_{letter}_{level}_tolerance"] = (f"{found[3]} mm2", "unverified")
    told |= {
        name: (value, confidence)
        for name, value, confidence in re.findall(r"^\| `(\w+)` \| (.*) \| (S|unverified) \|$", PAGE, re.MULTILINE)
    }
    assert told == {name: (figure.value, figure.confidence) for name, figure in figures().items() if figure.value is not None}


def test_the_guide_names_what_has_no_figure_and_every_word_that_counts() -> None:
    unknown = {name for name, figure in figures().items() if figure.value is None}
    named = {*words(PAGE.partition("No value is known")[2].partition("\n\n")[0])}
    assert unknown - named == {f"coercivity_lto_{number}" for number in (*range(2, 8), 9)} and named <= unknown
    assert {*DEGAUSSABLE, *READBACKS} <= {*words(PAGE.partition("## Degaussing")[2].partition("## Particles")[0])}
    assert RECORDINGS[-1] == "lto_10" and all(
        name in words(PAGE) for name in ("longitudinal", "perpendicular", "hamr", "mamr", "lto_1", "lto_10")
    )
