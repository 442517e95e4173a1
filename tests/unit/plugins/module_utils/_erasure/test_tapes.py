# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is believed of a tape after an erase. The texts are those of sg_raw of sg3_utils 1.46 (Debian 12) and 1.48 (Debian 13) over drives that
answered so; a drive under the kernel's own driver is in tests/virtual."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import tapes
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import BLOCK, Canaries
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.looking import Look
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.tapes import TapeBearer, blank_problem
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.cartridge import Cartridge
from ansible_collections.recordings.disposal.plugins.module_utils._media.tape import TapeDrive
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer

DRIVE = TapeDrive("nst0", "/dev/nst0", "/sys/x", "IBM", "ULT3580-HH8", "N9M1", "1068001234", "5000e1112233", "/dev/sg3")
FOUND = Cartridge(DRIVE, "HA7T00C019", 0, {"cartridge": "HA7T00C019"})
CANARIES = Canaries(bytes(range(32)), 64 * BLOCK, 64)


def refused(key: str, words: str, more: str = "", *, form: str = "Fixed format, current") -> Answer:
    sense = f"{form}; Sense key: {key}\nAdditional sense: {words}\n{more}"
    return Answer(3, b"", f"SCSI Status: Check Condition \n\nSense Information:\n{sense}\nError 3 occurred, no data received\n")


INFO = "  Info fld=0x1000 [4096] \n"
BLANK = refused("Blank Check", "End-of-data detected", INFO)
UNREADABLE = refused("Medium Error", "Unrecovered read error")
DONE = Answer(0, b"", "")


class Tape:
    """A tape by its records; what is behind them is what the drive says then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: list[bytes] = []
        self.end: OSError | bytes = OSError(5, "Input/output error")
        self.raw, self.rewound = BLANK, DONE
        self.place = 0
        self.asked: list[list[str]] = []
        monkeypatch.setattr(tapes, "ask", self._ask)
        monkeypatch.setattr(tapes, "rewind", self._rewind)
        monkeypatch.setattr(tapes, "find_cartridge", lambda identity: FOUND)
        for name, function in (("open", lambda path, flags: 99), ("close", lambda fd: None), ("read", self._read)):
            monkeypatch.setattr(tapes.os, name, function)

    def _ask(self, words: t.Sequence[str], seconds: float) -> Answer:
        self.asked.append([*words])
        return self.raw

    def _rewind(self, path: str) -> Answer:
        self.place = 0
        return self.rewound

    def _read(self, _fd: int, _length: int) -> bytes:
        self.place += 1
        if self.place <= len(self.records):
            return self.records[self.place - 1]
        if isinstance(self.end, OSError):
            raise self.end
        return self.end


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    return Tape(monkeypatch)


def test_blank_is_only_what_the_drive_says_is(tape: Tape) -> None:
    # sg3_utils 1.46, 1.48 (a line more), and sense data of the other format.
    for raw in (
        BLANK,
        refused("Blank Check", "End-of-data detected", f"{INFO}\n"),
        refused("Blank Check", "End-of-data detected", form="Descriptor format, current"),
    ):
        tape.raw, tape.asked = raw, []
        assert blank_problem(DRIVE) == ""
    assert tape.asked == [["sg_raw", "--readonly", "--request=4096", "/dev/sg3", "08", "00", "00", "10", "00", "00"]]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (Answer(0, b"", "SCSI Status: Good \n\nReceived 4096 bytes of data:\n"), "is not blank: it begins with a record"),
        (UNREADABLE, "Sense key: Medium Error Additional sense: Unrecovered read error"),
        # An erase that was cut off leaves no mark at which the data end.
        (refused("Blank Check", "End-of-data not found"), "does not say that the data end"),
        (refused("No Sense", "Filemark detected", "  FMK\n"), "does not say that the data end"),
        (refused("Not Ready", "Medium not present"), "Medium not present"),
        (refused("Medium Error", "End-of-data detected"), "does not say that the data end"),
        # A longer record, of which the first part is given.
        (
            Answer(0, b"", "SCSI Status: Check Condition \n\nSense Information:\nFixed format, current; Sense key: No Sense\n"),
            "is not blank",
        ),
        # That of an earlier command.
        (refused("Blank Check", "End-of-data detected", form="Fixed format, <<<deferred>>>"), "does not say that the data end"),
        (Answer(None, b"", "", "the tool sg_raw is not installed"), "the tool sg_raw is not installed"),
        # Never what was read.
        (Answer(20, b"secret", ""), "does not say that the data end at the beginning of the tape: sg_raw ended with 20"),
    ],
)
def test_what_does_not_show_that_a_tape_is_blank(tape: Tape, raw: Answer, words: str) -> None:
    tape.raw = raw
    assert words in blank_problem(DRIVE)
    remains = TapeBearer(FOUND, CANARIES).look_back(Look(every=0))
    assert (remains.left, remains.unread) == (0, 64) and words in remains.unlooked


def test_blank(tape: Tape) -> None:
    remains = TapeBearer(FOUND, CANARIES).look_back(Look(every=0))
    assert (remains.left, remains.unread, remains.unlooked) == (0, 0, "")


def test_canaries_that_are_left(tape: Tape) -> None:
    bearer = TapeBearer(FOUND, CANARIES)
    tape.records = [CANARIES.content(place) for place in CANARIES.places()]
    assert bearer.count_left() == (64, 0) and bearer.count == 64
    tape.records = [bytes(BLOCK), *tape.records[1:3]]
    assert bearer.look_back(Look(every=0)).left == 2
    # Half of one is enough, and the first one read is enough whatever comes after it.
    tape.records = [CANARIES.content(0)[:2048] + bytes(2048)]
    assert bearer.look_back(Look(every=0)).left == 1


@pytest.mark.parametrize("end", [b"", OSError(5, "Input/output error")])
def test_records_that_are_no_canaries_are_no_proof(tape: Tape, end: OSError | bytes) -> None:
    tape.records, tape.end = [bytes(BLOCK)], end
    remains = TapeBearer(FOUND, CANARIES).look_back(Look(every=0))
    assert remains.left == 0 and "begins with a record that is no canary" in remains.unlooked


def test_a_tape_that_does_not_rewind(tape: Tape) -> None:
    tape.rewound = Answer(2, b"", "/dev/nst0: Input/output error\n")
    remains = TapeBearer(FOUND, CANARIES).look_back(Look(every=0))
    assert remains.unread == 64 and "cannot be rewound: /dev/nst0: Input/output error" in remains.unlooked


class Recorder(Executor):
    """Writes on the tape of the test."""

    def __init__(self, tape: Tape, *, keeps: t.Callable[[bytes], bytes] = bytes, fails: OSError | None = None) -> None:
        self.tape, self.keeps, self.fails = tape, keeps, fails

    def open(self, name: str, flags: int, *, mode: int = 0o600, dir_fd: int | None = None) -> int:
        assert name == "/dev/nst0" and self.tape.place == 0
        self.tape.records.clear()
        return 99

    def write(self, fd: int, data: bytes | memoryview) -> None:
        if self.fails:
            raise self.fails
        self.tape.records.append(self.keeps(bytes(data)))


def test_canaries_are_laid_and_read_back(tape: Tape) -> None:
    tape.records = [b"a recording"] * 100
    assert TapeBearer(FOUND, CANARIES).lay(Recorder(tape)) == 64
    assert tape.records == [CANARIES.content(place) for place in CANARIES.places()]


@pytest.mark.parametrize(
    ("executor", "words"),
    [
        ({"keeps": lambda data: bytes(len(data))}, "64 of 64 canaries did not stay on the tape in nst0"),
        ({"fails": OSError(30, "Read-only file system")}, "canaries cannot be written to the tape in nst0 (Read-only file system)"),
    ],
)
def test_canaries_that_do_not_stay(tape: Tape, executor: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        TapeBearer(FOUND, CANARIES).lay(Recorder(tape, **executor))
    assert words in caught.value.message and "nothing could be proven and it was not erased" in caught.value.message


def test_check_mode_cannot_lay_any(tape: Tape) -> None:
    with pytest.raises(CheckModeWriteError):
        TapeBearer(FOUND, CANARIES).lay(CheckExecutor())
