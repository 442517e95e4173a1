# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import targets as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.names import remove, sync_directories
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import (
    Expected,
    TargetRefusedError,
    look_at,
    open_target,
)
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import (
    Tree,
    expected_of,
    fingerprint,
    marked,
)

PATH = "2021/03/call.wav"


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> t.Iterator[Tree]:
    tree = Tree(tmp_path / "root")
    tree.write(PATH, marked(5000))
    tree.write("2021/03/other.wav", marked(5000, marker=b"OTHER"))
    yield tree
    tree.close()


def vanish(tree: Tree, path: pathlib.Path) -> None:
    path.unlink()


def vanish_directory(tree: Tree, path: pathlib.Path) -> None:
    path.parent.rename(tree.root / "elsewhere")


def replace(tree: Tree, path: pathlib.Path) -> None:
    copy = tree.root / "copy"
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    copy.rename(path)


def replace_directory(tree: Tree, path: pathlib.Path) -> None:
    path.parent.rename(tree.root / "elsewhere")
    path.parent.write_bytes(b"now a file")


def swap_for_directory(tree: Tree, path: pathlib.Path) -> None:
    path.unlink()
    path.mkdir()


def swap_for_fifo(tree: Tree, path: pathlib.Path) -> None:
    path.unlink()
    os.mkfifo(path)


def swap_for_link(tree: Tree, path: pathlib.Path) -> None:
    path.rename(tree.root / "moved")
    path.symlink_to(tree.root / "moved")


def swap_for_dangling_link(tree: Tree, path: pathlib.Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def swap_parent_for_link(tree: Tree, path: pathlib.Path) -> None:
    path.parent.rename(tree.root / "elsewhere")
    path.parent.symlink_to(tree.root / "elsewhere")


def swap_grandparent_for_link(tree: Tree, path: pathlib.Path) -> None:
    path.parent.parent.rename(tree.root / "elsewhere")
    path.parent.parent.symlink_to("elsewhere")


def grow(tree: Tree, path: pathlib.Path) -> None:
    with path.open("ab") as handle:
        handle.write(b"more")


def grow_keeping_time(tree: Tree, path: pathlib.Path) -> None:
    facts = path.stat()
    grow(tree, path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def shrink(tree: Tree, path: pathlib.Path) -> None:
    os.truncate(path, 4999)


def rewrite(tree: Tree, path: pathlib.Path) -> None:
    facts = path.stat()
    path.write_bytes(marked(5000, marker=b"NEW"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))


def link(tree: Tree, path: pathlib.Path) -> None:
    os.link(path, tree.root / "second-name")


CHANGES = [
    (vanish, "vanished", "vanished: nothing is at its path"),
    (vanish_directory, "vanished", "vanished: nothing is at its path"),
    (replace, "replaced", "replaced: another file is at its path"),
    (replace_directory, "replaced", "replaced: another file"),
    (swap_for_directory, "not_regular", "not a regular file"),
    (swap_for_fifo, "not_regular", "not a regular file"),
    (swap_for_link, "symlink", "symlink: a symbolic link is on its path"),
    (swap_for_dangling_link, "symlink", "symlink: a symbolic link"),
    (swap_parent_for_link, "symlink", "symlink: a symbolic link"),
    (swap_grandparent_for_link, "symlink", "symlink: a symbolic link"),
    (grow, "grown", "grown: the file is larger"),
    (grow_keeping_time, "grown", "grown: the file is larger"),
    (shrink, "shrunk", "shrunk: the file is smaller"),
    (rewrite, "changed", "changed: the file was written to"),
    (link, "hard_linked", "hard-linked: the file has another name"),
]


@pytest.mark.parametrize(("change", "kind", "words"), CHANGES, ids=[change.__name__ for change, _kind, _words in CHANGES])
def test_a_file_that_is_not_as_planned_is_refused_and_nothing_changes(
    tree: Tree, change: t.Callable[[Tree, pathlib.Path], None], kind: str, words: str
) -> None:
    expected = expected_of(tree.root / PATH)
    change(tree, tree.root / PATH)
    before = fingerprint(tree.root)
    descriptors = len(os.listdir("/proc/self/fd"))
    for look in (lambda: tree.open(PATH, expected), lambda: look_at(tree.root_fd, PATH, expected)):
        with pytest.raises(TargetRefusedError, match=words) as caught:
            look()
        assert caught.value.kind == kind
        assert "call.wav" not in caught.value.message
    assert fingerprint(tree.root) == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../root/x", "2021/../x", "./x", "2021//x", "x/", "a\0b"])
def test_a_path_that_is_not_plainly_below_the_root_is_refused(tree: Tree, path: str) -> None:
    before = fingerprint(tree.root)
    with pytest.raises(RefusedError, match="is not a plain path below a root"):
        tree.open(path, Expected(0, 0, 0, 0))
    assert fingerprint(tree.root) == before


def test_what_was_swapped_between_the_look_and_the_opening_is_refused(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open descriptor counts, not the name that was looked at."""
    expected = expected_of(tree.root / PATH)

    class Swapping(Executor):
        def open(self, name: str, flags: int, *, mode: int = 0o600, dir_fd: int | None = None) -> int:
            replace(tree, tree.root / PATH)
            return super().open(name, flags, mode=mode, dir_fd=dir_fd)

    tree.executor = Swapping()
    content = (tree.root / PATH).read_bytes()
    with pytest.raises(TargetRefusedError, match="replaced"):
        tree.open(PATH, expected)
    assert (tree.root / PATH).read_bytes() == content


def test_check_mode_cannot_open_remove_or_flush(tree: Tree) -> None:
    expected = expected_of(tree.root / PATH)
    before = fingerprint(tree.root)
    check = CheckExecutor()
    with pytest.raises(CheckModeWriteError):
        open_target(check, tree.root_fd, PATH, expected)
    look_at(tree.root_fd, PATH, expected).close()
    target = tree.open(PATH)
    with pytest.raises(CheckModeWriteError):
        remove(check, target)
    with pytest.raises(CheckModeWriteError):
        sync_directories(check, [target.names[0][0]])
    assert fingerprint(tree.root) == before


def test_a_file_as_planned_is_opened_and_removed(tree: Tree) -> None:
    with tree.open(PATH) as target:
        assert (target.names[0][1], target.size) == ("call.wav", 5000)
        remove(tree.executor, target)
        sync_directories(tree.executor, [target.names[0][0]])
    assert not (tree.root / PATH).exists()
    assert (tree.root / "2021/03/other.wav").read_bytes() == marked(5000, marker=b"OTHER")
    assert (target.fd, target.names) == (-1, [])


@pytest.mark.parametrize("name", ["a b [c] (d).wav", "-rf", "żółć.wav", "new\nline.wav", os.fsdecode(b"\xff\xfe.wav"), "'\"$HOME`.wav"])
def test_any_name_is_just_a_name(tree: Tree, name: str) -> None:
    tree.write(name, b"x")
    with tree.open(name) as target:
        remove(tree.executor, target)
    assert not (tree.root / name).exists()


def test_a_begun_file_is_known_without_its_time(tree: Tree) -> None:
    expected = expected_of(tree.root / PATH)
    os.utime(tree.root / PATH, ns=(1, 1))
    with pytest.raises(TargetRefusedError, match="changed"):
        tree.open(PATH, expected)
    assert tree.open(PATH, expected._replace(mtime_ns=None)).size == 5000


@pytest.mark.parametrize(
    ("change", "words"), [(vanish, "vanished"), (replace, "replaced"), (swap_for_link, "symlink"), (link, "hard-linked")]
)
def test_a_name_that_is_not_the_open_files_any_more_is_not_removed(
    tree: Tree, change: t.Callable[[Tree, pathlib.Path], None], words: str
) -> None:
    target = tree.open(PATH)
    change(tree, tree.root / PATH)
    before = fingerprint(tree.root)
    with pytest.raises(TargetRefusedError, match=words):
        remove(tree.executor, target)
    assert fingerprint(tree.root) == before


def test_a_name_swapped_in_the_instant_of_the_unlink_is_told(tree: Tree) -> None:
    target = tree.open(PATH)

    class Racing(Executor):
        def unlink(self, name: str, *, dir_fd: int | None = None) -> None:
            (tree.root / PATH).rename(tree.root / "kept")
            (tree.root / PATH).write_bytes(b"new recording")
            super().unlink(name, dir_fd=dir_fd)

    with pytest.raises(DisposalError, match="swapped in the instant"):
        remove(Racing(), target)
    assert (tree.root / "kept").exists()


def test_directories_are_flushed_once_each(tree: Tree) -> None:
    flushed = []

    class Counting(Executor):
        def sync_directory(self, path: str | int) -> None:
            flushed.append(path)
            super().sync_directory(path)

    tree.write("2022/a.wav", b"x")
    opened = [tree.open(PATH), tree.open("2021/03/other.wav"), tree.open("2022/a.wav")]
    sync_directories(Counting(), [target.names[0][0] for target in opened])
    assert len(flushed) == 2


@pytest.mark.parametrize(
    ("number", "kind"),
    [(13, "denied"), (1, "denied"), (30, "read_only"), (26, "busy"), (24, "unreadable"), (40, "symlink"), (2, "vanished")],
)
def test_each_error_of_opening_has_its_reason(tree: Tree, number: int, kind: str) -> None:
    class Failing(Executor):
        def open(self, name: str, flags: int, *, mode: int = 0o600, dir_fd: int | None = None) -> int:
            raise OSError(number, os.strerror(number))

    tree.executor = Failing()
    with pytest.raises(TargetRefusedError) as caught:
        tree.open(PATH)
    assert caught.value.kind == kind
    assert caught.value.message.count("\n") == 0


def test_every_kind_has_words() -> None:
    assert all(text and "/" not in text for text in module._REASONS.values())


def grow(tree: Tree, path: pathlib.Path) -> None:
    with path.open("ab") as handle:
        handle.write(b"more")


def rewrite(tree: Tree, path: pathlib.Path) -> None:
    with path.open("r+b") as handle:
        handle.write(b"more")


@pytest.mark.parametrize("change", [grow, rewrite])
def test_a_file_that_somebody_wrote_to_is_not_removed(tree: Tree, change: t.Callable[[Tree, pathlib.Path], None]) -> None:
    target = tree.open(PATH)
    change(tree, tree.root / PATH)
    before = fingerprint(tree.root)
    with pytest.raises(TargetRefusedError, match="used: a process has it open, or wrote to it"):
        remove(tree.executor, target)
    assert fingerprint(tree.root) == before


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY])
def test_a_file_that_somebody_has_open_is_not_removed(tree: Tree, flags: int) -> None:
    target = tree.open(PATH)
    other = os.open(tree.root / PATH, flags)
    with pytest.raises(TargetRefusedError, match="used: "):
        remove(tree.executor, target)
    # Where it was said that others may have it open, only what they wrote counts.
    target.lease(shared=True)
    if flags == os.O_WRONLY:
        os.write(other, b"more")
        with pytest.raises(TargetRefusedError, match="used: "):
            remove(tree.executor, target)
    else:
        remove(tree.executor, target)
    os.close(other)
    assert (tree.root / PATH).exists() == (flags == os.O_WRONLY)


def test_the_time_that_a_server_sets_is_not_looked_at(tree: Tree) -> None:
    target = tree.open(PATH)
    target.note_left(timed=False)
    os.utime(tree.root / PATH, ns=(1, 1))
    target.require_as_left()
