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

_HISTORY = 50
DEFAULT_STATE_DIR = "/var/lib/recordings-disposal"


class StateDir:
    """C(plans), C(runs), C(holds) and C(history.jsonl) below one directory that only its owner can enter."""

    def __init__(self, path: str, executor: Executor) -> None:
        self.path = path
        self.executor = executor
        if not os.path.isabs(path):
            raise RefusedError(
                f"the state directory {path} is not an absolute path, so plans and holds would end up in different places; write it out"
            )
        if os.path.islink(path):
            raise RefusedError(f"the state directory {path} is a symbolic link; name the real directory")
        if os.path.isdir(path) and os.stat(path).st_uid not in (0, os.geteuid()):
            raise RefusedError(f"the state directory {path} belongs to another user, who may have changed it; look, and take it over")
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
        return [line["due"] for line in self._history().values()]

    def left_behind(self) -> str | None:
        """The latest run that ended with due sets still there, skipped or in quarantine.

        A plan names it, since the same plan once more would be taken for the one that has ended.
        """
        return next((run for run, line in reversed(self._history().items()) if line["left"]), None)

    def remember(self, *, run: str, due: int, left: int) -> None:
        """Add a run to the history; a run that was cut off may tell its numbers twice."""
        history = {**self._history(), run: {"due": due, "left": left}}
        lines = [canonical({"run": name, **line}) + b"\n" for name, line in list(history.items())[-_HISTORY:]]
        self.executor.replace_file(self._history_path, lines)

    @property
    def _history_path(self) -> str:
        return os.path.join(self.path, "history.jsonl")

    def _history(self) -> dict[str, dict[str, int]]:
        try:
            with open(self._history_path, encoding="utf-8") as handle:
                lines = [json.loads(line) for line in handle]
                return {str(line["run"]): {"due": int(line["due"]), "left": int(line["left"])} for line in lines}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvidenceError(
                f"the history of runs {self._history_path} cannot be read ({error}); look at it, and move it aside if it is spoilt"
            ) from error


def read_documents(directory: str) -> list[t.Any]:
    """The JSON documents of a directory, in name order.

    :raises RefusedError: one of them cannot be read.
    """
    return list(named_documents(directory).values())


def named_documents(directory: str) -> dict[str, t.Any]:
    """The same by file name.

    :raises RefusedError: one of them cannot be read.
    """
    try:
        # What a write that was cut off left behind was never in force.
        names = sorted(name for name in os.listdir(directory) if not name.startswith(".") and not name.endswith(".tmp"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RefusedError(
            f"the directory {directory} cannot be read ({error.strerror}), so its holds are not known; repair it and run again"
        ) from error
    documents = {}
    for name in names:
        if not name.endswith(".json"):
            raise RefusedError(f"{directory}/{name} is not a .json file, so it would not be read; rename it or take it away")
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as handle:
                documents[name] = json.load(handle, object_pairs_hook=_each_once)
        except (OSError, ValueError) as error:
            raise RefusedError(
                f"the document {directory}/{name} cannot be read ({error}); repair it, a hold must not be taken for none"
            ) from error
    return documents


def _each_once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """A JSON mapping, where the last of two equal keys would win silently.

    :raises ValueError: a key stands twice.
    """
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]} stands twice in one mapping")
    return mapping
