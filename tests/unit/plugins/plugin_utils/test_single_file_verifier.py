# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single-file verifier: it accepts what verify_run accepts, and both refuse whatever was changed and say where."""

from __future__ import annotations

import ast
import datetime as dt
import importlib.util
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import types
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence import sshsig
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import MerkleTree, inclusion_proof, leaf_hash
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.records import OPTIONAL, REQUIRED
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    close,
    destroy,
    host_part,
    opening,
    outcome,
    set_name,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils import run_world
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.evidence_mutations import (
    Damage,
    damages,
    evidence_files,
    names_place,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, START, RunWorld, rechain

SCRIPT = pathlib.Path(__file__).resolve().parents[4] / "docs" / "verify_evidence.py"
# How many mutations, and after how many seconds no more are begun; none are left out where their number is given.
MUTATIONS = int(os.environ.get("DISPOSAL_MUTATIONS", "320"))
SECONDS = 7 if "DISPOSAL_MUTATIONS" not in os.environ else 10**6
NOW = START + dt.timedelta(days=1)


def load() -> t.Any:
    found = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The verifier; both ask ssh-keygen each question only once."""
    module = load()
    ask, run = module.ssh_keygen, sshsig.run_ssh_keygen
    answers: dict[t.Any, t.Any] = {}

    def ask_once(action: str, path: pathlib.Path, at: dt.datetime, signers: str, *more: str, data: bytes = b"") -> str:
        key = (action, path.read_bytes() if path.exists() else None, at, pathlib.Path(signers).read_bytes(), *more, data)
        if key not in answers:
            answers[key] = ask(action, path, at, signers, *more, data=data)
        return str(answers[key])

    def run_once(*arguments: str, data: bytes, descriptors: t.Sequence[int] = (), **others: t.Any) -> subprocess.CompletedProcess[bytes]:
        files = tuple(os.pread(descriptor, 1 << 20, 0) for descriptor in descriptors)
        key = (data, files, *(argument for argument in arguments if not argument.startswith(("/dev/fd/", "/proc/"))))
        if key not in answers:
            answers[key] = run(*arguments, data=data, descriptors=descriptors, **others)
        return t.cast("subprocess.CompletedProcess[bytes]", answers[key])

    monkeypatch.setattr(module, "ssh_keygen", ask_once)
    monkeypatch.setattr(sshsig, "run_ssh_keygen", run_once)
    return t.cast(types.ModuleType, module)


def faults(script: t.Any, world: RunWorld, *, ledger: bool = True, proof: pathlib.Path | None = None, **changes: t.Any) -> list[str]:
    """What the script says is wrong."""
    signers = world.state / "allowed_signers"
    signers.write_text(changes.get("allowed_signers", world.signers), encoding="utf-8")
    verifier = script.Verifier(str(world.run), str(signers), changes.get("signer", SIGNER), changes.get("now", NOW))
    verifier.verify(str(world.ledger) if ledger else None, str(proof) if proof else None)
    return t.cast("list[str]", verifier.faults)


def agreed(script: t.Any, world: RunWorld, **told: t.Any) -> bool:
    """Whether the evidence is valid, by both."""
    mine, theirs = faults(script, world, **told), world.verify(**told).problems
    assert bool(mine) == bool(theirs), (mine, theirs)
    return not mine


def whole(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path).swept()
    world.seal()
    return world


def replaced(path: pathlib.Path) -> RunWorld:
    """Cut off in the middle, sealed, sealed after another run, gone on with, cut off once more, ended, sealed."""
    world = RunWorld(path)
    world.sweep("rec1", until=1)
    journal = world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes() + b'{"bytes":160044,"cla')
    world.seal()
    other = RunWorld(path / "other", plan_id="2026-11-24-aaaa").swept()
    other.ledger = world.ledger
    other.seal()
    shutil.copytree(other.run, world.run.parent / other.run.name)
    world.sweep("rec1", until=2)
    world.swept().seal()
    return world


def unfinished(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path)
    world.sweep("rec1", until=2)
    journal = world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes() + b'{"bytes":')
    world.journal_path("rec3").write_bytes(b"")
    world.seal()
    return world


def zeros(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path)
    world.sweep("rec1", until=2)
    journal = world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes() + 4096 * b"\0")
    world.seal()
    return world


def trained(path: pathlib.Path) -> RunWorld:
    """A host began after the training of one person was renewed, and one did not look at the other's."""
    world = RunWorld(path)
    records = [{"record": f"sha256:{number}" + 63 * "0", "until": f"2027-0{3 - number}-01T00:00:00Z"} for number in (1, 2)]
    anna, bob = world.approvals
    world.sweep("rec1", approvals=[{**anna, "training": records[:1]}, {**bob, "training": records[:1]}])
    world.sweep("rec2", approvals=[{**anna, "training": records[::-1]}, bob])
    world.seal()
    anna, bob = world.statement()["predicate"]["approvals"]
    assert anna["training"] == records and "training" not in bob
    return world


def unapproved(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path, approvals_required=0)
    world.approvals = []
    world.swept().seal()
    return world


def approved_though_not_asked(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path, approvals_required=0).swept()
    world.seal()
    return world


def media(path: pathlib.Path) -> RunWorld:
    world = RunWorld(path, format="recordings.disposal/media-manifest/1").swept()
    world.seal()
    return world


def many_hosts(path: pathlib.Path) -> RunWorld:
    """Names that sort otherwise with an ending; a host that has nothing due; sets by their plain names, one not in UTF-8."""
    hosts = {name: host_part(name, due) for name, due in (("rec1", 3), ("rec1-a", 1), ("rec1.b", 2), ("żółw", 0))}
    world = RunWorld(path, hosts=hosts)
    for host in ("rec1", "rec1-a", "rec1.b", "żółw"):
        world.sweep(host, until=hosts[host]["verdicts"]["due"]["sets"] - 1 if host == "rec1.b" else None)
    with world.open_journal("rec1.b") as journal:
        destroy(journal, 'zażółć "gęślą" \udcff\\ 2020-01-01.wav')
        close(journal)
    world.seal()
    return world


WORLDS = [whole, replaced, unfinished, zeros, trained, unapproved, approved_though_not_asked, media, many_hosts]


@pytest.mark.parametrize("build", WORLDS)
def test_both_accept(script: types.ModuleType, tmp_path: pathlib.Path, build: t.Callable[[pathlib.Path], RunWorld]) -> None:
    world = build(tmp_path)
    assert agreed(script, world)
    assert agreed(script, world, ledger=False)


@pytest.mark.parametrize("build", WORLDS)
def test_both_refuse_a_random_damage(script: types.ModuleType, tmp_path: pathlib.Path, build: t.Callable[[pathlib.Path], RunWorld]) -> None:
    """In worlds of every kind, some; in the richest one, many."""
    seed = int(os.environ.get("DISPOSAL_SEED") or random.randrange(1 << 30))
    print("DISPOSAL_SEED", seed)
    world = build(tmp_path)
    assert agreed(script, world)
    share = 1 if build is replaced else 16
    end = time.monotonic() + SECONDS / min(share, 10)
    for damage in itertools.islice(damages(world, random.Random(seed)), MUTATIONS // share):
        refuse(script, world, damage)
        if time.monotonic() > end:
            break
    assert agreed(script, world)


def refuse(script: types.ModuleType, world: RunWorld, damage: Damage) -> None:
    good = {path: path.read_bytes() if path.exists() else None for path in damage.files}
    try:
        if all(good[path] == data for path, data in damage.files.items()):
            return
        write(damage.files)
        mine, theirs = faults(script, world), world.verify().problems
        for who, sentences in (("the script", mine), ("verify_run", theirs)):
            assert sentences, f"{who} accepts: {damage.what}"
            assert names_place(sentences, damage), (who, damage.what, damage.places, damage.lines, sentences)
            assert not any("\n" in sentence for sentence in sentences) or who == "the script"
    finally:
        write(good)


def write(files: t.Mapping[pathlib.Path, bytes | None]) -> None:
    for path, data in files.items():
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)


def test_every_byte_of_signatures_and_ledger(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    """Where it is short, each byte; a signature must not have one that means nothing."""
    world = replaced(tmp_path)
    rng = random.Random(7)
    begun = time.monotonic()
    places = [
        (path, at) for path in evidence_files(world) if path.suffix == ".sig" or path == world.ledger for at in range(path.stat().st_size)
    ]
    rng.shuffle(places)
    for path, at in places[: MUTATIONS * 10]:
        data = path.read_bytes()
        bad = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        place = "ledger" if path == world.ledger else path.name
        refuse(script, world, Damage(f"{place} byte {at}", {path: bad}, frozenset({place})))
        if time.monotonic() - begun > SECONDS / 4:
            break


def predicate(change: t.Callable[[dict[str, t.Any]], object]) -> t.Callable[[RunWorld], None]:
    def lie(world: RunWorld) -> None:
        statement = world.statement()
        change(statement["predicate"])
        world.resign(statement)

    return lie


LIES = [
    lambda told: told["hosts"]["rec1"]["counts"].update(destroyed=3),
    lambda told: told["hosts"]["rec1"]["counts"].update(unknown=False),
    lambda told: told["hosts"]["rec1"].update(interruptions=False),
    lambda told: told["hosts"]["rec1"].update(closed=1),
    lambda told: told["hosts"]["rec1"].update(records=True),
    lambda told: told["hosts"]["rec1"].update(records="9"),
    lambda told: told["hosts"]["rec1"].update(head="sha256:" + 64 * "0"),
    lambda told: told["hosts"]["rec1"].pop("head"),
    lambda told: told["hosts"].pop("rec2"),
    lambda told: told["totals"]["bytes"].update(destroyed=1),
    lambda told: told.update(merkle_root="sha256:" + 64 * "0"),
    lambda told: told.update(tree_size=6),
    lambda told: told.update(complete=False),
    lambda told: told.update(complete=1),
    lambda told: told["missing_hosts"].append("rec9"),
    lambda told: told["approvals"].pop(),
    lambda told: told["approvals"][0].update(training=[{"record": "sha256:" + 64 * "1", "until": "2027-02-01T00:00:00Z"}]),
    lambda told: told.update(author="eve@example.com"),
    lambda told: told.update(policy={}),
    lambda told: told.pop("totals"),
    lambda told: told.update(created="yesterday"),
    lambda told: told.update(created="2027-11-23T22:00:00Z"),
    lambda told: told.update(previous="sha256:" + 64 * "1"),
    lambda told: told.update(run="another"),
    lambda told: told.update(manifest="sha256:" + 64 * "0"),
    *(
        lambda told, name=name, bad=bad: told.update({name: bad})
        for name in ("not_checked", "problems")
        for bad in (5, None, "Nothing.", {"Nothing.": 1}, [5], ["Nothing.", ["more"]])
    ),
    lambda told: told.pop("not_checked"),
    lambda told: told.pop("problems"),
]


def test_a_signer_who_lies_is_found_by_both(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = whole(tmp_path)
    good = {path: path.read_bytes() for path in evidence_files(world)}
    for number, change in enumerate(LIES):
        predicate(change)(world)
        assert not agreed(script, world), number
        write(good)
    for other in ({"_type": "https://in-toto.io/Statement/v2"}, {"predicateType": "x"}, {"subject": []}):
        world.resign({**world.statement(), **other})
        assert not agreed(script, world), other
        write(good)
    assert agreed(script, world)


def test_what_no_version_before_knows_is_found_by_both(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    """Fields and records of a later version, in a journal that was sealed with them: what they would mean is not known."""
    world = whole(tmp_path)
    good = {path: path.read_bytes() for path in evidence_files(world)}
    lines = world.journal_path("rec1").read_bytes().splitlines()
    for number, line in enumerate(lines):
        record = json.loads(line)
        lacking = {
            key: value for key, value in record.items() if key not in ("time", "class", "torn", "collection", "reason", "interruptions")
        }
        for other in ({**record, "zone": "x"}, {**record, "a": 1}, lacking, {**record, "type": "teleport"}):
            sealed_with(world, [*lines[:number], canonical(other), *lines[number + 1 :]])
            assert not agreed(script, world), other
            assert any(f"journals/rec1.jsonl line {number + 1} " in fault for fault in faults(script, world)), other
            write(good)
    for change in (
        lambda told: told.update(zone="x"),
        lambda told: told["hosts"]["rec1"].update(zone="x"),
        lambda told: told["hosts"]["rec1"].pop("classes"),
    ):
        predicate(change)(world)
        assert not agreed(script, world)
        write(good)
    world.resign({**world.statement(), "zone": "x"})
    assert not agreed(script, world)
    write(good)
    assert agreed(script, world)


def sealed_with(world: RunWorld, lines: list[bytes]) -> None:
    """The journal of rec1 with other lines, chained, and a statement that says so, signed."""
    data = rechain(lines)
    world.journal_path("rec1").write_bytes(data)
    tree = MerkleTree()
    for path in sorted(world.run.glob("journals/*.jsonl")):
        for line in path.read_bytes().splitlines():
            if json.loads(line)["type"] == "outcome":
                tree.add(line)
    statement = world.statement()
    statement["predicate"]["hosts"]["rec1"].update(head=digest(data.splitlines()[-1]), records=len(lines))
    statement["predicate"].update(merkle_root=tree.root(), tree_size=tree.size)
    statement["subject"][0]["digest"]["sha256"] = digest(data)[7:]
    world.resign(statement)


SPOILT: list[tuple[str, dict[str, t.Any]]] = [
    ("outcome", {"reason": None}),
    ("outcome", {"level": {"required": [], "achieved": "clear"}}),
    ("outcome", {"level": {"required": "purge", "achieved": "clear", "standard": "x"}}),
    ("outcome", {"level": None}),
    ("outcome", {"proof": {}}),
    ("outcome", {"bytes": True}),
    ("outcome", {"bytes": -1}),
    ("outcome", {"outcome": ["destroyed"]}),
    ("outcome", {"outcome": "shredded"}),
    ("outcome", {"set": ""}),
    ("outcome", {"set": ["x"]}),
    ("outcome", {"set": set_name(77)}),
    ("outcome", {"time": "2026-02-30T00:00:00Z"}),
    ("outcome", {"type": "result"}),
    ("outcome", {"type": []}),
    ("erased", {"outcome": "unknown"}),
    ("erased", {"set": set_name(78)}),
    ("close", {"counts": {"destroyed": 3, "not_destroyed": 0, "unknown": 0}}),
    ("close", {"interruptions": False}),
    ("close", {"bytes": None}),
    ("open", {"host": "rec2"}),
    ("open", {"plan": "sha256:" + 64 * "0"}),
    ("open", {"manifest": "sha256:" + 64 * "0"}),
    ("open", {"policy": "sha256:" + 64 * "0"}),
    ("open", {"author": "eve@example.com"}),
    ("open", {"format": "recordings.disposal/journal/2"}),
    ("open", {"approvals": "anna@example.com"}),
    ("open", {"approvals": [{"principal": "anna@example.com"}]}),
    ("open", {"type": "resume"}),
    ("open", {"serial": "S1"}),
    ("intent", {"colour": "red"}),
    ("intent", {"technique": "overwrite"}),
    ("outcome", {"keys": []}),
    ("close", {"set": "s"}),
]


def test_a_record_that_cannot_stand_is_found_by_both(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    """In a journal that whoever changed it chained anew."""
    world = whole(tmp_path)
    path = world.journal_path("rec1")
    good = path.read_bytes()
    for kind, change in SPOILT:
        lines = good.splitlines()
        at = next(index for index, line in enumerate(lines) if json.loads(line)["type"] == kind)
        lines[at] = canonical({**json.loads(lines[at]), **change})
        path.write_bytes(rechain(lines))
        for who, sentences in (("the script", faults(script, world)), ("verify_run", world.verify().problems)):
            assert any(re.search(r"journals/rec1\.jsonl line \d", sentence) for sentence in sentences), (who, kind, change, sentences)


def test_its_fields_of_records_are_those_of_the_code(script: t.Any) -> None:
    known = {kind: {*fields, *OPTIONAL.get(kind, {})} for kind, fields in REQUIRED.items()}
    assert {kind: set(fields.split()) for kind, fields in script.FIELDS.items()} == known and not OPTIONAL.get("outcome")


def test_a_field_that_nobody_knows_is_named(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = whole(tmp_path)
    path = world.journal_path("rec1")
    opening_line, intent_line, *rest = path.read_bytes().splitlines()
    path.write_bytes(rechain([opening_line, canonical({**json.loads(intent_line), "colour": "red", "serial": "S1"}), *rest]))
    words = "journals/rec1.jsonl line 2 (intent) has fields that are not known here, and may mean anything: ['colour']"
    assert words in faults(script, world)


def other_signers(world: RunWorld) -> dict[str, str]:
    plan = 'namespaces="plan@recordings.disposal"'
    evidence = world.signers.splitlines(keepends=True)[0]
    anna, bob = (world.keys.line(f"{name}@example.com", name, plan) for name in ("anna", "bob"))
    return {
        "a pattern": evidence + anna + bob + world.keys.line("*@example.org", "eve", plan),
        "an authority": evidence + anna + bob + world.keys.line("eve@example.org", "eve", "cert-authority," + plan),
        "an author who signs under another name": evidence
        + anna
        + bob
        + world.keys.line("ewa@example.com", "bob", 'valid-before="20200101"'),
        "a key that may not sign any more": evidence + anna + world.keys.line("bob@example.com", "bob", 'valid-before="20261123"'),
        "a key that may not sign yet": evidence + anna + world.keys.line("bob@example.com", "bob", 'valid-after="20261124"'),
        "a key for something else": evidence + anna + world.keys.line("bob@example.com", "bob", 'namespaces="review@recordings.disposal"'),
        "nobody": evidence,
        "an evidence key that expired": world.keys.line(SIGNER, "evidence", 'valid-before="20261123225959Z"') + anna + bob,
    }


def test_signers(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = whole(tmp_path)
    for name, signers in other_signers(world).items():
        assert not agreed(script, world, allowed_signers=signers), name
    assert not agreed(script, world, signer="eve@example.com")
    later = world.signers.replace('namespaces="evidence@recordings.disposal"', 'valid-before="20261123230001Z"')
    assert agreed(script, world, allowed_signers=later, now=NOW + dt.timedelta(days=3650))
    assert agreed(script, world, allowed_signers="# cert-authority * of nobody\n\n" + world.signers)


@pytest.mark.parametrize("how", ["one key", "the author", "the same person twice", "too few"])
def test_approvals_that_do_not_count(script: types.ModuleType, tmp_path: pathlib.Path, how: str) -> None:
    world = RunWorld(tmp_path)
    name, key = {"one key": ("carl", "anna"), "the author": ("ewa", "ewa"), "the same person twice": ("Anna", "carl"), "too few": ("", "")}[
        how
    ]
    if name:
        world.signers += world.keys.line(f"{name}@example.com", key, 'namespaces="plan@recordings.disposal"')
        world.approve(f"{name}@example.com", key)
        world.approvals = [world.approvals[0], {"principal": f"{name}@example.com", "key": world.keys.fingerprint(key)}]
        world.swept()
    else:
        # One person who is named twice, on a host where the other one's approval was not seen.
        world.sweep("rec1")
        world.sweep("rec2", approvals=[world.approvals[0], world.approvals[0]])
    world.seal()
    assert not agreed(script, world)


def test_a_plan_that_was_not_valid_when_the_host_began(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    for number, times in enumerate(({"created": "2026-11-23T22:30:00Z"}, {"expires": "2026-11-23T21:00:00Z"})):
        path = tmp_path / str(number)
        path.mkdir()
        world = RunWorld(path, **times).swept()
        world.seal()
        assert not agreed(script, world)


def prove(world: RunWorld, number: int) -> dict[str, t.Any]:
    """The proof of an outcome, counted over all journals."""
    lines = [
        (path.stem, line)
        for path in sorted(world.run.glob("journals/*.jsonl"), key=lambda path: path.stem)
        for line in path.read_bytes().splitlines()
        if json.loads(line)["type"] == "outcome"
    ]
    hashes = [leaf_hash(line) for _host, line in lines]
    tree = MerkleTree()
    for value in hashes:
        tree.add_hash(value)
    host, line = lines[number]
    assert tree.root() == world.statement()["predicate"]["merkle_root"]
    return {
        "format": "recordings.disposal/proof/1",
        "run": world.run.name,
        "statement": digest((world.run / "statement.json").read_bytes()),
        "host": host,
        "set": json.loads(line)["set"],
        "record": line.decode(),
        "leaf_index": number,
        "tree_size": tree.size,
        "merkle_root": tree.root(),
        "path": inclusion_proof(hashes, number, tree.size),
    }


def written(world: RunWorld, proof: t.Mapping[str, t.Any]) -> pathlib.Path:
    path = world.state / "proof.json"
    path.write_bytes(canonical(proof) + b"\n")
    return path


def alone(world: RunWorld) -> None:
    """What a data subject gets: the statement and its signature."""
    for path in world.run.iterdir():
        if path.name not in ("statement.json", "statement.json.sig"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("build", [whole, replaced, many_hosts])
def test_the_proof_of_each_set(script: types.ModuleType, tmp_path: pathlib.Path, build: t.Callable[[pathlib.Path], RunWorld]) -> None:
    world = build(tmp_path)
    proofs = [prove(world, number) for number in range(world.statement()["predicate"]["tree_size"])]
    assert faults(script, world, proof=written(world, proofs[0])) == []
    alone(world)
    for proof in proofs:
        assert faults(script, world, ledger=False, proof=written(world, proof)) == []
        for other in proofs:
            if other is proof:
                continue
            for key in ("record", "leaf_index", "path"):
                assert faults(script, world, ledger=False, proof=written(world, {**proof, key: other[key]})), key
            mixed = {**other, "leaf_index": proof["leaf_index"], "path": proof["path"]}
            assert faults(script, world, ledger=False, proof=written(world, mixed))
    assert faults(script, world, ledger=False)


def test_no_other_proof_is_accepted(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = whole(tmp_path)
    proof = prove(world, 2)
    alone(world)
    other = json.loads(proof["record"])
    changes: list[dict[str, t.Any]] = [
        {"format": "recordings.disposal/proof/2"},
        {"run": "another"},
        {"statement": "sha256:" + 64 * "0"},
        {"merkle_root": "sha256:" + 64 * "0"},
        {"host": "rec2"},
        {"host": "rec9"},
        {"set": set_name(9)},
        {"tree_size": 6},
        {"leaf_index": 4},
        {"leaf_index": -1},
        {"leaf_index": True},
        {"leaf_index": "2"},
        {"path": proof["path"][::-1]},
        {"path": proof["path"][:-1]},
        {"path": [*proof["path"], proof["path"][0]]},
        {"path": [proof["path"][0].upper().replace("SHA256", "sha256"), *proof["path"][1:]]},
        {"path": []},
        {"path": None},
        {"record": json.dumps(other)},
        {"record": canonical({**other, "outcome": "destroyed"}).decode()},
        {"record": canonical({**other, "set": set_name(9)}).decode(), "set": set_name(9)},
        {"record": proof["record"] + "\n"},
        {"record": None},
        {"more": 1},
    ]
    for change in changes:
        assert faults(script, world, ledger=False, proof=written(world, {**proof, **change})), change
    for key in proof:
        assert faults(script, world, ledger=False, proof=written(world, {name: proof[name] for name in proof if name != key})), key
    path = written(world, proof)
    data = path.read_bytes()
    rng = random.Random(11)
    for at in rng.sample(range(len(data)), min(len(data), MUTATIONS // 2)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
        assert any("proof.json" in fault for fault in faults(script, world, ledger=False, proof=path)), at
    path.write_bytes(data)
    assert faults(script, world, ledger=False, proof=path) == []
    (world.run / "statement.json.sig").write_bytes(b"")
    assert faults(script, world, ledger=False, proof=path)


def test_a_proof_does_not_spare_the_rest(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = whole(tmp_path)
    proof = written(world, prove(world, 0))
    journal = world.journal_path("rec2")
    journal.write_bytes(journal.read_bytes().replace(b"brokerage", b"br0kerage", 1))
    assert any("journals/rec2.jsonl line" in fault for fault in faults(script, world, proof=proof))


def run_script(world: RunWorld, *more: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The script as an auditor runs it, with nothing but the standard library in reach."""
    signers = world.state / "allowed_signers"
    signers.write_text(world.signers, encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(world.run), "--allowed-signers", str(signers), "--signer", SIGNER, *more]
    environment = {**os.environ, **({"PATH": path} if path else {}), "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False)


def test_as_an_auditor_runs_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_world, "START", dt.datetime(2020, 11, 23, 22, 0, tzinfo=dt.timezone.utc))
    world = RunWorld(tmp_path, created="2020-11-23T20:00:00Z", expires="2020-11-30T20:00:00Z")
    world.sealed_at = "2020-11-23T23:00:00Z"
    world.swept().seal()
    done = run_script(world, "--ledger", str(world.ledger))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1] == "valid" and sum(line.startswith("ok: ") for line in lines) == 7
    assert any(line.startswith("not checked: whether the hosts told the truth") for line in lines)
    bare = run_script(world)
    assert bare.returncode == 0 and "not checked: the ledger, which was not given" in bare.stdout
    journal = world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes().replace(b'"seq":4', b'"seq":5'))
    bad = run_script(world, "--ledger", str(world.ledger))
    assert bad.returncode == 1 and bad.stdout.splitlines()[-1] == "NOT VALID"
    assert re.search(r"^FAULT: journals/rec1\.jsonl line 5 ", bad.stdout, re.MULTILINE)
    assert run_script(world, path=str(tmp_path)).returncode == 2
    shutil.rmtree(world.run)
    assert run_script(world).returncode == 2


def test_heads_that_were_kept_are_told_as_not_checked(script: t.Any, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = whole(tmp_path)
    for name in ("ledger.head-3.json", "ledger.head-12.json", "ledger.head-3.json.sig", "another.head-3.json"):
        world.ledger.with_name(name).write_bytes(b"{}\n")
    assert faults(script, world) == []
    signers = str(world.state / "allowed_signers")
    told = [str(world.run), "--allowed-signers", signers, "--signer", SIGNER]
    script.main([*told, "--ledger", str(world.ledger)], now=NOW)
    lines = [line for line in capsys.readouterr().out.splitlines() if ".head-" in line]
    assert lines == [f"not checked: ledger.head-{size}.json, a head that was kept" for size in (12, 3)]
    script.main(told, now=NOW)
    assert ".head-" not in capsys.readouterr().out


def test_what_it_prints_cannot_deceive_a_terminal(script: t.Any, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = whole(tmp_path)
    (world.run / "journals" / "x\x1b[2K\nvalid\u202e").write_bytes(b"")
    faults(script, world)
    signers = str(world.state / "allowed_signers")
    assert script.main([str(world.run), "--allowed-signers", signers, "--signer", SIGNER], now=NOW) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "\u202e" not in printed and printed.splitlines().count("valid") == 0


def test_it_is_one_short_file_without_the_collection() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names) and len(source.splitlines()) < 400


def test_both_find_a_statement_that_was_never_listed(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    """One that was cut off before its line in the ledger is kept under a name that says so."""
    world = whole(tmp_path)
    data = (world.run / "statement.json").read_bytes()
    (world.run / "statement-unlisted-0123456789ab.json").write_bytes(data)
    assert agreed(script, world)
    (world.run / "statement-0.json").write_bytes(data)
    assert not agreed(script, world)
    assert any(fault.startswith("statement-0.json") for fault in faults(script, world))


def test_a_host_that_ended_with_less_than_was_due(script: types.ModuleType, tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1")
    with world.open_journal("rec2") as journal:
        journal.append("open", **opening(world.fields, world.data, "rec2", approvals=world.approvals))
        journal.append("outcome", **outcome(set_name(0), "unknown", "x" * 40))
        close(journal)
    world.seal()
    assert agreed(script, world) and world.statement()["predicate"]["complete"] is False
    predicate(lambda told: told.update(complete=True))(world)
    assert not agreed(script, world)
