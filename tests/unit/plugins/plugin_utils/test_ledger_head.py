# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's head: whatever was taken out, moved or written anew since somebody kept one is found, and nothing is sealed on top of it."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import verify_consistency
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import Ledger, read_ledger
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld, rechain

HEAD = "ledger.head.json"


class Grown:
    """A run that was sealed after three others, whose head somebody had kept, and before two more."""

    def __init__(self, path: pathlib.Path) -> None:
        self.world = RunWorld(path).swept()
        self.ledger = self.world.ledger
        self.head = self.ledger.with_name(HEAD)
        self.kept = path / "kept" / HEAD
        self.kept.parent.mkdir()
        self.add("a", "b", "c")
        self.world.resign_head()
        self.keep()
        self.world.seal()
        self.add("d", "e")
        self.world.resign_head()

    def add(self, *runs: str) -> None:
        with Ledger(str(self.ledger), executor=Executor()) as ledger:
            for run in runs:
                ledger.append(run=run, statement=digest(run.encode()), time=self.world.sealed_at)

    def keep(self) -> None:
        for name in (HEAD, f"{HEAD}.sig"):
            shutil.copy(self.head.with_name(name), self.kept.with_name(name))

    def rewrite(self, change: t.Callable[[list[bytes]], list[bytes]]) -> None:
        """By somebody who can sign, so that only the kept head knows better."""
        self.ledger.write_bytes(rechain(change(self.ledger.read_bytes().splitlines())))
        self.world.resign_head()

    def problems(self, words: str) -> list[str]:
        report = self.world.verify(known_head=str(self.kept))
        assert not report.valid and report.consistency is None
        assert any(re.search(words, problem) for problem in report.problems), report.problems
        return report.problems


@pytest.fixture
def grown(tmp_path: pathlib.Path) -> Grown:
    return Grown(tmp_path)


def test_lines_that_are_missing_are_counted(grown: Grown) -> None:
    grown.keep()
    grown.rewrite(lambda lines: lines[:4])
    (problem,) = grown.problems("is over 6 lines and the ledger has 4, lines 5 to 6 are missing; put them back from a copy")
    assert str(grown.kept) in problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines[:1], *lines[2:]], "line 3 or one before it is another than it was"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 3 or one before it is another than it was"),
        (lambda lines: [lines[0], *lines], "line 3 or one before it is another than it was"),
        (lambda lines: [*lines[:2], lines[2].replace(b'"c"', b'"x"'), *lines[3:]], "line 3 or one before it is another than it was"),
        (lambda lines: [lines[0].replace(b'"a"', b'"x"'), *lines[1:]], "line 3 or one before it is another than it was"),
    ],
    ids=["dropped", "reordered", "doubled", "rewritten", "rewritten first"],
)
def test_a_ledger_that_was_written_anew_is_found_by_the_kept_head_alone(
    grown: Grown, change: t.Callable[[list[bytes]], list[bytes]], words: str
) -> None:
    grown.rewrite(change)
    grown.problems(words)
    assert not any("extension" in problem for problem in grown.world.verify().problems)


def test_a_fork_is_called_one(grown: Grown) -> None:
    grown.keep()
    grown.rewrite(lambda lines: [*lines[:5], lines[5].replace(b'"e"', b'"f"')])
    grown.problems("this is a fork, two ledgers of 6 lines with the roots sha256:[0-9a-f]{64} and sha256:")


def test_lines_that_were_added_after_it_are_no_fault(grown: Grown) -> None:
    report = grown.world.verify(known_head=str(grown.kept))
    assert report.problems == [] and report.consistency is not None
    old, new = report.consistency["from"], report.consistency["to"]
    assert (old["size"], new["size"]) == (3, 6)
    assert verify_consistency(3, 6, report.consistency["path"], old["merkle_root"], new["merkle_root"])
    assert any(re.search("of 6 lines is an extension of that of 3 lines .* hashes prove it", check) for check in report.checks)


@pytest.mark.parametrize("name", [HEAD, f"{HEAD}.sig"])
def test_any_changed_byte_of_a_head_or_its_signature_is_found(grown: Grown, name: str) -> None:
    for place, told in ((grown.head, {}), (grown.kept, {"known_head": str(grown.kept)})):
        path = place.with_name(name)
        good = path.read_bytes()
        for at in range(0, len(good), 17):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert any(HEAD in problem for problem in grown.world.verify(**told).problems), (name, at)
        for bad in (good[:-1], good + b"\n", b""):
            path.write_bytes(bad)
            assert any(HEAD in problem for problem in grown.world.verify(**told).problems)
        path.unlink()
        assert any(HEAD in problem for problem in grown.world.verify(**told).problems)
        path.write_bytes(good)
    assert grown.world.verify(known_head=str(grown.kept)).valid


@pytest.mark.parametrize(
    "change", [{"size": 0}, {"size": True}, {"size": "6"}, {"time": "soon"}, {"merkle_root": "x"}, {"head": 1}, {"more": 1}]
)
def test_a_head_of_another_form_is_none_even_signed(grown: Grown, change: dict[str, object]) -> None:
    data = canonical({**json.loads(grown.head.read_bytes()), **change}) + b"\n"
    grown.head.write_bytes(data)
    grown.head.with_name(f"{HEAD}.sig").write_text(grown.world.keys.sign(data, "evidence", NAMESPACE), encoding="ascii")
    assert any("is not a ledger's head" in problem for problem in grown.world.verify().problems)


def test_a_head_by_somebody_who_may_not_sign_evidence(grown: Grown) -> None:
    for name, words in (("eve", "which allowed_signers does not list"), ("anna", "which allowed_signers does not list")):
        grown.head.with_name(f"{HEAD}.sig").write_text(grown.world.keys.sign(grown.head.read_bytes(), name, NAMESPACE), encoding="ascii")
        assert any(re.search(f"{HEAD}.sig: {SIGNER}: signed with key .* {words}", problem) for problem in grown.world.verify().problems)


def test_a_head_by_another_one_who_may_is_good(grown: Grown) -> None:
    grown.world.signers += grown.world.keys.line("media@example.com", "media", f'namespaces="{NAMESPACE}"')
    grown.head.with_name(f"{HEAD}.sig").write_text(grown.world.keys.sign(grown.head.read_bytes(), "media", NAMESPACE), encoding="ascii")
    report = grown.world.verify()
    assert report.problems == [] and any("is signed by media@example.com" in check for check in report.checks)
    before = snapshot(grown.world.state)
    assert grown.world.seal()["changed"] is False
    assert snapshot(grown.world.state) == before


def test_lines_without_a_head_over_them(grown: Grown) -> None:
    grown.add("f")
    grown.problems("is over 6 lines and the ledger has 7, so sealing was cut off, or somebody else added lines; seal again")
    grown.world.seal()
    assert grown.world.verify(known_head=str(grown.kept)).valid


def test_a_head_of_later_than_the_ledgers(grown: Grown) -> None:
    grown.world.sealed_at = "2026-11-23T22:50:00Z"
    grown.world.resign_head()
    grown.problems("was made at 2026-11-23T23:00:00Z, later than the ledger's head over 6 lines")


def test_a_head_that_is_yet_to_come(grown: Grown) -> None:
    grown.world.sealed_at = "2035-01-01T00:00:00Z"
    grown.world.resign_head()
    grown.problems("ledger.head.json says it was made on 2035-01-01T00:00:00Z, and it is 2026-11-24T22:00:00Z here; look at the clocks")


def test_known_head_needs_the_ledger(grown: Grown) -> None:
    with pytest.raises(EvidenceError, match="none is given; give the ledger too"):
        grown.world.verify(ledger=False, known_head=str(grown.kept))


def refused(world: RunWorld, error: type[DisposalError], words: str, **changes: t.Any) -> None:
    world.ledger.touch()
    for check_mode in (True, False):
        before = snapshot(world.state)
        with pytest.raises(error, match=words):
            world.seal(check_mode=check_mode, **changes)
        assert snapshot(world.state) == before


def test_nothing_is_sealed_on_a_ledger_that_was_cut_or_rewritten(grown: Grown, tmp_path: pathlib.Path) -> None:
    lines = grown.ledger.read_bytes().splitlines(keepends=True)
    for bad, words in (
        (b"".join(lines[:4]), "the ledger has 4, lines 5 to 6 are missing"),
        (b"".join(lines[:5]), "the ledger has 5, line 6 is missing"),
        (rechain([lines[1], lines[0], *lines[2:]]), "this is a fork"),
    ):
        grown.ledger.write_bytes(bad)
        refused(grown.world, EvidenceError, words)
    grown.ledger.unlink()
    refused(grown.world, EvidenceError, "the ledger has 0, lines 1 to 6 are missing")


def test_nothing_is_sealed_beside_a_head_that_was_changed(grown: Grown) -> None:
    grown.head.write_bytes(grown.head.read_bytes().replace(b'"size":6', b'"size": 6'))
    refused(grown.world, EvidenceError, "is not a ledger's head .*so it was changed after it was written; compare it with a copy")


def test_a_clock_that_is_behind(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1", until=1)
    world.seal()
    world.swept()
    words = (
        "the statement would be of 2026-11-23T22:54:59Z, more than 5 minutes before line 1 of the ledger, which is of 2026-11-23T23:00:00Z"
    )
    refused(world, RefusedError, f"{words}, so nothing was sealed; set this host's clock right", now="2026-11-23T22:54:59Z")
    assert world.seal(now="2026-11-23T22:55:00Z")["ledger"]["seq"] == 1
    assert world.verify().valid


def test_a_clock_that_is_behind_the_head(grown: Grown) -> None:
    grown.add("f")
    grown.world.sealed_at = "2026-11-23T23:30:00Z"
    lines = grown.ledger.read_bytes()
    grown.ledger.write_bytes(b"".join(lines.splitlines(keepends=True)[:6]))
    grown.world.resign_head()
    grown.ledger.write_bytes(lines)
    refused(
        grown.world,
        RefusedError,
        "the ledger's head would be of .*, more than 5 minutes before the head over 6 lines",
        now="2026-11-23T23:10:00Z",
    )


def test_heads_four_times(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path).swept()
    head = world.ledger.with_name(HEAD)
    planned = world.seal(check_mode=True)
    assert planned["changed"] is True and planned["ledger_head"] is None and not head.exists()
    done = world.seal()
    entry = read_ledger(str(world.ledger))[0]
    told = {"format": "recordings.disposal/ledger-head/1", "head": entry.digest, "time": world.sealed_at, "size": 1}
    assert json.loads(head.read_bytes()) == {**told, "merkle_root": f"sha256:{entry.leaf.hex()}"}
    assert done["ledger_head"] == {"path": str(head), "size": 1, "merkle_root": f"sha256:{entry.leaf.hex()}", "time": world.sealed_at}
    before = snapshot(world.state)
    for check_mode in (False, True):
        again = world.seal(check_mode=check_mode, now="2027-01-01T00:00:00Z")
        assert (again["changed"], again["ledger_head"]) == (False, done["ledger_head"])
    assert snapshot(world.state) == before


@pytest.mark.parametrize("lost", [HEAD, f"{HEAD}.sig"])
def test_a_head_that_was_lost_is_made_again(grown: Grown, lost: str) -> None:
    grown.head.with_name(lost).unlink()
    before = snapshot(grown.world.state)
    assert grown.world.seal(check_mode=True)["changed"] is True
    assert snapshot(grown.world.state) == before
    assert grown.world.seal()["changed"] is True
    assert grown.world.verify(known_head=str(grown.kept)).valid
    assert grown.world.seal()["changed"] is False
