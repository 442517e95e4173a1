# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite files that a task names: the same journal, engine and proof as a sweep, without policy and plan."""

from __future__ import annotations

import os
import secrets
import time
import typing as t

from .._erasure.marks import Mark, bears
from .._erasure.names import LIMIT_NAMES
from .._erasure.outcomes import FileResult
from .._erasure.pace import set_io_priority
from .._erasure.schemes import LEVELS, find_scheme, reachable_level, require_level
from .._erasure.targets import Expected, TargetRefusedError, look_at
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest, digest_of
from .._evidence.journal import Journal, JournalState, read_journal
from .._executor import Executor
from .._jobs.lock import host_lock
from .._recordings.walk import Roots, open_root
from .._retention.rows import PlanFile, Row, plan_path
from .approved import journal_path
from .aside import remove_empty
from .destroying import Destroyer, files_of, names_of
from .holding import refuse_holds
from .manner import Manner, manner_of
from .paths import Listing, encode_rows, list_paths, refuse_unfit
from .result import envelope, latest_run, opening_of, run_id
from .running import carry_out, refuse_small_disk
from .state import StateDir

__all__ = ["overwrite_paths"]

_KEPT_RANGES = 16
_KEY_BYTES = 32


class Standing:
    """The judge of sets that no policy knows: what stands in the list is to be destroyed, if it is still what was listed."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self._roots = Roots()

    def close(self) -> None:
        self._roots.close()

    def refresh(self) -> bool:
        self.now = int(time.time())
        return False

    def root(self, row: Row) -> int:
        return self._roots[row.root]

    def aside(self, row: Row) -> bool:
        return False

    def reason(self, row: Row) -> str | None:
        return None

    safely = reason

    def held(self, row: Row) -> list[str]:
        return []

    def directory_set(self, row: Row) -> bool:
        return False


class Totals:
    """What the files of this process's part of a run add up to."""

    def __init__(self, *, removes: bool) -> None:
        self.started = time.monotonic()
        self.bytes = self.verified = self.moved = 0
        self.passes = 0
        self.limits = {LIMIT_NAMES} if removes else set()
        self.bad: list[dict[str, t.Any]] = []

    def add(self, row: Row, result: FileResult) -> None:
        self.bytes += result.bytes
        self.verified += result.verified_bytes
        self.moved += result.bytes * result.passes
        self.passes = max(self.passes, result.passes)
        self.limits.update(result.limits)
        for offset, length in result.bad_ranges:
            if len(self.bad) < _KEPT_RANGES:
                self.bad.append({"set": row.set, "offset": offset, "bytes": length})

    def row(self) -> dict[str, t.Any]:
        """For a result: bytes, seconds in thousandths as an integer would hide short runs, and bytes a second."""
        seconds = max(time.monotonic() - self.started, 0.001)
        return {
            "bytes": self.bytes,
            "verified_bytes": self.verified,
            "passes": self.passes,
            "seconds": round(seconds, 3),
            "rate": int(self.moved / seconds),
            "limits": sorted(self.limits),
            "bad_ranges": self.bad,
        }


class _Request(t.NamedTuple):
    """What the task asks for; the same task has the same C(name)."""

    name: str
    method: dict[str, str]
    manner: Manner

    def run(self, number: int) -> str:
        return run_id(self.name, number)


def overwrite_paths(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(overwrite) with C(paths).

    :raises DisposalError: refused before anything was touched, or stopped; C(details) tells how far it got.
    """
    if not params["paths"]:
        raise RefusedError("paths is an empty list, so nothing was done; name what is to be overwritten")
    manner = manner_of(params)
    level = require_level("overwrite", params["level"])
    scheme = find_scheme(params["scheme"]).reading(manner.verify, manner.share)
    method = {"technique": "overwrite", "scheme": scheme.name, "level": level}
    told = {key: sorted(params[key]) if key in ("paths", "roots") else params[key] for key in ("paths", "roots", "recurse", "remove")}
    request = _Request(digest_of({**told, "method": method}), method, manner)
    state = StateDir(params["state_dir"], executor)
    _refuse_own(state, params["paths"])
    refuse_holds(state, params["holds"])
    number, last = latest_run(state.path, request.name)
    if last is not None and not last.closed:
        plan = str((last.opening or {}).get("plan"))
        if not params["resume"]:
            raise RefusedError(
                "an earlier run of this task was interrupted, so nothing was done; give resume: true to have it brought to its end"
            )
        if check_mode:
            due = _count(state, plan)
            return {**_result(request, number, last, Totals(removes=request.manner.remove), due=due), "changed": True}
        result = _go_on(request, state, number, plan, priority=params["io_priority"])
        _remove_directories(executor, params)
        return _looked_at_again(result, params, state, request, number)
    listing, missing = list_paths(params["paths"], params["roots"], recurse=params["recurse"])
    if missing and last is None:
        raise RefusedError(
            f"nothing stands at {', '.join(missing[:3])}{' and others' if len(missing) > 3 else ''}, and no journal on this host tells that "
            "it was destroyed by this task, so nothing was done; correct the paths"
        )
    if last is not None and (not listing.count or (not params["remove"] and _as_left(state, request, number, last, listing))):
        left = bool(listing.directories) and params["remove"] and not listing.passed_over
        if left and not check_mode:
            _remove_directories(executor, params)
        result = {**_result(request, number, last, Totals(removes=request.manner.remove)), "changed": left}
        _repeat_failure(result, manner)
        return result
    refuse_unfit(listing, manner)
    if check_mode or not listing.count:
        return {
            **_result(request, number + 1, None, Totals(removes=request.manner.remove), due=listing.count),
            "changed": listing.count > 0,
        }
    result = _begin(request, state, number + 1, listing, priority=params["io_priority"])
    _remove_directories(executor, params)
    return result


def _looked_at_again(
    result: dict[str, t.Any], params: t.Mapping[str, t.Any], state: StateDir, request: _Request, number: int
) -> dict[str, t.Any]:
    """The result of a run that was gone on with, after a look at what stands in the paths now: much may have come since it began."""
    listing, _missing = list_paths(params["paths"], params["roots"], recurse=params["recurse"])
    if params["remove"]:
        as_left = not listing.count
    else:
        last = JournalState.fold(read_journal(journal_path(state.path, request.run(number))))
        as_left = _as_left(state, request, number, last, listing)
    if not as_left and result["outcome"] == "destroyed":
        result["outcome"], result["level"]["achieved"] = "unknown", LEVELS[0]
        result["warnings"] = ["files came to the given paths, or were changed there, since the interrupted run began; run again"]
    return result


def _repeat_failure(result: dict[str, t.Any], manner: Manner) -> None:
    """A run that failed does not turn into a success by asking again; one of which less was asked had not failed.

    :raises DisposalError: it had.
    """
    left = result["counts"]["not_destroyed"] + result["counts"]["unknown"]
    if left and manner.proves:
        raise DisposalError(
            f"{left} of the files of this task's last run were not destroyed, or it cannot be told, and nothing is left at their places; "
            "see its journal, which says why, and look at the medium",
            details=result,
        )


def _refuse_own(state: StateDir, paths: t.Sequence[str]) -> None:
    for path in (f"{path.rstrip('/')}/" for path in paths):
        if path.startswith(f"{state.path}/") or f"{state.path}/".startswith(path):
            raise RefusedError(
                f"the path {path.rstrip('/')} holds the state directory {state.path}, whose journals and keys would go, or lies in it, "
                "so nothing was done; leave it out"
            )


def _count(state: StateDir, plan: str) -> int:
    """How many files a list that was written earlier names."""
    file = PlanFile(plan_path(state.path, plan), plan)
    try:
        return sum(1 for _row in file.due())
    finally:
        file.close()


def _as_left(state: StateDir, request: _Request, number: int, last: JournalState, listing: Listing) -> bool:
    """Whether the files are those of the last run, and each still is what that made of it.

    Its journal says destroyed, the file bears its mark, and nothing of it was changed since.
    """
    if last.counts["destroyed"] != sum(last.counts.values()):
        return False
    marks: dict[tuple[str, int], Mark] = {}
    changed: dict[str, int] = {}
    for record in read_journal(journal_path(state.path, request.run(number))):
        if record["type"] == "intent":
            marks.update({(record["set"], mark["member"]): Mark.of(mark) for mark in record["marks"]})
        elif record["type"] == "outcome":
            changed[record["set"]] = record["proof"].get("ctime_ns", 0)
    file = PlanFile(plan_path(state.path, str((last.opening or {})["plan"])), str((last.opening or {})["plan"]))
    listed = {(root, dev, ino) for root, files in listing.files.items() for dev, ino in files}
    try:
        for row in file.due():
            listed -= {(row.root, member.dev, member.ino) for member in row.members}
            if not _bears(row, marks, changed[row.set]):
                return False
        return not listed
    finally:
        file.close()


def _bears(row: Row, marks: t.Mapping[tuple[str, int], Mark], changed: int) -> bool:
    root_fd = open_root(row.root)
    try:
        for index, member in enumerate(files_of(row)):
            expected = Expected(member.dev, member.ino, member.size, None, tuple(names_of(row, member)[1:]))
            mark = marks.get((row.set, index))
            try:
                with look_at(root_fd, member.path, expected, shared=True, unprotect=True, removes=False) as target:
                    # Nobody can set this time but by the clock.
                    if os.fstat(target.fd).st_ctime_ns > changed:
                        return False
                    if member.size and (mark is None or not bears(target.fd, [mark], erased=True)):
                        return False
            except TargetRefusedError:
                return False
        return True
    finally:
        os.close(root_fd)


def _key(state: StateDir) -> bytes:
    """The key for the names of sets, made once for a host."""
    path = os.path.join(state.path, "overwrite.key")
    try:
        with open(path, "rb") as handle:
            found = handle.read()
    except FileNotFoundError:
        found = secrets.token_bytes(_KEY_BYTES)
        state.executor.replace_file(path, [found])
    if len(found) != _KEY_BYTES:
        raise RefusedError(f"the key {path} has {len(found)} bytes, not {_KEY_BYTES}, so nothing was done; put it back, or move it aside")
    return found


def _begin(request: _Request, state: StateDir, number: int, listing: Listing, *, priority: str) -> dict[str, t.Any]:
    plans = state.make("plans")
    passes = len(find_scheme(request.method["scheme"]).passes)
    refuse_small_disk(state.path, sets=listing.count, files=listing.count, passes=passes)
    try:
        rows = list(encode_rows(listing, method=request.method, key=_key(state)))
        plan = digest(b"".join(rows))
        path = plan_path(state.path, plan)
        state.executor.replace_file(path, rows)
        state.executor.sync_directory(plans)
    except OSError as error:
        raise DisposalError(
            f"the list of files cannot be written below {state.path} ({error.strerror}); make room and run again"
        ) from error
    return _go_on(request, state, number, plan, priority=priority)


def _go_on(request: _Request, state: StateDir, number: int, plan: str, *, priority: str) -> dict[str, t.Any]:
    set_io_priority(priority)
    run = request.run(number)
    file = PlanFile(plan_path(state.path, plan), plan)
    standing = Standing()
    totals = Totals(removes=request.manner.remove)
    state.make(os.path.join("runs", run))
    due = sum(1 for _row in file.due())
    try:
        with host_lock(state.path, state.executor, purpose=f"overwrite {run}"):
            return carry_out(
                journal_path(state.path, run),
                state.executor,
                file,
                opening=opening_of(run, plan),
                build=lambda journal: Destroyer(state.executor, journal, standing, run=run, manner=request.manner, results=totals.add),
                reasons={},
                told=lambda journal: _journalled(request, number, journal, totals, due),
                ending=lambda counts: None,
                again="run again",
            )
    finally:
        standing.close()
        file.close()


def _journalled(request: _Request, number: int, journal: Journal, totals: Totals, due: int) -> dict[str, t.Any]:
    result = _result(request, number, journal.state, totals, due=due)
    result["journal"] = {"path": journal.path, "head": journal.head, "records": journal.seq}
    return result


def _result(request: _Request, number: int, journal: JournalState | None, totals: Totals, *, due: int | None = None) -> dict[str, t.Any]:
    """What every way out returns, filled as far as it got."""
    due = sum(journal.counts.values()) if journal and due is None else due or 0
    method = request.method
    told = envelope(
        journal, required=method["level"], reachable=reachable_level(method["technique"]), due=due, run=request.run(number), method=method
    )
    return {**told, **totals.row()}


def _remove_directories(executor: Executor, params: t.Mapping[str, t.Any]) -> None:
    """The given directories, and those below them, that are empty now, deepest first."""
    if not params["remove"]:
        return
    listing, _missing = list_paths(params["paths"], params["roots"], recurse=params["recurse"])
    for root, directories in listing.directories.items():
        root_fd = open_root(root)
        try:
            for directory in reversed(directories):
                remove_empty(executor, root_fd, directory, levels=1)
        finally:
            os.close(root_fd)
