# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a LUKS header: searched for in the places that people declare, recognised by the volume's UUID, and destroyed."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .erasable import Note
from .files import destroy_noted, facts_of, require_destroyable, require_plain
from .luks import uuids_at
from .preconditions import Precondition

__all__ = ["Backups"]

_MOST = 100_000

Read = t.Callable[[int, int], bytes]


class Backups:
    """The declared places.

    :cvar what: is looked for there, C(many) of them, and C(whose) each is, for a person.
    :arg places: absolute paths of files and directories; C(None) where nobody has declared any, an empty list where people say that there are none.
    :arg spared: device and inode of files that begin alike and are no backup: the one below a loop device, or the detached header itself.
    """

    what, many, whose = "header's backup", "header backups", "backup of this volume's header"

    def __init__(self, places: t.Sequence[str] | None, *, spared: t.Collection[tuple[int, int]] = ()) -> None:
        self.places, self.spared = places, spared
        self._found: list[dict[str, t.Any]] | None = None

    def recognises(self, read: Read, uuid: str) -> bool:
        """Whether a file is one.

        :arg read: gives what lies at an offset, as many bytes or fewer.
        :arg uuid: what names the volume.
        """
        # A spoilt copy tells its volume still, and key slots may lie behind it.
        return any(each == uuid for _offset, each in uuids_at(read))

    def found(self, uuid: str) -> list[dict[str, t.Any]]:
        """The files that are recognised as the volume's, in order, as C(facts_of) tells each.

        :raises RefusedError: a place cannot be searched.
        """
        if self._found is None:
            paths = sorted({path for place in self.places or () for path in self._below(place) if self._is_backup(path, uuid)})
            self._found = [facts_of(path) for path in paths]
        return self._found

    def _below(self, place: str) -> t.Iterator[str]:
        require_plain(place, f"the declared place of a {self.what}")
        if not os.path.lexists(place):
            raise RefusedError(
                f"the declared place {place} of a {self.what} does not exist, so nothing was done; correct it, or take it off the list"
            )
        if not os.path.isdir(place):
            yield place
            return

        def refuse(error: OSError) -> t.NoReturn:
            raise RefusedError(
                f"the declared place {place} cannot be searched ({error.filename}: {error.strerror}), so nothing was done"
            ) from error

        count = 0
        for directory, _names, files in os.walk(place, onerror=refuse):
            for name in files:
                count += 1
                if count > _MOST:
                    raise RefusedError(
                        f"the declared place {place} has more than {_MOST} files, so nothing was done; declare a narrower one"
                    )
                yield os.path.join(directory, name)

    def require_ready(self, uuid: str) -> None:
        """:raises RefusedError: a backup cannot be destroyed, or a declared file is none."""
        paths = [each["path"] for each in self.found(uuid)]
        for path in paths:
            require_destroyable(path, f"the {self.what}")
        for place in self.places or ():
            if not os.path.isdir(place) and place not in paths:
                raise RefusedError(
                    f"the declared file {place} is no {self.whose}, so nothing was done; correct the list, nothing else is destroyed"
                )

    def precondition(self, uuid: str) -> Precondition:
        if self.places is None:
            return Precondition("no_backup", "unknown", (f"no places of {self.many} or escrow were declared, so none was searched",))
        if not self.places:
            return Precondition("no_backup", "met", (f"declared: there is no {self.whose} and no escrow of the key",))
        told = f"{len(self.found(uuid))} {self.many} were found in the declared places ({', '.join(self.places)}) and are destroyed too"
        return Precondition("no_backup", "met", (told, "other places were not checked; packed and encrypted files are not recognised"))

    def destroy(self, executor: Executor, found: t.Sequence[t.Mapping[str, t.Any]], note: Note, proven: t.Mapping[str, str]) -> None:
        """:arg found: what C(found) gave, perhaps in an earlier run; C(proven) what it has noted as overwritten.

        :raises DisposalError: one was not destroyed.
        """
        for each in found:
            destroy_noted(executor, each, f"the {self.what}", note, proven)

    def _is_backup(self, path: str, uuid: str) -> bool:
        """:raises RefusedError: it cannot be read, so that it may be one."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return False
            raise RefusedError(
                f"{path} in a declared place cannot be read ({error.strerror}), so nothing was done; it may be a backup"
            ) from error
        try:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode) or (facts.st_dev, facts.st_ino) in self.spared:
                return False
            return self.recognises(lambda offset, length: os.pread(fd, length, offset), uuid)
        except OSError as error:
            raise RefusedError(
                f"{path} in a declared place cannot be read ({error.strerror}), so nothing was done; it may be a backup"
            ) from error
        finally:
            os.close(fd)
