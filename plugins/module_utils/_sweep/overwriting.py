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
from .._erasure.schemes import find_scheme, require_level
from .._erasure.targets import Expected, TargetRefusedError, look_at
from .._errors import DisposalError, RefusedError
from .._evidence.canonical import digest, digest_of
from .._evidence.journal import Journal, JournalState, read_journal
from .._executor import Executor
from .._jobs.lock import host_lock
from .._recordings.walk import Roots, open_root
from .._retention.holds import load_holds
from .._retention.rows import PlanFile, Row, plan_path
from .approved import journal_path
from .aside import remove_empty
from .destroying import Destroyer, files_of, names_of
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
    manner = manner_of(params)
    level = require_level("overwrite", params["level"])
    scheme = find_scheme(params["scheme"]).reading(manner.verify, manner.share)
    method = {"technique": "overwrite", "scheme": scheme.name, "level": level}
    told = {key: sorted(params[key]) if key in ("paths", "roots") else params[key] for key in ("paths", "roots", "recurse", "remove")}
    request = _Request(digest_of({**told, "method": method}), method, manner)
    state = StateDir(params["state_dir"], executor)
    _refuse_holds(state, params["holds"])
    number, last = latest_run(state.path, request.name)
    if last is not None and not last.closed:
        if not params["resume"]:
            raise RefusedError(
                "an earlier run of this task was interrupted, so nothing was done; give resume: true to have it brought to its end"
            )
        if check_mode:
            return {**_result(request, number, last, Totals(removes=request.manner.remove)), "changed": True}
        result = _go_on(request, state, number, str((last.opening or {}).get("plan")), priority=params["io_priority"])
        _remove_directories(executor, params)
        return result
    listing, missing = list_paths(params["paths"], params["roots"], recurse=params["recurse"])
    if missing and last is None:
        raise RefusedError(
            f"nothing stands at {', '.join(missing[:3])}{' and others' if len(missing) > 3 else ''}, and no journal on this host tells that "
            "it was destroyed by this task, so nothing was done; correct the paths"
        )
    if last is not None and (not listing.count or (not params["remove"] and _as_left(state, request, number, last))):
        left = bool(listing.directories) and params["remove"] and not listing.passed_over
        if left and not check_mode:
            _remove_directories(executor, params)
        return {**_result(request, number, last, Totals(removes=request.manner.remove)), "changed": left}
    refuse_unfit(listing, on_ineffective=manner.on_ineffective, shared=manner.shared, unprotect=manner.unprotect)
    if check_mode or not listing.count:
        return {
            **_result(request, number + 1, None, Totals(removes=request.manner.remove), due=listing.count),
            "changed": listing.count > 0,
        }
    result = _begin(request, state, number + 1, listing, priority=params["io_priority"])
    _remove_directories(executor, params)
    return result


def _refuse_holds(state: StateDir, checked: str) -> None:
    holds, _generation = load_holds(state.hold_documents())
    standing = [hold.id for hold in holds if hold.active(int(time.time()))]
    if standing and checked != "checked":
        raise RefusedError(
            f"legal holds are in force on this host ({', '.join(standing[:3])}{' and others' if len(standing) > 3 else ''}), and without a policy "
            "nobody can tell whether they are about these files, so nothing was done; use retention_apply, or make sure and give holds: checked"
        )


def _as_left(state: StateDir, request: _Request, number: int, last: JournalState) -> bool:
    """Whether each file still is what the last run made of it: its journal says destroyed, and the file bears the run's mark."""
    if last.counts["destroyed"] != sum(last.counts.values()):
        return False
    marks: dict[tuple[str, int], Mark] = {}
    for record in read_journal(journal_path(state.path, request.run(number))):
        if record["type"] == "intent":
            marks.update({(record["set"], mark["member"]): Mark.of(mark) for mark in record["marks"]})
    file = PlanFile(plan_path(state.path, str((last.opening or {})["plan"])), str((last.opening or {})["plan"]))
    try:
        return all(_bears(row, marks) for row in file.due())
    finally:
        file.close()


def _bears(row: Row, marks: t.Mapping[tuple[str, int], Mark]) -> bool:
    root_fd = open_root(row.root)
    try:
        for index, member in enumerate(files_of(row)):
            expected = Expected(member.dev, member.ino, member.size, None, tuple(names_of(row, member)[1:]))
            mark = marks.get((row.set, index))
            try:
                with look_at(root_fd, member.path, expected, shared=True, unprotect=True) as target:
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
    told = envelope(journal, required=method["level"], technique=method["technique"], due=due, run=request.run(number), method=method)
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
