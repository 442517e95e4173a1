# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the system tests: what they cannot run they say, and in CI that fails."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import tempfile
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import assess_filesystem
from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted, need, not_run, reaped
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import validate


@pytest.fixture(scope="session", autouse=True)
def _nothing_stays(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[None]:
    with reaped(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(autouse=True)
def _journals_fit_their_schema(tmp_path: pathlib.Path) -> t.Iterator[None]:
    """What real runs wrote, and the code takes, is of the schema that everybody else reads it by."""
    yield
    for path in tmp_path.rglob("journal.jsonl"):
        with contextlib.suppress(EvidenceError):
            records = list(itertools.islice(read_journal(path, allow_torn=True), 300))
            JournalState.fold(records)
            for record in records:
                validate("journal-1", record)


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> t.Iterator[Bed]:
    """Images on a filesystem that overwrites in place: the test's directory, or memory where that is none."""
    need("losetup", "mount", "umount")
    with contextlib.ExitStack() as stack:
        directory = tmp_path
        if not _in_place(tmp_path):
            if not _in_place(pathlib.Path("/dev/shm")):
                not_run("neither the temporary directory nor /dev/shm overwrites in place")
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        bed = Bed(directory)
        stack.callback(bed.close)
        yield bed


def _in_place(directory: pathlib.Path) -> bool:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return assess_filesystem(fd).in_place
    finally:
        os.close(fd)


@pytest.fixture
def loop_filesystem(bed: Bed) -> t.Callable[..., Mounted]:
    """Makes and mounts a filesystem on a loop device; see C(Bed.filesystem)."""
    return bed.filesystem
