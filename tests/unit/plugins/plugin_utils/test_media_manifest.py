# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of all hosts: its limits, what a host has to tell, and that it is the same when it is made twice."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import MEDIA_FORMAT, read_manifest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.planned import planned_media
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_manifest import MediaPlan, decided_media, rows_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan_page import media_form, rows_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_records import earlier_records, read_record, record_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import PlanFiles, place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import (
    NOW,
    POLICY,
    SIZE,
    Looks,
    drained,
    host_of,
    plan_of,
    register_of,
    released,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import manifest_of

LATER = NOW + dt.timedelta(minutes=50)


@pytest.fixture
def looks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(tmp_path / "looks", monkeypatch)


@pytest.fixture
def fleet(looks: Looks) -> dict[str, t.Any]:
    """Two hosts with four media."""
    one, other = [looks.ata("S1"), looks.ata("S2", name="sdb")], [looks.ata("S3"), *looks.nvme("N1")]
    return {"rec1": host_of(one), "rec2": host_of(other)}


MEDIA = [released("S1"), released("S2"), released("S3", host="rec2"), released("N1", host="rec2", kind="nvme")]


def sentences(plan: MediaPlan, host: str = "") -> list[str]:
    return [item["sentence"] for item in plan.manifest["blocked"] if host in ("", item["host"])]


# What a host has to tell.


@pytest.mark.parametrize("part", ["info", "drained"])
@pytest.mark.parametrize(
    ("result", "told"),
    [
        (None, "it gave no result"),
        ("no mapping", "it gave no result"),
        ({}, "it gave no result"),
        ({"failed": True, "msg": "no\nsuch\u202e host", "media": []}, "no such\\u202e host"),
        ({"unreachable": True, "msg": "timed out", "media": []}, "timed out"),
        ({"skipped": True}, "it gave no result"),
        ({"media": {}}, "it gave no result"),
        ({"msg": "x" * 999}, "x" * 300 + ")"),
    ],
)
def test_a_host_without_a_result(fleet: dict[str, t.Any], part: str, result: t.Any, told: str) -> None:
    fleet["rec2"][part] = result
    with pytest.raises(RefusedError) as refused:
        plan_of(register_of(*MEDIA), fleet)
    assert refused.value.message.startswith(f"the host rec2 has no result of media_{'info' if part == 'info' else 'drain'} ({told}")
    assert refused.value.message.endswith("and what is not known cannot be planned; reach it, and plan again")


@pytest.mark.parametrize("value", [None, "x", [], {}])
def test_a_host_that_is_missing(fleet: dict[str, t.Any], value: t.Any) -> None:
    for results in ({**fleet, "rec2": value}, {"rec1": fleet["rec1"]}):
        with pytest.raises(RefusedError, match=r"the host rec2 has no result of media_info \(it gave no result\)"):
            plan_of(register_of(*MEDIA), results)


@pytest.mark.parametrize("holds", [None, {}, {"generation": ""}, {"generation": 7, "active": 0}, "none"])
def test_a_host_that_does_not_tell_its_holds(fleet: dict[str, t.Any], holds: t.Any) -> None:
    fleet["rec1"]["drained"]["holds"] = holds
    with pytest.raises(RefusedError, match="media_drain of the host rec1 does not tell under which legal holds it looked"):
        plan_of(register_of(*MEDIA), fleet)


@pytest.mark.parametrize("host", ["..", ".", "../../etc/cron.d/x", "a/b", "rec\u200b1", "rec\u202e1"])
@pytest.mark.parametrize("dead", [False, True])
def test_a_hostile_host_name(looks: Looks, host: str, dead: bool) -> None:
    register = register_of(released("S1", host="x"))
    medium = register.media["s1"]
    object.__setattr__(medium, "host", host)
    with pytest.raises(RefusedError, match="cannot be a file name, which evidence needs; give the host another inventory name") as refused:
        plan_of(register, {host: host_of([looks.ata("S1")])}, dead=["S1"] if dead else [])
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"author": " "}, "author is not a name on one line"),
        ({"author": "a\nb"}, "author is not a name on one line"),
        ({"approvals_required": -1}, "approvals_required is -1"),
        ({"expires_in": "P1M"}, "counts months or years"),
        ({"expires_in": "P400D"}, "longer than 366 days"),
        ({"plan_id": "../x"}, "is not a name of up to 64 letters"),
    ],
)
def test_an_option_that_is_none(fleet: dict[str, t.Any], options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        plan_of(register_of(*MEDIA), fleet, **options)


def test_what_is_dead_and_answers(fleet: dict[str, t.Any]) -> None:
    """Else whoever calls a drive dead would have it shredded without a look at what is on it."""
    plan = plan_of(register_of(*MEDIA), fleet, dead=["S1"])
    told = "S1 is named under dead, and rec1 shows it; leave it out there, so that what is on it is looked at"
    assert sentences(plan) == [told] and plan.manifest["hosts"]["rec1"]["blocked"] == [told]
    # Also where it answers in another host than the one that it was in last, and by another writing of its serial.
    plan = plan_of(register_of(released("s 3", host="gone")), fleet, dead=["s 3"])
    assert sentences(plan) == ["s 3 is named under dead, and rec2 shows it; leave it out there, so that what is on it is looked at"]
    plan = plan_of(register_of(released("S9", host="gone")), {**fleet, "rec3": {"info": {"failed": True}}, "rec4": None}, dead=["S9"])
    assert sentences(plan) == [] and plan.manifest["hosts"]["gone"]["holds"] == {"generation": "", "active": 0}


# Limits.


def test_media_of_one_plan(fleet: dict[str, t.Any]) -> None:
    plan = plan_of(register_of(*MEDIA), fleet, {**POLICY, "limits": {"media": 3}})
    told = "the plan has 4 media, and the policy allows 3 in one; name fewer under serials, or have the limit raised"
    # Each host looks at its own part only.
    assert plan.manifest["blocked"] == [{"host": "rec1", "sentence": told}, {"host": "rec2", "sentence": told}]
    assert [part["blocked"] for part in plan.manifest["hosts"].values()] == [[told], [told]]
    assert sentences(plan_of(register_of(*MEDIA), fleet, {**POLICY, "limits": {"media": 4}})) == []
    assert sentences(plan_of(register_of(*MEDIA), fleet, {**POLICY, "limits": {"media": 3}}, serials=["S1", "S2", "S3"])) == []


def test_media_of_one_host(fleet: dict[str, t.Any]) -> None:
    plan = plan_of(register_of(*MEDIA), fleet, {**POLICY, "limits": {"media_per_host": 1}}, serials=["S1", "S2", "N1"])
    told = "2 media of rec1 are planned, and the policy allows 1 of one host; name fewer under serials, or have the limit raised"
    assert plan.manifest["blocked"] == [{"host": "rec1", "sentence": told}]


def test_the_limits_that_are_shipped(looks: Looks) -> None:
    rows = [looks.ata(f"S{number:02}", name=f"sd{number}") for number in range(9)]
    entries = [released(f"S{number:02}") for number in range(9)]
    plan = plan_of(register_of(*entries), {"rec1": host_of(rows)})
    assert sentences(plan) == [
        "9 media of rec1 are planned, and the policy allows 8 of one host; name fewer under serials, or have the limit raised"
    ]
    many = register_of(*(released(f"D{number:02}", host=f"h{number}") for number in range(51)))
    assert "the plan has 51 media, and the policy allows 50 in one" in sentences(plan_of(many, {}, dead=list(many.media)))[0]


def array(level: str, disks: int, degraded: int, *members: str) -> dict[str, t.Any]:
    return {"name": "md0", "level": level, "disks": disks, "degraded": degraded, "members": list(members), "others": []}


@pytest.mark.parametrize(
    ("level", "disks", "degraded", "going", "kept"),
    [
        ("raid0", 3, 0, 1, False),
        ("linear", 3, 0, 1, False),
        ("raid1", 3, 0, 2, True),
        ("raid1", 3, 0, 3, False),
        ("raid1", 3, 1, 1, True),
        ("raid1", 3, 1, 2, False),
        ("raid4", 3, 0, 1, True),
        ("raid4", 3, 1, 1, False),
        ("raid5", 3, 0, 1, True),
        ("raid5", 3, 0, 2, False),
        ("raid5", 3, 1, 1, False),
        ("raid6", 3, 0, 2, True),
        ("raid6", 3, 0, 3, False),
        ("raid6", 3, 1, 1, True),
        ("raid6", 3, 1, 2, False),
        ("raid6", 3, 2, 1, False),
        ("raid10", 3, 0, 1, True),
        ("raid10", 3, 0, 2, False),
        ("raid10", 3, 1, 1, False),
        ("unknown", 3, 0, 1, False),
    ],
)
@pytest.mark.parametrize("serves", [True, False])
def test_redundancy(looks: Looks, level: str, disks: int, degraded: int, going: int, kept: bool, serves: bool) -> None:
    serials = [f"S{number}" for number in range(going)]
    rows = [looks.ata(serial, name=f"sd{serial}") for serial in serials]
    found = drained(*serials, arrays=[array(level, disks, degraded, *serials, "OTHER")])
    entries = [released(serial) for serial in serials]
    entries += [released("OTHER", state="in_service" if serves else "sanitized"), released("FAR", state="in_service", host="rec2")]
    plan = plan_of(register_of(*entries), {"rec1": host_of(rows, found)}, serials=serials)
    told = [sentence for sentence in sentences(plan) if "redundancy" in sentence]
    if kept or not serves:
        assert told == []
    else:
        assert told == [
            f"{', '.join(serials)} would leave the array md0 of rec1 ({level}, {degraded} missing) below its redundancy "
            "while the host is in service; release the whole host, or fewer media"
        ]
    # Whatever its redundancy, nothing is destroyed that belongs to an array that runs.
    assert len([sentence for sentence in sentences(plan) if "belongs to the running array md0" in sentence]) == going


def test_a_member_by_another_serial_of_the_host(looks: Looks) -> None:
    """The array is told by the first serial that the host has for a disk, and the label may have the second."""
    row = {**looks.ata("S1"), "serial": ["WD-S1", "S1"]}
    found = drained("S1", arrays=[array("raid0", 2, 0, "WD-S1", "S2")])
    entries = [released("S1"), released("S2", state="in_service")]
    plan = plan_of(register_of(*entries), {"rec1": host_of([row], found)})
    assert [sentence.partition(" ")[0] for sentence in sentences(plan)] == ["S1:", "S1"]


def test_arrays_of_no_known_form(looks: Looks) -> None:
    strange = [7, None, {"name": 5, "level": None, "disks": "two", "degraded": "one", "members": "S1"}]
    found = drained("S1", arrays=strange)
    plan = plan_of(register_of(released("S1"), released("S2", state="in_service")), {"rec1": host_of([looks.ata("S1")], found)})
    assert len(sentences(plan)) == 2 and all("array" in sentence for sentence in sentences(plan))


# The manifest.


def test_the_manifest(fleet: dict[str, t.Any]) -> None:
    fleet["rec1"]["drained"]["holds"]["active"] = 3
    plan = plan_of(register_of(*MEDIA, released("D1", host="gone", size_bytes="512")), fleet, POLICY, dead=["D1"])
    manifest = plan.manifest
    assert read_manifest(manifest_bytes(manifest), formats=[MEDIA_FORMAT]) == manifest
    assert (manifest["created"], manifest["expires"]) == ("2026-11-27T10:00:00Z", "2026-12-04T10:00:00Z")
    assert manifest["plan_id"].startswith("2026-11-27-") and manifest["policy"]["digest"] == digest(canonical(POLICY))
    assert manifest["totals"] == {"hosts": 3, "media": 5, "due": {"sets": 4, "files": 0, "bytes": 4 * SIZE}}
    assert list(manifest["hosts"]) == ["gone", "rec1", "rec2"] and manifest["blocked"] == []
    for host, part in manifest["hosts"].items():
        data = rows_bytes(plan.rows[host])
        assert part["plan"] == {"digest": digest(data), "rows": len(plan.rows[host]), "bytes": len(data)}
        media = planned_media(data.decode(), part["plan"]["digest"])
        assert part["verdicts"] == {"due": {"sets": len(media), "files": 0, "bytes": len(media) * SIZE}}
    assert [part["physical"] for part in manifest["hosts"].values()] == [1, 0, 0]
    assert manifest["hosts"]["rec1"]["holds"] == {"generation": digest(b"holds"), "active": 3}
    assert [row["serial"] for row in plan.rows["rec2"]] == ["N1", "S3"]


def test_made_twice_it_is_the_same(fleet: dict[str, t.Any]) -> None:
    first = plan_of(register_of(*MEDIA), fleet)
    turned = {host: copy.deepcopy(fleet[host]) for host in reversed(fleet)}
    for host in turned.values():
        host["info"]["media"].reverse()
        host["drained"]["media"].reverse()
        host["drained"]["as_of"] = "2026-11-27T09:59:00Z"
        host["drained"]["media"][0]["samples"] = {}
        host["info"]["media"][0]["in_use_because"] = ["it is open by process 7 (smartd)"]
    fleet["rec1"]["info"]["media"][1]["in_use_because"] = ["it is open by process 4711 (smartd)"]
    fleet["rec2"]["info"]["media"][1]["in_use_because"] = ["it is open by process 4712 (smartd)"]
    busy, again = plan_of(register_of(*MEDIA), fleet), plan_of(register_of(*reversed(MEDIA)), turned, now=LATER)
    assert busy.rows == again.rows and decided_media(busy.manifest) == decided_media(again.manifest)
    assert busy.manifest["plan_id"] == again.manifest["plan_id"] != first.manifest["plan_id"]
    assert busy.manifest["created"] != again.manifest["created"]


def test_what_decides_gives_another_name(fleet: dict[str, t.Any]) -> None:
    plans = [
        plan_of(register_of(*MEDIA), fleet),
        plan_of(register_of(*MEDIA), fleet, POLICY),
        plan_of(register_of(*MEDIA), fleet, serials=["S1"]),
        plan_of(register_of(*MEDIA), fleet, earlier={medium_set("S1"): [digest(b"record")]}),
        plan_of(register_of(*MEDIA), fleet, now=NOW + dt.timedelta(days=1)),
    ]
    assert len({plan.manifest["plan_id"] for plan in plans}) == len(plans)


def test_a_plan_after_a_run_is_another_one(fleet: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    """The run of the same plan has its end in the hosts' journals, and would not be made again."""
    dest = tmp_path / "disposal"
    assert earlier_records(str(dest)) == {}
    place = dest / "runs" / "P-1" / "media"
    place.mkdir(parents=True)
    records = {}
    for run, outcome in (("P-1", "not_destroyed"), ("P-2", "destroyed")):
        record = {"type": "outcome", "set": medium_set("S1"), "outcome": outcome}
        records[run] = canonical(record) + b"\n"
        (dest / "runs" / run / "media").mkdir(parents=True, exist_ok=True)
        (dest / "runs" / run / "media" / f"{record_name(medium_set('S1'))}.json").write_bytes(records[run])
        (dest / "runs" / run / "media" / "README.json").write_text("no record", encoding="utf-8")
    # Of a medium that was destroyed too: it may have been released once more.
    earlier = earlier_records(str(dest))
    assert earlier == {medium_set("S1"): [digest(records["P-1"]), digest(records["P-2"])]}
    plan = plan_of(register_of(*MEDIA), fleet, earlier=earlier)
    assert plan.rows["rec1"][0]["after"] == sorted(digest(data) for data in records.values()) and plan.rows["rec1"][1]["after"] == []
    assert plan.manifest["hosts"]["rec1"] != plan_of(register_of(*MEDIA), fleet).manifest["hosts"]["rec1"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read (Expecting value"),
        (b"{}", "is no record of the medium that its name tells"),
        (b"[]", "is no record of the medium"),
        (b"[" * 100_000, "cannot be read (maximum recursion"),
        (b'\xff{"type":"outcome"}', "cannot be read ('utf-8' codec"),
        (
            canonical({"type": "outcome", "set": medium_set("S2")}),
            "is no record of the medium that its name tells; put it back from a copy",
        ),
    ],
)
def test_a_record_that_is_none(tmp_path: pathlib.Path, data: bytes, words: str) -> None:
    path = tmp_path / "runs" / "P-1" / "media" / f"{record_name(medium_set('S1'))}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    for read in (lambda: earlier_records(str(tmp_path)), lambda: read_record(str(path))):
        with pytest.raises(EvidenceError) as refused:
            read()
        assert words in refused.value.message and str(path) in refused.value.message
        assert "put it back from a copy, or settle the run again" in refused.value.message


def test_a_record_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EvidenceError, match="No such file"):
        read_record(str(tmp_path / "x.json"))


# The files.


def place(dest: pathlib.Path, plan: MediaPlan, *, check_mode: bool = False, now: dt.datetime = NOW) -> PlanFiles:
    executor = CheckExecutor() if check_mode else Executor()
    told = {"dest": str(dest), "language": "en", "executor": executor, "check_mode": check_mode, "now": now}
    return place_plan(plan.manifest, form=media_form(plan), **told)


def sign(placed: PlanFiles) -> None:
    pathlib.Path(f"{placed.manifest_path}.anna@example.com.sig").write_text("a signature\n", encoding="utf-8")


@pytest.mark.parametrize("what", ["serials", "policy", "author", "blocked", "expired"])
def test_a_signed_manifest_is_never_replaced(fleet: dict[str, t.Any], tmp_path: pathlib.Path, what: str) -> None:
    dest, name = tmp_path / "disposal", {"plan_id": "P-1"}
    sign(place(dest, plan_of(register_of(*MEDIA), fleet, **name)))
    before, now = snapshot(dest), NOW
    words = {"policy": "(policy", "author": "(author", "expired": "expired on 2026-12-04"}.get(what, "(hosts")
    if what == "serials":
        other = plan_of(register_of(*MEDIA), fleet, serials=["S1"], **name)
    elif what == "policy":
        other = plan_of(register_of(*MEDIA), fleet, POLICY, **name)
    elif what == "author":
        other = plan_of(register_of(*MEDIA), fleet, author="someone@example.com", **name)
    elif what == "blocked":
        fleet["rec1"]["drained"]["media"][0]["drained"] = "no"
        other = plan_of(register_of(*MEDIA), fleet, **name)
    else:
        now = NOW + dt.timedelta(days=8)
        other = plan_of(register_of(*MEDIA), fleet, now=now, **name)
    for check_mode in (True, False):
        with pytest.raises(RefusedError) as refused:
            place(dest, other, check_mode=check_mode, now=now)
        assert "has 1 signature beside it but" in refused.value.message and words in refused.value.message
        assert refused.value.message.endswith("give another plan_id, or move the directory away if that plan is withdrawn")
    assert snapshot(dest) == before


def test_a_plan_of_another_kind_is_never_replaced(fleet: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    plan, recordings = plan_of(register_of(*MEDIA), fleet, plan_id="P-1"), manifest_of(plan_id="P-1")
    told = {"language": "en", "executor": Executor(), "check_mode": False, "now": NOW}
    place_plan(recordings, dest=str(tmp_path / "one"), **told)
    place(tmp_path / "other", plan)
    for dest in ("one", "other"):
        before = snapshot(tmp_path / dest)
        with pytest.raises(RefusedError, match="is the manifest of a plan of another kind, so it was left as it is; give another plan_id"):
            if dest == "one":
                place(tmp_path / dest, plan)
            else:
                place_plan(recordings, dest=str(tmp_path / dest), **told)
        assert snapshot(tmp_path / dest) == before


def test_four_runs(fleet: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "disposal"
    plan = plan_of(register_of(*MEDIA), fleet)
    placed = place(dest, plan, check_mode=True)
    assert placed.changed and not dest.exists()
    placed = place(dest, plan)
    sign(placed)
    before = snapshot(dest)
    names = {f"plans/{plan.manifest['plan_id']}/{name}" for name in ("plan.html", "plan.md", "plan.csv", "manifest.json")}
    names |= {f"plans/{plan.manifest['plan_id']}/{rows_name(host)}" for host in ("rec1", "rec2")}
    assert placed.changed and set(before) - {f"plans/{plan.manifest['plan_id']}/manifest.json.anna@example.com.sig"} == names
    for host, part in plan.manifest["hosts"].items():
        assert digest(before[f"plans/{plan.manifest['plan_id']}/{rows_name(host)}"]) == part["plan"]["digest"]
    later = plan_of(register_of(*MEDIA), fleet, now=LATER)
    for check_mode in (False, True):
        again = place(dest, later, check_mode=check_mode, now=LATER)
        assert not again.changed and again.manifest == plan.manifest
    assert snapshot(dest) == before


@pytest.mark.parametrize("name", ["media/rec1.jsonl", "plan.html", "plan.md", "plan.csv"])
def test_what_was_changed_beside_the_manifest_is_made_anew(fleet: dict[str, t.Any], tmp_path: pathlib.Path, name: str) -> None:
    plan = plan_of(register_of(*MEDIA), fleet)
    placed = place(tmp_path / "disposal", plan)
    sign(placed)
    path = pathlib.Path(placed.directory) / name
    data = path.read_bytes()
    for damage in (None, b"something else"):
        path.unlink() if damage is None else path.write_bytes(damage)
        assert place(tmp_path / "disposal", plan).changed and path.read_bytes() == data


def test_the_rows_are_canonical_json(fleet: dict[str, t.Any]) -> None:
    fleet["rec1"]["drained"]["media"][0]["limits"] = ["caf\udce9 \u202e <b>"]
    plan = plan_of(register_of(*MEDIA), fleet)
    for line in rows_bytes(plan.rows["rec1"]).splitlines():
        assert canonical(json.loads(line)) == line


def test_hosts_can_read_what_was_planned(fleet: dict[str, t.Any]) -> None:
    plan = plan_of(register_of(*MEDIA), fleet)
    for host, rows in plan.rows.items():
        planned = planned_media(rows_bytes(rows).decode(), plan.manifest["hosts"][host]["plan"]["digest"])
        assert [medium.serial for medium in planned] == [row["serial"] for row in rows if row["steps"]]
        assert all(filesystem["stacked"] is False for medium in planned for filesystem in medium.filesystems)
