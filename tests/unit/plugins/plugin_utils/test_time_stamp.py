# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps of the ledger's head by a real authority: no other stamp is kept or believed, and what was sealed stays safe without one."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import re
import socket
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.action.evidence_seal import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time, time_text, utc_now
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger_head import kept_heads
from ansible_collections.recordings.disposal.plugins.plugin_utils._time_stamp import verify_stamp
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.stamp_authority import Authority, serving

STAMP = "ledger.head.json.tsr"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "two")


@pytest.fixture
def world(tmp_path: pathlib.Path) -> RunWorld:
    # The authority stamps by the true clock, which the world then has to show.
    world = RunWorld(tmp_path).swept()
    world.sealed_at = time_text(utc_now())
    return world


def verified(world: RunWorld, **told: t.Any) -> t.Any:
    return world.verify(now=utc_now(), **told)


def not_stamped(world: RunWorld, words: str, **told: t.Any) -> None:
    """Sealing says why, and leaves good evidence without a stamp."""
    result = world.seal(**told)
    assert result["changed"] is True and result["time_stamp"] is None
    assert re.search(
        f"the run is sealed, and the ledger's head has no time stamp: .*{words}.*; then seal again, which stamps it", result["failure"]
    )
    assert not world.ledger.with_name(STAMP).exists()
    report = verified(world)
    assert report.problems == []
    assert any("there is none" in sentence for sentence in report.not_checked)


def test_a_wrong_nonce(world: RunWorld, authority: Authority) -> None:
    def answer(_query: bytes) -> bytes:
        return authority.reply(authority.query(world.ledger.with_name("ledger.head.json").read_bytes()))

    with serving(answer) as server:
        not_stamped(world, "is no good time stamp .*nonce mismatch", timestamp_url=server.url, timestamp_ca=authority.ca_file)


def test_a_stamp_of_another_digest(world: RunWorld, authority: Authority) -> None:
    with serving(lambda _query: authority.reply(authority.query(b"something else"))) as server:
        not_stamped(world, "is no good time stamp .*message imprint mismatch", timestamp_url=server.url, timestamp_ca=authority.ca_file)


def test_an_unknown_authority(world: RunWorld, authority: Authority, other_authority: Authority) -> None:
    with serving(authority.reply) as server:
        words = "is no good time stamp .*(unable to get|self-signed|certificate verify error)"
        not_stamped(world, words, timestamp_url=server.url, timestamp_ca=other_authority.ca_file)


def test_an_expired_certificate(world: RunWorld, tmp_path: pathlib.Path) -> None:
    expired = Authority(tmp_path / "expired", days=-1)
    with serving(expired.reply) as server:
        not_stamped(world, "is no good time stamp .*certificate has expired", timestamp_url=server.url, timestamp_ca=expired.ca_file)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "is no good time stamp"),
        (b"<html>no</html>", "is no good time stamp"),
        (os.urandom(4000), "is no good time stamp"),
        (bytes((1 << 20) + 1), "answers with more than 1048576 bytes"),
        (500, "answers with the status 500"),
        (404, "answers with the status 404"),
        (302, "answers with the status 302"),
    ],
    ids=["nothing", "a page", "garbage", "much", "500", "404", "elsewhere"],
)
def test_an_answer_that_is_no_stamp(world: RunWorld, authority: Authority, answer: bytes | int, words: str) -> None:
    with serving(lambda _query: answer) as server:
        not_stamped(world, words, timestamp_url=server.url, timestamp_ca=authority.ca_file)
        assert len(server.asked) == 1


def test_nobody_answers(world: RunWorld, authority: Authority) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/"
        not_stamped(world, "cannot be asked .*refused", timestamp_url=url, timestamp_ca=authority.ca_file)


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_authority_with_another_clock(world: RunWorld, authority: Authority, hours: int) -> None:
    now = time_text(utc_now() + dt.timedelta(hours=hours))
    with serving(authority.reply) as server:
        result = world.seal(timestamp_url=server.url, timestamp_ca=authority.ca_file, now=now)
    assert re.search(f"says it is .*, and it is {now} here, so its stamp was not kept; look at the clocks", result["failure"])
    assert not world.ledger.with_name(STAMP).exists()


def test_what_cannot_be_asked_is_refused_before_anything_is_sealed(world: RunWorld, authority: Authority, tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    good = {"timestamp_url": "http://127.0.0.1:1/", "timestamp_ca": authority.ca_file}
    before = snapshot(world.state)
    for wrong, words in (
        ({"timestamp_ca": None}, "timestamp_url needs timestamp_ca, since an unchecked time stamp shows nothing"),
        ({"timestamp_ca": str(tmp_path / "none")}, "timestamp_ca .*/none cannot be used .No such file or directory."),
        ({"timestamp_ca": str(tmp_path / "empty.pem")}, "timestamp_ca .*/empty.pem cannot be used"),
        ({"timestamp_url": f"file://{tmp_path}/empty.pem"}, "is no address of the form https://HOST/PATH, so nothing was done"),
        ({"timestamp_url": "tsa.example.com"}, "is no address of the form"),
        ({"timestamp_url": "https://me:secret-of-mine@tsa.example.com/"}, "holds a name or a password, which would be shown"),
    ):
        with pytest.raises(RefusedError, match=words) as error:
            world.seal(**{**good, **wrong})
        assert "secret-of-mine" not in error.value.message
        assert snapshot(world.state) == before


def test_stamped_four_times(world: RunWorld, authority: Authority) -> None:
    path = world.ledger.with_name(STAMP)
    with serving(authority.reply) as server:
        told = {"timestamp_url": server.url, "timestamp_ca": authority.ca_file}
        assert world.seal(check_mode=True, **told)["changed"] is True
        assert server.asked == []
        done = world.seal(**told)
        assert "failure" not in done and done["time_stamp"]["path"] == str(path)
        assert abs(parse_time(done["time_stamp"]["time"]) - utc_now()) < dt.timedelta(minutes=1)
        ((where, kind, length),) = server.asked
        # What leaves is a digest and a nonce.
        assert (where, kind) == ("/stamp", "application/timestamp-query") and length < 100
        before = snapshot(world.state)
        for check_mode in (False, True):
            again = world.seal(check_mode=check_mode, **told)
            assert (again["changed"], again["time_stamp"]) == (False, done["time_stamp"])
        assert len(server.asked) == 1 and snapshot(world.state) == before
    report = verified(world, timestamp_ca=authority.ca_file)
    assert report.problems == []
    assert f"ledger.head.json existed on {done['time_stamp']['time']}, as its time stamp attests." in report.checks
    assert "Whether the certificate of the time-stamp authority was revoked." in report.not_checked
    assert "The time stamp of ledger.head.json: timestamp_ca was not given." in verified(world).not_checked


def test_a_stamp_that_could_not_be_had_is_had_by_sealing_again(world: RunWorld, authority: Authority) -> None:
    world.seal()
    with serving(authority.reply) as server:
        told = {"timestamp_url": server.url, "timestamp_ca": authority.ca_file}
        assert world.seal(check_mode=True, **told)["changed"] is True
        assert not server.asked
        done = world.seal(**told)
        assert done["changed"] is True and done["time_stamp"] is not None
        assert world.seal(**told)["changed"] is False


def test_stamps_of_older_heads_are_kept_by_size(tmp_path: pathlib.Path, authority: Authority) -> None:
    world = RunWorld(tmp_path)
    world.sealed_at = time_text(utc_now())
    world.sweep("rec1")
    with serving(authority.reply) as server:
        told = {"timestamp_url": server.url, "timestamp_ca": authority.ca_file}
        world.seal(**told)
        first = {name: world.ledger.with_name(name).read_bytes() for name in ("ledger.head.json", "ledger.head.json.sig", STAMP)}
        world.sweep("rec2")
        world.seal(**told)
    assert list(kept_heads(str(world.ledger))) == [1]
    for name, data in first.items():
        kept = world.ledger.with_name(name.replace("head.", "head-1."))
        assert kept.read_bytes() == data
        assert world.ledger.with_name(name).read_bytes() != data
    report = verified(world, timestamp_ca=authority.ca_file)
    assert report.problems == []
    assert sum("as its time stamp attests" in check for check in report.checks) == 2
    known = str(world.ledger.with_name("ledger.head-1.json"))
    assert verified(world, known_head=known, timestamp_ca=authority.ca_file).consistency["from"]["size"] == 1
    for name in ("ledger.head-1.json", "ledger.head-1.json.sig", "ledger.head-1.json.tsr"):
        path = world.ledger.with_name(name)
        good = path.read_bytes()
        path.write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
        assert any("ledger.head-1.json" in problem for problem in verified(world, timestamp_ca=authority.ca_file).problems), name
        path.write_bytes(good)


def test_a_stamp_is_believed_of_its_own_head_and_authority_only(
    world: RunWorld, authority: Authority, other_authority: Authority, tmp_path: pathlib.Path
) -> None:
    with serving(authority.reply) as server:
        world.seal(timestamp_url=server.url, timestamp_ca=authority.ca_file)
    path = world.ledger.with_name(STAMP)
    good = path.read_bytes()

    def problem(**told: t.Any) -> str:
        (found,) = verified(world, **{"timestamp_ca": authority.ca_file, **told}).problems
        return found

    assert re.search("is no good time stamp of it .*see that timestamp_ca is right", problem(timestamp_ca=other_authority.ca_file))
    for bad in (b"", b"rubbish", good[:-9], authority.query(b"x")):
        path.write_bytes(bad)
        assert f"{STAMP} is no" in problem()
    path.write_bytes(authority.reply(authority.query(b"something else")))
    assert "message imprint mismatch" in problem()
    # Sealing again puts no other one in its place.
    before = snapshot(world.state)
    with serving(authority.reply) as server:
        result = world.seal(timestamp_url=server.url, timestamp_ca=authority.ca_file)
        assert not server.asked
    assert re.search("put it back from a copy, or move it away and seal again, which has the head stamped anew", result["failure"])
    assert snapshot(world.state) == before
    path.unlink()
    assert f"{STAMP} is missing, and timestamp_ca was given to check it" in problem()


def test_a_stamp_stays_good_when_the_certificate_expires(tmp_path: pathlib.Path) -> None:
    """Judged as of its own time; one made afterwards is not."""
    brief = Authority(tmp_path / "brief", days=1)
    stamp = brief.reply(brief.query(b"data"))
    assert abs(verify_stamp(b"data", stamp, ca_file=brief.ca_file) - utc_now()) < dt.timedelta(minutes=1)
    brief.certify(-1)
    late = brief.reply(brief.query(b"data"))
    with pytest.raises(EvidenceError, match="certificate has expired"):
        verify_stamp(b"data", late, ca_file=brief.ca_file)


def test_a_changed_byte_of_a_stamp_is_found_or_changes_nothing_that_it_attests(authority: Authority) -> None:
    stamp = authority.reply(authority.query(b"data"))
    moment, refused = verify_stamp(b"data", stamp, ca_file=authority.ca_file), 0
    places = range(0, len(stamp), 41)
    for at in places:
        bad = stamp[:at] + bytes([stamp[at] ^ 1]) + stamp[at + 1 :]
        try:
            # Certificates that lie beside the chain are nobody's word.
            assert verify_stamp(b"data", bad, ca_file=authority.ca_file) == moment
        except EvidenceError:
            refused += 1
    assert refused > len(places) / 3


def test_the_task_fails_with_everything_sealed(world: RunWorld, authority: Authority) -> None:
    args = {
        "run": str(world.run),
        "manifest": str(world.manifest),
        "ledger": str(world.ledger),
        "signing_key": world.keys.path("evidence"),
        "signer": SIGNER,
        "languages": [],
        "timestamp_ca": authority.ca_file,
    }
    with serving(lambda _query: 503) as server:
        result = run_action(ActionModule, "evidence_seal", {**args, "timestamp_url": server.url})
    assert (result["failed"], result["changed"], result["time_stamp"]) == (True, True, None)
    assert "answers with the status 503" in result["msg"] and result["ledger_head"]["size"] == 1
    with serving(authority.reply) as server:
        result = run_action(ActionModule, "evidence_seal", {**args, "timestamp_url": server.url})
    assert not result.get("failed") and result["time_stamp"]["path"].endswith(STAMP)
