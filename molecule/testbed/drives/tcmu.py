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
import time
from pathlib import Path

from .scsi import CheckConditionError, ScsiDisk, fixed_sense

__all__ = ["bind", "plug_in", "plug_out", "serve"]

TARGET = Path("/sys/kernel/config/target")
HBA = TARGET / "core" / "user_0"
# Places in the mailbox that both sides share, from the kernel's target_core_user.h.
_COMMANDS, _HEAD, _TAIL = 4, 12, 64
_COMMAND = 1
_READ_LENGTH = 2


def _port(name: str) -> Path:
    number = sum(byte << 8 * place for place, byte in enumerate(name.encode()[-5:]))
    return TARGET / "loopback" / f"naa.50014050{number & 0xFFFFFFFF:08x}"


def bind(name: str, size: int) -> None:
    """Have the kernel make the shared memory of a disk, where it has not."""
    directory = HBA / name
    if directory.is_dir():
        return
    directory.mkdir(parents=True)
    (directory / "control").write_text(f"dev_size={size},dev_config=testbed/{name},hw_block_size=512,nl_reply_supported=-1")
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


def plug_out(name: str) -> None:
    """Undo both; what is not there is fine."""
    port = _port(name) / "tpgt_1"
    with contextlib.suppress(OSError):
        (port / "lun" / "lun_0" / "disk").unlink()
    for directory in (port / "lun" / "lun_0", port, port.parent, HBA / name):
        with contextlib.suppress(OSError):
            directory.rmdir()


def _uio(name: str) -> Path:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for found in Path("/sys/class/uio").glob("uio*"):
            if (found / "name").read_text().strip().startswith(f"tcm-user/0/{name}/"):
                return found
        time.sleep(0.05)
    raise RuntimeError(f"the kernel shows no shared memory of the disk {name}")


def serve(disk: ScsiDisk, name: str) -> None:
    """Answer commands for ever."""
    uio = _uio(name)
    length = int((uio / "maps" / "map0" / "size").read_text(), 16)
    fd = os.open(f"/dev/{uio.name}", os.O_RDWR)
    memory = mmap.mmap(fd, length)
    # Where the ring of commands begins, and its size.
    ring, size = struct.unpack_from("<II", memory, _COMMANDS)
    while True:
        if _drain(disk, memory, ring, size):
            os.write(fd, bytes(4))
        os.read(fd, 4)


def _drain(disk: ScsiDisk, memory: mmap.mmap, ring: int, size: int) -> bool:
    any_done = False
    while True:
        head, tail = struct.unpack_from("<I", memory, _HEAD)[0], struct.unpack_from("<I", memory, _TAIL)[0]
        if head == tail:
            return any_done
        entry = ring + tail
        length = struct.unpack_from("<I", memory, entry)[0]
        if length & 0b111 == _COMMAND:
            _answer(disk, memory, entry)
        struct.pack_into("<I", memory, _TAIL, (tail + (length & ~0b111)) % size)
        any_done = True


def _answer(disk: ScsiDisk, memory: mmap.mmap, entry: int) -> None:
    count = struct.unpack_from("<I", memory, entry + 8)[0]
    place = struct.unpack_from("<Q", memory, entry + 24)[0]
    pieces = [struct.unpack_from("<QQ", memory, entry + 48 + 16 * number) for number in range(count)]
    cdb = memory[place : place + 16]
    data = b"".join(memory[start : start + length] for start, length in pieces)
    status, sense, told = 0, b"", 0
    try:
        answer = disk.execute(cdb, data, len(data))
        told = len(answer)
        for start, length in pieces:
            memory[start : start + min(length, len(answer))] = answer[:length]
            answer = answer[length:]
        # So many bytes are the answer; what else lies in the memory is of older commands.
        memory[entry + 7] |= _READ_LENGTH
    except CheckConditionError as error:
        status, sense = 2, error.sense
    except Exception as error:  # noqa: BLE001  # a fault of the drive itself must not leave the kernel waiting
        disk.drive.note(f"fault {error!r}")
        status, sense = 2, fixed_sense(4, 0x44, 0)
    struct.pack_into("<BBHI", memory, entry + 8, status, 0, 0, told)
    if sense:
        memory[entry + 16 : entry + 16 + len(sense)] = sense
