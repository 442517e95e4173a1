# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a LUKS header: whole, or within the image of a disk, recognised by the volume's UUID or by its key's digest."""

from __future__ import annotations

import typing as t

from .backups import INSIDE, NONE, OWN, UNCLEAR, Backups, Read
from .luks import digests_at, is_second_of, uuids_at

__all__ = ["HeaderBackups", "relation"]

_MIB = 1 << 20
# The first partition of disks that were divided for DOS.
_DOS = 63 * 512
# A larger file is looked at up to here.
_BOUND = 64 << 30


def relation(read: Read, uuid: str, digests: t.Collection[str]) -> tuple[str, tuple[int, ...]]:
    """Whose header begins where C(read) does, and at which offsets its copies lie: C(NONE) for that of another volume.

    :arg uuid: of the volume, which people can change; C(digests) of its key.
    """
    copies = uuids_at(read)
    told = {offset: digests_at(read, offset) for offset, _uuid in copies}
    own = tuple(offset for offset, each in copies if each == uuid or set(told[offset]) & set(digests))
    if own:
        return OWN, own
    # A spoilt copy belongs to whom a whole one of the same UUID does.
    known = {each for offset, each in copies if told[offset]} if digests else set()
    unclear = tuple(offset for offset, each in copies if each not in known)
    return (UNCLEAR, unclear) if unclear else (NONE, ())


def _behind(read: Read, base: int) -> Read:
    return lambda offset, length: read(base + offset, length)


class HeaderBackups(Backups):
    """:ivar digests: of the volume's key, each with its salt."""

    what, many, whose = "header's backup", "header backups", "backup of this volume's header"

    def __init__(self, places: t.Sequence[str] | None, *, spared: t.Collection[tuple[int, int]] = ()) -> None:
        super().__init__(places, spared=spared)
        self.digests: tuple[str, ...] = ()

    def sought(self, uuid: str) -> t.Hashable:
        return uuid, self.digests

    def judged(self, read: Read, size: int, uuid: str) -> tuple[str, str]:
        found = relation(read, uuid, self.digests)
        # A second copy that belongs to a header further back shows here too.
        if found[0] == OWN and any(offset == 0 or is_second_of(read, offset) for offset in found[1]):
            return OWN, ""
        unclear = f"a LUKS header at offset {found[1][0]} is spoilt" if found[0] == UNCLEAR else ""
        for base in (_DOS, *range(_MIB, min(size, _BOUND), _MIB)):
            state, copies = relation(_behind(read, base), uuid, self.digests)
            if state == OWN:
                return INSIDE, f"at offset {base + copies[0]}"
            if state == UNCLEAR:
                unclear = unclear or f"a LUKS header at offset {base + copies[0]} is spoilt"
        if found[0] == OWN:
            return INSIDE, f"at offset {found[1][0]}"
        if size > _BOUND:
            unclear = unclear or f"it was looked at up to {_BOUND} bytes only"
        return (UNCLEAR, unclear) if unclear else (NONE, "")
