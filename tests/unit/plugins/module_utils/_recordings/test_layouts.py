# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are built here the way the recording systems build them, never by turning a pattern round."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import random
import typing as t
import uuid
import zoneinfo

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError
from ansible_collections.recordings.disposal.plugins.module_utils._recordings import sets as sets_module
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.calendar import calendar_for
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.layouts import PRESETS, Layout, preset, read_layout
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.sets import (
    RecordingSet,
    reassembled,
    sets_in_directory,
    sets_in_tree,
)
from ansible_collections.recordings.disposal.plugins.module_utils._recordings.walk import walk

WARSAW = zoneinfo.ZoneInfo("Europe/Warsaw")


def sets_of(layout: Layout, root: pathlib.Path) -> dict[str, RecordingSet]:
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        directories = walk(fd, "", {})
        if layout.scope == "root":
            found = list(sets_in_tree(layout, directories))
        else:
            found = [item for directory in directories for item in sets_in_directory(layout, directory)]
    finally:
        os.close(fd)
    assert len({item.key for item in found}) == len(found)
    return {item.key: item for item in found}


def lay(root: pathlib.Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)


def freepbx_name(kind: str, dst: str, src: str, moment: dt.datetime, *, system: str = "", number: int = 77, ext: str = "wav") -> str:
    """As FreePBX's macro-user-callerid and sub-record-check do: type-dst-src-YYYYMMDD-HHMMSS-uniqueid.ext."""
    uniqueid = f"{int(moment.timestamp())}.{number}"
    if system:
        uniqueid = f"{system}-{uniqueid}"
    return f"{kind}-{dst}-{src}-{moment:%Y%m%d}-{moment:%H%M%S}-{uniqueid}.{'WAV' if ext == 'wav49' else ext}"


class TestFreePBX:
    def test_names_that_the_naming_code_makes(self) -> None:
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        layout = preset("freepbx")
        for _turn in range(2000):
            kind = chance.choice(["in", "out", "exten", "q", "rg", "parked", "ondemand", "force", "generic"])
            dst = chance.choice(["4001", "+48 22 555-01-00", "48-22-555", "*97", "s", "a b [c]", "Zażółć", "600-20240101-101010-1", "a\nb"])
            src = chance.choice(["+48600100200", "anonymous", "1001", ""])
            moment = dt.datetime.fromtimestamp(chance.randrange(1262304000, 1790000000), WARSAW)
            system = chance.choice(["", "", "pbx1", "pbx.example.com", "node_2"])
            ext = chance.choice(["wav", "wav49", "gsm", "mp3", "ogg", "opus"])
            name = freepbx_name(kind, dst, src, moment, system=system, number=chance.randrange(100000), ext=ext)
            cut = layout.split(name)
            assert cut is not None and cut[1] == "primary", (seed, name)
            fields = layout.stem_fields(cut[0])
            assert fields is not None, (seed, name)
            assert (fields["type"], fields["dst"], fields.get("src", "")) == (kind, dst, src), (seed, name)
            assert fields.get("direction") == {"in": "in", "out": "out", "exten": "internal"}.get(kind)
            assert cut[0].endswith("-" + fields["uniqueid"]) and fields["uniqueid"].startswith(system)
            found = layout.start.epoch(fields, calendar_for("Europe/Warsaw"))
            assert found - int(moment.timestamp()) in (0, 3600), (seed, name)

    @pytest.mark.parametrize(
        "name",
        [
            "in-100-200-2024011-101010-1706692500.77.wav",
            "in-100-200-20240115-101010.wav",
            "in-100-20240115-101010-1.7.wav",
            "20240115-101010_1001.wav",
            "in-100-200-20240115-101010-1706692500.77.part",
            "in-100-200-20240115-101010-1706692500.77",
            ".wav",
            "wav",
        ],
    )
    def test_other_names_are_nobodys(self, name: str, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, name)
        (found,) = sets_of(preset("freepbx"), tmp_path).values()
        assert found.faults == ("name does not match the layout",) and found.start is None

    @pytest.mark.parametrize(
        ("date", "time", "words"),
        [
            ("20240230", "101010", "the date in its name does not exist"),
            ("00000000", "101010", "the date in its name does not exist"),
            ("20241301", "101010", "the date in its name does not exist"),
            ("20240115", "240000", "the time of day in its name does not exist"),
            ("20240115", "106010", "the time of day in its name does not exist"),
        ],
    )
    def test_a_date_that_does_not_exist(self, date: str, time: str, words: str) -> None:
        layout = preset("freepbx")
        fields = layout.stem_fields(f"in-100-200-{date}-{time}-1.7")
        assert fields is not None
        with pytest.raises(ValueError, match=words):
            layout.start.epoch(fields, calendar_for("Europe/Warsaw"))

    def test_members(self, tmp_path: pathlib.Path) -> None:
        stem = freepbx_name("in", "100", "200", dt.datetime(2024, 1, 15, tzinfo=WARSAW))[:-4]
        endings = [".wav", ".mp3", ".json", ".txt", ".vtt", ".png", ".wav.json", ".mp3.txt"]
        lay(tmp_path, *(f"2024/01/15/{stem}{ending}" for ending in endings), f"2024/01/15/{stem}0.wav", f"2024/01/15/x{stem}.txt")
        found = sets_of(preset("freepbx"), tmp_path)
        assert sorted(member.path for member in found[f"2024/01/15/{stem}"].members) == sorted(
            f"2024/01/15/{stem}{ending}" for ending in endings
        )
        assert len(found) == 3
        assert found[f"2024/01/15/x{stem}"].faults == ("no primary recording",)

    def test_names_that_are_not_utf8(self, tmp_path: pathlib.Path) -> None:
        for name in (b"in-Z\xf3\xb3w-200-20240115-101010-1.7.wav", b"in-Z\xf3\xb3w-200-20240115-101010-1.7.json"):
            with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
                pass
        (found,) = sets_of(preset("freepbx"), tmp_path).values()
        assert not found.faults and len(found.members) == 2
        assert os.fsencode(found.fields["dst"]) == b"Z\xf3\xb3w"


class TestVICIdial:
    def lay_call(self, root: pathlib.Path, stem: str) -> list[str]:
        """One call with its legs where AST_CRON_audio_1 to _3 leave them."""
        names = [f"ORIG/{stem}-in.wav", f"ORIG/{stem}-out.wav", f"{stem}-all.wav", f"MP3/{stem}-all.mp3", f"GPG/{stem}-all.wav.gpg"]
        names += [f"FTP/2024-01-15/{stem}-all.mp3", f"GSM/{stem}-all.gsm"]
        lay(root, *names[:5], names[6])
        path = root / names[5]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"y")
        return names

    @pytest.mark.parametrize("run_length", [50000, 3, 1])
    def test_legs_over_directories(self, tmp_path: pathlib.Path, run_length: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sets_module, "_RUN_LENGTH", run_length)
        calls = {f"202401{day:02d}-1010{agent % 60:02d}_{agent}" for day in range(1, 29) for agent in (666, 6666, 66)}
        expected = {stem: sorted(self.lay_call(tmp_path, stem)) for stem in calls}
        lay(tmp_path, "ORIG/notes.doc", "readme", "ORIG/20240101-101006_666_extra-in.wav", "20240101-101006_.wav")
        with open(os.fsencode(tmp_path) + b"/ORIG/20240101-101006_\xf3\xb3-in.wav", "wb"):
            pass
        found = sets_of(preset("vicidial"), tmp_path)
        for stem, names in expected.items():
            assert [member.path for member in found[stem].members] == names
            assert not found[stem].faults and found[stem].fields["agent"] == stem.partition("_")[2]
        rest = {key: item for key, item in found.items() if key not in expected}
        assert len(rest) == 5
        assert sum(item.faults == ("name does not match the layout",) for item in rest.values()) == 4

    def test_an_agent_whose_number_begins_another(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, "20240101-101010_666-in.wav", "20240101-101010_6666-in.wav", "20240101-101010_666-all.wav")
        found = sets_of(preset("vicidial"), tmp_path)
        assert {key: len(item.members) for key, item in found.items()} == {"20240101-101010_666": 2, "20240101-101010_6666": 1}

    def test_order_is_that_of_the_keys(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(40):
            lay(tmp_path, f"d{number % 7}/20240101-1010{number:02d}_1.wav")
        whole = list(sets_of(preset("vicidial"), tmp_path))
        monkeypatch.setattr(sets_module, "_RUN_LENGTH", 5)
        assert list(sets_of(preset("vicidial"), tmp_path)) == whole == sorted(whole)


class TestFusionPBX:
    def test_months_are_those_of_the_c_locale(self, tmp_path: pathlib.Path) -> None:
        names = []
        for month, word in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1):
            key = f"pbx.example.com/archive/2024/{word}/{month:02d}/{uuid.UUID(int=month)}"
            names.append((key, month))
            lay(tmp_path, f"{key}.wav", f"{key}.png")
        found = sets_of(preset("fusionpbx"), tmp_path)
        for key, month in names:
            fields = found[key].fields
            assert not found[key].faults and fields["domain"] == "pbx.example.com" and len(found[key].members) == 2
            start = preset("fusionpbx").start.epoch(fields, calendar_for("UTC"))
            assert start == int(dt.datetime(2024, month, month, 23, 59, 59, tzinfo=dt.timezone.utc).timestamp())

    @pytest.mark.parametrize("place", ["archive/2024/jan/01", "archive/2024/01/01", "archive/2024/Jan", "x/y/archive/2024/Jan/01", ""])
    def test_another_directory_is_nobodys(self, tmp_path: pathlib.Path, place: str) -> None:
        lay(tmp_path, f"{place}/{uuid.UUID(int=1)}.wav".lstrip("/"))
        (found,) = sets_of(preset("fusionpbx"), tmp_path).values()
        assert found.faults == ("directory does not match the layout",)

    def test_a_day_that_the_month_does_not_have(self) -> None:
        layout = preset("fusionpbx")
        placed = layout.directory_fields("archive/2023/Feb/29")
        assert placed is not None
        with pytest.raises(ValueError, match="does not exist"):
            layout.start.epoch(placed, calendar_for("UTC"))


class TestJibri:
    def test_the_set_is_the_directory(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, "s1/Room One_2024-01-15-10-20-30.mp4", "s1/metadata.json", "s2/metadata.json", "stray.mp4")
        lay(tmp_path, "s3/Room One_2024-01-15-10-20-30.mp4", "s3/contract.pdf")
        (tmp_path / "empty").mkdir()
        found = sets_of(preset("jibri"), tmp_path)
        assert not found["s1"].faults and len(found["s1"].members) == 2
        assert found["s3"].faults == ("its directory holds a file that the layout does not know",) and len(found["s3"].members) == 2
        assert found["s1"].fields["room"] == "Room One"
        start = preset("jibri").start.epoch(found["s1"].fields, calendar_for("UTC"))
        assert start == int(dt.datetime(2024, 1, 15, 10, 20, 30, tzinfo=dt.timezone.utc).timestamp())
        assert found["s2"].faults and found["stray.mp4"].faults == ("directory does not match the layout",)
        assert set(found) == {"s1", "s2", "s3", "stray.mp4"}

    def test_of_several_files_the_latest_counts_whatever_the_order_of_names(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, "s/a_2024-05-01-10-00-00.mp4", "s/b_2020-01-01-10-00-00.mp4")
        found = sets_of(preset("jibri"), tmp_path)["s"]
        assert found.fields["ts"] == "2024-05-01-10-00-00"
        assert reassembled(preset("jibri"), "00" * 16, found.members).fields["ts"] == "2024-05-01-10-00-00"

    @pytest.mark.parametrize("stray", ["other.mp4", "z_2024-13-01-10-00-00.mp4"])
    def test_a_file_without_a_date_among_them_keeps_them_all(self, tmp_path: pathlib.Path, stray: str) -> None:
        lay(tmp_path, "s/a_2020-05-01-10-00-00.mp4", f"s/{stray}")
        layout = preset("jibri")
        found = sets_of(layout, tmp_path)["s"]
        if not found.faults:
            with pytest.raises(ValueError, match="does not exist"):
                layout.start.epoch(found.fields, calendar_for("UTC"))


def custom(**more: t.Any) -> dict[str, t.Any]:
    return {"pattern": r"(?P<callid>\w+)_(?P<ts>[\d-]+)", "members": {"primary": [".wav"]}, **more}


class TestCustom:
    @pytest.mark.parametrize(
        ("stamp", "expected"),
        [
            ("20240115", "2024-01-15T23:59:59"),
            ("2024-01-15", "2024-01-15T23:59:59"),
            ("20240115-10", "2024-01-15T10:59:59"),
            ("20240115-1020", "2024-01-15T10:20:59"),
            ("2024-01-15-10-20-30", "2024-01-15T10:20:30"),
            ("20240115102030", "2024-01-15T10:20:30"),
            ("20240115102030123", "2024-01-15T10:20:30"),
            ("20240115-235960", "2024-01-15T23:59:59"),
        ],
    )
    def test_what_a_stamp_leaves_out_counts_as_its_end(self, stamp: str, expected: str) -> None:
        layout = read_layout(custom(), "custom")
        fields = layout.stem_fields(f"a_{stamp}")
        assert fields is not None
        found = layout.start.epoch(fields, calendar_for("UTC"))
        assert f"{dt.datetime.fromtimestamp(found, dt.timezone.utc):%Y-%m-%dT%H:%M:%S}" == expected

    @pytest.mark.parametrize(
        "stamp", ["2024-1-15", "2024-1-5-10-20-30", "2024", "202401", "2024-01-15-1", "20240115-9", "2024-01-32", "--"]
    )
    def test_a_stamp_with_parts_of_one_digit_is_no_date(self, stamp: str) -> None:
        layout = read_layout(custom(), "custom")
        fields = layout.stem_fields(f"a_{stamp}")
        assert fields is not None
        with pytest.raises(ValueError, match="in its name does not exist"):
            layout.start.epoch(fields, calendar_for("UTC"))

    @pytest.mark.parametrize("kind", ["epoch", "epoch_ms"])
    def test_seconds_and_milliseconds(self, kind: str) -> None:
        layout = read_layout(custom(pattern=rf"(?P<callid>\w+)-(?P<{kind}>\d+)"), "custom")
        stem = "a-1700000000" + ("123" if kind == "epoch_ms" else "")
        fields = layout.stem_fields(stem)
        assert fields is not None and layout.start.epoch(fields, calendar_for("UTC")) == 1700000000

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"pattern": "x"}, "the key members is missing"),
            (custom(pattern="(?P<callid"), "is not a regular expression"),
            (custom(pattern=r"(?P<callid>\w+)"), "has no groups that give a date"),
            (custom(members={"sidecar": [".json"]}), "members: the key primary is missing"),
            (custom(members={"primary": [".wav"], "legs": [".x"]}), "is under an unknown key; allowed are encrypted, leg"),
            (custom(members={"primary": [".wav"], "leg": [".wav"]}), "names the suffix .wav twice"),
            (custom(in_progress={"quiet": "P1D"}), "is not a period of hours, minutes and seconds"),
            (custom(in_progress={"quiet": 5}), "is not an ISO 8601 period"),
            (custom(in_progress={"open_files": "no"}), "is neither true nor false"),
            (custom(set="directory", scope="root"), "does not go with set: directory"),
            (custom(primary_roles=["audio"]), "is not known; allowed are"),
            (custom(values={"direction": {"from": "x"}}), "the key map is missing"),
            (custom(patern="x"), "is under an unknown key"),
            ([], "is not a mapping"),
        ],
    )
    def test_faults(self, document: t.Any, words: str) -> None:
        with pytest.raises(PolicyError) as caught:
            read_layout(document, "custom")
        assert words in "\n".join(caught.value.details["problems"])

    def test_presets_are_valid(self) -> None:
        for name in PRESETS:
            assert preset(name).name == name

    def test_the_longest_suffix_counts(self) -> None:
        layout = read_layout(custom(members={"primary": [".wav", ".tar.wav"], "leg": ["-in.wav"], "encrypted": [".wav.gpg"]}), "custom")
        assert layout.split("a-in.wav") == ("a", "leg")
        assert layout.split("a.tar.wav") == ("a", "primary")
        assert layout.split("a.wav.gpg") == ("a", "encrypted")
        assert layout.split("-in.wav") == ("-in", "primary")
        assert layout.split(".wav") is None and layout.split("a.gpg") is None


class TestEncrypted:
    """Whatever the layout, a name with .age behind it is a member of the same set, with the same role."""

    @pytest.mark.parametrize(
        ("layout", "name"),
        [
            ("freepbx", "in-100-200-20240115-101010-1706692500.77.wav"),
            ("freepbx", "in-100-200-20240115-101010-1706692500.77.wav.txt"),
            ("fusionpbx", "0f8fad5b-d9cb-469f-a165-70867728950e.mp3"),
            ("vicidial", "20240115-101010_1001-in.wav"),
            ("vicidial", "20240115-101010_1001-all.wav.gpg"),
            ("jibri", "room_2024-01-15-10-10-10.mp4"),
        ],
    )
    def test_its_stem_and_role_are_those_of_the_plain_name(self, layout: str, name: str) -> None:
        known = preset(layout)
        assert known.split(name) is not None and known.split(f"{name}.age") == known.split(name)
        assert known.plain_name(f"{name}.age") == name == known.plain_name(name)

    @pytest.mark.parametrize("name", [".age", "notes.age", "x.wav.age.age", "in-100-200-20240115-101010-1706692500.77.wav.AGE"])
    def test_what_is_no_encrypted_member(self, name: str) -> None:
        assert preset("freepbx").split(name) is None

    def test_a_layout_that_knows_the_ending_itself_keeps_it(self) -> None:
        document = {"pattern": r"(?P<ts>\d{14})", "members": {"primary": [".ogg"], "encrypted": [".ogg.age"]}}
        layout = read_layout(document, "custom")
        assert layout.split("20240115101010.ogg.age") == ("20240115101010", "encrypted")
        assert layout.plain_name("20240115101010.ogg.age") == "20240115101010.ogg.age"
        assert layout.split("20240115101010.ogg.json.age") is None

    @pytest.mark.parametrize("ending", ["", ".age"])
    def test_a_set_is_the_same_encrypted_or_half_encrypted(self, tmp_path: pathlib.Path, ending: str) -> None:
        stem = freepbx_name("in", "100", "200", dt.datetime(2024, 1, 15, tzinfo=WARSAW))[:-4]
        lay(tmp_path, f"2024/01/15/{stem}.wav.age", f"2024/01/15/{stem}.txt{ending}", f"2024/01/15/{stem}.json", f"2024/01/15/{stem}.mp3")
        (found,) = sets_of(preset("freepbx"), tmp_path).values()
        assert not found.faults and found.fields["src"] == "200"
        assert sorted(member.role for member in found.members) == ["primary", "primary", "sidecar", "transcript"]

    def test_a_session_directory(self, tmp_path: pathlib.Path) -> None:
        lay(tmp_path, "abc/room_2024-01-15-10-10-10.mp4.age", "abc/metadata.json")
        (found,) = sets_of(preset("jibri"), tmp_path).values()
        assert not found.faults and found.fields["room"] == "room"
