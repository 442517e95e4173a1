# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of a plan of media: sound, whole, the same in both languages, and nothing from outside becomes markup."""

from __future__ import annotations

import copy
import csv
import hashlib
import html
import io
import os
import pathlib
import re
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import check_approvals
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import LANGUAGES, load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_manifest import MediaPlan
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan_page import media_form, rows_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import (
    NOW,
    POLICY,
    Looks,
    drained,
    host_of,
    plan_of,
    register_of,
    released,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE, Page, structure_faults

BOTH = pytest.mark.parametrize("code", LANGUAGES)
Case = t.Callable[..., MediaPlan]


@pytest.fixture
def case(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A plan with a bit of everything; the options are those of C(plan_of)."""
    looks = Looks(tmp_path / "looks", monkeypatch)
    rules = [
        {"kinds": ["sata_ssd"], "fallback": ["ata_sanitize_crypto"], "verify": "all", "physical": "disintegrate"},
        {"kinds": ["hdd"], "verify": "canaries"},
    ]
    used = ["it is mounted (sda1 on /srv/x)"]
    rows = [looks.ata("S1", in_use_because=used, bay="Slot 3"), looks.ata("H1", words={128: 0x0001}, name="sdb")]
    found = drained("S1", "H1", verdicts={"due": 7})
    media = [
        released("S1", asset_number="IT-1", make="Samsung", model="870 EVO", required_level="destroy"),
        *(released("H1", kind="hdd"), released("N1", kind="nvme", host="rec2"), released("D1", kind="nvme", host="gone")),
    ]

    def build(policy: dict[str, t.Any] | None = None, **options: t.Any) -> MediaPlan:
        results = {"rec1": host_of(rows, found), "rec2": host_of(looks.nvme("N1"))}
        return plan_of(register_of(*media), results, {**POLICY, "rules": rules, **(policy or {})}, **{"dead": ["D1"], **options})

    return build


def pages(plan: MediaPlan, code: str) -> dict[str, str]:
    return media_form(plan).pages(plan.manifest, code)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@BOTH
@pytest.mark.parametrize("sort", ["whole", "blocked", "physical only", "firmware only", "free"])
def test_the_page_is_sound_and_needs_no_network(case: Case, code: str, sort: str) -> None:
    options: dict[str, t.Any] = {
        "blocked": {"policy": {"limits": {"media": 1}}},
        "physical only": {"serials": ["D1"]},
        "firmware only": {"serials": ["N1"], "dead": []},
        "free": {"approvals_required": 0},
    }.get(sort, {})
    plan = case(**options)
    text = pages(plan, code)["html"]
    page = Page(text)
    assert structure_faults(page, code) == []
    assert "default-src 'none'" in str(page.all("meta")) and re.findall(r"https?://|url\(|@import", text) == []
    assert "{" not in page.text and "None" not in page.text and "0 B" not in page.text
    words = load_language(code)
    for shown in (page.text, pages(plan, code)["markdown"]):
        shown = plain(shown)
        assert (plain(words.word("media_plan.physical_lead")) in shown) == (sort != "firmware only")
        assert ("ssh-keygen" in shown) == (sort not in ("blocked", "free"))
        nothing = words.word("media_plan.decision_nothing").partition("{")[0]
        assert (nothing in shown) == (sort == "physical only")
    state = {"blocked": "plan.status_blocked", "free": "plan.status_free"}.get(sort)
    assert (words.word(state) if state else words.word("plan.status_waiting").partition("{")[0].strip()) in page.text


@BOTH
def test_everything_that_is_decided_is_there(case: Case, code: str) -> None:
    words, plan = load_language(code), case()
    manifest = plan.manifest
    expected = [
        words.count(3, "media"),
        words.count(2, "on_hosts"),
        words.size(manifest["totals"]["due"]["bytes"]),
        words.count(3, "media"),
    ]
    expected += [words.instant(manifest["expires"]), words.instant(manifest["created"]), manifest["author"]]
    expected += [*manifest["policy"].values(), words.count(2, "persons"), hashlib.sha256(manifest_bytes(manifest)).hexdigest()]
    risks, why, drains = (words.table(f"media_plan.{name}") for name in ("risks", "why", "drains"))
    for rows in plan.rows.values():
        for row in rows:
            expected += [
                row["serial"],
                row["host"],
                row["kind"],
                row["bay"],
                row["asset_number"],
                row["make"],
                row["model"],
                row["required_level"],
            ]
            expected += [step["technique"] for step in row["steps"]] + [risks[risk] for risk in row["risk"]] + row["to_free"]
            expected += [drains[row["drain"]["drained"]], row["on_failure"] if row["steps"] else row["physical"]["technique"]]
            if row["physical"]["needed"]:
                expected += [why[row["physical"]["why"]], *row["physical"]["because"]]
            if row["steps"] and row["steps"][0]["estimated_seconds"]:
                expected.append(words.lasting(row["steps"][0]["estimated_seconds"]))
    expected.append(words.word("media_plan.lasts_unknown"))
    text, markdown = plain(Page(pages(plan, code)["html"]).text), plain(html.unescape(pages(plan, code)["markdown"]).replace("\\", ""))
    assert [item for item in expected if plain(item) not in text] == []
    assert [item for item in expected if plain(item) not in markdown] == []


def test_what_is_needed_is_only_on_the_page_where_it_is(case: Case) -> None:
    page = Page(pages(case(), "en")["html"])
    told = {row[1][:2]: row for row in page.table("What becomes of each medium").rows[1:]}
    done = "ata_sanitize_blockata_sanitize_cryptothe medium does not tell how longthen disintegrateif that fails: disintegrate, by a work order"
    assert told["S1"][3:5] == ["destroy required, purge reachable", f"{done}; no certificate before"]
    assert told["D1"][3:5] == ["purge", "none on its hostshred, as it is"] and "if that fails: shred, by a work order" in told["N1"][4]
    assert "Drained: cannot be told" in told["D1"][5] and "To be freed before: it is mounted (sda1 on /srv/x)" in told["S1"][5]
    assert told["D1"][2] == "nvme" and "about 2 minutes" in told["N1"][4]


def test_sentences_of_hosts_are_marked_as_english(case: Case) -> None:
    plan = case({"limits": {"media": 1}})
    texts = {code: pages(plan, code)["html"] for code in LANGUAGES}
    sentences = [
        "the plan has 4 media, and the policy allows 1 in one",
        "it is mounted (sda1 on /srv/x)",
        "ata_sanitize_block, ata_sanitize_overwrite",
    ]
    for sentence in sentences:
        assert f'<span lang="en">{html.escape(sentence)}' in texts["pl"] and f'<span lang="en">{sentence}' not in texts["en"]


def test_a_limit_of_the_whole_plan_is_told_once(case: Case) -> None:
    plan = case({"limits": {"media": 1}})
    assert len(plan.manifest["blocked"]) == 3
    for code in LANGUAGES:
        words, both = load_language(code), pages(plan, code)
        page = Page(both["html"])
        for text in (page.text, both["markdown"]):
            assert text.count("the plan has 4 media, and the policy allows 1 in one") == 1 and "gone, rec1, rec2" in text
            assert plain(words.count(3, "on_hosts")) in plain(text)
        assert [text for _level, text in page.headings][1] == words.word("plan.blocked_heading")


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_the_line_on_the_page_signs_so_that_it_counts(case: Case, tmp_path: pathlib.Path, kind: str) -> None:
    plan = case(approvals_required=1)
    (tmp_path / "manifest.json").write_bytes(manifest_bytes(plan.manifest))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    allowed = f'anna@example.com namespaces="plan@recordings.disposal" {(tmp_path / "key.pub").read_text(encoding="utf-8")}'
    text = pages(plan, "pl")[kind]
    lines = Page(text).code if kind == "html" else [line.strip() for line in text.splitlines()]
    line = next(line for line in lines if line.startswith("ssh-keygen")).replace("YOUR_KEY", "key").replace("PRINCIPAL", "anna@example.com")
    subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    signature = (tmp_path / "manifest.json.anna@example.com.sig").read_text(encoding="utf-8")
    told = [{"principal": "anna@example.com", "signature": signature}]
    state = check_approvals(manifest_bytes(plan.manifest), told, allowed_signers=allowed, required=1, now=int(NOW.timestamp()))
    assert state.approved, state.sentence()


def hostile(plan: MediaPlan, text: str) -> MediaPlan:
    """A plan with a text from outside wherever there is one."""
    plan = copy.deepcopy(plan)
    plan.manifest["author"] = text
    plan.manifest["policy"].update(id=text, version=text, owner=text)
    plan.manifest["blocked"] = [{"host": text, "sentence": text}]
    for rows in plan.rows.values():
        for row in rows:
            names = ("serial", "kind", "make", "model", "asset_number", "classification", "encryption", "required_level", "bay", "host")
            row.update(dict.fromkeys(names, text), to_free=[text], on_failure=text)
            row["physical"].update(technique=text, because=[text])
            for step in row["steps"]:
                step.update(technique=text)
    return plan


@BOTH
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_outside_becomes_markup(case: Case, code: str, text: str) -> None:
    built = case()
    plan, usual = hostile(built, text), pages(hostile(built, "plain"), code)
    made = pages(plan, code)
    page = Page(made["html"])
    assert structure_faults(page, code) == []
    assert sorted(tag for tag, _attributes in page.elements) == sorted(tag for tag, _attributes in Page(usual["html"]).elements)
    assert " ".join(visible(text).split()) in page.text
    for kind in ("html", "markdown", "csv"):
        made[kind].encode("utf-8")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", made[kind])
    assert "<" not in made["markdown"]
    bars = [[len(re.findall(r"(?<!\\)\|", line)) for line in each["markdown"].splitlines()] for each in (made, usual)]
    assert bars[0] == bars[1]
    for cells in csv.reader(io.StringIO(made["csv"], newline="")):
        assert not any(cell.lstrip()[:1] in tuple("=+-@") for cell in cells) and len(cells) == 22


def test_the_table_for_spreadsheets(case: Case) -> None:
    plan = case()
    rows = {row["serial"]: row for row in csv.DictReader(io.StringIO(pages(plan, "en")["csv"], newline=""))}
    assert set(rows) == {"S1", "H1", "N1", "D1"} and {row["plan_id"] for row in rows.values()} == {plan.manifest["plan_id"]}
    told = rows["S1"]
    assert (told["host"], told["level"], told["techniques"]) == ("rec1", "purge", "ata_sanitize_block ata_sanitize_crypto")
    assert (told["physical"], told["why"], told["on_failure"]) == ("disintegrate", "required", "disintegrate")
    assert (told["drained"], told["to_free"]) == ("yes", "it is mounted (sda1 on /srv/x)")
    assert (rows["N1"]["estimated_seconds"], rows["N1"]["physical"], rows["D1"]["techniques"]) == ("90", "", "")
    assert rows["D1"]["open"] == "not_looked_into carried_as_it_is"
    assert pages(plan, "en")["csv"] == pages(plan, "pl")["csv"]


def test_the_rows_lie_beside_the_pages(case: Case) -> None:
    made = pages(case(), "en")
    assert set(made) == {"html", "markdown", "csv", *map(rows_name, ("rec1", "rec2", "gone"))}


def test_a_row_that_lacks_something_is_told(case: Case) -> None:
    plan = copy.deepcopy(case())
    del plan.rows["rec1"][0]["to_free"]
    with pytest.raises(DisposalError, match="needs something that is missing"):
        pages(plan, "en")
