# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signatures that lie beside a manifest, one file for each signer."""

from __future__ import annotations

import dataclasses
import os

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.sshsig import MAX_SIGNATURE, check_principal

__all__ = ["Signatures", "read_signatures", "signature_name"]


@dataclasses.dataclass(frozen=True, slots=True)
class Signatures:
    """Each C(principal) with the text of the C(signature), in order of names, and a sentence for each file that cannot be one."""

    signatures: list[dict[str, str]]
    problems: list[str]


def signature_name(manifest: str, principal: str) -> str:
    """The name of the file with a signer's signature."""
    return f"{manifest}.{principal}.sig"


def read_signatures(manifest: str, directory: str) -> Signatures:
    """The files C(<manifest's name>.<principal>.sig) in a directory.

    :raises EvidenceError: the directory cannot be read.
    """
    prefix = os.path.basename(manifest)
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise EvidenceError(f"the directory of signatures {directory} cannot be read ({error.strerror}); correct the path") from error
    found = Signatures([], [])
    for name in names:
        if name == f"{prefix}.sig":
            found.problems.append(f"{name} does not say who signed; name it {signature_name(prefix, '<principal>')}")
        elif name.startswith(f"{prefix}.") and name.endswith(".sig"):
            try:
                principal = check_principal(name[len(prefix) + 1 : -len(".sig")])
                found.signatures.append({"principal": principal, "signature": _text(os.path.join(directory, name))})
            except EvidenceError as error:
                found.problems.append(f"{name!a}: {error.message}")
    return found


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIGNATURE + 1)
    except OSError as error:
        raise EvidenceError(f"it cannot be read ({error.strerror})") from error
    if len(data) > MAX_SIGNATURE:
        raise EvidenceError(f"it is longer than {MAX_SIGNATURE} bytes, so no signature")
    return data.decode("utf-8", "surrogateescape")
