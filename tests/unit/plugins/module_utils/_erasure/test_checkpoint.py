# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import stat

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.checkpoint import Checkpoint, Progress, Sums
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.keystream import new_key
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import Tally
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor

IDENTITY = {"kind": "disk", "size": 512, "facts": {"serial": ["S"]}}


def checkpoint(path: pathlib.Path, *, scheme: str = "sha256:1", serial: str = "S", executor: Executor | None = None) -> Checkpoint:
    header = {"identity": {**IDENTITY, "facts": {"serial": [serial]}}, "scheme": scheme}
    return Checkpoint(executor or Executor(), str(path), header, lambda told: bool(told == header["identity"]))


def progress() -> Progress:
    sums = Sums(Tally(1024, [(0, 512), (4096, 512)], 1024, 2, 5), Tally(0, [(8, 8)], 8, 1), Tally(), 77)
    return Progress(1, "verify", 1 << 40, "5eed", sums, Sums(Tally(bad_bytes=3)))


def test_what_is_saved_is_loaded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "checkpoint"
    assert checkpoint(path).load() is None
    one = checkpoint(path)
    key = new_key()
    one.keep_key(key)
    one.save(progress())
    other = checkpoint(path)
    assert other.load() == progress()
    assert other.load_key() == key
    assert [stat.S_IMODE(file.stat().st_mode) for file in sorted(tmp_path.iterdir())] == [0o600, 0o600]


def test_the_key_is_overwritten_in_place_before_another_one_and_at_the_end(tmp_path: pathlib.Path) -> None:
    path, kept = tmp_path / "checkpoint", tmp_path / "kept"
    one = checkpoint(path)
    one.keep_key(new_key())
    kept.hardlink_to(f"{path}.key")
    one.keep_key(new_key())
    assert kept.read_bytes() == bytes(32)
    one.save(progress())
    one.wipe()
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
    one.wipe()


@pytest.mark.parametrize(
    ("change", "words"), [({"scheme": "sha256:2"}, "another scheme or verification"), ({"serial": "T"}, "another device")]
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path: pathlib.Path, change: dict[str, str], words: str) -> None:
    checkpoint(tmp_path / "checkpoint").save(progress())
    with pytest.raises(RefusedError, match=words):
        checkpoint(tmp_path / "checkpoint", **change).load()


@pytest.mark.parametrize(
    ("old", "new"), [('"next":', '"nexd":'), ('"bad":[[0,512]', '"bad":[[0]'), ('"version":1', '"version":2'), ("{", "")]
)
def test_a_damaged_one_is_refused(tmp_path: pathlib.Path, old: str, new: str) -> None:
    path = tmp_path / "checkpoint"
    checkpoint(path).save(progress())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RefusedError, match="cannot be read .*remove the file to overwrite it from the beginning"):
        checkpoint(path).load()


def test_check_mode(tmp_path: pathlib.Path) -> None:
    one = checkpoint(tmp_path / "checkpoint", executor=CheckExecutor())
    for act in (lambda: one.save(progress()), lambda: one.keep_key(new_key()), one.wipe):
        with pytest.raises(CheckModeWriteError):
            act()
    assert not list(tmp_path.iterdir())


def test_the_worse_pass_is_kept() -> None:
    earlier, now = Sums(Tally(9, [(0, 4)], 4, 1, 5), Tally(), Tally(), 9), Sums(Tally(7), Tally(0, [(1, 1)], 1, 1), Tally(), 3)
    worse = now.worse(earlier)
    assert (worse.written.bytes, worse.written.bad, worse.differing.bad, worse.verified_bytes) == (7, [(0, 4)], [(1, 1)], 3)
