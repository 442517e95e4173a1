# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.filesystems import Filesystem
from ansible_collections.recordings.disposal.plugins.module_utils._media.mounted import Mounted, Place
from ansible_collections.recordings.disposal.plugins.module_utils._media.mounts import MountFacts
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import copies_elsewhere
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.copies_elsewhere import Copies
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.drained_files import _foreign
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import _fitted

LIMIT = 1 << 16


def medium(number: int, *, reasons: int = 1, samples: int = 5, filesystems: int = 1, long: int = 0) -> dict[str, t.Any]:
    filesystem = {
        "device": "sda1",
        "type": "ext4",
        "uuid": "cbb92531-48e0-44c7-938b-dcc512ad274a",
        "mounted": "/srv/recordings",
        "stacked": False,
    }
    filesystem |= {"files": 10**7, "bytes": 10**13, "inventory": f"sha256:{'0' * 64}"}
    sample = {
        "set": "0" * 32,
        "class": "service-calls",
        "keep_until": "2026-11-27T00:00:00Z",
        "destroy_by": None,
        "bytes": 1,
        "reason": ["x"],
    }
    return {
        "serial": f"S4EWNX0M{number:06d}",
        "drained": "no",
        "reasons": [f"{each} recording sets on sda1 are retained{'x' * long}" for each in range(reasons)],
        "limits": [f"{each} files on sda1 were not judged{'x' * long}" for each in range(reasons)],
        "filesystems": [filesystem] * filesystems,
        "verdicts": {"due": 1, "retained": 2, "held": 3, "unclassified": 4, "conflict": 5, "in_progress": 6},
        "outside": 7,
        "copied": 8,
        "backup": {"copied": "unknown", "where": []},
        "samples": {verdict: [sample] * samples for verdict in ("due", "held", "unclassified")},
    }


def fitted(*media: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    given = {"changed": False, "media": list(media), "arrays": []}
    kept = copy.deepcopy(given)
    told = _fitted(given)
    assert given == kept and len(json.dumps(told)) < LIMIT
    return t.cast("list[dict[str, t.Any]]", told["media"])


def test_a_result_that_is_small_is_told_whole() -> None:
    assert fitted(medium(1), medium(2)) == [medium(1), medium(2)]
    assert fitted(medium(1, reasons=8))[0]["reasons"] == medium(1, reasons=8)["reasons"]


def test_no_medium_has_more_reasons_than_people_read() -> None:
    (row,) = fitted(medium(1, reasons=50))
    assert len(row["reasons"]) == 9 and row["reasons"][-1] == "and 42 more"
    (row,) = fitted(medium(1, long=1000))
    assert [len(text) for text in (*row["reasons"], *row["limits"])] == [300, 300] and row["reasons"][0].endswith("…")
    twice = medium(1)
    twice["reasons"] *= 2
    assert fitted(twice)[0]["reasons"] == medium(1)["reasons"]


def test_what_goes_first() -> None:
    rows = fitted(*(medium(number) for number in range(60)))
    assert [row["serial"] for row in rows] == [medium(number)["serial"] for number in range(60)]
    assert all(row["samples"] == {} and row["reasons"] == medium(0)["reasons"] for row in rows)
    rows = fitted(*(medium(number, reasons=8) for number in range(60)))
    assert all(len(row["reasons"]) == 4 and row["reasons"][-1] == "and 5 more" for row in rows)
    rows = fitted(*(medium(number, reasons=8, long=60) for number in range(60)))
    assert all(row["reasons"][1:] == ["and 7 more"] for row in rows)


def test_more_than_fits() -> None:
    with pytest.raises(RefusedError, match="what lies on 200 media cannot be told in one result of at most 64 KiB; look at fewer"):
        fitted(*(medium(number) for number in range(200)))
    with pytest.raises(RefusedError, match="cannot be told"):
        fitted(medium(1, filesystems=400))


def mount(type_: str, source: str, *options: str) -> MountFacts:
    return MountFacts(1, 0, 50, type_, frozenset(options), point="/mnt/store2", source=source, root="/")


@pytest.mark.parametrize(
    ("found", "own"),
    [
        (mount("nfs4", "127.0.0.1:/srv", "addr=127.0.0.1"), True),
        (mount("nfs4", "store2:/srv", "addr=127.0.0.1", "clientaddr=10.0.0.1"), True),
        (mount("nfs", "[::1]:/srv", "addr=::1"), True),
        (mount("cifs", "//localhost/srv"), True),
        (mount("fuse.sshfs", "backup@127.0.0.1:/srv"), True),
        (mount("nfs4", "192.0.2.7:/srv", "addr=192.0.2.7"), False),
        (mount("cifs", "//192.0.2.7/srv", "addr=192.0.2.7"), False),
        (mount("fuse.sshfs", "backup@192.0.2.7:/srv"), False),
    ],
)
def test_a_store_that_is_this_hosts_own_and_one_that_is_not(found: MountFacts, own: bool) -> None:
    assert copies_elsewhere._is_own(found) is own
    if own:
        with pytest.raises(
            RefusedError, match=f"the copies below /mnt/store2 are served by this host itself \\({found.source}\\)".replace("[", "\\[")
        ):
            copies_elsewhere._where("/mnt/store2", found, Mounted(), {})
    else:
        told = copies_elsewhere._where("/mnt/store2", found, Mounted(), {})
        assert told == f"the copies below /mnt/store2 lie on another machine ({found.type}), whose media were not looked at"


@pytest.mark.parametrize("type_", ["overlay", "tmpfs", "ramfs", "fuse.bindfs", "fuse.mergerfs", "ecryptfs", "zfs", "squashfs"])
def test_what_does_not_tell_where_its_bytes_are(type_: str) -> None:
    with pytest.raises(
        RefusedError, match=f"lie on {type_}, of which nobody can tell on which media its bytes are, so nothing was looked at"
    ):
        copies_elsewhere._where("/mnt/store2", mount(type_, "none"), Mounted(), {})


def test_directories_of_copies_are_closed(tmp_path: pathlib.Path) -> None:
    mounted = Mounted()
    store = mounted.place(str(tmp_path))
    if store is None or not mounted.devices(store.mount):
        pytest.skip("not run: the temporary directory lies on no device")
    elsewhere = next(name for name in ("/proc", "/sys") if mounted.place(name))
    before = _open_files()
    good = {"root": elsewhere, "copy": str(tmp_path)}
    with pytest.raises(RefusedError, match="are not there"):
        Copies([good, {"root": elsewhere, "copy": str(tmp_path / "none")}], roots=None, mounted=mounted, media={})
    assert _open_files() == before
    copies = Copies([good], roots=None, mounted=mounted, media={})
    place = mounted.place(elsewhere)
    assert place is not None and [below for _copy, below in copies.of(place.number, "a/b")] == ["a/b"]
    assert copies.of((8, 99), "a/b") == [] and [below for _copy, below in copies.of_unmounted("a/b")] == ["a/b"]
    copies.close()
    assert _open_files() == before
    with pytest.raises(RefusedError, match="lie on sdb1, which is or lies on one of the media that are to go"):
        Copies([good], roots=None, mounted=mounted, media=dict.fromkeys(mounted.devices(store.mount), "sdb1"))


def _open_files() -> int:
    return len(list(pathlib.Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("below", "foreign"),
    [
        ("2020/a.wav", False),
        (".recordings-disposal/20261120T101500Z-0123456789abcdef/2020/a.wav", False),
        (".recordings-disposal/a.wav", True),
        (".recordings-disposal/mine/a.wav", True),
        (".recordings-disposal/20261120T101500Z-0123456789abcdef", True),
        ("x/.recordings-disposal/a.wav", False),
    ],
)
def test_what_lies_beside_quarantined_sets(below: str, foreign: bool) -> None:
    assert _foreign(below) is foreign


def test_a_filesystem_by_what_is_the_same_for_all_its_devices() -> None:
    first = Filesystem("sda", "/dev/sda", (8, 0), "btrfs", mounts=(mount("btrfs", "/dev/sda"),))
    second = Filesystem("sdb", "/dev/sdb", (8, 16), "btrfs", mounts=(mount("btrfs", "/dev/sda"),))
    alone = Filesystem("sdc", "/dev/sdc", (8, 32), "ext4")
    assert first.key == second.key == (0, 50) and alone.key == (8, 32)
    assert (first.mounted, alone.mounted) == ("/mnt/store2", "") and Place(first.mounts[0], "x").number == first.key
