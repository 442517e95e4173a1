# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a LUKS header: searched for in the places that people declare, recognised by the volume's UUID, and destroyed."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .erasable import Note
from .files import destroy_file, facts_of, require_destroyable, require_plain
from .luks import HEAD_BYTES, parse_luks
from .preconditions import Precondition

__all__ = ["Backups"]

_MOST = 100_000


class Backups:
    """The declared places.

    :cvar what: is looked for there, C(many) of them, and C(whose) each is, for a person.
    :cvar length: so many bytes of a file's beginning are enough to recognise one.
    :arg places: absolute paths of files and directories; C(None) where nobody has declared any, an empty list where people say that there are none.
    """

    what, many, whose = "header's backup", "header backups", "backup of this volume's header"
    length = HEAD_BYTES

    def __init__(self, places: t.Sequence[str] | None) -> None:
        self.places = places
        self._found: list[dict[str, t.Any]] | None = None

    def recognises(self, data: bytes, uuid: str) -> bool:
        """Whether a file that begins so is one.

        :arg uuid: what names the volume.
        """
        try:
            return parse_luks(data).uuid == uuid
        except RefusedError:
            return False

    def found(self, uuid: str) -> list[dict[str, t.Any]]:
        """The files that are recognised as the volume's, in order, as C(facts_of) tells each.

        :raises RefusedError: a place cannot be searched.
        """
        if self._found is None:
            paths = sorted({path for place in self.places or () for path in self._below(place) if self._is_one(path, uuid)})
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

    def precondition(self) -> Precondition:
        if self.places is None:
            return Precondition("no_backup", "unknown", (f"no places of {self.many} or escrow were declared, so none was searched",))
        if not self.places:
            return Precondition("no_backup", "met", (f"declared: there is no {self.whose} and no escrow of the key",))
        told = f"{len(self._found or ())} {self.many} were found in the declared places ({', '.join(self.places)}) and are destroyed too"
        return Precondition("no_backup", "met", (told, "other places were not checked; packed and encrypted files are not recognised"))

    def destroy(self, executor: Executor, found: t.Sequence[t.Mapping[str, t.Any]], note: Note) -> None:
        """:arg found: what C(found) gave, perhaps in an earlier run.

        :raises DisposalError: one was not destroyed.
        """
        for number, each in enumerate(found):
            note("overwriting", {"backup": number})
            result = destroy_file(executor, each)
            if result is not None and result.outcome != "destroyed":
                raise DisposalError(f"the {self.what} {each['path']} was not destroyed: {result.reason}; destroy the medium that holds it")

    def _is_one(self, path: str, uuid: str) -> bool:
        """:raises RefusedError: it cannot be read, so that it may be one."""
        data = _beginning(path, self.length)
        return data is not None and self.recognises(data, uuid)


def _beginning(path: str, length: int) -> bytes | None:
    """What a regular file begins with, C(None) of anything else.

    :raises RefusedError: it cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if os.path.islink(path) or not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        raise RefusedError(
            f"{path} in a declared place cannot be read ({error.strerror}), so nothing was done; it may be a backup"
        ) from error
    try:
        return os.pread(fd, length, 0) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)
