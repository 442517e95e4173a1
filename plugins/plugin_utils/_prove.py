# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove to one person what became of a recording: the proof, the statement that it leads to, and the letter."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.approval import MEDIA_FORMAT, read_manifest
from ..module_utils._evidence.canonical import digest
from ..module_utils._executor import Executor
from ._evidence_files import MANIFEST, SIGNATURE, STATEMENT, keep_files, read_bytes
from ._found_sets import Asked, Found, find_set, is_keyed
from ._ledger import Entry, read_ledger
from ._letter import Letter, letter_name, render_letter
from ._proof import proof_bytes, verify_proof
from ._sealed_runs import SealedRun, Signers, open_sealed
from ._tree_cache import Leaf, LeafIndex, kept_index, leaf_index

__all__ = ["PROOF", "Proving", "prove"]

PROOF = "proof.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Proving:
    """What proving needs; paths on the controller.

    :ivar output: where the files come to; empty for a directory of their own below the state directory C(dest).
    :ivar with_statement: copy the statement and its signature beside the proof.
    :ivar letter: what letters say besides; none where no letter is asked for.
    :ivar not_destroyed: go on where the set was not destroyed, or nobody knows.
    """

    dest: str
    asked: Asked
    signers: Signers
    ledger: str
    output: str
    with_statement: bool
    letter: Letter | None
    languages: t.Sequence[str]
    name_in_letter: bool
    not_destroyed: bool
    executor: Executor
    check_mode: bool
    collection: str


def prove(told: Proving) -> dict[str, t.Any]:
    """Write the files that are not so already; returns plain data for the task's result.

    :raises RefusedError: the set cannot be found, or was not destroyed.
    :raises EvidenceError: the run is not sealed, or its evidence was changed.
    """
    _check(told)
    entries = read_ledger(told.ledger)
    leaf, sealed = _quickly(told, entries) or _searched(told, entries)
    record = leaf.record
    if record["outcome"] != "destroyed" and not told.not_destroyed:
        reasons = "; ".join(map(str, record["reason"])) or "no reason is told"
        raise RefusedError(
            f"the record of the set in the run {sealed.run} on {leaf.host} says {record['outcome']}: {reasons}; to prove that, and have the letter say it, "
            "give on_not_destroyed=prove"
        )
    keyed = is_keyed(record["set"])
    if not keyed and not told.name_in_letter:
        raise RefusedError(
            f"the run {sealed.run} names sets plainly, so the proof would show the name of the recording; give name_in_letter where that may be"
        )
    proof = proof_bytes(sealed, leaf)
    verify_proof(proof, sealed.data)
    output = told.output or os.path.join(told.dest, "proofs", sealed.run, hashlib.sha256(record["set"].encode()).hexdigest()[:16])
    files = {PROOF: proof}
    if told.with_statement:
        files |= {STATEMENT: sealed.data, SIGNATURE: sealed.signature}
    letters = _letters(told, sealed, leaf, proof)
    changed = _keep(told, output, {**files, **letters})
    return {
        "changed": changed,
        "run": sealed.run,
        "host": leaf.host,
        "set": record["set"] if keyed else None,
        "outcome": record["outcome"],
        "reason": [str(reason)[:200] for reason in record["reason"][:5]],
        "destroyed_at": record["time"] if record["outcome"] == "destroyed" else None,
        "level": record["level"],
        "leaf_index": leaf.index,
        "tree_size": sealed.tree_size,
        "proof": {"path": os.path.join(output, PROOF), "digest": digest(proof), "bytes": len(proof)},
        "statement": {
            "path": os.path.join(output if told.with_statement else sealed.directory, STATEMENT),
            "digest": sealed.digest,
            "key": sealed.key,
        },
        "letters": [os.path.join(output, name) for name in letters],
    }


def _check(told: Proving) -> None:
    if told.languages and told.letter is None:
        raise RefusedError("a letter needs organisation, contact and supervisory_authority; give them, or languages=[] for the proof alone")
    if told.name_in_letter and told.asked.recording is None and told.languages:
        raise RefusedError(
            "the name of the recording cannot stand in the letter, since only its set was given; give source, root and recording"
        )


def _quickly(told: Proving, entries: t.Sequence[Entry]) -> tuple[Leaf, SealedRun] | None:
    """The one destroyed set of that name of a run that is named, by the index that is kept; none where only a search can tell."""
    asked = told.asked
    if not asked.run or os.path.basename(asked.run) != asked.run or not os.path.isdir(os.path.join(told.dest, "runs", asked.run)):
        return None
    names = asked.recording.names() if asked.recording else [asked.name]
    try:
        sealed = open_sealed(told.dest, asked.run, ledger=entries, signers=told.signers)
        _require_recordings(told, sealed)
        index = kept_index(sealed)
        if index is None:
            return None
        places = [place for name in names for place in index.named(name) if asked.host in ("", sealed.host_of(place).host)]
        leaves = [index.leaf(place) for place in places]
    except (EvidenceError, ValueError):
        # The search says why, of this set.
        return None
    done = [leaf for leaf in leaves if leaf.record.get("set") in names]
    return (done[0], sealed) if len(done) == 1 and done[0].record["outcome"] == "destroyed" else None


def _searched(told: Proving, entries: t.Sequence[Entry]) -> tuple[Leaf, SealedRun]:
    found = find_set(told.dest, told.asked)
    sealed = open_sealed(told.dest, found.run, ledger=entries, signers=told.signers)
    _require_recordings(told, sealed)
    executor = None if told.check_mode else told.executor
    index = leaf_index(sealed, executor=executor)
    try:
        leaf = _leaf(index, found)
    except (EvidenceError, ValueError):
        if not index.kept:
            raise
        leaf = _leaf(leaf_index(sealed, executor=executor, anew=True), found)
    return leaf, sealed


def _leaf(index: LeafIndex, found: Found) -> Leaf:
    leaf = index.leaf(index.at(found.host, found.offset))
    if (leaf.host, leaf.record) != (found.host, found.record):
        raise EvidenceError(f"the journal of {found.host} changed just now; run the same task again")
    return leaf


def _require_recordings(told: Proving, sealed: SealedRun) -> None:
    """A letter to a person is about recordings."""
    if told.languages and _manifest(sealed).get("format") == MEDIA_FORMAT:
        raise RefusedError(
            f"the run {sealed.run} is over media, for which there are no letters; give languages=[] for the proof alone, and have media_certificate "
            "make the certificate"
        )


def _manifest(sealed: SealedRun) -> dict[str, t.Any]:
    path = os.path.join(sealed.directory, MANIFEST)
    data = read_bytes(path)
    if digest(data) != sealed.statement["predicate"].get("manifest"):
        raise EvidenceError(f"{path} is not the manifest that the statement names; compare it with a copy")
    return read_manifest(data)


def _letters(told: Proving, sealed: SealedRun, leaf: Leaf, proof: bytes) -> dict[str, bytes]:
    if told.letter is None:
        return {}
    recording = told.asked.recording if told.name_in_letter else None
    return {
        letter_name(language): render_letter(
            told.letter, language=language, sealed=sealed, leaf=leaf, proof=proof, recording=recording, collection=told.collection
        ).encode("utf-8")
        for language in told.languages
    }


def _keep(told: Proving, output: str, files: t.Mapping[str, bytes]) -> bool:
    lost = "nothing is proven; make room or repair that, and run the same task again"
    return keep_files(output, files, executor=told.executor, check_mode=told.check_mode, lost=lost)
