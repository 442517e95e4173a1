# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register's file: every fault is named, three forms say the same, and writing a state back loses nothing."""

from __future__ import annotations

import pathlib
import re
import sqlite3

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils import _register_files, _register_yaml
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import COLUMNS, Change
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_files import RegisterFile
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry, write_register

FORMS = ("register.yml", "register.csv", "register.db")
ROWS = [entry("0042", bay="Slot 03"), entry("S2", host="", state="in_custody", custody="storage at Ł, 2"), entry("no", kind="nvme")]


def problems(path: pathlib.Path) -> list[str]:
    before = path.read_bytes()
    with pytest.raises(PolicyError) as error:
        RegisterFile(str(path))
    assert "is not valid, nothing was done: " in error.value.message
    assert path.read_bytes() == before
    return list(error.value.details["problems"])


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [entry("S1"), entry("  ")],
            r"(row 2|line \d+): the serial is blank, so nobody can tell which medium it is; read it off the label",
        ),
        ([entry("S1"), entry("S1")], r"and (row 2|line \d+) have the same serial \(S1\); look at both labels"),
        ([entry("S 1"), entry("s1")], r"have the same serial but for case or spaces, 's1' \(S 1\)"),
        ([entry("S1", kind="floppy")], r"\(S1\).kind: 'floppy' is not known; allowed are emmc, hdd"),
        ([entry("S1", kind="virtual")], r"\(S1\).kind: 'virtual' is not known"),
        ([entry("S1", kind="")], r"\(S1\): the key kind is missing; it has no default"),
        ([entry("S1", state="wiped")], r"\(S1\).state: 'wiped' is not known; allowed are destroyed, in_custody"),
        ([entry("S1", required_level="shred")], r"\(S1\).required_level: 'shred' is not known; allowed are clear, destroy, none, purge"),
        ([entry("S1", size_bytes="4 TB")], r"\(S1\).size_bytes: '4 TB' is not a whole number of bytes"),
        ([entry("S1", host="")], r"\(S1\): it is in_service and no host is named, so nobody would miss it"),
        ([entry("S1", custody="a safe")], r"\(S1\).custody: 'a safe' is told of a medium that is in_service"),
        ([entry("S1", make="x" * 201)], r"\(S1\).make: 'x+\.\.\. is longer than 200 characters"),
    ],
)
def test_faults_are_named(tmp_path: pathlib.Path, name: str, rows: list[dict[str, str]], words: str) -> None:
    found = problems(write_register(tmp_path / name, rows))
    assert len(found) == 1
    assert re.search(words, found[0])


def test_all_faults_are_told_at_once(tmp_path: pathlib.Path) -> None:
    rows = [entry("S1", kind="tape", colour="red"), entry("s1", state="gone"), entry("")]
    rows[0]["colour"] = "red"
    found = problems(write_register(tmp_path / "register.yml", rows))
    assert len(found) == 4
    assert "the str there is under an unknown key; allowed are asset_number, bay" in found[0]


@pytest.mark.parametrize("name", FORMS[1:])
def test_columns(tmp_path: pathlib.Path, name: str) -> None:
    path = write_register(tmp_path / name, [entry("S1")], [*(column for column in COLUMNS if column != "custody"), "colour"])
    with pytest.raises(PolicyError, match="the column 'colour' is not known; the column custody is missing; allowed are serial"):
        RegisterFile(str(path))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("register.txt", "", r"is none of .yml, .yaml, .csv, .sqlite, .sqlite3, .db, so its form is not known; rename it"),
        ("register.yml", "", "is not a mapping with the one key media"),
        ("register.yml", "[]", "line 1 is no mapping"),
        ("register.yml", "media: {}\n", "is not a mapping with the one key media"),
        ("register.yml", "media: []\nmore: 1\n", "is not a mapping with the one key media"),
        ("register.yml", "media:\n  - S1\n", "line 2 is no mapping, as each medium has to be"),
        ("register.yml", "media:\n  - serial: S1\n    serial: S2\n", "line 3 has the key serial a second time"),
        ("register.yml", "media:\n  - serial: [S1]\n", "line 2 has under serial a list or a mapping"),
        ("register.yml", "media:\n  - {serial: S1, state: &s released}\n  - {serial: S2, state: *s}\n", "line 3 has an alias"),
        ("register.yml", "media:\n  - state: |\n      released\n", "line 2 has under state a text of several lines"),
        ("register.yml", "media: [\n", "is not YAML"),
        (
            "register.csv",
            "serial;kind;required_level;state;custody\nS1;hdd;purge\n",
            "line 2 has 3 cells and the header 5; quote a cell that holds ';'",
        ),
        ("register.csv", 'serial,kind,required_level,state,custody\n"S1,hdd\n', "line 2 is not CSV .*where a row is one line"),
        ("register.csv", "", "the column serial is missing"),
        ("register.csv", "serial,serial,kind,required_level,state,custody\n", "the column serial stands twice"),
        ("register.csv", "serial\n\ud8ff", "line 2 is not UTF-8"),
        ("register.db", "no database, but long enough to be read as if it were one", "must be an SQLite file with a table media"),
    ],
)
def test_forms_that_are_refused(tmp_path: pathlib.Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(PolicyError, match=words):
        RegisterFile(str(path))


def test_files_that_are_missing(tmp_path: pathlib.Path) -> None:
    for name in FORMS:
        with pytest.raises(PolicyError, match="cannot be read .*(No such file|unable to open)"):
            RegisterFile(str(tmp_path / name))
        assert not (tmp_path / name).exists()


def test_a_database_without_text(tmp_path: pathlib.Path) -> None:
    path = write_register(tmp_path / "register.db", [entry("S1")])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE media SET bay = 1.5")
    database.close()
    with pytest.raises(PolicyError, match="row 1 column bay holds a float"):
        RegisterFile(str(path))


def test_all_forms_say_the_same(tmp_path: pathlib.Path) -> None:
    found = [RegisterFile(str(write_register(tmp_path / name, ROWS))).register.media for name in FORMS]
    assert found[0] == found[1] == found[2]
    assert list(found[0]) == ["0042", "s2", "no"]
    assert found[0]["0042"].serial == "0042"


@pytest.mark.parametrize("name", FORMS)
def test_a_state_is_written_back(tmp_path: pathlib.Path, name: str) -> None:
    path = write_register(tmp_path / name, ROWS)
    path.chmod(0o640)
    file = RegisterFile(str(path))
    custody = 'transport at "Łódź, 2" since 2026-11-23T22:00:00Z'
    with pytest.raises(CheckModeWriteError):
        file.write([Change("S2", "destroyed", "")], executor=CheckExecutor())
    file.write([Change("S2", "destroyed", ""), Change("0042", "in_custody", custody)], executor=Executor())
    wanted = [{**ROWS[0], "state": "in_custody", "custody": custody}, {**ROWS[1], "state": "destroyed", "custody": ""}, ROWS[2]]
    assert RegisterFile(str(path)).register.media == RegisterFile(str(write_register(tmp_path / f"wanted-{name}", wanted))).register.media
    assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in tmp_path.iterdir() if item.name.endswith((".tmp", "journal"))] == []


@pytest.mark.parametrize("name", FORMS)
def test_what_somebody_else_has_changed_stays(tmp_path: pathlib.Path, name: str) -> None:
    path = write_register(tmp_path / name, ROWS)
    file = RegisterFile(str(path))
    write_register(path, [{**ROWS[0], "state": "destroyed"}, *ROWS[1:]])
    before = path.read_bytes()
    with pytest.raises(RefusedError, match="was changed by somebody else just now"):
        file.write([Change("no", "released", ""), Change("0042", "released", "")], executor=Executor())
    assert path.read_bytes() == before


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_comments_and_order_of_yaml_stay(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, loader: type) -> None:
    monkeypatch.setattr(_register_yaml, "_LOADER", loader)
    path = tmp_path / "register.yml"
    text = (
        "\ufeff# Ours\nmedia:\n"
        "  - state: 'verified' # since spring\n    kind: hdd\n    serial: 0042 # label\n    host: rec1\n    required_level: purge\n\n"
        "  - {serial: S2, kind: hdd, host: rec1, required_level: purge, state: released}\n"
        "  - serial: S3\n    custody:   # none yet\n    kind: hdd\n    host: rec1\n    required_level: purge\n    state: released\n"
        "  - serial: S4\n    kind: hdd\n    host: rec1\n    required_level: purge\n    state: in_custody\n    custody: a safe\n"
    )
    path.write_text(text, encoding="utf-8")
    changes = [Change(serial, "in_custody", "storage at Ł") for serial in ("0042", "S2", "S3")]
    RegisterFile(str(path)).write([*changes, Change("S4", "reused", "")], executor=Executor())
    wanted = (
        text.replace("- state: 'verified'", '- custody: "storage at Ł"\n    state: in_custody')
        .replace("state: released}", 'custody: "storage at Ł", state: in_custody}')
        .replace("custody:   # none yet", 'custody: "storage at Ł"   # none yet')
        .replace("state: released", "state: in_custody")
        .replace("state: in_custody\n    custody: a safe", 'state: reused\n    custody: ""')
    )
    assert path.read_text(encoding="utf-8") == wanted


def test_other_lines_of_csv_stay(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "register.csv"
    text = (
        '\ufeffserial;kind;host;required_level;state;custody\r\n"S1";"hdd";rec1;purge;in_service;\r\n\r\nS2;hdd;rec1;purge;in_service;\r\n'
    )
    path.write_bytes(text.encode())
    RegisterFile(str(path)).write([Change("S2", "in_custody", "storage at a; b")], executor=Executor())
    assert path.read_bytes() == text.replace("S2;hdd;rec1;purge;in_service;", 'S2;hdd;rec1;purge;in_custody;"storage at a; b"').encode()


def test_a_link_stays_one(tmp_path: pathlib.Path) -> None:
    target = write_register(tmp_path / "kept.csv", ROWS)
    link = tmp_path / "register.csv"
    link.symlink_to(target)
    RegisterFile(str(link)).write([Change("no", "released", "")], executor=Executor())
    assert link.is_symlink()
    assert RegisterFile(str(target)).register.media["no"].state == "released"


def test_a_full_disk_and_a_change_that_reaches_too_far(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Executor):
        def fsync(self, fd: int) -> None:
            raise OSError(28, "No space left on device")

    path = write_register(tmp_path / "register.yml", ROWS)
    before = path.read_bytes()
    with pytest.raises(DisposalError, match="cannot be written .*No space left.*run the same task again"):
        RegisterFile(str(path)).write([Change("no", "released", "")], executor=Full())
    monkeypatch.setattr(_register_files, "changed_yaml", lambda text, changes: text.replace("in_service", "released"))
    with pytest.raises(DisposalError, match="cannot be changed without changing more of it"):
        RegisterFile(str(path)).write([Change("no", "released", "")], executor=Executor())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
