# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold a key: destroyed while somebody writes to them, and after an interruption between their overwriting and the end of their names."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import FilesystemFacts, FilesystemProbe
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import OpenTarget
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.files import destroy_noted, facts_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import Hooked

ASIDE = ".0011223344556677"


@pytest.fixture
def path(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(FilesystemProbe, "assess", lambda self, fd, depth=0: FilesystemFacts("tmpfs", True, memory=True))
    path = tmp_path / "header.backup"
    path.write_bytes(b"SECRET" * 100)
    return path


def destroy(path: pathlib.Path, executor: Executor, facts: t.Mapping[str, t.Any], proven: t.Mapping[str, str]) -> list[str]:
    steps: list[str] = []
    destroy_noted(executor, facts, "the backup", lambda step, _told: steps.append(step), proven)
    return steps


@pytest.mark.parametrize("method", ["link", "unlink"])
def test_what_is_written_before_the_name_goes_is_kept(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(OpenTarget, "lease", lambda self, shared=None: None)
    with path.open("ab", buffering=0) as handle, pytest.raises(DisposalError, match="could not be destroyed and removed .used: "):
        destroy(path, Hooked(method, lambda: t.cast(None, handle.write(b"more"))), facts_of(str(path)), {})
    assert path.read_bytes().endswith(b"more") and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("names", [[ASIDE], ["header.backup", ASIDE]])
def test_what_an_interruption_left_under_its_other_name_is_overwritten_again(path: pathlib.Path, names: list[str]) -> None:
    facts = facts_of(str(path))
    os.link(path, path.with_name(ASIDE))
    if path.name not in names:
        path.unlink()
    assert destroy(path, Executor(), facts, {str(path): ASIDE}) == ["overwriting", "overwritten"]
    assert not os.listdir(path.parent)


def test_what_was_written_during_an_interruption_is_kept(path: pathlib.Path) -> None:
    facts = facts_of(str(path))
    path.rename(path.with_name(ASIDE))
    with path.with_name(ASIDE).open("ab") as handle:
        handle.write(b"more")
    with pytest.raises(DisposalError, match="could not be destroyed and removed .grown: "):
        destroy(path, Executor(), facts, {str(path): ASIDE})
    assert path.read_bytes().endswith(b"more") and os.listdir(path.parent) == [path.name]


def test_what_is_gone_after_an_interruption_counts_as_it_was_noted(path: pathlib.Path) -> None:
    facts = facts_of(str(path))
    path.unlink()
    assert destroy(path, Executor(), facts, {str(path): ASIDE}) == ["overwriting", "overwritten"]
