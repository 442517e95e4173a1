# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where overwriting free space would prove nothing or harm a live server it is refused and nothing is written; media that lie or fail."""

from __future__ import annotations

import errno
import os
import pathlib
import threading
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.fillfiles import FILL_NAME
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freelook import look_at_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.tests.system import test_erasure_faulty
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run
from ansible_collections.recordings.disposal.tests.system.test_freespace import DELETED, MIB, free, lived_in, overwrite
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import (
    FaultyExecutor,
    fingerprint,
    marked,
)

trusted = test_erasure_faulty.trusted


def refused(
    place: pathlib.Path | str, *, words: str, root: pathlib.Path | None = None, executor: Executor | None = None, **options: t.Any
) -> None:
    """Refused with the words, before any write: the executor is the one that raises at each."""
    root = root or pathlib.Path(place)
    before = fingerprint(root)
    with pytest.raises(RefusedError) as caught:
        overwrite_free_space(executor or CheckExecutor(), str(place), find_scheme("random"), **{"reserve": 0, **options})
    assert words in caught.value.message and "nothing was written" in caught.value.message
    assert fingerprint(root) == before


@pytest.mark.parametrize("options", ["", "compress-force=zstd", "nodatacow"])
def test_btrfs(bed: Bed, options: str) -> None:
    mounted = bed.filesystem("btrfs", mount=options)
    (mounted.path / "a.wav").write_bytes(marked(100_000))
    refused(mounted.path, words="is on btrfs, copy-on-write")


def test_ext4_with_journalled_data(bed: Bed) -> None:
    refused(bed.filesystem("ext4", mount="data=journal").path, words="data=journal")


def test_a_directory_with_journalled_data(bed: Bed) -> None:
    need("debugfs")
    mounted = bed.filesystem("ext4")
    (mounted.path / "monitor").mkdir()
    bed.unmount(mounted.path)
    run("debugfs", "-w", "-R", "set_inode_field monitor flags 0x84000", mounted.device)
    refused(bed.mount(mounted.device, "ext4") / "monitor", words="data=journal")


def test_overlay(bed: Bed) -> None:
    lower = bed.filesystem("ext4", mebibytes=32).path
    for name in ("lower", "upper", "work"):
        (lower / name).mkdir()
    point = bed.mount("overlay", "overlay", f"lowerdir={lower}/lower,upperdir={lower}/upper,workdir={lower}/work")
    refused(point, words="is on overlay, layered")


def test_tmpfs(bed: Bed) -> None:
    refused(bed.mount("tmpfs", "tmpfs", "size=8m"), words="memory-backed")


def test_fuse(bed: Bed) -> None:
    _backing, point = bed.serve()
    refused(point, words="a FUSE filesystem")


def test_a_loop_device_over_a_file_on_fuse(bed: Bed) -> None:
    backing, inside = bed.serve()
    device = bed.attach(inside / bed.make_image(48, inside=backing).name)
    bed.make_filesystem(device, "ext4", "-O", "^has_journal")
    refused(bed.mount(device, "ext4"), words="the loop device below it lies on fuse")


def test_a_directory_that_its_filesystem_encrypts(bed: Bed) -> None:
    need("debugfs")
    mounted = bed.filesystem("ext4", "-O", "encrypt", mebibytes=32)
    (mounted.path / "monitor").mkdir()
    bed.unmount(mounted.path)
    run("debugfs", "-w", "-R", "set_inode_field monitor flags 0x80800", mounted.device)
    point = bed.mount(mounted.device, "ext4")
    refused(point / "monitor", words="is encrypted by its filesystem", root=point)


def test_the_systems_own_filesystem_is_never_filled_to_its_last_block() -> None:
    """With the executor that cannot write: this is the machine's own disk."""
    with pytest.raises(RefusedError, match="root filesystem|proves? nothing"):
        overwrite_free_space(CheckExecutor(), "/", find_scheme("random"), reserve=0)


def test_mounted_read_only(bed: Bed) -> None:
    refused(bed.filesystem("ext4", mebibytes=32, mount="ro").path, words="mounted read-only")


def test_not_a_directory_that_is_named_plainly(bed: Bed) -> None:
    top = bed.filesystem("ext4", mebibytes=32).path
    (top / "monitor" / "below").mkdir(parents=True)
    (top / "file").write_bytes(b"x")
    (top / "link").symlink_to("monitor")
    for place, words in (
        (top / "link", "symbolic link"),
        (top / "link" / "below", "symbolic link"),
        (f"{top}/link/..", "symbolic link"),
        (top / "file", "Not a directory"),
        (top / "missing", "No such file"),
        (os.path.relpath(top), "not absolute"),
        ("", "cannot be opened"),
        (f"{top}/\0", "cannot be opened"),
    ):
        refused(place, words=words, root=top)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reserve": None}, f"the reserve is {2 << 30} bytes"),
        ({"reserve": 1 << 40}, f"the reserve is {1 << 40} bytes"),
        ({"reserve": -1}, "not below 0"),
        ({"threads": 0}, "give at least 1"),
    ],
)
def test_options_that_leave_nothing_to_do_or_no_room(bed: Bed, options: dict[str, t.Any], words: str) -> None:
    refused(bed.filesystem("ext4", mebibytes=32).path, words=words, **options)


@pytest.mark.parametrize("what", ["file", "directory", "strange name", "open to others", "link"])
def test_what_only_looks_like_ours_is_not_removed(bed: Bed, what: str) -> None:
    top = bed.filesystem("ext4", mebibytes=32).path
    private = top / FILL_NAME
    if what == "file":
        private.write_bytes(b"mine")
    elif what == "link":
        (top / "elsewhere").mkdir()
        (top / "elsewhere" / "fill.1.1").write_bytes(b"mine")
        private.symlink_to("elsewhere")
    else:
        private.mkdir(mode=0o755 if what == "open to others" else 0o700)
        (private / ("fill.1.1" if what != "strange name" else "recording.wav")).mkdir() if what == "directory" else (
            private / ("recording.wav" if what == "strange name" else "fill.1.1")
        ).write_bytes(b"mine")
    refused(top, words="is not what an earlier run left")


def test_two_runs_on_one_filesystem(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    (mounted.path / "other").mkdir()
    going, stop = threading.Event(), threading.Event()

    def pace(_length: int) -> None:
        going.set()
        stop.wait(30)

    first = threading.Thread(target=overwrite, args=(mounted.path,), kwargs={"pace": pace})
    first.start()
    try:
        assert going.wait(30)
        refused(mounted.path / "other", words="is being overwritten by another process")
    finally:
        stop.set()
        first.join()
    assert overwrite(mounted.path / "other").outcome == "destroyed"


def test_check_mode_looks_and_cannot_write(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    living = lived_in(mounted.path / "monitor")
    seen = look_at_free_space(str(mounted.path), 20 * MIB)
    assert (seen.facts.type, seen.reserve_bytes) == ("ext4", 20 * MIB)
    assert seen.free_bytes == free(mounted.path) > seen.available_bytes > 0
    before = hits(mounted.image, DELETED), free(mounted.path), sorted(os.listdir(mounted.path))
    with pytest.raises(CheckModeWriteError):
        overwrite(mounted.path, executor=CheckExecutor())
    os.sync()
    assert (hits(mounted.image, DELETED), free(mounted.path), sorted(os.listdir(mounted.path))) == before and before[0] > 0
    assert fingerprint(mounted.path / "monitor") == living
    with pytest.raises(RefusedError):
        look_at_free_space(str(mounted.path), None)


def test_bad_blocks_are_named_and_the_rest_is_reached(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    executor = FaultyExecutor()
    executor.fail = (MIB + 8192, MIB + 16384)
    result = overwrite(mounted.path, executor=executor)
    assert (
        result.outcome == "not_destroyed"
        and "writing failed at bytes" in (result.reason or "")
        and "Input/output error" in (result.reason or "")
    )
    assert (MIB + 8192, 8192) in result.bad_ranges
    assert result.covered_bytes > 0.9 * result.free_bytes


def test_a_medium_that_takes_nothing_ends_the_run(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    before = free(mounted.path)
    executor = FaultyExecutor()
    executor.fail = (0, 1 << 50)
    result = overwrite(mounted.path, executor=executor)
    assert (result.outcome, result.covered_bytes, result.ended) == ("not_destroyed", 0, "error")
    assert free(mounted.path) == before


def test_a_quota_ends_the_run_and_is_said(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    executor = FaultyExecutor()
    executor.fail, executor.fail_with = (5 * MIB, 1 << 50), errno.EDQUOT
    result = overwrite(mounted.path, executor=executor, threads=1)
    assert (result.outcome, result.ended, result.asked) == ("not_destroyed", "quota", False)
    assert "a quota ended the fill" in (result.reason or "") and f"{result.kept_bytes} bytes" in (result.reason or "")
    assert result.kept_bytes > 30 * MIB


def test_writes_that_had_no_effect_are_found(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    executor = FaultyExecutor()
    executor.drop = (3 * MIB, 4 * MIB)
    result = overwrite(mounted.path, executor=executor)
    assert result.outcome == "not_destroyed" and "the overwrite had no effect at offset" in (result.reason or "")
    # Zeros that were never stored read back as zeros, and still do not count.
    result = overwrite(mounted.path, "nist_clear", executor=executor)
    assert result.outcome != "destroyed" and "extents missing" in (result.reason or "")


def test_a_flush_that_fails_is_never_destroyed(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=48)
    executor = FaultyExecutor()
    executor.flush_error = errno.EIO
    result = overwrite(mounted.path, executor=executor)
    assert result.outcome in ("unknown", "not_destroyed") and "flush" in (result.reason or "")


@pytest.mark.parametrize("direct_io", [False, True], ids=["cached-loop", "direct-loop"])
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("kind", "outcome", "words"), [("drop", "not_destroyed", "had no effect"), ("fail_read", "unknown", "reading back failed")]
)
def test_a_medium_below_the_filesystem_that_lies(bed: Bed, kind: str, outcome: str, words: str, direct_io: bool) -> None:
    disk = test_erasure_faulty.LyingDisk(bed, direct_io=direct_io)
    (disk.tree.root / "a.wav").unlink()
    os.sync()
    disk.fault(kind, MIB, 2 * MIB)
    result = overwrite(disk.point)
    assert result.outcome == outcome and words in (result.reason or "")
    # The filesystem may put a block of its own there, which lists where the nameless files lie.
    lied = MIB - 4 * 4096
    assert sum(length for _offset, length in result.bad_ranges) >= lied
    disk.close()
    assert result.covered_bytes - result.verified_bytes >= lied


def test_a_filesystem_that_keeps_small_files_in_its_inodes(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", "-O", "inline_data", "-I", "256")
    before = os.statvfs(mounted.path).f_bfree
    with pytest.raises(
        RefusedError, match="keeps small files inside its inodes .inline_data., where what deleted ones held is not reached"
    ):
        overwrite(mounted.path)
    assert os.statvfs(mounted.path).f_bfree == before and not list(mounted.path.glob("*.tmp"))
