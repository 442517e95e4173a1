# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that stands by mistake where the name of a file belongs is told nowhere: not in the result, not in the host's system log."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.modules import crypto_erase, period_key, period_rewrap
from ansible_collections.recordings.disposal.tests.unit.plugins.modules.module_world import run

SECRET = "hvs.SECRETSECRET"
PERIOD = {"class": "calls", "period": "2026-03"}


@pytest.mark.parametrize("module", [period_key, period_rewrap, crypto_erase], ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_token_that_was_given_by_mistake(
    module: t.Any, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def log(self: AnsibleModule, message: str, log_args: t.Any = None) -> None:
        logged.append(f"{message} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", log)
    directory = str(tmp_path)
    others: dict[str, dict[str, t.Any]] = {
        "period_key": {**PERIOD, "dir": directory},
        "period_rewrap": {
            **PERIOD,
            "to_period": "2026-04",
            "dir": directory,
            "asks": directory + "/asks",
            "answers": directory + "/answers",
        },
        "crypto_erase": {
            "target": {"kind": "period", **PERIOD, "dir": directory},
            "level": "purge",
            "state_dir": directory,
            "hosts": ["a"],
        },
    }
    store = {"kind": "vault", "url": "https://vault.example.com:8200", "token": SECRET}
    result = run(module.main, capsys, monkeypatch, key_store=store, **others[module.__name__.rpartition(".")[2]])
    assert result["failed"] and "token" in result["msg"]
    assert SECRET not in json.dumps(result) and SECRET not in " ".join(logged)
