# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an overwrite on this filesystem reaches the bytes that are there: decided from facts, which are gathered apart."""

from __future__ import annotations

import fcntl
import os
import struct
import typing as t
from dataclasses import dataclass

from .._media.blocklayers import Layer, block_layers
from .._media.mounts import MountFacts, parse_mountinfo
from .extents import SHARED, map_extents

__all__ = [
    "FilesystemFacts",
    "FilesystemProbe",
    "MountFacts",
    "assess_filesystem",
    "decide_device",
    "decide_filesystem",
    "file_flags",
    "is_encrypted",
    "parse_mountinfo",
]

_FS_IOC_GETFLAGS = 0x80086601
_ENCRYPT_FL = 0x00000800
_JOURNAL_DATA_FL = 0x00004000

_IN_PLACE = ("ext2", "ext3", "ext4", "xfs")
_COPY_ON_WRITE = "copy-on-write: what is written goes elsewhere and the old bytes stay"
_LOG_STRUCTURED = "log-structured: what is written goes elsewhere and the old bytes stay"
_LAYERED = "layered: the bytes may lie in a lower layer that is not written"
_NETWORK = "a network filesystem: the server decides where the bytes go"
_PROGRAM = "a FUSE filesystem: a program decides where the bytes go"
_HOST = "shared by the host of this virtual machine: the host decides where the bytes go"
_JOURNALED = "data=journal: the bytes also go through the journal, and older copies stay there"

_NOT_IN_PLACE: t.Mapping[str, str] = {
    **dict.fromkeys(("btrfs", "zfs", "bcachefs"), _COPY_ON_WRITE),
    **dict.fromkeys(("f2fs", "nilfs2", "jffs2", "ubifs", "logfs"), _LOG_STRUCTURED),
    **dict.fromkeys(("overlay", "aufs", "unionfs"), _LAYERED),
    **dict.fromkeys(("nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "fuse.glusterfs"), _NETWORK),
    **dict.fromkeys(("afs", "lustre", "gfs2", "ocfs2", "beegfs"), _NETWORK),
    **dict.fromkeys(("9p", "virtiofs", "vboxsf", "prl_fs"), _HOST),
}

# Endings of device-mapper uuids as LVM gives them.
_DM_NOT_IN_PLACE: t.Mapping[str, str] = {
    "-real": "a snapshot of the volume keeps the old bytes",
    "-cow": "a snapshot of the volume keeps the old bytes",
    "-tpool": "a thin pool may place the bytes elsewhere or keep them in a snapshot",
    "-tdata": "a thin pool may place the bytes elsewhere or keep them in a snapshot",
    "-vpool": "a deduplicating pool (VDO) places the bytes elsewhere",
    "-vdata": "a deduplicating pool (VDO) places the bytes elsewhere",
    "-cdata": "a cache above the volume may hold the bytes in two places",
    "-cvol": "a cache above the volume may hold the bytes in two places",
}

LIMIT_MEMORY = "memory-backed: there are no extents to compare, and pages that were swapped out earlier may remain in swap"
LIMIT_BARRIERS = "mounted without write barriers: the flush does not reach the medium's own cache"
LIMIT_UNSEEN = "the block device below the filesystem cannot be seen from here"
LIMIT_DEVICE_UNSEEN = "what the block device is made of cannot be seen from here"
LIMIT_VIRTUAL = "virtual disk: what lies below it is not seen"
LIMIT_VOLUME = "volume of a RAID controller: members that failed, spares and what the drives behind it keep back are not reached"
LIMIT_FLASH = "flash medium: remapped and spare blocks are not reached"
LIMIT_DM = "device-mapper volume: copies that it may keep elsewhere are not seen"
LIMIT_MD = "RAID: a member that failed or was replaced keeps what it held"
LIMIT_BACKING = "cached pages of the file below the loop device could not be dropped before reading back"
LIMIT_LOOP_PART = "loop device: it shows only a part of its file, and the rest of the file was left as it was"
LIMIT_LOOP_UNSEEN = "loop device: the file below it cannot be seen from here"

_LAYER_LIMITS: t.Mapping[str, str] = {
    **{"virtual": LIMIT_VIRTUAL, "volume": LIMIT_VOLUME, "dm": LIMIT_DM, "md": LIMIT_MD},
    "memory": "memory-backed block device",
}


@dataclass(frozen=True)
class FilesystemFacts:
    """What is known of the filesystem under a file.

    :arg in_place: an overwrite is known to reach the bytes that are there.
    :arg reason: why it is not, empty where it is.
    :arg limits: what the proof leaves open, one sentence each.
    :arg memory: the page cache is the medium.
    :arg backing_files: files under loop devices, whose cached pages stand between a read and the medium.
    """

    type: str
    in_place: bool
    reason: str = ""
    limits: tuple[str, ...] = ()
    memory: bool = False
    backing_files: tuple[str, ...] = ()


def _type_reason(mount: MountFacts) -> str:
    """Why a filesystem of this type and with these options does not overwrite in place; empty where it does."""
    if mount.type in _IN_PLACE:
        if "data=journal" in mount.options:
            return _JOURNALED
        if mount.type in ("ext3", "ext4") and not mount.complete and not mount.options & {"data=ordered", "data=writeback"}:
            return "not telling whether the bytes also go through its journal: its options cannot be read"
        if any(option.startswith("rtdev=") for option in mount.options):
            return "a realtime device: this engine does not know on which of the two devices the bytes lie"
        return ""
    if mount.type == "tmpfs":
        return ""
    if mount.type in _NOT_IN_PLACE:
        return _NOT_IN_PLACE[mount.type]
    if mount.type in ("fuse", "fuseblk") or mount.type.startswith("fuse."):
        return _PROGRAM
    return "a filesystem that this engine does not know"


def _layer_reason(layer: Layer, below: FilesystemFacts | None) -> str:
    if layer.zoned:
        return f"the zoned device {layer.name} below it: blocks are written elsewhere"
    if layer.kind == "cache":
        return f"the caching device {layer.name} below it may hold the bytes in two places"
    if layer.kind == "dm":
        for ending, why in _DM_NOT_IN_PLACE.items():
            if layer.uuid.endswith(ending):
                return f"{why} (device-mapper, below it)"
    if below is not None and not below.in_place:
        return f"the loop device below it lies on {below.type}, {below.reason}"
    return ""


def _layer_limits(layer: Layer, below: FilesystemFacts | None) -> t.Iterator[str]:
    if layer.kind == "loop":
        if layer.backing is None:
            yield LIMIT_LOOP_UNSEEN
        elif below is not None:
            yield f"loop device over a file on {below.type}: its bytes are overwritten as far as that filesystem shows"
        if layer.partial:
            yield LIMIT_LOOP_PART
        if below is not None:
            yield from below.limits
    elif layer.kind in _LAYER_LIMITS:
        yield _LAYER_LIMITS[layer.kind]
    if not layer.rotational and layer.kind == "disk":
        yield LIMIT_FLASH


def decide_filesystem(mount: MountFacts | None, layers: t.Sequence[tuple[Layer, FilesystemFacts | None]]) -> FilesystemFacts:
    """The decision, from facts alone.

    :arg mount: the file's mount; C(None) where it cannot be seen.
    :arg layers: the block devices below, top first, each loop device with the facts of the filesystem that holds its file.
    """
    if mount is None:
        return FilesystemFacts("unknown", False, "the mount under the file cannot be seen from here")
    reason = _type_reason(mount)
    if mount.type == "tmpfs":
        return FilesystemFacts("tmpfs", True, "", (LIMIT_MEMORY,), memory=True)
    limits: list[str] = []
    if mount.type in _IN_PLACE:
        if mount.options & {"nobarrier", "barrier=0"}:
            limits.append(LIMIT_BARRIERS)
        if not layers:
            limits.append(LIMIT_UNSEEN)
    return _decide_layers(mount.type, reason, limits, layers)


def decide_device(layers: t.Sequence[tuple[Layer, FilesystemFacts | None]]) -> FilesystemFacts:
    """The same decision for a block device itself; its type is the kind of its first layer."""
    return _decide_layers(layers[0][0].kind if layers else "unknown", "", [] if layers else [LIMIT_DEVICE_UNSEEN], layers)


def _decide_layers(type_: str, reason: str, limits: list[str], layers: t.Sequence[tuple[Layer, FilesystemFacts | None]]) -> FilesystemFacts:
    backing: list[str] = []
    for layer, below in layers:
        reason = reason or _layer_reason(layer, below)
        limits.extend(_layer_limits(layer, below))
        backing.extend([layer.backing] if layer.backing else [])
        backing.extend(below.backing_files if below else ())
    return FilesystemFacts(type_, not reason, reason, tuple(dict.fromkeys(limits)), backing_files=tuple(dict.fromkeys(backing)))


def file_flags(fd: int) -> int:
    """The flags that C(lsattr) shows; 0 where the filesystem has none."""
    buffer = bytearray(8)
    try:
        fcntl.ioctl(fd, _FS_IOC_GETFLAGS, buffer, True)
    except OSError:
        return 0
    return int(struct.unpack_from("=I", buffer)[0])


def is_encrypted(fd: int) -> bool:
    """Whether the filesystem encrypts this file, so that direct reads silently go through the page cache."""
    return bool(file_flags(fd) & _ENCRYPT_FL)


class FilesystemProbe:
    """Gathers the facts, once per mount. Made anew for each batch, because mount options may change in between."""

    def __init__(self) -> None:
        self._mounts: dict[int, MountFacts] | None = None
        self._known: dict[int, FilesystemFacts] = {}

    def assess(self, fd: int, *, depth: int = 0) -> FilesystemFacts:
        """The facts about the filesystem under an open file."""
        number = _mount_number(fd)
        facts = self._known.get(number)
        if facts is None:
            facts = self._known[number] = self._gather(self._mount(number), depth)
        if facts.in_place and facts.type.startswith("ext") and file_flags(fd) & _JOURNAL_DATA_FL:
            return FilesystemFacts(facts.type, False, f"{_JOURNALED} (set on this file)", facts.limits)
        return facts

    def _mount(self, number: int) -> MountFacts | None:
        if self._mounts is None:
            try:
                with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as handle:
                    self._mounts = parse_mountinfo(handle.read())
            except OSError:
                self._mounts = {}
        return self._mounts.get(number)

    def _unseen(self, below: tuple[int, int], depth: int) -> FilesystemFacts | None:
        """The facts about the filesystem of a file that cannot be opened, by its device; C(None) where it may be a plain one."""
        number = os.major(below[0]), os.minor(below[0])
        self._mount(-1)
        for mount in (self._mounts or {}).values():
            if (mount.major, mount.minor) == number:
                return self._gather(mount, depth + 1)
        # Plain filesystems lie on a device that has a number of its own.
        return None if number[0] else FilesystemFacts("a filesystem", False, "which cannot be seen from here and is no plain one")

    def _gather(self, mount: MountFacts | None, depth: int) -> FilesystemFacts:
        if mount is None or mount.type not in _IN_PLACE:
            return decide_filesystem(mount, ())
        mount = _with_all_options(mount)
        return decide_filesystem(mount, self._layers(mount.major, mount.minor, depth))

    def assess_device(self, major: int, minor: int) -> FilesystemFacts:
        """The facts about what lies under a block device."""
        return decide_device(self._layers(major, minor, 0))

    def _layers(self, major: int, minor: int, depth: int) -> list[tuple[Layer, FilesystemFacts | None]]:
        return [(layer, self._below(layer, depth)) for layer in block_layers(major, minor)]

    def _below(self, layer: Layer, depth: int) -> FilesystemFacts | None:
        if depth > 4:
            return None
        if layer.backing is None:
            return self._unseen(layer.below, depth) if layer.below else None
        try:
            fd = os.open(layer.backing, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            facts = self.assess(fd, depth=depth + 1)
            if facts.in_place and any(extent.flags & SHARED for extent in map_extents(fd) or ()):
                return FilesystemFacts(facts.type, False, "where another file shares blocks of its file")
            return facts
        except OSError:
            return None
        finally:
            os.close(fd)


def _mount_number(fd: int) -> int:
    """The number of the mount under an open file; -1 where the kernel does not tell."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as handle:
            for line in handle:
                if line.startswith("mnt_id:"):
                    return int(line[7:])
    except (OSError, ValueError):
        pass
    return -1


def _with_all_options(mount: MountFacts) -> MountFacts:
    """Adds what ext4 itself lists: C(data=journal) set in the superblock is in no other place."""
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{mount.major}:{mount.minor}"))
    try:
        with open(f"/proc/fs/ext4/{name}/options", encoding="utf-8") as handle:
            return mount._replace(options=mount.options.union(handle.read().split()), complete=True)
    except OSError:
        return mount


def assess_filesystem(fd: int) -> FilesystemFacts:
    """Whether an overwrite of this open file reaches the bytes that are there, why not, and what stays open."""
    return FilesystemProbe().assess(fd)
