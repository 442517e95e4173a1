# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that looks at media: what it hands to the host is what the register has there."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.recordings.disposal.plugins.action.media_drain import ActionModule
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry, write_register


def handed_over(args: dict[str, t.Any], host: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """The arguments that the module on the host would get."""
    task, loader = Task(), DataLoader()
    task.action, task.args, task.check_mode = "recordings.disposal.media_drain", args, False
    given: dict[str, t.Any] = {}

    def execute(self: ActionModule, *, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given.update(module_args)
        return {"changed": False}

    monkeypatch.setattr(ActionModule, "_execute_module", execute)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    action = ActionModule(
        task=task,
        connection=connection,
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    assert action.run(task_vars={"inventory_hostname": host})["changed"] is False
    return given


@pytest.fixture
def register(tmp_path: pathlib.Path) -> str:
    rows = [entry("S1", state="released"), entry("S2", host="rec2", state="released"), entry("S3")]
    return str(write_register(tmp_path / "register.yml", rows))


def test_each_host_gets_its_own_media(register: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {host: handed_over({"register": register}, host, monkeypatch) for host in ("rec1", "rec2", "rec3")}
    assert {host: given["media"] for host, given in found.items()} == {"rec1": ["S1"], "rec2": ["S2"], "rec3": []}
    assert all(set(given) == {"media", "holds", "requests", "controller_time"} for given in found.values())


def test_what_is_refused_never_reaches_a_host(register: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleError, match="S3 is in_service, not released"):
        handed_over({"register": register, "serials": ["S3"]}, "rec1", monkeypatch)
    assert handed_over({"register": register, "serials": ["S3"]}, "rec2", monkeypatch)["media"] == []
