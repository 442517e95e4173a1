# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that orders: what it refuses leaves every file as it was, what it writes is written once, and what people wrote is never lost."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import pathlib
import sys
import time
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action import media_order
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.ordered import FORMAT, read_order
from ansible_collections.recordings.disposal.plugins.plugin_utils import _register_book
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import STATES
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.order_world import Floor, scanned
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry

OWN = {"edition": "2026-03", "source": "our own measurement"}
ONE = {"serials": ["S1"]}


@pytest.fixture
def floor(tmp_path: pathlib.Path) -> Floor:
    """A disk and a tape that were released, an SSD that must be destroyed, one that serves."""
    made = Floor(
        tmp_path,
        entry("S1", kind="hdd", bay="Slot 01", asset_number="0042"),
        entry("S2", kind="tape", host="", required_level="purge"),
        entry("S3", kind="nvme", required_level="destroy"),
        entry("S4"),
    )
    made.walk(["S1", "S2", "S3"], "released")
    return made


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"serials": []}, "0 serials are given; give from 1 to 200 in one order"),
        ({"serials": [f"T{number}" for number in range(201)]}, "201 serials are given; give from 1 to 200 in one order"),
        ({"serials": ["S1", " "]}, "a serial is blank, so nobody can tell which medium it is"),
        ({"serials": ["S1", "s 1"]}, "s 1 is given 2 times; name each medium once"),
        ({"serials": ["S9"]}, "S9 is not in the register; correct the serial, or enter the medium first"),
        ({"serials": ["S\n9"]}, "S\\u000a9 is not in the register"),
        ({"serials": ["S4"]}, "S4 is in_service, so a host may still need it; record its release first"),
        ({"technique": "drill"}, "technique: drill reaches no level, as data can be read from the parts; give one of degauss, shred"),
        ({"technique": "bend"}, "technique: bend reaches no level"),
        ({"technique": "cut"}, "technique: cut reaches no level"),
        ({"technique": "crush"}, "technique: 'crush' is not known; give one of degauss, shred, disintegrate, pulverize, incinerate, melt"),
        ({"technique": "degauss"}, "technique: degauss reaches purge and the level is destroy; order a stronger technique"),
        (
            {"technique": "degauss", "level": "purge", "serials": ["S3"]},
            "S3 cannot be ordered so: degauss does not reach a medium of the kind nvme; only floppy, hdd, sas_hdd, smr, tape can be degaussed",
        ),
        ({"level": "purge", "serials": ["S3"]}, "S3 needs destroy, and the level of the order is purge; raise it"),
        (
            {"technique": "degauss", "level": "purge", "protection_class": 3},
            "protection_class: 3 asks for particles, and degauss makes none",
        ),
        ({"protection_class": 1}, "protection_class: 1 is unfit for personal data, which recordings are"),
        ({"due": "2020-01-01"}, "due: 2020-01-01 is over (it is 20"),
        ({"due": "tomorrow"}, "due: 'tomorrow' is not a date that exists"),
        ({"due": "2099-02-30"}, "due: '2099-02-30' is not a date that exists"),
        ({"issued_by": " "}, "issued_by: ' ' is blank, longer than 200 characters or not one line"),
        ({"issued_by": "anna\nbob"}, "issued_by: 'anna\\nbob' is blank, longer than 200 characters or not one line"),
        ({"facility": "hall\u202e3"}, "facility: 'hall\\u202e3' is blank, longer"),
        ({"facility": "x" * 201}, "is blank, longer than 200 characters or not one line"),
        ({"plan_id": "../plan"}, "plan_id: '../plan' is not a name of up to 64 letters"),
        ({"why": {"S9": "It is broken."}}, "S9 has a sentence under why and is not among the serials"),
        ({"why": {"S1": " "}}, "S1 has a why that is blank, longer than 300 characters or not one line"),
        ({"why": {"S1": 7}}, "S1 has a why that is blank"),
        ({"why": {"S1": "a", "s1": "b"}}, "S1 has 2 sentences under why; keep the right one"),
        ({"figures": {"din_h_5": {"value": "300 mm2"}}}, "the figure din_h_5 must have value, edition, source and nothing else"),
        ({"register": "/nowhere/register.yml"}, "the register /nowhere/register.yml cannot be read"),
    ],
)
def test_what_cannot_be_ordered_is_refused(floor: Floor, options: dict[str, t.Any], words: str) -> None:
    result = floor.refused(words, **{**ONE, **options})
    assert not floor.orders.exists() and "order" not in result


@pytest.mark.parametrize("kind", ["sata_ssd", "nvme", "sas_ssd", "hybrid", "usb", "emmc", "sd", "ufs", "optical"])
def test_flash_hybrid_and_optical_media_are_never_degaussed(tmp_path: pathlib.Path, kind: str) -> None:
    floor = Floor(tmp_path, entry("S1", kind=kind))
    floor.walk(["S1"], "released")
    floor.refused(f"degauss does not reach a medium of the kind {kind}", **ONE, technique="degauss", level="purge")


def test_a_medium_that_must_be_destroyed_is_not_degaussed(tmp_path: pathlib.Path) -> None:
    floor = Floor(tmp_path, entry("S1", kind="hdd", required_level="destroy"))
    floor.walk(["S1"], "released")
    floor.refused("S1 needs destroy, and degauss reaches purge; order a stronger technique", **ONE, technique="degauss", level="purge")


GONE = {
    "destroyed": "S1 is destroyed already; take it out of the order",
    "reused": "S1 is reused, so what is on it now belongs to its new use; bring it back in service and release it first",
}


@pytest.mark.parametrize(("state", "words"), GONE.items())
def test_what_is_gone_is_not_ordered(tmp_path: pathlib.Path, state: str, words: str) -> None:
    floor = Floor(tmp_path, entry("S1"))
    floor.walk(["S1"], state)
    floor.refused(words, **ONE)


@pytest.mark.parametrize("serial", ["S" * 101])
def test_a_serial_that_no_result_can_have_is_refused(tmp_path: pathlib.Path, serial: str) -> None:
    floor = Floor(tmp_path, entry(serial))
    floor.walk([serial], "released")
    floor.refused(f"{serial} has a serial that no result can have", serials=[serial])


def test_every_fault_is_told_at_once_and_by_serial(floor: Floor) -> None:
    result = floor.refused(
        "no work order was written: technique: degauss reaches purge and the level is destroy",
        **{"serials": ["S1", "S1", "S9", "S4", "S3"], "technique": "degauss", "due": "2020-01-01", "issued_by": ""},
    )
    for words in ("issued_by: ''", "due: 2020-01-01", "S1 is given 2 times", "S9 is not in", "S4 is in_service", "S3 cannot be ordered so"):
        assert words in result["msg"] and any(problem.startswith(words) for problem in result["problems"]), words
    # The disk alone would have been fine but for the level; S4 is flash too.
    assert len(result["problems"]) == 8


def test_very_many_faults_are_counted(floor: Floor) -> None:
    result = floor.refused("(and 182 more)", serials=[f"T{number}" for number in range(201)])
    assert len(result["problems"]) == 100


def test_a_level_or_class_that_there_is_not(floor: Floor) -> None:
    for options in ({"level": "clear"}, {"protection_class": 4}, {"language": "de"}, {"issued_by": None}):
        with pytest.raises(AnsibleError):
            floor.task(**{**ONE, **options})
    assert not floor.orders.exists()


def test_a_register_that_says_what_its_log_does_not_is_refused(floor: Floor) -> None:
    text = floor.register.read_text(encoding="utf-8")
    floor.register.write_text(text.replace('state: "in_service"', 'state: "released"'), encoding="utf-8")
    floor.refused("S4 is released in the register and in_service by the log, which alone counts", serials=["S4"])


def test_an_event_that_was_cut_off_comes_first(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_register_book.Book, "_finish", lambda self: None)
    before = floor.register.read_bytes()
    floor.walk(["S4"], "released")
    assert floor.register.read_bytes() == before
    floor.refused("S4 has an event that the register does not show yet; run the task that was cut off again", serials=["S4"])
    assert floor.ordered(**ONE)["changed"]


def test_without_the_library_for_codes(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    floor.refused(
        f"the Python library segno, which makes the QR codes of work orders and certificates, is not installed for {sys.executable}", **ONE
    )
    assert not floor.orders.exists()


def test_the_four_runs(floor: Floor) -> None:
    before = floor.snapshot()
    checked = floor.ordered(check_mode=True, **ONE)
    assert checked["changed"] and floor.snapshot() == before and not floor.orders.exists()
    done = floor.ordered(**ONE)
    left = floor.snapshot()
    assert done["changed"] and {**done, "digest": ""} == {**checked, "digest": ""}
    # Its time is that of the first run.
    time.sleep(1.1)
    for check_mode in (False, True):
        again = floor.ordered(check_mode=check_mode, **ONE)
        assert again == {**done, "changed": False} and floor.snapshot() == left


def test_what_is_written(floor: Floor) -> None:
    options = {
        "protection_class": 3,
        "due": "2099-12-31",
        "facility": "hall <3>",
        "plan_id": "2026-11-27-p",
        "why": {"s3": "It is broken."},
    }
    result = floor.ordered(serials=["S3", "s1"], **options)
    path = pathlib.Path(result["order"])
    data = path.read_bytes()
    order = json.loads(data)
    assert data == canonical(order) + b"\n" and result["digest"] == digest(data) and result["media"] == 2
    assert result["order_id"] == order["id"] == path.parent.name and path.parent.parent == floor.orders
    assert order["id"].startswith(f"WO-{order['created'][:10]}-") and len(order["id"]) == 24
    assert {key: order[key] for key in order if key not in ("id", "created", "media")} == {
        **{"format": FORMAT, "issued_by": "operations@example.com", "technique": "shred", "level": "destroy", "protection_class": 3},
        **{"due": "2099-12-31", "facility": "hall <3>", "plan_id": "2026-11-27-p"},
    }
    first, second = {medium["serial"]: medium for medium in order["media"]}["S1"], order["media"][0]
    assert first == {
        **{"serial": "S1", "kind": "hdd", "make": "Samsung", "model": "SSD 870 EVO 4TB", "asset_number": "0042", "host": "rec1"},
        **{"bay": "Slot 01", "classification": "confidential", "required_level": "purge", "state": "released"},
        "why": "It left service and was not sanitized.",
    }
    assert (second["serial"], second["why"]) == ("S3", "It is broken.")
    assert {name.name for name in path.parent.iterdir()} == {"order.json", "order.html", "order.csv"}
    assert all(name.stat().st_mode & 0o777 == 0o600 for name in path.parent.iterdir()) and path.parent.stat().st_mode & 0o777 == 0o700
    rows = list(csv.DictReader(io.StringIO(pathlib.Path(result["files"]["csv"]).read_text(encoding="utf-8"), newline="")))
    assert {name: text for name, text in rows[1].items() if text} == {
        **{"serial": "S1", "kind": "hdd", "technique": "shred", "make": "Samsung", "model": "SSD 870 EVO 4TB", "asset": "0042"}
    }
    assert scanned(pathlib.Path(result["files"]["html"]).read_text(encoding="utf-8")) == [order["id"], "S3", "S1"]
    assert result["warnings"] == [] and read_order(data, "it").serials == ["S3", "S1"]


WHY = {
    "released": "It left service and was not sanitized.",
    "sanitized": "It was sanitized, and that was never verified.",
    "verified": "It was sanitized and verified, and is destroyed besides.",
    "in_custody": "It is in custody and waits for its destruction.",
}


@pytest.mark.parametrize(("state", "why"), WHY.items())
def test_the_state_tells_why(tmp_path: pathlib.Path, state: str, why: str) -> None:
    floor = Floor(tmp_path, entry("S1"))
    floor.walk(["S1"], state)
    (medium,) = json.loads(pathlib.Path(floor.ordered(**ONE)["order"]).read_bytes())["media"]
    assert (medium["state"], medium["why"]) == (state, why)
    assert {*WHY, *GONE, "in_service"} == set(STATES)


def test_a_medium_that_moved_on_is_the_same_order(floor: Floor) -> None:
    done = floor.ordered(**ONE)
    floor.walk_on(["S1"], "in_custody")
    left = floor.snapshot()
    again = floor.ordered(**ONE)
    assert again == {**done, "changed": False} and floor.snapshot() == left


@pytest.mark.parametrize(
    "options",
    [
        *({"serials": ["S1", "S3"]}, {"technique": "melt"}, {"level": "purge"}, {"protection_class": 2}, {"due": "2099-01-01"}),
        *({"facility": "hall 4"}, {"issued_by": "anna@example.com"}, {"plan_id": "P-2"}),
    ],
)
def test_another_order_has_another_id_and_is_told_of(floor: Floor, options: dict[str, t.Any]) -> None:
    first = floor.ordered(protection_class=3, **ONE)
    left = {path: text for path, text in floor.snapshot().items() if str(floor.orders) in path}
    second = floor.ordered(**{"protection_class": 3, **ONE, **options})
    assert second["changed"] and second["order_id"] != first["order_id"] and left.items() <= floor.snapshot().items()
    assert second["warnings"] == [f"the work order {first['order_id']} names S1 too; call one of the two back if both are still open"]


def test_the_same_on_another_day_is_the_order_that_is_there(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    first = floor.ordered(**ONE, protection_class=3)
    tomorrow = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)
    monkeypatch.setattr(media_order, "utc_now", lambda: tomorrow)
    left = floor.snapshot()
    assert floor.ordered(**ONE, protection_class=3) == {**first, "changed": False} and floor.snapshot() == left
    directory = pathlib.Path(first["order"]).parent
    directory.rename(floor.path / directory.name)
    second = floor.ordered(**ONE, protection_class=3)
    assert second["changed"] and second["order_id"] == f"WO-{tomorrow:%Y-%m-%d}-{first['order_id'][-10:]}" and second["warnings"] == []


def test_an_order_beside_that_cannot_be_read_is_told(floor: Floor) -> None:
    other = floor.orders / "WO-2020-01-01-0123456789" / "order.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"{}\n")
    assert floor.ordered(**ONE, protection_class=3)["warnings"] == [
        f"{other} cannot be read as a work order, so nobody knows whether it names the same media"
    ]


def test_without_a_class_the_rows_have_to_tell(floor: Floor) -> None:
    result = floor.ordered(**ONE)
    assert result["warnings"] == [
        "no protection_class is given, so the order asks for no particle size; each row of its results has to state the required_level"
    ]
    assert "required_level" in pathlib.Path(result["files"]["csv"]).read_text(encoding="utf-8").partition("\r\n")[0].split(",")
    assert floor.ordered(serials=["S3"], technique="melt")["warnings"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.replace(b'"shred"', b'"melt"'), "was changed after it was made; compare it with a copy"),
        (lambda data: data.replace(b'"S1"', b'"S7"'), "was changed after it was made; compare it with a copy"),
        (lambda data: data[:-1], "is not canonical JSON and a newline"),
        (lambda data: data.replace(b"work-order/1", b"work-order/2"), "has the format 'recordings.disposal/work-order/2'"),
        (lambda data: b"no order\n", "cannot be read as JSON"),
        (lambda data: b"{}\n", "has the format None"),
    ],
)
def test_an_order_that_was_changed_is_refused(floor: Floor, change: t.Callable[[bytes], bytes], words: str) -> None:
    path = pathlib.Path(floor.ordered(**ONE)["order"])
    path.write_bytes(change(path.read_bytes()))
    result = floor.refused(words, **ONE)
    assert str(path) in result["msg"] and f"move {path.parent} away if it is not to be kept" in result["msg"]


def test_an_order_of_another_name_is_refused(floor: Floor) -> None:
    first, second = (pathlib.Path(floor.ordered(serials=[serial])["order"]) for serial in ("S1", "S3"))
    first.write_bytes(second.read_bytes())
    floor.refused(f"{first} is there and is the order {second.parent.name}, so no work order was written", **ONE)


def test_other_reasons_for_the_same_order_are_refused(floor: Floor) -> None:
    floor.ordered(**ONE, why={"S1": "It is broken."})
    floor.refused("is there and gives other reasons for s1, so no work order was written", **ONE, why={"s1": "It is old."})
    assert not floor.ordered(**ONE, why={"S1": "It is broken."})["changed"] and not floor.ordered(**ONE)["changed"]


def test_a_page_is_made_anew_and_a_form_never(floor: Floor) -> None:
    done = floor.ordered(**ONE)
    page, form = (pathlib.Path(done["files"][kind]) for kind in ("html", "csv"))
    form.write_text(form.read_text(encoding="utf-8").replace("Samsung", "Samsung;filled in"), encoding="utf-8")
    written, shown = form.read_bytes(), page.read_bytes()
    page.write_bytes(shown.replace(b"S1", b"S2"))
    again = floor.ordered(**ONE)
    assert again["changed"] and page.read_bytes() == shown and form.read_bytes() == written
    polish = floor.ordered(**ONE, language="pl")
    assert polish["changed"] and polish["digest"] == done["digest"] and b'lang="pl"' in page.read_bytes() and form.read_bytes() == written
    form.unlink()
    assert floor.ordered(**ONE, language="pl")["changed"] and b"Samsung" in form.read_bytes()
    assert not floor.ordered(**ONE, language="pl")["changed"]


def test_what_was_cut_off_is_brought_to_its_end(floor: Floor) -> None:
    done = floor.ordered(**ONE)
    pathlib.Path(done["order"]).unlink()
    pathlib.Path(done["files"]["csv"]).write_bytes(b"half a for")
    again = floor.ordered(**ONE)
    assert again["changed"] and again["order_id"] == done["order_id"]
    assert pathlib.Path(done["files"]["csv"]).read_bytes().startswith(b"serial,kind,technique")


def test_a_place_that_cannot_be_written_to(floor: Floor) -> None:
    floor.orders.write_bytes(b"a file")
    floor.refused("the work order cannot be kept in", **ONE)


def test_figures_of_ones_own_decide_what_the_page_tells(floor: Floor) -> None:
    figures = {"protection_class_1": {"value": 4, **OWN}, "din_h_4": {"value": "1500 mm2", **OWN}}
    page = pathlib.Path(floor.ordered(**ONE, protection_class=1, figures=figures)["files"]["html"]).read_text(encoding="utf-8")
    assert "1500\u00a0mm²" in page and "H-4" in page


def test_a_register_in_each_form(tmp_path: pathlib.Path) -> None:
    for name in ("register.csv", "register.db", "register.yml"):
        path = tmp_path / name.partition(".")[2]
        path.mkdir()
        floor = Floor(path, entry("0042", kind="hdd"), name=name)
        floor.walk(["0042"], "released")
        assert scanned(pathlib.Path(floor.ordered(serials=["0042"])["files"]["html"]).read_text(encoding="utf-8"))[1] == "0042"


def test_two_hundred_media_in_one_order(tmp_path: pathlib.Path) -> None:
    serials = [f"S4EWNX0M5{number:05}" for number in range(200)]
    floor = Floor(tmp_path, *(entry(serial, asset_number=serial, bay="Slot 03") for serial in serials), name="register.csv")
    floor.walk(serials, "released")
    started = time.monotonic()
    result = floor.ordered(serials=serials, protection_class=3)
    assert time.monotonic() - started < 20
    page = pathlib.Path(result["files"]["html"]).read_text(encoding="utf-8")
    assert scanned(page) == [result["order_id"], *serials]
    assert {
        kind: pathlib.Path(path).stat().st_size for kind, path in result["files"].items() if pathlib.Path(path).stat().st_size > 1 << 20
    } == {}
