# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that reports on the fleet: what it refuses, what it names, what its pages hold."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import re
import shutil
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.action.fleet_report import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_people import Reviews
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_signed import Signers
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.report_world import NOW, SITES, ReportWorld, found
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER

BOTH = pytest.mark.parametrize("code", ["en", "pl"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ReportWorld:
    """Made once; whoever changes it takes a copy."""
    return ReportWorld(tmp_path_factory.mktemp("made")).standard().media()


@pytest.fixture
def world(made: ReportWorld, tmp_path: pathlib.Path) -> ReportWorld:
    shutil.copytree(made.path, tmp_path / "own")
    own = ReportWorld(tmp_path / "own")
    own.first = made.first
    return own


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> ReportWorld:
    """Everything is given; nobody changes it."""
    return ReportWorld(tmp_path_factory.mktemp("full")).standard().media().people().reviewed().outlook()


def task(world: ReportWorld, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    signers = world.path / "allowed_signers"
    signers.write_text(world.signers().allowed_signers, encoding="ascii")
    told: dict[str, t.Any] = {"dest": str(world.state), "hosts": [*SITES, "spare1"], "sites": SITES, "old_after": "P366D"}
    told |= {"allowed_signers": str(signers), "signer": SIGNER, "register": str(world.register), **changes}
    given = {key: value for key, value in told.items() if value is not None}
    return run_action(ActionModule, "fleet_report", given, check_mode=check_mode)


def written(world: ReportWorld) -> list[str]:
    return [path.name for path in world.state.rglob("fleet.*")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signer": None}, "allowed_signers and signer belong together, and one of them is missing"),
        ({"allowed_signers": None}, "allowed_signers and signer belong together, and one of them is missing"),
        ({"allowed_signers": "nowhere"}, "the file of allowed signers .*nowhere cannot be read"),
        ({"dest": "nowhere"}, "the state directory .*nowhere is not there"),
        ({"ledger": "nowhere"}, "the ledger .*nowhere is missing and 2 runs are sealed"),
        ({"register": "nowhere.yml"}, "the register .*nowhere.yml cannot be read"),
        ({"sites": {"pbx9": "Łódź"}}, "sites names pbx9, which is not among hosts"),
        ({"sites": {"pbx1": {"name": "Łódź"}}}, "the site of pbx1 is no text"),
        ({"training_dir": "training"}, "the directory of training records .*training cannot be read"),
        ({"training_signers_file": "/dev/null"}, "training_dir and training_signers_file belong together, and training_dir is not given"),
        ({"reviews_dir": "reviews"}, "reviews_dir and review_signers belong together"),
        ({"reviews_dir": "nowhere", "review_signers": "/dev/null"}, "the directory of reviews .*nowhere cannot be read"),
        ({"forecast": "nowhere.json"}, "nowhere.json cannot be read"),
        ({"forecast": "/dev/null"}, "/dev/null is no regular file"),
        ({"old_after": "P1M"}, "old_after: 'P1M' counts months"),
        ({"old_after": "P400D"}, "old_after: 'P400D' is longer than 366 days"),
    ],
)
def test_what_cannot_be_reported_on_is_refused_and_nothing_is_written(world: ReportWorld, changes: dict[str, t.Any], words: str) -> None:
    before = snapshot(world.state)
    result = task(world, **changes)
    assert result["failed"] and not result["changed"]
    assert re.search(words, result["msg"]), result["msg"]
    assert snapshot(world.state) == before


def test_a_report_of_a_reconciliation_that_was_changed_is_refused(world: ReportWorld) -> None:
    report = next((world.state / "register" / "reports").iterdir())
    report.write_bytes(report.read_bytes().replace(b'"missing":1', b'"missing":0'))
    result = task(world)
    assert "is not what the log of the register names" in result["msg"]
    assert written(world) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"format": "recordings.disposal/forecast/2"},
            "has the format 'recordings.disposal/forecast/2', not recordings.disposal/forecast/1",
        ),
        ({"weeks": [{"week": "2026-11-23", "sets": -1}]}, r"weeks\[0\]\.sets is -1, not a whole number from 0 up"),
        ({"unknown_hosts": None}, "unknown_hosts is missing"),
    ],
)
def test_what_is_no_forecast_is_refused(full: ReportWorld, tmp_path: pathlib.Path, change: dict[str, t.Any], words: str) -> None:
    document = json.loads((full.state / "previews" / "forecast.json").read_bytes())
    path = tmp_path / "forecast.json"
    path.write_text(json.dumps({**document, **change}), encoding="ascii")
    with pytest.raises(RefusedError, match=words):
        full.report(forecast=str(path), output=str(tmp_path / "pages"))
    assert not (tmp_path / "pages").exists()


def gaps(result: dict[str, t.Any]) -> dict[str, list[str]]:
    return {gap["kind"]: gap["names"] for gap in result["gaps"]}


def test_a_run_that_cannot_be_believed_is_named_and_does_not_count(world: ReportWorld) -> None:
    whole = world.report()
    run = sorted((world.state / "runs").iterdir())[0]
    journal = run / "journals" / "pbx1.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"not_destroyed", b"destroyed", 1).replace(b"brokerage", b"brokerags", 1))
    result = world.report()
    assert gaps(result)["broken"] == [run.name]
    assert any(run.name in fault and "journals/pbx1.jsonl" in fault for fault in result["faults"])
    assert whole["totals"]["destroyed"] - result["totals"]["destroyed"] == 8
    assert run.name in Page(world.page()).text


def test_a_run_that_is_gone_and_one_that_nobody_sealed_are_named(world: ReportWorld) -> None:
    first, second = sorted(path.name for path in (world.state / "runs").iterdir() if (path / "statement.json").exists())
    shutil.rmtree(world.state / "runs" / first)
    planned = next(path for path in (world.state / "runs").iterdir() if not (path / "statement.json").exists())
    shutil.copy(world.state / "runs" / second / "journals" / "pbx1.jsonl", planned / "journals" / "pbx2.jsonl")
    result = world.report()
    assert gaps(result)["broken"] == [first]
    assert gaps(result)["unsealed"] == [planned.name]


def test_a_manifest_that_was_changed_does_not_count_as_a_plan(world: ReportWorld) -> None:
    plan = next(path for path in (world.state / "plans").iterdir() if b"pbx2" in (path / "manifest.json").read_bytes())
    manifest = plan / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    result = world.report()
    assert gaps(result)["plans"] == [plan.name]
    assert gaps(result)["no_plan"] == ["meet1", "pbx2", "spare1"]
    assert result["totals"]["due"] == 3


def test_a_figure_that_was_changed_in_a_manifest_is_not_reported(world: ReportWorld) -> None:
    plan = next(path for path in (world.state / "plans").iterdir() if b"pbx2" in (path / "manifest.json").read_bytes())
    manifest = json.loads((plan / "manifest.json").read_bytes())
    manifest["hosts"]["pbx2"]["verdicts"]["due"]["sets"] += 1
    (plan / "manifest.json").write_bytes(canonical(manifest) + b"\n")
    result = world.report()
    assert gaps(result)["plans"] == [plan.name] and gaps(result)["no_plan"] == ["meet1", "pbx2", "spare1"]
    assert any("has totals that are not the sums of its hosts, so one of the two was changed" in fault for fault in result["faults"])


def test_hosts_that_did_not_answer_just_now_are_named_with_the_figures_that_are_known(world: ReportWorld) -> None:
    results = {
        "pbx1": {"unreachable": True, "msg": "Failed to connect to 10.0.0.7, user jan.kowalski"},
        "dialer1": {"failed": True, "msg": "/rec/+48600100200.wav cannot be read"},
        "meet1": found("meet1", "2026-11-25T08:00:00Z", {"meetings": (6, 6)}),
        "spare1": {},
    }
    result = world.report(results=results)
    assert gaps(result) == {"unreachable": ["pbx1"], "failed": ["dialer1", "spare1"]}
    assert result["hosts"]["not_counted"] == ["spare1"]
    assert result["totals"]["due"] == 10 + 6
    text = world.page() + world.page("pl")
    assert "kowalski" not in text and "+48600100200" not in text


def test_without_evidence_and_register_the_page_says_so(world: ReportWorld) -> None:
    result = task(world, allowed_signers=None, signer=None, register=None)
    assert result["not_given"] == ["evidence", "forecast", "register", "training", "reviews"]
    assert gaps(result)["evidence"] == []
    assert "destroyed" not in result["totals"]
    text = Page((world.state / "reports" / "fleet.en.html").read_text(encoding="utf-8")).text
    for words in (
        "Evidence was not given",
        "A register of media was not given.",
        "Training records were not given.",
        "A forecast was not given.",
    ):
        assert words in text


def test_a_gap_fails_the_task_where_that_is_asked_for_and_the_pages_are_written(world: ReportWorld) -> None:
    result = task(world, on_gap="fail")
    assert result["failed"]
    assert "no_plan: meet1, spare1" in result["msg"]
    assert sorted(written(world)) == ["fleet.en.html", "fleet.pl.html"]
    assert "msg" not in task(world, on_gap="fail", hosts=["pbx1", "pbx2", "dialer1"], sites={})


def test_check_mode_writes_nothing_and_gives_the_same_figures(world: ReportWorld) -> None:
    before = snapshot(world.state)
    predicted = task(world, check_mode=True)
    assert snapshot(world.state) == before
    done = task(world)
    assert predicted["changed"] and done["changed"]
    assert {**predicted, "changed": 0} == {**done, "changed": 0}


def test_the_same_day_and_input_give_the_same_bytes(world: ReportWorld) -> None:
    first = world.report()
    pages = {code: world.page(code) for code in ("en", "pl")}
    second = world.report()
    assert first["changed"] and not second["changed"]
    assert {code: world.page(code) for code in ("en", "pl")} == pages


def test_the_result_is_small_and_documented(world: ReportWorld) -> None:
    hosts = [f"recording-server-{number:04}.branch.example.com" for number in range(400)]
    result = task(world, hosts=hosts, sites={}, languages=["en"])
    assert result["hosts"]["no_plan"] == 400
    assert len(json.dumps(result)) < 32_000


@BOTH
def test_the_page_is_sound_and_needs_no_network(world: ReportWorld, code: str) -> None:
    world.report()
    page = Page(world.page(code))
    assert structure_faults(page, code) == []
    assert "default-src 'none'" in str(page.all("meta"))
    assert "//" not in re.sub(r"(?s)<style>.*?</style>", "", world.page(code))
    named = [each for each in page.all("svg") if each.get("role") == "img"]
    assert len(named) == 2 and all(each.get("aria-labelledby") for each in named)


@BOTH
def test_tables_show_the_figures(world: ReportWorld, code: str) -> None:
    result = world.report()
    words = load_language(code)
    page = Page(world.page(code))
    sites = page.table(words.word("report.sites_caption")).rows
    totals = result["totals"]
    assert [row[0] for row in sites[1:-1]] == ["Kraków", "Warszawa", words.word("report.no_site")]
    shown = [
        str(totals[key]) for key in ("found", "due", "overdue", "held", "unclassified", "conflict", "destroyed", "not_destroyed", "unknown")
    ]
    assert sites[-1][2:-1] == shown
    not_known = words.word("report.not_known")
    assert sites[-2][2:8] == [not_known] * 6
    media = page.table(words.word("report.media_caption")).rows
    assert [row[-1] for row in media[1:]] == ["4", "3", "1", "8"]


def test_what_comes_from_outside_shows_letter_by_letter(tmp_path: pathlib.Path) -> None:
    world = ReportWorld(tmp_path / "hostile")
    world.state.mkdir()
    classes = dict.fromkeys(HOSTILE, (1, 1))
    results = {"pbx1": found("pbx1", "2026-11-25T08:00:00Z", classes)}
    results["pbx1"]["reasons"]["unclassified"] = dict.fromkeys(HOSTILE, 1)
    results["pbx1"]["policy"].update(id=HOSTILE[0], version=HOSTILE[1])
    world.report(results=results, hosts=["pbx1"], sites={"pbx1": HOSTILE[0]}, signers=None)
    for code in ("en", "pl"):
        text = world.page(code)
        assert structure_faults(Page(text), code) == []
        assert "<script" not in text and "<img" not in text and "\u202e" not in text and "\u200b" not in text
        assert "&lt;script&gt;" in text


@BOTH
def test_training_review_and_forecast_are_told_where_they_are_given(full: ReportWorld, code: str) -> None:
    result = full.report(forecast=str(full.state / "previews" / "forecast.json"))
    assert result["not_given"] == []
    words = load_language(code)
    page = Page(full.page(code))
    assert structure_faults(page, code) == []
    training = page.table(words.word("report.training_caption")).rows
    assert [row[1:5] for row in training[1:]] == [["0", "0", "1", "0"], ["2", "1", "0", "0"], ["0", "0", "0", "0"], ["0", "0", "0", "1"]]
    (soon,) = page.table(words.word("report.training_soon_caption")).rows[1:]
    ending = next(record for record in full.trained.trainings.records if record.principal == "bob@example.com")  # type: ignore[union-attr]
    assert soon == [ending.digest, words.word("report.roles.approver"), "2026-12-10"]
    policy = page.table(words.word("report.policies_caption")).rows[1]
    assert policy[1:3] == ["3", "2026-11-30"]
    for told in ("2026-06-01", words.count(1, "persons_of").replace("\u00a0", " "), words.word("report.review_other")):
        assert told in policy[3]
    weeks = page.table(words.word("report.forecast_weeks_caption")).rows
    assert [row[1] for row in weeks[1:]] == ["5", "2", "10", "17"]
    assert page.table(words.word("report.forecast_filling_caption")).rows[1] == ["pbx1", "2027-01-03"]
    assert f"{words.word('report.forecast_unknown')} meet1" in page.text
    assert len([mark for mark in page.all("rect") if str(mark["class"]).startswith("k-class-")]) == 5


def test_the_forecast_that_was_made_last_is_taken_where_none_is_named(full: ReportWorld) -> None:
    assert "forecast" not in task(full, register=None)["not_given"]


def test_a_review_that_is_overdue_or_was_never_signed_is_told(full: ReportWorld, tmp_path: pathlib.Path) -> None:
    later = NOW + dt.timedelta(days=30)
    full.report(now=later, output=str(tmp_path), old_after="P366D")
    policy = Page((tmp_path / "fleet.en.html").read_text(encoding="utf-8")).table("Policies by which").rows[1]
    assert policy[2].replace(" ", "") == "2026-11-30overdue"
    (tmp_path / "none").mkdir()
    assert full.reviews is not None
    full.report(output=str(tmp_path), reviews=Reviews(str(tmp_path / "none"), Signers(full.reviews.signers)))
    policy = Page((tmp_path / "fleet.en.html").read_text(encoding="utf-8")).table("Policies by which").rows[1]
    assert policy[2:4] == ["2027-05-31", "never signed off"]


@BOTH
def test_nothing_personal_is_in_the_page(full: ReportWorld, code: str) -> None:
    full.report(forecast=str(full.state / "previews" / "forecast.json"))
    text = full.page(code)
    assert "kowalski" not in text and "Nowak" not in text and "/rec" not in Page(text).text
    assert "@example.com" not in text and "/var/" not in text and str(full.path) not in text
    assert "S0000" not in text and "X1" not in Page(text).text.split()


def test_a_fleet_of_which_nothing_is_known_has_a_page_too(tmp_path: pathlib.Path) -> None:
    world = ReportWorld(tmp_path / "bare")
    world.state.mkdir()
    result = world.report(signers=None, hosts=["pbx1"], sites={})
    assert result["totals"] == {} and not result["whole"]
    assert "No host has a plan" in world.page()
    with pytest.raises(RefusedError, match="is not there"):
        world.report(dest=str(tmp_path / "nowhere"))
    with pytest.raises(DisposalError, match="cannot be written"):
        (tmp_path / "file").write_bytes(b"")
        world.report(signers=None, hosts=["pbx1"], sites={}, output=str(tmp_path / "file"))
