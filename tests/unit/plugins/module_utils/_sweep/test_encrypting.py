# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypting recordings: refusals first, then what is left alone, then the four runs, then every point at which it may be cut off."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.targets import OpenTarget
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._jobs.lock import host_lock
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import identity_text, public_of, recipient_text
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import encrypter
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.encrypter import Encrypter
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import EncryptWorld, Hooked, opened
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import fingerprint

OTHER = recipient_text(public_of(b"\x71" * 32))


@pytest.fixture
def world(tmp_path: pathlib.Path) -> EncryptWorld:
    return EncryptWorld(tmp_path)


def refused(world: EncryptWorld, words: str, **options: t.Any) -> DisposalError:
    """Refused with the words in both modes, and not a byte of the recordings has changed."""
    before = fingerprint(world.root)
    found: DisposalError | None = None
    for check in (True, False):
        with pytest.raises(DisposalError) as caught:
            world.encrypt(check=check, **options)
        found = caught.value
        assert words in found.message and "\n" not in found.message, found.message
    assert fingerprint(world.root) == before and found is not None
    return found


def kept(world: EncryptWorld, words: str, executor: Executor | None = None, *, before: dict[str, tuple[t.Any, ...]] | None = None) -> None:
    """The task fails with the words, the plaintext is what it was, and no copy is left."""
    before = before or fingerprint(world.root)
    with pytest.raises(DisposalError) as caught:
        world.encrypt(executor=executor)
    assert words in caught.value.message and "\n" not in caught.value.message, caught.value.message
    assert fingerprint(world.root) == before
    assert caught.value.details["left"] == {"fault": 1}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"class": "call"}, "the recipient for the class 'call' and the period '{year}' is of no class of the policy test"),
        ({"class": "calls", "period": "2026-03"}, "has a period that is no year such as 2026, so nothing was done"),
        ({"period": "26"}, "has a period that is no year such as 2026"),
        ({"recipient": "age1qqqq"}, "is none, so nothing was done: the recipient is not Bech32"),
        ({"recipient": identity_text(b"\x42" * 32)}, "the recipient is an identity, which is secret and has no place here"),
        ({"recipient": OTHER}, "is given twice, and differs, so nothing was done"),
        ({"period": "1999"}, "and destroying one key would destroy both, so nothing was done; give each its own"),
    ],
)
def test_recipients_that_make_no_sense(world: EncryptWorld, item: dict[str, str], words: str) -> None:
    world.record(days=1)
    year = time.strftime("%Y")
    wrong = {**next(known for known in world.recipients if known["period"] == year), **item}
    error = refused(world, words.format(year=year), recipients=[*world.recipients, wrong])
    assert "AGE-SECRET" not in error.message and identity_text(b"\x42" * 32)[20:] not in error.message
    assert not world.state.exists()


def test_a_recipient_for_a_class_that_is_not_encrypted(world: EncryptWorld) -> None:
    del world.policy["classes"][0]["encryption"]
    refused(world, "is of a class without encryption, so nothing was done")
    refused(world, "no class of the policy test asks for encryption, so nothing was done", recipients=[])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threads": 0}, "threads is 0, not from 1 to 64"),
        ({"max_rate": "fast"}, "max_rate: 'fast' is not a size"),
        ({"scheme": "gutman"}, "the overwrite scheme 'gutman' is not known"),
        ({"sources": ["pbx2"]}, "sources names pbx2"),
        ({"identifiers_key": "short"}, "no key of at least 32 characters"),
    ],
)
def test_a_task_that_makes_no_sense(world: EncryptWorld, options: dict[str, t.Any], words: str) -> None:
    world.record(days=1)
    refused(world, words, **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encryption": None}, "encryption: nothing is given: the key is blank"),
        ({"encryption": "month"}, "encryption: 'month' is not a mapping"),
        ({"encryption": {"period": "week"}}, "encryption.period: 'week' is not known; allowed are month, quarter, year"),
        ({"encryption": {"period": "month", "keys": 1}}, "is under an unknown key; allowed are period"),
        ({"disposal": {"technique": "crypto_erase", "level": "destroy"}}, "is out of reach of crypto_erase, which reaches clear or purge"),
        (
            {"disposal": {"technique": "crypto_erase", "level": "purge"}},
            "classes[0]: the class calls is destroyed by crypto_erase, but nothing encrypts it; add encryption: {period: month}",
        ),
        (
            {"disposal": {"technique": "crypto_erase", "level": "purge"}, "encryption": {"period": "month"}, "destroy_within": "P30D"},
            "has keys for a month and a destroy_within that is shorter: a key is destroyed when the last recording of its month is due",
        ),
        (
            {"disposal": {"technique": "crypto_erase", "level": "purge"}, "encryption": {"period": "quarter"}, "destroy_within": "P91D"},
            "has keys for a quarter and a destroy_within that is shorter",
        ),
        (
            {"disposal": {"technique": "crypto_erase", "level": "purge"}, "encryption": {"period": "year"}, "destroy_within": "P365D"},
            "has keys for a year and a destroy_within that is shorter",
        ),
        (
            {"disposal": {"technique": "crypto_erase", "level": "purge"}, "encryption": {"period": "month"}, "destroy_within": "PT700H"},
            "has keys for a month and a destroy_within that is shorter",
        ),
    ],
)
def test_a_policy_whose_keys_do_not_serve(world: EncryptWorld, change: dict[str, t.Any], words: str) -> None:
    world.policy["classes"][0].pop("encryption")
    world.policy["classes"][0].update(change)
    with pytest.raises(PolicyError) as caught:
        world.encrypt()
    assert words in "; ".join(caught.value.details["problems"])


@pytest.mark.parametrize(
    ("unit", "within"), [("month", "P31D"), ("month", "P1M"), ("month", "PT744H"), ("quarter", "P3M"), ("quarter", "P92D"), ("year", "P1Y")]
)
def test_a_policy_whose_keys_serve(world: EncryptWorld, unit: str, within: str) -> None:
    world.policy["classes"][0].update(
        encryption={"period": unit}, destroy_within=within, disposal={"technique": "crypto_erase", "level": "purge"}
    )
    assert world.encrypt(check=True, recipients=[], on_missing_recipient="report") if world.record(days=1) else False


def test_a_due_set_of_such_a_class_is_not_overwritten_instead(world: EncryptWorld) -> None:
    world.policy["classes"][0].update(destroy_within="P1Y", disposal={"technique": "crypto_erase", "level": "purge"})
    path = world.record(days=100)
    applied = world.apply(world.manifest(world.plan()))
    assert applied["counts"] == {"destroyed": 0, "not_destroyed": 1, "unknown": 0} and path.exists()
    (outcome,) = (record for record in world.journal() if record["type"] == "outcome")
    assert outcome["reason"] == ["its key is not known to be destroyed yet, which crypto_erase does for its period"]


@pytest.mark.parametrize("name", ["ciphers.aead", "asymmetric"])
def test_a_host_without_the_library(world: EncryptWorld, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    world.record(days=3)
    monkeypatch.setitem(sys.modules, f"cryptography.hazmat.primitives.{name}", None)
    refused(world, "encryption needs the Python library cryptography, which this host's Python does not have")


def test_another_run_on_the_host(world: EncryptWorld) -> None:
    world.record(days=1)
    before = fingerprint(world.root)
    with host_lock(str(world.state), Executor(), purpose="run 1"), pytest.raises(RefusedError, match="this host is locked by process"):
        world.encrypt()
    assert fingerprint(world.root) == before


def test_an_empty_root(world: EncryptWorld) -> None:
    refused(world, "holds 0 recording sets, fewer than min_sets 1")


def test_sets_that_are_left_alone(world: EncryptWorld) -> None:
    world.record(days=0)
    fresh = world.record(days=2, number=1)
    os.utime(fresh)
    linked = world.record(days=3, number=2)
    os.link(linked, linked.with_name("second.wav"))
    (world.root / "notes.txt").write_text("no recording")
    os.utime(world.root / "notes.txt", (time.time() - 86400,) * 2)
    before = fingerprint(world.root)
    for check in (True, False):
        result = world.encrypt(check=check)
        assert not result["changed"] and result["sets"] == {"encrypted": 0, "encrypted_before": 0, "due": 0}
        assert result["left"] == {"in_progress": 2, "unclassified": 3}
    assert fingerprint(world.root) == before


def test_a_class_that_does_not_ask(world: EncryptWorld) -> None:
    world.policy["classes"].append({**world.policy["classes"][0], "name": "kept", "match": {"src": ["+48600100299"]}})
    world.policy["classes"][0]["match"] = {"src": ["+48600100200"]}
    del world.policy["classes"][1]["encryption"]
    mine, other = world.record(days=3), world.record(days=3, number=1, src="+48600100299")
    plain = {mine: mine.read_bytes()}
    result = world.encrypt()
    assert result["left"] == {"class_without_encryption": 1} and other.exists()
    world.require_encrypted(plain)


def test_a_hold_keeps_nothing_from_being_encrypted(world: EncryptWorld) -> None:
    path = world.record(days=3)
    plain = {path: path.read_bytes()}
    hold = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48600100200"]}}
    (world.state / "holds").mkdir(parents=True)
    world.state.chmod(0o700)
    (world.state / "holds" / "H-1.json").write_text(json.dumps(hold))
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted(plain)
    assert world.plan(check=True)["verdicts"]["held"] == {
        "sets": 1,
        "files": 2,
        "bytes": sum(p.stat().st_size for p in path.parent.iterdir()),
    }


@pytest.mark.parametrize("method", ["fail", "report"])
def test_a_period_without_a_recipient(world: EncryptWorld, method: str) -> None:
    mine, other = world.record(days=3), world.record(days=500, number=1)
    world.policy["classes"][0]["keep"] = "P3Y"
    content, left = mine.read_bytes(), other.read_bytes()
    sentence = "no recipient is given for the class and period of 1 sets, which stay as they are: calls"
    recipients = [item for item in world.recipients if item["period"] == time.strftime("%Y", time.localtime(mine.stat().st_mtime))]
    if method == "report":
        result = world.encrypt(recipients=recipients, on_missing_recipient=method)
        assert sentence in result["warnings"][0]
    else:
        with pytest.raises(DisposalError, match=sentence) as caught:
            world.encrypt(recipients=recipients)
        result = caught.value.details
    assert [(item["class"], item["sets"], len(item["samples"])) for item in result["missing"]] == [("calls", 1, 1)]
    assert result["sets"]["encrypted"] == 1 and other.read_bytes() == left
    world.require_encrypted({mine: content})


@pytest.mark.parametrize("kind", ["file", "empty", "link", "directory", "truncated"])
def test_what_stands_at_the_name_of_a_copy(world: EncryptWorld, kind: str) -> None:
    path = world.record(days=3)
    copy = path.with_name(f"{path.name}.age")
    if kind == "file":
        copy.write_bytes(b"somebody's")
    elif kind == "link":
        copy.symlink_to("/etc/hostname")
    elif kind == "directory":
        copy.mkdir()
    else:
        copy.write_bytes(b"" if kind == "empty" else b"age-encryption.org/v1\n-> X25519 ")
    if kind not in ("link", "directory"):
        os.utime(copy, (path.stat().st_mtime,) * 2)
    before = fingerprint(world.root)
    words = {
        "link": "something stands at the name of its encrypted copy, and is never replaced",
        "directory": "something stands at the name of its encrypted copy, and is never replaced",
    }.get(kind, "1 sets have an encrypted copy beside their plaintext that no interrupted run of this host explains")
    for _turn in range(2):
        with pytest.raises(DisposalError, match=words):
            world.encrypt()
    assert fingerprint(world.root) == before


def test_what_came_to_the_name_of_a_copy_meanwhile(world: EncryptWorld) -> None:
    path = world.record(days=3)
    copy = path.with_name(f"{path.name}.age")
    with pytest.raises(DisposalError, match="1 of 1 sets were not encrypted because of faults, .*something stands at the name"):
        world.encrypt(executor=Hooked("give_name", lambda: t.cast(None, copy.write_bytes(b"somebody's"))))
    assert copy.read_bytes() == b"somebody's" and path.read_bytes().startswith(b"MARK")


def test_a_file_that_another_process_has_open(world: EncryptWorld) -> None:
    path = world.record(days=3)
    content = path.read_bytes()
    before = fingerprint(world.root)
    child: list[subprocess.Popen[bytes]] = []

    def hold_open() -> None:
        with open(path, "ab") as handle:
            child.append(subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=handle))

    # Opened after the walk, before the copy; then between the copy and the overwriting.
    for method, when in (("makedirs", lambda path, **_mode: path.endswith("runs")), ("sync_filesystem", lambda _fd: True)):
        try:
            result = world.encrypt(executor=Hooked(method, hold_open, when=t.cast(t.Any, when)))
        finally:
            child[-1].kill()
            child[-1].wait()
        assert result["left"] == {"busy": 1} and result["counts"]["not_destroyed"] == 1
        assert fingerprint(world.root) == before
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})


def test_a_file_that_somebody_waits_for_just_before_it_is_overwritten(world: EncryptWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.record(days=3)
    content = path.read_bytes()
    real = encrypter.digest_of_plain
    waiting: list[subprocess.Popen[bytes]] = []

    def then_opened(target: OpenTarget, *args: t.Any, **options: t.Any) -> str:
        found = real(target, *args, **options)
        waiting.append(subprocess.Popen(["sh", "-c", 'printf more >> "$0"', str(path)]))
        deadline = time.monotonic() + 20
        while target.undisturbed and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    monkeypatch.setattr(encrypter, "digest_of_plain", then_opened)
    result = world.encrypt()
    assert waiting[0].wait(timeout=20) == 0
    assert result["left"] == {"busy": 1} and path.read_bytes() == content + b"more"
    assert not list(path.parent.glob("*.age"))


def _append(path: pathlib.Path) -> None:
    with path.open("ab") as handle:
        handle.write(b"more")


def _change_unseen(path: pathlib.Path) -> None:
    facts = path.stat()
    with path.open("r+b") as handle:
        handle.write(b"KRAM")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _replace(path: pathlib.Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"another")
    other.rename(path)


def _to_link(path: pathlib.Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("change", [_append, _change_unseen])
@pytest.mark.parametrize("method", ["sync_filesystem", "give_name", "sync_directory"])
def test_a_file_that_changes_while_it_is_encrypted(world: EncryptWorld, change: t.Callable[[pathlib.Path], None], method: str) -> None:
    path = world.record(days=3)
    # A directory that is flushed by its descriptor is that of the copies' names.
    result = world.encrypt(executor=Hooked(method, lambda: change(path), when=lambda first, *_rest, **_options: isinstance(first, int)))
    assert result["left"] == {"changed": 1} and result["outcome"] == "not_destroyed"
    assert world.names() == {str(path.relative_to(world.root)), str(path.with_suffix(".json").relative_to(world.root))}
    content = path.read_bytes()
    assert content.endswith(b"more") or content.startswith(b"KRAM")
    os.utime(path, (path.stat().st_mtime - 86400,) * 2)
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})


def test_a_name_that_is_swapped_meanwhile(world: EncryptWorld) -> None:
    path = world.record(days=3)
    content = path.read_bytes()
    with contextlib.suppress(DisposalError):
        world.encrypt(executor=Hooked("sync_filesystem", lambda: _to_link(path)))
    assert path.with_name("moved").read_bytes() == content and path.is_symlink()
    assert not list(path.parent.glob("*.age"))


def test_a_file_that_is_replaced_meanwhile(world: EncryptWorld) -> None:
    path = world.record(days=3)
    result = world.encrypt(executor=Hooked("sync_filesystem", lambda: _replace(path)))
    assert result["left"] == {"replaced": 1} and path.read_bytes() == b"another"
    assert not list(path.parent.glob("*.age"))


def failing(method: str, number: int) -> Hooked:
    """Fails once; a write fails where it is one to a copy."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    def to_copy(fd: int, _data: object) -> bool:
        return fd in executor.copies

    executor = Hooked(method, fail, when=to_copy) if method == "write" else Hooked(method, fail)
    return executor


@pytest.mark.parametrize(
    ("method", "number", "words"),
    [
        ("open_unnamed", errno.ENOSPC, "its filesystem has no room for the encrypted copy; make room and run again"),
        ("open_unnamed", errno.EOPNOTSUPP, "its filesystem has no files without a name"),
        ("write", errno.ENOSPC, "its filesystem has no room for the encrypted copy; make room and run again"),
        ("write", errno.EDQUOT, "its filesystem has no room for the encrypted copy; make room and run again"),
        ("write", errno.EIO, "the encrypted copy cannot be written (Input/output error); look at the medium"),
        ("set_facts", errno.EPERM, "the encrypted copy cannot be written (Operation not permitted)"),
        ("sync_filesystem", errno.EIO, "the encrypted copy could not be flushed to the medium (Input/output error)"),
        ("give_name", errno.EROFS, "its encrypted copy cannot be given its name (Read-only file system)"),
    ],
)
def test_a_medium_that_fails_leaves_the_plaintext(world: EncryptWorld, method: str, number: int, words: str) -> None:
    path = world.record(days=3)
    content = path.read_bytes()
    kept(world, words, failing(method, number))
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})


@pytest.mark.parametrize("place", [0, 30, 150, 300, 330, 5000, -1])
def test_a_copy_that_is_not_on_the_medium_as_it_was_written(world: EncryptWorld, place: int) -> None:
    path = world.record(days=3)

    class Lying(Hooked):
        def write(self, fd: int, data: bytes | memoryview) -> None:
            if fd in self.copies:
                spoilt = bytearray(data)
                spoilt[place] ^= 1
                data = bytes(spoilt)
            super().write(fd, data)

    kept(world, "the encrypted copy read back differs from what was written", Lying("fsync", lambda: None))
    assert path.exists()


def test_a_copy_of_something_else(world: EncryptWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a fault of the memory would make one: what is on the disk opens, and is not what the plaintext holds."""
    world.record(days=3)
    monkeypatch.setattr(encrypter, "digest_of_plain", lambda *_args, **_options: "0" * 64)
    kept(world, "its encrypted copy decrypts to something else than it holds, though it was not changed")


def test_a_name_too_long_for_the_ending(world: EncryptWorld) -> None:
    path = world.record(days=3, src="+486" + "0" * 200)
    assert len(path.name) > 251
    kept(world, "its name leaves no room for the ending .age, so it was not encrypted; shorten it")


def test_check_do_again_and_again_in_check(world: EncryptWorld) -> None:
    world.policy["classes"][0]["keep"] = "P3Y"
    paths = [world.record(days=2 + 200 * number, number=number, size=size) for number, size in enumerate((0, 1, 70_000))]
    paths.append(world.record(days=3, number=9, size=3 << 20))
    transcript = paths[1].with_suffix(".txt")
    transcript.write_text("what was said")
    os.utime(transcript, (paths[1].stat().st_mtime,) * 2)
    plain = {path: path.read_bytes() for path in [*paths, transcript]}
    notes = {path.with_suffix(".json"): path.with_suffix(".json").read_bytes() for path in paths}
    facts = {path: path.stat() for path in plain}
    # Two years are named, and the oldest may be of the one before.
    before = fingerprint(world.root)
    planned = world.plan(check=True)
    checked = world.encrypt(check=True)
    assert checked["changed"] and checked["sets"]["due"] == 4 and fingerprint(world.root) == before and not world.state.exists()
    result = world.encrypt()
    assert result["changed"] and result["outcome"] == "destroyed" and result["level"]["achieved"] == "clear"
    assert result["sets"] == {"encrypted": 4, "encrypted_before": 0, "due": 4}
    assert (result["files"], result["bytes"]) == (5, sum(map(len, plain.values())))
    assert sum(item["sets"] for item in result["periods"]) == 4
    world.require_encrypted(plain)
    for path, then in facts.items():
        now = path.with_name(f"{path.name}.age").stat()
        assert (now.st_mode, now.st_uid, now.st_gid, now.st_mtime_ns) == (then.st_mode, then.st_uid, then.st_gid, then.st_mtime_ns)
    assert {path: path.read_bytes() for path in notes} == notes
    after = fingerprint(world.root)
    for check in (False, True):
        again = world.encrypt(check=check)
        assert not again["changed"] and again["sets"] == {"encrypted": 0, "encrypted_before": 4, "due": 0}
        assert fingerprint(world.root) == after
    found = world.plan(check=True)
    assert {name: item["sets"] for name, item in found["verdicts"].items()} == {
        name: item["sets"] for name, item in planned["verdicts"].items()
    }
    text = json.dumps(result)
    assert len(text) < 1 << 16 and "48600100200" not in text and str(world.root) not in text


@pytest.mark.parametrize("kind", ["name", "csv"])
def test_metadata_is_found_by_the_name_that_the_file_had(world: EncryptWorld, kind: str) -> None:
    path = world.record(days=3)
    note = path.with_suffix(".json")
    if kind == "name":
        note = note.rename(path.with_name(f"{path.name}.json"))
        world.policy["sources"][0]["metadata"] = [{"sidecar": "{name}.json", "required": True}]
    else:
        (world.path / "calls.csv").write_text(f"file,agent\n{path.name},anna\n")
        world.policy["sources"][0]["metadata"] = [{"csv": str(world.path / "calls.csv"), "key": "file", "required": True}]
        world.policy["classes"][0]["match"] = {"agent": ["anna"]}
    content = note.read_bytes()
    assert world.encrypt()["sets"]["encrypted"] == 1
    assert note.read_bytes() == content and not path.exists()
    assert world.plan(check=True)["verdicts"]["retained"]["sets"] == 1
    assert world.encrypt(check=True)["sets"]["encrypted_before"] == 1


def test_attributes_go_over_to_the_copy(world: EncryptWorld) -> None:
    path = world.record(days=3)
    try:
        os.setxattr(path, "user.call", b"transferred twice")
    except OSError:
        pytest.skip("the filesystem has no extended attributes")
    path.chmod(0o640)
    world.encrypt()
    copy = path.with_name(f"{path.name}.age")
    assert os.getxattr(copy, "user.call") == b"transferred twice" and copy.stat().st_mode & 0o777 == 0o640


def test_an_encrypted_set_is_destroyed_as_a_whole(world: EncryptWorld) -> None:
    path = world.record(days=100)
    world.encrypt()
    planned = world.plan()
    assert planned["verdicts"]["due"] == {
        "sets": 1,
        "files": 2,
        "bytes": sum(item.stat().st_size for item in path.parent.iterdir()),
    }
    assert world.apply(world.manifest(planned))["counts"]["destroyed"] == 1
    assert world.names() == set()


class Cut(BaseException):
    """The end of the process."""


class CutOff(Executor):
    """Lets so many writes happen, and none after."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def _allow(self, what: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cut


def test_cut_off_at_any_write_the_same_task_again_ends_it(tmp_path: pathlib.Path) -> None:
    cut = 0
    ended = False
    seen: set[str] = set()
    while not ended:
        (tmp_path / str(cut)).mkdir()
        world = EncryptWorld(tmp_path / str(cut))
        path = world.record(days=3, size=70_000)
        transcript = path.with_suffix(".txt")
        transcript.write_text("what was said")
        os.utime(transcript, (path.stat().st_mtime,) * 2)
        plain = {item: item.read_bytes() for item in (path, transcript)}
        try:
            world.encrypt(executor=CutOff(cut), threads=1)
            ended = True
        except Cut:
            for item, content in plain.items():
                copy = item.with_name(f"{item.name}.age")
                # At no point is there less than one whole of the two.
                assert (item.exists() and item.read_bytes() == content) or opened(copy, world.identities[world.period_of(copy)]) == content
            seen |= set(_types(world))
            # Nothing is left to do where only the flush of the journal's last record was missing.
            due = not all(JournalState.fold(read_journal(journal, allow_torn=True)).closed for journal in _journals(world))
            due = due or any(item.exists() for item in plain)
            if cut % 5 == 0:
                assert world.encrypt(check=True)["changed"] == due
            result = world.encrypt()
            assert (result["outcome"] == "destroyed") == due and result["sets"]["encrypted"] == due, (cut, result)
        world.require_encrypted(plain)
        assert len(world.names()) == 3
        if cut % 5 == 0:
            again = world.encrypt(check=True)
            assert not again["changed"] and again["sets"]["encrypted_before"] == 1
        for journal in _journals(world):
            assert JournalState.fold(read_journal(journal)).closed
        cut += 1
    assert cut > 30 and {"open", "intent", "step", "erased", "outcome"} <= seen


def _journals(world: EncryptWorld) -> list[pathlib.Path]:
    return list((world.state / "runs").glob("*/journal.jsonl"))


def _types(world: EncryptWorld) -> t.Iterator[str]:
    for path in _journals(world):
        for record in read_journal(path, allow_torn=True):
            yield record["type"]


def _cut_after(world: EncryptWorld, what: t.Callable[[], bool]) -> None:
    """Cut off at the first write at which C(what) holds."""

    class When(Executor):
        def _allow(self, _what: str) -> None:
            if what():
                raise Cut

    with pytest.raises(Cut):
        world.encrypt(executor=When(), threads=1)


def test_a_copy_that_was_spoilt_after_an_interruption_is_made_again(world: EncryptWorld) -> None:
    path = world.record(days=3, size=200_000)
    content = path.read_bytes()
    copy = path.with_name(f"{path.name}.age")
    _cut_after(world, copy.exists)
    os.truncate(copy, copy.stat().st_size - 100)
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})


def test_a_foreign_copy_after_an_interruption_is_not_trusted(world: EncryptWorld) -> None:
    path = world.record(days=3, size=200_000)
    copy = path.with_name(f"{path.name}.age")
    _cut_after(world, copy.exists)
    copy.unlink()
    copy.write_bytes(b"somebody's")
    before = fingerprint(world.root)
    with pytest.raises(DisposalError, match="something stands at the name of its encrypted copy, and is never replaced"):
        world.encrypt()
    assert fingerprint(world.root) == before


def _cut_in_overwriting(world: EncryptWorld, path: pathlib.Path, *, skip: int = 0) -> None:
    """Cut off after a part of the first write to the plaintext; C(skip) bytes of it never reached the medium."""
    number = path.stat().st_ino

    class Overwriting(Executor):
        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            if os.fstat(fd).st_ino != number:
                return super().pwrite(fd, data, offset)
            super().pwrite(fd, data[skip : skip + 8192], offset + skip)
            raise Cut

    with pytest.raises(Cut):
        world.encrypt(executor=Overwriting(), threads=1)


def _spoil(copy: pathlib.Path) -> None:
    facts = copy.stat()
    with copy.open("r+b") as handle:
        handle.seek(1000)
        handle.write(b"spoilt")
    os.utime(copy, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize(
    ("skip", "words"), [(0, "was begun before an interruption, and its encrypted copy"), (65536, "it is neither what it was")]
)
def test_plaintext_half_gone_and_a_copy_spoilt_is_told_and_nothing_more_is_written(world: EncryptWorld, skip: int, words: str) -> None:
    path = world.record(days=3, size=200_000)
    facts = path.stat()
    _cut_in_overwriting(world, path, skip=skip)
    assert path.read_bytes()[skip:].startswith(bytes(8192))
    # As after a loss of power, which leaves times as they were.
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    _spoil(path.with_name(f"{path.name}.age"))
    before = fingerprint(world.root)
    with pytest.raises(DisposalError, match=words):
        world.encrypt()
    assert fingerprint(world.root) == before


def test_plaintext_half_gone_behind_its_beginning_leaves_the_copy(world: EncryptWorld) -> None:
    path = world.record(days=3, size=200_000)
    content, facts = path.read_bytes(), path.stat()
    _cut_in_overwriting(world, path, skip=65536)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    for _turn in range(2):
        with pytest.raises(DisposalError, match="it is neither what it was then nor what this run writes|have an encrypted copy beside"):
            world.encrypt()
        copy = path.with_name(f"{path.name}.age")
        assert opened(copy, world.identities[world.period_of(copy)]) == content


@pytest.mark.parametrize("when", ["looked at", "overwritten"])
def test_plaintext_half_gone_and_open_elsewhere_keeps_its_copy(world: EncryptWorld, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    path = world.record(days=3, size=200_000)
    content = path.read_bytes()
    _cut_in_overwriting(world, path)
    readers = []

    def read() -> None:
        with path.open("rb") as handle:
            readers.append(subprocess.Popen(["sleep", "60"], stdin=handle))

    real = Encrypter._resumed

    def then_read(self: Encrypter, *args: t.Any) -> bool:
        found = real(self, *args)
        read()
        return found

    if when == "looked at":
        read()
    else:
        monkeypatch.setattr(Encrypter, "_resumed", then_read)
    try:
        with pytest.raises(DisposalError) as caught:
            world.encrypt()
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    assert "busy" in caught.value.message
    copy = path.with_name(f"{path.name}.age")
    assert opened(copy, world.identities[world.period_of(copy)]) == content


def test_a_recording_rewritten_after_an_interruption_is_encrypted_as_it_is_now(world: EncryptWorld) -> None:
    path = world.record(days=3, size=200_000)
    _cut_after(world, path.with_name(f"{path.name}.age").exists)
    _change_unseen(path)
    content = path.read_bytes()
    result = world.encrypt()
    assert result["left"] == {"changed": 1} and result["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})


def test_what_was_appended_after_an_interruption_stays(world: EncryptWorld) -> None:
    path = world.record(days=3, size=200_000)
    copy = path.with_name(f"{path.name}.age")
    _cut_after(world, copy.exists)
    _append(path)
    content = path.read_bytes()
    with pytest.raises(DisposalError, match="announced before an interruption, now grown"):
        world.encrypt()
    assert path.read_bytes() == content and copy.exists()


def test_an_interrupted_run_ends_with_the_recipients_of_a_later_task(world: EncryptWorld) -> None:
    path = world.record(days=3, size=70_000)
    content = path.read_bytes()
    _cut_after(world, path.with_name(f"{path.name}.age").exists)
    world.identities["1999"] = b"\x70" * 32
    assert world.encrypt()["sets"]["encrypted"] == 1
    world.require_encrypted({path: content})
