# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two serials are the same, and by which name evidence knows a medium."""

from __future__ import annotations

from .._evidence.canonical import digest_of

__all__ = ["medium_set", "serial_key"]


def serial_key(serial: str) -> str:
    """A serial without the spaces and the case in which labels, tools and people differ."""
    return "".join(serial.split()).casefold()


def medium_set(serial: str) -> str:
    """The name of a medium in journals: the same whoever destroys it, by firmware or by a shredder."""
    return digest_of({"medium": serial_key(serial)})
