# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a LUKS header, read: past the page cache where it is to prove something, and on the host's other block devices."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import typing as t

from .._erasure.opened import recheck
from .._errors import RefusedError
from .._evidence.canonical import digest
from .._media.identity import Device, list_devices
from .backups import OWN, UNCLEAR
from .header_backups import relation
from .luks import HEAD_BYTES, Read, uuids_at
from .mappings import below

__all__ = ["copies_elsewhere", "digest_behind", "headers_on", "read_head", "read_place"]

# What lies behind a header is recognised by so many of its bytes.
_BEHIND = 64 << 10
_NO_MEDIUM = (errno.ENOMEDIUM, errno.ENXIO, errno.ENODEV)


def read_head(path: str) -> bytes:
    """The bytes of a file or device in which a LUKS header may lie.

    :raises OSError: they cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return _read(fd, 0, HEAD_BYTES)
    finally:
        os.close(fd)


def read_place(device: Device, start: int, length: int) -> bytes:
    """A part of a device past the page cache, up to its end.

    :arg start: whole sectors, as C(length).
    :raises OSError: it cannot be read.
    :raises RefusedError: it is not the device that was found.
    """
    fd = os.open(device.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECT)
    try:
        problem = recheck(fd, device)
        if problem:
            raise RefusedError(f"{device.name} is no longer the device that was looked at ({problem}); look again")
        return _read(fd, start, length)
    finally:
        os.close(fd)


def _read(fd: int, start: int, length: int) -> bytes:
    length = max(min(length, os.lseek(fd, 0, os.SEEK_END) - start), 0)
    buffer = mmap.mmap(-1, max(length, 1))
    done = 0
    while done < length:
        got = os.preadv(fd, [memoryview(buffer)[done:length]], start + done)
        if not got:
            break
        done += got
    return bytes(buffer[:done])


def headers_on(path: str) -> tuple[tuple[int, str], ...]:
    """Offset and volume's UUID of each copy of a LUKS header, spoilt or not.

    :raises OSError: it cannot be read.
    """
    with _reading(path) as read:
        return uuids_at(read)


@contextlib.contextmanager
def _reading(path: str) -> t.Iterator[Read]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield lambda offset, length: os.pread(fd, length, offset)
    finally:
        os.close(fd)


def digest_behind(device: Device, end: int) -> str:
    """What recognises the medium once its header is gone: a digest of the first encrypted data behind it.

    :raises OSError: they cannot be read.
    """
    return digest(read_place(device, end, _BEHIND))


def copies_elsewhere(
    uuid: str, digests: t.Collection[str], device: Device, *, apart: bool, sys_root: str = "/sys"
) -> tuple[list[str], list[str]]:
    """The host's other block devices that have a header of the volume, and those of which that cannot be told, each with the reason.

    :arg digests: of the volume's key.
    :arg apart: its header is a detached one, so that one on the device itself is a copy too.
    """
    own = below(device.name, sys_root=sys_root) | (frozenset() if apart else {device.name})
    found, unread = [], []
    for other in list_devices(sys_root=sys_root):
        if other.name in own or not other.size:
            continue
        try:
            with _reading(other.path) as read:
                state, _copies = relation(read, uuid, digests)
            if state == OWN:
                found.append(other.name)
            elif state == UNCLEAR:
                unread.append(f"{other.name}: it has a LUKS header that is spoilt")
        except OSError as error:
            if error.errno not in _NO_MEDIUM:
                unread.append(f"{other.name}: {error.strerror}")
    return found, unread
