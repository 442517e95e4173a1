# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals: every fault is found and its line named; a torn end is the only thing that is ever dropped."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import textwrap
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.chain import MAX_LINE, NO_HEAD
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal, JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    close,
    destroy,
    erased,
    intent,
    opening,
    outcome,
    set_name,
    write_journal,
)

A, B = set_name(10), set_name(11)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "journal.jsonl")


def started(path: str) -> Journal:
    journal = Journal.open(path, executor=Executor())
    journal.append("open", **opening())
    return journal


def contents(path: str) -> bytes:
    return pathlib.Path(path).read_bytes()


def check(data: bytes, **options: t.Any) -> JournalState:
    return JournalState.fold(read_journal(io.BytesIO(data), name="j", **options), name="j")


def chained(records: t.Iterable[dict[str, t.Any]]) -> bytes:
    """Records chained anew, as whoever can write the file could."""
    head, lines = NO_HEAD, []
    for number, record in enumerate(records):
        line = canonical({**record, "seq": number, "prev": head, "time": "2026-11-23T22:00:00.000000Z"})
        head = digest(line)
        lines.append(line + b"\n")
    return b"".join(lines)


def test_check_mode_cannot_open(path: str) -> None:
    with pytest.raises(CheckModeWriteError):
        Journal.open(path, executor=CheckExecutor())
    assert not os.path.exists(path)


def test_any_changed_byte_is_found(path: str) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    write_journal(path)
    good = contents(path)
    check(good)
    for _each in range(600):
        at = rng.randrange(len(good))
        value = rng.choice([byte for byte in range(256) if byte != good[at]])
        bad = good[:at] + bytes([value]) + good[at + 1 :]
        line = good[:at].count(b"\n") + 1
        last = good.count(b"\n")
        try:
            records = list(read_journal(io.BytesIO(bad), name="j"))
        except EvidenceError as error:
            # A fault in what a line says shows in the line after it, whose link no longer fits.
            assert error.details["line"] in (line, line + 1), (at, value, error.message)
            assert error.message.startswith(f"j line {error.details['line']} ")
        else:
            # Only the last line has no line after it; the statement seals it.
            assert line == last, (at, value)
            assert digest(bad) != digest(good)
            assert len(records) == last


@pytest.mark.parametrize("what", ["dropped", "swapped", "doubled"])
def test_any_moved_record_is_found(path: str, what: str) -> None:
    write_journal(path)
    lines = contents(path).splitlines(keepends=True)
    for at in range(len(lines) - 1):
        moved = {
            "dropped": [*lines[:at], *lines[at + 1 :]],
            "swapped": [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
            "doubled": [*lines[: at + 1], *lines[at:]],
        }[what]
        with pytest.raises(EvidenceError, match="does not name the digest") as caught:
            check(b"".join(moved))
        assert caught.value.details["line"] == at + (2 if what == "doubled" else 1)


FORGED = [
    (lambda text: text.replace('"seq":1', '"seq":7'), "has the number 7, not 1"),
    (lambda text: text.replace('"seq":1', '"seq":true'), "has the number True, not 1"),
    (lambda text: text.replace('"members":2', '"members": 2'), "canonical form"),
    (lambda text: text.replace('"members":2', '"members":2,"members":2'), "canonical form"),
    (lambda text: text.replace("brokerage", "brok\\u0065rage"), "canonical form"),
    (lambda text: text.replace('"members":2', '"members":2.0'), "is not a record"),
    (lambda text: text.replace('"members":2', '"members":NaN'), "is not a record"),
    (lambda text: " " + text, "is not a record"),
    (lambda text: text + " ", "is not a record"),
    (lambda text: "[" * 100000 + "]" * 100000, "is not a record"),
    (lambda text: json.dumps([json.loads(text)]), "is not a record"),
    (lambda text: re.sub('("time":"[^"]*)Z"', '\\1"', text), "has the time"),
    (lambda text: '{"a":"' + "x" * MAX_LINE + '"}', "longer than"),
]


@pytest.mark.parametrize(("forge", "words"), FORGED)
def test_a_forged_line_is_named(path: str, forge: t.Callable[[str], str], words: str) -> None:
    with started(path) as journal:
        destroy(journal, A)
    lines = contents(path).decode().splitlines()
    lines[1] = forge(lines[1])
    with pytest.raises(EvidenceError, match=f"^j line 2 .*{words}"):
        check("".join(f"{line}\n" for line in lines).encode())


def test_bytes_that_are_not_utf8_are_named(path: str) -> None:
    with started(path) as journal:
        destroy(journal, A)
    with pytest.raises(EvidenceError, match="^j line 3 is not a record"):
        check(contents(path).replace(b'"erased"', b'"era\xffed"'))


STORIES = [
    ([("intent", intent(A))], 1, "stands before the run was opened"),
    ([("open", opening()), ("open", opening())], 2, "opens the run a second time"),
    ([("open", opening(format="recordings.disposal/journal/2"))], 1, "has the format 'recordings.disposal/journal/2'"),
    ([("open", opening()), ("confetti", {})], 2, "has the type 'confetti', which this version does not know"),
    ([("open", opening()), ("erased", erased(A))], 2, "which no line before it announced"),
    ([("open", opening()), ("outcome", outcome(A))], 2, "claims set .* as destroyed, which no line before it announced"),
    ([("open", opening()), ("intent", intent(A)), ("outcome", outcome(A, proof=None))], 3, "as destroyed without proof"),
    *(
        (
            [("open", opening()), ("intent", intent(A)), ("outcome", outcome(A, level={"required": required, "achieved": achieved}))],
            3,
            "falls short of what was required",
        )
        for required, achieved in (("purge", "clear"), ("clear", "none"), ("none", "none"), ("clear", "most"), (None, "clear"))
    ),
    ([("open", opening()), ("intent", intent(A)), ("outcome", outcome(A, level="clear"))], 3, "something else than a mapping as level"),
    (
        [("open", opening()), ("intent", intent(A)), ("erased", erased(A, "unknown")), ("outcome", outcome(A))],
        4,
        "of which its line on the overwriting says unknown",
    ),
    ([("open", opening()), ("outcome", outcome(A, "gone"))], 2, "has the outcome 'gone'"),
    ([("open", opening()), ("outcome", outcome(A, "unknown", bytes=-1))], 2, "the bytes -1"),
    (
        [("open", opening()), ("outcome", outcome(A, "unknown", set=7))],
        2,
        "something else than a text as set, which this version does not know",
    ),
    ([("open", opening()), ("outcome", outcome(A, "unknown")), ("outcome", outcome(A, "unknown"))], 3, "has the outcome unknown already"),
    ([("open", opening()), ("outcome", outcome(A, "unknown")), ("intent", intent(A))], 3, "has the outcome unknown already"),
    ([("open", opening()), ("intent", {"set": A})], 2, "lacks aside, bytes, class"),
    (
        [("open", opening()), ("intent", intent(A)), ("close", {"counts": {}, "bytes": {}, "interruptions": 0})],
        3,
        "ends the run while 1 sets, the first 0+a, have no outcome",
    ),
    (
        [
            ("open", opening()),
            ("close", {"counts": {"destroyed": 1, "not_destroyed": 0, "unknown": 0}, "bytes": {"destroyed": 0}, "interruptions": 0}),
        ],
        2,
        "the lines before it add up to",
    ),
    (
        [
            ("open", opening()),
            ("close", {"counts": {"destroyed": 0, "not_destroyed": 0, "unknown": 0}, "bytes": {"destroyed": 0}, "interruptions": 0}),
            ("resume", {"torn": 0, "pending": 0, "policy": "p"}),
        ],
        3,
        "stands after the end of the run",
    ),
]


@pytest.mark.parametrize(("story", "line", "words"), STORIES)
def test_a_record_that_cannot_stand_is_refused_reading_and_writing(
    path: str, story: list[tuple[str, dict[str, t.Any]]], line: int, words: str
) -> None:
    data = chained({**record, "type": kind} for kind, record in story)
    with pytest.raises(EvidenceError, match=f"^j line {line} .*{words}"):
        check(data)
    with Journal.open(path, executor=Executor()) as journal:
        for kind, record in story[:-1]:
            journal.append(kind, **record)
        journal.sync()
        before, head = contents(path), journal.head
        with pytest.raises(EvidenceError, match=words):
            journal.append(story[-1][0], **story[-1][1])
        assert journal.head == head
        assert journal.seq == len(story) - 1
    assert contents(path) == before


def test_a_float_or_a_huge_record_is_refused(path: str) -> None:
    with started(path) as journal:
        before = journal.head
        with pytest.raises(ValueError, match="float"):
            journal.append("resume", torn=1.5, pending=0, policy="p")
        with pytest.raises(ValueError, match="longer than"):
            journal.append("resume", torn="x" * MAX_LINE, pending=0, policy="p")
        assert journal.head == before
    assert len(contents(path).splitlines()) == 1


def test_a_tail_torn_at_any_byte_is_dropped_and_the_run_goes_on(path: str) -> None:
    with started(path) as journal:
        destroy(journal, A)
    good = contents(path)
    start = good.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(start, len(good)):
        pathlib.Path(path).write_bytes(good[:cut])
        assert len(list(read_journal(path, allow_torn=True))) == 3
        if cut > start:
            with pytest.raises(EvidenceError, match=rf"line 4 is torn \({cut - start} bytes"):
                list(read_journal(path))
        with Journal.open(path, executor=Executor()) as journal:
            assert (journal.torn, journal.seq) == (cut - start, 3)
            assert list(journal.state.pending) == [A]
            assert journal.state.pending[A].erased is not None
            journal.append("resume", torn=journal.torn, pending=1, policy="p")
            journal.append("outcome", **outcome(A))
            close(journal)
        state = JournalState.fold(read_journal(path))
        assert (state.counts["destroyed"], state.interruptions, state.closed) == (1, 1, True)


def test_a_last_line_of_rubbish_is_dropped_but_one_before_it_is_a_fault(path: str) -> None:
    with started(path) as journal:
        destroy(journal, A)
    good = contents(path)
    pathlib.Path(path).write_bytes(good + b"\0" * 5000 + b"\n")
    with Journal.open(path, executor=Executor()) as journal:
        assert (journal.torn, journal.seq) == (5001, 4)
    assert contents(path) == good
    lines = good.splitlines(keepends=True)
    bad = b"".join([lines[0], b"\0\0\n", *lines[1:]])
    pathlib.Path(path).write_bytes(bad)
    with pytest.raises(EvidenceError, match=r"journal\.jsonl line 2 is not a record"):
        Journal.open(path, executor=Executor())
    assert contents(path) == bad


@pytest.mark.parametrize("end", [b" ", b"\0", b"}", b"\r"])
def test_two_records_that_lost_the_newline_between_them_are_not_dropped(path: str, end: bytes) -> None:
    with started(path) as journal:
        destroy(journal, A)
    good = contents(path)
    at = good.rstrip(b"\n").rindex(b"\n")
    bad = good[:at] + end + good[at + 1 :]
    pathlib.Path(path).write_bytes(bad)
    for reader in (lambda: list(read_journal(path)), lambda: Journal.open(path, executor=Executor())):
        with pytest.raises(EvidenceError, match="line 3 is not a record, so the file was changed"):
            reader()
    assert contents(path) == bad


def test_a_journal_with_nothing_but_a_torn_line_starts_anew(path: str) -> None:
    pathlib.Path(path).write_bytes(b'{"author":"ewa')
    with Journal.open(path, executor=Executor()) as journal:
        assert (journal.torn, journal.seq, journal.head, journal.state.opening) == (14, 0, NO_HEAD, None)
        journal.append("open", **opening())
    assert JournalState.fold(read_journal(path)).opening is not None


def test_a_second_writer_a_link_and_a_second_name_are_refused(path: str, tmp_path: pathlib.Path) -> None:
    with started(path) as journal:
        journal.sync()
        before = contents(path)
        with pytest.raises(EvidenceError, match="is being written by another process"):
            Journal.open(path, executor=Executor())
    os.symlink(path, tmp_path / "link")
    with pytest.raises(DisposalError, match="link cannot be opened"):
        Journal.open(str(tmp_path / "link"), executor=Executor())
    os.link(path, tmp_path / "second")
    with pytest.raises(EvidenceError, match="not a regular file of its own"):
        Journal.open(path, executor=Executor())
    assert contents(path) == before


def test_reading_what_is_no_file_is_refused(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("none", "cannot be opened"), ("pipe", "not a regular file")):
        with pytest.raises(EvidenceError, match=words):
            list(read_journal(tmp_path / name))


FULL = """
    import os, resource, sys
    from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
    from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
    from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
    from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import destroy, opening, set_name
    path, limit = sys.argv[1], int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    journal = Journal.open(path, executor=Executor())
    if not journal.seq:
        journal.append("open", **opening())
    told = []
    for number in range(1000):
        try:
            destroy(journal, set_name(number))
            journal.sync()
        except DisposalError as error:
            told.append(error.message)
            if len(told) == 2:
                break
    size = os.path.getsize(path)
    journal.close()
    assert os.path.getsize(path) == size, "closing wrote more"
    print("\\n".join(told))
"""


def run_full(path: str, limit: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), path, str(limit)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def assert_recoverable(path: str, told: list[str], reason: str) -> None:
    assert len(told) == 2
    assert told[0] == told[1], "after a failed write nothing more is taken"
    assert told[0] == (
        f"{path} cannot be written ({reason}), so nothing more is done that it would have to record; "
        "repair that or make room, and run the same play again"
    )
    before = contents(path)
    kept = before[: before.rindex(b"\n") + 1]
    with Journal.open(path, executor=Executor()) as journal:
        assert journal.torn == len(before) - len(kept) > 0
    assert contents(path) == kept
    check(kept)


def test_a_file_that_may_not_grow_stops_the_run_and_stays_recoverable(path: str) -> None:
    assert_recoverable(path, run_full(path, 20_001), "File too large")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system; the limit on a file's size is tested by anyone")
def test_a_full_disk_stops_the_run_and_stays_recoverable(tmp_path: pathlib.Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        path = str(small / "journal.jsonl")
        assert_recoverable(path, run_full(path, 0), "No space left on device")
    finally:
        subprocess.run(["umount", str(small)], check=True)


class NoFlush(Executor):
    """Loses what was written when told to flush, once."""

    def __init__(self) -> None:
        self.broken = False

    def fsync(self, fd: int) -> None:
        if self.broken:
            self.broken = False
            raise OSError(5, "Input/output error")
        super().fsync(fd)


def test_a_failed_flush_is_never_tried_again(path: str) -> None:
    executor = NoFlush()
    journal = Journal.open(path, executor=executor)
    journal.append("open", **opening())
    executor.broken = True
    for _each in range(2):
        with pytest.raises(DisposalError, match=r"cannot be made durable \(Input/output error\)"):
            journal.sync()
    with pytest.raises(DisposalError, match="cannot be made durable"):
        journal.append("resume", torn=0, pending=0, policy="p")
    journal.close()
    journal.close()
    with pytest.raises(DisposalError, match="cannot be made durable"):
        journal.sync()


def test_a_closed_journal_takes_nothing(path: str) -> None:
    journal = started(path)
    journal.close()
    with pytest.raises(DisposalError, match="is closed; open it again"):
        journal.append("resume", torn=0, pending=0, policy="p")


def test_nothing_is_on_disk_before_sync_and_all_after(path: str) -> None:
    with started(path) as journal:
        assert contents(path) == b""
        journal.sync()
        first = contents(path)
        assert journal.head == digest(first.rstrip(b"\n"))
        head = journal.append("intent", **intent(A))
        assert contents(path) == first
        journal.sync()
        assert head == journal.head == digest(contents(path).splitlines()[-1])
    assert (os.stat(path).st_mode & 0o777) == 0o600


def test_the_state_follows_and_survives(path: str) -> None:
    clock = iter(dt.datetime(2026, 11, 23, 22, 0, 0, number, tzinfo=dt.timezone.utc) for number in range(99))
    journal = Journal.open(path, executor=Executor(), clock=lambda: next(clock))
    journal.append("open", **opening())
    destroy(journal, A)
    journal.append("outcome", **outcome("2024/01/02/in-48600100200-ż.wav", "not_destroyed", "held"))
    journal.append("intent", **intent(B))
    journal.close()
    again = Journal.open(path, executor=Executor())
    for state in (journal.state, again.state, JournalState.fold(read_journal(path))):
        assert state.counts == {"destroyed": 1, "not_destroyed": 1, "unknown": 0}
        assert state.bytes_destroyed == 160044
        assert (state.outcome_of(A), state.outcome_of(B)) == ("destroyed", None)
        assert state.outcome_of("2024/01/02/in-48600100200-ż.wav") == "not_destroyed"
        assert list(state.pending) == [B]
        assert state.pending[B].erased is None
        assert state.pending[B].intents[0]["keep_until"] == "2025-01-01T00:00:00Z"
        assert (state.closed, state.interruptions) == (False, 0)
    assert (again.seq, again.head, again.torn) == (journal.seq, journal.head, 0)
    again.close()
    assert [record["time"] for record in read_journal(path)][:2] == ["2026-11-23T22:00:00.000000Z", "2026-11-23T22:00:00.000001Z"]


def test_names_that_look_alike_are_two_sets() -> None:
    lower, upper, spaced = "a" * 32, "A" * 32, "a" * 31 + " "
    records = [
        {"type": "open", **opening()},
        *({"type": "outcome", **outcome(name, "unknown")} for name in (lower, upper, spaced, "_" * 32)),
    ]
    state = check(chained(records))
    assert state.counts["unknown"] == 4


def test_a_name_that_is_not_utf8_survives(path: str) -> None:
    name = b"in-\xb9\xea.wav".decode("utf-8", "surrogateescape")
    with started(path) as journal:
        journal.append("outcome", **outcome(name, "not_destroyed", "held"))
        close(journal)
    state = check(contents(path))
    assert state.closed
    assert state.outcome_of(name) == "not_destroyed"
