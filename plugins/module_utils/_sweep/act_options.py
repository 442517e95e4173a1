# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that act on one device, where a plan of media has them act; their documentation is the modules' own."""

from __future__ import annotations

import typing as t

from .._media.identity import CARTRIDGE_OPTIONS, DEVICE_OPTIONS

__all__ = ["OVERWRITE_OPTIONS", "SANITIZE_OPTIONS", "VERIFY_OPTIONS", "with_defaults"]

Spec = dict[str, dict[str, t.Any]]

SANITIZE_OPTIONS: Spec = {
    "device": {
        "type": "dict",
        "required": True,
        "options": CARTRIDGE_OPTIONS,
    },
    "level": {"type": "str", "choices": ["clear", "purge", "destroy"], "required": True},
    "technique": {"type": "str", "default": "auto"},
    "levels": {"type": "dict"},
    "fallback": {"type": "list", "elements": "str", "default": []},
    "all_namespaces": {"type": "bool", "default": False},
    "canaries": {"type": "int", "default": 4096},
    "verify": {"type": "str", "choices": ["canaries", "sample", "all"], "default": "canaries"},
    "sample_share": {"type": "int", "default": 1},
    "passes": {"type": "int", "default": 1, "no_log": False},
    "pattern": {"type": "str", "default": "00000000"},
    "poll": {"type": "int", "default": 10},
    "timeout": {"type": "int"},
    "hidden_capacity": {"type": "str", "choices": ["refuse", "restore"], "default": "refuse"},
    "on_unseen": {"type": "str", "choices": ["refuse", "report"], "default": "refuse"},
    "holds": {"type": "str", "choices": ["refuse", "checked"], "default": "refuse"},
    "io_priority": {"type": "str", "choices": ["normal", "low", "idle"], "default": "normal"},
    "resume": {"type": "bool", "default": True},
    "state_dir": {"type": "path", "default": "/var/lib/recordings-disposal"},
}

OVERWRITE_OPTIONS: Spec = {
    "paths": {"type": "list", "elements": "path"},
    "roots": {"type": "list", "elements": "path"},
    "free_space": {"type": "path"},
    "reserve": {"type": "str"},
    "device": {
        "type": "dict",
        "options": DEVICE_OPTIONS,
    },
    "recurse": {"type": "bool", "default": False},
    "scheme": {"type": "str", "default": "nist_clear"},
    "verify": {"type": "str", "choices": ["none", "sample", "last", "all"]},
    "sample_share": {"type": "int", "default": 10},
    "remove": {"type": "bool", "default": True},
    "level": {"type": "str", "choices": ["clear", "purge", "destroy"], "required": True},
    "on_ineffective": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "hidden_capacity": {"type": "str", "choices": ["refuse", "restore"], "default": "refuse"},
    "on_member": {"type": "str", "choices": ["refuse", "report"], "default": "refuse"},
    "on_unseen": {"type": "str", "choices": ["refuse", "report"], "default": "refuse"},
    "open_files": {"type": "str", "choices": ["refuse", "overwrite"], "default": "refuse"},
    "protected": {"type": "str", "choices": ["refuse", "overwrite"], "default": "refuse"},
    "holds": {"type": "str", "choices": ["refuse", "checked"], "default": "refuse"},
    "max_rate": {"type": "str"},
    "io_priority": {"type": "str", "choices": ["normal", "low", "idle"], "default": "normal"},
    "threads": {"type": "int", "default": 8},
    "resume": {"type": "bool", "default": True},
    "state_dir": {"type": "path", "default": "/var/lib/recordings-disposal"},
}

VERIFY_OPTIONS: Spec = {
    "device": {
        "type": "dict",
        "required": True,
        "options": DEVICE_OPTIONS,
    },
    "expect": {
        "type": "str",
        "choices": ["zeros", "ones", "pattern", "keystream", "no_canaries", "anything"],
        "default": "zeros",
    },
    "pattern": {"type": "str"},
    # A path, no key.
    "key_file": {"type": "path", "no_log": False},
    "canaries": {"type": "path"},
    "verify": {"type": "str", "choices": ["all", "sample"], "default": "all"},
    "sample_share": {"type": "int", "default": 10},
    "seed": {"type": "str"},
    "on_residue": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "max_rate": {"type": "str"},
    "io_priority": {"type": "str", "choices": ["normal", "low", "idle"], "default": "normal"},
    "threads": {"type": "int", "default": 8},
}


def with_defaults(options: Spec, **given: t.Any) -> dict[str, t.Any]:
    """A module's parameters, as Ansible would hand them on where a task gives C(given) only.

    :raises ValueError: there is no such option, or one is missing that has no default.
    """
    surplus = given.keys() - options.keys()
    missing = [name for name, option in options.items() if option.get("required") and name not in given]
    if surplus or missing:
        raise ValueError(f"no such options {sorted(surplus)}, or missing ones {missing}")
    return {name: given.get(name, option.get("default")) for name, option in options.items()}
