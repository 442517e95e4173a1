# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pathlib
import random
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import rfc3339
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.openfiles import OpenFiles, find_open_files
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.sets import Member, RecordingSet
from ansible_collections.recordings.disposal.plugins.module_utils._retention.fanout import fan_out
from ansible_collections.recordings.disposal.plugins.module_utils._retention.holds import load_holds
from ansible_collections.recordings.disposal.plugins.module_utils._retention.planner import Planner, aside_name, aside_since
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.module_utils._retention.rows import Identifiers, encode_row
from ansible_collections.recordings.disposal.plugins.module_utils._retention.tally import Tally
from ansible_collections.recordings.disposal.plugins.module_utils._retention.verdict import Decision, Rules

NOW = int(time.time())
OLD = NOW - 400 * 86400
ASIDE = ".recordings-disposal"


def document(root: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return {
        "id": "test",
        "version": "1",
        "owner": "o",
        "review_by": "2099-01-01",
        "time_zone": "Europe/Warsaw",
        "sources": [{"name": "pbx", "layout": "freepbx", "roots": [str(root)], "metadata": [{"sidecar": "{stem}.json"}]}],
        "classes": [
            {
                "name": "calls",
                "start": {"event": "recording_start"},
                "keep": "P90D",
                "destroy_within": "P30D",
                "legal_basis": "x",
                "disposal": {"technique": "overwrite", "level": "clear"},
                **more,
            }
        ],
    }


def name(number: int, moment: int = OLD) -> str:
    return f"in-100-200-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment))}-{moment}.{number}.wav"


def lay(root: pathlib.Path, *paths: str) -> None:
    for text in paths:
        path = root / text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
        os.utime(path, (OLD, OLD))


def plan(
    told: dict[str, t.Any], *, workers: int = 1, holds: t.Sequence[t.Any] = (), kind: str = "hmac", now: int = NOW
) -> tuple[bytes, Tally, dict[str, t.Any]]:
    policy = load_policy(told)
    rules = Rules(policy, load_holds(holds)[0], (), now=now)
    planner = Planner(rules, open_files=OpenFiles(frozenset(), True), identifiers=Identifiers(kind=kind, key="k" * 32), workers=workers)
    rows = bytearray()
    try:
        tally = planner.plan(rows.extend)
    finally:
        planner.close()
    return bytes(rows), tally, tally.result(policy)


class TestWorkers:
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_one_and_several_give_the_same_bytes_and_counts(self, tmp_path: pathlib.Path, depth: int) -> None:
        """Files lie on every level of the tree, and many more reasons than a result tells."""
        chance = random.Random(depth)
        number = 0
        for outer in range(12):
            for inner in range(12):
                for level, place in enumerate(("", f"{outer}", f"{outer}/{inner}", f"{outer}/{inner}/x")[: depth + 1]):
                    if level >= 2 or inner == 0:
                        number += 1
                        lay(tmp_path, f"{place}/{name(number, chance.choice([OLD, NOW - 50 * 86400]))}".lstrip("/"))
                lay(tmp_path, f"{outer}/{inner}/stray{outer}.doc")
                note = tmp_path / f"{outer}/{inner}" / (name(number)[:-4] + ".json")
                note.write_text(chance.choice(["{", "{}", "[]"]))
        holds = [
            {"id": f"H-{index}", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"queue": [str(index)], "dst": ["100"]}}
            for index in range(60)
        ]
        one = plan(document(tmp_path), workers=1, holds=holds)
        assert one[0].count(b"\n") > 60
        assert len(one[2]["reasons"]["held"]) == 26 and len(json.dumps(one[2])) < 65536
        for workers in (2, 3):
            found = plan(document(tmp_path), workers=workers, holds=holds)
            assert found[0] == one[0]
            assert found[2] == one[2]

    def test_a_table_is_not_carried_into_other_processes(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path / "root", *(f"{number}/{name(number)}" for number in range(70)))
        (tmp_path / "a.csv").write_text("src,product\n200,orders\n")
        told = document(tmp_path / "root", where="metadata.product == 'orders'")
        told["sources"][0]["metadata"] = [{"csv": str(tmp_path / "a.csv"), "key": "src"}]
        assert plan(told, workers=2)[:1] == plan(told, workers=1)[:1]
        assert plan(told, workers=2)[1].due[0] == 70

    def test_refusals_cross_processes(self) -> None:
        def work(unit: int, _write: t.Callable[[bytes], None]) -> int:
            if unit == 50:
                raise DisposalError("the sentence")
            return unit

        with pytest.raises(DisposalError, match="^the sentence$"):
            list(fan_out(list(range(100)), work, workers=2))

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("odd")])
    def test_an_error_of_the_system_becomes_a_sentence(self, error: OSError) -> None:
        def work(_unit: int, _write: t.Callable[[bytes], None]) -> int:
            raise error

        with pytest.raises(DisposalError, match="planning stopped: (No space left on device|odd); make room or repair it"):
            list(fan_out([1, 2], work, workers=2))

    @pytest.mark.parametrize("how", ["exit", "bug", "kill"])
    def test_a_worker_that_dies_is_no_plan(self, how: str, capfd: pytest.CaptureFixture[str]) -> None:
        def work(unit: int, write: t.Callable[[bytes], None]) -> int:
            write(b"row\n")
            if unit == 30:
                if how == "kill":
                    os.kill(os.getpid(), 9)
                elif how == "exit":
                    os._exit(3)
                raise KeyError("bug")
            return unit

        with pytest.raises(DisposalError, match="a planning process ended early, so nothing was planned"):
            list(fan_out(list(range(100)), work, workers=2))

    def test_rows_come_in_the_order_of_the_units(self) -> None:
        def work(unit: int, write: t.Callable[[bytes], None]) -> int:
            for index in range(unit % 5):
                write(f"{unit}:{index}\n".encode() * 20000)
            return unit

        found = [(b"".join(rows), result) for rows, result in fan_out(list(range(40)), work, workers=3)]
        for unit, (rows, result) in enumerate(found):
            assert result == unit
            assert rows == b"".join(f"{unit}:{index}\n".encode() * 20000 for index in range(unit % 5))

    def test_no_process_and_no_descriptor_is_left(self) -> None:
        before = sorted(os.listdir("/proc/self/fd"))
        generator: t.Any = fan_out(list(range(100)), lambda unit, _write: unit, workers=2)
        next(generator)
        generator.close()
        assert len(os.listdir("/proc/self/fd")) == len(before)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


class TestRows:
    def text(self, chance: random.Random) -> str:
        pieces = ["a", "ż", '"', "\\", "\n", "\t", "\x00", "\x1f", "\x7f", "\u2028", "😀", "\udcff", "\udc80", "/", "\\u0041", " "]
        return "".join(chance.choice(pieces) for _index in range(chance.randrange(1, 20)))

    def test_a_row_is_canonical_json(self, tmp_path: pathlib.Path) -> None:
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        (item,) = load_policy(document(tmp_path)).classes
        for _turn in range(2000):
            members = [
                Member(self.text(chance), "primary", chance.randrange(1 << 40), chance.randrange(1 << 60), chance.randrange(1 << 40), -1, 1)
                for _member in range(chance.randrange(1, 4))
            ]
            found = RecordingSet("k", "", "k", members, {})
            moments = [chance.choice([None, chance.randrange(4 * 10**9)]) for _moment in range(3)]
            decision = Decision(
                chance.choice(["due", "held", "unclassified"]),
                [self.text(chance) for _reason in range(chance.randrange(3))],
                chance.choice([None, item]),
                chance.choice([None, "class:calls", self.text(chance)]),
                *moments,
            )
            identifier, source, root = self.text(chance), self.text(chance), self.text(chance)
            expected = {
                "set": identifier,
                "source": source,
                "root": root,
                "members": [
                    {"path": m.path, "dev": m.dev, "ino": m.ino, "size": m.size, "mtime_ns": m.mtime_ns, "nlink": m.nlink} for m in members
                ],
                "class": decision.retention_class.name if decision.retention_class else None,
                "rule": decision.rule,
                "start": rfc3339(moments[0]),
                "keep_until": rfc3339(moments[1]),
                "destroy_by": rfc3339(moments[2]),
                "verdict": decision.verdict,
                "reason": decision.reasons,
                "method": decision.method.row() if decision.method else None,
            }
            row = encode_row(identifier, source, root, found, decision)
            assert row == canonical(expected) + b"\n", seed
            assert row.count(b"\n") == 1 and json.loads(row) == expected, seed

    def test_identifiers_do_not_tell_names_and_do_not_run_into_each_other(self) -> None:
        ids = Identifiers(kind="hmac", key="k" * 32)
        assert ids.of("a", "/b", "c") != ids.of("a", "/bc", "") != ids.of("ab", "/", "c")
        assert len({ids.of("a", "/b", "c"), Identifiers(kind="hmac", key="l" * 32).of("a", "/b", "c")}) == 2
        assert len(ids.of("a", "/b", os.fsdecode(b"\xff"))) == 32
        assert Identifiers(kind="plain", key="").of("a", "/b", "c") == "a:/b/c"


class TestQuarantine:
    def test_names(self) -> None:
        assert aside_since(aside_name(NOW, "0123456789abcdef")) == NOW
        for text in ("x", "20240101T101010Z", "20241301T101010Z-0123456789abcdef", "20240101T101010Z-0123456789abcdeF", ""):
            assert aside_since(text) is None

    @pytest.mark.parametrize(("days", "verdict"), [(3, "retained"), (8, "due"), (-400, "retained")])
    def test_a_set_waits_for_the_end_of_its_quarantine(self, tmp_path: pathlib.Path, days: int, verdict: str) -> None:
        entered = NOW - days * 86400
        lay(tmp_path, f"2024/{name(1, NOW)}", f"{ASIDE}/{aside_name(entered, '0' * 16)}/2024/{name(2)}")
        told = document(tmp_path, disposal={"technique": "overwrite", "level": "clear", "quarantine": "P7D"})
        rows, tally, _result = plan(told)
        assert tally.verdicts[verdict][0] == (2 if verdict == "retained" else 1)
        if verdict == "due":
            (row,) = map(json.loads, rows.splitlines())
            assert row["root"] == f"{tmp_path}/{ASIDE}/{aside_name(entered, '0' * 16)}" and row["members"][0]["path"] == f"2024/{name(2)}"

    def test_a_hold_reaches_into_the_quarantine(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, f"2024/{name(1, NOW)}", f"{ASIDE}/{aside_name(NOW - 86400 * 30, '0' * 16)}/2024/{name(2)}")
        hold = {"id": "H-1", "reason": "x", "placed": "2026-01-01", "placed_by": "a", "match": {"uniqueid": [f"{OLD}.2"]}}
        assert plan(document(tmp_path), holds=[hold])[1].verdicts["held"][0] == 1

    def test_what_is_in_quarantine_counts_for_the_sentinel(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, f"{ASIDE}/{aside_name(NOW - 86400, '0' * 16)}/2024/{name(2)}")
        told = document(tmp_path, disposal={"technique": "overwrite", "level": "clear", "quarantine": "P7D"})
        assert plan(told)[1].verdicts["retained"][0] == 1

    def test_what_is_not_of_a_run_is_left_alone(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, name(1), f"{ASIDE}/{name(2)}", f"{ASIDE}/other/{name(3)}", f"deep/{ASIDE}/{name(4)}")
        assert plan(document(tmp_path))[1].due[0] == 2


class TestInProgress:
    def test_quiet_time_open_files_and_the_future(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, name(1), name(2), name(3), name(4))
        os.utime(tmp_path / name(2), (NOW - 60, NOW - 60))
        os.utime(tmp_path / name(3), (NOW + 86400, NOW + 86400))
        lay(tmp_path, name(4).replace(".wav", ".txt"))
        os.utime(tmp_path / name(4).replace(".wav", ".txt"), (NOW - 60, NOW - 60))
        _rows, tally, _result = plan(document(tmp_path))
        assert tally.due[0] == 1
        assert tally.reasons["in_progress"] == {"modified within the quiet time": 2, "modified in the future": 1}

    def test_a_file_that_a_process_holds_open(self, tmp_path: pathlib.Path) -> None:
        import subprocess

        lay(tmp_path, name(1))
        facts = os.stat(tmp_path / name(1))
        with open(tmp_path / name(1), "rb") as handle:
            assert (facts.st_dev, facts.st_ino) not in find_open_files().files
            child = subprocess.Popen(["sleep", "60"], stdin=handle)
            try:
                assert (facts.st_dev, facts.st_ino) in find_open_files().files
            finally:
                child.kill()
                child.wait()

    def test_without_proc_nothing_is_known(self, tmp_path: pathlib.Path) -> None:
        assert find_open_files(str(tmp_path / "proc")) == OpenFiles(frozenset(), False)

    def test_a_marker_beside_the_recording(self, tmp_path: pathlib.Path) -> None:
        told = document(tmp_path)
        custom = {"pattern": r"(?P<callid>\w+)-(?P<date>\d{8})", "members": {"primary": [".wav"]}, "in_progress": {"marker": "{stem}.lock"}}
        told["sources"][0].update(layout="custom", custom=custom)
        lay(tmp_path, "a-20200101.wav", "b-20200101.wav", "b-20200101.lock")
        _rows, tally, _result = plan(told)
        assert tally.due[0] == 1 and tally.reasons["in_progress"] == {"marked as in progress": 1}


class TestNamesWithNumbers:
    @pytest.mark.parametrize(
        ("stem", "verdict"), [("a-20200101-30", "due"), ("a-20200101-9", "unclassified"), ("a-20200101-x", "unclassified")]
    )
    def test_a_duration_in_the_name_is_a_number(self, tmp_path: pathlib.Path, stem: str, verdict: str) -> None:
        told = document(tmp_path, match={"duration": {"min": 10}}, start={"event": "call_end"})
        custom = {"pattern": r"(?P<callid>\w+)-(?P<date>\d{8})-(?P<duration>\w+)", "members": {"primary": [".wav"]}}
        told["sources"][0].update(layout="custom", custom=custom)
        lay(tmp_path, f"{stem}.wav")
        assert plan(told)[1].verdicts[verdict][0] == 1

    @pytest.mark.parametrize("epoch", ["0", "1", "99999999999999999999", "1700000000000"])
    def test_an_epoch_that_is_none(self, tmp_path: pathlib.Path, epoch: str) -> None:
        told = document(tmp_path)
        custom = {"pattern": r"(?P<callid>\w+)-(?P<epoch>\d+)", "members": {"primary": [".wav"]}}
        told["sources"][0].update(layout="custom", custom=custom)
        lay(tmp_path, f"a-{epoch}.wav")
        assert plan(told)[1].verdicts["unclassified"][0] == 1

    @pytest.mark.parametrize("date", ["19700101", "19691231", "00010101", "99991231", "20240230"])
    def test_a_date_in_the_name_that_is_none(self, tmp_path: pathlib.Path, date: str) -> None:
        lay(tmp_path, f"in-100-200-{date}-101010-1.7.wav")
        assert plan(document(tmp_path))[1].verdicts["unclassified"][0] == 1

    def test_today_without_a_time_of_day_is_not_the_future(self, tmp_path: pathlib.Path) -> None:
        told = document(tmp_path)
        told["time_zone"] = "UTC"
        custom = {"pattern": r"(?P<callid>\w+)-(?P<date>\d{8})", "members": {"primary": [".wav"]}}
        told["sources"][0].update(layout="custom", custom=custom)
        lay(tmp_path, *(time.strftime("a-%Y%m%d.wav", time.gmtime(NOW + days * 86400)) for days in (0, 1)))
        _rows, tally, _result = plan(told)
        assert tally.verdicts["retained"][0] == 1
        assert tally.reasons["unclassified"] == {"starts in the future": 1}

    def test_a_sidecar_of_the_whole_file_name_is_a_member(self, tmp_path: pathlib.Path) -> None:
        told = document(tmp_path)
        told["sources"][0]["metadata"] = [{"sidecar": "{name}.json", "required": True}]
        lay(tmp_path, name(1))
        (tmp_path / f"{name(1)}.json").write_text("{}")
        os.utime(tmp_path / f"{name(1)}.json", (OLD, OLD))
        rows, tally, _result = plan(told)
        assert tally.due == (1, 2, 12)
        assert [member["path"] for member in json.loads(rows)["members"]] == [name(1), f"{name(1)}.json"]
