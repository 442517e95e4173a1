# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys.drive import drive_preconditions
from ansible_collections.recordings.disposal.plugins.module_utils._media.opal import Discovery


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
    states = {each.name: each for each in drive_preconditions(found, "" if found else "no answer")}
    assert states["encrypted_from_first_write"].state == state and words in states["encrypted_from_first_write"].told
    assert states["strength"].state == states["no_stale_copy"].state == "unknown"
