# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas are closed, say what the code checks, and fit what the code writes."""

from __future__ import annotations

import copy
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import FORMAT, JournalState
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.records import OPTIONAL, REQUIRED
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.rotated import FORMAT as ROTATED_FORMAT
from ansible_collections.recordings.disposal.plugins.module_utils._media.ordered import order_bytes, order_id, read_order
from ansible_collections.recordings.disposal.plugins.modules import media_destruction, overwrite
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    erased,
    intent,
    opening,
    outcome,
    set_name,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import row
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.rotation_world import RotationWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils import media_plan_world
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import CertificateWorld, medium, name_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.order_world import made_order
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import manifest_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.proof_world import ProofWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld, rechain
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import (
    DIRECTORY,
    faults,
    load,
    validate,
    validate_lines,
)

Told = dict[str, t.Any]
A = set_name(10)
# By the name of a file: the format that a document of it names, none where it names none.
FORMATS = {
    "journal-1": FORMAT,
    "ledger-1": None,
    "ledger-head-1": "recordings.disposal/ledger-head/1",
    "manifest-1": "recordings.disposal/manifest/1",
    "media-certificate-1": "recordings.disposal/media-certificate/1",
    "media-manifest-1": "recordings.disposal/media-manifest/1",
    "proof-1": "recordings.disposal/proof/1",
    "review-1": "recordings.disposal/review/1",
    "rotated-1": ROTATED_FORMAT,
    "statement-1": None,
    "training-1": "recordings.disposal/training/1",
    "work-order-1": "recordings.disposal/work-order/1",
}
# What a technique or a task saw has keys of its own; docs/schemas.md names these places.
OPEN = {
    "journal-1": {"method", "marks", "told", "proof", "plan", "preconditions", "reached"},
    "media-certificate-1": {"facts", "order", "persons", "not_checked"},
}


def objects(schema: t.Any, place: str = "") -> t.Iterator[tuple[str, Told]]:
    """Every part of a schema that describes an object, by the property that it is under."""
    if isinstance(schema, dict):
        kind = schema.get("type")
        if (kind == "object" or (isinstance(kind, list) and "object" in kind)) and not {"allOf", "maxProperties"} & set(schema):
            yield place, schema
        for key, value in schema.items():
            if key in ("properties", "$defs"):
                for name, each in value.items():
                    yield from objects(each, name)
            elif key in ("items", "oneOf", "additionalProperties"):
                for each in value if isinstance(value, list) else [value]:
                    yield from objects(each, place)


# What the schemas are.


def test_each_format_has_one_schema_and_its_name() -> None:
    assert sorted(path.stem for path in DIRECTORY.glob("*.json")) == sorted(FORMATS)
    text = (DIRECTORY.parent / "schemas.md").read_text(encoding="utf-8")
    for name, form in FORMATS.items():
        schema = load(name)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"urn:recordings.disposal:schema:{name.removesuffix('-1')}:1"
        assert f"`schemas/{name}.json`" in text and (form is None or f'"{form}"' in json.dumps(schema))


@pytest.mark.parametrize("name", FORMATS)
def test_each_schema_is_valid_and_closed_but_where_it_says(name: str) -> None:
    validator = faults.__globals__["jsonschema"].Draft202012Validator
    validator.check_schema(load(name))
    left_open = {place for place, schema in objects(load(name)) if "additionalProperties" not in schema}
    assert left_open == OPEN.get(name, set())


def test_the_schema_of_records_is_what_the_code_checks() -> None:
    schema = load("journal-1")
    assert (
        {each["then"]["$ref"].rpartition("/")[2] for each in schema["allOf"]} == set(schema["properties"]["type"]["enum"]) == set(REQUIRED)
    )
    for kind, fields in REQUIRED.items():
        part = schema["$defs"][kind]
        assert set(part["required"]) == {"seq", "prev", "time", "type", *fields}
        assert set(part["properties"]) == {"seq", "prev", "time", "type", *fields, *OPTIONAL.get(kind, {})}


# The code and the schemas agree on what is wrong.

STORY: list[tuple[str, Told]] = [
    ("open", opening(keys=[{"class": "c", "period": "2026", "run": "r"}])),
    ("resume", {"torn": 0, "pending": 0, "policy": "p"}),
    ("intent", {**intent(A), "serial": "S", "steps": ["x"], "row": "r", "plan": {}, "preconditions": [], "opened": "o", "reached": []}),
    ("step", {"set": A, "step": "issuing", "told": {"what": 1}}),
    ("erased", erased(A)),
    ("outcome", outcome(A)),
    ("close", {"counts": {"destroyed": 1, "not_destroyed": 0, "unknown": 0}, "bytes": {"destroyed": 160044}, "interruptions": 1}),
]
OTHERS: list[t.Any] = [None, True, -1, 7, 1 << 70, "", "text", [], [1], ["text"], {}, {"a": 1}]


def story() -> list[Told]:
    lines = [canonical({**fields, "type": kind, "time": f"2026-11-23T22:00:0{number}Z"}) for number, (kind, fields) in enumerate(STORY)]
    return [json.loads(line) for line in rechain(lines).splitlines()]


def refused(records: t.Sequence[Told], at: int) -> str:
    """What the code says of the record at a place; empty where it takes it."""
    try:
        JournalState.fold(records[: at + 1], name="j")
    except EvidenceError as error:
        assert error.message.startswith(f"j line {at + 1} "), error.message
        return error.message
    return ""


def mutated(record: Told) -> t.Iterator[tuple[str, Told]]:
    # What the reader of the chain checks, and the schema besides, is not the state's to check.
    for key in record.keys() - {"seq", "prev", "time"}:
        yield f"without {key}", {name: value for name, value in record.items() if name != key}
        for value in OTHERS:
            if canonical(value) != canonical(record[key]):
                yield f"{key} = {value!r}", {**record, key: value}
    yield "another field", {**record, "colour": "red"}
    yield "a field of another type", {**record, "keys" if record["type"] != "open" else "serial": []}


# What only the schema tells, and the code does not look at: texts that are empty, and elements of lists.
SCHEMA_ALONE = (
    "run",
    "host",
    "plan",
    "members",
    "torn",
    "pending",
    "approvals",
    "reason",
    "steps",
    "keys",
    "marks",
    "preconditions",
    "reached",
)
# What only the code tells: what a record means after those before it.
CODE_ALONE = ("set", "bytes", "counts", "interruptions", "proof", "outcome")


@pytest.mark.parametrize("at", range(len(STORY)))
def test_what_one_refuses_the_other_does_too(at: int) -> None:
    records = story()
    assert not faults("journal-1", records[at]) and not refused(records, at)
    for what, record in mutated(records[at]):
        bad = refused([*records[:at], record], at)
        wrong = faults("journal-1", record)
        key = what.partition(" = ")[0]
        if wrong and not bad:
            assert key in SCHEMA_ALONE, f"{what}: only the schema refuses it: {wrong[0]}"
        elif bad and not wrong:
            assert key in CODE_ALONE, f"{what}: only the code refuses it: {bad}"
        if what.startswith(("another", "a field of")) or key == "type":
            assert bad and wrong


FUTURE = [
    (lambda record: {**record, "colour": "red"}, "has the field 'colour', which this version does not know and a future one may"),
    (lambda record: {**record, "type": "confetti"}, "has the type 'confetti', which this version does not know and a future one may"),
    (lambda record: {**record, "members": "two"}, "has something else than a whole number as members, which this version does not know"),
]


@pytest.mark.parametrize(("change", "words"), FUTURE)
@pytest.mark.parametrize("what", ["seal", "verify"])
def test_a_record_of_the_future_is_refused_with_its_line(
    tmp_path: pathlib.Path, change: t.Callable[[Told], Told], words: str, what: str
) -> None:
    world = RunWorld(tmp_path).swept()
    if what == "verify":
        world.seal()
    path = world.journal_path("rec1")
    lines = path.read_bytes().splitlines()
    path.write_bytes(rechain([lines[0], canonical(change(json.loads(lines[1]))), *lines[2:]]))
    assert any(
        f"journals/rec1.jsonl line 2 (intent) {words}".replace("(intent) has the type", "has the type") in text
        for text in told(world, what)
    )


@pytest.mark.parametrize("what", ["seal", "verify"])
def test_a_journal_of_a_future_format_is_refused_with_its_line(tmp_path: pathlib.Path, what: str) -> None:
    world = RunWorld(tmp_path).swept()
    if what == "verify":
        world.seal()
    path = world.journal_path("rec1")
    lines = path.read_bytes().splitlines()
    path.write_bytes(rechain([lines[0].replace(b"journal/1", b"journal/2"), *lines[1:]]))
    words = "journals/rec1.jsonl line 1 has the format 'recordings.disposal/journal/2', not recordings.disposal/journal/1, which a future version"
    assert any(words in text for text in told(world, what))
    assert faults("journal-1", json.loads(path.read_bytes().splitlines()[0]))


def told(world: RunWorld, what: str) -> list[str]:
    """The sentences by which the evidence is refused, without any file written."""
    if what == "verify":
        return world.verify().problems
    with pytest.raises(EvidenceError) as caught:
        world.seal()
    assert not (world.run / "statement.json").exists()
    return [caught.value.message]


@pytest.mark.parametrize(
    "change",
    [{"colour": "red"}, {"protection_class": 4}, {"due": 7}, {"level": "clear"}, {"technique": None}, {"media": []}, {"format": "x"}],
)
def test_work_orders_are_refused_by_both(change: Told) -> None:
    good = made_order()
    good["id"] = order_id(good)
    read_order(order_bytes(good), "order.json")
    validate("work-order-1", good)
    bad = {**good, **change}
    with pytest.raises(EvidenceError):
        read_order(order_bytes({**bad, "id": order_id(bad)} if bad["media"] else bad), "order.json")
    assert faults("work-order-1", bad)


# What the code writes fits.


def test_a_run_its_statement_and_the_ledger(tmp_path: pathlib.Path) -> None:
    world = RunWorld(tmp_path)
    world.sweep("rec1", until=1)
    world.sweep("rec1")
    world.sweep("rec2")
    world.seal()
    for host in ("rec1", "rec2"):
        validate_lines("journal-1", world.journal_path(host))
    statement = world.statement()
    validate("statement-1", statement)
    validate_lines("ledger-1", world.ledger)
    for bad in (with_(statement, "predicate", colour="red"), with_(statement, tree_size=1), with_(statement, "predicate", tree_size=-1)):
        assert faults("statement-1", bad)
    head = world.ledger.with_name("ledger.head.json")
    if head.exists():
        validate("ledger-head-1", json.loads(head.read_bytes()))


def test_journals_that_were_rotated(tmp_path: pathlib.Path) -> None:
    world = RotationWorld(tmp_path)
    world.rotate([world.sealed(world.add(number)) for number in (1, 2)])
    lines = validate_lines("rotated-1", world.rotated)
    assert len(lines) == 2 and faults("rotated-1", {**lines[0], "colour": "red"}) and faults("rotated-1", {**lines[0], "records": 0})


@pytest.mark.parametrize("kind", ["hmac", "plain"])
def test_a_proof_for_one_person(tmp_path: pathlib.Path, kind: str) -> None:
    world = ProofWorld(tmp_path, kind=kind).standard()
    proof = json.loads(pathlib.Path(world.proven(name_in_letter=True)["proof"]["path"]).read_bytes())
    validate("proof-1", proof)
    for change in (
        {"colour": "red"},
        {"format": "recordings.disposal/proof/2"},
        {"leaf_index": -1},
        {"tree_size": "5"},
        {"record": json.loads(proof["record"])},
        {"path": ["00"]},
        {"statement": "sha256:12"},
    ):
        assert faults("proof-1", {**proof, **change}), change
    for name in proof:
        assert faults("proof-1", {key: value for key, value in proof.items() if key != name}), name


def with_(document: Told, *path: str, **changes: t.Any) -> Told:
    made = copy.deepcopy(document)
    place = made
    for key in path:
        place = place[key]
    place.update(changes)
    return made


def test_a_sweep_and_its_manifest(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    for number in range(3):
        world.record(days=800 + number, number=number)
    world.record(days=5, number=9)
    manifest = world.manifest(world.plan(on_limit="report"))
    world.apply(manifest)
    (journal,) = tmp_path.rglob("journal.jsonl")
    assert {record["type"] for record in validate_lines("journal-1", journal)} == {"open", "intent", "erased", "outcome", "close"}
    made = manifest_of()
    validate("manifest-1", made)
    assert faults("manifest-1", {**made, "colour": "red"}) and faults("manifest-1", with_(made, "totals", sets="many"))


def test_encrypting(tmp_path: pathlib.Path) -> None:
    world = EncryptWorld(tmp_path)
    world.record(days=5)
    world.encrypt()
    journals = list(tmp_path.rglob("journal.jsonl"))
    types = {record["type"] for path in journals for record in validate_lines("journal-1", path)}
    assert "step" in types and "outcome" in types


def test_overwriting_files_that_a_task_names(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "export"
    root.mkdir()
    (root / "a.wav").write_bytes(b"x" * 5000)
    given = {"roots": [str(root)], "paths": [str(root / "a.wav")], "level": "clear", "state_dir": str(tmp_path / "state")}
    result = run(overwrite.main, capsys, monkeypatch, **given)
    assert result["outcome"] == "destroyed", result
    (journal,) = tmp_path.rglob("journal.jsonl")
    validate_lines("journal-1", journal)


def test_reported_work(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    run(media_destruction.main, capsys, monkeypatch, results=[row()], state_dir=str(state), level="destroy")
    (journal,) = state.rglob("journal.jsonl")
    records = validate_lines("journal-1", journal)
    assert "row" in records[1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> CertificateWorld:
    world = CertificateWorld(tmp_path_factory.mktemp("certificates"), medium("S1"), medium("S2", required_level="destroy", kind="hdd"))
    world.sanitized("S1")
    world.moved("released", "S2")
    world.shredded("S2", kind="hdd")
    world.issued()
    return world


@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_certificates_of_media(certificates: CertificateWorld, serial: str) -> None:
    certificate = json.loads((certificates.certificates / f"{name_of(serial)}.json").read_bytes())
    validate("media-certificate-1", certificate)
    assert faults("media-certificate-1", {**certificate, "colour": "red"})
    assert faults("media-certificate-1", with_(certificate, "level", achieved="most"))


def test_the_run_over_media_behind_them(certificates: CertificateWorld) -> None:
    journals = list(certificates.dest.rglob("journals/*.jsonl"))
    assert journals
    for journal in journals:
        validate_lines("journal-1", journal)
    for statement in certificates.dest.rglob("statement.json"):
        validate("statement-1", json.loads(statement.read_bytes()))


def test_a_plan_over_media(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = media_plan_world.register_of(media_plan_world.released("S1"))
    found = media_plan_world.Looks(tmp_path, monkeypatch).ata("S1")
    plan = media_plan_world.plan_of(register, {"rec1": media_plan_world.host_of([found])})
    validate("media-manifest-1", plan.manifest)
    assert faults("media-manifest-1", {**plan.manifest, "colour": "red"})
