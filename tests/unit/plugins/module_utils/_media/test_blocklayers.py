# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media.blocklayers import block_layers


class Sysfs:
    """A tree of the form that the kernel shows: device directories, links by number, slaves, attributes."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        (root / "dev" / "block").mkdir(parents=True)

    def device(self, name: str, number: str, *, slaves: tuple[str, ...] = (), **attributes: str) -> pathlib.Path:
        directory = self.root / "devices" / name
        directory.mkdir(parents=True)
        (self.root / "dev" / "block" / number).symlink_to(directory)
        (directory / "slaves").mkdir()
        for slave in slaves:
            (directory / "slaves" / slave).symlink_to(self.root / "devices" / slave)
        for path, value in attributes.items():
            file = directory / path.replace("__", "/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(value + "\n")
        return directory


@pytest.fixture
def sysfs(tmp_path: pathlib.Path) -> Sysfs:
    return Sysfs(tmp_path)


def kinds(sysfs: Sysfs, major: int, minor: int) -> list[tuple[str, str]]:
    return [(layer.name, layer.kind) for layer in block_layers(major, minor, sys_root=str(sysfs.root))]


def test_a_device_that_the_kernel_does_not_show_has_no_layers(sysfs: Sysfs) -> None:
    assert block_layers(8, 1, sys_root=str(sysfs.root)) == ()


def test_a_partition_is_its_disk(sysfs: Sysfs) -> None:
    disk = sysfs.device("sda", "8:0", queue__rotational="0", queue__zoned="none", device__vendor="ATA", device__model="Samsung SSD 870")
    partition = disk / "sda1"
    partition.mkdir()
    (partition / "partition").write_text("1\n")
    (sysfs.root / "dev" / "block" / "8:1").symlink_to(partition)
    (layer,) = block_layers(8, 1, sys_root=str(sysfs.root))
    assert (layer.name, layer.kind, layer.rotational, layer.zoned) == ("sda", "disk", False, False)


@pytest.mark.parametrize(
    ("channel", "driver", "about", "kind"),
    [
        (2, "megaraid_sas", {"device__model": "PERC H730 Mini"}, "volume"),
        (0, "megaraid_sas", {"device__vendor": "ATA", "device__model": "ST4000NM0035"}, "disk"),
        (0, "smartpqi", {"device__raid_level": "RAID-1"}, "volume"),
        (0, "smartpqi", {"device__raid_level": "N/A"}, "disk"),
        (0, "mpt3sas", {"device__vendor": "SEAGATE"}, "disk"),
    ],
)
def test_a_volume_of_a_raid_controller_is_no_disk(sysfs: Sysfs, channel: int, driver: str, about: dict[str, str], kind: str) -> None:
    host = sysfs.root / "devices" / "pci0000:00" / "host0"
    sysfs.device(f"pci0000:00/host0/target0:{channel}:0/0:{channel}:0:0/block/sda", "8:0", **about)
    (host / "scsi_host" / "host0").mkdir(parents=True)
    (host / "scsi_host" / "host0" / "proc_name").write_text(f"{driver}\n")
    assert kinds(sysfs, 8, 0) == [("sda", kind)]


def test_a_stack_is_followed_to_its_disks_each_once(sysfs: Sysfs) -> None:
    sysfs.device("sda", "8:0", queue__rotational="1")
    sysfs.device("sdb", "8:16", queue__rotational="1", queue__zoned="host-managed")
    sysfs.device("md0", "9:0", slaves=("sda", "sdb"), md__level="raid1")
    sysfs.device("dm-1", "253:1", slaves=("md0",), dm__uuid="LVM-x-real")
    sysfs.device("dm-2", "253:2", slaves=("md0",), dm__uuid="LVM-x-cow")
    sysfs.device("dm-0", "253:0", slaves=("dm-1", "dm-2"), dm__uuid="LVM-x")
    layers = block_layers(253, 0, sys_root=str(sysfs.root))
    assert [(layer.name, layer.kind) for layer in layers] == [
        ("dm-0", "dm"),
        ("dm-1", "dm"),
        ("dm-2", "dm"),
        ("md0", "md"),
        ("sda", "disk"),
        ("sdb", "disk"),
    ]
    assert layers[1].uuid == "LVM-x-real"
    assert layers[5].zoned


@pytest.mark.parametrize(
    ("name", "attributes", "kind"),
    [
        ("vda", {}, "virtual"),
        ("xvdb", {}, "virtual"),
        ("nbd0", {}, "virtual"),
        ("sda", {"device__vendor": "QEMU", "device__model": "QEMU HARDDISK"}, "virtual"),
        ("sda", {"device__vendor": "VMware", "device__model": "Virtual disk"}, "virtual"),
        ("nvme0n1", {"device__model": "Amazon Elastic Block Store"}, "virtual"),
        ("nvme0n1", {"device__model": "SAMSUNG MZVL2512"}, "disk"),
        ("bcache0", {}, "cache"),
        ("zram0", {}, "memory"),
        ("loop0", {}, "loop"),
    ],
)
def test_kinds_of_devices(sysfs: Sysfs, name: str, attributes: dict[str, str], kind: str) -> None:
    sysfs.device(name, "1:2", slaves=(), **attributes)
    assert kinds(sysfs, 1, 2) == [(name, kind)]


def test_a_loop_device_whose_file_cannot_be_checked_has_none(sysfs: Sysfs, tmp_path: pathlib.Path) -> None:
    (tmp_path / "image").write_bytes(b"x")
    sysfs.device("loop987654", "7:9", loop__backing_file=str(tmp_path / "image"))
    (layer,) = block_layers(7, 9, sys_root=str(sysfs.root))
    assert (layer.kind, layer.backing) == ("loop", None)
