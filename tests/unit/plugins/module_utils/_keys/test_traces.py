# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys import traces
from ansible_collections.recordings.disposal.plugins.module_utils._keys.traces import find_traces

NEEDLE = b"needle-of-a-key!"


@pytest.mark.parametrize("places", [[], [0], [4096 - 8], [4096, 8192 - 1], [100, 116, 20000 - len(NEEDLE)]])
def test_copies_are_found_wherever_they_lie(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, places: list[int]) -> None:
    monkeypatch.setattr(traces, "_CHUNK", 4096)
    content = bytearray(os.urandom(20000))
    for place in places:
        content[place : place + len(NEEDLE)] = NEEDLE
    path = tmp_path / "disk"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        assert find_traces(fd, NEEDLE) == (20000, places)
    finally:
        os.close(fd)
