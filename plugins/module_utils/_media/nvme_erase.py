# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVMe Sanitize and Format NVM through nvme-cli. Commands go to the controller, since a namespace is held by this process."""

from __future__ import annotations

import os
import re

from .._errors import RefusedError
from .firmware import RUNNING, VERIFYING, Command, Firmware, Status, failure_mode
from .identity import Device
from .nodes import node_problem
from .nvme import parse_controller, parse_namespace, parse_sanitize_log
from .tools import Answer, ask, failure

__all__ = ["NvmeFormat", "NvmeSanitize", "controller_of", "count_namespaces", "formats_all", "namespace_number"]

_ACTIONS = {
    "nvme_sanitize_block": ("block_erase", 2),
    "nvme_sanitize_overwrite": ("overwrite", 3),
    "nvme_sanitize_crypto": ("crypto_erase", 4),
}
_FORMATS = {"nvme_format_user_data": 1, "nvme_format_crypto": 2}
# A drive that is busy with itself may let commands wait.
_SECONDS = 300.0
_LIST_BYTES = 4096
# Since NVMe 2.1: the bit of SANICAP and of the command's dword 10, and where the log tells the state, of which 5 is media verification.
_VERIFIES, _ENTER, _EXIT = 1 << 3, 1 << 10, 5
_STATE_BYTE, _IN_VERIFICATION = 36, 5
# Of Identify Controller.
_SANICAP = slice(328, 332)
# What nvme-cli prints where the drive itself refused: then it took nothing.
_REFUSED = re.compile(r"NVMe [Ss]tatus|status: [A-Z]|\(0x[0-9a-fA-F]+\)")


def controller_of(device: Device, *, sys_root: str = "/sys") -> str:
    """The path of a controller through which a namespace can be reached.

    :raises RefusedError: none is shown.
    """
    problems = []
    for directory in _controllers(device, sys_root):
        if _word(directory, "state") not in ("live", ""):
            continue
        path = f"/dev/{os.path.basename(directory)}"
        problem = node_problem(path, directory)
        if not problem:
            return path
        problems.append(problem)
    told = f" ({'; '.join(problems)})" if problems else ""
    raise RefusedError(
        f"no controller of {device.name} that is live can be found{told}, so nothing was done; look at the drive's connection and its nodes"
    )


def _controllers(device: Device, sys_root: str) -> list[str]:
    """The directories of the controllers of a namespace's drive."""
    below = os.path.realpath(os.path.join(sys_root, "class", "block", device.name, "device"))
    if re.fullmatch(r"nvme\d+", os.path.basename(below)):
        return [below]
    return [os.path.join(below, name) for name in sorted(_names(below)) if re.fullmatch(r"nvme\d+", name)]


def _path_problem(device: Device, path: str) -> str:
    """Why commands to a controller's path may reach another drive by now; empty where they do not."""
    places = {f"/dev/{os.path.basename(each)}": each for each in _controllers(device, "/sys")}
    return node_problem(path, places[path]) if path in places else f"{path} is no controller of {device.name} any more"


def namespace_number(device: Device, *, sys_root: str = "/sys") -> int:
    """The namespace's number in its drive.

    :raises RefusedError: the kernel does not show it.
    """
    text = _word(sys_root, "class", "block", device.name, "nsid") or _name_number(device.name)
    if not text.isdigit() or not int(text):
        raise RefusedError(f"the kernel does not show the namespace of {device.name}, so nothing was done; look at the drive")
    return int(text)


def count_namespaces(device: Device) -> int | str:
    """How many namespaces the drive has, also those that this host does not see; or why that cannot be told."""
    path = controller_of(device)
    found = ask(["nvme", "id-ctrl", "--raw-binary", path])
    if found.code != 0:
        return failure(found)
    # Of a drive that manages namespaces all that are allocated, attached or not; of another those that are active.
    kind = 0x10 if parse_controller(found.output).manages_namespaces else 0x02
    listed = ask(["nvme", "admin-passthru", "--opcode=6", f"--cdw10={kind}", "--data-len=4096", "--read", "--raw-binary", path])
    if listed.code != 0 or len(listed.output) < _LIST_BYTES:
        return failure(listed) if listed.code != 0 else "the drive's list of namespaces is cut off"
    numbers = (int.from_bytes(listed.output[place : place + 4], "little") for place in range(0, _LIST_BYTES, 4))
    return sum(1 for number in numbers if number)


def formats_all(device: Device) -> bool:
    """Whether a format of one namespace is one of all; so it counts where that cannot be read."""
    found = ask(["nvme", "id-ctrl", "--raw-binary", controller_of(device)])
    return found.code != 0 or parse_controller(found.output).format_all


def _name_number(name: str) -> str:
    found = re.fullmatch(r"nvme\d+n(\d+)", name)
    return found[1] if found else ""


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _word(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _taken(answer: Answer) -> bool | None:
    if answer.code == 0:
        return True
    return False if answer.code is not None and _REFUSED.search(answer.errors + answer.text) else None


def look_at_log(path: str) -> Status:
    """The sanitize log as a status."""
    answer = ask(["nvme", "sanitize-log", "--raw-binary", path])
    if answer.code != 0:
        return Status("unknown", told=failure(answer))
    try:
        log = parse_sanitize_log(answer.output)
    except RefusedError as error:
        return Status("unknown", told=error.message)
    # Before NVMe 2.1 these bytes are reserved, and 0.
    if log.state == RUNNING and answer.output[_STATE_BYTE : _STATE_BYTE + 1] and answer.output[_STATE_BYTE] & 0xF == _IN_VERIFICATION:
        return Status(VERIFYING, None, log.action, log.untouched, "the drive is in its media verification state")
    return Status(log.state, log.progress if log.state == RUNNING else None, log.action, log.untouched)


def _why_no_verification(path: str) -> str:
    found = ask(["nvme", "id-ctrl", "--raw-binary", path])
    if found.code != 0 or len(found.output) < _SANICAP.stop:
        return f"whether the drive has a media verification state cannot be read ({failure(found)})"
    offers = int.from_bytes(found.output[_SANICAP], "little") & _VERIFIES
    return "" if offers else "the drive has no media verification state (SANICAP)"


class NvmeSanitize(Firmware):
    """Sanitize, which reaches every namespace of the drive.

    :arg passes: of an overwrite, from 1 to 15; C(pattern) 32 bits.
    """

    logged = True
    waits = False

    def __init__(self, technique: str, device: Device, *, passes: int = 1, pattern: int = 0) -> None:
        self.technique = technique
        self.action, self._number = _ACTIONS[technique]
        self._device, self._path, self._passes, self._pattern = device, controller_of(device), passes, pattern
        self.no_verification = _why_no_verification(self._path)

    def look(self) -> Status:
        return look_at_log(self._path)

    def objection(self) -> str:
        return _path_problem(self._device, self._path)

    def commands(self) -> list[Command]:
        if not self.no_verification:
            # nvme-cli before 2.11 has no word for it.
            passes = self._passes << 4 if self.action == "overwrite" else 0
            return [self._raw(self._number | passes | _ENTER, "sanitize the drive, and let its media be verified", self._pattern)]
        # --owpass=0 would mean sixteen.
        words = (f"--owpass={self._passes}", f"--ovrpat={self._pattern:#x}") if self.action == "overwrite" else ()
        return [Command(("nvme", "sanitize", f"--sanact={self._number}", *words, self._path), "sanitize the drive", _SECONDS)]

    def _raw(self, dword: int, what: str, pattern: int = 0) -> Command:
        words = (f"--cdw10={dword:#x}", f"--cdw11={pattern:#x}")
        return Command(("nvme", "admin-passthru", "--opcode=0x84", *words, self._path), what, _SECONDS)

    def exits(self) -> list[Command]:
        return [Command(("nvme", "sanitize", "--sanact=1", self._path), "leave the failure mode", _SECONDS)]

    def ends_verification(self) -> list[Command]:
        return [self._raw(_EXIT, "leave the media verification state")]

    def residue(self) -> str:
        return failure_mode(self._device.name, self.look())

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        return _taken(answer)


class NvmeFormat(Firmware):
    """Format NVM with a secure erase. No log tells of it, so only what is read back proves anything.

    :arg seconds: that it may take.
    """

    logged = False
    waits = True
    detaches = True

    def __init__(self, technique: str, device: Device, *, seconds: float = 6 * 3600.0) -> None:
        self.technique, self.action = technique, ""
        self._device, self._path, self._seconds = device, controller_of(device), seconds
        self._number = namespace_number(device)

    def look(self) -> Status:
        log = look_at_log(self._path)
        # A drive without sanitize has no such log; whether a sanitize is in the way is all that matters here.
        return log if log.state in (RUNNING, VERIFYING) else Status("idle", told=log.told)

    def objection(self) -> str:
        return _path_problem(self._device, self._path)

    def commands(self) -> list[Command]:
        found = ask(["nvme", "id-ns", "--raw-binary", f"--namespace-id={self._number}", self._path])
        if found.code != 0:
            raise RefusedError(f"the namespace's format cannot be read ({failure(found)}), so it was not formatted")
        index = parse_namespace(found.output).format_index
        argv = (
            *("nvme", "format", f"--namespace-id={self._number}", f"--ses={_FORMATS[self.technique]}", f"--lbaf={index}"),
            *("--force", f"--timeout={int(self._seconds * 1000)}", self._path),
        )
        return [Command(argv, "format the namespace with a secure erase", self._seconds + 60)]

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        return _taken(answer)
