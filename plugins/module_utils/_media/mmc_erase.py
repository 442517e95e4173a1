# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secure erase and sanitize of eMMC devices through mmc-utils, which says that it succeeded also where a write-protected group stopped it.

Nothing emulates such a device, so this is tested at the command line only. What is read back decides, as for every technique without a log.
"""

from __future__ import annotations

from .._errors import RefusedError
from .firmware import Command, Firmware, Status
from .identity import Device
from .mmc import erase_command, erase_problem, sanitize_command, sanitize_problem
from .scsi_node import path_problem
from .tools import Answer

__all__ = ["MmcErase"]

_SECTOR = 512
# Smaller devices are addressed by bytes, which mmc-utils does not do.
_SMALLEST = 2 << 30


class MmcErase(Firmware):
    """One technique on an eMMC device."""

    logged, waits = False, True
    limits = ("the boot partitions and the RPMB of the eMMC device were not reached",)

    def __init__(self, technique: str, device: Device) -> None:
        self.technique, self.action = technique, ""
        self._device = device
        # Of two commands the first one cannot be left to itself, since nobody would send the other.
        self.detaches = technique == "mmc_secure_erase"
        if device.size <= _SMALLEST:
            raise RefusedError(
                f"{device.name} has {device.size} bytes, and mmc-utils erases only devices above 2 GiB, so nothing was done; overwrite it"
            )

    def look(self) -> Status:
        return Status("idle")

    def objection(self) -> str:
        return path_problem(self._device, self._device.path)

    def commands(self) -> list[Command]:
        path, sectors = self._device.path, self._device.size // _SECTOR
        if self.technique == "mmc_secure_erase":
            return [Command(tuple(erase_command(path, sectors)), "erase the device securely", None)]
        # A sanitize removes only what is not mapped any more.
        return [
            Command(tuple(erase_command(path, sectors, kind="legacy")), "erase the device, so that nothing is mapped", None),
            Command(tuple(sanitize_command(path)), "sanitize what is not mapped", None),
        ]

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        if answer.code is None:
            return None
        return not (erase_problem(answer) if command.argv[1] == "erase" else sanitize_problem(answer))
