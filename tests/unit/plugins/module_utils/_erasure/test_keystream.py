# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random
import sys
import time

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.keystream import CHUNK, Keystream, Pattern, open_source
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError


def bytes_of(source: object, length: int, *, stream: int = 0, offset: int = 0) -> bytes:
    buffer = bytearray(length)
    source.fill(memoryview(buffer), stream=stream, offset=offset)  # type: ignore[attr-defined]
    return bytes(buffer)


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(RefusedError, match="install the package python3-cryptography"):
        open_source(Pass(None))


def test_a_wiped_keystream_gives_nothing_and_holds_no_key() -> None:
    source = Keystream()
    key = source._key
    assert any(key) and len(key) == 32
    source.wipe()
    assert not any(key)
    with pytest.raises(RuntimeError, match="wiped"):
        bytes_of(source, 16)


def test_the_keystream_is_aes_256_ctr_with_stream_and_block_as_counter() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    source = Keystream()
    counter = (7).to_bytes(8, "big") + (3).to_bytes(8, "big")
    expected = Cipher(algorithms.AES(bytes(source._key)), modes.CTR(counter)).encryptor().update(bytes(100))
    assert bytes_of(source, 100, stream=7, offset=48) == expected


def test_any_piece_equals_the_same_piece_of_the_whole() -> None:
    seed = time.time_ns()
    print("seed", seed)
    rng = random.Random(seed)
    whole_length = CHUNK // 4
    for source in (Keystream(), Pattern(b"\0"), Pattern(b"\x92\x49\x24"), Pattern(bytes(range(17)))):
        whole = bytes_of(source, whole_length, stream=5)
        for _each in range(50):
            offset = rng.randrange(whole_length)
            length = rng.randrange(whole_length - offset)
            assert bytes_of(source, length, stream=5, offset=offset) == whole[offset : offset + length]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 31, 32, 33, CHUNK - 1, CHUNK])
def test_every_length_is_filled_to_its_end(length: int) -> None:
    source = Keystream()
    assert bytes_of(source, length) == bytes_of(source, CHUNK)[:length]
    assert bytes_of(Pattern(b"\xff"), length) == b"\xff" * length


def test_streams_and_keys_differ() -> None:
    source = Keystream()
    assert bytes_of(source, 64, stream=0) != bytes_of(source, 64, stream=1)
    assert bytes_of(source, 64) != bytes_of(Keystream(), 64)


def test_open_source_follows_the_pass() -> None:
    assert bytes_of(open_source(Pass(b"\x55")), 4) == b"\x55" * 4
    assert isinstance(open_source(Pass(None)), Keystream)
