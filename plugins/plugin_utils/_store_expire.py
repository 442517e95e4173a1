# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What evidence a store need no longer keep, and its removal. A run goes as a whole, and a tombstone without personal data stays."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.chain import ChainReader
from ..module_utils._evidence.clock import parse_time, time_text
from ._store import Held, Store, Unit
from ._store_keep import Keep
from ._store_put import data_item, stored_ledger, tombstone_name
from ._store_scan import run_prefix

__all__ = ["TOMBSTONE", "Expiring", "expire_evidence"]

TOMBSTONE = "recordings.disposal/evidence-tombstone/1"
_RUN = re.compile(r"runs/(?P<run>[^/]+)/(?P<seq>\d+)/")
_MOST = 50


@dataclasses.dataclass(slots=True)
class Expiring:
    """What it needs; C(holds) are ids of runs that stay."""

    store: Store
    keep: Keep
    holds: t.Sequence[str]
    remove: bool
    now: dt.datetime
    check_mode: bool


@dataclasses.dataclass(slots=True)
class _Run:
    """A run in the store: its files, and the digests of its statements by their number in the ledger.

    :ivar why: why it stays; empty where it may go.
    """

    run: str
    names: list[str] = dataclasses.field(default_factory=list)
    statements: dict[int, str] = dataclasses.field(default_factory=dict)
    until: dt.datetime | None = None
    why: str = ""

    def row(self) -> dict[str, t.Any]:
        return {"run": self.run, "kept_until": time_text(self.until) if self.until else None, "files": len(self.names)}


def expire_evidence(told: Expiring) -> dict[str, t.Any]:
    """List what has expired, and remove it where that is asked for; returns plain data for the task's result.

    :raises DisposalError: the store cannot be relied on, a hold names what is not there, or something cannot be removed.
    """
    checks = told.store.check()
    if told.store.make():
        raise RefusedError(f"{told.store.place} is not there, so nothing was done; correct the store")
    held = told.store.held()
    runs = _runs(told.store, held)
    unknown = sorted(set(told.holds) - runs.keys())
    if unknown:
        raise RefusedError(
            f"the hold names the run {unknown[0]!r}, which {told.store.place} does not have, so nothing was done; correct it"
        )
    _judge(told, runs, held)
    expired = [run for run in runs.values() if not run.why]
    if told.remove and expired and not told.check_mode:
        told.store.opened()
        try:
            for run in expired:
                _remove(told, run, held)
        finally:
            told.store.closed()
        checks = told.store.check()
    elif told.remove and expired and told.store.kind == "git":
        told.store.remove([])
    return {
        "changed": bool(told.remove and expired),
        "store": told.store.describe(),
        "expired": [run.row() for run in expired[:_MOST]],
        "expired_count": len(expired),
        "staying": [{**run.row(), "reason": run.why} for run in list(runs.values())[:_MOST] if run.why],
        "checks": checks,
        "problems": [],
    }


def _runs(store: Store, held: t.Mapping[str, Held]) -> dict[str, _Run]:
    runs: dict[str, _Run] = {}
    for name in sorted(held):
        match = _RUN.match(name)
        if match:
            run = runs.setdefault(match["run"], _Run(match["run"]))
            run.names.append(name)
            run.statements.setdefault(int(match["seq"]), "")
    return runs


def _judge(told: Expiring, runs: t.Mapping[str, _Run], held: t.Mapping[str, Held]) -> None:
    """Unknown means keep: what the stored ledger does not confirm stays, with the reason."""
    sealed = _sealed(told.store, held)
    for run in runs.values():
        try:
            moments = [_made(told.store, run, seq, sealed, held) for seq in run.statements]
        except EvidenceError as error:
            run.why = error.message
            continue
        run.until = max(told.keep.until(moment) for moment in moments)
        if run.run in told.holds:
            run.why = "a hold names it"
        elif run.until > told.now:
            run.why = "its retention has not passed"
        else:
            run.why = _locked(told, run)


def _locked(told: Expiring, run: _Run) -> str:
    for name in run.names:
        end, hold = told.store.locked(name)
        if hold:
            return f"a legal hold is on {name} in {told.store.place}"
        if end is not None and end > told.now:
            run.until = max(run.until or end, end)
            return f"{told.store.place} keeps it until {time_text(end)}"
    return ""


def _sealed(store: Store, held: t.Mapping[str, Held]) -> dict[int, dict[str, t.Any]]:
    found = stored_ledger(store, held)
    if found is None:
        return {}
    file, name = found
    return {record["seq"]: record for record in ChainReader(file, f"{name} in {store.place}")}


def _made(store: Store, run: _Run, seq: int, sealed: t.Mapping[int, t.Mapping[str, t.Any]], held: t.Mapping[str, Held]) -> dt.datetime:
    """When a sealed state of a run was made, as the ledger has it."""
    name = f"{run_prefix(run.run, seq)}statement.json"
    line = sealed.get(seq)
    if line is None or line["run"] != run.run:
        raise EvidenceError(f"the last ledger in {store.place} does not name its statement {seq}, so its age is not known")
    # A removal that was cut off may have taken the statement already; its tombstone says which it was.
    if name in held:
        run.statements[seq] = digest(store.read(name))
    elif tombstone_name(run.run) in held:
        run.statements[seq] = line["statement"]
    if run.statements[seq] != line["statement"]:
        raise EvidenceError(f"{name} in {store.place} is not the statement that the ledger names, so its age is not known")
    return parse_time(line["time"])


def _remove(told: Expiring, run: _Run, held: t.Mapping[str, Held]) -> None:
    """The tombstone first, so that no crash leaves a gap that nothing explains."""
    name = tombstone_name(run.run)
    if told.store.kind == "git":
        told.store.remove(run.names)
    if name not in held:
        document = {
            "format": TOMBSTONE,
            "run": run.run,
            "statements": [{"seq": seq, "digest": found} for seq, found in sorted(run.statements.items())],
            "kept_until": time_text(run.until) if run.until else None,
            "removed": time_text(told.now),
        }
        item = data_item(name, canonical(document) + b"\n")
        told.store.put(
            Unit("tombstone", run.run, "tombstones/", f"tombstone {run.run}", told.now, (item,)), [item], told.keep.until(told.now)
        )
    told.store.remove(run.names)
    left = [each for each in told.store.held() if each in run.names]
    if left:
        raise EvidenceError(f"{left[0]} is still in {told.store.place}, which said that it was removed; look what keeps it there")
