# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import (
    find_device,
    list_devices,
    parse_udev,
    parse_uevent,
    parse_vpd_serial,
    plain_wwn,
    same_medium,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World

UDEV_ATA = """S:disk/by-id/ata-ST4000NM0035-1V4107_ZC11ABCD
S:disk/by-id/wwn-0x5000c500a1b2c3d4
I:4113297
E:ID_ATA=1
E:ID_BUS=ata
E:ID_MODEL=ST4000NM0035-1V4107
E:ID_SERIAL=ST4000NM0035-1V4107_ZC11ABCD
E:ID_SERIAL_SHORT=ZC11ABCD
E:ID_WWN=0x5000c500a1b2c3d4
E:ID_WWN_WITH_EXTENSION=0x5000c500a1b2c3d4
G:systemd
Q:systemd
V:1
"""
VPD_80 = b"\x00\x80\x00\x14            ZC11ABCD"


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    world = World(tmp_path)
    world.disk("sda", "8:0", device__vendor="ATA     \n", device__wwid="naa.5000c500a1b2c3d4\n", device__vpd_pg80=VPD_80)
    world.udev("8:0", UDEV_ATA)
    world.partition("sda", "sda1", "8:1", partuuid="3f6c1d2e-01")
    world.partition("sda", "sda2", "8:2", partuuid="3f6c1d2e-02")
    world.disk(
        "nvme0n1",
        "259:0",
        serial="",
        device__serial="S4EWNX0N123456      \n",
        wwid="eui.0025385b71b0a1c2\n",
        eui="00 25 38 5b 71 b0 a1 c2\n",
        nguid="00000000-0000-0000-0000-000000000000\n",
        queue__logical_block_size="4096\n",
    )
    world.disk("nvme0n2", "259:1", device__serial="S4EWNX0N123456      \n", wwid="uuid.1b4e28ba-2fa1-11d2-883f-0016d3cca427\n")
    world.disk("vda", "254:0", serial="recordings-1\n")
    world.disk("sdc", "8:32", device__wwid="naa.600508b1001c4d2e\n")
    world.disk("sdd", "8:48", device__wwid="naa.600508b1001c4d2e\n")
    world.disk("sde", "8:64", mebibytes=0, device__wwid="naa.5000000000000001\n")
    world.disk("dm-0", "253:0", dm__uuid="LVM-Qw3rTyabcdef\n", dm__name="vg-calls\n")
    world.disk("dm-1", "253:1")
    world.udev("253:1", "E:DM_UUID=CRYPT-LUKS2-0b8c-calls\n")
    world.disk("md127", "9:127", md__uuid="3f6c1d2e-1111-2222-3333-444455556666\n")
    world.disk("cciss!c0d0", "104:0", serial="P1\n")
    world.disk("nvme1c0n1", "259:7", hidden="1\n", wwid="eui.1111111111111111\n")
    return world


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"serial": "ZC11ABCD"}, "sda"),
        ({"serial": " ZC11ABCD "}, "sda"),
        ({"wwn": "0x5000c500a1b2c3d4"}, "sda"),
        ({"wwn": "naa.5000C500A1B2C3D4"}, "sda"),
        ({"wwn": "50:00:c5:00:a1:b2:c3:d4", "serial": "ZC11ABCD"}, "sda"),
        ({"wwn": "eui.0025385b71b0a1c2"}, "nvme0n1"),
        ({"wwn": "0025385B71B0A1C2", "serial": "S4EWNX0N123456"}, "nvme0n1"),
        ({"wwn": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, "nvme0n2"),
        ({"serial": "recordings-1"}, "vda"),
        ({"partuuid": "3F6C1D2E-02"}, "sda2"),
        ({"partuuid": "3f6c1d2e-01", "serial": "ZC11ABCD"}, "sda1"),
        ({"serial": "P1"}, "cciss!c0d0"),
        ({"volume_uuid": "LVM-Qw3rTyabcdef"}, "dm-0"),
        ({"volume_uuid": "CRYPT-LUKS2-0b8c-calls"}, "dm-1"),
        ({"volume_uuid": "3F6C1D2E:11112222:33334444:55556666"}, "md127"),
    ],
)
def test_the_one_device_is_found(world: World, identity: dict[str, str], name: str) -> None:
    device = find_device(identity, **world.roots)
    assert (device.name, device.asked) == (name, identity)


def test_what_is_told_of_a_device(world: World) -> None:
    device = find_device({"wwn": "0025385b71b0a1c2"}, **world.roots)
    assert (device.path, device.number, device.size, device.logical, device.physical) == ("/dev/nvme0n1", (259, 0), 64 << 20, 4096, 4096)
    assert (device.partition, device.parent, device.sequence) == (False, None, "7")
    assert device.facts == {"serial": ("S4EWNX0N123456",), "wwn": ("0025385b71b0a1c2",)}
    part = find_device({"partuuid": "3f6c1d2e-02"}, **world.roots)
    assert (part.partition, part.parent, part.size, part.facts["serial"]) == (True, "sda", 8 << 20, ("ZC11ABCD",))
    assert find_device({"serial": "P1"}, **world.roots).path == "/dev/cciss/c0d0"


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({}, "names no device; give at least one of serial, wwn, partuuid, volume_uuid, backing_file"),
        ({"size_bytes": "67108864"}, "names no device"),
        ({"serial": ""}, "the identity's serial is empty"),
        ({"wwn": "  "}, "the identity's wwn is empty"),
        ({"serial": "/dev/sda"}, "/dev/sda is a path, and paths change"),
        ({"path": "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"}, "is a path, and paths change"),
        ({"device": "sda"}, "sda is a path"),
        ({"model": "ST4000NM0035"}, "the unknown key 'model'; allowed are serial, wwn, partuuid, volume_uuid, backing_file, size_bytes"),
        ({"serial": "zc11abcd"}, "no device on this host has serial zc11abcd"),
        ({"serial": "ZC11"}, "no device on this host has serial ZC11"),
        ({"serial": "ZC11ABCD", "wwn": "5000c500a1b2c3d5"}, "no device on this host has serial ZC11ABCD and wwn 5000c500a1b2c3d5"),
        ({"partuuid": "3f6c1d2e-01", "serial": "recordings-1"}, "no device on this host has partuuid 3f6c1d2e-01 and serial"),
        ({"partuuid": "3f6c1d2e-03"}, "no device on this host has partuuid"),
        ({"wwn": "00000000-0000-0000-0000-000000000000"}, "no device on this host"),
        ({"wwn": "1111111111111111"}, "no device on this host"),
        # Of the device mapper's, large and small letters differ.
        ({"volume_uuid": "lvm-qw3rtyabcdef"}, "no device on this host has volume_uuid"),
        ({"volume_uuid": "/dev/vg/calls"}, "/dev/vg/calls is a path"),
        ({"wwn": "600508b1001c4d2e"}, "2 devices have wwn 600508b1001c4d2e: sdc, sdd (several paths to one medium"),
        ({"serial": "S4EWNX0N123456"}, "2 devices have serial S4EWNX0N123456: nvme0n1, nvme0n2"),
        ({"wwn": "5000000000000001"}, "sde (wwn 5000000000000001) shows no size"),
        ({"serial": "recordings-1", "size_bytes": "67108865"}, "has 67108864 bytes, smaller than the 67108865 that the register expects"),
        ({"serial": "recordings-1", "size_bytes": "67108863"}, "has 67108864 bytes, larger than the 67108863 that the register expects"),
        ({"serial": "recordings-1", "size_bytes": "64 MiB"}, "size_bytes is '64 MiB', which is no whole number of bytes"),
        ({"backing_file": "/srv/none"}, "no device on this host has backing_file /srv/none"),
    ],
)
def test_what_names_no_device_or_several_is_refused(world: World, identity: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        find_device(identity, **world.roots)
    assert words in caught.value.message


def test_a_kernel_that_shows_nothing(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RefusedError, match="the block devices cannot be listed"):
        list_devices(sys_root=str(tmp_path))


def test_udev_and_uevent() -> None:
    told = parse_udev(UDEV_ATA)
    assert (told["ID_SERIAL_SHORT"], told["ID_WWN"], told["ID_ATA"]) == ("ZC11ABCD", "0x5000c500a1b2c3d4", "1")
    assert "S" not in told and len(told) == 7
    assert parse_uevent("MAJOR=8\nMINOR=1\nDEVNAME=sda1\nPARTUUID=3f6c1d2e-01\nbroken\n")["PARTUUID"] == "3f6c1d2e-01"


def test_vpd_serial() -> None:
    assert parse_vpd_serial(VPD_80) == "ZC11ABCD"
    for page in (b"", b"\x00\x83\x00\x04abcd", b"\x00\x80"):
        assert parse_vpd_serial(page) == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0x5000c500a1b2c3d4", "5000c500a1b2c3d4"),
        ("naa.5000C500A1B2C3D4\n", "5000c500a1b2c3d4"),
        ("00 25 38 5b 71 b0 a1 c2", "0025385b71b0a1c2"),
        ("uuid.1b4e28ba-2fa1-11d2-883f-0016d3cca427", "1b4e28ba2fa111d2883f0016d3cca427"),
        ("t10.ATA     ST4000NM0035-1V4107    ZC11ABCD", "t10.ata st4000nm0035-1v4107 zc11abcd"),
    ],
)
def test_wwns_as_tools_write_them(text: str, plain: str) -> None:
    assert plain_wwn(text) == plain


def test_the_same_medium_after_a_restart(world: World) -> None:
    disk = find_device({"serial": "ZC11ABCD"}, **world.roots).identity
    part = find_device({"partuuid": "3f6c1d2e-01"}, **world.roots).identity
    assert same_medium(disk, disk)
    assert same_medium(disk, {**disk, "facts": {"serial": ["ZC11ABCD"]}})
    assert not same_medium(disk, part)
    assert not same_medium(disk, {**disk, "size": disk["size"] - 512})
    assert not same_medium(disk, {**disk, "facts": {**disk["facts"], "wwn": ["another"]}})
    assert not same_medium(disk, {**disk, "facts": {}})
    assert not same_medium(disk, {**disk, "facts": {"backing_file": ["/x"]}})
