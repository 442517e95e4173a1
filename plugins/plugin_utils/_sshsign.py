# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign with the real C(ssh-keygen); a passphrase never passes through here."""

from __future__ import annotations

import os

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.sshsig import fits, read_signature, run_ssh_keygen

__all__ = ["sign"]

# Long enough to touch a security key.
_SECONDS = 90
_KEPT = ("HOME", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER")


def sign(data: bytes, *, key: str, namespace: str) -> bytes:
    """The signature over C(data), as text in armor.

    C(key) is the path of a private key without passphrase, or of a public key (C(.pub)) whose private half an agent holds.

    :raises RefusedError: the key cannot be used; the sentence says why.
    """
    path = os.path.abspath(os.path.expanduser(key))
    if not os.path.isfile(path):
        raise RefusedError(f"the signing key {path} is not a file; correct the path, or give the .pub file of a key that an agent holds")
    keep = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        # An empty passphrase is given, else ssh-keygen would take the first line of the data for one, and sign the rest.
        done = run_ssh_keygen("sign", "-f", path, "-P", "", "-n", namespace, data=data, keep=keep, seconds=_SECONDS)
        if done.returncode == 0:
            signature = read_signature(done.stdout).armor
            if not fits(data, signature, namespace=namespace):
                raise EvidenceError("its signature does not fit what was to be signed")
            return signature
    except EvidenceError as error:
        raise DisposalError(f"the signing key {path} cannot be used: {error.message}") from error
    said = done.stderr.decode("utf-8", "replace")
    raise RefusedError(f"the signing key {path} cannot be used: {_why(said)}")


def _why(said: str) -> str:
    if "passphrase" in said:
        return "it has a passphrase; add it to an agent with ssh-add and give its .pub file instead"
    if "UNPROTECTED PRIVATE KEY" in said or "bad permissions" in said:
        return "others can read it; set its mode to 0600, and think whether it is still secret"
    if "agent" in said:
        return "no agent holds its private half; add it with ssh-add, and let SSH_AUTH_SOCK name the agent"
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("Signing ")]
    return f"ssh-keygen says {lines[-1][:200]!r}" if lines else "ssh-keygen gives no reason"
