# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to store below a state directory: each sealed run, the ledger with its head, certificates, the register's log."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.chain import ChainReader, opened
from ..module_utils._evidence.clock import parse_time
from ._evidence_files import SIGNATURE, STATEMENT, read_bytes
from ._ledger import Entry, read_ledger
from ._ledger_head import head_path, kept_heads, parse_head, require_extension, verified_head
from ._store import Item, Unit, file_item

__all__ = ["Found", "ledger_prefix", "run_prefix", "scan"]

_CERTIFICATE = re.compile(r"(?P<stem>[^/]+?)(?:\.(?P<older>[0-9a-f]{12}))?\.json")


@dataclasses.dataclass(slots=True)
class Found:
    """Units in the order in which they are stored, the ledger last of what it names.

    :ivar unsealed: runs that the ledger does not name; C(absent): runs that it names and that are not here.
    """

    entries: list[Entry]
    units: list[Unit] = dataclasses.field(default_factory=list)
    unsealed: list[str] = dataclasses.field(default_factory=list)
    absent: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)


def run_prefix(run: str, seq: int) -> str:
    """Each sealed state of a run has a place of its own, since journals grow and statements are replaced."""
    return f"runs/{run}/{seq}/"


def ledger_prefix(size: int) -> str:
    return f"ledger/{size}/"


def scan(source: str, *, allowed_signers: str, signer: str) -> Found:
    """All units; what is wrong with one does not hide the others.

    :raises EvidenceError: there is no ledger with a good head over all its lines.
    """
    ledger = os.path.join(source, "ledger.jsonl")
    entries = read_ledger(ledger)
    if not entries:
        raise EvidenceError(f"{ledger} has no line, so there is nothing sealed to store; seal a run first")
    head, _found = verified_head(head_path(ledger), allowed_signers=allowed_signers, signer=signer)
    require_extension(entries, head, head_path(ledger))
    if head.size != len(entries):
        raise EvidenceError(f"{head_path(ledger)} is over {head.size} lines and the ledger has {len(entries)}; seal again, and then store")
    found = Found(entries)
    last = {entry.run: entry for entry in entries}
    for run, entry in sorted(last.items(), key=lambda each: each[1].seq):
        _collected(found, functools.partial(_run, found, source, run, entry))
    runs = os.path.join(source, "runs")
    found.unsealed = sorted(name for name in _listed(runs) if name not in last and os.path.isdir(os.path.join(runs, name)))
    _collected(found, lambda: _certificates(found, os.path.join(source, "certificates")))
    _collected(found, lambda: _register(found, os.path.join(source, "register")))
    _collected(found, lambda: _ledger(found, ledger, head.size, head.root, head.time))
    return found


def _collected(found: Found, act: t.Callable[[], None]) -> None:
    try:
        act()
    except EvidenceError as error:
        if error.details.get("fault") == "no_tool":
            raise
        found.problems.append(error.message)


def _listed(directory: str) -> list[str]:
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def _run(found: Found, source: str, run: str, entry: Entry) -> None:
    directory = os.path.join(source, "runs", run)
    if os.path.basename(run) != run or not os.path.isdir(directory):
        found.absent.append(run)
        return
    items = tuple(_tree(directory, run_prefix(run, entry.seq)))
    by_name = {item.name.removeprefix(run_prefix(run, entry.seq)): item for item in items}
    statement = by_name.get(STATEMENT)
    if statement is None or statement.digest != entry.statement or SIGNATURE not in by_name:
        raise EvidenceError(f"{directory} is not as line {entry.seq + 1} of the ledger sealed it, so it is not stored; seal it again")
    title = f"run {run} statement {entry.seq} {entry.statement}"
    found.units.append(Unit("run", run, run_prefix(run, entry.seq), title, parse_time(entry.time), items, directory))


def _tree(directory: str, prefix: str) -> t.Iterator[Item]:
    for name in _listed(directory):
        path = os.path.join(directory, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from _tree(path, f"{prefix}{name}/")
        # What a cut-off writing leaves; see Executor.replace_file.
        elif not re.search(r"\.\d+\.tmp$", name):
            yield file_item(path, prefix + name)


def _ledger(found: Found, ledger: str, size: int, root: str, time: str) -> None:
    for older, path in sorted(kept_heads(ledger).items()):
        if older < size:
            head = parse_head(read_bytes(path), path)
            items = _head_items(path, ledger_prefix(older))
            title = f"ledger {older} {head.root}"
            found.units.append(Unit("ledger", str(older), ledger_prefix(older), title, parse_time(head.time), items))
    items = (file_item(ledger, ledger_prefix(size) + "ledger.jsonl"), *_head_items(head_path(ledger), ledger_prefix(size)))
    found.units.append(Unit("ledger", str(size), ledger_prefix(size), f"ledger {size} {root}", parse_time(time), items))


def _head_items(path: str, prefix: str) -> tuple[Item, ...]:
    """A head, its signature and its time stamp under the names that they had when it was the ledger's own."""
    ends = ("", ".sig", ".tsr")
    return tuple(file_item(path + end, f"{prefix}ledger.head.json{end}") for end in ends if end != ".tsr" or os.path.lexists(path + end))


def _certificates(found: Found, directory: str) -> None:
    """Certificates of media; each issue has a place of its own, by its digest."""
    names = _listed(directory)
    for name in names:
        match = _CERTIFICATE.fullmatch(name)
        if not match or f"{name}.sig" not in names:
            continue
        item = file_item(os.path.join(directory, name), f"certificates/{name}")
        stem, short = match["stem"], item.digest[7:19]
        if match["older"] and match["older"] != short:
            raise EvidenceError(f"{item.path} is not the certificate of that name, so it is not stored; put it back from a copy")
        prefix = f"certificates/{stem}/{short}/"
        pages = [] if match["older"] else [page for page in names if re.fullmatch(re.escape(stem) + r"\.[a-z]{2}\.(?:html|pdf)", page)]
        items = [(name, f"{stem}.json"), (f"{name}.sig", f"{stem}.json.sig"), *((page, page) for page in pages)]
        try:
            issued = parse_time(json.loads(read_bytes(item.path)).get("issued"))
        except (ValueError, AttributeError) as error:
            raise EvidenceError(f"{item.path} does not tell when it was issued, so it is not stored; put it back from a copy") from error
        files = tuple(file_item(os.path.join(directory, here), prefix + there) for here, there in items)
        found.units.append(Unit("certificate", stem, prefix, f"certificate {stem} {item.digest}", issued, files))


def _register(found: Found, directory: str) -> None:
    path = os.path.join(directory, "log.jsonl")
    if not os.path.lexists(path):
        return
    file, name = opened(path)
    last: object = None
    with file:
        reader = ChainReader(file, name)
        for record in reader:
            last = record.get("time")
    if not reader.count:
        return
    prefix = f"register/{reader.count}/"
    items = [file_item(path, f"{prefix}log.jsonl")]
    for event in _listed(os.path.join(directory, "events")):
        items.append(file_item(os.path.join(directory, "events", event), f"register/events/{event}"))
    title = f"register {reader.count} {reader.head}"
    found.units.append(Unit("register", str(reader.count), prefix, title, parse_time(last), tuple(items)))
