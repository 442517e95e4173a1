# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command is measured: wall time, memory of its whole tree of processes, output."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
import typing as t


class Measured(t.NamedTuple):
    """Wall seconds, peak MiB over all processes at one time, bytes of output, exit code."""

    seconds: float
    memory: float
    output: bytes
    code: int


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
    return Measured(seconds, peak / 1024, text, process.returncode)
