# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that proves to one person what became of a recording."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.evidence_proof import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import MEDIA_FORMAT
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.plugin_utils._proof import verify_proof
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import close, intent, opening, outcome
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.proof_world import (
    FILE,
    KEY,
    LETTER,
    NUMBER,
    ROOT,
    ProofWorld,
    moved_aside,
    name_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER

TOP = pathlib.Path(__file__).resolve().parents[4]
VERIFIER = TOP / "docs" / "verify_evidence.py"


@pytest.fixture
def world(tmp_path: pathlib.Path) -> ProofWorld:
    return ProofWorld(tmp_path).standard()


def out(result: dict[str, t.Any]) -> pathlib.Path:
    return pathlib.Path(result["proof"]["path"]).parent


def verified(directory: pathlib.Path, signers: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """What the verifier that an auditor has says of a directory that was handed out."""
    command = [sys.executable, str(VERIFIER), "--allowed-signers", str(signers), "--signer", SIGNER]
    command += ["--proof", str(directory / "proof.json"), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_options_are_checked() -> None:
    with pytest.raises(AnsibleError, match="allowed_signers, signer"):
        run_action(ActionModule, "evidence_proof", {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None, "root": None, "recording": None}, "which set is meant cannot be told"),
        ({"root": None}, "which set is meant cannot be told"),
        ({"recording": None, "file": FILE}, "which set is meant cannot be told"),
        ({"file": FILE, "layout": "freepbx"}, "which set is meant cannot be told"),
        ({"set": name_of(KEY), "source": "pbx"}, "set is given, and source too"),
        ({"recording": None, "file": FILE, "layout": "nothing"}, "the layout 'nothing' is not one of"),
        (
            {"recording": None, "file": f"x/{NUMBER}.wav", "layout": "freepbx"},
            "the file is not named as recordings of the layout freepbx are",
        ),
        ({"organisation": None}, "the letter needs organisation"),
        ({"contact": " "}, "the letter needs contact"),
        ({"supervisory_authority": ""}, "the letter needs supervisory_authority"),
        ({"received": "20.11.2026"}, "received is '20.11.2026', which is no day"),
        ({"received": "2026-02-30"}, "which is no day"),
        ({"case": "x" * 501}, "case is longer than 500 characters"),
        ({"set": name_of(KEY), "name_in_letter": True}, "cannot stand in the letter, since only its set was given"),
        ({"set": 32 * "9"}, "the set is not in any of the 1 runs, so nothing can be proven of it: look whether the name is right"),
        ({"root": "/srv/elsewhere"}, "look whether source, root and recording are written as in the plan"),
        ({"run": "2026-11-23-4f1c", "host": "rec2"}, "the set is not in the run 2026-11-23-4f1c on rec2"),
        ({"run": "2026-01-01-none"}, "is not a directory; name one of the runs in"),
        ({"run": "../runs/2026-11-23-4f1c"}, "is not a directory; name one of the runs in"),
        ({"identifiers_key_file": "/nowhere/identifiers.key"}, "the key for identifiers is not there"),
        ({"allowed_signers": "/nowhere"}, "the file of allowed signers /nowhere cannot be read"),
        ({"ledger": "/nowhere"}, "/nowhere cannot be opened"),
        ({"signer": "eve@example.com"}, "statement.json.sig: eve@example.com: signed with key"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(world: ProofWorld, changes: dict[str, t.Any], words: str) -> None:
    world.refused(words, **changes)


def test_what_was_not_destroyed_is_refused_unless_that_is_to_be_proven(world: ProofWorld) -> None:
    words = "the record of the set in the run 2026-11-23-4f1c on rec1 says not_destroyed: hold:2026-007; to prove that"
    world.refused(words, recording="third")
    result = world.proven(recording="third", on_not_destroyed="prove")
    assert (result["outcome"], result["reason"], result["destroyed_at"]) == ("not_destroyed", ["hold:2026-007"], None)
    english = (out(result) / "letter.en.html").read_text(encoding="utf-8")
    assert "The recording was not destroyed." in english and "Legal hold 2026-007" in english and "was destroyed on" not in english
    assert "Nagranie nie zostało zniszczone." in (out(result) / "letter.pl.html").read_text(encoding="utf-8")


def test_a_set_that_was_begun_and_has_no_outcome_is_refused(tmp_path: pathlib.Path) -> None:
    world = ProofWorld(tmp_path)
    with world.open_journal("rec1") as journal:
        journal.append("open", **opening(world.fields, world.data, "rec1", approvals=world.approvals))
        journal.append("intent", **intent(world.name(KEY)))
    world.seal()
    world.refused("was begun in 2026-11-23-4f1c on rec1 and has no outcome yet; run the sweep again, and seal")


def test_a_set_in_several_runs_is_named_with_them(world: ProofWorld) -> None:
    world.other_run("2026-12-01-aaaa", [world.name("third")])
    words = "the set is in several runs: 2026-11-23-4f1c on rec1 (not_destroyed); 2026-12-01-aaaa on rec1 (destroyed); give run"
    world.refused(words, recording="third")
    assert world.proven(recording="third", run="2026-12-01-aaaa")["run"] == "2026-12-01-aaaa"


def test_a_name_on_several_hosts_needs_the_host(tmp_path: pathlib.Path) -> None:
    world = ProofWorld(tmp_path)
    world.journal("rec1", [world.name(KEY), world.name("a"), world.name("b")])
    world.journal("rec2", [world.name(KEY), world.name("a")])
    world.seal()
    run = "2026-11-23-4f1c"
    world.refused(f"sets of this name are on several hosts: {run} on rec1 (destroyed); {run} on rec2 (destroyed); give host")
    world.refused("sets of this name are on several hosts", run=run)
    assert {host: world.proven(host=host)["leaf_index"] for host in ("rec1", "rec2")} == {"rec1": 0, "rec2": 3}


def test_a_run_that_is_not_sealed_is_refused(world: ProofWorld) -> None:
    other = world.other_run("2026-12-01-aaaa", [world.name("sixth")], seal=False)
    world.refused("the run 2026-12-01-aaaa has no statement.json, so it is not sealed; seal it first", recording="sixth")
    ledger = world.ledger.read_bytes()
    other.seal()
    world.ledger.write_bytes(ledger)
    world.refused("statement.json is in no line of the ledger, so the run is not sealed", recording="sixth")


@pytest.mark.parametrize("name", ["statement.json", "statement.json.sig", "journals/rec1.jsonl"])
@pytest.mark.parametrize("cached", [False, True])
def test_evidence_that_was_changed_is_refused(world: ProofWorld, name: str, cached: bool) -> None:
    if cached:
        world.proven()
        shutil.rmtree(world.state / "proofs")
    path = world.run / name
    data = path.read_bytes()
    # A journal is changed in another record than that which is asked for.
    at = data.rindex(b'"outcome":"not_destroyed"') if name.startswith("journals") else len(data) // 2
    path.write_bytes(data[:at] + (b"X" if data[at : at + 1] != b"X" else b"Y") + data[at + 1 :])
    words = {
        "statement.json": "statement.json",
        "statement.json.sig": "statement.json.sig: ",
        "journals/rec1.jsonl": "is not what the statement",
    }
    result = world.refused(words[name])
    assert "compare" in result["msg"] or "sign" in result["msg"] or "copy" in result["msg"]


def test_a_signature_by_someone_else_is_refused(world: ProofWorld) -> None:
    data = (world.run / "statement.json").read_bytes()
    text = world.keys.sign(data, "mallory", "evidence@recordings.disposal")
    (world.run / "statement.json.sig").write_text(text, encoding="ascii")
    world.refused("which allowed_signers does not list for evidence@example.com")
    text = world.keys.sign(data, "evidence", "file")
    (world.run / "statement.json.sig").write_text(text, encoding="ascii")
    world.refused("the signature is for the namespace 'file'")


def test_a_journal_that_came_after_the_seal_is_refused(world: ProofWorld) -> None:
    (world.run / "journals" / "rec3.jsonl").write_bytes((world.run / "journals" / "rec1.jsonl").read_bytes().replace(KEY.encode(), b""))
    world.refused("it names no journal of rec3; seal the run again", host="rec3")


def test_media_have_no_letter(tmp_path: pathlib.Path) -> None:
    world = ProofWorld(tmp_path, format=MEDIA_FORMAT)
    name = "sha256:" + 64 * "a"
    world.journal("rec1", [name, world.name("a"), world.name("b")])
    world.journal("rec2", [world.name("c"), world.name("d")])
    world.seal()
    world.refused("is over media, for which there are no letters", set=name)
    result = world.proven(set=name, languages=[])
    assert result["set"] == name and not result["letters"]


def test_plain_names_are_proven_only_where_they_may_be_shown(tmp_path: pathlib.Path) -> None:
    world = ProofWorld(tmp_path, kind="plain").standard()
    (world.state / "identifiers.key").unlink()
    world.refused("names sets plainly, so the proof would show the name of the recording")
    result = world.proven(name_in_letter=True)
    assert result["set"] is None and NUMBER not in json.dumps(result)
    assert NUMBER in (out(result) / "proof.json").read_text(encoding="utf-8")


def test_done_again_and_in_check_mode(world: ProofWorld) -> None:
    before = world.files()
    assert world.proven(check_mode=True)["changed"] is True
    assert world.files() == before and not world.index().exists()
    first = world.proven()
    assert first["changed"] is True
    done = world.files()
    assert set(done) - set(before) == {
        str((out(first) / name).relative_to(world.path))
        for name in ("proof.json", "statement.json", "statement.json.sig", "letter.en.html", "letter.pl.html")
    }
    for check_mode in (False, True):
        assert world.proven(check_mode=check_mode) == {**first, "changed": False}
    assert world.files() == done
    assert {path.stat().st_mode & 0o777 for path in out(first).iterdir()} == {0o600}


def test_by_set_by_recording_and_by_file_it_is_the_same_proof(world: ProofWorld) -> None:
    first = world.proven(languages=[])
    for asked in (
        {"set": name_of(KEY)},
        {"recording": None, "file": FILE, "layout": "freepbx"},
        {"root": ROOT + "/", "recording": f"/{KEY}"},
        {"run": "2026-11-23-4f1c"},
    ):
        assert world.proven(languages=[], **asked) == {**first, "changed": False}
    assert first["proof"]["bytes"] < 4096 and (first["leaf_index"], first["tree_size"]) == (0, 5)


def test_the_proof_verifies_and_fails_for_anything_else(world: ProofWorld) -> None:
    result = world.proven()
    data, statement = (out(result) / "proof.json").read_bytes(), (out(result) / "statement.json").read_bytes()
    assert verify_proof(data, statement)["outcome"] == "destroyed"
    proof = json.loads(data)
    other = json.loads((out(world.proven(recording="another")) / "proof.json").read_bytes())
    wrong: list[dict[str, t.Any]] = [
        *({**proof, "leaf_index": index} for index in (1, 2, 3, 4, 5, -1, "0", True)),
        *({**proof, name: other[name]} for name in ("record", "set", "path", "leaf_index")),
        {**proof, "record": other["record"], "set": other["set"]},
        {**proof, "record": proof["record"].replace("160044", "160045")},
        {**proof, "host": "rec2"},
        {**proof, "tree_size": 4},
        {**proof, "run": "another"},
        {**proof, "merkle_root": proof["statement"]},
        {**proof, "statement": proof["merkle_root"]},
        {**proof, "path": proof["path"][:-1]},
        {**proof, "path": [*proof["path"], proof["merkle_root"]]},
        {**proof, "path": proof["path"][::-1]},
        {**proof, "format": "recordings.disposal/proof/2"},
        {**proof, "more": 1},
        {key: value for key, value in proof.items() if key != "set"},
    ]
    handed = world.path / "handed"
    shutil.copytree(out(result), handed)
    for each in wrong:
        with pytest.raises(EvidenceError):
            verify_proof(canonical(each) + b"\n", statement)
    with pytest.raises(EvidenceError, match="was changed"):
        verify_proof(data.replace(b",", b", ", 1), statement)
    again = world.other_run("2026-12-01-aaaa", [world.name("sixth")])
    with pytest.raises(EvidenceError, match="the proof is for the statement"):
        verify_proof(data, (again.run / "statement.json").read_bytes())
    if not VERIFIER.exists():
        pytest.skip("docs/verify_evidence.py is missing")
    signers = world.path / "allowed_signers"
    done = verified(handed, signers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"set {name_of(KEY)} on rec1 is destroyed, by leaf 0 of 5" in done.stdout
    for each in wrong:
        (handed / "proof.json").write_bytes(canonical(each) + b"\n")
        assert verified(handed, signers).returncode == 1, each
    (handed / "proof.json").write_bytes(data)
    for name in ("statement.json", "statement.json.sig"):
        (handed / name).write_bytes((again.run / name).read_bytes())
    assert verified(handed, signers).returncode == 1


def test_no_name_and_no_number_gets_out(world: ProofWorld, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    result = world.proven(recording=None, file=FILE, layout="freepbx")
    printed = capsys.readouterr()
    texts = [json.dumps(result), caplog.text, printed.out, printed.err]
    texts += [data.decode("utf-8", "replace") + name for name, data in world.files().items()]
    texts.append(world.index().read_bytes().decode("latin-1"))
    for text in texts:
        assert NUMBER not in text and KEY not in text and KEY.rpartition("/")[2] not in text
    named = world.proven(name_in_letter=True)
    letters = [pathlib.Path(path).read_text(encoding="utf-8") for path in named["letters"]]
    assert all(NUMBER in letter for letter in letters)
    rest = [data.decode("utf-8", "replace") for name, data in world.files().items() if "letter." not in name]
    assert not any(NUMBER in text for text in [json.dumps(named), *rest])


def test_it_shows_nothing_of_the_others(world: ProofWorld) -> None:
    result = world.proven()
    for path in out(result).iterdir():
        text = path.read_text(encoding="utf-8")
        assert not any(name_of(key) in text for key in ("another", "third", "fourth", "fifth")), path


def test_the_letter_says_what_the_record_says(world: ProofWorld) -> None:
    result = world.proven()
    english, polish = (pathlib.Path(path).read_text(encoding="utf-8") for path in result["letters"])
    for text in (english, polish):
        assert "Example S.A." in text and "ul. Długa 1" in text and "DP/2026/117" in text and "2026-11-20" in text
        assert (
            "Prezes UODO" in text and "Anna Nowak" in text and result["statement"]["digest"] in text and result["proof"]["digest"] in text
        )
        assert "NIST SP 800-88 Rev. 2" in text and "Clear" in text and "Reg" in text and "http" not in text.replace("http-equiv", "")
    for words in (
        "article 17",
        "was destroyed on",
        "overwritten in place",
        "read back past",
        "backups",
        "article 77",
        "no legal advice",
    ):
        assert words in english, words
    for words in (
        "art. 17",
        "zostało zniszczone",
        "nadpisano",
        "kopie zapasowe",
        "art. 77 RODO",
        "Nie jest poradą prawną",
        "Inspektor ochrony danych",
    ):
        assert words in polish, words
    asked = world.proven(question="information", received=None, data_protection_officer=None)
    assert "You asked us what became" in pathlib.Path(asked["letters"][0]).read_text(encoding="utf-8")
    assert "Data protection officer" not in pathlib.Path(asked["letters"][0]).read_text(encoding="utf-8")


def test_what_is_written_in_options_is_escaped(world: ProofWorld) -> None:
    hostile = "<script>x</script> \u202e {{ 7*7 }} {0}"
    result = world.proven(**{**dict.fromkeys(LETTER, hostile), "received": "2026-11-20"})
    for path in result["letters"]:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        assert "<script" not in text and "\u202e" not in text and "{{ 7*7 }}" in text


def test_without_the_statement_its_digest_stands_in_the_proof(world: ProofWorld) -> None:
    result = world.proven(with_statement=False)
    assert sorted(path.name for path in out(result).iterdir()) == ["letter.en.html", "letter.pl.html", "proof.json"]
    assert "ask us for it" in (out(result) / "letter.en.html").read_text(encoding="utf-8")
    assert result["statement"]["path"] == str(world.run / "statement.json")


def test_a_set_that_was_destroyed_in_quarantine_is_found(tmp_path: pathlib.Path) -> None:
    world = ProofWorld(tmp_path)
    aside = "20261123T220000Z-0123456789abcdef"
    with world.open_journal("rec1") as journal:
        journal.append("open", **opening(world.fields, world.data, "rec1", approvals=world.approvals))
        journal.append("intent", **moved_aside(world, KEY, aside))
        journal.append("outcome", **outcome(world.name(KEY), "not_destroyed", "quarantined until 2026-12-23T22:00:00Z"))
        for key in ("a", "b"):
            journal.append("outcome", **outcome(world.name(key), "not_destroyed", "x"))
        close(journal)
    world.journal("rec2", [world.name("c"), world.name("d")])
    world.seal()
    world.refused("says not_destroyed: quarantined until")
    world.other_run("2026-12-24-bbbb", [world.name(KEY, root=f"{ROOT}/.recordings-disposal/{aside}")])
    for changes in ({}, {"run": "2026-12-24-bbbb"}):
        result = world.proven(**changes)
        assert (result["run"], result["outcome"]) == ("2026-12-24-bbbb", "destroyed")


def test_the_index_of_leaves_saves_time_and_is_never_believed(world: ProofWorld) -> None:
    asked = {"languages": [], "run": "2026-11-23-4f1c"}
    first = world.proven(**asked)
    cache = world.index()
    good = cache.read_bytes()
    marked = cache.stat().st_ino
    assert world.proven(**asked) == {**first, "changed": False} and cache.stat().st_ino == marked
    for at in range(good.index(b"\n") + 1, len(good), 7):
        cache.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert world.proven(**asked) == {**first, "changed": False}
    for rubbish in (b"", b"\n", good[:-1], good + b"x", b"\0" * len(good)):
        cache.write_bytes(rubbish)
        assert world.proven(**asked) == {**first, "changed": False} and cache.read_bytes() == good
    cache.unlink()
    cache.mkdir()
    assert world.proven(**asked) == {**first, "changed": False}


def test_a_directory_that_cannot_be_written_is_told(world: ProofWorld) -> None:
    (world.state / "proofs").write_text("in the way", encoding="ascii")
    result = world.prove()
    assert result["failed"] is True and "cannot be written" in result["msg"] and not os.path.isdir(world.state / "proofs")
