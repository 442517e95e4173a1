# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the report on the fleet, held against a second count of the same results and outcomes."""

from __future__ import annotations

import datetime as dt
import random
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import checked_result
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_chart import columns, nice_top, shares
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_evidence import Run
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_figures import FOUND, OUTCOMES, Fleet, figures_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_plans import HostPlan, Plans
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import sha
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.report_world import found

OLDEST = dt.datetime(2026, 11, 11, tzinfo=dt.timezone.utc)
NAMES = ("brokerage", "complaints", "training")


def plans_of(results: t.Mapping[str, t.Any]) -> Plans:
    plans = Plans()
    for host, result in results.items():
        plans.take(host, HostPlan("a-plan", checked_result(host, result)))
    return plans


def entry(classes: t.Mapping[str, t.Mapping[str, int]]) -> dict[str, t.Any]:
    """A host's part of a statement."""
    told = {name: {**counts, "bytes": counts["destroyed"] * 160044, "legal_basis": None, "levels": {}} for name, counts in classes.items()}
    total = {outcome: sum(counts[outcome] for counts in classes.values()) for outcome in OUTCOMES[:3]}
    return {"counts": total, "bytes": {"destroyed": total["destroyed"] * 160044}, "classes": told}


def run_of(name: str, hosts: t.Mapping[str, t.Any], plans: t.Mapping[str, str] | None = None) -> Run:
    return Run(name, "2026-11-23T23:00:00Z", True, False, dict(hosts), dict(plans or {}), ())


def fleet(results: t.Mapping[str, t.Any], runs: t.Sequence[Run] | None = (), **changes: t.Any) -> dict[str, t.Any]:
    told: dict[str, t.Any] = {"hosts": None, "sites": {}, "plans": plans_of(results), "runs": runs, "oldest": OLDEST, **changes}
    return figures_of(Fleet(**told))


def row(figures: t.Mapping[str, t.Any], host: str) -> dict[str, t.Any]:
    return next(row for row in figures["hosts"] if row["name"] == host)


def test_a_host_without_a_plan_is_named_and_is_in_no_sum() -> None:
    results = {"pbx1": found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (3, 1)})}
    figures = fleet(results, hosts=("pbx1", "pbx2"), sites={"pbx1": "Warszawa", "pbx2": "Warszawa"})
    assert figures["states"]["no_plan"] == ["pbx2"]
    assert row(figures, "pbx2")["counts"] is None
    assert figures["of_hosts"] == {"all": 2, "counted": 1}
    assert [(site["counted"], site["of"]) for site in figures["sites"]] == [(1, 2)]
    assert figures["total"]["counts"] == row(figures, "pbx1")["counts"]


def test_a_site_of_which_nothing_is_known_has_no_figures() -> None:
    results = {"pbx1": found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (3, 1)})}
    figures = fleet(results, hosts=("pbx1", "pbx2"), sites={"pbx1": "Warszawa", "pbx2": "Kraków"})
    assert [(site["name"], site["counts"] is None) for site in figures["sites"]] == [("Kraków", True), ("Warszawa", False)]
    assert fleet({}, hosts=("pbx2",))["total"] == {"counts": None, "done": dict.fromkeys(OUTCOMES, 0)}


def test_without_evidence_nothing_is_said_of_what_was_destroyed() -> None:
    figures = fleet({"pbx1": found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (3, 1)})}, runs=None)
    assert figures["total"]["done"] is None
    assert all(each["done"] is None for each in (*figures["hosts"], *figures["sites"], *figures["classes"]))
    assert figures["total"]["counts"]["due"] == 3


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("unreachable", {"unreachable": ["pbx1"]}),
        ("failed", {"failed": ["pbx1"]}),
    ],
)
def test_a_host_that_did_not_answer_keeps_the_figures_of_its_last_plan_and_is_named(state: str, change: dict[str, list[str]]) -> None:
    plans = plans_of({"pbx1": found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (3, 1)})})
    for name, hosts in change.items():
        setattr(plans, name, hosts)
    figures = fleet({}, plans=plans)
    assert figures["states"][state] == ["pbx1"]
    assert row(figures, "pbx1")["counts"]["due"] == 3


def test_a_plan_that_is_old_is_named() -> None:
    times = {"before": "2026-11-10T23:59:59Z", "after": "2026-11-11T00:00:00Z"}
    figures = fleet({host: found(host, moment, {"brokerage": (1, 0)}) for host, moment in times.items()})
    assert figures["states"]["old"] == ["before"]


def test_a_host_that_left_the_fleet_counts_with_what_was_destroyed_there_and_not_with_what_it_found() -> None:
    results = {host: found(host, "2026-11-23T19:00:00Z", {"brokerage": (3, 1)}) for host in ("pbx1", "gone1")}
    done = {"brokerage": {"destroyed": 2, "not_destroyed": 1, "unknown": 0}}
    figures = fleet(results, [run_of("r", {"gone1": entry(done)})], hosts=("pbx1",))
    assert figures["states"]["gone"] == ["gone1"]
    assert figures["of_hosts"] == {"all": 1, "counted": 1}
    assert figures["total"]["counts"]["due"] == 3
    assert figures["total"]["done"] == {"destroyed": 2, "not_destroyed": 1, "unknown": 0, "freed": 2 * 160044}


@pytest.mark.parametrize(("same_plan", "due", "overdue"), [(True, 2, 2), (False, 6, 4)])
def test_what_the_run_of_that_very_plan_destroyed_is_due_no_more(same_plan: bool, due: int, overdue: int) -> None:
    result = found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (5, 4), "complaints": (1, 0)})
    digest = result["plan"]["digest"] if same_plan else sha("an earlier plan")
    done = {
        "brokerage": {"destroyed": 3, "not_destroyed": 1, "unknown": 1},
        "complaints": {"destroyed": 1, "not_destroyed": 0, "unknown": 0},
    }
    figures = fleet({"pbx1": result}, [run_of("r", {"pbx1": entry(done)}, {"pbx1": digest})])
    assert figures["total"]["counts"]["due"] == due
    assert figures["total"]["counts"]["due_bytes"] == due * 160044
    assert figures["total"]["counts"]["overdue"] == overdue
    assert {each["name"]: each["counts"]["due"] for each in figures["classes"] if each["name"]} == {
        "brokerage": 2 if same_plan else 5,
        "complaints": 0 if same_plan else 1,
    }


def test_the_latest_plan_of_a_host_counts_whatever_the_order() -> None:
    moments = ["2026-11-23T19:00:00Z", "2026-11-24T19:00:00Z", "2026-09-20T19:00:00Z"]
    for _turn in range(3):
        moments = [*moments[1:], moments[0]]
        plans = Plans()
        for moment in moments:
            plans.take("pbx1", HostPlan(f"plan-{moment}", checked_result("pbx1", found("pbx1", moment, {"brokerage": (1, 0)}))))
        assert plans.hosts["pbx1"].plan_id == "plan-2026-11-24T19:00:00Z"


@pytest.mark.parametrize("seed", range(5))
def test_every_sum_is_that_of_a_second_count(seed: int) -> None:
    draw = random.Random(seed)
    results, hosts, sites = {}, [f"host{number:02}" for number in range(12)], {}
    for host in hosts:
        if draw.random() < 0.8:
            due = {name: (sets := draw.randrange(20), draw.randrange(sets + 1)) for name in NAMES if draw.random() < 0.7}
            results[host] = found(host, "2026-11-23T19:00:00Z", due)
        if draw.random() < 0.8:
            sites[host] = draw.choice(["Kraków", "Warszawa", "Łódź"])
    runs = []
    for number in range(4):
        told = {
            host: {name: {outcome: draw.randrange(9) for outcome in OUTCOMES[:3]} for name in NAMES if draw.random() < 0.6}
            for host in draw.sample(hosts, 5)
        }
        runs.append(run_of(f"run{number}", {host: entry(classes) for host, classes in told.items()}))
    figures = fleet(results, runs, hosts=tuple(hosts), sites=sites)

    def recount(of: t.Collection[str], cls: str | None = None) -> dict[str, int]:
        """The second count: from results and statements alone, set by set of numbers."""
        total = dict.fromkeys(("due", "overdue", "found", "destroyed", "not_destroyed", "unknown", "freed"), 0)
        for host in of:
            parts = [results[host]] if host in results and cls is None else []
            if host in results and cls is not None and cls in results[host]["classes"]:
                parts = [results[host]["classes"][cls]]
            for part in parts:
                total["due"] += part["verdicts"]["due"]["sets"]
                total["overdue"] += part["overdue"]["sets"]
                total["found"] += sum(each["sets"] for each in part["verdicts"].values())
            for run in runs:
                for name, item in (run.hosts[host]["classes"] if host in run.hosts else {}).items():
                    if cls in (None, name):
                        for outcome in OUTCOMES[:3]:
                            total[outcome] += item[outcome]
                        total["freed"] += item["bytes"]
        return total

    def told(sums: t.Mapping[str, t.Any]) -> dict[str, int]:
        counts = sums["counts"] or dict.fromkeys(FOUND, 0)
        return {**{key: counts[key] for key in ("due", "overdue", "found")}, **sums["done"]}

    assert told(figures["total"]) == recount(hosts)
    for site in figures["sites"]:
        assert told(site) == recount([host for host in hosts if sites.get(host, "") == site["name"]])
    for cls in figures["classes"]:
        if cls["name"]:
            assert told(cls) == recount(hosts, cls["name"]), cls["name"]
    for key in FOUND:
        assert sum(each["counts"][key] for each in figures["classes"]) == figures["total"]["counts"][key], key
        assert sum(site["counts"][key] for site in figures["sites"] if site["counts"]) == figures["total"]["counts"][key], key
    assert figures["states"]["no_plan"] == [host for host in hosts if host not in results]


@pytest.mark.parametrize(
    ("value", "base", "top"),
    [
        (0, 10, 1),
        (1, 10, 1),
        (3, 10, 5),
        (10, 10, 10),
        (11, 10, 20),
        (999, 10, 1000),
        (1000, 10, 1000),
        (1024, 1024, 1024),
        (1025, 1024, 2048),
        (300 * 1024, 1024, 500 * 1024),
        (600 * 1024**2, 1024, 1024**3),
    ],
)
def test_an_axis_ends_at_a_round_number(value: int, base: int, top: int) -> None:
    assert nice_top(value, base=base) == top


def percent(text: str) -> float:
    return float(text.removesuffix("%"))


def test_columns_stand_on_each_other_within_the_chart_and_what_is_not_there_has_none() -> None:
    chart = columns([[3, 2], [0, 0], [0, 5]])
    assert [column["kind"] for column in chart["bars"]] == [0, 1, 1]
    low, high, other = chart["bars"]
    assert (percent(low["y"]), percent(low["height"])) == (40, 60)
    assert (percent(high["y"]), percent(high["height"])) == (0, 40)
    assert percent(other["x"]) > 66 and percent(other["x"]) + percent(other["width"]) <= 100
    assert [line["value"] for line in chart["lines"]] == [0, 2, 5]


def test_what_is_there_shows_however_small() -> None:
    assert percent(columns([[1], [10**9]])["bars"][0]["height"]) == 0.5
    assert percent(shares([1, 10**9], 10**9 + 1)[0]["width"]) == 0.4


def test_labels_of_columns_leave_each_other_room() -> None:
    assert len(columns([[1]] * 52, labels=13)["marks"]) == 13
    assert len(columns([[1]] * 3)["marks"]) == 3
    assert columns([])["marks"] == []
