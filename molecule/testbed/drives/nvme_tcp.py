# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an NVMe drive: NVMe over TCP, by the NVM Express transport specification. One connection is one queue."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
import typing as t

from .erase import Later
from .nvme import INVALID_OPCODE, Command, NvmeDrive, StatusError
from .nvme_pages import IN_CAPSULE, VERSION, nqn_of

__all__ = ["serve"]

# Kinds of what is sent, each with the length of its header.
_INIT_REPLY, _COMMAND, _REPLY, _DATA_TO_HOST, _READY_FOR_DATA = 0x01, 0x04, 0x05, 0x07, 0x09
_LAST = 1 << 2
_FABRICS, _EVENT = 0x7F, 0x0C
_SET_PROPERTY, _CONNECT, _GET_PROPERTY = 0x00, 0x01, 0x04
# Controller properties: what the drive can, its version, its configuration, its status.
_CAP, _VS, _CC, _CSTS = 0x00, 0x08, 0x14, 0x1C
_CAPABILITIES = 127 | 1 << 16 | 20 << 24 | 1 << 37
_DEPTH = 128
DO_NOT_RETRY = 0x4000
# Commands that are asked too often to be worth a line.
_QUIET = (0x06, 0x18)


def serve(drive: NvmeDrive) -> None:
    """Answer on the loopback address, for ever."""
    about = drive.drive.about
    drive.drive.unplug = lambda: _disconnect(nqn_of(about))
    listener = socket.create_server(("127.0.0.1", about["port"]), backlog=8)
    drive.drive.ready()
    while True:
        connection, _address = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(drive, connection).serve, daemon=True).start()


def _disconnect(nqn: str) -> None:
    subprocess.run(["nvme", "disconnect", "-n", nqn], stdin=subprocess.DEVNULL, capture_output=True, check=False)


class Connection:
    """One queue: the admin queue or one for I/O, as its Connect command says."""

    def __init__(self, drive: NvmeDrive, connection: socket.socket) -> None:
        self.drive, self.connection = drive, connection
        self.queue = self.head = 0
        self.waiting: list[tuple[int, bytes, bytes]] = []
        # Answers that come later are sent by other threads.
        self.sending = threading.Lock()

    def serve(self) -> None:
        try:
            self._receive()
            self.connection.sendall(struct.pack("<BBBBIHBBI", _INIT_REPLY, 0, 128, 0, 128, 0, 0, 0, IN_CAPSULE) + bytes(112))
            while True:
                kind, header, data = self.waiting.pop(0) if self.waiting else self._receive()
                if kind == _COMMAND:
                    self._command(header, data)
        except (EOFError, OSError):
            self.connection.close()

    def _exactly(self, length: int) -> bytes:
        buffer = bytearray(length)
        view = memoryview(buffer)
        while view:
            got = self.connection.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return bytes(buffer)

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
        self.head = (self.head + 1) % _DEPTH
        if self.queue == 0 and opcode == _EVENT:
            # It waits for an event, and none ever comes.
            return
        answer: bytes | Later = b""
        result = status = 0
        try:
            if opcode & 0b11 == 1 and command.length and not data:
                data = self._fetch(identifier, command.length)
            if opcode == _FABRICS:
                result = self._fabrics(command)
            elif self.queue == 0:
                answer, result = self.drive.admin(command, data)
            else:
                answer = self.drive.io(command, data)
        except StatusError as error:
            status = error.status | DO_NOT_RETRY
        if isinstance(answer, Later):
            threading.Thread(target=self._answer_later, args=(command, answer), daemon=True).start()
            return
        self._answer(command, answer, result, status)

    def _answer_later(self, command: Command, later: Later) -> None:
        later.thread.join()
        status = 0
        try:
            later.outcome()
        except StatusError as error:
            status = error.status | DO_NOT_RETRY
        try:
            self._answer(command, b"", 0, status)
        except OSError:
            self.connection.close()

    def _answer(self, command: Command, data: bytes, result: int, status: int) -> None:
        if self.queue == 0 and command.opcode not in (*_QUIET, _FABRICS):
            words = f"cdw10 {command.words[0]:#x} cdw11 {command.words[1]:#x}"
            self.drive.drive.note(f"admin {command.opcode:#04x} nsid {command.namespace:#x} {words} -> {status & 0x7FF:#x}")
        with self.sending:
            self._send(command.identifier, data)
            self.connection.sendall(
                struct.pack("<BBBBI", _REPLY, 0, 24, 0, 24)
                + struct.pack("<QHHHH", result, self.head, self.queue, command.identifier, status << 1)
            )

    def _fabrics(self, command: Command) -> int:
        kind, entry = command.raw[4], command.raw
        if kind == _CONNECT:
            self.queue = struct.unpack_from("<H", entry, 42)[0]
            return 1
        if kind == _SET_PROPERTY:
            offset, value = struct.unpack_from("<IQ", entry, 44)
            if offset == _CC:
                self.drive.configuration = value
            return 0
        if kind == _GET_PROPERTY:
            enabled = self.drive.configuration
            status = enabled & 1 | (8 if enabled >> 14 & 0b11 else 0)
            found = {_CAP: _CAPABILITIES, _VS: VERSION, _CC: enabled, _CSTS: status}
            return found.get(struct.unpack_from("<I", entry, 44)[0], 0)
        raise StatusError(INVALID_OPCODE)

    def _send(self, identifier: int, data: bytes) -> None:
        for start in range(0, len(data), IN_CAPSULE):
            part = data[start : start + IN_CAPSULE]
            last = _LAST if start + len(part) >= len(data) else 0
            header = struct.pack("<BBBBIHHIII", _DATA_TO_HOST, last, 24, 24, 24 + len(part), identifier, 0, start, len(part), 0)
            self.connection.sendall(header + part)

    def _fetch(self, identifier: int, length: int) -> bytes:
        """Ask the host for a command's data; other commands may come before it."""
        with self.sending:
            self.connection.sendall(struct.pack("<BBBBIHHIII", _READY_FOR_DATA, 0, 24, 0, 24, identifier, 7, 0, length, 0))
        buffer, got = bytearray(length), 0
        while got < length:
            kind, header, data = self._receive()
            if kind == _COMMAND:
                self.waiting.append((kind, header, data))
                continue
            offset, part = struct.unpack_from("<II", header, 12)
            buffer[offset : offset + part] = data[:part]
            got += part
        return bytes(buffer)


def connect_command(about: t.Mapping[str, t.Any]) -> list[str]:
    """How the kernel is told of the drive. It goes on looking for one that is away, as for a disk that is wired up."""
    address = ["-t", "tcp", "-a", "127.0.0.1", "-s", str(about["port"]), "-n", nqn_of(about)]
    return ["nvme", "connect", *address, "--reconnect-delay=1", "--ctrl-loss-tmo=600", "--keep-alive-tmo=30"]
