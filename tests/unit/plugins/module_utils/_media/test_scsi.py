# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes as SPC-5 and SBC-4 lay them out. What the tools print beside them is from sg3_utils' sources.

sg_opcodes.c 0.68 (2020-01) and 1.02 (2023-06): C(main), C(do_rsoc); sg_requests.c 1.46 20231014: C(main); sg_turs.c: C(loop_turs).
Some were printed by Debian 12's sg3_utils 1.46 over /dev/null, and the sense data was held against its sg_decode_sense.
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import scsi
from ansible_collections.recordings.disposal.plugins.module_utils._media.scsi import (
    Characteristics,
    ScsiState,
    ask_characteristics,
    ask_operations,
    ask_state,
    parse_characteristics,
    parse_operations,
    parse_sense,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer


def command(code: int, action: int | None = None, *, timeouts: bool = False) -> bytes:
    flags = (action is not None) | timeouts << 1
    descriptor = bytes([code, 0]) + (action or 0).to_bytes(2, "big") + bytes([0, flags, 0, 16])
    return descriptor + (b"\x00\x0a" + bytes(10) if timeouts else b"")


def commands(*each: bytes) -> bytes:
    return len(b"".join(each)).to_bytes(4, "big") + b"".join(each)


READ, RSOC = command(0x28), command(0xA3, 0x0C)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (commands(READ, RSOC), {"report"}),
        (commands(command(0x04), command(0x42), RSOC), {"format", "unmap", "report"}),
        (
            commands(command(0x48, 1), command(0x48, 2), command(0x48, 3), command(0x48, 0x1F), RSOC),
            {"sanitize_overwrite", "sanitize_block", "sanitize_crypto", "sanitize_exit", "report"},
        ),
        (commands(command(0x04, timeouts=True), command(0x48, 3, timeouts=True), RSOC), {"format", "sanitize_crypto", "report"}),
        # Without a service action it is not known which sanitize it would be; the same numbers elsewhere are other commands.
        (commands(command(0x48), command(0xA4, 1), command(0x04, 1)), set()),
    ],
)
def test_the_commands_of_a_device(data: bytes, found: set[str]) -> None:
    assert parse_operations(data) == found


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "has 0 of 0 bytes"),
        (bytes(4), "has 0 of 0 bytes"),
        (commands(READ, RSOC)[:-1], "has 15 of 16 bytes"),
        (b"\0\0\0\x0c" + READ + bytes(4), "ends within a command"),
        (b"Report supported operation codes: ", "has 30 of "),
    ],
)
def test_a_list_of_commands_that_is_not_believed(data: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse_operations(data)


def answers(monkeypatch: pytest.MonkeyPatch, **by_tool: t.Sequence[Answer]) -> list[list[str]]:
    asked: list[list[str]] = []
    rest = {tool: list(each) for tool, each in by_tool.items()}

    def ask(words: t.Sequence[str]) -> Answer:
        asked.append(list(words))
        return rest[words[0]].pop(0)

    monkeypatch.setattr(scsi, "ask", ask)
    return asked


def test_a_device_that_tells_its_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, sg_opcodes=[Answer(0, commands(command(0x48, 2), RSOC), "")])
    assert ask_operations("/dev/sdq").supported == {"sanitize_block", "report"} and asked == [["sg_opcodes", "--raw", "/dev/sdq"]]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(None, b"", "", "the tool sg_opcodes is not installed"), "the tool sg_opcodes is not installed"),
        # Invalid opcode: SG_LIB_CAT_INVALID_OP is 9.
        (
            Answer(9, b"", "Report supported operation codes: Illegal request, Invalid opcode\n"),
            "Report supported operation codes: Illegal request, Invalid opcode",
        ),
        (
            Answer(
                99,
                b"",
                "inquiry: pass-through os error: Inappropriate ioctl for device\nsg_opcodes: /dev/sdq doesn't respond to a SCSI INQUIRY\n",
            ),
            "inquiry: pass-through os error: Inappropriate ioctl for device sg_opcodes: /dev/sdq doesn't respond to a SCSI INQUIRY",
        ),
        (Answer(15, b"", ""), "the tool ended with 15"),
        # do_rsoc() makes RECOVERED and NO SENSE a success although nothing came; 1.46 then prints nothing.
        (Answer(0, b"", ""), "the device's list of commands has 0 of 0 bytes"),
    ],
)
def test_a_device_that_does_not_tell_its_commands(monkeypatch: pytest.MonkeyPatch, answer: Answer, why: str) -> None:
    answers(monkeypatch, sg_opcodes=[answer])
    told = ask_operations("/dev/sdq")
    assert told.supported is None and told.why.startswith(why)


def fixed(key: int, asc: int, ascq: int, progress: int | None = None, *, response: int = 0x70) -> bytes:
    sense = bytearray(18)
    sense[0], sense[2], sense[7], sense[12], sense[13] = response, key, 10, asc, ascq
    if progress is not None:
        sense[15:18] = b"\x80" + progress.to_bytes(2, "big")
    return bytes(sense)


def described(key: int, asc: int, ascq: int, *descriptors: bytes, response: int = 0x72) -> bytes:
    body = b"".join(descriptors)
    return bytes([response, key, asc, ascq, 0, 0, 0, len(body)]) + body


@pytest.mark.parametrize(
    ("data", "state", "progress"),
    [
        (fixed(0, 0, 0), "ready", None),
        (fixed(0, 0x5E, 3), "ready", None),
        (fixed(1, 0x5D, 0), "ready", None),
        (described(0, 0, 0), "ready", None),
        (fixed(2, 0x04, 0x1B, 0x41C2), "sanitize_in_progress", 0x41C2),
        (fixed(0, 0x04, 0x1B, 0), "sanitize_in_progress", 0),
        (fixed(2, 0x04, 0x1B), "sanitize_in_progress", None),
        (fixed(2, 0x04, 0x1B, 0x41C2)[:14], "sanitize_in_progress", None),
        (described(2, 0x04, 0x1B, b"\x02\x06\0\0\x80\xff\xff\0"), "sanitize_in_progress", 0xFFFF),
        # Another progress indication, of an operation of its own.
        (described(0, 0, 0, bytes(2), b"\x0a\x06\x02\x04\x1b\0\x10\0"), "sanitize_in_progress", 0x1000),
        (described(2, 0x04, 0x1B, b"\x0a\x06\x02\x04\x04\0\x10\0"), "sanitize_in_progress", None),
        (described(0, 0, 0, b"\x0a\x06\x02\x04\x09\0\x10\0"), "ready", None),
        (described(0, 0, 0, b"\x0a\x06\x02\x04\x1b"), "ready", None),
        (described(2, 0x04, 0x1B, b"\x02\x06\0\0\x00\xff\xff\0"), "sanitize_in_progress", None),
        (described(2, 0x04, 0x1B, b"\x02\x06\0\0\x80\xff"), "sanitize_in_progress", None),
        (fixed(2, 0x04, 0x04, 0x8000), "format_in_progress", 0x8000),
        (fixed(3, 0x31, 0x03), "sanitize_failed", None),
        (fixed(3, 0x31, 0x03, response=0x71), "sanitize_failed", None),
        (described(3, 0x31, 0x03), "sanitize_failed", None),
        (fixed(3, 0x31, 0x00), "format_failed", None),
        (fixed(3, 0x31, 0x01), "format_failed", None),
        (fixed(2, 0x31, 0x00), "format_failed", None),
        (fixed(2, 0x3A, 0x00), "not_ready", None),
        (fixed(2, 0x04, 0x02), "not_ready", None),
        (fixed(2, 0x04, 0x07, 77), "not_ready", 77),
        # An answer about something else is no answer.
        (fixed(6, 0x29, 0x00), "unknown", None),
        (fixed(5, 0x20, 0x00), "unknown", None),
        (fixed(0, 0x04, 0x1B, 9, response=0x71), "unknown", None),
        (fixed(0, 0, 0, response=0x71), "unknown", None),
        (fixed(0, 0, 0)[:12], "unknown", None),
        (bytes(18), "unknown", None),
        (b"", "unknown", None),
        (b"device not ready\n", "unknown", None),
    ],
)
def test_the_state_of_a_device(data: bytes, state: str, progress: int | None) -> None:
    found = parse_sense(data)
    assert (found.state, found.progress) == (state, progress)
    assert bool(found.told) == (state != "ready" and "in_progress" not in state)


def test_the_state_is_told_with_its_code() -> None:
    assert parse_sense(fixed(3, 0x31, 0x03)) == ScsiState(
        "sanitize_failed", None, (3, 0x31, 3), "the last sanitize failed (sense 03/31/03)"
    )
    assert parse_sense(b"device not ready\n").told == "the device gave no sense data (device not ready)"


ATTENTION = Answer(0, fixed(6, 0x29, 0x00), "")
READY = Answer(0, fixed(0, 0, 0), "")


def test_a_device_is_ready_where_both_its_answers_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, sg_requests=[ATTENTION, READY, READY], sg_turs=[Answer(6, b"Unit attention\n", ""), Answer(0, b"", "")])
    assert ask_state("/dev/sdq").state == "ready"
    assert [words[0] for words in asked] == ["sg_requests", "sg_requests", "sg_turs", "sg_requests", "sg_turs"]


@pytest.mark.parametrize(
    ("requests", "turs", "state", "told"),
    [
        # A device whose format is corrupt may keep silent to REQUEST SENSE.
        (
            [READY],
            [Answer(3, b"Medium or hardware error, includes blank check\n", "")],
            "not_ready",
            "Medium or hardware error, includes blank check",
        ),
        ([READY], [Answer(2, b"device not ready\n", "")], "not_ready", "device not ready"),
        (
            [READY],
            [Answer(75, b"Inappropriate ioctl for device\n", "test unit ready: pass-through os error: Inappropriate ioctl for device\n")],
            "unknown",
            "test unit ready: pass-through os error: Inappropriate ioctl for device",
        ),
        # It opens nothing and says nothing.
        ([Answer(52, b"", "")], [], "unknown", "the tool ended with 52"),
        ([READY], [Answer(None, b"", "", "the tool sg_turs is not installed")], "unknown", "the tool sg_turs is not installed"),
        ([ATTENTION] * 4, [], "unknown", "the device reports something else (sense 06/29/00)"),
        ([READY] * 4, [Answer(6, b"", "")] * 4, "unknown", "the device reports nothing but unit attentions"),
        (
            [Answer(None, b"", "", "the tool sg_requests is not installed")],
            [],
            "unknown",
            "the tool sg_requests is not installed",
        ),
        # The command itself failed: words on the standard output, and the sense key as the exit code.
        ([Answer(2, b"device not ready\n", "")], [], "unknown", "device not ready"),
        ([Answer(0, fixed(2, 0x04, 0x1B, 5), "")], [], "sanitize_in_progress", ""),
    ],
)
def test_a_device_that_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, requests: list[Answer], turs: list[Answer], state: str, told: str
) -> None:
    answers(monkeypatch, sg_requests=requests, sg_turs=turs)
    found = ask_state("/dev/sdq")
    assert (found.state, found.told) == (state, told)


def page(rate: int, zoned: int = 0) -> bytes:
    return bytes([0, 0xB1, 0, 0x3C]) + rate.to_bytes(2, "big") + bytes([0, 0, zoned << 4]) + bytes(55)


@pytest.mark.parametrize(
    ("data", "rotation", "zoned"),
    [
        (page(10000), 10000, ""),
        (page(1), 0, ""),
        (page(0), None, ""),
        (page(0xFFFF), None, ""),
        (page(7200, 1), 7200, "host_aware"),
        (page(7200, 2), 7200, "device_managed"),
        (page(7200)[:8], None, ""),
        (b"\0\xb0" + page(7200)[2:], None, ""),
    ],
)
def test_rotation_and_zones(data: bytes, rotation: int | None, zoned: str) -> None:
    assert parse_characteristics(data) == Characteristics(rotation, zoned)


def test_rotation_is_asked_where_the_kernel_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, sg_vpd=[Answer(0, page(15000), ""), Answer(5, b"", "fetching VPD page failed\n")])
    assert ask_characteristics("/dev/sdq", page(10000)).rotation == 10000 and not asked
    assert ask_characteristics("/dev/sdq").rotation == 15000 and ask_characteristics("/dev/sdq").rotation is None
    assert asked[0] == ["sg_vpd", "--raw", "--page=0xb1", "/dev/sdq"]
