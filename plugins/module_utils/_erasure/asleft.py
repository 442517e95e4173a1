# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a medium still holds what a run left on it: told by its journal, and looked at again."""

from __future__ import annotations

import random
import typing as t

from .._evidence.journal import read_journal
from .._media.cartridge import Cartridge
from .._media.identity import Device
from .._media.labels import find_signatures
from .marks import digests_at
from .tapes import blank_problem

__all__ = ["as_left", "holds_as_left", "left_as", "limit_of"]

# Of both ends of a device, where partition tables and filesystems begin, and of places between them digests are kept; in bytes.
_END_BYTES = 1 << 20
_PLACES = 256
_PLACE_BYTES = 4096


def left_as(device: Device | Cartridge) -> dict[str, t.Any]:
    """What C(as_left) compares later, for the proof of an outcome, which keeps one for each device in its list C(left)."""
    if isinstance(device, Cartridge):
        return {"blank": not blank_problem(device.drive)}
    places = _places(device)
    signatures = find_signatures(device)
    return {
        "signatures": None if signatures is None else list(signatures),
        "places": [list(place) for place in places],
        "digests": digests_at(device.path, places),
    }


def as_left(journal: str, devices: t.Sequence[Device | Cartridge]) -> dict[str, t.Any] | None:
    """The outcome record of a run that says destroyed, where the devices, in its order, still hold at their places what they held then."""
    for record in read_journal(journal, allow_torn=True):
        if record["type"] == "outcome" and record["outcome"] == "destroyed":
            left = record["proof"]["left"]
            same = len(left) == len(devices) and all(holds_as_left(each, device) for each, device in zip(left, devices))
            return record if same else None
    return None


def limit_of(verify: str, *, logged: bool, tape: bool) -> str:
    """What a second run leaves open that looked whether a medium is still as the first one left it.

    :arg logged: the device's own log tells too that nothing was written since.
    """
    if tape:
        return "whether anything was written since was judged by the beginning of the tape alone"
    how = {
        "all": "all of it was read and no known beginning of a file was found",
        "sample": f"both ends and {_PLACES} random places hold what they held then, and a sample was read",
    }.get(verify, f"both ends, {_PLACES} random places and those of the canaries were looked at, and nothing else was read")
    log = "; the device's own log says that nothing was" if logged else ""
    return f"whether anything was written since the run that destroyed was judged from this: {how}{log}"


def holds_as_left(left: t.Mapping[str, t.Any], device: Device | Cartridge) -> bool:
    """Whether a medium holds at its places what C(left_as) told of it."""
    if isinstance(device, Cartridge):
        return bool(left["blank"]) and not blank_problem(device.drive)
    # What cannot be read is equal to nothing, nor to itself.
    if not all(left["digests"]) or digests_at(device.path, left["places"]) != left["digests"]:
        return False
    return (find_signatures(device) or ()) == tuple(left["signatures"] or ())


def _places(device: Device) -> list[tuple[int, int]]:
    """Both ends, and so many pieces anywhere, as offset and length."""
    end = min(_END_BYTES, device.size // _PLACE_BYTES * _PLACE_BYTES)
    if not end:
        return []
    pieces = range((device.size - end) // _PLACE_BYTES)
    chosen = sorted(random.SystemRandom().sample(pieces, min(_PLACES, len(pieces))))
    # From the last whole sector backwards: a device need not be a multiple of the piece.
    return [
        (0, end),
        *((piece * _PLACE_BYTES, _PLACE_BYTES) for piece in chosen),
        (device.size // device.logical * device.logical - end, end),
    ]
