# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module C(overwrite) on block devices and free space: refusals, the four runs, what the journal says."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import device as engine
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import whole
from ansible_collections.recordings.disposal.plugins.modules.overwrite import main
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, markers
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.system.test_device_refused import physical_volume
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


def test_an_inactive_volume_group(bed: Bed, overwrite: Run) -> None:
    image = bed.fill_image(physical_volume(marked(8 * MIB)))
    bed.attach(image)
    call = functools.partial(overwrite, device={"backing_file": str(image)})
    refused(image, overwrite, "bears an LVM physical volume (LVM2_member", device={"backing_file": str(image)})
    before = digest(image)
    assert call(check=True, on_member="report")["changed"] and digest(image) == before
    done = call(on_member="report")
    assert done["outcome"] == "destroyed" and any("it belonged to more than itself" in limit for limit in done["limits"])
    for check in (False, True):
        assert not call(check=check)["changed"]


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


@pytest.mark.parametrize("content", [None, "garbage"])
def test_legal_holds_on_the_host(bed: Bed, overwrite: Run, tmp_path: pathlib.Path, content: str | None) -> None:
    holds = tmp_path / "state" / "holds"
    holds.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    hold = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48600100201"]}}
    (holds / "H-1.json").write_text(content or json.dumps(hold))
    words = "H-1" if content else "legal holds are in force on this host (H-1)"
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    refused(image, overwrite, words, device={"backing_file": str(image)})
    mounted = bed.filesystem("ext4")
    before = os.statvfs(mounted.path).f_bfree
    result = overwrite(free_space=str(mounted.path), reserve="1MiB")
    assert result["failed"] and words in result["msg"] and os.statvfs(mounted.path).f_bfree == before
    if not content:
        assert overwrite(device={"backing_file": str(image)}, holds="checked")["outcome"] == "destroyed"


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
def test_a_device_that_was_taken_into_use_again_is_not_destroyed_already(bed: Bed, overwrite: Run, scheme: str) -> None:
    image = bed.make_image(200)
    device = bed.attach(image)
    call = functools.partial(overwrite, device={"backing_file": str(image)}, scheme=scheme)
    assert call()["outcome"] == "destroyed" and not call()["changed"]
    bed.make_filesystem(device, "ext4")
    path = bed.mount(device, "ext4", "")
    (path / "call.wav").write_bytes(marked(4096))
    bed.unmount(path)
    assert call(check=True)["changed"] and markers(image)
    assert call()["changed"] and markers(image) == 0


@pytest.mark.parametrize("cut", ["the last record", "half of it"])
def test_a_run_that_was_cut_off_behind_its_outcome_is_not_believed(bed: Bed, overwrite: Run, cut: str) -> None:
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    call = functools.partial(overwrite, device={"backing_file": str(image)})
    path = pathlib.Path(call()["journal"]["path"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + (b"" if cut == "the last record" else lines[-1][:40]))
    assert not call()["changed"]
    image.write_bytes(marked(8 * MIB))
    again = call()
    assert again["changed"] and again["outcome"] == "destroyed" and again["bytes"] == 8 * MIB and markers(image) == 0


def test_another_loop_device_over_the_same_file(bed: Bed, overwrite: Run) -> None:
    mounted = bed.filesystem("ext4")
    (mounted.path / "call.wav").write_bytes(marked(4096))
    os.sync()
    other = mounted.image.with_name("other")
    os.link(mounted.image, other)
    second = bed.attach(other)
    result = overwrite(device={"backing_file": str(other)})
    assert result["failed"] and f"it is held by {mounted.device[5:]} (over the same file)" in result["msg"]
    bed.detach(second)
    assert (mounted.path / "call.wav").read_bytes() == marked(4096)


def test_a_file_below_the_device_that_a_process_has_open(bed: Bed, overwrite: Run) -> None:
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    with image.open("r+b"):
        refused(image, overwrite, "it is open by process", device={"backing_file": str(image)})


def test_a_device_over_copy_on_write_is_refused_in_check_mode_too(bed: Bed, overwrite: Run) -> None:
    mounted = bed.filesystem("btrfs")
    image = mounted.path / "disk"
    image.write_bytes(marked(8 * MIB))
    device = bed.attach(image)
    refused(image, overwrite, "btrfs, copy-on-write", device={"backing_file": str(image)})
    bed.detach(device)


@pytest.mark.parametrize("subvolume", [False, True])
def test_a_filesystem_over_a_file_on_btrfs_that_cannot_be_seen(bed: Bed, overwrite: Run, subvolume: bool) -> None:
    mounted = bed.filesystem("btrfs")
    place = mounted.path / "place"
    if subvolume:
        shell("btrfs", "subvolume", "create", str(place))
    else:
        place.mkdir()
    image = place / "disk"
    with image.open("wb") as handle:
        handle.truncate(20 * MIB)
    device = bed.attach(image)
    bed.make_filesystem(device, "ext4")
    path = bed.mount(device, "ext4", "")
    call = path / "call.wav"
    call.write_bytes(marked(4096))
    os.sync()
    # Out of sight, as a file that was removed, or that is in another mount namespace.
    shell("mount", "-t", "tmpfs", "none", str(place))
    try:
        for check in (True, False):
            result = overwrite(paths=[str(call)], roots=[str(path)], check=check)
            assert result["failed"] and "the loop device below it lies on" in result["msg"] and call.read_bytes() == marked(4096)
    finally:
        shell("umount", str(place))
    bed.unmount(path)
    bed.detach(device)


def test_a_loop_device_that_shows_a_part_of_its_file(bed: Bed, overwrite: Run) -> None:
    image = bed.fill_image(marked(8 * MIB + 300))
    bed.attach(image)
    done = overwrite(device={"backing_file": str(image)})
    assert done["outcome"] == "destroyed" and any("it shows only a part of its file" in limit for limit in done["limits"])


def test_written_to_between_two_runs_that_read_it_back(
    bed: Bed, overwrite: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first run had read back is read again: the server may have formatted the device meanwhile."""
    monkeypatch.setattr(engine, "WINDOW", (4 * MIB, 4 * MIB))
    image = bed.fill_image(marked(24 * MIB))
    device = bed.attach(image)
    child = os.fork()
    if child == 0:
        whole.overwrite_device = functools.partial(engine.overwrite_device, report=_die_while_reading_back)
        with contextlib.redirect_stdout(io.StringIO()):
            overwrite(device={"backing_file": str(image)})
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    checked = overwrite(device={"backing_file": str(image)}, check=True)
    assert checked["changed"] and checked["outcome"] == "not_destroyed"
    with open(device, "r+b") as handle:
        handle.seek(MIB)
        handle.write(marked(4096))
        os.fsync(handle.fileno())
    result = overwrite(device={"backing_file": str(image)})
    assert result["failed"] and result["outcome"] == "not_destroyed" and result["resumed"][1] == "verify", result
    assert result["bad_ranges"][0]["offset"] == MIB
    # Nothing was left lying about, and the next run overwrites it.
    assert not list((tmp_path / "state" / "jobs").iterdir())
    done = overwrite(device={"backing_file": str(image)})
    assert done["outcome"] == "destroyed" and markers(image) == 0


def _die_while_reading_back(told: t.Mapping[str, t.Any]) -> None:
    if told["phase"] == "verify" and told["done"] >= 8 * MIB:
        os._exit(9)


def test_another_task_over_an_interrupted_one_is_refused(
    bed: Bed, overwrite: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(engine, "WINDOW", (4 * MIB, 4 * MIB))
    image = bed.fill_image(marked(24 * MIB))
    bed.attach(image)
    child = os.fork()
    if child == 0:
        whole.overwrite_device = functools.partial(engine.overwrite_device, report=_die_while_reading_back)
        overwrite(device={"backing_file": str(image)}, scheme="random")
        os._exit(0)
    os.waitpid(child, 0)
    before = digest(image)
    for options in ({"scheme": "nist_clear"}, {"scheme": "random", "verify": "none"}):
        result = overwrite(device={"backing_file": str(image)}, **options)
        assert result["failed"] and "is of another scheme or verification, so nothing was written" in result["msg"], result["msg"]
    assert digest(image) == before
    assert overwrite(device={"backing_file": str(image)}, scheme="random")["outcome"] == "destroyed"
    assert not list((tmp_path / "state" / "jobs").iterdir())
