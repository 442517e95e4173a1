# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in its journals each leaf of a sealed run's tree is, with the hashes that a proof needs: made by reading the journals once, and kept.

What is kept only saves time and is never believed: a proof that it gives counts only if it leads to the root of the signed statement.
"""

from __future__ import annotations

import array
import bisect
import contextlib
import dataclasses
import hashlib
import json
import mmap
import os
import sys
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical
from ..module_utils._evidence.chain import MAX_LINE
from ..module_utils._evidence.merkle import full_subtree, inclusion_path, leaf_hash, level_above, range_root, verify_inclusion
from ..module_utils._executor import Executor
from ._sealed_runs import HostLeaves, SealedRun

__all__ = ["Leaf", "LeafIndex", "kept_index", "leaf_index", "place_of"]

DIRECTORY = "cache"
FORMAT = "recordings.disposal/tree-cache/1"
# Levels between the leaves and this one are computed anew, 32 leaves at most: they would double the file.
_KEPT_FROM = 6
_NAME, _PLACE, _HASH = 16, 8, 32
_CHUNK = 1 << 20
_OUTCOME = b'"type":"outcome"'


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf: its C(line) in the journal of C(host), without newline, with the C(record) that it is, and the C(path) that proves it."""

    index: int
    host: str
    line: bytes
    record: dict[str, t.Any]
    path: list[str]


def _short_name(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:_NAME]


def place_of(dest: str, run: str) -> str:
    """Where the index of a run is kept: apart from its evidence, which stays as it was sealed and stored."""
    return os.path.join(dest, DIRECTORY, f"{run}.tree")


def _header(sealed: SealedRun) -> bytes:
    """What the kept index is of; another one is stale."""
    journals = {}
    for leaves in sealed.hosts:
        facts = os.stat(sealed.journal_path(leaves.host))
        journals[leaves.host] = [facts.st_size, facts.st_mtime_ns]
    told = {"statement": sealed.digest, "merkle_root": sealed.merkle_root, "tree_size": sealed.tree_size}
    return canonical({"format": FORMAT, **told, "journals": journals}) + b"\n"


def _levels(size: int) -> list[int]:
    """The levels that are kept above the leaves."""
    return [level for level in range(_KEPT_FROM, size.bit_length()) if size >> level]


class LeafIndex:
    """The leaves of a sealed run.

    :ivar kept: it was read from the file that an earlier look left.
    """

    def __init__(self, sealed: SealedRun, data: bytearray | mmap.mmap, start: int, *, kept: bool) -> None:
        self.sealed, self.kept = sealed, kept
        self.data = data
        size = sealed.tree_size
        self._names = start
        self._places = self._names + size * _NAME
        self._level_at = {0: self._places + size * _PLACE}
        end = self._level_at[0] + size * _HASH
        for level in _levels(size):
            self._level_at[level] = end
            end += (size >> level) * _HASH
        self.length = end

    def _known(self, level: int, place: int) -> bytes:
        at = self._level_at[level] + place * _HASH
        return bytes(self.data[at : at + _HASH])

    def _subtree(self, level: int, place: int) -> bytes:
        return full_subtree(self._known, self._level_at, level, place)

    def chunks(self) -> t.Iterator[bytes]:
        """All of it, to be kept."""
        return (bytes(self.data[at : at + _CHUNK]) for at in range(0, self.length, _CHUNK))

    def root(self) -> str:
        return range_root(self._subtree, 0, self.sealed.tree_size)

    def _place(self, index: int) -> int:
        at = self._places + index * _PLACE
        return int.from_bytes(self.data[at : at + _PLACE], "big")

    def named(self, name: str) -> list[int]:
        """The leaves that may be those of a set."""
        found, wanted, at = [], _short_name(name), self._names
        while (at := self.data.find(wanted, at, self._places)) >= 0:
            if not (at - self._names) % _NAME:
                found.append((at - self._names) // _NAME)
            at += 1
        return found

    def at(self, host: str, offset: int) -> int:
        """The leaf whose line begins at C(offset) of a host's journal.

        :raises EvidenceError: none does.
        """
        leaves = self.sealed.leaves(host)
        indexes = range(leaves.first, leaves.first + leaves.count)
        found = bisect.bisect_left(indexes, offset, key=self._place)
        if found == len(indexes) or self._place(indexes[found]) != offset:
            raise _other_journal(self.sealed, leaves)
        return indexes[found]

    def leaf(self, index: int) -> Leaf:
        """A leaf, proven.

        :raises EvidenceError: what is there is not the leaf that the statement has.
        """
        leaves = self.sealed.host_of(index)
        try:
            with open(self.sealed.journal_path(leaves.host), "rb") as file:
                file.seek(self._place(index))
                line = file.readline(MAX_LINE + 1).removesuffix(b"\n")
        except (OSError, OverflowError) as error:
            raise _other_journal(self.sealed, leaves) from error
        path = inclusion_path(self._subtree, index, self.sealed.tree_size)
        if not verify_inclusion(line, index, self.sealed.tree_size, path, self.sealed.merkle_root):
            raise _other_journal(self.sealed, leaves)
        return Leaf(index, leaves.host, line, json.loads(line), path)


def _other_journal(sealed: SealedRun, leaves: HostLeaves) -> EvidenceError:
    return EvidenceError(
        f"{sealed.journal_path(leaves.host)} is not what the statement of the run {sealed.run} names, so it was changed since it was sealed; "
        "compare it with a copy"
    )


def kept_index(sealed: SealedRun) -> LeafIndex | None:
    """The index that an earlier look left; none where there is none, or it is stale."""
    try:
        header = _header(sealed)
        with open(place_of(sealed.dest, sealed.run), "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    index = LeafIndex(sealed, data, len(header), kept=True)
    return index if data[: len(header)] == header and len(data) == index.length else None


def leaf_index(sealed: SealedRun, *, executor: Executor | None, anew: bool = False) -> LeafIndex:
    """The index that is kept, or one made anew from the journals, each of which must have the digest that the statement names.

    :arg executor: keeps a new one; C(None) where nothing may be written.
    :arg anew: do not use what is kept.
    :raises EvidenceError: a journal is missing, or not what the statement names.
    """
    kept = None if anew else kept_index(sealed)
    if kept is not None:
        return kept
    try:
        made = _made(sealed, _header(sealed))
    except OSError as error:
        raise EvidenceError(
            f"{error.filename}, which the statement names, cannot be read ({error.strerror}); put it back from a copy"
        ) from error
    if executor is not None:
        # A store that is read-only or full costs time only.
        with contextlib.suppress(OSError):
            path = place_of(sealed.dest, sealed.run)
            executor.makedirs(os.path.dirname(path))
            executor.replace_file(path, made.chunks())
    return made


def _made(sealed: SealedRun, header: bytes) -> LeafIndex:
    names, hashes, places = bytearray(), bytearray(), array.array("Q")
    for leaves in sealed.hosts:
        before = len(places)
        if _read(sealed, leaves, names, places, hashes) != leaves.journal or len(places) - before != leaves.count:
            raise _other_journal(sealed, leaves)
    if sys.byteorder == "little":
        places.byteswap()
    data = bytearray(header)
    data += names
    data += memoryview(places).cast("B")
    data += hashes
    del names, places
    for number in range(1, sealed.tree_size.bit_length()):
        hashes = level_above(hashes)
        if number >= _KEPT_FROM:
            data += hashes
    index = LeafIndex(sealed, data, len(header), kept=False)
    if index.root() != sealed.merkle_root:
        raise EvidenceError(f"the Merkle root of the run {sealed.run} does not follow from its journals; verify the run")
    return index


def _read(sealed: SealedRun, leaves: HostLeaves, names: bytearray, places: array.array[int], hashes: bytearray) -> str:
    """Add a host's leaves; returns the digest of its journal, by which alone every line is what was sealed."""
    whole, offset = hashlib.sha256(), 0
    with open(sealed.journal_path(leaves.host), "rb", buffering=1 << 20) as file:
        while raw := file.readline(MAX_LINE + 1):
            whole.update(raw)
            if _OUTCOME in raw and raw.endswith(b"\n"):
                record = _record(raw)
                if record.get("type") == "outcome":
                    names += _short_name(str(record.get("set")))
                    places.append(offset)
                    hashes += leaf_hash(raw[:-1])
            offset += len(raw)
    return "sha256:" + whole.hexdigest()


def _record(raw: bytes) -> dict[str, t.Any]:
    try:
        record = json.loads(raw)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
