# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test-bed's own drives, as the real tools see them: what obeys obeys, what fails fails in the way it was told to."""

from __future__ import annotations

import re
import struct
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import Guest, UserDrive

SURE = "hdparm --yes-i-know-what-i-am-doing"
KINDS = ("nvme", "scsi", "ata")


def controller(drive: UserDrive) -> str:
    return re.sub(r"n\d+$", "", drive.path)


def begin(drive: UserDrive, action: str = "block") -> int:
    """Begin a sanitize by the real tool; its exit status."""
    commands = {
        "nvme": {
            "block": "nvme sanitize --sanact=2",
            "crypto": "nvme sanitize --sanact=4",
            "overwrite": "nvme sanitize --sanact=3 --owpass=1",
        },
        "scsi": {name: f"sg_sanitize --{name} --early --quick" for name in ("block", "crypto")},
        "ata": {"block": f"{SURE} --sanitize-block-erase", "crypto": f"{SURE} --sanitize-crypto-scramble"},
    }
    commands["scsi"]["overwrite"] = "sg_sanitize --overwrite --zero --early --quick"
    commands["ata"]["overwrite"] = f"{SURE} --sanitize-overwrite-passes 1 --sanitize-overwrite hex:00000000"
    kind = drive.about["kind"]
    path = controller(drive) if kind == "nvme" else drive.path
    return int(drive.guest.vm.run(f"{commands[kind][action]} {path}", check=False).returncode)


def told(drive: UserDrive) -> tuple[str, int]:
    """What the real tool makes of the drive's state, and its progress of 65536."""
    run, kind = drive.guest.vm.run, drive.about["kind"]
    if kind == "nvme":
        log = run(f"nvme sanitize-log --raw-binary {controller(drive)} | od -An -v -tu2 -w4 -N4").stdout.split()
        return {0: "never", 1: "done", 2: "running", 3: "failed"}[int(log[1]) & 7], int(log[0])
    if kind == "scsi":
        words = run(f"sg_requests {drive.path}").stdout
        part = re.search(r"Progress indication: ([\d.]+)%", words)
        state = "running" if "sanitize in progress" in words else "failed" if "Sanitize command failed" in words else "done"
        return state, int(float(part[1]) * 655.36) if part else 0
    done = run(f"hdparm --sanitize-status {drive.path}", check=False)
    words, part = done.stdout + done.stderr, re.search(r"Progress: (0x[0-9a-f]+)", done.stdout)
    state = "running" if "SD2" in words else "failed" if "SD3" in words else "done" if "Without Error" in words else "never"
    return state, int(part[1], 16) if part else 0


def full(guest: Guest, kind: str, serial: str, **about: t.Any) -> UserDrive:
    drive = guest.drive(kind, serial, **about)
    drive.fill()
    assert drive.markers() == (32 << 20) // 512
    return drive


def reads(drive: UserDrive, name: str = "") -> bool:
    path = f"/dev/{name}" if name else drive.path
    return bool(drive.guest.vm.run(f"timeout 20 dd if={path} of=/dev/null bs=4096 count=1 iflag=direct", check=False).returncode == 0)


def ended(drive: UserDrive) -> str:
    drive.wait_until_idle()
    return told(drive)[0]


@pytest.mark.parametrize("action", ["block", "crypto", "overwrite"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sanitize_tells_its_progress_and_destroys_everything(guest: Guest, kind: str, action: str) -> None:
    drive = full(guest, kind, "DRV1")
    assert begin(drive, action) == 0
    state, progress = told(drive)
    assert state == "running" and 0 <= progress < 65535
    assert ended(drive) == "done"
    assert drive.markers() == 0 and reads(drive)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sanitize_goes_on_after_a_power_loss(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV2")
    drive.behave(power_loss_at=40, seconds=2)
    assert begin(drive) == 0
    drive.wait_until(lambda: drive.state().get("cut"))
    stood = drive.state()
    assert stood["sanitize"]["state"] == "in_progress" and 15 <= stood["done"] <= 25
    left = drive.markers()
    assert left > 20000
    drive.power_on()
    assert ended(drive) == "done" and drive.markers() == 0
    assert drive.state()["power_losses"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_drive_that_lies_tells_the_same_as_one_that_does_not(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV3")
    drive.behave(lie=True, seconds=1)
    before = drive.digest()
    assert begin(drive) == 0 and ended(drive) == "done"
    assert drive.digest() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_sanitize_leaves_the_medium_out_of_reach(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV4")
    drive.behave(fail_at=30, seconds=1)
    assert begin(drive) == 0 and ended(drive) == "failed"
    assert 0 < drive.markers() < 65536 and not reads(drive)
    drive.behave(seconds=1)
    assert begin(drive) == 0 and ended(drive) == "done"
    assert drive.markers() == 0 and reads(drive)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_can_survive(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV5")
    drive.behave(keep=[5 << 20, 4096], quick=True)
    assert begin(drive) == 0 and ended(drive) == "done" and drive.markers() == 8
    drive.fill()
    drive.behave(keep=[-(1 << 20), 1 << 20], quick=True)
    assert begin(drive, "overwrite") == 0 and ended(drive) == "done" and drive.markers() == 2048


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_can_be_aborted_and_a_log_withheld(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV6")
    drive.behave(refuse=["sanitize"])
    assert begin(drive) != 0 and drive.markers() == 65536
    drive.behave(log="unreadable")
    path = controller(drive) if kind == "nvme" else drive.path
    look = {"nvme": "nvme sanitize-log", "scsi": "sg_requests", "ata": "hdparm --sanitize-status"}[kind]
    assert guest.vm.run(f"{look} {path}", check=False).returncode != 0
    drive.behave(log="garbage")
    assert begin(drive) == 0
    seen = guest.vm.run(f"{look} {path}", check=False)
    # hdparm takes registers that it could not read for an idle disk's.
    assert kind != "ata" or ("SD0 Sanitize Idle" in seen.stdout and "bad/missing sense data" in seen.stderr and seen.returncode == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drive_can_stop_telling_of_progress_and_vanish(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV7")
    drive.behave(stall_at=20, seconds=1)
    assert begin(drive) == 0
    drive.wait_until(lambda: drive.state()["done"] == 10)
    first = told(drive)
    time.sleep(1)
    assert told(drive) == first and first[0] == "running"
    drive.behave(vanish_at=20, seconds=1)
    drive.wait_until(lambda: guest.vm.run(f"test -e {drive.path}", check=False).returncode != 0)
    drive.behave(seconds=1)
    drive.attach()
    assert ended(drive) == "done" and drive.markers() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_read_only_drive_and_one_with_unreadable_blocks(guest: Guest, kind: str) -> None:
    drive = full(guest, kind, "DRV8")
    drive.behave(read_only=True)
    write = f"dd if=/dev/zero of={drive.path} bs=4096 count=1 oflag=direct"
    assert guest.vm.run(write, check=False).returncode != 0 and drive.markers() == 65536
    assert begin(drive) != 0
    drive.behave(unreadable=[0, 4096])
    assert not reads(drive)
    drive.behave()
    assert reads(drive)


def test_identities_can_change_and_be_missing(guest: Guest) -> None:
    drive = guest.drive("scsi", "DRV9", behaviour={"serial": ""})
    assert "Unit serial number: \n" in guest.vm.run(f"sg_vpd --page=sn {drive.path}").stdout + "\n"
    name = guest.vm.run(f"sg_vpd --page=di {drive.path}").stdout
    drive.power_off()
    drive.behave(identity="ANOTHER")
    drive.power_on()
    assert "ANOTHER" in guest.vm.run(f"sg_vpd --page=sn {drive.path}").stdout
    assert guest.vm.run(f"sg_vpd --page=di {drive.path}").stdout != name


@pytest.mark.parametrize("secure", [0, 1, 2])
def test_a_format_reaches_one_namespace_and_a_sanitize_all(guest: Guest, secure: int) -> None:
    drive = full(guest, "nvme", "DRVA", namespaces=2)
    drive.behave(seconds=1)
    assert len(drive.names) == 2
    guest.vm.run(f"nvme format --namespace-id=2 --ses={secure} --force {controller(drive)}")
    assert drive.markers() == 32768 and "RECORDING" in guest.vm.run(f"dd if={drive.path} bs=512 count=1 iflag=direct").stdout
    begin(drive)
    assert not any(reads(drive, name) for name in drive.names)
    assert ended(drive) == "done" and drive.markers() == 0


def test_formats_that_lie_and_formats_that_reach_all_namespaces(guest: Guest) -> None:
    drive = full(guest, "nvme", "DRVB", namespaces=2, fna=0x6)
    drive.behave(seconds=1, format_lie=True)
    formatting = f"nvme format --namespace-id=1 --ses=1 --force {controller(drive)}"
    assert "Success" in guest.vm.run(formatting).stdout and drive.markers() == 65536
    drive.behave(seconds=1)
    guest.vm.run(formatting)
    assert drive.markers() == 0
    refused = guest.vm.run(f"nvme format --namespace-id=1 --ses=3 --force {controller(drive)}", check=False)
    assert refused.returncode != 0


def test_what_the_nvme_log_tells(guest: Guest) -> None:
    drive = guest.drive("nvme", "DRVC", sanicap=0x6)

    def log() -> tuple[int, ...]:
        words = guest.vm.run(f"nvme sanitize-log --raw-binary {controller(drive)} | od -An -v -tx1 -N32").stdout
        return struct.unpack("<HHI6I", bytes.fromhex("".join(words.split())))

    assert log()[1] == 0x100 and log()[5] == 0xFFFFFFFF
    drive.behave(seconds=1)
    path = controller(drive)
    guest.vm.run(f"nvme sanitize --sanact=3 --owpass=3 --ovrpat=0x11223344 --oipbp {path}")
    assert guest.vm.run(f"nvme sanitize --sanact=2 {path}", check=False).returncode != 0
    drive.wait_until_idle()
    assert log()[:3] == (65535, 1 | 3 << 3 | 1 << 8, 0x133)
    guest.vm.run(f"dd if=/dev/zero of={drive.path} bs=4096 count=1 oflag=direct")
    assert log()[1] == 1 | 3 << 3
    assert guest.vm.run(f"nvme sanitize --sanact=4 {path}", check=False).returncode != 0
    drive.behave(fail_at=10, seconds=1)
    guest.vm.run(f"nvme sanitize --sanact=2 {path}")
    drive.wait_until_idle()
    assert "Sanitize Failed" in guest.vm.run(f"nvme sanitize --sanact=1 {path}", check=False).stderr
    drive.behave(seconds=1)
    guest.vm.run(f"nvme sanitize --sanact=2 {path}")
    drive.wait_until_idle()
    assert reads(drive) and log()[1] & 7 == 1


def security(drive: UserDrive) -> set[str]:
    words = drive.guest.vm.run(f"hdparm -I {drive.path}").stdout.partition("Security:")[2].splitlines()
    return {line.strip() for line in words if re.fullmatch(r"\t\t?(enabled|locked|frozen)", line)}


@pytest.mark.parametrize("option", ["--security-erase", "--security-erase-enhanced"])
def test_a_security_erase_needs_the_password_and_takes_it_away(guest: Guest, option: str) -> None:
    drive = full(guest, "ata", "DRVD")
    drive.behave(seconds=1)
    run, path = guest.vm.run, drive.path
    run(f"{SURE} --user-master u --security-set-pass pw {path}")
    assert security(drive) == {"enabled"}
    assert run(f"{SURE} --user-master u {option} wrong {path}", check=False).returncode != 0 and drive.markers() == 65536
    run(f"{SURE} --user-master u {option} pw {path}")
    assert security(drive) == set() and drive.markers() == 0


def test_a_security_erase_that_was_cut_off_leaves_the_disk_locked(guest: Guest) -> None:
    drive = full(guest, "ata", "DRVE", command_seconds=5)
    drive.behave(seconds=2, power_loss_at=40)
    run, path = guest.vm.run, drive.path
    run(f"{SURE} --user-master u --security-set-pass pw {path}")
    run(f"timeout 60 {SURE} --user-master u --security-erase pw {path}", check=False)
    drive.wait_until(lambda: drive.state().get("cut"))
    drive.power_on()
    assert security(drive) == {"enabled", "locked"} and not reads(drive) and 0 < drive.markers() < 65536
    for _attempt in range(5):
        assert run(f"{SURE} --user-master u --security-unlock wrong {path}", check=False).returncode != 0
    assert run(f"{SURE} --user-master u --security-unlock pw {path}", check=False).returncode != 0
    drive.power_off()
    drive.power_on()
    run(f"{SURE} --user-master u --security-unlock pw {path}")
    drive.behave(seconds=1)
    run(f"{SURE} --user-master u --security-erase pw {path}")
    assert security(drive) == set() and drive.markers() == 0


def test_frozen_and_locked_disks_refuse(guest: Guest) -> None:
    drive = full(guest, "ata", "DRVF")
    run, path = guest.vm.run, drive.path
    drive.behave(frozen=True)
    assert "frozen" in security(drive) and "SD1 Sanitize Frozen" in run(f"hdparm --sanitize-status {path}").stdout
    assert begin(drive) != 0
    assert run(f"{SURE} --user-master u --security-set-pass pw {path}", check=False).returncode != 0
    drive.behave(locked=True)
    assert security(drive) == {"enabled", "locked"} and not reads(drive)
    assert run(f"{SURE} --user-master u --security-unlock pw {path}", check=False).returncode != 0
    assert begin(drive) != 0 and drive.markers() == 65536


def test_what_is_hidden_at_the_end_of_a_disk(guest: Guest) -> None:
    drive = full(guest, "ata", "DRVG", dco=65536 - 2048, hpa=65536 - 4096)
    run, path = guest.vm.run, drive.path
    assert "61440/63488, HPA is enabled" in run(f"hdparm -N {path}").stdout
    assert "Real max sectors: 65536" in run(f"hdparm --dco-identify {path}").stdout
    drive.behave(seconds=1)
    run(f"{SURE} --user-master u --security-set-pass pw {path}")
    run(f"{SURE} --user-master u --security-erase pw {path}")
    assert drive.markers() == 2048
    run(f"{SURE} -N p63488 {path}")
    run(f"{SURE} --dco-restore {path}")
    assert "65536/65536, HPA is disabled" in run(f"hdparm -N {path}").stdout


def test_a_scsi_format_that_failed_and_one_that_was_cut_off(guest: Guest) -> None:
    drive = full(guest, "scsi", "DRVH")
    run, path = guest.vm.run, drive.path
    drive.behave(fail_at=50, seconds=1)
    run(f"sg_format --format --early --quick {path}")
    drive.wait_until_idle()
    assert "Format command failed" in run(f"sg_requests {path}").stdout
    drive.behave(power_loss_at=50, seconds=1)
    run(f"sg_format --format --early --quick {path}", check=False)
    drive.wait_until(lambda: drive.state().get("cut"))
    drive.power_on()
    run(f"sg_turs {path}", check=False)
    assert "Medium format corrupted" in run(f"sg_requests {path}").stdout
    drive.behave(seconds=1)
    run(f"sg_format --format --early --quick {path}")
    assert "format in progress" in run(f"sg_requests {path}").stdout
    drive.wait_until_idle()
    assert reads(drive) and drive.markers() == 0


def test_a_scsi_failure_is_left_only_as_it_was_agreed(guest: Guest) -> None:
    drive = full(guest, "scsi", "DRVI", sanitize=[1, 2])
    run, path = guest.vm.run, drive.path
    listed = run(f"sg_opcodes {path}").stdout
    assert "Sanitize, block erase" in listed and "Sanitize, cryptographic erase" not in listed
    assert begin(drive, "crypto") != 0
    drive.behave(fail_at=10, seconds=1)
    for option, code in (("", 5), ("--ause", 0)):
        run(f"sg_sanitize --block {option} --early --quick {path}")
        drive.wait_until_idle()
        assert run(f"sg_sanitize --fail --early --quick {path}", check=False).returncode == code
    assert reads(drive)
