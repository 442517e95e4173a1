# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests of whole devices share: a loop device full of recordings, overwriting it, and looking at the image.

Run as a program (IMAGE CHECKPOINT SCHEME PACE_SECONDS) it overwrites the loop device over IMAGE in a process of its own, and prints what came of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import sys
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import device as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.device import DeviceResult, overwrite_device
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Scheme, find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device, find_device

__all__ = ["MARKER", "MIB", "found", "marked", "markers", "overwrite", "partitioned", "sha256"]

MIB = 1 << 20
MARKER = b"REC-MARKER"


def marked(size: int) -> bytes:
    """A medium with the marker in each 512 bytes."""
    sector = MARKER + bytes(range(1, 256)) * 2
    return (sector[:512] * (size // 512 + 1))[:size]


def partitioned(content: bytes) -> bytes:
    """The content with an MBR: partitions of 2 MiB at 1 MiB and of 3 MiB at 4 MiB, disk signature c0ffee42."""
    table = b"".join(
        bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (start * 2048).to_bytes(4, "little") + (length * 2048).to_bytes(4, "little")
        for start, length in ((1, 2), (4, 3))
    )
    head = bytes(440) + bytes.fromhex("42eeffc0") + bytes(2) + table.ljust(64, b"\0") + b"\x55\xaa"
    return head + content[512:]


def markers(image: pathlib.Path) -> int:
    """How many sectors still hold the marker."""
    return image.read_bytes().count(MARKER)


def sha256(image: pathlib.Path) -> str:
    with image.open("rb") as handle:
        digest = hashlib.sha256()
        for piece in iter(lambda: handle.read(MIB), b""):
            digest.update(piece)
    return digest.hexdigest()


def found(image: pathlib.Path) -> Device:
    """The loop device over an image, as a register would name it."""
    return find_device({"backing_file": str(image)})


def overwrite(
    image: pathlib.Path, scheme: str | Scheme = "nist_clear", *, executor: Executor | None = None, **options: t.Any
) -> DeviceResult:
    """Overwrite the loop device over an image.

    A machine on which a process cannot be looked at, as in a sandbox, would refuse every device: here that is reported instead.
    """
    wanted = find_scheme(scheme) if isinstance(scheme, str) else scheme
    options.setdefault("on_unseen", "report")
    return overwrite_device(executor or Executor(), found(image), wanted, **options)


def _main(image: str, checkpoint: str, scheme: str, seconds: str) -> None:
    module.INTERVAL = 0.2
    pause = float(seconds)
    result = overwrite(
        pathlib.Path(image), scheme, checkpoint_path=checkpoint, resume=True, pace=(lambda: time.sleep(pause)) if pause else None
    )
    # getrusage would tell the most that the process which started this one ever had.
    status = pathlib.Path("/proc/self/status").read_text()
    memory = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps({**dataclasses.asdict(result), "kibibytes": memory}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
