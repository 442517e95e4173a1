# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on a device, as blkid recognises it."""

from __future__ import annotations

from .identity import Device
from .tools import ask

__all__ = ["find_signatures"]


def find_signatures(device: Device) -> tuple[str, ...] | None:
    """The filesystems and partition tables that C(blkid) sees on the device itself; C(None) where it cannot be asked."""
    done = ask(["blkid", "-p", "-o", "export", device.path])
    if done.code == 2:
        return ()
    if done.code == 8:
        return ("several",)
    if done.code != 0:
        return None
    return tuple(line.partition("=")[2] for line in done.text.splitlines() if line.startswith(("TYPE=", "PTTYPE=")))
