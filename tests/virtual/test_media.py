# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What media are and who uses them, seen through the kernel's own drivers; and that no drive in use, nor a part of one, is sanitized."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.virtual.guest import THOROUGH, Guest, UserDrive
from ansible_collections.recordings.disposal.tests.virtual.test_sanitize import FEW, filled, sanitize


def by_serial(media: list[dict[str, t.Any]], serial: str) -> list[dict[str, t.Any]]:
    return [medium for medium in media if serial in (medium["serial"] if isinstance(medium["serial"], list) else ())]


def blanks(value: t.Any, place: str) -> list[str]:
    if isinstance(value, dict):
        return [found for key, each in value.items() for found in blanks(each, f"{place}.{key}")]
    if isinstance(value, list):
        return [found for each in value for found in blanks(each, f"{place}[]")]
    return [place] if value in ("", None) else []


def possible(medium: dict[str, t.Any]) -> set[str]:
    return {each["technique"] for each in medium["techniques"] if each["possible"]}


def test_every_drive_is_listed_with_what_it_is_and_can(guest: Guest) -> None:
    guest.drive("scsi", "TMI1", rotation=10000)
    guest.drive("ata", "TMI2", rotation=1)
    guest.drive("nvme", "TMI3", namespaces=2)
    media = guest.module("media_info")["media"]
    kinds = {
        # They say that they are QEMU's, so what lies below them is another machine's.
        **{"QNVME1": ("virtual", "nvme"), "QNVME2": ("virtual", "nvme"), "QSATA1": ("virtual", "sata"), "QUSB1": ("virtual", "usb")},
        **{"SYSTEM": ("virtual", "virtio"), "TMI1": ("hdd", None), "TMI2": ("sata_ssd", None), "TMI3": ("nvme", "nvme")},
    }
    for serial, (kind, transport) in kinds.items():
        found = by_serial(media, serial)
        assert len(found) == (2 if serial in ("QNVME2", "TMI3") else 1), serial
        assert {medium["kind"] for medium in found} == {kind}
        assert transport is None or {medium["transport"] for medium in found} == {transport}
        assert all(medium["size_bytes"] > 0 and medium["identity"]["facts"]["serial"] for medium in found)
    # What cannot be read says so, wherever it stands.
    assert [place for medium in media for place in blanks(medium, medium["name"])] == []
    assert [len(medium["namespaces"]) for medium in by_serial(media, "TMI3")] == [2, 2]
    (system,), (usb,), (scsi,), (ata,) = (by_serial(media, serial) for serial in ("SYSTEM", "QUSB1", "TMI1", "TMI2"))
    assert system["system"] and not system["free"] and "it is the system's disk" in system["in_use_because"][0]
    assert usb["bridge"] and usb["hidden_capacity"]["state"] == "unasked" and possible(usb) == {"overwrite"}
    assert usb["model"] == "QEMU HARDDISK" and "passes no ATA commands through" in usb["encryption"]["ata_security"]["unavailable"]
    assert ata["hidden_capacity"]["native_bytes"] == 32 << 20 and ata["sanitize_log"]["state"] == "never"
    assert scsi["rotation"] == 10000 and {"scsi_sanitize_block", "scsi_format"} <= possible(scsi)
    assert {"ata_sanitize_block", "ata_security_erase_enhanced"} <= possible(ata) and ata["hidden_capacity"]["state"] == "none"
    # QEMU's NVMe drives know Format and no Sanitize; its SATA disk has no security feature set.
    assert possible(by_serial(media, "QNVME1")[0]) == {"overwrite", "nvme_format_user_data"}
    assert possible(by_serial(media, "QSATA1")[0]) == {"overwrite"}
    for technique in scsi["techniques"]:
        assert technique["standard"].startswith("NIST SP 800-88 Rev. 2") and ("why" in technique) != technique["possible"]


USES = {
    "mounted": (
        "mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 {path} && mkdir -p /mnt/used && mount {path} /mnt/used",
        "umount /mnt/used",
        "is mounted",
    ),
    "swap": ("mkswap -q {path} && swapon {path}", "swapoff {path}", "in use as swap"),
    "lvm": ("vgcreate -qq used {path} && lvcreate -qq -y -n one -l 2 used", "vgremove -qq -f used", "is held by"),
    # Nothing of these is active, so neither the kernel nor a process holds the drive.
    "lvm_inactive": (
        "vgcreate -qq used {path} && lvcreate -qq -y -n one -l 2 used && vgchange -qq -an used",
        "vgremove -qq -f used",
        "bears an LVM physical volume (LVM2_member",
    ),
    "raid_stopped": (
        "mdadm --quiet --create /dev/md/used --run --force --level=1 --raid-devices=1 {path}; mdadm --quiet --stop --scan",
        "mdadm --quiet --zero-superblock {path}",
        "bears a member of a Linux RAID (linux_raid_member",
    ),
    "keys": (
        # The kernel's target registers the key and ends the command with an error all the same.
        "sg_persist --no-inquiry --out --register --param-sark=123abc {path} || true",
        "sg_persist --no-inquiry --out --clear --param-rk=123abc {path} || true",
        "hosts have registered with {name} (0x123abc)",
    ),
    "raid": (
        "mdadm --quiet --create /dev/md/used --run --force --level=1 --raid-devices=1 {path}",
        "mdadm --quiet --stop /dev/md/used",
        "is held by",
    ),
    "crypt": (
        "echo -n key | cryptsetup -q luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {path} -"
        " && echo -n key | cryptsetup open {path} used --key-file -",
        "cryptsetup close used",
        "is held by",
    ),
    "open": ("(setsid sleep 300 < {path} > /dev/null 2>&1 & echo $! > /run/opener)", "kill $(cat /run/opener)", "it is open by process"),
    "read_only": ("blockdev --setro {path}", "blockdev --setrw {path}", "it is read-only"),
}


LATER = ("crypt", "keys", "lvm_inactive", "open", "raid", "raid_stopped", "read_only", "swap")


@pytest.mark.parametrize("use", [pytest.param(use, marks=[THOROUGH] if use in LATER else []) for use in sorted(USES)])
def test_a_drive_in_use_is_refused(guest: Guest, use: str) -> None:
    take, release, words = USES[use]
    drive = filled(guest, "scsi", "TUS1")
    guest.vm.run(take.format(path=drive.path))
    try:
        guest.vm.run("sync")
        before = drive.digest()
        refused = sanitize(guest, drive, technique="scsi_sanitize_block")
        assert refused["failed"] and words.format(name=drive.names[0]) in refused.words and "was not touched" in refused.words
        assert drive.digest() == before and "cdb 48" not in drive.commands()
    finally:
        guest.vm.run(release.format(path=drive.path))
    if use == "open":
        # What was refused only because of that is done once it is over: so it was that.
        assert sanitize(guest, drive, technique="scsi_sanitize_block")["outcome"] == "destroyed"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ({"serial": "SYSTEM"}, "it is the system's disk"),
        ({"serial": "NOBODY"}, "no device on this host has serial NOBODY"),
        ({"serial": "/dev/sda"}, "is a path, and paths change from one boot to the next"),
        ({"serial": ""}, "the identity's serial is empty"),
        ({"serial": "QNVME2"}, "2 devices have serial QNVME2"),
        ({"serial": "QUSB1"}, "it is behind a bridge"),
        ({"serial": "QSATA1", "size_bytes": 1}, "larger than the 1 that the register expects"),
    ],
)
def test_refused_by_identity(guest: Guest, device: dict[str, t.Any], words: str) -> None:
    before = guest.image_digests()
    result = guest.module("sanitize", device=device, level="clear", **FEW)
    assert result["failed"] and words in result.words
    assert guest.image_digests() == before


def test_two_drives_with_one_serial(guest: Guest) -> None:
    one, other = filled(guest, "scsi", "TCS1"), filled(guest, "ata", "TCS2")
    other.behave(serial="TCS1")
    guest.vm.run(f"echo 1 > /sys/block/{other.names[0]}/device/rescan; udevadm trigger --settle /dev/{other.names[0]}", check=False)
    digests = one.digest(), other.digest()
    result = sanitize(guest, one, technique="scsi_sanitize_block")
    assert result["failed"] and ("2 devices have serial TCS1" in result.words or "may be one medium" in result.words)
    assert (one.digest(), other.digest()) == digests


def hiding(guest: Guest, **about: int) -> UserDrive:
    return filled(guest, "ata", "THC1", rotation=7200, **about)


@pytest.mark.parametrize("about", [{"hpa": 40000}, pytest.param({"dco": 40000}, marks=THOROUGH)])
def test_hidden_capacity_is_refused_or_restored_first(guest: Guest, about: dict[str, int]) -> None:
    drive = hiding(guest, **about)
    before = drive.digest()
    refused = sanitize(guest, drive, technique="ata_security_erase")
    assert refused["failed"] and "the disk hides 25536 of its 65536 sectors" in refused.words
    rehearsed = sanitize(guest, drive, technique="ata_security_erase", hidden_capacity="restore", check=True)
    assert rehearsed["failed"] and "which check mode does not restore" in rehearsed.words
    assert drive.digest() == before
    device = {**drive.identity, "size_bytes": 32 << 20}
    result = sanitize(guest, drive, device=device, technique="ata_security_erase", hidden_capacity="restore")
    assert result.get("outcome") == "destroyed", result.words
    assert drive.markers() == 0


@THOROUGH
def test_an_overlay_that_does_not_come_off_is_refused(guest: Guest) -> None:
    drive = hiding(guest, hpa=40000)
    drive.behave(seconds=1, refuse=["set_max"])
    before = drive.digest()
    result = sanitize(guest, drive, technique="ata_security_erase", hidden_capacity="restore")
    assert result["failed"] and "still hides capacity" in result.words
    assert drive.digest() == before


@THOROUGH
def test_drives_that_sanitize_themselves_are_listed_with_what_they_are_doing(guest: Guest) -> None:
    """Also one of which the kernel has forgotten the size meanwhile."""
    scsi, ata = guest.drive("scsi", "TBS1"), guest.drive("ata", "TBS2")
    for drive in (scsi, ata):
        drive.behave(seconds=300)
    guest.vm.run(f"sg_sanitize --block --early --quick {scsi.path}; echo 1 > /sys/block/{scsi.names[0]}/device/rescan")
    guest.vm.run(f"hdparm --yes-i-know-what-i-am-doing --sanitize-block-erase {ata.path}")
    media = guest.module("media_info")["media"]
    for serial in ("TBS1", "TBS2"):
        (medium,) = by_serial(media, serial)
        assert medium["sanitize_log"]["state"] == "in_progress" and isinstance(medium["sanitize_log"]["percent"], int), medium
        assert possible(medium) == set() and blanks(medium, serial) == []
        assert any("a sanitize is in progress" in each["why"] for each in medium["techniques"])
    (medium,) = by_serial(media, "TBS1")
    assert "shows no size" in medium["size_bytes"]["unavailable"] and not medium["free"]
