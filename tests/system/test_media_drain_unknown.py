# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(media_drain) cannot look into, or finds nothing in; and that nobody else sees how it looks, nor is anything left of it."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import surveying
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.plugins.module_utils._media.inventory import take_inventory
from ansible_collections.recordings.disposal.plugins.module_utils._media.private_mounts import UnseenError
from ansible_collections.recordings.disposal.plugins.module_utils._media.surveying import survey
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import look_into
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked, partitioned
from ansible_collections.recordings.disposal.tests.system.drain_bed import House, Medium, digest
from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, Bed, need, not_run, run
from ansible_collections.recordings.disposal.tests.system.luks_bed import CHEAP, KEY
from ansible_collections.recordings.disposal.tests.system.test_device_refused import opener, physical_volume

BED = pathlib.Path(__file__).with_name("drain_bed.py")


@pytest.fixture
def house(bed: Bed, tmp_path: pathlib.Path) -> House:
    return House(bed, tmp_path)


def unseen(house: House, medium: Medium, *words: str, **options: t.Any) -> dict[str, t.Any]:
    """Unknown, with a reason; a look without a policy is refused with it too."""
    row = house.keeps(medium, *words, drained="unknown", **options)
    with pytest.raises(RefusedError) as caught:
        look_into({"serial": medium.serial}, run_root=str(house.run_root))
    assert all(word in caught.value.message for word in words) and caught.value.details["unknown"]
    return row


@pytest.mark.parametrize("kind", ["luks1", "luks2"])
def test_a_locked_volume(house: House, kind: str) -> None:
    need("cryptsetup")
    medium = house.blank(os.urandom(20 * MIB))
    key = house.elsewhere / "key"
    key.write_bytes(KEY)
    run("cryptsetup", "luksFormat", *CHEAP, "--type", kind, "--key-file", str(key), medium.device)
    unseen(house, medium, f"{medium.name}: it is encrypted (crypto_LUKS) and locked; open it, and look again")


def test_a_member_of_a_group_of_which_nothing_is_active(house: House) -> None:
    medium = house.blank(physical_volume(marked(4 * MIB)))
    unseen(house, medium, "bears an LVM physical volume (LVM2_member; to take it off: ", "and it is not active here; activate it")


def test_bytes_that_nothing_recognises(house: House) -> None:
    unseen(
        house,
        house.blank(marked(4 * MIB)),
        "nothing that is known lies on it, but it is not empty (some of its",
        "bytes are not zeros); look at it by hand, or overwrite it",
    )
    last = bytearray(64 * MIB)
    last[-1] = 1
    unseen(house, house.blank(bytes(last)), "but it is not empty")


def test_an_empty_medium(house: House) -> None:
    row = house.lets_go(house.blank(bytes(64 * MIB)))
    assert "a sample of 17" in row["limits"][0] and f"of its {64 * MIB} bytes is all zeros" in row["limits"][0]
    assert row["filesystems"] == [] and house.inventories(Medium(row["serial"], "", pathlib.Path())) == []


def test_swap(house: House) -> None:
    medium = house.blank(bytes(8 * MIB))
    run("mkswap", medium.device)
    row = house.lets_go(medium)
    assert (row["filesystems"], row["outside"]) == ([], 0)


def test_tables_of_partitions(house: House) -> None:
    need("partx")
    empty = bytes(440) + bytes.fromhex("42eeffc0") + bytes(66) + b"\x55\xaa"
    for rest, words in ((bytes(8 * MIB), f"a sample of {6 * MIB + 512} of its"), (marked(8 * MIB), "some of its")):
        medium = house.blank(empty + rest)
        row = house.lets_go(medium)
        assert f"the partition table of {medium.name} is empty; apart from the table {words}" in row["limits"][0], row["limits"]
    medium = house.blank(partitioned(bytes(8 * MIB)))
    unseen(house, medium, "the kernel shows none of the partitions that its table has; run partprobe, and look again")
    with house.partitions(medium):
        row = house.lets_go(medium)
        assert [limit for limit in row["limits"] if "nothing was recognised on" in limit and "p2;" in limit]
        run("partx", "--delete", "--nr", "2", medium.device)
        unseen(house, medium, "its table has 2 partitions, and the kernel shows 1; run partprobe")
    medium = house.blank(partitioned(marked(8 * MIB)))
    with house.partitions(medium):
        row = unseen(house, medium, "p1: nothing that is known lies on it")
        assert len(row["reasons"]) == 2


def test_a_filesystem_that_the_kernel_does_not_know(house: House) -> None:
    medium = house.blank(bytes(8 * MIB))
    with open(medium.image, "r+b") as handle:
        # The beginning of a minix filesystem, as blkid recognises it.
        handle.seek(1024)
        handle.write(b"\x60\x05\x00\x10\x01\x00\x01\x00\x31\x00\x00\x00\x00\x1c\x08\x10\x7f\x13\x01\x00")
    run("blockdev", "--flushbufs", medium.device)
    if "minix" in pathlib.Path("/proc/filesystems").read_text():
        not_run("this kernel knows minix")
    unseen(house, medium, "this kernel knows no filesystem minix; look at it on a host that does")


def test_a_filesystem_that_is_spoilt(house: House) -> None:
    medium = house.medium(mounted=False)
    with open(medium.image, "r+b") as handle:
        # The table of groups, in front of which the label stands.
        handle.seek(2048)
        handle.write(os.urandom(8192))
    run("blockdev", "--flushbufs", medium.device)
    unseen(house, medium, f"{medium.name}: its ext4 cannot be mounted read-only (", "; repair it, or look at it elsewhere")


def not_unmounted(house: House, kind: str) -> Medium:
    """A medium as it is after the power failed, with a file that only its log has."""
    source = house.medium(kind)
    (source.point / "on-disk").write_text("x")
    run("sync", "--file-system", str(source.point))
    for name in ("in-the-log", "again"):
        with open(source.point / name, "w") as handle:
            handle.write("x" * 100)
            handle.flush()
            os.fsync(handle.fileno())
    copy = house.bed.fill_image(source.image.read_bytes())
    house.unmount(source)
    device = house.bed.attach(copy)
    return Medium(house.name(device), device, copy)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_one_that_was_not_unmounted_cleanly(house: House, kind: str) -> None:
    medium = not_unmounted(house, kind)
    (row,) = house.look(medium)
    assert row["drained"] in ("no", "unknown")
    assert any("it was not unmounted cleanly, so files may be missing from what it shows" in reason for reason in row["reasons"])
    with pytest.raises(RefusedError, match="was not unmounted cleanly"):
        house.inventories(medium)
    point = house.bed.mount(medium.device, kind)
    assert (point / "again").exists()
    house.bed.unmount(point)
    assert house.inventories(medium)


def test_orphans_that_any_mount_of_ext4_would_remove(house: House) -> None:
    """C(mount -o ro,noload) writes to such a filesystem."""
    need("debugfs")
    medium = house.medium()
    (medium.point / "kept").write_bytes(b"x" * 100_000)
    inode = (medium.point / "kept").stat().st_ino
    medium = house.unmount(medium)
    for command in ("unlink kept", f"set_inode_field <{inode}> links_count 0", f"set_super_value last_orphan {inode}"):
        run("debugfs", "-w", "-R", command, str(medium.image))
    run("blockdev", "--flushbufs", medium.device)
    before = digest(medium.image)
    assert house.lets_go(medium)["filesystems"][0]["files"] == 0
    assert digest(medium.image) == before
    point = house.bed.mount(medium.device, "ext4", "ro,noload")
    house.bed.unmount(point)
    assert digest(medium.image) != before


def test_one_of_several_devices_of_btrfs(house: House) -> None:
    need("mkfs.btrfs")
    one, two = house.blank(bytes(128 * MIB)), house.blank(bytes(128 * MIB))
    run("mkfs.btrfs", "-q", "-f", "-d", "raid1", "-m", "raid1", one.device, two.device)
    for medium in (one, two):
        unseen(house, medium, "one of 2 devices of a filesystem (btrfs", "and it is not active here")
    point = house.bed.mount(one.device, "btrfs", f"device={two.device}")
    world = house.world(one._replace(path=point))
    world.record(days=10, number=1)
    first, second = house.look(one._replace(path=point), two._replace(path=point))
    assert first["drained"] == second["drained"] == "no" and first["reasons"] == second["reasons"]
    assert first["verdicts"]["retained"] == second["verdicts"]["retained"] == 1
    assert first["filesystems"] == second["filesystems"] and len(first["filesystems"]) == 1
    house.bed.unmount(point)


def test_what_lies_in_another_subvolume(house: House) -> None:
    medium = house.medium("btrfs")
    run("btrfs", "-q", "subvolume", "create", str(medium.point / "calls"))
    run("btrfs", "-q", "subvolume", "create", str(medium.point / "others"))
    (medium.point / "others" / "a.wav").write_text("x")
    medium = house.unmount(medium)
    point = house.bed.mount(medium.device, "btrfs", "subvol=calls")
    medium = medium._replace(path=point)
    before = house.inventories(medium)
    assert house.lets_go(medium, other_files="accepted", policy=house.world(medium).policy)["outside"] == 1
    run("btrfs", "-q", "subvolume", "snapshot", "-r", str(point), str(point / "snapshot"))
    assert house.inventories(medium) == before
    (point / "b.wav").write_text("x")
    assert house.inventories(medium) != before


def test_an_image_on_the_medium(house: House) -> None:
    """A filesystem in a file of the medium is on the medium."""
    outer = house.medium()
    image = house.bed.make_image(16, inside=outer.point)
    device = house.bed.attach(image)
    house.bed.make_filesystem(device, "ext4")
    point = house.bed.mount(device, "ext4")
    world = house.world(outer._replace(path=point))
    world.record(days=10, number=1)
    # So that the image itself does not change any more.
    run("mount", "-o", "remount,ro", str(point))
    row = house.keeps(outer, f"1 recording set on {device[5:]} is retained")
    assert [(each["device"], each["stacked"]) for each in row["filesystems"]] == [(outer.name, False), (device[5:], True)]
    _directory, copies = house.copied(world)
    house.lets_go(outer, copies=copies)
    with pytest.raises(RefusedError, match=f"lie on {device[5:]}, which is or lies on one of the media"):
        house.look(outer, copies=[{"root": str(outer.point), "copy": str(point)}])


def test_two_loop_devices_over_one_file(house: House, bed: Bed) -> None:
    medium = house.medium(mounted=False)
    other = run("losetup", "--find", "--show", "--sizelimit", str(MIB), str(medium.image)).strip()
    try:
        unseen(house, medium, f"{other[5:]}: it shows the same file as well; detach it")
    finally:
        run("losetup", "--detach", other)
    over = run("losetup", "--find", "--show", "--read-only", medium.device).strip()
    try:
        unseen(house, medium, f"{over[5:]}: it shows {medium.name} as well; detach it")
    finally:
        run("losetup", "--detach", over)
    house.lets_go(medium)


def test_one_that_somebody_has_open(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "PATIENCE", 0.3)
    medium = house.medium(mounted=False)
    with opener(medium.device, "os.O_RDWR") as pid:
        unseen(house, medium, f"a device of it is open by process {pid} (")
    with opener(medium.device, "os.O_RDONLY | os.O_EXCL"):
        unseen(house, medium, f"{medium.name}: somebody uses it in a way that is not seen here, such as a container; end that")
    house.lets_go(medium)


def test_one_that_is_mounted_where_only_others_see_it(house: House) -> None:
    medium = house.medium(mounted=False)
    script = f"mount {medium.device} {house.elsewhere} && echo mounted && read line"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PATH": PATH}) as process:
        assert process.stdout and process.stdin and process.stdout.readline() == b"mounted\n"
        row = house.keeps(medium._replace(path=house.elsewhere), "somebody uses it in a way that is not seen here", drained="unknown")
        assert row["filesystems"] == []
        process.stdin.close()
    house.lets_go(medium._replace(path=house.elsewhere))


def test_one_of_which_a_part_is_mounted_or_that_is_covered(house: House) -> None:
    medium = house.medium()
    (medium.point / "part").mkdir()
    part = house.elsewhere / "part"
    part.mkdir()
    run("mount", "--bind", str(medium.point / "part"), str(part))
    try:
        house.lets_go(medium)
        house.bed.unmount(medium.point)
        unseen(house, medium, f"only a part of it is mounted here (on {part}); mount all of it")
    finally:
        run("umount", str(part))
    point = house.bed.mount(medium.device, "ext4")
    run("mount", "-t", "tmpfs", "none", str(point))
    try:
        unseen(house, medium._replace(path=point), f"what is mounted on {point} is covered by another mount; unmount that one")
    finally:
        run("umount", str(point))


def test_a_medium_that_fails_while_it_is_read(house: House, bed: Bed) -> None:
    backing, inside = bed.serve()
    image = bed.make_image(16, inside=backing)
    device = bed.attach(inside / image.name, direct_io=True)
    bed.make_filesystem(device, "ext4")
    point = bed.mount(device, "ext4")
    for number in range(200):
        (point / f"directory{number}").mkdir()
        (point / f"directory{number}" / "a.wav").write_bytes(random.randbytes(100))
    bed.unmount(point)
    medium = Medium(house.name(device), device, image)
    house.keeps(medium, "200 files on")
    for start in (1 * MIB, 0):
        run("blockdev", "--flushbufs", device)
        (backing / "faults.json").write_text(json.dumps({"fail_read": [[start, 16 * MIB]]}))
        try:
            (row,) = house.look(medium._replace(path=point))
        finally:
            (backing / "faults.json").unlink()
        assert row["drained"] == "unknown" and row["filesystems"] == [], row


def test_a_file_that_goes_during_the_walk(tmp_path: pathlib.Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text("x")
    top = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(UnseenError, match="something in it went while it was looked at, so it is still in use"):
            take_inventory(top, "ext4", lambda path, _facts: (tmp_path / "c").unlink(missing_ok=True))
    finally:
        os.close(top)


def test_nobody_else_sees_the_look_and_a_kill_leaves_nothing(house: House) -> None:
    medium = house.medium(mounted=False)
    before, host = digest(medium.image), house.seen()
    process = subprocess.Popen([sys.executable, str(BED), str(medium.image)], stdout=subprocess.PIPE)
    try:
        assert process.stdout and json.loads(process.stdout.readline()) == ["lost+found"]
        (own,) = set(house.seen()[1]) - set(host[1])
        name = own.split()[0]
        theirs = pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text()
        assert house.seen()[0] == host[0] and name not in theirs and medium.device not in theirs
        # Meanwhile nobody can mount it, nor write to it through what the look is over.
        refused = subprocess.run(
            ["mount", medium.device, str(house.elsewhere)], env={**os.environ, "PATH": PATH}, capture_output=True, check=False
        )
        assert refused.returncode and house.seen()[0] == host[0]
        with pytest.raises(OSError), open(f"/dev/{name}", "r+b", buffering=0) as handle:
            handle.write(b"x")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    deadline = time.monotonic() + 10
    while house.seen() != host and time.monotonic() < deadline:
        time.sleep(0.05)
    assert house.seen() == host and digest(medium.image) == before
    house.lets_go(medium)


def test_a_look_at_what_is_mounted_leaves_no_times_of_access(house: House) -> None:
    medium = house.medium(options="strictatime")
    path = medium.point / "a" / "b.wav"
    path.parent.mkdir()
    path.write_text("bytes")
    shutil.copytree(medium.point / "a", house.elsewhere / "a")
    os.utime(path, (1, 1))
    os.utime(path.parent, (1, 1))
    copies = [{"root": str(medium.point), "copy": str(house.elsewhere)}]
    assert house.lets_go(medium, copies=copies)["copied"] == 1
    assert path.stat().st_atime == path.parent.stat().st_atime == 1


def test_a_file_with_many_names_and_directories_that_are_deep(house: House) -> None:
    medium = house.medium()
    path = medium.point / "a"
    path.write_text("x" * 10)
    os.link(path, medium.point / "b")
    (filesystem,) = look_into({"serial": medium.serial}, run_root=str(house.run_root))
    assert (filesystem["files"], filesystem["bytes"]) == (2, 20)
    deep = medium.point
    for _level in range(401):
        deep = deep / "d"
        deep.mkdir()
    unseen(house, medium, "directories in it are nested too deeply; look at it by hand")


def test_a_device_by_what_names_it_and_none(house: House, bed: Bed) -> None:
    medium = house.medium(mounted=False)
    assert look_into({"backing_file": str(medium.image)})[0]["type"] == "ext4"
    with pytest.raises(RefusedError, match="no device on this host has serial NO-SUCH"):
        look_into({"serial": "NO-SUCH"})
    found = survey([find_device({"backing_file": str(medium.image)})])
    assert [each.device for each in found.filesystems] == [medium.name] and list(found.numbers.values()) == [medium.name]
