# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(sanitize) works on, a block device or a cartridge: found by its identity, guarded, and made the bearer of canaries."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._erasure.bearing import Bearer, BlockBearer
from .._erasure.canary import BLOCK, Canaries
from .._erasure.tapes import TapeBearer
from .._errors import RefusedError
from .._executor import Executor
from .._media.cartridge import Cartridge, find_cartridge, refuse_drive, require_erasable
from .._media.choosing import running_on
from .._media.firmware import failure_mode, refuse_running
from .._media.guards import gather_use, require_free
from .._media.hidden import Hidden
from .._media.identity import Device, find_device, given_identity
from .capacity import whole_device

__all__ = ["Subject", "bearer_of", "find_again", "find_subject", "fresh_canaries", "require_sense", "require_unused", "whole_subject"]

Subject = t.Union[Device, Cartridge]


def require_sense(identity: t.Mapping[str, str], params: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: an option that makes no sense for a cartridge."""
    if "cartridge" in identity and params["verify"] != "canaries":
        raise RefusedError(
            f"verify is {params['verify']}, and of a tape nothing can be read behind its end of data, so nothing was done; leave it out"
        )


def find_subject(identity: t.Mapping[str, str]) -> Subject:
    """The one that an identity names, whatever its size; a device that is busy with itself may show none.

    :raises RefusedError: the identity is faulty, or names none or several.
    """
    if "cartridge" in identity:
        return find_cartridge(identity)
    refuse_drive(identity)
    return find_device({key: value for key, value in identity.items() if key != "size_bytes"}, sizeless=True)


def find_again(subject: Subject) -> Subject:
    """What the identity by which it was found names now.

    :raises RefusedError: it names none or several, or it has another size.
    """
    return find_cartridge(subject.asked) if isinstance(subject, Cartridge) else find_device(subject.asked)


def whole_subject(subject: Subject, executor: Executor, params: t.Mapping[str, t.Any], *, check_mode: bool) -> Subject:
    """What the task names, with all of its capacity.

    :arg subject: as C(find_subject) gave it.
    :raises RefusedError: it is in use, goes on hiding something, or has another size than the register's.
    """
    if isinstance(subject, Cartridge):
        return subject
    if not subject.size:
        now = running_on(subject)
        refuse_running(subject.name, now)
        if now.state == "failed":
            raise RefusedError(
                f"{failure_mode(subject.name, now).partition(';')[0]}, and shows no size, so nothing could be proven and nothing was done; begin a "
                "sanitize by hand (sg_sanitize), and run again once it is over, or destroy it physically"
            )
    return whole_device(
        given_identity(params["device"]),
        executor,
        hidden_capacity=params["hidden_capacity"],
        on_unseen=params["on_unseen"],
        check_mode=check_mode,
    )


def require_unused(subject: Subject, on_unseen: str) -> None:
    """:raises RefusedError: something speaks against destroying what is on it."""
    if isinstance(subject, Cartridge):
        require_erasable(subject, on_unseen=on_unseen)
        return
    # First, since a device that is busy with itself does not tell other things that the guards ask for.
    now = running_on(subject)
    refuse_running(subject.name, now)
    use = gather_use(subject)
    if now.state == "failed" and use.hidden.state == "unknown":
        # In that mode a disk does not tell.
        use = dataclasses.replace(use, hidden=Hidden("unasked", ""))
    require_free(use, on_unseen=on_unseen)


def fresh_canaries(subject: Subject, count: int) -> Canaries:
    """Canaries with a key of their own; on a tape they lie one behind the other."""
    return Canaries(os.urandom(32), count * BLOCK if isinstance(subject, Cartridge) else subject.size, count)


def bearer_of(subject: Subject, canaries: Canaries) -> Bearer:
    return TapeBearer(subject, canaries) if isinstance(subject, Cartridge) else BlockBearer(subject, canaries)
