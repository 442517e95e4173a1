# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sanitize came to, judged from what was seen: what must never end in C(destroyed)."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.sanitized import Sanitized, judge_sanitize
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import RUNNING, Status, watched

BEFORE = Status("done", action="block_erase", fresh=False)
SEEN = [Status(RUNNING, 100, "block_erase"), Status(RUNNING, 60000, "block_erase")]
AFTER = Status("done", action="block_erase", fresh=True)

# Everything speaks for it.
GOOD = Sanitized("block_erase", True, BEFORE, accepted=True, seen=SEEN, after=AFTER, laid=100)


def test_all_signs_together_are_needed() -> None:
    assert judge_sanitize(GOOD) == ("destroyed", None)


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        ({"left": 1}, "not_destroyed", "1 of 100 canaries are still there, whatever the device says"),
        ({"left": 1, "after": Status("unknown"), "lost": "gone"}, "not_destroyed", "canaries are still there"),
        ({"after": Status("failed", told="reason 1")}, "not_destroyed", "the device says that it failed (reason 1)"),
        ({"accepted": False, "told": "invalid opcode"}, "not_destroyed", "the device refused it (invalid opcode)"),
        ({"residue": "an ext4 is found"}, "not_destroyed", "an ext4 is found"),
        ({"after": Status(RUNNING, 5)}, "unknown", "still in progress"),
        ({"after": Status(RUNNING, 5), "left": 3}, "unknown", "still in progress"),
        ({"lost": "the medium is gone"}, "unknown", "the medium is gone"),
        ({"unread": 2}, "unknown", "2 of 100 canaries could not be read"),
        ({"laid": 0}, "unknown", "nothing shows that it did anything"),
        ({"after": Status("unknown", told="EIO")}, "unknown", "log cannot be read (EIO)"),
        ({"seen": [], "after": dataclasses.replace(AFTER, fresh=False)}, "unknown", "what it says now it said before"),
        (
            {"accepted": None, "seen": [], "after": dataclasses.replace(AFTER, fresh=False)},
            "unknown",
            "does not show that this command ran",
        ),
        ({"unlooked": "4096 bytes could not be read"}, "unknown", "4096 bytes could not be read"),
        ({"leftover": "a password is set"}, "unknown", "a password is set"),
        ({"action": "crypto_erase"}, "unknown", "does not show that this command ran"),
        ({"logged": False, "seen": [], "accepted": None}, "unknown", "whether the device took the command is not known"),
        ({"logged": False, "seen": [], "accepted": None, "left": 100}, "not_destroyed", "100 of 100 canaries"),
    ],
)
def test_each_missing_sign_is_enough_to_deny_it(change: dict[str, t.Any], outcome: str, words: str) -> None:
    found, reason = judge_sanitize(dataclasses.replace(GOOD, **change))
    assert found == outcome and reason is not None and words in reason


def test_without_a_log_only_what_was_read_back_counts() -> None:
    format_ = dataclasses.replace(GOOD, action="", logged=False, before=Status("idle"), seen=[], after=Status("idle"))
    assert judge_sanitize(format_) == ("destroyed", None)


@pytest.mark.parametrize(
    ("before", "seen", "after", "how"),
    [
        (Status("never"), [], AFTER, "never, then done"),
        (Status("failed"), [], AFTER, "failed, then done"),
        (Status("done", action="crypto_erase"), [], AFTER, "crypto_erase, then block_erase"),
        (BEFORE, [], AFTER, "data written since the last sanitize, then none"),
        (dataclasses.replace(BEFORE, fresh=True), [], AFTER, ""),
        (dataclasses.replace(BEFORE, fresh=None), [], dataclasses.replace(AFTER, fresh=None), ""),
        (BEFORE, SEEN, AFTER, "in progress, then done"),
        (Status("idle"), [Status(RUNNING, 5)], Status("idle"), "in progress, then done"),
        (Status("idle"), [], Status("idle"), ""),
        (Status("idle"), [Status("armed")], Status("idle"), "the password that the erase needs was set, then gone"),
        (Status("idle"), [Status("armed")], Status("armed"), ""),
        (Status("never"), [], Status("never"), ""),
        (Status("never"), SEEN, Status("never"), ""),
        (BEFORE, SEEN, Status("failed"), ""),
        (BEFORE, SEEN, Status("unknown"), ""),
        # Somebody else's command in between.
        (BEFORE, [*SEEN, Status(RUNNING, 5, "crypto_erase")], AFTER, ""),
        (BEFORE, SEEN, Status("done", action="crypto_erase"), ""),
    ],
)
def test_transition(before: Status, seen: list[Status], after: Status, how: str) -> None:
    action = "block_erase" if after.action or any(each.action for each in seen) else ""
    assert watched(before, seen, after, action) == how
