# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What opens a volume is seen nowhere: not in what Ansible says at its most talkative, nor in any process's arguments, nor in what is left on the disk."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed
from ansible_collections.recordings.disposal.tests.system.luks_bed import DECLARED, KEY, make_volume, opens
from ansible_collections.recordings.disposal.tests.system.secret_watch import Watch, files_with

TOP = pathlib.Path(__file__).resolve().parents[2]


def test_the_key_is_seen_nowhere(bed: Bed, tmp_path: pathlib.Path) -> None:
    volume = make_volume(bed, "luks1")
    home = tmp_path / "home"
    task: dict[str, t.Any] = {
        "name": "Destroy the key",
        "recordings.disposal.crypto_erase": {
            "target": volume.target,
            "level": "purge",
            "state_dir": str(tmp_path / "state"),
            "on_unseen": "report",
            "declared": DECLARED,
            "header_backups": [],
        },
    }
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "play.json").write_text(json.dumps(play))
    environment = {
        **os.environ,
        "PATH": PATH,
        "HOME": str(home),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        # So that what a module gets is left on the disk, to be looked through.
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
    }
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    with Watch([KEY]) as watch:
        done = subprocess.run(
            [str(playbook), "-vvv", "-i", "localhost,", str(tmp_path / "play.json")],
            cwd=TOP,
            env=environment,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0 and b'"outcome": "destroyed"' in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]
    assert not opens(volume)
    assert any(b"crypto_erase" in command for command in watch.commands) and not watch.found
    assert KEY not in done.stdout + done.stderr
    left = [path for directory in (home, tmp_path / "state") for path in directory.rglob("*") if path.is_file()]
    assert len(left) >= 3 and any(b"crypto_erase" in path.read_bytes() for path in left)
    assert files_with([KEY], [*left, tmp_path / "log"]) == []
    assert volume.key.read_bytes() == KEY
