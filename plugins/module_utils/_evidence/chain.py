# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chained JSON Lines: each line names the digest of the line before it.

A journal on a host and the ledger on the controller are such files. They are read streaming, one line in memory at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import typing as t

from .._errors import DisposalError, EvidenceError
from .._executor import Executor
from .canonical import canonical, text_bytes
from .shapes import Shapes

__all__ = ["MAX_LINE", "NO_HEAD", "ChainReader", "ChainWriter", "Record", "opened"]

Record = dict[str, t.Any]
_Writer = t.TypeVar("_Writer", bound="ChainWriter")

NO_HEAD = "sha256:" + 64 * "0"
MAX_LINE = 1 << 20
_FLUSH_AT = 1 << 18


def _refuse_number(text: str) -> t.NoReturn:
    raise ValueError(f"it holds the number {text[:20]}, and only whole numbers are allowed")


_scan = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number).raw_decode
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def _parse(line: bytes) -> tuple[Record | None, str]:
    """A line as a record, and its text; no record where the line is no JSON object."""
    try:
        text = line.decode("utf-8")
        record, end = _scan(text)
    except (ValueError, RecursionError):
        return None, ""
    return (record, text) if isinstance(record, dict) and end == len(text) else (None, "")


class ChainReader:
    """Iterates over the records of a chained file, checking each one's number, link and canonical form byte by byte.

    A torn last record, such as a crash leaves, is a fault unless C(allow_torn).

    :ivar line: bytes of the record given last, without its newline.
    :ivar head: digest of that line; C(NO_HEAD) before the first.
    :ivar count: records given so far.
    :ivar end: bytes up to the end of that record.
    :ivar torn: bytes of the torn last record, known at the end.
    :ivar file_digest: digest of the whole file, known at the end.
    """

    def __init__(self, file: t.BinaryIO, name: str, *, allow_torn: bool = False) -> None:
        self.name = name
        self.line = b""
        self.head = NO_HEAD
        self.count = 0
        self.end = 0
        self.torn = 0
        self._file = file
        self._allow_torn = allow_torn
        self._bytes = hashlib.sha256()
        self._shapes = Shapes()

    @property
    def file_digest(self) -> str:
        return "sha256:" + self._bytes.hexdigest()

    def fault(self, what: str, *, line: int | None = None) -> EvidenceError:
        """An error that names the place; C(line) counts from 1 and is the one being read if not given."""
        number = self.count + 1 if line is None else line
        return EvidenceError(f"{self.name} line {number} {what}", details={"line": number})

    def __iter__(self) -> t.Iterator[Record]:
        readline, sha256, note = self._file.readline, hashlib.sha256, self._bytes.update
        while True:
            try:
                raw = readline(MAX_LINE + 1)
            except OSError as error:
                raise self.fault(f"cannot be read ({error.strerror}); read it from a copy, or repair the disk") from error
            if not raw:
                return
            note(raw)
            line = raw[:-1]
            record = self._canonical(line) if raw.endswith(b"\n") else None
            if record is None:
                self._tail(raw)
                return
            if record.get("prev") != self.head:
                raise self.fault("does not name the digest of the line before it, so lines were changed or moved; compare it with a copy")
            number = record.get("seq")
            if number != self.count or isinstance(number, bool):
                raise self.fault(f"has the number {number!r}, not {self.count}; compare the file with a copy")
            self.line = line
            self.head = "sha256:" + sha256(line).hexdigest()
            self.count += 1
            self.end += len(raw)
            yield record

    def _canonical(self, line: bytes) -> Record | None:
        """A line's record, which is in canonical form byte by byte; none where the line is no JSON object."""
        try:
            known = self._shapes.read(line.decode("utf-8"))
        except ValueError:
            return None
        if known is not None:
            return known
        record, text = _parse(line)
        if record is not None:
            if _encode(record) != text and text_bytes(_encode(record)) != line:
                raise self.fault("is not in canonical form, so it was changed after it was written; compare it with a copy")
            self._shapes.learn(record, text)
        return record

    def _tail(self, raw: bytes) -> None:
        if len(raw) > MAX_LINE:
            raise self.fault(f"is longer than {MAX_LINE} bytes, which no record is; compare the file with a copy")
        # What a crash leaves has no newline, or zeros where a block was never written, and no whole record before them.
        lost = not raw.endswith(b"\n") or (b"\0" in raw and _parse(raw.partition(b"\0")[0])[0] is None)
        if not lost or self._file.read(1):
            raise self.fault("is not a record, so the file was changed after it was written; compare it with a copy")
        if not self._allow_torn:
            raise self.fault(f"is torn ({len(raw)} bytes without a whole record); run the same play again, which finishes what was cut off")
        self.torn = len(raw)


def opened(source: str | os.PathLike[str] | t.BinaryIO) -> tuple[t.BinaryIO, str]:
    """A chained file open for reading, and its name for sentences.

    :raises EvidenceError: it is missing, no regular file or cannot be opened.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source, str(getattr(source, "name", "the file"))
    name = os.fspath(source)
    try:
        # Not blocking: a pipe with nobody at its other end would hold the reader for ever.
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise EvidenceError(f"{name} cannot be opened ({error.strerror}); name the file that the run wrote") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise EvidenceError(f"{name} is not a regular file; name the file that the run wrote")
    return os.fdopen(fd, "rb", buffering=1 << 18), name


class ChainWriter:
    """Appends records to a chained file that it alone has open.

    Records are buffered until C(sync). After a failed write nothing more is taken: what reached the file ends, at worst, in a torn
    record, which the next opening drops.

    :ivar head: digest of the last record, written or buffered.
    :ivar seq: number that the next record gets.
    :ivar torn: bytes of a torn last record that opening dropped.
    """

    def __init__(self, path: str, *, executor: Executor, fold: t.Callable[[Record], None] | None = None) -> None:
        """Create or resume; each record already there goes to C(fold).

        :raises EvidenceError: the file is not what a writer left, the line is named; or it is in use.
        :raises DisposalError: it cannot be created, opened or repaired.
        """
        self.path = path
        self._executor = executor
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._failure: str | None = None
        try:
            self._fd = executor.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            raise self._cannot("opened", error) from error
        try:
            self._take_over(fold)
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise

    def _cannot(self, verb: str, error: OSError) -> DisposalError:
        self._failure = (
            f"{self.path} cannot be {verb} ({error.strerror}), so nothing more is done that it would have to record; "
            "repair that or make room, and run the same play again"
        )
        return DisposalError(self._failure)

    def _take_over(self, fold: t.Callable[[Record], None] | None) -> None:
        facts = os.fstat(self._fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            raise EvidenceError(f"{self.path} is not a regular file of its own; look what put it there, and move it aside")
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EvidenceError(f"{self.path} is being written by another process; wait until that has ended") from error
        with open(self._fd, "rb", buffering=1 << 18, closefd=False) as file:
            reader = ChainReader(file, self.path, allow_torn=True)
            for record in reader:
                if fold is not None:
                    fold(record)
        self.head, self.seq, self.torn = reader.head, reader.count, reader.torn
        try:
            if reader.torn:
                self._executor.ftruncate(self._fd, reader.end)
            self._executor.fsync(self._fd)
            self._executor.sync_directory(os.path.dirname(self.path) or ".")
        except OSError as error:
            raise self._cannot("made durable", error) from error

    def _usable(self) -> None:
        if self._failure:
            raise DisposalError(self._failure)
        if self._fd < 0:
            raise DisposalError(f"{self.path} is closed; open it again to add to it")

    def put(self, record: Record, *, fold: t.Callable[[Record], None] | None = None) -> str:
        """Number and link a record, show it to C(fold), which may refuse it, and buffer it; returns its digest.

        :raises ValueError: a float, or a record longer than C(MAX_LINE).
        :raises DisposalError: the buffer was full and could not be written.
        """
        self._usable()
        record["seq"], record["prev"] = self.seq, self.head
        line = canonical(record)
        if len(line) >= MAX_LINE:
            raise ValueError(f"a record of {len(line)} bytes is longer than {MAX_LINE}")
        if fold is not None:
            fold(record)
        self.head = "sha256:" + hashlib.sha256(line).hexdigest()
        self.seq += 1
        self._buffer.append(line)
        self._buffered += len(line) + 1
        if self._buffered >= _FLUSH_AT:
            self._flush()
        return self.head

    def _flush(self) -> None:
        if not self._buffer:
            return
        data = b"\n".join(self._buffer) + b"\n"
        self._buffer, self._buffered = [], 0
        try:
            self._executor.write(self._fd, data)
        except OSError as error:
            raise self._cannot("written", error) from error

    def sync(self) -> None:
        """Bring every record to stable storage.

        :raises DisposalError: it could not be; this writer takes nothing more, since a second flush may succeed without the lost data.
        """
        self._usable()
        self._flush()
        try:
            self._executor.fsync(self._fd)
        except OSError as error:
            raise self._cannot("made durable", error) from error

    def close(self) -> None:
        """Sync, unless writing has failed before, and close; a second call does nothing."""
        if self._fd < 0:
            return
        try:
            if not self._failure:
                self.sync()
        finally:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self: _Writer) -> _Writer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
