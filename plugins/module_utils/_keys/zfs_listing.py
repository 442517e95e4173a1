# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(zfs get) tells of datasets and their encryption: its output read, and files found that several name."""

from __future__ import annotations

import os
import typing as t

from .._errors import RefusedError

__all__ = ["PROPERTIES", "Dataset", "group_of", "key_path", "new_key", "opened_by", "parse_datasets", "strength_of"]

PROPERTIES = ("type", "guid", "used", "encryption", "encryptionroot", "keystatus", "keyformat", "keylocation", "origin", "mounted")
_NONE = "-"
_FILE = "file://"
_LEAST_BITS = 128


class Dataset(t.NamedTuple):
    """One dataset; an empty text is what it has not.

    :arg kind: C(filesystem), C(volume), C(snapshot) or C(bookmark).
    :arg root: the dataset whose wrapping key it has.
    :arg loaded: that key is loaded.
    :arg location: where the key comes from: C(prompt), or an URL.
    """

    name: str
    kind: str
    guid: str
    used: int
    encryption: str
    root: str
    loaded: bool
    keyformat: str
    location: str
    origin: str
    mounted: bool


def parse_datasets(text: str) -> dict[str, Dataset]:
    """What C(zfs get -H -p -o name,property,value) with C(PROPERTIES) says, by name.

    :raises RefusedError: it has another form, or a property is missing.
    """
    rows: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) != 3:
            raise RefusedError(f"zfs get gave a line of {len(parts)} columns where 3 belong, so nothing in it is believed")
        rows.setdefault(parts[0], {})[parts[1]] = "" if parts[2] == _NONE else parts[2]
    return {name: _dataset(name, row) for name, row in rows.items()}


def _dataset(name: str, row: t.Mapping[str, str]) -> Dataset:
    missing = [key for key in PROPERTIES if key not in row]
    if missing:
        raise RefusedError(f"zfs get tells no {missing[0]} of {name}, so nothing in it is believed")
    if row["keystatus"] not in ("", "available", "unavailable"):
        raise RefusedError(f"zfs get tells the keystatus {row['keystatus']!r} of {name}, which is not known here")
    return Dataset(
        name,
        row["type"],
        row["guid"],
        int(row["used"]) if row["used"].isdigit() else 0,
        "" if row["encryption"] == "off" else row["encryption"],
        row["encryptionroot"],
        row["keystatus"] == "available",
        "" if row["keyformat"] == "none" else row["keyformat"],
        "" if row["keylocation"] == "none" else row["keylocation"],
        row["origin"],
        row["mounted"] == "yes",
    )


def group_of(name: str, datasets: t.Mapping[str, Dataset]) -> list[Dataset]:
    """All that the wrapping key of an encryption root opens, itself first."""
    found = [each for each in datasets.values() if each.root == name]
    return sorted(found, key=lambda each: (each.name != name, each.name))


def key_path(location: str) -> str | None:
    """The key's file, C(None) where it comes from elsewhere."""
    return location[len(_FILE) :] if location.startswith(_FILE + "/") else None


def opened_by(paths: t.Sequence[str], root: str, datasets: t.Mapping[str, Dataset]) -> list[tuple[str, str]]:
    """Each of some files that another dataset names as its key's, with that dataset's name.

    :arg root: the encryption root whose own files they are, with all that has its key from there.
    """
    places = {os.path.realpath(path): path for path in paths}
    named = [(key_path(each.location), each.name) for _name, each in sorted(datasets.items()) if each.root != root]
    return [(places[real], name) for place, name in named if place for real in [os.path.realpath(place)] if real in places]


def new_key(keyformat: str, noise: bytes) -> bytes:
    """32 random bytes in the form in which a key of that format is given."""
    return noise if keyformat == "raw" else noise.hex().encode() + b"\n"


def strength_of(encryption: str) -> tuple[str, str]:
    """Whether the suite has 128 bits, as C(met), C(not_met) or C(unknown), and what was seen."""
    parts = encryption.split("-")
    if len(parts) != 3 or parts[0] != "aes" or not parts[1].isdigit() or parts[2] not in ("ccm", "gcm"):
        return "unknown", f"the encryption suite {encryption or 'that is not told'}"
    return ("met" if int(parts[1]) >= _LEAST_BITS else "not_met"), encryption
