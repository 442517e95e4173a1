# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Merkle tree of RFC 9162 (2.1) with SHA-256: its root in one pass, and proofs that one leaf is in it."""

from __future__ import annotations

import hashlib
import re
import typing as t

__all__ = ["MerkleTree", "inclusion_proof", "leaf_hash", "verify_inclusion"]

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
    ranges = _siblings(index, size)
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
