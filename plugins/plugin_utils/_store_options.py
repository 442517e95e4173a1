# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which store, by the options of a task; twin of the suboptions of C(store) in the module C(evidence_store)."""

from __future__ import annotations

import typing as t

from ..module_utils._document import Node, plain, read_document, read_kind
from ..module_utils._executor import Executor
from ._action import located
from ._store import Store
from ._store_directory import DirectoryStore
from ._store_git import GitStore
from ._store_s3 import MODES, S3Store

__all__ = ["open_store"]

_KINDS: t.Mapping[str, t.Callable[..., Store]] = {"directory": DirectoryStore, "git": GitStore, "s3": S3Store}
# Of each kind: what it must have, and what it may have.
_TAKES: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "directory": (("path",), ("immutable",)),
    "git": (("path",), ("branch",)),
    "s3": (("bucket", "region", "mode"), ("prefix", "endpoint_url", "credentials_file", "profile", "ca_file")),
}
_PATHS = ("path", "credentials_file", "ca_file")


def open_store(document: t.Mapping[str, t.Any], executor: Executor) -> Store:
    """The store that the options name; nothing is asked of it yet.

    :raises PolicyError: the options are not valid; its text repeats no values, any of which may be a secret by mistake.
    :raises RefusedError: a library is missing, or a file with a secret cannot be used.
    """
    given = {key: value for key, value in plain(dict(document)).items() if value is not None}
    kind, options = read_document(given, "store", lambda node: read_kind(node, _TAKES, _value), private=True)
    return _KINDS[kind](executor, **options)


def _value(name: str, node: Node) -> t.Any:
    if name == "immutable":
        return node.boolean()
    if name == "mode":
        return node.text(allowed=MODES)
    if name == "bucket":
        return node.text(pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", form="the name of a bucket")
    if name == "prefix":
        return node.text(pattern=r"(?:[A-Za-z0-9._-]+/)+", form="a prefix such as disposal/, with a slash at its end")
    text = node.text()
    return located(text) if name in _PATHS and text else text
