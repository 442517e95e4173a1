# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Per filesystem and mount option: what came back after C(overwrite), and what its result had said. Writes docs/matrix.md.

Every file's content is a marker in each 512 bytes, so that each block that survives is found in the raw image after unmounting.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.overwriting import overwrite_paths
from ansible_collections.recordings.disposal.tests.system.erasure_bed import hits
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted, need, run
from ansible_collections.recordings.disposal.tests.system.test_erasure_files import encrypt_directory

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "matrix.md"
MARKER = b"REC-MATRIX-MARK\xf7"
NAME = "in-4860010020-MATRIXNAME"
SIZES = (60, 5000, 200_000)
Prepare = t.Callable[[Mounted, pathlib.Path], None]


class Ground(t.NamedTuple):
    """A filesystem as it is made and mounted.

    :arg before: makes the place in which the recordings are laid, where that is not the filesystem itself.
    :arg after: done once the recordings lie there.
    :arg readable: the raw image holds their content as it was written.
    """

    kind: str
    make: tuple[str, ...] = ()
    mount: str = ""
    before: t.Callable[[Bed, Mounted], pathlib.Path] | None = None
    after: Prepare | None = None
    readable: bool = True


def _snapshot(mounted: Mounted, _root: pathlib.Path) -> None:
    run("btrfs", "subvolume", "snapshot", "-r", str(mounted.path), str(mounted.path / "snapshot"))


def _reflink(_mounted: Mounted, root: pathlib.Path) -> None:
    for path in sorted(root.iterdir()):
        if path.stat().st_size:
            run("cp", "--reflink=always", str(path), str(path.parent.parent / f"copy-{path.stat().st_size}"))


def _encrypted(_bed: Bed, mounted: Mounted) -> pathlib.Path:
    place = mounted.path / "encrypted"
    place.mkdir()
    encrypt_directory(place)
    return place


def _overlaid(bed: Bed, mounted: Mounted) -> pathlib.Path:
    for name in ("lower", "upper", "work"):
        (mounted.path / name).mkdir()
    return bed.mount("overlay", "overlay", ",".join(f"{name}dir={mounted.path / name}" for name in ("lower", "upper", "work")))


GROUNDS: dict[str, Ground] = {
    "ext2": Ground("ext2"),
    "ext3": Ground("ext3"),
    "ext4, ordered": Ground("ext4"),
    "ext4, blocks of 1 KiB": Ground("ext4", ("-b", "1024")),
    "ext4, bigalloc": Ground("ext4", ("-O", "bigalloc", "-C", "16384")),
    "ext4, inline_data": Ground("ext4", ("-O", "inline_data", "-I", "256")),
    "ext4, encrypted directory": Ground("ext4", ("-O", "encrypt", "-b", "4096"), before=_encrypted, readable=False),
    "ext4, no journal": Ground("ext4", ("-O", "^has_journal")),
    "ext4, data=journal": Ground("ext4", mount="data=journal"),
    "ext4, data=writeback": Ground("ext4", mount="data=writeback"),
    "XFS": Ground("xfs"),
    "XFS, reflinked": Ground("xfs", after=_reflink),
    "btrfs": Ground("btrfs"),
    "btrfs, compress=zstd": Ground("btrfs", mount="compress-force=zstd"),
    "btrfs, nodatacow": Ground("btrfs", mount="nodatacow"),
    "btrfs, snapshot": Ground("btrfs", after=_snapshot),
    "overlay over ext4": Ground("ext4", before=_overlaid),
}


class Cell(t.NamedTuple):
    """What one way of calling came to."""

    outcome: str
    content: int
    names: int


def _content(size: int) -> bytes:
    """A marker in each 512 bytes of what no filesystem can compress."""
    return b"".join(MARKER + os.urandom(512 - len(MARKER)) for _sector in range(size // 512 + 1))[:size]


def _laid(place: pathlib.Path) -> pathlib.Path:
    root = place / "monitor"
    root.mkdir()
    for number, size in enumerate(SIZES):
        (root / f"{NAME}{number}.wav").write_bytes(_content(size))
    os.sync()
    return root


def _called(root: pathlib.Path, state: pathlib.Path, on_ineffective: str) -> str:
    params: dict[str, t.Any] = {
        **{"paths": [str(root)], "roots": [str(root.parent)], "recurse": True, "level": "clear", "scheme": "random", "verify": None},
        **{"sample_share": 10, "on_ineffective": on_ineffective, "open_files": "refuse", "protected": "refuse", "holds": "refuse"},
        **{"max_rate": None, "threads": 2, "remove": True, "resume": True, "io_priority": "normal", "state_dir": str(state)},
    }
    try:
        return str(overwrite_paths(params, Executor(), check_mode=False)["outcome"])
    except DisposalError as error:
        return str(error.details.get("outcome", "refused"))


def _cell(bed: Bed, ground: Ground, name: str, on_ineffective: str) -> Cell:
    if ground.kind == "btrfs":
        need("btrfs")
    mounted = bed.filesystem(ground.kind, *ground.make, mount=ground.mount)
    place = ground.before(bed, mounted) if ground.before is not None else mounted.path
    root = _laid(place)
    if ground.after is not None:
        ground.after(mounted, root)
    outcome = _called(root, bed.directory / f"state-{abs(hash(name))}-{on_ineffective}", on_ineffective)
    if place != mounted.path and bed.holds(place):
        bed.unmount(place)
    bed.unmount(mounted.path)
    cell = Cell(outcome, hits(mounted.image, MARKER), hits(mounted.image, NAME.encode()))
    bed.detach(mounted.device)
    mounted.image.unlink()
    return cell


def _row(name: str, cells: t.Sequence[Cell]) -> str:
    parts = []
    for cell in cells:
        back = "all or part of the content" if cell.content else "nothing of the content"
        names = "names" if cell.names else "no names"
        parts.append(f"`{cell.outcome}`: {back}, {names}")
    return f"| {name} | {' | '.join(parts)} |"


HEADER = """# What comes back, and what the result had said

Written by a test (`tests/system/test_matrix.py`): on each filesystem three recordings of 60, 5,000 and 200,000 bytes are destroyed by
`overwrite` with the scheme `random`, the filesystem is unmounted, and the raw image is searched for the recordings' content, which has a marker in
each 512 bytes, and for their names. `refused` means that nothing was written. With `on_ineffective: report` files are overwritten also where that
proves nothing, and the result never says `destroyed` then.

Names come back from the filesystem's journal and directories, also where the content is gone: scrubbing them before removal cannot reach what a journal
holds. Name recordings by numbers that tell nothing, or destroy the whole medium where that matters.

| filesystem | `on_ineffective: fail` | `on_ineffective: report` |
|---|---|---|
"""


def test_the_matrix(tmp_path: pathlib.Path) -> None:
    bed = Bed(tmp_path)
    rows = []
    try:
        for name, ground in GROUNDS.items():
            cells = [_cell(bed, ground, name, manner) for manner in ("fail", "report")]
            for cell in cells:
                assert not (cell.content and cell.outcome == "destroyed"), f"{name}: bytes came back and the result said destroyed"
            if cells[0].outcome == "refused" and ground.readable:
                assert cells[0].content, f"{name}: refused, and yet the content is gone"
            rows.append(_row(name, cells))
    finally:
        bed.close()
    page = HEADER + "\n".join(rows) + "\n"
    if os.environ.get("WRITE_MATRIX"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "the matrix has changed; look why, and run this test with WRITE_MATRIX=1 to keep it"


def test_the_search_finds_what_a_plain_deletion_leaves(tmp_path: pathlib.Path) -> None:
    """The negative control: without it an empty search would prove nothing."""
    bed = Bed(tmp_path)
    try:
        mounted = bed.filesystem("ext4")
        root = _laid(mounted.path)
        subprocess.run(["rm", "-r", str(root)], check=True)
        bed.unmount(mounted.path)
        assert hits(mounted.image, MARKER) >= sum(SIZES) // 512
    finally:
        bed.close()


@pytest.mark.parametrize("kind", ["btrfs", "xfs"])
def test_a_copy_that_shares_its_blocks_stops_everything(tmp_path: pathlib.Path, kind: str) -> None:
    """The whole image is the same before and after, read past the filesystem."""
    bed = Bed(tmp_path)
    try:
        ground = GROUNDS["btrfs, snapshot" if kind == "btrfs" else "XFS, reflinked"]
        mounted = bed.filesystem(ground.kind)
        root = _laid(mounted.path)
        assert ground.after is not None
        ground.after(mounted, root)
        os.sync()
        before = {path: path.read_bytes() for path in mounted.path.rglob("*") if path.is_file()}
        assert _called(root, tmp_path / "state", "fail") == "refused"
        assert {path: path.read_bytes() for path in mounted.path.rglob("*") if path.is_file()} == before
    finally:
        bed.close()
