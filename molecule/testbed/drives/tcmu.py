# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's door to a SCSI disk in user space: target_core_user passes each command on through shared memory, tcm_loop makes it a disk."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import threading
import time
import typing as t
import zlib
from pathlib import Path

from .erase import Later
from .sense import CheckConditionError, Sense
from .store import Drive

__all__ = ["address_of", "bind", "plug_in", "plug_out", "release", "serve"]

TARGET = Path("/sys/kernel/config/target")
HBA = TARGET / "core" / "user_0"
# Places in the mailbox that both sides share, from the kernel's target_core_user.h.
_RING, _HEAD, _TAIL = 4, 12, 64
_COMMAND = 1
_READ_LENGTH = 2
_CHECK_CONDITION = 2


def _port(name: str) -> Path:
    return TARGET / "loopback" / f"naa.50014050{zlib.crc32(name.encode()):08x}"


def bind(name: str, size: int, *, seconds: int | None = None) -> None:
    """Have the kernel make the shared memory of a disk, where it has not.

    :arg seconds: after which it gives a command up.
    """
    directory = HBA / name
    if directory.is_dir():
        return
    directory.mkdir(parents=True)
    (directory / "control").write_text(f"dev_size={size},dev_config=testbed/{name},hw_block_size=512,nl_reply_supported=-1")
    if seconds is not None:
        (directory / "attrib" / "cmd_time_out").write_text(str(seconds))
    (directory / "enable").write_text("1")


def plug_in(name: str) -> None:
    """Show the disk to the kernel's SCSI layer, which asks it many things at once."""
    port = _port(name) / "tpgt_1"
    (port / "lun" / "lun_0").mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        (port / "nexus").write_text(_port(name).name[:-2] + "ff")
    link = port / "lun" / "lun_0" / "disk"
    if not link.is_symlink():
        link.symlink_to(HBA / name)


def address_of(name: str) -> str:
    """Where the SCSI layer has the disk, as host:channel:target:lun; empty where it has not."""
    try:
        return (_port(name) / "tpgt_1" / "address").read_text().strip() + ":0"
    except OSError:
        return ""


def plug_out(name: str) -> None:
    """Take the disk from the kernel's sight; somebody must still answer for it."""
    with contextlib.suppress(OSError):
        Path(f"/sys/class/scsi_device/{address_of(name)}/device/delete").write_text("1")
    port = _port(name) / "tpgt_1"
    with contextlib.suppress(OSError):
        (port / "lun" / "lun_0" / "disk").unlink()
    for directory in (port / "lun" / "lun_0", port, port.parent):
        with contextlib.suppress(OSError):
            directory.rmdir()


def release(name: str) -> None:
    """Undo C(bind); what is not there is fine."""
    with contextlib.suppress(OSError):
        (HBA / name).rmdir()


def _uio(name: str) -> Path:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for found in Path("/sys/class/uio").glob("uio*"):
            if (found / "name").read_text().strip().startswith(f"tcm-user/0/{name}/"):
                return found
        time.sleep(0.05)
    raise RuntimeError(f"the kernel shows no shared memory of the disk {name}")


class Target(t.Protocol):
    """What answers commands: a disk, or a tape drive."""

    drive: Drive

    def execute(self, cdb: bytes, data: bytes) -> bytes | Later:
        """Data for the host, or an answer that comes later."""

    def noted(self, cdb: bytes) -> str:
        """The line of a command in the log; empty for one that is not worth any."""

    def changes(self, cdb: bytes) -> bool:
        """Whether a command, done later than the host believes, would take it by surprise."""


def serve(disk: Target, name: str) -> None:
    """Answer commands for ever."""
    disk.drive.unplug = lambda: plug_out(name)
    uio = _uio(name)
    length = int((uio / "maps" / "map0" / "size").read_text(), 16)
    fd = os.open(f"/dev/{uio.name}", os.O_RDWR)
    ring = Ring(disk, fd, mmap.mmap(fd, length))
    ring.look(left_over=True)
    disk.drive.ready()
    while True:
        os.read(fd, 4)
        ring.look()


class Entry(t.NamedTuple):
    """A command of the ring, with where its data lies in the memory."""

    identifier: int
    cdb: bytes
    pieces: list[tuple[int, int]]


class Ring:
    """The commands in the memory: the kernel adds at the head, and takes their ends from the tail in whatever order they come."""

    def __init__(self, disk: Target, fd: int, memory: mmap.mmap) -> None:
        self.disk, self.fd, self.memory = disk, fd, memory
        self.start, self.size = struct.unpack_from("<II", memory, _RING)
        self.seen = self._number(_TAIL)
        self.lock = threading.Lock()

    def _number(self, place: int) -> int:
        return int(struct.unpack_from("<I", self.memory, place)[0])

    def look(self, *, left_over: bool = False) -> None:
        """Carry out what is new. C(left_over) from before a power loss."""
        head = self._number(_HEAD)
        while self.seen != head:
            place = self.start + self.seen
            length = self._number(place)
            entry = self._entry(place) if length & 0b111 == _COMMAND else None
            with self.lock:
                self.seen = (self.seen + (length & ~0b111)) % self.size
                if entry is None:
                    self._skip_padding()
            if entry is not None:
                self._carry_out(entry, left_over=left_over)
            head = self._number(_HEAD)
            if self.seen == head:
                left_over = False

    def _entry(self, place: int) -> Entry:
        memory = self.memory
        count, cdb = self._number(place + 8), struct.unpack_from("<Q", memory, place + 24)[0]
        pieces = [struct.unpack_from("<QQ", memory, place + 48 + 16 * number) for number in range(count)]
        return Entry(struct.unpack_from("<H", memory, place + 4)[0], memory[cdb : cdb + 16], pieces)

    def _carry_out(self, entry: Entry, *, left_over: bool) -> None:
        data = b"".join(self.memory[start : start + length] for start, length in entry.pieces)
        try:
            # What a drive was told before a power loss it does not do after it.
            if left_over and self.disk.changes(entry.cdb):
                raise CheckConditionError(Sense(6, 0x29, 0x01))
            answer = self.disk.execute(entry.cdb, data)
        except CheckConditionError as error:
            self._end(entry, error.data, error.sense, str(error))
        except Exception as error:  # noqa: BLE001  # a fault of the drive itself must not leave the kernel waiting
            self._end(entry, b"", Sense(4, 0x44, 0).fixed(), f"fault {error!r}")
        else:
            if isinstance(answer, Later):
                threading.Thread(target=self._end_later, args=(entry, answer), daemon=True).start()
            else:
                self._end(entry, answer, b"", "good")

    def _end_later(self, entry: Entry, later: Later) -> None:
        later.thread.join()
        try:
            later.outcome()
        except CheckConditionError as error:
            self._end(entry, b"", error.sense, str(error))
        else:
            self._end(entry, b"", b"", "good")

    def _end(self, entry: Entry, data: bytes, sense: bytes, outcome: str) -> None:
        noted = self.disk.noted(entry.cdb)
        if noted or outcome.startswith("fault"):
            self.disk.drive.note(f"{noted} -> {outcome}")
        memory, told, data_told = self.memory, len(data), bool(data)
        for start, length in entry.pieces:
            part = data[:length]
            memory[start : start + len(part)] = part
            data = data[length:]
        with self.lock:
            # The end goes where the tail is, whichever command began there: its number tells which one is over.
            place = self.start + self._number(_TAIL)
            struct.pack_into("<H", memory, place + 4, entry.identifier)
            if data_told or not sense:
                # So many bytes are the answer; what else lies in the memory is of older commands.
                memory[place + 7] |= _READ_LENGTH
            struct.pack_into("<BBHI", memory, place + 8, _CHECK_CONDITION if sense else 0, 0, 0, told)
            memory[place + 16 : place + 16 + len(sense)] = sense
            self._advance(place)
            self._skip_padding()
        os.write(self.fd, bytes(4))

    def _advance(self, place: int) -> None:
        length = self._number(place) & ~0b111
        struct.pack_into("<I", self.memory, _TAIL, (self._number(_TAIL) + length) % self.size)

    def _skip_padding(self) -> None:
        """Where the ring's end left no room there is no command."""
        while self._number(_TAIL) != self.seen:
            place = self.start + self._number(_TAIL)
            if self._number(place) & 0b111 == _COMMAND:
                return
            self._advance(place)
