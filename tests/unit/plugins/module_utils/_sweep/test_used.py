# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody writes to a file between its overwriting and the removal of its names: nothing of that goes, and nothing is called destroyed."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import OpenTarget
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.overwriting import overwrite_paths
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld, Hooked
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.release_world import ReleaseWorld, copy_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

SENTENCE = "overwritten, but a process has one of its files open, or wrote to it afterwards, so they were left with what was written"


class After(Executor):
    """Does something just before the first call of a method after the first link, which is that of a file's meaningless name."""

    def __init__(self, method: str, act: t.Callable[[], None]) -> None:
        self.linked = False
        self.method = method
        self.act: t.Callable[[], None] | None = act

    def _now(self, method: str) -> None:
        act = self.act
        if method == self.method and (self.linked or method == "link") and act is not None:
            self.act = None
            act()

    def link(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        self._now("link")
        self.linked = True
        super().link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def unlink(self, name: str, *, dir_fd: int | None = None) -> None:
        self._now("unlink")
        super().unlink(name, dir_fd=dir_fd)

    def sync_directory(self, path: str | int) -> None:
        self._now("sync_directory")
        super().sync_directory(path)


@pytest.fixture
def no_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a filesystem that knows none, so that who has a file open is not seen."""
    monkeypatch.setattr(OpenTarget, "lease", lambda self, shared=None: None)


class Writer:
    """Has a file open, and writes to it when it is told to."""

    def __init__(self, path: pathlib.Path, kind: str) -> None:
        self.fd = os.open(path, os.O_WRONLY)
        self.size = path.stat().st_size
        self.kind = kind

    def write(self) -> None:
        # The kernel's clock for files is a coarse one.
        time.sleep(0.02)
        os.pwrite(self.fd, b"more", self.size if self.kind == "append" else 100)

    def require_kept(self, path: pathlib.Path) -> None:
        os.close(self.fd)
        start = self.size if self.kind == "append" else 100
        assert path.read_bytes()[start : start + 4] == b"more"


def outcomes(world: World) -> list[tuple[str, list[str]]]:
    return [(record["outcome"], record["reason"]) for record in world.journal() if record["type"] == "outcome"]


def open_for(path: pathlib.Path) -> str:
    """What the kernel tells of the lease of a file."""
    inode = f":{path.stat().st_ino} "
    return " ".join(line for line in pathlib.Path("/proc/locks").read_text().splitlines() if inode in line)


MOMENTS = pytest.mark.parametrize("method", ["link", "unlink", "sync_directory"])
KINDS = pytest.mark.parametrize("kind", ["append", "in place"])


@MOMENTS
@KINDS
@pytest.mark.usefixtures("no_leases")
def test_a_sweep_leaves_what_was_written_to(tmp_path: pathlib.Path, method: str, kind: str) -> None:
    world = World(tmp_path)
    path, other = world.record(days=200), world.record(days=200, number=1)
    manifest = world.manifest(world.plan())
    writer = Writer(path, kind)
    with pytest.raises(DisposalError, match=SENTENCE) as caught:
        world.apply(manifest, executor=After(method, writer.write))
    assert "\n" not in caught.value.message and str(tmp_path) not in caught.value.message
    writer.require_kept(path)
    # Its sidecar stays too, the other set does not.
    assert path.with_suffix(".json").exists() and not other.exists() and not other.with_suffix(".json").exists()
    assert not [each for each in path.parent.iterdir() if each.name.startswith(".")]
    assert sorted(outcome for outcome, _reason in outcomes(world)) == ["destroyed", "unknown"]


@MOMENTS
@pytest.mark.usefixtures("no_leases")
def test_encrypting_leaves_what_was_written_to_and_its_copy(tmp_path: pathlib.Path, method: str) -> None:
    world = EncryptWorld(tmp_path)
    path = world.record(days=3)
    writer = Writer(path, "append")
    with pytest.raises(DisposalError, match=SENTENCE):
        world.encrypt(executor=After(method, writer.write))
    writer.require_kept(path)
    assert copy_of(path).exists() and [outcome for outcome, _reason in outcomes(world)] == ["unknown"]


@MOMENTS
@pytest.mark.usefixtures("no_leases")
def test_a_file_whose_key_was_destroyed_is_left_when_it_was_written_to(tmp_path: pathlib.Path, method: str) -> None:
    world = ReleaseWorld(tmp_path)
    world.fill(due=1, held=0)
    path = next(iter(world.plain))
    manifest = world.manifest(world.plan())
    writer = Writer(copy_of(path), "append")
    with pytest.raises(DisposalError, match=SENTENCE):
        world.apply(manifest, executor=After(method, writer.write), destroyed_keys=world.destroyed())
    writer.require_kept(copy_of(path))


@pytest.mark.usefixtures("no_leases")
def test_what_is_written_in_the_instant_of_the_removal_is_told(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    path = world.record(days=200)
    manifest = world.manifest(world.plan())
    writer = Writer(path.with_suffix(".json"), "append")

    def blank(name: str, *, dir_fd: int | None = None) -> bool:
        return name.startswith(".") and name.count(".") == 1

    with pytest.raises(DisposalError, match="written to in the instant in which its name was removed"):
        world.apply(manifest, executor=Hooked("unlink", writer.write, when=blank))
    os.close(writer.fd)
    assert [outcome for outcome, _reason in outcomes(world)] == ["unknown"]


@pytest.mark.parametrize("remove", [True, False])
@pytest.mark.usefixtures("no_leases")
def test_files_that_a_task_names(tmp_path: pathlib.Path, remove: bool) -> None:
    world = World(tmp_path)
    path = world.record(days=1)
    path.with_suffix(".json").unlink()
    writer = Writer(path, "append")
    params = {
        **{"paths": [str(path)], "roots": [str(world.root)], "recurse": False, "remove": remove, "scheme": "nist_clear", "level": "clear"},
        **{"verify": None, "sample_share": 10, "threads": 1, "on_ineffective": "fail", "open_files": "fail", "protected": "fail"},
        **{"max_rate": None, "io_priority": "normal", "state_dir": str(world.state), "holds": "refuse", "resume": True},
    }
    # Its directory is flushed after its attributes were looked at, and before anything else.
    executor = Hooked("sync_directory", writer.write, when=lambda path: isinstance(path, int))
    with pytest.raises(DisposalError, match=SENTENCE):
        overwrite_paths(params, executor, check_mode=False)
    writer.require_kept(path)


@MOMENTS
def test_who_opens_it_to_write_waits_and_finds_it(tmp_path: pathlib.Path, method: str) -> None:
    """With leases: the process that would append hangs in its open until the set has its outcome."""
    world = World(tmp_path)
    path = world.record(days=200)
    manifest = world.manifest(world.plan())
    waiting: list[subprocess.Popen[bytes]] = []

    def append() -> None:
        name = next(each for each in path.parent.iterdir() if each.stat().st_ino == inode)
        waiting.append(subprocess.Popen(["sh", "-c", 'printf more >> "$0"', str(name)]))
        deadline = time.monotonic() + 20
        while "BREAKING" not in open_for(name) and time.monotonic() < deadline:
            time.sleep(0.01)

    inode = path.stat().st_ino
    with pytest.raises(DisposalError, match=SENTENCE):
        world.apply(manifest, executor=After(method, append))
    assert waiting[0].wait(timeout=20) == 0
    assert path.read_bytes().endswith(b"\0more") and [outcome for outcome, _reason in outcomes(world)] == ["unknown"]


def test_who_opens_it_to_read_is_no_obstacle(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    path = world.record(days=200)
    manifest = world.manifest(world.plan())
    waiting: list[subprocess.Popen[bytes]] = []

    def read() -> None:
        waiting.append(subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE))
        deadline = time.monotonic() + 20
        while "BREAKING" not in open_for(path) and time.monotonic() < deadline:
            time.sleep(0.01)

    assert world.apply(manifest, executor=After("link", read))["outcome"] == "destroyed"
    assert set(waiting[0].communicate(timeout=20)[0]) == {0} and not path.exists()
