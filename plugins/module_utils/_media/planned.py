# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of an approved plan of media, as the controller wrote them for this host."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._errors import EvidenceError
from .._evidence.canonical import canonical, digest
from .._standards.levels import LEVELS
from .choosing import TECHNIQUES

__all__ = ["OVERWRITE", "PlannedMedium", "planned_media"]

OVERWRITE = "overwrite"
# What is compared of what was on it, and what a host does not need and those who settle the run do.
_FILESYSTEM = {"device": str, "type": str, "uuid": str, "inventory": str, "stacked": bool}
_KEPT = ("physical", "on_failure", "required_level", "make", "model", "asset_number", "classification", "destination", "bay", "host")


@dataclasses.dataclass(frozen=True)
class PlannedMedium:
    """A medium that is to be destroyed on this host.

    :ivar set: its name in journals.
    :ivar level: that each technique of C(steps) reaches.
    :ivar steps: techniques in the order in which they may be tried.
    :ivar drained: what was found of that which must be kept, C(yes) or C(unknown); C(filesystems) as they were then.
    """

    serial: str
    set: str
    kind: str
    size: int
    identity: dict[str, t.Any]
    level: str
    steps: tuple[str, ...]
    verify: str
    sample_share: int
    canaries: int
    all_namespaces: bool
    drained: str
    filesystems: tuple[dict[str, t.Any], ...]


def planned_media(text: str, approved: str) -> list[PlannedMedium]:
    """The media that something is to be done about.

    :arg approved: the digest that the manifest names.
    :raises EvidenceError: these are not the rows that were approved, or not as this version writes them.
    """
    data = text.encode("utf-8", "surrogateescape")
    if digest(data) != approved:
        raise EvidenceError(
            f"the rows of this host have the digest {digest(data)}, and {approved} was approved, so nothing was done; use the plan's own files"
        )
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = json.loads(line)
            if canonical(row) != line:
                raise ValueError("it is not canonical")
            if row["steps"]:
                found.append(_planned(row))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EvidenceError(
                f"row {number} of the plan cannot be read ({error}), so nothing was done; use the version of the collection that made it"
            ) from error
    return found


def _planned(row: dict[str, t.Any]) -> PlannedMedium:
    steps = tuple(step["technique"] for step in row["steps"])
    unknown = [name for name in steps if name not in (OVERWRITE, *TECHNIQUES)]
    if unknown or row["level"] not in LEVELS[1:-1]:
        raise ValueError(
            f"the technique {unknown[0]} is not known" if unknown else f"the level {row['level']!r} is none that a host reaches"
        )
    missing = [name for name in _KEPT if name not in row]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}, without which what becomes of it could not be settled")
    for filesystem in row["drain"]["filesystems"]:
        if not all(isinstance(filesystem.get(name), kind) for name, kind in _FILESYSTEM.items()):
            raise ValueError("it does not tell what was on it as media_drain does")
    drained = row["drain"]["drained"]
    if drained not in ("yes", "unknown"):
        raise ValueError("what must be kept is still on it")
    return PlannedMedium(
        **{
            name: row[name]
            for name in ("serial", "set", "kind", "identity", "level", "verify", "sample_share", "canaries", "all_namespaces")
        },
        size=row["size_bytes"],
        steps=steps,
        drained=drained,
        filesystems=tuple(row["drain"]["filesystems"]),
    )
