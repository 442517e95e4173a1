# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of key store against the real thing: made, used, destroyed, and then no key."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.period_keys import (
    PeriodKey,
    create_period_key,
    destroy_period_key,
    load_period_key,
    look_at_period_key,
    unwrap_identity,
)
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import Key, KeyState, KeyStore, StoreRefusedError
from ansible_collections.recordings.disposal.tests.system import store_bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed

KINDS = ["directory", "vault", "kmip", "pkcs11", "aws_kms"]
SECRET = b"a secret of 32 bytes for tests.."

Options = dict[str, t.Any]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[[str], Options]]:
    """The options of a store by its kind; each server is started once, by the first test that asks for it."""
    with contextlib.ExitStack() as stack:
        started: dict[str, t.Any] = {}

        def options(kind: str) -> Options:
            if kind not in started:
                directory = tmp_path_factory.mktemp(kind)
                beds: dict[str, t.Any] = {
                    "vault": store_bed.openbao,
                    "kmip": store_bed.kmip,
                    "pkcs11": store_bed.softhsm,
                    "aws_kms": store_bed.kms,
                }
                started[kind] = stack.enter_context(beds[kind](directory))
            return t.cast(Options, started[kind].options())

        yield options


@pytest.fixture(params=KINDS)
def options(request: pytest.FixtureRequest, servers: t.Callable[[str], Options], bed: Bed) -> Options:
    if request.param == "directory":
        path = bed.directory / "keys"
        path.mkdir(mode=0o700)
        return {"kind": "directory", "path": str(path)}
    return servers(request.param)


_opened: dict[str, KeyStore] = {}


@pytest.fixture
def store(options: Options) -> KeyStore:
    """Opened once for each server: the clients take long to begin."""
    if options["kind"] == "directory":
        return open_store(options, Executor())
    if options["kind"] not in _opened:
        _opened[options["kind"]] = open_store(options, Executor())
    return _opened[options["kind"]]


@contextlib.contextmanager
def executing(store: KeyStore, executor: Executor) -> t.Iterator[KeyStore]:
    """The same store under another executor."""
    before, store.executor = store.executor, executor
    try:
        yield store
    finally:
        store.executor = before


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"recordings-{hashlib.sha256(request.node.name.encode()).hexdigest()[:16]}-2026-03"


def refusal(store: KeyStore, kind: str, act: t.Callable[[], object]) -> str:
    """The sentence of a refusal of that kind, which tells where, and no secret."""
    with pytest.raises(StoreRefusedError) as caught:
        act()
    assert caught.value.kind == kind, caught.value.message
    told = repr(caught.value) + str(caught.value) + repr(caught.value.details) + repr(caught.value.__cause__)
    assert SECRET.decode() not in told and SECRET.hex() not in told and store_bed.SoftHsm.pin not in told
    return caught.value.message


def copies(state: KeyState) -> dict[str, str]:
    return {found.what: found.met for found in state.copies}


def test_made_used_destroyed_and_then_no_key(store: KeyStore, name: str) -> None:
    assert store.find(name) is None
    assert store.look(Key(name, "")).state == "absent"
    key = store.create(name)
    assert store.find(name) == key and name in store.names()
    state = store.look(key)
    assert (state.state, state.bits, state.strength, state.until) == ("present", 256, "met", None), state
    assert "not_met" not in copies(state).values()
    wrapped = store.wrap(key, SECRET, "a context")
    assert SECRET not in wrapped
    assert store.unwrap(key, wrapped, "a context") == SECRET
    before = time.time()
    after = store.destroy(key)
    expected = ("pending", "pending") if store.kind == "aws_kms" else ("gone", "missing")
    assert after.state == expected[0], after
    if after.state == "pending":
        assert after.until is not None and 29.9 * 86400 < after.until - before < 30.1 * 86400
        assert copies(after)["waiting"] == "not_met" and "until then that can be taken back" in after.told
    message = refusal(store, expected[1], lambda: store.unwrap(key, wrapped, "a context"))
    assert name in message and ("has no key" in message or "destruction" in message)
    refusal(store, expected[1], lambda: store.wrap(key, SECRET, "a context"))
    assert store.look(key).state == expected[0]
    again = store.destroy(key)
    assert (again.state, again.until) == (after.state, after.until)
    assert store.find(name) is None


def test_wrong_context_and_every_kind_of_damage(store: KeyStore, name: str) -> None:
    key = store.create(name)
    other = store.create(f"{name}-b")
    wrapped = store.wrap(key, SECRET, "a context")
    refusal(store, "wrong", lambda: store.unwrap(key, wrapped, "another context"))
    for damaged in (_flip(wrapped, len(wrapped) // 2), _flip(wrapped, -2), wrapped[:-3], wrapped[: len(wrapped) // 2 + 9]):
        refusal(store, "wrong", lambda damaged=damaged: store.unwrap(key, damaged, "a context"))
    for other_thing in (b"", b"\xff" * 7) if store.kind != "aws_kms" else ():
        refusal(store, "wrong", lambda other_thing=other_thing: store.unwrap(key, other_thing, "a context"))
    # moto does not tell another key's ciphertext from one that is not permitted; AWS does (IncorrectKeyException).
    refusal(store, "denied" if store.kind == "aws_kms" else "wrong", lambda: store.unwrap(other, wrapped, "a context"))
    assert store.unwrap(key, wrapped, "a context") == SECRET


def _flip(data: bytes, place: int) -> bytes:
    """One byte changed into another, which is text where all is text."""
    changed = bytearray(data)
    changed[place] = ord("B") if changed[place] == ord("A") else ord("A")
    return bytes(changed)


def test_a_name_is_taken_only_once(store: KeyStore, name: str) -> None:
    key = store.create(name)
    assert "already has a key" in refusal(store, "exists", lambda: store.create(name))
    assert store.create(name, resume=True) == key


def test_check_mode_can_look_and_change_nothing(store: KeyStore, name: str) -> None:
    key = store.create(name)
    with executing(store, CheckExecutor()):
        assert store.look(key).state == "present" and store.find(name) == key
        with pytest.raises(CheckModeWriteError):
            store.create(f"{name}-new")
        with pytest.raises(CheckModeWriteError):
            store.destroy(key)
    assert store.look(key).state == "present" and store.find(f"{name}-new") is None


def test_a_period_from_its_key_to_no_key(store: KeyStore, name: str, tmp_path: pathlib.Path) -> None:
    calls, documents = f"calls-{name[11:20].rstrip('-')}", str(tmp_path / "documents")
    made = create_period_key(store, calls, "2026-03", documents, Executor())
    identity = unwrap_identity(store, made)
    assert len(identity) == 32 and made.key.name == f"recordings-{calls}-2026-03"
    assert create_period_key(store, calls, "2026-03", documents, Executor()) == made == load_period_key(documents, calls, "2026-03")
    assert os.listdir(documents) == [f"{made.key.name}.json"]
    written = (tmp_path / "documents" / f"{made.key.name}.json").read_bytes()
    assert identity not in written and identity.hex().encode() not in written
    other = create_period_key(store, calls, "2026-04", documents, Executor())
    assert destroy_period_key(store, made).state in ("gone", "pending")
    with pytest.raises(StoreRefusedError) as caught:
        unwrap_identity(store, made)
    assert caught.value.kind in ("missing", "pending")
    assert look_at_period_key(store, made).state in ("gone", "pending")
    with pytest.raises(StoreRefusedError, match="was destroyed"):
        create_period_key(store, calls, "2026-03", documents, Executor())
    assert len(unwrap_identity(store, other)) == 32


class Killed(BaseException):
    """The process ended here."""


class DyingExecutor(Executor):
    """Ends before or after its n-th change.

    :ivar told: what each change was.
    """

    def __init__(self, last: int = 0, *, after: bool = False) -> None:
        self.last, self.after, self.told = last, after, t.cast("list[str]", [])

    def _allow(self, what: str) -> None:
        self.told.append(what)
        if self.last and len(self.told) >= self.last + self.after:
            raise Killed(what)


def test_a_period_key_whose_making_was_killed_anywhere_is_brought_to_its_end(store: KeyStore, name: str, tmp_path: pathlib.Path) -> None:
    """At each change, before it and after it: the next call ends with one key that is known, and none is left that is not."""

    def make(place: str, executor: Executor) -> PeriodKey:
        with executing(store, executor):
            return create_period_key(store, f"k-{name[11:19]}-{place}", "2026", str(tmp_path / place), executor)

    store.create(f"k-{name[11:19]}-begun")
    whole = DyingExecutor()
    make("whole", whole)
    # The changes of files are the same for each store, and tried with the fastest one.
    steps = [step for step, told in enumerate(whole.told, 1) if store.kind == "directory" or store.place in told]
    assert steps
    for step in steps:
        for after in (False, True):
            place, dying = f"{step}-{int(after)}", DyingExecutor(step, after=after)
            before = set(store.names())
            with contextlib.suppress(Killed):
                make(place, dying)
            assert len(dying.told) == min(step + after, len(whole.told))
            made = make(place, Executor())
            assert len(unwrap_identity(store, made)) == 32
            assert os.listdir(tmp_path / place) == [f"{made.key.name}.json"]
            assert set(store.names()) - before == {made.key.name}


def test_a_key_directory_whose_beginning_was_killed_anywhere(bed: Bed, tmp_path: pathlib.Path) -> None:
    for step in range(1, 60):
        path = bed.directory / f"keys-{step}"
        path.mkdir(mode=0o700)
        dying = DyingExecutor(step)
        with contextlib.suppress(Killed):
            open_store({"kind": "directory", "path": str(path)}, dying).create("a-key")
        if len(dying.told) < step:
            assert step > 10
            return
        store = open_store({"kind": "directory", "path": str(path)}, Executor())
        key = store.create("a-key", resume=True)
        assert key.id and store.look(key).state == "present"
    raise AssertionError("it never came to its end")


def test_a_key_that_somebody_else_made_is_not_taken(store: KeyStore, name: str, tmp_path: pathlib.Path) -> None:
    calls = f"t-{name[11:20].rstrip('-')}"
    key = store.create(f"recordings-{calls}-2026")
    wrapped = store.wrap(key, SECRET, "theirs")
    for _try in range(2):
        refusal(store, "exists", lambda: create_period_key(store, calls, "2026", str(tmp_path / "documents"), Executor()))
    assert store.unwrap(key, wrapped, "theirs") == SECRET
    assert not list(tmp_path.glob("documents/*"))


def test_another_document_does_not_fit(store: KeyStore, name: str, tmp_path: pathlib.Path) -> None:
    calls = f"d-{name[11:20].rstrip('-')}"
    march, april = (create_period_key(store, calls, period, str(tmp_path), Executor()) for period in ("2026-03", "2026-04"))
    refusal(store, "wrong", lambda: unwrap_identity(store, dataclasses.replace(march, wrapped=april.wrapped)))
    refusal(store, "wrong", lambda: unwrap_identity(store, dataclasses.replace(march, recipient=april.recipient)))
