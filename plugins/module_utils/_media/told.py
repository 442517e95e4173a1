# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a fact is told that may be missing."""

from __future__ import annotations

import typing as t

__all__ = ["told"]


def told(value: t.Any, why: str) -> t.Any:
    """A value, or that it is unavailable and why; never an empty one."""
    return {"unavailable": why} if value in (None, "", (), []) else value
