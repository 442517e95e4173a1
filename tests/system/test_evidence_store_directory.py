# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a directory: what happens where it is full, read-only, somebody else's or cut off, and that nobody writes there by accident."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_directory import DirectoryStore
from ansible_collections.recordings.disposal.tests.system.evidence_bed import Directory, Repository, StoreWorld
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run

STATEMENT = "runs/2026-11-23-4f1c/0/statement.json"


@pytest.fixture
def stored(tmp_path: pathlib.Path) -> StoreWorld:
    return StoreWorld(tmp_path / "world", Directory(tmp_path / "store"))


@contextlib.contextmanager
def memory(path: pathlib.Path, size: str) -> t.Iterator[pathlib.Path]:
    """A small filesystem in memory."""
    need("mount", "umount")
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "evidence", str(path))
    try:
        yield path
    finally:
        run("umount", str(path))


def no_remains(path: pathlib.Path) -> None:
    """Every file that is there has the bytes of one here, and none is half-written."""
    assert not [each for each in path.rglob("*") if "tmp" in each.name]


@pytest.mark.parametrize("kind", ["directory", "git"])
def test_a_full_store_says_so_and_the_next_run_goes_on(tmp_path: pathlib.Path, kind: str) -> None:
    with memory(tmp_path / "small", "400k") as small:
        place = Directory(small / "store") if kind == "directory" else Repository(small / "store.git")
        stored = StoreWorld(tmp_path / "world", place)
        (small / "ballast").write_bytes(bytes(380 << 10 if kind == "directory" else 300 << 10))
        # More than there is room for, whatever a tool compresses it to.
        big = stored.world.run / "certificate.pl.html"
        big.write_bytes(os.urandom(150 << 10))
        result = stored.store()
        assert result["failed"] and "is full (No space left on device" in result["msg"], result["msg"]
        assert (
            "what is whole there counts, nothing half-written does; make room or repair that, and run again, which goes on" in result["msg"]
        )
        no_remains(small)
        here = {f"runs/{stored.run}/0/{path.relative_to(stored.world.run)}": path for path in stored.world.run.rglob("*") if path.is_file()}
        if kind == "directory" or (small / "store.git" / "refs" / "heads" / "evidence").exists():
            assert all(data == here[name].read_bytes() for name, data in place.files().items())
        (small / "ballast").unlink()
        done = stored.store()
        assert not done.get("failed"), done["msg"]
        assert place.files().keys() >= here.keys() and stored.store()["changed"] is False
        no_remains(small)


@pytest.mark.parametrize("kind", ["directory", "git"])
def test_a_store_that_is_read_only(tmp_path: pathlib.Path, kind: str) -> None:
    with memory(tmp_path / "small", "4m") as small:
        place = Directory(small / "store") if kind == "directory" else Repository(small / "store.git")
        stored = StoreWorld(tmp_path / "world", place)
        run("mount", "-o", "remount,ro", str(small))
        result = stored.store()
        assert result["failed"] and "Read-only file system" in result["msg"] and not list(small.iterdir())
        run("mount", "-o", "remount,rw", str(small))
        assert not stored.store().get("failed")
        before = place.files()
        with open(stored.world.run / "certificate.xx.html", "wb") as file:
            file.write(b"<p>\n")
        run("mount", "-o", "remount,ro", str(small))
        result = stored.store()
        assert result["failed"] and "is read-only (Read-only file system" in result["msg"], result["msg"]
        assert place.files() == before
        run("mount", "-o", "remount,rw", str(small))
        done = stored.store()
        assert not done.get("failed") and done["put"]["files"] == 1, done


def test_nobody_may_write_what_is_stored(stored: StoreWorld) -> None:
    stored.store()
    assert isinstance(stored.place, Directory)
    assert stored.place.modes() == {("file", 0o400), ("directory", 0o500)}
    # What was sealed since goes in all the same.
    (stored.world.run / "certificate.xx.html").write_bytes(b"<p>\n")
    assert stored.store()["put"]["files"] == 1
    assert stored.place.modes() == {("file", 0o400), ("directory", 0o500)}


@pytest.mark.parametrize("kind", ["directory", "git"])
def test_a_run_that_only_the_store_has_is_read_and_held_against_its_statement(tmp_path: pathlib.Path, kind: str) -> None:
    place = Directory(tmp_path / "store") if kind == "directory" else Repository(tmp_path / "store.git")
    stored = StoreWorld(tmp_path / "world", place)
    gone = rf"the run {stored.run}, which line 1 of the ledger names, is not in {stored.world.state}, and "
    shutil.move(stored.world.run, tmp_path / "kept")
    # Lost before it was stored, which no expiry explains.
    result = stored.store()
    assert result["failed"] and re.search(f"{gone}not in the .*{tmp_path}/store.* either; put it back from a copy", result["msg"]), result
    assert not stored.store(keep="2026-11-24").get("failed")
    shutil.move(tmp_path / "kept", stored.world.run)
    assert not stored.store().get("failed")
    shutil.rmtree(stored.world.run)
    result = stored.store()
    assert not result.get("failed") and result["absent"] == [stored.run] and result["changed"] is False
    for name, words in (
        ("journals/rec1.jsonl", "has another content than its statement names"),
        ("statement.json", "is not its statement"),
    ):
        good = place.files()[f"runs/{stored.run}/0/{name}"]
        place.damage(f"runs/{stored.run}/0/{name}", good[:-1] + b" ")
        stored.refused(rf"{gone}runs/{stored.run}/0/{name} in the .* {words}; find out who", check_too=True)
        place.damage(f"runs/{stored.run}/0/{name}", good)
    assert not stored.store().get("failed")


@pytest.mark.parametrize("gone", ["runs", "runs/2026-11-23-4f1c/0/journals/rec1.jsonl", STATEMENT])
def test_what_was_deleted_in_the_store_is_told_though_it_is_still_here(stored: StoreWorld, gone: str) -> None:
    assert isinstance(stored.place, Directory)
    assert stored.store()["warnings"] == [] == stored.store()["warnings"]
    files = stored.place.files()
    path = stored.place.path / gone
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.parent.chmod(0o700)
        path.unlink()
    for check_mode, does in ((True, "would be"), (False, "was")):
        (told,) = stored.store(check_mode=check_mode)["warnings"]
        assert re.search(
            rf"sealed files of the run {stored.run} \({gone}.* first\) were not in the directory .*{does} put there again", told
        )
        assert "somebody deleted them: find out who" in told
    assert stored.place.files() == files and stored.store()["warnings"] == []


def test_a_page_that_is_new_is_no_loss(stored: StoreWorld) -> None:
    stored.store()
    (stored.world.run / "certificate.xx.html").write_bytes(b"<p>\n")
    page = stored.store()
    assert (page["put"]["files"], page["warnings"]) == (1, [])


@pytest.mark.parametrize("left", ["mode", "temporary", "directory"])
def test_what_a_cut_leaves_is_put_right(stored: StoreWorld, left: str) -> None:
    stored.store()
    assert isinstance(stored.place, Directory)
    files = stored.place.files()
    top = stored.place.path
    path = top / STATEMENT
    path.parent.chmod(0o700)
    if left == "mode":
        path.chmod(0o600)
    elif left == "temporary":
        path.unlink()
        (path.parent / "statement.json.4711.tmp").write_bytes(b'{"_type"')
    result = stored.store()
    assert not result.get("failed"), result
    assert stored.place.files() == files and stored.place.modes() == {("file", 0o400), ("directory", 0o500)}
    assert stored.store()["changed"] is False


class Cut(Exception):
    """Stands for a crash."""


class Fragile(Executor):
    """Dies before its n-th act."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def _allow(self, what: str) -> None:
        if self.steps == 0:
            raise Cut(what)
        self.steps -= 1


def test_a_cut_at_any_step_is_mended(stored: StoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash closes nothing: neither modes nor the lock, which the kernel lets go."""
    from ansible_collections.recordings.disposal.plugins.action import evidence_store

    assert isinstance(stored.place, Directory)
    for steps in range(0, 400, 7):
        store = Directory(stored.path / f"store-{steps}")
        options = {"store": store.options()}
        with monkeypatch.context() as patch:
            patch.setattr(evidence_store, "Executor", lambda steps=steps: Fragile(steps))
            patch.setattr(DirectoryStore, "closed", lambda self: os.close(self._lock) if self._lock >= 0 else None)
            try:
                stored.store(**options)
            except Cut:
                finished = False
            else:
                finished = True
        done = stored.store(**options)
        assert not done.get("failed"), (steps, done["msg"])
        assert done["warnings"] == []
        assert store.modes() == {("file", 0o400), ("directory", 0o500)}
        assert stored.store(**options)["changed"] is False
        if finished:
            assert steps > 50
            return
    pytest.fail("storing has more steps than were cut")


def test_a_directory_with_something_else_in_it(stored: StoreWorld) -> None:
    assert isinstance(stored.place, Directory)
    stored.place.path.mkdir()
    (stored.place.path / "photos").mkdir()
    stored.refused("holds 'photos', which is not of a store, so nothing was done; name an empty directory")
    stored.refused("holds 'keys', which is not of a store|holds 'ledger", store={"kind": "directory", "path": str(stored.world.state)})


@pytest.mark.parametrize(
    "name",
    [
        "runs/evil",
        f"{os.path.dirname(os.path.dirname(STATEMENT))}/evil",
        "runs/2026-11-23-4f1c/x/statement.json",
        "ledger/1/evil",
        "certificates/evil",
        "register/evil",
        "tombstones/evil",
        "tombstones",
    ],
)
def test_something_else_below_the_top_of_a_store(stored: StoreWorld, name: str) -> None:
    assert isinstance(stored.place, Directory)
    stored.store()
    path = stored.place.path / name
    for each in (stored.place.path, *stored.place.path.rglob("*")):
        if each.is_dir():
            each.chmod(0o700)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x\n")
    words = f"holds '{name}', which is not of a store, so nothing was done; look what it is, and move it away"
    stored.refused(words)
    stored.refused(words, source=None, allowed_signers=None, signer=None, state="expired", keep="PT1S", remove=True)
    path.unlink()
    assert not stored.store().get("failed")


def test_a_link_is_no_store(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "elsewhere")
    stored.refused("is no directory, so nothing was done; correct the path of the store")


def test_what_is_no_file_of_its_own_in_the_store(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    stored.store()
    assert isinstance(stored.place, Directory)
    path = stored.place.path / STATEMENT
    data = path.read_bytes()
    path.parent.chmod(0o700)
    os.link(path, tmp_path / "also")
    stored.refused(f"{STATEMENT} in the directory .* has several names")
    path.unlink()
    path.symlink_to(tmp_path / "also")
    assert data == path.read_bytes()
    stored.refused(f"{STATEMENT} in the directory .* is not a regular file")


def test_a_store_in_use(stored: StoreWorld) -> None:
    assert isinstance(stored.place, Directory)
    stored.place.path.mkdir()
    fd = os.open(stored.place.path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        stored.refused("is being written by another process, so nothing was done; wait until that has ended", check_too=False)
    finally:
        os.close(fd)
    assert not stored.store().get("failed")


def test_immutable_files_refuse_even_root(bed: Bed, tmp_path: pathlib.Path) -> None:
    mounted = bed.filesystem("ext4")
    place = Directory(pathlib.Path(mounted.path) / "store", immutable=True)
    stored = StoreWorld(tmp_path / "world", place)
    done = stored.store()
    assert not done.get("failed"), done
    for act in (lambda path: path.unlink(), lambda path: path.write_bytes(b"x"), lambda path: path.rename(path.with_name("x"))):
        with pytest.raises(PermissionError):
            act(place.path / STATEMENT)
    assert stored.store()["changed"] is False
    subprocess.run(["chattr", "-i", str(place.path / STATEMENT)], check=True)
    assert stored.store(check_mode=True)["extended"] == 1
    again = stored.store()
    assert (again["changed"], again["extended"], stored.store()["changed"]) == (True, 1, False)
    result = stored.expire(keep="PT1S", remove=True)
    assert result["changed"] is True and not result.get("failed"), result
    assert place.files().keys() == {f"ledger/1/ledger.{end}" for end in ("jsonl", "head.json", "head.json.sig")} | {
        f"tombstones/{stored.run}.json"
    }
    for path in place.path.rglob("*"):
        subprocess.run(["chattr", "-i", str(path)], check=True)


def test_a_filesystem_without_the_flag_is_said_and_not_passed_over(tmp_path: pathlib.Path) -> None:
    need("mount", "umount")
    point = tmp_path / "point"
    point.mkdir()
    run("mount", "-t", "ramfs", "evidence", str(point))
    try:
        stored = StoreWorld(tmp_path / "world", Directory(point / "store", immutable=True))
        result = stored.store()
        assert result["failed"] and "cannot be made immutable (Inappropriate ioctl for device)" in result["msg"], result
        assert not stored.store(store=Directory(point / "store").options()).get("failed")
    finally:
        run("umount", str(point))


# What it imports is read as root, since a Python below /root is nobody else's.
_OTHER = """
import json, os, sys
from ansible_collections.recordings.disposal.plugins.action.evidence_store import ActionModule
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
told = json.loads(sys.argv[1])
run_action(ActionModule, "evidence_store", told, check_mode=True)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(json.dumps(run_action(ActionModule, "evidence_store", told)))
"""


def test_without_root() -> None:
    """As a user who has to open and close modes, on a directory that is theirs and on one that is not."""
    need()
    # Not below pytest's own directory, whose mode each session sets anew.
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name)
        stored = StoreWorld(path / "world", Directory(path / "store"))

        def as_other(**changes: t.Any) -> dict[str, t.Any]:
            for each in (path, *(path / "world").rglob("*")):
                os.chown(each, 65534, 65534)
            environment = {**os.environ, "HOME": name, "PYTHONPATH": os.pathsep.join(sys.path)}
            command = [sys.executable, "-c", _OTHER, json.dumps(stored.arguments(**changes))]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            assert done.returncode == 0, done.stderr
            result: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
            return result

        assert not as_other().get("failed")
        assert isinstance(stored.place, Directory) and stored.place.modes() == {("file", 0o400), ("directory", 0o500)}
        (stored.world.run / "certificate.xx.html").write_bytes(b"<p>\n")
        again = as_other()
        assert not again.get("failed") and again["put"]["files"] == 1, again
        assert as_other()["changed"] is False
        (path / "theirs").mkdir(mode=0o755)
        result = as_other(store={"kind": "directory", "path": str(path / "theirs" / "store")})
        assert result["failed"] and "cannot be written (Permission denied" in result["msg"], result
