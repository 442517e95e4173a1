# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence record of each medium, a file of its own: exactly the line of its outcome in the journal of the host that wrote it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import digest

__all__ = ["earlier_records", "read_record", "record_name"]

_NAME = re.compile(r"[0-9a-f]{16}\.json")


def record_name(name_of_set: str) -> str:
    """How files about a medium are named, after the digest by which journals know it."""
    return name_of_set.partition(":")[2][:16]


def earlier_records(dest: str) -> dict[str, list[str]]:
    """Digests of all records of runs over media, by their set.

    :arg dest: the state directory on the controller.
    :raises EvidenceError: one cannot be read.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(pathlib.Path(dest, "runs").glob("*/media/*.json")):
        if _NAME.fullmatch(path.name):
            record, data = read_record(str(path))
            found.setdefault(record["set"], []).append(digest(data))
    return found


def read_record(path: str) -> tuple[dict[str, t.Any], bytes]:
    """An evidence record, and its bytes.

    :raises EvidenceError: the file is none.
    """
    try:
        data = pathlib.Path(path).read_bytes()
        record = json.loads(data)
        known = isinstance(record, dict) and record.get("type") == "outcome" and isinstance(record.get("set"), str)
    except (OSError, ValueError, RecursionError) as error:
        raise EvidenceError(f"the record {path} cannot be read ({error}); put it back from a copy, or settle the run again") from error
    if not known or record_name(record["set"]) != os.path.basename(path).partition(".")[0]:
        raise EvidenceError(f"{path} is no record of the medium that its name tells; put it back from a copy, or settle the run again")
    return record, data
