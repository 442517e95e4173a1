# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifying: whatever is changed, dropped, moved or doubled makes the evidence invalid, and the place is named."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import random
import re
import shutil
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import Ledger
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, START, RunWorld, rechain


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    world = RunWorld(tmp_path).swept()
    world.seal()
    return world


def files(world: RunWorld) -> list[pathlib.Path]:
    """Every file of the evidence but the certificates, which only show it."""
    return [*(path for path in sorted(world.run.rglob("*")) if path.is_file() and path.suffix != ".html"), world.ledger]


def invalid(world: RunWorld, words: str, **changes: t.Any) -> list[str]:
    report = world.verify(**changes)
    assert not report.valid
    assert any(re.search(words, problem) for problem in report.problems), report.problems
    assert not any("\n" in problem for problem in report.problems)
    return report.problems


def test_any_changed_byte_is_found_and_its_file_named(world: RunWorld) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for path in files(world):
        good = path.read_bytes()
        for _each in range(12):
            at = rng.randrange(len(good))
            path.write_bytes(good[:at] + bytes([rng.choice([byte for byte in range(256) if byte != good[at]])]) + good[at + 1 :])
            problems = world.verify().problems
            name = path.name.replace("manifest.json.", "")
            assert any(name.removesuffix(".sig") in problem or "ledger" in problem for problem in problems), (path.name, at, problems)
        path.write_bytes(good)
    assert world.verify().valid


def test_the_last_newline_of_every_file_counts(world: RunWorld) -> None:
    for path in files(world):
        good = path.read_bytes()
        for bad in (good[:-1], good + b"\n", good[:-1] + b" "):
            path.write_bytes(bad)
            assert not world.verify().valid, (path.name, bad[-3:])
        path.write_bytes(good)


def test_any_missing_file_is_found(world: RunWorld) -> None:
    for path in files(world):
        good = path.read_bytes()
        path.unlink()
        invalid(world, re.escape(path.name.replace("manifest.json.", "").removesuffix(".sig")))
        path.write_bytes(good)


@pytest.mark.parametrize("what", ["dropped", "swapped", "doubled"])
def test_moved_records_are_found_even_when_chained_anew(world: RunWorld, what: str) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    path = world.journal_path("rec1")
    lines = path.read_bytes().splitlines(keepends=True)
    for at in rng.sample(range(len(lines) - 1), 4):
        moved = {
            "dropped": [*lines[:at], *lines[at + 1 :]],
            "swapped": [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
            "doubled": [*lines[: at + 1], *lines[at:]],
        }[what]
        for data in (b"".join(moved), rechain(moved)):
            path.write_bytes(data)
            invalid(world, r"journals/rec1\.jsonl ")


def test_a_journal_written_anew_with_a_good_chain_is_found(world: RunWorld) -> None:
    data = world.journal_path("rec1").read_bytes()
    world.journal_path("rec1").write_bytes(rechain(data.replace(b"changed since the plan", b"held by order").splitlines()))
    invalid(world, r"rec1\.jsonl line 9 is not what an earlier statement sealed")


def test_a_fault_in_one_place_does_not_hide_another(world: RunWorld) -> None:
    data = world.journal_path("rec2").read_bytes()
    world.journal_path("rec2").write_bytes(data.replace(b"brokerage", b"br0kerage", 1))
    (world.run / "statement.json.sig").write_bytes(b"rubbish")
    ledger = world.ledger.read_bytes()
    world.ledger.write_bytes(ledger.replace(b"2026-11-23T23:00:00Z", b"2026-11-23T23:00:01Z"))
    problems = world.verify().problems
    assert [problem.split()[0] for problem in problems] == ["statement.json.sig:", "the", "journals/rec2.jsonl", "the"]
    assert "disagree about created" in problems[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda predicate: predicate["hosts"]["rec1"]["counts"].update(destroyed=3),
            r"predicate\.hosts\.rec1\.counts\.destroyed: it says 3",
        ),
        (lambda predicate: predicate["totals"]["bytes"].update(destroyed=1), r"predicate\.totals\.bytes\.destroyed: it says 1"),
        (lambda predicate: predicate.update(merkle_root="sha256:" + 64 * "0"), r"predicate\.merkle_root"),
        (lambda predicate: predicate.update(tree_size=6), r"predicate\.tree_size"),
        (lambda predicate: predicate.update(complete=False), r"predicate\.complete: it says False, and the journals give True"),
        (lambda predicate: predicate["missing_hosts"].append("rec9"), r"predicate\.missing_hosts"),
        (lambda predicate: predicate["approvals"].pop(), r"predicate\.approvals"),
        (lambda predicate: predicate.update(author="eve@example.com"), r"predicate\.author"),
        (lambda predicate: predicate.update(more=1), r"predicate\.more"),
        (lambda predicate: predicate["hosts"].pop("rec2"), r"predicate\.hosts\.rec2"),
        (lambda predicate: predicate.pop("totals"), r"predicate\.totals"),
        (lambda predicate: predicate.update(not_checked=5), r"predicate\.not_checked: it says 5, which is no list of sentences"),
        (lambda predicate: predicate.update(problems=["x", 5]), r"predicate\.problems: it says \['x', 5\], which is no list of sentences"),
        (lambda predicate: predicate.pop("problems"), r"predicate\.problems: it says None, which is no list of sentences"),
        (lambda predicate: predicate["hosts"]["rec1"].pop("head"), "not of the form that this version knows"),
        (lambda predicate: predicate.update(created="yesterday"), "does not say when it was made"),
        (lambda predicate: predicate.update(created="2027-11-23T22:00:00Z"), "look at the clocks"),
        (lambda predicate: predicate.update(previous="sha256:" + 64 * "0"), "disagree about previous"),
        (lambda predicate: predicate.update(run="another"), "none of the 0 that the ledger names for this run"),
    ],
)
def test_a_signer_who_lies_is_found(world: RunWorld, change: t.Callable[[dict[str, t.Any]], object], words: str) -> None:
    statement = world.statement()
    change(statement["predicate"])
    world.resign(statement)
    invalid(world, words)


@pytest.mark.parametrize("change", [{"predicateType": "urn:recordings.disposal:evidence:2"}, {"_type": "https://in-toto.io/Statement/v2"}])
def test_a_statement_of_a_later_form(world: RunWorld, change: dict[str, str]) -> None:
    world.resign({**world.statement(), **change})
    invalid(world, "which this version does not know; use the version that wrote it")


def test_a_subject_that_is_another_file(world: RunWorld) -> None:
    statement = world.statement()
    statement["subject"][0]["digest"]["sha256"] = 64 * "0"
    world.resign(statement)
    invalid(world, r"statement\.json subject")


def test_signers(world: RunWorld) -> None:
    invalid(world, r"statement\.json\.sig: eve@example\.com: signed with key .* does not list", signer="eve@example.com")
    invalid(world, "does not list for evidence@example.com", allowed_signers="")
    expired = world.signers.replace('namespaces="evidence@recordings.disposal"', 'valid-before="20261101"')
    invalid(world, "key has expired", allowed_signers=expired)
    later = world.signers.replace('namespaces="evidence@recordings.disposal"', 'valid-before="20261124"')
    assert world.verify(allowed_signers=later, now=START + dt.timedelta(days=3650)).valid


def test_a_signature_for_plans_is_none_for_evidence(world: RunWorld) -> None:
    signature = world.keys.sign((world.run / "statement.json").read_bytes(), "evidence")
    (world.run / "statement.json.sig").write_text(signature, encoding="ascii")
    invalid(world, "for the namespace 'plan@recordings.disposal', not evidence@recordings.disposal")


def test_an_approval_that_is_not_there(world: RunWorld) -> None:
    (world.run / "manifest.json.bob@example.com.sig").unlink()
    invalid(world, r"^manifest\.json\.bob@example\.com\.sig is missing")


def test_an_approval_by_somebody_else(world: RunWorld) -> None:
    signature = world.keys.sign(world.data, "eve")
    (world.run / "manifest.json.bob@example.com.sig").write_text(signature, encoding="ascii")
    invalid(
        world,
        r"manifest\.json was not approved as of 2026-11-23T22:00:00.* 1 counts \(anna@example\.com\); bob@example\.com: signed with key",
    )


def test_an_approval_that_was_not_valid_when_the_host_began(world: RunWorld) -> None:
    late = world.signers.replace('namespaces="plan@recordings.disposal"', 'valid-after="20261124"')
    invalid(world, r"was not approved as of 2026-11-23T22:00:00.* key is not yet valid", allowed_signers=late)


@pytest.mark.parametrize(
    ("approvals", "words"),
    [
        ([], r"names 0 approvals, too few"),
        (
            [{"principal": "eve@example.com", "key": "SHA256:x"}],
            "names an approval by eve@example.com with key SHA256:x, which is not there",
        ),
    ],
)
def test_a_host_that_began_without_approval(tmp_path: pathlib.Path, approvals: list[dict[str, str]], words: str) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1")
    world.sweep("rec2", approvals=approvals)
    world.seal()
    invalid(world, rf"journals/rec2\.jsonl line 1 {words}")


@pytest.mark.parametrize("times", [{"created": "2026-11-23T22:30:00Z"}, {"expires": "2026-11-23T21:00:00Z"}])
def test_a_host_that_began_outside_the_plan_s_validity(tmp_path: pathlib.Path, times: dict[str, str]) -> None:
    world = RunWorld(tmp_path, **times).swept()
    world.seal()
    invalid(world, r"journals/rec1\.jsonl line 1 began the run at 2026-11-23T22:00:00.000000Z, and the plan was valid from")


def seal_another(world: RunWorld, path: pathlib.Path) -> RunWorld:
    """A second run in the same ledger, beside the first."""
    other = RunWorld(path, plan_id="2026-11-24-aaaa").swept()
    other.ledger = world.ledger
    other.seal()
    shutil.copytree(other.run, world.run.parent / other.run.name)
    # The ledger's head is signed by who sealed last.
    world.signers += other.keys.line(SIGNER, "evidence", f'namespaces="{NAMESPACE}"')
    return other


def test_a_ledger_with_other_runs(world: RunWorld, tmp_path: pathlib.Path) -> None:
    other = seal_another(world, tmp_path / "other")
    assert world.verify().valid
    assert other.verify().valid
    good = world.ledger.read_bytes()
    lines = good.splitlines(keepends=True)
    for bad, words in (
        (lines[1:], "line 1 does not name the digest"),
        (lines[::-1], "line 1 does not name the digest"),
        ([lines[0], *lines], "line 2 does not name the digest"),
        ([good.replace(b"2026-11-24-aaaa", b"2026-11-24-aaab")], None),
        ([rechain([lines[1]])], "none of the 0 that the ledger names for this run"),
        ([rechain([lines[1], lines[0]])], "disagree about previous"),
        ([rechain([*lines, lines[0]])], "disagree about previous"),
        ([rechain([lines[0], lines[1].replace(b"23:00:00Z", b"23:00:01Z")])], "disagree about created"),
    ):
        world.ledger.write_bytes(b"".join(bad))
        if words:
            invalid(world, words)
        else:
            assert any("last line" in sentence and "2026-11-24-aaab" in sentence for sentence in world.verify().not_checked)
            assert not other.verify().valid
            assert not world.verify().valid
    world.ledger.write_bytes(good)
    shutil.copy(world.run / "statement.json", world.run.parent / other.run.name / "statement.json")
    invalid(world, "the ledger's line 2 does not name .*2026-11-24-aaaa/statement.json")


def test_an_older_statement_put_back_is_found(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1")
    world.seal()
    world.sweep("rec2")
    world.seal()
    assert world.verify().valid
    for name in ("statement-0.json.sig", "statement-0.json"):
        good = (world.run / name).read_bytes()
        (world.run / name).write_bytes(good.replace(b"1", b"2", 1))
        invalid(world, rf"^{re.escape(name)}( |:)")
        (world.run / name).unlink()
        invalid(world, re.escape(name))
        (world.run / name).write_bytes(good)
    for suffix in ("", ".sig"):
        (world.run / f"statement-0.json{suffix}").rename(world.run / f"statement.json{suffix}")
    invalid(world, "is not the last of the 2 that the ledger names for this run")


def test_no_directory_and_no_ssh_keygen_are_errors(world: RunWorld, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvidenceError, match="openssh-client"):
        world.verify()
    shutil.rmtree(world.run)
    with pytest.raises(EvidenceError, match="is not a directory"):
        world.verify()


def test_an_empty_directory_has_one_fault(world: RunWorld) -> None:
    shutil.rmtree(world.run)
    world.run.mkdir()
    problems = invalid(world, r"statement\.json cannot be read \(No such file or directory\)")
    assert len(problems) == 1


@pytest.mark.parametrize("data", [b"", b"[]\n", b"{}\n", b'{"predicate":{}}', b'{"predicate": {}}\n', b'{"predicate":{}}\n', b"[" * 99999])
def test_what_is_no_statement(world: RunWorld, data: bytes) -> None:
    (world.run / "statement.json").write_bytes(data)
    invalid(world, r"^statement\.json ")


def test_good_evidence(world: RunWorld) -> None:
    report = world.verify()
    assert report.valid
    assert report.problems == []
    assert report.checks == [
        f"statement.json is signed by {SIGNER} with key {world.keys.fingerprint('evidence')}.",
        "Line 1 of 1 of the ledger, an unbroken chain, names statement.json.",
        "manifest.json is the one that the statement names.",
        "2 journals are unbroken chains of 15 records of this run.",
        "The digests of 3 files, the counts and bytes by host and class, and the Merkle root over 5 outcomes follow from the journals.",
        "manifest.json was approved by anna@example.com, bob@example.com, not by its author ewa@example.com.",
        f"The ledger's head over all its 1 lines is signed by {SIGNER} with key {world.keys.fingerprint('evidence')}.",
    ]
    assert report.not_checked[2:] == ["The time stamp of ledger.head.json: there is none, so nobody else attests the times."]
    assert report.statement == world.statement()


def test_evidence_without_a_ledger_says_so(world: RunWorld) -> None:
    report = world.verify(ledger=False)
    assert report.valid
    assert any("ledger, which was not given" in sentence for sentence in report.not_checked)


def test_incomplete_evidence_is_valid(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1", until=2)
    path = world.journal_path("rec1")
    path.write_bytes(path.read_bytes() + b'{"bytes":')
    world.seal()
    assert world.verify().valid
    path.write_bytes(path.read_bytes()[:-1])
    invalid(world, r"hosts\.rec1\.torn: it says 9, and the journals give 8")


def test_a_plan_that_asked_for_nobody(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path, approvals_required=0)
    world.approvals = []
    world.swept().seal()
    report = world.verify()
    assert report.valid
    assert "Approvals: the run began without any, and the plan asked for none." in report.not_checked


def test_words_may_change_between_versions(world: RunWorld) -> None:
    statement = world.statement()
    statement["predicate"]["not_checked"] = ["Nothing else."]
    world.resign(statement)
    assert world.verify().valid


def test_a_ledger_line_alone_is_not_enough(world: RunWorld) -> None:
    with Ledger(str(world.ledger), executor=Executor()) as ledger:
        ledger.append(run=world.run.name, statement="sha256:" + 64 * "0", time=world.sealed_at)
    invalid(world, "is not the last of the 2")
    assert json.loads(world.ledger.read_bytes().splitlines()[0]) == {
        **json.loads(canonical(json.loads(world.ledger.read_bytes().splitlines()[0]))),
        "seq": 0,
    }
