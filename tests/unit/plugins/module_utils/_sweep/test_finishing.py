# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a process that died at a chosen instant: what was begun is ended, what was only announced is judged anew, the rest is left alone."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import threading
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.walk import ASIDE
from ansible_collections.recordings.disposal.plugins.module_utils._retention.planner import aside_since
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

HOLD = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {}}


class Dying(Executor):
    """Ends the process, without any clean-up, before its nth operation of a kind; overwrites come one after the other."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind = kind
        self.left = number
        self.lock = threading.Lock()

    def _before(self, kind: str) -> None:
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                os._exit(9)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        # The lock's own note is no destruction.
        if not os.readlink(f"/proc/self/fd/{fd}").endswith((".wav", ".json")):
            return super().pwrite(fd, data, offset)
        with self.lock:
            self._before("overwrite")
            return super().pwrite(fd, data, offset)

    def unlink(self, name: str, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None:
            self._before("unlink")
        super().unlink(name, dir_fd=dir_fd)

    def link(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        self._before("link")
        super().link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def die(world: World, manifest: str, kind: str, number: int) -> None:
    """Apply in a process of its own that dies."""
    child = os.fork()
    if child == 0:
        try:
            world.apply(manifest, executor=Dying(kind, number))
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9, "the process lived on"


def outcomes(world: World) -> dict[str, dict[str, t.Any]]:
    return {record["set"]: record for record in world.journal() if record["type"] == "outcome"}


def finish(world: World, manifest: str, **more: t.Any) -> dict[str, t.Any]:
    try:
        return world.apply(manifest, **more)
    except DisposalError as error:
        return error.details


def longer(world: World) -> None:
    """Another policy, under which nothing is due."""
    world.policy["version"] = "2"
    world.policy["classes"][0]["keep"] = "P3650D"


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


@pytest.fixture
def cut(world: World) -> tuple[World, pathlib.Path, str]:
    """One set, announced, and the process dead before its first write."""
    path = world.record(days=200, number=1)
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    die(world, manifest, "overwrite", 1)
    assert world.journal()[-1]["type"] == "intent" and path.read_bytes().startswith(b"MARK")
    return world, path, manifest


def test_an_announced_set_is_destroyed_by_the_next_run(cut: tuple[World, pathlib.Path, str]) -> None:
    world, path, manifest = cut
    assert finish(world, manifest)["counts"] == {"destroyed": 1, "not_destroyed": 0, "unknown": 0}
    assert not path.exists()


def test_an_announced_set_that_another_policy_keeps_is_kept(cut: tuple[World, pathlib.Path, str]) -> None:
    world, path, manifest = cut
    before = path.read_bytes()
    longer(world)
    result = finish(world, manifest)
    assert result["counts"]["not_destroyed"] == 1
    assert path.read_bytes() == before
    assert "the interrupted run is resumed although it was made under version 1 of the policy" in result["warnings"][0]
    (resumed,) = (record for record in world.journal() if record["type"] == "resume")
    assert resumed["policy"] != world.journal()[0]["policy"]


def test_an_announced_set_is_kept_under_another_policy_that_would_destroy_it_too(cut: tuple[World, pathlib.Path, str]) -> None:
    """The board has approved another policy's plan."""
    world, path, manifest = cut
    world.policy["version"] = "2"
    assert finish(world, manifest)["counts"]["not_destroyed"] == 1 and path.exists()
    (record,) = outcomes(world).values()
    assert record["reason"][0].startswith("the plan is stale: ")


@pytest.mark.parametrize("then", ["same policy", "longer"])
@pytest.mark.parametrize("change", ["touched", "rewritten"])
def test_an_announced_set_that_somebody_changed_is_left_alone(cut: tuple[World, pathlib.Path, str], change: str, then: str) -> None:
    world, path, manifest = cut
    if change == "rewritten":
        path.write_bytes(b"EVIDENCE!!"[:10] * (path.stat().st_size // 10))
    else:
        os.utime(path)
    before = path.read_bytes()
    if then == "longer":
        longer(world)
    assert finish(world, manifest)["counts"]["unknown"] == 1
    assert path.read_bytes() == before
    (record,) = outcomes(world).values()
    assert "changed since, but not into what this run writes: nothing more was written" in record["reason"][0]


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
def test_a_begun_set_is_ended_under_any_policy(world: World, scheme: str) -> None:
    world.policy["classes"][0]["disposal"]["scheme"] = scheme
    path = world.record(days=200, number=1)
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    # One of the audio and its sidecar is begun, the other one not.
    die(world, manifest, "overwrite", 2)
    longer(world)
    assert finish(world, manifest)["counts"] == {"destroyed": 1, "not_destroyed": 0, "unknown": 0}
    assert not path.exists() and not path.with_suffix(".json").exists()


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
def test_a_begun_set_that_is_held_now_is_unknown_and_not_written_to(world: World, scheme: str) -> None:
    world.policy["classes"][0]["disposal"]["scheme"] = scheme
    path = world.record(days=200, number=1, size=9000)
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    die(world, manifest, "overwrite", 2)
    left = [item.read_bytes() for item in (path, path.with_suffix(".json"))]
    world.holds = [HOLD]
    assert finish(world, manifest)["counts"]["unknown"] == 1
    assert [item.read_bytes() for item in (path, path.with_suffix(".json"))] == left
    assert "then held: hold:H-1" in next(iter(outcomes(world).values()))["reason"][0]


def test_silence_that_looks_like_the_pattern_is_not_taken_for_begun(world: World) -> None:
    """A raw recording may begin with the very bytes that the pass writes."""
    path = world.record(days=200, number=1, size=9000)
    moment = path.stat().st_mtime
    path.write_bytes(b"\0" * 5000 + b"speech" * 700)
    os.utime(path, (moment, moment))
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    die(world, manifest, "overwrite", 1)
    before = path.read_bytes()
    os.utime(path)
    longer(world)
    assert finish(world, manifest)["counts"]["unknown"] == 1
    assert path.read_bytes() == before


def test_what_came_back_between_proof_and_removal_is_left_alone(world: World) -> None:
    path = world.record(days=200, number=1)
    before, facts = path.read_bytes(), path.stat()
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    die(world, manifest, "unlink", 1)
    assert "erased" in [record["type"] for record in world.journal()]
    # Restored in place, times and all, perhaps because of a hold.
    with open(path, "r+b") as handle:
        handle.write(before)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert finish(world, manifest)["counts"]["unknown"] == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [1, 2])
def test_an_erased_set_is_ended_with_both_proofs(world: World, number: int) -> None:
    path = world.record(days=200, number=1)
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    die(world, manifest, "unlink", number)
    longer(world)
    assert finish(world, manifest)["counts"]["destroyed"] == 1
    assert not path.exists()
    (record,) = outcomes(world).values()
    assert record["proof"]["before_interruption"]["verified_bytes"] > 0


def test_the_process_may_die_again_and_again_at_every_write(world: World) -> None:
    paths = [world.record(days=200 + number, number=number) for number in range(3)]
    world.record(days=1, number=9)
    manifest = world.manifest(world.plan())
    for _attempt in range(4):
        die(world, manifest, "overwrite", 1)
    assert sum(record["type"] == "intent" for record in world.journal()) >= 4
    assert finish(world, manifest)["counts"] == {"destroyed": 3, "not_destroyed": 0, "unknown": 0}
    assert not any(path.exists() for path in paths)


class TestQuarantine:
    @pytest.fixture
    def moving(self, world: World) -> tuple[World, pathlib.Path, str]:
        world.policy["quarantine"] = "P7D"
        path = world.record(days=200, number=1)
        world.record(days=1, number=9)
        return world, path, world.manifest(world.plan())

    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.parametrize("kind", ["link", "unlink"])
    def test_a_resumed_move_counts_from_the_resumption(self, moving: tuple[World, pathlib.Path, str], kind: str, number: int) -> None:
        world, path, manifest = moving
        before = path.read_bytes()
        die(world, manifest, kind, number)
        # The interruption was 30 days ago.
        (first,) = (world.root / ASIDE).iterdir()
        old = "20260101T000000Z" + first.name[16:]
        first.rename(first.with_name(old))
        journal = next((world.state / "runs").glob("*/journal.jsonl"))
        rewrite(journal, first.name, old)
        result = finish(world, manifest)
        assert result["counts"] == {"destroyed": 0, "not_destroyed": 1, "unknown": 0}, world.journal()[-2]
        assert not path.exists() and not path.with_suffix(".json").exists()
        (directory,) = (world.root / ASIDE).iterdir()
        assert (aside_since(directory.name) or 0) >= path.parent.stat().st_mtime - 1
        (moved,) = directory.glob("**/*.wav")
        assert moved.read_bytes() == before and moved.stat().st_nlink == 1 and moved.with_suffix(".json").stat().st_nlink == 1
        assert world.plan()["verdicts"]["retained"]["sets"] == 2

    def test_a_set_announced_for_quarantine_and_held_since_stays(self, moving: tuple[World, pathlib.Path, str]) -> None:
        world, path, manifest = moving
        die(world, manifest, "link", 1)
        world.holds = [HOLD]
        assert finish(world, manifest)["counts"]["not_destroyed"] == 1
        assert path.exists() and path.with_suffix(".json").exists()
        (record,) = outcomes(world).values()
        assert "held" in record["reason"][0]

    def test_a_quarantine_is_never_shorter_than_the_policy_says(self, moving: tuple[World, pathlib.Path, str]) -> None:
        world, path, manifest = moving
        finish(world, manifest)
        (directory,) = (world.root / ASIDE).iterdir()
        entered = aside_since(directory.name) or 0
        moved = next(directory.glob("**/*.wav")).stat().st_ctime
        assert moved <= entered + 1 and entered - moved <= 3600


def rewrite(journal: pathlib.Path, old: str, new: str) -> None:
    """The journal as it would be had the directory another name, its chain made anew."""
    head, lines = None, []
    for line in journal.read_text().splitlines():
        record = json.loads(line.replace(old, new))
        if head is not None:
            record["prev"] = head
        data = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        head = "sha256:" + hashlib.sha256(data).hexdigest()
        lines.append(data)
    journal.write_bytes(b"\n".join(lines) + b"\n")
