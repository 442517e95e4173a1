# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An NVMe drive over NVMe/TCP on loopback, from the NVM Express base, NVM command set and TCP transport specifications."""

from __future__ import annotations

import socket
import struct
import threading
import typing as t

from .store import Drive, Run

__all__ = ["NvmeDrive", "nqn_of"]

SECTOR = 512
IN_PROGRESS, FAILED, INVALID_OPCODE, INVALID_FIELD, INVALID_LOG, INVALID_NAMESPACE, WRITE_PROTECTED = (
    *(0x1D, 0x1C, 0x01, 0x02, 0x109, 0x0B, 0x20),
)
_STATES = {"never": 0, "done": 1, "in_progress": 2, "failed": 3}
_ACTIONS = {2: "block", 3: "overwrite", 4: "crypto"}
# Controller properties: what the drive can, its version, its configuration, its status.
_CAP, _VS, _CC, _CSTS = 0x00, 0x08, 0x14, 0x1C
_CAPABILITIES = 127 | 1 << 16 | 20 << 24 | 1 << 37
_VERSION = 0x10400


class StatusError(Exception):
    """A command that the drive refuses with a status code."""

    def __init__(self, status: int) -> None:
        super().__init__(hex(status))
        self.status = status


class Command(t.NamedTuple):
    """A submission queue entry."""

    opcode: int
    identifier: int
    namespace: int
    length: int
    words: tuple[int, ...]
    raw: bytes


def nqn_of(about: t.Mapping[str, t.Any]) -> str:
    return f"nqn.2026-01.example:{about['serial'].lower()}"


class NvmeDrive:
    """The drive behind all its connections. C(namespaces) equal parts of the medium."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.namespaces = int(drive.about.get("namespaces", 1))
        self.part = drive.size // self.namespaces
        self.configuration = 0

    def serve(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.drive.about["port"]), backlog=8)
        while True:
            connection, _address = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(self, connection).serve, daemon=True).start()

    def admin(self, command: Command, data: bytes) -> tuple[bytes, int]:
        """Data for the host and the result of an admin command."""
        if command.opcode not in (0x06, 0x0C, 0x18):
            self.drive.note(f"admin {command.opcode:#04x} nsid {command.namespace:#x} cdw10 {command.words[0]:#x}")
        handlers: dict[int, t.Callable[[Command], bytes]] = {
            **{0x06: self._identify, 0x02: self._get_log, 0x09: self._nothing, 0x0A: self._nothing, 0x18: self._nothing},
            **{0x80: self._format, 0x84: self._sanitize, 0x08: self._nothing},
        }
        if command.opcode not in handlers:
            raise StatusError(INVALID_OPCODE)
        return handlers[command.opcode](command), 0

    def _nothing(self, command: Command) -> bytes:
        return b""

    def _identify(self, command: Command) -> bytes:
        kind = command.words[0] & 0xFF
        if kind == 1:
            return self._controller()
        if kind == 2:
            numbers = (number for number in range(1, self.namespaces + 1) if number > command.namespace)
            return b"".join(struct.pack("<I", number) for number in numbers).ljust(4096, b"\0")
        if not 1 <= command.namespace <= self.namespaces:
            raise StatusError(INVALID_NAMESPACE)
        if kind == 0:
            return self._namespace(command.namespace)
        if kind == 3:
            return (b"\x02\x10\0\0" + self._nguid(command.namespace)).ljust(4096, b"\0")
        raise StatusError(INVALID_FIELD)

    def _nguid(self, number: int) -> bytes:
        return (self.drive.name[:14].rjust(14, b"\x01") + struct.pack(">H", number))[:16]

    def _controller(self) -> bytes:
        page, about = bytearray(4096), self.drive.about
        page[4:24] = self.drive.serial.encode().ljust(20)
        page[24:64] = b"TESTBED NVME".ljust(40)
        page[64:72] = b"1.0".ljust(8)
        page[77] = 5
        struct.pack_into("<HI", page, 78, 1, _VERSION)
        page[111] = 1
        struct.pack_into("<H", page, 256, 1 << 1)
        page[258:260] = b"\3\3"
        struct.pack_into("<H", page, 320, 10)
        struct.pack_into("<I", page, 328, int(about.get("sanicap", 0x7)) | 2 << 30)
        page[512:514] = b"\x66\x44"
        struct.pack_into("<HIH", page, 514, 128, self.namespaces, 1 << 2 | 1 << 3)
        page[524] = int(about.get("fna", 0x4))
        page[525] = 1
        struct.pack_into("<I", page, 536, 1 | 1 << 20)
        page[768 : 768 + 256] = nqn_of(about).encode().ljust(256, b"\0")
        struct.pack_into("<IIHBB", page, 1792, 4, 1, 0, 0, 1)
        return bytes(page)

    def _namespace(self, number: int) -> bytes:
        page = bytearray(4096)
        blocks = self.part // SECTOR
        struct.pack_into("<QQQ", page, 0, blocks, blocks, blocks)
        page[33] = 1
        page[104:120] = self._nguid(number)
        struct.pack_into("<HBB", page, 128, 0, 9, 0)
        return bytes(page)

    def _get_log(self, command: Command) -> bytes:
        kind = command.words[0] & 0xFF
        if kind in (1, 2, 3):
            return bytes(command.length)
        if kind != 0x81 or self.drive.behaviour.get("log") == "unreadable":
            raise StatusError(INVALID_LOG)
        if self.drive.behaviour.get("log") == "garbage":
            return b"\xff" * command.length
        log = self.drive.state["sanitize"]
        status = _STATES[log["state"]] | log["passes"] << 3 | bool(log["fresh"]) << 8
        seconds = max(int(self.drive.behaviour.get("seconds", 3)), 1)
        return struct.pack("<HHI6I", log["progress"], status, log["command"], *(seconds,) * 6).ljust(command.length, b"\0")

    def _sanitize(self, command: Command) -> bytes:
        action = command.words[0] & 0b111
        if "sanitize" in self.drive.behaviour.get("refuse", []):
            raise StatusError(INVALID_OPCODE)
        if self.drive.running:
            raise StatusError(IN_PROGRESS)
        if action == 1:
            if self.drive.failed:
                self.drive.state["sanitize"]["state"] = "never"
            return b""
        if action not in _ACTIONS:
            raise StatusError(INVALID_FIELD)
        pattern = struct.pack("<I", command.words[1]).hex()
        self.drive.begin(Run("sanitize", _ACTIONS[action], command.words[0], [[0, self.drive.size]], pattern))
        return b""

    def _format(self, command: Command) -> bytes:
        """Blocks until it is over; only one queue waits."""
        if "format" in self.drive.behaviour.get("refuse", []):
            raise StatusError(INVALID_OPCODE)
        if self.drive.running:
            raise StatusError(IN_PROGRESS)
        erase = command.words[0] >> 9 & 0b111
        everywhere = command.namespace == 0xFFFFFFFF or int(self.drive.about.get("fna", 0x4)) & 0b11
        first = 0 if everywhere else (command.namespace - 1) * self.part
        if erase:
            span = [[first, self.drive.size if everywhere else self.part]]
            self.drive.begin(Run("format", "crypto" if erase == 2 else "block", command.words[0], span)).join()
            if self.drive.state.pop("format_failed", False):
                raise StatusError(0x06)
        return b""

    def io(self, command: Command, data: bytes) -> bytes:
        """Data for the host of an I/O command."""
        if self.drive.running and command.opcode != 0:
            raise StatusError(IN_PROGRESS)
        if self.drive.failed:
            raise StatusError(FAILED)
        if command.opcode == 0:
            self.drive.flush()
            return b""
        if not 1 <= command.namespace <= self.namespaces:
            raise StatusError(INVALID_NAMESPACE)
        base = (command.namespace - 1) * self.part
        offset, length = base + (command.words[0] | command.words[1] << 32) * SECTOR, ((command.words[2] & 0xFFFF) + 1) * SECTOR
        if command.opcode == 2:
            return self.drive.read(offset, length)
        if self.drive.behaviour.get("read_only"):
            raise StatusError(WRITE_PROTECTED)
        if command.opcode == 1:
            self.drive.write(offset, data[:length])
        elif command.opcode == 8:
            self.drive.write(offset, bytes(length))
        elif command.opcode == 9:
            for place in range(0, (command.words[0] & 0xFF) * 16 + 16, 16):
                _attributes, blocks, start = struct.unpack_from("<IIQ", data, place)
                self.drive.write(base + start * SECTOR, bytes(blocks * SECTOR))
        else:
            raise StatusError(INVALID_OPCODE)
        return b""


class Connection:
    """One queue: the admin queue or one for I/O, as its Connect command says."""

    def __init__(self, drive: NvmeDrive, connection: socket.socket) -> None:
        self.drive, self.connection = drive, connection
        self.queue = self.head = 0
        self.waiting: list[tuple[int, bytes, bytes]] = []

    def serve(self) -> None:
        try:
            self._receive()
            self.connection.sendall(struct.pack("<BBBBIHBBI", 1, 0, 128, 0, 128, 0, 0, 0, 131072) + bytes(112))
            while True:
                kind, header, data = self.waiting.pop(0) if self.waiting else self._receive()
                if kind == 4:
                    self._command(header, data)
        except (EOFError, OSError):
            self.connection.close()

    def _exactly(self, length: int) -> bytes:
        parts = b""
        while len(parts) < length:
            part = self.connection.recv(length - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def _receive(self) -> tuple[int, bytes, bytes]:
        start = self._exactly(8)
        kind, _flags, header_length, offset, length = struct.unpack("<BBBBI", start)
        whole = start + self._exactly(length - 8)
        return kind, whole[:header_length], whole[offset:] if offset else whole[header_length:]

    def _command(self, header: bytes, data: bytes) -> None:
        entry = header[8:72]
        opcode, _flags, identifier, namespace = struct.unpack_from("<BBHI", entry, 0)
        command = Command(
            opcode, identifier, namespace, struct.unpack_from("<I", entry, 32)[0], struct.unpack_from("<6I", entry, 40), entry
        )
        self.head = (self.head + 1) % 128
        answer, result, status = b"", 0, 0
        try:
            if opcode & 0b11 == 1 and command.length and not data:
                data = self._fetch(identifier, command.length)
            if opcode == 0x7F:
                answer, result = self._fabrics(command)
            elif self.queue == 0 and opcode == 0x0C:
                # An asynchronous event request waits for an event, and none ever comes.
                return
            elif self.queue == 0:
                answer, result = self.drive.admin(command, data)
                answer = answer[: command.length]
            else:
                answer = self.drive.io(command, data)
        except StatusError as error:
            status = error.status | 0x4000
        if answer:
            self._send(identifier, answer)
        self.connection.sendall(
            struct.pack("<BBBBI", 5, 0, 24, 0, 24) + struct.pack("<QHHHH", result, self.head, self.queue, identifier, status << 1)
        )

    def _fabrics(self, command: Command) -> tuple[bytes, int]:
        kind, entry = command.raw[4], command.raw
        if kind == 1:
            self.queue = struct.unpack_from("<H", entry, 42)[0]
            return b"", 1
        if kind == 0:
            offset, value = struct.unpack_from("<IQ", entry, 44)
            if offset == _CC:
                self.drive.configuration = value
            return b"", 0
        if kind == 4:
            enabled = self.drive.configuration
            status = enabled & 1 | (8 if enabled >> 14 & 0b11 else 0)
            found = {_CAP: _CAPABILITIES, _VS: _VERSION, _CC: enabled, _CSTS: status}
            return b"", found.get(struct.unpack_from("<I", entry, 44)[0], 0)
        raise StatusError(INVALID_OPCODE)

    def _send(self, identifier: int, data: bytes) -> None:
        for start in range(0, len(data), 131072):
            part = data[start : start + 131072]
            last = 4 if start + len(part) >= len(data) else 0
            self.connection.sendall(struct.pack("<BBBBIHHIII", 7, last, 24, 24, 24 + len(part), identifier, 0, start, len(part), 0) + part)

    def _fetch(self, identifier: int, length: int) -> bytes:
        """Ask the host for a command's data; other commands may come before it."""
        self.connection.sendall(struct.pack("<BBBBIHHIII", 9, 0, 24, 0, 24, identifier, 7, 0, length, 0))
        buffer, got = bytearray(length), 0
        while got < length:
            kind, header, data = self._receive()
            if kind == 4:
                self.waiting.append((kind, header, data))
                continue
            offset, part = struct.unpack_from("<II", header, 12)
            buffer[offset : offset + part] = data[:part]
            got += part
        return bytes(buffer)
