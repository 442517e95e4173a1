# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) of a volume that the kernel has open: refused while anything uses it, closed where that is asked for, and then of no use."""

from __future__ import annotations

import typing as t

from ansible_collections.recordings.disposal.tests.virtual.guest import MARKER, THOROUGH, Guest, Result

CHEAP = "-q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /run/volume.key"


def test_an_open_volume(guest: Guest) -> None:
    drive = guest.drive("scsi", "TCE1")
    guest.vm.run(
        f"printf 'key of the volume' > /run/volume.key && cryptsetup luksFormat {CHEAP} {drive.path} && mkdir -p /mnt/volume"
        f" && cryptsetup open --key-file /run/volume.key {drive.path} calls && mkfs.ext4 -q /dev/mapper/calls && mount /dev/mapper/calls /mnt/volume"
        f" && (yes {MARKER} | head -c 1000000 > /mnt/volume/call.wav; sync)"
    )
    task: dict[str, t.Any] = {
        "target": {"kind": "luks", "device": drive.identity, "key_file": "/run/volume.key"},
        "level": "purge",
        "header_backups": [],
        "declared": dict.fromkeys(("encrypted_from_first_write", "no_stale_copy", "not_in_memory"), "made by this test"),
    }

    def header() -> str:
        """Behind it a mounted filesystem goes on writing."""
        return str(guest.vm.run(f"head -c 16M {drive.directory}/medium.img | sha256sum").stdout)

    def refused(words: str, **options: t.Any) -> None:
        guest.vm.run("sync")
        before = header()
        for check in (True, False):
            result = guest.module("crypto_erase", check=check, **task, **options)
            assert result["failed"] and words in result.words, result
        assert header() == before

    refused(f"the volume of {drive.names[0]} is open as calls")
    refused("it is mounted", close=True)
    assert MARKER in guest.vm.run("head -c 100 /mnt/volume/call.wav").stdout
    guest.vm.run("umount /mnt/volume && (setsid sleep 300 < /dev/mapper/calls > /dev/null 2>&1 & echo $! > /run/opener)")
    refused("it is open by process", close=True)
    guest.vm.run(
        f"kill $(cat /run/opener); head -c 4096 {drive.path} > /run/first; dd status=none bs=4096 skip=4 count=1 if={drive.path} of=/run/second"
    )
    done: Result = guest.module("crypto_erase", **task, close=True)
    assert (done["outcome"], done["changed"]) == ("destroyed", True), done
    assert "calls" not in guest.vm.run("dmsetup ls").stdout and drive.markers() == 0
    # What wiping signatures alone would have saved does not bring the data back.
    guest.vm.run(
        f"dd status=none conv=fsync if=/run/first of={drive.path} && dd status=none conv=fsync bs=4096 seek=4 if=/run/second of={drive.path}"
    )
    opened = guest.vm.run(f"cryptsetup open --key-file /run/volume.key {drive.path} calls", check=False)
    assert opened.returncode and "calls" not in guest.vm.run("dmsetup ls").stdout


@THOROUGH
def test_a_logical_volume(guest: Guest) -> None:
    drive = guest.drive("scsi", "TCL1")
    guest.vm.run(f"vgcreate -qq used {drive.path} && lvcreate -qq -y -n calls -l 2 used")
    try:
        guest.vm.run(f"printf 'key of the volume' > /run/volume.key && cryptsetup luksFormat {CHEAP} --type luks1 /dev/used/calls")
        uuid = guest.vm.run("dmsetup info -c --noheadings -o uuid used-calls").stdout.strip()
        done = guest.module(
            "crypto_erase",
            target={"kind": "luks", "device": {"volume_uuid": uuid}, "key_file": "/run/volume.key"},
            level="purge",
            header_backups=[],
            declared=dict.fromkeys(("encrypted_from_first_write", "no_stale_copy", "not_in_memory"), "made by this test"),
        )
        assert (done["outcome"], done["opened"]) == ("destroyed", "the key file opened it before"), done
        assert guest.vm.run("cryptsetup isLuks /dev/used/calls", check=False).returncode
    finally:
        guest.vm.run("vgremove -qq -f used")
