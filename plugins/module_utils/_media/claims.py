# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else lays claim to a device although nothing is active on this host: arrays, pools and volume groups that it is a member of,
filesystems that several hosts share, and keys that hosts have registered with it."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .identity import Device, list_devices, parse_udev
from .labels import Labels, find_labels
from .scsi_node import command_path
from .tools import Answer, ask, failure

__all__ = ["Claims", "find_claims", "judge_labels", "parse_keys"]

_ARRAY = "delete the array in the controller's setup, or mdadm --zero-superblock"
_CLUSTER = "see on every host of the cluster that none mounts it, and wipefs --all"
# What blkid calls a signature: what it is, and what takes it off.
_MEMBERS: t.Mapping[str, tuple[str, str]] = {
    "LVM1_member": ("an LVM physical volume", "vgreduce or vgremove, then pvremove"),
    "LVM2_member": ("an LVM physical volume", "vgreduce or vgremove, then pvremove"),
    "linux_raid_member": ("a member of a Linux RAID", "mdadm --zero-superblock"),
    "zfs_member": ("a member of a ZFS pool", "zpool destroy, then zpool labelclear"),
    "bcache": ("a device of bcache", "unregister it, and wipefs --all"),
    "bcachefs": ("a member of a bcachefs filesystem", "bcachefs device remove, and wipefs --all"),
    "stratis": ("a device of a Stratis pool", "stratis pool destroy"),
    "vdo": ("a VDO volume", "vdo remove"),
    "mpool": ("a member of an mpool", "mpool destroy"),
    "drbd": ("a DRBD device, of which another host has a copy", "drbdadm wipe-md"),
    "drbdmanage_control_volume": ("a control volume of DRBD", "drbdmanage uninit"),
    "drbdproxy_datalog": ("a log of DRBD Proxy", "drbdadm wipe-md"),
    "DM_snapshot_cow": ("the changes of a snapshot", "lvremove or dmsetup remove"),
    "jbd": ("the journal of another filesystem", "tune2fs -O ^has_journal on that one"),
    "xfs_external_log": ("the log of another filesystem", "destroy that one first"),
    "ceph_bluestore": ("an object store of Ceph", "ceph osd purge, then ceph-volume lvm zap"),
    "oracleasm": ("a disk of Oracle ASM", "drop it from its disk group"),
    "ocfs": ("a cluster filesystem", _CLUSTER),
    "ocfs2": ("a cluster filesystem", _CLUSTER),
    "gfs": ("a cluster filesystem", _CLUSTER),
    "gfs2": ("a cluster filesystem", _CLUSTER),
    "scoutfs_meta": ("a cluster filesystem", _CLUSTER),
    "scoutfs_data": ("a cluster filesystem", _CLUSTER),
    "VMFS": ("a filesystem of hypervisors", "delete the datastore on the hypervisor"),
    "VMFS_volume_member": ("a filesystem of hypervisors", "delete the datastore on the hypervisor"),
}
# Lustre names its targets so; to blkid they are ext4.
_LUSTRE = re.compile(r"[\w.-]{1,8}[-:=!](?:OST|MDT)[0-9a-f]{4}|MGS")
# What sg_persist ends with where the device has no such command, and where its medium has failed, so that no host uses it.
_NO_SUCH_COMMAND, _MEDIUM_FAILED = (5, 9), 3
_SCSI_DISKS = ("0", "14", "20")


@dataclass(frozen=True)
class Claims:
    """What was found; each entry is a clause for a person.

    :arg members: signatures on the device and its partitions, C(keys) what hosts have registered; C(unread) what could not be looked at.
    """

    members: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def judge_labels(name: str, labels: Labels) -> list[str]:
    """What on a device belongs to more than the device."""
    found = [(each, *_MEMBERS[each]) for each in labels.types if each in _MEMBERS]
    found += [
        (each, "a member of a controller's RAID", _ARRAY) for each in labels.types if each.endswith("_raid_member") and each not in _MEMBERS
    ]
    if labels.devices > 1:
        found.append(("btrfs", f"one of {labels.devices} devices of a filesystem", "btrfs device remove"))
    if any(_LUSTRE.fullmatch(each) for each in labels.names):
        found.append(("ext4", "a target of Lustre", _CLUSTER))
    return [f"{name} bears {what} ({type_}; to take it off: {how})" for type_, what, how in dict.fromkeys(found)]


def parse_keys(answer: Answer) -> tuple[str, ...] | None:
    """The keys that C(sg_persist --in --read-keys) tells; none where the device knows no reservations, C(None) where it cannot be told."""
    if answer.code in (*_NO_SUCH_COMMAND, _MEDIUM_FAILED):
        return ()
    told = re.search(r"PR generation=0x[0-9a-f]+, (there are NO|\d+) registered reservation keys?", answer.text)
    keys = tuple(dict.fromkeys(re.findall(r"^\s+(0x[0-9a-f]+)\s*$", answer.text, re.MULTILINE)))
    if answer.code != 0 or told is None or bool(keys) != told[1].isdigit():
        return None
    return keys


def _read(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _speaks_scsi(directory: str) -> bool:
    """Whether it speaks SCSI itself: an ATA disk and what is behind a USB bridge know no reservations that mean anything."""
    below = os.path.join(directory, "device")
    return (
        bool(_read(below, "scsi_level"))
        and _read(below, "type") in _SCSI_DISKS
        and _read(below, "vendor") != "ATA"
        and "/usb" not in directory
    )


def _keys(disk: Device, sys_root: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    answer = ask(["sg_persist", "--no-inquiry", "--readonly", "--in", "--read-keys", command_path(disk, sys_root=sys_root)])
    # Where sg3_utils is missing nobody can be asked.
    if answer.problem.endswith("is not installed"):
        return (), ()
    keys = parse_keys(answer)
    if keys is None:
        return (), (f"whether hosts have registered with it ({failure(answer)})",)
    told = (
        f"hosts have registered with {disk.name} ({', '.join(keys)}); find out which, and take the keys off with sg_persist --out --clear"
    )
    return ((told,) if keys else ()), ()


def find_claims(device: Device, *, sys_root: str = "/sys", run_root: str = "/run") -> Claims:
    """Look for claims on a device; only commands that read are sent."""
    devices = list_devices(sys_root=sys_root, run_root=run_root)
    members: list[str] = []
    unread: list[str] = []
    for each in (device, *(other for other in devices if other.parent == device.name)):
        labels = find_labels(each)
        if labels is None:
            unread.append(f"what lies on {each.name}")
        else:
            members.extend(judge_labels(each.name, labels))
    (disk,) = [other for other in devices if other.name == device.parent] or [device]
    if parse_udev(_read(run_root, "udev", "data", f"b{disk.major}:{disk.minor}")).get("DM_MULTIPATH_DEVICE_PATH") == "1":
        members.append(f"{disk.name} is a path of a multipath device (to take it off: multipath -f, and blacklist it)")
    directory = os.path.realpath(os.path.join(sys_root, "class", "block", disk.name))
    keys, unasked = _keys(disk, sys_root) if _speaks_scsi(directory) else ((), ())
    return Claims(tuple(members), keys, (*unread, *unasked))
