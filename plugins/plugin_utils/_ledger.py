# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: one line for each statement, chained, so that a missing, changed or reordered statement shows."""

from __future__ import annotations

import dataclasses
import os

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical
from ..module_utils._evidence.chain import NO_HEAD, ChainReader, ChainWriter, Record, opened
from ..module_utils._evidence.clock import is_time
from ..module_utils._evidence.merkle import leaf_hash
from ..module_utils._executor import Executor

__all__ = ["Entry", "Ledger", "read_ledger"]

_KEYS = {"seq", "prev", "time", "run", "statement"}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger; C(previous) is none for the first, as a statement writes it, C(digest) that of the line itself, C(leaf) its hash
    as a leaf of the ledger's Merkle tree."""

    seq: int
    previous: str | None
    time: str
    run: str
    statement: str
    digest: str
    leaf: bytes


def _entry(record: Record, digest: str, name: str) -> Entry:
    texts = [record.get(key) for key in ("run", "statement")]
    if set(record) != _KEYS or not all(isinstance(text, str) and text for text in texts) or not is_time(record["time"]):
        raise EvidenceError(f"{name} line {record['seq'] + 1} is not a line of a ledger; compare the file with a copy")
    previous = None if record["prev"] == NO_HEAD else record["prev"]
    return Entry(record["seq"], previous, record["time"], record["run"], record["statement"], digest, leaf_hash(canonical(record)))


def read_ledger(path: str, *, allow_torn: bool = False) -> list[Entry]:
    """Every line, checked.

    :raises EvidenceError: the file is missing or not what was appended; the sentence names the line.
    """
    file, name = opened(path)
    with file:
        reader = ChainReader(file, name, allow_torn=allow_torn)
        return [_entry(record, reader.head, name) for record in reader]


class Ledger:
    """The ledger open for appending; no other process can open it meanwhile.

    :ivar entries: every line, oldest first.
    """

    def __init__(self, path: str, *, executor: Executor) -> None:
        """Create or open.

        :raises EvidenceError: a line is not what was appended, or another process has the ledger open.
        """
        executor.makedirs(os.path.dirname(os.path.abspath(path)))
        self.path = path
        self._records: list[Record] = []
        self._writer = ChainWriter(path, executor=executor, fold=self._records.append)
        try:
            heads = [*(record["prev"] for record in self._records[1:]), self._writer.head]
            self.entries = [_entry(record, head, path) for record, head in zip(self._records, heads, strict=False)]
        except BaseException:
            self._writer.close()
            raise

    @property
    def head(self) -> str | None:
        """The digest of the last line, none before the first."""
        return self.entries[-1].digest if self.entries else None

    def append(self, *, run: str, statement: str, time: str) -> Entry:
        """Append a line and bring it to stable storage.

        :raises DisposalError: it could not be.
        """
        record: Record = {"run": run, "statement": statement, "time": time}
        head = self._writer.put(record)
        self._writer.sync()
        self.entries.append(_entry(record, head, self.path))
        return self.entries[-1]

    def close(self) -> None:
        self._writer.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
