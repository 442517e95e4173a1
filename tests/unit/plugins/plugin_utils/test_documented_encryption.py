# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide and the module show of encryption, taken literally."""

from __future__ import annotations

import pathlib
import re
import textwrap
import time

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._recordings.periods import parse_period
from ansible_collections.recordings.disposal.plugins.module_utils._retention.encryption import UNITS, encryption_problem
from ansible_collections.recordings.disposal.plugins.modules.recording_encrypt import EXAMPLES, main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "encryption.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(textwrap.dedent(block)) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]


def test_the_examples_are_accepted(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    policy, variables, _keys = BLOCKS
    world = EncryptWorld(tmp_path)
    world.record(days=3)
    world.policy["classes"][0].update(policy["classes"][0])
    for task in yaml.safe_load(EXAMPLES):
        options = task["recordings.disposal.recording_encrypt"]
        options.pop("policy_file")
        if isinstance(options["recipients"], str):
            options["recipients"] = variables["disposal_recipients"]
        given = {**world.encrypt_params(), "on_missing_recipient": "report", "controller_time": int(time.time()), **options}
        result = run(main, capsys, monkeypatch, check=True, **{name: value for name, value in given.items() if value is not None})
        assert not result.get("failed"), result["msg"]


def test_the_variables_of_keys_are_those_that_the_role_reads() -> None:
    read = (TOP / "roles" / "recording_encryption" / "defaults" / "main.yml").read_text(encoding="utf-8")
    _policy, _variables, keys = BLOCKS
    assert keys and all(f"{{{{ {name} " in read for name in keys)


def test_the_policys_windows_are_those_of_the_code() -> None:
    page = (TOP / "docs" / "policy.md").read_text(encoding="utf-8")
    told = re.findall(r"(P\w+) or (P\w+)", page.partition("the longest such period (")[2].partition(")")[0])
    assert len(told) == len(UNITS) == 3
    for unit, periods in zip(UNITS, told):
        for period in periods:
            assert encryption_problem(unit, parse_period(period)) is None
            shorter = re.sub(r"\d+", lambda number: str(int(number[0]) - 1), period)
            assert int(re.sub(r"\D", "", shorter)) == 0 or encryption_problem(unit, parse_period(shorter))
