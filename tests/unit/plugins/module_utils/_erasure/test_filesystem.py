# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import filesystem as module
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.filesystem import (
    FilesystemFacts,
    FilesystemProbe,
    MountFacts,
    assess_filesystem,
    decide_filesystem,
    parse_mountinfo,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.blocklayers import Layer

DISK = (Layer("sda", "disk"), None)


def mount(type_: str, *options: str) -> MountFacts:
    return MountFacts(25, 8, 1, type_, frozenset(("rw", *options)), complete=True)


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("btrfs", "copy-on-write"),
        ("zfs", "copy-on-write"),
        ("bcachefs", "copy-on-write"),
        ("f2fs", "log-structured"),
        ("nilfs2", "log-structured"),
        ("overlay", "layered"),
        ("nfs", "network"),
        ("nfs4", "network"),
        ("cifs", "network"),
        ("smb3", "network"),
        ("ceph", "network"),
        ("fuse.glusterfs", "network"),
        ("fuse", "FUSE"),
        ("fuse.sshfs", "FUSE"),
        ("fuseblk", "FUSE"),
        ("9p", "host"),
        ("virtiofs", "host"),
        ("vfat", "does not know"),
        ("ext5", "does not know"),
        ("", "does not know"),
    ],
)
def test_a_filesystem_that_is_not_known_to_overwrite_in_place_proves_nothing(type_: str, words: str) -> None:
    facts = decide_filesystem(mount(type_), [DISK])
    assert not facts.in_place
    assert words in facts.reason


def test_a_mount_that_cannot_be_seen_proves_nothing() -> None:
    facts = decide_filesystem(None, ())
    assert (facts.type, facts.in_place) == ("unknown", False)
    assert "cannot be seen" in facts.reason


@pytest.mark.parametrize("type_", ["ext3", "ext4"])
def test_journalled_data_proves_nothing(type_: str) -> None:
    facts = decide_filesystem(mount(type_, "data=journal"), [DISK])
    assert not facts.in_place and "data=journal" in facts.reason


@pytest.mark.parametrize("type_", ["ext3", "ext4"])
def test_options_that_may_hide_a_journal_of_data_prove_nothing(type_: str) -> None:
    """mountinfo leaves C(data=journal) out where the superblock sets it."""
    partial = mount(type_, "nodelalloc")._replace(complete=False)
    facts = decide_filesystem(partial, [DISK])
    assert not facts.in_place and "its options cannot be read" in facts.reason
    assert decide_filesystem(partial._replace(options=frozenset({"data=ordered"})), [DISK]).in_place


def test_an_xfs_with_a_realtime_device_proves_nothing() -> None:
    facts = decide_filesystem(mount("xfs", "rtdev=/dev/sdb1"), [DISK])
    assert not facts.in_place and "realtime" in facts.reason


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Layer("dm-1", "dm", uuid="LVM-abc-real"), "snapshot"),
        (Layer("dm-2", "dm", uuid="LVM-abc-cow"), "snapshot"),
        (Layer("dm-3", "dm", uuid="LVM-abc-tpool"), "thin pool"),
        (Layer("dm-4", "dm", uuid="LVM-abc-vpool"), "VDO"),
        (Layer("dm-5", "dm", uuid="LVM-abc-cdata"), "cache"),
        (Layer("bcache0", "cache"), "caching device bcache0"),
        (Layer("sdz", "disk", zoned=True), "zoned device sdz"),
    ],
)
def test_a_block_device_that_keeps_old_bytes_proves_nothing(layer: Layer, words: str) -> None:
    facts = decide_filesystem(mount("ext4"), [(Layer("dm-0", "dm", uuid="LVM-abc"), None), (layer, None)])
    assert not facts.in_place and words in facts.reason


@pytest.mark.parametrize("below", ["btrfs", "zfs", "f2fs", "overlay", "nfs4", "fuse.liar"])
def test_a_loop_device_over_such_a_filesystem_proves_nothing(below: str) -> None:
    facts = decide_filesystem(mount("ext4"), [(Layer("loop0", "loop", backing="/images/a"), decide_filesystem(mount(below), ()))])
    assert not facts.in_place
    assert facts.reason.startswith(f"the loop device below it lies on {below}, ")


@pytest.mark.parametrize("type_", ["ext2", "ext3", "ext4", "xfs"])
def test_overwriting_in_place_is_known_of_these(type_: str) -> None:
    assert decide_filesystem(mount(type_, "data=ordered"), [DISK]) == FilesystemFacts(type_, True)


def test_tmpfs_is_in_place_in_memory_with_its_limit() -> None:
    facts = decide_filesystem(mount("tmpfs"), ())
    assert facts.in_place and facts.memory
    assert facts.limits == (module.LIMIT_MEMORY,)


@pytest.mark.parametrize(
    ("layers", "limits"),
    [
        ([], (module.LIMIT_UNSEEN,)),
        ([(Layer("vda", "virtual", rotational=False), None)], (module.LIMIT_VIRTUAL,)),
        ([(Layer("nvme0n1", "disk", rotational=False), None)], (module.LIMIT_FLASH,)),
        ([(Layer("sda", "volume", rotational=False), None)], (module.LIMIT_VOLUME,)),
        ([(Layer("loop0", "loop"), None)], (module.LIMIT_LOOP_UNSEEN,)),
        (
            [
                (Layer("dm-0", "dm", uuid="CRYPT-LUKS2-x"), None),
                (Layer("md0", "md"), None),
                (Layer("sda", "disk"), None),
                (Layer("sdb", "disk"), None),
            ],
            (module.LIMIT_DM, module.LIMIT_MD),
        ),
    ],
)
def test_what_lies_unseen_below_is_a_limit_and_no_refusal(
    layers: list[tuple[Layer, FilesystemFacts | None]], limits: tuple[str, ...]
) -> None:
    facts = decide_filesystem(mount("xfs"), layers)
    assert facts.in_place
    assert facts.limits == limits


def test_a_loop_device_over_a_plain_filesystem_names_it_and_its_limits() -> None:
    below = decide_filesystem(mount("ext4"), [(Layer("vda", "virtual"), None)])
    facts = decide_filesystem(mount("xfs"), [(Layer("loop3", "loop", backing="/images/a"), below)])
    assert facts.in_place
    assert facts.limits == (
        "loop device over a file on ext4: its bytes are overwritten as far as that filesystem shows",
        module.LIMIT_VIRTUAL,
    )
    assert facts.backing_files == ("/images/a",)


@pytest.mark.parametrize("option", ["nobarrier", "barrier=0"])
def test_a_mount_without_barriers_is_a_limit(option: str) -> None:
    assert decide_filesystem(mount("ext4", option), [DISK]).limits == (module.LIMIT_BARRIERS,)


def test_mountinfo_is_read_and_lines_of_another_form_are_left_out() -> None:
    text = (
        "25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n"
        "31 25 0:27 / /run rw,nosuid - tmpfs tmpfs rw,size=1g\n"
        "40 25 0:40 /sub /srv/with\\040space rw shared:2 master:1 - btrfs /dev/vdb rw,subvol=/sub\n"
        "broken line\n"
        "x 25 0:40 / / rw - ext4 /dev/x rw\n"
        "50 25 0-40 / / rw - ext4 /dev/x rw\n"
        "51 25 8:1 / / rw ext4 /dev/x rw\n"
    )
    mounts = parse_mountinfo(text)
    assert sorted(mounts) == [25, 31, 40]
    assert mounts[25] == MountFacts(25, 254, 1, "ext4", frozenset({"rw", "discard"}), point="/", source="/dev/vda1", root="/")
    assert mounts[40].type == "btrfs" and "subvol=/sub" in mounts[40].options


def test_the_file_decides_not_the_directory_it_seems_to_be_in(tmp_path: pathlib.Path) -> None:
    with open("/proc/self/status", "rb") as handle:
        facts = assess_filesystem(handle.fileno())
    assert (facts.type, facts.in_place) == ("proc", False)


def test_facts_that_cannot_be_gathered_prove_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    monkeypatch.setattr(module, "_mount_number", lambda fd: -1)
    fd = os.open(path, os.O_RDONLY)
    try:
        facts = FilesystemProbe().assess(fd)
    finally:
        os.close(fd)
    assert (facts.type, facts.in_place) == ("unknown", False)
