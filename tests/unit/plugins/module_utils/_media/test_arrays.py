# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media.arrays import list_arrays
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    world = World(tmp_path)
    for number, name in enumerate(("sda", "sdb", "sdc")):
        directory = world.disk(name, f"8:{number * 16}", device__vendor="ATA", device__serial=f"SERIAL-{name}\n")
        (directory / "slaves").mkdir()
    return world


def array(world: World, name: str, number: str, members: dict[str, str], **attributes: str) -> None:
    """An array as the kernel shows it; members by their names with their states."""
    world.disk(name, number, **{f"md__{key}": f"{text}\n" for key, text in attributes.items()})
    for member, state in members.items():
        directory = world.sys / "block" / name / "md" / f"dev-{member}"
        world.write(directory / "state", f"{state}\n")
        (directory / "block").symlink_to((world.sys / "class" / "block" / member).resolve())


def test_a_host_without_arrays(world: World) -> None:
    assert list_arrays(**world.roots) == []


def test_partitions_spares_and_failed_disks(world: World) -> None:
    world.partition("sda", "sda1", "8:1")
    members = {"sda1": "in_sync", "sdb": "in_sync,write_mostly", "sdc": "spare"}
    array(world, "md0", "9:0", members, level="raid1", raid_disks="2", degraded="0")
    assert list_arrays(**world.roots) == [
        {"name": "md0", "level": "raid1", "disks": 2, "degraded": 0, "members": ["SERIAL-sda", "SERIAL-sdb"], "others": ["SERIAL-sdc"]}
    ]


def test_one_that_is_degraded_or_reshaped(world: World) -> None:
    array(world, "md0", "9:0", {"sda": "in_sync", "sdb": "faulty"}, level="raid5", raid_disks="4 (3)", degraded="1")
    (found,) = list_arrays(**world.roots)
    assert (found["disks"], found["degraded"], found["members"], found["others"]) == (4, 1, ["SERIAL-sda"], ["SERIAL-sdb"])


def test_one_without_redundancy_over_a_volume_of_a_disk_without_a_serial(world: World) -> None:
    bare = world.disk("vdb", "254:16")
    (bare / "slaves").mkdir()
    mapped = world.disk("dm-0", "253:0", dm__name="calls\n", dm__uuid="CRYPT-LUKS2-0123\n")
    (mapped / "slaves").mkdir()
    (mapped / "slaves" / "vdb").symlink_to(bare)
    array(world, "md127", "9:127", {"dm-0": "in_sync", "sda": "in_sync"}, level="raid0", raid_disks="2")
    (found,) = list_arrays(**world.roots)
    assert (found["level"], found["degraded"], found["members"]) == ("raid0", 0, ["SERIAL-sda", "vdb"])


def test_one_that_tells_nothing(world: World) -> None:
    array(world, "md0", "9:0", {}, array_state="inactive")
    assert list_arrays(**world.roots) == [{"name": "md0", "level": "unknown", "disks": 0, "degraded": 0, "members": [], "others": []}]
