# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures beside a manifest: files that cannot be one are named."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.plugin_utils._signatures import read_signatures, signature_name


def test_a_directory_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EvidenceError, match="directory of signatures .*/none cannot be read"):
        read_signatures("manifest.json", str(tmp_path / "none"))


def test_files_that_are_none_are_named_and_the_others_are_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"{}\n")
    (tmp_path / "manifest.json.sig").write_bytes(b"whose?")
    (tmp_path / "manifest.json.a b.sig").write_bytes(b"x")
    (tmp_path / "manifest.json.big@example.com.sig").write_bytes(b"x" * 70000)
    (tmp_path / "manifest.json.dir@example.com.sig").mkdir()
    (tmp_path / "manifest.json.anna@example.com.sig").write_bytes(b"\xffanna")
    (tmp_path / "plan.json.eve@example.com.sig").write_bytes(b"other")
    found = read_signatures(str(tmp_path / "manifest.json"), str(tmp_path))
    assert found.signatures == [{"principal": "anna@example.com", "signature": "\udcffanna"}]
    assert [problem.split(":")[0].split(" does")[0] for problem in found.problems] == [
        "'manifest.json.a b.sig'",
        "'manifest.json.big@example.com.sig'",
        "'manifest.json.dir@example.com.sig'",
        "manifest.json.sig",
    ]
    assert "does not say who signed; name it manifest.json.<principal>.sig" in found.problems[-1]
    assert signature_name("manifest.json", "anna@example.com") == "manifest.json.anna@example.com.sig"
