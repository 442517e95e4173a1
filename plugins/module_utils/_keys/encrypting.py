# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted copy of one file: made without a name, read back from the disk and decrypted, and only then given its name.

So a copy that has a name was whole when it got it, and a process that is killed leaves none behind.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import typing as t

from .._erasure.attached import attribute_names
from .._erasure.keystream import CHUNK
from .._erasure.rangeio import set_direct
from .._erasure.targets import OpenTarget, refusal, refusal_of
from .._erasure.workers import Buffers
from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .age import Label, check, make_header, read_header, require_own
from .agekeys import FILE_KEY_BYTES, AgeError, Ephemeral, new_secret, wipe
from .agestream import Sealer, decrypt

__all__ = ["ENDING", "Copy", "Made", "copy_name", "digest_of_copy", "digest_of_plain", "is_copy", "make_copy", "prove"]

ENDING = ".age"
_NAME_BYTES = 255
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ACCESS_LIST = "system.posix_acl_access"
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT)

Pace = t.Callable[[int], None]


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
        self.plain = ""
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


def make_copy(executor: Executor, target: OpenTarget, recipient: bytes, label: Label, *, pace: Pace | None = None) -> Copy:
    """Encrypt an open file to one recipient, while nobody else has it open.

    :raises TargetRefusedError: it is open elsewhere, or was changed since it was opened.
    :raises DisposalError: it cannot be read, or the copy cannot be written.
    """
    dir_fd, _name = target.names[0]
    target.lease()
    try:
        copy = Copy(_unnamed(executor, dir_fd), os.fstat(target.fd), recipient, label)
        try:
            _write(executor, target, copy, pace or (lambda _length: None))
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


def _write(executor: Executor, target: OpenTarget, copy: Copy, pace: Pace) -> None:
    file_key = new_secret(FILE_KEY_BYTES)
    sealer = None
    try:
        sealer = Sealer(file_key)
        pieces = [make_header(file_key, copy.recipient, copy.label, copy.ephemeral), sealer.nonce]
        plain = hashlib.sha256()
        offset = 0
        while True:
            data = _read_plain(target, offset, pace)
            plain.update(data)
            offset += len(data)
            last = offset >= copy.facts.st_size
            if not last and len(data) < CHUNK:
                raise refusal("shrunk")
            pieces += sealer.seal(data, last=last)
            copy.size += _put(executor, copy.fd, b"".join(pieces), pace)
            if last:
                break
            pieces = []
        if offset != target.size or os.pread(target.fd, 1, offset):
            raise refusal("grown")
        copy.plain = plain.hexdigest()
    finally:
        wipe(file_key)
        if sealer is not None:
            sealer.wipe()


def _read_plain(target: OpenTarget, offset: int, pace: Pace) -> bytes:
    pace(min(CHUNK, target.size - offset))
    target.give_way()
    try:
        return os.pread(target.fd, CHUNK, offset)
    except OSError as error:
        raise DisposalError(f"it cannot be read at offset {offset} ({error.strerror}); look at the medium") from error


def _put(executor: Executor, fd: int, data: bytes, pace: Pace) -> int:
    pace(len(data))
    try:
        executor.write(fd, data)
    except OSError as error:
        raise _no_copy(error) from error
    return len(data)


def _dress(executor: Executor, fd: int, copy: Copy) -> None:
    """Give the copy what its plaintext has beside its bytes: owner, mode, times, and attributes, which are metadata and stay plain."""
    try:
        names = [*attribute_names(fd), *(name for name in os.listxattr(fd) if name == _ACCESS_LIST)]
        for name in names:
            executor.add_attribute(copy.fd, name, os.getxattr(fd, name))
        executor.set_facts(copy.fd, copy.facts)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            executor.set_facts(copy.fd, copy.facts)
            return
        raise _no_copy(error) from error


class _FromDisk(io.RawIOBase):
    """A file's bytes from the disk itself where that can be had, and their digest on the way."""

    def __init__(self, fd: int, buffers: Buffers, pace: Pace) -> None:
        self._fd = fd
        self._buffers = buffers
        self._pace = pace
        self._offset = 0
        self._left = memoryview(b"")
        self._digest = hashlib.sha256()
        self.how = "direct"
        try:
            set_direct(fd, True)
        except OSError:
            self._through_cache()

    def _through_cache(self) -> None:
        self.how = "cached"
        set_direct(self._fd, False)
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        if not self._left:
            self._left = self._next()
        length = min(len(buffer), len(self._left))
        memoryview(buffer).cast("B")[:length] = self._left[:length]
        self._left = self._left[length:]
        return length

    def _next(self) -> memoryview:
        self._pace(CHUNK)
        try:
            got = os.preadv(self._fd, [self._buffers.data], self._offset)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP) or self.how == "cached":
                raise DisposalError(f"the encrypted copy cannot be read back ({error.strerror}); look at the medium") from error
            self._through_cache()
            return self._next()
        self._offset += got
        piece = self._buffers.data[:got]
        self._digest.update(piece)
        return piece

    def ended(self) -> tuple[int, str]:
        """Size and digest, once all was read."""
        return self._offset, self._digest.hexdigest()


def prove(copy: Copy, buffers: Buffers, *, pace: Pace | None = None) -> Made:
    """Read the copy from the disk, find its key as the recipient's holder will, decrypt it in memory, and compare.

    :raises DisposalError: what is on the disk is not what was read from the plaintext.
    """
    source = _FromDisk(copy.fd, buffers, pace or (lambda _length: None))
    file = io.BufferedReader(source, CHUNK)
    plain = hashlib.sha256()
    try:
        file_key = check(read_header(file), copy.ephemeral, copy.recipient, copy.label)
        try:
            decrypt(file_key, t.cast(t.BinaryIO, file), plain.update)
        finally:
            wipe(file_key)
    except AgeError as error:
        raise DisposalError(f"the encrypted copy read back differs from what was written ({error.message}); look at the medium") from error
    size, digest = source.ended()
    if plain.hexdigest() != copy.plain or size != copy.size:
        raise DisposalError("the encrypted copy read back decrypts to something else than the recording; look at the medium")
    return Made(*copy.identity, size, digest, copy.plain, source.how)


def digest_of_copy(dir_fd: int, name: str, made: Made, buffers: Buffers) -> str | None:
    """SHA-256 of the copy that stands at a name, read from the disk; none where that is another file than was made there."""
    fd = _opened(dir_fd, name, made)
    if fd is None:
        return None
    try:
        source = _FromDisk(fd, buffers, lambda _length: None)
        while source.readinto(bytearray(CHUNK)):
            pass
        return source.ended()[1]
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


def digest_of_plain(target: OpenTarget, *, pace: Pace | None = None) -> str:
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
            data = os.pread(target.fd, CHUNK, offset)
            if not data:
                return found.hexdigest()
            found.update(data)
            offset += len(data)
    except OSError as error:
        raise refusal_of(error) from None
