# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output of C(zfs get -H -p) in the form of OpenZFS's C(zprop_print_one_property): columns between tabs, a dash for what does not apply."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._keys.zfs_listing import (
    PROPERTIES,
    group_of,
    key_path,
    new_key,
    parse_datasets,
    strength_of,
)


def listing(**datasets: str) -> str:
    """Each dataset's properties in the order of C(PROPERTIES), between blanks; underscores in the name are slashes."""
    rows = []
    for name, values in datasets.items():
        rows.extend(f"{name.replace('_', '/')}\t{key}\t{value}" for key, value in zip(PROPERTIES, values.split()))
    return "\n".join(rows) + "\n"


TEXT = listing(
    tank="filesystem 11 9000 off - - none none - yes",
    tank_a="filesystem 12 700 aes-256-gcm tank/a available hex file:///root/a.key - no",
    tank_a_b="volume 13 70 aes-256-gcm tank/a available hex none - -",
    tank_c="filesystem 14 7 aes-128-ccm tank/c unavailable passphrase prompt tank/x@1 no",
)


def test_a_pool() -> None:
    found = parse_datasets(TEXT)
    assert list(found) == ["tank", "tank/a", "tank/a/b", "tank/c"]
    assert found["tank"].encryption == "" and found["tank"].root == "" and not found["tank"].loaded and found["tank"].mounted
    assert found["tank/a"].loaded and found["tank/a"].used == 700 and found["tank/a"].guid == "12"
    assert found["tank/c"].origin == "tank/x@1" and not found["tank/c"].loaded
    assert [each.name for each in group_of("tank/a", found)] == ["tank/a", "tank/a/b"]
    assert key_path(found["tank/a"].location) == "/root/a.key"
    assert key_path("prompt") is None and key_path("https://x/a.key") is None and key_path("") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("tank\ttype", "tank type"), "a line of 2 columns"),
        ("\n".join(TEXT.splitlines()[:-1]), "tells no mounted of tank/c"),
        (TEXT.replace("\tavailable", "\tmaybe"), "the keystatus 'maybe' of tank/a"),
    ],
)
def test_another_form_is_not_believed(text: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        parse_datasets(text)


@pytest.mark.parametrize(
    ("suite", "state"),
    [("aes-256-gcm", "met"), ("aes-128-ccm", "met"), ("aes-192-ccm", "met"), ("aes-64-gcm", "not_met"), ("on", "unknown"), ("", "unknown")],
)
def test_strength(suite: str, state: str) -> None:
    assert strength_of(suite)[0] == state


def test_new_keys_have_the_form_that_the_tool_reads() -> None:
    noise = bytes(range(32))
    assert new_key("raw", noise) == noise
    assert new_key("hex", noise) == new_key("passphrase", noise) == noise.hex().encode() + b"\n"
