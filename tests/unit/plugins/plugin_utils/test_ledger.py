# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: every changed byte and moved line is found."""

from __future__ import annotations

import pathlib
import random

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.chain import NO_HEAD
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import Ledger, read_ledger

TIME = "2026-11-23T22:00:00Z"


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "state" / "ledger.jsonl")


def fill(path: str, lines: int = 4) -> bytes:
    with Ledger(path, executor=Executor()) as ledger:
        for number in range(lines):
            ledger.append(run=f"run-{number}", statement=digest(bytes([number])), time=TIME)
    return pathlib.Path(path).read_bytes()


def test_check_mode_cannot_open(path: str) -> None:
    with pytest.raises(CheckModeWriteError):
        Ledger(path, executor=CheckExecutor())
    assert not pathlib.Path(path).parent.exists()


def test_any_changed_byte_but_in_the_last_line_is_found(path: str) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    good = fill(path)
    last = good.rstrip(b"\n").rindex(b"\n") + 1
    for _each in range(300):
        at = rng.randrange(last)
        bad = good[:at] + bytes([rng.choice([byte for byte in range(256) if byte != good[at]])]) + good[at + 1 :]
        pathlib.Path(path).write_bytes(bad)
        with pytest.raises(EvidenceError, match=r"ledger\.jsonl line \d "):
            read_ledger(path)
        with pytest.raises(EvidenceError, match=r"ledger\.jsonl line \d "):
            Ledger(path, executor=Executor())
        assert pathlib.Path(path).read_bytes() == bad


@pytest.mark.parametrize("order", [(1, 2, 3), (0, 2, 3), (1, 0, 2, 3), (0, 0, 1, 2, 3), (0, 1, 3)])
def test_moved_lines_are_found(path: str, order: tuple[int, ...]) -> None:
    lines = fill(path).splitlines(keepends=True)
    pathlib.Path(path).write_bytes(b"".join(lines[number] for number in order))
    with pytest.raises(EvidenceError, match="does not name the digest of the line before it"):
        read_ledger(path)


@pytest.mark.parametrize("change", [{"time": "soon"}, {"run": ""}, {"statement": 7}, {"more": 1}])
def test_a_line_of_another_form_is_named(path: str, change: dict[str, object]) -> None:
    fill(path, 0)
    record = {"seq": 0, "prev": NO_HEAD, "time": TIME, "run": "r", "statement": digest(b""), **change}
    pathlib.Path(path).write_bytes(canonical(record) + b"\n")
    for reader in (read_ledger, lambda name: Ledger(name, executor=Executor())):
        with pytest.raises(EvidenceError, match="line 1 is not a line of a ledger"):
            reader(path)


def test_a_torn_line_is_named_reading_and_dropped_writing(path: str) -> None:
    good = fill(path)
    pathlib.Path(path).write_bytes(good[:-7])
    with pytest.raises(EvidenceError, match="line 4 is torn"):
        read_ledger(path)
    assert len(read_ledger(path, allow_torn=True)) == 3
    with Ledger(path, executor=Executor()) as ledger:
        assert len(ledger.entries) == 3
        ledger.append(run="run-3", statement=digest(bytes([3])), time=TIME)
    assert pathlib.Path(path).read_bytes() == good


def test_a_second_process_waits_outside(path: str) -> None:
    with Ledger(path, executor=Executor()), pytest.raises(EvidenceError, match="being written by another process"):
        Ledger(path, executor=Executor())


def test_lines_are_chained_and_on_disk_at_once(path: str) -> None:
    with Ledger(path, executor=Executor()) as ledger:
        assert ledger.head is None
        first = ledger.append(run="a", statement=digest(b"a"), time=TIME)
        assert read_ledger(path) == [first]
        second = ledger.append(run="b", statement=digest(b"b"), time=TIME)
    lines = pathlib.Path(path).read_bytes().splitlines()
    assert (first.seq, first.previous, first.digest) == (0, None, digest(lines[0]))
    assert (second.seq, second.previous, second.digest) == (1, first.digest, digest(lines[1]))
    with Ledger(path, executor=Executor()) as again:
        assert again.entries == read_ledger(path) == [first, second]
        assert again.head == second.digest
