# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ATA disk says of itself: the words of IDENTIFY DEVICE, and its sanitize status as hdparm prints it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._errors import RefusedError
from .tools import Answer

__all__ = ["Identified", "SanitizeState", "knows_passes", "parse_sanitize_status", "parse_version", "read_identify"]

_WORDS = 256
# The first hdparm that has --sanitize-overwrite-passes.
PASSES_SINCE = (9, 63)


@dataclass(frozen=True)
class Identified:
    """Of IDENTIFY DEVICE.

    :arg sectors: that the disk shows now; C(logical) bytes in each, C(physical) in those that it keeps.
    :arg rotation: revolutions a minute, 0 for a medium that does not turn; C(None) where it does not tell.
    :arg sanitize: the actions that it offers; C(sanitize_antifreeze) that it can be kept from freezing.
    :arg security: its security feature set: C(supported), C(enabled), C(locked), C(frozen), C(expired), C(enhanced).
    :arg erase_minutes: estimates for SECURITY ERASE UNIT, normal and enhanced; C(None) where it reports none. The largest value that
        it can report means that much or more.
    :arg zoned: empty, C(host_aware) or C(device_managed).
    :arg trusted: the trusted computing feature set, as OPAL needs it.
    """

    serial: str
    model: str
    firmware: str
    wwn: str
    sectors: int
    logical: int
    physical: int
    rotation: int | None
    trim: bool
    zoned: str
    trusted: bool
    sanitize: tuple[str, ...]
    sanitize_antifreeze: bool
    security: frozenset[str]
    erase_minutes: tuple[int | None, int | None]


def _text(words: t.Sequence[int], first: int, last: int) -> str:
    """A text of two characters a word, the first one in the upper byte."""
    data = b"".join(word.to_bytes(2, "big") for word in words[first : last + 1])
    return data.decode("ascii", "replace").strip(" \0")


def _sectors(words: t.Sequence[int]) -> int:
    """With 48-bit addresses or without, and beyond those where the extended count is valid."""
    long = words[83] >> 14 == 1 and words[83] & 1 << 10
    if not long:
        return words[60] | words[61] << 16
    extended = words[69] & 1 << 3
    first = 230 if extended else 100
    return sum(words[first + place] << 16 * place for place in range(4))


def _sector_sizes(words: t.Sequence[int]) -> tuple[int, int]:
    logical = 512
    physical = logical
    if words[106] >> 14 == 1:
        if words[106] & 1 << 12:
            logical = 2 * (words[117] | words[118] << 16)
        physical = logical << (words[106] & 0xF) if words[106] & 1 << 13 else logical
    return logical, physical


def _minutes(word: int) -> int | None:
    """Two minutes for each unit: of 15 bits where the highest says so, else of 8."""
    return 2 * (word & 0x7FFF if word & 1 << 15 else word & 0xFF) or None


_SECURITY = ("supported", "enabled", "locked", "frozen", "expired", "enhanced")
_SANITIZE = ((13, "crypto_scramble"), (14, "overwrite"), (15, "block_erase"))


def read_identify(words: t.Sequence[int]) -> Identified:
    """What the words mean.

    :arg words: 256 of them, as C(parse_identify) of C(hidden) gives them.
    :raises RefusedError: they are fewer, their checksum is wrong, or they tell of no disk.
    """
    if len(words) != _WORDS:
        raise RefusedError(
            f"the disk's IDENTIFY DEVICE has {len(words)} words, not {_WORDS}, so nothing is known of it; look whether hdparm can read it"
        )
    if words[255] & 0xFF == 0xA5 and sum(word & 0xFF for word in words) + sum(word >> 8 for word in words) & 0xFF:
        raise RefusedError(
            "the checksum of the disk's IDENTIFY DEVICE is wrong, so nothing in it is believed; look at the cable and at the bridge"
        )
    # hdparm ends with success and zeros where a bridge passes nothing through.
    if not _text(words, 27, 46) and not _text(words, 10, 19):
        raise RefusedError(
            "the disk's IDENTIFY DEVICE names neither a model nor a serial, so nothing in it is believed; "
            "the bridge or controller before it passes no ATA commands through"
        )
    logical, physical = _sector_sizes(words)
    named = words[87] >> 14 == 1 and words[87] & 1 << 8
    return Identified(
        serial=_text(words, 10, 19),
        model=_text(words, 27, 46),
        firmware=_text(words, 23, 26),
        wwn="".join(f"{word:04x}" for word in words[108:112]) if named else "",
        sectors=_sectors(words),
        logical=logical,
        physical=physical,
        rotation={0: None, 1: 0}.get(words[217], words[217] if 0x0401 <= words[217] <= 0xFFFE else None),
        trim=bool(words[169] & 1),
        zoned={1: "host_aware", 2: "device_managed"}.get(words[69] & 0b11, ""),
        trusted=words[48] >> 14 == 1 and bool(words[48] & 1),
        sanitize=tuple(name for bit, name in _SANITIZE if words[59] & 1 << 12 and words[59] & 1 << bit),
        sanitize_antifreeze=bool(words[59] & 1 << 12 and words[59] & 1 << 10),
        security=frozenset(name for bit, name in enumerate(_SECURITY) if words[128] & 1 << bit),
        erase_minutes=(_minutes(words[89]), _minutes(words[90])),
    )


def parse_version(text: str) -> tuple[int, int] | None:
    """What C(hdparm -V) tells; C(None) where it has another form."""
    found = re.fullmatch(r"hdparm v(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else None


def knows_passes(version: tuple[int, int] | None) -> bool:
    """Whether an hdparm can be told the passes of an overwrite; without that it would ask for 16."""
    return version is not None and version >= PASSES_SINCE


@dataclass(frozen=True)
class SanitizeState:
    """What C(hdparm --sanitize-status) tells.

    :arg state: C(idle), C(frozen), C(in_progress), C(failed), or C(unknown) where it cannot be read.
    :arg progress: from 0 to 65535 while one is in progress.
    :arg succeeded: the last sanitize, whenever it was, ended without error. The state is then C(idle) again.
    :arg told: the words for a person where the state is C(failed) or C(unknown).
    """

    state: str
    progress: int | None = None
    succeeded: bool = False
    told: str = ""


_STATE = re.compile(r"^\s*State:\s+SD([0-4]) ", re.MULTILINE)
_PROGRESS = re.compile(r"^\s*Progress: 0x([0-9a-f]{1,4}) \(\d+%\)", re.MULTILINE)
_NAMES = ("idle", "frozen", "in_progress", "failed", "idle")


def parse_sanitize_status(answer: Answer) -> SanitizeState:
    """The state that hdparm read, from its words: it ends with success also where the bridge answered nothing."""
    told = " ".join(answer.errors.split()) or answer.problem
    if "SD3 Sanitize Operation Failed" in answer.errors or "Last Sanitize Command completed unsuccessfully" in answer.errors:
        return SanitizeState("failed", told=told)
    found = _STATE.search(answer.text)
    if found is None or answer.code != 0 or "bad/missing sense data" in answer.errors:
        return SanitizeState("unknown", told=told or "hdparm told no state")
    progress = _PROGRESS.search(answer.text)
    state = _NAMES[int(found[1])]
    if state == "in_progress" and progress is None:
        return SanitizeState("unknown", told="hdparm told no progress of a sanitize in progress")
    return SanitizeState(
        state,
        progress=int(progress[1], 16) if progress and state == "in_progress" else None,
        succeeded=state == "idle" and "Last Sanitize Operation Completed Without Error" in answer.text,
        told=told,
    )
