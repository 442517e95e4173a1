# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's head: how many lines it has and the root of the Merkle tree over them, signed, so that who keeps one sees whether the ledger only grew."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import re
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE
from ..module_utils._evidence.canonical import canonical
from ..module_utils._evidence.clock import is_time, parse_time, time_text
from ..module_utils._evidence.merkle import MerkleTree, consistency_proof, verify_consistency
from ..module_utils._evidence.sshsig import Verified, in_memory, path_of, read_signature, run_ssh_keygen, verify
from ._evidence_files import read_bytes
from ._ledger import Entry
from ._statement import NAMESPACE

__all__ = [
    "FORMAT",
    "LedgerHead",
    "head_of",
    "head_path",
    "kept_head_path",
    "kept_heads",
    "parse_head",
    "proof_between",
    "require_clock",
    "require_extension",
    "signed_head",
    "verified_head",
]

FORMAT = "recordings.disposal/ledger-head/1"
_KEYS = {"format", "size", "head", "merkle_root", "time"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerHead:
    """C(size) lines, the C(head) digest of the last, the C(root) over all, and when it was made."""

    size: int
    head: str
    root: str
    time: str

    @property
    def data(self) -> bytes:
        """What is signed and stamped: canonical JSON and a newline."""
        return canonical({"format": FORMAT, "size": self.size, "head": self.head, "merkle_root": self.root, "time": self.time}) + b"\n"


def head_path(ledger: str) -> str:
    """C(ledger.head.json) beside C(ledger.jsonl)."""
    return os.path.splitext(ledger)[0] + ".head.json"


def kept_head_path(ledger: str, size: int) -> str:
    """Where a head that was time-stamped is kept once the ledger has grown."""
    return f"{os.path.splitext(ledger)[0]}.head-{size}.json"


def kept_heads(ledger: str) -> dict[int, str]:
    """Paths of the heads that are kept, by size."""
    form = re.compile(re.escape(os.path.basename(os.path.splitext(ledger)[0])) + r"\.head-([1-9]\d*)\.json")
    directory = os.path.dirname(os.path.abspath(ledger))
    found = (form.fullmatch(name) for name in sorted(os.listdir(directory)))
    return {int(match[1]): os.path.join(directory, match[0]) for match in found if match}


def _root(entries: t.Iterable[Entry]) -> str:
    tree = MerkleTree()
    for entry in entries:
        tree.add_hash(entry.leaf)
    return tree.root()


def head_of(entries: t.Sequence[Entry], time: str) -> LedgerHead:
    """The head of a ledger that has a line."""
    return LedgerHead(len(entries), entries[-1].digest, _root(entries), time)


def parse_head(data: bytes, name: str) -> LedgerHead:
    """A head, whose bytes must be as they were written.

    :raises EvidenceError: they are not; the sentence begins with C(name).
    """
    try:
        record = json.loads(data)
        if not isinstance(record, dict) or record.get("format") != FORMAT or set(record) != _KEYS:
            raise ValueError(f"it is no {FORMAT}")
        size, time = record["size"], record["time"]
        digests = all(isinstance(record[key], str) and _DIGEST.fullmatch(record[key]) for key in ("head", "merkle_root"))
        if isinstance(size, bool) or not isinstance(size, int) or size < 1 or not digests or not is_time(time):
            raise ValueError("a value is of another form")
        head = LedgerHead(size, record["head"], record["merkle_root"], time)
        if head.data != data:
            raise ValueError("it is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"{name} is not a ledger's head ({error}), so it was changed after it was written; compare it with a copy"
        ) from error
    return head


def signed_head(data: bytes, signature: bytes, *, allowed_signers: str, signer: str, at: dt.datetime) -> Verified:
    """Who signed a head: C(signer), or another one who may sign evidence, since the ledger is common to all who seal.

    :raises EvidenceError: nobody of them.
    """
    told: dict[str, t.Any] = {"allowed_signers": allowed_signers, "namespace": NAMESPACE, "at": at}
    try:
        return verify(data, signature, principal=signer, **told)
    except EvidenceError as error:
        if error.details.get("fault") != "unknown_signer":
            raise
        for other in _listed(signature, allowed_signers):
            with contextlib.suppress(EvidenceError):
                return verify(data, signature, principal=other, **told)
        raise


def _listed(signature: bytes, allowed_signers: str) -> list[str]:
    """Under which names C(allowed_signers) has the key of a signature."""
    listed = allowed_signers.encode("utf-8", "surrogateescape")
    with in_memory("signature", signature) as sig, in_memory("allowed_signers", listed) as signers:
        done = run_ssh_keygen("find-principals", "-s", path_of(sig), "-f", path_of(signers), data=b"", descriptors=(sig, signers))
    return [name for line in done.stdout.decode("utf-8", "replace").splitlines() for name in line.split(",")]


def verified_head(path: str, *, allowed_signers: str, signer: str) -> tuple[LedgerHead, Verified]:
    """A head whose signature beside it is good as of its time, and who made that.

    :raises EvidenceError: it is not.
    """
    name = os.path.basename(path)
    data = read_bytes(path)
    head = parse_head(data, path)
    signature = read_bytes(f"{path}.sig")
    try:
        same = read_signature(signature).armor == signature
        at = parse_time(head.time)
        found = signed_head(data, signature, allowed_signers=allowed_signers, signer=signer, at=at)
    except EvidenceError as error:
        if error.details.get("fault") == "no_tool":
            raise
        raise EvidenceError(f"{name}.sig: {error.message}") from error
    if not same:
        raise EvidenceError(f"{name}.sig is not as it was written, though what it says is good; compare it with a copy")
    return head, found


def require_extension(entries: t.Sequence[Entry], head: LedgerHead, name: str) -> None:
    """That the ledger begins with the very lines that a head is over.

    :raises EvidenceError: it does not; the sentence names the place.
    """
    told = f"the ledger is not an extension of {name}"
    if head.size > len(entries):
        missing = _lines(len(entries) + 1, head.size)
        raise EvidenceError(
            f"{told}: that is over {head.size} lines and the ledger has {len(entries)}, {missing} missing; put them back from a copy"
        )
    last = entries[head.size - 1]
    root = _root(entries[: head.size])
    if (last.digest, root) == (head.head, head.root):
        return
    moved = next((entry for entry in entries if entry.digest == head.head), None)
    if moved is not None and moved is not last:
        what = f"the line that was its line {head.size} is now line {moved.seq + 1}, so lines before it were taken out, put in or moved"
    elif head.size == len(entries):
        what = (
            f"this is a fork, two ledgers of {head.size} lines with the roots {head.root} and {root}; "
            f"line {head.size} or one before it is another"
        )
    else:
        what = f"line {head.size} or one before it is another than it was ({last.digest}, not {head.head})"
    raise EvidenceError(f"{told}: {what}; compare both with copies")


def _lines(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"


def proof_between(entries: t.Sequence[Entry], old: LedgerHead, new: LedgerHead, name: str) -> list[str]:
    """The consistency proof (RFC 9162, 2.1.4) from an older head to the ledger's own, verified against both roots.

    :raises EvidenceError: there is none.
    """
    require_extension(entries, old, name)
    proof = consistency_proof([entry.leaf for entry in entries[: new.size]], old.size, new.size) if old.size <= new.size else []
    if not verify_consistency(old.size, new.size, proof, old.root, new.root):
        raise EvidenceError(
            f"{name} is over {old.size} lines, and no proof leads from it to the head over {new.size}; compare both with copies"
        )
    if parse_time(new.time) < parse_time(old.time) - CLOCK_TOLERANCE:
        raise EvidenceError(
            f"{name} was made at {old.time}, later than the ledger's head over {new.size} lines ({new.time}); look at the clocks"
        )
    return proof


def require_clock(what: str, moment: str, before: str, place: str) -> None:
    """That time did not go back from one thing that was sealed to the next.

    :raises RefusedError: it did, by more than clocks may differ.
    """
    if parse_time(moment) < parse_time(before) - CLOCK_TOLERANCE:
        minutes = int(CLOCK_TOLERANCE / dt.timedelta(minutes=1))
        raise RefusedError(
            f"{what} would be of {time_text(parse_time(moment))}, more than {minutes} minutes before {place}, which is of {before}, so nothing was "
            "sealed; set this host's clock right (or, if it was ahead then, wait until that time has come), and seal again"
        )
