# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that keeps the register: what it refuses leaves every file as it was; what it records is brought to its end whatever cuts it off."""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.recordings.disposal.plugins.action.media_register import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.plugin_utils import _register_files
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import IN_HOST, STATES
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_files import RegisterFile
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_states import TRANSITIONS
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import (
    CUSTODY,
    TIME,
    World,
    drive,
    entry,
    write_register,
)

LATER = "2020-11-21T00:00:00Z"
# How a medium comes to each state, from where it is first.
ROADS: dict[str, list[str]] = {
    "in_service": [],
    "released": ["released"],
    "sanitized": ["released", "sanitized"],
    "verified": ["released", "sanitized", "verified"],
    "in_custody": ["released", "sanitized", "verified", "in_custody"],
    "destroyed": ["released", "sanitized", "verified", "in_custody", "destroyed"],
    "reused": ["released", "sanitized", "verified", "in_custody", "reused"],
}


class House(World):
    """A world with a register that is read and written by tasks."""

    def __init__(self, path: pathlib.Path, *entries: dict[str, str], name: str = "register.yml") -> None:
        super().__init__(path)
        self.register = write_register(path / name, entries)
        self.dest = path / "disposal"
        self.log = self.dest / "register" / "log.jsonl"
        self._numbers = itertools.count()

    def task(self, state: str, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        given = {"register": str(self.register), "dest": str(self.dest), "state": state, **options}
        if state in ("moved", "closed"):
            given = {"allowed_signers": str(self.signers), **given}
        result = run_action(
            ActionModule, "media_register", {key: value for key, value in given.items() if value is not None}, check_mode=check_mode
        )
        assert len(json.dumps(result)) < 1 << 16
        return result

    def snapshot(self) -> dict[str, str]:
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.path.rglob("*")) if path.is_file()}

    def refused(self, words: str, state: str, **options: t.Any) -> dict[str, t.Any]:
        """A task that fails, says so and changes nothing, in check mode and not."""
        before = self.snapshot()
        told = [self.task(state, check_mode=check_mode, **options) for check_mode in (True, False)]
        assert self.snapshot() == before
        for result in told:
            assert (result["failed"], result["changed"]) == (True, False)
            assert words in result["msg"], result["msg"]
        return told[1]

    def file(self, serials: t.Sequence[str], to: str, **keys: t.Any) -> str:
        """An event that asks for nothing more, whatever the state."""
        number = next(self._numbers)
        name = f"event-{number}.json"
        given = {"time": f"2020-11-20T10:{number:02}:00Z", "reason": "so it was", "evidence": [self.attached("result.json", "{}")], **keys}
        return self.bag(name, serials, **given) if to == "in_custody" else self.event(name, serials, to=to, **given)

    def walk(self, serials: t.Sequence[str], state: str) -> None:
        for to in ROADS[state]:
            result = self.task("moved", event_file=self.file(serials, to))
            assert not result.get("failed"), result["msg"]

    def certify(self, serials: t.Sequence[str], **changes: t.Any) -> None:
        """Leave for each medium the certificate of what its last event says."""
        last = {record["serial"]: record["event"] for record in self.records() if record["type"] == "moved"}
        directory = self.dest / "certificates"
        directory.mkdir(exist_ok=True)
        for serial in serials:
            act = {"linked_by": last[serial], "decisive": True, "counts": True}
            told = {"format": "recordings.disposal/media-certificate/1", "serial": serial, "outcome": "destroyed", "acts": [act], **changes}
            data = canonical(told) + b"\n"
            path = directory / f"{medium_set(serial).partition(':')[2][:16]}.json"
            path.write_bytes(data)
            path.with_name(f"{path.name}.sig").write_text(
                self.keys.sign(data, "evidence", "evidence@recordings.disposal"), encoding="ascii"
            )

    def states(self) -> dict[str, str]:
        return {medium.serial: medium.state for medium in RegisterFile(str(self.register)).register.media.values()}

    def records(self) -> list[dict[str, t.Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def house(tmp_path: pathlib.Path) -> House:
    return House(tmp_path, entry("S1"), entry("S2"), entry("S3", host="rec2", required_level="destroy"))


def test_options_are_checked(house: House) -> None:
    with pytest.raises(AnsibleError, match="state"):
        house.task("gone")
    with pytest.raises(AnsibleError, match="surprise"):
        house.task("checked", surprise=1)
    house.refused("state checked does not take hosts, results; leave that out", "checked", hosts=["rec1"], results={"rec1": {"media": []}})
    house.refused("state moved needs either event or event_file", "moved")
    house.refused("cannot be read", "moved", event_file=str(house.path / "none"))
    house.refused("cannot be read", "moved", event_file=house.file(["S1"], "released"), allowed_signers=str(house.path / "none"))


def test_a_register_that_is_checked(house: House) -> None:
    before = house.snapshot()
    result = house.task("checked")
    assert (result["changed"], result["media"], result["unfinished"]) == (False, 3, 0)
    assert result["states"] == {**dict.fromkeys(STATES, 0), "in_service": 3}
    assert result["log"] == {"path": str(house.log), "records": 0, "head": None}
    assert house.snapshot() == before


def test_a_faulty_register_is_refused_whatever_is_asked(house: House) -> None:
    write_register(house.register, [entry("S1"), entry(" s1")])
    for state, options in (
        ("checked", {}),
        ("moved", {"event_file": house.file(["S1"], "released")}),
        ("reconciled", {"results": {"rec1": {"media": []}}}),
        ("closed", {"serials": ["S1"]}),
    ):
        house.refused("have the same serial", state, **options)


@pytest.mark.parametrize("state", [state for state in STATES if state != "in_service"])
def test_a_state_without_evidence(house: House, state: str) -> None:
    write_register(house.register, [entry("S1", state=state)])
    house.refused(f"S1 is {state} in the register and in_service by the log, which alone counts", "checked")


def test_a_register_that_was_edited(house: House) -> None:
    house.walk(["S1", "S2"], "sanitized")
    for rows, words in (
        ([entry("S1", state="verified"), entry("S2", state="sanitized")], "S1 is verified in the register and sanitized by the log"),
        ([entry("S1", state="in_service"), entry("S2", state="sanitized")], "S1 is in_service in the register and sanitized by the log"),
        ([entry("S1", state="sanitized")], "S2 is sanitized by the log and not in the register any more; put its entry back"),
    ):
        write_register(house.register, rows)
        house.refused(words, "checked")
        house.refused(words, "moved", event_file=house.file(["S1"], "verified"))


def test_a_log_that_was_changed(house: House) -> None:
    house.walk(["S1"], "sanitized")
    data = house.log.read_bytes()
    for made, words in (
        (data.replace(b'"to":"sanitized"', b'"to":"destroyed"'), "line 3 has S1 go from released to destroyed, and it was released"),
        (data.replace(b"so it was", b"so it is"), "line 3 does not name the digest of the line before it"),
        (b"".join(data.splitlines(keepends=True)[1:]), "line 1 does not name the digest of the line before it"),
        (data + b"{}\n", "line 4 does not name the digest of the line before it"),
        (
            data.replace(b"register-log/1", b"register-log/2"),
            "line 1 does not begin a log of the format recordings.disposal/register-log/1",
        ),
    ):
        house.log.write_bytes(made)
        house.refused(words, "checked")
    house.log.write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
    house.refused("S1 is sanitized in the register and released by the log", "checked")


@pytest.mark.parametrize(("state", "to"), list(itertools.product(STATES, STATES)))
def test_every_pair_of_states(tmp_path: pathlib.Path, state: str, to: str) -> None:
    house = House(tmp_path, entry("S1"), name="register.csv")
    house.walk(["S1"], state)
    path = house.file(["S1"], to)
    if (state, to) in TRANSITIONS:
        result = house.task("moved", event_file=path)
        assert (result["changed"], result["moved"], house.states()) == (True, 1, {"S1": to})
        last = house.records()[-1]
        assert (last["from"], last["to"], last["event"], result["log"]["records"]) == (state, to, result["event"], len(ROADS[state]) + 2)
    else:
        told = house.refused(f"no medium was moved: S1 is {state} and cannot become {to}, as ", "moved", event_file=path)
        assert ("nothing leaves destroyed" in told["msg"]) == (state == "destroyed")


def test_all_faults_of_an_event_are_named(house: House) -> None:
    house.walk(["S1"], "released")
    told = house.refused("S1 is released", "moved", event_file=house.file(["S1", "S2", "S9"], "verified"))
    assert [problem.split(" is ")[0] for problem in told["problems"]] == ["S1", "S2", "S9"]
    assert "S9 is not in the register; correct the serial, or enter the medium first" in told["msg"]


@pytest.mark.parametrize(
    ("state", "to", "changes", "words"),
    [
        ("released", "in_service", {"reason": None}, "without a reason"),
        ("released", "in_custody", {"reason": None}, "without a reason"),
        ("released", "sanitized", {"evidence": None}, "without evidence"),
        ("in_custody", "destroyed", {"evidence": None}, "without evidence"),
        ("released", "sanitized", {"time": "2020-11-19T00:00:00Z"}, "already, after the event of 2020-11-19"),
        ("released", "sanitized", {"time": "2099-01-01T00:00:00Z"}, "is in the future"),
    ],
)
def test_what_a_transition_asks_for(house: House, state: str, to: str, changes: dict[str, t.Any], words: str) -> None:
    house.walk(["S1"], state)
    house.refused(words, "moved", event_file=house.file(["S1"], to, **changes))


def test_reuse_needs_a_verification_of_this_life_and_a_level_that_allows_it(house: House) -> None:
    house.walk(["S3"], "in_custody")
    house.refused("S3 cannot become reused, as its required level is destroy", "moved", event_file=house.file(["S3"], "reused"))
    for to in ("released", "in_custody"):
        house.task("moved", event_file=house.file(["S1"], to))
    house.refused(
        "S1 cannot become reused, as it was not verified since it was in service", "moved", event_file=house.file(["S1"], "reused")
    )
    house.walk(["S2"], "reused")
    for to in ("in_service", "released", "in_custody"):
        assert house.task("moved", event_file=house.file(["S2"], to))["moved"] == 1
    house.refused("S2 cannot become reused, as it was not verified", "moved", event_file=house.file(["S2"], "reused"))


def test_custody_that_is_not_signed(house: House) -> None:
    house.walk(["S1"], "released")
    for name, options, words in (
        ("a", {"sign": ["anna"]}, "bob@example.com has not signed it"),
        ("b", {"namespace": "plan@recordings.disposal"}, "is for the namespace 'plan@recordings.disposal'"),
        ("c", {"photos": [{"file": "none.jpg", "digest": digest(b"")}]}, "photos[0].file: 'none.jpg' cannot be read"),
        ("d", {"persons": ["anna@example.com", "anna@example.com"]}, "is the same person twice"),
    ):
        house.refused(words, "moved", event_file=house.bag(f"{name}.json", ["S1"], time=LATER, reason="broken", **options))
    path = house.bag("e.json", ["S1"], time=LATER, reason="broken")
    house.refused("which allowed_signers does not list", "moved", event_file=path, allowed_signers=None)
    house.refused("so it has to be a file", "moved", event=json.loads(pathlib.Path(path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["register.yml", "register.csv", "register.db"])
def test_the_four_runs(tmp_path: pathlib.Path, name: str) -> None:
    house = House(tmp_path, entry("S1"), entry("S2"), name=name)
    house.walk(["S1", "S2"], "verified")
    path = house.bag("bag.json", ["S1", "s2"], time=LATER, photos=[house.attached("bag.jpg", "picture")])
    before = house.snapshot()
    told = house.task("moved", event_file=path, check_mode=True)
    assert (told["changed"], told["moved"], house.snapshot()) == (True, 2, before)
    done = house.task("moved", event_file=path)
    assert (done["changed"], done["moved"], house.states()) == (True, 2, {"S1": "in_custody", "S2": "in_custody"})
    after = house.snapshot()
    for check_mode in (False, True):
        again = house.task("moved", event_file=path, check_mode=check_mode)
        assert (again["changed"], again["moved"], again["event"], house.snapshot()) == (False, 0, done["event"], after)


def test_the_evidence_of_custody(house: House) -> None:
    house.walk(["S1"], "verified")
    photo = house.attached("bag.jpg", "picture")
    path = house.bag("bag.json", ["S1"], time=LATER, photos=[photo])
    result = house.task("moved", event_file=path)
    record = house.records()[-1]
    text = f"sealed_bag at Kraków, room 2 since {LATER}"
    assert {key: record[key] for key in ("serial", "place", "custody", "photos", "shown")} == {
        **{"serial": "S1", "place": "Kraków, room 2", "custody": "sealed_bag", "photos": [photo["digest"]], "shown": text},
    }
    assert record["persons"] == [{"principal": f"{name}@example.com", "key": house.keys.fingerprint(name)} for name in ("anna", "bob")]
    assert RegisterFile(str(house.register)).register.media["s1"].custody == text
    kept = house.dest / "register" / "events" / result["event"].removeprefix("sha256:")
    assert kept.read_bytes() == pathlib.Path(path).read_bytes()
    for name in ("anna@example.com", "bob@example.com"):
        command = ["ssh-keygen", "-Y", "verify", "-f", str(house.signers), "-I", name, "-n", CUSTODY, "-s", f"{kept}.{name}.sig"]
        subprocess.run(command, input=kept.read_bytes(), check=True, capture_output=True)
    assert house.task("moved", event_file=house.file(["S1"], "in_custody", custody="transport", time=LATER))["changed"]
    assert RegisterFile(str(house.register)).register.media["s1"].custody.startswith("transport at ")


def test_an_event_of_a_task(house: House) -> None:
    event = {"to": "released", "serials": ["S1"], "time": TIME, "persons": ["anna@example.com"]}
    assert house.task("moved", event=event)["moved"] == 1
    assert house.task("moved", event=event)["changed"] is False


@pytest.mark.parametrize("name", ["register.yml", "register.csv", "register.db"])
def test_a_kill_between_evidence_and_register(tmp_path: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, entry("S1"), entry("S2"), name=name)
    house.walk(["S1", "S2"], "verified")
    path = house.bag("bag.json", ["S1", "S2"], time=LATER)
    register = house.register.read_bytes()

    def killed(*_args: t.Any, **_more: t.Any) -> t.NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_register_files.RegisterFile, "write", killed)
        house.task("moved", event_file=path)
    assert house.register.read_bytes() == register
    assert house.task("checked")["unfinished"] == 2
    house.refused("does not show the last event of S1, S2 yet; run the task that was cut off again", "closed", serials=["S1"])
    house.refused("does not show the last event of S1, S2 yet", "reconciled", results={"rec1": {"media": []}})
    told = house.task("moved", event_file=path, check_mode=True)
    assert (told["changed"], told["moved"], told["unfinished"]) == (True, 0, 2)
    done = house.task("moved", event_file=path)
    assert (done["changed"], done["moved"], house.states()) == (True, 0, {"S1": "in_custody", "S2": "in_custody"})
    assert house.task("moved", event_file=path)["changed"] is False


def test_a_kill_within_the_evidence(house: House) -> None:
    house.walk(["S1", "S2"], "released")
    path = house.file(["S1", "S2"], "sanitized")
    before = house.register.read_bytes()
    house.task("moved", event_file=path)
    house.register.write_bytes(before)
    lines = house.log.read_bytes().splitlines(keepends=True)
    house.log.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    done = house.task("moved", event_file=path)
    assert (done["changed"], done["moved"], done["unfinished"], house.states()["S1"], house.states()["S2"]) == (
        True,
        1,
        1,
        "sanitized",
        "sanitized",
    )
    assert house.log.read_bytes().count(b"\n") == len(lines)


def test_another_event_after_a_kill(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.walk(["S1"], "released")
    before = house.register.read_bytes()
    house.task("moved", event_file=house.file(["S1"], "sanitized"))
    house.register.write_bytes(before)
    house.task("moved", event_file=house.file(["S1"], "verified"))
    assert house.states()["S1"] == "verified"


def fleet() -> tuple[list[dict[str, str]], dict[str, t.Any]]:
    """Ten hosts with twenty media each; three are lost, two unknown, one was moved to another host."""
    entries = [entry(f"S{number:04}", host=f"rec{number // 20:02}") for number in range(200)]
    hosts: dict[str, list[dict[str, t.Any]]] = {
        f"rec{number:02}": [drive("", name="vda", kind="virtual", serial={})] for number in range(10)
    }
    for row in entries:
        if row["serial"] not in ("S0007", "S0113", "S0199"):
            hosts["rec09" if row["serial"] == "S0042" else row["host"]].append(drive(row["serial"].lower()))
    hosts["rec03"].append(drive("X1"))
    hosts["rec05"].append(drive("X2"))
    return entries, {host: {"media": rows} for host, rows in hosts.items()}


SIX = [("missing", "S0007"), ("missing", "S0113"), ("missing", "S0199"), ("swapped", "S0042"), ("unknown", "X1"), ("unknown", "X2")]


def test_a_fleet_of_two_hundred_media(tmp_path: pathlib.Path) -> None:
    entries, results = fleet()
    house = House(tmp_path, *entries, name="register.csv")
    before = house.snapshot()
    told = house.task("reconciled", results=results, check_mode=True)
    assert (told["failed"], told["changed"], house.snapshot()) == (True, True, before)
    result = house.task("reconciled", results=results)
    assert sorted((row["finding"], row["serial"]) for row in result["findings"]) == SIX
    assert (result["failed"], result["hosts"]) == (True, {"reported": 10, "silent": 0})
    assert "differ (2 unknown, 3 missing, 1 swapped)" in result["msg"]
    assert all(serial in result["msg"] for _finding, serial in SIX)
    report = pathlib.Path(result["report"]["path"]).read_bytes()
    assert digest(report) == result["report"]["digest"] == house.records()[-1]["report"]
    again = house.task("reconciled", results=results, on_finding="report")
    assert (again["changed"], again.get("failed", False), again["counts"]["missing"]) == (False, False, 3)
    closing = house.refused("not closed", "closed", hosts=sorted(results))
    assert closing["unaccounted_count"] == 206
    everything = house.refused("not closed", "closed", hosts=["rec00"])
    assert "S0007 is missing: it is in_service in rec00 by the register, and rec00 does not have it" in "; ".join(everything["unaccounted"])


def test_a_host_is_closed_with_nothing_unaccounted_for(tmp_path: pathlib.Path) -> None:
    entries, results = fleet()
    house = House(tmp_path, *entries)
    house.refused("rec03 was never reconciled, so nobody knows what was in it", "closed", hosts=["rec03"])
    house.task("reconciled", results=results, on_finding="report")
    mine = [row["serial"] for row in entries if row["host"] == "rec03"]
    house.walk(mine, "destroyed")
    told = house.refused(f"not closed, 21 are unaccounted for: {mine[0]} is destroyed and has no certificate", "closed", hosts=["rec03"])
    house.certify(mine)
    told = house.refused("not closed, 1 is unaccounted for: X1 is unknown: sda of rec03", "closed", hosts=["rec03"])
    assert told["unaccounted_count"] == 1
    reason = house.event("x1.json", ["X1"], persons=["anna@example.com", "bob@example.com"], reason="a loan, given back", sign=["anna"])
    house.refused("bob@example.com has not signed it", "closed", hosts=["rec03"], reasons=[reason])
    house.sign("x1.json", "bob")
    before = house.snapshot()
    told = house.task("closed", hosts=["rec03"], reasons=[reason], check_mode=True)
    assert (told["changed"], house.snapshot()) == (True, before)
    done = house.task("closed", hosts=["rec03"], reasons=[reason])
    assert (done["changed"], done["closed"]) == (True, {"destroyed": 20, "reused": 0, "reason": 0})
    closing = json.loads(pathlib.Path(done["report"]["path"]).read_bytes())
    assert closing["media"] == dict.fromkeys(mine, "destroyed") and set(closing["certificates"]) == set(mine)
    assert closing["reasons"] == [digest(pathlib.Path(reason).read_bytes())]
    assert house.task("closed", hosts=["rec03"], reasons=[reason])["changed"] is False


def test_a_batch_is_closed(house: House) -> None:
    house.refused("no medium was named; give hosts or serials", "closed")
    house.walk(["S1"], "destroyed")
    house.certify(["S1"])
    house.refused(
        "2 are unaccounted for: S2 is in_service, neither destroyed nor reused, and no signed reason names it; S9 is not in the register",
        "closed",
        serials=["S1", "S2", "S9"],
    )
    lost = house.event(
        "lost.json", ["s2"], persons=["anna@example.com", "bob@example.com"], reason="stolen, report 12/26", sign=["anna", "bob"]
    )
    done = house.task("closed", serials=["S1", "S2"], reasons=[lost])
    assert done["closed"] == {"destroyed": 1, "reused": 0, "reason": 1}


def test_who_answers_after_the_end_is_not_closed(house: House) -> None:
    house.walk(["S1", "S2"], "destroyed")
    house.task("reconciled", results={"rec1": {"media": [drive("S1")]}}, hosts=["rec1"], on_finding="report")
    house.refused("S1 is contradicted: it is destroyed in the register and sda of rec1 has its serial", "closed", hosts=["rec1"])
    assert not house.task("reconciled", results={"rec1": {"media": []}}, hosts=["rec1"]).get("failed")
    house.certify(["S1", "S2"])
    assert house.task("closed", hosts=["rec1"])["closed"]["destroyed"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": "unknown"}, "has a certificate that is not what was issued and signed"),
        ({"serial": "S2"}, "has a certificate that is not what was issued and signed"),
        ({"format": "another"}, "has a certificate that is not what was issued and signed"),
        ({"acts": []}, "has a certificate of what became of it before it was last in service"),
        (
            {"acts": [{"linked_by": "sha256:0", "decisive": True, "counts": True}]},
            "has a certificate of what became of it before it was last in service",
        ),
        ({"acts": [{"decisive": True}]}, "has a certificate that cannot be read ('counts')"),
    ],
)
def test_a_certificate_that_does_not_count_closes_nothing(house: House, changes: dict[str, t.Any], words: str) -> None:
    house.walk(["S1"], "destroyed")
    house.certify(["S1"], **changes)
    house.refused(f"1 is unaccounted for: S1 is destroyed and {words}", "closed", serials=["S1"])


def test_a_certificate_that_was_changed_closes_nothing(house: House) -> None:
    house.walk(["S1"], "destroyed")
    house.certify(["S1"])
    for path in (house.dest / "certificates").iterdir():
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"S1", b"s1") if path.suffix == ".json" else kept[: len(kept) // 2])
        house.refused(
            "1 is unaccounted for: S1 is destroyed and has a certificate that is not what was issued and signed", "closed", serials=["S1"]
        )
        path.write_bytes(kept)
    assert house.task("closed", serials=["S1"])["closed"]["destroyed"] == 1


def test_a_certificate_of_a_former_life_closes_nothing(house: House) -> None:
    house.walk(["S1"], "reused")
    house.certify(["S1"])
    assert house.task("closed", serials=["S1"])["closed"]["reused"] == 1
    assert not house.task("moved", event_file=house.file(["S1"], "in_service")).get("failed")
    house.walk(["S1"], "destroyed")
    house.refused("has a certificate of what became of it before it was last in service", "closed", serials=["S1"])


@pytest.mark.parametrize("change", ["taken out", "elsewhere"])
def test_what_the_last_reconciliation_knew_stays_to_be_accounted_for(house: House, change: str) -> None:
    house.walk(["S1"], "destroyed")
    house.certify(["S1"])
    house.task("reconciled", results={"rec1": {"media": [drive("S2")]}}, hosts=["rec1"], on_finding="report")
    rows = [entry("S1", state="destroyed"), entry("S3", host="rec2", required_level="destroy")]
    write_register(house.register, rows if change == "taken out" else [*rows, entry("S2", host="rec77")])
    state = "is not in the register" if change == "taken out" else "is in_service"
    house.refused(f"1 is unaccounted for: S2 {state}, neither destroyed nor reused", "closed", hosts=["rec1"])


def test_a_blank_serial_is_no_batch(house: House) -> None:
    house.refused("a serial is blank; name the medium", "closed", serials=[" "])


def test_what_cannot_be_named_is_not_closed(house: House) -> None:
    house.walk(["S1", "S2"], "destroyed")
    house.certify(["S1", "S2"])
    nameless = drive("", serial={"unavailable": "the medium does not tell it"})
    result = house.task("reconciled", results={"rec1": {"media": [nameless]}}, hosts=["rec1"], on_finding="report")
    assert "rec1: sda tells no serial; read its label" in result["msg"]
    house.refused("1 is unaccounted for: rec1 is unnamed: rec1: sda tells no serial", "closed", hosts=["rec1"])


def test_hosts_are_reconciled_in_turn(house: House) -> None:
    results = {"rec1": {"media": [drive("S1"), drive("S2")]}, "rec2": {"media": [drive("S3")]}}
    told = [house.task("reconciled", results=results, hosts=hosts)["changed"] for hosts in (["rec1"], ["rec2"], ["rec1"], None, None)]
    assert told == [True, True, False, True, False]


def test_an_entry_that_names_its_host_no_more(house: House) -> None:
    house.walk(["S1", "S2"], "in_custody")
    house.walk(["S3"], "destroyed")
    house.register.write_text(house.register.read_text(encoding="utf-8").replace("rec1", "rec2"), encoding="utf-8")
    assert not house.task("reconciled", results={"rec1": {"media": []}, "rec2": {"media": []}}).get("failed")
    house.refused("2 are unaccounted for: S1 is in_custody, neither destroyed nor reused", "closed", hosts=["rec1"])


def test_a_report_that_was_changed(house: House) -> None:
    result = house.task("reconciled", results={"rec1": {"media": []}}, hosts=["rec1"], on_finding="report")
    path = pathlib.Path(result["report"]["path"])
    path.write_bytes(path.read_bytes().replace(b'"missing"', b'"swapped"'))
    house.refused("is not what the log names, so it was changed", "closed", hosts=["rec1"])


def test_a_silent_host_is_not_closed(house: House) -> None:
    result = house.task("reconciled", results={"rec1": {"unreachable": True, "msg": "no route"}})
    assert result["counts"] == {**dict.fromkeys(result["counts"], 0), "silent": 2, "unseen": 3}
    assert "rec1 did not report its media (no route); reach it and reconcile again" in result["msg"]
    house.refused("rec1 was never reconciled", "closed", hosts=["rec1"])


def test_nothing_to_reconcile(house: House) -> None:
    write_register(house.register, [])
    house.refused("neither the register nor the results name a host", "reconciled", results={})


def test_results_stay_small(tmp_path: pathlib.Path) -> None:
    house = House(tmp_path, *(entry(f"{'S' * 150}{number}", host=f"host-{number}") for number in range(2000)), name="register.csv")
    results = {f"host-{number}": {"media": [drive(f"{'T' * 900}{number % 2}")]} for number in range(1000)}
    result = house.task("reconciled", results=results)
    assert (result["counts"]["missing"], result["counts"]["twice"], result["counts"]["unseen"]) == (1000, 2, 1000)
    house.task("closed", hosts=[f"host-{number}" for number in range(1000)])
    house.task("moved", event_file=house.file([f"{'S' * 150}{number}" for number in range(2000)], "destroyed"))


def test_states_in_a_host_are_the_first_ones() -> None:
    assert IN_HOST == ("in_service", "released", "sanitized", "verified")
