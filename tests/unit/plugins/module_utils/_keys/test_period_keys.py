# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of period keys, over a key directory: names, and what is refused."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.period_keys import (
    create_period_key,
    key_name,
    load_period_key,
    look_at_period_key,
    unwrap_identity,
)
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import KeyStore


@pytest.fixture
def store(tmp_path: pathlib.Path) -> KeyStore:
    return opened(tmp_path / "keys")


def opened(path: pathlib.Path, executor: Executor | None = None) -> KeyStore:
    path.mkdir(mode=0o700, exist_ok=True)
    return open_store({"kind": "directory", "path": str(path.resolve())}, executor or Executor())


def test_a_name_tells_prefix_class_and_period() -> None:
    assert key_name("calls", "2026-03") == "recordings-calls-2026-03"
    assert key_name("calls.mifid", "2026-Q1", prefix="pl") == "pl-calls_dmifid-2026-q1"
    names = [key_name(name, period) for name in ("a", "a.b", "a-b", "a_b", "a_db", "a-2026") for period in ("2026", "2026-03", "2026-Q1")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("period", ["", "26", "2026-3", "2026-03-1", "2026/03", "2026-W05", "2026-q5", "../2026"])
def test_what_is_no_period(period: str) -> None:
    with pytest.raises(RefusedError, match="is not a period"):
        key_name("calls", period)


@pytest.mark.parametrize("name", ["", "Calls", "_a", "-a", "a/b", "a b"])
def test_what_is_no_class(name: str) -> None:
    with pytest.raises(RefusedError, match="is not a class"):
        key_name(name, "2026")


def test_check_mode_makes_nothing(tmp_path: pathlib.Path) -> None:
    store = opened(tmp_path / "keys", CheckExecutor())
    with pytest.raises(CheckModeWriteError):
        create_period_key(store, "calls", "2026", str(tmp_path / "documents"), CheckExecutor())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_document_holds_no_identity_and_comes_back(store: KeyStore, tmp_path: pathlib.Path) -> None:
    made = create_period_key(store, "calls", "2026", str(tmp_path), Executor())
    document = json.loads((tmp_path / "recordings-calls-2026.json").read_text())
    assert sorted(document) == ["class", "created", "format", "key", "period", "recipient", "store", "wrapped"]
    assert document["recipient"] == made.recipient.hex() and unwrap_identity(store, made).hex() not in json.dumps(document)
    assert load_period_key(str(tmp_path), "calls", "2026") == made
    assert load_period_key(str(tmp_path), "calls", "2027") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "is not what this collection wrote"),
        ({"recipient": "00"}, "is not what this collection wrote"),
        ({"wrapped": "?"}, "is not what this collection wrote"),
        ({"key": {"name": "recordings-calls-2026", "id": ""}}, "is not what this collection wrote"),
        ({"key": {"name": "recordings-calls-2025", "id": "x"}}, "bring the right one back"),
        ({"period": "2025"}, "is that of calls 2025"),
        ({"class": "chats"}, "is that of chats 2026"),
    ],
)
def test_a_document_that_was_changed_is_refused(store: KeyStore, tmp_path: pathlib.Path, change: dict[str, t.Any], words: str) -> None:
    create_period_key(store, "calls", "2026", str(tmp_path), Executor())
    path = tmp_path / "recordings-calls-2026.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    before = path.read_bytes()
    for act in (
        lambda: load_period_key(str(tmp_path), "calls", "2026"),
        lambda: create_period_key(store, "calls", "2026", str(tmp_path), Executor()),
    ):
        with pytest.raises(RefusedError, match=words):
            act()
    assert path.read_bytes() == before and store.names() == ["recordings-calls-2026"]


def test_another_store_than_the_document_tells_is_refused(store: KeyStore, tmp_path: pathlib.Path) -> None:
    made = create_period_key(store, "calls", "2026", str(tmp_path), Executor())
    other = opened(tmp_path / "others")
    for act in (unwrap_identity, look_at_period_key):
        with pytest.raises(RefusedError, match="is kept in another store"):
            act(other, made)


def test_an_intent_of_another_store_is_refused(store: KeyStore, tmp_path: pathlib.Path) -> None:
    (tmp_path / "recordings-calls-2026.begun").write_text('{"format":"recordings.disposal/period-key-intent/1","name":"x"}')
    with pytest.raises(RefusedError, match="begun in another store"):
        create_period_key(store, "calls", "2026", str(tmp_path), Executor())
    assert store.names() == []
