# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCG Opal's revert, which has a self-encrypting drive make new media keys: by the kernel's own call, so that no secret is an argument of a tool.

The structure and the numbers are those of <linux/sed-opal.h>. The kernel answers 0, a negative number as any call, or above 0 the status code of
the TCG Storage Architecture Core Specification that the drive gave.
"""

from __future__ import annotations

import errno
import os
import struct
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .firmware import Command, Firmware, Status
from .identity import Device
from .opal import ask_discovery
from .tools import Answer

__all__ = ["OPAL_TECHNIQUES", "OpalRevert", "pack_key", "read_secret"]

OPAL_TECHNIQUES = ("opal_revert", "opal_psid_revert")
_REQUESTS = {"opal_revert": 0x410870E2, "opal_psid_revert": 0x410870E8}
_KEY = struct.Struct("=BB6x256s")
_MOST = 255
_WHAT = "revert a self-encrypting drive"
_STATUS = {
    1: "not authorized",
    3: "the security provider is busy",
    4: "the security provider has failed",
    5: "the security provider is disabled",
    6: "the security provider is frozen",
    7: "no sessions are available",
    12: "invalid parameter",
    15: "the drive malfunctions",
    18: "the authority is locked out",
    63: "failed",
}
# What the kernel itself says before anything reaches the drive; 524 is its ENOTSUPP, which older ones let out.
_NOT_SENT = (errno.EACCES, errno.EPERM, errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV, 524)


def pack_key(secret: bytes) -> bytearray:
    """C(struct opal_key) with a secret for the whole drive.

    :raises RefusedError: it is empty or too long.
    """
    if not 0 < len(secret) <= _MOST:
        raise RefusedError(f"the drive's secret has {len(secret)} bytes, not from 1 to {_MOST}, so nothing was done; correct its file")
    return bytearray(_KEY.pack(0, len(secret), secret))


def read_secret(path: str, technique: str) -> bytes:
    """What a file holds, of a PSID without the end of its line and blanks.

    :raises RefusedError: it cannot be read.
    """
    try:
        with open(path, "rb") as handle:
            data = handle.read(_MOST + 2)
    except OSError as error:
        raise RefusedError(
            f"the file {path} with the drive's secret cannot be read ({error.strerror}), so nothing was done; correct it"
        ) from error
    return data.strip() if technique == "opal_psid_revert" else data


class OpalRevert(Firmware):
    """Revert with the owner's password (SID), or with the PSID that is printed on the drive.

    :arg secret_file: absolute path of the file that has it.
    :arg still: in what an open descriptor is not the device any more, empty where it is.
    """

    logged = False
    waits = False
    action = ""
    limits = ("that the drive made new media keys is its own word: nobody outside can read them",)

    def __init__(self, technique: str, device: Device, secret_file: str, still: t.Callable[[int], str]) -> None:
        self.technique, self._device, self._file, self._still = technique, device, secret_file, still

    def look(self) -> Status:
        found, why = ask_discovery(self._device.path, nvme=self._device.name.startswith("nvme"))
        if found is None:
            return Status("unknown", told=why)
        if found.locked:
            return Status("locked", told="a range of the drive is locked")
        return Status("idle", told="locking is enabled") if found.enabled else Status("done", told="locking is not enabled")

    def commands(self) -> list[Command]:
        return [Command((), _WHAT, call=self._revert)]

    def _revert(self, executor: Executor) -> Answer:
        """The call. The secret is read for it, and kept no longer than it takes."""
        argument = pack_key(read_secret(self._file, self.technique))
        try:
            fd = os.open(self._device.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                problem = self._still(fd)
                if problem:
                    return Answer(-errno.ENODEV, b"", "", f"it is another device now ({problem})")
                code = executor.ioctl(fd, _REQUESTS[self.technique], _WHAT, argument=argument)
            finally:
                os.close(fd)
        except OSError as error:
            return Answer(-(error.errno or errno.EIO), b"", "", f"the kernel refused it ({error.strerror})")
        finally:
            argument[:] = bytes(len(argument))
        return Answer(code, b"", f"the drive refused it ({_STATUS.get(code, f'status {code}')})" if code else "")

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        if answer.code == 0:
            return True
        # The drive's own refusals, and what never reached it; another error of the kernel may have come after it took the command.
        return False if answer.code is not None and (answer.code > 0 or -answer.code in _NOT_SENT) else None

    def residue(self) -> str:
        now = self.look()
        return "the drive says that its locking is still enabled" if now.state in ("idle", "locked") else ""
