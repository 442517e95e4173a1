# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Merkle tree of RFC 9162 (2.1) with SHA-256: its root in one pass, proofs that one leaf is in it, and that it only grew."""

from __future__ import annotations

import hashlib
import re
import typing as t

__all__ = [
    "MerkleTree",
    "Subtree",
    "consistency_proof",
    "full_subtree",
    "inclusion_path",
    "inclusion_proof",
    "leaf_hash",
    "level_above",
    "range_root",
    "verify_consistency",
    "verify_inclusion",
]

# Gives the hash of the full subtree over the leaves from (place << level) up to ((place + 1) << level), by level and place.
Subtree = t.Callable[[int, int], bytes]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf, 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _text(value: bytes) -> str:
    return "sha256:" + value.hex()


def _bytes(text: str) -> bytes:
    if not _DIGEST.fullmatch(text):
        raise ValueError(f"{text!r} is not a digest of the form sha256:<64 hexadecimal digits>")
    return bytes.fromhex(text[7:])


class MerkleTree:
    """A tree that keeps only the roots of its full subtrees, one for each bit of C(size) that is set."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        self.add_hash(leaf_hash(leaf))

    def add_hash(self, value: bytes) -> None:
        """Append a leaf by its hash."""
        roots, carry = self._roots, self.size
        while carry & 1:
            value = _node(roots.pop(), value)
            carry >>= 1
        roots.append(value)
        self.size += 1

    def root_hash(self) -> bytes:
        """The tree's hash, 32 bytes; of no leaf, the hash of nothing."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        value = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            value = _node(left, value)
        return value

    def root(self) -> str:
        """The same as C(sha256:<hex>)."""
        return _text(self.root_hash())


def _split(size: int) -> int:
    """The largest power of two below C(size), which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _siblings(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose subtrees' hashes prove leaf C(index), from the leaf up."""
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def inclusion_proof(leaf_hashes: t.Iterable[bytes], index: int, size: int) -> list[str]:
    """The proof that leaf C(index) is in the tree of C(size) leaves, in one pass over their hashes, in memory for log(size) hashes.

    :raises ValueError: no such leaf, or another number of hashes.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    return _roots(leaf_hashes, _siblings(index, size), size)


def _roots(leaf_hashes: t.Iterable[bytes], ranges: t.Sequence[tuple[int, int]], size: int) -> list[str]:
    """The roots of subtrees over ranges of leaves that do not overlap, in one pass over the hashes of all C(size) leaves."""
    in_order = sorted(range(len(ranges)), key=ranges.__getitem__)
    trees = [MerkleTree() for _each in ranges]
    place, count = 0, 0
    for value in leaf_hashes:
        while place < len(in_order) and count >= ranges[in_order[place]][1]:
            place += 1
        if place < len(in_order) and count >= ranges[in_order[place]][0]:
            trees[in_order[place]].add_hash(value)
        count += 1
    if count != size:
        raise ValueError(f"the tree has {size} leaves, {count} were given")
    return [tree.root() for tree in trees]


def level_above(hashes: bytes | bytearray | memoryview) -> bytearray:
    """The hashes of full subtrees twice as large, 32 bytes each, from those of a level one after the other; one that is left over has none."""
    above, sha256 = bytearray(), hashlib.sha256
    for at in range(0, len(hashes) // 64 * 64, 64):
        above += sha256(b"\x01" + hashes[at : at + 64]).digest()
    return above


def full_subtree(known: Subtree, levels: t.Container[int], level: int, place: int) -> bytes:
    """The hash of a full subtree, by C(known) where its level is among C(levels), else from the two below it; level 0 must be among them."""
    if level in levels:
        return known(level, place)
    below = (full_subtree(known, levels, level - 1, 2 * place + side) for side in (0, 1))
    return _node(*below)


def range_root(subtree: Subtree, start: int, end: int) -> str:
    """The root over leaves C(start) up to C(end), where C(start) is a multiple of every power of two that is not larger than their number."""
    values: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        values.append(subtree(level, start >> level))
        start += 1 << level
    value = values.pop() if values else hashlib.sha256(b"").digest()
    while values:
        value = _node(values.pop(), value)
    return _text(value)


def inclusion_path(subtree: Subtree, index: int, size: int) -> list[str]:
    """What C(inclusion_proof) gives, by the hashes of at most log(size) squared full subtrees.

    :raises ValueError: no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    return [range_root(subtree, start, end) for start, end in _siblings(index, size)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: t.Sequence[str], root: str) -> bool:
    """Whether C(proof) shows that C(leaf) is leaf C(index) of the tree of C(size) leaves with C(root) (RFC 9162, 2.1.3.2).

    :raises ValueError: a digest of another form.
    """
    if not 0 <= index < size:
        return False
    first, last = index, size - 1
    value = leaf_hash(leaf)
    for step in map(_bytes, proof):
        if last == 0:
            return False
        if first & 1 or first == last:
            value = _node(step, value)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            value = _node(value, step)
        first >>= 1
        last >>= 1
    return last == 0 and value == _bytes(root)


def _grown(old: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose subtrees' hashes prove that a tree of C(old) leaves is the beginning of one of C(size) (2.1.4.1)."""
    ranges: list[tuple[int, int]] = []
    start, end, known = 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, known = middle, False
    return ranges[::-1] if known else [(start, end), *ranges[::-1]]


def consistency_proof(leaf_hashes: t.Iterable[bytes], old: int, size: int) -> list[str]:
    """The proof that the tree of the first C(old) leaves is the beginning of that of all C(size), in one pass over their hashes.

    :raises ValueError: not C(1 <= old <= size), or another number of hashes.
    """
    if not 1 <= old <= size:
        raise ValueError(f"a tree of {old} leaves is not the beginning of one of {size}")
    return _roots(leaf_hashes, _grown(old, size), size)


def verify_consistency(old: int, size: int, proof: t.Sequence[str], old_root: str, root: str) -> bool:
    """Whether C(proof) shows that the tree of C(old) leaves with C(old_root) is the beginning of that of C(size) with C(root) (2.1.4.2).

    :raises ValueError: a digest of another form.
    """
    if not 1 <= old <= size:
        return False
    steps, before, after = [_bytes(step) for step in proof], _bytes(old_root), _bytes(root)
    if old == size:
        return not steps and before == after
    if old & (old - 1) == 0:
        steps.insert(0, before)
    if not steps:
        return False
    first, last = old - 1, size - 1
    while first & 1:
        first >>= 1
        last >>= 1
    was = now = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            was, now = _node(step, was), _node(step, now)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            now = _node(now, step)
        first >>= 1
        last >>= 1
    return last == 0 and was == before and now == after
