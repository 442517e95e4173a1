# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole devices that lie or fail: a loop device over a FUSE file that drops writes, fails them, or runs out of space."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import device as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import FilesystemFacts, FilesystemProbe
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.outcomes import KEPT_RANGES
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, markers, overwrite
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed

SIZE = 10 * MIB + 4096
SCHEMES = pytest.mark.parametrize("scheme", ["nist_clear", "random"])


class LyingDisk:
    """A loop device over a medium that obeys until it is told to lie."""

    def __init__(self, bed: Bed, *, direct_io: bool, sector: int) -> None:
        self.bed, self.sector = bed, sector
        self.backing, inside = bed.serve()
        self.image = bed.fill_image(marked(SIZE), inside=self.backing)
        self.seen = inside / self.image.name
        self.device = bed.attach(self.seen, direct_io=direct_io, sector_size=sector)

    def fault(self, kind: str, *ranges: tuple[int, int]) -> None:
        (self.backing / "faults.json").write_text(json.dumps({kind: ranges}))

    def obey(self) -> None:
        (self.backing / "faults.json").unlink(missing_ok=True)

    def overwrite(self, scheme: str = "nist_clear", **options: t.Any) -> module.DeviceResult:
        return overwrite(self.seen, scheme, **options)


@pytest.fixture(params=[(False, 512), (True, 512), (True, 4096)], ids=["cached-512", "direct-512", "direct-4096"])
def disk(bed: Bed, request: pytest.FixtureRequest) -> t.Iterator[LyingDisk]:
    direct_io, sector = request.param
    disk = LyingDisk(bed, direct_io=direct_io, sector=sector)
    yield disk
    disk.obey()


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the FUSE file below the loop device for a disk, so that only what is seen on the medium can tell the lie."""
    real = FilesystemProbe.assess_device

    def assess(self: FilesystemProbe, major: int, minor: int) -> FilesystemFacts:
        return dataclasses.replace(real(self, major, minor), in_place=True, reason="")

    monkeypatch.setattr(FilesystemProbe, "assess_device", assess)


@SCHEMES
def test_while_the_medium_obeys_it_is_destroyed(disk: LyingDisk, scheme: str) -> None:
    result = disk.overwrite(scheme)
    assert (result.outcome, result.bytes, result.verified_bytes) == ("destroyed", SIZE, SIZE)
    assert markers(disk.image) == 0


@SCHEMES
def test_every_write_dropped(disk: LyingDisk, scheme: str) -> None:
    disk.fault("drop", (0, 1 << 40))
    result = disk.overwrite(scheme)
    assert (result.outcome, result.verified_bytes) == ("not_destroyed", 0)
    assert (result.reason or "").startswith("the overwrite had no effect at offset 0: ")
    assert disk.image.read_bytes() == marked(SIZE)


@SCHEMES
@pytest.mark.parametrize("verify", ["last", "all"])
def test_one_dropped_megabyte_is_found_at_its_sectors(disk: LyingDisk, scheme: str, verify: str) -> None:
    disk.fault("drop", (3 * MIB, 4 * MIB))
    result = disk.overwrite(scheme, verify=verify)
    assert (result.outcome, result.bytes, result.verified_bytes) == ("not_destroyed", SIZE, SIZE - MIB)
    assert result.bad_lbas == ((3 * MIB // disk.sector, 4 * MIB // disk.sector - 1),)
    assert (result.bad_ranges, result.bad_bytes) == (1, MIB)
    assert markers(disk.image) == MIB // 512


def test_without_reading_back_a_lie_is_never_destroyed(disk: LyingDisk) -> None:
    disk.fault("drop", (0, 1 << 40))
    assert disk.overwrite(verify="none").outcome == "unknown"


@SCHEMES
def test_a_sample_of_all_finds_what_was_dropped(disk: LyingDisk, scheme: str) -> None:
    disk.fault("drop", (3 * MIB, 4 * MIB))
    assert disk.overwrite(scheme, verify="sample", share=1.0).outcome == "not_destroyed"


@SCHEMES
def test_bad_sectors_are_listed_and_what_is_around_them_is_gone(disk: LyingDisk, scheme: str) -> None:
    disk.fault("fail_write", (2 * MIB + 8192, 2 * MIB + 16384), (7 * MIB, 7 * MIB + 4096))
    result = disk.overwrite(scheme)
    assert (result.outcome, result.stopped, result.passes) == ("not_destroyed", False, 1)
    assert "writing failed at bytes" in (result.reason or "") and "(Input/output error)" in (result.reason or "")
    first, *_more = result.bad_lbas
    assert first == ((2 * MIB + 8192) // disk.sector, (2 * MIB + 16384) // disk.sector - 1)
    assert (result.bad_ranges, result.bad_bytes) == (2, 12288)
    assert markers(disk.image) == 12288 // 512


def test_of_many_bad_sectors_the_first_are_named_and_all_are_counted(disk: LyingDisk) -> None:
    disk.fault("fail_write", *((place * 65536, place * 65536 + 4096) for place in range(40)))
    result = disk.overwrite()
    assert (result.outcome, result.bad_ranges, result.bad_bytes) == ("not_destroyed", 40, 40 * 4096)
    assert len(result.bad_lbas) == KEPT_RANGES
    assert f"and {40 - KEPT_RANGES} more ranges" in (result.reason or "")


def test_a_sector_that_fails_once_is_tried_again(disk: LyingDisk) -> None:
    disk.fault("fail_write", (5 * MIB, 5 * MIB + 4096))
    waited: list[int] = []

    class Repairing(module.Executor):
        """The medium is repaired after the first failure."""

        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            try:
                return super().pwrite(fd, data, offset)
            except OSError:
                waited.append(offset)
                disk.obey()
                raise

    result = disk.overwrite(executor=Repairing())
    assert (result.outcome, result.bad_ranges) == ("destroyed", 0)
    assert waited == [5 * MIB]


@SCHEMES
def test_what_cannot_be_read_back_is_unknown(disk: LyingDisk, scheme: str) -> None:
    disk.fault("fail_read", (2 * MIB, 2 * MIB + 65536))
    result = disk.overwrite(scheme)
    assert (result.outcome, result.bytes) == ("unknown", SIZE)
    assert (result.reason or "").startswith("reading back failed at bytes ")
    assert result.bad_lbas[0][0] == 2 * MIB // disk.sector and result.bad_bytes >= 65536


def test_nothing_can_be_written(disk: LyingDisk) -> None:
    disk.fault("fail_write", (0, 1 << 40))
    result = disk.overwrite(checkpoint_path=str(disk.bed.directory / "checkpoint"))
    assert (result.outcome, result.bytes, result.passes, result.stopped) == ("not_destroyed", 0, 0, True)
    assert disk.image.read_bytes() == marked(SIZE)


@SCHEMES
def test_no_space_below_stops_cleanly_and_the_same_call_goes_on(disk: LyingDisk, scheme: str) -> None:
    checkpoint = disk.bed.directory / "checkpoint"
    disk.fault("full", (4 * MIB, 1 << 40))
    result = disk.overwrite(scheme, checkpoint_path=str(checkpoint))
    assert (result.outcome, result.stopped, result.passes) == ("not_destroyed", True, 0)
    assert result.bytes < SIZE and "writing failed at bytes" in (result.reason or "")
    assert checkpoint.exists()
    disk.obey()
    result = disk.overwrite(scheme, checkpoint_path=str(checkpoint), resume=True)
    assert (result.outcome, result.bytes, result.stopped) == ("destroyed", SIZE, False)
    assert not checkpoint.exists() and not pathlib.Path(f"{checkpoint}.key").exists()


@SCHEMES
def test_read_only_halfway_stops_cleanly(bed: Bed, scheme: str) -> None:
    image = bed.fill_image(marked(140 * MIB))
    device = bed.attach(image)
    checkpoint = bed.directory / "checkpoint"
    result = overwrite(image, scheme, checkpoint_path=str(checkpoint), report=lambda told: bed.set_read_only(device))
    assert (result.outcome, result.stopped, result.passes) == ("not_destroyed", True, 0)
    assert result.bytes == 64 * MIB
    assert "writing failed at bytes " in (result.reason or "")
    assert markers(image) == 76 * MIB // 512


def test_what_was_dropped_is_believed_where_caches_are_not_dropped(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why cached pages below the loop device are dropped first: they agree with the lie."""
    disk = LyingDisk(bed, direct_io=False, sector=512)
    monkeypatch.setattr(module, "drop_cached", lambda paths: set())
    disk.fault("drop", (0, 1 << 40))
    believed = disk.overwrite().outcome == "destroyed"
    disk.obey()
    assert believed, "the page cache no longer hides the lie: drop_cached may be needless"
