# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media that lie: a loop device over a FUSE file that drops writes, or fails them, and says what it likes."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import files as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import FilesystemFacts, FilesystemProbe
from ansible_collections.recordings.disposal.tests.system.erasure_bed import extents_of, hits, overwrite
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import marked

MIB = 1 << 20
SIZE = 3 * MIB + 777
TAIL = 3 * MIB


class LyingDisk:
    """An ext4 on a medium that obeys until it is told to lie. Offsets of faults are offsets in the file C(a.wav)."""

    def __init__(self, bed: Bed, *, direct_io: bool) -> None:
        self.bed = bed
        self.backing, inside = bed.serve()
        self.image = bed.make_image(96, inside=self.backing)
        device = bed.attach(inside / self.image.name, direct_io=direct_io)
        bed.make_filesystem(device, "ext4", "-b", "4096", "-O", "^has_journal")
        self.point = bed.mount(device, "ext4", "errors=continue")
        self.tree = bed.tree(self.point / "monitor")
        self.tree.write("a.wav", marked(SIZE))
        self.tree.write("b.wav", marked(10_000, marker=b"SECOND"))
        os.sync()
        first, *rest = extents_of(self.tree.root / "a.wav")
        self.start = first.physical
        assert all(extent.physical - extent.logical == self.start for extent in rest), f"the file is not in one piece: {first} {rest}"

    def fault(self, kind: str, start: int, end: int) -> None:
        (self.backing / "faults.json").write_text(json.dumps({kind: [[self.start + start, self.start + end]]}))

    def close(self) -> None:
        (self.backing / "faults.json").unlink(missing_ok=True)
        self.bed.unmount(self.point)


@pytest.fixture(params=[False, True], ids=["cached-loop", "direct-loop"])
def disk(bed: Bed, request: pytest.FixtureRequest) -> t.Iterator[LyingDisk]:
    disk = LyingDisk(bed, direct_io=request.param)
    yield disk
    disk.close()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the FUSE file below the loop device for a disk, so that only what is seen on the medium can tell the lie."""
    real = FilesystemProbe.assess

    def assess(self: FilesystemProbe, fd: int, *, depth: int = 0) -> FilesystemFacts:
        return dataclasses.replace(real(self, fd, depth=depth), in_place=True, reason="")

    monkeypatch.setattr(FilesystemProbe, "assess", assess)


SCHEMES = pytest.mark.parametrize("scheme", ["nist_clear", "random"])


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_while_the_medium_obeys_the_file_is_destroyed(disk: LyingDisk, scheme: str) -> None:
    results = overwrite(disk.tree, "a.wav", "b.wav", scheme=scheme)
    assert [(result.outcome, result.read) for result in results] == [("destroyed", "device")] * 2
    assert hits(disk.image, b"REC-MARKER") == 0


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_one_dropped_megabyte_is_found_at_its_offset(disk: LyingDisk, scheme: str) -> None:
    disk.fault("drop", MIB, 2 * MIB)
    result, other = overwrite(disk.tree, "a.wav", "b.wav", scheme=scheme)
    assert result.outcome == "not_destroyed"
    assert (result.reason or "").startswith(f"the overwrite had no effect at offset {MIB}: ")
    assert result.bad_ranges == ((MIB, MIB),)
    assert (result.bytes, result.verified_bytes) == (SIZE, SIZE - MIB)
    assert other.outcome == "destroyed"
    assert hits(disk.image, b"REC-MARKER") == MIB // 512


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_every_write_dropped(disk: LyingDisk, scheme: str) -> None:
    disk.fault("drop", -disk.start, 1 << 40)
    for result in overwrite(disk.tree, "a.wav", "b.wav", scheme=scheme):
        assert (result.outcome, result.verified_bytes) == ("not_destroyed", 0)
        assert (result.reason or "").startswith("the overwrite had no effect at offset 0: ")


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_only_the_odd_end_dropped(disk: LyingDisk, scheme: str) -> None:
    """The last bytes go another way than the rest, and are found out like the rest."""
    disk.fault("drop", TAIL, TAIL + 4096)
    (result,) = overwrite(disk.tree, "a.wav", scheme=scheme)
    assert (result.outcome, result.bad_ranges) == ("not_destroyed", ((TAIL, 777),))
    assert (result.reason or "").startswith(f"the overwrite had no effect at offset {TAIL}: ")


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_bad_sectors_are_named_and_what_is_around_them_is_gone(disk: LyingDisk, scheme: str) -> None:
    disk.fault("fail_write", 2 * MIB + 8192, 2 * MIB + 65536)
    (result,) = overwrite(disk.tree, "a.wav", scheme=scheme)
    assert result.outcome == "not_destroyed"
    assert result.bad_ranges == ((2 * MIB + 8192, 57344),)
    assert result.reason == f"writing failed at bytes {2 * MIB + 8192}-{2 * MIB + 65535} (Input/output error)"
    assert hits(disk.image, b"REC-MARKER") == 57344 // 512


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_a_bad_sector_in_the_odd_end_is_named(disk: LyingDisk, scheme: str) -> None:
    disk.fault("fail_write", TAIL, TAIL + 4096)
    (result,) = overwrite(disk.tree, "a.wav", scheme=scheme)
    assert result.outcome == "not_destroyed"
    assert result.reason == f"writing failed at bytes {TAIL}-{TAIL + 776} (Input/output error)"


@SCHEMES
@pytest.mark.usefixtures("trusted")
def test_what_cannot_be_read_back_is_unknown(disk: LyingDisk, scheme: str) -> None:
    disk.fault("fail_read", 2 * MIB, 2 * MIB + 65536)
    (result,) = overwrite(disk.tree, "a.wav", scheme=scheme)
    assert result.outcome == "unknown"
    assert result.reason == f"reading back failed at bytes {2 * MIB}-{2 * MIB + 65535} (Input/output error)"
    assert result.verified_bytes == SIZE - 65536


def test_untrusted_it_is_refused_and_on_request_never_destroyed(disk: LyingDisk) -> None:
    (result,) = overwrite(disk.tree, "a.wav")
    assert (result.outcome, result.bytes) == ("not_destroyed", 0)
    assert "the loop device below it lies on fuse" in (result.reason or "")
    assert (disk.tree.root / "a.wav").read_bytes() == marked(SIZE)
    disk.fault("drop", 0, MIB)
    (result,) = overwrite(disk.tree, "a.wav", on_ineffective="report")
    assert result.outcome == "not_destroyed"
    assert (result.reason or "").startswith("the overwrite had no effect at offset 0: ")


@pytest.mark.usefixtures("trusted")
def test_what_was_dropped_is_believed_where_caches_are_not_dropped(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why cached pages below the loop device are dropped first: they agree with the lie."""
    disk = LyingDisk(bed, direct_io=False)
    monkeypatch.setattr(module, "drop_caches", lambda works: None)
    disk.fault("drop", -disk.start, 1 << 40)
    (result,) = overwrite(disk.tree, "a.wav")
    believed = result.outcome == "destroyed"
    disk.close()
    assert believed, "the page cache no longer hides the lie: _drop_caches may be needless"


def test_the_image_is_where_the_tests_look(bed: Bed, tmp_path: pathlib.Path) -> None:
    """A control for C(hits): without any overwrite every sector of the recording is found."""
    disk = LyingDisk(bed, direct_io=True)
    assert hits(disk.image, b"REC-MARKER") == SIZE // 512 + 1
    disk.close()
