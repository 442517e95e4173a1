# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch on a filesystem that is taken for memory-backed, so that it runs anywhere; real filesystems are in the system tests."""

from __future__ import annotations

import errno
import os
import pathlib
import resource
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import examine, keystream, work
from ansible_collections.recordings.disposal.plugins.module_utils._erasure import files as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.files import batch_limit, overwrite_batch, why_ineffective
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import FilesystemFacts, FilesystemProbe
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.keystream import CHUNK
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import FileResult
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass, Scheme, find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.workers import Workers
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import (
    FaultyExecutor,
    Tree,
    fingerprint,
    marked,
)

ZEROS = find_scheme("nist_clear")
RANDOM = find_scheme("random")
SIZES = [0, 1, 15, 511, 512, 4095, 4096, 4097, 200_000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 777]


def assume(monkeypatch: pytest.MonkeyPatch, facts: FilesystemFacts) -> None:
    monkeypatch.setattr(FilesystemProbe, "assess", lambda self, fd, depth=0: facts)


@pytest.fixture
def tree(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Tree]:
    assume(monkeypatch, FilesystemFacts("tmpfs", True, memory=True))
    tree = Tree(tmp_path / "root", FaultyExecutor())
    yield tree
    tree.close()


def faults(tree: Tree) -> FaultyExecutor:
    assert isinstance(tree.executor, FaultyExecutor)
    return tree.executor


def overwrite(tree: Tree, scheme: Scheme = ZEROS, size: int = 3 * CHUNK + 777, threads: int = 2) -> FileResult:
    tree.write("a.wav", marked(size))
    (result,) = overwrite_batch(tree.executor, [tree.open("a.wav")], scheme, workers=Workers(threads))
    return result


@pytest.mark.parametrize("change", ["grown", "rewritten", "linked"])
def test_a_file_that_changed_after_it_was_opened_is_not_written(tree: Tree, change: str) -> None:
    path = tree.write("a.wav", marked(5000))
    target = tree.open("a.wav")
    if change == "grown":
        with path.open("ab") as handle:
            handle.write(b"more")
    elif change == "rewritten":
        path.write_bytes(marked(5000, marker=b"NEW"))
        os.utime(path, ns=(0, target.mtime_ns + 1))
    else:
        os.link(path, tree.root / "b.wav")
    before = fingerprint(tree.root)
    (result,) = overwrite_batch(tree.executor, [target], ZEROS)
    assert (result.outcome, result.bytes) == ("not_destroyed", 0)
    assert (result.reason or "").startswith("changed: the file was written to or got another name after it was opened")
    assert fingerprint(tree.root) == before
    # Nobody is left waiting for a file that was not written.
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def test_where_an_overwrite_proves_nothing_nothing_is_written(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assume(monkeypatch, FilesystemFacts("btrfs", False, "copy-on-write"))
    tree.write("a.wav", marked(5000))
    before = fingerprint(tree.root)
    target = tree.open("a.wav")
    assert why_ineffective([target]) == ["btrfs is copy-on-write"]
    (result,) = overwrite_batch(tree.executor, [target], ZEROS)
    assert (result.outcome, result.bytes, result.reason) == ("not_destroyed", 0, "btrfs is copy-on-write")
    assert fingerprint(tree.root) == before
    assert faults(tree).written == []


def test_where_it_proves_nothing_and_is_wanted_the_outcome_is_unknown(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assume(monkeypatch, FilesystemFacts("btrfs", False, "copy-on-write"))
    tree.write("a.wav", marked(5000))
    (result,) = overwrite_batch(tree.executor, [tree.open("a.wav")], ZEROS, on_ineffective="report")
    assert (result.outcome, result.bytes, result.reason) == ("unknown", 5000, "btrfs is copy-on-write")
    assert (tree.root / "a.wav").read_bytes() == bytes(5000)


def test_a_filesystem_without_extents_that_is_not_memory_proves_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assume(monkeypatch, FilesystemFacts("ext4", True))
    monkeypatch.setattr(examine, "map_extents", lambda fd: None)
    tree.write("a.wav", marked(5000))
    before = fingerprint(tree.root)
    (result,) = overwrite_batch(tree.executor, [tree.open("a.wav")], ZEROS)
    assert result.outcome == "not_destroyed" and "extents not available" in (result.reason or "")
    assert fingerprint(tree.root) == before


def test_check_mode_cannot_overwrite(tree: Tree) -> None:
    tree.write("a.wav", marked(3 * CHUNK))
    before = fingerprint(tree.root)
    for scheme in (ZEROS, RANDOM):
        with pytest.raises(CheckModeWriteError):
            overwrite_batch(CheckExecutor(), [tree.open("a.wav")], scheme)
        tree.opened.pop().close()
    assert fingerprint(tree.root) == before


@pytest.mark.parametrize("scheme", [ZEROS, RANDOM], ids=lambda scheme: scheme.name)
def test_a_medium_that_drops_writes_and_says_success_is_found_out(tree: Tree, scheme: Scheme) -> None:
    faults(tree).drop = (CHUNK + 8192, CHUNK + 8193)
    result = overwrite(tree, scheme)
    assert result.outcome == "not_destroyed"
    assert (result.reason or "").startswith(f"the overwrite had no effect at offset {CHUNK}: ")
    assert result.bad_ranges == ((CHUNK, CHUNK),)
    assert result.verified_bytes == 2 * CHUNK + 777


@pytest.mark.parametrize("scheme", [ZEROS, RANDOM], ids=lambda scheme: scheme.name)
def test_a_medium_that_drops_every_write_is_found_out(tree: Tree, scheme: Scheme) -> None:
    faults(tree).drop = (0, 1 << 40)
    result = overwrite(tree, scheme)
    assert (result.outcome, result.verified_bytes) == ("not_destroyed", 0)
    assert (result.reason or "").startswith("the overwrite had no effect at offset 0: ")


def test_a_bad_range_is_named_and_everything_around_it_is_overwritten(tree: Tree) -> None:
    faults(tree).fail = (CHUNK + 5000, CHUNK + 20000)
    result = overwrite(tree)
    assert result.outcome == "not_destroyed"
    assert result.bad_ranges == ((CHUNK + 4096, 16384),)
    assert result.reason == f"writing failed at bytes {CHUNK + 4096}-{CHUNK + 20479} (Input/output error)"
    content = (tree.root / "a.wav").read_bytes()
    original = marked(3 * CHUNK + 777)
    assert content[: CHUNK + 4096] == bytes(CHUNK + 4096)
    assert content[CHUNK + 4096 : CHUNK + 20480] == original[CHUNK + 4096 : CHUNK + 20480]
    assert content[CHUNK + 20480 :] == bytes(2 * CHUNK + 777 - 20480)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EPERM])
def test_any_other_error_ends_the_file_there(tree: Tree, number: int) -> None:
    faults(tree).fail, faults(tree).fail_with = (CHUNK + 1, CHUNK + 2), number
    result = overwrite(tree)
    assert result.outcome == "not_destroyed"
    assert result.reason == f"writing failed at bytes {CHUNK}-{3 * CHUNK + 776} ({os.strerror(number)})"


def test_a_bad_range_of_an_early_pass_counts_although_the_last_pass_went_well(tree: Tree) -> None:
    class FirstPassFails(FaultyExecutor):
        def fdatasync(self, fd: int) -> None:
            self.fail = (0, 0)

    tree.executor = executor = FirstPassFails()
    executor.fail = (0, 1)

    def heal() -> None:
        executor.fail = (0, 0)

    executor.after_write = heal
    result = overwrite(tree, Scheme("two", (Pass(b"\xff"), Pass(b"\0"))), threads=1)
    assert result.outcome == "not_destroyed"
    assert (result.reason or "").startswith("writing failed at bytes 0-")


def test_one_bad_file_does_not_spoil_the_others(tree: Tree) -> None:
    for name in ("a", "b", "c"):
        tree.write(name, marked(CHUNK * (2 if name == "b" else 1)))
    faults(tree).fail = (CHUNK, CHUNK + 1)
    results = overwrite_batch(tree.executor, [tree.open(name) for name in ("a", "b", "c")], ZEROS)
    assert [result.outcome for result in results] == ["destroyed", "not_destroyed", "destroyed"]


def test_what_cannot_be_read_back_is_unknown(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def preadv(fd: int, buffers: t.Sequence[memoryview], offset: int) -> int:
        if offset <= CHUNK + 100 < offset + len(buffers[0]):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    result = overwrite(tree)
    assert result.outcome == "unknown"
    assert result.reason == f"reading back failed at bytes {CHUNK}-{CHUNK + 4095} (Input/output error)"
    assert result.verified_bytes == 3 * CHUNK + 777 - 4096


def test_a_file_that_shrinks_under_the_overwrite_is_unknown_at_best(tree: Tree) -> None:
    faults(tree).after_write = lambda: os.ftruncate(tree.opened[0].fd, 100)
    result = overwrite(tree, size=200_000)
    assert result.outcome != "destroyed"


def test_a_file_that_grows_under_the_overwrite_is_unknown(tree: Tree) -> None:
    faults(tree).after_write = lambda: os.ftruncate(tree.opened[0].fd, 300_000)
    result = overwrite(tree, size=200_000)
    assert (result.outcome, result.reason) == ("unknown", "the file's size, time or names changed while it was overwritten")


def test_a_failed_flush_is_unknown(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assume(monkeypatch, FilesystemFacts("ext4", True))
    for user in (module, examine):
        monkeypatch.setattr(user, "map_extents", lambda fd: ())
    monkeypatch.setattr(examine, "data_ranges", lambda extents, size: [(0, size)])
    monkeypatch.setattr(examine, "_medium", lambda target, facts: (4096, False))
    monkeypatch.setattr(examine.RawDisks, "open", lambda self, device: -1)
    faults(tree).flush_error = errno.EIO
    result = overwrite(tree)
    assert (result.outcome, result.reason) == ("unknown", "the flush to the medium failed (Input/output error)")


@pytest.mark.parametrize("verify", ["none", "last", "all"])
def test_without_reading_back_nothing_is_destroyed(tree: Tree, verify: str) -> None:
    result = overwrite(tree, Scheme("x", (Pass(None), Pass(b"\x55\xaa\x00")), verify))
    assert result.outcome == ("unknown" if verify == "none" else "destroyed")
    assert result.passes == 2
    if verify == "none":
        assert result.reason == f"only 0 of {3 * CHUNK + 777} bytes were read back"


@pytest.mark.parametrize("scheme", [ZEROS, RANDOM], ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("threads", [1, 8])
def test_every_size_is_overwritten_to_its_last_byte(tree: Tree, scheme: Scheme, threads: int) -> None:
    paths = [tree.write(f"dir/{size}", marked(size)) for size in SIZES]
    untouched = tree.write("dir/untouched", marked(5000))
    results = overwrite_batch(tree.executor, [tree.open(f"dir/{size}") for size in SIZES], scheme, workers=Workers(threads))
    contents = set()
    for size, path, result in zip(SIZES, paths, results):
        assert (result.outcome, result.reason, result.bytes, result.verified_bytes, result.passes) == ("destroyed", None, size, size, 1)
        content = path.read_bytes()
        assert len(content) == size
        if scheme is ZEROS:
            assert content == bytes(size)
        elif size > 64:
            assert marked(size)[:64] not in content and b"REC-MARKER" not in content and content.count(0) < size // 32
            contents.add(content[:64])
    if scheme is RANDOM:
        assert len(contents) == len([size for size in SIZES if size > 64])
    assert untouched.read_bytes() == marked(5000)


def test_a_large_file_is_shared_between_threads_and_none_of_it_is_left_out(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SEGMENT", CHUNK)
    size = 9 * CHUNK + 1234
    result = overwrite(tree, RANDOM, size=size, threads=4)
    assert (result.outcome, result.bytes, result.verified_bytes) == ("destroyed", size, size)
    assert sorted(faults(tree).written)[0][0] == 0 and max(end for _start, end in faults(tree).written) == size


def test_short_writes_are_carried_on(tree: Tree) -> None:
    faults(tree).longest = 10_000
    assert overwrite(tree).outcome == "destroyed"


@pytest.mark.parametrize(
    ("ranges", "size", "body", "tail"),
    [
        ([], 0, [], None),
        ([], 5000, [], None),
        ([(0, 8192)], 8192, [(0, 8192)], None),
        ([(0, 5000)], 5000, [(0, 4096)], (4096, 5000)),
        ([(0, 100)], 100, [], (0, 100)),
        ([(0, 4096)], 9000, [(0, 4096)], None),
        ([(0, 4096), (8192, 9000)], 9000, [(0, 4096)], (8192, 9000)),
        ([(0, 4096), (8500, 9000)], 9000, [(0, 4096)], (8500, 9000)),
    ],
)
def test_only_the_odd_end_of_a_file_goes_through_the_cache(
    ranges: list[tuple[int, int]], size: int, body: list[tuple[int, int]], tail: tuple[int, int] | None
) -> None:
    assert examine._split(ranges, size, 4096) == (body, tail)


def test_holes_stay_holes(tree: Tree) -> None:
    path = tree.write("a.wav", b"")
    with path.open("r+b") as handle:
        handle.truncate(64 * CHUNK)
        handle.seek(8 * CHUNK)
        handle.write(marked(CHUNK))
    os.sync()
    blocks = path.stat().st_blocks
    (result,) = overwrite_batch(tree.executor, [tree.open("a.wav")], RANDOM)
    assert result.outcome == "destroyed"
    assert CHUNK <= result.bytes < 64 * CHUNK
    assert path.stat().st_blocks == blocks


def test_keys_are_wiped_even_when_writing_breaks(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    wiped = []

    def open_source(pass_: Pass) -> t.Any:
        source = keystream.open_source(pass_)
        key = source._key  # type: ignore[attr-defined]
        wiped.append(key)
        return source

    class Breaking(Executor):
        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            raise RuntimeError("bug")

    monkeypatch.setattr(module, "open_source", open_source)
    tree.write("a.wav", marked(5000))
    with pytest.raises(RuntimeError, match="bug"):
        overwrite_batch(Breaking(), [tree.open("a.wav")], RANDOM)
    assert len(wiped) == 1 and not any(wiped[0])


def test_no_targets_no_results(tree: Tree) -> None:
    assert overwrite_batch(tree.executor, [], ZEROS) == []
    assert why_ineffective([]) == []


def test_a_batch_never_asks_for_more_descriptors_than_there_are() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for limit in (256, 1024):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            assert 1 <= batch_limit() * 2 <= limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
