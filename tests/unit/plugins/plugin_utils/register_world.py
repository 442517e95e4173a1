# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the register share: registers in all three forms, a fleet's results, events and their signatures."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import pathlib
import sqlite3
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import COLUMNS
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys

__all__ = ["CUSTODY", "NOW", "TIME", "World", "drive", "entry", "write_register"]

CUSTODY = "custody@recordings.disposal"
NOW = dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.timezone.utc)
TIME = "2020-11-20T10:00:00Z"


def entry(of: str, /, **changes: str) -> dict[str, str]:
    row = {"serial": of, "kind": "sata_ssd", "make": "Samsung", "model": "SSD 870 EVO 4TB", "host": "rec1", "required_level": "purge"}
    row |= {"size_bytes": "4000787030016", "classification": "confidential", "state": "in_service", "custody": "", **changes}
    return {key: row[key] for key in COLUMNS if key in row}


def drive(of: str, /, **changes: t.Any) -> dict[str, t.Any]:
    """A row as media_info returns it, as far as it matters."""
    row = {"name": "sda", "kind": "sata_ssd", "transport": "sata", "bridge": False, "vendor": "ATA", "model": "Samsung SSD 870 EVO 4TB"}
    row |= {"serial": [of], "wwn": [f"5002538f{of[-8:].lower():0>8}"], "size_bytes": 4000787030016, "system": False}
    row |= {
        "bay": {"unavailable": "the kernel shows no bay of an enclosure that it is in"},
        "namespaces": {"unavailable": "it is not an NVMe drive"},
    }
    return {**row, **changes}


def write_register(path: pathlib.Path, rows: t.Sequence[t.Mapping[str, str]], columns: t.Sequence[str] = COLUMNS) -> pathlib.Path:
    """A register in the form that the file's name tells."""
    if path.suffix == ".csv":
        made = io.StringIO()
        writer = csv.DictWriter(made, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(made.getvalue(), encoding="utf-8")
    elif path.suffix == ".db":
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as database:
            database.execute(f"CREATE TABLE media ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO media VALUES ({marks})", [[row.get(column) for column in columns] for row in rows])
        database.close()
    else:
        lines = ["# Our media.", "media:" if rows else "media: []"]
        for row in rows:
            parts = [f"{key}: {json.dumps(value)}" for key, value in row.items()]
            lines += ["  - " + parts[0], *(f"    {part}" for part in parts[1:])]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class World:
    """A directory with keys of persons, allowed signers and events."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        (path / "keys").mkdir()
        (path / "events").mkdir()
        self.keys = Keys(path / "keys")
        self.signers = path / "allowed_signers"
        self.allow("anna", "bob")

    def allow(self, *names: str, options: str = f'namespaces="{CUSTODY}"', extra: str = "") -> None:
        text = "".join(self.keys.line(f"{name}@example.com", name, options) for name in names)
        self.signers.write_text(text + extra, encoding="ascii")

    def attached(self, name: str, text: str) -> dict[str, str]:
        """A file beside the events, as an event names it."""
        (self.path / "events" / name).write_text(text, encoding="utf-8")
        return {"file": name, "digest": digest(text.encode())}

    def event(self, name: str, serials: t.Sequence[str], *, sign: t.Sequence[str] = (), namespace: str = CUSTODY, **keys: t.Any) -> str:
        """An event in a file, with signatures; a key that is none is left out."""
        given = {"serials": list(serials), "time": TIME, "persons": ["anna@example.com"], **keys}
        path = self.path / "events" / name
        path.write_text(json.dumps({key: value for key, value in given.items() if value is not None}), encoding="utf-8")
        self.sign(name, *sign, namespace=namespace)
        return str(path)

    def sign(self, name: str, *persons: str, namespace: str = CUSTODY) -> None:
        path = self.path / "events" / name
        for person in persons:
            text = self.keys.sign(path.read_bytes(), person, namespace)
            path.with_name(f"{name}.{person}@example.com.sig").write_text(text, encoding="ascii")

    def bag(self, name: str, serials: t.Sequence[str], *, sign: t.Sequence[str] = ("anna", "bob"), **keys: t.Any) -> str:
        """A sealed bag, as two persons sign it."""
        given = {"to": "in_custody", "custody": "sealed_bag", "place": "Kraków, room 2", "persons": ["anna@example.com", "bob@example.com"]}
        return self.event(name, serials, sign=sign, **{**given, **keys})
