# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks of planning, each against GNU find over the same tree in the same run; prints ratios, judges nothing.

The tree: FreePBX names, 1,000 sets a day, empty files, a tenth of them due, on a memory filesystem where there is one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t

MODULE = "ansible_collections.recordings.disposal.plugins.modules.retention_plan"
PER_DAY = 1000
ROUNDS = 3


def build(root: pathlib.Path, sets: int) -> None:
    """Empty recordings, the newest of yesterday."""
    day = dt.date.today() - dt.timedelta(days=-(-sets // PER_DAY))
    made = 0
    while made < sets:
        directory = root / f"{day:%Y/%m/%d}"
        directory.mkdir(parents=True)
        fd = os.open(directory, os.O_RDONLY)
        noon = int(dt.datetime(day.year, day.month, day.day, 12).timestamp())
        for number in range(min(PER_DAY, sets - made)):
            clock = f"{8 + number % 10:02d}{number % 60:02d}{number // 17 % 60:02d}"
            name = f"in-+4822555{number:04d}-+48600{number:06d}-{day:%Y%m%d}-{clock}-{noon + number}.{number}.wav"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=fd))
            os.utime(name, (noon, noon), dir_fd=fd)
        os.close(fd)
        made += PER_DAY
        day += dt.timedelta(days=1)


def policy(root: pathlib.Path, sets: int) -> dict[str, t.Any]:
    """Nine tenths are kept, so that the plan stays within the default share."""
    days = -(-sets // PER_DAY)
    return {
        "id": "bench",
        "version": "1",
        "owner": "owner@example.com",
        "review_by": "2099-01-01",
        "time_zone": "Europe/Warsaw",
        "sources": [{"name": "pbx", "layout": "freepbx", "roots": [str(root)]}],
        "classes": [
            {
                "name": "calls",
                "match": {"direction": ["in"]},
                "start": {"event": "recording_start"},
                "keep": f"P{days - days // 11}D",
                "destroy_within": "P30D",
                "legal_basis": "benchmark",
                "disposal": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
            }
        ],
    }


class Measured(t.NamedTuple):
    """Wall seconds, peak MiB over all processes at one time, bytes of output."""

    seconds: float
    memory: float
    output: bytes


def _tree_memory(pid: int) -> int:
    """Proportional set size of a process and its descendants, KiB."""
    total = 0
    for number in _descendants(pid):
        try:
            with open(f"/proc/{number}/smaps_rollup", encoding="ascii") as handle:
                total += next(int(line.split()[1]) for line in handle if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


def _descendants(pid: int) -> t.Iterator[int]:
    yield pid
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as handle:
            children = [int(word) for word in handle.read().split()]
    except OSError:
        return
    for child in children:
        yield from _descendants(child)


def measure(command: list[str], stdin: bytes = b"") -> Measured:
    """Run a command, sampling its memory."""
    peak = 0
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.DEVNULL)
        done = threading.Event()

        def sample() -> None:
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, _tree_memory(process.pid))

        sampler = threading.Thread(target=sample)
        sampler.start()
        process.communicate(stdin)
        seconds = time.perf_counter() - started
        done.set()
        sampler.join()
        output.seek(0)
        text = output.read()
    return Measured(seconds, peak / 1024, text)


def plan(root: pathlib.Path, sets: int, state: pathlib.Path) -> Measured:
    """The module itself, as Ansible starts it: arguments on standard input, the result on standard output."""
    arguments = {"policy": policy(root, sets), "state_dir": str(state), "identifiers_key": "b" * 64, "on_limit": "report"}
    return measure([sys.executable, "-m", MODULE], json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())


def bench_planning(sets: int, work: pathlib.Path) -> float:
    """Print one size's figures; returns the peak memory in MiB."""
    root = work / f"tree{sets}"
    build(root, sets)
    state = work / "state"
    find = ["find", str(root), "-type", "f", "-printf", "%p %s %T@\\n"]
    measure(find)
    rounds = []
    for _round in range(ROUNDS):
        shutil.rmtree(state, ignore_errors=True)
        rounds.append((measure(find), plan(root, sets, state)))
    result = json.loads(rounds[-1][1].output)
    if result.get("failed"):
        sys.exit(f"planning failed: {result['msg']}")
    found = statistics.median(pair[0].seconds for pair in rounds)
    planned = statistics.median(pair[1].seconds for pair in rounds)
    ratio = statistics.median(pair[1].seconds / pair[0].seconds for pair in rounds)
    memory = max(pair[1].memory for pair in rounds)
    print(
        f"plan {sets:>9,} sets ({result['verdicts']['due']['sets']:,} due): {planned:6.2f} s, find {found:5.2f} s, "
        f"ratio {ratio:4.2f} (to reach: 3.00), peak memory {memory:5.1f} MiB (150), result {len(rounds[-1][1].output) / 1024:4.1f} KiB (64)",
        flush=True,
    )
    shutil.rmtree(root)
    return memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dir", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None, help="where the trees are built")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=options.dir) as name:
        memories = [bench_planning(sets, pathlib.Path(name)) for sets in options.sets]
    if len(memories) > 1:
        print(f"peak memory at {options.sets[-1]:,} sets is {memories[-1] / memories[0]:.2f} of that at {options.sets[0]:,}")


if __name__ == "__main__":
    main()
