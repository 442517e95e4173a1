# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over media of hosts as it lies on the controller: record, journal, statement, manifest and plan, each held against the one that names it."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.chain import ChainReader, Record, opened
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.journal import JournalState, require_time
from ..module_utils._evidence.sshsig import verify
from ..module_utils._media.serials import medium_set, serial_key
from ._evidence_files import MANIFEST, SIGNATURE, STATEMENT, read_bytes, read_statement
from ._media_records import record_name
from ._statement import NAMESPACE

__all__ = ["Act", "HostRun", "Sealers", "host_runs"]

_T = t.TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Sealers:
    """Who may have sealed a run: C(principal) by the text of C(allowed_signers), nobody in particular where that is not given."""

    allowed_signers: str | None
    principal: str


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """What was done to a medium, by a record that was checked.

    :ivar kind: C(host) where a host did it, C(physical) where people did.
    :ivar opening: the first record of its journal.
    :ivar row: the plan's row; of physical work the facts that people told.
    :ivar digest: of the file that the register's log has to link.
    :ivar files: every file that it rests on, a path below the state directory, with its digest; the linked one first.
    :ivar manifest: of the plan, and C(statement) the one that sealed the run; empty of physical work.
    """

    kind: str
    run: str
    host: str
    record: Record
    opening: Record
    row: dict[str, t.Any]
    digest: str
    files: dict[str, str]
    manifest: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    statement: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def technique(self) -> str:
        return str(self.record["technique"])

    @property
    def achieved(self) -> str:
        return str(self.record["level"]["achieved"])

    @property
    def destroyed(self) -> bool:
        return bool(self.record["outcome"] == "destroyed")

    @property
    def proof(self) -> dict[str, t.Any]:
        return self.record["proof"] or {}

    @property
    def ended(self) -> str:
        """When it was done, as far as it is told."""
        return str(self.proof.get("ended") or self.proof.get("time") or self.record["time"])


@dataclasses.dataclass(frozen=True, slots=True)
class _Sealed:
    """A statement, the digests of the files that it names, and the manifest of the run."""

    statement: dict[str, t.Any]
    digest: str
    files: dict[str, str]
    manifest: dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _HostJournal:
    """A host's journal: its first record, and by set the line of its outcome with what it says."""

    opening: Record
    outcomes: dict[str, tuple[bytes, Record]]
    digest: str


def host_runs(dest: str, sealers: Sealers) -> list[HostRun]:
    """The runs below a state directory that have records of media, in order of their names."""
    directory = os.path.join(dest, "runs")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [HostRun(dest, name, sealers) for name in names if os.path.isdir(os.path.join(directory, name, "media"))]


class HostRun:
    """A run over media of hosts. What is wrong with one of its files is told again for each medium that it concerns."""

    def __init__(self, dest: str, plan_id: str, sealers: Sealers) -> None:
        self.dest, self.plan_id = dest, plan_id
        self.directory = os.path.join(dest, "runs", plan_id)
        self._sealers = sealers
        self._known: dict[str, tuple[t.Any, EvidenceError | None]] = {}

    def act(self, serial: str) -> Act | None:
        """What the run did to a medium, none where it has no record of it.

        :raises EvidenceError: the record is there, and is not what journal, statement, manifest and plan say.
        """
        path = os.path.join(self.directory, "media", f"{record_name(medium_set(serial))}.json")
        if not os.path.exists(path):
            return None
        rows = self._once("rows", self._rows).get(serial_key(serial), [])
        if len(rows) != 1:
            hosts = f"{len(rows)} rows ({', '.join(sorted(host for host, _row in rows))})" if rows else "no row"
            raise EvidenceError(f"the plan {self.plan_id} has {hosts} for it, and {path} is a record of it; find out which medium it was")
        return self._act(path, *rows[0])

    def _once(self, key: str, read: t.Callable[[], _T]) -> _T:
        """What C(read) returns or raises, which is found out once."""
        if key not in self._known:
            try:
                self._known[key] = read(), None
            except EvidenceError as error:
                self._known[key] = None, error
        value, fault = self._known[key]
        if fault is not None:
            raise fault
        return t.cast(_T, value)

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self.dest).replace(os.sep, "/")

    def _act(self, path: str, host: str, row: dict[str, t.Any]) -> Act:
        data = read_bytes(path)
        journal_path = os.path.join(self.directory, "journals", f"{host}.jsonl")
        journal = self._once(f"journal {host}", lambda: _read_journal(journal_path))
        line, record = journal.outcomes.get(row["set"], (b"", {}))
        if not line:
            raise EvidenceError(f"{path} is in no line of {journal_path}, so nobody wrote it there; settle the run again")
        if data != line + b"\n":
            raise EvidenceError(
                f"{path} is not the line that {journal_path} has of it, so one of them was changed; compare both with copies"
            )
        sealed = self._once("sealed", self._sealed)
        name = f"journals/{host}.jsonl"
        if sealed.files.get(name) != journal.digest:
            raise EvidenceError(
                f"{journal_path} is not what {STATEMENT} of the run {self.plan_id} names, so it was changed or never sealed; "
                "compare it with a copy, or seal the run"
            )
        plan = os.path.join(self.dest, "plans", self.plan_id, "media", f"{host}.jsonl")
        files = {
            self._relative(path): digest(data),
            f"runs/{self.plan_id}/{name}": journal.digest,
            f"runs/{self.plan_id}/{STATEMENT}": sealed.digest,
            f"runs/{self.plan_id}/{MANIFEST}": sealed.files[MANIFEST],
            self._relative(plan): self._plan_digest(sealed, journal, host),
        }
        return Act(
            *("host", self.plan_id, host, record, journal.opening, row),
            digest=digest(data),
            files=files,
            manifest=sealed.manifest,
            statement=sealed.statement,
        )

    def _plan_digest(self, sealed: _Sealed, journal: _HostJournal, host: str) -> str:
        """The digest of the host's plan, which manifest and journal name."""
        path = os.path.join(self.dest, "plans", self.plan_id, "media", f"{host}.jsonl")
        known = self._once(f"plan {host}", lambda: digest(read_bytes(path)))
        named = {sealed.manifest["hosts"].get(host, {}).get("plan", {}).get("digest"), journal.opening["plan"]}
        if named != {known}:
            raise EvidenceError(f"{path} is not the plan that manifest and journal name, so it was changed; compare it with a copy")
        return known

    def _rows(self) -> dict[str, list[tuple[str, dict[str, t.Any]]]]:
        """Hosts and rows of the plan by key of serial."""
        directory = os.path.join(self.dest, "plans", self.plan_id, "media")
        try:
            names = sorted(os.listdir(directory))
        except OSError as error:
            raise EvidenceError(f"the plan {directory} cannot be read ({error.strerror}); put it back from a copy") from error
        rows: dict[str, list[tuple[str, dict[str, t.Any]]]] = collections.defaultdict(list)
        for name in filter(lambda name: name.endswith(".jsonl"), names):
            path = os.path.join(directory, name)
            for number, line in enumerate(read_bytes(path).splitlines(), 1):
                row = _plan_row(line, f"{path} line {number}")
                rows[serial_key(row["serial"])].append((name.removesuffix(".jsonl"), row))
        return rows

    def _sealed(self) -> _Sealed:
        path = os.path.join(self.directory, STATEMENT)
        if not os.path.exists(path):
            raise EvidenceError(f"the run {self.plan_id} has no {STATEMENT}; seal it first")
        data = read_bytes(path)
        statement = read_statement(data, path)
        try:
            files = {item["name"]: f"sha256:{item['digest']['sha256']}" for item in statement["subject"]}
            created = parse_time(statement["predicate"]["created"])
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(f"{path} is not of the form that this version knows; use the version that wrote it") from error
        if self._sealers.allowed_signers is not None:
            signature = read_bytes(os.path.join(self.directory, SIGNATURE))
            who = {"allowed_signers": self._sealers.allowed_signers, "principal": self._sealers.principal}
            try:
                verify(data, signature, **who, namespace=NAMESPACE, at=created)
            except EvidenceError as error:
                raise EvidenceError(f"{os.path.join(self.directory, SIGNATURE)}: {error.message}", details=error.details) from error
        manifest_path = os.path.join(self.directory, MANIFEST)
        manifest_data = read_bytes(manifest_path)
        if {statement["predicate"].get("manifest"), files.get(MANIFEST)} != {digest(manifest_data)}:
            raise EvidenceError(f"{manifest_path} is not the manifest that {STATEMENT} names; compare it with a copy")
        return _Sealed(statement, digest(data), files, read_manifest(manifest_data))


def _plan_row(line: bytes, place: str) -> dict[str, t.Any]:
    try:
        row = json.loads(line)
        same = canonical(row) == line
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{place} cannot be read ({error}); compare it with a copy") from error
    serial = row.get("serial") if isinstance(row, dict) else None
    if not same or not isinstance(serial, str) or row.get("set") != medium_set(serial):
        raise EvidenceError(f"{place} is no row of a plan of media as it was written; compare it with a copy")
    return t.cast(dict[str, t.Any], row)


def _read_journal(path: str) -> _HostJournal:
    """A host's journal, every line of it checked."""
    file, name = opened(path)
    with file:
        reader = ChainReader(file, name, allow_torn=True)
        state, outcomes = JournalState(name), {}
        for record in reader:
            require_time(record, reader)
            state.apply(record)
            if record["type"] == "outcome":
                outcomes[record["set"]] = (reader.line, record)
    if state.opening is None:
        raise EvidenceError(f"{path} holds no whole record; fetch it again")
    return _HostJournal(state.opening, outcomes, reader.file_digest)
