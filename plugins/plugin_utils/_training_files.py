# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training records on the controller: a directory of C(NAME.json), each with C(NAME.json.sig) beside it."""

from __future__ import annotations

import os
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.sshsig import MAX_SIGNATURE
from ..module_utils._evidence.training import MOST_BYTES, Trainings, read_record, trainings_of
from ._action import located, read_text

__all__ = ["given_trainings", "read_training_dir", "training_arguments"]


def training_arguments(args: t.Mapping[str, t.Any], *, about: t.Collection[str] | None = None) -> dict[str, t.Any]:
    """The arguments with the records and their signers read into them, where a directory is given.

    :arg about: principals whose records alone are of use, and would be with others where they are none of the host's business.
    :raises RefusedError: only one of the two is given, or a path is empty, by which nobody would look.
    :raises EvidenceError: one of the two cannot be read.
    """
    done = dict(args)
    blank = [name for name in ("training_dir", "training_signers_file") if isinstance(done.get(name), str) and not done[name].strip()]
    if blank:
        raise RefusedError(
            f"{' and '.join(blank)}: an empty path names no training records, and nothing was done; "
            "give the paths, or leave out both where training is not looked at"
        )
    directory, signers = done.pop("training_dir", None), done.pop("training_signers_file", None)
    if directory:
        records = read_training_dir(located(directory))
        done["training_records"] = [record for record in records if about is None or _is_about(record, about)]
    if signers:
        done["training_signers"] = read_text(signers, "the file of those who may sign training records")
    if (done.get("training_records") is None) != (done.get("training_signers") is None):
        missing = "training_dir" if done.get("training_records") is None else "training_signers_file"
        raise RefusedError(
            f"training_dir and training_signers_file belong together, and {missing} is not given, so nothing was done; give both"
        )
    return done


def _is_about(given: t.Mapping[str, str], principals: t.Collection[str]) -> bool:
    """Whether a file may be a record of one of them; one that cannot be read has to be told."""
    try:
        return read_record(given["record"].encode("utf-8", "surrogateescape"), given["file"]).principal in principals
    except EvidenceError:
        return True


def given_trainings(options: t.Mapping[str, t.Any]) -> Trainings | None:
    """The records that the options of a task on the controller name; none where they name none.

    :raises DisposalError: as C(training_arguments).
    """
    return trainings_of(training_arguments(options))


def read_training_dir(directory: str) -> list[dict[str, str]]:
    """Each record with its signature, empty where that is missing, in order of names.

    :raises EvidenceError: the directory cannot be read.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".json") and not name.startswith("."))
    except OSError as error:
        raise EvidenceError(
            f"the directory of training records {directory} cannot be read ({error.strerror}); correct the path, or make it (it may be empty)"
        ) from error
    found = []
    for name in names:
        path = os.path.join(directory, name)
        found.append({"file": name, "record": _text(path, MOST_BYTES), "signature": _text(f"{path}.sig", MAX_SIGNATURE)})
    return found


def _text(path: str, most: int) -> str:
    """What is in a file, a little more than can be good at most; empty where it cannot be read, which no record and no signature is."""
    try:
        # A pipe that somebody laid there is not waited for.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return file.read(most + 1).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
