# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that modules share; twins of the documentation fragments C(_policy), C(_inputs), C(_review) and C(_training)."""

from __future__ import annotations

import typing as t

from .state import DEFAULT_STATE_DIR

__all__ = [
    "INPUT_OPTIONS",
    "INPUT_RULES",
    "POLICY_OPTIONS",
    "REVIEW_OPTIONS",
    "ROTATE_OPTIONS",
    "TRAINING_OPTIONS",
    "told_params",
    "warned",
]

POLICY_OPTIONS: dict[str, dict[str, t.Any]] = {
    "policy": {"type": "dict"},
    "policy_file": {"type": "path"},
    "sources": {"type": "list", "elements": "str"},
    "identifiers_key_file": {"type": "path", "default": "disposal/identifiers.key", "no_log": False},
    "identifiers_key": {"type": "str", "no_log": True},
    "state_dir": {"type": "path", "default": DEFAULT_STATE_DIR},
    "controller_time": {"type": "int"},
}
INPUT_OPTIONS: dict[str, dict[str, t.Any]] = {
    **POLICY_OPTIONS,
    "holds": {"type": "list", "elements": "dict", "default": []},
    "holds_dir": {"type": "path"},
    "requests": {"type": "list", "elements": "dict", "default": []},
    "requests_dir": {"type": "path"},
    "workers": {"type": "int"},
}
# Looked at on the controller alone.
REVIEW_OPTIONS: dict[str, dict[str, t.Any]] = {
    "reviews_dir": {"type": "path"},
    "review_signers": {"type": "path"},
    "reviewers": {"type": "list", "elements": "str"},
    "review_grace": {"type": "str", "default": "P30D"},
}
INPUT_RULES: dict[str, t.Any] = {"mutually_exclusive": [("policy", "policy_file")], "required_one_of": [("policy", "policy_file")]}
TRAINING_OPTIONS: dict[str, dict[str, t.Any]] = {
    "training_dir": {"type": "path"},
    "training_records": {"type": "list", "elements": "dict"},
    "training_signers_file": {"type": "path"},
    "training_signers": {"type": "str"},
}
# Of C(journal_rotate), whose action plugin may not know what the module does; the documentation is the module's own.
ROTATE_OPTIONS: dict[str, dict[str, t.Any]] = {
    "host": {"type": "str", "required": True},
    "dest": {"type": "path", "default": "disposal"},
    "ledger": {"type": "path"},
    "allowed_signers": {"type": "path"},
    "signer": {"type": "str"},
    "state_dir": {"type": "path", "default": DEFAULT_STATE_DIR},
    "compress_after": {"type": "str", "default": "P7D"},
    "keep": {"type": "str", "default": "P90D"},
    "controller_time": {"type": "int"},
    "sealed": {"type": "list", "elements": "dict"},
}

_UNTOLD = frozenset(
    {
        "policy",
        "changed_policy",
        "holds",
        "requests",
        "recipients",
        "identifiers_key",
        "manifest",
        "signatures",
        "allowed_signers",
        "training_records",
        "training_signers",
        "match",
        "where",
        "reason",
        "results",
        "operators",
        "vendor",
        "work_order",
    }
)


def told_params(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options as the result may repeat them: documents that name persons, and secrets, only as their presence."""
    return {name: (bool(value) if name in _UNTOLD else value) for name, value in params.items()}


def warned(module: t.Any, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result without its warnings, which C(module), an AnsibleModule, tells by itself."""
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    return result
