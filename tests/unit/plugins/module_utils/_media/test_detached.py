# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool that goes on when who began it ends."""

from __future__ import annotations

import os
import pathlib
import signal
import time

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, CheckModeWriteError, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.detached import Detached


def ended(tool: Detached) -> None:
    deadline = time.monotonic() + 20
    while tool.running:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_is_found_again_by_another_and_its_answer_is_kept(tmp_path: pathlib.Path) -> None:
    tool, later = Detached(str(tmp_path)), Detached(str(tmp_path))
    assert not later.running and later.answer() is None
    assert tool.start(Executor(), ["sh", "-c", "sleep 0.5; echo said; echo trouble >&2; exit 3"], "erase") == ""
    assert later.running and later.answer() is None
    assert "cannot be run" in later.start(Executor(), ["true"], "erase"), "two at once"
    ended(later)
    answer = later.answer()
    assert answer is not None and (answer.code, answer.output, answer.errors) == (3, b"said\n", "trouble\n")


def test_it_outlives_the_group_of_who_began_it(tmp_path: pathlib.Path) -> None:
    child = os.fork()
    if not child:
        os.setsid()
        Detached(str(tmp_path)).start(Executor(), ["sleep", "1"], "erase")
        os.killpg(0, signal.SIGKILL)
    os.waitpid(child, 0)
    tool = Detached(str(tmp_path))
    assert tool.running
    ended(tool)
    answer = tool.answer()
    assert answer is not None and answer.code == 0


def test_of_one_that_was_ended_from_outside_nobody_knows_the_answer(tmp_path: pathlib.Path) -> None:
    tool = Detached(str(tmp_path))
    # The shell around it is what would have kept the code.
    tool.start(Executor(), ["sh", "-c", "kill -KILL $PPID"], "erase")
    ended(tool)
    assert tool.answer() is None


def test_a_tool_that_is_not_there(tmp_path: pathlib.Path) -> None:
    tool = Detached(str(tmp_path))
    tool.start(Executor(), ["no-such-tool"], "erase")
    ended(tool)
    answer = tool.answer()
    assert answer is not None and answer.code is None and "cannot be run" in answer.problem


def test_check_mode_begins_nothing(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CheckModeWriteError):
        Detached(str(tmp_path)).start(CheckExecutor(), ["true"], "erase")
    assert not list(tmp_path.iterdir())
