# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on sets that are made here, at one point in time: 2026-11-23 12:00 UTC."""

from __future__ import annotations

import copy
import datetime as dt
import random
import typing as t
import zoneinfo

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import rfc3339
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.sets import Member, RecordingSet
from ansible_collections.recordings.disposal.plugins.module_utils._retention.examples import check_examples
from ansible_collections.recordings.disposal.plugins.module_utils._retention.holds import load_holds, load_requests
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import Policy, load_policy
from ansible_collections.recordings.disposal.plugins.module_utils._retention.verdict import Decision, Rules

NOW = int(dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc).timestamp())
DAY = 86400


def rule(name: str, keep: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "name": name,
        "start": {"event": "recording_start"},
        "keep": keep,
        "destroy_within": "P30D",
        "legal_basis": "test",
        "disposal": {"technique": "overwrite", "level": "clear"},
        **more,
    }


def policy(*classes: dict[str, t.Any], **more: t.Any) -> Policy:
    return load_policy(
        {
            "id": "test",
            "version": "1",
            "owner": "o",
            "review_by": "2099-01-01",
            "time_zone": "Europe/Warsaw",
            "sources": [{"name": "pbx", "layout": "freepbx", "roots": ["/srv/monitor"]}],
            "classes": list(classes),
            **more,
        }
    )


def hold(name: str = "H-1", **more: t.Any) -> dict[str, t.Any]:
    return {"id": name, "reason": "x", "placed": "2026-01-01", "placed_by": "a", **more}


def decide(
    told: Policy,
    *,
    days: float = 200,
    holds: t.Sequence[t.Any] = (),
    requests: t.Sequence[t.Any] = (),
    metadata: dict[str, t.Any] | None = None,
    faults: tuple[str, ...] = (),
    busy: str | None = None,
    end: int | None = None,
    **fields: t.Any,
) -> Decision:
    start = round(NOW - days * DAY)
    found = RecordingSet("k", "", "k", [Member("k.wav", "primary", 1, 1, 10, start * 10**9 + 1, 1)], {"did": "100", **fields}, *faults)
    found.metadata = metadata or {}
    found.start, found.end = start, end
    rules = Rules(told, load_holds(holds)[0], load_requests(requests)[0], now=NOW)
    return rules.decide(found, found.fields, busy)


def told(decision: Decision) -> tuple[str, list[str]]:
    return decision.verdict, decision.reasons


class TestClasses:
    def test_due_and_retained(self) -> None:
        assert decide(policy(rule("a", "P90D"))).verdict == "due"
        assert decide(policy(rule("a", "P90D")), days=89).verdict == "retained"

    def test_to_the_second(self) -> None:
        assert decide(policy(rule("a", "P90D", start={"event": "recording_start"})), days=90.5).verdict == "due"
        one = 1 / DAY
        assert decide(policy(rule("a", "PT2160H")), days=90).verdict == "due"
        assert decide(policy(rule("a", "PT2160H")), days=90 - one).verdict == "retained"

    def test_no_class_is_no_period(self) -> None:
        assert told(decide(policy(rule("a", "P1D", match={"did": ["200"]})))) == ("unclassified", ["no class matches"])

    def test_a_class_that_cannot_be_decided_keeps(self) -> None:
        both = policy(rule("short", "P1D"), rule("long", "P5Y", match={"queue": ["brokers"]}))
        assert told(decide(both)) == ("unclassified", ["class:long: queue is not known"])
        assert decide(both, queue="other").verdict == "due"
        assert decide(both, queue="brokers").verdict == "retained"

    def test_a_typo_in_where_keeps(self) -> None:
        both = policy(rule("a", "P1D", where="!(metadata.satus == 'SALE')"))
        assert told(decide(both, metadata={"status": "SALE"})) == ("unclassified", ["class:a: where: satus is not known"])

    def test_the_latest_keep_until_wins_whatever_the_order(self) -> None:
        classes = [rule("a", "P1D"), rule("b", "P2Y"), rule("c", "P90D")]
        for _turn in range(6):
            random.shuffle(classes)
            decision = decide(policy(*classes))
            assert decision.verdict == "retained" and decision.retention_class and decision.retention_class.name == "b"

    def test_equal_dates_with_one_method_are_no_conflict(self) -> None:
        assert decide(policy(rule("a", "P1D"), rule("b", "P1D"))).verdict == "due"

    def test_equal_dates_with_two_methods_are_one(self) -> None:
        other = rule("b", "P1D", disposal={"technique": "overwrite", "scheme": "random", "level": "clear"})
        for classes in ((rule("a", "P1D"), other), (other, rule("a", "P1D"))):
            decision = decide(policy(*classes))
            assert decision.verdict == "conflict" and "ask for different methods" in decision.reasons[0]
            request = {"id": "ER", "received": "2026-11-20", "match": {"did": ["100"]}}
            assert decide(policy(*classes), requests=[request]).verdict == "conflict"

    def test_quarantine_makes_another_method(self) -> None:
        disposal = {"technique": "overwrite", "level": "clear", "quarantine": "P7D"}
        assert decide(policy(rule("a", "P1D"), rule("b", "P1D", disposal=disposal))).verdict == "conflict"

    def test_events(self) -> None:
        ended = policy(rule("a", "P90D", start={"event": "call_end"}))
        assert told(decide(ended)) == ("unclassified", ["class:a: call_end is not known"])
        assert decide(ended, end=NOW - 89 * DAY).verdict == "retained"
        closed = policy(rule("a", "P90D", start={"event": "metadata.case.closed"}))
        assert told(decide(closed)) == ("unclassified", ["class:a: metadata.case.closed is not known"])
        assert told(decide(closed, metadata={"case": "x"})) == ("unclassified", ["class:a: metadata.case.closed is not known"])
        assert decide(closed, metadata={"case": {"closed": "2026-11-01"}}).verdict == "retained"
        assert decide(closed, metadata={"case": {"closed": "2026-01-01"}}).verdict == "due"
        value: t.Any
        for value in (0, "", "0001-01-01", "soon", True, [], 10**40):
            assert decide(closed, metadata={"case": {"closed": value}}).verdict == "unclassified"
        assert decide(policy(rule("a", "P90D", start={"event": "modified"}))).start == NOW - 200 * DAY + 1

    def test_faults_and_writing(self) -> None:
        both = policy(rule("a", "P1D"))
        assert told(decide(both, faults=("x", "y", "x"))) == ("unclassified", ["x", "y"])
        assert told(decide(both, busy="open by a process")) == ("in_progress", ["open by a process"])
        assert told(decide(both, busy="open by a process", faults=("x",), holds=[hold(match={})]))[0] == "in_progress"

    def test_a_period_beyond_all_dates_keeps(self) -> None:
        verdict, reasons = told(decide(policy(rule("a", "P9999Y"))))
        assert verdict == "unclassified" and reasons == ["date: the period ends after the year 9999"]


class TestRounding:
    @pytest.mark.parametrize("rounding", ["none", "next_day_start", "next_month_start", "next_quarter_start", "next_year_start"])
    @pytest.mark.parametrize("keep", ["P5Y", "P90D", "P1M", "P1DT1H"])
    def test_against_datetime(self, rounding: str, keep: str) -> None:
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        zone = zoneinfo.ZoneInfo("Europe/Warsaw")
        both = policy(rule("a", keep, start={"event": "recording_start", "round": rounding}))
        for _turn in range(100):
            start = dt.datetime.fromtimestamp(chance.randrange(946684800, NOW), zone)
            wall = start.replace(tzinfo=None, fold=0)
            if rounding != "none":
                day = wall.date() + dt.timedelta(days=1)
                while not (
                    rounding == "next_day_start"
                    or (day.day == 1 and (rounding == "next_month_start" or (day.month % 3 == 1 and rounding == "next_quarter_start")))
                    or (day.day == 1 and day.month == 1)
                ):
                    day += dt.timedelta(days=1)
                wall = dt.datetime.combine(day, dt.time())
            if keep == "P5Y":
                last = wall.day == 29 and wall.month == 2
                wall = wall.replace(year=wall.year + 5, day=28 if last else wall.day)
            elif keep == "P1M":
                first = (wall.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
                days = ((first + dt.timedelta(days=31)).replace(day=1) - first).days
                wall = first.replace(day=min(wall.day, days))
            else:
                wall += dt.timedelta(days=90 if keep == "P90D" else 1)
            expected = max(int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)) + (3600 if "T" in keep else 0)
            decision = decide(both, days=(NOW - start.timestamp()) / DAY)
            assert decision.keep_until == expected, (seed, start, rfc3339(decision.keep_until), wall)
            assert (decision.verdict == "due") == (expected <= NOW)


class TestHolds:
    @pytest.mark.parametrize(
        ("scope", "held"),
        [
            ({"match": {}}, True),
            ({"match": {"did": ["100"]}}, True),
            ({"match": {"did": ["200"]}}, False),
            ({"match": {"queue": ["x"]}}, True),
            ({"match": {"queue": {"not_in": ["x"]}}}, True),
            ({"where": "metadata.case == 'A'"}, True),
            ({"where": "metadata.amount == '5'"}, True),
            ({"where": "metadata.product"}, True),
            ({"where": "metadata.product == 'other'"}, False),
        ],
    )
    def test_a_hold_that_cannot_be_excluded_holds(self, scope: dict[str, t.Any], held: bool) -> None:
        decision = decide(policy(rule("a", "P1D")), holds=[hold(**scope)], metadata={"product": "orders", "amount": 5})
        assert (decision.verdict == "held") is held
        assert not held or decision.reasons[0].startswith("hold:H-1")

    def test_release_and_cooling(self) -> None:
        both = policy(rule("a", "P1D"))
        released = hold(match={}, released_by="b", released="2026-11-01")
        assert decide(both, holds=[released]).verdict == "held"
        assert decide(both, holds=[{**released, "cooling": "P10D"}]).verdict == "due"
        assert decide(both, holds=[{**released, "released": "2026-10-01"}]).verdict == "due"

    def test_of_two_documents_of_one_hold_the_longer_counts(self) -> None:
        released = hold(match={}, released_by="b", released="2026-01-01")
        for documents in ([released, hold(match={})], [hold(match={}), released]):
            assert decide(policy(rule("a", "P1D")), holds=documents).verdict == "held"

    def test_the_generation_changes_with_each_change_and_not_with_the_order(self) -> None:
        documents = [hold("H-1", match={}), hold("H-2", match={})]
        generation = load_holds(documents)[1]
        assert load_holds(documents[::-1])[1] == generation == load_holds(copy.deepcopy(documents))[1]
        assert len({generation, load_holds(documents[:1])[1], load_holds([])[1]}) == 3

    def test_a_request_does_not_beat_a_hold(self) -> None:
        request = {"id": "ER", "received": "2026-11-20", "match": {"did": ["100"]}}
        assert decide(policy(rule("a", "P5Y")), holds=[hold(match={})], requests=[request]).verdict == "held"


class TestRequests:
    REQUEST: t.ClassVar[dict[str, t.Any]] = {"id": "ER-7", "received": "2026-11-20", "match": {"did": ["100"]}}

    def test_a_request_shortens_a_period(self) -> None:
        decision = decide(policy(rule("a", "P5Y")), requests=[self.REQUEST])
        assert (decision.verdict, decision.rule) == ("due", "request:ER-7")
        assert (rfc3339(decision.keep_until), rfc3339(decision.destroy_by)) == ("2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z")

    def test_a_request_gives_no_time_to_what_is_overdue(self) -> None:
        late, later = (decide(policy(rule("a", "P1D")), requests=requests) for requests in ([], [self.REQUEST]))
        assert (late.keep_until, late.destroy_by) == (later.keep_until, later.destroy_by)

    def test_what_was_recorded_after_the_request_is_not_meant(self) -> None:
        both = policy(rule("a", "P5Y"))
        assert decide(both, days=2, requests=[self.REQUEST]).verdict == "retained"
        assert decide(both, days=3, requests=[self.REQUEST]).verdict == "due"

    @pytest.mark.parametrize(
        "change",
        [{"match": {"did": ["200"]}}, {"match": {"queue": ["x"]}}, {"where": "metadata.x == 'y'"}, {"received": "2026-11-24"}],
    )
    def test_a_request_that_is_not_sure_destroys_nothing(self, change: dict[str, t.Any]) -> None:
        assert decide(policy(rule("a", "P5Y")), requests=[{**self.REQUEST, **change}]).verdict == "retained"

    def test_a_request_names_no_method_of_its_own(self) -> None:
        assert decide(policy(rule("a", "P5Y", match={"did": ["200"]})), requests=[self.REQUEST]).verdict == "unclassified"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"match": {}}, "names no recordings"),
            ({"received": None}, "the key is blank"),
            ({"received": "soon"}, "is not a date"),
            ({"term": "P0D"}, "is a period of nothing"),
            ({"term": "P9999Y"}, "ends after the year 9999"),
            ({"subject": "Jan Kowalski"}, "is under an unknown key"),
        ],
    )
    def test_faults(self, change: dict[str, t.Any], words: str) -> None:
        from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError

        with pytest.raises(PolicyError, match=words):
            load_requests([{**self.REQUEST, **change}])


class TestFloors:
    def with_floor(self, **floor: t.Any) -> Policy:
        return policy(rule("a", "P1D"), floors=[{"name": "law", "keep_at_least": "P5Y", "legal_basis": "x", **floor}])

    def test_a_floor_beats_classes_and_requests(self) -> None:
        decision = decide(self.with_floor(), requests=[TestRequests.REQUEST])
        assert told(decision) == ("retained", ["floor:law"])
        assert decide(self.with_floor(), days=366 * 5).verdict == "due"
        assert decide(self.with_floor(match={"did": ["200"]})).verdict == "due"

    @pytest.mark.parametrize("floor", [{"match": {"queue": ["x"]}}, {"where": "metadata.product == 'x'"}, {"start": {"event": "call_end"}}])
    def test_a_floor_that_cannot_be_decided_keeps(self, floor: dict[str, t.Any]) -> None:
        verdict, reasons = told(decide(self.with_floor(**floor)))
        assert verdict == "unclassified" and reasons[0].startswith("floor:law: ")

    def test_a_shorter_floor_changes_nothing(self) -> None:
        decision = decide(self.with_floor(keep_at_least="PT1H"))
        assert told(decision) == ("due", [])


class TestExamples:
    def example(self, **more: t.Any) -> dict[str, t.Any]:
        return {"recording": {"did": "100"}, "verdict": "retained", "on": "2026-11-23", "start": "2026-11-01", **more}

    def test_examples_run(self) -> None:
        good = [self.example(), self.example(start="2020-01-01", verdict="due")]
        assert check_examples(policy(rule("a", "P90D", match={"did": ["100"]}, examples=good))) == (2, [])

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"verdict": "due"}, "classes[0].examples[0]: the verdict is retained, the example says due"),
            ({"recording": {"did": "200"}}, "the verdict is unclassified (no class matches), the example says retained"),
            ({"recording": {}}, "the verdict is unclassified (class:a: did is not known)"),
            ({"recording": {"dod": "100"}}, "classes[0].examples[0].recording: dod is not a field of a recording"),
            ({"recording": {"did": "100", "duration": "long"}}, "the field duration does not hold a number"),
        ],
    )
    def test_an_example_that_fails(self, change: dict[str, t.Any], words: str) -> None:
        count, failures = check_examples(policy(rule("a", "P90D", match={"did": ["100"]}, examples=[self.example(**change)])))
        assert count == 1 and words in failures[0]

    def test_an_example_that_another_class_decides(self) -> None:
        both = policy(rule("a", "P90D", examples=[self.example()]), rule("b", "P5Y"))
        assert "the class b decides, not a" in check_examples(both)[1][0]
