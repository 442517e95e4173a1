# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe every file below some directories, on the host that has them. Standard library only; a directory that is missing has no lines.

usage: fingerprint.py [--blocks] --out FILE DIRECTORY ...

Each line of FILE is a JSON object: C(path) (absolute), C(type), C(mode), C(size), C(mtime_ns), C(ino), C(nlink), C(sha256) of the content
(of the target for a link), C(markers) found in it, and with C(--blocks) a digest of each 4 KiB block that is not all zeros.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import stat
import typing as t

BLOCK = 4096
MARKER = re.compile(rb"RDMARK:[0-9a-f]{16}")
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


def block_digest(block: bytes) -> str:
    """Digest of a block as it lies on the disk, the last one of a file filled up with zeros."""
    return hashlib.blake2b(block.ljust(BLOCK, b"\0"), digest_size=8).hexdigest()


def describe(path: str, blocks: bool) -> dict[str, t.Any]:
    facts = os.lstat(path)
    line: dict[str, t.Any] = {
        "path": path,
        "type": KINDS.get(stat.S_IFMT(facts.st_mode), "other"),
        "mode": stat.S_IMODE(facts.st_mode),
        "size": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
        "ino": facts.st_ino,
        "nlink": facts.st_nlink,
    }
    if line["type"] == "link":
        line["sha256"] = hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
    if line["type"] == "file":
        with open(path, "rb") as file:
            content = file.read()
        line["sha256"] = hashlib.sha256(content).hexdigest()
        line["markers"] = sorted({found.decode() for found in MARKER.findall(content)})
        if blocks:
            parts = (content[start : start + BLOCK] for start in range(0, len(content), BLOCK))
            line["blocks"] = [block_digest(part) for part in parts if part.strip(b"\0")]
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description="Describe every file below some directories.")
    parser.add_argument("--blocks", action="store_true")
    parser.add_argument("--out", required=True)
    parser.add_argument("directories", nargs="+")
    options = parser.parse_args()
    with open(options.out, "w", encoding="ascii") as out:
        for top in options.directories:
            for directory, below, names in os.walk(top):
                below.sort()
                links = [name for name in below if os.path.islink(os.path.join(directory, name))]
                for path in (directory, *(os.path.join(directory, name) for name in sorted(names + links))):
                    print(json.dumps(describe(path, options.blocks), sort_keys=True), file=out)


if __name__ == "__main__":
    main()
