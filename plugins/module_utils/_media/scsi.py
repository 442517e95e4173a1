# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a SCSI device says of itself: which commands it supports, and its sense data while and after it erases.

The binary forms that sg_opcodes and sg_requests give (C(--raw)) are the device's own answers, the same in every version of sg3_utils.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass

from .._errors import RefusedError
from .._executor import Executor
from .identity import Device
from .tools import Answer, ask

__all__ = ["OPERATIONS", "Sense", "ask_operations", "ask_sense", "command_path", "parse_operations", "parse_sense", "rescan"]

# Of those that matter here, by operation code and service action.
OPERATIONS = {
    (0x48, 0x01): "sanitize_overwrite",
    (0x48, 0x02): "sanitize_block",
    (0x48, 0x03): "sanitize_crypto",
    (0x48, 0x1F): "sanitize_exit",
    (0x04, None): "format",
    (0x42, None): "unmap",
}
# For so long the kernel is given to read a size, in seconds.
_SETTLE = 10.0
_NOT_READY, _MEDIUM_ERROR = 0x02, 0x03
_STATES = {
    (0x04, 0x1B): "sanitize_in_progress",
    (0x04, 0x04): "format_in_progress",
    (0x31, 0x03): "sanitize_failed",
    (0x31, 0x00): "format_failed",
    (0x31, 0x01): "format_failed",
}


@dataclass(frozen=True)
class Sense:
    """What REQUEST SENSE tells.

    :arg state: C(ready), C(sanitize_in_progress), C(format_in_progress), C(sanitize_failed), C(format_failed), C(not_ready) for another
        reason, or C(unknown) where it cannot be read.
    :arg progress: from 0 to 65535 while something is in progress, C(None) where the device does not tell.
    :arg told: sense key and codes, or why they cannot be read.
    """

    state: str
    progress: int | None = None
    told: str = ""


def command_path(device: Device, *, sys_root: str = "/sys") -> str:
    """The node through which commands reach a SCSI device at once.

    Opening the block device itself lets the kernel wait until a device that formats is ready again, or forget its size.
    """
    below = os.path.join(sys_root, "block", device.name, "device")
    for group, nodes in (("scsi_generic", "/dev"), ("bsg", "/dev/bsg")):
        try:
            names = sorted(os.listdir(os.path.join(below, group)))
        except OSError:
            continue
        for name in names:
            if os.path.exists(os.path.join(nodes, name)):
                return os.path.join(nodes, name)
    return device.path


def parse_operations(data: bytes) -> frozenset[str]:
    """What C(sg_opcodes --raw) gives, the answer to REPORT SUPPORTED OPERATION CODES for all of them, as names of C(OPERATIONS).

    :raises RefusedError: it is shorter than it says of itself.
    """
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 or len(data) < 4 + length:
        raise RefusedError(
            f"the device's list of commands has {len(data)} bytes and says that it has {4 + length}, so nothing is known of it; "
            "look whether sg_opcodes can read it"
        )
    found = set()
    place = 4
    while place + 8 <= 4 + length:
        code, action, flags = data[place], int.from_bytes(data[place + 2 : place + 4], "big"), data[place + 5]
        name = OPERATIONS.get((code, action if flags & 1 else None))
        if name:
            found.add(name)
        # A descriptor of the command's timeouts follows where it is announced.
        place += 20 if flags & 2 else 8
    return frozenset(found)


def ask_operations(path: str) -> frozenset[str] | str:
    """The commands that a device says it supports, or why it does not tell."""
    answer = ask(["sg_opcodes", "--raw", path])
    if answer.code != 0:
        return _problem(answer, "sg_opcodes")
    try:
        return parse_operations(answer.output)
    except RefusedError as error:
        return error.message


def parse_sense(data: bytes) -> Sense:
    """What C(sg_requests --raw) gives: sense data in the fixed or in the descriptor form."""
    kind = data[0] & 0x7F if data else 0
    if kind in (0x70, 0x71) and len(data) >= 14:
        key, code, qualifier = data[2] & 0x0F, data[12], data[13]
        progress = int.from_bytes(data[16:18], "big") if len(data) >= 18 and data[15] & 0x80 else None
    elif kind in (0x72, 0x73) and len(data) >= 8:
        key, code, qualifier = data[1] & 0x0F, data[2], data[3]
        progress = _described_progress(data)
    elif not data or not any(data):
        # Nothing to tell.
        return Sense("ready" if data else "unknown", told="" if data else "the device answered nothing")
    else:
        return Sense("unknown", told=f"the device's sense data cannot be understood ({data[:18].hex()})")
    told = f"sense key {key:#x}, code {code:#04x}, qualifier {qualifier:#04x}"
    state = _STATES.get((code, qualifier))
    if state is not None:
        return Sense(state, progress if state.endswith("progress") else None, told)
    if key in (_NOT_READY, _MEDIUM_ERROR) or code == 0x04:
        return Sense("not_ready", told=told)
    return Sense("ready", told=told)


def _described_progress(data: bytes) -> int | None:
    """The progress that a sense key specific descriptor carries."""
    place, end = 8, min(len(data), 8 + data[7])
    while place + 2 <= end:
        if data[place] == 0x02 and place + 7 <= end and data[place + 4] & 0x80:
            return int.from_bytes(data[place + 5 : place + 7], "big")
        place += 2 + data[place + 1]
    return None


def ask_sense(path: str) -> Sense:
    """The device's sense data."""
    answer = ask(["sg_requests", "--raw", path])
    if answer.code != 0:
        return Sense("unknown", told=_problem(answer, "sg_requests"))
    return parse_sense(answer.output)


def _problem(answer: Answer, tool: str) -> str:
    return answer.problem or " ".join(answer.errors.split()) or f"{tool} ended with {answer.code}"


def rescan(executor: Executor, device: Device, *, sys_root: str = "/sys") -> None:
    """Have the kernel read a device's size again, where it took one that was busy with itself for one without a medium."""
    directory = os.path.realpath(os.path.join(sys_root, "block", device.name))
    if _size(directory) not in ("", "0"):
        return
    with contextlib.suppress(OSError):
        fd = executor.open(os.path.join(directory, "device", "rescan"), os.O_WRONLY)
        try:
            executor.write(fd, b"1")
        finally:
            os.close(fd)
    deadline = time.monotonic() + _SETTLE
    while time.monotonic() < deadline and _size(directory) in ("", "0"):
        time.sleep(0.2)


def _size(directory: str) -> str:
    try:
        with open(os.path.join(directory, "size"), encoding="ascii") as handle:
            return handle.read().strip()
    except OSError:
        return ""
