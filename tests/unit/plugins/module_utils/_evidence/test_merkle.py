# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree against the definition of RFC 9162, written down here a second time, and against the answers that certificate logs know."""

from __future__ import annotations

import functools
import hashlib
import random
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import (
    MerkleTree,
    full_subtree,
    inclusion_path,
    inclusion_proof,
    leaf_hash,
    level_above,
    range_root,
    verify_inclusion,
)

# Leaves and roots of the reference implementation's tests (Certificate Transparency, RFC 6962), roots of the first n leaves.
LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined_root(leaves: t.Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def defined_path(index: int, leaves: t.Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*defined_path(index, leaves[:split]), defined_root(leaves[split:])]
    return [*defined_path(index - split, leaves[split:]), defined_root(leaves[:split])]


def tree_of(leaves: t.Iterable[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


def some_leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(map(leaf_hash, some_leaves(size)), index, size)
    assert not verify_inclusion(b"leaf", index, size, [], "sha256:" + 64 * "0")


@pytest.mark.parametrize("count", [3, 5])
def test_another_number_of_leaves_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"4 leaves, {count} were given"):
        inclusion_proof(map(leaf_hash, some_leaves(count)), 1, 4)


def test_a_proof_fails_for_anything_else() -> None:
    leaves = some_leaves(13)
    root = tree_of(leaves).root()
    other = tree_of(leaves[:12]).root()
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(map(leaf_hash, leaves), index, 13)
        assert verify_inclusion(leaf, index, 13, proof, root)
        assert not verify_inclusion(leaf + b"x", index, 13, proof, root)
        assert not verify_inclusion(leaf, index, 13, proof, other)
        assert not verify_inclusion(leaf, index, 13, proof[:-1], root)
        assert not verify_inclusion(leaf, index, 13, [*proof, root], root)
        for wrong in set(range(13)) - {index}:
            assert not verify_inclusion(leaf, wrong, 13, proof, root)
        for step in range(len(proof)):
            changed = [*proof]
            changed[step] = root
            assert not verify_inclusion(leaf, index, 13, changed, root)
    # What a node hashes is never taken for a leaf.
    assert not verify_inclusion(leaf_hash(leaves[0]) + leaf_hash(leaves[1]), 0, 7, inclusion_proof(map(leaf_hash, leaves), 0, 13)[1:], root)


def test_a_digest_of_another_form_is_refused() -> None:
    for wrong in ("", "sha256:00", "sha512:" + 64 * "0", "sha256:" + 64 * "G"):
        with pytest.raises(ValueError, match="is not a digest"):
            verify_inclusion(b"leaf", 0, 1, [], wrong)


@pytest.mark.parametrize("size", range(9))
def test_roots_that_certificate_logs_know(size: int) -> None:
    assert tree_of(LEAVES[:size]).root() == f"sha256:{ROOTS[size]}"
    assert defined_root(LEAVES[:size]).hex() == ROOTS[size]


def test_root_and_proof_are_as_defined() -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for size in [*range(1, 34), 63, 64, 65, 200]:
        leaves = [rng.randbytes(rng.randrange(40)) for _each in range(size)]
        tree = tree_of(leaves)
        assert tree.size == size
        assert tree.root_hash() == defined_root(leaves)
        for index in range(size) if size < 34 else rng.sample(range(size), 5):
            proof = inclusion_proof(map(leaf_hash, leaves), index, size)
            assert proof == [f"sha256:{step.hex()}" for step in defined_path(index, leaves)]
            assert verify_inclusion(leaves[index], index, size, proof, tree.root())


def test_memory_is_the_tree_s_height() -> None:
    tree = tree_of(some_leaves(1000))
    assert len(tree._roots) == bin(1000).count("1")


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(lambda _level, _place: b"", index, size)


def _known(levels: list[bytearray], level: int, place: int) -> bytes:
    found = bytes(levels[level][32 * place : 32 * place + 32])
    assert len(found) == 32
    return found


def test_the_path_by_full_subtrees_is_the_proof() -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    assert range_root(lambda _level, _place: b"", 0, 0) == tree_of([]).root()
    for size in [*range(1, 40), 63, 64, 65, 200, 1000]:
        leaves = [rng.randbytes(rng.randrange(40)) for _each in range(size)]
        levels = [bytearray(b"".join(map(leaf_hash, leaves)))]
        while len(levels[-1]) >= 64:
            levels.append(level_above(levels[-1]))
        kept = {0, *(level for level in range(len(levels)) if rng.random() < 0.5)}

        subtree = functools.partial(full_subtree, functools.partial(_known, levels), kept)
        assert range_root(subtree, 0, size) == tree_of(leaves).root()
        for index in range(size) if size < 40 else rng.sample(range(size), 10):
            path = inclusion_path(subtree, index, size)
            assert path == [f"sha256:{step.hex()}" for step in defined_path(index, leaves)]
            assert path == inclusion_proof(map(leaf_hash, leaves), index, size)
