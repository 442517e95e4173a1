# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) on fscrypt directories: others with the same key on whichever filesystem, and what an ended run left open."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_kernel import KernelPolicy
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_tree import elsewhere
from ansible_collections.recordings.disposal.plugins.module_utils._media.mounts import MountFacts
from ansible_collections.recordings.disposal.tests.system.fscrypt_bed import (
    CONTENT,
    VOUCHED,
    Erase,
    Fscrypt,
    add_key,
    digest,
    eraser,
    fail_io,
    forget,
    is_locked,
)
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted, run


@pytest.fixture
def fscrypt(bed: Bed) -> Fscrypt:
    return Fscrypt(bed)


@pytest.fixture
def erase(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Erase:
    return eraser(bed, capsys, monkeypatch)


def test_a_key_that_opens_a_directory_of_another_filesystem_stays(fscrypt: Fscrypt, erase: Erase, bed: Bed) -> None:
    here, there = fscrypt.by_kernel(), fscrypt.by_kernel()
    assert here.identifier == there.identifier
    key_file = bed.new("raw")
    key_file.write_bytes(here.key)
    before = [digest(here), digest(there)]
    declared = {**VOUCHED, "no_other_key": "the test made it", "no_stale_copy": "the test"}
    words = f"also opens 1 other directories, {there.directory} among them, so nothing was done"
    for check in (True, False):
        result = erase(here, check=check, target={"key_file": str(key_file)}, declared=declared)
        assert result["failed"] and words in result["msg"], result
    assert [digest(here), digest(there)] == before and key_file.read_bytes() == here.key
    assert here.contents() == there.contents() == [CONTENT] * 5
    # Named, it goes too: each filesystem has a keyring of its own.
    target = {"key_file": str(key_file), "covers": [str(there.directory)]}
    with next(there.directory.rglob("*.wav")).open("rb"):
        result = erase(here, target=target, declared=declared)
        assert result["failed"] and f"files in {there.directory} were opened meanwhile" in result["msg"] and key_file.exists(), result
    result = erase(here, target=target, declared=declared)
    assert (result["outcome"], result["seen"]["key"]) == ("destroyed", "absent"), result
    assert is_locked(here) and is_locked(there) and not key_file.exists()
    assert erase(here, target=target, declared=declared)["changed"] is False
    # One of them having the key again is enough for all to be looked at anew.
    add_key(there.mounted.path, there.key)
    again = erase(here, target=target, declared=declared)
    assert again["failed"] and "key file" in again["msg"], again


def test_metadata_of_each_filesystem_go(fscrypt: Fscrypt, erase: Erase) -> None:
    """A filesystem that was copied block by block has the wrapped key twice."""
    made = fscrypt.by_tool()
    os.sync()
    image = fscrypt.bed.fill_image(made.mounted.image.read_bytes())
    device, point = fscrypt.bed.attach(image), fscrypt.bed.new("mount")
    point.mkdir()
    run("mount", device, str(point))
    try:
        copy = made._replace(mounted=made.mounted._replace(path=point, image=image), directory=point / "store")
        result = erase(made)
        assert result["failed"] and f"{copy.directory} among them" in result["msg"] and copy.policy_file.exists(), result
        result = erase(made, target={"covers": [str(copy.directory)]}, declared={**VOUCHED, "no_stale_copy": "the test"})
        assert (result["outcome"], result["seen"]["files"]) == ("destroyed", 2), result
        assert is_locked(made) and is_locked(copy) and not made.policy_file.exists() and not copy.policy_file.exists()
    finally:
        run("umount", str(point))


def test_filesystems_that_cannot_encrypt_and_parts_of_others(fscrypt: Fscrypt) -> None:
    made, plain = fscrypt.by_kernel(), fscrypt.bed.filesystem("ext4", mount="noatime", mebibytes=16)
    policy = KernelPolicy(made.identifier, 1, 4)
    other = fscrypt.mount()
    fine = other.path / "in" / "deep"
    fine.mkdir(parents=True)

    def facts(where: Mounted, *, root: str = "/", point: pathlib.Path | None = None) -> tuple[int, MountFacts]:
        number = os.stat(where.path).st_dev
        return number, MountFacts(1, os.major(number), os.minor(number), "ext4", frozenset(), point=str(point or where.path), root=root)

    def look(*given: tuple[int, MountFacts]) -> tuple[list[str], int, list[str]]:
        return elsewhere(policy, str(made.directory), {number: [mount] for number, mount in given})

    own = look(facts(made.mounted))
    # The root and lost+found.
    assert own == ([], 2, []) and look(facts(made.mounted), facts(plain)) == own
    assert look(facts(made.mounted), facts(other)) == ([], 2 + 4, [])
    # Of a part only that is looked at, and what something else is mounted over not at all.
    assert look(facts(made.mounted), facts(other, root="/in", point=fine.parent)) == ([], 2 + 2, [str(fine.parent)])
    hidden = facts(other, point=plain.path)
    assert look(facts(made.mounted), hidden) == ([], 2, [str(plain.path)])
    assert look(facts(made.mounted), facts(other, point=pathlib.Path("/nowhere"))) == ([], 2, ["/nowhere"])


def test_what_was_open_is_judged_anew_by_the_same_task(fscrypt: Fscrypt, erase: Erase, bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fscrypt.by_tool()
    safe = bed.new("safe")
    safe.mkdir()
    (safe / "copy").write_bytes(made.policy_file.read_bytes())
    open_still = {"verify": "none", "header_backups": None, "declared": {}}
    first = erase(made, **open_still)
    assert first["failed"] and first["outcome"] == "unknown" and is_locked(made), first
    second = erase(made, **{**open_still, "declared": VOUCHED})
    assert second["failed"] and second["outcome"] == "unknown" and second["run"] != first["run"], second
    assert "no_stale_copy is unknown" in second["msg"] and "a look for older copies would prove nothing" in second["msg"]
    # One that is cut off is brought to its end as any other.
    with monkeypatch.context() as patch:
        patch.setattr(Executor, "ioctl", fail_io)
        cut = erase(made, **{**open_still, "declared": VOUCHED})
    assert cut["failed"] and "the kernel could not be made to forget the key" in cut["msg"], cut
    third = erase(made, **{**open_still, "declared": VOUCHED})
    assert (third["outcome"], third["run"]) == ("unknown", cut["run"]), third
    # Files that were removed since do not speak against it, and a copy that is found only now goes too.
    next(path for path in made.directory.rglob("*") if path.is_file()).unlink()
    words = {**VOUCHED, "no_stale_copy": "the test"}
    assert erase(made, check=True, header_backups=[str(safe)], declared=words)["changed"] and (safe / "copy").exists()
    result = erase(made, header_backups=[str(safe)], declared=words)
    assert (result["outcome"], result["changed"], result["opened"]) == ("destroyed", True, first["opened"]), result
    assert result["seen"] == {"key": "absent", "files": 1, "copies": 1, "tried": 4, "no_key": 4} and not (safe / "copy").exists()
    again = erase(made, header_backups=[str(safe)], declared=words)
    assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, result["run"])


def test_a_key_that_has_come_back_is_not_gone_by_words(fscrypt: Fscrypt, erase: Erase, bed: Bed) -> None:
    made = fscrypt.by_kernel()
    key_file = bed.new("raw")
    key_file.write_bytes(made.key)
    target, words = {"key_file": str(key_file)}, {**VOUCHED, "no_other_key": "the test", "no_stale_copy": "the test"}
    assert erase(made, target=target, declared={})["outcome"] == "unknown" and not key_file.exists()
    add_key(made.mounted.path, made.key)
    result = erase(made, target=target, declared=words)
    assert result["failed"] and "cannot be read (No such file or directory)" in result["msg"] and made.contents() == [CONTENT] * 5, result
    forget(made.mounted.path, made.identifier)
    key_file.write_bytes(b"something else")
    result = erase(made, target=target, declared=words)
    assert result["failed"] and f"{key_file}, which held the key and was destroyed, is there again" in result["msg"], result
    assert key_file.read_bytes() == b"something else"
    key_file.unlink()
    assert erase(made, target=target, declared=words)["outcome"] == "destroyed"
