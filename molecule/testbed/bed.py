# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test hosts that are reached over real SSH: namespaces, one file tree, and for each host an ext4 filesystem in an image file.

    bed.py up --work DIR --inventory FILE < hosts.json
    bed.py down --work DIR

hosts.json is a list of {"name", "image_mib", "storage": path, "shown": {subdirectory of the storage: path}}. C(up) writes FILE, an
Ansible inventory with host, port, user and key, which is all that a scenario knows of how its hosts are made. C(down) is for after a
failure or a kill too: it ends the recorded processes and nothing else. The record is under /run, which like them ends with a reboot.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
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

from machine import BedError, alive, child_of, free_network, identity, loops_of, make_key, own_image, run, wait_until
from rootfs import ensure_rootfs

HERE = Path(__file__).resolve().parent
RUN = Path("/run/recordings-testbed")
TOOLS = ("mmdebstrap", "ssh", "ssh-keygen", "mke2fs", "unshare", "nsenter", "pivot_root", "ip")
START_SECONDS = 30

Host = dict[str, t.Any]


def log(text: str) -> None:
    print(f"test-bed: {text}", file=sys.stderr, flush=True)


class Bed:
    """The hosts of one work directory."""

    def __init__(self, work: Path) -> None:
        self.work = Path(os.path.realpath(work))
        self.run = RUN / hashlib.sha256(os.fsencode(self.work)).hexdigest()[:12]
        self.state_file = self.run / "bed.json"
        # ssh's control sockets need a short path.
        self.sockets = self.run / "ssh"
        self.hosts: list[Host] = []
        with contextlib.suppress(FileNotFoundError):
            self.hosts = json.loads(self.state_file.read_text(encoding="utf-8"))["hosts"]

    def up(self, specs: list[Host], inventory: Path) -> None:
        """Make and start the hosts, and write the inventory.

        :raises BedError: something is missing or failed; nothing is left running then.
        """
        check_machine()
        if self.run.exists():
            raise BedError(f"the hosts of {self.work} are up already, or were left behind; take them down first")
        if self.work.is_dir() and any(self.work.iterdir()):
            raise BedError(f"{self.work} is not empty; the test-bed wants a directory of its own, which it removes in the end")
        tree = ensure_rootfs(log)
        self.sockets.mkdir(parents=True, mode=0o700)
        self.run.chmod(0o700)
        try:
            self._save()
            self.work.mkdir(parents=True, exist_ok=True)
            make_key(self.work / "client_key", "test-bed")
            network = free_network(str(self.work))
            for index, spec in enumerate(specs):
                self._start(spec, tree, network, index)
            for host in self.hosts:
                self._wait_for_ssh(host)
            self._write_inventory(inventory)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End what C(up) started and remove what it made; fine where there is nothing.

        :raises BedError: something could not be ended.
        """
        if not self.run.is_dir():
            return
        for control in self.sockets.glob("*"):
            # Ansible keeps connections open for a while; those to hosts that are gone would only time out.
            run("ssh", "-F", "/dev/null", "-o", f"ControlPath={control}", "-O", "exit", "testbed", check=False)
        for process in (process for host in self.hosts for process in host["processes"] if alive(process)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process["pid"], signal.SIGKILL)
        for host in self.hosts:
            self._wait_for_end(host)
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        if any(line.split()[4].startswith(f"{self.work}/") for line in mounts):
            raise BedError(f"something is mounted below {self.work}, so it was not removed")
        if self.work.is_dir():
            shutil.rmtree(self.work)
        shutil.rmtree(self.run)
        self.hosts = []

    def _save(self) -> None:
        fresh = self.state_file.with_suffix(".new")
        fresh.write_text(json.dumps({"work": str(self.work), "hosts": self.hosts}, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self.state_file)

    def _start(self, spec: Host, tree: Path, network: str, index: int) -> None:
        name = spec["name"]
        directory = self.work / name
        directory.mkdir()
        image = self.work / f"{name}.img"
        with open(image, "xb") as file:
            file.truncate(int(spec["image_mib"]) << 20)
        run("mke2fs", "-q", "-t", "ext4", "-F", "-b", "4096", "-E", "nodiscard", str(own_image(image, self.work)))
        make_key(directory / "host_key", name)
        shutil.copy(self.work / "client_key.pub", directory / "authorized_keys")
        with open(directory / "console.log", "wb") as console:
            process = subprocess.Popen(
                ["unshare", "--mount", "--uts", "--ipc", "--pid", "--net", "--fork", "--kill-child=KILL"]
                + [str(HERE / "host-init.sh"), name, str(directory), str(tree), str(image), spec["storage"]]
                + [f"{part}:{path}" for part, path in spec.get("shown", {}).items()],
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
                start_new_session=True,
                cwd="/",
            )
        assert process.stdin is not None
        host: Host = {
            "name": name,
            "processes": [identity(process.pid)],
            "link": f"rdt{network.split('.')[2]}-{index}",
            "address": f"{network}.{4 * index + 2}",
            "image": str(image),
            "storage": spec["storage"],
        }
        self.hosts.append(host)
        self._save()
        inner = self._first_process(host)
        host["processes"].insert(0, identity(inner))
        self._save()
        self._connect(host, inner, f"{network}.{4 * index + 1}")
        process.stdin.write(b"go\n")
        process.stdin.close()

    def _first_process(self, host: Host) -> int:
        """Process 1 of the new namespaces: the only child of the one that was started here."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            inner = child_of(host["processes"][0]["pid"])
            if inner is not None:
                return inner
            self._check_alive(host)
            time.sleep(0.01)
        raise BedError(f"host {host['name']} did not start")

    @staticmethod
    def _connect(host: Host, inner: int, controller: str) -> None:
        link, into = host["link"], ("nsenter", "-t", str(inner), "-n", "ip")
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(inner))
        run("ip", "address", "add", f"{controller}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        run(*into, "address", "add", f"{host['address']}/30", "dev", "eth0")
        run(*into, "link", "set", "eth0", "up")

    def _check_alive(self, host: Host) -> None:
        if not all(alive(process) for process in host["processes"]):
            said = (self.work / host["name"] / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise BedError(f"host {host['name']} ended while it started: {' / '.join(said)[-500:] or 'without a word'}")

    def _wait_for_ssh(self, host: Host) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((host["address"], 22), timeout=1) as connection:
                connection.settimeout(5)
                if connection.recv(4) == b"SSH-":
                    return
            self._check_alive(host)
            time.sleep(0.02)
        raise BedError(f"host {host['name']} does not answer on {host['address']} port 22")

    def _wait_for_end(self, host: Host) -> None:
        wait_until(lambda: not any(alive(process) for process in host["processes"]), f"the processes of host {host['name']} still run")
        # Loop device and link go with the last of the host's namespaces, a moment after its last process.
        wait_until(lambda: not loops_of(Path(host["image"])), f"{host['image']} is still behind a loop device")
        if Path(f"/sys/class/net/{host['link']}").exists():
            run("ip", "link", "delete", host["link"], check=False)
        wait_until(lambda: not Path(f"/sys/class/net/{host['link']}").exists(), f"the network link {host['link']} is still there")

    def _write_inventory(self, inventory: Path) -> None:
        known = self.work / "known_hosts"
        with open(known, "w", encoding="ascii") as file:
            for host in self.hosts:
                kind, key = (self.work / host["name"] / "host_key.pub").read_text(encoding="ascii").split()[:2]
                file.write(f"{host['address']} {kind} {key}\n")
        known_hosts = shlex.quote(f'UserKnownHostsFile="{known}"')
        common = f"-F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o {known_hosts}"
        hosts = {
            host["name"]: {
                "ansible_host": host["address"],
                "ansible_port": 22,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(self.work / "client_key"),
                "ansible_ssh_common_args": common,
                "ansible_control_path_dir": str(self.sockets),
                "ansible_python_interpreter": "/usr/bin/python3",
                "testbed_image": host["image"],
                "testbed_storage": host["storage"],
            }
            for host in self.hosts
        }
        inventory.parent.mkdir(parents=True, exist_ok=True)
        # JSON is YAML, and needs no library.
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}, indent=1) + "\n", encoding="utf-8")


def check_machine() -> None:
    """Refuse a machine that cannot have such hosts.

    :raises BedError: with what it lacks.
    """
    if os.geteuid() != 0:
        raise BedError("needs root, for namespaces and loop-backed filesystems")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise BedError(f"the tools {', '.join(missing)} are missing; run {HERE / 'install.sh'}")
    if not os.path.exists("/dev/loop-control"):
        raise BedError("there is no /dev/loop-control, so filesystems in image files cannot be mounted; use a machine with loop devices")


def main() -> int:
    parser = argparse.ArgumentParser(description="Hosts for the molecule scenarios.")
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--work", type=Path, required=True, help="directory for the images; made by up, removed by down")
    parser.add_argument("--inventory", type=Path, help="file that up writes")
    options = parser.parse_args()
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    try:
        bed = Bed(options.work)
        if options.command == "down":
            bed.down()
        elif options.inventory is None:
            parser.error("up needs --inventory")
        else:
            bed.up(json.load(sys.stdin), options.inventory)
    except BedError as error:
        log(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
