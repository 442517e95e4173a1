# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A self-encrypting drive: what can be seen of the preconditions for having it forget its media key."""

from __future__ import annotations

from .._media.opal import Discovery
from .preconditions import Precondition

__all__ = ["drive_preconditions"]


def drive_preconditions(found: Discovery | None, why: str) -> list[Precondition]:
    """By name, from what the drive says of its locking, or C(why) that cannot be read."""
    return [
        Precondition("encrypted_from_first_write", *_first_write(found, why)),
        Precondition("strength", *_strength(found, why)),
        Precondition(
            "no_other_key", "met", ("the drive's firmware changes all media keys of what it erases, by the words of its standard",)
        ),
        Precondition(
            "no_backup",
            "met",
            ("no interface of a drive gives its media key out, and a password that unwraps it is of no use without it",),
        ),
        Precondition(
            "no_stale_copy", "unknown", ("where the drive kept its key, and whether older copies stay there, nobody outside can see",)
        ),
        Precondition("not_in_memory", "met", ("a drive's media key is never in the host's memory",)),
    ]


def _first_write(found: Discovery | None, why: str) -> tuple[str, tuple[str, ...]]:
    if found is None:
        return "unknown", (f"whether the drive encrypts all that it keeps cannot be seen ({why})",)
    if not found.encrypts:
        return "not_met", (f"the drive says that it does not encrypt what it keeps ({', '.join(found.kinds) or 'no specification'})",)
    return "unknown", (f"the drive says that it encrypts ({', '.join(found.kinds)}), but since when, nobody outside can see",)


def _strength(found: Discovery | None, why: str) -> tuple[str, tuple[str, ...]]:
    told = f"the drive tells no algorithm ({why})" if found is None else "the drive tells no algorithm"
    return "unknown", (f"{told}; its data sheet or its certificate may",)
