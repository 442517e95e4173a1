# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconciliation names, kind by kind; what a host does not tell is never said to be missing."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.plugin_utils._fleet import look_over
from ansible_collections.recordings.disposal.plugins.plugin_utils._reconcile import FINDINGS, reconcile
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import Row, read_register
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import drive, entry

UNTOLD = {"unavailable": "the medium does not tell it"}


def found(entries: list[dict[str, str]], hosts: dict[str, t.Any], only: set[str] | None = None) -> list[tuple[str, str]]:
    register = read_register("r", [Row(f"row {number}", row) for number, row in enumerate(entries, 1)])
    results = {host: {"media": rows} if isinstance(rows, list) else rows for host, rows in hosts.items()}
    named = only or {row["host"] for row in entries if row.get("host")} | set(hosts)
    report = reconcile(register, look_over(results, named))
    assert sum(report["counts"].values()) == len(report["findings"])
    assert set(report["counts"]) == set(FINDINGS)
    return [(row["finding"], row["serial"] or row["hosts"][0]) for row in report["findings"]]


def test_all_is_well() -> None:
    assert found([entry("S1"), entry("S2", host="rec2")], {"rec1": [drive("S1")], "rec2": [drive("s2 ")]}) == []


@pytest.mark.parametrize(
    "row",
    [
        drive("", name="vda", kind="virtual", serial=UNTOLD),
        drive("V1", name="vdb", kind="unknown", transport="virtio"),
        drive("", name="loop0", kind="loop", serial=UNTOLD),
        drive("", name="zram0", kind="memory", serial=UNTOLD),
        drive("ODD1", name="sr0", kind="optical"),
        drive("LTODRIVE", name="nst0", kind="tape", tape={"unavailable": "mt is not installed"}),
        drive("LTODRIVE", name="nst0", kind="tape", tape={"loaded": False, "cartridge": UNTOLD}),
    ],
)
def test_what_is_no_medium(row: dict[str, t.Any]) -> None:
    assert found([], {"rec1": [row]}) == []


def test_unknown_and_missing() -> None:
    assert found([entry("S1")], {"rec1": [drive("S2")]}) == [("unknown", "S2"), ("missing", "S1")]


def test_an_unknown_drive_tells_its_entry() -> None:
    report = reconcile(read_register("r", []), look_over({"rec1": {"media": [drive("S2", bay="Slot 1")]}}, ["rec1"]))
    assert report["findings"][0]["entry"] == {
        **{"serial": "S2", "kind": "sata_ssd", "make": "ATA", "model": "Samsung SSD 870 EVO 4TB", "host": "rec1", "bay": "Slot 1"},
        "size_bytes": "4000787030016",
    }


def test_twice() -> None:
    assert found([entry("S1")], {"rec1": [drive("S1")], "rec2": [drive("S1")]}) == [("twice", "S1")]
    assert found([], {"rec1": [drive("S1")], "rec2": [drive("S1")], "rec3": [drive("S1")]}) == [("twice", "S1")]
    assert found([entry("S1")], {"rec1": [drive("S1", wwn=["a"]), drive("s1", wwn=["b"])]}) == [("twice", "S1")]


def test_paths_and_namespaces_are_one_drive() -> None:
    paths = [drive("S1", name="sda", wwn=["a"]), drive("S1", name="sdb", wwn=["a"])]
    assert found([entry("S1")], {"rec1": paths}) == []
    spaces = [drive("S1", name=f"nvme0n{n}", kind="nvme", wwn=[str(n)], size_bytes=9, namespaces=["nvme0n1", "nvme0n2"]) for n in (1, 2)]
    assert found([entry("S1", kind="nvme")], {"rec1": spaces}) == []
    told = [{**row, "hidden_capacity": {"native_bytes": 10}} for row in spaces]
    assert found([entry("S1", kind="nvme", size_bytes="10")], {"rec1": told}) == []
    assert found([entry("S1", kind="nvme", size_bytes="9")], {"rec1": told}) == [("contradicted", "S1")]


def test_swapped() -> None:
    hosts = {"rec1": [drive("S2", bay="Slot 02")], "rec2": [drive("S1")]}
    assert found([entry("S1"), entry("S2", host="rec2")], hosts) == [("swapped", "S1"), ("swapped", "S2")]
    assert found([entry("S2", bay="slot  02")], {"rec1": [drive("S2", bay="Slot 02")]}) == []
    assert found([entry("S2", bay="Slot 01")], {"rec1": [drive("S2", bay="Slot 02")]}) == [("swapped", "S2")]
    assert found([entry("S2", bay="Slot 01")], {"rec1": [drive("S2")]}) == []


@pytest.mark.parametrize(
    ("registered", "row"),
    [
        ({"kind": "hdd"}, {}),
        ({"model": "MG08"}, {}),
        ({"size_bytes": "4000787030015"}, {}),
        ({"state": "destroyed"}, {}),
        ({"state": "reused"}, {}),
        ({"state": "in_custody", "custody": "storage at safe 2"}, {}),
    ],
)
def test_contradicted(registered: dict[str, str], row: dict[str, t.Any]) -> None:
    assert found([entry("S1", **registered)], {"rec1": [drive("S1", **row)]}) == [("contradicted", "S1")]


@pytest.mark.parametrize(
    ("registered", "row"),
    [
        ({"model": "870 evo-4TB"}, {}),
        ({"model": "Samsung SSD 870 EVO 4TB MZ-77E4T0"}, {}),
        ({"model": "SSD 870 EVO 4TB", "make": "Samsung"}, {"vendor": UNTOLD, "model": UNTOLD}),
        ({"model": "Samsung SSD 870 EVO 4TB"}, {"vendor": "Samsung", "model": "SSD 870 EVO"}),
        ({"size_bytes": ""}, {}),
        ({"size_bytes": "4000787030017"}, {"hidden_capacity": {"native_bytes": 4000787030017}}),
        ({"kind": "hdd"}, {"kind": "usb", "bridge": True}),
        ({"kind": "hdd"}, {"kind": "unknown"}),
    ],
)
def test_not_contradicted(registered: dict[str, str], row: dict[str, t.Any]) -> None:
    assert found([entry("S1", **registered)], {"rec1": [drive("S1", **row)]}) == []


def test_a_drive_with_the_serials_of_two_entries() -> None:
    assert found([entry("S1"), entry("S2")], {"rec1": [drive("S1", serial=["S1", "S2"])]}) == [("contradicted", "S1")]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"unreachable": True, "msg": "Failed to connect\n to the host"}, "Failed to connect to the host"),
        ({"failed": True, "msg": "no", "media": []}, "no"),
        ({"skipped": True}, "its result tells no media"),
        ({"media": [None]}, "its result tells no media"),
        ({}, "it was not asked"),
        (None, "it was not asked"),
    ],
)
def test_silent_hosts(result: t.Any, why: str) -> None:
    assert found([entry("S1")], {"rec1": result}) == [("unseen", "S1"), ("silent", "rec1")]
    fleet = look_over({"rec1": result}, ["rec1"])
    assert fleet.silent == {"rec1": why}


def test_a_host_that_was_not_asked() -> None:
    entries = [entry("S1"), entry("S2", host="rec2")]
    assert found(entries, {"rec1": [drive("S1")]}) == [("unseen", "S2"), ("silent", "rec2")]
    assert found(entries, {"rec1": [drive("S1")]}, only={"rec1"}) == []


@pytest.mark.parametrize(
    "row",
    [
        drive("", serial=UNTOLD),
        drive("R1", kind="volume", behind={"unavailable": "smartctl is not installed"}),
        drive("R1", kind="volume", behind=[{"serial": UNTOLD}, {"serial": "S9"}]),
        drive("L1", kind="tape", tape={"loaded": True, "cartridge": UNTOLD}),
    ],
)
def test_what_cannot_be_named_hides_any_medium(row: dict[str, t.Any]) -> None:
    assert found([entry("S1"), entry("S9")], {"rec1": [row, drive("S9")]}) == [("unseen", "S1"), ("unnamed", "rec1")]


def test_drives_behind_a_volume() -> None:
    behind = [{"serial": "S1", "model": "SSD 870 EVO 4TB", "size_bytes": 4000787030016}, {"serial": "S2"}]
    assert found([entry("S1")], {"rec1": [drive("R1", kind="volume", behind=behind)]}) == [("unknown", "S2")]


def test_tapes_are_seen_only_while_they_are_in_a_drive() -> None:
    tape = {"loaded": True, "cartridge": {"serial": "T1", "manufacturer": "HP", "capacity_bytes": 12}}
    entries = [entry("T1", kind="tape", model="", size_bytes=""), entry("T2", kind="tape", host="")]
    assert found(entries, {"rec1": [drive("L1", kind="tape", tape=tape)]}) == []


def test_who_is_out_of_the_house_is_not_looked_for() -> None:
    entries = [entry("S1", state="destroyed"), entry("S2", state="reused"), entry("S3", state="in_custody", host="")]
    assert found(entries, {"rec1": []}) == []


def test_the_guide_names_all_kinds() -> None:
    page = (pathlib.Path(__file__).resolve().parents[4] / "docs" / "register.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in FINDINGS)


@pytest.mark.parametrize(
    ("one", "other", "twice"),
    [
        # Two bridges that answer with the serial of their maker, and tell no WWN.
        (drive("S1", name="sda", kind="usb", wwn=[]), drive("S1", name="sdb", kind="usb", wwn=[], size_bytes=1 << 30), True),
        (drive("S1", name="sda", kind="usb", wwn=[]), drive("S1", name="sdb", kind="usb", wwn=[]), True),
        (drive("S1", name="nvme0n1", kind="nvme", wwn=["eui.1"]), drive("S1", name="nvme1n1", kind="nvme", wwn=["eui.2"]), True),
        (drive("S1", name="nvme0n1", kind="nvme", model="A"), drive("S1", name="nvme0n2", kind="nvme", model="B"), True),
        (drive("S1", name="nvme0n1", kind="nvme", wwn=["eui.1"]), drive("S1", name="nvme0n2", kind="nvme", wwn=["eui.2"]), False),
        (drive("S1", name="sda", wwn=["5001"]), drive("S1", name="sdb", wwn=["5001"]), False),
    ],
)
def test_two_drives_with_one_serial_are_two(one: dict[str, t.Any], other: dict[str, t.Any], twice: bool) -> None:
    entries = [entry("S1", kind=one["kind"], model="", size_bytes="")]
    assert (("twice", "S1") in found(entries, {"rec1": [one, other]})) == twice
