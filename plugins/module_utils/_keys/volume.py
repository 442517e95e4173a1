# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A LUKS volume: its header, its header's backups and, where that is apart, its detached header."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import typing as t

from .._erasure.area import overwrite_area
from .._erasure.device import overwrite_device
from .._erasure.filesystem import LIMIT_FLASH, LIMIT_MD, LIMIT_VIRTUAL, FilesystemFacts, FilesystemProbe
from .._erasure.keystream import open_source
from .._erasure.looking import Look, look_at_device
from .._erasure.opened import open_device
from .._erasure.schemes import RANDOM, find_scheme
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest
from .._executor import Executor
from .._media.identity import Device, same_medium
from .._standards.schemes import DEFAULT_SCHEME
from .erasable import KeyTarget, Note, Steps
from .files import assess_file, destroy_noted, facts_of, inode_of, mode_of, proven_in, require_destroyable, require_plain
from .header_backups import HeaderBackups
from .header_place import copies_elsewhere, digest_behind, headers_on, read_head, read_place
from .key_file import KeyFile
from .luks import HEAD_BYTES, Luks, parse_luks, strength_of, uuids_at
from .mappings import close_mappings, mappings_of, require_unused
from .memory import look_in_memory, worst
from .preconditions import Gone, Precondition

__all__ = ["LuksVolume"]

_PROGRAMS = ("cryptsetup", "systemd-cryptse")
_BLKDISCARD = 0x1277
# 4 KiB of noise have 7950 thousandths of a bit per byte, speech in 16-bit samples has 7500 at most.
_NOISE = 7500
# Why an older copy of what is overwritten may stay below.
_KEEPS: t.Mapping[str, str] = {
    LIMIT_FLASH: "a flash medium may keep old blocks where nobody can overwrite them",
    LIMIT_VIRTUAL: "below a virtual disk old blocks may stay in snapshots or elsewhere",
    LIMIT_MD: "a member of the RAID that failed or was replaced keeps what it held",
}


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
        self.device, self.header, self.key_file = device, header, KeyFile(key_file)
        self.look, self.close, self.on_unseen = look or Look(every=0), close, on_unseen
        self.sys_root, self.proc_root = sys_root, proc_root
        self.name, self.size, self.limits = device.name, device.size, []
        self.luks: Luks | None = None
        self._proven: t.Mapping[str, str] = {}
        self._recalled: tuple[t.Mapping[str, t.Any], Precondition] | None = None
        self.facts = FilesystemProbe().assess_device(device.major, device.minor)
        self.backups = HeaderBackups(
            backups, spared=[own for path in (header, *self.facts.backing_files) if path for own in inode_of(path)]
        )
        if header is not None:
            require_plain(header, "the detached header")
            if stat.S_ISBLK(mode_of(header)):
                raise RefusedError(
                    f"the detached header {header} is a block device, which is not supported, so nothing was done; overwrite that device with the "
                    "module overwrite, whose evidence then tells of it"
                )

    @property
    def subject(self) -> dict[str, t.Any]:
        facts = {key: list(values) for key, values in sorted(self.device.facts.items())}
        return {"kind": self.kind, "facts": facts, "header": self.header}

    def _read_header(self) -> Luks:
        """:raises RefusedError: there is no LUKS header, or none that can be erased here."""
        if self.luks is None:
            try:
                found = parse_luks(read_head(self.header or self.device.path), apart=self.header is not None)
            except RefusedError as error:
                raise RefusedError(
                    f"{self.header or self.name} was not touched because {error.message}; correct the identity, or overwrite the whole medium"
                ) from error
            except OSError as error:
                raise RefusedError(
                    f"{self.header or self.name} cannot be read ({error.strerror}), so nothing was done; look at it, or destroy it physically"
                ) from error
            self._require_plain_luks(found)
            self.luks, self.backups.digests = found, found.digests
        return self.luks

    def _require_plain_luks(self, found: Luks) -> None:
        if found.odd:
            raise RefusedError(
                f"the LUKS header of {self.name} was not touched because {found.odd}, so its key may lie elsewhere too; "
                "bring that to its end with cryptsetup, or sanitize the drive"
            )
        if self.header is None and found.detached:
            raise RefusedError(
                f"{self.name} holds a detached header and no data of its own, so nothing was done; overwrite it with the module overwrite, "
                "or name the device of the data and a file as its header"
            )
        if self.header is None and found.area[1] > self.device.size:
            raise RefusedError(f"the header of {self.name} says that it is larger than the device, so nothing was done; look at the device")

    def require_ready(self) -> None:
        found = self._read_header()
        self._require_unused(found.uuid)
        if self._recalled is None:
            if self.header is not None:
                require_destroyable(self.header, "the detached header")
            elif not self.facts.in_place:
                raise RefusedError(
                    f"the header of {self.name} was not touched because overwriting it would prove nothing: {self.facts.reason}; "
                    "destroy what lies below, or sanitize it"
                )
        self.backups.require_ready(found.uuid)
        # Without the library nothing could be overwritten with noise.
        open_source(RANDOM).wipe()

    def _require_unused(self, uuid: str) -> None:
        require_unused(self.device, uuid, close=self.close, on_unseen=self.on_unseen, sys_root=self.sys_root, proc_root=self.proc_root)

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        if not self._as_left(plan, steps):
            raise RefusedError(
                f"{self.name} is not the medium that the interrupted run was about, or was written to since, so nothing was done; connect that one, "
                "or move the directory of the run aside to begin anew"
            )
        self._require_unused(plan["uuid"])
        self._proven = proven_in(steps)

    def _as_left(self, plan: t.Mapping[str, t.Any], steps: Steps) -> bool:
        """Whether it is the medium that a run was about: it has the volume's header still, or the same data as then."""
        if not same_medium(plan["identity"], self.device.identity):
            return False
        with self._reading():
            headers = [] if self.header is not None else [uuid for offset, uuid in headers_on(self.device.path) if offset < plan["area"][1]]
            if any(uuid != plan["uuid"] for uuid in headers):
                return False
            discarded = any(step == "discarding" for step, _told in steps)
            return bool(headers) or discarded or digest_behind(self.device, plan["behind"]["offset"]) == plan["behind"]["digest"]

    @contextlib.contextmanager
    def _reading(self) -> t.Iterator[None]:
        """:raises RefusedError: the device cannot be read."""
        try:
            yield
        except OSError as error:
            raise RefusedError(f"{self.name} cannot be read ({error.strerror}), so nothing was done; look at it") from error

    def recall(self, plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> bool:
        if self.header is not None:
            gone = not os.path.lexists(self.header)
        else:
            with self._reading():
                gone = not any(offset < plan["area"][1] for offset, _uuid in headers_on(self.device.path))
        if not gone or not self._as_left(plan, steps):
            return False
        about = plan["about"]
        self.luks = Luks(
            about["version"],
            plan["uuid"],
            (),
            (plan["area"][0], plan["area"][1]),
            about["cipher"],
            about["key_bits"],
            tuple(about["slots"]),
            tuple(about["tokens"]),
            digests=tuple(about["digests"]),
        )
        self.backups.digests = self.luks.digests
        # What was written in the clear once may have been overwritten or discarded meanwhile, and is not the less known for that.
        self._recalled = plan, next(each for each in found if each.name == "encrypted_from_first_write")
        self._proven = proven_in(steps)
        return True

    def preconditions(self) -> list[Precondition]:
        found = self._read_header()
        secret = self.key_file.secret()
        names = (f"cryptsetup:{found.uuid}", *(f"CRYPT-LUKS{version}-{found.uuid.replace('-', '')}" for version in (1, 2)))
        strength, told = strength_of(found)
        slots = f"key slots {', '.join(found.slots) or 'none'} and tokens {', '.join(found.tokens) or 'none'}"
        return [
            self._recalled[1] if self._recalled else self._first_write(found),
            Precondition("strength", strength, (told,)),
            Precondition("no_other_key", "met", (f"{slots} lie in the header, which goes as a whole",)),
            self._no_backup(found.uuid),
            self._stale(found.uuid),
            look_in_memory(names, _PROGRAMS, secret=secret, sys_root=self.sys_root, proc_root=self.proc_root),
        ]

    def _no_backup(self, uuid: str) -> Precondition:
        declared = self.backups.precondition(uuid)
        found, unread = copies_elsewhere(uuid, self.backups.digests, self.device, apart=self.header is not None, sys_root=self.sys_root)
        if found:
            told = f"a header of the same volume lies on {', '.join(found)}"
            return Precondition("no_backup", "not_met", (*declared.looked_at, f"{told}, and opens its data where those are copied too"))
        if unread:
            told = f"whether another block device has a header of it cannot be told ({'; '.join(unread[:3])})"
            return Precondition("no_backup", worst((declared.state, "unknown")), (*declared.looked_at, told))
        return declared._replace(looked_at=(*declared.looked_at, "no other block device of this host begins with a header of it"))

    def _first_write(self, found: Luks) -> Precondition:
        """Noise and untouched blocks are what a volume should hold that was encrypted from its first write; they do not prove it."""
        name = "encrypted_from_first_write"
        if not self.look.every:
            return Precondition(name, "unknown", ("the volume's data were not looked at",))
        seen = look_at_device(self.device, self.look)
        end = 0 if self.header else found.area[1]
        clear = [(offset, kind) for offset, kind in seen.beginnings if offset >= end]
        if clear:
            offset, kind = clear[0]
            return Precondition(name, "not_met", (f"the beginning of {kind} lies in the clear at offset {offset}",))
        chosen = f" (a sample chosen by the seed {self.look.seed})" if self.look.every > 1 else ""
        told = [f"{seen.read_bytes} of {self.device.size} bytes were read{chosen}, in which nothing known begins in the clear"]
        if seen.disorder[3] and seen.disorder[0] < _NOISE:
            told.append("some blocks hold neither noise nor one value only")
        if seen.unread.bad_bytes:
            told.append(f"{seen.unread.bad_bytes} bytes could not be read")
        return Precondition(name, "unknown", (*told, "what was overwritten since is not seen"))

    def _stale(self, uuid: str) -> Precondition:
        name, told = "no_stale_copy", []
        try:
            assessed: list[tuple[str, FilesystemFacts]] = [] if self.header is not None else [(self.name, self.facts)]
            files = [self.header] if self.header is not None and os.path.lexists(self.header) else []
            files += [each["path"] for each in self.backups.found(uuid)]
            assessed += [(path, assess_file(path)) for path in files]
        except OSError as error:
            return Precondition(name, "unknown", (f"what holds it cannot be looked at ({error.strerror})",))
        for what, facts in assessed:
            told += [f"{what}: {why}" for why in ([] if facts.in_place else [facts.reason])]
            told += [f"{what}: {why}" for limit, why in _KEEPS.items() if limit in facts.limits]
            self.limits += [limit for limit in facts.limits if limit not in self.limits]
        if told:
            return Precondition(name, "unknown", tuple(told))
        return Precondition(name, "met", (f"{', '.join(what for what, _facts in assessed) or self.name}: overwritten in place",))

    @property
    def _where(self) -> list[str]:
        return ["--header", self.header, self.device.path] if self.header is not None else [self.device.path]

    def opens(self) -> str:
        if self._recalled is not None:
            return ""
        return self.key_file.require_opens(self.name, self._where)

    def plan(self) -> dict[str, t.Any]:
        found = self._read_header()
        backups = self.backups.found(found.uuid)
        if self._recalled is not None:
            return {**self._recalled[0], "backups": backups, "identity": self.device.identity}
        behind = 0 if self.header is not None else found.area[1]
        with self._reading():
            recognised = digest_behind(self.device, behind)
        return {
            "uuid": found.uuid,
            "area": list(found.area),
            "backups": backups,
            "header": facts_of(self.header) if self.header is not None else None,
            "identity": self.device.identity,
            "behind": {"offset": behind, "digest": recognised},
            "about": {
                "version": found.version,
                "cipher": found.cipher,
                "key_bits": found.key_bits,
                "slots": list(found.slots),
                "tokens": list(found.tokens),
                "digests": list(found.digests),
            },
        }

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        close_mappings(executor, self.device, plan["uuid"], note, sys_root=self.sys_root)
        # What lies on the device beside the mappings shows only now.
        self._require_unused(plan["uuid"])
        self.backups.destroy(executor, plan["backups"], note, self._proven)
        if plan["header"] is not None:
            destroy_noted(executor, plan["header"], "the detached header", note, self._proven)
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
            raise DisposalError(
                f"the header of {self.name} was not overwritten: {reason}; look at the medium and run again, or destroy it physically",
                details={"outcome": outcome},
            )

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        left = [each["path"] for each in plan["backups"] if os.path.lexists(each["path"])]
        seen: dict[str, t.Any] = {"area": list(plan["area"]), "headers": 0, "backups": len(plan["backups"]), "opens": None, "told": ""}
        if left:
            return Gone("left", f"{len(left)} backups of the header are still there", seen)
        open_as = mappings_of(plan["uuid"], sys_root=self.sys_root)
        if open_as:
            return Gone("left", f"the kernel still has the volume open as {', '.join(each.name for each in open_as)}", seen)
        if self.header is not None:
            return Gone("left", "the detached header is still there", seen) if os.path.lexists(self.header) else Gone("gone", "", seen)
        try:
            seen["headers"] = len(self._headers(plan["uuid"], plan["area"][1]))
        except (OSError, RefusedError) as error:
            return Gone("unknown", f"the header's place cannot be read back ({error})", seen)
        if seen["headers"]:
            return Gone("left", "a LUKS header is found there still", seen)
        seen["opens"], seen["told"] = self.key_file.tried(self._where)
        if seen["opens"]:
            return Gone("left", "the key file still opens it", seen)
        return Gone("gone", "", seen)

    def _headers(self, uuid: str, end: int) -> list[int]:
        """Offsets of what begins as a header in its place, or as one of the volume anywhere, past the page cache."""
        head = read_place(self.device, 0, HEAD_BYTES)
        found = uuids_at(lambda offset, length: head[offset : offset + length])
        return [offset for offset, each in found if each == uuid or offset < end]

    def discard(self, executor: Executor, plan: t.Mapping[str, t.Any], how: str, note: Note) -> None:
        if how == "none":
            return
        note("discarding", {"how": how})
        if how == "overwrite":
            done = overwrite_device(executor, self.device, find_scheme(DEFAULT_SCHEME), on_unseen=self.on_unseen)
            if done.outcome != "destroyed":
                raise DisposalError(
                    f"the key of {self.name} is gone, but its data were not overwritten: {done.reason}; overwrite the device",
                    details={"outcome": done.outcome},
                )
            return
        # The header's place stays as it was read back, since what a device shows where it has discarded may change.
        start = 0 if self.header is not None else plan["area"][1]
        fd = open_device(executor, self.device)
        try:
            executor.ioctl(fd, _BLKDISCARD, "discard a device", argument=bytearray(struct.pack("=QQ", start, self.device.size - start)))
        except OSError as error:
            raise DisposalError(
                f"the key of {self.name} is gone, but its data were not discarded ({error.strerror}); give discard: none or overwrite"
            ) from error
        finally:
            os.close(fd)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        length = 0 if self.header is not None else min(plan["area"][1], HEAD_BYTES)
        try:
            found = digest(read_place(self.device, 0, length))
            return {"uuid": plan["uuid"], "digests": plan["about"]["digests"], "bytes": length, "digest": found}
        except OSError as error:
            raise DisposalError(f"the header's place on {self.name} cannot be read back ({error.strerror}); look at the medium") from error

    def still(self, left: t.Any) -> bool:
        present, self.backups.digests = self.backups.digests, tuple(left["digests"])
        try:
            return self._is_still(left)
        finally:
            # What is there now may be another volume.
            self.backups.digests = present

    def _is_still(self, left: t.Mapping[str, t.Any]) -> bool:
        if (self.header is not None and os.path.lexists(self.header)) or self.backups.any_left(left["uuid"]):
            return False
        if copies_elsewhere(left["uuid"], self.backups.digests, self.device, apart=True, sys_root=self.sys_root)[0]:
            return False
        with self._reading():
            return bool(digest(read_place(self.device, 0, left["bytes"])) == left["digest"])
