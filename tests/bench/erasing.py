# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroying the key of a period with few recordings and with many: the key's end against itself, the look at every file against GNU find."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile
import typing as t

import encrypting
from measuring import Measured, measure

MODULES = "ansible_collections.recordings.disposal.plugins.modules"
PERIOD = "2026-03"
VOUCHED = ("encrypted_from_first_write", "no_backup", "not_in_memory", "no_store_copies")


def _run(module: str, **arguments: t.Any) -> tuple[dict[str, t.Any], Measured]:
    measured = measure([sys.executable, "-m", f"{MODULES}.{module}"], json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    result = json.loads(measured.output)
    if result.get("failed"):
        sys.exit(f"{module} failed: {result['msg']}")
    return result, measured


def _many(root: pathlib.Path, count: int) -> None:
    """So many encrypted recordings of the month: what the look reads is in the first block, so each has that of the one that is there."""
    (first,) = root.rglob("*.age")
    content, moment = first.read_bytes()[:4096], first.stat().st_mtime
    for number in range(1, count):
        name = first.name.replace("+48600000000", f"+48600{number:06d}").replace(".0.wav", f".{number}.wav")
        path = first.with_name(name)
        path.write_bytes(content)
        os.utime(path, (moment, moment))


def _once(place: pathlib.Path, count: int) -> tuple[Measured, Measured, Measured]:
    """The look at the recordings, find over the same files, the end of the key."""
    (place / "store").mkdir(mode=0o700)
    store = {"kind": "directory", "path": str(place / "store")}
    key = {"class": "calls", "period": PERIOD, "dir": str(place / "keys")}
    made, _told = _run("period_key", key_store=store, **key)
    encrypting.build(place / "root", 1, place / "stream")
    policy = encrypting.policy(place / "root")
    policy["classes"][0]["keep"] = "P1D"
    _run("recording_encrypt", policy=policy, state_dir=str(place / "state"), recipients=made["recipients"])
    _many(place / "root", count)
    about = {"class": "calls", "period": PERIOD, "recipient": made["recipient"], "host": "pbx1"}
    looked, look = _run("recording_period", policy=policy, state_dir=str(place / "state"), identifiers_key="b" * 64, **about)
    if looked["report"]["sets"] != count or looked["report"]["kept"]:
        sys.exit(f"of {count} recordings this was found: {looked['report']}")
    find = measure(["find", str(place / "root"), "-type", "f", "-printf", "%p %s %T@\\n"])
    _erased, erase = _run(
        "crypto_erase",
        target={"kind": "period", **key},
        key_store=store,
        hosts=["pbx1"],
        reports=[looked["report"]],
        declared=dict.fromkeys(VOUCHED, "benchmark"),
        level="purge",
        holds="checked",
        state_dir=str(place / "state"),
    )
    return look, find, erase


def bench(medium: pathlib.Path, counts: t.Sequence[int]) -> None:
    """:arg counts: of recordings, the first is what the others are compared with."""
    first = 0.0
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=medium) as name:
            look, find, erase = _once(pathlib.Path(name), count)
        first = first or erase.seconds
        print(
            f"a period of {count:,} recordings: its key's end {erase.seconds:.2f} s (ratio to {counts[0]:,} recordings {erase.seconds / first:.2f}); "
            f"the look at every recording {look.seconds:.2f} s, find {find.seconds:.2f} s, ratio {look.seconds / find.seconds:.1f}, "
            f"peak memory {look.memory:.0f} MiB",
            flush=True,
        )
