# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FUSE filesystem whose files lie like bad media: a loop device over one is a block device that drops or fails writes.

Usage: lying_medium.py BACKING_DIRECTORY MOUNT_POINT

The file C(BACKING_DIRECTORY/faults.json) is read again at each access, so that a filesystem can be made honestly and turn bad later:
C({"drop": [[start, end]], "fail_write": [[start, end]], "fail_read": [[start, end]], "full": [[start, end]]}),
offsets in bytes of each file.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import typing as t

import mfusepy  # type: ignore[import-untyped]  # the library has no types

Range = tuple[int, int]


class LyingMedium(mfusepy.Operations):  # type: ignore[misc]  # the library has no types
    def __init__(self, backing: str) -> None:
        self.backing = backing

    def _faults(self, kind: str) -> list[Range]:
        try:
            with open(os.path.join(self.backing, "faults.json"), encoding="utf-8") as handle:
                return [tuple(pair) for pair in json.load(handle).get(kind, [])]
        except FileNotFoundError:
            return []

    def _refuse(self, kind: str, start: int, end: int, number: int = errno.EIO) -> None:
        if any(start < last and first < end for first, last in self._faults(kind)):
            raise mfusepy.FuseOSError(number)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, t.Any]:
        try:
            facts = os.lstat(self.backing + path)
        except OSError as error:
            raise mfusepy.FuseOSError(error.errno) from error
        names = ("st_mode", "st_size", "st_uid", "st_gid", "st_mtime", "st_atime", "st_ctime", "st_nlink", "st_blocks")
        return {name: getattr(facts, name) for name in names}

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *os.listdir(self.backing + path)]

    def open(self, path: str, flags: int) -> int:
        return os.open(self.backing + path, os.O_RDWR)

    def release(self, path: str, fh: int) -> int:
        os.close(fh)
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        self._refuse("fail_read", offset, offset + size)
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        end = offset + len(data)
        self._refuse("fail_write", offset, end)
        self._refuse("full", offset, end, errno.ENOSPC)
        keep = [(offset, end)]
        for first, last in self._faults("drop"):
            keep = [piece for start, stop in keep for piece in ((start, min(stop, first)), (max(start, last), stop)) if piece[0] < piece[1]]
        for start, stop in keep:
            os.pwrite(fh, data[start - offset : stop - offset], start)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        os.truncate(self.backing + path, length)
        return 0

    def utimens(self, path: str, times: t.Any = None) -> int:
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        return 0


if __name__ == "__main__":
    mfusepy.FUSE(LyingMedium(sys.argv[1]), sys.argv[2], foreground=True, nothreads=False)
