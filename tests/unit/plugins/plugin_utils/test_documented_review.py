# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to reviews, taken literally: review, sign off, and what an overdue review stops, as plays on this machine."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.plugin_utils._catalogue import read_catalogue
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "review.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ {4}((?:ansible-playbook|ssh-keygen|mv) .*)$", PAGE, re.MULTILINE)


def test_the_guides_catalogue_is_valid() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    catalogue = read_catalogue(yaml.safe_load(shown), today="2026-11-27")
    assert catalogue.entries["nist-sp-800-88-r1"].superseded_by == "nist-sp-800-88-r2"


def test_the_guide_tells_every_code_and_no_other() -> None:
    rows = PAGE.partition("| code |")[2].partition("\n\n")[0]
    told = {code for row in re.findall(r"^\| (`.*?`) \|", rows, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    assert told == set(load_language("en").words["review"]["findings"])


class Controller:
    """A controller that is its own only host, with the files that the guide names."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.world = World(path)
        for number in range(3):
            self.world.record(days=40 + number, number=number)
        self.world.policy["review_by"] = "2026-01-31"
        self.keys = Keys(path)
        (path / "allowed_signers").write_text(self.keys.line("anna@example.com", "KEY"), encoding="ascii")
        (path / "hosts").write_text("[recording_servers]\nlocalhost ansible_connection=local\n", encoding="ascii")
        (path / "disposal").mkdir(mode=0o700)
        self.write("P90D")

    def write(self, keep: str) -> None:
        self.world.policy["classes"][0]["keep"] = keep
        (self.path / "policy.yml").write_text(yaml.safe_dump(self.world.policy), encoding="utf-8")

    def play(self, command: str, **more: t.Any) -> subprocess.CompletedProcess[str]:
        given = {
            "disposal_policy_file": "policy.yml",
            "disposal_allowed_signers": "allowed_signers",
            "disposal_author": "ewa@example.com",
            "disposal_become": False,
            "disposal_host_state_dir": str(self.world.state),
            **more,
        }
        program, *arguments = command.split()
        beside = str(pathlib.Path(sys.executable).with_name(program))
        environment = {**os.environ, "HOME": str(self.path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        whole = [beside, "-i", "hosts", *arguments, "-e", json.dumps(given)]
        return subprocess.run(whole, cwd=self.path, env=environment, capture_output=True, text=True, check=False)

    def records(self) -> list[pathlib.Path]:
        return sorted(self.path.glob("disposal/reviews/*/record.json"))


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(tmp_path_factory.mktemp("controller"))


def test_review_sign_off_and_what_an_overdue_review_stops(controller: Controller) -> None:
    review, sign, move = COMMANDS
    done = controller.play(review)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    (record,) = controller.records()
    report = json.loads(record.with_name("review.json").read_bytes())
    assert {("overdue", "severe", "policy test"), ("host_no_plan", "warning", "host localhost")} <= {
        (row["code"], row["severity"], row["subject"]) for row in report["findings"]
    }
    controller.keys.path("KEY")
    (record.parent / "KEY").write_bytes((controller.path / "KEY.key").read_bytes())
    (record.parent / "KEY").chmod(0o600)
    for command in (sign, move.replace("NAME", "anna@example.com")):
        subprocess.run(command.split(), cwd=record.parent, check=True, capture_output=True)
    (record.parent / "KEY").unlink()

    controller.write("P30D")
    refused = controller.play("ansible-playbook recordings.disposal.plan")
    words = " ".join(refused.stdout.split())
    assert refused.returncode != 0 and not (controller.path / "disposal" / "plans").exists(), words[-3000:]
    assert "was to be reviewed by 2026-01-31" in words and "the class calls has keep P30D, and had P90D" in words
    assert not (controller.world.state / "plans").exists()

    controller.write("P90D")
    planned = controller.play("ansible-playbook recordings.disposal.plan")
    assert planned.returncode == 0, planned.stdout[-3000:] + planned.stderr[-1000:]
    assert "was to be reviewed by 2026-01-31" in " ".join((planned.stdout + planned.stderr).split())
    assert list((controller.path / "disposal" / "plans").glob("*/manifest.json"))
