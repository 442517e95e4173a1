# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What smartctl printed, shortened: 7.2 on RHEL 9 and 7.3 on Debian 12 behind a MegaRAID controller, 7.3 of a SAS drive, and the list of 7.4 (Debian
13), as people have published them; failures as smartctl.cpp and os_linux.cpp word them."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media import behind
from ansible_collections.recordings.disposal.plugins.module_utils._media.behind import ask_behind, parse_drive, parse_scan
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer

SCAN_74 = b"""{
  "json_format_version": [1, 0],
  "smartctl": {"version": [7, 4], "argv": ["smartctl", "--scan", "-j"], "exit_status": 0},
  "devices": [
    {"name": "/dev/nvme0", "info_name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"},
    {"name": "/dev/bus/0", "info_name": "/dev/bus/0 [megaraid_disk_00]", "type": "megaraid,0", "protocol": "SCSI"},
    {"name": "/dev/bus/0", "info_name": "/dev/bus/0 [megaraid_disk_10]", "type": "megaraid,10", "protocol": "SCSI"},
    {"name": "/dev/bus/10", "info_name": "/dev/bus/10 [megaraid_disk_01]", "type": "megaraid,1", "protocol": "SCSI"}
  ]
}"""
ATA_72 = b"""{
  "json_format_version": [1, 0],
  "smartctl": {"version": [7, 2], "svn_revision": "5155", "platform_info": "x86_64-linux-5.14.0-162.23.1.el9_1.x86_64", "exit_status": 68},
  "device": {"name": "/dev/bus/0", "info_name": "/dev/bus/0 [megaraid_disk_10] [SAT]", "type": "sat+megaraid,10", "protocol": "ATA"},
  "model_name": "HUH721010ALE600",
  "serial_number": "JEJPJDPN",
  "wwn": {"naa": 5, "oui": 3274, "id": 10333059174},
  "firmware_version": "T3C0",
  "user_capacity": {"blocks": 19532873728, "bytes": 10000831348736},
  "rotation_rate": 7200,
  "form_factor": {"ata_value": 2, "name": "3.5 inches"}
}"""
ATA_73 = b"""{"json_format_version":[1,0],"smartctl":{"version":[7,3],"svn_revision":"5338","exit_status":0},
"device":{"name":"/dev/bus/0","info_name":"/dev/bus/0 [megaraid_disk_00] [SAT]","type":"sat+megaraid,0","protocol":"ATA"},
"model_name":"SAMSUNG MZ7L31T9HBLT-00A07","serial_number":"S6ESNC0W622008","wwn":{"naa":5,"oui":9528,"id":66360213316},
"firmware_version":"JXTC304Q","user_capacity":{"blocks":3750748848,"bytes":1920383410176},"rotation_rate":0}"""
SCSI_73 = b"""{
  "smartctl": {"version": [7, 3], "svn_revision": "5338", "platform_info": "x86_64-linux-6.1.0-13-amd64", "exit_status": 0},
  "scsi_vendor": "SAMSUNG", "scsi_product": "MZILT960HBHQ/007", "scsi_model_name": "SAMSUNG MZILT960HBHQ/007", "scsi_revision": "GXA0",
  "user_capacity": {"blocks": 1875385008, "bytes": 960197124096}, "rotation_rate": 0, "logical_unit_id": "0x5002538b731302a0",
  "serial_number": "S5G1NC0W102239"
}"""


def unopened(code: int, words: str) -> Answer:
    text = {"smartctl": {"version": [7, 3], "messages": [{"string": words, "severity": "error"}], "exit_status": code}}
    return Answer(code, json.dumps(text).encode(), "")


@pytest.mark.parametrize(
    ("output", "values"),
    [
        (ATA_72, ("HUH721010ALE600", "JEJPJDPN", "5000cca267e5f866", "T3C0", 10000831348736, 7200)),
        (ATA_73, ("SAMSUNG MZ7L31T9HBLT-00A07", "S6ESNC0W622008", "5002538f73607f44", "JXTC304Q", 1920383410176, 0)),
        (SCSI_73, ("SAMSUNG MZILT960HBHQ/007", "S5G1NC0W102239", None, "GXA0", 960197124096, 0)),
    ],
)
def test_a_drive(output: bytes, values: tuple[t.Any, ...]) -> None:
    nothing = {"unavailable": "the drive does not tell it"}
    told = tuple(nothing if value is None else value for value in values)
    assert tuple(parse_drive(output).values()) == told


@pytest.mark.parametrize(
    "output", [b"", b"[]", b"{}", b'{"user_capacity": 5, "wwn": [1], "serial_number": ""}', b'{"wwn": {"naa": "5"}}', b"[" * 60000]
)
def test_a_drive_that_tells_nothing(output: bytes) -> None:
    assert all("unavailable" in value for value in parse_drive(output).values())


def test_which_drives_are_behind_which_controller() -> None:
    assert parse_scan(SCAN_74, 0) == ["megaraid,0", "megaraid,10"] and parse_scan(SCAN_74, 10) == ["megaraid,1"]
    assert parse_scan(SCAN_74, 1) == parse_scan(b"", 0) == parse_scan(b'{"devices": [5, {"name": "/dev/bus/0"}]}', 0) == []


def test_who_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "--scan": Answer(0, SCAN_74, ""),
        "megaraid,0": unopened(2, "Smartctl open device: /dev/bus/0 failed"),
        "megaraid,10": Answer(68, ATA_72, ""),
    }
    asked: list[t.Sequence[str]] = []

    def ask(words: t.Sequence[str]) -> Answer:
        asked.append(words)
        return answers[words[2] if words[2] == "--scan" else words[4]]

    monkeypatch.setattr(behind, "ask", ask)
    rows, why = ask_behind(0)
    assert not why and rows[0] == {"reached_as": "megaraid,0", "unavailable": "Smartctl open device: /dev/bus/0 failed"}
    assert rows[1]["reached_as"] == "megaraid,10" and rows[1]["serial"] == "JEJPJDPN"
    assert asked[-1] == ["smartctl", "--json", "--info", "--device", "megaraid,10", "/dev/bus/0"]
    assert ask_behind(7) == ([], "smartctl sees no drives behind this controller")
    answers["--scan"] = Answer(None, b"", "", "the tool smartctl is not installed")
    assert ask_behind(0) == ([], "the tool smartctl is not installed")
