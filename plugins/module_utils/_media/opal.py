# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a self-encrypting drive says of its locking: the Level 0 Discovery of the TCG Storage Core Specification.

It is fetched with the tools that are there for the drive anyway. Of NVMe drives the hexadecimal dump is read: C(--raw-binary) of
C(nvme security-recv) writes another place of the memory in nvme-cli 1, and some later versions put a sentence before the bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._errors import RefusedError
from .tools import ask, failure

__all__ = ["Discovery", "ask_discovery", "parse_discovery", "parse_dump"]

_BYTES = 2048
_HEADER = 48
_LOCKING = 0x0002
_SUBSYSTEMS = {
    0x0100: "enterprise",
    0x0200: "opal_1",
    0x0203: "opal_2",
    0x0301: "opalite",
    0x0302: "pyrite_1",
    0x0303: "pyrite_2",
    0x0304: "ruby",
}


@dataclass(frozen=True)
class Discovery:
    """Of Level 0 Discovery.

    :arg kinds: the specifications that the drive follows, such as C(opal_2), C(enterprise), C(pyrite_2) which locks without encrypting.
    :arg supported: it can be locked; C(enabled) somebody has taken it into use; C(locked) a range of it is locked now.
    :arg encrypts: it encrypts what it keeps.
    :arg shadow: the boot area that is shown in place of the medium (MBR shadowing) is in use; C(shadow_done) it is not shown now.
    """

    kinds: tuple[str, ...]
    supported: bool
    enabled: bool
    locked: bool
    encrypts: bool
    shadow: bool
    shadow_done: bool


def parse_discovery(data: bytes) -> Discovery:
    """What the drive answers to security protocol 01h, specific 0001h.

    :raises RefusedError: it is empty, cut off, or no such answer.
    """
    end = int.from_bytes(data[:4], "big") + 4
    if len(data) < _HEADER or not _HEADER <= end <= len(data):
        raise RefusedError(
            f"the drive's Level 0 Discovery is empty or cut off ({len(data)} bytes, of which it says {end}), so nothing is known of its "
            "locking; look whether another tool can read it"
        )
    kinds: list[str] = []
    flags: int | None = None
    place = _HEADER
    while place + 4 <= end:
        code, length = int.from_bytes(data[place : place + 2], "big"), data[place + 3]
        if code in _SUBSYSTEMS:
            kinds.append(_SUBSYSTEMS[code])
        if code == _LOCKING and length:
            flags = data[place + 4]
        place += 4 + length
    if place != end or (kinds and flags is None):
        raise RefusedError(
            "the drive's Level 0 Discovery ends within a feature, or tells none of its locking, so nothing in it is believed"
        )
    bits = [bool((flags or 0) & 1 << bit) for bit in range(6)]
    return Discovery(tuple(kinds), *bits)


def parse_dump(text: str) -> bytes:
    """The bytes of a dump as nvme-cli prints it: an offset, at most 16 bytes, and the same as text."""
    data = b""
    for offset, row in re.findall(r"^([0-9a-f]{4,}):((?: [0-9a-f]{2}){1,16})(?= )", text, re.MULTILINE):
        if int(offset, 16) != len(data):
            return b""
        data += bytes.fromhex(row.strip())
    return data


def ask_discovery(path: str, *, nvme: bool) -> tuple[Discovery | None, str]:
    """The state of a drive's locking, or why it cannot be read. The drive is opened for reading only.

    :arg nvme: it is an NVMe drive; else it is asked by SCSI, which the kernel translates for ATA disks.
    """
    if nvme:
        answer = ask(["nvme", "security-recv", "--secp=1", "--spsp=1", f"--size={_BYTES}", f"--al={_BYTES}", path])
    else:
        # SECURITY PROTOCOL IN: protocol 01h, specific 0001h, 2048 bytes.
        command = ["a2", "01", "00", "01", "00", "00", *(f"{byte:02x}" for byte in _BYTES.to_bytes(4, "big")), "00", "00"]
        answer = ask(["sg_raw", "--readonly", "--binary", f"--request={_BYTES}", path, *command])
    if answer.code != 0:
        return None, failure(answer)
    try:
        return parse_discovery(parse_dump(answer.text) if nvme else answer.output), ""
    except RefusedError as error:
        return None, error.message
