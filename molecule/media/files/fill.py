#!/usr/bin/env python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the block devices of some serial numbers with recordings that carving tools know, from their first byte to their last.

usage: fill.py SERIAL...
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys

PIECE = 64 << 10
MARKER = b"RECORDING-OF-A-CALL"


def recording() -> bytes:
    """A whole WAV file of C(PIECE) bytes, the marker in each of its sectors."""
    sound = (MARKER.ljust(512, b"\x80") * (PIECE // 512))[: PIECE - 44]
    header = b"RIFF" + struct.pack("<I", PIECE - 8) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    return header + b"data" + struct.pack("<I", len(sound)) + sound


def main() -> None:
    listed = subprocess.run(["lsblk", "--json", "--bytes", "--nodeps", "--output", "PATH,SERIAL,SIZE"], capture_output=True, check=True)
    wanted, call = set(sys.argv[1:]), recording()
    for row in json.loads(listed.stdout)["blockdevices"]:
        if (row["serial"] or "").strip() in wanted:
            with open(row["path"], "r+b", buffering=0) as device:
                for _piece in range(int(row["size"]) // PIECE):
                    device.write(call)
                os.fsync(device.fileno())
            print(row["path"])


if __name__ == "__main__":
    main()
