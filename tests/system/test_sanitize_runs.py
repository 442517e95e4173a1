# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(sanitize) from its options to its journal on a loop device, with a firmware that does what the test says: what counts of an earlier run."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.bearing import BlockBearer
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import parse_canaries
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import STANDARD, Ability
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import Command, Status
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import asked, sanitizing, selecting
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, markers, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.test_sanitize_engine import DONE, SIZE, Scripted

WAVE = b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data"
BLOCK, CRYPTO = "nvme_sanitize_block", "nvme_sanitize_crypto"


class Killed(BaseException):
    """As if this process were ended."""


@dataclasses.dataclass
class Lost(Scripted):
    """The process ends between sending the command and the drive's taking it."""

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        raise Killed


class World:
    """One drive, its firmware by technique, and how many namespaces it has."""

    def __init__(self, image: pathlib.Path, state: pathlib.Path) -> None:
        self.image, self.state, self.namespaces = image, state, 1
        self.firmware: dict[str, Scripted] = {name: Scripted(image, DONE, technique=name) for name in (BLOCK, CRYPTO)}

    @property
    def begun(self) -> int:
        return sum(firmware.begun for firmware in self.firmware.values())

    def sanitize(self, *, check: bool = False, size_bytes: int | None = None, **options: t.Any) -> dict[str, t.Any]:
        """The result, also of a failure."""
        params = {
            **{"device": {"backing_file": str(self.image), "size_bytes": size_bytes}, "technique": BLOCK, "level": "clear", "levels": None},
            **{"fallback": [], "all_namespaces": False, "canaries": 64, "verify": "canaries", "sample_share": 1, "passes": 1},
            **{"pattern": "00000000", "poll": 1, "timeout": None, "hidden_capacity": "refuse", "on_unseen": "report", "holds": "refuse"},
            **{"io_priority": "normal", "resume": True, "state_dir": str(self.state)},
            **options,
        }
        try:
            return sanitizing.sanitize_of(params, CheckExecutor() if check else Executor(), check_mode=check)
        except DisposalError as error:
            return {"msg": error.message, **error.details}

    def outcomes(self) -> list[str]:
        """Of all runs that have one."""
        records = [json.loads(line) for path in self.state.glob("runs/*/journal.jsonl") for line in path.read_text("utf-8").splitlines()]
        return sorted(record["outcome"] for record in records if record["type"] == "outcome")


@pytest.fixture
def world(bed: Bed, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> World:
    image = bed.fill_image(marked(SIZE))
    bed.attach(image, direct_io=True)
    world = World(image, tmp_path / "state")
    abilities = [Ability(name, True, "", "purge", None, STANDARD) for name in (BLOCK, CRYPTO)]
    monkeypatch.setattr(selecting, "look_at_abilities", lambda device, overrides: abilities)
    monkeypatch.setattr(selecting, "running_on", lambda device: world.firmware[BLOCK].look())
    monkeypatch.setattr(sanitizing, "firmware_of", lambda technique, device, **options: world.firmware[technique])
    monkeypatch.setattr(asked, "count_namespaces", lambda device: world.namespaces)
    return world


def test_cut_off_before_the_command_all_is_looked_at_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def killed(self: BlockBearer, executor: Executor) -> int:
            raise Killed

        patch.setattr(BlockBearer, "lay", killed)
        with pytest.raises(Killed):
            world.sanitize()
    before = sha256(world.image)
    for check in (True, False):
        sized = world.sanitize(check=check, size_bytes=12345)
        assert sized["outcome"] == "not_destroyed" and "larger than the 12345 that the register expects" in sized["msg"]
        world.namespaces = 2
        more = world.sanitize(check=check)
        assert more["outcome"] == "not_destroyed" and "(it has 2, and this host sees 1), so nothing was done" in more["msg"]
        world.namespaces = 1
        assert "to have it watched to its end" in world.sanitize(check=check, resume=False)["msg"]
    assert world.begun == 0 and sha256(world.image) == before and world.outcomes() == []
    done = world.sanitize(technique=CRYPTO)
    assert done["outcome"] == "destroyed" and world.begun == 1 and world.outcomes() == ["destroyed", "not_destroyed"], done


def test_what_comes_while_canaries_are_laid_is_seen_before_the_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lay = BlockBearer.lay

    def meanwhile(self: BlockBearer, executor: Executor) -> int:
        world.namespaces = 2
        return lay(self, executor)

    monkeypatch.setattr(BlockBearer, "lay", meanwhile)
    result = world.sanitize()
    assert result["outcome"] == "not_destroyed" and world.begun == 0 and markers(world.image) > 0
    assert "it was not begun, since nvme_sanitize_block would reach all namespaces" in result["reason"], result
    # Without the guard it would have been done.
    monkeypatch.setattr(sanitizing, "recheck", lambda task: "")
    world.namespaces = 1
    assert world.sanitize()["outcome"] == "destroyed"


def test_a_command_that_the_drive_never_took_is_begun_by_another_run(world: World) -> None:
    world.firmware[BLOCK] = Lost(world.image, DONE)
    with pytest.raises(Killed):
        world.sanitize()
    world.firmware[BLOCK] = Scripted(world.image, DONE)
    other = world.sanitize(technique=CRYPTO)
    assert (
        "an earlier run with nvme_sanitize_block over this device was interrupted" in other["msg"] and other["outcome"] == "not_destroyed"
    )
    world.namespaces = 2
    assert "it has 2" in world.sanitize()["msg"] and world.begun == 0
    world.namespaces = 1
    assert world.sanitize(check=True)["changed"] and world.begun == 0
    done = world.sanitize()
    assert done["outcome"] == "destroyed" and world.begun == 1 and world.outcomes() == ["destroyed", "not_destroyed"]


class TestASecondRun:
    @pytest.fixture(autouse=True)
    def first(self, world: World) -> dict[str, t.Any]:
        result = world.sanitize()
        assert (result["outcome"], result["changed"]) == ("destroyed", True), result
        return result

    def unnoticed(self, world: World) -> int:
        """A place that nothing of the first run's proof lies on."""
        (journal,) = world.state.glob("runs/*/journal.jsonl")
        records = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
        compared = [place for record in records if record["type"] == "outcome" for place in record["proof"]["left"][0]["places"]]
        canaries = parse_canaries((journal.parent / "canaries-0.json").read_bytes()).places()
        taken = {place for start, length in compared for place in range(start, start + length, 4096)} | set(canaries)
        return next(place for place in range(2 * MIB, SIZE, 4096) if place not in taken)

    def written(self, world: World) -> None:
        place = self.unnoticed(world)
        with open(world.image, "r+b") as handle:
            handle.seek(place)
            handle.write(WAVE.ljust(4096, b"\0"))
            os.fsync(handle.fileno())

    def test_unchanged_it_does_nothing_and_says_what_was_compared(self, world: World, first: dict[str, t.Any]) -> None:
        for check in (False, True):
            for verify, words in (("canaries", "256 random places and those of the canaries"), ("all", "all of it was read")):
                again = world.sanitize(check=check, verify=verify)
                assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, first["run"])
                assert words in again["limits"][-1] and "the device's own log says that nothing was" in again["limits"][-1]
        assert world.begun == 1

    @pytest.mark.parametrize("check", [True, False])
    def test_what_is_asked_to_be_read_is_read(self, world: World, check: bool) -> None:
        self.written(world)
        assert world.sanitize(check=True)["changed"] is False, "the place was not chosen well"
        again = world.sanitize(check=check, verify="all")
        assert again["changed"] and world.begun == (1 if check else 2)

    def test_the_devices_log_is_asked(self, world: World) -> None:
        world.firmware[BLOCK].script = [dataclasses.replace(DONE[-1], fresh=False)]
        assert world.sanitize(check=True)["changed"]
        world.firmware[BLOCK].script = [Status("unknown", told="EIO")]
        assert "cannot be read (EIO)" in world.sanitize(check=True)["msg"]

    def test_a_level_that_was_not_reached_is_another_thing(self, world: World) -> None:
        assert world.sanitize(check=True, level="purge")["changed"] is False
        assert "and destroy is required" in world.sanitize(check=True, level="destroy")["msg"]


def test_what_was_tried_does_not_name_what_runs(world: World) -> None:
    world.firmware[BLOCK] = Scripted(world.image, [Status("never")], says=Answer(1, b"", "invalid opcode"), erases=lambda content: content)
    world.firmware[CRYPTO] = Scripted(world.image, DONE[:1], technique=CRYPTO)
    result = world.sanitize(fallback=[CRYPTO, "scsi_format"], timeout=1)
    assert result["running"] and result["percent"] == 0 and result["technique"] == CRYPTO
    assert [each.partition(":")[0] for each in result["tried"]] == [BLOCK]
    assert result["counts"] == {"destroyed": 0, "not_destroyed": 0, "unknown": 1} and result["outcome"] == "unknown"
    assert result["warnings"] == [
        f"the fallback scsi_format is never tried on {result['reached'][0]}, because it is not possible there: it is not known to this medium"
    ]


def test_check_mode_asks_the_drive(world: World) -> None:
    world.firmware[BLOCK].before = Status("frozen")
    for check in (True, False):
        result = world.sanitize(check=check)
        assert result["outcome"] == "not_destroyed" and "cannot be sanitized (frozen)" in result["msg"]
    assert world.begun == 0 and not world.state.exists()


def test_a_timeout_is_refused_where_nobody_could_find_the_tool_again(world: World) -> None:
    world.firmware[BLOCK].waits = True
    assert "nobody could find nvme_sanitize_block again" in world.sanitize(timeout=5)["msg"] and world.begun == 0


def test_a_drive_in_its_failure_mode_keeps_the_canaries_of_the_run_that_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no writes until a sanitize succeeds."""
    lay = BlockBearer.lay

    def shut(self: BlockBearer, executor: Executor) -> int:
        if world.firmware[BLOCK].look().state == "failed":
            raise RefusedError("canaries cannot be written to it (Input/output error), so nothing could be proven")
        return lay(self, executor)

    monkeypatch.setattr(BlockBearer, "lay", shut)
    failed = Status("failed", told="reason 2")
    world.firmware[BLOCK] = Scripted(world.image, [DONE[0], failed], erases=lambda content: content)
    assert world.sanitize()["outcome"] == "not_destroyed"
    world.firmware[CRYPTO] = Scripted(world.image, DONE, before=failed, technique=CRYPTO)
    result = world.sanitize(technique=CRYPTO)
    assert result["outcome"] == "destroyed" and result["canaries"] == {"laid": 64, "left": 0, "unread": 0}, result
    assert any("laid before an earlier attempt that failed" in limit for limit in result["limits"])
