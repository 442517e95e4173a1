# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCSI SANITIZE and FORMAT UNIT through sg3_utils, which end with success also where the device did nothing: only sense data counts."""

from __future__ import annotations

import contextlib
import os
import time

from .._executor import Executor
from .firmware import RUNNING, Command, Status
from .identity import Device
from .scsi import ask_sense, command_path
from .tools import Answer

__all__ = ["ScsiErase"]

_SANITIZE = {"scsi_sanitize_block": "--block", "scsi_sanitize_crypto": "--crypto", "scsi_sanitize_overwrite": "--overwrite"}
# The kernel takes a device that is busy with itself for one without a medium; for so long it may need to look again, in seconds.
_SETTLE = 10.0


class ScsiErase:
    """One technique on a SCSI device, which keeps no log: what it did is seen only while it does it.

    :arg passes: of a sanitize that overwrites, from 1 to 31; the pattern is zeros.
    """

    waits = False

    def __init__(self, technique: str, device: Device, *, passes: int = 1, sys_root: str = "/sys") -> None:
        self.technique, self.action = technique, ""
        # A short format is over before it can be seen; what is read back proves it.
        self.logged = technique in _SANITIZE
        self._path, self._passes = command_path(device, sys_root=sys_root), passes
        self._sys = os.path.join(sys_root, "block", device.name)

    def look(self) -> Status:
        sense = ask_sense(self._path)
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

    def amends(self) -> list[Command]:
        return []

    def settle(self, executor: Executor) -> None:
        """Have the kernel read the device's size again."""
        deadline = time.monotonic() + _SETTLE
        with contextlib.suppress(OSError):
            fd = executor.open(os.path.join(os.path.realpath(self._sys), "device", "rescan"), os.O_WRONLY)
            try:
                executor.write(fd, b"1")
            finally:
                os.close(fd)
        while time.monotonic() < deadline and self._size() in ("", "0"):
            time.sleep(0.2)

    def _size(self) -> str:
        try:
            with open(os.path.join(self._sys, "size"), encoding="ascii") as handle:
                return handle.read().strip()
        except OSError:
            return ""

    def residue(self) -> str:
        return ""
