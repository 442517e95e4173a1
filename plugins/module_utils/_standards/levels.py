# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The levels of sanitization, in the words and the edition of the standard that they come from."""

from __future__ import annotations

__all__ = ["LEVELS", "STANDARD", "satisfies"]

STANDARD = "NIST SP 800-88 Rev. 2 (2025-09)"
LEVELS = ("none", "clear", "purge", "destroy")


def satisfies(achieved: str, required: str) -> bool:
    """Whether one level is at least the other; a level that is not known satisfies nothing and is never satisfied."""
    if achieved not in LEVELS or required not in LEVELS:
        return False
    return LEVELS.index(achieved) >= LEVELS.index(required)
