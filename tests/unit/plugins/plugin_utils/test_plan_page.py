# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
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

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import check_approvals
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_page import render_plan_csv, render_plan_html, render_plan_markdown
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import (
    HOSTILE,
    NOW,
    VERDICTS,
    Page,
    blocked_fleet,
    counts,
    fleet,
    manifest_of,
    result,
    retention_class,
    sample,
    structure_faults,
)

EN, PL = load_language("en"), load_language("pl")
BOTH = pytest.mark.parametrize("code", ["en", "pl"])


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def nothing_due() -> dict[str, t.Any]:
    return {"pbx1": result("pbx1", classes={"brokerage": retention_class(0, 4_007)})}


CASES: dict[str, t.Callable[[], dict[str, t.Any]]] = {
    "whole": fleet,
    "blocked": blocked_fleet,
    "nothing due": nothing_due,
    "one host": lambda: {"pbx1": result("pbx1")},
}


def test_refuses_another_language() -> None:
    for render in (render_plan_html, render_plan_markdown):
        with pytest.raises(RefusedError, match="allowed are en, pl"):
            render(manifest_of(), language="de")


def test_a_manifest_that_lacks_something_is_told() -> None:
    manifest = manifest_of()
    del manifest["policy"]["owner"]
    for render in (render_plan_html, render_plan_markdown):
        with pytest.raises(DisposalError, match="needs something that is missing .*owner"):
            render(manifest)


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_sound_and_needs_no_network(code: str, case: str) -> None:
    text = render_plan_html(manifest_of(CASES[case]()), language=code)
    page = Page(text)
    assert structure_faults(page, code) == []
    assert "default-src 'none'" in str(page.all("meta"))
    assert re.findall(r"https?://|url\(|@import", text) == []
    assert "{" not in page.text and "None" not in page.text


@BOTH
def test_the_same_manifest_gives_the_same_pages(code: str) -> None:
    first, again = manifest_of(), manifest_of(dict(reversed(fleet().items())))
    assert render_plan_html(first, language=code) == render_plan_html(again, language=code)
    assert render_plan_markdown(first, language=code) == render_plan_markdown(again, language=code)
    assert render_plan_csv(first) == render_plan_csv(again)


def test_blocked_stands_in_words_before_the_decision_and_offers_no_signature() -> None:
    manifest = manifest_of(blocked_fleet())
    page = Page(render_plan_html(manifest))
    headings = [text for _level, text in page.headings]
    assert headings[1:3] == [EN.word("plan.blocked_heading"), EN.word("plan.decision_heading")]
    assert manifest["blocked"][0]["sentence"] in page.text and EN.word("plan.status_blocked") in page.text
    assert page.code == [] and "ssh-keygen" not in page.text
    markdown = render_plan_markdown(manifest)
    assert markdown.index(EN.word("plan.blocked_heading")) < markdown.index(EN.word("plan.decision_heading"))
    assert "ssh-keygen" not in markdown
    row = next(row for row in page.table("Limits of the policy").rows if "14.2%" in row[3])
    assert row[4] == "exceeded" and "dialer1" in row[3]
    assert "Exceeded: 1 of 6 limits." in page.text


def test_a_plan_that_is_not_blocked_does_not_say_so() -> None:
    for text in (render_plan_html(manifest_of()), render_plan_markdown(manifest_of())):
        assert EN.word("plan.blocked_heading") not in text and EN.word("plan.status_blocked") not in text
    assert "All 6 limits are kept." in Page(render_plan_html(manifest_of())).text


@BOTH
def test_every_number_is_there(code: str) -> None:
    language = load_language(code)
    manifest = manifest_of()
    text = plain(Page(render_plan_html(manifest, language=code)).text)
    due, totals = manifest["totals"]["due"], manifest["totals"]
    kept = {key: totals[key] - due[key] for key in due}
    expected = [language.count(due["sets"], "sets"), language.count(due["files"], "files"), language.size(due["bytes"])]
    expected += [language.count(kept["sets"], "sets"), language.size(kept["bytes"]), language.share(due["sets"], totals["sets"])]
    for verdict in VERDICTS[1:]:
        found = totals["verdicts"][verdict]
        expected += [language.number(found["sets"]), language.number(found["files"]), language.size(found["bytes"])]
    for host, part in manifest["hosts"].items():
        expected += [host, part["plan"]["digest"], language.number(part["plan"]["rows"]), language.number(part["totals"]["sets"])]
        expected += [language.instant(part["as_of"]), language.size(part["verdicts"]["due"]["bytes"]), *part["sources"][0]["roots"]]
        for name, item in part["classes"].items():
            rule = [language.period(item["keep"]), language.period(item["destroy_within"]), language.day(item["next_due"])]
            expected += [name, f"class:{name}", item["legal_basis"], *rule]
        expected += [language.measure(limit[key]) for limit in part["limits"] for key in ("actual", "limit")]
        expected += [item["set"] for items in part["samples"].values() for item in items]
    expected += [manifest["author"], manifest["policy"]["id"], manifest["policy"]["version"], manifest["policy"]["owner"]]
    expected += [manifest["policy"]["digest"], language.instant(manifest["expires"]), language.instant(manifest["created"])]
    expected += [language.reason("hold:H-1"), language.reason("floor:trading"), language.reason("no class matches"), "P7D"[1]]
    assert [item for item in expected if plain(item) not in text] == []


def test_sums_over_hosts_by_class() -> None:
    rows = {row[0]: row[1:] for row in Page(render_plan_html(manifest_of())).table("Sets and sizes by class").rows}
    brokerage = counts(101 + 211)
    assert rows["brokerage"][:5] == ["312", "624", plain(EN.size(brokerage["bytes"])), "0", "12,130"]
    assert rows["training"][3] == "4"
    assert rows["Total"][:2] == ["368", "736"]


def test_what_is_kept_has_its_reasons_summed() -> None:
    rows = [row for row in Page(render_plan_html(manifest_of())).table("Verdicts other than due").rows if len(row) == 5]
    told = {row[0]: row[1] for row in rows}
    assert (told["Legal hold H-1"], told["Statutory floor trading"], told["no class matches"]) == ("26", "822", "8")
    assert next(row for row in rows if row[0].startswith("Under legal hold"))[1:3] == ["26", "52"]


def test_the_digest_is_the_one_of_the_file(tmp_path: pathlib.Path) -> None:
    manifest = manifest_of()
    (tmp_path / "manifest.json").write_bytes(manifest_bytes(manifest))
    page = Page(render_plan_html(manifest))
    expected = hashlib.sha256(manifest_bytes(manifest)).hexdigest()
    assert f"sha256:{expected}" in page.text
    command, printed = page.code[0].splitlines()
    ran = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == printed.strip()
    assert f"sha256:{expected}" in render_plan_markdown(manifest)


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_the_line_on_the_page_signs_so_that_it_counts(tmp_path: pathlib.Path, kind: str) -> None:
    manifest = manifest_of(approvals_required=1)
    (tmp_path / "manifest.json").write_bytes(manifest_bytes(manifest))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    allowed = f'anna@example.com namespaces="plan@recordings.disposal" {(tmp_path / "key.pub").read_text(encoding="utf-8")}'
    if kind == "html":
        line = Page(render_plan_html(manifest)).code[1]
    else:
        line = next(line for line in render_plan_markdown(manifest).splitlines() if line.strip().startswith("ssh-keygen"))
    line = line.replace("YOUR_KEY", "key").replace("PRINCIPAL", "anna@example.com")
    subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    signature = (tmp_path / "manifest.json.anna@example.com.sig").read_text(encoding="utf-8")
    told = [{"principal": "anna@example.com", "signature": signature}]
    state = check_approvals(manifest_bytes(manifest), told, allowed_signers=allowed, required=1, now=int(NOW.timestamp()))
    assert state.approved, state.sentence()


@BOTH
def test_the_way_of_approving_fits_the_plan(code: str) -> None:
    language = load_language(code)
    none, one = manifest_of(approvals_required=0), manifest_of(approvals_required=1)
    text = Page(render_plan_html(none, language=code)).text
    assert language.word("plan.approve_free") in text and language.word("plan.fact_approvals_none") in text and "ssh-keygen" not in text
    assert plain(language.count(1, "persons")) in plain(Page(render_plan_html(one, language=code)).text)
    assert "operations@example.com" in Page(render_plan_html(one, language=code)).text


@BOTH
def test_quarantine_is_told_only_where_there_is_one(code: str) -> None:
    language = load_language(code)
    with_it = plain(Page(render_plan_html(manifest_of(), language=code)).text)
    assert plain(language.period("P7D")) in with_it and language.word("plan.undo_move").format(classes="complaints") in with_it
    without = Page(render_plan_html(manifest_of({"pbx1": result("pbx1", classes={"a": retention_class(3, 9)})}), language=code)).text
    assert "recordings.disposal.restore" in with_it and "recordings.disposal.restore" not in without


def test_overwriting_is_called_irreversible() -> None:
    rows = {row[0]: row[1] for row in Page(render_plan_html(manifest_of())).table("Steps of the plan").rows}
    assert rows["Overwriting"] == rows["Removal of the file"] == "No"
    assert rows["Approval"] == rows["Checks and journal"] == rows["Quarantine (class complaints)"] == "Yes"


def test_nothing_due_is_told_plainly() -> None:
    page = Page(render_plan_html(manifest_of(nothing_due())))
    assert "carrying out this plan destroys nothing" in plain(page.text) and EN.word("plan.status_nothing") in page.text
    assert "irreversible" not in page.words[page.words.index("The decision") :][1].lower()


@BOTH
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_becomes_markup(code: str, text: str) -> None:
    usual = Page(render_plan_html(hostile_manifest("plain"), language=code))
    manifest = hostile_manifest(text)
    page = Page(render_plan_html(manifest, language=code))
    assert structure_faults(page, code) == []
    assert sorted(tag for tag, _attributes in page.elements) == sorted(tag for tag, _attributes in usual.elements)
    assert " ".join(visible(text).split()) in page.text
    raw = render_plan_html(manifest, language=code)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", raw)
    raw.encode("utf-8")
    markdown = render_plan_markdown(manifest, language=code)
    markdown.encode("utf-8")
    assert "<" not in markdown
    usual_markdown = render_plan_markdown(hostile_manifest("plain"), language=code)
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines()] == [
        len(re.findall(r"(?<!\\)\|", line)) for line in usual_markdown.splitlines()
    ]


def hostile_manifest(text: str) -> dict[str, t.Any]:
    """A manifest with a text from outside wherever there is one; the module refuses such host names, the pages do not rely on that."""
    manifest = manifest_of(blocked_fleet())
    manifest["author"] = text
    manifest["policy"].update(id=text, version=text, owner=text)
    part = manifest["hosts"].pop("dialer1")
    manifest["blocked"] = [{"host": text, "sentence": text}]
    item = part["classes"].pop("brokerage")
    part["classes"][text] = {**item, "legal_basis": text, "keep": text, "destroy_within": text}
    part["classes"][text]["method"] = {"technique": text, "scheme": text, "level": text, "quarantine": text}
    part["reasons"] = {"held": {text: 26}, "unclassified": {f"x {text}": 5}}
    part["sources"][0].update(name=text, layout=text, roots=[text])
    part["limits"] = [{"name": text, "scope": text, "limit": text, "actual": text, "ok": True}]
    part["samples"] = {"due": [sample("x", **{"set": text, "class": text})], "held": [sample("y", reason=[text])]}
    manifest["hosts"][text] = part
    return manifest


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_becomes_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(render_plan_csv(hostile_manifest(text)), newline="")))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@")] == []


def test_csv_adds_up() -> None:
    manifest = manifest_of()
    text = render_plan_csv(manifest)
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for host, part in manifest["hosts"].items():
        for verdict in VERDICTS:
            for key in ("sets", "files", "bytes"):
                assert (
                    sum(int(row[key]) for row in rows if row["host"] == host and row["verdict"] == verdict)
                    == part["verdicts"][verdict][key]
                )
        assert {row["class"] for row in rows if row["host"] == host and row["verdict"] == "due"} == set(part["classes"])
    keys = [(row["host"], row["class"], row["verdict"]) for row in rows]
    assert len(keys) == len(set(keys))
    held = next(row for row in rows if row["verdict"] == "held")
    assert (held["class"], held["sets"], held["legal_basis"]) == ("", "13", "")
    due = next(row for row in rows if row["class"] == "complaints" and row["verdict"] == "due")
    assert (due["keep"], due["technique"], due["scheme"], due["level"], due["quarantine"]) == (
        "P5Y",
        "overwrite",
        "nist_clear",
        "clear",
        "P7D",
    )
    assert due["plan_id"] == manifest["plan_id"]


@pytest.fixture(scope="module")
def large() -> dict[str, t.Any]:
    classes = {
        f"class-{number:02}": retention_class(number, number * 40, legal_basis=f"Act {number}, " + "of the long name " * 8)
        for number in range(20)
    }
    results = {}
    for number in range(200):
        part = result(f"recorder{number:03}.example.com", classes=copy.deepcopy(classes))
        part["limits"] = [
            {"name": "share", "scope": f"class:{name}", "limit": "10%", "actual": f"{number % 9}.1%", "ok": True} for name in classes
        ]
        part["limits"].append({"name": "due_rate", "scope": "host", "limit": f"5 x {number}", "actual": "190", "ok": number > 38})
        part["reasons"] = {"unclassified": {f"reason {number} {index}": 3 for index in range(25)}}
        part["samples"] = {verdict: [sample(f"{number} {verdict} {index}") for index in range(5)] for verdict in VERDICTS[:5]}
        results[f"recorder{number:03}.example.com"] = part
    return manifest_of(results)


@BOTH
def test_a_large_fleet_stays_readable(large: dict[str, t.Any], code: str) -> None:
    text = render_plan_html(large, language=code)
    assert len(text.encode("utf-8")) < 2_000_000
    page = Page(text)
    assert structure_faults(page, code) == []
    assert all(host in page.text for host in large["hosts"]), "no host is left out"
    exceeded = [
        row
        for row in page.table(load_language(code).word("plan.limits_caption")).rows
        if row[-1] == load_language(code).word("plan.limits_exceeded")
    ]
    assert len(exceeded) == 39, "no exceeded limit is left out"
    assert len(render_plan_markdown(large, language=code).encode("utf-8")) < 100_000
    assert len(render_plan_csv(large).encode("utf-8")) < 2_500_000


def test_what_is_left_out_of_a_large_page_is_told(large: dict[str, t.Any]) -> None:
    text = plain(Page(render_plan_html(large)).text)
    assert "further limits, all kept, are in manifest.json" in text
    assert re.search(r"and 4,975 more", text), "reasons past the first 25 of 5,000"
    assert re.search(r"and 192 more", text), "hosts past the first 8 of a limit that is kept"


def test_the_hosts_nearest_to_a_limit_are_the_ones_shown(large: dict[str, t.Any]) -> None:
    row = next(
        row
        for row in Page(render_plan_html(large)).table("Limits of the policy").rows
        if row[:2] == ["Share of the sets of a class", "Class class-00"]
    )
    assert "recorder008.example.com 8.1%" in row[3] and " 0.1%" not in row[3]


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_the_contrast_of_level_aa(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", render_plan_html(manifest_of()), re.S)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0]))
    if scheme == "dark":
        colours.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1]))
    on_paper = [(ink, paper) for ink in ("ink", "soft", "accent", "go", "stop-ink", "due") for paper in ("paper", "panel")]
    for ink, paper in [*on_paper, ("ink", "stop-paper"), ("soft", "stop-paper"), ("stop-ink", "stop-paper")]:
        light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {paper}"


def test_html_entities_are_not_doubled() -> None:
    text = render_plan_html(manifest_of())
    assert "&amp;amp;" not in text and "&amp;lt;" not in text
    assert html.unescape(text).count("&&") == 1
