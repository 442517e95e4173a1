# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime as dt
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import calendar_for
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.periods import parse_period
from ansible_collections.recordings.disposal.plugins.module_utils._retention.changes import keeps_as_long, policy_changes
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy

Document = dict[str, t.Any]
METHOD = {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"}
POLICY: Document = {
    "id": "contact-centre",
    "version": "2026-11",
    "owner": "records.manager@example.com",
    "review_by": "2027-05-31",
    "time_zone": "Europe/Warsaw",
    "quarantine": "P7D",
    "sources": [{"name": "pbx", "layout": "freepbx", "roots": ["/srv/pbx"], "sentinel": {"min_sets": 2}}],
    "classes": [
        {
            "name": "orders",
            "match": {"source": ["pbx"], "did": ["100"]},
            "start": {"event": "recording_start", "round": "next_year_start"},
            "keep": "P5Y",
            "destroy_within": "P30D",
            "legal_basis": "a law",
            "disposal": METHOD,
        },
        {
            "name": "calls",
            "match": {"source": ["pbx"]},
            "start": {"event": "recording_start"},
            "keep": "P90D",
            "destroy_within": "P30D",
            "legal_basis": "a law",
            "disposal": METHOD,
        },
    ],
    "floors": [{"name": "tax", "match": {"source": ["pbx"]}, "keep_at_least": "P30D", "legal_basis": "a law"}],
}
CALLS: tuple[str | int, ...] = ("classes", 1)
FLOOR: tuple[str | int, ...] = ("floors", 0)
SOURCE: tuple[str | int, ...] = ("sources", 0)
GONE = object()


def changed(*path: str | int, to: t.Any) -> Document:
    made = copy.deepcopy(POLICY)
    place: t.Any = made
    for key in path[:-1]:
        place = place[key]
    if to is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return made


SOONER: list[tuple[tuple[str | int, ...], t.Any, str]] = [
    ((*CALLS, "keep"), "P30D", "the class calls has keep P30D, and had P90D"),
    ((*CALLS, "keep"), "P89D", "the class calls has keep P89D, and had P90D"),
    # February to April have 89 days.
    ((*CALLS, "keep"), "P3M", "the class calls has keep P3M, and had P90D"),
    ((*CALLS, "keep"), "PT2160H", "the class calls has keep PT2160H, and had P90D"),
    (("classes", 0, "start", "round"), "next_quarter_start", "the class orders has start "),
    (("classes", 0, "start"), {"event": "recording_start"}, "the class orders has start "),
    ((*CALLS, "start"), {"event": "modified"}, "the class calls has start "),
    ((*CALLS, "match"), {"source": ["pbx"], "queue": ["5"]}, "the class calls has match "),
    ((*CALLS, "where"), "size > `5`", "the class calls has where size > `5`, and had nothing"),
    ((*CALLS, "disposal"), {**METHOD, "quarantine": "P1D"}, "the class calls has quarantine P1D, and had P7D"),
    (("quarantine",), GONE, "the class calls has quarantine nothing, and had P7D"),
    (("classes",), [*POLICY["classes"], {**POLICY["classes"][1], "name": "chats", "keep": "P1Y"}], "the class chats is new (keep P1Y)"),
    (("classes", 0), {**POLICY["classes"][0], "name": "others"}, "the class orders is gone (keep P5Y)"),
    (("classes",), POLICY["classes"][1:], "the class orders is gone (keep P5Y)"),
    ((*FLOOR, "keep_at_least"), "P29D", "the floor tax has keep_at_least P29D, and had P30D"),
    ((*FLOOR, "match"), {"source": ["pbx"], "did": ["5"]}, "the floor tax has match "),
    ((*FLOOR, "start"), {"event": "modified"}, "the floor tax has start "),
    (("floors",), GONE, "the floor tax is gone (keep_at_least P30D)"),
    ((*SOURCE, "roots"), ["/srv/pbx", "/srv/old"], "the source pbx has roots /srv/pbx, /srv/old, and had /srv/pbx"),
    ((*SOURCE, "time_zone"), "UTC", "the source pbx has time_zone UTC, and had nothing"),
    ((*SOURCE, "layout"), "asterisk", "the source pbx has layout asterisk, and had freepbx"),
    ((*SOURCE, "metadata"), [{"sidecar": "{stem}.json"}], "the source pbx has metadata "),
    (("sources",), [*POLICY["sources"], {"name": "old", "layout": "freepbx", "roots": ["/o"]}], "the source old is new (roots /o)"),
    (("time_zone",), "UTC", "the policy has time_zone UTC, and had Europe/Warsaw"),
]


@pytest.mark.parametrize(("path", "to", "words"), SOONER)
def test_what_may_destroy_sooner_is_told_so(path: tuple[str | int, ...], to: t.Any, words: str) -> None:
    told = [change.sentence() for change in policy_changes(POLICY, changed(*path, to=to)) if change.sooner]
    assert any(sentence.startswith(words) for sentence in told), told


LATER: list[tuple[tuple[str | int, ...], t.Any, str]] = [
    ((*CALLS, "keep"), "P91D", "keep"),
    # Five months have at least 150 days, and a year more than 90.
    ((*CALLS, "keep"), "P5M", "keep"),
    ((*CALLS, "keep"), "P1Y", "keep"),
    ((*CALLS, "keep"), "P13W", "keep"),
    ((*CALLS, "start", "round"), "next_month_start", "start"),
    ((*CALLS, "destroy_within"), "P5D", "destroy_within"),
    ((*CALLS, "legal_basis"), "another law", "legal_basis"),
    ((*CALLS, "disposal"), {**METHOD, "scheme": "random"}, "disposal"),
    ((*CALLS, "disposal"), {**METHOD, "quarantine": "P8D"}, "quarantine"),
    ((*CALLS, "review"), {"owner": "anna@example.com", "review_by": "2027-01-01"}, "review"),
    (("classes",), POLICY["classes"][:1], "removed"),
    ((*FLOOR, "keep_at_least"), "P31D", "keep_at_least"),
    ((*SOURCE, "sentinel"), {"min_sets": 5}, "sentinel"),
    (("limits",), {"share": "5%"}, "limits"),
    (("owner",), "anna@example.com", "owner"),
    (("review_by",), "2030-01-01", "review_by"),
]


@pytest.mark.parametrize(("path", "to", "what"), LATER)
def test_what_keeps_as_long_or_longer_is_told_and_not_called_sooner(path: tuple[str | int, ...], to: t.Any, what: str) -> None:
    found = policy_changes(POLICY, changed(*path, to=to))
    assert [change.what for change in found] == [what] and not any(change.sooner for change in found), found


def test_the_same_policy_has_no_changes() -> None:
    assert policy_changes(POLICY, copy.deepcopy(POLICY)) == []


def test_two_floors_of_one_name_are_not_taken_for_one() -> None:
    floor = POLICY["floors"][0]
    before = changed("floors", to=[floor, {**floor, "keep_at_least": "P9Y"}])
    assert [change.sooner for change in policy_changes(before, POLICY)] == [True]


PERIODS = ("P1D", "P27D", "P28D", "P30D", "P31D", "P1M", "P59D", "P62D", "P2M", "P89D", "P90D", "P92D", "P3M", "P365D", "P366D", "P1Y")


@pytest.mark.parametrize("one", PERIODS)
def test_longer_is_never_said_of_what_ends_sooner_on_some_day(one: str) -> None:
    calendar = calendar_for("Europe/Warsaw")
    starts = [int(dt.datetime(2023, 1, 1, 2, 30, tzinfo=dt.timezone.utc).timestamp()) + day * 86400 for day in range(0, 1462, 3)]
    ends = {text: [parse_period(text).after(start, calendar) for start in starts] for text in (*PERIODS, "PT744H", "PT8760H")}
    for other in ends:
        if keeps_as_long(parse_period(one), parse_period(other)):
            assert all(mine >= theirs for mine, theirs in zip(ends[one], ends[other])), (one, other)


@pytest.mark.parametrize(
    ("review", "words"),
    [
        ({"owner": "anna@example.com"}, "classes[1].review: the key review_by is missing"),
        ({"owner": "anna@example.com", "review_by": "soon"}, "classes[1].review.review_by: 'soon' is not a date such as 2027-05-31"),
        ({"owner": " ", "review_by": "2027-01-01"}, "classes[1].review.owner: ' ' is not a text"),
        (
            {"owner": "anna@example.com", "review_by": "2027-01-01", "colour": "red"},
            "classes[1].review.colour: the str there is under an unknown key",
        ),
        ("anna", "classes[1].review: 'anna' is not a mapping"),
    ],
)
def test_what_a_policy_says_of_reviews_is_checked(review: t.Any, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(changed(*CALLS, "review", to=review))
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("review", "words"),
    [
        ({"colours": {}}, "review.colours: the dict there is under an unknown key; allowed are keys, schemes, standards, tables"),
        ({"schemes": {"random": {"owner": "a", "review_by": "2027-01-01"}}}, "review.schemes.random: the key edition is missing"),
        (
            {"tables": {"physical": {"owner": "a", "edition": "1", "review_by": "2027-01-01", "expires": "2027-01-01"}}},
            "review.tables.physical.expires: the str there is under an unknown key",
        ),
    ],
)
def test_what_a_policy_says_of_what_it_rests_on_is_checked(review: t.Any, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(changed("review", to=review))
    assert words in caught.value.message


def test_a_policy_tells_who_looks_after_what() -> None:
    key = {"owner": "ops@example.com", "edition": "age X25519", "review_by": "2027-01-01", "expires": "2027-06-01"}
    made = changed("review", to={"keys": {"vault": key}})
    made["classes"][1]["review"] = {"owner": "anna@example.com", "review_by": "2026-12-31"}
    found = load_policy(made).reviewed
    assert [(item.kind, item.name, item.owner, item.review_by, item.expires, item.path) for item in found] == [
        ("class", "calls", "anna@example.com", "2026-12-31", "", "classes[1].review"),
        ("key", "vault", "ops@example.com", "2027-01-01", "2027-06-01", "review.keys.vault"),
    ]


RANDOM = {**METHOD, "scheme": "random"}
ASIDE = {**METHOD, "quarantine": "P9D"}


def with_methods(first: Document | None, second: Document, *, sources: t.Any = ("pbx", "pbx"), keep: str = "P1Y") -> Document:
    """Two classes that ask for these methods, or one of them only."""
    made = copy.deepcopy(POLICY)
    made["sources"].append({"name": "dialler", "layout": "vicidial", "roots": ["/srv/dialler"]})
    for item, source, method in zip(made["classes"], sources, (first, second)):
        item.update(match={"source": [source]}, start={"event": "recording_start"}, disposal=method)
    made["classes"][0]["keep"], made["classes"][1]["keep"] = "P1Y", keep
    if first is None:
        del made["classes"][0]
    load_policy(made)
    return made


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (with_methods(METHOD, RANDOM), with_methods(None, RANDOM), "the class orders is gone"),
        (with_methods(METHOD, RANDOM), with_methods(METHOD, METHOD), "the class calls has disposal"),
        (with_methods(METHOD, ASIDE), with_methods(ASIDE, ASIDE), "the class orders has quarantine P9D, and had P7D"),
    ],
)
def test_what_settles_a_conflict_may_destroy_what_was_kept_for_it(before: Document, after: Document, words: str) -> None:
    (change,) = [item for item in policy_changes(before, after) if item.sooner]
    assert words in change.sentence()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (with_methods(METHOD, RANDOM), with_methods(RANDOM, METHOD)),
        (with_methods(METHOD, RANDOM, sources=("pbx", "dialler")), with_methods(METHOD, METHOD, sources=("pbx", "dialler"))),
        (with_methods(METHOD, RANDOM, sources=("pbx", "dialler")), with_methods(None, RANDOM, sources=("pbx", "dialler"))),
        (with_methods(METHOD, RANDOM, keep="P2Y"), with_methods(METHOD, METHOD, keep="P2Y")),
        (with_methods(METHOD, RANDOM, keep="P2Y"), with_methods(None, RANDOM, keep="P2Y")),
    ],
)
def test_where_there_can_be_no_conflict_another_method_keeps_as_long(before: Document, after: Document) -> None:
    changes = policy_changes(before, after)
    assert changes and not any(change.sooner for change in changes)


def test_floors_without_names_are_the_same_in_another_order() -> None:
    nameless = {"match": {"source": ["pbx"]}, "keep_at_least": "P30D", "legal_basis": "a law"}
    longer, named = {**nameless, "keep_at_least": "P2Y"}, {**nameless, "name": "tax"}
    before, after = changed("floors", to=[longer, nameless]), changed("floors", to=[nameless, longer])
    assert policy_changes(before, after) == []
    (added,) = policy_changes(changed("floors", to=[longer]), after)
    assert (added.subject, added.what, added.sooner) == ("floor 0", "added", False)
    (renamed,) = policy_changes(changed("floors", to=[nameless]), changed("floors", to=[named]))
    assert (renamed.what, renamed.sooner) == ("name", False)
    assert [change.what for change in policy_changes(before, changed("floors", to=[named])) if change.sooner] == ["removed"]
