# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook as a user runs it, as loud as it can be; a private key that was given by mistake is told nowhere."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import identity_text
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint

TOP = pathlib.Path(__file__).resolve().parents[2]


def play(world: EncryptWorld, recipients: list[dict[str, str]], *, good: bool) -> str:
    variables: dict[str, t.Any] = {
        "disposal_policy": world.policy,
        "disposal_recipients": recipients,
        "disposal_state_dir": str(world.path / "controller"),
        "disposal_host_state_dir": str(world.state),
        "disposal_hosts": "localhost",
        "disposal_become": False,
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    file = world.path / "variables.json"
    file.write_text(json.dumps(variables))
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [str(playbook), "-vvv", "-i", "localhost,", "-e", f"@{file}", "recordings.disposal.encrypt"],
        cwd=TOP,
        env={**os.environ, "HOME": str(world.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == good, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout + done.stderr


def test_the_playbook(tmp_path: pathlib.Path) -> None:
    world = EncryptWorld(tmp_path)
    path = world.record(days=3)
    plain = {path: path.read_bytes()}
    before = fingerprint(world.root)
    secret = identity_text(bytes(range(32)))
    output = play(world, [{**item, "recipient": secret} for item in world.recipients[:1]], good=False)
    assert "is an identity, which is secret and has no place here" in output
    assert secret[16:] not in output and fingerprint(world.root) == before
    output = play(world, world.recipients, good=True)
    assert "1 sets were found to be encrypted, 1 sets (5000 bytes) were" in output
    world.require_encrypted(plain)
    assert "48600100200" not in output
