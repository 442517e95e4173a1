# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo as a user runs it, and what the README promises of it, checked without the collection."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.plugin_utils._formats import check_formats
from ansible_collections.recordings.disposal.tests.system.test_verify_page import steps

TOP = pathlib.Path(__file__).resolve().parents[2]


# An agent whom the demo's hold names, as people write into it; and which formats it is asked for.
HELD = "0938"


@functools.cache
def formats() -> list[str]:
    """HTML, and PDF where it can be made; in CI it must be."""
    try:
        check_formats(["pdf"])
    except DisposalError:
        return ["html", "pdf"] if os.environ.get("CI") else ["html"]
    return ["html", "pdf"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    where = tmp_path_factory.mktemp("demo") / "demo-run"
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        # As talkative as it gets: what may not be told is not told then either.
        [str(playbook), "-vvv", "recordings.disposal.demo", "-e", json.dumps({"disposal_formats": formats()})],
        cwd=TOP,
        env={**os.environ, "DEMO_DIR": str(where), "HOME": str(where.parent), "ANSIBLE_LOG_PATH": str(where.parent / "demo.log")},
        capture_output=True,
        text=True,
        check=False,
    )
    (where.parent / "demo.output").write_text(done.stdout + done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for words in ("Destroyed:", "Kept:", "Held:", "Certificate:", "Proof:", "To verify:"):
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


def test_the_page_on_verifying_works_line_by_line_on_the_demo(demo: pathlib.Path) -> None:
    script = "".join(f"echo '@ {heading}'\n{block}" for heading, block in steps().items())

    def followed() -> tuple[int, str]:
        done = subprocess.run(["sh", "-eu"], input=script, cwd=demo.parent, capture_output=True, text=True, check=False)
        return done.returncode, re.findall(r"^@ (.*)$", done.stdout, re.MULTILINE)[-1]

    assert followed() == (0, list(steps())[-1])
    (proof,) = demo.glob("disposal/proofs/*/*/proof.json")
    tool = [sys.executable, str(TOP / "docs" / "verify_evidence.py"), str(proof.parent), "--allowed-signers", str(demo / "allowed_signers")]
    tool += ["--signer", "evidence@example.com", "--proof", str(proof)]
    assert subprocess.run(tool, capture_output=True, check=False).returncode == 0
    whole = proof.read_bytes()
    proof.write_bytes(whole.replace(b'"leaf_index":', b'"leaf_index":1', 1))
    try:
        assert subprocess.run(tool, capture_output=True, check=False).returncode == 1
    finally:
        proof.write_bytes(whole)


def test_the_certificate_that_somebody_asks_for_later(demo: pathlib.Path) -> None:
    (line,) = re.findall(
        r"^    (ansible-playbook recordings\.disposal\.certificate .*)$", (TOP / "docs" / "start.md").read_text(encoding="utf-8"), re.M
    )
    (run,) = demo.glob("disposal/runs/*")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".venv" / "collections")}
    environment["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-ec", line], cwd=demo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = demo / "for-the-auditor" / "certificate.pl.html"
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    assert made.read_bytes() == (run / "certificate.pl.html").read_bytes()


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


_SPLIT = re.compile(r"[\s\"'`/\\\\<>,;(){}\[\]=&#]+")


def recorded(demo: pathlib.Path) -> set[str]:
    """Whatever in the demo's recordings tells of a person: numbers, customers, names of files and of sets, what is in the files."""
    found: set[str] = set()
    for path in demo.glob("*.expected.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            made = json.loads(line)
            fields = made["fields"]
            found.update(str(fields[name]) for name in ("src", "customer") if len(str(fields.get(name, ""))) > 6)
            # As short as it is, the number of an agent of the demo is like nothing else; the hold tells the one that it is about.
            found.update({fields["agent"]} - {HELD} if "agent" in fields else ())
            found.update(fields.get("participants", ()))
            found.update(made["markers"])
            for member in made["members"]:
                # The stem of a system's own log names the call as its files do.
                name = os.path.basename(member)
                found.update(word for word in (name, name.rpartition(".")[0]) if len(word) > 12)
    return {word for word in found if word not in ("metadata", "metadata.json")}


def personal(text: str, names: set[str]) -> set[str]:
    """What of it a text names, whole or with more around it."""
    words = set(_SPLIT.split(text))
    words |= {word.rpartition(".")[0] for word in words} | {word.strip(":.") for word in words}
    # Numbers of agents are no longer than the milliseconds of a log, and looked for where none can stand.
    words = {word for word in words if len(word) > 4}
    agents, participants = r"(?<![0-9A-Za-z.,])0\d{2,3}(?![0-9A-Za-z])", r"\bAnna \d+"
    patterns = (agents, participants, r"\+\d{9,}", r"C-\d{6}", r"RDMARK:[0-9a-f]{16}", r"\d{8}-\d{6}[-_][\w.]+")
    return names & (words | {word for pattern in patterns for word in re.findall(pattern, text)})


def text_of(path: pathlib.Path) -> str:
    if path.suffix == ".pdf":
        return subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    return path.read_text(encoding="utf-8", errors="replace")


def test_nothing_personal_in_the_evidence_and_in_what_ansible_tells(demo: pathlib.Path) -> None:
    names = recorded(demo)
    assert len(names) > 5000 and any(name.startswith("+4860") for name in names) and any(name.startswith("C-") for name in names)
    assert {"0819", "097", "Anna 7", "agent9"} <= names and HELD not in names
    top = demo / "servers"
    if not top.exists():
        top = pathlib.Path(f"/var/tmp/recordings-disposal-demo-{os.getuid()}")
    state = [path for path in demo.glob("disposal/**/*") if path.is_file() and path.name != "identifiers.key"]
    # Plans stay on the hosts, which have the files themselves; journals leave them.
    hosts = [path for path in top.glob("*/var/lib/recordings-disposal/**/*") if path.is_file() and path.parent.name != "plans"]
    logs = [demo.parent / "demo.log", demo.parent / "demo.output"]
    kinds = {path.suffix for path in state}
    assert (
        {".jsonl", ".json", ".sig", *(f".{form}" for form in formats())} <= kinds
        and len(hosts) > 5
        and all(path.stat().st_size > 10_000 for path in logs)
    )
    told = {str(path): sorted(found)[:5] for path in [*state, *hosts, *logs] if (found := personal(text_of(path), names))}
    assert told == {}
    # The search finds what is there, also at the ends of words.
    assert personal('x{"agent":"097"},20231107-101500_0819 by Anna 7.', names) == {"097", "0819", "Anna 7"}
    assert personal("1,097 2026-08-19 .0819 00:00:00,097 sha256:a0819f", names) == set()
    (plan, *_others) = top.glob("pbx1/var/lib/recordings-disposal/plans/*.jsonl")
    assert len(personal(plan.read_text(encoding="utf-8"), names)) > 1000


def test_the_key_for_identifiers_is_apart_and_secret(demo: pathlib.Path) -> None:
    key = demo / "disposal" / "identifiers.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o077 == 0
    secret = key.read_text(encoding="ascii").strip()
    files = [path for path in demo.parent.rglob("*") if path.is_file() and path != key]
    assert not [str(path) for path in files if secret in path.read_text(encoding="utf-8", errors="replace")]


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
