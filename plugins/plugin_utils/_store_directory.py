# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in another directory: files that nobody may write, with the immutable flag where that is asked for."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import re
import stat
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._executor import Executor
from ._store import CHUNK, ROOMS, Held, Item, Store, Unit, stream_digest, worded

__all__ = ["DirectoryStore"]

_IMMUTABLE = 0x10
_TEMPORARY = re.compile(r"\.\d+\.tmp$")
# Where files lie below the rooms.
_PLACES = re.compile(
    r"runs/[^/]+/[0-9]+/.+|ledger/[0-9]+/ledger\.(?:jsonl|head\.json(?:\.sig|\.tsr)?)|certificates/[^/]+/[0-9a-f]{12}/[^/]+"
    r"|register/(?:[0-9]+/log\.jsonl|events/[^/]+)|tombstones/[^/]+\.json",
    re.DOTALL,
)
_FILE, _DIRECTORY, _OPEN = 0o400, 0o500, 0o700


class DirectoryStore(Store):
    kind: t.ClassVar[str] = "directory"

    def __init__(self, executor: Executor, *, path: str, immutable: bool = False) -> None:
        super().__init__(executor)
        self.path, self.immutable = path, immutable
        self.place = f"the directory {path}"
        self._lock = -1

    def describe(self) -> dict[str, t.Any]:
        return {"kind": self.kind, "path": self.path, "immutable": self.immutable}

    def check(self) -> list[str]:
        if not os.path.lexists(self.path):
            return []
        if os.path.islink(self.path) or not os.path.isdir(self.path):
            raise RefusedError(f"{self.path} is no directory, so nothing was done; correct the path of the store")
        strange = sorted(set(self._listed("")) - {*ROOMS, "lost+found"})
        if strange:
            raise RefusedError(f"{self.path} holds {strange[0]!a}, which is not of a store, so nothing was done; name an empty directory")
        strange = sorted(name for name in self.held() if not _PLACES.fullmatch(name))
        if strange:
            raise RefusedError(
                f"{self.path} holds {strange[0][:200]!a}, which is not of a store, so nothing was done; look what it is, and move it away"
            )
        return [f"{self.path} is a directory in which every file lies where evidence does."]

    def make(self) -> bool:
        return not os.path.isdir(self.path)

    def _listed(self, name: str) -> list[str]:
        try:
            return sorted(os.listdir(os.path.join(self.path, name)))
        except OSError as error:
            raise RefusedError(f"{error.filename} cannot be read ({error.strerror}); run as the user who owns the store") from error

    def held(self) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for room in ROOMS:
            if os.path.lexists(os.path.join(self.path, room)):
                found.update(self._below(room))
        return found

    def _below(self, name: str) -> t.Iterator[tuple[str, Held]]:
        path = os.path.join(self.path, name)
        facts = os.lstat(path)
        if stat.S_ISDIR(facts.st_mode):
            for each in self._listed(name):
                yield from self._below(f"{name}/{each}")
        elif not stat.S_ISREG(facts.st_mode):
            yield name, Held(0, "is not a regular file")
        elif not _TEMPORARY.search(name):
            yield name, Held(facts.st_size, "has several names (hard links)" if facts.st_nlink != 1 else "")

    def digests(self, names: t.Collection[str]) -> dict[str, str]:
        return {name: stream_digest(self._chunks(name))[0] for name in names}

    def _chunks(self, name: str) -> t.Iterator[bytes]:
        path = os.path.join(self.path, name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd, "rb") as file:
                # From the medium where the system heeds that, not from what was just written.
                with contextlib.suppress(OSError, AttributeError):
                    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise RefusedError(f"{path} cannot be read ({error.strerror}), so what is stored there is not known; repair that") from error

    def read(self, name: str) -> bytes:
        return b"".join(self._chunks(name))

    def opened(self) -> None:
        try:
            self.executor.makedirs(self.path)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise worded(error, self.place) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError(
                f"{self.place} is being written by another process, so nothing was done; wait until that has ended"
            ) from error

    def closed(self) -> None:
        if self._lock < 0:
            return
        try:
            # On a filesystem that is read-only by now nothing can be closed, nor need be.
            with contextlib.suppress(OSError):
                self._close("")
        finally:
            os.close(self._lock)
            self._lock = -1

    def _close(self, name: str) -> None:
        path = os.path.join(self.path, name)
        for each in self._listed(name):
            below = os.path.join(path, each)
            if os.path.isdir(below) and not os.path.islink(below) and (name or each in ROOMS):
                self._close(f"{name}/{each}" if name else each)
            elif name and _TEMPORARY.search(each):
                self._mode(path, _OPEN)
                self.executor.unlink(below)
        self._mode(path, _DIRECTORY)

    def _mode(self, path: str, mode: int) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
                self.executor.chmod(fd, mode)
        finally:
            os.close(fd)

    def _open_to(self, directory: str) -> None:
        """Make the directories down to one, and let entries be made in it until C(closed)."""
        path = self.path
        self._mode(path, _OPEN)
        for part in directory.split("/"):
            path = os.path.join(path, part)
            if not os.path.lexists(path):
                self.executor.makedirs(path)
                self.executor.sync_directory(os.path.dirname(path))
            self._mode(path, _OPEN)
        for name in os.listdir(path):
            if _TEMPORARY.search(name):
                self.executor.unlink(os.path.join(path, name))

    def put(self, unit: Unit, items: t.Sequence[Item], until: dt.datetime) -> None:
        try:
            ready: set[str] = set()
            for item in items:
                directory = os.path.dirname(item.name)
                if directory not in ready:
                    self._open_to(directory)
                    ready.add(directory)
                path = os.path.join(self.path, item.name)
                if os.path.lexists(path):
                    raise RefusedError(f"{path} is there already, and nothing is overwritten; run again")
                self.executor.replace_file(path, item.chunks(), mode=_FILE)
                if self.immutable:
                    self._flag(path, on=_IMMUTABLE)
        except OSError as error:
            raise worded(error, self.place) from error

    def extend(self, names: t.Collection[str], until: dt.datetime, held: t.Mapping[str, Held], *, check_mode: bool) -> int:
        """Mode and, if it is asked for, flag of files that a cut left without."""
        count = 0
        for name in names:
            path = os.path.join(self.path, name)
            facts = os.lstat(path)
            lacks = self.immutable and not self._is_immutable(path)
            if stat.S_IMODE(facts.st_mode) == _FILE and not lacks:
                continue
            count += 1
            if not check_mode:
                try:
                    self._mode(path, _FILE)
                    if lacks:
                        self._flag(path, on=_IMMUTABLE)
                except OSError as error:
                    raise worded(error, self.place) from error
        return count

    def _is_immutable(self, path: str) -> bool:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return bool(int.from_bytes(fcntl.ioctl(fd, 0x80086601, bytes(8))[:4], "little") & _IMMUTABLE)
        except OSError:
            return False
        finally:
            os.close(fd)

    def _flag(self, path: str, *, on: int = 0, off: int = 0) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self.executor.change_flags(fd, on=on, off=off)
        except OSError as error:
            raise RefusedError(
                f"{path} is stored, and cannot be made immutable ({error.strerror}): this filesystem has no such flag, or only root may set it; "
                "run as root on ext4, XFS or btrfs, or set immutable to false, and run again"
            ) from error
        finally:
            os.close(fd)

    def remove(self, names: t.Collection[str]) -> None:
        try:
            directories: set[str] = set()
            for name in sorted(names):
                path = os.path.join(self.path, name)
                directories.add(os.path.dirname(name))
                self._open_to(os.path.dirname(name))
                if self._is_immutable(path):
                    self._flag(path, off=_IMMUTABLE)
                self.executor.unlink(path)
            for directory in sorted(directories, key=len, reverse=True):
                self._remove_empty(directory)
        except OSError as error:
            raise worded(error, self.place) from error

    def _remove_empty(self, directory: str) -> None:
        while directory not in ROOMS and os.path.isdir(os.path.join(self.path, directory)):
            if os.listdir(os.path.join(self.path, directory)):
                return
            self._mode(os.path.join(self.path, os.path.dirname(directory)), _OPEN)
            self.executor.rmdir(os.path.join(self.path, directory))
            directory = os.path.dirname(directory)
            self.executor.sync_directory(os.path.join(self.path, directory))
