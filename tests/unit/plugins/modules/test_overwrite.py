# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwriting files that a task names: refusals first, then the four runs, then what is left after it."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import overwriting
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.overwriting import overwrite_paths
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.paths import refuse_unfit
from ansible_collections.recordings.disposal.plugins.modules.overwrite import main
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Run = t.Callable[..., dict[str, t.Any]]
MARK = b"REC-MARKER-2026 "


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "export"
    (root / "calls").mkdir(parents=True)
    for number, size in enumerate((0, 100, 4096, 200_000)):
        (root / "calls" / f"in-+4860010020{number}.wav").write_bytes((MARK * (size // len(MARK) + 1))[:size])
    (root / "other.wav").write_bytes(MARK * 300)
    return root


@pytest.fixture
def overwrite(tmp_path: pathlib.Path, root: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    given = {"roots": [str(root)], "paths": [str(root / "calls")], "recurse": True, "level": "clear", "state_dir": str(tmp_path / "state")}

    def call(*, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return run(main, capsys, monkeypatch, check=check, **{**given, **options})

    return call


def refused(root: pathlib.Path, overwrite: Run, words: str, **options: t.Any) -> None:
    """Refused with the words in both modes, and not a byte has changed."""
    before = fingerprint(root)
    for check in (True, False):
        result = overwrite(check=check, **options)
        assert result.get("failed") and words in result["msg"], result["msg"]
        assert "\n" not in result["msg"]
    assert fingerprint(root) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"paths": ["/etc/hostname"]}, "the path /etc/hostname lies below none of the roots"),
        ({"paths": ["{root}"]}, "lies below none of the roots"),
        ({"paths": ["{root}/../x"]}, "is not absolute and plain"),
        ({"paths": ["{root}/calls/./in"]}, "is not absolute and plain"),
        ({"paths": ["{root}/nothing.wav"]}, "nothing stands at {root}/nothing.wav, and no journal on this host tells"),
        ({"paths": []}, "paths is an empty list, so nothing was done; name what is to be overwritten"),
        ({"paths": ["{root}/other.wav/x"]}, "what is on its way is no directory, or a symbolic link"),
        ({"roots": ["{root}", "{root}/calls"]}, "the root {root}/calls lies in the root {root}, so nothing was done; name one of them"),
        ({"state_dir": "{root}/calls/state"}, "holds the state directory {root}/calls/state, whose journals and keys would go"),
        ({"recurse": False}, "is a directory, so nothing was done; name its files, or give recurse: true"),
        ({"roots": ["{root}/nowhere"], "paths": ["{root}/nowhere/x"]}, "the root {root}/nowhere cannot be opened"),
        ({"scheme": "gutman"}, "the overwrite scheme 'gutman' is not known; give one of nist_clear"),
        ({"scheme": "custom:zz"}, "has the pass 'zz', which is none"),
        ({"level": "purge"}, "overwrite reaches at most the level clear"),
        ({"level": "destroy"}, "destroy the keys (crypto_erase) or sanitize the whole medium"),
        ({"max_rate": "fast"}, "max_rate: 'fast' is not a size"),
        ({"max_rate": "0"}, "max_rate: '0' is not a size"),
        ({"threads": 0}, "threads is 0, not from 1 to 64"),
        ({"verify": "sample", "sample_share": 101}, "sample_share is 101, not from 1 to 100"),
    ],
)
def test_a_task_that_makes_no_sense(root: pathlib.Path, overwrite: Run, options: dict[str, t.Any], words: str) -> None:
    given = {
        key: [item.format(root=root) for item in value] if isinstance(value, list) else str(value).format(root=root)
        for key, value in options.items()
    }
    refused(root, overwrite, words.format(root=root), **given)


def test_no_such_level(root: pathlib.Path, overwrite: Run) -> None:
    refused(root, overwrite, "value of level must be one of: clear, purge, destroy", level="shiny")


@pytest.mark.parametrize("kind", ["at the path", "on its way", "the root"])
def test_a_symbolic_link(root: pathlib.Path, overwrite: Run, tmp_path: pathlib.Path, kind: str) -> None:
    link = root / "link"
    if kind == "at the path":
        link.symlink_to(root / "other.wav")
        refused(root, overwrite, f"the path {link} is a symbolic link, and links are never followed", paths=[str(link)])
    elif kind == "on its way":
        link.symlink_to(root / "calls")
        refused(root, overwrite, "what is on its way is no directory, or a symbolic link", paths=[str(link / "in-+48600100201.wav")])
    else:
        outside = tmp_path / "outside"
        outside.symlink_to(root)
        refused(root, overwrite, "symbolic link", roots=[str(outside)], paths=[str(outside / "other.wav")])


def test_what_is_no_file(root: pathlib.Path, overwrite: Run) -> None:
    os.mkfifo(root / "pipe")
    refused(root, overwrite, "is neither a file nor a directory", paths=[str(root / "pipe")])


def test_a_name_outside_the_given_paths(root: pathlib.Path, overwrite: Run) -> None:
    os.link(root / "calls" / "in-+48600100201.wav", root / "second")
    refused(root, overwrite, "1 of 4 files cannot be destroyed by overwriting, so nothing was done: ")
    refused(root, overwrite, "hard-linked: the file has 2 names, and only 1 of them in the given paths of this root")


def test_a_file_that_another_process_has_open(root: pathlib.Path, overwrite: Run) -> None:
    with open(root / "calls" / "in-+48600100203.wav", "ab") as handle:
        child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=handle)
    try:
        refused(root, overwrite, "busy: another process has the file open")
        result = overwrite(open_files="overwrite")
        assert not result.get("failed") and result["counts"] == {"destroyed": 3, "not_destroyed": 0, "unknown": 1}, result
    finally:
        child.kill()
        child.wait()


def test_a_protected_file(root: pathlib.Path, overwrite: Run) -> None:
    path = root / "calls" / "in-+48600100202.wav"
    with open(path, "rb") as handle:
        try:
            Executor().change_flags(handle.fileno(), on=0x10)
        except OSError:
            pytest.skip("flags need root, and a filesystem that has them")
    try:
        refused(root, overwrite, "denied: the file may not be written, or its name not removed (immutable, append-only or no permission)")
        result = overwrite(protected="overwrite")
        assert result["outcome"] == "destroyed" and not path.exists()
    finally:
        if path.exists():
            with open(path, "rb") as handle:
                Executor().change_flags(handle.fileno(), off=0x10)


@pytest.mark.parametrize("flag", [0x10, 0x20])
def test_a_directory_that_keeps_its_names(root: pathlib.Path, overwrite: Run, flag: int) -> None:
    directory = os.open(root / "calls", os.O_RDONLY)
    try:
        try:
            Executor().change_flags(directory, on=flag)
        except OSError:
            pytest.skip("flags need root, and a filesystem that has them")
        refused(root, overwrite, "denied: the file may not be written, or its name not removed")
        refused(root, overwrite, "denied: the file may not be written, or its name not removed", protected="overwrite")
        result = overwrite(remove=False)
        assert result["outcome"] == "destroyed"
    finally:
        Executor().change_flags(directory, off=flag)
        os.close(directory)


def test_a_file_that_changes_after_it_was_listed_fails_the_task(
    root: pathlib.Path, overwrite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "calls" / "in-+48600100203.wav"

    def changed(*args: t.Any, **options: t.Any) -> None:
        refuse_unfit(*args, **options)
        path.write_bytes(MARK * (200_000 // len(MARK)))

    monkeypatch.setattr(overwriting, "refuse_unfit", changed)
    result = overwrite()
    assert result["failed"] and result["changed"] and result["counts"] == {"destroyed": 3, "not_destroyed": 1, "unknown": 0}
    assert "changed: the file was written to since it was planned" in result["msg"] and path.read_bytes().startswith(MARK)


def test_a_failed_run_does_not_become_a_success_by_asking_again(
    root: pathlib.Path, overwrite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: t.Any, **options: t.Any) -> None:
        refuse_unfit(*args, **options)
        (root / "calls" / "in-+48600100203.wav").unlink()

    monkeypatch.setattr(overwriting, "refuse_unfit", gone)
    first = overwrite()
    assert first["failed"] and "vanished" in first["msg"]
    monkeypatch.setattr(overwriting, "refuse_unfit", refuse_unfit)
    for check in (False, True):
        again = overwrite(check=check)
        assert again["failed"] and "1 of the files of this task's last run were not destroyed" in again["msg"]


def test_what_came_to_a_directory_since_an_interrupted_run_began_is_named(
    root: pathlib.Path, overwrite: Run, tmp_path: pathlib.Path
) -> None:
    result = overwrite(remove=False)
    path = pathlib.Path(result["journal"]["path"])
    # As if it had been killed before its outcomes.
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"type":"outcome"' not in line and b'"type":"close"' not in line))
    (root / "calls" / "new.wav").write_bytes(MARK)
    resumed = overwrite(remove=False)
    assert resumed["outcome"] == "unknown" and (root / "calls" / "new.wav").read_bytes() == MARK
    assert "files came to the given paths, or were changed there, since the interrupted run began" in json.dumps(resumed["warnings"])
    assert overwrite(remove=False)["outcome"] == "destroyed" and MARK not in (root / "calls" / "new.wav").read_bytes()


def test_nothing_is_destroyed_where_nothing_is(root: pathlib.Path, overwrite: Run) -> None:
    (root / "empty").mkdir()
    for check in (True, False):
        result = overwrite(paths=[str(root / "empty")], check=check)
        assert result["outcome"] == "not_destroyed" and not result["changed"] and not any(result["counts"].values())


def test_legal_holds_on_the_host(root: pathlib.Path, overwrite: Run, tmp_path: pathlib.Path) -> None:
    holds = tmp_path / "state" / "holds"
    holds.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    hold = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48600100201"]}}
    (holds / "H-1.json").write_text(json.dumps(hold))
    refused(root, overwrite, "legal holds are in force on this host (H-1)")
    assert overwrite(holds="checked")["outcome"] == "destroyed"


def test_a_state_directory_that_is_open_to_others(root: pathlib.Path, overwrite: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    refused(root, overwrite, "is open to others")


def test_check_mode_and_an_engine_that_may_not_write(root: pathlib.Path, overwrite: Run) -> None:
    before = fingerprint(root.parent)
    result = overwrite(check=True)
    assert result["changed"] and result["outcome"] == "not_destroyed" and fingerprint(root.parent) == before


@pytest.mark.parametrize("remove", [True, False])
@pytest.mark.parametrize("scheme", ["nist_clear", "random", "dod_5220_22m", "custom:ff,6db6db"])
def test_the_four_runs(root: pathlib.Path, overwrite: Run, scheme: str, remove: bool) -> None:
    call = functools.partial(overwrite, scheme=scheme, remove=remove)
    other = (root / "other.wav").read_bytes()
    before = fingerprint(root)
    checked = call(check=True)
    assert checked["changed"] and fingerprint(root) == before
    done = call()
    assert done["changed"] and done["outcome"] == "destroyed" and done["counts"]["destroyed"] == 4
    assert done["level"]["achieved"] == "clear" and done["bytes"] == done["verified_bytes"] == 204_196
    after = fingerprint(root)
    again = call()
    assert not again["changed"] and again["outcome"] == "destroyed" and again["counts"] == done["counts"]
    checked = call(check=True)
    assert not checked["changed"] and fingerprint(root) == after
    assert (root / "other.wav").read_bytes() == other
    assert (root / "calls").exists() is not remove
    if not remove:
        assert all(MARK not in path.read_bytes() for path in (root / "calls").iterdir())
        assert sorted(path.stat().st_size for path in (root / "calls").iterdir()) == [0, 100, 4096, 200_000]
    assert "+48600100201" not in json.dumps({key: value for key, value in done.items() if key != "invocation"})


def test_files_that_changed_after_they_were_overwritten_are_overwritten_again(root: pathlib.Path, overwrite: Run) -> None:
    overwrite(remove=False)
    path = root / "calls" / "in-+48600100203.wav"
    path.write_bytes(MARK * (200_000 // len(MARK)))
    again = overwrite(remove=False)
    assert again["changed"] and MARK not in path.read_bytes()


@pytest.mark.parametrize("scheme", ["nist_clear", "random"])
@pytest.mark.parametrize("what", ["behind the mark", "a new file"])
def test_what_came_after_the_last_run_is_overwritten_too(root: pathlib.Path, overwrite: Run, what: str, scheme: str) -> None:
    overwrite(remove=False, scheme=scheme)
    path = root / "calls" / ("in-+48600100203.wav" if what == "behind the mark" else "new.wav")
    if what == "a new file":
        path.write_bytes(MARK)
    else:
        facts = path.stat()
        with path.open("r+b") as handle:
            handle.seek(100_000)
            handle.write(MARK * 10)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert overwrite(remove=False, scheme=scheme, check=True)["changed"]
    again = overwrite(remove=False, scheme=scheme)
    assert again["changed"] and again["outcome"] == "destroyed" and MARK not in path.read_bytes()
    assert not overwrite(remove=False, scheme=scheme)["changed"]


def test_new_files_at_the_old_place_are_another_run(root: pathlib.Path, overwrite: Run) -> None:
    first = overwrite()
    (root / "calls").mkdir()
    (root / "calls" / "new.wav").write_bytes(MARK)
    second = overwrite()
    assert second["changed"] and second["run"] != first["run"] and second["counts"]["destroyed"] == 1


def test_all_names_of_a_file_go_with_it(root: pathlib.Path, overwrite: Run) -> None:
    (root / "calls" / "deep").mkdir()
    os.link(root / "calls" / "in-+48600100201.wav", root / "calls" / "deep" / "second")
    os.link(root / "calls" / "in-+48600100201.wav", root / "calls" / "third")
    result = overwrite()
    assert result["counts"] == {"destroyed": 4, "not_destroyed": 0, "unknown": 0}
    assert not (root / "calls").exists()


def test_extended_attributes_are_overwritten_and_named_as_a_limit(root: pathlib.Path, overwrite: Run) -> None:
    path = root / "calls" / "in-+48600100203.wav"
    try:
        os.setxattr(path, "user.caller", b"+48600100203")
    except OSError:
        pytest.skip("the filesystem has no extended attributes for users")
    result = overwrite(remove=False)
    assert os.listxattr(path) == [] and any("extended attributes" in limit for limit in result["limits"])


@pytest.mark.parametrize("verify", ["none", "sample"])
def test_what_is_not_read_back_whole_is_never_destroyed(root: pathlib.Path, overwrite: Run, verify: str) -> None:
    result = overwrite(verify=verify, sample_share=1)
    assert not result.get("failed") and result["changed"]
    assert result["outcome"] == "unknown" and result["level"]["achieved"] == "none"
    assert result["verified_bytes"] < result["bytes"] and not (root / "calls").exists()


def test_the_rate_is_kept(root: pathlib.Path, overwrite: Run) -> None:
    result = overwrite(max_rate="1MB")
    assert result["outcome"] == "destroyed"
    assert result["bytes"] + result["verified_bytes"] <= 1_000_000 * (result["seconds"] + 0.1)


def test_an_idle_priority_holds_for_the_threads(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Asked of the kernel from within a write, in a process of its own, since a priority stays."""

    class Asking(Executor):
        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            import threading

            if os.readlink(f"/proc/self/fd/{fd}").endswith(".wav"):
                told = subprocess.run(["ionice", "-p", str(threading.get_native_id())], capture_output=True, text=True, check=True)
                (tmp_path / "told").write_text(told.stdout)
            return super().pwrite(fd, data, offset)

    child = os.fork()
    if child == 0:
        try:
            params = {"verify": None, "sample_share": 10, "on_ineffective": "fail", "open_files": "refuse", "protected": "refuse"}
            params |= {"scheme": "nist_clear", "max_rate": None, "threads": 2, "remove": True, "holds": "refuse", "resume": True}
            params |= {"paths": [str(root / "calls")], "roots": [str(root)], "recurse": True, "level": "clear", "io_priority": "idle"}
            overwrite_paths({**params, "state_dir": str(tmp_path / "state")}, Asking(), check_mode=False)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "told").read_text().strip() == "idle"


@pytest.mark.parametrize("at", range(1, 80, 3))
@pytest.mark.parametrize("remove", [True, False])
@pytest.mark.parametrize(("verify", "counts"), [("last", (4, 0)), ("none", (1, 3))])
def test_dead_at_any_operation_and_brought_to_its_end(
    root: pathlib.Path, overwrite: Run, tmp_path: pathlib.Path, at: int, remove: bool, verify: str, counts: tuple[int, int]
) -> None:
    """What was not read back before the process died is C(unknown) afterwards too, but for the file that holds nothing."""
    os.link(root / "calls" / "in-+48600100201.wav", root / "calls" / "second")
    params = {
        "verify": verify,
        "sample_share": 10,
        "on_ineffective": "fail",
        "open_files": "refuse",
        "protected": "refuse",
        "max_rate": None,
    }
    params |= {"scheme": "nist_clear", "threads": 1, "remove": remove, "holds": "refuse", "resume": True, "io_priority": "normal"}
    params |= {"paths": [str(root / "calls")], "roots": [str(root)], "recurse": True, "level": "clear"}

    class Dying(Executor):
        left = at

        def _allow(self, what: str) -> None:
            Dying.left -= 1
            if Dying.left == 0:
                os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            overwrite_paths({**params, "state_dir": str(tmp_path / "state")}, Dying(), check_mode=False)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    died = os.waitstatus_to_exitcode(status) == 9
    journals = [path.read_bytes() for path in (tmp_path / "state" / "runs").glob("*/journal.jsonl")]
    if died and any(text and b'"type":"close"' not in text for text in journals):
        left = fingerprint(root)
        checked = overwrite(remove=remove, verify=verify, check=True)
        assert checked["changed"] and checked["outcome"] != "destroyed"
        kept = overwrite(remove=remove, resume=False, verify=verify)
        assert "an earlier run of this task was interrupted" in kept["msg"]
        assert fingerprint(root) == left
    result = overwrite(remove=remove, verify=verify)
    assert not result.get("failed"), result["msg"]
    assert (result["counts"]["destroyed"], result["counts"]["unknown"]) == counts, result
    if remove:
        assert [path.name for path in root.iterdir()] == ["other.wav"]
    else:
        assert len(list((root / "calls").iterdir())) == 5 and all(MARK not in path.read_bytes() for path in (root / "calls").iterdir())


def test_a_refusal_is_an_error_of_ours(root: pathlib.Path) -> None:
    with pytest.raises(DisposalError, match="below none of the roots"):
        overwrite_paths(
            {
                **{
                    "verify": None,
                    "sample_share": 10,
                    "on_ineffective": "fail",
                    "open_files": "refuse",
                    "protected": "refuse",
                    "max_rate": None,
                },
                **{"scheme": "nist_clear", "threads": 1, "remove": True, "holds": "refuse", "resume": True, "io_priority": "normal"},
                **{"paths": ["/x"], "roots": [str(root)], "recurse": True, "level": "clear", "state_dir": str(root.parent / "state")},
            },
            Executor(),
            check_mode=False,
        )
