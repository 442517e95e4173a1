# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.inventory import Inventory, take_inventory
from ansible_collections.recordings.disposal.plugins.module_utils._media.mounted import Mounted, Place
from ansible_collections.recordings.disposal.plugins.module_utils._media.mounts import MountFacts
from ansible_collections.recordings.disposal.plugins.module_utils._media.private_mounts import UnseenError
from ansible_collections.recordings.disposal.plugins.module_utils._media.unlabelled import look_at_bytes


def inventory(path: pathlib.Path, type_: str = "ext4", **options: t.Any) -> Inventory:
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return take_inventory(top, type_, **options)
    finally:
        os.close(top)


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("b/two.wav", "b/one.wav", "a.wav", "b.wav", "ł/ę.wav", "b/c/deep.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "link").symlink_to("a.wav")
    (tmp_path / "way").symlink_to("b")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_the_digest_is_what_the_guide_says(tree: pathlib.Path) -> None:
    names = ["a.wav", "b/c/deep.wav", "b/one.wav", "b/two.wav", "b.wav", "ł/ę.wav"]
    lines = []
    for name in names:
        facts = (tree / name).stat()
        lines.append(json.dumps([name, facts.st_size, facts.st_mtime_ns, facts.st_ino], ensure_ascii=False, separators=(",", ":")) + "\n")
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    seen: list[str] = []
    found = inventory(tree, each=lambda path, _facts: seen.append(path))
    assert found == Inventory(6, sum(len(name.encode()) for name in names), f"sha256:{expected}") and seen == names


def test_what_numbers_its_files_anew_has_no_inodes(tree: pathlib.Path) -> None:
    digests = {inventory(tree, type_).digest for type_ in ("vfat", "exfat", "msdos")}
    assert len(digests) == 1 and inventory(tree).digest not in digests


def test_names_that_are_no_text(tmp_path: pathlib.Path) -> None:
    for name in (b"\xff.wav", b"\xfe.wav"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
            pass
    seen: list[str] = []
    (tmp_path / 'a "b" \\ \n \x7f \u2028.wav').touch()
    found = inventory(tmp_path, each=lambda path, _facts: seen.append(path))
    assert found.files == 3 and [os.fsencode(path) for path in seen[1:]] == [b"\xfe.wav", b"\xff.wav"]
    lines = [canonical([path, 0, (facts := os.lstat(tmp_path / path)).st_mtime_ns, facts.st_ino]) + b"\n" for path in seen]
    assert found.digest == digest(b"".join(lines))


def test_no_descriptor_is_left_open(tree: pathlib.Path) -> None:
    def stop(path: str, _facts: os.stat_result) -> None:
        if path.endswith("deep.wav"):
            raise UnseenError("stop")

    before = len(os.listdir("/proc/self/fd"))
    inventory(tree)
    with pytest.raises(UnseenError):
        inventory(tree, each=stop)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_place_and_what_lies_below_it() -> None:
    mount = MountFacts(1, 8, 1, "ext4", frozenset())
    assert Place(mount, "").below("a/b") == "a/b"
    assert Place(mount, "a").below("a/b") == "b"
    assert Place(mount, "a").below("ab/c") is None and Place(mount, "a").below("a") is None


def test_where_this_test_lies(tmp_path: pathlib.Path) -> None:
    mounted = Mounted()
    place = mounted.place(str(tmp_path))
    assert place is not None and f"/{tmp_path}".endswith(place.inside) and mounted.place(str(tmp_path / "none")) is None
    (tmp_path / "link").symlink_to(tmp_path)
    assert mounted.place(str(tmp_path / "link")) == place
    (proc,) = [mount for mount in mounted.mounts.values() if mount.point == "/proc"]
    assert mounted.devices(proc) == frozenset() and "proc" in mounted.below("/")


@pytest.mark.parametrize(
    ("size", "told"),
    [(3 << 20, "all of its 3145728 bytes are zeros"), (64 << 20, "a sample of 17825792 of its 67108864 bytes is all zeros")],
)
def test_a_sample_of_bytes(tmp_path: pathlib.Path, size: int, told: str) -> None:
    path = tmp_path / "image"
    for place in (0, size - 1):
        path.write_bytes(b"")
        os.truncate(path, size)
        assert look_at_bytes(str(path), size) == (True, told)
        with path.open("r+b") as handle:
            handle.seek(place)
            handle.write(b"x")
        assert look_at_bytes(str(path), size) == (False, f"some of its {size} bytes are not zeros")


def test_bytes_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    assert look_at_bytes(str(tmp_path / "none"), 1) == (False, "it cannot be read (No such file or directory)")
    assert look_at_bytes(os.devnull, 1 << 20) == (False, "nothing of it can be read")
