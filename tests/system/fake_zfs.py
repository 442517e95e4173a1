# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the command C(zfs), which cannot be had where the tests run: a pool in a file, with the words that OpenZFS's own source has.

The file is named by C(FAKE_ZFS); what it was called with is added to the file beside it, C(.log).
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import sys
import typing as t

PLACE = pathlib.Path(os.environ["FAKE_ZFS"])
LENGTHS = {"raw": 32, "hex": 64}


def fail(action: str, why: str) -> t.NoReturn:
    sys.stderr.write(f"{action}: {why}\n")
    sys.exit(255)


def taken(action: str, keyformat: str, data: bytes) -> str:
    """What a key comes to, as a digest: this stand-in keeps no keys."""
    text = data if keyformat == "raw" else data.split(b"\n")[0]
    wanted = LENGTHS.get(keyformat, len(text) if 8 <= len(text) <= 512 else -1)
    if len(text) != wanted:
        size = "long" if len(text) > wanted else "short"
        fail(action, f"{keyformat.capitalize()} key too {size} (expected {wanted}).")
    return hashlib.sha256(text).hexdigest()


def material(action: str, location: str, keyformat: str) -> str:
    if location == "prompt":
        return taken(action, keyformat, sys.stdin.buffer.read())
    path = location[len("file://") :]
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        fail(action, f"Failed to open key material file: {error.strerror}")
    return taken(action, keyformat, data)


class Pool:
    """The datasets, each with its properties; the digest of an encryption root's key is none of them."""

    def __init__(self) -> None:
        self.sets: dict[str, dict[str, str]] = json.loads(PLACE.read_text())

    def keep(self) -> None:
        PLACE.write_text(json.dumps(self.sets))

    def root(self, action: str, name: str, verb: str) -> dict[str, str]:
        if name not in self.sets:
            fail(f"cannot open '{name}'", "dataset does not exist")
        found = self.sets[name]
        if found["keyformat"] == "none":
            fail(action, f"'{name}' is not encrypted.")
        if found["encryptionroot"] != name:
            fail(action, f"Keys must be {verb} for encryption root of '{name}' ({found['encryptionroot']}).")
        return found

    def load(self, name: str, *, noop: bool, location: str | None) -> None:
        action = "Key load error"
        found = self.root(action, name, "loaded")
        if not noop and found["keystatus"] == "available":
            fail(action, f"Key already loaded for '{name}'.")
        if material(action, location or found["keylocation"], found["keyformat"]) != found["digest"]:
            fail(action, f"Incorrect key provided for '{name}'.")
        if not noop:
            self.mark(name, "available")

    def mark(self, name: str, state: str) -> None:
        for each in self.sets.values():
            if each["encryptionroot"] == name:
                each["keystatus"] = state

    def change(self, name: str, options: dict[str, str]) -> None:
        action = "Key change error"
        found = self.sets[name]
        if found["origin"] != "-":
            fail(action, "Keys cannot be changed on clones.")
        digest = material(action, options["keylocation"], options["keyformat"])
        if found["keystatus"] != "available":
            fail(action, "Key must be loaded.")
        if found.get("stubborn"):
            fail(action, "Permission denied.")
        found.update(options, digest=found["digest"] if found.get("lying") else digest)

    def unload(self, name: str) -> None:
        action = "Key unload error"
        found = self.root(action, name, "unloaded")
        if found["keystatus"] == "unavailable":
            fail(action, f"Key already unloaded for '{name}'.")
        if found.get("busy"):
            fail(action, f"'{name}' is busy.")
        self.mark(name, "unavailable")

    def get(self, kinds: str, properties: str, pool: str | None) -> None:
        """Of one pool, or of all."""
        if pool is not None and pool not in self.sets:
            fail(f"cannot open '{pool}'", "dataset does not exist")
        for name, found in self.sets.items():
            if found["type"] not in kinds.split(",") or (pool is not None and re.split("[/@#]", name)[0] != pool):
                continue
            for each in properties.split(","):
                print(f"{name}\t{each}\t{found.get(each, '-')}")


def main() -> None:
    arguments = sys.argv[1:]
    with PLACE.with_suffix(".log").open("a") as log:
        log.write(json.dumps(arguments) + "\n")
    pool, command = Pool(), arguments.pop(0)
    if command == "get":
        kinds, place = arguments[arguments.index("-t") + 1], arguments.index("-o") + 2
        pool.get(kinds, *(arguments[place:] if len(arguments) > place + 1 else (arguments[place], None)))
    elif command == "load-key":
        location = arguments[arguments.index("-L") + 1] if "-L" in arguments else None
        pool.load(arguments[-1], noop="-n" in arguments, location=location)
    elif command == "change-key":
        pairs = [arguments[place + 1].split("=", 1) for place, word in enumerate(arguments) if word == "-o"]
        pool.change(arguments[-1], dict(pairs))
    elif command == "unload-key":
        pool.unload(arguments[-1])
    else:
        fail("unrecognized command", command)
    pool.keep()


main()
