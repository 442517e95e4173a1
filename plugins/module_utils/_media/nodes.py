# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node below /dev is that of the device whose commands are to go through it: its number is compared with the kernel's."""

from __future__ import annotations

import os
import stat

__all__ = ["node_problem"]


def node_problem(path: str, directory: str) -> str:
    """Why commands to a node may reach another device; empty where they do not.

    :arg directory: of the device or its controller in C(/sys), in which C(dev) tells the number.
    """
    try:
        with open(os.path.join(directory, "dev"), encoding="ascii") as handle:
            wanted = handle.read().strip()
    except OSError:
        return f"the kernel does not show the number of {path}"
    try:
        facts = os.stat(path, follow_symlinks=False)
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})"
    if not (stat.S_ISCHR(facts.st_mode) or stat.S_ISBLK(facts.st_mode)):
        return f"{path} is no device"
    number = f"{os.major(facts.st_rdev)}:{os.minor(facts.st_rdev)}"
    return "" if number == wanted else f"{path} is the node of another device (its number is {number}, and the kernel's is {wanted})"
