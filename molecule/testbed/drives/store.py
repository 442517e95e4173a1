# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all drives share: bytes in a file, a state that outlives a power loss, and the ways in which a drive can fail.

A drive is a directory: C(drive.json) (what it is), C(medium.img) (its bytes), C(state.json), C(behaviour.json) (how it misbehaves, read
anew before each command) and C(commands.log). Killing its process is a power loss; starting it again is power on.
"""

from __future__ import annotations

import json
import os
import threading
import time
import typing as t
from pathlib import Path

__all__ = ["NEVER", "Drive", "Run"]

NEVER: dict[str, t.Any] = {"state": "never", "progress": 65535, "action": "", "command": 0, "fresh": False, "passes": 0}
STEPS = 50


class Run(t.NamedTuple):
    """One erase that takes time.

    :arg kind: C(sanitize), C(format) or C(security); C(action) what it writes: C(block), C(crypto), C(overwrite).
    :arg ranges: bytes that it reaches, as offset and length.
    """

    kind: str
    action: str
    command: int
    ranges: list[list[int]]
    pattern: str = "00000000"


class Drive:
    """One drive.

    Behaviour: C(seconds) an erase takes (3); C(lie) it says success and erases nothing; C(format_lie) the same for formats only;
    C(fail_at) per cent at which it fails; C(keep) an offset and a length that survive; C(refuse) names of commands that are aborted;
    C(pretend) it takes the command and does not even begin; C(log) C(unreadable) or C(garbage); C(frozen); C(serial) another one than its own.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.about: dict[str, t.Any] = json.loads((directory / "drive.json").read_text(encoding="utf-8"))
        self.size = int(self.about["mib"]) << 20
        # What names the drive for good, whatever it calls itself.
        self.name = str(self.about["serial"]).encode()
        self.fd = os.open(directory / "medium.img", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self.fd, self.size)
        self.lock = threading.RLock()
        self.state: dict[str, t.Any] = {"sanitize": dict(NEVER), "run": None, "done": 0}
        if (directory / "state.json").exists():
            self.state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        self.log = open(directory / "commands.log", "a", encoding="ascii", buffering=1)  # noqa: SIM115
        self.on_end: t.Callable[[Run, str], None] = lambda _run, _state: None
        self.save()
        if self.state["run"]:
            self._wake(Run(**self.state["run"]))

    def _wake(self, run: Run) -> None:
        """After a power loss a sanitize goes on; a format has failed; a security erase is over, and the disk stays locked."""
        if run.kind == "sanitize":
            self._go_on(run)
            return
        self.state.update(run=None, format_failed=run.kind == "format")
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
        return str(self.behaviour.get("serial", self.about["serial"]))

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
        return os.pread(self.fd, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        os.pwrite(self.fd, data, offset)
        if self.state["sanitize"]["fresh"]:
            self.state["sanitize"]["fresh"] = False
            self.save()

    def flush(self) -> None:
        os.fsync(self.fd)

    @property
    def running(self) -> str:
        """The kind of erase that is under way, empty for none."""
        run = self.state["run"]
        return run["kind"] if run else ""

    @property
    def failed(self) -> bool:
        return bool(self.state["sanitize"]["state"] == "failed")

    def begin(self, run: Run) -> threading.Thread:
        """Begin an erase; what it has done so far outlives a power loss."""
        if self.behaviour.get("pretend"):
            idle = threading.Thread()
            idle.start()
            return idle
        with self.lock:
            self.state["run"], self.state["done"] = run._asdict(), 0
            if run.kind == "sanitize":
                self.state["sanitize"] = {**NEVER, "state": "in_progress", "progress": 0, "action": run.action, "command": run.command}
            self.save()
        return self._go_on(run)

    def _go_on(self, run: Run) -> threading.Thread:
        thread = threading.Thread(target=self._erase, args=(run,), daemon=True)
        thread.start()
        return thread

    def _erase(self, run: Run) -> None:
        lies = self.behaviour.get("lie") or (run.kind == "format" and self.behaviour.get("format_lie"))
        kept = self.behaviour.get("keep")
        saved = self.read(*kept) if kept else b""
        while self.state["done"] < STEPS:
            behaviour = self.behaviour
            step = self.state["done"]
            if behaviour.get("fail_at") is not None and step * 100 // STEPS >= behaviour["fail_at"]:
                self._end(run, "failed")
                return
            if not lies:
                self._erase_step(run, step)
            if kept:
                os.pwrite(self.fd, saved, kept[0])
            time.sleep(behaviour.get("seconds", 3) / STEPS)
            with self.lock:
                self.state["done"] = step + 1
                if run.kind == "sanitize":
                    self.state["sanitize"]["progress"] = min(65535 * (step + 1) // STEPS, 65534)
                self.save()
        self._end(run, "done")

    def _erase_step(self, run: Run, step: int) -> None:
        pattern = bytes.fromhex(run.pattern) if run.action == "overwrite" else b"\0"
        for offset, length in run.ranges:
            begin, end = length * step // STEPS // 512 * 512, length * (step + 1) // STEPS // 512 * 512
            if step + 1 == STEPS:
                end = length
            data = os.urandom(end - begin) if run.action == "crypto" else (pattern * ((end - begin) // len(pattern) + 1))[: end - begin]
            os.pwrite(self.fd, data, offset + begin)

    def _end(self, run: Run, state: str) -> None:
        with self.lock:
            self.flush()
            if run.kind == "sanitize":
                self.state["sanitize"].update(state=state, progress=65535, fresh=state == "done", passes=int(run.action == "overwrite"))
            elif state == "failed":
                self.state["format_failed"] = True
            self.state["run"] = None
            self.on_end(run, state)
            self.save()

    @property
    def progress(self) -> int:
        """Of the erase under way, from 0 to 65535."""
        return int(min(65535 * self.state["done"] // STEPS, 65534))
