# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several acts at once in real processes: one that dies stops no other, and none outlives whoever began it."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import itertools
import os
import pathlib
import select
import signal
import subprocess
import sys
import textwrap
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._jobs import children
from ansible_collections.recordings.disposal.plugins.module_utils._jobs.children import each_in_a_child

Told = dict[str, t.Any]
LONGEST = 60


def all_of(jobs: t.Iterable[t.Any], act: t.Callable[[t.Any], Told], *, most: int = 4) -> dict[t.Any, tuple[Told | None, str]]:
    return {job: (result, ended) for job, result, ended in each_in_a_child(jobs, act, most=most)}


def is_alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    with contextlib.suppress(OSError):
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def until(is_so: t.Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def note(path: pathlib.Path) -> None:
    """Leave the number of this process there, at once and whole."""
    half = path.with_name(f"{path.name}.half")
    half.write_text(str(os.getpid()), encoding="ascii")
    half.rename(path)


def noted(path: pathlib.Path) -> int:
    until(path.exists)
    return int(path.read_text(encoding="ascii"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> t.Iterator[None]:
    """No child and no descriptor is left behind, whatever a test did."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert set(os.listdir("/proc/self/fd")) == before


def test_nothing_to_do() -> None:
    assert all_of([], lambda job: {}) == {}


def test_each_in_a_process_of_its_own() -> None:
    found = all_of(range(5), lambda job: {"job": job, "pid": os.getpid(), "parent": os.getppid()})
    assert {job: ended for job, (_result, ended) in found.items()} == dict.fromkeys(range(5), "")
    results = [result for result, _ended in found.values() if result is not None]
    assert sorted(result["job"] for result in results) == list(range(5))
    assert len({result["pid"] for result in results}) == 5 and {result["parent"] for result in results} == {os.getpid()}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_one_that_dies_by_a_signal(number: signal.Signals) -> None:
    def act(job: str) -> Told:
        if job == "dies":
            faulthandler.disable()
            os.kill(os.getpid(), number)
            time.sleep(LONGEST)
        return {"job": job}

    assert all_of(["a", "dies", "b"], act) == {
        "a": ({"job": "a"}, ""),
        "b": ({"job": "b"}, ""),
        "dies": (None, f"its process was ended by signal {number.value}"),
    }


def raises(job: t.Any) -> Told:
    raise job


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("proof"), "its process ended without a result (KeyError: 'proof')"),
        (ValueError("two\nlines \udce9"), "its process ended without a result (ValueError: two lines \\udce9)"),
        (RuntimeError("x" * 9999), f"its process ended without a result (RuntimeError: {'x' * 286})"),
        (RuntimeError(), "its process ended without a result (RuntimeError:)"),
        (SystemExit(0), "its process ended without a result"),
        (KeyboardInterrupt(), "its process ended without a result"),
    ],
)
def test_one_that_raises(error: BaseException, told: str) -> None:
    assert all_of([error], raises) == {error: (None, told)}


def test_one_that_ends_in_the_middle_of_it() -> None:
    def act(job: int) -> Told:
        os._exit(job)

    assert all_of([0, 3], act) == dict.fromkeys([0, 3], (None, "its process ended without a result"))


def test_a_result_that_is_none() -> None:
    result, told = all_of(["x"], lambda job: {"set": {1, 2}})["x"]
    assert result is None and told == "its process ended without a result (TypeError: Object of type set is not JSON serializable)"


def test_a_result_that_is_larger_than_a_pipe() -> None:
    size = 5 << 20
    found = all_of("abc", lambda job: {"text": job * size, "odd": "caf\udce9 żółw"}, most=3)
    for job, (result, ended) in found.items():
        assert ended == "" and result == {"text": job * size, "odd": "caf\udce9 żółw"}


def test_never_more_at_once_than_there_may_be(tmp_path: pathlib.Path) -> None:
    def act(job: int) -> Told:
        (tmp_path / str(job)).touch()
        running = len(os.listdir(tmp_path))
        time.sleep(0.05)
        (tmp_path / str(job)).unlink()
        return {"running": running}

    for most in (1, 3):
        found = all_of(range(9), act, most=most)
        counts = [result["running"] for result, _ended in found.values() if result is not None]
        assert len(counts) == 9 and max(counts) <= most
    assert max(counts) > 1


def test_the_next_is_asked_for_when_there_is_room_for_it(tmp_path: pathlib.Path) -> None:
    """What speaks against a medium is looked at just before its turn, and its turn may come hours later."""
    asked: list[int] = []

    def jobs() -> t.Iterator[int]:
        for job in range(4):
            asked.append(job)
            yield job

    def act(job: int) -> Told:
        until((tmp_path / str(job)).exists)
        return {}

    running = each_in_a_child(jobs(), act, most=2)
    (tmp_path / "1").touch()
    assert next(running)[0] == 1 and asked == [0, 1]
    (tmp_path / "2").touch()
    assert next(running)[0] == 2 and asked == [0, 1, 2]
    (tmp_path / "0").touch()
    (tmp_path / "3").touch()
    assert sorted(job for job, _result, _ended in running) == [0, 3]


def test_they_are_told_as_they_end(tmp_path: pathlib.Path) -> None:
    """One that hangs holds up nobody else."""

    def act(job: int) -> Told:
        until((tmp_path / str(job)).exists)
        return {}

    running = each_in_a_child([0, 1, 2], act, most=3)
    for job in (2, 0, 1):
        (tmp_path / str(job)).touch()
        assert next(running)[0] == job
    assert list(running) == []


def test_no_process_can_be_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    real, numbers = os.fork, itertools.count()

    def fork() -> int:
        if next(numbers) == 1:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return real()

    monkeypatch.setattr(children.os, "fork", fork)
    found = all_of("abc", lambda job: {"job": job}, most=1)
    assert found["b"] == (None, "no process could be begun for it (Resource temporarily unavailable)")
    assert found["a"][0] == {"job": "a"} and found["c"][0] == {"job": "c"}


def test_the_jobs_themselves_fail(tmp_path: pathlib.Path) -> None:
    """The journal cannot be written any more: nobody goes on unrecorded."""

    def jobs() -> t.Iterator[str]:
        yield "a"
        noted(tmp_path / "a")
        raise OSError(28, "No space left on device")

    def act(job: str) -> Told:
        note(tmp_path / job)
        time.sleep(LONGEST)
        return {}

    with pytest.raises(OSError, match="No space left"):
        list(each_in_a_child(jobs(), act, most=2))
    assert not is_alive(noted(tmp_path / "a"))


def test_a_run_that_is_given_up(tmp_path: pathlib.Path) -> None:
    """Also where one has ended meanwhile, and nobody has read what it said."""

    def act(job: str) -> Told:
        note(tmp_path / job)
        if job == "hangs":
            time.sleep(LONGEST)
        return {"text": "x" * (1 << 20 if job == "large" else 1)}

    running = each_in_a_child(["first", "done", "large", "hangs"], act, most=4)
    next(running)
    pids = [noted(tmp_path / job) for job in ("done", "large", "hangs")]
    running.close()
    assert [pid for pid in pids if is_alive(pid)] == []


def test_one_that_has_ended_when_a_run_is_given_up(tmp_path: pathlib.Path) -> None:
    def act(job: int) -> Told:
        if job:
            note(tmp_path / str(job))
        return {"job": job}

    for _time in range(20):
        running = each_in_a_child(range(4), act, most=4)
        next(running)
        for job in range(1, 4):
            until((tmp_path / str(job)).exists)
            (tmp_path / str(job)).unlink()
        running.close()


PARENT = """
import os, signal, sys, time
from ansible_collections.recordings.disposal.plugins.module_utils._jobs.children import each_in_a_child

def act(job):
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(600)
    return {}

# Whoever runs the tests may have had it ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
for each in each_in_a_child(range(3), act, most=3):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_none_outlives_whoever_began_it(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(PARENT)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids: list[int] = []
        data = b""
        while data.count(b"\n") < 3:
            assert select.select([parent.stdout], [], [], LONGEST)[0]
            data += os.read(parent.stdout.fileno(), 4096)
        pids = [int(line) for line in data.split()]
        assert all(map(is_alive, pids))
        parent.send_signal(number)
        parent.wait(LONGEST)
        until(lambda: not any(map(is_alive, pids)))


def test_a_child_leaves_nothing_of_what_its_parent_has_to_do(tmp_path: pathlib.Path) -> None:
    """Neither what stands in a buffer is written twice, nor are the parent's last words said by a child."""
    code = f"""
    import sys, atexit
    from ansible_collections.recordings.disposal.plugins.module_utils._jobs.children import each_in_a_child
    atexit.register(lambda: sys.stdout.write("end\\n"))
    sys.stdout.write("begin\\n")
    file = open({str(tmp_path / "file")!r}, "w")
    file.write("once")
    try:
        print(sorted(job for job, _result, _ended in each_in_a_child(range(3), lambda job: [][job], most=2)))
    finally:
        print("finally")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == "begin\n[0, 1, 2]\nfinally\nend\n" and (tmp_path / "file").read_text(encoding="utf-8") == "once"
