# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forensic tools on the raw image after C(overwrite): what they rebuild after a plain deletion, and that they rebuild nothing after ours."""

from __future__ import annotations

import os
import pathlib
import shutil
import struct

import adversary
import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.overwriting import overwrite_paths
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run

FILES = 6
SIZE = 200_000


def wave(number: int) -> bytes:
    """A recording that carving tools know by its header, with its marker in each 512 bytes."""
    marker = f"RDMARK:{number:016x}".encode()
    data = b"".join(marker + os.urandom(512 - len(marker)) for _sector in range(SIZE // 512))
    form = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", len(data))
    return form + data


def carved(image: pathlib.Path, out: pathlib.Path) -> int:
    """How many recordings come back, by any of the tools."""
    return len(set().union(*adversary.carve(image, out).values()))


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("how", ["rm", "overwrite"])
def test_what_is_carved(tmp_path: pathlib.Path, kind: str, how: str) -> None:
    need("foremost", "photorec")
    bed = Bed(tmp_path)
    try:
        mounted = bed.filesystem(kind)
        root = mounted.path / "monitor"
        root.mkdir()
        for number in range(FILES):
            (root / f"{number}.wav").write_bytes(wave(number))
        os.sync()
        if how == "rm":
            shutil.rmtree(root)
        else:
            result = overwrite_paths(
                {
                    **{"paths": [str(root)], "roots": [str(mounted.path)], "recurse": True, "level": "clear", "scheme": "nist_clear"},
                    **{"verify": None, "sample_share": 10, "on_ineffective": "fail", "open_files": "refuse", "protected": "refuse"},
                    **{"holds": "refuse", "max_rate": None, "threads": 2, "remove": True, "resume": True, "io_priority": "normal"},
                    "state_dir": str(tmp_path / "state"),
                },
                Executor(),
                check_mode=False,
            )
            assert result["outcome"] == "destroyed"
        bed.unmount(mounted.path)
        run("sync", str(mounted.image))
        found = carved(mounted.image, tmp_path / "carved")
        assert found == 0 if how == "overwrite" else found >= FILES // 2
    finally:
        bed.close()
