# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
import dataclasses
import inspect
import pathlib
import textwrap
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import Use, decide_use, gather_use, require_free
from ansible_collections.recordings.disposal.plugins.module_utils._media.hidden import Hidden
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device, list_devices
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World

FREE = Use("sdb", hidden=Hidden("none", "the disk hides no capacity"))


def test_a_free_device() -> None:
    assert decide_use(FREE) == []
    require_free(FREE)


USES: list[tuple[dict[str, t.Any], str]] = [
    ({"mounted": ("sdb1 on /srv",)}, "it is mounted (sdb1 on /srv)"),
    ({"holders": ("md0", "dm-3 (vg-root)")}, "it is held by md0, dm-3 (vg-root)"),
    ({"swaps": ("/dev/sdb2",)}, "it is in use as swap (/dev/sdb2)"),
    ({"system": ("/", "/boot")}, "it is the system's disk (it carries /, /boot)"),
    ({"read_only": True}, "it is read-only"),
    ({"zoned": True}, "it is a host-managed zoned device, on which neither an overwrite nor canaries can be written"),
    ({"members": ("sdb1 bears a ZFS pool",)}, "it belongs to more than itself: sdb1 bears a ZFS pool"),
    ({"keys": ("hosts have registered with sdb (0x1)",)}, "hosts have registered with sdb (0x1)"),
    ({"exclusive": "the kernel or a process has claimed it for itself"}, "has claimed it for itself"),
    ({"openers": ("process 7 (dd)",)}, "it is open by process 7 (dd)"),
    ({"unseen": ("process 9",)}, "whether process 9 has it open cannot be determined, which counts as in use"),
    ({"unread": ("what is mounted",)}, "what is mounted cannot be determined, which counts as in use"),
    ({"hidden": Hidden("hidden", "the disk hides 8 sectors")}, "the disk hides 8 sectors"),
    ({"hidden": Hidden("unknown", "HPA cannot be read")}, "HPA cannot be read"),
    ({"hidden": Use("x").hidden}, "whether the disk hides capacity was not asked"),
]


@pytest.mark.parametrize(("change", "words"), USES)
def test_each_reason_alone_is_enough(change: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        require_free(dataclasses.replace(FREE, **change))
    assert caught.value.message.startswith("sdb was not touched because ")
    assert words in caught.value.message and caught.value.message.endswith("if another one was meant")


def without(number: int) -> t.Callable[..., list[str]] | None:
    """C(decide_use) without its guard of that number; C(None) where it has no more."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(decide_use)))
    body = t.cast("ast.FunctionDef", tree.body[0]).body
    guards = [each for each in body[1:] if isinstance(each, (ast.If, ast.Expr))]
    if number >= len(guards):
        return None
    body.remove(guards[number])
    scope: dict[str, t.Any] = {"t": t, "Use": Use}
    exec(compile(tree, "decide_use", "exec"), scope)
    return t.cast("t.Callable[..., list[str]]", scope["decide_use"])


def test_every_guard_has_a_use_that_only_it_refuses() -> None:
    """A guard that is taken out lets one of the uses above pass, so its test fails."""
    removed = 0
    while (mutant := without(removed)) is not None:
        passed = [words for change, words in USES if not mutant(dataclasses.replace(FREE, **change))]
        assert passed, f"guard {removed} can be removed without a test that fails"
        removed += 1
    assert removed == len({next(iter(change)) for change, _words in USES})


def test_what_it_is_a_member_of_may_be_destroyed_with_it_and_nothing_else() -> None:
    use = dataclasses.replace(FREE, members=("sdb1 bears an LVM physical volume",))
    require_free(use, on_member="report")
    for change, words in USES:
        if "members" not in change:
            reasons = decide_use(dataclasses.replace(use, **change), on_member="report")
            assert len(reasons) == 1 and words in reasons[0]


def test_processes_that_were_not_seen_may_be_reported_instead_and_nothing_else() -> None:
    use = dataclasses.replace(FREE, unseen=("process 9",))
    assert decide_use(use, on_unseen="report") == []
    assert decide_use(dataclasses.replace(use, unread=("what is mounted",)), on_unseen="report")
    assert decide_use(dataclasses.replace(FREE, hidden=Hidden("unasked", "behind a USB bridge"))) == []


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    """A disk with two partitions; on the second lies a RAID, on that LVM. None of its numbers has a node in /dev."""
    world = World(tmp_path)
    world.disk("xya", "4080:0", serial="DATA")
    world.partition("xya", "xya1", "4080:1", partuuid="data-1")
    world.partition("xya", "xya2", "4080:2", partuuid="data-2")
    world.disk("md127", "4081:0")
    world.disk("dm-5", "4082:5", dm__name="vg-recordings\n")
    world.hold("xya2", "md127")
    world.hold("md127", "dm-5")
    return world


def gather(world: World, **identity: str) -> Use:
    identity = identity or {"serial": "DATA"}
    return gather_use(find_device(identity, **world.roots), proc_root=str(world.proc), **world.roots)


def test_all_that_is_stacked_on_a_device_holds_it(world: World) -> None:
    assert gather(world).holders == ("md127", "dm-5 (vg-recordings)")
    assert gather(world, partuuid="data-1").holders == ()
    assert gather(world, partuuid="data-2").holders == ("md127", "dm-5 (vg-recordings)")


@pytest.mark.parametrize(("number", "name"), [("4080:0", "xya"), ("4080:1", "xya1"), ("4081:0", "md127"), ("4082:5", "dm-5")])
def test_a_mount_anywhere_in_the_stack(world: World, number: str, name: str) -> None:
    world.write(world.proc / "self" / "mountinfo", f"40 1 {number} / /srv/with\\040space rw shared:1 - xfs /dev/x rw\n")
    assert gather(world).mounted == (f"{name} on /srv/with space",)


@pytest.mark.parametrize("point", ["/", "/boot", "/usr", "/var", "/boot/efi"])
def test_the_systems_disk_and_the_other_partitions_on_it(world: World, point: str) -> None:
    world.write(world.proc / "self" / "mountinfo", f"40 1 4080:1 / {point} rw - ext4 /dev/x rw\n")
    assert gather(world).system == (point,)
    other = gather(world, partuuid="data-2")
    assert (other.system, other.mounted) == ((point,), ())


def test_a_system_that_lies_deep_in_the_stack(world: World) -> None:
    slaves = world.sys / "class" / "block" / "dm-5" / "slaves"
    slaves.mkdir()
    (slaves / "xya").symlink_to((world.sys / "block" / "xya").resolve())
    world.write(world.proc / "self" / "mountinfo", "40 1 4082:5 / / rw - ext4 /dev/mapper/vg-recordings rw\n")
    assert gather(world).system == ("/",)


def test_attributes(world: World) -> None:
    disk = (world.sys / "block" / "xya").resolve()
    assert not gather(world).read_only and not gather(world).zoned
    world.write(disk / "ro", "1\n")
    world.write(disk / "queue" / "zoned", "host-managed\n")
    assert gather(world).read_only and gather(world).zoned
    # One that the host may manage takes writes in any place.
    world.write(disk / "queue" / "zoned", "host-aware\n")
    assert not gather(world).zoned
    world.write(disk / "queue" / "zoned", "host-managed\n")
    assert gather(world, partuuid="data-1").read_only


def test_what_cannot_be_read_counts_as_use(world: World) -> None:
    """There is no node in /dev either: whether the device is claimed cannot be determined."""
    disk = (world.sys / "block" / "xya").resolve()
    (world.proc / "self" / "mountinfo").unlink()
    (world.proc / "swaps").unlink()
    (disk / "ro").unlink()
    (disk / "queue" / "zoned").unlink()
    (disk / "holders").rmdir()
    reasons = decide_use(gather(world), on_unseen="report")
    for word in ("what is mounted", "what is swapped to", "whether xya is read-only", "whether it is a zoned device", "what holds xya"):
        assert any(reason == f"{word} cannot be determined, which counts as in use" for reason in reasons), word
    assert any(reason.startswith("whether somebody has claimed it (opening failed: No such file") for reason in reasons)


def test_a_list_of_mounts_of_an_unknown_form(world: World) -> None:
    world.write(world.proc / "self" / "mountinfo", "a line from the future\n")
    assert any("lines of an unknown form" in reason for reason in decide_use(gather(world)))


def test_a_swap_that_is_not_there(world: World) -> None:
    world.write(world.proc / "swaps", "Filename Type Size Used Priority\n/gone\\040swap file 1 0 -2\n")
    assert any("where the swap /gone swap lies" in reason for reason in decide_use(gather(world)))


def test_processes(world: World) -> None:
    (world.proc / "7" / "fd").mkdir(parents=True)
    (world.proc / "7" / "fd" / "0").symlink_to("/dev/null")
    (world.proc / "8").mkdir()
    world.write(world.proc / "9" / "fd", "no directory")
    use = gather(world)
    assert (use.openers, use.unseen) == ((), ("process 9",))


WWN = "naa.5000c500a1b2c3d4\n"


@pytest.fixture
def paths(tmp_path: pathlib.Path) -> World:
    """Two paths to one drive, of which the first is held by a map of device-mapper multipath."""
    world = World(tmp_path)
    world.disk("sda", "8:0", device__wwid=WWN, serial="ZC11")
    world.disk("sdb", "8:16", device__wwid=WWN, serial="ZC11")
    return world


def test_two_paths_to_one_drive_are_refused(paths: World) -> None:
    for identity in ({"wwn": WWN}, {"serial": "ZC11"}, {"serial": "ZC11", "wwn": WWN}):
        with pytest.raises(RefusedError, match="2 devices have .*sda, sdb .several paths to one medium"):
            find_device(identity, **paths.roots)


def test_a_path_that_shows_less_is_still_a_path(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.disk("sda", "8:0", device__wwid=WWN, serial="ZC11")
    # Its WWN could not be read; without the others the first would be found alone, and what mounts this one would not be seen.
    world.disk("sdb", "8:16", serial="ZC11")
    with pytest.raises(RefusedError, match="sda .*and sdb may be one medium: they have the same size and no fact that differs"):
        find_device({"wwn": WWN}, **world.roots)


def test_a_serial_that_its_maker_gave_twice_is_no_reason_where_another_fact_differs(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.disk("sda", "8:0", device__wwid=WWN, serial="0123456789")
    world.disk("sdb", "8:16", device__wwid="naa.5000c500a1b2c3d5", serial="0123456789")
    assert find_device({"wwn": WWN}, **world.roots).name == "sda"
    with pytest.raises(RefusedError, match="2 devices have serial 0123456789: sda, sdb"):
        find_device({"serial": "0123456789"}, **world.roots)


def test_a_map_of_multipath_holds_each_of_its_paths(paths: World) -> None:
    paths.disk("dm-0", "254:0", dm__name="mpatha\n", dm__uuid="mpath-35000c500a1b2c3d4\n")
    for path in ("sda", "sdb"):
        paths.hold(path, "dm-0")
        (device,) = [each for each in list_devices(**paths.roots) if each.name == path]
        assert gather_use(device, proc_root=str(paths.proc), **paths.roots).holders == ("dm-0 (mpatha)",)
