# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A virtual machine with drives of every kind, reached over real SSH; its drives are files of its own work directory and nothing else.

    vm.py up --work DIR --inventory FILE < drives.json
    vm.py down --work DIR

drives.json is a list of C(Drive)s. C(up) writes an inventory as C(bed.py) does, with one host. Nothing of it outlives C(down), nor
C(LIFETIME), whatever becomes of who started it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from machine import BedError, alive, identity, make_key, own_image, run, wait_until
from vm_image import Image, ensure_image

__all__ = ["DRIVES", "Drive", "VirtualMachine"]

START_SECONDS = 240
# A machine that nobody has ended by then ends itself, in seconds.
LIFETIME = 3600
MEMORY_MIB = 1024
# Without acceleration a plain processor is the fastest: what newer ones add is emulated at several times its cost.
PROCESSOR = "qemu64,+rdrand"
TOOLS = ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "ssh", "ssh-keygen", "mke2fs", "cpio", "depmod")


class Drive(t.TypedDict):
    """One drive that QEMU emulates. An NVMe drive has as many namespaces as C(images)."""

    kind: t.Literal["nvme", "sata", "scsi", "usb"]
    serial: str
    images: list[str]
    mib: int


DRIVES: list[Drive] = [
    {"kind": "nvme", "serial": "QNVME1", "images": ["nvme1.img"], "mib": 64},
    {"kind": "nvme", "serial": "QNVME2", "images": ["nvme2a.img", "nvme2b.img"], "mib": 64},
    {"kind": "sata", "serial": "QSATA1", "images": ["sata1.img"], "mib": 64},
    {"kind": "scsi", "serial": "QSCSI1", "images": ["scsi1.img"], "mib": 64},
    {"kind": "usb", "serial": "QUSB1", "images": ["usb1.img"], "mib": 32},
]


def log(text: str) -> None:
    print(f"test-bed: {text}", file=sys.stderr, flush=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class VirtualMachine:
    """One machine of one work directory.

    :arg work: made by C(start), removed by C(stop).
    """

    def __init__(self, work: Path, drives: t.Sequence[Drive] = ()) -> None:
        self.work = Path(os.path.realpath(work))
        self.drives = list(drives)
        self.state_file = self.work / "vm.json"
        self.state: dict[str, t.Any] = {}
        self.tie: tuple[str, ...] = ()
        with contextlib.suppress(FileNotFoundError):
            self.state = json.loads(self.state_file.read_text(encoding="utf-8"))

    def __enter__(self) -> VirtualMachine:
        """As C(start); the machine ends with this process, however that ends."""
        self.tie = ("setpriv", "--pdeathsig", "TERM")
        self.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.stop()

    def start(self) -> None:
        """Boot, and wait until it can be logged in to.

        :raises BedError: something is missing or failed; nothing is left running then.
        """
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            raise BedError(f"the tools {', '.join(missing)} are missing; run {Path(__file__).with_name('install.sh')}")
        if self.work.is_dir() and any(self.work.iterdir()):
            raise BedError(f"{self.work} is not empty; the machine wants a directory of its own, which it removes in the end")
        image = ensure_image(log)
        self.work.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare(image)
            self._launch(image)
            self.wait_for_ssh()
        except BaseException:
            self.stop()
            raise

    def _prepare(self, image: Image) -> None:
        make_key(self.work / "client_key", "test-bed")
        # Over the shared image: what is written stays over a reset, and goes with the work directory.
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image.root), "-F", "raw", str(self.work / "root.qcow2"))
        for drive in self.drives:
            for name in drive["images"]:
                with open(self.work / name, "xb") as file:
                    file.truncate(drive["mib"] << 20)
        port = _free_port()
        (self.work / "known_hosts").write_text(f"[127.0.0.1]:{port} {image.host_key}\n", encoding="ascii")
        self.state = {"port": port}

    def _launch(self, image: Image) -> None:
        key = (self.work / "client_key.pub").read_text(encoding="ascii").split()[1]
        command = [
            *self.tie,
            *("timeout", "--kill-after=5", str(LIFETIME), "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "q35", "-accel", "tcg", "-cpu", PROCESSOR, "-smp", "1", "-m", str(MEMORY_MIB)),
            *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
            *("-append", f"console=ttyS0 quiet mitigations=off net.ifnames=0 testbed.key={key}"),
            *("-serial", f"file:{self.work / 'console.log'}", "-qmp", f"unix:{self.work / 'qmp'},server=on,wait=off"),
            *("-drive", f"file={self._own('root.qcow2')},if=none,id=root,format=qcow2,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=root,serial=SYSTEM"),
            *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.state['port']}-:22"),
            *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
            *("-device", "ich9-ahci,id=ahci", "-device", "virtio-scsi-pci,id=scsi", "-device", "qemu-xhci,id=xhci"),
        ]
        for number, drive in enumerate(self.drives):
            command += self._drive(number, drive)
        with open(self.work / "qemu.log", "wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=self.work
            )
        # What uses it waits for it, so it goes first where the kernel shares the processors by session.
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/autogroup").write_text("-10", encoding="ascii")
        self.state["process"] = identity(process.pid)
        self.state["session"] = process.pid
        self.state_file.write_text(json.dumps(self.state) + "\n", encoding="utf-8")

    def _own(self, name: str) -> Path:
        return own_image(self.work / name, self.work)

    def _drive(self, number: int, drive: Drive) -> list[str]:
        """QEMU's options for a drive over files of the work directory."""
        serial = drive["serial"]
        options: list[str] = []
        if drive["kind"] == "nvme":
            options += ["-device", f"nvme,id=nvme{number},serial={serial}"]
        for place, name in enumerate(drive["images"]):
            path, node = self._own(name), f"drive{number}-{place}"
            options += ["-drive", f"file={path},if=none,id={node},format=raw,cache=writeback"]
            wwn = f"0x5000c500{number:04x}{place:04x}"
            device = {
                "nvme": f"nvme-ns,bus=nvme{number},drive={node},nsid={place + 1},eui64={int(wwn, 16)}",
                "sata": f"ide-hd,bus=ahci.{number % 6},drive={node},serial={serial},wwn={wwn},rotation_rate=7200",
                "scsi": f"scsi-hd,bus=scsi.0,drive={node},serial={serial},wwn={wwn},device_id={serial},rotation_rate=7200",
                "usb": f"usb-storage,bus=xhci.0,drive={node},serial={serial}",
            }[drive["kind"]]
            options += ["-device", device]
        return options

    def wait_for_ssh(self) -> None:
        """:raises BedError: it cannot be logged in to in time."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not alive(self.state["process"]):
                raise BedError(f"the virtual machine ended: {(self.work / 'qemu.log').read_text(errors='replace')[-500:]}")
            with (
                contextlib.suppress(OSError, subprocess.TimeoutExpired),
                socket.create_connection(("127.0.0.1", self.state["port"]), timeout=2) as probe,
            ):
                probe.settimeout(5)
                if probe.recv(4) == b"SSH-" and self.run("true", check=False, timeout=60).returncode == 0:
                    return
            time.sleep(0.2)
        raise BedError(
            f"the virtual machine did not answer; its console said: {(self.work / 'console.log').read_text(errors='replace')[-500:]}"
        )

    @property
    def ssh(self) -> list[str]:
        """The command that logs in, over one connection that stays open."""
        options = {
            "IdentityFile": self.work / "client_key",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self.work / "known_hosts",
            "ControlMaster": "auto",
            "ControlPath": self.work / "ssh",
            "ControlPersist": "600",
            "ServerAliveInterval": "15",
            "LogLevel": "ERROR",
        }
        told = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "/dev/null", *told, "-p", str(self.state["port"]), "root@127.0.0.1"]

    def run(self, command: str, *, stdin: bytes = b"", timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the machine.

        :raises BedError: it failed, unless C(check) is false.
        """
        done = subprocess.run([*self.ssh, command], input=stdin, capture_output=True, timeout=timeout, check=False)
        result = subprocess.CompletedProcess(
            command, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )
        if check and result.returncode:
            raise BedError(f"{command} failed in the virtual machine ({result.returncode}): {result.stdout[-1500:]}{result.stderr[-1500:]}")
        return result

    def put(self, local: Path, remote: str, *, exclude: t.Sequence[str] = ("__pycache__",)) -> None:
        """Copy a file or directory to the directory C(remote)."""
        packed = subprocess.run(
            ["tar", "-C", str(local.parent), *(f"--exclude={name}" for name in exclude), "-chf", "-", local.name],
            capture_output=True,
            check=True,
        )
        self.run(f"mkdir -p {shlex.quote(remote)} && tar -C {shlex.quote(remote)} -xf -", stdin=packed.stdout)

    def tell(self, command: str, **arguments: t.Any) -> None:
        """One command to QEMU's own monitor."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(30)
            monitor.connect(str(self.work / "qmp"))
            answers = monitor.makefile("r", encoding="utf-8")
            answers.readline()
            for line in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                monitor.sendall(json.dumps(line).encode() + b"\n")
                while not {"return", "error"} & (answer := json.loads(answers.readline())).keys():
                    pass
                if "error" in answer:
                    raise BedError(f"QEMU refused {command}: {answer['error']['desc']}")

    def reset(self) -> None:
        """As if the power failed; returns when it can be logged in to again."""
        self.hang_up()
        self.tell("system_reset")
        time.sleep(1)
        self.wait_for_ssh()

    def hang_up(self) -> None:
        """Close the connection that is kept open."""
        subprocess.run([*self.ssh[:-1], "-O", "exit", self.ssh[-1]], capture_output=True, check=False)

    def cut(self, *, on: bool) -> None:
        """Pull the network cable, or plug it in again."""
        self.tell("set_link", name="net", up=not on)

    def stop(self) -> None:
        """End the machine and remove its work directory; fine where there is none.

        :raises BedError: it could not be ended.
        """
        process = self.state.get("process")
        if process is not None:
            self.hang_up()
            if alive(process):
                # The session is its own: timeout and QEMU, nothing else.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.state["session"], signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process["pid"], 0)
            wait_until(lambda: not alive(process), "the virtual machine still runs")
        if self.work.is_dir() and (self.state or not any(self.work.iterdir())):
            shutil.rmtree(self.work)
        self.state = {}

    def write_inventory(self, inventory: Path) -> None:
        """What a scenario knows of the machine."""
        common = " ".join(
            ["-F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes", f"-o UserKnownHostsFile={self.work / 'known_hosts'}"]
        )
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.state["port"],
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.work / "client_key"),
            "ansible_ssh_common_args": common,
            "ansible_python_interpreter": "/usr/bin/python3",
            "testbed_work": str(self.work),
        }
        inventory.parent.mkdir(parents=True, exist_ok=True)
        inventory.write_text(json.dumps({"all": {"hosts": {"drives": host}}}, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="A virtual machine with drives, for the molecule scenarios.")
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--work", type=Path, required=True, help="directory for its files; made by up, removed by down")
    parser.add_argument("--inventory", type=Path, help="file that up writes")
    options = parser.parse_args()
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    try:
        if options.command == "down":
            VirtualMachine(options.work).stop()
        elif options.inventory is None:
            parser.error("up needs --inventory")
        else:
            machine = VirtualMachine(options.work, json.load(sys.stdin))
            machine.start()
            machine.write_inventory(options.inventory)
    except BedError as error:
        log(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
