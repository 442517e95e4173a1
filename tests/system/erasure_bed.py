# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests of the engine share: destroying as the sweep does, and the adversary with the raw image."""

from __future__ import annotations

import mmap
import os
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.extents import Extent, map_extents
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.files import overwrite_batch
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.names import remove, sync_directories
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import FileResult
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import Tree

__all__ = ["destroy", "extents_of", "hits", "overwrite"]


def overwrite(tree: Tree, *paths: str, scheme: str = "nist_clear", **options: t.Any) -> list[FileResult]:
    """Open, overwrite and prove; the names stay."""
    targets = [tree.open(path) for path in paths]
    try:
        return overwrite_batch(tree.executor, targets, find_scheme(scheme), **options)
    finally:
        for target in targets:
            target.close()


def destroy(tree: Tree, *paths: str, scheme: str = "nist_clear") -> list[FileResult]:
    """The whole way of a file: open, overwrite, prove, unlink, flush the directories."""
    targets = [tree.open(path) for path in paths]
    try:
        results = overwrite_batch(tree.executor, targets, find_scheme(scheme))
        for target, result in zip(targets, results):
            if result.outcome == "destroyed":
                remove(tree.executor, target)
        sync_directories(tree.executor, [dir_fd for target in targets for dir_fd, _name in target.names])
        return results
    finally:
        for target in targets:
            target.close()


def hits(image: pathlib.Path, marker: bytes) -> int:
    """How often a marker lies anywhere on the medium."""
    with image.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as view:
        count = 0
        position = view.find(marker)
        while position >= 0:
            count += 1
            position = view.find(marker, position + len(marker))
        return count


def extents_of(path: pathlib.Path) -> tuple[Extent, ...]:
    """Where a file lies on its device."""
    fd = os.open(path, os.O_RDONLY)
    try:
        found = map_extents(fd)
    finally:
        os.close(fd)
    assert found is not None
    return found
