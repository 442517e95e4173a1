# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as files of a directory that only its owner can enter, best on another host than what they protect.

What was destroyed is remembered in a small file beside, so that a file that somebody moved away is not taken for a destroyed one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import time
import typing as t

from ..._erasure.files import overwrite_batch
from ..._erasure.names import remove, sync_directories
from ..._erasure.outcomes import FileResult
from ..._erasure.schemes import find_scheme
from ..._erasure.targets import Expected, open_target
from ..._errors import DisposalError
from ..._evidence.canonical import canonical
from ..._executor import Executor
from ..._jobs.lock import host_lock
from .sealing import open_sealed, require_cryptography, seal
from .store import UNKNOWN, Copies, Key, KeyState, KeyStore, StoreRefusedError

__all__ = ["DirectoryStore"]

_BYTES = 32
_MARKER = "store.json"
_FORMAT = "recordings.disposal/key-directory/1"
_RECORD = "recordings.disposal/key-destroyed/1"
_SCHEME = "nist_clear"
_KEY_FILE = re.compile(r"(?P<name>.+)\.key")


class DirectoryStore(KeyStore):
    """One file of 32 bytes for a key (AES-256-GCM); the id of a key is that of the directory."""

    kind: t.ClassVar[str] = "directory"

    def __init__(self, executor: Executor, *, path: str) -> None:
        super().__init__(executor)
        self.path = path
        self.place = f"the key directory {path}"
        require_cryptography("a key store of the kind directory")

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "path": self.path}

    def find(self, name: str) -> Key | None:
        with self._opened() as fd:
            if self._stat(fd, f"{name}.key") is None or self._record(fd, name) is not None:
                return None
            identity = self._identity(fd)
            if not identity:
                raise self._unfit_file(f"{name}.key", f"{_MARKER}, which tells whose directory it is, is missing")
            return Key(name, identity)

    def _make(self, name: str, *, resume: bool) -> Key:
        with self._locked() as fd:
            identity = self._identity(fd, make=True)
            if self._record(fd, name) is not None:
                raise StoreRefusedError(
                    "exists", f"{self.place} had a key {name} and destroyed it, so the name is not used again; choose another prefix"
                )
            if self._stat(fd, f"{name}.key") is None:
                self._write(fd, f"{name}.key", secrets.token_bytes(_BYTES))
            return Key(name, identity)

    def _write(self, fd: int, name: str, content: bytes) -> None:
        """A whole file or none. What an interrupted call left was never used."""
        new = f"{name}.new"
        try:
            if self._stat(fd, new) is not None:
                self.executor.unlink(new, dir_fd=fd)
            file = self.executor.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=fd)
            try:
                self.executor.write(file, content)
                self.executor.fsync(file)
            finally:
                os.close(file)
            self.executor.rename(new, name, src_dir_fd=fd, dst_dir_fd=fd)
            self.executor.sync_directory(fd)
        except OSError as error:
            raise StoreRefusedError(
                "denied", f"{name} cannot be written to {self.place} ({error.strerror}); repair it and run again"
            ) from None

    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        return seal(self._material(key), secret, context)

    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        secret = open_sealed(self._material(key), wrapped, context)
        if secret is None:
            raise self._wrong(key)
        return secret

    def _material(self, key: Key) -> bytes:
        with self._opened() as fd:
            self._require_same(fd, key)
            if self._stat(fd, f"{key.name}.key") is None:
                raise self._no_key(key)
            if self._record(fd, key.name) is not None:
                raise self._pending(key)
            try:
                file = os.open(f"{key.name}.key", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
            except OSError as error:
                raise self._unfit_file(f"{key.name}.key", error.strerror) from None
            try:
                self._require_fit(key.name, os.fstat(file))
                return os.read(file, _BYTES)
            finally:
                os.close(file)

    def _look(self, key: Key) -> KeyState:
        with self._opened() as fd:
            self._require_same(fd, key)
            facts = self._stat(fd, f"{key.name}.key")
            record = self._record(fd, key.name)
            if facts is not None:
                begun = "; its destruction was begun and not brought to its end" if record is not None else ""
                return KeyState(
                    "present", f"{self.place} has the file {key.name}.key{begun}", None, 1, "AES-256-GCM", 8 * facts.st_size, _COPIES
                )
            if record is not None:
                return _destroyed(self.place, key, record)
            told = f"{self.place} has no file {key.name}.key, and nothing there tells that it was destroyed"
            return KeyState("unknown" if key.id else "absent", told)

    def _destroy(self, key: Key) -> None:
        with self._locked() as fd:
            self._require_same(fd, key)
            facts = self._stat(fd, f"{key.name}.key")
            if facts is None:
                return
            self._require_fit(key.name, facts, whole=False)
            if self._record(fd, key.name) is None:
                self._remember(fd, key.name, {"state": "begun"})
            expected = Expected(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
            try:
                with open_target(self.executor, fd, f"{key.name}.key", expected) as target:
                    # Where an overwrite proves nothing it is done all the same, and the key is then not said to be gone.
                    result = overwrite_batch(self.executor, [target], find_scheme(_SCHEME), on_ineffective="report")[0]
                    if result.outcome == "not_destroyed":
                        raise DisposalError(str(result.reason))
                    self._remember(fd, key.name, {"state": "overwritten", **_proof(result)})
                    remove(self.executor, target)
                    sync_directories(self.executor, [fd])
            except (DisposalError, OSError) as error:
                raise StoreRefusedError(
                    "not_allowed",
                    f"the key {key.name} of {self.place} was not destroyed ({_why(error)}), so its file is still there; see to that and run again",
                ) from None

    def names(self) -> list[str]:
        with self._opened() as fd:
            found = (_KEY_FILE.fullmatch(name) for name in os.listdir(fd))
            return sorted(match["name"] for match in found if match)

    def _remember(self, fd: int, name: str, told: t.Mapping[str, t.Any]) -> None:
        self._write(fd, f"{name}.gone", canonical({"format": _RECORD, "name": name, "time": int(time.time()), **told}) + b"\n")

    def _record(self, fd: int, name: str) -> dict[str, t.Any] | None:
        """What is remembered of the destruction of a key."""
        record = self._read(fd, f"{name}.gone")
        if record is not None and (record.get("format"), record.get("name")) != (_RECORD, name):
            raise self._unfit_file(f"{name}.gone", "it is not what this collection wrote")
        return record

    def _identity(self, fd: int, *, make: bool = False) -> str:
        """The id of the directory, told by a file in it: an empty mount point is then not taken for a store that has lost its keys.

        :raises StoreRefusedError: it has none, and none may be made.
        """
        marker = self._read(fd, _MARKER)
        if marker is None:
            left = sorted(set(os.listdir(fd)) - {"lock", f"{_MARKER}.new"})
            if left and make:
                raise StoreRefusedError(
                    "unfit", f"{self.place} is not empty ({left[0]} is in it) and was not begun by this collection; name an empty one"
                )
            if not make:
                return ""
            marker = {"format": _FORMAT, "id": secrets.token_hex(16)}
            self._write(fd, _MARKER, canonical(marker) + b"\n")
        if marker.get("format") != _FORMAT or not isinstance(marker.get("id"), str):
            raise self._unfit_file(_MARKER, "it is not what this collection wrote")
        return str(marker["id"])

    def _require_same(self, fd: int, key: Key) -> None:
        """:raises StoreRefusedError: this is another directory than the one that had the key."""
        found = self._identity(fd)
        if key.id and found != key.id:
            told = "has no store.json: is what should be mounted there mounted?" if not found else "is another one than the one that had it"
            raise StoreRefusedError(
                "unreachable", f"the key {key.name} cannot be looked for: {self.place} {told}; correct that and run again"
            )

    def _read(self, fd: int, name: str) -> dict[str, t.Any] | None:
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unfit_file(name, error.strerror) from None
        with os.fdopen(file, "rb") as handle:
            try:
                found = json.loads(handle.read(65_536))
            except ValueError:
                found = None
        if not isinstance(found, dict):
            raise self._unfit_file(name, "it is not what this collection wrote")
        return found

    @staticmethod
    def _stat(fd: int, name: str) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _require_fit(self, name: str, facts: os.stat_result, *, whole: bool = True) -> None:
        """:raises StoreRefusedError: the key's file is not as this collection made it."""
        for bad, why in (
            (not stat.S_ISREG(facts.st_mode), "it is a link or no file"),
            (facts.st_nlink != 1, "it has another name, which would keep the key"),
            (facts.st_uid != os.geteuid(), "it belongs to somebody else"),
            (facts.st_mode & 0o077, "others may read it"),
            (whole and facts.st_size != _BYTES, f"it has {facts.st_size} bytes, not {_BYTES}"),
        ):
            if bad:
                raise self._unfit_file(f"{name}.key", why)

    def _unfit_file(self, name: str, why: str | None) -> StoreRefusedError:
        return StoreRefusedError("unfit", f"the file {name} of {self.place} cannot be used: {why}; nothing was done, look who changed it")

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[int]:
        """A descriptor of the directory, which only its owner can enter.

        :raises StoreRefusedError: it is not there, or not like that.
        """
        if os.path.realpath(self.path) != self.path:
            raise StoreRefusedError("unfit", f"{self.place} is reached through a symbolic link, so nothing was done; give its real path")
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise StoreRefusedError(
                "unreachable",
                f"{self.place} cannot be opened ({error.strerror}), so nothing is known of its keys; mount it, or make it with mode 0700",
            ) from None
        try:
            facts = os.fstat(fd)
            if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) != 0o700:
                raise StoreRefusedError(
                    "unfit",
                    f"{self.place} has the mode {stat.S_IMODE(facts.st_mode):04o} and the owner {facts.st_uid}, so others could have read its keys, "
                    "and nothing was done; make it mode 0700, owned by the user that Ansible runs as",
                )
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[int]:
        with self._opened() as fd, host_lock(self.path, self.executor, purpose="key store"):
            yield fd


_COPIES = (
    Copies("exportable", UNKNOWN, "whoever could read the directory could have copied the key"),
    Copies("backups", UNKNOWN, "backups and snapshots of the directory are not told"),
    Copies("medium", UNKNOWN, "an overwrite does not reach spare areas of flash, nor what a controller moved"),
)


def _proof(result: FileResult) -> dict[str, t.Any]:
    return {
        "outcome": result.outcome,
        "reason": result.reason,
        "bytes": result.bytes,
        "verified_bytes": result.verified_bytes,
        "read": result.read,
        "filesystem": result.filesystem,
        "limits": sorted(result.limits),
    }


def _why(error: DisposalError | OSError) -> str:
    return error.message if isinstance(error, DisposalError) else str(error.strerror)


def _destroyed(place: str, key: Key, record: t.Mapping[str, t.Any]) -> KeyState:
    """The state of a key whose file is not there any more, by what is remembered."""
    if record.get("state") != "overwritten":
        told = f"the destruction of {key.name}.key of {place} was begun, and then somebody else removed the file, overwritten or not"
        return KeyState("unknown", told)
    limits = tuple(Copies("medium", UNKNOWN, str(limit)) for limit in record.get("limits") or ())
    if record.get("outcome") != "destroyed":
        return KeyState(
            "unknown", f"{key.name}.key of {place} was overwritten and removed, but: {record.get('reason')}", copies=_COPIES + limits
        )
    told = (
        f"{key.name}.key of {place} was overwritten, {record.get('verified_bytes')} bytes were read back ({record.get('read')}) from "
        f"{record.get('filesystem')}, and the file was removed"
    )
    return KeyState("gone", told, copies=_COPIES + limits)
