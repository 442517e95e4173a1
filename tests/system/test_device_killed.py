# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that overwrites a device is killed, and another goes on in the same pass; in the end every byte is proven and looked at."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import device as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import DeviceResult
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass, Scheme
from ansible_collections.recordings.disposal.tests.system import device_bed
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, overwrite, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, not_run

SIZE = 2048 * MIB


def start(image: pathlib.Path, checkpoint: pathlib.Path, scheme: str, pace: float) -> subprocess.Popen[str]:
    command = [sys.executable, str(device_bed.__file__), str(image), str(checkpoint), scheme, str(pace)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_at(process: subprocess.Popen[str], checkpoint: pathlib.Path, phase: str, share: float) -> int:
    """Kill it as soon as its checkpoint says so; returns the offset of the checkpoint that is left."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None and time.monotonic() < deadline
        if checkpoint.exists():
            state = json.loads(checkpoint.read_text())
            if state["phase"] == phase and state["next"] >= share * SIZE:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return int(json.loads(checkpoint.read_text())["next"])
        time.sleep(0.01)


def finish(process: subprocess.Popen[str]) -> dict[str, t.Any]:
    output, _nothing = process.communicate(timeout=300)
    assert process.returncode == 0
    return dict(json.loads(output))


def expected(key: bytes | None) -> str:
    """What must be on the medium: zeros, or the AES-256-CTR keystream of counter 0 on, made here without the engine."""
    digest = hashlib.sha256()
    encryptor = Cipher(AES(key), CTR(bytes(16))).encryptor() if key else None
    for _each in range(SIZE // MIB):
        digest.update(encryptor.update(bytes(MIB)) if encryptor else bytes(MIB))
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("scheme", "phase"), [("random", "write"), ("random", "verify"), pytest.param("nist_clear", "write", marks=pytest.mark.thorough)]
)
def test_killed_at_forty_percent_and_gone_on_with(bed: Bed, scheme: str, phase: str) -> None:
    room = os.statvfs(bed.directory)
    if room.f_bavail * room.f_frsize < 2 * SIZE:
        not_run("there is no room for a device of 2 GiB")
    image = bed.make_image(SIZE // MIB)
    bed.attach(image)
    checkpoint = bed.directory / "checkpoint"
    offset = kill_at(start(image, checkpoint, scheme, 0.01), checkpoint, phase, 0.4)
    key = pathlib.Path(f"{checkpoint}.key").read_bytes() if scheme == "random" else None
    result = finish(start(image, checkpoint, scheme, 0))
    assert (result["outcome"], result["reason"]) == ("destroyed", None)
    assert result["resumed"] == [1, phase, offset] and 0.4 * SIZE <= offset < SIZE
    assert (result["bytes"], result["verified_bytes"]) == (SIZE, SIZE)
    assert result["kibibytes"] <= 150 * 1024
    assert not checkpoint.exists() and not pathlib.Path(f"{checkpoint}.key").exists()
    assert sha256(image) == expected(key)
    # pytest keeps the directories of the last runs.
    image.write_bytes(b"")


@pytest.mark.parametrize("verify", ["last", "all", "sample"])
def test_broken_off_after_each_stretch_of_each_pass(bed: Bed, monkeypatch: pytest.MonkeyPatch, verify: str) -> None:
    monkeypatch.setattr(module, "WINDOW", (4 * MIB, 4 * MIB))
    size = 10 * MIB + 512
    image = bed.fill_image(marked(size))
    bed.attach(image)
    checkpoint = bed.directory / "checkpoint"
    scheme = Scheme("three", (Pass(None), Pass(b"abc"), Pass(None)))
    keys: set[bytes] = set()
    seen: set[tuple[t.Any, ...]] = set()

    def once(told: t.Mapping[str, t.Any]) -> None:
        if told["pass"] != 2:
            keys.add(pathlib.Path(f"{checkpoint}.key").read_bytes())
        # Reading back begins anew each time, so the same stretch comes again.
        at = told["pass"], told["phase"], told["done"]
        if at not in seen:
            seen.add(at)
            raise KeyboardInterrupt

    def run() -> DeviceResult | None:
        try:
            return overwrite(image, scheme, verify=verify, share=0.5, checkpoint_path=str(checkpoint), resume=True, report=once)
        except KeyboardInterrupt:
            return None

    result = next(result for result in iter(run, "never") if result)
    # A sample proves nothing of the rest.
    assert (result.outcome, result.asked) == (("unknown", True) if verify == "sample" else ("destroyed", False)), result
    assert (result.bytes, result.passes) == (size, 3)
    assert result.verified_bytes == result.to_verify
    assert result.resumed is not None and result.resumed[:2] == (3, "verify")
    assert len(keys) == 2
    content = image.read_bytes()
    assert any(content == keystream(key, size) for key in keys)
    assert not checkpoint.exists() and not pathlib.Path(f"{checkpoint}.key").exists()


def keystream(key: bytes, size: int) -> bytes:
    return Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(size))
