# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import extents as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.extents import (
    Extent,
    data_ranges,
    extents_problem,
    map_extents,
    reaches_beyond,
)

PLAIN = (Extent(0, 1 << 20, 8192, 0), Extent(8192, 1 << 24, 4096, module.LAST))


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        (module.SHARED, "extents shared: another file or a snapshot"),
        (module.DATA_INLINE | module.NOT_ALIGNED, "extents inline"),
        (module.DATA_TAIL | module.NOT_ALIGNED, "extents tail-packed"),
        (module.DELALLOC | module.UNKNOWN, "extents not placed"),
        (module.UNKNOWN, "extents unknown"),
        (module.ENCODED, "extents encoded"),
        (module.NOT_ALIGNED, "extents not aligned"),
    ],
)
def test_an_unprovable_extent_is_named_before_and_after(flag: int, words: str) -> None:
    spoilt = (PLAIN[0], PLAIN[1]._replace(flags=flag))
    assert (extents_problem(spoilt, spoilt, end=12288) or "").startswith(words)
    assert (extents_problem(PLAIN, spoilt, end=12288) or "").startswith(words)


def test_no_answer_is_a_problem() -> None:
    assert (extents_problem(None, None, end=4096) or "").startswith("extents not available")
    assert (extents_problem(PLAIN, None, end=4096) or "").startswith("extents not available")


@pytest.mark.parametrize(
    "after",
    [
        (),
        (PLAIN[0],),
        (PLAIN[0]._replace(physical=2 << 20), PLAIN[1]),
        (*PLAIN, Extent(12288, 1 << 26, 4096, 0)),
    ],
)
def test_extents_that_are_not_what_they_were_are_a_problem(after: tuple[Extent, ...]) -> None:
    assert (extents_problem(PLAIN, after, end=16384) or "").startswith("extents moved")


def test_the_same_blocks_told_otherwise_are_no_problem() -> None:
    parts = (Extent(0, 1 << 20, 4096, module.MERGED), Extent(4096, (1 << 20) + 4096, 4096, 0), Extent(8192, 1 << 24, 4096, 0))
    assert extents_problem(PLAIN, parts, end=12288) is None
    assert extents_problem(PLAIN, PLAIN, end=12288) is None


def test_what_lies_behind_the_last_block_does_not_matter() -> None:
    reserved = (*PLAIN, Extent(12288, 1 << 26, 1 << 20, module.UNWRITTEN))
    assert extents_problem(reserved, PLAIN, end=12288) is None


def test_encryption_alone_is_no_problem() -> None:
    encrypted = (Extent(0, 1 << 20, 4096, module.ENCODED | module.DATA_ENCRYPTED),)
    assert extents_problem(encrypted, encrypted, end=4096) is None


def test_holes_are_no_data_and_what_only_reads_as_zeros_is() -> None:
    found = (
        Extent(0, 1 << 20, 4096, 0),
        Extent(4096, 1 << 21, 4096, 0),
        Extent(16384, 1 << 22, 8192, module.UNWRITTEN),
        Extent(32768, 1 << 23, 8192, 0),
    )
    assert data_ranges(found, 40000) == [(0, 8192), (16384, 24576), (32768, 40000)]
    assert data_ranges(found, 5000) == [(0, 5000)]
    assert data_ranges((), 5000) == []
    assert reaches_beyond(found, 36864) and not reaches_beyond(found, 40960)


def test_what_was_reserved_and_is_written_now_has_not_moved() -> None:
    before = (Extent(0, 1 << 20, 4096, 0), Extent(4096, (1 << 20) + 4096, 8192, module.UNWRITTEN))
    after = (Extent(0, 1 << 20, 12288, module.LAST),)
    assert extents_problem(before, after, end=12288) is None
    moved = (Extent(0, 1 << 20, 4096, 0), Extent(4096, 1 << 21, 8192, 0))
    assert extents_problem(before, moved, end=12288) == "extents moved: the file's bytes lie elsewhere than before the overwrite"


def test_a_filesystem_without_the_call_gives_no_extents() -> None:
    with open("/proc/self/status", "rb") as handle:
        assert map_extents(handle.fileno()) is None


def test_more_extents_than_one_call_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """The kernel's side is played here only to page: real answers are in the system tests."""
    every = [Extent(number * 8192, (number + 5) << 20, 4096, 0) for number in range(200)]
    every[-1] = every[-1]._replace(flags=module.LAST)

    def ioctl(_fd: int, _request: int, buffer: bytearray, _mutate: bool) -> int:
        start = module._HEADER.unpack_from(buffer)[0]
        found = [extent for extent in every if extent.end > start][:64]
        module._HEADER.pack_into(buffer, 0, start, 0, 0, len(found), 64, 0)
        for index, extent in enumerate(found):
            module._EXTENT.pack_into(buffer, module._HEADER.size + index * module._EXTENT.size, *extent)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    path = tmp_path / "file"
    path.write_bytes(b"x")
    fd = os.open(path, os.O_RDONLY)
    try:
        assert map_extents(fd) == tuple(every)
    finally:
        os.close(fd)
