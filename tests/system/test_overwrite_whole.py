# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module C(overwrite) on block devices and free space: refusals, the four runs, what the journal says."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.modules.overwrite import main
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, markers
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> t.Iterator[Bed]:
    bed = Bed(tmp_path)
    try:
        yield bed
    finally:
        bed.close()


@pytest.fixture
def overwrite(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    given = {"level": "clear", "state_dir": str(tmp_path / "state"), "on_unseen": "report"}

    def call(*, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return run(main, capsys, monkeypatch, check=check, **{**given, **options})

    return call


def digest(image: pathlib.Path) -> str:
    return hashlib.sha256(image.read_bytes()).hexdigest()


def refused(image: pathlib.Path, overwrite: Run, words: str, **options: t.Any) -> None:
    before = digest(image)
    for check in (True, False):
        result = overwrite(check=check, **options)
        assert result.get("failed") and words in result["msg"], result["msg"]
    assert digest(image) == before


def journal(result: dict[str, t.Any]) -> JournalState:
    return JournalState.fold(read_journal(result["journal"]["path"]))


@pytest.mark.parametrize("scheme", ["nist_clear", "random", "dod_5220_22m"])
def test_the_four_runs_on_a_device(bed: Bed, overwrite: Run, scheme: str) -> None:
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    call = functools.partial(overwrite, device={"backing_file": str(image), "size_bytes": 8 * MIB}, scheme=scheme)
    before = digest(image)
    assert call(check=True)["changed"] and digest(image) == before
    done = call()
    assert done["changed"] and done["outcome"] == "destroyed" and done["bytes"] == done["verified_bytes"] == 8 * MIB
    assert markers(image) == 0 and journal(done).closed and journal(done).counts["destroyed"] == 1
    after = digest(image)
    again = call()
    assert not again["changed"] and again["outcome"] == "destroyed" and digest(image) == after
    assert not call(check=True)["changed"]
    # What was overwritten and then written to again is overwritten again.
    image.write_bytes(marked(8 * MIB))
    assert call()["changed"] and markers(image) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": {"serial": "no such serial"}}, "no device on this host has serial no such serial"),
        ({"device": {"backing_file": "{image}", "size_bytes": 9 * MIB}}, "smaller than the 9437184 that the register expects"),
        ({"device": {}}, ""),
        ({"device": {"backing_file": "{image}"}, "scheme": "gutman"}, "the overwrite scheme 'gutman' is not known"),
        ({"device": {"backing_file": "{image}"}, "level": "purge"}, "reaches at most the level clear"),
        ({"device": {"backing_file": "{image}"}, "reserve": "1GiB"}, "mutually exclusive"),
        ({"device": {"backing_file": "{image}"}, "free_space": "/srv"}, "mutually exclusive"),
        ({}, "one of the following is required"),
    ],
)
def test_a_task_that_makes_no_sense(bed: Bed, overwrite: Run, options: dict[str, t.Any], words: str) -> None:
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    if "device" in options:
        options = {**options, "device": {key: str(image) if value == "{image}" else value for key, value in options["device"].items()}}
    refused(image, overwrite, words, **options)


def test_a_mounted_device(bed: Bed, overwrite: Run) -> None:
    mounted = bed.filesystem("ext4")
    (mounted.path / "call.wav").write_bytes(b"call")
    os.sync()
    before = {path.name: path.read_bytes() for path in mounted.path.iterdir() if path.is_file()}
    result = overwrite(device={"backing_file": str(mounted.image)})
    assert result["failed"] and "it is mounted" in result["msg"]
    assert {path.name: path.read_bytes() for path in mounted.path.iterdir() if path.is_file()} == before


def test_free_space_by_the_module(bed: Bed, overwrite: Run) -> None:
    mounted = bed.filesystem("ext4")
    for number in range(20):
        (mounted.path / f"gone{number}").write_bytes(marked(100_000))
    os.sync()
    for number in range(20):
        (mounted.path / f"gone{number}").unlink()
    before = os.statvfs(mounted.path).f_bfree
    assert overwrite(free_space=str(mounted.path), reserve="0", check=True)["changed"] and os.statvfs(mounted.path).f_bfree == before
    done = overwrite(free_space=str(mounted.path), reserve="0", scheme="random")
    assert done["outcome"] == "destroyed" and done["kept_bytes"] == 0 and done["free_bytes"] > 100 * MIB
    assert journal(done).closed
    partly = overwrite(free_space=str(mounted.path), reserve="50MiB")
    assert not partly.get("failed") and partly["outcome"] == "not_destroyed" and partly["kept_bytes"] >= 50 * MIB
    bed.unmount(mounted.path)
    assert hits(mounted.image, marked(16)) == 0
    assert "evidence" in json.dumps(done)


@pytest.mark.parametrize(
    ("reserve", "words"), [("much", "reserve: 'much' is not a size"), (None, "and the reserve is 2147483648 bytes, so nothing was written")]
)
def test_a_reserve_that_makes_no_sense(bed: Bed, overwrite: Run, reserve: str | None, words: str) -> None:
    mounted = bed.filesystem("ext4")
    before = os.statvfs(mounted.path).f_bfree
    result = overwrite(free_space=str(mounted.path), reserve=reserve)
    assert result["failed"] and words in result["msg"] and os.statvfs(mounted.path).f_bfree == before
