# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import functools
import json
import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.modules.legal_hold import main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def hold(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return functools.partial(run, main, capsys, monkeypatch, id="H-1", dir=str(tmp_path / "state" / "holds"))


PLACE: dict[str, t.Any] = {"match": {"src": ["+48600100200"]}, "reason": "case 7", "placed_by": "anna@example.com"}
RELEASE: dict[str, t.Any] = {"state": "released", "released_by": "bartek@example.com"}


def four_runs(tmp_path: pathlib.Path, hold: Run, options: dict[str, t.Any]) -> None:
    before = fingerprint(tmp_path)
    checked = hold(check=True, **options)
    assert checked["changed"] and fingerprint(tmp_path) == before
    done = hold(**options)
    after = fingerprint(tmp_path)
    assert done["changed"] and after != before
    assert done["diff"]["before"] == checked["diff"]["before"]
    again = hold(**options)
    assert not again["changed"] and fingerprint(tmp_path) == after
    checked = hold(check=True, **options)
    assert not checked["changed"] and fingerprint(tmp_path) == after
    assert again["state"] == checked["state"] == done["state"] and again["generation"] == done["generation"]
    for result in (done, again, checked):
        told = json.dumps({name: value for name, value in result.items() if name != "diff"})
        assert "+48600100200" not in told and "case 7" not in told


def test_place_and_release(tmp_path: pathlib.Path, hold: Run) -> None:
    four_runs(tmp_path, hold, PLACE)
    assert hold(**PLACE)["state"] == "present"
    path = tmp_path / "state" / "holds" / "H-1.json"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(path.read_text())["match"] == PLACE["match"]
    four_runs(tmp_path, hold, RELEASE)
    document = json.loads(path.read_text())
    assert document["released_by"] == "bartek@example.com" and document["match"] == PLACE["match"]
    released = hold(**RELEASE)
    assert released["in_force_until"] > document["released"]
    assert released["state"] == "released" and released["document"] == str(path)


def test_a_second_release_does_not_change_the_first(tmp_path: pathlib.Path, hold: Run) -> None:
    hold(**PLACE)
    hold(**RELEASE)
    before = fingerprint(tmp_path)
    result = hold(**RELEASE, cooling="P90D")
    assert result["failed"] and "with the cooling P30D, which a second release does not change" in result["msg"]
    assert fingerprint(tmp_path) == before
    assert not hold(**RELEASE, cooling="P30D")["changed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"match": {"src": ["1"]}}, "stands already with another match; a hold is never narrowed silently"),
        ({"reason": "other"}, "stands already with another reason"),
        ({"where": "metadata.a == 'b'"}, "stands already with another where"),
    ],
)
def test_a_hold_is_never_changed(tmp_path: pathlib.Path, hold: Run, change: dict[str, t.Any], words: str) -> None:
    hold(**PLACE)
    before = fingerprint(tmp_path)
    for check in (True, False):
        result = hold(check=check, **{**PLACE, **change})
        assert result["failed"] and words in result["msg"]
    assert fingerprint(tmp_path) == before


def test_a_released_hold_is_not_placed_again(tmp_path: pathlib.Path, hold: Run) -> None:
    hold(**PLACE)
    hold(**RELEASE)
    before = fingerprint(tmp_path)
    result = hold(**PLACE)
    assert result["failed"] and "was released at" in result["msg"] and fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (RELEASE, "there is no hold H-1 in"),
        ({**PLACE, "match": {"srk": ["1"]}}, "is under an unknown field"),
        ({**PLACE, "match": {"src": []}}, "has fewer than 1 elements"),
        ({**PLACE, "where": "metadata.a ="}, "is not a JMESPath expression"),
        ({**PLACE, "id": "../H-1"}, "is not an id of letters, digits, dots and hyphens"),
        ({**PLACE, "id": "a/b"}, "is not an id of letters"),
        ({**PLACE, "reason": " "}, "is not a text"),
        ({**PLACE, "review_by": "soon"}, "is not a date"),
        ({**PLACE, "cooling": "P1"}, "is not an ISO 8601 period"),
        ({"reason": "x", "placed_by": "a"}, "state is present but any of the following are missing: match, where"),
        ({"match": {}}, "state is present but all of the following are missing: reason, placed_by"),
        ({"state": "released"}, "missing: released_by"),
    ],
)
def test_refusals(tmp_path: pathlib.Path, hold: Run, options: dict[str, t.Any], words: str) -> None:
    for check in (True, False):
        result = hold(check=check, **options)
        assert result["failed"] and words in result["msg"]
    assert fingerprint(tmp_path) == {}


def test_a_cooling_period_beyond_all_dates(tmp_path: pathlib.Path, hold: Run) -> None:
    hold(**PLACE)
    before = fingerprint(tmp_path)
    result = hold(**RELEASE, cooling="P9999Y")
    assert result["failed"] and "after the year 9999" in result["msg"] and fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    ("own", "given", "refused"),
    [
        (None, "P29D", True),
        (None, "P0D", True),
        (None, "P27D", True),
        (None, "PT719H", True),
        ("P60D", "P30D", True),
        ("P1Y", "P11M", True),
        ("P2M", "P58D", True),
        (None, "P30D", False),
        (None, "PT720H", False),
        (None, "P60D", False),
        ("P12M", "P1Y", False),
        ("P1M", "P32D", False),
        ("P10D", "P10D", False),
    ],
)
def test_a_release_may_only_lengthen_the_cooling(tmp_path: pathlib.Path, hold: Run, own: str | None, given: str, refused: bool) -> None:
    hold(**PLACE, **({"cooling": own} if own else {}))
    before = fingerprint(tmp_path)
    for check in (True, False):
        result = hold(check=check, **RELEASE, cooling=given)
        if refused:
            assert result["failed"] and result["msg"].startswith(f"the cooling {given} ends on 20")
            assert f"before the cooling of the hold H-1 itself, {own or 'P30D'}, ends on 20" in result["msg"]
            assert result["msg"].endswith("; a release may only lengthen it: give a longer one, or none")
            assert fingerprint(tmp_path) == before
        else:
            assert result["changed"] and result["in_force_until"]


def test_a_clock_that_went_back_cannot_release(tmp_path: pathlib.Path, hold: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(**PLACE)
    before = fingerprint(tmp_path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86400 * 2)
    result = hold(**RELEASE)
    assert result["failed"] and "released: the str there is before placed" in result["msg"] and fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    "text", ['{"id": "H-2", "match": {"src": ["1"]}, "match": {}}', '{"id": "H-2", "match": {"src": ["1"], "src": ["2"]}}']
)
def test_a_hold_with_a_key_twice_is_not_taken_last_wins(tmp_path: pathlib.Path, hold: Run, text: str) -> None:
    hold(**PLACE)
    (tmp_path / "state" / "holds" / "H-2.json").write_text(text)
    before = fingerprint(tmp_path)
    result = hold(**RELEASE)
    key = "match" if text.endswith("{}}") else "src"
    assert result["failed"] and fingerprint(tmp_path) == before
    assert f"holds/H-2.json cannot be read (the key {key} stands twice in one mapping); repair it" in result["msg"]


def test_a_spoilt_hold_beside_it_and_a_link(tmp_path: pathlib.Path, hold: Run) -> None:
    hold(**PLACE)
    holds = tmp_path / "state" / "holds"
    (holds / "H-2.json").write_text("{")
    before = fingerprint(tmp_path)
    result = hold(**{**PLACE, "id": "H-3"})
    assert result["failed"] and "a hold must not be taken for none" in result["msg"] and fingerprint(tmp_path) == before
    os.rename(holds, tmp_path / "elsewhere")
    holds.symlink_to(tmp_path / "elsewhere")
    result = hold(**{**PLACE, "id": "H-3"})
    assert result["failed"] and "a symbolic link" in result["msg"]


def test_a_hold_in_a_file_of_another_name_is_released_in_that_file(tmp_path: pathlib.Path, hold: Run) -> None:
    """Else the other file would go on holding."""
    hold(**PLACE)
    holds = tmp_path / "state" / "holds"
    (holds / "H-1.json").rename(holds / "case.json")
    assert hold(**RELEASE)["changed"]
    assert [path.name for path in holds.iterdir()] == ["case.json"]
    assert json.loads((holds / "case.json").read_text())["released_by"] == "bartek@example.com"


def test_a_relative_directory_is_refused(tmp_path: pathlib.Path, hold: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = hold(**PLACE, dir="state/holds")
    assert result["failed"] and "is not an absolute path, so the hold might lie where nothing reads it" in result["msg"]
    assert not (tmp_path / "state").exists()


def test_a_linked_state_directory_is_refused(tmp_path: pathlib.Path, hold: Run) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    result = hold(**PLACE, dir=str(tmp_path / "linked" / "holds"))
    assert result["failed"] and "is, or lies in, a symbolic link" in result["msg"]
    assert not list((tmp_path / "real").iterdir())
