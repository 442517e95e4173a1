# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drive as the target of C(crypto_erase): what an interrupted run leaves to the next one, and which options do not go together."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import Status
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import drive_key
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.drive_key import DriveKey
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.key_targets import target_of

DRIVE = Device("nvme9n1", "/dev/nvme9n1", 259, 9, 1 << 30, 512, 512, None, {"serial": ("S1",)}, asked={"serial": "S1"})
GIVEN = dict.fromkeys(("device", "header", "directory", "dataset", "key_file", "psid_file", "protectors", "covers", "all_namespaces"))
PARAMS = {
    **dict.fromkeys(("header_backups", "close", "key_store", "hosts", "reports", "levels", "seed")),
    **{"target": {**GIVEN, "kind": "drive", "device": {"serial": "S1"}}, "level": "purge", "canaries": 64, "on_unseen": "refuse"},
    **{"sample_share": 1, "discard": "none", "verify": "none"},
}
BEFORE = ("before", {"status": Status("never").row(), "laid": 64})
ISSUING = ("issuing", {"what": "sanitize"})


@dataclasses.dataclass
class World:
    """The edges that a drive is reached by, and what was asked of them."""

    size: int = DRIVE.size
    counts: bool = True
    busy: str = ""
    asked: list[str] = dataclasses.field(default_factory=list)

    def unused(self, device: Device, _on_unseen: str) -> None:
        self.asked.append(f"unused {device.name}")
        if self.busy:
            raise RefusedError(self.busy)

    def reached(self, device: Device, technique: str, *, all_namespaces: bool) -> tuple[Device, ...]:
        self.asked.append(f"reached by {technique}")
        return (device,)

    def already(self, *_arguments: t.Any, directory: str) -> bool:
        self.asked.append(f"counts in {directory}")
        return self.counts


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(drive_key, "find_subject", lambda _asked: dataclasses.replace(DRIVE, size=0))
    monkeypatch.setattr(drive_key, "whole_subject", lambda *_arguments, check_mode: dataclasses.replace(DRIVE, size=made.size))
    monkeypatch.setattr(drive_key, "require_unused", made.unused)
    monkeypatch.setattr(drive_key, "look_at_abilities", lambda *_arguments, overrides: [])
    monkeypatch.setattr(drive_key, "choose", lambda *_arguments, name: ["nvme_sanitize_crypto"])
    monkeypatch.setattr(drive_key, "reached_by", made.reached)
    monkeypatch.setattr(drive_key, "counts_already", made.already)
    monkeypatch.setattr(drive_key, "firmware_of", lambda *_arguments: None)
    return made


def key_of(**options: t.Any) -> DriveKey:
    return DriveKey(DRIVE, {**PARAMS, **options}, None)


def test_the_plan_has_fresh_canaries_and_what_finds_the_drive_again(world: World) -> None:
    key = key_of()
    plans = [key.plan(), key.plan()]
    assert plans[0]["technique"] == key.technique == "nvme_sanitize_crypto" and key.size == DRIVE.size
    assert plans[0]["reached"][0]["asked"] == {"serial": "S1"}
    assert plans[0]["reached"][0]["canaries"] != plans[1]["reached"][0]["canaries"]
    assert key.look_back(plans[0]).state == "unknown"


@pytest.mark.parametrize("steps", [[], [BEFORE]])
def test_a_run_whose_command_was_never_given_leaves_nothing_to_the_next_one(
    world: World, steps: list[tuple[str, dict[str, t.Any]]]
) -> None:
    plan = key_of().plan()
    world.asked.clear()
    world.size = DRIVE.size // 2
    key = key_of()
    assert not key.goes_on(plan, steps, Executor()) and not world.asked
    assert key.technique == "nvme_sanitize_crypto" and key.size == world.size
    assert world.asked == ["unused nvme9n1", "reached by nvme_sanitize_crypto"]
    world.busy = "it is mounted"
    with pytest.raises(RefusedError, match="it is mounted"):
        str(key_of().technique)


def test_a_command_that_was_given_is_gone_on_with_only_where_it_counts(world: World) -> None:
    plan = key_of().plan()
    for counts in (True, False):
        world.counts = counts
        world.asked.clear()
        key = key_of()
        key.run_directory = "/runs/one"
        assert key.goes_on(plan, [BEFORE, ISSUING], None) is counts
        assert world.asked == ["counts in /runs/one"]
        assert key.technique == "nvme_sanitize_crypto" and key.size == DRIVE.size
        # What was announced is only taken where it is gone on with.
        assert ("unused nvme9n1" in world.asked) is not counts


def test_an_interrupted_revert_needs_its_secret(world: World) -> None:
    plan = {**key_of().plan(), "technique": "opal_psid_revert"}
    with pytest.raises(RefusedError, match="needs its secret, so nothing was done"):
        key_of().goes_on(plan, [BEFORE, ISSUING], None)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ({"psid_file": "/a", "key_file": "/b"}, {}, "both psid_file and key_file are given"),
        ({"psid_file": "a"}, {}, "is not an absolute path"),
        ({}, {"canaries": 63}, "canaries is 63, fewer than 64"),
        ({"device": None}, {}, "a target of the kind drive needs device"),
        ({"directory": "/x"}, {}, "directory does not go with a target of the kind drive"),
        ({"device": {"serial": "nowhere-4711"}}, {}, "no device on this host has serial nowhere-4711"),
    ],
)
def test_options_that_do_not_go_together(given: dict[str, t.Any], options: dict[str, t.Any], words: str) -> None:
    target = {**GIVEN, "kind": "drive", "device": {"serial": "nowhere-4711"}, **given}
    with pytest.raises(RefusedError) as caught:
        target_of({**PARAMS, "target": target, **options}, Executor())
    assert words in caught.value.message
