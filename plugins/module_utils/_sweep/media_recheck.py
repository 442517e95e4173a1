# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a medium still holds what it held when the plan was made, looked at just before its first write."""

from __future__ import annotations

import typing as t

from .._errors import RefusedError
from .._media.planned import PlannedMedium
from .draining import look_into

__all__ = ["changed_since", "uncompared"]


def changed_since(medium: PlannedMedium) -> str:
    """Why the look that the plan rests upon does not hold any more, as a clause; empty where it does.

    Of a medium that nobody could look into then only what can be looked into by now, and could not be then, speaks against it: whoever
    approved the plan knew of the rest. A cartridge is not looked into.
    """
    if "cartridge" in medium.identity:
        return ""
    before = _inventories(medium.filesystems)
    try:
        now = _inventories(look_into(medium.identity))
    except RefusedError as error:
        # Volumes have to be taken apart before their disk can be destroyed, and nobody can look into them then.
        expected = medium.drained != "yes" or uncompared(medium)
        if not expected:
            return error.message
        if "filesystems" not in error.details:
            # What is not there at all is told by who would destroy it.
            return "" if medium.drained != "yes" else error.message
        now = _inventories(error.details["filesystems"])
    differing = now - before if medium.drained != "yes" else before ^ now
    if not differing:
        return ""
    differs = ", ".join(sorted({name for name, _digest in differing}))
    return (
        f"what is on it is not what was there when the plan was made ({differs}), so nothing was done; "
        "look at it, plan again and have it approved"
    )


def _inventories(filesystems: t.Iterable[t.Mapping[str, t.Any]]) -> set[tuple[str, str]]:
    """Each filesystem by what stays the same wherever it is mounted, with the digest over its files."""
    return {(f"{each['type']} {each['uuid']}".strip(), str(each["inventory"])) for each in filesystems if not each["stacked"]}


def uncompared(medium: PlannedMedium) -> list[str]:
    """The filesystems that lay on volumes when the plan was made, as devices; they are not looked into again."""
    return [str(each["device"]) for each in medium.filesystems if each["stacked"]]
