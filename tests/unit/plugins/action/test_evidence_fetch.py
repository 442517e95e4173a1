# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a journal: what is not this journal, whole, or tells less than the copy that is there, changes nothing."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
import subprocess
import sys
import typing as t
import zlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence import parts
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.chain import ChainReader
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._fetch import Fetching, fetch_journal
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    destroy,
    set_name,
    snapshot,
    write_journal,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import rechain

Told = dict[str, t.Any]


class World:
    """A journal on a host, a place for its copy on the controller, and the host's answers."""

    def __init__(self, path: pathlib.Path) -> None:
        self.src = path / "host" / "journal.jsonl"
        self.dest = path / "disposal" / "journals" / "rec1.jsonl"
        self.src.parent.mkdir()
        self.asked: list[Told] = []
        self.answer: t.Callable[[Told, Told], Told] = lambda _asked, told: told

    def write(self, **changes: t.Any) -> None:
        self.src.unlink(missing_ok=True)
        write_journal(self.src, **changes)

    def ask(self, **told: t.Any) -> Told:
        self.asked.append(told)
        src = str(self.src)
        answer = parts.journal_told(src, told["known_bytes"]) if "offset" not in told else parts.journal_part(src, **told)
        return self.answer(told, answer)

    def fetch(self, *, check_mode: bool = False, **changes: t.Any) -> Told:
        self.asked.clear()
        executor = CheckExecutor() if check_mode else Executor()
        return fetch_journal(Fetching(dest=str(self.dest), ask=self.ask, executor=executor, check_mode=check_mode, **changes))

    def fetched(self) -> dict[str, bytes]:
        top = self.dest.parents[1]
        return snapshot(top) if top.exists() else {}

    def refused(self, words: str, **changes: t.Any) -> None:
        before = self.fetched()
        with pytest.raises(DisposalError, match=words):
            self.fetch(**changes)
        assert self.fetched() == before

    def told(self) -> Told:
        with self.src.open("rb") as file:
            reader = ChainReader(file, "journal")
            return {"records": len(list(reader)), "head": reader.head}


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    world = World(tmp_path)
    world.write()
    return world


def test_a_journal_that_is_missing_or_no_file_is_refused(world: World) -> None:
    world.src.unlink()
    world.refused("cannot be opened")
    world.src.mkdir()
    world.refused("is not a regular file; name the file that the run wrote")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "rec2"}, "line 1 names the host 'rec1', not 'rec2', so nothing was kept of it"),
        ({"head": "sha256:" + 64 * "a", "records": 3}, "not the digest sha256:a+ at number 3, which the run returned"),
        ({"head": "sha256:" + 64 * "a", "records": 10**6}, "not the digest sha256:a+ at number 1000000"),
    ],
)
def test_a_journal_that_is_not_the_one_that_was_asked_for_is_refused(world: World, changes: Told, words: str) -> None:
    world.refused(words, **changes)
    world.fetch()
    if "head" in changes:
        world.refused(words, **changes)


def test_a_journal_that_was_changed_on_the_host_is_refused_with_its_line(world: World) -> None:
    whole = world.src.read_bytes()
    for place in (3, len(whole) // 2, len(whole) - 3):
        changed = bytearray(whole)
        changed[place] ^= 1
        world.src.write_bytes(changed)
        world.refused(r"the journal for rec1.jsonl line \d+ ")


def test_a_journal_that_is_changed_while_it_is_fetched_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(asked: Told, told: Told) -> Told:
        if "offset" in asked:
            data = zlib.decompress(base64.b64decode(told["data"])).replace(b"brokerage", b"br0kerage")
            told["data"] = base64.b64encode(zlib.compress(data)).decode()
        return told

    world.answer = answer
    world.refused("not what the host told of it, so it was changed while it was fetched")

    world.answer = lambda asked, told: told if "offset" in asked else {**told, "size": told["size"] + 1}
    world.refused("became shorter while it was fetched")


@pytest.mark.parametrize(
    "broken",
    [
        {"data": "rubbish!"},
        {"data": base64.b64encode(b"no zlib").decode()},
        {"data": base64.b64encode(zlib.compress(b"x" * 100)[:-5]).decode()},
        {"data": base64.b64encode(zlib.compress(b"")).decode()},
        {"data": base64.b64encode(zlib.compress(bytes(1 << 22))).decode()},
        {"data": 7},
        {"next": 1},
    ],
)
def test_a_part_that_cannot_be_unpacked_is_refused(world: World, broken: Told) -> None:
    world.answer = lambda asked, told: {**told, **broken} if "offset" in asked else told
    world.refused("a part of the journal that cannot be unpacked, so nothing was kept of it")


@pytest.mark.parametrize("broken", [{"size": None}, {"size": True}, {"size": -1}, {"digest": 7}])
def test_a_host_that_does_not_answer_in_kind_is_refused(world: World, broken: Told) -> None:
    world.answer = lambda _asked, told: {**told, **broken}
    world.refused("does not tell length and digest of the journal")


def test_a_journal_with_fewer_records_never_takes_the_place_of_a_longer_one(world: World) -> None:
    world.fetch()
    lines = world.src.read_bytes().splitlines(keepends=True)
    world.src.write_bytes(b"".join(lines[:-2]))
    world.refused(rf"has {len(lines) - 2} records only, so some were cut off there: the copy .* which has {len(lines)} records, stays")
    world.src.write_bytes(b"".join(lines[:-2]) + lines[-2][:40])
    world.refused("so some were cut off there")


def test_a_journal_that_was_written_anew_never_takes_the_place_of_an_older_one(world: World) -> None:
    world.fetch()
    lines = world.src.read_bytes().splitlines()
    world.src.write_bytes(rechain([lines[0].replace(b"ewa@", b"eva@"), *lines[1:], lines[-1]]))
    world.refused("has other records, so it was written anew there: the copy .* stays as it is")


def test_a_copy_stays_where_the_host_has_nothing_new_but_a_torn_record(world: World) -> None:
    world.write(ended=False)
    world.fetch()
    before = world.fetched()
    world.src.write_bytes(world.src.read_bytes() + b'{"bytes":')
    result = world.fetch()
    assert (result["changed"], result["torn"]) == (False, 0)
    assert world.fetched() == before


def test_a_place_that_cannot_be_written_is_told(world: World) -> None:
    world.dest.parents[1].write_text("a file, no directory")
    with pytest.raises(DisposalError, match="so the journal is not fetched, and it is still on the host; make room and fetch again"):
        world.fetch()


def test_fetched_once_then_nothing_comes_again(world: World) -> None:
    checked = world.fetch(check_mode=True)
    assert checked["changed"] is True and not world.fetched()
    told = world.told()
    result = world.fetch(host="rec1", **told)
    assert {key: result[key] for key in ("changed", "torn", "records", "head")} == {"changed": True, "torn": 0, **told}
    assert world.dest.read_bytes() == world.src.read_bytes()
    assert world.dest.stat().st_mode & 0o777 == 0o600 and world.dest.parent.stat().st_mode & 0o777 == 0o700
    assert 0 < result["transferred"] < result["bytes"] == world.src.stat().st_size
    before = world.fetched()
    again = world.fetch(host="rec1", **told)
    assert (again["changed"], again["transferred"], len(world.asked)) == (False, 0, 1)
    assert world.fetch(check_mode=True)["changed"] is False
    assert world.fetched() == before


def test_only_what_is_new_comes_of_a_run_that_was_resumed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_READ", 1000)
    monkeypatch.setattr(parts, "_CHUNK", 300)
    world.write(ended=False)
    assert len(world.fetch() and world.asked) > 3
    known = world.src.stat().st_size
    with Journal.open(str(world.src), executor=Executor()) as journal:
        destroy(journal, set_name(77))
    # What a fetch that was cut off left behind goes.
    (world.dest.parent / "rec1.jsonl.999999.tmp").write_bytes(b"half")
    result = world.fetch()
    assert result["changed"] and world.dest.read_bytes() == world.src.read_bytes()
    assert [asked["offset"] for asked in world.asked[1:]][0] == known
    assert [path.name for path in world.dest.parent.iterdir()] == ["rec1.jsonl"]


def test_a_torn_journal_comes_and_its_continuation_too(world: World) -> None:
    world.write(ended=False)
    world.src.write_bytes(world.src.read_bytes() + b'{"bytes":')
    assert world.fetch()["torn"] == 9
    with Journal.open(str(world.src), executor=Executor()) as journal:
        journal.append("resume", torn=9, pending=0, policy="p")
    assert world.fetch() | {"transferred": 0, "torn": 0} == world.fetch() | {"changed": True, "transferred": 0}
    assert world.dest.read_bytes() == world.src.read_bytes()


def test_a_copy_that_was_spoilt_here_is_fetched_again(world: World) -> None:
    world.fetch()
    world.dest.write_bytes(world.dest.read_bytes().replace(b"brokerage", b"br0kerage", 1))
    assert world.fetch()["changed"] is True
    assert world.dest.read_bytes() == world.src.read_bytes()


def test_parts_of_a_file_that_became_shorter_are_refused(world: World) -> None:
    with pytest.raises(EvidenceError, match="became shorter while it was fetched"):
        parts.journal_part(str(world.src), world.src.stat().st_size, world.src.stat().st_size + 1)


def test_the_task_on_a_real_host(world: World) -> None:
    ansible = shutil.which("ansible", path=str(pathlib.Path(sys.executable).parent))
    assert ansible

    def run() -> Told:
        given = f"src={world.src} dest={world.dest} host=rec1"
        command = [ansible, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "localhost"]
        command += ["-m", "recordings.disposal.evidence_fetch", "-a", given]
        environment = {"HOME": str(world.src.parent), "PATH": "/usr/bin:/bin", "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1"}
        done = subprocess.run(
            command, env={**environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline"}, capture_output=True, text=True, check=False
        )
        return {**json.loads(done.stdout[done.stdout.index("{") :]), "failed": done.returncode != 0}

    first = run()
    assert first["changed"] is True and world.dest.read_bytes() == world.src.read_bytes()
    assert "data" not in first and len(json.dumps(first)) < 4096
    again = run()
    assert (again["changed"], again["transferred"]) == (False, 0)
    world.src.unlink()
    gone = run()
    assert gone["failed"] is True and "cannot be opened" in gone["msg"]
