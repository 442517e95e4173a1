# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which technique is taken, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import Ability, Medium, abilities
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES, choose, left_out


def able(technique: str, level: str = "purge") -> Ability:
    return Ability(technique, True, "", level, None)


def unable(technique: str, why: str = "the controller does not offer it") -> Ability:
    return Ability(technique, False, why, "none", None)


def test_every_technique_of_a_medium_is_known_here() -> None:
    assert {each.technique for each in abilities(Medium("nvme", 1 << 30))} - {"overwrite"} == set(TECHNIQUES)


@pytest.mark.parametrize(
    ("found", "technique", "level", "fallback", "words"),
    [
        (
            [unable("nvme_sanitize_block"), able("overwrite", "clear")],
            "auto",
            "clear",
            [],
            "offers no technique of its own firmware that reaches clear",
        ),
        ([able("nvme_format_crypto", "clear")], "auto", "purge", [], "nvme_format_crypto: reach only clear"),
        (
            [unable("nvme_sanitize_block", "a sanitize is in progress (5 %)")],
            "nvme_sanitize_block",
            "clear",
            [],
            "a sanitize is in progress (5 %)",
        ),
        ([able("nvme_sanitize_block")], "ata_sanitize_block", "clear", [], "ata_sanitize_block is not possible on sdx"),
        ([able("scsi_format", "clear")], "scsi_format", "purge", [], "reaches at most the level clear and purge is required"),
        ([able("scsi_sanitize_block")], "scsi_sanitize_block", "destroy", [], "and destroy is required"),
        # A fallback is for a technique that was tried and failed, not for one that cannot be tried.
        (
            [unable("nvme_sanitize_block"), able("nvme_format_crypto")],
            "nvme_sanitize_block",
            "clear",
            ["nvme_format_crypto"],
            "is not possible on sdx",
        ),
    ],
)
def test_refused(found: list[Ability], technique: str, level: str, fallback: list[str], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        choose(found, technique, level, fallback, name="sdx")
    assert words in caught.value.message and "nothing was done" in caught.value.message


@pytest.mark.parametrize(
    ("found", "level", "chosen"),
    [
        (["nvme_sanitize_crypto", "nvme_sanitize_block", "nvme_sanitize_overwrite"], "purge", "nvme_sanitize_block"),
        (["nvme_sanitize_crypto", "nvme_sanitize_overwrite"], "purge", "nvme_sanitize_overwrite"),
        (["ata_security_erase_enhanced", "ata_sanitize_crypto"], "clear", "ata_sanitize_crypto"),
    ],
)
def test_auto_takes_the_strongest(found: list[str], level: str, chosen: str) -> None:
    weak = [able("nvme_format_user_data", "clear"), able("ata_security_erase", "clear")]
    assert choose([*weak, *map(able, found)], "auto", level, [], name="sdx") == [chosen]


def test_the_strongest_is_taken_also_where_less_would_do() -> None:
    found = [able("nvme_format_user_data", "clear"), able("nvme_sanitize_crypto")]
    assert choose(found, "auto", "clear", [], name="sdx") == ["nvme_sanitize_crypto"]


def test_fallbacks_that_are_not_possible_or_not_enough_are_left_out() -> None:
    found = [
        able("nvme_sanitize_block"),
        able("nvme_format_crypto", "clear"),
        unable("nvme_sanitize_overwrite"),
        able("nvme_sanitize_crypto"),
    ]
    fallback = ["nvme_format_crypto", "nvme_sanitize_overwrite", "nvme_sanitize_crypto", "nvme_sanitize_block"]
    assert choose(found, "nvme_sanitize_block", "purge", fallback, name="sdx") == ["nvme_sanitize_block", "nvme_sanitize_crypto"]
    # Each with a word.
    assert left_out(found, "purge", [*fallback, "scsi_format"], name="sdx") == [
        "the fallback nvme_format_crypto is never tried on sdx, because it reaches at most clear and purge is required",
        "the fallback nvme_sanitize_overwrite is never tried on sdx, because it is not possible there: the controller does not offer it",
        "the fallback scsi_format is never tried on sdx, because it is not possible there: it is not known to this medium",
    ]
