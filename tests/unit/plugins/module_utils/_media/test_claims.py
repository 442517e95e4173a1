# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else lays claim to a device: signatures that blkid knows, udev's mark of a path of a multipath device, and registered keys.

Texts of sg_persist are printed by C(prin_work) of its source, the same in sg3_utils 1.46 (Debian 12), 1.47 (RHEL 9) and 1.48 (Debian 13); those of
blkid and wipefs are real ones of util-linux 2.38 (Debian 12), whose form is the same in 2.37 (RHEL 9) and 2.41 (Debian 13).
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media import claims, labels
from ansible_collections.recordings.disposal.plugins.module_utils._media.claims import find_claims, judge_labels, parse_keys
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import decide_use, gather_use
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.plugins.module_utils._media.labels import Labels, find_labels, parse_wipefs
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World

SAS = "pci0000:00/0000:00:05.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0"
DISK = {"device__type": "0\n", "device__scsi_level": "7\n", "device__vendor": "SEAGATE \n"}
LVM = b"DEVNAME=/dev/sda\nUUID=Qwq9yb-9cYW-0Q3L-wVVC-vQ3H-8K0d-1Pq3aB\nVERSION=LVM2 001\nTYPE=LVM2_member\nUSAGE=raid\n"


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ("LVM2_member", "sdb1 bears an LVM physical volume (LVM2_member; to take it off: vgreduce or vgremove, then pvremove)"),
        ("linux_raid_member", "a member of a Linux RAID (linux_raid_member; to take it off: mdadm --zero-superblock)"),
        ("isw_raid_member", "a member of a controller's RAID (isw_raid_member; to take it off: delete the array"),
        ("ddf_raid_member", "a member of a controller's RAID (ddf_raid_member"),
        ("lsi_mega_raid_member", "a member of a controller's RAID (lsi_mega_raid_member"),
        ("zfs_member", "a member of a ZFS pool"),
        ("bcache", "a device of bcache"),
        ("stratis", "a device of a Stratis pool"),
        ("drbd", "a DRBD device, of which another host has a copy"),
        ("ceph_bluestore", "an object store of Ceph"),
        ("oracleasm", "a disk of Oracle ASM"),
        ("ocfs2", "a cluster filesystem (ocfs2; to take it off: see on every host"),
        ("gfs2", "a cluster filesystem (gfs2"),
        ("VMFS_volume_member", "a filesystem of hypervisors (VMFS_volume_member"),
        ("VMFS", "a filesystem of hypervisors (VMFS"),
        ("jbd", "the journal of another filesystem"),
    ],
)
def test_what_belongs_to_more_than_the_device(types: str, words: str) -> None:
    (told,) = judge_labels("sdb1", Labels((types, types)))
    assert words in told


def test_what_blkid_does_not_call_by_its_name() -> None:
    assert "one of 3 devices of a filesystem (btrfs" in judge_labels("sdb", Labels(("btrfs",), devices=3))[0]
    for name in ("lustre-OST0000", "scratch1-MDT000a", "demo:OST0001", "MGS"):
        assert "a target of Lustre" in judge_labels("sdb", Labels(("ext4",), (name,)))[0], name


@pytest.mark.parametrize("types", [(), ("gpt",), ("ext4", "dos"), ("xfs",), ("crypto_LUKS",), ("swap",), ("btrfs",), ("ntfs",)])
def test_what_is_the_devices_own(types: tuple[str, ...]) -> None:
    assert judge_labels("sdb", Labels(types, ("recordings", "OST", "MGS2"))) == []


NONE = "  PR generation=0x0, there are NO registered reservation keys\n"
ONE = "  PR generation=0x1, 1 registered reservation key follows:\n    0x123abc\n"
TWO = "  PR generation=0x6, 3 registered reservation keys follow:\n    0xc1b0000\n    0xc1b0001\n    0xc1b0000\n"


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (Answer(0, NONE.encode(), ""), ()),
        (Answer(0, ONE.encode(), ""), ("0x123abc",)),
        (Answer(0, TWO.encode(), ""), ("0xc1b0000", "0xc1b0001")),
        (Answer(9, b"", "PR in (Read keys): command not supported\n"), ()),
        (Answer(5, b"", "PR in (Read keys): bad field in cdb or parameter list (perhaps unsupported service action)\n"), ()),
        (Answer(3, b"", "PR in (Read keys): Medium or hardware error, type: sense key (plus blank check for tape)\n"), ()),
        # Not ready may be a path that stands by, with other hosts at work on another one.
        (Answer(2, b"", "PR in (Read keys): Device not ready, type: sense key\n"), None),
        (Answer(15, b"", "sg_persist: error opening file: /dev/sg1: Permission denied\n"), None),
        (Answer(0, b"  PR generation=0x1, 2 registered reservation keys follow:\n", ""), None),
        (Answer(0, NONE.encode() + b"    0x1\n", ""), None),
        (Answer(0, b"", ""), None),
        (Answer(None, b"", "", "sg_persist did not answer within 120 seconds"), None),
    ],
)
def test_registered_keys(answer: Answer, keys: tuple[str, ...] | None) -> None:
    assert parse_keys(answer) == keys


SEVERAL = b"""{
   "signatures": [
      {
         "type": "ext4",
         "label": null
      },{
         "type": "LVM2_member",
         "label": null
      },{
         "type": "ext4",
         "label": "lustre-OST0000"
      }
   ]
}
"""


def test_signatures_that_contradict_each_other_are_each_named() -> None:
    assert parse_wipefs(SEVERAL) == Labels(("ext4", "LVM2_member"), ("lustre-OST0000",))
    for output in (b"", b"[]", b'{"signatures": []}', b'{"signatures": [{"offset": "0x0"}]}', b"[" * 60000):
        assert parse_wipefs(output) is None, output[:40]


class Host:
    """A disk with a partition; tools answer what a test says."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.answers: dict[tuple[str, str], Answer] = {}
        self.asked: list[str] = []
        world.disk("sda", "8:0", bus=SAS, serial="ZC11", **DISK)
        world.partition("sda", "sda1", "8:1", partuuid="p-1")
        for module in (claims, labels):
            monkeypatch.setattr(module, "ask", self._ask)

    def _ask(self, words: t.Sequence[str], **_seconds: float) -> Answer:
        self.asked.append(words[0])
        nothing = {"blkid": Answer(2, b"", ""), "sg_persist": Answer(0, NONE.encode(), "")}
        return self.answers.get(
            (words[0], words[-1]), nothing.get(words[0], Answer(None, b"", "", f"the tool {words[0]} is not installed"))
        )

    def refused(self, **identity: str) -> list[str]:
        found = find_claims(find_device(identity or {"serial": "ZC11"}, **self.world.roots), **self.world.roots)
        use = gather_use(
            find_device(identity or {"serial": "ZC11"}, **self.world.roots), proc_root=str(self.world.proc), patience=0, **self.world.roots
        )
        assert (use.members, use.keys) == (found.members, found.keys) and set(found.unread) <= set(use.unread)
        return [reason for reason in decide_use(use) if "opening failed" not in reason and "HPA" not in reason]


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(World(tmp_path), monkeypatch)


def test_a_device_that_nobody_claims(host: Host) -> None:
    assert host.refused() == []


@pytest.mark.parametrize("name", ["sda", "sda1"])
def test_a_volume_group_that_is_not_active(host: Host, name: str) -> None:
    host.answers["blkid", f"/dev/{name}"] = Answer(0, LVM.replace(b"sda", name.encode()), "")
    (reason,) = host.refused()
    assert reason.startswith(f"it belongs to more than itself: {name} bears an LVM physical volume (LVM2_member")
    assert bool(host.refused(partuuid="p-1")) == (name == "sda1")


def test_signatures_of_a_device_that_cannot_be_told(host: Host) -> None:
    host.answers["blkid", "/dev/sda"] = Answer(8, b"", "")
    assert host.refused() == ["what lies on sda cannot be determined, which counts as in use"]
    host.answers["wipefs", "/dev/sda"] = Answer(0, SEVERAL, "")
    (reason,) = host.refused()
    assert "an LVM physical volume" in reason and "a target of Lustre" in reason
    host.answers["blkid", "/dev/sda"] = Answer(None, b"", "", "the tool blkid is not installed")
    assert host.refused() == ["what lies on sda cannot be determined, which counts as in use"]


def test_btrfs_of_which_the_number_of_devices_cannot_be_read_counts_as_one_of_several(host: Host) -> None:
    host.answers["blkid", "/dev/sda"] = Answer(0, b"TYPE=btrfs\n", "")
    assert "one of 2 devices of a filesystem" in host.refused()[0]


def test_the_number_of_devices_of_btrfs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "btrfs.img"
    image.write_bytes(bytes(0x10000 + 0x88) + (3).to_bytes(8, "little") + bytes(64))
    monkeypatch.setattr(labels, "ask", lambda words: Answer(0, b"TYPE=btrfs\nLABEL=pool\n", ""))
    device = t.cast("t.Any", type("Device", (), {"path": str(image)}))
    assert find_labels(device) == Labels(("btrfs",), ("pool",), 3)


def test_a_path_of_a_multipath_device_without_a_map(host: Host) -> None:
    host.world.udev("8:0", "E:ID_FS_TYPE=mpath_member\nE:DM_MULTIPATH_DEVICE_PATH=1\n")
    for identity in ({"serial": "ZC11"}, {"partuuid": "p-1"}):
        assert "sda is a path of a multipath device" in host.refused(**identity)[0]
    host.world.udev("8:0", "E:DM_MULTIPATH_DEVICE_PATH=0\n")
    assert host.refused() == []


def test_keys_of_other_hosts(host: Host) -> None:
    host.answers["sg_persist", "/dev/sda"] = Answer(0, ONE.encode(), "")
    for identity in ({"serial": "ZC11"}, {"partuuid": "p-1"}):
        assert host.refused(**identity)[0].startswith("hosts have registered with sda (0x123abc); find out which")
    host.answers["sg_persist", "/dev/sda"] = Answer(15, b"", "Permission denied")
    assert host.refused() == ["whether hosts have registered with it (Permission denied) cannot be determined, which counts as in use"]
    # Without the tool nobody can be asked.
    host.answers["sg_persist", "/dev/sda"] = Answer(None, b"", "", "the tool sg_persist is not installed")
    assert host.refused() == []


@pytest.mark.parametrize("change", [{"device__vendor": "ATA     \n"}, {"device__type": "5\n"}, {"device__scsi_level": "\n"}])
def test_who_is_not_asked_for_keys(host: Host, change: dict[str, str]) -> None:
    host.world.disk("sdb", "8:16", bus=SAS.replace("0:0:0:0", "0:0:1:0"), serial="ZC12", **{**DISK, **change})
    find_claims(find_device({"serial": "ZC12"}, **host.world.roots), **host.world.roots)
    assert "sg_persist" not in host.asked


def test_a_bridge_is_not_asked_for_keys(host: Host) -> None:
    host.world.disk("sdb", "8:16", bus="pci0000:00/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", serial="ZC12", **DISK)
    find_claims(find_device({"serial": "ZC12"}, **host.world.roots), **host.world.roots)
    assert "sg_persist" not in host.asked
