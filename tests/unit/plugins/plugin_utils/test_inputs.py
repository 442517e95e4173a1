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
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import (
    complete_arguments,
    document_arguments,
    identifiers_key,
    key_that_stands_twice,
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


@pytest.mark.parametrize(
    ("name", "text", "key", "lines"),
    [
        ("H-1.yml", "id: H-1\nmatch: {source: [pbx]}\nreason: x\nmatch: {src: ['1']}\n", "match", (2, 4)),
        ("H-1.yml", "# hold\nmatch:\n  src: ['1']\n  did: ['2']\n  'src': ['3']\n", "src", (3, 5)),
        ("H-1.yml", "a:\n- b: [{c: 1,\n  c: 2}]\n", "c", (2, 3)),
        ("H-1.yml", "examples:\n- on: 2026-11-23\n  'on': 2027-11-23\n", "on", (2, 3)),
        ("H-1.yml", "7: a\n'7': b\n", "7", (1, 2)),
        ("H-1.yml", "one: &x {keep: P1Y}\ntwo:\n  <<: *x\n  keep: P2Y\n  keep: P3Y\n", "keep", (4, 5)),
        ("H-1.yml", "a: &x {y: 1}\nb: &z {y: 2}\nc:\n  <<: *x\n  <<: *z\n", "<<", (4, 5)),
        ("H-1.yml", "id: !unsafe a\nwhere: !unsafe '{{ x }}'\nid: b\n", "id", (1, 3)),
        ("H-1.json", '{"id": "H-1",\n "match": {"src": ["1"]},\n "match": {}}', "match", (2, 3)),
        ("H-1.json", '{\n\t"match": {\n\t\t"src": ["1"],\n\t\t"src": ["2"]\n\t}\n}\n', "src", (3, 4)),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path: pathlib.Path, name: str, text: str, key: str, lines: tuple[int, int]) -> None:
    """Of two equal keys a loader silently takes the last."""
    (tmp_path / name).write_text(text)
    for what, options in (("the hold", {"holds_dir": str(tmp_path)}), ("the policy", {"policy_file": str(tmp_path / name)})):
        with pytest.raises(AnsibleActionFail) as caught:
            document_arguments(options, DataLoader())
        assert caught.value.message == (
            f"{what} {tmp_path / name} has the key {key} twice in one mapping, on lines {lines[0]} and {lines[1]}, "
            "so one of the two would be lost; keep the one that is meant"
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one: &x {keep: P1Y, a: 1}\ntwo:\n  <<: *x\n  keep: P2Y\n", {"one": {"keep": "P1Y", "a": 1}, "two": {"keep": "P2Y", "a": 1}}),
        ("a: {x: 1}\nb: {x: 2}\n", {"a": {"x": 1}, "b": {"x": 2}}),
        ("a: &l [{x: 1}, {x: 1}]\nb: *l\n", {"a": [{"x": 1}, {"x": 1}], "b": [{"x": 1}, {"x": 1}]}),
        ("a: !unsafe '{{ x }}'\n", {"a": "{{ x }}"}),
        ("a: |\n  b: 1\n  b: 2\n", {"a": "b: 1\nb: 2\n"}),
        ('{\n\t"a": "b",\n\t"c": {"a": "\\/\\ud83d\\ude00"}\n}', {"a": "b", "c": {"a": "/\U0001f600"}}),
        ('{"' + "k" * 200 + '":1}', {"k" * 200: 1}),
    ],
)
def test_equal_keys_of_different_mappings_are_none_that_stand_twice(tmp_path: pathlib.Path, text: str, expected: object) -> None:
    (tmp_path / "policy.yml").write_text(text)
    assert load_yaml(str(tmp_path / "policy.yml"), DataLoader(), "the policy") == expected


def test_tags_are_not_looked_at() -> None:
    text = "id: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00\n!vault a: {b: !unknown {c: 1}}\n? [a, b]\n: c\n"
    assert key_that_stands_twice(text) is None
    assert key_that_stands_twice(text + "id: !vault x\n") == ("id", 1, 7)
    assert key_that_stands_twice("a: &x [*x, {b: 1, b: 2}]\n") == ("b", 1, 1)


def test_vault_files_are_read_and_their_keys_looked_at(tmp_path: pathlib.Path) -> None:
    secrets = [("default", VaultSecret(b"pass"))]
    loader = DataLoader()
    loader.set_vault_secrets(secrets)
    path = tmp_path / "H-1.yml"
    path.write_bytes(VaultLib(secrets).encrypt("id: H-1\nreason: zażółć\n"))
    assert load_documents(str(tmp_path), loader, "hold") == [{"id": "H-1", "reason": "zażółć"}]
    with pytest.raises(AnsibleActionFail, match="the hold .*H-1.yml cannot be read"):
        load_documents(str(tmp_path), DataLoader(), "hold")
    path.write_bytes(VaultLib(secrets).encrypt("id: H-1\nid: H-2\n"))
    with pytest.raises(AnsibleActionFail, match="H-1.yml has the key id twice in one mapping, on lines 1 and 2"):
        load_documents(str(tmp_path), loader, "hold")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# to be written\n---\n", "is empty"),
        ("{}", "is empty"),
        ("[]", "is a list, not a mapping"),
        ("- {id: H-1}\n- {id: H-2}\n", "is a list, not a mapping"),
        ("H-1", "is a single value, not a mapping"),
        ("2026-11-23", "is a single value, not a mapping"),
        ("false", "is a single value, not a mapping"),
    ],
)
def test_a_document_that_says_nothing_is_refused(tmp_path: pathlib.Path, text: str, words: str) -> None:
    path = tmp_path / "H-1.yml"
    path.write_text(text)
    tell = "so nobody can tell what was meant; write one mapping with its keys into it (docs/policy.md), or take the file away"
    for what, options in (
        ("the hold", {"holds_dir": str(tmp_path)}),
        ("the erasure request", {"requests_dir": str(tmp_path)}),
        ("the policy", {"policy_file": str(path)}),
    ):
        with pytest.raises(AnsibleActionFail) as caught:
            document_arguments(options, DataLoader())
        assert caught.value.message == f"{what} {path} {words}, {tell}"


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


def test_a_document_that_refers_to_itself(tmp_path: pathlib.Path) -> None:
    (tmp_path / "h.yml").write_text("&a\nid: H-1\nwhere: *a\n")
    with pytest.raises(AnsibleActionFail, match="refers to itself .* write it out"):
        load_documents(str(tmp_path), DataLoader(), "hold")
