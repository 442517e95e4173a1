# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of media that ask for certificates which cannot be made: refused before any medium is touched or any work recorded."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import ANNA, BOB
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_road_world import EVIDENCE, Road, in_service

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def road(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    """A medium that is released, with a plan that people have signed, on a controller without the library that makes QR codes."""
    made = Road(tmp_path, monkeypatch, in_service("S1"))
    made.moved("released", "S1")
    made.planned()
    (tmp_path / "python" / "segno").mkdir(parents=True)
    (tmp_path / "python" / "segno" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'segno'\")\n", encoding="ascii")
    return made


def refused(road: Road, playbook: str, **variables: t.Any) -> None:
    given: dict[str, t.Any] = {
        **{"disposal_register": str(road.register), "disposal_state_dir": str(road.dest), "disposal_become": False},
        **{"disposal_host_state_dir": str(road.path / "host"), "disposal_plan_id": road.plan_id, "disposal_formats": ["html", "pdf"]},
        **{"disposal_signing_key": road.keys.path("evidence"), "disposal_signer": EVIDENCE, "disposal_people": [ANNA, BOB]},
        **{"disposal_allowed_signers": str(road.plan_signers), "disposal_validated_by": BOB["principal"], "disposal_hosts": "rec1"},
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables},
    }
    inventory = road.path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"rec1": {}}}}), encoding="utf-8")
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "-e", json.dumps(given)]
    before = road.snapshot()
    done = subprocess.run(
        [*command, f"recordings.disposal.{playbook}"],
        cwd=TOP,
        env={**os.environ, "HOME": str(road.path), "PYTHONPATH": str(road.path / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    told = " ".join(done.stdout.split())
    assert done.returncode != 0 and "segno, which makes the QR codes of work orders and certificates, is not installed" in told, done.stdout
    assert "so nothing was written; install it (pip install segno)" in told
    assert road.snapshot() == before and not (road.path / "host").exists()


def test_nothing_is_decommissioned(road: Road) -> None:
    refused(road, "decommission")


def test_no_physical_work_is_recorded(road: Road) -> None:
    # It is refused before the results are even looked for.
    refused(road, "destroy_media", disposal_results_file=str(road.path / "results.csv"))
    assert not (road.dest / "physical").exists()
