# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's own options; what it does on real media, tests/system and tests/virtual show."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.doc_fragments import _inputs, _policy
from ansible_collections.recordings.disposal.plugins.modules.media_drain import DOCUMENTATION, main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Look = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def look(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    def call(**options: t.Any) -> dict[str, t.Any]:
        before = fingerprint(tmp_path)
        given = {"state_dir": str(tmp_path / "state"), **options}
        first, second = (run(main, capsys, monkeypatch, check=check, **given) for check in (True, False))
        assert {**first, "as_of": "", "invocation": {}} == {**second, "as_of": "", "invocation": {}}
        assert fingerprint(tmp_path) == before and len(json.dumps(second)) < 1 << 16
        return second

    return call


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no media are named, so nothing was looked at; give register, or media"),
        ({"media": ["S1"], "register": "register.yml"}, "mutually exclusive"),
        ({"media": ["S1"], "policy": {"id": "x"}, "policy_file": "policy.yml"}, "mutually exclusive"),
        ({"media": ["S1"], "other_files": "ignored"}, "value of other_files must be one of: refuse, accepted"),
        ({"media": ["S1"], "copies": [{"root": "/srv"}]}, "missing required arguments: copy found in copies"),
        ({"media": ["S1"], "copies": [{"root": "/srv", "copy": "/mnt", "host": "x"}]}, "Unsupported parameters"),
        ({"media": ["S1", "s1"]}, "the serials under media are blank or stand twice (s1)"),
    ],
)
def test_options_that_make_no_sense(look: Look, options: dict[str, t.Any], words: str) -> None:
    result = look(**options)
    assert result["failed"] and words in result["msg"]


def test_no_media_and_media_that_are_not_here(look: Look) -> None:
    result = look(media=[])
    assert (result["media"], result["policy"], result["changed"]) == ([], None, False)
    result = look(media=[f"NO-SUCH-{number}" for number in range(64)])
    assert [row["drained"] for row in result["media"]] == ["unknown"] * 64


def test_a_policy_and_holds_are_told_and_not_repeated(look: Look, tmp_path: pathlib.Path) -> None:
    (tmp_path / "host").mkdir()
    world = World(tmp_path / "host")
    hold = {"id": "case-1", "reason": "secret", "placed": "2020-01-01", "placed_by": "l@example.com", "match": {"src": ["+48600100200"]}}
    params = {key: value for key, value in world.params().items() if key not in ("state_dir", "workers", "sources")}
    result = look(media=["NO-SUCH"], **{**params, "holds": [hold]})
    assert result["policy"]["id"] == "test" and result["holds"]["active"] == 1
    # Newer versions of ansible-core do not repeat the options of a module.
    assert result.get("invocation", {}).get("module_args", {}).get("policy", True) is True and "secret" not in json.dumps(result)


def test_the_options_that_it_shares_are_those_of_the_fragments() -> None:
    own = yaml.safe_load(DOCUMENTATION)["options"]
    shared = {name for fragment in (_inputs, _policy) for name in yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]}
    assert not set(own) & shared
