# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) of drives that encrypt, through the kernel's own drivers and the real tools."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest, Result, UserDrive
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize import filled, steps

JOURNALS = "/var/lib/recordings-disposal/runs/*/journal.jsonl"
# What no look from outside can tell, people vouch for.
VOUCHED = dict.fromkeys(("encrypted_from_first_write", "strength", "no_stale_copy"), "certificate 4711 of the drive")


def erase(guest: Guest, drive: UserDrive, *, check: bool = False, target: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> Result:
    given = {"level": "purge", "canaries": 64, "declared": VOUCHED, **options}
    return guest.module("crypto_erase", check=check, target={"kind": "drive", "device": drive.identity, **(target or {})}, **given)


def test_four_runs_of_a_crypto_sanitize(guest: Guest) -> None:
    drive = filled(guest, "nvme", "KFO1")
    before = drive.digest()
    rehearsal = erase(guest, drive, check=True)
    assert rehearsal["changed"] and rehearsal["technique"] == "nvme_sanitize_crypto", rehearsal
    assert drive.digest() == before
    first = erase(guest, drive)
    assert (first["outcome"], first["changed"], first["level"]["achieved"]) == ("destroyed", True, "purge"), first
    assert first["seen"]["canaries"] == {"laid": 64, "left": 0, "unread": 0}
    assert first["seen"]["transition"] == "in progress, then done" and drive.markers() == 0
    told = [record["step"] for record in steps(guest, first) if record["type"] == "step"]
    assert told[:2] == ["before", "issuing"] and told[-2:] == ["looked", "looked"]
    for check in (False, True):
        again = erase(guest, drive, check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, first["run"]), again
    assert drive.commands().count("admin 0x84") == 1


@THOROUGH
def test_what_nobody_vouches_for_and_what_a_drive_only_says(guest: Guest) -> None:
    drive = filled(guest, "scsi", "KUN1")
    result = erase(guest, drive, declared=None)
    assert result["failed"] and result["outcome"] == "unknown" and result["technique"] == "scsi_sanitize_crypto", result
    assert "encrypted_from_first_write is unknown" in result.words and "the key is gone, but" in result.words
    drive.behave(seconds=1, lie=True)
    drive.fill()
    result = erase(guest, drive)
    assert result["failed"] and result["outcome"] == "not_destroyed", result
    assert "64 of 64 canaries are still there, whatever the device says" in result.words


@THOROUGH
def test_killed_while_the_drive_works_and_watched_to_its_end(guest: Guest) -> None:
    drive = filled(guest, "nvme", "KKI1")
    drive.behave(seconds=20)
    target = {"kind": "drive", "device": drive.identity}
    guest.background("crypto_erase", target=target, level="purge", canaries=64, declared=VOUCHED)
    drive.wait_until(lambda: "admin 0x84" in drive.commands())
    guest.kill_background()
    result = erase(guest, drive, resume=False)
    assert result["failed"] and "an earlier run over this key was interrupted" in result.words, result
    result = erase(guest, drive)
    assert (result["outcome"], result["changed"]) == ("destroyed", True), result
    assert drive.commands().count("admin 0x84") == 1 and drive.markers() == 0


@THOROUGH
def test_cut_off_before_the_command_all_is_looked_at_anew(guest: Guest) -> None:
    """Meanwhile the drive gets a second namespace, which somebody mounts."""
    drive = filled(guest, "nvme", "KAN1")
    one = {"wwn": guest.vm.run(f"cat /sys/block/{drive.names[0]}/nguid").stdout.strip()}
    target: dict[str, t.Any] = {"kind": "drive", "device": one, "all_namespaces": True}
    guest.background("crypto_erase", target=target, level="purge", canaries=2048, declared=VOUCHED)
    guest.vm.run(f"for i in $(seq 600); do grep -qs intent {JOURNALS} && break; sleep 0.05; done")
    guest.kill_background()
    cut_off = guest.vm.run(f"cat {JOURNALS}").stdout
    assert "intent" in cut_off and "issuing" not in cut_off
    drive.power_off()
    guest.vm.run(
        f"""cd {drive.directory} && sed -i 's/"mib": 32/"mib": 64, "namespaces": 2/' drive.json && truncate -s 64M medium.img && """
        """sed -i 's/"formats": .0./"formats": [0, 0]/' state.json"""
    )
    drive.attach()
    _first, second = drive.names
    guest.vm.run(f"mkfs.ext4 -q -F -E nodiscard /dev/{second} && mkdir -p /mnt/second && mount /dev/{second} /mnt/second && sync")
    try:
        alone = erase(guest, drive, target={**target, "all_namespaces": False})
        assert alone["failed"] and "would reach all 2 namespaces of the drive" in alone.words, alone
        held = erase(guest, drive, target=target)
        assert held["failed"] and f"{second} was not touched because it is mounted" in held.words, held
        assert "admin 0x84" not in drive.commands()
    finally:
        guest.vm.run("umount /mnt/second")
    both = erase(guest, drive, target=target)
    assert both["outcome"] == "destroyed" and both["seen"]["canaries"]["laid"] == 128 and drive.markers() == 0, both
    assert "another run begins anew" in guest.vm.run(f"cat {JOURNALS}").stdout


@pytest.mark.parametrize(
    ("about", "options", "words"),
    [
        pytest.param({"sanicap": 0}, {}, "offers no technique of its own firmware that reaches purge", marks=THOROUGH),
        pytest.param({}, {"target": {"psid_file": "/etc/hostname"}}, "what nvme", marks=THOROUGH),
        ({}, {"preconditions": {"strength": "require"}, "declared": None}, "strength is unknown"),
    ],
)
def test_refused_before_a_byte_is_lost(guest: Guest, about: dict[str, t.Any], options: dict[str, t.Any], words: str) -> None:
    drive = filled(guest, "nvme", "KRE1", **about)
    before = drive.digest()
    result = erase(guest, drive, **options)
    assert result["failed"] and words in result.words, result
    assert drive.digest() == before


PSID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
OPAL = {"sid": "the owner's", "psid": PSID, "enabled": True}


def opal(guest: Guest, serial: str, **about: t.Any) -> UserDrive:
    drive = filled(guest, "nvme", serial, opal={**OPAL, **about})
    guest.vm.run(f"printf '%s\\n' {PSID} > /run/psid && printf '%s' {'X' * 32} > /run/wrong && printf '%s' \"the owner's\" > /run/sid")
    return drive


def reaches_opal(guest: Guest) -> bool:
    """Whether the machine's kernel speaks Opal with drives that are not behind PCI, as it does since 6.2."""
    version = guest.vm.run("uname -r").stdout.split(".")
    return (int(version[0]), int(version[1])) >= (6, 2)


@THOROUGH
@pytest.mark.parametrize(
    ("secret", "technique"), [({"psid_file": "/run/psid"}, "opal_psid_revert"), ({"key_file": "/run/sid"}, "opal_revert")]
)
def test_opal_is_reverted_by_the_kernel_and_no_secret_is_told(guest: Guest, secret: dict[str, str], technique: str) -> None:
    drive = opal(guest, "KOP1")
    result = erase(guest, drive, target=secret)
    told = str(result) + guest.vm.run("cat /var/lib/recordings-disposal/runs/*/journal.jsonl").stdout
    assert PSID not in told and "the owner's" not in told and result["technique"] == technique
    if not reaches_opal(guest):
        assert result["failed"] and result["outcome"] == "not_destroyed" and "the kernel refused it" in result.words, result
        assert drive.markers() > 60000 and "opal revert" not in drive.commands()
        return
    assert (result["outcome"], result["level"]["achieved"]) == ("destroyed", "purge"), result
    assert result["seen"]["transition"] == "idle, then done" and drive.markers() == 0
    assert drive.state()["opal"] == {"enabled": False, "locked": False}
    assert erase(guest, drive, target=secret)["changed"] is False


@THOROUGH
@pytest.mark.parametrize(
    ("about", "behaviour", "secret", "words"),
    [
        ({}, {}, "/run/wrong", "64 of 64 canaries are still there, whatever the device says"),
        ({"enabled": False}, {}, "/run/psid", "64 of 64 canaries are still there"),
        ({}, {"lie": True}, "/run/psid", "64 of 64 canaries are still there"),
        ({"locked": True}, {}, "/run/psid", "cannot be erased while it is locked"),
    ],
)
def test_a_revert_that_is_not_believed(guest: Guest, about: dict[str, t.Any], behaviour: dict[str, t.Any], secret: str, words: str) -> None:
    drive = opal(guest, "KON1", **about)
    drive.behave(seconds=1, **behaviour)
    result = erase(guest, drive, target={"psid_file": secret})
    assert result["failed"] and result.get("outcome", "not_destroyed") == "not_destroyed" and words in result.words, result
    assert drive.markers() > 60000


@THOROUGH
def test_a_revert_reaches_all_namespaces(guest: Guest) -> None:
    drive = filled(guest, "nvme", "KOM1", opal=OPAL, namespaces=2)
    guest.vm.run(f"printf '%s\\n' {PSID} > /run/psid")
    before = drive.digest()
    one = {"wwn": guest.vm.run(f"cat /sys/block/{drive.names[0]}/nguid").stdout.strip()}
    result = erase(guest, drive, target={"device": one, "psid_file": "/run/psid"})
    assert result["failed"] and "opal_psid_revert would reach all 2 namespaces of the drive" in result.words, result
    assert drive.digest() == before and "opal revert" not in " ".join(drive.commands())
