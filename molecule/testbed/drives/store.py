# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all drives share: bytes in a file, a state that outlives a power loss, and a record of the commands.

A drive is a directory: C(drive.json) (what it is), C(medium.img) (its bytes), C(state.json), C(behaviour.json) (how it misbehaves, read
anew before each command) and C(commands.log). Killing its process is a power loss; starting it again is power on.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import typing as t
from pathlib import Path

from .erase import NEVER, STEPS, Run, Sequence

__all__ = ["Drive"]


class UnreadableError(Exception):
    """The medium cannot be read there."""


class Drive:
    """One drive. C(on_end) is told of each erase that is over; C(unplug) takes it from the kernel's sight.

    How it can be made to fail is told in the test-bed's README.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.about: dict[str, t.Any] = json.loads((directory / "drive.json").read_text(encoding="utf-8"))
        self.size = int(self.about["mib"]) << 20
        self.fd = os.open(directory / "medium.img", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self.fd, self.size)
        self.lock = threading.RLock()
        self.state: dict[str, t.Any] = {"sanitize": dict(NEVER), "run": None, "done": 0, "power_ons": 0, "power_losses": 0}
        if (directory / "state.json").exists():
            self.state.update(json.loads((directory / "state.json").read_text(encoding="utf-8")))
        self.log = open(directory / "commands.log", "a", encoding="ascii", buffering=1)  # noqa: SIM115 - open as long as the drive is
        self.on_end: t.Callable[[Run, str], None] = lambda _run, _state: None
        self.unplug: t.Callable[[], None] = lambda: None
        self.state["power_losses"] += bool(self.state["power_ons"])
        self.state["power_ons"] += 1
        self.save()

    def wake(self) -> None:
        """After a power loss a sanitize goes on; a format has failed; a security erase is over, and the disk stays locked."""
        if not self.state["run"]:
            return
        run = Run(**self.state["run"])
        if run.kind == "sanitize":
            self._go_on(run)
            return
        self.state.update(run=None, format_failed="interrupted" if run.kind == "format" else "")
        self.save()

    @property
    def behaviour(self) -> dict[str, t.Any]:
        try:
            found: dict[str, t.Any] = json.loads((self.directory / "behaviour.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        return found

    @property
    def serial(self) -> str:
        behaviour = self.behaviour
        return str(behaviour.get("serial", behaviour.get("identity", self.about["serial"])))

    @property
    def name(self) -> bytes:
        """What its world wide names are made of: they stay when only the serial number changes."""
        return str(self.behaviour.get("identity", self.about["serial"])).encode()

    @property
    def seconds(self) -> float:
        """That an erase takes."""
        return float(self.behaviour.get("seconds", self.about.get("seconds", 3)))

    def refuses(self, *names: str) -> bool:
        return bool({*names} & {*self.behaviour.get("refuse", ())})

    def note(self, text: str) -> None:
        self.log.write(f"{time.time():.3f} {text}\n")

    def save(self) -> None:
        with self.lock:
            fresh = self.directory / "state.new"
            with open(fresh, "w", encoding="utf-8") as file:
                json.dump(self.state, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.directory / "state.json")

    def read(self, offset: int, length: int) -> bytes:
        """:raises UnreadableError: it was told to fail there."""
        bad = self.behaviour.get("unreadable")
        if bad and offset < bad[0] + bad[1] and bad[0] < offset + length:
            raise UnreadableError
        return os.pread(self.fd, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        os.pwrite(self.fd, data, offset)
        if self.state["sanitize"]["fresh"]:
            self.state["sanitize"]["fresh"] = False
            self.save()

    def ready(self) -> None:
        """Commands are answered from now on."""
        (self.directory / "ready").touch()

    def flush(self) -> None:
        os.fsync(self.fd)

    @property
    def running(self) -> str:
        """The kind of erase that is under way, empty for none."""
        run = self.state["run"]
        return run["kind"] if run else ""

    @property
    def failed(self) -> bool:
        """A sanitize has failed, and nobody has left that state."""
        log = self.state["sanitize"]
        return bool(log["state"] == "failed" and not log.get("left"))

    @property
    def unrestricted(self) -> bool:
        """The failed state may be left without another sanitize."""
        return bool(self.state["sanitize"].get("unrestricted"))

    def leave_failure(self) -> None:
        """The log goes on to tell of the failure; the medium can be reached again."""
        with self.lock:
            self.state["sanitize"]["left"] = True
            self.save()

    @property
    def progress(self) -> int:
        """Of the erase under way, from 0 to 65535."""
        return int(min(65535 * self.state["done"] // STEPS, 65534))

    def begin(self, run: Run) -> threading.Thread:
        """Begin an erase; what it has done so far outlives a power loss."""
        if self.behaviour.get("pretend"):
            idle = threading.Thread(target=lambda: None)
            idle.start()
            return idle
        with self.lock:
            self.state.update(run=run._asdict(), done=0, cut=False)
            if run.kind == "sanitize":
                told = {"action": run.action, "command": run.command, "unrestricted": run.unrestricted}
                self.state["sanitize"] = {**NEVER, "state": "in_progress", "progress": 0, **told}
            self.save()
        thread = self._go_on(run)
        if self.behaviour.get("quick"):
            thread.join()
        return thread

    def _go_on(self, run: Run) -> threading.Thread:
        thread = threading.Thread(target=Sequence(self, run).carry_out, daemon=True)
        thread.start()
        return thread

    def advance(self, run: Run, step: int, passes: int) -> None:
        """A step of an erase is done."""
        with self.lock:
            self.state["done"] = step
            if run.kind == "sanitize":
                self.state["sanitize"].update(progress=self.progress, passes=passes)
            self.save()

    def end(self, run: Run, state: str) -> None:
        """An erase is over: C(done) or C(failed)."""
        with self.lock:
            self.flush()
            if run.kind == "sanitize":
                passes = run.passes if run.action == "overwrite" and state == "done" else self.state["sanitize"]["passes"]
                self.state["sanitize"].update(state=state, progress=65535, fresh=state == "done", passes=passes)
            else:
                self.state["format_failed"] = "failed" if state == "failed" else ""
            self.state["run"] = None
            self.on_end(run, state)
            self.save()
            self.note(f"{run.kind} {run.action} {state}")

    def lose_power(self) -> t.NoReturn:
        with self.lock:
            self.state["cut"] = True
            self.save()
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit
