# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the overwrite of a device has come, kept so that a killed run goes on where all before was on the medium.

Two files, both readable by their owner only: the checkpoint, which is replaced every few seconds, and beside it (C(.key)) the key of the
random pass that is under way. The key has a file of its own because each replaced file leaves its bytes behind in freed blocks; this one is
written once, and overwritten before it is removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .._evidence.canonical import canonical
from .._executor import Executor
from .outcomes import Tally

__all__ = ["Checkpoint", "Progress", "Sums"]

_VERSION = 1
_KEY_BYTES = 32


@dataclass
class Sums:
    """What one pass came to: writing, differing and unread ranges, and bytes read back equal."""

    written: Tally = field(default_factory=Tally)
    differing: Tally = field(default_factory=Tally)
    unread: Tally = field(default_factory=Tally)
    verified_bytes: int = 0

    def worse(self, earlier: Sums) -> Sums:
        """This pass's bytes, and of each kind the bad ranges of the pass that had more of them."""
        return Sums(
            dataclasses.replace(_worse(self.written, earlier.written), bytes=self.written.bytes),
            _worse(self.differing, earlier.differing),
            _worse(self.unread, earlier.unread),
            self.verified_bytes,
        )


def _worse(one: Tally, other: Tally) -> Tally:
    return one if one.bad_bytes >= other.bad_bytes else other


@dataclass
class Progress:
    """Where to go on.

    :arg index: the pass, from 0; as many as there are passes once all is done.
    :arg phase: C(write) or C(verify).
    :arg next: the offset before which this phase is done, and flushed.
    :arg seed: of a sample's positions.
    :arg earlier: the worst of the passes before this one.
    """

    index: int = 0
    phase: str = "write"
    next: int = 0
    seed: str = ""
    sums: Sums = field(default_factory=Sums)
    earlier: Sums = field(default_factory=Sums)


def _tally(data: t.Mapping[str, t.Any]) -> Tally:
    bad = [(int(offset), int(length)) for offset, length in data["bad"]]
    return Tally(int(data["bytes"]), bad, int(data["bad_bytes"]), int(data["bad_ranges"]), int(data["error"]))


def _sums(data: t.Mapping[str, t.Any]) -> Sums:
    return Sums(_tally(data["written"]), _tally(data["differing"]), _tally(data["unread"]), int(data["verified_bytes"]))


class Checkpoint:
    """The two files of one overwrite.

    :arg path: of the checkpoint; its directory must exist and be nobody else's.
    :arg header: what a checkpoint must say to be of this overwrite: the device's identity, the scheme's digest.
    """

    def __init__(self, executor: Executor, path: str, header: t.Mapping[str, t.Any], same: t.Callable[[t.Any], bool]) -> None:
        self._executor, self._path, self._header, self._same = executor, path, dict(header), same
        self._key_id = ""

    @property
    def _key_path(self) -> str:
        return self._path + ".key"

    def load(self) -> Progress | None:
        """Where an earlier run stopped; C(None) where there was none.

        :raises RefusedError: it cannot be read, or is of another device or scheme.
        """
        try:
            with open(self._path, encoding="utf-8") as handle:
                data = json.load(handle)
            if data["version"] != _VERSION:
                raise ValueError(f"version {data['version']}")
            header = data["header"]
            progress = Progress(
                int(data["index"]), str(data["phase"]), int(data["next"]), str(data["seed"]), _sums(data["sums"]), _sums(data["earlier"])
            )
            self._key_id = str(data["key_id"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RefusedError(
                f"the checkpoint {self._path} cannot be read ({error}), so it is not known how far the device was overwritten; "
                "remove the file to overwrite it from the beginning"
            ) from error
        if not self._same(header.get("identity")):
            raise RefusedError(
                f"the checkpoint {self._path} is of another device, so nothing was written; finish that one, or remove the file to give it up"
            )
        if {key: value for key, value in header.items() if key != "identity"} != {
            key: value for key, value in self._header.items() if key != "identity"
        }:
            raise RefusedError(
                f"the checkpoint {self._path} is of another scheme or verification, so nothing was written; "
                "go on with the same ones, or remove the file to overwrite the device from the beginning"
            )
        return progress

    def save(self, progress: Progress) -> None:
        """Replace the checkpoint atomically.

        :raises OSError: it cannot be written.
        """
        data = {"version": _VERSION, "header": self._header, "key_id": self._key_id, **dataclasses.asdict(progress)}
        self._executor.replace_file(self._path, [canonical(data)])

    def load_key(self) -> bytearray:
        """The key of the random pass that was under way.

        :raises RefusedError: it is gone or another one, so that what was written could not be verified.
        """
        key = bytearray(_KEY_BYTES)
        try:
            with open(self._key_path, "rb", buffering=0) as handle:
                length = handle.readinto(key)
        except OSError:
            length = 0
        if length != _KEY_BYTES or _key_id(key) != self._key_id:
            raise RefusedError(
                f"the key {self._key_path} of the random pass is gone or another one, so what was written cannot be verified; "
                f"remove {self._path} to overwrite the device from the beginning"
            )
        return key

    def keep_key(self, key: bytearray) -> None:
        """Keep a fresh key, on stable storage before the first byte is made with it."""
        self.drop_key()
        fd = self._executor.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self._executor.write(fd, memoryview(key))
            self._executor.fsync(fd)
        finally:
            os.close(fd)
        self._executor.sync_directory(os.path.dirname(self._key_path) or ".")
        self._key_id = _key_id(key)

    def drop_key(self) -> None:
        """Overwrite the key where it lies, and remove it."""
        self._key_id = ""
        try:
            fd = self._executor.open(self._key_path, os.O_WRONLY)
        except FileNotFoundError:
            return
        try:
            self._executor.pwrite(fd, bytes(_KEY_BYTES), 0)
            self._executor.fsync(fd)
        finally:
            os.close(fd)
        self._executor.unlink(self._key_path)

    def wipe(self) -> None:
        """Remove both files, the key first."""
        self.drop_key()
        with contextlib.suppress(FileNotFoundError):
            self._executor.unlink(self._path)
        self._executor.sync_directory(os.path.dirname(self._path) or ".")


def _key_id(key: bytearray) -> str:
    return hashlib.sha256(b"recordings.disposal keystream key\0" + key).hexdigest()[:16]
