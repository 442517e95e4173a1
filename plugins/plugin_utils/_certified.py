# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a medium has a certificate that stands for what became of it since it was last in service."""

from __future__ import annotations

import json
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.sshsig import fits
from ..module_utils._media.serials import medium_set, serial_key
from ._evidence_files import read_bytes
from ._media_records import record_name
from ._statement import NAMESPACE

__all__ = ["certificate_of"]

_FORMAT = "recordings.disposal/media-certificate/1"


def certificate_of(dest: str, serial: str, events: t.Container[str]) -> tuple[str, str]:
    """The digest of its certificate, and why it has none that counts, as a clause; one of the two is empty.

    :arg dest: the state directory on the controller.
    :arg events: digests of its events since it was last in service.
    """
    path = os.path.join(dest, "certificates", f"{record_name(medium_set(serial))}.json")
    if not os.path.exists(path):
        return "", f"has no certificate ({path}); issue it (media_certificate)"
    try:
        data, signature = read_bytes(path), read_bytes(f"{path}.sig")
        found = json.loads(data)
        known = canonical(found) + b"\n" == data and found["format"] == _FORMAT and serial_key(found["serial"]) == serial_key(serial)
        decisive = [act["linked_by"] for act in found["acts"] if act["decisive"] and act["counts"]]
    except (EvidenceError, ValueError, KeyError, TypeError, RecursionError) as error:
        return "", f"has a certificate that cannot be read ({error}); put it back from a copy, or issue it again"
    if not known or found["outcome"] != "destroyed" or not fits(data, signature, namespace=NAMESPACE):
        return "", f"has a certificate that is not what was issued and signed ({path}); put it back from a copy, or issue it again"
    if not any(event in events for event in decisive):
        return "", f"has a certificate of what became of it before it was last in service ({path}); issue it again"
    return digest(data), ""
