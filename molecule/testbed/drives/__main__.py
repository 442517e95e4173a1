# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop user-space drives, inside the virtual machine.

    python3 -m drives up DIRECTORY < about.json     prints the block devices' names, once the kernel shows them
    python3 -m drives off DIRECTORY                 ends its process at once, as a power loss
    python3 -m drives on DIRECTORY                  starts it again
    python3 -m drives down DIRECTORY                takes it away

about.json: C(kind) (nvme, scsi or ata), C(serial), C(mib), and for NVMe C(port), C(namespaces), C(sanicap), C(fna); for SCSI C(rotation),
C(lacks) (operation codes), C(no_operations); for ATA C(rotation), C(word59).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import nvme_tcp, tcmu
from .ata import AtaDisk
from .nvme import NvmeDrive
from .nvme_pages import nqn_of
from .scsi import ScsiDisk
from .store import Drive

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
    disk: ScsiDisk = AtaDisk(drive) if drive.about["kind"] == "ata" else ScsiDisk(drive)
    tcmu.serve(disk, _name(drive.about))


def on(directory: Path) -> None:
    about = _about(directory)
    if about["kind"] != "nvme":
        tcmu.bind(_name(about), about["mib"] << 20)
    with open(directory / "drive.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "drives", "serve", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (directory / "pid").write_text(str(process.pid))


def off(directory: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((directory / "pid").read_text()), signal.SIGKILL)
    (directory / "pid").unlink(missing_ok=True)


def up(directory: Path) -> list[str]:
    directory.mkdir(parents=True, exist_ok=True)
    about = json.load(sys.stdin)
    (directory / "drive.json").write_text(json.dumps(about), encoding="utf-8")
    on(directory)
    return attach(directory)


def attach(directory: Path) -> list[str]:
    """Plug the running drive in, and wait until the kernel shows it."""
    about = _about(directory)
    if about["kind"] == "nvme":
        command = nvme_tcp.connect_command(about)
        _until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)
    else:
        tcmu.plug_in(_name(about))
    wanted = int(about.get("namespaces", 1))
    _until(lambda: len(_shown(about)) >= wanted)
    subprocess.run(["udevadm", "settle", "--timeout=20"], check=False)
    return _shown(about)


def down(directory: Path) -> None:
    about = _about(directory)
    if about["kind"] == "nvme":
        subprocess.run(["nvme", "disconnect", "-n", nqn_of(about)], capture_output=True, check=False)
    else:
        for name in _shown(about):
            with contextlib.suppress(OSError):
                Path(f"/sys/block/{name}/device/delete").write_text("1")
        tcmu.plug_out(_name(about))
    off(directory)


def _shown(about: t.Mapping[str, t.Any]) -> list[str]:
    """The block devices with the drive's own serial number."""
    found = []
    for path in sorted(Path("/sys/block").iterdir()):
        serial = b""
        for place in ("device/serial", "device/vpd_pg80"):
            with contextlib.suppress(OSError):
                serial += (path / place).read_bytes()
        if about["serial"].encode() in serial:
            found.append(path.name)
    return found


def _until(holds: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the drive did not appear in time")
        time.sleep(0.1)


def main() -> None:
    action, directory = sys.argv[1], Path(sys.argv[2])
    if action == "serve":
        serve(directory)
    elif action in ("up", "attach"):
        print(json.dumps(up(directory) if action == "up" else attach(directory)))
    else:
        {"on": on, "off": off, "down": down}[action](directory)


if __name__ == "__main__":
    main()
