# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cartridges by their memory: bytes as SPC lays READ ATTRIBUTE out, which C(sg_read_attr --raw) passes on, and its words where it fails
(C(sg_read_attr.c) of sg3_utils 1.46 and later)."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import struct
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import cartridge, tape_erase
from ansible_collections.recordings.disposal.plugins.module_utils._media.cartridge import (
    Cartridge,
    Inside,
    Memory,
    ask_memory,
    find_cartridge,
    parse_attributes,
    parse_partitions,
    reasons_against,
    refuse_drive,
    require_erasable,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.tape import TapeDrive, TapeStatus
from ansible_collections.recordings.disposal.plugins.module_utils._media.tape_erase import TapeErase
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer

SERIAL = "HA7T00C019"


def attributes(*values: tuple[int, int, bytes]) -> bytes:
    body = b"".join(struct.pack(">HBH", number, form, len(value)) + value for number, form, value in values)
    return struct.pack(">I", len(body)) + body


def memory(serial: str = SERIAL, kind: int = 0) -> bytes:
    """As an LTO-8 cartridge's begins, some attributes left out."""
    return attributes(
        (0x0000, 0x80, (11444224).to_bytes(8, "big")),
        (0x0001, 0x80, (11444224).to_bytes(8, "big")),
        (0x0003, 0x80, (3).to_bytes(8, "big")),
        (0x0400, 0x81, b"FUJIFILM"),
        (0x0401, 0x81, serial.encode().ljust(32)),
        (0x0405, 0x80, b"\x5e"),
        (0x0408, 0x80, bytes([kind])),
        (0x0806, 0x01, b"DCC001L8".ljust(32)),
    )


ONE_PARTITION = bytes.fromhex("00020001")
NOT_SUPPORTED = Answer(9, b"", "Read attribute command not supported\nsg_read_attr failed: Illegal request, Invalid opcode\n")
DATA = Memory(SERIAL, "FUJIFILM", "DCC001L8", "data", 11444224 << 20, 1)
LOADED = TapeStatus(frozenset({"BOT", "ONLINE", "IM_REP_EN"}), 0x5E, 0)
DRIVE = TapeDrive("nst0", "/dev/nst0", "/sys/x", "IBM", "ULT3580-HH8", "N9M1", "1068001234", "5000e1112233", "/dev/sg3", no_wait=False)


class Host:
    """Drives whose tools answer what a test says, by the node that they are asked by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drives = [DRIVE]
        self.status: dict[str, tuple[TapeStatus | None, str]] = {}
        self.answers: dict[tuple[str, bool], Answer] = {}
        self.asked: list[list[str]] = []
        monkeypatch.setattr(cartridge, "list_tapes", lambda sys_root: self.drives)
        for module in (cartridge, tape_erase):
            monkeypatch.setattr(module, "ask_tape", lambda path: self.status.get(path, (LOADED, "")))
        monkeypatch.setattr(cartridge, "ask", self._ask)
        monkeypatch.setattr(cartridge, "find_openers", lambda is_it, proc_root: ([], []))

    def _ask(self, words: t.Sequence[str]) -> Answer:
        self.asked.append([*words])
        parts = "--sa=3" in words
        return self.answers.get((words[-1], parts), Answer(0, ONE_PARTITION if parts else memory(), ""))

    def second(self, **change: t.Any) -> None:
        other = {"name": "nst1", "path": "/dev/nst1", "commands": "/dev/sg4", "serial": "1068009999", "wwn": "5000e1119999"}
        self.drives = [DRIVE, dataclasses.replace(DRIVE, **{**other, **change})]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


# What sg_read_attr of sg3_utils 1.46 and 1.48 gave over the test-bed's drive.
TESTBED = (
    "00000077 0000800008 0000000000000002 0001800008 0000000000000002 0400810008 5445535442454420 0401810020 4341525430303031"
    f"{'20' * 24} 0408800001 00 0806010020 4142433132334c38 {'20' * 24}"
)


def test_a_memory() -> None:
    found = parse_attributes(bytes.fromhex(TESTBED))
    assert list(found) == [0, 1, 0x0400, 0x0401, 0x0408, 0x0806] and found[0x0401] == b"CART0001".ljust(32) and found[0x0408] == b"\0"
    found = parse_attributes(memory())
    assert found[0x0401] == SERIAL.encode().ljust(32) and found[0x0405] == b"\x5e" and parse_attributes(attributes()) == {}


@pytest.mark.parametrize(
    "data", [b"", b"\0\0", memory()[:-1], memory() + b"\0", memory()[:40], struct.pack(">I", 3) + b"\4\1\1", b"Attribute values:\n"]
)
def test_a_memory_that_is_not_believed(data: bytes) -> None:
    with pytest.raises(RefusedError, match="the cartridge's memory is cut off"):
        parse_attributes(data)


@pytest.mark.parametrize("data", [b"", b"\0\x02\0", b"\0\x02\0\0", b"\0\x04\0\x01", b"\0\x02\0\x01\0"])
def test_a_number_of_partitions_that_is_none(data: bytes) -> None:
    with pytest.raises(RefusedError, match="tells no number of partitions"):
        parse_partitions(data)


def test_what_a_cartridge_is(host: Host) -> None:
    assert ask_memory(DRIVE) == (DATA, "")
    # By the node that takes commands beside the one of the tape, and only reading.
    assert [words[:3] for words in host.asked] == [["sg_read_attr", "--raw", "--readonly"]] * 2 and host.asked[0][-1] == "/dev/sg3"
    host.answers[("/dev/sg3", False)] = Answer(0, memory("", kind=0x80), "")
    host.answers[("/dev/sg3", True)] = NOT_SUPPORTED
    found, _why = ask_memory(DRIVE)
    assert found and (found.serial, found.kind, found.partitions) == ("", "worm", None) and "not supported" in found.partitions_why
    host.answers[("/dev/sg3", False)] = NOT_SUPPORTED
    assert ask_memory(DRIVE) == (None, "Read attribute command not supported sg_read_attr failed: Illegal request, Invalid opcode")


def test_a_drive_that_is_busy_or_empty_is_not_asked_further(host: Host) -> None:
    for status, why in ((None, "/dev/nst0: Device or resource busy"), (TapeStatus(frozenset({"DR_OPEN"}), 0, 0), "")):
        host.status["/dev/nst0"] = (status, why)
        with pytest.raises(RefusedError, match="no tape drive of this host holds the cartridge") as caught:
            find_cartridge({"cartridge": SERIAL})
        assert (why or "nst0: no tape is loaded") in caught.value.message
    assert host.asked == []


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"cartridge": " "}, "is empty, which would name any"),
        ({"cartridge": SERIAL, "serial": "x"}, "is named by its serial number alone, and serial is given too"),
        ({"cartridge": SERIAL, "size_bytes": "5"}, "is named by its serial number alone, and size_bytes is given too"),
        (
            {"cartridge": "1068001234"},
            "the cartridge 1068001234 is that of the tape drive nst0, and a drive never names the cartridge in it",
        ),
        ({"cartridge": "5000e1112233"}, "a drive never names the cartridge in it"),
        # What somebody has written on it is not the cartridge's own, and part of a serial number is none.
        ({"cartridge": "DCC001L8"}, "no tape drive of this host holds the cartridge DCC001L8 (1 drives were asked)"),
        ({"cartridge": SERIAL[:-1]}, "no tape drive of this host holds the cartridge"),
    ],
)
def test_what_names_no_cartridge(host: Host, identity: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        find_cartridge(identity)
    assert words in caught.value.message


def test_a_drive_named_as_if_it_were_a_disk(host: Host) -> None:
    with pytest.raises(RefusedError, match="the serial 1068001234 is that of the tape drive nst0"):
        refuse_drive({"serial": "1068001234"})
    refuse_drive({"serial": "S4EWNX0N123456"})
    host.drives = [dataclasses.replace(DRIVE, serial="", wwn="")]
    refuse_drive({"serial": ""})


def test_the_cartridge_is_found_in_whatever_drive(host: Host) -> None:
    host.second()
    host.answers[("/dev/sg3", False)] = Answer(0, memory("OTHER1"), "")
    found = find_cartridge({"cartridge": SERIAL})
    assert (found.name, found.path, found.size) == ("nst1", "/dev/nst1", 11444224 << 20)
    assert found.identity["facts"] == {"cartridge": [SERIAL]} and found.asked == {"cartridge": SERIAL}
    # Another drive that is busy is another matter, unless it is another path to this one.
    host.status["/dev/nst0"] = (None, "/dev/nst0: Device or resource busy")
    assert find_cartridge({"cartridge": SERIAL}) == found
    host.second(serial=DRIVE.serial)
    with pytest.raises(RefusedError, match=r"several drives may hold the cartridge HA7T00C019: nst1, nst0 \(several paths"):
        find_cartridge({"cartridge": SERIAL})


def test_two_cartridges_with_one_serial(host: Host) -> None:
    host.second()
    with pytest.raises(RefusedError, match="several drives may hold the cartridge HA7T00C019: nst0, nst1"):
        find_cartridge({"cartridge": SERIAL})


INSIDE = Inside(LOADED, "", DATA, "")


@pytest.mark.parametrize(
    ("drive", "inside", "words"),
    [
        ({}, {"status": None, "why": "busy"}, "the state of the tape cannot be read (busy), which counts as in use"),
        ({}, {"status": TapeStatus(None, 0, 0)}, "this mt does not tell whether a tape is loaded"),
        ({}, {"status": TapeStatus(frozenset({"DR_OPEN"}), 0, 0)}, "no tape is loaded, or it is not ready"),
        ({}, {"status": TapeStatus(frozenset(), 0, 0)}, "no tape is loaded, or it is not ready"),
        ({}, {"status": TapeStatus(frozenset({"ONLINE", "WR_PROT"}), 0, 0)}, "the tape is write-protected"),
        ({}, {"status": TapeStatus(frozenset({"ONLINE"}), 0, 10240)}, "the drive is set to records of 10240 bytes"),
        ({}, {"status": TapeStatus(frozenset({"ONLINE"}), 0, None)}, "the length of its records cannot be told"),
        ({"no_wait": True}, {}, "the kernel is told not to wait for the end of an erase"),
        ({"no_wait": None}, {}, "whether the kernel waits for the end of an erase cannot be told"),
        ({}, {"memory": None, "memory_why": "no"}, "the cartridge's memory cannot be read, so it has no identity (no)"),
        ({}, {"memory": dataclasses.replace(DATA, serial="")}, "the cartridge's memory tells no serial number"),
        ({}, {"memory": dataclasses.replace(DATA, kind="worm")}, "it is a WORM cartridge"),
        ({}, {"memory": dataclasses.replace(DATA, kind="cleaning")}, "it is a cleaning cartridge"),
        ({}, {"memory": dataclasses.replace(DATA, kind="0x07")}, "of which type the cartridge is, is not known (0x07)"),
        ({}, {"memory": dataclasses.replace(DATA, kind="")}, "is not known (its memory does not tell)"),
        ({}, {"memory": dataclasses.replace(DATA, partitions=2)}, "it has 2 partitions, of which an erase reaches one"),
        ({}, {"memory": dataclasses.replace(DATA, partitions=None, partitions_why="no")}, "several partitions cannot be told (no)"),
    ],
)
def test_what_speaks_against_it(host: Host, drive: dict[str, t.Any], inside: dict[str, t.Any], words: str) -> None:
    assert reasons_against(DRIVE, INSIDE) == []
    (reason,) = reasons_against(dataclasses.replace(DRIVE, **drive), INSIDE._replace(**inside))
    assert words in reason


def test_records_of_a_length_in_which_a_canary_fits(host: Host) -> None:
    assert reasons_against(DRIVE, INSIDE._replace(status=TapeStatus(LOADED.flags, 0, 512))) == []


def test_who_has_the_drive_open(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.undo()
    (tmp_path / "77" / "fd").mkdir(parents=True)
    (tmp_path / "77" / "comm").write_text("backup\n")
    (tmp_path / "77" / "fd" / "3").symlink_to("/dev/null")
    facts = os.stat("/dev/null")
    drive = dataclasses.replace(DRIVE, numbers=frozenset({(os.major(facts.st_rdev), os.minor(facts.st_rdev))}))
    assert reasons_against(drive, INSIDE, proc_root=str(tmp_path)) == ["it is open by process 77 (backup)"]
    assert reasons_against(DRIVE, INSIDE, proc_root=str(tmp_path)) == []
    assert "which counts as in use" in reasons_against(DRIVE, INSIDE, proc_root=str(tmp_path / "none"))[0]


def test_processes_that_cannot_be_looked_at(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cartridge, "find_openers", lambda is_it, proc_root: ([], ["process 5"]))
    assert reasons_against(DRIVE, INSIDE) == ["whether process 5 has it open cannot be determined, which counts as in use"]
    assert reasons_against(DRIVE, INSIDE, on_unseen="report") == []


def test_another_cartridge_in_the_drive_is_not_erased(host: Host) -> None:
    found = Cartridge(DRIVE, SERIAL, 0, {"cartridge": SERIAL})
    firmware = TapeErase("tape_erase_long", found)
    require_erasable(found)
    assert firmware.objection() == "" and firmware.look().state == "idle"
    host.answers[("/dev/sg3", False)] = Answer(0, memory("OTHER1"), "")
    with pytest.raises(RefusedError, match=r"nst0 was not touched because another cartridge is in it now \(OTHER1\)"):
        require_erasable(found)
    assert firmware.objection() == "another cartridge is in nst0 now"
    host.answers[("/dev/sg3", False)] = Answer(6, b"", "Read attribute command: Unit attention\n")
    assert firmware.objection().startswith("which cartridge is in nst0 cannot be told any more")
    host.status["/dev/nst0"] = (None, "busy")
    assert (firmware.look().state, firmware.look().told) == ("unknown", "busy")
    host.status["/dev/nst0"] = (TapeStatus(frozenset({"DR_OPEN"}), 0, 0), "")
    assert firmware.look().state == "unknown"


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (Answer(0, b"", ""), True),
        (Answer(2, b"", "/dev/nst0: Input/output error\n"), False),
        (Answer(1, b"", "/dev/nst0: Permission denied\n"), False),
        (Answer(-9, b"", ""), None),
        (Answer(None, b"", "", "the tool mt is not installed"), None),
    ],
)
def test_what_the_answer_of_mt_tells(answer: Answer, accepted: bool | None) -> None:
    firmware = TapeErase("tape_erase_long", Cartridge(DRIVE, SERIAL, 0))
    rewind, erase = firmware.commands()
    assert erase.argv == ("mt", "-f", "/dev/nst0", "erase", "1") and erase.seconds is None and rewind.argv[-1] == "rewind"
    assert firmware.accepted(erase, answer) is accepted
