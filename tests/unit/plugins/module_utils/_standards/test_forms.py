# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._standards.forms import (
    FIELDS,
    FORMS,
    SECTIONS,
    TYPE_OF_LEVEL,
    method_of,
)
from ansible_collections.recordings.disposal.plugins.module_utils._standards.levels import LEVELS
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import PHYSICAL
from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import TECHNIQUES

BY_ID = {field.id: field for field in FIELDS}


def test_every_field_tells_who_asks_for_it_and_how_sure_that_is() -> None:
    assert len(BY_ID) == len(FIELDS) and {field.section for field in FIELDS} == set(SECTIONS)
    for field in FIELDS:
        assert field.asked and set(field.asked) <= set(FORMS), field.id
        for form, asked in field.asked.items():
            assert asked.edition == FORMS[form].edition and asked.name and asked.source and asked.confidence == "S"


def test_a_level_is_ticked_in_a_box_of_the_form_and_damage_never_is() -> None:
    assert set(TYPE_OF_LEVEL) == set(LEVELS) - {"none"}
    assert set(TYPE_OF_LEVEL.values()) == set(BY_ID["method_type"].values) - {"damage"}


@pytest.mark.parametrize(
    ("technique", "box"),
    [
        ("degauss", "degauss"),
        ("overwrite", "overwrite"),
        ("nvme_sanitize_overwrite", "overwrite"),
        ("scsi_sanitize_block", "block_erase"),
        ("ata_sanitize_crypto", "crypto_erase"),
        ("nvme_format_crypto", "crypto_erase"),
        ("opal_psid_revert", "crypto_erase"),
        ("crypto_erase", "crypto_erase"),
        ("nvme_format_user_data", "other"),
        ("ata_security_erase", "other"),
        ("mmc_sanitize", "other"),
        ("shred", "other"),
        ("what nobody knows", "other"),
    ],
)
def test_a_technique_is_ticked_where_its_name_leaves_no_doubt(technique: str, box: str) -> None:
    assert method_of(technique) == box


def test_every_technique_has_a_box_of_the_form() -> None:
    assert {method_of(technique) for technique in (*TECHNIQUES, *PHYSICAL)} == set(BY_ID["method"].values)
