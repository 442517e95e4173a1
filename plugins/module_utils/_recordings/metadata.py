# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metadata from beside the recordings: JSON and XML sidecars, CSV files, SQLite tables.

Whatever cannot be read makes a fault of each set that it covers: "no metadata" and "metadata unreadable" are never the same.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import sqlite3
import stat
import typing as t
import urllib.parse
import xml.etree.ElementTree as ET

from .._document import Node
from .fields import METADATA_FIELDS

__all__ = ["MetadataError", "MetadataSpec", "Sidecar", "Table", "metadata_from_node"]

SIDECAR_LIMIT = 1 << 20
_SPECIAL = ("start", "end")


class MetadataError(Exception):
    """Why a set's metadata is not known; the text is a reason, not a sentence."""


@dataclasses.dataclass(frozen=True)
class MetadataSpec:
    """One declared source: C(kind) is C(sidecar), C(csv) or C(sqlite)."""

    kind: str
    location: str
    key: str = ""
    column: str = ""
    table: str = ""
    required: bool = False
    fields: tuple[tuple[str, str], ...] = ()

    def mapped(self, document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Values by field name: those whose name is a field's, then the declared mapping (dotted paths into the document)."""
        found = {name: document[name] for name in METADATA_FIELDS if name in document}
        for field, path in self.fields:
            value: t.Any = document
            for part in path.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                found[field] = value
        return found


def metadata_from_node(node: Node) -> MetadataSpec | None:
    """Read one entry of C(metadata); faults are noted in the node."""
    keys = node.mapping(optional=["sidecar", "csv", "sqlite", "key", "column", "table", "required", "fields"])
    kinds = [kind for kind in ("sidecar", "csv", "sqlite") if kind in keys]
    if len(kinds) != 1:
        node.problem("names none or several of sidecar, csv and sqlite; name exactly one")
        return None
    kind = kinds[0]
    allowed = {"sidecar": {"required", "fields"}, "csv": {"key", "column", "required", "fields"}}
    for key in sorted(set(keys) - {kind} - allowed.get(kind, set(keys))):
        keys[key].problem(f"does not go with {kind}")
    fields = []
    for field, path in keys["fields"].items() if "fields" in keys else []:
        if field not in METADATA_FIELDS and field not in _SPECIAL:
            path.problem(f"fills no field; allowed are {', '.join(sorted([*METADATA_FIELDS, *_SPECIAL]))}")
        fields.append((field, path.text()))
    key = ""
    if kind != "sidecar":
        if "key" not in keys:
            node.problem("has no key; name the field that finds a set's row")
        else:
            key = keys["key"].text(allowed=[*METADATA_FIELDS, "name", "file"])
        keys[kind].text(pattern=r"/.*", form="an absolute path")
    elif "/" in keys[kind].text():
        keys[kind].problem("is not a file name; a sidecar lies in the directory of its recording")
    if kind == "sqlite" and "table" not in keys:
        node.problem("has no table")
    return MetadataSpec(
        kind=kind,
        location=keys[kind].text(),
        key=key,
        column=keys["column"].text() if "column" in keys else key,
        table=keys["table"].text() if "table" in keys else "",
        required=keys["required"].boolean() if "required" in keys else False,
        fields=tuple(fields),
    )


class Sidecar:
    """A file beside the recording, C({stem}) and C({name}) standing for the set's stem and the primary file's name."""

    def __init__(self, spec: MetadataSpec) -> None:
        self.spec = spec

    def name_of(self, *, stem: str, name: str) -> str:
        """The file's name."""
        return self.spec.location.replace("{stem}", stem).replace("{name}", name)

    def read(self, *, stem: str, name: str, dir_fd: int) -> dict[str, t.Any] | None:
        """The document; none where there is no such file.

        :raises MetadataError: unreadable, too large, not a mapping.
        """
        file = self.name_of(stem=stem, name=name)
        try:
            fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MetadataError(f"sidecar cannot be opened ({error.strerror})") from error
        with os.fdopen(fd, "rb") as handle:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode):
                raise MetadataError("sidecar is not a regular file")
            if facts.st_size > SIDECAR_LIMIT:
                raise MetadataError(f"sidecar is larger than {SIDECAR_LIMIT >> 20} MiB")
            try:
                data = handle.read(SIDECAR_LIMIT + 1)
            except OSError as error:
                raise MetadataError(f"sidecar cannot be read ({error.strerror})") from error
        return _parse_xml(data) if file.lower().endswith(".xml") else _parse_json(data)


def _once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MetadataError("sidecar says something twice")
    return found


def _not_json(name: str) -> t.Any:
    raise ValueError(name)


def _parse_json(data: bytes) -> dict[str, t.Any]:
    try:
        document = json.loads(data, object_pairs_hook=_once, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise MetadataError("sidecar is not JSON") from error
    if not isinstance(document, dict):
        raise MetadataError("sidecar is not a JSON object")
    return document


def _parse_xml(data: bytes) -> dict[str, t.Any]:
    if b"\0" in data:
        raise MetadataError("sidecar is XML in an encoding that is not read; write it as UTF-8")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise MetadataError("sidecar declares entities")
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError) as error:
        raise MetadataError("sidecar is not XML") from error
    document = _element(root, 0)
    return document if isinstance(document, dict) else {root.tag: document}


def _element(element: ET.Element, depth: int) -> t.Any:
    if depth > 50:
        raise MetadataError("sidecar is nested too deeply")
    if not len(element) and not element.attrib:
        return (element.text or "").strip()
    found: dict[str, t.Any] = dict(element.attrib)
    for item in element:
        tag = item.tag.rpartition("}")[2]
        value = _element(item, depth + 1)
        if tag in found:
            kept = found[tag]
            found[tag] = [*kept, value] if isinstance(kept, list) else [kept, value]
        else:
            found[tag] = value
    return found


class Table:
    """Rows by key, from a CSV file or an SQLite table, copied once into a private temporary database.

    The copy keeps memory flat, gives every set the same state of the table, and asks a live database only once.

    :raises MetadataError: the file cannot be read, so nothing that it covers is known.
    """

    def __init__(self, spec: MetadataSpec) -> None:
        self.spec = spec
        self._store = sqlite3.connect("")
        self._store.execute("CREATE TABLE rows (key TEXT NOT NULL, document TEXT NOT NULL)")
        rows = self._csv_rows() if spec.kind == "csv" else self._sqlite_rows()
        self._store.executemany("INSERT INTO rows VALUES (?, ?)", rows)
        self._store.execute("CREATE INDEX by_key ON rows (key)")

    def read(self, key: str) -> dict[str, t.Any] | None:
        """The row of a key; none where there is none.

        :raises MetadataError: several rows that differ.
        """
        if not key.isprintable():
            try:
                key.encode()
            except UnicodeEncodeError:
                raise MetadataError(f"{self.spec.kind} cannot be asked for a {self.spec.key} that is not UTF-8") from None
        found = self._store.execute("SELECT DISTINCT document FROM rows WHERE key = ? LIMIT 2", (key,)).fetchall()
        if len(found) > 1:
            raise MetadataError(f"{self.spec.kind} has several rows for one {self.spec.key}")
        return t.cast("dict[str, t.Any]", json.loads(found[0][0])) if found else None

    def close(self) -> None:
        self._store.close()

    def _csv_rows(self) -> t.Iterator[tuple[str, str]]:
        try:
            if not stat.S_ISREG(os.stat(self.spec.location).st_mode):
                raise MetadataError(f"csv {self.spec.location} is not a regular file")
            with open(self.spec.location, encoding="utf-8-sig", newline="") as handle:
                reader = csv.DictReader(handle, strict=True)
                if len(set(reader.fieldnames or [])) < len(reader.fieldnames or []):
                    raise MetadataError(f"csv {self.spec.location} has two columns of one name")
                if self.spec.column not in (reader.fieldnames or []):
                    raise MetadataError(f"csv {self.spec.location} has no column {self.spec.column}")
                for row in reader:
                    if None in row or None in row.values():
                        raise MetadataError(f"csv {self.spec.location} line {reader.line_num} has not the columns of its header")
                    yield row[self.spec.column], json.dumps(row, sort_keys=True)
        except (OSError, UnicodeError, csv.Error) as error:
            raise MetadataError(f"csv {self.spec.location} cannot be read ({_why(error)})") from error

    def _sqlite_rows(self) -> t.Iterator[tuple[str, str]]:
        location = self.spec.location
        try:
            facts = os.stat(location)
            if not stat.S_ISREG(facts.st_mode):
                raise MetadataError(f"sqlite {location} is not a regular file")
            asleep = _asleep(location)
            uri = f"file:{urllib.parse.quote(location)}?mode=ro{'&immutable=1' if asleep else ''}"
            source = sqlite3.connect(uri, uri=True, timeout=5)
        except (OSError, sqlite3.Error) as error:
            raise MetadataError(f"sqlite {location} cannot be opened ({_why(error)})") from error
        source.row_factory = sqlite3.Row
        try:
            quoted = self.spec.table.replace('"', '""')
            columns = {str(row["name"]) for row in source.execute(f'PRAGMA table_info("{quoted}")')}
            if self.spec.column not in columns:
                raise MetadataError(f"sqlite {location} has no table {self.spec.table} with a column {self.spec.column}")
            for row in source.execute(f'SELECT * FROM "{quoted}"'):
                document = {name: value for name, value in zip(row.keys(), row) if not isinstance(value, bytes)}
                if document.get(self.spec.column) is not None:
                    yield str(document[self.spec.column]), json.dumps(document, sort_keys=True)
            if asleep and (not _asleep(location) or os.stat(location).st_mtime_ns != facts.st_mtime_ns):
                raise MetadataError(f"sqlite {location} was changed while it was read")
        except OSError as error:
            raise MetadataError(f"sqlite {location} cannot be read ({_why(error)})") from error
        except sqlite3.Error as error:
            # The library's words would quote the text that it could not decode, which may be a person's name.
            why = "it holds text that is not UTF-8" if "decode" in str(error) else str(error)
            raise MetadataError(f"sqlite {location} cannot be read ({why})") from error
        finally:
            source.close()


def _asleep(location: str) -> bool:
    """Whether a database with a write-ahead log has no connection now: reading it in the usual way would leave a log that is root's.

    :raises MetadataError: its log has no index, which reading would make.
    """
    with open(location, "rb") as handle:
        if handle.read(20)[18:] != b"\2\2":
            return False
    if not os.path.exists(f"{location}-wal"):
        return True
    if not os.path.exists(f"{location}-shm"):
        raise MetadataError(f"sqlite {location} was not closed; start what writes it")
    return False


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
