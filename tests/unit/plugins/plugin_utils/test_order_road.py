# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The road of a work order: written by media_order, filled in, and taken back by media_destruction; and every fault on the way back."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.modules.media_destruction import main
from ansible_collections.recordings.disposal.plugins.plugin_utils._results import results_arguments
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.order_world import FILLED, Floor, filled
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry

TRAINED = [{"name": "Anna Nowak", "valid_until": "2099-12-31", "techniques": ["shred", "disintegrate", "degauss"]}]
ALL = {"S1": FILLED, "=1+1": FILLED, "S3": {**FILLED, "die": "60 mm2"}}


def now() -> str:
    """As people write it down."""
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")


class Road:
    """An order, its form, and the task that takes it back."""

    def __init__(
        self, floor: Floor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, serials: t.Sequence[str]
    ) -> None:
        self.floor, self._capsys, self._monkeypatch = floor, capsys, monkeypatch
        self.state = floor.dest / "physical"
        self.options = {"serials": list(serials), "protection_class": 3}
        self.order()

    def order(self, **options: t.Any) -> None:
        self.ordered = self.floor.ordered(**{**self.options, **options})
        self.form = pathlib.Path(self.ordered["files"]["csv"])
        self.text = self.form.read_text(encoding="utf-8")

    def fill(self, facts: t.Mapping[str, t.Mapping[str, str]]) -> str:
        escaped = {f"'{serial}" if serial.startswith("=") else serial: row for serial, row in facts.items()}
        return filled(self.text, escaped, now=now())

    def back(self, text: str | None = None, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of C(media_destruction) over a form, by default as it was written."""
        if text is not None:
            self.form.write_text(text, encoding="utf-8", newline="")
        given = {"order": self.ordered["order"], "results_file": str(self.form), "state_dir": str(self.state), **options}
        return run(main, self._capsys, self._monkeypatch, check=check, **results_arguments(given, DataLoader()))

    def refused(self, row: int, serial: str, words: str, text: str, **options: t.Any) -> None:
        """One row is refused with a reason in both modes, and nothing is recorded."""
        self.form.write_text(text, encoding="utf-8", newline="")
        before = self.floor.snapshot()
        for check in (True, False):
            result = self.back(check=check, **options)
            assert result.get("failed") and not result.get("changed") and result.get("evidence") == [], result
            (refused,) = result["refused"]
            assert (refused["row"], refused["serial"]) == (row, serial), refused
            assert any(words in reason for reason in refused["reasons"]), refused["reasons"]
            assert f"row {row} (serial {serial or 'blank'}): " in result["msg"] and words in result["msg"]
        assert self.floor.snapshot() == before and not self.state.exists()

    def journals(self) -> dict[str, dict[str, t.Any]]:
        """The outcome of each medium, by its set."""
        paths = sorted((self.state / "runs").glob("*/journal.jsonl"))
        return {record["set"]: record for path in paths for record in read_journal(path) if record["type"] == "outcome"}


@pytest.fixture
def road(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Road:
    floor = Floor(
        tmp_path,
        entry("S1", kind="hdd", bay="1", asset_number="0042", required_level="destroy"),
        entry("=1+1", kind="hdd", bay="2", make="@make", model="-5 model"),
        entry("S3", kind="nvme", bay="3"),
        entry("S4", kind="hdd", bay="4"),
    )
    floor.walk(["S1", "=1+1", "S3", "S4"], "released")
    return Road(floor, capsys, monkeypatch, serials=list(ALL))


@pytest.mark.parametrize(
    ("serial", "facts", "row", "words"),
    [
        ("S1", {"serial": "S9"}, 1, "serial: 'S9' is not among the serials of the work order; find out which medium this was"),
        ("S1", {"serial": "S4"}, 1, "serial: 'S4' is not among the serials of the work order"),
        ("S1", {"serial": ""}, 1, "serial: nothing is given"),
        ("S1", {"serial": "s3"}, 1, "kind: 'hdd' is not what the work order has for this medium ('nvme')"),
        ("S1", {"second_person": ""}, 1, "second_person: nothing is given, and a result proves nothing without it"),
        (
            "S1",
            {"second_person": "anna  nowak"},
            1,
            "second_person: the str there is the operator once more; another person must have been there",
        ),
        ("S1", {"operator": "Jan Kowalski", "second_person": "Anna Nowak"}, 1, "is not among the operators trained for shred"),
        ("S1", {"date": ""}, 1, "date: nothing is given"),
        ("S1", {"date": "2099-01-01T00:00:00Z"}, 1, "is in the future"),
        ("S1", {"particle": ""}, 1, "particle: nothing is given"),
        ("S1", {"particle": "9.5"}, 1, "particle: '9.5' has no unit"),
        ("S1", {"particle": "400 mm2"}, 1, "reaches only H-4, and H-5 is required (at most 320 mm2); destroy it again, finer"),
        (
            "S1",
            {"technique": "drill", "particle": "", "samples": ""},
            1,
            "technique: 'drill' is not what was ordered (shred), and reaches none",
        ),
        ("S1", {"technique": "degauss"}, 1, "technique: 'degauss' is not what was ordered (shred), and reaches purge"),
        (
            "S1",
            {"kind": "sas_hdd"},
            1,
            "kind: 'sas_hdd' is not what the work order has for this medium ('hdd'); find out which medium this was",
        ),
        ("S1", {"asset": "42"}, 1, "asset: '42' is not what the work order has for this medium ('0042')"),
        ("=1+1", {"make": "Toshiba"}, 2, "make: 'Toshiba' is not what the work order has for this medium ('@make')"),
        ("S3", {"die": ""}, 3, "die: nothing is given, so a whole die of flash may be left"),
        ("S3", {"die": "9 mm2"}, 3, "is not smaller than a die of the flash"),
    ],
)
def test_a_faulty_row_is_refused_with_its_reason(road: Road, serial: str, facts: dict[str, str], row: int, words: str) -> None:
    text = road.fill({serial: {**ALL[serial], **facts}})
    named = facts.get("serial", "=1+1" if serial == "=1+1" else serial)
    road.refused(row, named, words, text, operators=TRAINED)


def test_a_row_of_which_only_a_part_is_filled_in_is_refused(road: Road) -> None:
    text = road.fill({"S1": FILLED, "S3": {"date": "", "place": "Warsaw"}})
    road.refused(3, "S3", "second_person: nothing is given", text)


def test_an_operator_whose_training_was_over(road: Road) -> None:
    trained = [{**TRAINED[0], "valid_until": "2020-12-31"}]
    road.refused(1, "S1", "has no training for shred that was valid on", road.fill({"S1": FILLED}), operators=trained)


def test_a_calibration_that_was_over(road: Road) -> None:
    road.order(serials=["S4", "=1+1"], technique="degauss", level="purge", protection_class=None)
    facts = {**FILLED, "field": "10000 Oe", "calibrated": "2019-01-01", "calibrated_until": "2019-12-31", "recording": "perpendicular"}
    degaussed = {name: text for name, text in facts.items() if name not in ("particle", "samples")}
    road.refused(*(2, "S4", "was over when the medium was degaussed"), road.fill({"S4": degaussed}), operators=TRAINED)
    road.refused(2, "S4", "is weaker than 2 times", road.fill({"S4": {**degaussed, "field": "500 Oe"}}), operators=TRAINED)
    result = road.back(road.fill({serial: {**degaussed, "calibrated_until": "2099-12-31"} for serial in ("S4", "=1+1")}))
    assert result["outcome"] == "destroyed" and result["level"] == {**result["level"], "required": "purge", "achieved": "purge"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": "purge"}, "level is given as purge and is destroy in the work order {order}"),
        ({"level": "clear"}, "level is given as clear and is destroy in the work order {order}"),
        ({"protection_class": 2}, "protection_class is given as 2 and is 3 in the work order {order}"),
        ({"expected": ["S1"]}, "expected is given, with other serials than those (they differ in =1+1, s3) in the work order {order}"),
        ({"expected": []}, "expected is given, with other serials"),
        ({"expected": "S1,=1+1,S3,S4"}, "(they differ in s4)"),
        ({"order": "/nowhere/order.json"}, "/nowhere/order.json cannot be read"),
        ({"results": []}, "results and results_file are both given; give one of them"),
    ],
)
def test_what_contradicts_the_order_is_refused_by_name(road: Road, options: dict[str, t.Any], words: str) -> None:
    road.form.write_text(road.fill(ALL), encoding="utf-8", newline="")
    before = road.floor.snapshot()
    with pytest.raises(AnsibleActionFail) as caught:
        road.back(**options)
    assert words.format(order=road.ordered["order"]) in str(caught.value)
    assert road.floor.snapshot() == before and not road.state.exists()


def test_what_is_given_besides_and_is_the_same_is_taken(road: Road) -> None:
    given = {"level": "destroy", "protection_class": "3", "expected": ["s3", "S1", "=1+1"]}
    assert road.back(road.fill(ALL), **given)["outcome"] == "destroyed"
    assert not road.back(**{**given, "expected": "S1,=1+1,S 3"})["changed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda data: data.replace(b'"protection_class":3', b'"protection_class":2'),
            "was changed after it was made; compare it with a copy",
        ),
        (lambda data: data.replace(b"work-order/1", b"work-order/9"), "has the format 'recordings.disposal/work-order/9', not recordings."),
        (lambda data: data.replace(b",", b", ", 1), "is not canonical JSON and a newline, as media_order wrote it"),
        (lambda data: data[: len(data) // 2], "cannot be read as JSON"),
    ],
)
def test_an_order_that_is_not_what_was_written_is_refused(road: Road, change: t.Callable[[bytes], bytes], words: str) -> None:
    path = pathlib.Path(road.ordered["order"])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(AnsibleActionFail) as caught:
        road.back(road.fill(ALL))
    assert f"the work order {path} " in str(caught.value) and words in str(caught.value) and not road.state.exists()


def test_the_module_takes_no_path_for_the_order_itself(
    road: Road, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(main, capsys, monkeypatch, order=road.ordered["order"], results=[{"serial": "S1"}], state_dir=str(road.state))
    assert result["failed"] and "work_order" in result["msg"] and not road.state.exists()
    result = run(main, capsys, monkeypatch, results=[{"serial": "S1"}], state_dir=str(road.state))
    assert result["failed"] and "level" in result["msg"] and "order" in result["msg"]


def test_the_form_as_it_was_written_leaves_all_open(road: Road) -> None:
    for check in (True, False):
        result = road.back(check=check)
        assert not result.get("failed") and not result["changed"] and result["outcome"] == "unknown"
        assert result["open"] == ["=1+1", "S1", "S3"] and result["counts"] == {"destroyed": 0, "not_destroyed": 0, "unknown": 3}
        assert result["evidence"] == [] and result["level"]["required"] == "destroy" and not road.state.exists()


def test_the_four_runs(road: Road) -> None:
    checked = road.back(road.fill(ALL), check=True, operators=TRAINED)
    assert checked["changed"] and not checked.get("failed") and not road.state.exists()
    done = road.back(operators=TRAINED)
    assert done["changed"] and done["outcome"] == "destroyed" and done["counts"] == {"destroyed": 3, "not_destroyed": 0, "unknown": 0}
    assert [(each["row"], each["serial"], each["particles"]) for each in done["evidence"]] == [
        (1, "S1", "H-6"),
        (2, "=1+1", "H-6"),
        (3, "S3", "E-5"),
    ]
    left = road.floor.snapshot()
    for check in (True, False):
        again = road.back(check=check, operators=TRAINED)
        assert not again["changed"] and again["evidence"] == done["evidence"] and road.floor.snapshot() == left
    assert not any("work order" in limit for limit in done["limits"])


def test_the_evidence_names_the_order_and_the_medium_as_the_register_does(road: Road) -> None:
    road.back(road.fill(ALL))
    found = road.journals()
    assert set(found) == {medium_set(serial) for serial in ALL}
    named = {"id": road.ordered["order_id"], "digest": road.ordered["digest"]}
    assert all(record["proof"]["order"] == named for record in found.values())
    row = found[medium_set("=1+1")]["proof"]["row"]
    assert (row["serial"], row["make"], row["model"]) == ("=1+1", "@make", "-5 model")
    assert found[medium_set("S1")]["proof"]["row"]["asset"] == "0042"


def test_results_that_come_one_after_the_other(road: Road) -> None:
    first = road.back(road.fill({"S3": ALL["S3"]}))
    assert first["outcome"] == "unknown" and first["open"] == ["=1+1", "S1"] and [each["row"] for each in first["evidence"]] == [3]
    second = road.back(road.fill(ALL))
    assert second["changed"] and second["outcome"] == "destroyed" and len(road.journals()) == 3


def test_a_stronger_technique_is_taken_and_told(road: Road) -> None:
    facts = {**FILLED, "technique": "disintegrate", "screen": "3 mm"}
    result = road.back(road.fill({"S1": facts}), operators=TRAINED)
    assert result["counts"]["destroyed"] == 1 and "it was done by disintegrate, and the work order asks for shred" in result["limits"]


def test_a_form_as_spreadsheets_save_it(road: Road) -> None:
    text = road.fill(ALL).replace(",", ";").replace("Warsaw; room", "Warsaw, room").replace('"', "")
    assert road.back("\ufeff" + text)["outcome"] == "destroyed"


def test_the_same_as_yaml(road: Road, tmp_path: pathlib.Path) -> None:
    rows = [
        {"serial": serial, "kind": "nvme" if serial == "S3" else "hdd", "technique": "shred", "date": now(), **ALL[serial]}
        for serial in ALL
    ]
    (tmp_path / "results.yml").write_text(json.dumps([*rows[:2], {"serial": "S3", "place": ""}]), encoding="utf-8")
    result = road.back(results_file=str(tmp_path / "results.yml"))
    assert result["counts"] == {"destroyed": 2, "not_destroyed": 0, "unknown": 1} and result["open"] == ["S3"]
    assert road.back(results_file=None, results=rows)["outcome"] == "destroyed"


def test_without_a_class_each_row_tells_the_level(road: Road) -> None:
    road.order(protection_class=None)
    road.refused(1, "S1", "required_level: nothing is given, so no particle can be judged", road.fill({"S1": FILLED}))
    assert road.back(road.fill({"S1": {**FILLED, "required_level": "H-5"}}))["counts"]["destroyed"] == 1


def test_a_vendor_accounts_for_what_is_filled_in(road: Road) -> None:
    check = {"by": "Ewa Lis", "date": now(), "serials": ["S1"], "found": "as_stated"}
    vendor = {"name": "Destruction Ltd.", "certificate": "sha256:" + "0" * 64, "sample_check": check}
    result = road.back(road.fill({"S1": FILLED}), vendor=vendor)
    assert result["failed"] and "it lacks 2 of 3 media that were handed over (=1+1, S3), which stay open" in result["msg"]
    assert not road.state.exists() and road.back(road.fill(ALL), vendor=vendor)["outcome"] == "destroyed"


def test_persons_are_in_no_result(road: Road) -> None:
    for text in (road.fill(ALL), road.fill({"S1": {**FILLED, "second_person": "anna nowak"}})):
        told = json.dumps(road.back(text, operators=TRAINED)).casefold()
        assert "nowak" not in told and "operations@example.com" not in told


def test_two_hundred_media_come_back(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    serials = [f"S4EWNX0M5{number:05}" for number in range(200)]
    floor = Floor(tmp_path, *(entry(serial, kind="hdd") for serial in serials), name="register.csv")
    floor.walk(serials, "released")
    road = Road(floor, capsys, monkeypatch, serials=serials)
    result = road.back(road.fill(dict.fromkeys(serials, FILLED)))
    assert result["counts"]["destroyed"] == 200 and len(json.dumps(result)) < 64 << 10
