# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts as mt-st prints them (mt.c: C(do_status), the same before and after 1.3; Debian 12's over /dev/null), GNU cpio 2.13's mt.c
(C(print_status)), and an older mt of some distributions, which prints both."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import tape
from ansible_collections.recordings.disposal.plugins.module_utils._media.tape import (
    TapeStatus,
    ask_tape,
    list_tapes,
    long_erase_commands,
    parse_status,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer


def mt_st(bits: str, words: str, *, density: str = "0x5c (LTO-7)", block: int = 0) -> str:
    return (
        "SCSI 2 tape drive:\nFile number=0, block number=0, partition=0.\n"
        f"Tape block size {block} bytes. Density code {density}.\nSoft error count since last status=0\n"
        f"General status bits on ({bits}):\n{words}\n"
    )


CPIO = "drive type = 114\ndrive status = {}\nsense key error = 0\nresidue count = 0\nfile number = 0\nblock number = 0\n"


@pytest.mark.parametrize(
    ("text", "loaded", "protected", "density", "block"),
    [
        (mt_st("41010000", " BOT ONLINE IM_REP_EN"), True, False, 0x5C, 0),
        (mt_st("45010000", " BOT WR_PROT ONLINE IM_REP_EN", density="0x46 (LTO-4)", block=512), True, True, 0x46, 512),
        (mt_st("89010000", " EOF EOD ONLINE IM_REP_EN", density="0x60 (no translation)"), True, False, 0x60, 0),
        (mt_st("50000", " DR_OPEN IM_REP_EN", density="0x0 (default)"), False, False, 0, 0),
        (mt_st("1018000", " ONLINE IM_REP_EN CLN"), True, False, 0x5C, 0),
        (mt_st("0", ""), False, False, 0x5C, 0),
        # Some print both.
        (CPIO.format(620756992) + mt_st("41010000", " BOT ONLINE IM_REP_EN", density="0x25 (unknown)"), True, False, 0x25, 0),
        (CPIO.format(1543504384), None, None, 0x5C, 512),
        # It prints the register as a number with a sign.
        (CPIO.format(-2147483648), None, None, 0x80, 0),
        (
            "Unknown tape drive type (type code 99)\nFile number=0, block number=0.\nmt_resid: 0, mt_erreg: 0x0\n"
            "mt_dsreg: 0x0, mt_gstat: 0x1000000\nGeneral status bits on (1000000):\n ONLINE\n",
            True,
            False,
            None,
            None,
        ),
    ],
)
def test_the_state_of_a_tape(text: str, loaded: bool | None, protected: bool | None, density: int | None, block: int | None) -> None:
    found = parse_status(text)
    assert (found.loaded, found.write_protected, found.density, found.block_size) == (loaded, protected, density, block)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "mt told no state of the tape"),
        ("drive status = 5\n", "mt told no state of the tape"),
        (mt_st("41010000", " BOT ONLINE"), "in words and 41010000 in figures, so neither is believed"),
        (mt_st("45010000", " BOT ONLINE IM_REP_EN"), "so neither is believed"),
    ],
)
def test_a_state_that_is_not_believed(text: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse_status(text)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(None, b"", "", "the tool mt is not installed"), "the tool mt is not installed"),
        (Answer(1, b"", "/dev/nst0: Device or resource busy\n"), "/dev/nst0: Device or resource busy"),
        (
            Answer(2, b"", "mt: /dev/nst0: rmtioctl failed: Inappropriate ioctl for device\n"),
            "mt: /dev/nst0: rmtioctl failed: Inappropriate ioctl for device",
        ),
        (Answer(2, b"", "/dev/nst0: Inappropriate ioctl for device\n"), "/dev/nst0: Inappropriate ioctl for device"),
        (Answer(0, b"", ""), "mt told no state of the tape that can be read; look at what mt -f DEVICE status prints"),
    ],
)
def test_a_drive_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, answer: Answer, why: str) -> None:
    asked: list[t.Sequence[str]] = []
    monkeypatch.setattr(tape, "ask", lambda words: asked.append(words) or answer)
    assert ask_tape("/dev/nst0") == (None, why) and asked == [["mt", "-f", "/dev/nst0", "status"]]


def test_a_drive_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "ask", lambda words: Answer(0, mt_st("41010000", " BOT ONLINE IM_REP_EN").encode(), ""))
    assert ask_tape("/dev/nst0") == (TapeStatus(frozenset({"BOT", "ONLINE", "IM_REP_EN"}), 0x5C, 0), "")


def test_the_drives_of_a_host(tmp_path: pathlib.Path) -> None:
    assert list_tapes(sys_root=str(tmp_path)) == []
    place = tmp_path / "devices" / "pci0000:00" / "host1" / "port-1:0" / "end_device-1:0" / "1:0:0:0"
    for attribute, text in (("vendor", "IBM     \n"), ("model", "ULT3580-HH8     \n"), ("rev", "N9M1\n"), ("wwid", "naa.5000e1112233\n")):
        place.mkdir(parents=True, exist_ok=True)
        (place / attribute).write_text(text)
    (place / "vpd_pg80").write_bytes(b"\x01\x80\0\x0a1068001234")
    root = tmp_path / "class" / "scsi_tape"
    root.mkdir(parents=True)
    # The kernel shows each drive eight times.
    for name, minor in (("st0", 0), ("st0a", 96), ("nst0", 128), ("nst0a", 224), ("nst0l", 160), ("nst0m", 192)):
        node = place / "scsi_tape" / name
        node.mkdir(parents=True)
        (node / "device").symlink_to(place)
        (node / "dev").write_text(f"9:{minor}\n")
        (node / "options").write_text("0x00000107\n")
        (root / name).symlink_to(node)
    (drive,) = list_tapes(sys_root=str(tmp_path))
    assert (drive.name, drive.path, drive.vendor, drive.model, drive.firmware) == ("nst0", "/dev/nst0", "IBM", "ULT3580-HH8", "N9M1")
    assert (drive.serial, drive.wwn) == ("1068001234", "5000e1112233") and "/end_device-" in drive.place
    assert drive.facts == {"serial": ["1068001234"], "wwn": ["5000e1112233"]} and drive.no_wait is False
    assert drive.commands == "/dev/nst0" and drive.numbers == {(9, minor) for minor in (0, 96, 128, 160, 192, 224)}
    # The node that takes commands whatever the tape does; and an option that lets an erase return before its end.
    generic = place / "scsi_generic" / "sg3"
    generic.mkdir(parents=True)
    (generic / "dev").write_text("21:3\n")
    (place / "scsi_tape" / "nst0" / "options").write_text("0x00002107\n")
    (drive,) = list_tapes(sys_root=str(tmp_path))
    assert drive.commands == "/dev/sg3" and (21, 3) in drive.numbers and drive.no_wait is True
    (place / "scsi_tape" / "nst0" / "options").unlink()
    assert list_tapes(sys_root=str(tmp_path))[0].no_wait is None


def test_a_long_erase_begins_at_the_beginning() -> None:
    assert long_erase_commands("/dev/nst0") == [["mt", "-f", "/dev/nst0", "rewind"], ["mt", "-f", "/dev/nst0", "erase", "1"]]
