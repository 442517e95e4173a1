# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypting on real filesystems: the adversary with the raw image, a disk that is full, and kill -9 at any point; stock age decrypts."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import identity_text
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, not_run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import marked
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint

SIZES = [0, 16, 1000, 4096, 65536, 65537, 200_000, (1 << 20) + 1, (3 << 20) + 777]
SAID = b"WHAT-WAS-SAID-ON-THE-PHONE"
NOTED = b"NOTED-BESIDE-THE-RECORDING"
SETS = 160
KILLS = 10

_CHILD = """
import json, sys
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import destroying
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.encrypting import encrypt_recordings
destroying._BATCH_FILES = 40
result = encrypt_recordings(json.load(open(sys.argv[1])), Executor(), check_mode=False)
json.dump(result["sets"], sys.stdout)
"""


@pytest.fixture(autouse=True)
def _age() -> None:
    if not shutil.which("age"):
        not_run("the tool age is not installed")


def rewritten(path: pathlib.Path, content: bytes) -> None:
    facts = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def by_stock_age(world: EncryptWorld, plain: t.Mapping[pathlib.Path, bytes]) -> None:
    """Every recording is there, encrypted only, and stock age decrypts it to what it was."""
    keys = world.path / "identities.txt"
    keys.write_text("".join(f"{identity_text(identity)}\n" for identity in world.identities.values()))
    for path, content in plain.items():
        assert not path.exists()
        done = subprocess.run(["age", "-d", "-i", str(keys), f"{path}.age"], capture_output=True, check=False)
        assert done.returncode == 0 and done.stdout == content, (path.name, done.stderr)
    keys.unlink()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_the_adversary_finds_nothing_of_what_was_said(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    (mounted.path / "host").mkdir()
    world = EncryptWorld(mounted.path / "host")
    plain = {}
    for number, size in enumerate(SIZES):
        path = world.record(days=2 + number, number=number)
        plain[path] = marked(size, marker=SAID)
        rewritten(path, plain[path])
        rewritten(path.with_suffix(".json"), json.dumps({"note": NOTED.decode() * 40}).encode())
    os.sync()
    result = world.encrypt()
    assert result["outcome"] == "destroyed" and not result["warnings"] and result["sets"]["encrypted"] == len(SIZES)
    by_stock_age(world, plain)
    steps = [record for record in world.journal() if record["type"] == "step"]
    assert {copy["read"] for record in steps for copy in record["told"]["copies"]} == {"direct"}
    bed.unmount(mounted.path)
    assert hits(mounted.image, SAID) == 0
    # The adversary is able: the metadata, which stays plain, is found.
    assert hits(mounted.image, NOTED) >= 40


def test_a_disk_without_room_for_the_copy(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=24)
    (mounted.path / "host").mkdir()
    world = EncryptWorld(mounted.path / "host")
    large, small = world.record(days=3, size=12 << 20), world.record(days=2, number=1, size=1 << 20)
    content, other = large.read_bytes(), small.read_bytes()
    before = fingerprint(large.parent)
    with pytest.raises(DisposalError, match="1 of 2 sets were not encrypted .*no room for the encrypted copy; make room and run again"):
        world.encrypt()
    assert fingerprint(large.parent) == before
    by_stock_age(world, {small: other})
    with pytest.raises(DisposalError, match="no room for the encrypted copy"):
        world.encrypt()
    assert large.read_bytes() == content


def start(params: pathlib.Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(params)], stdout=subprocess.PIPE, env=environment)


def test_killed_ten_times_then_finished(tmp_path: pathlib.Path) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    print("seed", seed)
    rng = random.Random(seed)
    world = EncryptWorld(tmp_path)
    paths = [world.record(days=2 + number / 10, number=number, size=rng.randrange(0, 150_000)) for number in range(SETS)]
    plain = {path: path.read_bytes() for path in paths}
    params = tmp_path / "params.json"
    params.write_text(json.dumps(world.encrypt_params()))
    cut = 0
    for _kill in range(KILLS):
        process = start(params)
        journal = _latest(world)
        floor = journal.stat().st_size if journal else 0
        deadline = time.monotonic() + 60
        # Killed only once the journal has grown, and at a point after that which no one can foresee.
        while process.poll() is None and time.monotonic() < deadline:
            found = _latest(world)
            if found and (found != journal or found.stat().st_size > floor):
                time.sleep(rng.random() * 0.25)
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = _latest(world)
        cut += found is not None and not JournalState.fold(read_journal(found, allow_torn=True)).closed
        for path in plain:
            assert path.exists() or path.with_name(f"{path.name}.age").exists()
    print("interrupted", cut)
    assert cut, "every kill came too late to interrupt anything"
    output, _errors = start(params).communicate(timeout=120)
    assert json.loads(output)["encrypted"] + json.loads(output)["encrypted_before"] >= SETS
    by_stock_age(world, plain)
    assert len(world.names()) == 2 * SETS
    for path in (world.state / "runs").glob("*/journal.jsonl"):
        assert JournalState.fold(read_journal(path)).closed


def _latest(world: EncryptWorld) -> pathlib.Path | None:
    found = list((world.state / "runs").glob("*/journal.jsonl"))
    return max(found, key=lambda path: path.stat().st_mtime_ns) if found else None
