# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import hashlib
import pathlib
import re
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.plugin_utils._certificate import render_certificate
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NOT_CHECKED, statement_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import (
    HOSTILE,
    Page,
    entry_of,
    manifest_of,
    result,
    retention_class,
    statement_of,
    structure_faults,
)

EN, PL = load_language("en"), load_language("pl")
BOTH = pytest.mark.parametrize("code", ["en", "pl"])


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def says_all(text: str) -> bool:
    """Whether a page says anywhere that everything was destroyed."""
    found = plain(text)
    return bool(re.search(r"All [\d,]+ recording sets? of the plan (was|were) destroyed|Zniszczono wszystkie|wszystkie zestawy", found))


def mixed(manifest: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """A finished run in which one host did not destroy all."""
    entries = {host: entry_of(part) for host, part in manifest["hosts"].items()}
    entries["dialer1"] = entry_of(manifest["hosts"]["dialer1"], not_destroyed=17, unknown=3)
    return statement_of(manifest, entries, **changes)


def incomplete(manifest: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Each sign of an unfinished run by itself."""
    hosts = manifest["hosts"]
    whole = {host: entry_of(part) for host, part in hosts.items()}
    return {
        "it says so": statement_of(manifest, complete=False, problems=["pbx1: the run has not ended; run the sweep again"]),
        "it says nothing clear": statement_of(manifest, complete="yes"),
        "a missing host": statement_of(manifest, {"pbx1": whole["pbx1"]}, missing_hosts=["dialer1"]),
        "a host that is just not there": statement_of(manifest, {"pbx1": whole["pbx1"]}),
        "an open journal": statement_of(manifest, {**whole, "pbx1": entry_of(hosts["pbx1"], closed=False)}),
        "sets without outcome": statement_of(manifest, {**whole, "pbx1": entry_of(hosts["pbx1"], lost=9)}),
    }


SIGNS = list(incomplete(manifest_of()))


def test_refuses_the_manifest_of_another_run() -> None:
    manifest = manifest_of()
    with pytest.raises(EvidenceError, match=r"the statement is over the manifest sha256:\w+, but the one given is sha256:\w+"):
        render_certificate(statement_of(manifest), language="en", manifest=manifest_of(author="someone@example.com"))


@pytest.mark.parametrize("statement", [{}, {"predicate": None}, {"predicate": []}])
def test_refuses_what_is_no_statement(statement: dict[str, t.Any]) -> None:
    with pytest.raises(EvidenceError, match="has no predicate"):
        render_certificate(statement, language="en", manifest=manifest_of())


def test_refuses_another_language() -> None:
    manifest = manifest_of()
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        render_certificate(statement_of(manifest), language="de", manifest=manifest)


@pytest.mark.parametrize(
    "key",
    [
        "run",
        "created",
        "hosts",
        "totals",
        "merkle_root",
        "tree_size",
        "policy",
        "approvals",
        "author",
        "collection",
        "not_checked",
        "previous",
    ],
)
def test_a_statement_that_lacks_something_gives_no_certificate(key: str) -> None:
    manifest = manifest_of()
    statement = statement_of(manifest)
    del statement["predicate"][key]
    if key == "previous":
        pytest.raises(DisposalError, render_certificate, statement, language="en", manifest=manifest)
        return
    with pytest.raises(DisposalError, match=f"lacks '{key}'|needs something that is missing .*{key}"):
        render_certificate(statement, language="en", manifest=manifest)


@BOTH
@pytest.mark.parametrize("sign", SIGNS)
def test_an_unfinished_run_is_unmistakable(code: str, sign: str) -> None:
    language, manifest = load_language(code), manifest_of()
    text = render_certificate(incomplete(manifest)[sign], language=code, manifest=manifest)
    page = Page(text)
    assert structure_faults(page, code) == []
    assert not says_all(text)
    assert language.word("certificate.title") not in text
    assert page.title.startswith(language.word("certificate.title_incomplete"))
    assert [heading for _level, heading in page.headings][:2] == [
        language.word("certificate.title_incomplete"),
        language.word("certificate.incomplete_heading"),
    ]
    assert language.word("certificate.incomplete_lead") in page.text


def test_an_unfinished_run_says_what_is_missing() -> None:
    manifest = manifest_of()
    pages = {
        sign: plain(Page(render_certificate(statement, language="en", manifest=manifest)).text)
        for sign, statement in incomplete(manifest).items()
    }
    assert "pbx1: the run has not ended; run the sweep again" in pages["it says so"]
    for sign in ("a missing host", "a host that is just not there"):
        assert "No journal was received from: dialer1." in pages[sign]
        assert "230 recording sets of the plan have no outcome yet." in pages[sign]
    assert "The journal has not been closed on: pbx1." in pages["an open journal"]
    assert "9 recording sets of the plan have no outcome yet." in pages["sets without outcome"]


@BOTH
def test_a_run_that_destroyed_part_says_so_and_no_more(code: str) -> None:
    language, manifest = load_language(code), manifest_of()
    text = render_certificate(mixed(manifest), language=code, manifest=manifest)
    page = Page(text)
    assert structure_faults(page, code) == []
    assert not says_all(text) and language.word("certificate.incomplete_lead") not in text
    assert page.headings[0] == (1, language.word("certificate.title"))
    assert language.word("certificate.result_part").split("{")[0].strip() in page.text
    row = next(row for row in page.table(language.word("certificate.hosts_caption")).rows if row[0] == "dialer1")
    assert row[1:5] == ["230", "210", "17", "3"]


@BOTH
def test_a_run_that_destroyed_all_says_so(code: str) -> None:
    manifest = manifest_of()
    text = render_certificate(statement_of(manifest), language=code, manifest=manifest)
    assert says_all(text) and structure_faults(Page(text), code) == []


def test_a_run_with_nothing_due_says_that() -> None:
    manifest = manifest_of({"pbx1": result("pbx1", classes={"a": retention_class(0, 9)})})
    text = render_certificate(statement_of(manifest, {}), language="en", manifest=manifest)
    page = Page(text)
    assert (
        EN.word("certificate.result_nothing") in page.text and not says_all(text) and EN.word("certificate.incomplete_heading") not in text
    )
    assert page.table("Recording sets by host").rows[1][-1] == "nothing was due"


@BOTH
def test_outcomes_stand_side_by_side_with_equal_weight(code: str) -> None:
    manifest = manifest_of()
    text = render_certificate(mixed(manifest), language=code, manifest=manifest)
    block = re.search(r'<dl class="outcomes">(.*?)</dl>', text, re.S)
    assert block is not None
    cells = re.findall(r"<div>.*?</div>", block[1], re.S)
    assert len(cells) == 3
    assert len({re.sub(r">[^<]*<", "><", cell) for cell in cells}) == 1, "the three differ in words and numbers only"
    numbers = [re.search(r'class="big">([^<]*)<', cell)[1] for cell in cells]  # type: ignore[index]  # each cell has a number
    assert numbers == ["348", "17", "3"]


@BOTH
def test_what_was_not_checked_stands_before_the_details(code: str) -> None:
    language, manifest = load_language(code), manifest_of()
    page = Page(render_certificate(statement_of(manifest), language=code, manifest=manifest))
    headings = [text for _level, text in page.headings]
    order = [
        language.word(f"certificate.{key}_heading")
        for key in ("result", "unchecked", "persons", "facts", "hosts", "classes", "evidence", "verify", "nist")
    ]
    assert headings[1:] == order
    assert language.word("method_limits.databases") in page.text


def test_each_sentence_of_what_was_not_checked_is_told() -> None:
    manifest = manifest_of()
    told = [*NOT_CHECKED, "pbx1: flash medium: remapped and spare blocks are not reached (101 sets).", "something new was not checked"]
    told.append("dialer1: flash medium: remapped and spare blocks are not reached (2 sets).")
    english = plain(Page(render_certificate(statement_of(manifest, not_checked=told), language="en", manifest=manifest)).text)
    for sentence in NOT_CHECKED:
        assert sentence in english
    assert "Flash medium: remapped and spare blocks are not reached (applies to 103 recording sets on 2 hosts)" in english
    assert "Something new was not checked" in english
    text = render_certificate(statement_of(manifest, not_checked=told), language="pl", manifest=manifest)
    assert '<span lang="en">Something new was not checked</span>' in text
    assert "Nośnik flash: bloki przeniesione i zapasowe pozostają poza zasięgiem (dotyczy: 103 zestawy nagrań, 2 hosty)" in plain(
        Page(text).text
    )
    assert not any(sentence in text for sentence in NOT_CHECKED)


def test_nothing_said_about_what_was_not_checked_says_more() -> None:
    manifest = manifest_of()
    text = Page(render_certificate(statement_of(manifest, not_checked=[]), language="en", manifest=manifest)).text
    assert all(sentence in text for sentence in EN.table("method_limits").values())


@BOTH
def test_every_number_and_digest_is_there(code: str) -> None:
    language, manifest = load_language(code), manifest_of()
    statement = mixed(manifest, previous="sha256:" + "ab" * 32)
    predicate = statement["predicate"]
    text = plain(Page(render_certificate(statement, language=code, manifest=manifest)).text)
    expected = [
        predicate["run"],
        predicate["merkle_root"],
        language.number(predicate["tree_size"]),
        predicate["manifest"],
        predicate["previous"],
    ]
    expected += [predicate["policy"]["digest"], predicate["policy"]["version"], predicate["author"], language.instant(predicate["created"])]
    expected += [
        language.instant(manifest["created"]),
        language.instant(manifest["expires"]),
        f"recordings.disposal {predicate['collection']}",
    ]
    expected += [value for approval in predicate["approvals"] for value in approval.values()]
    expected += [value for item in statement["subject"] for value in (item["name"], item["digest"]["sha256"])]
    expected += [f"sha256:{hashlib.sha256(statement_bytes(statement)).hexdigest()}"]
    for host, entry in predicate["hosts"].items():
        expected += [
            host,
            entry["head"],
            language.number(entry["records"]),
            language.size(entry["bytes"]["destroyed"]),
            manifest["hosts"][host]["plan"]["digest"],
        ]
        expected += [language.number(entry["counts"][key]) for key in entry["counts"]]
        expected += [language.reason(reason) for reason in entry["reasons"]]
        for name, item in entry["classes"].items():
            expected += [name, item["legal_basis"]]
    expected += [language.table("levels")["clear"], language.word("standard"), language.word("certificate.methods_verified"), "nist_clear"]
    expected += [language.size(predicate["totals"]["bytes"]["destroyed"])]
    assert [item for item in expected if plain(item) not in text] == []


def test_levels_stand_side_by_side_and_none_is_claimed_for_nothing() -> None:
    manifest = manifest_of()
    statement = statement_of(manifest)
    for entry in statement["predicate"]["hosts"].values():
        for item in entry["classes"].values():
            item["levels"] = {"clear": item["destroyed"]}
    first = statement["predicate"]["hosts"]["pbx1"]["classes"]["complaints"]
    first.update(destroyed=0, not_destroyed=37, bytes=0, levels={})
    rows = {row[0]: row for row in Page(render_certificate(statement, language="en", manifest=manifest)).table("Method, level").rows}
    assert rows["brokerage"][2:5] == ["Clear", "Clear", "read back in full from the medium"]
    assert rows["complaints"][2:5] == ["Clear", "nothing destroyed", "none"]
    told = {
        row[0]: row
        for row in Page(render_certificate(statement_of(manifest), language="en", manifest=manifest)).table("Method, level").rows
    }
    assert told["brokerage"][3] == "Clear or higher; each record in the journal says which"


def test_a_class_that_the_plan_does_not_name_is_shown_without_a_method() -> None:
    manifest = manifest_of()
    statement = statement_of(manifest)
    statement["predicate"]["hosts"]["pbx1"]["classes"]["request:ER-7"] = {
        "destroyed": 1,
        "not_destroyed": 0,
        "unknown": 0,
        "bytes": 5,
        "legal_basis": None,
    }
    page = Page(render_certificate(statement, language="en", manifest=manifest))
    row = next(row for row in page.table("Recording sets by class").rows if row[0] == "request:ER-7")
    assert row[1:6] == ["not recorded", "0", "1", "0", "0"]
    assert next(row for row in page.table("Method, level").rows if row[0] == "request:ER-7")[1:3] == ["not recorded", "not recorded"]


def test_fields_of_the_standard_that_do_not_apply_say_so() -> None:
    manifest = manifest_of()
    rows = dict(
        row
        for row in Page(render_certificate(statement_of(manifest), language="en", manifest=manifest))
        .table("The certificate fields")
        .rows[1:]
    )
    assert set(rows) == set(EN.table("certificate.nist").values())
    for key in ("manufacturer", "model", "serial", "property", "media_type", "condition"):
        assert rows[EN.table("certificate.nist")[key]].startswith("Does not apply")
    assert rows["Tool and version"] == "recordings.disposal 0.1.0"
    assert rows["Method of sanitization"] == "Clear" and rows["Technique"] == "Overwriting of files"


@pytest.mark.parametrize(("required", "words"), [(0, "persons_no_approvals"), (2, "persons_none_stated")])
def test_no_approvals_are_told(required: int, words: str) -> None:
    manifest = manifest_of(approvals_required=required)
    page = Page(render_certificate(statement_of(manifest, approvals=[]), language="en", manifest=manifest))
    assert EN.word(f"certificate.{words}") in page.text
    assert "manifest.json." not in "".join(page.code), "no approval, no line to check one"


@BOTH
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_becomes_markup(code: str, text: str) -> None:
    def page_of(name: str) -> tuple[str, Page]:
        manifest = manifest_of()
        manifest["policy"].update(id=name, version=name, owner=name)
        part = manifest["hosts"].pop("dialer1")
        part["classes"][name] = part["classes"].pop("brokerage")
        part["sources"][0]["roots"] = [name]
        manifest["hosts"][name] = part
        statement = statement_of(
            manifest, None, author=name, collection=name, run=name, not_checked=[name], problems=[name], complete=False
        )
        statement["predicate"]["hosts"][name]["reasons"] = {name: 4}
        statement["predicate"]["approvals"][0] = {"principal": name, "key": name, "namespace": name}
        raw = render_certificate(statement, language=code, manifest=manifest)
        raw.encode("utf-8")
        return raw, Page(raw)

    raw, page = page_of(text)
    assert structure_faults(page, code) == []
    usual = sorted(tag for tag, _attributes in page_of("a name")[1].elements)
    # A name that no shell command should hold is left out of the commands, and a sentence says so.
    assert sorted(tag for tag, _attributes in page.elements) in (usual, sorted([*usual, "p"]))
    assert " ".join(visible(text).split()) in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", raw)


def test_a_file_name_cannot_leave_its_command() -> None:
    manifest = manifest_of()
    statement = statement_of(manifest)
    statement["subject"].insert(0, {"name": "journals/x\nEOF\ntouch escaped\n.jsonl", "digest": {"sha256": "00" * 32}})
    statement["subject"].insert(0, {"name": "-c", "digest": {"sha256": "11" * 32}})
    statement["predicate"]["approvals"][0]["principal"] = "a; touch escaped #"
    page = Page(render_certificate(statement, language="en", manifest=manifest))
    assert all("EOF\ntouch" not in code and "-c\n" not in code for code in page.code)
    assert "2 of the files have names that do not belong in a command" in page.text
    assert "-I 'a; touch escaped #'" in page.code[3]


class Signed(t.NamedTuple):
    directory: pathlib.Path
    page: Page


@pytest.fixture
def signed(tmp_path: pathlib.Path) -> Signed:
    """A run's directory as it is kept, signed with real keys, and its certificate."""
    manifest = manifest_of()
    people = {
        "privacy@example.com": "plan@recordings.disposal",
        "head@example.com": "plan@recordings.disposal",
        "seal@example.com": "evidence@recordings.disposal",
    }
    lines = []
    for person, namespace in people.items():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / person)], check=True)
        lines.append(f'{person} namespaces="{namespace}" {(tmp_path / f"{person}.pub").read_text(encoding="utf-8")}')
    (tmp_path / "allowed_signers").write_text("".join(lines), encoding="utf-8")
    statement = statement_of(manifest)
    (tmp_path / "journals").mkdir()
    for host in manifest["hosts"]:
        (tmp_path / "journals" / f"{host}.jsonl").write_text(f"{host}\n", encoding="utf-8")
    (tmp_path / "manifest.json").write_bytes(canonical(manifest) + b"\n")
    (tmp_path / "statement.json").write_bytes(statement_bytes(statement))
    sign(tmp_path, "seal@example.com", "evidence@recordings.disposal", "statement.json", "statement.json.sig")
    for person in ("privacy@example.com", "head@example.com"):
        sign(tmp_path, person, "plan@recordings.disposal", "manifest.json", f"manifest.json.{person}.sig")
    return Signed(tmp_path, Page(render_certificate(statement, language="en", manifest=manifest)))


def sign(directory: pathlib.Path, person: str, namespace: str, name: str, signature: str) -> None:
    told = ["ssh-keygen", "-Y", "sign", "-f", str(directory / person), "-n", namespace]
    made = subprocess.run(told, input=(directory / name).read_bytes(), capture_output=True, check=True)
    (directory / signature).write_bytes(made.stdout)


def run(directory: pathlib.Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-e", "-c", script], cwd=directory, capture_output=True, text=True, check=False)


def test_the_commands_on_the_page_verify_the_run(signed: Signed) -> None:
    digest_line, printed = signed.page.code[0].strip().splitlines()
    assert run(signed.directory, digest_line).stdout.strip() == printed.strip()
    find, verify = signed.page.code[1].strip().splitlines()
    signer = run(signed.directory, find).stdout.strip()
    assert signer == "seal@example.com"
    good = run(signed.directory, verify.replace("SIGNER", signer))
    assert good.returncode == 0 and 'Good "evidence@recordings.disposal" signature' in good.stdout
    files = run(signed.directory, signed.page.code[2])
    assert files.returncode == 0, files.stderr
    assert sorted(files.stdout.split()[::2]) == ["journals/dialer1.jsonl:", "journals/pbx1.jsonl:", "manifest.json:"]
    approvals = signed.page.code[3].strip().splitlines()
    assert len(approvals) == 2
    for line in approvals:
        assert run(signed.directory, line).returncode == 0, line
    option = re.search(r"-O verify-time=\d{14}\b", signed.page.text)
    assert option is not None
    assert run(signed.directory, verify.replace("SIGNER", signer).replace("-Y verify", f"-Y verify {option[0]}")).returncode == 0


@pytest.mark.parametrize("name", ["statement.json", "journals/pbx1.jsonl", "manifest.json"])
def test_the_commands_on_the_page_find_a_changed_byte(signed: Signed, name: str) -> None:
    path = signed.directory / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    verify = signed.page.code[1].strip().splitlines()[1].replace("SIGNER", "seal@example.com")
    found = {
        "signature": run(signed.directory, verify).returncode,
        "files": run(signed.directory, signed.page.code[2]).returncode,
        "approvals": run(signed.directory, signed.page.code[3]).returncode,
        "digest": int(
            run(signed.directory, signed.page.code[0].splitlines()[0]).stdout.strip() != signed.page.code[0].splitlines()[1].strip()
        ),
    }
    expected = {"statement.json": {"signature", "digest"}, "journals/pbx1.jsonl": {"files"}, "manifest.json": {"files", "approvals"}}[name]
    assert {what for what, code in found.items() if code} == expected


def test_the_same_statement_gives_the_same_page_and_is_not_changed() -> None:
    manifest = manifest_of()
    statement = mixed(manifest)
    before = copy.deepcopy((statement, manifest))
    first = render_certificate(statement, language="pl", manifest=manifest)
    assert render_certificate(statement, language="pl", manifest=manifest) == first
    assert (statement, manifest) == before
    assert PL.word("certificate.title") in first


@BOTH
def test_a_long_list_of_what_is_missing_leaves_room_for_what_was_not_checked(code: str) -> None:
    language, names = load_language(code), [f"recorder{number:02}" for number in range(11)]
    manifest = manifest_of({name: result(name) for name in names})
    problems = [f"{name}: the journal is missing; run the sweep again" for name in names]
    text = render_certificate(statement_of(manifest, {}, missing_hosts=names, problems=problems), language=code, manifest=manifest)
    page = Page(text)
    assert structure_faults(page, code) == []
    first, _heading, details = page.text.partition(language.word("certificate.unchecked_heading"))
    more = language.word("certificate.incomplete_more").format(number=3)
    assert language.word("certificate.incomplete_missing").format(hosts=language.listed([*names[:8], more])) in first
    assert language.word("certificate.incomplete_more_problems").format(number=3) in first
    assert [problem in first for problem in problems] == [True] * 8 + [False] * 3
    assert all(problem in details for problem in problems)
    assert [row[-1] for row in page.table(language.word("certificate.hosts_caption")).rows[1:12]] == [
        language.word("certificate.hosts_missing")
    ] * 11
