# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it: refusals that write nothing, the four runs, what is recorded, and interruptions."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.physical import media_destruction_of
from ansible_collections.recordings.disposal.plugins.modules.media_destruction import main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import OWN, row
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Run = t.Callable[..., dict[str, t.Any]]
CHECK = {"by": "Ewa Lis", "date": "2026-01-16T09:00:00+01:00", "serials": ["A1"], "found": "as_stated"}
VENDOR = {"name": "Destruction Ltd.", "certificate": "sha256:" + "0" * 64, "sample_check": CHECK}
NONE = {"destroyed": 0, "not_destroyed": 0, "unknown": 0}


@pytest.fixture
def state(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "state"


@pytest.fixture
def record(state: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*rows: dict[str, t.Any], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        given = {"results": list(rows), "level": "destroy", "state_dir": str(state)}
        return run(main, capsys, monkeypatch, check=check, **{**given, **options})

    return call


def refused(state: pathlib.Path, record: Run, words: str, *rows: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """Refused with the words in both modes, and nothing was written."""
    before = fingerprint(state) if state.exists() else None
    for check in (True, False):
        result = record(*rows, check=check, **options)
        assert result.get("failed") and words in result["msg"], result
        assert "\n" not in result["msg"] and not result["changed"] and result["evidence"] == [] and result["outcome"] != "destroyed"
        assert {"counts", "level", "ansible_facts", "limits", "open"} <= result.keys() and result["level"]["achieved"] == "none"
    assert (fingerprint(state) if state.exists() else None) == before
    return result


def lines(state: pathlib.Path) -> list[dict[str, t.Any]]:
    """All records of all journals, each journal whole."""
    found = []
    for path in sorted((state / "runs").glob("*/journal.jsonl")):
        records = list(read_journal(path))
        assert JournalState.fold(records).closed
        found += records
    return found


def test_one_bad_row_keeps_all_from_being_recorded(state: pathlib.Path, record: Run) -> None:
    result = refused(state, record, "1 of 2 results cannot be accepted", row(serial="A1"), row(serial="B2", particle="320"))
    assert [(each["row"], each["serial"]) for each in result["refused"]] == [(2, "B2")] and result["counts"] == NONE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"figures": {"din_h_5": {"value": "300 mm2"}}}, "the figure din_h_5 must have value, edition, source and nothing else"),
        ({"figures": {"degauss_factor": {"value": 1, **OWN}}}, "never weaker"),
        ({"expected": ["X9"]}, "is not among the serials of the work order"),
        ({"expected": ["A1", "a1"]}, "are blank or stand twice (a1)"),
        ({"expected": ["A1", " "]}, "are blank or stand twice (a blank one)"),
        ({"operators": []}, "is not among the operators trained for shred"),
        ({"operators": [{"name": "Anna Nowak", "valid_until": "never"}]}, "the list of operators is not valid"),
        ({"photos_dir": "/nowhere"}, "the photos_dir /nowhere cannot be read"),
        ({"state_dir": "relative/state"}, "is not an absolute path"),
        ({"results": []}, "0 results are given"),
        (
            {"results": [row(serial=f"A{number}") for number in range(201)]},
            "201 results are given, so nothing was recorded; give from 1 to 200",
        ),
        ({"protection_class": 1}, "protection_class: 1 is unfit for personal data"),
    ],
)
def test_faulty_options_are_refused(state: pathlib.Path, record: Run, options: dict[str, t.Any], words: str) -> None:
    refused(state, record, words, row(serial="A1"), **options)


def test_a_row_that_is_degaussed_flash_is_refused(state: pathlib.Path, record: Run) -> None:
    refused(state, record, "row 1 (serial ZC11A0B7): technique: 'degauss' does not reach", row("degauss", kind="nvme"), level="purge")


def test_the_four_runs(state: pathlib.Path, record: Run) -> None:
    rows = [row(serial="A1"), row("melt", serial="B2"), row("incinerate", serial="C3", kind="nvme")]
    checked = record(*rows, check=True)
    assert checked["changed"] and checked["counts"] == NONE and checked["outcome"] == "not_destroyed" and not state.exists()
    done = record(*rows)
    assert done["changed"] and done["outcome"] == "destroyed" and done["counts"] == {**NONE, "destroyed": 3}
    assert done["level"] == {"required": "destroy", "achieved": "destroy", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
    assert [(each["serial"], each["technique"], each["outcome"]) for each in done["evidence"]] == [
        ("A1", "shred", "destroyed"),
        ("B2", "melt", "destroyed"),
        ("C3", "incinerate", "destroyed"),
    ]
    assert done["evidence"][0]["particles"] == "H-6" and (state / done["evidence"][0]["journal"]).exists()
    assert done["ansible_facts"]["disposal_evidence"]["records"] == 3
    left = fingerprint(state / "runs")
    for check in (False, True):
        again = record(*rows, check=check)
        assert not again["changed"] and again["evidence"] == done["evidence"] and again["outcome"] == "destroyed"
        assert again["ansible_facts"] == done["ansible_facts"] and again["limits"] == done["limits"]
    assert fingerprint(state / "runs") == left
    more = record(*rows, row(serial="D4"))
    assert more["changed"] and more["counts"]["destroyed"] == 4 and len(list((state / "runs").iterdir())) == 4


def test_the_journal_tells_what_was_stated_and_by_which_figures(state: pathlib.Path, record: Run) -> None:
    record(row())
    opening, intent, outcome, _close = lines(state)
    assert [opening["type"], intent["type"], outcome["type"]] == ["open", "intent", "outcome"] and intent["method"]["technique"] == "shred"
    assert outcome["level"] == {"required": "destroy", "achieved": "destroy", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
    proof = outcome["proof"]
    assert proof["row"]["operator"] == "Anna Nowak" and proof["row"]["particle"] == "9.5 mm2" and proof["time"] == "2026-01-15T13:05:00Z"
    assert proof["figures"]["din_h_5"] == {
        **{"value": "320 mm2", "edition": "ISO/IEC 21964-1:2018 (DIN 66399-1:2012)"},
        **{"source": "vendors' pages that quote it", "confidence": "S"},
    }


def test_persons_are_in_the_journal_and_in_no_result(record: Run) -> None:
    trained = [{"name": "Anna Nowak", "valid_until": "2027-01-01"}]
    for rows in ([row()], [row(second_person="anna nowak")]):
        assert "nowak" not in json.dumps(record(*rows, operators=trained)).casefold()


def test_what_is_recorded_and_destroys_nothing_fails_and_is_recorded_once(state: pathlib.Path, record: Run) -> None:
    rows = [row("drill", serial="A1"), row(serial="B2")]
    checked = record(*rows, check=True)
    assert checked["failed"] and checked["changed"] and "would be recorded: row 1 (serial A1): drill leaves data" in checked["msg"]
    assert not state.exists()
    done = record(*rows)
    assert (
        done["failed"] and done["changed"] and "1 of 2 media are not destroyed, although what was done to them is recorded" in done["msg"]
    )
    assert done["outcome"] == "not_destroyed" and done["counts"] == {"destroyed": 1, "not_destroyed": 1, "unknown": 0}
    assert done["level"]["achieved"] == "none" and done["evidence"][0]["outcome"] == "not_destroyed"
    again = record(*rows)
    assert again["failed"] and not again["changed"] and again["evidence"] == done["evidence"]


def test_a_medium_goes_from_weak_to_strong_and_is_destroyed_once(state: pathlib.Path, record: Run) -> None:
    purged = record(row("degauss"), level="purge")
    assert purged["outcome"] == "destroyed" and purged["level"]["achieved"] == "purge"
    weak = record(row("degauss"))
    assert weak["failed"] and weak["outcome"] == "not_destroyed" and weak["level"]["achieved"] == "purge"
    assert lines(state)[-2]["outcome"] in ("destroyed", "not_destroyed")
    assert record(row())["outcome"] == "destroyed"
    assert not record(row("degauss"), level="purge")["changed"] and not record(row())["changed"]
    for other in (row("melt"), row(place="Katowice"), row(serial="zc11a0b7")):
        refused(state, record, "is recorded already, with other facts, as destroyed by shred (run ", other)


def test_a_serial_without_result_stays_open(record: Run) -> None:
    result = record(row(serial="A1"), expected=["A1", "B2"])
    assert (
        not result.get("failed") and result["outcome"] == "unknown" and result["open"] == ["B2"] and result["level"]["achieved"] == "none"
    )
    assert result["counts"] == {"destroyed": 1, "not_destroyed": 0, "unknown": 1} and "stay open" in str(result["warnings"])
    assert record(row(serial="A1"), row(serial="B2"), expected=["A1", "B2"])["outcome"] == "destroyed"


def test_photos_by_digest(state: pathlib.Path, record: Run, tmp_path: pathlib.Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "1.jpg").write_bytes(b"picture")
    digests = ["sha256:" + hashlib.sha256(data).hexdigest() for data in (b"picture", b"another")]
    refused(state, record, f"photos[1]: '{digests[1]}' is the digest of no file", row(photos=digests), photos_dir=str(photos))
    assert record(row(photos=digests[:1]), photos_dir=str(photos))["outcome"] == "destroyed"


@pytest.mark.parametrize(
    ("vendor", "expected", "words"),
    [
        ({}, ["A1", "B2", "C3"], "it lacks 1 of 3 media that were handed over (C3), which stay open"),
        ({}, ["A1"], "it names 1 that nobody handed over (B2)"),
        ({}, ["A1", "C3"], "it lacks 1 of 2 media that were handed over (C3), which stay open and it names 1 that nobody handed over (B2)"),
        ({"certificate": "md5:00"}, ["A1", "B2"], "certificate: 'md5:00' is not a digest of the form sha256:"),
        ({"certificate_file": "/nowhere/c.pdf"}, ["A1", "B2"], "the file /nowhere/c.pdf cannot be read"),
        (
            {"sample_check": {**CHECK, "found": "deviates"}},
            ["A1", "B2"],
            "means that the media were not destroyed as the certificate states",
        ),
        ({"sample_check": {**CHECK, "serials": ["X9"]}}, ["A1", "B2"], "the sample check names media that are not in the results (X9)"),
        ({"sample_check": {**CHECK, "serials": []}}, ["A1", "B2"], "sample_check.serials: [] has fewer than 1 elements"),
        ({"sample_check": {**CHECK, "date": "2999-01-01T00:00:00Z"}}, ["A1", "B2"], "is in the future"),
        ({"sample_check": {**CHECK, "date": "yesterday"}}, ["A1", "B2"], "is not a time of RFC 3339"),
        ({"sample_check": {**CHECK, "by": "anna nowak"}}, ["A1", "B2"], "the sample check was made by an operator of the vendor"),
    ],
)
def test_a_vendor_who_does_not_account_for_each_is_refused(
    state: pathlib.Path, record: Run, vendor: dict[str, t.Any], expected: list[str], words: str
) -> None:
    result = refused(state, record, words, row(serial="A1"), row(serial="B2"), vendor={**VENDOR, **vendor}, expected=expected)
    lacking = [serial for serial in expected if serial not in ("A1", "B2")]
    assert result["open"] == lacking and result["counts"]["unknown"] == len(lacking)
    assert result["outcome"] == ("unknown" if lacking else "not_destroyed")


def test_a_vendor_without_a_list_of_what_was_handed_over_is_refused(state: pathlib.Path, record: Run) -> None:
    result = record(row(serial="A1"), vendor=VENDOR)
    assert result["failed"] and "expected" in result["msg"] and not state.exists()


def test_a_vendors_certificate_is_recorded_with_each_medium(state: pathlib.Path, record: Run, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "certificate.pdf"
    file.write_bytes(b"certificate")
    given = {"vendor": {**VENDOR, "certificate_file": str(file)}, "expected": ["A1", "B2"]}
    refused(state, record, f"the certificate_file {file} has the digest sha256:", row(serial="A1"), row(serial="B2"), **given)
    given["vendor"] = {**VENDOR, "certificate": "sha256:" + hashlib.sha256(b"certificate").hexdigest(), "certificate_file": str(file)}
    done = record(row(serial="A1"), row(serial="B2"), **given)
    assert done["outcome"] == "destroyed" and any("looked at the media of the sample check only" in limit for limit in done["limits"])
    told = [line["proof"]["row"]["vendor"] for line in lines(state) if line["type"] == "outcome"]
    assert len(told) == 2 and all(each["name"] == "Destruction Ltd." and each["sample_check"]["serials"] == ["A1"] for each in told)
    assert not record(row(serial="A1"), row(serial="B2"), **given)["changed"]


def test_a_file_that_is_wrong_throughout_names_every_row_below_64_kib(state: pathlib.Path, record: Run) -> None:
    rows = [row(serial=f"S4EWNX0M5{number:05}", particle="320", samples="x", date="today", colour="red") for number in range(200)]
    result = refused(state, record, "200 of 200 results cannot be accepted", *rows)
    assert len(json.dumps(result)) < 64 << 10 and [each["row"] for each in result["refused"]] == list(range(1, 201))
    assert all(each["reasons"][0].endswith("(and 3 more)") for each in result["refused"]) and "and 190 more rows" in result["msg"]


def test_two_hundred_results_are_recorded_below_64_kib(record: Run) -> None:
    rows = [row("disintegrate", serial=f"S4EWNX0M5{number:05}") for number in range(200)]
    expected = [*(each["serial"] for each in rows), *(f"S4EWNX0M6{number:05}" for number in range(300))]
    result = record(*rows, expected=expected)
    assert result["counts"] == {"destroyed": 200, "not_destroyed": 0, "unknown": 300} and len(result["open"]) == 200
    assert len(result["evidence"]) == 200 and len(json.dumps(result)) < 64 << 10


@pytest.mark.parametrize("at", range(1, 34))
def test_dead_at_any_operation_and_brought_to_its_end(state: pathlib.Path, record: Run, at: int) -> None:
    rows = [row(serial="A1"), row("melt", serial="B2")]
    params: dict[str, t.Any] = dict.fromkeys(("protection_class", "expected", "operators", "vendor", "photos_dir", "figures"))

    class Dying(Executor):
        left = at

        def _allow(self, what: str) -> None:
            Dying.left -= 1
            if Dying.left == 0:
                os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            media_destruction_of({**params, "results": rows, "level": "destroy", "state_dir": str(state)}, Dying(), check_mode=False)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    checked = record(*rows, check=True)
    assert not checked.get("failed"), checked["msg"]
    done = record(*rows)
    assert done["outcome"] == "destroyed" and done["changed"] == checked["changed"], done
    assert [line["type"] for line in lines(state)].count("outcome") == 2
    assert not record(*rows)["changed"]


def test_another_result_waits_until_the_one_that_was_cut_off_is_ended(state: pathlib.Path, record: Run) -> None:
    record(row())
    (journal,) = (state / "runs").glob("*/journal.jsonl")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))
    refused(state, record, "has another result whose recording was cut off; give that once more first", row("melt"))
    assert record(row())["changed"]
