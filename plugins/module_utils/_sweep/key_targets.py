# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option C(target) of C(crypto_erase) names, by its kind."""

from __future__ import annotations

import os
import typing as t

from .._erasure.looking import Look
from .._errors import RefusedError
from .._executor import Executor
from .._keys.erasable import KeyTarget
from .._keys.files import require_plain
from .._keys.fscrypt import FscryptDirectory
from .._keys.period import PeriodKeyTarget
from .._keys.period_keys import PREFIX
from .._keys.reports import Reports
from .._keys.stores.options import open_store
from .._keys.volume import LuksVolume
from .._keys.zfs import ZfsDataset
from .._media.identity import find_device, given_identity
from .drive_key import DriveKey
from .periods import known_key
from .sanitizing import LEAST_CANARIES

__all__ = ["KINDS", "target_of"]


def _luks(params: t.Mapping[str, t.Any], _executor: Executor) -> KeyTarget:
    given = params["target"]
    every = {"none": 0, "sample": 100 // params["sample_share"], "all": 1}[params["verify"]]
    return LuksVolume(
        find_device(given_identity(given["device"])),
        header=given["header"],
        key_file=given["key_file"],
        backups=params["header_backups"],
        look=Look(every=every, seed=params["seed"] or os.urandom(8).hex()),
        close=params["close"],
        on_unseen=params["on_unseen"],
    )


def _period(params: t.Mapping[str, t.Any], executor: Executor) -> KeyTarget:
    given = params["target"]
    if params["key_store"] is None:
        raise RefusedError("a target of the kind period needs key_store, so nothing was done; name the store that keeps its key")
    key = known_key(given["dir"], given["class"], given["period"], given["prefix"] or PREFIX)
    return PeriodKeyTarget(open_store(params["key_store"], executor), key, Reports(params["reports"] or [], params["hosts"] or []))


def _fscrypt(params: t.Mapping[str, t.Any], _executor: Executor) -> KeyTarget:
    given = params["target"]
    return FscryptDirectory(
        given["directory"],
        key_file=given["key_file"],
        protectors=given["protectors"] or "keep",
        covers=given["covers"] or (),
        backups=params["header_backups"],
        scan=params["verify"] == "all",
        on_unseen=params["on_unseen"],
    )


def _drive(params: t.Mapping[str, t.Any], _executor: Executor) -> KeyTarget:
    given = params["target"]
    secret = given["psid_file"] or given["key_file"]
    if given["psid_file"] and given["key_file"]:
        raise RefusedError("both psid_file and key_file are given, so nothing was done; give the one by which the drive is to be reverted")
    if secret:
        require_plain(secret, "the file with the drive's secret")
    if params["canaries"] < LEAST_CANARIES:
        raise RefusedError(f"canaries is {params['canaries']}, fewer than {LEAST_CANARIES}, so nothing was done; correct it")
    identity = given_identity(given["device"])
    device = find_device({key: value for key, value in identity.items() if key != "size_bytes"}, sizeless=True)
    if device.partition:
        raise RefusedError(f"{device.name} is a partition, and only the whole drive forgets its key, so nothing was done; name the drive")
    return DriveKey(device, params, secret)


def _zfs(params: t.Mapping[str, t.Any], _executor: Executor) -> KeyTarget:
    given = params["target"]
    return ZfsDataset(
        given["dataset"],
        key_file=given["key_file"],
        covers=given["covers"] or (),
        backups=params["header_backups"],
        scan=params["verify"] == "all",
    )


# By kind: which suboptions it needs, which it may have, and what makes it.
_Maker = t.Callable[[t.Mapping[str, t.Any], Executor], KeyTarget]
_KINDS: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...], _Maker]] = {
    "luks": (("device",), ("header", "key_file"), _luks),
    "period": (("class", "period", "dir"), ("prefix",), _period),
    "fscrypt": (("directory",), ("key_file", "protectors", "covers"), _fscrypt),
    "drive": (("device",), ("key_file", "psid_file", "all_namespaces"), _drive),
    "zfs": (("dataset",), ("key_file", "covers"), _zfs),
}
KINDS = tuple(_KINDS)
# Options beside the target that concern only some kinds.
_BESIDE: t.Mapping[str, tuple[str, ...]] = {
    "header_backups": ("luks", "fscrypt", "zfs"),
    "close": ("luks",),
    "key_store": ("period",),
    "hosts": ("period",),
    "reports": ("period",),
}


def target_of(params: t.Mapping[str, t.Any], executor: Executor) -> KeyTarget:
    """The thing whose key is to be destroyed.

    :raises RefusedError: what was given does not go with the kind, or names nothing.
    """
    if not 1 <= params["sample_share"] <= 100:
        raise RefusedError(f"sample_share is {params['sample_share']}, not from 1 to 100, so nothing was done; correct it")
    given = params["target"]
    needed, allowed, make = _KINDS[given["kind"]]
    missing = [name for name in needed if given[name] is None]
    if missing:
        raise RefusedError(f"a target of the kind {given['kind']} needs {', '.join(missing)}, so nothing was done; give it")
    foreign = [name for name, value in given.items() if value is not None and name not in ("kind", *needed, *allowed)]
    if foreign:
        raise RefusedError(f"{', '.join(foreign)} does not go with a target of the kind {given['kind']}, so nothing was done; take it out")
    beside = [name for name, kinds in _BESIDE.items() if params[name] not in (None, False) and given["kind"] not in kinds]
    if beside:
        raise RefusedError(f"{', '.join(beside)} does not go with a target of the kind {given['kind']}, so nothing was done; take it out")
    target = make(params, executor)
    if params["discard"] != "none" and not target.discards:
        raise RefusedError(
            f"a target of the kind {given['kind']} takes no discard: {params['discard']}, so nothing was done; destroy what is left in another way"
        )
    return target
