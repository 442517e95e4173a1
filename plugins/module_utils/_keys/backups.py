# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a key or of what holds it, searched for in the places that people declare, told from all else, and destroyed."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .erasable import Note
from .files import destroy_noted, facts_of, require_destroyable, require_plain
from .luks import Read
from .preconditions import Precondition

__all__ = ["INSIDE", "NONE", "OWN", "UNCLEAR", "Backups", "Read"]

_MOST = 100_000
_NAMED = 5

# What a file is: nothing of it, a copy as a whole, something larger that has a copy in it, or what may be either.
NONE, OWN, INSIDE, UNCLEAR = "none", "own", "inside", "unclear"


class _Searched(t.NamedTuple):
    """What the places hold.

    :arg own: copies, as C(facts_of) tells each; C(inside) and C(unclear) paths with what was seen.
    """

    own: list[dict[str, t.Any]]
    inside: dict[str, str]
    unclear: dict[str, str]


class Backups:
    """The declared places.

    :cvar what: is looked for there, C(many) of them, and C(whose) each is, for a person.
    :arg places: absolute paths of files and directories; C(None) where nobody has declared any, an empty list where people say that there are none.
    :arg spared: device and inode of files that begin alike and are no backup: the one below a loop device, or the detached header itself.
    """

    what, many, whose = "copy", "copies", "copy of it"

    def __init__(self, places: t.Sequence[str] | None, *, spared: t.Collection[tuple[int, int]] = ()) -> None:
        self.places, self.spared = places, spared
        self._searched: dict[t.Hashable, _Searched] = {}

    def recognises(self, read: Read, uuid: str) -> bool:
        """Whether a file is one.

        :arg uuid: what names the volume, or the key.
        """
        raise NotImplementedError

    def judged(self, read: Read, size: int, uuid: str) -> tuple[str, str]:
        """What a file is, and what was seen in it, one clause.

        :arg size: of the file.
        """
        return (OWN if self.recognises(read, uuid) else NONE), ""

    def sought(self, uuid: str) -> t.Hashable:
        """All that C(judged) goes by: what was searched for another volume says nothing of this one."""
        return uuid

    def _search(self, uuid: str) -> _Searched:
        """:raises RefusedError: a place is none that can be searched."""
        sought = self.sought(uuid)
        if sought not in self._searched:
            found = _Searched([], {}, {})
            for path, why in sorted(each for place in self.places or () for each in self._below(place)):
                state, told = (UNCLEAR, why) if why else self._looked_at(path, uuid)
                if state == OWN and all(each["path"] != path for each in found.own):
                    found.own.append(facts_of(path))
                elif state in (INSIDE, UNCLEAR):
                    {INSIDE: found.inside, UNCLEAR: found.unclear}[state][path] = told
            self._searched[sought] = found
        return self._searched[sought]

    def found(self, uuid: str) -> list[dict[str, t.Any]]:
        """The files that are copies, in order, as C(facts_of) tells each.

        :raises RefusedError: a place is none that can be searched.
        """
        return self._search(uuid).own

    def any_left(self, uuid: str) -> bool:
        """Whether a copy is there, be it within something larger."""
        return bool(self.found(uuid) or self._search(uuid).inside)

    def _below(self, place: str) -> t.Iterator[tuple[str, str]]:
        """Each path in a place, with the reason where it cannot be looked at."""
        require_plain(place, f"the declared place of a {self.what}")
        if not os.path.lexists(place):
            raise RefusedError(
                f"the declared place {place} of a {self.what} does not exist, so nothing was done; correct it, or take it off the list"
            )
        if not os.path.isdir(place):
            yield place, ""
            return
        unread: list[OSError] = []
        count = 0
        for directory, names, files in os.walk(place, onerror=unread.append):
            links = [name for name in names if os.path.islink(os.path.join(directory, name))]
            for name in (*files, *links):
                count += 1
                if count > _MOST:
                    raise RefusedError(
                        f"the declared place {place} has more than {_MOST} files, so nothing was done; declare a narrower one"
                    )
                yield os.path.join(directory, name), ""
        yield from ((str(error.filename), f"it cannot be searched ({error.strerror})") for error in unread)

    def require_ready(self, uuid: str) -> None:
        """:raises RefusedError: a backup cannot be destroyed, or a declared file is none."""
        searched = self._search(uuid)
        paths = [each["path"] for each in searched.own]
        for path in paths:
            require_destroyable(path, f"the {self.what}")
        for place in self.places or ():
            if not os.path.isdir(place) and place not in (*paths, *searched.inside, *searched.unclear):
                raise RefusedError(
                    f"the declared file {place} is no {self.whose}, so nothing was done; correct the list, nothing else is destroyed"
                )

    def precondition(self, uuid: str) -> Precondition:
        if self.places is None:
            return Precondition("no_backup", "unknown", (f"no places of {self.many} or escrow were declared, so none was searched",))
        if not self.places:
            return Precondition("no_backup", "met", (f"declared: there is no {self.whose} and no escrow of the key",))
        searched = self._search(uuid)
        told = [f"{len(searched.own)} {self.many} were found in the declared places ({', '.join(self.places)}) and are destroyed too"]
        if searched.inside:
            told.append(f"a {self.whose} lies within something larger, which is not destroyed here: {_named(searched.inside)}")
        if searched.unclear:
            told.append(f"whether it is a {self.whose} cannot be told: {_named(searched.unclear)}")
        told.append("other places were not checked; packed and encrypted files are not recognised")
        return Precondition("no_backup", "not_met" if searched.inside else "unknown" if searched.unclear else "met", tuple(told))

    def destroy(self, executor: Executor, found: t.Sequence[t.Mapping[str, t.Any]], note: Note, proven: t.Mapping[str, str]) -> None:
        """:arg found: what C(found) gave, perhaps in an earlier run; C(proven) what it has noted as overwritten.

        :raises DisposalError: one was not destroyed.
        """
        for each in found:
            destroy_noted(executor, each, f"the {self.what}", note, proven)

    def _looked_at(self, path: str, uuid: str) -> tuple[str, str]:
        """What a path is; whatever cannot be read may be a copy."""
        try:
            mode = os.lstat(path).st_mode
            if not stat.S_ISREG(mode):
                return UNCLEAR, "it is a symbolic link" if stat.S_ISLNK(mode) else "it is no regular file"
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            return UNCLEAR, f"it cannot be read ({error.strerror})"
        try:
            facts = os.fstat(fd)
            if (facts.st_dev, facts.st_ino) in self.spared:
                return NONE, ""
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
            return self.judged(lambda offset, length: os.pread(fd, length, offset), facts.st_size, uuid)
        except OSError as error:
            return UNCLEAR, f"it cannot be read ({error.strerror})"
        finally:
            os.close(fd)


def _named(paths: t.Mapping[str, str]) -> str:
    """Some paths with what was seen in each, and how many more there are."""
    first = ", ".join(f"{path} ({told})" for path, told in list(paths.items())[:_NAMED])
    more = len(paths) - _NAMED
    return f"{first} and {more} more" if more > 0 else first
