# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cartridge lies in a tape drive, told by the cartridge's own memory (MAM) through C(sg_read_attr), and whether it may be erased.

The drive is asked for its state first, and only one that nobody uses: who else asks it takes away the word that the cartridge was changed.
"""

from __future__ import annotations

import os
import stat
import struct
import typing as t
from dataclasses import dataclass, field, replace

from .._errors import RefusedError
from .guards import find_openers
from .tape import TapeDrive, TapeStatus, ask_tape, list_tapes
from .tools import ask, failure

__all__ = [
    "Cartridge",
    "Inside",
    "Memory",
    "ask_memory",
    "find_cartridge",
    "look_into",
    "parse_attributes",
    "parse_partitions",
    "reasons_against",
    "refuse_drive",
    "require_erasable",
]

# Attributes of SPC, by their numbers.
_CAPACITY, _MAKER, _SERIAL, _TYPE, _BARCODE = 0x0001, 0x0400, 0x0401, 0x0408, 0x0806
_TYPES = {0x00: "data", 0x01: "cleaning", 0x80: "worm"}
_WORDS = {"cleaning": "it is a cleaning cartridge", "worm": "it is a WORM cartridge, which can be written only once"}
_HEAD = struct.Struct(">HBH")
# Of a canary; a drive that is set to records of one length must be able to write it as some of those.
_RECORD = 4096


@dataclass(frozen=True)
class Memory:
    """What a cartridge's memory tells of it.

    :arg serial: of the cartridge itself; C(maker), C(barcode) as others have written them there. Empty where it tells none.
    :arg kind: C(data), C(cleaning), C(worm), or another type's number; empty where it tells none.
    :arg capacity: bytes that fit on its first partition, 0 where it does not tell.
    :arg partitions: C(None) where the drive does not tell, and C(partitions_why) tells why.
    """

    serial: str
    maker: str = ""
    barcode: str = ""
    kind: str = ""
    capacity: int = 0
    partitions: int | None = None
    partitions_why: str = ""


def parse_attributes(data: bytes) -> dict[int, bytes]:
    """What C(sg_read_attr --raw) gives: a length, then number, format, length and value of each attribute.

    :raises RefusedError: it is cut off, or something else.
    """
    end = 4 + int.from_bytes(data[:4], "big")
    found: dict[int, bytes] = {}
    place = 4
    while place + _HEAD.size <= min(end, len(data)):
        number, _form, length = _HEAD.unpack_from(data, place)
        found[number] = data[place + _HEAD.size : place + _HEAD.size + length]
        place += _HEAD.size + length
    if len(data) < 4 or place != end or end != len(data):
        raise RefusedError(f"the cartridge's memory is cut off ({len(data)} bytes of {end}), so nothing in it is believed")
    return found


def parse_partitions(data: bytes) -> int:
    """How many partitions there are, as C(sg_read_attr --raw --sa=3) gives it.

    :raises RefusedError: it is something else.
    """
    if len(data) != 4 or data[:2] != b"\0\x02" or not data[3]:
        raise RefusedError(f"the drive tells no number of partitions ({data[:8].hex()})")
    return data[3]


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")


def _memory_of(attributes: t.Mapping[int, bytes]) -> Memory:
    serial, maker, barcode = (_text(attributes.get(number, b"")) for number in (_SERIAL, _MAKER, _BARCODE))
    code = attributes.get(_TYPE, b"")
    kind = _TYPES.get(code[0], f"0x{code[0]:02x}") if len(code) == 1 else ""
    return Memory(serial, maker, barcode, kind, int.from_bytes(attributes.get(_CAPACITY, b""), "big") << 20)


def ask_memory(drive: TapeDrive) -> tuple[Memory | None, str]:
    """What the memory of the cartridge in a drive tells, or why it cannot be read."""
    answer = ask(["sg_read_attr", "--raw", "--readonly", drive.commands])
    if answer.code != 0:
        return None, failure(answer)
    try:
        memory = _memory_of(parse_attributes(answer.output))
    except RefusedError as error:
        return None, error.message
    parts = ask(["sg_read_attr", "--raw", "--readonly", "--sa=3", drive.commands])
    try:
        count, why = (parse_partitions(parts.output), "") if parts.code == 0 else (None, failure(parts))
    except RefusedError as error:
        count, why = None, error.message
    return replace(memory, partitions=count, partitions_why=why), ""


class Inside(t.NamedTuple):
    """What is in a drive; C(None) where it cannot be told, and C(why) and C(memory_why) tell why."""

    status: TapeStatus | None
    why: str
    memory: Memory | None
    memory_why: str


def look_into(drive: TapeDrive) -> Inside:
    """Ask a drive for its state and, where a tape is in it, for the cartridge's memory."""
    status, why = ask_tape(drive.path)
    if status is None:
        return Inside(None, why, None, why)
    if not status.loaded:
        return Inside(
            status, why, None, "no tape is loaded" if status.loaded is False else "this mt does not tell whether a tape is loaded"
        )
    return Inside(status, why, *ask_memory(drive))


def reasons_against(drive: TapeDrive, inside: Inside, *, on_unseen: str = "refuse", proc_root: str = "/proc") -> list[str]:
    """Why the cartridge in a drive must not be erased, or could not be; empty where nothing speaks against it."""
    status, memory = inside.status, inside.memory
    busy = _openers(drive, on_unseen, proc_root)
    if status is None:
        return [f"the state of the tape cannot be read ({inside.why}), which counts as in use", *busy]
    if status.loaded is None:
        return ["this mt does not tell whether a tape is loaded and write-protected, which counts as in use; install mt-st", *busy]
    if not status.loaded:
        return ["no tape is loaded, or it is not ready", *busy]
    told = [
        "the tape is write-protected" if status.write_protected else "",
        _length_problem(status.block_size),
        "the kernel is told not to wait for the end of an erase; have mt -f DEVICE stclearoptions no-wait" if drive.no_wait else "",
        "whether the kernel waits for the end of an erase cannot be told" if drive.no_wait is None else "",
        *(_reasons_of(memory) if memory else [f"the cartridge's memory cannot be read, so it has no identity ({inside.memory_why})"]),
    ]
    return [*filter(None, told), *busy]


def _length_problem(length: int | None) -> str:
    if length is None:
        return "the length of its records cannot be told"
    if length and _RECORD % length:
        return (
            f"the drive is set to records of {length} bytes, in which no canary fits; set records of any length with mt -f DEVICE setblk 0"
        )
    return ""


def _reasons_of(memory: Memory) -> t.Iterator[str]:
    if not memory.serial:
        yield "the cartridge's memory tells no serial number, so it has no identity"
    if memory.kind != "data":
        yield _WORDS.get(memory.kind, f"of which type the cartridge is, is not known ({memory.kind or 'its memory does not tell'})")
    if memory.partitions is None:
        yield f"whether it has several partitions cannot be told ({memory.partitions_why})"
    elif memory.partitions != 1:
        yield f"it has {memory.partitions} partitions, of which an erase reaches one; make it one with mt -f DEVICE mkpartition 0"


def _openers(drive: TapeDrive, on_unseen: str, proc_root: str) -> list[str]:
    def is_it(facts: os.stat_result) -> bool:
        return stat.S_ISCHR(facts.st_mode) and (os.major(facts.st_rdev), os.minor(facts.st_rdev)) in drive.numbers

    try:
        found, unseen = find_openers(is_it, proc_root=proc_root)
    except OSError:
        return ["which processes have it open cannot be determined, which counts as in use"]
    told = [f"it is open by {', '.join(found)}"] if found else []
    if on_unseen != "report":
        told += [f"whether {process} has it open cannot be determined, which counts as in use" for process in unseen[:3]]
    return told


@dataclass(frozen=True)
class Cartridge:
    """One cartridge, with the drive that it is in; it has what a C(Device) has, as far as a tape has that.

    :arg asked: the identity by which it was found.
    """

    drive: TapeDrive
    serial: str
    size: int
    asked: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.drive.name

    @property
    def path(self) -> str:
        return self.drive.path

    @property
    def facts(self) -> dict[str, tuple[str, ...]]:
        return {"cartridge": (self.serial,)}

    @property
    def identity(self) -> dict[str, t.Any]:
        """What recognises it in whatever drive, as plain data."""
        return {"kind": "cartridge", "size": self.size, "facts": {"cartridge": [self.serial]}}


def refuse_drive(identity: t.Mapping[str, str], *, sys_root: str = "/sys") -> None:
    """:raises RefusedError: an identity is that of a tape drive, which never names what is in it."""
    for drive in list_tapes(sys_root=sys_root):
        for key, value in identity.items():
            if value.strip() and value.strip() in (drive.serial, drive.wwn):
                raise RefusedError(
                    f"the {key} {value} is that of the tape drive {drive.name}, and a drive never names the cartridge in it, so nothing was "
                    "done; give the cartridge's own serial number as device: {cartridge: …}, which media_info tells"
                )


def find_cartridge(identity: t.Mapping[str, str], *, sys_root: str = "/sys") -> Cartridge:
    """The cartridge with this serial number, in whatever drive it is.

    :raises RefusedError: the identity is faulty, or no drive or several hold it.
    """
    others = [key for key in identity if key != "cartridge"]
    wanted = identity["cartridge"].strip()
    if others:
        raise RefusedError(f"a cartridge is named by its serial number alone, and {', '.join(others)} is given too; leave it out")
    if not wanted:
        raise RefusedError("the serial number of the cartridge is empty, which would name any; give it")
    refuse_drive(identity, sys_root=sys_root)
    drives = list_tapes(sys_root=sys_root)
    matches, unasked = [], []
    for drive in drives:
        inside = look_into(drive)
        if inside.memory is None:
            unasked.append(f"{drive.name}: {inside.memory_why}")
        elif inside.memory.serial == wanted:
            matches.append(Cartridge(drive, wanted, inside.memory.capacity, dict(identity)))
    if not matches:
        raise RefusedError(
            f"no tape drive of this host holds the cartridge {wanted} ({'; '.join(unasked) or f'{len(drives)} drives were asked'}); "
            "check the register, and load it"
        )
    drive = matches[0].drive
    paths = [other.name for other in drives if other is not drive and _one_drive(drive, other)]
    if len(matches) > 1 or paths:
        names = dict.fromkeys([*(match.name for match in matches), *paths])
        raise RefusedError(
            f"several drives may hold the cartridge {wanted}: {', '.join(names)} (several paths to one drive, or a serial number that is not "
            "unique), and who uses the one is not seen on the other; leave one of them connected"
        )
    return matches[0]


def _one_drive(one: TapeDrive, other: TapeDrive) -> bool:
    return any(one.facts[key] == other.facts.get(key) for key in one.facts)


def require_erasable(cartridge: Cartridge, *, on_unseen: str = "refuse") -> None:
    """Nothing, where the cartridge is the one in its drive and may be erased.

    :raises RefusedError: anything speaks against it.
    """
    inside = look_into(cartridge.drive)
    reasons = reasons_against(cartridge.drive, inside, on_unseen=on_unseen)
    if inside.memory and inside.memory.serial != cartridge.serial:
        reasons.append(f"another cartridge is in it now ({inside.memory.serial or 'without a serial number'})")
    if reasons:
        raise RefusedError(
            f"{cartridge.name} was not touched because {'; '.join(reasons)}; free the drive, or correct the identity if another cartridge was "
            "meant",
            details={"reasons": reasons},
        )
