# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look into a filesystem through a read-only mount that nobody else sees.

The mount is attached nowhere: the kernel keeps it in a namespace of its own, which no process can enter, and drops it with the last
descriptor, also where the process is killed. What is not mounted yet is mounted over a loop device that is opened for reading only, since
ext4 and others write to what they mount read-only (lists of orphans, logs): there they cannot.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import struct
import time
import typing as t

from .._errors import DisposalError

__all__ = ["UnseenError", "clone_of", "mounted_again", "mounted_read_only"]

# The numbers of these calls are the same on every machine that Ansible runs on.
_OPEN_TREE, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 430, 431, 432, 442
_AT_FDCWD, _AT_EMPTY_PATH, _CLONE = -100, 0x1000, 1
_CLOEXEC = 1
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6
# Read-only, no set-user-id, no devices, no programs.
_ATTRIBUTES = 1 | 2 | 4 | 8
_PRIVATE = 1 << 18
_LOOP_CONFIGURE, _LOOP_CTL_GET_FREE = 0x4C0A, 0x4C82
_LOOP_READ_ONLY, _LOOP_AUTOCLEAR = 1, 4
_LOOP_INFO, _LOOP_FLAGS_AT = 232, 52
_ATTEMPTS = 20
_GONE_SECONDS = 5.0

# What mounts without bringing in what a log still holds.
_AS_IT_LIES = {"ext4": ("noload",), "xfs": ("norecovery",), "btrfs": ("rescue=nologreplay",), "f2fs": ("norecovery",)}
_ALWAYS = {"xfs": ("nouuid",)}
_DRIVERS = {"ext2": "ext4", "ext3": "ext4", "ntfs": "ntfs3"}


class UnseenError(DisposalError):
    """Something that cannot be looked into; the message is a clause that says why, and what to do."""


@functools.cache
def _syscall() -> t.Any:
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    return function


def _call(number: int, *arguments: t.Any) -> int:
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    done = int(_syscall()(ctypes.c_long(number), *given))
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return done


def _top_of(mount: int) -> int:
    """A descriptor of a mount's top directory that can be read."""
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)


@contextlib.contextmanager
def clone_of(point: str, number: int) -> t.Iterator[int]:
    """The top directory of what is mounted at a place, read-only and without anything that is mounted below it.

    :arg number: of the mount, as mountinfo has it.
    :raises UnseenError: another mount covers it, or the kernel refuses.
    """
    with contextlib.ExitStack() as stack:
        try:
            place = os.open(point, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, place)
            if _mount_number(place) != number:
                raise UnseenError(f"what is mounted on {point} is covered by another mount; unmount that one")
            mount = _call(_OPEN_TREE, place, b"", _AT_EMPTY_PATH | _CLONE | os.O_CLOEXEC)
            stack.callback(os.close, mount)
            attributes = struct.pack("=QQQQ", _ATTRIBUTES, 0, _PRIVATE, 0)
            _call(_MOUNT_SETATTR, mount, b"", _AT_EMPTY_PATH, attributes, len(attributes))
            top = _top_of(mount)
        except OSError as error:
            raise UnseenError(f"what is mounted on {point} cannot be looked into privately ({error.strerror}); run as root") from error
        stack.callback(os.close, top)
        yield top


def _mount_number(fd: int) -> int:
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as handle:
        return next((int(line[7:]) for line in handle if line.startswith("mnt_id:")), -1)


@contextlib.contextmanager
def mounted_again(path: str, type_: str, *options: str) -> t.Iterator[int]:
    """The top directory of a filesystem that is mounted already, mounted once more with other options, such as another subvolume.

    :raises UnseenError: the kernel refuses.
    """
    with contextlib.ExitStack() as stack:
        try:
            mount = _mount(path, type_, ("ro", *options))
            stack.callback(os.close, mount)
            top = _top_of(mount)
        except OSError as error:
            raise UnseenError(f"its {type_} cannot be looked into as a whole ({error.strerror}); mount its top, and look again") from error
        stack.callback(os.close, top)
        yield top


@contextlib.contextmanager
def mounted_read_only(path: str, number: tuple[int, int], type_: str) -> t.Iterator[tuple[int, bool]]:
    """The top directory of a filesystem that is not mounted, and whether its log holds what is not shown.

    Nobody else can mount it meanwhile.

    :arg path: the device's node; C(number) is what it has to be.
    :raises UnseenError: it is in use, or cannot be mounted.
    """
    driver = _DRIVERS.get(type_, type_)
    with contextlib.ExitStack() as stack:
        backing = stack.enter_context(_claimed(path, number))
        loop = stack.enter_context(_shown_read_only(backing))
        mount, unreplayed = _mounted(loop, type_, driver)
        stack.callback(os.close, mount)
        top = _top_of(mount)
        stack.callback(os.close, top)
        yield top, unreplayed


@contextlib.contextmanager
def _claimed(path: str, number: tuple[int, int]) -> t.Iterator[int]:
    """A device opened for reading and for this process alone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise UnseenError("somebody uses it in a way that is not seen here, such as a container; end that") from error
        raise UnseenError(f"it cannot be opened ({error.strerror}); look at the medium") from error
    try:
        facts = os.fstat(fd)
        if (os.major(facts.st_rdev), os.minor(facts.st_rdev)) != number:
            raise UnseenError(f"{path} is the node of another device; have udev make it anew")
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def _shown_read_only(backing: int) -> t.Iterator[str]:
    """A loop device over a descriptor that cannot write, and that goes with this process."""
    fd, name = _configured(backing)
    try:
        yield f"/dev/{name}"
    finally:
        os.close(fd)
        # Gone before anybody asks who holds the device.
        deadline = time.monotonic() + _GONE_SECONDS
        while os.path.exists(f"/sys/block/{name}/loop/backing_file") and time.monotonic() < deadline:
            time.sleep(0.02)


def _configured(backing: int) -> tuple[int, str]:
    info = bytearray(_LOOP_INFO)
    struct.pack_into("=I", info, _LOOP_FLAGS_AT, _LOOP_READ_ONLY | _LOOP_AUTOCLEAR)
    wanted = struct.pack("=II", backing, 0) + bytes(info) + bytes(64)
    try:
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise UnseenError(
            f"there are no loop devices here ({error.strerror}), over which it would be mounted; modprobe loop, or mount it"
        ) from error
    try:
        for attempt in range(_ATTEMPTS):
            name = f"loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            fd = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                # While it is locked udev does not look at it, and makes no links to it.
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.ioctl(fd, _LOOP_CONFIGURE, wanted)
            except OSError as error:
                os.close(fd)
                # Another process was quicker.
                if error.errno not in (errno.EBUSY, errno.EAGAIN) or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.05)
                continue
            return fd, name
    except OSError as error:
        raise UnseenError(f"no loop device can be had to mount it over ({error.strerror}); mount it, and look again") from error
    finally:
        os.close(control)
    raise AssertionError("the last attempt returns or raises")


def _mounted(loop: str, type_: str, driver: str) -> tuple[int, bool]:
    always = ("ro", *_ALWAYS.get(driver, ()))
    try:
        return _mount(loop, driver, always), False
    except OSError as error:
        why = error
    if driver in _AS_IT_LIES:
        with contextlib.suppress(OSError):
            return _mount(loop, driver, (*always, *_AS_IT_LIES[driver])), True
    if why.errno == errno.ENODEV:
        raise UnseenError(f"this kernel knows no filesystem {type_}; look at it on a host that does") from why
    raise UnseenError(f"its {type_} cannot be mounted read-only ({why.strerror}); repair it, or look at it elsewhere") from why


def _mount(source: str, driver: str, options: t.Sequence[str]) -> int:
    """A mount that is attached nowhere.

    :raises OSError: the kernel refuses.
    """
    context = _call(_FSOPEN, driver.encode(), _CLOEXEC)
    try:
        _call(_FSCONFIG, context, _SET_STRING, b"source", os.fsencode(source), 0)
        for option in options:
            key, sign, value = option.partition("=")
            if sign:
                _call(_FSCONFIG, context, _SET_STRING, key.encode(), value.encode(), 0)
            else:
                _call(_FSCONFIG, context, _SET_FLAG, key.encode(), None, 0)
        _call(_FSCONFIG, context, _CREATE, None, None, 0)
        return _call(_FSMOUNT, context, _CLOEXEC, _ATTRIBUTES)
    finally:
        os.close(context)
