# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(sanitize) on a tape drive that obeys the commands, through the kernel's own driver C(st), C(mt) and sg3_utils."""

from __future__ import annotations

import typing as t

from ansible_collections.recordings.disposal.tests.virtual.guest import MARKER, THOROUGH, Guest, Result, UserDrive
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize import steps

CARTRIDGE = "HA7T00C019"
DEVICE = {"cartridge": CARTRIDGE}
FILE = "/run/recording"


def recorded(guest: Guest, serial: str = "TTP1", cartridge: str = CARTRIDGE, **about: t.Any) -> UserDrive:
    """A drive with a cartridge on which two recordings lie, written as anybody would."""
    drive = guest.drive("tape", serial, mib=2, cartridge=cartridge, command_seconds=600, **about)
    guest.vm.run(f"python3 -c \"open('{FILE}', 'wb').write(b'{MARKER:.<512}' * 400)\"")
    guest.vm.run(f"mt -f {drive.path} rewind && for each in 1 2; do dd if={FILE} of={drive.path} bs=10240 status=none; done")
    assert drive.markers() == 800
    return drive


def erase(guest: Guest, **options: t.Any) -> Result:
    return guest.module("sanitize", **{"device": DEVICE, "level": "clear", "canaries": 64, "poll": 1, **options})


def test_four_runs(guest: Guest) -> None:
    drive = recorded(guest, barcode="DCC001L8")
    drive.behave(seconds=1)
    (row,) = (each for each in guest.module("media_info")["media"] if each["kind"] == "tape")
    told = {
        "serial": CARTRIDGE,
        "barcode": "DCC001L8",
        "manufacturer": "TESTBED",
        "type": "data",
        "capacity_bytes": 2 << 20,
        "partitions": 1,
    }
    assert row["tape"]["cartridge"] == told and row["free"], row
    assert [each["technique"] for each in row["techniques"] if each["possible"]] == ["tape_erase_long"]
    before = drive.digest()
    rehearsal = erase(guest, check=True)
    assert rehearsal["changed"] and rehearsal["outcome"] == "not_destroyed" and drive.digest() == before, rehearsal
    first = erase(guest)
    assert (first["outcome"], first["technique"], first["level"]["achieved"]) == ("destroyed", "tape_erase_long", "clear"), first
    assert first["canaries"] == {"laid": 64, "left": 0, "unread": 0} and first["reached"] == drive.names
    assert any("behind the end of the tape's data" in limit for limit in first["limits"])
    assert drive.markers() == 0, "the erase was not the long one"
    done = drive.digest()
    names = [record["step"] for record in steps(guest, first) if record["type"] == "step"]
    assert names == ["before", "issuing", "accepted", "issuing", "accepted", "ended", "looked"]
    for check in (False, True):
        again = erase(guest, check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, first["run"]), again
    assert drive.digest() == done
    # What was recorded since is destroyed again.
    guest.vm.run(f"mt -f {drive.path} rewind && dd if={FILE} of={drive.path} bs=10240 status=none")
    new = erase(guest, technique="tape_erase_long")
    assert new["changed"] and new["outcome"] == "destroyed" and new["run"] != first["run"] and drive.markers() == 0


def test_an_erase_that_did_not_happen(guest: Guest) -> None:
    drive = recorded(guest)
    for behaviour, words in (
        ({"lie": True}, "64 of 64 canaries are still there, whatever the device says"),
        ({"refuse": ["erase"]}, "64 of 64 canaries are still there"),
        ({"fail_at": 40}, "the device refused it"),
    ):
        drive.behave(seconds=1, **behaviour)
        result = erase(guest)
        assert result["failed"] and result["outcome"] == "not_destroyed" and words in result.words, result
        assert result["level"]["achieved"] == "none"


@THOROUGH
def test_a_tape_that_cannot_be_read_afterwards_is_unknown(guest: Guest) -> None:
    drive = recorded(guest)
    drive.behave(seconds=1, stall_at=50)
    guest.background("sanitize", device=DEVICE, level="clear", canaries=64)
    drive.wait_until(lambda: drive.state()["run"] is not None)
    drive.behave(seconds=1, unreadable=True)
    result = guest.background_result(timeout=300)
    assert result["failed"] and result["outcome"] == "unknown" and "64 of 64 canaries could not be read" in result.words, result


NOT_THERE = f"no tape drive of this host holds the cartridge {CARTRIDGE}"


@THOROUGH
def test_refused_with_not_a_byte_changed(guest: Guest) -> None:
    drive = recorded(guest)
    before = drive.digest()
    guest.vm.run(f": > {drive.directory}/commands.log")
    behaviour: dict[str, t.Any]
    for behaviour, words in (
        ({"read_only": True}, "the tape is write-protected"),
        ({"type": "worm"}, "it is a WORM cartridge"),
        ({"partitions": 2}, "it has 2 partitions, of which an erase reaches one"),
        ({"refuse": ["partitions"]}, "whether it has several partitions cannot be told"),
        ({"refuse": ["attributes"]}, f"{NOT_THERE} (nst0: Read attribute command not supported"),
        ({"cartridge": ""}, f"{NOT_THERE} (nst0: no tape is loaded)"),
        ({"cartridge": "OTHER1"}, NOT_THERE),
    ):
        drive.behave(seconds=1, **behaviour)
        result = erase(guest)
        assert result["failed"] and words in result.words, result
        assert drive.digest() == before
    # Neither written to nor erased, any of them.
    assert not [line for line in drive.commands().splitlines() if "cdb 10" in line or "cdb 19" in line]


@THOROUGH
def test_what_else_is_refused(guest: Guest) -> None:
    drive = recorded(guest)
    before = drive.digest()
    assert "that of the tape drive nst0, and a drive never names the cartridge in it" in erase(guest, device={"serial": "TTP1"}).words
    assert "tape_erase_long: reach only clear" in erase(guest, level="purge").words
    guest.vm.run(f"mt -f {drive.path} setblk 10240")
    assert "the drive is set to records of 10240 bytes, in which no canary fits" in erase(guest).words
    guest.vm.run(f"mt -f {drive.path} setblk 0 && mt -f {drive.path} stsetoptions no-wait")
    assert "the kernel is told not to wait for the end of an erase" in erase(guest).words
    guest.vm.run(f"mt -f {drive.path} stclearoptions no-wait")
    assert "nobody could find tape_erase_long again that was left to itself" in erase(guest, timeout=5).words
    # Who has the drive open, and who has only its other node.
    for node, words in ((drive.path, "Device or resource busy"), ("/dev/sg[0-9]*", "it is open by process")):
        guest.vm.run(f"for node in $(ls {node}); do (setsid sleep 300 < $node > /dev/null 2>&1 & echo $! >> /run/opener); done")
        try:
            assert words in erase(guest).words
        finally:
            guest.vm.run("kill $(cat /run/opener); rm /run/opener")
    other = guest.drive("tape", "TTP2", mib=2, cartridge=CARTRIDGE)
    assert f"several drives may hold the cartridge {CARTRIDGE}: nst0, nst1" in erase(guest).words
    assert drive.digest() == before
    other.behave(cartridge="OTHER1")
    drive.behave(seconds=1)
    assert erase(guest)["outcome"] == "destroyed" and drive.markers() == 0


@THOROUGH
def test_killed_halfway_it_is_found_again_and_begun_anew(guest: Guest) -> None:
    drive = recorded(guest)
    drive.behave(seconds=1, stall_at=50)
    guest.background("sanitize", device=DEVICE, level="clear", canaries=64)
    drive.wait_until(lambda: drive.state()["done"] == 25)
    guest.kill_background()
    # The drive goes on, and mt with it.
    busy = erase(guest)
    assert busy["failed"] and "Device or resource busy" in busy.words, busy
    drive.behave(seconds=1)
    drive.wait_until_idle()
    second = erase(guest)
    assert second["outcome"] == "destroyed" and drive.markers() == 0, second
    records = steps(guest, second)
    assert [record["step"] for record in records if record["type"] == "step"].count("issuing") == 2
    journals = guest.vm.run("cat /var/lib/recordings-disposal/runs/*/journal.jsonl").stdout
    assert journals.count('"outcome":"not_destroyed"') == 1 and "what it had begun does not count" in journals


@THOROUGH
def test_another_cartridge_halfway(guest: Guest) -> None:
    drive = recorded(guest)
    drive.behave(seconds=1, after="OTHER1")
    result = erase(guest)
    assert result["failed"] and result["outcome"] == "unknown" and NOT_THERE in result.words, result
