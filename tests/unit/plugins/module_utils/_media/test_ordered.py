# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work orders as they come back: any that is not what was written is refused, and rows are held against what was ordered."""

from __future__ import annotations

import copy
import datetime as dt
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.ordered import (
    ORDERABLE,
    PREFILLED,
    Ordered,
    order_bytes,
    order_id,
    prefilled,
    read_order,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.results import Judged, Rules, judge_results
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import PHYSICAL, figures
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import row

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.timezone.utc)
# Before the day of the rows.
CREATED = "2026-01-10T10:00:00Z"
MEDIUM = {
    **{"serial": "ZC11A0B7", "kind": "hdd", "make": "Seagate", "model": "ST4000", "asset_number": "IT-1", "host": "rec1", "bay": ""},
    **{"classification": "", "required_level": "purge", "state": "released", "why": "It left service and was not sanitized."},
}


def made(*media: dict[str, str], **changes: t.Any) -> dict[str, t.Any]:
    order = {
        **{"format": "recordings.disposal/work-order/1", "created": CREATED, "issued_by": "anna", "technique": "shred", "level": "destroy"},
        **{
            "protection_class": None,
            "due": None,
            "facility": "",
            "plan_id": "",
            "media": [{**MEDIUM, **medium} for medium in media or [{}]],
        },
        **changes,
    }
    return {"id": order_id(order), **order}


def ordered(*media: dict[str, str], **changes: t.Any) -> Ordered:
    return read_order(order_bytes(made(*media, **changes)), "the order")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b'{"format":1.5}\n', "cannot be read as JSON (format is a float"),
        (b"[]\n", "is not canonical JSON and a newline"),
        (b'{"format": "recordings.disposal/work-order/1"}\n', "is not canonical JSON and a newline, as media_order wrote it"),
        (order_bytes(made())[:-1], "use the file itself, no edited copy"),
        (order_bytes(made(format="recordings.disposal/manifest/1")), "has the format 'recordings.disposal/manifest/1', not recordings."),
    ],
)
def test_what_is_no_order_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_order(data, "the order")
    assert caught.value.message.startswith("the order ") and words in caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        *({"technique": "drill"}, {"technique": "overwrite"}, {"level": "clear"}, {"protection_class": 4}, {"protection_class": True}),
        *({"due": 7}, {"created": "yesterday, at noon, or so"}, {"media": []}, {"media": [{}]}, {"media": "none"}, {"issued_by": None}),
        *(
            {"media": [{**MEDIUM, "bay": None}]},
            {"media": [MEDIUM, {**MEDIUM, "serial": "zc11 a0b7"}]},
            {"media": [{**MEDIUM, "serial": " "}]},
        ),
        *({"more": "x"}, {"media": [{**MEDIUM, "more": "x"}]}),
    ],
)
def test_an_order_that_lacks_something_is_refused(changes: dict[str, t.Any]) -> None:
    order = {**made(), **changes}
    if isinstance(order["media"], list) and all(isinstance(each, dict) for each in order["media"]):
        order["id"] = order_id(order)
    with pytest.raises(EvidenceError, match="the order lacks what a work order has, or has something else in its place"):
        read_order(order_bytes(order), "the order")


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"technique": "melt"},
            {"level": "purge"},
            {"protection_class": 2},
            {"due": "2027-01-01"},
            {"facility": "x"},
            {"issued_by": "bob"},
        ),
        *({"plan_id": "x"}, {"created": "2026-01-11T10:00:00Z"}, {"id": "WO-2026-01-10-0123456789"}),
        *({"media": [{**MEDIUM, name: "nvme" if name == "kind" else "other"}]} for name in MEDIUM if name not in ("state", "why")),
    ],
)
def test_an_order_that_was_changed_is_refused(change: dict[str, t.Any]) -> None:
    with pytest.raises(
        EvidenceError, match="does not order what its id 'WO-2026-01-1[0]?[^']*' stands for, so it was changed after it was made"
    ):
        read_order(order_bytes({**made(), **change}), "the order")


def test_how_things_stood_is_not_what_was_ordered() -> None:
    for change in ({"state": "in_custody"}, {"why": "another"}):
        assert order_id(made({**change})) == order_id(made())
    assert order_id({**made(), "created": "2026-01-10T23:59:59Z"}) == order_id(made())


def test_an_order_as_it_is_read() -> None:
    data = order_bytes(made({}, {"serial": "B 2"}, protection_class=3))
    read = read_order(data, "it")
    assert (read.technique, read.level, read.protection_class, read.serials) == ("shred", "destroy", 3, ["ZC11A0B7", "B 2"])
    assert read.named() == {"id": made({}, {"serial": "B 2"}, protection_class=3)["id"], "digest": digest(data)}
    assert read.created == dt.datetime(2026, 1, 10, 10, tzinfo=dt.timezone.utc)
    assert tuple(PHYSICAL)[:6] == ORDERABLE
    assert prefilled(MEDIUM, "melt") == dict(zip(PREFILLED, ("ZC11A0B7", "hdd", "melt", "Seagate", "ST4000", "IT-1")))


def judge(*rows: t.Any, order: Ordered | None = None, **rules: t.Any) -> list[Judged]:
    made_rules = {"level": "destroy", "now": NOW, "figures": figures(), "ordered": order or ordered(), **rules}
    return judge_results(copy.deepcopy(list(rows)), Rules(**made_rules))


def refusals(*rows: t.Any, order: Ordered | None = None, **rules: t.Any) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        judge(*rows, order=order, **rules)
    return [reason for refused in caught.value.details["refused"] for reason in refused["reasons"]]


@pytest.mark.parametrize("name", ["kind", "make", "model", "asset"])
def test_another_medium_than_the_order_has_is_refused(name: str) -> None:
    (reason,) = refusals(row(**{name: "sas_hdd" if name == "kind" else "other"}))
    assert reason.startswith(f"{name}: ") and f"is not what the work order has for this medium ({prefilled(MEDIUM, 'x')[name]!r})" in reason


def test_who_writes_a_make_otherwise_means_the_same() -> None:
    assert len(judge(row(make=" SEAGATE", model="st4000", asset="it-1"))) == 1
    assert len(judge(row(make="Toshiba"), order=ordered({"make": ""}))) == 1, "the order has none"


@pytest.mark.parametrize("technique", ["degauss", "cut", "bend", "drill"])
def test_a_weaker_technique_is_refused(technique: str) -> None:
    reached = PHYSICAL[technique].level
    words = f"is not what was ordered (shred), and reaches {reached} where the work order asks for destroy; have it done as ordered"
    assert any(reason.startswith(f"technique: {technique!r} {words}") for reason in refusals(row(technique)))


@pytest.mark.parametrize("technique", ["disintegrate", "pulverize", "incinerate", "melt"])
def test_another_technique_that_reaches_as_much_is_told(technique: str) -> None:
    (accepted,) = judge(row(technique))
    assert f"it was done by {technique}, and the work order asks for shred" in accepted.limits
    (as_ordered,) = judge(row())
    assert not any("work order" in limit for limit in as_ordered.limits)


def test_an_order_to_purge_takes_a_stronger_technique() -> None:
    order = ordered(technique="degauss", level="purge")
    assert (
        len(judge(row("degauss"), row(serial="B2"), order=ordered({}, {"serial": "B2"}, technique="degauss", level="purge"), level="purge"))
        == 2
    )
    assert refusals(row("drill"), order=order, level="purge")


def test_work_before_its_order_is_told() -> None:
    (accepted,) = judge(row(), order=ordered(created="2026-02-01T00:00:00Z"))
    assert "by its date it was done before its work order was made" in accepted.limits


def test_blank_rows_are_no_results_and_keep_their_numbers() -> None:
    order = ordered({}, {"serial": "B2"}, {"serial": "C3"})
    blank = {**prefilled(MEDIUM, "shred"), "place": "", "operator": None, "machine": "  "}
    (accepted,) = judge(blank, {**blank, "serial": "b2"}, row(serial="C3"), order=order)
    assert (accepted.number, accepted.serial) == (3, "C3")
    assert judge(blank, order=order) == []
    # A blank row beside a filled one of the same medium says nothing against it.
    assert len(judge(blank, row(), order=order)) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"serial": "X9"}, "date: nothing is given"),
        ({"serial": "ZC11A0B7", "place": "Warsaw"}, "operator: nothing is given"),
        ({"serial": "ZC11A0B7", "kind": "hdd", "technique": "shred", "operator": "Anna Nowak"}, "second_person: nothing is given"),
        ("ZC11A0B7", "is not a mapping"),
    ],
)
def test_a_row_that_is_partly_filled_or_of_another_medium_is_judged(value: t.Any, words: str) -> None:
    assert any(words in reason for reason in refusals(value))


def test_without_an_order_a_blank_row_is_faulty() -> None:
    with pytest.raises(RefusedError, match="date: nothing is given"):
        judge_results([prefilled(MEDIUM, "shred")], Rules(figures=figures(), level="destroy", now=NOW))


def test_the_evidence_names_the_order() -> None:
    (accepted,) = judge(row())
    assert accepted.proof["order"] == ordered().named()
    (free,) = judge_results([row()], Rules(figures=figures(), level="destroy", now=NOW))
    assert "order" not in free.proof and free.facts == accepted.facts
