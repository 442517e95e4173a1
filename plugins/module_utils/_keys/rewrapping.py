# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give recordings that must be kept another key: headers go to where the keys are and come back made anew; payloads stay where they are.

A header tells neither a name nor a path, so nothing personal leaves the host; it is known again by its digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import os
import typing as t

from .._erasure.attached import carry_over
from .._erasure.keystream import CHUNK
from .._erasure.targets import Expected, refusal_of
from .._erasure.workers import Buffers
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import canonical
from .._executor import Executor
from .age import Header, Label, read_header, require_own, rewrap, unwrap
from .agekeys import AgeError, fingerprint, wipe
from .fromdisk import FromDisk

__all__ = ["Answers", "answer_all", "ask_line", "digest_of_header", "read_answers", "replace_header"]

_FORMAT = "recordings.disposal/rewrap/1"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST_LINE = 1 << 20

Answers = t.Mapping[str, bytes]
"""New headers, by the digest of the old one."""


def digest_of_header(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def ask_line(raw: bytes) -> bytes:
    """A line of what a host asks for: one header."""
    return canonical({"format": _FORMAT, "header": base64.b64encode(raw).decode("ascii")}) + b"\n"


def _lines(path: str) -> t.Iterator[dict[str, t.Any]]:
    """:raises RefusedError: the file cannot be read, or has another form."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                try:
                    found = json.loads(line)
                except ValueError:
                    found = None
                if not isinstance(found, dict) or found.get("format") != _FORMAT or not line.endswith(b"\n"):
                    raise RefusedError(f"{path} line {number} is not of the form {_FORMAT}, so nothing was done; have the host ask again")
                yield found
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror}), so nothing was done; correct the path") from error


def _header(text: t.Any, path: str) -> Header:
    try:
        return read_header(io.BytesIO(base64.b64decode(text, validate=True)))
    except (TypeError, ValueError, binascii.Error) as error:
        raise RefusedError(f"{path} holds a header that is not base64, so nothing was done; have the host ask again") from error
    except AgeError as error:
        raise RefusedError(f"{path} holds a header that is none ({error.message}), so nothing was done; have the host ask again") from error


def answer_all(executor: Executor, asks: str, answers: str, identity: bytearray, old: Label, recipient: bytes, new: Label) -> int:
    """Make every header of a host's file anew for another recipient, and write the answers; returns how many.

    :arg identity: of the key that they are wrapped with now, and C(old) its label.
    :raises RefusedError: a header is not of this key; then no answers are written.
    """
    lines = []
    for line in _lines(asks):
        header = _header(line.get("header"), asks)
        try:
            if require_own(header).fingerprint != old.fingerprint:
                raise AgeError("its label names another key")
            made = rewrap(header, identity, recipient, new)
        except AgeError as error:
            raise RefusedError(
                f"{asks} holds a header that does not go with the key of {old.retention_class} {old.period} ({error.message}), so nothing was done; "
                "look at the file that it is of"
            ) from error
        told = {"format": _FORMAT, "old": digest_of_header(header.raw), "header": base64.b64encode(made).decode("ascii")}
        lines.append(canonical(told) + b"\n")
    executor.replace_file(answers, lines)
    return len(lines)


def require_answered(answers: str, identity: bytearray, asked: int) -> None:
    """Read answers back and open each with the new identity.

    :raises DisposalError: one does not open; none may be used.
    """
    count = 0
    for line in _lines(answers):
        try:
            wipe(unwrap(_header(line.get("header"), answers), identity))
        except AgeError as error:
            raise DisposalError(
                f"an answer in {answers} does not open with its new key ({error.message}); none of them is to be used"
            ) from error
        count += 1
    if count != asked:
        raise DisposalError(f"{answers} holds {count} answers and {asked} were made; none of them is to be used, run again")


def read_answers(path: str, recipient: bytes) -> Answers:
    """What came back, by the digest of what was asked.

    :raises RefusedError: the file cannot be read, or an answer is for another recipient.
    """
    found: dict[str, bytes] = {}
    for line in _lines(path):
        header, old = _header(line.get("header"), path), line.get("old")
        try:
            label = require_own(header)
        except AgeError as error:
            raise RefusedError(
                f"{path} holds an answer that others could open ({error.message}), so nothing was done; have it made again"
            ) from error
        if label.fingerprint != fingerprint(recipient) or not isinstance(old, str):
            raise RefusedError(f"{path} holds an answer for another recipient than was given, so nothing was done; give the right one")
        found[old] = header.raw
    return found


def replace_header(executor: Executor, dir_fd: int, name: str, expected: Expected, old: bytes, new: bytes) -> None:
    """Put a new header before a file's payload, in a new file that takes the name once it was read back.

    :arg expected: what the file was when it was looked at.
    :arg old: the header that it has.
    :raises DisposalError: the file is another one now, or the new one could not be written or read back; the old one stays.
    """
    try:
        fd = os.open(name, _READ, dir_fd=dir_fd)
    except OSError as error:
        raise refusal_of(error) from None
    fresh = -1
    aside = f".{hashlib.sha256(old).hexdigest()[:16]}.rewrap"
    try:
        facts = os.fstat(fd)
        if (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns) != (expected.dev, expected.ino, expected.size, expected.mtime_ns):
            raise DisposalError("it was changed since it was looked at, so it was left alone; run again")
        if facts.st_nlink != 1 or os.pread(fd, len(old), 0) != old:
            raise DisposalError("it has another name, or another header than was asked about, so it was left alone; look at it")
        fresh = executor.open_unnamed(dir_fd)
        written = _copied(executor, fd, fresh, len(old), new)
        carry_over(executor, fd, fresh, facts)
        executor.fsync(fresh)
        if FromDisk(fresh, Buffers()).whole_digest() != written:
            raise DisposalError(
                "what was written with its new header reads back as something else, so it was left as it was; look at the medium"
            )
        _forget(executor, aside, dir_fd)
        executor.give_name(fresh, aside, dir_fd=dir_fd)
        if not _same(facts, os.fstat(fd)):
            _forget(executor, aside, dir_fd)
            raise DisposalError("it was changed while its new header was written, so it was left alone; run again")
        # Atomically over the old file, whose payload is the same.
        executor.rename(aside, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        executor.sync_directory(dir_fd)
    except OSError as error:
        raise DisposalError(
            f"it could not be given its new header ({error.strerror}); it stays as it was, so make room and run again"
        ) from error
    finally:
        os.close(fd)
        if fresh >= 0:
            os.close(fresh)


def _forget(executor: Executor, aside: str, dir_fd: int) -> None:
    """Take away what an interrupted attempt had left under its passing name."""
    try:
        executor.unlink(aside, dir_fd=dir_fd)
    except FileNotFoundError:
        return


def _same(then: os.stat_result, now: os.stat_result) -> bool:
    """Whether nothing of a file has changed, also of its attributes."""
    return (then.st_size, then.st_mtime_ns, then.st_ctime_ns, then.st_nlink) == (
        now.st_size,
        now.st_mtime_ns,
        now.st_ctime_ns,
        now.st_nlink,
    )


def _copied(executor: Executor, fd: int, fresh: int, offset: int, new: bytes) -> str:
    """Write the new header and copy the payload; the SHA-256 of both."""
    executor.write(fresh, new)
    found = hashlib.sha256(new)
    while True:
        data = os.pread(fd, CHUNK, offset)
        if not data:
            return found.hexdigest()
        found.update(data)
        executor.write(fresh, data)
        offset += len(data)
