# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of store, real: what it refuses changes nothing there, what it takes it keeps, and a run that was stored can be verified there."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import shutil
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import Ledger
from ansible_collections.recordings.disposal.tests.system.evidence_bed import Bucket, Directory, Place, Repository, StoreWorld, buckets
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import START, RunWorld, rechain

KINDS = ("directory", "git", "s3")
STATEMENT = "runs/2026-11-23-4f1c/0/statement.json"


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Bucket]:
    with buckets(tmp_path_factory.mktemp("moto")) as server:
        yield server


def place_of(kind: str, path: pathlib.Path, request: pytest.FixtureRequest) -> Place:
    if kind == "directory":
        return Directory(path / "store")
    if kind == "git":
        return Repository(path / "store.git")
    server: Bucket = request.getfixturevalue("bucket")
    return server.fresh(f"evidence-{time.monotonic_ns()}")


@pytest.fixture(params=KINDS)
def stored(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> StoreWorld:
    """Not stored yet."""
    return StoreWorld(tmp_path / "world", place_of(request.param, tmp_path, request))


# What is refused


def test_another_content_under_a_stored_name_is_refused_by_name(stored: StoreWorld) -> None:
    assert not stored.store().get("failed")
    path = stored.world.run / "certificate.en.html"
    good = path.read_bytes()
    path.write_bytes(b"<p>another</p>\n")
    words = rf"runs/{stored.run}/0/certificate\.en\.html in the .* has another content .* nothing is overwritten"
    result = stored.refused(words)
    assert result["changed"] is False and result["put"]["files"] == 0
    path.write_bytes(good)
    assert stored.store()["changed"] is False


def test_what_was_changed_in_the_store_is_found_and_named(stored: StoreWorld) -> None:
    stored.store()
    stored.place.damage(STATEMENT, b"{}\n")
    stored.refused(rf"{STATEMENT} in the .*(has another content|has 2 versions, so somebody wrote it anew)")


def test_a_run_that_is_not_as_it_was_sealed_is_not_stored_and_others_are(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    other = RunWorld(tmp_path / "other", plan_id="2026-11-24-aaaa").swept()
    other.keys, other.ledger = stored.world.keys, stored.world.ledger
    for name in ("anna", "bob"):
        other.approve(f"{name}@example.com", name)
    for path in (other.run / "journals").iterdir():
        path.unlink()
    other.approvals = stored.world.approvals
    other.signers = stored.world.signers
    other.swept().seal()
    shutil.copytree(other.run, stored.world.run.parent / other.run.name)
    journal = stored.world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes().replace(b"brokerage", b"br0kerage", 1))
    result = stored.store()
    assert result["failed"] and f"the run {stored.run} is not valid, so it is not stored: journals/rec1.jsonl line 3" in result["msg"]
    names = stored.place.files()
    assert "runs/2026-11-24-aaaa/1/statement.json" in names and "ledger/2/ledger.jsonl" in names
    assert not any(name.startswith(f"runs/{stored.run}/") for name in names)


@pytest.mark.parametrize("fault", ["cut", "forked"])
def test_a_ledger_that_is_no_extension_of_the_stored_one(stored: StoreWorld, fault: str) -> None:
    with Ledger(str(stored.world.ledger), executor=Executor()) as ledger:
        ledger.append(run="another", statement=digest(b"another"), time=stored.world.sealed_at)
    stored.world.resign_head()
    first = stored.store()
    # The ledger is safe, and the run that it names beside is nowhere.
    assert first["failed"] and first["absent"] == ["another"] and any(title.startswith("ledger 2 ") for title in first["put"]["titles"])
    lines = stored.world.ledger.read_bytes().splitlines()
    changed = lines[:1] if fault == "cut" else [lines[0], lines[1].replace(b"another", b"an0ther")]
    stored.world.ledger.write_bytes(rechain(changed))
    stored.world.resign_head()
    words = {"cut": "the ledger has 1, line 2 is missing", "forked": "this is a fork"}[fault]
    stored.refused(rf"the ledger is not an extension of ledger/2/ledger\.head\.json in the .*{words}")


def test_what_is_not_sealed_is_refused_or_listed(stored: StoreWorld) -> None:
    (stored.world.run.parent / "unsealed" / "journals").mkdir(parents=True)
    head = stored.world.ledger.with_name("ledger.head.json")
    good = head.read_bytes()
    head.unlink()
    stored.refused(r"ledger\.head\.json cannot be read")
    head.write_bytes(good)
    statement = stored.world.run / "statement.json"
    sealed = statement.read_bytes()
    statement.write_bytes(sealed[:-1])
    result = stored.store(check_mode=True)
    assert result["failed"] and "is not as line 1 of the ledger sealed it, so it is not stored; seal it again" in result["msg"]
    assert result["unsealed"] == ["unsealed"]


def test_what_is_no_file_is_refused(stored: StoreWorld) -> None:
    (stored.world.run / "certificate.en.html").unlink()
    (stored.world.run / "certificate.en.html").symlink_to("/etc/hostname")
    result = stored.store(check_mode=True)
    assert result["failed"] and "is not a regular file, so it is not stored" in result["msg"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keep": "10 years"}, "keep: '10 years' is neither a period such as P10Y nor a date such as 2036-12-31"),
        ({"keep": "P0D"}, "is a period of nothing"),
        ({"keep": "P9999Y"}, "keep leads beyond the year 9999"),
        ({"signer": None}, "signer must be given to store evidence"),
        ({"remove": True}, "remove and holds belong to the state expired"),
        ({"holds": ["x"]}, "remove and holds belong to the state expired"),
        ({"source": "/nonexistent"}, "/nonexistent/ledger.jsonl cannot be opened"),
    ],
)
def test_options_that_are_not_right(stored: StoreWorld, changes: dict[str, t.Any], words: str) -> None:
    stored.refused(words, **changes)


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ({"kind": "tape"}, "kind: the str there is not known; allowed are directory, git, s3"),
        ({"kind": "directory"}, "the key path is missing; it has no default"),
        ({"kind": "git", "path": "x", "immutable": True}, "immutable: the bool|immutable: True is under an unknown key"),
        ({"kind": "git", "path": "x", "branch": "../evil"}, "store.branch is no simple name of a branch"),
        ({"kind": "s3", "bucket": "evidence", "region": "eu"}, "the key mode is missing; it has no default"),
        ({"kind": "s3", "bucket": "evidence", "region": "eu", "mode": "NONE"}, "allowed are COMPLIANCE, GOVERNANCE"),
        ({"kind": "s3", "bucket": "evidence", "region": "eu", "mode": "GOVERNANCE", "prefix": "x"}, "is not a prefix such as disposal/"),
        (
            {"kind": "s3", "bucket": "evidence", "region": "eu", "mode": "GOVERNANCE", "endpoint_url": "http://example.com"},
            "is no https address",
        ),
        (
            {
                "kind": "s3",
                "bucket": "evidence",
                "region": "eu",
                "mode": "GOVERNANCE",
                "endpoint_url": "https://me:s3cret-of-mine@example.com",
            },
            "holds a name or a password, which would be shown",
        ),
        (
            {"kind": "s3", "bucket": "evidence", "region": "eu", "mode": "GOVERNANCE", "secret_key": "s3cret-of-mine"},
            "secret_key: the str there is under an unknown key",
        ),
        (
            {"kind": "s3", "bucket": "evidence", "region": "eu", "mode": "GOVERNANCE", "credentials_file": "/s3cret-of-mine"},
            "store.credentials_file cannot be read, so nothing was done",
        ),
    ],
)
def test_stores_that_are_not_right(tmp_path: pathlib.Path, store: dict[str, t.Any], words: str) -> None:
    world = StoreWorld(tmp_path / "world", Directory(tmp_path / "store"))
    result = world.refused(words, store=store)
    assert "s3cret-of-mine" not in json.dumps(result)


# What is stored


def test_stored_four_times(stored: StoreWorld) -> None:
    before = snapshot(stored.world.state)
    planned = stored.store(check_mode=True)
    assert planned["changed"] is True and stored.place.files() == {}
    done = stored.store()
    assert not done.get("failed"), done
    assert (done["changed"], done["put"]) == (True, planned["put"])
    files = stored.place.files()
    here = {
        f"runs/{stored.run}/0/{path.relative_to(stored.world.run)}": path.read_bytes()
        for path in stored.world.run.rglob("*")
        if path.is_file()
    }
    heads = {
        f"ledger/1/{name}": stored.world.ledger.with_name(name).read_bytes()
        for name in ("ledger.jsonl", "ledger.head.json", "ledger.head.json.sig")
    }
    assert files == {**here, **heads}
    assert done["put"]["files"] == len(files) and done["put"]["bytes"] == sum(map(len, files.values()))
    assert done["kept_until"] == {"first": "2036-11-23T23:00:00Z", "last": "2036-11-23T23:00:00Z"}
    assert any("read back from there" in check for check in done["checks"])
    for check_mode in (False, True):
        again = stored.store(check_mode=check_mode)
        assert (again["changed"], again["put"]["files"], again["same"], again["problems"]) == (False, 0, len(files), [])
    assert stored.place.files() == files and snapshot(stored.world.state) == before


def test_a_run_that_was_stored_verifies_from_the_store_alone(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    stored.store()
    for name, data in stored.place.files().items():
        path = tmp_path / "taken" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    from ansible_collections.recordings.disposal.plugins.plugin_utils._verify import verify_run

    report = verify_run(
        str(tmp_path / "taken" / "runs" / stored.run / "0"),
        allowed_signers=stored.world.signers,
        signer="evidence@example.com",
        ledger=str(tmp_path / "taken" / "ledger" / "1" / "ledger.jsonl"),
        now=START.replace(day=24),
    )
    assert report.problems == []


def test_a_run_that_is_sealed_again_gets_a_place_of_its_own(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> None:
    for kind in KINDS:
        path = tmp_path / kind
        path.mkdir()
        stored = StoreWorld(path / "world", place_of(kind, path, request))
        (stored.world.run / "journals" / "rec2.jsonl").unlink()
        for name in ("statement.json", "statement.json.sig", "certificate.en.html", "certificate.pl.html"):
            (stored.world.run / name).unlink()
        for name in ("ledger.jsonl", "ledger.head.json", "ledger.head.json.sig"):
            stored.world.ledger.with_name(name).unlink()
        stored.world.seal()
        assert not stored.store().get("failed")
        first = stored.place.files()
        stored.world.sweep("rec2")
        stored.world.seal()
        done = stored.store()
        assert not done.get("failed"), done
        assert done["warnings"] == []
        files = stored.place.files()
        assert {name: files[name] for name in first} == first
        assert {
            f"runs/{stored.run}/1/statement.json",
            f"runs/{stored.run}/1/statement-0.json",
            "ledger/2/ledger.jsonl",
        } <= files.keys() - first.keys()


def test_certificates_of_media_and_the_registers_log_go_too(stored: StoreWorld) -> None:
    state = stored.world.state
    (state / "certificates").mkdir()
    certificate = b'{"issued":"2026-11-23T23:00:00Z"}\n'
    for name, data in {"S1.json": certificate, "S1.json.sig": b"sig", "S1.en.html": b"<p>", "notes.txt": b"not ours"}.items():
        (state / "certificates" / name).write_bytes(data)
    (state / "register" / "events").mkdir(parents=True)
    (state / "register" / "log.jsonl").write_bytes(rechain([b'{"time":"2026-11-23T23:00:00Z","type":"opened"}']))
    (state / "register" / "events" / "abc.json").write_bytes(b"{}\n")
    assert not stored.store().get("failed")
    short = digest(certificate)[7:19]
    wanted = {f"certificates/S1/{short}/{name}" for name in ("S1.json", "S1.json.sig", "S1.en.html")}
    wanted |= {"register/1/log.jsonl", "register/events/abc.json"}
    assert wanted == {name for name in stored.place.files() if not name.startswith(("runs/", "ledger/"))}
    assert stored.store()["changed"] is False


# What expires


def test_what_has_not_expired_stays(stored: StoreWorld) -> None:
    stored.store()
    before = stored.place.files()
    result = stored.expire(remove=True)
    assert (result["changed"], result["expired"]) == (False, [])
    (row,) = result["staying"]
    assert (row["run"], row["kept_until"], row["reason"]) == (stored.run, "2036-11-23T23:00:00Z", "its retention has not passed")
    assert stored.place.files() == before


def test_a_hold_of_a_run_that_is_not_there_is_refused(stored: StoreWorld) -> None:
    stored.store()
    stored.refused(
        "the hold names the run '2026-11-23-4f1d', which the .* does not have",
        state="expired",
        remove=True,
        keep="PT1S",
        holds=["2026-11-23-4f1d"],
    )


def test_what_the_ledger_does_not_confirm_stays(stored: StoreWorld) -> None:
    brief(stored)
    stored.place.damage(STATEMENT, b"{}\n")
    if isinstance(stored.place, Bucket):
        return  # The lock kept the first version, and that alone is read.
    result = stored.expire(remove=True, keep="PT1S")
    assert (
        result["expired"] == [] and "is not the statement that the ledger names, so its age is not known" in result["staying"][0]["reason"]
    )


def test_a_store_that_is_not_there_has_nothing_to_expire(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    if not isinstance(stored.place, Bucket):
        stored.refused("is not there, so nothing was done; correct the store", state="expired")


def brief(stored: StoreWorld) -> None:
    """Stored for a few seconds only, and these are over."""
    end = utc_now().timestamp() + 4
    result = stored.store(keep=time_text(dt.datetime.fromtimestamp(end, dt.timezone.utc)))
    assert not result.get("failed"), result
    time.sleep(max(0.0, end - utc_now().timestamp()) + 1)


def test_expired_runs_go_and_leave_a_tombstone(stored: StoreWorld) -> None:
    brief(stored)
    before = stored.place.files()
    told = {"keep": "PT1S"}
    listed = stored.expire(**told)
    assert (listed["changed"], listed["expired_count"], listed["expired"][0]["run"]) == (False, 1, stored.run)
    held = stored.expire(**told, remove=True, holds=[stored.run])
    assert (held["expired"], held["staying"][0]["reason"]) == ([], "a hold names it")
    if isinstance(stored.place, Repository):
        stored.refused("keeps in its history whatever was in it, so nothing was removed", **told, state="expired", remove=True)
        return
    assert stored.expire(**told, remove=True, check_mode=True)["changed"] is True
    assert stored.place.files() == before
    done = stored.expire(**told, remove=True)
    assert not done.get("failed") and done["changed"] is True, done
    files = stored.place.files()
    name = f"tombstones/{stored.run}.json"
    assert files.keys() == {each for each in before if each.startswith("ledger/")} | {name}
    tombstone = json.loads(files[name])
    assert tombstone["statements"] == [{"seq": 0, "digest": digest((stored.world.run / "statement.json").read_bytes())}]
    assert set(tombstone) == {"format", "run", "statements", "kept_until", "removed"} and b"@" not in files[name]
    again = stored.expire(**told, remove=True)
    assert (again["changed"], again["expired"]) == (False, [])
    stays = stored.store()
    # The ledger stays, and in a bucket is now locked for as long as this task says.
    assert (stays["put"]["files"], stays["removed"], stays.get("failed")) == (0, [stored.run], None)
    assert stored.place.files() == files
