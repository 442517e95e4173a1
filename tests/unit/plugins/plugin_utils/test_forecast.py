# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What falls due when, and when disks are full, over real trees; joined, and shown."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
import json
import os
import pathlib
import re
import time
import typing as t
import zoneinfo

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.forecast import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._retention.disk import full_dates, intake_of
from ansible_collections.recordings.disposal.plugins.module_utils._retention.outlook import Filesystem, Room
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.forecasting import make_forecast
from ansible_collections.recordings.disposal.plugins.modules.forecast import RETURN
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults

WARSAW = zoneinfo.ZoneInfo("Europe/Warsaw")
UNREACHABLE = {"unreachable": True, "changed": False, "msg": "Failed to connect to the host via ssh: No route to host"}
MONDAY = dt.date(2026, 11, 23).toordinal()


def forecast(world: World, **more: t.Any) -> dict[str, t.Any]:
    """The host's forecast; asserts that nothing on the host changed by it, and that its result is small."""
    before = fingerprint(world.path)
    result = make_forecast({**world.params(), "weeks": 13, "intake_days": 28, **more})
    assert fingerprint(world.path) == before
    assert len(json.dumps(result)) < 65536
    return result


def counted_apart(root: pathlib.Path, keep: int) -> dict[str, list[int]]:
    """Sets and bytes by the Monday of the week in which they fall due, counted from the names of their files alone."""
    weeks: dict[str, list[int]] = {}
    for path in root.rglob("*.wav"):
        found = re.search(r"-(\d{8}-\d{6})-", path.name)
        assert found
        due = dt.datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=WARSAW) + dt.timedelta(days=keep)
        if due <= dt.datetime.now(WARSAW):
            continue
        counts = weeks.setdefault((due.date() - dt.timedelta(days=due.weekday())).isoformat(), [0, 0])
        counts[0] += 1
        counts[1] += sum(other.stat().st_size for other in path.parent.glob(f"{path.stem}.*"))
    return weeks


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("pbx1"))
    for number in range(60):
        world.record(days=2 * number + 0.4, number=number, size=1000 + number)
    world.record(days=40, number=900, src="+48600100999")
    (world.root / "stray.txt").write_text("what is this")
    os.utime(world.root / "stray.txt", (1_700_000_000, 1_700_000_000))
    world.holds = [{"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"src": ["+48600100999"]}}]
    return world


class TestHost:
    def test_refusals(self, filled: World) -> None:
        before = fingerprint(filled.path)
        for option, value in (("weeks", 0), ("weeks", 54), ("intake_days", 6), ("intake_days", 91)):
            with pytest.raises(RefusedError, match=f"{option} is {value}; give a number from"):
                make_forecast({**filled.params(), "weeks": 13, "intake_days": 28, option: value})
        spoilt = copy.deepcopy(filled.policy)
        spoilt["classes"][0]["keep"] = "soon"
        with pytest.raises(PolicyError, match=r"classes\[0\].keep"):
            make_forecast({**filled.params(policy=spoilt), "weeks": 13, "intake_days": 28})
        with pytest.raises(RefusedError, match="set the clocks"):
            make_forecast({**filled.params(controller_time=int(time.time()) - 5000), "weeks": 13, "intake_days": 28})
        assert fingerprint(filled.path) == before

    def test_weeks_are_those_of_a_second_count(self, filled: World) -> None:
        result = forecast(filled)
        expected = counted_apart(filled.root, 90)
        # What is held falls due in no week.
        held = next(filled.root.rglob("*+48600100999*.wav"))
        size = sum(path.stat().st_size for path in held.parent.glob(f"{held.stem}.*"))
        told = result["classes"]["calls"]["weeks"]
        found = re.search(r"-(\d{8}-\d{6})-", held.name)
        assert found
        due = dt.datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=WARSAW) + dt.timedelta(days=90)
        week = (due.date() - dt.timedelta(days=due.weekday())).isoformat()
        expected[week] = [expected[week][0] - 1, expected[week][1] - size]
        horizon = {week: counts for week, counts in expected.items() if week < result["horizon"]["end"]}
        assert told == horizon and len(told) > 8
        assert result["classes"]["calls"]["later"]["sets"] == sum(counts[0] for week, counts in expected.items() if week not in horizon)
        assert result["due"]["sets"] == 60 - sum(counts[0] for counts in expected.values())
        assert (result["apart"]["held"]["sets"], result["apart"]["unclassified"]["sets"]) == (1, 1)
        assert result["totals"]["sets"] == 62 and result["complete"]

    def test_a_short_horizon_leaves_the_rest_for_later(self, filled: World) -> None:
        long, short = forecast(filled, weeks=26), forecast(filled, weeks=1)
        assert long["classes"]["calls"]["later"]["sets"] == 0 and list(short["classes"]["calls"]["weeks"]) in (
            [],
            [short["horizon"]["first_week"]],
        )
        for result in (long, short):
            part = result["classes"]["calls"]
            assert sum(counts[0] for counts in part["weeks"].values()) + part["later"]["sets"] + part["due"]["sets"] == 60

    def test_intake_and_room(self, filled: World) -> None:
        (item,) = forecast(filled, intake_days=20)["filesystems"]
        facts = os.statvfs(filled.root)
        assert item["roots"] == [str(filled.root)] and item["size"] == facts.f_blocks * facts.f_frsize
        midnight = dt.datetime.combine(dt.datetime.now(WARSAW).date(), dt.time(), WARSAW)
        total = 0
        for path in filled.root.rglob("*.wav"):
            found = re.search(r"-(\d{8}-\d{6})-", path.name)
            assert found
            start = dt.datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=WARSAW)
            if midnight.date() - dt.timedelta(days=20) <= start.date() < midnight.date():
                total += sum(other.stat().st_size for other in path.parent.glob(f"{path.stem}.*"))
        assert item["intake"] == {"bytes_per_day": -(-total // 20), "days": 20, "why": None}

    def test_quarantine_gives_room_later(self, tmp_path: pathlib.Path) -> None:
        world = World(tmp_path)
        world.record(days=91)
        plain = forecast(world)
        world.policy["quarantine"] = "P14D"
        aside = forecast(world)
        weeks = [list(result["filesystems"][0]["freed"]) for result in (plain, aside)]
        assert (dt.date.fromisoformat(weeks[1][0]) - dt.date.fromisoformat(weeks[0][0])).days == 14

    def test_what_cannot_be_told_is_unknown(self, tmp_path: pathlib.Path) -> None:
        world = World(tmp_path)
        world.record(days=3)
        (item,) = forecast(world)["filesystems"]
        assert item["full"]["with_destruction"] == {"state": "unknown", "date": None}
        assert re.fullmatch(r"only [123] whole days of intake can be seen, fewer than 7", item["intake"]["why"])
        (world.root / "stray.bin").write_bytes(b"x" * 100_000)
        os.utime(world.root / "stray.bin", (1_700_000_000, 1_700_000_000))
        world.record(days=40, number=1)
        assert "of the bytes is not known, more than 10%" in forecast(world)["filesystems"][0]["intake"]["why"]

    def test_a_root_that_cannot_be_read(self, tmp_path: pathlib.Path) -> None:
        world = World(tmp_path)
        for number in range(20):
            world.record(days=2 * number + 0.4, number=number)
        world.policy["sources"][0]["roots"].append(str(tmp_path / "missing"))
        result = forecast(world)
        assert not result["complete"] and result["unread"][0]["root"] == str(tmp_path / "missing")
        assert result["roots"] == {"looked_at": 1, "unread": 1} and result["totals"]["sets"] == 20
        assert result["filesystems"][0]["intake"]["why"] == "a root of this host could not be read"

    def test_workers_tell_the_same(self, filled: World) -> None:
        one, many = (forecast(filled, workers=workers) for workers in (1, 3))
        for result in (one, many):
            result["as_of"] = ""
            for item in result["filesystems"]:
                item["free"] = 0
        assert one == many

    def test_many_classes_stay_small_and_lose_nothing(self, tmp_path: pathlib.Path) -> None:
        world = World(tmp_path)
        template = world.policy["classes"][0]
        numbers = [f"+48{index:09d}" for index in range(60)]
        world.policy["classes"] = [
            {**template, "name": f"class-with-a-long-name-{n[1:]}", "keep": "P371D", "match": {"dst": [n]}} for n in numbers
        ]
        for index, number in enumerate(numbers):
            for each in range(0, 364, 7):
                moment = time.time() - (each + 1) * 86400
                stem = f"in-{number}-+48600100200-{time.strftime('%Y%m%d-%H%M%S', time.localtime(moment))}-{int(moment)}.{index}"
                path = world.root / f"{stem}.wav"
                path.write_bytes(b"x" * (10 + index))
                os.utime(path, (moment, moment))
        world.policy["sources"][0]["metadata"] = []
        result = forecast(world, weeks=53)
        assert result["other_classes"]["classes"] > 0
        told = [*result["classes"].values(), result["other_classes"]]
        assert sum(counts[0] for item in told for counts in item["weeks"].values()) + sum(item["later"]["sets"] for item in told) == 60 * 52


class TestFull:
    """The arithmetic by hand: days are ordinals, and the first one is a Monday."""

    def filesystem(self, *, free: int, freed: dict[int, int] | None = None, rate: int = 100, undated: int = 0) -> Filesystem:
        made = Filesystem()
        made.room = Room(10_000, free)
        made.days = {MONDAY - day: rate for day in range(1, 29)}
        made.size = 2800 + undated
        made.undated = undated
        made.first_day = MONDAY - 200
        made.freed = {MONDAY + week: size for week, size in (freed or {}).items()}
        return made

    def dates(self, made: Filesystem, *, shortest: int = 90) -> tuple[str | None, str | None]:
        intake = intake_of(made, today=MONDAY, days=28, shortest=shortest)
        full = full_dates(made, intake, today=MONDAY, end=MONDAY + 28)
        return tuple(full[key]["date"] or full[key]["state"] for key in ("without_destruction", "with_destruction"))  # type: ignore[return-value]

    def test_without_anything_given_back(self) -> None:
        assert self.dates(self.filesystem(free=1000)) == ("2026-12-03", "2026-12-03")
        assert self.dates(self.filesystem(free=50)) == ("2026-11-23", "2026-11-23")

    def test_what_is_given_back_counts_once_its_week_is_over(self) -> None:
        assert self.dates(self.filesystem(free=1000, freed={0: 500}))[1] == "2026-12-08"
        # Free room ends on the Sunday of the first week, before what that week gives back.
        assert self.dates(self.filesystem(free=650, freed={0: 5000}))[1] == "2026-11-29"
        assert self.dates(self.filesystem(free=700, freed={0: 700, 7: 700, 14: 700}))[1] == "not_within_horizon"

    def test_no_intake_is_no_date_and_too_little_of_it_is_unknown(self) -> None:
        assert self.dates(self.filesystem(free=1000, rate=0)) == ("not_at_this_rate", "not_at_this_rate")
        assert self.dates(self.filesystem(free=1000), shortest=6) == ("unknown", "unknown")
        assert self.dates(self.filesystem(free=1000), shortest=7)[0] == "2026-12-03"
        assert self.dates(self.filesystem(free=1000, undated=311)) == ("2026-12-03", "2026-12-03")
        assert self.dates(self.filesystem(free=1000, undated=312)) == ("unknown", "unknown")


def run(directory: pathlib.Path, results: t.Any, **options: t.Any) -> dict[str, t.Any]:
    found = run_action(ActionModule, "forecast", {"results": results, "dest": str(directory), **options})
    assert len(json.dumps(found)) < 65536
    return found


def page(found: dict[str, t.Any], kind: str) -> str:
    return pathlib.Path(found["pages"][kind]).read_text(encoding="utf-8")


class TestFleet:
    def test_refusals(self, tmp_path: pathlib.Path, filled: World) -> None:
        told = forecast(filled)
        other = copy.deepcopy(told)
        other["policy"]["digest"] = "sha256:" + "0" * 64
        for results, words in (
            ({}, "there is no host with a result"),
            ({"pbx1": {"stdout": "x"}}, "give the result of retention_forecast as it was returned"),
            ({"pbx1": told, "pbx2": other}, "the hosts pbx1 and pbx2 looked ahead under different policies"),
        ):
            found = run(tmp_path, results)
            assert found["failed"] and words in found["msg"]
        assert list(tmp_path.iterdir()) == []

    def test_an_unreachable_host_is_named(self, tmp_path: pathlib.Path, filled: World) -> None:
        results = {"pbx1": forecast(filled), "pbx2": UNREACHABLE}
        found = run(tmp_path, results)
        assert found["failed"] and "the forecast is incomplete, not known are pbx2 (could not be reached: Failed" in found["msg"]
        assert "pbx2" in Page(page(found, "html")).text
        assert not run(tmp_path, results, on_incomplete="report").get("failed")
        nothing = run(tmp_path, {"pbx2": UNREACHABLE}, on_incomplete="report")
        assert structure_faults(Page(page(nothing, "html")), "en") == []
        for kind in ("html", "markdown"):
            assert "Nothing could be looked at, so nothing can be told" in page(nothing, kind) and "Due now: " not in page(nothing, kind)

    def test_a_host_of_which_no_root_could_be_read_has_no_numbers(self, tmp_path: pathlib.Path, filled: World) -> None:
        told = forecast(filled)
        told.update(complete=False, unread=[{"root": "/srv/rec", "why": "not mounted"}], roots={"looked_at": 0, "unread": 1})
        nothing = {"sets": 0, "bytes": 0}
        told.update(classes={"calls": {**dict.fromkeys(("due", "overdue", "later"), nothing), "weeks": {}}})
        told.update(apart={name: dict.fromkeys(counts, 0) for name, counts in told["apart"].items()}, filesystems=[])
        found = run(tmp_path, {"pbx1": told}, on_incomplete="report")
        lines = list(csv.DictReader(io.StringIO(page(found, "csv"))))
        assert [(row["record"], row["sets"]) for row in lines] == [("unread_root", "")]

    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_pages_add_up(self, tmp_path: pathlib.Path, filled: World, language: str) -> None:
        told = forecast(filled)
        item = told["filesystems"][0]
        item["full"]["with_destruction"] = {"state": "date", "date": "2027-01-15"}
        found = run(tmp_path, {"pbx1": told, "pbx2": copy.deepcopy(told)}, language=language)
        assert not found.get("failed") and found["changed"]
        assert [row["date"] for row in found["filling"]] == ["2027-01-15"] * 2
        shown = Page(page(found, "html"))
        assert structure_faults(shown, language) == []
        caption = {"en": "What falls due in each week", "pl": "Co podlega zniszczeniu w każdym tygodniu"}[language]
        rows = shown.table(caption).rows
        weeks = told["classes"]["calls"]["weeks"]
        assert {row[0]: row[1] for row in rows if row[0] in weeks} == {week: str(2 * counts[0]) for week, counts in weeks.items()}
        assert rows[1][1] == str(2 * told["due"]["sets"])
        apart = shown.table({"en": "Sets that fall due in no week", "pl": "Zestawy, które nie przypadają"}[language]).rows
        assert [row[1] for row in apart[1:]] == ["2", "2", "0", "0"]
        lines = list(csv.DictReader(io.StringIO(page(found, "csv"))))
        assert sum(int(row["sets"]) for row in lines if row["record"] == "week") == 2 * sum(counts[0] for counts in weeks.values())
        assert [row["full_with_destruction"] for row in lines if row["record"] == "filesystem"] == ["2027-01-15"] * 2
        assert "2027-01-15" in page(found, "markdown") and json.loads(page(found, "json"))["due"] == found["due"]
        assert not run(tmp_path, {"pbx1": told, "pbx2": copy.deepcopy(told)}, language=language)["changed"]
        assert {key for key in found if key not in ("changed", "failed")} <= set(yaml.safe_load(RETURN))

    @pytest.mark.parametrize("text", HOSTILE)
    def test_what_comes_from_outside_is_text(self, tmp_path: pathlib.Path, filled: World, text: str) -> None:
        told = forecast(filled)
        told["policy"]["owner"] = text
        told["classes"] = {text: told["classes"]["calls"]}
        told["filesystems"][0].update(roots=[text], intake={"bytes_per_day": None, "days": 0, "why": text})
        told.update(complete=False, unread=[{"root": text, "why": text}])
        found = run(tmp_path, {"pbx1": told, "pbx2": {"failed": True, "msg": text}}, on_incomplete="report", language="pl")
        assert structure_faults(Page(page(found, "html")), "pl") == []
        assert "<script" not in page(found, "markdown") and "\u202e" not in page(found, "markdown")
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(page(found, "csv"))) for cell in row)
