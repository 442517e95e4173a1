# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroying the key for identifiers: whoever needs it keeps it; what is left of it tells nothing."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules import overwrite
from ansible_collections.recordings.disposal.plugins.plugin_utils._identifiers import Destroying, destroy_key, fingerprint_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.timezone.utc)
KEY = "5f" * 32
HOLD = {"id": "case-7", "reason": "dispute", "placed_by": "legal@example.com", "placed": "2026-01-01T00:00:00Z", "match": {}}
REQUEST = {"id": "request-9", "received": "2026-11-01", "match": {"src": ["+48600100200"]}}
Told = dict[str, t.Any]


class World:
    def __init__(self, path: pathlib.Path, overwrite: t.Callable[..., Told]) -> None:
        self.dest = path / "disposal"
        self.dest.mkdir(mode=0o700)
        self.key = self.dest / "identifiers.key"
        self.overwrite = overwrite
        self.write()

    def write(self, text: str = KEY) -> None:
        self.key.write_text(text + "\n", encoding="ascii")
        self.key.chmod(0o600)

    def destroy(self, *, check_mode: bool = False, **changes: t.Any) -> Told:
        told: Told = {
            **{"path": str(self.key), "state_dir": str(self.dest), "holds": [], "requests": [], "on_ineffective": "fail"},
            **{"overwrite": lambda arguments: self.overwrite(check=check_mode, **arguments), "check_mode": check_mode, "now": NOW},
            "executor": CheckExecutor() if check_mode else Executor(),
        }
        return destroy_key(Destroying(**{**told, **changes}))

    def refused(self, words: str, **changes: t.Any) -> None:
        before = snapshot(self.dest)
        for check_mode in (True, False):
            with pytest.raises(DisposalError, match=words):
                self.destroy(check_mode=check_mode, **changes)
            assert snapshot(self.dest) == before

    def tombstones(self) -> list[Told]:
        return [json.loads(line) for line in (self.dest / "identifiers-keys.jsonl").read_bytes().splitlines()]


@pytest.fixture
def world(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, lambda *, check, **arguments: run(overwrite.main, capsys, monkeypatch, check=check, **arguments))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"holds": [HOLD]}, "still needed, so nothing was done: the legal hold case-7 is in force; bring that to its end first"),
        ({"requests": [REQUEST]}, "the erasure request request-9 is open"),
        ({"holds": [HOLD], "requests": [REQUEST]}, "case-7 is in force; the erasure request request-9 is open"),
        ({"holds": [{"id": "case-7"}]}, "is not valid, nothing was done"),
    ],
)
def test_whoever_needs_the_key_keeps_it(world: World, changes: Told, words: str) -> None:
    world.refused(words, **changes)


def test_a_plan_that_is_not_at_its_end_needs_the_key(world: World, tmp_path: pathlib.Path) -> None:
    swept = RunWorld(tmp_path / "other", created="2026-11-23T20:00:00Z", expires="2026-11-30T20:00:00Z")
    plan = world.dest / "plans" / swept.fields["plan_id"]
    plan.mkdir(parents=True)
    (plan / "manifest.json").write_bytes(swept.data)
    world.refused("the plan 2026-11-23-4f1c is not carried out to its end and sealed")
    swept.sweep("rec1", until=1)
    swept.seal()
    done = world.dest / "runs" / swept.fields["plan_id"]
    done.mkdir(parents=True)
    (done / "statement.json").write_bytes((swept.run / "statement.json").read_bytes())
    world.refused("the plan 2026-11-23-4f1c is not carried out to its end and sealed", now=NOW + dt.timedelta(days=30))
    swept.sweep("rec1")
    swept.sweep("rec2")
    swept.seal()
    (done / "statement.json").write_bytes((swept.run / "statement.json").read_bytes())
    assert world.destroy()["outcome"] == "destroyed"


def test_what_is_no_key_of_its_own_is_refused(world: World) -> None:
    world.write("short")
    world.refused("is shorter than 32 characters, so it is no key")
    world.write()
    os.link(world.key, world.dest / "copy")
    world.refused("is a link, or has another name too")
    (world.dest / "copy").unlink()
    world.key.unlink()
    world.refused("and none was destroyed from here, so nothing was done; correct the path")
    world.key.symlink_to(world.dest / "elsewhere")
    world.refused("cannot be read")


def test_an_overwrite_that_is_refused_or_unknown_leaves_no_claim(world: World) -> None:
    world.overwrite = lambda **_arguments: {"failed": True, "msg": "an overwrite there proves nothing", "outcome": "not_destroyed"}
    with pytest.raises(DisposalError, match="is not known to be destroyed: an overwrite there proves nothing"):
        world.destroy()
    assert [record["event"] for record in world.tombstones()] == ["announced"]
    world.overwrite = lambda **_arguments: {"outcome": "unknown"}
    with pytest.raises(DisposalError, match="is not known to be destroyed: what came of it is unknown"):
        world.destroy()
    assert [record["event"] for record in world.tombstones()] == ["announced"]


def test_the_four_runs(world: World) -> None:
    before = snapshot(world.dest)
    checked = world.destroy(check_mode=True)
    assert checked["changed"] is True and snapshot(world.dest) == before
    done = world.destroy()
    assert done["changed"] is True and done["outcome"] == "destroyed" and not world.key.exists()
    announced, destroyed = world.tombstones()
    assert announced["fingerprint"] == destroyed["fingerprint"] == done["fingerprint"] == fingerprint_of(KEY)
    assert destroyed["outcome"] == "destroyed" and destroyed["level"]["achieved"] == "clear"
    (journal,) = world.dest.rglob("journal.jsonl")
    assert destroyed["journal"]["records"] == len(journal.read_bytes().splitlines())
    after = snapshot(world.dest)
    assert not [name for name, data in after.items() if KEY.encode() in data]
    for check_mode in (False, True):
        again = world.destroy(check_mode=check_mode, holds=[HOLD])
        assert (again["changed"], again["fingerprint"]) == (False, done["fingerprint"])
    assert snapshot(world.dest) == after


def test_a_new_key_is_destroyed_like_the_first(world: World) -> None:
    world.destroy()
    world.write("ab" * 32)
    assert world.destroy()["fingerprint"] == fingerprint_of("ab" * 32)
    assert [record["event"] for record in world.tombstones()] == ["announced", "destroyed"] * 2


@pytest.mark.parametrize("earlier", [False, True])
def test_a_key_that_was_only_removed_is_never_called_destroyed(world: World, earlier: bool) -> None:
    if earlier:
        world.destroy()
        world.write("cd" * 32)
    real = world.overwrite
    world.overwrite = lambda **_arguments: {"failed": True, "msg": "cut off"}
    with pytest.raises(DisposalError, match="cut off"):
        world.destroy()
    world.key.unlink()
    world.overwrite = real
    with pytest.raises(DisposalError, match="not known to be destroyed"):
        world.destroy()
    assert world.tombstones()[-1]["event"] == "announced"


@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_and_brought_to_its_end(world: World, when: str) -> None:
    real = world.overwrite

    def cut_off(**arguments: t.Any) -> Told:
        if when == "after":
            real(**arguments)
        raise KeyboardInterrupt

    world.overwrite = cut_off
    with pytest.raises(KeyboardInterrupt):
        world.destroy()
    assert world.key.exists() == (when == "before")
    world.overwrite = real
    assert world.destroy()["outcome"] == "destroyed"
    assert [record["event"] for record in world.tombstones()] == ["announced", "destroyed"]
    assert world.destroy()["changed"] is False
