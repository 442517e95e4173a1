# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store of evidence does, and what it is given: units of files that are written once and never changed."""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
import errno
import hashlib
import os
import re
import stat
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._executor import Executor

__all__ = ["ROOMS", "Held", "Item", "Store", "Unit", "check_name", "file_item", "stream_digest", "worded"]

# All that lies at the top of a store.
ROOMS = ("certificates", "ledger", "register", "runs", "tombstones")
CHUNK = 1 << 20
_NAME = re.compile(r"[^/\x00-\x1f\x7f\\\"]+(?:/[^/\x00-\x1f\x7f\\\"]+)+")


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A file to store: its C(name) in the store, its C(path) here, or its C(data) where it is made up for the store."""

    name: str
    path: str
    size: int
    digest: str
    data: bytes | None = None

    def chunks(self) -> t.Iterator[bytes]:
        if self.data is not None:
            yield self.data
            return
        with open(self.path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """Files that belong together.

    :ivar kind: C(run), C(ledger), C(certificate) or C(register).
    :ivar prefix: of all their names, with a slash at its end.
    :ivar title: one line that says what they are.
    :ivar since: from when their retention counts.
    :ivar source: the directory here that they come from.
    """

    kind: str
    id: str
    prefix: str
    title: str
    since: dt.datetime
    items: tuple[Item, ...]
    source: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A file that a store holds.

    :ivar fault: why it is not as it was stored; empty where nothing speaks against it.
    :ivar mark: what the store itself calls its content, where it has such a name.
    """

    size: int
    fault: str = ""
    mark: str = ""


class Store(abc.ABC):
    """A store; nothing in it is ever overwritten.

    :ivar place: it in words.
    """

    kind: t.ClassVar[str]
    place: str

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    @abc.abstractmethod
    def describe(self) -> dict[str, t.Any]:
        """It as plain data for a result."""

    @abc.abstractmethod
    def check(self) -> list[str]:
        """A sentence for each property that was seen to hold.

        :raises RefusedError: it is no store that can be relied on.
        """

    @abc.abstractmethod
    def make(self) -> bool:
        """Make it where it can be made and is not there; whether that was done, or would be in check mode."""

    @abc.abstractmethod
    def held(self) -> dict[str, Held]:
        """All that it holds, by name."""

    @abc.abstractmethod
    def digests(self, names: t.Collection[str]) -> dict[str, str]:
        """The digests of what it holds under these names, read from the store."""

    @abc.abstractmethod
    def read(self, name: str) -> bytes:
        """A small file."""

    @abc.abstractmethod
    def put(self, unit: Unit, items: t.Sequence[Item], until: dt.datetime) -> None:
        """Add files of a unit, each whole or not at all, to be kept until then."""

    def extend(self, names: t.Collection[str], until: dt.datetime, held: t.Mapping[str, Held], *, check_mode: bool) -> int:
        """Have the store itself refuse longer to delete files; how many that was, or would be in check mode."""
        return 0

    def locked(self, name: str) -> tuple[dt.datetime | None, bool]:
        """Until when the store itself refuses to delete a file, and whether somebody placed a hold on it there."""
        return None, False

    @abc.abstractmethod
    def remove(self, names: t.Collection[str]) -> None:
        """Delete files for good.

        :raises RefusedError: the store cannot, or refuses to.
        """

    def opened(self) -> None:  # noqa: B027 (most kinds need nothing)
        """Called before writing.

        :raises RefusedError: somebody else writes there.
        """

    def closed(self) -> None:  # noqa: B027
        """Called after writing, whatever came of it."""


def check_name(name: str) -> str:
    """The name, if every store can hold it.

    :raises EvidenceError: it cannot.
    """
    if not _NAME.fullmatch(name) or any(part in (".", "..") for part in name.split("/")) or len(os.fsencode(name)) > 900:
        raise EvidenceError(f"{name[:120]!a} is no name of a file of evidence, so it is not stored; look what it is, and move it away")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise EvidenceError(f"{name[:120]!a} is not UTF-8, so it is not stored; look what it is, and move it away") from None
    return name


def stream_digest(chunks: t.Iterable[bytes]) -> tuple[str, int]:
    """C(sha256:<hex>) and length."""
    found, size = hashlib.sha256(), 0
    for chunk in chunks:
        found.update(chunk)
        size += len(chunk)
    return "sha256:" + found.hexdigest(), size


def file_item(path: str, name: str) -> Item:
    """A regular file to store.

    :raises EvidenceError: it is none, or cannot be read.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise EvidenceError(f"{path} is not a regular file, so it is not stored; look what it is, and move it away")
        item = Item(check_name(name), path, 0, "")
        digest, size = stream_digest(item.chunks())
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror}); repair that") from error
    return Item(name, path, size, digest)


def worded(error: OSError, place: str) -> RefusedError:
    """An error of the operating system as a sentence: full, read-only, or what it is."""
    words = {errno.ENOSPC: "is full", errno.EDQUOT: "has no quota left", errno.EROFS: "is read-only"}
    told = words.get(error.errno or 0, "cannot be written")
    where = f" at {error.filename}" if error.filename else ""
    return RefusedError(
        f"{place} {told} ({error.strerror or error}{where}); what is whole there counts, nothing half-written does; "
        "make room or repair that, and run again, which goes on"
    )
