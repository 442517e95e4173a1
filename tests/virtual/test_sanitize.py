# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(sanitize) on drives that obey the commands, through the kernel's own drivers and the real tools: what it does and what it believes."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest, Result, UserDrive

# Fewer canaries than by default: the drives here write a few megabytes a second.
FEW: dict[str, t.Any] = {"canaries": 64, "poll": 1}


def sanitize(guest: Guest, drive: UserDrive, **options: t.Any) -> Result:
    return guest.module("sanitize", **{"device": drive.identity, "level": "clear", **FEW, **options})


def steps(guest: Guest, result: Result) -> list[dict[str, t.Any]]:
    """The records of a run's journal."""
    text = guest.vm.run(f"cat {result['journal']['path']}").stdout
    return [json.loads(line) for line in text.splitlines()]


def filled(guest: Guest, kind: str, serial: str, **about: t.Any) -> UserDrive:
    drive = guest.drive(kind, serial, **about)
    drive.fill()
    drive.behave(seconds=1)
    return drive


# All but the two that test_four_runs takes.
TECHNIQUES = [
    *(pytest.param("nvme", name, marks=THOROUGH) for name in ("nvme_sanitize_crypto", "nvme_sanitize_overwrite", "nvme_format_crypto")),
    ("nvme", "nvme_format_user_data"),
    ("scsi", "scsi_sanitize_crypto"),
    *(pytest.param("scsi", name, marks=THOROUGH) for name in ("scsi_sanitize_overwrite", "scsi_format")),
    *(("ata", name) for name in ("ata_sanitize_block", "ata_security_erase")),
    *(
        pytest.param("ata", name, marks=THOROUGH)
        for name in ("ata_sanitize_crypto", "ata_sanitize_overwrite", "ata_security_erase_enhanced")
    ),
]


@pytest.mark.parametrize(("kind", "technique"), TECHNIQUES)
def test_each_technique_destroys_all_that_the_drive_holds(guest: Guest, kind: str, technique: str) -> None:
    drive = filled(guest, kind, "TDO1")
    result = sanitize(guest, drive, technique=technique)
    assert (result["outcome"], result["technique"], result["changed"]) == ("destroyed", technique, True), result
    assert result["canaries"] == {"laid": 64, "left": 0, "unread": 0}
    assert drive.markers() == 0
    records = steps(guest, result)
    told = [record["step"] for record in records if record["type"] == "step"]
    assert told[0] == "before" and told[-2:] == ["ended", "looked"]
    if not technique.endswith(("format_user_data", "format_crypto")):
        assert result["transition"]


@pytest.mark.parametrize("kind", ["nvme", pytest.param("scsi", marks=THOROUGH)])
def test_four_runs(guest: Guest, kind: str) -> None:
    drive = filled(guest, kind, "TFO1")
    before, log = drive.digest(), drive.commands()
    rehearsal = sanitize(guest, drive, level="purge", check=True)
    assert rehearsal["changed"] and rehearsal["outcome"] == "not_destroyed"
    assert drive.digest() == before
    assert guest.vm.run("ls /var/lib/recordings-disposal", check=False).returncode, "check mode left something behind"
    asked = drive.commands().removeprefix(log)
    assert not any(word in asked for word in ("0x84", "0x80", "cdb 48", "cdb 04", "0xf4", "feature 0x0012"))
    first = sanitize(guest, drive, level="purge")
    assert (first["outcome"], first["level"]["achieved"]) == ("destroyed", "purge")
    assert drive.markers() == 0
    done = drive.digest()
    for check in (False, True):
        again = sanitize(guest, drive, level="purge", check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, first["run"])
        assert again["canaries"] == first["canaries"] and again["transition"] == first["transition"]
    assert drive.digest() == done
    # Data that came since is destroyed again.
    guest.vm.run(f"echo {'new recordings' * 40} | dd of={drive.path} bs=4096 count=1 conv=fsync oflag=direct conv=sync")
    new = sanitize(guest, drive, level="purge")
    assert (new["outcome"], new["changed"]) == ("destroyed", True) and new["run"] != first["run"]


@pytest.mark.parametrize(
    ("kind", "technique", "behaviour"),
    [
        ("nvme", "nvme_sanitize_block", {"lie": True}),
        ("scsi", "scsi_sanitize_block", {"lie": True}),
        ("ata", "ata_security_erase", {"lie": True}),
        ("scsi", "scsi_format", {"lie": True}),
        ("nvme", "nvme_format_user_data", {"format_lie": True}),
        # All but the last MiB, all but the first block: both ends are looked at always.
        pytest.param("nvme", "nvme_sanitize_block", {"keep": [31 << 20, 1 << 20]}, marks=THOROUGH),
    ],
)
def test_success_of_a_drive_that_kept_data_is_not_believed(guest: Guest, kind: str, technique: str, behaviour: dict[str, t.Any]) -> None:
    drive = filled(guest, kind, "TLI1")
    drive.behave(seconds=1, **behaviour)
    result = sanitize(guest, drive, technique=technique)
    assert result["failed"] and result["outcome"] == "not_destroyed", result
    assert "canaries are still there, whatever the device says" in result.words
    assert result["level"]["achieved"] == "none" and result["canaries"]["left"] > 0


@pytest.mark.parametrize(
    ("kind", "technique", "behaviour", "outcome", "words"),
    [
        ("nvme", "nvme_sanitize_block", {"fail_at": 40}, "not_destroyed", "the device says that it failed"),
        pytest.param("scsi", "scsi_sanitize_block", {"fail_at": 98}, "not_destroyed", "the device says that it failed", marks=THOROUGH),
        pytest.param("ata", "ata_sanitize_block", {"fail_at": 98}, "not_destroyed", "the device says that it failed", marks=THOROUGH),
        ("ata", "ata_security_erase", {"fail_at": 40}, "not_destroyed", "canaries are still there"),
        pytest.param("ata", "ata_security_erase", {"refuse": ["erase"]}, "not_destroyed", "canaries are still there", marks=THOROUGH),
        pytest.param("ata", "ata_sanitize_block", {"refuse": ["sanitize"]}, "not_destroyed", "canaries are still there", marks=THOROUGH),
        pytest.param("nvme", "nvme_sanitize_crypto", {"refuse": ["sanitize"]}, "not_destroyed", "Invalid Command Opcode", marks=THOROUGH),
    ],
)
def test_failure_is_told(guest: Guest, kind: str, technique: str, behaviour: dict[str, t.Any], outcome: str, words: str) -> None:
    drive = filled(guest, kind, "TFA1")
    drive.behave(seconds=1, **behaviour)
    result = sanitize(guest, drive, technique=technique)
    assert result["outcome"] == outcome and bool(result.get("failed")) == (outcome != "destroyed"), result
    assert words in result.words
    if technique == "ata_security_erase":
        # The password that the erase needed is taken off again.
        assert drive.state()["password"] is None


@pytest.mark.parametrize(
    ("kind", "behaviour", "technique", "words"),
    [
        ("nvme", {"log": "unreadable"}, "nvme_sanitize_block", "its sanitize log cannot be read, so nothing could be proven"),
        pytest.param("nvme", {"log": "garbage"}, "nvme_sanitize_block", "", marks=THOROUGH),
        ("ata", {"log": "unreadable"}, "ata_sanitize_block", "cannot be read"),
        pytest.param("ata", {"log": "garbage"}, "ata_sanitize_block", "cannot be read", marks=THOROUGH),
        ("scsi", {"log": "unreadable"}, "scsi_sanitize_block", "cannot be read"),
        ("ata", {"frozen": True}, "ata_sanitize_block", "frozen"),
        pytest.param("ata", {"frozen": True}, "ata_security_erase", "its security is frozen", marks=THOROUGH),
        ("nvme", {"read_only": True}, "nvme_sanitize_block", "canaries cannot be written"),
    ],
)
def test_refused_before_a_byte_is_lost(guest: Guest, kind: str, behaviour: dict[str, t.Any], technique: str, words: str) -> None:
    drive = filled(guest, kind, "TRE1")
    drive.behave(seconds=1, **behaviour)
    before = drive.digest()
    result = sanitize(guest, drive, technique=technique)
    assert result["failed"] and result["outcome"] == "not_destroyed" if "outcome" in result else result["failed"]
    assert words in result.words
    assert drive.digest() == before
