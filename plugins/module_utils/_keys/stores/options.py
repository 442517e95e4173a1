# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which store, by the options of a module; twin of the documentation fragment C(_key_store)."""

from __future__ import annotations

import typing as t

from ..._document import Node, plain, read_document, read_kind
from ..._executor import Executor
from .aws_kms import AwsKmsStore
from .directory import DirectoryStore
from .kmip import KmipStore
from .pkcs11 import Pkcs11Store
from .store import KeyStore
from .vault import VaultStore

__all__ = ["STORE_OPTIONS", "misplaced_secrets", "open_store"]

_KINDS: t.Mapping[str, t.Callable[..., KeyStore]] = {
    "directory": DirectoryStore,
    "vault": VaultStore,
    "kmip": KmipStore,
    "pkcs11": Pkcs11Store,
    "aws_kms": AwsKmsStore,
}

# Of each kind: what it must have, and what it may have.
_TAKES: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "directory": (("path",), ()),
    "vault": (("url",), ("mount", "namespace", "ca_file", "token_file")),
    "kmip": (("host", "ca_file", "cert_file", "key_file"), ("port", "username", "password_file")),
    "pkcs11": (("module", "token", "pin_file"), ()),
    "aws_kms": (("region",), ("endpoint_url", "credentials_file", "profile", "window_days")),
}
_PATHS = frozenset({"path", "ca_file", "cert_file", "key_file", "token_file", "password_file", "module", "pin_file", "credentials_file"})
_NUMBERS: t.Mapping[str, tuple[int, int]] = {"port": (1, 65_535), "window_days": (7, 30)}

STORE_OPTIONS: dict[str, dict[str, t.Any]] = {
    "key_store": {
        "type": "dict",
        "no_log": False,
        "options": {
            "kind": {"type": "str", "choices": list(_KINDS), "required": True},
            "path": {"type": "path"},
            "url": {"type": "str"},
            "mount": {"type": "str"},
            "namespace": {"type": "str"},
            "host": {"type": "str"},
            "port": {"type": "int"},
            "ca_file": {"type": "path"},
            "cert_file": {"type": "path"},
            "key_file": {"type": "path", "no_log": False},
            "token_file": {"type": "path", "no_log": False},
            "username": {"type": "str"},
            "password_file": {"type": "path", "no_log": False},
            "module": {"type": "path"},
            "token": {"type": "str", "no_log": False},
            "pin_file": {"type": "path", "no_log": False},
            "region": {"type": "str"},
            "endpoint_url": {"type": "str"},
            "credentials_file": {"type": "path", "no_log": False},
            "profile": {"type": "str"},
            "window_days": {"type": "int"},
        },
    }
}


def misplaced_secrets(params: t.Mapping[str, t.Any]) -> set[str]:
    """What a module must not tell of its options: the option C(token) is a label, and where there is none it is a token itself, a likely slip."""
    given = params["key_store"] or {}
    return {given["token"]} if given.get("token") and given.get("kind") != "pkcs11" else set()


def open_store(document: t.Mapping[str, t.Any], executor: Executor) -> KeyStore:
    """The store that the options name; nothing is asked of it yet.

    :raises PolicyError: the options are not valid; its text repeats no values, any of which may be a secret by mistake.
    :raises StoreRefusedError: a library is missing, or a file with a secret cannot be used.
    """
    given = {key: value for key, value in plain(dict(document)).items() if value is not None}
    kind, options = read_document(given, "key_store", lambda node: read_kind(node, _TAKES, _value), private=True)
    return _KINDS[kind](executor, **options)


def _value(name: str, node: Node) -> t.Any:
    if name in _PATHS:
        return node.text(pattern=r"/.*[^/]", form="an absolute path, without a slash at its end")
    if name not in _NUMBERS:
        return node.text()
    least, most = _NUMBERS[name]
    number = node.integer(minimum=least)
    if number > most:
        node.problem(f"is more than {most}")
    return number
