# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are open: the kernel's list of every process's descriptors."""

from __future__ import annotations

import os
import stat
import typing as t

__all__ = ["OpenFiles", "find_open_files"]


class OpenFiles(t.NamedTuple):
    """C(files) holds (device, inode) pairs; C(complete) is false where some processes could not be looked at."""

    files: frozenset[tuple[int, int]]
    complete: bool


def find_open_files(proc: str = "/proc") -> OpenFiles:
    """Every regular file that a process other than this one holds open."""
    found: set[tuple[int, int]] = set()
    complete = os.path.isdir(os.path.join(proc, "self", "fd"))
    own = str(os.getpid())
    try:
        processes = os.listdir(proc)
    except OSError:
        return OpenFiles(frozenset(), False)
    for pid in processes:
        if not pid.isdigit() or pid == own:
            continue
        directory = f"{proc}/{pid}/fd"
        try:
            descriptors = os.listdir(directory)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            complete = False
            continue
        for descriptor in descriptors:
            try:
                facts = os.stat(f"{directory}/{descriptor}")
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode):
                found.add((facts.st_dev, facts.st_ino))
    return OpenFiles(frozenset(found), complete)
