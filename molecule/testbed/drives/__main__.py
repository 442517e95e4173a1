# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop user-space drives, inside the virtual machine.

    python3 -m drives up DIRECTORY < about.json     prints the block devices' names as JSON, once the kernel shows them
    python3 -m drives off DIRECTORY                 ends its process at once, as a power loss
    python3 -m drives on DIRECTORY                  starts it again
    python3 -m drives attach DIRECTORY              shows it to the kernel again, after it vanished or the machine was reset
    python3 -m drives behave DIRECTORY < behaviour.json
    python3 -m drives down DIRECTORY                takes it away

What a drive is told of itself (about.json) and how it can be made to fail (behaviour.json) is in molecule/README.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import typing as t
from pathlib import Path

from . import nvme_tcp, tcmu
from .ata import AtaDisk
from .nvme import NvmeDrive
from .nvme_pages import nqn_of
from .scsi import ScsiDisk
from .store import Drive
from .tape import ScsiTape

SECONDS = 60


def _about(directory: Path) -> dict[str, t.Any]:
    found: dict[str, t.Any] = json.loads((directory / "drive.json").read_text(encoding="utf-8"))
    return found


def _name(about: t.Mapping[str, t.Any]) -> str:
    return str(about["serial"]).lower()


def serve(directory: Path) -> None:
    """Be the drive, until this process is killed."""
    drive = Drive(directory)
    if drive.about["kind"] == "nvme":
        nvme_tcp.serve(NvmeDrive(drive))
        return
    kinds: dict[str, t.Callable[[Drive], tcmu.Target]] = {"ata": AtaDisk, "scsi": ScsiDisk, "tape": ScsiTape}
    tcmu.serve(kinds[drive.about["kind"]](drive), _name(drive.about))


def _running(directory: Path) -> bool:
    """Whether a process is the drive; it holds a lock as long as it lives."""
    with contextlib.suppress(FileNotFoundError), open(directory / "lock", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _be(directory: Path) -> t.NoReturn:
    """Be the drive in this process, which was forked for it."""
    os.setsid()
    log = os.open(directory / "drive.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "pid").write_text(str(os.getpid()))
        try:
            serve(directory)
        except BaseException:  # noqa: BLE001  # whatever ends a drive, the parent's own end is not to be walked through
            traceback.print_exc()
    os._exit(1)


def on(directory: Path) -> None:
    if _running(directory):
        return
    about = _about(directory)
    if about["kind"] != "nvme":
        tcmu.bind(_name(about), about["mib"] << 20, seconds=about.get("command_seconds"))
    (directory / "ready").unlink(missing_ok=True)
    process = os.fork()
    if process == 0:
        _be(directory)
    _until(lambda: (directory / "ready").exists() or os.waitpid(process, os.WNOHANG)[0] == process)


def off(directory: Path) -> None:
    if _running(directory):
        with contextlib.suppress(OSError):
            os.kill(int((directory / "pid").read_text()), signal.SIGKILL)
        _until(lambda: not _running(directory))
    (directory / "pid").unlink(missing_ok=True)


def behave(directory: Path, behaviour: t.Mapping[str, t.Any]) -> None:
    """How the drive behaves from its next command on."""
    fresh = directory / "behaviour.new"
    fresh.write_text(json.dumps(behaviour), encoding="utf-8")
    fresh.replace(directory / "behaviour.json")


def up(directory: Path) -> list[str]:
    directory.mkdir(parents=True, exist_ok=True)
    about = json.load(sys.stdin)
    behave(directory, about.pop("behaviour", {}))
    (directory / "drive.json").write_text(json.dumps(about), encoding="utf-8")
    return attach(directory)


def attach(directory: Path) -> list[str]:
    """Plug the drive in, and wait until the kernel shows it."""
    on(directory)
    about = _about(directory)
    if about["kind"] == "nvme" and not _shown(about):
        command = nvme_tcp.connect_command(about)
        _until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)
    elif about["kind"] != "nvme":
        tcmu.plug_in(_name(about))
    wanted = int(about.get("namespaces", 1)) if about["kind"] == "nvme" else 1
    _until(lambda: len(_shown(about)) >= wanted)
    subprocess.run(["udevadm", "settle", "--timeout=20"], check=False)
    return _shown(about)


def down(directory: Path) -> None:
    about = _about(directory)
    if about["kind"] == "nvme":
        subprocess.run(["nvme", "disconnect", "-n", nqn_of(about)], capture_output=True, check=False)
    else:
        # Without anyone who answers, the kernel would wait for the disk's last words.
        on(directory)
        tcmu.plug_out(_name(about))
    off(directory)
    if about["kind"] != "nvme":
        tcmu.release(_name(about))


def _shown(about: t.Mapping[str, t.Any]) -> list[str]:
    """The drive's devices, whatever serial number it tells: block devices, or the one of a tape drive that does not rewind."""
    found = Path("/sys/class/scsi_tape").glob("nst?") if about["kind"] == "tape" else Path("/sys/block").iterdir()
    return sorted(path.name for path in found if _is_of(path, about))


def _is_of(path: Path, about: t.Mapping[str, t.Any]) -> bool:
    if about["kind"] != "nvme":
        address = tcmu.address_of(_name(about))
        return bool(address) and os.path.basename(os.path.realpath(path / "device")) == address
    with contextlib.suppress(OSError):
        return (path / "device" / "subsysnqn").read_text().strip() == nqn_of(about)
    return False


def _until(holds: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the drive did not appear or end in time")
        time.sleep(0.1)


def main() -> None:
    action, directory = sys.argv[1], Path(sys.argv[2]).absolute()
    if action in ("up", "attach"):
        print(json.dumps(up(directory) if action == "up" else attach(directory)))
    elif action == "behave":
        behave(directory, json.load(sys.stdin))
    else:
        {"on": on, "off": off, "down": down}[action](directory)


if __name__ == "__main__":
    main()
