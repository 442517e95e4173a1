# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import Medium, abilities
from ansible_collections.recordings.disposal.plugins.module_utils._media.kinds import KINDS
from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import (
    OF_KEYS,
    RATES,
    REACHABLE,
    TECHNIQUES,
    techniques,
)

OWN = {"level": "clear", "standard": "IEEE 2883-2022", "source": "our own test of 2026-03"}


def test_every_figure_has_its_edition_and_source() -> None:
    for known in TECHNIQUES.values():
        assert known.level in REACHABLE[1:] and known.standard and known.source and known.confidence in ("P", "S", "unverified")
    assert all(kind in KINDS and rate > 0 for kind, rate in RATES.items())


def test_the_table_and_what_decides_know_the_same_techniques() -> None:
    # What a medium offers; a key is not the medium's.
    assert {ability.technique for ability in abilities(Medium("unknown", 1))} == set(TECHNIQUES) - set(OF_KEYS)


@pytest.mark.parametrize(
    ("technique", "level", "confidence"),
    [
        ("ata_security_erase", "clear", "P"),
        ("ata_security_erase_enhanced", "purge", "P"),
        ("scsi_sanitize_overwrite", "purge", "P"),
        ("scsi_format", "clear", "unverified"),
        ("nvme_format_crypto", "clear", "P"),
        ("mmc_sanitize", "purge", "unverified"),
        ("mmc_secure_erase", "purge", "unverified"),
        ("tape_erase_long", "clear", "unverified"),
    ],
)
def test_levels(technique: str, level: str, confidence: str) -> None:
    assert techniques()[technique].level == level and TECHNIQUES[technique].confidence == confidence


def test_a_policy_overrides_a_level() -> None:
    assert techniques({"mmc_sanitize": OWN})["mmc_sanitize"].level == "clear" and techniques()["mmc_sanitize"].level == "purge"
    assert techniques({"mmc_sanitize": OWN})["mmc_sanitize"].confidence == "policy"
    (row,) = (each.row() for each in abilities(Medium("hdd", 1), {"overwrite": OWN}) if each.technique == "overwrite")
    assert (row["level"], row["standard"], row["source"], row["confidence"]) == (*OWN.values(), "policy")


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("degauss", OWN, "the level of the technique degauss is not known; give one of overwrite, "),
        ("overwrite", "purge", "must have level, standard, source and nothing else"),
        ("overwrite", {"level": "purge"}, "must have level, standard, source and nothing else"),
        ("overwrite", {**OWN, "level": "destroy"}, "has the level 'destroy', which is none; give one of none, clear, purge"),
        ("overwrite", {**OWN, "source": " "}, "has no source; state the edition and the source"),
        ("overwrite", {**OWN, "standard": None}, "has no standard; state the edition and the source"),
    ],
)
def test_a_faulty_override_is_refused(name: str, given: t.Any, why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        techniques({name: given})
    assert why in caught.value.message
