# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial as a reader follows it: each file and each command, in order, against two hosts over SSH."""

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

from ansible_collections.recordings.disposal.tests.system.loop_bed import need

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = (TOP / "docs" / "tutorial.md").read_text(encoding="utf-8")
BED = [sys.executable, str(TOP / "molecule" / "testbed" / "bed.py")]
CALL = "2023/03/14/in-+48225550200-+48600100200-20230314-101500-1678785300.42.wav"
NAMES = {"rec1": r"^.*-\d{10}\.\d+", "rec2": r"\d{8}-\d{6}_[^-./]+"}


class Step(t.NamedTuple):
    """A block of the page, with the paragraph before it."""

    kind: str
    before: str
    text: str


def steps() -> list[Step]:
    blocks = re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [Step(block[1], PAGE[: block.start()].rstrip().rpartition("\n\n")[2], block[2]) for block in blocks]


class Reader:
    """Somebody who follows the page in an empty directory. What a reader's own SSH would know of the hosts stands beside the inventory."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.directory = path / "recordings-tutorial"
        self.directory.mkdir()
        self.names: list[str] = []
        self.output = ""

    def knows_the_hosts(self, inventory: pathlib.Path) -> None:
        (self.directory / "host_vars").mkdir()
        for name, variables in json.loads(inventory.read_text(encoding="utf-8"))["all"]["hosts"].items():
            told = {key: value for key, value in variables.items() if key.startswith("ansible_")}
            (self.directory / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(told), encoding="utf-8")

    def writes(self, step: Step) -> None:
        name = re.search(r"`([\w./]+)`[^`]*:$", step.before)
        assert name, f"nothing says into which file this goes: {step.text}"
        path = self.directory / name[1]
        assert not path.exists()
        path.write_text(step.text, encoding="utf-8")

    def runs(self, step: Step) -> None:
        text = step.text.replace("checkout=~/recordings.disposal\n", f"checkout={TOP}\n")
        script = "\n".join([*self.names, text])
        self.names += re.findall(r"^\w+=.*$", text, re.MULTILINE)
        # Without the checkout's own settings; its tools are those that `make setup` made.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment.update(HOME=str(self.path), PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
        done = subprocess.run(
            ["sh", "-euc", script],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        refused = step.before.endswith("refused:")
        assert (done.returncode != 0) == refused, f"{step.text}\n{self.output[-4000:]}"

    def sees(self, step: Step) -> None:
        seen = " ".join(self.output.split())
        for line in step.text.splitlines():
            form = ".*".join(re.escape(part) for part in " ".join(line.split()).split("…"))
            assert re.search(form, seen), f"{line!r} is not in {self.output[-4000:]}"

    def recordings(self, host: str) -> set[str]:
        """What lies on a host, below the directory that all roots are in."""
        self.runs(Step("sh", "", f"ansible {host} -a \"find /var/spool/asterisk -type f -printf '%P\\n'\""))
        return set(self.output.splitlines()[1:])


@pytest.fixture
def reader(tmp_path: pathlib.Path) -> t.Iterator[Reader]:
    need("mmdebstrap", "unshare", "nsenter", "ip", "mke2fs", "ssh")
    reader = Reader(tmp_path)
    hosts = [{"name": name, "image_mib": 64, "storage": "/var/spool/asterisk"} for name in ("rec1", "rec2")]
    work, inventory = tmp_path / "bed", tmp_path / "bed.json"
    try:
        subprocess.run([*BED, "up", f"--work={work}", f"--inventory={inventory}"], input=json.dumps(hosts), text=True, check=True)
        reader.knows_the_hosts(inventory)
        yield reader
    finally:
        subprocess.run([*BED, "down", f"--work={work}"], check=True)


def test_whoever_follows_the_page_gets_what_it_says(reader: Reader) -> None:
    before: dict[str, set[str]] = {}
    todo = {"sh": reader.runs, "text": reader.sees, "ini": reader.writes, "yaml": reader.writes}
    for step in steps():
        if "recordings.disposal.check_policy" in step.text:
            before = {host: reader.recordings(host) for host in ("rec1", "rec2")}
        todo[step.kind](step)
    assert f"monitor/{CALL}" in before["rec1"] and CALL in PAGE
    # What is gone is what the journals say, and as much as the signed statement says; what the hold names is there.
    (statement,) = reader.directory.glob("disposal/runs/*/statement.json")
    told = json.loads(statement.read_text(encoding="utf-8"))["predicate"]
    assert told["complete"] and told["problems"] == []
    gone = {host: before[host] - reader.recordings(host) for host in before}
    assert all(gone.values()) and f"monitor/{CALL}" in gone["rec1"]
    # By the systems' own rules for names: up to the unique number of a call; up to the agent.
    calls = {host: {named[0] for named in map(re.compile(form).search, gone[host]) if named} for host, form in NAMES.items()}
    assert told["totals"]["counts"] == {"destroyed": sum(map(len, calls.values())), "not_destroyed": 0, "unknown": 0}
    held = {name for name in before["rec2"] if "_1003-" in name or "_1003." in name}
    assert held and not held & gone["rec2"]
    # The letter answers with what was destroyed, and names no other number.
    (letter,) = reader.directory.glob("disposal/proofs/*/*/letter.en.html")
    assert "Example S.A." in letter.read_text(encoding="utf-8")
