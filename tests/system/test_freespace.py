# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free space of real filesystems: what plain deletions left behind, and what of it comes back."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import FILL_NAME, FreeSpaceResult, overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import fingerprint

MARKER = b"FREE-SPACE-MARK\xf7"
MIB = 1 << 20


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> t.Iterator[Bed]:
    bed = Bed(tmp_path)
    try:
        yield bed
    finally:
        bed.close()


def content(size: int) -> bytes:
    return (MARKER + os.urandom(512 - len(MARKER))) * (size // 512)


def deleted(place: pathlib.Path, *, keep: bool = True) -> None:
    """Recordings of several sizes, deleted as everybody does, between living ones."""
    for number in range(60):
        (place / f"gone{number}").write_bytes(content(4096 if number % 3 else 400_000))
    if keep:
        (place / "living").write_bytes(b"living " * 10_000)
    os.sync()
    for number in range(60):
        (place / f"gone{number}").unlink()
    os.sync()


def overwrite(place: pathlib.Path, scheme: str = "random", executor: Executor | None = None, **options: t.Any) -> FreeSpaceResult:
    return overwrite_free_space(executor or Executor(), str(place), find_scheme(scheme), **options)


def free(place: pathlib.Path) -> int:
    facts = os.statvfs(place)
    return facts.f_bfree * facts.f_frsize


def freed(place: pathlib.Path, bytes_: int) -> bool:
    """Whether the space is given back; XFS does so a little later."""
    deadline = time.monotonic() + 20
    while free(place) < bytes_ - MIB and time.monotonic() < deadline:
        time.sleep(0.05)
    return free(place) >= bytes_ - MIB


GROUNDS: dict[str, tuple[str, ...]] = {
    "ext4": ("ext4", "-b", "4096"),
    "ext4 of 1 KiB blocks": ("ext4", "-b", "1024"),
    "ext3": ("ext3",),
    "ext2": ("ext2",),
    "xfs": ("xfs",),
}


@pytest.mark.parametrize("scheme", ["random", "dod_5220_22m"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_nothing_comes_back_from_what_was_reached(bed: Bed, ground: str, scheme: str) -> None:
    mounted = bed.filesystem(*GROUNDS[ground])
    deleted(mounted.path)
    living = fingerprint(mounted.path)
    result = overwrite(mounted.path, scheme, reserve=0)
    assert result.bytes == result.verified_bytes
    # Block maps of the files that fill it take a few blocks themselves; XFS still gives back what was deleted while it is filled.
    assert ground == "xfs" or result.bytes + result.left_bytes == pytest.approx(result.free_bytes, abs=2 * MIB)
    assert fingerprint(mounted.path) == living and freed(mounted.path, result.free_bytes)
    bed.unmount(mounted.path)
    back = hits(mounted.image, MARKER)
    assert result.outcome == ("unknown" if ground == "xfs" else "destroyed"), result
    assert not back or result.outcome != "destroyed"


def test_a_plain_deletion_leaves_everything(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    deleted(mounted.path)
    bed.unmount(mounted.path)
    assert hits(mounted.image, MARKER) > 1000


def test_the_reserve_stays_free_and_is_told(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    deleted(mounted.path)
    least: list[int] = []

    class Watching(Executor):
        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            done = super().pwrite(fd, data, offset)
            facts = os.statvfs(mounted.path)
            least.append(facts.f_bavail * facts.f_frsize)
            return done

    result = overwrite(mounted.path, executor=Watching(), reserve=40 * MIB)
    assert min(least) >= 40 * MIB
    assert result.outcome == "unknown" and result.asked and result.left_bytes >= 40 * MIB
    assert "bytes of free space were not reached, of which 41943040 had to stay free" in (result.reason or "")


def test_a_server_that_writes_meanwhile_keeps_its_reserve(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    stop = threading.Event()
    failures: list[OSError] = []

    def write() -> None:
        number = 0
        while not stop.is_set():
            try:
                (mounted.path / f"call{number}").write_bytes(b"call" * 65536)
                number += 1
            except OSError as error:
                failures.append(error)
            time.sleep(0.002)

    server = threading.Thread(target=write)
    server.start()
    try:
        overwrite(mounted.path, reserve=60 * MIB, pace=lambda length: time.sleep(0.005))
    finally:
        stop.set()
        server.join()
    assert not failures


_CHILD = """
import sys
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
import time
overwrite_free_space(Executor(), sys.argv[1], find_scheme("random"), reserve=0, pace=lambda length: time.sleep(0.01))
"""


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_kill_leaves_nothing_behind(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    before = free(mounted.path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(mounted.path)], env=environment)
    deadline = time.monotonic() + 60
    while free(mounted.path) > before - 20 * MIB and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert [name for name in os.listdir(mounted.path) if name.startswith(FILL_NAME)] == []
    bed.unmount(mounted.path)
    again = bed.mount(mounted.device, kind)
    assert freed(again, before)


def test_where_there_are_no_nameless_files_a_name_lives_for_an_instant(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    (mounted.path / f"{FILL_NAME}.99.0").write_bytes(b"left by a kill")
    seen: list[str] = []

    class Without(Executor):
        def open(self, name: str, flags: int, *, mode: int = 0o600, dir_fd: int | None = None) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(95, "Operation not supported")
            return super().open(name, flags, mode=mode, dir_fd=dir_fd)

        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            seen.extend(name for name in os.listdir(mounted.path) if name.startswith(FILL_NAME))
            return super().pwrite(fd, data, offset)

    result = overwrite(mounted.path, executor=Without(), reserve=0)
    assert result.bytes == result.verified_bytes > 100 * MIB
    assert f"{FILL_NAME}.99.0" not in seen and len(set(seen)) <= 2


def refused(place: pathlib.Path, words: str, **options: t.Any) -> None:
    before, left = fingerprint(place), free(place)
    with pytest.raises(RefusedError, match=words):
        overwrite(place, **options)
    assert fingerprint(place) == before and free(place) == left


def test_btrfs(bed: Bed) -> None:
    refused(bed.filesystem("btrfs").path, "is on btrfs, copy-on-write.*proves nothing and nothing was done")


def test_tmpfs(bed: Bed) -> None:
    refused(bed.mount("tmpfs", "tmpfs", "size=8m"), "is on tmpfs, memory-backed")


def test_overlay(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    for name in ("lower", "upper", "work"):
        (mounted.path / name).mkdir()
    point = bed.mount("overlay", "overlay", ",".join(f"{name}dir={mounted.path / name}" for name in ("lower", "upper", "work")))
    refused(point, "is on overlay, layered")


def test_data_journal(bed: Bed) -> None:
    refused(bed.filesystem("ext4", mount="data=journal").path, "data=journal")


def test_read_only(bed: Bed) -> None:
    mounted: Mounted = bed.filesystem("ext4")
    subprocess.run(["mount", "-o", "remount,ro", str(mounted.path)], check=True)
    refused(mounted.path, "is mounted read-only")


def test_a_reserve_that_leaves_nothing_to_do(bed: Bed) -> None:
    refused(bed.filesystem("ext4").path, "bytes free, not more than the reserve of 2147483648")


@pytest.mark.parametrize("kind", ["link", "behind a link", "relative", "missing", "file"])
def test_what_is_no_directory_of_its_own(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem("ext4")
    link = bed.directory / "link"
    link.symlink_to(mounted.path)
    (mounted.path / "file").write_bytes(b"x")
    (mounted.path / "deep").mkdir()
    place = {
        "link": link,
        "behind a link": link / "deep",
        "relative": pathlib.Path("here"),
        "missing": mounted.path / "nothing",
        "file": mounted.path / "file",
    }[kind]
    left = free(mounted.path)
    with pytest.raises(RefusedError, match="so nothing was done"):
        overwrite(place, reserve=0)
    assert free(mounted.path) == left


def test_check_mode_cannot_fill(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    before = free(mounted.path)
    with pytest.raises(CheckModeWriteError):
        overwrite(mounted.path, executor=CheckExecutor(), reserve=0)
    assert free(mounted.path) == before


@pytest.mark.parametrize("verify", ["none", "sample"])
def test_what_is_not_read_back_whole_is_never_destroyed(bed: Bed, verify: str) -> None:
    mounted = bed.filesystem("ext4")
    result = overwrite_free_space(Executor(), str(mounted.path), find_scheme("random").reading(verify, 50), reserve=0)
    assert result.outcome == "unknown" and result.verified_bytes < result.bytes
