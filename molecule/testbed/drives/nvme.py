# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An NVMe drive as an interpreter of commands, by the NVM Express base and NVM command set specifications (1.4, 2.0)."""

from __future__ import annotations

import struct
import typing as t

from . import nvme_pages as pages
from .erase import Later, Run
from .opal import Opal
from .store import Drive, UnreadableError

__all__ = ["Command", "NvmeDrive", "StatusError"]

INVALID_OPCODE, INVALID_FIELD, INTERNAL, INVALID_NAMESPACE = 0x01, 0x02, 0x06, 0x0B
SANITIZE_FAILED, SANITIZE_IN_PROGRESS, WRITE_PROTECTED, OUT_OF_RANGE, FORMAT_IN_PROGRESS = 0x1C, 0x1D, 0x20, 0x80, 0x84
INVALID_LOG, INVALID_FORMAT, READ_ERROR, ACCESS_DENIED = 0x109, 0x10A, 0x281, 0x286
EVERYWHERE = 0xFFFFFFFF
# NVMe 2.1: the bit of SANICAP, that of the command, and the action that ends it.
_VERIFIES, _ENTER_VERIFICATION, _EXIT_VERIFICATION = 1 << 3, 1 << 10, 5
_ACTIONS = {2: ("block", 1), 3: ("overwrite", 2), 4: ("crypto", 0)}
_ERASES = {0: "block", 1: "block", 2: "crypto"}
# Write cache, number of queues and asynchronous events among them.
_FEATURES = (0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0F, 0x17, 0x80)
_VOLATILE_CACHE, _QUEUES = 0x06, 0x07
# Identify, Get Log Page, Abort, features, events and Keep Alive are answered while a sanitize runs.
_ALWAYS = (0x02, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x18)


class StatusError(Exception):
    """A command that the drive refuses with a status code."""

    def __init__(self, status: int) -> None:
        super().__init__(hex(status))
        self.status = status


class Command(t.NamedTuple):
    """A submission queue entry. C(words) are command dwords 10 to 15."""

    opcode: int
    identifier: int
    namespace: int
    length: int
    words: tuple[int, ...]
    raw: bytes


class NvmeDrive:
    """The drive behind all its connections. C(namespaces) equal parts of the medium."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.namespaces = int(drive.about.get("namespaces", 1))
        self.part = drive.size // self.namespaces
        self.formats = tuple(drive.about.get("formats", (9, 12)))
        self.configuration = 0
        self.opal = Opal(drive) if drive.about.get("opal") else None
        drive.state.setdefault("formats", [0] * self.namespaces)
        drive.state.setdefault("features", {str(_VOLATILE_CACHE): 1})
        # A reset cancels it.
        drive.state["sanitize"].pop("verifying", None)
        drive.on_end = self._ended
        drive.wake()

    @property
    def verifying(self) -> bool:
        return bool(self.drive.state["sanitize"].get("verifying"))

    def admin(self, command: Command, data: bytes) -> tuple[bytes | Later, int]:
        """Data for the host and the result of an admin command."""
        handlers: dict[int, t.Callable[[Command], bytes | Later]] = {
            **{0x02: self._get_log, 0x06: self._identify, 0x08: self._nothing, 0x18: self._nothing},
            **{0x80: self._format, 0x84: self._sanitize},
        }
        busy = self.drive.running == "sanitize" or (self.verifying and command.opcode != 0x84)
        if busy and command.opcode not in _ALWAYS:
            raise StatusError(SANITIZE_IN_PROGRESS)
        if command.opcode in (0x09, 0x0A):
            return b"", self._feature(command)
        if command.opcode in (0x81, 0x82) and self.opal:
            return self._security(self.opal, command, data), 0
        if command.opcode not in handlers:
            raise StatusError(INVALID_OPCODE)
        answer = handlers[command.opcode](command)
        return (answer if isinstance(answer, Later) else answer[: command.length]), 0

    def _security(self, opal: Opal, command: Command, data: bytes) -> bytes:
        """Security Send, and Security Receive, whose data are as long as they were asked for."""
        protocol, specific = command.words[0] >> 24, command.words[0] >> 8 & 0xFFFF
        if command.opcode == 0x81:
            opal.send(protocol, specific, data)
            return b""
        return opal.receive(protocol, specific)[: command.length].ljust(command.length, b"\0")

    def _nothing(self, command: Command) -> bytes:
        return b""

    def _feature(self, command: Command) -> int:
        number, features = command.words[0] & 0xFF, self.drive.state["features"]
        if number not in _FEATURES:
            raise StatusError(INVALID_FIELD)
        if number == _QUEUES:
            return 0
        if command.opcode == 0x09:
            features[str(number)] = command.words[1]
            self.drive.save()
            return 0
        # Which of the values: the one in use, the default, the saved one, or what can be done to it.
        select = command.words[0] >> 8 & 0b111
        default = int(number == _VOLATILE_CACHE)
        return {1: default, 3: 0b101}.get(select, int(features.get(str(number), default)))

    def _identify(self, command: Command) -> bytes:
        kind, number = command.words[0] & 0xFF, command.namespace
        if kind == 1:
            return pages.controller(self.drive)
        if kind in (0x02, 0x10):
            if number >= 0xFFFFFFFE:
                raise StatusError(INVALID_NAMESPACE)
            return b"".join(struct.pack("<I", each) for each in range(number + 1, self.namespaces + 1)).ljust(pages.PAGE, b"\0")
        if kind not in (0x00, 0x03, 0x11):
            raise StatusError(INVALID_FIELD)
        self._require_namespace(number)
        if kind == 3:
            return pages.descriptors(self.drive, number)
        return pages.namespace(self.drive, number, self.part, self.drive.state["formats"][number - 1], self.formats)

    def _require_namespace(self, number: int) -> None:
        if not 1 <= number <= self.namespaces:
            raise StatusError(INVALID_NAMESPACE)

    def _get_log(self, command: Command) -> bytes:
        kind, offset = command.words[0] & 0xFF, command.words[2] | command.words[3] << 32
        told = self.drive.behaviour.get("log")
        if kind == 0x81 and (told == "unreadable" or not int(self.drive.about.get("sanicap", 7))):
            raise StatusError(INVALID_LOG)
        logs: dict[int, t.Callable[[], bytes]] = {
            **{1: lambda: bytes(64 * 4), 2: lambda: pages.health_log(self.drive), 3: pages.firmware_log, 4: pages.changed_log},
            **{5: lambda: pages.effects_log(self.drive), 0x81: lambda: pages.sanitize_log(self.drive)},
        }
        if kind not in logs:
            raise StatusError(INVALID_LOG)
        page = logs[kind]()
        if kind == 0x81 and told == "garbage":
            page = b"\xff" * len(page)
        if offset > len(page):
            raise StatusError(INVALID_FIELD)
        return page[offset:].ljust(command.length, b"\0")

    def _sanitize(self, command: Command) -> bytes:
        word, drive = command.words[0], self.drive
        action, unrestricted = word & 0b111, bool(word & 1 << 3)
        can = int(drive.about.get("sanicap", 7))
        if not can or drive.refuses("sanitize"):
            raise StatusError(INVALID_OPCODE)
        if drive.running:
            raise StatusError(FORMAT_IN_PROGRESS)
        if self.verifying and action == _EXIT_VERIFICATION and not drive.refuses("exit_verification"):
            with drive.lock:
                drive.state["sanitize"]["verifying"] = False
                drive.save()
            return b""
        if self.verifying:
            raise StatusError(SANITIZE_IN_PROGRESS)
        if word & _ENTER_VERIFICATION and not can & _VERIFIES:
            raise StatusError(INVALID_FIELD)
        # Only a sanitize that restricts itself again leads out of a restricted failure.
        if drive.failed and not drive.unrestricted and (action == 1 or unrestricted):
            raise StatusError(SANITIZE_FAILED)
        if action == 1:
            if drive.failed:
                drive.leave_failure()
            return b""
        if action not in _ACTIONS or not can >> _ACTIONS[action][1] & 1:
            raise StatusError(INVALID_FIELD)
        if drive.behaviour.get("read_only"):
            raise StatusError(WRITE_PROTECTED)
        run = Run("sanitize", _ACTIONS[action][0], word, [[0, drive.size]], struct.pack("<I", command.words[1]).hex())
        if action == 3:
            run = run._replace(passes=(word >> 4 & 0xF) or 16, invert=bool(word & 1 << 8))
        deallocates = drive.about.get("deallocates") and not word & 1 << 9
        drive.begin(run._replace(unrestricted=unrestricted, leaves="zeros" if deallocates else ""))
        return b""

    def _format(self, command: Command) -> bytes | Later:
        word, drive = command.words[0], self.drive
        erase, index, fna = word >> 9 & 0b111, word & 0xF, int(drive.about.get("fna", 0x4))
        if drive.refuses("format"):
            raise StatusError(INVALID_OPCODE)
        if drive.failed:
            raise StatusError(SANITIZE_FAILED)
        if drive.running:
            raise StatusError(FORMAT_IN_PROGRESS)
        if command.namespace == EVERYWHERE and fna & 1 << 3:
            raise StatusError(INVALID_FIELD)
        if command.namespace != EVERYWHERE:
            self._require_namespace(command.namespace)
        if erase not in _ERASES or (erase == 2 and not fna & 1 << 2):
            raise StatusError(INVALID_FIELD)
        if index >= len(self.formats):
            raise StatusError(INVALID_FORMAT)
        if drive.behaviour.get("read_only"):
            raise StatusError(WRITE_PROTECTED)
        everywhere = command.namespace == EVERYWHERE or fna & (1 << 1 if erase else 1 << 0)
        span = [0, drive.size] if everywhere else [(command.namespace - 1) * self.part, self.part]
        number = 0 if everywhere else command.namespace
        return Later(drive.begin(Run("format", _ERASES[erase], word, [span], detail=number << 8 | index)), self._formatted)

    def _formatted(self) -> None:
        if self.drive.state.pop("format_failed", ""):
            raise StatusError(INTERNAL)

    def _ended(self, run: Run, state: str) -> None:
        if run.kind == "sanitize" and state == "done":
            self.drive.state["sanitize"]["verifying"] = bool(run.command & _ENTER_VERIFICATION)
        if run.kind == "format" and state == "done":
            number, index = run.detail >> 8, run.detail & 0xFF
            for each in [number] if number else range(1, self.namespaces + 1):
                self.drive.state["formats"][each - 1] = index

    def io(self, command: Command, data: bytes) -> bytes:
        """Data for the host of an I/O command."""
        drive = self.drive
        if command.opcode == 0:
            drive.flush()
            return b""
        if drive.running:
            raise StatusError(SANITIZE_IN_PROGRESS if drive.running == "sanitize" else FORMAT_IN_PROGRESS)
        if drive.failed:
            raise StatusError(SANITIZE_FAILED)
        self._require_namespace(command.namespace)
        if self.opal and self.opal.locked:
            raise StatusError(ACCESS_DENIED)
        if self.verifying and command.opcode != 2:
            raise StatusError(SANITIZE_IN_PROGRESS)
        if command.opcode not in (1, 2, 8, 9):
            raise StatusError(INVALID_OPCODE)
        if command.opcode != 2 and drive.behaviour.get("read_only"):
            raise StatusError(WRITE_PROTECTED)
        if command.opcode == 9:
            self._deallocate(command, data)
            return b""
        offset, length = self._place(command.namespace, command.words[0] | command.words[1] << 32, (command.words[2] & 0xFFFF) + 1)
        if command.opcode == 2:
            log = drive.state["sanitize"]
            if drive.behaviour.get("masks") and log["state"] == "done" and log["fresh"] and not self.verifying:
                return bytes(length)
            try:
                return drive.read(offset, length)
            except UnreadableError:
                raise StatusError(READ_ERROR) from None
        drive.write(offset, data[:length] if command.opcode == 1 else bytes(length))
        return b""

    def _place(self, number: int, block: int, count: int) -> tuple[int, int]:
        shift = self.formats[self.drive.state["formats"][number - 1]]
        if (block + count) << shift > self.part:
            raise StatusError(OUT_OF_RANGE)
        return (number - 1) * self.part + (block << shift), count << shift

    def _deallocate(self, command: Command, data: bytes) -> None:
        """Dataset Management, of which only deallocation does anything."""
        if not command.words[1] & 1 << 2:
            return
        for place in range(0, (command.words[0] & 0xFF) * 16 + 16, 16):
            _attributes, count, block = struct.unpack_from("<IIQ", data, place)
            offset, length = self._place(command.namespace, block, count)
            self.drive.write(offset, bytes(length))
