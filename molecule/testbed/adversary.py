# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Someone who has the disk and wants the recordings back: reads the raw image of a host's filesystem, with no help from the filesystem.

    adversary.py --work DIR --image IMAGE [--carve DIR] GROUP=FILE ...

Each FILE describes a group of files, in lines as fingerprint.py writes them. For each group the answer (JSON on standard output) says
how many markers and blocks were looked for, and how many are on the disk: markers at any offset, blocks byte for byte at any block
boundary. What another group has too (headers, silence) proves nothing and is left out. With C(--carve), foremost and photorec rebuild
files into DIR, and the markers in what they rebuilt are counted too.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from fingerprint import BLOCK, MARKER, block_digest
from machine import BedError, own_image

Groups = dict[str, list[dict[str, t.Any]]]
Found = tuple[set[str], set[str]]
ZERO = bytes(BLOCK)
CARVE_SECONDS = 120
FEW = 5


def data_ranges(fd: int, size: int) -> t.Iterator[tuple[int, int]]:
    """The parts of a sparse file that hold anything: (start, end), start at a block boundary."""
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start - start % BLOCK, end


def read_disk(image: Path) -> Found:
    """All markers and the digests of all blocks on a disk."""
    markers: set[str] = set()
    blocks: set[str] = set()
    with open(image, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as disk:
        for start, end in data_ranges(file.fileno(), len(disk)):
            # A marker may reach over the end of a range only into a hole, where it would not be whole.
            markers.update(found.group().decode() for found in MARKER.finditer(disk, start, end))
            for offset in range(start, end, BLOCK):
                block = disk[offset : offset + BLOCK]
                if block != ZERO:
                    blocks.add(block_digest(block))
    return markers, blocks


def markers_below(directory: Path) -> set[str]:
    """All markers in the files below a directory."""
    found: set[str] = set()
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found.update(marker.decode() for marker in MARKER.findall(path.read_bytes()))
    return found


def carve(image: Path, out: Path) -> dict[str, set[str]]:
    """What two forensic tools can rebuild, by tool its markers.

    :raises BedError: a tool failed.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    photorec = "partition_none,options,keep_corrupted_file,fileopt,everything,enable,wholespace,search"
    commands = {
        "foremost": ["foremost", "-Q", "-t", "wav", "-i", str(image), "-o", str(out / "foremost")],
        "photorec": ["photorec", "/d", str(out / "photorec"), "/cmd", str(image), photorec],
    }
    running = {
        tool: subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=out, text=True)
        for tool, command in commands.items()
    }
    for tool, process in running.items():
        try:
            said = process.communicate(timeout=CARVE_SECONDS)[1]
        except subprocess.TimeoutExpired:
            for late in running.values():
                late.kill()
            raise BedError(f"{tool} was not done with {image} after {CARVE_SECONDS} s") from None
        if process.returncode:
            raise BedError(f"{tool} failed on {image}: {' '.join(said.split())[-300:] or f'exit status {process.returncode}'}")
    # photorec numbers its directories: photorec.1, photorec.2 …
    return {tool: set().union(*(markers_below(path) for path in out.glob(f"{tool}*"))) for tool in commands}


def read_group(text: str) -> tuple[str, list[dict[str, t.Any]]]:
    """A group from the command line: its name, and the files that are described in its file."""
    name, _equals, path = text.partition("=")
    lines = (json.loads(line) for line in Path(path).read_text(encoding="ascii").splitlines())
    return name, [line for line in lines if line["type"] == "file"]


def answer(groups: Groups, found: Found, carved: dict[str, set[str]]) -> dict[str, t.Any]:
    """What of each group is on the disk."""
    markers = {name: {marker for line in lines for marker in line["markers"]} for name, lines in groups.items()}
    blocks = {name: {block for line in lines for block in line["blocks"]} for name, lines in groups.items()}
    result = {}
    for name, lines in groups.items():
        own_markers = markers[name].difference(*(markers[other] for other in groups if other != name))
        own_blocks = blocks[name].difference(*(blocks[other] for other in groups if other != name))
        seen = own_markers & found[0]
        result[name] = {
            "files": len(lines),
            "markers": {"sought": len(own_markers), "found": len(seen)},
            "blocks": {"sought": len(own_blocks), "found": len(own_blocks & found[1])},
            "carved": {tool: len(own_markers & rebuilt) for tool, rebuilt in carved.items()},
            "seen": [line["path"] for line in lines if seen & set(line["markers"])][:FEW],
            "not_seen": [line["path"] for line in lines if own_markers & set(line["markers"]) - seen][:FEW],
        }
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="Search a raw disk image for recordings.")
    parser.add_argument("--work", type=Path, required=True, help="the test-bed's directory; no image outside it is looked at")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--carve", type=Path)
    parser.add_argument("groups", nargs="+", type=read_group, metavar="GROUP=FILE")
    options = parser.parse_args()
    try:
        image = own_image(options.image, options.work)
        carved = carve(image, options.carve) if options.carve else {}
        print(json.dumps(answer(dict(options.groups), read_disk(image), carved), sort_keys=True))
    except BedError as error:
        print(f"adversary: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
