# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What begins each technique, at the command line of its tool, and what of the tool's answers is taken for an acceptance."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES, firmware_of
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer


def device(name: str, size: int = 32 << 30) -> Device:
    return Device(name, f"/dev/{name}", 179, 0, size, 512, 512, None, {"serial": ("S1",)})


def lines(technique: str, name: str) -> list[str]:
    return [" ".join(command.argv) for command in firmware_of(technique, device(name)).commands()]


def test_emmc_is_erased_before_it_is_sanitized() -> None:
    last = (32 << 30) // 512 - 1
    assert lines("mmc_secure_erase", "mmcblk0") == [f"mmc erase secure-erase 0 {last} /dev/mmcblk0"]
    assert lines("mmc_sanitize", "mmcblk0") == [f"mmc erase legacy 0 {last} /dev/mmcblk0", "mmc sanitize /dev/mmcblk0"]


def test_small_emmc_is_refused() -> None:
    with pytest.raises(RefusedError, match="mmc-utils erases only devices above 2 GiB, so nothing was done"):
        firmware_of("mmc_sanitize", device("mmcblk0", 1 << 30))


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        # mmc-utils, mmc_cmds.c, do_erase: what it prints around the ioctl.
        (Answer(0, b"Executing Secure Erase from 0x00000000 to 0x0000ffff\n Secure Erase Succeed!\n\n", ""), True),
        (Answer(0, b"Executing Secure Erase from 0x00000000 to 0x0000ffff\n Secure Erase Failed!\n\n", ""), False),
        (Answer(1, b"Executing Secure Erase from 0x00000000 to 0x0000ffff\n", "Erase multi-cmd ioctl: Input/output error\n"), False),
        (Answer(1, b"", "Secure Erase isn't supported\n"), False),
        (Answer(None, b"", "", "the tool mmc is not installed"), None),
    ],
)
def test_what_mmc_says_is_not_all_taken_for_success(answer: Answer, accepted: bool | None) -> None:
    erase = firmware_of("mmc_secure_erase", device("mmcblk0"))
    assert erase.accepted(erase.commands()[0], answer) is accepted
    assert not erase.logged and erase.limits


def test_scsi() -> None:
    assert lines("scsi_sanitize_overwrite", "sdx") == ["sg_sanitize --overwrite --count=1 --zero --early --quick /dev/sdx"]
    assert lines("scsi_format", "sdx") == ["sg_format --format --early --quick /dev/sdx"]
    with pytest.raises(RefusedError, match="writes zeros only"):
        firmware_of("scsi_sanitize_overwrite", device("sdx"), pattern=1)


def test_ata() -> None:
    sure = "--yes-i-know-what-i-am-doing"
    assert lines("ata_sanitize_block", "sdx") == [f"hdparm {sure} --sanitize-block-erase /dev/sdx"]
    assert lines("ata_sanitize_overwrite", "sdx") == [
        f"hdparm {sure} --sanitize-overwrite-passes 1 --sanitize-overwrite hex:00000000 /dev/sdx"
    ]
    # hdparm's help (9.65): "Number of overwrite passes from 0 to 7, default 0 means 16 passes".
    assert firmware_of("ata_sanitize_overwrite", device("sdx"), passes=7)
    for passes in (0, 8, 15):
        with pytest.raises(RefusedError, match=f"passes is {passes}, and hdparm takes from 1 to 7 .*so nothing was done"):
            firmware_of("ata_sanitize_overwrite", device("sdx"), passes=passes)
    # An exit code of 0 is what hdparm ends with also of a disk that aborted the command.
    sanitize = firmware_of("ata_sanitize_block", device("sdx"))
    assert sanitize.accepted(sanitize.commands()[0], Answer(0, b"", "SG_IO: bad/missing sense data")) is None


def test_every_technique_has_something_that_carries_it_out() -> None:
    others = [technique for technique in TECHNIQUES if not technique.startswith("nvme")]
    assert {firmware_of(technique, device("sdx")).technique for technique in others} == set(others)
    # An NVMe drive is reached through its controller, which is looked for first.
    with pytest.raises(RefusedError, match="no controller of nvme9n1"):
        firmware_of("nvme_sanitize_block", device("nvme9n1"))
