# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) on ZFS datasets, with a stand-in for the command C(zfs) and real key files: what it refuses, tells the tool, and believes."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import sys
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys.preconditions import Gone
from ansible_collections.recordings.disposal.plugins.module_utils._keys.zfs import ZfsDataset
from ansible_collections.recordings.disposal.plugins.modules.crypto_erase import main
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.modules import module_world

HERE = pathlib.Path(__file__).resolve().parent
ROOT = "tank/recordings"
VOUCHED = {"not_in_memory": "the test", "no_stale_copy": "the test"}
KEY = bytes(range(100, 132))


class Pool:
    """A pool of which the stand-in tells, and a key file on a real filesystem."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.place, self.key_file = directory / "pool.json", directory / "zfs.key"
        self.key_file.write_bytes(KEY)
        own = {"encryption": "aes-256-gcm", "encryptionroot": ROOT, "keystatus": "available", "keyformat": "raw", "mounted": "no"}
        plain = {"encryption": "off", "keyformat": "none", "keylocation": "none", "encryptionroot": "-", "keystatus": "-"}
        digest = hashlib.sha256(KEY).hexdigest()
        self._sets: dict[str, dict[str, str]] = {
            "tank": {"type": "filesystem", "guid": "1", "used": "900", "origin": "-", "mounted": "yes", **plain},
            ROOT: {
                "type": "filesystem",
                "guid": "2",
                "used": "700",
                "origin": "-",
                **own,
                "keylocation": f"file://{self.key_file}",
                "digest": digest,
            },
            f"{ROOT}@monday": {"type": "snapshot", "guid": "3", "used": "0", **own, "keylocation": "none", "mounted": "-"},
            f"{ROOT}#monday": {"type": "bookmark", "guid": "3", **own, "keylocation": "none", "mounted": "-"},
        }
        self.change(ROOT)

    def change(self, name: str, **properties: str) -> None:
        if self.place.exists():
            self._sets = json.loads(self.place.read_text())
        self._sets[name].update(properties)
        self.place.write_text(json.dumps(self._sets))

    def add_child(self) -> None:
        child = {**self._sets[ROOT], "guid": "5", "keylocation": "none"}
        del child["digest"]
        self.change_all({f"{ROOT}/old": child})

    def add_root(self, name: str, **properties: str) -> None:
        """Another encryption root, with the same key unless it is told otherwise."""
        self.change_all({name: {**self._sets[ROOT], "guid": "7", "encryptionroot": name, **properties}})

    def change_all(self, more: dict[str, dict[str, str]]) -> None:
        self._sets.update(more)
        self.place.write_text(json.dumps(self._sets))

    def unload(self) -> None:
        for name in (ROOT, f"{ROOT}@monday", f"{ROOT}#monday"):
            self.change(name, keystatus="unavailable")

    def told(self, name: str = ROOT) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.place.read_text())[name]
        return found

    def calls(self) -> list[list[str]]:
        """What changed something."""
        rows = [json.loads(line) for line in self.place.with_suffix(".log").read_text().splitlines()]
        return [row for row in rows if row[0] != "get" and "-n" not in row]


@pytest.fixture
def pool(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> Pool:
    tools = bed.new("tools")
    tools.mkdir()
    (tools / "zfs").write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {HERE}/fake_zfs.py "$@"\n')
    (tools / "zfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    made = Pool(bed.directory)
    monkeypatch.setenv("FAKE_ZFS", str(made.place))
    return made


Erase = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def erase(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Erase:
    def call(*, check: bool = False, target: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {
            **{"level": "purge", "on_unseen": "report", "state_dir": str(bed.directory / "state")},
            **{"header_backups": [], "declared": VOUCHED, **options},
        }
        return module_world.run(main, capsys, monkeypatch, check=check, target={"kind": "zfs", "dataset": ROOT, **(target or {})}, **given)

    return call


def test_four_runs(pool: Pool, erase: Erase) -> None:
    before = pool.place.read_bytes()
    rehearsal = erase(check=True)
    assert rehearsal["changed"] and rehearsal["opened"] == "the key file opened it before, its key is loaded", rehearsal
    assert pool.place.read_bytes() == before and pool.key_file.read_bytes() == KEY and pool.calls() == []
    result = erase()
    assert (result["outcome"], result["changed"], result["level"]["achieved"]) == ("destroyed", True, "purge"), result
    assert result["seen"] == {"loaded": 0, "files": 1, "copies": 0, "refused": True}
    change = ["change-key", "-o", "keyformat=raw", "-o", "keylocation=prompt", ROOT]
    assert pool.calls() == [change, ["unload-key", ROOT]]
    assert not pool.key_file.exists() and pool.told()["keystatus"] == "unavailable"
    assert pool.told()["digest"] != hashlib.sha256(KEY).hexdigest()
    looked = {row["name"]: row for row in result["preconditions"]}
    assert "1 snapshots and 1 bookmarks of it have the same key" in looked["no_backup"]["looked_at"]
    assert looked["strength"]["looked_at"] == ["aes-256-gcm"]
    for check in (False, True):
        again = erase(check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, result["run"])
    assert len(pool.calls()) == 2


def test_what_older_blocks_of_the_pool_keep_is_never_taken_as_gone(pool: Pool, erase: Erase) -> None:
    result = erase(declared={"not_in_memory": "the test"})
    assert result["failed"] and result["outcome"] == "unknown"
    assert "older blocks of the pool may keep the key as the former wrapping key wrapped it" in result["msg"]
    assert not pool.key_file.exists()


def test_a_key_that_people_know_is_changed_and_stays_unknown(pool: Pool, erase: Erase) -> None:
    pool.change(ROOT, keylocation="prompt", keyformat="passphrase")
    result = erase()
    assert result["failed"] and result["outcome"] == "unknown" and "no_backup is unknown" in result["msg"], result
    assert "ZFS asks for the wrapping key, which was not destroyed where it is kept" in result["msg"]
    assert pool.calls()[0] == ["change-key", "-o", "keyformat=passphrase", "-o", "keylocation=prompt", ROOT]
    assert pool.told()["keystatus"] == "unavailable"


def test_a_key_that_is_not_loaded_is_loaded_to_be_changed(pool: Pool, erase: Erase) -> None:
    pool.unload()
    result = erase()
    assert result["outcome"] == "destroyed", result
    assert [call[0] for call in pool.calls()] == ["load-key", "change-key", "unload-key"]


@pytest.mark.parametrize(
    ("change", "target", "words"),
    [
        ({"mounted": "yes"}, {}, "tank/recordings mounted, so nothing was done"),
        ({"origin": "tank/a@b"}, {}, "is a clone of tank/a@b, whose key ZFS does not change"),
        ({"keyformat": "odd"}, {}, "has the format odd, which is not known here"),
        ({"keystatus": "unavailable", "keylocation": "prompt"}, {}, "is not loaded and no file of it is known"),
        ({"keystatus": "perhaps"}, {}, "the keystatus 'perhaps'"),
        ({"digest": "0" * 64}, {}, "does not open tank/recordings (Key load error: Incorrect key provided for 'tank/recordings'.)"),
        ({"encryption": "aes-64-gcm"}, {}, "strength is not met (aes-64-gcm)"),
        ({}, {"dataset": "tank"}, "tank is not encrypted"),
        ({}, {"dataset": "tank/none"}, "there is no dataset tank/none"),
        ({}, {"dataset": "pond/a"}, "the datasets of pond cannot be listed (cannot open 'pond': dataset does not exist)"),
        ({}, {"dataset": "tank/recordings@monday"}, "is no name of a dataset"),
        ({}, {"covers": ["tank/none"]}, "tank/none does not have its key from tank/recordings"),
        ({}, {"key_file": "/nothing"}, "the key file /nothing cannot be read"),
        ({"child": "yes"}, {}, "also opens 1 other datasets, tank/recordings/old among them"),
        ({"child": "yes"}, {"dataset": "tank/recordings/old"}, "has its key from tank/recordings"),
    ],
)
def test_refused_with_nothing_changed(pool: Pool, erase: Erase, change: dict[str, str], target: dict[str, t.Any], words: str) -> None:
    if change.pop("child", None):
        pool.add_child()
    pool.change(ROOT, **change)
    before = pool.place.read_bytes()
    result = erase(target=target)
    assert result["failed"] and words in result["msg"], result
    assert pool.place.read_bytes() == before and pool.key_file.read_bytes() == KEY


def test_datasets_that_have_the_key_too_go_where_they_are_named(pool: Pool, erase: Erase) -> None:
    pool.add_child()
    assert erase(target={"covers": [f"{ROOT}/old"]})["outcome"] == "destroyed"
    assert pool.told(f"{ROOT}/old")["keystatus"] == "unavailable"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stubborn": "yes"}, "could not be changed (Key change error: Permission denied.); nothing was destroyed"),
        ({"lying": "yes"}, "that the file"),
        ({"busy": "yes"}, "the kernel still has it (Key unload error: 'tank/recordings' is busy.)"),
    ],
)
def test_a_step_that_fails_leaves_the_key_file_and_is_taken_up_again(pool: Pool, erase: Erase, change: dict[str, str], words: str) -> None:
    pool.change(ROOT, **change)
    first = erase()
    assert first["failed"] and words in first["msg"], first
    assert pool.key_file.read_bytes() == KEY
    pool.change(ROOT, **dict.fromkeys(change, ""))
    if "lying" in change:
        # What a tool has said falsely is not asked again of it: people look at the pool.
        assert erase()["failed"]
        return
    second = erase()
    assert (second["outcome"], second["run"]) == ("destroyed", first["run"]), second


def test_a_run_that_was_cut_off_with_the_host_is_brought_to_its_end(pool: Pool, erase: Erase) -> None:
    pool.change(ROOT, busy="yes")
    erase()
    # The host has restarted: no key is loaded any more.
    pool.change(ROOT, busy="")
    pool.unload()
    result = erase()
    assert result["outcome"] == "destroyed" and [call[0] for call in pool.calls()] == ["change-key", "unload-key"], result


def test_declared_copies_go_and_no_secret_is_told(pool: Pool, erase: Erase, bed: Bed) -> None:
    copies = bed.new("safe")
    copies.mkdir()
    (copies / "copy").write_bytes(KEY)
    (copies / "other").write_bytes(KEY[:-1])
    result = erase(header_backups=[str(copies)])
    assert result["outcome"] == "destroyed" and [path.name for path in copies.iterdir()] == ["other"], result
    told = json.dumps(result) + pool.place.with_suffix(".log").read_text()
    assert KEY.hex() not in told and KEY.decode("latin-1") not in told


@pytest.mark.parametrize("name", ["tank/kept", "pond", "pond/kept"])
def test_a_key_file_that_another_encryption_root_needs_stays(pool: Pool, erase: Erase, bed: Bed, name: str) -> None:
    """Also where that one reaches it by a link, or names what is a copy of it here."""
    link, copies = bed.new("link"), bed.new("safe")
    link.symlink_to(pool.key_file)
    copies.mkdir()
    (copies / "copy").write_bytes(KEY)
    for place, path in ((pool.key_file, pool.key_file), (link, pool.key_file), (copies / "copy", copies / "copy")):
        pool.add_root(name, keylocation=f"file://{place}")
        before = pool.place.read_bytes()
        for check in (True, False):
            result = erase(check=check, header_backups=[str(copies)])
            assert result["failed"] and not result.get("changed"), result
            words = f"the file {path} also opens the dataset {name}, which names it as its keylocation, so nothing was done"
            assert words in result["msg"]
        assert pool.place.read_bytes() == before and pool.key_file.read_bytes() == KEY and (copies / "copy").read_bytes() == KEY
    assert pool.calls() == []
    # With a key of its own it is nobody's concern.
    pool.change(name, keylocation="file:///root/another.key")
    assert erase(header_backups=[str(copies)])["outcome"] == "destroyed" and not pool.key_file.exists()


def test_a_key_file_that_another_root_has_come_to_need_meanwhile_stays(pool: Pool, erase: Erase) -> None:
    pool.change(ROOT, busy="yes")
    assert "the kernel still has it" in erase()["msg"]
    pool.change(ROOT, busy="")
    pool.add_root("tank/kept", keylocation=f"file://{pool.key_file}")
    result = erase()
    assert result["failed"] and "also opens the dataset tank/kept" in result["msg"] and pool.key_file.read_bytes() == KEY, result


def test_what_was_open_is_judged_anew_by_the_same_task(pool: Pool, erase: Erase) -> None:
    first = erase(declared={}, header_backups=None)
    assert first["failed"] and first["outcome"] == "unknown" and not pool.key_file.exists(), first
    calls = pool.calls()
    # One more word is not all of them.
    second = erase(declared={"no_stale_copy": "the test"}, header_backups=None)
    assert second["failed"] and second["outcome"] == "unknown" and second["run"] != first["run"], second
    assert "no_backup is unknown" in second["msg"] and "no_stale_copy" not in second["msg"].split("(", 1)[0]
    # Where nothing tells a copy any more, places are of no use, and words are.
    third = erase(header_backups=[str(pool.key_file.parent)])
    assert third["outcome"] == "unknown" and "the key is gone, so nothing tells a copy of it from another file any more" in third["msg"]
    rehearsal = erase(check=True)
    assert rehearsal["changed"], rehearsal
    result = erase()
    assert (result["outcome"], result["changed"], result["opened"]) == ("destroyed", True, first["opened"]), result
    assert result["seen"] == {"loaded": 0, "files": 1, "copies": 0} and pool.calls() == calls
    again = erase()
    assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, result["run"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keystatus": "available"}, "no_backup is unknown"),
        ({"guid": "9"}, "is not loaded and no file of it is known"),
        ({"keylocation": "https://keys/1"}, "is not loaded and no file of it is known"),
    ],
)
def test_what_is_not_as_the_run_left_it_is_not_judged_by_words(pool: Pool, erase: Erase, change: dict[str, str], words: str) -> None:
    assert erase(declared={})["outcome"] == "unknown"
    pool.change(ROOT, **change)
    result = erase()
    assert result["failed"] and result.get("outcome") != "destroyed" and words in result["msg"], result


def test_a_key_file_that_is_back_is_no_word(pool: Pool, erase: Erase) -> None:
    assert erase(declared={})["outcome"] == "unknown"
    pool.key_file.write_bytes(KEY)
    before = pool.place.read_bytes()
    result = erase()
    assert result["failed"] and f"{pool.key_file}, which held the key and was destroyed, is there again" in result["msg"], result
    assert pool.place.read_bytes() == before and pool.key_file.read_bytes() == KEY


def test_where_there_is_no_zfs(pool: Pool, erase: Erase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nothing")
    result = erase()
    assert result["failed"] and "the tool zfs is not installed" in result["msg"]


def test_a_run_whose_end_nobody_saw_is_seen_to_by_the_next(pool: Pool, erase: Erase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is gone by then, and what was seen of it stands."""
    with monkeypatch.context() as patch:
        patch.setattr(ZfsDataset, "look_back", lambda _self, _plan: Gone("unknown", "the dataset cannot be looked at any more", {}))
        assert erase()["outcome"] == "unknown"
        # Nor does a second one that fails so.
        assert erase()["outcome"] == "unknown"
    assert not pool.key_file.exists()
    assert erase()["outcome"] == "destroyed"
