# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state directory on a host, and what is read from it."""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import EvidenceError, RefusedError
from .._evidence.canonical import canonical
from .._executor import Executor

__all__ = ["DEFAULT_STATE_DIR", "StateDir"]

DEFAULT_STATE_DIR = "/var/lib/recordings-disposal"


class StateDir:
    """C(plans), C(runs), C(holds) and C(history.jsonl) below one directory that only its owner can enter."""

    def __init__(self, path: str, executor: Executor) -> None:
        self.path = path
        self.executor = executor
        if os.path.islink(path):
            raise RefusedError(f"the state directory {path} is a symbolic link; name the real directory")
        if os.path.isdir(path) and os.stat(path).st_mode & 0o077:
            raise RefusedError(
                f"the state directory {path} is open to others (its mode should be 0700), so it may have been changed; look and close it"
            )

    def make(self, name: str) -> str:
        """A directory below, made if it is missing."""
        path = os.path.join(self.path, name)
        try:
            self.executor.makedirs(path)
        except OSError as error:
            raise RefusedError(
                f"the state directory {path} cannot be made ({error.strerror}); nothing was done; make room or give another state_dir"
            ) from error
        return path

    @property
    def holds_dir(self) -> str:
        return os.path.join(self.path, "holds")

    def hold_documents(self) -> list[t.Any]:
        """The holds that were placed on this host.

        :raises RefusedError: one cannot be read, which must not be taken for no hold.
        """
        return read_documents(self.holds_dir)

    def holds_state(self) -> tuple[tuple[str, int, int], ...]:
        """A value that changes when a hold is placed, changed or released."""
        try:
            with os.scandir(self.holds_dir) as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except FileNotFoundError:
            return ()
        return tuple(sorted((name, facts.st_mtime_ns, facts.st_size) for name, facts in found))

    def due_history(self) -> list[int]:
        """Sets that were due in earlier runs, oldest first."""
        try:
            with open(os.path.join(self.path, "history.jsonl"), encoding="utf-8") as handle:
                return [int(json.loads(line)["due"]) for line in handle if line.endswith("\n")]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvidenceError(
                f"the history of runs {self.path}/history.jsonl cannot be read ({error}); look at it, and move it aside if it is spoilt"
            ) from error

    def remember(self, *, time: str, due: int, run: str) -> None:
        """Add a run to the history, once."""
        path = os.path.join(self.path, "history.jsonl")
        line = canonical({"time": time, "due": due, "run": run}) + b"\n"
        fd = self.executor.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            self.executor.write(fd, line)
            self.executor.fsync(fd)
        finally:
            os.close(fd)


def read_documents(directory: str) -> list[t.Any]:
    """The JSON documents of a directory, in name order.

    :raises RefusedError: one of them cannot be read.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".json") and not name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RefusedError(
            f"the directory {directory} cannot be read ({error.strerror}), so its holds are not known; repair it and run again"
        ) from error
    documents = []
    for name in names:
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as handle:
                documents.append(json.load(handle))
        except (OSError, ValueError) as error:
            raise RefusedError(
                f"the document {directory}/{name} cannot be read ({error}); repair it, a hold must not be taken for none"
            ) from error
    return documents
