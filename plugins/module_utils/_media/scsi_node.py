# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a SCSI device is reached while it is busy with itself, and how the kernel is made to look at it again."""

from __future__ import annotations

import contextlib
import os
import time

from .._executor import Executor
from .identity import Device

__all__ = ["command_path", "rescan"]

# For so long the kernel is given to read a size, in seconds.
_SETTLE = 10.0


def command_path(device: Device, *, sys_root: str = "/sys") -> str:
    """The node through which commands reach a SCSI device at once.

    Opening the block device itself lets the kernel wait until a device that formats is ready again, or forget its size.
    """
    below = os.path.join(sys_root, "block", device.name, "device")
    for group, nodes in (("scsi_generic", "/dev"), ("bsg", "/dev/bsg")):
        try:
            names = sorted(os.listdir(os.path.join(below, group)))
        except OSError:
            continue
        for name in names:
            if os.path.exists(os.path.join(nodes, name)):
                return os.path.join(nodes, name)
    return device.path


def rescan(executor: Executor, device: Device, *, whatever: bool = False, sys_root: str = "/sys") -> None:
    """Have the kernel read a device's size again, where it took one that was busy with itself for one without a medium.

    :arg whatever: also where it shows a size.
    """
    directory = os.path.realpath(os.path.join(sys_root, "block", device.name))
    if _size(directory) not in ("", "0") and not whatever:
        return
    with contextlib.suppress(OSError):
        fd = executor.open(os.path.join(directory, "device", "rescan"), os.O_WRONLY)
        try:
            executor.write(fd, b"1")
        finally:
            os.close(fd)
    deadline = time.monotonic() + _SETTLE
    while time.monotonic() < deadline and _size(directory) in ("", "0"):
        time.sleep(0.2)


def _size(directory: str) -> str:
    try:
        with open(os.path.join(directory, "size"), encoding="ascii") as handle:
            return handle.read().strip()
    except OSError:
        return ""
