# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device that an identity names, with all of its capacity: what it hides is shown again where the task asks for that."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .._media.guards import gather_use, require_free
from .._media.hidden import Hidden, ask_hidden, restore_capacity
from .._media.identity import Device, find_device

__all__ = ["whole_device"]


def whole_device(
    identity: t.Mapping[str, str],
    executor: Executor,
    *,
    hidden_capacity: str,
    on_unseen: str,
    check_mode: bool,
    on_member: str = "refuse",
) -> Device:
    """The device; in check mode as it is now.

    :arg hidden_capacity: C(refuse), or C(restore) where a maximum address (HPA, AMAC) and a configuration overlay (DCO) are to be taken off.
    :raises RefusedError: it cannot be named, is in use, or goes on hiding something.
    """
    if hidden_capacity != "restore":
        return find_device(identity)
    # The size that the register expects is the one that it has without hiding anything.
    device = find_device({key: value for key, value in identity.items() if key != "size_bytes"})
    use = gather_use(device)
    if use.hidden.state != "hidden":
        return find_device(identity)
    require_free(dataclasses.replace(use, hidden=Hidden("none", "")), on_unseen=on_unseen, on_member=on_member)
    if check_mode:
        raise RefusedError(
            f"{device.name} hides capacity ({use.hidden.told}), which check mode does not restore, so what would be done then cannot be told; "
            "run it without check mode, or restore it before"
        )
    restore_capacity(executor, device, use.hidden)
    found = find_device(identity)
    now = ask_hidden(found)
    if now.state != "none":
        raise RefusedError(f"{found.name} was not touched because {now.told} although it was restored; switch it off and on, and run again")
    return found
