# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that must not be touched: each refusal names its reason, and not one byte of the device changes."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t
import zlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.device import overwrite_device
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import decide_use, gather_use
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device, list_devices
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, found, marked, markers, overwrite, partitioned, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, need, run

SIZE = 4 * MIB
PAGE = os.sysconf("SC_PAGE_SIZE")
# The smallest that the kernel takes.
SWAP = 10 * PAGE


@contextlib.contextmanager
def untouched(image: pathlib.Path, *words: str) -> t.Iterator[None]:
    """A refusal with these words, after which the image has the bytes that it had."""
    before = sha256(image)
    with pytest.raises(RefusedError) as caught:
        yield
    assert sha256(image) == before
    for word in words:
        assert word in caught.value.message


@contextlib.contextmanager
def opener(device: str, flags: str) -> t.Iterator[int]:
    """Another process that has a device open, for reading only; yields its number."""
    code = f"import os, sys; fd = os.open(sys.argv[1], {flags}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, device], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == b"open\n"
        yield process.pid
        process.stdin.close()


@pytest.fixture
def image(bed: Bed) -> pathlib.Path:
    return bed.fill_image(marked(SIZE))


def test_mounted(bed: Bed) -> None:
    image = bed.make_image(32)
    device = bed.attach(image)
    bed.make_filesystem(device, "ext4")
    point = bed.mount(device, "ext4", "ro,noload")
    with untouched(image, f"{device[5:]} was not touched because", f"it is mounted ({device[5:]} on {point})", "claimed it"):
        overwrite(image)
    bed.unmount(point)
    assert overwrite(image).outcome == "destroyed"


def test_one_of_its_partitions_mounted(bed: Bed) -> None:
    image = bed.fill_image(partitioned(marked(8 * MIB)))
    device = bed.attach(image, partitions=True)
    bed.add_partitions(device)
    bed.make_filesystem(f"{device}p2", "ext4")
    point = bed.mount(f"{device}p2", "ext4", "ro,noload")
    with untouched(image, f"it is mounted ({device[5:]}p2 on {point})"):
        overwrite(image)
    bed.unmount(point)


def test_swap(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    bed.swap(device, kib=SWAP // 1024)
    before = image.read_bytes()
    with pytest.raises(RefusedError, match=re.escape(f"it is in use as swap ({device})")):
        overwrite(image)
    after = image.read_bytes()
    # Between its header and its end the kernel itself may have written.
    assert after[:PAGE] == before[:PAGE] and after[SWAP:] == before[SWAP:]


def physical_volume(content: bytes) -> bytes:
    """The label of LVM2 as C(pvcreate) writes it, in the second sector, over what was there."""
    body = (32).to_bytes(4, "little") + b"LVM2 001" + b"Qwq9yb9cYW0Q3LwVVCvQ3H8K0d1Pq3aB" + len(content).to_bytes(8, "little")
    body = body.ljust(512 - 20, b"\0")
    # Its checksum begins with a number of its own.
    check = zlib.crc32(body, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    label = b"LABELONE" + (1).to_bytes(8, "little") + check.to_bytes(4, "little") + body
    return content[:512] + label + content[1024:]


def datastore(content: bytes) -> bytes:
    """The beginning of a volume of VMFS."""
    return content[:MIB] + (0xC001D00D).to_bytes(4, "little") + content[MIB + 4 :]


CLAIMED = {
    "bears an LVM physical volume (LVM2_member; to take it off: vgreduce or vgremove, then pvremove)": physical_volume,
    "bears a filesystem of hypervisors (VMFS_volume_member; to take it off: delete the datastore on the hypervisor)": datastore,
}


@pytest.mark.parametrize("words", CLAIMED)
def test_a_member_of_something_larger_of_which_nothing_is_active(bed: Bed, words: str) -> None:
    image = bed.fill_image(CLAIMED[words](marked(SIZE)))
    bed.attach(image)
    with untouched(image, "it belongs to more than itself", words):
        overwrite(image)
    result = overwrite(image, on_member="report")
    assert result.outcome == "destroyed" and any(words in limit for limit in result.limits)
    assert markers(image) == 0
    # Nothing of it is left, so nothing speaks against it any more.
    assert overwrite(image).outcome == "destroyed"


def test_a_member_on_one_of_its_partitions(bed: Bed) -> None:
    content = partitioned(marked(8 * MIB))
    image = bed.fill_image(content[: 4 * MIB] + physical_volume(content[4 * MIB :]))
    device = bed.attach(image, partitions=True)
    bed.add_partitions(device)
    with untouched(image, f"{device[5:]}p2 bears an LVM physical volume"):
        overwrite(image)


def test_read_only(bed: Bed, image: pathlib.Path) -> None:
    bed.attach(image, read_only=True)
    with untouched(image, "it is read-only"):
        overwrite(image)


def test_opened_exclusively(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    with opener(device, "os.O_RDONLY | os.O_EXCL") as process, untouched(image, "claimed it for itself", f"process {process} ("):
        overwrite(image)


def test_open_by_a_process_that_only_reads(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    with opener(device, "os.O_RDONLY") as process, untouched(image, "it is open by process ", f"process {process} ("):
        overwrite(image)
    assert overwrite(image).outcome == "destroyed"


def test_a_process_that_only_looks_in_briefly_as_udev_does_is_waited_for(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    code = "import os, sys, time; fd = os.open(sys.argv[1], os.O_RDONLY); print('open', flush=True); time.sleep(0.5)"
    with subprocess.Popen([sys.executable, "-c", code, device], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"open\n"
        assert overwrite(image).outcome == "destroyed"


def test_another_loop_device_over_the_device_itself(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    above = run("losetup", "--find", "--show", "--read-only", device).strip()
    try:
        with untouched(image, f"it is held by {above[5:]}"):
            overwrite(image)
    finally:
        assert pathlib.Path(f"/sys/block/{above[5:]}/loop/backing_file").read_text().strip() == device
        run("losetup", "--detach", above)


def test_two_devices_over_one_file(bed: Bed, image: pathlib.Path) -> None:
    first, second = bed.attach(image), bed.attach(image, read_only=True)
    with untouched(image, "2 devices have backing_file", first[5:], second[5:], "only one of them has"):
        overwrite(image)


def test_no_device_over_the_file(bed: Bed, image: pathlib.Path) -> None:
    with untouched(image, f"no device on this host has backing_file {image}"):
        overwrite(image)


def test_a_path_is_no_identity(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    for key in ("path", "serial"):
        with untouched(image, f"{device} is a path", "name the device by serial, wwn, partuuid"):
            find_device({key: device})


def test_smaller_than_the_register_says(bed: Bed, image: pathlib.Path) -> None:
    bed.attach(image)
    with untouched(image, f"has {SIZE} bytes, smaller than the {SIZE + 512} that the register expects"):
        find_device({"backing_file": str(image), "size_bytes": str(SIZE + 512)})
    assert find_device({"backing_file": str(image), "size_bytes": str(SIZE)}).size == SIZE


def test_another_medium_since_it_was_looked_at(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    seen = found(image)
    bed.detach(device)
    other = bed.fill_image(marked(SIZE))
    if bed.attach(other) != device:
        pytest.skip("not run: somebody else took the loop device")
    before = sha256(image)
    with untouched(other, "no longer the device that was looked at" if seen.sequence else "no device on this host has"):
        overwrite_device(Executor(), seen, find_scheme("nist_clear"), on_unseen="report")
    assert sha256(image) == before


def test_the_same_file_attached_anew_since_it_was_looked_at(bed: Bed, image: pathlib.Path) -> None:
    device = bed.attach(image)
    seen = found(image)
    bed.detach(device)
    if bed.attach(image) != device:
        pytest.skip("not run: somebody else took the loop device")
    if not seen.sequence:
        pytest.skip("not run: this kernel does not number media")
    with untouched(image, "no longer the device that was looked at (the medium was changed)"):
        overwrite_device(Executor(), seen, find_scheme("nist_clear"), on_unseen="report")


def test_a_process_that_cannot_be_looked_at_counts_as_use(bed: Bed, image: pathlib.Path) -> None:
    bed.attach(image)
    unseen = gather_use(found(image)).unseen
    if not unseen:
        pytest.skip("not run: here every process can be looked at")
    with untouched(image, f"whether {unseen[0]} has it open cannot be determined, which counts as in use"):
        overwrite(image, on_unseen="refuse")


def test_check_mode_cannot_write(bed: Bed, image: pathlib.Path) -> None:
    bed.attach(image)
    before = sha256(image)
    with pytest.raises(CheckModeWriteError):
        overwrite(image, executor=CheckExecutor(), checkpoint_path=str(bed.directory / "checkpoint"))
    assert sha256(image) == before and not (bed.directory / "checkpoint").exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"verify": "some"}, "verify is 'some'"),
        ({"verify": "sample", "share": 0.0}, "share is 0.0"),
        ({"verify": "sample", "share": 1.5}, "share is 1.5"),
        ({"threads": 0}, "threads is 0"),
        ({"resume": True}, "resume needs the path of the checkpoint"),
    ],
)
def test_options_that_make_no_sense(bed: Bed, image: pathlib.Path, option: dict[str, t.Any], words: str) -> None:
    bed.attach(image)
    with untouched(image, words):
        overwrite(image, **option)


def test_over_a_filesystem_that_does_not_overwrite_in_place(bed: Bed) -> None:
    backing, inside = bed.serve()
    image = bed.fill_image(marked(SIZE), inside=backing)
    bed.attach(inside / image.name)
    with untouched(image, "overwriting it would prove nothing", "lies on fuse"):
        overwrite(inside / image.name)
    result = overwrite(inside / image.name, on_ineffective="report")
    assert result.outcome == "unknown" and "lies on fuse" in (result.reason or "")


def test_a_checkpoint_that_cannot_be_written(bed: Bed, image: pathlib.Path) -> None:
    bed.attach(image)
    with untouched(image, "the checkpoint of loop", "cannot be written", "pass 1 was not begun"):
        overwrite(image, checkpoint_path=str(bed.directory / "missing" / "checkpoint"))


class Begun:
    """A device whose overwrite was broken off after its first stretch, by an exception."""

    def __init__(self, bed: Bed, scheme: str) -> None:
        self.image = bed.fill_image(marked(80 * MIB))
        self.device = bed.attach(self.image)
        self.path = bed.directory / "checkpoint"
        with pytest.raises(KeyboardInterrupt):
            overwrite(self.image, scheme, checkpoint_path=str(self.path), report=self._interrupt)
        assert json.loads(self.path.read_text())["next"] == 64 * MIB

    @staticmethod
    def _interrupt(told: t.Mapping[str, t.Any]) -> None:
        raise KeyboardInterrupt

    def resume(self, scheme: str, **options: t.Any) -> t.Any:
        return overwrite(self.image, scheme, checkpoint_path=str(self.path), resume=True, **options)


@pytest.fixture
def begun(bed: Bed) -> Begun:
    return Begun(bed, "random")


def test_a_checkpoint_of_another_device(bed: Bed, begun: Begun) -> None:
    other = bed.fill_image(marked(80 * MIB))
    bed.attach(other)
    for resume in (True, False):
        with untouched(other, f"the checkpoint {begun.path} is of another device"):
            overwrite(other, "random", checkpoint_path=str(begun.path), resume=resume)
    assert begun.resume("random").outcome == "destroyed"


def test_a_checkpoint_of_another_scheme_or_verification(begun: Begun) -> None:
    with untouched(begun.image, "is of another scheme or verification"):
        begun.resume("nist_clear")
    with untouched(begun.image, "is of another scheme or verification"):
        begun.resume("random", verify="none")


@pytest.mark.parametrize("text", ["", "{}", "{", '{"version": 7}', "[]", "null"])
def test_a_damaged_checkpoint(begun: Begun, text: str) -> None:
    begun.path.write_text(text)
    with untouched(begun.image, f"the checkpoint {begun.path} cannot be read"):
        begun.resume("random")


def test_a_key_that_is_gone_or_another_one(begun: Begun) -> None:
    key = pathlib.Path(f"{begun.path}.key")
    for content in (os.urandom(32), b"short", b""):
        key.write_bytes(content)
        with untouched(begun.image, f"the key {key} of the random pass is gone or another one"):
            begun.resume("random")
    key.unlink()
    with untouched(begun.image, f"the key {key} of the random pass is gone or another one"):
        begun.resume("random")


def test_a_device_in_use_is_not_taken_up_again_either(begun: Begun) -> None:
    with opener(begun.device, "os.O_RDONLY"), untouched(begun.image, "it is open by process"):
        begun.resume("random")


def test_the_disks_of_this_machine_are_refused_by_decision() -> None:
    """Only looked at: nothing here opens a device of the machine for writing."""
    need("losetup")
    used = [device for device in list_devices() if device.size and not device.name.startswith(("loop", "zram", "ram", "nbd"))]
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    roots = [line.split()[2] for line in mounts if line.split()[4] == "/"]
    carriers = [device for device in used if f"{device.major}:{device.minor}" in roots]
    if not carriers:
        pytest.skip("not run: the root filesystem's device is not seen here")
    for device in carriers:
        reasons = decide_use(gather_use(device), on_unseen="report")
        disk = next(each for each in used if each.name == (device.parent or device.name))
        assert any(reason.startswith("it is the system's disk (it carries /") for reason in reasons), reasons
        assert any(reason.startswith("it is mounted (") for reason in reasons), reasons
        assert any(reason.startswith("it is the system's disk") for reason in decide_use(gather_use(disk), on_unseen="report"))
