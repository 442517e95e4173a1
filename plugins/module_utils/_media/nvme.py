# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an NVMe drive says of itself: the structures of the NVM Express specifications as the drive sends them.

C(nvme ... --raw-binary) gives them unchanged in every version of nvme-cli, where its JSON has had several forms: SANICAP as a negative
number, the sanitize log below the device's name or not, statuses as numbers or as sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import RefusedError

__all__ = ["Controller", "Namespace", "SanitizeLog", "parse_controller", "parse_namespace", "parse_sanitize_log"]

_IDENTIFY_BYTES = 4096
# The log page has 512 bytes; what is defined before NVMe 2.1 ends with the 32nd.
_LOG_BYTES = 32
_NOT_REPORTED = 0xFFFFFFFF

STATES = {0: "never", 1: "done", 2: "in_progress", 3: "failed", 4: "done"}
ACTIONS = {1: "exit_failure_mode", 2: "block_erase", 3: "overwrite", 4: "crypto_erase", 5: "exit_media_verification"}


@dataclass(frozen=True)
class Controller:
    """Of Identify Controller.

    :arg capacity: of the NVM subsystem in bytes; C(None) where it is not reported.
    :arg namespaces: how many there may be at most.
    :arg sanitize: the actions that SANICAP offers.
    :arg format: whether Format NVM is supported; C(format_crypto) with cryptographic erase.
    :arg format_all: a format, or a secure erase in it, reaches all namespaces whatever namespace is named.
    :arg manages_namespaces: some may be allocated that no controller has attached.
    :arg security: Security Send and Receive (OPAL) are supported.
    :arg no_deallocate_inhibited: the drive deallocates after a sanitize although it is asked not to.
    """

    serial: str
    model: str
    firmware: str
    capacity: int | None
    namespaces: int
    sanitize: tuple[str, ...]
    format: bool
    format_crypto: bool
    format_all: bool
    security: bool
    manages_namespaces: bool
    no_deallocate_inhibited: bool


@dataclass(frozen=True)
class Namespace:
    """Of Identify Namespace.

    :arg size: bytes; C(used) those that are allocated, as far as the drive says.
    :arg logical: bytes of a block; C(metadata) bytes that go with each; C(format_index) the number of that format.
    :arg eui64: 16 hexadecimal digits, C(nguid) 32; empty where there is none.
    """

    size: int
    used: int
    logical: int
    metadata: int
    format_index: int
    eui64: str
    nguid: str


@dataclass(frozen=True)
class SanitizeLog:
    """Of the log page Sanitize Status (81h).

    :arg state: of the most recent sanitize, whoever began it: C(never), C(in_progress), C(done), C(failed), or C(unknown).
        C(done) says nothing of when: only a change that was watched from C(in_progress) belongs to a command.
    :arg progress: from 0 to 65535, the last for none in progress too.
    :arg action: of the most recent sanitize, as C(ACTIONS) names it; empty where none is recorded.
    :arg untouched: no user data was written since the last successful sanitize (Global Data Erased).
    :arg passes: overwrite passes that were completed.
    :arg seconds: estimates by action; C(None) where the drive reports none.
    """

    state: str
    progress: int
    action: str
    command: int
    untouched: bool
    passes: int
    seconds: dict[str, int | None]


def _text(data: bytes, start: int, end: int) -> str:
    return data[start:end].decode("ascii", "replace").strip(" \0")


def _number(data: bytes, start: int, end: int) -> int:
    return int.from_bytes(data[start:end], "little")


def _require(data: bytes, length: int, what: str) -> None:
    if len(data) < length:
        raise RefusedError(
            f"the drive's {what} has {len(data)} bytes, not {length}, so nothing is known of it; look whether nvme-cli can read it"
        )


def parse_controller(data: bytes) -> Controller:
    """What C(nvme id-ctrl --raw-binary) gives.

    :raises RefusedError: it is shorter than that.
    """
    _require(data, _IDENTIFY_BYTES, "Identify Controller data")
    optional, format_, sanitize = _number(data, 256, 258), data[524], _number(data, 328, 332)
    return Controller(
        serial=_text(data, 4, 24),
        model=_text(data, 24, 64),
        firmware=_text(data, 64, 72),
        capacity=_number(data, 280, 296) or None,
        namespaces=_number(data, 516, 520),
        sanitize=tuple(name for bit, name in ((0, "crypto_erase"), (1, "block_erase"), (2, "overwrite")) if sanitize & 1 << bit),
        format=bool(optional & 1 << 1),
        format_crypto=bool(optional & 1 << 1 and format_ & 1 << 2),
        format_all=bool(format_ & 0b11),
        security=bool(optional & 1),
        manages_namespaces=bool(optional & 1 << 3),
        no_deallocate_inhibited=bool(sanitize & 1 << 29),
    )


def parse_namespace(data: bytes) -> Namespace:
    """What C(nvme id-ns --raw-binary) gives.

    :raises RefusedError: it is shorter than that, or its block size is none.
    """
    _require(data, _IDENTIFY_BYTES, "Identify Namespace data")
    # Bits 6:5 extend the index since NVMe 2.0; before they are 0.
    index = data[26] & 0x0F | (data[26] & 0x60) >> 1
    format_ = _number(data, 128 + 4 * index, 132 + 4 * index)
    shift = format_ >> 16 & 0xFF
    if not 9 <= shift <= 24:
        raise RefusedError(f"the namespace's block size is 2 to the power of {shift}, which is none; look whether it is attached")
    return Namespace(
        size=_number(data, 0, 8) << shift,
        used=_number(data, 16, 24) << shift,
        logical=1 << shift,
        metadata=format_ & 0xFFFF,
        format_index=index,
        eui64=data[120:128].hex().strip("0") and data[120:128].hex(),
        nguid=data[104:120].hex().strip("0") and data[104:120].hex(),
    )


def parse_sanitize_log(data: bytes) -> SanitizeLog:
    """What C(nvme sanitize-log --raw-binary) gives.

    :raises RefusedError: it is shorter than that.
    """
    _require(data, _LOG_BYTES, "sanitize log")
    status, command = _number(data, 2, 4), _number(data, 4, 8)
    estimates = (_number(data, start, start + 4) for start in range(8, 20, 4))
    return SanitizeLog(
        state=STATES.get(status & 0b111, "unknown"),
        progress=_number(data, 0, 2),
        action=ACTIONS.get(command & 0b111, "") if status & 0b111 else "",
        command=command,
        untouched=bool(status & 1 << 8),
        passes=status >> 3 & 0x1F,
        seconds={
            name: None if value == _NOT_REPORTED else value for name, value in zip(("overwrite", "block_erase", "crypto_erase"), estimates)
        },
    )
