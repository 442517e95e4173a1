# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A LUKS volume: its header, its header's backups and, where that is apart, its detached header."""

from __future__ import annotations

import mmap
import os
import struct
import typing as t

from .._erasure.area import overwrite_area
from .._erasure.device import overwrite_device
from .._erasure.filesystem import LIMIT_FLASH, FilesystemProbe
from .._erasure.looking import Look, look_at_device
from .._erasure.opened import open_device, recheck
from .._erasure.schemes import find_scheme
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest
from .._executor import Executor
from .._media.guards import gather_use, require_free
from .._media.identity import Device
from .._media.tools import ask, failure, tell
from .._standards.schemes import DEFAULT_SCHEME
from .backups import Backups
from .erasable import KeyTarget, Note
from .files import destroy_file, facts_of, require_destroyable, require_plain
from .luks import HEAD_BYTES, Luks, find_headers, parse_luks, strength_of
from .memory import look_in_memory
from .preconditions import Gone, Precondition

__all__ = ["LuksVolume"]

_PROGRAMS = ("cryptsetup", "systemd-cryptse")
_SHORTEST_SECRET = 8
_BLKDISCARD = 0x1277
# 4 KiB of noise have 7950 thousandths of a bit per byte, speech in 16-bit samples has 7500 at most.
_NOISE = 7500


class LuksVolume(KeyTarget):
    """One LUKS volume on a block device.

    :arg header: absolute path of a detached header; C(None) where the header is on the device.
    :arg key_file: absolute path of a file that opens it, to see that it does before and does not afterwards.
    :arg backups: places in which backups of the header may lie, C(None) where nobody has declared any.
    :arg look: how the volume's data are looked at for what was written there in the clear.
    :arg close: an open mapping that nobody uses is closed.
    """

    kind, discards = "luks", True

    def __init__(
        self,
        device: Device,
        *,
        header: str | None = None,
        key_file: str | None = None,
        backups: t.Sequence[str] | None = None,
        look: Look | None = None,
        close: bool = False,
        on_unseen: str = "refuse",
        sys_root: str = "/sys",
        proc_root: str = "/proc",
    ) -> None:
        self.device, self.header, self.key_file = device, header, key_file
        self.look, self.close, self.on_unseen = look or Look(every=0), close, on_unseen
        self.sys_root, self.proc_root = sys_root, proc_root
        self.name, self.size, self.limits = device.name, device.size, []
        self.backups = Backups(backups)
        self.luks: Luks | None = None
        if header is not None:
            require_plain(header, "the detached header")

    @property
    def subject(self) -> dict[str, t.Any]:
        facts = {key: list(values) for key, values in sorted(self.device.facts.items())}
        return {"kind": self.kind, "facts": facts, "header": self.header}

    def _read_header(self) -> Luks:
        """:raises RefusedError: there is no LUKS header, or none that can be erased here."""
        if self.luks is None:
            try:
                found = parse_luks(_head(self.header or self.device.path))
            except RefusedError as error:
                raise RefusedError(
                    f"{self.header or self.name} was not touched because {error.message}; correct the identity, or overwrite the medium"
                ) from error
            except OSError as error:
                raise RefusedError(
                    f"{self.header or self.name} cannot be read ({error.strerror}), so nothing was done; look at it"
                ) from error
            if found.odd:
                raise RefusedError(
                    f"the LUKS header of {self.name} was not touched because {found.odd}, so its key may lie elsewhere too; "
                    "bring that to its end with cryptsetup, or sanitize the drive"
                )
            if found.detached and self.header is None:
                raise RefusedError(
                    f"{self.name} holds a detached header and no data of its own; name the device of the data, and this as header"
                )
            self.luks = found
        return self.luks

    def require_ready(self) -> None:
        found = self._read_header()
        open_as = self.mappings(found.uuid)
        if open_as and not self.close:
            raise RefusedError(
                f"the volume of {self.name} is open as {', '.join(open_as)}, so nothing was done; stop what uses it and close it, or give close: true"
            )
        for mapping in open_as:
            self._require_unused(mapping)
        if not open_as:
            require_free(gather_use(self.device), on_unseen=self.on_unseen)
        if self.header is not None:
            require_destroyable(self.header, "the detached header")
        elif not found.detached and found.area[1] > self.device.size:
            raise RefusedError(f"the header of {self.name} says that it is larger than the device, so nothing was done; look at the device")
        self.backups.require_ready(found.uuid)

    def mappings(self, uuid: str) -> list[str]:
        """The names under which the kernel has the volume open."""
        begins = tuple(f"CRYPT-LUKS{version}-{uuid.replace('-', '')}-" for version in (1, 2))
        found = []
        block = os.path.join(self.sys_root, "block")
        for name in sorted(os.listdir(block)):
            if _text(block, name, "dm", "uuid").startswith(begins):
                found.append(_text(block, name, "dm", "name"))
        return found

    def _require_unused(self, mapping: str) -> None:
        told = ask(["dmsetup", "info", "-c", "--noheadings", "-o", "open", mapping])
        if told.code != 0 or told.text.strip() != "0":
            why = failure(told) if told.code != 0 else f"{told.text.strip()} users have it open"
            raise RefusedError(
                f"the mapping {mapping} of {self.name} cannot be closed ({why}), so nothing was done; unmount and stop what uses it"
            )

    def preconditions(self) -> list[Precondition]:
        found = self._read_header()
        secret = self._secret()
        names = (f"cryptsetup:{found.uuid}", *(f"CRYPT-LUKS{version}-{found.uuid.replace('-', '')}" for version in (1, 2)))
        strength, told = strength_of(found)
        slots = f"key slots {', '.join(found.slots) or 'none'} and tokens {', '.join(found.tokens) or 'none'}"
        return [
            self._first_write(found),
            Precondition("strength", strength, (told,)),
            Precondition("no_other_key", "met", (f"{slots} lie in the header, which goes as a whole",)),
            self.backups.precondition(),
            self._stale(),
            look_in_memory(names, _PROGRAMS, secret=secret, sys_root=self.sys_root, proc_root=self.proc_root),
        ]

    def _first_write(self, found: Luks) -> Precondition:
        """Noise and untouched blocks are what a volume should hold that was encrypted from its first write; they do not prove it."""
        name, every = "encrypted_from_first_write", self.look.every
        if not every:
            return Precondition(name, "unknown", ("the volume's data were not looked at",))
        seen = look_at_device(self.device, self.look)
        end = 0 if self.header else found.area[1]
        clear = [(offset, kind) for offset, kind in seen.beginnings if offset >= end]
        if clear or seen.beginnings_count > len(seen.beginnings):
            offset, kind = (clear or seen.beginnings)[0]
            return Precondition(name, "not_met", (f"the beginning of {kind} lies in the clear at offset {offset}",))
        if seen.disorder[3] and seen.disorder[0] < _NOISE and not self.header:
            return Precondition(name, "unknown", ("some blocks hold neither noise nor one value only",))
        part = f"{seen.read_bytes} of {self.device.size} bytes were read"
        return Precondition(
            name, "unknown", (f"{part}, which hold nothing in the clear that is known, but what was overwritten since is not seen",)
        )

    def _stale(self) -> Precondition:
        facts = FilesystemProbe().assess_device(self.device.major, self.device.minor)
        self.limits = [limit for limit in facts.limits if limit not in self.limits] + self.limits
        name = "no_stale_copy"
        if self.header is not None:
            return Precondition(name, "met", ("the detached header's file is overwritten where it lies",))
        if not facts.in_place:
            return Precondition(name, "unknown", (facts.reason,))
        if LIMIT_FLASH in facts.limits:
            return Precondition(name, "unknown", ("a flash medium may keep the header's old blocks where nobody can overwrite them",))
        return Precondition(name, "met", (f"{self.name} is overwritten in place",))

    def _secret(self) -> bytes | None:
        """What the key file holds, as far as it is long enough to be looked for."""
        if self.key_file is None:
            return None
        require_plain(self.key_file, "the key file")
        try:
            with open(self.key_file, "rb") as handle:
                secret = handle.read(4096).strip()
        except OSError as error:
            raise RefusedError(
                f"the key file {self.key_file} cannot be read ({error.strerror}), so nothing was done; correct it"
            ) from error
        return secret if len(secret) >= _SHORTEST_SECRET else None

    def _tried(self) -> tuple[bool | None, str]:
        """Whether the key file opens the volume, and cryptsetup's words; C(None) where that cannot be tried."""
        if self.key_file is None:
            return None, "no key file was given"
        where = ["--header", self.header, self.device.path] if self.header else [self.device.path]
        told = ask(["cryptsetup", "open", "--test-passphrase", "--batch-mode", "--key-file", self.key_file, *where])
        if told.code is None:
            return None, failure(told)
        return told.code == 0, failure(told) if told.code else ""

    def opens(self) -> str:
        opened, told = self._tried()
        if opened is False:
            raise RefusedError(f"the key file does not open {self.name} ({told}), so nothing was done; correct it, or the identity")
        return "the key file opened it before" if opened else ""

    def plan(self) -> dict[str, t.Any]:
        found = self._read_header()
        header = facts_of(self.header) if self.header is not None else None
        return {"uuid": found.uuid, "area": list(found.area), "backups": self.backups.found(found.uuid), "header": header}

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        for mapping in self.mappings(plan["uuid"]):
            note("closing", {"mapping": mapping})
            told = tell(executor, ["cryptsetup", "close", mapping], "close an encrypted volume")
            if told.code != 0:
                raise DisposalError(
                    f"the mapping {mapping} of {self.name} could not be closed ({failure(told)}); stop what uses it, and run again"
                )
        self.backups.destroy(executor, plan["backups"], note)
        if plan["header"] is not None:
            note("overwriting", {"header": "detached"})
            result = destroy_file(executor, plan["header"])
            if result is not None and result.outcome != "destroyed":
                raise DisposalError(f"the detached header was not destroyed: {result.reason}; destroy the medium that holds it")
            return
        start, length = plan["area"]
        note("overwriting", {"offset": start, "bytes": length})
        fd = open_device(executor, self.device)
        try:
            outcome, reason, verified = overwrite_area(executor, fd, self.device, [(start, length)])
        finally:
            os.close(fd)
        note("overwritten", {"outcome": outcome, "reason": reason, "verified_bytes": verified})
        if outcome != "destroyed":
            raise DisposalError(f"the header of {self.name} was not overwritten: {reason}; look at the medium, or destroy it physically")

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        left = [each["path"] for each in plan["backups"] if os.path.lexists(each["path"])]
        seen: dict[str, t.Any] = {"area": list(plan["area"]), "headers": 0, "backups": len(plan["backups"]), "opens": None}
        if left:
            return Gone("left", f"{len(left)} backups of the header are still there", seen)
        open_as = self.mappings(plan["uuid"])
        if open_as:
            return Gone("left", f"the kernel still has the volume open as {', '.join(open_as)}", seen)
        if self.header is not None:
            if os.path.lexists(self.header):
                return Gone("left", "the detached header is still there", seen)
            return Gone("gone", "", seen)
        try:
            head = _head(self.device.path, direct=True, device=self.device)
        except (OSError, RefusedError) as error:
            return Gone("unknown", f"the header's place cannot be read back ({error})", seen)
        seen["headers"] = len(find_headers(head))
        if seen["headers"]:
            return Gone("left", "a LUKS header is found there still", seen)
        seen["opens"], told = self._tried()
        if seen["opens"]:
            return Gone("left", "the key file still opens it", seen)
        seen["told"] = told
        return Gone("gone", "", seen)

    def discard(self, executor: Executor, how: str, note: Note) -> None:
        if how == "none":
            return
        note("discarding", {"how": how})
        if how == "overwrite":
            done = overwrite_device(executor, self.device, find_scheme(DEFAULT_SCHEME), on_unseen=self.on_unseen)
            if done.outcome != "destroyed":
                raise DisposalError(
                    f"the key of {self.name} is gone, but its data were not overwritten: {done.reason}; overwrite the device"
                )
            return
        fd = open_device(executor, self.device)
        try:
            executor.ioctl(fd, _BLKDISCARD, "discard a device", argument=bytearray(struct.pack("=QQ", 0, self.device.size)))
        except OSError as error:
            raise DisposalError(
                f"the key of {self.name} is gone, but its data were not discarded ({error.strerror}); give discard: none or overwrite"
            ) from error
        finally:
            os.close(fd)

    def left(self) -> t.Any:
        return digest(_head(self.device.path, direct=True, device=self.device))

    def still(self, left: t.Any) -> bool:
        return not (self.header is not None and os.path.lexists(self.header)) and self.left() == left


def _text(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="ascii", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _head(path: str, *, direct: bool = False, device: Device | None = None) -> bytes:
    """The bytes in which a LUKS header may lie; C(direct) past the page cache.

    :raises OSError: they cannot be read.
    :raises RefusedError: it is not the device that was found.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_DIRECT if direct else 0))
    try:
        problem = recheck(fd, device) if device is not None else ""
        if problem:
            raise RefusedError(problem)
        size = os.lseek(fd, 0, os.SEEK_END)
        length = min(HEAD_BYTES, size)
        buffer = mmap.mmap(-1, max(length, 1))
        done = 0
        while done < length:
            got = os.preadv(fd, [memoryview(buffer)[done:length]], done)
            if not got:
                break
            done += got
        return bytes(buffer[:done])
    finally:
        os.close(fd)
