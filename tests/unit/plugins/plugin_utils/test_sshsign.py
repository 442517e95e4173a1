# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with the real ssh-keygen: a key that cannot sign is told apart, and no passphrase is ever asked for."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import verify
from ansible_collections.recordings.disposal.plugins.plugin_utils._sshsign import sign
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys

NAMESPACE = "evidence@recordings.disposal"


@pytest.fixture
def keys(tmp_path: pathlib.Path) -> Keys:
    return Keys(tmp_path)


def test_no_key(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RefusedError, match="the signing key .*/none is not a file; correct the path"):
        sign(b"x", key=str(tmp_path / "none"), namespace=NAMESPACE)


def test_a_file_that_is_no_key(tmp_path: pathlib.Path) -> None:
    (tmp_path / "key").write_text("rubbish\n", encoding="ascii")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(RefusedError, match="cannot be used: "):
        sign(b"x", key=str(tmp_path / "key"), namespace=NAMESPACE)


def test_a_key_with_passphrase(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "swordfish", "-f", path], check=True)
    with pytest.raises(RefusedError, match="it has a passphrase; add it to an agent with ssh-add and give its .pub file instead"):
        sign(b"swordfish\n", key=path, namespace=NAMESPACE)


def test_a_key_that_others_can_read(keys: Keys) -> None:
    pathlib.Path(keys.path("anna")).chmod(0o644)
    with pytest.raises(RefusedError, match="others can read it; set its mode to 0600"):
        sign(b"x", key=keys.path("anna"), namespace=NAMESPACE)


def test_a_public_key_without_agent(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    os.rename(keys.path("anna"), keys.directory / "away")
    with pytest.raises(RefusedError, match="no agent holds its private half|cannot be used: ssh-keygen says"):
        sign(b"x", key=str(keys.directory / "anna.key.pub"), namespace=NAMESPACE)


def test_without_ssh_keygen(keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    path = keys.path("anna")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DisposalError, match="openssh-client"):
        sign(b"x", key=path, namespace=NAMESPACE)


def test_a_key_signs(keys: Keys) -> None:
    signature = sign(b"text \xff", key=keys.path("anna"), namespace=NAMESPACE)
    signers = keys.line("anna@example.com", "anna")
    found = verify(b"text \xff", signature, allowed_signers=signers, principal="anna@example.com", namespace=NAMESPACE)
    assert found.fingerprint == keys.fingerprint("anna")


def test_an_agent_signs(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    private = keys.path("anna")
    told = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    environment = dict(re.findall(r"(SSH_\w+)=([^;]+);", told))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        subprocess.run(["ssh-add", "-q", private], check=True)
        os.rename(private, keys.directory / "away")
        signature = sign(b"text", key=f"{private}.pub", namespace=NAMESPACE)
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True)
    signers = f"anna@example.com {pathlib.Path(f'{private}.pub').read_text(encoding='ascii')}"
    assert verify(b"text", signature, allowed_signers=signers, principal="anna@example.com", namespace=NAMESPACE)
