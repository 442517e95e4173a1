# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a run's evidence on the controller."""

from __future__ import annotations

import json
import operator
import os
import re
import stat
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._executor import Executor
from ._statement import statement_bytes

__all__ = ["keep_files", "MANIFEST", "SIGNATURE", "STATEMENT", "kept_statements", "read_bytes", "read_statement", "sealed_journals"]

STATEMENT = "statement.json"
SIGNATURE = "statement.json.sig"
MANIFEST = "manifest.json"
MOST_BYTES = 1 << 28


def read_bytes(path: str) -> bytes:
    """A whole file.

    :raises EvidenceError: it is missing, no file, too large or cannot be read.
    """
    try:
        # A pipe that somebody laid there is not waited for.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise EvidenceError(f"{path} is no regular file; take it away, or correct the path")
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror}); put it back, or correct the path") from error
    if len(data) > MOST_BYTES:
        raise EvidenceError(f"{path} is longer than {MOST_BYTES} bytes; name the file that the collection wrote")
    return data


def read_statement(data: bytes, name: str) -> dict[str, t.Any]:
    """A statement, whose bytes must be canonical JSON and a newline.

    :raises EvidenceError: they are not.
    """
    try:
        statement = json.loads(data)
        same = statement_bytes(statement) == data
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{name} cannot be read ({error}); compare it with a copy") from error
    if not isinstance(statement, dict) or not isinstance(statement.get("predicate"), dict) or not same:
        raise EvidenceError(f"{name} is not a statement in canonical form, so it was changed after it was written; compare it with a copy")
    return statement


def kept_statements(run_directory: str) -> dict[int, str]:
    """Paths of the statements that newer ones replaced, by their number in the ledger."""
    found = (re.fullmatch(r"statement-(\d+)\.json", name) for name in os.listdir(run_directory))
    return {int(match[1]): os.path.join(run_directory, match[0]) for match in found if match}


def sealed_journals(statements: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, dict[int, str]]:
    """By host, what statements sealed: number of records to digest of the last of them.

    :raises EvidenceError: a statement is not of the form that this version knows.
    """
    sealed: dict[str, dict[int, str]] = {}
    try:
        for statement in statements:
            for host, entry in statement["predicate"]["hosts"].items():
                sealed.setdefault(host, {})[operator.index(entry["records"])] = entry["head"]
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError("a statement is not of the form that this version knows; use the version that wrote it") from error
    return sealed


def keep_files(directory: str, files: t.Mapping[str, bytes], *, executor: Executor, check_mode: bool, lost: str) -> bool:
    """Whether a file is not so yet; such files are written unless in check mode.

    :arg lost: what does not come about where one cannot be written, and what to do, to end the sentence.
    :raises DisposalError: one cannot.
    """
    changed = False
    try:
        for name, data in files.items():
            path = os.path.join(directory, name)
            if os.path.exists(path) and read_bytes(path) == data:
                continue
            changed = True
            if not check_mode:
                executor.makedirs(directory)
                executor.replace_file(path, [data])
    except OSError as error:
        raise DisposalError(f"{error.filename or directory} cannot be written ({error.strerror}), so {lost}") from error
    return changed
