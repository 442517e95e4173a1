# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts are what hdparm's source prints (hdparm.c, identify.c: C(do_get_max_sectors), C(dco_identify_print), C(--Istdout))."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media.hidden import (
    ask_hidden,
    judge_hidden,
    parse_dco,
    parse_identify,
    parse_max_sectors,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World

REAL = 976773168
DCO = """
/dev/sda:
DCO Checksum verified.
DCO Revision: 0x0002
The following features can be selectively disabled via DCO:
\tTransfer modes:
\t\t mdma0 mdma1 mdma2
\t\t udma0 udma1 udma2 udma3 udma4 udma5 udma6
\tReal max sectors: 976773168
\tATA command/feature sets:
\t\t SMART self_test error_log security HPA 48_bit
\t\t selective_test conveyance_test
\t\t WRITE_UNC_EXT
\tSATA command/feature sets:
\t\t NCQ interface_power_management SSP
"""


def told(visible: int, native: int, words: str) -> str:
    return f"\n/dev/sda:\n max sectors   = {visible}/{native}, {words}\n"


def identify(*, hpa: bool = False, dco: bool = False, amac: bool = False, valid: bool = True) -> str:
    words = [0] * 256
    words[82] = 0x706B | hpa << 10 if hpa else 0x706B & ~(1 << 10)
    words[83] = (0x4000 if valid else 0) | dco << 11
    words[119] = 0x4000 | amac << 8
    lines = [" ".join(f"{word:04x}" for word in words[start : start + 8]) for start in range(0, 256, 8)]
    return "\n/dev/sda:\n" + "\n".join(lines) + "\n"


def test_max_sectors() -> None:
    assert parse_max_sectors(told(REAL, REAL, "HPA is disabled")) == (REAL, REAL)
    assert parse_max_sectors(told(976771055, REAL, "HPA is enabled")) == (976771055, REAL)
    assert parse_max_sectors(told(REAL, REAL, "ACCESSIBLE MAX ADDRESS disabled")) == (REAL, REAL)
    assert parse_max_sectors(told(500, REAL, "ACCESSIBLE MAX ADDRESS enabled")) == (500, REAL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/dev/sda:\nSG_IO: bad/missing sense data, sb[]:  70 00 05 00\n",
        told(0, 1, "HPA setting seems invalid (buggy kernel device driver?)"),
        told(66055248, 1, "HPA setting seems invalid (buggy kernel device driver?)"),
        told(0, 0, "HPA is disabled"),
        told(REAL, 5, "HPA is enabled"),
        told(500, REAL, "HPA is disabled"),
        told(REAL, REAL, "HPA is enabled"),
        " max sectors   = 18446744073321613488/976773168\n",
    ],
)
def test_max_sectors_that_cannot_be_trusted(text: str) -> None:
    assert parse_max_sectors(text) is None


def test_dco() -> None:
    assert parse_dco(DCO) == REAL
    assert parse_dco(DCO.replace("verified.", "FAILED!")) is None
    assert parse_dco("\n/dev/sda:\n") is None
    assert parse_dco(DCO.replace(str(REAL), "1")) is None


def test_identify() -> None:
    words = parse_identify(identify(hpa=True))
    assert words is not None and len(words) == 256 and words[82] & 1 << 10
    assert parse_identify("") is None
    assert parse_identify("\n".join(identify().splitlines()[:-1])) is None


@pytest.mark.parametrize(
    ("supported", "maximum", "dco", "state", "words"),
    [
        ({}, "", "", "none", "hides no capacity"),
        ({"hpa": True}, told(REAL, REAL, "HPA is disabled"), "", "none", "hides no capacity"),
        ({"amac": True}, told(REAL, REAL, "ACCESSIBLE MAX ADDRESS disabled"), "", "none", "hides no capacity"),
        ({"hpa": True, "dco": True}, told(REAL, REAL, "HPA is disabled"), DCO, "none", "hides no capacity"),
        (
            {"hpa": True},
            told(REAL, REAL + 2113, "HPA is enabled"),
            "",
            "hidden",
            f"hides 2113 of its {REAL + 2113} sectors behind a maximum",
        ),
        ({"amac": True}, told(REAL, REAL + 8, "ACCESSIBLE MAX ADDRESS enabled"), "", "hidden", "hides 8 of its"),
        (
            {"dco": True},
            "",
            DCO.replace(str(REAL), str(REAL + 100)),
            "hidden",
            "hides 100 of its 976773268 sectors behind a configuration overlay",
        ),
        ({"hpa": True}, "", "", "unknown", "(HPA, AMAC) cannot be read"),
        ({"hpa": True}, told(0, 1, "HPA setting seems invalid (buggy kernel device driver?)"), "", "unknown", "cannot be read"),
        ({"dco": True}, "", "", "unknown", "(DCO) cannot be read"),
        ({"valid": False}, "", "", "unknown", "cannot be read"),
    ],
)
def test_the_decision(supported: dict[str, bool], maximum: str, dco: str, state: str, words: str) -> None:
    hidden = judge_hidden(REAL, identify(**supported), maximum, dco)
    assert hidden.state == state and words in hidden.told


def test_the_native_capacity() -> None:
    assert judge_hidden(REAL, identify(), "", "").real == REAL
    assert judge_hidden(REAL, identify(hpa=True), told(REAL, REAL + 8, "HPA is enabled"), "").real == REAL + 8
    assert judge_hidden(REAL, identify(dco=True), "", DCO.replace(str(REAL), str(REAL + 100))).real == REAL + 100
    # Nothing is made up where it is not known.
    assert judge_hidden(REAL, identify(hpa=True), "", "").real == 0


def test_a_disk_that_does_not_identify_itself_is_unknown() -> None:
    assert judge_hidden(REAL, "", told(REAL, REAL, "HPA is disabled"), DCO).state == "unknown"


def test_who_is_asked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.disk("vda", "254:0", serial="V")
    world.disk("sdb", "8:16", bus="pci0000:00/usb2/2-1", device__wwid="naa.50", device__vendor="WD\n")
    world.disk("sda", "8:0", device__wwid="naa.51", device__vendor="ATA     \n")
    world.partition("sda", "sda1", "8:1", partuuid="p-1")
    asked: list[str] = []
    tool = tmp_path / "hdparm"
    tool.write_text('#!/bin/sh\necho "$1" >> "$ASKED"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))

    def ask(**identity: str) -> tuple[str, str]:
        hidden = ask_hidden(find_device(identity, **world.roots), **world.roots)
        return hidden.state, hidden.told

    assert ask(serial="V") == ("not_applicable", "not an ATA disk: there is no HPA, DCO or AMAC")
    assert ask(partuuid="p-1")[0] == "not_applicable"
    assert ask(wwn="50")[0] == "unasked"
    assert not (tmp_path / "asked").exists() and not asked
    assert ask(wwn="51")[0] == "unknown"
    assert (tmp_path / "asked").read_text().split() == ["--Istdout", "-N", "--dco-identify"]
    world.udev("8:16", "E:ID_ATA=1\n")
    assert ask(wwn="50")[0] == "unknown"
