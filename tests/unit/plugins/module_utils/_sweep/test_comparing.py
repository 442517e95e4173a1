# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed policy against the present one over the same recordings: what is refused, what is named, and what is counted."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import hmac
import json
import os
import pathlib
import re
import time
import typing as t
import zoneinfo

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.comparing import compare_policies
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import KEY, World, fingerprint

WARSAW = zoneinfo.ZoneInfo("Europe/Warsaw")


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    made = World(tmp_path)
    # What a policy with several classes keeps apart.
    made.policy["classes"].append(
        {**copy.deepcopy(made.policy["classes"][0]), "name": "sales", "keep": "P1Y", "match": {"dst": ["+48225550199"]}}
    )
    return made


def changed(world: World, **keys: t.Any) -> dict[str, t.Any]:
    """The world's policy with other keys in its first class."""
    policy = copy.deepcopy(world.policy)
    policy["version"] = "2"
    policy["classes"][0].update(keys)
    return policy


def compared(world: World, policy: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """The comparison; asserts that nothing on the host changed by it, and that its result is small."""
    before = fingerprint(world.path)
    result = compare_policies(world.params(changed_policy=policy, **{"samples": 5, **more}))
    assert fingerprint(world.path) == before
    assert len(json.dumps(result)) < 65536
    return result


def refusal(world: World, policy: dict[str, t.Any], kind: type[DisposalError] = RefusedError, **more: t.Any) -> str:
    before = fingerprint(world.path)
    with pytest.raises(kind) as caught:
        compare_policies(world.params(changed_policy=policy, **{"samples": 5, **more}))
    assert fingerprint(world.path) == before
    return caught.value.message


def counted_apart(root: pathlib.Path, keep: dict[str, int], now: float) -> dict[str, int]:
    """Which sets are over their period, counted without any of our code: by the names of their files, with find's eyes.

    :arg keep: days by the class that a name shows: C(sales) where it holds 48225550199, else C(calls).
    """
    over: dict[str, int] = {}
    for path in root.rglob("*.wav"):
        stem = path.name[: -len(".wav")]
        found = re.search(r"-(\d{8})-(\d{6})-", path.name)
        assert found
        start = dt.datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S").replace(tzinfo=WARSAW)
        days = keep["sales" if "48225550199" in stem else "calls"]
        if start + dt.timedelta(days=days) <= dt.datetime.fromtimestamp(now, WARSAW):
            key = f"{path.parent.relative_to(root)}/{stem}"
            name = hmac.new(KEY.encode(), f"pbx\0{root}\0{key}".encode(), hashlib.sha256).hexdigest()[:32]
            over[name] = sum(other.stat().st_size for other in path.parent.glob(f"{stem}.*"))
    return over


class TestRefused:
    def test_a_policy_that_is_not_valid(self, world: World) -> None:
        world.record(days=40)
        assert "classes[0].keep" in refusal(world, changed(world, keep="P0D"), PolicyError)
        world.policy["classes"][0]["keep"] = 0
        assert "classes[0].keep" in refusal(world, {**changed(world, keep="P30D")}, PolicyError)

    def test_without_a_key_for_identifiers_where_either_policy_asks_for_one(self, world: World) -> None:
        world.record(days=40)
        world.policy["identifiers"] = "hmac"
        plain = {**changed(world, keep="P30D"), "identifiers": "plain"}
        assert "asks for identifiers: hmac" in refusal(world, plain, identifiers_key="short")
        world.policy["identifiers"] = "plain"
        assert "asks for identifiers: hmac" in refusal(world, {**plain, "identifiers": "hmac"}, identifiers_key="")

    def test_a_source_that_neither_policy_has(self, world: World) -> None:
        world.record(days=40)
        told = refusal(world, changed(world), sources=["pbx", "dialer"])
        assert told == "sources names dialer; the policies have the sources pbx"

    def test_a_date_that_is_none(self, world: World) -> None:
        world.record(days=40)
        for date in ("soon", "2027-13-01", "0"):
            assert f"as_of: '{date}' is" in refusal(world, changed(world), as_of=date)

    def test_a_clock_that_differs(self, world: World) -> None:
        world.record(days=40)
        assert "set the clocks and run again" in refusal(world, changed(world), controller_time=int(time.time()) - 5000)


class TestUnread:
    """A root that could not be read is named and counts nothing."""

    def test_one_that_is_missing_empty_or_a_link(self, world: World) -> None:
        world.record(days=40)
        (world.path / "empty").mkdir()
        (world.path / "link").symlink_to(world.root)
        roots = [str(world.root), str(world.path / "missing"), str(world.path / "empty"), str(world.path / "link")]
        world.policy["sources"][0]["roots"] = roots
        result = compared(world, changed(world, keep="P30D"))
        assert not result["complete"]
        assert result["roots"] == {"looked_at": 1, "unread": 3}
        whys = {item["root"]: item["why"] for item in result["unread"]}
        assert sorted(whys) == sorted(roots[1:])
        assert "cannot be opened" in whys[roots[1]] and "holds 0 recording sets" in whys[roots[2]] and "symbolic link" in whys[roots[3]]
        assert result["effects"]["newly_destroyed"]["sets"] == 1
        assert [warning for warning in result["warnings"] if "is not in the comparison" in warning]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
    def test_one_with_a_directory_that_cannot_be_read(self, world: World) -> None:
        audio = world.record(days=40)
        world.record(days=50, number=1)
        audio.parent.chmod(0)
        try:
            result = compare_policies(world.params(changed_policy=changed(world, keep="P30D"), samples=5))
        finally:
            audio.parent.chmod(0o755)
        assert not result["complete"] and result["totals"]["changed"]["sets"] == 0

    def test_one_whose_marker_only_the_changed_policy_asks_for(self, world: World) -> None:
        world.record(days=40)
        policy = changed(world, keep="P30D")
        policy["sources"][0]["sentinel"] = {"marker": ".mounted"}
        result = compared(world, policy)
        assert not result["complete"] and "has no marker file .mounted" in result["unread"][0]["why"]
        (world.root / ".mounted").touch()
        assert compared(world, policy)["effects"]["newly_destroyed"]["sets"] == 1

    def test_two_roots_that_show_the_same(self, world: World) -> None:
        world.record(days=40)
        world.policy["sources"][0]["roots"].append(str(next(world.root.iterdir())))
        # A policy refuses such roots by name; one that is mounted elsewhere shows itself on the host only.
        assert "sources" in refusal(world, changed(world), PolicyError)


class TestCounted:
    def test_a_shorter_period_names_exactly_the_sets_that_a_second_count_finds(self, world: World) -> None:
        for number in range(60):
            world.record(days=3 * number + 0.5, number=number, size=1000 + number)
            world.record(days=3 * number + 0.7, number=1000 + number, size=500)
        for audio in list(world.root.rglob("*.wav"))[::7]:
            for path in audio.parent.glob(f"{audio.stem}.*"):
                path.rename(path.with_name(path.name.replace("48225550100", "48225550199")))
        now = time.time()
        result = compared(world, changed(world, keep="P30D"), samples=200)
        before = counted_apart(world.root, {"calls": 90, "sales": 365}, now)
        after = counted_apart(world.root, {"calls": 30, "sales": 365}, now)
        newly = {name: size for name, size in after.items() if name not in before}
        assert len(newly) > 25 and len(before) > 25
        (row,) = [row for row in result["transitions"] if row["effect"] == "newly_destroyed"]
        assert {sample["set"]: sample["bytes"] for sample in row["samples"]} == newly
        assert result["effects"]["newly_destroyed"] == {"sets": len(newly), "files": 2 * len(newly), "bytes": sum(newly.values())}
        assert (row["from"], row["to"]) == (
            {"verdict": "retained", "class": "calls", "rule": "class:calls"},
            {"verdict": "due", "class": "calls", "rule": "class:calls"},
        )
        assert result["effects"]["no_longer_destroyed"]["sets"] == 0
        assert result["verdicts"]["present"]["due"]["sets"] == len(before)
        assert result["verdicts"]["changed"]["due"]["sets"] == len(after)
        # The other way round the same sets are no longer destroyed.
        world.policy, other = changed(world, keep="P30D"), world.policy
        back = compared(world, other, samples=200)
        assert back["effects"]["no_longer_destroyed"] == result["effects"]["newly_destroyed"]
        assert back["effects"]["newly_destroyed"]["sets"] == 0
        (row,) = [row for row in back["transitions"] if row["effect"] == "no_longer_destroyed"]
        assert {sample["set"] for sample in row["samples"]} == set(newly)

    def test_each_policy_judges_as_its_plan_does(self, world: World) -> None:
        for number in range(12):
            world.record(days=20 * number + 0.5, number=number)
        world.record(days=400, number=99)
        (world.root / "stray.txt").write_text("?")
        policy = changed(world, keep="P30D")
        result = compared(world, policy)
        present = world.plan(check=True)
        world.policy = policy
        for side, plan in (("present", present), ("changed", world.plan(check=True))):
            assert result["verdicts"][side] == {verdict: counts for verdict, counts in plan["verdicts"].items() if counts["sets"]}
            assert result["totals"][side] == plan["totals"]

    def test_the_same_policy_changes_nothing(self, world: World) -> None:
        for number in range(5):
            world.record(days=30 * number + 0.5, number=number)
        result = compared(world, world.policy)
        assert result["transitions"] == [] and not any(counts["sets"] for counts in result["effects"].values())
        assert result["complete"] and result["totals"]["changed"]["sets"] == 5

    def test_holds_and_requests_count_for_both(self, world: World) -> None:
        world.record(days=40, src="+48600100200")
        world.record(days=40, number=1, src="+48600100201")
        world.holds = [{"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"src": ["+48600100200"]}}]
        result = compared(world, changed(world, keep="P30D"))
        assert result["effects"]["newly_destroyed"]["sets"] == 1 and result["holds"]["active"] == 1
        assert result["verdicts"]["changed"]["held"]["sets"] == 1

    def test_what_stays_and_falls_due_otherwise(self, world: World) -> None:
        world.record(days=10)
        sooner = compared(world, changed(world, keep="P30D"))
        assert sooner["effects"]["sooner"]["sets"] == 1 and sooner["effects"]["newly_destroyed"]["sets"] == 0
        assert sooner["transitions"][0]["samples"][0]["keep_until_after"] < sooner["transitions"][0]["samples"][0]["keep_until_before"]
        assert compared(world, changed(world, keep="P120D"))["effects"]["later"]["sets"] == 1

    def test_a_class_that_goes_leaves_its_sets_unclassified(self, world: World) -> None:
        world.record(days=200)
        policy = changed(world, match={"dst": ["+48999"]})
        result = compared(world, policy)
        assert result["effects"]["no_longer_destroyed"]["sets"] == 1
        assert result["transitions"][0]["to"] == {"verdict": "unclassified", "class": None, "rule": None}

    def test_a_root_that_only_the_changed_policy_has(self, world: World) -> None:
        world.record(days=200)
        more = World(world.path / "more") if (world.path / "more").mkdir() is None else world
        more.record(days=200)
        policy = changed(world)
        policy["sources"].append({**copy.deepcopy(policy["sources"][0]), "name": "new", "roots": [str(more.root)]})
        result = compared(world, policy)
        assert result["effects"]["newly_destroyed"]["sets"] == 1
        assert result["transitions"][0]["from"] == {"verdict": "absent", "class": None, "rule": None}
        assert (result["totals"]["present"]["sets"], result["totals"]["changed"]["sets"]) == (1, 2)
        assert compared(world, policy, sources=["pbx"])["transitions"] == []

    def test_a_layout_that_finds_other_sets(self, world: World) -> None:
        world.record(days=200)
        policy = changed(world)
        policy["sources"][0]["layout"] = "custom"
        policy["sources"][0]["custom"] = {
            "pattern": r"in-\d+-\+\d+-(?P<date>\d{8})-(?P<time>\d{6})-[\d.]+",
            "members": {"primary": [".wav"], "sidecar": [".json"]},
        }
        result = compared(world, policy)
        assert result["regrouped"] == [str(world.root)]
        assert (
            result["effects"]["newly_destroyed"]["sets"] == result["effects"].get("no_longer_destroyed")["sets"] + 0
            or result["transitions"]
        )

    def test_other_metadata_and_time_zones_are_read_for_each(self, world: World) -> None:
        world.record(days=200)
        policy = changed(world)
        policy["sources"][0]["metadata"] = [{"sidecar": "{stem}.missing", "required": True}]
        result = compared(world, policy)
        assert result["transitions"][0]["to"]["verdict"] == "unclassified" and result["regrouped"] == []

    def test_quarantine_is_that_of_each_policy(self, world: World) -> None:
        audio = world.record(days=200)
        aside = (
            world.root / ".recordings-disposal" / (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 86400)) + "-0123456789abcdef")
        )
        target = aside / audio.parent.relative_to(world.root)
        target.mkdir(parents=True)
        for path in audio.parent.glob(f"{audio.stem}.*"):
            path.rename(target / path.name)
        world.record(days=1, number=5)
        world.policy["quarantine"] = "P7D"
        policy = changed(world)
        del policy["quarantine"]
        result = compared(world, policy)
        assert result["effects"]["newly_destroyed"]["sets"] == 1

    def test_a_date_that_is_simulated(self, world: World) -> None:
        world.record(days=10)
        later = time.strftime("%Y-%m-%d", time.localtime(time.time() + 30 * 86400))
        result = compared(world, changed(world, keep="P30D"), as_of=later)
        assert result["effects"]["newly_destroyed"]["sets"] == 1 and result["simulated"]

    def test_any_number_of_workers_tells_the_same(self, world: World) -> None:
        for number in range(40):
            world.record(days=5 * number + 0.5, number=number)
        policy = changed(world, keep="P30D")
        one, many = (compared(world, policy, workers=workers, samples=50) for workers in (1, 3))
        assert {**one, "as_of": ""} == {**many, "as_of": ""}

    def test_plain_names_only_where_both_policies_say_so(self, world: World) -> None:
        world.record(days=40)
        world.policy["identifiers"] = "plain"
        both = compared(world, changed(world, keep="P30D"), identifiers_key="")
        assert both["transitions"][0]["samples"][0]["set"].startswith("pbx:")
        one = compared(world, {**changed(world, keep="P30D"), "identifiers": "hmac"})
        assert re.fullmatch(r"[0-9a-f]{32}", one["transitions"][0]["samples"][0]["set"])

    def test_many_transitions_and_samples_stay_small(self, world: World) -> None:
        template = world.policy["classes"][0]
        numbers = [f"48{index:09d}" for index in range(150)]
        world.policy["classes"] = [
            {**template, "name": f"class-with-a-long-name-{number}", "match": {"dst": [f"+{number}"]}} for number in numbers
        ]
        directory = world.root / "2025"
        directory.mkdir()
        for index, number in enumerate(numbers):
            for each in range(4):
                path = directory / f"in-+{number}-+48600100200-20250101-0{each}0000-17356{index:05d}.{each}.wav"
                path.write_bytes(b"x" * 10)
                os.utime(path, (1_700_000_000, 1_700_000_000))
        policy = copy.deepcopy(world.policy)
        for item in policy["classes"]:
            item["keep"] = "P50Y"
        result = compared(world, policy, samples=200)
        told = sum(row["sets"] for row in result["transitions"]) + result["more_transitions"]["no_longer_destroyed"]["sets"]
        assert told == result["effects"]["no_longer_destroyed"]["sets"] == 600
        assert len(result["transitions"]) == 120 and result["samples_each"] < 200


def test_many_classes_with_long_names_leave_the_result_small_and_its_sums_right(world: World) -> None:
    present = copy.deepcopy(world.policy)
    first = present["classes"][0]
    present["classes"] = [
        {**copy.deepcopy(first), "name": f"class-{number:03d}-{'x' * 52}", "match": {"src": [f"+48600{number:06d}"]}}
        for number in range(240)
    ]
    for number in range(240):
        world.record(days=60, number=number, src=f"+48600{number:06d}", size=10)
    policy = copy.deepcopy(present)
    policy["version"] = "2"
    for item in policy["classes"]:
        item["keep"] = "P30D"
    world.policy = present
    result = compared(world, policy)
    told = sum(row["sets"] for row in result["transitions"]) + result["more_transitions"]["newly_destroyed"]["sets"]
    assert told == result["effects"]["newly_destroyed"]["sets"] == 240 and len(result["classes"]) == 240
