# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store evidence: what is sealed here and not there is put there, and what is there is held against what is here."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError, first_of
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.clock import parse_time, time_text
from ._evidence_files import MANIFEST, SIGNATURE, STATEMENT, read_statement
from ._ledger import Entry
from ._ledger_head import parse_head, require_extension
from ._store import Held, Item, Store, Unit
from ._store_keep import Keep
from ._store_scan import Found, ledger_prefix, run_prefix, scan
from ._verify import verify_run

__all__ = ["Storing", "store_evidence", "tombstone_name"]

_MOST = 50


@dataclasses.dataclass(slots=True)
class Storing:
    """What storing needs; C(source) is the state directory, C(allowed_signers) the file's text."""

    source: str
    store: Store
    keep: Keep
    allowed_signers: str
    signer: str
    now: dt.datetime
    check_mode: bool


@dataclasses.dataclass(slots=True)
class _Done:
    """What was done, for the result."""

    put: list[Unit] = dataclasses.field(default_factory=list)
    files: int = 0
    bytes: int = 0
    kept: int = 0
    same: int = 0
    extended: int = 0
    expired: list[str] = dataclasses.field(default_factory=list)
    removed: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    lost: list[str] = dataclasses.field(default_factory=list)
    until: list[dt.datetime] = dataclasses.field(default_factory=list)


def tombstone_name(run: str) -> str:
    return f"tombstones/{run}.json"


def store_evidence(told: Storing) -> dict[str, t.Any]:
    """Put every sealed unit that is not in the store there, and read it back; returns plain data for the task's result.

    Problems with one unit do not keep the others from being stored; they are in C(problems), and the first of them in C(failure).

    :raises DisposalError: nothing can be stored; the sentence says why.
    """
    try:
        found = scan(told.source, allowed_signers=told.allowed_signers, signer=told.signer)
    except OSError as error:
        raise RefusedError(
            f"{error.filename} cannot be read ({error.strerror}), so nothing was stored; run as the user who seals"
        ) from error
    # A period that leads nowhere is refused before anything is made.
    for unit in found.units:
        told.keep.until(unit.since)
    checks = told.store.check()
    made = told.store.make()
    held = told.store.held()
    _require_growth(told.store, held, found)
    done = _Done(problems=list(found.problems))
    if told.check_mode:
        _each(told, found, held, done)
    else:
        told.store.opened()
        try:
            # Somebody may have written since the first look; from here on nobody else does.
            held = told.store.held()
            _each(told, found, held, done)
        finally:
            told.store.closed()
        checks = told.store.check()
    return _result(told, found, done, checks, made)


def _require_growth(store: Store, held: t.Mapping[str, Held], found: Found) -> None:
    """That the ledger is an extension of the last head that was stored, which is one that somebody kept elsewhere.

    :raises EvidenceError: it is not.
    """
    name = _last_head(held)
    if name is not None:
        place = f"{name} in {store.place}"
        require_extension(found.entries, parse_head(store.read(name), place), place)


def _last_head(held: t.Mapping[str, Held]) -> str | None:
    sizes = [int(name.split("/")[1]) for name in held if name.startswith("ledger/") and name.endswith("/ledger.head.json")]
    return ledger_prefix(max(sizes)) + "ledger.head.json" if sizes else None


def _each(told: Storing, found: Found, held: t.Mapping[str, Held], done: _Done) -> None:
    there = {item.name for unit in found.units for item in unit.items} & held.keys()
    # What is stored is read as a whole each time: a store is as good as what can be read from it.
    digests = told.store.digests([name for name in there if not held[name].fault])
    _only_there(told, found, held, done)
    for unit in found.units:
        if unit.kind == "run" and tombstone_name(unit.id) in held:
            done.removed.append(unit.id)
            continue
        try:
            _unit(told, unit, held, digests, done)
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            done.problems.append(error.message)
        except DisposalError as error:
            # The store itself takes nothing more.
            done.problems.append(error.message)
            return


def _only_there(told: Storing, found: Found, held: t.Mapping[str, Held], done: _Done) -> None:
    """Runs that the ledger names and that are not here any more are held against their statements, so that what is lost in both places shows."""
    last = {entry.run: entry for entry in found.entries}
    for run in found.absent:
        if tombstone_name(run) in held or told.keep.until(parse_time(last[run].time)) <= told.now:
            continue
        try:
            _require_whole(told, last[run], held)
        except DisposalError as error:
            done.problems.append(error.message)


def _require_whole(told: Storing, entry: Entry, held: t.Mapping[str, Held]) -> None:
    prefix, store = run_prefix(entry.run, entry.seq), told.store
    gone = f"the run {entry.run}, which line {entry.seq + 1} of the ledger names, is not in {told.source}"
    name = prefix + STATEMENT
    if name not in held or prefix + SIGNATURE not in held:
        raise EvidenceError(f"{gone}, and not in {store.place} either; put it back from a copy")
    data = store.read(name)
    if digest(data) != entry.statement:
        raise EvidenceError(
            f"{gone}, and {name} in {store.place} is not its statement; find out who changed it, and put it back from a copy"
        )
    files = {prefix + item["name"]: f"sha256:{item['digest']['sha256']}" for item in read_statement(data, name)["subject"]}
    there = store.digests([each for each in files if each in held and not held[each].fault])
    for each in sorted(files):
        if there.get(each) != files[each]:
            what = "has another content than its statement names" if each in held else "is missing"
            raise EvidenceError(f"{gone}, and {each} in {store.place} {what}; find out who did that, and put it back from a copy")


def _unit(told: Storing, unit: Unit, held: t.Mapping[str, Held], digests: t.Mapping[str, str], done: _Done) -> None:
    missing = [item for item in unit.items if item.name not in held]
    for item in unit.items:
        if item.name in held:
            _require_same(told.store, item, held[item.name], digests.get(item.name))
    until = told.keep.until(unit.since)
    if until <= told.now:
        if missing:
            done.expired.append(f"{unit.kind} {unit.id}")
        return
    done.until.append(until)
    if missing:
        _require_good(told, unit)
        lost = _lost(unit, missing, held)
        if lost:
            done.lost.append(_told_lost(told, unit, lost))
        if not told.check_mode:
            told.store.put(unit, missing, until)
            _require_read_back(told.store, missing)
        done.put.append(unit)
        done.files += len(missing)
        done.bytes += sum(item.size for item in missing)
    same = [item.name for item in unit.items if item.name in held]
    done.same += len(same)
    done.extended += told.store.extend(same, until, held, check_mode=told.check_mode)


def _lost(unit: Unit, missing: t.Sequence[Item], held: t.Mapping[str, Held]) -> list[str]:
    """Of a run's files that are not in the store, those that the ledger there speaks of: it goes in last, after all that it names."""
    head = _last_head(held)
    if unit.kind != "run" or head is None or int(unit.prefix.split("/")[2]) >= int(head.split("/")[1]):
        return []
    # Pages and approvals may have come since it was stored.
    sealed = {STATEMENT, SIGNATURE, MANIFEST}
    names = (item.name.removeprefix(unit.prefix) for item in missing)
    return sorted(name for name in names if name in sealed or name.startswith("journals/"))


def _told_lost(told: Storing, unit: Unit, lost: t.Sequence[str]) -> str:
    does = "would be" if told.check_mode else "was"
    return (
        f"{len(lost)} sealed files of the run {unit.id} ({unit.prefix}{lost[0]} first) were not in {told.store.place}, though the ledger there "
        f"names the run, so each {does} put there again; unless a task before this one did not store the run and said so, somebody deleted "
        "them: find out who"
    )


def _require_same(store: Store, item: Item, held: Held, found: str | None) -> None:
    if held.fault:
        raise EvidenceError(f"{item.name} in {store.place} {held.fault}, so it is not as it was stored; find out who did that")
    if found != item.digest:
        raise EvidenceError(
            f"{item.name} in {store.place} has another content ({found}) than {item.path} ({item.digest}), and nothing is overwritten; "
            "find out which of the two was changed, and put that one back from the other"
        )


def _require_good(told: Storing, unit: Unit) -> None:
    """That a run is as it was sealed before it is stored for years."""
    if unit.kind != "run":
        return
    ledger = os.path.join(told.source, "ledger.jsonl")
    report = verify_run(unit.source, allowed_signers=told.allowed_signers, signer=told.signer, ledger=ledger, now=told.now)
    if not report.valid:
        raise EvidenceError(f"the run {unit.id} is not valid, so it is not stored: {'; '.join(report.problems[:3])}")


def _require_read_back(store: Store, items: t.Sequence[Item]) -> None:
    found = store.digests([item.name for item in items])
    for item in items:
        if found.get(item.name) != item.digest:
            raise EvidenceError(
                f"{item.name} was put into {store.place} and reads back otherwise; see that {item.path} is at rest, and repair the store"
            )


def _result(told: Storing, found: Found, done: _Done, checks: t.Sequence[str], made: bool) -> dict[str, t.Any]:
    count = done.same + done.files
    verified = [] if told.check_mode else [f"{count} files in {told.store.place} have the digests of those here, read back from there."]
    result = {
        "changed": bool(made or done.put or done.extended),
        "store": told.store.describe(),
        "put": {"files": done.files, "bytes": done.bytes, "units": len(done.put), "titles": [unit.title for unit in done.put[:_MOST]]},
        "same": done.same,
        "extended": done.extended,
        "kept_until": {"first": time_text(min(done.until)), "last": time_text(max(done.until))} if done.until else None,
        "unsealed": found.unsealed[:_MOST],
        "absent": found.absent[:_MOST],
        "expired": done.expired[:_MOST],
        "removed": done.removed[:_MOST],
        "checks": [*checks, *verified],
        "problems": done.problems[:_MOST],
        "warnings": done.lost[:_MOST],
    }
    if done.problems:
        result["failure"] = f"not everything is stored: {first_of(done.problems)}"
    return result


def data_item(name: str, data: bytes) -> Item:
    """A file that is made up for the store."""
    return Item(name, "", len(data), digest(data), data)


def stored_ledger(store: Store, held: t.Mapping[str, Held]) -> tuple[io.BytesIO, str] | None:
    """The last ledger that was stored, and its name there."""
    name = _last_head(held)
    if name is None:
        return None
    path = os.path.dirname(name) + "/ledger.jsonl"
    return (io.BytesIO(store.read(path)), path) if path in held else None
