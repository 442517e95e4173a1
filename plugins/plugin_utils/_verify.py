# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the evidence of a run: every check is made that can be, and each fault is a sentence that names its place."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE, check_approvals, read_manifest
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.sshsig import read_signature, verify
from ._evidence_files import MANIFEST, STATEMENT, kept_statements, read_bytes, read_statement, sealed_journals
from ._head_verify import HeadChecks, verify_head
from ._ledger import Entry, read_ledger
from ._signatures import read_signatures, signature_name
from ._statement import NAMESPACE, PREDICATE_TYPE, STATEMENT_TYPE, Evidence, Opening, build_statement, gather_evidence

__all__ = ["Report", "verify_run"]

NOT_CHECKED = (
    "When the signatures were made: a signature holds no time, so keys were judged by the times that statement and journals tell.",
    "Whether the hosts told the truth: a journal shows what a host wrote, and that nobody changed it since it was sealed.",
)
_WORDS_ONLY = ("not_checked", "problems")


@dataclasses.dataclass(slots=True)
class Report:
    """What verifying found; C(statement) is there when it could be read, C(consistency) when the ledger was held against a known head."""

    checks: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    not_checked: list[str] = dataclasses.field(default_factory=lambda: list(NOT_CHECKED))
    statement: dict[str, t.Any] | None = None
    consistency: dict[str, t.Any] | None = None

    @property
    def valid(self) -> bool:
        return not self.problems

    @contextlib.contextmanager
    def collected(self) -> t.Iterator[None]:
        """Take an EvidenceError as problems and go on."""
        try:
            yield
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            self.problems.extend(error.details.get("problems") or [error.message])


def verify_run(
    run_directory: str,
    *,
    allowed_signers: str,
    signer: str,
    ledger: str | None,
    now: dt.datetime,
    known_head: str | None = None,
    timestamp_ca: str | None = None,
) -> Report:
    """Verify a run's directory; C(allowed_signers) is the file's text, C(ledger), C(known_head) and C(timestamp_ca) are paths.

    :raises EvidenceError: the directory is missing, or C(ssh-keygen) cannot be used; every other fault is in the report.
    """
    if not os.path.isdir(run_directory):
        raise EvidenceError(f"{run_directory} is not a directory; name the directory of a run")
    head = None
    if ledger is not None:
        head = HeadChecks(ledger, allowed_signers, signer, now, known_head, timestamp_ca)
    elif known_head is not None or timestamp_ca is not None:
        raise EvidenceError("known_head and timestamp_ca say something of a ledger, and none is given; give the ledger too")
    return _Verifier(run_directory, allowed_signers, signer, ledger, now, head).run()


class _Verifier:
    def __init__(
        self, directory: str, allowed_signers: str, signer: str, ledger: str | None, now: dt.datetime, head: HeadChecks | None
    ) -> None:
        self.directory = directory
        self.allowed_signers = allowed_signers
        self.signer = signer
        self.ledger = ledger
        self.now = now
        self.head = head
        self.report = Report()

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def run(self) -> Report:
        with self.report.collected():
            data = read_bytes(self.path(STATEMENT))
            statement = read_statement(data, STATEMENT)
            created = self._shape(statement)
            self.report.statement = statement
            self._signature(STATEMENT, data, created)
            older = self._ledger(statement, data)
            self._contents(statement, older)
        self._head()
        return self.report

    def _head(self) -> None:
        if self.head is None:
            return
        for error in verify_head(self.head):
            with self.report.collected():
                raise error
        self.report.checks.extend(self.head.checks)
        self.report.not_checked.extend(self.head.not_checked)
        self.report.consistency = self.head.consistency

    def _shape(self, statement: dict[str, t.Any]) -> dt.datetime:
        kinds = (statement.get("_type"), statement.get("predicateType"))
        if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise EvidenceError(f"{STATEMENT} is of the types {kinds}, which this version does not know; use the version that wrote it")
        try:
            created = parse_time(statement["predicate"].get("created"))
        except ValueError as error:
            raise EvidenceError(f"{STATEMENT} does not say when it was made: {error}") from error
        if created > self.now + CLOCK_TOLERANCE:
            told = f"{STATEMENT} says it was made on {time_text(created)}"
            self.report.problems.append(f"{told}, and it is {time_text(self.now)} here; look at the clocks")
        return created

    def _signature(self, name: str, data: bytes, at: dt.datetime) -> None:
        with self.report.collected():
            signature = read_bytes(self.path(f"{name}.sig"))
            try:
                same = read_signature(signature).armor == signature
                found = verify(data, signature, allowed_signers=self.allowed_signers, principal=self.signer, namespace=NAMESPACE, at=at)
            except EvidenceError as error:
                if error.details.get("fault") == "no_tool":
                    raise
                raise EvidenceError(f"{name}.sig: {error.message}") from error
            if not same:
                raise EvidenceError(f"{name}.sig is not as it was written, though what it says is good; compare it with a copy")
            self.report.checks.append(f"{name} is signed by {found.principal} with key {found.fingerprint}.")

    def _contents(self, statement: dict[str, t.Any], older: list[dict[str, t.Any]]) -> None:
        """Manifest, journals, counts, tree and approvals."""
        try:
            data = read_bytes(self.path(MANIFEST))
            if digest(data) != statement["predicate"].get("manifest"):
                raise EvidenceError(f"{MANIFEST} is not the manifest that the statement names; compare it with a copy")
            manifest = read_manifest(data)
        except EvidenceError:
            self.report.not_checked.append("The journals and the approvals: they can be checked only against the manifest.")
            raise
        self.report.checks.append(f"{MANIFEST} is the one that the statement names.")
        with self.report.collected():
            evidence = gather_evidence(self.directory, manifest, data, checkpoints=sealed_journals([*older, statement]))
            self.report.checks.append(f"{len(evidence.hosts)} journals are unbroken chains of {_records(evidence)} records of this run.")
            self._compare(statement, evidence, manifest, data)
            self._approvals(evidence.openings, manifest, data)

    def _compare(self, statement: dict[str, t.Any], evidence: Evidence, manifest: dict[str, t.Any], manifest_bytes: bytes) -> None:
        """The statement against what the journals add up to."""
        predicate = statement["predicate"]
        rebuilt = build_statement(
            evidence,
            manifest,
            manifest_bytes,
            created=predicate["created"],
            previous=predicate.get("previous"),
            collection=str(predicate.get("collection")),
        )
        for words in _WORDS_ONLY:
            rebuilt["predicate"][words] = predicate.get(words)
        differences = [*_no_words(predicate), *_differences(statement, rebuilt, "")]
        self.report.problems.extend(f"{STATEMENT} {text}" for text in differences)
        if not differences:
            self.report.checks.append(
                f"The digests of {len(rebuilt['subject'])} files, the counts and bytes by host and class, and the Merkle root over "
                f"{evidence.tree.size} outcomes follow from the journals."
            )

    def _approvals(self, openings: list[Opening], manifest: dict[str, t.Any], manifest_bytes: bytes) -> None:
        """Whether each host began with approvals that were good then: keys valid at the first and the last beginning are valid between."""
        self._within_plan(openings, manifest)
        named = sorted({principal for opening in openings for principal, _key in opening.approvals})
        if not named and not (openings and manifest["approvals_required"]):
            self.report.not_checked.append("Approvals: the run began without any, and the plan asked for none.")
            return
        signatures = self._approvers(named)
        counted: list[set[tuple[str, str]]] = []
        for moment in sorted({min(item.time for item in openings), max(item.time for item in openings)}):
            now = int(parse_time(moment).timestamp())
            state = check_approvals(manifest_bytes, signatures, allowed_signers=self.allowed_signers, required=0, now=now, expiry=False)
            counted.append({(approval.principal, approval.key) for approval in state.approvals})
            if not state.approved or state.problems:
                known = {approval.principal for approval in state.approvals}
                names = [signature_name(MANIFEST, item["principal"]) for item in signatures if item["principal"] not in known]
                look = f"; look at {', '.join(names)}" if names else ""
                raise EvidenceError(f"{MANIFEST} was not approved as of {moment}: {state.sentence()}{look}")
        good = set.intersection(*counted)
        for opening in openings:
            journal = f"journals/{opening.host}.jsonl line 1"
            for principal, key in sorted(set(opening.approvals) - good):
                self.report.problems.append(f"{journal} names an approval by {principal} with key {key}, which is not there")
            if len(opening.approvals) < manifest["approvals_required"]:
                self.report.problems.append(f"{journal} names {len(opening.approvals)} approvals, too few for the plan")
        if any(opening.training for opening in openings):
            self.report.not_checked.append(
                "The training records of those who approved: they are named by their digests and do not lie here."
            )
        self.report.checks.append(f"{MANIFEST} was approved by {', '.join(named)}, not by its author {manifest['author']}.")

    def _approvers(self, named: t.Sequence[str]) -> list[dict[str, str]]:
        signatures = [item for item in read_signatures(MANIFEST, self.directory).signatures if item["principal"] in named]
        for principal in sorted(set(named) - {item["principal"] for item in signatures}):
            self.report.problems.append(f"{signature_name(MANIFEST, principal)} is missing; put it back from a copy")
        for item in signatures:
            name = signature_name(MANIFEST, item["principal"])
            data = item["signature"].encode("utf-8", "surrogateescape")
            try:
                same = read_signature(data).armor == data
            except EvidenceError as error:
                raise EvidenceError(f"{name} {error.message}", details=error.details) from error
            if not same:
                raise EvidenceError(f"{name} is not as it was written; compare it with a copy")
        return signatures

    def _within_plan(self, openings: list[Opening], manifest: dict[str, t.Any]) -> None:
        created, expires = manifest["created"], manifest["expires"]
        for opening in openings:
            if not parse_time(created) - CLOCK_TOLERANCE <= parse_time(opening.time) < parse_time(expires):
                place = f"journals/{opening.host}.jsonl line 1"
                self.report.problems.append(f"{place} began the run at {opening.time}, and the plan was valid from {created} to {expires}")

    def _ledger(self, statement: dict[str, t.Any], data: bytes) -> list[dict[str, t.Any]]:
        """The statement's place in the ledger; returns the statements of this run that it replaced."""
        if self.ledger is None:
            self.report.not_checked.append("The ledger, which was not given: this may not be the run's last statement.")
            return []
        with self.report.collected():
            entries = read_ledger(self.ledger)
            own = [entry for entry in entries if entry.run == statement["predicate"].get("run")]
            if not own or own[-1].statement != digest(data):
                what = "not the last" if any(entry.statement == digest(data) for entry in own) else "none"
                near = [str(entry.seq + 1) for entry in entries if entry in own or entry.statement == digest(data)]
                what = f"{what} of the {len(own)} that the ledger names for this run (see its line {' and '.join(near) or 'none'})"
                raise EvidenceError(f"{STATEMENT} is {what}; look for the right one")
            self._bound(own[-1], statement, STATEMENT)
            older = [self._replaced(entry) for entry in own[:-1]]
            self._no_others(own[:-1])
            self._last_line(entries[-1], own[-1])
            self.report.checks.append(f"Line {own[-1].seq + 1} of {len(entries)} of the ledger, an unbroken chain, names {STATEMENT}.")
            return older
        return []

    def _bound(self, entry: Entry, statement: dict[str, t.Any], name: str) -> None:
        """A line of the ledger holds nothing that the signed statement does not confirm."""
        predicate = statement["predicate"]
        told = {"previous": entry.previous, "created": entry.time, "run": entry.run}
        for key, value in told.items():
            if predicate.get(key) != value:
                what = f"disagree about {key} ({value!r} and {predicate.get(key)!r})"
                raise EvidenceError(f"the ledger's line {entry.seq + 1} and {name} {what}; compare both with copies")

    def _replaced(self, entry: Entry) -> dict[str, t.Any]:
        kept = kept_statements(self.directory)
        name = f"statement-{entry.seq}.json"
        if entry.seq not in kept:
            raise EvidenceError(f"{name}, which line {entry.seq + 1} of the ledger names, is missing; put it back from a copy")
        data = read_bytes(kept[entry.seq])
        if digest(data) != entry.statement:
            raise EvidenceError(f"{name} is not the statement that line {entry.seq + 1} of the ledger names; compare it with a copy")
        statement = read_statement(data, name)
        self._bound(entry, statement, name)
        self._signature(name, data, parse_time(entry.time))
        return statement

    def _no_others(self, older: list[Entry]) -> None:
        for number in sorted(kept_statements(self.directory).keys() - {entry.seq for entry in older}):
            self.report.problems.append(
                f"statement-{number}.json is a statement that no line of the ledger names for this run; move it away"
            )

    def _last_line(self, last: Entry, own: Entry) -> None:
        """The ledger's last line is bound by no line after it, only by the statement it names."""
        if last == own:
            return
        name = os.path.join(os.path.dirname(os.path.abspath(self.directory)), last.run, STATEMENT)
        if os.path.basename(last.run) != last.run or not os.path.exists(name):
            self.report.not_checked.append(f"The ledger's last line: the statement of run {last.run} that it names is not beside this run.")
            return
        data = read_bytes(name)
        if digest(data) != last.statement:
            raise EvidenceError(f"the ledger's line {last.seq + 1} does not name {name}; compare both with copies")
        self._bound(last, read_statement(data, name), name)


def _records(evidence: Evidence) -> int:
    return sum(host["records"] for host in evidence.hosts.values())


def _no_words(predicate: dict[str, t.Any]) -> t.Iterator[str]:
    """What the journals do not give has to be sentences at least."""
    for name in _WORDS_ONLY:
        told = predicate.get(name)
        if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
            yield f"predicate.{name}: it says {_short(told)}, which is no list of sentences; compare it with a copy"


def _differences(told: t.Any, found: t.Any, place: str) -> t.Iterator[str]:
    """Where a statement differs from what the journals give, as sentences without their beginning."""
    if isinstance(told, dict) and isinstance(found, dict):
        for key in sorted(told.keys() | found.keys()):
            yield from _differences(told.get(key), found.get(key), f"{place}.{key}" if place else key)
    elif isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        for index, (one, other) in enumerate(zip(told, found, strict=True)):
            yield from _differences(one, other, f"{place}[{other.get('name', index) if isinstance(other, dict) else index}]")
    elif canonical(told) != canonical(found):
        # Not by ==, to which true is 1.
        yield f"{place}: it says {_short(told)}, and the journals give {_short(found)}"


def _short(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."
