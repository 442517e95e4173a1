# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole loop devices are overwritten to their last byte and proven, in sectors of 512 and 4096 bytes, whatever their size."""

from __future__ import annotations

import functools
import pathlib
import stat
import threading
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import opened
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.device import overwrite_device
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import Pass, Scheme, find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, markers, overwrite, partitioned
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run

SCHEMES = pytest.mark.parametrize("scheme", ["nist_clear", "random"])


@SCHEMES
@pytest.mark.parametrize(
    ("sector", "size"), [(512, 3 * MIB + 512), (512, 67 * MIB + 3584), (512, 512), (4096, 4096), (4096, 66 * MIB + 4096)]
)
@pytest.mark.parametrize("direct_io", [False, True], ids=["cached-loop", "direct-loop"])
def test_every_byte_is_overwritten_and_read_back(bed: Bed, scheme: str, sector: int, size: int, direct_io: bool) -> None:
    image = bed.fill_image(marked(size))
    bed.attach(image, sector_size=sector, direct_io=direct_io)
    result = overwrite(image, scheme)
    assert (result.outcome, result.reason, result.read) == ("destroyed", None, "direct")
    assert (result.bytes, result.verified_bytes, result.to_verify, result.passes) == (size, size, size, 1)
    assert (result.bad_ranges, result.bad_lbas, result.stopped) == (0, (), False)
    content = image.read_bytes()
    assert len(content) == size and b"REC-MARKER" not in content
    if scheme == "nist_clear":
        assert not any(content)
        assert result.signatures == ()


def test_an_end_that_no_sector_reaches_is_named(bed: Bed) -> None:
    image = bed.fill_image(marked(MIB + 512))
    bed.attach(image, sector_size=4096)
    result = overwrite(image)
    assert (result.outcome, result.bad_lbas, result.bad_bytes) == ("not_destroyed", ((256, 256),), 512)
    assert result.reason == f"writing failed at bytes {MIB}-{MIB + 511} (Input/output error)"
    assert markers(image) == 1


def test_a_scheme_of_many_passes_and_patterns_across_chunks(bed: Bed) -> None:
    image = bed.fill_image(marked(5 * MIB + 1536))
    bed.attach(image)
    scheme = Scheme("three", (Pass(b"\x92\x49\x24"), Pass(None), Pass(b"abcdefg")), verify="all")
    told: list[t.Mapping[str, t.Any]] = []
    result = overwrite(image, scheme, report=told.append)
    assert (result.outcome, result.passes, result.verify) == ("destroyed", 3, "all")
    assert image.read_bytes() == (b"abcdefg" * MIB)[: 5 * MIB + 1536]
    assert [(each["pass"], each["phase"]) for each in told] == [(number, phase) for number in (1, 2, 3) for phase in ("write", "verify")]
    assert {each["done"] for each in told} == {5 * MIB + 1536}


def test_without_reading_back_it_is_unknown(bed: Bed) -> None:
    image = bed.fill_image(marked(2 * MIB))
    bed.attach(image)
    result = overwrite(image, verify="none")
    assert (result.outcome, result.bytes, result.verified_bytes) == ("unknown", 2 * MIB, 0)
    assert result.reason == f"only 0 of {2 * MIB} bytes were read back"
    assert markers(image) == 0


@SCHEMES
def test_a_sample_is_named_as_a_limit_and_has_both_ends(bed: Bed, scheme: str) -> None:
    image = bed.fill_image(marked(40 * MIB + 512))
    bed.attach(image)
    result = overwrite(image, scheme, verify="sample", share=0.25)
    assert result.outcome == "destroyed"
    assert 10 * MIB <= result.to_verify == result.verified_bytes <= 13 * MIB
    assert any(f"only a sample was read back: {result.to_verify} of {result.size} bytes" in limit for limit in result.limits)


def test_what_lies_below_is_a_limit(bed: Bed) -> None:
    image = bed.fill_image(marked(MIB))
    bed.attach(image)
    assert any(limit.startswith("loop device over a file on ") for limit in overwrite(image).limits)


def test_a_filesystem_and_a_partition_table_are_gone(bed: Bed) -> None:
    need("mkfs.ext4", "blkid")
    image = bed.make_image(32)
    device = bed.attach(image, partitions=True)
    bed.make_filesystem(device, "ext4")
    result = overwrite(image)
    assert (result.outcome, result.signatures, result.partitions) == ("destroyed", (), "reread")
    assert "TYPE" not in run("sh", "-c", f"blkid -p {device} || true")


def test_the_pace_is_asked_before_each_chunk(bed: Bed) -> None:
    image = bed.fill_image(marked(8 * MIB))
    bed.attach(image)
    lock, count = threading.Lock(), [0]

    def pace() -> None:
        with lock:
            count[0] += 1

    overwrite(image, pace=pace, threads=3)
    assert count == [16]


def test_the_checkpoint_and_its_key_are_the_owners_only_and_go_at_the_end(bed: Bed) -> None:
    image = bed.fill_image(marked(3 * MIB))
    bed.attach(image)
    checkpoint = bed.directory / "checkpoint"
    key = pathlib.Path(f"{checkpoint}.key")
    modes: list[int] = []
    kept: list[bytes] = []

    def look(told: t.Mapping[str, t.Any]) -> None:
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (checkpoint, key))
        kept.append(key.read_bytes())
        assert kept[-1].hex() not in checkpoint.read_text()

    with_key = bed.directory / "link-to-key"
    result = overwrite(image, "random", checkpoint_path=str(checkpoint), report=lambda told: (look(told), _link(key, with_key))[0])
    assert result.outcome == "destroyed" and set(modes) == {0o600}
    assert len(set(kept)) == 1 and len(kept[0]) == 32 and any(kept[0])
    assert not checkpoint.exists() and not key.exists()
    assert with_key.read_bytes() == bytes(32), "the key was removed, not overwritten"


def _link(key: pathlib.Path, name: pathlib.Path) -> None:
    if not name.exists():
        name.hardlink_to(key)


def test_a_partition_is_overwritten_without_its_neighbours(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    image = bed.fill_image(partitioned(marked(8 * MIB)))
    device = bed.attach(image, partitions=True)
    bed.add_partitions(device)
    # Not each kernel reads partition tables itself, and not each host runs udev, whose entry this is.
    major, minor = pathlib.Path(f"/sys/class/block/{device[5:]}p2/dev").read_text().strip().split(":")
    entry = bed.directory / "run" / "udev" / "data" / f"b{major}:{minor}"
    entry.parent.mkdir(parents=True)
    entry.write_text("I:1\nE:ID_PART_ENTRY_UUID=c0ffee42-02\nE:ID_PART_ENTRY_NUMBER=2\n")
    find = functools.partial(find_device, run_root=str(bed.directory / "run"))
    monkeypatch.setattr(opened, "find_device", find)
    before = image.read_bytes()
    part = find({"partuuid": "C0FFEE42-02", "backing_file": str(image)})
    assert (part.name, part.parent, part.size) == (f"{device[5:]}p2", device[5:], 3 * MIB)
    result = overwrite_device(Executor(), part, find_scheme("nist_clear"), on_unseen="report")
    assert (result.outcome, result.partitions) == ("destroyed", "not_applicable")
    assert image.read_bytes() == before[: 4 * MIB] + bytes(3 * MIB) + before[7 * MIB :]
