# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free space of real filesystems is overwritten, and the adversary who reads the raw image finds nothing of what was only deleted."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.freespace import FreeSpaceResult, overwrite_free_space
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import fingerprint, marked

DELETED = b"ONLY-DELETED-AUDIO"
KEPT = b"KEPT-RECORDING-AUDIO"
MIB = 1 << 20

# Filesystems that give their last block to files, so that nothing of the free space is left.
WHOLE: dict[str, tuple[tuple[t.Any, ...], dict[str, t.Any]]] = {
    "ext4": (("ext4", "-b", "4096"), {}),
    "ext4-1k-blocks": (("ext4", "-b", "1024"), {}),
    "ext4-bigalloc": (("ext4", "-O", "bigalloc"), {}),
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
    print(result)

    assert (result.outcome, result.reason, result.kept_bytes) == ("destroyed", None, 0)
    assert result.covered_bytes == result.verified_bytes and abs(result.covered_bytes - before) < MIB
    assert (result.ended, result.given_back_bytes, result.read) == ("full", 0, "direct")
    assert fingerprint(mounted.path / "monitor") == living
    assert abs(free(mounted.path) - before) <= 65536
    bed.unmount(mounted.path)
    assert hits(mounted.image, DELETED) == 0
    assert hits(mounted.image, KEPT) > 1000
