# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs that a tree only grew, against the definition of RFC 9162, written down here a second time, and its own example."""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import consistency_proof, leaf_hash, verify_consistency
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.test_merkle import (
    LEAVES,
    defined_root,
    some_leaves,
    tree_of,
)


def defined_proof(old: int, leaves: t.Sequence[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if old == len(leaves):
        return [] if known else [defined_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*defined_proof(old, leaves[:split], known), defined_root(leaves[split:])]
    return [*defined_proof(old - split, leaves[split:], False), defined_root(leaves[:split])]


def proof_of(leaves: t.Sequence[bytes], old: int) -> list[str]:
    return consistency_proof(map(leaf_hash, leaves), old, len(leaves))


@pytest.mark.parametrize(("old", "size"), [(0, 4), (5, 4), (-1, 4), (0, 0)])
def test_a_tree_that_is_no_beginning_has_no_proof(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not the beginning of one of"):
        consistency_proof(map(leaf_hash, some_leaves(size)), old, size)
    root = tree_of(some_leaves(size)).root()
    assert not verify_consistency(old, size, [], root, root)


def test_another_number_of_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match="4 leaves, 5 were given"):
        consistency_proof(map(leaf_hash, some_leaves(5)), 2, 4)


def test_a_digest_of_another_form_is_refused() -> None:
    root = tree_of(some_leaves(2)).root()
    for wrong in ("", "sha256:00", "sha512:" + 64 * "0"):
        with pytest.raises(ValueError, match="is not a digest"):
            verify_consistency(1, 2, [wrong], root, root)


def test_a_proof_fails_for_anything_else() -> None:
    leaves = some_leaves(13)
    roots = [tree_of(leaves[:size]).root() for size in range(14)]
    for old in range(1, 14):
        proof = proof_of(leaves, old)
        assert verify_consistency(old, 13, proof, roots[old], roots[13])
        assert not verify_consistency(old, 13, proof, roots[old - 1], roots[13])
        assert not verify_consistency(old, 13, proof, roots[old], roots[12])
        assert not verify_consistency(old, 13, [*proof, roots[1]], roots[old], roots[13])
        assert not proof or not verify_consistency(old, 13, proof[:-1], roots[old], roots[13])
        for wrong in set(range(1, 14)) - {old}:
            assert not verify_consistency(wrong, 13, proof, roots[old], roots[13])
        for step in range(len(proof)):
            changed = [*proof]
            changed[step] = roots[1] if proof[step] != roots[1] else roots[2]
            assert not verify_consistency(old, 13, changed, roots[old], roots[13])


def test_proofs_that_certificate_logs_know() -> None:
    """Of the reference implementation's tests, for its eight leaves."""
    expected = {
        (1, 8): [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
        (6, 8): [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
        (2, 5): [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    }
    for (old, size), steps in expected.items():
        assert proof_of(LEAVES[:size], old) == [f"sha256:{step}" for step in steps]


def test_proofs_are_as_defined() -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for size in [*range(1, 34), 63, 64, 65, 200]:
        leaves = [rng.randbytes(rng.randrange(40)) for _each in range(size)]
        root = tree_of(leaves).root()
        for old in range(1, size + 1) if size < 34 else rng.sample(range(1, size + 1), 5):
            proof = proof_of(leaves, old)
            assert proof == [f"sha256:{step.hex()}" for step in defined_proof(old, leaves)]
            assert verify_consistency(old, size, proof, tree_of(leaves[:old]).root(), root)
