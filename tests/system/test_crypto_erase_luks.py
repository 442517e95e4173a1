# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module C(crypto_erase) on real LUKS volumes: refusals, the four runs, and an adversary with what he may have kept."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.modules.crypto_erase import main
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.system.luks_bed import (
    CHEAP,
    DATA,
    DECLARED,
    KEY,
    MIB,
    Volume,
    left_of,
    make_volume,
    material,
    opens,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Run = t.Callable[..., dict[str, t.Any]]
SHAPES = [("luks1", False), ("luks2", False), ("luks1", True), ("luks2", True)]
WAV = b"RIFF\x24\x08\0\0WAVEfmt "


@pytest.fixture
def erase(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    given = {"level": "purge", "state_dir": str(tmp_path / "state"), "on_unseen": "report", "declared": DECLARED, "header_backups": []}

    def call(*, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        wanted = {key: value for key, value in {**given, **options}.items() if value is not None}
        result = run(main, capsys, monkeypatch, check=check, **wanted)
        assert KEY.decode() not in json.dumps(result)
        return result

    return call


def digests(*paths: pathlib.Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def refused(volume: Volume, erase: Run, words: str, *others: pathlib.Path, **options: t.Any) -> None:
    before = digests(*volume.files, *others)
    for check in (True, False):
        result = erase(check=check, **{"target": volume.target, **options})
        assert result.get("failed") and words in result["msg"] and "\n" not in result["msg"], result["msg"]
        assert result.get("outcome", "not_destroyed") == "not_destroyed" and not result.get("changed")
    assert digests(*volume.files, *others) == before


def state_of(result: dict[str, t.Any], name: str) -> str:
    return next(str(each["state"]) for each in result["preconditions"] if each["name"] == name)


def write(path: pathlib.Path | str, offset: int, content: bytes) -> None:
    with open(path, "r+b") as handle:
        handle.seek(offset)
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": "destroy"}, "reaches at most the level purge and destroy is required"),
        ({"preconditions": {"no_backups": "require"}}, "the precondition 'no_backups' is not known"),
        ({"preconditions": {"no_backup": "ignore"}}, "the precondition no_backup is demanded as 'ignore'"),
        ({"declared": {"no_backups": "we"}}, "the precondition 'no_backups' is not known"),
        ({"declared": {"not_in_memory": " "}}, "nothing is said of the precondition not_in_memory"),
        ({"declared": {}, "preconditions": {"encrypted_from_first_write": "require"}}, "encrypted_from_first_write is unknown"),
        ({"header_backups": None, "declared": {}, "preconditions": {"no_backup": "require"}}, "no_backup is unknown (no places of header backups"),
        ({"header_backups": ["/nowhere/at/all"]}, "/nowhere/at/all of a header's backup does not exist"),
        ({"header_backups": ["relative"]}, "relative is not an absolute path"),
        ({"header_backups": ["{key}"]}, "is no backup of this volume's header"),
        ({"sample_share": 0}, "sample_share is 0, not from 1 to 100"),
        ({"target": {"kind": "luks"}}, "a target of the kind luks needs device"),
        ({"target": {"kind": "luks", "device": {"serial": "NO-SUCH"}}}, "no device on this host has serial NO-SUCH"),
        ({"target": {"kind": "luks", "device": {"backing_file": "{image}", "size_bytes": 5}}}, "larger than the 5 that the register expects"),
        ({"target": {"key_file": "{image}.wrong"}}, "the key file does not open loop"),
        ({"target": {"key_file": "/nowhere"}}, "the key file /nowhere cannot be read (No such file or directory)"),
        ({"target": {"key_file": "/dev/null"}}, "the key file /dev/null is no regular file"),
        ({"target": {"header": "/nowhere"}}, "/nowhere cannot be read (No such file or directory)"),
        ({"target": {"header": "{key}"}}, "volume.key was not touched because there is no LUKS header"),
        ({"target": {"header": "{device}"}}, "is a block device, which is not supported"),
        ({"state_dir": "relative"}, "the state directory relative is not an absolute path"),
    ],
)
def test_a_task_that_makes_no_sense(bed: Bed, erase: Run, options: dict[str, t.Any], words: str) -> None:
    volume = make_volume(bed, "luks1")
    pathlib.Path(f"{volume.image}.wrong").write_bytes(b"another key altogether")
    names = {"{image}": str(volume.image), "{key}": str(volume.key), "{device}": volume.device}
    text = json.dumps(options)
    for name, value in names.items():
        text = text.replace(name, value)
    given = json.loads(text)
    if given.get("target", {}).get("kind") is None and "target" in given:
        given["target"] = {**volume.target, **given["target"]}
    refused(volume, erase, words, **given)


def _whole(head: bytearray, offset: int) -> None:
    """Give a changed copy of a LUKS2 header the checksum that it needs."""
    size = int.from_bytes(head[offset + 8 : offset + 16], "big")
    head[offset + 448 : offset + 512] = bytes(64)
    head[offset + 448 : offset + 480] = hashlib.sha256(head[offset : offset + size]).digest()


def change_json(volume: Volume, old: bytes, new: bytes) -> None:
    """Change both copies of a LUKS2 header as another version of the format, or an act under way, would have left them."""
    head = bytearray(volume.image.read_bytes()[: 2 * 16384])
    for offset in (0, 16384):
        start = head.index(old, offset)
        head[start : start + len(old)] = new
        _whole(head, offset)
    write(volume.device, 0, bytes(head))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"type":"crypt"', b'"type":"linux"', "it has segments of the type linux"),
        (b'"offset":"16777216"', b'"offset":"00016384"', "its data begin before its key slots end"),
        (b'"offset":"16777216"', b'"offset":"00000000"', "holds a detached header and no data of its own"),
        (b'"offset":"16777216"', b'"offset":"96777216"', "says that it is larger than the device"),
    ],
)
def test_a_header_of_another_kind(bed: Bed, erase: Run, old: bytes, new: bytes, words: str) -> None:
    volume = make_volume(bed)
    change_json(volume, old, new)
    refused(volume, erase, words)


def test_a_reencryption_that_is_under_way(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed, "luks2", mebibytes=40)
    shell("cryptsetup", "reencrypt", *CHEAP, "--init-only", "--key-file", str(volume.key), volume.device)
    refused(volume, erase, "it has the requirement online-reencrypt")


@pytest.mark.parametrize("spoilt", ["no header", "both copies"])
def test_no_header_that_can_be_read(bed: Bed, erase: Run, spoilt: str) -> None:
    volume = make_volume(bed)
    for start in (0, 16384):
        write(volume.device, start, bytes(4096)) if spoilt == "no header" else write(volume.device, start + 4096, b"{" * 64)
    words = {"no header": "there is no LUKS header, neither its first nor its second copy", "both copies": "spoilt in each copy that is left"}
    refused(volume, erase, words[spoilt])


def test_whatever_uses_the_device(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    second = volume.image.with_name("second")
    os.link(volume.image, second)
    other = bed.attach(second)
    refused(volume, erase, f"is held by {other[5:]} (over the same file)")
    bed.detach(other)
    with open(volume.device, "rb"):
        refused(volume, erase, "it is open by process")
    bed.set_read_only(volume.device)
    refused(volume, erase, "it is read-only")


def test_a_header_copied_to_another_device(bed: Bed, erase: Run) -> None:
    """The key survives there, whatever becomes of this one."""
    volume = make_volume(bed)
    clone = bed.fill_image(volume.image.read_bytes()[: 17 * MIB])
    # Only its second copy is left.
    write(clone, 0, bytes(4096))
    device = bed.attach(clone)
    refused(volume, erase, f"a header of the same volume lies on {device[5:]}", clone)
    result = erase(target=volume.target, preconditions={"no_backup": "accept"})
    assert result["failed"] and result["outcome"] == "not_destroyed" and state_of(result, "no_backup") == "not_met"
    assert result["level"]["achieved"] == "none" and not opens(volume)
    # Once that is gone too, the same task comes to its end.
    bed.detach(device)
    again = erase(target=volume.target)
    assert again["outcome"] == "destroyed" and again["opened"] and again["changed"], again["msg"]


def test_what_was_written_in_the_clear(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    write(volume.device, 17 * MIB, WAV + bytes(4096))
    words = f"encrypted_from_first_write is not met (the beginning of RIFF audio (WAV) lies in the clear at offset {17 * MIB})"
    refused(volume, erase, words)
    accepted = {"preconditions": {"encrypted_from_first_write": "accept"}}
    result = erase(target=volume.target, **accepted)
    assert result["failed"] and result["outcome"] == "not_destroyed" and words in result["msg"] and not opens(volume)
    # Nor does it become destroyed by looking away.
    assert erase(target=volume.target, verify="none", **accepted)["outcome"] == "not_destroyed"


@pytest.mark.parametrize("content", [None, "garbage"])
def test_legal_holds_on_the_host(bed: Bed, erase: Run, tmp_path: pathlib.Path, content: str | None) -> None:
    holds = tmp_path / "state" / "holds"
    holds.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    hold = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48600100201"]}}
    (holds / "H-1.json").write_text(content or json.dumps(hold))
    volume = make_volume(bed, "luks1")
    refused(volume, erase, "H-1")
    if not content:
        assert erase(target=volume.target, holds="checked")["outcome"] == "destroyed"


def test_another_run_over_the_same_key(bed: Bed, erase: Run, tmp_path: pathlib.Path) -> None:
    volume = make_volume(bed, "luks1")
    erase(target=volume.target, check=True)
    assert not (tmp_path / "state").exists()
    spare = make_volume(bed, "luks1")
    assert erase(target=spare.target)["outcome"] == "destroyed"
    (lock,) = (tmp_path / "state").glob("lock-*")
    before = digests(spare.image)
    write(spare.device, 0, volume.image.read_bytes()[: 2 * MIB])
    bed.detach(volume.device)
    before = digests(spare.image)
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = erase(target=spare.target)
    assert result["failed"] and "this host is locked by" in result["msg"] and digests(spare.image) == before


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


def test_a_header_that_is_detached_only_by_name(bed: Bed, erase: Run) -> None:
    """The device has a header of its own too, which opens it as well."""
    volume = make_volume(bed, "luks1")
    copy = bed.directory / "copy"
    copy.write_bytes(volume.image.read_bytes()[: 2 * MIB])
    refused(volume, erase, f"a header of the same volume lies on {volume.device[5:]}", copy, target={**volume.target, "header": str(copy)})


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


def test_a_weak_key(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    change_json(volume, b'"encryption":"aes-xts-plain64","sector_size":512', b'"encryption":"cipher_null-ecb","sector_size":512')
    refused(volume, erase, "strength is not met", declared={**DECLARED, "strength": "we think that it is enough"})
