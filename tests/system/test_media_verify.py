# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(media_verify) on loop devices of this test: what it refuses, what it finds, what it cannot know; and never a byte written."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import Canaries
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.keystream import Keystream
from ansible_collections.recordings.disposal.plugins.modules.media_verify import main
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

KEY = bytes(range(32))
SIZE = 24 * MIB + 512
WAV = b"RIFF\x24\x08\0\0WAVEfmt " + b"\x10\0\0\0\1\0\1\0" + b"speech" * 600

Look = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    """Looks at the loop device over an image, in both modes with one answer, and not a byte changes."""

    def call(image: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
        before = sha256(image)
        identity = options.pop("device", {"backing_file": str(image)})
        results = [run(main, capsys, monkeypatch, check=check, device=identity, **options) for check in (True, False)]
        assert sha256(image) == before
        for result in results:
            result.pop("seconds", None), result.pop("rate", None), result.pop("invocation", None)
            if result.get("sample") and "seed" not in options:
                result["sample"].pop("seed")
        assert results[0] == results[1] or "verify" in options
        assert not results[1].get("changed")
        return results[1]

    return call


def attached(bed: Bed, content: bytes, **options: t.Any) -> pathlib.Path:
    image = bed.fill_image(content)
    bed.attach(image, **options)
    return image


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": {"serial": "/dev/sda"}}, "is a path, and paths change from one boot to the next"),
        ({"device": {"serial": ""}}, "the identity's serial is empty"),
        ({"device": {"size_bytes": 5}}, "the identity names no device"),
        ({"device": {"serial": "NO-SUCH"}}, "no device on this host has serial NO-SUCH"),
        ({"device": {"backing_file": "{image}", "size_bytes": SIZE + 512}}, "smaller than the"),
        ({"expect": "pattern"}, "expect is pattern but all of the following are missing: pattern"),
        ({"expect": "pattern", "pattern": "zz"}, "the pattern 'zz' is not from 1 to 64 bytes in hexadecimal"),
        ({"expect": "keystream"}, "expect is keystream but all of the following are missing: key_file"),
        ({"expect": "keystream", "key_file": "/nowhere"}, "key_file: /nowhere cannot be read (No such file or directory)"),
        ({"expect": "keystream", "key_file": "{image}.short"}, "holds neither 32 bytes nor 64 hexadecimal digits"),
        ({"expect": "no_canaries"}, "expect is no_canaries but all of the following are missing: canaries"),
        ({"canaries": "/nowhere"}, "canaries: /nowhere cannot be read"),
        ({"canaries": "{image}.short"}, "is not of the format recordings.disposal/canaries/1"),
        ({"canaries": "{image}.other"}, "the canaries are those of a medium of 4096 bytes, and loop"),
        ({"verify": "sample", "sample_share": 0}, "sample_share is 0, not from 1 to 100"),
        ({"threads": 65}, "threads is 65, not from 1 to 64"),
        ({"max_rate": "fast"}, "max_rate: 'fast' is not a size"),
    ],
)
def test_refused(bed: Bed, look: Look, options: dict[str, t.Any], words: str) -> None:
    image = attached(bed, bytes(SIZE))
    pathlib.Path(f"{image}.short").write_text("short")
    pathlib.Path(f"{image}.other").write_bytes(Canaries(KEY, 4096).document())
    given = json.loads(json.dumps(options).replace("{image}", str(image)))
    result = look(image, **given)
    assert result.get("failed") and words in result["msg"], result["msg"]
    assert "\n" not in result["msg"]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (bytes(SIZE), {}),
        (b"\xff" * SIZE, {"expect": "ones"}),
        ((b"abc" * SIZE)[:SIZE], {"expect": "pattern", "pattern": "616263"}),
        (bytes(SIZE), {"verify": "sample", "sample_share": 30, "seed": "audit"}),
    ],
)
@pytest.mark.parametrize("sector", [512, 4096])
def test_clean(bed: Bed, look: Look, content: bytes, options: dict[str, t.Any], sector: int) -> None:
    content = content[: len(content) // sector * sector]
    result = look(attached(bed, content, sector_size=sector), **options)
    assert result["verdict"] == "clean" and not result.get("failed")
    sampled = "verify" in options
    assert (result["read_bytes"] == len(content)) != sampled
    assert any("only a sample was read" in limit for limit in result["limits"]) == sampled
    assert not result["residue_ranges"] and not result["bad_ranges"] and result["beginnings_count"] == 0


def test_a_keystream(bed: Bed, look: Look, tmp_path: pathlib.Path) -> None:
    content = bytearray(SIZE)
    stream = Keystream(KEY)
    for start in range(0, SIZE, MIB):
        stream.fill(memoryview(content)[start : start + MIB], stream=0, offset=start)
    image = attached(bed, bytes(content))
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "hex").write_text(KEY.hex() + "\n")
    (tmp_path / "wrong").write_bytes(KEY[::-1])
    assert look(image, expect="keystream", key_file=str(tmp_path / "key"))["verdict"] == "clean"
    assert look(image, expect="keystream", key_file=str(tmp_path / "hex"))["verdict"] == "clean"
    wrong = look(image, expect="keystream", key_file=str(tmp_path / "wrong"), on_residue="report")
    assert wrong["verdict"] == "residue" and wrong["residue_bytes"] == SIZE and wrong["entropy"]["lowest"] > 7800
    assert KEY.hex() not in json.dumps(wrong)


@pytest.mark.parametrize("place", [0, 512, 7 * MIB + 4096, SIZE - 4096])
def test_one_surviving_block_is_found(bed: Bed, look: Look, place: int) -> None:
    content = bytearray(SIZE)
    content[place : place + 4096] = (WAV + os.urandom(4096))[:4096]
    result = look(attached(bed, bytes(content)))
    assert result["failed"] and result["verdict"] == "residue"
    assert f"RIFF audio (WAV) at offset {place}" in result["msg"] and "sanitize the medium again, or destroy it physically" in result["msg"]
    (found, *more) = result["residue_ranges"]
    assert found["offset"] == place // 4096 * 4096 and sum(each["bytes"] for each in [found, *more]) == result["residue_bytes"]
    assert place < found["offset"] + result["residue_bytes"] and result["beginnings"] == [{"offset": place, "kind": "RIFF audio (WAV)"}]


def test_one_surviving_block_in_a_gibibyte(bed: Bed, look: Look) -> None:
    image = bed.make_image(1024)
    with image.open("r+b") as handle:
        handle.seek(777 * MIB + 8192)
        handle.write(os.urandom(4096))
    bed.attach(image)
    result = look(image)
    assert result["residue_ranges"] == [{"offset": 777 * MIB + 8192, "bytes": 4096}] and result["residue_bytes"] == 4096
    sampled = look(image, verify="sample", sample_share=10, seed="audit", on_residue="report")
    read = sampled["read_bytes"]
    assert 1024 * MIB // 10 <= read <= 1024 * MIB // 10 + 4 * MIB
    misses = {each["residue_bytes"]: float(each["probability"]) for each in sampled["sample"]["misses"]}
    assert misses[65536] == 0.9 and misses[1024 * MIB // 100] == pytest.approx(0.9**164, rel=0.01)
    # Which of the two it is depends on the seed, and the same seed gives the same answer.
    assert sampled["verdict"] == look(image, verify="sample", sample_share=10, seed="audit", on_residue="report")["verdict"]


def test_where_nothing_is_known_only_beginnings_are_found(bed: Bed, look: Look) -> None:
    content = bytearray(os.urandom(SIZE))
    content[3 * MIB : 3 * MIB + len(WAV)] = WAV
    result = look(attached(bed, bytes(content)), expect="anything")
    assert result["failed"] and result["beginnings"] == [{"offset": 3 * MIB, "kind": "RIFF audio (WAV)"}]
    assert result["residue_bytes"] == 0 and result["read_bytes"] == SIZE
    clean = look(attached(bed, os.urandom(SIZE)), expect="anything")
    assert clean["verdict"] == "clean" and any("what every byte should be is not known" in limit for limit in clean["limits"])


def test_canaries(bed: Bed, look: Look, tmp_path: pathlib.Path) -> None:
    canaries = Canaries(KEY, SIZE, 100)
    (tmp_path / "canaries").write_bytes(canaries.document())
    places = canaries.places()
    options = {"expect": "no_canaries", "canaries": str(tmp_path / "canaries")}
    gone = look(attached(bed, os.urandom(SIZE)), **options)
    assert gone["verdict"] == "clean" and gone["canaries"] == {"read": 100, "unread": 0, "left": 0, "places": []}
    content = bytearray(os.urandom(SIZE))
    place = places[57]
    content[place + 64 : place + 128] = canaries.content(place)[64:128]
    left = look(attached(bed, bytes(content)), **options)
    assert left["failed"] and left["canaries"]["left"] == 1 and left["canaries"]["places"] == [place]
    assert f"1 canaries are left, the first at offset {place}" in left["msg"]


def test_what_cannot_be_read_is_unknown(bed: Bed, look: Look, tmp_path: pathlib.Path) -> None:
    backing, inside = bed.serve()
    image = bed.fill_image(bytes(SIZE), inside=backing)
    (backing / "faults.json").write_text(json.dumps({"fail_read": [[5 * MIB, 5 * MIB + 8192]]}))
    seen = inside / image.name
    bed.attach(seen, direct_io=True)
    identity = {"backing_file": str(seen)}
    for expect in ("zeros", "anything"):
        result = look(image, device=identity, expect=expect)
        assert result["failed"] and result["verdict"] == "unknown" and "8192 bytes could not be read (bytes" in result["msg"]
        assert result["bad_ranges"] == [{"offset": 5 * MIB, "bytes": 8192}] and result["read_bytes"] == SIZE - 8192
    (tmp_path / "canaries").write_bytes(Canaries(KEY, SIZE, 6000).document())
    result = look(image, device=identity, canaries=str(tmp_path / "canaries"), on_residue="report")
    assert result["verdict"] == "unknown" and result["canaries"]["unread"] == 2
    (backing / "faults.json").unlink()
    assert look(image, device=identity)["verdict"] == "clean"
