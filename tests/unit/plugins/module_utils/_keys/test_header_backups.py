# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of LUKS headers in files built byte by byte: which are the volume's own, which lie in something larger, which nobody can tell."""

from __future__ import annotations

import errno
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys import header_backups
from ansible_collections.recordings.disposal.plugins.module_utils._keys.header_backups import HeaderBackups
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._keys.luks_world import (
    DIGEST,
    KIB,
    SALT,
    UUID,
    luks1,
    luks2,
    plain_json,
)

MIB = 1 << 20
OWN = (f"{SALT.hex()}:{DIGEST.hex()}",)
OTHER = "11111111-1d8e-4d3e-9a3c-5a1f0c1e7d21"


def another(size: int = 16 * KIB) -> bytes:
    """A header of another volume."""
    told = plain_json(size)
    told["digests"]["0"]["salt"] = "AAAA"
    return bytes(luks2(told, size=size, uuid=OTHER))


def spoilt(data: bytes) -> bytes:
    """No copy of it has its checksum any more."""
    return data.replace(b'"crypt"', b'"cript"')


@pytest.fixture
def place(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path.resolve() / "safe"
    made.mkdir()
    return made


def search(place: pathlib.Path, digests: tuple[str, ...] = OWN) -> HeaderBackups:
    made = HeaderBackups([str(place)])
    made.digests = digests
    return made


@pytest.mark.parametrize(
    "content",
    [
        luks1(),
        bytes(luks2()),
        spoilt(bytes(luks2())),
        bytes(luks2(uuid=OTHER)),
        luks1(uuid=OTHER),
        # Only the second copy is left.
        bytes(16 * KIB) + bytes(luks2(uuid=OTHER))[16 * KIB :],
        bytes(luks2()) + bytes(3 * MIB),
    ],
)
def test_the_volumes_own(place: pathlib.Path, content: bytes) -> None:
    (place / "backup").write_bytes(content)
    backups = search(place)
    assert [each["path"] for each in backups.found(UUID)] == [str(place / "backup")] and backups.any_left(UUID)
    assert backups.precondition(UUID).state == "met"


@pytest.mark.parametrize(
    "content", [another(), luks1(uuid=OTHER, digest=bytes(20)), b"", b"a note", bytes(3 * MIB), another() + bytes(2 * MIB)]
)
def test_another_volumes_and_what_is_no_header(place: pathlib.Path, content: bytes) -> None:
    (place / "file").write_bytes(content)
    backups = search(place)
    assert backups.found(UUID) == [] and not backups.any_left(UUID) and backups.precondition(UUID).state == "met"


@pytest.mark.parametrize(
    ("content", "offset"),
    [
        (bytes(MIB) + bytes(luks2()), MIB),
        (bytes(63 * 512) + luks1(), 63 * 512),
        (bytes(3 * MIB) + bytes(luks2(uuid=OTHER)), 3 * MIB),
        (another() + bytes(5 * MIB - len(another())) + luks1(uuid=OTHER), 5 * MIB),
        (spoilt(another()) + bytes(MIB - len(another())) + bytes(luks2()), MIB),
        (bytes(MIB + 16 * KIB) + bytes(luks2())[16 * KIB :], MIB + 16 * KIB),
        # Its second copy lies where one of a header at the file's beginning could.
        (bytes(MIB) + bytes(luks2(plain_json(MIB), size=MIB)), MIB),
    ],
)
def test_one_in_something_larger_is_told_and_not_taken(place: pathlib.Path, content: bytes, offset: int) -> None:
    (place / "disk.img").write_bytes(content)
    backups = search(place)
    assert backups.found(UUID) == [] and backups.any_left(UUID)
    found = backups.precondition(UUID)
    assert found.state == "not_met" and f"{place / 'disk.img'} (at offset {offset})" in found.told
    backups.require_ready(UUID)
    # Declared by its own name it is no reason to say that it is none.
    HeaderBackups([str(place / "disk.img")]).require_ready(UUID)


@pytest.mark.parametrize(
    ("content", "digests", "words"),
    [
        (spoilt(another()), OWN, "a LUKS header at offset 0 is spoilt"),
        (bytes(2 * MIB) + spoilt(another()), OWN, f"a LUKS header at offset {2 * MIB} is spoilt"),
        # Nothing tells of the volume but its UUID.
        (another(), (), "a LUKS header at offset 0"),
    ],
)
def test_one_that_nobody_can_tell(place: pathlib.Path, content: bytes, digests: tuple[str, ...], words: str) -> None:
    (place / "file").write_bytes(content)
    backups = search(place, digests)
    found = backups.precondition(UUID)
    assert found.state == "unknown" and words in found.told and str(place / "file") in found.told and backups.found(UUID) == []


def test_whatever_is_no_file_that_can_be_read(place: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").symlink_to("/nowhere")
    (place / "directory").symlink_to("/")
    os.mkfifo(place / "pipe")
    found = search(place).precondition(UUID)
    assert found.state == "unknown" and found.told.count("it is a symbolic link") == 2 and "pipe (it is no regular file)" in found.told
    for path in place.iterdir():
        path.unlink()
    (place / "deep").mkdir()
    (place / "file").write_bytes(b"a note")

    def fail(path: t.Any, *_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        found = search(place).precondition(UUID)
    assert found.state == "unknown" and f"{place / 'file'} (it cannot be read (Permission denied))" in found.told
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        found = search(place).precondition(UUID)
    assert found.state == "unknown" and f"{place} (it cannot be searched (Permission denied))" in found.told


def test_a_file_larger_than_what_is_looked_at(place: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_backups, "_BOUND", 4 * MIB)
    for size, state in ((4 * MIB, "met"), (4 * MIB + 1, "unknown")):
        (place / "big").write_bytes(bytes(size))
        assert search(place).precondition(UUID).state == state


def test_a_declared_file_that_is_none_is_still_refused(place: pathlib.Path) -> None:
    (place / "note").write_bytes(b"a note")
    with pytest.raises(RefusedError, match="is no backup of this volume's header"):
        HeaderBackups([str(place / "note")]).require_ready(UUID)
