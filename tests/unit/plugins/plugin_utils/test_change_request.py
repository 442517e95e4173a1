# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a request for change: what is refused, what is said of what is not given, what is worked out, and who approved when."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import subprocess
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.plan_page import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.modules.plan_page import RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._change_request import TEXTS, waves_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import decided, manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_page import render_plan_html, render_plan_json, render_plan_markdown
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import (
    HOSTILE,
    NOW,
    Page,
    manifest_of,
    result,
    retention_class,
    structure_faults,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import validate

CHANGE = {
    "number": "CHG-4711",
    "reason": "Periods are over.",
    "effect_of_not_doing": "The disk fills up by March.",
    "impact": "Disks are busy for an hour.",
    "implementer": "Operations",
    "risk": "Low, rehearsed.",
    "start": "2026-11-27T20:00:00+01:00",
    "end": "2026-11-27T23:00:00+01:00",
    "tests": ["Rehearsed on test, CHG-4702.", "Restore from quarantine rehearsed."],
}
NOT_GIVEN = {"en": "not given", "pl": "nie podano"}


def rows(manifest: dict[str, t.Any], language: str = "en", **options: t.Any) -> dict[str, str]:
    """The questions of the page with their answers."""
    page = Page(render_plan_html(manifest, language=language, **options))
    assert structure_faults(page, language) == []
    return {row[0]: row[1].replace("\u00a0", " ") for row in page.table({"en": "The request for", "pl": "Wniosek o"}[language]).rows}


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"numbr": "1"}, "under an unknown key; allowed are effect_of_not_doing, end, impact"),
            ({"reason": ""}, "reason: '' is not a text"),
            ({"risk": None}, "risk: nothing is given: the key is blank"),
            ({"reason": "x" * 4001}, "is longer than 4000 characters"),
            ({"start": "soon"}, "start: 'soon' has no time of day"),
            ({"start": "2026-11-24"}, "has no time of day; write it as"),
            ({"start": "2026-11-31T20:00:00+01:00"}, "is not a date"),
            (
                {"start": "2026-11-25T20:00:00Z", "end": "2026-11-25T19:00:00Z"},
                "change.end (2026-11-25T19:00:00Z) is not after change.start",
            ),
            ({"end": "2027-02-01T20:00:00Z"}, "change.end (2027-02-01T20:00:00Z) is after the plan expires (2026-11-30T22:04:05Z)"),
            ({"tests": []}, "has fewer than 1 elements"),
            ({"tests": ["x"] * 51}, "has more than 50 elements"),
            (["CHG-1"], "is not a mapping"),
        ],
    )
    def test_a_change(self, change: t.Any, words: str) -> None:
        with pytest.raises(DisposalError) as caught:
            manifest_of(change=change)
        assert words in caught.value.message

    @pytest.mark.parametrize("serial", [["half"], ["0"], ["0%"], ["-1"], ["25 %%"]])
    def test_waves(self, serial: list[str]) -> None:
        with pytest.raises(DisposalError, match="is neither a number of hosts nor a share such as 25%"):
            manifest_of(serial=serial)


class TestTold:
    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_what_is_not_given_is_said_to_be_so(self, language: str) -> None:
        told = rows(manifest_of(), language)
        assert sum(answer.startswith(NOT_GIVEN[language]) for answer in told.values()) == len(TEXTS) + 2
        text = render_plan_markdown(manifest_of(), language=language)
        assert text.count(f"| {NOT_GIVEN[language]} ") == len(TEXTS) + 2

    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_what_is_given_stands_there(self, language: str) -> None:
        manifest = manifest_of(change=CHANGE, serial=["1", "25%"])
        validate("manifest-1", manifest)
        told = " ".join(rows(manifest, language).values())
        text = render_plan_markdown(manifest, language=language)
        for value in [CHANGE[name] for name in TEXTS] + list(CHANGE["tests"]):
            assert value in told and str(value) in text
        assert NOT_GIVEN[language] not in told and "19:00 UTC" in told and "22:00 UTC" in told

    def test_what_the_plan_knows_is_worked_out(self) -> None:
        told = rows(manifest_of())
        assert told["Configuration items (hosts and roots)"] == "".join(
            f"{host}: /var/spool/asterisk/monitor" for host in ("dialer1", "pbx1")
        )
        undone = told["What cannot be undone, from which step"]
        assert "Class brokerage and training: from the first overwriting of a set in this run." in undone
        assert "Class complaints: not in this run, but from the first sweep after quarantine." in undone
        assert told["What can be undone, until when"].startswith("Class complaints: restored from quarantine for 7 days")
        assert "4 recording sets are already overdue" in told["Effect of not doing it"]
        assert "cannot be carried out after 30 November 2026, 22:04 UTC" in told["Schedule"]
        assert told["Stop points"] == "How the sweep divides the hosts into waves was not given with the plan."

    def test_nobody_can_say_otherwise_of_what_the_plan_knows(self) -> None:
        for name in ("irreversible", "undo", "items", "waves", "approvals", "expires"):
            with pytest.raises(DisposalError, match="unknown key"):
                manifest_of(change={name: "nothing at all"})

    def test_keys_in_escrow_are_told_where_a_class_is_destroyed_with_its_key(self) -> None:
        method = {"technique": "crypto_erase", "scheme": "aes", "level": "purge"}
        told = rows(manifest_of({"pbx1": result("pbx1", classes={"calls": retention_class(3, 1, method=method)})}))
        assert "A copy in escrow would undo the destruction" in told["What can be undone, until when"]

    def test_nothing_due(self) -> None:
        told = rows(manifest_of({"pbx1": result("pbx1", classes={"calls": retention_class(0, 9)})}))
        assert told["What cannot be undone, from which step"] == "Nothing is due, so nothing is destroyed."
        assert told["Configuration items (hosts and roots)"] == "none"


class TestWaves:
    @pytest.mark.parametrize(
        ("serial", "count", "sizes"),
        [
            (["1", "25%"], 9, [1, 2, 2, 2, 2]),
            (["1", "25%"], 3, [1, 1, 1]),
            (["100%"], 5, [5]),
            ("2", 5, [2, 2, 1]),
            ([1, 3], 8, [1, 3, 3, 1]),
            (["50"], 3, [3]),
        ],
    )
    def test_they_are_those_of_a_play(self, serial: t.Any, count: int, sizes: list[int]) -> None:
        hosts = [f"pbx{number}" for number in range(count)]
        waves = waves_of(serial, hosts)
        assert [len(wave) for wave in waves] == sizes and [host for wave in waves for host in wave] == hosts

    def test_the_page_sums_each_and_keeps_the_order_of_the_play(self) -> None:
        results = {"zeta": result("zeta"), "alpha": result("alpha"), "mid": result("mid")}
        manifest = manifest_of(results, serial=["1", "100%"])
        assert manifest["waves"] == [["zeta"], ["alpha", "mid"]]
        shown = Page(render_plan_html(manifest)).table("Waves of the sweep").rows
        assert [row[:3] for row in shown[1:]] == [["1", "zeta", "138"], ["2", "alpha, mid", "276"]]
        assert [row[4] for row in shown[1:]] == ["Stop point", "Evidence is sealed"]


class TestSigned:
    def test_a_signature_decides_on_what_was_said_too(self) -> None:
        first, other = manifest_of(change=CHANGE), manifest_of(change={**CHANGE, "risk": "High."})
        assert decided(first) != decided(other) and decided(first) != decided(manifest_of())
        assert decided(first) == decided(manifest_of(change=copy.deepcopy(CHANGE)))

    def test_a_text_that_is_taken_away_makes_another_manifest(self, tmp_path: pathlib.Path) -> None:
        told = {"dest": str(tmp_path), "language": "en", "executor": Executor(), "check_mode": False, "now": NOW}
        place_plan(manifest_of(change=CHANGE), **told)
        assert "change" not in place_plan(manifest_of(), **told).manifest
        (signature,) = [path.with_name("manifest.json.anna.sig") for path in tmp_path.rglob("manifest.json")]
        signature.write_text("a signature")
        before = signature.with_name("manifest.json").read_bytes()
        with pytest.raises(DisposalError, match=r"decides otherwise than the plan made now \(change\)"):
            place_plan(manifest_of(change=CHANGE), **told)
        assert signature.with_name("manifest.json").read_bytes() == before

    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("language", ["en", "pl"])
    def test_what_people_write_is_text(self, text: str, language: str) -> None:
        change = {**dict.fromkeys(TEXTS, text), "tests": [text]}
        manifest = manifest_of(change=change)
        assert structure_faults(Page(render_plan_html(manifest, language=language)), language) == []
        markdown = render_plan_markdown(manifest, language=language)
        assert "<script" not in markdown and "<img" not in markdown and "\u202e" not in markdown


class Board:
    """A plan's directory with signers."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self.manifest.write_bytes(manifest_bytes(manifest_of(change=CHANGE, serial=["1"])))
        self.signers = path.parent / "allowed_signers"
        self.signers.touch()

    def sign(self, name: str, *, time: int) -> None:
        key = self.path.parent / f"{name}.key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
        public = " ".join(key.with_suffix(".key.pub").read_text().split()[:2])
        with self.signers.open("a", encoding="utf-8") as file:
            file.write(f'{name} namespaces="plan@recordings.disposal" {public}\n')
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "plan@recordings.disposal"],
            input=self.manifest.read_bytes(),
            capture_output=True,
            check=True,
        )
        signature = self.path / f"manifest.json.{name}.sig"
        signature.write_bytes(done.stdout)
        os.utime(signature, (time, time))

    def run(self, **options: t.Any) -> dict[str, t.Any]:
        check_mode = options.pop("check_mode", False)
        args = {"manifest": str(self.manifest), "allowed_signers": str(self.signers), **options}
        return run_action(ActionModule, "plan_page", args, check_mode=check_mode)


class TestApprovals:
    @pytest.fixture
    def board(self, tmp_path: pathlib.Path) -> Board:
        (tmp_path / "plan").mkdir()
        return Board(tmp_path / "plan")

    def test_refuses_what_is_no_manifest(self, board: Board) -> None:
        for data, words in ((b"{}\n", "has the format None"), (b'{"a": 1}', "is not canonical JSON")):
            board.manifest.write_bytes(data)
            found = board.run()
            assert found["failed"] and words in found["msg"]
        assert [path.name for path in board.path.iterdir()] == ["manifest.json"]

    def test_none_some_and_one_that_does_not_count(self, board: Board) -> None:
        found = board.run()
        assert found["approvals"] == [] and found["missing"] == 2 and found["changed"]
        assert "None so far." in pathlib.Path(found["pages"]["html"]).read_text(encoding="utf-8")
        board.sign("anna@example.com", time=1_795_500_000)
        board.sign("operations@example.com", time=1_795_500_500)
        before = board.manifest.read_bytes()
        assert board.run(check_mode=True)["changed"]
        found = board.run()
        assert board.manifest.read_bytes() == before
        assert [(item["principal"], item["time"][:19]) for item in found["approvals"]] == [("anna@example.com", "2026-11-24T06:00:00")]
        assert "operations@example.com is the plan's author, who does not count" in found["problems"]
        page = Page(pathlib.Path(found["pages"]["html"]).read_text(encoding="utf-8"))
        assert structure_faults(page, "en") == []
        told = {row[0]: row[1].replace("\u00a0", " ") for row in page.table("The request for").rows}["Approvals"]
        assert "anna@example.com, 24 November 2026, 06:00 UTC" in told and "who does not count" in told
        assert "anna@example.com" in pathlib.Path(found["pages"]["markdown"]).read_text(encoding="utf-8")
        request = json.loads(pathlib.Path(found["pages"]["json"]).read_text(encoding="utf-8"))["request"]
        assert request["approvals"] == found["approvals"] and request["given"]["number"] == "CHG-4711"
        again = board.run()
        assert not again["changed"] and set(found) - {"changed", "failed"} <= set(yaml.safe_load(RETURN))

    def test_json_tells_what_the_page_does(self) -> None:
        told = json.loads(render_plan_json(manifest_of(change=CHANGE, serial=["1"])))
        assert told["due"]["sets"] == 368 and told["request"]["waves"][0]["number"] == 1 and not told["request"]["looked"]
