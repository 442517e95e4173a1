# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans under a policy whose review is overdue: neither a host plans nor is there a manifest."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action import plan_manifest, recording_period, retention_plan
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import result
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.review_world import POLICY, ReviewWorld

Told = dict[str, t.Any]
# Overdue beyond its grace on any day on which this can run.
LONG_AGO: Told = {**POLICY, "review_by": "2026-01-31"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(tmp_path: pathlib.Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> ReviewWorld:
    monkeypatch.chdir(tmp_path)
    made = ReviewWorld(tmp_path, keys)
    made.review(LONG_AGO)
    return made


def shortened(world: ReviewWorld) -> Told:
    return world.policy(keep="P30D", review_by="2026-01-31")


def plan(world: ReviewWorld, policy: Told, **options: t.Any) -> Told:
    """The result of retention_plan; a host would be needed for anything but a refusal."""
    (pathlib.Path("policy.yml")).write_text(yaml.safe_dump(policy), encoding="utf-8")
    return run_action(retention_plan.ActionModule, "retention_plan", {"policy_file": "policy.yml", **world.options(), **options})


def gather(world: ReviewWorld, planned_under: Told, **options: t.Any) -> Told:
    policy = load_policy(planned_under).summary()
    args = {"results": {"pbx1": result("pbx1", policy=policy)}, "author": "ewa@example.com", **world.options(), **options}
    return run_action(plan_manifest.ActionModule, "plan_manifest", {name: value for name, value in args.items() if value is not None})


WORDS = "nothing may be destroyed sooner than was signed off: the class calls has keep P30D, and had P90D"


def test_no_host_plans_under_a_shortened_policy_that_nobody_reviewed(world: ReviewWorld) -> None:
    found = plan(world, shortened(world))
    assert found["failed"] and not found["changed"] and WORDS in found["msg"] and "was to be reviewed by 2026-01-31" in found["msg"]


def test_no_key_of_a_period_goes_under_a_shortened_policy_that_nobody_reviewed(world: ReviewWorld) -> None:
    pathlib.Path("policy.yml").write_text(yaml.safe_dump(shortened(world)), encoding="utf-8")
    args = {"policy_file": "policy.yml", "class": "calls", "period": "2026-01", "recipient": "age1x", **world.options()}
    found = run_action(recording_period.ActionModule, "recording_period", args)
    assert found["failed"] and not found["changed"] and WORDS in found["msg"]


def test_no_host_plans_where_reviews_cannot_be_looked_at(world: ReviewWorld) -> None:
    assert "the directory of reviews" in plan(world, LONG_AGO, reviews_dir="elsewhere")["msg"]
    assert "cannot be read" in plan(world, LONG_AGO, review_signers="elsewhere")["msg"]


def test_there_is_no_manifest_of_a_shortened_policy_that_nobody_reviewed(world: ReviewWorld) -> None:
    found = gather(world, shortened(world), policy=shortened(world))
    assert found["failed"] and WORDS in found["msg"] and not pathlib.Path("disposal").exists()


def test_another_policy_than_the_hosts_had_cannot_stand_for_it(world: ReviewWorld) -> None:
    found = gather(world, shortened(world), policy=LONG_AGO)
    assert found["failed"] and "is not the one that the hosts planned under" in found["msg"] and not pathlib.Path("disposal").exists()


def test_a_manifest_needs_the_policy_to_tell_what_changed(world: ReviewWorld) -> None:
    found = gather(world, LONG_AGO)
    assert found["failed"] and "reviews_dir is given without the policy" in found["msg"] and not pathlib.Path("disposal").exists()


def test_what_was_signed_off_goes_on_with_a_warning(world: ReviewWorld) -> None:
    found = gather(world, LONG_AGO, policy=LONG_AGO)
    assert not found.get("failed"), found["msg"]
    assert found["review"]["state"] == "blocking" and found["review"]["sooner"] == []
    assert found["warnings"][0].startswith("the policy contact-centre, signed off on 2026-06-01 by anna@example.com, was to be reviewed by")
    assert pathlib.Path(found["manifest_path"]).exists()


def test_without_a_directory_of_reviews_nothing_is_said_of_them(world: ReviewWorld) -> None:
    found = gather(world, shortened(world), reviews_dir=None, review_signers=None)
    assert not found.get("failed") and "review" not in found and not found.get("warnings")
