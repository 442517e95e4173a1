# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(media_info) on this host and on loop devices of this test: all is told, nothing is blank, and nothing is written."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import OF_KEYS, TECHNIQUES
from ansible_collections.recordings.disposal.plugins.modules.media_info import main
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, partitioned, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import run as shell
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

Look = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    def call(**options: t.Any) -> dict[str, t.Any]:
        return run(main, capsys, monkeypatch, **options)

    return call


def one(look: Look, image: pathlib.Path) -> dict[str, t.Any]:
    before = sha256(image)
    result = look(device={"backing_file": str(image)})
    assert sha256(image) == before and not result["changed"]
    (medium,) = result["media"]
    return t.cast("dict[str, t.Any]", medium)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({}, "the identity names no device; give at least one of"),
        ({"serial": "/dev/sda"}, "is a path, and paths change from one boot to the next"),
        ({"serial": "NO-SUCH"}, "no device on this host has serial NO-SUCH"),
        ({"backing_file": "{image}", "size_bytes": 5}, "larger than the 5 that the register expects"),
    ],
)
def test_refused(bed: Bed, look: Look, identity: dict[str, t.Any], words: str) -> None:
    image = bed.make_image(8)
    bed.attach(image)
    given = {key: str(image) if value == "{image}" else value for key, value in identity.items()}
    result = look(device=given)
    assert result["failed"] and words in result["msg"]


def test_a_loop_device(bed: Bed, look: Look) -> None:
    image = bed.fill_image(marked(8 * MIB))
    device = bed.attach(image, sector_size=4096)
    medium = one(look, image)
    assert (medium["name"], medium["kind"], medium["size_bytes"]) == (device[5:], "loop", 8 * MIB)
    assert medium["sectors"]["logical"] == 4096 and medium["contents"] == {} and not medium["system"]
    assert medium["serial"] == {"unavailable": "the medium does not tell it"} and medium["hidden_capacity"]["state"] == "not_applicable"
    assert medium["encryption"]["volumes"] == [] and "unavailable" in medium["encryption"]["ata_security"]
    assert len(medium["techniques"]) == len(TECHNIQUES) - len(OF_KEYS)
    assert [each["technique"] for each in medium["techniques"] if each["possible"]] == ["overwrite"]


def test_a_mounted_device_is_in_use(bed: Bed, look: Look) -> None:
    mounted = bed.filesystem("ext4")
    (medium,) = look(device={"backing_file": str(mounted.image)})["media"]
    assert not medium["free"] and any("it is mounted" in reason for reason in medium["in_use_because"])
    assert medium["contents"] == {medium["name"]: ["ext4"]}


def test_partitions_and_encrypted_volumes(bed: Bed, look: Look) -> None:
    image = bed.fill_image(partitioned(marked(8 * MIB)))
    device = bed.attach(image, partitions=True)
    with open(image, "r+b") as handle:
        handle.seek(MIB)
        # As much of a LUKS1 header as blkid looks at.
        handle.write(b"LUKS\xba\xbe\0\1" + b"aes".ljust(32, b"\0") + b"xts-plain64".ljust(32, b"\0") + b"sha256".ljust(32, b"\0"))
    parts = sorted(name for name in os.listdir(f"/sys/block/{device[5:]}") if name.startswith(device[5:]))
    if not all(os.path.exists(f"/dev/{part}") and stat.S_ISBLK(os.stat(f"/dev/{part}").st_mode) for part in parts) or not parts:
        pytest.skip("not run: nobody makes the nodes of partitions here")
    shell("blockdev", "--flushbufs", device)
    medium = one(look, image)
    assert medium["contents"][medium["name"]] == ["dos"]
    assert medium["encryption"]["volumes"] in ([parts[0]], {"unavailable": f"blkid cannot read {', '.join(parts)}"})


def test_every_medium_of_this_host(bed: Bed, look: Look) -> None:
    bed.attach(bed.make_image(8))
    media = look()["media"]
    assert len({medium["name"] for medium in media}) == len(media) >= 1

    def blanks(value: t.Any, place: str) -> t.Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from blanks(item, f"{place}.{key}")
        elif value in (None, ""):
            yield place

    assert not [place for medium in media for place in blanks(medium, medium["name"])]
    assert all(len(medium["techniques"]) == len(TECHNIQUES) - len(OF_KEYS) for medium in media)
    assert len(json.dumps(media)) < 64 * 1024
