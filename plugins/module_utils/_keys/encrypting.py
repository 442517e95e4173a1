# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted copy of one file: made without a name, read back from the disk and decrypted, and only then given its name.

So a copy that has a name was whole when it got it, and a process that is killed leaves none behind. What it decrypts to is compared with the
plaintext as that is just before it is destroyed, while nobody else has it open: a digest of what was read for encrypting would prove less.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import typing as t

from .._erasure.attached import carry_over
from .._erasure.keystream import CHUNK
from .._erasure.targets import OpenTarget, refusal, refusal_of
from .._erasure.workers import Buffers
from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .age import Label, check, make_header, read_header, require_own
from .agekeys import FILE_KEY_BYTES, AgeError, Ephemeral, new_secret, wipe
from .agestream import CHUNK as PIECE
from .agestream import NONCE_BYTES, SEALED, Opener, Sealer
from .fromdisk import FromDisk, Pace

__all__ = ["ENDING", "Copy", "Made", "copy_name", "digest_of_copy", "digest_of_plain", "is_copy", "make_copy", "prove"]

ENDING = ".age"
_NAME_BYTES = 255
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT)

# What is read at once: with tags and a header it fits into a thread's other buffer.
_STRIDE = CHUNK - PIECE


class Made(t.NamedTuple):
    """What a journal tells of a copy, by which it is known again.

    :arg size: bytes of the copy.
    :arg copy: SHA-256 of all of it, as it was read from the disk; C(plain) of what it decrypts to.
    :arg read: C(direct) past the page cache, C(cached) through it after it was asked to drop the file.
    """

    dev: int
    ino: int
    size: int
    copy: str
    plain: str
    read: str

    def row(self) -> dict[str, t.Any]:
        return dict(self._asdict())

    @classmethod
    def of(cls, row: t.Mapping[str, t.Any]) -> Made:
        """What C(row) gave."""
        return cls(**{name: row[name] for name in cls._fields})


class Copy:
    """A copy that has no name yet; it goes when it is closed.

    :ivar facts: of the plaintext, when it was read.
    """

    def __init__(self, fd: int, facts: os.stat_result, recipient: bytes, label: Label) -> None:
        self.fd = fd
        self.facts = facts
        self.recipient = recipient
        self.label = label
        self.size = 0
        self.ephemeral = Ephemeral()

    @property
    def identity(self) -> tuple[int, int]:
        facts = os.fstat(self.fd)
        return facts.st_dev, facts.st_ino

    def close(self) -> None:
        """Harmless when done twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def copy_name(name: str) -> str:
    """The name of a file's encrypted copy.

    :raises RefusedError: it would be too long.
    """
    if len(os.fsencode(name)) + len(ENDING) > _NAME_BYTES:
        raise RefusedError(f"its name leaves no room for the ending {ENDING}, so it was not encrypted; shorten it")
    return name + ENDING


def make_copy(
    executor: Executor, target: OpenTarget, recipient: bytes, label: Label, buffers: Buffers, *, pace: Pace | None = None
) -> Copy:
    """Encrypt an open file to one recipient, while nobody else has it open.

    :raises TargetRefusedError: it is open elsewhere, or was changed since it was opened.
    :raises DisposalError: it cannot be read, or the copy cannot be written.
    """
    dir_fd, _name = target.names[0]
    target.lease()
    try:
        copy = Copy(_unnamed(executor, dir_fd), os.fstat(target.fd), recipient, label)
        try:
            _write(executor, target, copy, buffers, pace or (lambda _length: None))
            _dress(executor, target.fd, copy)
        except BaseException:
            copy.close()
            raise
    finally:
        target.release()
    return copy


def _unnamed(executor: Executor, dir_fd: int) -> int:
    try:
        return executor.open_unnamed(dir_fd)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            raise RefusedError("its filesystem has no files without a name, which encryption needs; use ext4 or XFS") from error
        raise _no_copy(error) from error


def _no_copy(error: OSError) -> DisposalError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DisposalError("its filesystem has no room for the encrypted copy; make room and run again")
    return DisposalError(f"the encrypted copy cannot be written ({error.strerror}); look at the medium")


def _write(executor: Executor, target: OpenTarget, copy: Copy, buffers: Buffers, pace: Pace) -> None:
    file_key = new_secret(FILE_KEY_BYTES)
    out = memoryview(buffers.expected)
    sealer = None
    try:
        sealer = Sealer(file_key)
        before = make_header(file_key, copy.recipient, copy.label, copy.ephemeral) + sealer.nonce
        offset = 0
        while True:
            data = _read_plain(target, offset, buffers, pace)
            offset += len(data)
            last = offset >= copy.facts.st_size
            if not last and len(data) < _STRIDE:
                raise refusal("shrunk")
            out[: len(before)] = before
            length = len(before) + sealer.seal_into(data, out[len(before) :], last=last)
            _put(executor, copy.fd, out[:length], pace)
            copy.size += length
            if last:
                break
            before = b""
        if offset != target.size or os.pread(target.fd, 1, offset):
            raise refusal("grown")
    finally:
        wipe(file_key)
        if sealer is not None:
            sealer.wipe()


def _read_plain(target: OpenTarget, offset: int, buffers: Buffers, pace: Pace) -> memoryview:
    pace(max(0, min(_STRIDE, target.size - offset)))
    target.give_way()
    try:
        return buffers.data[: os.preadv(target.fd, [buffers.data[:_STRIDE]], offset)]
    except OSError as error:
        raise DisposalError(f"it cannot be read at offset {offset} ({error.strerror}); look at the medium") from error


def _put(executor: Executor, fd: int, data: memoryview, pace: Pace) -> None:
    pace(len(data))
    try:
        executor.write(fd, data)
    except OSError as error:
        raise _no_copy(error) from error


def _dress(executor: Executor, fd: int, copy: Copy) -> None:
    """Give the copy what its plaintext has beside its bytes, which is metadata and stays plain."""
    try:
        carry_over(executor, fd, copy.fd, copy.facts)
    except OSError as error:
        raise _no_copy(error) from error


def prove(copy: Copy, buffers: Buffers, *, pace: Pace | None = None) -> Made:
    """Read the copy from the disk, find its key as the recipient's holder will, and decrypt it in memory.

    :raises DisposalError: what is on the disk is not what was written.
    """
    source = FromDisk(copy.fd, buffers, pace or (lambda _length: None))
    try:
        plain = _decrypted(copy, source, memoryview(buffers.expected))
    except AgeError as error:
        raise DisposalError(f"the encrypted copy read back differs from what was written ({error.message}); look at the medium") from error
    if source.offset != copy.size:
        raise DisposalError("the encrypted copy read back has another size than was written; look at the medium")
    return Made(*copy.identity, copy.size, source.digest, plain, source.how)


def _decrypted(copy: Copy, source: FromDisk, out: memoryview) -> str:
    """SHA-256 of what a copy decrypts to.

    :raises AgeError: it is not what was written.
    """
    data = source.next(memoryview(b""))
    header = read_header(io.BytesIO(data[:PIECE]))
    file_key = check(header, copy.ephemeral, copy.recipient, copy.label)
    opener = None
    try:
        start = header.length + NONCE_BYTES
        opener = Opener(file_key, bytes(data[header.length : start]))
        plain = hashlib.sha256()
        data = data[start:]
        while not source.ended:
            whole = len(data) // SEALED * SEALED
            # One whole chunk stays: it may be the last.
            whole -= SEALED if whole == len(data) and whole else 0
            plain.update(out[: opener.open_into(data[:whole], out, last=False)] if whole else b"")
            data = source.next(data[whole:])
        plain.update(out[: opener.open_into(data, out, last=True)])
        return plain.hexdigest()
    finally:
        wipe(file_key)
        if opener is not None:
            opener.wipe()


def digest_of_copy(dir_fd: int, name: str, made: Made, buffers: Buffers) -> str | None:
    """SHA-256 of the copy that stands at a name, read from the disk; none where that is another file than was made there."""
    fd = _opened(dir_fd, name, made)
    if fd is None:
        return None
    try:
        return FromDisk(fd, buffers).whole_digest()
    except (OSError, DisposalError):
        return ""
    finally:
        os.close(fd)


def _opened(dir_fd: int, name: str, made: Made) -> int | None:
    try:
        fd = os.open(name, _READ, dir_fd=dir_fd)
    except OSError:
        return None
    facts = os.fstat(fd)
    if stat.S_ISREG(facts.st_mode) and (facts.st_dev, facts.st_ino) == (made.dev, made.ino):
        return fd
    os.close(fd)
    return None


def is_copy(dir_fd: int, name: str, made: Made, key: tuple[str, str]) -> bool:
    """Whether the file at a name is the one that was made there, and says so itself: numbers of files are given out again.

    :arg key: class and period.
    """
    fd = _opened(dir_fd, name, made)
    if fd is None:
        return False
    try:
        with os.fdopen(fd, "rb") as file:
            return require_own(read_header(file))[:2] == key
    except (AgeError, OSError):
        return False


def digest_of_plain(target: OpenTarget, buffers: Buffers, *, pace: Pace | None = None) -> str:
    """SHA-256 of the plaintext once more, while nobody else has it open; the caller keeps others waiting until it has released it.

    :raises TargetRefusedError: it is open elsewhere, or cannot be read.
    """
    target.lease()
    found = hashlib.sha256()
    offset = 0
    try:
        while True:
            if pace is not None:
                pace(min(CHUNK, max(0, target.size - offset)))
            got = os.preadv(target.fd, [buffers.data], offset)
            if not got:
                return found.hexdigest()
            found.update(buffers.data[:got])
            offset += got
    except OSError as error:
        raise refusal_of(error) from None
