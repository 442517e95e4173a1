# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An overdue review never stops keeping; it stops what may destroy sooner than was signed off."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_gate import gate
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_record import read_record, record_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_signed import Signers, last_sign_off
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys, snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.review_world import (
    ANNA,
    AUTHOR,
    POLICY,
    SIGNED,
    ReviewWorld,
    sign_record,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import faults, validate

CURRENT = parse_time("2026-11-30T23:59:59Z")
OVERDUE = parse_time("2026-12-01T00:00:00Z")
LAST = parse_time("2026-12-30T23:59:59Z")
BLOCKING = parse_time("2026-12-31T00:00:00Z")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(tmp_path: pathlib.Path, keys: Keys) -> ReviewWorld:
    return ReviewWorld(tmp_path, keys)


def refused(world: ReviewWorld, policy: t.Any, *, now: dt.datetime = BLOCKING, **options: t.Any) -> str:
    before = snapshot(world.reviews)
    with pytest.raises(RefusedError) as caught:
        gate(world.options(**options), policy, now=now)
    assert snapshot(world.reviews) == before
    return caught.value.message


# What blocks.


def test_a_shortened_period_is_refused_with_class_both_periods_and_the_date(world: ReviewWorld) -> None:
    world.review()
    assert refused(world, world.policy(keep="P30D")) == (
        "the policy contact-centre, signed off on 2026-06-01 by anna@example.com, was to be reviewed by 2026-11-30 and the grace ended on "
        "2026-12-30, so nothing may be destroyed sooner than was signed off: the class calls has keep P30D, and had P90D; have "
        "records.manager@example.com review it and the review signed (docs/review.md), or plan under the policy that was signed off"
    )


def test_a_policy_cannot_put_its_own_review_off(world: ReviewWorld) -> None:
    world.review()
    assert "was to be reviewed by 2026-11-30" in refused(world, world.policy(keep="P30D", review_by="2030-01-01"))


def test_a_new_class_is_refused(world: ReviewWorld) -> None:
    world.review()
    more = {**POLICY["classes"][0], "name": "chats", "keep": "P5Y"}
    assert "the class chats is new (keep P5Y)" in refused(world, world.policy(classes=[*POLICY["classes"], more]))


def test_a_policy_is_not_a_new_one_for_its_new_name(world: ReviewWorld) -> None:
    world.review()
    renamed = world.policy(id="recordings", keep="P30D", review_by="2030-01-01")
    assert refused(world, renamed).startswith(
        "the policy recordings, whose roots were reviewed as those of the policy contact-centre, signed off on 2026-06-01 by anna@example.com, "
        "was to be reviewed by 2026-11-30 and the grace ended on 2026-12-30, so nothing may be destroyed sooner than was signed off: "
        "the class calls has keep P30D, and had P90D"
    )
    assert "no review of the policy recordings counts" in gate(world.options(), renamed, now=CURRENT)[1][0]


def test_a_policy_of_other_roots_is_a_new_one(world: ReviewWorld) -> None:
    world.review()
    other = world.policy(id="other", sources=[{"name": "pbx", "layout": "freepbx", "roots": ["/srv/other"]}], review_by="2030-01-01")
    standing, (warning,) = gate(world.options(), other, now=BLOCKING)
    assert standing and (standing.state, standing.signed_off) == ("current", None)
    assert warning == (
        "no review of the policy other counts; have records.manager@example.com review it and the review signed (docs/review.md) by 2030-01-01"
    )


@pytest.mark.parametrize("root", ["/srv", "/srv/pbx/2025"])
def test_a_root_around_or_below_that_of_another_policy_is_no_new_one(world: ReviewWorld, root: str) -> None:
    world.review()
    other = world.policy(id="other", keep="P30D", sources=[{"name": "pbx", "layout": "freepbx", "roots": [root]}], review_by="2030-01-01")
    assert "whose roots were reviewed as those of the policy contact-centre" in refused(world, other)


def test_a_root_that_moves_to_a_policy_that_was_reviewed_takes_its_overdue_review_along(world: ReviewWorld) -> None:
    world.review()
    own = {"name": "pbx", "layout": "freepbx", "roots": ["/srv/pbx2"]}
    current: dict[str, t.Any] = {"id": "other", "keep": "P30D", "review_by": "2027-11-30"}
    world.review(world.policy(**current, sources=[own]), now=parse_time("2026-12-20T10:00:00Z"))
    more = world.policy(**current, sources=[{**own, "roots": ["/srv/pbx2", "/srv/pbx"]}])
    told = refused(world, more)
    assert (
        "whose roots were reviewed as those of the policy contact-centre" in told and "the class calls has keep P30D, and had P90D" in told
    )
    assert gate(world.options(), world.policy(**current, sources=[own]), now=BLOCKING)[1] == []
    world.review(more, now=parse_time("2026-12-21T10:00:00Z"))
    assert gate(world.options(), more, now=BLOCKING)[1] == []


def test_without_any_review_each_class_is_new(world: ReviewWorld) -> None:
    words = refused(world, POLICY)
    assert "the policy contact-centre, never signed off, was to be reviewed by 2026-11-30" in words
    assert "the class calls is new (keep P90D)" in words


@pytest.mark.parametrize("policy", [POLICY, {"disposal_policy": POLICY}])
def test_the_policy_that_was_signed_off_goes_on_with_a_warning(world: ReviewWorld, policy: t.Any) -> None:
    world.review()
    standing, warnings = gate(world.options(), policy, now=BLOCKING)
    assert standing and standing.state == "blocking" and not standing.sooner and len(warnings) == 1
    assert warnings[0] == (
        "the policy contact-centre, signed off on 2026-06-01 by anna@example.com, was to be reviewed by 2026-11-30; "
        "have records.manager@example.com review it and the review signed (docs/review.md)"
    )


def test_one_that_keeps_longer_goes_on_with_a_warning(world: ReviewWorld) -> None:
    world.review()
    standing, warnings = gate(world.options(), world.policy(keep="P5Y"), now=BLOCKING)
    assert standing and standing.state == "blocking" and [change.what for change in standing.changes] == ["keep"] and len(warnings) == 1


@pytest.mark.parametrize("now", [OVERDUE, LAST])
def test_within_the_grace_a_shortened_period_is_warned_of(world: ReviewWorld, now: dt.datetime) -> None:
    world.review()
    standing, (warning,) = gate(world.options(), world.policy(keep="P30D"), now=now)
    assert standing and standing.state == "overdue"
    assert (
        "or from the day after 2026-12-30 no plan is made with what may destroy sooner: the class calls has keep P30D, and had P90D"
        in warning
    )


def test_until_its_date_nothing_is_said(world: ReviewWorld) -> None:
    world.review()
    standing, warnings = gate(world.options(), world.policy(keep="P30D"), now=CURRENT)
    assert standing and standing.state == "current" and warnings == []
    assert standing.told()["sooner"] == ["the class calls has keep P30D, and had P90D"]


def test_a_new_sign_off_lets_it_go_on(world: ReviewWorld) -> None:
    world.review()
    shortened = world.policy(keep="P30D", review_by="2027-11-30")
    world.review(shortened, now=parse_time("2026-12-20T10:00:00Z"))
    standing, warnings = gate(world.options(), shortened, now=BLOCKING)
    assert standing and (standing.state, warnings, standing.changes) == ("current", [], ())


def test_a_grace_of_ones_own(world: ReviewWorld) -> None:
    world.review()
    assert "the grace ended on 2026-11-30" in refused(world, world.policy(keep="P30D"), now=OVERDUE, review_grace="P0D")
    standing, _warnings = gate(world.options(review_grace="P1Y"), world.policy(keep="P30D"), now=BLOCKING)
    assert standing and standing.blocks_from == "2027-11-30"


def test_a_date_or_a_grace_beyond_the_calendar_ends_with_it(world: ReviewWorld) -> None:
    last = world.policy(review_by="9999-12-31")
    world.review(last)
    standing, _warnings = gate(world.options(), last, now=BLOCKING)
    assert standing and (standing.state, standing.blocks_from) == ("current", "9999-12-31")
    standing, _warnings = gate(world.options(review_grace="P9999Y"), world.policy(), now=BLOCKING)
    assert standing and (standing.state, standing.blocks_from) == ("overdue", "9999-12-31")


def test_a_signed_review_of_no_policy_at_all(world: ReviewWorld) -> None:
    path = world.review(key="")
    path.with_name("policy.json").write_bytes(b"\xff")
    told = {**json.loads(path.read_bytes())["policy"], "digest": digest(b"\xff")}
    world.edit(path, policy=told)
    sign_record(world.keys, path)
    assert "policy.json is no JSON" in refused(world, POLICY)


def test_without_the_directory_no_review_is_looked_at() -> None:
    assert gate({"review_grace": "P30D"}, POLICY, now=BLOCKING) == (None, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reviews_dir": None}, "review_signers is given without reviews_dir, so no review would be looked at"),
        ({"review_signers": None}, "reviews_dir is given without review_signers, so no signature could count"),
        ({"review_grace": "P1DT1H"}, "review_grace: 'P1DT1H' counts hours"),
        ({"review_grace": "soon"}, "review_grace: 'soon' is not an ISO 8601 period"),
        ({"reviews_dir": "/nowhere/reviews"}, "the directory of reviews /nowhere/reviews cannot be read (No such file or directory)"),
    ],
)
def test_options_that_make_no_sense_are_refused(world: ReviewWorld, changes: dict[str, t.Any], words: str) -> None:
    assert words in refused(world, POLICY, **changes)


# Which sign-offs count. Each of these leaves a policy that nobody has reviewed.

STALE = [
    ("unsigned", {"key": ""}, "nobody has signed it"),
    (
        "wrong namespace",
        {"namespace": "plan@recordings.disposal"},
        "is for the namespace 'plan@recordings.disposal', not review@recordings.disposal",
    ),
    ("not listed", {"key": "eve"}, "which allowed_signers does not list for anna@example.com"),
    ("the author", {"signer": AUTHOR, "key": "ewa"}, "ewa@example.com wrote the review, so the signature does not count"),
    ("the author's key", {"author": "ewa@example.com", "signer": "ewa2@example.com", "key": "ewa"}, "ewa2@example.com wrote the review"),
    ("later than now", {"now": parse_time("2027-06-01T10:00:00Z")}, "which is later than now"),
]


@pytest.mark.parametrize(("changes", "words"), [item[1:] for item in STALE], ids=[item[0] for item in STALE])
def test_a_sign_off_that_does_not_count(world: ReviewWorld, changes: dict[str, t.Any], words: str) -> None:
    world.signers_file.write_text(world.signers + world.keys.line("ewa2@example.com", "ewa"), encoding="ascii")
    path = world.review(**changes)
    told = refused(world, POLICY)
    assert "never signed off" in told and f"{path} does not count" in told and words in told


def test_somebody_who_is_not_a_reviewer(world: ReviewWorld) -> None:
    world.review()
    told = refused(world, POLICY, reviewers=["maria@example.com"])
    assert "anna@example.com: is not among those who may sign off reviews (maria@example.com)" in told
    assert gate(world.options(reviewers=["ANNA@example.com"]), POLICY, now=BLOCKING)[1]


def test_a_signer_who_may_sign_plans_only(world: ReviewWorld) -> None:
    world.signers_file.write_text(world.keys.line(ANNA, "anna", 'namespaces="plan@recordings.disposal"'), encoding="ascii")
    world.review()
    assert "may not sign for review@recordings.disposal" in refused(world, POLICY)


def test_a_key_that_ended_before_the_review(world: ReviewWorld) -> None:
    world.signers_file.write_text(world.keys.line(ANNA, "anna", 'valid-before="20260101"'), encoding="ascii")
    world.review()
    assert "is outside its validity" in refused(world, POLICY)


def test_a_line_under_which_one_key_signs_as_anybody(world: ReviewWorld) -> None:
    world.signers_file.write_text(world.keys.line("*@example.com", "anna"), encoding="ascii")
    world.review()
    assert "has the pattern '*@example.com'" in refused(world, POLICY)


EDITED = [
    ({"created": "2026-07-01T10:00:00Z"}, "the signature does not fit the text"),
    ({"policy": {**POLICY}}, "is no record of a review"),
    ({"colour": "red"}, "is no record of a review: colour: the str there is under an unknown key"),
    ({"format": "recordings.disposal/review/2"}, "has the format 'recordings.disposal/review/2', not recordings.disposal/review/1"),
]


@pytest.mark.parametrize(("changes", "words"), EDITED)
def test_a_record_that_was_edited(world: ReviewWorld, changes: dict[str, t.Any], words: str) -> None:
    path = world.review()
    world.edit(path, **changes)
    told = refused(world, POLICY)
    assert "never signed off" in told and str(path) in told and words in told


def test_a_record_that_is_not_canonical(world: ReviewWorld) -> None:
    path = world.review()
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1), encoding="utf-8")
    assert "is not canonical JSON and a newline" in refused(world, POLICY)


def test_a_policy_put_beside_a_record_of_another(world: ReviewWorld) -> None:
    path = world.review()
    path.with_name("policy.json").write_bytes(record_bytes(world.policy(keep="P1D"))[:-1])
    assert "policy.json is not the policy that was reviewed" in refused(world, world.policy(keep="P1D"))


def test_a_review_of_another_policy_is_none_of_this_one(world: ReviewWorld) -> None:
    world.review(world.policy(id="other", sources=[{"name": "pbx", "layout": "freepbx", "roots": ["/srv/other"]}]))
    assert "never signed off" in refused(world, POLICY)


def test_a_signature_moved_to_another_record(world: ReviewWorld) -> None:
    signed = world.review()
    other = world.review(world.policy(keep="P1D"), key="", now=parse_time("2026-07-01T10:00:00Z"))
    name = f"record.json.{ANNA}.sig"
    other.with_name(name).write_bytes(signed.with_name(name).read_bytes())
    told = refused(world, world.policy(keep="P1D"))
    assert "the class calls has keep P1D, and had P90D" in told
    standing, _warnings = gate(world.options(), POLICY, now=BLOCKING)
    assert standing and "the signature does not fit the text" in standing.problems[0]


def test_the_last_one_that_counts_is_taken(world: ReviewWorld) -> None:
    world.review()
    world.review(world.policy(keep="P60D"), now=parse_time("2026-07-01T10:00:00Z"))
    world.review(world.policy(keep="P1D"), key="", now=parse_time("2026-08-01T10:00:00Z"))
    signers = Signers(world.signers)
    found, problems = last_sign_off(str(world.reviews), "contact-centre", signers, now=BLOCKING)
    assert found and found.document["classes"][0]["keep"] == "P60D" and found.signed_by == (ANNA,)
    assert len(problems) == 1 and "nobody has signed it" in problems[0]


# The record is what its schema says.

MUTATIONS: list[dict[str, t.Any]] = [
    {"colour": "red"},
    {"author": ""},
    {"id": "x"},
    {"created": "yesterday"},
    {"policy": {"id": "contact-centre"}},
    {"catalogue": {"edition": "1", "dated": "2026-01-01", "digest": "0"}},
    {"previous": {"id": "x"}},
    {"changes": [{"subject": "class calls"}]},
    {"changes": [{"subject": "a", "what": "keep", "before": "a", "after": "b", "sooner": "yes"}]},
    {"findings": [{"code": "overdue", "severity": "fatal", "subject": "policy", "place": ""}]},
    {"not_known": [7]},
    {"format": "x"},
]


def test_a_record_fits_its_schema(world: ReviewWorld) -> None:
    shortened = world.policy(keep="P30D")
    previous = {"id": "2026-06-01-0123456789", "digest": "sha256:" + "1" * 64, "policy_digest": "sha256:" + "2" * 64}
    finding = {"code": "overdue", "severity": "warning", "subject": "policy", "place": "review_by"}
    first = world.record()
    standing, _warnings = gate(world.options(), POLICY, now=SIGNED)
    assert standing
    second = world.record(
        shortened,
        changes=list(standing.changes),
        findings=[finding],
        previous=previous,
        not_known=["the host pbx2: it could not be reached"],
    )
    for record in (first, second):
        validate("review-1", record)
        assert read_record(record_bytes(record)) == record


@pytest.mark.parametrize("changes", MUTATIONS)
def test_what_one_refuses_the_other_does_too(world: ReviewWorld, changes: dict[str, t.Any]) -> None:
    bad = {**world.record(), **changes}
    assert faults("review-1", bad)
    with pytest.raises(EvidenceError):
        read_record(record_bytes(bad))
