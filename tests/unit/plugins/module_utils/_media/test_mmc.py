# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""EXT_CSD as JESD84-B51 lays it out, as Linux shows it (drivers/mmc/core/block.c: C(mmc_ext_csd_open)) and as mmc-utils prints it.

Of mmc-utils mmc_cmds.c: C(do_read_extcsd), C(do_sanitize), C(do_erase), C(erase), before (2022-06, Debian 12) and after (1.0, Debian 13)
C(sanitize) took a time. The transcript has lines of a published one of a real device of revision 1.8.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import mmc
from ansible_collections.recordings.disposal.plugins.module_utils._media.mmc import (
    Card,
    Emmc,
    ask_emmc,
    erase_command,
    erase_problem,
    parse_ext_csd,
    parse_ext_csd_text,
    read_card,
    sanitize_command,
    sanitize_problem,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer

TRANSCRIPT = """=============================================
  Extended CSD rev 1.8 (MMC 5.1)
=============================================

Card Supported Command sets [S_CMD_SET: 0x01]
Power off notification [POWER_OFF_LONG_TIME: 0x3c]
Cache Size [CACHE_SIZE] is 8192 KiB
Background operations status [BKOPS_STATUS: 0x00]
TRIM Multiplier [TRIM_MULT: 0x02]
Secure Feature support [SEC_FEATURE_SUPPORT: 0x55]
Boot Information [BOOT_INFO: 0x07]
 Device supports alternative boot method
High-capacity erase unit size [HC_ERASE_GRP_SIZE: 0x01]
 i.e. 512 KiB
High-capacity erase timeout [ERASE_TIMEOUT_MULT: 0x01]
Reliable write sector count [REL_WR_SEC_C: 0x01]
High-capacity W protect group size [HC_WP_GRP_SIZE: 0x10]
 i.e. 8192 KiB
Sector Count [SEC_COUNT: 0x00e90000]
 Device is block-addressed
Control to turn the Cache ON/OFF [CACHE_CTRL]: 0x01
eMMC Life Time Estimation A [EXT_CSD_DEVICE_LIFE_TIME_EST_TYP_A]: 0x01
eMMC Pre EOL information [EXT_CSD_PRE_EOL_INFO]: 0x01
Secure Removal Type [SECURE_REMOVAL_TYPE]: 0x39
"""
ALL = frozenset({"secure_erase", "secure_bad_blocks", "trim", "sanitize"})


def ext_csd(changes: t.Mapping[int, int] | None = None, *, revision: int = 8) -> str:
    data = bytearray(512)
    data[192] = revision
    data[212:216] = (0x00E90000).to_bytes(4, "little")
    told = {223: 1, 224: 1, 229: 9, 230: 10, 231: 0x55, 232: 2, 267: 1}
    for place, value in {**told, **(changes or {})}.items():
        data[place] = value
    return data.hex() + "\n"


def test_a_device_as_the_kernel_shows_it() -> None:
    assert parse_ext_csd(ext_csd()) == Emmc(8, 0xE90000 * 512, ALL, 512 << 10, 300, 3000, 600, "normal")


def test_a_device_as_mmc_prints_it() -> None:
    # Beyond 4.41 it leaves the multiplier of secure erase out.
    assert parse_ext_csd_text(TRANSCRIPT) == Emmc(8, 0xE90000 * 512, ALL, 512 << 10, 300, None, 600, "normal")


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({231: 0x01}, "features", {"secure_erase"}),
        ({231: 0x40}, "features", {"sanitize"}),
        ({231: 0x10}, "features", {"trim"}),
        ({231: 0xAA}, "features", frozenset()),
        ({267: 2}, "wear", "warning"),
        ({267: 3}, "wear", "urgent"),
        ({267: 0}, "wear", ""),
        ({224: 0, 223: 0, 232: 0}, "erase_unit", None),
        ({223: 0}, "secure_erase_ms", None),
        ({213: 0, 214: 0}, "size", None),
    ],
)
def test_what_single_bytes_mean(changes: dict[int, int], attribute: str, value: object) -> None:
    assert getattr(parse_ext_csd(ext_csd(changes)), attribute) == value


def test_an_old_device_has_nothing_that_was_thought_of_later() -> None:
    old = parse_ext_csd(ext_csd(revision=3))
    assert old.features == frozenset() and old.wear == "" and old.secure_erase_ms is None
    assert parse_ext_csd_text("  Extended CSD rev 1.3 (MMC 4.3)\n").features == frozenset()
    assert parse_ext_csd(ext_csd(revision=6)).wear == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        # A revision that it does not know: nothing is printed and it ends with 0.
        "\n",
        "  Extended CSD rev 1.8 (MMC 5.1)\n",
        TRANSCRIPT.replace("SEC_FEATURE_SUPPORT", "SEC_FEATURES"),
        TRANSCRIPT.replace("rev 1.8", "rev one"),
    ],
)
def test_a_print_that_is_not_believed(text: str) -> None:
    with pytest.raises(RefusedError, match="mmc told nothing of the device's EXT_CSD"):
        parse_ext_csd_text(text)


@pytest.mark.parametrize("text", ["", ext_csd()[:-3], "x" * 1024, ext_csd() + "00"])
def test_a_register_that_is_not_believed(text: str) -> None:
    with pytest.raises(RefusedError, match="the device's EXT_CSD has"):
        parse_ext_csd(text)


def test_the_kernel_is_asked_before_the_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    asked: list[list[str]] = []
    answers = [Answer(0, TRANSCRIPT.encode(), ""), Answer(1, b"", "Could not read EXT_CSD from /dev/mmcblk7\n"), Answer(0, b"", "")]

    def ask(words: t.Sequence[str]) -> Answer:
        asked.append(list(words))
        return answers.pop(0)

    monkeypatch.setattr(mmc, "ask", ask)
    (tmp_path / "ext_csd").write_text(ext_csd())
    found, why = ask_emmc("/dev/mmcblk7", str(tmp_path / "ext_csd"))
    assert found is not None and found.secure_erase_ms == 3000 and why == "" and asked == []
    found, why = ask_emmc("/dev/mmcblk7", str(tmp_path / "none"))
    assert found is not None and found.features == ALL and asked == [["mmc", "extcsd", "read", "/dev/mmcblk7"]]
    assert ask_emmc("/dev/mmcblk7", "") == (None, "Could not read EXT_CSD from /dev/mmcblk7")
    found, why = ask_emmc("/dev/mmcblk7", "")
    assert found is None and why.startswith("mmc told nothing")


def test_a_card(tmp_path: pathlib.Path) -> None:
    for name, text in (
        ("type", "SD\n"),
        ("cid", "03534453\n"),
        ("ssr", "80000000\n"),
        ("preferred_erase_size", "4194304\n"),
        ("erase_size", "0\n"),
    ):
        (tmp_path / name).write_text(text)
    assert read_card(str(tmp_path)) == Card("SD", "03534453", "", "80000000", None, 4194304)
    assert read_card(str(tmp_path / "none")) == Card("", "", "", "", None, None)


def test_commands() -> None:
    assert sanitize_command("/dev/mmcblk7") == ["mmc", "sanitize", "/dev/mmcblk7"]
    assert sanitize_command("/dev/mmcblk7", 600000) == ["mmc", "sanitize", "/dev/mmcblk7", "600000"]
    assert erase_command("/dev/mmcblk7", 0x773FFFF + 1) == ["mmc", "erase", "secure-erase", "0", "125042687", "/dev/mmcblk7"]
    assert erase_command("/dev/mmcblk7", 8, kind="trim") == ["mmc", "erase", "trim", "0", "7", "/dev/mmcblk7"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(0, b"", ""), ""),
        (Answer(1, b"", "Could not write 0x01 to EXT_CSD[165] in /dev/mmcblk7\n"), "Could not write 0x01 to EXT_CSD[165] in /dev/mmcblk7"),
        (Answer(1, b"", "open: Permission denied\n"), "open: Permission denied"),
        # Debian 12's takes no time.
        (Answer(1, b"", "Usage: mmc sanitize </path/to/mmcblkX>\n"), "Usage: mmc sanitize </path/to/mmcblkX>"),
        (Answer(None, b"", "", "the tool mmc is not installed"), "the tool mmc is not installed"),
    ],
)
def test_why_a_sanitize_failed(answer: Answer, why: str) -> None:
    assert sanitize_problem(answer) == why


SIZES = (
    "High Capacity Erase Unit Size=524288 bytes\nHigh Capacity Erase Timeout=600 ms\nHigh Capacity Write Protect Group Size=2097152 bytes\n"
)
RUNNING = "Executing Secure Erase from 0x00000000 to 0x0773ffff\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(0, f"{RUNNING} Secure Erase Succeed!\n\n".encode(), SIZES), ""),
        (Answer(0, f"{RUNNING} Secure Trim Step 1 Succeed!\n\n".encode(), ""), ""),
        (
            Answer(255, f"{RUNNING} Secure Erase Failed!\n\n".encode(), SIZES + "Erase multi-cmd ioctl: Connection timed out\n"),
            "Erase multi-cmd ioctl: Connection timed out",
        ),
        (Answer(251, f"{RUNNING} Secure Erase Failed!\n\n".encode(), SIZES + "Erase response: 0x10000900\n"), "Erase response: 0x10000900"),
        (
            Answer(161, b" Secure Erase Failed!\n\n", "Secure Erase is not supported in /dev/mmcblk7\n"),
            "Secure Erase is not supported in /dev/mmcblk7",
        ),
        # Debian 12's, over /dev/null.
        (
            Answer(255, b" Secure Erase Failed!\n\n", "ioctl: Inappropriate ioctl for device\nCould not read EXT_CSD from /dev/null\n"),
            "ioctl: Inappropriate ioctl for device Could not read EXT_CSD from /dev/null",
        ),
        # Debian 11's does not know the command; main() ends with the negative of what it found, which is 1.
        (Answer(1, b"Usage:\n", "ERROR: unknown command 'erase'\n"), "ERROR: unknown command 'erase'"),
        (Answer(0, RUNNING.encode(), ""), "mmc did not say that the erase succeeded"),
        (Answer(0, f"{RUNNING} Secure Erase Failed!\n\n".encode(), SIZES), "mmc did not say that the erase succeeded"),
        (Answer(0, f"{RUNNING} Secure Erase Succeed!\n\n".encode(), "Erase response: 0x10000900\n"), "Erase response: 0x10000900"),
    ],
)
def test_why_an_erase_failed(answer: Answer, why: str) -> None:
    assert erase_problem(answer) == why
