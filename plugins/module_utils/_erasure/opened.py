# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One block device that is open for this process alone: opened, compared with its identity, asked and told things."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from dataclasses import replace

from .._errors import RefusedError
from .._executor import Executor
from .._media.identity import Device, find_device

__all__ = ["drop_buffers", "open_device", "recheck", "reread_partitions"]

_BLKRRPART = 0x125F
_BLKFLSBUF = 0x1261
_BLKSSZGET = 0x1268
_BLKGETSIZE64 = 0x80081272
_BLKGETDISKSEQ = 0x80081280

LIMIT_BUFFERS = "the kernel could not be made to drop its buffers of the device before reading back"


def open_device(executor: Executor, device: Device, *, sizeless: bool = False) -> int:
    """Open a device for writing past the page cache, for this process alone, and compare it with what its identity names now.

    :arg sizeless: one that shows no size by now is meant too, as one whose sanitize has failed; nothing can be written to it then.
    :raises RefusedError: it cannot be opened so, or it is not the device that was found.
    """
    try:
        fd = executor.open(device.path, os.O_RDWR | os.O_EXCL | os.O_DIRECT)
    except OSError as error:
        why = "somebody has claimed it" if error.errno == errno.EBUSY else error.strerror
        raise RefusedError(
            f"{device.path} cannot be opened for this process alone ({why}), so nothing was written; free it and run again"
        ) from error
    try:
        if sizeless and _ask(fd, _BLKGETSIZE64, "=Q") == 0:
            device = replace(device, size=0)
        problem = recheck(fd, device) or _another(device)
        if problem:
            raise RefusedError(f"{device.path} is no longer the device that was looked at ({problem}), so nothing was written; look again")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _another(device: Device) -> str:
    """In what the device that the identity names now differs from the one that was found; empty where it does not."""
    try:
        asked = {key: value for key, value in device.asked.items() if device.size or key != "size_bytes"}
        now = find_device(asked, sizeless=not device.size)
        return "" if replace(now, asked=device.asked) == device else "its identity changed"
    except RefusedError as error:
        return error.message


def recheck(fd: int, device: Device) -> str:
    """In what the open device differs from the one that was found; empty where it does not."""
    facts = os.fstat(fd)
    if not stat.S_ISBLK(facts.st_mode) or (os.major(facts.st_rdev), os.minor(facts.st_rdev)) != device.number:
        return "its number is another one"
    try:
        size, sector = _ask(fd, _BLKGETSIZE64, "=Q"), _ask(fd, _BLKSSZGET, "=i")
    except OSError as error:
        return f"its size cannot be read ({error.strerror})"
    if (size, sector) != (device.size, device.logical):
        return f"its size is {size} bytes in sectors of {sector}, not {device.size} in sectors of {device.logical}"
    # Kernels before 5.15 do not know the number.
    with contextlib.suppress(OSError):
        if device.sequence and str(_ask(fd, _BLKGETDISKSEQ, "=Q")) != device.sequence:
            return "the medium was changed"
    return ""


def _ask(fd: int, request: int, form: str) -> int:
    buffer = bytearray(struct.calcsize(form))
    fcntl.ioctl(fd, request, buffer, True)
    return int(struct.unpack(form, buffer)[0])


def drop_buffers(executor: Executor, fd: int) -> str:
    """Make the kernel forget its copies of the device's blocks; the limit of the proof where it does not."""
    try:
        executor.ioctl(fd, _BLKFLSBUF, "flush a device's buffers")
    except OSError:
        return LIMIT_BUFFERS
    return ""


def reread_partitions(executor: Executor, fd: int, device: Device) -> str:
    """Let the kernel look for partitions again: C(reread), C(not_applicable), or why it could not."""
    if device.partition:
        return "not_applicable"
    try:
        executor.ioctl(fd, _BLKRRPART, "read the partition table again")
    except OSError as error:
        return "not_applicable" if error.errno in (errno.EINVAL, errno.ENOTTY) else f"failed: {error.strerror}"
    return "reread"
