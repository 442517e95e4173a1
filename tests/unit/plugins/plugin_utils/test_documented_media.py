# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides' examples and the modules' own are tasks that the modules take, and the table of techniques is that of the code."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.recordings.disposal.plugins.doc_fragments import _key_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.preconditions import DEMANDS, PRECONDITIONS
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES
from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import techniques
from ansible_collections.recordings.disposal.plugins.modules import crypto_erase, media_info, media_verify, overwrite, sanitize

TOP = pathlib.Path(__file__).resolve().parents[4]
MODULES = {
    "crypto_erase": crypto_erase,
    "media_info": media_info,
    "media_verify": media_verify,
    "overwrite": overwrite,
    "sanitize": sanitize,
}
GUIDES = ("crypto", "crypto-others", "media", "sanitize", "overwrite")


def spec(options: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """An argument spec from documented options."""
    kept = ("type", "elements", "choices", "required", "default", "aliases")
    found = {name: {key: value for key, value in option.items() if key in kept} for name, option in options.items()}
    for name, option in options.items():
        if "suboptions" in option:
            found[name]["options"] = spec(option["suboptions"])
    return found


def tasks() -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """Where each example stands, its module and its options."""
    sources = {f"module {name}": yaml.safe_load(module.EXAMPLES) for name, module in MODULES.items()}
    for guide in GUIDES:
        blocks = re.findall(r"(?:^ {4}.*\n|^\n)+", (TOP / "docs" / f"{guide}.md").read_text(encoding="utf-8"), re.MULTILINE)
        found = [yaml.safe_load(block) for block in blocks if "recordings.disposal." in block and block.lstrip().startswith("- ")]
        sources[f"guide {guide}"] = [task for block in found for task in block]
    for source, listed in sources.items():
        for task in listed:
            for key, options in task.items():
                name = key.rpartition(".")[2]
                if key.startswith("recordings.disposal.") and name in MODULES:
                    yield source, name, options or {}


FOUND = list(tasks())


def test_there_are_examples_everywhere() -> None:
    assert {source for source, _name, _options in FOUND} == {
        *(f"module {name}" for name in MODULES),
        *(f"guide {guide}" for guide in GUIDES),
    }


@pytest.mark.parametrize(("source", "name", "options"), FOUND)
def test_each_example_is_taken(source: str, name: str, options: dict[str, t.Any]) -> None:
    documented = dict(yaml.safe_load(MODULES[name].DOCUMENTATION)["options"])
    if name == "crypto_erase":
        documented.update(yaml.safe_load(_key_store.ModuleDocFragment.DOCUMENTATION)["options"])
    result = ArgumentSpecValidator(spec(documented)).validate(options)
    assert not result.error_messages and not result.unsupported_parameters, source


def test_the_guide_lists_every_technique_with_its_level() -> None:
    told: dict[str, str] = {}
    for names, level in re.findall(r"^\| (`\w+`.*?) \| (clear|purge)[^|]*\|", (TOP / "docs" / "sanitize.md").read_text(), re.MULTILINE):
        first = ""
        for name in re.findall(r"`(\w+)`", names):
            first = first or name
            told[name if not name.startswith("_") else first.rpartition("_")[0] + name] = level
    assert told == {name: techniques()[name].level for name in TECHNIQUES}


def test_the_module_lists_every_technique() -> None:
    words = " ".join(yaml.safe_load(sanitize.DOCUMENTATION)["options"]["technique"]["description"])
    assert set(re.findall(r"V\(([^)]*)\)", words)) == {"auto", *TECHNIQUES}


def test_the_guide_and_the_module_name_every_precondition_and_demand() -> None:
    text = (TOP / "docs" / "crypto.md").read_text(encoding="utf-8").partition("## Preconditions")[2].partition("## What the outcome")[0]
    assert set(re.findall(r"`(\w+)`", text)) >= {*PRECONDITIONS, *DEMANDS}
    words = " ".join(yaml.safe_load(crypto_erase.DOCUMENTATION)["options"]["preconditions"]["description"])
    assert set(re.findall(r"V\((\w+)\)", words)) >= {*PRECONDITIONS, *DEMANDS}
