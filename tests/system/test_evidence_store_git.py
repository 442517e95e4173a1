# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a git repository: a history that was rewritten, damaged or may be rewritten is refused; each run is a commit."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess

import pytest

from ansible_collections.recordings.disposal.tests.system.evidence_bed import Repository, StoreWorld

STATEMENT = "runs/2026-11-23-4f1c/0/statement.json"


@pytest.fixture
def stored(tmp_path: pathlib.Path) -> StoreWorld:
    return StoreWorld(tmp_path / "world", Repository(tmp_path / "store.git"))


def repository(stored: StoreWorld) -> Repository:
    assert isinstance(stored.place, Repository)
    return stored.place


@pytest.mark.parametrize("how", ["moved back", "amended", "deleted"])
def test_a_branch_that_was_rewritten(stored: StoreWorld, how: str) -> None:
    stored.store()
    place = repository(stored)
    tip = place.git("rev-parse", "evidence").decode().strip()
    if how == "moved back":
        place.git("update-ref", "refs/heads/evidence", f"{tip}~1")
    elif how == "amended":
        fresh = place.git("commit-tree", f"{tip}^{{tree}}", "-p", f"{tip}~1", "-m", "x").decode().strip()
        place.git("update-ref", "refs/heads/evidence", fresh)
    else:
        place.git("update-ref", "-d", "refs/heads/evidence")
    for check_mode in (True, False):
        result = stored.store(check_mode=check_mode)
        assert re.search(
            f"the branch refs/heads/evidence of .* was rewritten: {tip[:12]}, which was stored, is no longer in its history", result["msg"]
        )
    place.git("update-ref", "refs/heads/evidence", tip)
    assert stored.store()["changed"] is False


def test_a_damaged_object(stored: StoreWorld) -> None:
    stored.store()
    place = repository(stored)
    (pack, *_others) = sorted((place.path / "objects" / "pack").glob("*.pack"), key=lambda path: -path.stat().st_size) or [None]
    if pack is None:
        (pack, *_others) = sorted(
            (path for path in (place.path / "objects").rglob("*") if path.is_file()), key=lambda path: -path.stat().st_size
        )
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(bytes(data))
    for check_mode in (True, False):
        result = stored.store(check_mode=check_mode)
        assert result["failed"] and re.search("is damaged: git fsck says|cannot be used: git", result["msg"]), result["msg"]


def test_a_repository_that_takes_rewriting_pushes(stored: StoreWorld) -> None:
    place = repository(stored)
    subprocess.run(["git", "init", "--quiet", "--bare", str(place.path)], check=True)
    result = stored.store()
    assert (
        "lets its history be rewritten (receive.denyNonFastForwards is not set), so nothing was done; run: git --git-dir=" in result["msg"]
    )
    for name in ("receive.denyNonFastForwards", "receive.denyDeletes"):
        place.git("config", name, "true")
    assert not stored.store().get("failed")


def test_what_is_no_bare_repository(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "tree")], check=True)
    for path in ("tree", "tree/.git", "world"):
        result = stored.store(store={"kind": "git", "path": str(tmp_path / path)})
        assert "is no bare git repository, so nothing was done" in result["msg"]


def test_a_branch_with_something_else_on_it(stored: StoreWorld) -> None:
    stored.store()
    place = repository(stored)
    mark = place.git("hash-object", "-w", "--stdin", data=b"x").decode().strip()
    tree = place.git("mktree", data=f"100644 blob {mark}\treadme.txt\n".encode()).decode().strip()
    commit = place.git("commit-tree", tree, "-p", "evidence", "-m", "x").decode().strip()
    place.git("update-ref", "refs/heads/evidence", commit)
    result = stored.store()
    assert "holds 'readme.txt', which is not of a store; name another branch" in result["msg"]


def test_a_push_that_rewrites_is_refused_by_the_repository_itself(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    stored.store()
    place = repository(stored)
    copy = tmp_path / "copy.git"
    shutil.copytree(place.path, copy)
    Repository(copy).git("update-ref", "refs/heads/evidence", "evidence~1")
    pushed = subprocess.run(
        ["git", f"--git-dir={copy}", "push", "--force", str(place.path), "evidence"], capture_output=True, text=True, check=False
    )
    assert pushed.returncode != 0 and "denying non-fast-forward" in pushed.stderr


def test_git_that_is_missing(stored: StoreWorld, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.store()
    (tmp_path / "bin").mkdir()
    for tool in ("ssh-keygen",):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        assert "git is missing on the controller, so nothing was done; install the package git" in stored.store()["msg"]


def test_each_run_is_a_commit_of_a_fixed_form(stored: StoreWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    # Nothing of whoever runs it: neither name, nor hook, nor signature.
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Anna Nowak\n[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nonexistent\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Anna Nowak")
    done = stored.store()
    assert not done.get("failed"), done
    place = repository(stored)
    log = place.git("log", "--reverse", "--format=%s|%an|%ce", "evidence").decode().splitlines()
    who = "|recordings.disposal|evidence@recordings.disposal"
    statement = next(title for title in done["put"]["titles"] if title.startswith("run "))
    ledger = next(title for title in done["put"]["titles"] if title.startswith("ledger "))
    assert log == [f"evidence: {statement}{who}", f"evidence: {ledger}{who}"]
    assert re.fullmatch(rf"run {stored.run} statement 0 sha256:[0-9a-f]{{64}}", statement)
    assert done["store"]["commit"] == place.git("rev-parse", "evidence").decode().strip()
    assert place.git("fsck", "--full", "--strict") == b""
