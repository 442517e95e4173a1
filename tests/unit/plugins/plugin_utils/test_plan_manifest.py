# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime as dt
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import read_manifest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import build_manifest, decided, lifetime, manifest_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import (
    NOW,
    VERDICTS,
    blocked_fleet,
    fleet,
    manifest_of,
    result,
    sha,
)


@pytest.mark.parametrize("results", [None, {}, [], "pbx1"])
def test_refuses_no_results(results: t.Any) -> None:
    with pytest.raises(RefusedError, match="no host with a result"):
        build(results)


def build(results: t.Any, **options: t.Any) -> dict[str, t.Any]:
    told = {"author": "operations@example.com", "approvals_required": 2, "expires_in": "P7D", "collection": "0.1.0", "now": NOW, **options}
    return build_manifest(results, **told)


@pytest.mark.parametrize("value", [None, {}, "", [], "text"])
def test_refuses_a_host_without_a_result_by_name(value: t.Any) -> None:
    with pytest.raises(RefusedError, match="the host meet1 has no result"):
        build({**fleet(), "meet1": value})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"failed": True, "msg": "the root /var/spool is empty"}, "planning there failed: the root /var/spool is empty"),
        ({"unreachable": True, "msg": "no route"}, "it could not be reached: no route"),
        ({"skipped": True}, "planning there was skipped: it gave no reason"),
        (
            {**result("meet1"), "failed": True, "msg": "the plan is beyond a limit, so there is none"},
            "planning there failed: the plan is beyond a limit",
        ),
    ],
)
def test_refuses_a_host_that_did_not_plan_by_name(value: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RefusedError, match=f"the host meet1 has no plan, {words}"):
        build({**fleet(), "meet1": value})


def test_refuses_different_policies_and_names_the_hosts() -> None:
    results = {f"pbx{number}": result(f"pbx{number}") for number in range(8)}
    results["late"] = result("late")
    results["late"]["policy"] = {**results["late"]["policy"], "digest": sha("other"), "version": "2026-12"}
    with pytest.raises(RefusedError) as refused:
        build(results)
    assert "pbx0, pbx1, pbx2, pbx3, pbx4 and 3 more under version 2026-11" in refused.value.message
    assert "late under version 2026-12" in refused.value.message


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("totals",), None, r"the host pbx1\.totals is missing"),
        (("totals", "sets"), "7", r"the host pbx1\.totals\.sets is '7', not a whole number"),
        (("totals", "sets"), 7.5, r"totals\.sets is 7.5, not a whole number"),
        (("totals", "sets"), -1, r"totals\.sets is -1, not a whole number"),
        (("totals", "sets"), True, r"totals\.sets is True, not a whole number"),
        (("verdicts", "held"), None, r"verdicts\.held is missing"),
        (("classes", "brokerage", "legal_basis"), None, r"classes\.brokerage\.legal_basis is missing"),
        (("classes", "brokerage", "method"), {"technique": "overwrite"}, r"method\.scheme is missing"),
        (("limits",), {"share": 1}, r"limits is .*, not a list"),
        (("limits", 0, "ok"), "yes", r"limits\[0\]\.ok is 'yes', not true or false"),
        (("blocked",), "none", r"blocked is 'none', not a list"),
        (("plan", "digest"), "sha256:123", "gives 'sha256:123' as digest of its plan"),
        (("policy", "digest"), "", "as digest of its policy"),
    ],
)
def test_refuses_a_result_that_is_not_whole(path: tuple[t.Any, ...], value: t.Any, words: str) -> None:
    results = fleet()
    place: t.Any = results["pbx1"]
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(RefusedError, match=words):
        build(results)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\nb", "a\u202eb", "a\0b"])
def test_refuses_a_host_whose_name_cannot_be_a_file(name: str) -> None:
    with pytest.raises(RefusedError, match="cannot be a file name"):
        build({name: result("x")})


@pytest.mark.parametrize("author", ["", "  ", None, 7, "two\nlines", "a\u202eb", "x" * 201])
def test_refuses_an_author_that_is_no_name(author: t.Any) -> None:
    with pytest.raises(RefusedError, match="author is not a name on one line"):
        manifest_of(author=author)


@pytest.mark.parametrize(
    "expires_in", ["", "7 days", "P", "PT", "P0D", "PT0S", "P1M", "P1Y", "P1Y1D", "P367D", "PT9000H", 7, None, "-P7D", "P7D\n"]
)
def test_refuses_a_lifetime_that_is_none(expires_in: t.Any) -> None:
    with pytest.raises(RefusedError, match="expires_in: "):
        manifest_of(expires_in=expires_in)


def test_refuses_a_negative_number_of_approvals() -> None:
    with pytest.raises(RefusedError, match="approvals_required is -1"):
        manifest_of(approvals_required=-1)


@pytest.mark.parametrize("plan_id", ["a/b", "..", ".hidden", "a b", "x" * 65, "a\n", "-x", "é"])
def test_refuses_a_plan_id_that_cannot_be_a_directory(plan_id: str) -> None:
    with pytest.raises(RefusedError, match="is not a name of up to 64 letters"):
        manifest_of(plan_id=plan_id)


@pytest.mark.parametrize(
    ("text", "length"),
    [("P7D", dt.timedelta(days=7)), ("PT12H", dt.timedelta(hours=12)), ("P1W", dt.timedelta(weeks=1)), ("P1DT1H", dt.timedelta(hours=25))],
)
def test_a_lifetime_is_days_and_hours(text: str, length: dt.timedelta) -> None:
    assert lifetime(text) == length


def test_only_known_keys_are_taken_over() -> None:
    results = fleet()
    results["pbx1"]["secret"] = "s3cret"
    results["pbx1"]["policy"]["secret"] = "s3cret"
    results["pbx1"]["classes"]["brokerage"]["verdicts"]["due"]["secret"] = "s3cret"
    results["pbx1"]["sources"][0]["files_found"] = ["s3cret"]
    results["pbx1"]["samples"]["due"][0]["path"] = "s3cret"
    results["pbx1"]["ansible_facts"] = {"disposal_evidence": "s3cret"}
    manifest = manifest_of(results)
    assert b"s3cret" not in canonical(manifest)
    assert manifest == manifest_of()
    assert set(manifest["hosts"]["pbx1"]).isdisjoint({"changed", "failed", "warnings", "invocation", "ansible_facts"})


def test_the_manifest_has_its_form_and_sums() -> None:
    results = fleet()
    manifest = manifest_of(results)
    assert manifest == read_manifest(manifest_bytes(manifest))
    assert (manifest["format"], manifest["created"], manifest["expires"]) == (
        "recordings.disposal/manifest/1",
        "2026-11-23T22:04:05Z",
        "2026-11-30T22:04:05Z",
    )
    for key in ("sets", "files", "bytes"):
        assert manifest["totals"][key] == sum(item["totals"][key] for item in results.values())
        for verdict in VERDICTS:
            assert manifest["totals"]["verdicts"][verdict][key] == sum(item["verdicts"][verdict][key] for item in results.values())
    assert manifest["totals"]["due"] == manifest["totals"]["verdicts"]["due"]
    assert manifest["totals"]["hosts"] == 2
    assert manifest["policy"] == results["pbx1"]["policy"]
    assert manifest["hosts"]["dialer1"]["classes"]["training"] == results["dialer1"]["classes"]["training"]


def test_blocked_names_host_and_sentence() -> None:
    results = blocked_fleet()
    assert manifest_of(results)["blocked"] == [{"host": "dialer1", "sentence": results["dialer1"]["blocked"][0]}]
    assert manifest_of()["blocked"] == []


def test_the_same_plan_on_the_same_day_has_the_same_name() -> None:
    first = manifest_of()["plan_id"]
    later = fleet()
    later["pbx1"].update(as_of="2026-11-23T23:59:00Z", totals={"sets": 9, "files": 9, "bytes": 9})
    assert manifest_of(later, now=NOW.replace(hour=23))["plan_id"] == first == f"2026-11-23-{first[-10:]}"
    assert manifest_of(dict(reversed(fleet().items())))["plan_id"] == first
    assert manifest_of(now=NOW + dt.timedelta(days=1))["plan_id"] == f"2026-11-24-{first[-10:]}"
    summer = dt.timezone(dt.timedelta(hours=2))
    assert manifest_of(now=dt.datetime(2026, 11, 24, 0, 30, tzinfo=summer))["plan_id"] == first, "the date is in UTC"


@pytest.mark.parametrize("what", ["plan", "policy", "host"])
def test_another_plan_has_another_name(what: str) -> None:
    results = fleet()
    if what == "plan":
        results["pbx1"]["plan"]["digest"] = sha("another plan")
    elif what == "policy":
        for item in results.values():
            item["policy"] = {**item["policy"], "digest": sha("another policy")}
    else:
        results["pbx2"] = results.pop("pbx1")
    assert manifest_of(results)["plan_id"] != manifest_of()["plan_id"]


def test_a_given_name_is_kept() -> None:
    assert manifest_of(plan_id="CHG-0042.a")["plan_id"] == "CHG-0042.a"


def test_what_moves_on_a_living_host_is_not_decided() -> None:
    manifest = manifest_of(plan_id="x")
    later = copy.deepcopy(manifest)
    later.update(created="2026-11-23T23:00:00Z", expires="2026-11-30T23:00:00Z")
    later["hosts"]["pbx1"].update(as_of="2026-11-23T23:00:00Z", samples={})
    later["hosts"]["pbx1"]["verdicts"]["retained"]["sets"] += 5
    assert decided(later) == decided(manifest)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("author",), "someone@example.com"),
        (("approvals_required",), 1),
        (("policy", "version"), "2026-12"),
        (("totals", "due", "sets"), 1),
        (("blocked",), [{"host": "pbx1", "sentence": "x"}]),
        (("hosts", "pbx1", "plan", "digest"), sha("another")),
        (("hosts", "pbx1", "verdicts", "due", "bytes"), 1),
        (("hosts", "pbx1", "holds", "generation"), sha("another")),
        (("hosts", "pbx1", "classes", "brokerage", "method", "scheme"), "random"),
        (("hosts", "pbx1", "classes", "brokerage", "legal_basis"), "none"),
        (("hosts", "pbx1"), {}),
    ],
)
def test_what_people_sign_is_decided(where: tuple[str, ...], value: t.Any) -> None:
    manifest = manifest_of(plan_id="x")
    changed = copy.deepcopy(manifest)
    place: t.Any = changed
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert decided(changed) != decided(manifest)
