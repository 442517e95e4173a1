# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller adds before a host looks at media that are to leave it: which they are by the register, and the policy with its documents."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import plain
from ..module_utils._errors import DisposalError
from ..module_utils._media.serials import serial_key
from ._action import located
from ._inputs import complete_arguments
from ._register import Register
from ._register_files import RegisterFile

__all__ = ["drain_arguments"]

_STATE = "released"
_MOST_NAMED = 10


def drain_arguments(args: t.Mapping[str, t.Any], loader: DataLoader, *, host: str, check_mode: bool) -> dict[str, t.Any]:
    """The module's arguments with the media of a host, and all that C(complete_arguments) adds.

    :raises AnsibleActionFail: the register is not valid, a serial is not one that may be looked for here, or a document cannot be read.
    """
    done = complete_arguments(args, loader, check_mode=check_mode)
    path, serials = done.pop("register", None), done.pop("serials", None)
    if path and done.get("media") is not None:
        raise AnsibleActionFail("register and media are both given; give one of them")
    if not path:
        if serials is not None:
            raise AnsibleActionFail(
                "serials narrows what a register has, and no register is given; give register, or name the serials under media"
            )
        return done
    try:
        register = RegisterFile(located(str(path))).register
    except DisposalError as error:
        raise AnsibleActionFail(error.message) from error
    done["media"] = _media(register, None if serials is None else _texts(serials), host)
    return done


def _texts(serials: t.Any) -> list[str]:
    listed = plain(serials)
    return [str(serial) for serial in (listed if isinstance(listed, list) else str(listed).split(","))]


def _media(register: Register, serials: list[str] | None, host: str) -> list[str]:
    """The serials of a host's released media, as the register writes them; those of other hosts are not this host's business."""
    own = [medium for medium in register.media.values() if medium.host == host]
    if serials is None:
        return [medium.serial for medium in own if medium.state == _STATE]
    faults = []
    found = []
    for key, serial in {serial_key(serial): serial.strip() for serial in serials}.items():
        medium = register.media.get(key)
        if medium is None:
            faults.append(f"{serial or 'a blank serial'} is not in it, so enter it first, or correct the serial")
        elif medium.host == host and medium.state != _STATE:
            faults.append(f"{medium.serial} is {medium.state}, not {_STATE}, so record its release first (media_register), or leave it out")
        elif medium.host == host:
            found.append(medium.serial)
    if faults:
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise AnsibleActionFail(
            f"serials names media that the register {register.name} does not have as {_STATE} on {host}, so nothing was looked at: "
            f"{'; '.join(faults[:_MOST_NAMED])}{more}"
        )
    return found
