# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statement of a run, from the journals that its hosts wrote."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import multiprocessing
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, first_of
from ..module_utils._evidence.approval import NAMESPACE as PLAN_NAMESPACE
from ..module_utils._evidence.approval import manifest_digest
from ..module_utils._evidence.canonical import canonical
from ..module_utils._evidence.chain import ChainReader, Record, opened
from ..module_utils._evidence.journal import OUTCOMES, JournalState, require_time
from ..module_utils._evidence.merkle import MerkleTree, leaf_hash

__all__ = [
    "NAMESPACE",
    "NOT_CHECKED",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Evidence",
    "Opening",
    "build_statement",
    "gather_evidence",
    "statement_bytes",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:recordings.disposal:evidence:1"
NAMESPACE = "evidence@recordings.disposal"

NOT_CHECKED = (
    "Copies outside the roots that the plan names (backups, snapshots, replicas, exports) were not looked for.",
    "Storage that a host cannot address (spare and remapped areas, caches of a drive or an array) was not read.",
    "Times are as each host's own clock gave them; nobody else attests them.",
)
_MOST_REASONS = 100
_OTHER_REASONS = "other reasons"
_HASH_BYTES = 32
# Smaller ones are read before other processes would have begun.
_IN_PARALLEL_FROM = 32 << 20

Checkpoints = t.Mapping[str, t.Mapping[int, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Opening:
    """How a host began its run: when, and with which approvals (principal, key).

    :ivar training: by approval, the records (digest, until) by which the host found the person trained; none where it did not look.
    """

    host: str
    time: str
    approvals: tuple[tuple[str, str], ...]
    training: dict[tuple[str, str], tuple[tuple[str, str], ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Evidence:
    """What the journals of a run add up to; the attributes are those of the statement."""

    subject: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    hosts: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    missing_hosts: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    not_checked: list[str] = dataclasses.field(default_factory=list)
    openings: list[Opening] = dataclasses.field(default_factory=list)
    tree: MerkleTree = dataclasses.field(default_factory=MerkleTree)


def statement_bytes(statement: t.Mapping[str, t.Any]) -> bytes:
    """The bytes that are signed and digested: canonical JSON and a newline."""
    return canonical(statement) + b"\n"


def due_sets(manifest: t.Mapping[str, t.Any], host: str) -> int:
    """How many sets the manifest says are due on a host.

    :raises EvidenceError: it does not say.
    """
    try:
        sets = manifest["hosts"][host]["verdicts"]["due"]["sets"]
    except (KeyError, TypeError):
        sets = None
    if isinstance(sets, bool) or not isinstance(sets, int) or sets < 0:
        raise EvidenceError(f"the manifest does not say how many sets are due on {host}; make a new plan")
    return sets


class _Outcomes:
    """Reasons, classes and limits of proof, counted over one journal's outcomes."""

    def __init__(self, classes: t.Mapping[str, t.Any]) -> None:
        self.classes: dict[str, dict[str, t.Any]] = {}
        self.reasons: collections.Counter[str] = collections.Counter()
        self.limits: collections.Counter[str] = collections.Counter()
        self._planned = classes

    def take(self, record: Record) -> None:
        name = str(record["class"] or record["rule"] or "none")
        entry = self.classes.get(name)
        if entry is None:
            basis = self._planned.get(name, {}).get("legal_basis")
            entry = self.classes[name] = {**dict.fromkeys(OUTCOMES, 0), "bytes": 0, "legal_basis": basis, "levels": {}}
        entry[record["outcome"]] += 1
        if record["outcome"] == "destroyed":
            entry["bytes"] += record["bytes"]
            achieved = record["level"]["achieved"]
            entry["levels"][achieved] = entry["levels"].get(achieved, 0) + 1
            self._take_proof(record["proof"])
        else:
            for reason in record["reason"]:
                self._count(self.reasons, reason)

    def _take_proof(self, proof: t.Any) -> None:
        limits = list(proof.get("limits", ())) if isinstance(proof, dict) else []
        if isinstance(proof, dict) and proof.get("read") == "cached":
            limits.append("what was read back came through the host's page cache, not from the medium alone")
        if isinstance(proof, dict) and proof.get("extents") == "not_available":
            limits.append("the file system does not tell where a file lies, so an overwriting elsewhere than in place would not show")
        for limit in limits:
            self._count(self.limits, limit)

    @staticmethod
    def _count(counter: collections.Counter[str], text: object) -> None:
        known = str(text)
        counter[known if known in counter or len(counter) < _MOST_REASONS else _OTHER_REASONS] += 1


class _JournalCheck:
    """One journal, read once: checked against the plan, counted, the hashes of its outcomes kept for the tree."""

    def __init__(self, path: str, host: str, manifest: t.Mapping[str, t.Any], manifest_hash: str) -> None:
        self.path, self.host = path, host
        self.part: t.Mapping[str, t.Any] = manifest["hosts"][host]
        self.name = f"journals/{os.path.basename(path)}"
        self.state = JournalState(self.name)
        self.outcomes = _Outcomes(self.part.get("classes") or {})
        self.leaves = bytearray()
        self._expected = {
            "host": host,
            "plan": self.part["plan"].get("digest"),
            "manifest": manifest_hash,
            "policy": manifest["policy"]["digest"],
            "author": manifest["author"],
        }

    def run(self, checkpoints: t.Mapping[int, str]) -> ChainReader:
        """Read it to its end.

        :raises EvidenceError: it is not the journal of this run on this host, or was changed; the sentence names the line.
        """
        file, _shown = opened(self.path)
        with file:
            reader = ChainReader(file, self.name, allow_torn=True)
            for record in reader:
                require_time(record, reader)
                try:
                    self._take(record)
                except (AttributeError, KeyError, TypeError) as error:
                    raise reader.fault("is not a record of a form that this version knows", line=reader.count) from error
                if record["type"] == "outcome":
                    self.leaves += leaf_hash(reader.line)
                if reader.count in checkpoints and checkpoints[reader.count] != reader.head:
                    raise reader.fault("is not what an earlier statement sealed, so the journal was written anew", line=reader.count)
        if checkpoints and reader.count < max(checkpoints):
            raise EvidenceError(f"{self.name} ends at line {reader.count}, and an earlier statement sealed {max(checkpoints)} lines of it")
        return reader

    def _take(self, record: Record) -> None:
        self.state.apply(record)
        if record["type"] == "outcome":
            self.outcomes.take(record)
        elif record["type"] == "open":
            self._require_this_run(record)

    def _require_this_run(self, record: Record) -> None:
        for key, value in self._expected.items():
            if record[key] != value:
                what = f"names the {key} {record[key]!r}, not {value!r}"
                raise EvidenceError(f"{self.name} line 1 {what}, so it is not the journal of this run on {self.host}")

    def opening(self) -> Opening | None:
        """How the run began; none where not even its first record is whole."""
        record = self.state.opening
        if record is None:
            return None
        try:
            # One that is named twice counts once.
            approvals = tuple(sorted({(str(item["principal"]), str(item["key"])) for item in record["approvals"]}))
            training = {
                (str(item["principal"]), str(item["key"])): tuple((str(each["record"]), str(each["until"])) for each in item["training"])
                for item in record["approvals"]
                if item.get("training")
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise EvidenceError(f"{self.name} line 1 does not tell its approvals") from error
        return Opening(self.host, record["time"], approvals, training)

    def entry(self, reader: ChainReader) -> dict[str, t.Any]:
        opening = self.state.opening or {}
        return {
            "run": opening["run"],
            "records": reader.count,
            "head": reader.head,
            "torn": reader.torn,
            "counts": dict(self.state.counts),
            "bytes": {"destroyed": self.state.bytes_destroyed},
            "reasons": dict(self.outcomes.reasons),
            "interruptions": self.state.interruptions,
            "other_policies": list(self.state.other_policies),
            "closed": self.state.closed,
            "classes": self.outcomes.classes,
        }

    def problems(self, due: int) -> t.Iterator[str]:
        known = sum(self.state.counts.values())
        if not self.state.closed:
            begun = len(self.state.pending)
            told = f"{known} of {due} due sets have an outcome and {begun} are begun"
            yield f"{self.host}: the run has not ended, {told}; run the sweep again"
        elif known != due:
            yield f"{self.host}: the run has ended with outcomes for {known} sets, and the plan names {due} due sets"


def _journal_hosts(directory: str, manifest: t.Mapping[str, t.Any], faults: list[str]) -> list[str]:
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    hosts = []
    for name in names:
        host = name.removesuffix(".jsonl")
        if name == host or host not in manifest["hosts"]:
            faults.append(f"journals/{name} belongs to no host of the manifest; move it away")
        else:
            hosts.append(host)
    return sorted(hosts)


class _Read(t.NamedTuple):
    """What one journal adds to the evidence; C(leaves) are the hashes of its outcomes, one after the other."""

    opening: Opening | None
    entry: dict[str, t.Any]
    subject: dict[str, t.Any]
    problems: list[str]
    limits: list[tuple[str, int]]
    leaves: bytes


class _Job(t.NamedTuple):
    """One journal to read; C(manifest) has no other host than this one."""

    path: str
    host: str
    manifest: dict[str, t.Any]
    manifest_hash: str
    checkpoints: t.Mapping[int, str]


def _read(job: _Job) -> _Read | EvidenceError:
    try:
        check = _JournalCheck(job.path, job.host, job.manifest, job.manifest_hash)
        reader = check.run(job.checkpoints)
        opening = check.opening()
        if opening is None:
            return _Read(None, {}, {}, [], [], b"")
        subject = {"name": check.name, "digest": {"sha256": reader.file_digest.removeprefix("sha256:")}}
        problems = list(check.problems(due_sets(job.manifest, job.host)))
        return _Read(opening, check.entry(reader), subject, problems, sorted(check.outcomes.limits.items()), bytes(check.leaves))
    except EvidenceError as error:
        return error


def _all_read(jobs: list[_Job]) -> t.Iterator[_Read | EvidenceError]:
    """Every journal read, in the order of C(jobs), large ones by several processes."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    many = min(len(jobs), processors)
    if many < 2 or sum(os.path.getsize(job.path) for job in jobs if os.path.exists(job.path)) < _IN_PARALLEL_FROM:
        yield from map(_read, jobs)
        return
    try:
        with concurrent.futures.ProcessPoolExecutor(many, mp_context=multiprocessing.get_context("fork")) as pool:
            yield from pool.map(_read, jobs)
    except concurrent.futures.BrokenExecutor as error:
        raise DisposalError("a process that read journals was ended, perhaps for lack of memory; make room and do it again") from error


def gather_evidence(run_directory: str, manifest: t.Mapping[str, t.Any], manifest_bytes: bytes, *, checkpoints: Checkpoints) -> Evidence:
    """Read every journal below C(run_directory) once and add them up, hosts in order of their names.

    C(checkpoints) gives by host what earlier statements sealed: number of records to digest of the last of them.

    :raises EvidenceError: a journal is not evidence of this run; C(details["problems"]) holds a sentence for each that is not.
    :raises DisposalError: reading them was cut off.
    """
    directory = os.path.join(run_directory, "journals")
    evidence, faults = Evidence(), list[str]()
    manifest_hash = manifest_digest(manifest_bytes)
    evidence.not_checked.extend(NOT_CHECKED)
    hosts = _journal_hosts(directory, manifest, faults)
    common = {key: manifest[key] for key in ("policy", "author")}
    jobs = [
        _Job(
            os.path.join(directory, f"{host}.jsonl"),
            host,
            {**common, "hosts": {host: manifest["hosts"][host]}},
            manifest_hash,
            checkpoints.get(host, {}),
        )
        for host in hosts
    ]
    for job, read in zip(jobs, _all_read(jobs), strict=True):
        if isinstance(read, EvidenceError):
            faults.append(read.message)
        else:
            _add(evidence, job.host, read)
    for host in sorted(checkpoints.keys() - set(hosts)):
        faults.append(f"journals/{host}.jsonl is missing, and an earlier statement sealed it; put it back from a copy")
    if faults:
        raise EvidenceError(f"the journals are not evidence of this run: {first_of(faults)}", details={"problems": faults})
    missing = [host for host in sorted(manifest["hosts"]) if host not in evidence.hosts and due_sets(manifest, host)]
    evidence.missing_hosts.extend(missing)
    evidence.problems.extend(f"{host}: its journal is missing or holds no whole record; run the sweep there" for host in missing)
    evidence.subject.append({"name": "manifest.json", "digest": {"sha256": manifest_hash.removeprefix("sha256:")}})
    return evidence


def _add(evidence: Evidence, host: str, read: _Read) -> None:
    if read.opening is None:
        return
    evidence.openings.append(read.opening)
    evidence.hosts[host] = read.entry
    evidence.subject.append(read.subject)
    evidence.problems.extend(read.problems)
    evidence.not_checked.extend(f"{host}: {text} ({count} sets)." for text, count in read.limits)
    for at in range(0, len(read.leaves), _HASH_BYTES):
        evidence.tree.add_hash(read.leaves[at : at + _HASH_BYTES])


def build_statement(
    evidence: Evidence, manifest: t.Mapping[str, t.Any], manifest_bytes: bytes, *, created: str, previous: str | None, collection: str
) -> dict[str, t.Any]:
    """The statement; C(previous) is the ledger's head before it, none for the first."""
    hosts = evidence.hosts.values()
    approvals = sorted({approval for opening in evidence.openings for approval in opening.approvals})
    return {
        "_type": STATEMENT_TYPE,
        "subject": evidence.subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "run": manifest["plan_id"],
            "created": created,
            "complete": not evidence.problems,
            "problems": evidence.problems,
            "hosts": evidence.hosts,
            "missing_hosts": evidence.missing_hosts,
            "totals": {
                "counts": {name: sum(host["counts"][name] for host in hosts) for name in OUTCOMES},
                "bytes": {"destroyed": sum(host["bytes"]["destroyed"] for host in hosts)},
            },
            "merkle_root": evidence.tree.root(),
            "tree_size": evidence.tree.size,
            "policy": manifest["policy"],
            "approvals": [
                {"principal": each[0], "key": each[1], "namespace": PLAN_NAMESPACE, **_training(each, evidence.openings)}
                for each in approvals
            ],
            "author": manifest["author"],
            "manifest": manifest_digest(manifest_bytes),
            "previous": previous,
            "collection": collection,
            "not_checked": evidence.not_checked,
        },
    }


def _training(approval: tuple[str, str], openings: t.Iterable[Opening]) -> dict[str, t.Any]:
    """The records by which the person was trained, where each host that counted the approval had looked."""
    told = [opening.training.get(approval) for opening in openings if approval in opening.approvals]
    if not all(told):
        return {}
    return {"training": [{"record": record, "until": until} for record, until in sorted({each for some in told for each in some or ()})]}
