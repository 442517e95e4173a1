# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a filesystem: one digest over all its regular files, to tell later that none has come, gone or changed."""

from __future__ import annotations

import hashlib
import json.encoder
import os
import stat
import typing as t

from .._evidence.canonical import text_bytes
from .private_mounts import UnseenError

__all__ = ["Each", "Inventory", "take_inventory"]

_quoted = json.encoder.encode_basestring
# Each level of directories keeps a descriptor open.
_DEPTH_LIMIT = 400
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What numbers its files anew each time that it is mounted.
_NUMBERED_ANEW = ("vfat", "msdos", "exfat")

# Called with each file's path below the top and what lstat says of it.
Each = t.Callable[[str, os.stat_result], None]


class Inventory(t.NamedTuple):
    """How many regular files a filesystem has, a file with two names counting twice, their bytes, and the digest."""

    files: int
    bytes: int
    digest: str


def take_inventory(top: int, type_: str, each: Each = lambda _path, _facts: None) -> Inventory:
    """Walk a filesystem from its top down, following no link and reading no file.

    The digest is SHA-256 over one line for each regular file, the canonical JSON of [path, size, mtime_ns, inode], in the order of the walk:
    the names of a directory in the order of their bytes, what is in a directory at its name's place. So no more is kept in memory than the
    names of the directories on the way to where the walk is. The inode is 0 on filesystems that number their files anew at each mount.

    :arg top: a descriptor of the top directory, on a mount that nothing can be mounted below.
    :raises UnseenError: something in it cannot be read, or has gone during the walk.
    """
    inodes = type_ not in _NUMBERED_ANEW
    digest = hashlib.sha256()
    files = size = 0
    for path, facts in _walk(top):
        each(path, facts)
        # Built by hand, since there may be millions of them; a test holds it against the encoder.
        digest.update(text_bytes(f"[{_quoted(path)},{facts.st_size},{facts.st_mtime_ns},{facts.st_ino if inodes else 0}]\n"))
        files += 1
        size += facts.st_size
    return Inventory(files, size, f"sha256:{digest.hexdigest()}")


def _walk(top: int) -> t.Iterator[tuple[str, os.stat_result]]:
    levels: list[tuple[int, str, list[str]]] = []
    try:
        levels.append(_level(os.dup(top), ""))
        while levels:
            fd, prefix, names = levels[-1]
            if not names:
                os.close(levels.pop()[0])
                continue
            name = names.pop()
            facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode):
                yield prefix + name, facts
            elif stat.S_ISDIR(facts.st_mode):
                if len(levels) >= _DEPTH_LIMIT:
                    raise UnseenError("directories in it are nested too deeply; look at it by hand")
                levels.append(_level(os.open(name, _OPEN, dir_fd=fd), f"{prefix}{name}/"))
    except FileNotFoundError as error:
        raise UnseenError("something in it went while it was looked at, so it is still in use; stop what uses it") from error
    except OSError as error:
        raise UnseenError(f"something in it cannot be read ({error.strerror}); repair it, or look at the medium") from error
    finally:
        for fd, _prefix, _names in levels:
            os.close(fd)


def _level(fd: int, prefix: str) -> tuple[int, str, list[str]]:
    """An open directory and its names, the first one last; the descriptor is closed where they cannot be read."""
    try:
        return fd, prefix, sorted(os.listdir(fd), key=os.fsencode, reverse=True)
    except OSError:
        os.close(fd)
        raise
