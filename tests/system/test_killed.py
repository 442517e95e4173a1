# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 in the middle of applying, again and again: every set is accounted for once, none is claimed twice, none is lost."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

SETS = 600
KILLS = 10

_CHILD = """
import json, sys
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.applying import apply_plan
result = apply_plan(json.load(open(sys.argv[1])), Executor(), check_mode=False)
json.dump(result["counts"], sys.stdout)
"""


def start(params: pathlib.Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(params)], stdout=subprocess.PIPE, env=environment)


def test_killed_ten_times_then_finished(tmp_path: pathlib.Path) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    print("seed", seed)
    rng = random.Random(seed)
    world = World(tmp_path)
    old = [world.record(days=100 + number / 10, number=number, size=rng.randrange(100, 60000)) for number in range(SETS)]
    young = world.record(days=1, number=SETS)
    planned = world.plan()
    assert planned["verdicts"]["due"]["sets"] == SETS
    params = tmp_path / "params.json"
    params.write_text(json.dumps(world.apply_params(world.manifest(planned))))
    journal = None
    kills = 0
    while kills < KILLS:
        process = start(params)
        # Killed only once there is a journal, and at a point of its growth that no one can foresee.
        floor = journal.stat().st_size if journal else 0
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            journal = journal or next(iter((world.state / "runs").glob("*/journal.jsonl")), None)
            if journal and journal.stat().st_size > floor:
                time.sleep(rng.random() * 0.03)
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    assert journal is not None
    assert not JournalState.fold(read_journal(journal, allow_torn=True)).closed, "every kill came too late to interrupt anything"
    output, _errors = start(params).communicate(timeout=120)
    counts = json.loads(output)
    # A write cut off between the change of a file's time and that of its bytes leaves a file that nobody can tell from a touched one.
    assert counts["destroyed"] + counts["unknown"] == SETS and counts["unknown"] <= KILLS
    records = list(read_journal(journal))
    state = JournalState.fold(records)
    assert state.closed and state.interruptions >= 1
    per_set = collections.Counter(record["set"] for record in records if record["type"] == "outcome")
    assert len(per_set) == SETS and set(per_set.values()) == {1}
    assert sum(path.exists() or path.with_suffix(".json").exists() for path in old) == counts["unknown"]
    assert young.exists() and young.with_suffix(".json").exists()
