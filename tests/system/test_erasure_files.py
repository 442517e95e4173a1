# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on real filesystems are destroyed, and the adversary who reads the raw image finds nothing of them."""

from __future__ import annotations

import fcntl
import os
import pathlib
import struct
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import examine
from ansible_collections.recordings.disposal.plugins.module_utils._erasure import files as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.extents import Extent
from ansible_collections.recordings.disposal.tests.system.erasure_bed import destroy, extents_of, hits, overwrite
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import Tree, fingerprint, marked

SIZES = [0, 16, 512, 1000, 1024, 4095, 4096, 4097, 65536, 200_000, (1 << 20) + 1, (3 << 20) + 777]
DUE = b"DUE-RECORDING-AUDIO"
KEPT = b"KEPT-RECORDING-AUDIO"
DELETED = b"ONLY-DELETED-AUDIO"

FILESYSTEMS: dict[str, tuple[tuple[t.Any, ...], dict[str, t.Any]]] = {
    "ext4": (("ext4", "-b", "4096"), {}),
    "ext4-1k-blocks": (("ext4", "-b", "1024"), {}),
    "ext4-bigalloc": (("ext4", "-O", "bigalloc"), {}),
    "ext4-no-journal": (("ext4", "-O", "^has_journal"), {}),
    "ext4-4k-sectors": (("ext4",), {"sector_size": 4096}),
    "ext4-direct-loop": (("ext4",), {"direct_io": True}),
    "ext4-writeback": (("ext4",), {"mount": "data=writeback"}),
    "ext3": (("ext3",), {}),
    "ext2": (("ext2",), {}),
    "xfs": (("xfs",), {}),
    "xfs-1k-blocks": (("xfs", "-b", "size=1024"), {}),
}


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
@pytest.mark.parametrize("name", FILESYSTEMS)
def test_the_adversary_finds_nothing_of_what_is_destroyed(bed: Bed, name: str, scheme: str) -> None:
    arguments, options = FILESYSTEMS[name]
    mounted = bed.filesystem(*arguments, **options)
    tree = bed.tree(mounted.path / "monitor")
    due = [f"2021/{size}.wav" for size in SIZES]
    for size, path in zip(SIZES, due):
        tree.write(path, marked(size, marker=DUE))
    kept = tree.write("2021/kept.wav", marked(300_000, marker=KEPT))
    plain = tree.write("2021/deleted.wav", marked(300_000, marker=DELETED))
    os.sync()
    plain.unlink()

    results = destroy(tree, *due, scheme=scheme)

    for size, result in zip(SIZES, results):
        assert (result.outcome, result.reason) == ("destroyed", None)
        assert (result.bytes, result.verified_bytes, result.passes) == (size, size, 1)
        assert (result.read, result.extents) == ("device", "unchanged")
        assert any(limit.startswith("loop device over a file on ") for limit in result.limits)
    assert sorted(os.listdir(tree.root / "2021")) == ["kept.wav"]
    assert kept.read_bytes() == marked(300_000, marker=KEPT)
    bed.unmount(mounted.path)
    assert hits(mounted.image, DUE) == 0
    # The adversary is able: what was only deleted, and what was kept, is found.
    assert hits(mounted.image, DELETED) >= 300_000 // 512
    assert hits(mounted.image, KEPT) >= 300_000 // 512


def test_a_file_that_never_reached_the_medium_yet_is_destroyed_too(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    tree = bed.tree(mounted.path / "monitor")
    tree.write("fresh.wav", marked(200_000, marker=DUE))
    (result,) = destroy(tree, "fresh.wav")
    assert (result.outcome, result.extents) == ("destroyed", "unchanged")
    bed.unmount(mounted.path)
    assert hits(mounted.image, DUE) == 0


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_slack_behind_the_end_of_the_file_is_overwritten(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    tree = bed.tree(mounted.path / "monitor")
    sizes = [100, 5000, 200_000]
    ends = []
    for size in sizes:
        path = tree.write(f"{size}.wav", marked(size))
        last = extents_of(path)[-1]
        ends.append(last.physical + size - last.logical)
    bed.unmount(mounted.path)
    with mounted.image.open("r+b") as handle:
        for end in ends:
            handle.seek(end)
            handle.write(DUE[: min(len(DUE), -end % 4096)])
    assert hits(mounted.image, DUE) == len(sizes)
    mounted = mounted._replace(path=bed.mount(mounted.device, kind))
    tree = bed.tree(mounted.path / "monitor")
    results = overwrite(tree, *[f"{size}.wav" for size in sizes], scheme="random")
    assert [result.outcome for result in results] == ["destroyed"] * 3
    assert [(tree.root / f"{size}.wav").stat().st_size for size in sizes] == sizes
    bed.unmount(mounted.path)
    assert hits(mounted.image, DUE) == 0


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_holes_stay_holes_and_what_reads_as_zeros_only_is_overwritten(bed: Bed, kind: str) -> None:
    mounted = bed.filesystem(kind)
    tree = bed.tree(mounted.path / "monitor")
    path = tree.write("sparse.wav", b"")
    with path.open("r+b") as handle:
        handle.truncate(1 << 30)
        for offset in (8 << 20, 512 << 20, (1 << 30) - 5000):
            handle.seek(offset)
            handle.write(marked(5000, marker=DUE))
    reserved = tree.write("reserved.wav", b"")
    with reserved.open("r+b") as handle:
        os.posix_fallocate(handle.fileno(), 0, 1 << 20)
        handle.seek(65536)
        handle.write(marked(4096, marker=DUE))
    # XFS gives a zeroed range other blocks, so what it held is free space there.
    zeroed = tree.write("zeroed.wav", marked(1 << 20, marker=DUE) if kind == "ext4" else bytes(1 << 20))
    beyond = tree.write("beyond.wav", marked(4096, marker=DUE))
    os.sync()
    run("fallocate", "--zero-range", "--offset", "262144", "--length", "524288", str(zeroed))
    run("fallocate", "--keep-size", "--offset", "0", "--length", "65536", str(beyond))
    os.sync()
    files = (path, reserved, zeroed, beyond)
    before = [(file.stat().st_blocks, file.stat().st_size) for file in files]
    results = overwrite(tree, *(file.name for file in files))
    assert [(result.outcome, result.extents) for result in results] == [("destroyed", "unchanged")] * 4
    assert results[0].bytes <= 3 * 65536 and [result.bytes for result in results[1:]] == [1 << 20, 1 << 20, 4096]
    assert [examine.LIMIT_BEYOND in result.limits for result in results] == [False, False, False, True]
    assert [(file.stat().st_blocks, file.stat().st_size) for file in files] == before
    bed.unmount(mounted.path)
    assert hits(mounted.image, DUE) == 0


def test_a_large_file_from_several_threads(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=400)
    tree = bed.tree(mounted.path / "monitor")
    size = (170 << 20) + 12345
    tree.write("long.wav", marked(size, marker=DUE))
    tree.write("short.wav", marked(5000, marker=DUE))
    results = destroy(tree, "long.wav", "short.wav", scheme="random")
    assert [(result.outcome, result.verified_bytes) for result in results] == [("destroyed", size), ("destroyed", 5000)]
    bed.unmount(mounted.path)
    assert hits(mounted.image, DUE) == 0


def test_several_passes_and_one_flush_for_each_of_them(bed: Bed) -> None:
    from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass, Scheme
    from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import FaultyExecutor

    mounted = bed.filesystem("ext4")
    executor = FaultyExecutor()
    tree = bed.tree(mounted.path / "monitor", executor)
    paths = [f"{number}.wav" for number in range(50)]
    for path in paths:
        tree.write(path, marked(20_000, marker=DUE))
    scheme = Scheme("three", (Pass(b"\xff"), Pass(None), Pass(b"\x92\x49\x24")), "all")
    targets = [tree.open(path) for path in paths]
    results = module.overwrite_batch(executor, targets, scheme)
    assert {(result.outcome, result.passes, result.verified_bytes) for result in results} == {("destroyed", 3, 20_000)}
    assert executor.flushes == 3
    assert {path.read_bytes() for path in tree.root.iterdir()} == {(b"\x92\x49\x24" * 7000)[:20_000]}


def test_tmpfs_is_overwritten_with_its_limit_named(bed: Bed) -> None:
    point = bed.mount("tmpfs", "tmpfs", "size=16m")
    tree = bed.tree(point / "monitor")
    tree.write("a.wav", marked(200_000))
    (result,) = overwrite(tree, "a.wav", scheme="random")
    assert (result.outcome, result.read, result.extents, result.filesystem) == ("destroyed", "cached", "not_available", "tmpfs")
    assert any(limit.startswith("memory-backed") for limit in result.limits)
    assert b"REC-MARKER" not in (tree.root / "a.wav").read_bytes()


def test_memory_does_not_grow_with_the_file(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mebibytes=700)
    tree = bed.tree(mounted.path / "monitor")
    tree.write("small.wav", marked(5000))
    with tree.write("large.wav", b"").open("wb") as handle:
        for _each in range(512):
            handle.write(marked(1 << 20))
    program = (
        "import resource, sys, pathlib\n"
        "from ansible_collections.recordings.disposal.tests.system.erasure_bed import overwrite\n"
        "from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import Tree\n"
        "tree = Tree(pathlib.Path(sys.argv[1]))\n"
        "assert overwrite(tree, sys.argv[2], scheme='random')[0].outcome == 'destroyed'\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = [_peak(program, tree, name) for name in ("small.wav", "large.wav")]
    assert peaks[1] - peaks[0] <= 32 * 1024, peaks


def _peak(program: str, tree: Tree, name: str) -> int:
    """The most memory that a process of its own took, in KiB."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, str(tree.root), name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_files_that_are_not_in_the_batch_are_byte_for_byte_what_they_were(bed: Bed) -> None:
    mounted = bed.filesystem("xfs")
    tree = bed.tree(mounted.path / "monitor")
    for number in range(100):
        tree.write(f"{number % 7}/{number}.wav", marked(1000 * number + number, marker=b"N%d" % number))
    os.sync()
    before = fingerprint(tree.root)
    due = [f"{number % 7}/{number}.wav" for number in range(0, 100, 3)]
    assert {result.outcome for result in destroy(tree, *due, scheme="random")} == {"destroyed"}
    bed.unmount(mounted.path)
    mounted = mounted._replace(path=bed.mount(mounted.device, "xfs"))
    after = fingerprint(mounted.path / "monitor")
    assert after == {path: facts for path, facts in before.items() if path not in due}


def test_a_fresh_mount_has_no_cached_pages_to_read_instead_of_the_medium(bed: Bed) -> None:
    """What was read back past the cache is what the next mount reads."""
    mounted = bed.filesystem("ext4")
    tree = bed.tree(mounted.path / "monitor")
    tree.write("a.wav", marked(200_000))
    (result,) = overwrite(tree, "a.wav")
    assert result.outcome == "destroyed"
    bed.unmount(mounted.path)
    point = bed.mount(mounted.device, "ext4", "ro")
    assert (point / "monitor" / "a.wav").read_bytes() == bytes(200_000)


_ADD_KEY = 0xC0506617
_SET_POLICY = 0x800C6613


def encrypt_directory(directory: pathlib.Path) -> None:
    """What C(fscrypt) does: give the filesystem a key, and bind an empty directory to it."""
    key = os.urandom(64)
    argument = bytearray(struct.pack("=II32xII32x", 2, 0, len(key), 0) + key)
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, _ADD_KEY, argument, True)
        fcntl.ioctl(fd, _SET_POLICY, struct.pack("=BBBB4x16s", 2, 1, 4, 2, bytes(argument[8:24])))
    finally:
        os.close(fd)


def test_an_encrypted_file_is_overwritten_and_read_back_through_the_cache(bed: Bed) -> None:
    """Direct reads of an encrypted file silently go through the page cache, so C(direct) is not claimed of them."""
    mounted = bed.filesystem("ext4", "-b", "4096", "-O", "encrypt")
    (mounted.path / "monitor").mkdir()
    encrypt_directory(mounted.path / "monitor")
    tree = bed.tree(mounted.path / "monitor")
    path = tree.write("a.wav", marked(200_000))
    os.sync()
    extents = extents_of(path)
    before = blocks(mounted.image, extents)
    (result,) = overwrite(tree, "a.wav", scheme="random")
    assert (result.outcome, result.read, result.extents) == ("destroyed", "cached", "unchanged")
    assert examine.LIMIT_CACHED in result.limits
    bed.unmount(mounted.path)
    after = blocks(mounted.image, extents)
    assert len(before) == len(after) == 49 and not set(before) & set(after)


def blocks(image: pathlib.Path, extents: tuple[Extent, ...]) -> list[bytes]:
    """The 4096-byte blocks of a file as they lie on the medium."""
    with image.open("rb") as handle:
        found: list[bytes] = []
        for extent in extents:
            handle.seek(extent.physical)
            found.extend(handle.read(4096) for _each in range(extent.length // 4096))
        return found
