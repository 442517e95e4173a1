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

__all__ = ["changed_since"]


def changed_since(medium: PlannedMedium) -> str:
    """Why the look that the plan rests upon does not hold any more, as a clause; empty where it does.

    Nothing is compared of a medium that nobody could look into then: whoever approved the plan knew that.
    """
    if medium.drained != "yes" or "cartridge" in medium.identity:
        return ""
    try:
        found = look_into(medium.identity)
    except RefusedError as error:
        return error.message
    before, now = _inventories(medium.filesystems), _inventories(found)
    if before == now:
        return ""
    differs = ", ".join(sorted({name for name, _digest in before ^ now}))
    return (
        f"what is on it is not what was there when the plan was made ({differs}), so nothing was done; "
        "look at it, plan again and have it approved"
    )


def _inventories(filesystems: t.Iterable[t.Mapping[str, t.Any]]) -> set[tuple[str, str]]:
    """Each filesystem by what stays the same wherever it is mounted, with the digest over its files."""
    return {(f"{each['type']} {each['uuid']}".strip(), str(each["inventory"])) for each in filesystems}
