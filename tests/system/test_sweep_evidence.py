# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables of a sweep and of its store say of evidence reaches sealing and storing, and what fails there loses none."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import fits
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.system.test_waves import Fleet
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import attached, need_pdf, text_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.stamp_authority import Authority, serving


class Single(Fleet):
    hosts = ("a",)

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path)
        policy = yaml.safe_load((path / "policy.yml").read_text(encoding="utf-8"))
        (path / "policy.yml").write_text(yaml.safe_dump({**policy, "identifiers": "plain"}), encoding="utf-8")
        self.said: list[str] = []

    def play(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        # The variables of the fleet are those of a group, in which the controller is not.
        own = ["-e", json.dumps(self.variables)] if name == "store" else []
        done = super().play(name, "-vvv", *own, *options)
        self.said.append(done.stdout + done.stderr)
        return done

    def sweep(self) -> subprocess.CompletedProcess[str]:
        return self.play(
            "sweep", *(["-e", f"disposal_plan_id={self.plan_id()}"] if (self.path / "disposal" / "plans" / "latest").exists() else [])
        )

    @property
    def run(self) -> pathlib.Path:
        return self.path / "disposal" / "runs" / self.plan_id()

    def evidence(self) -> dict[str, bytes]:
        state = self.path / "disposal"
        return {str(path.relative_to(state)): path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file()}

    def without(self, library: str) -> None:
        """A controller that has no such Python library."""
        place = self.path / "python" / library
        place.mkdir(parents=True)
        (place / "__init__.py").write_text(f"raise ModuleNotFoundError(\"No module named '{library}'\")\n", encoding="ascii")
        self.environment["PYTHONPATH"] = str(place.parent)


def told(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stdout.split())


def test_formats_time_stamps_and_the_store(tmp_path: pathlib.Path) -> None:
    need_pdf()
    fleet = Single(tmp_path)
    authority = Authority(tmp_path / "authority")
    fleet.variables.update(
        disposal_formats=["pdf"],
        disposal_languages=["pl"],
        disposal_timestamp_ca=authority.ca_file,
        disposal_evidence_store={"kind": "directory", "path": str(tmp_path / "store")},
        disposal_evidence_keep="P10Y",
    )
    with serving(lambda _query: 503) as broken:
        fleet.variables["disposal_timestamp_url"] = broken.url
        no_libraries(fleet)
        stamp_refused(fleet)
        assert broken.asked
    with serving(authority.reply) as server:
        fleet.variables["disposal_timestamp_url"] = server.url
        stamped(fleet, authority)
        assert len(server.asked) == 1
    stored(fleet)
    plain_names(fleet)


def no_libraries(fleet: Single) -> None:
    """What PDFs need is missing: one sentence, before anything is destroyed."""
    fleet.without("segno")
    before = {path: path.read_bytes() for path in fleet.old("a")}
    done = fleet.sweep()
    assert done.returncode != 0 and len(before) == 2, done.stdout
    assert "segno, which makes the QR codes of work orders and certificates, is not installed" in told(done)
    assert {path: path.read_bytes() for path in fleet.old("a")} == before
    assert not (fleet.path / "disposal" / "runs").exists() and not (fleet.path / "a" / "state" / "runs").exists()
    fleet.environment.clear()


def stamp_refused(fleet: Single) -> None:
    """The authority does not answer: what was destroyed is sealed and signed, and the play says what is missing."""
    done = fleet.sweep()
    assert done.returncode != 0 and "the run is sealed, and the ledger's head has no time stamp: " in told(done), done.stdout
    assert fleet.old("a") == [] and fleet.statement()["totals"]["counts"]["destroyed"] == 2 and fleet.statement()["complete"]
    found = fleet.evidence()
    for name in ("ledger.head.json", f"runs/{fleet.plan_id()}/statement.json"):
        assert fits(found[name], found[f"{name}.sig"], namespace=NAMESPACE)
    assert json.loads(found["ledger.jsonl"])["statement"] == digest(found[f"runs/{fleet.plan_id()}/statement.json"])
    assert "ledger.head.json.tsr" not in found
    # The formats and languages that were asked for, and no others.
    pdf = (fleet.run / "certificate.pl.pdf").read_bytes()
    assert {path.name for path in fleet.run.glob("certificate.*")} == {"certificate.pl.pdf"}
    assert attached(pdf)["statement.json"] == found[f"runs/{fleet.plan_id()}/statement.json"]


def stamped(fleet: Single, authority: Authority) -> None:
    """The same play again has the head stamped, and touches nothing else."""
    before = fleet.evidence()
    done = fleet.sweep()
    assert done.returncode == 0, done.stdout
    after = fleet.evidence()
    assert after.keys() - before.keys() == {"ledger.head.json.tsr"} and {name: after[name] for name in before} == before
    head = fleet.path / "disposal" / "ledger.head.json"
    command = ["openssl", "ts", "-verify", "-data", str(head), "-in", f"{head}.tsr", "-CAfile", authority.ca_file]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def stored(fleet: Single) -> None:
    """The role puts what was sealed into the store, and refuses what was changed since."""
    store = fleet.path / "store"
    certificate = fleet.run / "statement.json"
    whole = certificate.read_bytes()
    certificate.write_bytes(whole.replace(b'"destroyed":2', b'"destroyed":3', 1))
    refused = fleet.play("store")
    assert refused.returncode != 0 and "is not as line 1 of the ledger sealed it, so it is not stored" in told(refused), refused.stdout
    assert not list(store.glob("runs/*"))
    certificate.write_bytes(whole)
    done = fleet.play("store")
    assert done.returncode == 0 and "not stored since they are not sealed: none" in told(done), done.stdout
    kept = {path.name: path.read_bytes() for path in (store / "runs" / fleet.plan_id() / "0").rglob("*") if path.is_file()}
    assert kept == {path.name: path.read_bytes() for path in fleet.run.rglob("*") if path.is_file()}
    assert (store / "ledger" / "1" / "ledger.head.json.tsr").exists()
    again = fleet.play("store")
    assert again.returncode == 0 and "changed=0" in again.stdout and "0 files were stored" in told(again), again.stdout


def plain_names(fleet: Single) -> None:
    """With C(identifiers: plain) journals name the recordings, and so do plans; what is signed of a run does not."""
    number = "+48600100200"
    found = fleet.evidence()
    journal = f"runs/{fleet.plan_id()}/journals/a.jsonl"
    opening, *records = map(json.loads, found[journal].splitlines())
    assert opening["identifiers"] == "plain"
    sets = {record["set"] for record in records if record["type"] == "outcome"}
    assert len(sets) == 2 and all(number in name for name in sets)
    shown = {name: text_of(data) if name.endswith(".pdf") else data.decode(errors="replace") for name, data in found.items()}
    named = {name.replace(fleet.plan_id(), "PLAN") for name, text in shown.items() if number in text}
    # A plan shows a few sets as samples; statement, certificates, ledger and its head name none.
    assert named == {"plans/PLAN/manifest.json", "plans/PLAN/plan.html", "runs/PLAN/manifest.json", "runs/PLAN/journals/a.jsonl"}
    state = fleet.path / "a" / "state"
    kept = {path.relative_to(state).parts[0] for path in state.rglob("*") if path.is_file() and number.encode() in path.read_bytes()}
    assert kept == {"plans", "runs"}
    stored = {path.name for path in (fleet.path / "store").rglob("*") if path.is_file() and number.encode() in path.read_bytes()}
    assert stored == {"a.jsonl", "manifest.json"}
    # A sweep tells of the plan that it takes, with those samples; storing tells no name.
    assert number in fleet.said[0] and len(fleet.said) == 6 and not [text for text in fleet.said[3:] if number in text]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"disposal_evidence_store": {"kind": "directory"}}, "path"),
        ({"disposal_evidence_store": {"kind": "directory", "path": "store"}, "disposal_evidence_keep": None}, "evidence_store_keep"),
    ],
)
def test_the_role_refuses_what_it_cannot_do(tmp_path: pathlib.Path, variables: dict[str, t.Any], words: str) -> None:
    fleet = Single(tmp_path)
    fleet.variables.update({"disposal_evidence_keep": "P10Y", **variables})
    fleet.variables = {name: value for name, value in fleet.variables.items() if value is not None}
    done = fleet.play("store")
    assert done.returncode != 0 and words in told(done), done.stdout
    assert not (tmp_path / "store").exists() and not (tmp_path / "disposal").exists()
