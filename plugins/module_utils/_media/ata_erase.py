# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ATA SANITIZE DEVICE and SECURITY ERASE UNIT through hdparm, which ends with success also where the disk refused: only states count."""

from __future__ import annotations

from .._errors import RefusedError
from .._executor import Executor
from .ata import Identified, parse_sanitize_status, read_identify
from .firmware import Command, Firmware, Status, failure_mode
from .hidden import parse_identify
from .identity import Device
from .scsi_node import path_problem, rescan
from .tools import Answer, ask

__all__ = ["PASSWORD", "AtaSanitize", "AtaSecurityErase", "look_at_identify"]

# Not a secret: whoever finds a disk that an interrupted erase left locked can unlock it with this.
PASSWORD = "disposal"

_SURE = "--yes-i-know-what-i-am-doing"
_ACTIONS = {
    "ata_sanitize_block": ("block_erase", "--sanitize-block-erase"),
    "ata_sanitize_crypto": ("crypto_scramble", "--sanitize-crypto-scramble"),
    "ata_sanitize_overwrite": ("overwrite", "--sanitize-overwrite"),
}
# Between sending the command and its end the disk answers nothing; hdparm waits as long as the disk's own estimate says, and longer.
_SECONDS = None
# hdparm takes no more passes, and 0 for sixteen.
_MOST_PASSES = 7


def look_at_identify(path: str) -> Identified | str:
    """What the disk says of itself, or why it cannot be read."""
    answer = ask(["hdparm", "--Istdout", path])
    try:
        return read_identify(parse_identify(answer.text) or ())
    except RefusedError as error:
        return answer.problem or error.message


class AtaSanitize(Firmware):
    """SANITIZE DEVICE.

    :arg passes: of an overwrite, from 1 to 7; C(pattern) 32 bits.
    :raises RefusedError: hdparm does not take as many passes.
    """

    logged = True
    waits = False

    def __init__(self, technique: str, device: Device, *, passes: int = 1, pattern: int = 0) -> None:
        if technique == "ata_sanitize_overwrite" and not 1 <= passes <= _MOST_PASSES:
            raise RefusedError(
                f"passes is {passes}, and hdparm takes from 1 to {_MOST_PASSES} for {technique}, so nothing was done; correct it"
            )
        self.technique = technique
        # The disk's log does not tell which action it was.
        self.action = ""
        self._option, self._path, self._device = _ACTIONS[technique][1], device.path, device
        self._passes, self._pattern = passes, pattern

    def look(self) -> Status:
        found = parse_sanitize_status(ask(["hdparm", "--sanitize-status", self._path]))
        state = found.state if found.state != "idle" else "done" if found.succeeded else "never"
        return Status(state, found.progress, told=found.told)

    def commands(self) -> list[Command]:
        extra: tuple[str, ...] = ()
        if self.technique == "ata_sanitize_overwrite":
            extra = ("--sanitize-overwrite-passes", str(self._passes), f"hex:{self._pattern:08x}")
        option = (self._option,) if not extra else (*extra[:2], self._option, extra[2])
        return [Command(("hdparm", _SURE, *option, self._path), "sanitize the disk")]

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        # Its exit code tells of the tool only; what the disk did is in its log.
        return False if answer.code not in (0, None) else None

    def objection(self) -> str:
        return path_problem(self._device, self._path)

    def settle(self, executor: Executor) -> None:
        rescan(executor, self._device)

    def residue(self) -> str:
        return failure_mode(self._device.name, self.look())


class AtaSecurityErase(Firmware):
    """SECURITY ERASE UNIT, which needs a password to be set first; the disk forgets it when the erase has succeeded."""

    logged = True
    waits = True
    detaches = True

    def __init__(self, technique: str, device: Device) -> None:
        self.technique, self.action = technique, ""
        self._path, self._device = device.path, device
        self._option = "--security-erase-enhanced" if technique.endswith("enhanced") else "--security-erase"

    def look(self) -> Status:
        disk = look_at_identify(self._path)
        if isinstance(disk, str):
            return Status("unknown", told=disk)
        for flag, state in (("locked", "locked"), ("frozen", "frozen"), ("enabled", "armed")):
            if flag in disk.security:
                return Status(state, told=f"security: {', '.join(sorted(disk.security))}")
        return Status("idle", told=f"security: {', '.join(sorted(disk.security))}")

    def commands(self) -> list[Command]:
        commands = []
        state = self.look().state
        # An interrupted erase leaves the disk locked with this password.
        if state == "locked":
            commands.append(self._command("--security-unlock", "unlock the disk"))
        if state not in ("locked", "armed"):
            commands.append(self._command("--security-set-pass", "set the password that the erase needs"))
        return [*commands, self._command(self._option, "erase the disk", seconds=_SECONDS)]

    def objection(self) -> str:
        return path_problem(self._device, self._path)

    def _command(self, option: str, what: str, *, seconds: float | None = 120.0) -> Command:
        return Command(("hdparm", _SURE, "--user-master", "u", option, PASSWORD, self._path), what, seconds)

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        if "--security-set-pass" in command.argv:
            return self.look().state == "armed"
        if "--security-unlock" in command.argv:
            return self.look().state == "armed"
        # Aborted or not, hdparm may end with 0; the disk forgets the password only after a successful erase.
        return {"idle": True, "armed": False, "locked": False}.get(self.look().state)

    def amends(self) -> list[Command]:
        state = self.look().state
        unlock = [self._command("--security-unlock", "unlock the disk")] if state == "locked" else []
        return [*unlock, self._command("--security-disable", "take the password off again")] if state in ("locked", "armed") else []

    def settle(self, executor: Executor) -> None:
        rescan(executor, self._device)

    def residue(self) -> str:
        status = self.look()
        if status.state in ("locked", "armed"):
            return f"the disk still has the password {PASSWORD!r} set; take it off with hdparm --security-unlock and --security-disable"
        return "" if status.state in ("idle", "frozen") else f"whether the disk still has a password set cannot be read ({status.told})"
