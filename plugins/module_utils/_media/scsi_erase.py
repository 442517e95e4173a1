# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCSI SANITIZE and FORMAT UNIT through sg3_utils, which end with success also where the device did nothing: only sense data counts."""

from __future__ import annotations

from .._executor import Executor
from .firmware import RUNNING, Command, Firmware, Status, failure_mode
from .identity import Device
from .scsi import ask_state
from .scsi_node import command_path, path_problem, rescan
from .tools import Answer

__all__ = ["ScsiErase"]

_SANITIZE = {"scsi_sanitize_block": "--block", "scsi_sanitize_crypto": "--crypto", "scsi_sanitize_overwrite": "--overwrite"}


class ScsiErase(Firmware):
    """One technique on a SCSI device, which keeps no log: what it did is seen only while it does it.

    :arg passes: of a sanitize that overwrites, from 1 to 31; the pattern is zeros.
    """

    waits = False

    def __init__(self, technique: str, device: Device, *, passes: int = 1) -> None:
        self.technique, self.action = technique, ""
        # A short format is over before it can be seen; what is read back proves it.
        self.logged = technique in _SANITIZE
        self._path, self._passes = command_path(device), passes
        self._device = device

    def look(self) -> Status:
        sense = ask_state(self._path)
        state = {"sanitize_in_progress": RUNNING, "format_in_progress": RUNNING, "sanitize_failed": "failed", "format_failed": "failed"}
        if sense.state in state:
            return Status(state[sense.state], sense.progress, told=sense.told)
        return Status("idle" if sense.state == "ready" else "unknown", told=sense.told)

    def commands(self) -> list[Command]:
        if self.technique == "scsi_format":
            return [Command(("sg_format", "--format", "--early", "--quick", self._path), "format the device", 600.0)]
        extra: tuple[str, ...] = ()
        if self.technique == "scsi_sanitize_overwrite":
            extra = (f"--count={self._passes}", "--zero")
        return [Command(("sg_sanitize", _SANITIZE[self.technique], *extra, "--early", "--quick", self._path), "sanitize the device", 600.0)]

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        # A code of 0 tells only that the tool is content; 5 is an illegal request, which the device did not take.
        return {5: False, 9: False}.get(answer.code if answer.code is not None else -1, True if answer.code == 0 else None)

    def objection(self) -> str:
        return path_problem(self._device, self._path)

    def exits(self) -> list[Command]:
        return [Command(("sg_sanitize", "--fail", "--quick", self._path), "leave the failure mode", 600.0)] if self.logged else []

    def settle(self, executor: Executor) -> None:
        rescan(executor, self._device)

    def residue(self) -> str:
        return failure_mode(self._device.name, self.look())
