# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of key stores needs no store: options and their documentation, missing libraries, files with secrets, what a state tells."""

from __future__ import annotations

import os
import pathlib
import sys
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.doc_fragments._key_store import ModuleDocFragment
from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import STORE_OPTIONS, misplaced_secrets, open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.secretfiles import read_secret
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import Copies, Key, KeyState, StoreRefusedError


def test_the_documentation_is_the_twin_of_the_options() -> None:
    told = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["key_store"]["suboptions"]
    spec = STORE_OPTIONS["key_store"]["options"]
    assert set(told) == set(spec)
    for name, option in spec.items():
        for part in ("type", "choices", "required"):
            assert told[name].get(part) == option.get(part), name


@pytest.mark.parametrize(
    ("given", "module", "package"),
    [
        ({"kind": "directory", "path": "/keys"}, "cryptography.hazmat.primitives.ciphers.aead", "cryptography"),
        ({"kind": "vault", "url": "https://vault"}, "hvac", "hvac"),
        (
            {"kind": "kmip", "host": "kmip", "ca_file": "/ca", "cert_file": "/cert", "key_file": "/key"},
            "kmip.pie.client",
            "PyKMIP",
        ),
        ({"kind": "pkcs11", "module": "/module", "token": "token", "pin_file": "/pin"}, "pkcs11", "python-pkcs11"),
        ({"kind": "aws_kms", "region": "eu-central-1"}, "boto3", "boto3"),
    ],
)
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, given: dict[str, t.Any], module: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreRefusedError) as caught:
        open_store(given, Executor())
    assert caught.value.kind == "library"
    assert f"needs the Python library {package}, which this host does not have" in caught.value.message


def test_a_secret_is_read_without_its_line_end_and_only_where_nobody_else_can(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "secret"
    path.write_text("se cret\r\n")
    path.chmod(0o600)
    assert read_secret(str(path), "the token") == "se cret"
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(StoreRefusedError, match="others may read it") as caught:
            read_secret(str(path), "the token")
        assert "se cret" not in repr(caught.value)
    for wrong, words in ((tmp_path, "is no file"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(StoreRefusedError, match=words):
            read_secret(str(wrong), "the token")
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(StoreRefusedError, match="empty or no text"):
        read_secret(str(path), "the token")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(StoreRefusedError, match="is no file"):
        read_secret(str(tmp_path / "pipe"), "the token")


@pytest.mark.parametrize(("bits", "strength"), [(256, "met"), (128, "met"), (112, "not_met"), (None, "unknown")])
def test_the_strength_of_a_key(bits: int | None, strength: str) -> None:
    state = KeyState("present", "it is there", bits=bits, copies=(Copies("backups", "unknown", "not told"),))
    row = state.row()
    assert row["strength"] == strength
    assert row["copies"] == [{"what": "backups", "met": "unknown", "text": "not told"}]


SECRET = "hvs.SECRETSECRET"


@pytest.mark.parametrize("kind", ["directory", "vault", "kmip", "pkcs11", "aws_kms", SECRET])
@pytest.mark.parametrize("value", [SECRET, {"value": SECRET}, [SECRET], {SECRET: 1}])
def test_no_value_is_repeated(kind: str, value: t.Any) -> None:
    """Each option has the secret in turn, also such that the kind does not take."""
    for name in STORE_OPTIONS["key_store"]["options"]:
        with pytest.raises(PolicyError) as caught:
            open_store({"kind": kind, name: value, "unheard_of": value}, Executor())
        told = f"{caught.value.message} {caught.value.details}"
        assert "key_store" in told and SECRET not in told, told


def test_a_label_is_no_secret() -> None:
    assert misplaced_secrets({"key_store": {"kind": "pkcs11", "token": "recordings"}}) == misplaced_secrets({"key_store": None}) == set()


def test_what_to_do_with_a_key_whose_destruction_was_begun(tmp_path: pathlib.Path) -> None:
    store = open_store({"kind": "directory", "path": str(tmp_path)}, Executor())
    told = store._pending(Key("a-key", "id"), 1_800_000_000).message
    assert "was begun and ends after 2027-01-15T08:00:00Z, so it is used no more; if nothing that goes with it must be kept" in told
    assert (
        "else bring it back from a backup of the store first, give what must be kept another key, and have this one destroyed again" in told
    )
    assert "was begun, so it is used no more" in store._pending(Key("a-key", "id")).message
