# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks, each against its peers in the same run; prints ratios, judges nothing.

Planning against GNU find. The tree: FreePBX names, 1,000 sets a day, empty files, a tenth of them due, on a memory filesystem where there is one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import typing as t

import encrypting
import erasing
import overwriting
import sealing
from measuring import Measured, measure

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
    parser.add_argument("--only", choices=["plan", "overwrite", "encrypt", "erase", "seal"], help="one of the parts")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts, for overwriting")
    parser.add_argument("--files", type=int, default=10_000, help="how many files of 200 kB are overwritten")
    parser.add_argument("--recordings", type=int, default=10_000, help="how many files of 1 MB are encrypted")
    parser.add_argument("--records", type=int, default=1_000_000, help="how many records of journals are sealed")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 8], help="by how many hosts they were written")
    parser.add_argument("--device-gib", type=int, default=8, help="size of the loop device and of the large file")
    parser.add_argument("--medium", default="/var/tmp", help="a directory on the medium that is overwritten")
    parser.add_argument("--dir", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None, help="where the trees are built")
    options = parser.parse_args()
    if options.only in (None, "overwrite"):
        overwriting.bench(pathlib.Path(options.medium), files=options.files, gib=options.device_gib, rounds=options.rounds)
    if options.only in (None, "encrypt"):
        encrypting.bench(pathlib.Path(options.medium), count=options.recordings, rounds=min(options.rounds, ROUNDS))
    if options.only in (None, "erase"):
        erasing.bench(pathlib.Path(options.medium), (1_000, 100_000))
    if options.only in (None, "seal"):
        sealing.bench(options.dir, records=options.records, hosts=options.hosts)
    if options.only in ("overwrite", "encrypt", "erase", "seal"):
        return
    with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=options.dir) as name:
        memories = [bench_planning(sets, pathlib.Path(name)) for sets in options.sets]
    if len(memories) > 1:
        print(f"peak memory at {options.sets[-1]:,} sets is {memories[-1] / memories[0]:.2f} of that at {options.sets[0]:,}")


if __name__ == "__main__":
    main()
