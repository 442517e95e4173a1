# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed run as its statement names it: which leaves of the tree are whose, and by whom it is signed."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.sshsig import read_signature, verify
from ._evidence_files import SIGNATURE, STATEMENT, read_bytes, read_statement
from ._ledger import Entry
from ._statement import NAMESPACE, PREDICATE_TYPE, STATEMENT_TYPE

__all__ = ["HostLeaves", "SealedRun", "Signers", "journal_names", "open_sealed", "run_names"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Signers:
    """Who signs the evidence: C(signer) by the text of C(allowed_signers)."""

    allowed_signers: str
    signer: str


@dataclasses.dataclass(frozen=True, slots=True)
class HostLeaves:
    """The leaves of a host, from C(first) up to C(first + count), and the digest of its journal."""

    host: str
    first: int
    count: int
    journal: str


@dataclasses.dataclass(frozen=True, slots=True)
class SealedRun:
    """A run whose statement is signed, and the last that the ledger names for it.

    :ivar data: the bytes of the statement, C(signature) those of its signature, C(key) the fingerprint that signed it.
    """

    dest: str
    run: str
    data: bytes
    statement: dict[str, t.Any]
    signature: bytes
    key: str
    merkle_root: str
    tree_size: int
    hosts: tuple[HostLeaves, ...]

    @property
    def directory(self) -> str:
        return os.path.join(self.dest, "runs", self.run)

    @property
    def digest(self) -> str:
        return digest(self.data)

    def leaves(self, host: str) -> HostLeaves:
        """:raises EvidenceError: the statement has no such host."""
        for leaves in self.hosts:
            if leaves.host == host:
                return leaves
        raise EvidenceError(
            f"journals/{host}.jsonl of the run {self.run} is not what {STATEMENT} names: it names no journal of {host}; seal the run again"
        )

    def host_of(self, index: int) -> HostLeaves:
        """Whose a leaf is."""
        return next(leaves for leaves in self.hosts if leaves.first <= index < leaves.first + leaves.count)

    def journal_path(self, host: str) -> str:
        return os.path.join(self.directory, "journals", f"{host}.jsonl")


def run_names(dest: str) -> list[str]:
    """The runs below a state directory, in order of their names."""
    directory = os.path.join(dest, "runs")
    try:
        return sorted(name for name in os.listdir(directory) if os.path.isdir(os.path.join(directory, name)))
    except OSError as error:
        raise RefusedError(f"the runs {directory} cannot be listed ({error.strerror}); correct dest") from error


def journal_names(run_directory: str) -> list[str]:
    """The hosts that have a journal in a run's directory, in order of their names."""
    directory = os.path.join(run_directory, "journals")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl")]


def open_sealed(dest: str, run: str, *, ledger: t.Sequence[Entry], signers: Signers) -> SealedRun:
    """The sealed run; journals are not read.

    :raises EvidenceError: it is not sealed, another one than the ledger names, or its signature is not good.
    """
    directory = os.path.join(dest, "runs", run)
    path = os.path.join(directory, STATEMENT)
    if not os.path.exists(path):
        raise EvidenceError(f"the run {run} has no {STATEMENT}, so it is not sealed; seal it first")
    data = read_bytes(path)
    statement = read_statement(data, path)
    root, size, hosts, created = _shape(statement, path)
    own = [entry for entry in ledger if entry.run == run]
    if statement["predicate"].get("run") != run or not own or own[-1].statement != digest(data):
        what = f"is not the last of the {len(own)} statements that the ledger names for this run" if own else "is in no line of the ledger"
        raise EvidenceError(f"{path} {what}, so the run is not sealed; look for the right one, or seal the run")
    signature = read_bytes(os.path.join(directory, SIGNATURE))
    try:
        found = verify(
            data, signature, allowed_signers=signers.allowed_signers, principal=signers.signer, namespace=NAMESPACE, at=parse_time(created)
        )
        if read_signature(signature).armor != signature:
            raise EvidenceError("it is not as it was written, though what it says is good; compare it with a copy")
    except EvidenceError as error:
        raise EvidenceError(f"{os.path.join(directory, SIGNATURE)}: {error.message}", details=error.details) from error
    return SealedRun(dest, run, data, statement, signature, found.fingerprint, root, size, hosts)


def _shape(statement: dict[str, t.Any], path: str) -> tuple[str, int, tuple[HostLeaves, ...], str]:
    """Root, size and leaves by host, and when it was made."""
    try:
        predicate = statement["predicate"]
        files = {item["name"]: f"sha256:{item['digest']['sha256']}" for item in statement["subject"]}
        hosts: list[HostLeaves] = []
        size = 0
        for host in sorted(predicate["hosts"]):
            count = sum(predicate["hosts"][host]["counts"].values())
            hosts.append(HostLeaves(host, size, count, files[f"journals/{host}.jsonl"]))
            size += count
        kinds = (statement["_type"], statement["predicateType"])
        root, created = str(predicate["merkle_root"]), str(predicate["created"])
        parse_time(created)
        known = kinds == (STATEMENT_TYPE, PREDICATE_TYPE) and _DIGEST.fullmatch(root) and predicate["tree_size"] == size
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"{path} is not of the form that this version knows ({error!r}); use the version that wrote it") from error
    if not known:
        raise EvidenceError(f"{path} is not of the form that this version knows, or does not add up; compare it with a copy")
    return root, size, tuple(hosts), created
