# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our files and those of stock age: each decrypts the other's, and stock age finds what was changed or cut off."""

from __future__ import annotations

import io
import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys.age import (
    Label,
    make_header,
    read_header,
    require_own,
    rewrap,
    unwrap,
)
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import (
    AgeError,
    Ephemeral,
    fingerprint,
    new_secret,
    parse_identity,
    parse_recipient,
    public_of,
    recipient_text,
)
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agestream import CHUNK, decrypt, encrypt
from ansible_collections.recordings.disposal.tests.system.loop_bed import not_run

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20]


class Pair(t.NamedTuple):
    """What age-keygen made."""

    file: pathlib.Path
    identity: bytearray
    recipient: str


def keygen(path: pathlib.Path) -> Pair:
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    (line,) = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    told = subprocess.run(["age-keygen", "-y", str(path)], check=True, capture_output=True, text=True).stdout.strip()
    return Pair(path, parse_identity(line), told)


@pytest.fixture
def pair(tmp_path: pathlib.Path) -> Pair:
    if not shutil.which("age") or not shutil.which("age-keygen"):
        not_run("the tools age and age-keygen are not installed")
    return keygen(tmp_path / "first.txt")


def ours(plain: bytes, recipient: str) -> bytes:
    file_key, public, out = new_secret(16), parse_recipient(recipient), io.BytesIO()
    out.write(make_header(file_key, public, Label("service-calls", "2026-03", fingerprint(public)), Ephemeral()))
    encrypt(file_key, io.BytesIO(plain), out.write)
    return out.getvalue()


def stock(pair: Pair, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["age", "-d", "-i", str(pair.file)], input=data, capture_output=True, check=False)


def test_keys_are_stock_ages_keys(pair: Pair) -> None:
    assert recipient_text(public_of(pair.identity)) == pair.recipient


@pytest.mark.parametrize("size", SIZES)
def test_each_decrypts_what_the_other_encrypts(pair: Pair, size: int) -> None:
    plain = os.urandom(size)
    done = stock(pair, ours(plain, pair.recipient))
    assert (done.returncode, done.stdout) == (0, plain), done.stderr
    file = io.BytesIO(subprocess.run(["age", "-r", pair.recipient], input=plain, capture_output=True, check=True).stdout)
    out = io.BytesIO()
    decrypt(unwrap(read_header(file), pair.identity), file, out.write)
    assert out.getvalue() == plain


def test_a_file_of_several_recipients_is_read_but_not_taken_for_ours(pair: Pair, tmp_path: pathlib.Path) -> None:
    other = keygen(tmp_path / "second.txt")
    command = ["age", "-r", other.recipient, "-r", pair.recipient]
    file = io.BytesIO(subprocess.run(command, input=b"words", capture_output=True, check=True).stdout)
    header, out = read_header(file), io.BytesIO()
    decrypt(unwrap(header, pair.identity), file, out.write)
    assert out.getvalue() == b"words"
    with pytest.raises(AgeError, match="can be decrypted by others"):
        require_own(header)


def test_an_armored_file_is_told_as_such(pair: Pair) -> None:
    armored = subprocess.run(["age", "-a", "-r", pair.recipient], input=b"words", capture_output=True, check=True).stdout
    with pytest.raises(AgeError, match="but as armored text"):
        read_header(io.BytesIO(armored))


def test_rewrapped_it_is_the_new_ones_for_stock_age_too(pair: Pair, tmp_path: pathlib.Path) -> None:
    other = keygen(tmp_path / "second.txt")
    plain = os.urandom(CHUNK + 1)
    data = ours(plain, pair.recipient)
    header, public = read_header(io.BytesIO(data)), parse_recipient(other.recipient)
    moved = rewrap(header, pair.identity, public, Label("held", "2026", fingerprint(public))) + data[header.length :]
    assert stock(other, moved).stdout == plain
    assert b"no identity matched" in stock(pair, moved).stderr


def test_stock_age_finds_a_changed_label_and_a_payload_cut_at_a_chunk(pair: Pair) -> None:
    data = ours(os.urandom(3 * CHUNK), pair.recipient)
    assert stock(pair, data.replace(b" 2026-03 ", b" 2026-04 ")).returncode
    length = read_header(io.BytesIO(data)).length + 16
    for chunks in range(3):
        assert stock(pair, data[: length + chunks * (CHUNK + 16)]).returncode
