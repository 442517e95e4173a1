# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ended run left: when it counts, and which of what it saw stands."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.erasable import Steps
from ansible_collections.recordings.disposal.plugins.module_utils._keys.preconditions import Precondition
from ansible_collections.recordings.disposal.plugins.module_utils._keys.recalled import Recalled, recalled_from

GONE: Steps = [("overwritten", {"file": "/a", "aside": ".b"}), ("looked", {"state": "gone", "told": ""})]


@pytest.mark.parametrize("steps", [[], GONE[:1]])
def test_a_run_that_did_not_destroy_all_is_none_to_recall(steps: Steps) -> None:
    assert recalled_from({"files": []}, [], steps) is None
    # One that had nothing left to destroy itself is.
    assert recalled_from({"files": [], "recalled": True}, [], steps) is not None


def test_what_it_destroyed_is_planned_no_more_and_must_stay_gone(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "key"
    found = recalled_from({"files": [{"path": str(path)}], "copies": []}, [], GONE)
    assert found is not None
    assert found.plan([{"path": "/c"}]) == {"files": [{"path": str(path)}], "copies": [{"path": "/c"}], "recalled": True}
    found.require_gone([str(path)])
    path.symlink_to("/nowhere")
    with pytest.raises(RefusedError, match="which held the key and was destroyed, is there again"):
        found.require_gone([str(path)])


@pytest.mark.parametrize(
    ("then", "now", "state"),
    [
        ("met", "met", "met"),
        ("met", "unknown", "met"),
        ("met", "not_met", "not_met"),
        ("unknown", "met", "met"),
        ("unknown", "unknown", "unknown"),
        ("not_met", "met", "not_met"),
        ("not_met", "unknown", "not_met"),
    ],
)
def test_what_was_seen_with_the_key_stands_unless_it_is_worse_now(then: str, now: str, state: str) -> None:
    row = Precondition("not_in_memory", then, ("then",))
    recalled = Recalled({}, {row.name: row})
    assert recalled.with_secret(row._replace(state=now, looked_at=("now",))).state == state
    told = recalled.saw(row.name, "why")
    assert (told.state, told.looked_at) == (then, ("then",) if then == "met" else ("then", "why"))


def test_media_that_held_the_files_and_cannot_be_looked_at_any_more() -> None:
    (told,) = Recalled({"files": [{"path": "/nowhere/key"}]}, {}).limits()
    assert told == "the filesystem of /nowhere, which held the key, cannot be looked at any more"
