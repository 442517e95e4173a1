# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets on the host: read from files that nobody else can read, and never told."""

from __future__ import annotations

import os
import stat

from .store import StoreRefusedError

__all__ = ["read_secret", "require_private"]

_MOST = 65_536


def read_secret(path: str, what: str) -> str:
    """The text of a file, without the line end.

    :raises StoreRefusedError: it cannot be read, others can read it, or it is no text.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(path, what, error) from None
    try:
        _require_private(os.fstat(fd), path, what)
        raw = os.read(fd, _MOST)
    finally:
        os.close(fd)
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise StoreRefusedError("unfit", f"the file {path} with {what} is empty or no text, so nothing was done; write it again")
    return text


def require_private(path: str, what: str) -> str:
    """The path of a file that a library reads itself.

    :raises StoreRefusedError: it is not there, or others can read it.
    """
    try:
        facts = os.stat(path)
    except OSError as error:
        raise _unreadable(path, what, error) from None
    _require_private(facts, path, what)
    return path


def _unreadable(path: str, what: str, error: OSError) -> StoreRefusedError:
    return StoreRefusedError(
        "unfit", f"the file {path} with {what} cannot be read ({error.strerror}), so nothing was done; correct the path"
    )


def _require_private(facts: os.stat_result, path: str, what: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise StoreRefusedError("unfit", f"{path}, which should hold {what}, is no file, so nothing was done; correct the path")
    if facts.st_mode & 0o077 or facts.st_uid not in (0, os.geteuid()):
        raise StoreRefusedError(
            "unfit",
            f"the file {path} with {what} belongs to somebody else, or others may read it (mode {stat.S_IMODE(facts.st_mode):04o}), "
            "so nothing was done; give it to the user that Ansible runs as, with mode 0600, and change the secret",
        )
