# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long erase of a tape through mt, which waits until the drive is done. A drive keeps no log of it: what is read back decides."""

from __future__ import annotations

from .cartridge import Cartridge, ask_memory
from .firmware import Command, Firmware, Status
from .tape import ask_tape, long_erase_commands
from .tools import Answer

__all__ = ["TapeErase"]


class TapeErase(Firmware):
    """A long erase of one cartridge."""

    logged, waits = False, True
    limits = ("the cartridge's own memory (its serial number, how often it was loaded) was not erased",)

    def __init__(self, technique: str, cartridge: Cartridge) -> None:
        self.technique, self.action = technique, ""
        self._cartridge = cartridge

    def look(self) -> Status:
        status, why = ask_tape(self._cartridge.path)
        if status is None:
            return Status("unknown", told=why)
        return Status("idle") if status.loaded else Status("unknown", told="no tape is loaded, or it is not ready")

    def commands(self) -> list[Command]:
        back, erase = long_erase_commands(self._cartridge.path)
        return [Command(tuple(back), "rewind the tape", 1800.0), Command(tuple(erase), "erase the tape to its end", None)]

    def objection(self) -> str:
        memory, why = ask_memory(self._cartridge.drive)
        if memory is None:
            return f"which cartridge is in {self._cartridge.name} cannot be told any more: {why}"
        return "" if memory.serial == self._cartridge.serial else f"another cartridge is in {self._cartridge.name} now"

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        # A negative code is that of a signal: mt was ended, and the drive was not.
        return None if answer.code is None or answer.code < 0 else answer.code == 0
