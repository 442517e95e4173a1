# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals are rotated only where they are, byte by byte, what was sealed; whatever cuts that off, nothing is lost and nothing is done twice."""

from __future__ import annotations

import base64
import datetime as dt
import errno
import fcntl
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import time
import types
import typing as t
import zlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.parts import journal_part, journal_told
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.rotated import read_rotated
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import rotating
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.approved import read_state
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import digest_text
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.rotation_world import (
    COMPRESS,
    REMOVE,
    START,
    RotationWorld,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.test_faults import Failing

Told = dict[str, t.Any]
STAGES = pytest.mark.parametrize("stage", [COMPRESS, REMOVE], ids=["compress", "remove"])


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RotationWorld:
    return RotationWorld(tmp_path)


def seen(world: RotationWorld) -> Told:
    """All that is there but the lock."""
    return {name: facts for name, facts in fingerprint(world.state).items() if name != "lock"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"keep": "P0D"}, "keep: 'P0D' is a period of nothing, which would let everything go at once"),
        ({"compress_after": "PT0S"}, "compress_after: 'PT0S' is a period of nothing"),
        ({"keep": "90 days"}, "keep: '90 days' is not an ISO 8601 period"),
        ({"compress_after": "P91D"}, r"keep \(P90D\) is shorter than compress_after \(P91D\)"),
        ({"controller_time": 1_577_836_800}, "this host's clock and the controller's are .* seconds apart, so nobody can tell how old"),
        ({"host": "rec2"}, "the run 0{15}1 is one of the host rec1, not of rec2"),
    ],
)
def test_what_makes_no_sense_is_refused(world: RotationWorld, params: Told, words: str) -> None:
    sealed = [world.sealed(world.add())]
    before = seen(world)
    for check in (True, False):
        with pytest.raises(RefusedError, match=words) as caught:
            world.rotate(sealed, check=check, **params)
        assert "nothing was done" in caught.value.message
    assert seen(world) == before


@pytest.mark.parametrize("change", [{"run": "../../etc"}, {"run": None}, {"records": "3"}, {"records": True}, {"journal": ""}])
def test_what_no_controller_tells_is_refused(world: RotationWorld, change: Told) -> None:
    run = world.add()
    before = seen(world)
    with pytest.raises(RefusedError, match="is not what the controller tells of a sealed journal, so nothing was done"):
        world.rotate([world.sealed(run), {**world.sealed(run), **change}])
    assert seen(world) == before


def test_nothing_is_touched_while_another_run_is_at_work(world: RotationWorld) -> None:
    sealed = [world.sealed(world.add())]
    (world.state / "lock").write_text("process 1 (run 4f1c)\n")
    before = seen(world)
    with (world.state / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match=r"this host is locked by process 1 \(run 4f1c\), so nothing was done"):
            world.rotate(sealed)
    assert seen(world) == before


def edited(path: pathlib.Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"160044", b"160045", 1))


def replaced(path: pathlib.Path) -> None:
    other = path.parents[1] / f"{9:016x}"
    shutil.rmtree(path.parent)
    other.rename(path.parent)


def linked(path: pathlib.Path) -> None:
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(path.parents[3] / "elsewhere")


def directory_linked(path: pathlib.Path) -> None:
    path.parent.rename(path.parents[3] / "elsewhere")
    path.parent.symlink_to(path.parents[3] / "elsewhere")


def into_a_directory(path: pathlib.Path) -> None:
    path.unlink()
    path.mkdir()


SPOILT: dict[str, tuple[t.Callable[[pathlib.Path], t.Any], str]] = {
    "edited": (edited, "is not what was sealed: journal.jsonl line 3 does not name the digest of the line before it"),
    "cut": (lambda path: path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1])), "is not the one that the statement sha256:"),
    "torn": (lambda path: path.write_bytes(path.read_bytes()[:-4]), "is not what was sealed: journal.jsonl line 11 is torn"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"{}\n"), "is not what was sealed: journal.jsonl line 12"),
    "replaced": (replaced, "is not the one that the statement sha256:"),
    "link": (linked, "cannot be opened as journal.jsonl, or is a link"),
    "directory is a link": (directory_linked, "which is no directory of its own"),
    "a directory": (into_a_directory, "is not a regular file of its own"),
    "hard link": (lambda path: os.link(path, path.parents[3] / "other"), "is not a regular file of its own"),
    "beside": (lambda path: path.with_name("canaries-0.json").write_text("{}"), "does not lie by itself: 'canaries-0.json' is there too"),
    "open": (lambda path: path.parent.chmod(0o770), "which others can write"),
    "gone": (lambda path: path.unlink(), "is missing, and nothing tells that it was rotated"),
    "packed beside": (lambda path: path.with_name("journal.jsonl.gz").write_bytes(b"\x1f\x8b rubbish"), "is not what was sealed: "),
}


@STAGES
@pytest.mark.parametrize("name", SPOILT)
def test_a_journal_that_is_not_exactly_what_was_sealed_stays(world: RotationWorld, name: str, stage: Told) -> None:
    change, words = SPOILT[name]
    run, other, good = world.add(), world.add(9, sets=2), world.add(2)
    sealed = [world.sealed(run), world.sealed(good)]
    change(world.journal(run))
    for path in world.runs.glob("*/*"):
        world.age(path)
    before = seen(world)
    result = world.rotate(sealed, **stage)
    assert [(each["run"], words in each["reason"]) for each in result["kept"]] == [(run, True)], result["kept"]
    assert result["warnings"] == [each["reason"] for each in result["kept"]]
    assert "\n" not in result["kept"][0]["reason"]
    # The one beside it was rotated, and nothing else changed.
    assert result["compressed"] + result["removed"] == 1
    after = seen(world)
    for there in (run, other):
        assert {key: value for key, value in after.items() if there in key} == {key: value for key, value in before.items() if there in key}
    assert not (world.state.parent / "elsewhere.gz").exists()


@STAGES
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"journal": digest_text("another")}, "is not the one that the statement"),
        ({"head": digest_text("another")}, "is not the one that the statement"),
        ({"records": 7}, "is not the one that the statement"),
        ({"manifest": digest_text("another")}, "names the manifest 'sha256:.*', not 'sha256:.*'; it is another run's"),
    ],
)
def test_a_statement_on_another_journal_rotates_nothing(world: RotationWorld, change: Told, words: str, stage: Told) -> None:
    sealed = world.sealed(world.add(), **change)
    before = seen(world)
    result = world.rotate([sealed], **stage)
    (kept,) = result["kept"]
    assert re.search(words, kept["reason"]) and not result["changed"]
    assert seen(world) == before


@STAGES
def test_a_journal_of_another_host_or_run_stays(world: RotationWorld, stage: Told) -> None:
    theirs = world.add(1, host="rec2")
    moved = world.add(2, run=f"{5:016x}")
    before = seen(world)
    result = world.rotate([world.sealed(theirs), world.sealed(moved)], **stage)
    assert [each["reason"].partition("names the ")[2][:4] for each in result["kept"]] == ["host", "run "]
    assert seen(world) == before


@STAGES
def test_a_run_that_has_not_ended_stays(world: RotationWorld, stage: Told) -> None:
    sealed = [world.sealed(world.add(ended=False))]
    before = seen(world)
    assert "has no end, so its run is to be gone on with" in world.rotate(sealed, **stage)["kept"][0]["reason"]
    assert seen(world) == before


@STAGES
def test_a_journal_that_is_open_elsewhere_stays(world: RotationWorld, stage: Told) -> None:
    run = world.add()
    sealed = [world.sealed(run)]
    with Journal.open(str(world.journal(run)), executor=Executor()):
        world.age(world.journal(run))
        before = seen(world)
        assert "is being written by another process" in world.rotate(sealed, **stage)["kept"][0]["reason"]
        assert seen(world) == before


@STAGES
def test_times_that_are_yet_to_come_keep_a_journal(world: RotationWorld, stage: Told) -> None:
    late, touched = world.add(1, start=dt.datetime(2999, 1, 1, tzinfo=dt.timezone.utc)), world.add(2)
    world.age(world.journal(touched), time.time() + 86400)
    before = seen(world)
    assert world.rotate(None, **stage)["candidates"] == [late, touched]
    result = world.rotate([world.sealed(late), world.sealed(touched)], **stage)
    assert ["yet to come, so its age cannot be told" in each["reason"] for each in result["kept"]] == [True, True]
    assert seen(world) == before


@STAGES
def test_a_journal_that_is_young_by_either_time_stays_without_a_word(world: RotationWorld, stage: Told) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    written, touched = world.add(1, start=now - dt.timedelta(hours=1)), world.add(2)
    world.age(world.journal(touched), time.time() - 3600)
    before = seen(world)
    assert world.rotate(None, **stage)["candidates"] == [written]
    result = world.rotate([world.sealed(written), world.sealed(touched)], **stage)
    assert (result["changed"], result["kept"]) == (False, [])
    assert seen(world) == before


def test_what_is_asked_first_names_only_old_runs_of_plans(world: RotationWorld) -> None:
    assert world.rotate(None) == {
        **{"changed": False, "compressed": 0, "removed": 0, "freed": 0, "kept": [], "warnings": []},
        **{"candidates": [], "left": 0, "unfinished": 0},
    }
    old = world.add(1)
    world.add(2, manifest=None, policy=None)
    (world.runs / "not-a-run").mkdir()
    (world.runs / f"{3:016x}").mkdir()
    before = seen(world)
    assert world.rotate(None)["candidates"] == [old]
    assert world.rotate(None, **{**COMPRESS, "compress_after": "P800Y"})["candidates"] == []
    assert seen(world) == before


@STAGES
def test_check_mode_tells_and_writes_nothing(world: RotationWorld, stage: Told) -> None:
    sealed = [world.sealed(world.add())]
    before = seen(world)
    result = world.rotate(sealed, check=True, **stage)
    assert (result["changed"], result["compressed"] + result["removed"], result["freed"]) == (True, 1, 0)
    assert seen(world) == before and not (world.state / "lock").exists()


def test_compressed_and_read_as_before(world: RotationWorld) -> None:
    run = world.add(sets=200)
    path, sealed = world.journal(run), world.sealed(run)
    data, told, state = path.read_bytes(), journal_told(str(path), 100), read_state(str(path))
    result = world.rotate([sealed], **COMPRESS)
    assert (result["changed"], result["compressed"], result["removed"]) == (True, 1, 0)
    packed = world.packed(run)
    assert os.listdir(path.parent) == [packed.name]
    assert gzip.decompress(packed.read_bytes()) == data and result["freed"] == len(data) - packed.stat().st_size > 0
    assert (packed.stat().st_mode & 0o777, packed.stat().st_mtime) == (0o600, START.timestamp())
    # Nothing of its name and time is in it.
    assert packed.read_bytes()[3:8] == bytes(5)
    assert not world.rotated.exists()
    after = read_state(str(path))
    assert state and after and (after[0].counts, after[1:]) == (state[0].counts, state[1:])
    assert b"".join(json.dumps(each, sort_keys=True, separators=(",", ":")).encode() + b"\n" for each in read_journal(str(path))) == data
    assert journal_told(str(path), 100) == told
    assert journal_part(str(path), 1000, len(data)) == {"data": journal_part_of(data, 1000), "next": len(data)}
    with pytest.raises(RefusedError, match="was compressed because its run is over and sealed, so nothing more is done in that run"):
        Journal.open(str(path), executor=Executor())
    assert os.listdir(path.parent) == [packed.name]
    for _again in range(3):
        assert world.rotate([sealed], **COMPRESS)["changed"] is False


def journal_part_of(data: bytes, offset: int) -> str:
    pack = zlib.compressobj(3)
    return base64.b64encode(pack.compress(data[offset:]) + pack.flush()).decode("ascii")


@pytest.mark.parametrize("place", [0, 1, 20, -9, -1])
def test_a_compressed_journal_that_was_damaged_is_told_and_stays(world: RotationWorld, place: int) -> None:
    run = world.add(sets=50)
    sealed = world.sealed(run)
    world.rotate([sealed], **COMPRESS)
    packed = world.packed(run)
    data = bytearray(packed.read_bytes())
    data[place] ^= 0x55
    packed.write_bytes(data)
    world.age(packed)
    before = seen(world)
    result = world.rotate([sealed], **REMOVE)
    assert "is not what was sealed: journal.jsonl.gz" in result["kept"][0]["reason"]
    assert seen(world) == before
    with pytest.raises(EvidenceError, match="cannot be read .what was compressed there is damaged.; read it from a copy"):
        journal_told(str(world.journal(run)), 0)
    with pytest.raises(EvidenceError, match="what was compressed there is damaged"):
        read_state(str(world.journal(run)))


@pytest.mark.parametrize("compressed", [False, True])
def test_removed_and_refused_ever_after(world: RotationWorld, compressed: bool) -> None:
    run, other = world.add(), world.add(2)
    path, sealed = world.journal(run), world.sealed(run)
    size = path.stat().st_size
    if compressed:
        world.rotate([sealed], **COMPRESS)
    result = world.rotate([sealed])
    assert (result["changed"], result["removed"]) == (True, 1) and result["freed"] > 0
    assert sorted(os.listdir(world.runs)) == [other]
    (line,) = [json.loads(line) for line in world.rotated.read_bytes().splitlines()]
    assert line.pop("time") and line.pop("prev") == "sha256:" + 64 * "0" and line.pop("ended") == "2020-01-02T22:00:10.000000Z"
    del sealed["manifest"]
    assert line == {**sealed, "bytes": size, "seq": 0, "format": "recordings.disposal/rotated/1"}
    words = rf"the run {run} of the plan plan-{run} ended at 2020.*after the statement {sealed['statement']} had sealed it, so nothing was done by"
    for reader in (read_state, lambda where: journal_told(where, 0), lambda where: list(read_journal(where)), opened_for_writing):
        with pytest.raises(RefusedError, match=words):
            reader(str(path))
    for _again in range(3):
        result = world.rotate([world.sealed(other)], keep="P900Y", compress_after="P800Y")
        assert (result["changed"], result["kept"]) == (False, [])
    # The next line is chained to this one.
    world.rotate([world.sealed(other)])
    assert list(read_rotated(str(world.state))) == [run, other]


def opened_for_writing(path: str) -> None:
    os.mkdir(os.path.dirname(path))
    try:
        Journal.open(path, executor=Executor())
    finally:
        os.rmdir(os.path.dirname(path))


def test_another_journal_in_the_place_of_one_that_went_is_kept_and_told(world: RotationWorld) -> None:
    run, other = world.add(), world.add(2, sets=1)
    sealed = world.sealed(run)
    world.rotate([sealed])
    world.journal(other).parent.rename(world.runs / run)
    before = seen(world)
    result = world.rotate([sealed])
    assert "and another one lies there since; find out who put it there" in result["kept"][0]["reason"]
    assert (result["changed"], seen(world)) == (False, before)


def test_lines_that_were_edited_are_told_and_nothing_goes_on_their_strength(world: RotationWorld) -> None:
    run, second, other = world.add(1), world.add(2), world.add(3)
    world.rotate([world.sealed(run), world.sealed(second)])
    whole = world.rotated.read_bytes()
    first = whole.splitlines(keepends=True)[0]
    for changed in (
        whole.replace(b"plan-0", b"plan-1"),
        first.replace(b"rotated/1", b"rotated/2"),
        whole + first,
        whole.replace(first, b""),
    ):
        world.rotated.write_bytes(changed)
        before = seen(world)
        with pytest.raises(EvidenceError, match=r"rotated.jsonl line \d "):
            world.rotate([world.sealed(other)])
        with pytest.raises(EvidenceError, match=r"rotated.jsonl line \d "):
            read_state(str(world.journal(run)))
        assert seen(world) == before
    # A torn last line announced nothing: its journal is there, and goes by a line of its own.
    world.rotated.write_bytes(whole + first[: len(first) // 2])
    assert world.rotate([world.sealed(other)])["removed"] == 1
    assert list(read_rotated(str(world.state))) == [run, second, other]


class Killing(Executor):
    """Ends this process before one of its operations, as a power cut does."""

    def __init__(self, at: int) -> None:
        self.left = at

    def _allow(self, what: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(act: t.Callable[[Executor], t.Any], at: int) -> bool:
    """Whether a process was killed before it came to its end."""
    pid = os.fork()
    if pid == 0:
        try:
            act(Killing(at))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def cut_off(world: RotationWorld, sealed: t.Sequence[Told], stage: Told, at: int, how: str) -> bool:
    if how == "killed":
        return killed(lambda executor: world.rotate(sealed, executor=executor, **stage), at)
    failing = Failing(at, errno.ENOSPC, stays=how == "full")
    try:
        world.rotate(sealed, executor=failing, **stage)
    except DisposalError as error:
        assert failing.failed and "\n" not in error.message
        return True
    return failing.failed


@pytest.mark.parametrize(
    ("stage", "first"), [(COMPRESS, False), (REMOVE, False), (REMOVE, True)], ids=["compress", "remove", "remove a compressed one"]
)
@pytest.mark.parametrize("how", ["killed", "once", "full"])
def test_cut_off_at_any_step_nothing_is_lost_and_it_is_gone_on_with(tmp_path: pathlib.Path, how: str, first: bool, stage: Told) -> None:
    model = RotationWorld(tmp_path / "model")
    run, beside = model.add(), model.add(2, ended=False)
    sealed, data = model.sealed(run), model.journal(run).read_bytes()
    if first:
        model.rotate([sealed], **COMPRESS)
    at = 0
    while True:
        at += 1
        shutil.copytree(tmp_path / "model", tmp_path / str(at))
        world = RotationWorld(tmp_path / str(at))
        was_cut = cut_off(world, [sealed], stage, at, how)
        announced = run in read_rotated(str(world.state))
        try:
            told = journal_told(str(world.journal(run)), 0)
        except RefusedError:
            assert announced and stage is REMOVE
        else:
            assert (told["digest"], told["size"]) == (sealed["journal"], len(data))
            assert read_state(str(world.journal(run)))
        assert announced or world.journal(run).exists() or world.packed(run).exists()
        result = world.rotate([sealed], **stage)
        if stage is COMPRESS:
            assert gzip.decompress(world.packed(run).read_bytes()) == data and os.listdir(world.runs / run) == ["journal.jsonl.gz"]
        else:
            assert not (world.runs / run).exists() and list(read_rotated(str(world.state))) == [run]
            assert len(world.rotated.read_bytes().splitlines()) == 1
        assert not result["kept"] and world.journal(beside).exists()
        assert world.rotate([sealed] if stage is COMPRESS else [], **stage)["changed"] is False
        if not was_cut:
            break
    assert at > 8


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of whoever rotates is 400 days ahead."""
    real = time.time
    monkeypatch.setattr(rotating, "time", types.SimpleNamespace(time=lambda: real() + 400 * 86400))


def test_a_plan_whose_journal_was_rotated_is_neither_done_nor_claimed_again(tmp_path: pathlib.Path, later: None) -> None:
    sweep = World(tmp_path)
    for number in range(3):
        sweep.record(days=200 + number, number=number)
    manifest = sweep.manifest(sweep.plan())
    done = sweep.apply(manifest)
    host = object.__new__(RotationWorld)
    host.state, host.runs, host.rotated = sweep.state, sweep.state / "runs", sweep.state / "rotated.jsonl"
    sealed = host.sealed(done["run"], host="pbx1")
    ahead = {"host": "pbx1", "controller_time": int(time.time()) + 400 * 86400}

    assert host.rotate([sealed], **{**ahead, **COMPRESS})["compressed"] == 1
    again = sweep.apply(manifest)
    assert (again["changed"], again["counts"], again["journal"]) == (False, done["counts"], done["journal"])

    assert host.rotate([sealed], **ahead)["removed"] == 1
    # Even where the recordings are back, nothing is done by that plan.
    sweep.record(days=200, number=0)
    before = fingerprint(sweep.path)
    for check in (True, False):
        with pytest.raises(RefusedError, match=f"after the statement {sealed['statement']} had sealed it, so nothing was done") as caught:
            sweep.apply(manifest, check=check)
        assert "destroyed" not in json.dumps(caught.value.details)
    assert fingerprint(sweep.path) == before
