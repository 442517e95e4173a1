# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo as a user runs it, and what the README promises of it, checked without the collection."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    where = tmp_path_factory.mktemp("demo") / "demo-run"
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [str(playbook), "recordings.disposal.demo"],
        cwd=TOP,
        env={**os.environ, "DEMO_DIR": str(where), "HOME": str(where.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for words in ("Destroyed:", "Kept:", "Held:", "Certificate:", "To verify:"):
        assert words in done.stdout
    return where


def readme_verifies(demo: pathlib.Path) -> bool:
    """The README's own lines, with the demo's directory for theirs."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    (run=.*|ssh-keygen -Y verify .*)$", readme, re.MULTILINE)
    assert len(lines) == 2
    script = "\n".join(lines).replace("demo-run", str(demo))
    return subprocess.run(["sh", "-ec", script], capture_output=True, check=False).returncode == 0


def test_openssh_alone_accepts_the_statement_and_no_other(demo: pathlib.Path) -> None:
    assert readme_verifies(demo)
    (statement,) = demo.glob("disposal/runs/*/statement.json")
    whole = statement.read_bytes()
    try:
        for place in (0, len(whole) // 3, len(whole) - 1):
            changed = bytearray(whole)
            changed[place] ^= 1
            statement.write_bytes(changed)
            assert not readme_verifies(demo), f"a statement with byte {place} changed was accepted"
    finally:
        statement.write_bytes(whole)
    assert readme_verifies(demo)


def test_what_was_due_is_gone_and_everything_else_is_what_it_was(demo: pathlib.Path) -> None:
    before = json.loads((demo / "before.jsonl").read_text(encoding="utf-8"))
    top = demo / "servers"
    if not top.exists():
        top = pathlib.Path(f"/var/tmp/recordings-disposal-demo-{os.getuid()}")
    due: set[str] = set()
    names: set[str] = set()
    for plan in top.glob("*/var/lib/recordings-disposal/plans/*.jsonl"):
        for line in plan.read_text(encoding="utf-8").splitlines()[1:]:
            row = json.loads(line)
            if row["verdict"] == "due":
                names.add(row["set"])
                due.update(os.path.relpath(os.path.join(row["root"], member["path"]), top) for member in row["members"])
    outcomes = {}
    for journal in demo.glob("disposal/runs/*/journals/*.jsonl"):
        for line in journal.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["type"] == "outcome":
                outcomes[record["set"]] = record["outcome"]
    assert len(names) > 1000 and set(outcomes) == names and set(outcomes.values()) == {"destroyed"}
    assert due <= set(before) and not any(os.path.lexists(top / name) for name in due)
    sys.path.insert(0, str(TOP / "playbooks" / "files"))
    try:
        import compare_trees
    finally:
        sys.path.pop(0)
    assert compare_trees.look(top) == {name: facts for name, facts in before.items() if name not in due}


def test_nothing_personal_in_the_evidence(demo: pathlib.Path) -> None:
    numbers = {str(json.loads(line)["fields"].get("src", "")) for line in (demo / "pbx1.expected.jsonl").read_text().splitlines()}
    numbers = {number for number in numbers if len(number) > 8}
    assert len(numbers) > 1000
    for path in [*demo.glob("disposal/runs/**/*"), *demo.glob("disposal/plans/**/*"), demo / "disposal" / "ledger.jsonl"]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not numbers & set(re.findall(r"\+\d{9,}", text)), f"{path.name} names a person's number"


def test_a_directory_of_somebody_else_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine").write_text("mine")
    playbook = shutil.which("ansible-playbook", path=str(pathlib.Path(sys.executable).parent))
    assert playbook
    done = subprocess.run(
        [playbook, "recordings.disposal.demo"],
        cwd=TOP,
        env={**os.environ, "DEMO_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "holds files that the demo did not make, so nothing was done" in done.stdout
    assert (tmp_path / "mine").read_text() == "mine"
