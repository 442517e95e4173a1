# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.sanitize import Course
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.drive import DriveKey, Way
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import Firmware
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._media.opal import Discovery
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.key_targets import target_of

DRIVE = Device("nvme9n1", "/dev/nvme9n1", 259, 9, 1 << 30, 512, 512, None, {"serial": ("S1",)}, asked={"serial": "S1"})


def key_of(found: Discovery | None) -> DriveKey:
    def never(*_arguments: t.Any) -> Firmware:
        raise AssertionError("nothing is asked for here")

    way = Way("nvme_sanitize_crypto", (DRIVE,))
    return DriveKey(
        DRIVE,
        choose=lambda: way,
        firmware=never,
        discovery=lambda _device: (found, "" if found else "no answer"),
        course=Course(),
        canaries=64,
    )


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (None, "unknown", "cannot be seen (no answer)"),
        (Discovery(("opal_2",), True, True, False, True, False, False), "unknown", "the drive says that it encrypts (opal_2)"),
        (Discovery(("pyrite_2",), True, True, False, False, False, False), "not_met", "it does not encrypt what it keeps (pyrite_2)"),
        (Discovery((), False, False, False, False, False, False), "not_met", "no specification"),
    ],
)
def test_whether_a_drive_always_encrypted_is_never_met_by_its_own_word(found: Discovery | None, state: str, words: str) -> None:
    states = {each.name: each for each in key_of(found).preconditions()}
    assert states["encrypted_from_first_write"].state == state and words in states["encrypted_from_first_write"].told
    assert states["strength"].state == states["no_stale_copy"].state == "unknown"


def test_the_plan_has_fresh_canaries_and_what_finds_the_drive_again() -> None:
    key = key_of(None)
    plans = [key.plan(), key.plan()]
    assert plans[0]["technique"] == key.technique == "nvme_sanitize_crypto" and key.size == DRIVE.size
    assert plans[0]["reached"][0]["asked"] == {"serial": "S1"}
    assert plans[0]["reached"][0]["canaries"] != plans[1]["reached"][0]["canaries"]
    assert key.look_back(plans[0]).state == "unknown"


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
    names = ["device", "header", "directory", "dataset", "key_file", "psid_file", "protectors", "covers", "all_namespaces"]
    target = {**dict.fromkeys(names), "kind": "drive", "device": {"serial": "nowhere-4711"}, **given}
    params = {"target": target, "sample_share": 1, "discard": "none", "verify": "none", "canaries": 64, "on_unseen": "refuse", "seed": None}
    beside = dict.fromkeys(("header_backups", "close", "key_store", "hosts", "reports"))
    with pytest.raises(RefusedError) as caught:
        target_of({**beside, **params, **options}, Executor())
    assert words in caught.value.message
