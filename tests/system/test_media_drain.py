# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(media_drain) on real filesystems: what keeps a medium, what lets it go, and that looking changes nothing."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import drained_of
from ansible_collections.recordings.disposal.tests.system.drain_bed import House, Medium
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

HOLD = {"id": "case-114", "reason": "a case", "placed": "2020-01-01", "placed_by": "legal@example.com", "match": {"src": ["+48600100200"]}}
OLD = 200 * 86400


@pytest.fixture
def house(bed: Bed, tmp_path: pathlib.Path) -> House:
    return House(bed, tmp_path)


@pytest.fixture
def medium(house: House) -> Medium:
    return house.medium()


@pytest.fixture
def world(house: House, medium: Medium) -> World:
    """A recording that is due lies on the medium."""
    world = house.world(medium)
    world.record(days=200, number=1)
    return world


def aged(path: pathlib.Path, content: bytes = b"bytes") -> pathlib.Path:
    """A file that nobody is writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    facts = os.stat(path)
    os.utime(path, (facts.st_mtime - OLD, facts.st_mtime - OLD))
    return path


def refused(house: House, words: str, *media: Medium, **options: t.Any) -> None:
    """The whole task, before anything was looked at."""
    host = house.seen()
    with pytest.raises(DisposalError) as caught:
        drained_of(house.params(*media, **options), run_root=str(house.run_root))
    assert words in caught.value.message and "\n" not in caught.value.message, caught.value.message
    assert house.seen() == host


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"media": None}, "no media are named, so nothing was looked at; give register, or media"),
        ({"media": ["S1", " "]}, "the serials under media are blank or stand twice (a blank one)"),
        ({"media": ["S 1", "s1"]}, "the serials under media are blank or stand twice (s1)"),
        ({"media": [f"S{number}" for number in range(201)]}, "201 media are named, so nothing was looked at; give at most 200"),
        ({"policy": {"id": "x"}}, "the policy is not valid, nothing was done"),
        ({"controller_time": 7}, "this host's clock"),
        ({"identifiers_key": ""}, "no key of at least 32 characters was given"),
        ({"holds": [{"id": "x"}]}, "the hold x is not valid"),
        ({"state_dir": "state"}, "is not an absolute path"),
        ({"sources": ["other"]}, "sources names other"),
    ],
)
def test_options_that_make_no_sense(house: House, medium: Medium, world: World, options: dict[str, t.Any], words: str) -> None:
    refused(house, words, medium, **options)


def test_a_hold_on_the_host_that_cannot_be_read(house: House, medium: Medium) -> None:
    (house.state / "holds").mkdir(parents=True, mode=0o700)
    house.state.chmod(0o700)
    (house.state / "holds" / "x.json").write_text("{")
    refused(house, "a hold must not be taken for none", medium)


def test_copies_that_would_go_too_or_that_nobody_can_place(house: House, medium: Medium, world: World, bed: Bed) -> None:
    root, other = str(world.root), house.medium()
    on_other, named = house.copied(world, other)
    outside, good = house.copied(world)

    def no(words: str, copy: str, *media: Medium, root: str = root) -> None:
        refused(house, words, *(media or (medium,)), copies=[*good, {"root": root, "copy": copy}])

    no("names the copy 'store', which is not an absolute and plain path", "store")
    no("names the copy '/srv/../tmp'", "/srv/../tmp")
    no("names the root 'monitor'", str(outside), root="monitor")
    no("which is neither a root of the policy's sources nor a mount point", str(outside), root="/nowhere")
    no(f"the copies below {outside}/none are not there", f"{outside}/none")
    (house.elsewhere / "link").symlink_to(outside)
    no("are or lie behind a symbolic link", str(house.elsewhere / "link"))
    no(f"lie on the same filesystem as {root}", str(medium.point))
    refused(house, "lie on the same filesystem as", copies=[{"root": root, "copy": str(medium.point)}])
    no(f"lie on {other.name}, which is or lies on one of the media that are to go", str(on_other), medium, other)
    no("lie on tmpfs, of which nobody can tell on which media its bytes are", "/dev/shm")
    lower, upper, work, merged = (bed.directory / name for name in ("lower", "upper", "work", "merged"))
    for path in (lower, upper, work, merged):
        path.mkdir()
    run("mount", "-t", "overlay", "-o", f"lowerdir={medium.point},upperdir={upper},workdir={work}", "overlay", str(merged))
    try:
        no("lie on overlay, of which nobody can tell", str(merged))
    finally:
        run("umount", str(merged))
    file = aged(house.elsewhere / "file")
    no("cannot be opened (Not a directory)", str(file))
    # The copies on the other medium count as long as that one stays.
    assert house.lets_go(medium, copies=named)["backup"]["copied"] == "unknown"


def test_a_medium_that_is_not_there_keeps_no_other(house: House, medium: Medium, world: World) -> None:
    gone = Medium("NO-SUCH-DISK", "/dev/loop0", medium.image, medium.path)
    first, second = house.look(gone, medium)
    assert first["drained"] == "unknown" and "no device on this host has serial NO-SUCH-DISK" in first["reasons"][0]
    assert first["filesystems"] == [] and second["drained"] == "yes"


def test_two_media_with_one_serial(house: House, medium: Medium, world: World) -> None:
    other = house.medium()
    house.name(other.device, medium.serial)
    house.keeps(medium, f"2 devices have serial {medium.serial}", drained="unknown")


def test_a_serial_in_another_case_and_with_spaces(house: House, medium: Medium, world: World) -> None:
    house.lets_go(medium._replace(serial=f" {medium.serial.lower()[:3]} {medium.serial.lower()[3:]}"))


def test_a_legal_hold(house: House, medium: Medium, world: World) -> None:
    _directory, copies = house.copied(world)
    world.holds = [HOLD]
    for options in ({}, {"copies": copies}):
        row = house.keeps(medium, "1 recording set on", "is held (hold:case-114); a hold is not satisfied by a copy", **options)
        assert row["verdicts"] == {**dict.fromkeys(row["verdicts"], 0), "held": 1} and len(row["samples"]["held"][0]["set"]) == 32
        assert world.root.name not in str(row["samples"])
    world.holds = [{**HOLD, "released": "2020-02-01", "released_by": "legal@example.com"}]
    house.lets_go(medium)


def test_a_hold_that_was_placed_on_the_host(house: House, medium: Medium, world: World) -> None:
    (house.state / "holds").mkdir(parents=True, mode=0o700)
    house.state.chmod(0o700)
    (house.state / "holds" / "x.json").write_text(str(HOLD).replace("'", '"'))
    house.keeps(medium, "is held (hold:case-114)")
    assert house.looked(medium)["holds"]["active"] == 1


def conflict(world: World) -> None:
    (one,) = world.policy["classes"]
    world.policy["classes"].append({**one, "name": "others", "disposal": {**one["disposal"], "scheme": "random"}})


KEPT: dict[str, tuple[t.Callable[[World], object], str]] = {
    "retained": (lambda world: world.record(days=10, number=2), "recording set on"),
    "floor": (
        lambda world: world.policy.update(
            floors=[{"name": "orders", "match": {"source": ["pbx"]}, "keep_at_least": "P5Y", "legal_basis": "test"}]
        ),
        "is retained (floor:orders)",
    ),
    "unclassified": (lambda world: aged(world.root / "2020" / "a voice.wav"), "is unclassified (name does not match the layout)"),
    "conflict": (conflict, "is conflict (class:"),
}


@pytest.mark.parametrize("verdict", KEPT)
def test_what_must_be_kept(house: House, medium: Medium, world: World, verdict: str) -> None:
    change, words = KEPT[verdict]
    change(world)
    row = house.keeps(medium, words, "and has no verified copy (none is named); wait until due, or give copies")
    assert row["backup"] == {"copied": "unknown", "where": []}
    directory, copies = house.copied(world)
    row = house.lets_go(medium, copies=copies)
    assert row["backup"] == {"copied": "yes", "where": [str(directory)]} and row["copied"] >= 1
    assert row["verdicts"][verdict if verdict != "floor" else "retained"] == 1


def test_what_is_in_progress(house: House, medium: Medium, world: World) -> None:
    world.record(days=0, number=2)
    _directory, copies = house.copied(world)
    house.keeps(medium, "is in_progress (modified within the quiet time); wait until they are written", copies=copies)


def spoil_byte(copy: pathlib.Path) -> None:
    content = bytearray(copy.read_bytes())
    content[100] ^= 1
    copy.write_bytes(content)


def link(copy: pathlib.Path) -> None:
    real = copy.with_name("real")
    copy.rename(real)
    copy.symlink_to(real)


def link_directory(copy: pathlib.Path) -> None:
    real = copy.parent.with_name("real")
    copy.parent.rename(real)
    copy.parent.symlink_to(real)


def pipe(copy: pathlib.Path) -> None:
    copy.unlink()
    os.mkfifo(copy)


SPOILT: dict[str, tuple[t.Callable[[pathlib.Path], object], str]] = {
    "one byte": (spoil_byte, "(other bytes: 1)"),
    "missing": (lambda copy: copy.unlink(), "(no copy: 1)"),
    "shorter": (lambda copy: os.truncate(copy, 4000), "(a copy of another size: 1)"),
    "a link": (link, "(a symbolic link, which is never followed: 1)"),
    "behind a link": (link_directory, "(a symbolic link, which is never followed: 2)"),
    "a pipe": (pipe, "(no regular file: 1)"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_copies_that_prove_nothing(house: House, medium: Medium, world: World, kind: str) -> None:
    audio = world.record(days=10, number=2)
    directory, copies = house.copied(world)
    spoil, words = SPOILT[kind]
    spoil(directory / audio.relative_to(world.root))
    row = house.keeps(medium, "1 recording set on", "is retained and has no verified copy", words, copies=copies)
    assert row["backup"]["copied"] == "no"
    # Another directory of copies that has it is enough.
    house.elsewhere = house.elsewhere / "second"
    second, more = house.copied(world)
    row = house.lets_go(medium, copies=[*copies, *more])
    assert row["copied"] == 2 and str(second) in row["backup"]["where"]


def test_a_copy_that_is_mounted_in_from_the_medium(house: House, medium: Medium, world: World) -> None:
    world.record(days=10, number=2)
    directory, copies = house.copied(world)
    run("mount", "--bind", str(world.root), str(directory))
    try:
        refused(house, "lie on the same filesystem as", medium, copies=copies)
    finally:
        run("umount", str(directory))
    run("mount", "--bind", str(next(world.root.iterdir())), str(directory / next(world.root.iterdir()).name))
    try:
        house.keeps(medium, "a copy on something that is mounted below the directory of copies: ", copies=copies)
    finally:
        run("umount", str(directory / next(world.root.iterdir()).name))
    house.lets_go(medium, copies=copies)


def test_only_some_have_copies(house: House, medium: Medium, world: World) -> None:
    audio = [world.record(days=10, number=number) for number in (2, 3, 4)]
    directory, copies = house.copied(world)
    spoil_byte(directory / audio[0].relative_to(world.root))
    row = house.keeps(medium, "3 recording sets on", "are retained", "no verified copy (", "other bytes: 1", copies=copies)
    assert row["backup"]["copied"] == "no" and row["copied"] < 6
    (directory / audio[0].relative_to(world.root)).unlink()
    house.keeps(medium, "3 recording sets on", "no copy: 1", copies=copies)


def test_due_only(house: House, medium: Medium, world: World) -> None:
    world.record(days=300, number=2)
    row = house.lets_go(medium)
    assert row["verdicts"] == {**dict.fromkeys(row["verdicts"], 0), "due": 2} and (row["outside"], row["copied"]) == (0, 0)
    assert row["filesystems"][0]["files"] == 4 and row["filesystems"][0]["mounted"] == str(medium.point)
    told = house.looked(medium)
    assert told["policy"]["id"] == "test" and told["policy"]["digest"].startswith("sha256:") and told["holds"]["active"] == 0


def test_what_an_erasure_request_makes_due(house: House, medium: Medium, world: World) -> None:
    world.record(days=10, number=2)
    world.requests = [{"id": "ER-7", "received": "2099-01-01", "match": {"src": ["+48600100200"]}}]
    house.keeps(medium, "is retained")
    world.requests = [{"id": "ER-7", "received": time.strftime("%Y-%m-%d", time.gmtime()), "match": {"src": ["+48600100200"]}}]
    assert house.lets_go(medium)["verdicts"]["due"] == 2


def test_quarantined_sets_are_judged_and_what_lies_beside_them_is_not(house: House, medium: Medium, world: World) -> None:
    audio = world.record(days=200, number=2)
    aside = world.root / ".recordings-disposal" / "20260101T000000Z-0123456789abcdef"
    for path in (audio, audio.with_suffix(".json")):
        target = aside / path.relative_to(world.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    assert house.lets_go(medium)["verdicts"]["due"] == 2
    aged(world.root / ".recordings-disposal" / "kept.wav")
    row = house.keeps(medium, "1 file on", "belongs to no recording set and has no verified copy (none is named); look at what lies in")
    assert row["verdicts"]["due"] == 2
    _directory, copies = house.copied(world)
    assert house.lets_go(medium, copies=copies)["copied"] == 1
    world.holds = [{**HOLD, "match": {"src": ["+48999"]}}]
    house.keeps(medium, "1 hold is in force, and whether one is on any of the 1 files", drained="unknown", copies=copies)


def test_a_marker_is_no_recording(house: House, medium: Medium, world: World) -> None:
    aged(world.root / ".here")
    world.policy["sources"][0]["sentinel"] = {"marker": ".here", "min_sets": 7}
    assert house.lets_go(medium)["verdicts"]["due"] == 1
    (world.root / ".here").unlink()
    house.keeps(medium, "has no marker file .here", drained="unknown")


def test_an_emptied_root(house: House, medium: Medium, world: World) -> None:
    run("rm", "-r", str(world.root))
    world.root.mkdir()
    row = house.lets_go(medium)
    assert row["verdicts"] == dict.fromkeys(row["verdicts"], 0) and row["filesystems"][0]["files"] == 0


def test_files_beneath_what_is_mounted_over_them(house: House, medium: Medium, world: World) -> None:
    day = world.root / "2020"
    world.record(days=300, number=2)
    aged(day / "x" / "hidden.wav")
    run("mount", "-t", "tmpfs", "none", str(day))
    try:
        house.keeps(medium, "1 file on", "lies beneath what is mounted over it and has no verified copy", "; unmount what lies over them")
    finally:
        run("umount", str(day))
    house.keeps(medium, "is unclassified (name does not match the layout)")


def test_files_outside_of_the_roots(house: House, medium: Medium, world: World) -> None:
    aged(medium.point / "etc" / "passwd")
    row = house.lets_go(medium)
    assert row["outside"] == 1 and any("1 file on" in limit and "outside of the policy's roots" in limit for limit in row["limits"])
    aged(medium.point / "lost+found" / "#12")
    row = house.lets_go(medium)
    assert row["outside"] == 1 and any("1 file in lost+found of" in limit for limit in row["limits"])


def test_no_root_of_the_policy_lies_on_it(house: House, medium: Medium, world: World) -> None:
    other = house.medium()
    assert house.lets_go(other)["outside"] == 0
    aged(other.point / "a" / "call.wav")
    row = house.keeps(other, "no source of the policy has a root on it, and 1 files lie on it; correct the policy, or accept other_files")
    assert row["outside"] == 1
    row = house.lets_go(other, other_files="accepted")
    assert row["outside"] == 1 and any("outside of the policy's roots" in limit for limit in row["limits"])
    copy = aged(house.elsewhere / "a" / "call.wav")
    row = house.lets_go(other, copies=[{"root": str(other.point), "copy": str(house.elsewhere)}])
    assert (row["outside"], row["copied"], row["backup"]["copied"]) == (0, 1, "yes")
    copy.unlink()
    house.keeps(other, "no verified copy (no copy: 1)", copies=[{"root": str(other.point), "copy": str(house.elsewhere)}])


def test_a_root_behind_a_link_is_not_judged(house: House, medium: Medium, world: World) -> None:
    (house.elsewhere / "monitor").symlink_to(world.root)
    world.policy["sources"][0]["roots"] = [str(house.elsewhere / "monitor")]
    house.keeps(medium, "lies behind a symbolic link", drained="unknown")


def test_without_a_policy(house: House, medium: Medium) -> None:
    house.lets_go(medium)
    aged(medium.point / "call.wav")
    row = house.keeps(
        medium, "1 file on", "was not judged, as no policy is given, and has no verified copy (none is named); give the policy"
    )
    assert row["verdicts"] == dict.fromkeys(row["verdicts"], 0) and house.looked(medium)["policy"] is None
    house.keeps(medium, "was not judged", other_files="accepted")
    aged(house.elsewhere / "call.wav")
    copies = [{"root": str(medium.point), "copy": str(house.elsewhere)}]
    assert house.lets_go(medium, copies=copies)["copied"] == 1
    house.keeps(medium, "1 hold is in force, and whether one is on", drained="unknown", copies=copies, holds=[HOLD])


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_filesystem_that_is_not_mounted(house: House, kind: str) -> None:
    medium = house.medium(kind)
    world = house.world(medium)
    world.record(days=200, number=1)
    before = house.inventories(medium)
    _directory, copies = house.copied(world)
    medium = house.unmount(medium)
    row = house.keeps(
        medium,
        "2 files on",
        "were not judged, as it is not mounted where the policy has a root, and have no verified copy (none is named)",
        f"; mount it where the policy's root is ({world.root}), and look again",
    )
    assert row["filesystems"][0]["mounted"] == "" and row["filesystems"][0]["type"] == kind
    assert house.inventories(medium) == before == [row["filesystems"][0]["inventory"]]
    house.keeps(medium, "it is not mounted, and mount_unmounted is false", drained="unknown", mount_unmounted=False)
    # On the medium the recordings lie in a directory below its top.
    (house.elsewhere / "top").mkdir()
    (house.elsewhere / "store").rename(house.elsewhere / "top" / "monitor")
    copies = [{"root": str(world.root), "copy": str(house.elsewhere / "top")}]
    row = house.lets_go(medium, copies=copies)
    assert (row["copied"], row["backup"]["copied"]) == (2, "yes")
    world.holds = [HOLD]
    house.keeps(medium, "1 hold is in force", drained="unknown", copies=copies)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_an_empty_filesystem(house: House, kind: str) -> None:
    medium = house.medium(kind)
    for each in (medium, house.unmount(medium)):
        row = house.lets_go(each)
        assert row["filesystems"][0]["files"] == 0 and row["backup"]["copied"] == "unknown"


def test_the_inventory_tells_what_came_went_and_changed(house: House) -> None:
    medium = house.medium()
    path = aged(medium.point / "a" / "one.wav")
    seen = [house.inventories(medium)]
    aged(medium.point / "b.wav")
    seen.append(house.inventories(medium))
    path.rename(path.with_name("two.wav"))
    seen.append(house.inventories(medium))
    os.utime(medium.point / "b.wav", ns=(1, 1))
    seen.append(house.inventories(medium))
    (medium.point / "b.wav").unlink()
    seen.append(house.inventories(medium))
    path.with_name("two.wav").write_bytes(b"other")
    seen.append(house.inventories(medium))
    assert len({told for (told,) in seen}) == len(seen)
    (medium.point / "link").symlink_to("a")
    assert house.inventories(medium) == seen[-1]
    assert house.inventories(house.unmount(medium)) == seen[-1]


def test_one_disk_with_several_filesystems_and_one_look_at_several_disks(house: House, medium: Medium, world: World) -> None:
    need("partx")
    from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, partitioned

    other = house.blank(partitioned(bytes(16 * MIB)))
    with house.partitions(other):
        for part in ("p1", "p2"):
            house.bed.make_filesystem(f"{other.device}{part}", "ext4", "-N", "16")
        point = house.bed.mount(f"{other.device}p2", "ext4")
        aged(point / "call.wav")
        first, second = house.look(other._replace(path=point), medium)
        house.bed.unmount(point)
        house.keeps(other, "1 file on", "p2 was not judged")
    assert first["drained"] == "no" and first["outside"] == 1 and second["drained"] == "yes"
    assert [(row["device"][-2:], row["mounted"], row["files"]) for row in first["filesystems"]] == [("p1", "", 0), ("p2", str(point), 1)]
    assert any("outside of its partitions was not looked at" in limit for limit in first["limits"])
