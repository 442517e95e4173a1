# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted below a root is not the root's, whatever filesystem it is on."""

from __future__ import annotations

import pathlib
import subprocess

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint


def test_a_bind_mount_below_a_root_is_left_alone(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    due = world.record(days=200, number=1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / due.name.replace(".1.wav", ".2.wav")).write_bytes(b"kept by others")
    for number, depth in enumerate(("bound", "2020/01/01/bound")):
        place = world.root / depth
        place.mkdir(parents=True)
        subprocess.run(["mount", "--bind", str(elsewhere), str(place)], check=True)
        try:
            before = fingerprint(elsewhere)
            planned = world.plan()
            assert planned["verdicts"]["due"]["sets"] == 1 - number
            assert planned["sources"][0]["passed_over"] == {"other_filesystem": 1}
            assert any("mounted below" in warning for warning in planned["warnings"])
            if number == 0:
                assert world.apply(world.manifest(planned))["outcome"] == "destroyed"
                world.record(days=1, number=9)
            assert fingerprint(elsewhere) == before
        finally:
            subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("part", ["", "2020"])
@pytest.mark.parametrize("first", ["monitor", "again it is"])
def test_two_roots_that_show_one_directory_are_refused(tmp_path: pathlib.Path, part: str, first: str) -> None:
    world = World(tmp_path)
    world.record(days=200, number=1)
    (world.root / "2020").mkdir()
    again = tmp_path / "again it is"
    again.mkdir()
    source = world.policy["sources"][0]
    second = {**source, "name": "second", "roots": [str(again)]}
    world.policy["sources"] = [source, second] if first == "monitor" else [second, source]
    subprocess.run(["mount", "--bind", str(world.root / part), str(again)], check=True)
    try:
        before = fingerprint(world.root)
        with pytest.raises(RefusedError, match=f"the roots .*{first} and .* show the same directory"):
            world.plan()
        assert fingerprint(world.root) == before
    finally:
        subprocess.run(["umount", str(again)], check=True)
