# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block device below a filesystem, for reading what lies at a file's physical place, past every cache. Nothing here can write."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import typing as t

__all__ = ["RawDisks", "has_clusters"]

_SUPERBLOCK = 4096
_EXT_MAGIC = b"\x53\xef"
_BIGALLOC = 0x200


class RawDisks:
    """Devices by their number, each opened once."""

    def __init__(self) -> None:
        self._opened: dict[int, int] = {}

    def open(self, device: int) -> int:
        """A descriptor for direct reads of the device with the number C(device); -1 where it cannot be had."""
        if device not in self._opened:
            self._opened[device] = _opened(device)
        return self._opened[device]

    def close(self) -> None:
        for fd in self._opened.values():
            if fd >= 0:
                os.close(fd)
        self._opened.clear()


def has_clusters(fd: int) -> bool:
    """Whether the ext4 on an open device gives out its blocks in clusters of several (bigalloc)."""
    buffer = mmap.mmap(-1, _SUPERBLOCK)
    if os.preadv(fd, [buffer], 0) < _SUPERBLOCK or buffer[0x438:0x43A] != _EXT_MAGIC:
        return False
    return bool(int.from_bytes(buffer[0x464:0x468], "little") & _BIGALLOC)


def _names(device: int) -> t.Iterator[str]:
    number = f"{os.major(device)}:{os.minor(device)}"
    yield f"/dev/block/{number}"
    with contextlib.suppress(OSError), open(f"/sys/dev/block/{number}/uevent", encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("DEVNAME="):
                yield f"/dev/{line.strip().partition('=')[2]}"


def _opened(device: int) -> int:
    for path in _names(device):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue
        facts = os.fstat(fd)
        if stat.S_ISBLK(facts.st_mode) and facts.st_rdev == device:
            return fd
        os.close(fd)
    return -1
