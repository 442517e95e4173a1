# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the engine share: a root with recordings, and executors that fail as media do."""

from __future__ import annotations

import errno
import hashlib
import os
import pathlib

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import Expected, OpenTarget, open_target
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor

__all__ = ["FaultyExecutor", "Tree", "expected_of", "fingerprint", "marked"]


def marked(size: int, *, marker: bytes = b"REC-MARKER") -> bytes:
    """Content of which no 16 bytes are all zero and each 512 hold the marker."""
    sector = (marker + b"\xa5" * 512)[:512]
    return (sector * (size // 512 + 1))[:size]


def expected_of(path: pathlib.Path) -> Expected:
    facts = path.lstat()
    return Expected(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


def fingerprint(root: pathlib.Path) -> dict[str, str]:
    """Each path below a root with its kind, its size, and the digest of its content or the target of its link."""
    found = {}
    for directory, directories, names in os.walk(root):
        for name in directories + names:
            path = pathlib.Path(directory, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = f"link {os.readlink(path)}"
            elif path.is_file():
                found[key] = f"file {path.stat().st_size} {hashlib.sha256(path.read_bytes()).hexdigest()}"
            else:
                found[key] = "other"
    return found


class Tree:
    """A root directory; files in it are opened as the sweep opens them."""

    def __init__(self, root: pathlib.Path, executor: Executor | None = None) -> None:
        self.root = root
        self.executor = executor or Executor()
        root.mkdir(parents=True, exist_ok=True)
        self.root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self.opened: list[OpenTarget] = []

    def write(self, path: str, content: bytes) -> pathlib.Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content)
        return full

    def open(self, path: str, expected: Expected | None = None) -> OpenTarget:
        target = open_target(self.executor, self.root_fd, path, expected or expected_of(self.root / path))
        self.opened.append(target)
        return target

    def close(self) -> None:
        for target in self.opened:
            target.close()
        if self.root_fd >= 0:
            os.close(self.root_fd)
        self.root_fd = -1


class FaultyExecutor(Executor):
    """Writes that a medium refuses, drops or shortens. Ranges are (start, end) in bytes of the file."""

    def __init__(self) -> None:
        self.fail: tuple[int, int] = (0, 0)
        self.fail_with = errno.EIO
        self.drop: tuple[int, int] = (0, 0)
        self.longest = 0
        self.flush_error = 0
        self.after_write: object = None
        self.written: list[tuple[int, int]] = []
        self.flushes = 0

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        end = offset + len(data)
        if offset < self.fail[1] and self.fail[0] < end:
            raise OSError(self.fail_with, os.strerror(self.fail_with))
        self.written.append((offset, end))
        if offset < self.drop[1] and self.drop[0] < end:
            return len(data)
        done = super().pwrite(fd, data[: self.longest] if self.longest else data, offset)
        if callable(self.after_write):
            self.after_write()
        return done

    def fdatasync(self, fd: int) -> None:
        self.flushes += 1
        if self.flush_error:
            raise OSError(self.flush_error, os.strerror(self.flush_error))
        super().fdatasync(fd)
