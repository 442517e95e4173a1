# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals that were rotated: packed where they lie, later taken off the host, when one line of C(rotated.jsonl) tells where they are sealed.

Whoever reads a journal reads it through here, and finds a packed one as it was, and one that is gone refused.
"""

from __future__ import annotations

import dataclasses
import errno
import gzip
import io
import os
import typing as t
import zlib

from .._errors import EvidenceError, RefusedError
from .chain import ChainReader, Record, opened
from .clock import is_time

__all__ = [
    "FORMAT",
    "JOURNAL",
    "PACKED",
    "RotatedAway",
    "Unpacked",
    "journal_opened",
    "journal_stands",
    "read_rotated",
    "refuse_begun_anew",
    "refuse_rotated",
    "rotated_path",
]

FORMAT = "recordings.disposal/rotated/1"
JOURNAL = "journal.jsonl"
PACKED = "journal.jsonl.gz"
_NAME = "rotated.jsonl"


@dataclasses.dataclass(frozen=True)
class RotatedAway:
    """A line of C(rotated.jsonl): a journal that was sealed, and that this host need not have any more.

    :ivar plan: the run's name on the controller, C(run) the one on the host.
    :ivar journal: digest of the journal as it was sealed, in so many C(bytes) and C(records), the last of them with the digest C(head).
    :ivar statement: digest of the statement that sealed it.
    :ivar ended: the last time that the journal tells; C(time) when the line was written, before the journal went.
    """

    run: str
    plan: str
    host: str
    journal: str
    bytes: int
    records: int
    head: str
    statement: str
    ended: str
    time: str

    def record(self) -> Record:
        return {"format": FORMAT, **dataclasses.asdict(self)}


_KINDS = {field.name: int if field.name in ("bytes", "records") else str for field in dataclasses.fields(RotatedAway)}
_KEYS = {"seq", "prev", "format", *_KINDS}


class Unpacked(io.RawIOBase):
    """What a packed file holds, to be read; a damaged one is an C(OSError) with a reason, as a broken disk is."""

    def __init__(self, file: t.BinaryIO) -> None:
        self._file = file
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._gzip.tell()
        elif whence == os.SEEK_END:
            while self._read(1 << 18):
                pass
            offset += self._gzip.tell()
        if offset < self._gzip.tell():
            self._gzip.rewind()
        while self._gzip.tell() < offset and self._read(min(offset - self._gzip.tell(), 1 << 18)):
            pass
        return self._gzip.tell()

    def _read(self, length: int) -> bytes:
        try:
            return self._gzip.read(length)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise OSError(errno.EIO, "what was compressed there is damaged") from error

    def close(self) -> None:
        if not self.closed:
            self._gzip.close()
            self._file.close()
        super().close()


def journal_opened(source: str | os.PathLike[str] | t.BinaryIO) -> tuple[t.BinaryIO, str]:
    """A journal open for reading, packed or not, and its name for sentences.

    :raises EvidenceError: it is missing, no regular file or cannot be opened.
    :raises RefusedError: it was taken off this host after it was sealed.
    """
    if not isinstance(source, (str, os.PathLike)):
        return opened(source)
    path = os.fspath(source)
    try:
        return opened(path)
    except EvidenceError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or os.path.basename(path) != JOURNAL:
            raise
        missing = error
    packed = os.path.join(os.path.dirname(path), PACKED)
    try:
        file, name = opened(packed)
    except EvidenceError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        refuse_rotated(path)
        raise missing from None
    return t.cast(t.BinaryIO, io.BufferedReader(Unpacked(file), 1 << 18)), name


def journal_stands(path: str) -> bool:
    """Whether there is a journal, packed or not."""
    return os.path.exists(path) or (os.path.basename(path) == JOURNAL and os.path.exists(os.path.join(os.path.dirname(path), PACKED)))


def rotated_path(state_dir: str) -> str:
    return os.path.join(state_dir, _NAME)


def read_rotated(state_dir: str) -> dict[str, RotatedAway]:
    """By run, the journals that were announced to go from this host; none where there is no C(rotated.jsonl) yet.

    :raises EvidenceError: it is not what was appended; the sentence names the line.
    """
    path = rotated_path(state_dir)
    if not os.path.lexists(path):
        return {}
    found: dict[str, RotatedAway] = {}
    file, name = opened(path)
    with file:
        # Where the last line is torn, what it would have announced was not begun.
        for record in ChainReader(file, name, allow_torn=True):
            line = line_of(record, name)
            found[line.run] = line
    return found


def line_of(record: Record, name: str) -> RotatedAway:
    """:raises EvidenceError: the record is no line of C(rotated.jsonl)."""
    known = set(record) == _KEYS and record["format"] == FORMAT and is_time(record["time"]) and is_time(record["ended"])
    if not known or any(record[key].__class__ is not kind for key, kind in _KINDS.items()):
        raise EvidenceError(
            f"{name} line {record.get('seq', 0) + 1} is not a line on a journal that was rotated, or one of a future version; "
            "compare the file with a copy, or use the version that wrote it"
        )
    return RotatedAway(**{key: record[key] for key in _KINDS})


def refuse_rotated(path: str) -> None:
    """:raises RefusedError: the run whose journal would lie there is over, sealed, and its journal was taken off this host."""
    directory, name = os.path.split(os.path.abspath(path))
    runs, run = os.path.split(directory)
    state_dir, below = os.path.split(runs)
    if name != JOURNAL or below != "runs":
        return
    line = read_rotated(state_dir).get(run)
    if line is not None:
        raise RefusedError(
            f"the run {run} of the plan {line.plan} ended at {line.ended}, and its journal was taken off this host at {line.time}, after the "
            f"statement {line.statement} had sealed it, so nothing was done by that plan again; what became of its sets is in "
            f"runs/{line.plan} on the controller; plan again for what is due now"
        )


def refuse_begun_anew(path: str) -> None:
    """:raises RefusedError: the run whose journal is to be created has one, which is packed or was taken off this host."""
    if os.path.lexists(path):
        return
    if journal_stands(path):
        raise RefusedError(
            f"the journal {path} was compressed because its run is over and sealed, so nothing more is done in that run; "
            "plan again, or run again"
        )
    refuse_rotated(path)
