# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a register is kept in: YAML, CSV or SQLite, read and written back without losing anything of it."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import os
import pathlib
import sqlite3
import stat
import typing as t

from ..module_utils._errors import DisposalError, PolicyError, RefusedError
from ..module_utils._executor import Executor
from ..module_utils._media.serials import serial_key
from ._register import COLUMNS, REQUIRED, Change, Register, Row, read_register
from ._register_yaml import changed_yaml, yaml_rows

__all__ = ["RegisterFile"]

_KINDS = {".yml": "yaml", ".yaml": "yaml", ".csv": "csv", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite"}
_COLUMNS_NEEDED = (*REQUIRED, "custody")
_TABLE = "media"


class RegisterFile:
    """A register where it is kept.

    :ivar register: what it says, checked.
    """

    def __init__(self, path: str) -> None:
        """Read it.

        :raises PolicyError: it cannot be read as a register; every fault is named.
        """
        # A link stays a link: what it names is replaced.
        self.path = os.path.realpath(path)
        self._kind = _KINDS.get(os.path.splitext(path)[1].lower(), "")
        if not self._kind:
            raise PolicyError(f"the register {path} is none of {', '.join(_KINDS)}, so its form is not known; rename it")
        self._data = b""
        if self._kind == "sqlite":
            rows = self._rows_of_database()
        else:
            self._data = self._bytes()
            rows = self._rows(self._text())
        self.register: Register = read_register(path, rows)

    def _bytes(self) -> bytes:
        try:
            return pathlib.Path(self.path).read_bytes()
        except OSError as error:
            raise PolicyError(f"the register {self.path} cannot be read ({error.strerror}); correct the path") from error

    def _text(self) -> str:
        try:
            return self._data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self._data.count(b"\n", 0, error.start) + 1
            raise PolicyError(f"the register {self.path} line {line} is not UTF-8; save it as UTF-8") from error

    def _rows(self, text: str) -> list[Row]:
        return yaml_rows(self.path, text) if self._kind == "yaml" else _rows_of_csv(self.path, text)

    def write(self, changes: t.Sequence[Change], *, executor: Executor) -> None:
        """Write changed states back, all of them or none.

        :raises RefusedError: somebody else has changed the register since it was read.
        :raises DisposalError: it cannot be written.
        """
        try:
            if self._kind == "sqlite":
                executor.call(f"write {self.path}", lambda: self._update(changes))
                return
            made = self._changed(changes)
            if self._bytes() != self._data:
                raise _changed_meanwhile(self.path)
            data = made.encode("utf-8")
            executor.replace_file(self.path, [data], mode=stat.S_IMODE(os.stat(self.path).st_mode))
        except (OSError, sqlite3.Error) as error:
            raise DisposalError(
                f"the register {self.path} cannot be written ({error}), and the log has the new states already; repair that and run the same task again"
            ) from error

    def _changed(self, changes: t.Sequence[Change]) -> str:
        """The text with the changes, read once more: nothing else has become of it."""
        made = changed_yaml(self._text(), changes) if self._kind == "yaml" else _changed_csv(self._text(), changes)
        wanted = dict(self.register.media)
        for change in changes:
            plain = serial_key(change.serial)
            wanted[plain] = dataclasses.replace(wanted[plain], state=change.state, custody=change.custody)
        if read_register(self.path, self._rows(made)).media != wanted:
            raise DisposalError(f"the register {self.path} cannot be changed without changing more of it; write its entries plainly")
        return made

    def _connect(self, mode: str) -> sqlite3.Connection:
        # A database that nobody is writing is read as it is, so that no files of a lock come to lie beside it.
        still = "&immutable=1" if mode == "ro" and not os.path.exists(f"{self.path}-wal") else ""
        return sqlite3.connect(f"{pathlib.Path(self.path).as_uri()}?mode={mode}{still}", uri=True, isolation_level=None, timeout=10)

    def _rows_of_database(self) -> list[Row]:
        try:
            with contextlib.closing(self._connect("ro")) as database:
                found = database.execute(f"SELECT * FROM {_TABLE} ORDER BY rowid")
                names = [column[0] for column in found.description]
                _check_columns(self.path, names)
                rows = found.fetchall()
        except sqlite3.Error as error:
            what = f"cannot be read ({error}); it must be an SQLite file with a table {_TABLE}"
            raise PolicyError(f"the register {self.path} {what}") from error
        return [Row(f"row {number}", _texts(self.path, number, names, row)) for number, row in enumerate(rows, 1)]

    def _update(self, changes: t.Sequence[Change]) -> None:
        media = self.register.media
        with contextlib.closing(self._connect("rw")) as database:
            database.execute("BEGIN IMMEDIATE")
            for change in changes:
                old = media[serial_key(change.serial)]
                done = database.execute(
                    f"UPDATE {_TABLE} SET state = ?, custody = ? WHERE trim(serial) = ? AND trim(state) = ? AND trim(coalesce(custody, '')) = ?",
                    (change.state, change.custody, old.serial, old.state, old.custody),
                )
                if done.rowcount != 1:
                    database.execute("ROLLBACK")
                    raise _changed_meanwhile(self.path)
            database.execute("COMMIT")


def _changed_meanwhile(path: str) -> RefusedError:
    return RefusedError(f"the register {path} was changed by somebody else just now, so it was left as it is; run the same task again")


def _check_columns(name: str, columns: t.Sequence[str]) -> None:
    """That a table has the columns that it needs, and no others."""
    faults = [f"the column {column[:80]!r} is not known" for column in columns if column not in COLUMNS]
    faults += [f"the column {column} stands twice" for column in COLUMNS if columns.count(column) > 1]
    faults += [f"the column {column} is missing" for column in _COLUMNS_NEEDED if column not in columns]
    if faults:
        allowed = f"allowed are {', '.join(COLUMNS)}; needed are {', '.join(_COLUMNS_NEEDED)}"
        raise PolicyError(
            f"the register {name} is not valid, nothing was done: {'; '.join(faults)}; {allowed}", details={"problems": faults}
        )


def _texts(name: str, number: int, columns: t.Sequence[str], values: t.Sequence[t.Any]) -> dict[str, str]:
    for column, value in zip(columns, values, strict=True):
        if value is not None and not isinstance(value, (str, int)):
            what = f"column {column} holds a {type(value).__name__}, which is neither text nor a whole number"
            raise PolicyError(f"the register {name} row {number} {what}; store it as text")
    return {column: "" if value is None else str(value) for column, value in zip(columns, values, strict=True)}


def _delimiter(header: str) -> str:
    return next((sign for sign in ",;\t" if sign in header), ",")


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True), [])


def _rows_of_csv(name: str, text: str) -> list[Row]:
    lines = text.removeprefix("\ufeff").split("\n")
    delimiter = _delimiter(lines[0])
    rows: list[Row] = []
    header: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            cells = _cells(line, delimiter)
        except csv.Error as error:
            raise PolicyError(
                f"the register {name} line {number} is not CSV ({error}), where a row is one line; correct its quotes"
            ) from error
        if number == 1:
            header = [cell.strip() for cell in cells]
            _check_columns(name, header)
        elif any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                what = f"has {len(cells)} cells and the header {len(header)}"
                raise PolicyError(f"the register {name} line {number} {what}; quote a cell that holds {delimiter!r}, and leave none out")
            rows.append(Row(f"line {number}", dict(zip(header, cells, strict=True))))
    return rows


def _changed_csv(text: str, changes: t.Sequence[Change]) -> str:
    """The text with the changed rows written anew and every other line as it was."""
    wanted = {change.serial: change for change in changes}
    lines = text.split("\n")
    delimiter = _delimiter(lines[0])
    header = [cell.strip() for cell in _cells(lines[0].removeprefix("\ufeff"), delimiter)]
    for index, line in enumerate(lines[1:], 1):
        cells = _cells(line, delimiter)
        change = wanted.get(cells[header.index("serial")].strip()) if len(cells) == len(header) else None
        if change is not None:
            cells[header.index("state")], cells[header.index("custody")] = change.state, change.custody
            made = io.StringIO()
            csv.writer(made, delimiter=delimiter, lineterminator="\r" if line.endswith("\r") else "").writerow(cells)
            lines[index] = made.getvalue()
    return "\n".join(lines)
