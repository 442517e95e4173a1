# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module C(crypto_erase) refuses: each time with words that help, and no byte of the volume, its header or their copies changes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.system.luks_bed import (
    CHEAP,
    DECLARED,
    MIB,
    Run,
    Volume,
    digests,
    eraser,
    in_memory,
    make_volume,
    opens,
    refused,
    state_of,
    write,
)

WAV = b"RIFF\x24\x08\0\0WAVEfmt "


@pytest.fixture
def bed() -> t.Iterator[Bed]:
    with in_memory() as bed:
        yield bed


@pytest.fixture(scope="module")
def untouched() -> t.Iterator[Volume]:
    """One volume for all tasks that make no sense: none of them may change it."""
    with in_memory() as bed:
        volume = make_volume(bed, "luks1")
        pathlib.Path(f"{volume.image}.wrong").write_bytes(b"another key altogether")
        yield volume


@pytest.fixture
def erase(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return eraser(tmp_path / "state", capsys, monkeypatch)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": "destroy"}, "reaches at most the level purge and destroy is required"),
        ({"preconditions": {"no_backups": "require"}}, "the precondition 'no_backups' is not known"),
        ({"preconditions": {"no_backup": "ignore"}}, "the precondition no_backup is demanded as 'ignore'"),
        ({"declared": {"no_backups": "we"}}, "the precondition 'no_backups' is not known"),
        ({"declared": {"not_in_memory": " "}}, "nothing is said of the precondition not_in_memory"),
        ({"declared": {}, "preconditions": {"encrypted_from_first_write": "require"}}, "encrypted_from_first_write is unknown"),
        (
            {"header_backups": None, "declared": {}, "preconditions": {"no_backup": "require"}},
            "no_backup is unknown (no places of header backups",
        ),
        ({"header_backups": ["/nowhere/at/all"]}, "/nowhere/at/all of a header's backup does not exist"),
        ({"header_backups": ["relative"]}, "relative is not an absolute path"),
        ({"header_backups": ["{key}"]}, "is no backup of this volume's header"),
        ({"sample_share": 0}, "sample_share is 0, not from 1 to 100"),
        ({"target": {"kind": "luks"}}, "a target of the kind luks needs device"),
        ({"target": {"kind": "luks", "device": {"serial": "NO-SUCH"}}}, "no device on this host has serial NO-SUCH"),
        (
            {"target": {"kind": "luks", "device": {"backing_file": "{image}", "size_bytes": 5}}},
            "larger than the 5 that the register expects",
        ),
        ({"target": {"key_file": "{image}.wrong"}}, "the key file does not open loop"),
        ({"target": {"key_file": "/nowhere"}}, "the key file /nowhere cannot be read (No such file or directory)"),
        ({"target": {"key_file": "/dev/null"}}, "the key file /dev/null is no regular file"),
        ({"target": {"header": "/nowhere"}}, "/nowhere cannot be read (No such file or directory)"),
        ({"target": {"header": "{key}"}}, "volume.key was not touched because there is no LUKS header"),
        ({"target": {"header": "{device}"}}, "is a block device, which is not supported"),
        ({"state_dir": "relative"}, "the state directory relative is not an absolute path"),
    ],
)
def test_a_task_that_makes_no_sense(untouched: Volume, erase: Run, options: dict[str, t.Any], words: str) -> None:
    volume = untouched
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
    words = {
        "no header": "there is no LUKS header, neither its first nor its second copy",
        "both copies": "spoilt in each copy that is left",
    }
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


def _changed_uuid(volume: Volume, place: pathlib.Path) -> tuple[pathlib.Path, str, str]:
    shell("cryptsetup", "luksHeaderBackup", volume.device, "--header-backup-file", str(place / "backup"))
    shell("cryptsetup", "luksUUID", "--batch-mode", "--uuid", "11111111-1d8e-4d3e-9a3c-5a1f0c1e7d21", volume.device)
    return place / "backup", "", ""


def _whole_disk(volume: Volume, place: pathlib.Path) -> tuple[pathlib.Path, str, str]:
    (place / "disk.img").write_bytes(bytes(MIB) + volume.image.read_bytes())
    return place / "disk.img", "not_met", f"disk.img (at offset {MIB})"


def _link(volume: Volume, place: pathlib.Path) -> tuple[pathlib.Path, str, str]:
    backup = place.with_name("elsewhere")
    shell("cryptsetup", "luksHeaderBackup", volume.device, "--header-backup-file", str(backup))
    (place / "link").symlink_to(backup)
    return backup, "unknown", "link (it is a symbolic link)"


@pytest.mark.parametrize("formatted", ["once", "again after its key was destroyed"])
@pytest.mark.parametrize("kind", ["luks1", "luks2"])
@pytest.mark.parametrize("left", [_changed_uuid, _whole_disk, _link])
def test_a_backup_in_a_declared_place_that_does_not_look_like_one(
    bed: Bed, erase: Run, kind: str, left: t.Callable[[Volume, pathlib.Path], tuple[pathlib.Path, str, str]], formatted: str
) -> None:
    volume = make_volume(bed, kind)
    place = bed.new("safe")
    place.mkdir()
    if formatted != "once":
        assert erase(target=volume.target, header_backups=[str(place)])["outcome"] == "destroyed"
        shell("cryptsetup", "luksFormat", *CHEAP, "--type", kind, "--key-file", str(volume.key), volume.device)
    backup, state, words = left(volume, place)
    seen = {"header_backups": [str(place)], "declared": {name: why for name, why in DECLARED.items() if name != "no_backup"}}
    if not state:
        # Found in spite of it, the backup goes too; whether it is all that there is the machine's own disk may hide.
        result = erase(target=volume.target, header_backups=[str(place)])
        assert (result["outcome"], result["seen"]["backups"]) == ("destroyed", 1) and not backup.exists(), result
        return
    refused(volume, erase, f"no_backup is {state.replace('_', ' ')}", backup, preconditions={"no_backup": "require"}, **seen)
    refused(volume, erase, words, backup, preconditions={"no_backup": "require"}, **seen)
    if state == "not_met":
        # Nor do words settle it.
        refused(volume, erase, words, backup, header_backups=[str(place)])
    before = digests(backup)
    accepted = erase(target=volume.target, preconditions={"no_backup": "accept"} if state == "not_met" else {}, **seen)
    assert accepted["failed"] and accepted["outcome"] == ("not_destroyed" if state == "not_met" else "unknown")
    # What the result says of it is so: it opens the data, and was not touched.
    assert digests(backup) == before and not opens(volume)
    header = bed.directory / "header"
    header.write_bytes(backup.read_bytes()[MIB if state == "not_met" else 0 :])
    assert opens(volume, str(header))


def test_a_clone_whose_uuid_was_changed(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed, "luks1")
    clone = bed.attach(bed.fill_image(volume.image.read_bytes()))
    shell("cryptsetup", "luksUUID", "--batch-mode", "--uuid", "11111111-1d8e-4d3e-9a3c-5a1f0c1e7d21", clone)
    refused(volume, erase, f"a header of the same volume lies on {clone[5:]}", bed.image_of(clone))


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


def test_a_weak_key(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed)
    change_json(volume, b'"encryption":"aes-xts-plain64","sector_size":512', b'"encryption":"cipher_null-ecb","sector_size":512')
    refused(volume, erase, "strength is not met", declared={**DECLARED, "strength": "we think that it is enough"})


def test_a_header_that_is_detached_only_by_name(bed: Bed, erase: Run) -> None:
    """The device has a header of its own too, which opens it as well."""
    volume = make_volume(bed, "luks1")
    copy = bed.directory / "copy"
    copy.write_bytes(volume.image.read_bytes()[: 2 * MIB])
    refused(volume, erase, f"a header of the same volume lies on {volume.device[5:]}", copy, target={**volume.target, "header": str(copy)})
