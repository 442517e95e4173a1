# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib
import time

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import (
    complete_arguments,
    document_arguments,
    identifiers_key,
    load_documents,
    load_yaml,
)


def test_documents_become_plain(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text("a: {on: 2026-11-23, keep: P5Y, count: 5, 7: x}\nwhen: 2026-11-23T10:00:00Z\n")
    loaded = load_yaml(str(path), DataLoader(), "the policy")
    assert loaded["a"] == {"on": "2026-11-23", "keep": "P5Y", "count": 5, "7": "x"}
    for value in (*loaded["a"].values(), *loaded["a"]):
        assert type(value) in (str, int)


def test_templates_in_documents_are_not_run(tmp_path: pathlib.Path) -> None:
    (tmp_path / "policy.yml").write_text("reason: \"{{ lookup('pipe', 'id') }}\"\n")
    arguments = document_arguments({"policy_file": str(tmp_path / "policy.yml")}, DataLoader())
    assert arguments["policy"] == {"reason": "{{ lookup('pipe', 'id') }}"}


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\x00"])
def test_a_spoilt_document_is_no_document(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "H-1.yml").write_text(text)
    with pytest.raises(AnsibleActionFail, match="the hold .*H-1.yml cannot be read"):
        load_documents(str(tmp_path), DataLoader(), "hold")


def test_a_missing_directory_of_holds_is_not_taken_for_none(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AnsibleActionFail, match="the directory of holds .*gone is missing on the controller"):
        document_arguments({"holds_dir": str(tmp_path / "gone")}, DataLoader())
    with pytest.raises(AnsibleActionFail, match="the policy .*gone.yml is not a file"):
        document_arguments({"policy_file": str(tmp_path / "gone.yml")}, DataLoader())


def test_documents_are_read_in_name_order_and_join_those_given(tmp_path: pathlib.Path) -> None:
    for name in ("b.yml", "a.json", "c.yaml"):
        (tmp_path / name).write_text(f'{{"id": "{name}"}}')
    (tmp_path / ".hidden.yml").write_text("{")
    arguments = document_arguments({"holds": [{"id": "first"}], "holds_dir": str(tmp_path)}, DataLoader())
    assert [item["id"] for item in arguments["holds"]] == ["first", "a.json", "b.yml", "c.yaml"]
    assert "holds_dir" not in arguments


@pytest.mark.parametrize("name", ["case.YML", "case", "case.yml.txt", "old.yml~", "below"])
def test_a_hold_that_would_not_be_read_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    if name == "below":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("{}")
    with pytest.raises(AnsibleActionFail, match="so it would not be read as a hold; rename it or take it away"):
        document_arguments({"holds_dir": str(tmp_path)}, DataLoader())


def test_policy_and_file_exclude_each_other(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AnsibleActionFail, match="policy and policy_file are both given"):
        document_arguments({"policy": {"a": 1}, "policy_file": str(tmp_path / "x")}, DataLoader())


def test_the_key_is_made_once_and_only_outside_check_mode(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "disposal" / "identifiers.key"
    assert len(identifiers_key(str(path), check_mode=True)) == 64
    assert not path.parent.exists()
    key = identifiers_key(str(path), check_mode=False)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert identifiers_key(str(path), check_mode=False) == identifiers_key(str(path), check_mode=True) == key
    assert os.listdir(path.parent) == ["identifiers.key"]


def test_no_key_for_plain_identifiers_and_the_time_is_the_controllers(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "identifiers.key"
    for policy in ({"identifiers": "plain"}, {"disposal_policy": {"identifiers": "plain"}}):
        arguments = complete_arguments({"policy": policy, "identifiers_key_file": str(path)}, DataLoader(), check_mode=False)
        assert "identifiers_key" not in arguments and not path.exists()
        assert abs(arguments["controller_time"] - time.time()) < 60
    arguments = complete_arguments({"policy": {"id": "x"}, "identifiers_key_file": str(path)}, DataLoader(), check_mode=False)
    assert arguments["identifiers_key"] == path.read_text().strip()
