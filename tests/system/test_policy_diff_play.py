# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook policy_diff against a fleet of which one host cannot be reached, run as a pipeline runs it."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint

TOP = pathlib.Path(__file__).resolve().parents[2]


def test_a_changed_policy_with_an_unreachable_host(tmp_path: pathlib.Path) -> None:
    if shutil.which("ansible-playbook") is None and not (pathlib.Path(sys.executable).parent / "ansible-playbook").exists():
        pytest.fail("ansible-playbook is not there")
    world = World(tmp_path)
    for number, days in enumerate((1, 20, 31, 60, 89, 91, 200)):
        world.record(days=days + 0.1, number=number)
    changed = copy.deepcopy(world.policy)
    changed["classes"][0]["keep"] = "P30D"
    for name, policy in (("policy.yml", world.policy), ("changed.yml", changed)):
        (tmp_path / name).write_text(json.dumps(policy), encoding="utf-8")
    there = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    gone = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_connection": "ssh"}
    inventory = {"recording_servers": {"hosts": {"pbx1": there, "pbx2": gone}}}
    (tmp_path / "inventory.yml").write_text(json.dumps(inventory), encoding="utf-8")
    told = {
        "disposal_become": False,
        "disposal_host_state_dir": str(tmp_path / "state"),
        "disposal_state_dir": str(tmp_path / "disposal"),
        "disposal_policy_file": "policy.yml",
        "disposal_changed_policy_file": "changed.yml",
        "disposal_diff_limits": {"newly_destroyed": {"sets": 3}},
    }
    recordings = fingerprint(world.root)
    program = pathlib.Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), "-i", "inventory.yml", "recordings.disposal.policy_diff", "-e", json.dumps(told)]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".venv" / "collections")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 2 and "the comparison is incomplete, not known are pbx2 (could not be reached" in output, output
    document = json.loads((tmp_path / "disposal" / "previews" / "policy_diff.json").read_text(encoding="utf-8"))
    assert document["effects"]["newly_destroyed"]["sets"] == 3 and list(document["hosts"]) == ["pbx1"]
    assert [item["host"] for item in document["unknown_hosts"]] == ["pbx2"] and document["exceeded"] == []
    # Nothing was planned or written on the host, and no key was made on the controller.
    assert fingerprint(world.root) == recordings and not (tmp_path / "state").exists()
    assert [path.name for path in (tmp_path / "disposal").iterdir()] == ["previews"]
