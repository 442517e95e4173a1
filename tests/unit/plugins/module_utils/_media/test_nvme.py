# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Structures as the NVM Express base specification lays them out; the logs are those of real drives, as people have published them."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.nvme import (
    parse_controller,
    parse_namespace,
    parse_sanitize_log,
)

UNKNOWN = "ffffffff"
LOGS = {
    # A block erase that is done, from the tests of a firmware agent, where nvme-cli said SPROG 65535, SSTAT 0x101, SCDW10 0x2.
    "done": ("ffff 0101 02000000" + UNKNOWN * 3 + "00000000" * 3, ("done", 65535, "block_erase", True)),
    # Printed by nvme-cli while one was running: SPROG 3761, SSTAT 0x2, SCDW10 0x2.
    "running": ("b10e 0200 02000000" + UNKNOWN * 3 + "00000000" * 3, ("in_progress", 3761, "block_erase", False)),
    # Of a drive that never was sanitized: SPROG 65535, SSTAT 0, SCDW10 0.
    "never": ("ffff 0000 00000000" + UNKNOWN * 6, ("never", 65535, "", False)),
    # Printed by nvme-cli 2: SSTAT 0x1, SCDW10 0x4, 90 s for a block erase and 13 s for a crypto erase.
    "crypto": ("ffff 0100 04000000" + UNKNOWN + "5a000000 0d000000" + "00000000" * 3, ("done", 65535, "crypto_erase", False)),
    "failed": ("0080 0300 03010000" + UNKNOWN * 6, ("failed", 32768, "overwrite", False)),
    "without deallocation": ("ffff 0400 02020000" + UNKNOWN * 6, ("done", 65535, "block_erase", False)),
    "a state of a later edition": ("ffff 0500 02000000" + UNKNOWN * 6, ("unknown", 65535, "block_erase", False)),
}


@pytest.mark.parametrize(("text", "told"), LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("padding", [0, 480])
def test_the_sanitize_log(text: str, told: tuple[str, int, str, bool], padding: int) -> None:
    log = parse_sanitize_log(bytes.fromhex(text) + bytes(padding))
    assert (log.state, log.progress, log.action, log.untouched) == told


def test_estimates_and_passes() -> None:
    log = parse_sanitize_log(bytes.fromhex(LOGS["crypto"][0]))
    assert log.seconds == {"overwrite": None, "block_erase": 90, "crypto_erase": 13}
    assert parse_sanitize_log(bytes.fromhex("ffff 1900 13000000" + UNKNOWN * 6)).passes == 3


def controller(**fields: tuple[int, bytes]) -> bytes:
    data = bytearray(4096)
    data[4:24] = b"S4EWNX0M501234".ljust(20)
    data[24:64] = b"ACME NVMe SSD 1TB".ljust(40)
    data[64:72] = b"FW1.2.3 "
    data[516:520] = (32).to_bytes(4, "little")
    for offset, value in fields.values():
        data[offset : offset + len(value)] = value
    return bytes(data)


def test_a_controller() -> None:
    # SANICAP as a drive gave it that offers block erase and does not let itself be kept from deallocating: 0xa0000002.
    found = parse_controller(
        controller(
            oacs=(256, (0x17).to_bytes(2, "little")),
            tnvmcap=(280, (1_000_204_886_016).to_bytes(16, "little")),
            sanicap=(328, (0xA0000002).to_bytes(4, "little")),
            fna=(524, bytes([0x04])),
        )
    )
    assert (found.serial, found.model, found.firmware, found.namespaces) == ("S4EWNX0M501234", "ACME NVMe SSD 1TB", "FW1.2.3", 32)
    assert found.capacity == 1_000_204_886_016 and found.sanitize == ("block_erase",) and found.no_deallocate_inhibited
    assert found.format and found.format_crypto and not found.format_all and found.security


def test_a_controller_that_offers_nothing() -> None:
    found = parse_controller(controller())
    assert found.sanitize == () and not found.format and not found.format_crypto and not found.security and found.capacity is None
    # Cryptographic erase is a part of Format NVM.
    assert not parse_controller(controller(fna=(524, bytes([0x04])))).format_crypto


@pytest.mark.parametrize("fna", [1, 2, 3])
def test_a_format_that_reaches_every_namespace(fna: int) -> None:
    assert parse_controller(controller(fna=(524, bytes([fna])))).format_all


def namespace(*, shift: int = 12, index: int = 0, metadata: int = 0) -> bytes:
    data = bytearray(4096)
    data[0:8], data[16:24] = (1000).to_bytes(8, "little"), (900).to_bytes(8, "little")
    data[26] = index & 0x0F | (index & 0x30) << 1
    data[128 + 4 * index : 132 + 4 * index] = (shift << 16 | metadata).to_bytes(4, "little")
    data[120:128] = bytes.fromhex("0025385b71b08f12")
    return bytes(data)


@pytest.mark.parametrize("index", [0, 3, 15, 16, 40])
def test_a_namespace(index: int) -> None:
    found = parse_namespace(namespace(index=index, metadata=8))
    assert (found.size, found.used, found.logical, found.metadata) == (4_096_000, 3_686_400, 4096, 8)
    assert found.eui64 == "0025385b71b08f12" and found.nguid == ""


@pytest.mark.parametrize("shift", [0, 8, 25])
def test_a_block_size_that_is_none(shift: int) -> None:
    with pytest.raises(RefusedError, match=f"block size is 2 to the power of {shift}, which is none"):
        parse_namespace(namespace(shift=shift))


@pytest.mark.parametrize("parse", [parse_controller, parse_namespace, parse_sanitize_log])
def test_too_little_is_refused(parse: object) -> None:
    assert callable(parse)
    for length in (0, 31):
        with pytest.raises(RefusedError, match="so nothing is known of it"):
            parse(bytes(length))
