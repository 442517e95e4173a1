# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording server whose recordings go with a period's key, some of them held."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.age import Label
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import fingerprint as name_of
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import public_of, recipient_text
from ansible_collections.recordings.disposal.plugins.module_utils._keys.rewrapping import answer_all, require_answered
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.releasing import release_period
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import HOST

__all__ = ["HELD", "SPARE", "ReleaseWorld", "copy_of"]

SPARE = bytes([0x77]) * 32
HELD = "+48600100299"


class ReleaseWorld(EncryptWorld):
    """Recordings of July of last year, all due but those that a hold is on, and a key that takes what must be kept."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path)
        self.policy["classes"][0].update(destroy_within="P1Y", disposal={"technique": "crypto_erase", "level": "clear"})
        self.year = str(int(time.strftime("%Y")) - 1)
        self.days = (time.time() - time.mktime((int(self.year), 7, 2, 12, 0, 0, 0, 0, -1))) / 86400
        self.plain: dict[pathlib.Path, bytes] = {}

    def fill(self, *, due: int = 4, held: int = 2) -> None:
        """Record, hold some, and encrypt all."""
        for number in range(due + held):
            path = self.record(days=self.days - number, number=number, src=HELD if number < held else "+48600100200")
            self.plain[path] = path.read_bytes()
        hold = {"id": "case-1", "reason": "test", "placed": "2020-01-01", "placed_by": "ewa@example.com", "review_by": "2099-01-01"}
        self.holds = [{**hold, "match": {"source": ["pbx"], "src": [HELD]}}] if held else []
        self.encrypt()

    def held(self) -> list[pathlib.Path]:
        return [path for path in self.plain if HELD in path.name]

    @property
    def identity(self) -> bytes:
        return self.identities[self.year]

    def release(self, *, check: bool = False, executor: Executor | None = None, **more: t.Any) -> dict[str, t.Any]:
        given = {
            "class": "calls",
            "period": self.year,
            "recipient": recipient_text(public_of(self.identity)),
            "host": HOST,
            "plan": None,
            "answers": None,
            "new_recipient": recipient_text(public_of(SPARE)),
            "kept_limit": 50,
            **more,
        }
        return release_period({**self.params(), **given}, CheckExecutor() if check else executor or Executor(), check_mode=check)

    def answers(self, asks: str) -> str:
        """As the host with the keys answers."""
        path = str(self.path / "answers.jsonl")
        old, new = (Label("calls", period, name_of(public_of(key))) for period, key in ((self.year, self.identity), ("2099", SPARE)))
        count = answer_all(Executor(), asks, path, bytearray(self.identity), old, public_of(SPARE), new)
        require_answered(path, bytearray(SPARE), count)
        return path

    def journal(self) -> list[dict[str, t.Any]]:
        """Of the sweep, the latest run of the host."""
        latest = max((self.state / "runs").glob("*/journal.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in latest.read_text().splitlines()]

    def destroyed(self, **more: str) -> list[dict[str, str]]:
        told = {"class": "calls", "period": self.year, "recipient": name_of(public_of(self.identity)), "outcome": "destroyed"}
        return [{**told, "level": "purge", "run": "00112233445566aa", **more}]


def copy_of(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f"{path.name}.age")
