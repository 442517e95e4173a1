# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(crypto_erase) of a LUKS volume where something comes between: killed at each step, a medium that lies, another medium, a full disk."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import signal
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import FilesystemFacts, FilesystemProbe
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import JournalState, read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.system.luks_bed import (
    MIB,
    Run,
    Volume,
    digests,
    eraser,
    in_memory,
    left_of,
    make_volume,
    material,
    opens,
    refused,
    write,
)

_DOORS = ("open", "write", "pwrite", "fsync", "fdatasync", "link", "unlink", "rename", "sync_directory")


@pytest.fixture
def bed() -> t.Iterator[Bed]:
    with in_memory() as bed:
        yield bed


@pytest.fixture
def erase(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return eraser(tmp_path / "state", capsys, monkeypatch)


def killed(erase: Run, after: int, **options: t.Any) -> bool:
    """Run the module in a process of its own that is killed behind its so many first writes of any kind; whether it was."""
    child = os.fork()
    if child == 0:
        left = [after]

        def counted(real: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            def call(*given: t.Any, **named: t.Any) -> t.Any:
                result = real(*given, **named)
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return call

        for name in _DOORS:
            setattr(Executor, name, counted(getattr(Executor, name)))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                erase(**options)
        finally:
            # Never on with the tests, in this copy of them.
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def journals(state: pathlib.Path) -> list[JournalState]:
    return [JournalState.fold(read_journal(path, allow_torn=True)) for path in state.glob("runs/*/journal.jsonl")]


@pytest.mark.parametrize("apart", [False, True])
def test_killed_behind_each_write(bed: Bed, erase: Run, tmp_path: pathlib.Path, apart: bool) -> None:
    volume = make_volume(bed, "luks1", apart=apart)
    place = bed.new("safe")
    place.mkdir()
    header = volume.header or volume.device
    shell("cryptsetup", "luksHeaderBackup", str(header), "--header-backup-file", str(place / "header"))
    old = material((place / "header").read_bytes())
    task: dict[str, t.Any] = {"target": volume.target, "header_backups": [str(place)]}
    kills, claims = 0, 0
    # Each time a little later, so that each write is the last one once, those of resumed runs too.
    for after in range(1, 400, 2 if apart else 5):
        if not killed(erase, after, **task):
            break
        kills += 1
        claims = sum(journal.counts["destroyed"] for journal in journals(tmp_path / "state"))
        assert not claims or not (place / "header").exists()
        if claims:
            break
    assert kills > (8 if apart else 3)
    done = erase(**task)
    assert done.get("outcome") == "destroyed", done["msg"]
    (journal,) = [journal for journal in journals(tmp_path / "state") if journal.counts["destroyed"]]
    assert journal.closed and journal.counts == {"destroyed": 1, "not_destroyed": 0, "unknown": 0}
    assert left_of(old, volume.image) == 0 and not list(place.iterdir()) and not (volume.header and volume.header.exists())
    again = erase(**task)
    assert again["outcome"] == "destroyed" and not again["changed"]


def half_erased(bed: Bed, erase: Run, **options: t.Any) -> Volume:
    """A volume of which a run was killed while it overwrote the header."""
    volume = make_volume(bed, "luks1", **options)
    for after in range(8, 40):
        assert killed(erase, after, target=volume.target)
        if volume.image.read_bytes()[:6] != b"LUKS\xba\xbe":
            return volume
    raise AssertionError("the header was never reached")


def test_another_medium_instead_of_the_one_that_was_begun(bed: Bed, erase: Run) -> None:
    volume = half_erased(bed, erase)
    own = volume.image.read_bytes()
    refused(volume, erase, "give resume: true to have it brought to its end", resume=False)
    with open(volume.device, "rb"):
        assert "it is open by process" in erase(target=volume.target)["msg"]
    for other in (os.urandom(len(own)), make_volume(bed, "luks1").image.read_bytes(), own + bytes(MIB)):
        bed.detach(volume.device)
        volume.image.write_bytes(other)
        volume = volume._replace(device=bed.attach(volume.image))
        refused(volume, erase, "is not the medium that the interrupted run was about")
    bed.detach(volume.device)
    volume.image.write_bytes(own)
    volume = volume._replace(device=bed.attach(volume.image))
    assert erase(target=volume.target, check=True)["changed"] and volume.image.read_bytes() == own
    done = erase(target=volume.target)
    assert done["outcome"] == "destroyed" and done["opened"] == "the key file opened it before"


def test_a_backup_that_was_moved_away_from_an_interrupted_run(bed: Bed, erase: Run, tmp_path: pathlib.Path) -> None:
    volume = make_volume(bed, "luks1")
    backup = bed.directory / "header"
    shell("cryptsetup", "luksHeaderBackup", volume.device, "--header-backup-file", str(backup))
    task: dict[str, t.Any] = {"target": volume.target, "header_backups": [str(backup)]}
    after = next(
        after for after in range(4, 60) if killed(erase, after, **task) and any(each.pending for each in journals(tmp_path / "state"))
    )
    assert after and backup.exists()
    backup.rename(bed.directory / "moved")
    result = erase(**task)
    assert result["failed"] and result["outcome"] == "unknown" and "was not seen to be overwritten" in result["msg"]
    (bed.directory / "moved").rename(backup)
    assert erase(**task)["outcome"] == "destroyed" and not backup.exists()


def test_a_disk_that_is_full(bed: Bed, erase: Run) -> None:
    volume = make_volume(bed, "luks1")
    state = bed.mount("none", "tmpfs", "size=64k,mode=0700")
    with contextlib.suppress(OSError):
        (state / "filler").write_bytes(bytes(1 << 20))
    before = digests(volume.image)
    result = erase(target=volume.target, state_dir=str(state))
    assert result["failed"] and "No space left on device" in result["msg"] and digests(volume.image) == before, result
    (state / "filler").unlink()
    assert erase(target=volume.target, state_dir=str(state))["outcome"] == "destroyed"


class Lying:
    """A volume on a medium that obeys until it is told to lie."""

    def __init__(self, bed: Bed, kind: str) -> None:
        self.backing, point = bed.serve()
        self.volume = make_volume(bed, kind, lying=(self.backing, point))
        self.old = material(self.volume.image.read_bytes()[: 2 * MIB])

    def fault(self, **ranges: list[tuple[int, int]]) -> None:
        (self.backing / "faults.json").write_text(json.dumps(ranges))

    def obey(self) -> None:
        (self.backing / "faults.json").unlink(missing_ok=True)


@pytest.fixture
def lying(bed: Bed, request: pytest.FixtureRequest) -> t.Iterator[Lying]:
    lying = Lying(bed, "luks1")
    yield lying
    lying.obey()


def test_a_medium_on_which_overwriting_proves_nothing(lying: Lying, erase: Run) -> None:
    refused(lying.volume, erase, "because overwriting it would prove nothing: the loop device below it lies on fuse")


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the FUSE file below the loop device for a disk, so that only what is seen on the medium can tell the lie."""
    real = FilesystemProbe.assess_device

    def assess(self: FilesystemProbe, major: int, minor: int) -> FilesystemFacts:
        return dataclasses.replace(real(self, major, minor), in_place=True, reason="")

    monkeypatch.setattr(FilesystemProbe, "assess_device", assess)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        ({"drop": [(0, 1 << 40)]}, "not_destroyed", "the overwrite had no effect at offset 0"),
        ({"drop": [(MIB, MIB + 512)]}, "not_destroyed", f"the overwrite had no effect at offset {MIB}"),
        ({"fail_write": [(0, 4096)]}, "not_destroyed", "writing failed at bytes 0-"),
        ({"full": [(MIB, 1 << 40)]}, "not_destroyed", "writing failed at bytes"),
        ({"fail_read": [(MIB + MIB // 2, MIB + MIB // 2 + 4096)]}, "unknown", "reading back failed at bytes"),
    ],
)
def test_what_the_medium_did_not_do_is_not_claimed(
    lying: Lying, erase: Run, fault: dict[str, list[tuple[int, int]]], outcome: str, words: str
) -> None:
    volume = lying.volume
    before = material(volume.image.read_bytes()[: 2 * MIB])
    if "fail_read" in fault:
        # What cannot be read before is refused; this fails only once it was overwritten.
        lying.fault(**fault)
        refused(volume, erase, "cannot be read")
        lying.obey()
        fault = {"fail_read": [(0, 1 << 40)]}
        real = Executor.fsync

        def fails_now(self: Executor, fd: int) -> None:
            real(self, fd)
            if os.path.realpath(f"/proc/self/fd/{fd}") == volume.device:
                lying.fault(**fault)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Executor, "fsync", fails_now)
            result = erase(target=volume.target)
    else:
        lying.fault(**fault)
        result = erase(target=volume.target)
    assert result["failed"] and result["outcome"] == outcome and words in result["msg"], result
    assert result["level"]["achieved"] == "none" and result["counts"]["destroyed"] == 0
    assert bool(left_of(before, volume.image)) == ("fail_read" not in fault)
    # Once the medium obeys, the same task comes to its end.
    lying.obey()
    done = erase(target=volume.target)
    assert done["outcome"] == "destroyed" and left_of(before, volume.image) == 0 and not opens(volume)


@pytest.mark.usefixtures("trusted")
def test_the_header_cannot_be_read(lying: Lying, erase: Run) -> None:
    lying.fault(fail_read=[(0, 4096)])
    refused(lying.volume, erase, "cannot be read (Input/output error), so nothing was done")
    write(lying.volume.image, 0, b"LUKS")
