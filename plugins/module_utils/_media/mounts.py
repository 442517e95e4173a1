# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's list of mounts."""

from __future__ import annotations

import re
import typing as t

__all__ = ["MountFacts", "parse_mountinfo", "unescape"]


class MountFacts(t.NamedTuple):
    """One line of mountinfo: the mount's number, its device, the filesystem's type and its own options.

    :arg complete: the options are all that are in force; mountinfo leaves out those that the superblock sets.
    :arg point: where it is mounted; C(source) is what was mounted, as whoever mounted it said; C(root) which directory of it.
    """

    number: int
    major: int
    minor: int
    type: str
    options: frozenset[str]
    complete: bool = False
    point: str = ""
    source: str = ""
    root: str = ""


def unescape(text: str) -> str:
    """A path of C(/proc): blanks and backslashes are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def parse_mountinfo(text: str) -> dict[int, MountFacts]:
    """The mounts of C(/proc/self/mountinfo) by their numbers; a line that has another form is left out."""
    mounts: dict[int, MountFacts] = {}
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        head, tail = before.split(" "), after.split(" ")
        device = re.fullmatch(r"(\d+):(\d+)", head[2]) if len(head) >= 6 else None
        if not separator or len(tail) < 3 or device is None or not head[0].isdigit():
            continue
        mounts[int(head[0])] = MountFacts(
            int(head[0]),
            int(device[1]),
            int(device[2]),
            tail[0],
            frozenset(tail[2].split(",")),
            point=unescape(head[4]),
            source=unescape(tail[1]),
            root=unescape(head[3]),
        )
    return mounts
