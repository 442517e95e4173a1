# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statement: journals that are not this run's are refused, what is missing is named, and the sums are right."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import signal
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import MerkleTree
from ansible_collections.recordings.disposal.plugins.plugin_utils import _statement
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import (
    NOT_CHECKED,
    Evidence,
    build_statement,
    gather_evidence,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    PROOF,
    close,
    digest_text,
    intent,
    opening,
    outcome,
    set_name,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    return RunWorld(tmp_path)


def gather(world: RunWorld, **checkpoints: dict[int, str]) -> Evidence:
    return gather_evidence(str(world.run), world.fields, world.data, checkpoints=checkpoints)


def statement(world: RunWorld) -> dict[str, t.Any]:
    return build_statement(gather(world), world.fields, world.data, created="2026-11-23T23:00:00Z", previous=None, collection="0.1.0")


def refused(world: RunWorld, words: str, **checkpoints: dict[int, str]) -> list[str]:
    with pytest.raises(EvidenceError, match=words) as caught:
        gather(world, **checkpoints)
    problems: list[str] = caught.value.details["problems"]
    return problems


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "rec2"}, "names the host 'rec2', not 'rec1'"),
        ({"plan": digest_text("another")}, "names the plan"),
        ({"manifest": digest_text("another")}, "names the manifest"),
        ({"policy": digest_text("another")}, "names the policy"),
        ({"author": "eve@example.com"}, "names the author 'eve@example.com'"),
        ({"approvals": ["anna"]}, "does not tell its approvals"),
    ],
)
def test_a_journal_of_another_run_is_refused(world: RunWorld, change: dict[str, t.Any], words: str) -> None:
    world.sweep("rec1", **change)
    world.sweep("rec2")
    assert len(refused(world, rf"^the journals are not evidence of this run: journals/rec1\.jsonl line 1 .*{words}")) == 1


def test_the_journal_of_another_host_is_refused(world: RunWorld) -> None:
    world.swept()
    shutil.copy(world.journal_path("rec1"), world.journal_path("rec2"))
    refused(world, r"journals/rec2\.jsonl line 1 names the host 'rec1'")


def test_files_that_are_no_journals_are_refused(world: RunWorld) -> None:
    world.swept()
    world.journal_path("rec9").write_bytes(b"")
    (world.run / "journals" / "notes.txt").write_bytes(b"")
    problems = refused(world, r"journals/notes\.txt belongs to no host")
    assert len(problems) == 2
    assert problems[1].startswith("journals/rec9.jsonl belongs to no host of the manifest")


def test_every_bad_journal_is_named(world: RunWorld) -> None:
    world.swept()
    for host in ("rec1", "rec2"):
        data = world.journal_path(host).read_bytes()
        world.journal_path(host).write_bytes(data.replace(b"brokerage", b"br0kerage", 1))
    assert [problem[:25] for problem in refused(world, "rec1.*rec2")] == ["journals/rec1.jsonl line ", "journals/rec2.jsonl line "]


def test_a_history_written_anew_is_refused(world: RunWorld) -> None:
    world.swept()
    before = gather(world).hosts["rec1"]
    sealed = {before["records"]: before["head"]}
    gather(world, rec1=sealed)
    world.journal_path("rec1").unlink()
    refused(world, r"journals/rec1\.jsonl is missing, and an earlier statement sealed it", rec1=sealed)
    world.sweep("rec1", run="run-anew")
    refused(world, r"rec1\.jsonl line 9 is not what an earlier statement sealed", rec1=sealed)
    world.journal_path("rec1").unlink()
    world.sweep("rec1", until=1)
    refused(world, r"rec1\.jsonl ends at line 4, and an earlier statement sealed 9 lines", rec1=sealed)


@pytest.mark.parametrize("due", [None, "3", -1, True])
def test_a_manifest_that_does_not_say_what_is_due_is_refused(world: RunWorld, due: object) -> None:
    world.swept()
    world.fields["hosts"]["rec3"]["verdicts"]["due"]["sets"] = due
    with pytest.raises(EvidenceError, match="does not say how many sets are due on rec3"):
        gather(world)


def test_a_missing_host_is_named_and_one_with_nothing_due_is_not(world: RunWorld) -> None:
    world.sweep("rec1")
    predicate = statement(world)["predicate"]
    assert (predicate["complete"], predicate["missing_hosts"]) == (False, ["rec2"])
    assert predicate["problems"] == ["rec2: its journal is missing or holds no whole record; run the sweep there"]


def test_no_journal_at_all(world: RunWorld) -> None:
    shutil.rmtree(world.run / "journals")
    predicate = statement(world)["predicate"]
    assert (predicate["complete"], predicate["missing_hosts"], predicate["tree_size"]) == (False, ["rec1", "rec2"], 0)
    assert predicate["merkle_root"] == f"sha256:{hashlib.sha256().hexdigest()}"


def test_a_journal_without_a_whole_record_counts_as_missing(world: RunWorld) -> None:
    world.sweep("rec1")
    world.journal_path("rec2").write_bytes(b'{"author":')
    assert statement(world)["predicate"]["missing_hosts"] == ["rec2"]


def test_a_run_that_has_not_ended_is_named_with_its_torn_end(world: RunWorld) -> None:
    world.swept()
    data = world.journal_path("rec1").read_bytes()
    world.journal_path("rec1").write_bytes(data[:-5])
    predicate = statement(world)["predicate"]
    assert predicate["complete"] is False
    assert predicate["hosts"]["rec1"]["closed"] is False
    assert predicate["hosts"]["rec1"]["torn"] == len(data.splitlines()[-1]) - 4
    assert predicate["problems"] == ["rec1: the run has not ended, 3 of 3 due sets have an outcome and 0 are begun; run the sweep again"]


def test_a_run_that_ended_with_too_few_outcomes_is_named(world: RunWorld) -> None:
    world.sweep("rec2")
    with world.open_journal("rec1") as journal:
        journal.append("open", **opening(world.fields, world.data))
        journal.append("outcome", **outcome(set_name(1), "not_destroyed", "held"))
        close(journal)
    predicate = statement(world)["predicate"]
    assert predicate["complete"] is False
    assert predicate["problems"] == ["rec1: the run has ended with outcomes for 1 sets, and the plan names 3 due sets"]


def test_the_sums_follow_from_the_journals(world: RunWorld) -> None:
    built = statement(world.swept())
    predicate = built["predicate"]
    tree = MerkleTree()
    for host in ("rec1", "rec2"):
        lines = world.journal_path(host).read_bytes().splitlines()
        for line in lines:
            if json.loads(line)["type"] == "outcome":
                tree.add(line)
        entry = predicate["hosts"][host]
        assert (entry["run"], entry["records"], entry["head"], entry["torn"]) == (f"run-{host}", len(lines), digest(lines[-1]), 0)
        destroyed = world.fields["hosts"][host]["verdicts"]["due"]["sets"] - 1
        assert entry["counts"] == {"destroyed": destroyed, "not_destroyed": 1, "unknown": 0}
        assert entry["bytes"] == {"destroyed": destroyed * 160044}
        assert entry["reasons"] == {"changed since the plan": 1}
        assert (entry["closed"], entry["interruptions"]) == (True, 0)
        assert entry["classes"] == {
            "brokerage": {
                "destroyed": destroyed,
                "not_destroyed": 1,
                "unknown": 0,
                "bytes": destroyed * 160044,
                "legal_basis": "Reg. (EU) 2017/565 art. 76",
                "levels": {"clear": destroyed},
            }
        }
    assert predicate["complete"] is True
    assert predicate["totals"] == {"counts": {"destroyed": 3, "not_destroyed": 2, "unknown": 0}, "bytes": {"destroyed": 3 * 160044}}
    assert (predicate["merkle_root"], predicate["tree_size"]) == (tree.root(), 5)
    assert predicate["approvals"] == [{**approval, "namespace": "plan@recordings.disposal"} for approval in world.approvals]
    assert (predicate["manifest"], predicate["policy"]) == (digest(world.data), world.fields["policy"])
    files = [world.journal_path("rec1"), world.journal_path("rec2"), world.manifest]
    assert built["subject"] == [
        {"name": name, "digest": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}}
        for name, file in zip(("journals/rec1.jsonl", "journals/rec2.jsonl", "manifest.json"), files, strict=True)
    ]
    assert predicate["not_checked"] == list(NOT_CHECKED)


def test_what_a_proof_could_not_see_is_said(world: RunWorld) -> None:
    world.sweep("rec2")
    proof = {**PROOF, "read": "cached", "extents": "not_available", "limits": ["the file system keeps a journal of data"]}
    with world.open_journal("rec1") as journal:
        journal.append("open", **opening(world.fields, world.data, approvals=world.approvals))
        for number in range(3):
            journal.append("intent", **intent(set_name(number)))
            journal.append("erased", set=set_name(number), outcome="destroyed", reason=[], proof=proof)
            journal.append("outcome", **outcome(set_name(number), proof=proof))
        close(journal)
    said = statement(world)["predicate"]["not_checked"]
    assert said[:3] == list(NOT_CHECKED)
    assert len(said) == 6
    assert all(sentence.startswith("rec1: ") and sentence.endswith("(3 sets).") for sentence in said[3:])
    assert "rec1: the file system keeps a journal of data (3 sets)." in said


def test_many_different_reasons_stay_few_and_requests_have_their_own_class(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.fields["hosts"]["rec1"]["verdicts"]["due"]["sets"] = 500
    world.sweep("rec2")
    with world.open_journal("rec1") as journal:
        journal.append("open", **opening(world.fields, world.data, approvals=world.approvals))
        for number in range(500):
            told = outcome(set_name(number), "not_destroyed", f"its size is {number}", **{"class": None, "rule": "request:ER-7"})
            journal.append("outcome", **told)
        close(journal)
    entry = gather(world).hosts["rec1"]
    assert len(entry["reasons"]) == 101
    assert entry["reasons"]["other reasons"] == 400
    assert entry["classes"]["request:ER-7"]["not_destroyed"] == 500


def test_large_journals_are_read_by_several_processes_with_the_same_result(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.swept()
    one = statement(world)
    monkeypatch.setattr(_statement, "_IN_PARALLEL_FROM", 0)
    monkeypatch.setattr(_statement.os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setattr(_statement, "_read", _read_elsewhere)
    assert statement(world) == one
    world.journal_path("rec2").write_bytes(b"rubbish\n")
    (fault,) = refused(world, "journals/rec2.jsonl line 1 is not a record")
    assert fault.startswith("journals/rec2.jsonl line 1 ")


def test_a_reader_that_was_killed_is_told(world: RunWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.swept()
    monkeypatch.setattr(_statement, "_IN_PARALLEL_FROM", 0)
    monkeypatch.setattr(_statement.os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setattr(_statement, "_read", _killed)
    with pytest.raises(
        DisposalError, match="a process that read journals was ended, perhaps for lack of memory; make room and do it again"
    ):
        gather(world)


_HERE = os.getpid()
_READ = _statement._read


def _read_elsewhere(job: t.Any) -> t.Any:
    assert os.getpid() != _HERE
    return _READ(job)


def _killed(_job: t.Any) -> None:
    assert os.getpid() != _HERE
    os.kill(os.getpid(), signal.SIGKILL)
