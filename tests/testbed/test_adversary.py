# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adversary: what it must find, and what it must not claim."""

from __future__ import annotations

import json
import os
from pathlib import Path

import adversary
import fingerprint
import pytest

MARKERS = [f"RDMARK:{number:016x}" for number in range(8)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two recordings of several blocks each, the first block of both the same."""
    directory = tmp_path / "files"
    directory.mkdir()
    header = b"RIFF" + bytes(range(256)) * 16
    for name, marker in (("a.wav", MARKERS[0]), ("b.wav", MARKERS[1])):
        body = header[:4096] + os.urandom(9000) + marker.encode() + os.urandom(3000)
        (directory / name).write_bytes(body)
    return directory


def described(path: Path) -> dict[str, object]:
    return fingerprint.describe(str(path), blocks=True)


def disk(path: Path, pieces: dict[int, bytes], size: int = 1 << 20) -> Path:
    """A sparse disk with some bytes at some places."""
    with open(path, "wb") as file:
        file.truncate(size)
        for offset, content in pieces.items():
            file.seek(offset)
            file.write(content)
    return path


def test_a_whole_file_is_found_wherever_it_lies(tmp_path: Path, files: Path) -> None:
    image = disk(tmp_path / "disk.img", {40960: (files / "a.wav").read_bytes()})
    found = adversary.answer({"a": [described(files / "a.wav")], "b": [described(files / "b.wav")]}, adversary.read_disk(image), {})
    assert found["a"]["markers"] == {"sought": 1, "found": 1}
    assert found["a"]["blocks"] == {"sought": 3, "found": 3}
    assert found["a"]["seen"] == [str(files / "a.wav")]
    assert found["b"]["markers"] == {"sought": 1, "found": 0}
    assert found["b"]["blocks"] == {"sought": 3, "found": 0}
    assert found["b"]["not_seen"] == [str(files / "b.wav")]


def test_what_two_groups_share_proves_nothing(tmp_path: Path, files: Path) -> None:
    image = disk(tmp_path / "disk.img", {0: (files / "a.wav").read_bytes()[:4096]})
    found = adversary.answer({"a": [described(files / "a.wav")], "b": [described(files / "b.wav")]}, adversary.read_disk(image), {})
    assert found["a"]["blocks"]["found"] == found["b"]["blocks"]["found"] == 0
    alone = adversary.answer({"a": [described(files / "a.wav")]}, adversary.read_disk(image), {})
    assert alone["a"]["blocks"] == {"sought": 4, "found": 1}


def test_a_marker_is_found_at_any_offset_and_over_a_block_boundary(tmp_path: Path) -> None:
    places = {3: MARKERS[0], 8192 - 10: MARKERS[1], (1 << 20) - 23: MARKERS[2]}
    image = disk(tmp_path / "disk.img", {offset: marker.encode() for offset, marker in places.items()})
    assert adversary.read_disk(image)[0] == set(MARKERS[:3])


def test_one_block_that_is_left_of_a_file_is_found(tmp_path: Path, files: Path) -> None:
    last = (files / "b.wav").read_bytes()[12288:]
    image = disk(tmp_path / "disk.img", {20480: last})
    found = adversary.answer({"b": [described(files / "b.wav")]}, adversary.read_disk(image), {})
    assert found["b"]["blocks"]["found"] == 1


def test_an_empty_disk_holds_nothing(tmp_path: Path) -> None:
    assert adversary.read_disk(disk(tmp_path / "disk.img", {})) == (set(), set())


def test_a_group_is_read_without_directories_and_links(tmp_path: Path, files: Path) -> None:
    (files / "link.wav").symlink_to("a.wav")
    lines = [fingerprint.describe(str(path), blocks=True) for path in (files, *sorted(files.iterdir()))]
    (tmp_path / "lines").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="ascii")
    name, group = adversary.read_group(f"kept={tmp_path / 'lines'}")
    assert name == "kept"
    assert [Path(line["path"]).name for line in group] == ["a.wav", "b.wav"]
