# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of classes and periods where the key store can be reached: made, and used to wrap anew what must be kept."""

from __future__ import annotations

import os
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .._keys.age import Label
from .._keys.agekeys import fingerprint, recipient_text, wipe
from .._keys.files import require_plain
from .._keys.period_keys import PeriodKey, create_period_key, load_period_key, look_at_period_key, unwrap_identity
from .._keys.rewrapping import answer_all, require_answered
from .._keys.stores.options import open_store
from .._keys.stores.store import KeyStore

__all__ = ["known_key", "make_period_key", "wrap_anew"]


def known_key(directory: str, class_name: str, period: str, prefix: str) -> PeriodKey:
    """The key that a document tells of.

    :raises RefusedError: there is none.
    """
    require_plain(directory, "the directory of period keys")
    found = load_period_key(directory, class_name, period, prefix=prefix)
    if found is None:
        raise RefusedError(
            f"{directory} has no document of a key of {class_name} {period}, so nothing was done; make the key with period_key, or bring the document back"
        )
    return found


def _store(params: t.Mapping[str, t.Any], executor: Executor) -> KeyStore:
    """:raises RefusedError: none is given, or it cannot be used."""
    if params["key_store"] is None:
        raise RefusedError("key_store is not given, so nothing was done; name the store that keeps the keys")
    return open_store(params["key_store"], executor)


def _told(store: KeyStore, key: PeriodKey) -> dict[str, t.Any]:
    recipient = {"class": key.class_name, "period": key.period, "recipient": recipient_text(key.recipient)}
    state = look_at_period_key(store, key)
    living = state.state not in ("pending", "gone", "absent")
    said = (
        f"the key of {key.class_name} {key.period} is destroyed or on its way to it ({state.told}), so nothing is to be encrypted for it: "
        "recordings of that period that came since stay as they are; see where they came from"
    )
    return {
        **recipient,
        # What is encrypted for a key that is gone is lost.
        "recipients": [recipient] if living else [],
        "fingerprint": fingerprint(key.recipient),
        "state": state.row(),
        "warnings": [] if living else [said],
    }


def make_period_key(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(period_key).

    :raises RefusedError: the store or the document speaks against it.
    """
    require_plain(params["dir"], "the directory of period keys")
    store = _store(params, executor)
    found = load_period_key(params["dir"], params["class"], params["period"], prefix=params["prefix"])
    if found is not None:
        told = _told(store, found)
        # Looking at a key that is gone is no reason to warn.
        return {"changed": False, **told, "warnings": [] if check_mode else told["warnings"]}
    if check_mode:
        nothing: dict[str, t.Any] = {"recipient": None, "recipients": [], "fingerprint": None, "state": None, "warnings": []}
        return {"changed": True, "class": params["class"], "period": params["period"], **nothing}
    made = create_period_key(store, params["class"], params["period"], params["dir"], executor, prefix=params["prefix"])
    return {"changed": True, **_told(store, made)}


def wrap_anew(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(period_rewrap).

    :raises DisposalError: the store or what was asked speaks against it; then there are no answers.
    """
    if params["period"] == params["to_period"]:
        raise RefusedError(
            f"period and to_period are both {params['period']}, so nothing was done; name the period whose key they are to have then"
        )
    for name in ("asks", "answers"):
        require_plain(params[name], name)
    store = _store(params, executor)
    old, new = (known_key(params["dir"], params["class"], period, params["prefix"]) for period in (params["period"], params["to_period"]))
    labels = [Label(key.class_name, key.period, fingerprint(key.recipient)) for key in (old, new)]
    if check_mode:
        return {"changed": True, "answered": 0}
    before, after = bytearray(unwrap_identity(store, old)), bytearray(unwrap_identity(store, new))
    try:
        count = answer_all(executor, params["asks"], params["answers"], before, labels[0], new.recipient, labels[1])
        require_answered(params["answers"], after, count)
    except BaseException:
        if os.path.lexists(params["answers"]):
            executor.unlink(params["answers"])
        raise
    finally:
        wipe(before, after)
    return {"changed": True, "answered": count}
