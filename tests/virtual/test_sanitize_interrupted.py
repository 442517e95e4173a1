# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(sanitize) where something comes between: power losses, resets, lost tasks, drives that go away, and what was begun by others."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest, Result, UserDrive
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize import filled, sanitize, steps

BLOCK = {"nvme": "nvme_sanitize_block", "scsi": "scsi_sanitize_block", "ata": "ata_sanitize_block"}
BEGIN = {
    "nvme": "nvme sanitize --sanact=2 {path}",
    "scsi": "sg_sanitize --block --early --quick {path}",
    "ata": "hdparm --yes-i-know-what-i-am-doing --sanitize-block-erase {path}",
}
# What the drive's own list of commands shows for each sanitize that was begun.
BEGUN = {"nvme": "admin 0x84", "scsi": "cdb 4882", "ata": "feature 0x0012"}


def begun(drive: UserDrive) -> int:
    return drive.commands().count(BEGUN[drive.about["kind"]])


def kinds(guest: Guest, run: str) -> list[str]:
    return [
        record["type"] for record in steps(guest, Result({"journal": {"path": f"/var/lib/recordings-disposal/runs/{run}/journal.jsonl"}}))
    ]


@pytest.mark.parametrize("kind", ["nvme", pytest.param("scsi", marks=THOROUGH), pytest.param("ata", marks=THOROUGH)])
def test_power_loss_halfway_is_watched_to_the_end_by_the_same_task(guest: Guest, kind: str) -> None:
    drive = filled(guest, kind, "TPL1")
    drive.behave(seconds=10)
    first = sanitize(guest, drive, technique=BLOCK[kind], timeout=2)
    assert first["failed"] and first["running"] and first["outcome"] == "unknown", first
    assert "still in progress; run the same task again" in first.words
    drive.power_off()
    assert 0 < drive.markers() < 65536, "the drive lost its power too late or too early for this test"
    drive.power_on()
    drive.behave(seconds=2)
    second = sanitize(guest, drive, technique=BLOCK[kind])
    assert (second["outcome"], second["run"], second["transition"]) == ("destroyed", first["run"], "in progress, then done"), second
    assert drive.markers() == 0 and begun(drive) == 1
    assert kinds(guest, first["run"]).count("resume") == 1


def test_reset_of_the_host_halfway(guest: Guest) -> None:
    kind = "nvme"
    drive = filled(guest, kind, "TRH1")
    drive.behave(seconds=20)
    first = sanitize(guest, drive, technique=BLOCK[kind], timeout=2)
    assert first["running"]
    guest.vm.run("sync")
    guest.reset()
    drive.attach()
    second = sanitize(guest, drive, technique="auto")
    assert (second["outcome"], second["run"], second["technique"]) == ("destroyed", first["run"], BLOCK[kind]), second
    assert drive.markers() == 0 and begun(drive) == 1


def test_ended_while_nobody_watched(guest: Guest) -> None:
    kind = "nvme"
    drive = filled(guest, kind, "TEN1")
    drive.behave(seconds=4)
    assert sanitize(guest, drive, technique=BLOCK[kind], timeout=1)["running"]
    drive.wait_until_idle()
    result = sanitize(guest, drive, technique=BLOCK[kind])
    assert result["outcome"] == "destroyed" and begun(drive) == 1


def test_security_erase_cut_off_is_unlocked_and_begun_anew(guest: Guest) -> None:
    drive = filled(guest, "ata", "TSE1")
    drive.behave(seconds=8)
    guest.background("sanitize", device=drive.identity, level="clear", canaries=64, technique="ata_security_erase")
    drive.wait_until(lambda: drive.state()["run"] is not None)
    guest.kill_background()
    drive.power_off()
    assert drive.state()["password"] is not None
    drive.power_on()
    # What the first run had begun and the drive gave up is over: before that, the second would wait for it and tell of its end.
    drive.wait_until(lambda: guest.vm.run("pgrep -x hdparm", check=False).returncode == 1)
    drive.behave(seconds=1)
    result = sanitize(guest, drive, technique="ata_security_erase", canaries=64)
    assert result["outcome"] == "destroyed", result
    assert drive.state()["password"] is None and drive.markers() == 0


@pytest.mark.parametrize("kind", ["scsi", pytest.param("ata", marks=THOROUGH)])
def test_a_sanitize_that_somebody_else_began_is_left_alone(guest: Guest, kind: str) -> None:
    drive = filled(guest, kind, "TSB1")
    drive.behave(seconds=12)
    guest.vm.run(BEGIN[kind].format(path=drive.path))
    result = sanitize(guest, drive, technique=BLOCK[kind])
    assert result["failed"] and "in progress" in result.words or "shows no size" in result.words, result
    assert begun(drive) == 1 and drive.state()["run"] is not None
    assert "destroyed" not in str(result.get("evidence", "")).replace("not_destroyed", "") or result["counts"]["destroyed"] == 0


def test_an_old_success_in_the_log_proves_nothing(guest: Guest) -> None:
    """The drive takes the command, says at once what it said before, and has done nothing or everything: neither is claimed."""
    kind = "ata"
    drive = filled(guest, kind, "TOS1")
    assert sanitize(guest, drive, technique=BLOCK[kind])["outcome"] == "destroyed"
    drive.fill()
    drive.behave(seconds=1, pretend=True)
    result = sanitize(guest, drive, technique=BLOCK[kind])
    assert result["failed"] and result["outcome"] == "not_destroyed" and result["transition"] == "", result


@THOROUGH
def test_gone_halfway(guest: Guest) -> None:
    drive = filled(guest, "nvme", "TGH1")
    drive.behave(seconds=15)
    guest.background("sanitize", device=drive.identity, level="purge", canaries=64, poll=1)
    drive.wait_until(lambda: drive.state()["done"] > 5)
    guest.vm.run("nvme disconnect --nqn=nqn.2026-01.example:tgh1")
    result = guest.background_result(timeout=400)
    assert result["failed"] and result["outcome"] == "unknown", result


def test_another_medium_under_the_same_connection(guest: Guest) -> None:
    drive = filled(guest, "scsi", "TAM1")
    drive.behave(seconds=6)
    first = sanitize(guest, drive, technique="scsi_sanitize_block", timeout=1)
    assert first["running"]
    guest.vm.run(f"echo 1 > /sys/block/{drive.names[0]}/device/delete")
    drive.behave(seconds=6, serial="OTHER1")
    result = sanitize(guest, drive, technique="scsi_sanitize_block")
    assert result["failed"] and "no device on this host has serial TAM1" in result.words


def test_one_namespace_of_several(guest: Guest) -> None:
    drive = filled(guest, "nvme", "TNS1", namespaces=2)
    names = drive.names
    assert len(names) == 2
    wwns = [guest.vm.run(f"cat /sys/block/{name}/nguid").stdout.strip() for name in names]
    one = {"wwn": wwns[0]}
    before = drive.digest()
    refused = guest.module("sanitize", device=one, level="purge", canaries=64)
    assert refused["failed"] and "would reach all 2 namespaces of the drive" in refused.words
    ambiguous = guest.module("sanitize", device=drive.identity, level="purge", canaries=64)
    assert "2 devices have serial TNS1" in ambiguous.words
    guest.vm.run(f"mkfs.ext4 -q -F -E nodiscard /dev/{names[1]} && mkdir -p /mnt/other && mount /dev/{names[1]} /mnt/other && sync")
    try:
        held = guest.module("sanitize", device=one, level="purge", canaries=64, all_namespaces=True)
        assert held["failed"] and f"{names[1]} was not touched because it is mounted" in held.words
        formatted = guest.module("sanitize", device=one, level="clear", technique="nvme_format_user_data", canaries=64, poll=1)
        assert formatted["outcome"] == "destroyed"
        assert guest.vm.run("touch /mnt/other/file && sync && ls /mnt/other").stdout.split() == ["file", "lost+found"]
    finally:
        guest.vm.run("umount /mnt/other")
    assert drive.digest() != before and drive.markers() > 0
    both = guest.module("sanitize", device=one, level="purge", canaries=64, all_namespaces=True, poll=1)
    assert both["outcome"] == "destroyed" and sorted(both["reached"]) == sorted(names) and both["canaries"]["laid"] == 128
    assert drive.markers() == 0


@THOROUGH
def test_fallback_only_where_it_is_named_and_nothing_runs(guest: Guest) -> None:
    drive = filled(guest, "nvme", "TFB1")
    drive.behave(seconds=1, refuse=["sanitize"])
    options: dict[str, t.Any] = {"technique": "nvme_sanitize_block", "canaries": 64}
    alone = sanitize(guest, drive, **options)
    assert alone["outcome"] == "not_destroyed" and drive.markers() > 0
    named = sanitize(guest, drive, fallback=["nvme_format_crypto"], **options)
    assert (named["outcome"], named["technique"]) == ("destroyed", "nvme_format_crypto"), named
    assert named["tried"] and named["tried"][0].startswith("nvme_sanitize_block: ")
    assert drive.markers() == 0
    # Not for a level that it does not reach, and never while something runs.
    drive.fill()
    low = sanitize(guest, drive, fallback=["nvme_format_crypto"], **{**options, "level": "purge"})
    assert low["outcome"] == "not_destroyed" and low["technique"] == "nvme_sanitize_block"
    drive.behave(seconds=10)
    running = sanitize(guest, drive, fallback=["nvme_format_crypto"], timeout=1, **options)
    assert running["running"] and running["technique"] == "nvme_sanitize_block"
    assert "admin 0x80" not in drive.commands().splitlines()[-1]
