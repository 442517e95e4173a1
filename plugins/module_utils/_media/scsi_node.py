# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a SCSI device is reached while it is busy with itself, and how the kernel is made to look at it again."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from .._executor import Executor
from .identity import Device
from .nodes import node_problem

__all__ = ["command_path", "path_problem", "rescan"]

# For so long the kernel is given to read a size, in seconds.
_SETTLE = 10.0


def command_path(device: Device, *, sys_root: str = "/sys") -> str:
    """The node through which commands reach a SCSI device at once.

    Opening the block device itself lets the kernel wait until a device that formats is ready again, or forget its size. A node with
    another number than the kernel's is left alone: commands to it would reach another device.
    """
    return next((path for path, directory in _nodes(device, sys_root) if not node_problem(path, directory)), device.path)


def path_problem(device: Device, path: str, *, sys_root: str = "/sys") -> str:
    """Why commands through a node that C(command_path) gave may reach another device by now; empty where they do not."""
    places = {**dict(_nodes(device, sys_root)), device.path: os.path.join(sys_root, "class", "block", device.name)}
    return node_problem(path, places[path]) if path in places else f"{path} is no node of {device.name} any more"


def _nodes(device: Device, sys_root: str) -> t.Iterator[tuple[str, str]]:
    """The nodes through which commands may go, each with its directory in C(/sys)."""
    below = os.path.join(sys_root, "block", device.name, "device")
    for group, nodes in (("scsi_generic", "/dev"), ("bsg", "/dev/bsg")):
        try:
            names = sorted(os.listdir(os.path.join(below, group)))
        except OSError:
            continue
        yield from ((os.path.join(nodes, name), os.path.join(below, group, name)) for name in names)


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
