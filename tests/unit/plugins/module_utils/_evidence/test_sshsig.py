# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures by the real ssh-keygen: what it refuses is told apart, and nothing else is accepted."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import random

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import (
    Verified,
    check_principal,
    fits,
    read_signature,
    run_ssh_keygen,
    verify,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import PLAN, Keys

DATA = b"what was signed \xff\x00\n"
ANNA = "anna@example.com"
AT = dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.timezone.utc)


@pytest.fixture
def keys(tmp_path: pathlib.Path) -> Keys:
    return Keys(tmp_path)


def refused(keys: Keys, fault: str, words: str, *, signers: str | None = None, signature: bytes | None = None, data: bytes = DATA) -> str:
    """Verify anna's signature under a changed circumstance; returns the sentence."""
    given = keys.sign(DATA, "anna").encode() if signature is None else signature
    listed = keys.line(ANNA, "anna") if signers is None else signers
    with pytest.raises(EvidenceError, match=words) as caught:
        verify(data, given, allowed_signers=listed, principal=ANNA, namespace=PLAN, at=AT)
    assert caught.value.details["fault"] == fault
    assert caught.value.message.startswith(f"{ANNA}: ")
    assert "\n" not in caught.value.message
    return caught.value.message


def test_an_unknown_signer(keys: Keys) -> None:
    for signers in ("", keys.line(ANNA, "bob"), keys.line("bob@example.com", "anna"), keys.line("anna@example.com.pl", "anna")):
        said = refused(keys, "unknown_signer", "which allowed_signers does not list for anna@example.com", signers=signers)
        assert keys.fingerprint("anna") in said


def test_another_namespace(keys: Keys) -> None:
    signature = keys.sign(DATA, "anna", "evidence@recordings.disposal").encode()
    refused(keys, "namespace", "for the namespace 'evidence@recordings.disposal', not plan@recordings.disposal", signature=signature)


def test_a_key_that_may_not_sign_for_this_namespace(keys: Keys) -> None:
    signers = keys.line(ANNA, "anna", 'namespaces="evidence@recordings.disposal"')
    refused(keys, "key_namespace", "may not sign for plan@recordings.disposal .allowed_signers line 1", signers=signers)


@pytest.mark.parametrize(
    ("options", "fault"), [('valid-before="20261123220000"', "expired"), ('valid-after="20261123220001"', "not_yet_valid")]
)
def test_a_key_outside_its_validity_in_utc(keys: Keys, options: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    signers = "# people\n" + keys.line(ANNA, "anna", options)
    later = {"expired": -1, "not_yet_valid": 1}[fault] * dt.timedelta(seconds=2)
    assert verify(DATA, keys.sign(DATA, "anna").encode(), allowed_signers=signers, principal=ANNA, namespace=PLAN, at=AT + later)
    if fault == "expired":
        refused_at = AT + dt.timedelta(seconds=1)
        with pytest.raises(EvidenceError, match="outside its validity .allowed_signers line 2: key has expired"):
            verify(DATA, keys.sign(DATA, "anna").encode(), allowed_signers=signers, principal=ANNA, namespace=PLAN, at=refused_at)
    else:
        refused(keys, fault, "outside its validity .allowed_signers line 2: key is not yet valid", signers=signers)


def test_another_text(keys: Keys) -> None:
    for data in (b"", DATA + b"\n", DATA[:-1]):
        refused(keys, "tampered", "does not fit the text", data=data)


def test_a_line_of_signers_that_cannot_be_read(keys: Keys) -> None:
    refused(keys, "signers", "allowed_signers line 1: bad options", signers=keys.line(ANNA, "anna", "no-such-option"))


@pytest.mark.parametrize(
    "signature", [b"", b"rubbish", b"\xff\xfe", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", b"x" * 100000]
)
def test_what_is_no_signature(keys: Keys, signature: bytes) -> None:
    refused(keys, "malformed", "is not an SSH signature", signature=signature)


def test_a_signature_cut_anywhere(keys: Keys) -> None:
    signature = keys.sign(DATA, "anna").encode()
    for cut in range(0, len(signature) - 1, 7):
        refused(keys, "malformed", "is not an SSH signature", signature=signature[:cut])


def test_any_changed_byte_of_a_signature_is_found(keys: Keys) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    good = keys.sign(DATA, "anna").encode()
    signers = keys.line(ANNA, "anna")
    for _each in range(60):
        at = rng.randrange(len(good))
        bad = good[:at] + bytes([rng.choice([byte for byte in range(256) if byte != good[at]])]) + good[at + 1 :]
        try:
            verify(DATA, bad, allowed_signers=signers, principal=ANNA, namespace=PLAN, at=AT)
        except EvidenceError:
            continue
        # White space may be written otherwise and still be read; whoever seals compares the one canonical text.
        assert read_signature(bad).armor == good != bad, at


def test_without_ssh_keygen(keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    signature, signers = keys.sign(DATA, "anna").encode(), keys.line(ANNA, "anna")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvidenceError, match="ssh-keygen is missing; install the package openssh-client") as caught:
        verify(DATA, signature, allowed_signers=signers, principal=ANNA, namespace=PLAN, at=AT)
    assert caught.value.details["fault"] == "no_tool"


def test_an_ssh_keygen_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    tool = tmp_path / "ssh-keygen"
    tool.write_text("#!/bin/sh\nexec sleep 60\n", encoding="ascii")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EvidenceError, match="did not end within 1 seconds"):
        run_ssh_keygen("verify", data=b"", seconds=1)


def test_an_ssh_keygen_that_says_yes_to_somebody_else(keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    signature, signers = keys.sign(DATA, "anna").encode(), keys.line(ANNA, "anna")
    tool = tmp_path / "bin" / "ssh-keygen"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho 'Good \"{PLAN}\" signature for bob@example.com with ED25519 key SHA256:x'\n", encoding="ascii")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EvidenceError):
        verify(DATA, signature, allowed_signers=signers, principal=ANNA, namespace=PLAN, at=AT)


@pytest.mark.parametrize("name", ["", "a b", "anna\n", "an\u202ena", "*@example.com", "a,b", "!a", 'a"b', "x" * 300])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(EvidenceError, match="is no name of a signer"):
        check_principal(name)


def test_a_good_signature_and_no_file_left(keys: Keys, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = keys.sign(DATA, "anna").encode()
    signers = "# żółw \udcff\n" + keys.line("bob@example.com", "bob") + keys.line(ANNA, "anna", f'namespaces="{PLAN}"')
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o500)
    monkeypatch.setenv("TMPDIR", str(empty))
    monkeypatch.chdir(empty)
    found = verify(DATA, signature, allowed_signers=signers, principal=ANNA, namespace=PLAN, at=AT)
    assert found == Verified(ANNA, keys.fingerprint("anna"))
    assert verify(DATA, signature, allowed_signers=signers, principal=ANNA, namespace=PLAN) == found
    assert fits(DATA, signature, namespace=PLAN)
    assert not fits(DATA + b"x", signature, namespace=PLAN)
    assert list(empty.iterdir()) == []


def test_what_a_signature_says_of_itself(keys: Keys) -> None:
    signature = keys.sign(DATA, "anna").encode()
    told = read_signature(signature.replace(b"\n", b"\r\n"))
    assert (told.namespace, told.key, told.armor) == (PLAN, keys.fingerprint("anna"), signature)


def test_a_fallback_where_there_is_no_file_in_memory(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    signature = keys.sign(DATA, "anna").encode()
    assert verify(DATA, signature, allowed_signers=keys.line(ANNA, "anna"), principal=ANNA, namespace=PLAN, at=AT).principal == ANNA
