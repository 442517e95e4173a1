# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing: what is refused leaves every byte as it was, and a cut at any step is mended by sealing again."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import Ledger, read_ledger
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    return RunWorld(tmp_path).swept()


def refused(world: RunWorld, error: type[DisposalError], words: str, **changes: t.Any) -> None:
    world.ledger.touch()
    before = snapshot(world.state)
    with pytest.raises(error, match=words):
        world.seal(**changes)
    assert snapshot(world.state) == before


def test_a_changed_journal_is_not_sealed(world: RunWorld) -> None:
    data = world.journal_path("rec1").read_bytes()
    world.journal_path("rec1").write_bytes(data.replace(b"brokerage", b"br0kerage", 1))
    refused(world, EvidenceError, r"journals/rec1\.jsonl line 3 does not name the digest of the line before it")


def test_a_manifest_that_is_none_is_not_sealed(world: RunWorld) -> None:
    world.manifest.write_bytes(b"{}\n")
    refused(world, EvidenceError, "the manifest has the format None")


def test_a_directory_that_is_not_there(world: RunWorld, tmp_path: pathlib.Path) -> None:
    refused(world, EvidenceError, "is not a directory; fetch the journals", run_directory=str(tmp_path / "none"))


def test_a_key_that_cannot_sign(world: RunWorld, tmp_path: pathlib.Path) -> None:
    refused(world, RefusedError, "the signing key .* is not a file", signing_key=str(tmp_path / "none"))


def test_a_key_that_is_not_the_signer_s(world: RunWorld) -> None:
    refused(
        world,
        EvidenceError,
        f"{SIGNER}: signed with key SHA256:.*, which allowed_signers does not list",
        signing_key=world.keys.path("anna"),
    )


def test_a_key_that_may_sign_plans_only(world: RunWorld) -> None:
    signers = world.keys.line(SIGNER, "evidence", 'namespaces="plan@recordings.disposal"')
    refused(world, EvidenceError, "may not sign for evidence@recordings.disposal", allowed_signers=signers)


def test_a_name_of_a_signer_that_is_none(world: RunWorld) -> None:
    refused(world, EvidenceError, "is no name of a signer", signer="a b")


def test_a_broken_ledger(world: RunWorld) -> None:
    world.ledger.write_bytes(b"{}\n{}\n")
    refused(world, EvidenceError, r"ledger\.jsonl line 1 ")


def test_a_certificate_that_cannot_be_made(world: RunWorld) -> None:
    def fail(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any]) -> str:
        raise EvidenceError("the template lacks a field")

    refused(world, EvidenceError, "the template lacks a field", render=fail)


def test_a_certificate_that_cannot_be_made_as_pdf(world: RunWorld) -> None:
    def fail(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any], signature: bytes | None) -> bytes:
        raise DisposalError("no library" if signature else "no signature")

    refused(world, DisposalError, "no library", render_pdf=fail, formats=["html", "pdf"])
    refused(world, DisposalError, "no signature", render_pdf=fail, formats=["pdf"], check_mode=True)


def test_a_ledger_in_use(world: RunWorld) -> None:
    with Ledger(str(world.ledger), executor=Executor()):
        refused(world, EvidenceError, "being written by another process")


def test_a_sealed_statement_that_was_changed_or_lost(world: RunWorld) -> None:
    world.seal()
    path = world.run / "statement.json"
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"unknown":0', b'"unknown":1', 1))
    refused(world, EvidenceError, "is not the statement that line 1 of the ledger names; put that one back from a copy")
    path.unlink()
    refused(world, EvidenceError, "is not the statement that line 1 of the ledger names; put that one back from a copy")


def test_a_journal_that_lost_what_was_sealed(world: RunWorld) -> None:
    world.seal()
    data = world.journal_path("rec1").read_bytes()
    world.journal_path("rec1").write_bytes(data[: data.rstrip(b"\n").rindex(b"\n") + 1])
    refused(world, EvidenceError, "an earlier statement sealed 9 lines of it")


def test_a_place_that_cannot_be_written(world: RunWorld) -> None:
    class Full(Executor):
        def replace_file(self, path: str, chunks: t.Iterable[bytes], *, mode: int = 0o600) -> None:
            raise OSError(28, "No space left on device", path)

    refused(
        world, DisposalError, r"statement\.json cannot be written \(No space left on device\), so the run is not sealed", executor=Full()
    )


def test_check_mode_writes_nothing_and_tells_the_same(world: RunWorld) -> None:
    before = snapshot(world.state)
    planned = world.seal(check_mode=True)
    assert snapshot(world.state) == before
    done = world.seal()
    for key in ("changed", "complete", "totals", "merkle_root", "tree_size", "certificates", "superseded", "diff"):
        assert planned[key] == done[key], key
    assert planned["changed"] is True
    assert (planned["statement"]["key"], planned["ledger"]["seq"]) == (None, None)
    assert world.seal(check_mode=True)["changed"] is False


def test_a_run_is_sealed_once(world: RunWorld) -> None:
    done = world.seal()
    assert done["changed"] is True
    assert done["complete"] is True
    assert done["statement"]["key"] == world.keys.fingerprint("evidence")
    assert done["statement"]["digest"] == digest((world.run / "statement.json").read_bytes())
    entry = read_ledger(str(world.ledger))[0]
    assert (done["ledger"]["seq"], done["ledger"]["head"]) == (0, entry.digest)
    assert (entry.statement, entry.run, entry.time) == (done["statement"]["digest"], world.run.name, world.sealed_at)
    assert sorted(path.name for path in world.run.iterdir()) == [
        "certificate.en.html",
        "certificate.pl.html",
        "journals",
        "manifest.json",
        "manifest.json.anna@example.com.sig",
        "manifest.json.bob@example.com.sig",
        "statement.json",
        "statement.json.sig",
    ]
    assert (world.run / "certificate.pl.html").read_text(encoding="utf-8").startswith("<p lang=pl>sha256:")
    assert (world.run / "statement.json").stat().st_mode & 0o777 == 0o600
    before = snapshot(world.state)
    again = world.seal(now="2027-01-01T00:00:00Z", collection="9.9.9")
    assert snapshot(world.state) == before
    assert {**again, "changed": True, "diff": None} == {**done, "diff": None}
    assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]


def test_certificates_come_in_the_formats_that_are_asked_for(world: RunWorld) -> None:
    planned = world.seal(formats=["html", "pdf"], check_mode=True)
    done = world.seal(formats=["html", "pdf"])
    names = ["certificate.en.html", "certificate.en.pdf", "certificate.pl.html", "certificate.pl.pdf"]
    assert planned["certificates"] == done["certificates"] == [str(world.run / name) for name in names]
    signature = digest((world.run / "statement.json.sig").read_bytes())
    assert (world.run / "certificate.pl.pdf").read_text(encoding="ascii") == f"%PDF pl {done['merkle_root']} {signature}"
    before = snapshot(world.state)
    for check_mode in (True, False):
        assert world.seal(formats=["html", "pdf"], check_mode=check_mode, now="2027-01-01T00:00:00Z")["changed"] is False
        # What shows the same statement stays, asked for or not.
        assert world.seal(formats=["html"], languages=["en"], check_mode=check_mode)["changed"] is False
    assert snapshot(world.state) == before
    (world.run / "certificate.en.pdf").write_bytes(b"another")
    assert world.seal(formats=["pdf"], check_mode=True)["changed"] is True
    assert world.seal(formats=["pdf"])["changed"] is True
    assert world.verify().valid


def test_no_certificate_of_an_older_statement_stays(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1", until=1)
    world.seal(formats=["html", "pdf"])
    world.sweep("rec1")
    world.sweep("rec2")
    before = snapshot(world.state)
    world.seal(formats=["pdf"], languages=["pl"], check_mode=True)
    assert snapshot(world.state) == before
    second = world.seal(formats=["pdf"], languages=["pl"])
    assert sorted(path.name for path in world.run.glob("certificate.*")) == ["certificate.pl.pdf"]
    assert second["merkle_root"] in (world.run / "certificate.pl.pdf").read_text(encoding="ascii")


def test_without_allowed_signers_the_key_s_own_word_is_taken(world: RunWorld) -> None:
    assert world.seal(allowed_signers=None)["statement"]["key"] == world.keys.fingerprint("evidence")
    assert world.seal(allowed_signers=None)["changed"] is False
    assert world.verify().valid


def test_only_the_approvals_that_counted_are_copied(world: RunWorld) -> None:
    world.approve("eve@example.com", "eve")
    world.seal()
    assert not (world.run / "manifest.json.eve@example.com.sig").exists()


def test_the_journal_grows_and_the_older_statement_is_kept(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1", until=1)
    first = world.seal()
    assert (first["complete"], first["missing_hosts"]) == (False, ["rec2"])
    kept = (world.run / "statement.json").read_bytes()
    world.sweep("rec1")
    world.sweep("rec2")
    world.sealed_at = "2026-11-24T01:00:00Z"
    planned = world.seal(check_mode=True)
    second = world.seal()
    assert planned["superseded"] == second["superseded"] == str(world.run / "statement-0.json")
    assert (world.run / "statement-0.json").read_bytes() == kept
    assert (world.run / "statement-0.json.sig").exists()
    assert (second["complete"], second["ledger"]["seq"]) == (True, 1)
    assert world.statement()["predicate"]["previous"] == first["ledger"]["head"]
    assert world.statement()["predicate"]["hosts"]["rec1"]["interruptions"] == 1
    assert world.seal()["changed"] is False
    report = world.verify()
    assert report.problems == []
    assert any(check.startswith("statement-0.json is signed by") for check in report.checks)


class Cut(Exception):
    """Stands for a crash."""


class Fragile(Executor):
    """Dies before its n-th write of a whole file, its rename or its line of the ledger."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        if self.steps == 0:
            raise Cut
        self.steps -= 1

    def replace_file(self, path: str, chunks: t.Iterable[bytes], *, mode: int = 0o600) -> None:
        self.step()
        super().replace_file(path, chunks, mode=mode)

    def rename(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        self.step()
        super().rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def write(self, fd: int, data: bytes | memoryview) -> None:
        if os.readlink(f"/proc/self/fd/{fd}").endswith("ledger.jsonl"):
            self.step()
        super().write(fd, data)


@pytest.mark.parametrize("other_between", [False, True])
def test_a_cut_at_any_step_is_mended(tmp_path: pathlib.Path, other_between: bool) -> None:
    for steps in range(30):
        world = RunWorld(tmp_path / str(steps))
        world.sweep("rec1", until=1)
        world.seal()
        world.sweep("rec1")
        world.sweep("rec2")
        try:
            world.seal(executor=Fragile(steps), formats=["html", "pdf"])
        except Cut:
            finished = False
        else:
            finished = True
        if other_between:
            with Ledger(str(world.ledger), executor=Executor()) as ledger:
                ledger.append(run="another", statement=digest(b"another"), time=world.sealed_at)
        mended = world.seal()
        assert mended["complete"] is True
        assert world.seal()["changed"] is False
        report = world.verify()
        assert report.problems == [], steps
        own = [entry for entry in read_ledger(str(world.ledger)) if entry.run == world.run.name]
        assert len(own) == 2, steps
        if finished:
            assert steps >= 7
            return
    pytest.fail("sealing has more steps than were cut")


def test_an_unlisted_statement_of_other_journals_is_kept_aside(world: RunWorld) -> None:
    world.seal()
    data = (world.run / "statement.json").read_bytes()
    # As a cut before the line leaves it: neither ledger nor head.
    head = world.ledger.with_name("ledger.head.json")
    world.ledger.unlink()
    head.unlink()
    world.seal()
    assert (world.run / "statement.json").read_bytes() == data
    world.ledger.unlink()
    head.unlink()
    with Ledger(str(world.ledger), executor=Executor()) as ledger:
        ledger.append(run="another", statement=digest(b"another"), time=world.sealed_at)
    done = world.seal()
    assert done["superseded"] == str(world.run / f"statement-unlisted-{digest(data)[7:19]}.json")
    assert pathlib.Path(done["superseded"]).read_bytes() == data


def test_certificates_are_written_anew_when_lost(world: RunWorld) -> None:
    world.seal()
    (world.run / "certificate.pl.html").unlink()
    assert world.seal()["changed"] is True
    assert (world.run / "certificate.pl.html").exists()
    assert world.seal(languages=[])["certificates"] == []
