# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module C(crypto_erase) on real LUKS volumes: the four runs, backups, and an adversary with what he may have kept."""

from __future__ import annotations

import functools
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.system.luks_bed import (
    CHEAP,
    DATA,
    DECLARED,
    MIB,
    Run,
    digests,
    eraser,
    in_memory,
    left_of,
    make_volume,
    material,
    opens,
    refused,
    state_of,
    write,
)

SHAPES = [("luks1", False), ("luks2", False), ("luks1", True), ("luks2", True)]


@pytest.fixture
def bed(bed: Bed, request: pytest.FixtureRequest) -> t.Iterator[Bed]:
    """On a disk where the medium is what is tested, else in memory."""
    if request.node.originalname == "test_the_four_runs":
        yield bed
        return
    with in_memory() as memory:
        yield memory


@pytest.fixture
def erase(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return eraser(tmp_path / "state", capsys, monkeypatch)


@pytest.mark.parametrize(("kind", "apart"), SHAPES)
def test_the_four_runs(bed: Bed, erase: Run, tmp_path: pathlib.Path, kind: str, apart: bool) -> None:
    volume = make_volume(bed, kind, apart=apart)
    old = material((volume.header or volume.image).read_bytes()[: DATA[kind]])
    assert len(old) > 200 and opens(volume, *([str(volume.header)] if volume.header else []))
    data = volume.image.read_bytes()[0 if apart else DATA[kind] :]
    call = functools.partial(erase, target=volume.target)
    before = digests(*volume.files)
    rehearsal = call(check=True)
    assert rehearsal["changed"] and rehearsal["outcome"] == "not_destroyed" and rehearsal["opened"] == "the key file opened it before"
    assert digests(*volume.files) == before and not (tmp_path / "state").exists()
    done = call()
    assert (done["outcome"], done["level"]["achieved"], done["changed"], done["reason"]) == ("destroyed", "purge", True, None), done
    assert {each["state"] for each in done["preconditions"]} == {"met"} and done["counts"]["destroyed"] == 1
    assert left_of(old, volume.image) == 0 and volume.image.read_bytes()[0 if apart else DATA[kind] :] == data
    assert not (volume.header and volume.header.exists())
    journal = JournalState.fold(read_journal(done["journal"]["path"]))
    assert journal.closed and journal.counts["destroyed"] == 1
    after = digests(volume.image)
    for check in (False, True):
        again = call(check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, done["run"])
        assert again["preconditions"] == done["preconditions"] and again["limits"] == done["limits"]
    assert digests(volume.image) == after
    # A new volume in its place is a new key.
    if not apart:
        shell("cryptsetup", "luksFormat", *CHEAP, "--type", kind, "--key-file", str(volume.key), volume.device)
        new = call()
        assert new["outcome"] == "destroyed" and new["changed"] and new["run"] != done["run"] and not opens(volume)


@pytest.mark.parametrize(("size", "end"), [("16k", 8 * MIB), ("4m", 16 * MIB)])
def test_headers_of_other_sizes(bed: Bed, erase: Run, size: str, end: int) -> None:
    volume = make_volume(bed, "luks2", "--luks2-metadata-size", size, "--luks2-keyslots-size", "8m", mebibytes=18)
    old = material(volume.image.read_bytes()[:end])
    assert erase(target=volume.target)["outcome"] == "destroyed" and left_of(old, volume.image) == 0


def test_a_header_of_which_a_power_loss_left_the_second_copy(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    old = material(volume.image.read_bytes()[: 16 * MIB])
    write(volume.device, 0, bytes(8192))
    done = erase(target={name: value for name, value in volume.target.items() if name != "key_file"})
    assert done["outcome"] == "destroyed" and left_of(old, volume.image) == 0 and done["opened"] == ""


@pytest.mark.parametrize("kind", ["luks1", "luks2"])
def test_what_wiping_signatures_alone_would_have_saved_opens_nothing(bed: Bed, erase: Run, kind: str) -> None:
    volume = make_volume(bed, kind)
    saved = volume.image.read_bytes()[: DATA[kind]]
    copies = [0, *([16384] if kind == "luks2" else [])]
    for length in (12, 4096):
        # The control: with them alone a volume whose signatures were wiped opens again.
        for start in copies:
            write(volume.device, start, bytes(length))
        assert not opens(volume)
        for start in copies:
            write(volume.device, start, saved[start : start + length])
        assert opens(volume)
    assert erase(target=volume.target)["outcome"] == "destroyed"
    for length in (12, 4096, 32768 if kind == "luks2" else 4096):
        for start in copies:
            write(volume.device, start, saved[start : start + length])
        assert not opens(volume)


@pytest.mark.parametrize("kind", ["luks1", "luks2"])
def test_a_backup_whose_place_nobody_declared(bed: Bed, erase: Run, kind: str) -> None:
    volume = make_volume(bed, kind)
    place = bed.new("safe")
    place.mkdir()
    backup = place / "header"
    shell("cryptsetup", "luksHeaderBackup", volume.device, "--header-backup-file", str(backup))
    kept = backup.read_bytes()
    old = material(kept)
    silent = {"header_backups": None, "declared": {name: words for name, words in DECLARED.items() if name != "no_backup"}}
    result = erase(target=volume.target, **silent)
    assert result["failed"] and (result["outcome"], state_of(result, "no_backup")) == ("unknown", "unknown") and not opens(volume)
    assert "no_backup is unknown (no places of header backups or escrow were declared" in result["msg"]
    # What the result said that it did not know was so.
    shell("cryptsetup", "luksHeaderRestore", "--batch-mode", volume.device, "--header-backup-file", str(backup))
    assert opens(volume)
    # Declared, it goes too, also after the volume itself.
    assert erase(target=volume.target, **silent)["outcome"] == "unknown" and backup.read_bytes() == kept
    done = erase(target=volume.target, header_backups=[str(place)])
    assert (done["outcome"], done["seen"]["backups"]) == ("destroyed", 1), done
    assert not backup.exists() and not opens(volume) and left_of(old, volume.image) == 0
    # One that comes back from elsewhere is found by the same task.
    backup.write_bytes(kept)
    assert erase(target=volume.target, header_backups=[str(place)], check=True)["changed"] and backup.exists()
    back = erase(target=volume.target, header_backups=[str(place)])
    assert back["outcome"] == "destroyed" and back["changed"] and not backup.exists()


def test_declared_backups_are_destroyed_and_nothing_else(bed: Bed, erase: Run) -> None:
    volume, other = make_volume(bed), make_volume(bed, "luks1")
    place = bed.new("safe")
    (place / "deep").mkdir(parents=True)
    shell("cryptsetup", "luksHeaderBackup", volume.device, "--header-backup-file", str(place / "deep" / "header"))
    shell("cryptsetup", "luksHeaderBackup", other.device, "--header-backup-file", str(place / "other"))
    old = material((place / "deep" / "header").read_bytes())
    spoilt = bytearray((place / "deep" / "header").read_bytes())
    spoilt[4096:8192] = bytes(4096)
    (place / "spoilt").write_bytes(spoilt)
    (place / "note").write_text("not a header")
    (place / "link").symlink_to(place / "other")
    kept = digests(place / "other", place / "note", other.image)
    os.link(place / "spoilt", place / "twice")
    refused(volume, erase, "hard-linked", place / "spoilt", header_backups=[str(place)])
    (place / "twice").unlink()
    done = erase(target=volume.target, header_backups=[str(place)])
    assert done["outcome"] == "destroyed" and done["seen"]["backups"] == 2
    assert not (place / "deep" / "header").exists() and not (place / "spoilt").exists()
    assert digests(place / "other", place / "note", other.image) == kept and left_of(old, volume.image) == 0


def test_the_file_below_the_device_is_no_backup(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed, "luks1")
    done = erase(target=volume.target, header_backups=[str(bed.directory)])
    assert done["outcome"] == "destroyed" and done["seen"]["backups"] == 0 and volume.image.exists()


@pytest.mark.parametrize("how", ["discard", "overwrite"])
@pytest.mark.parametrize("apart", [False, True])
def test_the_data_go_too(bed: Bed, erase: Run, how: str, apart: bool) -> None:
    volume = make_volume(bed, "luks1", apart=apart)
    start = 0 if apart else 2 * MIB
    data = volume.image.read_bytes()[start:]
    done = erase(target=volume.target, discard=how)
    assert done["outcome"] == "destroyed" and volume.image.read_bytes()[start:] == bytes(len(data))
    again = erase(target=volume.target, discard=how)
    assert again["outcome"] == "destroyed" and not again["changed"]


def test_key_slots_of_other_people_go_too(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    second = bed.directory / "second.key"
    second.write_bytes(b"what somebody else knows")
    shell("cryptsetup", "luksAddKey", *CHEAP, "--key-file", str(volume.key), volume.device, str(second))
    shell("cryptsetup", "token", "add", "--key-description", "vault", "--key-slot", "1", volume.device)
    old = material(volume.image.read_bytes()[: 16 * MIB])
    done = erase(target=volume.target)
    told = next(each for each in done["preconditions"] if each["name"] == "no_other_key")
    assert done["outcome"] == "destroyed" and "key slots 0, 1 and tokens 0 (luks2-keyring)" in told["looked_at"][0]
    assert left_of(old, volume.image) == 0
    assert not opens(volume._replace(key=second))
