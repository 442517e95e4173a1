# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a journal from a host to the controller: in compressed parts, checked whole, and never in place of a copy that tells more."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import glob
import hashlib
import os
import typing as t
import zlib

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._evidence.chain import ChainReader, opened
from ..module_utils._evidence.parts import MOST_READ
from ..module_utils._executor import Executor

__all__ = ["Fetching", "fetch_journal"]

_CHUNK = 1 << 18
Ask = t.Callable[..., dict[str, t.Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Fetching:
    """What fetching needs.

    :ivar dest: absolute path of the copy.
    :ivar ask: asks the host, by the options of the module that the controller sets.
    :ivar host: that the journal must name, C(head) the digest of its record number C(records); none where that is not known.
    """

    dest: str
    ask: Ask
    executor: Executor
    check_mode: bool
    host: str | None = None
    head: str | None = None
    records: int | None = None


@dataclasses.dataclass(slots=True)
class _Seen:
    """A copy that was read whole; C(at) has the digests of the records whose numbers were asked for, as far as they are there."""

    records: int
    head: str
    torn: int
    digest: str
    at: dict[int, str]
    transferred: int = 0


def fetch_journal(fetching: Fetching) -> dict[str, t.Any]:
    """Fetch, or find that the copy is the host's journal already; returns plain data for the task's result.

    :raises EvidenceError: what came is not a journal, not this one, or tells less than the copy that is there, which stays.
    :raises DisposalError: the host cannot read it, or the copy cannot be written.
    """
    known = os.path.getsize(fetching.dest) if os.path.isfile(fetching.dest) else 0
    told = _whole(fetching.ask(known_bytes=known))
    result = {"changed": False, "dest": fetching.dest, "bytes": told["size"], "digest": told["digest"]}
    own = _digest(fetching.dest, known) if known else None
    if fetching.check_mode:
        return {**result, "changed": own != told["digest"]}
    old = _old(fetching) if known else None
    if old is not None and old.digest == told["digest"]:
        _require_told(fetching, old)
        return {**result, **_shown(old)}
    same_beginning = bool(known) and told["beginning"] == own
    temporary = f"{fetching.dest}.{os.getpid()}.tmp"
    try:
        fetching.executor.makedirs(os.path.dirname(fetching.dest))
        for left in glob.glob(f"{glob.escape(fetching.dest)}.*.tmp"):
            # A fetch that was cut off; sealing would take it for the journal of a host that nobody knows.
            fetching.executor.unlink(left)
        with contextlib.ExitStack() as stack:
            fd = fetching.executor.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            stack.callback(_forget, temporary)
            stack.callback(os.close, fd)
            transferred = _bring(fetching, fd, told, known if same_beginning else 0)
            fetching.executor.fsync(fd)
            new = _seen(fetching, temporary, (fetching.records, old.records if old else 0))
            new.transferred = transferred
            if not _tells_more(fetching, new, old, told):
                return {**result, **_shown(t.cast(_Seen, old)), "transferred": transferred}
            fetching.executor.rename(temporary, fetching.dest)
            fetching.executor.sync_directory(os.path.dirname(fetching.dest))
    except OSError as error:
        what = f"{error.filename or fetching.dest} cannot be written ({error.strerror})"
        raise DisposalError(f"{what}, so the journal is not fetched, and it is still on the host; make room and fetch again") from error
    return {**result, **_shown(new), "changed": True}


def _whole(told: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the host tells about the journal, of the right kinds."""
    size, digest = told.get("size"), told.get("digest")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0 or not isinstance(digest, str):
        raise EvidenceError("the host does not tell length and digest of the journal; is the collection there of the same version?")
    return told


def _shown(seen: _Seen) -> dict[str, t.Any]:
    return {name: getattr(seen, name) for name in ("records", "head", "torn", "transferred")}


def _forget(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _digest(path: str, length: int) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while length and (chunk := file.read(min(length, _CHUNK))):
            total.update(chunk)
            length -= len(chunk)
    return f"sha256:{total.hexdigest()}"


def _bring(fetching: Fetching, fd: int, told: t.Mapping[str, t.Any], offset: int) -> int:
    """Write the journal to C(fd), the first C(offset) bytes from the copy that is there; returns the compressed bytes that came."""
    total, transferred, at = hashlib.sha256(), 0, offset
    if offset:
        with open(fetching.dest, "rb") as file:
            while offset and (chunk := file.read(min(offset, _CHUNK))):
                fetching.executor.write(fd, chunk)
                total.update(chunk)
                offset -= len(chunk)
    while at < told["size"]:
        part = fetching.ask(offset=at, size=told["size"])
        try:
            packed = base64.b64decode(part["data"], validate=True)
            unpack = zlib.decompressobj()
            # No more than one part may hold, whatever the host sends.
            data = unpack.decompress(packed, MOST_READ + 1)
            good = unpack.eof and 0 < len(data) <= told["size"] - at and at + len(data) == part["next"]
        except (KeyError, TypeError, binascii.Error, zlib.error):
            good = False
        if not good:
            raise EvidenceError("the host sent a part of the journal that cannot be unpacked, so nothing was kept of it; fetch again")
        fetching.executor.write(fd, data)
        total.update(data)
        at += len(data)
        transferred += len(packed)
    if f"sha256:{total.hexdigest()}" != told["digest"]:
        raise EvidenceError("the journal is not what the host told of it, so it was changed while it was fetched; look, and fetch again")
    return transferred


def _seen(fetching: Fetching, path: str, numbers: t.Container[int | None]) -> _Seen:
    """Read a copy whole, and keep the digests of some of its records."""
    at: dict[int, str] = {}
    file, _name = opened(path)
    with file:
        reader = ChainReader(file, f"the journal for {os.path.basename(fetching.dest)}", allow_torn=True)
        for record in reader:
            if reader.count == 1 and fetching.host is not None and record.get("host") != fetching.host:
                raise EvidenceError(
                    f"{reader.name} line 1 names the host {record.get('host')!r}, not {fetching.host!r}, so nothing was kept of it; "
                    "correct src, or look why the host has another's journal"
                )
            if reader.count in numbers:
                at[reader.count] = reader.head
    return _Seen(reader.count, reader.head, reader.torn, reader.file_digest, at)


def _old(fetching: Fetching) -> _Seen | None:
    """The copy that is there, none where it is no journal, so that a good one may take its place."""
    with contextlib.suppress(EvidenceError):
        return _seen(fetching, fetching.dest, (fetching.records,))
    return None


def _require_told(fetching: Fetching, seen: _Seen) -> None:
    if fetching.head is not None and seen.at.get(fetching.records or 0) != fetching.head:
        raise EvidenceError(
            f"the journal for {os.path.basename(fetching.dest)} has {seen.records} records and not the digest {fetching.head} at number "
            f"{fetching.records}, which the run returned, so it was changed on the host since; look who did that, and take it from a copy"
        )


def _tells_more(fetching: Fetching, new: _Seen, old: _Seen | None, told: t.Mapping[str, t.Any]) -> bool:
    """Whether the journal that came takes the place of the copy that is there.

    :raises EvidenceError: it is not the one that was told, or has fewer or other records than the copy.
    """
    if new.digest != told["digest"]:
        raise EvidenceError(f"the copy for {fetching.dest} reads otherwise than it was written; look at the disk, and fetch again")
    _require_told(fetching, new)
    if old is None:
        return True
    kept = f"the copy {fetching.dest}, which has {old.records} records, stays as it is"
    if new.records < old.records:
        raise EvidenceError(
            f"the journal on the host has {new.records} records only, so some were cut off there: {kept}; look who did that"
        )
    if old.records and new.at[old.records] != old.head:
        raise EvidenceError(f"the journal on the host has other records, so it was written anew there: {kept}; look who did that")
    return new.records > old.records
