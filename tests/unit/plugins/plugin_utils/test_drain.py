# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which media a host looks at, by the register; and what the task hands to the host."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.plugin_utils._drain import drain_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry, write_register

ENTRIES = (
    entry("S1", state="released"),
    entry("S 2", state="released"),
    entry("S3"),
    entry("S4", state="sanitized"),
    entry("T1", host="rec2", state="released"),
    entry("T2", host="rec2"),
)


@pytest.fixture(params=["register.yml", "register.csv", "register.db"])
def register(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> pathlib.Path:
    return write_register(tmp_path / request.param, ENTRIES)


def given(register: pathlib.Path, host: str = "rec1", **options: t.Any) -> dict[str, t.Any]:
    return drain_arguments({"register": str(register), **options}, DataLoader(), host=host, check_mode=True)


def refused(words: str, register: pathlib.Path, **options: t.Any) -> None:
    before = register.read_bytes()
    with pytest.raises(AnsibleActionFail) as caught:
        given(register, **options)
    assert words in str(caught.value), caught.value
    assert register.read_bytes() == before


def test_the_released_media_of_the_host(register: pathlib.Path) -> None:
    found = given(register)
    assert found["media"] == ["S1", "S 2"] and "register" not in found and "serials" not in found
    assert given(register, host="rec2")["media"] == ["T1"] and given(register, host="rec9")["media"] == []


def test_some_of_them(register: pathlib.Path) -> None:
    assert given(register, serials=["s2"])["media"] == ["S 2"]
    assert given(register, serials=["S2", " s 2 ", "T1", "T2"])["media"] == ["S 2"]
    assert given(register, serials="S1,s2")["media"] == ["S1", "S 2"]
    assert given(register, serials=[])["media"] == [] and given(register, serials=["T1"])["media"] == []


def test_serials_that_may_not_be_looked_for(register: pathlib.Path) -> None:
    refused("NO-SUCH is not in it, so enter it first, or correct the serial", register, serials=["S1", "NO-SUCH"])
    refused("S3 is in_service, not released, so record its release first (media_register), or leave it out", register, serials=["s3"])
    refused("S4 is sanitized, not released", register, serials=["S4"])
    refused("a blank serial is not in it", register, serials=["S1", " "])
    refused("does not have as released on rec1, so nothing was looked at: S9 is not in it", register, serials=["S9", "S3"])
    refused("; and 2 more", register, serials=[f"X{number}" for number in range(12)])


def test_a_register_that_is_not_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "register.yml").write_text("media: 7\n")
    refused("register.yml", tmp_path / "register.yml")
    refused("is not valid", write_register(tmp_path / "twice.yml", [entry("S1"), entry("s 1")]))
    with pytest.raises(AnsibleActionFail, match="cannot be read"):
        given(tmp_path / "none.yml")
    with pytest.raises(AnsibleActionFail, match="so its form is not known"):
        given(tmp_path / "register.txt")


def test_options_that_contradict_each_other(register: pathlib.Path) -> None:
    refused("register and media are both given; give one of them", register, media=["S1"])
    with pytest.raises(AnsibleActionFail, match="serials narrows what a register has, and no register is given"):
        drain_arguments({"serials": ["S1"]}, DataLoader(), host="rec1", check_mode=True)


def test_media_without_a_register() -> None:
    found = drain_arguments({"media": ["S1"]}, DataLoader(), host="rec1", check_mode=True)
    assert found["media"] == ["S1"] and found["controller_time"] > 0 and "identifiers_key" not in found


def test_the_policy_and_its_documents(register: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "policy.yml").write_text("id: x\n")
    (tmp_path / "holds").mkdir()
    (tmp_path / "holds" / "one.json").write_text(json.dumps({"id": "case-1"}))
    found = given(register, policy_file=str(tmp_path / "policy.yml"), holds_dir=str(tmp_path / "holds"))
    assert found["policy"] == {"id": "x"} and found["holds"] == [{"id": "case-1"}] and len(found["identifiers_key"]) == 64
    refused("is missing on the controller", register, holds_dir=str(tmp_path / "none"))
