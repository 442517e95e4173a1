# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an overwrite would prove nothing, or the file is not ours to write: refused with the reason, and no byte changes."""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import files as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.files import overwrite_batch, why_ineffective
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import TargetRefusedError
from ansible_collections.recordings.disposal.tests.system.erasure_bed import destroy, extents_of, overwrite
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import (
    Tree,
    expected_of,
    fingerprint,
    marked,
)


def refused(bed: Bed, root: pathlib.Path, *paths: str, words: str) -> None:
    """Each path is refused with the words, nothing below the root changes, and an overwrite on request never ends in C(destroyed)."""
    os.sync()
    tree = bed.tree(root)
    before = fingerprint(root)
    targets = [tree.open(path) for path in paths]
    assert all(words in (reason or "") for reason in why_ineffective(targets)), why_ineffective(targets)
    for target in targets:
        target.close()
    for scheme in ("nist_clear", "random"):
        for result in destroy(tree, *paths, scheme=scheme):
            assert (result.outcome, result.bytes, result.verified_bytes) == ("not_destroyed", 0, 0)
            assert words in (result.reason or "")
    assert fingerprint(root) == before
    for result in overwrite(tree, *paths, on_ineffective="report"):
        assert result.outcome == "unknown" and words in (result.reason or "")


def recordings(root: pathlib.Path, size: int = 200_000) -> None:
    root.mkdir(exist_ok=True)
    for name in ("a.wav", "b.wav"):
        (root / name).write_bytes(marked(size))


def test_btrfs_with_a_snapshot(bed: Bed) -> None:
    need("btrfs")
    mounted = bed.filesystem("btrfs")
    run("btrfs", "subvolume", "create", str(mounted.path / "monitor"))
    recordings(mounted.path / "monitor")
    run("btrfs", "subvolume", "snapshot", "-r", str(mounted.path / "monitor"), str(mounted.path / "before"))
    refused(bed, mounted.path / "monitor", "a.wav", "b.wav", words="btrfs is copy-on-write")


@pytest.mark.parametrize("options", ["", "compress-force=zstd", "nodatacow"])
def test_btrfs_however_it_is_mounted(bed: Bed, options: str) -> None:
    mounted = bed.filesystem("btrfs", mount=options)
    recordings(mounted.path / "monitor")
    refused(bed, mounted.path / "monitor", "a.wav", words="btrfs is copy-on-write")


def test_a_reflinked_file_on_xfs_and_only_that(bed: Bed) -> None:
    mounted = bed.filesystem("xfs")
    root = mounted.path / "monitor"
    recordings(root)
    run("cp", "--reflink=always", str(root / "a.wav"), str(root / "copy.wav"))
    os.sync()
    tree = bed.tree(root)
    (result,) = overwrite(tree, "b.wav")
    assert result.outcome == "destroyed"
    (root / "b.wav").write_bytes(marked(200_000))
    refused(bed, root, "a.wav", words="extents shared: another file or a snapshot shares its blocks")
    # What was written on request went to new blocks: the copy still has every byte.
    assert (root / "copy.wav").read_bytes() == marked(200_000)


def test_a_file_that_is_reflinked_in_part(bed: Bed) -> None:
    mounted = bed.filesystem("xfs")
    root = mounted.path / "monitor"
    recordings(root, 1 << 20)
    run("xfs_io", "-f", "-c", f"reflink {root / 'a.wav'} 524288 0 4096", str(root / "piece.wav"))
    refused(bed, root, "a.wav", words="extents shared")


def test_ext4_with_journalled_data(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", mount="data=journal")
    recordings(mounted.path / "monitor")
    refused(bed, mounted.path / "monitor", "a.wav", "b.wav", words="ext4 is data=journal")


def test_ext4_with_journalled_data_by_its_superblock(bed: Bed) -> None:
    need("tune2fs")
    image = bed.make_image(64)
    device = bed.attach(image)
    bed.make_filesystem(device, "ext4")
    run("tune2fs", "-o", "journal_data", device)
    root = bed.mount(device, "ext4") / "monitor"
    recordings(root)
    refused(bed, root, "a.wav", words="ext4 is data=journal")


def test_a_single_file_with_journalled_data(bed: Bed) -> None:
    need("debugfs")
    mounted = bed.filesystem("ext4")
    recordings(mounted.path / "monitor")
    bed.unmount(mounted.path)
    # Set in the image: the kernel lets chattr +j only those who may exceed resource limits, which root in a container may not.
    run("debugfs", "-w", "-R", "set_inode_field monitor/a.wav flags 0x84000", mounted.device)
    root = bed.mount(mounted.device, "ext4") / "monitor"
    refused(bed, root, "a.wav", words="data=journal: the bytes also go through the journal, and older copies stay there (set on this file)")
    tree = bed.tree(root)
    assert overwrite(tree, "b.wav")[0].outcome == "destroyed"


def test_inline_data(bed: Bed) -> None:
    mounted = bed.filesystem("ext4", "-O", "inline_data", "-I", "256")
    root = mounted.path / "monitor"
    recordings(root, 60)
    refused(bed, root, "a.wav", words="extents inline: its bytes lie inside the filesystem's metadata")
    tree = bed.tree(root)
    tree.write("large.wav", marked(200_000))
    assert overwrite(tree, "large.wav")[0].outcome == "destroyed"


@pytest.mark.parametrize("layer", ["lower", "upper"])
def test_overlay(bed: Bed, layer: str) -> None:
    mounted = bed.filesystem("ext4")
    for name in ("lower", "upper", "work"):
        (mounted.path / name).mkdir()
    recordings(mounted.path / layer / "monitor")
    directories = ",".join(f"{name}dir={mounted.path / name}" for name in ("lower", "upper", "work"))
    point = bed.mount("overlay", "overlay", directories)
    root = point / "monitor"
    before = fingerprint(mounted.path / "lower")
    refused(bed, root, "a.wav", words="overlay is layered")
    assert fingerprint(mounted.path / "lower") == before


def test_fuse(bed: Bed) -> None:
    backing, point = bed.serve()
    recordings(backing)
    refused(bed, point, "a.wav", words="is a FUSE filesystem: a program decides where the bytes go")


@pytest.mark.parametrize("kind", ["btrfs", "xfs-reflink", "overlay", "fuse"])
def test_a_loop_device_over_such_a_filesystem(bed: Bed, kind: str) -> None:
    backing = None
    if kind == "btrfs":
        inside, words = bed.filesystem("btrfs", mebibytes=256).path, "the loop device below it lies on btrfs, copy-on-write"
    elif kind == "xfs-reflink":
        inside, words = bed.filesystem("xfs").path, "the loop device below it lies on xfs, where another file shares blocks"
    elif kind == "overlay":
        below = bed.filesystem("ext4")
        for name in ("lower", "upper", "work"):
            (below.path / name).mkdir()
        inside = bed.mount("overlay", "overlay", ",".join(f"{name}dir={below.path / name}" for name in ("lower", "upper", "work")))
        words = "the loop device below it lies on overlay, layered"
    else:
        backing, inside = bed.serve()
        words = "the loop device below it lies on fuse"
    image = bed.make_image(64, inside=backing or inside)
    device = bed.attach(inside / image.name)
    bed.make_filesystem(device, "ext4")
    root = bed.mount(device, "ext4") / "monitor"
    recordings(root)
    if kind == "xfs-reflink":
        os.sync()
        run("cp", "--reflink=always", str(image), str(inside / "copy"))
    refused(bed, root, "a.wav", words=words)


def test_a_loop_device_over_a_loop_device_is_followed(bed: Bed) -> None:
    outer = bed.filesystem("xfs")
    device = bed.attach(bed.make_image(64, inside=outer.path))
    bed.make_filesystem(device, "ext4")
    tree = bed.tree(bed.mount(device, "ext4") / "monitor")
    tree.write("a.wav", marked(200_000))
    (result,) = overwrite(tree, "a.wav")
    assert result.outcome == "destroyed"
    assert "loop device over a file on xfs: its bytes are overwritten as far as that filesystem shows" in result.limits
    assert len([limit for limit in result.limits if limit.startswith("loop device over a file on ")]) == 2


@pytest.mark.parametrize("flag", ["+i", "+a"])
def test_an_immutable_or_append_only_file(bed: Bed, flag: str) -> None:
    need("chattr")
    mounted = bed.filesystem("ext4")
    tree = bed.tree(mounted.path / "monitor")
    path = tree.write("a.wav", marked(5000))
    run("chattr", flag, str(path))
    with pytest.raises(TargetRefusedError, match="denied: the file may not be written") as caught:
        tree.open("a.wav")
    assert caught.value.kind == "denied"
    run("chattr", flag.replace("+", "-"), str(path))
    assert path.read_bytes() == marked(5000)


def test_a_filesystem_mounted_read_only(bed: Bed) -> None:
    mounted = bed.filesystem("ext4")
    bed.tree(mounted.path / "monitor").write("a.wav", marked(5000))
    run("mount", "-o", "remount,ro", str(mounted.path))
    tree = bed.tree(mounted.path / "monitor")
    with pytest.raises(TargetRefusedError, match="read-only: the filesystem takes no writes"):
        tree.open("a.wav")


HOLD = {
    "reading": "handle = open(path, 'rb')",
    "writing": "handle = open(path, 'r+b')",
    "appending": "handle = open(path, 'ab')",
    "mapped": "import mmap\nwith open(path, 'rb') as opened: handle = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)",
}


class Holder:
    """Another process that has a file open."""

    def __init__(self, path: pathlib.Path, how: str) -> None:
        program = f"import sys\npath = sys.argv[1]\n{HOLD[how]}\nprint('open', flush=True)\nsys.stdin.read()"
        self.process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None and self.process.stdout.readline() == b"open\n"

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def tree(bed: Bed) -> Tree:
    tree = bed.tree(bed.filesystem("ext4").path / "monitor")
    tree.write("a.wav", marked(200_000))
    return tree


@pytest.mark.parametrize("how", HOLD)
def test_a_file_that_another_process_has_open(tree: Tree, how: str) -> None:
    holder = Holder(tree.root / "a.wav", how)
    try:
        with pytest.raises(TargetRefusedError, match="busy: another process has the file open"):
            tree.open("a.wav")
        assert (tree.root / "a.wav").read_bytes() == marked(200_000)
    finally:
        holder.end()
    assert tree.open("a.wav").openers == "none"


@pytest.mark.parametrize("how", HOLD)
def test_a_file_that_was_opened_elsewhere_before_the_first_write(tree: Tree, how: str) -> None:
    target = tree.open("a.wav")
    holder = Holder(tree.root / "a.wav", how)
    try:
        (result,) = overwrite_batch(tree.executor, [target], find_scheme("nist_clear"))
        assert (result.outcome, result.bytes) == ("not_destroyed", 0)
        assert result.reason == "busy: another process has the file open"
        assert (tree.root / "a.wav").read_bytes() == marked(200_000)
    finally:
        holder.end()


def test_who_opens_it_meanwhile_waits_is_let_in_and_ends_nobody(tree: Tree) -> None:
    target = tree.open("a.wav")
    target.lease()
    path = tree.root / "a.wav"
    with pytest.raises(BlockingIOError):
        os.open(path, os.O_RDWR | os.O_NONBLOCK)
    waiting = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(len(open(sys.argv[1], 'rb').read()))", str(path)], stdout=subprocess.PIPE
    )
    while fcntl.fcntl(target.fd, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
        assert waiting.poll() is None
        os.sched_yield()
    assert signal.getsignal(signal.SIGIO) is signal.SIG_DFL
    target.give_way()
    assert waiting.communicate()[0] == b"200000\n"
    assert target.interrupted


def test_an_interruption_is_named_as_a_limit(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._write_pass

    def write_pass(*args: t.Any) -> None:
        with pytest.raises(BlockingIOError):
            os.open(tree.root / "a.wav", os.O_RDONLY | os.O_NONBLOCK)
        real(*args)

    monkeypatch.setattr(module, "_write_pass", write_pass)
    (result,) = overwrite(tree, "a.wav")
    assert result.outcome == "destroyed"
    assert module.LIMIT_INTERRUPTED in result.limits


def test_without_the_right_to_ask_for_openers_that_is_named(bed: Bed) -> None:
    tree = bed.tree(bed.filesystem("ext4").path / "monitor")
    path = tree.write("a.wav", marked(200_000))
    path.chmod(0o666)
    expected = expected_of(path)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(65534, 65534, 65534)
            target = tree.open("a.wav", expected)
            (result,) = overwrite_batch(tree.executor, [target], find_scheme("nist_clear"))
            told = f"{target.openers} {result.outcome} {module.LIMIT_OPENERS in result.limits}"
        except BaseException as error:
            told = repr(error)
        os.write(writer, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 4096) == b"not_determinable destroyed True"
    os.close(reader)
    os.close(writer)


def test_a_file_that_was_moved_to_other_blocks_meanwhile_is_unknown(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a defragmenter does between the first look and the last, done by hand: the blocks are given up and taken anew."""
    real = module._write_pass

    def write_pass(*args: t.Any) -> None:
        fd = tree.opened[0].fd
        occupied = tree.write("occupying.wav", b"")
        os.ftruncate(fd, 0)
        with occupied.open("wb") as handle:
            handle.write(bytes(200_000))
            os.fsync(handle.fileno())
        module.set_direct(fd, False)
        os.pwrite(fd, marked(200_000), 0)
        os.fsync(fd)
        module.set_direct(fd, True)
        real(*args)

    before = extents_of(tree.root / "a.wav")
    monkeypatch.setattr(module, "_write_pass", write_pass)
    (result,) = overwrite(tree, "a.wav")
    assert extents_of(tree.root / "a.wav")[0].physical != before[0].physical
    assert (result.outcome, result.extents) == ("unknown", "changed")
    assert (result.reason or "").startswith("extents moved")
