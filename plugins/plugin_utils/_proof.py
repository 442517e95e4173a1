# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that one record is in a sealed statement; it shows nothing of any other."""

from __future__ import annotations

import json
import re
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.merkle import verify_inclusion
from ._evidence_files import read_statement
from ._sealed_runs import SealedRun
from ._tree_cache import Leaf

__all__ = ["FORMAT", "proof_bytes", "verify_proof"]

FORMAT = "recordings.disposal/proof/1"
_KEYS = {"format", "run", "statement", "host", "set", "record", "leaf_index", "tree_size", "merkle_root", "path"}
_NAME = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def proof_bytes(sealed: SealedRun, leaf: Leaf) -> bytes:
    """The proof of a leaf: canonical JSON and a newline."""
    proof = {
        "format": FORMAT,
        "run": sealed.run,
        "statement": sealed.digest,
        "host": leaf.host,
        "set": leaf.record["set"],
        "record": leaf.line.decode("utf-8"),
        "leaf_index": leaf.index,
        "tree_size": sealed.tree_size,
        "merkle_root": sealed.merkle_root,
        "path": leaf.path,
    }
    return canonical(proof) + b"\n"


def verify_proof(data: bytes, statement_data: bytes) -> dict[str, t.Any]:
    """The record that a proof shows to be in a statement; whether that is signed is not looked at.

    :raises EvidenceError: it does not show it; the sentence says why.
    """
    proof = _read(data)
    statement = read_statement(statement_data, "the statement")
    told = statement["predicate"]
    if proof["statement"] != digest(statement_data):
        raise EvidenceError(
            f"the proof is for the statement {proof['statement']}, and this one is {digest(statement_data)}; take the right one"
        )
    for name in ("run", "merkle_root", "tree_size"):
        if canonical(proof[name]) != canonical(told.get(name)):
            raise EvidenceError(
                f"the proof's {name} is {proof[name]!r}, and the statement says {told.get(name)!r}; one of them was changed"
            )
    line = proof["record"].encode("utf-8")
    try:
        record = json.loads(line)
        same = isinstance(record, dict) and canonical(record) == line
    except (ValueError, RecursionError):
        same = False
    if not same or (record.get("type"), record.get("set")) != ("outcome", proof["set"]):
        raise EvidenceError("the proof's record is not the outcome of its set, so it was changed")
    counts = {host: sum(entry["counts"].values()) for host, entry in told["hosts"].items()}
    index, host = proof["leaf_index"], proof["host"]
    first = sum(count for name, count in counts.items() if name < host)
    if not first <= index < first + counts.get(host, 0):
        raise EvidenceError(f"the proof's leaf {index} is none of the host {host}, so it was changed")
    if not verify_inclusion(line, index, proof["tree_size"], proof["path"], proof["merkle_root"]):
        raise EvidenceError("the proof does not lead to the statement's Merkle root, so the record is not in it, or the proof was changed")
    return t.cast(dict[str, t.Any], record)


def _read(data: bytes) -> dict[str, t.Any]:
    try:
        proof = json.loads(data)
        same = isinstance(proof, dict) and canonical(proof) + b"\n" == data
    except (ValueError, RecursionError):
        same = False
    if not same or set(proof) != _KEYS or proof["format"] != FORMAT:
        raise EvidenceError(f"the proof is none of the form {FORMAT}, or was changed; take it from who made it")
    texts = all(isinstance(proof[name], str) for name in ("run", "statement", "host", "set", "record", "merkle_root"))
    numbers = all(isinstance(proof[name], int) and not isinstance(proof[name], bool) for name in ("leaf_index", "tree_size"))
    path = proof["path"]
    digests = isinstance(path, list) and all(isinstance(item, str) and _NAME.fullmatch(item) for item in [*path, proof["merkle_root"]])
    if not (texts and numbers and digests):
        raise EvidenceError(f"the proof has a value that is none of the form {FORMAT}, so it was changed")
    return t.cast(dict[str, t.Any], proof)
