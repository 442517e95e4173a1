# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sense data and lists of commands as SCSI devices send them (SPC-5), which C(--raw) of sg_requests and sg_opcodes hands on."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.scsi import Sense, parse_operations, parse_sense

# As sg_requests 1.46 gave it of a drive in the virtual machine.
READY = bytes.fromhex("70000000000000 0a 00000000 0000 00 00 0000".replace(" ", ""))
SANITIZING = bytes.fromhex("70000000000000 0a 00000000 041b 00 80 eb84".replace(" ", ""))


@pytest.mark.parametrize(
    ("data", "state", "progress"),
    [
        (READY, "ready", None),
        (SANITIZING, "sanitize_in_progress", 0xEB84),
        (bytes.fromhex("70000200000000 0a 00000000 041b 00 80 0000".replace(" ", "")), "sanitize_in_progress", 0),
        (bytes.fromhex("70000200000000 0a 00000000 041b 00 00 0000".replace(" ", "")), "sanitize_in_progress", None),
        (bytes.fromhex("70000200000000 0a 00000000 0404 00 80 8000".replace(" ", "")), "format_in_progress", 0x8000),
        (bytes.fromhex("70000300000000 0a 00000000 3103 00 00 0000".replace(" ", "")), "sanitize_failed", None),
        (bytes.fromhex("70000300000000 0a 00000000 3101 00 00 0000".replace(" ", "")), "format_failed", None),
        (bytes.fromhex("70000300000000 0a 00000000 3100 00 00 0000".replace(" ", "")), "format_failed", None),
        (bytes.fromhex("70000200000000 0a 00000000 3a00 00 00 0000".replace(" ", "")), "not_ready", None),
        (bytes.fromhex("70000600000000 0a 00000000 2900 00 00 0000".replace(" ", "")), "ready", None),
        # The descriptor form: sense key specific data of 8 bytes.
        (bytes.fromhex("7202041b00000008 0206000080123400".replace(" ", "")), "sanitize_in_progress", 0x1234),
        (bytes.fromhex("7202041b00000014 000a000000000000000000 00 0206000080432100".replace(" ", "")), "sanitize_in_progress", 0x4321),
        (bytes.fromhex("7202041b00000000"), "sanitize_in_progress", None),
        (bytes.fromhex("7203310300000000"), "sanitize_failed", None),
        (bytes.fromhex("7200000000000000"), "ready", None),
        (bytes(252), "ready", None),
        (b"", "unknown", None),
        (b"\xff" * 252, "unknown", None),
        (b"\x70\0\0", "unknown", None),
    ],
)
def test_sense(data: bytes, state: str, progress: int | None) -> None:
    found = parse_sense(data)
    assert (found.state, found.progress) == (state, progress)
    assert found.told or found == Sense("ready")


def described(*rows: str) -> bytes:
    body = bytes.fromhex("".join(rows).replace(" ", ""))
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (
            described("48 00 0001 00 01 000a", "48 00 0002 00 01 000a", "04 00 0000 00 00 0006"),
            {"sanitize_overwrite", "sanitize_block", "format"},
        ),
        (
            described("48 00 0003 00 01 000a", "48 00 001f 00 01 000a", "42 00 0000 00 00 000a"),
            {"sanitize_crypto", "sanitize_exit", "unmap"},
        ),
        # With the descriptors of timeouts, 12 bytes each (CTDP).
        (
            described("00 00 0000 00 02 0006", "000a 00 00 00000000 0000001e", "48 00 0002 00 03 000a", "000a 00 00 00000000 00015180"),
            {"sanitize_block"},
        ),
        # Another command with the number of a service action.
        (described("9e 00 0010 00 01 0010", "83 00 0002 00 01 0010"), set()),
        (described(), set()),
    ],
)
def test_operations(data: bytes, names: set[str]) -> None:
    assert parse_operations(data) == names


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\x10" + bytes(8)])
def test_a_short_list_is_not_believed(data: bytes) -> None:
    with pytest.raises(RefusedError, match="nothing is known of it"):
        parse_operations(data)
