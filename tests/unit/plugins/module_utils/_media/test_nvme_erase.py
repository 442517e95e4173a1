# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVMe 2.1's media verification: what the controller and its log tell, and the commands."""

from __future__ import annotations

import struct
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media import nvme_erase
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import RUNNING, VERIFYING
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer

DEVICE = Device("nvme0n1", "/dev/nvme0n1", 259, 0, 1 << 30, 512, 512, None, {"serial": ("S1",)})


def log(status: int, state: int, progress: int = 65535) -> bytes:
    """Sanitize Status (81h): SPROG, SSTAT, SCDW10, and the state information in byte 36 (NVMe 2.1, figure 291)."""
    return (struct.pack("<HHI", progress, status, 0x402).ljust(36, b"\0") + bytes([state])).ljust(512, b"\0")


def sanitize(
    monkeypatch: pytest.MonkeyPatch, sanicap: int, page: bytes = b"", technique: str = "nvme_sanitize_block", **options: t.Any
) -> t.Any:
    identify = bytes(328) + struct.pack("<I", sanicap) + bytes(4096 - 332)

    def ask(command: t.Sequence[str]) -> Answer:
        return Answer(0, identify if "id-ctrl" in command else page, "")

    monkeypatch.setattr(nvme_erase, "ask", ask)
    monkeypatch.setattr(nvme_erase, "controller_of", lambda device: "/dev/nvme0")
    return nvme_erase.NvmeSanitize(technique, DEVICE, **options)


def test_a_drive_without_the_state_is_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = sanitize(monkeypatch, 0b0111)
    assert firmware.no_verification == "the drive has no media verification state (SANICAP)"
    assert [command.argv for command in firmware.commands()] == [("nvme", "sanitize", "--sanact=2", "/dev/nvme0")]


@pytest.mark.parametrize(
    ("technique", "options", "words"),
    [
        ("nvme_sanitize_block", {}, ("--cdw10=0x402", "--cdw11=0x0")),
        ("nvme_sanitize_crypto", {}, ("--cdw10=0x404", "--cdw11=0x0")),
        ("nvme_sanitize_overwrite", {"passes": 3, "pattern": 0xAA55}, ("--cdw10=0x433", "--cdw11=0xaa55")),
    ],
)
def test_a_drive_with_the_state_enters_it(
    monkeypatch: pytest.MonkeyPatch, technique: str, options: dict[str, int], words: tuple[str, str]
) -> None:
    firmware = sanitize(monkeypatch, 0b1111, technique=technique, **options)
    assert firmware.no_verification == ""
    assert [command.argv for command in firmware.commands()] == [("nvme", "admin-passthru", "--opcode=0x84", *words, "/dev/nvme0")]
    assert firmware.ends_verification()[0].argv[3] == "--cdw10=0x5"


@pytest.mark.parametrize(
    ("status", "state", "wanted"),
    [
        (2, 5, (VERIFYING, None)),
        (2, 1, (RUNNING, 65535)),
        # Post-verification deallocation is on its way still, and a drive from before NVMe 2.1 tells nothing there.
        (2, 6, (RUNNING, 65535)),
        (2, 0, (RUNNING, 65535)),
        (1 | 1 << 8, 0, ("done", None)),
        (3, 2, ("failed", None)),
    ],
)
def test_the_log(monkeypatch: pytest.MonkeyPatch, status: int, state: int, wanted: tuple[str, int | None]) -> None:
    found = sanitize(monkeypatch, 0b1111, log(status, state)).look()
    assert (found.state, found.progress) == wanted and found.action == "block_erase"
    assert ("failure mode" in sanitize(monkeypatch, 0b1111, log(status, state)).residue()) == (wanted[0] == "failed")
