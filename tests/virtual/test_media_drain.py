# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(media_drain) over what the kernel stacks on drives: volumes, arrays, encrypted volumes, and the namespaces of one drive."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest, Result, UserDrive

CHEAP = "-q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /run/volume.key"
MKFS = "mkfs.ext4 -q -F -N 32 -E lazy_itable_init=0,lazy_journal_init=0"


class Drain:
    """The module in the machine; what it looks at stays as it is."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        guest.vm.run("modprobe -a loop dm_mod dm_snapshot md_mod raid1 && mkdir -p /mnt/one /mnt/two")

    def __call__(self, *serials: str, **options: t.Any) -> Result:
        arguments = {"ANSIBLE_MODULE_ARGS": {"media": list(serials), **options, "_ansible_remote_tmp": "/tmp"}}
        listed = "cat /proc/self/mountinfo; losetup --list --noheadings"
        before = self.guest.vm.run(listed).stdout
        output = self.guest.vm.run(
            "cd /opt/collection && exec python3 run.py media_drain", stdin=json.dumps(arguments).encode(), check=False
        )
        assert self.guest.vm.run(listed).stdout == before
        assert output.stdout.lstrip().startswith("{"), output.stdout + output.stderr
        return Result(json.loads(output.stdout))

    def one(self, serial: str, **options: t.Any) -> dict[str, t.Any]:
        result = self(serial, **options)
        assert not result.get("failed"), result
        (row,) = result["media"]
        assert row["serial"] == serial
        return t.cast("dict[str, t.Any]", row)

    def told(self, serial: str, drained: str, *words: str) -> dict[str, t.Any]:
        row = self.one(serial)
        assert row["drained"] == drained and all(any(word in reason for reason in row["reasons"]) for word in words), row
        return row


@pytest.fixture
def drain(guest: Guest) -> Drain:
    return Drain(guest)


def devices(row: dict[str, t.Any]) -> list[tuple[bool, bool, int]]:
    return [(each["stacked"], bool(each["mounted"]), each["files"]) for each in row["filesystems"]]


def test_logical_volumes(guest: Guest, drain: Drain) -> None:
    drive = guest.drive("scsi", "TDL1", mib=64)
    guest.vm.run(
        f"vgcreate -qq calls {drive.path} && lvcreate -qq -y -n one -l 4 calls && lvcreate -qq -y -n two -l 4 calls"
        f" && {MKFS} /dev/calls/one && {MKFS} /dev/calls/two && mount /dev/calls/one /mnt/one && touch /mnt/one/call.wav && sync"
    )
    try:
        row = drain.told("TDL1", "no", "1 file on dm-0 (calls-one) was not judged, as no policy is given")
        assert devices(row) == [(True, True, 1), (True, False, 0)]
        guest.vm.run("umount /mnt/one && sync")
        before = drive.digest()
        assert [each["inventory"] for each in drain.one("TDL1")["filesystems"]] == [each["inventory"] for each in row["filesystems"]]
        assert drive.digest() == before
        guest.vm.run("lvcreate -qq -s -n shot -l 2 calls/one && sync")
        before = drive.digest()
        row = drain.told("TDL1", "no", "(calls-one) was not judged", "(calls-shot) was not judged")
        assert sorted(devices(row)) == [(True, False, 0), (True, False, 1), (True, False, 1)] and len(row["reasons"]) == 2
        assert drive.digest() == before
        guest.vm.run("lvremove -qq -f calls/shot && lvchange -qq -an calls/two")
        drain.told("TDL1", "no", "1 file on dm-0 (calls-one)", "volumes of its group are not active (two); activate them, or remove them")
        guest.vm.run("vgchange -qq -an calls && sync")
        before = drive.digest()
        drain.told("TDL1", "unknown", "bears an LVM physical volume (LVM2_member", "and it is not active here")
        assert drive.digest() == before
    finally:
        guest.vm.run("umount /mnt/one; vgremove -qq -f calls", check=False)


def test_an_array(guest: Guest, drain: Drain) -> None:
    one, two = guest.drive("scsi", "TDA1"), guest.drive("scsi", "TDA2")
    create = f"mdadm --create /dev/md0 --run --quiet --level=1 --raid-devices=2 --assume-clean {one.path} {two.path}"
    guest.vm.run(f"{create} && {MKFS} /dev/md0 && mount /dev/md0 /mnt/one && touch /mnt/one/call.wav && sync")
    try:
        result = drain("TDA1", "TDA2")
        assert [row["drained"] for row in result["media"]] == ["no", "no"]
        assert [devices(row) for row in result["media"]] == [[(True, True, 1)]] * 2
        whole = {"name": "md0", "level": "raid1", "disks": 2, "degraded": 0, "members": ["TDA1", "TDA2"], "others": []}
        assert result["arrays"] == [whole]
        refused = drain("TDA1", copies=[{"root": "/mnt/one", "copy": "/mnt/one"}])
        assert refused["failed"] and "lie on the same filesystem as /mnt/one" in refused.words
        guest.vm.run("mkdir /mnt/one/store")
        refused = drain("TDA1", copies=[{"root": "/srv", "copy": "/mnt/one/store"}])
        assert refused["failed"] and "lie on md0, which is or lies on one of the media that are to go" in refused.words
        guest.vm.run(f"mdadm --quiet /dev/md0 --fail {two.path}")
        assert drain("TDA1")["arrays"] == [{**whole, "degraded": 1, "members": ["TDA1"], "others": ["TDA2"]}]
        guest.vm.run("umount /mnt/one && mdadm --quiet --stop /dev/md0")
        drain.told("TDA1", "unknown", "bears a member of a Linux RAID (linux_raid_member", "and it is not active here")
    finally:
        guest.vm.run(f"umount /mnt/one; mdadm --quiet --stop /dev/md0; mdadm --zero-superblock {one.path} {two.path}", check=False)


@THOROUGH
def test_an_encrypted_volume(guest: Guest, drain: Drain) -> None:
    drive = guest.drive("scsi", "TDC1", mib=48)
    guest.vm.run(
        f"printf 'key of the volume' > /run/volume.key && cryptsetup luksFormat {CHEAP} {drive.path}"
        f" && cryptsetup open --key-file /run/volume.key {drive.path} calls && {MKFS} /dev/mapper/calls"
    )
    try:
        row = drain.told("TDC1", "yes")
        assert devices(row) == [(True, False, 0)]
        guest.vm.run("mount /dev/mapper/calls /mnt/one && touch /mnt/one/call.wav && umount /mnt/one")
        assert devices(drain.told("TDC1", "no", "1 file on dm-0 (calls) was not judged")) == [(True, False, 1)]
    finally:
        guest.vm.run("cryptsetup close calls", check=False)
    drain.told("TDC1", "unknown", "it is encrypted (crypto_LUKS) and locked; open it, and look again")


@THOROUGH
def test_the_namespaces_of_one_drive(guest: Guest, drain: Drain) -> None:
    drive: UserDrive = guest.drive("nvme", "TDN1", namespaces=2)
    first, second = sorted(drive.names)
    guest.vm.run(f"{MKFS} /dev/{first} && {MKFS} /dev/{second} && mount /dev/{second} /mnt/one && touch /mnt/one/call.wav && sync")
    try:
        row = drain.told("TDN1", "no", f"1 file on {second} was not judged")
        assert devices(row) == [(False, False, 0), (False, True, 1)]
        assert any("namespaces of the drive that this host does not see" in limit for limit in row["limits"])
    finally:
        guest.vm.run("umount /mnt/one")
