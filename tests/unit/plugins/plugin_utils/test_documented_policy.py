# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows of policies, holds and requests, taken literally."""

from __future__ import annotations

import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._recordings.fields import FIELDS, NUMBER_FIELDS
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.modules.policy_info import main
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import document_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "policy.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
INLINE = re.findall(r"`(\{id: .*?\})`", PAGE)


def test_the_example_policy_hold_and_request_are_valid(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, hold = BLOCKS
    (request,) = INLINE
    for name, text in (("policy.yml", policy), ("holds/case-114.yml", hold), ("requests/ER-7.yml", request)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    paths = {"policy_file": "policy.yml", "holds_dir": "holds", "requests_dir": "requests"}
    arguments = document_arguments({option: str(tmp_path / name) for option, name in paths.items()}, DataLoader())
    result = run(main, capsys, monkeypatch, **arguments)
    assert not result.get("failed"), result["msg"]
    assert (result["examples"], result["holds"], result["requests"]) == (2, ["case-114"], ["ER-7"])
    assert result["classes"] == ["brokerage", "service-calls"]


def test_the_table_of_fields_is_that_of_the_code() -> None:
    told: dict[bool, set[str]] = {False: set(), True: set()}
    rows = re.findall(r"^\| `([a-z_ ]+)` \| (.*?) \| (.*?) \|$", PAGE.partition("| fields |")[2].partition("\n\n")[0], re.MULTILINE)
    numbers = False
    for names, _holds, tests in rows:
        numbers = numbers if tests == "the same" else "`min`" in tests
        told[numbers] |= set(names.split())
    expected: dict[bool, t.AbstractSet[str]] = {False: FIELDS - NUMBER_FIELDS, True: NUMBER_FIELDS}
    assert told == expected


def test_the_example_of_reviews_is_valid() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    policy = yaml.safe_load(BLOCKS[0])
    kinds = {item.kind for item in load_policy({**policy, **yaml.safe_load(shown)}).reviewed}
    assert kinds == {"key", "scheme", "standard", "table"}
