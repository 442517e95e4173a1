# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.mappings import Mapping, below, mappings_of

UUID = "0b8cd7b2-1d8e-4d3e-9a3c-5a1f0c1e7d21"
PLAIN = UUID.replace("-", "")


def volume(root: pathlib.Path, number: int, name: str, uuid: str, *slaves: str) -> None:
    place = root / "block" / f"dm-{number}"
    (place / "dm").mkdir(parents=True)
    (place / "dm" / "name").write_text(f"{name}\n")
    (place / "dm" / "uuid").write_text(f"{uuid}\n")
    (place / "slaves").mkdir()
    for slave in slaves:
        (place / "slaves" / slave).symlink_to(root)
    (root / "class" / "block").mkdir(parents=True, exist_ok=True)
    (root / "class" / "block" / f"dm-{number}").symlink_to(place)


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    volume(tmp_path, 0, "vg-recordings", "LVM-abc", "sda1")
    volume(tmp_path, 1, "calls_dif", f"CRYPT-SUBDEV-{PLAIN}-calls_dif", "dm-0")
    volume(tmp_path, 2, "calls", f"CRYPT-LUKS2-{PLAIN}-calls", "dm-1")
    volume(tmp_path, 3, "old", f"CRYPT-LUKS1-{PLAIN}-old", "sdb")
    volume(tmp_path, 4, "other", "CRYPT-LUKS2-00000000000000000000000000000000-other", "sdc")
    return tmp_path


def test_all_names_and_what_lies_below(root: pathlib.Path) -> None:
    assert mappings_of(UUID, sys_root=str(root)) == [
        Mapping("calls", frozenset({"dm-1", "dm-0", "sda1"})),
        Mapping("old", frozenset({"sdb"})),
    ]
    assert below("dm-4", sys_root=str(root)) == {"sdc"} and below("sda", sys_root=str(root)) == frozenset()


def test_what_cannot_be_listed_is_not_taken_for_closed(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RefusedError, match="whether the volume is open cannot be seen"):
        mappings_of(UUID, sys_root=str(tmp_path / "nothing"))
