# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a SCSI device says of itself: the commands that it supports, the state that it is in, and its rotation.

All is read from the device's own bytes (C(--raw) of sg3_utils), which no version words differently. sg_requests ends with 0 whatever
state its data tells of, and prints words to the same place where the command itself failed; so the bytes are looked at, not the code.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import RefusedError
from .tools import ask, failure

__all__ = [
    "Characteristics",
    "Operations",
    "ScsiState",
    "ask_characteristics",
    "ask_operations",
    "ask_state",
    "parse_characteristics",
    "parse_operations",
    "parse_sense",
]

_NAMES: t.Mapping[tuple[int, int | None], str] = {
    (0x04, None): "format",
    (0x42, None): "unmap",
    (0x48, 0x01): "sanitize_overwrite",
    (0x48, 0x02): "sanitize_block",
    (0x48, 0x03): "sanitize_crypto",
    (0x48, 0x1F): "sanitize_exit",
    (0xA3, 0x0C): "report",
}
_DESCRIPTOR, _TIMEOUTS = 8, 12
# A unit attention is told once, and there may be some in a row.
_ATTENTIONS = 4
# What sg_turs ends with: sense keys, standby, unavailable, not ready with a progress. A unit attention may hide another state.
_UNIT_ATTENTION = 6
_NOT_READY = (2, 3, 12, 13, 62)


@dataclass(frozen=True)
class Operations:
    """Of REPORT SUPPORTED OPERATION CODES.

    :arg supported: of C(sanitize_block), C(sanitize_crypto), C(sanitize_overwrite), C(sanitize_exit), C(format), C(unmap) and C(report)
        those that the device has; C(None) where it does not tell.
    :arg why: why it does not, empty where it does.
    """

    supported: frozenset[str] | None
    why: str = ""


@dataclass(frozen=True)
class ScsiState:
    """Of REQUEST SENSE.

    :arg state: C(ready), C(sanitize_in_progress), C(sanitize_failed), C(format_in_progress), C(format_failed), C(not_ready), or C(unknown)
        where it cannot be read. C(ready) says nothing of whether a sanitize ever was.
    :arg progress: from 0 to 65535; C(None) where the device tells none.
    :arg code: sense key, additional sense code and its qualifier; C(None) where there are none.
    :arg told: the words for a person where the state is not C(ready) and not in progress.
    """

    state: str
    progress: int | None = None
    code: tuple[int, int, int] | None = None
    told: str = ""


@dataclass(frozen=True)
class Characteristics:
    """Of the VPD page Block Device Characteristics (b1h).

    :arg rotation: revolutions a minute, 0 for a medium that does not turn; C(None) where it does not tell.
    :arg zoned: empty, C(host_aware) or C(device_managed).
    """

    rotation: int | None = None
    zoned: str = ""


def parse_operations(data: bytes) -> frozenset[str]:
    """What C(sg_opcodes --raw) gives.

    :raises RefusedError: it is cut off, so that a command that is not in it may be supported all the same.
    """
    length = int.from_bytes(data[:4], "big")
    end, place = length + 4, 4
    if len(data) < 4 or len(data) < end or not length:
        raise RefusedError(
            f"the device's list of commands has {max(len(data) - 4, 0)} of {length} bytes, so nothing is known of it; "
            "look whether sg_opcodes can read it"
        )
    found: set[str] = set()
    while place + _DESCRIPTOR <= end:
        flags = data[place + 5]
        action = int.from_bytes(data[place + 2 : place + 4], "big") if flags & 1 else None
        name = _NAMES.get((data[place], action))
        if name:
            found.add(name)
        place += _DESCRIPTOR + (_TIMEOUTS if flags & 1 << 1 else 0)
    if place != end:
        raise RefusedError("the device's list of commands ends within a command, so nothing in it is believed; look at its firmware")
    return frozenset(found)


def ask_operations(path: str) -> Operations:
    """Which of the commands that could sanitize it a device supports. The device is opened for reading only."""
    # The whole list: asked for a single command, sg_opcodes opens the device for writing.
    answer = ask(["sg_opcodes", "--raw", path])
    if answer.code != 0:
        return Operations(None, failure(answer))
    try:
        return Operations(parse_operations(answer.output))
    except RefusedError as error:
        return Operations(None, error.message)


_STATES: t.Mapping[tuple[int, int], str] = {
    (0x04, 0x1B): "sanitize_in_progress",
    (0x04, 0x04): "format_in_progress",
    (0x31, 0x00): "format_failed",
    (0x31, 0x01): "format_failed",
    (0x31, 0x03): "sanitize_failed",
}
_RUNNING = tuple(code for code, state in _STATES.items() if "in_progress" in state)
_WORDS = {
    "format_failed": "the last format failed, or the medium was never formatted to its end",
    "sanitize_failed": "the last sanitize failed",
}
_SENSE_KEY_SPECIFIC, _ANOTHER_PROGRESS = 0x02, 0x0A


def _fixed(data: bytes) -> tuple[tuple[int, int, int], int | None] | None:
    if len(data) < 14:
        return None
    told = len(data) >= 18 and data[15] & 0x80
    return (data[2] & 0xF, data[12], data[13]), int.from_bytes(data[16:18], "big") if told else None


def _described(data: bytes) -> tuple[tuple[int, int, int], int | None] | None:
    if len(data) < 8:
        return None
    code, progress, place, end = (data[1] & 0xF, data[2], data[3]), None, 8, min(8 + data[7], len(data))
    while place + 2 <= end:
        kind, length = data[place], data[place + 1]
        body = data[place + 2 : min(place + 2 + length, end)]
        if kind == _SENSE_KEY_SPECIFIC and len(body) >= 5 and body[2] & 0x80:
            progress = int.from_bytes(body[3:5], "big")
        elif kind == _ANOTHER_PROGRESS and len(body) >= 6 and code[1:] not in _STATES and (body[1], body[2]) in _RUNNING:
            # An operation of which the sense data's own code does not tell.
            return (body[0] & 0xF, body[1], body[2]), int.from_bytes(body[4:6], "big")
        place += 2 + length
    return code, progress


def parse_sense(data: bytes) -> ScsiState:
    """What C(sg_requests --raw) gives: sense data in fixed (70h, 71h) or descriptor format (72h, 73h)."""
    response = data[0] & 0x7F if data else 0
    found = _fixed(data) if response in (0x70, 0x71) else _described(data) if response in (0x72, 0x73) else None
    if found is None:
        words = " ".join(data.decode("ascii", "replace").split()) if data.rstrip(b"\n").isascii() and data[:1].isalpha() else ""
        return ScsiState("unknown", told=f"the device gave no sense data{f' ({words})' if words else ''}")
    (key, asc, ascq), progress = code = found
    told = f"sense {key:02x}/{asc:02x}/{ascq:02x}"
    state = _STATES.get((asc, ascq), "")
    if state in _WORDS and key != 0:
        return ScsiState(state, None, code[0], f"{_WORDS[state]} ({told})")
    # A deferred error (71h, 73h) tells of an earlier command and not of now.
    if response in (0x71, 0x73):
        return ScsiState("unknown", None, code[0], f"the device reports an error of an earlier command ({told})")
    if state and state not in _WORDS and key in (0, 2):
        return ScsiState(state, progress, code[0])
    # 5Eh is a state of low power, 5Dh the prediction of a failure; in both the device does what it is told.
    if key in (0, 1) and (asc, ascq) == (0, 0) or key in (0, 1) and asc in (0x5D, 0x5E):
        return ScsiState("ready", None, code[0])
    if key == 2:
        return ScsiState("not_ready", progress, code[0], f"the device is not ready ({told})")
    return ScsiState("unknown", None, code[0], f"the device reports something else ({told})")


def ask_state(path: str) -> ScsiState:
    """The state that a device is in; C(ready) only where it also says so to TEST UNIT READY, to which some tell more."""
    state = ScsiState("unknown", told="the device reports nothing but unit attentions")
    for _attempt in range(_ATTENTIONS):
        answer = ask(["sg_requests", "--raw", path])
        state = parse_sense(answer.output) if answer.code == 0 else ScsiState("unknown", told=failure(answer))
        if state.code and state.code[0] == _UNIT_ATTENTION:
            continue
        if state.state != "ready":
            return state
        ready = ask(["sg_turs", path])
        if ready.code == 0:
            return state
        if ready.code != _UNIT_ATTENTION:
            return ScsiState("not_ready" if ready.code in _NOT_READY else "unknown", code=state.code, told=failure(ready))
        state = ScsiState("unknown", code=state.code, told="the device reports nothing but unit attentions")
    return state


def parse_characteristics(page: bytes) -> Characteristics:
    """What C(sg_vpd --raw --page=0xb1) or the kernel's C(vpd_pgb1) gives; nothing where it is another page or cut off."""
    if len(page) < 9 or page[1] != 0xB1:
        return Characteristics()
    rate = int.from_bytes(page[4:6], "big")
    return Characteristics(
        rotation={1: 0}.get(rate, rate if 0x0401 <= rate <= 0xFFFE else None),
        zoned={1: "host_aware", 2: "device_managed"}.get(page[8] >> 4 & 0b11, ""),
    )


def ask_characteristics(path: str, page: bytes = b"") -> Characteristics:
    """Rotation and zones of a device.

    :arg page: what the kernel shows as C(vpd_pgb1); older kernels show none, and the device is asked itself.
    """
    if page:
        return parse_characteristics(page)
    answer = ask(["sg_vpd", "--raw", "--page=0xb1", path])
    return parse_characteristics(answer.output) if answer.code == 0 else Characteristics()
