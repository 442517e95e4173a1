# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of encrypted directories, and the one thing it is told: to forget a key. The structures are those of <linux/fscrypt.h>."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import typing as t

from .._errors import RefusedError
from .._executor import Executor

__all__ = [
    "ABSENT",
    "INCOMPLETE",
    "PRESENT",
    "KernelPolicy",
    "can_encrypt",
    "forget_key",
    "key_state",
    "opens",
    "parse_kernel_policy",
    "policy_of",
    "strength_of",
]

_GET_POLICY_EX = 0xC0096616
_REMOVE_KEY_ALL_USERS = 0xC0406619
_KEY_STATUS = 0xC080661A
_POLICY_BYTES = 24
_KEY_SPEC = struct.Struct("=II16s16x")
_BY_IDENTIFIER = 2
_FILES_BUSY = 1
_REMOVE_BYTES, _STATUS_BYTES = 64, 128

ABSENT, PRESENT, INCOMPLETE = "absent", "present", "incompletely removed"
_STATES = {1: ABSENT, 2: PRESENT, 3: INCOMPLETE}
# Of contents and of names; SM4 since Linux 6.1, HCTR2 since 6.0.
_MODES = {
    1: ("AES-256-XTS", 256),
    4: ("AES-256-CTS-CBC", 256),
    5: ("AES-128-CBC-ESSIV", 128),
    6: ("AES-128-CTS-CBC", 128),
    7: ("SM4-XTS", 128),
    8: ("SM4-CTS-CBC", 128),
    9: ("Adiantum", 256),
    10: ("AES-256-HCTR2", 256),
}
_LEAST_BITS = 128
_NO_POLICY = (errno.ENODATA, errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL)


class KernelPolicy(t.NamedTuple):
    """A directory's or file's v2 policy.

    :arg identifier: of the key, in hexadecimal.
    :arg contents: number of the mode that encrypts contents; C(names) that of names.
    """

    identifier: str
    contents: int
    names: int


def parse_kernel_policy(data: bytes) -> KernelPolicy:
    """What FS_IOC_GET_ENCRYPTION_POLICY_EX answers, behind the size.

    :raises RefusedError: it is no v2 policy.
    """
    if data[:1] == b"\0":
        raise RefusedError(
            "it has a v1 policy, whose key is not bound to a name that the kernel checks, so that nobody can tell which key opens it"
        )
    if len(data) != _POLICY_BYTES or data[0] != 2:
        raise RefusedError(f"it has a policy of the version {data[0] if data else '?'}, which is not known here")
    return KernelPolicy(data[8:24].hex(), data[1], data[2])


def policy_of(fd: int) -> KernelPolicy | None:
    """The policy of an open directory or file; C(None) where it has none.

    :raises RefusedError: it has one that cannot be understood.
    :raises OSError: it cannot be read.
    """
    buffer = bytearray(struct.pack("=Q", _POLICY_BYTES) + bytes(_POLICY_BYTES))
    try:
        fcntl.ioctl(fd, _GET_POLICY_EX, buffer, True)
    except OSError as error:
        if error.errno in _NO_POLICY:
            return None
        raise
    size = int(struct.unpack_from("=Q", buffer)[0])
    return parse_kernel_policy(bytes(buffer[8 : 8 + size]))


def can_encrypt(fd: int) -> bool:
    """Whether the filesystem of an open directory can have policies at all, as far as the kernel tells."""
    try:
        fcntl.ioctl(fd, _GET_POLICY_EX, bytearray(struct.pack("=Q", _POLICY_BYTES) + bytes(_POLICY_BYTES)), True)
    except OSError as error:
        return error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP)
    return True


def key_state(fd: int, identifier: str) -> str:
    """Whether the filesystem's keyring in the kernel has a key: C(ABSENT), C(PRESENT) or C(INCOMPLETE).

    :arg fd: anything open on the filesystem.
    :raises RefusedError: the kernel does not tell.
    """
    buffer = bytearray(_STATUS_BYTES)
    _KEY_SPEC.pack_into(buffer, 0, _BY_IDENTIFIER, 0, bytes.fromhex(identifier))
    try:
        fcntl.ioctl(fd, _KEY_STATUS, buffer, True)
    except OSError as error:
        raise RefusedError(f"whether the kernel has its key cannot be read ({error.strerror})") from error
    status = struct.unpack_from("=I", buffer, 64)[0]
    if status not in _STATES:
        raise RefusedError(f"the kernel says {status} of its key, which is not known here")
    return _STATES[status]


def forget_key(executor: Executor, fd: int, identifier: str) -> bool:
    """Have the kernel forget a key, whoever has added it; whether files that are open still hold it.

    :raises OSError: it could not be told; C(ENOKEY) where it has no such key.
    """
    buffer = bytearray(_REMOVE_BYTES)
    _KEY_SPEC.pack_into(buffer, 0, _BY_IDENTIFIER, 0, bytes.fromhex(identifier))
    executor.ioctl(fd, _REMOVE_KEY_ALL_USERS, "have the kernel forget an encryption key", argument=buffer)
    return bool(struct.unpack_from("=I", buffer, 40)[0] & _FILES_BUSY)


def strength_of(policy: KernelPolicy) -> tuple[str, str]:
    """Whether both modes have 128 bits, as C(met), C(not_met) or C(unknown), and what was seen."""
    unknown = [number for number in (policy.contents, policy.names) if number not in _MODES]
    if unknown:
        return "unknown", f"the kernel's encryption mode {unknown[0]} is not known here"
    (contents, bits), (names, names_bits) = _MODES[policy.contents], _MODES[policy.names]
    told = f"{contents} for contents and {names} for names, with keys of {bits} and {names_bits} bits"
    return ("met" if min(bits, names_bits) >= _LEAST_BITS else "not_met"), told


def opens(path: str, *, dir_fd: int | None = None) -> int:
    """0 where a file can be opened and read, else the kernel's number of the reason."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
    except OSError as error:
        return error.errno or errno.EIO
    try:
        os.pread(fd, 4096, 0)
        return 0
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        os.close(fd)
