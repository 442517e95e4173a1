# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action import policy_review, policy_review_info
from ansible_collections.recordings.disposal.plugins.modules import policy_review as told_review
from ansible_collections.recordings.disposal.plugins.modules import policy_review_info as told_info
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys, snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.review_world import AUTHOR, POLICY

Told = dict[str, t.Any]


@pytest.fixture(autouse=True)
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("policy.yml").write_text(yaml.safe_dump({**POLICY, "review_by": "2026-01-31"}), encoding="utf-8")
    pathlib.Path("allowed_signers").write_text(Keys(tmp_path).line("anna@example.com", "anna"), encoding="ascii")
    return tmp_path


def review(*, check_mode: bool = False, **options: t.Any) -> Told:
    args = {"policy_file": "policy.yml", "author": AUTHOR, "reviews_dir": "reviews", "review_signers": "allowed_signers", **options}
    given = {name: value for name, value in args.items() if value is not None}
    return run_action(policy_review.ActionModule, "policy_review", given, check_mode=check_mode)


def info(**options: t.Any) -> Told:
    return run_action(policy_review_info.ActionModule, "policy_review_info", {"policy_file": "policy.yml", **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"author": None}, "author"),
        ({"author": " "}, "author is not a name on one line"),
        ({"reviews_dir": None}, "reviews_dir and review_signers are both needed"),
        ({"review_signers": None}, "reviews_dir and review_signers are both needed"),
        ({"policy_file": "elsewhere.yml"}, "elsewhere.yml is not a file on the controller"),
        ({"catalogue_file": "elsewhere.yml"}, "elsewhere.yml is not a file on the controller"),
        ({"allowed_signers": "elsewhere"}, "elsewhere cannot be read"),
        ({"language": "de"}, "en, pl"),
        ({"fail_on": "anything"}, "never, severe, warning, notice"),
        ({"policy": POLICY}, "policy and policy_file are both given"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_refuses_and_writes_nothing(here: pathlib.Path, options: Told, words: str) -> None:
    before = snapshot(here)
    try:
        found = review(**options)
        told = str(found["msg"])
        assert found["failed"] and not found["changed"]
    except AnsibleError as error:
        told = str(error)
    assert words in told and snapshot(here) == before


def test_check_mode_and_the_read_only_module_write_nothing(here: pathlib.Path) -> None:
    before = snapshot(here)
    assert review(check_mode=True)["changed"]
    found = info(reviews_dir="reviews", review_signers="allowed_signers")
    assert not found["changed"] and found["counts"]["severe"] >= 1 and found["review"]["state"] == "blocking"
    assert snapshot(here) == before


def test_what_must_not_stay_fails_and_what_was_found_is_written_all_the_same(here: pathlib.Path) -> None:
    found = review(fail_on="severe", language="pl")
    assert found["failed"] and "policy contact-centre: The review was due by 2026-01-31." in found["msg"]
    assert "Termin przeglądu minął 2026-01-31" in pathlib.Path(found["pages"]["html"]).read_text(encoding="utf-8")
    assert info(fail_on="severe")["failed"] and not info(fail_on="never").get("failed")


@pytest.mark.parametrize("documented", [told_review, told_info])
def test_the_documentation_tells_what_is_returned(here: pathlib.Path, documented: t.Any) -> None:
    reviews = {"reviews_dir": "reviews", "review_signers": "allowed_signers"}
    found = review() if documented is told_review else info(**reviews)
    assert set(yaml.safe_load(documented.RETURN)) == set(found) - {"changed"}
