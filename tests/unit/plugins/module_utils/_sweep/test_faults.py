# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults at any write of a run: the run stops with one sentence, and the next one brings every set to one outcome."""

from __future__ import annotations

import collections
import errno
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint

SETS = 5


class Failing(Executor):
    """Fails one of the operations of the run, counted over all of them, and every one after it if it is to stay broken."""

    def __init__(self, at: int, number: int, *, stays: bool) -> None:
        self.left = at
        self.number = number
        self.stays = stays
        self.failed = False

    def _allow(self, what: str) -> None:
        self.left -= 1
        if self.left == 0 or (self.failed and self.stays):
            self.failed = True
            raise OSError(self.number, os.strerror(self.number))


def operations(world: World, manifest: str) -> int:
    """How many operations a whole run has."""

    class Counting(Executor):
        count = 0

        def _allow(self, what: str) -> None:
            Counting.count += 1

    world.apply(manifest, executor=Counting())
    return Counting.count


def build(path: pathlib.Path) -> tuple[World, list[pathlib.Path], str]:
    path.mkdir()
    world = World(path)
    old = [world.record(days=200 + number, number=number, size=3000 + number) for number in range(SETS)]
    world.record(days=1, number=SETS)
    return world, old, world.manifest(world.plan())


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_fault_at_any_operation(tmp_path: pathlib.Path, number: int, stays: bool) -> None:
    world, _old, manifest = build(tmp_path / "whole")
    total = operations(world, manifest)
    assert total > SETS * 4
    for at in range(1, total + 1, 3):
        world, old, manifest = build(tmp_path / f"at{at}")
        failing = Failing(at, number, stays=stays)
        first: dict[str, t.Any] = {}
        try:
            first = world.apply(manifest, executor=failing)
        except DisposalError as error:
            assert "\n" not in error.message and len(error.message) < 800
            first = error.details
        for path in old:
            if path.exists() and path.read_bytes().startswith(b"MARK"):
                assert first.get("outcome") != "destroyed", f"claimed destroyed after a fault at operation {at}"
        second: dict[str, t.Any] = {}
        try:
            second = world.apply(manifest)
        except DisposalError as error:
            second = error.details
        records = world.journal()
        assert records[-1]["type"] == "close"
        per_set = collections.Counter(record["set"] for record in records if record["type"] == "outcome")
        assert len(per_set) == SETS and set(per_set.values()) == {1}, f"fault at operation {at}"
        destroyed = {record["set"] for record in records if record["type"] == "outcome" and record["outcome"] == "destroyed"}
        proven = {record["set"] for record in records if record["type"] == "erased"}
        assert destroyed <= proven
        gone = sum(not path.exists() for path in old)
        assert len(destroyed) <= gone, f"fault at operation {at}"
        assert second["counts"]["destroyed"] == len(destroyed)


def test_a_journal_that_would_not_fit_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _old, manifest = build(tmp_path / "small")
    real = os.statvfs

    def full(path: t.Any) -> t.Any:
        facts = real(path)
        return os.statvfs_result([*facts[:4], 0, *facts[5:]])

    before = fingerprint(world.root)
    monkeypatch.setattr(os, "statvfs", full)
    with pytest.raises(
        RefusedError, match=r"the journal of this run needs up to \d+ bytes .* and 0 are free, so nothing was done; make room"
    ):
        world.apply(manifest)
    assert fingerprint(world.root) == before


def test_a_second_run_at_the_same_time_is_refused(tmp_path: pathlib.Path) -> None:
    import fcntl

    world, _old, manifest = build(tmp_path / "locked")
    before = fingerprint(world.root)
    with open(world.state / "lock", "w") as other:
        other.write("process 1 (run of another)\n")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match=r"this host is locked by process 1 \(run of another\), so nothing was done; wait"):
            world.apply(manifest)
    assert fingerprint(world.root) == before
