# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tape drives and what lies in them: the kernel's C(scsi_tape), and C(mt status) of mt-st and of GNU cpio.

A drive's serial is not the cartridge's; what recognises the cartridge is in its memory, see C(cartridge).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .._errors import RefusedError
from .identity import parse_vpd_serial, plain_wwn
from .tools import Answer, ask, failure

__all__ = ["TapeDrive", "TapeStatus", "ask_tape", "list_tapes", "long_erase_commands", "parse_status", "rewind"]

# MT_ST_NOWAIT of linux/mtio.h: rewind and erase return before they are over.
_NO_WAIT = 0x2000
# From end to end of a long tape, in seconds.
_REWIND_SECONDS = 1800.0

# Of linux/mtio.h, in the order in which mt prints them.
_BITS = {
    "EOF": 31,
    "BOT": 30,
    "EOT": 29,
    "SM": 28,
    "EOD": 27,
    "WR_PROT": 26,
    "ONLINE": 24,
    "D_6250": 23,
    "D_1600": 22,
    "D_800": 21,
    "DR_OPEN": 18,
    "IM_REP_EN": 16,
    "CLN": 15,
}


@dataclass(frozen=True)
class TapeDrive:
    """A drive as the kernel shows it.

    :arg name: of the device that does not rewind, such as C(nst0); C(path) is its node.
    :arg place: its directory below C(/sys), which tells what it hangs on.
    :arg commands: the node that takes commands whatever the tape does; the same as C(path) where the kernel has no such driver loaded.
    :arg numbers: major and minor of every node of the drive.
    :arg no_wait: the kernel was told to return before a rewind or an erase is over; C(None) where it does not tell.
    """

    name: str
    path: str
    place: str
    vendor: str
    model: str
    firmware: str
    serial: str
    wwn: str
    commands: str = ""
    numbers: frozenset[tuple[int, int]] = frozenset()
    no_wait: bool | None = None

    @property
    def facts(self) -> dict[str, list[str]]:
        """What recognises the drive, and never what lies in it."""
        return {key: [value] for key, value in (("serial", self.serial), ("wwn", self.wwn)) if value}


@dataclass(frozen=True)
class TapeStatus:
    """What C(mt status) tells.

    :arg flags: as mt names them, such as C(ONLINE), C(DR_OPEN), C(BOT), C(EOD), C(WR_PROT); C(None) of cpio's mt, which tells none.
    :arg density: the code of the tape's format; C(None) where there is none.
    :arg block_size: bytes, 0 for blocks of any size.
    """

    flags: frozenset[str] | None
    density: int | None
    block_size: int | None

    @property
    def loaded(self) -> bool | None:
        return None if self.flags is None else "ONLINE" in self.flags and "DR_OPEN" not in self.flags

    @property
    def write_protected(self) -> bool | None:
        return None if self.flags is None else "WR_PROT" in self.flags


def parse_status(text: str) -> TapeStatus:
    """What C(mt -f DEVICE status) prints: of mt-st with its flags, of GNU cpio's mt the format only.

    :raises RefusedError: it is neither, or the flags in words are not those in figures.
    """
    found = re.search(r"^General status bits on \(([0-9a-f]+)\):\n(.*)$", text, re.MULTILINE)
    if found:
        flags = frozenset(name for name, bit in _BITS.items() if int(found[1], 16) & 1 << bit)
        if flags != frozenset(found[2].split()):
            raise RefusedError(f"mt tells of the tape {found[2].strip()!r} in words and {found[1]} in figures, so neither is believed")
        form = re.search(r"^Tape block size (\d+) bytes\. Density code 0x([0-9a-f]+) \(", text, re.MULTILINE)
        return TapeStatus(flags, int(form[2], 16) if form else None, int(form[1]) if form else None)
    register = re.search(r"^drive status = (-?\d+)$", text, re.MULTILINE)
    if register and re.search(r"^drive type = \d+$", text, re.MULTILINE):
        value = int(register[1]) & 0xFFFFFFFF
        return TapeStatus(None, value >> 24, value & 0xFFFFFF)
    raise RefusedError("mt told no state of the tape that can be read; look at what mt -f DEVICE status prints")


def ask_tape(path: str) -> tuple[TapeStatus | None, str]:
    """The state of the tape in a drive, or why it cannot be told. It does not move the tape."""
    answer = ask(["mt", "-f", path, "status"])
    if answer.code != 0:
        return None, failure(answer)
    try:
        return parse_status(answer.text), ""
    except RefusedError as error:
        return None, error.message


def _read(*parts: str) -> bytes:
    try:
        with open(os.path.join(*parts), "rb") as handle:
            return handle.read()
    except OSError:
        return b""


def list_tapes(*, sys_root: str = "/sys") -> list[TapeDrive]:
    """Every tape drive of this host; none where the kernel has no such driver."""
    root = os.path.join(sys_root, "class", "scsi_tape")
    try:
        names = sorted(name for name in os.listdir(root) if re.fullmatch(r"nst\d+", name))
    except OSError:
        return []
    return [_drive(name, os.path.realpath(os.path.join(root, name))) for name in names]


def _drive(name: str, place: str) -> TapeDrive:
    def text(attribute: str) -> str:
        return _read(place, *attribute.split("/")).decode("ascii", "replace").strip()

    serial = parse_vpd_serial(_read(place, "device", "vpd_pg80"))
    numbers = set()
    for group in ("scsi_tape", "scsi_generic", "bsg"):
        for node in _names(place, "device", group):
            major, _colon, minor = text(f"device/{group}/{node}/dev").partition(":")
            numbers.update([(int(major), int(minor))] if major.isdigit() and minor.isdigit() else [])
    generic = _names(place, "device", "scsi_generic")
    options = text("options")
    return TapeDrive(
        name,
        f"/dev/{name}",
        place,
        text("device/vendor"),
        text("device/model"),
        text("device/rev"),
        serial,
        plain_wwn(text("device/wwid")),
        commands=f"/dev/{generic[0]}" if generic else f"/dev/{name}",
        numbers=frozenset(numbers),
        no_wait=bool(int(options, 16) & _NO_WAIT) if re.fullmatch("0x[0-9a-f]+", options) else None,
    )


def _names(*parts: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(*parts)))
    except OSError:
        return []


def rewind(path: str) -> Answer:
    """Wind a tape to its beginning; nothing on it is changed."""
    return ask(["mt", "-f", path, "rewind"], seconds=_REWIND_SECONDS)


def long_erase_commands(path: str) -> list[list[str]]:
    """Erase the tape in a drive from its beginning to its end, in this order; an erase begins where the tape stands.

    It reaches the partition in which the tape stands. The kernel waits for the end, for some hours, unless the drive's option no-wait is set.

    :arg path: of the device that does not rewind, as the other rewinds between the two.
    """
    return [["mt", "-f", path, "rewind"], ["mt", "-f", path, "erase", "1"]]
