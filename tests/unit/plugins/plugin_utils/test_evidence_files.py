# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the files of evidence: what is no file is refused and not waited for."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.plugin_utils._evidence_files import read_bytes


def test_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_bytes(b"evidence")
    assert read_bytes(str(tmp_path / "file")) == b"evidence"


@pytest.mark.parametrize(
    ("kind", "words"), [("pipe", "is no regular file"), ("directory", "cannot be read"), ("missing", "cannot be read")]
)
def test_what_is_no_file(tmp_path: pathlib.Path, kind: str, words: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    with pytest.raises(EvidenceError, match=words) as caught:
        read_bytes(str(path))
    assert str(path) in caught.value.message
