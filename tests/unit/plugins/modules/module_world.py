# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's C(main()) as Ansible does: arguments as JSON, the result on standard output."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings


def run(
    main: t.Callable[[], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    check: bool = False,
    **options: t.Any,
) -> dict[str, t.Any]:
    """The result; C(failed) says whether the module failed."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    # A process tells a warning once, and here one process stands for many; where others have loaded what a controller has, for a target.
    for told in ("_global_warnings", "_global_deprecations"):
        getattr(warnings, told).clear()
    if hasattr(warnings, "_internal"):
        monkeypatch.setattr(warnings._internal, "is_controller", False)
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main()
    result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    assert bool(caught.value.code) == result.get("failed", False)
    return result
