# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events and their signatures by the real ssh-keygen: whatever two persons have not signed is refused."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import Event, given_event, read_event
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import NOW, TIME, World

GIVEN: dict[str, t.Any] = {"to": "released", "serials": ["S1"], "time": TIME, "persons": ["anna@example.com"]}


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


def read(world: World, path: str, *, excuse: bool = False, now: dt.datetime = NOW) -> Event:
    return read_event(path, allowed_signers=world.signers.read_text(encoding="ascii"), now=now, excuse=excuse)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": "wiped"}, "to: 'wiped' is not known; allowed are destroyed"),
        ({"to": None}, "to: nothing is given: the key is blank"),
        ({"serials": []}, r"serials: \[\] has fewer than 1 elements"),
        ({"serials": ["S1", "s 1"]}, r"serials\[1\]: 's 1' stands there twice"),
        ({"serials": [""]}, r"serials\[0\]: '' is not a text"),
        ({"persons": []}, r"persons: \[\] has fewer than 1 elements"),
        ({"persons": ["anna@example.com", "Anna@example.com"]}, r"persons\[1\]: 'Anna@example.com' is the same person twice"),
        ({"time": "yesterday"}, "time: 'yesterday' is not a time of the form 2026-11-23T22:00:00Z"),
        ({"time": "2026-11-23T23:00:00Z"}, "time: '2026-11-23T23:00:00Z' is in the future, as it is 2026-11-23T22:00:00Z here"),
        ({"time": "2026-02-30T23:00:00Z"}, "time: "),
        ({"surprise": "x"}, "surprise: the str there is under an unknown key"),
        ({"reason": "two\nlines"}, "not one line"),
        ({"custody": "sealed_bag"}, "custody: sealed_bag goes with the state in_custody only"),
        ({"photos": [{"file": "none.jpg", "digest": digest(b"")}]}, r"photos\[0\].file: 'none.jpg' cannot be read as .*No such file"),
        ({"photos": [{"file": ".", "digest": digest(b"")}]}, r"photos\[0\].file: '.' cannot be read as"),
        (
            {"photos": [{"file": os.devnull, "digest": digest(b"x")}]},
            r"photos\[0\].digest: .* is not the digest of /dev/null, which is sha256:e3b0",
        ),
        ({"evidence": [{"file": os.devnull, "digest": "e3b0"}]}, r"evidence\[0\].digest: 'e3b0' is not a digest of the form sha256:"),
        ({"evidence": [{"file": os.devnull}]}, r"evidence\[0\]: the key digest is missing"),
        (
            {"to": "in_custody"},
            "custody: an event of custody needs it; write one of sealed_bag, hand_over, transport, storage; place: .*persons: 1",
        ),
        ({"to": "in_custody", "custody": "cupboard"}, "custody: 'cupboard' is not known; allowed are hand_over"),
    ],
)
def test_events_that_are_not_valid(world: World, changes: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PolicyError, match=f"the event is not valid, nothing was done: .*{words}"):
        given_event({**GIVEN, **changes}, now=NOW)


@pytest.mark.parametrize("value", [None, [], "released", 7])
def test_events_that_are_none(value: t.Any) -> None:
    with pytest.raises(PolicyError, match="is not a mapping"):
        given_event(value, now=NOW)


def test_custody_has_to_be_a_file() -> None:
    event = {**GIVEN, "to": "in_custody", "custody": "storage", "place": "safe 2", "persons": ["anna@example.com", "bob@example.com"]}
    with pytest.raises(RefusedError, match="which two persons sign, so it has to be a file; give its path as event_file"):
        given_event(event, now=NOW)


def test_an_event_that_a_task_gives() -> None:
    moment = dt.datetime(2020, 11, 20, 10, tzinfo=dt.timezone.utc)
    one, other = (given_event({**GIVEN, "time": time, "serials": serials}, now=NOW) for time, serials in ((TIME, ["42"]), (moment, [42])))
    assert one == other
    assert (one.to, one.serials, one.persons, one.custody_text) == ("released", ("42",), {"anna@example.com": ""}, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff", "is neither YAML nor JSON in UTF-8"),
        (b"{", "is neither YAML nor JSON"),
        (b"", "is not a mapping"),
        (b"to: released\nto: destroyed\n", "has the key to twice in one mapping, on lines 1 and 2"),
        (b"to: released\nserials: [007]\ntime: 2020-11-20T10:00:00Z\n", "the key persons is missing"),
    ],
)
def test_files_that_are_refused(world: World, text: bytes, words: str) -> None:
    path = world.path / "events" / "e.yml"
    path.write_bytes(text)
    with pytest.raises(DisposalError, match=words):
        read(world, str(path))


def test_values_count_as_they_are_written(world: World) -> None:
    path = world.path / "events" / "e.yml"
    path.write_text("to: released\nserials: [007, 1e5, no]\ntime: 2020-11-20T10:00:00Z\npersons: [anna@example.com]\n", encoding="utf-8")
    event = read(world, str(path))
    assert (event.serials, event.time, event.digest) == (("007", "1e5", "no"), TIME, digest(path.read_bytes()))


def test_who_has_not_signed(world: World) -> None:
    path = world.bag("bag.json", ["S1"], sign=[])
    with pytest.raises(EvidenceError) as error:
        read(world, path)
    assert [problem.split(";")[0] for problem in error.value.details["problems"]] == [
        "anna@example.com has not signed it",
        "bob@example.com has not signed it",
    ]
    assert "bag.json.anna@example.com.sig is missing (ssh-keygen -Y sign -n custody@recordings.disposal)" in error.value.message


@pytest.mark.parametrize(
    ("persons", "words"),
    [
        (["anna@example.com"], "persons: 1 different persons are named, and two have to sign"),
        (["anna@example.com", "anna@example.com"], "is the same person twice"),
        (["anna@example.com", "ANNA@example.com"], "is the same person twice"),
        (["anna@example.com", "bob@example.com", "eva@example.com"], "persons: 3 different persons are named"),
    ],
)
def test_persons(world: World, persons: list[str], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        read(world, world.bag("bag.json", ["S1"], persons=persons))


def test_another_namespace(world: World) -> None:
    path = world.bag("bag.json", ["S1"], sign=["anna"])
    world.sign("bag.json", "bob", namespace="plan@recordings.disposal")
    with pytest.raises(
        EvidenceError, match="bob@example.com: the signature is for the namespace 'plan@recordings.disposal', not custody@recordings"
    ):
        read(world, path)


def test_other_bytes(world: World) -> None:
    path = world.bag("bag.json", ["S1"])
    pathlib.Path(path).write_text(pathlib.Path(path).read_text(encoding="utf-8").replace('"S1"', '"S2"'), encoding="utf-8")
    with pytest.raises(
        EvidenceError, match="anna@example.com: the signature does not fit the text.*bob@example.com: the signature does not fit"
    ):
        read(world, path)


def test_somebody_who_may_not_sign(world: World) -> None:
    world.allow("anna")
    with pytest.raises(EvidenceError, match="bob@example.com: signed with key .*, which allowed_signers does not list for bob@example.com"):
        read(world, world.bag("bag.json", ["S1"]))
    world.allow("anna", "bob", options='namespaces="plan@recordings.disposal"')
    with pytest.raises(EvidenceError, match="may not sign for custody@recordings.disposal"):
        read(world, world.bag("bag.json", ["S1"]))
    world.allow("anna", "bob", options='valid-before="20261101"')
    with pytest.raises(EvidenceError, match="is outside its validity"):
        read(world, world.bag("bag.json", ["S1"]))


def test_somebody_who_is_not_named(world: World) -> None:
    world.allow("anna", "bob", "eva")
    with pytest.raises(EvidenceError, match="eva@example.com has signed it and is not named in it; take bag.json.eva@example.com.sig away"):
        read(world, world.bag("bag.json", ["S1"], sign=["anna", "bob", "eva"]))


def test_one_person_with_two_names(world: World) -> None:
    world.allow("anna", extra=world.keys.line("bob@example.com", "anna"))
    path = world.bag("bag.json", ["S1"], sign=["anna"])
    pathlib.Path(f"{path}.bob@example.com.sig").write_bytes(pathlib.Path(f"{path}.anna@example.com.sig").read_bytes())
    with pytest.raises(EvidenceError, match="the key SHA256:.* that signed for .* is also .*'s, so they may be one person"):
        read(world, path)
    world.allow("anna", "bob", extra=world.keys.line("anna@example.com", "bob"))
    with pytest.raises(EvidenceError, match="that signed for bob@example.com is also anna@example.com's"):
        read(world, world.bag("other.json", ["S1"]))


def test_signers_under_a_pattern(world: World) -> None:
    world.allow("anna", "bob", extra=world.keys.line("*@example.com", "eva"))
    with pytest.raises(EvidenceError, match="line 3 of allowed_signers has the pattern"):
        read(world, world.bag("bag.json", ["S1"]))


def test_a_signature_without_a_name(world: World) -> None:
    path = world.bag("bag.json", ["S1"])
    pathlib.Path(f"{path}.sig").write_bytes(b"")
    with pytest.raises(EvidenceError, match="bag.json.sig does not say who signed"):
        read(world, path)


def test_what_two_persons_have_signed(world: World) -> None:
    photo = world.attached("bag.jpg", "picture")
    event = read(world, world.bag("bag.json", ["S1", "S2"], photos=[photo]))
    assert event.persons == {f"{name}@example.com": world.keys.fingerprint(name) for name in ("anna", "bob")}
    assert (event.to, event.photos, sorted(event.signatures)) == ("in_custody", (photo["digest"],), sorted(event.persons))
    assert event.custody_text == f"sealed_bag at Kraków, room 2 since {TIME}"


def test_reasons(world: World) -> None:
    persons = ["anna@example.com", "bob@example.com"]
    with pytest.raises(PolicyError, match="the reason .*: the key reason is missing"):
        read(world, world.event("lost.json", ["S1"], persons=persons, sign=["anna", "bob"]), excuse=True)
    with pytest.raises(PolicyError, match="to: 'destroyed' is a state, and a reason moves nothing"):
        read(world, world.event("lost.json", ["S1"], persons=persons, reason="lost", to="destroyed"), excuse=True)
    with pytest.raises(
        EvidenceError, match="the reason .* is not signed as it has to be, nothing was done: bob@example.com has not signed it"
    ):
        read(world, world.event("lost2.json", ["S1"], persons=persons, reason="lost", sign=["anna"]), excuse=True)
    assert (
        read(world, world.event("lost2.json", ["S1"], persons=persons, reason="lost", sign=["anna", "bob"]), excuse=True).reason == "lost"
    )
