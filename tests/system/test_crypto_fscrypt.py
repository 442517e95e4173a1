# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) on real fscrypt directories: what it refuses, what it destroys, what an adversary with an older copy still opens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.fscrypt_metadata import identifier_of
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.fscrypt_bed import (
    CONTENT,
    VOUCHED,
    Encrypted,
    Erase,
    Fscrypt,
    add_key,
    digest,
    eraser,
    fail_io,
    forget,
    is_locked,
    set_old_policy,
    set_policy,
)
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, run


@pytest.fixture
def fscrypt(bed: Bed) -> Fscrypt:
    return Fscrypt(bed)


@pytest.fixture
def erase(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Erase:
    return eraser(bed, capsys, monkeypatch)


def test_four_runs_of_a_directory_of_the_tool(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_tool()
    wrapped = made.policy_file.read_bytes()
    before = digest(made)
    rehearsal = erase(made, check=True)
    assert rehearsal["changed"] and rehearsal["outcome"] == "not_destroyed"
    assert rehearsal["opened"] == "5 of 5 files could be read"
    assert digest(made) == before and made.contents() == [CONTENT] * 5
    result = erase(made)
    assert (result["outcome"], result["changed"], result["level"]["achieved"]) == ("destroyed", True, "purge"), result
    assert {row["name"]: row["state"] for row in result["preconditions"]} == dict.fromkeys(
        ("encrypted_from_first_write", "strength", "no_other_key", "no_backup", "no_stale_copy", "not_in_memory"), "met"
    )
    assert result["seen"] == {"key": "absent", "files": 1, "copies": 0, "tried": 5, "no_key": 5}
    assert is_locked(made) and not made.policy_file.exists()
    # The protector may serve filesystems that are not mounted.
    assert len(made.protector_files) == 1
    assert fscrypt.tool("unlock", str(made.directory), "--key=/dev/null", check=False).returncode != 0
    os.sync()
    assert hits(made.mounted.image, wrapped[-60:]) == 0
    done = digest(made)
    for check in (False, True):
        again = erase(made, check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, result["run"])
    assert digest(made) == done


def test_the_key_file_of_a_directory_without_the_tool_goes(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_kernel()
    key_file = made.mounted.path / "the.key"
    key_file.write_bytes(made.key)
    os.sync()
    declared = {**VOUCHED, "no_other_key": "the test made it"}
    result = erase(made, target={"key_file": str(key_file)}, declared=declared)
    assert result["outcome"] == "destroyed", result
    assert "the key file is that of the policy" in result["opened"]
    os.sync()
    assert is_locked(made) and not key_file.exists() and hits(made.mounted.image, made.key) == 0
    assert made.key.hex() not in json.dumps(result)


def test_an_undeclared_copy_opens_it_again_and_a_declared_one_is_gone(fscrypt: Fscrypt, erase: Erase, bed: Bed) -> None:
    declared = {**VOUCHED, "no_other_key": "the test made it"}
    made = fscrypt.by_kernel()
    places = bed.new("safe")
    places.mkdir()
    key_file, copies = made.mounted.path / "the.key", [places / "raw", places / "hex"]
    for where in (key_file, copies[0]):
        where.write_bytes(made.key)
    copies[1].write_text(made.key.hex() + "\n")
    (places / "another").write_bytes(bytes(64))
    result = erase(made, target={"key_file": str(key_file)}, declared=declared, header_backups=None)
    assert result["failed"] and result["outcome"] == "unknown"
    assert "no_backup is unknown (no places of copies of the key or escrow were declared" in result["msg"]
    assert is_locked(made)
    assert add_key(made.mounted.path, copies[0].read_bytes()) == made.identifier
    assert made.contents() == [CONTENT] * 5
    key_file.write_bytes(made.key)
    result = erase(made, target={"key_file": str(key_file)}, declared=declared, header_backups=[str(places)])
    assert result["outcome"] == "destroyed", result
    assert [path.name for path in places.iterdir()] == ["another"] and is_locked(made)


def test_protectors_go_where_that_is_asked_for_and_nothing_else_uses_them(fscrypt: Fscrypt, erase: Erase, bed: Bed) -> None:
    alone = fscrypt.by_tool(name="alone")
    key_file = bed.new("raw")
    key_file.write_bytes(alone.key)
    result = erase(alone, target={"key_file": str(key_file), "protectors": "destroy"})
    assert result["outcome"] == "destroyed" and result["seen"]["files"] == 3, result
    assert alone.protector_files == [] and not key_file.exists()
    first = fscrypt.by_tool(alone.mounted, name="first")
    second = fscrypt.by_tool(name="second", shared=first)
    key_file.write_bytes(first.key)
    result = erase(first, target={"key_file": str(key_file), "protectors": "destroy"})
    assert result["outcome"] == "destroyed" and result["seen"]["files"] == 1, result
    assert "the key file opens a protector that stays, so it was left as it is" in result["limits"]
    assert is_locked(first) and key_file.read_bytes() == first.key
    # The other directory that the protector serves still opens, with the stock tool.
    fscrypt.tool("lock", str(second.directory))
    fscrypt.tool("unlock", str(second.directory), f"--key={key_file}")
    assert second.contents() == [CONTENT] * 5


Change = t.Callable[[Fscrypt, Encrypted], t.Any]
_opened: list[t.Any] = []


def _hold(fscrypt: Fscrypt, made: Encrypted) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; f = open(sys.argv[1]); print(1, flush=True); sys.stdin.read()",
            str(next(made.directory.rglob("*.wav"))),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None and holder.stdout.readline()
    _opened.append(holder)


def _second(fscrypt: Fscrypt, made: Encrypted) -> None:
    other = made.mounted.path / "deep" / "other"
    other.mkdir(parents=True)
    set_policy(other, made.identifier)


def _older(fscrypt: Fscrypt, made: Encrypted) -> None:
    (made.mounted.path / "copy").write_bytes(made.policy_file.read_bytes())
    os.sync()
    (made.mounted.path / "copy").unlink()


@pytest.fixture
def _let_go() -> t.Iterator[None]:
    yield
    while _opened:
        with _opened.pop() as holder:
            holder.stdin.close()


@pytest.mark.usefixtures("_let_go")
@pytest.mark.parametrize(
    ("change", "target", "words"),
    [
        (_hold, {}, "1 files or directories in"),
        (_second, {}, "also opens 1 other directories"),
        (_second, {"covers": ["/nowhere"]}, "/nowhere is no top of a directory with the key"),
        (_older, {}, "1 older copies of the policy's metadata lie on its block device"),
        (lambda _f, made: made.policy_file.write_bytes(b"\xff" * 9), {}, "cannot be understood"),
        (lambda _f, made: made.policy_file.unlink(), {}, "no metadata of the fscrypt tool is kept"),
        (lambda _f, made: os.link(made.policy_file, made.mounted.path / "link"), {}, "cannot be destroyed"),
        (None, {"directory": "2024"}, "lies in a directory with the same key"),
        (None, {"directory": ".."}, "something is mounted on"),
        (None, {"directory": "../lost+found"}, "is not encrypted with fscrypt"),
        (None, {"directory": "nothing"}, "cannot be opened (No such file or directory)"),
        (None, {"key_file": "/etc/hostname"}, "is neither the key of"),
        (None, {"key_file": "/nothing"}, "the key file /nothing cannot be read"),
        (None, {"dataset": "a/b"}, "dataset does not go with a target of the kind fscrypt"),
    ],
)
def test_refused_with_not_a_byte_changed(
    fscrypt: Fscrypt, erase: Erase, change: Change | None, target: dict[str, t.Any], words: str
) -> None:
    made = fscrypt.by_tool()
    if change is not None:
        change(fscrypt, made)
    if "directory" in target:
        target = {"directory": os.path.normpath(made.directory / target["directory"])}
    before = digest(made)
    for check in (True, False):
        result = erase(made, target=target, check=check)
        assert result["failed"] and words in result["msg"], result
        assert "nothing was done" in result["msg"] or "was not touched" in result["msg"]
    assert digest(made) == before and made.contents()[0] == CONTENT


def test_a_v1_policy_is_refused(fscrypt: Fscrypt, erase: Erase) -> None:
    mounted = fscrypt.mount()
    directory = mounted.path / "old"
    directory.mkdir()
    set_old_policy(directory, bytes(range(8)))
    result = erase(Encrypted(mounted, directory, b"", ""))
    assert result["failed"] and "it has a v1 policy, whose key is not bound to a name" in result["msg"]


def test_other_directories_with_the_key_go_where_they_are_named(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_tool()
    _second(fscrypt, made)
    other = made.mounted.path / "deep" / "other"
    (other / "more.wav").write_bytes(CONTENT)
    os.sync()
    result = erase(made, target={"covers": [str(other)]})
    assert result["outcome"] == "destroyed", result
    assert is_locked(made) and is_locked(made._replace(directory=other))


def test_what_is_opened_meanwhile_stops_it_before_anything_is_lost(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_tool()
    with next(made.directory.rglob("*.wav")).open("rb") as handle:
        # This process's own descriptors are not looked at beforehand.
        result = erase(made)
        assert result["failed"] and "still hold its key" in result["msg"], result
        assert made.policy_file.exists() and handle.read() == CONTENT
    result = erase(made, resume=False)
    assert result["failed"] and "an earlier run over this key was interrupted" in result["msg"]
    result = erase(made)
    assert result["outcome"] == "destroyed" and is_locked(made)


_KILLED = """
import json, os, signal, sys
from ansible_collections.recordings.disposal.plugins.module_utils import _executor
from ansible.module_utils import basic
left = int(sys.argv[1])
def _allow(self, what):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
_executor.Executor._allow = _allow
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.recordings.disposal.plugins.modules.crypto_erase import main
main()
"""


@pytest.mark.parametrize("acts", [16, 17, 21, 25, 29, 33])
def test_killed_on_the_way_and_brought_to_its_end(fscrypt: Fscrypt, erase: Erase, bed: Bed, acts: int) -> None:
    made = fscrypt.by_tool()
    arguments = {
        "target": {"kind": "fscrypt", "directory": str(made.directory), "protectors": "destroy"},
        **{"level": "purge", "on_unseen": "report", "state_dir": str(bed.directory / "state"), "verify": "all"},
        **{"header_backups": [], "declared": VOUCHED, "_ansible_remote_tmp": "/tmp"},
    }
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(acts)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    result = erase(made, target={"protectors": "destroy"})
    assert (result["outcome"], result["changed"]) == ("destroyed", True), result
    assert is_locked(made) and not made.policy_file.exists() and made.protector_files == []
    assert erase(made, target={"protectors": "destroy"})["changed"] is False


@pytest.mark.parametrize(
    ("fault", "words", "outcome"),
    [
        ("ioctl", "the kernel could not be made to forget the key", "not_destroyed"),
        ("pwrite", "was not destroyed", "not_destroyed"),
        ("unlink", "could not be destroyed and removed", "unknown"),
    ],
)
def test_a_step_that_fails_is_told_and_taken_up_again(
    fscrypt: Fscrypt, erase: Erase, monkeypatch: pytest.MonkeyPatch, fault: str, words: str, outcome: str
) -> None:
    made = fscrypt.by_tool()

    with monkeypatch.context() as patch:
        patch.setattr(Executor, fault, fail_io)
        first = erase(made)
    assert first["failed"] and words in first["msg"] and first["outcome"] == outcome, first
    assert made.policy_file.exists()
    result = erase(made)
    assert (result["outcome"], result["run"]) == ("destroyed", first["run"]), result
    assert is_locked(made) and not made.policy_file.exists()


def test_it_is_destroyed_also_where_it_is_locked_and_new_data_begin_anew(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_tool()
    fscrypt.tool("lock", str(made.directory))
    result = erase(made)
    assert result["outcome"] == "destroyed" and result["opened"] == "", result
    run("rm", "-r", str(made.directory))
    assert erase(made)["changed"] is False
    new = fscrypt.by_tool(made.mounted, protector="new")
    result = erase(new)
    assert (result["outcome"], result["changed"]) == ("destroyed", True), result


def test_metadata_that_go_through_the_journal_are_refused(fscrypt: Fscrypt, erase: Erase) -> None:
    made = fscrypt.by_tool(fscrypt.mount(options="data=journal"))
    result = erase(made)
    assert result["failed"] and "data=journal" in result["msg"], result
    assert made.contents() == [CONTENT] * 5 and made.policy_file.exists()


def test_the_kernel_and_the_parser_agree_on_identifiers(fscrypt: Fscrypt) -> None:
    mounted = fscrypt.mount()
    for length in (32, 48, 64):
        key = os.urandom(length)
        assert add_key(mounted.path, key) == identifier_of(key)
        forget(mounted.path, identifier_of(key))
