# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(sanitize) where what was looked at before does not count any more, drives that failed, tools that are left to themselves."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize import filled, sanitize, steps
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize_interrupted import BLOCK, begun

JOURNALS = "/var/lib/recordings-disposal/runs/*/journal.jsonl"
# A recording of 8 KiB where no canary and no random place is likely to lie.
WAVE = (
    "import os; f = os.open({path!r}, os.O_WRONLY | os.O_SYNC); os.lseek(f, 14336000, 0); "
    "os.write(f, b'RIFF\\x24\\x10\\0\\0WAVEfmt \\x10\\0\\0\\0\\x01\\0\\x01\\0' + b'A' * 8000)"
)


def test_cut_off_before_the_command_all_is_looked_at_anew(guest: Guest) -> None:
    """Meanwhile the drive gets a second namespace, which somebody mounts."""
    drive = filled(guest, "nvme", "TAN1")
    one = {"wwn": guest.vm.run(f"cat /sys/block/{drive.names[0]}/nguid").stdout.strip()}
    guest.background("sanitize", device=one, level="purge", canaries=2048, technique="nvme_sanitize_block")
    guest.vm.run(f"for i in $(seq 600); do grep -qs intent {JOURNALS} && break; sleep 0.05; done")
    guest.kill_background()
    assert "issuing" not in guest.vm.run(f"cat {JOURNALS}").stdout
    drive.power_off()
    guest.vm.run(
        f"""cd {drive.directory} && sed -i 's/"mib": 32/"mib": 64, "namespaces": 2/' drive.json && truncate -s 64M medium.img && """
        """sed -i 's/"formats": .0./"formats": [0, 0]/' state.json"""
    )
    drive.attach()
    first, second = drive.names
    guest.vm.run(f"mkfs.ext4 -q -F -E nodiscard /dev/{second} && mkdir -p /mnt/second && mount /dev/{second} /mnt/second && sync")
    try:
        result = guest.module("sanitize", device=one, level="purge", canaries=64, poll=1, all_namespaces=True)
        assert result["failed"] and f"{second} was not touched because it is mounted" in result.words and begun(drive) == 0, result
    finally:
        guest.vm.run("umount /mnt/second")
    both = guest.module("sanitize", device=one, level="purge", canaries=64, poll=1, all_namespaces=True)
    assert both["outcome"] == "destroyed" and both["canaries"]["laid"] == 128 and drive.markers() == 0, both


@THOROUGH
def test_a_node_with_the_number_of_another_device(guest: Guest) -> None:
    one, other = filled(guest, "scsi", "TNO1"), filled(guest, "scsi", "TNO2")
    before = other.digest()
    node, wrong = (guest.vm.run(f"ls /sys/block/{drive.names[0]}/device/scsi_generic").stdout.strip() for drive in (one, other))
    number = guest.vm.run(f"cat /sys/class/scsi_generic/{wrong}/dev").stdout.strip().replace(":", " ")
    guest.vm.run(f"rm /dev/{node} && mknod /dev/{node} c {number}")
    result = sanitize(guest, one, technique="scsi_sanitize_block")
    assert result["outcome"] == "destroyed" and one.markers() == 0, result
    assert other.digest() == before and begun(other) == 0


@THOROUGH
def test_an_nvme_drive_knows_itself_that_it_was_written_to(guest: Guest) -> None:
    drive = filled(guest, "nvme", "TWS2")
    assert sanitize(guest, drive)["outcome"] == "destroyed"
    same = sanitize(guest, drive)
    assert not same["changed"] and "the device's own log says that nothing was" in same["limits"][-1], same
    guest.vm.run(f'python3 -c "{WAVE.format(path=drive.path)}"')
    assert sanitize(guest, drive)["changed"] and begun(drive) == 2


@THOROUGH
@pytest.mark.parametrize("kind", ["nvme", "scsi", "ata"])
def test_a_fallback_works_in_the_failure_mode_of_the_technique_before(guest: Guest, kind: str) -> None:
    drive = filled(guest, kind, "TFM1")
    drive.behave(seconds=1, fail_at=40, fail_action="block")
    both = sanitize(guest, drive, technique=BLOCK[kind], fallback=[f"{kind}_sanitize_crypto"])
    assert (both["outcome"], both["technique"], both["canaries"]["laid"]) == ("destroyed", f"{kind}_sanitize_crypto", 64), both
    (tried,) = both["tried"]
    assert tried.startswith(f"{BLOCK[kind]}: ") and "is in the failure mode of its sanitize" in tried and drive.markers() == 0
    assert any("laid before an earlier attempt that failed" in limit for limit in both["limits"])


@THOROUGH
def test_failed_by_others_it_is_led_out_and_proven_by_the_second_run(guest: Guest) -> None:
    drive = filled(guest, "nvme", "TFO2")
    drive.behave(seconds=1, fail_at=40)
    guest.vm.run(f"nvme sanitize --sanact=2 /dev/{drive.names[0].rpartition('n')[0]}")
    drive.wait_until_idle()
    drive.behave(seconds=1)
    first = sanitize(guest, drive)
    assert first["outcome"] == "unknown" and "no canaries could be laid before" in first["reason"] and drive.markers() == 0, first
    assert sanitize(guest, drive)["outcome"] == "destroyed"


@pytest.mark.parametrize(
    ("kind", "technique"), [("ata", "ata_security_erase"), pytest.param("nvme", "nvme_format_user_data", marks=THOROUGH)]
)
def test_timeout_ends_the_watching_and_not_the_tool(guest: Guest, kind: str, technique: str) -> None:
    drive = filled(guest, kind, "TTO1")
    drive.behave(seconds=14)
    first = sanitize(guest, drive, technique=technique, timeout=1)
    assert drive.state()["run"] is not None, "it was watched to its end, or ended with the watching"
    assert first["running"] and first["outcome"] == "unknown" and first["counts"]["unknown"] == 1 and first["percent"] is None, first
    last = sanitize(guest, drive, technique=technique)
    assert (last["outcome"], last["run"]) == ("destroyed", first["run"]) and drive.markers() == 0, last
    issued = [each["told"]["what"] for each in steps(guest, last) if each.get("step") == "issuing"]
    assert len(issued) == len(set(issued)) and sum("erase" in what for what in issued if "password" not in what) == 1


@THOROUGH
def test_what_the_real_run_refuses_check_mode_refuses(guest: Guest) -> None:
    drive = filled(guest, "ata", "TCM1")
    before = drive.digest()
    drive.behave(seconds=1, frozen=True)
    result = sanitize(guest, drive, check=True, technique="ata_sanitize_block")
    assert result["failed"] and "its sanitize is frozen" in result.words and result["outcome"] == "not_destroyed", result
    assert drive.digest() == before and guest.vm.run("ls /var/lib/recordings-disposal", check=False).returncode


@THOROUGH
def test_the_media_verification_state_shows_what_the_drive_hides(guest: Guest) -> None:
    """Blocks that were deallocated are read as zeros, whatever the media hold."""
    drive = filled(guest, "nvme", "TMV1", sanicap=0xF)
    drive.behave(seconds=1, lie=True, masks=True)
    hidden = sanitize(guest, drive)
    assert hidden["outcome"] == "not_destroyed" and "as its media verification state shows" in hidden["reason"], hidden
    assert hidden["canaries"]["left"] == 0 and hidden["media_verification"] == {"left": 64, "unread": 0}
    drive.behave(seconds=1, masks=True)
    honest = sanitize(guest, drive)
    assert honest["outcome"] == "destroyed" and honest["media_verification"] == {"left": 0, "unread": 0}, honest
    assert [each["step"] for each in steps(guest, honest) if each.get("step", "").startswith("verif")] == ["verified", "verification_ended"]
