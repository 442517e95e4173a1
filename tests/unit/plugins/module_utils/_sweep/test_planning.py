# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning refuses, and what it keeps because it does not know; nothing on the host changes by it."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import shutil
import sqlite3
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.module_utils._retention.rows import PlanFile
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import inputs as inputs_module
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.planning import make_plan
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


def refusal(world: World, kind: type[DisposalError] = RefusedError) -> DisposalError:
    """The refusal of planning; asserts that nothing was changed and no plan is left."""
    before = fingerprint(world.path)
    for check in (True, False):
        with pytest.raises(kind) as caught:
            world.plan(check=check)
        if check:
            assert fingerprint(world.path) == before
    after = fingerprint(world.path)
    assert {name: facts for name, facts in after.items() if name.split("/")[0] != "state"} == {
        name: facts for name, facts in before.items() if name.split("/")[0] != "state"
    }
    assert not list(world.state.rglob("*plan*jsonl")) and not list(world.state.rglob("*.tmp"))
    return caught.value


def planned(world: World) -> dict[str, t.Any]:
    """The plan's result; asserts that check mode tells the same and writes nothing, and that the recordings stay as they are."""
    before, roots = fingerprint(world.path), fingerprint(world.root)
    told = world.plan(check=True)
    assert fingerprint(world.path) == before
    result = world.plan()
    assert fingerprint(world.root) == roots
    assert result["plan"] == told["plan"]
    assert len(json.dumps(result)) < 65536
    return result


def kept(world: World, reason: str) -> None:
    """Nothing is due, and the reason stands in the result."""
    result = planned(world)
    assert result["verdicts"]["due"]["sets"] == 0
    assert reason in "\n".join(result["reasons"].get("unclassified", ())), result["reasons"]


class TestPolicy:
    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("keep", 0, "classes[0].keep: 0 is not an ISO 8601 period"),
            ("keep", "0", "classes[0].keep: '0' is not an ISO 8601 period"),
            ("keep", "P0D", "classes[0].keep: 'P0D' is a period of nothing"),
            ("keep", "P0Y0M0DT0S", "is a period of nothing"),
            ("keep", "", "classes[0].keep: '' is not an ISO 8601 period"),
            ("keep", None, "classes[0].keep: nothing is given: the key is blank"),
            ("keep", "P-5Y", "is not an ISO 8601 period"),
            ("keep", "P5", "is not an ISO 8601 period"),
            ("keep", "5Y", "is not an ISO 8601 period"),
            ("keep", "P5Y ", "is not an ISO 8601 period"),
            ("keep", "P5YT", "is not an ISO 8601 period"),
            ("keep", "P1.5Y", "is not an ISO 8601 period"),
            ("destroy_within", 0, "classes[0].destroy_within: 0"),
            ("destroy_within", None, "the key is blank"),
            ("matches", {"did": "1"}, "classes[0].matches: the dict there is under an unknown key; allowed are"),
            ("match", {"dod": ["1"]}, "classes[0].match.dod: ['1'] is under an unknown field; allowed are age_days"),
            ("match", {"did": []}, "classes[0].match.did: [] has fewer than 1 elements"),
            (
                "match",
                {"did": {"like": "4"}},
                "classes[0].match.did.like: the str there is under an unknown key; allowed are in, not_in, prefix",
            ),
            ("match", {"did": None}, "classes[0].match.did: nothing is not a list"),
            ("match", {"agent": 666}, "classes[0].match.agent: 666"),
            ("match", {"source": ["pbx", "pcx"]}, "the class calls names the source 'pcx', which is not known; allowed are pbx"),
            ("match", {"source": {"in": ["PBX"]}}, "the class calls names the source 'PBX', which is not known"),
            ("match", None, "classes[0].match: nothing is given: the key is blank"),
            ("match", {"duration": {"min": "5"}}, "classes[0].match.duration.min: '5' is not a whole number"),
            ("where", "metadata.product = 'x'", "classes[0].where: \"metadata.product = 'x'\" is not a JMESPath expression"),
            ("where", "", "classes[0].where: '' is not a text"),
            ("start", {"event": "call_start"}, "classes[0].start.event: 'call_start' is not known; allowed are recording_start, call_end"),
            ("start", {"event": "call_end", "round": "next_week_start"}, "classes[0].start.round: 'next_week_start' is not known"),
            ("disposal", {"technique": "overwrite", "level": "purge"}, "is out of reach of overwrite"),
            (
                "disposal",
                {"technique": "delete", "level": "clear"},
                "disposal.technique: 'delete' is not known; allowed are crypto_erase, overwrite",
            ),
            ("disposal", {"technique": "overwrite", "scheme": "one", "level": "clear"}, "disposal.scheme: 'one' is not known"),
            ("disposal", {"technique": "overwrite", "level": "clear", "quarantine": "P0D"}, "is a period of nothing"),
            ("legal_basis", " ", "classes[0].legal_basis: ' ' is not a text"),
            ("name", "Calls!", "classes[0].name: 'Calls!' is not a name of small letters"),
            ("limits", {"sets": 1}, "classes[0].limits.sets: the int there is under an unknown key; allowed are share"),
        ],
    )
    def test_a_fault_in_a_class(self, world: World, key: str, value: t.Any, words: str) -> None:
        world.record(days=200)
        world.policy["classes"][0][key] = value
        error = refusal(world, PolicyError)
        assert error.message.startswith("the policy is not valid, nothing was done: ")
        assert words in "\n".join(error.details["problems"])

    @pytest.mark.parametrize("key", ["name", "start", "keep", "destroy_within", "legal_basis", "disposal"])
    def test_a_missing_key_of_a_class_has_no_default(self, world: World, key: str) -> None:
        world.record(days=200)
        del world.policy["classes"][0][key]
        assert refusal(world, PolicyError).details["problems"] == [f"classes[0]: the key {key} is missing; it has no default"]

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("time_zone", "Europe/Cracow", "time_zone: 'Europe/Cracow' is refused: the time zone 'Europe/Cracow' is not known"),
            ("time_zone", "../../etc/passwd", "time_zone: '../../etc/passwd' is refused"),
            ("review_by", "2027-02-29", "review_by: '2027-02-29' is not a date such as 2027-05-31"),
            ("identifiers", "none", "identifiers: 'none' is not known; allowed are hmac, plain"),
            ("classes", [], "classes: [] has fewer than 1 elements"),
            ("sources", {}, "sources: {} is not a list"),
            ("limits", {"share": 10}, "limits.share: 10 is not a share such as 10%"),
            ("limits", {"share": "0%"}, "limits.share: '0%' is not a share"),
            ("limits", {"share": "100.1%"}, "limits.share: '100.1%' is not a share"),
            ("limits", {"sets": 0}, "limits.sets: 0 is not a whole number from 1 up"),
            ("limits", {"sets": True}, "limits.sets: True is not a whole number"),
            ("limits", {"bytes": "2 lots"}, "limits.bytes: '2 lots' is not a size"),
            ("limits", {"clock_skew": "P1M"}, "limits.clock_skew: 'P1M' is not a period of days"),
            ("limits", {"clock_skew": None}, "the key is blank"),
            ("floors", [{"keep_at_least": "P0D", "legal_basis": "x"}], "floors[0].keep_at_least: 'P0D' is a period of nothing"),
            (
                "floors",
                [{"match": {"source": ["pbx1"]}, "keep_at_least": "P5Y", "legal_basis": "x"}],
                "names the source 'pbx1', which is not known; allowed are pbx",
            ),
            ("floors", [{"match": {"did": ["1"]}, "legal_basis": "x"}], "floors[0]: the key keep_at_least is missing"),
            ("retain", {}, "retain: the dict there is under an unknown key"),
        ],
    )
    def test_a_fault_above_the_classes(self, world: World, key: str, value: t.Any, words: str) -> None:
        world.record(days=200)
        world.policy[key] = value
        assert words in "\n".join(refusal(world, PolicyError).details["problems"])

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("roots", ["/"], "sources[0].roots[0]: '/' is not an absolute path other than /"),
            ("roots", ["var/spool"], "is not an absolute path"),
            ("roots", ["/var/spool/../lib"], "is not in its simplest form"),
            ("roots", ["/var//spool"], "is not in its simplest form"),
            ("roots", ["/var/spool/"], "without a slash at its end"),
            ("roots", [], "has fewer than 1 elements"),
            ("layout", "asterisk", "sources[0].layout: 'asterisk' is not known; allowed are custom, freepbx"),
            ("layout", "custom", "has layout: custom, but no key custom"),
            ("custom", {"pattern": "x", "members": {}}, "does not go with layout: freepbx"),
            ("sentinel", {"min_sets": -1}, "sentinel.min_sets: -1 is not a whole number"),
            ("sentinel", {"marker": "a/b"}, "sentinel.marker: 'a/b' is not a file name"),
            ("metadata", [{"sidecar": "../{stem}.json"}], "is not a file name; a sidecar lies in the directory of its recording"),
            ("metadata", [{"csv": "agents.csv", "key": "src"}], "is not an absolute path"),
            ("metadata", [{"csv": "/a.csv"}], "has no key"),
            ("metadata", [{"csv": "/a.csv", "sidecar": "b"}], "names none or several of sidecar, csv and sqlite"),
            ("metadata", [{"sqlite": "/a.db", "key": "src"}], "has no table"),
            ("metadata", [{"sidecar": "a", "fields": {"color": "x"}}], "fields.color: 'x' fills no field"),
        ],
    )
    def test_a_fault_in_a_source(self, world: World, key: str, value: t.Any, words: str) -> None:
        world.record(days=200)
        world.policy["sources"][0][key] = value
        assert words in "\n".join(refusal(world, PolicyError).details["problems"])

    def test_all_faults_are_told_at_once_and_few_in_the_sentence(self, world: World) -> None:
        world.record(days=200)
        world.policy["classes"] = [{**copy.deepcopy(world.policy["classes"][0]), "keep": 0, "name": f"c{number}"} for number in range(60)]
        error = refusal(world, PolicyError)
        assert len(error.details["problems"]) == 50
        assert error.message.endswith("(and 57 more)") and len(error.message) < 1000

    def test_names_that_stand_twice_and_roots_in_each_other(self, world: World) -> None:
        world.policy["classes"] *= 2
        inner = {**world.policy["sources"][0], "name": "inner", "roots": [f"{world.root}/2024"]}
        world.policy["sources"].append(inner)
        problems = refusal(world, PolicyError).details["problems"]
        assert problems == [
            "classes: the name 'calls' stands twice; each needs its own",
            f"sources: the roots {world.root} and {world.root}/2024 lie in each other; each recording needs one source",
        ]

    @pytest.mark.parametrize("document", [None, [], "policy", {"disposal_policy": None}])
    def test_no_policy_at_all(self, world: World, document: t.Any) -> None:
        world.policy = document
        assert "is not a mapping" in refusal(world, PolicyError).message


class TestRoots:
    def test_missing(self, world: World) -> None:
        world.root.rmdir()
        assert refusal(world).message == (
            f"the root {world.root} cannot be opened (No such file or directory); mount it, or take it out of the policy's sources"
        )

    def test_empty(self, world: World) -> None:
        assert f"the root {world.root} of source pbx holds 0 recording sets, fewer than min_sets 1" in refusal(world).message

    def test_fewer_sets_than_the_sentinel_asks_for(self, world: World) -> None:
        world.record(days=200)
        world.policy["sources"][0]["sentinel"] = {"min_sets": 2}
        assert "holds 1 recording sets, fewer than min_sets 2" in refusal(world).message

    def test_a_marker_is_no_recording(self, world: World) -> None:
        (world.root / ".recordings-root").write_text("")
        world.policy["sources"][0]["sentinel"] = {"marker": ".recordings-root"}
        assert "holds 0 recording sets" in refusal(world).message

    def test_without_its_marker(self, world: World) -> None:
        world.record(days=200)
        world.policy["sources"][0]["sentinel"] = {"marker": ".recordings-root"}
        assert f"the root {world.root} of source pbx has no marker file .recordings-root" in refusal(world).message

    def test_not_a_mount_point(self, world: World) -> None:
        world.record(days=200)
        world.policy["sources"][0]["sentinel"] = {"mounted": True}
        assert f"the root {world.root} of source pbx is not mounted" in refusal(world).message

    @pytest.mark.parametrize("part", ["monitor", "monitor/2024"])
    def test_a_symbolic_link(self, world: World, part: str) -> None:
        world.record(days=200)
        (world.root / "2024").mkdir(exist_ok=True)
        link = world.path / "link"
        link.symlink_to(world.root)
        world.policy["sources"][0]["roots"] = [str(world.path / part.replace("monitor", "link"))]
        assert "is or lies behind a symbolic link" in refusal(world).message

    def test_a_file(self, world: World) -> None:
        (world.path / "file").write_text("x")
        world.policy["sources"][0]["roots"] = [str(world.path / "file")]
        assert "cannot be opened (Not a directory)" in refusal(world).message

    def test_one_of_two(self, world: World) -> None:
        """What is missing on one root stops the plan of all."""
        world.record(days=200)
        world.policy["sources"][0]["roots"].append(str(world.path / "gone"))
        assert "gone cannot be opened" in refusal(world).message

    def test_links_and_special_files_below_are_passed_over(self, world: World) -> None:
        world.record(days=200)
        outside = world.path / "outside"
        outside.mkdir()
        (outside / "in-1-2-20200101-101010-1.1.wav").write_text("x")
        (world.root / "link").symlink_to(outside)
        (world.root / "in-1-2-20200101-101010-1.1.wav").symlink_to(outside / "in-1-2-20200101-101010-1.1.wav")
        os.mkfifo(world.root / "in-1-2-20200101-101010-1.2.wav")
        result = planned(world)
        assert result["totals"]["sets"] == 1
        assert result["sources"][0]["passed_over"] == {"symlink": 2, "not_regular": 1}

    def test_an_unknown_source_for_this_host(self, world: World) -> None:
        with pytest.raises(RefusedError, match="sources names dialler; the policy test has the sources pbx"):
            inputs_module._with_sources(load_policy(world.policy), ["pbx", "dialler"])
        with pytest.raises(RefusedError, match="sources names nothing"):
            inputs_module._with_sources(load_policy(world.policy), [])


class TestSidecars:
    def put(self, world: World, data: bytes) -> pathlib.Path:
        note = world.record(days=200).with_suffix(".json")
        note.write_bytes(data)
        os.utime(note, (time.time() - 86400, time.time() - 86400))
        return note

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "sidecar is not JSON"),
            (b'{"duration": 3', "sidecar is not JSON"),
            (b'{"duration": NaN}', "sidecar is not JSON"),
            (b"[" * 100000, "sidecar is not JSON"),
            (b"\xff\xfe\xfa", "sidecar is not JSON"),
            (b"[1]", "sidecar is not a JSON object"),
            (b'"x"', "sidecar is not a JSON object"),
            (b'{"src": "1", "src": "2"}', "sidecar says something twice"),
            (b'{"duration": "long"}', "the field duration does not hold a number"),
            (b'{"duration": -5}', "the field duration does not hold a length of time"),
            (b'{"duration": 1e999}', "the field duration does not hold a length of time"),
            (b'{"duration": 1' + b"0" * 400 + b"}", "the field duration does not hold a number"),
            (b'{"duration": 1e200}', "date: is a date after the year 9999"),
            (b'{"src": ["+48600100200"]}', "the field src holds list, not a text or number"),
            (b'{"src": true}', "the field src holds bool"),
            (b'{"x": "' + b"x" * (1 << 20) + b'"}', "sidecar is larger than 1 MiB"),
        ],
    )
    def test_broken(self, world: World, data: bytes, reason: str) -> None:
        self.put(world, data)
        kept(world, reason)

    def test_a_gibibyte(self, world: World) -> None:
        note = self.put(world, b"{")
        with open(note, "r+b") as handle:
            handle.truncate(1 << 30)
        os.utime(note, (time.time() - 86400, time.time() - 86400))
        result = world.plan()
        assert result["reasons"]["unclassified"] == {"sidecar is larger than 1 MiB": 1}

    def test_a_fifo(self, world: World) -> None:
        note = self.put(world, b"")
        note.unlink()
        os.mkfifo(note)
        result = world.plan()
        assert result["reasons"]["unclassified"] == {"sidecar is not a regular file": 1}

    def test_a_symbolic_link(self, world: World) -> None:
        note = self.put(world, b"")
        note.unlink()
        (world.path / "real.json").write_text("{}")
        note.symlink_to(world.path / "real.json")
        kept(world, "sidecar cannot be opened (Too many levels of symbolic links)")

    def test_missing_where_it_is_required(self, world: World) -> None:
        self.put(world, b"").unlink()
        world.policy["sources"][0]["metadata"][0]["required"] = True
        kept(world, "sidecar is missing")

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            ('"yesterday"', "date: is not a date"),
            ('"0000-00-00 00:00:00"', "date: is not a date"),
            ('"2024-02-30"', "date: is not a date"),
            ("0", "date: is a date that stands for none"),
            ('"1970-01-01T00:00:00Z"', "date: is a date that stands for none"),
            ('"0001-01-01T00:00:00"', "date: is a date that stands for none"),
            ("1700000000000", "date: is a date after the year 9999; write seconds since 1970, not milliseconds"),
            ("99999999999999999999999999", "date: is a date after the year 9999"),
            ("[2024]", "date: is not a date"),
            ("true", "date: is not a date"),
            ("1700000000.5", "date: is not a date"),
            ('"2095-01-01"', "starts in the future"),
        ],
    )
    def test_a_date_that_is_none(self, world: World, start: str, reason: str) -> None:
        self.put(world, b'{"at": %s}' % start.encode())
        world.policy["sources"][0]["metadata"][0]["fields"] = {"start": "at"}
        kept(world, reason)

    @pytest.mark.parametrize("end", ["0", '"1970-01-01"', '"2001-05-05T10:00:00Z"', "315532800"])
    def test_an_end_before_the_start_is_no_end(self, world: World, end: str) -> None:
        self.put(world, b'{"at": %s}' % end.encode())
        world.policy["sources"][0]["metadata"][0]["fields"] = {"end": "at"}
        world.policy["classes"][0].update(start={"event": "call_end"}, keep="P1Y")
        result = planned(world)
        assert result["verdicts"]["unclassified"]["sets"] == 1 and result["verdicts"]["due"]["sets"] == 0

    @pytest.mark.parametrize("value", ["0", '"0001-01-01"', '"soon"', "null", '""', "{}"])
    def test_an_event_in_the_metadata_that_is_no_date(self, world: World, value: str) -> None:
        self.put(world, b'{"closed": %s}' % value.encode())
        world.policy["classes"][0]["start"] = {"event": "metadata.closed"}
        result = planned(world)
        assert result["verdicts"]["unclassified"]["sets"] == 1

    def test_a_date_without_time_of_day_counts_as_the_end_of_that_day(self, world: World) -> None:
        audio = world.record(days=200)
        audio.with_suffix(".json").write_text('{"closed": "2024-03-01"}')
        os.utime(audio.with_suffix(".json"), (1, 1))
        world.policy["classes"][0]["start"] = {"event": "metadata.closed"}
        world.policy["classes"][0]["keep"] = "P1D"
        result = planned(world)
        assert result["samples"]["due"][0]["keep_until"] == "2024-03-02T22:59:59Z"


class TestTables:
    def csv(self, world: World, data: bytes) -> None:
        (world.path / "agents.csv").write_bytes(data)
        world.policy["sources"][0]["metadata"] = [{"csv": str(world.path / "agents.csv"), "key": "src"}]

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "has no column src"),
            (b"name,team\nx,y\n", "has no column src"),
            (b"src,team\n1,a\n2\n", "line 3 has not the columns of its header"),
            (b"src,team\n1,a,b\n", "line 2 has not the columns of its header"),
            (b"src,team\n+48600100200,a\n+48600100200,b\n", "csv has several rows for one src"),
            (b"src,team,team\n+48600100200,a,b\n", "has two columns of one name"),
            (b'src,team\n"1,a\n', "cannot be read (unexpected end of data)"),
            (b"src,team\n1,\xf3\n", "cannot be read ('utf-8' codec can't decode"),
            (b"src,team\n1," + b"x" * 200000 + b"\n", "cannot be read (field larger than field limit"),
        ],
    )
    def test_a_broken_csv_file_covers_every_set(self, world: World, data: bytes, reason: str) -> None:
        world.record(days=200)
        world.record(days=300)
        self.csv(world, data)
        kept(world, reason)
        assert planned(world)["verdicts"]["unclassified"]["sets"] == 2

    @pytest.mark.parametrize("kind", ["gone", "fifo", "directory"])
    def test_what_is_no_csv_file(self, world: World, kind: str) -> None:
        world.record(days=200)
        self.csv(world, b"")
        path = world.path / "agents.csv"
        path.unlink()
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "directory":
            path.mkdir()
        result = world.plan()
        (reason,) = result["reasons"]["unclassified"]
        assert reason == f"csv {path} " + ("cannot be read (No such file or directory)" if kind == "gone" else "is not a regular file")

    def test_a_blank_does_not_override(self, world: World) -> None:
        world.record(days=200, product="orders")
        self.csv(world, b"src,product\n+48600100200,\n")
        world.policy["sources"][0]["metadata"].insert(0, {"sidecar": "{stem}.json"})
        long = {**world.policy["classes"][0], "name": "orders", "keep": "P5Y", "where": "metadata.product == 'orders'"}
        world.policy["classes"].append(long)
        assert planned(world)["verdicts"]["retained"]["sets"] == 1

    def test_a_blank_alone_is_not_known(self, world: World) -> None:
        world.record(days=200)
        self.csv(world, b"src,product\n+48600100200,\n")
        long = {**world.policy["classes"][0], "name": "orders", "keep": "P5Y", "where": "metadata.product == 'orders'"}
        world.policy["classes"].append(long)
        kept(world, "class:orders: where: product is not known")

    def database(self, world: World) -> sqlite3.Connection:
        path = world.path / "cdr.db"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE cdr (uniqueid TEXT, src TEXT, product TEXT)")
        connection.execute("INSERT INTO cdr VALUES ('1', '+48600100200', 'orders')")
        connection.commit()
        world.policy["sources"][0]["metadata"] = [{"sqlite": str(path), "table": "cdr", "key": "src"}]
        return connection

    def test_a_database_is_read(self, world: World) -> None:
        world.record(days=200)
        self.database(world).close()
        world.policy["classes"][0]["where"] = "metadata.product == 'orders'"
        assert planned(world)["verdicts"]["due"]["sets"] == 1

    def test_a_database_in_wal_mode_is_read_and_left_as_it_is(self, world: World) -> None:
        world.record(days=200)
        connection = self.database(world)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("INSERT INTO cdr VALUES ('2', '+48600100201', 'other')")
        connection.commit()
        told = world.plan(check=True)
        assert told["verdicts"]["due"]["sets"] == 1
        assert sorted(path.name for path in world.path.glob("cdr.db*")) == ["cdr.db", "cdr.db-shm", "cdr.db-wal"]
        connection.close()
        assert planned(world)["verdicts"]["due"]["sets"] == 1
        assert sorted(path.name for path in world.path.glob("cdr.db*")) == ["cdr.db"]

    def test_a_database_in_wal_mode_that_was_never_closed(self, world: World) -> None:
        world.record(days=200)
        self.database(world).execute("PRAGMA journal_mode=WAL").close()
        (world.path / "cdr.db-wal").write_bytes(b"")
        kept(world, "was not closed; start what writes it")

    def test_a_locked_database(self, world: World) -> None:
        world.record(days=200)
        connection = self.database(world)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            result = world.plan()
        finally:
            connection.rollback()
            connection.close()
        assert result["reasons"]["unclassified"] == {f"sqlite {world.path}/cdr.db cannot be read (database is locked)": 1}

    def test_a_database_that_is_gone_or_broken(self, world: World) -> None:
        world.record(days=200)
        self.database(world).close()
        (world.path / "cdr.db").unlink()
        kept(world, "cannot be opened (No such file or directory)")
        assert not (world.path / "cdr.db").exists()
        (world.path / "cdr.db").write_bytes(b"not a database at all" * 100)
        kept(world, "cannot be read (file is not a database)")

    def test_text_that_is_not_utf8_is_not_quoted(self, world: World) -> None:
        world.record(days=200)
        connection = self.database(world)
        connection.execute("INSERT INTO cdr VALUES ('3', '1', CAST(? AS TEXT))", (b"Kowalski J\xf3zef",))
        connection.commit()
        connection.close()
        kept(world, "cannot be read (it holds text that is not UTF-8)")
        assert "Kowalski" not in json.dumps(planned(world))

    @pytest.mark.parametrize(("key", "value"), [("table", "calls"), ("column", "number")])
    def test_a_missing_table_or_column(self, world: World, key: str, value: str) -> None:
        world.record(days=200)
        self.database(world).close()
        world.policy["sources"][0]["metadata"][0][key] = value
        kept(world, "has no table")

    def test_a_name_that_is_not_utf8_is_kept(self, world: World) -> None:
        audio = world.record(days=200)
        os.rename(audio, os.fsencode(audio.parent) + b"/in-1-Z\xf3-20240101-101010-1.1.wav")
        self.database(world).close()
        world.policy["sources"][0]["metadata"][0].update(key="src")
        kept(world, "sqlite cannot be asked for a src that is not UTF-8")


class TestShapes:
    def test_ten_thousand_files_in_one_directory(self, world: World) -> None:
        directory = world.root / "2020"
        directory.mkdir()
        for number in range(10000):
            (directory / f"in-100-200-20200101-101010-{number}.{number}.wav").touch()
            os.utime(directory / f"in-100-200-20200101-101010-{number}.{number}.wav", (1577836800, 1577836800))
        result = planned(world)
        assert result["verdicts"]["due"] == {"sets": 10000, "files": 10000, "bytes": 0}
        assert result["plan"]["rows"] == 10000
        shutil.rmtree(directory)

    def test_one_file_in_each_of_ten_thousand_directories(self, world: World) -> None:
        """Far more directories than processes are given parts, and the plan does not tell how many processes made it."""
        for number in range(10000):
            directory = world.root / f"{number:06d}"
            directory.mkdir()
            (directory / "in-100-200-20200101-101010-1.1.wav").touch()
            os.utime(directory / "in-100-200-20200101-101010-1.1.wav", (1577836800, 1577836800))
        world.policy["sources"][0]["metadata"] = []
        one, two = (make_plan(world.params(on_limit="fail", workers=workers), Executor(), check_mode=False) for workers in (1, 2))
        assert one["verdicts"]["due"]["sets"] == 10000
        assert two["plan"] == one["plan"]
        shutil.rmtree(world.root)

    def test_hard_links_are_kept(self, world: World) -> None:
        audio = world.record(days=200)
        os.link(audio, world.path / "elsewhere.wav")
        kept(world, "a member has several hard links")

    def test_several_recordings_of_all_kinds_of_names(self, world: World) -> None:
        directory = world.root / "2020"
        directory.mkdir()
        names = [
            b"in-a [b] (c)-200-20200101-101010-1.1.wav",
            b"in-a\nb-200-20200101-101010-1.2.wav",
            b"in-Za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87-200-20200101-101010-1.3.wav",
            b"in-Za\xbf\xf3-200-20200101-101010-1.4.wav",
            b'in-"q"\\\t\x01-200-20200101-101010-1.5.wav',
        ]
        for name in names:
            path = os.fsencode(directory) + b"/" + name
            with open(path, "wb"):
                pass
            os.utime(path, (1577836800, 1577836800))
        for kind in ("hmac", "plain"):
            world.policy["identifiers"] = kind
            result = planned(world)
            assert result["verdicts"]["due"]["sets"] == len(names)
            plan = PlanFile(result["plan"]["path"], result["plan"]["digest"])
            found = {os.fsencode(member.path) for row in plan.due() for member in row.members}
            plan.close()
            assert found == {b"2020/" + name for name in names}


class TestClockAndLimits:
    def test_a_clock_one_year_ahead_of_the_controller(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.record(days=200)
        real = time.time()
        params = world.params
        monkeypatch.setattr(World, "params", lambda self, **more: {**params(**more), "controller_time": int(real)})
        monkeypatch.setattr(time, "time", lambda: real + 365 * 86400)
        assert "31536000 seconds apart, more than the limit clock_skew of 120; set the clocks" in refusal(world).message

    @pytest.mark.parametrize("stray", [False, True])
    def test_both_clocks_one_year_ahead(self, world: World, monkeypatch: pytest.MonkeyPatch, stray: bool) -> None:
        """The recordings bear witness; a single file from the future does not outweigh them."""
        world.record(days=1)
        if stray:
            audio = world.record(days=2, number=2)
            os.utime(audio, (4102444800, 4102444800))
        world.policy["limits"] = {"share": "100%"}
        real = time.time()
        monkeypatch.setattr(time, "time", lambda: real + 365 * 86400)
        message = refusal(world).message
        assert "the newest recording of source pbx is of" in message and "check the clock" in message

    def test_a_due_rate_that_jumps(self, world: World) -> None:
        for number in range(11):
            world.record(days=200 + number, number=number)
        world.state.mkdir(mode=0o700)
        history = [{"due": due, "left": 0, "run": str(number)} for number, due in enumerate((2, 1, 2))]
        (world.state / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
        assert "11 sets are due, but the last runs had 2 at most: more than 5 times as many" in refusal(world).message
        world.policy["limits"]["due_rate"] = 6
        assert planned(world)["blocked"] == []

    def test_a_spoilt_history(self, world: World) -> None:
        world.record(days=200)
        world.state.mkdir(mode=0o700)
        (world.state / "history.jsonl").write_text("{}\n")
        assert "history of runs" in refusal(world, EvidenceError).message

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            ({"share": "33%"}, "1 of 3 sets of class:calls are due, 33.3%, more than the limit share 33%"),
            ({"share": "100%", "sets": 1}, ""),
            ({"share": "100%", "bytes": "1KB"}, "are due, more than the limit bytes 1000 B"),
            ({}, "more than the limit share 10%"),
        ],
    )
    def test_limits(self, world: World, limits: dict[str, t.Any], words: str) -> None:
        for days in (200, 10, 20):
            world.record(days=days)
        world.policy["limits"] = limits
        if words:
            error = refusal(world)
            assert words in error.message and error.message.startswith("the plan is beyond a limit, so there is none")
            assert error.details["verdicts"]["due"]["sets"] == 1
            assert world.plan(on_limit="report")["blocked"]
        else:
            assert planned(world)["blocked"] == []

    def test_a_short_key(self, world: World) -> None:
        world.record(days=200)
        params = world.params
        world.params = lambda **more: {**params(**more), "identifiers_key": "k" * 31}  # type: ignore[method-assign]
        assert "no key of at least 32 characters was given" in refusal(world).message


class TestConflictsAndHolds:
    def test_two_classes_in_conflict(self, world: World) -> None:
        world.record(days=200)
        other = copy.deepcopy(world.policy["classes"][0])
        other.update(name="other", disposal={"technique": "overwrite", "scheme": "random", "level": "clear"})
        world.policy["classes"].append(other)
        result = planned(world)
        assert result["verdicts"]["conflict"]["sets"] == 1 and result["verdicts"]["due"]["sets"] == 0
        assert result["reasons"]["conflict"] == {"class:calls and class:other ask for different methods": 1}

    @pytest.mark.parametrize(
        ("hold", "words"),
        [
            ({"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "mach": {}}, "is under an unknown key"),
            ({"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a"}, "names no recordings"),
            ({"id": "H/1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {}}, "is not an id of letters"),
            ({"id": "H-1", "reason": "x", "placed": "long ago", "placed_by": "a", "match": {}}, "is not a date"),
            (
                {"id": "H", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {}, "released": "2026-01-02"},
                "is released by nobody",
            ),
            (
                {
                    "id": "H",
                    "reason": "x",
                    "placed": "2026-01-01",
                    "placed_by": "a",
                    "match": {},
                    "released": "2026-01-02",
                    "released_by": "b",
                    "cooling": "P9999Y",
                },
                "the period ends after the year 9999",
            ),
            (
                {
                    "id": "H",
                    "reason": "x",
                    "placed": "2026-03-02",
                    "placed_by": "a",
                    "match": {},
                    "released": "2026-03-01",
                    "released_by": "b",
                },
                "released: the str there is before placed, so nobody can tell until when the hold stands; correct the date that is wrong",
            ),
            (None, "is not a mapping"),
        ],
    )
    def test_a_hold_that_cannot_be_read_stops_the_plan(self, world: World, hold: t.Any, words: str) -> None:
        world.record(days=200)
        world.holds = [hold]
        error = refusal(world, PolicyError)
        assert error.message.startswith("the hold ") and words in error.message

    @pytest.mark.parametrize(
        ("placed", "released"),
        [
            ("2026-03-02", "2026-03-02"),
            ("2026-03-02T10:00:00Z", "2026-03-02"),
            ("2026-03-02T23:30:00+01:00", "2026-03-02T22:30:00Z"),
            ("2026-03-02", "2026-03-03"),
        ],
    )
    def test_a_hold_may_be_released_on_its_day(self, world: World, placed: str, released: str) -> None:
        world.record(days=200)
        hold = {"id": "H-1", "reason": "x", "placed": placed, "placed_by": "a", "match": {}, "released_by": "b"}
        world.holds = [{**hold, "released": released, "cooling": "P9000D"}]
        assert planned(world)["holds"]["active"] == 1

    def test_a_hold_that_names_an_unknown_source_is_told_and_stands(self, world: World) -> None:
        """Told against the policy's sources, not against those of this host."""
        world.record(days=200)
        other = {**world.policy["sources"][0], "name": "other", "roots": ["/srv/other"]}
        world.policy["sources"].append(other)
        hold = {"reason": "x", "placed": "2026-01-01", "placed_by": "a"}
        world.holds = [
            {**hold, "id": "H-1", "match": {"source": ["foo", "pbx"], "src": ["+48600100200"]}},
            {**hold, "id": "H-2", "match": {"source": "other"}},
            {**hold, "id": "H-3", "match": {"source": {"in": ["bar", "foo"]}}},
            {**hold, "id": "H-4", "match": {"source": {"not_in": ["pbx"]}}},
            {**hold, "id": "H-5", "match": {"did": ["foo"]}},
        ]
        world.requests = [{"id": "ER-7", "received": "2026-11-01", "match": {"source": "baz", "src": ["+48600100200"]}}]
        result = make_plan(world.params(on_limit="fail", sources=["pbx"]), Executor(), check_mode=False)
        told = [warning for warning in result["warnings"] if "names the source" in warning]
        has = "which the policy does not have (it has: pbx, other); correct it, or"
        assert told == [
            f"the hold H-1 names the source 'foo', {has} it holds nothing there",
            f"the hold H-3 names the sources 'bar', 'foo', {has} it holds nothing there",
            f"the erasure request ER-7 names the source 'baz', {has} nothing there is erased for it",
        ]
        assert "+48600100200" not in str(result)
        assert result["holds"]["active"] == 5 and result["verdicts"]["held"]["sets"] == 1

    def test_many_unknown_sources_stay_few_words(self, world: World) -> None:
        world.record(days=200)
        hold = {"reason": "x", "placed": "2026-01-01", "placed_by": "a"}
        world.holds = [
            {**hold, "id": f"H-{number}", "match": {"source": [f"s{number}.{each}" for each in range(99)]}} for number in range(5000)
        ]
        told = [warning for warning in planned(world)["warnings"] if "policy does not have" in warning]
        assert len(told) == 11 and told[-1] == "4990 more such documents name sources that the policy does not have"
        assert len(" ".join(told)) < 8000

    def test_a_spoilt_hold_on_the_host_stops_the_plan(self, world: World) -> None:
        world.record(days=200)
        (world.state / "holds").mkdir(parents=True)
        world.state.chmod(0o700)
        (world.state / "holds" / "H-1.json").write_text('{"id": "H-1", ')
        assert "a hold must not be taken for none" in refusal(world).message

    def test_a_state_directory_that_is_open_to_others_or_a_link(self, world: World) -> None:
        world.record(days=200)
        world.state.mkdir()
        world.state.chmod(0o755)
        assert "is open to others" in refusal(world).message
        world.state.rmdir()
        (world.path / "real").mkdir(mode=0o700)
        world.state.symlink_to(world.path / "real")
        assert "is a symbolic link" in refusal(world).message

    def test_the_same_tree_gives_the_same_plan(self, world: World) -> None:
        for number in range(30):
            world.record(days=200 + number, number=number)
        first, second = planned(world), planned(world)
        assert first["plan"]["digest"] == second["plan"]["digest"]
        assert (first["changed"], second["changed"]) == (True, False)

    def test_an_edited_plan_is_refused(self, world: World) -> None:
        world.record(days=200)
        result = planned(world)
        path = pathlib.Path(result["plan"]["path"])
        data = path.read_bytes()
        for edited in (data.replace(b'"due"', b'"duE"'), data + b"\n", data[:-1], b""):
            path.write_bytes(edited)
            with pytest.raises(EvidenceError, match="is not the one that was approved"):
                PlanFile(str(path), result["plan"]["digest"])
        path.unlink()
        with pytest.raises(EvidenceError, match="cannot be read"):
            PlanFile(str(path), result["plan"]["digest"])


class TestSimulated:
    """A plan as of another date, which nobody can carry out."""

    def simulate(self, world: World, date: str) -> dict[str, t.Any]:
        return make_plan(world.params(on_limit="report", as_of=date), Executor(), check_mode=False)

    def test_a_date_that_is_none(self, world: World) -> None:
        world.record(days=10)
        before = fingerprint(world.path)
        for date in ("tomorrow", "2027-02-30", "", "1970-01-01"):
            with pytest.raises(RefusedError, match="as_of: .*; nothing was looked at"):
                self.simulate(world, date)
        assert fingerprint(world.path) == before

    def test_the_verdicts_are_as_of_then(self, world: World) -> None:
        world.record(days=10)
        released = {"released": time.strftime("%Y-%m-%d", time.localtime()), "released_by": "a", "cooling": "P30D"}
        world.holds = [
            {"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"src": ["+48600100299"]}, **released}
        ]
        world.record(days=10, number=1, src="+48600100299")
        now = planned(world)
        assert now["verdicts"]["due"]["sets"] == 0 and now["verdicts"]["held"]["sets"] == 1 and "simulated" not in now
        dates = [time.strftime("%Y-%m-%d", time.localtime(time.time() + days * 86400)) for days in (78, 81, -5)]
        early, late, past = (self.simulate(world, date) for date in dates)
        assert early["verdicts"]["due"]["sets"] == 0 and early["verdicts"]["retained"]["sets"] == 2
        assert late["verdicts"]["due"]["sets"] == 2 and late["simulated"] and late["as_of"][:10] == dates[1]
        assert past["verdicts"]["due"]["sets"] == 0

    def test_the_clock_is_witnessed_by_what_it_says_now(self, world: World) -> None:
        world.record(days=1)
        del world.policy["limits"]["clock_witness"]
        result = self.simulate(world, time.strftime("%Y-%m-%d", time.localtime(time.time() + 200 * 86400)))
        assert result["verdicts"]["due"]["sets"] == 1 and result["blocked"] == []

    def test_it_is_never_carried_out(self, world: World) -> None:
        audio = world.record(days=10)
        simulated = self.simulate(world, time.strftime("%Y-%m-%d", time.localtime(time.time() + 200 * 86400)))
        assert simulated["verdicts"]["due"]["sets"] == 1
        told = {key: value for key, value in simulated.items() if key != "simulated"}
        recordings = fingerprint(world.root)
        for part in (simulated, told):
            with pytest.raises(RefusedError, match="such a plan can never be carried out, whoever signed it; plan without as_of"):
                world.apply(world.manifest(part))
        assert fingerprint(world.root) == recordings and audio.exists()
        assert not (world.state / "runs").exists()
        assert planned(world)["plan"]["digest"] != simulated["plan"]["digest"]
