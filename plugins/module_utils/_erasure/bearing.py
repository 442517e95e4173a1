# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bears canaries: where they are laid before a sanitize, and what of them is found after it."""

from __future__ import annotations

import abc
import contextlib
import os
import typing as t
from dataclasses import replace

from .._errors import RefusedError
from .._executor import Executor
from .._media.guards import gather_use, require_free
from .._media.hidden import Hidden
from .._media.identity import Device, find_device, same_medium
from .canary import BLOCK, Canaries
from .filesystem import LIMIT_FLASH, FilesystemProbe
from .looking import Look, Seen, look_at_device
from .opened import drop_buffers, open_device
from .workers import Buffers

__all__ = ["Bearer", "BlockBearer", "Remains"]

LIMIT_FAILED = "whether the disk hides capacity could not be asked in its failure mode"


class Remains(t.NamedTuple):
    """What a look back found.

    :arg left: canaries of which something is left; C(unread) those that could not be read.
    :arg residue: what else is there that should not be; C(unlooked) why not all could be looked at.
    """

    left: int
    unread: int
    residue: str = ""
    unlooked: str = ""
    read_bytes: int = 0
    beginnings: int = 0
    limits: tuple[str, ...] = ()


class Bearer(abc.ABC):
    """One medium with its canaries.

    :ivar name: the kernel's, for a person.
    :ivar limit: what of such a medium nobody can read, whatever is done.
    :ivar count: how many canaries it bears.
    """

    name: str
    limit: str
    count: int

    @abc.abstractmethod
    def require_free(self, on_unseen: str, *, failed: bool = False) -> list[str]:
        """The limits that the medium's surroundings set to a proof.

        :arg failed: it is in the failure mode of a sanitize, in which it answers few questions.
        :raises RefusedError: something speaks against destroying what is on it.
        """

    @abc.abstractmethod
    def held(self, executor: Executor, *, failed: bool = False) -> t.ContextManager[None]:
        """For this process alone, as far as the command that follows leaves room for that.

        :arg failed: it is in the failure mode of a sanitize, in which it may show no size.
        :raises RefusedError: it cannot be had so.
        """

    @abc.abstractmethod
    def lay(self, executor: Executor) -> int:
        """Write the canaries and read them back, past all caches; how many there are. It is held.

        :raises RefusedError: they did not stay, so that nothing could be proven.
        """

    @abc.abstractmethod
    def count_left(self) -> tuple[int, int]:
        """How many canaries are left, and how many cannot be read."""

    @abc.abstractmethod
    def look_back(self, look: Look) -> Remains:
        """Look for canaries, and at the rest as far as was asked for, on what the identity names now.

        :raises RefusedError: it cannot be looked at, or is another medium.
        """


class BlockBearer(Bearer):
    """A block device: canaries lie across all of it."""

    limit = "what became of spare, remapped and hidden blocks is the device's own word: they cannot be read from outside"

    def __init__(self, device: Device, canaries: Canaries) -> None:
        self.device, self.canaries, self.name = device, canaries, device.name
        self.count = len(canaries.places())
        self._fd = -1

    def require_free(self, on_unseen: str, *, failed: bool = False) -> list[str]:
        use = gather_use(self.device)
        if failed and use.hidden.state == "unknown":
            use = replace(use, hidden=Hidden("unasked", ""))
        require_free(use, on_unseen=on_unseen)
        # Such as that a virtual machine's disk is not the medium; what overwriting does not reach, firmware does.
        limits = FilesystemProbe().assess_device(self.device.major, self.device.minor).limits
        if use.hidden.state == "unasked" and failed:
            limits = (*limits, LIMIT_FAILED)
        return [
            *(limit for limit in limits if limit != LIMIT_FLASH),
            *(f"whether {process} had {self.name} open could not be determined" for process in use.unseen[:3]),
        ]

    @contextlib.contextmanager
    def held(self, executor: Executor, *, failed: bool = False) -> t.Iterator[None]:
        self._fd = open_device(executor, self.device, sizeless=failed)
        try:
            yield
        finally:
            os.close(self._fd)

    def lay(self, executor: Executor) -> int:
        buffers, places = Buffers(), self.canaries.places()
        if BLOCK % self.device.logical:
            raise RefusedError(
                f"{self.name} has sectors of {self.device.logical} bytes, larger than a canary, so nothing was done; overwrite it"
            )
        try:
            for place in places:
                buffers.data[:BLOCK] = self.canaries.content(place)
                if executor.pwrite(self._fd, buffers.data[:BLOCK], place) != BLOCK:
                    raise OSError(5, "a canary was written in part")
            executor.fsync(self._fd)
            drop_buffers(executor, self._fd)
            stayed = sum(self.canaries.content(place) == bytes(self._read(place, buffers)) for place in places)
        except OSError as error:
            raise RefusedError(
                f"canaries cannot be written to {self.name} ({error.strerror}), so nothing could be proven and it was not sanitized; "
                "destroy the medium physically, or look at its connection"
            ) from error
        if stayed != len(places):
            raise RefusedError(
                f"{len(places) - stayed} of {len(places)} canaries did not stay on {self.name}, so nothing could be proven and it was not "
                "sanitized; destroy the medium physically"
            )
        return len(places)

    def _read(self, place: int, buffers: Buffers) -> memoryview:
        return buffers.data[: os.preadv(self._fd, [buffers.data[:BLOCK]], place)]

    def count_left(self) -> tuple[int, int]:
        found = look_at_device(self.device, Look(every=0, canaries=self.canaries))
        return len(found.canaries_left), found.canaries_unread

    def look_back(self, look: Look) -> Remains:
        found = find_device(self.device.asked)
        if not same_medium(found.identity, self.device.identity):
            raise RefusedError(f"{found.name} is another medium now")
        return _remains(found.name, look_at_device(found, replace(look, canaries=self.canaries)))


def _remains(name: str, seen: Seen) -> Remains:
    residue = unlooked = ""
    if seen.beginnings_count:
        offset, kind = seen.beginnings[0]
        residue = f"{seen.beginnings_count} known beginnings are found on {name}, the first is {kind} at offset {offset}"
    if seen.unread.bad_bytes:
        unlooked = f"{seen.unread.bad_bytes} bytes of {name} could not be read ({seen.unread.told()})"
    return Remains(
        len(seen.canaries_left), seen.canaries_unread, residue, unlooked, seen.read_bytes, seen.beginnings_count, tuple(seen.limits)
    )
