# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests do in the virtual machine: plug in drives, make them fail, and run the collection's modules as a target would."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
import pathlib
import select
import shlex
import subprocess
import sys
import time
import typing as t

import ansible.module_utils.basic
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TESTBED = TOP / "molecule" / "testbed"
MIB = 1 << 20
CALL_SECONDS = 400
MARKER = "RECORDING-OF-A-CALL"
# What goes the way of another test with other parameters: a machine without acceleration takes 10 to 30 seconds for each, so only
# DISPOSAL_THOROUGH=1 (make thorough) has them run.
THOROUGH = pytest.mark.thorough

_RUNNER = """
import importlib, json, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
importlib.import_module("ansible_collections.recordings.disposal.plugins.modules." + sys.argv[1]).main()
"""

# Starting Python and importing a module takes seconds in the machine: a process that has done so forks for each call.
_SERVER = """
import importlib, io, json, os, sys, tempfile
sys.path.append("/opt/testbed")
import drives.__main__ as drives
from ansible.module_utils import basic
modules = {name: importlib.import_module("ansible_collections.recordings.disposal.plugins.modules." + name) for name in sys.argv[1:]}

def act(call):
    if "drive" in call:
        sys.argv, sys.stdin = ["drives", *call["drive"]], io.StringIO(call["input"])
        return drives.main()
    os.environ.update(call["environment"])
    basic._ANSIBLE_ARGS = json.dumps(call["arguments"]).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    modules[call["module"]].main()

for line in sys.stdin:
    call = json.loads(line)
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            try:
                act(call)
            except SystemExit as end:
                if isinstance(end.code, str):
                    print(end.code)
            except BaseException:
                import traceback
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        output.seek(0)
        print(json.dumps(output.read().decode("utf-8", "replace")), flush=True)
"""
_SERVED = ("crypto_erase", "media_info", "media_verify", "overwrite", "sanitize")


def testbed_module(name: str) -> t.Any:
    """A module of the test-bed, which is no package."""
    sys.path.insert(0, str(TESTBED))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(TESTBED))


vm = testbed_module("vm")
BedError = testbed_module("machine").BedError


class Result(dict[str, t.Any]):
    """What a module returned."""

    @property
    def words(self) -> str:
        return str(self.get("msg", ""))


class UserDrive:
    """One user-space drive in the machine; its names are those of the moment."""

    def __init__(self, guest: Guest, about: dict[str, t.Any]) -> None:
        self.guest, self.about = guest, about
        self.directory = f"/var/tmp/{about['serial'].lower()}"
        self.names: list[str] = []

    @property
    def identity(self) -> dict[str, str]:
        return {"serial": self.about["serial"]}

    @property
    def path(self) -> str:
        return f"/dev/{self.names[0]}"

    def _told(self, action: str, given: str = "") -> str:
        return self.guest.server.call(drive=[action, self.directory], input=given)

    def up(self) -> None:
        self.names = json.loads(self._told("up", json.dumps(self.about)))

    def _tell(self, action: str) -> None:
        said = self._told(action)
        assert not said, said

    def power_off(self) -> None:
        self._tell("off")

    def power_on(self) -> None:
        self._tell("on")

    def attach(self) -> None:
        """After the machine was reset: power on, and plug in."""
        self._tell("on")
        self.names = json.loads(self._told("attach"))

    def down(self) -> None:
        self._tell("down")
        self.guest.vm.run(f"rm -rf {self.directory}")

    def behave(self, **behaviour: t.Any) -> None:
        self.guest.vm.run(
            f"cat > {self.directory}/behaviour.new && mv {self.directory}/behaviour.new {self.directory}/behaviour.json",
            stdin=json.dumps(behaviour).encode(),
        )

    def state(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = json.loads(self.guest.vm.run(f"cat {self.directory}/state.json").stdout)
        return found

    def commands(self) -> str:
        return str(self.guest.vm.run(f"cat {self.directory}/commands.log").stdout)

    def digest(self) -> str:
        """Of the bytes that the drive holds, whatever it shows."""
        return str(self.guest.vm.run(f"sha256sum < {self.directory}/medium.img").stdout.split()[0])

    def markers(self) -> int:
        """How many sectors of the drive, whatever it shows, still hold what C(fill) wrote."""
        found = self.guest.vm.run(f"grep --text --only-matching --fixed-strings {MARKER} {self.directory}/medium.img | wc -l")
        return int(found.stdout)

    def fill(self) -> None:
        """Write C(MARKER) into every sector by the drive's back door."""
        script = (
            "f = open('medium.img', 'r+b'); size = f.seek(0, 2); f.seek(0); "
            f"block = b'{MARKER:.<512}' * 2048; [f.write(block) for _ in range(size // len(block))]"
        )
        self.guest.vm.run(f'cd {self.directory} && python3 -c "{script}"')

    def wait_until(self, holds: t.Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def wait_until_idle(self) -> None:
        self.wait_until(lambda: not self.state()["run"])


class Server:
    """The process in the machine that runs modules and the drives' own commands; begun anew where its connection was lost."""

    def __init__(self, machine: t.Any) -> None:
        self._vm = machine
        self._process: subprocess.Popen[str] | None = None

    def call(self, **wanted: t.Any) -> str:
        """What a module (C(module), C(arguments), C(environment)) or a drive's command (C(drive), C(input)) printed."""
        if self._process is None or self._process.poll() is not None:
            command = f"cd /opt/collection && exec python3 serve.py {' '.join(_SERVED)}"
            self._process = subprocess.Popen([*self._vm.ssh, command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        ready, _write, _error = select.select([self._process.stdout], [], [], CALL_SECONDS)
        if not ready:
            self.close()
            raise BedError(f"{wanted} was not answered within {CALL_SECONDS} seconds")
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; fine where there is none."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


class Guest:
    """The machine with the collection in it."""

    def __init__(self, machine: t.Any) -> None:
        self.vm = machine
        self.drives: list[UserDrive] = []
        self.ports = itertools.count(4420)
        self.server = Server(machine)

    def install(self) -> None:
        utils = pathlib.Path(ansible.module_utils.basic.__file__).resolve().parent
        self.vm.put(utils, "/opt/collection/ansible", exclude=("__pycache__", "powershell", "csharp"))
        self.vm.put(
            TOP / "plugins", "/opt/collection/ansible_collections/recordings/disposal", exclude=("__pycache__", "plugin_utils", "action")
        )
        self.vm.put(TESTBED / "drives", "/opt/testbed")
        self.vm.run("cat > /opt/collection/run.py", stdin=_RUNNER.encode())
        self.vm.run("cat > /opt/collection/serve.py", stdin=_SERVER.encode())
        # The package's own start imports what only a controller has.
        self.vm.run("cat > /opt/collection/ansible/__init__.py", stdin=b"")
        self.vm.run("modprobe -a target_core_user tcm_loop nvme-tcp sg")

    def image_digests(self) -> dict[str, str]:
        """Of what QEMU's drives hold, from outside."""
        self.vm.run("sync")
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.vm.work.glob("*.img"))}

    def reset(self) -> None:
        """As if the power failed, and come back."""
        self.server.close()
        self.vm.reset()
        self.vm.run("modprobe -a target_core_user tcm_loop nvme-tcp sg")

    def module(self, name: str, *, check: bool = False, environment: str = "", **options: t.Any) -> Result:
        """A module's result; C(failed) says whether it failed."""
        arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp"}}
        given = dict(word.split("=", 1) for word in shlex.split(environment))
        output = self.server.call(module=name, arguments=arguments, environment=given)
        assert output.lstrip().startswith("{"), output
        return Result(json.loads(output))

    def background(self, name: str, **options: t.Any) -> None:
        """Begin a module that another command is to overtake."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_remote_tmp": "/tmp"}})
        self.vm.run("cat > /run/background.json", stdin=arguments.encode())
        self.vm.run(
            f"cd /opt/collection && rm -f /run/background.out; (setsid python3 run.py {name} < /run/background.json > /run/background.new 2>&1; "
            "mv /run/background.new /run/background.out) > /dev/null 2>&1 & echo"
        )

    def kill_background(self) -> None:
        """As a lost connection or the kernel's killer would."""
        self.vm.run("pkill -KILL -f '^python3 run.py'")

    def background_result(self, *, timeout: float) -> Result:
        deadline = time.monotonic() + timeout
        while True:
            text = self.vm.run("cat /run/background.out", check=False).stdout
            if text.strip():
                return Result(json.loads(text))
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def drive(self, kind: str, serial: str, **about: t.Any) -> UserDrive:
        port = {"port": next(self.ports)} if kind == "nvme" else {}
        drive = UserDrive(self, {"kind": kind, "serial": serial, "mib": 32, **port, **about})
        self.drives.append(drive)
        drive.up()
        return drive

    def unplug(self) -> None:
        """Take every drive of a test away, also where the test failed."""
        while self.drives:
            self.drives.pop().down()
