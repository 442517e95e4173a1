# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an action plugin as a task would, without a host behind it."""

from __future__ import annotations

import types
import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.template import Templar

__all__ = ["run_action"]


def run_action(
    plugin: type[ActionBase], name: str, args: dict[str, t.Any], *, check_mode: bool = False, diff: bool = False
) -> dict[str, t.Any]:
    """The result of one task."""
    loader = DataLoader()
    task = Task()
    task.action = f"recordings.disposal.{name}"
    task.args = args
    task.check_mode = check_mode
    task.diff = diff
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    action = plugin(
        task=task,
        connection=connection,
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    return action.run(task_vars={})
