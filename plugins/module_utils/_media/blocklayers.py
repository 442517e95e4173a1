# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies under a filesystem as far as the kernel shows it: loop devices, device-mapper volumes, RAID, disks."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import typing as t
from dataclasses import dataclass

from .kinds import Signs, is_volume

__all__ = ["Layer", "block_layers", "host_driver", "loop_backing"]

_LOOP_GET_STATUS64 = 0x4C05
_LOOP_INFO = struct.Struct("=QQ216x")

# Disks that a hypervisor or a cloud provides: the name's beginning, or the vendor and model that they report.
_VIRTUAL_NAMES = ("vd", "xvd", "nbd", "rbd", "drbd", "ubd")
_VIRTUAL_MODELS = ("qemu", "vmware", "msft", "virtual", "vbox", "virtio", "amazon elastic", "google", "lio-org", "iscsi")


@dataclass(frozen=True)
class Layer:
    """One block device of the stack.

    :arg kind: C(loop), C(dm), C(md), C(cache), C(virtual), C(volume) (of a RAID controller), C(memory) or C(disk).
    :arg uuid: a device-mapper volume's uuid; its ending tells a snapshot or a thin pool.
    :arg backing: a loop device's file, where it can be opened and is the right one.
    :arg below: device and inode of a loop device's file, also where it cannot be opened.
    :arg partial: a loop device that shows only a part of its file.
    """

    name: str
    kind: str
    uuid: str = ""
    rotational: bool = True
    zoned: bool = False
    backing: str | None = None
    below: tuple[int, int] | None = None
    partial: bool = False


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read().rstrip("\n")
    except OSError:
        return ""


def loop_file(name: str) -> tuple[int, int] | None:
    """Device and inode of a loop device's file, as the kernel has it open; C(None) where it does not tell."""
    try:
        device = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = bytearray(_LOOP_INFO.size)
        fcntl.ioctl(device, _LOOP_GET_STATUS64, status, True)
    except OSError:
        return None
    finally:
        os.close(device)
    number, inode = _LOOP_INFO.unpack(status)
    return number, inode


def loop_backing(directory: str, name: str) -> str | None:
    """The path of a loop device's file, checked against the kernel's own device and inode; C(None) where that cannot be done."""
    path = _text(os.path.join(directory, "loop", "backing_file"))
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return None
    return path if loop_file(name) == (facts.st_dev, facts.st_ino) else None


def host_driver(directory: str) -> str:
    """The driver of the SCSI host that a device hangs on, as the kernel names it; empty where it hangs on none."""
    host = re.search(r"/(host\d+)/", directory)
    return _text(os.path.join(directory[: host.end()], "scsi_host", host[1], "proc_name")).strip() if host else ""


def _kind(directory: str, name: str) -> str:
    if os.path.isdir(os.path.join(directory, "loop")) or name.startswith("loop"):
        return "loop"
    if os.path.isdir(os.path.join(directory, "dm")):
        return "dm"
    if os.path.isdir(os.path.join(directory, "md")):
        return "md"
    if name.startswith("bcache"):
        return "cache"
    if name.startswith(("zram", "ram", "pmem")):
        return "memory"
    told = f"{_text(os.path.join(directory, 'device', 'vendor'))} {_text(os.path.join(directory, 'device', 'model'))}".lower()
    if name.startswith(_VIRTUAL_NAMES) or any(word in told for word in _VIRTUAL_MODELS):
        return "virtual"
    own = {each: _text(os.path.join(directory, "device", each)).strip() for each in ("vendor", "model", "raid_level")}
    ata = own["vendor"] == "ATA" or os.path.exists(os.path.join(directory, "device", "vpd_pg89"))
    signs = Signs(name, directory, "disk", model=own["model"], ata=ata, driver=host_driver(directory), raid_level=own["raid_level"])
    return "volume" if is_volume(signs) else "disk"


def _layer(directory: str) -> Layer:
    name = os.path.basename(directory)
    kind = _kind(directory, name)
    backing = loop_backing(directory, name) if kind == "loop" else None
    return Layer(
        name=name,
        kind=kind,
        uuid=_text(os.path.join(directory, "dm", "uuid")),
        rotational=_text(os.path.join(directory, "queue", "rotational")) == "1",
        zoned=_text(os.path.join(directory, "queue", "zoned")) not in ("", "none"),
        backing=backing,
        below=loop_file(name) if kind == "loop" else None,
        partial=backing is not None and _shows_part(directory, backing),
    )


def _shows_part(directory: str, backing: str) -> bool:
    """Whether a loop device begins behind its file's first byte, or ends before its last one."""
    size = _text(os.path.join(directory, "size"))
    try:
        return _text(os.path.join(directory, "loop", "offset")) not in ("", "0") or int(size) * 512 < os.stat(backing).st_size
    except (OSError, ValueError):
        return False


def block_layers(major: int, minor: int, *, sys_root: str = "/sys") -> tuple[Layer, ...]:
    """The device and all that it is made of, top first; empty where the kernel does not show it here."""
    top = os.path.realpath(os.path.join(sys_root, "dev", "block", f"{major}:{minor}"))
    layers: list[Layer] = []
    waiting = [top] if os.path.isdir(top) else []
    seen: set[str] = set()
    while waiting:
        directory = waiting.pop(0)
        if os.path.exists(os.path.join(directory, "partition")):
            directory = os.path.dirname(directory)
        if directory in seen:
            continue
        seen.add(directory)
        layers.append(_layer(directory))
        waiting.extend(_slaves(directory))
    return tuple(layers)


def _slaves(directory: str) -> t.Iterator[str]:
    below = os.path.join(directory, "slaves")
    try:
        names = sorted(os.listdir(below))
    except OSError:
        return
    for name in names:
        yield os.path.realpath(os.path.join(below, name))
