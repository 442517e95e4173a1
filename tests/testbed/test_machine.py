# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards of the test-bed: what it must not touch, and whom it must not end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import machine
import pytest


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


class TestOwnImage:
    def test_takes_a_file_in_the_work_directory(self, work: Path) -> None:
        image = work / "pbx1.img"
        image.write_bytes(b"")
        assert machine.own_image(image, work) == image

    def test_refuses_a_link_even_to_an_own_image(self, work: Path) -> None:
        (work / "pbx1.img").write_bytes(b"")
        (work / "other.img").symlink_to(work / "pbx1.img")
        with pytest.raises(machine.BedError, match="is not an image file"):
            machine.own_image(work / "other.img", work)

    def test_refuses_a_device(self, work: Path) -> None:
        with pytest.raises(machine.BedError, match="no device"):
            machine.own_image(Path("/dev/null"), Path("/dev"))

    def test_refuses_a_file_elsewhere(self, work: Path) -> None:
        (work.parent / "disk.img").write_bytes(b"")
        for path in (work.parent / "disk.img", work / ".." / "disk.img"):
            with pytest.raises(machine.BedError, match="is not an image file"):
                machine.own_image(path, work)

    def test_refuses_a_file_behind_a_linked_directory(self, work: Path) -> None:
        (work.parent / "disk.img").write_bytes(b"")
        (work / "inner").symlink_to(work.parent)
        with pytest.raises(machine.BedError, match="is not an image file"):
            machine.own_image(work / "inner" / "disk.img", work)


class TestAlive:
    def test_a_number_given_out_again_is_another_process(self) -> None:
        own = machine.identity(os.getpid())
        assert machine.alive(own)
        assert not machine.alive({"pid": own["pid"], "start": str(int(own["start"]) - 1)})

    def test_a_process_that_has_ended_is_not_alive_before_it_is_reaped_either(self) -> None:
        process = subprocess.Popen(["sleep", "60"])
        known = machine.identity(process.pid)
        assert machine.alive(known)
        process.kill()
        machine.wait_until(lambda: not machine.alive(known), "sleep still runs")
        process.wait()
        assert not machine.alive(known)
        assert not machine.alive(machine.identity(process.pid))

    def test_child_of_finds_the_child_and_only_it(self) -> None:
        process = subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
        try:
            machine.wait_until(lambda: machine.child_of(process.pid) is not None, "no child")
            child = machine.child_of(process.pid)
            assert child is not None
            assert Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()[1] == str(process.pid)
        finally:
            if child is not None:
                os.kill(child, 9)
            process.wait()
        assert machine.child_of(process.pid) is None


def test_waiting_ends_with_what_was_waited_for() -> None:
    with pytest.raises(machine.BedError, match="in vain: the moon is square"):
        machine.wait_until(lambda: False, "the moon is square", seconds=0)


def test_a_failed_tool_is_told_with_its_words() -> None:
    with pytest.raises(machine.BedError, match="ls /no/such/place failed: "):
        machine.run("ls", "/no/such/place")
