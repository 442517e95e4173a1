# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sanitize engine on a loop device of this test, with a firmware that does what the test says: in what order it does things, what it believes.

Real drives and tools are in tests/virtual; here are the cases that need a drive to misbehave at one certain point.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import asleft
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.bearing import BlockBearer, Remains
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import Canaries
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import (
    LIMIT_FLASH,
    LIMIT_VIRTUAL,
    FilesystemFacts,
    FilesystemProbe,
)
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.looking import Look
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.sanitize import Course, Earlier, counts_already, sanitize_medium
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.sanitized import SanitizeResult
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import RUNNING, VERIFYING, Command, Firmware, Status
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.asked import Task
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.sanitized import miss_told, result_of
from ansible_collections.recordings.disposal.plugins.modules.sanitize import RETURN, main
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, found, marked, markers, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

SIZE = 8 * MIB
KEY = bytes(range(32))


@dataclasses.dataclass
class Scripted(Firmware):
    """A drive over an image. C(script) is what its log says after the command, one state for each look, the last one for ever."""

    image: pathlib.Path
    script: list[Status]
    erases: t.Callable[[bytes], bytes] = lambda content: bytes(len(content))
    says: Answer = Answer(0, b"", "")
    before: Status = Status("never")
    technique: str = "nvme_sanitize_block"
    action: str = "block_erase"
    logged: bool = True
    waits: bool = False
    begun: int = 0
    looks: int = 0
    objects: str = ""
    detaches: bool = False
    takes: float = 0.0
    verification_ends: int = 0

    def objection(self) -> str:
        return self.objects

    def look(self) -> Status:
        if not self.begun:
            return self.before
        self.looks += 1
        return self.script[min(self.looks, len(self.script)) - 1]

    def ends_verification(self) -> list[Command]:
        self.verification_ends += 1
        return [Command(("true",), "leave the media verification state")]

    def commands(self) -> list[Command]:
        said = f"sleep {self.takes}; printf %s '{self.says.errors}' >&2; exit {self.says.code}"
        return [Command(("sh", "-c", said), "sanitize the drive")]

    def accepted(self, command: Command, answer: Answer) -> bool | None:
        self.begun += 1
        content = self.image.read_bytes()
        self.image.write_bytes(self.erases(content))
        return answer.code == 0


DONE = [Status(RUNNING, 0, "block_erase"), Status(RUNNING, 40000, "block_erase"), Status("done", action="block_erase", fresh=True)]
Try = t.Callable[..., SanitizeResult]


@pytest.fixture
def image(bed: Bed) -> pathlib.Path:
    path = bed.fill_image(marked(SIZE))
    bed.attach(path, direct_io=True)
    return path


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def attempt(image: pathlib.Path, notes: list[str]) -> Try:
    def call(
        firmware: Scripted, *, earlier: Earlier | None = None, count: int = 64, recheck: t.Callable[[], str] = lambda: "", **course: t.Any
    ) -> SanitizeResult:
        course.setdefault("on_unseen", "report")
        bearers = [BlockBearer(found(image), Canaries(KEY, SIZE, count))]
        if earlier and earlier.issued and not counts_already(Executor(), firmware, bearers, earlier, directory=course.get("directory", "")):
            earlier = None
        return sanitize_medium(
            Executor(),
            firmware,
            bearers,
            Course(poll=0.05, **course),
            note=lambda step, told: notes.append(step),
            earlier=earlier,
            recheck=recheck,
        )

    return call


def test_the_journal_is_ahead_of_each_act(image: pathlib.Path, attempt: Try, notes: list[str]) -> None:
    result = attempt(Scripted(image, DONE))
    assert (result.outcome, result.transition) == ("destroyed", "in progress, then done")
    assert notes[:3] == ["before", "issuing", "accepted"] and notes[-2:] == ["ended", "looked"]
    assert markers(image) == 0


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        ({"erases": lambda content: content}, "not_destroyed", "64 of 64 canaries are still there"),
        ({"erases": lambda content: bytes(len(content) - MIB) + content[-MIB:]}, "not_destroyed", "canaries are still there"),
        ({"erases": lambda content: content[:4096] + bytes(len(content) - 4096)}, "not_destroyed", "1 of 64 canaries"),
        ({"script": [Status("done", action="block_erase")], "before": Status("done", action="block_erase")}, "unknown", "it said before"),
        ({"script": [Status("unknown", told="no answer")]}, "unknown", "log cannot be read (no answer)"),
        ({"script": [*DONE[:2], Status("failed", told="reason 2")]}, "not_destroyed", "it failed (reason 2)"),
        ({"script": [*DONE[:2], Status("done", action="crypto_erase")]}, "unknown", "does not show that this command ran"),
        ({"says": Answer(1, b"", "invalid opcode"), "erases": lambda content: content}, "not_destroyed", "canaries are still there"),
        (
            {"says": Answer(1, b"", "invalid opcode"), "script": [Status("never")]},
            "not_destroyed",
            "the device refused it (invalid opcode)",
        ),
    ],
)
def test_what_is_not_believed(image: pathlib.Path, attempt: Try, change: dict[str, t.Any], outcome: str, words: str) -> None:
    firmware = dataclasses.replace(Scripted(image, DONE), **change)
    result = attempt(firmware)
    assert result.outcome == outcome and result.reason is not None and words in result.reason


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (Status(RUNNING, 30000), "a sanitize is in progress on"),
        (Status("unknown", told="EIO"), "cannot be read (EIO), so nothing could be proven"),
        (Status("frozen"), "cannot be sanitized (frozen)"),
        (Status("locked"), "cannot be sanitized (locked with a password)"),
        (Status("armed"), "a password is set that nobody here has set"),
    ],
)
def test_refused_with_not_a_byte_changed(image: pathlib.Path, attempt: Try, notes: list[str], before: Status, words: str) -> None:
    digest = sha256(image)
    firmware = Scripted(image, DONE, before=before)
    with pytest.raises(RefusedError) as caught:
        attempt(firmware)
    assert words in caught.value.message and "nothing was done" in caught.value.message
    assert sha256(image) == digest and firmware.begun == 0 and notes == []


def test_what_is_objected_to_at_the_last_moment_is_not_sent(image: pathlib.Path, attempt: Try, notes: list[str]) -> None:
    firmware = Scripted(image, DONE, objects="another cartridge is in it now")
    result = attempt(firmware)
    assert (result.outcome, firmware.begun) == ("not_destroyed", 0) and "issuing" not in notes and markers(image) > 0
    assert result.reason == "it was not begun, since another cartridge is in it now; but for 64 canaries nothing was written"


def test_a_sample_finds_what_no_canary_lay_on(image: pathlib.Path, attempt: Try) -> None:
    """One file is left between the canaries: only who reads all finds it."""
    places = Canaries(KEY, SIZE, 64).places()
    place = next(at for at in range(MIB, SIZE, 4096) if not {at, at + 4096} & set(places))
    wav = b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data"

    def erases(content: bytes) -> bytes:
        return bytes(place) + wav.ljust(4096, b"\0") + bytes(len(content) - place - 4096)

    assert attempt(Scripted(image, DONE, erases=erases), look=Look(every=0)).outcome == "destroyed"
    result = attempt(Scripted(image, DONE, erases=erases), look=Look(every=1))
    assert result.outcome == "not_destroyed" and "known beginnings are found" in str(result.reason)


def laid(image: pathlib.Path) -> None:
    """The canaries as an interrupted run has left them."""
    content = bytearray(image.read_bytes())
    canaries = Canaries(KEY, SIZE, 64)
    for place in canaries.places():
        content[place : place + 4096] = canaries.content(place)
    image.write_bytes(content)


class TestInterrupted:
    issued = Earlier(Status("never"), (), 64, True, True)

    def test_running_is_watched_and_not_begun_again(self, image: pathlib.Path, attempt: Try, notes: list[str]) -> None:
        image.write_bytes(bytes(SIZE))
        firmware = Scripted(image, DONE, begun=1)
        result = attempt(firmware, earlier=self.issued)
        assert (result.outcome, firmware.begun) == ("destroyed", 1) and "issuing" not in notes

    def test_idle_with_every_canary_there_is_begun_again(self, image: pathlib.Path, attempt: Try) -> None:
        laid(image)
        firmware = Scripted(image, DONE)
        assert attempt(firmware, earlier=self.issued).outcome == "destroyed" and firmware.begun == 1

    def test_idle_with_the_canaries_gone_is_unknown_where_the_log_tells_nothing(self, image: pathlib.Path, attempt: Try) -> None:
        image.write_bytes(bytes(SIZE))
        firmware = Scripted(image, [Status("idle")], before=Status("idle"), begun=1)
        result = attempt(firmware, earlier=dataclasses.replace(self.issued, before=Status("idle")))
        assert result.outcome == "unknown" and firmware.begun == 1

    def test_a_lost_answer_of_what_no_log_tells_of_is_begun_again(self, image: pathlib.Path, attempt: Try) -> None:
        """The canaries are gone; whether the command came to its end nobody knows."""
        image.write_bytes(bytes(SIZE))
        idle = Status("idle")
        firmware = Scripted(image, [idle], before=idle, logged=False, waits=True, begun=1)
        lost = dataclasses.replace(self.issued, before=idle, accepted=None)
        assert attempt(firmware, earlier=lost).outcome == "destroyed" and firmware.begun == 2
        # An answer that was kept counts, with what is read back.
        image.write_bytes(bytes(SIZE))
        firmware = Scripted(image, [idle], before=idle, logged=False, waits=True, begun=1)
        assert attempt(firmware, earlier=dataclasses.replace(lost, accepted=True)).outcome == "destroyed" and firmware.begun == 1

    def test_half_erased_and_idle_is_not_destroyed(self, image: pathlib.Path, attempt: Try) -> None:
        laid(image)
        content = image.read_bytes()
        image.write_bytes(bytes(SIZE // 2) + content[SIZE // 2 :])
        firmware = Scripted(image, [Status("never")], begun=1)
        result = attempt(firmware, earlier=self.issued)
        assert result.outcome == "not_destroyed" and firmware.begun == 1

    def test_watching_may_end_before_the_device_does(self, image: pathlib.Path, attempt: Try, notes: list[str]) -> None:
        result = attempt(Scripted(image, [Status(RUNNING, 5)]), timeout=0.3)
        assert result.running and result.outcome == "unknown" and notes[-1] == "left"


class TestToolsThatWait:
    def test_a_timeout_leaves_the_tool_and_the_next_run_finds_it(
        self, image: pathlib.Path, attempt: Try, notes: list[str], tmp_path: pathlib.Path
    ) -> None:
        idle = Status("idle")
        firmware = Scripted(image, [idle], before=idle, logged=False, waits=True, detaches=True, takes=2.0)
        first = attempt(firmware, timeout=0.2, directory=str(tmp_path))
        assert first.running and first.outcome == "unknown" and firmware.begun == 0 and notes[-1] == "left"
        earlier = Earlier(idle, (), 64, True, None)
        second = attempt(firmware, earlier=earlier, directory=str(tmp_path))
        assert second.outcome == "destroyed" and notes.count("issuing") == 1 and notes[-2:] == ["ended", "looked"]

    def test_one_that_has_ended_meanwhile_has_left_its_answer(
        self, image: pathlib.Path, attempt: Try, notes: list[str], tmp_path: pathlib.Path
    ) -> None:
        idle = Status("idle")
        firmware = Scripted(image, [idle], before=idle, logged=False, waits=True, detaches=True, takes=0.6, says=Answer(1, b"", "no"))
        assert attempt(firmware, timeout=0.2, directory=str(tmp_path)).running
        time.sleep(1)
        image.write_bytes(bytes(SIZE))
        second = attempt(firmware, earlier=Earlier(idle, (), 64, True, None), directory=str(tmp_path))
        assert second.outcome == "not_destroyed" and "refused it (no)" in str(second.reason) and notes.count("issuing") == 1


class TestFailureMode:
    failed = Status("failed", told="reason 2")

    @pytest.fixture(autouse=True)
    def shut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lay(self: BlockBearer, executor: Executor) -> int:
            raise RefusedError("canaries cannot be written to sdx (Input/output error), so nothing could be proven")

        monkeypatch.setattr(BlockBearer, "lay", lay)

    def test_the_canaries_that_lie_there_are_proof(self, image: pathlib.Path, attempt: Try) -> None:
        laid(image)
        result = attempt(Scripted(image, DONE, before=self.failed), earlier=Earlier(reused=64))
        assert (result.outcome, result.canaries["laid"]) == ("destroyed", 64)
        assert any("laid before an earlier attempt that failed" in limit for limit in result.limits)
        laid(image)
        lies = attempt(Scripted(image, DONE, before=self.failed, erases=lambda content: content), earlier=Earlier(reused=64))
        assert lies.outcome == "not_destroyed" and "64 of 64 canaries are still there" in str(lies.reason)

    def test_without_any_nothing_is_claimed(self, image: pathlib.Path, attempt: Try) -> None:
        result = attempt(Scripted(image, DONE, before=self.failed))
        assert result.outcome == "unknown" and "no canaries could be laid before" in str(result.reason)

    def test_what_can_be_written_to_must_take_them(self, image: pathlib.Path, attempt: Try) -> None:
        firmware = Scripted(image, DONE)
        with pytest.raises(RefusedError, match="canaries cannot be written"):
            attempt(firmware, earlier=Earlier(reused=64))
        assert firmware.begun == 0


class TestMediaVerification:
    script: t.ClassVar = [Status(RUNNING, 0, "block_erase"), Status(VERIFYING, None, "block_erase"), DONE[-1]]

    def test_it_is_looked_at_and_left(self, image: pathlib.Path, attempt: Try, notes: list[str]) -> None:
        firmware = Scripted(image, [self.script[0], *self.script])
        result = attempt(firmware)
        assert (result.outcome, result.verification, firmware.verification_ends) == ("destroyed", {"left": 0, "unread": 0}, 1)
        assert notes[-5:] == ["ended", "verified", "verification_ended", "ended", "looked"]

    def test_what_it_shows_counts_though_nothing_else_does(
        self, image: pathlib.Path, attempt: Try, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = iter([Remains(64, 0), Remains(0, 0)])
        monkeypatch.setattr(BlockBearer, "look_back", lambda self, look: next(answers))
        result = attempt(Scripted(image, [self.script[0], *self.script]))
        assert result.outcome == "not_destroyed" and "as its media verification state shows" in str(result.reason)

    def test_what_cannot_be_read_there_is_no_residue(self, image: pathlib.Path, attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = iter([Remains(0, 64), Remains(0, 0)])
        monkeypatch.setattr(BlockBearer, "look_back", lambda self, look: next(answers))
        result = attempt(Scripted(image, [self.script[0], *self.script]))
        assert result.outcome == "destroyed" and result.verification == {"left": 0, "unread": 64}

    def test_others_are_left_in_it(self, image: pathlib.Path, attempt: Try) -> None:
        digest = sha256(image)
        with pytest.raises(RefusedError, match="in the media verification state of a sanitize that the journal"):
            attempt(Scripted(image, DONE, before=Status(VERIFYING)))
        assert sha256(image) == digest


def test_percent_and_unknown_of_what_runs(image: pathlib.Path, attempt: Try) -> None:
    result = attempt(Scripted(image, [Status(RUNNING, 32768)]), timeout=0.2)
    task = Task(found(image), (found(image),), "nvme_sanitize_block", "clear", "purge")
    told = result_of(task, 0, None, result, 0.0, unknown=result.running)
    assert told["percent"] == 50 and told["outcome"] == "unknown" and told["counts"] == {"destroyed": 0, "not_destroyed": 0, "unknown": 1}


def test_a_format_whose_state_nobody_can_read_may_be_running(image: pathlib.Path, attempt: Try) -> None:
    result = attempt(Scripted(image, [Status("unknown", told="EIO")], logged=False), timeout=0.2)
    assert result.running and result.outcome != "destroyed"
    # A tool that has come back waits for nothing.
    result = attempt(Scripted(image, [Status("unknown", told="EIO")], logged=False, waits=True), timeout=0.2)
    assert not result.running


def test_what_cannot_be_read_is_equal_to_nothing(image: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = found(image)
    left = asleft.left_as(device)
    assert asleft.holds_as_left(left, device)
    unread = {**left, "digests": ["", *left["digests"][1:]]}
    monkeypatch.setattr(asleft, "digests_at", lambda path, places: unread["digests"])
    assert not asleft.holds_as_left(unread, device)


def test_of_flash_only_what_firmware_does_not_reach_is_a_limit(image: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = FilesystemFacts("disk", True, "", (LIMIT_FLASH, LIMIT_VIRTUAL))
    monkeypatch.setattr(FilesystemProbe, "assess_device", lambda self, major, minor: facts)
    limits = BlockBearer(found(image), Canaries(KEY, SIZE, 64)).require_free("report")
    assert LIMIT_VIRTUAL in limits and LIMIT_FLASH not in limits


def test_few_canaries_say_what_they_miss() -> None:
    assert miss_told(64) == ["64 canaries miss a residue of 1 % of the medium with a probability of 0.53 unless it lies at one of its ends"]
    assert "1.3e-18" in miss_told(4096)[0] and miss_told(0) == []


def test_the_module_offers_a_loop_device_nothing(
    image: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    before = sha256(image)
    for check in (True, False):
        result = run(
            main,
            capsys,
            monkeypatch,
            check=check,
            device={"backing_file": str(image)},
            level="clear",
            on_unseen="report",
            state_dir=str(tmp_path / "state"),
        )
        assert result["failed"] and "offers no technique of its own firmware that reaches clear" in result["msg"]
        assert result["outcome"] == "not_destroyed" and result["reason"] == result["msg"] and result["counts"]["not_destroyed"] == 1
        # All that is documented, so that a play which looks at it does not stumble.
        assert set(yaml.safe_load(RETURN)) - {"journal", "percent"} <= set(result)
    assert sha256(image) == before and not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"canaries": 3}, "canaries is 3, not from 64"),
        ({"passes": 0}, "passes is 0, not from 1 to 15"),
        ({"poll": 0}, "poll is 0"),
        ({"timeout": 0}, "timeout is 0, which is no time"),
        ({"sample_share": 0}, "sample_share is 0"),
        ({"pattern": "zz"}, "the pattern 'zz' is not 4 bytes"),
        ({"technique": "degauss"}, "the technique degauss is not known"),
        ({"fallback": ["auto"]}, "auto as a fallback is not known"),
        ({"levels": {"scsi_format": {"level": "purge"}}}, "must have level, standard, source"),
        ({"state_dir": "relative"}, "is not an absolute path"),
        ({"device": {}}, "the identity names no device"),
    ],
)
def test_options_that_make_no_sense(
    image: pathlib.Path,
    options: dict[str, t.Any],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    before = sha256(image)
    given = {
        "device": {"backing_file": str(image)},
        "level": "clear",
        "state_dir": str(tmp_path / "state"),
        "on_unseen": "report",
        **options,
    }
    result = run(main, capsys, monkeypatch, **given)
    assert result["failed"] and words in result["msg"]
    assert sha256(image) == before
