# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words as ATA Command Set gives them; texts as hdparm's source prints them (hdparm.c: C(sanitize_normal_output), C(sanitize_error_output)), the same
in 9.62 (RHEL 9) and 9.65 (Debian 12 and 13), whose lists of changes name nothing about them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import tools
from ansible_collections.recordings.disposal.plugins.module_utils._media.ata import (
    knows_passes,
    parse_sanitize_status,
    parse_version,
    read_identify,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer, ask


def identify(changes: t.Mapping[int, int] | None = None, *, checksum: bool = True) -> list[int]:
    words = [0] * 256
    for first, text, length in ((10, "WD-WCC4E1234567", 10), (23, "82.00A82", 4), (27, "WDC WD40EFRX-68N32N0", 20)):
        padded = text.ljust(2 * length).encode()
        words[first : first + length] = [int.from_bytes(padded[place : place + 2], "big") for place in range(0, 2 * length, 2)]
    words[83], words[87], words[106], words[217] = 0x7D61, 0x4163, 0x6003, 5400
    words[100:104] = [0x32B0, 0xD1C0, 0x0001, 0x0000]
    words[108:112] = [0x5001, 0x4EE2, 0xB5A1, 0x2C3D]
    words[128] = 0x0021
    words[89], words[90] = 0x00F2, 0x00F2
    for index, value in (changes or {}).items():
        words[index] = value
    if checksum:
        words[255] = 0xA5
        words[255] |= (-sum((word & 0xFF) + (word >> 8) for word in words) & 0xFF) << 8
    return words


def test_a_hard_disk() -> None:
    disk = read_identify(identify())
    assert (disk.serial, disk.model, disk.firmware) == ("WD-WCC4E1234567", "WDC WD40EFRX-68N32N0", "82.00A82")
    assert disk.wwn == "50014ee2b5a12c3d" and disk.sectors == 0x1D1C032B0 and (disk.logical, disk.physical) == (512, 4096)
    assert disk.rotation == 5400 and not disk.trim and disk.zoned == "" and disk.sanitize == ()
    assert disk.security == {"supported", "enhanced"} and disk.erase_minutes == (484, 484)


def test_a_flash_disk() -> None:
    disk = read_identify(identify({217: 1, 169: 1, 59: 0xB400, 48: 0x4001, 128: 0x0029, 89: 0x8001, 90: 0}))
    assert disk.rotation == 0 and disk.trim and disk.trusted
    assert disk.sanitize == ("crypto_scramble", "block_erase") and disk.sanitize_antifreeze
    assert disk.security == {"supported", "frozen", "enhanced"} and disk.erase_minutes == (2, None)


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({59: 0xE000}, "sanitize", ()),
        ({59: 0xF000}, "sanitize", ("crypto_scramble", "overwrite", "block_erase")),
        ({69: 1}, "zoned", "host_aware"),
        ({69: 2}, "zoned", "device_managed"),
        ({217: 0}, "rotation", None),
        ({217: 0xFFFF}, "rotation", None),
        ({128: 0x0037}, "security", {"supported", "enabled", "locked", "expired", "enhanced"}),
        ({87: 0x4063}, "wwn", ""),
        ({83: 0x4000, 60: 0xFFFF, 61: 0x0FFF}, "sectors", 0x0FFFFFFF),
        ({69: 8, 230: 5, 231: 1, 232: 0, 233: 0}, "sectors", 0x10005),
        ({106: 0x5000, 117: 0x0800, 118: 0}, "logical", 4096),
        ({48: 0x0001}, "trusted", False),
        ({89: 0xFFFF}, "erase_minutes", (65534, 484)),
    ],
)
def test_what_single_words_mean(changes: dict[int, int], attribute: str, value: object) -> None:
    assert getattr(read_identify(identify(changes)), attribute) == value


def test_words_that_are_not_believed() -> None:
    with pytest.raises(RefusedError, match="has 255 words, not 256"):
        read_identify(identify()[:255])
    words = identify()
    words[10] ^= 1
    with pytest.raises(RefusedError, match="the checksum of the disk's IDENTIFY DEVICE is wrong"):
        read_identify(words)
    # Old disks have none.
    assert read_identify(identify(checksum=False)).rotation == 5400


def test_zeros_are_no_disk() -> None:
    """What hdparm prints, and ends with success, where a bridge passes nothing through."""
    with pytest.raises(RefusedError, match="names neither a model nor a serial.*passes no ATA commands through"):
        read_identify((0,) * 256)
    with pytest.raises(RefusedError, match="names neither a model nor a serial"):
        read_identify([0x2020 if 10 <= index < 47 else 0 for index in range(256)])


@pytest.mark.parametrize(
    ("text", "version", "passes"),
    [
        # Of RHEL 9, Debian 12 and Debian 13; the option is new in 9.63, as hdparm's own list of changes says.
        ("hdparm v9.62\n", (9, 62), False),
        ("hdparm v9.63\n", (9, 63), True),
        ("hdparm v9.65\n", (9, 65), True),
        ("hdparm v10.1\n", (10, 1), True),
        ("BusyBox v1.35\n", None, False),
        ("", None, False),
    ],
)
def test_which_hdparm_can_be_told_the_passes(text: str, version: tuple[int, int] | None, passes: bool) -> None:
    assert parse_version(text) == version and knows_passes(version) == passes


HEADER = "\n/dev/sda:\nIssuing SANITIZE_STATUS command\nSanitize status:\n"


def answer(text: str = "", errors: str = "", code: int | None = 0) -> Answer:
    return Answer(code, text.encode(), errors)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(HEADER + "    State:    SD0 Sanitize Idle\n"), ("idle", None, False)),
        (
            answer(HEADER + "    State:    SD0 Sanitize Idle\n    Last Sanitize Operation Completed Without Error\n"),
            ("idle", None, True),
        ),
        (answer(HEADER + "    State:    SD1 Sanitize Frozen\n"), ("frozen", None, False)),
        (answer(HEADER + "    State:    SD0 Sanitize Idle\n    Antifreeze bit set\n"), ("idle", None, False)),
        (
            answer(HEADER + "    State:    SD0 Sanitize Idle\n", "SG_IO: bad/missing sense data, sb[]:  f0 00 05 00\n", 5),
            ("unknown", None, False),
        ),
        (
            answer(HEADER + "    State:    SD2 Sanitize operation In Process\n    Progress: 0x41c2 (25%)\n"),
            ("in_progress", 0x41C2, False),
        ),
        (answer(HEADER + "    State:    SD2 Sanitize operation In Process\n"), ("unknown", None, False)),
        (
            answer(
                HEADER,
                "SANITIZE device error reason: Last Sanitize Command completed unsuccessfully\nDrive in SD3 Sanitize Operation Failed state\n",
                5,
            ),
            ("failed", None, False),
        ),
        (answer(HEADER, "SANITIZE device error reason: Device in FROZEN state\n", 5), ("unknown", None, False)),
        (answer("\n/dev/sda:\nSANITIZE feature set is not supported\n"), ("unknown", None, False)),
        # A bridge that answers nothing; hdparm ends with success all the same.
        (
            answer(HEADER + "    State:    SD0 Sanitize Idle\n", "SG_IO: bad/missing sense data, sb[]:  70 00 05 00\n"),
            ("unknown", None, False),
        ),
        (answer(HEADER + "    State:    SD0 Sanitize Idle\n", code=5), ("unknown", None, False)),
        (Answer(None, b"", "", "the tool hdparm is not installed"), ("unknown", None, False)),
    ],
)
def test_the_sanitize_status(said: Answer, told: tuple[str, int | None, bool]) -> None:
    state = parse_sanitize_status(said)
    assert (state.state, state.progress, state.succeeded) == told
    assert bool(state.told) == (state.state in ("failed", "unknown"))


def test_tools_are_asked_in_one_language_and_bounded_in_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tool"
    script.write_text('#!/bin/sh\ncase $1 in slow) exec sleep 60;; *) echo "$LC_ALL"; echo why >&2; exit 3;; esac\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("LC_ALL", "pl_PL.UTF-8")
    assert ask(["tool", "now"]) == Answer(3, b"C\n", "why\n")
    assert ask(["tool", "slow"], seconds=0.2).problem == "tool did not answer within 0.2 seconds"
    assert ask(["no-such-tool"]).problem == "the tool no-such-tool is not installed"
    script.chmod(0o644)
    assert ask([str(script)]).code is None and "cannot be run" in ask([str(script)]).problem
    assert tools.SECONDS > 0
