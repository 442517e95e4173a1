# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opal's revert: the kernel's structure and numbers, written anew from <linux/sed-opal.h>, and what is believed of its answers."""

from __future__ import annotations

import ctypes
import errno
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media import opal_revert
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._media.opal import Discovery
from ansible_collections.recordings.disposal.plugins.module_utils._media.opal_revert import OpalRevert, pack_key, read_secret

PSID = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class OpalKey(ctypes.Structure):
    _fields_ = [("lr", ctypes.c_uint8), ("key_len", ctypes.c_uint8), ("align", ctypes.c_uint8 * 6), ("key", ctypes.c_uint8 * 256)]


class Telling(Executor):
    """An executor to whose calls the kernel answers as the test says."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.calls: list[tuple[int, bytes]] = []

    def ioctl(self, fd: int, request: int, what: str, *, argument: bytearray | None = None) -> int:
        self.calls.append((request, bytes(argument or b"")))
        if self.answer < 0:
            raise OSError(-self.answer, os.strerror(-self.answer))
        return self.answer


@pytest.fixture
def secret(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "psid"
    path.write_bytes(PSID + b"\n")
    return path


def revert(secret: pathlib.Path, technique: str = "opal_psid_revert", problem: str = "") -> OpalRevert:
    # A file takes the place of the drive: nothing but the call that a test answers is made on it.
    device = Device("sdq", str(secret), 8, 0, 1 << 30, 512, 512, None, {"serial": ("S1",)})
    return OpalRevert(technique, device, str(secret), lambda fd: problem)


def request(number: int) -> int:
    """_IOW('p', number, struct opal_key)."""
    return 1 << 30 | ctypes.sizeof(OpalKey) << 16 | ord("p") << 8 | number


@pytest.mark.parametrize(("technique", "number", "kept"), [("opal_revert", 226, PSID + b"\n"), ("opal_psid_revert", 232, PSID)])
def test_the_call_is_the_kernels_and_no_argument_of_a_tool(secret: pathlib.Path, technique: str, number: int, kept: bytes) -> None:
    executor = Telling(0)
    firmware = revert(secret, technique)
    (command,) = firmware.commands()
    answer = command.carry_out(executor)
    ((asked, given),) = executor.calls
    key = OpalKey.from_buffer_copy(given)
    assert asked == request(number) and len(given) == ctypes.sizeof(OpalKey)
    assert (key.lr, key.key_len, bytes(key.key)[: key.key_len]) == (0, len(kept), kept)
    assert command.argv == () and answer.code == 0 and firmware.accepted(command, answer) is True


@pytest.mark.parametrize(
    ("answer", "accepted", "words"),
    [
        (1, False, "not authorized"),
        (18, False, "the authority is locked out"),
        (63, False, "failed"),
        (99, False, "status 99"),
        (-errno.ENOTTY, False, "the kernel refused it"),
        (-errno.EOPNOTSUPP, False, "the kernel refused it"),
        (-524, False, "the kernel refused it"),
        (-errno.EACCES, False, "Permission denied"),
        (-errno.EIO, None, "Input/output error"),
    ],
)
def test_what_is_no_success(secret: pathlib.Path, answer: int, accepted: bool | None, words: str) -> None:
    firmware = revert(secret)
    (command,) = firmware.commands()
    told = command.carry_out(Telling(answer))
    assert firmware.accepted(command, told) is accepted and words in told.errors + told.problem
    assert PSID.decode() not in told.errors + told.problem


def test_another_device_and_check_mode_get_no_command(secret: pathlib.Path) -> None:
    executor = Telling(0)
    firmware = revert(secret, problem="its size is another one")
    (command,) = firmware.commands()
    told = command.carry_out(executor)
    assert executor.calls == [] and firmware.accepted(command, told) is False and "its size is another one" in told.problem
    with pytest.raises(CheckModeWriteError):
        revert(secret).commands()[0].carry_out(CheckExecutor())


@pytest.mark.parametrize("data", [b"", b"\n", b"x" * 256])
def test_no_secret(tmp_path: pathlib.Path, data: bytes) -> None:
    path = tmp_path / "psid"
    path.write_bytes(data)
    with pytest.raises(RefusedError, match="nothing was done"):
        pack_key(read_secret(str(path), "opal_psid_revert"))
    with pytest.raises(RefusedError, match="cannot be read"):
        read_secret(str(tmp_path / "none"), "opal_revert")


@pytest.mark.parametrize(
    ("found", "state", "left"),
    [
        (None, "unknown", ""),
        (Discovery(("opal_2",), True, False, False, True, False, False), "done", ""),
        (Discovery(("opal_2",), True, True, False, True, False, False), "idle", "its locking is still enabled"),
        (Discovery(("opal_2",), True, True, True, True, True, False), "locked", "its locking is still enabled"),
    ],
)
def test_what_the_drive_says_of_its_locking(
    secret: pathlib.Path, monkeypatch: pytest.MonkeyPatch, found: Discovery | None, state: str, left: str
) -> None:
    told: t.Any = (found, "" if found else "no answer")
    monkeypatch.setattr(opal_revert, "ask_discovery", lambda path, *, nvme: told)
    firmware = revert(secret)
    assert firmware.look().state == state and left in firmware.residue() and bool(left) == bool(firmware.residue())
