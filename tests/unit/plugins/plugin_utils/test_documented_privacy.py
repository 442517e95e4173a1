# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the pages on privacy and on schemas, run as they stand there."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

from ansible_collections.recordings.disposal.plugins.plugin_utils._identifiers import fingerprint_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld

DOCS = pathlib.Path(__file__).resolve().parents[4] / "docs"
KEY = "5f" * 32


def example(page: str, language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found


def test_the_key_is_destroyed_as_the_page_says(tmp_path: pathlib.Path) -> None:
    for name in ("disposal", "holds", "requests"):
        (tmp_path / name).mkdir(mode=0o700)
    key = tmp_path / "disposal" / "identifiers.key"
    key.write_text(KEY + "\n", encoding="ascii")
    (tmp_path / "play.yml").write_text(example("privacy.md", "yaml"), encoding="utf-8")
    (tmp_path / "holds" / "case.yml").write_text(
        "{id: case-7, reason: dispute, placed_by: legal, placed: 2026-01-01T00:00:00Z, match: {}}\n", encoding="utf-8"
    )

    def play(*more: str) -> subprocess.CompletedProcess[str]:
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-vvv", "play.yml", *more]
        environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    refused = play()
    assert refused.returncode != 0 and "the legal hold case-7 is in force" in refused.stdout, refused.stdout[-3000:]
    assert key.exists()
    (tmp_path / "holds" / "case.yml").unlink()
    assert play("--check").returncode == 0 and key.exists()
    done = play()
    assert done.returncode == 0 and not key.exists(), done.stdout[-3000:]
    (last,) = (tmp_path / "disposal" / "identifiers-keys.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    assert json.loads(last)["fingerprint"] == fingerprint_of(KEY) and json.loads(last)["outcome"] == "destroyed"
    again = play()
    assert again.returncode == 0 and "changed=0" in again.stdout
    assert not [text for each in (refused, done, again) for text in (each.stdout, each.stderr) if KEY in text]


def test_a_journal_is_validated_as_the_page_says(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path).swept()
    os.symlink(DOCS, tmp_path / "docs")
    script = example("schemas.md", "python")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = world.journal_path("rec1")
    path.write_bytes(path.read_bytes().replace(b'"members":2', b'"members":-2', 1))
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "-2 is less than the minimum of 0" in done.stderr
