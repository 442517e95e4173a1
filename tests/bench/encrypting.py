# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypting recordings against age alone over the same bytes as one stream, on the same medium in the same run; medians."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import typing as t

from measuring import measure

MODULE = "ansible_collections.recordings.disposal.plugins.modules.recording_encrypt"
SIZE = 1_000_000


def build(root: pathlib.Path, count: int, stream: pathlib.Path) -> None:
    """Recordings of the first days of a month, and the same bytes as one file."""
    with stream.open("wb") as whole:
        for number in range(count):
            moment = dt.datetime(2026, 3, 1 + number % 20, 12) + dt.timedelta(seconds=number)
            directory = root / f"{moment:%Y/%m/%d}"
            directory.mkdir(parents=True, exist_ok=True)
            name = f"in-+48225550100-+48600{number:06d}-{moment:%Y%m%d-%H%M%S}-{int(moment.timestamp())}.{number}.wav"
            content = os.urandom(SIZE)
            (directory / name).write_bytes(content)
            os.utime(directory / name, (moment.timestamp(),) * 2)
            whole.write(content)
    os.sync()


def policy(root: pathlib.Path) -> dict[str, t.Any]:
    return {
        "id": "bench",
        "version": "1",
        "owner": "owner@example.com",
        "review_by": "2099-01-01",
        "time_zone": "Europe/Warsaw",
        "identifiers": "plain",
        "sources": [{"name": "pbx", "layout": "freepbx", "roots": [str(root)]}],
        "classes": [
            {
                "name": "calls",
                "start": {"event": "recording_start"},
                "keep": "P50Y",
                "destroy_within": "P2M",
                "legal_basis": "benchmark",
                "encryption": {"period": "month"},
                "disposal": {"technique": "crypto_erase", "level": "purge"},
            }
        ],
    }


def _ours(root: pathlib.Path, state: pathlib.Path, recipient: str) -> tuple[dict[str, t.Any], float]:
    """The module's result, as Ansible starts it, and its memory in MiB."""
    arguments = {
        "policy": policy(root),
        "state_dir": str(state),
        "recipients": [{"class": "calls", "period": "2026-03", "recipient": recipient}],
    }
    measured = measure([sys.executable, "-m", MODULE], json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    result = json.loads(measured.output)
    if result.get("failed"):
        sys.exit(f"encrypting failed: {result['msg']}")
    return t.cast("dict[str, t.Any]", result), measured.memory


def bench(medium: pathlib.Path, *, count: int, rounds: int) -> None:
    if shutil.which("age") is None:
        print("encrypting: not run, age is not installed")
        return
    ours: dict[str, list[float]] = {}
    alone: list[float] = []
    memory = 0.0
    with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=medium) as name:
        place = pathlib.Path(name)
        key = place / "key.txt"
        subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
        recipient = subprocess.run(["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True).stdout.strip()
        for number in range(rounds):
            build(place / "root", count, place / "stream")
            alone.append(measure(["age", "-r", recipient, "-o", str(place / "stream.age"), str(place / "stream")]).seconds)
            (place / "stream.age").unlink()
            os.sync()
            result, peak = _ours(place / "root", place / f"state{number}", recipient)
            if result["files"] != count:
                sys.exit(f"only {result['files']} of {count} files were encrypted")
            for stage, seconds in result["seconds"].items():
                ours.setdefault(stage, []).append(seconds)
            memory = max(memory, peak)
            shutil.rmtree(place / "root")
    middle = {stage: statistics.median(seconds) for stage, seconds in ours.items()}
    peer = statistics.median(alone)
    told = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in middle.items())
    print(f"{count:,} recordings of 1 MB: {told}; peak memory {memory:.0f} MiB")
    print(f"  encrypting, against age over one stream: {peer:.2f} s, ratio {peer / middle['encrypting']:.2f} (to reach: 0.8)", flush=True)
