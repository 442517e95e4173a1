# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A period from its key to no key, with every kind of key store: recordings encrypted, some held, the key destroyed, and what opens then."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import identity_text
from ansible_collections.recordings.disposal.plugins.module_utils._keys.period_keys import load_period_key, unwrap_identity
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.directory import DirectoryStore
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import Key, KeyState, StoreRefusedError
from ansible_collections.recordings.disposal.plugins.modules import crypto_erase, period_key, period_rewrap
from ansible_collections.recordings.disposal.tests.system import store_bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, not_run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.release_world import ReleaseWorld, copy_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import HOST, fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Result = dict[str, t.Any]
BEDS: dict[str, t.Any] = {"vault": store_bed.openbao, "kmip": store_bed.kmip, "pkcs11": store_bed.softhsm, "aws_kms": store_bed.kms}
VOUCHED = "test"


class PeriodWorld(ReleaseWorld):
    """A recording server, a key store, and the host that has the documents of keys."""

    def __init__(self, path: pathlib.Path, store: Result, call: t.Callable[..., Result]) -> None:
        super().__init__(path)
        self.store, self._call = store, call
        self.keys = path / "keys"
        self.later = str(int(self.year) + 1)
        made = {period: self.make_key(period) for period in (self.year, self.later)}
        self.known = {period: told["recipient"] for period, told in made.items()}

    def make_key(self, period: str, **more: t.Any) -> Result:
        given = {
            "class": "calls",
            "period": period,
            "dir": str(self.keys),
            "key_store": self.store,
            "prefix": self.path.name.replace("_", "-"),
        }
        return self._call(period_key.main, **{**given, **more})

    @property
    def recipients(self) -> list[dict[str, str]]:
        return [{"class": "calls", "period": period, "recipient": recipient} for period, recipient in self.known.items()]

    def release(self, **more: t.Any) -> Result:
        given = {"recipient": self.known[self.year], "new_recipient": self.known[self.later]}
        return super().release(**{**given, **more})

    def answers(self, asks: str) -> str:
        path = str(self.path / "answers.jsonl")
        given = {"class": "calls", "period": self.year, "to_period": self.later, "dir": str(self.keys), "key_store": self.store}
        done = self._call(period_rewrap.main, asks=asks, answers=path, prefix=self.path.name.replace("_", "-"), **given)
        assert done["answered"] == 2
        return path

    def erase(self, *, check: bool = False, **more: t.Any) -> Result:
        target = {
            "kind": "period",
            "class": "calls",
            "period": self.year,
            "dir": str(self.keys),
            "prefix": self.path.name.replace("_", "-"),
        }
        vouched = dict.fromkeys(("encrypted_from_first_write", "no_backup", "not_in_memory", "no_store_copies"), VOUCHED)
        given = {
            "target": target,
            "key_store": self.store,
            "hosts": [HOST],
            "declared": vouched,
            "level": "purge",
            "state_dir": str(self.state),
        }
        return self._call(crypto_erase.main, check=check, **{**given, "holds": "checked", **more})

    def identity_of(self, period: str) -> bytes:
        """:raises StoreRefusedError: its key is gone."""
        prefix = self.path.name.replace("_", "-")
        found = load_period_key(str(self.keys), "calls", period, prefix=prefix)
        assert found is not None
        return bytes(unwrap_identity(open_store(self.store, Executor()), found))

    def by_stock_age(self, copy: pathlib.Path, identity: bytes) -> bytes | None:
        """What stock age makes of a file; none where it has no key for it."""
        file = self.path / "identity.txt"
        file.write_text(identity_text(identity) + "\n")
        done = subprocess.run(["age", "-d", "-i", str(file), str(copy)], capture_output=True, check=False)
        file.unlink()
        assert done.returncode == 0 or b"no identity matched any of the recipients" in done.stderr
        return done.stdout if done.returncode == 0 else None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[[str], t.Any]]:
    with contextlib.ExitStack() as stack:
        started: dict[str, t.Any] = {}

        def bed_of(kind: str) -> t.Any:
            if kind not in started:
                started[kind] = stack.enter_context(BEDS[kind](tmp_path_factory.mktemp(kind)))
            return started[kind]

        yield bed_of


@pytest.fixture
def make(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[[Result], PeriodWorld]:
    if not shutil.which("age"):
        not_run("the tool age is not installed")

    def call(main: t.Callable[[], None], *, check: bool = False, **options: t.Any) -> Result:
        return run(main, capsys, monkeypatch, check=check, **options)

    def made(store: Result) -> PeriodWorld:
        path = bed.directory / f"p{time.monotonic_ns()}"
        path.mkdir()
        return PeriodWorld(path, store, call)

    return made


def store_of(kind: str, bed: Bed, servers: t.Callable[[str], t.Any]) -> Result:
    if kind == "directory":
        path = bed.directory / "store"
        path.mkdir(mode=0o700, exist_ok=True)
        return {"kind": "directory", "path": str(path)}
    return t.cast(Result, servers(kind).options())


def rewrapped(world: PeriodWorld) -> Result:
    """The report of a host whose held recordings have got another key."""
    world.fill(due=4, held=2)
    answers = world.answers(world.release()["asks"])
    return t.cast(Result, world.release(answers=answers)["report"])


@pytest.mark.parametrize("kind", ["directory", "vault", "kmip", "pkcs11"])
def test_a_periods_key_is_destroyed_and_what_is_held_still_opens(
    kind: str, bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld]
) -> None:
    world = make(store_of(kind, bed, servers))
    world.fill(due=4, held=2)
    early = world.erase(reports=[world.release()["report"]])
    assert early["failed"] and "2 recordings on pbx1 must be kept and go with the key" in early["msg"]
    report = world.release(answers=world.answers(world.release()["asks"]))["report"]
    saved = world.identity_of(world.year)
    due = [path for path in world.plain if path not in world.held()]
    assert all(world.by_stock_age(copy_of(path), saved) == world.plain[path] for path in due)

    before = fingerprint(world.root)
    foreseen = world.erase(check=True, reports=[report])
    assert foreseen["changed"] and not foreseen.get("failed") and world.identity_of(world.year) == saved
    done = world.erase(reports=[report])
    assert done["outcome"] == "destroyed" and done["changed"] and done["level"]["achieved"] == "purge", done
    assert done["opened"] == "its identity opened a canary and 4 recordings before" and done["seen"]["unwrapping"] == "missing"
    with pytest.raises(StoreRefusedError) as gone:
        world.identity_of(world.year)
    assert gone.value.kind == "missing" and fingerprint(world.root) == before
    for check in (False, True):
        again = world.erase(check=check, reports=[{**report, "time": done["seen"].get("at") or report["time"]}])
        assert not again["changed"] and again["outcome"] == "destroyed"
    kept = world.identity_of(world.later)
    for path in world.plain:
        assert world.by_stock_age(copy_of(path), kept) == (world.plain[path] if path in world.held() else None)
    # The test's own copy of the identity shows what the precondition no_backup is about.
    assert world.by_stock_age(copy_of(due[0]), saved) == world.plain[due[0]]

    keys = [{**{name: done["evidence"][0]["target"][name] for name in ("class", "period", "recipient")}, "run": done["run"]}]
    keys[0].update(outcome=done["outcome"], level=done["level"]["achieved"])
    swept = world.apply(world.manifest(world.plan()), destroyed_keys=keys)
    assert swept["counts"] == {"destroyed": 4, "not_destroyed": 0, "unknown": 0}
    assert sorted(path.name for path in world.root.rglob("*.age")) == sorted(copy_of(path).name for path in world.held())


def test_a_waiting_period_is_no_destruction_until_it_is_over(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld]
) -> None:
    world = make(store_of("aws_kms", bed, servers))
    report = rewrapped(world)
    try:
        begun = world.erase(reports=[report])
        assert begun["failed"] and begun["outcome"] == "not_destroyed" and begun["level"]["achieved"] == "none"
        until = begun["seen"]["until"]
        assert f"the key store destroys the key on {until}" in begun["reason"]
        waiting = world.erase(reports=[report])
        assert waiting["failed"] and waiting["outcome"] == "not_destroyed" and waiting["seen"]["until"] == until
        servers("aws_kms").move_clock(31)
        over = world.erase(reports=[report])
        assert not over.get("failed") and over["outcome"] == "destroyed", over
        assert over["opened"] == begun["opened"] and over["level"]["achieved"] == "purge"
    finally:
        servers("aws_kms").move_clock(0)


def somebody_else_destroys(world: PeriodWorld) -> None:
    found = load_period_key(str(world.keys), "calls", world.year, prefix=world.path.name.replace("_", "-"))
    assert found is not None
    open_store(world.store, Executor()).destroy(found.key)


def test_a_key_that_somebody_else_destroyed_is_not_claimed(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld]
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    somebody_else_destroys(world)
    for _again in range(2):
        result = world.erase(reports=[report])
        assert result["failed"] and result["outcome"] == "unknown"
        assert "the key was gone before, and no journal here tells who destroyed it" in result["reason"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"key_store": None}, "needs key_store"),
        ({"hosts": [HOST, "pbx2"]}, "pbx2 did not report"),
        ({"reports": []}, "pbx1 did not report"),
        ({"level": "destroy"}, "reaches at most the level purge"),
        ({"discard": "overwrite"}, "takes no discard"),
        ({"preconditions": {"no_backup": "require"}, "declared": {}}, "no_backup is unknown"),
        ({"preconditions": {"nonsense": "require"}}, "the precondition 'nonsense' is not known"),
        ({"declared": {"no_backup": " "}}, "nothing is said of the precondition no_backup"),
        ({"header_backups": []}, "does not go with a target of the kind period"),
    ],
)
def test_what_is_refused_leaves_the_key(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld], more: Result, words: str
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    saved = world.identity_of(world.year)
    for check in (True, False):
        result = world.erase(check=check, **{"reports": [report], **more})
        assert result.get("failed") and words in result["msg"], result["msg"]
    assert world.identity_of(world.year) == saved and json.dumps(result).count(saved.hex()) == 0


def refusing(world: PeriodWorld, monkeypatch: pytest.MonkeyPatch, kind: str) -> t.Callable[[], None]:
    """Have the store refuse what it is asked to destroy, as for want of a permission; returns how to end that."""
    real = DirectoryStore.destroy

    def destroy(self: DirectoryStore, key: Key) -> KeyState:
        raise StoreRefusedError(kind, "the store refuses")

    monkeypatch.setattr(DirectoryStore, "destroy", destroy)
    return lambda: monkeypatch.setattr(DirectoryStore, "destroy", real)


@pytest.mark.parametrize("kind", ["denied", "unreachable"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kept": 5}, "5 recordings on pbx1 must be kept"),
        ({"unread": 2}, "2 files on pbx1 could not be looked at"),
        ({"time": "2026-01-01T00:00:00Z"}, "seconds old"),
        ({"host": "pbx9"}, "pbx1 did not report"),
    ],
)
def test_a_run_that_the_store_refused_is_looked_at_anew(
    kind: str,
    change: Result,
    words: str,
    bed: Bed,
    servers: t.Callable[[str], t.Any],
    make: t.Callable[[Result], PeriodWorld],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    allow = refusing(world, monkeypatch, kind)
    assert world.erase(reports=[report])["failed"]
    allow()
    before = fingerprint(bed.directory / "store")
    refused = world.erase(reports=[{**report, **change}])
    assert refused["failed"] and words in refused["msg"] and not refused.get("changed")
    assert fingerprint(bed.directory / "store") == before and world.identity_of(world.year)
    done = world.erase(reports=[report])
    assert done["outcome"] == "destroyed" and done["opened"].startswith("its identity opened a canary"), done


def test_a_key_that_is_gone_after_a_refusal_is_not_claimed(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    allow = refusing(world, monkeypatch, "denied")
    assert world.erase(reports=[report])["failed"]
    allow()
    somebody_else_destroys(world)
    for _again in range(3):
        result = world.erase(reports=[report])
        assert result["failed"] and result["outcome"] == "unknown", result
        assert "the key was gone before, and no journal here tells who destroyed it" in result["reason"]


def test_an_outcome_that_waits_for_words_is_judged_by_each_later_run(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld]
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    for _again in range(3):
        undecided = world.erase(reports=[report], declared={})
        assert undecided["failed"] and undecided["outcome"] == "unknown", undecided
    done = world.erase(reports=[report])
    assert done["outcome"] == "destroyed" and done["opened"] == undecided["opened"] != "", done


def test_nothing_is_encrypted_for_a_key_that_is_gone(
    bed: Bed, servers: t.Callable[[str], t.Any], make: t.Callable[[Result], PeriodWorld]
) -> None:
    world = make(store_of("directory", bed, servers))
    report = rewrapped(world)
    done = world.erase(reports=[report])
    assert done["outcome"] == "destroyed"
    told = world.make_key(world.year)
    assert told["recipients"] == [] and told["state"]["state"] == "gone" and not told["changed"]
    key = {name: done["evidence"][0]["target"][name] for name in ("class", "period", "recipient")}
    key.update(run=done["run"], outcome=done["outcome"], level=done["level"]["achieved"])
    late = world.record(days=world.days - 20, number=40)
    before = fingerprint(world.root)
    with pytest.raises(RefusedError, match=f"is of a key that the run {done['run']} destroyed, and what is encrypted for it is lost"):
        world.encrypt(destroyed_keys=[key])
    with pytest.raises(DisposalError, match="no recipient"):
        world.encrypt(recipients=[*told["recipients"], world.recipients[1]])
    assert fingerprint(world.root) == before and late.exists()
