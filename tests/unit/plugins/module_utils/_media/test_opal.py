# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Level 0 Discovery as TCG Storage Core 2.01 lays it out (the same in sedutil's DtaStructures.h); dumps as nvme-print.c prints them (C(d)),
and sg_raw.c 0.4.43 (2023-11-23), C(main)."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import opal
from ansible_collections.recordings.disposal.plugins.module_utils._media.opal import ask_discovery, parse_discovery, parse_dump
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer


def feature(code: int, *data: int, length: int = 12) -> bytes:
    return code.to_bytes(2, "big") + bytes([0x10, length]) + bytes(data).ljust(length, b"\0")


def discovery(*features: bytes) -> bytes:
    body = b"".join(features)
    return (44 + len(body)).to_bytes(4, "big") + b"\0\0\0\1" + bytes(40) + body


TPER, GEOMETRY, OPAL_2 = feature(0x0001, 0x11), feature(0x0003, 1, length=28), feature(0x0203, 0x10, 0, 0, 1, length=16)


@pytest.mark.parametrize(
    ("flags", "states"),
    [
        (0x09, (True, False, False, True, False, False)),
        (0x0B, (True, True, False, True, False, False)),
        (0x0F, (True, True, True, True, False, False)),
        (0x1F, (True, True, True, True, True, False)),
        (0x3B, (True, True, False, True, True, True)),
        (0x00, (False, False, False, False, False, False)),
        # MBR shadowing not supported, and a reserved bit.
        (0xC9, (True, False, False, True, False, False)),
    ],
)
def test_the_locking_of_a_drive(flags: int, states: tuple[bool, ...]) -> None:
    found = parse_discovery(discovery(TPER, feature(0x0002, flags), GEOMETRY, OPAL_2).ljust(2048, b"\0"))
    assert (found.supported, found.enabled, found.locked, found.encrypts, found.shadow, found.shadow_done) == states
    assert found.kinds == ("opal_2",)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x0100, "enterprise"),
        (0x0200, "opal_1"),
        (0x0301, "opalite"),
        (0x0302, "pyrite_1"),
        (0x0303, "pyrite_2"),
        (0x0304, "ruby"),
    ],
)
def test_the_kinds(code: int, kind: str) -> None:
    assert parse_discovery(discovery(TPER, feature(0x0002, 1), feature(code), feature(0x0402, length=12))).kinds == (kind,)


def test_a_drive_without_locking() -> None:
    found = parse_discovery(discovery(TPER))
    assert found.kinds == () and not found.supported


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty or cut off"),
        (bytes(2048), "is empty or cut off"),
        (discovery(TPER, OPAL_2)[:-1], "is empty or cut off"),
        # What nvme-cli 1 writes with --raw-binary: its own stack, of which the first bytes are a pointer.
        (b"\x00\xb0\x6d\x4c\xd2\x55\x00\x00" + bytes(range(256)) * 8, "is empty or cut off"),
        (discovery(TPER + b"\0\2\x10\xff" + bytes(8)), "ends within a feature"),
        (discovery(TPER, OPAL_2), "tells none of its locking"),
    ],
)
def test_an_answer_that_is_not_believed(data: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse_discovery(data)


def dump(data: bytes, *, before: str = "NVME Security Receive Command Success:0\n") -> bytes:
    rows = [data[place : place + 16] for place in range(0, len(data), 16)]
    text = before + "     " + "".join(f"{place:3x}" for place in range(16))
    for number, row in enumerate(rows):
        shown = "".join(chr(byte) if 0x21 <= byte <= 0x7E else "." for byte in row)
        text += f"\n{16 * number:04x}: " + " ".join(f"{byte:02x}" for byte in row) + f' "{shown}"'
    return (text + "\n").encode()


ANSWER = discovery(TPER, feature(0x0002, 0x0F), GEOMETRY, OPAL_2).ljust(2048, b"\0")


@pytest.mark.parametrize("before", ["NVME Security Receive Command Success:0\n", "NVME Security Receive Command Success\n", ""])
def test_a_dump(before: str) -> None:
    assert parse_dump(dump(ANSWER, before=before).decode()) == ANSWER


def test_a_dump_with_a_gap() -> None:
    lines = dump(ANSWER).decode().splitlines(keepends=True)
    assert parse_dump("".join(lines[:5] + lines[6:])) == b"" and parse_dump("") == b""


def asked(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[list[str]]:
    commands: list[list[str]] = []

    def ask(words: t.Sequence[str]) -> Answer:
        commands.append(list(words))
        return answer

    monkeypatch.setattr(opal, "ask", ask)
    return commands


def test_an_nvme_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = asked(monkeypatch, Answer(0, dump(ANSWER), ""))
    found, why = ask_discovery("/dev/nvme0n1", nvme=True)
    assert found is not None and found.locked and why == ""
    assert commands == [["nvme", "security-recv", "--secp=1", "--spsp=1", "--size=2048", "--al=2048", "/dev/nvme0n1"]]


def test_a_scsi_device(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "SCSI Status: Good \n\nWriting 2048 bytes of data to stdout\n"
    commands = asked(monkeypatch, Answer(0, ANSWER, said))
    found, why = ask_discovery("/dev/sdq", nvme=False)
    assert found is not None and found.enabled and why == ""
    assert " ".join(commands[0]) == "sg_raw --readonly --binary --request=2048 /dev/sdq a2 01 00 01 00 00 00 00 08 00 00 00"


@pytest.mark.parametrize(
    ("answer", "nvme", "why"),
    [
        (Answer(None, b"", "", "the tool sg_raw is not installed"), False, "the tool sg_raw is not installed"),
        (
            Answer(9, b"", "SCSI Status: Check Condition \n\nSense Information:\nFixed format, current; Sense key: Illegal Request\n"),
            False,
            "SCSI Status: Check Condition Sense Information: Fixed format, current; Sense key: Illegal Request",
        ),
        (Answer(0, b"", "SCSI Status: Good \n\nNo data received\n"), False, "the drive's Level 0 Discovery is empty"),
        (Answer(1, b"", "NVME Security Receive Command Error:2\n"), True, "NVME Security Receive Command Error:2"),
        (Answer(0, dump(bytes(2048)), ""), True, "the drive's Level 0 Discovery is empty"),
    ],
)
def test_a_drive_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, answer: Answer, nvme: bool, why: str) -> None:
    asked(monkeypatch, answer)
    found, told = ask_discovery("/dev/x", nvme=nvme)
    assert found is None and told.startswith(why)
