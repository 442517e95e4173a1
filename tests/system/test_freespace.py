# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free space of real filesystems is overwritten, and the adversary who reads the raw image finds nothing of what was only deleted."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.fillfiles import FILL_NAME
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freeresult import FreeSpaceResult
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted, need, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import fingerprint, marked

DELETED = b"ONLY-DELETED-AUDIO"
KEPT = b"KEPT-RECORDING-AUDIO"
MIB = 1 << 20

# Filesystems that give their last block to files, so that nothing of the free space is left.
WHOLE: dict[str, tuple[tuple[t.Any, ...], dict[str, t.Any]]] = {
    "ext4": (("ext4", "-b", "4096"), {}),
    "ext4-1k-blocks": (("ext4", "-b", "1024"), {}),
    "ext4-no-journal": (("ext4", "-O", "^has_journal"), {}),
    "ext4-writeback": (("ext4",), {"mount": "data=writeback"}),
    "ext3": (("ext3",), {}),
    "ext2": (("ext2",), {}),
}


def overwrite(place: pathlib.Path, scheme: str = "random", executor: Executor | None = None, **options: t.Any) -> FreeSpaceResult:
    return overwrite_free_space(executor or Executor(), str(place), find_scheme(scheme), **{"reserve": 0, **options})


def lived_in(root: pathlib.Path, *, fill: int = 0) -> dict[str, str]:
    """Recordings of many sizes, of which every other one is deleted plainly; the fingerprint of those that live."""
    root.mkdir(exist_ok=True)
    for number in range(120):
        size = (700, 4096, 60_000, 400_001)[number % 4]
        (root / f"{number}.wav").write_bytes(marked(size, marker=KEPT if number % 8 < 4 else DELETED))
    if fill:
        (root / "long.wav").write_bytes(marked(fill, marker=DELETED))
        os.sync()
        (root / "long.wav").unlink()
    os.sync()
    for number in range(120):
        if number % 8 >= 4:
            (root / f"{number}.wav").unlink()
    os.sync()
    return fingerprint(root)


def free(place: pathlib.Path) -> int:
    facts = os.statvfs(place)
    return facts.f_bfree * facts.f_frsize


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
@pytest.mark.parametrize("name", WHOLE)
def test_nothing_comes_back_where_all_was_taken(bed: Bed, name: str, scheme: str) -> None:
    arguments, options = WHOLE[name]
    mounted = bed.filesystem(*arguments, **options)
    living = lived_in(mounted.path / "monitor", fill=100 * MIB)
    assert hits(mounted.image, DELETED) > 1000
    before = free(mounted.path)

    result = overwrite(mounted.path / "monitor", scheme)

    assert (result.outcome, result.reason, result.kept_bytes) == ("destroyed", None, 0)
    assert result.covered_bytes == result.verified_bytes and abs(result.covered_bytes - before) < MIB
    assert (result.ended, result.given_back_bytes, result.read) == ("full", 0, "direct")
    assert fingerprint(mounted.path / "monitor") == living
    assert abs(free(mounted.path) - before) <= 65536
    bed.unmount(mounted.path)
    assert hits(mounted.image, DELETED) == 0
    assert hits(mounted.image, KEPT) > 1000


PARTLY: dict[str, tuple[str, ...]] = {
    "xfs": ("xfs",),
    "xfs-1k-blocks": ("xfs", "-b", "size=1024"),
    "xfs-plain": ("xfs", "-m", "reflink=0,finobt=0,rmapbt=0"),
    "ext4-bigalloc": ("ext4", "-O", "bigalloc"),
}


@pytest.mark.parametrize("name", PARTLY)
def test_what_a_filesystem_keeps_for_itself_is_said_and_no_more_comes_back(bed: Bed, name: str) -> None:
    mounted = bed.filesystem(*PARTLY[name])
    living = lived_in(mounted.path / "monitor", fill=100 * MIB)
    assert hits(mounted.image, DELETED) > 1000
    result = overwrite(mounted.path / "monitor")
    assert result.outcome == "not_destroyed" and not result.asked
    assert f"{result.kept_bytes} bytes of free space were not reached, which the filesystem gave to no file" in (result.reason or "")
    assert result.covered_bytes == result.verified_bytes > 0.96 * result.free_bytes
    assert fingerprint(mounted.path / "monitor") == living
    bed.unmount(mounted.path)
    left = hits(mounted.image, DELETED)
    assert left * 512 <= result.kept_bytes < MIB


def test_several_passes_are_each_read_back(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=64)
    lived_in(mounted.path / "monitor")
    moved: list[int] = []
    result = overwrite(mounted.path, "custom:zeros,ones,random", verify="all", pace=moved.append)
    assert (result.outcome, result.passes) == ("destroyed", 3)
    # Three times written, three times read.
    assert abs(sum(moved) - 6 * result.covered_bytes) <= 6 * 2 * MIB
    bed.unmount(mounted.path)
    assert hits(mounted.image, DELETED) == 0


@pytest.mark.parametrize("verify", ["none", "sample"])
def test_what_is_not_read_back_is_never_called_destroyed(bed: Bed, verify: str) -> None:
    mounted = bed.filesystem("ext4", mebibytes=64)
    lived_in(mounted.path / "monitor")
    result = overwrite(mounted.path, verify=verify, share=100)
    assert (result.outcome, result.asked, result.kept_bytes) == ("unknown", True, 0)
    assert f"only {result.verified_bytes} of {result.covered_bytes} bytes were read back" in (result.reason or "")
    assert (result.verified_bytes == 0) == (verify == "none") and result.verified_bytes < result.covered_bytes / 4


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_the_reserve_stays_and_is_named(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    living = lived_in(mounted.path / "monitor", fill=80 * MIB)
    lowest = []

    def watch(_length: int) -> None:
        lowest.append(available(mounted.path))

    result = overwrite(mounted.path, reserve=30 * MIB, pace=watch)
    assert min(lowest) >= 30 * MIB
    assert (result.outcome, result.ended, result.asked) == ("not_destroyed", "reserve", True)
    assert f"the reserve of {30 * MIB} bytes among them" in (result.reason or "")
    assert result.verified_bytes == result.covered_bytes > 50 * MIB
    assert result.kept_bytes >= 30 * MIB and abs(result.kept_bytes + result.covered_bytes - result.free_bytes) < MIB
    assert any("stayed free for the live system" in limit for limit in result.limits)
    assert any("only root or the filesystem itself may use" in limit for limit in result.limits)
    assert fingerprint(mounted.path / "monitor") == living
    bed.unmount(mounted.path)
    assert 0 < hits(mounted.image, DELETED) * 512 <= result.kept_bytes


def available(place: pathlib.Path) -> int:
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_live_server_that_writes_meanwhile_gets_its_reserve_back(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    reserve = 24 * MIB
    written: list[bytes] = []
    problems: list[OSError] = []
    # Each phase is slow enough that the server writes during it: filling, overwriting again, reading back.
    moved = threading.Event()

    def serve() -> None:
        moved.wait(30)
        try:
            with (mounted.path / "live.wav").open("wb", buffering=0) as handle:
                for _second in range(60):
                    written.append(os.urandom(MIB))
                    handle.write(written[-1])
                    os.fsync(handle.fileno())
                    time.sleep(0.01)
        except OSError as error:
            problems.append(error)

    def pace(_length: int) -> None:
        moved.set()
        time.sleep(0.006)

    server = threading.Thread(target=serve)
    server.start()
    result = overwrite(mounted.path, "custom:zeros,random", reserve=reserve, pace=pace, threads=2)
    at_end = available(mounted.path)
    server.join()
    assert not problems and at_end >= reserve
    assert (mounted.path / "live.wav").read_bytes() == b"".join(written)
    assert result.given_back_bytes > 0 and result.outcome == "not_destroyed"
    assert any(f"{result.given_back_bytes} bytes were given back to the live system" in limit for limit in result.limits)
    assert result.verified_bytes <= result.covered_bytes <= result.free_bytes - reserve
    assert result.bad_ranges == ()


def test_what_becomes_free_meanwhile_is_not_claimed(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=64)
    lived_in(mounted.path / "monitor")
    late = mounted.path / "late.wav"
    late.write_bytes(marked(3 * MIB, marker=DELETED))
    os.sync()

    def pace(_length: int) -> None:
        if available(mounted.path) == 0 and late.exists():
            late.unlink(missing_ok=True)

    result = overwrite(mounted.path, "custom:zeros,zeros,random", pace=pace, threads=1)
    bed.unmount(mounted.path)
    assert not late.exists()
    # Either it was reached after all, or the result says that something was not.
    assert (hits(mounted.image, DELETED) == 0) if result.outcome == "destroyed" else result.kept_bytes >= hits(mounted.image, DELETED) * 512


def test_the_margins_of_the_filesystems_are_what_they_were(bed: Bed) -> None:
    ext4, xfs = bed.filesystem("ext4"), bed.filesystem("xfs")
    setting = pathlib.Path(f"/sys/fs/ext4/{ext4.device[5:]}/reserved_clusters")

    def margins() -> tuple[str, str]:
        return setting.read_text(), run("xfs_io", "-x", "-c", "resblks", str(xfs.path))

    before = margins()
    overwrite(ext4.path)
    overwrite(xfs.path)
    assert margins() == before and int(before[0]) > 0


# What a run may need of memory beyond what was loaded for it, whatever the size and the pieces of the space.
GROWTH_KIB = 24 * 1024

_CHILD = """
import os, sys, errno, time
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor

class Named(Executor):
    # A filesystem that has no files without a name.
    def open(self, name, flags, *, mode=0o600, dir_fd=None):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        fd = super().open(name, flags, mode=mode, dir_fd=dir_fd)
        if len(sys.argv) > 4 and name.startswith("fill."):
            os.kill(os.getpid(), 9)
        return fd

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name + ":"))

executor = Named() if sys.argv[2] == "named" else Executor()
begun = memory("VmRSS")
slow = float(sys.argv[3])
result = overwrite_free_space(executor, sys.argv[1], find_scheme("random"), reserve=0, pace=lambda length: time.sleep(slow))
print(result.outcome, result.kept_bytes, memory("VmHWM") - begun)
"""


def start(place: pathlib.Path, how: str, slow: float, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _CHILD, str(place), how, str(slow), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)


def freed(place: pathlib.Path, wanted: int) -> bool:
    """Whether the space comes back; XFS gives it back a little later."""
    deadline = time.monotonic() + 20
    while free(place) < wanted - 65536 and time.monotonic() < deadline:
        time.sleep(0.05)
    print("free", free(place), "of", wanted)
    return free(place) >= wanted - 65536


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("ext4", "nameless"),
        ("xfs", "named"),
        *(pytest.param(*pair, marks=pytest.mark.thorough) for pair in (("ext4", "named"), ("xfs", "nameless"))),
    ],
)
def test_killed_at_any_time_nothing_is_left(bed: Bed, kind: str, how: str) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    print("seed", seed)
    rng = random.Random(seed)
    mounted = bed.filesystem(kind)
    living = lived_in(mounted.path / "monitor")
    before = free(mounted.path)
    for _kill in range(5):
        process = start(mounted.path, how, 0.002)
        goal = before - rng.randrange(4, 90) * MIB
        deadline = time.monotonic() + 60
        while free(mounted.path) > goal and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert process.poll() is None and free(mounted.path) <= goal
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert freed(mounted.path, before)
        assert not [name for _top, _below, names in os.walk(mounted.path) for name in names if name.startswith("fill.")]
        assert set(os.listdir(mounted.path)) - {"lost+found", "monitor"} <= ({FILL_NAME} if how == "named" else set())
    assert fingerprint(mounted.path / "monitor") == living
    assert overwrite(mounted.path).covered_bytes > before - 4 * MIB
    assert FILL_NAME not in os.listdir(mounted.path)


def test_a_name_left_in_the_instant_before_it_is_removed_goes_with_the_next_run(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=64)
    process = start(mounted.path, "named", 0, "die")
    process.communicate()
    private = mounted.path / FILL_NAME
    assert process.returncode == -signal.SIGKILL and len(os.listdir(private)) == 1 and private.stat().st_mode & 0o777 == 0o700
    output, _errors = start(mounted.path, "named", 0).communicate()
    assert output.startswith("destroyed 0 ") and not private.exists()


def test_memory_does_not_grow_with_the_space(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=900)
    output, _errors = start(mounted.path, "nameless", 0).communicate()
    print(output)
    outcome, _kept, kibibytes = output.split()
    assert outcome == "destroyed" and int(kibibytes) <= GROWTH_KIB


def test_a_project_quota_hides_space_and_is_found_out(bed: Bed) -> None:
    need("xfs_quota")
    try:
        mounted = bed.filesystem("xfs", mount="prjquota")
    except AssertionError:
        pytest.skip("not run: the kernel has no XFS with quotas")
    root = mounted.path / "monitor"
    lived_in(root)
    run("xfs_quota", "-x", "-c", f"project -s -p {root} 7", "-c", "limit -p bhard=40m 7", str(mounted.path))
    result = overwrite(root)
    assert result.outcome == "not_destroyed" and result.covered_bytes < 40 * MIB < 200 * MIB < result.kept_bytes


def test_forensic_tools_carve_nothing(bed: Bed) -> None:
    """Whole recordings with a header that foremost knows, deleted plainly."""
    need("foremost")
    mounted = bed.filesystem("ext4", mebibytes=64)
    for number in range(20):
        body = os.urandom(50_000)
        size = (len(body) + 36).to_bytes(4, "little")
        header = (
            b"RIFF" + size + b"WAVEfmt " + bytes.fromhex("10000000010001401f0000803e00000200100064617461") + len(body).to_bytes(4, "little")
        )
        (mounted.path / f"{number}.wav").write_bytes(header + body)
    os.sync()
    for path in mounted.path.glob("*.wav"):
        path.unlink()
    os.sync()
    assert carved(bed, mounted) > 10
    assert overwrite(mounted.path).outcome == "destroyed"
    bed.unmount(mounted.path)
    assert carved(bed, mounted) == 0


def carved(bed: Bed, mounted: Mounted) -> int:
    output = bed.new("carved")
    run("foremost", "-Q", "-t", "wav", "-i", str(mounted.image), "-o", str(output))
    return len(list(output.rglob("*.wav")))


@pytest.mark.parametrize(
    "kind", [("ext4", "-b", "4096", "-i", "4096"), ("ext4", "-b", "1024"), ("xfs",)], ids=["ext4", "ext4-1k-blocks", "xfs"]
)
def test_free_space_in_thousands_of_pieces(bed: Bed, kind: tuple[str, ...]) -> None:
    mounted = bed.filesystem(*kind)
    root = mounted.path / "monitor"
    root.mkdir()
    for number in range(24_000):
        (root / f"{number}").write_bytes(marked(4096, marker=DELETED if number % 2 else KEPT))
    os.sync()
    for number in range(1, 24_000, 2):
        (root / f"{number}").unlink()
    os.sync()
    output, _errors = start(mounted.path, "nameless", 0).communicate()
    outcome, kept, kibibytes = output.split()
    print(output)
    assert int(kibibytes) <= GROWTH_KIB
    assert all(path.read_bytes() == marked(4096, marker=KEPT) for path in root.iterdir())
    bed.unmount(mounted.path)
    left = hits(mounted.image, DELETED)
    assert left * 512 <= int(kept)
    assert (outcome, left) == ("destroyed", 0) if kind[0] == "ext4" else outcome == "not_destroyed"


def test_a_filesystem_without_room_for_more_files(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", "-N", "64")
    taken = 0
    try:
        while True:
            (mounted.path / f"{taken}").write_bytes(b"")
            taken += 1
    except OSError:
        pass
    result = overwrite(mounted.path)
    assert (result.outcome, result.covered_bytes) == ("not_destroyed", 0) and "No space left" in (result.reason or "")
    for files in (1, 2, 3):
        (mounted.path / f"{files}").unlink()
        result = overwrite(mounted.path, "custom:zeros,random", verify="all")
        assert (result.outcome, result.kept_bytes, result.files) == ("destroyed", 0, files)
        assert result.covered_bytes == result.verified_bytes > result.free_bytes - MIB
    reserved = overwrite(mounted.path, reserve=20 * MIB)
    assert reserved.ended == "reserve" and reserved.covered_bytes > 90 * MIB
