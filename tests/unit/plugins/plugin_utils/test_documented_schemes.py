# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's table of schemes, and the modules' documentation, say what the table in the code says."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._standards.schemes import PUBLISHED, scheme_problem
from ansible_collections.recordings.disposal.plugins.modules.overwrite import DOCUMENTATION

TOP = pathlib.Path(__file__).resolve().parents[4]


def test_the_guide_lists_the_schemes() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| .* \| (.*) \| (S|unverified) \|$", (TOP / "docs" / "overwrite.md").read_text(), re.MULTILINE
    )
    assert rows == [(name, str(len(item.passes)), item.source, item.confidence) for name, item in PUBLISHED.items()]


def test_the_module_lists_the_schemes() -> None:
    told = " ".join(yaml.safe_load(DOCUMENTATION)["options"]["scheme"]["description"])
    named = re.findall(r"V\(([^)]*)\)", told)
    assert named[:-1] == list(PUBLISHED) and scheme_problem(named[-1]) is None


@pytest.mark.parametrize("language", ["en", "pl"])
def test_each_scheme_has_words(language: str) -> None:
    words = yaml.safe_load((TOP / "plugins" / "plugin_utils" / "translations" / f"{language}.yml").read_text(encoding="utf-8"))
    assert list(words["schemes"]) == list(PUBLISHED)
