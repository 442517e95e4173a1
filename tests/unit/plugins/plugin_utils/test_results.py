# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of results as people save them: CSV from a spreadsheet, YAML by hand."""

from __future__ import annotations

import pathlib

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.plugin_utils._results import results_arguments


def read(path: pathlib.Path, data: bytes | str) -> object:
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    arguments = results_arguments({"results_file": str(path), "level": "destroy"}, DataLoader())
    assert "results_file" not in arguments and arguments["level"] == "destroy"
    return arguments["results"]


@pytest.mark.parametrize(
    "text",
    [
        "serial,particle,place\nA1,320 mm2,Łódź\n\nB2,,\n",
        "\ufeffserial;particle;place\r\nA1;320 mm2;Łódź\r\n;;\r\nB2;;\r\n",
        'serial;particle;place\n"A1"; 320 mm2 ;"Łódź"\nB2\n',
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path: pathlib.Path, text: str) -> None:
    assert read(tmp_path / "results.CSV", text) == [{"serial": "A1", "particle": "320 mm2", "place": "Łódź"}, {"serial": "B2"}]


def test_yaml_and_json(tmp_path: pathlib.Path) -> None:
    text = "- serial: A1\n  samples: 20\n  date: 2026-01-15T14:05:00+01:00\n  calibrated: 2025-02-01\n"
    (found,) = read(tmp_path / "results.yml", text)  # type: ignore[misc]
    assert (found["serial"], found["samples"], found["calibrated"]) == ("A1", 20, "2025-02-01") and found["date"].startswith("2026-01-15T1")
    assert read(tmp_path / "results.json", '[{"serial": "A1"}]') == [{"serial": "A1"}]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("r.csv", "serial,serial\nA1,B2\n", "a column's name is missing or stands twice"),
        ("r.csv", "serial,,place\nA1,B2,C3\n", "a column's name is missing or stands twice"),
        ("r.csv", "", "a column's name is missing"),
        ("r.csv", "serial,place\nA1,Warsaw, room 2\n", "has more cells than columns in row 1; put cells that hold a , in quotes"),
        ("r.csv", 'serial,place\nA1,"Warsaw\n', "is not CSV on line 2"),
        ("r.csv", "serial,place\nA1,Łódź\n".encode("cp1250"), "save it as UTF-8"),
        ("r.yml", "serial: A1\n", "is not a list of mappings"),
        ("r.yml", "- A1\n", "is not a list of mappings"),
        ("r.yml", "", "is not a list of mappings"),
        ("r.yml", "- serial: A1\n  serial: B2\n", "has the key serial twice in one mapping"),
        ("r.yml", "- serial: [\n", "cannot be read"),
        ("r.xlsx", "x", "ends in none of .csv, .yml, .yaml, .json"),
    ],
)
def test_a_file_that_may_be_misread_is_refused(tmp_path: pathlib.Path, name: str, data: bytes | str, words: str) -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        read(tmp_path / name, data)
    assert words in str(caught.value) and str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["results.csv", "results.yml"])
def test_a_missing_file_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(AnsibleActionFail, match="correct the path"):
        results_arguments({"results_file": str(tmp_path / name)}, DataLoader())


def test_one_of_both() -> None:
    with pytest.raises(AnsibleActionFail, match="give one of them"):
        results_arguments({"results_file": "x.csv", "results": []}, DataLoader())
    assert results_arguments({"results": [{"serial": "A1"}]}, DataLoader()) == {"results": [{"serial": "A1"}]}
