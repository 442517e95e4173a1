# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of signers and of stores in a review: which end soon, which are too weak, and which nobody looks after."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import fnmatch
import re
import struct
import typing as t

from ..module_utils._document import Node, read_document
from ..module_utils._retention.reviewed import Reviewed, parse_date
from ._catalogue import Catalogue
from ._review_findings import Dates, Finding

__all__ = ["Key", "key_findings", "read_keys", "signers_of"]

_LINE = re.compile(r'\s*("[^"]*"|[^\s"#]\S*)\s+(.*)')
_VALID_BEFORE = re.compile(r'valid-before="?(\d{8})', re.IGNORECASE)
_KEY = re.compile(r"(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+)\s+([A-Za-z0-9+/=]+)")


@dataclasses.dataclass(frozen=True)
class Key:
    """A key in use.

    :ivar kind: C(signer) or C(key).
    :ivar bits: 0 where that is not known, or tells nothing.
    :ivar expires: a date; empty where it does not end by itself.
    """

    kind: str
    name: str
    algorithm: str
    bits: int
    expires: str
    place: str


def read_keys(document: t.Any) -> list[Key]:
    """What stores of keys told of the keys in them.

    :raises PolicyError: with every fault.
    """
    return read_document(document, "the list of keys", lambda node: [_key(item) for item in node.elements()])


def _key(node: Node) -> Key:
    keys = node.mapping(required=["name", "algorithm"], optional=["bits", "expires"])
    return Key(
        kind="key",
        name=keys["name"].text() if "name" in keys else "",
        algorithm=keys["algorithm"].text() if "algorithm" in keys else "",
        bits=keys["bits"].integer(minimum=1) if "bits" in keys else 0,
        expires=keys["expires"].parsed(parse_date, "") if "expires" in keys else "",
        place=f"keys{node.path}",
    )


def signers_of(allowed_signers: str, place: str) -> list[Key]:
    """The keys of a file of allowed signers; what ssh-keygen could not read either is left out, since no signature counts by it."""
    found = []
    for number, line in enumerate(allowed_signers.split("\n"), 1):
        named = _LINE.match(line)
        key = _KEY.search(named[2]) if named else None
        if not named or not key:
            continue
        ends = _VALID_BEFORE.search(named[2][: key.start()])
        date = f"{ends[1][:4]}-{ends[1][4:6]}-{ends[1][6:]}" if ends else ""
        found.append(
            Key("signer", named[1].strip('"'), key[1], _rsa_bits(key[2]) if key[1] == "ssh-rsa" else 0, date, f"{place} line {number}")
        )
    return found


def _rsa_bits(text: str) -> int:
    """The length of an RSA key's modulus; 0 where the key cannot be read."""
    try:
        blob = base64.b64decode(text, validate=True)
        parts = []
        while blob:
            (length,) = struct.unpack_from(">I", blob)
            parts.append(blob[4 : 4 + length])
            blob = blob[4 + length :]
        return int.from_bytes(parts[2], "big").bit_length()
    except (binascii.Error, struct.error, IndexError):
        return 0


def key_findings(
    keys: t.Sequence[Key], reviewed: t.Sequence[Reviewed], policy_place: str, catalogue: Catalogue, dates: Dates
) -> list[Finding]:
    """What is found of keys in use, and of those that the policy tells the end of; C(*) in the policy's names stands for anything."""
    named = [item for item in reviewed if item.kind == "key"]
    found: list[Finding] = []
    for key in keys:
        owners = [item for item in named if fnmatch.fnmatchcase(key.name, item.name)]
        found += _algorithm(key, catalogue)
        found += _ending(key.kind, key.name, key.expires, key.place, dates)
        # The end of a signer's key makes somebody look at it.
        if not owners and not (key.kind == "signer" and key.expires):
            found.append(Finding("unreviewed", "notice", key.kind, key.name, key.place))
    for item in named:
        found += _ending("key", item.name, item.expires, f"{policy_place}: {item.path}.expires", dates)
    return found


def _ending(kind: str, name: str, expires: str, place: str, dates: Dates) -> t.Iterator[Finding]:
    if expires and expires <= dates.soon:
        yield Finding("expired" if expires <= dates.today else "expiring", "warning", kind, name, place, {"expires": expires})


def _algorithm(key: Key, catalogue: Catalogue) -> t.Iterator[Finding]:
    known = catalogue.algorithms.get(key.algorithm)
    values = {"algorithm": key.algorithm, "edition": catalogue.edition}
    if known is None:
        yield Finding("algorithm_unknown", "notice", key.kind, key.name, key.place, values)
    elif known.status != "current":
        yield Finding("algorithm_withdrawn", "severe", key.kind, key.name, key.place, values)
    elif known.min_bits and key.bits and key.bits < known.min_bits:
        lengths = {"bits": str(key.bits), "min_bits": str(known.min_bits)}
        yield Finding("algorithm_weak", "warning", key.kind, key.name, key.place, {**values, **lengths})
